"""Which files are taken (F7)."""

import struct
import zipfile
from io import BytesIO

import pytest

from bihuan_chassis.files import MOST_BYTES, QUOTA_BYTES, FileRefusedError, accept

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x08\x00\x00\x00\x08" + b"0" * 100


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", width, height) + b"\x08\x06\x00\x00\x00"


def jpeg(width: int, height: int) -> bytes:
    return b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + bytes(12)


def office(name: str, size: int) -> bytes:
    """A file of a few kilobytes that unpacks to `size`."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as entry:
        for _ in range(size // 2**20):
            entry.write(bytes(2**20))
    return made.getvalue()


def test_pictures_and_office_files_of_usual_size_are_taken() -> None:
    """F7"""
    for name, content in [
        ("x.png", png(4000, 3000)),
        ("x.jpg", jpeg(4000, 3000)),
        ("x.docx", office("word/d.xml", 2**20)),
    ]:
        assert accept(name, content, used=0)[0] == name


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("x.svg", b"<svg onload=alert(1)>", "kind"),
        ("x.exe", b"MZ", "kind"),
        ("x", b"abc", "kind"),
        ("x.png", b"<html>", "disguised"),
        ("x.pdf", PNG, "disguised"),
        ("x.txt", b"<svg xmlns='x'>", "disguised"),
        ("x.csv", b"a\x00b", "disguised"),
        ("x.docx", b"PK\x03\x04nothing", "disguised"),
        ("x.png", b"", "empty"),
        ("x.png", b"\x89PNG\r\n\x1a\n" + b"0" * MOST_BYTES, "too_large"),
        ("x.png", png(30_000, 30_000), "too_many_pixels"),
        ("x.jpg", jpeg(60_000, 60_000), "too_many_pixels"),
        ("x.jpg", b"\xff\xd8\xff\xe0\x00\x00" * 5_000, "disguised"),
        ("x.webp", b"RIFF\x00\x00\x00\x00WEBPVP8X" + b"\xff" * 14, "too_many_pixels"),
        ("x.docx", b"PK\x03\x04 word/ and no directory", "disguised"),
        ("x.xlsx", office("xl/a.xml", 210 * 2**20), "unpacks_too_large"),
    ],
)
def test_file_is_refused_with_its_reason(name: str, content: bytes, code: str) -> None:
    """F7: by content, not by name."""
    with pytest.raises(FileRefusedError) as refused:
        accept(name, content, used=0)
    assert refused.value.code == code


def test_quota_and_names() -> None:
    with pytest.raises(FileRefusedError):
        accept("x.png", PNG, used=QUOTA_BYTES)
    assert accept("../../etc/a\nb.png", PNG, used=0)[0] == "ab.png"
