"""Rules of the demo company: three tables in force, and a draft of the base table that can't be published yet (C4)."""

from typing import Any

import httpx

from bihuan_chassis.auth import Role
from bihuan_tools.instance import Instance
from bihuan_tools.stack import StackError

OWNER, DIRECTOR = "10003", "10001"


def _when(**cells: str) -> dict[str, Any]:
    """`module="starts PM-"` as the condition of a cell."""
    found = {}
    for name, text in cells.items():
        op, _, values = text.partition(" ")
        found[name] = {"op": op, "values": values.split(",")}
    return found


def _row(id: str, zh: str, en: str, when: dict[str, Any], **then: str) -> dict[str, Any]:
    said = {name: value.split(",") for name, value in then.items()}
    return {"id": id, "when": when, "then": said, "note": {"zh": zh, "en": en}}


def _case(id: str, title: str, rows: list[str], **facts: str) -> dict[str, Any]:
    return {"id": id, "title": title, "facts": {name: [value] for name, value in facts.items()}, "rows": rows}


_TABLES = (
    (
        "电源模块换版后的 EMC 复测", "EMC tests after a change of a power module",
        {
            "fields": ["module", "relation", "task_kind", "phase"],
            "effects": ["criterion", "due_days", "hours_factor"],
            "complete": False,
            "rows": [
                _row(
                    "emc-late", "小批阶段要在正式台架上复测，准备时间更长", "From PVT on the retest needs the accredited bench",
                    _when(module="starts PM-", relation="in direct,named", task_kind="in test,none", phase="in PVT"),
                    criterion="传导与辐射发射余量均 ≥ 6 dB（正式台架）", due_days="5", hours_factor="1.5",
                ),
                _row(
                    "emc", "电源模块换版一律复测 EMC", "Every new version of a power module is tested for EMC again",
                    _when(module="starts PM-", relation="in direct,named", task_kind="in test,none"),
                    criterion="传导发射余量 ≥ 6 dB", due_days="3", hours_factor="1.3",
                ),
            ],
            "cases": [
                _case("c1", "电源模块 · 小批阶段的测试", ["emc-late"], module="PM-480", relation="direct", task_kind="test", phase="PVT"),
                _case("c2", "电源模块 · 样机阶段的测试", ["emc"], module="PM-480", relation="direct", task_kind="test", phase="EVT"),
                _case("c3", "导轨驱动板不归这里管", [], module="RD-16", relation="direct", task_kind="test", phase="EVT"),
            ],
        },
    ),
    (
        "加工时较多的调整要本人同意", "Consent where a change costs many hours",
        {
            "fields": ["phase", "module", "task_kind", "task_open"],
            "effects": ["consent"],
            "complete": False,
            "rows": [
                _row(
                    "pvt", "小批阶段加工时超过 8 小时，要本人同意", "In PVT more than 8 extra hours need the person's consent",
                    _when(phase="in PVT", module="not_starts PM-", task_kind="in develop,process,purchase", task_open="is yes"),
                    consent="over:8",
                ),
            ],
            "cases": [
                _case("c1", "小批阶段的工艺任务", ["pvt"], phase="PVT", module="RD-16", task_kind="process", task_open="yes"),
                _case("c2", "样机阶段不用", [], phase="EVT", module="RD-16", task_kind="process", task_open="yes"),
            ],
        },
    ),
    (
        "供应商变更通知采购与质量", "Supplier changes: tell purchasing and quality",
        {
            "fields": ["change_type", "differences"],
            "effects": ["tell"],
            "hit_policy": "collect",
            "complete": False,
            "rows": [
                _row(
                    "supplier", "供应商提出的变更，采购要核对在途订单", "A supplier's change: purchasing checks the open orders",
                    _when(change_type="in supplier"), tell="department:PU",
                ),
                _row(
                    "new-part", "换型或新增的来料，质量要改检验项", "Replaced or new parts: quality changes the inspection",
                    _when(change_type="in supplier", differences="any_of replaced,added"), tell="department:QA",
                ),
            ],
            "cases": [
                _case("c1", "供应商换型", ["supplier", "new-part"], change_type="supplier", differences="replaced"),
                _case("c2", "供应商只改数量", ["supplier"], change_type="supplier", differences="quantity"),
                _case("c3", "设计变更", [], change_type="design", differences="replaced"),
            ],
        },
    ),
)  # fmt: skip


async def write(instance: Instance, client: httpx.AsyncClient) -> int:
    """How many tables were written; 0 when they are there already."""
    company = _Company(instance, client)
    if len((await company.ask(OWNER, "GET", "/rules"))["tables"]) > 1:
        return 0
    for zh, en, table in _TABLES:
        page = await company.ask(OWNER, "POST", "/rules", {"title": zh, "title_en": en})
        at = f"/rules/{page['name']}/versions/1"
        draft = {"edition": page["edition"], "title": zh, "title_en": en, "table": table}
        saved = await company.ask(OWNER, "PUT", at, draft)
        await company.ask(OWNER, "POST", f"{at}/submit", {"edition": saved["edition"]})
        await company.ask(DIRECTOR, "POST", f"{at}/approve", {"edition": saved["edition"]})
    await _draft_with_a_gap(company)
    return len(_TABLES) + 1


async def _draft_with_a_gap(company: "_Company") -> None:
    """Somebody has narrowed the default row: closed work of a module above meets no row any more."""
    page = await company.ask(OWNER, "POST", "/rules/default/versions", {"based_on": 1})
    table = page["table"]
    table["rows"][-1]["when"] = _when(task_open="is yes")
    table["rows"][3]["then"]["hours_factor"] = ["1.3"]
    table["cases"][0]["then"]["hours_factor"] = ["1.3"]
    title = page["title"]
    draft = {"edition": page["edition"], "title": title["zh"], "title_en": title["en"], "table": table}
    await company.ask(OWNER, "PUT", "/rules/default/versions/2", draft)


class _Company:
    """Acts as the process owner or the director, on the service's own address."""

    def __init__(self, instance: Instance, client: httpx.AsyncClient) -> None:
        self._address = f"http://127.0.0.1:{instance.ports['changes']}/api/changes"
        self._tokens = {
            OWNER: instance.token(OWNER, frozenset({Role.EMPLOYEE, Role.PROCESS_OWNER}), "许静姝"),
            DIRECTOR: instance.token(DIRECTOR, frozenset({Role.EMPLOYEE, Role.DIRECTOR}), "方志诚"),
        }
        self._client = client

    async def ask(self, person: str, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._tokens[person]}"}
        answer = await self._client.request(method, self._address + path, json=body, headers=headers)
        if answer.is_error:
            raise StackError(f"规则：{answer.text}", f"Rules: {answer.text}")
        return answer.json()
