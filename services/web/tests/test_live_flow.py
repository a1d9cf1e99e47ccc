"""N5: an open page hears what happened, resumes after a break, and never hears what is for somebody else."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from given_web import served
from redis.asyncio import Redis

from bihuan_chassis.live import STREAM, Live, encode
from bihuan_chassis.testing import RunningService
from web import live
from web.app import app
from web.live import Fanout

pytestmark = pytest.mark.flow


async def entry(redis: Redis, *together: Live) -> str:
    id = await redis.xadd(STREAM, {"m": encode(together)})
    assert isinstance(id, bytes)
    return id.decode()


async def publish(redis: Redis, *messages: Live) -> list[str]:
    return [await entry(redis, message) for message in messages]


@pytest.fixture
async def fanout(redis: Redis) -> AsyncIterator[Fanout]:
    await redis.delete(STREAM)
    made = Fanout(redis, heartbeat=0.2)
    yield made
    await made.close()


class Page:
    """An open page: reads its stream until it has seen so many messages."""

    def __init__(self, fanout: Fanout, person: str, *, inside: bool = True, after: str | None = None) -> None:
        self.signed_in = True
        self._stream = fanout.stream(person, inside=inside, after=after, signed_in=self._signed_in)
        self._text = b""

    async def _signed_in(self) -> bool:
        return self.signed_in

    async def open(self) -> "Page":
        self._text += await anext(self._stream)
        return self

    async def read(self, messages: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(5):
            while self._text.count(b"\ndata: ") < messages:
                self._text += await anext(self._stream)
        return events(self._text.decode())

    async def ends(self) -> bool:
        async with asyncio.timeout(5):
            async for _ in self._stream:
                pass
        return True


def events(text: str) -> list[dict[str, Any]]:
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in lines:
            found.append({"event": lines["event"], "at": lines.get("id"), **json.loads(lines["data"])})
    return found


async def ready(fanout: Fanout, redis: Redis) -> None:
    """Until the reader hears what is published."""
    probe = await Page(fanout, "probe").open()
    hearing = asyncio.create_task(probe.read(1))
    while not hearing.done():
        await publish(redis, Live("probe", "1", to=("probe",)))
        await asyncio.sleep(0.02)
    await probe._stream.aclose()  # type: ignore[attr-defined]


async def test_each_page_hears_what_is_for_it(fanout: Fanout, redis: Redis) -> None:
    """N5: suppliers hear only what names them."""
    await ready(fanout, redis)
    mine, other, supplier = (
        await Page(fanout, "10231").open(), await Page(fanout, "10306").open(),
        await Page(fanout, "S001-1", inside=False).open(),
    )  # fmt: skip
    await publish(redis, Live("notice", "n1", to=("10231",)), Live("task", "t1"), Live("notice", "n2", to=("S001-1",)))
    assert [one["id"] for one in await mine.read(2)] == ["n1", "t1"]
    assert [one["id"] for one in await other.read(1)] == ["t1"]
    assert [one["id"] for one in await supplier.read(1)] == ["n2"]
    assert "to" not in {key for one in await mine.read(2) for key, value in one.items() if value}


async def test_what_happened_together_resumes_together(fanout: Fanout, redis: Redis) -> None:
    """N5: a page that loses its connection amid one entry of the stream hears the whole entry again."""
    await ready(fanout, redis)
    page = await Page(fanout, "10231").open()
    others = Live("notice", "0", to=("10306",))
    id = await entry(redis, Live("task", "1"), others, Live("task", "2"))
    heard = await page.read(2)
    assert [(one["id"], one["at"]) for one in heard] == [("1", None), ("2", id)]


async def test_a_page_that_comes_back_hears_what_it_missed_once(fanout: Fanout, redis: Redis) -> None:
    """N5"""
    await ready(fanout, redis)
    first = await Page(fanout, "10231").open()
    await publish(redis, Live("task", "1"))
    seen = (await first.read(1))[-1]["at"]
    await publish(redis, Live("task", "2"), Live("notice", "3", to=("10306",)))
    again = await Page(fanout, "10231", after=seen).open()
    await publish(redis, Live("task", "4"))
    await asyncio.sleep(0.1)
    await publish(redis, Live("task", "5"))
    assert [one["id"] for one in await again.read(3)] == ["2", "4", "5"]


@pytest.mark.parametrize("after", ["", "x", "1", "1-x", "9" * 30 + "-0", "١-١"])
async def test_a_place_that_is_none_is_passed_over(after: str, fanout: Fanout, redis: Redis) -> None:
    """N5"""
    await ready(fanout, redis)
    page = await Page(fanout, "10231", after=after).open()
    hearing = asyncio.create_task(page.read(1))
    await asyncio.sleep(0.05)
    await publish(redis, Live("task", "1"))
    assert [one["id"] for one in await hearing] == ["1"]


async def test_a_page_that_cannot_keep_up_is_let_go_and_the_others_go_on(fanout: Fanout, redis: Redis) -> None:
    """N5"""
    await ready(fanout, redis)
    slow, quick = await Page(fanout, "10231").open(), await Page(fanout, "10306").open()
    hearing = asyncio.create_task(quick.read(live._QUEUE + 50))
    for number in range(live._QUEUE + 50):
        await publish(redis, Live("task", str(number)))
    assert len(await hearing) == live._QUEUE + 50
    assert await slow.ends()
    assert fanout.open_pages == 1


async def test_an_idle_page_hears_a_heartbeat_and_ends_with_its_session(fanout: Fanout, redis: Redis) -> None:
    """N5, W4: at sign-out the page's stream ends within a heartbeat."""
    page = await Page(fanout, "10231").open()
    async with asyncio.timeout(5):
        assert (await anext(page._stream)).startswith(b":")
    page.signed_in = False
    assert await page.ends()


async def test_one_person_holds_only_so_many_pages(fanout: Fanout) -> None:
    """N5"""
    pages = [await Page(fanout, "10231").open() for _ in range(live._PAGES_PER_PERSON + 3)]
    assert fanout.open_pages == live._PAGES_PER_PERSON
    assert await pages[0].ends()


async def test_a_message_that_cannot_be_read_is_passed_over(fanout: Fanout, redis: Redis) -> None:
    """N5"""
    await ready(fanout, redis)
    page = await Page(fanout, "10231").open()
    await redis.xadd(STREAM, {"m": b"not json"})
    await redis.xadd(STREAM, {"other": b"1"})
    await publish(redis, Live("task", "1"))
    assert [one["id"] for one in await page.read(1)] == ["1"]


async def test_over_http_from_sign_in_to_the_message_and_the_end(web: RunningService, redis: Redis) -> None:
    """N5: headers, a message, resuming by Last-Event-ID, and a server that stops does not wait for open pages."""
    application = app.api(web.settings)
    application.state.stopping = asyncio.Event()
    async with (
        served(application) as (address, _),
        httpx.AsyncClient(base_url=address, headers={"X-Bihuan-Request": "1"}, timeout=10) as browser,
    ):
        assert (await browser.get("/live")).status_code == 401
        await browser.post("/auth/sign-in", json={"person": "10231"})
        async with browser.stream("GET", "/live") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert stream.headers["x-accel-buffering"] == "no"
            assert stream.headers["cache-control"] == "no-store"
            number = str(uuid4())
            await _publish_until_heard(redis, stream, number)
        async with browser.stream("GET", "/live", headers={"Last-Event-ID": "1-1"}) as stream:
            text = ""
            async for piece in stream.aiter_text():
                text += piece
                if number in text:
                    break
        async with browser.stream("GET", "/live") as stream:
            application.state.stopping.set()
            async with asyncio.timeout(5):
                async for _ in stream.aiter_bytes():
                    pass


async def _publish_until_heard(redis: Redis, stream: httpx.Response, number: str) -> None:
    async def speak() -> None:
        while True:
            await publish(redis, Live("notice", number, to=("10231",)))
            await asyncio.sleep(0.05)

    speaking = asyncio.create_task(speak())
    async with asyncio.timeout(5):
        async for piece in stream.aiter_text():
            if number in piece:
                break
    speaking.cancel()
