"""Processes that outlive the command that started them: recorded by id, ended by that id only."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from bihuan_contracts import Text

_CGROUP = Path("/sys/fs/cgroup")


class StackError(Exception):
    """Something the user can mend, said in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        self.text = Text(zh=zh, en=en)
        super().__init__(f"{zh} / {en}")


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


def require_port(port: int, what: str) -> None:
    """Raise StackError when somebody else has the port, naming who where that can be seen."""
    if listens(port):
        holder = _holder(port)
        raise StackError(
            f"端口 {port}（{what}）已被 {holder or '别的程序'} 占用：先停掉它，或用 --instance 起另一套",
            f"Port {port} ({what}) is taken by {holder or 'another program'}:"
            " stop it, or use --instance for a second stack",
        )


def _holder(port: int) -> str:
    """The listening program and its id, such as `python3 (pid 4711)`; empty where the system does not tell."""
    try:
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr[1:2] == (port,) and one.pid is not None:
                return f"{psutil.Process(one.pid).name()} (pid {one.pid})"
    except (psutil.Error, OSError):
        pass
    return ""


def available_megabytes() -> int:
    """Memory that can still be had: of the machine, or of the container where that has a limit of its own."""
    free: int = psutil.virtual_memory().available
    try:
        limit = int((_CGROUP / "memory.max").read_text(encoding="utf-8"))  # "max" where there is none
        used = int((_CGROUP / "memory.current").read_text(encoding="utf-8"))
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text(encoding="utf-8").splitlines())
        free = min(free, limit - used + int(stat.get("inactive_file", "0")))
    except (OSError, ValueError):
        pass
    return max(0, free) // 2**20


def require_memory(megabytes: int, what: str) -> None:
    """Raise StackError when less is left: the system would end some process later, and not say why."""
    free = available_megabytes()
    if free < megabytes:
        raise StackError(
            f"内存不足：{what} 需要约 {megabytes} MB，只剩 {free} MB，请先关闭其他程序",
            f"Not enough memory: {what} needs about {megabytes} MB, {free} MB are left; close other programs first",
        )


def _runs(process: psutil.Process) -> bool:
    """False for one that has ended and whose parent, such as `bihuan demo run`, has not looked yet."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _wait_until_over(processes: Sequence[psutil.Process], seconds: float) -> None:
    until = time.monotonic() + seconds
    while (running := [one for one in processes if _runs(one)]) and time.monotonic() < until:
        psutil.wait_procs(running, timeout=0.1)


class RecordedProcess:
    """A background process whose id and start time stand in a file, so that a stale file never ends a stranger."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.folder = folder
        self.log = folder / f"{name}.log"
        self._file = folder / f"{name}.pid"
        self._restarts = folder / f"{name}.restarts"

    def start(
        self,
        command: Sequence[str],
        *,
        environ: Mapping[str, str] | None = None,
        user: int | None = None,
        append_log: bool = True,
    ) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab" if append_log else "wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environ) if environ is not None else None,
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=[] if user is not None else None,
            )
        process.returncode = 0  # Python warns when it forgets a process that still runs; these are meant to
        self._record(process.pid)

    def _record(self, pid: int) -> None:
        started = psutil.Process(pid).create_time()
        self._file.write_text(json.dumps({"pid": pid, "started": started}), encoding="utf-8")

    def find(self) -> psutil.Process | None:
        """The process, if the one that was recorded still runs."""
        try:
            recorded = json.loads(self._file.read_text(encoding="utf-8"))
            process = psutil.Process(recorded["pid"])
            same = abs(process.create_time() - recorded["started"]) < 1
            return process if same and _runs(process) else None
        except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
            return None

    @property
    def crashed(self) -> bool:
        """It was started, nobody has stopped it, and it is gone."""
        return self._file.exists() and self.find() is None

    @property
    def restarts(self) -> int:
        """How often it was started again since `up`."""
        try:
            return int(self._restarts.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0

    def count_restart(self) -> None:
        self._restarts.write_text(str(self.restarts + 1), encoding="utf-8")

    @property
    def pid(self) -> int | None:
        process = self.find()
        return process.pid if process else None

    def stop(self, *, seconds: float = 25, how: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, with its children; insist after `seconds`."""
        process = self.find()
        if process is not None:
            family = [process, *process.children(recursive=True)]
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(how)
            _wait_until_over([process], seconds)
            for one in filter(_runs, family):
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            self._file.unlink(missing_ok=True)
            _wait_until_over(family, 5)
        self._file.unlink(missing_ok=True)
        self._restarts.unlink(missing_ok=True)

    def kill(self) -> None:
        """As a crash would end it."""
        process = self.find()
        if process is not None:
            os.kill(process.pid, signal.SIGKILL)
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(10)

    def wait_ready(self, ready: Callable[[], bool], seconds: float, zh: str, en: str) -> None:
        """Wait until `ready`; StackError with the end of the log when it dies or takes too long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if ready():
                return
            if self.find() is None:
                break
            time.sleep(0.05)
        raise StackError(f"{zh}。日志末尾：\n{self.tail()}", f"{en}. End of its log:\n{self.tail()}")

    def tail(self, lines: int = 15) -> str:
        try:
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        except OSError:
            return ""
