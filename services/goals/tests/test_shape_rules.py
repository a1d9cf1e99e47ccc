"""G1, G5: what a criterion has to be like is said in one place, and every way in asks it."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from bihuan_contracts.goals import Criterion, CriterionKind, CriterionState
from goals.domain.shapes import wrong_in_criterion

CHECKLIST, MEASURED, APPROVED = CriterionKind.CHECKLIST, CriterionKind.MEASUREMENT, CriterionKind.APPROVAL


def criterion(**more: Any) -> Criterion:
    return Criterion(criterion=UUID(int=1), version=1, text="余量", state=CriterionState.OPEN, **more)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, []),
        ({"kind": CHECKLIST, "items": ("外观",)}, []),
        ({"kind": CHECKLIST}, [("items", "needed")]),
        ({"kind": CHECKLIST, "metric": "余量"}, [("items", "needed"), ("metric", "other_kind")]),
        ({"kind": MEASURED}, [("metric", "needed")]),
        ({"kind": MEASURED, "metric": "余量", "items": ("外观",)}, [("items", "other_kind")]),
        ({"lower": Decimal(3)}, [("metric", "needed")]),
        ({"metric": "余量", "lower": Decimal(3), "upper": Decimal(2)}, [("upper", "below_lower")]),
        ({"kind": APPROVED, "approver": "director"}, []),
        ({"kind": CriterionKind.DOCUMENT, "approver": "director"}, [("approver", "other_kind")]),
        ({"kind": CriterionKind.UNKNOWN}, [("kind", "enum")]),
    ],
)
def test_every_kind_asks_for_its_own_fields_and_no_others(given: dict[str, Any], wrong: list[tuple[str, str]]) -> None:
    assert [(one.field, one.code) for one in wrong_in_criterion(criterion(**given))] == wrong
