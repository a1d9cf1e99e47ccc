"""The browser application: hashed files for ever, the page itself never, compressed where the browser takes it."""

import mimetypes
import os
from pathlib import Path

from fastapi import Request
from fastapi.responses import Response

from bihuan_chassis.http import NotFound

_COMPRESSED = (("br", ".br"), ("gzip", ".gz"))
_NO_PAGES = ("api/", "auth/", "assets/", ".well-known/", "live/", "directory/")


class Pages:
    """Serves one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def answer(self, path: str, request: Request) -> Response:
        """A file, or the application's page for one of its own paths."""
        if "\0" in path:
            raise NotFound()
        file = (self._folder / path).resolve()
        if path and file.is_relative_to(self._folder) and file.is_file():
            hashed = path.startswith("assets/")
            return self._file(file, request, "public, max-age=31536000, immutable" if hashed else "no-cache")
        if "." in path.rsplit("/", 1)[-1] or f"{path}/".startswith(_NO_PAGES):
            raise NotFound()
        index = self._folder / "index.html"
        if not index.is_file():
            raise NotFound("no_application")
        return self._file(index, request, "no-cache")

    def _file(self, file: Path, request: Request, caching: str) -> Response:
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        headers = {"Cache-Control": caching, "Vary": "Accept-Encoding"}
        found, accepted = file, request.headers.get("accept-encoding", "")
        for name, ending in _COMPRESSED:
            packed = file.with_name(file.name + ending)
            if name in accepted and packed.is_file():
                found, headers["Content-Encoding"] = packed, name
                break
        tag, content = _read(found)
        headers["ETag"] = tag
        if tag in [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)


def _read(file: Path) -> tuple[str, bytes]:
    """A file and its tag, from one opening: another release may be put in its place at any moment."""
    try:
        with file.open("rb") as opened:
            state = os.fstat(opened.fileno())
            return f'"{state.st_mtime_ns:x}-{state.st_size:x}"', opened.read()
    except FileNotFoundError:
        raise NotFound() from None
