"""Projects are made, edited and archived from the pages alone (W4, G1)."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.cells import CELLS, Cell, look

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(120)]
OpenAs = Callable[..., Page]
_ADMINISTRATOR = "10902"
_MARKED = {"X-Bihuan-Request": "1"}


def _project(page: Page, **more: object) -> tuple[str, str]:
    """A project of this test alone: its id and name."""
    code = f"P-{uuid4().hex[:6].upper()}"
    body = {
        "code": code, "name": f"{code} 试验台", "product": "TB-1", "lead": _ADMINISTRATOR,
        "starts_at": "2026-11-02T00:30:00Z", **more,
    }  # fmt: skip
    answer = page.request.post("/api/goals/projects/from-template", data=body, headers=_MARKED)
    assert answer.status == 201, answer.text()
    return answer.json()["project"], str(body["name"])


@pytest.mark.parametrize("cell", [CELLS[1], CELLS[2]], ids=str)
def test_project_is_made_edited_and_archived(open_as: OpenAs, cell: Cell) -> None:

    def word(key: str, **values: Any) -> str:
        return cell.words(f"project.{key}", **values)

    page = open_as(_ADMINISTRATOR, "/boards", cell=cell)
    form = page.locator("form")
    page.get_by_role("link", name=word("newTitle")).click()
    code = f"P-{uuid4().hex[:6].upper()}"
    form.get_by_label(word("code")).fill("P-CM-80")
    form.get_by_label(word("field.name")).fill(f"{code} 试验台")
    form.get_by_label(word("field.product")).fill("TB-1")
    lead = page.get_by_role("combobox", name=word("field.lead"))
    lead.fill("孟言")
    page.get_by_role("option", name="孟言").click()
    page.get_by_role("button", name=word("make")).click()
    expect(page.get_by_role("alert")).to_contain_text("P-CM-80")
    look(page, cell, "project-new-refused")
    form.get_by_label(word("code")).fill(code)
    page.get_by_role("button", name=word("make")).click()
    page.wait_for_url("**/boards/*/edit")
    page.goto(page.url.replace("/edit", "/settings"))
    form.get_by_label(word("field.phase")).fill("试制")
    page.get_by_role("button", name=cell.words("treeEdit.save")).click()
    expect(page.get_by_role("listitem").filter(has_text="试制")).to_be_visible()
    look(page, cell, "project-record")
    page.get_by_role("button", name=word("step.cancelled")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(cell.words("treeEdit.reason")).fill("客户撤单")
    dialog.get_by_role("button", name=word("step.cancelled")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(word("archivedTitle", name=f"{code} 试验台"))
    page.goto("/boards")
    page.get_by_role("button", name=word("archived"), exact=True).click()
    page.get_by_label(cell.words("boards.find")).fill(code)
    expect(page.get_by_role("link", name=f"{code} 试验台", exact=True)).to_be_visible()


def test_stale_project_edit_is_settled_field_by_field(open_as: OpenAs) -> None:
    page = open_as(_ADMINISTRATOR, "/boards")
    project, _ = _project(page, phase="方案")
    page.goto(f"/boards/{project}/settings")
    page.get_by_label("阶段").fill("量产")
    seen = page.request.get(f"/api/goals/projects/{project}/record").json()["revision"]
    body = {"revision": seen, "phase": "试制", "customer": "沪东重机"}
    assert page.request.patch(f"/api/goals/projects/{project}", data=body, headers=_MARKED).ok
    page.get_by_role("button", name="保存").click()
    dialog = page.get_by_role("dialog", name="别人比你先改了")
    expect(dialog.get_by_text("试制")).to_be_visible()
    dialog.get_by_role("button", name="仍改成我的").click()
    expect(page.get_by_label("阶段")).to_have_value("量产")
    expect(page.get_by_label("客户")).to_have_value("沪东重机")
    now = page.request.get(f"/api/goals/projects/{project}/record").json()
    assert (now["phase"], now["customer"]) == ("量产", "沪东重机")


def test_engineer_reads_the_record_and_finds_no_way_to_change_it(open_as: OpenAs) -> None:
    made = open_as(_ADMINISTRATOR, "/boards")
    project, name = _project(made)
    page = open_as("10231", f"/boards/{project}/settings")
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    expect(page.get_by_label("阶段")).to_be_disabled()
    expect(page.get_by_role("button", name="保存")).to_have_count(0)
    page.goto("/boards")
    expect(page.get_by_role("link", name="新建项目")).to_have_count(0)
