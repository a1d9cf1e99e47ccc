"""What the services store in Chinese alone is known to the pages by its form, so that it can be said in English (W1)."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from bihuan_contracts.changes import Difference, DifferenceKind
from changes.domain.documents import _words

ROOT = Path(__file__).parents[1]
MADE = json.loads((ROOT / "services/web/ui/src/locales/zh/made.json").read_text())
CHINESE = re.compile("[\u4e00-\u9fff]")
STORED = {"title", "reason", "action", "text"}
"""Names of the fields that hold one text."""
CODE = sorted(path for name in ("goals", "changes") for path in (ROOT / "services" / name / name).rglob("*.py"))


def made_texts() -> Iterator[tuple[str, str]]:
    """Where a service gives one of those fields a Chinese text, and its form."""
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text())):
            for name, value in _given(node):
                for text in _texts(value):
                    if name in STORED and CHINESE.search(text):
                        yield f"{path.relative_to(ROOT)}:{value.lineno}", text


def _given(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.keyword(arg=str(name), value=value):
            yield name, value
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, value
        case ast.Dict(keys=keys, values=values):
            yield from (
                (str(key.value), value)
                for key, value in zip(keys, values, strict=True)
                if isinstance(key, ast.Constant)
            )


def _texts(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one)
            yield from _texts(other)
        case ast.Subscript(value=inner):
            yield from _texts(inner)


def forms() -> dict[str, str]:
    consent = json.loads((ROOT / "services/web/ui/src/locales/zh/consent.json").read_text())["actionOf_"]
    texts = {key: text for key, text in {**MADE, **consent}.items() if isinstance(text, str)}
    return {re.sub(r"\{\w+\}", "{}", text): key for key, text in texts.items()}


def test_every_text_that_a_service_stores_in_chinese_alone_has_a_form_that_pages_say_in_english() -> None:
    found = dict(made_texts())
    assert len(found) >= 9, found
    assert {place: text for place, text in found.items() if text not in forms()} == {}


def test_no_form_is_left_over_from_a_text_that_nobody_makes_any_more() -> None:
    rules = json.loads((ROOT / "services/changes/changes/rules/default-1.json").read_text())
    cases = {case["title"] for case in rules["cases"]}
    made = {text for _, text in made_texts()}
    own = {re.sub(r"\{\w+\}", "{}", text) for text in MADE.values() if isinstance(text, str)}
    assert own - made - cases == set()
    assert cases - own == set()


def test_the_lines_of_a_technical_document_have_the_forms_that_pages_know() -> None:
    values = {"name": "电感", "item": "`L-1`", "by": "`L-2`", "before": "2", "quantity": "3"}
    kinds = [kind for kind in DifferenceKind if kind is not DifferenceKind.UNKNOWN]
    made = {
        _words(Difference(kind=kind, item="L-1", name="电感", replaced_by="L-2", old_quantity=2, new_quantity=3))
        for kind in kinds
    }
    assert made == {form.format(**values) for form in MADE["line"].values()}
