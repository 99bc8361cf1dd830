"""Files that hold personal data: uploads, columns kept for later stages, refused rows. Sealed, and they expire.

What stands under a name that begins with `KEPT` (a picture in a customer's file) stays until somebody deletes it.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pyarrow as pa

from regulars.shop.home import Home
from regulars.shop.keys import Keys, WrongKey, keys

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
    _put(path, data)


def _put(path: Path, data: bytes) -> None:
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


def opens(key: Keys) -> bool:
    """Whether a key opens a sealed file of this shop, where there is one."""
    for path in Home.find().folder.rglob("*.sealed"):
        try:
            key.unseal_bytes(path.read_bytes())
        except WrongKey:
            return False
        break
    return True


def seal_anew() -> int:
    """Seal every file anew that is not sealed with the key that seals now; returns how many."""
    files = 0
    for path in sorted(Home.find().folder.rglob("*.sealed")):
        with path.open("rb") as file:
            number = file.read(1)
        if number and number[0] != keys().number:
            _put(path, keys().unseal_bytes(path.read_bytes()))
            files += 1
    return files


OPENED_FOR = 3600
"""Reading the largest file takes minutes: what has lain open for an hour was left by a process that died."""


def opened(upload: str) -> Path:
    """The folder in which an upload's files lie open while they are read; only the shop's owner may enter."""
    return Home.find().uploads / f"open-{upload}"


def clear_opened(older_than: float = OPENED_FOR, now: float | None = None) -> int:
    """Remove what a dead process has left open or half written; returns how many went."""
    limit = (now or time.time()) - older_than
    left = [
        p for pattern in ("open-*", "arriving/*", "*.part") for p in Home.find().uploads.glob(pattern)
        if p.stat().st_mtime <= limit
    ]  # fmt: skip
    for path in left:
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    return len(left)


def sweep(now: float | None = None) -> int:
    """Delete what is older than it may be; returns how many files went."""
    clear_opened(now=now)
    limit = (now or time.time()) - KEPT_DAYS * 86400
    old = [
        p
        for p in Home.find().uploads.glob("*.sealed")
        if not p.name.startswith(KEPT) and p.stat().st_mtime < limit
    ]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
