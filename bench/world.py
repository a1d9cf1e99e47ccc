"""The running Bihuan that is measured: its own instance, on its own ports, with synthetic tasks."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid5

import httpx

from bihuan_contracts.erp import PurchaseOrderChanged, PurchaseOrderStatus
from bihuan_contracts.goals import ProjectChanged, ProjectState, TaskChanged, TaskKind, TaskState
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.plm import BomLine, BomReleased, ItemKind
from bihuan_tools.events import publish
from bihuan_tools.instance import Instance

PEOPLE = 30
_SPACE = UUID("0190b3c0-0000-7000-8000-0000000000be")
PROJECT = uuid5(_SPACE, "project")

# Straight into the database of `changes`: modules $1<n> on V1, each with $4 tasks in state $3 of the thirty people.
MODULES_WITH_TASKS = """
with modules as (
    insert into items (item, name, kind, version, released_at)
    select $1 || n, 'M', 'module', 'V1', now() from generate_series(1, $2::int) as n returning item),
bills as (
    insert into bom_versions (item, version, lines, released_at) select item, 'V1', '[]', now() from modules),
home as (
    insert into projects (project, code, name, product, lead, state, version)
    values ('0190b3c0-0000-7000-8000-0000000000be', 'BENCH-2', '测量', 'BENCH', 'B000', 'active', 1)
    on conflict do nothing)
insert into tasks (task, code, title, kind, state, owner, module, item_version, project, version)
select gen_random_uuid(), item || '-' || n, 'T', 'develop', $3, 'B' || lpad((n % 30)::text, 3, '0'), item, 'V1',
       '0190b3c0-0000-7000-8000-0000000000be', 1
from modules cross join generate_series(1, $4::int) as n
"""


@contextlib.contextmanager
def running() -> Iterator[Instance]:
    """An instance in a temporary folder, stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="bihuan-bench-") as folder:
        instance = Instance("bench", Path(folder) / "bench")
        try:
            for step in instance.up():
                step.run()
            yield instance
        finally:
            for step in instance.down():
                step.run()


def people() -> list[PersonChanged]:
    return [PersonChanged(person=f"B{n:03}", name=f"量{n:03}", version=1) for n in range(PEOPLE)]


def project() -> ProjectChanged:
    return ProjectChanged(
        project=PROJECT, code="BENCH", name="测量", product="BENCH", customer=None, phase=None, lead="B000",
        state=ProjectState.ACTIVE, starts_at=None, due_at=None, progress=None, planned_progress=None, goals=(), version=1,
    )  # fmt: skip


def tasks(module: str, count: int) -> list[TaskChanged]:
    """One task of each person on a module."""
    return [
        TaskChanged(
            task=uuid5(_SPACE, f"{module}/{n}"), code=f"{module}-{n}", project=PROJECT, project_code="BENCH",
            project_name="测量", goal=None, goal_title=None, title="测量", kind=TaskKind.DEVELOP, state=TaskState.ACTIVE,
            owner=f"B{n % PEOPLE:03}", module=module, item_version="V1", deliverables=(), locks=(), retest=None,
            weight=None, impact_weight=Decimal(1), progress=None, starts_at=None, due_at=None, finished_at=None,
            planned_hours=None, actual_hours=None, version=1,
        )
        for n in range(count)
    ]  # fmt: skip


def release(module: str, *, base: str | None = None, version: str = "V1") -> BomReleased:
    return BomReleased(
        item=module, name=module, kind=ItemKind.MODULE, base_version=base, version=version,
        lines=tuple(BomLine(item=f"{module}-P{n}", name="件", quantity=Decimal(1)) for n in range(3)),
        change=f"ECN-{module}" if base else None, released_at=datetime.now(UTC),
    )  # fmt: skip


def burst(number: int, count: int) -> list[PurchaseOrderChanged]:
    return [
        PurchaseOrderChanged(
            number=f"PO-{number}-{n}", supplier=f"S{n % 23:03}", supplier_name="供方", status=PurchaseOrderStatus.PLACED,
            version=1,
        )
        for n in range(count)
    ]  # fmt: skip


async def prepare(instance: Instance, modules: list[str]) -> None:
    """People, the project and every module with a task of each person; until all has arrived."""
    await publish(instance.kafka_servers, [*people(), project(), *(release(module) for module in modules)])
    for module in modules:
        await publish(instance.kafka_servers, tasks(module, PEOPLE))
    async with signed_in(instance, "B000") as client:
        form = {"version": "V2", "description": "?", "modules": [modules[-1]]}
        for _ in range(1200):
            shown = await client.post("/api/changes/changes/preview", json=form)
            if shown.status_code == 200 and shown.json()["people"] == PEOPLE:
                return
            await asyncio.sleep(0.1)
    raise RuntimeError("the synthetic tasks did not arrive")


@contextlib.asynccontextmanager
async def signed_in(instance: Instance, person: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=instance.address, headers={"X-Bihuan-Request": "1"}, timeout=60) as client:
        for _ in range(600):
            if (await client.post("/auth/sign-in", json={"person": person})).status_code == 200:
                break
            await asyncio.sleep(0.1)
        yield client
