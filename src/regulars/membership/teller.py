"""Every change of a purse comes through `post`: moves are booked together, in the order in which they came (`window`).
Inside a transaction of the caller's, moves are booked right there and hold or fall with it.

A move that was booked before, by its business key, is not booked again: the caller gets what was booked then.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils import timezone

from regulars.membership.books import Books, Rows, books
from regulars.membership.models import Entry, Posting, Reason
from regulars.membership.rules import ledger
from regulars.membership.rules.ledger import (
    EXPIRED,
    LIABILITY,
    MEMBER,
    REDEEMED,
    REVERSED,
    Effect,
    Move,
    Past,
    Purse,
)
from regulars.membership.rules.terms import months_after
from regulars.membership.window import Done, Request, Window
from regulars.shop import bulk
from regulars.shop.words import Refused, Words

_POSTING, _ENTRY = Posting._meta.db_table, Entry._meta.db_table

NOBODY = Words("没有这位会员，或者已经退会", "There is no such member, or she has left")
ANOTHER = Words(
    "这个业务号已经用在别的一笔上了（{key}），这一笔请从头再来",
    "This business key stands for something else already ({key}); please begin this one anew",
)


_windows = [Window(lambda requests, books: _book(requests, books)) for _ in range(2)]
if hasattr(os, "register_at_fork"):  # Windows does not fork
    for _window in _windows:
        os.register_at_fork(after_in_child=_window.open_anew)


def post(*moves: Move) -> list[Done]:
    """Book these moves, all or none. Raises Refused with the reason where one can't be; returns what each came to.

    When it returns, and the caller holds no transaction open, what was booked survives a power cut.
    """
    if not moves:
        return []
    request = Request(moves)
    here = connections[DEFAULT_DB_ALIAS]
    if here.in_atomic_block:
        _book([request], books())
    else:
        _windows[moves[0].member % 2 if here.vendor == "postgresql" else 0].ask(request)
    return request.answer()


def close() -> None:
    """Close the windows' own connections; they open them again when somebody comes."""
    for window in _windows:
        window.own.close()


def post_each(moves: Sequence[Move]) -> list[Done | Refused]:
    """Book many moves inside the caller's transaction, each for itself: what each came to, or why it was refused."""
    requests = [Request([move]) for move in moves]
    if requests:
        _book(requests, books())
    return [r.done[0] if r.error is None else r.error for r in requests]  # type: ignore[misc]


def tidy(members: Sequence[int], on: date) -> int:
    """Book what time has done to the purses of these members: what is ripe, what has ended. Says how many postings
    that made. What the counter sees does not hang on it: every move tidies the purse that it touches."""
    with transaction.atomic():
        batch = _Batch([], books(), members, on)
        for member in members:
            if member in batch.family:
                batch._purse(member, on)
        batch.write()
    return len(batch.written)


def _book(requests: Sequence[Request], books: Books) -> None:
    """Decide in memory, write in bulk. Call it inside a transaction."""
    batch = _Batch([m for r in requests for m in r.moves], books)
    for request in requests:
        mark = None
        try:
            if len(request.moves) > 1:
                mark = batch.mark(request.moves)
            request.done = [batch.carry_out(move) for move in request.moves]
        except Refused as refused:
            if mark is not None:
                batch.back_to(mark)
            request.error = refused
    batch.write()


class _Batch:
    """All that the moves of one transaction speak of, locked and in memory, and what is to be written."""

    def __init__(
        self, moves: Sequence[Move], books: Books, more: Iterable[int] = (), on: date | None = None
    ) -> None:
        self.books = books
        named, wanted, numbers, keys, earlier = set(more), set(), set(), set(), set()
        lots = 0
        for move in moves:
            for member in (move.member, move.to) if move.to else (move.member,):
                named.add(member)
                wanted.update([(member, currency) for currency, _ in move.legs])
            lots += len(move.legs) if move.verb in ("put", "hand-over") else 0
            numbers.add(move.id)
            keys.add(move.key)
            if move.of:
                earlier.add(move.of)
        self.past_entries: dict[int, Rows] = self._entries_of(earlier) if earlier else {}
        named.update(e[1] for found in self.past_entries.values() for e in found)
        page = self.books.read(named, wanted, on or moves[0].on, numbers, len(moves), lots)
        self.family = page.family
        self.balances = {
            (m, c): [hand, aside, bulk.day(active), i] for m, c, hand, aside, active, i in page.balances
        }
        self.known: dict[tuple[str, str, str], tuple[int, Done]] = {
            (source, number, kind): (member, Done(posting, {}, short))
            for source, number, kind, posting, member, short in page.known
            if (source, number, kind) in keys
        }
        self.again: list[tuple[Done, Done]] = []
        self.lots: dict[int, ledger.Lot] = {}
        self._keep(page.lots)
        gone = {e[3] for found in self.past_entries.values() for e in found if e[3]} - self.lots.keys()
        if gone:
            self._keep(self.books.lots(gone))
        self.lots_of: dict[int, list[ledger.Lot]] = defaultdict(list)
        for lot in self.lots.values():
            self.lots_of[lot.member].append(lot)
        self.after: dict[int, Rows] = self._after(earlier) if earlier else {}
        self.purses: dict[int, Purse] = {}
        self.tidied: dict[tuple[int, date], Purse] = {}
        self.pasts: dict[tuple[int, str], Past] = {}
        self.written: list[tuple[Move, Effect, Done]] = []
        self.deltas: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])
        self.active: dict[tuple[int, str], date] = {}

    # --- reading

    def _entries_of(self, postings: set[int]) -> dict[int, Rows]:
        """(account, member, currency, lot, amount) of each."""
        found: dict[int, list[Sequence[Any]]] = defaultdict(list)
        for posting, *entry in self.books.entries_of(postings):
            found[posting].append(entry)
        return dict(found)

    def _keep(self, rows: Rows) -> None:
        for i, member, currency, on, amount, in_hand, aside, ends, ripe_on, idle, ended in rows:
            last = months_after(self._active_on(member, currency), idle) if idle else bulk.day(ends)
            self.lots[i] = ledger.Lot(
                member,
                currency,
                bulk.day(on),
                amount,
                in_hand,
                aside,
                last,
                bulk.day(ripe_on),
                idle,
                i,
                ended,
            )

    def _active_on(self, member: int, currency: str) -> date:
        """The last day on which she, or one of those who are read as her, did something with it."""
        family = self.family.get(member, {member})
        days: list[date] = [self.balances[m, currency][2] for m in family if (m, currency) in self.balances]
        return max(days)

    def _after(self, postings: set[int]) -> dict[int, Rows]:
        """(posting, kind, short, account, lot, currency, amount) of what came after each and speaks of it."""
        found: dict[int, list[Sequence[Any]]] = defaultdict(list)
        for of, *entry in self.books.after(postings):
            found[of].append(entry)
        return dict(found)

    def _purse(self, member: int, on: date) -> Purse:
        purse = self.tidied.get((member, on))
        if purse is not None:
            return purse
        family = self.family.get(member)
        if family is None:
            raise Refused(NOBODY)
        head = min(family)
        purse = self.purses.get(head)
        if purse is None:
            purse = self.purses[head] = Purse(head, [lot for m in sorted(family) for lot in self.lots_of[m]])
        for each in family:
            self.tidied[each, on] = purse
        for kind, number, lot, effect in ledger.tidy(purse, on):
            self._note(Move("take", kind, "lot", number, lot.member, on), effect)
        return purse

    def _past(self, move: Move) -> Past:
        way = move.verb if move.verb in ("give-back", "take-back") else "aside"
        if (move.of, way) in self.pasts:
            return self.pasts[move.of, way]
        # An earning and a reservation filled lots; a redemption drew on them.
        sign = -1 if way == "give-back" else 1
        held = (LIABILITY,) if way == "aside" else (MEMBER, LIABILITY)
        drawn = tuple(
            (self.lots[lot], abs(n))
            for account, _, _, lot, n in self.past_entries.get(move.of, ())
            if account in held and n * sign > 0
        )
        undone: dict[str, int] = defaultdict(int)
        fell_short: dict[int, int] = {}
        lapsed = self._lapsed([lot for lot, _ in drawn if lot.ended]) if way == "take-back" else {}
        for posting, kind, short, account, lot, currency, n in self.after.get(move.of, ()):
            if (
                (way == "give-back" and kind == "give-back" and account == REDEEMED)
                or (way == "take-back" and account == REVERSED)
                or (way == "aside" and kind in ("confirm", "release") and account == LIABILITY)
            ):
                undone[currency] += abs(n)
            if account == EXPIRED and lot in lapsed:
                lapsed[lot] += n
            fell_short[posting] = short
        if way == "take-back":
            for currency in {lot.currency for lot, _ in drawn}:
                undone[currency] += sum(fell_short.values())
        past = self.pasts[move.of, way] = Past(drawn, undone, lapsed)
        return past

    def _lapsed(self, lots: Sequence[ledger.Lot]) -> dict[int, int]:
        """What has ended of these lots, by lot."""
        found: dict[int, int] = defaultdict(int)
        numbers = [f"{lot.id}.{n}" for lot in lots for n in range(1, lot.ended + 1)]
        for lot_id, n in self.books.ended(numbers):
            found[lot_id] += n
        for move, effect, _ in self.written:  # in this very transaction
            if move.kind == "expire":
                for account, _, _, lot, n in effect.entries:
                    if account == EXPIRED and lot is not None and lot in lots:
                        found[lot.id] += n
        return found

    # --- deciding

    def carry_out(self, move: Move) -> Done:
        key = move.key
        known = self.known.get(key)
        if known is not None:
            return self._as_known(move, known)
        purse = self._purse(move.member, move.on)
        past = self._past(move) if move.of else None
        to = self._purse(move.to, move.on) if move.to else None
        effect = ledger.apply(move, purse, past, to)
        if past is not None:
            for entry in effect.entries:
                if entry.account in (REDEEMED, REVERSED) or (
                    move.verb in ("spend-aside", "let-go") and entry.account == LIABILITY
                ):
                    past.undone[entry.currency] = past.undone.get(entry.currency, 0) + abs(entry.amount)
            if effect.short:
                for currency in {lot.currency for lot, _ in past.drawn}:
                    past.undone[currency] = past.undone.get(currency, 0) + effect.short
        if move.kind != "correct":
            for _, member, currency, _, _ in effect.entries:
                self.active[member, currency] = move.on
        done = self._note(move, effect)
        self.known[key] = move.member, done
        return done

    def _as_known(self, move: Move, known: tuple[int, Done]) -> Done:
        member, done = known
        if member != move.member and member not in self.family.get(move.member, ()):
            raise Refused(ANOTHER.fill(key=f"{move.source} {move.id}"))
        again = Done(done.posting, done.amounts, done.short, is_new=False)
        if not done.posting:  # booked in this very transaction: it has its number when it is written
            self.again.append((again, done))
        elif not done.amounts:
            again.amounts = amounts_of([done.posting])[done.posting]
        return again

    def _note(self, move: Move, effect: Effect) -> Done:
        amounts: dict[str, int] = {}
        for account, member, currency, _, n in effect.entries:
            if account in (MEMBER, LIABILITY):
                if member != move.to:
                    amounts[currency] = amounts.get(currency, 0) + n
                self.deltas[member, currency][account == LIABILITY] += n
        done = Done(0, amounts, effect.short)
        self.written.append((move, effect, done))
        return done

    def mark(self, moves: Sequence[Move]) -> Any:
        """How things stand before a request of several moves. Purses are opened (and tidied) first."""
        for move in moves:
            if move.key not in self.known:
                self._purse(move.member, move.on)
                if move.to:
                    self._purse(move.to, move.on)
        state = [
            (lot, lot.in_hand, lot.aside, lot.ripe_on, lot.ended)
            for p in self.purses.values()
            for lot in p.lots
        ]
        state += [(lot, lot.in_hand, lot.aside, lot.ripe_on, lot.ended) for lot in self.lots.values()]
        return (
            state, len(self.written), {k: list(p.lots) for k, p in self.purses.items()}, dict(self.known),
            {k: list(v) for k, v in self.deltas.items()}, dict(self.active),
            {k: (dict(p.undone), dict(p.lapsed)) for k, p in self.pasts.items()},
        )  # fmt: skip

    def back_to(self, mark: Any) -> None:
        state, written, lots, known, deltas, active, pasts = mark
        for lot, in_hand, aside, ripe_on, ended in state:
            lot.in_hand, lot.aside, lot.ripe_on, lot.ended = in_hand, aside, ripe_on, ended
        del self.written[written:]
        for key, kept in lots.items():
            self.purses[key].lots = kept
        self.known, self.active = known, active
        self.deltas = defaultdict(lambda: [0, 0], deltas)
        self.pasts = {k: Past(self.pasts[k].drawn, *kept) for k, kept in pasts.items()}

    # --- writing

    def write(self) -> None:
        if not self.written:
            return
        now = self.books.moment(timezone.now())
        made = [lot for _, effect, _ in self.written for lot in effect.made]
        postings, lot_ids = self.books.ids(len(self.written), len(made))
        for lot, i in zip(made, lot_ids, strict=True):
            lot.id = i
        posting_rows, entry_rows, lot_rows, reasons = [], [], [], []
        changed: dict[int, ledger.Lot] = {}
        for i, (move, effect, done) in zip(postings, self.written, strict=True):
            done.posting = i
            posting_rows.append((
                i, move.source, move.id, move.kind, move.member, _text(move.on), now, move.of or None, move.rule,
                move.receipt, effect.short, self.books.detail(move.detail), move.store, move.by,
            ))  # fmt: skip
            for account, member, currency, held, n in effect.entries:
                entry_rows.append((i, account, member, currency, held.id if held else None, n))
            for lot in effect.made:
                lot_rows.append((
                    lot.id, lot.member, lot.currency, i, _text(lot.on), lot.amount, lot.in_hand, lot.aside,
                    None if lot.idle else _text(lot.ends), _text(lot.ripe_on), lot.idle, lot.ended,
                ))  # fmt: skip
            for lot in effect.changed:
                if lot.id:
                    changed[lot.id] = lot
            if move.why:
                reasons.append(Reason(posting_id=i, why=move.why))
        for again, first in self.again:
            again.posting = first.posting
        for i in lot_ids:
            changed.pop(i, None)
        lot_changes = [(v.in_hand, v.aside, _text(v.ripe_on), v.ended, k) for k, v in changed.items()]
        balances = []
        for key, (hand, aside) in self.deltas.items():
            has, beside, active, number = self.balances[key]
            balances.append(
                (has + hand, beside + aside, _text(max(active, self.active.get(key, active))), number)
            )
        self.books.write(posting_rows, lot_rows, entry_rows, lot_changes, balances)
        if reasons:
            Reason.objects.bulk_create(reasons)


def amounts_of(postings: Sequence[int], members: Sequence[int] | None = None) -> dict[int, dict[str, int]]:
    """What each of these postings put into or took from the purses of these members (of her whom it is about, where
    none are named), by currency."""
    found: dict[int, dict[str, int]] = {i: {} for i in postings}
    sql = (
        f"SELECT e.posting_id, e.currency, e.member_id, p.kind, p.member_id, SUM(e.amount) FROM {_ENTRY} e "
        f"JOIN {_POSTING} p ON p.id = e.posting_id WHERE e.account IN ('member', 'liability') "
        f"AND e.posting_id IN ({{marks}}) GROUP BY e.posting_id, e.currency, e.member_id, p.kind, p.member_id"
    )
    for posting, currency, member, kind, about, n in bulk.rows_in(sql, list(postings)):
        if member in members if members is not None else kind != "transfer" or member == about:
            found[posting][currency] = found[posting].get(currency, 0) + int(n)
    return found


@lru_cache(1_000)
def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
