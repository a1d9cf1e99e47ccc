"""G5: a person's test report travels the same topic as those of test systems."""

from typing import Any
from uuid import UUID

import pytest

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics

pytestmark = pytest.mark.flow


def report(**more: Any) -> dict[str, Any]:
    return {
        "task": str(UUID(int=1)), "module": "PM-480", "module_version": "V2.4", "verdict": "passed",
        "measurements": [{"metric": "传导发射余量", "value": "4.2", "unit": "dB"}], **more,
    }  # fmt: skip


async def test_who_tested_is_who_is_signed_in(intake: RunningService) -> None:
    """G5"""
    tester = intake.client("10306", [Role.EMPLOYEE, Role.TEST_ENGINEER])
    first = await tester.post("/test-reports", json=report())
    second = await tester.post("/test-reports", json=report(task=None, product="GX-500"))
    assert first.status_code == second.status_code == 201
    announced = await intake.announced(topics.TEST_REPORTS)
    assert [one.report for one in announced] == [first.json()["report"], second.json()["report"]]
    assert announced[0].tested_by == "10306"
    assert str(announced[0].measurements[0].value) == "4.2"
    assert announced[1].task is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"verdict": "maybe"}, "verdict"),
        ({"module": ""}, "module"),
        ({"tested_by": "10001"}, "tested_by"),
        ({"measurements": [{"metric": "x", "value": "NaN"}]}, "measurements.0.value"),
        ({"criterion_version": 0}, "criterion_version"),
    ],
)
async def test_a_wrong_report_names_its_field(wrong: dict[str, Any], field: str, intake: RunningService) -> None:
    """G5: nobody can report in another's name."""
    answer = await intake.client("10306", [Role.TEST_ENGINEER]).post("/test-reports", json=report(**wrong))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert await intake.announced() == []
