"""Books carried from day to day hold exactly what a full pass finds: with refunds, late rows, undone imports, gaps."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.grading.plain_python import History, Receipt, lives

from regulars.grading.drawing import Plan, days_sql, measuring, refresh_measures, shift_weeks
from regulars.playbooks.playbook import library, load
from regulars.shop.books import PART, Books
from regulars.shop.engine import number_of

START = number_of(date(2026, 1, 28))
PLAN = Plan.of(load(key) for key in library())


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    opened = Books(tmp_path_factory.mktemp("carried"), threads=1)
    yield opened
    opened.connection.close()


@pytest.fixture(scope="module")
def anew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    opened = Books(tmp_path_factory.mktemp("anew"), threads=1)
    yield opened
    opened.connection.close()


def state(books: Books) -> list[dict[str, object]]:
    """All measures of everybody, upwards by customer."""
    table = books.state()
    return table.to_pylist() if table is not None else []


def spread(receipts: list[Receipt]) -> list[Receipt]:
    """Half of the customers move to a second part of the books."""
    return [r if r.customer % 2 else Receipt(r.customer + PART, *_rest(r)) for r in receipts]


def _rest(r: Receipt) -> tuple[int, int, int, bool]:
    return r.day, r.amount, r.store, r.attended


@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_every_next_day_equals_a_full_pass(carried: Books, anew: Books, seed: int) -> None:
    luck = random.Random(seed)
    everything = spread(lives(seed, START, customers=10, later=120).receipts)
    held = [r for r in everything if r.day <= START]
    carried.write_days([History(held).table()], days_sql())
    refresh_measures(carried, PLAN, START, full=True)

    on = START
    for _ in range(8):
        last, on = on, on + luck.choice([0, 1, 1, 1, 2, 7, 31, 60])
        coming = [r for r in everything if last < r.day <= on]
        late = [
            Receipt(luck.choice(held).customer, on - luck.randint(0, 200), luck.choice([-500, 900]))
            for _ in held[:1]
        ]
        undone = luck.sample(held, min(len(held), luck.choice([0, 0, 3])))
        held = [r for r in held if r not in undone] + coming + late
        touched = np.array(sorted({r.customer for r in [*coming, *late, *undone]}), dtype="int64")
        if len(touched):
            theirs = [r for r in held if r.customer in touched]
            carried.write_days([History(theirs).table()], days_sql(), touched)
        was_full = refresh_measures(carried, PLAN, on)
        assert not was_full

        anew.write_days([History(held).table()], days_sql())
        refresh_measures(anew, PLAN, on, full=True)
        assert state(carried) == state(anew)


def test_a_day_back_takes_a_full_pass(carried: Books) -> None:
    carried.write_days([History([Receipt(1, START, 100)]).table()], days_sql())
    assert refresh_measures(carried, PLAN, START + 5)
    assert refresh_measures(carried, PLAN, START)
    assert [row["customer"] for row in state(carried)] == [1]


def test_books_left_half_written_are_not_carried_on(carried: Books) -> None:
    carried.write_days([History([Receipt(1, START, 100)]).table()], days_sql())
    refresh_measures(carried, PLAN, START, full=True)
    manifest = carried.manifest
    manifest.is_dirty = True
    carried._save(manifest)
    assert not carried.advance(START + 1, measuring(PLAN, False).sql, PLAN.windows, shift_weeks)
