"""DESIGN: one registry says everything about a topic, once."""

import ast
import re
import sys
from pathlib import Path

import bihuan_contracts
from bihuan_contracts import Topic, topics


def test_every_topic_has_its_own_name_event_and_type() -> None:
    assert len({topic.name for topic in topics.ALL}) == len(topics.ALL)
    assert len({topic.event for topic in topics.ALL}) == len(topics.ALL)
    assert len({topic.type for topic in topics.ALL}) == len(topics.ALL)


def test_names_end_in_the_major_version_and_suit_kafka_and_kubernetes() -> None:
    for topic in topics.ALL:
        assert re.fullmatch(r"[a-z]+(\.[a-z-]+)+\.v[1-9]", topic.name)


def test_every_constant_is_in_the_list_of_all() -> None:
    constants = {value for value in vars(topics).values() if isinstance(value, Topic)}
    assert constants == set(topics.ALL)


def test_state_topics_carry_a_version() -> None:
    for topic in topics.ALL:
        if topic.compacted:
            assert "version" in topic.event.model_fields, topic.name


def test_events_ignore_what_they_do_not_know() -> None:
    for topic in topics.ALL:
        assert topic.event.model_config["extra"] == "ignore"
        assert topic.event.model_config["frozen"]


def test_type_finds_its_topic_also_with_a_minor_version() -> None:
    assert topics.of_type("bihuan.plm.bom-released.v1") is topics.BOM_RELEASES
    assert topics.of_type("bihuan.plm.bom-released.v1.2") is topics.BOM_RELEASES
    assert topics.of_type("bihuan.plm.bom-released.v2") is None
    assert topics.of_type("nonsense") is None


def test_contracts_import_nothing_but_pydantic() -> None:
    """Other applications install this package: it must stay light."""
    allowed = {"pydantic", "bihuan_contracts"}
    for file in Path(bihuan_contracts.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            foreign = {name.split(".")[0] for name in names} - allowed - _standard_library()
            assert not foreign, f"{file.name} imports {foreign}"


def _standard_library() -> frozenset[str]:

    return sys.stdlib_module_names
