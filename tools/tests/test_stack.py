"""W5: the embedded servers start wherever their folder lies, or say why not."""

import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from bihuan_tools.instance import Instance
from bihuan_tools.main import app
from bihuan_tools.stack import PostgresServer, process
from bihuan_tools.stack.kafka import _cluster_id
from bihuan_tools.stack.process import RecordedProcess, available_megabytes


def test_a_cluster_id_never_looks_like_an_option() -> None:
    """Kafka's own form: 16 bytes as 22 characters of base64; a leading "-" fails the format command."""
    for name in range(500):
        made = _cluster_id(uuid.uuid5(uuid.NAMESPACE_URL, str(name)))
        assert len(made) == 22
        assert not made.startswith("-"), made


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that a program of somebody else's listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Instances of this test's own, which have their own servers."""
    for name in ("BIHUAN_POSTGRES", "BIHUAN_KAFKA", "BIHUAN_REDIS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BIHUAN_HOME", str(tmp_path))
    return tmp_path


def up(language: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["--lang", language, "up", "--instance", "one"])
    return result.exit_code, " ".join(result.output.split())


def nothing_runs() -> bool:
    return not any(process.pid for process in Instance("one").everything())


@pytest.mark.parametrize("name", ["web", "goals", "intake", "worker_admin", "kafka", "postgres", "redis", "mail"])
def test_a_taken_port_is_named_with_its_holder_before_anything_starts(home: Path, taken: int, name: str) -> None:
    instance = Instance("one")
    instance.ports[name] = taken
    instance._save()
    code, said = up("zh")
    assert code == 1
    assert f"端口 {taken}（{name}）已被 " in said
    assert f"(pid {os.getpid()})" in said
    assert "--instance" in said
    code, said = up("en")
    assert code == 1
    assert f"Port {taken} ({name}) is taken by" in said
    assert nothing_runs()


def test_short_memory_is_said_with_figures_before_anything_starts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bihuan_tools.stack.process.available_megabytes", lambda: 700)
    code, said = up("zh")
    assert code == 1
    assert "内存不足：Bihuan 需要约 1500 MB，只剩 700 MB" in said
    code, said = up("en")
    assert code == 1
    assert "Not enough memory: Bihuan needs about 1500 MB, 700 MB are left" in said
    assert nothing_runs()


def test_the_limit_of_a_container_counts_as_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container of 2 GB on a machine of 64: what its own page cache holds can be had again."""
    monkeypatch.setattr(process, "_CGROUP", tmp_path)
    whole = available_megabytes()
    assert whole == pytest.approx(psutil.virtual_memory().available // 2**20, rel=0.2)
    (tmp_path / "memory.max").write_text(str(400 * 2**20))
    (tmp_path / "memory.current").write_text(str(300 * 2**20))
    (tmp_path / "memory.stat").write_text(f"anon 1\ninactive_file {50 * 2**20}\n")
    assert available_megabytes() == min(whole, 150)
    (tmp_path / "memory.max").write_text("max\n")
    assert available_megabytes() > 150


_PARENT = """
import sys, pathlib
from bihuan_tools.stack.process import RecordedProcess
RecordedProcess(pathlib.Path(sys.argv[1]), "child").start(["sleep", "600"])
print("started", flush=True)
sys.stdin.read()
"""


@pytest.mark.timeout(30)
def test_what_another_command_has_started_is_over_when_it_has_ended(tmp_path: Path) -> None:
    """`bihuan down` beside a running `bihuan demo run`, which has not asked for its children yet."""
    command = [sys.executable, "-c", _PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        child = RecordedProcess(tmp_path, "child")
        pid = child.pid
        child.stop(seconds=600)
        assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        assert child.find() is None
        parent.communicate()


def test_a_lock_file_that_names_a_stranger_does_not_stop_the_server(tmp_path: Path) -> None:
    """After a crash the id in it may be any program's by now."""
    server = PostgresServer(tmp_path)
    (tmp_path / "data").mkdir()
    lock = tmp_path / "data" / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{tmp_path}\n")
    server._forget_lock_of_a_stranger()
    assert not lock.exists()
