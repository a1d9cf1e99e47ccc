"""Which projects concern somebody (G4)."""

from uuid import UUID

from bihuan_chassis import Transaction


async def projects_around(tx: Transaction, person: str) -> list[UUID]:
    """Active projects that somebody leads, owns a goal of, or has open work in."""
    rows = await tx.raw.fetch(
        "select project from projects where state = 'active' and (lead = $1"
        " or exists (select from jsonb_array_elements(goals) as goal where goal->>'owner' = $1)"
        " or exists (select from tasks where tasks.project = projects.project and owner = $1"
        "  and state in ('active', 'draft')))",
        person,
    )
    return [row["project"] for row in rows]
