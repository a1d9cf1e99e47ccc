"""A company of a few people, and a service behind web that tells what reached it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from bihuan_chassis.auth import TokenMinter
from bihuan_contracts.hr import PersonChanged
from web.app import app

KEY = TokenMinter.new_key()
MARKED = {"X-Bihuan-Request": "1"}

PEOPLE = [
    PersonChanged(
        person="10231", name="周启航", name_latin="Zhou Qihang", title="电气工程师", department_name="研发", version=1
    ),
    PersonChanged(person="10306", name="林若溪", roles=("employee", "test_engineer"), version=1),
    PersonChanged(person="10001", name="方志诚", roles=("employee", "manager", "director"), version=1),
    PersonChanged(person="10004", name="何岚", roles=("employee", "manager"), version=1),
    PersonChanged(person="10105", name="陈砚", roles=("employee", "project_lead"), title="项目负责人", version=1),
    PersonChanged(person="20001", name="离职者", active=False, version=1),
    PersonChanged(person="20002", name="某工", version=1),
    PersonChanged(person="20003", name="又一工", version=1),
    PersonChanged(person="S001-1", name="供方", roles=("supplier",), supplier="S001", version=1),
]  # fmt: skip


@contextlib.asynccontextmanager
async def served(application: ASGIApp) -> AsyncIterator[tuple[str, uvicorn.Server]]:
    """The application on a port of its own."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False, ws="none"))
        running_server = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", server
        finally:
            server.should_exit = True
            await running_server


def _told(request: Request, body: bytes) -> dict[str, object]:
    return {
        "method": request.method, "path": request.scope["raw_path"].decode(), "body": body.decode(),
        "query": request.scope["query_string"].decode(), "headers": dict(request.headers),
    }  # fmt: skip


async def _echo(request: Request) -> Response:
    return JSONResponse(
        _told(request, await request.body()),
        headers={"ETag": '"7"', "Set-Cookie": "foreign=1", "Server": "secret/1.0", "Connection": "keep-alive"},
    )


async def _slow(_: Request) -> Response:
    await asyncio.sleep(5)
    return Response()


async def _large(_: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    return StreamingResponse(pieces(), media_type="application/octet-stream")


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]

STUB = Starlette(
    routes=[
        Route("/api/goals/slow", _slow),
        Route("/api/goals/large", _large),
        Route("/{path:path}", _echo, methods=METHODS),
    ]
)


def routes() -> list[APIRoute]:
    """Every route of web."""
    return [one for router in app.description.public_routes for one in router.routes if isinstance(one, APIRoute)]
