"""Decision tables as requests bring them."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from bihuan_chassis.http import Body, FieldError, Invalid
from bihuan_contracts import Text
from changes.domain.rules_cells import Condition
from changes.domain.rules_table import Case, HitPolicy, Refused, Row, Table, refusals

Name = Annotated[str, Field(min_length=1, max_length=40)]
Words = Annotated[str, Field(min_length=1, max_length=1000)]
Cell = Annotated[tuple[Annotated[str, Field(max_length=400)], ...], Field(max_length=200)]
_Title = Annotated[str, Field(min_length=1, max_length=120)]


class ConditionIn(Body):
    op: Name
    values: Cell = ()


class NoteIn(Body):
    """Why, in words that the affected person reads; English falls back to the Chinese words."""

    zh: Annotated[str, Field(max_length=400)] = ""
    en: Annotated[str, Field(max_length=400)] = ""


class RuleRowIn(Body):
    id: Name
    when: dict[Name, ConditionIn] = Field(default_factory=dict)
    then: dict[Name, Cell] = Field(default_factory=dict)
    note: NoteIn = NoteIn()


class CaseIn(Body):
    id: Name
    title: Annotated[str, Field(max_length=200)]
    facts: dict[Name, Cell] = Field(default_factory=dict)
    rows: Cell | None = None
    """The rows expected to fire; empty: none of them."""
    then: dict[Name, Cell] = Field(default_factory=dict)


class TableIn(Body):
    fields: tuple[Name, ...]
    effects: tuple[Name, ...]
    rows: Annotated[tuple[RuleRowIn, ...], Field(max_length=500)]
    cases: Annotated[tuple[CaseIn, ...], Field(max_length=500)] = ()
    hit_policy: HitPolicy = HitPolicy.FIRST
    complete: bool = True


class NewTable(Body):
    title: _Title
    title_en: Annotated[str, Field(max_length=120)] = ""
    complete: bool = False
    """False: what no row decides is left to the next table."""


class NewVersion(Body):
    based_on: Annotated[int, Field(ge=1)]
    """Any version, also an old one."""


class Draft(Body):
    edition: int
    """The edition that the author saw."""
    title: _Title
    title_en: Annotated[str, Field(max_length=120)] = ""
    table: TableIn


class Submission(Body):
    edition: int
    since: AwareDatetime | None = None
    """None: as soon as it is approved."""
    until: AwareDatetime | None = None


class Verdict(Body):
    reason: Words


class Trial(Body):
    table: TableIn
    last: Annotated[int, Field(ge=1, le=100)] = 20
    """So many changes of the past."""


class JdmFile(Body):
    model: dict[str, Any]


def table_of(given: TableIn) -> Table:
    """The table, or a refusal that names each wrong cell by row and field."""
    rows = tuple(
        Row(
            row.id,
            {name: Condition(cell.op, cell.values) for name, cell in row.when.items()},
            {name: values for name, values in row.then.items() if values},
            Text(zh=row.note.zh or row.note.en, en=row.note.en or row.note.zh),
        )
        for row in given.rows
    )
    cases = tuple(
        Case(
            case.id, case.title, {name: values for name, values in case.facts.items() if values}, case.rows,
            {name: values for name, values in case.then.items() if values},
        )
        for case in given.cases
    )  # fmt: skip
    table = Table(given.fields, given.effects, rows, cases, given.hit_policy, complete=given.complete)
    refuse(refusals(table))
    return table


def refuse(refused: Sequence[Refused]) -> None:
    if refused:
        raise Invalid(errors=[FieldError(one.field, one.wrong.code, one.wrong.text) for one in refused])


def title_of(zh: str, en: str) -> Text:
    return Text(zh=zh, en=en or zh)
