"""Where-used as functions that are planned at each call.

PostgreSQL keeps a statement's plan after five uses. One made while `items` was empty reads the whole table, until
autovacuum has analyzed it: half a second a batch during a first import.
"""

from alembic import op

revision = "changes_0009"
down_revision = "changes_0008"
branch_labels = None


def upgrade() -> None:
    op.execute(_USES)
    op.execute(_FAMILY)


_USES = """
create function uses_above(starts text[], with_substitutes boolean)
returns table (child text, parent text, how text) language sql stable set plan_cache_mode = force_custom_plan as $$
with recursive above (child, parent, how) as (
    select part, items.item, items.parts->>part from unnest(starts) as part join items on items.parts ? part
        and (with_substitutes or starts_with(items.parts->>part, 'used'))
    union
    select above.parent, items.item, items.parts->>above.parent from above join items on items.parts ? above.parent
        and (with_substitutes or starts_with(items.parts->>above.parent, 'used')))
select child, parent, how from above
$$
"""
_FAMILY = """
create function items_and_variants(names text[])
returns setof items language sql stable set plan_cache_mode = force_custom_plan as $$
select * from items where item = any(names) or variant_of = any(names)
$$
"""
