"""Files that the sides of an appeal add: frozen with the rest of its evidence (C9, F7)."""

from alembic import op

revision = "changes_0015"
down_revision = "changes_0014"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


# A frozen file is named by its evidence, and so it can't be removed any more; none is ever changed.
_DDL = """
create table appeal_files (
    id uuid primary key, appeal uuid not null references appeals, name text not null, media_type text not null,
    size int not null, sha256 text not null, content bytea not null, person text not null, at timestamptz not null
);
create index appeal_files_by_appeal on appeal_files (appeal, at, id);
create index appeal_files_by_person on appeal_files (person);
create rule appeal_files_are_not_changed as on update to appeal_files do instead nothing;
alter table appeal_evidence alter column content drop not null;
alter table appeal_evidence add column file uuid references appeal_files;
alter table appeal_evidence add constraint appeal_evidence_has_content check (num_nonnulls(content, file) = 1)
"""
