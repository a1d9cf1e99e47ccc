"""A change that concerns two people, and what happens after it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from bihuan_contracts import Text
from bihuan_contracts.changes import ChangeOrderChanged, ChangeState, ImpactAction, ImpactAssessed, ImpactRow
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.notify import ReceiptChanged, ReceiptState
from bihuan_contracts.qa import TestReported, Verdict

NOW = datetime(2026, 3, 11, 8, 0, tzinfo=UTC)
CHANGE = UUID(int=77)
ENGINEER, TESTER = "10231", "10306"
PEOPLE = [
    PersonChanged(person=ENGINEER, name="周启航", version=1),
    PersonChanged(person=TESTER, name="林若溪", version=1),
]


def row(person: str, action: ImpactAction = ImpactAction.RETEST, number: int = 0) -> ImpactRow:
    return ImpactRow(
        row=UUID(int=int(person) * 10 + number), action=action, person=person, person_name=person, module="PM-480",
        module_name="电源模块", old_version="V2.3", new_version="V2.4", rule="default/1", rule_version=1,
        task=UUID(int=int(person)), explanation=Text(zh="", en=""),
    )  # fmt: skip


def impact(*rows: ImpactRow, change: UUID = CHANGE, **more: Any) -> ImpactAssessed:
    values: dict[str, Any] = {
        "change": change, "number": f"ECN-{change.int}", "revision": 1, "item": "PM-480", "item_name": "电源模块",
        "base_version": "V2.3", "new_version": "V2.4", "reason": "", "rows": rows or (row(ENGINEER), row(TESTER)),
        "released_by": "10105", "released_at": NOW, "received_at": NOW + timedelta(seconds=1),
        "applied_at": NOW + timedelta(seconds=1), "version": 1, **more,
    }  # fmt: skip
    return ImpactAssessed(**values)


def order(state: ChangeState = ChangeState.RELEASED, change: UUID = CHANGE, **more: Any) -> ChangeOrderChanged:
    values: dict[str, Any] = {
        "change": change, "number": f"ECN-{change.int}", "revision": 1, "state": state, "change_type": "design",
        "item": "PM-480", "item_name": "电源模块", "base_version": "V2.3", "new_version": "V2.4", "reason": "",
        "differences": (), "modules": (), "products": (), "source": "plm", "released_by": "10105", "approved_by": (),
        "effective_at": None, "released_at": NOW, "received_at": NOW, "applied_at": None, "closed_at": None,
        "version": 1, **more,
    }  # fmt: skip
    return ChangeOrderChanged(**values)


def receipt(
    person: str, seconds: float, state: ReceiptState = ReceiptState.DELIVERED, change: UUID = CHANGE, **more: Any
) -> ReceiptChanged:
    values: dict[str, Any] = {
        "notice": UUID(int=int(person)), "person": person, "channel": "site", "state": state, "must_confirm": True,
        "change": change, "released_at": NOW, "received_at": NOW, "at": NOW + timedelta(seconds=seconds), **more,
    }  # fmt: skip
    return ReceiptChanged(**values)


def report(version: str = "V2.4", number: str = "TR-1") -> TestReported:
    return TestReported(
        report=number, module="PM-480", module_version=version, verdict=Verdict.PASSED, tested_by=TESTER, tested_at=NOW
    )
