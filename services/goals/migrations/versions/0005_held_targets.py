"""Targets that a change proposes and that wait for consent (C7, C8)."""

from alembic import op

revision = "goals_0005"
down_revision = "goals_0004"
branch_labels = None


def upgrade() -> None:
    op.execute("alter table targets add column held text")
    op.execute("create index targets_held on targets (change) where held is not null")
