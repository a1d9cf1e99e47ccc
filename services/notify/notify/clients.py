"""The mail server: sending never holds up anything else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.utils import formataddr

import aiosmtplib
import structlog
from pydantic import Field, SecretStr

from bihuan_chassis import Settings as ChassisSettings
from bihuan_chassis import Transaction
from bihuan_chassis.database import connected, engine, say_goodbye
from bihuan_chassis.transaction import Surroundings, transaction
from notify.domain.notices import Mail

log = structlog.get_logger()

_AT_ONCE = 4
_SECONDS = 15


class Settings(ChassisSettings):
    """Settings of notify."""

    smtp_host: str | None = None
    """Mail server; unset: no mail is sent, the inbox is the record."""
    smtp_port: int = 25
    """Port of the mail server."""
    smtp_username: str | None = None
    """User of the mail server; unset: none."""
    smtp_password: SecretStr | None = None
    """Password of that user."""
    smtp_tls: bool = False
    """Whether the connection is encrypted from its start."""
    mail_from: str = "bihuan@localhost"
    """Sender of mails."""
    public_url: str = "http://localhost:8000"
    """Address of the web application, for links in mails."""
    escalate_minutes: int = Field(default=30, ge=1, le=10_080)
    """Time until an unconfirmed notice is repeated, and the same again until the manager hears of it."""


class MailRefusedError(Exception):
    """The server will never take this mail."""


class MailServer:
    """Sends mails, a few at once; a server that does not answer only fills its own queue."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._running: set[asyncio.Task[None]] = set()
        # Its own connections: how a mail went is written down outside of any handler's transaction.
        self._engine = engine(settings, pool=_AT_ONCE)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with connected(self._engine) as connection, transaction(connection, Surroundings(self._settings)) as tx:
            yield tx

    @property
    def configured(self) -> bool:
        return self._settings.smtp_host is not None

    def offer(self, mail: Mail, done: Callable[[Exception | None], Awaitable[None]]) -> None:
        """Send in the background and tell `done` how it went."""
        task = asyncio.get_running_loop().create_task(self._send(mail, done))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _send(self, mail: Mail, done: Callable[[Exception | None], Awaitable[None]]) -> None:
        failure: Exception | None = None
        async with self._slots:
            try:
                await asyncio.wait_for(self.send(mail), _SECONDS)
            except (aiosmtplib.SMTPException, OSError, TimeoutError, MailRefusedError) as error:
                failure = error
        try:
            await done(failure)
        except Exception:
            log.exception("mail.not_recorded")

    async def send(self, mail: Mail) -> None:
        """Send one mail; raises MailRefusedError when trying again makes no sense."""
        message = EmailMessage()
        message["From"] = self._settings.mail_from
        message["To"] = formataddr((mail.name, mail.address))
        message["Subject"] = mail.subject
        message["Message-ID"] = mail.message_id
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        password = self._settings.smtp_password
        try:
            await aiosmtplib.send(
                message,
                hostname=self._settings.smtp_host,
                port=self._settings.smtp_port,
                username=self._settings.smtp_username,
                password=password.get_secret_value() if password else None,
                start_tls=self._settings.smtp_tls,
                timeout=_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            # A greylisting server says 4xx here: not now, but later.
            if all(one.code >= 500 for one in error.recipients):
                raise MailRefusedError(f"recipient refused: {error.recipients[0].code}") from error
            raise
        except aiosmtplib.SMTPResponseException as error:
            if error.code >= 500:
                raise MailRefusedError(f"{error.code}") from error
            raise

    async def close(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=5)
        for task in self._running:
            task.cancel()
        await say_goodbye(self._engine)


@asynccontextmanager
async def mail_server(settings: ChassisSettings) -> AsyncIterator[MailServer]:
    assert isinstance(settings, Settings)
    server = MailServer(settings)
    try:
        yield server
    finally:
        await server.close()
