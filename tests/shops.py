"""Shops for tests: a new one at once, files that tills could have written, and all that a shop knows in plain words."""

from __future__ import annotations

import base64
import csv
import io
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.apps import apps
from django.db import connection

from regulars import daily
from regulars.customers.models import Customer, Detail, Link, SearchKey
from regulars.grading.actions import open_books
from regulars.membership import guard as ledger_guard
from regulars.sales.models import Batch, BatchState, Identity, Pairing, Sale, SaleLine, Sighting
from regulars.shop import guard
from regulars.shop.home import Home
from regulars.shop.keys import keys
from regulars.shop.models import Business, Store

KEY = base64.b64encode(bytes(range(32))) + b"\n"
"""The same key in every test shop, so that two of them can be compared by token."""

Row = Mapping[str, object]


class Shop:
    """A shop in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder.parent / "files"
        self.files.mkdir(exist_ok=True)
        self.empty()

    def empty(self) -> None:
        """As on the first day: no customers, no sales, one store."""
        wipe()
        for part in PARTS:
            shutil.rmtree(self.folder / part, ignore_errors=True)
        Home.find().make()
        (self.folder / "key").write_bytes(KEY)
        Business.objects.create(name="老地方", trade="hotpot")
        Store.objects.create(name="总店")

    def file(self, name: str, rows: Sequence[Row] | str, encoding: str = "utf-8") -> Path:
        """A CSV file with these rows (or this text)."""
        path = self.files / name
        path.write_text(rows if isinstance(rows, str) else as_csv(rows), encoding, newline="")
        return path

    def take_in(self, *files: Path | str | Sequence[Row], **options: Any) -> daily.Imported:
        """Import files, or rows that a file is made of."""
        paths = [f if isinstance(f, Path) else self.file(f"given-{abs(hash(repr(f)))}.csv", f) for f in files]
        return daily.take_in(paths, **options)

    def again(self, name: str, live: Callable[[], None]) -> None:
        """A past that many tests begin with: `live` goes through it the first time that it is asked for in this process;
        from then on its records and its books are put back as they were then, which takes a fraction of the time."""
        again(self.folder, name, live)


def again(folder: Path, name: str, live: Callable[[], None]) -> None:
    """The same for a shop that stands in a folder by itself; its key has to be KEY."""
    if name not in _LIVED:
        live()
        _LIVED[name] = _Past(folder)
    else:
        _LIVED[name].put_back(folder)


class _Past:
    """All that stands in the store and in the books of a shop, to be put into another folder."""

    def __init__(self, folder: Path) -> None:
        self.kept = tempfile.TemporaryDirectory(prefix="regulars-past-")
        for part in PARTS:
            shutil.copytree(folder / part, Path(self.kept.name) / part)
        self.rows = [_insertion(table) for table in _tables()]

    def put_back(self, folder: Path) -> None:
        wipe()
        for part in PARTS:
            shutil.rmtree(folder / part, ignore_errors=True)
            shutil.copytree(Path(self.kept.name) / part, folder / part)
        with connection.cursor() as cursor:
            for statement in filter(None, self.rows):
                cursor.execute(statement)


PARTS = ("books", "uploads")
_LIVED: dict[str, _Past] = {}


def _tables() -> list[str]:
    return [m._meta.db_table for m in apps.get_models() if m.__module__.startswith("regulars.")]


def _insertion(table: str) -> str:
    """The statement that writes the rows of a table again. The store itself writes every value down, so that it reads
    them as exactly the same."""
    quoted = "quote({})" if connection.vendor == "sqlite" else "quote_nullable({}::text)"
    with connection.cursor() as cursor:
        columns = [f'"{c.name}"' for c in connection.introspection.get_table_description(cursor, table)]
        literals = " || ',' || ".join(quoted.format(column) for column in columns)
        cursor.execute(f"SELECT {literals} FROM {table}")
        rows = ",".join(f"({row})" for (row,) in cursor.fetchall())
    return f"INSERT INTO {table} ({','.join(columns)}) VALUES {rows}" if rows else ""


def as_csv(rows: Sequence[Row]) -> str:
    headers = list(dict.fromkeys(h for row in rows for h in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, headers, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _editor() -> Any:
    """What a migration gives to the guard, as far as it asks."""
    cursor = connection.cursor()
    return SimpleNamespace(connection=connection, execute=lambda sql, params=None: cursor.execute(sql))


def guard_down() -> None:
    """Let the audit trail and the ledger be emptied, until a shop is wiped."""
    for kept in (guard, ledger_guard):
        kept.take_down(None, _editor())


def wipe() -> None:
    """Every table of ours is empty again; numbers go on from where they were."""
    guard_down()
    with connection.cursor() as cursor:
        for table in _tables():  # keys to other tables are looked at when all is done
            cursor.execute(f"DELETE FROM {table}")
    for kept in (guard, ledger_guard):
        kept.put_up(None, _editor())


# --- what a shop knows -----------------------------------------------------------------------------------------------


def known() -> dict[str, Any]:
    """All that a shop knows, without the numbers that rows happen to have: what two shops with the same past share."""
    return {
        "customers": customers(),
        "sales": sales(),
        "stores": {s.name: s.known_until for s in Store.objects.order_by("name")},
        "identities": sorted((i.kind, str(i.written), i.is_shared) for i in Identity.objects.all()),
        "items": sorted(
            SaleLine.objects.filter(**COUNTS("sale__")).values_list("item__name", "quantity", "amount")
        ),
    }


def COUNTS(path: str = "") -> dict[str, Any]:
    return {f"{path}is_current": True, f"{path}batch__state": BatchState.COMPLETE}


def groups() -> set[frozenset[str]]:
    """Who is one with whom, as sets of "kind:number"."""
    return {frozenset(c["identities"]) for c in customers()}


def customers() -> list[dict[str, Any]]:
    """Customers who are there, each with her identities, words, details and search words."""
    root = {c.id: c.merged_into_id or c.id for c in Customer.objects.all()}
    written: dict[int, list[str]] = defaultdict(list)
    for link in Link.objects.select_related("identity"):
        written[root[link.customer_id]].append(f"{link.identity.kind}:{link.identity.written}")
    said: dict[int, dict[str, str]] = defaultdict(dict)
    for detail in Detail.objects.order_by("id").select_related("identity__link"):
        owner = detail.customer_id or detail.identity.link.customer_id  # type: ignore[union-attr]
        said[root[owner]][detail.key] = detail.plain or str(detail.sealed or "")
    words: dict[int, list[str]] = defaultdict(list)
    for key in SearchKey.objects.all():
        words[root[key.customer_id]].append(key.word)
    return sorted(
        (
            {
                "identities": sorted(written[c.id]), "name": c.name, "sex": c.sex, "birthday": c.birthday,
                "is_company": c.is_company, "details": dict(sorted(said[c.id].items())), "words": sorted(words[c.id]),
            }
            for c in Customer.objects.filter(merged_into=None, is_gone=False)
        ),
        key=repr,
    )  # fmt: skip


def sales() -> list[tuple[Any, ...]]:
    """Sales that count, in plain words."""
    found = Sale.objects.filter(**COUNTS()).select_related("identity", "store")
    return sorted(
        (
            (s.day, s.own_day, s.at, s.amount, s.kind, s.receipt, s.refund_of, s.store.name,
             f"{s.identity.kind}:{s.identity.written}" if s.identity else None)
            for s in found
        ),
        key=repr,
    )  # fmt: skip


def amounts() -> dict[str, int]:
    """Receipt → fen that count."""
    return dict(Sale.objects.filter(**COUNTS()).order_by("id").values_list("receipt", "amount"))


def days_in_books() -> list[tuple[Any, ...]]:
    """The books' table of days."""
    rows = open_books().days().to_pylist()
    return sorted((r["customer"], r["day"], r["spend"], r["visit"], r["gap"], r["store"]) for r in rows)


def must_be_whole() -> None:
    """Nothing half done and nothing left behind: every row has what it stands on, and every file its batch."""
    assert set(Batch.objects.values_list("state", flat=True)) <= {BatchState.COMPLETE, BatchState.UNDONE}
    complete = set(Batch.objects.filter(state=BatchState.COMPLETE).values_list("id", flat=True))
    for model in (Sale, Pairing, Sighting):
        assert set(model.objects.values_list("batch_id", flat=True)) <= complete, model
    assert set(Detail.objects.exclude(batch=None).values_list("batch_id", flat=True)) <= complete
    linked = set(Link.objects.values_list("identity_id", flat=True))
    assert linked == set(Identity.objects.values_list("id", flat=True)), "an identity that nothing speaks of"
    owners = set(Link.objects.values_list("customer_id", flat=True))
    alone = set(
        Customer.objects.filter(merged_into=None, is_gone=False, is_by_hand=False).values_list(
            "id", flat=True
        )
    )
    assert alone <= owners, "a customer whom nothing speaks of"
    vault = {p.name.split("-")[1] for p in (Home.find().uploads).glob("batch-*")}
    assert vault <= {str(b) for b in complete}, "a file that no batch owns"
    assert not list(Home.find().uploads.glob("*.part"))


def seals_open() -> bool:
    """Whether the key fits what stands in the shop."""
    return keys() is not None


def each(rows: Sequence[Row], **more: object) -> list[Row]:
    return [{**row, **more} for row in rows]


def days(*texts: str) -> Iterator[date]:
    return map(date.fromisoformat, texts)
