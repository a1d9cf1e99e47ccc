"""Decision tables with versions, their log, and what they decided (C4). The table used so far becomes version 1."""

import json
from importlib.resources import files

from alembic import op
from sqlalchemy import text

revision = "changes_0003"
down_revision = "changes_0002"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)
    # This file is part of the migration: it never changes.
    content = json.loads(files("changes").joinpath("rules/default-1.json").read_text(encoding="utf-8"))
    title = {"zh": "BOM 版本更新后怎么处理任务", "en": "What happens to tasks when a bill of materials changes"}
    op.execute(
        text(
            "insert into decision_tables (name, position, title) values ('default', 1000, cast(:t as jsonb))"
        ).bindparams(t=json.dumps(title, ensure_ascii=False))
    )
    op.execute(
        text(
            "insert into decision_versions (name, version, state, content, effective_from, drafted_at)"
            " values ('default', 1, 'published', cast(:c as jsonb), '2000-01-01 00:00Z', '2000-01-01 00:00Z')"
        ).bindparams(c=json.dumps(content, ensure_ascii=False))
    )


_DDL = """
create table decision_tables (
    name text primary key, position int not null, title jsonb not null
);
create sequence decision_numbers start 2;
create table decision_versions (
    name text not null references decision_tables, version int not null, state text not null, content jsonb not null,
    digest text not null generated always as (md5(content::text)) stored,
    effective_from timestamptz, effective_until timestamptz, authors text[] not null default '{}',
    based_on int, edition int not null default 1, drafted_at timestamptz not null, submitted_at timestamptz,
    approver text, approved_at timestamptz, primary key (name, version),
    check (approver is null or approver <> all(authors)),
    check (state <> 'published' or effective_from is not null)
);
create unique index decision_versions_open on decision_versions (name) where state in ('draft', 'in_review');
create index decision_versions_in_force on decision_versions (effective_from) where state = 'published';
create table decision_log (
    id uuid primary key, name text not null, version int not null, at timestamptz not null, by text not null,
    kind text not null, note text
);
create index decision_log_by_table on decision_log (name, at);
create table rule_decisions (
    change uuid not null references change_orders, subject text not null, row uuid, facts jsonb not null,
    said jsonb not null, trace jsonb not null, decided_at timestamptz not null, primary key (change, subject)
);
create index rule_decisions_by_row on rule_decisions (row) where row is not null;
drop table rule_tables
"""
