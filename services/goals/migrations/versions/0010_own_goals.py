"""Customer orders as far as payment goes, own goals and their threads (G9)."""

from alembic import op

revision = "goals_0010"
down_revision = "goals_0009"
branch_labels = None


def upgrade() -> None:
    op.execute(
        "create table orders (number text primary key, series text not null, delivered_at timestamptz,"
        " paid_at timestamptz, version int not null)"
    )
    op.execute("create index orders_paid on orders (delivered_at) where paid_at is not null")
    op.execute(
        "create table own_goals (goal uuid primary key, person text not null, manager text not null,"
        " metric text not null, title text not null, baseline numeric, target numeric not null,"
        " due_at timestamptz not null, state text not null, version int not null)"
    )
    op.execute("create index own_goals_by_person on own_goals (person)")
    op.execute("create index own_goals_by_manager on own_goals (manager)")
    op.execute(
        "create table own_goal_lines (id uuid primary key, goal uuid not null references own_goals,"
        " person text not null, act text not null, words text not null, target numeric, at timestamptz not null)"
    )
    op.execute("create index own_goal_lines_by_goal on own_goal_lines (goal, at)")
