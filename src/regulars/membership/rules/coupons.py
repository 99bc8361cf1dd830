"""What a bill comes to with coupons: whether each may be used on it, which go together, and what is left to pay.

Whole fen throughout. What is to be paid is never below nothing, however many coupons are laid down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Literal

from regulars.shop.money import say_money
from regulars.shop.words import Words

Kind = Literal["amount", "percent", "item", "gift", "service"]
Stacking = Literal["alone", "other-kinds", "any"]

KINDS: dict[str, Words] = {
    "amount": Words("减钱", "money off"),
    "percent": Words("打折", "percent off"),
    "item": Words("送一份菜品或商品", "a free item"),
    "gift": Words("礼品", "a gift"),
    "service": Words("服务", "a service"),
}

STACKINGS: dict[str, Words] = {
    "alone": Words("单独用，不和别的券一起", "alone, with no other coupon"),
    "other-kinds": Words("可以和别种券一起", "with coupons of other kinds"),
    "any": Words("和什么券都能一起", "with any coupon"),
}

WEEKDAYS: tuple[Words, ...] = (
    Words("周一", "Mondays"), Words("周二", "Tuesdays"), Words("周三", "Wednesdays"), Words("周四", "Thursdays"),
    Words("周五", "Fridays"), Words("周六", "Saturdays"), Words("周日", "Sundays"),
)  # fmt: skip

MOST = 10**10
"""No bill is larger: a slip of the finger, not a sale."""

EARLY = Words("{day}起才能用", "Can be used from {day} on")
OVER = Words("{day}已经过期", "Ran out on {day}")
WRONG_DAY = Words("只在{days}能用", "Can be used on {days} only")
WRONG_HOUR = Words("只在 {first}–{last} 能用", "Can be used from {first} to {last} only")
WRONG_STORE = Words("这家店不能用", "Can't be used in this store")
TOO_LITTLE = Words("满 {least} 才能用，这单 {bill}", "Needs a bill of {least}; this one is {bill}")
ALONE = Words("「{name}」只能单独用", '"{name}" can only be used alone')
SAME_KIND = Words("「{name}」不能和同一种券一起用", '"{name}" can\'t be used with another of its kind')
TWICE = Words("同一张券写了两次", "The same coupon is there twice")
WASTED = Words(
    "账单已经减到零，「{name}」留着下次用", 'The bill is down to nothing; keep "{name}" for another time'
)
NO_BILL = Words("账单要是零元以上的金额", "The bill must be an amount of nothing or more")


@dataclass(frozen=True, slots=True)
class Terms:
    """What an offer says of each of its coupons. `worth`: fen off (`amount`), the most fen off (`percent`), or what the
    thing is worth; `cost`: what one costs the shop, of things; `weekdays`: ISO numbers, none: every day; `first` to
    `last`: hours, over midnight where `first` is the later one."""

    offer: int
    name: Words
    kind: Kind
    worth: int = 0
    percent: int = 0
    cost: int = 0
    least: int = 0
    stacking: Stacking = "alone"
    weekdays: tuple[int, ...] = ()
    first: time | None = None
    last: time | None = None
    stores: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A coupon that is laid down: its number, its offer's terms, and from when to when it holds."""

    coupon: int
    terms: Terms
    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when a bill is made out; `store` None where it isn't known. `is_past_midnight`: the shop's day `on` goes on
    into the night, and by the calendar it is the next one."""

    on: date
    at: time
    store: int | None
    is_past_midnight: bool = False


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A bill with its coupons: what is to be paid, and what each coupon takes off and costs, in the order given."""

    bill: int
    payable: int
    off: tuple[int, ...] = ()
    costs: tuple[int, ...] = ()


def most_that_one_costs(terms: Terms) -> int:
    """What one coupon can cost at most, in fen: what the budget sets aside for it until it is used."""
    return terms.worth if terms.kind in ("amount", "percent") else terms.cost


def valid_until(on: date, offer_until: date, days: int) -> date:
    """The last day of a coupon issued on that day; `days` 0: as long as the offer.

    >>> valid_until(date(2026, 5, 1), date(2026, 12, 31), 30), valid_until(date(2026, 12, 20), date(2026, 12, 31), 30)
    (datetime.date(2026, 5, 30), datetime.date(2026, 12, 31))
    """
    last = offer_until - on
    return on + min(last, timedelta(days=days - 1)) if days else offer_until


def valid_again_until(until: date, used_on: date, back_on: date) -> date:
    """The last day of a coupon that comes back with a refund: it has as many days left as on the day it was used.

    >>> valid_again_until(date(2026, 5, 31), used_on=date(2026, 5, 29), back_on=date(2026, 6, 10))
    datetime.date(2026, 6, 12)

    "For good" is written as the last day that there is.

    >>> valid_again_until(date.max, used_on=date(2026, 5, 29), back_on=date(2026, 6, 10))
    datetime.date(9999, 12, 31)
    """
    return until + min(max(back_on - used_on, timedelta(0)), date.max - until)


def why_not_here(held: Held, place: Place) -> Words | None:
    """Why this coupon can't be used there and then, whatever the bill; None where it can."""
    terms, day = held.terms, day_of(held.terms, place)
    if place.on < held.valid_from:
        return EARLY.fill(day=held.valid_from.isoformat())
    if day > held.valid_until:
        return OVER.fill(day=held.valid_until.isoformat())
    if terms.weekdays and day.isoweekday() not in terms.weekdays:
        return WRONG_DAY.fill(days=weekdays_said(terms.weekdays))
    if terms.first is not None and terms.last is not None and not _within(place.at, terms.first, terms.last):
        return WRONG_HOUR.fill(first=f"{terms.first:%H:%M}", last=f"{terms.last:%H:%M}")
    if terms.stores and place.store not in terms.stores:
        return WRONG_STORE
    return None


def day_of(terms: Terms, place: Place) -> date:
    """The day whose coupon is used there and then: hours over midnight belong to the day on which they began.

    >>> late = Terms(1, Words("夜宵", "late"), "amount", worth=100, first=time(22), last=time(2))
    >>> [str(day_of(late, Place(date(2028, 3, 1), time(hour), None))) for hour in (1, 2, 3, 23)]
    ['2028-02-29', '2028-02-29', '2028-03-01', '2028-03-01']
    >>> str(day_of(late, Place(date(2028, 2, 29), time(1), None, is_past_midnight=True)))
    '2028-02-29'
    """
    if (
        not place.is_past_midnight
        and terms.first is not None
        and terms.last is not None
        and terms.last < terms.first
        and place.at <= terms.last
    ):
        return place.on - timedelta(days=1)
    return place.on


def weekdays_said(days: Sequence[int]) -> Words:
    """Weekdays as one says them.

    >>> weekdays_said((1, 3)).say("zh"), weekdays_said((1, 3)).say("en")
    ('周一、周三', 'Mondays, Wednesdays')
    """
    said = [WEEKDAYS[day - 1] for day in sorted(days)]
    return Words("、".join(w.zh for w in said), ", ".join(w.en for w in said))


def _within(at: time, first: time, last: time) -> bool:
    if first <= last:
        return first <= at <= last
    return at >= first or at <= last


def why_not(laid_down: Sequence[Held], bill: int, place: Place) -> Words | None:
    """Why these coupons can't be used together on this bill; None where they can.

    Of several coupons of one offer each asks for its own minimum: 100 off 300 twice needs a bill of 600.
    """
    if not 0 <= bill <= MOST:
        return NO_BILL
    if len({held.coupon for held in laid_down}) < len(laid_down):
        return TWICE
    for held in laid_down:
        if refusal := why_not_here(held, place):
            return refusal
        terms = held.terms
        least = terms.least * sum(other.terms.offer == terms.offer for other in laid_down)
        if bill < least:
            said = {"least": _money(least), "bill": _money(bill)}
            return TOO_LITTLE.fill(**said)
        others = [other.terms for other in laid_down if other is not held]
        if others and terms.stacking == "alone":
            return ALONE.fill(name=terms.name)
        if terms.stacking == "other-kinds" and any(other.kind == terms.kind for other in others):
            return SAME_KIND.fill(name=terms.name)
    for held, off in zip(laid_down, reckon(laid_down, bill).off, strict=True):
        if not off and held.terms.kind in ("amount", "percent"):
            return WASTED.fill(name=held.terms.name)
    return None


def reckon(laid_down: Sequence[Held], bill: int) -> Reckoned:
    """What is to be paid. Money off goes first, percent are taken of what is left and rounded down to the fen, and
    nothing goes below zero; things are handed over and take nothing off.

    >>> ten = Terms(1, Words("减十元", "10 off"), "amount", worth=1000, stacking="any")
    >>> day = date(2026, 5, 1)
    >>> five = [Held(n, ten, day, day) for n in range(5)]
    >>> reckon(five, 3500).payable, reckon(five, 3500).off
    (0, (1000, 1000, 1000, 500, 0))
    """
    off = [0] * len(laid_down)
    left = bill
    for kind in ("amount", "percent"):
        for n, held in enumerate(laid_down):
            terms = held.terms
            if terms.kind != kind:
                continue
            wanted = terms.worth if kind == "amount" else min(left * terms.percent // 100, terms.worth)
            off[n] = min(wanted, left)
            left -= off[n]
    costs = tuple(
        n if held.terms.kind in ("amount", "percent") else held.terms.cost
        for n, held in zip(off, laid_down, strict=True)
    )
    return Reckoned(bill, left, tuple(off), costs)


def _money(fen: int) -> Words:
    return Words(say_money(fen), say_money(fen, "en"))
