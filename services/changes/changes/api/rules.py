"""Decision tables: list, one version, drafts, checks, dry run, JDM, and why a row of an impact is as it is (C4)."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from bihuan_chassis.auth import Person
from bihuan_chassis.http import EVERYONE, Caller, Conflict, FieldError, Invalid, NotFound, Reply, Tx, allow, router
from bihuan_contracts import Text
from changes import rule_steps
from changes.api.rule_bodies import Draft, JdmFile, NewTable, NewVersion, TableIn, Trial, table_of, title_of
from changes.api.rule_orders import OrdersReply, orders_of
from changes.api.rule_replies import (
    EDITORS,
    CheckedReply,
    DifferenceReply,
    Reasons,
    TablePage,
    TableReply,
    TableSummary,
    TableTrace,
    approves,
    cells_of,
    change_reply,
    checked_reply,
    edits,
    page_of,
    summary_of,
    table_reply,
)
from changes.domain import rules_jdm, rules_versions
from changes.domain.rules_catalogue import EFFECTS, FIELDS, OPERATORS, Choice
from changes.domain.rules_dry import Compared, compare, effects_of
from changes.domain.rules_engine import CompiledTable
from changes.domain.rules_jdm import JdmError
from changes.domain.rules_table import Case, Row, Table
from changes.domain.rules_versions import BASE, State, Version, checked, difference
from changes.store import people_names, rules_in_force
from changes.store import versions as tables

routes = router(tags=["rules"])
Last = Annotated[int, Query(ge=1, le=100)]


# ── catalogue ───────────────────────────────────────────────────────────────────────────────────────────────────────


class ChoiceReply(Reply):
    value: str
    label: Text


class FieldReply(Reply):
    name: str
    kind: str
    label: Text
    unit: Text | None
    choices: list[ChoiceReply]
    """A closed list, or the values that occur in the data."""
    closed: bool
    operators: list[str]


class OperatorReply(Reply):
    name: str
    label: Text
    values: int | None
    """How many values it takes; None: one or more."""


class EffectReply(Reply):
    name: str
    label: Text
    choices: list[ChoiceReply]


class Catalogue(Reply):
    """What conditions can ask and effects can say, with the values that occur."""

    fields: list[FieldReply]
    operators: list[OperatorReply]
    effects: list[EffectReply]


@routes.get("/rules/catalogue", dependencies=[allow(EVERYONE)])
async def read_catalogue(tx: Tx) -> Catalogue:
    found = await tables.values_in_data(tx)
    return Catalogue(
        fields=[
            FieldReply(
                name=field.name,
                kind=str(field.kind),
                label=field.label,
                unit=field.unit,
                choices=_choices(field.choices)
                or [
                    ChoiceReply(value=value, label=Text(zh=f"{name} {value}".strip(), en=f"{name} {value}".strip()))
                    for value, name in found.get(field.name, [])
                ],
                closed=bool(field.choices),
                operators=[one.name for one in OPERATORS.values() if field.kind in one.kinds],
            )
            for field in FIELDS.values()
        ],
        operators=[OperatorReply(name=one.name, label=one.label, values=one.values) for one in OPERATORS.values()],
        effects=[
            EffectReply(name=one.name, label=one.label, choices=_choices(one.choices)) for one in EFFECTS.values()
        ],
    )


def _choices(choices: tuple[Choice, ...]) -> list[ChoiceReply]:
    return [ChoiceReply(value=choice.value, label=choice.label) for choice in choices]


# ── tables and versions ─────────────────────────────────────────────────────────────────────────────────────────────


class TableList(Reply):
    tables: list[TableSummary]
    """In the order in which they are asked now."""
    may_edit: bool
    order: OrdersReply


@routes.get("/rules", dependencies=[allow(EVERYONE)])
async def list_tables(tx: Tx, caller: Caller) -> TableList:
    heads = await tables.heads(tx)
    listed = await tables.versions(tx, [one.name for one in heads])
    people = {by for one in listed for by in (*one.authors, one.approver) if by}
    names = await people_names(tx, people)
    return TableList(
        tables=[_line(head, [one for one in listed if one.name == head.name], names, tx, caller) for head in heads],
        may_edit=edits(caller),
        order=await orders_of(tx, caller),
    )


def _line(head: tables.Head, listed: list[Version], names: dict[str, str], tx: Tx, caller: Person) -> TableSummary:
    active = next((one for one in listed if one.in_force(tx.now)), None)
    open_one = next((one for one in listed if one.state in {State.DRAFT, State.IN_REVIEW}), None)
    shown = active or open_one or listed[-1]
    checks = checked(open_one.table) if open_one else None
    return TableSummary(
        name=head.name,
        title=head.title,
        base=head.name == BASE,
        rows=len(shown.table.rows),
        cases=len(shown.table.cases),
        in_force=summary_of(active, names, tx.now) if active else None,
        open=summary_of(open_one, names, tx.now) if open_one else None,
        blocking=checks.blocking if checks else 0,
        red=checks.red if checks else 0,
        waits_for_me=open_one is not None and approves(caller, open_one),
    )


@routes.post("/rules", status_code=201, dependencies=[allow(*EDITORS)])
async def create_table(body: NewTable, tx: Tx, caller: Caller) -> TablePage:
    """A new table: a draft with one row and one test to begin with."""
    head = await tables.add_head(tx, title_of(body.title, body.title_en))
    row = Row("row-1", {}, {"action": ("inform",)} if body.complete else {})
    case = Case("case-1", "1", {}, ("row-1",))
    effects = ("action", "hours_factor", "tell", "consent")
    table = Table(("module", "task_kind"), effects, (row,), (case,), complete=body.complete)
    version = Version(head.name, 1, State.DRAFT, table, (caller.id,), 1, tx.now)
    await rule_steps.drafted(tx, version, caller.id)
    return await page_of(tx, caller, head, version, [version])


@routes.get("/rules/{name}", dependencies=[allow(EVERYONE)])
async def read_table(
    name: str, tx: Tx, caller: Caller, version: Annotated[int | None, Query(ge=1)] = None
) -> TablePage:
    """One version; without a number the open one, else the one in force."""
    head, listed = await rule_steps.load(tx, name)
    if version is not None:
        return await page_of(tx, caller, head, rule_steps.of_number(listed, version), listed)
    open_one = next((one for one in listed if one.state in {State.DRAFT, State.IN_REVIEW}), None)
    active = next((one for one in listed if one.in_force(tx.now)), None)
    return await page_of(tx, caller, head, open_one or active or listed[-1], listed)


@routes.post("/rules/{name}/versions", status_code=201, dependencies=[allow(*EDITORS)])
async def draft_version(name: str, body: NewVersion, tx: Tx, caller: Caller) -> TablePage:
    """A new draft from any version, also an old one."""
    head, listed = await rule_steps.load(tx, name, lock=True)
    origin = rule_steps.of_number(listed, body.based_on)
    if any(one.state in {State.DRAFT, State.IN_REVIEW} for one in listed):
        raise Conflict(
            "open_version", Text(zh="已有一个草稿，请在它上面继续", en="There is a draft already: go on with it")
        )
    draft = Version(
        name, listed[-1].version + 1, State.DRAFT, origin.table, (caller.id,), 1, tx.now, based_on=origin.version
    )
    await rule_steps.drafted(tx, draft, caller.id)
    return await page_of(tx, caller, head, draft, [*listed, draft])


@routes.put("/rules/{name}/versions/{version}", dependencies=[allow(*EDITORS)])
async def save_draft(name: str, version: int, body: Draft, tx: Tx, caller: Caller) -> TablePage:
    table = table_of(body.table)
    head, listed = await rule_steps.load(tx, name, lock=True)
    before = rule_steps.of_number(listed, version)
    after = rule_steps.stepped(lambda: rules_versions.edit(before, caller.id, body.edition, table))
    title = title_of(body.title, body.title_en)
    await rule_steps.saved(tx, after, title)
    return await page_of(tx, caller, replace(head, title=title), after, rule_steps.with_(listed, after))


@routes.get("/rules/{name}/versions/{version}/difference/{other}", dependencies=[allow(EVERYONE)])
async def compare_versions(name: str, version: int, other: int, tx: Tx) -> DifferenceReply:
    """What `version` changes against `other`."""
    _, listed = await rule_steps.load(tx, name)
    new, old = rule_steps.of_number(listed, version), rule_steps.of_number(listed, other)
    changes = difference(old.table, new.table)
    return DifferenceReply(old=other, new=version, rows=[change_reply(one) for one in changes])


# ── checks, dry run, JDM ────────────────────────────────────────────────────────────────────────────────────────────


@routes.post("/rules/check", dependencies=[allow(*EDITORS)])
async def check_table(body: TableIn) -> CheckedReply:
    """Findings and test results of a table that is being edited; nothing is saved."""
    return checked_reply(checked(table_of(body)))


class DryRow(Reply):
    """One past decision that the draft would change."""

    change: UUID
    change_number: str
    task_code: str | None
    task_title: str | None
    module: str
    person_name: str | None
    before: dict[str, list[str]]
    after: dict[str, list[str]]
    before_rule: str
    after_rule: str
    verdict: str


class DryChange(Reply):
    """One past change, all its decisions together."""

    change: UUID
    change_number: str
    decisions: int
    changed: int
    missed: int


class DryRun(Reply):
    changes: list[DryChange]
    rows: list[DryRow]
    """The decisions that differ."""
    same: int
    without_record: int
    """Changes of the time before decisions were kept: nothing can be said about them."""


@routes.post("/rules/{name}/dry-run", dependencies=[allow(*EDITORS)])
async def dry_run(name: str, body: Trial, tx: Tx) -> DryRun:
    """The last changes under the rules in force, and under the same rules with this table in them."""
    trial = CompiledTable(name, 0, table_of(body.table))
    await rule_steps.load(tx, name)
    past = await tables.past_decisions(tx, body.last)
    before = await rules_in_force(tx, tx.now)
    after = await tables.book_with(tx, name, trial)
    compared = compare(past, before, after)
    subjects = await tables.subjects(tx, past)
    numbers = {one.change: subjects[one.change, one.subject].change_number for one in past}
    return DryRun(
        changes=[
            DryChange(
                change=change,
                change_number=number,
                decisions=sum(one.past.change == change for one in compared),
                changed=sum(one.past.change == change and one.verdict == "changed" for one in compared),
                missed=sum(one.past.change == change and one.verdict == "missed" for one in compared),
            )
            for change, number in numbers.items()
        ],
        rows=[_dry_row(one, subjects[one.past.change, one.past.subject]) for one in compared if one.verdict != "same"],
        same=sum(one.verdict == "same" for one in compared),
        without_record=await tables.changes_without_record(tx, body.last),
    )


def _dry_row(one: Compared, subject: tables.Subject) -> DryRow:
    return DryRow(
        change=one.past.change, change_number=subject.change_number, task_code=subject.task_code,
        task_title=subject.task_title, module=subject.module, person_name=subject.person_name or subject.person,
        before=cells_of(effects_of(one.before, one.past.facts)), after=cells_of(effects_of(one.after, one.past.facts)),
        before_rule=f"{one.before.table}/{one.before.row}", after_rule=f"{one.after.table}/{one.after.row}",
        verdict=str(one.verdict),
    )  # fmt: skip


@routes.get("/rules/{name}/versions/{version}/jdm", dependencies=[allow(EVERYONE)])
async def export_jdm(name: str, version: int, tx: Tx) -> dict[str, Any]:
    """The version as JDM, for other editors and engines."""
    _, listed = await rule_steps.load(tx, name)
    return rules_jdm.written(name, rule_steps.of_number(listed, version).table)


@routes.post("/rules/read-jdm", dependencies=[allow(*EDITORS)])
async def read_jdm(body: JdmFile) -> TableReply:
    """A JDM file as a table to go on with; nothing is saved. Scripts and unknown fields are refused, each by name."""
    try:
        table = rules_jdm.read(body.model)
    except JdmError as error:
        raise Invalid(errors=[FieldError(one.field, one.wrong.code, one.wrong.text) for one in error.refused]) from None
    rule_steps.refuse_table(table)
    return table_reply(table)


# ── why ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@routes.get("/changes/{change}/rows/{row}/reasons", dependencies=[allow(EVERYONE)])
async def read_reasons(change: UUID, row: UUID, tx: Tx) -> Reasons:
    """The facts on which the row was decided, and each table as it was in force, with its trace."""
    found = await tables.decision_of_row(tx, change, row)
    if found is None:
        raise NotFound()
    names = [one["table"] for one in found["trace"]]
    listed = await tables.versions(tx, names)
    titles = {head.name: head.title for head in await tables.heads(tx)}
    by_number = {(one.name, one.version): one.table for one in listed}
    return Reasons(
        row=row,
        facts=found["facts"],
        said=found["said"],
        decided_at=found["decided_at"],
        tables=[
            TableTrace(
                name=one["table"], title=titles[one["table"]], version=one["version"], hits=one["hits"],
                stopped=one["stopped"], table=table_reply(by_number[one["table"], one["version"]]),
            )
            for one in found["trace"]
        ],
    )  # fmt: skip
