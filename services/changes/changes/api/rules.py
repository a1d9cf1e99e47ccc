"""Decision tables: those in force."""

from bihuan_chassis.http import EVERYONE, Reply, Tx, allow, router
from changes import store

routes = router(tags=["rules"])


class TablesReply(Reply):
    names: list[str]


@routes.get("/rules", dependencies=[allow(EVERYONE)])
async def read_rules(tx: Tx) -> TablesReply:
    book = await store.rules_in_force(tx, tx.now)
    return TablesReply(names=[table.name for table in book.tables])
