"""I3: what web itself could not handle is seen, mended and replayed by the integration owner, as everywhere else."""

from uuid import uuid4

import httpx
import pytest
from given_web import MARKED

from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.hr import PersonChanged

pytestmark = pytest.mark.flow
INTEGRATOR = "10901"


async def test_integrator_mends_a_person_that_web_could_not_read(
    web: RunningService, browser: httpx.AsyncClient
) -> None:
    await web.hear(topics.HR_PEOPLE, [PersonChanged(person=INTEGRATOR, name="钟鸣", roles=("integrator",), version=1)])
    await web.hear_raw(topics.HR_PEOPLE, [(b"30002", b'{"person": "30002", "version": 1}', [])])
    await browser.post("/auth/sign-in", json={"person": INTEGRATOR})
    (letter,) = (await browser.get("/api/web/dead-letters")).json()["letters"]
    assert (letter["topic"], letter["field"]) == ("hr.people.v1", "name")
    mended = {"value": '{"person": "30002", "name": "补上的", "version": 1}'}
    answer = await browser.post(f"/api/web/dead-letters/{letter['id']}/replay", json=mended, headers=MARKED)
    assert (answer.status_code, answer.json()["state"]) == (202, "replaying")
    await web.replay_dead_letters()
    assert (await browser.get("/directory/30002")).json()["name"] == "补上的"
    done = (await browser.get(f"/api/web/dead-letters/{letter['id']}")).json()
    assert (done["state"], done["resolved_by"]) == ("replayed", INTEGRATOR)


@pytest.mark.parametrize("person", [None, "10231", "10001", "S001-1"])
async def test_others_see_no_letters(person: str | None, browser: httpx.AsyncClient) -> None:
    if person:
        await browser.post("/auth/sign-in", json={"person": person})
    id = uuid4()
    answers = [
        await browser.get("/api/web/dead-letters"),
        await browser.get(f"/api/web/dead-letters/{id}"),
        await browser.post(f"/api/web/dead-letters/{id}/replay", json={}),
        await browser.post(f"/api/web/dead-letters/{id}/discard", json={"reason": "x"}),
    ]
    assert {one.status_code for one in answers} == {401 if person is None else 403}
