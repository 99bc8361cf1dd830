"""What a move does to lots: which are filled, which are drawn on, and the entries that stand for it.

Every unit that a member holds lies in a lot: one earning with its own end. Values in, values out: lots are read, changed
in memory and handed back with the entries; what can't be done raises `Refused` and has changed nothing.

Accounts (the sum of a posting's entries is always nought):

- `member`     what she holds and may spend
- `liability`  what the shop owes her but what she can't spend now: pending until the return period is over, or set
               aside by a reservation
- `issued`     what the shop has ever given out
- `redeemed`   what has been spent, less what was given back
- `expired`    what has lapsed
- `reversed`   what was taken back because its reason fell away, and corrections downwards
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

from regulars.shop.money import say_money
from regulars.shop.words import Refused, Words

MEMBER, LIABILITY = "member", "liability"
ISSUED, REDEEMED, EXPIRED, REVERSED = "issued", "redeemed", "expired", "reversed"
ACCOUNTS = (MEMBER, LIABILITY, ISSUED, REDEEMED, EXPIRED, REVERSED)

PRINCIPAL, BONUS = "principal", "bonus"
VALUE = (PRINCIPAL, BONUS)
"""Stored value, in fen: what was paid in, and what the shop put on top."""

MOST = 10**12
"""No single move is larger: a slip of the finger, not a sale."""

Verb = Literal[
    "put", "take", "set-aside", "spend-aside", "let-go", "give-back", "take-back", "hand-over", "pay-out"
]
Order = Literal["principal-first", "pro-rata"]

SHORT = Words("{name}不够：有 {have}，要 {want}", "Not enough {name}: {have} held, {want} wanted")
NOT_A_NUMBER = Words("数目要是大于零的整数", "The amount must be a whole number above zero")
TOO_MUCH = Words("数目太大了，请检查", "The amount is too large; please check it")
OVER = Words(
    "最多还能退回 {n}，这笔已经退过 {done}",
    "At most {n} can still be given back: {done} of it has been already",
)
NOT_ASIDE = Words("这笔预留已经用掉或放掉了", "This reservation has already been used or let go")
TWICE = Words("同一种东西在一笔里只写一次", "A move names each currency once")
TO_HERSELF = Words("不能转给自己", "Nobody hands over to herself")


@dataclass(slots=True, eq=False)
class Lot:
    """One earning and what is left of it. `id` is 0 until it is written. `ends`: the last day on which it may be spent;
    `ripe_on`: the day from which it may be, None once that has come; `idle`: lapses after so many months in which she has
    done nothing (then `ends` follows from her last day)."""

    member: int
    currency: str
    on: date
    amount: int
    in_hand: int = 0
    aside: int = 0
    ends: date | None = None
    ripe_on: date | None = None
    idle: int = 0
    id: int = 0
    ended: int = 0


class Entry(NamedTuple):
    account: str
    member: int
    currency: str
    lot: Lot | None
    amount: int


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier posting that a move speaks of: what it drew from or put into which lots, in its order; how much of that
    has been undone since (or could not be, because it had been spent), by currency; and what has lapsed of it, by lot."""

    drawn: tuple[tuple[Lot, int], ...]
    undone: dict[str, int]
    lapsed: dict[int, int] = field(default_factory=dict)


class Move(NamedTuple):
    """One thing to be done to a member's purse. `source`, `id` and `kind` are its business key: done once, however
    often it is asked for.

    `on`: the day on which it is booked; `since`: the day that a new lot counts from, where that is another. `legs`:
    (currency, amount above zero) each. `of`: the number of an earlier posting, for what undoes or ends one.
    `may_fall_short`: take what there is and say what is missing, instead of refusing.
    """

    verb: Verb
    kind: str
    source: str
    id: str
    member: int
    on: date
    legs: tuple[tuple[str, int], ...] = ()
    since: date | None = None
    of: int = 0
    to: int = 0
    ends: date | None = None
    ripe_on: date | None = None
    idle: int = 0
    order: Order | None = None
    may_fall_short: bool = False
    back_days: int = 30
    receipt: str = ""
    rule: str = ""
    store: int | None = None
    by: int | None = None
    why: str = ""
    detail: dict[str, Any] | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.source, self.id, self.kind


@dataclass(slots=True)
class Effect:
    """What a move did: entries, the lots that it made and changed, and what was missing."""

    entries: list[Entry] = field(default_factory=list)
    made: list[Lot] = field(default_factory=list)
    changed: list[Lot] = field(default_factory=list)
    short: int = 0

    def move(self, lot: Lot, currency: str, change: int, to: str, account: str = MEMBER) -> None:
        """Change a lot on one account and let the counter account take the other side."""
        if account == MEMBER:
            lot.in_hand += change
        else:
            lot.aside += change
        if to == MEMBER:
            lot.in_hand -= change
        elif to == LIABILITY:
            lot.aside -= change
        member = lot.member
        self.entries += (
            Entry(account, member, currency, lot, change),
            Entry(to, member, currency, lot, -change),
        )
        if lot.id:
            self.changed.append(lot)


class Purse:
    """All lots that a member and those who are read as her hold, of all currencies, as of a day."""

    __slots__ = ("lots", "member")

    def __init__(self, member: int, lots: Iterable[Lot]) -> None:
        self.member = member
        self.lots = list(lots)

    def spendable(self, currency: str, on: date) -> list[Lot]:
        """Lots that may be spent, those that end first in front, then the older ones."""
        found = [
            lot
            for lot in self.lots
            if lot.in_hand > 0 and lot.currency == currency and (lot.ends is None or lot.ends >= on)
        ]
        if len(found) > 1:
            found.sort(key=lambda lot: (lot.ends or date.max, lot.on, lot.id or 1 << 62))
        return found

    def pending(self, currency: str) -> list[Lot]:
        """Lots that are still within the return period, the latest first."""
        found = [
            lot for lot in self.lots if lot.currency == currency and lot.ripe_on is not None and lot.aside
        ]
        found.sort(key=lambda lot: (lot.on, lot.id or 1 << 62), reverse=True)
        return found

    def holds(self, currency: str, on: date) -> int:
        """What she can spend on that day, also where the nightly work has not been done yet."""
        ripening = sum(
            lot.aside
            for lot in self.lots
            if lot.currency == currency
            and lot.ripe_on is not None
            and lot.ripe_on <= on
            and (lot.ends is None or lot.ends >= on)
        )
        return ripening + sum(lot.in_hand for lot in self.spendable(currency, on))


def tidy(purse: Purse, on: date) -> list[tuple[str, str, Lot, Effect]]:
    """What time has done by that day: pending lots that are ripe, and lots that have ended. Returns (kind, id of the
    business key, lot, effect) each."""
    done = []
    for lot in purse.lots:
        if lot.ripe_on is not None and lot.ripe_on <= on:
            lot.ripe_on = None
            effect = Effect()
            if lot.aside:
                effect.move(lot, lot.currency, -lot.aside, MEMBER, LIABILITY)
                done.append(("ripen", str(lot.id), lot, effect))
        if lot.in_hand and lot.ends is not None and lot.ends < on:
            lot.ended += 1
            effect = Effect()
            effect.move(lot, lot.currency, -lot.in_hand, EXPIRED)
            done.append(("expire", f"{lot.id}.{lot.ended}", lot, effect))
    return done


def apply(move: Move, purse: Purse, past: Past | None = None, to: Purse | None = None) -> Effect:
    """Carry a move out on a purse that is tidy as of its day. Raises Refused and changes nothing where it can't be."""
    for _, amount in move.legs:
        if type(amount) is not int or amount <= 0:
            raise Refused(NOT_A_NUMBER)
        if amount > MOST:
            raise Refused(TOO_MUCH)
    if len(move.legs) > 1 and len(dict(move.legs)) < len(move.legs):
        raise Refused(TWICE)
    if move.verb == "put":
        return _put(move, purse)
    if move.verb == "take":
        return _take(move, purse, REDEEMED if move.kind in ("redeem", "pay") else REVERSED)
    if move.verb == "set-aside":
        return _take(move, purse, LIABILITY)
    if move.verb == "pay-out":
        return _pay_out(move, purse)
    if move.verb == "hand-over":
        assert to is not None
        return _hand_over(move, purse, to)
    assert past is not None
    if move.verb in ("spend-aside", "let-go"):
        return _end_aside(move, past)
    if move.verb == "give-back":
        return _give_back(move, purse, past)
    return _take_back(move, purse, past)


def _put(move: Move, purse: Purse) -> Effect:
    effect = Effect()
    pending = move.ripe_on is not None and move.ripe_on > move.on
    for currency, amount in move.legs:
        lot = Lot(
            move.member, currency, move.since or move.on, amount,
            ends=move.ends, ripe_on=move.ripe_on if pending else None, idle=move.idle,
        )  # fmt: skip
        effect.made.append(lot)
        effect.move(lot, currency, amount, ISSUED, LIABILITY if pending else MEMBER)
        purse.lots.append(lot)
    return effect


def _take(move: Move, purse: Purse, to: str) -> Effect:
    wanted = _split(move, purse) if move.order else move.legs
    effect = Effect()
    drawn: list[tuple[Lot, str, int]] = []
    for currency, amount in wanted:  # who owes pays with what is pending too: else she would spend it first
        left = amount
        for lot in purse.spendable(currency, move.on):
            if not left:
                break
            n = min(left, lot.in_hand)
            drawn.append((lot, MEMBER, n))
            left -= n
        if left and not move.may_fall_short:
            raise _short(currency, amount - left, amount)
        for lot in purse.pending(currency) if left else ():
            n = min(left, lot.aside)
            drawn.append((lot, LIABILITY, n))
            left -= n
        effect.short += left
    for lot, account, n in drawn:
        if n:
            effect.move(lot, lot.currency, -n, to, account)
    return effect


def _split(move: Move, purse: Purse) -> tuple[tuple[str, int], ...]:
    """How much of a payment by stored value comes from what was paid in and how much from what was put on top."""
    wanted = sum(n for _, n in move.legs)
    principal, bonus = (sum(lot.in_hand for lot in purse.spendable(currency, move.on)) for currency in VALUE)
    if wanted > principal + bonus:
        raise _short("value", principal + bonus, wanted)
    first = principal_part(wanted, principal, bonus, move.order or "principal-first")
    return tuple((c, n) for c, n in ((PRINCIPAL, first), (BONUS, wanted - first)) if n)


def principal_part(wanted: int, principal: int, bonus: int, order: Order) -> int:
    """The part of a payment that what was paid in bears.

    Pro rata it is rounded up to the whole fen, so that what is left of it is never more than its share.

    >>> principal_part(300, 1000, 200, "principal-first"), principal_part(300, 1000, 200, "pro-rata")
    (300, 250)
    >>> principal_part(1100, 1000, 200, "principal-first"), principal_part(1, 1000, 200, "pro-rata")
    (1000, 1)
    """
    if order == "principal-first":
        return min(wanted, principal)
    part = -(-wanted * principal // (principal + bonus))
    return max(min(part, principal), wanted - bonus)


def _pay_out(move: Move, purse: Purse) -> Effect:
    """What was paid in goes back to her in money, as the law has it; what was put on top lapses in the same share."""
    ((_, wanted),) = move.legs
    principal, bonus = (sum(lot.in_hand for lot in purse.spendable(currency, move.on)) for currency in VALUE)
    if wanted > principal:
        raise _short(PRINCIPAL, principal, wanted)
    effect = Effect()
    for currency, amount in ((PRINCIPAL, wanted), (BONUS, -(-bonus * wanted // principal) if bonus else 0)):
        for lot in purse.spendable(currency, move.on):
            n = min(amount, lot.in_hand)
            if n:
                effect.move(lot, currency, -n, REVERSED)
                amount -= n
    return effect


def _end_aside(move: Move, past: Past) -> Effect:
    if any(past.undone.values()):
        raise Refused(NOT_ASIDE)
    effect = Effect()
    for lot, n in past.drawn:
        effect.move(lot, lot.currency, -n, REDEEMED if move.verb == "spend-aside" else MEMBER, LIABILITY)
    return effect


def _give_back(move: Move, purse: Purse, past: Past) -> Effect:
    """What was spent comes back into the lots that it came from, the last one first. A lot that has ended meanwhile does
    not open again: its part comes as a new one that can be spent for a while."""
    effect = Effect()
    plan: list[tuple[Lot, int]] = []
    for currency, amount in move.legs:
        taken = [(lot, n) for lot, n in past.drawn if lot.currency == currency]
        done = past.undone.get(currency, 0)
        open_ = sum(n for _, n in taken) - done
        if amount > open_:
            raise Refused(OVER.fill(n=_said(currency, open_), done=_said(currency, done)))
        skip, left = done, amount
        for lot, n in reversed(taken):
            passed = min(skip, n)
            skip -= passed
            back = min(n - passed, left)
            left -= back
            if back:
                plan.append((lot, back))
    for lot, n in plan:
        if lot.ends is not None and lot.ends < move.on:
            lot = Lot(lot.member, lot.currency, move.on, n, ends=move.on + timedelta(days=move.back_days))
            effect.made.append(lot)
            purse.lots.append(lot)
        effect.move(lot, lot.currency, n, REDEEMED)
    return effect


def _take_back(move: Move, purse: Purse, past: Past) -> Effect:
    """The reason of an earning falls away: first from its own lot, pending or in hand, then what has lapsed of it (else she
    would lose that twice), then from what else she has, the latest first. What is set aside for a till is left alone."""
    effect = Effect()
    for currency, amount in move.legs:
        done = past.undone.get(currency, 0)
        open_ = sum(n for lot, n in past.drawn if lot.currency == currency) - done
        if amount > open_:
            raise Refused(OVER.fill(n=_said(currency, open_), done=_said(currency, done)))
    for currency, amount in move.legs:
        given = [lot for lot, _ in past.drawn if lot.currency == currency]
        left = amount
        for lot in given:
            if lot.ripe_on is not None:
                n = min(left, lot.aside)
                if n:
                    effect.move(lot, currency, -n, REVERSED, LIABILITY)
                    left -= n
            n = min(left, lot.in_hand)
            if n:
                effect.move(lot, currency, -n, REVERSED)
                left -= n
            n = min(left, past.lapsed.get(lot.id, 0))
            if n:
                past.lapsed[lot.id] -= n
                effect.entries += [
                    Entry(EXPIRED, lot.member, currency, lot, -n), Entry(REVERSED, lot.member, currency, lot, n),
                ]  # fmt: skip
                left -= n
        others = purse.spendable(currency, move.on)
        others.sort(key=lambda lot: (lot.on, lot.id or 1 << 62), reverse=True)
        for lot in others:
            n = min(left, lot.in_hand)
            if n:
                effect.move(lot, currency, -n, REVERSED)
                left -= n
        for lot in purse.pending(currency):
            n = min(left, lot.aside)
            if n:
                effect.move(lot, currency, -n, REVERSED, LIABILITY)
                left -= n
        effect.short += left
    return effect


def _hand_over(move: Move, purse: Purse, to: Purse) -> Effect:
    """What she gives to somebody else keeps its end."""
    if to.member == purse.member:
        raise Refused(TO_HERSELF)
    effect = Effect()
    drawn: list[tuple[Lot, int]] = []
    for currency, amount in move.legs:
        left = amount
        for lot in purse.spendable(currency, move.on):
            n = min(left, lot.in_hand)
            if n:
                drawn.append((lot, n))
                left -= n
        if left:
            raise _short(currency, amount - left, amount)
    for lot, n in drawn:
        hers = Lot(move.to, lot.currency, move.on, n, in_hand=n, ends=lot.ends, idle=lot.idle)
        lot.in_hand -= n
        effect.entries += [
            Entry(MEMBER, lot.member, lot.currency, lot, -n), Entry(MEMBER, move.to, lot.currency, hers, n),
        ]  # fmt: skip
        effect.changed.append(lot)
        effect.made.append(hers)
        to.lots.append(hers)
    return effect


def _short(currency: str, have: int, want: int) -> Refused:
    return Refused(SHORT.fill(name=name_of(currency), have=_said(currency, have), want=_said(currency, want)))


def _said(currency: str, n: int) -> Words | int:
    return Words(say_money(n), say_money(n, "en")) if currency in (*VALUE, "value") else n


def coming_to_an_end(lots: Sequence[Lot], on: date) -> list[tuple[date, int]]:
    """What ends when: (last day, amount) of what she can spend or will be able to, soonest first."""
    ends: dict[date, int] = {}
    for lot in lots:
        n = lot.in_hand + (lot.aside if lot.ripe_on is not None else 0)
        if n and lot.ends is not None and lot.ends >= on:
            ends[lot.ends] = ends.get(lot.ends, 0) + n
    return sorted(ends.items())


def name_of(currency: str) -> Words:
    """What a purse is called where no programme says otherwise."""
    return {
        "points": Words("积分", "points"), "stamps": Words("印章", "stamps"), "value": Words("储值", "stored value"),
        PRINCIPAL: Words("储值本金", "stored value paid in"), BONUS: Words("赠送的储值", "bonus value"),
    }.get(currency, Words(currency, currency))  # fmt: skip
