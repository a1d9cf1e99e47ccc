"""The way of a draft: submitted, called back, approved by a second person, sent back, ended (C4)."""

from typing import Annotated

from pydantic import Field

from bihuan_chassis.auth import Person
from bihuan_chassis.http import Body, Caller, Conflict, Forbidden, Tx, allow, router
from bihuan_contracts import Text
from changes import rule_steps
from changes.api.rule_bodies import Submission, Verdict
from changes.api.rule_replies import APPROVERS, EDITORS, TablePage, page_of
from changes.domain import rules_versions
from changes.domain.rules_versions import Version, checked

routes = router(tags=["rules"])


class RuleStep(Body):
    edition: Annotated[int, Field(ge=1)]
    """The edition that the caller saw."""


@routes.post("/rules/{name}/versions/{version}/submit", dependencies=[allow(*EDITORS)])
async def submit(name: str, version: int, body: Submission, tx: Tx, caller: Caller) -> TablePage:
    """Ask a second person; refused with failing tests or findings that block."""
    head, listed = await rule_steps.load(tx, name, lock=True)
    before = _seen(rule_steps.of_number(listed, version), body.edition)
    checks = checked(before.table)
    after = rule_steps.stepped(lambda: rules_versions.submit(before, checks, tx.now, body.since, body.until))
    await rule_steps.noted(tx, after, caller.id, "submitted")
    await rule_steps.ask_second_person(tx, head, after, caller.id)
    return await page_of(tx, caller, head, after, rule_steps.with_(listed, after))


@routes.post("/rules/{name}/versions/{version}/call-back", dependencies=[allow(*EDITORS)])
async def call_back(name: str, version: int, body: RuleStep, tx: Tx, caller: Caller) -> TablePage:
    """Out of review, to be edited again."""
    head, listed = await rule_steps.load(tx, name, lock=True)
    before = _seen(rule_steps.of_number(listed, version), body.edition)
    after = rule_steps.stepped(lambda: rules_versions.back(before))
    await rule_steps.noted(tx, after, caller.id, "called_back")
    return await page_of(tx, caller, head, after, rule_steps.with_(listed, after))


@routes.post("/rules/{name}/versions/{version}/approve", dependencies=[allow(*APPROVERS)])
async def approve(name: str, version: int, body: RuleStep, tx: Tx, caller: Caller) -> TablePage:
    """The second person publishes it. Tests and checks are run once more, as the code may have moved on."""
    head, listed = await rule_steps.load(tx, name, lock=True)
    before = _seen(rule_steps.of_number(listed, version), body.edition)
    _second_person(before, caller)
    others = [one for one in listed if one.version != version]
    if not checked(before.table).ready:
        raise _not_ready()
    after, ended = rule_steps.stepped(lambda: rules_versions.approve(before, caller.id, tx.now, others))
    await rule_steps.noted(tx, after, caller.id, "approved", *ended)
    title = Text(zh=f"规则“{head.title.zh}”v{version} 已批准", en=f"Rule “{head.title.en}” v{version} is approved")
    await rule_steps.tell_authors(tx, head, after, "rule_approved", title, caller.id)
    return await page_of(tx, caller, head, after, rule_steps.with_(listed, after, *ended))


@routes.post("/rules/{name}/versions/{version}/send-back", dependencies=[allow(*APPROVERS)])
async def send_back(name: str, version: int, body: Verdict, tx: Tx, caller: Caller) -> TablePage:
    """The second person says what is to be done differently."""
    head, listed = await rule_steps.load(tx, name, lock=True)
    before = rule_steps.of_number(listed, version)
    _second_person(before, caller)
    after = rule_steps.stepped(lambda: rules_versions.back(before))
    await rule_steps.noted(tx, after, caller.id, "sent_back", words=body.reason)
    title = Text(zh=f"规则“{head.title.zh}”v{version} 被退回", en=f"Rule “{head.title.en}” v{version} was sent back")
    await rule_steps.tell_authors(tx, head, after, "rule_sent_back", title, caller.id)
    return await page_of(tx, caller, head, after, rule_steps.with_(listed, after))


@routes.post("/rules/{name}/versions/{version}/retire", dependencies=[allow(*APPROVERS)])
async def retire(name: str, version: int, body: Verdict, tx: Tx, caller: Caller) -> TablePage:
    """Out of force from now on, with a reason on record."""
    head, listed = await rule_steps.load(tx, name, lock=True)
    before = rule_steps.of_number(listed, version)
    others = [one for one in listed if one.version != version]
    after, reopened = rule_steps.stepped(lambda: rules_versions.retire(before, tx.now, others))
    await rule_steps.noted(tx, after, caller.id, "retired", *reopened, words=body.reason)
    return await page_of(tx, caller, head, after, rule_steps.with_(listed, after, *reopened))


@routes.post("/rules/{name}/versions/{version}/discard", dependencies=[allow(*EDITORS)])
async def discard(name: str, version: int, body: RuleStep, tx: Tx, caller: Caller) -> TablePage:
    """Give a draft up; it stays readable."""
    head, listed = await rule_steps.load(tx, name, lock=True)
    before = _seen(rule_steps.of_number(listed, version), body.edition)
    after = rule_steps.stepped(lambda: rules_versions.discard(before))
    await rule_steps.noted(tx, after, caller.id, "discarded")
    return await page_of(tx, caller, head, after, rule_steps.with_(listed, after))


def _seen(version: Version, edition: int) -> Version:
    if version.edition != edition:
        raise Conflict("stale")
    return version


def _second_person(version: Version, caller: Person) -> None:
    if caller.id in version.authors:
        raise Forbidden("own_draft", Text(zh="起草人不能批准自己的规则", en="Who has written it can't approve it"))


def _not_ready() -> Conflict:
    return Conflict("not_ready", Text(zh="测试或检查没有通过", en="Its tests or checks do not pass"))
