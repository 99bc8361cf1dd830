"""Verbs of sales: take a reading in as a batch, take a batch back, write a sale by hand.

A batch is written in short chunks that nobody sees until `publish`; a crash in the middle leaves a batch in state
`writing`, which `clear_unfinished` removes without a trace. Rows are never edited. What a later file says differently
about the same receipt is a new row; what it says in the same words is a `Sighting`. So undoing a batch can give the
state as if that file had never come, whatever was imported since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction
from django.utils import timezone

from regulars.sales.models import (
    Batch, BatchState, Identity, IdentityKind, Item, Pairing, Sale, SaleKind, SaleLine, Sighting,
)  # fmt: skip
from regulars.sales.reading import Reading
from regulars.shop import bulk, vault
from regulars.shop.keys import keys
from regulars.shop.models import Business, Staff, Store, audit
from regulars.shop.words import Refused, Words

Progress = Callable[[int, int, Words], None]
"""Called with rows done, rows in all, and what is being done; raises to cancel."""

STRENGTH = ("member", "card", "phone", "openid", "name")
"""Kinds of identity, strongest first: a sale belongs to the strongest that stands on it."""

SHARED_AFTER = 5
"""A phone that stands with more member numbers than this is a shop's own or a made-up one, and joins nobody."""

HASH_KEY = "regulars.sales.1"  # 16 bytes; changing it would make every known sale look new


def quiet(done: int, total: int, step: Words) -> None:
    """No progress shown."""


@dataclass
class Taken:
    """What became of a reading: the batch, and the customers that it touches (identity numbers)."""

    batch: Batch
    identities: np.ndarray = field(default_factory=lambda: np.empty(0, dtype="int64"))
    is_repeat: bool = False


def digest_of(paths: Sequence[Path], mapping: dict[str, Any] | None = None) -> str:
    """SHA-256 over the bytes of the files and how they are to be read."""
    sha = hashlib.sha256(repr(sorted((mapping or {}).items())).encode())
    for path in sorted(paths):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                sha.update(block)
    return sha.hexdigest()


def take_in(
    reading: Reading,
    *,
    files: Sequence[str],
    digest: str,
    by: Staff | None = None,
    mapping: dict[str, str] | None = None,
    options: dict[str, Any] | None = None,
    store: str | None = None,
    progress: Progress = quiet,
) -> Taken:
    """Write a reading as a batch that nobody sees yet; `publish` makes it count.

    The same file with the same mapping a second time gives the first batch back and writes nothing.
    """
    repeat = Batch.objects.filter(digest=digest, state=BatchState.COMPLETE).first() if digest else None
    if repeat:
        return Taken(repeat, is_repeat=True)
    guess = reading.guesses[0] if reading.guesses else None
    batch = Batch.objects.create(
        files=list(files), digest=digest, reader=guess.reader if guess else "", by=by, mapping=mapping or {},
        kind="sales" if reading.sales.num_rows else "customers", options=options or {}, rows=reading.rows,
        refused=len(reading.refused), warnings=[list(w) for w in (*reading.warnings, *([reading.useful_for] if reading.useful_for else []))],
    )  # fmt: skip
    if reading.refused:
        vault.put_table(f"batch-{batch.id}-refused", _refused_table(reading))
        vault.put_table(f"batch-{batch.id}-problems", _problems_table(reading))
    identities: list[np.ndarray] = []
    sales_identity = np.empty(0, dtype="int64")
    if reading.sales.num_rows:
        sales_identity, others = _identities(batch, reading.sales, progress)
        identities += [sales_identity, others]
        _write_sales(batch, reading, sales_identity, store, progress)
    people_identity = np.empty(0, dtype="int64")
    if reading.people.num_rows:
        people_identity, others = _identities(batch, reading.people, progress)
        identities += [people_identity, others]
    if reading.extras.num_rows or reading.people.num_rows:
        kept = _with_identity(reading, sales_identity, people_identity)
        vault.put_table(f"batch-{batch.id}-extras", kept)
    touched = np.unique(np.concatenate(identities)) if identities else np.empty(0, dtype="int64")
    return Taken(batch, touched[touched > 0])


def _refused_table(reading: Reading) -> pa.Table:
    """Refused rows as they came, with the reason in both languages, to be corrected and imported again."""
    said = Words("{c}：{r}。{h}", "{c}: {r}. {h}")
    told = [said.fill(c=p.column, r=p.reason, h=p.hint) for p in reading.refused]
    table = reading.refused_rows
    if table.num_rows != len(told):
        table = pa.table({"row": pa.array([p.row for p in reading.refused], pa.int32())})
    return table.append_column("原因", pa.array([w.zh for w in told])).append_column("reason", pa.array([w.en for w in told]))


def _problems_table(reading: Reading) -> pa.Table:
    problems = reading.refused
    return pa.table({
        "row": pa.array([p.row for p in problems], pa.int32()), "column": pa.array([p.column for p in problems], pa.string()),
        "value": pa.array([p.value for p in problems], pa.string()),
        **{f"{part}_{lang}": pa.array([getattr(p, part).say(lang) for p in problems], pa.string())
           for part in ("reason", "hint") for lang in ("zh", "en")},
    })  # fmt: skip


def problems_of(batch: Batch, lang: str) -> list[dict[str, Any]]:
    """The refused rows of a batch in the contract's shape, as long as they are kept."""
    table = vault.get_table(f"batch-{batch.id}-problems")
    rows = table.to_pylist() if table is not None else []
    lang = "en" if lang.startswith("en") else "zh"
    return [
        {"row": r["row"], "column": r["column"], "value": r["value"], "reason": r[f"reason_{lang}"], "hint": r[f"hint_{lang}"]}
        for r in rows
    ]


# --- identities ------------------------------------------------------------------------------------------------------


def _column(table: pa.Table, name: str) -> pa.Array | None:
    if name not in table.column_names:
        return None
    column = table[name].combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return column if column.null_count < len(column) else None


def _identities(batch: Batch, table: pa.Table, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """The strongest identity of each row (0 = none) and every other identity that was written beside one; leaves the
    pairings behind as evidence of this batch."""
    progress(0, table.num_rows, Words("认人", "Who is who"))
    strongest, found = _who(table, identity_ids)
    for chunk in bulk.in_chunks(found.tolist(), bulk.CHUNK):
        with transaction.atomic():
            known = set(Pairing.objects.filter(batch=batch).values_list("one_id", "other_id"))
            bulk.insert(
                Pairing, ("batch_id", "one_id", "other_id"), [(batch.id, a, b) for a, b in chunk if (a, b) not in known]
            )
    return strongest, np.unique(found[:, 1])


def _who(table: pa.Table, ids_of: Callable[[str, Sequence[str]], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The strongest identity of each row (0 = none), and the pairs (strongest, other) written on one row."""
    n = table.num_rows
    strongest = np.zeros(n, dtype="int64")
    pairs: list[np.ndarray] = []
    company = _column(table, "company")
    for kind in STRENGTH:
        column = _column(table, kind)
        if column is None:
            continue
        if kind == "name":
            if company is None:
                continue
            column = pc.if_else(pc.fill_null(company, False), column, pa.scalar(None, column.type))
            if column.null_count == len(column):
                continue
        coded = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
        ids = ids_of(kind, coded.dictionary.to_pylist())
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        here = np.append(ids, 0)[codes]
        beside = (strongest != 0) & (here != 0)
        if beside.any():
            pairs.append(np.unique(np.stack([strongest[beside], here[beside]], axis=1), axis=0))
        strongest = np.where(strongest != 0, strongest, here)
    found = np.unique(np.concatenate(pairs), axis=0) if pairs else np.empty((0, 2), dtype="int64")
    return strongest, found


NUMBERS = ("member", "card")
"""Both are numbers that the shop has given out; files call the same number now one, now the other."""


def token_for(kind: str, value: str) -> bytes:
    """The token under which an identity is found; equal numbers have equal tokens, be they called card or member."""
    return keys().token("number" if kind in NUMBERS else kind, value)


def _there(kind: str, tokens: Sequence[bytes]) -> dict[bytes, int]:
    sql = f"SELECT id, token FROM {Identity._meta.db_table} WHERE kind = %s AND token IN ({{marks}})"
    return {bytes(token): i for i, token in bulk.rows_in(sql, tokens, [kind])}


def identity_ids(kind: str, values: Sequence[str]) -> np.ndarray:
    """Numbers of identities as written, made where they are new. One value, one row, whoever writes it."""
    tokens = [token_for(kind, value) for value in values]
    found = _there(kind, tokens)
    missing = [(t, v) for t, v in zip(tokens, values, strict=True) if t not in found]
    seal = keys().seal
    for chunk in bulk.in_chunks(missing, bulk.CHUNK):
        with transaction.atomic():
            first = bulk.reserve_ids(Identity, len(chunk))
            rows = [(first + k, kind, t, seal(v), False) for k, (t, v) in enumerate(chunk)]
            bulk.insert(Identity, ("id", "kind", "token", "written", "is_shared"), rows)
            found.update((t, first + k) for k, (t, _) in enumerate(chunk))
    return np.fromiter((found[t] for t in tokens), dtype="int64", count=len(tokens))


def _with_identity(reading: Reading, sales_identity: np.ndarray, people_identity: np.ndarray) -> pa.Table:
    """What `sales` does not read, kept for later stages: each row with the identity that it speaks of."""
    extras = reading.extras
    of = np.array(extras["of"].to_pylist()) if extras.num_rows else np.empty(0, dtype=object)
    index = extras["index"].to_numpy() if extras.num_rows else np.empty(0, dtype="int64")
    identity = np.zeros(extras.num_rows, dtype="int64")
    if extras.num_rows:
        on_sale = of == "sales"
        identity[on_sale] = sales_identity[index[on_sale]] if len(sales_identity) else 0
        identity[~on_sale] = people_identity[index[~on_sale]] if len(people_identity) else 0
    kept = extras.append_column("identity", pa.array(identity)) if extras.num_rows else extras
    if not reading.people.num_rows:
        return kept
    # Everybody on a list is named here once, even without any further column.
    listed = pa.table(
        {
            "of": pa.array(["listed"] * len(people_identity)),
            "index": pa.array(np.arange(len(people_identity), dtype="int32")),
            "identity": pa.array(people_identity),
            "name": reading.people["name"].cast(pa.string()) if "name" in reading.people.column_names else pa.nulls(len(people_identity), pa.string()),
            "is_company": reading.people["company"] if "company" in reading.people.column_names else pa.nulls(len(people_identity), pa.bool_()),
        }
    )
    return pa.concat_tables([kept, listed], promote_options="permissive") if kept.num_rows else listed


# --- receipts --------------------------------------------------------------------------------------------------------

SALE_COLUMNS = (
    "id", "batch_id", "key", "content", "row", "store_id", "identity_id", "kind", "day", "own_day", "at", "amount",
    "currency", "receipt", "refund_of", "party_size", "occasion", "served_by", "is_current",
)  # fmt: skip

_MIX = np.uint64(0x9E3779B97F4A7C15)


def _mix(*parts: np.ndarray) -> np.ndarray:
    """One 64-bit hash out of several columns of hashes or integers."""
    total = np.full(len(parts[0]), 0x243F6A8885A308D3, dtype="uint64")
    with np.errstate(over="ignore"):
        for part in parts:
            x = part.astype("uint64", copy=False)
            total = (total ^ (x + _MIX + (total << np.uint64(6)) + (total >> np.uint64(2)))) * np.uint64(0xBF58476D1CE4E5B9)
            total ^= total >> np.uint64(31)
    return total


def _text_hash(table: pa.Table, name: str, n: int) -> np.ndarray:
    column = _column(table, name)
    if column is None:
        return np.zeros(n, dtype="uint64")
    coded = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
    values = np.array(coded.dictionary.to_pylist(), dtype=object)
    hashed = pd.util.hash_array(values, hash_key=HASH_KEY, categorize=False) if len(values) else np.empty(0, "uint64")
    return np.append(hashed, np.uint64(0))[coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]


def _numbers(table: pa.Table, name: str, n: int) -> np.ndarray:
    column = _column(table, name)
    if column is None:
        return np.zeros(n, dtype="int64")
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    elif pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("s"), safe=False).cast(pa.int64())
    return pc.fill_null(column, 0).to_numpy(zero_copy_only=False).astype("int64")


def _texts(table: pa.Table, name: str, n: int, limit: int) -> list[str]:
    column = _column(table, name)
    if column is None:
        return [""] * n
    column = column.cast(pa.string())
    return pc.fill_null(pc.utf8_slice_codeunits(column, 0, limit), "").to_numpy(zero_copy_only=False).tolist()


def _stores(table: pa.Table, given: str | None, make: bool = True) -> np.ndarray:
    """Store numbers of each row; a store that is named for the first time opens with its name (in a trial it gets a
    number below zero)."""

    def number_of(name: str) -> int:
        if make:
            return Store.objects.get_or_create(name=name[:100])[0].id
        return Store.objects.filter(name=name[:100]).values_list("id", flat=True).first() or -1 - hash(name) % (1 << 30)

    business = Business.objects.first()
    fallback = given or (Store.objects.order_by("id").values_list("name", flat=True).first()) or (business.name if business else "1")
    column = _column(table, "store")
    if column is None or given:
        return np.full(table.num_rows, number_of(fallback), dtype="int64")
    coded = pc.fill_null(column.cast(pa.string()), fallback).dictionary_encode()
    ids = [number_of(name) for name in coded.dictionary.to_pylist()]
    return np.array(ids, dtype="int64")[coded.indices.to_numpy()]


def sale_keys(sales: pa.Table, stores: np.ndarray, identities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The key under which each receipt is known again, and the hash of all that it says.

    With a receipt number: store, day, number and kind (tills start their numbers anew each day). Without one: store,
    time, identity, amount and the occurrence among equal rows of the file.
    """
    n = sales.num_rows
    day, at = _numbers(sales, "day", n), _numbers(sales, "at", n)
    amount, kind, receipt = _numbers(sales, "amount", n), _text_hash(sales, "kind", n), _text_hash(sales, "receipt", n)
    numbered = receipt != 0
    plain = _mix(stores, np.where(at != 0, at, day), identities, amount, kind)
    again = pd.Series(plain).groupby(plain).cumcount().to_numpy()
    with_number = _mix(stores, day, receipt, kind)
    twice = pd.Series(with_number).groupby(with_number).cumcount().to_numpy()
    key = np.where(numbered, _mix(with_number, twice), _mix(plain, again)).view("int64")
    said = [_text_hash(sales, name, n) for name in ("refund_of", "occasion", "staff", "currency")]
    content = _mix(stores, day, at, identities, amount, kind, receipt, _numbers(sales, "party_size", n), *said)
    return key, content.view("int64")


def _write_sales(batch: Batch, reading: Reading, identities: np.ndarray, store: str | None, progress: Progress) -> None:
    sales, n = reading.sales, reading.sales.num_rows
    stores = _stores(sales, store)
    key, content = sale_keys(sales, stores, identities)
    known, amends, contested = _known(key, content)
    fresh = np.flatnonzero(known == 0)
    seen = np.flatnonzero(known > 0)
    columns = _sale_columns(batch, reading, sales, stores, identities, key, content)
    line_of = _lines_by_sale(reading)
    for start in range(0, len(fresh), bulk.CHUNK):
        pick = fresh[start : start + bulk.CHUNK]
        progress(start, n, Words("写入", "Writing"))
        with transaction.atomic():
            first = bulk.reserve_ids(Sale, len(pick))
            whole = len(pick) == n
            parts = [c if whole else [c[i] for i in pick.tolist()] for c in columns]
            bulk.insert(Sale, SALE_COLUMNS, zip(range(first, first + len(pick)), *parts, strict=True))
            if line_of is not None:
                _write_lines(line_of, pick, first)
    for chunk in bulk.in_chunks(known[seen].tolist(), bulk.CHUNK):
        with transaction.atomic():
            bulk.insert(Sighting, ("batch_id", "sale_id"), [(batch.id, i) for i in dict.fromkeys(chunk)])
    amended = int(amends.sum())
    batch.options = {**batch.options, "contested": contested}
    batch.new, batch.known = len(fresh) - amended, len(seen) + amended
    if amended:
        said = Words("有 {n} 张单和以前导入的不一样，以这次为准", "{n} receipts differ from an earlier import; this one counts")
        batch.warnings = [*batch.warnings, list(said.fill(n=amended))]
    day = _numbers(sales, "day", n)
    if n:
        epoch = date(1970, 1, 1).toordinal()
        batch.covers_from, batch.covers_until = (date.fromordinal(epoch + int(d)) for d in (day.min(), day.max()))
        last = pd.Series(day).groupby(stores).max()
        batch.covers = {str(s): date.fromordinal(epoch + int(d)).isoformat() for s, d in last.items()}
    batch.save()
    progress(n, n, Words("写入", "Writing"))


def _known(key: np.ndarray, content: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """For each row the number of a sale that says the same (0 = none); which rows say something new about a known
    receipt; and the keys about which more than one thing is now said."""
    known = np.zeros(len(key), dtype="int64")
    amends = np.zeros(len(key), dtype=bool)
    if not Sale.objects.exists():
        return known, amends, []
    table, batches = Sale._meta.db_table, Batch._meta.db_table
    sql = (
        f"SELECT s.key, s.content, s.id, s.is_current FROM {table} s JOIN {batches} b ON b.id = s.batch_id "
        f"WHERE b.state = 'complete' AND s.key IN ({{marks}})"
    )
    there: dict[int, dict[int, tuple[int, bool]]] = {}
    for k, c, i, is_current in bulk.rows_in(sql, key.tolist()):
        there.setdefault(k, {})[c] = (i, bool(is_current))
    contested: list[int] = []
    if there:
        for at, (k, c) in enumerate(zip(key.tolist(), content.tolist(), strict=True)):
            if (rows := there.get(k)) is not None:
                sale_id, is_current = rows.get(c, (0, False))
                known[at] = sale_id
                amends[at] = not sale_id
                if not is_current:
                    contested.append(k)
    return known, amends, contested


BY_HAND = ("attached",)
"""Readers whose rows are a person's word about one receipt; no file overrules them."""


def _settle(keys_in_question: Sequence[int]) -> None:
    """Of several rows about one receipt let the right one count: a person's word first, else the row that the latest
    batch wrote or saw."""
    sale, batches, sighting = Sale._meta.db_table, Batch._meta.db_table, Sighting._meta.db_table
    sql = (
        f"SELECT s.key, s.id, s.batch_id, b.reader, s.is_current, "
        f"(SELECT MAX(g.batch_id) FROM {sighting} g JOIN {batches} gb ON gb.id = g.batch_id "
        f" WHERE g.sale_id = s.id AND gb.state = 'complete') "
        f"FROM {sale} s JOIN {batches} b ON b.id = s.batch_id WHERE b.state = 'complete' AND s.key IN ({{marks}})"
    )
    best: dict[int, tuple[tuple[bool, int, int], int]] = {}
    now: dict[int, bool] = {}
    key_of: dict[int, int] = {}
    for key, sale_id, batch_id, reader, is_current, seen in bulk.rows_in(sql, sorted(set(keys_in_question))):
        rank = (reader in BY_HAND, max(batch_id, seen or 0), sale_id)
        now[sale_id], key_of[sale_id] = bool(is_current), key
        if key not in best or rank > best[key][0]:
            best[key] = (rank, sale_id)
    winners = {sale_id for _, sale_id in best.values()}
    for counts in (True, False):
        wrong = [i for i, is_current in now.items() if (i in winners) is counts and is_current is not counts]
        for chunk in bulk.in_chunks(wrong):
            Sale.objects.filter(id__in=chunk).update(is_current=counts)


def _sale_columns(
    batch: Batch, reading: Reading, sales: pa.Table, stores: np.ndarray, identities: np.ndarray,
    key: np.ndarray, content: np.ndarray,
) -> list[Any]:  # fmt: skip
    n = sales.num_rows
    business = Business.objects.first()
    zone = business.time_zone if business else "Asia/Shanghai"
    at: list[Any] = [None] * n
    if (column := _column(sales, "at")) is not None:
        utc = pc.assume_timezone(column.cast(pa.timestamp("s"), safe=False), zone, ambiguous="earliest", nonexistent="latest")
        plain = utc.cast(pa.timestamp("s", "UTC")).cast(pa.timestamp("s"))
        text = plain.cast(pa.string())
        at = (pc.binary_join_element_wise(text, "+00", "") if bulk.is_postgres() else text).to_numpy(zero_copy_only=False).tolist()
    party = _column(sales, "party_size")
    days = sales["day"].combine_chunks().cast(pa.string()).to_numpy(zero_copy_only=False).tolist()
    none_for_zero = [i or None for i in identities.tolist()]
    return [
        [batch.id] * n, key.tolist(), content.tolist(), _numbers(sales, "row", n).tolist(), stores.tolist(),
        none_for_zero, _texts(sales, "kind", n, 10), days, [None] * n, at, _numbers(sales, "amount", n).tolist(),
        [c or "CNY" for c in _texts(sales, "currency", n, 3)], _texts(sales, "receipt", n, 64),
        _texts(sales, "refund_of", n, 64), party.to_pylist() if party is not None else [None] * n,
        _texts(sales, "occasion", n, 40), _texts(sales, "staff", n, 60), [True] * n,
    ]  # fmt: skip


def _lines_by_sale(reading: Reading) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
    """Lines sorted by their sale: sale index, item number, quantity, amount."""
    lines = reading.lines
    if not lines.num_rows:
        return None
    n = lines.num_rows
    names, categories = _texts(lines, "item", n, 200), _texts(lines, "category", n, 100)
    wanted = dict.fromkeys(zip(names, categories, strict=True))
    found = {(i.name, i.category): i.id for i in Item.objects.filter(name__in=list({k[0] for k in wanted}))} if len(wanted) < bulk.IN_LIST else {(i.name, i.category): i.id for i in Item.objects.all()}
    missing = [k for k in wanted if k not in found]
    with transaction.atomic():
        Item.objects.bulk_create([Item(name=a, category=b) for a, b in missing], ignore_conflicts=True)
        if missing:
            found = {(i.name, i.category): i.id for i in Item.objects.all()}
    items = np.fromiter((found[k] for k in zip(names, categories, strict=True)), dtype="int64", count=n)
    sale = _numbers(lines, "sale", n)
    order = np.argsort(sale, kind="stable")
    quantity = _numbers(lines, "quantity", n) if "quantity" in lines.column_names else np.full(n, 1000)
    return sale[order], items[order], quantity[order], _numbers(lines, "amount", n)[order]


def _write_lines(lines: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray], pick: np.ndarray, first: int) -> None:
    sale, item, quantity, amount = lines
    low, high = np.searchsorted(sale, pick, "left"), np.searchsorted(sale, pick, "right")
    counts = high - low
    if not counts.sum():
        return
    at = np.repeat(low, counts) + (np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts))
    owner = np.repeat(np.arange(first, first + len(pick)), counts)
    rows = zip(owner.tolist(), item[at].tolist(), quantity[at].tolist(), amount[at].tolist(), strict=True)
    bulk.insert(SaleLine, ("sale_id", "item_id", "quantity", "amount"), rows)


# --- what would happen ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """What an import would do: receipts new and known, and the identities it names that nobody has met, in groups
    that stand on common rows."""

    new: int
    known: int
    identities: dict[int, tuple[str, bytes]]
    pairs: list[tuple[int, int]]


def try_out(reading: Reading, store: str | None = None) -> Trial:
    """Say what taking a reading in would do; writes nothing. Identities not met yet get numbers below zero."""
    named: dict[int, tuple[str, bytes]] = {}
    fresh: dict[tuple[str, bytes], int] = {}

    def ids_of(kind: str, values: Sequence[str]) -> np.ndarray:
        tokens = [token_for(kind, value) for value in values]
        there = _there(kind, tokens)
        ids = [there.get(t) or fresh.setdefault((kind, t), -1 - len(fresh)) for t in tokens]
        named.update((i, (kind, t)) for i, t in zip(ids, tokens, strict=True))
        return np.array(ids, dtype="int64")

    new = known = 0
    pairs: list[tuple[int, int]] = []
    if reading.sales.num_rows:
        who, found = _who(reading.sales, ids_of)
        key, content = sale_keys(reading.sales, _stores(reading.sales, store, make=False), who)
        seen, amends, _ = _known(key, content)
        known = int((seen > 0).sum() + amends.sum())
        new = reading.sales.num_rows - known
        pairs += [(int(a), int(b)) for a, b in found]
    if reading.people.num_rows:
        _, found = _who(reading.people, ids_of)
        pairs += [(int(a), int(b)) for a, b in found]
    return Trial(new, known, named, pairs)


# --- publish, release ------------------------------------------------------------------------------------------------


def publish(batch: Batch) -> None:
    """Make a written batch count, all at once. Call it inside the transaction in which the stages absorb it."""
    contested = batch.options.pop("contested", [])
    _link_refunds(batch)
    batch.state = BatchState.COMPLETE
    batch.save()
    _settle(contested)
    _set_known_until(batch.covers)
    audit("import", f"batch {batch.id}", by=batch.by, detail={"rows": batch.rows, "new": batch.new, "refused": batch.refused})


def _set_known_until(covers: dict[str, str]) -> None:
    """A store's last covered day is the latest of what the batches that count say."""
    latest: dict[int, str] = {}
    ids = [int(i) for i in covers]
    for said in Batch.objects.filter(state=BatchState.COMPLETE).exclude(covers={}).values_list("covers", flat=True):
        for store, day in said.items():
            if int(store) in ids:
                latest[int(store)] = max(day, latest.get(int(store), ""))
    for i in ids:
        Store.objects.filter(id=i).update(known_until=date.fromisoformat(latest[i]) if latest.get(i) else None)


def _link_refunds(batch: Batch) -> None:
    """A refund that names its receipt counts on the day of that receipt, whichever of the two came first."""
    refunds = Sale.objects.filter(is_current=True, kind=SaleKind.REFUND).exclude(refund_of="")
    mine = list(refunds.filter(batch=batch))
    named = {r.refund_of for r in mine}
    for chunk in bulk.in_chunks(sorted(named)):
        originals = dict(
            Sale.objects.filter(is_current=True, receipt__in=chunk, kind=SaleKind.SALE)
            .exclude(batch__state=BatchState.UNDONE)
            .values_list("receipt", "day")
        ) if len(mine) else {}
        for refund in mine:
            day = originals.get(refund.refund_of)
            if day and day != refund.day:
                refund.own_day, refund.day = refund.day, day
                refund.save(update_fields=["day", "own_day"])
    waiting = refunds.filter(own_day=None).exclude(batch=batch).exclude(batch__state=BatchState.UNDONE)
    if waiting.exists():
        for refund in waiting.iterator():
            day = Sale.objects.filter(batch=batch, receipt=refund.refund_of, kind=SaleKind.SALE).values_list("day", flat=True).first()
            if day and day != refund.day:
                refund.own_day, refund.day = refund.day, day
                refund.save(update_fields=["day", "own_day"])


@dataclass
class Released:
    """What undoing took away: the identities whose sales changed."""

    identities: np.ndarray
    sales: int


def release(batch: Batch, progress: Progress = quiet) -> Released:
    """Take a batch's sales back. The batch must already be out of sight (state `undone` or `writing`).

    Sales that another batch has seen too pass to the earliest of those; for keys whose newest row goes, the row before
    counts again. Safe to call again after a crash.
    """
    sale, sighting = Sale._meta.db_table, Sighting._meta.db_table
    touched = {i for (i,) in bulk.rows(f"SELECT DISTINCT identity_id FROM {sale} WHERE batch_id = %s AND identity_id IS NOT NULL", [batch.id])}
    touched |= {i for pair in bulk.rows(f"SELECT one_id, other_id FROM {Pairing._meta.db_table} WHERE batch_id = %s", [batch.id]) for i in pair}
    total = Sale.objects.filter(batch=batch).count()
    contested = _contested_by(batch)
    Sighting.objects.filter(batch=batch).delete()
    heirs = bulk.rows(
        f"SELECT g.sale_id, MIN(g.batch_id) FROM {sighting} g JOIN {sale} s ON s.id = g.sale_id "
        f"WHERE s.batch_id = %s GROUP BY g.sale_id", [batch.id],
    )  # fmt: skip
    for chunk in bulk.in_chunks(heirs):
        with transaction.atomic():
            for sale_id, heir in chunk:
                Sale.objects.filter(id=sale_id).update(batch_id=heir)
                Sighting.objects.filter(sale_id=sale_id, batch_id=heir).delete()
    _unlink_refunds(batch)
    bounds = bulk.rows(f"SELECT MIN(id), MAX(id) FROM {sale} WHERE batch_id = %s", [batch.id])[0]
    if bounds[0] is not None:
        has_lines = SaleLine.objects.filter(sale__batch=batch).exists()
        for low in range(bounds[0], bounds[1] + 1, bulk.CHUNK):
            span = [batch.id, low, low + bulk.CHUNK]
            with transaction.atomic():
                if has_lines:
                    bulk.execute(
                        f"DELETE FROM {SaleLine._meta.db_table} WHERE sale_id IN "
                        f"(SELECT id FROM {sale} WHERE batch_id = %s AND id >= %s AND id < %s)", span,
                    )  # fmt: skip
                bulk.execute(f"DELETE FROM {sale} WHERE batch_id = %s AND id >= %s AND id < %s", span)
            progress(min(low + bulk.CHUNK - bounds[0], total), total, Words("撤回", "Taking back"))
    _settle(contested)
    Pairing.objects.filter(batch=batch).delete()
    if batch.covers:
        _set_known_until(batch.covers)
    return Released(np.array(sorted(touched), dtype="int64"), total)


def _contested_by(batch: Batch) -> list[int]:
    """Keys about which this batch and another both say or saw something."""
    sale, sighting = Sale._meta.db_table, Sighting._meta.db_table
    found = bulk.rows(
        f"SELECT DISTINCT s.key FROM {sale} s JOIN {sale} o ON o.key = s.key AND o.id <> s.id "
        f"WHERE s.batch_id = %s OR s.id IN (SELECT g.sale_id FROM {sighting} g WHERE g.batch_id = %s)",
        [batch.id, batch.id],
    )
    return [k for (k,) in found]


def _unlink_refunds(batch: Batch) -> None:
    """Refunds of receipts that go count on their own day again."""
    refunds = Sale.objects.filter(kind=SaleKind.REFUND, own_day__isnull=False).exclude(batch=batch)
    for refund in refunds.iterator():
        if Sale.objects.filter(batch=batch, receipt=refund.refund_of).exists():
            refund.day, refund.own_day = refund.own_day, None
            refund.save(update_fields=["day", "own_day"])


def forget_unused_identities(ids: np.ndarray) -> int:
    """Delete identities that nothing speaks of any more; called after every stage has released its own."""
    identity, sale, pairing = Identity._meta.db_table, Sale._meta.db_table, Pairing._meta.db_table
    gone = 0
    for chunk in bulk.in_chunks(ids.tolist()):
        marks = ", ".join(["%s"] * len(chunk))
        unused = [
            i for (i,) in bulk.rows(
                f"SELECT i.id FROM {identity} i WHERE i.id IN ({marks}) "
                f"AND NOT EXISTS (SELECT 1 FROM {sale} s WHERE s.identity_id = i.id) "
                f"AND NOT EXISTS (SELECT 1 FROM {pairing} p WHERE p.one_id = i.id) "
                f"AND NOT EXISTS (SELECT 1 FROM {pairing} p WHERE p.other_id = i.id)", list(chunk),
            )
        ]  # fmt: skip
        gone += Identity.objects.filter(id__in=unused, details__isnull=True, founded__is_by_hand__isnull=True).delete()[0] if unused else 0
    return gone


def clear_unfinished() -> int:
    """Remove what a crash left half written; nobody has seen it. Returns how many batches went."""
    batches = list(Batch.objects.filter(state=BatchState.WRITING))
    for batch in batches:
        released = release(batch)
        vault.forget(f"batch-{batch.id}-extras")
        vault.forget(f"batch-{batch.id}-refused")
        batch.delete()
        forget_unused_identities(released.identities)
    return len(batches)


def record_sale(
    *, store: Store, day: date, amount: int, identity: Identity | None = None, at: datetime | None = None,
    occasion: str = "", party_size: int | None = None, by: Staff | None = None,
) -> Sale:  # fmt: skip
    """Write one sale by hand: a batch of its own, so that it can be taken back like any other."""
    if day > timezone.now().astimezone(ZoneInfo("Asia/Shanghai")).date():
        raise Refused(Words("日期在将来，请检查", "The day lies in the future; please check it"))
    with transaction.atomic():
        batch = Batch.objects.create(reader="by-hand", files=[], by=by, rows=1, new=1, covers_from=day, covers_until=day)
        sale = Sale.objects.create(
            batch=batch, key=-batch.id, content=-batch.id, store=store, identity=identity, day=day, at=at, amount=amount,
            kind=SaleKind.SALE if amount > 0 else SaleKind.REFUND if amount < 0 else SaleKind.ATTENDANCE,
            occasion=occasion, party_size=party_size, served_by=by.name if by else "",
        )  # fmt: skip
        batch.state = BatchState.COMPLETE
        batch.save(update_fields=["state"])
        audit("record-sale", f"batch {batch.id}", by=by, detail={"amount": amount})
    return sale


def attach(sale: Sale, identity: Identity, *, by: Staff | None = None) -> Sale:
    """Give an anonymous receipt to a customer: the anonymous row stays and stops counting, a new one names her."""
    if sale.identity_id is not None:
        raise Refused(Words("这张单已经有主人了", "This receipt already belongs to somebody"))
    with transaction.atomic():
        if not Sale.objects.filter(id=sale.id, is_current=True).update(is_current=False):
            raise Refused(Words("这张单刚被别人改过，请刷新再看", "Somebody has just changed this receipt; please reload"))
        batch = Batch.objects.create(reader="attached", files=[], by=by, rows=1, new=0, covers_from=sale.day, covers_until=sale.day)
        named = Sale.objects.create(
            batch=batch, key=sale.key, content=-batch.id, row=sale.row, store_id=sale.store_id, identity=identity,
            kind=sale.kind, day=sale.day, own_day=sale.own_day, at=sale.at, amount=sale.amount, currency=sale.currency,
            receipt=sale.receipt, refund_of=sale.refund_of, party_size=sale.party_size, occasion=sale.occasion,
            served_by=sale.served_by,
        )  # fmt: skip
        for line in sale.lines.all():
            SaleLine.objects.create(sale=named, item_id=line.item_id, quantity=line.quantity, amount=line.amount)
        batch.state = BatchState.COMPLETE
        batch.save(update_fields=["state"])
        audit("attach-sale", f"sale {named.id}", by=by)
    return named


assert set(STRENGTH) == set(IdentityKind.values), "every kind of identity has its place in the order of strength"
