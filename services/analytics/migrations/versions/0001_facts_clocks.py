"""Append-only facts, and the clocks of each change."""

from alembic import op

revision = "analytics_0001"
down_revision = None
branch_labels = ("analytics",)


def upgrade() -> None:
    for statement in _DDL.split(";;\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
create table facts (
    id uuid primary key, topic text not null, key text not null, source text not null, at timestamptz not null,
    received_at timestamptz not null, actor text, body jsonb not null
);;
create index facts_by_key on facts (key, at);;
create index facts_by_time on facts using brin (received_at);;
create function refuse_change() returns trigger language plpgsql as $$
begin raise exception 'facts are append-only'; end $$;;
create trigger facts_append_only before update or delete or truncate on facts
    for each statement execute function refuse_change();;
create table people (person text primary key, name text not null, version int not null);;
create table clocks (
    change uuid primary key, number text not null, item text not null, item_name text not null,
    released_at timestamptz not null, received_at timestamptz not null, applied_at timestamptz,
    first_report_at timestamptz, first_report text, superseded boolean not null default false,
    delivery_version int not null default 0, report_version int not null default 0
);;
create index clocks_by_release on clocks (released_at);;
create table recipients (
    change uuid not null, person text not null, expected boolean not null default false,
    delivered_at timestamptz, confirmed_at timestamptz, primary key (change, person)
);;
create table retests (
    change uuid not null, module text not null, new_version text not null, primary key (change, module)
);;
create index retests_by_module on retests (module, new_version)
"""
