"""A stale edit shows both versions on the forms of rules and change orders (C2, C4); trees, people and projects have theirs."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(120)]
OpenAs = Callable[..., Page]
_MARKED = {"X-Bihuan-Request": "1"}
_OWNER, _LEAD = "10003", "10118"


def test_stale_draft_of_a_change_shows_both_and_saves_the_choice(open_as: OpenAs) -> None:
    page = open_as(_LEAD, "/changes")
    body = {
        "version": f"V{uuid4().hex[:5]}", "description": "起初的说明", "modules": ["SM-11"], "effective_at": None,
        "criteria": [],
    }  # fmt: skip
    made = page.request.post("/api/changes/changes/drafts", data=body, headers=_MARKED)
    assert made.status == 201, made.text()
    change = made.json()["change"]
    page.goto(f"/changes/new?draft={change}")
    description = page.get_by_label("变更说明")
    expect(description).to_have_value("起初的说明")
    description.fill("我写的说明")
    seen = page.request.get(f"/api/changes/changes/{change}").json()["order"]["version"]
    theirs = body | {"description": "别人写的说明", "order_version": seen}
    answer = page.request.put(f"/api/changes/changes/{change}", data=theirs, headers=_MARKED)
    assert answer.ok, answer.text()
    page.get_by_role("button", name="存为草稿").click()
    dialog = page.get_by_role("dialog", name="别人比你先改了")
    expect(dialog.get_by_text("别人写的说明")).to_be_visible()
    expect(dialog.get_by_text("我写的说明")).to_be_visible()
    dialog.get_by_role("button", name="仍改成我的").click()
    page.wait_for_url(f"**/changes/{change}")
    assert page.request.get(f"/api/changes/changes/{change}").json()["order"]["reason"] == "我写的说明"


def test_stale_draft_of_a_rule_shows_both_rows(open_as: OpenAs) -> None:
    page = open_as(_OWNER, "/rules")
    made = page.request.post(
        "/api/changes/rules", data={"title": f"试写 {uuid4().hex[:5]}", "complete": False}, headers=_MARKED
    )
    assert made.status == 201, made.text()
    draft = made.json()
    page.goto(f"/rules/{draft['name']}")
    page.get_by_role("button", name="列与设置").click()
    dialog = page.get_by_role("dialog")
    title = dialog.get_by_label("名称", exact=True)
    title.fill("我起的名称")
    dialog.get_by_role("button", name="确定").click()
    body = {"edition": draft["edition"], "title": "别人起的名称", "title_en": "", "table": draft["table"]}
    where = f"/api/changes/rules/{draft['name']}/versions/{draft['version']['version']}"
    answer = page.request.put(where, data=body, headers=_MARKED)
    assert answer.ok, answer.text()
    page.get_by_role("button", name="保存").click()
    both = page.get_by_role("dialog", name="别人比你先改了")
    expect(both.get_by_text("别人起的名称", exact=True)).to_be_visible()
    both.get_by_role("button", name="仍改成我的").click()
    expect(both).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_contain_text("我起的名称")
    assert page.request.get(f"/api/changes/rules/{draft['name']}").json()["title"]["zh"] == "我起的名称"
