"""Large bases for measuring: a million customers and their sales within a minute, on one core.

Everybody buys at an own steady rate until dropping out at some unknown moment (Pareto/NBD: Schmittlein,
Morrison and Colombo 1987): rates are gamma-distributed, the time until dropping out is exponential with a
gamma-distributed rate. Given how often somebody bought, the moments of a steady rate are spread evenly over
the active time, so no purchase has to wait for the one before it.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from regulars.examples.people import phone_number

DAY = 86_400
OPENS, CLOSES = 10 * 3600, 22 * 3600
STORES = 40


def volume(
    customers: int, sales: int, *, on: date, years: float = 3.0, seed: int = 2026, stores: int = STORES
) -> pa.Table:
    """`sales` sales of `customers` customers in the order of time, the last on the day before `on`.

    Columns: customer_id int64, ts timestamp('s') local wall time, amount double (yuan), store dictionary of
    text, order_id int64. Every customer has a sale, so there can't be fewer sales than customers.

    >>> table = volume(100, 1000, on=date(2026, 11, 22))
    >>> table.num_rows, len(set(table["customer_id"].to_pylist()))
    (1000, 100)
    """
    if sales < customers:
        raise ValueError(f"{customers} customers need at least as many sales, not {sales}")
    rng = np.random.default_rng([seed, customers, sales])
    days = round(years * 365)
    who, day = _purchases(customers, sales, float(days), rng)
    start = np.datetime64(on - timedelta(days=days), "s").astype(np.int64)
    second = day.astype(np.int64) * DAY + (rng.integers(OPENS, CLOSES, sales, dtype=np.int64) + start)
    del day
    order = np.argsort(second, kind="stable")
    second, who = second[order], who[order]
    del order
    mean = np.exp(rng.normal(np.log(58.0), 0.6, customers)).astype(np.float32)
    amount = mean[who] * np.exp(rng.standard_normal(sales, dtype=np.float32) * 0.35)
    home = rng.integers(0, stores, customers, dtype=np.int16)
    away = rng.random(sales, dtype=np.float32) < 0.06
    store = np.where(away, rng.integers(0, stores, sales, dtype=np.int16), home[who])
    names = pa.array([f"{index + 1:02d} 店" for index in range(stores)])
    return pa.table(
        {
            "customer_id": pa.array(who.astype(np.int64) + 1),
            "ts": pa.array(second).cast(pa.timestamp("s")),
            "amount": pa.array(np.round(amount.astype(np.float64), 2)),
            "store": pa.DictionaryArray.from_arrays(pa.array(store), names),
            "order_id": pa.array(np.arange(1, sales + 1)),
        }
    )


def _purchases(customers: int, sales: int, days: float, rng: np.random.Generator) -> tuple[Any, Any]:
    """(customer, day) of every purchase, customers in order."""
    joined = (rng.random(customers) ** 1.2 * days).astype(np.float32)
    known = rng.random(customers) < 0.35  # customers already when the history begins
    joined[known] = (rng.random(int(known.sum())) * min(45.0, days / 4)).astype(np.float32)
    dropping = rng.gamma(0.9, 1 / 500, customers) + 1e-6
    active = np.minimum(rng.exponential(1.0, customers) / dropping, days - joined).astype(np.float32)
    rate = rng.gamma(0.8, 1.0, customers)
    expected = rate * active + 1e-9
    # The first purchase is the day of joining; the others fall to customers by rate and time.
    counts = rng.multinomial(sales - customers, expected / expected.sum())
    again = np.repeat(np.arange(customers, dtype=np.int32), counts)
    when = joined[again] + rng.random(len(again), dtype=np.float32) * active[again]
    who = np.concatenate([np.arange(customers, dtype=np.int32), again])
    day = np.concatenate([joined, when])
    return who, np.minimum(day, days - 1).astype(np.int16)


def write_volume_csv(
    path: Path, customers: int, sales: int, *, on: date, seed: int = 2026, encoding: str = "utf-8"
) -> Path:
    """The same sales as a till's export of seven columns, from receipt number to guests."""
    table = volume(customers, sales, on=on, seed=seed)
    rng = np.random.default_rng([seed, sales])
    who = table["customer_id"].to_numpy()
    everyone = np.arange(1, customers + 1)
    cards = pa.array([f"88{number:08d}" for number in everyone.tolist()])
    phones = pa.array([phone_number(number % 6_000_000) for number in everyone.tolist()])
    export = pa.table(
        {
            "订单号": pc.binary_join_element_wise("DD", table["order_id"].cast(pa.string()), ""),
            "结账时间": pc.strftime(table["ts"], format="%Y-%m-%d %H:%M:%S"),
            "会员卡号": cards.take(pa.array(who - 1)),
            "手机号": phones.take(pa.array(who - 1)),
            "门店": table["store"].cast(pa.string()),
            "实收金额": table["amount"],
            "就餐人数": pa.array(rng.integers(1, 9, sales)),
        }
    )
    csv.write_csv(export, path, csv.WriteOptions(quoting_style="none"))
    if encoding.lower().replace("-", "") != "utf8":
        path.write_bytes(path.read_bytes().decode("utf-8").encode(encoding))
    return path
