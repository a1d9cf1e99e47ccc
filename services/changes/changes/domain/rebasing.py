"""Two changes on one base: what the other one did, and this one's bill on top of it (C1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bihuan_contracts.plm import BomLine


@dataclass(frozen=True, slots=True)
class Clash:
    """An item that both changes have touched differently; None where a side has no line of it."""

    item: str
    name: str
    base: BomLine | None
    mine: BomLine | None
    theirs: BomLine | None


def rebase(
    base: Sequence[BomLine], mine: Sequence[BomLine], theirs: Sequence[BomLine], keep: Mapping[str, str]
) -> tuple[tuple[BomLine, ...], tuple[Clash, ...]]:
    """My bill as if it had been written on theirs, and the clashes that `keep` (item: mine or theirs) leaves open.

    What only one side has touched is taken from that side; bills are compared by item, order means nothing.
    """
    before, own, other = _by_item(base), _by_item(mine), _by_item(theirs)
    lines: list[BomLine] = []
    clashes: list[Clash] = []
    for item in dict.fromkeys([*other, *own, *before]):
        was, me, them = before.get(item, ()), own.get(item, ()), other.get(item, ())
        if me in (was, them):
            lines += them
        elif them == was or keep.get(item) == "mine":
            lines += me
        elif keep.get(item) == "theirs":
            lines += them
        else:
            name = next(line.name for line in (*me, *them, *was))
            clashes.append(Clash(item, name, _first(was), _first(me), _first(them)))
    return tuple(lines), tuple(clashes)


def _by_item(lines: Sequence[BomLine]) -> dict[str, tuple[BomLine, ...]]:
    found: dict[str, tuple[BomLine, ...]] = {}
    for line in lines:
        found[line.item] = (*found.get(line.item, ()), line)
    return found


def _first(lines: tuple[BomLine, ...]) -> BomLine | None:
    return lines[0] if lines else None
