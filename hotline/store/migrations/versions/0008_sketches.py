"""sketches: what sessions compare opened tips by, sealed"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'sketches',
        sa.Column('recipient', sa.String(length=96), nullable=False),
        sa.Column('epoch', sa.String(length=7), nullable=False),
        sa.Column('tip', sa.LargeBinary(length=16), nullable=False),
        sa.Column('sealed', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('recipient', 'epoch', 'tip', name=op.f('pk_sketches')),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f('ix_sketches_tip'), 'sketches', ['tip'])


def downgrade() -> None:
    op.drop_index(op.f('ix_sketches_tip'), table_name='sketches')
    op.drop_table('sketches')
