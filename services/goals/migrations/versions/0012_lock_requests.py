"""What the owner of a locked task asks its lead to decide (G6)."""

from alembic import op

revision = "goals_0012"
down_revision = "goals_0011"
branch_labels = None


def upgrade() -> None:
    op.execute(
        "create table lock_requests (lock uuid not null, task uuid not null, person text not null,"
        " decision text not null, reason text not null, expires_at timestamptz, asked_at timestamptz not null,"
        " primary key (lock, asked_at))"
    )
    op.execute("create index lock_requests_by_task on lock_requests (task)")
