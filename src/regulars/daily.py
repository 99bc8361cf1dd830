"""A shop's day, in order: read this first.

Morning or night, by hand or by the worker, the same five steps: files come in, customers are known, everybody is
graded, today's list is made. Each step is a verb of one stage; this file only calls them, upstream first, and in
reverse when something is taken back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone

from regulars.care import actions as care
from regulars.customers import actions as customers
from regulars.customers import charge, consents, retention, rights
from regulars.customers.models import Customer, Likely
from regulars.grading import actions as grading
from regulars.grading import merging
from regulars.membership import night, settle, unsettled
from regulars.sales import actions as sales
from regulars.sales.left_out import left_out
from regulars.sales.models import Batch, BatchState, Sale, SavedMapping
from regulars.sales.reading import Reading, Sheet, open_file, read
from regulars.sales.remembered import Remembered, headers_said, remember, remembered
from regulars.shop import bulk, vault
from regulars.shop.doors_actions import sweep_logins
from regulars.shop.models import Business, Staff, Store, audit
from regulars.shop.turns import turn
from regulars.shop.words import Refused, Words

Progress = Callable[[int, int, Words], None]


READ_OTHERWISE = Words(
    "这个文件以前用别的读法导过（第 {n} 批）。那一批要是读错了，请撤回，免得算两次",
    "This very file was imported before, read otherwise (import {n}). If that was wrong, take it back, or it counts twice",
)


def quiet(done: int, total: int, step: Words) -> None:
    """No progress shown."""


# --- 1  sales come in, 2  customers are known ------------------------------------------------------------------------


@dataclass(frozen=True)
class Imported:
    """What an import did: the batch, whether this very file had been imported before, and what earlier files with the
    same columns have taught about these."""

    batch: Batch
    is_repeat: bool
    remembered: Remembered = field(default_factory=Remembered)

    @property
    def new(self) -> int:
        return 0 if self.is_repeat else self.batch.new

    @property
    def known(self) -> int:
        return self.batch.rows - self.batch.refused if self.is_repeat else self.batch.known

    @property
    def customers(self) -> int:
        return 0 if self.is_repeat else self.batch.customers


def take_in(
    paths: Sequence[Path], *, mapping: dict[str, str] | None = None, dates: str | None = None, encoding: str | None = None,
    store: str | None = None, by: Staff | None = None, names: Sequence[str] | None = None, progress: Progress = quiet,
) -> Imported:  # fmt: skip
    """Read files and write them as one batch that counts once it is complete; a crash before leaves nothing. What a
    person says about their columns counts for the next files like these, unless she says otherwise."""
    progress(0, 0, Words("读文件", "Reading the file"))
    known, opened = _remembered(paths, mapping, encoding)
    mapping, dates = {**known.mapping, **(mapping or {})}, dates or known.dates or None
    digest = sales.digest_of(paths, _manner(mapping, dates, encoding, store))
    repeat = Batch.objects.filter(digest=digest, state=BatchState.COMPLETE).first()
    if repeat:
        return Imported(repeat, True, known)
    reading = read(
        paths, mapping=mapping, dates=dates, encoding=encoding, store=store, opened=opened, **_by_the_shop()
    )
    taken = put_in(
        reading, names=names or [p.name for p in paths], digest=digest, mapping=mapping, dates=dates, store=store, by=by,
        progress=progress, content=sales.digest_of(paths),
    )  # fmt: skip
    remember([guess.sheet for guess in reading.guesses], mapping, dates)
    return replace(taken, remembered=known)


def _remembered(
    paths: Sequence[Path], mapping: dict[str, str] | None, encoding: str | None
) -> tuple[Remembered, list[Sheet] | None]:
    """What earlier files with the same columns have taught, and the sheets that had to be opened to know it (none where
    nobody has ever said anything)."""
    if not SavedMapping.objects.exists():
        return Remembered(), None
    names = [*(mapping or ()), *headers_said()]
    sheets = [sheet for path in paths for sheet in open_file(path, encoding, names)]
    return remembered(sheets), sheets


def put_in(
    reading: Reading, *, names: Sequence[str], digest: str, mapping: dict[str, str] | None = None, dates: str | None = None,
    store: str | None = None, by: Staff | None = None, progress: Progress = quiet, content: str = "",
) -> Imported:  # fmt: skip
    """Write a reading as a batch; every stage absorbs it, then it counts. Nobody else imports meanwhile. `content`: what
    the same bytes are known by, however they are read."""
    must_serve(reading, store)
    with turn(progress):
        mend(progress)
        repeat = Batch.objects.filter(digest=digest, state=BatchState.COMPLETE).first() if digest else None
        if repeat:
            return Imported(repeat, True)
        taken = sales.take_in(
            reading,
            files=names,
            digest=digest,
            by=by,
            mapping=mapping,
            options={"dates": dates, "content": content},
            store=store,
            progress=progress,
        )
        batch = taken.batch
        before = Batch.objects.filter(state=BatchState.COMPLETE, options__content=content).first()
        if content and before:
            batch.warnings = [*batch.warnings, list(READ_OTHERWISE.fill(n=before.id))]
        progress(0, 0, Words("认顾客", "Knowing the customers"))
        with transaction.atomic():
            changed = sales.publish(batch, taken.contested)
            absorbed = customers.absorb(batch, np.union1d(taken.identities, changed), taken.listed)
            unsettled.absorb(batch)
            unsettled.moved(absorbed.moved)
            batch.customers = absorbed.customers
            batch.new += absorbed.listed
            if not reading.sales.num_rows and reading.people.num_rows:
                batch.known += len(taken.listed) - absorbed.listed
            batch.save(update_fields=["customers", "new", "known"])
        progress(0, 0, Words("记账", "Updating the books"))
        grading.catch_up(grading.open_books())
        settle.settle(sales.today(), progress)
    return Imported(batch, False)


def mend(progress: Progress = quiet) -> None:
    """Finish what a crash cut off. Hold the turn."""
    sales.clear_unfinished(customers.free_of)
    for batch in Batch.objects.filter(state=BatchState.UNDOING):
        finish_undo(batch, progress)


@dataclass(frozen=True)
class Trial:
    """What an import would do, before it does anything."""

    reading: Reading
    new: int
    known: int
    customers: int
    warnings: list[Words]
    repeat_of: Batch | None = None
    remembered: Remembered = field(default_factory=Remembered)

    def record(self, lang: str) -> dict[str, Any]:
        """The contract's shape, without a batch."""
        r = self.reading
        return {
            "batch": None, "rows": r.rows, "new": self.new, "known": self.known,
            "refused": [p.record(lang) for p in r.refused], "customers": self.customers,
            "warnings": [w.say(lang) for w in self.warnings],
        }  # fmt: skip


def try_out(
    paths: Sequence[Path], *, mapping: dict[str, str] | None = None, dates: str | None = None, encoding: str | None = None,
    store: str | None = None,
) -> Trial:  # fmt: skip
    """Say what taking these files in would do; writes nothing."""
    told, opened = _remembered(paths, mapping, encoding)
    mapping, dates = {**told.mapping, **(mapping or {})}, dates or told.dates or None
    reading = read(
        paths, mapping=mapping, dates=dates, encoding=encoding, store=store, opened=opened, **_by_the_shop()
    )
    must_serve(reading, store)
    digest = sales.digest_of(paths, _manner(mapping, dates, encoding, store))
    repeat = Batch.objects.filter(digest=digest, state=BatchState.COMPLETE).first()
    if repeat:
        said = [Words(*w) for w in repeat.warnings]
        return Trial(reading, 0, reading.rows - len(reading.refused), 0, said, repeat, told)
    trial = sales.try_out(reading, store)
    new_customers, on_list = customers.would_be_new(trial)
    known = trial.known + (0 if reading.sales.num_rows else len(trial.listed) - on_list)
    return Trial(reading, trial.new + on_list, known, new_customers, trial.warnings, remembered=told)


def record_of(taken: Imported | Trial, lang: str) -> dict[str, Any]:
    """The contract's shape of an import, done or tried."""
    if isinstance(taken, Trial):
        return taken.record(lang)
    batch = taken.batch
    refused = vault.get_table(f"batch-{batch.id}-problems")
    return {
        "batch": batch.id, "rows": batch.rows, "new": taken.new, "known": taken.known,
        "refused": sales.problems_of(batch, lang) if refused is not None else [],
        "customers": taken.customers, "warnings": [Words(*w).say(lang) for w in batch.warnings],
    }  # fmt: skip


def left_out_of(done: Imported | Trial, ending: str, lang: str) -> bytes | None:
    """The rows that were, or would be, left out, as the file that the pages give too: "csv" or "xlsx". None where there
    are none, or where they are no longer kept."""
    if isinstance(done, Trial):
        table = sales.refused_table(done.reading) if done.reading.refused else None
    else:
        table = vault.get_table(f"batch-{done.batch.id}-refused")
    return left_out(table, ending, lang) if table is not None else None


def must_serve(reading: Reading, store: str | None = None) -> None:
    """Raise Refused where neither sales nor customers could be read, nor that a known sale was none."""
    if not reading.sales.num_rows and not reading.people.num_rows and not sales.reverses(reading, store):
        raise Refused(
            Words(
                "没有读到销售，也没有读到顾客：{why}", "Neither sales nor customers could be read: {why}"
            ).fill(
                why=reading.refused[0].reason
                if reading.refused
                else Words("文件里没有数据行", "the file has no data rows")
            )
        )


def undo(batch: Batch, *, by: Staff | None = None, progress: Progress = quiet) -> None:
    """Take a batch back: the state is then as if that file had never come, whatever was imported since."""
    if batch.reader == customers.MERGED:
        unmerge(batch, by=by)
        return
    with turn(progress):
        mend(progress)
        with transaction.atomic():
            if not Batch.objects.filter(id=batch.id, state=BatchState.COMPLETE).update(
                state=BatchState.UNDOING, undone_at=timezone.now()
            ):
                raise Refused(Words("这批已经撤回过了", "This import has already been taken back"))
            audit("undo-import", f"batch {batch.id}", by=by)
        batch.refresh_from_db()
        finish_undo(batch, progress)
        grading.catch_up(grading.open_books())
        settle.settle(sales.today(), progress)


def finish_undo(batch: Batch, progress: Progress = quiet) -> None:
    """The slow part of undoing; goes on where a crash cut it off. Hold the turn.

    What others have seen too passes to them; then, in one transaction, all stages let go of what the batch said; the
    rows that nobody sees any more are cleared away in short steps.
    """
    progress(0, 0, Words("撤回", "Taking back"))
    sales.inherit(batch)
    with transaction.atomic():
        unsettled.absorb(batch)
        free, moved = customers.release(batch, sales.release(batch))
        unsettled.moved(moved)
        sales.forget_identities(free)
    sales.clear(batch, customers.free_of, progress)
    Batch.objects.filter(id=batch.id).update(state=BatchState.UNDONE)
    batch.state = BatchState.UNDONE


def record_sale(
    customer: Customer | None,
    *,
    store: Store,
    day: date,
    amount: int,
    occasion: str = "",
    by: Staff | None = None,
    once: str = "",
) -> Sale | None:
    """Write one sale of a customer (or of nobody) by hand (fen; 0: she came and paid nothing). The books follow by
    `redraw`, at the latest with the day's run.

    `once` names the sheet of paper that she wrote on: the same words on the same sheet are one sale, however often they
    are sent, also after it has been taken back. None where that sale was written before.
    """
    said = repr((once, customer and customer.id, store.id, day.isoformat(), amount, occasion))
    digest = hashlib.sha256(said.encode()).hexdigest() if once else ""
    with transaction.atomic():
        bulk.alone("by-hand")
        if digest and Batch.objects.filter(digest=digest).exists():
            return None
        sale = customers.record_sale(customer, store=store, day=day, amount=amount, occasion=occasion, by=by)
        Batch.objects.filter(id=sale.batch_id).update(digest=digest)
        unsettled.absorb(sale.batch)
    return sale


def attach(sale: Sale, customer: Customer, *, by: Staff | None = None) -> Sale:
    """Give an anonymous receipt to a customer. The books follow by `redraw`, at the latest with the day's run."""
    with transaction.atomic():
        named = customers.attach(sale, customer, by=by)
        unsettled.absorb(named.batch)
    return named


# --- one person, two files -------------------------------------------------------------------------------------------


def merge(one: Customer, other: Customer, *, by: Staff | None = None, why: str = "") -> Batch:
    """Say that two customers are one: all that either has is read together from now on, and can be parted again at any
    time. The books follow by `redraw`, at the latest with the day's run."""
    with transaction.atomic():
        kept = merging.standings_now([customers.standing_for(one).id, customers.standing_for(other).id])
        word = customers.merge(one, other, by=by, why=why)
        merging.keep_standings(word, kept)
        unsettled.again(word.options["customers"])
    return word


def unmerge(word: Batch, *, by: Staff | None = None, why: str = "") -> None:
    """Part two customers who were merged, as if it had never been said; what was written meanwhile on either stays."""
    with transaction.atomic():
        customers.unmerge(word, by=by, why=why)
        merging.restore_standings(word)
        unsettled.again(word.options["customers"])


def part(word: Batch, *, by: Staff | None = None, why: str = "") -> None:
    """Part two customers because they are two people: they are never proposed again."""
    with transaction.atomic():
        customers.part(word, by=by, why=why)
        merging.restore_standings(word)
        unsettled.again(word.options["customers"])


def decide(likely: Likely, how: str, *, by: Staff | None = None, why: str = "") -> Likely:
    """Answer a proposal that two customers may be one."""
    with transaction.atomic():
        pair = [customers.standing_for(likely.one).id, customers.standing_for(likely.other).id]
        kept = merging.standings_now(pair)
        likely = customers.decide(likely, how, by=by, why=why)
        if likely.word is not None:
            merging.keep_standings(likely.word, kept)
            unsettled.again(pair)
    return likely


def reopen(likely: Likely, *, by: Staff | None = None) -> Likely:
    """Take the answer to a proposal back."""
    with transaction.atomic():
        word = likely.word
        likely = customers.reopen_likely(likely, by=by)
        if word is not None:
            merging.restore_standings(word)
            unsettled.again(word.options["customers"])
    return likely


def settle_everything(progress: Progress = quiet) -> int:
    """Reckon points for every receipt since the programme began. Returns how many postings that made; 0 the second time."""
    with turn(progress):
        with transaction.atomic():
            unsettled.everything()
        return settle.settle(sales.today(), progress)


def redraw(touched: Sequence[int] = ()) -> None:
    """Bring the books in line with what was written by hand. The store knows who waits; `touched` may add to it."""
    with turn():
        customers.touch(touched)
        grading.catch_up(grading.open_books())
        settle.settle(sales.today())


def _manner(
    mapping: dict[str, str] | None, dates: str | None, encoding: str | None, store: str | None
) -> dict[str, Any]:
    """How a file is read, as far as somebody has said it: the same bytes read otherwise are another file."""
    said = {**(mapping or {}), "": (dates, store)}
    return {**said, "encoding": encoding.lower()} if encoding else said


def _by_the_shop() -> dict[str, Any]:
    """How the shop tells time (its zone, the hour that ends its day), and which sensitive columns it may read."""
    business = Business.objects.first()
    if business is None:
        return {}
    said = {"zone": business.time_zone, "day_ends_at": business.day_ends_at}
    return {**said, "sensitive": frozenset(business.sensitive)}


# --- 3  what is likely, 4  which grade, 8  today's list --------------------------------------------------------------


def run_day(
    on: date, *, full: bool = False, again: bool = False, progress: Progress = quiet, by: Staff | None = None
) -> dict[str, Any]:
    """Grade everybody as of the day and make today's list. The day run again changes nothing, nor does a day before
    the latest: what was held and asked since is on record. `again` forgets that record and begins anew with this day.
    """
    with turn(progress):
        mend(progress)
        latest = Business.objects.values_list("last_day_run_on", flat=True).first()
        if latest and on < latest and not again:
            return {
                "on": on.isoformat(),
                "customers": 0,
                "changed": {},
                **care.kept_plan(on),
                "closed_since": latest.isoformat(),
            }
        if latest and on < latest:
            grading.forget_after(on, by=by)
            care.forget_after(on)
        night.run(on, progress)
        outcome = grading.run(on, full=full, progress=progress, by=by)
        progress(0, 0, Words("排今天的名单", "Making today's list"))
        charge.back_to_pool(on)
        planned = care.plan_day(outcome, on)
        vault.sweep()
        sweep_logins()
        forget(on, progress)
        Business.objects.update(last_day_run_on=on)
    return {
        "on": on.isoformat(), "customers": outcome.customers,
        "changed": {f"{p}.{s}": n for (p, s), n in outcome.changes.items()}, **planned,
    }  # fmt: skip


# --- what a customer asks for, and what is kept too long ---------------------------------------------------------------


def forget(on: date, progress: Progress = quiet) -> int:
    """Delete whom the day has come for, by her own request or because her file was kept too long; the books follow.
    Hold the turn. Returns how many customers went."""
    gone = rights.carry_out(on) + retention.sweep(on)["customers"]
    if before := retention.due_on(on).notes:
        care.forget_notes(before)
    if gone:
        progress(0, 0, Words("按要求删除", "Deleting what has to go"))
        books = grading.open_books()
        grading.catch_up(books)
        books.fold()
        bulk.close_the_log()
    return gone


def withdraw_all(customer: Customer, *, source: str, on: date, by: Staff | None = None) -> None:
    """She takes back all that she has agreed to, in one step: nobody reaches out to her any more, from this moment."""
    root = customer.merged_into or customer
    with transaction.atomic():
        consents.withdraw_all(root, source=source, on=on, by=by)
        care.leave_in_peace(root, on=on, by=by)
