"""CloudEvents 1.0 over HTTP: structured, batched and binary mode, each refusal with its attribute (I2)."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from bihuan_contracts import Opened, Refused, Text, Topic, open_record, topics

_NAME = re.compile(r"^[a-z0-9]+$")
_MEDIA_TYPE = re.compile(r"^[\w.+-]+/[\w.+-]+(\s*;\s*[\w-]+\s*=\s*(\"[^\"]*\"|[^\s;]+))*$")
_TIME = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$")
_TRACEPARENT = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
_REQUIRED = ("specversion", "id", "source", "type")
_LONGEST = 400
BATCH, STRUCTURED = "application/cloudevents-batch+json", "application/cloudevents+json"
MOST_EVENTS = 1000
"""Largest batch."""


class Bad(Exception):
    """What is wrong with an event: a stable code, the attribute, words for its sender."""

    def __init__(self, code: str, field: str | None, zh: str, en: str) -> None:
        super().__init__(en)
        self.code, self.field = code, field and _readable(field)
        self.message = Text(zh=_readable(zh), en=_readable(en))


def _not_a_text(name: str) -> Bad:
    return Bad("bad_attribute", name, f"{name} 应为非空文字", f"{name} must be a text that is not empty")


def _readable(words: str) -> str:
    """What a sender wrote may not be text at all."""
    return words.encode(errors="replace").decode()


@dataclass(frozen=True, slots=True)
class Envelope:
    """A CloudEvent whose attributes are in order; `data` is the JSON text of its body."""

    id: str
    source: str
    type: str
    time: str | None
    subject: str | None
    data: bytes
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """One event of a request: its own bytes, the attributes that came as headers, and what was made of it."""

    raw: bytes
    attributes: Mapping[str, str] | None
    found: Envelope | Bad


def pieces(media_type: str, headers: Mapping[str, str], body: bytes) -> list[Piece]:
    """The events of a request in structured, batched or binary mode; what is wrong stands in its place."""
    if media_type == STRUCTURED:
        return [Piece(body, None, _caught(lambda: parse(read(body))))]
    if media_type != BATCH:
        attributes = attributes_of(headers)
        return [Piece(body, attributes, _caught(lambda: binary(attributes, body)))]
    try:
        listed = read(body)
        if not isinstance(listed, list) or len(listed) > MOST_EVENTS:
            raise Bad(
                "not_a_batch",
                None,
                f"一批是最多 {MOST_EVENTS} 个事件的列表",
                f"a batch is a list of at most {MOST_EVENTS} events",
            )
    except Bad as bad:
        return [Piece(body, None, bad)]
    return [Piece(json.dumps(one, ensure_ascii=False).encode(errors="replace"), None, _parsed(one)) for one in listed]


def again(attributes: Mapping[str, str] | None, body: bytes) -> list[Envelope]:
    """The events of a payload that is sent again, perhaps mended; raises Bad for the first that is wrong.

    The body of a binary event may be replaced by a whole structured one, to mend its attributes.
    """
    try:
        content = read(body)
    except Bad:
        content = None
    if attributes is not None and not (isinstance(content, dict) and "specversion" in content):
        return [binary(attributes, body)]
    content = read(body)
    return [parse(one) for one in content] if isinstance(content, list) else [parse(content)]


def read(body: bytes) -> Any:
    """JSON; raises Bad."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Bad("not_json", None, f"不是 JSON：{error}", f"not JSON: {error}") from None


def _parsed(event: Any) -> Envelope | Bad:
    return _caught(lambda: parse(event))


def _caught(make: Callable[[], Envelope]) -> Envelope | Bad:
    try:
        return make()
    except Bad as bad:
        return bad


def parse(event: Any) -> Envelope:
    """Check one event in the JSON format; raises Bad naming the attribute."""
    if not isinstance(event, Mapping):
        raise Bad("not_an_object", None, "CloudEvent 应为 JSON 对象", "a CloudEvent is a JSON object")
    for name in _REQUIRED:
        if event.get(name) is None:
            raise Bad("missing_attribute", name, f"{name} 必须填写", f"{name} is required")
        if not isinstance(event[name], str) or not event[name].strip():
            raise _not_a_text(name)
        if len(event[name]) > _LONGEST or "\0" in event[name]:
            words = f"{name} is longer than {_LONGEST} characters or holds a NUL"
            raise Bad("bad_attribute", name, f"{name} 超过 {_LONGEST} 个字符，或含空字符（NUL）", words)
    if event["specversion"] != "1.0":
        raise Bad("bad_attribute", "specversion", "只支持 CloudEvents 1.0", "only CloudEvents 1.0 is understood")
    _check_attributes(event)
    traceparent = event.get("traceparent")
    return Envelope(
        event["id"], event["source"], event["type"], event.get("time"), event.get("subject"), _data(event),
        traceparent if isinstance(traceparent, str) and _TRACEPARENT.match(traceparent) else None,
    )  # fmt: skip


def _check_attributes(event: Mapping[str, Any]) -> None:
    for name, value in event.items():
        if name in {"data", "data_base64"} or value is None:
            continue
        if not _NAME.match(name):
            words = "names of attributes are lower-case letters and digits"
            raise Bad("bad_attribute", name, "属性名只能是小写字母和数字", words)
        if not isinstance(value, str | bool | int):
            words = "attributes are texts, numbers or true and false"
            raise Bad("bad_attribute", name, "属性只能是文字、数字或 true、false", words)
        if isinstance(value, str) and not _is_text(value):
            raise Bad("bad_text", name, "只有半个字符（孤立的代理项）", "half of a character (a lone surrogate)")
    _check_text(event, "subject")
    _check_uri(event, "source", absolute=False)
    _check_uri(event, "dataschema", absolute=True)
    if (time := event.get("time")) is not None and not _is_time(time):
        raise Bad("bad_attribute", "time", "不是带时区的 RFC 3339 时间", "not a time of RFC 3339 with zone")
    media_type = event.get("datacontenttype")
    if media_type is not None and not (isinstance(media_type, str) and _MEDIA_TYPE.match(media_type)):
        raise Bad("bad_attribute", "datacontenttype", "不是媒体类型", "not a media type")


def _check_text(event: Mapping[str, Any], name: str) -> None:
    value = event.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise _not_a_text(name)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_uri(event: Mapping[str, Any], name: str, *, absolute: bool) -> None:
    value = event.get(name)
    if value is None:
        return
    try:
        parts = urlsplit(value) if isinstance(value, str) and value else None
    except ValueError:
        parts = None
    bad_signs = isinstance(value, str) and re.search(r"[\s<>\"{}|\\^`%](?![0-9A-Fa-f]{2})", value)
    if parts is None or bad_signs or (absolute and not parts.scheme):
        raise Bad("bad_attribute", name, f"{name} 不是 URI", f"{name} is not a URI")


def _is_time(value: Any) -> bool:
    if not isinstance(value, str) or not _TIME.match(value):
        return False
    try:
        # The calendar and the offset's range; nanoseconds are cut, Python knows microseconds.
        datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value.upper()))
    except ValueError:
        return False
    return True


def _data(event: Mapping[str, Any]) -> bytes:
    encoded, plain = event.get("data_base64"), event.get("data")
    if encoded is not None and plain is not None:
        words = "data and data_base64 exclude each other"
        raise Bad("bad_attribute", "data_base64", "data 和 data_base64 只能有一个", words)
    try:
        if encoded is None:
            return json.dumps(plain, ensure_ascii=False).encode() if plain is not None else b""
    except UnicodeEncodeError:
        raise Bad(
            "bad_text", "data", "只有半个字符（孤立的代理项）", "half of a character (a lone surrogate)"
        ) from None
    try:
        return base64.b64decode(encoded, validate=True)
    except (ValueError, TypeError):
        raise Bad("bad_attribute", "data_base64", "不是 base64", "not base64") from None


def attributes_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a binary event: `ce-` headers, percent-encoded where not plain (HTTP binding 3.1.3.2)."""
    found = {name[3:].lower(): unquote(value) for name, value in headers.items() if name.lower().startswith("ce-")}
    if "content-type" in headers:
        found["datacontenttype"] = headers["content-type"]
    return found


def binary(attributes: Mapping[str, str], body: bytes) -> Envelope:
    """A CloudEvent in binary mode."""
    return replace(parse(attributes), data=body)


def understand(envelope: Envelope) -> tuple[Topic, Opened]:
    """The topic and the event that an envelope carries; raises Bad where the contract is not met."""
    topic = topics.of_type(envelope.type)
    if topic is None or topic not in topics.UPSTREAM:
        known = ", ".join(one.type for one in topics.UPSTREAM)
        raise Bad("unknown_type", "type", f"{envelope.type} 不在 {known} 之中", f"{envelope.type} is none of {known}")
    headers = [("ce_id", envelope.id.encode()), ("ce_source", envelope.source.encode())]
    if envelope.traceparent is not None:
        headers.append(("traceparent", envelope.traceparent.encode()))
    if envelope.time is not None:
        headers.append(("ce_time", envelope.time.encode()))
    opened = open_record(topic, None, envelope.data, headers, None)
    if isinstance(opened, Refused):
        field = f"data.{opened.field}" if opened.field else "data"
        raise Bad(opened.code, field, opened.message.zh, opened.message.en)
    return topic, opened
