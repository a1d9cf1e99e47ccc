"""What a service could not handle is shown to the integration owner, mended and replayed over HTTP (I3)."""

from datetime import UTC, datetime

import pytest

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.plm import BomReleased

pytestmark = pytest.mark.flow


async def test_a_record_that_could_not_be_read_is_mended_and_replayed(changes: RunningService) -> None:
    """I3: the field that is wrong, the whole body, and after the fix the release is known."""
    released = BomReleased(item="X-1", name="件", version="V1", released_at=datetime.now(UTC), lines=())
    good = released.model_dump_json()
    await changes.hear_raw(topics.BOM_RELEASES, [(b"X-1", good.replace('"version":"V1",', "").encode(), [])])
    owner = changes.client("10901", [Role.INTEGRATOR])
    [letter] = (await owner.get("/dead-letters")).json()["letters"]
    assert (letter["field"], letter["topic"], letter["state"]) == ("version", topics.BOM_RELEASES.name, "open")

    path = f"/dead-letters/{letter['id']}"
    english = (await owner.get(path, headers={"Accept-Language": "en"})).json()
    assert (letter["reason"], english["reason"]) == ("必须填写", "This is required")
    assert (await owner.get(path)).json()["value"].startswith("{")
    asked = await owner.post(f"{path}/replay", json={"value": good})
    assert (asked.status_code, asked.json()["state"]) == (202, "replaying")
    again = await owner.post(f"{path}/replay", json={})
    assert (again.status_code, again.json()["current"]["state"]) == (409, "replaying")
    await changes.replay_dead_letters()
    assert (await owner.get(path)).json()["state"] == "replayed"
    assert (await owner.get("/modules", params={"q": "X-1"})).json()["modules"] != []


async def test_setting_aside_needs_a_reason_and_only_the_owner_may(changes: RunningService) -> None:
    """I3, W4"""
    await changes.hear_raw(topics.BOM_RELEASES, [(None, b"{", [])])
    owner, other = changes.client("10901", [Role.ADMINISTRATOR]), changes.client("10105", [Role.PROJECT_LEAD])
    [letter] = (await owner.get("/dead-letters")).json()["letters"]
    path = f"/dead-letters/{letter['id']}"
    assert (await other.get("/dead-letters")).status_code == 403
    assert (await other.post(f"{path}/discard", json={"reason": "x"})).status_code == 403
    assert (await owner.post(f"{path}/discard", json={"reason": ""})).status_code == 422
    done = (await owner.post(f"{path}/discard", json={"reason": "测试数据"})).json()
    assert (done["state"], done["resolution"], done["resolved_by"]) == ("discarded", "测试数据", "10901")
