"""Hours of finished tasks, estimates that were given, and what came of them (C7)."""

from alembic import op

revision = "changes_0010"
down_revision = "changes_0009"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
create table finished_tasks (
    place bigint generated always as identity primary key, task uuid not null unique, code text not null,
    title text not null, words text not null, kind text not null, module text, project uuid not null, product text,
    owner text, role text, hours numeric not null, finished_at timestamptz not null
);
create index finished_tasks_by_module on finished_tasks (kind, module, finished_at desc) include (place, words);
create index finished_tasks_by_product on finished_tasks (kind, product, finished_at desc) include (place, words);
create index finished_tasks_by_role on finished_tasks (kind, role, finished_at desc) include (place, words);
create index finished_tasks_by_kind on finished_tasks (kind, finished_at desc) include (place, words);
create index finished_tasks_without_product on finished_tasks (project) where product is null;
create index finished_tasks_without_role on finished_tasks (owner) where role is null;
create table hour_estimates (
    row uuid not null, revision int not null, matrix uuid not null references matrices, task uuid not null,
    person text not null, basis text not null, n int not null, p20 numeric, p50 numeric, p80 numeric, planned numeric,
    asked numeric, at timestamptz not null, actual numeric, scored_at timestamptz, primary key (row, revision)
);
create index hour_estimates_by_task on hour_estimates (task);
create index hour_estimates_by_time on hour_estimates (at);
create function main_role(roles text[]) returns text language sql immutable as $$
select case when roles is not null then coalesce(
    (select role from unnest(roles) as role where role <> 'employee' order by role limit 1), 'employee') end
$$;
create function family_of(product text) returns text[] language sql stable as $$
select array(select product where product is not null union select items.item from items
    join items as own on own.item = product where items.item in (own.item, own.variant_of)
    or items.variant_of in (own.item, own.variant_of))
$$
"""
