"""The demo company: 412 people, 23 suppliers, six running projects of about 120 tasks, always the same."""

from datetime import UTC, datetime

from bihuan_contracts import Opened, open_record, topics
from bihuan_tools.demo import company, history, products

NOW = datetime(2026, 3, 11, 0, 30, tzinfo=UTC)


def test_company_has_its_people_departments_and_suppliers() -> None:
    staff = company.people()
    inside = [one for one in staff if one.supplier is None]
    assert (len(inside), len({one.department for one in inside}), len(company.suppliers())) == (412, 9, 23)
    assert len({one.person for one in staff}) == len(staff)
    known = {one.person for one in staff}
    assert all(one.manager in known for one in inside if one.person != company.CHIEF)


def test_the_same_company_every_time() -> None:
    assert company.people() == company.people()
    assert products.projects(company.people(), NOW) == products.projects(company.people(), NOW)


def test_projects_have_deliverables_and_criteria_everywhere() -> None:
    projects = products.projects(company.people(), NOW)
    running = [project for project in projects if project.get("state") != "done"]
    tasks = [task for project in running for goal in project["goals"] for task in goal["tasks"]]
    assert len(running) == 6
    assert 100 <= len(tasks) <= 140
    assert all(task["deliverables"][0]["criteria"] for task in tasks)
    assert len({task["code"] for task in tasks}) == len(tasks)


def test_history_meets_its_contracts_and_covers_two_years() -> None:
    events = list(history.events(NOW, products.projects(company.people(), NOW)))
    for event in events:
        topic = topics.of_event(type(event))
        assert isinstance(open_record(topic, None, event.model_dump_json().encode(), [], 0), Opened)
    ordered = [event.ordered_at for event in events if hasattr(event, "ordered_at") and event.ordered_at]
    assert (max(ordered) - min(ordered)).days > 700


def test_power_module_change_replaces_adds_and_removes() -> None:
    change = products.power_module_change(NOW)
    base = next(one for one in products.first_releases() if one.item == "PM-480")
    old, new = {line.item for line in base.lines or ()}, {line.item for line in change.lines or ()}
    assert old - new == {"DCM-2410", "EC-470", "HS-40", "FH-10"}
    assert new - old == {"DCM-2412", "EC-680", "HS-52", "CMC-22"}
