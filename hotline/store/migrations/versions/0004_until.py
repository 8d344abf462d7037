"""until: the last month in which a tip and its receipt may live"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # "" until the first night gives every row its month.
    for table in ('tips', 'receipts'):
        op.add_column(
            table, sa.Column('until', sa.String(length=7), nullable=False, server_default=sa.text("''"))
        )


def downgrade() -> None:
    for table in ('tips', 'receipts'):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column('until')
