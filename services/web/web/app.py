"""The service: settings and wiring."""

from bihuan_chassis import service
from bihuan_contracts import topics
from web import api, auth, boards, directory, letters, oidc, people, units
from web.guard import Guard
from web.handlers import on_person_changed, on_person_leaves, on_something_changed
from web.people_store import LEAVES
from web.resources import resources
from web.settings import Settings

app = service(
    "web",
    settings=Settings,
    hears={
        topics.HR_PEOPLE: on_person_changed,
        (
            topics.TASKS,
            topics.PROJECTS,
            topics.CHANGE_ORDERS,
            topics.CONSENTS,
            topics.CARD_ANSWERS,
            topics.TARGETS,
            topics.NOTICE_RECEIPTS,
            topics.METRICS,
        ): on_something_changed,
    },
    timers={LEAVES: on_person_leaves},
    public_routes=[
        auth.routes,
        oidc.routes,
        directory.routes,
        people.routes,
        letters.routes,
        boards.routes,
        units.routes,
        api.routes,
        api.pages,
    ],
    lifespan=resources,
    gather=0.05,
    middleware=[(Guard, lambda settings: {"public_url": settings.public_url})],
)
