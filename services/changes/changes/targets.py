"""What goals says about targets: kept on record; what is held opens a matrix, what an appeal has corrected ends it."""

from collections.abc import Sequence

from bihuan_chassis import Transaction
from bihuan_contracts.goals import TargetsRecalculated
from changes import appeals, opening, record_store


async def on_targets_recalculated(moved: Sequence[TargetsRecalculated], tx: Transaction) -> None:
    await record_store.save_causes(tx, moved)
    await appeals.on_corrected(tx, moved)
    held = [one for one in moved if one.held]
    if held:
        await opening.open_matrices(tx, held)
