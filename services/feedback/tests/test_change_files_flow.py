"""Files of change orders: by the author, while the content is open (C2, F7)."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.changes import ChangeOrderChanged, ChangeState

pytestmark = pytest.mark.flow
NOW = datetime(2026, 3, 11, 0, 30, tzinfo=UTC)
CHANGE = UUID(int=3)
PATH = f"/changes/{CHANGE}/attachments"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x08\x00\x00\x00\x08" + b"0" * 100


def an_order(state: ChangeState, version: int) -> ChangeOrderChanged:
    return ChangeOrderChanged(
        change=CHANGE, number="ECN-2026-F0001", revision=1, state=state, change_type="design", item="PM-480",
        item_name="电源模块", base_version="V2.3", new_version="V2.4", reason="换型", differences=(), modules=(),
        products=(), source="form", released_by=None, approved_by=(), effective_at=None, released_at=NOW,
        received_at=NOW, applied_at=None, closed_at=None, author="10231", version=version,
    )  # fmt: skip


async def test_author_adds_files_until_the_order_is_over(feedback: RunningService) -> None:
    await feedback.hear(topics.CHANGE_ORDERS, [an_order(ChangeState.DRAFT, 1)])
    author = feedback.client("10231")
    first = await author.post(PATH, files={"file": ("布置图.png", PNG)})
    assert [one["name"] for one in first.json()["attachments"]] == ["布置图.png"]
    reader = feedback.client("10306")
    assert (await reader.post(PATH, files={"file": ("x.png", PNG)})).status_code == 403
    (seen,) = (await reader.get(PATH)).json()["attachments"]
    assert (await reader.get(f"/attachments/{seen['id']}")).content == PNG

    await feedback.hear(topics.CHANGE_ORDERS, [an_order(ChangeState.REVIEW, 2)])
    kept = await author.delete(f"{PATH}/{seen['id']}")
    assert (kept.status_code, kept.json()["code"]) == (409, "content_locked")
    await feedback.hear(topics.CHANGE_ORDERS, [an_order(ChangeState.CANCELLED, 3)])
    refused = await author.post(PATH, files={"file": ("y.png", PNG)})
    assert (refused.status_code, refused.json()["code"]) == (409, "content_locked")


async def test_draft_file_can_be_taken_away_again(feedback: RunningService) -> None:
    await feedback.hear(topics.CHANGE_ORDERS, [an_order(ChangeState.DRAFT, 1)])
    author = feedback.client("10231")
    (file,) = (await author.post(PATH, files={"file": ("布置图.png", PNG)})).json()["attachments"]
    assert (await author.delete(f"{PATH}/{file['id']}")).json()["attachments"] == []
    assert (await author.delete(f"{PATH}/{file['id']}")).status_code == 404
    assert (await author.get(f"/changes/{UUID(int=9)}/attachments")).json()["attachments"] == []
    assert (await author.post(f"/changes/{UUID(int=9)}/attachments", files={"file": ("x.png", PNG)})).status_code == 404
