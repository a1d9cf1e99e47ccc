"""Tasks know what they wait for (C7); the order of the rule tables is agreed by two people and kept as of any time (C4)."""

from alembic import op

revision = "changes_0017"
down_revision = "changes_0016"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
alter table tasks add column depends_on uuid[] not null default '{}';
create index tasks_by_dependency on tasks using gin (depends_on);
create table table_orders (
    number int primary key, names text[] not null, state text not null, author text not null,
    proposed_at timestamptz not null, decided_by text, decided_at timestamptz,
    check (state <> 'in_force' or decided_by <> author)
);
create unique index table_orders_open on table_orders ((true)) where state = 'in_review'
"""
