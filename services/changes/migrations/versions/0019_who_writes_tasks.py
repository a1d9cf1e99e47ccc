"""Changes that are applied at the same moment do not wait for each other, only for tasks that are being written (C3).

A lock on a table knows what an advisory lock does not: two groups that keep each other out and nobody of their own. The
trigger is for workers of the version before as well; they also ask for the advisory lock that theirs took.
"""

from alembic import op

revision = "changes_0019"
down_revision = "changes_0018"
branch_labels = None


def upgrade() -> None:
    op.execute("create table task_writers ()")
    op.execute(_WRITES)
    op.execute(
        "create trigger tasks_are_written before insert or update on tasks for each statement"
        " execute function writes_tasks()"
    )


_WRITES = """
create function writes_tasks() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(1952543595);
    lock table task_writers in row exclusive mode;
    return null;
end
$$
"""
