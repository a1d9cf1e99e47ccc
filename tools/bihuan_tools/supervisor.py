"""Starts crashed processes of an instance again: `python -m bihuan_tools.supervisor NAME FOLDER PROCESS-FOLDER/NAME…`.

It stays small: it only looks whether the recorded processes live. A process that ended although nobody stopped it is
started anew by a short-lived command that knows how (`--revive`), at once the first time, then ever more patiently.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from bihuan_tools.stack.process import RecordedProcess

_LOOK_EVERY = 0.5
_LONGEST_PAUSE = 30.0
_SETTLED_AFTER = 60.0


Revive = Callable[[RecordedProcess], bool]
"""Starts a process again; False when it could not."""


@dataclass
class Watched:
    """One process and how often it came to grief lately. Times are of the monotonic clock."""

    process: RecordedProcess
    tries: int = 0
    again_at: float = 0.0
    missed: bool = False

    def look(self, now: float) -> bool:
        """Whether it is to be started now: missed twice, because stopping it looks like a crash for a moment."""
        before, self.missed = self.missed, self.process.crashed
        if not self.missed and now - self.again_at > _SETTLED_AFTER:
            self.tries = 0
        return before and self.missed and now >= self.again_at

    def tried(self, now: float) -> None:
        self.tries, self.missed = self.tries + 1, False
        self.again_at = now + min(_LONGEST_PAUSE, 2.0 ** (self.tries - 1))
        self.process.count_restart()


def watch(processes: Sequence[RecordedProcess], revive: Revive, stop: Event) -> None:
    """Until `stop`."""
    watched = [Watched(process) for process in processes]
    while not stop.wait(_LOOK_EVERY):
        _bury_children()
        for one in watched:
            if not stop.is_set() and one.look(time.monotonic()):
                _say(f"{one.process.name} ended by itself and is started again")
                if not revive(one.process):
                    _say(f"{one.process.name} could not be started")
                one.tried(time.monotonic())


def _bury_children() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


def _say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {text}\n")
    sys.stdout.flush()


def by_command(name: str, folder: Path) -> Revive:
    """In a Python of its own: what it must know of databases and brokers would weigh 60 MB here."""
    command = [sys.executable, "-m", "bihuan_tools.supervisor", "--revive", name, str(folder)]
    return lambda process: subprocess.run([*command, process.name], check=False).returncode == 0


def start_again(name: str, folder: Path, process: str) -> int:
    """Start one process of the instance as `bihuan up` does."""
    from bihuan_tools.instance import Instance  # noqa: PLC0415 - heavy, and only for this
    from bihuan_tools.stack import StackError  # noqa: PLC0415

    try:
        Instance(name, folder).start_again(process)
    except StackError as error:
        _say(error.text.en)
        return 1
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bihuan_tools.supervisor")
    parser.add_argument("--revive", action="store_true")
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    parser.add_argument("process", nargs="+", type=Path)
    given = parser.parse_args()
    if given.revive:
        return start_again(given.name, given.folder, given.process[0].name)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    watch([RecordedProcess(one.parent, one.name) for one in given.process], by_command(given.name, given.folder), stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
