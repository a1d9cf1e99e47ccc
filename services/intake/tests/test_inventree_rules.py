"""I2: real edits of bills in InvenTree become releases."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bihuan_contracts.plm import BomReleased, ItemKind
from intake.domain.inventree import BomChange, RevisionNotRaisedError, event_id, releases

NOW = datetime(2026, 3, 11, tzinfo=UTC)
PARTS: dict[str, dict[str, Any]] = {
    "1": {"name": "Module", "IPN": "M-1", "assembly": True},
    "2": {"name": "R1"},
    "3": {"name": "R2"},
}


def line(part: int = 1, sub_part: int = 2, quantity: str = "1", **more: Any) -> dict[str, Any]:
    return {"part": part, "sub_part": sub_part, "quantity": quantity, **more}


def change(before: list[dict[str, Any]], after: list[dict[str, Any]], **more: Any) -> BomChange:
    return BomChange.model_validate(
        {
            "parts": PARTS,
            "bom_before": {str(n): one for n, one in enumerate(before)},
            "bom_after": {str(n): one for n, one in enumerate(after)},
            **more,
        }
    )


def changed(found: list[BomReleased]) -> list[BomReleased]:
    return [one for one in found if one.base_version is not None]


@pytest.mark.parametrize("number", range(4))
def test_real_pairs_become_releases_of_the_assemblies_that_changed(number: int, samples: Path) -> None:
    """I2"""
    path = sorted((samples / "inventree").glob("bom-change-*.json"))[number]
    pair = json.loads(path.read_text())
    found = releases(BomChange.model_validate(pair), NOW)

    def bill(state: str, part: int) -> list[str]:
        return sorted(json.dumps(one, sort_keys=True) for one in pair[state].values() if one["part"] == part)

    parts = {one["part"] for state in ("bom_before", "bom_after") for one in pair[state].values()}
    differing = {part for part in parts if bill("bom_before", part) != bill("bom_after", part)}
    new = {part for part in differing if not bill("bom_before", part)}
    assert found
    assert len(changed(found)) == len(differing - new)
    for one in changed(found):
        assert one.base_version != one.version
        assert any(base.item == one.item and base.version == one.base_version for base in found if not base.change)
    again = releases(BomChange.model_validate(pair), NOW)
    assert [(one.item, one.version, one.change) for one in again] == [(o.item, o.version, o.change) for o in found]


def test_a_swapped_component_is_a_change_with_the_structure_before_it() -> None:
    """I2"""
    first, second = releases(change([line()], [line(sub_part=3)], change="ECN-7", reason="缺货"), NOW)
    assert (first.item, first.base_version, first.change) == ("M-1", None, None)
    assert (second.base_version, second.change, second.kind) == (first.version, "ECN-7-M-1", ItemKind.MODULE)
    assert second.lines is not None
    assert [(one.item, one.quantity) for one in second.lines] == [("inventree-3", Decimal(1))]


def test_the_order_of_lines_is_no_change() -> None:
    """I2"""
    assert changed(releases(change([line(), line(sub_part=3)], [line(sub_part=3), line()]), NOW)) == []


def test_a_flag_alone_is_a_change() -> None:
    """I2"""
    assert len(changed(releases(change([line()], [line(optional=True)]), NOW))) == 1


def test_a_bill_that_was_not_there_before_is_a_first_release() -> None:
    """I2"""
    [only] = releases(change([], [line()]), NOW)
    assert (only.base_version, only.change) == (None, None)


def test_a_bill_that_is_gone_is_an_empty_one() -> None:
    """I2"""
    [one] = changed(releases(change([line()], []), NOW))
    assert one.lines == ()


def test_the_same_step_is_the_same_event_unless_it_has_another_date() -> None:
    """I3"""
    there = change([line()], [line(sub_part=3)])
    assert [event_id(one, there) for one in releases(there, NOW)] == [
        event_id(one, there) for one in releases(there, datetime(2027, 1, 1, tzinfo=UTC))
    ]
    dated = change([line()], [line(sub_part=3)], released_at="2026-03-11T08:00:00Z")
    later = change([line()], [line(sub_part=3)], released_at="2026-04-11T08:00:00Z")
    [one], [other] = changed(releases(dated, NOW)), changed(releases(later, NOW))
    assert event_id(one, dated) != event_id(other, later)
    assert one.change != other.change


def snapshot(revision: str, *lines: dict[str, Any]) -> dict[str, Any]:
    parts = {**PARTS, "1": {**PARTS["1"], "revision": revision}}
    return {"parts": parts, "bom": {str(number): one for number, one in enumerate(lines)}}


def test_two_snapshots_bring_their_own_revisions() -> None:
    """I2"""
    pair = BomChange.model_validate({"before": snapshot("A", line()), "after": snapshot("B", line(sub_part=3))})
    [one] = changed(releases(pair, NOW))
    assert (one.base_version, one.version) == ("A", "B")


def test_a_bill_changed_under_its_revision_is_refused() -> None:
    """I3"""
    pair = BomChange.model_validate({"before": snapshot("A", line()), "after": snapshot("A", line(sub_part=3))})
    with pytest.raises(RevisionNotRaisedError) as refused:
        releases(pair, NOW)
    assert refused.value.field == "after.parts.1.revision"
