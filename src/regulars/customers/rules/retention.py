"""What is kept too long: a date for each kind of record, out of the months that a shop has set."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Times:
    """For how many months records are kept; 0: for good. `customers`: since the last visit or contact."""

    customers: int = 0
    notes: int = 0
    traces: int = 24


@dataclass(frozen=True)
class Due:
    """Records older than these days go; None: all of them stay."""

    customers: date | None
    notes: date | None
    traces: date | None


def months_before(on: date, months: int) -> date:
    """The same day so many months ago, or the last one of a shorter month.

    >>> months_before(date(2026, 3, 31), 1), months_before(date(2026, 1, 15), 24)
    (datetime.date(2026, 2, 28), datetime.date(2024, 1, 15))
    """
    year, month = divmod(on.year * 12 + on.month - 1 - months, 12)
    return date(year, month + 1, min(on.day, monthrange(year, month + 1)[1]))


def due(on: date, times: Times) -> Due:
    """What goes on a day.

    >>> due(date(2026, 11, 22), Times(customers=36))
    Due(customers=datetime.date(2023, 11, 22), notes=None, traces=datetime.date(2024, 11, 22))
    """
    since = [months_before(on, n) if n else None for n in (times.customers, times.notes, times.traces)]
    return Due(*since)
