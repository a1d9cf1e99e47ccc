"""Retest cards, answers, documents with versions, attachments."""

from alembic import op

revision = "feedback_0001"
down_revision = None
branch_labels = ("feedback",)


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
create table people (person text primary key, name text not null, active boolean not null, version int not null);
create table projects (project uuid primary key, name text not null, lead text not null, version int not null);
create table orders (change uuid primary key, number text not null, released_by text, version int not null);
create table cards (
    task uuid primary key, code text not null, title text not null, change uuid, change_number text, owner text,
    project uuid not null, project_name text not null, module text, new_version text, state text not null,
    retest boolean not null, version int not null
);
create table answers (
    task uuid not null, version int not null, person text not null, answer text not null, comment text,
    at timestamptz not null, primary key (task, version)
);
create table documents (
    task uuid not null, version int not null, document uuid not null, body text not null, person text not null,
    at timestamptz not null, primary key (task, version)
);
create table attachments (
    id uuid primary key, task uuid not null, name text not null, media_type text not null, size int not null,
    digest bytea not null, content bytea not null, person text not null, at timestamptz not null
);
create index attachments_by_task on attachments (task, at);
create index attachments_by_person on attachments (person)
"""
