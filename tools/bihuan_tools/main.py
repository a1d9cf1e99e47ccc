"""The command `bihuan`: bring it up, look at it, send and replay events."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from bihuan_tools import dead, demo_commands, events
from bihuan_tools.instance import DEFAULT, NEEDED_MB, Instance
from bihuan_tools.output import Speech, console, print_json, print_table, say, tell
from bihuan_tools.stack.process import available_megabytes, listens
from bihuan_tools.steps import run_steps

app = typer.Typer(no_args_is_help=True, add_completion=False, help="闭环 Bihuan")
app.add_typer(dead.app, name="dlq", help="死信：查看、重放、丢弃 / dead letters")
app.add_typer(demo_commands.demo, name="demo", help="演示公司 / the demo company")
app.add_typer(demo_commands.scenario, name="scenario", help="场景 / scenarios")
app.add_typer(events.topics_app, name="topics", help="主题 / topics")
app.command("send")(events.send)

InstanceOption = Annotated[str, typer.Option("--instance", help="实例名 / instance name")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON")]


@app.callback()
def language(lang: Annotated[str, typer.Option("--lang", help="zh | en")] = "") -> None:
    if lang:
        Speech.language = "en" if lang.startswith("en") else "zh"


@app.command()
def up(
    instance: InstanceOption = DEFAULT,
    separate: Annotated[bool, typer.Option("--separate/--compact", help="每个服务各自进程 / a process each")] = False,
) -> None:
    """启动全部，第一页在 8000 端口 / start everything, first page on port 8000"""
    one = Instance(instance)
    run_steps(one.up(separate=separate))
    tell(f"闭环已就绪：{one.address}", f"Bihuan is ready: {one.address}")


@app.command()
def down(instance: InstanceOption = DEFAULT) -> None:
    """停止全部，不留进程 / stop everything, leave no process"""
    run_steps(Instance(instance).down())
    tell("已停止", "Stopped")


@app.command()
def status(instance: InstanceOption = DEFAULT, as_json: JsonOption = False) -> None:
    """每个进程的状态 / the state of each process"""
    one = Instance(instance)
    rows = [
        {
            "name": process.name,
            "pid": process.pid,
            "running": process.pid is not None,
            "restarts": process.restarts,
            "log": str(process.log),
        }
        for process in one.everything()
    ]
    if as_json:
        print_json({"address": one.address, "processes": rows})
    else:
        words = {True: say("运行中", "running"), False: say("未运行", "not running")}
        again = {row["name"]: say(f"重启 {row['restarts']} 次", f"restarted {row['restarts']}x") for row in rows}
        print_table(
            ["", "pid", "", ""],
            [
                [row["name"], row["pid"], words[bool(row["running"])], again[row["name"]] if row["restarts"] else ""]
                for row in rows
            ],
        )
    if not all(row["running"] for row in rows):
        raise typer.Exit(3)


@app.command()
def logs(
    instance: InstanceOption = DEFAULT, lines: Annotated[int, typer.Option("-n", help="行数 / lines")] = 50
) -> None:
    """各进程日志末尾 / the end of each log"""
    for process in Instance(instance).everything():
        console.rule(process.name)
        sys.stdout.write(process.tail(lines) + "\n")


@app.command()
def mail(instance: InstanceOption = DEFAULT, as_json: JsonOption = False) -> None:
    """收到的邮件 / mails in the sink"""
    found = Instance(instance).mail.mails()
    if as_json:
        print_json(found)
    else:
        print_table([say("收件人", "to"), say("主题", "subject")], [[", ".join(m["to"]), m["subject"]] for m in found])


@app.command()
def doctor(instance: InstanceOption = DEFAULT, as_json: JsonOption = False) -> None:
    """检查这台机器和这个实例 / check this machine and this instance"""
    findings = list(_checks(Instance(instance)))
    if as_json:
        print_json([{"check": name, "ok": ok, "hint": hint} for name, ok, hint in findings])
    else:
        rows = [["✓" if ok else "✗", name, "" if ok else hint] for name, ok, hint in findings]
        print_table(["", say("检查", "check"), say("怎么办", "what to do")], rows)
    if not all(ok for _, ok, _ in findings):
        raise typer.Exit(1)


def _checks(one: Instance) -> Iterator[tuple[str, bool, str]]:
    free = available_megabytes()
    yield (
        say(f"内存 {free} MB 可用", f"{free} MB of memory available"),
        free > NEEDED_MB,
        say(f"至少需要 {NEEDED_MB} MB，请关闭其他程序", f"At least {NEEDED_MB} MB are needed: close other programs"),
    )
    room = shutil.disk_usage(one.folder.parent if one.folder.parent.exists() else Path.cwd()).free // 2**20
    yield (
        say(f"磁盘 {room} MB 可用", f"{room} MB of disk available"),
        room > 2000,
        say("至少需要 2 GB", "2 GB are needed"),
    )
    running = {process.name: process.pid for process in one.everything()}
    for name, port in one.ports.items():
        own = any(running.values())
        yield (
            say(f"端口 {port}（{name}）", f"port {port} ({name})"),
            own or not listens(port),
            say("被别的程序占用：用 --instance 换一套端口", "taken by another program: use --instance for other ports"),
        )
    for name, pid in running.items():
        yield name, pid is not None, say("没有运行：bihuan up", "not running: bihuan up")


def main() -> None:
    app()


if __name__ == "__main__":
    main()
