"""Appeals over HTTP and the bus: frozen evidence, a handler outside the line, a decision that goals carries out (C9)."""

import hashlib
import io
import json
import zipfile
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import given_changes as given
import pytest
from test_consent_flow import BOSS, DIRECTOR, ENGINEER, LEAD, TESTER, a_company

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.changes import ConsentState
from bihuan_contracts.goals import TargetChange, TargetField, TargetsRecalculated
from changes.domain.orders import change_id

pytestmark = pytest.mark.flow

HR, AUDITOR = "10008", "10009"
CHANGE = change_id("ECN-2026-0187", 1)
WORDS = "工时按 12 小时算不对，漏了两轮温升复测。"


def moved(**more: Any) -> TargetsRecalculated:
    values: dict[str, Any] = {
        "task": UUID(int=1), "task_code": "T-1", "task_title": "任务 1", "project": given.PROJECT, "person": ENGINEER,
        "changes": (TargetChange(field=TargetField.PLANNED_HOURS, old="10", new="12.0"),), "change": CHANGE,
        "change_number": "ECN-2026-0187", "rule": "default/lock-direct", "at": given.NOW, **more,
    }  # fmt: skip
    return TargetsRecalculated(**values)


async def an_adjustment(changes: RunningService) -> None:
    await a_company(changes)
    people = [
        given.person(HR, "叶青蓝", "hr", "manager").model_copy(update={"manager": "10000"}),
        given.person(AUDITOR, "苏文瀚", "auditor").model_copy(update={"manager": "10000"}),
    ]
    await changes.hear(topics.PEOPLE, people)
    await changes.hear(topics.BOM_RELEASES, [given.release(version="V2.3", base=None)])
    await changes.hear(topics.BOM_RELEASES, [given.release(released_by=LEAD)])
    await changes.hear(topics.TARGETS, [moved()])


async def ask(changes: RunningService, person: str, path: str, body: Any = None, *roles: Role) -> Any:
    client = changes.client(person, [Role.EMPLOYEE, *roles])
    return await (client.get(path) if body is None else client.post(path, json=body))


async def a_filed_appeal(changes: RunningService) -> dict[str, Any]:
    await an_adjustment(changes)
    subject = {"kind": "target", "task": str(UUID(int=1)), "cause": str(CHANGE)}
    made = await ask(changes, ENGINEER, "/appeals", {"subject": subject, "statement": WORDS, "wish": "改为 20 小时"})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def step(changes: RunningService, person: str, appeal: dict[str, Any], name: str, **body: Any) -> dict[str, Any]:
    path = f"/appeals/{appeal['summary']['appeal']}/{name}"
    answer = await ask(changes, person, path, {"version": appeal["version"], **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def a_frozen_appeal(changes: RunningService) -> dict[str, Any]:
    appeal = await a_filed_appeal(changes)
    appeal = await step(changes, HR, appeal, "admission", admitted=True, reason="事实清楚，在期限之内，予以受理。")
    said = await ask(
        changes, LEAD, f"/appeals/{appeal['summary']['appeal']}/statements", {"words": "按规则系数 1.2 算的。"}
    )
    assert said.status_code == 200, said.text
    return await step(changes, HR, appeal, "freeze")


async def test_the_handler_stands_outside_both_lines(changes: RunningService) -> None:
    """C9: not the manager, not the director above both; the handler is told without a word of the matter."""
    appeal = await a_filed_appeal(changes)
    assert appeal["summary"]["handler_name"] == "叶青蓝"
    assert appeal["respondent_name"] == "陈砚"
    notices = [one for one in await changes.announced(topics.NOTICE_REQUESTS) if one.link.startswith("/appeals/")]
    assert [(one.person, one.must_confirm) for one in notices] == [(HR, True)]
    assert WORDS not in notices[0].body.zh


async def test_upheld_it_moves_the_target_and_is_acknowledged(changes: RunningService) -> None:
    """C9: the correction is a settled matrix on the same record; goals' own answer makes it recalculated."""
    appeal = await a_frozen_appeal(changes)
    correction = {"task": str(UUID(int=1)), "field": "planned_hours", "new": "20"}
    missing = await ask(changes, HR, f"/appeals/{appeal['summary']['appeal']}/decision",
                        {"version": appeal["version"], "outcome": "upheld", "reason": "漏算了两轮复测，应予更正。"})  # fmt: skip
    assert missing.json()["errors"][0]["field"] == "corrections"
    appeal = await step(
        changes, HR, appeal, "decision", outcome="upheld", reason="漏算了两轮复测，应予更正。", corrections=[correction]
    )
    assert appeal["summary"]["state"] == "decided"
    (corrected,) = appeal["corrected"]
    assert [corrected[name] for name in ("task_code", "field", "old", "new")] == ["T-1", "planned_hours", "12", "20"]
    (settled,) = [one for one in await changes.announced(topics.CONSENTS) if one.state is ConsentState.SETTLED]
    assert (settled.proposer, settled.adjustments[0].new) == (HR, "20")
    await changes.hear(topics.TARGETS, [moved(change=settled.matrix, matrix=settled.matrix, change_number=settled.number,
                                              at=given.NOW + timedelta(minutes=1))])  # fmt: skip
    path = f"/appeals/{appeal['summary']['appeal']}"
    appeal = (await ask(changes, ENGINEER, path)).json()
    assert (appeal["summary"]["state"], appeal["may"]) == ("recalculated", ["acknowledge"])
    appeal = await step(changes, ENGINEER, appeal, "acknowledgement", satisfied=True, words="认可。")
    assert appeal["summary"]["state"] == "acknowledged"
    assert await changes.fire_timers(given.NOW + timedelta(days=60)) == 0


async def test_the_bundle_is_frozen_with_hashes(changes: RunningService) -> None:
    """C9: nothing joins it afterwards, and whoever changes a row of it is found out."""
    appeal = await a_frozen_appeal(changes)
    path = f"/appeals/{appeal['summary']['appeal']}"
    late = await ask(changes, ENGINEER, f"{path}/statements", {"words": "还有一份材料"})
    assert late.json()["code"] == "frozen"
    file = zipfile.ZipFile(io.BytesIO((await ask(changes, ENGINEER, f"{path}/bundle")).content))
    manifest = file.read("manifest.json")
    assert hashlib.sha256(manifest).hexdigest() == appeal["digest"]
    for item in json.loads(manifest)["items"]:
        assert hashlib.sha256(file.read(item["name"])).hexdigest() == item["sha256"]
    assert "按规则系数" in file.read("2-statements.json").decode()
    assert "ECN-2026-0187" in file.read("3-targets.json").decode()
    async with changes.tx() as tx:
        assert await tx.raw.execute("update appeal_evidence set content = ''") == "UPDATE 0"
        assert await tx.raw.execute("delete from appeal_evidence") == "DELETE 0"


@pytest.mark.parametrize(
    ("person", "roles", "filed", "admitted"),
    [
        (ENGINEER, (), 200, 200),
        (HR, (Role.HR,), 200, 200),
        (AUDITOR, (Role.AUDITOR,), 200, 200),
        (LEAD, (Role.PROJECT_LEAD,), 404, 200),
        (BOSS, (Role.MANAGER,), 404, 404),
        (DIRECTOR, (Role.DIRECTOR,), 404, 404),
        ("10902", (Role.ADMINISTRATOR,), 404, 404),
        (TESTER, (), 404, 404),
        ("10777", (Role.HR,), 404, 404),
    ],
)
async def test_who_may_see_the_file(
    changes: RunningService, person: str, roles: tuple[Role, ...], filed: int, admitted: int
) -> None:
    """C9: the appellant, the handler, the auditors; the other side once it is admitted; nobody else, by no role."""
    appeal = await a_filed_appeal(changes)
    path = f"/appeals/{appeal['summary']['appeal']}"
    assert (await ask(changes, person, path, None, *roles)).status_code == filed
    assert len((await ask(changes, person, "/appeals", None, *roles)).json()["appeals"]) == (filed == 200)
    await step(changes, HR, appeal, "admission", admitted=True, reason="事实清楚，在期限之内，予以受理。")
    assert (await ask(changes, person, path, None, *roles)).status_code == admitted


async def test_a_step_taken_asks_nobody_to_confirm_it_any_more(changes: RunningService) -> None:
    """C9, N3: each must-confirm notice of an appeal is settled when its step is done, by the handler or by the clock."""
    appeal = await a_filed_appeal(changes)
    assert await _asked(changes) == [(HR, 1)]
    appeal = await step(changes, HR, appeal, "admission", admitted=True, reason="事实清楚，在期限之内，予以受理。")
    assert await _asked(changes) == [(HR, 2)]
    changes.now = given.NOW + timedelta(days=8)
    await changes.fire_timers(changes.now)
    assert await _asked(changes) == [(HR, 3)]
    appeal = (await ask(changes, HR, f"/appeals/{appeal['summary']['appeal']}")).json()
    appeal = await step(changes, HR, appeal, "decision", outcome="dismissed", reason="两轮复测已在工时里，申诉不成立。")
    assert await _asked(changes) == [(ENGINEER, 4)]
    await step(changes, ENGINEER, appeal, "acknowledgement", satisfied=False)
    assert await _asked(changes) == []


async def _asked(changes: RunningService) -> list[tuple[str, int]]:
    """Who has an appeal's notice to confirm that nothing has settled, and of which version of the appeal."""
    notices = [one for one in await changes.announced(topics.NOTICE_REQUESTS) if one.kind == "appeal_next"]
    settled = {(one.person, one.dedupe) for one in notices if one.settled}
    open_ones = [one for one in notices if one.must_confirm and (one.person, one.dedupe) not in settled]
    return [(one.person, int(one.dedupe.rsplit(":", 1)[1])) for one in open_ones]


async def test_a_late_step_escalates_and_statements_end_by_themselves(changes: RunningService) -> None:
    """C9: the handler and the auditors hear of it; the time for statements ends with the freeze."""
    appeal = await a_filed_appeal(changes)
    path = f"/appeals/{appeal['summary']['appeal']}"
    changes.now = given.NOW + timedelta(days=2, minutes=1)
    await changes.fire_timers(changes.now)
    late = (await ask(changes, HR, path)).json()
    assert late["summary"]["overdue"]
    told = {one.person for one in await changes.announced(topics.NOTICE_REQUESTS) if one.kind == "appeal_overdue"}
    assert told == {HR, AUDITOR}
    await step(changes, HR, late, "admission", admitted=True, reason="事实清楚，在期限之内，予以受理。")
    changes.now = changes.now + timedelta(days=6)
    await changes.fire_timers(changes.now)
    assert (await ask(changes, HR, path)).json()["summary"]["state"] == "frozen"


async def test_refusals_name_what_is_wrong(changes: RunningService) -> None:
    """C9: somebody else's target, the same twice, too few words, too late, not the handler."""
    appeal = await a_filed_appeal(changes)
    subject = {"kind": "target", "task": str(UUID(int=1)), "cause": str(CHANGE)}
    body = {"subject": subject, "statement": WORDS, "wish": "改为 20 小时"}
    assert (await ask(changes, TESTER, "/appeals", body)).json()["code"] == "not_yours"
    assert (await ask(changes, ENGINEER, "/appeals", body)).json()["code"] == "appealed_already"
    short = await ask(changes, ENGINEER, "/appeals", body | {"statement": "不对"})
    assert short.json()["errors"][0]["field"] == "statement"
    unknown = await ask(changes, ENGINEER, "/appeals", body | {"subject": subject | {"cause": str(UUID(int=5))}})
    assert unknown.json()["errors"][0]["field"] == "subject.cause"
    admission = {"version": appeal["version"], "admitted": True, "reason": "自己受理自己的申诉，不应允许。"}
    path = f"/appeals/{appeal['summary']['appeal']}/admission"
    assert (await ask(changes, ENGINEER, path, admission)).json()["code"] == "not_handler"
    changes.now = given.NOW + timedelta(days=40)
    score = {"kind": "target", "task": str(UUID(int=1)), "cause": str(CHANGE)}
    await ask(changes, ENGINEER, f"/appeals/{appeal['summary']['appeal']}/withdrawal", {"version": appeal["version"]})
    late = await ask(changes, ENGINEER, "/appeals", body | {"subject": score})
    assert late.json()["errors"][0]["code"] == "too_late"


async def test_a_score_is_recalculated_by_the_handler(changes: RunningService) -> None:
    """C9: not admitted is an end with a reason; dismissed waits for the appellant only."""
    await an_adjustment(changes)
    subject = {"kind": "score", "score": "2026 年一季度交付准时率"}
    made = (await ask(changes, ENGINEER, "/appeals", {"subject": subject, "statement": WORDS, "wish": "重算"})).json()
    made = await step(changes, HR, made, "admission", admitted=True, reason="事实清楚，在期限之内，予以受理。")
    made = await step(changes, HR, made, "freeze")
    made = await step(changes, HR, made, "decision", outcome="partly", reason="有一项确因供应商晚到，应剔除。")
    made = await step(changes, HR, made, "result", result="剔除一项后准时率由 82% 改为 91%。")
    assert (made["summary"]["state"], made["summary"]["waits_for_me"]) == ("recalculated", False)


PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x08\x00\x00\x00\x08" + b"0" * 100


async def upload(changes: RunningService, person: str, appeal: dict[str, Any], name: str, content: bytes = PNG) -> Any:
    path = f"/appeals/{appeal['summary']['appeal']}/files"
    return await changes.client(person, [Role.EMPLOYEE]).post(path, files={"file": (name, content)})


async def test_files_are_frozen_with_the_rest(changes: RunningService) -> None:
    """C9, F7: a file of each side is in the bundle with its hash; afterwards none comes, goes or changes."""
    appeal = await a_filed_appeal(changes)
    path = f"/appeals/{appeal['summary']['appeal']}"
    assert (await upload(changes, ENGINEER, appeal, "温升曲线.png")).status_code == 201
    appeal = await step(changes, HR, appeal, "admission", admitted=True, reason="事实清楚，在期限之内，予以受理。")
    added = (await upload(changes, LEAD, appeal, "温升曲线.png", PNG + b"1")).json()
    assert [(one["name"], one["inline"], one["may_remove"]) for one in added["files"]] == [
        ("温升曲线.png", True, False),
        ("温升曲线.png", True, True),
    ]
    appeal = await step(changes, HR, appeal, "freeze")
    frozen = {one["name"]: one for one in appeal["evidence"] if one["file"]}
    assert list(frozen) == ["files/01-温升曲线.png", "files/02-温升曲线.png"]
    bundled = zipfile.ZipFile(io.BytesIO((await ask(changes, ENGINEER, f"{path}/bundle")).content))
    for name, item in frozen.items():
        content = bundled.read(name)
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (item["sha256"], item["bytes"])
    assert hashlib.sha256(bundled.read("manifest.json")).hexdigest() == appeal["digest"]
    assert (await upload(changes, ENGINEER, appeal, "迟到.png")).json()["code"] == "frozen"
    mine = appeal["files"][0]["id"]
    removed = await changes.client(ENGINEER).delete(f"{path}/files/{mine}")
    assert (removed.status_code, removed.json()["code"]) == (409, "frozen")
    async with changes.tx() as tx:
        assert await tx.raw.execute("update appeal_files set content = ''") == "UPDATE 0"
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with changes.tx() as tx:
            await tx.raw.execute("delete from appeal_files")


async def test_who_added_a_file_may_take_it_back_until_then(changes: RunningService) -> None:
    """C9: nobody else; that it was there is told, and the file is gone."""
    appeal = await a_filed_appeal(changes)
    path = f"/appeals/{appeal['summary']['appeal']}/files"
    (file,) = (await upload(changes, ENGINEER, appeal, "工资条.png")).json()["files"]
    seen = await ask(changes, HR, f"{path}/{file['id']}")
    assert (seen.content, seen.headers["content-disposition"].split(";")[0]) == (PNG, "inline")
    assert (await changes.client(HR, [Role.HR]).delete(f"{path}/{file['id']}")).json()["code"] == "not_sender"
    assert (await ask(changes, LEAD, f"{path}/{file['id']}")).status_code == 404, "the other side, before admission"
    assert (await upload(changes, TESTER, appeal, "x.png")).status_code == 404
    removed = await changes.client(ENGINEER).delete(f"{path}/{file['id']}")
    assert removed.json()["files"] == []
    assert [line["kind"] for line in removed.json()["thread"]] == ["filed", "attached", "removed"]
    assert (await ask(changes, HR, f"{path}/{file['id']}")).status_code == 404


async def test_refused_file_is_named_at_its_field(changes: RunningService) -> None:
    """C9, F7: the same limits as on cards, in the reader's language; a full appeal says so."""
    appeal = await a_filed_appeal(changes)
    refused = await upload(changes, ENGINEER, appeal, "x.png", b"<html>")
    assert [(one["field"], one["code"]) for one in refused.json()["errors"]] == [("file", "disguised")]
    for number in range(20):
        assert (await upload(changes, ENGINEER, appeal, f"{number}.png")).status_code == 201
    full = await upload(changes, ENGINEER, appeal, "21.png")
    assert [(one["field"], one["code"]) for one in full.json()["errors"]] == [("file", "too_many")]


async def test_appeals_are_found_from_what_they_contest(changes: RunningService) -> None:
    """C9: from the task to its appeal and back, for those who may see it."""
    appeal = await a_filed_appeal(changes)
    assert appeal["summary"]["subject"]["task"] == str(UUID(int=1))
    assert appeal["summary"]["subject"]["change"] == str(CHANGE)
    for person, count in ((ENGINEER, 1), (HR, 1), (LEAD, 0), (TESTER, 0)):
        found = (await ask(changes, person, f"/appeals?task={UUID(int=1)}")).json()["appeals"]
        assert len(found) == count
    for other in (f"task={UUID(int=2)}", f"matrix={UUID(int=1)}"):
        assert (await ask(changes, ENGINEER, f"/appeals?{other}")).json()["appeals"] == []
