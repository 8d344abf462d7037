"""seen: signs that messages to reporters were read"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'seen',
        sa.Column('id', sa.LargeBinary(length=16), nullable=False),
        sa.Column('month', sa.String(length=7), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_seen')),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f('ix_seen_month'), 'seen', ['month'])


def downgrade() -> None:
    op.drop_table('seen')
