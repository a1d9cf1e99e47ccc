"""The 100 % record: every moved target in a period with its matrix or change, and the gaps by name (C8)."""

import io
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from openpyxl import Workbook
from pydantic import AwareDatetime

from bihuan_chassis.calendar import ZONE
from bihuan_chassis.http import EVERYONE, Caller, Reply, Role, Tx, allow, invalid, router
from bihuan_contracts.changes import ConsentAnswer
from bihuan_contracts.goals import TargetChange, TargetField
from changes import record_store, store
from changes.domain.record import explains

routes = router(tags=["consents"])
_READERS = {
    Role.HR,
    Role.AUDITOR,
    Role.DIRECTOR,
    Role.PROCESS_OWNER,
    Role.ADMINISTRATOR,
    Role.PROJECT_LEAD,
}
_DAYS = 90
_MOST = 5000
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class RecordReply(Reply):
    """The same answer to some rows of the matrix."""

    answer: str
    about: list[str]
    """Codes of the rows' tasks; empty where the matrix as a whole was meant."""


class RecordAnswer(Reply):
    """Each person of the matrix once."""

    name: str
    replies: list[RecordReply]


class RecordLine(Reply):
    """One adjustment with what it stands on; `gap` says why it stands on nothing."""

    at: datetime
    task: UUID
    task_code: str
    task_title: str
    person: str | None
    person_name: str | None
    changes: list[TargetChange]
    cause: UUID | None
    cause_number: str | None
    matrix: UUID | None
    revision: int | None
    answers: list[RecordAnswer]
    gap: str | None
    """no_cause: moved by hand; not_settled, unknown_matrix, unknown_change: the cause does not hold."""


class Record(Reply):
    start: datetime
    end: datetime
    adjustments: int
    covered: int
    lines: list[RecordLine]


@routes.get("/adjustments", dependencies=[allow(EVERYONE)])
async def read_record(
    tx: Tx, caller: Caller, start: AwareDatetime | None = None, end: AwareDatetime | None = None
) -> Record:
    """Everybody reads their own; who oversees or leads reads all."""
    return await _record(tx, caller, start, end)


@routes.get("/adjustments.xlsx", dependencies=[allow(EVERYONE)])
async def export_record(
    tx: Tx,
    caller: Caller,
    start: AwareDatetime | None = None,
    end: AwareDatetime | None = None,
    language: Annotated[str, Query(pattern="^(zh|en)$")] = "zh",
) -> Response:
    found = await _record(tx, caller, start, end)
    headers = {"Content-Disposition": 'attachment; filename="adjustments.xlsx"'}
    return Response(_workbook(found, language), media_type=_XLSX, headers=headers)


def reads_all(caller: Caller) -> bool:
    return any(caller.has(role) for role in _READERS)


async def _record(tx: Tx, caller: Caller, start: datetime | None, end: datetime | None) -> Record:
    end = end or tx.now + timedelta(seconds=1)
    start = start or end - timedelta(days=_DAYS)
    if start >= end:
        raise invalid("start", "after_end", "开始应早于结束", "The start should be before the end")
    causes = await record_store.causes_between(tx, start, end, _MOST)
    moves = await _unexplained(tx, await record_store.moves_between(tx, start, end, _MOST))
    everything = reads_all(caller)
    rows = [row for row in (*causes, *moves) if everything or row["person"] == caller.id]
    people = {row["person"] for row in rows if row["person"]} | {
        answer["person"] for row in causes for answer in row["answers"]
    }
    names = await store.people_names(tx, people)
    lines = sorted([_line(row, names) for row in rows], key=lambda line: line.at, reverse=True)
    return Record(
        start=start, end=end, adjustments=len(lines), covered=sum(line.gap is None for line in lines), lines=lines
    )


async def _unexplained(tx: Tx, moves: Sequence[Any]) -> list[Any]:
    """Moves that no cause of goals explains, whenever it came."""
    causes: dict[UUID, list[TargetChange]] = {}
    for row in await record_store.causes_of_tasks(tx, list({row["task"] for row in moves})):
        causes.setdefault(row["task"], []).extend(record_store.changes_of(row))
    return [row for row in moves if not explains(causes.get(row["task"], ()), TargetField(row["field"]), row["new"])]


def _line(row: Any, names: dict[str, str]) -> RecordLine:
    by_hand = "field" in row.keys()  # noqa: SIM118 - a record's `in` looks at its values
    if by_hand:
        changes = [TargetChange(field=TargetField(row["field"]), old=row["old"], new=row["new"])]
    else:
        changes = list(record_store.changes_of(row))
    return RecordLine(
        at=row["at"], task=row["task"], task_code=row["task_code"], task_title=row["task_title"],
        person=row["person"], person_name=names.get(row["person"] or "", row["person"]), changes=changes,
        cause=None if by_hand else row["change"], cause_number=None if by_hand else row["change_number"],
        matrix=None if by_hand else row["matrix"], revision=None if by_hand else row["matrix_revision"],
        answers=[] if by_hand else _answers(row, names),
        gap="no_cause" if by_hand else _gap(row),
    )  # fmt: skip


def _answers(row: Any, names: dict[str, str]) -> list[RecordAnswer]:
    by_person: dict[str, dict[str, list[str]]] = {}
    for one in row["answers"]:
        about = by_person.setdefault(one["person"], {}).setdefault(one["answer"], [])
        if one["task"] and one["task"] not in about:
            about.append(one["task"])
    return [
        RecordAnswer(
            name=names.get(person, person),
            replies=[RecordReply(answer=answer, about=about) for answer, about in said.items()],
        )
        for person, said in by_person.items()
    ]


def _gap(row: Any) -> str | None:
    if row["matrix"] is not None:
        if row["matrix_number"] is None:
            return "unknown_matrix"
        return None if row["matrix_state"] == "settled" else "not_settled"
    return None if row["order_number"] is not None else "unknown_change"


_HEADS = {
    "zh": ("时间（北京时间）", "任务", "标题", "责任人", "目标", "原值", "新值", "依据", "版本", "答复", "缺口"),
    "en": (
        "At (Beijing time)",
        "Task",
        "Title",
        "Person",
        "Target",
        "Old",
        "New",
        "Cause",
        "Revision",
        "Answers",
        "Gap",
    ),
}
_WORDS = {
    "zh": {
        TargetField.DUE_AT: "到期", TargetField.PLANNED_HOURS: "计划工时", TargetField.CRITERION: "标准",
        TargetField.WEIGHT: "权重", TargetField.OWNER: "负责人", TargetField.STATE: "状态", TargetField.UNKNOWN: "目标",
        ConsentAnswer.ACCEPTED: "接受", ConsentAnswer.NEGOTIATING: "协商", ConsentAnswer.REJECTED: "拒绝",
        ConsentAnswer.OVERRIDDEN: "仲裁决定", ConsentAnswer.SILENT: "未答复",
        "no_cause": "无依据改动", "not_settled": "矩阵未定稿", "unknown_matrix": "矩阵不存在",
        "unknown_change": "变更不存在",
    },
    "en": {
        TargetField.DUE_AT: "Due", TargetField.PLANNED_HOURS: "Planned hours", TargetField.CRITERION: "Criterion",
        TargetField.WEIGHT: "Weight", TargetField.OWNER: "Owner", TargetField.STATE: "State",
        TargetField.UNKNOWN: "Target",
        ConsentAnswer.ACCEPTED: "accepted", ConsentAnswer.NEGOTIATING: "negotiates", ConsentAnswer.REJECTED: "rejected",
        ConsentAnswer.OVERRIDDEN: "decided by the arbiter", ConsentAnswer.SILENT: "no answer",
        "no_cause": "Moved by hand", "not_settled": "Matrix not settled", "unknown_matrix": "No such matrix",
        "unknown_change": "No such change",
    },
}  # fmt: skip


def _workbook(record: Record, language: str) -> bytes:
    words: Mapping[str, str] = _WORDS[language]
    book = Workbook(write_only=True)
    sheet = book.create_sheet("adjustments")
    sheet.append(_HEADS[language])
    for line in record.lines:
        answers = "；".join(
            " ".join([one.name, words.get(said.answer, said.answer), *said.about])
            for one in line.answers
            for said in one.replies
        )
        for change in line.changes:
            sheet.append(
                [line.at.astimezone(ZONE).replace(tzinfo=None), line.task_code, _text(line.task_title),
                 line.person_name, words.get(change.field, change.field), _value(change.field, change.old),
                 _value(change.field, change.new), line.cause_number, line.revision, answers,
                 line.gap and words[line.gap]]
            )  # fmt: skip
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def _value(field: TargetField, value: str | None) -> datetime | str | None:
    """A cell cannot hold a zone: Beijing time, as the head says."""
    if value and field is TargetField.DUE_AT:
        return datetime.fromisoformat(value).astimezone(ZONE).replace(tzinfo=None)
    return _text(value)


def _text(value: str | None) -> str | None:
    """What somebody has typed never becomes a formula."""
    return f"'{value}" if value and value[0] in "=+-@" else value
