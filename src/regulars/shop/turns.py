"""One at a time: imports, their undoing and the day's run never work side by side on one shop; nor does a change of
the key beside open pages.

The turn is held by the operating system (a locked file in the shop's folder) and, on PostgreSQL, by the database
(an advisory lock), so it ends with the process that holds it, however that ends: after kill -9 nobody waits for the
dead, and whoever holds the turn may clear away what a dead process left half done.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

from regulars.shop.home import Home
from regulars.shop.keys import keys
from regulars.shop.words import Refused, Words

PATIENCE = 600.0
"""Seconds to wait for somebody else's turn: longer than the import of a year takes, shorter than a lunch break."""

LOOK_AGAIN = 0.2

WAITING = Words(
    "另一个导入或评级还没做完，等它", "Another import or grading is still at work; waiting for it"
)
BUSY = Words(
    "另一个导入或评级一直没做完，这次先不动；过一会儿再试",
    "Another import or grading is still at work, so nothing was changed; try again in a while",
)

CHANGING = Words(
    "上次换钥匙没换完。先把它换完：regulars key rotate",
    "A change of the key was cut off. Finish it first: regulars key rotate",
)
OPEN = Words(
    "店正开着：请先关掉 regulars serve（这个文件夹的每一个），再来一次",
    "The shop is being served: close every regulars serve of this folder first, then try again",
)

ADVISORY = 0x5265_6775  # "Regu": any number that no other program on this database uses


@contextmanager
def turn(
    progress: Callable[[int, int, Words], None] | None = None,
    patience: float | None = None,
    *,
    changes_key: bool = False,
) -> Iterator[None]:
    """Hold the shop's only turn; wait for it at most `patience` seconds, then raise Refused.

    `progress` is told while waiting and may raise to give up. A turn is not taken again inside a turn. While values are
    sealed with two keys only the one who changes the key may have it: tokens would be looked up in vain.
    """
    if keys().is_changing and not changes_key:
        raise Refused(CHANGING)
    ends = time.monotonic() + (PATIENCE if patience is None else patience)
    folder = Home.find().folder
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "turn").open("a+b") as file:
        while not _take(file):
            _wait(ends, progress)
        try:
            while not _take_in_store():
                _wait(ends, progress)
            try:
                yield
            finally:
                _give_back_in_store()
        finally:
            _give_back(file)


def _wait(ends: float, progress: Callable[[int, int, Words], None] | None) -> None:
    if time.monotonic() >= ends:
        raise Refused(BUSY)
    if progress is not None:
        progress(0, 0, WAITING)
    time.sleep(LOOK_AGAIN)


@contextmanager
def doors_open() -> Iterator[None]:
    """Pages of this shop are being served as long as this lasts, by this process or by others beside it."""
    folder = Home.find().folder
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "doors").open("a+b") as file:
        place = _hold_open(file)
        try:
            yield
        finally:
            _let_close(file, place)


@contextmanager
def doors_closed() -> Iterator[None]:
    """Nobody serves this shop's pages as long as this lasts; raises Refused where somebody does."""
    folder = Home.find().folder
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "doors").open("a+b") as file:
        if not _hold_closed(file):
            raise Refused(OPEN)
        try:
            yield
        finally:
            _let_open(file)


@contextmanager
def in_line() -> Iterator[None]:
    """Processes that book on one SQLite file in short transactions come one after another as long as they ask here:
    whoever has just booked stands behind those who wait. Left to itself SQLite lets the same one in again and again,
    because the others look only now and then. PostgreSQL sees to it itself.

    Two locks, as at a turnstile: one is the way in, the other the place; who leaves the place has to come in again.
    """
    here = connections[DEFAULT_DB_ALIAS]
    name = str(here.settings_dict["NAME"])
    if here.vendor != "sqlite" or name.startswith(("file:", ":memory:")):
        yield
        return
    with _turnstile.lock:
        way_in, place = _turnstile.of(name)
        _wait_for(way_in)
        try:
            _wait_for(place)
        finally:
            _give_back(way_in)
        try:
            yield
        finally:
            _give_back(place)


@contextmanager
def short_write() -> Iterator[None]:
    """A short transaction that writes, in line with all others; inside one of the caller's it holds or falls with that."""
    if connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    with in_line(), transaction.atomic():
        yield


class _Turnstile:
    """The two locked files, kept open: opening them takes longer than a booking."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.name = ""
        self.open = ExitStack()
        self.files: list[IO[Any]] = []

    def of(self, name: str) -> list[IO[Any]]:
        if name != self.name:
            self.leave()
            for part in ("next", "now"):
                self.files.append(self.open.enter_context(Path(f"{name}-{part}").open("ab")))  # noqa: SIM115
            self.name = name
        return self.files

    def leave(self) -> None:
        self.name = ""
        self.open.close()
        self.files.clear()

    def stand_outside(self) -> None:
        """So a process begins that was forked off: she who stood in the turnstile is not there, and the files that came
        along would hold her place after she is gone."""
        self.lock = threading.Lock()
        self.leave()


_turnstile = _Turnstile()
if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_turnstile.stand_outside)

if os.name == "nt":
    import msvcrt

    def _wait_for(file: IO[Any]) -> None:
        # Windows' own waiting looks once a second; whoever books is done in a hundredth of that.
        while not _take(file):
            time.sleep(0.005)

    MOST_AT_ONCE = 64

    def _lock(file: IO[Any], place: int, bytes_: int, how: int) -> bool:
        file.seek(place)
        try:
            msvcrt.locking(file.fileno(), how, bytes_)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True

    def _hold_open(file: IO[Any]) -> int:
        # Windows has no shared locks: whoever serves holds one byte, whoever wants all closed holds all of them.
        busy = msvcrt.LK_NBLCK  # type: ignore[attr-defined,unused-ignore]
        return next((k for k in range(MOST_AT_ONCE) if _lock(file, k, 1, busy)), -1)

    def _let_close(file: IO[Any], place: int) -> None:
        if place >= 0:
            _lock(file, place, 1, msvcrt.LK_UNLCK)  # type: ignore[attr-defined,unused-ignore]

    def _hold_closed(file: IO[Any]) -> bool:
        return _lock(file, 0, MOST_AT_ONCE, msvcrt.LK_NBLCK)  # type: ignore[attr-defined,unused-ignore]

    def _let_open(file: IO[Any]) -> None:
        _lock(file, 0, MOST_AT_ONCE, msvcrt.LK_UNLCK)  # type: ignore[attr-defined,unused-ignore]

    def _take(file: IO[Any]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True

    def _give_back(file: IO[Any]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined,unused-ignore]

else:
    import fcntl

    def _wait_for(file: IO[Any]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)

    def _hold_open(file: IO[Any]) -> int:
        fcntl.flock(file, fcntl.LOCK_SH)
        return 0

    def _let_close(file: IO[Any], place: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)

    def _hold_closed(file: IO[Any]) -> bool:
        return _take(file)

    def _let_open(file: IO[Any]) -> None:
        _give_back(file)

    def _take(file: IO[Any]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _give_back(file: IO[Any]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


def _take_in_store() -> bool:
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY])
        return bool(cursor.fetchone()[0])


def _give_back_in_store() -> None:
    if connection.vendor == "postgresql" and connection.connection is not None and connection.is_usable():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY])
