"""Cells of a decision table: a structured condition or effect, never free script (C4)."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from bihuan_contracts import Text
from changes.domain.rules_catalogue import EFFECTS, OPERATORS, Field, Kind

MOST_VALUES = 200
_MOST_LETTERS = 200
_MOST_NUMBER = Decimal(10) ** 9
_TELL = re.compile(r"(lead|module|tester|manager|role:[a-z_]{2,40}|department:[^\s:]{1,40}|person:[^\s:]{1,40})")
_CONSENT = re.compile(r"over:(\d{1,5}(?:\.\d{1,2})?)(:unknown)?")

Value = Any
"""What a field can be: text (empty: unknown), Decimal or None, bool, frozenset of texts."""


@dataclass(frozen=True, slots=True)
class Condition:
    """An operator of the catalogue with its values, as text: `in` PM-480, RD-16; `lt` 5."""

    op: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a cell can't be used."""

    code: str
    text: Text


def _wrong(code: str, zh: str, en: str) -> Wrong:
    return Wrong(code, Text(zh=zh, en=en))


# ── conditions ──────────────────────────────────────────────────────────────────────────────────────────────────────


def wrong_condition(condition: Condition, field: Field) -> Wrong | None:
    """What is wrong with a condition on this field; None when nothing is."""
    operator = OPERATORS.get(condition.op)
    if operator is None or field.kind not in operator.kinds:
        zh, en = f"“{field.label.zh}”不能用运算 {condition.op}", f"“{field.label.en}” has no operator {condition.op}"
        return _wrong("operator", zh, en)
    count = len(condition.values)
    if operator.values is None and not 1 <= count <= MOST_VALUES:
        return _wrong("values", "请至少选一个值", "Give at least one value")
    if operator.values is not None and count != operator.values:
        return _wrong("values", f"应给 {operator.values} 个值", f"Should have {operator.values} values")
    return next(filter(None, (_wrong_value(value, field) for value in condition.values)), None) or _order(
        condition, field
    )


def _wrong_value(value: str, field: Field) -> Wrong | None:
    if field.kind in {Kind.CHOICE, Kind.SET} and value not in field.allowed:
        zh, en = f"“{field.label.zh}”没有值 {value}", f"“{field.label.en}” has no value {value}"
        return _wrong("unknown_value", zh, en)
    if field.kind is Kind.YES_NO and value not in {"yes", "no"}:
        return _wrong("type", f"“{field.label.zh}”应为是或否", f"“{field.label.en}” should be yes or no")
    if field.kind in {Kind.NUMBER, Kind.WHOLE}:
        number = number_of(value)
        if number is None or (field.kind is Kind.WHOLE and number % 1):
            zh = "应为整数" if field.kind is Kind.WHOLE else "应为数字"
            en = "should be a whole number" if field.kind is Kind.WHOLE else "should be a number"
            return _wrong("type", f"“{field.label.zh}”{zh}，不是 {value}", f"“{field.label.en}” {en}, not {value}")
    if field.kind is Kind.TEXT and not writable(value):
        return _wrong("text", f"“{value}”不能用作条件", f"“{value}” can't be used in a condition")
    return None


def _order(condition: Condition, field: Field) -> Wrong | None:
    if OPERATORS[condition.op].values == 2:
        low, high = map(Decimal, condition.values)
        if low > high or (low == high and condition.op != "between"):
            return _wrong("empty", f"“{field.label.zh}”的区间是空的", f"The interval of “{field.label.en}” is empty")
    return None


def number_of(text: str) -> Decimal | None:
    """A plain number of at most four decimals, as the engine reads it."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) > _MOST_NUMBER or number != round(number, 4):
        return None
    return number


def writable(text: str, most: int = _MOST_LETTERS) -> bool:
    """Whether the engine can be given this text as a literal; it knows no escapes."""
    return (
        0 < len(text) <= most
        and text.isprintable()
        and not ("'" in text and '"' in text)
        and not set("\\`") & set(text)
    )


def test_of(condition: Condition, field: Field) -> Callable[[Value], bool]:
    """The condition as a predicate on the field's value."""
    return _TESTS[condition.op](tuple(value_of(field, (value,)) for value in condition.values))


def holds(condition: Condition, field: Field, value: Value) -> bool:
    return test_of(condition, field)(value)


def value_of(field: Field, values: tuple[str, ...]) -> Value:
    """The value of a field as facts of a test carry it: texts become what its kind needs."""
    if field.kind is Kind.SET:
        return frozenset(values)
    if field.kind is Kind.YES_NO:
        return values[:1] == ("yes",)
    if field.kind in {Kind.NUMBER, Kind.WHOLE}:
        return number_of(values[0]) if values else None
    return values[0] if values else ""


def texts_of(value: Value) -> tuple[str, ...]:
    """The reverse of `value_of`."""
    if isinstance(value, bool):
        return ("yes" if value else "no",)
    if value is None or value == "":
        return ()
    if isinstance(value, (frozenset, set, tuple, list)):
        return tuple(sorted(value))
    if isinstance(value, (Decimal, int)):
        return (plain(Decimal(value)),)
    return (str(value),)


def plain(number: Decimal) -> str:
    """12.50 → 12.5, 100 → 100: never an exponent."""
    return format(number.normalize(), "f") if number else "0"


def _all(values: Iterable[Any]) -> frozenset[str]:
    return frozenset().union(*values)


_TESTS: Mapping[str, Callable[[tuple[Any, ...]], Callable[[Value], bool]]] = {
    "in": lambda given: lambda value: value in given,
    "not_in": lambda given: lambda value: value not in given,
    "starts": lambda given: lambda value: value.startswith(given),
    "not_starts": lambda given: lambda value: not value.startswith(given),
    "eq": lambda given: lambda value: value is not None and value == given[0],
    "ne": lambda given: lambda value: value is not None and value != given[0],
    "lt": lambda given: lambda value: value is not None and value < given[0],
    "le": lambda given: lambda value: value is not None and value <= given[0],
    "gt": lambda given: lambda value: value is not None and value > given[0],
    "ge": lambda given: lambda value: value is not None and value >= given[0],
    "between": lambda given: lambda value: value is not None and given[0] <= value <= given[1],
    "until": lambda given: lambda value: value is not None and given[0] <= value < given[1],
    "after": lambda given: lambda value: value is not None and given[0] < value <= given[1],
    "within": lambda given: lambda value: value is not None and given[0] < value < given[1],
    "is": lambda given: lambda value: value == given[0],
    "any_of": lambda given: lambda value: bool(_all(given) & value),
    "all_of": lambda given: lambda value: _all(given) <= value,
    "none_of": lambda given: lambda value: not _all(given) & value,
    "known": lambda _: lambda value: value is not None and value != "",
    "unknown": lambda _: lambda value: value is None or value == "",
}


def compiled(condition: Condition, field: Field) -> str:
    """The condition in the engine's own language; `$` is the field's value."""
    if field.kind in {Kind.NUMBER, Kind.WHOLE}:
        return _compiled_number(condition.op, condition.values)
    return _COMPILED[condition.op](condition.values)


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(map(literal, values))


_COMPILED: Mapping[str, Callable[[tuple[str, ...]], str]] = {
    "is": lambda values: "true" if values == ("yes",) else "false",
    "in": _listed,
    "not_in": lambda values: f"$ not in [{_listed(values)}]",
    "starts": lambda values: " or ".join(f"startsWith($, {literal(value)})" for value in values),
    "not_starts": lambda values: " and ".join(f"not startsWith($, {literal(value)})" for value in values),
    "any_of": lambda values: f"some($, # in [{_listed(values)}])",
    "all_of": lambda values: " and ".join(f"contains($, {literal(value)})" for value in values),
    "none_of": lambda values: f"not some($, # in [{_listed(values)}])",
    "known": lambda _: "$ != ''",
    "unknown": lambda _: "$ == ''",
}
_SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_BOUNDS = {"between": (">=", "<="), "until": (">=", "<"), "after": (">", "<="), "within": (">", "<")}


def _compiled_number(op: str, values: tuple[str, ...]) -> str:
    # The engine can't compare null and would skip the whole table.
    if op in _SIGNS:
        return f"$ != null and $ {_SIGNS[op]} {plain(Decimal(values[0]))}"
    if op in _BOUNDS:
        low, high = _BOUNDS[op]
        return f"$ != null and $ {low} {plain(Decimal(values[0]))} and $ {high} {plain(Decimal(values[1]))}"
    return "$ != null" if op == "known" else "$ == null"


def literal(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"


# ── effects ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def wrong_effect(name: str, values: tuple[str, ...]) -> Wrong | None:
    """What is wrong with a cell of effects; None when nothing is."""
    effect = EFFECTS.get(name)
    if effect is None:
        return _wrong("unknown_effect", f"没有效果 {name}", f"There is no effect {name}")
    if not values or (len(values) > 1 and name != "tell") or len(values) > MOST_VALUES:
        return _wrong("values", f"“{effect.label.zh}”应有一个值", f"“{effect.label.en}” should have one value")
    if all(_RIGHT[name](value) for value in values):
        return None
    zh, en = _EFFECT_WORDS[name]
    label, given = effect.label, "、".join(values)
    return _wrong("type", f"“{label.zh}”{zh}，不是 {given}", f"“{label.en}” {en}, not {given}")


_EFFECT_WORDS: Mapping[str, tuple[str, str]] = {
    "action": ("应为锁定、迁移、重测或仅通知", "should be lock, migrate, retest or inform"),
    "criterion": ("应为 1 到 400 个字", "should have 1 to 400 letters"),
    "due_days": ("应为 0 到 365 的整数", "should be a whole number from 0 to 365"),
    "hours_factor": ("应为 0.1 到 10 的数字", "should be a number from 0.1 to 10"),
    "must_confirm": ("应为是或否", "should be yes or no"),
    "tell": ("应为角色、部门或人", "should be roles, departments or people"),
    "consent": ("应为是、否或工时上限", "should be yes, no or a limit of hours"),
}
_MOST_DAYS, _MOST_CRITERION = 365, 400
_LEAST_FACTOR, _MOST_FACTOR = Decimal("0.1"), Decimal(10)


def _within(low: Decimal, high: Decimal, value: str) -> bool:
    number = number_of(value)
    return number is not None and low <= number <= high


_ACTIONS = frozenset(choice.value for choice in EFFECTS["action"].choices)
_RIGHT: Mapping[str, Callable[[str], bool]] = {
    "action": lambda value: value in _ACTIONS,
    "criterion": lambda value: writable(value, _MOST_CRITERION),
    "due_days": lambda value: _within(Decimal(0), Decimal(_MOST_DAYS), value) and Decimal(value) % 1 == 0,
    "hours_factor": lambda value: _within(_LEAST_FACTOR, _MOST_FACTOR, value),
    "must_confirm": lambda value: value in {"yes", "no"},
    "tell": lambda value: _TELL.fullmatch(value) is not None and writable(value),
    "consent": lambda value: value in {"yes", "no"} or _CONSENT.fullmatch(value) is not None,
}


def consent_limit(value: str) -> Decimal | None:
    """`over:8` → 8 extra hours; `over:8:unknown` too, where unknown hours count as more than that."""
    found = _CONSENT.fullmatch(value)
    return Decimal(found[1]) if found else None


def unknown_hours_count(value: str) -> bool:
    found = _CONSENT.fullmatch(value)
    return bool(found and found[2])
