"""Files that people send and get back: taken by their content, not by their name alone (F7; ASVS 5.2)."""

import re
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from urllib.parse import quote

from fastapi import Response, UploadFile

from bihuan_chassis.problems import FieldError, Invalid
from bihuan_contracts import Text

MOST_BYTES = 20 * 2**20
QUOTA_BYTES = 500 * 2**20
"""All files of one person."""
MOST_PIXELS = 50_000_000
"""A picture of a few bytes can ask a browser for gigabytes."""
MOST_UNPACKED = 200 * 2**20
MOST_ENTRIES = 2_000
_MOST_SEGMENTS = 1_000
"""Of a JPEG before its size is told; real ones have a few dozen."""


class FileRefusedError(Exception):
    """A file that is not taken; `text` says why to the person who sent it."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        self.code, self.text = code, Text(zh=zh, en=en)
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Kind:
    media_type: str
    inline: bool
    """Whether a browser may show it in the page."""
    looks_right: Callable[[bytes], bool]


def _starts(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(signatures)


def _office(folder: bytes) -> Callable[[bytes], bool]:
    # An Office file is a ZIP whose first entries name what it is.
    return lambda content: content.startswith(b"PK\x03\x04") and folder in content


def _text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError:
            return False
    return "\0" not in text and not re.match(r"\s*(<\?xml|<!doctype|<html|<svg)", text, re.IGNORECASE)


KINDS = {
    "png": Kind("image/png", True, _starts(b"\x89PNG\r\n\x1a\n")),
    "jpg": Kind("image/jpeg", True, _starts(b"\xff\xd8\xff")),
    "jpeg": Kind("image/jpeg", True, _starts(b"\xff\xd8\xff")),
    "webp": Kind("image/webp", True, lambda content: content[:4] == b"RIFF" and content[8:12] == b"WEBP"),
    "pdf": Kind("application/pdf", False, _starts(b"%PDF-")),
    "xlsx": Kind("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", False, _office(b"xl/")),
    "docx": Kind("application/vnd.openxmlformats-officedocument.wordprocessingml.document", False, _office(b"word/")),
    "csv": Kind("text/csv", False, _text),
    "txt": Kind("text/plain", False, _text),
}


@dataclass(frozen=True, slots=True)
class Taken:
    name: str
    media_type: str
    content: bytes


async def take(file: UploadFile, *, used: int) -> Taken:
    """An uploaded file; a refused one says why at the field `file`. `used`: bytes its sender has stored."""
    content = await file.read()
    try:
        name, kind = accept(file.filename or "", content, used=used)
    except FileRefusedError as error:
        raise Invalid(f"file_{error.code}", error.text, errors=[FieldError("file", error.code, error.text)]) from error
    return Taken(name, kind.media_type, content)


def hand_out(name: str, media_type: str, content: bytes) -> Response:
    """The file itself. Only images are shown in the page, all else is a download."""
    way = "inline" if shown_inline(media_type) else "attachment"
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": f"{way}; filename*=UTF-8''{quote(name, safe='')}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, max-age=31536000, immutable",
        },
    )


def shown_inline(media_type: str) -> bool:
    return any(kind.inline and kind.media_type == media_type for kind in KINDS.values())


def accept(name: str, content: bytes, *, used: int) -> tuple[str, Kind]:
    """The clean name and the kind of a file; raises FileRefusedError. `used`: bytes its sender has stored."""
    clean = re.sub(r"[\x00-\x1f\x7f]", "", PurePosixPath(name.replace("\\", "/")).name).strip()[-150:]
    ending = clean.rsplit(".", 1)[-1].lower() if "." in clean else ""
    kind = KINDS.get(ending)
    if kind is None:
        allowed = "、".join(KINDS)
        raise FileRefusedError(
            "kind", f"不接受这种文件，可以上传：{allowed}", f"This kind is not taken; allowed: {', '.join(KINDS)}"
        )
    if not content:
        raise FileRefusedError("empty", "文件是空的", "The file is empty")
    if len(content) > MOST_BYTES:
        raise FileRefusedError("too_large", "文件超过 20 MB", "The file is over 20 MB")
    if used + len(content) > QUOTA_BYTES:
        raise FileRefusedError("quota", "你的文件总量超过 500 MB", "Your files are over 500 MB in all")
    if not kind.looks_right(content):
        raise FileRefusedError("disguised", f"内容不是 .{ending} 文件", f"The content is not a .{ending} file")
    if kind.inline:
        _check_pixels(content, ending)
    elif kind.media_type.startswith("application/vnd.openxmlformats"):
        _check_unpacked(content, ending)
    return clean, kind


def _check_pixels(content: bytes, ending: str) -> None:
    size = pixels(content)
    if size is None:
        raise FileRefusedError("disguised", f"内容不是 .{ending} 文件", f"The content is not a .{ending} file")
    if size[0] * size[1] > MOST_PIXELS:
        raise FileRefusedError(
            "too_many_pixels",
            f"图片是 {size[0]} × {size[1]} 像素，最多 {MOST_PIXELS // 1_000_000} 百万像素",
            f"The picture has {size[0]} × {size[1]} pixels; {MOST_PIXELS // 1_000_000} million are allowed",
        )


def _check_unpacked(content: bytes, ending: str) -> None:
    """What an Office file would become; its directory says so, and it must be one that readers agree on."""
    try:
        entries = zipfile.ZipFile(BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, struct.error) as error:
        raise FileRefusedError(
            "disguised", f"内容不是 .{ending} 文件", f"The content is not a .{ending} file"
        ) from error
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise FileRefusedError(
            "unpacks_too_large", "文件解开后太大（超过 200 MB）", "The file unpacks to too much (over 200 MB)"
        )


def pixels(content: bytes) -> tuple[int, int] | None:
    """Width and height that a PNG, JPEG or WebP says it has; None when it says nothing that can be read."""
    try:
        if content[:4] == b"\x89PNG":
            width, height = struct.unpack(">II", content[16:24])
            return (width, height) if content[12:16] == b"IHDR" else None
        return _of_webp(content) if content[:4] == b"RIFF" else _of_jpeg(content)
    except (struct.error, IndexError):
        return None


def _of_webp(content: bytes) -> tuple[int, int] | None:
    match content[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
        case b"VP8L":
            bits = int.from_bytes(content[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            width, height = struct.unpack("<HH", content[26:30])
            return width & 0x3FFF, height & 0x3FFF
    return None


def _of_jpeg(content: bytes) -> tuple[int, int] | None:
    at = 2
    for _ in range(_MOST_SEGMENTS):
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return None
