"""`bihuan send` and `bihuan topics`: events by hand, held against their contract first."""

import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from aiokafka import AIOKafkaProducer

from bihuan_chassis.identifiers import new_id
from bihuan_contracts import Event, Refused, SealedRecord, Topic, open_record, seal, topics
from bihuan_tools.instance import DEFAULT, Instance, create_topics
from bihuan_tools.output import fail, print_json, print_table, tell

topics_app = typer.Typer(no_args_is_help=True)


@topics_app.command("list")
def list_topics(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """主题一览 / every topic"""
    rows = [(t.name, t.event.__name__, t.owner, t.partitions, t.compacted) for t in topics.ALL]
    if as_json:
        print_json([dict(zip(("name", "event", "owner", "partitions", "compacted"), row, strict=True)) for row in rows])
    else:
        print_table(["topic", "event", "owner", "partitions", "compacted"], rows)


@topics_app.command("create")
def create(instance: str = DEFAULT) -> None:
    """建立缺少的主题 / create what is missing"""
    made = asyncio.run(create_topics(Instance(instance).kafka_servers))
    tell(f"新建 {len(made)} 个主题", f"{len(made)} topics created")


def send(
    file: Annotated[Path, typer.Argument(help="JSON 或 JSONL；- 为标准输入 / JSON or JSONL; - reads standard input")],
    topic: Annotated[str, typer.Option("--topic", help="主题 / topic")],
    instance: str = DEFAULT,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只校验 / only validate")] = False,
) -> None:
    """校验并发送事件 / validate events against their contract, then publish them"""
    try:
        target = topics.named(topic)
    except KeyError:
        fail(f"没有主题 {topic}", f"There is no topic {topic}", 2)
    text = sys.stdin.read() if str(file) == "-" else _read(file)
    events = [_validated(target, number, value) for number, value in _values(text)]
    if not dry_run:
        asyncio.run(publish(Instance(instance).kafka_servers, events))
    if as_json:
        print_json({"topic": topic, "events": len(events), "sent": not dry_run})
    else:
        tell(f"{topic}：{len(events)} 条，全部合格", f"{topic}: {len(events)} events, all valid")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"读不了 {file}：{error}", f"{file} can't be read: {error}", 2)


def _values(text: str) -> Iterable[tuple[int, Any]]:
    """Events with the line they stand on: one JSON value, a list, or one a line."""
    try:
        whole = json.loads(text)
        return list(enumerate(whole, 1)) if isinstance(whole, list) else [(1, whole)]
    except ValueError:
        pass
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                found.append((number, json.loads(line)))
            except ValueError as error:
                fail(f"第 {number} 行不是 JSON：{error}", f"Line {number} is not JSON: {error}", 2)
    return found


def _validated(topic: Topic, number: int, value: Any) -> Event:
    opened = open_record(topic, None, json.dumps(value, ensure_ascii=False).encode(), [], None)
    if isinstance(opened, Refused) and opened.code == "too_large":
        fail(f"第 {number} 条太大（{opened.message.zh}）", f"Event {number} is too large ({opened.message.en})", 2)
    if isinstance(opened, Refused):
        where = opened.field or "-"
        fail(
            f"第 {number} 条：字段 {where} 不正确（{opened.message.zh}）",
            f"Event {number}: field {where} is wrong ({opened.message.en})",
            2,
        )
    return opened.event


async def publish(servers: str, events: Sequence[Event], *, source: str = "bihuan/cli") -> None:
    """Send events to their topics, in order per key."""
    producer = AIOKafkaProducer(bootstrap_servers=servers, enable_idempotence=True, acks="all")
    await producer.start()
    try:
        now = datetime.now(UTC)
        sealed = [seal(topics.of_event(type(one)), one, id=str(new_id()), source=source, time=now) for one in events]
        await asyncio.gather(*[await _produce(producer, record) for record in sealed])
    finally:
        await producer.stop()


async def _produce(producer: AIOKafkaProducer, record: SealedRecord) -> "asyncio.Future[Any]":
    future: asyncio.Future[Any] = await producer.send(record.topic, record.value, record.key, headers=record.headers)
    return future
