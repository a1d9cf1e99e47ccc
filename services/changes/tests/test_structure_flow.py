"""Where-used stays on its index, also for a worker that was there before the first item (C3)."""

from given_changes import line, release

from bihuan_chassis.testing import RunningService
from bihuan_chassis.transaction import Transaction, transaction
from changes.store.structure import load_structure, load_uses_above, save_structure

ITEMS = 6_000
_ROWS_SCANNED = "select seq_tup_read from pg_stat_xact_user_tables where relname = 'items'"


async def _ask(tx: Transaction) -> None:
    await load_structure(tx, ["P-1", "P-2"])
    await load_uses_above(tx, ["P-1", "P-2"])


async def test_plans_made_while_nothing_was_there_do_not_read_everything_later(changes: RunningService) -> None:
    """PostgreSQL keeps a plan after five uses; one made for an empty table would scan it until it is analyzed."""
    async with transaction(await changes._held(), changes.surroundings) as tx:
        await tx.raw.execute("analyze items")
        for _ in range(8):
            await _ask(tx)
        bills = [release(f"M-{n}", base=None, lines=(line(f"P-{n}"), line(f"S-{n % 50}"))) for n in range(ITEMS)]
        await save_structure(tx, bills, [None] * ITEMS)
        before = await tx.raw.fetchval(_ROWS_SCANNED)
        for _ in range(3):
            await _ask(tx)
        scanned = await tx.raw.fetchval(_ROWS_SCANNED) - before
        assert (await load_uses_above(tx, ["P-1"]))["P-1"] == {"M-1"}
        assert scanned < ITEMS, f"{scanned} rows of items were read one after the other"
