"""Payloads that could not be understood, and the sequence of report numbers."""

from alembic import op

revision = "intake_0001"
down_revision = None
branch_labels = ("intake",)


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
create table refused (
    id uuid primary key, source text, event_type text, event_id text, connector text not null, body bytea not null,
    code text not null, field text, reason text not null, sender text, received_at timestamptz not null,
    state text not null default 'open', attempts int not null default 1, resolution text, resolved_by text,
    resolved_at timestamptz
);
create index refused_by_state on refused (state, received_at desc);
create table taken (source text not null, event_id text not null, at timestamptz not null, primary key (source, event_id));
create sequence report_numbers
"""
