"""Rows of own goals, the samples that benchmarks are made of, payments, and who may see whose (G9)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from bihuan_chassis import Transaction
from bihuan_chassis.calendar import ZONE, Calendar
from bihuan_contracts.crm import CustomerOrderChanged
from goals.domain.benchmarks import Metric, Sample
from goals.domain.own_goals import OwnGoal, OwnGoalState

_LINE = (
    "with recursive line(person, manager) as (select person, manager from people where person = $1"
    " union select p.person, p.manager from people as p join line on p.person = line.manager)"
    " select person from line where person <> $1"
)
_DONE = (
    " from tasks as t join projects as p using (project) where t.state = 'done' and t.owner is not null"
    " and t.finished_at >= $1 and t.finished_at < $2"
)
_DAY = "(t.{} at time zone 'Asia/Shanghai')::date"
_SAMPLES = {
    Metric.ON_TIME: (
        "select t.owner as person, p.product as series, t.finished_at as at, case when"
        f" {_DAY.format('finished_at')} <= {_DAY.format('due_at')} then 100 else 0 end::numeric as value"
        f"{_DONE} and t.due_at is not null"
    ),
    Metric.HOURS_DEVIATION: (
        "select t.owner as person, p.product as series, t.finished_at as at,"
        " abs(t.actual_hours - t.planned_hours) * 100 / t.planned_hours as value"
        f"{_DONE} and t.planned_hours > 0 and t.actual_hours is not null"
    ),
    Metric.FIRST_PASS: (
        "select distinct d.owner as person, p.product as series, e.tested_at as at, t.task,"
        " case when e.passed then 100 else 0 end::numeric as value"
        " from (select distinct on (task) * from evidence where counts order by task, tested_at)"
        " as e join tasks as t using (task) join projects as p on p.project = t.project"
        " join tasks as d on d.project = t.project and d.module = t.module and d.kind = 'develop'"
        " where d.owner is not null and e.tested_at >= $1 and e.tested_at < $2"
    ),
    Metric.RESPONSE_DAYS: (
        "select t.owner as person, p.product as series, t.finished_at as at, t.starts_at"
        f"{_DONE} and t.kind = 'ad_hoc' and t.starts_at is not null"
    ),
    Metric.TEST_DAYS: (
        "select t.owner as person, p.product as series, t.finished_at as at, t.starts_at"
        f"{_DONE} and t.kind in ('test', 'retest') and t.starts_at is not null"
    ),
}
_GOALS = (
    "select g.goal, g.person, g.metric, g.title, g.baseline, g.target, g.due_at, g.state, g.version,"
    " case when g.state in ('proposed', 'negotiating') then coalesce(p.manager, g.manager) else g.manager end"
    " as manager,"
    " (select max(at) from own_goal_lines as l where l.goal = g.goal and l.act = 'accept') as accepted_at"
    " from own_goals as g left join people as p using (person)"
)
_OF_MANAGER = (
    f"select * from ({_GOALS}) as found where manager = $1"  # noqa: S608 - constants
    " order by state not in ('proposed', 'negotiating'), goal desc limit 200"
)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody as benchmarks see them: with their department and everybody in it."""

    name: str
    roles: frozenset[str]
    manager: str | None
    team_name: str | None
    team: frozenset[str]


async def line_above(tx: Transaction, person: str) -> set[str]:
    """Somebody's managers, up the line."""
    return {row["person"] for row in await tx.raw.fetch(_LINE, person)}


async def member(tx: Transaction, person: str) -> Member | None:
    row = await tx.raw.fetchrow(
        "select *, array(select o.person from people as o where o.active and o.department = p.department) as team"
        " from people as p where person = $1",
        person,
    )
    if row is None:
        return None
    return Member(row["name"], frozenset(row["roles"]), row["manager"], row["department_name"], frozenset(row["team"]))


_IN_DAYS = frozenset({Metric.RESPONSE_DAYS, Metric.TEST_DAYS})
_SUMS = """
select person, series, min(at) as at, count(*)::int as n, {what} from ({each}) as one group by grouping sets (
    (person{also}), (series, date_trunc('month', at at time zone 'Asia/Shanghai'){also}))
"""


async def samples(
    tx: Transaction, metric: Metric, start: datetime, end: datetime, calendar: Calendar, people: Collection[str]
) -> list[Sample]:
    """Every value of these people."""
    query = f"select * from ({_SAMPLES[metric]}) as each_one where person = any($3::text[])"  # noqa: S608 - constants
    rows = await tx.raw.fetch(query, start, end, list(people))
    return [
        Sample(row["person"], row["series"], row["at"],
               Decimal(calendar.between(row["starts_at"], row["at"])) if metric in _IN_DAYS else row["value"])
        for row in rows
    ]  # fmt: skip


async def sums(
    tx: Transaction, metric: Metric, start: datetime, end: datetime, calendar: Calendar
) -> tuple[list[Sample], list[Sample]]:
    """The values of the whole company, by person and by series and month: few rows, however much work was done."""
    if metric in _IN_DAYS:
        first, last = (f"({moment} at time zone 'Asia/Shanghai')::date" for moment in ("starts_at", "at"))
        what, also = f"{first} as first, {last} as last", f", {first}, {last}"
        rows = await tx.raw.fetch(_SUMS.format(what=what, each=_SAMPLES[metric], also=also), start, end)
        days = {(row["first"], row["last"]) for row in rows}
        between = {(a, b): Decimal(calendar.between(_noon(a), _noon(b))) for a, b in days}
        values = [between[row["first"], row["last"]] * row["n"] for row in rows]
    else:
        what = "sum(value) as value"
        rows = await tx.raw.fetch(_SUMS.format(what=what, each=_SAMPLES[metric], also=""), start, end)
        values = [row["value"] for row in rows]
    found = [
        Sample(row["person"] or "", row["series"] or "", row["at"], value, row["n"])
        for row, value in zip(rows, values, strict=True)
    ]
    return [one for one in found if one.person], [one for one in found if not one.person]


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), ZONE)


async def save(tx: Transaction, goal: OwnGoal) -> None:
    await tx.raw.execute(
        "insert into own_goals (goal, person, manager, metric, title, baseline, target, due_at, state, version)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (goal) do update set target = excluded.target,"
        " manager = excluded.manager, state = excluded.state, version = excluded.version",
        goal.goal, goal.person, goal.manager, str(goal.metric), goal.title, goal.baseline, goal.target, goal.due_at,
        str(goal.state), goal.version,
    )  # fmt: skip


async def say(tx: Transaction, goal: UUID, person: str, act: str, words: str, target: Decimal) -> None:
    await tx.raw.execute(
        "insert into own_goal_lines (id, goal, person, act, words, target, at) values ($1, $2, $3, $4, $5, $6, $7)",
        tx.new_id(), goal, person, act, words, target, tx.now,
    )  # fmt: skip


async def find(tx: Transaction, goal: UUID) -> OwnGoal | None:
    row = await tx.raw.fetchrow(f"{_GOALS} where g.goal = $1 for update of g", goal)
    return _goal(row) if row else None


async def of_person(tx: Transaction, person: str) -> list[OwnGoal]:
    return [_goal(row) for row in await tx.raw.fetch(f"{_GOALS} where g.person = $1 order by g.goal desc", person)]


async def of_manager(tx: Transaction, manager: str) -> list[OwnGoal]:
    """Open ones belong to whoever is the person's manager now; settled ones to whoever settled them."""
    rows = await tx.raw.fetch(_OF_MANAGER, manager)
    return [_goal(row) for row in rows]


async def lines(tx: Transaction, goals: Sequence[UUID]) -> list[Any]:
    found: list[Any] = await tx.raw.fetch(
        "select * from own_goal_lines where goal = any($1::uuid[]) order by at, id", list(goals)
    )
    return found


def _goal(row: Any) -> OwnGoal:
    return OwnGoal(
        row["goal"], row["person"], row["manager"], Metric(row["metric"]), row["title"], row["baseline"], row["target"],
        row["due_at"], OwnGoalState(row["state"]), row["version"], row["accepted_at"],
    )  # fmt: skip


async def save_orders(tx: Transaction, orders: Sequence[CustomerOrderChanged]) -> None:
    """Delivery and payment of customer orders, the newest state of each."""
    newest = {one.number: one for one in sorted(orders, key=lambda one: one.version)}
    listed = [newest[number] for number in sorted(newest)]
    await tx.raw.execute(
        "insert into orders (number, series, delivered_at, paid_at, version)"
        " select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::int[])"
        " on conflict (number) do update set series = excluded.series, delivered_at = excluded.delivered_at,"
        " paid_at = excluded.paid_at, version = excluded.version where orders.version < excluded.version",
        [one.number for one in listed], [one.series for one in listed], [one.delivered_at for one in listed],
        [one.paid_at for one in listed], [one.version for one in listed],
    )  # fmt: skip


async def payments(tx: Transaction, start: datetime, end: datetime) -> list[tuple[str, datetime, Decimal]]:
    """Series, delivery, and days from delivery to payment, of the orders delivered in the period and paid."""
    rows = await tx.raw.fetch(
        "select series, delivered_at, extract(epoch from paid_at - delivered_at)::numeric / 86400 as days from orders"
        " where paid_at is not null and delivered_at >= $1 and delivered_at < $2 and paid_at >= delivered_at",
        start, end,
    )  # fmt: skip
    return [(row["series"], row["delivered_at"], row["days"]) for row in rows]
