"""A13, I1: a published event changes only by new optional fields; anything else is a new major topic."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from jsoncompat import check_compat

from bihuan_contracts import topics
from bihuan_contracts.schemas import FOLDER, RELEASED, schema_of, text_of
from bihuan_contracts.topic import Topic

Schema = dict[str, Any]


def compatible(old: Schema, new: Schema) -> bool:
    """Whether readers of either schema can read what writers of the other one wrote.

    Readers ignore what they do not know, so they are compared open. Writers write nothing but their fields,
    so what an old writer wrote is compared closed: a removed field is refused too.
    """
    old_reader = check_compat(json.dumps(_local(old)), json.dumps(_local(new)), "serializer")
    new_reader = check_compat(json.dumps(_closed(_local(old))), json.dumps(_closed(_local(new))), "deserializer")
    return old_reader and new_reader


def _local(schema: Schema) -> Schema:
    # The comparison resolves local references only, and $id would make them global.
    return {name: value for name, value in schema.items() if name != "$id"}


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(child) for child in node]
    if not isinstance(node, dict):
        return node
    closed = {name: _closed(child) for name, child in node.items()}
    return {**closed, "additionalProperties": False} if "properties" in node else closed


@pytest.mark.parametrize("topic", topics.ALL, ids=str)
def test_committed_schema_is_the_one_of_the_model(topic: Topic) -> None:
    file = FOLDER / f"{topic.name}.json"
    assert file.read_text(encoding="utf-8") == text_of(topic), (
        "run `python -m bihuan_contracts.schemas write` and commit the result"
    )


@pytest.mark.parametrize("topic", topics.ALL, ids=str)
def test_event_is_compatible_with_the_last_release_in_both_directions(topic: Topic) -> None:
    file = RELEASED / f"{topic.name}.json"
    if not file.exists():
        return  # a new topic has nothing to be compatible with
    assert compatible(json.loads(file.read_text(encoding="utf-8")), schema_of(topic)), (
        f"{topic} changed in a way that breaks producers or consumers: make the field optional, or open "
        f"the topic's next major version"
    )


def test_no_released_topic_disappears() -> None:
    released = {file.stem for file in RELEASED.glob("*.json")}
    assert released <= {topic.name for topic in topics.ALL}


def _add_required(schema: Schema) -> None:
    schema["properties"]["brand_new"] = {"type": "string"}
    schema["required"].append("brand_new")


def _narrow_type(schema: Schema) -> None:
    schema["properties"]["person"] = {"enum": ["10231"]}


def _remove_field(schema: Schema) -> None:
    del schema["properties"]["email"]


def _make_required(schema: Schema) -> None:
    schema["required"].append("email")


@pytest.mark.parametrize(
    "breaking", [_add_required, _narrow_type, _remove_field, _make_required], ids=lambda change: change.__name__
)
def test_the_comparison_refuses_a_breaking_change(breaking: Callable[[Schema], None]) -> None:
    old = schema_of(topics.PEOPLE)
    new = copy.deepcopy(old)
    breaking(new)
    assert not compatible(old, new)


def test_the_comparison_allows_a_new_optional_field() -> None:
    old = schema_of(topics.PEOPLE)
    new = copy.deepcopy(old)
    new["properties"]["nickname"] = {"type": "string", "default": ""}
    assert compatible(old, new)
