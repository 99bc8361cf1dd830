"""A day's run in a shop of a million customers on SQLite: the first grading of everybody, and the next day.

    python benchmarks/day_million.py --books FOLDER          FOLDER: a base that million.py has prepared (--folder)
    python benchmarks/day_million.py --customers 100000 --sales 2000000

Customers are filled in by bulk insert and the books are taken from the base, so that only the run itself is timed:
drawing, grading, writing standings with their history, portraits. The list of tasks is timed apart.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from million import ON, number


def start(home: Path) -> None:
    os.environ["REGULARS_HOME"] = str(home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "regulars.web.settings"
    import django

    django.setup()


def fill(home: Path, base: Path) -> None:
    """A shop with the base's customers: numbers, names, phones' tails; no sales of their own, the books have them."""
    import numpy as np
    import pyarrow as pa
    from django.core.management import call_command
    from django.db import transaction

    start(home)
    call_command("migrate", verbosity=0)
    from regulars.customers.actions import tail_word
    from regulars.customers.models import Customer, Link, SearchKey
    from regulars.customers.rules.names import search_words
    from regulars.grading.actions import adopt
    from regulars.sales.actions import token_for
    from regulars.sales.models import Identity
    from regulars.shop import bulk
    from regulars.shop.actions import found_business
    from regulars.shop.keys import keys
    from regulars.shop.models import Store

    found_business(
        name="老地方", trade="restaurant", owner_email="owner@example.com", owner_name="周", password="nine-red-peppers",
        stores=["东店", "西店"],
    )  # fmt: skip
    Store.objects.update(known_until=ON)
    adopt("restaurant")
    n = len(np.load(base / "everybody.npy"))
    family, given = (
        "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗",
        "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红波鑫",
    )
    words = {f + a + b: search_words(f + a + b) for f in family for a in given for b in given}
    names = list(words)
    tails = [tail_word(f"1990000{k:04}") for k in range(10_000)]
    seal, since = keys().seal, "2025-01-01 00:00:00"
    for low in range(1, n + 1, bulk.CHUNK):
        ids = range(low, min(low + bulk.CHUNK, n + 1))
        name = {i: names[i * 7919 % len(names)] for i in ids}
        with transaction.atomic():
            bulk.insert(
                Identity, ("id", "kind", "token", "written", "is_shared"),
                [(i, "member", bytes(token_for("member", f"M{i:07}")), bytes(seal(f"M{i:07}")), 0) for i in ids],
            )  # fmt: skip
            bulk.insert_table(Customer, pa.table({
                "id": list(ids), "founder_id": list(ids), "name": [name[i] for i in ids],
                **{c: [""] * len(ids) for c in ("sex", "birthday", "anniversary")},
                **{c: [0] * len(ids) for c in ("is_company", "is_by_hand", "is_gone")}, "since_at": [since] * len(ids),
            }))  # fmt: skip
            bulk.insert(Link, ("identity_id", "customer_id"), [(i, i) for i in ids])
            bulk.insert(
                SearchKey,
                ("customer_id", "word"),
                [(i, w) for i in ids for w in (tails[i * 7907 % 10_000], *words[name[i]])],
            )
    shutil.copytree(base / "books", home / "books", dirs_exist_ok=True)


def timed(module: Any, name: str, spent: dict[str, float]) -> None:
    inner: Callable[..., Any] = getattr(module, name)

    def outer(*given: Any, **named: Any) -> Any:
        begin = time.perf_counter()
        try:
            return inner(*given, **named)
        finally:
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - begin

    setattr(module, name, outer)


def run(home: Path, later: int) -> dict[str, Any]:
    """One day's run; on the later day 0.2% new sales have come."""
    import numpy as np
    import pyarrow as pa

    start(home)
    from regulars.care import actions as care
    from regulars.customers.models import Portrait
    from regulars.grading import actions as grading
    from regulars.grading.drawing import days_sql
    from regulars.grading.models import GradeChange
    from regulars.shop import bulk

    spent: dict[str, float] = {}
    for name in (
        "stood",
        "_record",
        "_write_portraits",
        "drop_days",
        "people_for_books",
        "refresh_measures",
        "portraits",
        "draw",
    ):
        timed(grading, name, spent)
    rows: dict[str, int] = {}
    insert = bulk.insert_table

    def counted(model: Any, table: Any) -> None:
        rows[model.__name__] = rows.get(model.__name__, 0) + table.num_rows
        insert(model, table)

    bulk.insert_table = counted
    on = ON + timedelta(days=later)
    if later:
        books = grading.open_books()
        fresh = np.unique(np.load(home / "fresh.npy"))
        old = books.days_of(fresh, number(ON))
        sales = pa.table({
            "customer": old["customer"], "day": old["day"], "amount": old["spend"],
            "attended": np.zeros(old.num_rows, "int8"), "store": old["store"],
        })  # fmt: skip
        more = pa.table({
            "customer": fresh, "day": np.full(len(fresh), number(on), "int32"), "amount": np.full(len(fresh), 8800),
            "attended": np.zeros(len(fresh), "int8"), "store": np.ones(len(fresh), "int32"),
        }).cast(sales.schema)  # fmt: skip
        begin = time.perf_counter()
        books.write_days([pa.concat_tables([sales, more])], days_sql(), fresh)
        spent["write_days"] = time.perf_counter() - begin
        books.connection.close()
    begin = time.perf_counter()
    outcome = grading.run(on)
    seconds = time.perf_counter() - begin
    graded_peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    begin = time.perf_counter()
    planned = care.plan_day(outcome, on)
    return {
        "seconds": round(seconds, 2), "plan": round(time.perf_counter() - begin, 2), "was_full": outcome.was_full,
        "peak_mib": graded_peak, "peak_with_plan_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "cpu": round(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]), 1), "written": rows, "tasks": planned["tasks"],
        "waiting": planned["waiting"], "spent": {k: round(v, 2) for k, v in spent.items()},
        "portraits": Portrait.objects.count(), "history": GradeChange.objects.count(),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--sales", type=int, default=20_000_000)
    parser.add_argument("--books", type=Path)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--step", choices=["fill", "0", "1"])
    given = parser.parse_args()
    if given.step == "fill":
        fill(given.home, given.books)
        return
    if given.step:
        print(json.dumps(run(given.home, int(given.step)), ensure_ascii=False))
        return
    home = given.home or Path(tempfile.mkdtemp(prefix="regulars-day-"))
    base = given.books or home / "base"
    base.mkdir(parents=True, exist_ok=True)
    if not (base / "books" / "manifest.json").exists():
        size = ["--customers", str(given.customers), "--sales", str(given.sales)]
        million = Path(__file__).with_name("million.py")
        subprocess.run(
            [sys.executable, str(million), "--method", "prepare", "--folder", str(base), *size], check=True
        )
    again = [sys.executable, __file__, "--home", str(home), "--books", str(base), "--step"]
    begin = time.perf_counter()
    subprocess.run([*again, "fill"], check=True)
    shutil.copy(base / "fresh.npy", home / "fresh.npy")
    print(f"filled in {time.perf_counter() - begin:.0f} s", flush=True)
    for step, name in (("0", "first run"), ("1", "next day")):
        print(
            name,
            subprocess.run([*again, step], check=True, capture_output=True, text=True).stdout.strip(),
            flush=True,
        )
    if not given.keep:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
