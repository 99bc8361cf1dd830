"""The whole base in one pass, one customer live, the library and plain Python give the same answer."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.grading.plain_python import Base, History, Receipt, grades_of, lives, same

import regulars
from regulars.facts import catalogue
from regulars.grading.drawing import ARROW_TYPES, Plan, days_sql, fits_of, live, portraits, refresh_measures
from regulars.grading.queries import engine_here
from regulars.grading.rules.transition import NONE
from regulars.playbooks.playbook import Scale, library, load
from regulars.shop.books import Books
from regulars.shop.engine import number_of

ON = number_of(date(2026, 8, 20))
PLAYBOOKS = [load(key) for key in library()]
PLAN = Plan.of(PLAYBOOKS)
SHOWN = [key for key in PLAN.keys if not key.endswith(("_mark", "_bits", "last_store"))]


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """One set of books for all examples: what is compiled once serves them all."""
    opened = Books(tmp_path_factory.mktemp("books"), threads=1)
    yield opened
    opened.connection.close()


def people(history: History) -> pa.Table:
    columns: dict[str, Any] = {"customer": pa.array(history.customers, pa.int64())}
    for fact in PLAN.file_facts:
        said = [history.known.get(c, {}).get(fact.key) for c in history.customers]
        columns[fact.key] = pa.array(said, ARROW_TYPES[fact.type])
    return pa.table(columns)


def run(books: Books, history: History) -> tuple[dict[int, dict[str, Any]], pa.Table, Any]:
    """The full run: facts of each customer, the table itself, and the curves of the base."""
    books.write_days([history.table()], days_sql())
    refresh_measures(books, PLAN, ON, full=True)
    tables, curves = portraits(books, PLAN, ON, people(history), coverage=history.covered())
    table = pa.concat_tables(tables)
    return {row["customer"]: row for row in table.to_pylist()}, table, curves


def named(scale: Scale, books: Books, table: pa.Table) -> list[str]:
    index, watched, _ = fits_of(books, table, scale)
    names = [*(grade.key for grade in scale.grades), "none"]
    return ["new" if new else names[at if at != NONE else -1] for at, new in zip(index, watched, strict=True)]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_engine_live_portrait_and_plain_python_agree_on_every_fact_and_grade(books: Books, seed: int) -> None:
    history = lives(seed, ON)
    if not history.customers:
        return
    drawn, table, curves = run(books, history)
    base = Base(history, ON)
    expected = {c: base.row(c, SHOWN) for c in history.customers}
    assert sorted(drawn) == history.customers
    differing = {
        (c, key): (drawn[c][key], expected[c][key])
        for c in history.customers
        for key in SHOWN
        if not same(drawn[c][key], expected[c][key])
    }
    assert differing == {}

    for playbook in PLAYBOOKS:
        for scale in playbook.scales:
            by_engine = dict(zip(table["customer"].to_pylist(), named(scale, books, table), strict=True))
            by_hand = {c: grades_of(playbook, expected[c])[scale.key] for c in history.customers}
            assert by_engine == by_hand, playbook.key

    sales = history.table()
    for customer in history.customers[:4]:
        mine = sales.filter(pa.array(sales["customer"].to_numpy() == customer))
        moment = pa.table({"customer": pa.array([customer]), "on": pa.array([ON], pa.int32())})
        (alone,) = live(
            books, PLAN, mine, moment,
            coverage=history.covered(), file_facts=history.known.get(customer), curves=curves,
        )  # fmt: skip
        assert {k: v for k in SHOWN if not same(v := alone[k], drawn[customer][k])} == {}


@pytest.mark.parametrize("key", library())
def test_the_library_gives_what_plain_python_gives(key: str) -> None:
    history = lives(sum(map(ord, key)), ON, customers=24, later=20)
    history = History([r for r in history.receipts if not r.attended], history.known, history.coverage)
    playbook = load(key)
    wanted = sorted(playbook.facts())
    given_facts = facts_frame(history, wanted)
    found = regulars.grade(history.frame(), key, on="2026-08-20", facts=given_facts)

    there = [c for c in history.customers if any(r.day <= ON for r in by(history, c)) or not by(history, c)]
    there = [c for c in there if by(history, c) or f"M{c}" in set(given_facts["customer_id"])]
    base = Base(History(history.receipts, {c: history.known.get(c, {}) for c in there}, history.coverage), ON)
    base.history.receipts[:] = [r for r in history.receipts if r.customer in there]
    assert list(found.columns) == ["customer", "scale", "grade", *wanted]
    assert len(found) == len(there) * len(playbook.scales)
    for row in found.to_dict("records"):
        customer = int(row["customer"][1:])
        facts = base.row(customer, wanted)
        assert row["grade"] == grades_of(playbook, facts)[row["scale"]], (customer, row, facts)
        for name in wanted:
            assert same(_plain(row[name]), as_said(name, facts[name])), (name, row[name], facts[name])


def by(history: History, customer: int) -> list[Any]:
    return [r for r in history.receipts if r.customer == customer]


def facts_frame(history: History, wanted: list[str]) -> Any:
    import pandas as pd

    rows = []
    for customer, said in history.known.items():
        keys = [k for k in said if (f := catalogue.find(k)) and f.is_file_fact]
        rows.append({"customer_id": f"M{customer}", **{k: as_said(k, said[k]) for k in keys}})
    return pd.DataFrame(rows, columns=sorted({"customer_id", *(k for row in rows for k in row)}))


def as_said(key: str, value: Any) -> Any:
    """A fact as people say it: yuan and dates."""
    import pandas as pd

    fact = catalogue.get(key)
    if value is None:
        return None
    if fact.unit == "yuan":
        return value / 100
    if fact.type == "date":
        return pd.Timestamp(1970, 1, 1) + pd.Timedelta(days=int(value))
    return value


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def test_portraits_asked_for_at_the_same_time_are_each_of_the_customer_who_was_asked_for() -> None:
    """The server answers in several threads."""

    def drawn(customer: int) -> tuple[int, int]:
        sales = History([Receipt(customer, ON - k, 100 * customer) for k in range(3)]).table()
        moments = pa.table({"customer": pa.array([customer]), "on": pa.array([ON], pa.int32())})
        (row,) = live(engine_here(), PLAN, sales, moments)
        return row["customer"], row["spend"]

    with ThreadPoolExecutor(4) as together:
        asked = range(1, 41)
        assert list(together.map(drawn, asked)) == [(customer, 300 * customer) for customer in asked]
