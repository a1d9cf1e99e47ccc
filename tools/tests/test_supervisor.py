"""W5: what crashes is started again, ever more patiently; what was stopped stays stopped."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from bihuan_tools import supervisor
from bihuan_tools.stack.process import RecordedProcess
from bihuan_tools.supervisor import Revive, Watched, watch

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[RecordedProcess]:
    process = RecordedProcess(tmp_path, "sleeper")
    process.start(SLEEPER)
    yield process
    process.stop()


@contextmanager
def watched(process: RecordedProcess, revive: Revive) -> Iterator[None]:
    stop = Event()
    thread = Thread(target=watch, args=([process], revive, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_what_crashes_is_started_again_and_counted(sleeper: RecordedProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_LOOK_EVERY", 0.02)
    before = sleeper.pid

    def revive(process: RecordedProcess) -> bool:
        process.start(SLEEPER)
        return True

    with watched(sleeper, revive):
        sleeper.kill()
        until(lambda: sleeper.restarts == 1)
    assert sleeper.pid not in {None, before}


def test_what_was_stopped_stays_stopped(sleeper: RecordedProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_LOOK_EVERY", 0.02)
    looks = Event()
    other = RecordedProcess(sleeper.folder, "other")
    other.start(SLEEPER)
    revived: list[str] = []

    def revive(process: RecordedProcess) -> bool:
        revived.append(process.name)
        looks.set()
        return False

    stop = Event()
    thread = Thread(target=watch, args=([sleeper, other], revive, stop))
    thread.start()
    sleeper.stop()
    other.kill()  # by the time that this one is missed, the other one would have been
    assert looks.wait(20)
    stop.set()
    thread.join()
    assert revived == ["other"]


def test_each_crash_is_waited_for_longer_until_it_holds(sleeper: RecordedProcess) -> None:
    sleeper.kill()
    one, now, pauses = Watched(sleeper), 1000.0, []
    for _ in range(8):
        tried = now
        while not one.look(now):
            now += 0.5
        pauses.append(now - tried)
        one.tried(now)
    assert pauses[0] == 0.5, "the first time at once, after a second look"
    assert pauses[1:] == [1, 2, 4, 8, 16, 30, 30]
    assert sleeper.restarts == 8

    sleeper.start(SLEEPER)
    assert not one.look(now + 100)
    assert one.tries == 0
