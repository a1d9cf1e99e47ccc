"""G1, G2 in the browser: what stands where in a tree is moved, and a frozen part refuses everybody with its reason."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.cells import CELLS, NO_PAGE, Cell, look
from tests.e2e.given_project import ADMINISTRATOR, Given, a_tree, ask

from bihuan_tools.demo.company import LEAD

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(180)]
OpenAs = Callable[..., Page]


def _shape(given: Given) -> dict[str, Any]:
    """Titles below titles, in their order."""
    tree = ask(given.lead, "GET", f"/api/goals/projects/{given.project}/tree")
    return {
        goal["title"]: {
            task["title"]: {
                one["title"]: [criterion["text"] for criterion in one["criteria"]] for one in task["deliverables"]
            }
            for task in goal["tasks"]
        }
        for goal in tree["goals"]
    }


def _pick(page: Page, title: str) -> None:
    tree = page.get_by_role("list", name="目标树")
    tree.locator(f"button.pick[title='{title}']").click()
    expect(page.locator("form.nf").get_by_role("button", name="保存")).to_be_visible()


def _move(page: Page, title: str, to: str) -> None:
    _pick(page, title)
    page.get_by_label("移到…").select_option(label=to)


def test_tasks_deliverables_and_criteria_are_moved_to_other_places(open_as: OpenAs) -> None:
    """G1: to another goal, task and deliverable, and among siblings by the keyboard; who did it stays on record."""
    given = a_tree(open_as(LEAD, NO_PAGE))
    page = given.lead
    page.goto(f"/boards/{given.project}/edit")
    page.get_by_role("button", name="展开 外观件").click()
    _move(page, "编号正确", "样件")
    expect(page.get_by_text("移动标准").first).to_be_visible()
    assert _shape(given)["样机达标"]["外观件"] == {"样件": ["样件合格", "编号正确"], "清单": ["清单齐全"]}
    _move(page, "清单", f"{given.item}-01 驱动改版")
    expect(page.get_by_text("移动交付物").first).to_be_visible()
    assert _shape(given)["样机达标"]["驱动改版"] == {"图纸": ["评审通过"], "清单": ["清单齐全"]}

    _move(page, "样件", f"{given.item}-01 驱动改版")  # the last one of an active task
    expect(page.get_by_role("alert").get_by_text(re.compile("进行中的任务不能缺.*没有交付物")).first).to_be_visible()
    assert list(_shape(given)["样机达标"]["外观件"]) == ["样件"]

    first = page.get_by_role("list", name="目标树").get_by_role("button", name=f"{given.item}-01 驱动改版")
    first.focus()
    first.press("Alt+ArrowDown")
    expect(page.get_by_role("list", name="目标树").locator(".er.task .nm").first).to_have_text("型式试验")
    _move(page, "外观件", "量产准备")
    edits = page.get_by_role("region", name="最近修改")
    expect(edits.get_by_role("listitem").filter(has_text="外观件").first).to_contain_text("量产准备")
    shape = _shape(given)
    assert (list(shape["样机达标"]), list(shape["量产准备"])) == (["型式试验", "驱动改版"], ["外观件"])


@pytest.mark.parametrize("cell", [CELLS[0], CELLS[2]], ids=str)
def test_a_frozen_cycle_refuses_an_administrator_too_and_says_why(open_as: OpenAs, cell: Cell) -> None:
    """G1: frozen from the page, then closed to everybody, with the reason and the way in the reader's language."""
    word = cell.words
    given = a_tree(open_as(LEAD, NO_PAGE, cell=cell))
    lead = given.lead
    body = {"kind": "phase", "name": "DVT", "project": given.project,
            "starts_at": "2026-11-02T00:00:00Z", "ends_at": "2027-02-01T00:00:00Z"}  # fmt: skip
    cycle = ask(lead, "POST", "/api/goals/cycles", body)["cycle"]
    goal = ask(lead, "GET", f"/api/goals/projects/{given.project}/tree")["goals"][0]
    join = {"revision": goal["revision"], "cycle": cycle}
    ask(lead, "PATCH", f"/api/goals/projects/{given.project}/goals/{goal['goal']}", join)
    lead.goto(f"/boards/{given.project}/edit")
    cycles = lead.get_by_role("region", name=word("treeEdit.cycles")).get_by_role("listitem").filter(has_text="DVT")
    cycles.get_by_role("button", name=word("treeEdit.freeze")).click()
    lead.get_by_role("dialog").get_by_role("button", name=word("treeEdit.freeze")).click()
    expect(cycles.get_by_role("button")).to_have_count(0)

    page = open_as(ADMINISTRATOR, f"/boards/{given.project}/edit?task={given.tasks['work']}", cell=cell)
    form = page.locator("form.nf")
    expect(form.get_by_text(word("treeEdit.frozenText", cycle="DVT"))).to_be_visible()
    for field in ("weight", "starts_at", "due_at"):
        expect(form.get_by_label(word(f"treeEdit.field.{field}"))).to_be_disabled()
    expect(form.get_by_role("button", name=word("treeEdit.cancel.task"))).to_have_count(0)
    expect(form.get_by_role("link", name=word("treeEdit.toMatrix"))).to_be_visible()
    page.get_by_role("button", name=word("treeEdit.addBelow.task", title="样机达标")).click()
    page.get_by_label(word("treeEdit.new.task")).fill("加塞")
    page.keyboard.press("Enter")
    reason = {"zh": "「样机达标」已随 DVT 冻结", "en": "“样机达标” is frozen with DVT"}[cell.language]
    expect(page.get_by_text(re.compile(reason)).first).to_be_visible()
    assert "加塞" not in _shape(given)["样机达标"]
    page.keyboard.press("Escape")
    look(page, cell, "tree-frozen")
    refused = page.request.patch(
        f"/api/goals/tasks/{given.tasks['work']}", data={"revision": 1, "owner": "10235"},
        headers={"X-Bihuan-Request": "1", "Accept-Language": cell.language},
    )  # fmt: skip
    assert refused.status == 409
    assert re.search(reason, refused.json()["title"])
