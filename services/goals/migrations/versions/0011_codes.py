"""Tasks by their code, whole or by its beginning: a retest card's is given out once in the company."""

from alembic import op

revision = "goals_0011"
down_revision = "goals_0010"
branch_labels = None


def upgrade() -> None:
    op.execute("create index tasks_by_code on tasks (code text_pattern_ops)")
