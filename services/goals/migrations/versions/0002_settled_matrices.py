"""Targets that a settled impact matrix has moved, each matrix once (C8)."""

from alembic import op

revision = "goals_0002"
down_revision = "goals_0001"
branch_labels = None


def upgrade() -> None:
    op.execute("alter table targets add column matrix uuid")
    op.execute("create table settled_matrices (matrix uuid primary key, at timestamptz not null)")
