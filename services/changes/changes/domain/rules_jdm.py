"""Decision tables as JDM, the JSON of GoRules editors: written in full, read as far as cells are conditions (C4)."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from bihuan_contracts import Text
from changes.domain.rules_catalogue import EFFECTS, FIELDS, Field, Kind
from changes.domain.rules_cells import (
    Condition,
    Wrong,
    consent_limit,
    literal,
    number_of,
    plain,
    texts_of,
    unknown_hours_count,
    value_of,
)
from changes.domain.rules_engine import cell, model
from changes.domain.rules_table import MOST_CASES, MOST_COLUMNS, MOST_ROWS, Case, HitPolicy, Refused, Row, Table

_TABLE = "decisionTableNode"
_ENDS = {"inputNode", "outputNode"}
_SCRIPTS = {"functionNode", "customNode", "expressionNode", "switchNode", "decisionNode"}


class JdmError(Exception):
    """What of a file can't become a table, with the place of each."""

    def __init__(self, refused: Sequence[Refused]) -> None:
        self.refused = refused
        super().__init__("; ".join(f"{one.field}: {one.wrong.text.en}" for one in refused))


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def written(name: str, table: Table, catalogue: Mapping[str, Field] = FIELDS) -> dict[str, Any]:
    """The table with its effects and its cases; any JDM editor and engine can open it."""
    rules = [
        {"_id": row.id, "_description": row.note.zh, "_description_en": row.note.en}
        | {f"i{n}": cell(row, field, catalogue) for n, field in enumerate(table.fields)}
        | {f"o{n}": _said(effect, row.then.get(effect, ())) for n, effect in enumerate(table.effects)}
        for row in table.rows
    ]
    content = {
        "hitPolicy": str(table.hit_policy),
        "passThrough": not table.complete,
        "inputs": [
            {"id": f"i{n}", "name": catalogue[field].label.zh, "field": catalogue[field].expression}
            for n, field in enumerate(table.fields)
        ],
        "outputs": [
            {"id": f"o{n}", "name": EFFECTS[effect].label.zh if effect in EFFECTS else effect, "field": effect}
            for n, effect in enumerate(table.effects)
        ],
        "rules": rules,
    }
    tests = [
        {
            "id": case.id,
            "name": case.title,
            "input": {name: _json(value_of(catalogue[name], texts)) for name, texts in case.facts.items()},
            "rows": list(case.rows) if case.rows is not None else None,
            "output": {effect: list(values) for effect, values in case.then.items()},
        }
        for case in table.cases
    ]
    return model(content, name) | {"tests": tests}


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return sorted(value) if isinstance(value, frozenset) else value


def _said(effect: str, values: tuple[str, ...]) -> str:
    if not values:
        return ""
    if effect == "tell":
        return f"[{', '.join(map(literal, values))}]"
    (value,) = values
    if effect in {"must_confirm", "consent"} and value in {"yes", "no"}:
        return "true" if value == "yes" else "false"
    if effect == "consent":
        return literal(value) if unknown_hours_count(value) else plain(consent_limit(value) or Decimal(0))
    if effect not in {"action", "criterion"} and (number := number_of(value)) is not None:
        return plain(number)
    return literal(value)


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def read(given: Any, catalogue: Mapping[str, Field] = FIELDS, effects: Collection[str] = frozenset(EFFECTS)) -> Table:
    """The one decision table of a JDM file. Raises JdmError where it is anything but conditions and literals."""
    node, at = _table_node(given)
    content = node.get("content")
    if not isinstance(content, dict) or not all(_objects(content.get(part)) for part in ("inputs", "outputs", "rules")):
        raise JdmError([_refused(at, "shape", "决策表不完整", "The decision table is not complete")])
    refused: list[Refused] = []
    for part, most in (("inputs", MOST_COLUMNS), ("outputs", MOST_COLUMNS), ("rules", MOST_ROWS)):
        if len(content[part]) > most:
            refused.append(_refused(f"{at}.{part}", "too_long", f"最多 {most} 项", f"At most {most} items"))
    by_expression = {field.expression: field.name for field in catalogue.values()}
    fields = {
        str(one.get("id")): name
        for n, one in enumerate(content["inputs"])
        if (name := _field(one, f"{at}.inputs.{n}", by_expression, refused)) is not None
    }
    said = {
        str(one.get("id")): str(one.get("field"))
        for n, one in enumerate(content["outputs"])
        if _known_effect(one, f"{at}.outputs.{n}", effects, refused)
    }
    rows = [_row(one, n, f"{at}.rules.{n}", fields, said, catalogue, refused) for n, one in enumerate(content["rules"])]
    cases = _cases(given.get("tests"), [*fields.values()], catalogue)
    policy = content.get("hitPolicy", "first")
    if policy not in set(HitPolicy):
        refused.append(_refused(f"{at}.hitPolicy", "hit_policy", f"没有命中策略 {policy}", f"No hit policy {policy}"))
    if refused:
        raise JdmError(refused)
    return Table(
        tuple(fields.values()), tuple(said.values()), tuple(rows), cases, HitPolicy(policy),
        complete=not content.get("passThrough", False),
    )  # fmt: skip


def _objects(listed: Any) -> bool:
    return isinstance(listed, list) and all(isinstance(one, dict) for one in listed)


def _table_node(given: Any) -> tuple[dict[str, Any], str]:
    nodes = given.get("nodes") if isinstance(given, dict) else None
    if not _objects(nodes) or not nodes:
        raise JdmError([_refused("nodes", "shape", "不是 JDM 文件：没有节点", "Not a JDM file: it has no nodes")])
    refused = []
    for n, node in enumerate(nodes):
        kind, name = str(node.get("type"))[:40], str(node.get("name", ""))[:80]
        if kind in _SCRIPTS:
            zh, en = (
                f"节点“{name}”含脚本或嵌套（{kind}），不接收",
                f"Node “{name}” is a script or nested ({kind}): refused",
            )
            refused.append(_refused(f"nodes.{n}", "script", zh, en))
        elif kind not in {_TABLE, *_ENDS}:
            zh, en = f"不认识节点类型 {kind}", f"Unknown type of node {kind}"
            refused.append(_refused(f"nodes.{n}", "node", zh, en))
    tables = [(n, node) for n, node in enumerate(nodes) if node.get("type") == _TABLE]
    if not refused and len(tables) != 1:
        refused.append(_refused("nodes", "tables", "应正好有一张决策表", "There should be exactly one decision table"))
    if refused:
        raise JdmError(refused)
    place, node = tables[0]
    return node, f"nodes.{place}"


def _field(one: Mapping[str, Any], at: str, known: Mapping[str, str], refused: list[Refused]) -> str | None:
    expression = str(one.get("field", "")).strip()
    if expression not in known:
        shown = expression[:80]
        refused.append(_refused(at, "unknown_field", f"没有字段 {shown}", f"There is no field {shown}"))
    return known.get(expression)


def _known_effect(one: Mapping[str, Any], at: str, effects: Collection[str], refused: list[Refused]) -> bool:
    name = str(one.get("field", ""))[:80]
    if name not in effects:
        refused.append(_refused(at, "unknown_effect", f"没有效果 {name}", f"There is no effect {name}"))
    return name in effects


def _row(
    one: Mapping[str, Any],
    place: int,
    at: str,
    fields: Mapping[str, str],
    effects: Mapping[str, str],
    catalogue: Mapping[str, Field],
    refused: list[Refused],
) -> Row:
    zh, en = f"第 {place + 1} 行", f"Row {place + 1}"
    when, then = {}, {}
    for id, name in fields.items():
        text = str(one.get(id) or "").strip()
        condition = condition_of(text, catalogue[name]) if text else None
        if text and condition is None:
            label, shown = catalogue[name].label, text[:80]
            refused.append(
                _refused(
                    f"{at}.{id}", "script",
                    f"{zh}“{label.zh}”：{shown} 不是简单条件", f"{en}, “{label.en}”: {shown} is no simple condition",
                )
            )  # fmt: skip
        if condition is not None:
            when[name] = condition
    for id, name in effects.items():
        text = str(one.get(id) or "").strip()
        values = _effect_of(name, text) if text else None
        if text and values is None:
            shown = text[:80]
            refused.append(
                _refused(f"{at}.{id}", "script", f"{zh} {name}：{shown} 不是值", f"{en}, {name}: {shown} is no value")
            )
        if values:
            then[name] = values
    note = Text(zh=str(one.get("_description", ""))[:400], en=str(one.get("_description_en", ""))[:400])
    return Row(str(one.get("_id") or f"row-{place + 1}"), when, then, note)


def _cases(listed: Any, fields: Sequence[str], catalogue: Mapping[str, Field]) -> tuple[Case, ...]:
    """Cases of our own files; others name what no test of ours can say and are left out."""
    if not _objects(listed):
        return ()
    found = []
    for n, one in enumerate(listed[:MOST_CASES]):
        facts, output, rows = one.get("input"), one.get("output"), one.get("rows")
        if not isinstance(facts, dict) or not set(facts) <= set(fields):
            continue
        then = {
            name: tuple(map(str, values)) if isinstance(values, list) else (str(values),)
            for name, values in (output if isinstance(output, dict) else {}).items()
        }
        texts = {name: texts_of(_value(value)) for name, value in facts.items() if name in catalogue}
        expected = tuple(map(str, rows)) if isinstance(rows, list) else None
        title = str(one.get("name") or n + 1)[:200]
        found.append(Case(str(one.get("id") or f"case-{n + 1}"), title, texts, expected, then))
    return tuple(found)


def _value(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _refused(at: str, code: str, zh: str, en: str) -> Refused:
    return Refused(at, Wrong(code, Text(zh=zh, en=en)))


# ── the engine's language, as far as it is a condition ──────────────────────────────────────────────────────────────

_TEXT = r"""(?:'[^']*'|"[^"]*")"""
_NUMBER = r"-?\d[\d_]*(?:\.\d+)?"
_LIST = rf"{_TEXT}(?:\s*,\s*{_TEXT})*"
_OPS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_INTERVALS = {"[]": "between", "[)": "until", "(]": "after", "()": "within"}
_PAIRS = {(">=", "<="): "between", (">=", "<"): "until", (">", "<="): "after", (">", "<"): "within"}


def condition_of(text: str, field: Field) -> Condition | None:
    """The cell as a condition, or None when it is anything else."""
    if field.kind in {Kind.NUMBER, Kind.WHOLE}:
        return next(_numbers(text), None)
    for pattern, made in _PATTERNS[field.kind]:
        found = re.fullmatch(pattern, text)
        if found:
            return made(found)
    return None


def _texts(listed: str) -> tuple[str, ...]:
    return tuple(one[1:-1] for one in re.findall(_TEXT, listed))


def _made(op: str) -> Callable[[re.Match[str]], Condition]:
    return lambda found: Condition(op, _texts(found[0]))


_CONTAINS, _STARTS = rf"contains\(\$,\s*{_TEXT}\)", rf"startsWith\(\$,\s*{_TEXT}\)"
_OF_TEXT: Sequence[tuple[str, Callable[[re.Match[str]], Condition]]] = (
    (r"\$ != ''", lambda _: Condition("known")),
    (r"\$ == ''", lambda _: Condition("unknown")),
    (rf"(?:\$\s*)?!=\s*{_TEXT}", _made("not_in")),
    (rf"(?:\$\s*)?not in\s*\[\s*{_LIST}\s*\]", _made("not_in")),
    (rf"(?:(?:\$\s*)?==\s*)?{_TEXT}", _made("in")),
    (_LIST, _made("in")),
    (rf"(?:\$\s*)?in\s*\[\s*{_LIST}\s*\]", _made("in")),
    (rf"{_STARTS}(?: or {_STARTS})*", _made("starts")),
    (rf"not {_STARTS}(?: and not {_STARTS})*", _made("not_starts")),
)
_PATTERNS: Mapping[Kind, Sequence[tuple[str, Callable[[re.Match[str]], Condition]]]] = {
    Kind.TEXT: _OF_TEXT,
    Kind.CHOICE: _OF_TEXT[2:7],
    Kind.YES_NO: (
        (r"(?:(?:\$\s*)?==\s*)?true", lambda _: Condition("is", ("yes",))),
        (r"(?:(?:\$\s*)?==\s*)?false", lambda _: Condition("is", ("no",))),
    ),
    Kind.SET: (
        (rf"{_CONTAINS}(?: and {_CONTAINS})*", _made("all_of")),
        (rf"some\(\$,\s*# in \[{_LIST}\]\)", _made("any_of")),
        (rf"(?:not some|none)\(\$,\s*# in \[{_LIST}\]\)", _made("none_of")),
    ),
}


def _numbers(text: str) -> Iterator[Condition]:
    text = re.sub(r"^\$ != null and ", "", text)
    if text in {"null", "== null", "$ == null"}:
        yield Condition("unknown")
    if text in {"!= null", "$ != null"}:
        yield Condition("known")
    if found := re.fullmatch(rf"(?:\$\s*)?(==|!=|<=|>=|<|>)?\s*({_NUMBER})", text):
        yield Condition(_OPS[found[1] or "=="], (_plain(found[2]),))
    if found := re.fullmatch(rf"([\[(])\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*([\])])", text):
        yield Condition(_INTERVALS[found[1] + found[4]], (_plain(found[2]), _plain(found[3])))
    if found := re.fullmatch(rf"\$\s*(>=?)\s*({_NUMBER}) and \$\s*(<=?)\s*({_NUMBER})", text):
        yield Condition(_PAIRS[found[1], found[3]], (_plain(found[2]), _plain(found[4])))


def _plain(text: str) -> str:
    return plain(Decimal(text.replace("_", "")))


def _effect_of(name: str, text: str) -> tuple[str, ...] | None:
    if name == "tell" and re.fullmatch(rf"\[\s*{_LIST}\s*\]|{_LIST}", text):
        return _texts(text)
    if name in {"must_confirm", "consent"} and text in {"true", "false"}:
        return ("yes" if text == "true" else "no",)
    if name == "consent" and (said := _texts(text) if re.fullmatch(_TEXT, text) else None):
        return said if unknown_hours_count(said[0]) else None
    if re.fullmatch(_NUMBER, text):
        return (f"over:{_plain(text)}" if name == "consent" else _plain(text),)
    return _texts(text) if re.fullmatch(_TEXT, text) and name not in {"tell", "must_confirm", "consent"} else None
