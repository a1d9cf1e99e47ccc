"""I1: what the integration owner sees of the streams, on a real broker."""

from typing import Any

import pytest

from bihuan_chassis.http import Role
from bihuan_chassis.lanes import kafka_options
from bihuan_chassis.provision import create_topics
from bihuan_chassis.settings import Settings
from bihuan_chassis.testing import RunningService, running
from bihuan_contracts import topics
from intake import streams
from intake.app import app

pytestmark = pytest.mark.stack


@pytest.fixture
async def intake(postgres_server: str, kafka_server: str) -> Any:
    await create_topics({"bootstrap_servers": kafka_server})
    async with running(app, postgres_server, {"BIHUAN_KAFKA": kafka_server}) as service:
        yield service


async def test_streams_are_known_without_waiting_out_a_single_pause(
    intake: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I1: every topic is there on the first question; a client that had to try again would wait longer than anybody does."""

    def patient(settings: Settings) -> dict[str, Any]:
        return kafka_options(settings) | {"retry_backoff_ms": 3_600_000}

    await streams._ask(intake.settings)  # topics just made have no leader for a moment: that is waited for here
    monkeypatch.setattr(streams, "kafka_options", patient)
    monkeypatch.setattr(streams, "_PATIENCE", 60)
    answer = await intake.client(roles=[Role.INTEGRATOR]).get("/streams")
    assert answer.status_code == 200, answer.text
    found = {one["name"]: one for one in answer.json()["streams"]}
    assert set(found) == {topic.name for topic in topics.ALL}
    assert all(found[topic.name]["partitions"] == topic.partitions for topic in topics.ALL)
