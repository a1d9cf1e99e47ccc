"""Compensations as promises that are tracked until given (C7). `matrix_rows.received_at` is read no more."""

from alembic import op

revision = "changes_0011"
down_revision = "changes_0010"
branch_labels = None

BEFORE = {"matrix_rows.body": {"compensation": {"kind": "rest_days", "amount": "1", "helper": None}}}


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)
    op.execute(_REMINDERS)


# What was agreed to before is owed as well, within two weeks of the agreement.
_DDL = """
create table compensations (
    row uuid primary key, matrix uuid not null references matrices, receiver text not null, giver text not null,
    kind text not null, amount numeric not null, helper text, promised_at timestamptz not null,
    due_at timestamptz not null, given_at timestamptz, note text, contested text, received_at timestamptz
);
create index compensations_by_receiver on compensations (receiver, due_at);
create index compensations_by_giver on compensations (giver, due_at);
create index compensations_by_matrix on compensations (matrix);
create index compensations_owed on compensations (due_at) where received_at is null;
insert into compensations (row, matrix, receiver, giver, kind, amount, helper, promised_at, due_at, received_at)
select r.row, r.matrix, r.person, coalesce(r.body->'compensation'->>'helper', m.proposer),
    r.body->'compensation'->>'kind', coalesce((r.body->'compensation'->>'amount')::numeric, 0),
    r.body->'compensation'->>'helper', m.settled_at, m.settled_at + interval '14 days', r.received_at
from matrix_rows as r join matrices as m using (matrix)
where m.state = 'settled' and m.settled_at is not null and r.body->'compensation'->>'kind' <> 'none'
"""
_REMINDERS = """
do $$ begin
    if to_regclass('timers') is not null then
        insert into timers (kind, key, due_at, payload)
        select 'compensation-due', row::text, greatest(due_at, now()), '{"step": 2}'
        from compensations where received_at is null on conflict do nothing;
    end if;
end $$
"""
