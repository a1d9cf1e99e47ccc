"""Urgent customer requests (G10)."""

from alembic import op

revision = "goals_0008"
down_revision = "goals_0007"
branch_labels = None


def upgrade() -> None:
    op.execute("create sequence request_numbers")
    op.execute(
        "create table requests (request uuid primary key, number text not null unique, what text not null,"
        " customer text not null, booked_by text, booked_at timestamptz not null, project uuid, task uuid,"
        " customer_order text, unique (customer_order, what))"
    )
    op.execute("create index requests_by_time on requests (booked_at)")
    op.execute("create index requests_by_task on requests (task) where task is not null")
    op.execute("create index bookings_by_time on bookings (at)")
    op.execute("create index tasks_ad_hoc on tasks (owner) where kind = 'ad_hoc'")
