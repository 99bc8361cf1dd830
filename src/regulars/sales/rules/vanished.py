"""Have nearly all customers vanished on one day? Then their numbers were given out anew, and nobody is lost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

SPAN = 7
"""Days after the break that are looked at: every weekday once, so that a quiet Monday is no break; and short enough
that the new numbers have not become regulars themselves."""

BEFORE = 28
"""Days before the break that say what is usual: four weeks, so that one holiday week does not decide."""

ENOUGH = 30
"""Receipts with a customer in the span. Where 30 % usually come from known people, finding fewer than 3 % among 30 by
chance happens once in 40,000 spans; with fewer receipts it happens every year somewhere."""

USUAL = 0.3
"""A shop that lives from passers-by (fewer than three in ten receipts from known people) has nobody to vanish."""

LEFT = 0.1
"""Of the usual share at most a tenth is left. A price rise or a new competitor costs a third or half of the regulars
over weeks; nine in ten from one day to the next is no decision of customers but of the till."""


def known_share(days: np.ndarray, first: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    """For each day D of a file: receipts of D and the `SPAN` - 1 days after it, and how many of these are of customers
    whose first receipt came before D.

    `days`, `first`: for each receipt with a customer its day and that customer's first day, as day numbers. Returns
    the first D and both counts.

    >>> start, receipts, known = known_share(np.array([10, 11, 12]), np.array([10, 10, 12]))
    >>> start, receipts.tolist(), known.tolist()
    (10, [3, 2, 1], [0, 1, 0])
    """
    start, n = int(days.min()), int(days.max() - days.min()) + 1
    receipts, known = np.zeros(n + 1, dtype="int64"), np.zeros(n + 1, dtype="int64")
    at = days - start
    opens = np.maximum(at - SPAN + 1, 0)
    np.add.at(receipts, opens, 1)
    np.add.at(receipts, at + 1, -1)
    knows = np.maximum(opens, first - start + 1)
    counts = knows <= at
    np.add.at(known, knows[counts], 1)
    np.add.at(known, at[counts] + 1, -1)
    return start, np.cumsum(receipts)[:n], np.cumsum(known)[:n]


def vanished_on(
    start: int, receipts: np.ndarray, known: np.ndarray, usual: Mapping[int, float] | None = None
) -> int | None:
    """The day on which nearly all known customers vanished although receipts went on; None when there is none.

    `usual`: share of known customers by day from earlier files, for a file that begins at the break.

    >>> days = np.repeat(np.arange(60), 10)
    >>> people = np.tile(np.arange(10), 60) + np.where(days >= 40, 100, 0)
    >>> first = np.where(people >= 100, 40, 0)
    >>> vanished_on(*known_share(days, first))
    40
    >>> vanished_on(*known_share(days, np.zeros(600, int))) is None
    True
    """
    shares = dict(usual or {})
    own = {start + k: known[k] / receipts[k] for k in np.flatnonzero(receipts >= ENOUGH).tolist()}
    shares.update(own)
    found: dict[int, float] = {}
    for day, share in own.items():
        before = [shares[d] for d in range(day - SPAN - BEFORE, day - SPAN + 1) if d in shares]
        if len(before) < SPAN:
            continue
        typical = float(np.median(before))
        if typical >= USUAL and share <= typical * LEFT:
            found[day] = share
    return min(found, key=lambda d: (found[d], d)) if found else None
