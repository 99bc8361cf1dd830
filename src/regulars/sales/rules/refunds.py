"""On which day a refund counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date


def counts_on(own: date, store: int, originals: Iterable[tuple[int, date]]) -> date:
    """The day on which a refund counts: the original receipt's when it is known, else its own.

    `originals`: (store, day) of receipts with the number that it repays. Tills may start their numbers anew each day,
    so the refund's own store comes first, then the latest receipt that is not younger than the refund.

    >>> counts_on(date(2026, 5, 9), 1, [(1, date(2026, 5, 1)), (2, date(2026, 5, 8)), (1, date(2026, 6, 1))])
    datetime.date(2026, 5, 1)
    >>> counts_on(date(2026, 5, 9), 1, [])
    datetime.date(2026, 5, 9)
    """
    best = max(originals, key=lambda o: (o[0] == store, o[1] <= own, -abs((own - o[1]).days)), default=None)
    return own if best is None else best[1]
