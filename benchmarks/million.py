"""Portraits and grades of a whole base: ours, the best hand-written one-pass SQL, and pandas, side by side.

    python benchmarks/million.py                     1 million customers, 20 million sales, the restaurant playbook
    python benchmarks/million.py --customers 100000 --sales 2000000 --rounds 3

Each method runs in a process of its own (peak memory is the process's), on the same Parquet, in turns; ratios are of
medians within this run. Checked besides: ours equals the SQL's facts, and the next day by its edges equals a full
recompute, row by row.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

ON = date(2026, 11, 20)
PLAYBOOK = "restaurant"

HAND = """
WITH facts AS (
  SELECT customer,
    COUNT(*) FILTER (visit = 1) AS visits, SUM(spend) AS spend,
    MIN(day) FILTER (visit = 1) AS first_visit_on, MAX(spend) FILTER (visit = 1) AS largest_spend,
    MAX((day::BIGINT << 40) + spend + (1::BIGINT << 39)) FILTER (visit = 1) AS last_mark,
    MAX((day::BIGINT << 20) + store) & ((1 << 20) - 1) AS last_store,
    COALESCE(SUM(visit) FILTER (day > {on} - 30), 0) AS v30, COALESCE(SUM(spend) FILTER (day > {on} - 30), 0) AS s30,
    COALESCE(SUM(visit) FILTER (day > {on} - 90), 0) AS v90, COALESCE(SUM(spend) FILTER (day > {on} - 90), 0) AS s90,
    COALESCE(SUM(visit) FILTER (day > {on} - 365), 0) AS v365, COALESCE(SUM(spend) FILTER (day > {on} - 365), 0) AS s365,
    CASE WHEN SUM(visit) >= 3 THEN MEDIAN(gap) FILTER (visit = 1) END AS usual_gap,
    COALESCE(BIT_OR(1::BIGINT << LEAST(({on} + 3) // 7 - week, 60)) FILTER (visit = 1 AND ({on} + 3) // 7 - week < 60), 0) AS weeks
  FROM read_parquet('{days}') WHERE day <= {on} GROUP BY customer),
dated AS (
  SELECT *, (last_mark >> 40)::INT AS last_visit_on, (last_mark & ((1::BIGINT << 40) - 1)) - (1::BIGINT << 39) AS last_spend FROM facts),
more AS (
  SELECT *, {on} - last_visit_on AS days_since, ({on} - last_visit_on) / usual_gap AS times_usual, {on} - first_visit_on AS known,
    CASE WHEN visits > 0 THEN ROUND(spend / visits) END AS average,
    (CASE WHEN weeks & 1 = 1 THEN weeks ELSE weeks >> 1 END) AS bits FROM dated),
streak AS (SELECT *, CAST(LOG2((~bits) & (bits + 1)) AS INT) AS in_a_row FROM more)
SELECT *, CASE WHEN known < 30 THEN 'new'
  WHEN (s30 >= 500000)::INT + (v30 >= 4)::INT + (in_a_row >= 3)::INT + COALESCE(last_spend >= 300000, FALSE)::INT >= 2 THEN 'a'
  WHEN (s30 >= 200000)::INT + (v30 >= 2)::INT + (in_a_row >= 2)::INT + COALESCE(last_spend >= 200000, FALSE)::INT >= 2 THEN 'b'
  ELSE 'c' END AS grade FROM streak
"""


def number(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()


def prepare(folder: Path, customers: int, sales: int) -> None:
    """The books of a generated base, and 0.2% new sales for the next day."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from regulars import examples
    from regulars.grading.drawing import days_sql
    from regulars.shop.books import Books

    table = examples.volume(customers, sales, on=ON + timedelta(days=1))
    store = pc.cast(
        table["store"].combine_chunks().indices
        if hasattr(table["store"].combine_chunks(), "indices")
        else pa.concat_arrays([c.indices for c in table["store"].chunks]),
        pa.int32(),
    )
    day = pc.cast(pc.cast(table["ts"], pa.date32()), pa.int32())
    amount = pc.cast(pc.round(pc.multiply(table["amount"], 100)), pa.int64())
    shaped = pa.table({
        "customer": table["customer_id"], "day": day, "amount": amount,
        "attended": pa.array(np.zeros(table.num_rows, "int8")), "store": store,
    })  # fmt: skip
    del table
    books = Books(folder / "books", memory="6GB")
    books.write_days((shaped.slice(k, 1_000_000) for k in range(0, shaped.num_rows, 1_000_000)), days_sql())
    rng = np.random.default_rng(5)
    fresh = rng.choice(customers, size=max(1, sales // 500), replace=True) + 1
    np.save(folder / "fresh.npy", fresh)
    np.save(folder / "everybody.npy", np.arange(1, customers + 1))


def everybody(folder: Path, plan: object) -> object:
    """Who there is, as the shop's own list of customers says; nobody has written a fact about anybody yet."""
    import ibis
    import numpy as np
    import pyarrow as pa

    ids = np.load(folder / "everybody.npy")
    schema = ibis.schema(plan.people_schema()).to_pyarrow()
    return pa.table(
        [pa.array(ids) if f.name == "customer" else pa.nulls(len(ids), f.type) for f in schema], schema=schema
    )


def ours(folder: Path) -> dict[str, object]:
    import ibis

    from regulars.grading.drawing import Plan, fits_of_all, portraits, refresh_measures
    from regulars.playbooks.playbook import load
    from regulars.shop.books import Books

    playbook = load(PLAYBOOK)
    plan = Plan.of([playbook])
    people = everybody(folder, plan)
    ibis.to_sql(
        ibis.table({"a": "int64"}, name="t"), dialect="duckdb"
    )  # modules are loaded, as for the others
    start = time.perf_counter()
    books = Books(folder / "books")
    refresh_measures(books, plan, number(ON), full=True)
    measured = time.perf_counter()
    tables, _ = portraits(books, plan, number(ON), people)
    drawn = time.perf_counter()
    grades = list(fits_of_all(books, tables, playbook.scales[0]))
    end = time.perf_counter()
    counts: dict[str, int] = {}
    for index, watched, _ in grades:
        for g in range(3):
            counts["abc"[g]] = counts.get("abc"[g], 0) + int(((index == g) & ~watched).sum())
        counts["new"] = counts.get("new", 0) + int(watched.sum())
    return {
        "seconds": end - start,
        "measures": measured - start,
        "portraits": drawn - measured,
        "grades": end - drawn,
        "counts": counts,
    }


def hand(folder: Path) -> dict[str, object]:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order=false")
    sql = HAND.format(on=number(ON), days=(folder / "books/days/*.parquet").as_posix())
    start = time.perf_counter()
    connection.execute(
        f"COPY ({sql}) TO '{(folder / 'hand.parquet').as_posix()}' (FORMAT parquet, COMPRESSION zstd)"
    )
    end = time.perf_counter()
    counts = dict(
        connection.execute(
            f"SELECT grade, COUNT(*) FROM read_parquet('{(folder / 'hand.parquet').as_posix()}') GROUP BY 1"
        ).fetchall()
    )
    return {"seconds": end - start, "counts": counts}


def with_pandas(folder: Path) -> dict[str, object]:
    import numpy as np
    import pandas as pd

    start = time.perf_counter()
    frame = pd.read_parquet(folder / "books/days")
    on = number(ON)
    frame = frame[frame["day"] <= on]
    visits = frame[frame["visit"] == 1]
    by = visits.groupby("customer", sort=True)
    facts = by.agg(
        visits=("visit", "size"),
        first=("day", "min"),
        last=("day", "max"),
        largest=("spend", "max"),
        usual=("gap", "median"),
    )
    facts["spend"] = frame.groupby("customer")["spend"].sum()
    for window in (30, 90, 365):
        inside = (
            frame[frame["day"] > on - window].groupby("customer").agg(v=("visit", "sum"), s=("spend", "sum"))
        )
        facts[[f"v{window}", f"s{window}"]] = inside.reindex(facts.index, fill_value=0)
    latest = visits.sort_values("day").drop_duplicates("customer", keep="last").set_index("customer")
    facts["last_spend"], facts["store"] = latest["spend"], latest["store"]
    facts["since"] = on - facts["last"]
    facts["times"] = facts["since"] / facts["usual"].where(facts["visits"] >= 3)
    facts["average"] = (facts["spend"] / facts["visits"]).round()
    week = (on + 3) // 7 - (visits["day"] + 3) // 7
    recent = (
        pd.DataFrame({"customer": visits["customer"], "week": week})[week < 60]
        .drop_duplicates()
        .sort_values(["customer", "week"])
    )
    order = recent.groupby("customer").cumcount()
    start_week = recent.groupby("customer")["week"].transform("first")
    unbroken = (recent["week"] - order == start_week) & (start_week <= 1)
    facts["row"] = unbroken.groupby(recent["customer"]).sum().reindex(facts.index, fill_value=0)
    a = (
        (facts["s30"] >= 500000).astype(int)
        + (facts["v30"] >= 4)
        + (facts["row"] >= 3)
        + (facts["last_spend"] >= 300000)
    )
    b = (
        (facts["s30"] >= 200000).astype(int)
        + (facts["v30"] >= 2)
        + (facts["row"] >= 2)
        + (facts["last_spend"] >= 200000)
    )
    facts["grade"] = np.select([on - facts["first"] < 30, a >= 2, b >= 2], ["new", "a", "b"], "c")
    facts.to_parquet(folder / "pandas.parquet")
    end = time.perf_counter()
    return {
        "seconds": end - start,
        "counts": {str(k): int(v) for k, v in facts["grade"].value_counts().items()},
    }


def next_day(folder: Path) -> dict[str, object]:
    """0.2% new sales on the next day: by the edges, then in full, compared row by row."""
    import numpy as np
    import pyarrow as pa

    from regulars.grading.drawing import Plan, days_sql, fits_of_all, portraits, refresh_measures
    from regulars.playbooks.playbook import load
    from regulars.shop.books import Books

    work = folder / "next"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(folder / "books", work)
    playbook = load(PLAYBOOK)
    plan = Plan.of([playbook])
    books = Books(work)
    refresh_measures(books, plan, number(ON), full=True)
    people = everybody(folder, plan)
    # The first day is drawn as the second will be: the statements are compiled once for all days.
    list(fits_of_all(books, portraits(books, plan, number(ON), people)[0], playbook.scales[0]))
    fresh = np.unique(np.load(folder / "fresh.npy"))
    tomorrow = number(ON) + 1
    # The store would give these customers' sales anew; here yesterday's days and one more visit stand for them.
    touched = pa.table({"customer": pa.array(fresh)})
    old = books.run(
        f"SELECT customer, day, spend AS amount, 0::TINYINT AS attended, store FROM read_parquet('{(work / 'days').as_posix()}/*.parquet') WHERE customer IN (SELECT customer FROM touched)",
        touched=touched,
    )
    more = pa.table({"customer": fresh, "day": np.full(len(fresh), tomorrow, "int32"), "amount": np.full(len(fresh), 8800),
                     "attended": np.zeros(len(fresh), "int8"), "store": np.ones(len(fresh), "int32")}).cast(old.schema)  # fmt: skip
    start = time.perf_counter()
    books.write_days([pa.concat_tables([old, more])], days_sql(), fresh)
    written, written_cpu = time.perf_counter(), time.process_time()
    was_full = refresh_measures(books, plan, tomorrow)
    advanced = time.perf_counter()
    tables, _ = portraits(books, plan, tomorrow, people)
    graded = list(fits_of_all(books, tables, playbook.scales[0]))
    end, end_cpu = time.perf_counter(), time.process_time()
    again = Books(work)
    begin, begin_cpu = time.perf_counter(), time.process_time()
    refresh_measures(again, plan, tomorrow, full=True)
    full_measures = time.perf_counter()
    whole, _ = portraits(again, plan, tomorrow, people)
    regraded = list(fits_of_all(again, whole, playbook.scales[0]))
    full, full_cpu = time.perf_counter(), time.process_time()
    differ = 0
    for a, b, ga, gb in zip(tables, whole, graded, regraded, strict=True):
        left, right = a.sort_by("customer"), b.sort_by("customer").select(a.column_names)
        if not left.equals(right):
            differ += sum(x != y for x, y in zip(left.to_pylist(), right.to_pylist(), strict=True))
        differ += int((ga[0] != gb[0]).sum())
    shutil.rmtree(work)
    return {
        "seconds": end - written, "mirror": written - start, "measures": advanced - written, "full": full - begin,
        "full_measures": full_measures - begin, "differ": differ, "was_full": was_full, "touched": len(fresh),
        "cpu_of_full": (end_cpu - written_cpu) / (full_cpu - begin_cpu),
    }  # fmt: skip


METHODS = {"ours": ours, "hand": hand, "pandas": with_pandas, "next": next_day}


def measured(method: str, folder: Path) -> dict[str, object]:
    out = subprocess.run(
        [sys.executable, __file__, "--method", method, "--folder", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if out.returncode:
        raise SystemExit(out.stderr[-3000:])
    return json.loads(out.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--sales", type=int, default=20_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--method", choices=[*METHODS, "prepare"])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--no-pandas", action="store_true")
    given = parser.parse_args()
    if given.method == "prepare":
        prepare(given.folder, given.customers, given.sales)
        return
    if given.method:
        result = METHODS[given.method](given.folder)
        used = resource.getrusage(resource.RUSAGE_SELF)
        result["cpu"] = used.ru_utime + used.ru_stime
        result["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps(result))
        return
    folder = given.folder or Path(tempfile.mkdtemp(prefix="regulars-million-"))
    if not (folder / "books" / "manifest.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [
                sys.executable,
                __file__,
                "--method",
                "prepare",
                "--folder",
                str(folder),
                "--customers",
                str(given.customers),
                "--sales",
                str(given.sales),
            ],
            check=True,
        )
    runs: dict[str, list[dict[str, object]]] = {}
    for round_ in range(given.rounds):
        for method in METHODS:
            if method == "pandas" and (given.no_pandas or round_):
                continue
            runs.setdefault(method, []).append(measured(method, folder))
            print(round_, method, json.dumps(runs[method][-1]), file=sys.stderr)
    middle = {m: statistics.median(float(str(r["seconds"])) for r in rs) for m, rs in runs.items()}
    print(f"customers {given.customers:,}  sales {given.sales:,}  cores {os.cpu_count()}")
    for m, seconds in middle.items():
        print(
            f"{m:8s} {seconds:8.2f} s   {seconds / middle['hand']:5.2f} × hand-written SQL   peak {max(int(str(r['peak_mib'])) for r in runs[m])} MiB"
        )
    full = statistics.median(float(str(r["full"])) for r in runs["next"])
    print(
        f"next day: {middle['next'] / full:.2f} of a full pass; rows that differ: {max(int(str(r['differ'])) for r in runs['next'])}"
    )
    if not given.folder:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
