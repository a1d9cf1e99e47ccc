"""Technical documents of projects: a section for each module, each version kept (C11)."""

from alembic import op

revision = "changes_0006"
down_revision = "changes_0005"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
create table documents (project uuid primary key, version int not null);
create table document_sections (
    project uuid not null references documents, module text not null, version int not null, title text not null,
    body text not null, item_version text, by text, change uuid, at timestamptz not null,
    primary key (project, module, version)
)
"""
