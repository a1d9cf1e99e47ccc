"""The service: settings and wiring."""

from bihuan_chassis import service
from intake import api, refusals, reports, streams
from intake.settings import Settings

app = service(
    "intake",
    settings=Settings,
    api=[api.routes, reports.routes, refusals.routes, streams.routes],
    lifespan=streams.watch,
)
