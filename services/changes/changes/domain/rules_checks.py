"""Static checks of a decision table, exact on the domains of its columns: gaps, rows that never fire, overlaps (C4).

Each column is cut into classes of values that none of its conditions can tell apart; a row is then a box of bit sets.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from changes.domain.rules_catalogue import FIELDS, Field, Kind
from changes.domain.rules_cells import Condition, Value, test_of, texts_of
from changes.domain.rules_table import HitPolicy, Row, Table

_MOST_STEPS = 200_000
Box = tuple[int, ...]
Example = Mapping[str, tuple[str, ...]]


class TooManyStepsError(Exception):
    """The table is too intricate to be checked exactly."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a table."""

    kind: str
    """gap, unreachable, conflict, overlap, no_action, says_nothing, no_default, unused_field, too_intricate."""
    blocking: bool
    row: str | None = None
    other: str | None = None
    """The other row of an overlap."""
    field: str | None = None
    example: Example | None = None
    """Facts that show it; a field without a value is unknown."""
    fix: Mapping[str, Condition] | None = None
    """Conditions of a row that would close a gap."""


@dataclass(frozen=True, slots=True)
class Column:
    """A field with one value of each class that the table's conditions can tell apart."""

    field: Field
    values: tuple[Value, ...]
    conditions: tuple[Condition, ...]
    """What a row could say about this field with the values that the table names already."""

    @property
    def whole(self) -> int:
        return (1 << len(self.values)) - 1

    def bits(self, condition: Condition | None) -> int:
        if condition is None:
            return self.whole
        holds = test_of(condition, self.field)
        return sum(1 << place for place, value in enumerate(self.values) if holds(value))


def check(table: Table, catalogue: Mapping[str, Field] = FIELDS) -> list[Finding]:
    """Everything found, what blocks publishing first."""
    columns = [column(catalogue[name], table) for name in table.fields]
    boxes = [tuple(one.bits(row.when.get(one.field.name)) for one in columns) for row in table.rows]
    found = [*_of_effects(table), *_of_fields(table)]
    try:
        found += [*_gaps(table, columns, boxes), *_reach(table, columns, boxes), *_overlaps(table, columns, boxes)]
    except TooManyStepsError:
        found.append(Finding("too_intricate", blocking=False))
    return sorted(found, key=lambda finding: not finding.blocking)


# ── columns ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def column(field: Field, table: Table) -> Column:
    given = list(dict.fromkeys(row.when[field.name] for row in table.rows if field.name in row.when))
    named = list(dict.fromkeys(value for condition in given for value in condition.values))
    if field.kind is Kind.YES_NO:
        return Column(field, (False, True), (Condition("is", ("yes",)), Condition("is", ("no",))))
    if field.kind is Kind.CHOICE:
        values = tuple(choice.value for choice in field.choices)
        return Column(field, values, tuple(_of_choices(values)))
    if field.kind is Kind.SET:
        listed = [choice.value for choice in field.choices]
        sets = tuple(frozenset(some) for count in range(len(listed) + 1) for some in combinations(listed, count))
        some = [values for values in sets if values]
        conditions = (Condition(op, tuple(sorted(one))) for op in ("any_of", "all_of", "none_of") for one in some)
        return Column(field, sets, tuple(conditions))
    if field.kind is Kind.TEXT:
        return _text_column(field, given, named)
    return _number_column(field, [Decimal(value) for value in named])


def _of_choices(values: Sequence[str]) -> Iterator[Condition]:
    for count in range(1, min(len(values), 9)):
        for some in combinations(values, count):
            yield Condition("in", some)


def _text_column(field: Field, given: Sequence[Condition], named: Sequence[str]) -> Column:
    prefixes = {value for one in given if one.op in {"starts", "not_starts"} for value in one.values}
    exact = [value for value in named if any(value in one.values for one in given if one.op in {"in", "not_in"})]
    others = [_fresh(prefix, prefixes, exact) for prefix in sorted(prefixes)] + [_fresh("", prefixes, exact)]
    values = tuple(dict.fromkeys([*exact, *(one for one in others if one), ""]))
    conditions = [Condition("starts", (prefix,)) for prefix in sorted(prefixes)]
    conditions += [Condition("not_starts", tuple(sorted(prefixes)))] if prefixes else []
    if exact:
        conditions += [Condition("in", (value,)) for value in exact]
        conditions += [Condition("not_in", (value,)) for value in exact]
    return Column(field, values, (*conditions, Condition("known"), Condition("unknown")))


def _fresh(prefix: str, prefixes: set[str], exact: Sequence[str]) -> str:
    """A text of which `prefix` is the longest prefix listed, and that no condition names."""
    for number in range(len(prefixes) + len(exact) + 1):
        text = f"{prefix}…{number or ''}"
        if text not in exact and max((one for one in prefixes if text.startswith(one)), key=len, default="") == prefix:
            return text
    return ""


def _number_column(field: Field, named: Sequence[Decimal]) -> Column:
    points = sorted(set(named))
    values: list[Value] = [None]
    for low, high in zip([None, *points], [*points, None], strict=True):
        between = _between(field, low, high)
        if between is not None:
            values.append(between)
        if high is not None and (field.least is None or high >= field.least):
            values.append(high)
    conditions = [Condition(op, (str(point),)) for point in points for op in ("eq", "lt", "le", "gt", "ge", "ne")]
    conditions += [
        Condition(op, (str(low), str(high)))
        for low, high in combinations(points, 2)
        for op in ("between", "until", "after", "within")
    ]
    return Column(field, tuple(dict.fromkeys(values)), (*conditions, Condition("known"), Condition("unknown")))


def _between(field: Field, low: Decimal | None, high: Decimal | None) -> Decimal | None:
    """A value strictly between two neighbouring points, if the field can have one."""
    step = Decimal(1)
    if field.least is not None and (low is None or low < field.least):
        # The least value itself is the lowest one that can occur.
        return field.least if high is None or field.least < high else None
    if low is None:
        return high - step if high is not None else Decimal(0)
    if high is None:
        return low + step
    middle = low + step if field.kind is Kind.WHOLE else (low + high) / 2
    return middle if middle < high else None


# ── boxes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Search:
    def __init__(self) -> None:
        self._steps = 0

    def uncovered(self, box: Box, rows: Sequence[Box]) -> Box | None:
        """A part of `box` that no row covers."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise TooManyStepsError
        near = [row for row in rows if _meet(box, row)]
        if not near:
            return box
        first, rest = near[0], near[1:]
        for place, (mine, theirs) in enumerate(zip(box, first, strict=True)):
            if outside := mine & ~theirs:
                part = (*box[:place], outside, *box[place + 1 :])
                if (found := self.uncovered(part, rest)) is not None:
                    return found
            box = (*box[:place], mine & theirs, *box[place + 1 :])
        return None


def _meet(one: Box, other: Box) -> bool:
    return all(mine & theirs for mine, theirs in zip(one, other, strict=True))


def _inside(one: Box, other: Box) -> bool:
    return all(not mine & ~theirs for mine, theirs in zip(one, other, strict=True))


def _example(columns: Sequence[Column], box: Box) -> dict[str, tuple[str, ...]]:
    """One case out of the box; known values rather than unknown ones."""
    shown = {}
    for one, bits in zip(columns, box, strict=True):
        values = [value for place, value in enumerate(one.values) if bits >> place & 1]
        value = next((value for value in values if value not in (None, "")), values[0])
        shown[one.field.name] = texts_of(value)
    return shown


# ── findings ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _gaps(table: Table, columns: Sequence[Column], boxes: Sequence[Box]) -> Iterator[Finding]:
    whole = tuple(one.whole for one in columns)
    gap = _Search().uncovered(whole, boxes)
    if gap is not None:
        wide = _widened(gap, columns, boxes)
        yield Finding("gap", blocking=table.complete, example=_example(columns, wide), fix=_conditions(columns, wide))
    elif table.complete and table.rows[-1].when:
        yield Finding("no_default", blocking=False)


def _widened(gap: Box, columns: Sequence[Column], boxes: Sequence[Box]) -> Box:
    """The gap as wide as it is: shown with the fewest conditions."""
    for place, one in enumerate(columns):
        for bits in [one.whole, *(1 << bit for bit in range(len(one.values)))]:
            wider = (*gap[:place], gap[place] | bits, *gap[place + 1 :])
            if not any(_meet(wider, box) for box in boxes):
                gap = wider
    return gap


def _conditions(columns: Sequence[Column], wide: Box) -> dict[str, Condition] | None:
    """Conditions that hold inside the box only: a row with them closes the gap, or as much of it as can be said."""
    fix = {}
    for one, bits in zip(columns, wide, strict=True):
        if bits == one.whole:
            continue
        fitting = [(one.bits(given), given) for given in _sayable(one, bits)]
        inside = [(mask.bit_count(), given) for mask, given in fitting if mask and not mask & ~bits]
        if not inside:
            return None
        fix[one.field.name] = max(inside, key=lambda pair: (pair[0], -len(pair[1].values)))[1]
    return fix


def _sayable(one: Column, bits: int) -> Iterable[Condition]:
    if one.field.kind is not Kind.TEXT:
        return one.conditions
    # Lists of values are made for the very set that is wanted.
    listed = {value for given in one.conditions if given.op == "in" for value in given.values}
    inside = tuple(value for place, value in enumerate(one.values) if bits >> place & 1 and value in listed)
    outside = tuple(value for place, value in enumerate(one.values) if not bits >> place & 1 and value in listed)
    made = [Condition("in", inside)] if inside else []
    made += [Condition("not_in", outside)] if outside else []
    return (*made, *one.conditions)


def _reach(table: Table, columns: Sequence[Column], boxes: Sequence[Box]) -> Iterator[Finding]:
    """Rows that can never fire: an impossible condition, or rows above that take everything."""
    for place, (row, box) in enumerate(zip(table.rows, boxes, strict=True)):
        if not all(box):
            empty = next(one.field.name for one, bits in zip(columns, box, strict=True) if not bits)
            yield Finding("unreachable", blocking=True, row=row.id, field=empty)
        elif table.hit_policy is HitPolicy.FIRST and _Search().uncovered(box, boxes[:place]) is None:
            above = next((table.rows[n].id for n in range(place) if _inside(box, boxes[n])), None)
            yield Finding("unreachable", blocking=True, row=row.id, other=above, example=_example(columns, box))


def _overlaps(table: Table, columns: Sequence[Column], boxes: Sequence[Box]) -> Iterator[Finding]:
    """Rows of which neither is the special case of the other: the order decides (first), or they disagree (collect)."""
    for first, second in combinations(range(len(boxes)), 2):
        one, other = boxes[first], boxes[second]
        if not _meet(one, other) or not all(one) or not all(other):
            continue
        common = tuple(mine & theirs for mine, theirs in zip(one, other, strict=True))
        above, below = table.rows[first], table.rows[second]
        if table.hit_policy is HitPolicy.COLLECT:
            if _disagree(above, below):
                yield Finding(
                    "conflict", blocking=False, row=below.id, other=above.id, example=_example(columns, common)
                )
        elif not _inside(one, other) and not _inside(other, one) and above.then != below.then:
            left = _Search().uncovered(common, boxes[:first])
            if left is not None:
                yield Finding("overlap", blocking=False, row=below.id, other=above.id, example=_example(columns, left))


def _disagree(one: Row, other: Row) -> bool:
    return any(name != "tell" and other.then.get(name, values) != values for name, values in one.then.items())


def _of_effects(table: Table) -> Iterator[Finding]:
    for row in table.rows:
        if not row.then:
            yield Finding("says_nothing", blocking=True, row=row.id)
        elif table.complete and "action" not in row.then:
            yield Finding("no_action", blocking=True, row=row.id)


def _of_fields(table: Table) -> Iterator[Finding]:
    for name in table.fields:
        if not any(name in row.when for row in table.rows):
            yield Finding("unused_field", blocking=False, field=name)
