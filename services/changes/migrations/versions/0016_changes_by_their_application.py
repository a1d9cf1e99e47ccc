"""Changes by the moment of their application: what a task may have missed is asked with each batch of tasks (C3)."""

from alembic import op

revision = "changes_0016"
down_revision = "changes_0015"
branch_labels = None


def upgrade() -> None:
    op.execute("create index change_orders_by_application on change_orders (applied_at) where applied_at is not null")
    op.execute("create index change_orders_of_an_item on change_orders (item, applied_at) where applied_at is not null")
