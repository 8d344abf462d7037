"""lanes: errands wait in lines of their own, so that what is slow never stands before danger"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        'outbox', sa.Column('lane', sa.String(length=12), nullable=False, server_default='other')
    )
    op.execute(sa.text("UPDATE outbox SET lane = 'urgent' WHERE urgent"))
    op.create_index(op.f('ix_outbox_lane_state_due_at'), 'outbox', ['lane', 'state', 'due_at'])


def downgrade() -> None:
    op.drop_index(op.f('ix_outbox_lane_state_due_at'), table_name='outbox')
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.drop_column('lane')
