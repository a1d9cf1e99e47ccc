"""The record of moved targets, appeals with their evidence (C7, C8, C9)."""

from alembic import op

revision = "changes_0008"
down_revision = "changes_0007"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
create table target_causes (
    id uuid primary key, task uuid not null, task_code text not null, task_title text not null, project uuid not null,
    person text, changes jsonb not null, change uuid not null, change_number text not null, rule text, matrix uuid,
    held boolean not null, at timestamptz not null
);
create index target_causes_by_time on target_causes (at);
create index target_causes_by_task on target_causes (task, at);
create table target_moves (
    task uuid not null, field text not null, version int not null, task_code text not null, task_title text not null,
    project uuid not null, person text, old text, new text, at timestamptz not null, primary key (task, field, version)
);
create index target_moves_by_time on target_moves (at);
create sequence appeal_numbers;
create table appeals (
    appeal uuid primary key, number text not null unique, appellant text not null, respondent text, handler text,
    state text not null, subject text not null, matrix uuid, filed_at timestamptz not null, body jsonb not null,
    version int not null
);
create unique index appeals_open_on_subject on appeals (appellant, subject)
    where state not in ('refused', 'withdrawn', 'acknowledged');
create index appeals_by_handler on appeals (handler, filed_at desc);
create index appeals_by_respondent on appeals (respondent, filed_at desc);
create index appeals_by_matrix on appeals (matrix) where matrix is not null;
create table appeal_thread (
    id uuid primary key, appeal uuid not null references appeals, kind text not null, by text, words text,
    at timestamptz not null
);
create index appeal_thread_by_appeal on appeal_thread (appeal, at, id);
create table appeal_evidence (
    appeal uuid not null references appeals, position int not null, name text not null, sha256 text not null,
    content bytea not null, primary key (appeal, position)
);
create rule appeal_evidence_is_not_changed as on update to appeal_evidence do instead nothing;
create rule appeal_evidence_is_not_removed as on delete to appeal_evidence do instead nothing
"""
