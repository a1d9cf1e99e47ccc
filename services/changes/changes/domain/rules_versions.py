"""Versions of a decision table: draft → in review → published → retired; who writes it never approves it (C4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bihuan_contracts import Text
from changes.domain.rules_cells import Condition
from changes.domain.rules_checks import Finding, check
from changes.domain.rules_engine import CompiledTable
from changes.domain.rules_table import Row, Table, Tested, run_cases

BASE = "default"
"""The table that decides when no other does: one of its versions is always in force."""


class State(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    """A draft that was given up."""


@dataclass(frozen=True, slots=True)
class Version:
    name: str
    version: int
    state: State
    table: Table
    authors: tuple[str, ...]
    """Everybody who has written on it."""
    edition: int
    """Counts its saves: an edit of an older one is refused."""
    drafted_at: datetime
    based_on: int | None = None
    effective_from: datetime | None = None
    effective_until: datetime | None = None
    submitted_at: datetime | None = None
    approver: str | None = None
    approved_at: datetime | None = None

    def in_force(self, at: datetime) -> bool:
        starts = self.effective_from
        ends = self.effective_until
        published = self.state is State.PUBLISHED and starts is not None and starts <= at
        return published and (ends is None or at < ends)

    def retired(self, at: datetime) -> bool:
        return self.state is State.PUBLISHED and self.effective_until is not None and self.effective_until <= at


class StepRefusedError(Exception):
    """A step that this version does not allow."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        self.code, self.text = code, Text(zh=zh, en=en)
        super().__init__(en)


@dataclass(frozen=True, slots=True)
class Checked:
    """All that is known of a table without using it."""

    findings: Sequence[Finding]
    tested: Sequence[Tested]

    @property
    def red(self) -> int:
        return sum(not one.green for one in self.tested)

    @property
    def blocking(self) -> int:
        return sum(one.blocking for one in self.findings)

    @property
    def ready(self) -> bool:
        return bool(self.tested) and not self.red and not self.blocking


def checked(table: Table) -> Checked:
    """Static findings, and its own tests on the engine."""
    return Checked(check(table), run_cases(table, CompiledTable("draft", 0, table).fire))


def edit(version: Version, by: str, edition: int, table: Table) -> Version:
    _in(version, State.DRAFT)
    if edition != version.edition:
        raise StepRefusedError(
            "stale", "草稿已被别人改过，请先看最新的", "Somebody else has changed the draft; look at it first"
        )
    return replace(version, table=table, authors=tuple(dict.fromkeys((*version.authors, by))), edition=edition + 1)


def submit(version: Version, checks: Checked, now: datetime, since: datetime | None, until: datetime | None) -> Version:
    """Ask a second person. Only with green tests and nothing that blocks."""
    _in(version, State.DRAFT)
    if not checks.tested:
        raise StepRefusedError("no_tests", "至少要有一个测试用例", "It needs at least one test")
    if checks.red:
        raise StepRefusedError("tests", f"{checks.red} 个测试不通过", f"{checks.red} tests fail")
    if checks.blocking:
        raise StepRefusedError("findings", f"还有 {checks.blocking} 处必须解决", f"{checks.blocking} findings block it")
    if since is not None and since < now:
        raise StepRefusedError("past", "生效时间已过", "It would take effect in the past")
    if until is not None and until <= (since or now):
        raise StepRefusedError("until", "失效要晚于生效", "It would end before it starts")
    return replace(version, state=State.IN_REVIEW, submitted_at=now, effective_from=since, effective_until=until)


def back(version: Version) -> Version:
    """From review to draft: called back by an author, or sent back by the second person."""
    _in(version, State.IN_REVIEW)
    return replace(version, state=State.DRAFT, submitted_at=None, effective_from=None, effective_until=None)


def approve(version: Version, by: str, now: datetime, others: Sequence[Version]) -> tuple[Version, list[Version]]:
    """The second person's word publishes it. Returns the version, and those whose time it ends."""
    _in(version, State.IN_REVIEW)
    if by in version.authors:
        raise StepRefusedError("own_draft", "起草人不能批准自己的规则", "Who has written it can't approve it")
    since = max(version.effective_from or now, now)
    ended = [
        replace(one, effective_until=max(since, one.effective_from))
        for one in others
        if one.state is State.PUBLISHED
        and one.effective_from is not None
        and (one.effective_until is None or one.effective_until > since)
    ]
    if version.name == BASE and version.effective_until is not None:
        raise StepRefusedError("base_ends", "基础规则不能有失效日期", "The base table can't end at a date")
    published = replace(version, state=State.PUBLISHED, approver=by, approved_at=now, effective_from=since)
    return published, ended


def retire(version: Version, now: datetime, others: Sequence[Version]) -> tuple[Version, list[Version]]:
    """Out of force without a successor; one that has not started gives its time back to the one before."""
    _in(version, State.PUBLISHED)
    starts = version.effective_from
    assert starts is not None
    if version.retired(now):
        raise StepRefusedError("retired", "这个版本已经失效", "This version has ended already")
    if starts > now:
        reopened = [
            replace(one, effective_until=None)
            for one in others
            if one.state is State.PUBLISHED and one.effective_until == starts and one.effective_from != starts
        ]
        return replace(version, effective_until=starts), reopened
    if version.name == BASE:
        raise StepRefusedError(
            "base", "基础规则只能由新版本替换", "The base table can only be replaced by a new version"
        )
    return replace(version, effective_until=now), []


def discard(version: Version) -> Version:
    _in(version, State.DRAFT)
    return replace(version, state=State.WITHDRAWN)


def _in(version: Version, state: State) -> None:
    if version.state is not state:
        zh, en = "这一步对它现在的状态不适用", f"Not possible while it is {version.state}"
        raise StepRefusedError("state", zh, en)


# ── what differs between two versions ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class CellChange:
    """One cell that differs; a condition or effect that is not there is None."""

    name: str
    old: Condition | tuple[str, ...] | None
    new: Condition | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class RowChange:
    row: str
    kind: str
    """added, removed, changed, moved."""
    old_place: int | None
    new_place: int | None
    cells: tuple[CellChange, ...] = ()


def difference(old: Table, new: Table) -> list[RowChange]:
    """Row by row, by their ids: in the order of the new table, removed rows last."""
    before = {row.id: (place, row) for place, row in enumerate(old.rows, 1)}
    kept = [row.id for row in new.rows if row.id in before]
    found = []
    for place, row in enumerate(new.rows, 1):
        if row.id not in before:
            found.append(RowChange(row.id, "added", None, place, tuple(_cells(Row(row.id), row))))
            continue
        old_place, was = before[row.id]
        cells = tuple(_cells(was, row))
        moved = _rank(kept, row.id) != _rank([id for id in before if id in kept], row.id)
        if cells or moved:
            found.append(RowChange(row.id, "changed" if cells else "moved", old_place, place, cells))
    new_ids = {row.id for row in new.rows}
    found += [
        RowChange(row.id, "removed", place, None, tuple(_cells(row, Row(row.id))))
        for place, row in before.values()
        if row.id not in new_ids
    ]
    return found


def _rank(ids: Sequence[str], id: str) -> int:
    return ids.index(id)


def _cells(old: Row, new: Row) -> list[CellChange]:
    listed: list[CellChange] = []
    pairs: Sequence[tuple[Mapping[str, Condition | tuple[str, ...]], Mapping[str, Condition | tuple[str, ...]]]] = (
        (old.when, new.when),
        (old.then, new.then),
    )
    for before, after in pairs:
        names = dict.fromkeys((*before, *after))
        listed += [
            CellChange(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
        ]
    return listed
