"""Events as foreign systems send them."""

import base64
from typing import Any

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics

SECRET = "whsec_" + base64.b64encode(b"a secret that nobody else knows").decode()
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def release(item: str = "PM-480", version: str = "V2.4", **more: Any) -> dict[str, Any]:
    return {
        "item": item, "name": "电源模块", "kind": "module", "base_version": "V2.3", "version": version,
        "released_at": "2026-03-11T08:00:00+08:00", "change": f"ECN-{item}-{version}", **more,
    }  # fmt: skip


def event(id: str = "e-1", data: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": id, "source": "/plm/windchill", "type": topics.BOM_RELEASES.type,
        "datacontenttype": "application/json", "data": data if data is not None else release(), **more,
    }  # fmt: skip


def sender(intake: RunningService) -> Any:
    return intake.client("10901", [Role.INTEGRATOR])


async def outbox(intake: RunningService) -> list[dict[str, Any]]:
    """Rows of the outbox with their envelope."""
    async with intake.tx() as tx:
        rows = await tx.raw.fetch("select topic, event_id, source, key, traceparent from outbox order by id")
        return [dict(row) for row in rows]
