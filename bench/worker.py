"""The worker of `changes` with a consumer group of its own, so that each round reads the topic again."""

import asyncio
import os
from dataclasses import replace

import uvloop

from bihuan_chassis import logs
from bihuan_chassis.description import Subscription
from bihuan_chassis.worker import Worker
from bihuan_contracts import topics
from changes.app import app


class _Group(Subscription):
    @property
    def name(self) -> str:
        return f"bench.{os.environ['BENCH_GROUP']}"


async def main() -> None:
    (plain,) = [one for one in app.description.subscriptions if one.topics == (topics.BOM_RELEASES,)]
    own = _Group(plain.service, plain.topics, plain.handler)
    await Worker(replace(app.description, subscriptions=(own,)), app.settings()).run(asyncio.Event())


if __name__ == "__main__":
    logs.configure("bench", "WARNING")
    uvloop.run(main())
