"""W4 (ASVS 1.2): what somebody has typed is text wherever it shows, whatever it looks like.

Each payload goes through a public way into a text field of its own: topics, forms, answers, documents, file names,
reasons. Then every page that shows them is opened; nothing may run, load or become an element.
"""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.cells import NO_PAGE, settle

from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.plm import BomReleased, ItemKind
from bihuan_tools.demo.company import LEAD
from bihuan_tools.events import publish
from bihuan_tools.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(180)]
OpenAs = Callable[..., Page]
MARK = {"X-Bihuan-Request": "1"}
CORPUS = (
    "<script>window.ran=1</script>",
    "<img src=x onerror=window.ran=1>",
    '"><svg onload=window.ran=1>',
    "'-window.ran=1-'",
    "{{constructor.constructor('window.ran=1')()}}",
    "<a href=javascript:window.ran=1>x</a>",
    "</textarea></title><iframe srcdoc='<script>parent.ran=1</script>'>",
    "<style>@import'//evil.example';</style>",
    "${window.ran=1} `window.ran=1` %3Cscript%3E",
    "javascript:window.ran=1",
)
_ALL = " ".join(CORPUS)
"""Every payload at once, for fields that are long enough."""
# Elements that only a payload could have made, and whether anything ran.
_FOUND = """() => [window.ran, document.querySelectorAll(
  "main script, main iframe, main [onerror], main [onload], main a[href^='javascript'], main style, main img[src='x']"
).length]"""


def _clean(page: Page, address: str) -> None:
    page.goto(address)
    settle(page)
    assert page.evaluate(_FOUND) == [None, 0], address


def _ok(page: Page, method: str, address: str, body: object) -> dict[str, Any]:
    sent = (
        {"headers": MARK}
        if body is None
        else {"data": json.dumps(body), "headers": MARK | {"Content-Type": "application/json"}}
    )
    answer = getattr(page.request, method)(address, **sent)
    assert answer.ok, f"{address}: {answer.text()}"
    found: dict[str, Any] = answer.json()
    return found


def test_nothing_that_was_typed_runs_on_any_page(bihuan: Instance, open_as: OpenAs) -> None:
    """W4"""
    short, person, module = CORPUS[1], f"X{uuid4().hex[:6]}", f"XM-{uuid4().hex[:6]}"
    now = datetime.now(UTC)
    events = [
        PersonChanged(
            person=person, name=CORPUS[0], name_latin=CORPUS[2], title=CORPUS[1], department="XSS",
            department_name=CORPUS[4], roles=("employee", "test_engineer"), version=1,
        ),
        BomReleased(item=module, name=CORPUS[5], kind=ItemKind.MODULE, version="V1", released_at=now, lines=()),
    ]  # fmt: skip
    with ThreadPoolExecutor() as elsewhere:  # Playwright keeps a loop running in this thread
        elsewhere.submit(asyncio.run, publish(bihuan.kafka_servers, events)).result()
    lead = open_as(LEAD, "/boards")
    for address in (f"/directory/{person}", f"/api/changes/items/{module}/where-used"):
        _until(lead, address)
    project = _project(lead, person, module)
    version = f"<b>{uuid4().hex[:4]}"
    fields = {
        "version": version, "description": _ALL, "modules": [module], "effective_at": None,
        "criteria": [{"module": module, "text": _ALL[:390], "metric": short, "unit": "<i>", "lower": None, "upper": "1"}],
    }  # fmt: skip
    change = _ok(lead, "post", "/api/changes/changes", fields)["change"]

    own = open_as(person, "/")
    expect(own.get_by_text(version).first).to_be_visible(timeout=15_000)
    _until(own, "/api/goals/week", lambda week: week["retest_cards"])  # the notice may be quicker than the card
    week = own.request.get("/api/goals/week").json()
    card = next(one["task"] for one in week["retest_cards"])
    _until(own, f"/api/feedback/cards/{card}/answers")
    _ok(own, "post", f"/api/feedback/cards/{card}/answers", {"answer": "misunderstanding", "comment": _ALL})
    _ok(own, "put", f"/api/feedback/cards/{card}/document", {"body": _ALL, "version": 1})
    picture = own.screenshot(clip={"x": 0, "y": 0, "width": 9, "height": 9})
    sent: Any = {"file": {"name": f"{CORPUS[1]}.png", "mimeType": "image/png", "buffer": picture}}
    assert own.request.post(f"/api/feedback/cards/{card}/attachments", multipart=sent, headers=MARK).ok
    locked = next((one["task"] for one in week["deliverables"] if one["locks"]), None)
    report = {
        "module": module, "module_version": version, "verdict": "failed", "task": card, "title": CORPUS[0],
        "measurements": [{"metric": short, "value": "2", "unit": "<i>"}],
    }  # fmt: skip
    _ok(own, "post", "/api/intake/test-reports", report)

    integrator = open_as("10901", "/integration")
    event = {"specversion": "1.0", "id": short, "source": CORPUS[2], "type": CORPUS[0], "data": {"x": _ALL}}
    integrator.request.post(
        "/api/intake/events",
        data=json.dumps(event),
        headers=MARK | {"Content-Type": "application/cloudevents+json"},
    )
    _clean(integrator, "/integration")

    for address in ("/", "/inbox", f"/tasks/{card}", *([f"/tasks/{locked}"] if locked else [])):
        _clean(own, address)
    expect(own.get_by_text("window.ran").first).to_be_visible()  # shown as what it is
    for address in ("/boards", f"/boards/{project}", "/changes", f"/changes/{change}", "/people", f"/people/{person}",
                    "/wall", "/changes/new", "/consents", f"/tasks/{card}", f"/?person={CORPUS[1]}"):  # fmt: skip
        _clean(lead, address)
    lead.goto("/boards")
    settle(lead)
    lead.keyboard.press("/")
    lead.keyboard.type("window.ran")
    expect(lead.get_by_role("option").first).to_be_visible()
    assert lead.evaluate(_FOUND) == [None, 0]


def test_nothing_typed_into_the_other_forms_runs(open_as: OpenAs) -> None:
    """W4: people's and projects' records, documents, bookings, appeals, matrices and their negotiation, rules."""
    administrator, lead = open_as("10902", "/people"), open_as(LEAD, "/boards")
    person, module = f"Y{uuid4().hex[:6]}", f"YM-{uuid4().hex[:6]}"
    own = {
        "name": CORPUS[0], "name_latin": CORPUS[1], "title": CORPUS[2], "department_name": CORPUS[4],
        "modules": [CORPUS[5]], "roles": ["test_engineer"],
    }  # fmt: skip
    _ok(administrator, "post", "/api/people", {"person": person, "own": own})
    record = _ok(administrator, "get", f"/api/people/{person}/record", None)
    own["title"] = CORPUS[3]
    _ok(administrator, "put", f"/api/people/{person}", {"version": record["version"], "own": own})
    for address in ("/people", f"/people/{person}", f"/people/{person}/edit"):
        _clean(administrator, address)

    project = _project(lead, LEAD, module)
    record = _ok(lead, "get", f"/api/goals/projects/{project}/record", None)
    edit = {"revision": record["revision"], "phase": CORPUS[1], "customer": _ALL[:200], "name": CORPUS[2]}
    _ok(lead, "patch", f"/api/goals/projects/{project}", edit)
    _until(lead, f"/api/changes/projects/{project}/document")
    section = {"version": 0, "title": CORPUS[0], "body": "\n\n".join(CORPUS)}
    _ok(lead, "put", f"/api/changes/projects/{project}/document/sections/SC-5", section)
    board = _ok(lead, "get", f"/api/goals/projects/{project}", None)
    task = board["goals"][0]["tasks"][0]["task"]
    _ok(lead, "post", f"/api/goals/tasks/{task}/progress", {"hours": "1", "note": _ALL[:400]})
    appeal = _ok(
        lead, "post", "/api/changes/appeals",
        {"subject": {"kind": "score", "score": CORPUS[1]}, "statement": _ALL, "wish": CORPUS[4]},
    )  # fmt: skip
    number = appeal["summary"]["appeal"]
    owner = open_as("10003", "/rules")
    table = _ok(owner, "post", "/api/changes/rules", {"title": CORPUS[1], "complete": False})
    for address in (f"/boards/{project}", f"/boards/{project}/settings", f"/boards/{project}/edit",
                    f"/boards/{project}/document", f"/tasks/{task}", "/boards/new", "/appeals", f"/appeals/{number}"):  # fmt: skip
        _clean(lead, address)
    _clean(owner, "/rules")
    _clean(owner, f"/rules/{table['name']}")
    expect(owner.get_by_text("window.ran").first).to_be_visible()


def test_nothing_that_was_said_while_deciding_runs(bihuan: Instance, open_as: OpenAs) -> None:
    """W4: reasons of a concession, every word of a negotiation, what was given in return and why it is contested."""
    module, owner = f"ZM-{uuid4().hex[:6]}", "10231"
    now = datetime.now(UTC)
    release = BomReleased(item=module, name=CORPUS[5], kind=ItemKind.MODULE, version="V1", released_at=now, lines=())
    with ThreadPoolExecutor() as elsewhere:
        elsewhere.submit(asyncio.run, publish(bihuan.kafka_servers, [release])).result()
    lead, engineer = open_as(LEAD, "/boards"), open_as(owner, "/me")
    _until(lead, f"/api/changes/items/{module}/where-used")
    project = _project(lead, owner, module, kind="develop")
    task = _ok(lead, "get", f"/api/goals/projects/{project}", None)["goals"][0]["tasks"][0]["task"]

    fields = {"version": "V2", "description": _ALL, "modules": [module], "effective_at": None, "criteria": []}
    change = _ok(lead, "post", "/api/changes/changes", fields)["change"]
    _until(lead, f"/api/goals/tasks/{task}", lambda card: card["task"]["locks"])
    lock = _ok(lead, "get", f"/api/goals/tasks/{task}", None)["task"]["locks"][0]["lock"]
    concession = {"decision": "concession", "reason": _ALL, "expires_at": (now + timedelta(days=3)).isoformat()}
    _ok(lead, "post", f"/api/goals/tasks/{task}/locks/{lock}/decision", concession)

    words = {
        "title": CORPUS[1], "reason": _ALL, "adjustments": [{"task": task, "field": "planned_hours", "new": "12"}],
    }  # fmt: skip
    matrix = _ok(lead, "post", "/api/changes/consents", words)
    where = f"/api/changes/consents/{matrix['summary']['matrix']}"
    bonus = {"kind": "bonus_points", "amount": "5"}

    def ask(version: int) -> dict[str, Any]:
        rows = [{"person": one["person"], "task": one["task"], "action": _ALL[:400], "hours": "1", "compensation": bonus}
                for one in matrix["rows"]]  # fmt: skip
        worded = _ok(lead, "put", where, words | {"version": version, "rows": rows})
        return _ok(lead, "post", f"{where}/send", {"version": worded["version"]})

    sent = ask(matrix["version"])
    own = next(one["row"] for one in sent["rows"] if one["person"] == owner)
    counter = {"answer": "negotiating", "reason": _ALL, "counter": {"hours": "2", "compensation": bonus}}
    after = _ok(engineer, "post", f"{where}/rows/{own}/answer", counter | {"revision": sent["summary"]["revision"]})
    sent = ask(after["version"])
    for row in sent["rows"]:
        answer = {"revision": sent["summary"]["revision"], "answer": "accepted", "reason": _ALL}
        who = {owner: engineer, LEAD: lead}.get(row["person"]) or open_as(row["person"], NO_PAGE)
        if row["answer"] == "silent":
            _ok(who, "post", f"{where}/rows/{row['row']}/answer", answer)
    mine = next(one["row"] for one in _ok(lead, "get", where, None)["rows"] if one["person"] == owner)
    promised = f"/api/changes/compensations/{mine}"
    _ok(lead, "post", f"{promised}/given", {"note": _ALL[:400]})
    _ok(engineer, "post", f"{promised}/contested", {"words": _ALL[:400]})

    matrix_page = f"/consents/{matrix['summary']['matrix']}"
    for address in (f"/tasks/{task}", f"/changes/{change}", f"/boards/{project}", matrix_page, "/consents",
                    "/consents/record", "/consents/compensations", "/inbox"):  # fmt: skip
        _clean(lead, address)
    for address in ("/inbox", f"/tasks/{task}", matrix_page, "/consents/compensations"):
        _clean(engineer, address)
    expect(engineer.get_by_text("window.ran").first).to_be_visible()


def _until(page: Page, address: str, there: Callable[[Any], Any] = bool) -> None:
    """Until a service that hears of it a moment later has it."""
    for _ in range(200):
        answer = page.request.get(address)
        if answer.ok and there(answer.json()):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"{address}: {answer.text()}")


def _project(lead: Page, person: str, module: str, kind: str = "test") -> object:
    """A project whose every name is a payload, with one open task on the module."""
    due = (datetime.now(UTC) + timedelta(days=20)).isoformat()
    criterion = {"text": _ALL[:390], "metric": "m", "unit": "dB", "lower": "3", "upper": None}
    task = {
        "code": "X-1", "title": CORPUS[0], "kind": kind, "owner": person, "module": module, "item_version": "V1", "due_at": due,
        "planned_hours": "8", "deliverables": [{"title": CORPUS[2], "criteria": [criterion]}],
    }  # fmt: skip
    body = {
        "code": f"X-{uuid4().hex[:6]}", "name": CORPUS[1], "product": CORPUS[3], "customer": CORPUS[6], "lead": LEAD,
        "goals": [{"title": CORPUS[4], "tasks": [task]}],
    }  # fmt: skip
    return _ok(lead, "post", "/api/goals/projects", body)["project"]
