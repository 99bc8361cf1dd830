"""Receipts and how they are known again: the key of each, what of it is new, and which of several rows counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction

from regulars.sales.identities import Who, column_of
from regulars.sales.models import Batch, BatchState, Item, Sale, SaleKind, SaleLine, Sighting
from regulars.sales.reading import Reading
from regulars.sales.rules.refunds import counts_on, counts_on_by_own_number
from regulars.shop import bulk
from regulars.shop.models import Business
from regulars.shop.rules.masks import without_numbers

HASH_KEY = "regulars.sales.1"  # 16 bytes; changing it would make every known sale look new

ATTACHED = "attached"
"""Reader of rows that are a person's word about whose receipt it is; no file overrules it."""

_MIX = np.uint64(0x9E3779B97F4A7C15)
_NAMED = 0x5DEECE66D
_REVERSED = 0x2545F4914F6CDD1D


# --- columns as numbers ----------------------------------------------------------------------------------------------


def mix(*parts: np.ndarray) -> np.ndarray:
    """One 64-bit hash out of several columns of hashes or integers."""
    total = np.full(len(parts[0]), 0x243F6A8885A308D3, dtype="uint64")
    with np.errstate(over="ignore"):
        for part in parts:
            x = part.astype("uint64", copy=False)
            total = (total ^ (x + _MIX + (total << np.uint64(6)) + (total >> np.uint64(2)))) * np.uint64(
                0xBF58476D1CE4E5B9
            )
            total ^= total >> np.uint64(31)
    return total


def text_hash(table: pa.Table, name: str) -> np.ndarray:
    """A hash of each text, 0 where there is none."""
    column = column_of(table, name)
    if column is None:
        return np.zeros(table.num_rows, dtype="uint64")
    coded = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
    values = coded.dictionary.to_numpy(zero_copy_only=False)
    hashed = (
        pd.util.hash_array(values, hash_key=HASH_KEY, categorize=False)
        if len(values)
        else np.empty(0, "uint64")
    )
    codes = coded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    found: np.ndarray = np.append(hashed, np.uint64(0))[codes]
    return found


def numbers(table: pa.Table, name: str) -> np.ndarray:
    """A column of integers, days or instants as int64, 0 where it is empty."""
    column = column_of(table, name)
    if column is None:
        return np.zeros(table.num_rows, dtype="int64")
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    elif pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("s"), safe=False).cast(pa.int64())
    found: np.ndarray = pc.fill_null(column, 0).to_numpy(zero_copy_only=False)
    return found.astype("int64", copy=False)


def _texts(table: pa.Table, name: str, limit: int, empty: str = "") -> pa.Array:
    column = column_of(table, name)
    if column is None:
        return pa.repeat(pa.scalar(empty), table.num_rows)
    column = column.cast(pa.string())
    if (pc.max(pc.binary_length(column)).as_py() or 0) > limit:
        column = pc.utf8_slice_codeunits(column, 0, limit)
    return pc.fill_null(column, empty) if column.null_count else column


def _unnumbered(table: pa.Table, name: str, limit: int) -> pa.Array:
    """A column of names without phones and ID numbers: a feast is called after the guest, a dish after who ordered it."""
    column = _texts(table, name, limit)
    if not pc.any(pc.match_substring_regex(column, r"\d{4}|@")).as_py():
        return column
    coded = column.dictionary_encode()
    told = [without_numbers(value) for value in coded.dictionary.to_pylist()]
    return pa.array(told, pa.string()).take(coded.indices)


def _occurrence(hashes: np.ndarray, *order: np.ndarray) -> np.ndarray:
    """How many equal values stand before each, by these columns and then as they come: 0 for the first."""
    codes, different = pd.factorize(hashes)
    if len(different) == len(hashes):
        return np.zeros(len(hashes), dtype="int64")
    if order:
        place = np.lexsort(order[::-1])
        sorted_: np.ndarray = pd.Series(codes[place]).groupby(codes[place]).cumcount().to_numpy()
        result = np.empty(len(hashes), dtype="int64")
        result[place] = sorted_
        return result
    again: np.ndarray = pd.Series(codes).groupby(codes).cumcount().to_numpy()
    return again


class Keyed(NamedTuple):
    """`key`: under which a receipt is known again; `content`: hash of all that the file says about it."""

    key: np.ndarray
    content: np.ndarray


def keyed(sales: pa.Table, stores: np.ndarray, who: Who, lines: pa.Table | None = None) -> Keyed:
    """Key and content of each receipt.

    With a receipt number: store, day, number and kind (tills start their numbers anew each day, and print a refund
    under the number of the sale). Without one: store, time, identity, amount and the occurrence among equal rows of
    the file. The marks stand for the identities, whatever numbers they have in this shop.
    """
    marks = who.marks
    day, at, amount = numbers(sales, "day"), numbers(sales, "at"), numbers(sales, "amount")
    kind, receipt = text_hash(sales, "kind"), text_hash(sales, "receipt")
    numbered = receipt != 0
    key = np.zeros(sales.num_rows, dtype="uint64")
    if numbered.any():
        own = mix(stores[numbered], day[numbered], receipt[numbered], kind[numbered])
        # Two tills that count alike: which is the first must not hang on the order of the rows.
        key[numbered] = mix(own, _occurrence(own, at[numbered], marks[numbered]))
    if not numbered.all():
        bare = ~numbered
        plain = mix(
            stores[bare], np.where(at[bare] != 0, at[bare], day[bare]), marks[bare], amount[bare], kind[bare]
        )
        key[bare] = mix(plain, _occurrence(plain))
    said = [text_hash(sales, name) for name in ("refund_of", "occasion", "staff", "currency")]
    parts = [stores, day, at, marks, who.kinds, amount, kind, receipt, numbers(sales, "party_size"), *said]
    if lines is not None and lines.num_rows:
        parts.append(_line_hash(sales.num_rows, lines))
    return Keyed(key.view("int64"), mix(*parts).view("int64"))


def _line_hash(n: int, lines: pa.Table) -> np.ndarray:
    """One hash for all lines of each receipt, whatever their order."""
    each = mix(
        text_hash(lines, "item"),
        text_hash(lines, "category"),
        numbers(lines, "quantity"),
        numbers(lines, "amount"),
    )
    total = np.zeros(n, dtype="uint64")
    with np.errstate(over="ignore"):
        np.add.at(total, numbers(lines, "sale"), each)
    return total


def named_content(content: int) -> int:
    """Content of the row by which a person gave this content's receipt to a customer."""
    return content ^ _NAMED


# --- what is known ---------------------------------------------------------------------------------------------------


class Known(NamedTuple):
    """`sale`: for each row the number of a sale that says the same (0 = none); `amends`: rows that say something new
    about a known receipt; `contested`: keys about which more than one thing is now said."""

    sale: np.ndarray
    amends: np.ndarray
    contested: np.ndarray


def known_sales(receipts: Keyed) -> Known:
    """Hold a file's receipts against those of the batches that count."""
    key, content = receipts
    nothing = Known(np.zeros(len(key), "int64"), np.zeros(len(key), bool), np.empty(0, "int64"))
    if not Sale.objects.exists():
        return nothing
    sale, batch = Sale._meta.db_table, Batch._meta.db_table
    sql = (
        f"SELECT s.key, s.content, s.id, s.is_current, b.reader FROM {sale} s JOIN {batch} b ON b.id = s.batch_id "
        f"WHERE b.state = 'complete' AND s.key IN ({{marks}})"
    )
    found = [
        (k, c, i, bool(current), reader == ATTACHED)
        for k, c, i, current, reader in bulk.rows_in(sql, np.unique(key).tolist())
    ]
    if not found:
        return nothing
    keys, contents, ids, current, by_hand = (np.array(column) for column in zip(*found, strict=True))
    there = np.isin(key, keys[~by_hand])
    same = np.zeros(len(key), dtype="int64")
    both = pd.Series(ids[~by_hand], index=mix(keys[~by_hand], contents[~by_hand]))
    both = both[~both.index.duplicated(keep="last")]
    at = both.index.get_indexer(mix(key, content))
    same[at >= 0] = both.to_numpy()[at[at >= 0]]
    counts = pd.Index(ids[current])
    doubtful = (
        (there & (same == 0)) | ((same > 0) & (counts.get_indexer(same) < 0)) | np.isin(key, keys[by_hand])
    )
    return Known(same, there & (same == 0), np.unique(key[doubtful]))


def reversals(table: pa.Table, stores: np.ndarray, sales: Keyed | None) -> tuple[Keyed, np.ndarray]:
    """Key and content of receipts that a file says are no sales, and which of them (a mask) are news: known from an
    earlier batch, and not sold once more in the same file."""
    nobody = _nobody(table.num_rows)
    sold = table.set_column(
        table.schema.get_field_index("kind"), "kind", pa.repeat(pa.scalar(str(SaleKind.SALE)), table.num_rows)
    )
    key, content = keyed(sold, stores, nobody)
    known = np.array(sorted(_known_keys(np.unique(key).tolist())), dtype="int64")
    news = np.isin(key, known)
    if sales is not None:
        news &= ~np.isin(key, sales.key)
    return Keyed(key, content ^ np.int64(_REVERSED)), news


def _nobody(n: int) -> Who:
    return Who(
        np.zeros(n, dtype="int64"),
        np.zeros(n, dtype="uint64"),
        np.zeros(n, dtype="uint8"),
        np.empty((0, 2), dtype="int64"),
    )


def _known_keys(keys: list[int]) -> set[int]:
    sql = (
        f"SELECT s.key FROM {Sale._meta.db_table} s JOIN {Batch._meta.db_table} b ON b.id = s.batch_id "
        f"WHERE b.state = 'complete' AND s.key IN ({{marks}})"
    )
    return {key for (key,) in bulk.rows_in(sql, keys)}


def settle(contested: Iterable[int]) -> set[int]:
    """Of several rows about one receipt let the right one count: the row that the latest batch wrote or saw, and in
    its place the row by which a person gave it to a customer. Returns the identities whose sales changed.

    Of a receipt that was reversed none counts. A person's word hangs on the receipt: while no file speaks of it, it does not count; when a file says another
    amount, the word is carried over to that amount.
    """
    sale, batch, sighting = Sale._meta.db_table, Batch._meta.db_table, Sighting._meta.db_table
    sql = (
        f"SELECT s.key, s.id, s.content, s.batch_id, b.reader, s.is_current, s.identity_id, s.kind, "
        f"(SELECT MAX(g.batch_id) FROM {sighting} g JOIN {batch} gb ON gb.id = g.batch_id "
        f" WHERE g.sale_id = s.id AND gb.state = 'complete') "
        f"FROM {sale} s JOIN {batch} b ON b.id = s.batch_id WHERE b.state = 'complete' AND s.key IN ({{marks}})"
    )
    newest: dict[int, tuple[tuple[int, int], int, int, str]] = {}
    named: dict[int, dict[int, int]] = defaultdict(dict)
    now: dict[int, tuple[bool, int | None]] = {}
    for key, sale_id, content, batch_id, reader, is_current, identity, kind, seen in bulk.rows_in(
        sql, sorted({int(k) for k in contested})
    ):
        now[sale_id] = bool(is_current), identity
        if reader == ATTACHED:
            named[key][content] = sale_id
        else:
            rank = max(batch_id, seen or 0), sale_id
            if key not in newest or rank > newest[key][0]:
                newest[key] = rank, sale_id, content, kind
    winners: set[int] = set()
    changed: set[int | None] = set()
    for key, (_, sale_id, content, kind) in newest.items():
        word = named.get(key)
        if kind == SaleKind.REVERSED:
            continue
        if word is None:
            winners.add(sale_id)
        elif named_content(content) in word:
            winners.add(word[named_content(content)])
        else:
            winners.add(carry_over(sale_id, Sale.objects.get(id=max(word.values()))))
    for counts in (False, True):
        wrong = [
            i for i, (is_current, _) in now.items() if (i in winners) is counts and is_current is not counts
        ]
        changed.update(now[i][1] for i in wrong)
        for chunk in bulk.in_chunks(wrong):
            Sale.objects.filter(id__in=chunk).update(is_current=counts)
    return {i for i in changed if i is not None}


def carry_over(receipt: int, word: Sale) -> int:
    """Write the row that says of a receipt what a person has said: it is this customer's."""
    told = Sale.objects.get(id=receipt)
    lines = list(told.lines.all())
    told.pk = None
    told._state.adding = True
    told.batch_id, told.identity_id = word.batch_id, word.identity_id
    told.content, told.is_current = named_content(told.content), True
    told.save()
    SaleLine.objects.bulk_create(
        [SaleLine(sale=told, item_id=x.item_id, quantity=x.quantity, amount=x.amount) for x in lines]
    )
    return int(told.id)


def contested_by(batch: Batch) -> list[int]:
    """Keys about which this batch and another both say or saw something."""
    others = Batch.objects.filter(id__gt=batch.id, known__gt=0) | Batch.objects.filter(reader=ATTACHED)
    if not (batch.known or batch.reader == ATTACHED or others.exclude(id=batch.id).exists()):
        return []
    sale, sighting = Sale._meta.db_table, Sighting._meta.db_table
    found = bulk.rows(
        f"SELECT s.key FROM {sale} s JOIN {sale} o ON o.key = s.key AND o.id <> s.id WHERE s.batch_id = %s "
        f"UNION SELECT s.key FROM {sighting} g JOIN {sale} s ON s.id = g.sale_id "
        f"JOIN {sale} o ON o.key = s.key AND o.id <> s.id WHERE g.batch_id = %s",
        [batch.id, batch.id],
    )
    return [k for (k,) in found]


# --- refunds ---------------------------------------------------------------------------------------------------------


def settle_refunds(batch: Batch) -> set[int]:
    """Let refunds that this batch wrote, or whose receipts it wrote, count on the right day: the original's where a
    batch that counts has it, else their own. Returns the identities of those that moved."""
    refunds = Sale.objects.filter(kind=SaleKind.REFUND).exclude(refund_of="")
    if not refunds.exists():
        return set()
    sale, state = Sale._meta.db_table, Batch._meta.db_table
    # The words of the indexes: SQLite uses a partial one only where it reads its condition again.
    named = [r for (r,) in bulk.rows(
        f"SELECT DISTINCT refund_of FROM {sale} WHERE batch_id = %s AND NOT (refund_of = '') UNION "
        f"SELECT DISTINCT receipt FROM {sale} WHERE batch_id = %s AND NOT (receipt = '') "
        f"AND receipt IN (SELECT refund_of FROM {sale} WHERE NOT (refund_of = ''))", [batch.id, batch.id],
    )]  # fmt: skip
    originals: dict[str, list[tuple[int, date, int | None]]] = defaultdict(list)
    for receipt, store, day, identity in bulk.rows_in(
        f"SELECT DISTINCT s.receipt, s.store_id, s.day, s.identity_id FROM {sale} s JOIN {state} b ON b.id = s.batch_id "
        f"WHERE s.kind = 'sale' AND b.state = 'complete' AND NOT (s.receipt = '') AND s.receipt IN ({{marks}})", named,
    ):  # fmt: skip
        originals[receipt].append((store, bulk.day(day), identity))
    moved: list[tuple[Any, ...]] = []
    identities: set[int] = set()
    for i, identity, receipt, number, store, day, own in bulk.rows_in(
        f"SELECT s.id, s.identity_id, s.refund_of, s.receipt, s.store_id, s.day, s.own_day FROM {sale} s "
        f"JOIN {state} b ON b.id = s.batch_id WHERE s.kind = 'refund' AND b.state = 'complete' "
        f"AND NOT (s.refund_of = '') AND s.refund_of IN ({{marks}})", named,
    ):  # fmt: skip
        its_own = bulk.day(own or day)
        sold = originals.get(receipt, ())
        if number == receipt:
            right = counts_on_by_own_number(its_own, store, identity, sold)
        else:
            right = counts_on(its_own, store, ((s, d) for s, d, _ in sold))
        if right != bulk.day(day):
            moved.append((right.isoformat(), its_own.isoformat() if right != its_own else None, i))
            if identity is not None:
                identities.add(identity)
    bulk.execute_many(f"UPDATE {sale} SET day = %s, own_day = %s WHERE id = %s", moved)
    return identities


# --- writing ---------------------------------------------------------------------------------------------------------


def sale_table(batch: Batch, sales: pa.Table, stores: np.ndarray, who: Who, receipts: Keyed) -> pa.Table:
    """The rows of `Sale`, without their numbers."""
    n = sales.num_rows
    business = Business.objects.first()
    at = column_of(sales, "at")
    if at is not None:
        zone = business.time_zone if business else "Asia/Shanghai"
        at = pc.assume_timezone(
            at.cast(pa.timestamp("s"), safe=False), zone, ambiguous="earliest", nonexistent="latest"
        )
        at = at.cast(pa.timestamp("s", "UTC"))
        if not bulk.is_postgres():
            at = at.cast(pa.timestamp("s"))  # Django's text of an instant in SQLite has no zone
    party = column_of(sales, "party_size")
    repaid, receipt = _texts(sales, "refund_of", 64), _texts(sales, "receipt", 64)
    # Tills print a refund under the number of the sale, which may stand in an earlier file.
    back = pc.and_(pc.equal(sales["kind"], "refund"), pc.equal(repaid, ""))
    if pc.any(back).as_py():
        repaid = pc.if_else(back, receipt, repaid)
    return pa.table({
        "batch_id": pa.repeat(pa.scalar(batch.id, pa.int64()), n), "key": pa.array(receipts.key),
        "content": pa.array(receipts.content), "row": sales["row"], "store_id": pa.array(stores),
        "identity_id": pa.array(who.strongest, mask=who.strongest == 0), "kind": _texts(sales, "kind", 10),
        "day": sales["day"], "at": at if at is not None else pa.nulls(n, pa.timestamp("s")),
        "amount": pa.array(numbers(sales, "amount")),
        "currency": _texts(sales, "currency", 3, business.currency if business else "CNY"),
        "receipt": receipt, "refund_of": repaid,
        "party_size": party if party is not None else pa.nulls(n, pa.int32()),
        "occasion": _unnumbered(sales, "occasion", 40), "served_by": _unnumbered(sales, "staff", 60),
        "is_current": pa.repeat(pa.scalar(True), n),
    })  # fmt: skip


def reversal_table(batch: Batch, table: pa.Table, stores: np.ndarray, receipts: Keyed) -> pa.Table:
    """The rows of `Sale` that say of known receipts that there was no sale; they name nobody and never count."""
    n = table.num_rows
    rows = sale_table(batch, table, stores, _nobody(n), receipts)
    for name, value in (("kind", str(SaleKind.REVERSED)), ("amount", 0), ("is_current", False)):
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, name, pa.repeat(pa.scalar(value, rows.schema.field(place).type), n))
    return rows


class Lines(NamedTuple):
    """The lines of a reading, sorted by their sale."""

    sale: np.ndarray
    item: np.ndarray
    quantity: np.ndarray
    amount: np.ndarray

    @classmethod
    def of(cls, reading: Reading) -> Lines | None:
        """Lines with the numbers of their items, which are made where they are new."""
        lines = reading.lines
        if not lines.num_rows:
            return None
        pair = pa.table(
            {"name": _unnumbered(lines, "item", 200), "category": _unnumbered(lines, "category", 100)}
        )
        different = pair.group_by(["name", "category"]).aggregate([])
        wanted = list(zip(different["name"].to_pylist(), different["category"].to_pylist(), strict=True))
        with transaction.atomic():
            found = {(i.name, i.category): i.id for i in Item.objects.all()}
            missing = [Item(name=a, category=b) for a, b in wanted if (a, b) not in found]
            if missing:
                Item.objects.bulk_create(missing, ignore_conflicts=True, batch_size=10_000)
                found = {(i.name, i.category): i.id for i in Item.objects.all()}
        ids = different.append_column("id", pa.array([found[k] for k in wanted], pa.int64()))
        numbered = pair.append_column("at", pa.array(np.arange(len(pair)))).join(ids, ["name", "category"])
        item = numbered.sort_by("at")["id"].to_numpy()
        order = np.argsort(numbers(lines, "sale"), kind="stable")
        quantity = (
            np.full(len(order), 1000) if column_of(lines, "quantity") is None else numbers(lines, "quantity")
        )
        return cls(*(c[order] for c in (numbers(lines, "sale"), item, quantity, numbers(lines, "amount"))))

    def of_sales(self, pick: np.ndarray, first: int) -> pa.Table:
        """The rows of `SaleLine` for these sales, which were given numbers from `first` on."""
        low, high = np.searchsorted(self.sale, pick, "left"), np.searchsorted(self.sale, pick, "right")
        counts = high - low
        at = np.repeat(low, counts) + (
            np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        )
        return pa.table({
            "sale_id": pa.array(np.repeat(np.arange(first, first + len(pick)), counts)), "item_id": pa.array(self.item[at]),
            "quantity": pa.array(self.quantity[at]), "amount": pa.array(self.amount[at]),
        })  # fmt: skip


def write_sales(table: pa.Table, fresh: np.ndarray, lines: Lines | None, progress: Any, words: Any) -> None:
    """Write the fresh rows in short transactions."""
    whole = len(fresh) == table.num_rows
    for start in range(0, len(fresh), bulk.CHUNK):
        pick = fresh[start : start + bulk.CHUNK]
        progress(start, table.num_rows, words)
        chunk = table.slice(start, len(pick)) if whole else table.take(pa.array(pick))
        with transaction.atomic():
            first = bulk.reserve_ids(Sale, len(pick))
            bulk.insert_table(Sale, chunk.add_column(0, "id", pa.array(np.arange(first, first + len(pick)))))
            if lines is not None:
                bulk.insert_table(SaleLine, lines.of_sales(pick, first))


def inherit(batch: Batch, size: int = bulk.CHUNK) -> None:
    """Sales that another batch has seen too pass to the earliest of those. In short transactions; safe to repeat."""
    sale, sighting, state = Sale._meta.db_table, Sighting._meta.db_table, Batch._meta.db_table
    heir = (
        f"SELECT MIN(g.batch_id) FROM {sighting} g JOIN {state} b ON b.id = g.batch_id "
        f"WHERE g.sale_id = {sale}.id AND b.state = '{BatchState.COMPLETE}'"
    )
    seen = [i for (i,) in bulk.rows(
        f"SELECT DISTINCT s.id FROM {sighting} g JOIN {sale} s ON s.id = g.sale_id JOIN {state} b ON b.id = g.batch_id "
        f"WHERE s.batch_id = %s AND b.state = '{BatchState.COMPLETE}'", [batch.id],
    )]  # fmt: skip
    for chunk in bulk.in_chunks(seen):
        with transaction.atomic():
            bulk.execute_in(
                f'UPDATE {sale} SET batch_id = ({heir}), "row" = NULL WHERE id IN ({{marks}})', chunk
            )
            bulk.execute_in(
                f"DELETE FROM {sighting} WHERE sale_id IN ({{marks}}) "
                f"AND batch_id = (SELECT s.batch_id FROM {sale} s WHERE s.id = sale_id)",
                chunk,
            )


def sightings(batch: Batch, seen: Sequence[int]) -> None:
    """Note that a batch carried sales which others had written in the same words."""
    for chunk in bulk.in_chunks(seen, bulk.CHUNK):
        with transaction.atomic():
            bulk.insert(Sighting, ("batch_id", "sale_id"), [(batch.id, i) for i in chunk])
