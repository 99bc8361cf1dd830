"""On which day a grade would be lost without another visit: the coming days, drawn as if nobody came.

Knows no Django. The days are moved through with the same `move` as the nightly run, so grace and reviews count here
exactly as they will on the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
import pyarrow as pa

from regulars.grading.drawing import (
    Plan,
    drawn_ahead,
    fits_of,
    shift_weeks,
    stand,
)
from regulars.grading.rules.transition import Held, move, review_has_come
from regulars.playbooks.playbook import Playbook, Scale
from regulars.playbooks.portrait import Curve
from regulars.shop.books import Books
from regulars.shop.engine import day_of

State = tuple[int, pa.Table]
"""A day, and the measures of it."""


def drop_days(
    books: Books, plan: Plan, tables: Sequence[pa.Table], curves: Mapping[str, Curve], playbook: Playbook, scale: Scale,
    held: Sequence[Held], day: int, horizon: int,
) -> dict[int, int]:  # fmt: skip
    """Customers who would lose their grade within `horizon` days without another visit: customer → the day.

    `tables` are the portraits of `day`, `held` what their customers hold after it. The base is drawn once more for the
    last day of the horizon; only for those who would be below their grade by then each day is looked at.
    """
    found: dict[int, int] = {}
    if not tables or not any((h.grade >= 0).any() for h in held):
        return found
    whole = pa.concat_tables(tables)
    customers = whole["customer"].to_numpy()
    mine = Held(*(np.concatenate([getattr(h, c) for h in held]) for c in ("grade", "since", "below_since")))
    order = np.argsort(customers, kind="stable")
    people = whole.select(["customer", *(f.key for f in plan.file_facts)]).take(order)
    mine = Held(mine.grade[order], mine.since[order], mine.below_since[order])
    customers = customers[order]
    assert books.manifest.on == day
    end = day + horizon
    states = [*books.ahead([end], plan.windows, shift_weeks)]
    if not states:
        return found
    index, _, stays = fits_of(books, _portraits(books, plan, people, curves, [(end, states[0])]), scale)
    below = (mine.grade >= 0) & _is_worse(index, mine.grade) & ~_may_stay(mine.grade, stays)
    some = pa.array(np.flatnonzero(below))
    if not len(some):
        return found
    now = Held(*(column[below] for column in (mine.grade, mine.since, mine.below_since)))
    customers, people = customers[below], people.take(some)
    reviews = playbook.reviews
    days = range(day + 1, end + 1)
    to_come = zip(days, books.ahead(days, plan.windows, shift_weeks, customers), strict=True)
    for some_days in _in_lots(to_come, max(1, AT_ONCE // len(customers))):
        table = _portraits(books, plan, people, curves, some_days)
        index, watched, stays = fits_of(books, table, scale)
        for k, (on, _) in enumerate(some_days):
            hers = slice(k * len(customers), (k + 1) * len(customers))
            then = move(
                now, index[hers], watched[hers], _may_stay(now.grade, [s[hers] for s in stays]),
                [g.grace_days for g in scale.grades], on,
                is_review=review_has_come(reviews.on if reviews else (), on - 1, on, day_of),
                upgrade_at_once=reviews.upgrade_at_once if reviews else True,
            )  # fmt: skip
            for customer in customers[(now.grade >= 0) & _is_worse(then.grade, now.grade)].tolist():
                found.setdefault(customer, on)
            now = then
    return found


AT_ONCE = 500_000
"""Portraits of days to come that are drawn in one go: a statement for each of the days would cost a small shop most of
its night, and all days of a large one would not fit into memory."""


def _in_lots(states: Iterable[State], size: int) -> Iterator[list[State]]:
    states = iter(states)
    while lot := list(islice(states, size)):
        yield lot


def _portraits(
    books: Books, plan: Plan, people: pa.Table, curves: Mapping[str, Curve], states: Sequence[State]
) -> pa.Table:
    """Portraits of these people from measures of days to come, which are counted by the calendar, however far the
    data reach: all of the first day, then all of the second."""
    (table,), _ = stand([drawn_ahead(books, plan, states, people)], plan, curves)
    return table


def _is_worse(index: np.ndarray, grade: np.ndarray) -> np.ndarray:
    """Whether the grade `index` (negative: none) stands below `grade`."""
    worse: np.ndarray = np.where(index >= 0, index, np.iinfo("int64").max) > grade
    return worse


def _may_stay(grade: np.ndarray, stays: Sequence[np.ndarray]) -> np.ndarray:
    stay = np.zeros(len(grade), dtype=bool)
    for k, holds in enumerate(stays):
        stay |= (grade == k) & holds
    return stay
