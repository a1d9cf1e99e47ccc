"""The service: settings and wiring."""

from bihuan_chassis import service
from bihuan_contracts import topics
from notify import api
from notify.clients import Settings, mail_server
from notify.handlers import (
    ESCALATE,
    MAIL,
    on_escalation_due,
    on_impact_assessed,
    on_mail_due,
    on_notice_requested,
    on_person_changed,
    on_targets_recalculated,
    on_task_changed,
)

app = service(
    "notify",
    settings=Settings,
    hears={
        topics.IMPACTS: on_impact_assessed,
        topics.NOTICE_REQUESTS: on_notice_requested,
        topics.TARGETS: on_targets_recalculated,
        topics.TASKS: on_task_changed,
        topics.PEOPLE: on_person_changed,
    },
    api=[api.routes],
    timers={MAIL: on_mail_due, ESCALATE: on_escalation_due},
    lifespan=mail_server,
)
