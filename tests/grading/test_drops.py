"""The day on which a grade would be lost is the day on which the run would take it, if nobody came."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.grading.plain_python import History, lives

from regulars.grading.drawing import ARROW_TYPES, Plan, days_sql, fits_of, portraits, refresh_measures
from regulars.grading.drops import drop_days
from regulars.grading.rules.transition import Held, move, review_has_come
from regulars.playbooks.playbook import load
from regulars.shop.books import Books
from regulars.shop.engine import day_of

DAY, HORIZON = 20_650, 14


@pytest.mark.parametrize("key", ["restaurant", "hotpot", "salon"])
def test_a_drop_comes_on_the_day_on_which_the_run_would_take_the_grade(key: str, tmp_path: Path) -> None:
    playbook = load(key)
    plan = Plan.of([playbook])
    everything = lives(11, DAY, customers=60)
    history = History([r for r in everything.receipts if r.day <= DAY], {}, {})
    everybody = sorted({r.customer for r in everything.receipts})
    people = pa.table({
        "customer": pa.array(everybody, pa.int64()),
        **{f.key: pa.nulls(len(everybody), ARROW_TYPES[f.type]) for f in plan.file_facts},
    })  # fmt: skip
    books, later = Books(tmp_path / "books", threads=1), Books(tmp_path / "later", threads=1)
    # The books know a few later visits already, as they do when an earlier day is asked about.
    books.write_days([everything.table()], days_sql())
    later.write_days([history.table()], days_sql())
    refresh_measures(books, plan, DAY, full=True)
    tables, curves = portraits(books, plan, DAY, people)
    for scale in playbook.scales:
        grace = [g.grace_days for g in scale.grades]
        index, watched, _ = fits_of(books, pa.concat_tables(tables), scale)
        first = move(Held.nothing(len(index)), index, watched, np.zeros(len(index), bool), grace, DAY)
        expected: dict[int, int] = {}
        held, reviews = first, playbook.reviews
        for on in range(DAY + 1, DAY + HORIZON + 1):
            refresh_measures(later, plan, on, full=True)
            drawn, _ = portraits(later, plan, on, people, curves=curves)
            index, watched, stays = fits_of(later, pa.concat_tables(drawn), scale)
            stay = np.any([(held.grade == k) & s for k, s in enumerate(stays)], axis=0)
            now = move(
                held, index, watched, stay, grace, on,
                is_review=review_has_come(reviews.on if reviews else (), on - 1, on, day_of),
                upgrade_at_once=reviews.upgrade_at_once if reviews else True,
            )  # fmt: skip
            lost = (held.grade >= 0) & (np.where(now.grade >= 0, now.grade, 99) > held.grade)
            for customer in np.array(everybody)[lost & (first.grade >= 0)].tolist():
                expected.setdefault(customer, on)
            held = now
        ends = np.cumsum([t.num_rows for t in tables])
        parts = [
            Held(*(getattr(first, c)[low:high] for c in ("grade", "since", "below_since")))
            for low, high in zip([0, *ends], ends, strict=False)
        ]
        assert drop_days(books, plan, tables, curves, playbook, scale, parts, DAY, HORIZON) == expected
