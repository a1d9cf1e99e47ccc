"""Where-used brings each item on the way along: a second question would ask for thousands of them by name (C3)."""

from alembic import op

revision = "changes_0014"
down_revision = "changes_0013"
branch_labels = None


def upgrade() -> None:
    op.execute(_USED_IN)
    op.execute(_ITEMS_OR_VARIANTS)


_USED_IN = """
create function used_in(starts text[])
returns table (child text, parent text, how text, name text, kind text, variant_of text, version text)
language sql stable set plan_cache_mode = force_custom_plan as $$
with recursive above (child, parent, how, name, kind, variant_of, version) as (
    select part, i.item, i.parts->>part, i.name, i.kind, i.variant_of, i.version
        from unnest(starts) as part join items as i on i.parts ? part
    union
    select above.parent, i.item, i.parts->>above.parent, i.name, i.kind, i.variant_of, i.version
        from above join items as i on i.parts ? above.parent)
select * from above
$$
"""
_ITEMS_OR_VARIANTS = """
create function items_or_variants(names text[], templates text[])
returns setof items language sql stable set plan_cache_mode = force_custom_plan as $$
select * from items where item = any(names) union all
select * from items where variant_of = any(templates) and item <> all(names)
$$
"""
