"""What is owed since matrices were agreed to: by whom, to whom, since when overdue (C7)."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from bihuan_chassis.http import EVERYONE, Body, Caller, NotFound, Reply, Role, Tx, allow, router
from bihuan_contracts.changes import CompensationKind
from changes import compensation_store, compensations, store
from changes.api.access import consent_step
from changes.api.consent_replies import oversees
from changes.domain import compensation as rules
from changes.domain.compensation import Promise, Standing

routes = router(tags=["consents"])
_PEOPLE = EVERYONE - {Role.AUDITOR}
_MOST = 500


class CompensationLine(Reply):
    row: UUID
    matrix: UUID
    matrix_number: str
    matrix_title: str
    receiver: str
    receiver_name: str
    giver: str
    giver_name: str
    kind: CompensationKind
    amount: Decimal
    promised_at: datetime
    due_at: datetime
    standing: Standing
    given_at: datetime | None
    note: str | None
    """How it was given."""
    contested: str | None
    """Why the receiver says that it was not."""
    received_at: datetime | None
    may_give: bool
    may_receive: bool


class CompensationList(Reply):
    mine: int
    """Open ones that the caller is to get."""
    owing: int
    """Those that the caller still has to give."""
    compensations: list[CompensationLine]


class GivenIn(Body):
    note: Annotated[str, Field(min_length=1, max_length=400)]
    """How and when: which day off, whose hours, which deadline."""


class ContestIn(Body):
    words: Annotated[str, Field(min_length=1, max_length=400)]


@routes.get("/compensations", dependencies=[allow(EVERYONE)])
async def list_compensations(
    tx: Tx, caller: Caller, side: Literal["mine", "owing", "all"] = "mine", ended: bool = False
) -> CompensationList:
    """`mine`: owed to the caller; `owing`: by the caller; `all`: their people's too, overseers read everybody's."""
    found = await compensation_store.find(
        tx, caller.id, side=side, everything=oversees(caller), ended=ended, limit=_MOST
    )
    mine, owing = await compensation_store.count_open(tx, caller.id)
    names = await store.people_names(tx, {person for one, _ in found for person in (one.receiver, one.giver)})
    lines = [_line(one, row, names, caller, tx.now) for one, row in found]
    return CompensationList(mine=mine, owing=owing, compensations=lines)


@routes.post("/compensations/{row}/given", dependencies=[allow(_PEOPLE)])
async def give(row: UUID, body: GivenIn, tx: Tx, caller: Caller) -> CompensationList:
    """Who owes it says that it is given, and how; it ends with the receiver's word only."""
    found = await _concerned(tx, row, caller)
    await compensations.given(tx, consent_step(lambda: rules.give(found, caller.id, body.note, tx.now)))
    return await list_compensations(tx, caller, "owing")


@routes.post("/compensations/{row}/contested", dependencies=[allow(_PEOPLE)])
async def contest(row: UUID, body: ContestIn, tx: Tx, caller: Caller) -> CompensationList:
    """The receiver has not got it."""
    found = await _concerned(tx, row, caller)
    await compensations.contested(tx, consent_step(lambda: rules.contest(found, caller.id, body.words)))
    return await list_compensations(tx, caller, "mine")


@routes.post("/compensations/{row}/received", dependencies=[allow(_PEOPLE)])
async def receive(row: UUID, tx: Tx, caller: Caller) -> CompensationList:
    found = await _concerned(tx, row, caller)
    await compensations.received(tx, consent_step(lambda: rules.receive(found, caller.id, tx.now)))
    return await list_compensations(tx, caller, "mine")


async def _concerned(tx: Tx, row: UUID, caller: Caller) -> Promise:
    found = (await compensation_store.load(tx, [row])).get(row)
    if found is None or caller.id not in {found.receiver, found.giver}:
        raise NotFound()
    return found


def _line(one: Promise, row: Any, names: dict[str, str], caller: Caller, now: datetime) -> CompensationLine:
    standing = one.standing(now)
    return CompensationLine(
        row=one.row, matrix=one.matrix, matrix_number=row["number"], matrix_title=row["title"], receiver=one.receiver,
        receiver_name=names.get(one.receiver, one.receiver), giver=one.giver,
        giver_name=names.get(one.giver, one.giver), kind=one.kind, amount=one.amount, promised_at=one.promised_at,
        due_at=one.due_at, standing=standing, given_at=one.given_at, note=one.note, contested=one.contested,
        received_at=one.received_at,
        may_give=caller.id == one.giver and standing in {Standing.OWED, Standing.OVERDUE},
        may_receive=caller.id == one.receiver and standing is not Standing.RECEIVED,
    )  # fmt: skip
