"""W5: a second instance beside the first, and servers that come up again after a power cut."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import asyncpg
import httpx
import pytest
from tests.waiting import until

from bihuan_chassis.auth import Role
from bihuan_contracts.plm import BomReleased
from bihuan_tools.events import publish
from bihuan_tools.instance import Instance

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]


def bring_up(instance: Instance) -> None:
    for step in instance.up():
        step.run()


def bring_down(instance: Instance) -> None:
    for step in instance.down():
        step.run()


@pytest.fixture
def second(bihuan: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    """With servers of its own, while the first one runs."""
    for name in ("BIHUAN_POSTGRES", "BIHUAN_KAFKA", "BIHUAN_REDIS"):
        monkeypatch.delenv(name, raising=False)
    instance = Instance("second", tmp_path / "second")
    assert not set(instance.ports.values()) & set(bihuan.ports.values())
    yield instance
    bring_down(instance)


async def knows(instance: Instance, item: str) -> bool | None:
    token = instance.token("10901", frozenset({Role.EMPLOYEE}))
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=20) as client:
        answer = await client.get(
            f"http://127.0.0.1:{instance.ports['changes']}/api/changes/modules", params={"q": item}
        )
        return True if answer.json()["modules"] else None


async def test_a_second_instance_is_apart_from_the_first_and_survives_a_power_cut(
    bihuan: Instance, second: Instance
) -> None:
    await asyncio.to_thread(bring_up, second)
    release = BomReleased(item="ONLY-SECOND", name="另一套", version="V1", released_at=datetime.now(UTC), lines=())
    await publish(second.kafka_servers, [release])
    await until(partial(knows, second, "ONLY-SECOND"), "the second one knows it")
    assert await knows(bihuan, "RD-16"), "the first one has its own company"
    assert not await knows(bihuan, "ONLY-SECOND")
    assert not await knows(second, "RD-16")

    await asyncio.to_thread(second.supervisor.kill)
    for process in second.everything():
        await asyncio.to_thread(process.kill)
    for server in (second.postgres, second.kafka):
        assert server is not None
        await asyncio.to_thread(server.start)
    changes = await asyncpg.connect(second.database("changes"))
    assert await changes.fetchval("select count(*) from items where item = 'ONLY-SECOND'"), "there after the cut"
    await changes.close()

    await asyncio.to_thread(bring_down, second)
    assert not [process.name for process in second.everything() if process.pid]
    assert await knows(bihuan, "RD-16"), "the first one has not noticed"
