"""A stale edit shows both versions: change orders, rules, documents, matrices, appeals (C2, C4, C8, C9, C11)."""

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


def _led(page: Page) -> str:
    """A project of the reader's own."""
    boards = page.request.get("/api/boards").json()["projects"]
    return next(str(one["project"]) for one in boards if one["lead"] == _LEAD and one["tasks"])


def test_stale_section_of_a_document_keeps_both_texts(open_as: OpenAs) -> None:
    """C11"""
    page = open_as(_LEAD, "/changes")
    project, title = _led(page), f"引言 {uuid4().hex[:5]}"
    where = f"/api/changes/projects/{project}/document"
    sections = page.request.get(where).json()["sections"]
    version = next((one["version"] for one in sections if one["module"] == "-"), 0)

    def write(body: str, version: int) -> int:
        given = {"version": version, "title": title, "body": body}
        answer = page.request.put(f"{where}/sections/-", data=given, headers=_MARKED)
        assert answer.ok, answer.text()
        return next(int(one["version"]) for one in answer.json()["sections"] if one["module"] == "-")

    version = write("起初的正文", version)
    page.goto(f"/boards/{project}/document")
    panel = page.get_by_role("region", name=title)
    panel.get_by_role("button", name="编辑").click()
    panel.get_by_label("内容").fill("我写的正文")
    write("别人写的正文", version)
    panel.get_by_role("button", name="保存新版本").click()
    both = page.get_by_role("dialog", name="别人比你先改了")
    expect(both.get_by_text("别人写的正文")).to_be_visible()
    both.get_by_label("两段都留").check()
    both.get_by_role("button", name="按所选保存").click()
    expect(panel.get_by_role("button", name="编辑")).to_be_visible()
    body = next(one["body"] for one in page.request.get(where).json()["sections"] if one["module"] == "-")
    assert body == "别人写的正文\n\n我写的正文"


def test_stale_draft_of_a_matrix_shows_both_and_keeps_the_rest(open_as: OpenAs) -> None:
    """C8"""
    page = open_as(_LEAD, "/consents")
    goals = page.request.get(f"/api/goals/projects/{_led(page)}").json()["goals"]
    task = next(one for goal in goals for one in goal["tasks"] if one["state"] == "active" and one["owner"] != _LEAD)
    words = {
        "title": f"工时再估 {uuid4().hex[:5]}", "reason": "起初的原因",
        "adjustments": [{"task": task["task"], "field": "planned_hours", "new": "61"}],
    }  # fmt: skip
    made = page.request.post("/api/changes/consents", data=words, headers=_MARKED)
    assert made.status == 201, made.text()
    matrix = made.json()
    where = f"/api/changes/consents/{matrix['summary']['matrix']}"
    page.goto(f"/consents/{matrix['summary']['matrix']}")
    page.get_by_label("标题").fill("我起的标题")
    page.get_by_label("为什么").fill("我写的原因")
    rows = [{"person": one["person"], "task": one["task"], "action": "别人写的动作"} for one in matrix["rows"]]
    theirs = words | {"reason": "别人写的原因", "version": matrix["version"], "rows": rows}
    answer = page.request.put(where, data=theirs, headers=_MARKED)
    assert answer.ok, answer.text()
    page.get_by_role("button", name="保存", exact=True).click()
    both = page.get_by_role("dialog", name="别人比你先改了")
    expect(both.get_by_role("cell").filter(has_text="别人写的原因")).to_be_visible()
    both.get_by_role("button", name="仍改成我的").click()
    expect(both).to_be_hidden()
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_text("已保存").first).to_be_visible()
    now = page.request.get(where).json()
    assert (now["summary"]["title"], now["reason"]) == ("我起的标题", "我写的原因")
    assert {one["action"] for one in now["rows"]} == {"别人写的动作"}
    page.request.post(f"{where}/withdraw", data={"version": now["version"]}, headers=_MARKED)


def test_stale_step_of_an_appeal_shows_what_was_done_instead(open_as: OpenAs) -> None:
    """C9"""
    filer = open_as("10231", "/appeals")
    body = {
        "subject": {"kind": "score", "score": "一季度交付准时率"}, "wish": "重算",
        "statement": "三次延期都由客户确认过，不应计入。",
    }  # fmt: skip
    made = filer.request.post("/api/changes/appeals", data=body, headers=_MARKED)
    assert made.status == 201, made.text()
    found = made.json()["summary"]
    people = filer.request.get("/api/people").json()["people"]
    who = next(one["person"] for one in people if one["name"] == found["handler_name"])
    handler = open_as(who, f"/appeals/{found['appeal']}")
    handler.get_by_role("button", name="不受理").click()
    handler.get_by_label("不受理的理由").fill("我认为证据不足，暂不受理。")
    where = f"/api/changes/appeals/{found['appeal']}"
    version = handler.request.get(where).json()["version"]
    admitted = {"version": version, "admitted": True, "reason": "已经受理，请准备证据材料。"}
    answer = handler.request.post(f"{where}/admission", data=admitted, headers=_MARKED)
    assert answer.ok, answer.text()
    handler.get_by_role("dialog").locator("footer").get_by_role("button").last.click()
    both = handler.get_by_role("dialog", name="别人比你先改了")
    expect(both.get_by_text("请准备证据材料")).to_be_visible()
    expect(both.get_by_text("我认为证据不足")).to_be_visible()
    expect(both.get_by_role("button", name="仍改成我的")).to_have_count(0)
    both.get_by_role("button", name="用现在的").click()
    expect(both).to_be_hidden()
    assert handler.request.get(where).json()["summary"]["state"] == "admitted"
