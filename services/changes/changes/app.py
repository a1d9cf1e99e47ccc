"""The service: settings and wiring."""

from bihuan_chassis import service
from bihuan_contracts import topics
from changes import api, consents, releases
from changes.handlers import (
    on_bom_released,
    on_change_effective,
    on_person_changed,
    on_project_changed,
    on_task_changed,
)

app = service(
    "changes",
    hears={
        topics.BOM_RELEASES: on_bom_released,
        topics.TASKS: on_task_changed,
        topics.PROJECTS: on_project_changed,
        topics.PEOPLE: on_person_changed,
    },
    api=api.routes,
    timers={
        releases.EFFECTIVE: on_change_effective,
        consents.REMINDER: consents.on_reminder,
        consents.OVERDUE: consents.on_overdue,
    },
)
