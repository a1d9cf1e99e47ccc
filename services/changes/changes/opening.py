"""Impact matrices that technical changes open, and their end when the change is superseded (C5, C7, C8)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

import structlog

from bihuan_chassis import Timer, Transaction
from bihuan_chassis.calendar import Calendar
from bihuan_contracts import Text
from bihuan_contracts.changes import ChangeState, ConsentState
from bihuan_contracts.goals import TargetsRecalculated
from changes import consent_store, consents, store
from changes.domain import consent, opening
from changes.domain.consent import Matrix
from changes.store import StoredOrder

UNSENT = "consent-unsent"
SEND_WITHIN_DAYS = 1
"""Working days: then the proposer is reminded, and the manager told a day later."""
_REMINDERS = 2

_CALENDAR = Calendar()

log = structlog.get_logger()


async def open_matrices(tx: Transaction, held: Sequence[TargetsRecalculated]) -> None:
    """One matrix for each change and project, with everybody found by the system; a replay adds nothing."""
    orders = await store.load_orders(tx, {one.change for one in held})
    together: defaultdict[tuple[UUID, UUID], list[TargetsRecalculated]] = defaultdict(list)
    for one in held:
        order = orders.get(one.change)
        if order is not None and order.order.state is not ChangeState.SUPERSEDED:
            together[one.change, one.project].append(one)
    for (change, project), moved in sorted(together.items()):
        await _open(tx, orders[change], project, moved)


async def _open(tx: Transaction, order: StoredOrder, project: UUID, moved: Sequence[TargetsRecalculated]) -> None:
    number, before = await _latest(tx, order.order.change, project)
    added = opening.missing(before, opening.adjustments_held(moved))
    if not added:
        return
    if before is not None and not opening.is_living(before):
        number, before = number + 1, None
    adjustments = opening.joined(before, added) if before else added
    proposer = before.proposer if before else await _proposer(tx, order, project)
    tasks = await consent_store.tasks(tx, {one.task for one in adjustments})
    adjustments = tuple(one for one in adjustments if one.task in tasks)
    found = consent.affected(
        adjustments, tasks, await consent_store.links(tx, tasks), await consent_store.neighbours(tx, tasks.values()),
        await consent_store.leads(tx, [project]), proposer, tx.new_id,
    )  # fmt: skip
    rows = opening.worded(found, adjustments, order.order.number, before.rows if before else ())
    if not rows or not adjustments:
        return
    if before is not None:
        matrix = replace(
            before, state=ConsentState.DRAFT, adjustments=adjustments, rows=rows, version=before.version + 1
        )
    else:
        matrix = await _new(tx, order, opening.matrix_id(order.order.change, project, number), proposer)
        matrix = replace(matrix, adjustments=adjustments, rows=rows)
    arbiter = await consent_store.find_arbiter(
        tx, (await consent_store.leads(tx, [project])).get(project, proposer), {proposer, *(row.person for row in rows)}
    )
    await consents.opened(tx, replace(matrix, arbiter=arbiter), order.order.number)
    tx.set_timer(UNSENT, str(matrix.matrix), _CALENDAR.add(tx.now, SEND_WITHIN_DAYS))
    log.info("consent.opened", change=order.order.number, rows=len(rows))


async def _latest(tx: Transaction, change: UUID, project: UUID) -> tuple[int, Matrix | None]:
    """The newest matrix that this change has opened in the project, locked."""
    number, found = 1, None
    while True:
        id = opening.matrix_id(change, project, number)
        matrix = (await consent_store.load(tx, [id])).get(id)
        if matrix is None:
            return max(1, number - 1), found
        number, found = number + 1, matrix


async def _new(tx: Transaction, order: StoredOrder, id: UUID, proposer: str) -> Matrix:
    one = order.order
    return Matrix(
        matrix=id, number=await consent_store.next_number(tx), proposer=proposer, arbiter=None,
        title=f"{one.item_name} {one.new_version} 带来的目标调整",
        reason=f"{one.number}：{one.reason or one.item_name}。规则要求受影响的人同意后，新目标才生效。",
        adjustments=(), rows=(), proposed_at=tx.now, change=one.change, version=1,
    )  # fmt: skip


async def _proposer(tx: Transaction, order: StoredOrder, project: UUID) -> str:
    """Who has released the change answers for what it asks of others; else the project's lead."""
    by = order.order.released_by
    if by and await consent_store.known_people(tx, [by]):
        return by
    return (await consent_store.leads(tx, [project]))[project]


async def withdraw_superseded(tx: Transaction, changes: Iterable[UUID]) -> None:
    """A newer revision of the change replaces what the older one has asked for: nobody has to answer that any more."""
    for matrix in await consent_store.living_of_changes(tx, list(changes)):
        after = consent.withdraw(matrix, matrix.proposer)
        await consents.withdrawn(tx, after, was_open=matrix.revision > 0, by=None)


async def on_unsent(timers: Sequence[Timer], tx: Transaction) -> None:
    """A matrix that the system has opened must not lie: its proposer is reminded, then the manager is told."""
    matrices = await consent_store.load(tx, [UUID(timer.key) for timer in timers])
    managers = await consent_store.managers(tx, {one.proposer for one in matrices.values()})
    for timer in timers:
        matrix = matrices.get(UUID(timer.key))
        if matrix is None or matrix.state is not ConsentState.DRAFT or matrix.revision:
            continue
        step = int(timer.payload.get("step", 1))
        told = [matrix.proposer] if step == 1 else [matrix.proposer, managers.get(matrix.proposer)]
        title = Text(
            zh=f"{matrix.number} 还没有发出，新目标还不能生效", en=f"{matrix.number} is not sent yet: targets wait"
        )
        for person in dict.fromkeys(one for one in told if one):
            notice = consents.notice(matrix, person, "consent_unsent", title, tx)
            tx.announce(notice.model_copy(update={"dedupe": f"{notice.dedupe}:{step}"}))
        if step < _REMINDERS:
            tx.set_timer(UNSENT, timer.key, _CALENDAR.add(tx.now, SEND_WITHIN_DAYS), {"step": step + 1})
