"""The service: settings and wiring."""

from analytics import api
from analytics.handlers import on_fact
from bihuan_chassis import service
from bihuan_contracts import topics

app = service(
    "analytics",
    # Its own metrics are the one thing that it does not hear: they are made of facts that it has.
    hears={tuple(topic for topic in topics.ALL if topic is not topics.METRICS): on_fact},
    api=[api.routes],
)
