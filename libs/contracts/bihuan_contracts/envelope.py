"""The envelope: CloudEvents 1.0, binary mode on Kafka. Opening a record never raises."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from pydantic import ValidationError

from bihuan_contracts import wording
from bihuan_contracts.event import Event, Text
from bihuan_contracts.topic import Topic

Headers = Sequence[tuple[str, bytes | None]]

MAX_BYTES = 900_000
"""Largest body that is announced or taken: below the broker's limit of 1 MiB with room for headers."""

_CANONICAL = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Opened(NamedTuple):
    """A record that was understood. `id` is a canonical UUID text, unique per event."""

    id: str
    source: str
    time: datetime
    subject: str | None
    traceparent: str | None
    event: Event


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that can't be understood: a stable `code`, the field that is wrong, and words for its sender."""

    code: str
    """not_json, wrong_schema, unknown_type, bad_header, empty, too_large, bad_text"""
    field: str | None
    message: Text
    id: str
    """The id the record would have had, so that a refused one is kept once."""


@dataclass(frozen=True, slots=True)
class SealedRecord:
    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


class _BadRecordError(Exception):
    def __init__(self, code: str, field: str | None, message: Text) -> None:
        super().__init__(message.en)
        self.code, self.field, self.message = code, field, message


def open_record(
    topic: Topic, key: bytes | None, value: bytes | None, headers: Headers, timestamp_ms: int | None
) -> Opened | Refused:
    """Open one Kafka record of `topic`.

    Records without CloudEvents headers are accepted from upstream systems: their id is derived from topic, key
    and content, their time is the record's own (milliseconds since 1970). Never raises.
    """
    try:
        return _open(topic, key, value, headers, timestamp_ms)
    except _BadRecordError as bad:
        return Refused(bad.code, bad.field, bad.message, _derived_id(topic.name, key, value, headers))


def _open(topic: Topic, key: bytes | None, value: bytes | None, headers: Headers, timestamp_ms: int | None) -> Opened:
    if not value:
        raise _BadRecordError("empty", None, Text(zh="记录没有内容", en="the record has no body"))
    if len(value) > MAX_BYTES:
        raise _BadRecordError("too_large", None, _too_large(len(value)))
    if key and b"\0" in key:
        raise _BadRecordError("bad_text", "key", Text(zh="键里有空字符（NUL）", en="the key holds a NUL character"))
    named = _text_headers(headers)
    _check_type(topic, named.get("ce_type"))
    _check_text(value)
    try:
        event = topic.event.__pydantic_validator__.validate_json(value)
    except ValidationError as error:
        raise _first_problem(error) from None
    id_text, source = named.get("ce_id"), named.get("ce_source") or ""
    return Opened(
        _canonical_id(source, id_text) if id_text else _derived_id(topic.name, key, value, ()),
        source or f"upstream/{topic.name}",
        _time(named.get("ce_time"), timestamp_ms),
        named.get("ce_subject"),
        named.get("traceparent"),
        event,
    )


def _text_headers(headers: Headers) -> dict[str, str]:
    try:
        named = {name: raw.decode() for name, raw in headers if raw is not None or name.startswith("ce_")}  # type: ignore[union-attr]
    except AttributeError:
        missing = next(name for name, raw in headers if raw is None and name.startswith("ce_"))
        raise _BadRecordError("bad_header", missing, Text(zh="这个头没有值", en="the header has no value")) from None
    except UnicodeDecodeError:
        broken = next(name for name, raw in headers if not _is_text(raw))
        raise _BadRecordError("bad_header", broken, Text(zh="这个头不是 UTF-8", en="the header is not UTF-8")) from None
    if "\0" in "".join(named.values()):
        broken = next(name for name, text in named.items() if "\0" in text)
        raise _BadRecordError(
            "bad_header", broken, Text(zh="这个头里有空字符（NUL）", en="the header holds a NUL character")
        )
    return named


def _is_text(raw: bytes | None) -> bool:
    try:
        return raw is None or raw.decode() is not None
    except UnicodeDecodeError:
        return False


def _check_type(topic: Topic, given: str | None) -> None:
    # A newer minor version of the same major one is welcome: its new fields are ignored (F15).
    if given is not None and given != topic.type and not given.startswith(f"{topic.type}."):
        raise _BadRecordError("unknown_type", "ce_type", Text(zh=f"应为 {topic.type}", en=f"expected {topic.type}"))


def _check_text(value: bytes) -> None:
    # PostgreSQL takes no NUL in text: one such record would fail its whole batch for ever.
    if b"\\u0000" not in value and b"\x00" not in value:
        return
    try:
        found = _nul_field(json.loads(value), "")
    except (ValueError, RecursionError):
        return  # not JSON at all: said by the validation that follows
    if found is not None:
        raise _BadRecordError(
            "bad_text", found or None, Text(zh="文字里有空字符（NUL）", en="the text holds a NUL character")
        )


def _too_large(size: int) -> Text:
    return Text(zh=f"内容有 {size} 字节，上限是 {MAX_BYTES}", en=f"the body has {size} bytes, the limit is {MAX_BYTES}")


def _nul_field(node: object, path: str) -> str | None:
    if isinstance(node, str):
        return path if "\x00" in node else None
    children: Iterable[tuple[object, object]] = ()
    if isinstance(node, dict):
        children = node.items()
    elif isinstance(node, list):
        children = enumerate(node)
    for name, child in children:
        where = f"{path}.{name}" if path else str(name)
        if "\x00" in str(name):
            return path
        if (found := _nul_field(child, where)) is not None:
            return found
    return None


def _first_problem(error: ValidationError) -> _BadRecordError:
    problem = error.errors(include_url=False, include_input=False, include_context=True)[0]
    kind, context = problem["type"], problem.get("ctx") or {}
    if kind == "json_invalid":
        detail = context.get("error", "")
        return _BadRecordError("not_json", None, Text(zh=f"不是有效的 JSON：{detail}", en=f"not valid JSON: {detail}"))
    field = ".".join(str(step) for step in problem["loc"]) or None
    return _BadRecordError("wrong_schema", field, wording.of_error(kind, context))


def _canonical_id(source: str, id_text: str) -> str:
    if _CANONICAL.fullmatch(id_text):  # ours always are
        return id_text
    if len(id_text) in {32, 36}:
        try:
            return str(UUID(id_text))
        except ValueError:
            pass
    # CloudEvents ids are any text, unique only together with their source.
    return str(UUID(bytes=sha256(f"{source}\0{id_text}".encode()).digest()[:16], version=5))


def _derived_id(topic: str, key: bytes | None, value: bytes | None, headers: Headers) -> str:
    digest = sha256()
    for piece in (topic.encode(), key or b"", value or b"", *(raw or b"" for _, raw in headers)):
        digest.update(len(piece).to_bytes(8, "big") + piece)
    return str(UUID(bytes=digest.digest()[:16], version=5))


def _time(given: str | None, timestamp_ms: int | None) -> datetime:
    if given is not None:
        try:
            time = datetime.fromisoformat(given)
            in_utc = time.astimezone(UTC)
        except (ValueError, OverflowError):
            raise _BadRecordError(
                "bad_header", "ce_time", Text(zh="不是 RFC 3339 的时间", en="not a time of RFC 3339")
            ) from None
        if time.tzinfo is None:
            raise _BadRecordError("bad_header", "ce_time", Text(zh="时间没有时区", en="the time has no zone"))
        return in_utc
    return datetime.fromtimestamp(max(timestamp_ms or 0, 0) / 1000, UTC)


def seal(
    topic: Topic,
    event: Event,
    *,
    id: str,
    source: str,
    time: datetime,
    traceparent: str | None = None,
) -> SealedRecord:
    """Make the Kafka record of an event: binary-mode CloudEvents headers, JSON body, the registry's key."""
    key = topic.key(event)
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", topic.type.encode()),
        ("ce_time", time.isoformat().encode()),
        ("ce_subject", key.encode()),
        ("content-type", b"application/json"),
    ]
    if traceparent:
        headers.append(("traceparent", traceparent.encode()))
    return SealedRecord(topic.name, key.encode(), event.__pydantic_serializer__.to_json(event), headers)
