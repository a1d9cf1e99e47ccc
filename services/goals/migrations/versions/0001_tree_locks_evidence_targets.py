"""Projects, tasks, criterion history, locks, evidence, targets, and the units that were applied."""

from alembic import op

revision = "goals_0001"
down_revision = None
branch_labels = ("goals",)


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
create table people (
    person text primary key, name text not null, department text, department_name text, roles text[] not null,
    modules text[] not null, manager text, active boolean not null, version int not null
);
create table projects (
    project uuid primary key, code text not null unique, name text not null, product text not null,
    customer text, phase text, lead text not null, state text not null, starts_at timestamptz, due_at timestamptz,
    goals jsonb not null, progress numeric, planned_progress numeric, version int not null
);
create table tasks (
    task uuid primary key, code text not null, project uuid not null references projects, goal uuid,
    title text not null,
    kind text not null, state text not null, owner text, module text, item_version text, weight numeric,
    deliverables jsonb not null, locks jsonb not null, retest jsonb, retest_change uuid, origin uuid,
    starts_at timestamptz, due_at timestamptz, finished_at timestamptz, planned_hours numeric, actual_hours numeric,
    share numeric not null, progress numeric, version int not null,
    unique (project, code)
);
create index tasks_by_owner on tasks (owner, state);
create index tasks_by_module on tasks (module);
create index tasks_by_change on tasks (retest_change) where retest_change is not null;
create index tasks_finished on tasks (kind, module) where state = 'done' and actual_hours is not null;
create table criterion_versions (
    criterion uuid not null, version int not null, task uuid not null, text text not null, state text not null,
    replaced_by_change uuid, replaced_at timestamptz not null, primary key (criterion, version, task)
);
create index criterion_versions_by_task on criterion_versions (task);
create table lock_history (
    lock uuid not null, task uuid not null, change uuid not null, change_number text not null, module text not null,
    since timestamptz not null, ended_at timestamptz not null, outcome text not null, reason text, decided_by text,
    expires_at timestamptz, primary key (lock, ended_at)
);
create index lock_history_by_task on lock_history (task);
create table evidence (
    id uuid primary key, task uuid, report text not null, module text not null, module_version text not null,
    criterion uuid, criterion_version int, counts boolean not null, passed boolean not null, code text not null,
    reason jsonb not null, measurements jsonb not null, title text not null, tested_by text,
    tested_at timestamptz not null,
    received_at timestamptz not null, attachments uuid[] not null
);
create index evidence_by_task on evidence (task, received_at);
create table targets (
    id uuid primary key, task uuid not null, change uuid not null, change_number text not null, rule text,
    changes jsonb not null, at timestamptz not null
);
create index targets_by_task on targets (task, at);
create index targets_by_change on targets (change);
create table applied_rows (row uuid primary key, change uuid not null, action text not null, task uuid);
create index applied_rows_by_change on applied_rows (change);
create table retired_units (change uuid primary key, at timestamptz not null);
create table company_calendar (day date primary key, works boolean not null, note text);
create table bookings (
    id uuid primary key, task uuid not null, person text not null, hours numeric not null, note text,
    at timestamptz not null
);
create index bookings_by_task on bookings (task, at)
"""
