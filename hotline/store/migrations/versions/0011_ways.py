"""ways: packages that left the line by an agency's own way, and how it stands with each agency"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        'packages', sa.Column('delivered', sa.String(length=10), nullable=False, server_default='')
    )
    op.create_table('ways',
    sa.Column('agency', sa.String(length=96), nullable=False),
    sa.Column('failures', sa.SmallInteger(), nullable=False),
    sa.Column('until', sa.BigInteger(), nullable=False),
    sa.Column('told', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('agency', name=op.f('pk_ways')),
    sqlite_with_rowid=False
    )


def downgrade() -> None:
    op.drop_table('ways')
    with op.batch_alter_table('packages', schema=None) as batch_op:
        batch_op.drop_column('delivered')
