"""A mail server that keeps what it gets in a folder, one JSON file a mail: for trying out and for tests."""

import asyncio
import email
import email.policy
import itertools
import json
import signal
import sys
import time
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from bihuan_tools.stack.process import RecordedProcess, free_port, listens, require_port


class MailSink:
    """The sink as a background process."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.process = RecordedProcess(folder, "mail")
        self.port = port or free_port()
        self._mails = folder / "mails"

    def start(self) -> None:
        if self.process.find() is not None:
            return
        require_port(self.port, "SMTP")
        self._mails.mkdir(parents=True, exist_ok=True)
        self.process.start([sys.executable, "-m", "bihuan_tools.stack.mail", str(self.port), str(self._mails)])
        self.process.wait_ready(lambda: listens(self.port), 20, "邮件服务没有启动", "The mail sink did not start")

    def stop(self) -> None:
        self.process.stop()

    def mails(self) -> list[dict[str, Any]]:
        """What came in, oldest first."""
        return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(self._mails.glob("*.json"))]


class _Keeper:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        body = message.get_body(("plain", "html"))
        kept = {
            "to": envelope.rcpt_tos,
            "subject": str(message["Subject"]),
            "message_id": str(message["Message-ID"]),
            "text": body.get_content() if body is not None else "",
        }
        name = f"{time.time_ns()}-{next(self._numbers):06}.json"
        (self._folder / name).write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
        return "250 OK"


async def _serve(port: int, folder: Path) -> None:
    controller = Controller(_Keeper(folder), hostname="127.0.0.1", port=port)
    controller.start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    controller.stop()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
