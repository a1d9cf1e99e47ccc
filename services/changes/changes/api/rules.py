"""Decision tables: the one in force."""

from bihuan_chassis.http import EVERYONE, Reply, Tx, allow, router
from bihuan_contracts import Text
from changes import store

routes = router(tags=["changes"])


class RuleTableReply(Reply):
    name: str
    version: int
    rows: dict[str, Text]


@routes.get("/rules", dependencies=[allow(EVERYONE)])
async def read_rules(tx: Tx) -> RuleTableReply:
    rules = await store.rules_in_force(tx, tx.now)
    return RuleTableReply(name=rules.name, version=rules.version, rows=dict(rules.rows))
