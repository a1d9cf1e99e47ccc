"""The rows and the decisions of a change as one value each: a large change is written in two rows, not in thousands.

`impact_rows` keeps who and what, for look-ups; what was written row by row before stays readable through the views.
"""

from alembic import op

revision = "changes_0012"
down_revision = "changes_0011"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
create table impact_units (
    change uuid primary key references change_orders, rows json not null
);
alter table impact_rows alter column body drop not null;
create table decision_sets (
    change uuid primary key references change_orders, kinds json not null, subjects json not null,
    decided_at timestamptz not null
);
create view impact_bodies as
    select change, row, body from impact_rows as r where body is not null
        and not exists (select from impact_units as u where u.change = r.change)
    union all
    select change, (body->>'row')::uuid, body from impact_units cross join lateral jsonb_array_elements(rows::jsonb) as body;
create view decisions as
    select change, subject, row, facts, said, trace, decided_at from rule_decisions
    union all
    select change, one->>0, (one->>1)::uuid, one->2, (kinds->((one->>3)::int)->'said')::jsonb,
        (kinds->((one->>3)::int)->'trace')::jsonb, decided_at
    from decision_sets cross join lateral jsonb_array_elements(subjects::jsonb) as one
"""
