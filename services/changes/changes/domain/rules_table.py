"""A decision table as a process owner sees it: columns, rows of conditions and effects, and its own test cases (C4)."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bihuan_contracts import Text
from changes.domain.rules_catalogue import FIELDS, Field
from changes.domain.rules_cells import Condition, Value, Wrong, test_of, value_of, wrong_condition, wrong_effect

MOST_ROWS, MOST_CASES, MOST_COLUMNS = 200, 200, 20
_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,39}")


class HitPolicy(StrEnum):
    FIRST = "first"
    """The first row that holds."""
    COLLECT = "collect"
    """All rows that hold; where they disagree the upper one wins, `tell` adds up."""


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    """Stays the same over versions, so that two versions can be compared."""
    when: Mapping[str, Condition] = field(default_factory=dict)
    """Conditions by field, all to be met; a field without one may be anything."""
    then: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Effects by name."""
    note: Text = field(default_factory=lambda: Text(zh="", en=""))
    """Why, in words that the affected person reads."""


@dataclass(frozen=True, slots=True)
class Case:
    """A test that stands beside the table: with these facts these rows fire."""

    id: str
    title: str
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rows: tuple[str, ...] | None = None
    """The rows expected, none of them for ()."""
    then: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Effects expected."""


@dataclass(frozen=True, slots=True)
class Table:
    """The content of one version."""

    fields: tuple[str, ...]
    effects: tuple[str, ...]
    rows: tuple[Row, ...]
    cases: tuple[Case, ...] = ()
    hit_policy: HitPolicy = HitPolicy.FIRST
    complete: bool = True
    """Every possible case needs a row. A table that is not complete leaves the rest to the next table."""

    def row(self, id: str) -> Row | None:
        return next((row for row in self.rows if row.id == id), None)


@dataclass(frozen=True, slots=True)
class Refused:
    """A cell that can't be saved: where it is, and why."""

    field: str
    wrong: Wrong


def refusals(table: Table, catalogue: Mapping[str, Field] = FIELDS, *, effects: bool = True) -> list[Refused]:
    """Everything that makes a table unusable, named by row and field. The paths are those of the request's body."""
    return list(_refusals(table, catalogue, effects=effects))


def _refusals(table: Table, catalogue: Mapping[str, Field], *, effects: bool) -> Iterator[Refused]:
    yield from _of_size(table)
    for place, name in enumerate(table.fields):
        if name not in catalogue:
            yield _refused(f"fields.{place}", "unknown_field", f"没有字段 {name}", f"There is no field {name}")
        elif name in table.fields[:place]:
            yield _refused(f"fields.{place}", "duplicate", f"字段 {name} 列了两次", f"Field {name} is listed twice")
    for place, row in enumerate(table.rows):
        yield from _of_row(table, row, place, catalogue, effects=effects)
    for place, case in enumerate(table.cases):
        yield from _of_case(table, case, place, catalogue)


def _of_size(table: Table) -> Iterator[Refused]:
    for name, given, most in (
        ("rows", len(table.rows), MOST_ROWS),
        ("cases", len(table.cases), MOST_CASES),
        ("fields", len(table.fields), MOST_COLUMNS),
        ("effects", len(table.effects), MOST_COLUMNS),
    ):
        if given > most:
            yield _refused(name, "too_long", f"最多 {most} 项", f"At most {most} items")
    if not table.rows:
        yield _refused("rows", "too_short", "至少要有一行", "At least one row")
    for name, ids in (("rows", [row.id for row in table.rows]), ("cases", [case.id for case in table.cases])):
        for place, id in enumerate(ids):
            if not _ID.fullmatch(id) or id in ids[:place]:
                yield _refused(f"{name}.{place}.id", "id", f"编号 {id} 不能用", f"The id {id} can't be used")


def _of_row(table: Table, row: Row, place: int, catalogue: Mapping[str, Field], *, effects: bool) -> Iterator[Refused]:
    zh, en = f"第 {place + 1} 行：", f"Row {place + 1}: "
    for name, condition in row.when.items():
        at = f"rows.{place}.when.{name}"
        if name not in catalogue:
            yield _refused(at, "unknown_field", f"{zh}没有字段 {name}", f"{en}there is no field {name}")
        elif name not in table.fields:
            yield _refused(at, "no_column", f"{zh}字段 {name} 没有列", f"{en}field {name} has no column")
        elif wrong := wrong_condition(condition, catalogue[name]):
            yield Refused(at, _in_row(wrong, zh, en))
    for name, values in row.then.items() if effects else ():
        at = f"rows.{place}.then.{name}"
        if wrong := wrong_effect(name, values):
            yield Refused(at, _in_row(wrong, zh, en))
        elif name not in table.effects:
            yield _refused(at, "no_column", f"{zh}效果 {name} 没有列", f"{en}effect {name} has no column")


def _of_case(table: Table, case: Case, place: int, catalogue: Mapping[str, Field]) -> Iterator[Refused]:
    zh, en = f"用例“{case.title}”：", f"Test “{case.title}”: "
    if not case.title.strip():
        yield _refused(f"cases.{place}.title", "missing", "请给用例起名", "Give the test a name")
    if case.rows is None and not case.then:
        yield _refused(f"cases.{place}.rows", "missing", f"{zh}没有写期望", f"{en}nothing is expected")
    for name, values in case.facts.items():
        at = f"cases.{place}.facts.{name}"
        if name not in catalogue:
            yield _refused(at, "unknown_field", f"{zh}没有字段 {name}", f"{en}there is no field {name}")
        elif wrong := _wrong_fact(catalogue[name], values):
            yield Refused(at, _in_row(wrong, zh, en))
    for id in case.rows or ():
        if table.row(id) is None:
            yield _refused(f"cases.{place}.rows", "unknown_row", f"{zh}没有行 {id}", f"{en}there is no row {id}")
    for name, values in case.then.items():
        if wrong := wrong_effect(name, values):
            yield Refused(f"cases.{place}.then.{name}", _in_row(wrong, zh, en))


def _wrong_fact(known: Field, values: tuple[str, ...]) -> Wrong | None:
    if not values:
        return None
    probe = {"set": "any_of", "yes_no": "is", "choice": "in", "text": "in"}.get(known.kind, "eq")
    return wrong_condition(Condition(probe, values), known)


def _refused(at: str, code: str, zh: str, en: str) -> Refused:
    return Refused(at, Wrong(code, Text(zh=zh, en=en)))


def _in_row(wrong: Wrong, zh: str, en: str) -> Wrong:
    return Wrong(wrong.code, Text(zh=zh + wrong.text.zh, en=en + wrong.text.en))


# ── which rows fire, and why the others do not ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Trace:
    """How one table came to its answer. A row in neither list was not evaluated."""

    hits: tuple[str, ...]
    stopped: Mapping[str, str]
    """By row: the first field whose condition was not met."""


def trace(table: Table, facts: Mapping[str, Value], catalogue: Mapping[str, Field] = FIELDS) -> Trace:
    """Row by row, cell by cell, as the table stands there for a reader."""
    return tracer(table, catalogue)(facts)


def tracer(table: Table, catalogue: Mapping[str, Field] = FIELDS) -> Callable[[Mapping[str, Value]], Trace]:
    """`trace` made ready for many facts."""
    rows = [
        (row.id, [(name, test_of(row.when[name], catalogue[name])) for name in table.fields if name in row.when])
        for row in table.rows
    ]
    first = table.hit_policy is HitPolicy.FIRST

    def traced(facts: Mapping[str, Value]) -> Trace:
        hits: list[str] = []
        stopped: dict[str, str] = {}
        for id, tests in rows:
            failed = next((name for name, test in tests if not test(facts[name])), None)
            if failed is not None:
                stopped[id] = failed
                continue
            hits.append(id)
            if first:
                break
        return Trace(tuple(hits), stopped)

    return traced


def facts_of(case: Case, table: Table, catalogue: Mapping[str, Field] = FIELDS) -> dict[str, Value]:
    """The facts of a test as values; a field that it leaves out is unknown, no, or empty."""
    return {name: value_of(catalogue[name], case.facts.get(name, ())) for name in table.fields}


def merged(rows: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    """What rows that fired say together."""
    said: dict[str, tuple[str, ...]] = {}
    for row in rows:
        add_effects(said, row.then)
    return said


def add_effects(said: dict[str, tuple[str, ...]], then: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Add what a further row says: the earlier one wins, `tell` adds up. Returns the effects that it decided."""
    new = [name for name in then if name == "tell" or name not in said]
    for name in new:
        said[name] = tuple(dict.fromkeys((*said.get(name, ()), *then[name])))
    return new


@dataclass(frozen=True, slots=True)
class Tested:
    """How a test case went."""

    case: str
    green: bool
    trace: Trace
    then: Mapping[str, tuple[str, ...]]


Fire = Callable[[Mapping[str, Value]], tuple[str, ...]]
"""The engine: which rows fire on these facts."""


def run_cases(table: Table, fire: Fire, catalogue: Mapping[str, Field] = FIELDS) -> list[Tested]:
    """The tests of a table, on the engine that decides in earnest."""
    return [_run(table, case, fire, catalogue) for case in table.cases]


def _run(table: Table, case: Case, fire: Fire, catalogue: Mapping[str, Field]) -> Tested:
    facts = facts_of(case, table, catalogue)
    hits = fire(facts)
    said = merged([row for row in table.rows if row.id in hits])
    as_expected = case.rows is None or case.rows == hits
    green = as_expected and all(said.get(name) == values for name, values in case.then.items())
    return Tested(case.id, green, trace(table, facts, catalogue), said)
