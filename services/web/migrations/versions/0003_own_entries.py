"""People as HR has them apart from the administrator's own entries, and who has entered what."""

from alembic import op

revision = "web_0003"
down_revision = "web_0002"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
alter table people add column hr jsonb, add column hr_version int not null default 0,
    add column own jsonb not null default '{}', add column edits int not null default 0,
    add column email text, add column modules text[] not null default '{}', add column leaves_on date;
update people set hr_version = version;
create table person_edits (
    id uuid primary key, person text not null, at timestamptz not null, by text not null, by_name text not null,
    changes jsonb not null
);
create index person_edits_by_person on person_edits (person, at)
"""
