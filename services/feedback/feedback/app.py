"""The service: settings and wiring."""

from pydantic import Field

from bihuan_chassis import Settings as ChassisSettings
from bihuan_chassis import service
from bihuan_chassis.files import MOST_BYTES
from bihuan_contracts import topics
from feedback import api
from feedback.handlers import (
    MATERIAL_DUE,
    on_material_due,
    on_order_changed,
    on_person_changed,
    on_project_changed,
    on_task_changed,
)


class Settings(ChassisSettings):
    """Settings of feedback: files are larger than other requests."""

    request_limit: int = Field(default=MOST_BYTES + 100_000, ge=1_000)


app = service(
    "feedback",
    settings=Settings,
    hears={
        topics.TASKS: on_task_changed,
        topics.PROJECTS: on_project_changed,
        topics.CHANGE_ORDERS: on_order_changed,
        topics.PEOPLE: on_person_changed,
    },
    api=[api.routes],
    gather=0.05,
    timers={MATERIAL_DUE: on_material_due},
)
