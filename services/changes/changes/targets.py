"""What goals says about targets: those that wait for consent open a matrix (C8)."""

from collections.abc import Sequence

from bihuan_chassis import Transaction
from bihuan_contracts.goals import TargetsRecalculated
from changes import opening


async def on_targets_recalculated(moved: Sequence[TargetsRecalculated], tx: Transaction) -> None:
    held = [one for one in moved if one.held]
    if held:
        await opening.open_matrices(tx, held)
