"""Who takes a step, the order it is about, and its refusals as problems."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from bihuan_chassis.auth import Person
from bihuan_chassis.http import Conflict, Forbidden, NotFound, Role, Tx
from bihuan_contracts import Text
from changes import store
from changes.domain import consent
from changes.domain.steps import Actor, StepRefusedError
from changes.store import StoredOrder

REVIEWERS = (Role.PROJECT_LEAD, Role.MANAGER, Role.PROCESS_OWNER, Role.DIRECTOR)
_OVERSEERS = (Role.PROCESS_OWNER, Role.ADMINISTRATOR)
_FORBIDDEN = 403

T = TypeVar("T")


def actor(caller: Person) -> Actor:
    return Actor(caller.id, caller.has(*REVIEWERS), caller.has(*_OVERSEERS))


def refused(error: StepRefusedError) -> Forbidden | Conflict:
    problem = Forbidden if error.status == _FORBIDDEN else Conflict
    return problem(error.code, Text(zh=error.zh, en=error.en))


def consent_step(step: Callable[[], T]) -> T:
    """A step of a matrix, of what it promises, or of an appeal; its refusals as problems."""
    try:
        return step()
    except consent.NotYoursError as error:
        raise Forbidden(error.code, Text(zh=error.zh, en=error.en)) from error
    except consent.StaleError as error:
        raise Conflict(error.code, Text(zh=error.zh, en=error.en)) from error


async def found_order(tx: Tx, change: UUID) -> StoredOrder:
    """The order, locked until the request ends."""
    found = (await store.load_orders(tx, [change])).get(change)
    if found is None:
        raise NotFound()
    return found
