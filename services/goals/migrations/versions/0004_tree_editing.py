"""Editing trees: dependencies, places, revisions, goal cycles, and what people have edited (G1)."""

from alembic import op

revision = "goals_0004"
down_revision = "goals_0003"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
alter table tasks add column depends_on jsonb not null default '[]', add column position int not null default 0,
    add column revision int not null default 1;
create table cycles (
    cycle uuid primary key, kind text not null, name text not null, project uuid references projects,
    starts_at timestamptz not null, ends_at timestamptz not null, frozen_at timestamptz, frozen_by text,
    version int not null
);
create unique index cycles_by_name on cycles (name, coalesce(project, '00000000-0000-0000-0000-000000000000'));
create table tree_edits (
    id uuid primary key, project uuid not null, goal uuid, task uuid, title text not null, action text not null,
    changes jsonb not null, reason text, person text not null, at timestamptz not null
);
create index tree_edits_by_project on tree_edits (project, at);
create index tree_edits_by_task on tree_edits (task, at) where task is not null
"""
