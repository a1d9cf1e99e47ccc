"""The whole of Bihuan on real servers, once for all tests that ask for it, with the demo company inside."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from bihuan_tools.demo.seed import seed
from bihuan_tools.instance import Instance


@pytest.fixture(scope="session")
def bihuan(request: pytest.FixtureRequest, stack_folder: Path) -> Iterator[Instance]:
    """A running instance on ports of its own; BIHUAN_INSTANCE names one that runs already, for writing tests."""
    if running := os.environ.get("BIHUAN_INSTANCE"):
        yield Instance(running)
        return
    given = {
        "BIHUAN_POSTGRES": request.getfixturevalue("postgres_server"),
        "BIHUAN_KAFKA": request.getfixturevalue("kafka_server"),
        "BIHUAN_REDIS": request.getfixturevalue("redis_server"),
    }
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    instance = Instance("test", stack_folder / "instance")
    try:
        for step in instance.up():
            step.run()
        asyncio.run(seed(instance, lambda *_: None))
        yield instance
    finally:
        for step in instance.down():
            step.run()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@pytest.fixture
async def signed_in(bihuan: Instance) -> Callable[[str], object]:
    """Opens a session as a person of the demo company: `async with signed_in("10231") as client`."""

    @asynccontextmanager
    async def open_session(person: str) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(base_url=bihuan.address, headers={"X-Bihuan-Request": "1"}, timeout=20) as client:
            answer = await client.post("/auth/sign-in", json={"person": person})
            assert answer.status_code == 200, answer.text
            yield client

    return open_session
