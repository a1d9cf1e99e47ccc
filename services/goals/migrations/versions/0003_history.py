"""Every version of tasks and projects with its cause; consents as far as later changes name them (G11)."""

from alembic import op

revision = "goals_0003"
down_revision = "goals_0002"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
create table task_versions (
    task uuid not null, version int not null, valid_from timestamptz not null, project uuid not null, owner text,
    whole boolean not null, derived boolean not null, state jsonb not null, causes jsonb not null,
    primary key (task, version)
);
create index task_versions_of_project on task_versions (project, valid_from);
create index tasks_ever_in_project on task_versions (project, task) where whole;
create index tasks_ever_owned on task_versions (owner, task) where whole;
create table project_versions (
    project uuid not null, version int not null, valid_from timestamptz not null, whole boolean not null,
    state jsonb not null, causes jsonb not null, primary key (project, version)
);
create table consents (
    matrix uuid primary key, number text not null, title text not null, state text not null, change uuid,
    version int not null
);
create index consents_of_change on consents (change) where change is not null;
insert into task_versions
    select task, version, now(), project, owner, true, false,
        to_jsonb(t) - '{retest_change}'::text[], '[{"kind": "taken_over"}]'
    from tasks as t;
insert into project_versions
    select project, version, now(), true, to_jsonb(p), '[{"kind": "taken_over"}]' from projects as p
"""
