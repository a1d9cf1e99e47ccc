"""I2, I3: the InvenTree connector over HTTP."""

import json
from pathlib import Path
from typing import Any

import pytest
from given_intake import outbox, sender

from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics

pytestmark = pytest.mark.flow

PATH = "/connectors/inventree/bom-change"


def pair() -> dict[str, Any]:
    parts = {"1": {"name": "Module", "IPN": "M-1", "assembly": True}, "2": {"name": "R1"}, "3": {"name": "R2"}}
    lines = [{"1": {"part": 1, "sub_part": sub_part, "quantity": "1"}} for sub_part in (2, 3)]
    return {"parts": parts, "bom_before": lines[0], "bom_after": lines[1]}


async def test_a_pair_is_announced_once(intake: RunningService) -> None:
    """I2, I3"""
    answer = (await sender(intake).post(PATH, json=pair())).json()
    assert (answer["accepted"], answer["duplicates"]) == (2, 0)
    assert [one.base_version is None for one in await intake.announced(topics.BOM_RELEASES)] == [True, False]
    answer = (await sender(intake).post(PATH, json=pair())).json()
    assert (answer["accepted"], answer["duplicates"]) == (0, 2)
    assert {row["source"] for row in await outbox(intake)} == {"inventree"}


async def test_real_pairs_are_taken(intake: RunningService, samples: Path) -> None:
    """I2"""
    for path in sorted((samples / "inventree").glob("bom-change-*.json")):
        answer = await sender(intake).post(PATH, content=path.read_bytes())
        assert answer.json()["refused"] == 0
        assert answer.json()["accepted"] > 0


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"bom_after": {"1": {"part": 1, "sub_part": 3, "quantity": "-1"}}}, "bom_after.1.quantity"),
        ({"parts": {"1": {"name": ""}}}, "parts.1.name"),
        ({"parts": {"1": {"name": "x" * 500}}}, "name"),
        ({"bom_after": None}, None),
        ({"released_at": "2026-03-11T08:00:00"}, "released_at"),
    ],
)
async def test_what_is_wrong_is_kept_and_can_be_mended(
    wrong: dict[str, Any], field: str | None, intake: RunningService
) -> None:
    """I3"""
    answer = (await sender(intake).post(PATH, json={**pair(), **wrong})).json()
    assert (answer["refused"], answer["events"][0]["field"]) == (1, field)
    [refused] = (await sender(intake).get("/refused")).json()["refused"]
    assert refused["connector"] == "inventree"
    path = f"/refused/{refused['id']}/replay"
    assert (await sender(intake).post(path, json={"body": json.dumps(pair())})).json()["state"] == "replayed"
    assert len(await outbox(intake)) == 2
