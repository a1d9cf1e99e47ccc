"""Calls of the browser, forwarded to the service that owns the data, with a token in place of the cookie."""

from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import structlog
from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from bihuan_chassis.http import Forbidden, NotFound, Problem, Unauthenticated, Unavailable
from bihuan_chassis.tracing import traceparent
from bihuan_contracts import Text

_PASSED_ON = {
    "accept", "accept-encoding", "accept-language", "content-type", "content-length", "idempotency-key", "if-match",
    "if-none-match", "range",
}  # fmt: skip
"""Nothing else: neither the cookie nor what a proxy or another hop has added."""
_PASSED_BACK = {
    "content-type", "content-length", "content-encoding", "content-disposition", "content-language", "content-range",
    "content-security-policy", "accept-ranges", "cache-control", "etag", "last-modified", "retry-after", "location",
    "vary", "x-content-type-options",
}  # fmt: skip

log = structlog.get_logger()


class Forwarder:
    """Knows the services, and none other."""

    def __init__(self, services: dict[str, str], client: httpx.AsyncClient) -> None:
        self._services = services
        self._client = client

    def address(self, service: str, path: str, request: Request) -> str:
        """Where a call goes, spelled as it came; NotFound for what is no service or leaves its folder."""
        base = self._services.get(service)
        if base is None or not {".", ".."}.isdisjoint(path.split("/")):
            raise NotFound()
        rest = request.scope["raw_path"].split(b"/", 3)[3].decode("ascii")
        query = request.scope["query_string"].decode("ascii", errors="replace")
        return f"{base}/api/{service}/{rest}" + (f"?{query}" if query else "")

    AWAY: Final = object()
    """In place of an answer: the service did not give one."""

    async def read(self, service: str, path: str, token: str, language: str) -> Any:
        """What a service answers to a GET; its refusals are passed on as they are."""
        headers = {"authorization": f"Bearer {token}", "accept-language": language}
        if (trace := traceparent()) is not None:
            headers["traceparent"] = trace
        try:
            answer = await self._client.get(f"{self._services[service]}/api/{service}/{path}", headers=headers)
        except httpx.TransportError as error:
            raise self._away(service, error) from error
        if answer.is_success:
            return answer.json()
        refusals: dict[int, type[Problem]] = {401: Unauthenticated, 403: Forbidden, 404: NotFound}
        if answer.status_code in refusals:
            raise refusals[answer.status_code]()
        raise self._away(service, None)

    async def read_if_there(self, service: str, path: str, token: str, language: str) -> Any:
        """As `read`; None where the service knows nothing of it or keeps it from the caller, AWAY for no answer."""
        try:
            return await self.read(service, path, token, language)
        except (NotFound, Forbidden):
            return None
        except Unavailable:
            return self.AWAY

    def _away(self, service: str, error: Exception | None) -> Unavailable:
        log.warning("service.away", away=service, error=type(error).__name__ if error else "status")
        words = Text(zh=f"{service} 暂时没有响应", en=f"{service} does not answer right now")
        return Unavailable("service_away", words, headers={"Retry-After": "2"}, service=service)

    async def forward(self, service: str, path: str, request: Request, token: str) -> Response:
        """Pass a request on and stream the answer back; a service that is away is named (503)."""
        address = self.address(service, path, request)
        headers = {name: value for name, value in request.headers.items() if name in _PASSED_ON}
        headers.setdefault("accept-encoding", "identity")
        if (trace := traceparent()) is not None:  # below this request's own span
            headers["traceparent"] = trace
        headers["authorization"] = f"Bearer {token}"
        content = request.stream() if _has_body(request) else None
        outgoing = self._client.build_request(request.method, address, headers=headers, content=content)
        try:
            response = await self._client.send(outgoing, stream=True)
        except httpx.TransportError as error:
            raise self._away(service, error) from error
        except ClientDisconnect:
            return Response(status_code=499)  # nobody is left to read it
        back = {name: value for name, value in response.headers.items() if name in _PASSED_BACK}
        return _Passed(response, headers=back)


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


class _Passed(StreamingResponse):
    """An answer on its way back; the connection it came by is given back also when the browser goes away first."""

    def __init__(self, answer: httpx.Response, **options: Any) -> None:
        self._answer = answer
        super().__init__(self._pieces(), answer.status_code, **options)

    async def _pieces(self) -> AsyncIterator[bytes]:
        async for piece in self._answer.aiter_raw():
            yield piece

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._answer.aclose()
