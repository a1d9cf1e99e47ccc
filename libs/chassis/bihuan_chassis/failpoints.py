"""Places where a fault test may kill the process: `BIHUAN_FAILPOINT=after_commit:kill@3` dies at the third passing."""

import os
import signal
from collections import Counter

_POINT, _, _ACTION = os.environ.get("BIHUAN_FAILPOINT", "").partition(":")
_AT = int(_ACTION.partition("@")[2] or 1)
_PASSED: Counter[str] = Counter()


def failpoint(name: str) -> None:
    """Die here when the environment says so; nothing otherwise."""
    if name != _POINT:
        return
    _PASSED[name] += 1
    if _PASSED[name] == _AT:
        os.kill(os.getpid(), signal.SIGKILL)
