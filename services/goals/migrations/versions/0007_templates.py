"""Templates of project types, kept as data (G1)."""

from alembic import op

revision = "goals_0007"
down_revision = "goals_0006"
branch_labels = None


def upgrade() -> None:
    op.execute(
        "create table templates (template uuid primary key, project_type text not null, name text not null unique,"
        " description text not null, goals jsonb not null, version int not null, edited_by text not null,"
        " edited_at timestamptz not null)"
    )
