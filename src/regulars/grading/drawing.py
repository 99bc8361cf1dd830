"""From days to graded portraits, for everybody or for one, with or without a shop around it.

Knows no Django: the library grades a file with the same lines as the shop's nightly run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.facts import catalogue
from regulars.grading.rules.transition import NONE
from regulars.playbooks.catalogue import Fact
from regulars.playbooks.playbook import Playbook, Scale, entering, observed
from regulars.playbooks.portrait import (
    DAYS_COLUMNS,
    ENGINE_TYPES,
    Curve,
    days_of,
    derived,
    measured,
    metrics_of,
)
from regulars.sales.facts import SPEND_BITS, STORE_BITS, STREAK_WEEKS
from regulars.shop.books import PART, Books
from regulars.shop.engine import Engine, Statement, compiled, the_day

STANDARD = (
    "visits", "spend", "first_visit_on", "last_visit_on", "last_spend", "largest_spend", "average_spend", "last_store",
    "visits_in_30_days", "spend_in_30_days", "visits_in_90_days", "spend_in_90_days", "visits_in_12_months",
    "spend_in_12_months", "days_since_visit", "days_since_first_visit", "usual_gap_days", "times_usual_gap",
    "weeks_in_a_row",
)  # fmt: skip
"""What every portrait shows, whatever the playbook asks."""

PEACE = ("refuses_contact", "public_official", "occupation")
"""What every care rule asks before it turns to somebody."""

SALES_SCHEMA = {"customer": "int64", "day": "int32", "amount": "int64", "attended": "int8", "store": "int32"}


@dataclass(frozen=True)
class Plan:
    """Which facts are drawn: the standard ones, and those that the playbooks in force ask for."""

    keys: tuple[str, ...]

    @classmethod
    def of(cls, playbooks: Iterable[Playbook], more: Iterable[str] = ()) -> Plan:
        asked: set[str] = set(more)
        for playbook in playbooks:
            asked |= playbook.facts() | playbook.care_facts()
            asked |= set(PEACE if playbook.care else ())
        return cls(tuple(catalogue.closure([*STANDARD, *sorted(asked)])))

    @cached_property
    def facts(self) -> list[Fact]:
        return [catalogue.get(key) for key in self.keys]

    @cached_property
    def measures(self) -> list[str]:
        return [f.key for f in self.facts if f.measure]

    @cached_property
    def windows(self) -> dict[str, tuple[str, int]]:
        """Plain sums over a window: measure → (column, days)."""
        found = {}
        for f in self.facts:
            if f.measure and f.measure.counts and f.measure.window:
                found[f.key] = (f.measure.counts, f.measure.window)
        return found

    @cached_property
    def file_facts(self) -> list[Fact]:
        return [f for f in self.facts if f.is_file_fact]

    @cached_property
    def standings(self) -> list[Fact]:
        return [f for f in self.facts if f.standing]

    def people_schema(self) -> dict[str, str]:
        return {"customer": "int64", **{f.key: ENGINE_TYPES[f.type] for f in self.file_facts}}


def shift_weeks(weeks: int) -> dict[str, str]:
    """How measures that move with the calendar are carried on by some weeks, as SQL."""
    # The oldest weeks fall off before the others move up: shifted first, they would overflow the integer.
    kept = (1 << max(STREAK_WEEKS - weeks, 0)) - 1
    moved = "0" if not kept else f"(({{column}} & {kept}) << {weeks})"
    return {"week_bits": moved if weeks else "{column}"}


@cache
def days_sql() -> str:
    return compiled(days_of(ibis.table(SALES_SCHEMA, name="sales"))).sql


@lru_cache(maxsize=64)
def measuring(plan: Plan, moments: bool) -> Statement:
    """Days → measures, from the view `days`; for `moments` the days carry a column `on`, the day that each row is for."""
    if moments:
        days = ibis.table({**DAYS_COLUMNS, "on": "int32"}, name="days")
        return compiled(measured(days, None, plan.facts, ("customer", "on")))
    return compiled(measured(ibis.table(DAYS_COLUMNS, name="days"), the_day(), plan.facts))


@lru_cache(maxsize=64)
def deriving(plan: Plan, moments: bool) -> Statement:
    """Measures, file facts and `known_until` → what portraits hold besides, from the view `state`, row by row."""
    people = {"known_until": "int32", **{f.key: ENGINE_TYPES[f.type] for f in plan.file_facts}}
    schema = {**measuring(plan, moments).columns, **people}
    portraits = derived(ibis.table(schema, name="state"), None if moments else the_day(), plan.facts)
    return compiled(portraits.select("customer", *(c for c in portraits.columns if c not in schema)))


def _derive(engine: Engine, plan: Plan, state: pa.Table, moments: bool = False) -> pa.Table:
    """Portraits from measures, row by row. What the measures say already is not carried through the engine."""
    more = engine.run(deriving(plan, moments).sql, keep_order=True, state=state)
    assert more["customer"].equals(state["customer"]), "the engine gave portraits in another order"
    for name in more.column_names[1:]:
        state = state.append_column(name, more[name])
    return state


def covered(state: pa.Table, coverage: pa.Table | None) -> pa.Table:
    """Add to measures up to which day the data of her last store reach: null where no day is known."""
    if coverage is None:
        return state.append_column("known_until", pa.nulls(state.num_rows, pa.int32()))
    store = pc.bit_wise_and(state["last_store_mark"], (1 << STORE_BITS) - 1).cast(pa.int32())
    at = pc.index_in(store, value_set=coverage["store"].combine_chunks())
    known = coverage["known_until"].combine_chunks().take(at).cast(pa.int32())
    if "broken_on" in coverage.column_names:
        # Whoever was last seen before her store gave out new numbers is known no further than that.
        broken = coverage["broken_on"].combine_chunks().take(at)
        last = pc.shift_right(state["last_visit_mark"], SPEND_BITS).cast(pa.int32())
        before = pc.subtract(broken, pa.scalar(1, pa.int32()))
        known = pc.if_else(
            pc.fill_null(pc.less(last, broken), False), pc.min_element_wise(known, before), known
        )
    return state.append_column("known_until", known)


# --- everybody -------------------------------------------------------------------------------------------------------


def refresh_measures(books: Books, plan: Plan, on: int, full: bool = False) -> bool:
    """Bring the books' measures to the day `on`. True when it took a full pass."""
    manifest = books.manifest
    moves = shift_weeks(1)
    ages = [
        f.key for f in plan.facts if f.measure and f.ages and f.key not in plan.windows and f.key not in moves
    ]
    # The measure SQL of a day carries the columns of this plan; a state with other columns is drawn anew.
    if (
        not full
        and not ages
        and set(manifest.measures) == set(plan.measures)
        and books.advance(on, measuring(plan, False).sql, plan.windows, shift_weeks)
    ):
        return False
    books.full(on, measuring(plan, False).sql, plan.measures)
    return True


def portraits(
    books: Books, plan: Plan, on: int, people: pa.Table, *, coverage: pa.Table | None = None,
    curves: dict[str, Curve] | None = None,
) -> tuple[list[pa.Table], dict[str, Curve]]:  # fmt: skip
    """Portraits of everybody as of `on`, part by part, and the curves of the whole base that standings were read from.

    `people` (customer and file facts, sorted by customer) says who there is, with or without a sale. Pass `curves` to
    hold somebody against the base of another run.
    """
    state = books.state()
    if state is None:
        state = ibis.schema(measuring(plan, False).columns).to_pyarrow().empty_table()
    table = drawn_from(books, plan, on, state, people, coverage)
    parts = table["customer"].to_numpy() // PART
    ends = [*(np.flatnonzero(np.diff(parts)) + 1).tolist(), len(parts)]
    tables = [table.slice(low, high - low) for low, high in zip([0, *ends], ends, strict=False)]
    return stand(tables, plan, curves)


def drawn_from(
    engine: Engine, plan: Plan, on: int, state: pa.Table, people: pa.Table, coverage: pa.Table | None
) -> pa.Table:
    """Portraits of these people from measures, both upwards by customer; who has no measures has never bought."""
    everybody = covered(_of_people(state, people, plan), coverage)
    engine.stand_on(on)
    return _derive(engine, plan, _with_columns_of(people, everybody, plan))


def drawn_ahead(
    engine: Engine, plan: Plan, states: Sequence[tuple[int, pa.Table]], people: pa.Table
) -> pa.Table:
    """Portraits of these people on several days that no data reach yet, one day under the other, from the measures of
    each."""
    tables = [
        _with_columns_of(people, covered(_of_people(state, people, plan), None), plan).append_column(
            "on", pa.array(np.full(people.num_rows, on, "int32"))
        )
        for on, state in states
    ]
    return _derive(engine, plan, pa.concat_tables(tables), moments=True)


def _with_columns_of(people: pa.Table, state: pa.Table, plan: Plan) -> pa.Table:
    """Measures with the file facts of the same people."""
    for fact in plan.file_facts:
        state = state.append_column(fact.key, people[fact.key].cast(ARROW_TYPES[fact.type], safe=False))
    return state


def _of_people(state: pa.Table, people: pa.Table, plan: Plan) -> pa.Table:
    """The measures of these people, in their order."""
    have, ids = state["customer"].to_numpy(), people["customer"].to_numpy()
    if np.array_equal(have, ids):
        return state
    at = np.searchsorted(have, ids)
    there = at < len(have)
    there[there] = have[at[there]] == ids[there]
    empty = {f.key: f.measure.empty for f in plan.facts if f.measure and f.measure.empty is not None}
    table = state.drop_columns(["customer"]).take(pa.array(at, mask=~there))
    for place, name in enumerate(table.column_names):
        if name in empty:
            table = table.set_column(
                place, name, pc.fill_null(table[name], pa.scalar(empty[name], table.schema.field(name).type))
            )
    return table.add_column(0, "customer", people["customer"].cast(pa.int64()))


def stand(
    tables: list[pa.Table], plan: Plan, curves: Mapping[str, Curve] | None = None
) -> tuple[list[pa.Table], dict[str, Curve]]:
    """Add the facts that compare a customer with the whole base."""
    wanted = metrics_of(catalogue, [f.key for f in plan.standings])
    if curves is None:
        curves = {
            m: Curve.of(np.concatenate([_metric(t, m) for t in tables]) if tables else np.empty(0), less)
            for m, less in wanted.items()
        }
    out = []
    for table in tables:
        for fact in plan.standings:
            assert fact.standing
            # A fact that was not asked for in the last full run is not known until the next one.
            curve, metric = curves.get(fact.standing.metric), _metric(table, fact.standing.metric)
            values = np.full(len(metric), np.nan) if curve is None else curve.stand(fact.standing, metric)
            table = table.append_column(fact.key, pa.array(values, mask=np.isnan(values)))
        out.append(table)
    return out, dict(curves)


def _metric(table: pa.Table, name: str) -> np.ndarray:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    values: np.ndarray = table[name].cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return values


@lru_cache(maxsize=256)
def _fitting(scale: Scale, columns: tuple[tuple[str, Any], ...]) -> str:
    portraits = ibis.table(dict(columns), name="portraits")
    stay = {}
    for k, grade in enumerate(scale.grades):
        if grade.stay:
            holds = grade.stay[0].expression(portraits)
            for way in grade.stay[1:]:
                holds = holds | way.expression(portraits)
            stay[f"stay_{k}"] = holds
    fits = portraits.select(fits=entering(portraits, scale), observed=observed(portraits, scale), **stay)
    return compiled(fits).sql


def fits_of(engine: Engine, table: pa.Table, scale: Scale) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """For each portrait: index of the grade that fits (NONE when none does), whether it is under observation, and for
    each grade whether its `stay` conditions hold."""
    sql = _fitting(scale, tuple(ibis.Schema.from_pyarrow(table.schema).items()))
    result = engine.run(sql, keep_order=True, portraits=table)
    index = result["fits"].to_numpy().astype("int64")
    index = np.where(index >= len(scale.grades), NONE, index)
    watched = result["observed"].to_numpy(zero_copy_only=False).astype(bool)
    no = np.zeros(len(index), dtype=bool)
    stays = [
        result[f"stay_{k}"].to_numpy(zero_copy_only=False).astype(bool) if grade.stay else no
        for k, grade in enumerate(scale.grades)
    ]
    return index, watched, stays


def fits_of_all(
    engine: Engine, tables: Sequence[pa.Table], scale: Scale
) -> Iterator[tuple[np.ndarray, np.ndarray, list[np.ndarray]]]:
    """`fits_of` for the parts of one base, in one statement."""
    if not tables:
        return
    index, watched, stays = fits_of(engine, pa.concat_tables(tables), scale)
    start = 0
    for table in tables:
        end = start + table.num_rows
        yield index[start:end], watched[start:end], [s[start:end] for s in stays]
        start = end


# --- one customer, or a few what-ifs ---------------------------------------------------------------------------------


def live(
    engine: Engine, plan: Plan, sales: pa.Table, moments: pa.Table, *, coverage: pa.Table | None = None,
    file_facts: Mapping[str, Any] | None = None, curves: Mapping[str, Curve] | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Portraits of a few (pseudo-)customers, each on a few days: the same expressions as for everybody.

    `sales`: all their sales (customer, day, amount, attended, store); `moments`: (customer, on). Returns one row of
    facts for each moment, in their order, unknown as None.
    """
    days = engine.run(days_sql(), sales=sales)
    at = engine.run(
        "SELECT d.*, m.on FROM days d JOIN moments m ON m.customer = d.customer", days=days, moments=moments
    )
    state = engine.run(measuring(plan, True).sql, days=at)
    state = covered(_with_strangers(state, moments, plan), coverage)
    state = _with_file_facts(state, plan, file_facts or {})
    table = _derive(engine, plan, state, moments=True)
    if plan.standings:
        (table,), _ = stand([table], plan, curves or {})
    rows = {(r["customer"], r["on"]): r for r in table.to_pylist()}
    return [rows[(m["customer"], m["on"])] for m in moments.to_pylist()]


def _with_strangers(state: pa.Table, moments: pa.Table, plan: Plan) -> pa.Table:
    """Add a row of measures for every moment up to which there is no sale, as the full run has one for everybody."""
    there = set(zip(state["customer"].to_pylist(), state["on"].to_pylist(), strict=True))
    empty = {f.key: f.measure.empty for f in plan.facts if f.measure}
    absent = [{**empty, **m} for m in moments.to_pylist() if (m["customer"], m["on"]) not in there]
    if not absent:
        return state
    return pa.concat_tables([state, pa.Table.from_pylist(absent, schema=state.schema)])


ARROW_TYPES = {"number": pa.float64(), "text": pa.string(), "yes-no": pa.bool_(), "date": pa.int32()}
"""File facts as they are handed to the engine."""


def _with_file_facts(state: pa.Table, plan: Plan, known: Mapping[str, Any]) -> pa.Table:
    """Add what people know about one customer to each row of her measures; what nobody said is unknown."""
    for fact in plan.file_facts:
        state = state.append_column(
            fact.key, pa.array([known.get(fact.key)] * state.num_rows, ARROW_TYPES[fact.type])
        )
    return state
