"""outcomes: how far a package's lateness was raised, and tallies of what became of packages"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

# What was sent before is in the score too, as far as clear columns tell.
_BEFORE = """
INSERT INTO tallies (queue, agency, month, what, count)
SELECT t.queue, p.agency, substr(p.day, 1, 7), '{what}', count(*)
FROM packages p JOIN tips t ON t.id = p.tip
WHERE p.state IN ({states})
GROUP BY t.queue, p.agency, substr(p.day, 1, 7)
"""


def upgrade() -> None:
    op.add_column(
        'packages', sa.Column('stage', sa.SmallInteger(), nullable=False, server_default=sa.text('0'))
    )
    op.create_index(op.f('ix_packages_stage_state_day'), 'packages', ['stage', 'state', 'day'])
    op.create_table('tallies',
    sa.Column('queue', sa.String(length=80), nullable=False),
    sa.Column('agency', sa.String(length=96), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('what', sa.String(length=32), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('queue', 'agency', 'month', 'what', name=op.f('pk_tallies')),
    sqlite_with_rowid=False
    )
    op.execute("UPDATE packages SET stage = -1 WHERE state = 'leaving'")
    op.execute(_BEFORE.format(what='received', states="'sent', 'opened', 'confirmed', 'answered'"))
    op.execute(_BEFORE.format(what='confirmed', states="'confirmed', 'answered'"))


def downgrade() -> None:
    op.drop_table('tallies')
    op.drop_index(op.f('ix_packages_stage_state_day'), table_name='packages')
    with op.batch_alter_table('packages', schema=None) as batch_op:
        batch_op.drop_column('stage')
