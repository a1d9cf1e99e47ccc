"""Facts that many tasks of a change share are kept once, as what was said of them is (C4); rows of an impact are found
by their unit, which names the order: checking that again for each row was two fifths of writing it (C3).
"""

from alembic import op

revision = "changes_0020"
down_revision = "changes_0019"
branch_labels = None


def upgrade() -> None:
    op.execute("alter table impact_rows drop constraint impact_rows_change_fkey")
    op.execute("alter table decision_sets add column facts json not null default '[]'")
    op.execute(_VIEW)


# A subject names its facts by their place; those of before carry them.
_VIEW = """
create or replace view decisions as
    select change, subject, row, facts, said, trace, decided_at from rule_decisions
    union all
    select change, one->>0, (one->>1)::uuid,
        case when jsonb_typeof(one->2) = 'number' then shared.facts->((one->>2)::int) else one->2 end,
        shared.kinds->((one->>3)::int)->'said', shared.kinds->((one->>3)::int)->'trace', decided_at
    from decision_sets as s cross join lateral jsonb_array_elements(s.subjects::jsonb) as one
        cross join lateral (select s.facts::jsonb as facts, s.kinds::jsonb as kinds offset 0) as shared
"""
