"""Figures of a task before their rounding: what a goal adds up to comes from the database (G2)."""

from alembic import op

revision = "goals_0009"
down_revision = "goals_0008"
branch_labels = None


def upgrade() -> None:
    # Empty for rows that are there: the next act in their project works them out.
    op.execute("alter table tasks add column portion numeric, add column exact numeric")
