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


def counts_on_by_own_number(
    own: date, store: int, identity: int | None, originals: Iterable[tuple[int, date, int | None]]
) -> date:
    """The day on which a refund counts that bears no other number than the sale's own.

    Tills that count from 1 every day print the same number for somebody else tomorrow. So it is linked only when one
    day is left: the same store, not younger than the refund, and not known to be another customer's. `originals`:
    (store, day, identity) of the sales with this number.

    >>> october, november = date(2026, 10, 1), date(2026, 11, 5)
    >>> counts_on_by_own_number(november, 1, 7, [(1, october, 7), (1, date(2026, 10, 2), 8), (2, october, 7)])
    datetime.date(2026, 10, 1)
    >>> counts_on_by_own_number(november, 1, None, [(1, october, 7), (1, date(2026, 10, 2), 8)])
    datetime.date(2026, 11, 5)
    """
    days = {
        day
        for its_store, day, its_identity in originals
        if its_store == store
        and day <= own
        and (identity is None or its_identity is None or identity == its_identity)
    }
    return days.pop() if len(days) == 1 else own
