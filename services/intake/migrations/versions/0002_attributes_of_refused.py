"""The attributes of refused binary events, which came as headers: without them no body can be sent again."""

from alembic import op

revision = "intake_0002"
down_revision = "intake_0001"


def upgrade() -> None:
    op.execute("alter table refused add column attributes jsonb")
    op.execute("create index refused_by_time on refused (received_at desc)")
