"""A whole tree as an Excel workbook: one row a criterion, what stands above is written once (G1, W3).

Workbooks come from outside: their size, what they unpack to and formulas are checked before anything is read.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from bihuan_chassis.auth import Role
from bihuan_chassis.calendar import ZONE
from bihuan_contracts import Text
from bihuan_contracts.goals import CriterionKind, TaskKind, TaskState

MOST_BYTES = 2_000_000
_MOST_UNPACKED = 30_000_000
_MOST_PARTS = 200
MOST_ROWS = 5_000
_LONGEST = 400
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    zh: str
    en: str
    width: int = 12
    kind: str = "text"

    def words(self) -> Text:
        return Text(zh=self.zh, en=self.en)


COLUMNS = (
    Column("goal.title", "目标", "Goal", 18),
    Column("goal.weight", "目标权重", "Goal weight", 9, "number"),
    Column("goal.owner", "目标负责人", "Goal owner", 12, "person"),
    Column("task.code", "任务编号", "Task code", 14),
    Column("task.title", "任务", "Task", 26),
    Column("task.kind", "类型", "Kind", 9, "kind"),
    Column("task.state", "状态", "State", 9, "state"),
    Column("task.weight", "任务权重", "Task weight", 9, "number"),
    Column("task.owner", "负责人", "Owner", 12, "person"),
    Column("task.module", "模块", "Module", 10),
    Column("task.item_version", "绑定版本", "Version", 9),
    Column("task.starts_at", "开始", "Start", 12, "start"),
    Column("task.due_at", "到期", "Due", 12, "end"),
    Column("task.planned_hours", "计划工时", "Planned hours", 9, "number"),
    Column("task.depends_on", "前置任务", "Follows", 18, "codes"),
    Column("deliverable.title", "交付物", "Deliverable", 24),
    Column("deliverable.weight", "交付物权重", "Deliverable weight", 10, "number"),
    Column("deliverable.due_at", "交付物到期", "Deliverable due", 12, "end"),
    Column("criterion.text", "验证标准", "Criterion", 30),
    Column("criterion.kind", "怎样验证", "Verified by", 10, "proof"),
    Column("criterion.metric", "测什么", "Metric", 14),
    Column("criterion.lower", "下限", "Lower limit", 8, "number"),
    Column("criterion.upper", "上限", "Upper limit", 8, "number"),
    Column("criterion.unit", "单位", "Unit", 8),
    Column("criterion.items", "清单各项", "Checklist items", 26, "lines"),
    Column("criterion.approver", "由谁批准", "Approved by", 12, "role"),
)
BY_KEY = {column.key: column for column in COLUMNS}
KINDS = {
    TaskKind.DEVELOP: ("开发", "develop"), TaskKind.TEST: ("测试", "test"), TaskKind.DOCUMENT: ("文档", "document"),
    TaskKind.PROCESS: ("工艺", "process"), TaskKind.PURCHASE: ("采购", "purchase"), TaskKind.AD_HOC: ("加急", "ad hoc"),
}  # fmt: skip
STATES = {
    TaskState.DRAFT: ("草稿", "draft"), TaskState.ACTIVE: ("进行中", "active"), TaskState.DONE: ("完成", "done"),
    TaskState.CANCELLED: ("取消", "cancelled"),
}  # fmt: skip
PROOFS = {
    CriterionKind.MEASUREMENT: ("测量", "measurement"), CriterionKind.CHECKLIST: ("清单", "checklist"),
    CriterionKind.APPROVAL: ("批准", "approval"), CriterionKind.DOCUMENT: ("文件", "document"),
    CriterionKind.STATEMENT: ("结论", "verdict"),
}  # fmt: skip
APPROVERS = {
    Role.PROJECT_LEAD: ("项目负责人", "project lead"), Role.MANAGER: ("负责人的上级", "owner's manager"),
    Role.PROCESS_OWNER: ("流程负责人", "process owner"), Role.TEST_ENGINEER: ("测试工程师", "test engineer"),
    Role.DIRECTOR: ("总监", "director"),
}  # fmt: skip
_WORDS: dict[str, dict[Any, tuple[str, str]]] = {
    "task.kind": KINDS, "task.state": STATES, "criterion.kind": PROOFS, "criterion.approver": APPROVERS,
}  # fmt: skip
"""Columns whose words are chosen from a list."""
_SHEET = ("目标树", "Tree")
_OPENS, _CLOSES = time(8, 30), time(18, 0)


class UnreadableError(Exception):
    """The file as a whole can't be taken: why, in both languages."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        self.code, self.text = code, Text(zh=zh, en=en)
        super().__init__(en)


@dataclass(frozen=True, slots=True)
class CellError:
    """One cell that can't be taken: which row, which column, what stands there, and why."""

    row: int
    column: str
    value: str
    code: str
    message: Text


@dataclass(frozen=True, slots=True)
class Line:
    """One row with its values, the empty ones left out."""

    row: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contents:
    lines: list[Line]
    errors: list[CellError]
    columns: frozenset[str]
    """The columns that are there: an empty cell of one of them empties the field."""


def read(body: bytes, people: dict[str, list[str]]) -> Contents:
    """The rows of a workbook; `people` are employee numbers by name and by number. Raises UnreadableError."""
    _refuse_dangerous(body)
    try:
        book = load_workbook(io.BytesIO(body), read_only=True, data_only=False, keep_links=False)
        sheet = next((book[name] for name in _SHEET if name in book.sheetnames), book.worksheets[0])
        rows = sheet.iter_rows(max_row=MOST_ROWS + 2, max_col=60)
        columns = _columns([cell.value for cell in next(rows)])
    except UnreadableError:
        raise
    except Exception as error:
        raise UnreadableError(
            "unreadable", "不是能读的 Excel 文件（.xlsx）", "Not a readable workbook (.xlsx)"
        ) from error
    lines: list[Line] = []
    errors: list[CellError] = []
    for number, cells in enumerate(rows, 2):
        if number > MOST_ROWS + 1:
            raise UnreadableError("too_many_rows", f"超过 {MOST_ROWS} 行", f"More than {MOST_ROWS} rows")
        values: dict[str, Any] = {}
        for at, column in columns.items():
            cell = cells[at] if at < len(cells) else None
            if cell is None or cell.value is None or str(cell.value).strip() == "":
                continue
            try:
                values[column.key] = _value(column, cell, people)
            except _BadCell as bad:
                errors.append(CellError(number, column.key, str(cell.value)[:80], bad.code, bad.text))
        if values:
            lines.append(Line(number, values))
    return Contents(lines, errors, frozenset(column.key for column in columns.values()))


def _refuse_dangerous(body: bytes) -> None:
    """Zip bombs and document types, before a parser sees them."""
    if len(body) > MOST_BYTES:
        raise UnreadableError("too_large", "文件超过 2 MB", "The file is over 2 MB")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            parts = packed.infolist()
            if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _MOST_UNPACKED:
                raise UnreadableError("bomb", "文件解开后过大", "The file unpacks to too much")
            for part in parts:
                if part.filename.lower().endswith("vbaproject.bin"):
                    raise UnreadableError("macros", "不接受带宏的文件", "Files with macros are not taken")
                if part.filename.lower().endswith((".xml", ".rels")):
                    _refuse_doctype(packed, part)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise UnreadableError(
            "unreadable", "不是能读的 Excel 文件（.xlsx）", "Not a readable workbook (.xlsx)"
        ) from error


def _refuse_doctype(packed: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """What a part says of its size may be a lie: read no more than that."""
    with packed.open(part) as stream:
        content = stream.read(_MOST_UNPACKED + 1)
    if len(content) > _MOST_UNPACKED:
        raise UnreadableError("bomb", "文件解开后过大", "The file unpacks to too much")
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise UnreadableError("doctype", "文件里有不允许的声明", "The file holds declarations that are not allowed")


def _columns(head: Sequence[Any]) -> dict[int, Column]:
    known = {name: column for column in COLUMNS for name in (column.zh, column.en, column.key)}
    found = {at: known[str(name).strip()] for at, name in enumerate(head) if name and str(name).strip() in known}
    needed = [BY_KEY[key] for key in ("goal.title", "task.code", "task.title") if BY_KEY[key] not in found.values()]
    if needed:
        zh, en = "、".join(one.zh for one in needed), ", ".join(one.en for one in needed)
        raise UnreadableError("no_columns", f"第一行缺少列：{zh}", f"The first row lacks the columns {en}")
    return found


class _BadCell(Exception):
    def __init__(self, code: str, zh: str, en: str) -> None:
        self.code, self.text = code, Text(zh=zh, en=en)
        super().__init__(en)


def _value(column: Column, cell: Any, people: dict[str, list[str]]) -> Any:
    if cell.data_type == "f":
        raise _BadCell("formula", "不接受公式，请填数值", "Formulas are not taken: put the value")
    if column.kind == "person":
        return _person(str(cell.value).strip(), people)
    reader: Callable[[Any], Any] = _READ.get(column.kind) or _text
    return reader(cell.value)


def _text(value: Any) -> str:
    words = f"{value:g}" if isinstance(value, float) else str(value).strip()
    if len(words) > _LONGEST:
        raise _BadCell("too_long", f"超过 {_LONGEST} 个字符", f"More than {_LONGEST} characters")
    return words


def _codes(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.split(r"[\s,，、;；]+", str(value).strip())))


def _lines(value: Any) -> tuple[str, ...]:
    """One item a line of the cell, or between semicolons."""
    return tuple(_text(line) for line in re.split(r"[\n;；]+", str(value)) if line.strip())


def _number(value: Any) -> Decimal:
    try:
        found = Decimal(str(value).strip().removesuffix("%"))
    except InvalidOperation:
        found = Decimal("NaN")
    if isinstance(value, bool) or not found.is_finite():
        raise _BadCell("number", "应为数字", "Should be a number")
    return found


def _day(value: Any, clock: time) -> datetime:
    if isinstance(value, datetime):
        day = value
    else:
        try:
            day = datetime.fromisoformat(str(value).strip().replace("/", "-"))
        except ValueError:
            raise _BadCell("date", "应为日期，如 2026-03-31", "Should be a date such as 2026-03-31") from None
    if day.tzinfo is None:
        at = day.time() if day.time() != time(0) else clock
        day = datetime.combine(day.date(), at, ZONE)
    return day


def _word(value: Any, words: dict[Any, tuple[str, str]]) -> Any:
    wanted = str(value).strip().lower()
    for one, (zh, en) in words.items():
        if wanted in {zh, en, str(one)}:
            return one
    zh, en = "、".join(pair[0] for pair in words.values()), ", ".join(pair[1] for pair in words.values())
    raise _BadCell("word", f"应为 {zh} 之一", f"Should be one of {en}")


def _person(value: str, people: dict[str, list[str]]) -> str:
    number = value.rsplit(" ", 1)[-1]
    found = people.get(value) or people.get(number) or []
    if not found:
        raise _BadCell("unknown_person", "没有这个人", "There is no such person")
    if len(found) > 1:
        raise _BadCell(
            "ambiguous", f"有 {len(found)} 位同名，请写工号", f"{len(found)} people have this name: write the number"
        )
    return found[0]


_READ: dict[str, Callable[[Any], Any]] = {
    "number": _number,
    "start": lambda value: _day(value, _OPENS),
    "end": lambda value: _day(value, _CLOSES),
    "kind": lambda value: _word(value, KINDS),
    "state": lambda value: _word(value, STATES),
    "proof": lambda value: _word(value, PROOFS),
    "role": lambda value: _word(value, APPROVERS),
    "lines": _lines,
    "codes": _codes,
}


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def write(rows: Iterable[dict[str, Any]], language: str) -> bytes:
    """A workbook that `read` takes back."""
    place = 1 if language == "en" else 0
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = _SHEET[place]
    for at, column in enumerate(COLUMNS, 1):
        head = sheet.cell(1, at, column.en if place else column.zh)
        head.font, head.fill = Font(bold=True), PatternFill("solid", fgColor="EEEBE3")
        sheet.column_dimensions[get_column_letter(at)].width = column.width
    last = 1
    for last, row in enumerate(rows, 2):
        for at, column in enumerate(COLUMNS, 1):
            if (value := row.get(column.key)) not in (None, ()):
                _write(sheet.cell(last, at), column, value, place)
    for key, words in _WORDS.items():
        listed = ",".join(pair[place] for pair in words.values())
        letter = get_column_letter(COLUMNS.index(BY_KEY[key]) + 1)
        check = DataValidation(type="list", formula1=f'"{listed}"', allow_blank=True)
        check.add(f"{letter}2:{letter}{max(last, 2) + 200}")
        sheet.add_data_validation(check)
    sheet.freeze_panes = "F2"
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _write(cell: Any, column: Column, value: Any, place: int) -> None:
    if column.kind == "number":
        cell.value = value
    elif column.kind in {"start", "end"}:
        cell.value, cell.number_format = value.astimezone(ZONE).replace(tzinfo=None), "yyyy-mm-dd"
    else:
        words = _WORDS.get(column.key, {})
        listed = "\n".join(value) if column.kind == "lines" else str(value)
        cell.value = words[value][place] if value in words else listed
        # A text that begins like a formula stays a text.
        cell.data_type = "s"
        cell.alignment = Alignment(wrap_text=True, vertical="top")
