"""The directory of people, for sign-in and search."""

from alembic import op

revision = "web_0001"
down_revision = None
branch_labels = ("web",)


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
create table people (
    person text primary key, name text not null, name_latin text, department text, department_name text, title text,
    manager text, roles text[] not null, supplier text, active boolean not null, version int not null
);
create index people_by_name on people (name)
"""
