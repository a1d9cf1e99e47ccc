"""An appeal as the caller sees it: what is contested, the file, and the steps that they may take (C9)."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from bihuan_chassis.files import shown_inline
from bihuan_chassis.http import Caller, NotFound, Reply, Role, Tx
from bihuan_contracts.changes import Adjustment
from bihuan_contracts.goals import TargetField
from changes import appeal_store, consent_store, store
from changes.api.adjustments import AdjustmentReply, adjustment_reply
from changes.domain import appeal as rules
from changes.domain.appeal import Appeal, AppealState, Outcome, SubjectKind
from changes.domain.consent import NotYoursError, StaleError


class ContestedReply(Reply):
    """Where the contested thing is found."""

    task: UUID | None
    change: UUID | None
    matrix: UUID | None
    row: UUID | None
    metric: str | None


class AppealSummary(Reply):
    appeal: UUID
    number: str
    title: str
    kind: SubjectKind
    subject: ContestedReply
    state: AppealState
    outcome: Outcome | None
    appellant: str
    appellant_name: str
    handler_name: str | None
    waits_for_me: bool
    overdue: bool
    filed_at: datetime
    due_at: datetime | None


class AppealList(Reply):
    appeals: list[AppealSummary]


class AppealLine(Reply):
    at: datetime
    kind: str
    by_name: str | None
    words: str | None


class EvidenceItem(Reply):
    name: str
    sha256: str
    bytes: int
    file: UUID | None
    """The file that one of the sides has added; None: a record of the system."""


class AppealFile(Reply):
    id: UUID
    name: str
    size: int
    inline: bool
    """Whether a browser may show it in the page."""
    person_name: str | None
    at: datetime
    may_remove: bool


class AppealReply(Reply):
    """The file: what is contested, what both sides say, the frozen evidence, the decision."""

    summary: AppealSummary
    statement: str
    wish: str
    respondent_name: str | None
    admission: str | None
    decision: str | None
    correction: UUID | None
    """The matrix that carries the decision out."""
    corrected: list[AdjustmentReply]
    """What it moves, old → new."""
    result: str | None
    satisfied: bool | None
    digest: str | None
    evidence: list[EvidenceItem]
    files: list[AppealFile]
    thread: list[AppealLine]
    version: int
    may: list[str]
    """Steps that the caller may take now: admit, say, freeze, decide, recalculate, acknowledge, withdraw, appoint."""


async def visible_appeal(tx: Tx, appeal: UUID, caller: Caller) -> Appeal:
    found = (await appeal_store.load(tx, [appeal])).get(appeal)
    if found is None or not rules.sees(found, caller.id, auditor=caller.has(Role.AUDITOR)):
        raise NotFound()
    return found


async def names_of(tx: Tx, found: list[Appeal]) -> dict[str, str]:
    people = {person for one in found for person in (one.appellant, one.respondent, one.handler) if person}
    return await store.people_names(tx, people)


def summary_of(one: Appeal, names: dict[str, str], caller: Caller) -> AppealSummary:
    return AppealSummary(
        appeal=one.appeal, number=one.number, title=one.subject.title, kind=one.subject.kind,
        subject=ContestedReply(**{name: getattr(one.subject, name) for name in ContestedReply.model_fields}),
        state=one.state,
        outcome=one.outcome, appellant=one.appellant, appellant_name=names.get(one.appellant, one.appellant),
        handler_name=names.get(one.handler or "", one.handler), waits_for_me=one.waits_for == caller.id,
        overdue=one.overdue, filed_at=one.filed_at, due_at=one.due_at,
    )  # fmt: skip


async def appeal_reply(tx: Tx, one: Appeal, caller: Caller) -> AppealReply:
    lines = await appeal_store.thread(tx, one.appeal)
    files = await appeal_store.files(tx, one.appeal)
    adjustments = await _corrected(tx, one)
    owners = {value for moved in adjustments if moved.field is TargetField.OWNER for value in (moved.old, moved.new)}
    said = {line["by"] for line in lines} | {file["person"] for file in files} | owners
    names = await names_of(tx, [one]) | await store.people_names(tx, {person for person in said if person})
    items = await appeal_store.evidence_listed(tx, one.appeal) if one.digest else []
    return AppealReply(
        summary=summary_of(one, names, caller), statement=one.statement, wish=one.wish,
        respondent_name=names.get(one.respondent or "", one.respondent), admission=one.admission,
        decision=one.decision, correction=one.matrix,
        corrected=[adjustment_reply(moved, names) for moved in adjustments],
        result=one.result, satisfied=one.satisfied, digest=one.digest,
        evidence=[EvidenceItem(**item) for item in items],
        files=[
            AppealFile(
                id=file["id"], name=file["name"], size=file["size"], inline=shown_inline(file["media_type"]),
                person_name=names.get(file["person"], file["person"]), at=file["at"],
                may_remove=_possible(partial(rules.may_remove, one, caller.id, file["person"])),
            )
            for file in files
        ],
        thread=[
            AppealLine(at=line["at"], kind=line["kind"], by_name=names.get(line["by"] or "", line["by"]),
                       words=line["words"])
            for line in lines
        ],
        version=one.version, may=_may(one, caller),
    )  # fmt: skip


async def _corrected(tx: Tx, one: Appeal) -> tuple[Adjustment, ...]:
    if one.matrix is None:
        return ()
    return (await consent_store.load(tx, [one.matrix], lock=False))[one.matrix].adjustments


def _may(one: Appeal, caller: Caller) -> list[str]:
    """The steps that the machine would take from this caller now."""
    steps: dict[str, Callable[[], object]] = {
        "admit": lambda: rules.admit(one, caller.id, True, ""),
        "say": lambda: rules.may_speak(one, caller.id),
        "freeze": lambda: rules.freeze(one, caller.id, ""),
        "decide": lambda: rules.decide(one, caller.id, Outcome.DISMISSED, "", None),
        "recalculate": lambda: rules.recalculated(one, caller.id, ""),
        "acknowledge": lambda: rules.acknowledge(one, caller.id, True),
        "withdraw": lambda: rules.withdraw(one, caller.id),
    }
    found = [name for name, step in steps.items() if _possible(step)]
    appoints = caller.has(Role.AUDITOR) and one.handler is None and one.state not in rules.ENDED
    return [*found, *(["appoint"] if appoints else [])]


def _possible(step: Callable[[], object]) -> bool:
    try:
        step()
    except (NotYoursError, StaleError):
        return False
    return True
