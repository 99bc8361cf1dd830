"""What a receipt earns, and when that can be spent and ends. All in whole numbers: ten-thousandths of a unit inside, what
is less is dropped; rounded to whole units once, at the end, as the programme says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from regulars.membership.rules.terms import last_day
from regulars.playbooks.membership import Currency, Earn, Membership, Rounding
from regulars.shop.calendar import Birthday, falls_on

UNIT = 10_000
"""Ten-thousandths: a rate of 0.0001 a yuan is the smallest."""

PER_FEN = 100


@dataclass(frozen=True, slots=True)
class Bought:
    """One receipt as it earns. `lines`: (category, fen) of what stood on it, where that is known; `by_value`: fen of it
    that were paid by stored value."""

    day: date
    fen: int
    tier: str = ""
    birthday: Birthday | None = None
    lines: Sequence[tuple[str, int]] = field(default_factory=tuple)
    by_value: int = 0


def units_for(bought: Bought, currency: str, program: Membership) -> tuple[int, list[str]]:
    """What the whole receipt earns of one currency by its amount, in ten-thousandths and before rounding, and the keys
    of the rules that said so. Goods that earn nothing, and what was paid by stored value where that earns nothing,
    are left out in proportion."""
    base = [e for e in program.earns if e.currency == currency and e.per_yuan is not None]
    fen = bought.fen
    if fen <= 0 or not base:
        return 0, []
    counts = fen
    if program.value is not None and not program.value.earns:
        counts = max(0, fen - bought.by_value)
    parts = _by_category(bought)
    whole = sum(n for _, n in parts)
    total = 0
    said: list[str] = []
    for rule in base:
        if not _fits(rule, bought):
            continue
        rate = round((rule.per_yuan or 0) * UNIT)
        earned = 0
        for category, amount in parts:
            if category in program.without_categories or (
                rule.categories and category not in rule.categories
            ):
                continue
            times, by = _times(bought, category, currency, program)
            earned += rate * amount * times
            said += [k for k in (rule.key, by) if k and k not in said]
        # rate is for a yuan, times in hundredths; lines stand for the receipt in proportion to their share of it
        units = earned * counts // (whole * PER_FEN * 100) if whole else 0
        if rule.most_a_receipt:
            units = min(units, rule.most_a_receipt * UNIT)
        total += units
    return total, said


def _by_category(bought: Bought) -> list[tuple[str, int]]:
    """What stood on it by category; the whole receipt under no category where nothing is known of its lines."""
    found: dict[str, int] = {}
    for category, amount in bought.lines:
        found[category] = found.get(category, 0) + amount
    kept = [(c, n) for c, n in found.items() if n > 0]
    return kept or [("", bought.fen)]


def _fits(rule: Earn, bought: Bought) -> bool:
    day = bought.day
    if rule.tiers and bought.tier not in rule.tiers:
        return False
    if rule.weekdays and day.isoweekday() not in rule.weekdays:
        return False
    if rule.month_days and day.day not in rule.month_days:
        return False
    if rule.when is None:
        return True
    if bought.birthday is None:
        return False
    # A lunar birthday lies in another solar month each year, and around New Year in another year.
    days = [falls_on(bought.birthday, y) for y in (day.year - 1, day.year, day.year + 1)]
    if rule.when == "birthday":
        return day in days
    return any((d.year, d.month) == (day.year, day.month) for d in days)


def _times(bought: Bought, category: str, currency: str, program: Membership) -> tuple[int, str]:
    """How many times as much goods of this category earn, in hundredths: the largest rule that fits counts."""
    best, by = 0, ""
    for rule in program.earns:
        if rule.times is None or rule.currency != currency or not _fits(rule, bought):
            continue
        if rule.categories and category not in rule.categories:
            continue
        times = round(rule.times * 100)
        if times > best:
            best, by = times, rule.key
    return best or 100, by


def for_visit(bought: Bought, currency: str, program: Membership) -> tuple[int, list[str]]:
    """Whole units that coming on a day earns, once a day."""
    rules = [
        e for e in program.earns if e.currency == currency and e.per_visit is not None and _fits(e, bought)
    ]
    return sum(e.per_visit or 0 for e in rules), [e.key for e in rules]


def due_for(units: int, gross: int, net: int, rounding: Rounding) -> int:
    """Whole units that are due for a receipt of `gross` fen of which `net` is left after refunds. Of a refund without a
    receipt (`gross` below zero) `units` and the result are below zero.

    >>> due_for(units=1_005_000, gross=10_050, net=10_050, rounding="down")
    100
    >>> due_for(1_005_000, 10_050, 5_025, "down"), due_for(1_005_000, 10_050, 5_025, "up"), due_for(1_005_000, 10_050, 0, "up")
    (50, 51, 0)
    """
    if units < 0:
        return -due_for(-units, -gross, -net, rounding)
    if gross <= 0 or net <= 0:
        return 0
    top, bottom = units * min(net, gross), gross * UNIT
    if rounding == "up":
        return -(-top // bottom)
    if rounding == "nearest":
        return (2 * top + bottom) // (2 * bottom)
    return top // bottom


def most_a_day(rules: Sequence[str], program: Membership) -> int | None:
    """Whole units that one day can earn at most by the rules of these keys, over all receipts; None without a cap. What a
    visit earns comes once a day anyway."""
    caps = [e.most_a_day for e in program.earns if e.key in rules and e.per_yuan is not None and e.most_a_day]
    return min(caps, default=None)


def ends_on(currency: Currency, day: date) -> date | None:
    """The last day on which something can be spent that can be from `day` on; None where it does not end by the
    calendar. What is pending first ends later by as much: nobody would have had all of its time otherwise, or none.

    Twelve months of what could be spent from 1 May on end with 30 April.
    """
    if currency.expires == "end of year":
        return date(day.year, 12, 31)
    if currency.expires == "end of next year":
        return date(day.year + 1, 12, 31)
    if currency.months and not currency.is_idle:
        return last_day(day, currency.months)
    return None


def ripe_on(currency: Currency, day: date) -> date | None:
    """The day from which something earned on `day` can be spent; None where it can be at once."""
    return day + timedelta(days=currency.pending_days) if currency.pending_days else None
