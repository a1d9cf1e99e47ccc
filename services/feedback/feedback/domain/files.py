"""Which files are taken: by their content, not by their name alone (F7; ASVS 5.2)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from bihuan_contracts import Text

MOST_BYTES = 20 * 2**20
QUOTA_BYTES = 500 * 2**20
"""All files of one person."""


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
    return clean, kind
