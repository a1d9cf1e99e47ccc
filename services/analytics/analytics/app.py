"""The service: settings and wiring."""

from analytics import api
from analytics.handlers import on_fact
from bihuan_chassis import service
from bihuan_contracts import topics

app = service(
    "analytics",
    hears={topics.ALL: on_fact},
    api=[api.routes],
    gather=0.25,
)
