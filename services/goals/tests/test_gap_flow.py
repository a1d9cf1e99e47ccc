"""G4: gaps are listed for the owner and the lead, and for nobody whom they do not concern."""

import given_goals as given
import pytest

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService

pytestmark = pytest.mark.flow


async def test_owner_and_lead_see_the_gap_and_others_do_not(goals: RunningService) -> None:
    goals.now = given.NOW
    await given.a_project(goals, given.tree(given.work("T-1"), given.work("T-2", due_at=None)))
    for who, roles in ((given.ENGINEER, [Role.EMPLOYEE]), (given.LEAD, [Role.PROJECT_LEAD])):
        found = (await goals.client(who, roles).get("/gaps")).json()
        assert [(one["code"], one["reason"], one["owner"]) for one in found["gaps"]] == [
            ("T-2", "no_date", given.ENGINEER)
        ]
        assert (found["goals"], found["reached"]) == (1, 1)
    assert (await goals.client(given.TESTER).get("/gaps")).json()["gaps"] == []
