"""Staying until somebody ends the command, and leaving nothing behind however that is done."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import NoReturn

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def until_stopped() -> Iterator[None]:
    """Ctrl-C, a plain kill and a closed terminal end the block, also one begun in the background of a shell.

    What follows is not interrupted any more: a second Ctrl-C would leave half of it running.
    """
    for one in _ENDS:
        signal.signal(one, _end)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for one in _ENDS:
            signal.signal(one, signal.SIG_IGN)


def stay_while(there: Callable[[], bool]) -> None:
    """Until what is stayed for has gone; it is looked for every second."""
    nobody = Event()
    while there():
        nobody.wait(1)


def _end(*_: object) -> NoReturn:
    raise KeyboardInterrupt
