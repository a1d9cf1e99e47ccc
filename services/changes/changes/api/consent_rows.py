"""Rows of a matrix as they are filled in: bodies, what they mean, and what they lack (C7)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from bihuan_chassis.http import Body, FieldError, Invalid, Tx, invalid
from bihuan_contracts import Key, Text
from bihuan_contracts.changes import Adjustment, Compensation, CompensationKind, ConsentAnswer
from changes import consent_store, store
from changes.domain import consent
from changes.domain.consent import Counter, FoundBy, Matrix, Row
from changes.domain.world import Task

Hours = Annotated[Decimal, Field(ge=0, le=10_000)]


class CompensationIn(Body):
    kind: Literal["none", "rest_days", "bonus_points", "help", "moved_deadline"]
    amount: Annotated[Decimal, Field(ge=0, le=100_000)] = Decimal(0)
    helper: Key | None = None
    due_at: AwareDatetime | None = None
    """Until when; None: ten working days after everybody has agreed."""


class CounterIn(Body):
    hours: Hours | None = None
    compensation: CompensationIn | None = None


class RowIn(Body):
    person: Key
    task: UUID | None = None
    action: Annotated[str, Field(max_length=400)] = ""
    hours: Hours | None = None
    compensation: CompensationIn | None = None


async def found_rows(
    tx: Tx, adjustments: Sequence[Adjustment], tasks: dict[UUID, Task], proposer: str
) -> tuple[Row, ...]:
    return consent.affected(
        adjustments,
        tasks,
        await consent_store.links(tx, tasks),
        await consent_store.neighbours(tx, tasks.values()),
        await consent_store.leads(tx, {one.project for one in adjustments}),
        proposer,
        tx.new_id,
    )


async def filled_rows(tx: Tx, given: Sequence[RowIn], needed: Sequence[Row], before: Matrix) -> tuple[Row, ...]:
    """Rows as filled in. Whom the system found stays; others are the proposer's, or helpers that a row names."""
    helpers = {row.compensation.helper for row in given if row.compensation and row.compensation.helper}
    known = await consent_store.known_people(tx, {row.person for row in given} | helpers)
    tasks = await consent_store.tasks(tx, {row.task for row in given if row.task})
    reasons = {(row.person, row.task): row for row in needed}
    old = {(row.person, row.task): row.row for row in before.rows}
    errors: list[FieldError] = []
    rows: dict[tuple[str, UUID | None], Row] = {}
    for place, row in enumerate(given):
        key = (row.person, row.task)
        if row.person not in known:
            errors.append(_error(f"rows.{place}.person", "unknown_person", "没有这个人", "There is no such person"))
        if row.task is not None and row.task not in tasks:
            errors.append(_error(f"rows.{place}.task", "unknown_task", "没有这个任务", "There is no such task"))
        if key in rows:
            errors.append(_error(f"rows.{place}.person", "duplicate", "同一人列了两次", "The person is listed twice"))
        if row.compensation and row.compensation.helper and row.compensation.helper not in known:
            field = f"rows.{place}.compensation.helper"
            errors.append(_error(field, "unknown_person", "没有这个人", "There is no such person"))
        if row.compensation and row.compensation.due_at and row.compensation.due_at <= tx.now:
            field = f"rows.{place}.compensation.due_at"
            errors.append(_error(field, "past", "兑现期限要在今后", "The date has to lie ahead"))
        rows[key] = Row(
            old.get(key) or tx.new_id(), row.person, reasons[key].found_by if key in reasons else FoundBy.PERSON,
            row.task, tasks[row.task].code if row.task in tasks else None, row.action, row.hours,
            _compensation(row.compensation),
        )  # fmt: skip
    missing = [row for row in needed if (row.person, row.task) not in rows]
    if missing:
        names = await store.people_names(tx, {row.person for row in missing})
        listed = "、".join(names.get(row.person, row.person) for row in missing)
        errors.append(
            _error("rows", "missing_person", f"受影响的人不能去掉：{listed}", f"Affected people left out: {listed}")
        )
    if errors:
        raise Invalid(errors=errors)
    asked = {row.person for row in rows.values()}
    for helper in sorted(one for one in helpers if one and one not in asked):
        kept = next((one for one in before.rows if one.person == helper and one.task is None), None)
        rows[helper, None] = replace(
            kept or Row(tx.new_id(), helper, FoundBy.HELPER), found_by=FoundBy.HELPER, answer=ConsentAnswer.SILENT
        )
    return tuple(rows.values())


def _compensation(given: CompensationIn | None) -> Compensation | None:
    return (
        Compensation(kind=CompensationKind(given.kind), amount=given.amount, helper=given.helper, due_at=given.due_at)
        if given
        else None
    )


async def counter_of(tx: Tx, answer: str, given: CounterIn | None) -> Counter | None:
    if given is None:
        return None
    if answer != "negotiating":
        raise invalid("counter", "not_here", "只有还价时才填", "Only for a counter-offer")
    if given.hours is None and given.compensation is None:
        raise invalid("counter", "missing", "请写明希望的工时或补偿", "Name the hours or the compensation you ask for")
    helper = given.compensation.helper if given.compensation else None
    if helper and not await consent_store.known_people(tx, [helper]):
        raise invalid("counter.compensation.helper", "unknown_person", "没有这个人", "There is no such person")
    offer = given.compensation
    if offer and offer.kind != "none" and offer.amount <= 0:
        raise invalid("counter.compensation.amount", "missing", "补偿要有数量", "The compensation needs an amount")
    if offer and offer.kind == "help" and not offer.helper:
        raise invalid("counter.compensation.helper", "missing", "请选择由谁帮忙", "Say who helps")
    return Counter(given.hours, _compensation(given.compensation))


async def arbiter_of(tx: Tx, adjustments: Sequence[Adjustment], rows: Sequence[Row], proposer: str) -> str | None:
    leads = await consent_store.leads(tx, [adjustments[0].project])
    start = leads.get(adjustments[0].project, proposer)
    return await consent_store.find_arbiter(tx, start, {proposer, *(row.person for row in rows)})


def _error(field: str, code: str, zh: str, en: str) -> FieldError:
    return FieldError(field, code, Text(zh=zh, en=en))
