"""The process owner moves a rule and sees what a draft would have changed; a second person agrees (C4)."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.acting import ask
from tests.e2e.cells import CELLS, WIDE, Cell, look

from bihuan_tools.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(300)]
OpenAs = Callable[..., Page]
OWNER, DIRECTOR = "10003", "10001"
HEADERS = {"X-Bihuan-Request": "1"}


def post(page: Page, path: str, **body: Any) -> Any:
    answer = page.request.post(f"/api/changes{path}", data=body, headers=HEADERS)
    assert answer.ok, answer.text()
    return answer.json()


def drafted(owner: Page, title: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A draft for a module that nobody has: it decides nothing in the demo company."""
    page = post(owner, "/rules", title=title)
    cases = [{"id": "c1", "title": "用例", "facts": {"module": ["ZZ-1"]}, "rows": [rows[0]["id"]], "then": {}}]
    table = {"fields": ["module"], "effects": ["action"], "complete": False, "rows": rows, "cases": cases}
    answer = owner.request.put(
        f"/api/changes/rules/{page['name']}/versions/1",
        data={"edition": page["edition"], "title": title, "table": table}, headers=HEADERS,
    )  # fmt: skip
    assert answer.ok, answer.text()
    saved: dict[str, Any] = answer.json()
    return saved


def row(id: str, action: str, *modules: str) -> dict[str, Any]:
    when = {"module": {"op": "in", "values": list(modules)}} if modules else {}
    return {"id": id, "when": when, "then": {"action": [action]}, "note": {"zh": "测试"}}


@pytest.fixture
def two_rules(bihuan: Instance, open_as: OpenAs) -> Iterator[tuple[Page, Page, str, str]]:
    """Owner, director, and two published rules of which the second never decides; ended again afterwards."""
    owner, director = open_as(OWNER, "/rules"), open_as(DIRECTOR, "/rules")
    names = []
    for title in ("先问的", "后问的"):
        draft = drafted(owner, title, [row("one", "lock" if title == "先问的" else "retest", "ZZ-1")])
        at = f"/rules/{draft['name']}/versions/1"
        submitted = post(owner, f"{at}/submit", edition=draft["edition"])
        post(director, f"{at}/approve", edition=submitted["edition"])
        names.append(draft["name"])
    yield owner, director, names[0], names[1]
    for name in names:
        post(director, f"/rules/{name}/versions/1/retire", reason="测试结束")


def place(page: Page, name: str) -> int:
    return int(page.locator(".rls tbody tr").filter(has_text=name).locator("td").first.inner_text())


def test_a_rule_is_moved_by_keyboard_checked_and_agreed_by_a_second_person(
    two_rules: tuple[Page, Page, str, str],
) -> None:
    """C4: each move is checked; the order counts from the second person's word on, and says whose it is."""
    owner, director, first, second = two_rules
    owner.goto("/rules")
    owner.get_by_role("button", name="调整顺序").click()
    expect(owner.locator(".ro .rfs li").filter(has_text=second)).to_contain_text("第 1 行的“处理”轮不到")
    up = owner.get_by_role("button", name=f"{second} 上移")
    up.focus()
    up.press("Enter")
    expect(owner.locator(".ro .rfs li").filter(has_text=first)).to_contain_text("轮不到")
    expect(owner.locator(".ro .rfs li").filter(has_text=second)).to_have_count(0)
    expect(up).to_be_focused()
    assert place(owner, second) < place(owner, first)
    owner.get_by_role("button", name="提交批准").click()
    expect(owner.get_by_text("新顺序等待批准")).to_be_visible()
    expect(owner.get_by_role("button", name="批准新顺序")).to_have_count(0)
    assert place(owner, second) > place(owner, first), "it is not in force yet"
    director.goto("/rules")
    expect(director.get_by_role("heading", level=1)).to_contain_text("等你批准")
    director.get_by_role("button", name="批准新顺序").click()
    expect(director.get_by_text(re.compile("这个顺序由 .+ 提出"))).to_be_visible()
    owner.goto("/rules")
    expect(owner.get_by_text(re.compile("这个顺序由 .+ 提出"))).to_be_visible()
    assert place(owner, second) < place(owner, first)


def test_the_order_is_moved_in_english(open_as: OpenAs, two_rules: tuple[Page, Page, str, str]) -> None:
    """C4, W1: nothing is wider than the page, nothing stays behind when it is given up."""
    second = two_rules[3]
    page = open_as(OWNER, "/rules", cell=Cell("en", "light", WIDE))
    page.get_by_role("button", name="Change the order").click()
    page.get_by_role("button", name=f"Move {second} up").click()
    expect(page.locator(".ro .rfs li").first).to_contain_text("never decides")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".ro")).to_have_count(0)


@pytest.mark.parametrize("cell", [CELLS[1], CELLS[3]], ids=str)
def test_the_order_is_moved_by_thumb_and_agreed_on_a_phone(
    open_as: OpenAs, two_rules: tuple[Page, Page, str, str], cell: Cell
) -> None:
    """C4, W1: the buttons are as large as a thumb, a tap beside them opens nothing; the second person agrees there too."""
    _, _, first, second = two_rules
    owner = open_as(OWNER, "/rules", cell=cell)
    owner.get_by_role("button", name=cell.words("rules.arrange")).click()
    up = owner.get_by_role("button", name=cell.words("rules.moveTableUp", name=second))
    box = up.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44
    up.tap()
    expect(owner.locator(".ro .rfs li").filter(has_text=first)).to_be_visible()
    assert place(owner, second) < place(owner, first)
    owner.locator(".rls tbody tr").filter(has_text=second).locator("td").first.tap()
    expect(owner.locator(".ro")).to_be_visible()
    look(owner, cell, "rules-order-moved")
    owner.get_by_role("button", name=cell.words("rules.do.submit")).tap()
    expect(owner.get_by_role("button", name=cell.words("rules.orderWithdraw"))).to_be_visible()
    director = open_as(DIRECTOR, "/rules", cell=cell)
    look(director, cell, "rules-order-open")
    director.get_by_role("button", name=cell.words("rules.orderApprove")).tap()
    expect(director.get_by_role("button", name=cell.words("rules.orderApprove"))).to_have_count(0)
    listed = ask(owner, "GET", "/changes/rules")["tables"]
    names = [one["name"] for one in listed]
    assert names.index(second) < names.index(first)


def test_a_mistake_is_named_and_the_past_shows_what_a_draft_would_change(bihuan: Instance, open_as: OpenAs) -> None:
    """C4: a row that never fires is named; the dry run lists decisions of the past before and after."""
    owner = open_as(OWNER, "/rules")
    draft = drafted(owner, "一律锁定", [row("all", "lock"), row("never", "retest", "PM-480")])
    owner.goto(f"/rules/{draft['name']}")
    expect(owner.locator(".rfs .block")).to_contain_text("第 2 行")
    expect(owner.get_by_role("button", name="提交批准")).to_be_disabled()
    owner.get_by_role("button", name="删除第 2 行").click()
    expect(owner.locator(".rfs .block")).to_have_count(0)
    owner.get_by_role("button", name=re.compile("试跑最近")).click()
    expect(owner.locator(".dry tbody tr").first).to_contain_text("锁定")
    owner.on("dialog", lambda dialog: dialog.accept())
    owner.get_by_role("button", name="放弃草稿").click()
    expect(owner.get_by_text("这个草稿已放弃")).to_be_visible()
