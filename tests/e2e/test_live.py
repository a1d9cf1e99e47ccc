"""Live, offline and back, signed out in the middle, two at one text: what somebody has typed or pressed is never lost (N5)."""

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.cells import settle

from bihuan_tools.demo.company import ENGINEER, LEAD, TESTER

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(120)]
OpenAs = Callable[..., Page]
MARK = {"X-Bihuan-Request": "1"}
# When a text first stood on the page, on the clock that both browsers share.
_WATCH = """words => {
  window.seenAt = undefined
  const look = () => { if (!window.seenAt && document.body.innerText.includes(words)) window.seenAt = Date.now() }
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true })
  look()
}"""


def _release(page: Page) -> str:
    """A change of the power module, published by its page's owner through the form's own address; its version."""
    version = f"V7.{uuid4().hex[:5]}"
    answer = page.request.post(
        "/api/changes/changes",
        data={"version": version, "description": "两个浏览器", "modules": ["PM-480"], "effective_at": None},
        headers=MARK,
    )
    assert answer.ok, answer.text()
    return version


def _notice(page: Page, version: str) -> str:
    row = page.locator("ul.ib li").filter(has_text=version)
    expect(row).to_be_visible()
    return str(row.get_attribute("id")).removeprefix("notice-")


def test_two_browsers_side_by_side_agree_within_a_second(open_as: OpenAs) -> None:
    """N5, W2: an engineer's week and the changes of the lead show a release at once, and a confirmation too."""
    week, list_, lead = open_as(ENGINEER, "/"), open_as(TESTER, "/changes"), open_as(LEAD, "/changes")
    for page in (week, list_, lead):
        settle(page)
    version = _release(lead)
    for page in (week, list_):
        page.evaluate(_WATCH, version)
    for page in (week, list_):
        expect(page.get_by_text(version).first).to_be_visible()
    seen = [page.evaluate("window.seenAt") for page in (week, list_)]
    assert max(seen) - min(seen) < 1000

    one, other = open_as(ENGINEER, "/inbox"), open_as(ENGINEER, "/inbox")
    notice = _notice(one, version)
    settle(other)
    row = other.locator(f"#notice-{notice}")
    expect(row).to_be_visible()
    one.goto(f"/inbox/{notice}")
    one.get_by_role("button", name="确认已读").click()
    expect(row.get_by_text("已确认")).to_be_visible(timeout=2000)


def test_what_is_pressed_without_a_connection_is_sent_when_it_is_back(open_as: OpenAs) -> None:
    """N5, N2: the band says since when, the confirmation waits as 待送出, and is on record after the way is free."""
    version = _release(open_as(LEAD, "/changes"))
    page = open_as(ENGINEER, "/inbox")
    notice = _notice(page, version)
    page.goto(f"/inbox/{notice}")
    expect(page.get_by_role("button", name="确认已读")).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_role("main").get_by_text("已离线")).to_be_visible()
    page.get_by_role("button", name="确认已读").click()
    expect(page.get_by_text("待送出").first).to_be_visible()
    assert page.request.get(f"/api/notify/notices/{notice}").json()["notice"]["confirmed_at"] is None
    page.context.set_offline(False)
    expect(page.get_by_role("main").get_by_text("已离线")).to_have_count(0)
    expect(page.locator(f"#notice-{notice}").get_by_text("已确认")).to_be_visible(timeout=15_000)
    assert page.request.get(f"/api/notify/notices/{notice}").json()["notice"]["confirmed_at"] is not None


def test_a_session_that_ends_costs_no_words(open_as: OpenAs) -> None:
    """W4: back to the same page after signing in, with what was typed; somebody else sees none of it."""
    page = open_as(LEAD, "/changes/new")
    page.get_by_label("变更说明").fill("写到一半，会话到期")
    page.get_by_label("新版本号").fill("V8.8")
    page.context.clear_cookies()
    page.get_by_role("link", name="本周").first.click()
    expect(page.get_by_text("以谁的身份进入")).to_be_visible()
    page.goto("/sign-in?next=/changes/new")
    page.get_by_role("button", name="周启航").click()
    page.wait_for_url("**/changes/new")
    expect(page.get_by_label("变更说明")).to_have_value("")
    page.context.clear_cookies()
    page.goto("/changes/new")
    page.wait_for_url("**/sign-in?next=/changes/new")
    page.get_by_role("button", name=re.compile("陈砚|项目负责人")).first.click()
    page.wait_for_url("**/changes/new")
    expect(page.get_by_label("变更说明")).to_have_value("写到一半，会话到期")
    expect(page.get_by_label("新版本号")).to_have_value("V8.8")
    page.get_by_role("button", name="清空").click()
    expect(page.get_by_label("变更说明")).to_have_value("")


def test_two_who_write_at_once_see_both_versions_and_lose_neither(open_as: OpenAs) -> None:
    """F1: a stale edit is shown beside the newer one, and both can be kept."""
    lead = open_as(LEAD, "/changes")
    version = _release(lead)
    tester = open_as(TESTER, "/")
    card = tester.locator("article.rtc").filter(has_text=version).first
    expect(card).to_be_visible()
    address = str(card.get_by_role("link").first.get_attribute("href"))
    tester.goto(address)
    tester.get_by_role("button", name="存在理解偏差").click()
    tester.get_by_role("dialog").get_by_role("textbox").fill("余量按哪一段算？")
    tester.get_by_role("dialog").get_by_role("button", name="送出").click()
    lead.goto(address)
    for page in (lead, tester):
        page.get_by_role("button", name="编辑").click()
    lead.get_by_role("textbox", name="共享文档").fill("负责人写的")
    lead.get_by_role("button", name="保存新版本").click()
    expect(lead.get_by_text("负责人写的")).to_be_visible()
    tester.get_by_role("textbox", name="共享文档").fill("测试写的")
    expect(tester.get_by_role("alert").get_by_text("刚写了")).to_be_visible()
    expect(tester.get_by_role("textbox", name="共享文档")).to_have_value("测试写的")
    tester.get_by_role("button", name="保存新版本").click()
    both = tester.get_by_role("dialog", name="别人比你先改了")
    expect(both.get_by_text("负责人写的")).to_be_visible()
    expect(both.get_by_text("测试写的")).to_be_visible()
    both.get_by_label("两段都留").check()
    both.get_by_role("button", name="按所选保存").click()
    expect(tester.get_by_text(re.compile("负责人写的[\\s\\S]*测试写的"))).to_be_visible()
    expect(lead.get_by_text("测试写的")).to_be_visible()


def test_a_disguised_file_is_refused_with_its_reason_and_an_image_is_previewed(open_as: OpenAs) -> None:
    """F7: in the reader's language, at the place where it was chosen."""
    page = open_as(ENGINEER, "/")
    task = page.request.get("/api/goals/week").json()["deliverables"][0]["task"]
    page.goto(f"/tasks/{task}")
    choose = page.locator("label.drop input[type=file]")
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    choose.set_input_files({"name": "图.svg", "mimeType": "image/svg+xml", "buffer": svg})
    expect(page.get_by_role("alert")).to_contain_text("不接受这种文件")
    choose.set_input_files({"name": "图.png", "mimeType": "image/png", "buffer": svg})
    expect(page.get_by_role("alert")).to_contain_text("内容不是 .png 文件")
    picture = page.screenshot(clip={"x": 0, "y": 0, "width": 60, "height": 40})
    choose.set_input_files({"name": "示波器.png", "mimeType": "image/png", "buffer": picture})
    preview = page.get_by_role("img", name="示波器.png").first
    expect(preview).to_be_visible()
    assert preview.evaluate("image => image.decode().then(() => image.naturalWidth)") == 60
