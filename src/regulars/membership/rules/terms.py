"""When what is earned can be spent and when it ends."""

from __future__ import annotations

import calendar
from datetime import date, timedelta


def months_after(day: date, months: int) -> date:
    """The same day so many months on; the last of the month where it has no such day.

    >>> months_after(date(2024, 2, 29), 12), months_after(date(2026, 1, 31), 1)
    (datetime.date(2025, 2, 28), datetime.date(2026, 2, 28))
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def last_day(day: date, months: int) -> date:
    """The last of so many months of which `day` is the first. Where the month at the end has no such day, they end with
    it.

    >>> last_day(date(2026, 5, 1), 12), last_day(date(2026, 1, 31), 1), last_day(date(2024, 2, 29), 12)
    (datetime.date(2027, 4, 30), datetime.date(2026, 2, 28), datetime.date(2025, 2, 28))
    """
    then = months_after(day, months)
    return then if then.day < day.day else then - timedelta(days=1)
