"""Urgent customer requests: booked by people, sent by the customer system, and the hours they took (G10)."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from bihuan_contracts.crm import CustomerOrderChanged, CustomerOrderStatus
from bihuan_tools.demo.acting import People
from bihuan_tools.events import publish
from bihuan_tools.instance import Instance

_SENT = (
    ("SO-00161", "东海轴承", "CM-80", "P-CM-80", "测头标定块损坏，产线停着，请当天发一套备件"),
    ("SO-00162", "西部装备", "SV-60", None, "展会样机要加装防护罩，下周三布展"),
)
"""The second customer has no project: it waits for a lead."""
_BOOKED = (
    ("10315", "计量站要零点漂移原始数据，周五前复核", "北方石化", "6", "14"),
    ("10235", "现场通信协议联调，驱动与客户 PLC 对不上", "联合自动化", "4.5", "20"),
    ("10007", "防爆证书副本，装船前要", "南方水务", None, None),
)
"""Who, what, for whom, hours on it, hours on their planned work."""
_SOLVED, _LEAD_OF_SOLVED = "10235", "10112"


async def book(instance: Instance, client: httpx.AsyncClient, now: datetime) -> None:
    await publish(instance.kafka_servers, [_order(now, *one) for one in _SENT], source="bihuan/demo")
    people = People(instance, client, "客户加急", "Urgent requests")
    for person, what, whom, unplanned, planned in _BOOKED:
        made = await people.ask(person, "POST", "/requests", service="goals", json={"what": what, "whom": whom})
        if unplanned is not None:
            await _work(people, person, made["task"], unplanned, planned)
        if person == _SOLVED:
            await _solve(people, made["task"])


async def _work(people: People, person: str, task: str, unplanned: str, planned: Any) -> None:
    week = await people.ask(person, "GET", "/week", service="goals")
    own = [one for project in week["weights"] for one in project["tasks"]]
    other = min(one["code"] for one in own if one["state"] == "active" and one["kind"] != "ad_hoc")
    beside = next(one["task"] for one in own if one["code"] == other)
    for worked, hours in ((task, unplanned), (beside, planned)):
        await people.ask(person, "POST", f"/tasks/{worked}/progress", service="goals", json={"hours": hours})


async def _solve(people: People, task: str) -> None:
    """The lead confirms what the customer has said."""
    asked = (await people.ask(_LEAD_OF_SOLVED, "GET", f"/tasks/{task}/evidence", service="goals"))["criteria"]
    for one in asked:
        path = f"/tasks/{task}/criteria/{one['criterion']}/approval"
        body = {"version": one["version"], "approved": True}
        await people.ask(_LEAD_OF_SOLVED, "POST", path, service="goals", json=body)


def _order(
    now: datetime, number: str, customer: str, series: str, project: str | None, what: str
) -> CustomerOrderChanged:
    return CustomerOrderChanged(
        number=number, customer=f"C-{customer}", customer_name=customer, series=series, quantity=1,
        status=CustomerOrderStatus.OPEN, urgent_request=what, project=project, ordered_at=now - timedelta(days=3),
        promised_at=now + timedelta(days=90), version=1,
    )  # fmt: skip
