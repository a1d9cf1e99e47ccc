"""A company with one power module, one board above it, and people who work on both."""

from datetime import UTC, datetime
from uuid import UUID

from bihuan_contracts.goals import (
    Criterion,
    CriterionState,
    Deliverable,
    ProjectChanged,
    ProjectState,
    TaskChanged,
    TaskKind,
    TaskState,
)
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.plm import BomLine, BomReleased, ItemKind

NOW = datetime(2026, 3, 11, 0, 30, tzinfo=UTC)
PROJECT = UUID("0190b3c0-0000-7000-8000-000000000001")


def release(item: str = "PM-480", version: str = "V2.4", base: str | None = "V2.3", **more: object) -> BomReleased:
    values: dict[str, object] = {
        "item": item,
        "name": "电源模块",
        "kind": ItemKind.MODULE,
        "base_version": base,
        "version": version,
        "change": None if base is None else "ECN-2026-0187",
        "released_at": NOW,
        "released_by": "10500",
        "lines": (line("DCM-2412", "DC-DC 变换器"), line("EC-680", "输出电容", 4)),
    }
    return BomReleased.model_validate(values | more)


def line(item: str, name: str = "", quantity: int = 1, **more: object) -> BomLine:
    return BomLine.model_validate({"item": item, "name": name or item, "quantity": quantity, **more})


def task(number: int, kind: TaskKind, owner: str, **more: object) -> TaskChanged:
    values: dict[str, object] = {
        "task": UUID(int=number), "code": f"T-{number}", "project": PROJECT, "project_code": "GX-500",
        "project_name": "GX-500 五轴磨床", "goal": None, "goal_title": None, "title": f"任务 {number}",
        "kind": kind, "state": TaskState.ACTIVE, "owner": owner, "module": "PM-480", "item_version": "V2.3",
        "deliverables": (), "locks": (), "retest": None, "weight": None, "impact_weight": 5, "progress": None,
        "starts_at": None, "due_at": None, "finished_at": None, "planned_hours": None, "actual_hours": None,
        "version": 1,
    }  # fmt: skip
    return TaskChanged.model_validate(values | more)


def verified_deliverable(state: CriterionState = CriterionState.VERIFIED) -> Deliverable:
    criterion = Criterion(criterion=UUID(int=900), version=2, text="传导发射余量 ≥ 6 dB", state=state)
    return Deliverable(deliverable=UUID(int=901), title="重测报告", weight=None, due_at=None, criteria=(criterion,))


def person(number: str, name: str, *roles: str, modules: tuple[str, ...] = ()) -> PersonChanged:
    return PersonChanged(person=number, name=name, roles=("employee", *roles), modules=modules, version=1)


def project(lead: str = "10500") -> ProjectChanged:
    return ProjectChanged(
        project=PROJECT, code="GX-500", name="GX-500 五轴磨床", product="GX-500", customer=None, phase="EVT",
        lead=lead, state=ProjectState.ACTIVE, starts_at=None, due_at=None, progress=None, planned_progress=None,
        goals=(), version=1,
    )  # fmt: skip
