"""What taking a million receipts in costs beside plainly inserting the same rows, and undoing it beside both.

`python benchmarks/import_million.py [rows] [sqlite|postgres]` writes a till's file of 7 columns (UTF-8 and GB18030),
then, each in a process and a shop of its own, on SQLite and on a PostgreSQL of its own:

- plain: `executemany` (SQLite) or COPY (PostgreSQL) of the parsed rows into the same tables with the same indexes, in
  one go: identities, receipts. No keys are computed, nothing is looked up, nobody is joined.
- regulars: the same file through `daily.take_in`: checks, identity, keys, batch record, customers; parsing the file
  (bytes into columns of text, see `read_csv.py`) is counted apart, and so are the books; then undo of the batch.

Compare within one run only.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

ON = date(2026, 11, 22)
CUSTOMERS_PER_SALE = 20


def start(home: str, database: str) -> None:
    os.environ["REGULARS_HOME"] = home
    os.environ["DJANGO_SETTINGS_MODULE"] = "regulars.web.settings"
    if database:
        os.environ["REGULARS_DATABASE"] = database
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from regulars.shop.models import Business, Store

    Business.objects.create(name="老地方", trade="snack")
    Store.objects.create(name="总店")


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def regulars(path: str) -> dict[str, Any]:
    from regulars import daily
    from regulars.grading import actions as grading
    from regulars.sales import reading
    from regulars.sales.models import Sale

    spent: dict[str, float] = {}

    def timed(owner: Any, name: str) -> None:
        inner = getattr(owner, name)

        def call(*arguments: Any, **options: Any) -> Any:
            begin = time.perf_counter()
            try:
                return inner(*arguments, **options)
            finally:
                spent[name] = spent.get(name, 0.0) + time.perf_counter() - begin

        setattr(owner, name, call)

    timed(reading, "open_file")
    timed(grading, "catch_up")
    begin = time.perf_counter()
    taken = daily.take_in([Path(path)])
    total = time.perf_counter() - begin
    rows, after_import = Sale.objects.count(), peak()
    parse, books = spent["open_file"], spent["catch_up"]
    begin = time.perf_counter()
    daily.undo(taken.batch)
    undo = time.perf_counter() - begin - (spent["catch_up"] - books)
    assert (taken.new, Sale.objects.count()) == (rows, 0)
    return {
        "parse": parse,
        "write": total - parse - books,
        "books": books,
        "undo": undo,
        "peak": after_import,
        "peak_undo": peak(),
    }


def plain(path: str) -> dict[str, Any]:
    import numpy as np
    import pyarrow as pa
    from django.db import connection, transaction

    from regulars.sales.actions import _stores
    from regulars.sales.identities import Who
    from regulars.sales.models import Batch, Identity, Sale
    from regulars.sales.reading import read
    from regulars.sales.receipts import Keyed, sale_table
    from regulars.shop import bulk

    reading = read([Path(path)])
    sales = reading.sales
    batch = Batch.objects.create()
    stores, _ = _stores(sales, None)
    n = sales.num_rows
    hashes = np.random.default_rng(1).integers(
        -(2**62), 2**62, (2, n)
    )  # keys are hashes: any others cost the same
    people = {
        kind: sales[kind].combine_chunks().dictionary_encode()
        for kind in ("card", "phone")
        if sales[kind].null_count < n
    }
    written = [(kind, value) for kind, coded in people.items() for value in coded.dictionary.to_pylist()]
    first = people["card"].indices.to_numpy() + 1
    identities = [
        (k, kind, os.urandom(16), os.urandom(29 + len(value)), False)
        for k, (kind, value) in enumerate(written, 1)
    ]
    table = sale_table(batch, sales, stores, Who(first.astype("int64"), first, first, first), Keyed(*hashes))
    table = table.add_column(0, "id", pa.array(np.arange(1, n + 1)))
    columns = None if bulk.is_postgres() else [bulk.as_list(column) for column in table.columns]
    begin = time.perf_counter()
    with transaction.atomic():
        bulk.insert(Identity, ("id", "kind", "token", "written", "is_shared"), identities)
        if columns is None:
            bulk.insert_table(Sale, table)
        else:
            marks = ", ".join("?" * len(columns))
            names = ", ".join(f'"{c}"' for c in table.column_names)
            with connection.cursor() as cursor:
                cursor.connection.executemany(
                    f"INSERT INTO {Sale._meta.db_table} ({names}) VALUES ({marks})",
                    zip(*columns, strict=True),
                )
    return {"write": time.perf_counter() - begin, "peak": peak()}


def in_a_process(what: str, path: Path, database: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="regulars-shop-") as home:
        done = subprocess.run(
            [sys.executable, __file__, "--run", what, str(path), home, database],
            check=True,
            capture_output=True,
            text=True,
        )
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def main(rows: int, stores: list[str]) -> None:
    from regulars.examples.crowds import write_volume_csv

    with tempfile.TemporaryDirectory(prefix="regulars-benchmark-") as folder:
        for store in stores:
            for encoding in ("utf-8", "gb18030"):
                path = write_volume_csv(
                    Path(folder) / f"till-{encoding}.csv",
                    rows // CUSTOMERS_PER_SALE,
                    rows,
                    on=ON,
                    encoding=encoding,
                )
                result = {
                    what: in_a_process(what, path, database(store, folder)) for what in ("plain", "regulars")
                }
                one, ours = result["plain"], result["regulars"]
                print(
                    f"{store:8s} {encoding:8s} {rows:,} rows: plain insert {one['write']:.1f} s | parse {ours['parse']:.1f} s, "
                    f"write {ours['write']:.1f} s = {ours['write'] / one['write']:.2f}×, undo {ours['undo']:.1f} s = "
                    f"{ours['undo'] / one['write']:.2f}× | books {ours['books']:.1f} s | peak {ours['peak']:.0f} MB, "
                    f"with undo {ours['peak_undo']:.0f} MB",
                    flush=True,
                )


def database(store: str, folder: str) -> str:
    """Where a new shop keeps its records: nothing for SQLite, the address of a new database on PostgreSQL."""
    if store == "sqlite":
        return ""
    import psycopg

    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from tests.postgres import start as start_postgres

    address = start_postgres(Path(folder) / "postgres" / "data", waits_for_disk=True)
    name = f"shop_{time.monotonic_ns()}"
    with psycopg.connect(address, autocommit=True) as link:
        link.execute(f"CREATE DATABASE {name}")
    head, _, query = address.partition("?")
    return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


if __name__ == "__main__":
    if "--run" in sys.argv:
        start(*sys.argv[4:6])
        print(json.dumps({"plain": plain, "regulars": regulars}[sys.argv[2]](sys.argv[3])))
    else:
        given = [a for a in sys.argv[1:] if a.isdigit()]
        main(
            int(given[0]) if given else 1_000_000,
            [s for s in ("sqlite", "postgres") if s in sys.argv] or ["sqlite", "postgres"],
        )
