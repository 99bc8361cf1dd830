"""A portrait: one row of facts about each customer as of a day, built as engine expressions.

Three steps, each with one home here, so that a whole base, one customer live, and a what-if all use the same lines:

1. `measured`: days → one row of measures per customer (one pass of plain aggregates);
2. `derived`: measures → the facts that are arithmetic on them, row by row;
3. `Curve`: what "better than how many" means, from the distinct values of one metric over the whole base.

Nothing here runs anything: expressions go to `shop.engine`, which runs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np

from regulars.playbooks.catalogue import Catalogue, Fact, Standing

DAYS_COLUMNS = {
    "customer": "int64",
    "day": "int32",
    "spend": "int64",
    "visit": "int8",
    "gap": "int32",
    "store": "int32",
    "week": "int32",
}
"""The table of days that every measure reads: one row per customer and day with at least one sale."""

ENGINE_TYPES = {"number": "float64", "text": "string", "yes-no": "boolean", "date": "int32"}


def days_of(sales: Any) -> Any:
    """Sales (customer, day, amount, attended, store) → days, with the gap since the visit before.

    The one window function of the house: it runs when books are written, not each time they are read.
    """
    by_day = sales.group_by("customer", "day").agg(
        spend=sales.amount.sum(),
        attended=sales.attended.max(),
        store=sales.store.max(),
    )
    by_day = by_day.mutate(visit=((by_day.spend > 0) | (by_day.attended == 1)).cast("int8"))
    per_kind = ibis.window(group_by=[by_day.customer, by_day.visit], order_by=by_day.day)
    gap = (by_day.visit == 1).ifelse(by_day.day - by_day.day.lag().over(per_kind), None)
    return by_day.mutate(gap=gap, week=(by_day.day + 3) // 7).select(
        **{name: ibis._[name].cast(to) for name, to in DAYS_COLUMNS.items()}
    )


def measured(days: Any, on: Any, facts: Iterable[Fact], by: tuple[str, ...] = ("customer",)) -> Any:
    """One row per customer with every measure among `facts`. `on` is a day; without it the table has a column `on`,
    so that one customer can be drawn for many days at once."""
    days = days.filter(days.day <= (days.on if on is None else on))
    on = days.on if on is None else on
    return days.group_by(*by).agg(**{f.key: f.measure.make(days, on) for f in facts if f.measure})


def derived(state: Any, on: Any, facts: Iterable[Fact]) -> Any:
    """Measures and file facts → portraits. Absence is counted up to the column `known_until`, where the data of her
    store end; without that column, up to the day itself. Facts that nobody gives are null."""
    facts = list(facts)

    def at(table: Any) -> Any:
        return table.on if on is None else on

    if "known_until" not in state.columns:
        state = state.mutate(known_until=ibis.null("int32"))
    missing = [f for f in facts if f.is_file_fact and f.key not in state.columns]
    if missing:
        state = state.mutate(**{f.key: ibis.null(ENGINE_TYPES[f.type]) for f in missing})
    waiting = [f for f in facts if f.derive and f.key not in state.columns]
    while waiting:
        have = set(state.columns)
        ready = [f for f in waiting if have.issuperset(f.needs)]
        if not ready:
            raise ValueError(f"facts that need what is not there: {[f.key for f in waiting]}")
        state = state.mutate(**{f.key: f.derive(state, at(state)) for f in ready if f.derive})
        waiting = [f for f in waiting if f not in ready]
    return state


@dataclass(frozen=True)
class Curve:
    """The distinct values of one metric over the whole base and how many customers have each, sorted upwards.

    Cut-offs of a whole base are computed in a full run and kept; a live portrait reads the same curve, so both give
    the same answer as long as the curve is the same.

    >>> curve = Curve.of(np.array([100, 100, 300, 0]))
    >>> [float(x) for x in curve.place(np.array([300, 100, 50]))]
    [0.0, 0.3333333333333333, 1.0]
    >>> [float(x) for x in curve.before(np.array([300, 100]))]
    [0.0, 0.6]
    """

    values: np.ndarray
    counts: np.ndarray
    lower_is_better: bool = False

    @classmethod
    def of(cls, metric: Any, lower_is_better: bool = False) -> Curve:
        """From the metric of every customer; NaN means not known. Only values above zero take part, unless less is
        better, where every known value does."""
        metric = np.asarray(metric, dtype="float64")
        metric = metric[~np.isnan(metric)]
        if not lower_is_better:
            metric = metric[metric > 0]
        values, counts = np.unique(metric, return_counts=True)
        return cls(values, counts, lower_is_better)

    def _better(self, metric: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Sum of weights over strictly better values."""
        upwards = np.concatenate([[0], np.cumsum(weights)])
        if self.lower_is_better:
            below: np.ndarray = upwards[np.searchsorted(self.values, metric, side="left")]
            return below
        above: np.ndarray = upwards[-1] - upwards[np.searchsorted(self.values, metric, side="right")]
        return above

    def _known(self, metric: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return ~np.isnan(metric) if self.lower_is_better else metric > 0

    def place(self, metric: np.ndarray) -> np.ndarray:
        metric = np.asarray(metric, dtype="float64")
        n = max(int(self.counts.sum()), 1)
        return np.where(self._known(metric), self._better(np.nan_to_num(metric), self.counts) / n, np.nan)

    def before(self, metric: np.ndarray) -> np.ndarray:
        metric = np.asarray(metric, dtype="float64")
        weights = self.values * self.counts
        total = weights.sum() or 1.0
        return np.where(self._known(metric), self._better(np.nan_to_num(metric), weights) / total, np.nan)

    def median(self) -> float:
        """The middle value of those who take part; NaN when there is nobody."""
        if not len(self.counts):
            return float("nan")
        n = int(self.counts.sum())
        upto = np.cumsum(self.counts)
        low = self.values[np.searchsorted(upto, (n - 1) // 2 + 1)]
        high = self.values[np.searchsorted(upto, n // 2 + 1)]
        return float((low + high) / 2)

    def stand(self, standing: Standing, metric: Any) -> np.ndarray:
        """The standing of each value of the metric, as floats with NaN for unknown."""
        metric = np.asarray(metric, dtype="float64")
        if standing.kind == "place":
            return self.place(metric)
        if standing.kind == "before":
            return self.before(metric)
        if standing.kind == "above_median":
            above: np.ndarray = metric - self.median()
            return above
        fifths = 5 - np.floor(self.place(metric) * 5)
        # Whoever has no visit or spend in the window stands in the last fifth; who never came has no recency at all.
        return (
            fifths
            if self.lower_is_better
            else np.where(np.isnan(metric), np.nan, np.nan_to_num(fifths, nan=1.0))
        )


def metrics_of(catalogue: Catalogue, keys: Iterable[str]) -> dict[str, bool]:
    """The metrics that the standings among `keys` compare, each with whether less is better."""
    found: dict[str, bool] = {}
    for key in keys:
        if standing := catalogue.get(key).standing:
            found[standing.metric] = standing.lower_is_better
    return found


def with_standings(
    columns: Mapping[str, Any], curves: Mapping[str, Curve], facts: Iterable[Fact]
) -> dict[str, np.ndarray]:
    """The standing facts among `facts` for these customers, from their metric columns and the stored curves."""
    return {
        fact.key: curves[fact.standing.metric].stand(fact.standing, columns[fact.standing.metric])
        for fact in facts
        if fact.standing
    }
