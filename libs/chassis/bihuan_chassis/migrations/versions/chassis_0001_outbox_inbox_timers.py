"""Outbox, inbox, dead letters, timers and idempotency keys."""

from alembic import op

from bihuan_chassis.tables import metadata

revision = "chassis_0001"
down_revision = None
branch_labels = ("chassis",)


def upgrade() -> None:
    metadata.create_all(op.get_bind(), checkfirst=False)
    # The outbox is written and emptied all the time: clean it by count, not by share of its size.
    op.execute(
        "alter table outbox set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,"
        " autovacuum_vacuum_insert_scale_factor = 0, autovacuum_analyze_scale_factor = 0,"
        " autovacuum_analyze_threshold = 5000)"
    )
