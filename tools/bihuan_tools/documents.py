"""The documents that are made from code: the AsyncAPI description, docs/events.md, the settings in docs/operations.md.

python -m bihuan_tools.documents      refresh all
"""

import inspect
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from faststream.kafka import KafkaBroker
from faststream.specification import AsyncAPI

from bihuan_contracts import Topic, topics
from bihuan_tools import settings_page

ROOT = Path(__file__).parent.parent.parent
ASYNCAPI = ROOT / "libs/contracts/asyncapi/asyncapi.yaml"
EVENTS_PAGE = ROOT / "docs/events.md"

_HEADERS = {
    "ce_specversion": ("CloudEvents version", "1.0"),
    "ce_id": ("Unique together with ce_source", "0190b3c0-7f3a-7c1e-8a52-6f1f6a0c9d11"),
    "ce_source": ("Who wrote it", "bihuan/changes"),
    "ce_type": ("Type with its major version; a minor version may follow", None),
    "ce_time": ("RFC 3339 with zone", "2026-03-11T00:30:12.104Z"),
    "ce_subject": ("The record's key", None),
    "traceparent": ("W3C trace context", None),
}  # fmt: skip


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3.0 of every topic: FastStream's description, with CloudEvents headers and Kafka bindings."""
    broker = KafkaBroker()
    for topic in topics.ALL:
        broker.publisher(topic.name, title=topic.name, description=topic.description, schema=topic.event)
    described = AsyncAPI(
        broker,
        title="Bihuan events",
        version="1.0.0",
        description="Events of Bihuan (闭环). CloudEvents 1.0 in binary mode on Kafka, JSON bodies, UTC times.",
    )
    document: dict[str, Any] = described.to_specification().to_jsonable()
    document.pop("servers", None)
    for topic in topics.ALL:
        _complete(document, topic)
    names = [topic.name for topic in topics.ALL]
    for part in ("channels", "operations"):
        document[part] = {name: document[part][name] for name in names}
    components = document["components"]
    components["messages"] = {f"{name}:Message": components["messages"][f"{name}:Message"] for name in names}
    components["schemas"] = dict(sorted(components["schemas"].items()))
    return document


def _complete(document: dict[str, Any], topic: Topic) -> None:
    channel = document["channels"][topic.name]
    channel.pop("servers", None)
    channel["bindings"]["kafka"] |= {
        "partitions": topic.partitions,
        "topicConfiguration": {
            "cleanup.policy": ["compact" if topic.compacted else "delete"],
            **({"retention.ms": _milliseconds(topic.retention)} if topic.retention else {}),
        },
    }
    message = document["components"]["messages"][f"{topic.name}:Message"]
    message.pop("correlationId", None)
    message |= {
        "name": topic.type,
        "title": topic.event.__name__,
        "summary": _first_line(topic),
        "contentType": "application/json",
        "headers": _headers(topic),
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}},
    }


def _headers(topic: Topic) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, (description, example) in _HEADERS.items():
        properties[name] = {"type": "string", "description": description}
        if example is not None:
            properties[name]["examples"] = [example]
    properties["ce_type"]["examples"] = [topic.type]
    return {"type": "object", "properties": properties}


def events_page() -> str:
    """docs/events.md: one row a topic, then the fields of each event."""
    rows = [
        f"| [`{topic.name}`](#{_anchor(topic)}) | {'state' if topic.compacted else 'fact'} | {topic.owner} | "
        f"{topic.partitions} | {_kept(topic)} | {topic.description} |"
        for topic in topics.ALL
    ]
    return "\n".join([*_EVENTS_HEAD, *rows, "", *(line for topic in topics.ALL for line in _section(topic))])


_EVENTS_HEAD = [
    "# Events",
    "",
    "<!-- made by `make documents` from libs/contracts: edit there -->",
    "",
    "Every record is a CloudEvent 1.0 in binary mode: the attributes are Kafka headers (`ce_id`, `ce_source`,",
    "`ce_type`, `ce_time`, `ce_subject`), the body is JSON. Upstream records without headers are taken too.",
    "Delivery is at least once: a **state** topic carries the full state of one aggregate, keep the highest",
    "`version` you have seen; a **fact** is idempotent by its id. Unknown fields and words must be ignored.",
    "Schemas: `libs/contracts/schemas`; the same as AsyncAPI: `libs/contracts/asyncapi/asyncapi.yaml`; a consumer",
    "to start from: `libs/contracts/examples/consumer.py`.",
    "",
    "| topic | kind | written by | partitions | kept | what |",
    "| --- | --- | --- | --- | --- | --- |",
]


def _section(topic: Topic) -> list[str]:
    schema = topic.event.model_json_schema()
    required = set(schema.get("required", ()))
    fields = [
        f"| `{name}` | {_type_words(field)} | {'yes' if name in required else ''} | {_description(field)} |"
        for name, field in schema["properties"].items()
    ]
    return [
        f"## {topic.name}",
        "",
        f"`{topic.type}` · {inspect.getdoc(topic.event)}",
        "",
        "| field | type | required | |",
        "| --- | --- | --- | --- |",
        *fields,
        "",
    ]


def _description(field: dict[str, Any]) -> str:
    return " ".join(str(field.get("description", "")).split())


def _type_words(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rsplit("/", 1)[1]
    if "anyOf" in field:
        words = dict.fromkeys(_type_words(choice) for choice in field["anyOf"])
        return " or ".join(words)
    if field.get("type") == "array":
        return f"list of {_type_words(field.get('items', {}))}"
    return str(field.get("format") or field.get("type") or "any")


def _anchor(topic: Topic) -> str:
    return topic.name.replace(".", "")


def _kept(topic: Topic) -> str:
    return f"{topic.retention.days} days" if topic.retention else "for ever"


def _milliseconds(time: timedelta) -> int:
    return int(time.total_seconds() * 1000)


def _first_line(topic: Topic) -> str:
    return (topic.event.__doc__ or "").strip().splitlines()[0]


def asyncapi_text() -> str:
    return yaml.safe_dump(asyncapi(), allow_unicode=True, sort_keys=False, width=116)


def main() -> int:
    ASYNCAPI.write_text(asyncapi_text(), encoding="utf-8")
    EVENTS_PAGE.parent.mkdir(exist_ok=True)
    EVENTS_PAGE.write_text(events_page(), encoding="utf-8")
    operations = settings_page.PAGE.read_text(encoding="utf-8")
    settings_page.PAGE.write_text(settings_page.with_settings(operations), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
