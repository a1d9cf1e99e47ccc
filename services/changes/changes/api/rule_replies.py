"""Decision tables as pages read them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from bihuan_chassis.auth import Person
from bihuan_chassis.http import Reply, Role, Tx
from bihuan_contracts import Text
from changes import store
from changes.domain.rules_cells import Condition
from changes.domain.rules_checks import Finding
from changes.domain.rules_table import HitPolicy, Table, Tested
from changes.domain.rules_versions import BASE, Checked, RowChange, State, Version, checked
from changes.store import versions as tables

EDITORS = (Role.PROCESS_OWNER, Role.ADMINISTRATOR)
APPROVERS = (Role.PROCESS_OWNER, Role.DIRECTOR)

Cells = dict[str, list[str]]


class ConditionReply(Reply):
    op: str
    values: list[str]


class RuleRow(Reply):
    id: str
    when: dict[str, ConditionReply]
    then: Cells
    note: Text


class CaseReply(Reply):
    id: str
    title: str
    facts: Cells
    rows: list[str] | None
    then: Cells


class TableReply(Reply):
    fields: list[str]
    effects: list[str]
    rows: list[RuleRow]
    cases: list[CaseReply]
    hit_policy: HitPolicy
    complete: bool


class FindingReply(Reply):
    kind: str
    blocking: bool
    row: str | None
    other: str | None
    field: str | None
    example: Cells | None
    fix: dict[str, ConditionReply] | None


class TestedReply(Reply):
    case: str
    green: bool
    hits: list[str]
    stopped: dict[str, str]
    """By row the first field whose condition was not met; a row in neither was not evaluated."""
    then: Cells


class CheckedReply(Reply):
    findings: list[FindingReply]
    tested: list[TestedReply]
    red: int
    blocking: int
    ready: bool
    """Green tests, nothing that blocks: it may be submitted."""


class VersionSummary(Reply):
    version: int
    state: str
    """draft, in_review, published, retired, withdrawn."""
    in_force: bool
    effective_from: datetime | None
    effective_until: datetime | None
    authors: list[str]
    """Names."""
    approver: str | None
    drafted_at: datetime
    submitted_at: datetime | None
    approved_at: datetime | None
    based_on: int | None


class TableSummary(Reply):
    """One line of the list of tables, in the order in which they decide."""

    name: str
    title: Text
    base: bool
    rows: int
    cases: int
    in_force: VersionSummary | None
    open: VersionSummary | None
    """The draft, or what waits for a second person."""
    blocking: int
    red: int
    """Findings and failing tests of the open version."""
    waits_for_me: bool


class LogLine(Reply):
    version: int
    at: datetime
    by: str
    by_name: str
    kind: str
    note: str | None


class Named(Reply):
    id: str
    name: str


class TablePage(Reply):
    """One version of a table with all that is known about it, and what the caller may do."""

    name: str
    title: Text
    base: bool
    version: VersionSummary
    edition: int
    table: TableReply
    checked: CheckedReply
    versions: list[VersionSummary]
    log: list[LogLine]
    approvers: list[Named]
    """Who may approve this version."""
    may_edit: bool
    may_draft: bool
    may_approve: bool
    may_retire: bool


class CellChangeReply(Reply):
    name: str
    old: ConditionReply | list[str] | None
    new: ConditionReply | list[str] | None


class RowChangeReply(Reply):
    row: str
    kind: str
    old_place: int | None
    new_place: int | None
    cells: list[CellChangeReply]


class DifferenceReply(Reply):
    old: int
    new: int
    rows: list[RowChangeReply]


class TableTrace(Reply):
    """How one table decided about the row."""

    name: str
    title: Text
    version: int
    hits: list[str]
    stopped: dict[str, str]
    table: TableReply


class Reasons(Reply):
    """Why a row of an impact is as it is: the facts of that moment, and each table with its trace."""

    row: UUID
    facts: Cells
    said: Cells
    decided_at: datetime
    tables: list[TableTrace]


def cells_of(cells: Mapping[str, Sequence[str]]) -> Cells:
    return {name: list(values) for name, values in cells.items()}


def condition_reply(condition: Condition) -> ConditionReply:
    return ConditionReply(op=condition.op, values=list(condition.values))


def table_reply(table: Table) -> TableReply:
    return TableReply(
        fields=list(table.fields),
        effects=list(table.effects),
        rows=[
            RuleRow(
                id=row.id,
                when={name: condition_reply(cell) for name, cell in row.when.items()},
                then=cells_of(row.then),
                note=row.note,
            )
            for row in table.rows
        ],
        cases=[
            CaseReply(
                id=case.id,
                title=case.title,
                facts=cells_of(case.facts),
                rows=list(case.rows) if case.rows is not None else None,
                then=cells_of(case.then),
            )
            for case in table.cases
        ],
        hit_policy=table.hit_policy,
        complete=table.complete,
    )


def checked_reply(checks: Checked) -> CheckedReply:
    return CheckedReply(
        findings=[_finding(one) for one in checks.findings],
        tested=[_tested(one) for one in checks.tested],
        red=checks.red,
        blocking=checks.blocking,
        ready=checks.ready,
    )


def _finding(one: Finding) -> FindingReply:
    return FindingReply(
        kind=one.kind, blocking=one.blocking, row=one.row, other=one.other, field=one.field,
        example=cells_of(one.example) if one.example is not None else None,
        fix={name: condition_reply(cell) for name, cell in one.fix.items()} if one.fix is not None else None,
    )  # fmt: skip


def _tested(one: Tested) -> TestedReply:
    return TestedReply(
        case=one.case, green=one.green, hits=list(one.trace.hits), stopped=dict(one.trace.stopped),
        then=cells_of(one.then),
    )  # fmt: skip


def summary_of(version: Version, names: Mapping[str, str], now: datetime) -> VersionSummary:
    return VersionSummary(
        version=version.version,
        state="retired" if version.retired(now) else str(version.state),
        in_force=version.in_force(now),
        effective_from=version.effective_from,
        effective_until=version.effective_until,
        authors=[names.get(one, one) for one in version.authors],
        approver=names.get(version.approver, version.approver) if version.approver else None,
        drafted_at=version.drafted_at,
        submitted_at=version.submitted_at,
        approved_at=version.approved_at,
        based_on=version.based_on,
    )


def edits(caller: Person) -> bool:
    return any(caller.has(role) for role in EDITORS)


def approves(caller: Person, version: Version) -> bool:
    waits = version.state is State.IN_REVIEW and caller.id not in version.authors
    return waits and any(caller.has(role) for role in APPROVERS)


async def page_of(tx: Tx, caller: Person, head: tables.Head, shown: Version, listed: Sequence[Version]) -> TablePage:
    log = await tables.log_of(tx, head.name)
    approvers = await tables.approvers(tx)
    people = {by for one in listed for by in (*one.authors, one.approver) if by} | {line.by for line in log}
    names = await store.people_names(tx, people)
    open_one = next((one for one in listed if one.state in {State.DRAFT, State.IN_REVIEW}), None)
    return TablePage(
        name=head.name,
        title=head.title,
        base=head.name == BASE,
        version=summary_of(shown, names, tx.now),
        edition=shown.edition,
        table=table_reply(shown.table),
        checked=checked_reply(checked(shown.table)),
        versions=[summary_of(one, names, tx.now) for one in reversed(listed)],
        log=[_log_line(one, names) for one in log],
        approvers=[Named(id=id, name=name) for id, name in approvers.items() if id not in shown.authors],
        may_edit=edits(caller) and shown.state is State.DRAFT,
        may_draft=edits(caller) and open_one is None,
        may_approve=approves(caller, shown),
        may_retire=_retires(caller, shown, tx.now),
    )  # fmt: skip


def _log_line(one: tables.Logged, names: Mapping[str, str]) -> LogLine:
    name = names.get(one.by, one.by)
    return LogLine(version=one.version, at=one.at, by=one.by, by_name=name, kind=one.kind, note=one.note)


def _retires(caller: Person, shown: Version, now: datetime) -> bool:
    """The second person ends what the second person has started; the base table only before it starts."""
    if shown.state is not State.PUBLISHED or shown.retired(now) or not any(caller.has(role) for role in APPROVERS):
        return False
    return shown.name != BASE or (shown.effective_from is not None and shown.effective_from > now)


def change_reply(one: RowChange) -> RowChangeReply:
    cells = [CellChangeReply(name=cell.name, old=_cell(cell.old), new=_cell(cell.new)) for cell in one.cells]
    return RowChangeReply(row=one.row, kind=one.kind, old_place=one.old_place, new_place=one.new_place, cells=cells)


def _cell(cell: Any) -> ConditionReply | list[str] | None:
    if cell is None:
        return None
    return condition_reply(cell) if isinstance(cell, Condition) else list(cell)
