"""Rows that never decide an effect, as tables above say it in each of their cases: exact, as all checks are (C4)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from changes.domain.rules_catalogue import FIELDS, Field
from changes.domain.rules_checks import Box, TooManyStepsError, column
from changes.domain.rules_table import HitPolicy, Table

_MOST_STEPS = 200_000
_ADDS_UP = {"tell"}


@dataclass(frozen=True, slots=True)
class Shadow:
    table: str
    row: str
    place: int
    """Of the row in its table, from 1."""
    effect: str


def shadows(tables: Sequence[tuple[str, Table]], catalogue: Mapping[str, Field] = FIELDS) -> list[Shadow]:
    """In the order in which the tables are asked. Raises TooManyStepsError when they are too intricate."""
    if not tables:
        return []
    names = dict.fromkeys(name for _, table in tables for name in table.fields)
    together = replace(tables[0][1], rows=tuple(row for _, table in tables for row in table.rows))
    columns = [column(catalogue[name], together) for name in names]
    boxes = [
        [tuple(one.bits(row.when.get(one.field.name)) for one in columns) for row in table.rows] for _, table in tables
    ]
    return list(_shadows(tables, boxes))


def _shadows(tables: Sequence[tuple[str, Table]], boxes: Sequence[Sequence[Box]]) -> Iterator[Shadow]:
    for at, (name, table) in enumerate(tables):
        for place, row in enumerate(table.rows):
            for effect in row.then.keys() - _ADDS_UP if at else ():
                if all(boxes[at][place]) and _Search(tables[:at], boxes, effect).left(boxes[at][place], 0, 0) is None:
                    yield Shadow(name, row.id, place + 1, effect)


class _Search:
    def __init__(self, tables: Sequence[tuple[str, Table]], boxes: Sequence[Sequence[Box]], effect: str) -> None:
        self._tables = [table for _, table in tables]
        self._boxes, self._effect = boxes, effect
        self._steps = 0

    def left(self, box: Box, at: int, start: int) -> Box | None:
        """A part of `box` about which no table from `at` on says anything; of that table from row `start` on."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise TooManyStepsError
        if at == len(self._tables):
            return box
        table = self._tables[at]
        for place in range(start, len(table.rows)):
            row = self._boxes[at][place]
            if not all(mine & theirs for mine, theirs in zip(box, row, strict=True)):
                continue
            for at_column, (mine, theirs) in enumerate(zip(box, row, strict=True)):
                if outside := mine & ~theirs:
                    part = (*box[:at_column], outside, *box[at_column + 1 :])
                    if (found := self.left(part, at, place + 1)) is not None:
                        return found
                box = (*box[:at_column], mine & theirs, *box[at_column + 1 :])
            if self._effect in table.rows[place].then:
                return None
            if table.hit_policy is HitPolicy.FIRST:
                break
        return self.left(box, at + 1, 0)
