"""What an upstream system has got wrong, as the integration owner sees and mends it (I3)."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.cells import Cell, in_two_cells, look
from tests.e2e.given_project import INTEGRATOR, Given, ask, publish, until

from bihuan_contracts import topics
from bihuan_tools.demo.company import LEAD

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(180)]
OpenAs = Callable[..., Page]


@in_two_cells
def test_change_on_an_unknown_base_is_named_mended_and_released(open_as: OpenAs, given: Given, cell: Cell) -> None:
    """I3, C1: over HTTP the gateway takes it, changes knows no such base: item and version are named, mended it is released."""
    page = open_as(INTEGRATOR, "/integration", cell=cell)
    release = {
        "item": given.item, "name": f"{given.item} 模块", "kind": "module", "version": "V1.1", "base_version": "V0.7",
        "lines": [], "released_at": "2026-03-11T01:00:00Z", "approved_by": [LEAD],
    }  # fmt: skip
    publish(page, topics.BOM_RELEASES, release)
    reason = f"{given.item} has no version V0.7" if cell.language == "en" else f"{given.item} 没有版本 V0.7"
    row = page.locator(".ifs li").filter(has_text=reason)
    row.get_by_role("button").click()
    expect(row).to_contain_text("base_version")
    note = page.locator(".note.red")
    expect(note).to_contain_text(cell.words("integration.field", field="base_version"))
    expect(note).to_contain_text(reason)
    payload = page.get_by_label(cell.words("integration.body"))
    expect(payload).to_have_value(re.compile("V0.7"))
    look(page, cell, "integration-unknown-base")
    payload.fill(payload.input_value().replace("V0.7", "V1.0"))
    page.get_by_role("button", name=cell.words("integration.replayFixed")).click()

    def released() -> str | None:
        found = ask(given.lead, "GET", f"/api/changes/changes?item={given.item}")["changes"]
        return next((str(one["change"]) for one in found if one["new_version"] == "V1.1"), None)

    assert until(given.lead, released, "the change is there")
    expect(row).to_have_count(0)
    page.get_by_role("button", name=cell.words("integration.filter.replayed")).click()
    expect(page.locator(".ifs li").filter(has_text=reason)).to_be_visible()
