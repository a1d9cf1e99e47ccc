"""W5: whoever ends `make demo`, and however, no process is left behind."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = """
import os, signal, sys
from pathlib import Path
from bihuan_tools.staying import stay_while, until_stopped
try:
    with until_stopped():
        print("up", flush=True)
        stay_while(Path(sys.argv[0]).exists)
finally:
    os.kill(os.getpid(), signal.SIGINT)  # an impatient second Ctrl-C
    print("down", flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("shell", ["exec", "trap '' INT; exec"], ids=["terminal", "background"])
def test_each_way_to_end_it_takes_everything_down(how: signal.Signals, shell: str, tmp_path: Path) -> None:
    """A shell's background jobs are begun with Ctrl-C ignored."""
    script = tmp_path / "demo.py"
    script.write_text(COMMAND)
    command = ["sh", "-c", f"{shell} {sys.executable} {script}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(how)
        assert process.stdout.read() == "down\n"
    assert process.returncode == 0


def test_it_ends_by_itself_when_what_it_stays_for_is_gone(tmp_path: Path) -> None:
    """`make down` beside `make demo` leaves no process, the demo's own neither."""
    script = tmp_path / "demo.py"
    script.write_text(COMMAND)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        script.unlink()
        assert process.stdout.read() == "down\n"
    assert process.returncode == 0
