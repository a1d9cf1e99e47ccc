"""The administrator's people: added, edited over what HR says, let go (W4)."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.cells import Cell, in_two_cells, look

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(120)]
OpenAs = Callable[..., Page]
_ADMINISTRATOR = "10902"
_MARKED = {"X-Bihuan-Request": "1"}


def _somebody(page: Page, **own: object) -> str:
    """A colleague of this test alone."""
    person = f"T{uuid4().hex[:8]}"
    body = {"person": person, "own": {"name": "借调工程师", "title": "结构工程师", **own}}
    answer = page.request.post("/api/people", data=body, headers=_MARKED)
    assert answer.status == 201, answer.text()
    return person


@in_two_cells
def test_administrator_adds_a_colleague_and_lets_them_go(open_as: OpenAs, cell: Cell) -> None:
    """W4: from the list to the sign-in and back, a wrong field named and nothing typed lost."""

    def word(key: str, **values: Any) -> str:
        return cell.words(f"personRecord.{key}", **values)

    page = open_as(_ADMINISTRATOR, "/people", cell=cell)
    page.get_by_role("link", name=cell.words("people.add")).click()
    # The list that is being left has a search "by name or number", a label that holds the form's own.
    expect(page.get_by_role("heading", level=1)).to_have_text(word("newTitle"))
    person = f"N{uuid4().hex[:8]}"
    page.get_by_label(word("field.person")).fill("10231")
    page.get_by_label(word("field.name"), exact=True).fill("外聘专家")
    page.get_by_label(word("field.title")).fill("可靠性顾问")
    page.get_by_label(cell.words("role.test_engineer")).check()
    page.get_by_role("button", name=word("create")).click()
    expect(page.get_by_role("alert")).to_contain_text("10231")
    look(page, cell, "person-new-refused")
    expect(page.get_by_label(word("field.title"))).to_have_value("可靠性顾问")
    page.get_by_label(word("field.person")).fill(person)
    page.get_by_role("button", name=word("create")).click()
    page.wait_for_url(f"**/people/{person}")
    expect(page.get_by_role("heading", level=1)).to_have_text("外聘专家")
    open_as(person, "/")  # signs in: the directory has them
    page.get_by_role("link", name=cell.words("people.edit")).click()
    page.get_by_role("button", name=word("deactivate")).click()
    page.get_by_role("dialog").get_by_role("button", name=word("deactivate")).click()
    expect(page.get_by_text(word("inactive")).first).to_be_visible()
    look(page, cell, "person-edit")
    refused = page.context.request.post("/auth/sign-in", data={"person": person}, headers=_MARKED)
    assert refused.status == 422


def test_hr_value_is_overridden_and_given_back(open_as: OpenAs) -> None:
    """W4: both values stay in sight; everybody sees the one in effect."""
    page = open_as(_ADMINISTRATOR, "/people")
    listed = page.request.get("/api/people").json()["people"]
    person = next(one for one in reversed(listed) if one["title"] == "装配技师")["person"]
    page.goto(f"/people/{person}/edit")
    page.get_by_role("button", name="改用本地值：岗位").click()
    page.get_by_role("textbox", name="岗位").fill("首席技师")
    page.get_by_role("button", name="保存").click()
    page.wait_for_url(f"**/people/{person}")
    expect(page.get_by_role("heading", level=1).locator("xpath=..")).to_contain_text("首席技师")
    page.get_by_role("link", name="修改资料").click()
    expect(page.get_by_text("人事系统：装配技师")).to_be_visible()
    page.get_by_role("button", name="恢复人事系统的值：岗位").click()
    page.get_by_role("button", name="保存").click()
    page.wait_for_url(f"**/people/{person}")
    expect(page.get_by_role("heading", level=1).locator("xpath=..")).to_contain_text("装配技师")


def test_stale_record_is_settled_field_by_field(open_as: OpenAs) -> None:
    """W4: one field theirs, one field mine, nothing lost."""
    page = open_as(_ADMINISTRATOR, "/people")
    person = _somebody(page)
    page.goto(f"/people/{person}/edit")
    page.get_by_label("岗位").fill("我写的岗位")
    page.get_by_label("拼音").fill("Mine")
    seen = page.request.get(f"/api/people/{person}/record").json()["version"]
    own = {"name": "借调工程师", "title": "别人写的岗位", "name_latin": "Theirs"}
    answer = page.request.put(f"/api/people/{person}", data={"version": seen, "own": own}, headers=_MARKED)
    assert answer.ok, answer.text()
    page.get_by_role("button", name="保存").click()
    dialog = page.get_by_role("dialog", name="别人比你先改了")
    dialog.get_by_role("radio", name="别人写的岗位").check()
    dialog.get_by_role("button", name="按所选保存").click()
    page.wait_for_url(f"**/people/{person}")
    values = page.request.get(f"/api/people/{person}/record").json()["values"]
    assert (values["title"], values["name_latin"]) == ("别人写的岗位", "Mine")
