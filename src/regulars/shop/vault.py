"""Files that hold personal data: uploads, columns kept for later stages, refused rows. Sealed, and they expire.

What stands under a name that begins with `KEPT` (a picture in a customer's file) stays until somebody deletes it.
"""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa

from regulars.shop.home import Home
from regulars.shop.keys import keys

KEPT_DAYS = 90
"""Long enough to correct refused rows and to repeat an import by hand; then the plain file has no business here."""

KEPT = "kept-"
"""Names that never expire."""


def _path(name: str) -> Path:
    return Home.find().uploads / f"{name}.sealed"


def put_bytes(name: str, data: bytes) -> None:
    """Keep a file sealed under a name; whole or not at all."""
    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(keys().seal_bytes(data))
    part.replace(path)


def get_bytes(name: str) -> bytes | None:
    path = _path(name)
    return keys().unseal_bytes(path.read_bytes()) if path.exists() else None


def put_table(name: str, table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    put_bytes(name, sink.getvalue().to_pybytes())


def get_table(name: str) -> pa.Table | None:
    data = get_bytes(name)
    return pa.ipc.open_stream(data).read_all() if data is not None else None


def forget(name: str) -> None:
    _path(name).unlink(missing_ok=True)


def sweep(now: float | None = None) -> int:
    """Delete what is older than it may be; returns how many files went."""
    limit = (now or time.time()) - KEPT_DAYS * 86400
    old = [
        p
        for p in Home.find().uploads.glob("*.sealed")
        if not p.name.startswith(KEPT) and p.stat().st_mtime < limit
    ]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
