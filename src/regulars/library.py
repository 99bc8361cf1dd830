"""Grades and care from a table of sales, with the lines of the shop's own run and no shop around them.

1. `Sales.read`: any table → customer numbers, days, whole fen, stores; refunds on the day of their receipt.
2. `draw`: books in a temporary folder → portraits of everybody, as the nightly run draws them.
3. `grade`, `plan_care`: the playbook on these portraits, answered as the contract's tables.

Knows no Django. People import `regulars`, not this module.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from regulars.care.rules.due import due
from regulars.care.rules.plan import plan
from regulars.care.rules.terms import Day
from regulars.facts import catalogue
from regulars.grading.drawing import (
    ARROW_TYPES,
    Plan,
    days_sql,
    fits_of,
    portraits,
    refresh_measures,
)
from regulars.grading.drops import drop_days
from regulars.grading.rules.transition import NEW, NONE, Held, move
from regulars.playbooks.catalogue import Fact
from regulars.playbooks.playbook import Playbook, Scale, load
from regulars.playbooks.portrait import Curve
from regulars.sales.reading import open_file
from regulars.sales.rules.dates import instants
from regulars.sales.rules.money import fens
from regulars.shop.books import Books
from regulars.shop.calendar import Birthday, NoSuchDay
from regulars.shop.engine import day_of, number_of
from regulars.shop.words import Refused, Words

NEEDED = ("customer_id", "ts")
WHO = {"name": "name", "sex": "sex", "birthday": "birthday", "anniversary": "anniversary"}
"""Columns of `facts` that care reads and no grade does."""

STALE_AFTER = 1.0
PATIENCE_DAYS = 3
"""As the shop's own day: see `care.actions`."""


def playbook(source: str | Path | Playbook) -> Playbook:
    return source if isinstance(source, Playbook) else load(source)


# --- 1  any table → sales ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sales:
    """Sales as the books take them. Customers are numbered by their place in `customers`."""

    customers: pd.Index[Any]
    table: pa.Table
    stores: list[str]
    coverage: pa.Table
    last_day: date

    @classmethod
    def read(cls, source: Any, zone: str) -> Sales:
        """From a path, a DataFrame or an Arrow table. Raises Refused with the column or the row that can't serve."""
        frame = frame_of(source, "sales")
        absent = [name for name in NEEDED if name not in frame]
        if absent:
            raise Refused(
                Words(
                    "销售表要有 customer_id、ts、amount 三列，缺 {absent}；现有 {have}",
                    "Sales need the columns customer_id, ts and amount; {absent} is missing among {have}",
                ).fill(absent=", ".join(absent), have=", ".join(map(str, frame.columns)))
            )
        if frame.empty:
            raise Refused(Words("销售表里没有数据行", "The table of sales has no rows"))
        codes, customers = pd.factorize(frame["customer_id"])
        own = days_in(frame["ts"], zone)
        amount, attended = amounts_in(frame)
        day = on_the_receipts_day(codes, frame["order_id"], own, amount) if "order_id" in frame else own
        store, stores = stores_in(frame)
        until = pd.Series(own).groupby(store).max()
        coverage = pa.table({
            "store": pa.array(until.index.to_numpy(), pa.int32()),
            "known_until": pa.array(until.to_numpy(), pa.int32()),
        })  # fmt: skip
        table = pa.table({
            "customer": pa.array(codes, pa.int64()), "day": pa.array(day, pa.int32()),
            "amount": pa.array(amount, pa.int64()), "attended": pa.array(attended, pa.int8()),
            "store": pa.array(store, pa.int32()),
        })  # fmt: skip
        named = table.filter(pc.greater_equal(table["customer"], 0))
        return cls(pd.Index(customers), named, stores, coverage, day_of(int(own.max())))

    @property
    def known_until(self) -> date | dict[str, date]:
        """The last day of the data: of each store, or of all where no store is named."""
        days = self.coverage.to_pylist()
        if self.stores == [""]:
            return day_of(days[0]["known_until"])
        return {self.stores[d["store"]]: day_of(d["known_until"]) for d in days if self.stores[d["store"]]}


def frame_of(source: Any, what: str) -> pd.DataFrame:
    """A path, a DataFrame or an Arrow table as a DataFrame; cells of files that are not Parquet stay text."""
    if isinstance(source, pd.DataFrame):
        return source.reset_index(drop=True)
    if isinstance(source, pa.Table | pa.RecordBatch):
        return source.to_pandas()
    if not isinstance(source, str | Path):
        raise TypeError(f"{what}: a path, a pandas DataFrame or an Arrow table, not {type(source).__name__}")
    path = Path(source)
    if path.is_file():
        with path.open("rb") as stream:
            is_parquet = stream.read(4) == b"PAR1"
        if is_parquet:
            return pd.read_parquet(path)
    sheets = open_file(
        path, also_headers=[*NEEDED, "amount", "order_id", "store", *WHO, *(f.key for f in catalogue)]
    )
    chosen = next((s for s in sheets if "customer_id" in s.table.column_names), sheets[0])
    return chosen.table.to_pandas()


def days_in(column: pd.Series[Any], zone: str) -> np.ndarray:
    """Days since 1970 by the shop's clock."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        at = column
    elif pd.api.types.is_numeric_dtype(column.dtype):  # unix seconds, or 20260820
        at = _from_text(column.astype("Int64").astype("string"), zone)
    elif pd.api.types.infer_dtype(column, skipna=True) in ("string", "empty"):
        at = _from_text(column, zone)
    else:
        at = pd.to_datetime(column, errors="coerce")
    if getattr(at.dtype, "tz", None) is not None:
        at = at.dt.tz_convert(zone).dt.tz_localize(None)
    _refuse_where(at.isna(), column, "ts", Words("看不懂的时间", "no time that can be read"))
    days: np.ndarray = at.to_numpy().astype("datetime64[D]").astype("int64").astype("int32")
    return days


def _from_text(column: pd.Series[Any], zone: str) -> pd.Series[Any]:
    return pd.Series(instants(pa.array(column, pa.string()), zone=zone).at.to_pandas(), index=column.index)


def amounts_in(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Whole fen of each row, and whether it is an attendance; without a column of amounts every row is one."""
    if "amount" not in frame:
        return np.zeros(len(frame), "int64"), np.ones(len(frame), "int8")
    column = frame["amount"]
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = column.astype("float64").to_numpy()
        _refuse_where(~np.isfinite(numbers), column, "amount", Words("不是金额", "no amount"))
        # A thousandth of a fen of binary noise is taken off before rounding half up, away from zero.
        whole = np.sign(numbers) * np.floor(np.round(np.abs(numbers) * 100, 3) + 0.5)
        return whole.astype("int64"), np.zeros(len(frame), "int8")
    read = fens(pa.array(column.astype("string"), pa.string()))
    _refuse_where(np.asarray(read.is_null()), column, "amount", Words("不是金额", "no amount"))
    return read.to_numpy(zero_copy_only=False).astype("int64"), np.zeros(len(frame), "int8")


def _refuse_where(wrong: Any, column: pd.Series[Any], name: str, why: Words) -> None:
    found = np.flatnonzero(wrong)
    if len(found):
        raise Refused(
            Words(
                "{name} 第 {row} 行：{value} {why}（共 {n} 行）",
                "{name}, row {row}: {value} is {why} ({n} rows)",
            ).fill(name=name, row=int(found[0]) + 1, value=repr(column.iloc[found[0]]), why=why, n=len(found))
        )


def on_the_receipts_day(
    codes: np.ndarray, orders: pd.Series[Any], day: np.ndarray, amount: np.ndarray
) -> np.ndarray:
    """A refund under the order number of a sale to the same customer counts on the day of that sale."""
    back = amount < 0
    if not back.any():
        return day
    keys = pd.MultiIndex.from_arrays([codes, orders])
    first = pd.Series(day[~back], index=keys[~back]).groupby(level=[0, 1]).min()
    found = first.reindex(keys[back]).to_numpy()
    moved = day.copy()
    moved[back] = np.where(np.isnan(found), day[back], np.nan_to_num(found)).astype("int32")
    return moved


def stores_in(frame: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """The number of each row's store, and the stores by number; the unnamed one is called nothing."""
    if "store" not in frame:
        return np.zeros(len(frame), "int32"), [""]
    codes, names = pd.factorize(frame["store"].astype("string").fillna(""))
    return codes.astype("int32"), [str(name) for name in names]


# --- 2  what people know, and portraits of everybody -------------------------------------------------------------------


def day_asked(on: str | date | None, last: date) -> date:
    if on is None:
        return last
    if isinstance(on, datetime):
        return on.date()
    if isinstance(on, date):
        return on
    try:
        return date.fromisoformat(on)
    except ValueError:
        raise Refused(
            Words("「{d}」不是日期，写成 2026-11-22", "{d} is not a date; write 2026-11-22").fill(d=on)
        ) from None


@dataclass(frozen=True)
class Known:
    """What people know: all customers (first those with sales), and the columns of `facts` in that order."""

    customers: pd.Index[Any]
    columns: pd.DataFrame

    @classmethod
    def read(cls, facts: Any, sales: Sales) -> Known:
        """From a table with `customer_id` and facts. Raises Refused for a column that is no fact of the file."""
        if facts is None:
            return cls(sales.customers, pd.DataFrame(index=range(len(sales.customers))))
        frame = frame_of(facts, "facts")
        if "customer_id" not in frame:
            raise Refused(Words("facts 要有 customer_id 一列", "facts need the column customer_id"))
        for name in frame.columns:
            fact = catalogue.find(str(name))
            if name not in ("customer_id", *WHO) and not (fact and fact.is_file_fact):
                raise Refused(_no_such_fact(str(name), fact))
        if frame["customer_id"].duplicated().any():
            raise Refused(Words("facts 里有顾客出现了两次", "A customer stands twice in facts"))
        ids = frame["customer_id"]
        at = sales.customers.get_indexer(pd.Index(ids))
        if (at < 0).all() and len(at):  # 1 here and "1" there are one customer
            at = pd.Index(sales.customers.astype(str)).get_indexer(pd.Index(ids.astype(str)))
        new = np.flatnonzero(at < 0)
        customers = sales.customers.append(pd.Index(ids.iloc[new])) if len(new) else sales.customers
        at[new] = np.arange(len(sales.customers), len(customers))
        columns = frame.drop(columns="customer_id").set_axis(at).reindex(range(len(customers)))
        return cls(customers, columns)

    def table(self, plan_: Plan, on: date) -> pa.Table:
        """Everybody with the file facts that are drawn, as the engine takes them."""
        found: dict[str, Any] = {"customer": pa.array(np.arange(len(self.customers)), pa.int64())}
        for fact in plan_.file_facts:
            if fact.key in self.columns:
                values = [_engine_value(fact, value) for value in self.columns[fact.key]]
            else:
                values = [None] * len(self.customers)
            found[fact.key] = pa.array(values, ARROW_TYPES[fact.type])
        return pa.table(found)

    def texts(self, name: str) -> pa.Array:
        """A column about who she is; unknown where nobody said it."""
        if name not in self.columns:
            return pa.nulls(len(self.customers), pa.string())
        return pa.array(
            [None if pd.isna(v) or str(v).strip() == "" else str(v).strip() for v in self.columns[name]],
            pa.string(),
        )

    def birthdays(self, name: str) -> pa.Array:
        """Days of a year in the compact form; a day that can't be read is unknown."""
        return pa.array([_birthday(text) for text in self.texts(name).to_pylist()], pa.string())


def _no_such_fact(name: str, fact: Fact | None) -> Words:
    if fact is not None:
        return Words("{n} 由销售算出来，不用给", "{n} is drawn from the sales, not given").fill(n=name)
    near = catalogue.near(name)
    return (
        Words("没有叫 {n} 的事实，是不是 {m}？", "No fact is called {n}; did you mean {m}?").fill(
            n=name, m=near[0]
        )
        if near
        else Words("没有叫 {n} 的事实", "No fact is called {n}").fill(n=name)
    )


YES, NO = (
    frozenset({"true", "yes", "1", "1.0", "是", "y", "t"}),
    frozenset({"false", "no", "0", "0.0", "否", "n", "f"}),
)


def _engine_value(fact: Fact, value: Any) -> Any:
    """A given fact as the engine holds it: whole days, fen, yes or no; what says nothing is unknown."""
    if pd.isna(value) or (isinstance(value, str) and not value.strip()):
        return None
    wrong = Words("{k}：{v} 看不懂", "{k}: {v} can't be read").fill(k=fact.key, v=repr(value))
    if fact.type == "text":
        return str(value).strip()
    if fact.type == "yes-no":
        text = str(value).strip().lower()
        if text not in YES | NO:
            raise Refused(wrong)
        return text in YES
    try:
        if fact.type == "date":
            return number_of(pd.Timestamp(value).date())
        return float(value) * (100 if fact.unit == "yuan" else 1)
    except (TypeError, ValueError):
        raise Refused(wrong) from None


def _birthday(text: str | None) -> str | None:
    if text is None:
        return None
    if text[:5] not in ("solar", "lunar"):
        text = f"solar {text[:10]}" if len(text) > 5 else f"solar --{text}"
    try:
        return Birthday.parse(text).format()
    except NoSuchDay:
        return None


@dataclass(frozen=True)
class Drawn:
    """Portraits of everybody as of a day, and what they were drawn from."""

    on: date
    plan: Plan
    books: Books
    sales: Sales
    known: Known
    tables: list[pa.Table]
    curves: Mapping[str, Curve]


@contextmanager
def draw(sales: Any, chosen: Playbook, on: str | date | None, facts: Any, zone: str) -> Iterator[Drawn]:
    """Portraits in a temporary folder that is gone afterwards. Whoever first bought after `on` is not known yet."""
    history = Sales.read(sales, zone)
    known = Known.read(facts, history)
    when = day_asked(on, history.last_day)
    plan_ = Plan.of([chosen])
    people = known.table(plan_, when)
    people = people.filter(pa.array(_there(history, known, number_of(when))))
    with tempfile.TemporaryDirectory(prefix="regulars-", ignore_cleanup_errors=True) as folder:
        books = Books(Path(folder))
        try:
            books.write_days([history.table], days_sql())
            refresh_measures(books, plan_, number_of(when), full=True)
            tables, curves = portraits(books, plan_, number_of(when), people, coverage=history.coverage)
            yield Drawn(when, plan_, books, history, known, tables, curves)
        finally:
            books.connection.close()


def _there(sales: Sales, known: Known, day: int) -> np.ndarray:
    """Who is known on the day: had a sale by then, or stands in `facts` without any sale."""
    there = np.ones(len(known.customers), dtype=bool)
    there[: len(sales.customers)] = False
    by_then = pc.less_equal(sales.table["day"], day)
    there[pc.unique(sales.table.filter(by_then)["customer"]).to_numpy()] = True
    return there


# --- 3  the contract's tables ---------------------------------------------------------------------------------------------


def grade(sales: Any, source: Any, on: str | date | None, facts: Any, *, zone: str) -> pd.DataFrame:
    """See `regulars.grade`."""
    chosen = playbook(source)
    keys = sorted(chosen.facts())
    with draw(sales, chosen, on, facts, zone) as drawn:
        pieces = []
        for scale in chosen.scales:
            for table in drawn.tables:
                held = first_grades(drawn, table, scale)
                piece: dict[str, Any] = {
                    "customer": table["customer"],
                    "scale": pa.array([scale.key] * table.num_rows, pa.string()),
                    "grade": pa.array(names_of(scale, held), pa.string()),
                }
                pieces.append(pa.table({**piece, **{key: as_spoken(table, key, drawn) for key in keys}}))
    frame = pa.concat_tables(pieces).to_pandas(types_mapper=_NULLABLE.get)
    frame["customer"] = drawn.known.customers.take(frame["customer"].to_numpy("int64")).to_numpy()
    return frame


_NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int32Dtype(), pa.bool_(): pd.BooleanDtype()}


def first_grades(drawn: Drawn, table: pa.Table, scale: Scale) -> Held:
    """The grades of people who were never graded before."""
    index, watched, _ = fits_of(drawn.books, table, scale)
    nobody = Held.nothing(len(index))
    grace = [g.grace_days for g in scale.grades]
    return move(nobody, index, watched, np.zeros(len(index), bool), grace, number_of(drawn.on))


def names_of(scale: Scale, held: Held) -> np.ndarray:
    names = np.array([*(g.key for g in scale.grades), "none", "new"], dtype=object)
    n = len(scale.grades)
    found: np.ndarray = names[np.where(held.grade == NEW, n + 1, np.where(held.grade == NONE, n, held.grade))]
    return found


def as_spoken(table: pa.Table, key: str, drawn: Drawn) -> Any:
    """A fact as people read it: yuan, dates, the name of a store."""
    fact, column = catalogue.get(key), table[key]
    if key == "last_store":
        return pa.array(
            [None if k is None else drawn.sales.stores[k] for k in column.to_pylist()], pa.string()
        )
    if fact.unit == "yuan":
        return pc.divide(column.cast(pa.float64(), safe=False), 100.0)
    if fact.type == "date":
        return column.cast(pa.int32(), safe=False).cast(pa.date32()).cast(pa.timestamp("s"))
    return column


COLUMNS = (
    "task",
    "customer",
    "staff",
    "rule",
    "why",
    "do",
    "channel",
    "say",
    "minutes",
    "cost",
    "due",
    "rank",
)


def plan_care(
    sales: Any, source: Any, on: str | date | None, facts: Any, *, zone: str, shop: str, lang: str
) -> pd.DataFrame:
    """See `regulars.plan_care`."""
    chosen = playbook(source)
    with draw(sales, chosen, on, facts, zone) as drawn:
        graded = pa.concat_tables([_with_grades(drawn, chosen, k) for k in range(len(drawn.tables))])
        graded = _with_people(graded, drawn)
    gaps = graded["usual_gap_days"].drop_null()
    day = Day(
        on=drawn.on, known_until=drawn.sales.known_until,
        typical_gap_days=pc.quantile(gaps, 0.5)[0].as_py() if len(gaps) else None,
        stale_after=STALE_AFTER, patience_days=PATIENCE_DAYS,
        scales={s.key: s.names for s in chosen.scales},
    )  # fmt: skip
    made = plan(due(graded, chosen.care, day, None, chosen.key), [], shop=shop)
    rows = [
        (
            n, drawn.known.customers[int(card.candidate.customer)], None, card.candidate.rule.key,
            card.candidate.why.say(lang), card.do.say(lang), card.candidate.rule.channel, card.say.say(lang),
            card.minutes, card.cost / 100, pd.Timestamp(card.candidate.due_on), n,
        )
        for n, card in enumerate(made.left_over, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _with_grades(drawn: Drawn, chosen: Playbook, part: int) -> pa.Table:
    """The columns that care reads of grades; since when and what before can't be known from one file."""
    table = drawn.tables[part]
    horizon = max((r.within_days or 0 for r in chosen.care if r.when == "grade_at_risk"), default=0)
    for scale in chosen.scales:
        held = first_grades(drawn, drawn.tables[part], scale)
        drops: Mapping[int, int] = {}
        if horizon:
            drops = drop_days(
                drawn.books, drawn.plan, drawn.tables[part : part + 1], drawn.curves, chosen, scale, [held],
                number_of(drawn.on), horizon,
            )  # fmt: skip
        ids = table["customer"].to_pylist()
        for name, column in {
            "grade": pa.array(names_of(scale, held), pa.string()),
            "since": pa.nulls(len(ids), pa.date32()),
            "was": pa.nulls(len(ids), pa.string()),
            "drops_on": pa.array([drops.get(c) for c in ids], pa.int32()).cast(pa.date32()),
        }.items():
            table = table.append_column(f"{name}:{scale.key}", column)
    return table


def _with_people(graded: pa.Table, drawn: Drawn) -> pa.Table:
    at = graded["customer"].combine_chunks()
    known, stores = drawn.known, pa.array([name or None for name in drawn.sales.stores], pa.string())
    columns = {
        "name": known.texts("name").take(at),
        "sex": known.texts("sex").take(at),
        "birthday": known.birthdays("birthday").take(at),
        "anniversary": known.birthdays("anniversary").take(at),
        "store": stores.take(graded["last_store"].combine_chunks().cast(pa.int64(), safe=False)),
    }
    for name in ("first_visit_on", "last_visit_on"):
        columns[name] = graded[name].cast(pa.int32(), safe=False).cast(pa.date32())
    for name, column in columns.items():
        if name in graded.column_names:
            graded = graded.set_column(graded.column_names.index(name), name, column)
        else:
            graded = graded.append_column(name, column)
    return graded
