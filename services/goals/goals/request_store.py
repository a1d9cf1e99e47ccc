"""Rows of urgent customer requests (G10)."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from bihuan_chassis import Transaction
from goals.domain.requests import Hours, Request
from goals.domain.tree import Task


async def next_numbers(tx: Transaction, count: int) -> list[str]:
    rows = await tx.raw.fetch("select nextval('request_numbers') from generate_series(1, $1)", count)
    return [f"UR-{row[0]:04}" for row in rows]


async def save(tx: Transaction, booked: Sequence[tuple[Request, str | None, str | None, Task | None]]) -> None:
    """Requests, with who has booked each, the customer's order, and the task where there is one already."""
    requests, tasks = [one for one, _, _, _ in booked], [task for _, _, _, task in booked]
    await tx.raw.execute(
        "insert into requests (request, number, what, customer, booked_by, booked_at, project, task, customer_order)"
        " select r, n, w, c, b, $9, p, t, o from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[],"
        "  $6::uuid[], $7::uuid[], $8::text[]) as new (r, n, w, c, b, p, t, o)",
        [one.request for one in requests], [one.number for one in requests], [one.what for one in requests],
        [one.customer for one in requests], [by for _, by, _, _ in booked],
        [task.project if task else None for task in tasks], [task.task if task else None for task in tasks],
        [order for _, _, order, _ in booked], tx.now,
    )  # fmt: skip


async def known(tx: Transaction, orders: Iterable[str]) -> set[tuple[str, str]]:
    """(customer order, what) of the requests that came with these orders."""
    rows = await tx.raw.fetch(
        "select customer_order, what from requests where customer_order = any($1::text[])", list(orders)
    )
    return {(row["customer_order"], row["what"]) for row in rows}


async def find(tx: Transaction, request: UUID) -> Any | None:
    return await tx.raw.fetchrow("select * from requests where request = $1 for update", request)


async def place(tx: Transaction, request: UUID, project: UUID, task: UUID) -> None:
    await tx.raw.execute("update requests set project = $2, task = $3 where request = $1", request, project, task)


_LISTED = (
    "select r.*, t.owner, t.state, t.due_at, t.finished_at, t.actual_hours, t.weight, t.share, t.revision, t.goal"
    " from requests as r left join tasks as t using (task)"
)


async def listed(tx: Transaction) -> list[Any]:
    """The 200 newest, with the state of their tasks; what waits for a project first."""
    found: list[Any] = await tx.raw.fetch(
        f"{_LISTED} order by r.task is not null, coalesce(t.state, '') in ('done', 'cancelled'), r.booked_at desc,"
        " r.number desc limit 200"
    )
    return found


async def one(tx: Transaction, request: UUID) -> Any:
    return await tx.raw.fetchrow(f"{_LISTED} where r.request = $1", request)


async def open_by_owner(tx: Transaction) -> dict[str, int]:
    rows = await tx.raw.fetch(
        "select owner, count(*) as n from tasks where kind = 'ad_hoc' and state = 'active' and owner is not null"
        " group by owner"
    )
    return {row["owner"]: row["n"] for row in rows}


async def hours(tx: Transaction, since: date) -> list[Hours]:
    """Booked hours by person, month (China) and whether the work was planned."""
    rows = await tx.raw.fetch(
        "select b.person, date_trunc('month', b.at at time zone 'Asia/Shanghai')::date as month,"
        " t.kind = 'ad_hoc' as unplanned, sum(b.hours) as hours from bookings as b join tasks as t using (task)"
        " where b.at >= $1::timestamp at time zone 'Asia/Shanghai' group by 1, 2, 3",
        since,
    )
    return [Hours(row["person"], row["month"], row["unplanned"], row["hours"]) for row in rows]
