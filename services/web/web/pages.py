"""The browser application: hashed files for ever, the page itself never, compressed where the browser takes it."""

import mimetypes
from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse, Response

from bihuan_chassis.http import NotFound

_COMPRESSED = (("br", ".br"), ("gzip", ".gz"))


class Pages:
    """Serves one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def answer(self, path: str, request: Request) -> Response:
        """A file, or the application's page for one of its own paths."""
        file = (self._folder / path).resolve()
        if path and file.is_relative_to(self._folder) and file.is_file():
            hashed = path.startswith("assets/")
            return self._file(file, request, "public, max-age=31536000, immutable" if hashed else "no-cache")
        last = path.rsplit("/", 1)[-1]
        if "." in last or path.startswith(("api/", "auth/", "assets/")):
            raise NotFound()
        index = self._folder / "index.html"
        if not index.is_file():
            raise NotFound("no_application")
        return self._file(index, request, "no-cache")

    def _file(self, file: Path, request: Request, caching: str) -> Response:
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        headers = {"Cache-Control": caching, "Vary": "Accept-Encoding"}
        accepted = request.headers.get("accept-encoding", "")
        for name, ending in _COMPRESSED:
            packed = file.with_name(file.name + ending)
            if name in accepted and packed.is_file():
                return FileResponse(packed, media_type=media_type, headers={**headers, "Content-Encoding": name})
        return FileResponse(file, media_type=media_type, headers=headers)
