"""Evidence by the criterion's kind: checklists, approvals, files, commits; reports in doubt (G5)."""

from alembic import op

revision = "goals_0006"
down_revision = "goals_0005"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
create table proofs (
    id uuid primary key, task uuid not null, kind text not null, title text not null, person text not null,
    at timestamptz not null, ref text, digest text, items int[] not null, criterion uuid, criterion_version int,
    counts boolean not null, passed boolean not null, code text not null, reason jsonb not null
);
create index proofs_by_task on proofs (task, at);
create index proofs_by_criterion on proofs (criterion, criterion_version) where criterion is not null;
create table doubtful_reports (
    id uuid primary key, report text not null, candidates uuid[] not null, tested_by text, body jsonb not null,
    received_at timestamptz not null, settled_at timestamptz, task uuid, settled_by text
);
create index doubtful_reports_open on doubtful_reports (received_at) where settled_at is null
"""
