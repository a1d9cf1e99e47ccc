"""Appeals from the pages: appellant, other side and handler, from the contested thing to the acknowledged result (C9)."""

import hashlib
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect
from tests.e2e.acting import ask, settled_matrix, task_of
from tests.e2e.cells import CELLS, Cell, in_two_cells, look

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(180)]
OpenAs = Callable[..., Page]
_LEAD = "10118"
"""Of P-FL-45."""
_ENGINEER = "10231"


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
    settled_matrix(open_as, lead, task)
    wide, phone = CELLS[0], CELLS[3]
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
