"""The cable between a service and its database, to be cut and mended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from bihuan_chassis import Settings


class Cable:
    """A port that leads to another one, as long as it is whole."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._near: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.port = 0

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Nobody listens any more, and whoever was connected is reset."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._server = None

    def hang(self) -> None:
        """Whoever is connected stays so, and hears nothing any more. Who connects from now on is served."""
        self._flows.clear()
        self._flows = asyncio.Event()
        self._flows.set()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._to)
        both = {writer, back}
        self._writers |= both
        self._near.add(writer)
        flows = self._flows
        await asyncio.gather(_carry(reader, back, flows), _carry(there, writer, flows))
        self._writers -= both
        self._near.discard(writer)

    def say(self, *messages: bytes) -> None:
        """Messages of PostgreSQL's that it has not sent, to whoever is connected."""
        for writer in self._near:
            writer.write(b"".join(messages))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flows: asyncio.Event) -> None:
    try:
        while piece := await reader.read(65536):
            if flows.is_set():
                writer.write(piece)
    except OSError:
        pass
    writer.transport.abort()


def server_message(kind: bytes, **fields: str) -> bytes:
    """An error (E) or a notice (N) as the server writes it; fields by their letters."""
    body = b"".join(f"{letter}{text}\0".encode() for letter, text in fields.items()) + b"\0"
    return kind + (len(body) + 4).to_bytes(4, "big") + body


@asynccontextmanager
async def cabled(settings: Settings) -> AsyncIterator[tuple[Settings, Cable]]:
    """The same database at the end of a cable."""
    parts = urlsplit(settings.database.get_secret_value())
    cable = Cable(parts.hostname or "", parts.port or 0)
    await cable.mend()
    netloc = f"{parts.username}:{parts.password}@127.0.0.1:{cable.port}"
    try:
        yield settings.model_copy(update={"database": SecretStr(urlunsplit(parts._replace(netloc=netloc)))}), cable
    finally:
        await cable.cut()
