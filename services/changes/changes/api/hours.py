"""Hours of similar finished tasks, and how often what was said came true (C7)."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime

from bihuan_chassis.http import EVERYONE, Caller, Reply, Tx, allow, invalid, router
from changes import hours, hours_store, store
from changes.api.record import reads_all
from changes.domain.hours import WITHIN, Basis, Estimate, Given, HoursOutcome, score

routes = router(tags=["consents"])
_MOST_TASKS = 200
_DAYS = 365
_MOST_LINES = 1000


class SimilarTask(Reply):
    """A finished task that an estimate rests on."""

    task: UUID
    code: str
    title: str
    hours: Decimal
    finished_at: datetime
    likeness: int | None
    """Of the titles, 0 to 100; None: chosen by structure only."""


class TaskEstimate(Reply):
    """Hours that the task as a whole may take; null figures where fewer than five finished tasks are similar."""

    task: UUID
    basis: Basis
    """What the similar tasks have in common with it beside their kind."""
    n: int
    enough: bool
    p20: Decimal | None
    p50: Decimal | None
    p80: Decimal | None
    planned: Decimal | None
    extra: Decimal | None
    """P50 beyond the plan: a first figure for the column of extra hours."""
    similar: list[SimilarTask]


class EstimateList(Reply):
    estimates: list[TaskEstimate]


class EstimateLine(Reply):
    """An estimate that was given with a matrix, and what the task took."""

    at: datetime
    matrix: UUID
    matrix_number: str
    task: UUID
    task_code: str
    task_title: str
    person_name: str
    basis: Basis
    n: int
    p20: Decimal | None
    p50: Decimal | None
    p80: Decimal | None
    asked: Decimal | None
    """Extra hours that stood in the matrix."""
    actual: Decimal | None
    outcome: HoursOutcome | None


class EstimateScore(Reply):
    start: datetime
    end: datetime
    given: int
    too_few: int
    """Without figures: fewer than five finished tasks were similar."""
    scored: int
    below: int
    within: int
    above: int
    coverage: Decimal | None
    """Percent of the finished tasks whose hours lay between P20 and P80."""
    expected: Decimal
    lines: list[EstimateLine]


@routes.get("/estimates", dependencies=[allow(EVERYONE)])
async def estimate_tasks(
    tx: Tx, task: Annotated[list[UUID], Query(min_length=1, max_length=_MOST_TASKS)], person: str | None = None
) -> EstimateList:
    """P20, P50, P80 of similar finished tasks for each task, done by its owner or by `person`."""
    asked = await hours_store.load_asked(tx, list(dict.fromkeys(task)), [person] * len(dict.fromkeys(task)))
    return EstimateList(estimates=[_reply(one) for one in await hours.estimates(tx, asked)])


@routes.get("/estimates/score", dependencies=[allow(EVERYONE)])
async def read_score(
    tx: Tx, caller: Caller, start: AwareDatetime | None = None, end: AwareDatetime | None = None
) -> EstimateScore:
    """Everybody reads about their own rows; who oversees or leads reads all."""
    end = end or tx.now + timedelta(seconds=1)
    start = start or end - timedelta(days=_DAYS)
    if start >= end:
        raise invalid("start", "after_end", "开始应早于结束", "The start should be before the end")
    rows = await hours_store.given_between(tx, start, end, _MOST_LINES)
    rows = [row for row in rows if reads_all(caller) or row["person"] == caller.id]
    found = score([_given(row) for row in rows])
    names = await store.people_names(tx, {row["person"] for row in rows})
    return EstimateScore(
        start=start, end=end, given=found.given, too_few=found.too_few, scored=found.scored, below=found.below,
        within=found.within, above=found.above, coverage=found.coverage, expected=WITHIN,
        lines=[_line(row, names) for row in rows],
    )  # fmt: skip


def _reply(one: Estimate) -> TaskEstimate:
    return TaskEstimate(
        task=one.task, basis=one.basis, n=one.n, enough=one.enough, p20=one.p20, p50=one.p50, p80=one.p80,
        planned=one.planned, extra=one.extra,
        similar=[
            SimilarTask(
                task=each.task, code=each.code, title=each.title, hours=each.hours, finished_at=each.finished_at,
                likeness=None if each.likeness is None else round(each.likeness),
            )
            for each in one.similar
        ],
    )  # fmt: skip


def _given(row: Any) -> Given:
    return Given(row["p20"], row["p80"], row["actual"])


def _line(row: Any, names: dict[str, str]) -> EstimateLine:
    return EstimateLine(
        at=row["at"], matrix=row["matrix"], matrix_number=row["number"], task=row["task"],
        task_code=row["code"] or "", task_title=row["title"] or "",
        person_name=names.get(row["person"], row["person"]), basis=Basis(row["basis"]), n=row["n"], p20=row["p20"],
        p50=row["p50"], p80=row["p80"], asked=row["asked"], actual=row["actual"], outcome=_given(row).outcome,
    )  # fmt: skip
