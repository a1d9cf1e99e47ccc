"""One change as one unit, in one call: what six services know of it, each deciding by itself what the caller may read
(C5, C6). For other applications as well: with an access token of their own in place of the browser's cookie.
"""

import asyncio
from typing import Any
from uuid import UUID

from fastapi import Request

from bihuan_chassis.http import Reply, allow_anonymous, router
from web.resources import resources_of

routes = router(tags=["units"])


class Unit(Reply):
    """The whole set of one change. A part is null where its service knows nothing of the change yet, or is away."""

    change: dict[str, Any]
    """The order, its difference, steps and impact rows with path and rule: `ChangeDetail` of changes."""
    locks: list[dict[str, Any]] | None
    """Tasks that it has locked, and how each lock ended: `LockedTask` of goals."""
    cards: list[dict[str, Any]] | None
    """Retest cards with their new criteria: `TaskReply` of goals."""
    targets: list[dict[str, Any]] | None
    """Targets that it has moved, old and new: `TargetHistory` of goals."""
    reports: list[dict[str, Any]] | None
    """Test reports on its cards, and whether each counts against the new criterion: `CardReport` of goals."""
    consents: list[dict[str, Any]] | None
    """Impact matrices that it has opened: `MatrixSummary` of changes."""
    suspects: dict[str, Any] | None
    """What it has put in doubt, and what is cleared: `SuspectList` of changes."""
    notices: list[dict[str, Any]] | None
    """Who has been told, when, read and confirmed: `Delivery` of notify."""
    clock: dict[str, Any] | None
    """Release to the last delivery, and to the first report: `Clock` of analytics."""
    attachments: list[dict[str, Any]] | None
    """Files that go with it: feedback."""
    misses: list[str]
    """Names of those whom the notice reached later than two minutes after release, or has not reached since."""
    unconfirmed: list[str]
    """Names of those who had to confirm, had not in time and were reminded."""
    missing_reports: list[str]
    """Cards, or retests that are no card yet, without a report against the new criterion, each with its person."""
    away: list[str]
    """Services that did not answer: their parts are null."""


@routes.get("/api/units/{change}", dependencies=[allow_anonymous()])
async def read_unit(change: UUID, request: Request) -> Unit:
    """Locks, cards, targets, reports, consents, suspects, notices, clocks and files of one change, misses by name.

    Signed in by the browser's session, or by `Authorization: Bearer` with a token that the services accept
    (`BIHUAN_AUTH_JWKS`). What the token may not read is refused by the service that owns it.
    """
    resources = resources_of(request)
    token = _own_token(request) or resources.sessions.token(await resources.sessions.find(request))
    language = request.headers.get("accept-language", "zh")
    detail = await resources.forwarder.read("changes", f"changes/{change}", token, language)
    away: list[str] = []

    async def part(service: str, path: str) -> Any:
        found = await resources.forwarder.read_if_there(service, path, token, language)
        if found is resources.forwarder.AWAY:
            away.append(service)
            return None
        return found

    effects, deliveries, clock, files, matrices, suspects = await asyncio.gather(
        part("goals", f"changes/{change}/effects"),
        part("notify", f"changes/{change}/deliveries"),
        part("analytics", f"changes/{change}/clock"),
        part("feedback", f"changes/{change}/attachments"),
        part("changes", f"consents?change={change}&limit=200"),
        part("changes", f"changes/{change}/suspects"),
    )
    return Unit(
        change=detail,
        locks=_of(effects, "locks"), cards=_of(effects, "cards"), targets=_of(effects, "targets"),
        reports=_of(effects, "reports"), consents=_of(matrices, "matrices"), suspects=suspects,
        notices=_of(deliveries, "deliveries"), clock=clock, attachments=_of(files, "attachments"),
        misses=sorted({*(_of(clock, "misses") or ()), *(_of(deliveries, "misses") or ())}),
        unconfirmed=_of(deliveries, "unconfirmed") or [],
        missing_reports=[_missing(one) for one in detail.get("open_retests", ())],
        away=sorted(set(away)),
    )  # fmt: skip


def _own_token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and token else None


def _of(part: Any, name: str) -> Any:
    return None if part is None else part.get(name)


def _missing(retest: dict[str, Any]) -> str:
    return " · ".join(str(one) for one in (retest.get("code"), retest.get("title"), retest.get("person_name")) if one)
