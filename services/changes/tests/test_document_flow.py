"""The project's technical document: brought to the new version by a change, edited by its owners (C11)."""

import given_changes as given
import httpx
import pytest
from test_change_flow import a_company

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_chassis.transaction import transaction
from bihuan_contracts import topics
from changes.domain.documents import Section
from changes.handlers import on_bom_released
from changes.store import documents

pytestmark = pytest.mark.flow
PATH = f"/projects/{given.PROJECT}/document"
SECTION = f"{PATH}/sections/PM-480"
SECTIONS = 300
_SECTIONS_READ = (
    "select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables"
    " where relname = 'document_sections'"
)


def lead(service: RunningService) -> httpx.AsyncClient:
    return service.client("10500", [Role.PROJECT_LEAD], name="陈砚")


async def test_change_writes_the_new_version_and_what_changed(changes: RunningService) -> None:
    await a_company(changes)
    text = {"version": 0, "title": "电源模块", "body": "输出 24 V / 20 A。"}
    assert (await lead(changes).put(SECTION, json=text)).json()["version"] == 1
    await changes.hear(topics.BOM_RELEASES, [given.release(reason="停产换型")])
    after = (await lead(changes).get(PATH)).json()
    (section,) = after["sections"]
    assert (after["version"], section["item_version"], section["change"]) == (2, "V2.4", "ECN-2026-0187")
    assert section["body"].endswith("输出 24 V / 20 A。")
    assert "<h3>V2.3 → V2.4" in section["html"]
    difference = (await lead(changes).get(f"{PATH}/differences", params={"old": 1, "new": 2})).json()
    (one,) = difference["sections"]
    assert (one["old_version"], one["new_version"]) == ("V2.3", "V2.4")
    added = "\n".join(piece["text"] for piece in one["pieces"] if piece["kind"] == "added")
    assert "停产换型" in added
    assert "DCM-2412" in added
    before = (await lead(changes).get(PATH, params={"version": 1})).json()
    assert before["sections"][0]["body"] == "输出 24 V / 20 A。"


async def test_replayed_change_writes_nothing_more(changes: RunningService) -> None:
    await a_company(changes)
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    await changes.forget_inbox()
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    assert (await lead(changes).get(PATH)).json()["newest"] == 1


async def test_a_change_reads_its_own_section_of_a_long_document(changes: RunningService) -> None:
    """What a change costs does not grow with the changes that came before it (X1)."""
    await a_company(changes)
    async with transaction(await changes._held(), changes.surroundings) as tx:
        await documents.lock_documents(tx, [given.PROJECT])
        sections = [Section(f"M-{n}", "模块", "正文", "V1", n) for n in range(1, SECTIONS + 1)]
        await documents.save_sections(tx, [(given.PROJECT, one, None) for one in sections])
    async with transaction(await changes._held(), changes.surroundings) as tx:
        await on_bom_released([given.release()], tx)
        read = await tx.raw.fetchval(_SECTIONS_READ)
        assert read <= 1, f"{read} of {SECTIONS} sections were read"
    assert (await lead(changes).get(PATH)).json()["newest"] == SECTIONS + 1


async def test_stale_edit_is_refused_and_shows_both(changes: RunningService) -> None:
    await a_company(changes)
    first = {"version": 0, "title": "电源模块", "body": "甲"}
    await lead(changes).put(SECTION, json=first)
    stale = await lead(changes).put(SECTION, json=first | {"body": "乙"})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale")
    assert stale.json()["state"]["sections"][0]["body"] == "甲"


async def test_lead_and_module_owner_edit_others_read(changes: RunningService) -> None:
    await a_company(changes)
    text = {"version": 0, "title": "电源模块", "body": "甲"}
    owner, reader = changes.client("10306"), changes.client("10231")
    assert (await reader.put(SECTION, json=text)).status_code == 403
    assert (await owner.put(SECTION, json=text)).status_code == 200
    assert (await owner.put(f"{PATH}/sections/-", json=text)).status_code == 403
    page = (await reader.get(PATH)).json()
    assert (page["may_edit"], page["sections"][0]["may_edit"], page["modules"]) == (False, False, [])
    wrong = await lead(changes).put(f"{PATH}/sections/NOPE", json=text)
    assert [error["field"] for error in wrong.json()["errors"]] == ["module"]


async def test_stored_script_never_becomes_markup(changes: RunningService) -> None:
    """Stored XSS: HTML, script links and pictures of other servers stay words."""
    await a_company(changes)
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\n\n[a](javascript:alert(1)) ![p](http://evil.example/x.png)"
    page = (await lead(changes).put(SECTION, json={"version": 0, "title": "x", "body": evil})).json()
    html = page["sections"][0]["html"]
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
