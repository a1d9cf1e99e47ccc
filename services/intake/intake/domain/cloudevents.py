"""CloudEvents 1.0 over HTTP: structured, batched and binary mode, each refusal with its attribute (I2)."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from bihuan_contracts import Opened, Refused, Topic, open_record, topics

_NAME = re.compile(r"^[a-z0-9]+$")
_MEDIA_TYPE = re.compile(r"^[\w.+-]+/[\w.+-]+(\s*;\s*[\w-]+\s*=\s*(\"[^\"]*\"|[^\s;]+))*$")
_TIME = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$")
_REQUIRED = ("specversion", "id", "source", "type")


class Bad(Exception):
    """What is wrong with an event: a stable code, the attribute, words for its sender."""

    def __init__(self, code: str, field: str | None, message: str) -> None:
        super().__init__(message)
        self.code, self.field, self.message = code, field, message


@dataclass(frozen=True, slots=True)
class Envelope:
    """A CloudEvent whose attributes are in order; `data` is the JSON text of its body."""

    id: str
    source: str
    type: str
    time: str | None
    subject: str | None
    data: bytes


def parse(event: Any) -> Envelope:
    """Check one event in the JSON format; raises Bad naming the attribute."""
    if not isinstance(event, dict):
        raise Bad("not_an_object", None, "a CloudEvent is a JSON object")
    for name in _REQUIRED:
        if event.get(name) is None:
            raise Bad("missing_attribute", name, f"{name} is required")
        if not isinstance(event[name], str) or not event[name].strip():
            raise Bad("bad_attribute", name, f"{name} must be a text that is not empty")
    if event["specversion"] != "1.0":
        raise Bad("bad_attribute", "specversion", "only CloudEvents 1.0 is understood")
    _check_attributes(event)
    return Envelope(event["id"], event["source"], event["type"], event.get("time"), event.get("subject"), _data(event))


def _check_attributes(event: Mapping[str, Any]) -> None:
    for name, value in event.items():
        if name in {"data", "data_base64"} or value is None:
            continue
        if not _NAME.match(name):
            raise Bad("bad_attribute", name, "names of attributes are lower-case letters and digits")
        if not isinstance(value, str | bool | int):
            raise Bad("bad_attribute", name, "attributes are texts, numbers or true and false")
    _check_text(event, "subject")
    _check_uri(event, "source", absolute=False)
    _check_uri(event, "dataschema", absolute=True)
    if (time := event.get("time")) is not None and not _is_time(time):
        raise Bad("bad_attribute", "time", "not a time of RFC 3339 with zone")
    media_type = event.get("datacontenttype")
    if media_type is not None and not (isinstance(media_type, str) and _MEDIA_TYPE.match(media_type)):
        raise Bad("bad_attribute", "datacontenttype", "not a media type")


def _check_text(event: Mapping[str, Any], name: str) -> None:
    value = event.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise Bad("bad_attribute", name, f"{name} must be a text that is not empty")


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
        raise Bad("bad_attribute", name, f"{name} is not a URI")


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
        raise Bad("bad_attribute", "data_base64", "data and data_base64 exclude each other")
    if encoded is None:
        return json.dumps(plain, ensure_ascii=False).encode() if plain is not None else b""
    try:
        return base64.b64decode(encoded, validate=True)
    except (ValueError, TypeError):
        raise Bad("bad_attribute", "data_base64", "not base64") from None


def binary(headers: Mapping[str, str], body: bytes) -> Envelope:
    """A CloudEvent in binary mode: attributes are `ce-` headers."""
    attributes: dict[str, Any] = {name[3:]: value for name, value in headers.items() if name.startswith("ce-")}
    if "content-type" in headers:
        attributes["datacontenttype"] = headers["content-type"]
    envelope = parse(attributes)
    return Envelope(envelope.id, envelope.source, envelope.type, envelope.time, envelope.subject, body)


def understand(envelope: Envelope) -> tuple[Topic, Opened]:
    """The topic and the event that an envelope carries; raises Bad where the contract is not met."""
    topic = topics.of_type(envelope.type)
    if topic is None or topic not in topics.UPSTREAM:
        raise Bad("unknown_type", "type", f"{envelope.type} is none of {', '.join(t.type for t in topics.UPSTREAM)}")
    headers = [("ce_id", envelope.id.encode()), ("ce_source", envelope.source.encode())]
    if envelope.time is not None:
        headers.append(("ce_time", envelope.time.encode()))
    opened = open_record(topic, None, envelope.data, headers, None)
    if isinstance(opened, Refused):
        raise Bad(opened.code, f"data.{opened.field}" if opened.field else "data", opened.message)
    return topic, opened
