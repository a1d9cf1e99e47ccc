"""The service: settings and wiring."""

from bihuan_chassis import service
from bihuan_contracts import topics
from changes import api, appeals, compensations, consents, impacts, late, opening, releases
from changes.handlers import (
    on_bom_released,
    on_goods_received,
    on_person_changed,
    on_project_changed,
    on_purchase_order_changed,
    on_task_changed,
)
from changes.settings import Settings
from changes.targets import on_targets_recalculated

app = service(
    "changes",
    settings=Settings,
    hears={
        topics.BOM_RELEASES: on_bom_released,
        topics.TASKS: on_task_changed,
        topics.PROJECTS: on_project_changed,
        topics.PEOPLE: on_person_changed,
        topics.TARGETS: on_targets_recalculated,
        topics.PURCHASE_ORDERS: on_purchase_order_changed,
        topics.RECEIPTS: on_goods_received,
    },
    api=api.routes,
    timers={
        releases.EFFECTIVE: releases.on_effective,
        releases.REMINDER: releases.on_reminder,
        releases.EXPIRES: releases.on_expired,
        impacts.LATE: late.on_late,
        consents.REMINDER: consents.on_reminder,
        consents.OVERDUE: consents.on_overdue,
        opening.UNSENT: opening.on_unsent,
        appeals.DUE: appeals.on_due,
        compensations.DUE: compensations.on_due,
    },
)
