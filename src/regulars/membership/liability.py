"""What the shop owes by its promises: what all outstanding points and stored value would cost, how much of it will
probably lapse, and how it has grown month by month. Reckoned from the entries alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from regulars.membership.models import Entry, Lot, Posting
from regulars.membership.program import Terms
from regulars.membership.rules import ledger
from regulars.membership.rules.terms import months_after
from regulars.shop import bulk
from regulars.shop.words import Words

_ENTRY, _LOT, _POSTING = (m._meta.db_table for m in (Entry, Lot, Posting))

ENOUGH = 100
"""Lots that have ended or been used up before their fate says anything about the others."""


@dataclass(frozen=True)
class Month:
    """One currency at the end of one month: what was outstanding, and what came and went during it."""

    last_day: date
    outstanding: int
    issued: int
    redeemed: int
    expired: int
    reversed: int


@dataclass(frozen=True)
class Owed:
    """What is owed of one currency as of a day. `units` are whole units (fen of stored value); `fen`: what they would cost
    if all were spent; `breakage`: the share that will probably lapse, by those whose time is over already (None: not
    known yet); `expected_fen`: what is left of `fen` after that; `ends`: how much ends in which of the next months."""

    currency: str
    name: Words
    units: int
    pending: int
    fen: int
    breakage: float | None
    expected_fen: int
    months: list[Month]
    ends: list[tuple[date, int]]

    def record(self, lang: str) -> dict[str, Any]:
        """As JSON carries it: money in yuan."""
        return {
            "currency": self.currency, "name": self.name.say(lang), "units": self.units, "pending": self.pending,
            "cost": self.fen / 100, "breakage": self.breakage, "expected_cost": self.expected_fen / 100,
            "months": [
                {"month": m.last_day.strftime("%Y-%m"), "outstanding": m.outstanding, "issued": m.issued,
                 "redeemed": m.redeemed, "expired": m.expired, "reversed": m.reversed}
                for m in self.months
            ],
            "ends": [{"month": d.strftime("%Y-%m"), "units": n} for d, n in self.ends],
        }  # fmt: skip


def liability(terms: Terms, on: date, months: int = 12) -> list[Owed]:
    """What is owed as of a day, by currency, with the months before it. Pending and reserved units are owed too."""
    worth = {c.key: c.worth_fen for c in terms.membership.currencies}
    names = {c.key: c.name for c in terms.membership.currencies}
    found = []
    for currency in [*worth, *ledger.VALUE]:
        by_month = _months(currency, on, months)
        units = by_month[-1].outstanding
        if currency in ledger.VALUE and not any(m.outstanding or m.issued for m in by_month):
            continue
        pending = _sum(
            f"SELECT SUM(aside) FROM {_LOT} WHERE currency = %s AND ripe_on IS NOT NULL AND ripe_on > %s",
            [currency, on.isoformat()],
        )
        fen = round(units * worth.get(currency, 1))
        breakage = None if currency == ledger.PRINCIPAL else breakage_of(currency, on)
        found.append(Owed(
            currency, names.get(currency, ledger.name_of(currency)), units, pending, fen, breakage,
            round(fen * (1 - (breakage or 0))), by_month, _ends(currency, on),
        ))  # fmt: skip
    return found


def breakage_of(currency: str, on: date) -> float | None:
    """The share of units that lapsed, of all lots whose end has passed; None below `ENOUGH` of them. What was paid in as
    stored value never lapses."""
    ((lots, amount),) = bulk.rows(
        f"SELECT COUNT(*), SUM(amount) FROM {_LOT} WHERE currency = %s AND ends < %s",
        [currency, on.isoformat()],
    )
    if lots < ENOUGH or not amount:
        return None
    lapsed = _sum(
        f"SELECT SUM(e.amount) FROM {_ENTRY} e JOIN {_LOT} l ON l.id = e.lot_id WHERE e.account = 'expired' "
        "AND e.currency = %s AND l.ends < %s",
        [currency, on.isoformat()],
    )
    return min(1.0, lapsed / int(amount))


def _months(currency: str, on: date, months: int) -> list[Month]:
    """Each month's end up to this day. A posting belongs to the month of its day."""
    month = "to_char(p.\"on\", 'YYYY-MM')" if bulk.is_postgres() else "strftime('%%Y-%%m', p.\"on\")"
    rows = bulk.rows(
        f"SELECT {month}, e.account, SUM(e.amount) FROM {_ENTRY} e JOIN {_POSTING} p ON p.id = e.posting_id "
        f'WHERE e.currency = %s AND p."on" <= %s GROUP BY {month}, e.account',
        [currency, on.isoformat()],
    )
    moved: dict[str, dict[str, int]] = {}
    for key, account, n in rows:
        moved.setdefault(key, {})[account] = int(n)
    first = months_after(on.replace(day=1), -(months - 1))
    outstanding = sum(
        said.get(ledger.MEMBER, 0) + said.get(ledger.LIABILITY, 0)
        for key, said in moved.items()
        if key < first.strftime("%Y-%m")
    )
    found = []
    for k in range(months):
        begins = months_after(first, k)
        said = moved.get(begins.strftime("%Y-%m"), {})
        outstanding += said.get(ledger.MEMBER, 0) + said.get(ledger.LIABILITY, 0)
        last = min(on, months_after(begins, 1) - timedelta(days=1))
        found.append(Month(
            last, outstanding, -said.get(ledger.ISSUED, 0), said.get(ledger.REDEEMED, 0), said.get(ledger.EXPIRED, 0),
            said.get(ledger.REVERSED, 0),
        ))  # fmt: skip
    return found


def _ends(currency: str, on: date) -> list[tuple[date, int]]:
    """What ends in each of the coming months, under the month's last day."""
    ends: dict[date, int] = {}
    for day, n in bulk.rows(
        f"SELECT ends, SUM(in_hand + aside) FROM {_LOT} WHERE currency = %s AND ends >= %s AND (in_hand > 0 OR aside > 0) "
        "GROUP BY ends",
        [currency, on.isoformat()],
    ):
        at = date.fromisoformat(day) if isinstance(day, str) else day
        last = months_after(at.replace(day=1), 1) - timedelta(days=1)
        ends[last] = ends.get(last, 0) + int(n)
    return sorted(ends.items())


def _sum(sql: str, parameters: list[Any]) -> int:
    ((n,),) = bulk.rows(sql, parameters)
    return int(n or 0)
