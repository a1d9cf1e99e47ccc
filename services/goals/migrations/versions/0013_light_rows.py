"""Reports and locks write a task where it stands: nothing that they change is in an index, and pages keep room for it."""

from alembic import op

revision = "goals_0013"
down_revision = "goals_0012"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


# PostgreSQL leaves the indexes of a row alone (HOT) as long as no column of an index, or of its condition, changes.
_DDL = """
create index tasks_of_owner on tasks (owner);
create index tasks_of_kind on tasks (kind, module);
drop index tasks_by_owner;
drop index tasks_by_module;
drop index tasks_finished;
drop index task_versions_of_project;
alter table tasks set (fillfactor = 70);
alter table projects set (fillfactor = 50)
"""
