"""People, notices, their states, amendments, cards and mails."""

from alembic import op

revision = "notify_0001"
down_revision = None
branch_labels = ("notify",)


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
create table people (
    person text primary key, name text not null, email text, manager text, active boolean not null, version int not null
);
create table notices (
    notice uuid primary key, person text not null, dedupe text not null, kind text not null, title jsonb not null,
    body jsonb not null, items jsonb not null default '[]', link text not null, must_confirm boolean not null,
    mentioned_by text, change uuid, released_at timestamptz, received_at timestamptz, delivered_at timestamptz not null,
    seen_at timestamptz, read_at timestamptz, confirmed_at timestamptz, superseded boolean not null default false,
    escalate_at timestamptz, escalations int not null default 0, unique (person, dedupe)
);
create index notices_inbox on notices (person, confirmed_at, read_at, delivered_at desc);
create index notices_by_change on notices (change) where change is not null;
create table notice_states (
    notice uuid not null references notices, channel text not null, state text not null, at timestamptz not null,
    detail text, primary key (notice, channel, state, at)
);
create table amendments (
    change uuid not null, person text not null, task uuid not null, task_code text not null, task_title text not null,
    changes jsonb not null, at timestamptz not null, primary key (change, person, task)
);
create table cards (
    task uuid primary key, change uuid not null, owner text, module text not null, code text not null,
    version int not null
);
create index cards_by_change on cards (change, owner);
create table mails (
    notice uuid not null references notices, step int not null, state text not null, attempts int not null,
    error text, sent_at timestamptz, primary key (notice, step)
)
"""
