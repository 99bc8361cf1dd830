"""One at a time: imports, their undoing and the day's run never work side by side on one shop.

The turn is held by the operating system (a locked file in the shop's folder) and, on PostgreSQL, by the database
(an advisory lock), so it ends with the process that holds it, however that ends: after kill -9 nobody waits for the
dead, and whoever holds the turn may clear away what a dead process left half done.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from django.db import connection

from regulars.shop.home import Home
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

ADVISORY = 0x5265_6775  # "Regu": any number that no other program on this database uses


@contextmanager
def turn(
    progress: Callable[[int, int, Words], None] | None = None, patience: float | None = None
) -> Iterator[None]:
    """Hold the shop's only turn; wait for it at most `patience` seconds, then raise Refused.

    `progress` is told while waiting and may raise to give up. A turn is not taken again inside a turn.
    """
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


if os.name == "nt":
    import msvcrt

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
