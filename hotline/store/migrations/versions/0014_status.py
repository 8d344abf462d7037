"""status: alarms about the line itself, what the ledger last balanced"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('line_alarms',
    sa.Column('code', sa.String(length=24), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('rung', sa.Integer(), nullable=False),
    sa.Column('by', sa.LargeBinary(length=16), nullable=True),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_line_alarms')),
    sqlite_with_rowid=False
    )


def downgrade() -> None:
    op.drop_table('line_alarms')
