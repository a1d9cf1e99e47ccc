"""G5: who may approve, what each kind of criterion asks for, and where a piece of evidence belongs."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given as suppose
from hypothesis import strategies as some

from bihuan_contracts.goals import Criterion, CriterionKind, CriterionState, Deliverable, TaskKind, TaskState
from bihuan_contracts.qa import Measurement, TestReported, Verdict
from goals.domain.evidence import Candidates, judge, kind_of
from goals.domain.proofs import (
    Approver,
    Around,
    Hint,
    judge_approval,
    judge_checklist,
    judge_presence,
    places,
    places_for_file,
    refuse_approval,
    sure,
)
from goals.domain.tree import Task

OWNER, LEAD, BOSS, OTHER = "10231", "10105", "10001", "10003"


def criterion(number: int = 1, text: str = "通过", **more: object) -> Criterion:
    return Criterion(criterion=UUID(int=number), version=1, text=text, state=CriterionState.OPEN).model_copy(
        update=more
    )


def task(code: str, *criteria: Criterion, **more: object) -> Task:
    values = {"owner": OWNER, "module": "PM-480", "item_version": "V2.3", "kind": TaskKind.TEST, **more}
    return Task(
        UUID(int=hash(code) % 2**64), code, UUID(int=1), None, code, state=TaskState.ACTIVE,
        deliverables=(Deliverable(deliverable=UUID(int=7), title="D", weight=None, due_at=None, criteria=criteria),),
        **values,  # type: ignore[arg-type]
    )  # fmt: skip


ROLES = ["employee", "project_lead", "manager", "process_owner", "hr", "director", "administrator"]
TABLE = [
    # approver role, person, their roles, allowed
    (None, LEAD, ["project_lead"], True),
    (None, OTHER, ["project_lead"], False),  # a lead, but of another project
    ("project_lead", LEAD, ["employee"], True),
    ("project_lead", BOSS, ["administrator"], False),
    ("manager", BOSS, ["manager"], True),
    ("manager", OTHER, ["manager"], False),  # a manager, but not the owner's
    ("process_owner", OTHER, ["process_owner"], True),
    ("process_owner", LEAD, ["project_lead"], False),
    ("process_owner", OTHER, ["administrator"], False),
    ("director", BOSS, ["director"], True),
]


@pytest.mark.parametrize(("role", "person", "roles", "allowed"), TABLE)
def test_who_may_approve(role: str | None, person: str, roles: list[str], allowed: bool) -> None:
    around = Around(OWNER, LEAD, BOSS)
    asked = criterion(kind=CriterionKind.APPROVAL, approver=role)
    assert (refuse_approval(asked, around, Approver(person, roles)) is None) is allowed


@suppose(some.none() | some.sampled_from(ROLES), some.sets(some.sampled_from(ROLES)), some.booleans())
def test_nobody_approves_their_own_in_whatever_role(role: str | None, roles: set[str], owns: bool) -> None:
    around = Around(OWNER, OWNER, OWNER, {OTHER})
    asked = criterion(kind=CriterionKind.APPROVAL, approver=role)
    assert refuse_approval(asked, around, Approver(OWNER if owns else OTHER, roles)) is not None


@suppose(some.integers(1, 6), some.sets(some.integers(0, 5)))
def test_a_checklist_passes_with_its_last_item_and_not_before(size: int, ticked: set[int]) -> None:
    asked = criterion(kind=CriterionKind.CHECKLIST, items=tuple(f"第 {n} 项" for n in range(size)))
    judged = judge_checklist(task("T"), asked, ticked)
    assert judged.passed is set(range(size)).issubset(ticked)
    assert judged.counts is judged.passed


def test_a_returned_approval_counts_as_failed_with_its_reason() -> None:
    judged = judge_approval(task("T"), criterion(), False, "缺少签字页")
    assert (judged.counts, judged.passed, judged.reason.zh) == (True, False, "退回：缺少签字页")


@pytest.mark.parametrize(
    ("kind", "passed"),
    [
        (CriterionKind.DOCUMENT, True),
        (CriterionKind.APPROVAL, False),
        (CriterionKind.CHECKLIST, False),
        (CriterionKind.MEASUREMENT, False),
        (CriterionKind.STATEMENT, False),
    ],
)
def test_a_file_verifies_only_what_asks_for_a_document(kind: CriterionKind, passed: bool) -> None:
    judged = judge_presence(task("T"), criterion(kind=kind))
    assert judged is not None
    assert (judged.passed, judged.counts) == (passed, passed)


def test_kind_of_criteria_from_before_there_were_kinds() -> None:
    assert kind_of(criterion(metric="纹波")) is CriterionKind.MEASUREMENT
    assert kind_of(criterion()) is CriterionKind.STATEMENT


def test_a_report_does_not_verify_what_somebody_approves() -> None:
    judged = judge(task("T", criterion(kind=CriterionKind.APPROVAL)), report())
    assert judged is not None
    assert (judged.counts, judged.code) == (False, "other_kind")


def test_a_file_goes_where_its_name_says_else_where_one_is_asked_for_else_it_is_in_doubt() -> None:
    first, second = (
        criterion(1, "设计说明书", kind=CriterionKind.DOCUMENT),
        criterion(2, "图纸", kind=CriterionKind.DOCUMENT),
    )
    measured = criterion(3, "纹波 ≤ 50", metric="纹波")
    both = task("T", first, second, measured)
    assert [one.criterion for one in places_for_file(both, "主控板设计说明书.pdf")] == [first]
    assert [one.criterion for one in places_for_file(both, "纹波.csv")] == [measured]
    assert [one.criterion for one in places_for_file(both, "扫描件.pdf")] == [first, second]
    assert [one.criterion for one in places_for_file(task("T", first, measured), "扫描件.pdf")] == [first]


def report(**more: object) -> TestReported:
    values = {
        "report": "R", "module": "PM-480", "module_version": "V2.3", "verdict": Verdict.PASSED,
        "measurements": (Measurement(metric="纹波", value=Decimal(40)),), "tested_at": "2026-03-11T00:00:00Z", **more,
    }  # fmt: skip
    return TestReported.model_validate(values)


def test_a_report_that_fits_several_tasks_is_in_doubt_and_product_metric_or_version_settle_it() -> None:
    measured, other = criterion(1, metric="纹波"), criterion(2, metric="温升")
    a, b, c = task("A-1", measured), task("B-1", measured), task("C-1", other)
    listed = [(a, "GX-500"), (b, "SV-60"), (c, "GX-500")]
    assert Candidates(listed).find(report()) == [a, b]
    assert Candidates(listed).find(report(product="SV-60")) == [b]
    assert Candidates(listed).find(report(product="?")) == [a, b]
    assert Candidates(listed).find(report(task_code="C-1")) == [c]
    assert Candidates(listed).find(report(task_code="X")) == []
    newer = task("D-1", measured, item_version="V2.4")
    assert Candidates([*listed, (newer, "PS-210")]).find(report(module_version="V2.4")) == [newer]


def test_an_upload_without_a_task_finds_it_by_name_module_and_version_or_is_in_doubt() -> None:
    a = task("GX-01", criterion(1, "设计说明书已归档"), kind=TaskKind.DOCUMENT)
    b = task("SV-01", criterion(2, "设计说明书已归档"), kind=TaskKind.DOCUMENT, owner=OTHER)
    listed = [(a, "GX-500"), (b, "SV-60")]
    assert places(listed, Hint(words="合影.jpg")) == []
    found = places(listed, Hint(words="PM-480_V2.3.pdf", person="99"))
    assert [place.task for _, place in found] == [a, b]
    assert sure(found) is None
    for hint in (
        Hint(words="sv-01.pdf"),
        Hint(words="pm-480.pdf", person=OTHER),
        Hint(module="PM-480", product="SV-60"),
    ):
        certain = sure(places(listed, hint))
        assert certain is not None
        assert certain.task == b
    assert places(listed, Hint(module="PM-480", version="V9")) == []
