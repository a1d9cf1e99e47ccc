"""Products, modules and bills of materials of several levels, and the projects that develop them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from bihuan_chassis.calendar import ZONE, Calendar
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.plm import BomLine, BomReleased, ItemKind, NewCriterion
from bihuan_tools.demo.company import ENGINEER, LEAD, SEED, TESTER, engineers


@dataclass(frozen=True)
class Module:
    """A module with the one value that its test measures."""

    item: str
    name: str
    version: str
    parts: str
    metric: str
    unit: str
    limit: str
    """`>= 3` or `<= 55`."""


MODULES = (
    Module(
        "PM-480",
        "电源模块",
        "V2.3",
        "DCM-2410 DC-DC 变换器*1,EC-470 输出电容*4,HS-40 散热片*1,FH-10 保险座*1,TP-08 导热垫*2,PCB-480 印制板*1",
        "传导发射余量",
        "dB",
        ">= 3",
    ),
    Module(
        "RD-16",
        "导轨驱动板",
        "V1.5",
        "MOS-90 功率管*6,DRV-8 驱动芯片*3,CON-24 连接器*2,PCB-016 印制板*1",
        "输出纹波",
        "mV",
        "<= 50",
    ),
    Module(
        "MB-7",
        "主控板",
        "V3.0",
        "MCU-7 微控制器*1,ETH-2 网口芯片*1,DDR-4 存储器*2,PCB-007 印制板*1",
        "启动时间",
        "s",
        "<= 8",
    ),
    Module("ML-30", "磨头", "V4.1", "SP-30 电主轴*1,BR-71 角接触轴承*4,SE-30 密封圈*2", "径向跳动", "um", "<= 2"),
    Module("WT-8", "工作台", "V2.0", "LG-35 直线导轨*4,BS-25 滚珠丝杠*2,GR-1 光栅尺*2", "定位精度", "um", "<= 4"),
    Module("HS-12", "液压站", "V1.2", "HP-12 齿轮泵*1,HV-4 电磁阀*6,HT-60 油箱*1", "压力波动", "MPa", "<= 0.3"),
    Module("SM-11", "敏感模块", "V5.2", "SN-11 敏感元件*1,DP-3 膜片*1,TB-6 绝缘端子*6", "零点漂移", "%", "<= 0.05"),
    Module(
        "SC-5", "信号调理板", "V2.6", "ADC-24 模数转换器*1,OPA-2 运放*4,PCB-005 印制板*1", "有效分辨率", "bit", ">= 20"
    ),
    Module("CU-9", "通信单元", "V1.8", "MOD-9 通信模组*1,ANT-1 天线*1,PCB-009 印制板*1", "丢包率", "%", "<= 0.1"),
    Module("FD-2", "流量检测体", "V3.3", "COIL-2 励磁线圈*2,EL-4 电极*4,LN-2 衬里*1", "示值误差", "%", "<= 0.5"),
)
ASSEMBLIES = (
    ("CC-120", "控制柜", "V3.1", ("PM-480", "RD-16", "MB-7"), ("FN-3 散热风机*2", "CB-1 柜体*1", "WH-12 线束*3")),
    ("TX-40", "变送单元", "V1.9", ("SC-5", "CU-9"), ("HSG-4 壳体*1",)),
)
PRODUCTS = (
    ("GX-500", "五轴磨床", "V1.4", ("CC-120", "ML-30", "WT-8", "HS-12"), "华东精机"),
    ("SV-60", "伺服驱动器", "V2.2", ("PM-480", "RD-16", "MB-7"), "联合自动化"),
    ("PS-210", "压力传感器", "V6.0", ("SM-11", "SC-5"), "北方石化"),
    ("TS-330", "温度变送器", "V3.5", ("TX-40",), "长江制药"),
    ("CM-80", "在线测量仪", "V1.1", ("SM-11", "TX-40", "MB-7"), "东海轴承"),
    ("FL-45", "电磁流量计", "V2.8", ("FD-2", "TX-40"), "南方水务"),
)
_STARTED = datetime(2024, 3, 4, 1, 0, tzinfo=UTC)


def first_releases() -> list[BomReleased]:
    """The structure as it stands: first releases, from parts up to products."""
    found = [_release(m.item, m.name, ItemKind.MODULE, m.version, _parts(m.parts.split(","))) for m in MODULES]
    for item, name, version, modules, parts in ASSEMBLIES:
        found.append(_release(item, name, ItemKind.MODULE, version, (*map(_child, modules), *_parts(parts))))
    for item, name, version, children, _ in PRODUCTS:
        found.append(_release(item, name, ItemKind.PRODUCT, version, tuple(map(_child, children))))
    return found


def _release(item: str, name: str, kind: ItemKind, version: str, lines: tuple[BomLine, ...]) -> BomReleased:
    return BomReleased(item=item, name=name, kind=kind, version=version, lines=lines, released_at=_STARTED)


def _parts(listed: Any) -> tuple[BomLine, ...]:
    lines = []
    for text in listed:
        what, quantity = text.rsplit("*", 1)
        item, name = what.split(" ", 1)
        # The position on the drawing: a successor stands where its predecessor stood.
        lines.append(BomLine(item=item, name=name, quantity=Decimal(quantity), reference=item.split("-")[0]))
    return tuple(lines)


def _child(item: str) -> BomLine:
    names = {m.item: m.name for m in MODULES} | {a[0]: a[1] for a in ASSEMBLIES}
    return BomLine(item=item, name=names[item], quantity=Decimal(1), kind=ItemKind.MODULE)


def power_module_change(now: datetime, *, number: str = "ECN-2026-0187", revision: int = 1) -> BomReleased:
    """ECN-2026-0187: the DC-DC converter is discontinued, its successor brings a stricter criterion."""
    new = "DCM-2412 DC-DC 变换器*1,EC-680 输出电容*4,HS-52 散热片*1,CMC-22 共模电感*2,TP-08 导热垫*3,PCB-480 印制板*1"
    return BomReleased(
        item="PM-480", name="电源模块", kind=ItemKind.MODULE, base_version="V2.3", version="V2.4",
        lines=_parts(new.split(",")), change=number, revision=revision, change_type="design",
        reason="DCM-2410 停产，改用 DCM-2412；发射余量提到 6 dB。",
        criteria=(
            NewCriterion(module="PM-480", text="传导发射余量 ≥ 6 dB", metric="传导发射余量", unit="dB", lower=Decimal(6)),
        ),
        released_by=LEAD, approved_by=("10001",), released_at=now,
    )  # fmt: skip


# ── projects ────────────────────────────────────────────────────────────────────────────────────────────────────────

_LEADS = (LEAD, "10112", "10118")
_WORK = (
    ("develop", "{m}原理设计", "设计评审纪要", "评审遗留问题全部关闭"),
    ("develop", "{m}样机调试", "调试记录", None),
    ("test", "{m}型式试验", "试验报告", None),
    ("document", "{m}技术文档", "设计说明书", "文档评审通过"),
    ("process", "{m}装配工艺", "装配作业指导书", "试装一次合格"),
)
_MANNER: dict[str, dict[str, Any]] = {
    "评审遗留问题全部关闭": {
        "kind": "checklist",
        "items": ["原理图评审意见全部答复", "器件降额核算", "EMC 预评估", "可制造性检查", "遗留问题逐条关闭"],
    },
    "设计说明书已归档": {"kind": "document"},
    "文档评审通过": {"kind": "approval", "approver": "project_lead"},
    "试装一次合格": {"kind": "approval", "approver": "process_owner"},
}
"""How each criterion in words is met (G5)."""
_ALSO = {"文档评审通过": ("设计说明书已归档",)}
_GOALS = (("样机达标", "45"), ("试验通过", "35"), ("具备量产条件", None))
_GOAL_OF = {"develop": 0, "test": 1, "document": 2, "process": 2}


def projects(staff: list[PersonChanged], now: datetime) -> list[dict[str, Any]]:
    """Six running projects with about 120 tasks, and four finished ones that estimates learn from."""
    random = Random(SEED)
    running = [_project(random, place, product, staff, now) for place, product in enumerate(PRODUCTS)]
    return running + [_finished(random, place, staff, now) for place in range(4)]


def _project(random: Random, place: int, product: Any, staff: list[PersonChanged], now: datetime) -> dict[str, Any]:
    item, name, _, _, customer = product
    start = now - timedelta(days=150 + 9 * place)
    goals: list[dict[str, Any]] = [{"title": title, "weight": weight, "tasks": []} for title, weight in _GOALS]
    number = 0
    for module in _modules_of(item):
        for kind, title, deliverable, criterion in _WORK:
            number += 1
            task = _task(random, f"{item}-{number:02}", kind, title, deliverable, criterion, module, staff, now)
            goals[_GOAL_OF[kind]]["tasks"].append(task)
    return {
        "code": f"P-{item}", "name": f"{item} {name}", "product": item, "customer": customer,
        "phase": random.choice(("EVT", "DVT", "PVT")), "lead": _LEADS[place % 3], "starts_at": start.isoformat(),
        "due_at": (start + timedelta(days=253)).isoformat(), "goals": [goal for goal in goals if goal["tasks"]],
    }  # fmt: skip


def _modules_of(product: str) -> list[Module]:
    """Every module below a product, over all levels."""
    children = {a[0]: a[3] for a in ASSEMBLIES} | {p[0]: p[3] for p in PRODUCTS}
    by_item = {m.item: m for m in MODULES}
    found: list[Module] = []
    waiting = list(children[product])
    while waiting:
        item = waiting.pop(0)
        if item in by_item and by_item[item] not in found:
            found.append(by_item[item])
        waiting += children.get(item, ())
    return found


def owner_of(random: Random, kind: str, module: Module, staff: list[PersonChanged]) -> str:
    """Who answers for the module does its work; others by department."""
    department = {"test": "TE", "process": "PE"}.get(kind, "RD")
    here = list(engineers(staff, department))
    responsible = [one.person for one in here if module.item in one.modules]
    return responsible[0] if responsible and kind != "document" else random.choice(here[:40]).person


def criterion_of(module: Module, text: str | None, *, verified: bool) -> dict[str, Any]:
    if text is not None:
        return {"text": text, "verified": verified, **_MANNER.get(text, {})}
    sign, value = module.limit.split(" ")
    side = {"lower": value} if sign == ">=" else {"upper": value}
    words = "≥" if sign == ">=" else "≤"
    return {
        "text": f"{module.metric} {words} {value} {module.unit}", "metric": module.metric, "unit": module.unit,
        "verified": verified, **side,
    }  # fmt: skip


def _task(
    random: Random, code: str, kind: str, title: str, deliverable: str, criterion: str | None, module: Module,
    staff: list[PersonChanged], now: datetime,
) -> dict[str, Any]:  # fmt: skip
    planned = random.choice((16, 24, 32, 40, 60))
    due = _end_of_work(now + timedelta(days=random.randint(-25, 35), hours=random.choice((0, 4, 9)) - 3))
    # The power module is what the scenario changes: its work is under way, its test has passed.
    key = module.item == "PM-480"
    done = (key and kind == "test") or (not key and due < now and random.random() < 0.85)
    if key and kind != "test":
        due = _end_of_work(now + timedelta(days=random.randint(1, 9)))
    finished = min(due + timedelta(days=random.choice((-3, -2, -1, -1, 0, 0, 1, 2))), now - timedelta(hours=5))
    owner = {"develop": ENGINEER, "test": TESTER}.get(kind) if key else None
    if module.item == "MB-7" and code.startswith("GX-500") and kind in {"develop", "document"}:
        owner, done = ENGINEER, False
        due = _evening(now + timedelta(hours=7 if kind == "develop" else 30))
    return {
        "code": code, "title": title.format(m=module.name), "kind": kind, "state": "done" if done else "active",
        "owner": owner or owner_of(random, kind, module, staff), "module": module.item, "item_version": module.version,
        "weight": None, "starts_at": (due - timedelta(days=20)).isoformat(), "due_at": due.isoformat(),
        "finished_at": finished.isoformat() if done else None, "planned_hours": str(planned),
        "actual_hours": str(hours_taken(random, planned)) if done else None,
        "deliverables": [
            {
                "title": f"{module.name}{deliverable}", "due_at": due.isoformat(),
                "criteria": [
                    criterion_of(module, text, verified=done) for text in (*_ALSO.get(criterion or "", ()), criterion)
                ],
            }
        ],
    }  # fmt: skip


def _evening(at: datetime) -> datetime:
    return at.astimezone(ZONE).replace(hour=17, minute=30, second=0, microsecond=0)


def _end_of_work(at: datetime) -> datetime:
    """Half past five of that working day in the factory, or of the next one: nobody is given a date at night."""
    calendar, day = Calendar(), _evening(at)
    while not calendar.works(day.date()):
        day += timedelta(days=1)
    return day


def hours_taken(random: Random, planned: int) -> Decimal:
    """What work really takes: a little more than planned, and often something else."""
    hours = Decimal(str(planned * random.lognormvariate(0.08, 0.25)))
    return (hours * 2).quantize(Decimal(1)) / 2


def _finished(random: Random, place: int, staff: list[PersonChanged], now: datetime) -> dict[str, Any]:
    """A project of the past: all its tasks are done, with the hours they really took."""
    end = now - timedelta(days=180 + 130 * place)
    tasks = []
    for number in range(1, 31):
        module = MODULES[(number + place) % len(MODULES)]
        kind, title, deliverable, criterion = _WORK[number % len(_WORK)] if number % 3 else _WORK[2]
        finished = end - timedelta(days=random.randint(1, 200))
        planned = random.choice((16, 24, 32, 40, 60))
        tasks.append(
            {
                "code": f"H{place + 1}-{number:02}", "title": title.format(m=module.name), "kind": kind, "state": "done",
                "owner": owner_of(random, kind, module, staff), "module": module.item, "item_version": "V1.0",
                "due_at": (finished + timedelta(days=random.choice((-2, -1, 0, 1, 3)))).isoformat(),
                "finished_at": finished.isoformat(), "planned_hours": str(planned),
                "actual_hours": str(hours_taken(random, planned)),
                "deliverables": [
                    {"title": f"{module.name}{deliverable}", "criteria": [criterion_of(module, criterion, verified=True)]}
                ],
            }
        )  # fmt: skip
    item, name, *_ = PRODUCTS[place]
    return {
        "code": f"P-{item}-G{place + 1}", "name": f"{item} {name}（上一代）", "product": item,
        "lead": _LEADS[place % 3], "state": "done", "starts_at": (end - timedelta(days=250)).isoformat(),
        "due_at": end.isoformat(), "goals": [{"title": "开发完成", "tasks": tasks}],
    }  # fmt: skip


def task_codes(projects: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for project in projects:
        for goal in project["goals"]:
            for task in goal["tasks"]:
                yield task["code"], task
