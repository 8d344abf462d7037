"""invitations"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('invitations',
    sa.Column('id', sa.LargeBinary(length=16), nullable=False),
    sa.Column('secret', sa.LargeBinary(length=32), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('roles', sa.String(length=80), nullable=False),
    sa.Column('agency', sa.String(length=96), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('by', sa.LargeBinary(length=16), nullable=False),
    sa.Column('second', sa.LargeBinary(length=16), nullable=True),
    sa.Column('until', sa.BigInteger(), nullable=False),
    sa.Column('pending', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invitations')),
    sa.UniqueConstraint('secret'),
    sqlite_with_rowid=False
    )


def downgrade() -> None:
    op.drop_table('invitations')
