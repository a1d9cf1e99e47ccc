"""I1, I3: records are opened or refused with the field that is wrong; opening never raises."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bihuan_contracts import Opened, Refused, open_record, seal, topics
from bihuan_contracts.changes import ImpactAction
from bihuan_contracts.envelope import MAX_BYTES
from bihuan_contracts.hr import PersonChanged

ID = "0190b3c0-0000-7000-8000-000000000001"
NOW = datetime(2026, 3, 11, 8, 30, 12, 104000, tzinfo=UTC)
PERSON = PersonChanged(person="10231", name="周启航", roles=("employee",), version=3)


def opened(value: bytes, headers: list[tuple[str, bytes | None]] | None = None) -> Opened | Refused:
    return open_record(topics.HR_PEOPLE, b"10231", value, headers or [], 1_773_217_812_104)


def test_what_is_sealed_opens_to_the_same_event() -> None:
    record = seal(topics.HR_PEOPLE, PERSON, id=ID, source="bihuan/test", time=NOW, traceparent="00-aa-bb-01")
    again = open_record(topics.HR_PEOPLE, record.key, record.value, record.headers, 0)
    assert again == Opened(ID, "bihuan/test", NOW, "10231", "00-aa-bb-01", PERSON)


def test_upstream_record_without_headers_gets_a_stable_id_and_the_record_time() -> None:
    first, second = opened(PERSON.model_dump_json().encode()), opened(PERSON.model_dump_json().encode())
    assert isinstance(first, Opened)
    assert first == second
    assert UUID(first.id)
    assert first.time == datetime(2026, 3, 11, 8, 30, 12, 104000, tzinfo=UTC)


def test_cloudevents_id_of_any_form_is_unique_together_with_its_source() -> None:
    body = PERSON.model_dump_json().encode()
    ids = {
        opened(body, [("ce_id", b"A-1"), ("ce_source", source)]).id
        for source in (b"/plm/one", b"/plm/two", b"/plm/one")
    }
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("value", "headers", "code", "field"),
    [
        (b"", [], "empty", None),
        (b"{bad", [], "not_json", None),
        (b"[]", [], "wrong_schema", None),
        (b'{"person":"1","version":1}', [], "wrong_schema", "name"),
        (b'{"person":"1","name":"a","version":0}', [], "wrong_schema", "version"),
        (b'{"person":"1","name":"a\\u0000","version":1}', [], "bad_text", "name"),
        (b"{}", [("ce_id", b"\xff")], "bad_header", "ce_id"),
        (b"{}", [("ce_source", None)], "bad_header", "ce_source"),
        (b"{}", [("traceparent", b"00-\0")], "bad_header", "traceparent"),
        (b"{}", [("ce_type", b"bihuan.hr.person-changed.v2")], "unknown_type", "ce_type"),
        (b'{"person":"1","name":"a","version":1}', [("ce_time", b"lunchtime")], "bad_header", "ce_time"),
        (b'{"person":"1","name":"a","version":1}', [("ce_time", b"2026-03-11T08:30:12")], "bad_header", "ce_time"),
        (b'{"person":"1","name":"a","version":1}', [("ce_time", b"0001-01-01T00:00+14:00")], "bad_header", "ce_time"),
        (b'"' + b"x" * MAX_BYTES + b'"', [], "too_large", None),
    ],
)
def test_refusal_names_the_reason_and_the_field(
    value: bytes, headers: list[tuple[str, bytes | None]], code: str, field: str | None
) -> None:
    refused = opened(value, headers)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.field) == (code, field)


def test_a_backslash_before_u0000_is_ordinary_text() -> None:
    body = json.dumps({"person": "1", "name": "\\u0000", "version": 1}).encode()
    assert isinstance(opened(body), Opened)


def test_newer_minor_version_with_new_fields_and_words_is_read() -> None:
    """F15: a newer producer never breaks an older consumer."""
    body = json.dumps({"person": "1", "name": "a", "version": 1, "nickname": "b"}).encode()
    assert isinstance(opened(body, [("ce_type", b"bihuan.hr.person-changed.v1.4")]), Opened)
    assert ImpactAction("quarantine") is ImpactAction.UNKNOWN


@given(
    value=some.binary(max_size=200) | some.text().map(str.encode),
    headers=some.lists(some.tuples(some.text(max_size=12) | some.sampled_from(["ce_id", "ce_time"]),
                                   some.none() | some.binary(max_size=40)), max_size=4),
    timestamp=some.none() | some.integers(min_value=0, max_value=2**40),
)  # fmt: skip
def test_opening_never_raises(value: bytes, headers: list[tuple[str, bytes | None]], timestamp: int | None) -> None:
    assert isinstance(open_record(topics.HR_PEOPLE, None, value, headers, timestamp), Opened | Refused)
