"""An item's row names its parts, so that a released bill is two rows; where-used is an index over them."""

from datetime import UTC, datetime

from alembic import op

revision = "changes_0007"
down_revision = "changes_0006"
branch_labels = None
# Items that were known as somebody's part only are named by that row now; those that were released stay.
BEFORE = {"items.released_at": datetime(2026, 3, 11, 0, 30, tzinfo=UTC)}


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
alter table items add column parts jsonb;
update items set parts = edges.parts from (
    select parent, jsonb_object_agg(child, concat_ws(' ', by, case when inherited then 'inherited' end,
        case when allow_variants then 'allow_variants' end)) as parts from uses group by parent) as edges
where edges.parent = item;
create index items_by_part on items using gin (parts) with (fastupdate = off);
drop table uses;
delete from items where released_at is null
"""
