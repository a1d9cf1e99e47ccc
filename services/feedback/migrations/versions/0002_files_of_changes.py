"""Files of change orders beside those of tasks (C2)."""

from alembic import op

revision = "feedback_0002"
down_revision = "feedback_0001"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
alter table orders add column author text, add column state text not null default 'released';
alter table attachments alter column task drop not null, add column change uuid,
    add constraint attachments_belong check (num_nonnulls(task, change) = 1);
create index attachments_by_change on attachments (change, at) where change is not null
"""
