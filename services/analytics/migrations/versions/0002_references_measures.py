"""Facts by what they mention, measures with their version, and clocks that start when a change takes effect."""

from alembic import op

revision = "analytics_0002"
down_revision = "analytics_0001"


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
alter table facts add column type text not null default '', add column refs text[] not null default '{}';
create index facts_by_ref on facts using gin (refs);
create table measures (
    metric text not null, subject text not null, value numeric not null, n int not null, complete boolean not null,
    version int not null, primary key (metric, subject)
);
insert into measures select 'release_to_last_delivery', change::text, -1, 0, false, delivery_version
    from clocks where delivery_version > 0;
insert into measures select 'release_to_first_retest_report', change::text, -1, 0, false, report_version
    from clocks where report_version > 0;
alter table clocks drop column delivery_version, drop column report_version,
    add column effective_at timestamptz, add column assessed boolean not null default true,
    add column impact_version int not null default 0, add column order_version int not null default 0
"""
