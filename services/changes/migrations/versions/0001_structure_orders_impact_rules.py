"""Product structure, projections of tasks, projects and people, change orders, impact rows, rule tables."""

from alembic import op

revision = "changes_0001"
down_revision = None
branch_labels = ("changes",)


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
create table items (
    item text primary key, name text not null, kind text not null, variant_of text, version text,
    released_at timestamptz
);
create table bom_versions (
    item text not null, version text not null, lines jsonb, released_at timestamptz not null, change uuid,
    primary key (item, version)
);
create table uses (
    child text not null, parent text not null, by text not null, primary key (child, parent)
);
create index uses_by_parent on uses (parent);
create table projects (
    project uuid primary key, code text not null, name text not null, product text not null, lead text not null,
    phase text, customer text, state text not null, version int not null
);
create table tasks (
    task uuid primary key, code text not null, title text not null, kind text not null, state text not null,
    owner text, module text, item_version text, project uuid not null, retest_change uuid, version int not null
);
create index tasks_by_module on tasks (module);
create index tasks_by_retest on tasks (retest_change) where retest_change is not null;
create table people (
    person text primary key, name text not null, department text, roles text[] not null, modules text[] not null,
    manager text, active boolean not null, version int not null
);
create index people_by_module on people using gin (modules);
create table change_orders (
    change uuid primary key, number text not null, revision int not null, state text not null, item text not null,
    base_version text, new_version text not null, source text not null, release jsonb not null, orders jsonb not null,
    blocked_by text, released_at timestamptz not null, received_at timestamptz not null, applied_at timestamptz,
    closed_at timestamptz, version int not null, impact_version int not null default 0,
    unique (number, revision)
);
create index change_orders_by_release on change_orders (released_at desc);
create index change_orders_by_item on change_orders (item, base_version) where applied_at is not null;
create table impact_rows (
    row uuid primary key, change uuid not null references change_orders, position int not null, task uuid,
    person text not null, action text not null, body jsonb not null
);
create index impact_rows_by_change on impact_rows (change, position);
create index impact_rows_by_task on impact_rows (task) where task is not null;
create sequence form_numbers;
create table rule_tables (
    name text not null, version int not null, model jsonb not null, effective_from timestamptz not null default now(),
    approved_by text, primary key (name, version)
)
"""
