"""Appeals from the pages: appellant, other side and handler, from the contested thing to the acknowledged result (C9)."""

import asyncio
import hashlib
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect
from tests.e2e.acting import ask, settled_matrix, task_of
from tests.e2e.cells import CELLS, Cell, in_two_cells, look

from bihuan_tools.demo.company import CHIEF
from bihuan_tools.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(180)]
OpenAs = Callable[..., Page]
_LEAD = "10118"
"""Of P-FL-45."""
_ENGINEER = "10231"
_AUDITOR = "10009"


def picture(width: int = 320, height: int = 200) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + bytes((x * 255 // width) for x in range(width)) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def person_called(page: Page, name: str) -> str:
    found: str = next(one["person"] for one in ask(page, "GET", "/people")["people"] if one["name"] == name)
    return found


def panel(page: Page, letter: str) -> Locator:
    return page.locator(f"[data-letter={letter}]")


def step(page: Page, cell: Cell, do: str, words: str) -> None:
    """Opens a step, sends it without words, sees the refusal at its field, and sends it with them."""
    page.get_by_role("button", name=cell.words(f"appeal.do.{do}"), exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(cell.words(f"appeal.words.{do}")).fill("短")
    dialog.get_by_role("button", name=cell.words(f"appeal.do.{do}"), exact=True).click()
    expect(dialog.get_by_role("alert").first).to_be_visible()
    dialog.get_by_label(cell.words(f"appeal.words.{do}")).fill(words)


def test_adjustment_is_appealed_and_corrected(open_as: OpenAs) -> None:
    """C9, F7: from the task to the appeal and back; files of the sides are frozen; the reason is seen, the target moves."""
    lead = open_as(_LEAD, "/me")
    task = task_of(lead, "P-FL-45", "FL-45-13")
    hours = str(int(float(task["planned_hours"])) + 12)
    moved = settled_matrix(open_as, lead, task)["summary"]["number"]
    wide, phone = CELLS[0], CELLS[3]
    choosing = open_as(task["owner"], "/appeals/new?kind=score", cell=phone)
    offered = choosing.get_by_label(phone.words("appeal.what")).locator("optgroup").last.locator("option")
    expect(offered.filter(has_text=moved)).to_contain_text(task["code"])
    appellant = open_as(task["owner"], f"/tasks/{task['task']}", cell=wide)
    appellant.get_by_role("link", name=wide.words("appeal.file")).first.click()
    appellant.wait_for_url("**/appeals/new?*")
    send = appellant.get_by_role("button", name=wide.words("appeal.file"))
    send.click()
    expect(appellant.get_by_role("alert")).to_have_count(2)
    look(appellant, wide, "appeal-new-refused")
    appellant.get_by_label(wide.words("appeal.statement")).fill("恒温室十二日才修好，新的到期日没有留出复测时间。")
    appellant.get_by_label(wide.words("appeal.wish")).fill(f"计划工时改为 {hours} 小时")
    shown = picture()
    files: list[FilePayload] = [
        {"name": "恒温室报修单.png", "mimeType": "image/png", "buffer": shown},
        {"name": "脚本.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"},
    ]
    appellant.locator("input[type=file]").set_input_files(files)
    send.click()
    appellant.wait_for_url(re.compile(r"/appeals/[0-9a-f-]{36}"))
    expect(appellant.get_by_text(re.compile("脚本.svg 没有加上：不接受这种文件"))).to_be_visible()
    preview = panel(appellant, "C").get_by_role("img", name="恒温室报修单.png")
    expect(preview).to_be_visible()
    assert preview.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    address = appellant.url.split("/appeals/")[1]
    filed = ask(appellant, "GET", f"/changes/appeals/{address}")
    handler_name = filed["summary"]["handler_name"]
    expect(appellant.get_by_role("heading", level=1)).to_have_text(wide.words("appeal.next.filed", name=handler_name))
    look(appellant, wide, "appeal-filed")

    other = open_as(_LEAD, f"/appeals/{address}")
    expect(other.get_by_role("alert")).to_be_visible()
    assert other.request.get(f"/api/changes/appeals/{address}").status == 404

    handler = open_as(person_called(appellant, handler_name), "/appeals", cell=phone)
    look(handler, phone, "appeals-handler")
    handler.get_by_role("link", name=re.compile(task["code"])).first.click()
    expect(handler.get_by_role("heading", level=1)).to_have_text(phone.words("appeal.yours.filed"))
    step(handler, phone, "admit", "事实清楚，在期限之内，予以受理。")
    handler.get_by_role("dialog").get_by_role("button", name=phone.words("appeal.do.admit"), exact=True).click()

    expect(appellant.get_by_role("heading", level=1)).to_have_text(wide.words("appeal.next.admitted"))
    panel(appellant, "C").get_by_role("button", name=wide.words("files.remove", name="恒温室报修单.png")).click()
    expect(preview).to_have_count(0)
    panel(appellant, "C").locator("input[type=file]").set_input_files(
        {"name": "报修单（盖章）.png", "mimeType": "image/png", "buffer": shown}
    )
    expect(panel(appellant, "C").get_by_role("img", name="报修单（盖章）.png")).to_be_visible()
    other.reload()
    other.get_by_role("button", name=wide.words("appeal.do.say")).click()
    other.get_by_role("dialog").get_by_label(wide.words("appeal.words.say")).fill("检修排期由设备部定，确实晚于通知。")
    other.get_by_role("dialog").get_by_role("button", name=wide.words("appeal.do.say")).click()
    expect(panel(appellant, "D").get_by_text("检修排期由设备部定")).to_be_visible()

    expect(handler.get_by_role("heading", level=1)).to_have_text(phone.words("appeal.yours.admitted"))
    handler.get_by_role("button", name=phone.words("appeal.do.freeze")).click()
    handler.get_by_role("dialog").get_by_role("button", name=phone.words("appeal.do.freeze")).click()
    expect(handler.get_by_role("heading", level=1)).to_have_text(phone.words("appeal.yours.frozen"))
    expect(panel(handler, "C").get_by_text("报修单（盖章）.png")).to_be_visible()
    look(handler, phone, "appeal-frozen")
    expect(panel(appellant, "C").get_by_role("link", name=wide.words("appeal.download"))).to_be_visible()
    expect(panel(appellant, "C").locator("input[type=file]")).to_have_count(0)
    bundle = zipfile.ZipFile(io.BytesIO(appellant.request.get(f"/api/changes/appeals/{address}/bundle").body()))
    assert bundle.read("files/01-报修单（盖章）.png") == shown
    frozen = ask(appellant, "GET", f"/changes/appeals/{address}")
    assert hashlib.sha256(bundle.read("manifest.json")).hexdigest() == frozen["digest"]

    step(handler, phone, "decide", "检修晚于通知，复测时间应当补上。")
    decision = handler.get_by_role("dialog")
    decision.get_by_role("button", name=phone.words("appeal.do.decide"), exact=True).click()
    expect(decision.get_by_label(phone.words("appeal.newHours"))).to_have_attribute("aria-invalid", "true")
    decision.get_by_label(phone.words("appeal.newHours")).fill("-3")
    decision.get_by_role("button", name=phone.words("appeal.do.decide"), exact=True).click()
    expect(decision.get_by_text("Hours should lie between 0 and 100000")).to_be_visible()
    decision.get_by_label(phone.words("appeal.newHours")).fill(hours)
    decision.get_by_role("button", name=phone.words("appeal.do.decide"), exact=True).click()
    expect(handler.get_by_role("dialog")).to_be_hidden()

    expect(appellant.get_by_role("heading", level=1)).to_have_text(wide.words("appeal.yours.recalculated"))
    expect(panel(appellant, "B").get_by_text("检修晚于通知，复测时间应当补上。")).to_be_visible()
    corrected = panel(appellant, "B").get_by_role("listitem")
    expect(corrected).to_have_text(re.compile(rf"{task['code']}.*{float(task['planned_hours']):g} h.*→.*{hours} h"))
    look(appellant, wide, "appeal-recalculated")
    appellant.get_by_role("button", name=wide.words("appeal.do.acknowledge")).click()
    appellant.get_by_role("dialog").get_by_role("button", name=wide.words("appeal.do.acknowledge")).click()
    expect(appellant.get_by_role("heading", level=1)).to_have_text(wide.words("appeal.next.acknowledged"))
    appellant.get_by_role("link", name=wide.words("appeal.task"), exact=True).click()
    expect(appellant.get_by_role("link", name=re.compile(filed["summary"]["number"])).first).to_be_visible()
    expect(appellant.get_by_text(f"{hours} h").first).to_be_visible()
    expect(handler.get_by_role("heading", level=1)).to_have_text(phone.words("appeal.next.acknowledged"))


@in_two_cells
def test_score_is_appealed_and_not_admitted(open_as: OpenAs, cell: Cell) -> None:
    """C9: from the figure on the page of one's own data; the reason of the refusal is seen, and it may be appealed anew."""
    appellant = open_as(_ENGINEER, "/goals", cell=cell)
    metric = "hours_deviation" if cell.phone else "response_days"
    row = appellant.locator(f"li#{metric}")
    row.get_by_role("link", name=cell.words("appeal.file")).click()
    name = cell.words(f"ownGoal.metric.{metric}")
    expect(appellant.get_by_label(cell.words("appeal.score"))).to_have_value(re.compile(f"^{re.escape(name)}"))
    appellant.get_by_label(cell.words("appeal.statement")).fill("其中两项是等供应商来料，不应算在我头上。")
    appellant.get_by_label(cell.words("appeal.wish")).fill("剔除这两项后重算")
    appellant.get_by_role("button", name=cell.words("appeal.file")).click()
    appellant.wait_for_url(re.compile(r"/appeals/[0-9a-f-]{36}"))
    address = appellant.url.split("/appeals/")[1]
    filed = ask(appellant, "GET", f"/changes/appeals/{address}")
    handler = open_as(person_called(appellant, filed["summary"]["handler_name"]), f"/appeals/{address}", cell=cell)
    step(handler, cell, "refuse", "来料两项已按晚到剔除，重算结果相同，不予受理。")
    handler.get_by_role("dialog").get_by_role("button", name=cell.words("appeal.do.refuse"), exact=True).click()
    expect(appellant.get_by_role("heading", level=1)).to_have_text(cell.words("appeal.next.refused"))
    expect(panel(appellant, "B").get_by_text("来料两项已按晚到剔除")).to_be_visible()
    look(appellant, cell, "appeal-refused")
    appellant.get_by_role("link", name=name, exact=True).click()
    row = appellant.locator(f"li#{metric}")
    expect(row.get_by_role("link", name=re.compile(filed["summary"]["number"]))).to_be_visible()
    expect(row.get_by_role("link", name=cell.words("appeal.file"), exact=True)).to_be_visible()


@in_two_cells
def test_what_is_appealed_is_chosen_from_what_is_ones_own(open_as: OpenAs, cell: Cell) -> None:
    """C9: figures and moved targets of the reader, then anything else in words; what is under appeal is no choice."""
    appellant = open_as(_ENGINEER, "/appeals", cell=cell)
    appellant.get_by_role("link", name=cell.words("appeal.ofScore")).click()
    choice = appellant.get_by_label(cell.words("appeal.what"))
    expect(choice).to_be_enabled()
    expect(appellant.get_by_label(cell.words("appeal.score"), exact=True)).to_have_count(0)
    appellant.get_by_label(cell.words("appeal.statement")).fill("其中一项是等供应商来料，不应算在我头上。")
    appellant.get_by_label(cell.words("appeal.wish")).fill("剔除后重算")
    send = appellant.get_by_role("button", name=cell.words("appeal.file"))
    send.click()
    expect(choice).to_have_attribute("aria-invalid", "true")
    look(appellant, cell, "appeal-choose")
    figures = choice.locator("optgroup").nth(0)
    assert figures.get_attribute("label") == cell.words("appeal.choices.figure")
    label = figures.locator("option").first.inner_text()
    choice.select_option(label=label)
    send.click()
    appellant.wait_for_url(re.compile(r"/appeals/[0-9a-f-]{36}"))
    filed = ask(appellant, "GET", f"/changes/appeals/{appellant.url.split('/appeals/')[1]}")
    assert (filed["summary"]["title"], bool(filed["summary"]["subject"]["metric"])) == (label, True)
    appellant.goto("/appeals/new?kind=score")
    expect(choice).to_be_enabled()
    expect(choice.locator("option").filter(has_text=label)).to_have_count(0)
    choice.select_option(label=cell.words("appeal.otherScore"))
    appellant.get_by_label(cell.words("appeal.score"), exact=True).fill("评审打分")
    ask(appellant, "POST", f"/changes/appeals/{filed['summary']['appeal']}/withdrawal", {"version": filed["version"]})


def test_appellant_withdraws(open_as: OpenAs) -> None:
    """C9: until it is decided; the handler's page says so at once."""
    cell = CELLS[0]
    appellant = open_as(_ENGINEER, "/")
    subject = {"kind": "score", "score": "2026 年三季度文档准时率"}
    body = {"subject": subject, "statement": "有一份文档按通知改期，不应算晚。", "wish": "改为准时"}
    filed = ask(appellant, "POST", "/changes/appeals", body)
    address = f"/appeals/{filed['summary']['appeal']}"
    appellant.goto(address)
    handler = open_as(person_called(appellant, filed["summary"]["handler_name"]), address)
    expect(handler.get_by_role("button", name=cell.words("appeal.do.admit"), exact=True)).to_be_visible()
    appellant.get_by_role("button", name=cell.words("appeal.do.withdraw")).click()
    appellant.get_by_role("dialog").get_by_role("button", name=cell.words("appeal.do.withdraw")).click()
    for page in (appellant, handler):
        expect(page.get_by_role("heading", level=1)).to_have_text(cell.words("appeal.next.withdrawn"))
        expect(page.get_by_role("button", name=cell.words("appeal.do.admit"), exact=True)).to_have_count(0)


def a_score(appellant: Page, statement: str) -> dict[str, Any]:
    """A filed appeal of a figure that belongs to one test alone."""
    subject = {"kind": "score", "score": f"2026 年三季度评审准时率（{uuid4().hex[:6]}）"}
    filed: dict[str, Any] = ask(
        appellant, "POST", "/changes/appeals", {"subject": subject, "statement": statement, "wish": "剔除后重算"}
    )
    return filed


def clock_runs_out(bihuan: Instance, appeal: str) -> None:
    """The working days of the step that is next have passed: its timer is due."""

    async def move() -> str:
        changes = await asyncpg.connect(bihuan.database("changes"))
        try:
            return str(
                await changes.execute("update timers set due_at = now() where kind = 'appeal-due' and key = $1", appeal)
            )
        finally:
            await changes.close()

    with ThreadPoolExecutor(1) as thread:  # Playwright's loop is this thread's
        assert thread.submit(asyncio.run, move()).result() == "UPDATE 1"


@in_two_cells
def test_auditor_appoints_a_handler_where_the_system_finds_none(open_as: OpenAs, cell: Cell) -> None:
    """C9: everybody is below the head of the company; the auditor is told, appoints, and only then somebody handles it."""
    appellant = open_as(CHIEF, "/", cell=cell)
    filed = a_score(appellant, "两次评审因客户改期，不应算晚。")
    number, address = filed["summary"]["number"], f"/appeals/{filed['summary']['appeal']}"
    assert filed["summary"]["handler_name"] is None
    appellant.goto(address)
    expect(appellant.get_by_role("heading", level=1)).to_have_text(cell.words("appeal.next.unassigned"))
    expect(appellant.get_by_role("button", name=cell.words("appeal.do.appoint"))).to_have_count(0)

    auditor = open_as(_AUDITOR, "/inbox", cell=cell)
    auditor.get_by_role("link", name=re.compile(number)).first.click()
    auditor.get_by_role("link", name=cell.words("inbox.open"), exact=True).click()
    auditor.wait_for_url(f"**{address}")
    expect(auditor.get_by_role("heading", level=1)).to_have_text(cell.words("appeal.yours.unassigned"))
    appoint = auditor.get_by_role("button", name=cell.words("appeal.do.appoint"))
    expect(appoint).to_be_disabled()
    look(auditor, cell, "appeal-unassigned")
    pick = auditor.get_by_role("combobox", name=cell.words("appeal.handler"))
    pick.fill("秦怀远")
    auditor.get_by_role("option", name=re.compile("秦怀远")).click()
    appoint.click()
    expect(auditor.get_by_text("Should be neither a side" if cell.language == "en" else "不能是双方")).to_be_visible()
    pick.fill("许静姝")
    auditor.get_by_role("option", name=re.compile("许静姝")).click()
    appoint.click()
    for page in (auditor, appellant):
        expect(page.get_by_role("heading", level=1)).to_have_text(cell.words("appeal.next.filed", name="许静姝"))
    expect(auditor.get_by_role("button", name=cell.words("appeal.do.appoint"))).to_have_count(0)
    expect(panel(auditor, "D").get_by_text(cell.words("appeal.line.appointed"))).to_be_visible()
    look(auditor, cell, "appeal-appointed")
    handler = open_as(person_called(auditor, "许静姝"), address, cell=cell)
    expect(handler.get_by_role("heading", level=1)).to_have_text(cell.words("appeal.yours.filed"))
    expect(handler.get_by_role("button", name=cell.words("appeal.do.admit"), exact=True)).to_be_visible()


@in_two_cells
def test_dismissed_appeal_shows_its_reason_to_the_appellant(open_as: OpenAs, cell: Cell) -> None:
    """C9: nothing is corrected, the reason is read, and the appellant may say that they don't accept it."""
    appellant = open_as(_ENGINEER, "/", cell=cell)
    filed = a_score(appellant, "两份图纸等供应商确认，不应算晚。")
    address = f"/appeals/{filed['summary']['appeal']}"
    appellant.goto(address)
    handler = open_as(person_called(appellant, filed["summary"]["handler_name"]), address, cell=cell)
    step(handler, cell, "admit", "在期限之内，事实写得清楚。")
    handler.get_by_role("dialog").get_by_role("button", name=cell.words("appeal.do.admit"), exact=True).click()
    handler.get_by_role("button", name=cell.words("appeal.do.freeze")).click()
    handler.get_by_role("dialog").get_by_role("button", name=cell.words("appeal.do.freeze")).click()
    expect(handler.get_by_role("heading", level=1)).to_have_text(cell.words("appeal.yours.frozen"))
    step(handler, cell, "decide", "供应商的确认函早于期限两日，两份图纸仍算晚。")
    decision = handler.get_by_role("dialog")
    decision.get_by_role("button", name=cell.words("appeal.outcomes.dismissed"), exact=True).click()
    decision.get_by_role("button", name=cell.words("appeal.do.decide"), exact=True).click()

    expect(appellant.get_by_role("heading", level=1)).to_have_text(cell.words("appeal.yours.dismissed"))
    decided = panel(appellant, "B")
    expect(decided.get_by_text(cell.words("appeal.outcomes.dismissed"), exact=True)).to_be_visible()
    expect(decided.get_by_text("供应商的确认函早于期限两日，两份图纸仍算晚。")).to_be_visible()
    expect(decided.get_by_role("link")).to_have_count(0)
    expect(appellant.get_by_text(cell.words("appeal.states.recalculated"), exact=True)).to_have_count(0)
    look(appellant, cell, "appeal-dismissed")
    appellant.get_by_role("button", name=cell.words("appeal.do.acknowledge")).click()
    dialog = appellant.get_by_role("dialog")
    dialog.get_by_role("button", name=cell.words("appeal.notContent")).click()
    dialog.get_by_role("button", name=cell.words("appeal.do.acknowledge")).click()
    for page in (appellant, handler):
        expect(page.get_by_role("heading", level=1)).to_have_text(cell.words("appeal.next.acknowledged"))
    assert ask(appellant, "GET", f"/changes{address}")["satisfied"] is False


@in_two_cells
def test_overdue_appeal_is_told_and_ends_with_the_step(open_as: OpenAs, bihuan: Instance, cell: Cell) -> None:
    """C9: the clock is on the page; when it has run out the handler and the auditor are told; the step ends it."""
    appellant = open_as(_ENGINEER, "/", cell=cell)
    filed = a_score(appellant, "一份报告因停电重做，不应算晚。")
    number, appeal = filed["summary"]["number"], filed["summary"]["appeal"]
    handler = open_as(person_called(appellant, filed["summary"]["handler_name"]), f"/appeals/{appeal}", cell=cell)
    late = handler.get_by_text(cell.words("appeal.overdue"))
    expect(handler.get_by_role("heading", level=1)).to_have_text(cell.words("appeal.yours.filed"))
    expect(late).to_have_count(0)
    auditor = open_as(_AUDITOR, "/inbox", cell=cell)

    clock_runs_out(bihuan, appeal)
    title = re.compile(re.escape(f"{number} is past its deadline" if cell.language == "en" else f"{number} 已过期限"))
    expect(auditor.get_by_role("link", name=title)).to_be_visible()
    expect(handler.get_by_text(cell.words("appeal.overdue"))).to_be_visible()
    expect(panel(handler, "D").get_by_text(cell.words("appeal.line.overdue"), exact=True)).to_be_visible()
    look(handler, cell, "appeal-overdue")
    handler.goto("/inbox")
    expect(handler.get_by_role("link", name=title)).to_be_visible()
    handler.goto(f"/appeals/{appeal}")
    step(handler, cell, "admit", "停电有记录，予以受理。")
    handler.get_by_role("dialog").get_by_role("button", name=cell.words("appeal.do.admit"), exact=True).click()
    expect(handler.get_by_role("heading", level=1)).to_have_text(cell.words("appeal.yours.admitted"))
    expect(late).to_have_count(0)
    asked = f"{number} waits for you to admit it" if cell.language == "en" else f"{number} 等你决定是否受理"
    handler.goto("/inbox")
    handler.get_by_role("button", name=re.compile(cell.words("inbox.filters.all"))).click()
    row = handler.locator("li", has=handler.get_by_role("link", name=re.compile(asked)))
    expect(row.get_by_text(cell.words("inbox.settled"), exact=True)).to_be_visible()
    look(handler, cell, "inbox-settled")
