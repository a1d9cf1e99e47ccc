"""W4: whom HR sends and whom the administrator enters become one person, and nobody locks the company out."""

from datetime import date
from typing import Any

import pytest

from bihuan_contracts.hr import PersonChanged
from web.person import Company, Record, differences, wrong

HR = PersonChanged(person="10231", name="周启航", title="电气工程师", manager="10001", version=4)
KNOWN = Record("10231", HR, hr_version=4)
COMPANY = Company({"10231": "10001", "10001": None, "10306": "10231"}, other_administrators=1)
TODAY = date(2026, 3, 11)


def _refused(before: Record, own: dict[str, Any], company: Company = COMPANY, **who: Any) -> list[tuple[str, str]]:
    who = {"by": "10902", "may_give_roles": True, **who}
    return [(one.field, one.code) for one in wrong(before, before.edited(own), company, **who)]


def test_own_entry_stands_over_hr_until_it_is_taken_back() -> None:
    edited = KNOWN.edited({"title": "高级工程师"})
    assert edited.values()["title"] == "高级工程师"
    assert edited.heard(HR.model_copy(update={"title": "主管", "version": 5})).values()["title"] == "高级工程师"
    assert edited.edited({}).values()["title"] == "电气工程师"


def test_hr_says_the_same_later_and_the_entry_is_hrs_again() -> None:
    own = Record("30001").edited({"name": "新人", "title": "工程师", "roles": ("employee",)})
    heard = own.heard(PersonChanged(person="30001", name="新人", title="装配技师", version=1))
    assert heard.own == {"title": "工程师"}


def test_version_grows_with_either_side() -> None:
    versions = [KNOWN.version]
    edited = KNOWN.edited({"title": "x"})
    versions += [edited.version, edited.heard(HR.model_copy(update={"version": 5})).version]
    assert versions == sorted(set(versions))


def test_whom_hr_has_let_go_stays_gone() -> None:
    gone = KNOWN.heard(HR.model_copy(update={"active": False, "version": 5}))
    assert not gone.edited({"active": True}).listed(TODAY).active
    assert _refused(gone, {"name": "x"}) == []


@pytest.mark.parametrize(("last_day", "active"), [(date(2026, 3, 10), False), (TODAY, True), (None, True)])
def test_person_works_through_the_last_day(last_day: date | None, active: bool) -> None:
    assert KNOWN.edited({"leaves_on": last_day}).listed(TODAY).active is active


def test_difference_names_each_field_old_and_new() -> None:
    after = KNOWN.edited({"title": "主管", "department": "RD", "roles": ("employee", "manager")})
    assert differences(KNOWN, after) == [
        {"field": "title", "old": "电气工程师", "new": "主管"},
        {"field": "roles", "old": ["employee"], "new": ["employee", "manager"]},
    ]


@pytest.mark.parametrize(
    ("own", "refused"),
    [
        ({"name": None}, [("name", "missing")]),
        ({"manager": "10231"}, [("manager", "yourself")]),
        ({"manager": "99999"}, [("manager", "unknown")]),
        ({"manager": "10306"}, [("manager", "circle")]),
        ({"manager": None}, []),
        ({"roles": ("employee", "supplier")}, [("roles", "supplier")]),
    ],
)
def test_wrong_entry_names_its_field(own: dict[str, Any], refused: list[tuple[str, str]]) -> None:
    assert _refused(KNOWN, own) == refused


def test_only_an_administrator_gives_roles() -> None:
    own = {"roles": ("employee", "administrator")}
    assert _refused(KNOWN, own, may_give_roles=False) == [("roles", "not_yours")]
    assert _refused(KNOWN, own) == []


def test_last_administrator_stays() -> None:
    ruling = Record(
        "10902", PersonChanged(person="10902", name="任", roles=("employee", "administrator"), version=1), {}, 0, 1
    )
    alone = Company(COMPANY.managers, other_administrators=0)
    assert _refused(ruling, {"roles": ("employee",)}, alone) == [("roles", "last_administrator")]
    assert _refused(ruling, {"active": False}, alone, by="10008") == [("active", "last_administrator")]
    assert _refused(ruling, {"leaves_on": TODAY}, alone) == [("leaves_on", "last_administrator")]
    assert _refused(ruling, {"active": False}) == [("active", "yourself")]
