"""Impact matrices from the pages alone: proposer, affected engineers, arbiter (C7, C8)."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from bihuan_tools.demo.company import LEAD
from bihuan_tools.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(120)]
OpenAs = Callable[..., Page]
DIRECTOR = "10001"


def _task(page: Page, project: str, module: str) -> dict[str, str]:
    """Open development work on this module that is somebody else's than the reader's."""
    listed = page.request.get("/api/goals/projects").json()["projects"]
    known = next(one["project"] for one in listed if one["code"] == project)
    goals = page.request.get(f"/api/goals/projects/{known}").json()["goals"]
    found: dict[str, str] = next(
        task
        for goal in goals
        for task in goal["tasks"]
        if (task["module"], task["kind"], task["state"]) == (module, "develop", "active") and task["owner"] != LEAD
    )
    return found


def _row(page: Page, name: str) -> Locator:
    return page.locator("table.mtx tbody tr").filter(has_text=name)


def _propose(page: Page, task: dict[str, str], title: str) -> None:
    """From the task's page: the new date, why, and the system finds whom it concerns."""
    page.goto(f"/tasks/{task['task']}")
    page.get_by_role("link", name="调整目标").click()
    due = datetime.fromisoformat(task["due_at"])
    day = max(due, datetime.now(due.tzinfo)) + timedelta(days=9)
    page.get_by_label("新目标").fill(day.date().isoformat())
    page.get_by_label("标题").fill(title)
    page.get_by_label("为什么").fill("台架维修，试验要顺延。")
    page.get_by_role("button", name="找出受影响的人").click()
    page.wait_for_url(re.compile(r"/consents/[0-9a-f-]{36}"))


def _fill_in(page: Page) -> int:
    """The four columns of every row; how many rows there are."""
    rows = page.locator("table.mtx.edit tbody tr")
    expect(rows.first).to_be_visible()
    for row in rows.all():
        row.get_by_label(re.compile("的额外工时")).fill("4")
        row.get_by_label("补偿方案").select_option("bonus_points")
        row.get_by_label("数量").fill("10")
    return rows.count()


def test_a_counter_offer_is_taken_and_everybody_is_asked_again(bihuan: Instance, open_as: OpenAs) -> None:
    """C7, C8: proposer and affected engineer; a stale answer shows both revisions and keeps the words."""
    lead = open_as(LEAD)
    task = _task(lead, "P-GX-500", "WT-8")
    _propose(lead, task, "工作台原理设计顺延")
    lead.get_by_role("button", name=re.compile("发给")).click()
    expect(lead.get_by_text("请填写额外工时，没有就填 0").first).to_be_visible()
    expect(lead.get_by_text("请选择补偿").first).to_be_visible()
    count = _fill_in(lead)
    lead.get_by_role("button", name=f"发给 {count} 人").click()
    expect(lead.get_by_text("未生效").first).to_be_visible()
    path = lead.url.removeprefix(bihuan.address)

    engineer = open_as(task["owner"], path)
    name = task["owner_name"]
    engineer.get_by_role("button", name="协商").click()
    dialog = engineer.get_by_role("dialog")
    dialog.get_by_label("希望的工时").fill("9")
    dialog.get_by_label("用自己的话说明").fill("要重做一遍装夹，四小时不够。")
    dialog.get_by_role("button", name="发出还价").click()
    expect(_row(engineer, name).get_by_text("协商中")).to_be_visible()

    expect(_row(lead, name).get_by_text("要重做一遍装夹")).to_be_visible()
    engineer.get_by_role("button", name="拒绝").click()
    dialog.get_by_label("用自己的话说明").fill("那就不做了。")
    lead.get_by_role("button", name="起草第 2 版").click()
    lead.get_by_role("button", name="采用还价").click()
    lead.get_by_role("button", name=f"发给 {count} 人").click()
    expect(dialog.get_by_role("alert")).to_contain_text("第 2 版")
    expect(dialog.get_by_role("row").filter(has_text="9 h")).to_be_visible()
    expect(dialog.get_by_label("用自己的话说明")).to_have_value("那就不做了。")
    engineer.keyboard.press("Escape")

    engineer.get_by_role("button", name="接受").click()
    expect(_row(engineer, name).get_by_text("已接受")).to_be_visible()
    for page in (lead, engineer):
        assert page.complaints == []  # type: ignore[attr-defined]


def test_the_arbiters_reason_is_seen_and_the_target_moves(bihuan: Instance, open_as: OpenAs) -> None:
    """C8: rejected with own words, decided with a reason, settled, applied by goals, frozen."""
    lead = open_as(LEAD)
    task = _task(lead, "P-GX-500", "ML-30")
    _propose(lead, task, "磨头样机调试顺延")
    count = _fill_in(lead)
    lead.get_by_role("button", name=f"发给 {count} 人").click()
    expect(lead.get_by_text("未生效").first).to_be_visible()
    matrix = lead.url.rsplit("/", 1)[1]
    others = lead.request.get(f"/api/changes/consents/{matrix}").json()["rows"]
    for row in others:
        if row["person"] not in {LEAD, task["owner"]}:
            other = open_as(row["person"], f"/consents/{matrix}")
            other.get_by_role("button", name="接受").click()
            expect(_row(other, row["person_name"]).get_by_text("已接受")).to_be_visible()

    engineer = open_as(task["owner"], f"/consents/{matrix}", width=375, height=812)
    engineer.get_by_role("button", name="拒绝").click()
    engineer.get_by_role("dialog").get_by_label("用自己的话说明").fill("这周要带新人，排不开。")
    engineer.get_by_role("dialog").get_by_role("button", name="拒绝").click()
    expect(_row(engineer, task["owner_name"]).get_by_text("已拒绝")).to_be_visible()

    arbiter = open_as(DIRECTOR, f"/consents/{matrix}")
    arbiter.get_by_role("button", name="仲裁").click()
    arbiter.get_by_role("dialog").get_by_label("仲裁理由").fill("客户交期不能动，新人由孟言代带一周。")
    arbiter.get_by_role("dialog").get_by_role("button", name="决定").click()
    expect(arbiter.get_by_text("已生效").first).to_be_visible()

    expect(_row(engineer, task["owner_name"]).get_by_text("新人由孟言代带一周")).to_be_visible()
    assert engineer.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    expect(lead.get_by_role("button", name=re.compile("起草"))).to_have_count(0)
    lead.goto(f"/tasks/{task['task']}")
    expect(lead.get_by_role("link", name=re.compile("GCM-")).first).to_be_visible()
    for page in (lead, engineer, arbiter):
        assert page.complaints == []  # type: ignore[attr-defined]
