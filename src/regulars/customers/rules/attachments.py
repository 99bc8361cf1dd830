"""What may be kept in a customer's file as a picture or a document, told by its first bytes and never by its name."""

from __future__ import annotations

LARGEST = 5 * 1024 * 1024
"""A photograph of a phone or a few scanned pages; more is an archive, and has no place in a file at the counter."""

A_CUSTOMER = 20
"""How many a file holds: what staff look through in a minute."""

KINDS = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "pdf": "application/pdf",
}


def kind_of(data: bytes) -> str:
    """What a file is by its first bytes; nothing where it is none of `KINDS`.

    >>> kind_of(b"\\x89PNG\\r\\n\\x1a\\n...."), kind_of(b"%PDF-1.7"), kind_of(b"<html>"), kind_of(b"RIFF0000WEBPVP8 ")
    ('png', 'pdf', '', 'webp')
    """
    if data.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return "pdf" if data.startswith(b"%PDF-") else ""


def named(name: str, kind: str) -> str:
    """A name under which it may be saved: without a path, without signs that file systems or headers mind, ending as
    what it is.

    >>> named("..\\\\..\\\\合同 2026.PDF", "pdf"), named("a.html", "png"), named("/", "jpg")
    ('合同 2026.pdf', 'a.png', 'file.jpg')
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    stem = "".join(ch for ch in last.rsplit(".", 1)[0] if ch.isalnum() or ch in " -_（）()·").strip()
    return f"{stem[:60] or 'file'}.{kind}"
