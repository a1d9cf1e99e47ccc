"""Impact matrices with their rows and their thread (C7, C8); due dates and hours of tasks in the projection."""

from alembic import op

revision = "changes_0002"
down_revision = "changes_0001"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
alter table tasks add column due_at timestamptz, add column planned_hours numeric;
create sequence matrix_numbers;
create table matrices (
    matrix uuid primary key, number text not null unique, title text not null, reason text not null,
    proposer text not null, arbiter text, change uuid, state text not null, revision int not null,
    adjustments jsonb not null, proposed_at timestamptz not null, sent_at timestamptz, settled_at timestamptz,
    version int not null
);
create index matrices_by_proposer on matrices (proposer, proposed_at desc);
create index matrices_by_arbiter on matrices (arbiter) where state = 'open';
create index matrices_by_change on matrices (change) where change is not null;
create table matrix_rows (
    row uuid primary key, matrix uuid not null references matrices, position int not null, person text not null,
    task uuid, answer text not null, body jsonb not null, received_at timestamptz
);
create index matrix_rows_by_matrix on matrix_rows (matrix, position);
create index matrix_rows_by_person on matrix_rows (person, matrix);
create table matrix_thread (
    id uuid primary key, matrix uuid not null references matrices, revision int not null, kind text not null,
    by text, row uuid, body jsonb not null, at timestamptz not null
);
create index matrix_thread_by_matrix on matrix_thread (matrix, at, id)
"""
