"""On which day a grade would be lost without another visit: the coming days, drawn as if nobody came.

Knows no Django. The days are moved through with the same `move` as the nightly run, so grace and reviews count here
exactly as they will on the day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from regulars.grading.drawing import (
    Plan,
    drawn_from,
    fits_of,
    shift_weeks,
    stand,
)
from regulars.grading.rules.transition import Held, move, review_has_come
from regulars.playbooks.playbook import Playbook, Scale
from regulars.playbooks.portrait import Curve
from regulars.shop.books import Books
from regulars.shop.engine import day_of


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
    state, *_ = [*books.ahead([day + horizon], plan.windows, shift_weeks), None]
    if state is None:
        return found
    index, _, stays = fits_of(books, _portraits(books, plan, people, curves, state, day + horizon), scale)
    below = (mine.grade >= 0) & _is_worse(index, mine.grade) & ~_may_stay(mine.grade, stays)
    some = pa.array(np.flatnonzero(below))
    if not len(some):
        return found
    now = Held(*(column[below] for column in (mine.grade, mine.since, mine.below_since)))
    customers, people = customers[below], people.take(some)
    reviews = playbook.reviews
    days = range(day + 1, day + horizon + 1)
    for on, state in zip(days, books.ahead(days, plan.windows, shift_weeks, customers), strict=True):
        table = _portraits(books, plan, people, curves, state, on)
        index, watched, stays = fits_of(books, table, scale)
        then = move(
            now, index, watched, _may_stay(now.grade, stays), [g.grace_days for g in scale.grades], on,
            is_review=review_has_come(reviews.on if reviews else (), on - 1, on, day_of),
            upgrade_at_once=reviews.upgrade_at_once if reviews else True,
        )  # fmt: skip
        for customer in customers[(now.grade >= 0) & _is_worse(then.grade, now.grade)].tolist():
            found.setdefault(customer, on)
        now = then
    return found


def _portraits(
    books: Books, plan: Plan, people: pa.Table, curves: Mapping[str, Curve], state: pa.Table, on: int
) -> pa.Table:
    """Portraits of these people from measures of a day to come, which is counted by the calendar, however far the
    data reach."""
    table = drawn_from(books, plan, on, state, people, None)
    (table,), _ = stand([table], plan, curves)
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
