"""`bihuan demo` and `bihuan scenario`."""

import asyncio
from typing import Annotated

import httpx
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bihuan_tools.demo.scenario import Done, Player
from bihuan_tools.demo.seed import seed as seed_company
from bihuan_tools.instance import DEFAULT, Instance
from bihuan_tools.output import Speech, console, fail, print_json, print_table, say, tell
from bihuan_tools.stack import StackError
from bihuan_tools.staying import stay_while, until_stopped
from bihuan_tools.steps import run_steps

demo = typer.Typer(no_args_is_help=True)
scenario = typer.Typer(no_args_is_help=True)


@demo.callback()
def _demo() -> None:
    """演示公司 / the demo company"""


@scenario.callback()
def _scenario() -> None:
    """场景 / scenarios"""


@demo.command("seed")
def seed(instance: str = DEFAULT, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """载入演示公司 / load the demo company"""
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(), console=console, disable=not console.is_terminal,
    ) as bars:  # fmt: skip
        tasks: dict[str, int] = {}

        def show(zh: str, en: str, done: int, total: int) -> None:
            if en not in tasks:
                tasks[en] = bars.add_task(say(zh, en), total=total)
            bars.update(tasks[en], completed=done)  # type: ignore[arg-type] # rich's TaskID is an int

        try:
            counts = asyncio.run(seed_company(Instance(instance), show))
        except StackError as error:
            fail(error.text.zh, error.text.en)
    if as_json:
        print_json(counts)
    else:
        tell(f"演示公司已就绪：{counts['people']} 人", f"The demo company is there: {counts['people']} people")


@demo.command("run")
def run(instance: str = DEFAULT) -> None:
    """启动、载入、演一遍，直到 Ctrl-C / start, load, play, stay until Ctrl-C"""
    one = Instance(instance)
    ours = True
    try:
        with until_stopped():
            run_steps(one.up())
            seed(instance)
            bom_change(instance)
            _show_personas(one)
            tell("按 Ctrl-C 停止", "Ctrl-C stops it")
            watch = one.supervisor.pid
            stay_while(lambda: one.supervisor.crashed or one.supervisor.pid == watch)
            # `bihuan down` has taken it away: what stands there by now, if anything, somebody else has begun.
            ours = False
            tell("已从别处停止", "It was stopped from elsewhere")
    finally:
        if ours:
            run_steps(one.down())


def _show_personas(one: Instance) -> None:
    found = httpx.get(f"{one.address}/auth/personas").json()["personas"]
    columns = [say("工号", "number"), say("姓名", "name"), say("职务", "title"), say("角色", "role")]
    name = "name" if Speech.language == "zh" else "name_latin"
    print_table(columns, [[person["person"], person[name], person["title"], person["role"]] for person in found])
    console.print(f"[bold]{one.address}[/bold]" if console.is_terminal else one.address)


@scenario.command("bom-change")
def bom_change(instance: str = DEFAULT, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """一次 BOM 变更走完整个闭环 / one BOM change through the whole loop"""

    def told(done: Done) -> None:
        if not as_json:
            console.print(f"{done.seconds:7.2f} s  {say(done.zh, done.en)}")

    try:
        steps = asyncio.run(Player(Instance(instance), told).play())
    except StackError as error:
        fail(error.text.zh, error.text.en)
    if as_json:
        print_json([{"step": step.en, "seconds": round(step.seconds, 3)} for step in steps])
