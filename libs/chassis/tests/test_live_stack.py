"""Live updates: in order to the Redis stream, beside the work, never in its way."""

import asyncio
import time
from typing import Any

import pytest
from given_stores import until
from redis.asyncio import Redis

from bihuan_chassis import Live, metrics
from bihuan_chassis.live import STREAM, RedisLive, decode


@pytest.mark.stack
async def test_live_messages_reach_the_stream_in_order(redis_server: str) -> None:
    redis = Redis.from_url(redis_server)
    await redis.delete(STREAM)
    live = RedisLive(redis)
    for number in range(20):
        await live.publish([Live("notice", f"{number}", ("10231",), {"n": number}), Live("board", f"{number}")])

    async def heard() -> list[Live]:
        entries: Any = await redis.xrange(STREAM)
        return [message for _, fields in entries for message in decode(fields[b"m"])]

    async def arrived() -> bool:
        return len(await heard()) == 40

    await until(arrived)
    messages = await heard()
    assert [message.id for message in messages if message.kind == "notice"] == [str(number) for number in range(20)]
    assert (messages[0].to, messages[0].data, messages[1].to) == (("10231",), {"n": 0}, None)
    await redis.aclose()


async def test_work_does_not_wait_for_a_redis_that_is_away() -> None:
    """F10: what is lost is counted; pages ask again by themselves."""
    redis = Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=1)
    lost = metrics.LIVE_LOST._value.get()
    live = RedisLive(redis)
    started = time.monotonic()
    await live.publish([Live("notice", "1")])
    assert time.monotonic() - started < 0.5
    assert live._sending is not None
    await asyncio.wait_for(live._sending, 30)
    assert metrics.LIVE_LOST._value.get() == lost + 1
    await redis.aclose()
