"""The technical document: what a change writes into it, and how versions differ (C11)."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from bihuan_contracts.changes import ChangeOrderChanged, ChangeState, Difference, DifferenceKind
from changes.domain.documents import Section, after_change, pieces

NOW = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)


def an_order(reason: str = "DCM-2410 停产", *found: Difference) -> ChangeOrderChanged:
    return ChangeOrderChanged(
        change=UUID(int=3), number="ECN-2026-0187", revision=1, state=ChangeState.RELEASED, change_type="design",
        item="PM-480", item_name="电源模块", base_version="V2.3", new_version="V2.4", reason=reason,
        differences=found, modules=(), products=(), source="plm", released_by=None, approved_by=(), effective_at=None,
        released_at=NOW, received_at=NOW, applied_at=NOW, closed_at=None, version=1,
    )  # fmt: skip


def test_change_stands_on_top_with_each_difference_and_the_text_below_stays() -> None:
    known = Section("PM-480", "电源", "输出 24 V。", "V2.3", 1)
    kinds = (
        Difference(kind=DifferenceKind.REPLACED, item="DCM-2410", name="DC-DC", replaced_by="DCM-2412", new_quantity=1),
        Difference(
            kind=DifferenceKind.QUANTITY, item="TP-08", name="导热垫", old_quantity=2, new_quantity=Decimal("3.50")
        ),
    )
    title, body = after_change(known, an_order("停产换型", *kinds), NOW)
    assert title == "电源"
    assert body.splitlines() == [
        "### V2.3 → V2.4（ECN-2026-0187，2026-03-11）",
        "",
        "停产换型",
        "",
        "- 换型 DC-DC `DCM-2410` → `DCM-2412` ×1",
        "- 数量 导热垫 `TP-08` ×2 → ×3.5",
        "",
        "输出 24 V。",
    ]


def test_words_of_a_change_are_no_markup() -> None:
    _, body = after_change(None, an_order("<script>x</script> [点我](javascript:1) # 大"), NOW)
    assert "\\<script\\>" in body
    assert "\\[点我\\](javascript:1)" in body


@given(st.lists(st.sampled_from("甲乙丙丁"), max_size=8), st.lists(st.sampled_from("甲乙丙丁"), max_size=8))
def test_pieces_put_together_give_both_versions(old: list[str], new: list[str]) -> None:
    found = pieces("\n".join(old), "\n".join(new))
    assert [line for one in found if one.kind != "added" for line in one.text.split("\n")] == old
    assert [line for one in found if one.kind != "removed" for line in one.text.split("\n")] == new
