"""A year of urgent customer requests that were solved, the planned work beside them, and how soon customers paid.

Who answers whom, and how long it takes, makes the benchmarks (G9); the hours by month show what the requests cost beside
the plan (G10).
"""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from bihuan_chassis.calendar import ZONE, Calendar
from bihuan_contracts.hr import PersonChanged
from bihuan_tools.demo.company import ENGINEER, LEAD, SEED, engineers

_SERIES = (("GX-500", "五轴磨床"), ("SV-60", "伺服驱动器"), ("PS-210", "压力传感器"))
_MONTHS, _EACH_MONTH, _PEOPLE = 12, 4, 10
_ASKED = (
    "现场通信参数核对", "备件清单确认", "安装支架尺寸复核", "出厂报告补盖章件", "上电异常远程排查", "接线图英文版",
    "校准证书补发", "标定曲线说明", "防护等级证明", "固件版本回退指导", "验收资料整套补齐", "现场振动测试支持",
)  # fmt: skip
_KEPT = ("固件维护", "元器件替代验证", "图纸与清单维护", "售后问题归零", "降本改进")
_QUICK, _SLOW = -2, 3
_QUARTERS, _QUARTER = 5, timedelta(days=91)
"""The last one is running; together they reach back over the months of the hours."""


def projects(staff: list[PersonChanged], now: datetime) -> list[dict[str, Any]]:
    """One finished support project a series; a few engineers answered, one of them much quicker than the rest."""
    people = [one.person for one in engineers(staff, "RD") if "project_lead" not in one.roles][:_PEOPLE]
    return [*(_project(item, name, people, now) for item, name in _SERIES), _upkeep(people, now)]


def _upkeep(people: list[str], now: datetime) -> dict[str, Any]:
    """What the same engineers had planned: the upkeep of the series that are sold, quarter by quarter with its hours."""
    random = Random(f"{SEED}upkeep")
    ends = [now + timedelta(days=75 - 91 * (_QUARTERS - quarter)) for quarter in range(1, _QUARTERS + 1)]
    booked = {
        person: [(now - timedelta(days=28 + 30 * month), random.randint(44, 96)) for month in range(_MONTHS)]
        for person in people
    }
    goals = [
        {
            "title": f"第 {quarter} 季度稳定供货",
            "tasks": [_kept(number, person, quarter, end, booked[person], now) for number, person in enumerate(people, 1)],
        }
        for quarter, end in enumerate(ends, 1)
    ]  # fmt: skip
    return {
        "code": "P-UP", "name": "在售产品例行维护", "product": "UPKEEP", "customer": "全部在售客户", "lead": LEAD,
        "phase": "量产", "starts_at": (ends[0] - _QUARTER).isoformat(), "due_at": ends[-1].isoformat(), "goals": goals,
    }  # fmt: skip


def _kept(
    number: int, person: str, quarter: int, end: datetime, booked: list[tuple[datetime, int]], now: datetime
) -> dict[str, Any]:
    """One engineer's quarter; now and then one is closed two days late."""
    begin, over = end - _QUARTER, end < now
    task: dict[str, Any] = {
        "code": f"UP-{number:02}Q{quarter}", "title": f"{_KEPT[number % len(_KEPT)]}（{number} 组）", "kind": "develop",
        "owner": person, "starts_at": begin.isoformat(), "due_at": end.isoformat(), "planned_hours": "210",
        "bookings": [
            {"person": person, "hours": str(hours), "at": at.isoformat()} for at, hours in booked if begin <= at < end
        ],
        "deliverables": [
            {
                "title": f"第 {quarter} 季度维护记录", "due_at": end.isoformat(),
                "criteria": [{"text": "本季度维护项全部关闭", "verified": over}],
            }
        ],
    }  # fmt: skip
    if over:
        finished = end + timedelta(days=2 if (number + quarter) % 7 == 0 else -3)
        task |= {"state": "done", "finished_at": finished.isoformat()}
    return task


def days_to_pay(series: str, delivered: datetime, number: int) -> int:
    """Customers pay sooner in months in which their questions were answered sooner."""
    return 22 + 5 * _pressure(series, delivered) + Random(f"{SEED}{number}").randint(-14, 18)


def _pressure(series: str, at: datetime) -> int:
    """How much was going on: days that every answer of the month took longer."""
    return Random(f"{SEED}{series}{at.astimezone(ZONE):%Y-%m}").choice((0, 0, 1, 2, 3, 4))


def _project(item: str, name: str, people: list[str], now: datetime) -> dict[str, Any]:
    random, calendar = Random(f"{SEED}{item}"), Calendar()
    tasks: list[dict[str, Any]] = []
    for number in range(_MONTHS * _EACH_MONTH):
        asked = now - timedelta(days=25 + 29 * (number // _EACH_MONTH) + 5 * (number % _EACH_MONTH), hours=3)
        owner = people[(number + len(tasks) // 7) % len(people)]
        usual = _QUICK if owner == ENGINEER else random.choice((0, 0, 1))
        took = max(0, _SLOW + _pressure(item, asked) + usual + random.choice((-1, 0, 0, 1)))
        solved = calendar.add(asked, took)
        tasks.append(
            {
                "code": f"{item}-S{number + 1:02}", "title": _ASKED[(number * 5 + len(item)) % len(_ASKED)],
                "kind": "ad_hoc", "state": "done", "owner": owner, "starts_at": asked.isoformat(),
                "due_at": calendar.add(asked, 6).isoformat(), "finished_at": solved.isoformat(), "planned_hours": "4",
                "bookings": [
                    {"person": owner, "hours": str(random.choice((2, 3, 4, 4, 5, 6))), "at": solved.isoformat()}
                ],
                "deliverables": [
                    {
                        "title": "客户确认的答复",
                        "criteria": [
                            {"text": "客户确认已解决", "kind": "approval", "approver": "project_lead", "verified": True}
                        ],
                    }
                ],
            }
        )  # fmt: skip
    return {
        "code": f"P-{item}-S", "name": f"{item} {name}客户支持（上一年度）", "product": item, "lead": LEAD, "state": "done",
        "starts_at": (now - timedelta(days=380)).isoformat(), "due_at": (now - timedelta(days=10)).isoformat(),
        "goals": [{"title": "客户加急全部答复", "tasks": tasks}],
    }  # fmt: skip
