"""On which day a grade would be lost without another visit: the coming days, drawn as if nobody came.

Knows no Django. The days are moved through with the same `move` as the nightly run, so grace and reviews count here
exactly as they will on the day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from regulars.grading.drawing import (
    COVERAGE_SCHEMA,
    Plan,
    carry_file_facts,
    derive_sql,
    drawn_from,
    fits_of,
    measure_sql,
    shift_weeks,
    stand,
    state_arrow_schema,
)
from regulars.grading.rules.transition import Held, move, review_has_come
from regulars.playbooks.playbook import Playbook, Scale
from regulars.playbooks.portrait import Curve
from regulars.shop.books import Books, day_of

CHUNK = 20_000
"""Customers whose coming days are drawn at once: fourteen days of them fit the memory of a small machine."""


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
    table = _if_nobody_comes(books, plan, people, curves, day, day + horizon)
    index, _, stays = fits_of(books, table, scale)
    below = (mine.grade >= 0) & _is_worse(index, mine.grade) & ~_may_stay(mine.grade, stays)
    for start in range(0, int(below.sum()), CHUNK):
        some = customers[below][start : start + CHUNK]
        days = books.days_of(some, upto=day)
        found.update(
            _each_day(books, plan, days, curves, people, playbook, scale, customers, mine, day, horizon)
        )
    return found


def _if_nobody_comes(
    books: Books, plan: Plan, people: pa.Table, curves: Mapping[str, Curve], day: int, on: int
) -> pa.Table:
    """Portraits of these people on a later day, if nobody has come after `day`."""
    assert books.manifest.on == day
    batches = list(books.ahead(on, plan.windows, shift_weeks))
    state = pa.concat_tables(batches) if batches else state_arrow_schema(books, plan, on).empty_table()
    table = drawn_from(books, plan, on, state, people, _no_coverage())
    (table,), _ = stand([table], plan, curves)
    return table


def _no_coverage() -> pa.Table:
    """Days to come are counted by the calendar, however far the data reach."""
    return pa.table({name: pa.array([], pa.int32()) for name in COVERAGE_SCHEMA})


def _each_day(
    books: Books, plan: Plan, days: pa.Table, curves: Mapping[str, Curve], source: pa.Table, playbook: Playbook, scale: Scale,
    customers: np.ndarray, held: Held, day: int, horizon: int,
) -> dict[int, int]:  # fmt: skip
    found: dict[int, int] = {}
    reviews = playbook.reviews
    now: Held | None = None
    for on in range(day + 1, day + horizon + 1):
        table = _then(books, plan, days, curves, source, on)
        if now is None:
            ids, now = _match(table, customers, held)
        index, watched, stays = fits_of(books, table, scale)
        then = move(
            now, index, watched, _may_stay(now.grade, stays), [g.grace_days for g in scale.grades], on,
            is_review=review_has_come(reviews.on if reviews else (), on - 1, on, day_of),
            upgrade_at_once=reviews.upgrade_at_once if reviews else True,
        )  # fmt: skip
        for customer in ids[(now.grade >= 0) & _is_worse(then.grade, now.grade)].tolist():
            found.setdefault(customer, on)
        now = then
    return found


def _then(
    books: Books, plan: Plan, days: pa.Table, curves: Mapping[str, Curve], source: pa.Table, on: int
) -> pa.Table:
    """Portraits of the day `on`, without any visit that `days` does not hold, upwards by customer."""
    # The day stands in a column: one compiled statement serves every day.
    state = books.run(
        measure_sql(books, plan, None),
        days=days.append_column("on", pa.array([on] * days.num_rows, pa.int32())),
    )
    state = carry_file_facts(state.sort_by("customer"), source, plan)
    table = books.run(derive_sql(books, plan, None), state=state, coverage=_no_coverage())
    (table,), _ = stand([table], plan, curves)
    return table.sort_by("customer")


def _match(table: pa.Table, customers: np.ndarray, held: Held) -> tuple[np.ndarray, Held]:
    """What the customers of `table` hold, in its order."""
    ids = table["customer"].to_numpy()
    order = np.argsort(customers, kind="stable")
    at = order[np.searchsorted(customers[order], ids)]
    return ids, Held(held.grade[at], held.since[at], held.below_since[at])


def _is_worse(index: np.ndarray, grade: np.ndarray) -> np.ndarray:
    """Whether the grade `index` (negative: none) stands below `grade`."""
    worse: np.ndarray = np.where(index >= 0, index, np.iinfo("int64").max) > grade
    return worse


def _may_stay(grade: np.ndarray, stays: Sequence[np.ndarray]) -> np.ndarray:
    stay = np.zeros(len(grade), dtype=bool)
    for k, holds in enumerate(stays):
        stay |= (grade == k) & holds
    return stay
