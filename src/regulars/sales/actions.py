"""Verbs of sales: take a reading in as a batch, take a batch back, write a sale by hand.

A batch is written in short transactions that nobody sees until `publish`; a crash in the middle leaves a batch in
state `writing`, which `clear_unfinished` removes without a trace. Rows are never edited. What a later file says
differently about the same receipt is a new row; what it says in the same words is a `Sighting`. So undoing a batch can
give the state as if that file had never come, whatever was imported since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
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
from django.db.models import Max
from django.utils import timezone

from regulars.sales.identities import (
    STRENGTH,
    Who,
    column_of,
    forget_identities,
    identity_ids,
    known_ids,
    token_for,
    who_is_who,
)  # fmt: skip
from regulars.sales.left_out import why_left_out
from regulars.sales.models import Batch, BatchState, Identity, Pairing, Sale, SaleKind, SaleLine, Sighting
from regulars.sales.reading import Reading
from regulars.sales.receipts import (
    ATTACHED,
    Keyed,
    Known,
    Lines,
    carry_over,
    contested_by,
    inherit,
    keyed,
    known_sales,
    named_content,
    numbers,
    reversal_table,
    reversals,
    sale_table,
    settle,
    settle_refunds,
    sightings,
    write_sales,
)  # fmt: skip
from regulars.sales.rules.vanished import known_share, vanished_on
from regulars.shop import bulk, vault
from regulars.shop.models import Business, Staff, Store, audit
from regulars.shop.rules.masks import without_numbers
from regulars.shop.words import Refused, Words

__all__ = ["STRENGTH", "forget_identities", "identity_ids", "inherit", "token_for"]

Progress = Callable[[int, int, Words], None]
"""Called with rows done, rows in all, and what is being done; raises to cancel."""

BY_HAND = "by-hand"

WRITING = Words("写入", "Writing")
AMENDED = Words(
    "有 {n} 张单和以前导入的不一样，以这次为准：{which}。要是一张单被分在两个文件里，请撤回，两个文件一起选上再导",
    "{n} receipts differ from an earlier import; this one counts: {which}. If an export has cut a receipt in two, take "
    "both imports back and choose the files together",
)
REVERSED = Words(
    "有 {n} 张以前导入的单，这次说已经反结账、取消或退款了，不再计入：{which}",
    "{n} receipts of earlier imports are now reversed, cancelled or paid back and count no longer: {which}",
)
IN_THE_FUTURE = Words(
    "有 {n} 张单的日期在将来（最晚 {day}），请检查收银机的日期",
    "{n} receipts lie in the future (the last on {day}); please check the date of the till",
)
FORGOTTEN = Words(
    "有 {n} 行是要求删除过的顾客：金额照记，不再认人。她本人要是又想当熟客，当面重新登记就行",
    "{n} rows belong to customers who asked to be deleted: the amounts count, nobody is known by them. Whoever wants to be "
    "known again can be written in anew at the counter",
)
VANISHED = Words(
    "从 {day} 起，老顾客几乎一个都没再来，单子却照常有：多半是换了收银系统或重发了卡号，不是顾客都走了。"
    "请导入新旧卡号对照（一行里同时写旧卡号和新卡号），或导入带手机号的会员名单",
    "From {day} on hardly any known customer came again although receipts went on: most likely the numbers were given "
    "out anew, and nobody is lost. Import a list that names old and new number (or the phone) on one row",
)


def quiet(done: int, total: int, step: Words) -> None:
    """No progress shown."""


def nobody() -> np.ndarray:
    return np.empty(0, dtype="int64")


@dataclass
class Taken:
    """What became of a reading: the batch that nobody sees yet, the identities that it names, those of its customer
    list, and the keys about which it and an earlier batch say different things."""

    batch: Batch
    identities: np.ndarray = field(default_factory=nobody)
    listed: np.ndarray = field(default_factory=nobody)
    contested: np.ndarray = field(default_factory=nobody)


def digest_of(paths: Sequence[Path], mapping: dict[str, Any] | None = None) -> str:
    """SHA-256 over the bytes of the files and how they are to be read."""
    sha = hashlib.sha256(repr(sorted((mapping or {}).items())).encode())
    for path in sorted(paths):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                sha.update(block)
    return sha.hexdigest()


# --- take in ---------------------------------------------------------------------------------------------------------


def take_in(
    reading: Reading, *, files: Sequence[str], digest: str, by: Staff | None = None,
    mapping: dict[str, str] | None = None, options: dict[str, Any] | None = None, store: str | None = None,
    progress: Progress = quiet,
) -> Taken:  # fmt: skip
    """Write a reading as a batch that nobody sees yet; `publish` makes it count. Hold the turn."""
    guess = reading.guesses[0] if reading.guesses else None
    batch = Batch.objects.create(
        files=[without_numbers(name) for name in files], digest=digest, reader=guess.reader if guess else "", by=by,
        mapping={h: f for h, f in (mapping or {}).items() if without_numbers(h) == h},
        kind="sales" if reading.sales.num_rows or reading.reversed.num_rows else "customers", options=options or {}, rows=reading.rows,
        refused=len(reading.refused), warnings=[list(w) for w in warnings_of(reading)],
        first_identity=(Identity.objects.aggregate(n=Max("id"))["n"] or 0) + 1,
    )  # fmt: skip
    if reading.refused:
        vault.put_table(f"batch-{batch.id}-refused", refused_table(reading))
        vault.put_table(f"batch-{batch.id}-problems", _problems_table(reading))
    buyers, people, contested = Who(*[nobody()] * 4), Who(*[nobody()] * 4), nobody()
    if reading.sales.num_rows:
        progress(0, reading.sales.num_rows, Words("认人", "Who is who"))
        buyers = _met(batch, reading.sales)
        contested = _write(batch, reading, buyers, store, progress)
    elif reading.reversed.num_rows:
        contested = _reverse(batch, reading, None, store)
    if reading.people.num_rows:
        people = _met(batch, reading.people)
    if forgotten := len(buyers.forgotten) + len(people.forgotten):
        batch.warnings = [*batch.warnings, list(FORGOTTEN.fill(n=forgotten))]
    kept = _kept(reading, _but_forgotten(buyers), _but_forgotten(people))
    if kept is not None:
        vault.put_table(f"batch-{batch.id}-extras", kept)
    batch.save()
    met = [w.strongest for w in (buyers, people)] + [w.pairs.ravel() for w in (buyers, people)]
    return Taken(batch, _named(*met), _named(people.strongest), contested)


LEFT_OUT = -1
"""Stands for the rows of the forgotten where the columns beside the sales are kept."""


def _but_forgotten(who: Who) -> np.ndarray:
    marked = who.strongest.copy()
    marked[who.forgotten] = LEFT_OUT
    return marked


def _named(*arrays: np.ndarray) -> np.ndarray:
    found = pd.unique(np.concatenate(arrays))
    return np.sort(found[found > 0])


def warnings_of(reading: Reading) -> list[Words]:
    """What the person should know beside the numbers."""
    found = list(reading.warnings)
    if reading.useful_for is not None and reading.useful_for not in found:
        found.append(reading.useful_for)
    return found


def _met(batch: Batch, table: pa.Table) -> Who:
    """Who stands on the rows; leaves the pairings behind as evidence of this batch."""
    who = who_is_who(table, identity_ids)
    for chunk in bulk.in_chunks(who.pairs.tolist(), bulk.CHUNK):
        with transaction.atomic():
            known = set(Pairing.objects.filter(batch=batch).values_list("one_id", "other_id"))
            fresh = [(batch.id, a, b) for a, b in chunk if (a, b) not in known]
            bulk.insert(Pairing, ("batch_id", "one_id", "other_id"), fresh)
    return who


def _write(batch: Batch, reading: Reading, who: Who, store: str | None, progress: Progress) -> np.ndarray:
    """Write the receipts; returns the keys that are contested."""
    sales = reading.sales
    stores, opened = _stores(sales, store)
    receipts = keyed(sales, stores, who, reading.lines)
    known = known_sales(receipts)
    fresh = np.flatnonzero(known.sale == 0)
    write_sales(sale_table(batch, sales, stores, who, receipts), fresh, Lines.of(reading), progress, WRITING)
    sightings(batch, pd.unique(known.sale[known.sale > 0]).tolist())
    amended = int(known.amends.sum())
    batch.new, batch.known = len(fresh) - amended, sales.num_rows - len(fresh) + amended
    day = numbers(sales, "day")
    epoch = date(1970, 1, 1).toordinal()
    batch.covers_from, batch.covers_until = (date.fromordinal(epoch + int(d)) for d in (day.min(), day.max()))
    # A till's wrong date must not make the store look known for years: days that have not come say nothing.
    come = day <= today().toordinal() - epoch
    last = pd.Series(day[come]).groupby(stores[come]).max()
    batch.covers = dict.fromkeys(map(str, np.unique(stores).tolist()), "")
    batch.covers |= {str(s): date.fromordinal(epoch + int(d)).isoformat() for s, d in last.items()}
    said, usual, vanished = _striking(day, who.strongest, _amended(sales, known), batch.first_identity)
    broken = {"vanished_on": vanished.isoformat()} if vanished else {}
    batch.warnings = [*batch.warnings, *map(list, said), *map(list, _unplaced(sales, store))]
    batch.options = {
        **batch.options,
        "known_share": usual,
        **broken,
        **({"opened": opened} if opened else {}),
    }
    turned = _reverse(batch, reading, receipts, store)
    progress(sales.num_rows, sales.num_rows, WRITING)
    return np.concatenate([known.contested, turned])


def _reverse(batch: Batch, reading: Reading, sold: Keyed | None, store: str | None) -> np.ndarray:
    """Write what the file says of receipts that it does not count any more; returns their keys."""
    table, stores, receipts = _reversals(reading, sold, store)
    if not table.num_rows:
        return nobody()
    known = known_sales(receipts)
    fresh = np.flatnonzero(known.sale == 0)
    write_sales(reversal_table(batch, table, stores, receipts), fresh, None, quiet, WRITING)
    sightings(batch, pd.unique(known.sale[known.sale > 0]).tolist())
    batch.known += table.num_rows
    if len(fresh):
        said = REVERSED.fill(n=len(fresh), which=_some(table["receipt"].take(pa.array(fresh)).to_pylist()))
        batch.warnings = [*batch.warnings, list(said)]
    return np.unique(receipts.key)


def _reversals(reading: Reading, sold: Keyed | None, store: str | None) -> tuple[pa.Table, np.ndarray, Keyed]:
    """The reversed receipts of a reading that are known, with their stores and keys."""
    table = reading.reversed
    if not table.num_rows or not Sale.objects.exists():
        return table.slice(0, 0), nobody(), Keyed(nobody(), nobody())
    stores, _ = _stores(table, store, make=False)
    receipts, news = reversals(table, stores, sold)
    return table.filter(pa.array(news)), stores[news], Keyed(receipts.key[news], receipts.content[news])


def _some(receipts: Sequence[str | None], most: int = 5) -> str:
    """The first of some receipt numbers, for a sentence."""
    named = [r for r in receipts if r]
    return "、".join(named[:most]) + ("…" if len(named) > most else "")


def reverses(reading: Reading, store: str | None = None) -> bool:
    """Whether a reading says of a known receipt that it is none."""
    return bool(_reversals(reading, None, store)[0].num_rows)


def _amended(table: pa.Table, known: Known) -> list[str | None]:
    """The numbers of the receipts that a file tells otherwise than the files before."""
    found: list[str | None] = table["receipt"].take(pa.array(np.flatnonzero(known.amends))).to_pylist()
    return found


def _striking(
    day: np.ndarray, identity: np.ndarray, amended: list[str | None], first_new: int
) -> tuple[list[Words], dict[str, float], date | None]:
    """What strikes one about receipts beside those already known, in a trial as in the import; the usual share of
    known customers; and the day on which they vanished. Identities from `first_new` on have not been met before."""
    epoch = date(1970, 1, 1).toordinal()
    said = [AMENDED.fill(n=len(amended), which=_some(amended) or "—")] if amended else []
    tomorrow = timezone.now().date().toordinal() + 1 - epoch
    if future := int((day > tomorrow).sum()):
        said.append(IN_THE_FUTURE.fill(n=future, day=date.fromordinal(epoch + int(day.max()))))
    usual, vanished = _vanished(day, identity, first_new)
    gone = None if vanished is None else date.fromordinal(epoch + vanished)
    if gone:
        said.append(VANISHED.fill(day=gone))
    return said, usual, gone


def _vanished(day: np.ndarray, identity: np.ndarray, first_new: int) -> tuple[dict[str, float], int | None]:
    """The share of known customers on the last days of a file, and the day on which they vanished if they did."""
    named = identity > 0
    if not named.any():
        return {}, None
    codes, people = pd.factorize(identity[named])
    first = pd.Series(day[named]).groupby(codes).min().to_numpy()
    first[people < first_new] = int(day.min()) - 1  # the shop knew them before
    start, receipts, known = known_share(day[named], first[codes])
    before: dict[int, float] = {}
    for options in (
        Batch.objects.filter(state=BatchState.COMPLETE, options__has_key="known_share")
        .order_by("-id")
        .values_list("options", flat=True)[:50]
    ):
        before.update({int(d): s for d, s in options.get("known_share", {}).items() if int(d) not in before})
    vanished = vanished_on(start, receipts, known, {d: s for d, s in before.items() if d < start})
    tail = range(max(len(receipts) - 42, 0), max(len(receipts) - 6, 0))
    return {
        str(start + k): round(float(known[k] / receipts[k]), 3) for k in tail if receipts[k] >= 30
    }, vanished


NO_STORE = Words(
    "有 {n} 张单没写是哪家店的，都记在「{s}」。不对的话，撤回这次导入，选好门店再导一次。",
    "{n} receipts do not say of which store they are and stand under {s}. If that is wrong, take this import back, choose "
    "the store and bring the file in again.",
)


def _unplaced(table: pa.Table, given: str | None) -> list[Words]:
    """Where a business has several stores: how many receipts name none and nobody has said which it is."""
    names = list(Store.objects.order_by("id").values_list("name", flat=True)[:2])
    column = column_of(table, "store")
    n = table.num_rows if column is None else column.null_count
    return [NO_STORE.fill(n=n, s=names[0])] if n and not given and len(names) > 1 else []


def _stores(table: pa.Table, given: str | None, make: bool = True) -> tuple[np.ndarray, list[int]]:
    """Store numbers of each row, and those that were opened because a file names them for the first time (in a trial
    they get numbers below zero)."""
    opened: list[int] = []
    unknown: dict[str, int] = {}

    def number_of(name: str) -> int:
        name = without_numbers(name.strip())[:100]
        if not make:
            known = Store.objects.filter(name=name).values_list("id", flat=True).first()
            return known or unknown.setdefault(name, -1 - len(unknown))
        store, is_new = Store.objects.get_or_create(name=name)
        if is_new:
            opened.append(store.id)
        return int(store.id)

    business = Business.objects.first()
    fallback = (
        given
        or Store.objects.order_by("id").values_list("name", flat=True).first()
        or (business.name if business else "1")
    )
    column = column_of(table, "store")
    if column is None or given:
        return np.full(table.num_rows, number_of(fallback), dtype="int64"), opened
    coded = pc.fill_null(column.cast(pa.string()), fallback).dictionary_encode()
    ids = [number_of(name) for name in coded.dictionary.to_pylist()]
    return np.array(ids, dtype="int64")[coded.indices.to_numpy()], opened


def _kept(reading: Reading, buyers: np.ndarray, people: np.ndarray) -> pa.Table | None:
    """What `sales` does not read, kept for later stages: each row with the identity that it speaks of. Everybody on a
    list is named once ("listed"), even without any further column; a name on a receipt is kept too."""
    parts: list[pa.Table] = []
    extras = reading.extras
    if extras.num_rows:
        on_sale = pc.equal(extras["of"], "sales").to_numpy()
        index = extras["index"].to_numpy()
        identity = np.zeros(extras.num_rows, dtype="int64")
        for mask, who in ((on_sale, buyers), (~on_sale, people)):
            if mask.any():
                identity[mask] = who[index[mask]]
        parts.append(extras.append_column("identity", pa.array(identity)))
    called = column_of(reading.sales, "name")
    if called is not None:
        rows = pa.array(np.flatnonzero(pc.is_valid(called).to_numpy(zero_copy_only=False) & (buyers > 0)))
        named = pa.table(
            {"identity": pa.array(buyers).take(rows), "name": called.take(rows).cast(pa.string())}
        )
        last = named.append_column("index", rows.cast(pa.int32())).group_by("identity", use_threads=False).aggregate(
            [("name", "last"), ("index", "last")]
        ).rename_columns(["identity", "name", "index"])  # fmt: skip
        company = reading.sales["company"].take(last["index"])
        parts.append(
            last.append_column("of", pa.repeat(pa.scalar("sales"), len(last))).append_column(
                "is_company", company
            )
        )
    if reading.people.num_rows:
        n = reading.people.num_rows
        columns = {c: reading.people[c] for c in ("name", "company") if c in reading.people.column_names}
        if "company" in columns:
            columns["is_company"] = columns.pop("company")
        parts.append(pa.table({
            "of": pa.repeat(pa.scalar("listed"), n), "index": pa.array(np.arange(n, dtype="int32")),
            "identity": pa.array(people), **columns,
        }))  # fmt: skip
    if not parts:
        return None
    kept = pa.concat_tables(parts, promote_options="permissive")
    return kept.filter(pc.not_equal(kept["identity"], LEFT_OUT))


# --- refused rows ----------------------------------------------------------------------------------------------------


def refused_table(reading: Reading) -> pa.Table:
    """Refused rows as they came, with the reason in both languages, to be corrected and imported again."""
    told = [why_left_out(p) for p in reading.refused]
    table = reading.refused_rows
    if table.num_rows != len(told):
        table = pa.table({"row": pa.array([p.row for p in reading.refused], pa.int32())})
    return table.append_column("原因", pa.array([w.zh for w in told])).append_column(
        "reason", pa.array([w.en for w in told])
    )


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
        {
            "row": r["row"],
            "column": r["column"],
            "value": r["value"],
            "reason": r[f"reason_{lang}"],
            "hint": r[f"hint_{lang}"],
        }
        for r in rows
    ]


# --- what would happen ------------------------------------------------------------------------------------------------


NOT_MET = 1 << 40
"""Beyond the number of any identity in a shop."""


@dataclass(frozen=True)
class Trial:
    """What an import would do: receipts new and known, and the identities it names with those that stand on common
    rows; identities not met yet have numbers below zero. `listed`: the identities of a customer list. `warnings`: what
    the import would say beside the numbers."""

    new: int
    known: int
    identities: dict[int, tuple[str, bytes]]
    pairs: list[tuple[int, int]]
    listed: set[int]
    warnings: list[Words]


def try_out(reading: Reading, store: str | None = None) -> Trial:
    """Say what taking a reading in would do; writes nothing."""
    named: dict[int, tuple[str, bytes]] = {}
    fresh: dict[tuple[str, bytes], int] = {}

    def ids_of(kind: str, values: Sequence[str], tokens: Sequence[bytes]) -> np.ndarray:
        there = known_ids(kind, tokens)
        ids = [there.get(t) or fresh.setdefault((kind, t), -1 - len(fresh)) for t in tokens]
        named.update((i, (kind, t)) for i, t in zip(ids, tokens, strict=True))
        return np.array(ids, dtype="int64")

    new = known = forgotten = 0
    sold = None
    warnings = warnings_of(reading)
    pairs: list[tuple[int, int]] = []
    listed: set[int] = set()
    if reading.sales.num_rows:
        who = who_is_who(reading.sales, ids_of)
        sold = keyed(reading.sales, _stores(reading.sales, store, make=False)[0], who, reading.lines)
        seen = known_sales(sold)
        known = int((seen.sale > 0).sum() + seen.amends.sum())
        new = reading.sales.num_rows - known
        unmet = np.where(who.strongest < 0, NOT_MET - who.strongest, who.strongest)
        amended = _amended(reading.sales, seen)
        warnings += _striking(numbers(reading.sales, "day"), unmet, amended, NOT_MET)[0]
        warnings += _unplaced(reading.sales, store)
        pairs += [(a, b) for a, b in who.pairs.tolist()]
        forgotten += len(who.forgotten)
    known += _reversals(reading, sold, store)[0].num_rows
    if reading.people.num_rows:
        who = who_is_who(reading.people, ids_of)
        listed = set(who.strongest.tolist()) - {0}
        pairs += [(a, b) for a, b in who.pairs.tolist()]
        forgotten += len(who.forgotten)
    if forgotten:
        warnings.append(FORGOTTEN.fill(n=forgotten))
    return Trial(new, known, named, pairs, listed, warnings)


# --- publish, take back -----------------------------------------------------------------------------------------------


def publish(batch: Batch, contested: Iterable[int] = ()) -> np.ndarray:
    """Make a written batch count, all at once. Call it inside the transaction in which the stages absorb it. Returns
    the identities whose earlier sales changed thereby."""
    batch.state = BatchState.COMPLETE
    batch.warnings = [[without_numbers(said) for said in words] for words in batch.warnings]
    batch.save()
    changed = settle(contested) | settle_refunds(batch)
    _set_known_until(batch.covers)
    audit(
        "import",
        f"batch {batch.id}",
        by=batch.by,
        detail={"rows": batch.rows, "new": batch.new, "refused": batch.refused},
    )
    return np.array(sorted(changed), dtype="int64")


def _set_known_until(covers: dict[str, str]) -> None:
    """A store's last covered day is the latest of what the batches that count say."""
    latest: dict[int, str] = {}
    ids = [int(i) for i in covers]
    for said in (
        Batch.objects.filter(state=BatchState.COMPLETE).exclude(covers={}).values_list("covers", flat=True)
    ):
        for store, day in said.items():
            if int(store) in ids:
                latest[int(store)] = max(day, latest.get(int(store), ""))
    for i in ids:
        Store.objects.filter(id=i).update(
            known_until=date.fromisoformat(latest[i]) if latest.get(i) else None
        )


def release(batch: Batch) -> np.ndarray:
    """Let what a batch said stop counting; its rows are still there. Returns the identities that are touched.

    The batch is out of sight already (state `undoing`) and has passed on what others have seen too (`inherit`). Call
    it inside the transaction in which the stages release it. Safe to call again.
    """
    sale, pairing = Sale._meta.db_table, Pairing._meta.db_table
    own = bulk.rows(
        f"SELECT DISTINCT identity_id FROM {sale} WHERE batch_id = %s AND identity_id IS NOT NULL", [batch.id]
    )
    beside = bulk.rows(f"SELECT one_id, other_id FROM {pairing} WHERE batch_id = %s", [batch.id])
    changed = settle(contested_by(batch)) | settle_refunds(batch)
    Sighting.objects.filter(batch=batch).delete()
    Pairing.objects.filter(batch=batch).delete()
    _set_known_until(batch.covers)
    return np.array(sorted(changed.union(*own, *beside)), dtype="int64")


def clear(batch: Batch, free: Callable[[Sequence[int]], list[int]], progress: Progress = quiet) -> None:
    """Delete the rows of a batch that does not count, in short transactions, with every identity that nothing speaks
    of any more. `free`: which identities the later stages have let go of. Goes on where a crash cut it off."""
    sale, line = Sale._meta.db_table, SaleLine._meta.db_table
    low, high, total = bulk.rows(
        f"SELECT MIN(id), MAX(id), COUNT(*) FROM {sale} WHERE batch_id = %s", [batch.id]
    )[0]
    has_lines = low is not None and SaleLine.objects.filter(sale__batch=batch).exists()
    done = 0
    while low is not None and low <= high:
        span = [batch.id, low, low + bulk.CHUNK]
        where = "batch_id = %s AND id >= %s AND id < %s"
        with transaction.atomic():
            named = bulk.rows(
                f"SELECT DISTINCT identity_id FROM {sale} WHERE {where} AND identity_id IS NOT NULL", span
            )
            if has_lines:
                bulk.execute(
                    f"DELETE FROM {line} WHERE sale_id IN (SELECT id FROM {sale} WHERE {where})", span
                )
            done += bulk.execute(f"DELETE FROM {sale} WHERE {where}", span)
            forget_identities(free([i for (i,) in named]))
        progress(done, total, Words("撤回", "Taking back"))
        low += bulk.CHUNK
    left = (
        list(Identity.objects.filter(id__gte=batch.first_identity).values_list("id", flat=True))
        if batch.state == BatchState.WRITING
        else []
    )
    for chunk in bulk.in_chunks(left):
        with transaction.atomic():
            forget_identities(free(chunk))
    for kind in ("refused", "problems", "extras"):
        vault.forget(f"batch-{batch.id}-{kind}")
    _close_stores(batch)


def _close_stores(batch: Batch) -> None:
    """Stores that were opened only because a file named them close when nothing is left of them."""
    opened = {
        i
        for said in Batch.objects.exclude(options={}).values_list("options", flat=True)
        for i in said.get("opened", ())
    }
    mine = {int(s) for s in batch.covers} | set(batch.options.get("opened", ()))
    used = {i for i in mine & opened if Sale.objects.filter(store_id=i).exists()}
    with transaction.atomic():
        Store.objects.filter(id__in=mine & opened - used, staff__isnull=True).delete()


def clear_unfinished(free: Callable[[Sequence[int]], list[int]]) -> int:
    """Remove what a crash left half written; nobody has seen it. Hold the turn: whoever holds it is the only writer,
    so a batch in state `writing` belongs to a process that is dead. Returns how many batches went."""
    batches = list(Batch.objects.filter(state=BatchState.WRITING))
    for batch in batches:
        Sighting.objects.filter(batch=batch).delete()
        Pairing.objects.filter(batch=batch).delete()
        clear(batch, free)
        batch.delete()
    return len(batches)


# --- by hand ---------------------------------------------------------------------------------------------------------


def today() -> date:
    """The day by the shop's own clock."""
    business = Business.objects.first()
    return timezone.now().astimezone(ZoneInfo(business.time_zone if business else "Asia/Shanghai")).date()


def batch_by_hand(
    by: Staff | None, reader: str = BY_HAND, kind: str = "sales", day: date | None = None, rows: int = 1
) -> Batch:
    """A batch for what a person writes in by hand, so that it can be taken back like any other."""
    return Batch.objects.create(
        reader=reader, kind=kind, files=[], by=by, rows=rows, new=rows, covers_from=day, covers_until=day,
        state=BatchState.COMPLETE,
    )  # fmt: skip


def record_sale(
    *, store: Store, day: date, amount: int, identity: Identity | None = None, at: datetime | None = None,
    occasion: str = "", party_size: int | None = None, by: Staff | None = None,
) -> Sale:  # fmt: skip
    """Write one sale by hand: a batch of its own, so that it can be taken back like any other. An amount of 0 records
    that she came. `customers.actions.record_sale` does it for a customer."""
    if day > today():
        raise Refused(Words("日期在将来，请检查", "The day lies in the future; please check it"))
    with transaction.atomic():
        batch = batch_by_hand(by, day=day)
        kind = SaleKind.SALE if amount > 0 else SaleKind.REFUND if amount < 0 else SaleKind.ATTENDANCE
        sale = Sale.objects.create(
            batch=batch, key=-batch.id, content=-batch.id, store=store, identity=identity, day=day, at=at, amount=amount,
            kind=kind, occasion=without_numbers(occasion), party_size=party_size, served_by=by.name if by else "",
        )  # fmt: skip
        audit("record-sale", f"batch {batch.id}", by=by, detail={"amount": amount})
    return sale


def attach(sale: Sale, identity: Identity, *, by: Staff | None = None) -> Sale:
    """Give an anonymous receipt to a customer: the anonymous row stays and stops counting, a new one names her. The
    word hangs on the receipt: files that bring it again keep it, and undoing the last of them rests it."""
    if sale.identity_id is not None:
        raise Refused(Words("这张单已经有主人了", "This receipt already belongs to somebody"))
    with transaction.atomic():
        if not Sale.objects.filter(id=sale.id, is_current=True).update(is_current=False):
            raise Refused(
                Words(
                    "这张单刚被别人改过，请刷新再看", "Somebody has just changed this receipt; please reload"
                )
            )
        batch = batch_by_hand(by, ATTACHED, day=sale.day, rows=0)
        named = Sale.objects.get(id=carry_over(sale.id, Sale(batch=batch, identity=identity)))
        audit("attach-sale", f"sale {named.id}", by=by)
    return named


assert named_content(named_content(1)) == 1
