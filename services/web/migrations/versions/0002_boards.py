"""Boards: the newest state of every project and task, as their topics tell it."""

from alembic import op

revision = "web_0002"
down_revision = "web_0001"


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
create table board_projects (
    project uuid primary key, code text not null, name text not null, product text not null, customer text,
    lead text not null, state text not null, body jsonb not null, version int not null
);
create table board_tasks (
    task uuid primary key, project uuid not null, code text not null, title text not null, kind text not null,
    state text not null, owner text, module text, locked boolean not null, impact_weight numeric not null,
    due_at timestamptz, body jsonb not null, version int not null
);
create index board_tasks_by_project on board_tasks (project);
create index board_tasks_by_owner on board_tasks (owner, state)
"""
