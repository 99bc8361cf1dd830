"""From the grade that fits to the grade that holds: winning at once, losing slowly.

One function for the whole base and for one customer: it works on columns, and one customer is a column of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NEW, NONE, UNGRADED = -1, -2, -3
"""Instead of an index into the scale: under observation; nothing fits; never graded before."""

NOT_BELOW = np.iinfo("int32").max
"""`below_since` of somebody who is not below her grade."""


@dataclass(frozen=True)
class Held:
    """What customers hold before the run: index of the grade (or NEW, NONE, UNGRADED), since which day, and since
    which day they have been below it (NOT_BELOW when they are not)."""

    grade: np.ndarray
    since: np.ndarray
    below_since: np.ndarray

    @classmethod
    def nothing(cls, n: int) -> Held:
        return cls(np.full(n, UNGRADED), np.zeros(n, "int32"), np.full(n, NOT_BELOW, "int32"))


def move(
    held: Held, fits: np.ndarray, observed: np.ndarray, stays: np.ndarray, grace: Sequence[int], on: int,
    *, is_review: bool = True, upgrade_at_once: bool = True,
) -> Held:  # fmt: skip
    """The grades that hold after the day `on`.

    `fits`: index of the first grade whose conditions hold (NONE when none does); `observed`: too new for a grade;
    `stays`: allowed to stay by the `stay` conditions; `grace`: days below before each grade is lost;
    `is_review`: a review day has come since the last run (always true for playbooks without reviews).

    Winning takes effect at once or at the next review; losing waits for grace and then for the review.

    >>> held = Held(np.array([0]), np.array([10]), np.array([NOT_BELOW]))
    >>> lost = move(held, np.array([1]), np.array([False]), np.array([False]), [5, 0], 20)
    >>> int(lost.grade[0]), int(lost.below_since[0])
    (0, 20)
    >>> lost = move(lost, np.array([1]), np.array([False]), np.array([False]), [5, 0], 25)
    >>> int(lost.grade[0]), int(lost.since[0])
    (1, 25)
    """
    had = held.grade >= 0
    target = np.where(observed, NEW, fits)
    rank = np.where(target >= 0, target, np.iinfo("int64").max)
    better = had & ~observed & (rank < held.grade)
    worse = had & ~observed & (rank > held.grade) & ~stays
    below_since = np.where(worse, np.minimum(held.below_since, on), NOT_BELOW).astype("int32")
    patience = np.asarray([*grace, 0], dtype="int64")[np.where(had, held.grade, len(grace))]
    lose = worse & (on - below_since.astype("int64") >= patience) & is_review
    win = better & (upgrade_at_once or is_review)
    # Whoever has no grade yet gets hers at once; so does whoever turns out to be newer than was thought.
    fresh = (~had | observed) & (target != held.grade)
    changes = lose | win | fresh
    grade = np.where(changes, target, held.grade)
    since = np.where(changes, on, held.since).astype("int32")
    below_since = np.where(changes, NOT_BELOW, below_since).astype("int32")
    return Held(grade, since, below_since)


def review_has_come(days: Sequence[str], after: int | None, on: int, day_of: object) -> bool:
    """Whether one of the review days ("06-30") lies after the last run and not after `on`; a shop that was closed on
    the day itself reviews on the next run."""
    if not days:
        return True
    start = on - 1 if after is None else after
    spans = min(on - start, 366)
    return any(day_of(on - k).strftime("%m-%d") in days for k in range(spans))  # type: ignore[operator]
