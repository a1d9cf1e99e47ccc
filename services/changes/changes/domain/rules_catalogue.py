"""What the conditions of a rule can ask and what its effects can say, in both languages (C4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bihuan_contracts import Text


class Kind(StrEnum):
    """The type of a field; it decides which operators a condition may use."""

    CHOICE = "choice"
    """One of a closed list."""
    TEXT = "text"
    """A code or name from the data; empty means unknown."""
    NUMBER = "number"
    WHOLE = "whole"
    YES_NO = "yes_no"
    SET = "set"
    """Some of a closed list."""


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: Text


@dataclass(frozen=True, slots=True)
class Field:
    """Something that a condition can ask."""

    name: str
    kind: Kind
    label: Text
    choices: tuple[Choice, ...] = ()
    unit: Text | None = None
    least: Decimal | None = None
    """No number below it can occur."""
    source: str | None = None
    """Expression by which the engine reads it from its input, where the name alone is not enough."""

    @property
    def expression(self) -> str:
        return self.source or self.name

    @property
    def allowed(self) -> frozenset[str]:
        return frozenset(choice.value for choice in self.choices)


@dataclass(frozen=True, slots=True)
class Operator:
    name: str
    label: Text
    values: int | None
    """How many values it takes; None: one or more."""
    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that a row can say; an empty cell says nothing and leaves it to the next row or table."""

    name: str
    label: Text
    choices: tuple[Choice, ...] = ()


def _t(zh: str, en: str) -> Text:
    return Text(zh=zh, en=en)


def _choices(*listed: tuple[str, str, str]) -> tuple[Choice, ...]:
    return tuple(Choice(value, _t(zh, en)) for value, zh, en in listed)


_DAYS, _HOURS, _LEVELS = _t("天", "days"), _t("h", "h"), _t("级", "levels")

FIELDS: Mapping[str, Field] = {
    field.name: field
    for field in (
        Field("change_type", Kind.TEXT, _t("变更类型", "Change type")),
        Field("source", Kind.TEXT, _t("变更来源", "Source of the change")),
        Field("item", Kind.TEXT, _t("变更件", "Changed item")),
        Field("module", Kind.TEXT, _t("模块", "Module")),
        Field("product", Kind.TEXT, _t("产品", "Product")),
        Field("project", Kind.TEXT, _t("项目", "Project")),
        Field("phase", Kind.TEXT, _t("项目阶段", "Project phase")),
        Field("customer", Kind.TEXT, _t("客户", "Customer")),
        Field("department", Kind.TEXT, _t("负责人部门", "Owner's department")),
        Field(
            "relation", Kind.CHOICE, _t("与变更的关系", "Relation to the change"),
            _choices(
                ("direct", "变更的模块本身", "The changed module itself"),
                ("above", "包含变更件的模块", "A module that contains it"),
                ("named", "变更人点名的模块", "A module named by the author"),
            ),
        ),
        Field("depth", Kind.WHOLE, _t("向上层级", "Levels above"), unit=_LEVELS, least=Decimal(0)),
        Field(
            "task_kind", Kind.CHOICE, _t("任务类型", "Kind of task"),
            _choices(
                ("develop", "开发", "Development"),
                ("test", "测试", "Test"),
                ("document", "文档", "Document"),
                ("process", "工艺", "Process"),
                ("purchase", "采购", "Purchase"),
                ("retest", "重测", "Retest"),
                ("ad_hoc", "临时", "Ad hoc"),
                ("none", "没有测试任务", "No test task"),
                ("unknown", "其他", "Other"),
            ),
        ),
        Field("task_open", Kind.YES_NO, _t("任务未完成", "Task is open")),
        Field("days_to_due", Kind.WHOLE, _t("距到期", "Days to due"), unit=_DAYS),
        Field("planned_hours", Kind.NUMBER, _t("计划工时", "Planned hours"), unit=_HOURS, least=Decimal(0)),
        Field(
            "differences", Kind.SET, _t("BOM 差异", "Differences of the bill"),
            _choices(
                ("added", "新增", "Added"),
                ("removed", "取消", "Removed"),
                ("replaced", "换型", "Replaced"),
                ("quantity", "数量", "Quantity"),
                ("flags", "标注或替代料", "Annotations, substitutes"),
            ),
        ),
        Field("flags_only", Kind.YES_NO, _t("只改标注或替代料", "Only annotations or substitutes")),
    )
}  # fmt: skip
"""Facts that every evaluation carries, see `changes.domain.rules.Facts`."""

_TEXTS, _NUMBERS = frozenset({Kind.CHOICE, Kind.TEXT}), frozenset({Kind.NUMBER, Kind.WHOLE})

OPERATORS: Mapping[str, Operator] = {
    one.name: one
    for one in (
        Operator("in", _t("是", "is"), None, _TEXTS),
        Operator("not_in", _t("不是", "is not"), None, _TEXTS),
        Operator("starts", _t("开头是", "starts with"), None, frozenset({Kind.TEXT})),
        Operator("not_starts", _t("开头不是", "does not start with"), None, frozenset({Kind.TEXT})),
        Operator("eq", _t("＝", "="), 1, _NUMBERS),
        Operator("ne", _t("≠", "≠"), 1, _NUMBERS),
        Operator("lt", _t("＜", "<"), 1, _NUMBERS),
        Operator("le", _t("≤", "≤"), 1, _NUMBERS),
        Operator("gt", _t("＞", ">"), 1, _NUMBERS),
        Operator("ge", _t("≥", "≥"), 1, _NUMBERS),
        Operator("between", _t("在（含两端）", "from … to (both included)"), 2, _NUMBERS),
        Operator("until", _t("在（不含上限）", "from … to below"), 2, _NUMBERS),
        Operator("after", _t("在（不含下限）", "above … to"), 2, _NUMBERS),
        Operator("within", _t("在（不含两端）", "strictly between"), 2, _NUMBERS),
        Operator("is", _t("", ""), 1, frozenset({Kind.YES_NO})),
        Operator("any_of", _t("含任一", "has any of"), None, frozenset({Kind.SET})),
        Operator("all_of", _t("全都含", "has all of"), None, frozenset({Kind.SET})),
        Operator("none_of", _t("不含", "has none of"), None, frozenset({Kind.SET})),
        Operator("known", _t("已知", "is known"), 0, frozenset({Kind.TEXT, *_NUMBERS})),
        Operator("unknown", _t("未知", "is unknown"), 0, frozenset({Kind.TEXT, *_NUMBERS})),
    )
}

_YES_NO = _choices(("yes", "是", "Yes"), ("no", "否", "No"))

EFFECTS: Mapping[str, Effect] = {
    one.name: one
    for one in (
        Effect(
            "action", _t("处理", "Action"),
            _choices(
                ("lock", "锁定", "Lock"),
                ("migrate", "迁移到新版", "Migrate"),
                ("retest", "重测", "Retest"),
                ("inform", "仅通知", "Inform"),
            ),
        ),
        Effect("criterion", _t("验证标准", "Criterion")),
        Effect("due_days", _t("期限（工作日）", "Due (working days)")),
        Effect("hours_factor", _t("工时系数", "Hours factor")),
        Effect("must_confirm", _t("须确认", "Must confirm"), _YES_NO),
        Effect(
            "tell", _t("另外通知", "Also tell"),
            _choices(
                ("lead", "项目负责人", "Project lead"),
                ("module", "模块负责人", "Who answers for the module"),
                ("tester", "模块测试工程师", "Test engineers of the module"),
                ("manager", "负责人的上级", "The owner's manager"),
                ("role:process_owner", "流程负责人", "Process owners"),
                ("role:director", "总监", "Directors"),
                ("role:hr", "人力资源", "Human resources"),
            ),
        ),
        Effect("consent", _t("需同意", "Needs consent"), _YES_NO),
    )
}  # fmt: skip
"""`tell` also takes `department:PU` (its managers) and `person:10231`; `consent` also `over:8`, extra hours,
and `over:8:unknown`: or unknown ones."""
