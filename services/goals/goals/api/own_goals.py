"""Own goals and the benchmarks they come from: for the person, their managers up the line, and HR (G9)."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from bihuan_chassis.http import (
    EVERYONE,
    Body,
    Caller,
    Conflict,
    Forbidden,
    NotFound,
    Reply,
    Role,
    Tx,
    allow,
    invalid,
    router,
)
from bihuan_contracts import Key, Text
from bihuan_contracts.notify import NoticeRequested
from goals import own_store, store
from goals.domain.benchmarks import (
    FEWEST_FOR_QUARTILES,
    FEWEST_PAIRS,
    FEWEST_PEOPLE,
    FEWEST_VALUES,
    LESS_IS_BETTER,
    UNITS,
    Metric,
    Sample,
    correlation,
    metrics_of,
    own_figure,
    payment_pairs,
    period_until,
    team_figure,
)
from goals.domain.own_goals import Act, OwnGoal, OwnGoalState, acts, answer

routes = router(tags=["own goals"])
Words = Annotated[str, Field(max_length=1000)]
Target = Annotated[Decimal, Field(ge=0, le=100_000, decimal_places=2)]


class OwnFigure(Reply):
    value: Decimal
    n: int


class TeamReply(Reply):
    """Of everybody in the department, the person among them."""

    median: Decimal
    lower_quartile: Decimal | None
    """None: of fewer than `fewest_for_quartiles` people."""
    upper_quartile: Decimal | None
    people: int
    n: int


class CorrelationReply(Reply):
    """With the days from delivery to payment: Pearson's r and its 95 % interval."""

    r: Decimal
    low: Decimal
    high: Decimal
    n: int
    certain: bool
    """Whether the interval leaves out "no relation"."""


class Benchmark(Reply):
    metric: Metric
    unit: str
    less_is_better: bool
    own: OwnFigure | None
    team: TeamReply | None
    """None: fewer than `fewest_people` have `fewest_values` values."""
    payment: CorrelationReply | None
    """None: not enough data."""
    payment_n: int


class Benchmarks(Reply):
    person: str
    name: str
    team_name: str | None
    starts_at: datetime
    ends_at: datetime
    fewest_values: int
    fewest_people: int
    fewest_for_quartiles: int
    fewest_pairs: int
    metrics: list[Benchmark]


class ProposalIn(Body):
    metric: Metric
    title: Annotated[str, Field(min_length=2, max_length=200)]
    target: Target
    due_at: AwareDatetime
    words: Words = ""


class OwnAnswerIn(Body):
    version: int
    act: Act
    words: Words = ""
    target: Target | None = None


class OwnLine(Reply):
    person: str
    person_name: str
    act: Act
    words: str
    target: Decimal | None
    at: datetime


class OwnGoalReply(Reply):
    goal: UUID
    person: str
    person_name: str
    manager: str
    manager_name: str
    metric: Metric
    unit: str
    less_is_better: bool
    title: str
    baseline: Decimal | None
    target: Decimal
    due_at: datetime
    state: OwnGoalState
    version: int
    current: OwnFigure | None
    """Since it was accepted; None before, and while there is no data."""
    reached: bool
    acts: list[Act]
    """What the caller may answer now."""
    thread: list[OwnLine]


class OwnGoals(Reply):
    goals: list[OwnGoalReply]
    of_my_people: list[OwnGoalReply]
    """Where the caller is the manager; only with one's own list."""


@routes.get("/benchmarks", dependencies=[allow(EVERYONE)])
async def read_benchmarks(tx: Tx, caller: Caller, person: Key | None = None) -> Benchmarks:
    """The metrics of somebody's role over the last 52 whole weeks, beside the team's."""
    whose = person or caller.id
    await _require_may_see(tx, caller, whose)
    start, end = period_until(tx.now)
    who = await own_store.member(tx, whose)
    if who is None:
        raise NotFound()
    calendar, payments = await store.calendar(tx), await own_store.payments(tx, start, end)
    metrics = []
    for metric in metrics_of(who.roles):
        by_person, by_month = await own_store.sums(tx, metric, start, end, calendar)
        # a year of the whole company: what is left of it after the database others need not wait for
        metrics.append(await asyncio.to_thread(_benchmark, metric, by_person, by_month, whose, who.team, payments))
    return Benchmarks(
        person=whose, name=who.name, team_name=who.team_name, starts_at=start, ends_at=end,
        fewest_values=FEWEST_VALUES, fewest_people=FEWEST_PEOPLE, fewest_for_quartiles=FEWEST_FOR_QUARTILES,
        fewest_pairs=FEWEST_PAIRS, metrics=metrics,
    )  # fmt: skip


def _benchmark(
    metric: Metric, by_person: Sequence[Sample], by_month: Sequence[Sample], person: str, team: frozenset[str],
    payments: Sequence[tuple[str, datetime, Decimal]],
) -> Benchmark:  # fmt: skip
    own, others = own_figure(by_person, person), team_figure(by_person, team)
    pairs = payment_pairs(by_month, payments)
    with_payment = correlation(pairs)
    return Benchmark(
        metric=metric, unit=UNITS[metric], less_is_better=metric in LESS_IS_BETTER,
        own=OwnFigure.model_validate(own) if own else None, team=TeamReply.model_validate(others) if others else None,
        payment=CorrelationReply.model_validate(with_payment) if with_payment else None, payment_n=len(pairs),
    )  # fmt: skip


@routes.get("/own-goals", dependencies=[allow(EVERYONE)])
async def list_own_goals(tx: Tx, caller: Caller, person: Key | None = None) -> OwnGoals:
    whose = person or caller.id
    await _require_may_see(tx, caller, whose)
    theirs = await own_store.of_manager(tx, caller.id) if whose == caller.id else []
    own = await own_store.of_person(tx, whose)
    shown = {one.goal: one for one in await _replies(tx, [*own, *theirs], caller)}
    return OwnGoals(goals=[shown[one.goal] for one in own], of_my_people=[shown[one.goal] for one in theirs])


@routes.post("/own-goals", status_code=201, dependencies=[allow(EVERYONE)])
async def propose(body: ProposalIn, tx: Tx, caller: Caller) -> OwnGoalReply:
    """One's own; the direct manager answers."""
    who = await own_store.member(tx, caller.id)
    if who is None or who.manager is None or who.manager == caller.id:
        raise Conflict("no_manager", Text(zh="没有登记上级，无人可以答复", en="No manager is known who could answer"))
    if body.due_at <= tx.now:
        raise invalid("due_at", "past", "到期应在将来", "The due date should be in the future")
    start, end = period_until(tx.now)
    calendar = await store.calendar(tx)
    samples = await own_store.samples(tx, body.metric, start, end, calendar, [caller.id])
    own = own_figure(samples, caller.id)
    goal = OwnGoal(
        tx.new_id(), caller.id, who.manager, body.metric, body.title, own.value if own else None, body.target,
        body.due_at, OwnGoalState.PROPOSED,
    )  # fmt: skip
    return await _entered(tx, goal, caller, Act.PROPOSE, body.words)


@routes.post("/own-goals/{goal}/answers", dependencies=[allow(EVERYONE)])
async def answer_own_goal(goal: UUID, body: OwnAnswerIn, tx: Tx, caller: Caller) -> OwnGoalReply:
    """Accept, negotiate with another target, decline, withdraw; each with its words in the thread."""
    found = await own_store.find(tx, goal)
    if found is None:
        raise NotFound()
    if caller.id not in {found.person, found.manager}:
        raise Forbidden(text=Text(zh="由本人和直接上级商定", en="The person and their manager settle it"))
    if found.version != body.version:
        raise Conflict(current=(await _replies(tx, [found], caller))[0])
    after = answer(found, caller.id, body.act, body.words.strip(), body.target)
    if isinstance(after, Text):
        raise Conflict("refused", after)
    return await _entered(tx, after, caller, body.act, body.words.strip())


async def _entered(tx: Tx, goal: OwnGoal, caller: Caller, act: Act, words: str) -> OwnGoalReply:
    await own_store.save(tx, goal)
    await own_store.say(tx, goal.goal, caller.id, str(act), words, goal.target)
    tx.announce(
        NoticeRequested(
            person=goal.manager if caller.id == goal.person else goal.person, kind="own_goal",
            dedupe=f"own-goal:{goal.goal}:{goal.version}",
            title=Text(zh="自定目标有新的答复", en="An own goal has a new answer"),
            body=Text(zh="请到目标页查看", en="See the page of goals"), link="/goals",
            mentioned_by=caller.id, at=tx.now,
        )
    )  # fmt: skip
    if act is Act.ACCEPT:
        goal = replace(goal, accepted_at=tx.now)
    return (await _replies(tx, [goal], caller))[0]


async def _replies(tx: Tx, goals: Sequence[OwnGoal], caller: Caller) -> list[OwnGoalReply]:
    lines = await own_store.lines(tx, [one.goal for one in goals])
    people = {person for one in goals for person in (one.person, one.manager)} | {row["person"] for row in lines}
    names = await store.names(tx, people)
    since = await _samples_since(tx, goals)
    threads: dict[UUID, list[OwnLine]] = {}
    for row in lines:
        threads.setdefault(row["goal"], []).append(
            OwnLine(
                person=row["person"], person_name=names.get(row["person"], row["person"]), act=Act(row["act"]),
                words=row["words"], target=row["target"], at=row["at"],
            )
        )  # fmt: skip
    return [_reply(one, names, threads.get(one.goal, []), since.get(one.metric, []), caller) for one in goals]


async def _samples_since(tx: Tx, goals: Sequence[OwnGoal]) -> dict[Metric, list[Sample]]:
    """What has been observed since the earliest of these was accepted, by metric."""
    calendar = await store.calendar(tx)
    accepted: dict[Metric, list[tuple[datetime, str]]] = {}
    for one in goals:
        if one.accepted_at is not None:
            accepted.setdefault(one.metric, []).append((one.accepted_at, one.person))
    return {
        metric: await own_store.samples(tx, metric, min(found)[0], tx.now, calendar, {person for _, person in found})
        for metric, found in accepted.items()
    }


def _reply(
    one: OwnGoal, names: dict[str, str], thread: list[OwnLine], samples: Sequence[Sample], caller: Caller
) -> OwnGoalReply:
    current = own_figure(samples, one.person, one.accepted_at) if one.accepted_at else None
    return OwnGoalReply(
        goal=one.goal, person=one.person, person_name=names.get(one.person, one.person), manager=one.manager,
        manager_name=names.get(one.manager, one.manager), metric=one.metric, unit=UNITS[one.metric],
        less_is_better=one.metric in LESS_IS_BETTER, title=one.title, baseline=one.baseline, target=one.target,
        due_at=one.due_at, state=one.state, version=one.version,
        current=OwnFigure.model_validate(current) if current else None,
        reached=current is not None and one.reached_by(current.value), acts=acts(one, caller.id), thread=thread,
    )  # fmt: skip


async def _require_may_see(tx: Tx, caller: Caller, person: str) -> None:
    if person == caller.id or caller.has(Role.HR) or caller.id in await own_store.line_above(tx, person):
        return
    raise Forbidden(text=Text(zh="只有本人、直线上级和人力资源可见", en="For the person, their managers and HR only"))
