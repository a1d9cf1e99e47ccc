"""Notices whose matter is done, by whoever (N2, N3)."""

from alembic import op

revision = "notify_0002"
down_revision = "notify_0001"
branch_labels = None


def upgrade() -> None:
    op.execute("alter table notices add column settled_at timestamptz")
