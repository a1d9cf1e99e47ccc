"""Where-used tells the planner how few bills name a part (C3).

For an item that it knows nothing of, PostgreSQL expects a hundredth of all bills to name it, again at each level, and
sets up a hash table for as many rows as its memory allows, at each call. That a bill names a part as used or as a
substitute is true of all of them, and makes the guess a hundred times smaller.
"""

from alembic import op

revision = "changes_0018"
down_revision = "changes_0017"
branch_labels = None


def upgrade() -> None:
    op.execute(_USED_IN)
    op.execute(_USES)


_USED_IN = """
create or replace function used_in(starts text[])
returns table (child text, parent text, how text, name text, kind text, variant_of text, version text)
language sql stable set plan_cache_mode = force_custom_plan as $$
with recursive above (child, parent, how, name, kind, variant_of, version) as (
    select part, i.item, i.parts->>part, i.name, i.kind, i.variant_of, i.version
        from unnest(starts) as part join items as i on i.parts ? part
            and split_part(i.parts->>part, ' ', 1) in ('used', 'substitute')
    union
    select above.parent, i.item, i.parts->>above.parent, i.name, i.kind, i.variant_of, i.version
        from above join items as i on i.parts ? above.parent
            and split_part(i.parts->>above.parent, ' ', 1) in ('used', 'substitute'))
select * from above
$$
"""
_USES = """
create or replace function uses_above(starts text[], with_substitutes boolean)
returns table (child text, parent text, how text) language sql stable set plan_cache_mode = force_custom_plan as $$
with recursive above (child, parent, how) as (
    select part, i.item, i.parts->>part from unnest(starts) as part join items as i on i.parts ? part
        and split_part(i.parts->>part, ' ', 1) in ('used', case when with_substitutes then 'substitute' else 'used' end)
    union
    select above.parent, i.item, i.parts->>above.parent from above join items as i on i.parts ? above.parent
        and split_part(i.parts->>above.parent, ' ', 1)
            in ('used', case when with_substitutes then 'substitute' else 'used' end))
select child, parent, how from above
$$
"""
