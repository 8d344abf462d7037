"""samples: closed tips, of which some are drawn to be read again"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'samples',
        sa.Column('tip', sa.LargeBinary(length=16), nullable=False),
        sa.Column('lot', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('tip', name=op.f('pk_samples')),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table('samples')
