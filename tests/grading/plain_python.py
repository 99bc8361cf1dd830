"""What the facts mean, written down a second time: plain Python, one customer after the other, no engine, no cleverness.

Nothing here is shared with the product but the list of facts: where both agree, the definition is understood.
Days are numbers since 1970-01-01, money is whole fen.
"""

from __future__ import annotations

import itertools
import math
import random
import re
import statistics
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa

from regulars.playbooks.playbook import Playbook, fits

EPOCH = date(1970, 1, 1)
WINDOW = re.compile(r"^(.+)_in_(\d+)_(days|months)$")


@dataclass(frozen=True)
class Receipt:
    customer: int
    day: int
    amount: int
    store: int = 0
    attended: bool = False


@dataclass
class History:
    """Receipts of a few customers, what people know of them, and how far the data of each store reach."""

    receipts: list[Receipt]
    known: dict[int, dict[str, Any]] = field(default_factory=dict)
    coverage: dict[int, int] = field(default_factory=dict)

    @property
    def customers(self) -> list[int]:
        return sorted({r.customer for r in self.receipts} | set(self.known))

    def table(self) -> pa.Table:
        """As the books take it."""
        kinds = {
            "customer": pa.int64(),
            "day": pa.int32(),
            "amount": pa.int64(),
            "attended": pa.int8(),
            "store": pa.int32(),
        }
        return pa.table(
            {
                name: pa.array([int(getattr(r, name)) for r in self.receipts], kind)
                for name, kind in kinds.items()
            }
        )

    def covered(self) -> pa.Table:
        return pa.table(
            {
                "store": pa.array(list(self.coverage), pa.int32()),
                "known_until": pa.array(list(self.coverage.values()), pa.int32()),
            }
        )

    def frame(self) -> pd.DataFrame:
        """As an analyst has it."""
        return pd.DataFrame(
            {
                "customer_id": [f"M{r.customer}" for r in self.receipts],
                "ts": [
                    pd.Timestamp(EPOCH + timedelta(days=r.day)) + pd.Timedelta(hours=12)
                    for r in self.receipts
                ],
                "amount": [r.amount / 100 for r in self.receipts],
                "store": [f"store {r.store}" for r in self.receipts],
            }
        )


def days_of_window(n: str, unit: str) -> int:
    if unit == "days":
        return int(n)
    years, months = divmod(int(n), 12)
    return years * 365 + months * 30


def half_up(number: float) -> int:
    return int(math.copysign(math.floor(abs(number) + 0.5), number))


class Base:
    """Everybody's facts as of a day."""

    def __init__(self, history: History, on: int) -> None:
        self.on = on
        self.history = history
        self.days: dict[int, dict[int, list[Receipt]]] = defaultdict(lambda: defaultdict(list))
        for receipt in history.receipts:
            if receipt.day <= on:
                self.days[receipt.customer][receipt.day].append(receipt)
        self._found: dict[tuple[int, str], Any] = {}

    def row(self, customer: int, keys: list[str]) -> dict[str, Any]:
        return {key: self.fact(customer, key) for key in keys}

    def fact(self, customer: int, key: str) -> Any:
        if (customer, key) not in self._found:
            self._found[(customer, key)] = self._fact(customer, key)
        return self._found[(customer, key)]

    def spend_by_day(self, customer: int) -> dict[int, int]:
        return {day: sum(r.amount for r in rs) for day, rs in self.days[customer].items()}

    def days_visited(self, customer: int) -> list[int]:
        spend = self.spend_by_day(customer)
        return sorted(
            day for day, rs in self.days[customer].items() if spend[day] > 0 or any(r.attended for r in rs)
        )

    def _fact(self, customer: int, key: str) -> Any:
        plain = getattr(self, f"_{key}", None)
        if plain is not None:
            return plain(customer)
        if match := WINDOW.match(key):
            stem, days = match[1], days_of_window(match[2], match[3])
            if stem == "visits":
                return sum(1 for d in self.days_visited(customer) if d > self.on - days)
            if stem == "spend":
                return sum(s for d, s in self.spend_by_day(customer).items() if d > self.on - days)
            if stem == "active_months":
                return sum(
                    any(self.on - 30 * (k + 1) < d <= self.on - 30 * k for d in self.days_visited(customer))
                    for k in range(int(match[2]))
                )
            for what in ("spend", "visits", "referred_spend"):
                metric = f"{what}_in_{match[2]}_{match[3]}"
                if stem == f"{what}_place":
                    return self._place(customer, metric)
                if stem == f"{what}_before":
                    return self._before(customer, metric)
                if stem == f"{what}_above_median":
                    return self.fact(customer, metric) - self._median(metric)
        return self.history.known.get(customer, {}).get(key)

    def _visits(self, customer: int) -> int:
        return len(self.days_visited(customer))

    def _spend(self, customer: int) -> int:
        return sum(self.spend_by_day(customer).values())

    def _first_visit_on(self, customer: int) -> int | None:
        return min(self.days_visited(customer), default=None)

    def _last_visit_on(self, customer: int) -> int | None:
        return max(self.days_visited(customer), default=None)

    def _last_spend(self, customer: int) -> int | None:
        last = self._last_visit_on(customer)
        return None if last is None else self.spend_by_day(customer)[last]

    def _largest_spend(self, customer: int) -> int | None:
        return max((self.spend_by_day(customer)[d] for d in self.days_visited(customer)), default=None)

    def _days_since_visit(self, customer: int) -> int | None:
        last = self._last_visit_on(customer)
        if last is None:
            return None
        store = max(r.store for r in self.days[customer][max(self.days[customer])])
        return max(min(self.on, self.history.coverage.get(store, self.on)) - last, 0)

    def _days_since_first_visit(self, customer: int) -> int | None:
        first = self._first_visit_on(customer)
        return None if first is None else self.on - first

    def _weeks_in_a_row(self, customer: int) -> int:
        mondays = {d - (EPOCH + timedelta(days=d)).weekday() for d in self.days_visited(customer)}
        week = self.on - (EPOCH + timedelta(days=self.on)).weekday()
        if week not in mondays:
            week -= 7
        n = 0
        while week - 7 * n in mondays:
            n += 1
        return n

    def _average_spend(self, customer: int) -> int | None:
        visits = self.days_visited(customer)
        return half_up(sum(self.spend_by_day(customer).values()) / len(visits)) if visits else None

    def _months(self, customer: int) -> float:
        since = self._days_since_first_visit(customer)
        return 3.0 if since is None else min(max(since / 30, 1.0), 3.0)

    def _average_monthly_spend(self, customer: int) -> int:
        return half_up(self.fact(customer, "spend_in_90_days") / self._months(customer))

    def _average_monthly_visits(self, customer: int) -> float:
        return float(self.fact(customer, "visits_in_90_days") / self._months(customer))

    def _usual_gap_days(self, customer: int) -> float | None:
        visits = self.days_visited(customer)
        if len(visits) < 3:
            return None
        return float(statistics.median(b - a for a, b in itertools.pairwise(visits)))

    def _times_usual_gap(self, customer: int) -> float | None:
        gap = self._usual_gap_days(customer)
        return None if gap is None else float(self._days_since_visit(customer) / gap)  # type: ignore[operator]

    def _days_to_expected_deal(self, customer: int) -> int | None:
        day = self.fact(customer, "expected_deal_on")
        return None if day is None else day - self.on

    def _effort_known(self, customer: int) -> bool:
        return self.fact(customer, "revenue_per_minute_place") is not None

    def _interactions(self, customer: int) -> float | None:
        three = ("contacts_answered", "bookings_in_24_months", "feedbacks_in_24_months")
        known = [n for n in (self.fact(customer, key) for key in three) if n is not None]
        return sum(known) if known else None

    # against the whole base

    def _everybody(self, metric: str) -> list[Any]:
        return [self.fact(c, metric) for c in self.history.customers]

    def _place(self, customer: int, metric: str, lower: bool = False) -> float | None:
        mine = self.fact(customer, metric)
        if mine is None or (not lower and mine <= 0):
            return None
        others = [v for v in self._everybody(metric) if v is not None and (lower or v > 0)]
        return sum((v < mine) if lower else (v > mine) for v in others) / len(others)

    def _before(self, customer: int, metric: str) -> float | None:
        mine = self.fact(customer, metric)
        if mine is None or mine <= 0:
            return None
        others = [v for v in self._everybody(metric) if v is not None and v > 0]
        return sum(v for v in others if v > mine) / sum(others)

    def _median(self, metric: str) -> float:
        others = [v for v in self._everybody(metric) if v is not None and v > 0]
        return statistics.median(others) if others else math.nan

    def _score(self, place: float | None, otherwise: int | None) -> int | None:
        return otherwise if place is None else 5 - math.floor(place * 5)

    def _recency_place(self, customer: int) -> float | None:
        return self._place(customer, "days_since_visit", lower=True)

    def _recency_score(self, customer: int) -> int | None:
        return self._score(self._recency_place(customer), None)

    def _frequency_score(self, customer: int) -> int | None:
        return self._score(self._place(customer, "visits_in_12_months"), 1)

    def _spend_score(self, customer: int) -> int | None:
        return self._score(self._place(customer, "spend_in_12_months"), 1)

    def _spend_place(self, customer: int) -> float | None:
        return self._place(customer, "spend")

    def _visits_place(self, customer: int) -> float | None:
        return self._place(customer, "visits")


# --- random lives -----------------------------------------------------------------------------------------------------

KNOWN: dict[str, list[Any]] = {
    "occupation": ["student", "owner", "executive", "supervisor"], "firm_size": ["small", "large"],
    "lives_nearby": [True, False], "works_nearby": [True, False], "steady_income": [True, False],
    "speaks_well": [True], "good_connections": [True], "brings_groups": [True, False], "recurring_need": [True, False],
    "annual_contract": [True, False], "b2b_class": ["key", "honoured", "model", "free-spirited"],
    "buyer": ["personal", "commercial", "construction"], "refuses_contact": [True, False], "promoter": [True],
    "suggestions_in_30_days": [1.0, 5.0, 10.0], "referred_customers_in_30_days": [8.0, 20.0, 50.0],
    "referred_customers": [1.0, 3.0], "referred_customers_in_12_months": [1.0, 3.0],
    "referred_spend_in_12_months": [100_000.0, 2_000_000.0], "contacts_answered": [1.0, 3.0],
    "bookings_in_24_months": [1.0, 2.0], "feedbacks_in_24_months": [1.0],
    "revenue_per_minute_place": [0.1, 0.85], "sex": ["female", "male"],
}  # fmt: skip


def lives(seed: int, on: int, customers: int = 8, later: int = 0) -> History:
    """A few customers with rhythms, bursts, refunds, double receipts, attendances; some known without any sale.

    `later`: how many days after `on` sales go on.
    """
    luck = random.Random(seed)
    receipts: list[Receipt] = []
    known: dict[int, dict[str, Any]] = {}
    for customer in range(customers):
        if luck.random() < 0.6:
            picked = luck.sample(sorted(KNOWN), luck.randint(0, 6))
            known[customer] = {key: luck.choice(KNOWN[key]) for key in picked}
            if luck.random() < 0.3:
                known[customer]["expected_deal_on"] = on + luck.choice([-5, 10, 30, 31, 60, 90, 200])
        if customer in known and luck.random() < 0.25:
            continue
        scale = luck.choice([3_000, 20_000, 100_000, 600_000, 60_000_000])
        gap = luck.choice([1, 2, 7, 14, 30, 90])
        day = on - luck.choice([0, 1, 20, 29, 30, 89, 90, 200, 364, 365, 366, 500])
        for _ in range(luck.randint(1, 40)):
            if day > on + later:
                break
            amount = luck.choice([luck.randint(1, scale), scale, 0])
            receipts.append(Receipt(customer, day, amount, luck.randint(0, 1), luck.random() < 0.05))
            if luck.random() < 0.1:
                receipts.append(Receipt(customer, day, -luck.randint(0, amount), luck.randint(0, 1)))
            if luck.random() < 0.1:
                receipts.append(
                    Receipt(customer, max(day - 3, 0), -luck.randint(0, scale), luck.randint(0, 1))
                )
            day += luck.choice([0, gap, gap, gap + luck.randint(0, 3)])
    coverage = {store: max((r.day for r in receipts if r.store == store), default=on) for store in (0, 1)}
    return History(receipts, known, coverage)


def same(one: Any, other: Any) -> bool:
    """Equal, unknown being unknown in any guise and a float as good as its neighbour."""
    if one is None or other is None or one is pd.NA or other is pd.NA:
        return _unknown(one) and _unknown(other)
    if isinstance(one, float) or isinstance(other, float):
        if _unknown(one) or _unknown(other):
            return _unknown(one) and _unknown(other)
        return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-12)
    return bool(one == other)


def _unknown(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def grades_of(playbook: Playbook, facts: Mapping[str, Any]) -> dict[str, str]:
    """What the playbook's own evaluation makes of plain facts, on each scale, of somebody never graded before."""
    return {scale.key: fits(facts, scale).grade for scale in playbook.scales}
