"""How what was booked for a receipt comes to what is due for it now: by which moves.

Values in, values out: a row is changed in memory, and what has to be booked is handed back. What the booking came to is
noted in the row afterwards. The row's turns stand in the key of each move, so that none is booked twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from regulars.membership.rules import earning
from regulars.membership.rules.earning import Bought
from regulars.membership.rules.ledger import MOST, Move
from regulars.playbooks.membership import Currency, Membership


@dataclass(slots=True)
class Earned:
    """What one receipt (or one day's visit) has earned of one currency: the record of this name as it was and as it is
    to be. `id` is 0 until it is kept; `parts`: [posting, what of it stands] each, the oldest first."""

    what: str
    currency: str
    id: int = 0
    member: int = 0
    day: date = date.min
    gross: int = 0
    by_value: int = 0
    units: int = 0
    most: int | None = None
    due: int = 0
    owed: int = 0
    turns: int = 0
    parts: list[list[int]] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    is_changed: bool = False


class Change(NamedTuple):
    """One move for a row. `wanted`: what it is to take; what is missing of that is owed."""

    move: Move
    row: Earned
    wanted: int = 0


def reckon(row: Earned, bought: Bought, member: int, program: Membership) -> None:
    """Let the row say what this member earns by the whole receipt, by these terms. A refund without its receipt takes
    what the purchase that it stands for would have earned."""
    is_back = bought.fen < 0
    units, row.rules = earning.units_for(_turned_round(bought) if is_back else bought, row.currency, program)
    row.units = -units if is_back else units
    row.gross, row.by_value = bought.fen, bought.by_value
    row.most = earning.most_a_day(row.rules, program)
    row.day, row.is_changed = bought.day, True
    row.member = row.member or member  # who is read as her now may be parted from her again


def _turned_round(back: Bought) -> Bought:
    """The purchase that a refund without its receipt stands for."""
    return Bought(back.day, -back.fen, back.tier, back.birthday, [(c, -n) for c, n in back.lines])


def come_to(row: Earned, due: int, currency: Currency, on: date) -> list[Change]:
    """What has to be booked on that day so that so many whole units are due. More of it pays first what is owed; what
    falls away is taken from what was put in, the last first.

    >>> from regulars.playbooks.playbook import load
    >>> points = load("tiers").membership.currency("points")
    >>> row = Earned("sale 1", "points", member=7, due=100, turns=2, parts=[[12, 60], [15, 40]])
    >>> [(c.move.verb, c.move.id, c.wanted) for c in come_to(row, 30, points, date(2026, 5, 20))]
    [('take-back', 'sale 1.points.3.15', 40), ('take-back', 'sale 1.points.3.12', 30)]
    """
    change, number = _turn_to(row, max(-MOST, min(due, MOST)))
    if change > 0:
        n, ripe_on = _after_what_is_owed(row, change), earning.ripe_on(currency, row.day)
        put = Move(
            "put", "earn", "settle", number, row.member, on, ((row.currency, n),), since=row.day,
            ends=earning.ends_on(currency, ripe_on or row.day), ripe_on=ripe_on,
            idle=currency.months or 0 if currency.is_idle else 0, rule=row.rules[0][:40] if row.rules else "",
            detail={"rules": row.rules, "fen": row.gross, "day": row.day.isoformat()} if row.rules else {},
        )  # fmt: skip
        return [Change(put, row)] if n else []
    taken = _taken_from(row.parts, -change)
    if left := -change - sum(n for _, n in taken):  # a refund without its receipt
        taken.append((0, left))
    return [
        Change(Move("take-back" if of else "take", "reverse", "settle", f"{number}.{of}", row.member, on, ((row.currency, n),),
                    of=of, may_fall_short=not of), row, n)
        for of, n in taken
    ]  # fmt: skip


def comes_back(used: int, gross: int, net: int) -> int:
    """What of `used` units, spent on a receipt of `gross` fen, comes back when `net` of it is left after refunds: the
    refunded part. A fraction stays spent.

    >>> comes_back(100, gross=3_000, net=1_000), comes_back(100, 3_000, -5), comes_back(100, 3_000, 3_000)
    (66, 100, 0)
    """
    return used - -(-used * max(0, net) // gross)


def give_back(row: Earned, back: int, on: date, receipt: str) -> list[Change]:
    """What has to be booked on that day so that so much has come back of what was spent on this receipt. If the refund
    was none after all, it is spent again; what was missing then is paid by what comes back next."""
    change, number = _turn_to(row, back)
    if change < 0:
        take = Move("take", "redeem", "settle", number, row.member, on, ((row.currency, -change),), may_fall_short=True,
                    receipt=receipt)  # fmt: skip
        return [Change(take, row, -change)]
    return [
        Change(Move("give-back", "give-back", "settle", f"{number}.{of}", row.member, on, ((row.currency, n),), of=of,
                    receipt=receipt), row)
        for of, n in _taken_from(row.parts, _after_what_is_owed(row, change))
    ]  # fmt: skip


def collect(row: Earned, on: date) -> Change:
    """Take what is owed from what has come in meanwhile; what is missing of it stays owed."""
    row.turns, row.owed, wanted = row.turns + 1, 0, row.owed
    # What was given back for a refund that was none is spent again: a refund after all gives it back.
    kind = "redeem" if row.what.startswith("back ") else "reverse"
    take = Move("take", kind, "settle", _number(row), row.member, on, ((row.currency, wanted),), may_fall_short=True,
                rule="owed")  # fmt: skip
    return Change(take, row, wanted)


def note(change: Change, posting: int, amount: int = 0, short: int = 0) -> None:
    """Note what a change came to: its posting, the units that it put in, and those that could not be taken."""
    move, row, wanted = change
    row.is_changed = True
    if move.kind == "earn":
        row.parts.append([posting, amount])
    elif move.verb == "take" and move.kind == "redeem":
        row.parts.append([posting, wanted - short])
    if wanted:
        row.owed += short


def pass_on(row: Earned, member: int, is_closed: bool) -> Earned:
    """A row for the same receipt as this member's. What another had by it has been taken back and stays as "gone 17".
    Where nothing more is earned (`is_closed`) she has it by the terms that held."""
    fresh = Earned(row.what, row.currency, turns=row.turns)
    if is_closed:
        fresh.member, fresh.day, fresh.rules = member, row.day, row.rules
        fresh.gross, fresh.by_value, fresh.units, fresh.most = row.gross, row.by_value, row.units, row.most
        fresh.is_changed = True  # kept also where nothing is due now: a refund may be taken back
    row.what, row.is_changed = f"gone {row.id}", True
    return fresh


def _turn_to(row: Earned, due: int) -> tuple[int, str]:
    """Let so much be due: how much more that is than before, and the number of this turn."""
    change = due - row.due
    if change:
        row.turns, row.due, row.is_changed = row.turns + 1, due, True
    return change, _number(row)


def _number(row: Earned) -> str:
    return f"{row.what}.{row.currency}.{row.turns}"


def _after_what_is_owed(row: Earned, n: int) -> int:
    """What is left of so much when what is owed has been paid by it."""
    paid = min(n, row.owed)
    row.owed -= paid
    return n - paid


def _taken_from(parts: Sequence[list[int]], n: int) -> list[tuple[int, int]]:
    """Take so much from parts, the last first: (posting, how much of it) each."""
    taken = []
    for part in reversed(parts):
        some = min(n, part[1])
        if some:
            part[1] -= some
            n -= some
            taken.append((part[0], some))
    return taken
