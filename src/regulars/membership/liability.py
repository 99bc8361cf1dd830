"""What the shop owes by its promises: what all outstanding points and stored value would cost, how much of it will
probably lapse, and how it has grown month by month.

What is owed and how it grew is reckoned from the entries alone, for any day. What is pending, what lapses and what ends
when stands in the lots, as they are now: of an earlier day those parts say what is known of it today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from regulars.customers.models import Customer
from regulars.membership.models import Balance, Entry, Lot, Member, Posting
from regulars.membership.program import Terms, currencies_ever
from regulars.membership.rules import ledger
from regulars.membership.rules.terms import months_after
from regulars.shop import bulk
from regulars.shop.words import Words

_ENTRY, _LOT, _POSTING, _BALANCE, _MEMBER, _CUSTOMER = (
    m._meta.db_table for m in (Entry, Lot, Posting, Balance, Member, Customer)
)

ENOUGH = 100
"""Lots whose time is over before their fate says anything about the others."""


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
    """What is owed as of a day, by currency, with the months before it: those of the programme, then what is left of
    earlier ones, then stored value. Pending and reserved units are owed too."""
    said = {c.key: c for c in terms.membership.currencies}
    earlier = {k: c for k, c in currencies_ever().items() if k not in said}
    held = {c for (c,) in bulk.rows(f"SELECT DISTINCT currency FROM {_BALANCE}")} - said.keys()
    known = earlier | said
    found = []
    for currency in [*said, *sorted(held - {*ledger.VALUE}), *ledger.VALUE]:
        by_month = _months(currency, on, months)
        units = by_month[-1].outstanding
        if currency not in said and not any(m.outstanding or m.issued for m in by_month):
            continue
        pending = _sum(
            f"SELECT SUM(aside) FROM {_LOT} WHERE currency = %s AND ripe_on IS NOT NULL AND ripe_on > %s",
            [currency, on.isoformat()],
        )
        worth = known[currency].worth_fen if currency in known else int(currency in ledger.VALUE)
        name = known[currency].name if currency in known else ledger.name_of(currency)
        fen = round(units * worth)
        breakage = None if currency == ledger.PRINCIPAL else breakage_of(currency, on)
        found.append(Owed(
            currency, name, units, pending, fen, breakage, round(fen * (1 - (breakage or 0))), by_month, _ends(currency, on),
        ))  # fmt: skip
    return found


def breakage_of(currency: str, on: date) -> float | None:
    """The share of units that lapsed, of all that lapsed or were spent out of lots that are over: by the calendar their
    end has passed, and of those that lapse when nothing is done nothing is left. What was taken back or handed over has
    met neither fate there. None below `ENOUGH` such lots. What was paid in as stored value never lapses."""
    ((lots, lapsed, spent),) = bulk.rows(
        "SELECT COUNT(*), SUM(lapsed), SUM(spent) FROM ("
        "SELECT SUM(CASE WHEN e.account = 'expired' THEN e.amount ELSE 0 END) AS lapsed, "
        "SUM(CASE WHEN e.account = 'redeemed' THEN e.amount ELSE 0 END) AS spent "
        f"FROM {_ENTRY} e JOIN {_LOT} l ON l.id = e.lot_id WHERE e.currency = %s AND e.account IN ('expired', 'redeemed') "
        "AND (l.ends < %s OR (l.idle > 0 AND l.in_hand = 0 AND l.aside = 0)) GROUP BY e.lot_id) fates",
        [currency, on.isoformat()],
    )
    if lots < ENOUGH or lapsed + spent <= 0:
        return None
    return float(lapsed / (lapsed + spent))


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
    """What ends in each of the coming months if nothing is done with it, under the month's last day."""
    ends: dict[date, int] = {}
    by_calendar = bulk.rows(
        f"SELECT ends, SUM(in_hand + aside) FROM {_LOT} WHERE currency = %s AND ends >= %s AND (in_hand > 0 OR aside > 0) "
        "GROUP BY ends",
        [currency, on.isoformat()],
    )
    idle = bulk.rows(
        f"WITH read_as AS (SELECT m.id AS member, COALESCE(c.merged_into_id, c.id, -m.id) AS root FROM {_MEMBER} m "
        f"LEFT JOIN {_CUSTOMER} c ON c.id = m.customer_id), "
        f"active AS (SELECT r.root, MAX(b.active_on) AS day FROM {_BALANCE} b JOIN read_as r ON r.member = b.member_id "
        "WHERE b.currency = %s GROUP BY r.root) "
        f"SELECT a.day, l.idle, SUM(l.in_hand + l.aside) FROM {_LOT} l JOIN read_as r ON r.member = l.member_id "
        "JOIN active a ON a.root = r.root WHERE l.currency = %s AND l.idle > 0 AND (l.in_hand > 0 OR l.aside > 0) "
        "GROUP BY a.day, l.idle",
        [currency, currency],
    )
    found = [(bulk.day(day), n) for day, n in by_calendar]
    found += [(months_after(bulk.day(day), months), n) for day, months, n in idle]
    for day, n in found:
        if day >= on:
            last = months_after(day.replace(day=1), 1) - timedelta(days=1)
            ends[last] = ends.get(last, 0) + int(n)
    return sorted(ends.items())


def _sum(sql: str, parameters: list[Any]) -> int:
    ((n,),) = bulk.rows(sql, parameters)
    return int(n or 0)
