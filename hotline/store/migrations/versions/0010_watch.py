"""watch: how far lateness was raised, alarms on unusual reading, working hours"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        'deadlines', sa.Column('stage', sa.SmallInteger(), nullable=False, server_default=sa.text('0'))
    )
    op.create_index(op.f('ix_deadlines_due_at'), 'deadlines', ['due_at'])
    op.create_table('alarms',
    sa.Column('id', sa.LargeBinary(length=16), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('person', sa.LargeBinary(length=16), nullable=False),
    sa.Column('day', sa.String(length=10), nullable=False),
    sa.Column('record', sa.LargeBinary(length=16), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('by', sa.LargeBinary(length=16), nullable=True),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alarms')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_alarms_state'), 'alarms', ['state'])
    op.create_table('hours',
    sa.Column('person', sa.LargeBinary(length=16), nullable=False),
    sa.Column('begins', sa.SmallInteger(), nullable=False),
    sa.Column('ends', sa.SmallInteger(), nullable=False),
    sa.PrimaryKeyConstraint('person', name=op.f('pk_hours')),
    sqlite_with_rowid=False
    )


def downgrade() -> None:
    op.drop_table('hours')
    op.drop_table('alarms')
    op.drop_index(op.f('ix_deadlines_due_at'), table_name='deadlines')
    with op.batch_alter_table('deadlines', schema=None) as batch_op:
        batch_op.drop_column('stage')
