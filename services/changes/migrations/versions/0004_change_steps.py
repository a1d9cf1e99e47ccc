"""The steps of change orders, and which tasks have their report (C1, C10)."""

from alembic import op

revision = "changes_0004"
down_revision = "changes_0003"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
create table change_steps (
    id uuid primary key, change uuid not null references change_orders, action text not null, by text,
    reason text, at timestamptz not null
);
create index change_steps_by_change on change_steps (change, at, id);
alter table tasks add column verified boolean not null default false;
update tasks set verified = state = 'done';
create index change_orders_unreleased on change_orders (item) where state in ('draft', 'review')
"""
