"""Headers of every page, and the refusal of requests that another site makes in somebody's name."""

from urllib.parse import urlsplit

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bihuan_chassis import problems
from bihuan_chassis.http import Forbidden
from bihuan_contracts import Text

_SAFE = {"GET", "HEAD", "OPTIONS"}
_HEADERS = {
    b"content-security-policy": (
        b"default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self';"
        b" connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
}
MARK = "x-bihuan-request"
"""A header that no form and no other site can send."""


class Guard:
    """ASGI middleware around the whole of web."""

    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self._app = app
        self._public = urlsplit(public_url)
        self._headers = dict(_HEADERS)
        if self._public.scheme == "https":
            self._headers[b"strict-transport-security"] = b"max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                missing = [(name, value) for name, value in self._headers.items() if name not in present]
                message["headers"] = [*message["headers"], *missing]
            await send(message)

        request = Request(scope)
        if request.method not in _SAFE and _is_foreign(request, self._public.netloc):
            words = Text(zh="请求不是来自本站页面", en="The request does not come from a page of this site")
            await problems.answer(request, Forbidden("cross_site", words))(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)


def _is_foreign(request: Request, own: str) -> bool:
    """Whether a request that changes something lacks our mark, or comes from another site's page."""
    if request.headers.get(MARK) != "1":
        return True
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return True
    origin = request.headers.get("origin")
    # Behind a proxy the Host may be another; the address that people use is known from the settings.
    return origin is not None and urlsplit(origin).netloc not in {request.headers.get("host"), own}
