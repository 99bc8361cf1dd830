"""A window at which people queue: whoever comes last of those expected books for all who wait, in one transaction.

So one flush to the disk serves up to `TOGETHER` of them, and nobody is passed over, as writers who compete for SQLite's
only lock are.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from regulars.membership.books import Books, books
from regulars.membership.rules.ledger import Move
from regulars.shop.turns import in_line, short_write
from regulars.shop.words import Refused

TOGETHER = 64
"""Requests booked in one transaction at most."""

PATIENCE = 0.001
"""Seconds at most that a busy window waits for those whom it has just served: they are about to come again, and all at
once they are booked by one flush."""

GIVES_WAY = (0.02, 0.1, 0.5)
"""Seconds for which who was crossed by somebody steps aside, time after time: asked again at once, she takes anew what
the other is about to get, and both stand as before."""


@dataclass(slots=True)
class Done:
    """What a move came to. `amounts`: what it put into (above zero) or took from (below) each purse, by currency, both
    accounts of the member together; `short`: what could not be taken; `is_new`: false where it was booked before."""

    posting: int
    amounts: dict[str, int]
    short: int = 0
    is_new: bool = True


class Request:
    """Moves that are booked all or none, and what they came to."""

    __slots__ = ("bell", "done", "error", "is_over", "moves")
    bell: SimpleQueue[None]  # only of those who stand at a window

    def __init__(self, moves: Sequence[Move]) -> None:
        self.moves = tuple(moves)
        self.done: list[Done] = []
        self.error: BaseException | None = None
        self.is_over = False

    def answer(self) -> list[Done]:
        if self.error is not None:
            raise self.error
        return self.done


class Window:
    """`book` decides and writes what these requests ask for, inside the transaction of the books that it is given."""

    def __init__(self, book: Callable[[Sequence[Request], Books], None]) -> None:
        self.book = book
        self.open_anew()
        self.own = _Own()

    def open_anew(self) -> None:
        """Nobody waits and nobody stands there: so it is in a process that was forked off, whose other threads are gone."""
        self.gate = threading.Lock()
        self.waiting: deque[Request] = deque()
        self.is_open = False  # somebody stands there and books
        self.expected = 0  # how many were booked together the last time: about as many will come again

    def ask(self, request: Request) -> None:
        """Have a request booked: its answer is there afterwards."""
        request.bell = SimpleQueue()
        with self.gate:
            self.waiting.append(request)
            watches = not self.is_open and len(self.waiting) == 1
            leads = not self.is_open and len(self.waiting) >= self.expected
            self.is_open = self.is_open or leads
        try:
            while not (leads or request.is_over):
                try:
                    request.bell.get(timeout=PATIENCE if watches else None)
                    watches = True
                except Empty:
                    watches = False
                    with self.gate:
                        leads = not (self.is_open or request.is_over)
                        self.is_open = self.is_open or leads
            if leads:
                self._stand_there(request)
        except BaseException:
            self._walk_away(request)
            raise

    def _walk_away(self, request: Request) -> None:
        """Somebody is called off, by Ctrl-C: unless it is being booked, what she asked for is forgotten, and the next in
        the queue watches."""
        with self.gate:
            if request in self.waiting:
                self.waiting.remove(request)
            if self.waiting and not self.is_open:
                self.waiting[0].bell.put(None)

    def _stand_there(self, mine: Request) -> None:
        """Book for all who wait, until one's own is booked; then let the next in the queue watch."""
        while not mine.is_over:
            with self.gate:
                requests = [self.waiting.popleft() for _ in range(min(len(self.waiting), TOGETHER))]
            leaves = True  # also when she is called off before her own is booked
            try:
                self.serve(requests)
                leaves = mine.is_over
            finally:
                with self.gate:
                    self.expected = min(len(requests) + len(self.waiting), TOGETHER)
                    if leaves:
                        self.is_open = False
                        if self.waiting:
                            requests.append(self.waiting[0])
                for request in requests:
                    if request is not mine:
                        request.bell.put(None)

    def serve(self, requests: Sequence[Request]) -> None:
        """Book these in one transaction; where the store itself refuses, each alone, so that one can't spoil it for
        the others."""
        try:
            with self._own_connection():
                try:
                    with _transaction() as ours:
                        self.book(requests, ours)
                except Refused:
                    raise
                except Exception as error:
                    is_lost = not connection.is_usable()
                    if is_lost:
                        connection.close()
                    if len(requests) == 1 and not is_lost and not _was_crossed(error):
                        raise
                    if _was_crossed(error):
                        time.sleep(GIVES_WAY[0])
                    self._book_one_by_one(requests)
        except BaseException as error:
            for request in requests:
                request.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            for request in requests:
                request.is_over = True

    def _book_one_by_one(self, requests: Sequence[Request]) -> None:
        for request in requests:
            for pause in (*GIVES_WAY, 0):
                request.done, request.error = [], None
                try:
                    with short_write():
                        self.book([request], books())
                except Exception as error:
                    request.error = error
                    if _was_crossed(error):
                        time.sleep(pause)
                        continue
                break

    @contextmanager
    def _own_connection(self) -> Iterator[None]:
        hers = connections[DEFAULT_DB_ALIAS]
        if hers.in_atomic_block or str(hers.settings_dict["NAME"]).startswith(("file:", ":memory:")):
            yield
            return
        connections[DEFAULT_DB_ALIAS] = self.own.beside(hers)
        try:
            yield
        finally:
            connections[DEFAULT_DB_ALIAS] = hers


class _Own:
    """The connection at the window: whoever stands there books on this one, so that what it has read and planned serves
    the next in the queue too. On one's own connection the store reads anew what others have changed meanwhile."""

    def __init__(self) -> None:
        self.of: tuple[int, str] = (0, "")
        self.wrapper: BaseDatabaseWrapper | None = None

    def beside(self, hers: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
        of = (os.getpid(), str(hers.settings_dict["NAME"]))
        if self.wrapper is None or self.of != of:
            if self.of[0] == of[0]:
                self.close()
            self.wrapper, self.of = connections.create_connection(DEFAULT_DB_ALIAS), of
            self.wrapper.inc_thread_sharing()
        return self.wrapper

    def close(self) -> None:
        if self.wrapper is not None:
            self.wrapper.close()
            self.wrapper = None


@contextmanager
def _transaction() -> Iterator[Books]:
    """As `short_write`, without what Django does around a transaction, which takes as long as a booking."""
    here = connections[DEFAULT_DB_ALIAS]
    if here.in_atomic_block:
        with short_write():
            yield books()
        return
    with in_line():
        ours = books()
        ours.begin()
        here.in_atomic_block = True
        try:
            yield ours
            ours.commit()
        except BaseException:
            with suppress(Exception):  # where the store is gone, its own error says so
                ours.driver.rollback()
            raise
        finally:
            here.in_atomic_block = here.needs_rollback = False


def _was_crossed(error: Exception) -> bool:
    """Whether PostgreSQL stopped us because somebody else held what we wanted and wanted what we held, or booked under
    the same business key in the same moment: asked again, it finds her booking."""
    states = {getattr(error, "sqlstate", ""), getattr(error.__cause__, "sqlstate", "")}
    return not states.isdisjoint({"40P01", "23505"})
