"""the queue: undecided tips in one index; who is here; desks as people set them; handover notes"""

import time

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

COLUMNS = {'queue': 80, 'state': 16, 'priority': 2}


def upgrade() -> None:
    # Columns are added, not the table made anew: a new one would not have the grants of the
    # public process's role.
    for name, length in COLUMNS.items():
        op.add_column(
            'deadlines', sa.Column(name, sa.String(length=length), nullable=False, server_default=sa.text("''"))
        )
    # Names of the list above and a number made here: nothing in these three comes from outside.
    fill = ', '.join(f'{name} = (SELECT {name} FROM tips WHERE tips.id = deadlines.tip)' for name in COLUMNS)  # nosec B608
    op.execute('DELETE FROM deadlines WHERE tip NOT IN (SELECT id FROM tips)')
    op.execute(f'UPDATE deadlines SET {fill}')  # nosec B608
    # A tip that was decided and waits again had no deadline: it is due now, by the hour.
    due = -(-int(time.time()) // 3600) * 3600
    op.execute(
        'INSERT INTO deadlines (tip, due_at, queue, state, priority) '  # nosec B608
        f"SELECT id, {due}, queue, state, priority FROM tips WHERE state IN ('open', 'waiting') "
        'AND id NOT IN (SELECT tip FROM deadlines)'
    )
    with op.batch_alter_table('deadlines', schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f('ix_deadlines_queue_state_priority_due_at_tip'),
            ['queue', 'state', 'priority', 'due_at', 'tip'],
            unique=False,
        )
    with op.batch_alter_table('tips', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_tips_queue_state_priority'))
        batch_op.create_index(
            batch_op.f('ix_tips_queue_state_priority_id'), ['queue', 'state', 'priority', 'id'], unique=False
        )
    op.create_table('presences',
    sa.Column('tip', sa.LargeBinary(length=16), nullable=False),
    sa.Column('person', sa.LargeBinary(length=16), nullable=False),
    sa.Column('editing', sa.Boolean(), nullable=False),
    sa.Column('until', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('tip', 'person', name=op.f('pk_presences')),
    sqlite_with_rowid=False
    )
    op.create_table('preferences',
    sa.Column('person', sa.LargeBinary(length=16), nullable=False),
    sa.Column('name', sa.String(length=8), nullable=False),
    sa.Column('value', sa.String(length=160), nullable=False),
    sa.PrimaryKeyConstraint('person', 'name', 'value', name=op.f('pk_preferences')),
    sqlite_with_rowid=False
    )
    op.create_table('handovers',
    sa.Column('id', sa.LargeBinary(length=16), nullable=False),
    sa.Column('queue', sa.String(length=80), nullable=False),
    sa.Column('epoch', sa.String(length=7), nullable=False),
    sa.Column('until', sa.BigInteger(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handovers')),
    sqlite_with_rowid=False
    )


def downgrade() -> None:
    for table in ('handovers', 'preferences', 'presences'):
        op.drop_table(table)
    with op.batch_alter_table('tips', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_tips_queue_state_priority_id'))
        batch_op.create_index(
            batch_op.f('ix_tips_queue_state_priority'), ['queue', 'state', 'priority'], unique=False
        )
    with op.batch_alter_table('deadlines', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_deadlines_queue_state_priority_due_at_tip'))
    for name in COLUMNS:
        with op.batch_alter_table('deadlines', schema=None) as batch_op:
            batch_op.drop_column(name)
