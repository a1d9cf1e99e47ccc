"""Rows of evidence other than reports, and of reports that are in doubt (G5)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bihuan_chassis import Transaction
from bihuan_contracts.qa import TestReported
from goals.domain.evidence import Judgement
from goals.domain.proofs import ProofKind


@dataclass(frozen=True, slots=True)
class Proof:
    """Evidence on a task; without a judgement it is in doubt: nobody has said which criterion it belongs to."""

    id: UUID
    task: UUID
    kind: ProofKind
    title: str
    person: str
    at: datetime
    judgement: Judgement | None
    ref: str | None = None
    """Attachment, or address of the commit."""
    digest: str | None = None
    items: tuple[int, ...] = ()


async def save(tx: Transaction, proofs: Sequence[Proof]) -> None:
    await tx.raw.executemany(
        "insert into proofs (id, task, kind, title, person, at, ref, digest, items, criterion, criterion_version,"
        " counts, passed, code, reason) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
        " on conflict (id) do update set criterion = excluded.criterion,"
        " criterion_version = excluded.criterion_version, counts = excluded.counts,"
        " passed = excluded.passed, code = excluded.code, reason = excluded.reason"
        " where proofs.criterion is null",
        [
            (
                one.id, one.task, str(one.kind), one.title, one.person, one.at, one.ref, one.digest, list(one.items),
                one.judgement.criterion.criterion if one.judgement else None,
                one.judgement.criterion.version if one.judgement else None,
                bool(one.judgement and one.judgement.counts), bool(one.judgement and one.judgement.passed),
                one.judgement.code if one.judgement else "in_doubt",
                one.judgement.reason.model_dump_json() if one.judgement else "{}",
            )
            for one in proofs
        ],
    )  # fmt: skip


async def known(tx: Transaction, ids: Iterable[UUID]) -> set[UUID]:
    rows = await tx.raw.fetch("select id from proofs where id = any($1::uuid[])", list(ids))
    return {row["id"] for row in rows}


async def of_task(tx: Transaction, task: UUID) -> list[Any]:
    """Newest first."""
    found: list[Any] = await tx.raw.fetch("select * from proofs where task = $1 order by at desc, id desc", task)
    return found


async def find(tx: Transaction, proof: UUID) -> Any | None:
    return await tx.raw.fetchrow("select * from proofs where id = $1", proof)


async def submitters(tx: Transaction, criterion: UUID, version: int) -> set[str]:
    """Who has handed in what this version of the criterion is to be approved by."""
    rows = await tx.raw.fetch(
        "select distinct person from proofs where criterion = $1 and criterion_version = $2"
        " and kind in ('file', 'commit')",
        criterion, version,
    )  # fmt: skip
    return {row["person"] for row in rows}


async def projects_with_open_work(tx: Transaction) -> list[UUID]:
    rows = await tx.raw.fetch("select project from projects where state = 'active'")
    return [row["project"] for row in rows]


async def manager_of(tx: Transaction, person: str | None) -> str | None:
    found: str | None = await tx.raw.fetchval("select manager from people where person = $1", person)
    return found


# ── reports in doubt ────────────────────────────────────────────────────────────────────────────────────────────────


async def save_doubts(tx: Transaction, found: Sequence[tuple[UUID, TestReported, Sequence[UUID]]]) -> None:
    """Reports (event id, report, candidate tasks) that may belong to several tasks."""
    await tx.raw.executemany(
        "insert into doubtful_reports (id, report, candidates, tested_by, body, received_at)"
        " values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        [
            (id, report.report, list(candidates), report.tested_by, report.model_dump_json(), tx.now)
            for id, report, candidates in found
        ],
    )


async def doubts_of(tx: Transaction, person: str) -> list[Any]:
    """Doubtful reports that somebody has sent, or that may belong to a task of theirs or of a project they lead."""
    found: list[Any] = await tx.raw.fetch(
        "select * from doubtful_reports as d where settled_at is null and (tested_by = $1 or exists ("
        " select from tasks join projects using (project) where task = any(d.candidates) and $1 in (owner, lead)))"
        " order by received_at desc limit 100",
        person,
    )
    return found


async def doubt(tx: Transaction, id: UUID) -> tuple[Any, TestReported] | None:
    row = await tx.raw.fetchrow("select * from doubtful_reports where id = $1 for update", id)
    return (row, TestReported.model_validate(row["body"])) if row else None


async def settle_doubt(tx: Transaction, id: UUID, task: UUID, person: str) -> None:
    await tx.raw.execute(
        "update doubtful_reports set settled_at = $2, task = $3, settled_by = $4 where id = $1",
        id,
        tx.now,
        task,
        person,
    )
    await tx.raw.execute("delete from evidence where id = $1 and code = 'in_doubt'", id)
