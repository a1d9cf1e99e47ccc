"""Routes of web that are not about people: live updates, forwarding, and the application itself."""

import asyncio

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from bihuan_chassis.auth import Role, roles_named
from bihuan_chassis.http import allow_anonymous, router
from web.resources import resources_of

routes = router(tags=["web"])
pages = router(include_in_schema=False)


@routes.get("/live", dependencies=[allow_anonymous()], include_in_schema=False)
async def live(request: Request) -> StreamingResponse:
    """Server-sent events: what open pages should look at again."""
    resources = resources_of(request)
    session = await resources.sessions.find(request)
    stream = resources.fanout.stream(
        session.person,
        inside=bool(roles_named(session.roles) - {Role.SUPPLIER}),
        after=request.headers.get("last-event-id"),
        signed_in=lambda: resources.sessions.signed_in(request),
    )
    _end_with_the_server(request)
    return StreamingResponse(
        stream, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


def _end_with_the_server(request: Request) -> None:
    """A server that stops waits for open answers, and these have no end of their own."""
    state = request.app.state
    stopping: asyncio.Event | None = getattr(state, "stopping", None)
    if stopping is not None and getattr(state, "ending", None) is None:
        state.ending = asyncio.create_task(_end(stopping, request))


async def _end(stopping: asyncio.Event, request: Request) -> None:
    await stopping.wait()
    resources_of(request).fanout.end_streams()


@pages.api_route(
    "/api/{service}/{path:path}",
    methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
    dependencies=[allow_anonymous()],
)
async def forward(service: str, path: str, request: Request) -> Response:
    resources = resources_of(request)
    session = await resources.sessions.find(request)
    return await resources.forwarder.forward(service, path, request, resources.sessions.token(session))


@pages.api_route("/{path:path}", methods=["GET", "HEAD"], dependencies=[allow_anonymous()])
async def read_page(path: str, request: Request) -> Response:
    return resources_of(request).pages.answer(path, request)
