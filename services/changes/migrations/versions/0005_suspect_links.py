"""Inherited lines and variants in the structure, goals in the projection of tasks, suspect links (C3)."""

from alembic import op

revision = "changes_0005"
down_revision = "changes_0004"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
alter table uses add column inherited boolean not null default false,
    add column allow_variants boolean not null default false;
delete from uses where by = 'variant';
create index items_by_template on items (variant_of) where variant_of is not null;
alter table tasks add column goal_title text, add column criterion text;
create table suspect_links (
    link uuid primary key, item text not null, kind text not null, target text not null, name text not null,
    task uuid, person text, baseline text, since timestamptz not null
);
create table suspect_clearings (
    clearing uuid primary key, change uuid not null references change_orders, by text, reason text not null,
    links int not null, at timestamptz not null
);
create table suspect_causes (
    change uuid not null references change_orders, link uuid not null references suspect_links,
    path jsonb not null, raised_at timestamptz not null, clearing uuid references suspect_clearings,
    primary key (change, link)
);
create index suspect_causes_open on suspect_causes (link) where clearing is null
"""
