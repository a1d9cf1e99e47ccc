"""Calls of the browser, forwarded to the service that owns the data, with a token in place of the cookie."""

from collections.abc import AsyncIterator

import httpx
import structlog
from fastapi import Request
from fastapi.responses import StreamingResponse

from bihuan_chassis.http import NotFound, Unavailable
from bihuan_contracts import Text

_PASSED_ON = {"accept", "accept-language", "content-type", "idempotency-key", "traceparent", "range"}
_PASSED_BACK = {
    "content-type", "content-length", "content-disposition", "content-language", "content-security-policy",
    "cache-control", "etag", "retry-after", "location", "x-content-type-options",
}  # fmt: skip

log = structlog.get_logger()


class Forwarder:
    """Knows the services, and none other."""

    def __init__(self, services: dict[str, str], client: httpx.AsyncClient) -> None:
        self._services = services
        self._client = client

    async def forward(self, service: str, path: str, request: Request, token: str) -> StreamingResponse:
        """Pass a request on and stream the answer back; a service that is away is named (503)."""
        base = self._services.get(service)
        if base is None:
            raise NotFound()
        headers = {name: value for name, value in request.headers.items() if name in _PASSED_ON}
        headers["authorization"] = f"Bearer {token}"
        outgoing = self._client.build_request(
            request.method, f"{base}/api/{service}/{path}", params=request.query_params, headers=headers,
            content=await request.body(),
        )  # fmt: skip
        try:
            response = await self._client.send(outgoing, stream=True)
        except httpx.TransportError as error:
            log.warning("service.away", away=service, error=type(error).__name__)
            words = Text(zh=f"{service} 暂时没有响应", en=f"{service} does not answer right now")
            raise Unavailable("service_away", words, headers={"Retry-After": "2"}, service=service) from error
        back = {name: value for name, value in response.headers.items() if name in _PASSED_BACK}
        return StreamingResponse(_body(response), response.status_code, headers=back)


async def _body(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in response.aiter_raw():
            yield piece
    finally:
        await response.aclose()
