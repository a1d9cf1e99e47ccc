"""Rows of templates."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from bihuan_chassis import Transaction
from goals.domain.templates import Goals, TemplateGoal

_GOALS: TypeAdapter[tuple[TemplateGoal, ...]] = TypeAdapter(Goals)


@dataclass(frozen=True, slots=True)
class Template:
    template: UUID
    project_type: str
    name: str
    description: str
    goals: tuple[TemplateGoal, ...]
    version: int
    edited_by: str
    edited_at: datetime


def _template_of(row: Any) -> Template:
    return Template(
        row["template"], row["project_type"], row["name"], row["description"], _GOALS.validate_python(row["goals"]),
        row["version"], row["edited_by"], row["edited_at"],
    )  # fmt: skip


async def templates(tx: Transaction) -> list[Template]:
    return [_template_of(row) for row in await tx.raw.fetch("select * from templates order by project_type, name")]


async def find_template(tx: Transaction, template: UUID, *, lock: bool = False) -> Template | None:
    query = "select * from templates where template = $1"
    row = await tx.raw.fetchrow(f"{query} for update" if lock else query, template)
    return _template_of(row) if row else None


async def name_taken(tx: Transaction, name: str, but: UUID) -> bool:
    taken = await tx.raw.fetchval("select true from templates where name = $1 and template <> $2", name, but)
    return bool(taken)


async def save_template(tx: Transaction, one: Template) -> None:
    await tx.raw.execute(
        "insert into templates (template, project_type, name, description, goals, version, edited_by, edited_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (template) do update set project_type = $2, name = $3,"
        " description = $4, goals = $5, version = $6, edited_by = $7, edited_at = $8",
        one.template, one.project_type, one.name, one.description, _GOALS.dump_json(one.goals).decode(),
        one.version, one.edited_by, one.edited_at,
    )  # fmt: skip


async def remove_template(tx: Transaction, template: UUID) -> None:
    await tx.raw.execute("delete from templates where template = $1", template)
