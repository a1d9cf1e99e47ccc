"""`bihuan dlq`: dead letters of every service (I3)."""

import asyncio
import getpass
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import asyncpg
import typer

from bihuan_chassis import dead_letters
from bihuan_chassis.dead_letters import DeadLetter
from bihuan_tools.instance import DEFAULT, SERVICES, Instance
from bihuan_tools.output import fail, print_json, print_table, say, tell

app = typer.Typer(no_args_is_help=True)
T = TypeVar("T")
_REPLAY_SECONDS = 20.0
_SHOWN = 2_000


@app.command("list")
def list_letters(
    service: Annotated[str, typer.Option("--service", help="服务 / service")] = "",
    state: Annotated[str, typer.Option("--state", help="open | replayed | discarded | all")] = "open",
    instance: str = DEFAULT,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """列出死信 / list them"""
    wanted = None if state == "all" else state
    found = [
        (name, letter)
        for name in _services(service)
        for letter in _on(instance, name, lambda raw: dead_letters.find(raw, state=wanted, body_bytes=0))
    ]
    if as_json:
        print_json([_summary(name, letter) for name, letter in found])
    else:
        print_table(
            ["id", say("服务", "service"), say("主题", "topic"), say("原因", "reason"), say("字段", "field"), ""],
            [[letter.id, name, letter.record.topic, letter.code, letter.field, letter.state] for name, letter in found],
        )


@app.command()
def show(id: UUID, instance: str = DEFAULT, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """看一条的全部 / everything about one"""
    name, letter = _find(instance, id)
    detail = _summary(name, letter) | {
        "reason": say(letter.reason.zh, letter.reason.en),
        "partition": letter.record.partition,
        "offset": letter.record.offset,
        "key": _text(letter.record.key),
        "value": _text(letter.record.value),
        "headers": {header: _text(value) for header, value in letter.record.headers},
    }
    if as_json:
        print_json(detail)
    else:
        detail["value"] = _beginning(detail["value"])
        print_table(["", ""], [[field, value] for field, value in detail.items()])


@app.command()
def replay(
    id: UUID,
    value: Annotated[Path | None, typer.Option("--value", help="改正后的内容 / file with the mended body")] = None,
    instance: str = DEFAULT,
) -> None:
    """重放一条 / handle one again"""
    name, _ = _find(instance, id)
    body = value.read_bytes() if value is not None else None
    asked = _on(instance, name, lambda raw: dead_letters.request_replay(raw, [id], by=getpass.getuser(), value=body))
    if not asked:
        fail("这条死信已经处理过", "This dead letter has been dealt with already")
    until = time.monotonic() + _REPLAY_SECONDS
    while time.monotonic() < until:
        letter = _on(instance, name, lambda raw: dead_letters.get(raw, id))
        if letter is not None and letter.state == "replayed":
            tell("已重放", "Replayed")
            return
        if letter is not None and letter.state == "open":
            fail(f"仍然失败：{letter.reason.zh}", f"It failed again: {letter.reason.en}")
        time.sleep(0.1)
    fail("等不到结果：worker 在运行吗？", "No outcome: is the worker running?", 3)


@app.command()
def discard(
    id: UUID,
    reason: Annotated[str, typer.Option("--reason", help="理由 / reason")],
    instance: str = DEFAULT,
) -> None:
    """丢弃一条，理由留存 / give one up; the reason is kept"""
    if not reason.strip():
        fail("必须写理由", "A reason is needed", 2)
    name, _ = _find(instance, id)
    done = _on(instance, name, lambda raw: dead_letters.discard(raw, [id], by=getpass.getuser(), reason=reason))
    if not done:
        fail("这条死信已经处理过", "This dead letter has been dealt with already")
    tell("已丢弃", "Discarded")


def _find(instance: str, id: UUID) -> tuple[str, DeadLetter]:
    for name in SERVICES:
        letter = _on(instance, name, lambda raw: dead_letters.get(raw, id))
        if letter is not None:
            return name, letter
    return fail("没有这条死信", "There is no such dead letter", 2)


def _services(named: str) -> tuple[str, ...]:
    if named and named not in SERVICES:
        fail(f"没有服务 {named}", f"There is no service {named}", 2)
    return (named,) if named else SERVICES


def _on(instance: str, service: str, work: Callable[[Any], Awaitable[T]]) -> T:
    async def run() -> T:
        connection = await asyncpg.connect(Instance(instance).database(service))
        try:
            return await work(connection)
        finally:
            await connection.close()

    try:
        return asyncio.run(run())
    except OSError as error:
        start = f"bihuan up --instance {instance}"
        return fail(
            f"实例 {instance} 的数据库没有响应，先启动它：{start}（{error}）",
            f"The database of instance {instance} does not answer, start it first: {start} ({error})",
            3,
        )


def _summary(service: str, letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id, "service": service, "topic": letter.record.topic, "code": letter.code,
        "field": letter.field, "state": letter.state, "attempts": letter.attempts, "last_seen": letter.last_seen,
    }  # fmt: skip


def _beginning(text: str | None) -> str | None:
    """What a screen can take of it."""
    if text is None or len(text) <= _SHOWN:
        return text
    return f"{text[:_SHOWN]}… " + say(
        f"（共 {len(text)} 字，--json 给全部）", f"({len(text)} characters, --json has all)"
    )


def _text(raw: bytes | None) -> str | None:
    return raw.decode(errors="backslashreplace") if raw is not None else None
