"""Verbs of grading: put a playbook into force, take it back, grade the whole base and record what changed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db import connection, transaction
from django.utils import timezone

from regulars.customers.actions import write_portraits
from regulars.customers.models import Portrait, Touched
from regulars.customers.queries import arrow, coverage, people_for_books, sales_for_books
from regulars.grading.drawing import Plan, days_sql, fits_of_all, portraits, refresh_measures
from regulars.grading.drops import drop_days
from regulars.grading.models import Adoption, GradeChange, GradeRun, Standing
from regulars.grading.rules.transition import NEW, NONE, NOT_BELOW, UNGRADED, Held, move, review_has_come
from regulars.playbooks.conditions import Finding, Way, finding
from regulars.playbooks.playbook import Playbook, Scale, fits, load
from regulars.playbooks.portrait import Curve
from regulars.shop import bulk
from regulars.shop.books import Books
from regulars.shop.engine import day_of, number_of
from regulars.shop.home import Home
from regulars.shop.models import Staff, audit
from regulars.shop.words import Words

FIRST_PLAYBOOK = {
    "hotpot": "hotpot", "restaurant": "restaurant", "snack": "snack", "salon": "salon", "clinic": "clinic",
    "hotel": "rfm", "appliance": "appliance", "shop": "store-scales", "wholesale": "b2b-nine",
}  # fmt: skip
"""Which playbook a trade starts with (contract)."""

Progress = Callable[[int, int, Words], None]


def quiet(done: int, total: int, step: Words) -> None:
    """No progress shown."""


# --- playbooks in force ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InForce:
    """A playbook that holds, with the record of its adoption."""

    adoption: Adoption
    playbook: Playbook


def in_force() -> list[InForce]:
    """The playbooks that hold now, the leading one first."""
    latest: dict[str, Adoption] = {}
    for adoption in Adoption.objects.filter(taken_back_at=None).order_by("id"):
        latest[adoption.key] = adoption
    ordered = sorted(latest.values(), key=lambda a: (not a.is_first, a.id))
    return [InForce(a, loaded(a.key, a.overlay)) for a in ordered]


@lru_cache(maxsize=32)
def loaded(key: str, overlay: str = "") -> Playbook:
    """A playbook never changes under its key and overlay, and pages ask for it on every request."""
    return load(key, overlay=overlay or None)


def adopt(key: str, overlay: str = "", *, by: Staff | None = None, is_first: bool = True) -> Adoption:
    """Put a playbook (with the shop's own numbers) into force as a new version."""
    playbook = load(key, overlay=overlay or None)
    with transaction.atomic():
        if is_first:
            Adoption.objects.filter(is_first=True).exclude(key=key).update(is_first=False)
        else:
            is_first = Adoption.objects.filter(key=key, is_first=True, taken_back_at=None).exists()
        adoption = Adoption.objects.create(
            key=key, version=playbook.version, overlay=overlay, is_first=is_first, by=by
        )
        audit("adopt-playbook", f"playbook {key}", by=by, detail={"version": playbook.version})
    return adoption


def take_back(adoption: Adoption, *, by: Staff | None = None) -> None:
    """Take an adoption back: the version before holds again."""
    with transaction.atomic():
        if Adoption.objects.filter(id=adoption.id, taken_back_at=None).update(taken_back_at=timezone.now()):
            audit(
                "take-back-playbook", f"playbook {adoption.key}", by=by, detail={"version": adoption.version}
            )
            if not Adoption.objects.filter(taken_back_at=None, is_first=True).exists():
                last = Adoption.objects.filter(taken_back_at=None).order_by("-id").first()
                if last:
                    Adoption.objects.filter(id=last.id).update(is_first=True)


# --- the books of this shop ------------------------------------------------------------------------------------------


def open_books() -> Books:
    return Books(Home.find().books)


def catch_up(books: Books) -> None:
    """Bring the mirror in line with the store: those whose days have changed since, or everybody.

    Whose they are stands in the store, written with the change itself, and is struck off only after the books have
    it: a crash in between costs a second writing, never a difference.
    """
    waiting = list(Touched.objects.values_list("id", "customer"))
    manifest = books.manifest
    if manifest.is_dirty or not manifest.parts or any(c is None for _, c in waiting):
        books.write_days(sales_for_books(), days_sql())
    elif waiting:
        ids = np.array(sorted({c for _, c in waiting if c is not None}), dtype="int64")
        books.write_days(sales_for_books(ids.tolist()), days_sql(), ids)
    bulk.execute_in(f"DELETE FROM {Touched._meta.db_table} WHERE id IN ({{marks}})", [i for i, _ in waiting])


# --- the run ---------------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """One grading of the whole base: portraits with grades, and what changed."""

    on: date
    tables: list[pa.Table]
    plan: Plan
    curves: dict[str, Curve]
    changes: dict[tuple[str, str], int] = field(default_factory=dict)
    graded: dict[str, list[tuple[Graded, Standings]]] = field(default_factory=dict)
    was_full: bool = True
    seconds: float = 0.0

    @property
    def customers(self) -> int:
        return sum(t.num_rows for t in self.tables)

    @property
    def ids(self) -> np.ndarray:
        """The numbers of everybody drawn, upwards."""
        return np.concatenate([np.empty(0, "int64"), *(t["customer"].to_numpy() for t in self.tables)])


def code_of(scale: Scale) -> dict[str, int]:
    codes = {g.key: k for k, g in enumerate(scale.grades)}
    codes.setdefault("new", NEW)
    codes.setdefault("none", NONE)
    return codes


def name_of(scale: Scale, code: int) -> str:
    if code >= 0:
        return scale.grades[code].key
    return {NEW: "new", NONE: "none"}.get(code, "")


@dataclass(frozen=True)
class Stood:
    """What the store says of one scale, in the order of the customers asked for."""

    held: Held
    was: np.ndarray
    drops: np.ndarray
    known: np.ndarray
    gone: np.ndarray
    """Customers who stand in the store and were not asked for."""


def stood(playbook: Playbook, scale: Scale, customers: np.ndarray) -> Stood:
    """What these customers hold on a scale, in one reading; `customers` upwards."""
    n = len(customers)
    found = Stood(
        Held.nothing(n), np.full(n, "", object), np.zeros(n, "int32"), np.zeros(n, bool), np.empty(0, "int64")
    )
    sql = (
        f"SELECT customer_id, grade, was, since, below_since, drops_on FROM {Standing._meta.db_table} "
        f"WHERE playbook = '{playbook.key}' AND scale = '{scale.key}' ORDER BY customer_id"
    )
    codes = code_of(scale)
    gone = [found.gone]
    for rows in arrow(sql):
        ids = rows["customer_id"].to_numpy()
        at = np.searchsorted(customers, ids)
        there = at < n
        there[there] = customers[at[there]] == ids[there]
        spots = at[there]
        grades = rows["grade"].combine_chunks().dictionary_encode()
        known = np.array([codes.get(g, UNGRADED) for g in grades.dictionary.to_pylist()], dtype="int64")
        found.held.grade[spots] = known[grades.indices.to_numpy()][there]
        before = rows["was"].combine_chunks().dictionary_encode()
        found.was[spots] = np.array(before.dictionary.to_pylist(), object)[before.indices.to_numpy()][there]
        found.held.since[spots] = _days(rows["since"], 0)[there]
        found.held.below_since[spots] = _days(rows["below_since"], NOT_BELOW)[there]
        found.drops[spots] = _days(rows["drops_on"], 0)[there]
        found.known[spots] = True
        gone.append(ids[~there])
    return Stood(found.held, found.was, found.drops, found.known, np.concatenate(gone))


def as_date(column: Any) -> Any:
    """Days as the store gives them: text on SQLite, dates on PostgreSQL, any type at all when every one is null."""
    if column.null_count == len(column):
        return pa.nulls(len(column), pa.date32())
    return pc.cast(column, pa.date32())


def _days(column: pa.ChunkedArray, empty: int) -> np.ndarray:
    return np.asarray(pc.fill_null(pc.cast(as_date(column), pa.int32()), empty))


def draw(
    on: date, playbooks: Iterable[Playbook], *, full: bool = False, books: Books | None = None
) -> Outcome:
    """Portraits of everybody as of `on`; writes nothing but the books."""
    start = time.perf_counter()
    books = books or open_books()
    catch_up(books)
    plan = Plan.of(playbooks)
    day = number_of(on)
    was_full = refresh_measures(books, plan, day, full)
    people = people_for_books(plan.facts, on)
    tables, curves = portraits(books, plan, day, people, coverage=coverage())
    return Outcome(on, tables, plan, curves, was_full=was_full, seconds=time.perf_counter() - start)


@dataclass
class Graded:
    """One scale over everybody: what the store said, and for each part what held before, what fits, what holds now."""

    playbook: Playbook
    scale: Scale
    stood: Stood
    before: list[Held]
    after: list[Held]
    fits: list[np.ndarray]


STALE_AFTER = 1.0
"""Data older than the usual gap of a typical customer can't say who stays away."""


def patience_with_data(tables: list[pa.Table]) -> float:
    """How many days old data may be and still say who stays away: the trade's own rhythm, one day at least."""
    gaps = pa.chunked_array([g for t in tables for g in t["usual_gap_days"].chunks], pa.float64()).drop_null()
    return max(1.0, STALE_AFTER * pc.quantile(gaps, 0.5)[0].as_py()) if len(gaps) else 1.0


def grade_scale(
    books: Books,
    outcome: Outcome,
    playbook: Playbook,
    scale: Scale,
    last_run: date | None,
    *,
    forgets_later: bool = False,
) -> Graded:
    """The grades that hold after `on` for everybody drawn; writes nothing. A question about an earlier day
    `forgets_later` grades: nobody held them yet. Nobody loses a grade to data that are too old to tell who came."""
    day = number_of(outcome.on)
    reviews = playbook.reviews
    is_review = review_has_come(
        reviews.on if reviews else (), number_of(last_run) if last_run else None, day, day_of
    )
    before = stood(playbook, scale, outcome.ids)
    graded = Graded(playbook, scale, before, [], [], [])
    start = 0
    fresh_from = day - patience_with_data(outcome.tables)
    for table, (index, watched, stays) in zip(
        outcome.tables, fits_of_all(books, outcome.tables, scale), strict=True
    ):
        end = start + len(index)
        held = Held(
            *(
                column[start:end].copy()
                for column in (before.held.grade, before.held.since, before.held.below_since)
            )
        )
        start = end
        if forgets_later:
            later = held.since > day
            held.grade[later], held.below_since[later] = UNGRADED, NOT_BELOW
        stay = pc.fill_null(pc.less(table["known_until"], fresh_from), False).to_numpy().copy()
        for k, holds in enumerate(stays):
            stay |= (held.grade == k) & holds
        now = move(
            held, index, watched, stay, [g.grace_days for g in scale.grades], day,
            is_review=is_review, upgrade_at_once=reviews.upgrade_at_once if reviews else True,
        )  # fmt: skip
        graded.before.append(held)
        graded.after.append(now)
        graded.fits.append(index)
    return graded


def run(on: date, *, full: bool = False, progress: Progress = quiet, by: Staff | None = None) -> Outcome:
    """Grade everybody as of `on` and record the changes. Run twice on one day it changes nothing the second time."""
    books = open_books()
    holding = in_force()
    progress(0, 3, Words("画像", "Drawing portraits"))
    outcome = draw(on, [h.playbook for h in holding], full=full, books=books)
    progress(1, 3, Words("评级", "Grading"))
    for holds in holding:
        last = GradeRun.objects.filter(playbook=holds.playbook.key, on__lt=on).order_by("-on").first()
        latest = GradeRun.objects.filter(playbook=holds.playbook.key).order_by("-id").first()
        is_new_version = latest is not None and latest.version != str(holds.playbook.version)
        summary: dict[str, Any] = {}
        changed = 0
        for scale in holds.playbook.scales:
            graded = grade_scale(books, outcome, holds.playbook, scale, last.on if last else None)
            horizon = max(
                (r.within_days or 14 for r in holds.playbook.care if r.when == "grade_at_risk"), default=0
            )
            drops = {}
            if horizon:
                drops = drop_days(
                    books,
                    outcome.plan,
                    outcome.tables,
                    outcome.curves,
                    holds.playbook,
                    scale,
                    graded.after,
                    number_of(on),
                    horizon,
                )
            now = standings(outcome, graded, drops, is_new_version)
            moved = _record(outcome, graded, now)
            changed += moved
            outcome.changes[(holds.playbook.key, scale.key)] = moved
            summary[scale.key] = _summary(outcome, graded)
            outcome.graded.setdefault(holds.playbook.key, []).append((graded, now))
        GradeRun.objects.filter(playbook=holds.playbook.key, on=on).delete()
        GradeRun.objects.create(
            playbook=holds.playbook.key, version=holds.playbook.version, on=on, is_full=outcome.was_full,
            seconds=outcome.seconds, customers=outcome.customers, changed=changed, summary=summary,
            missing_facts=missing_facts(outcome, holds.playbook),
        )  # fmt: skip
    progress(2, 3, Words("写回变化", "Writing the changes back"))
    _write_portraits(outcome)
    keep_curves(books, outcome)
    bulk.take_stock()
    progress(3, 3, Words("完成", "Done"))
    return outcome


def grade_columns(outcome: Outcome, playbook: str) -> dict[str, pa.Array]:
    """What care reads of one playbook, in the order of the portraits: on each scale the grade, since when, what it was
    before, when it would be lost."""
    found = {}
    for graded, now in outcome.graded.get(playbook, []):
        was = pc.if_else(pc.equal(now.was, ""), pa.scalar(None, pa.string()), now.was)
        columns = {"grade": now.grade, "since": now.since, "was": was, "drops_on": now.drops_on}
        found.update({f"{name}:{graded.scale.key}": values for name, values in columns.items()})
    return found


@dataclass(frozen=True)
class Standings:
    """What everybody holds after the run, as the store will have it."""

    grade: pa.Array
    was: pa.Array
    """What she rose or fell from; empty where there is no such thing."""
    came_from: pa.Array
    since: pa.Array
    below_since: pa.Array
    drops_on: pa.Array
    moved: np.ndarray
    touched: np.ndarray


def standings(
    outcome: Outcome, graded: Graded, drops: dict[int, int], is_new_version: bool = False
) -> Standings:
    """Everybody's standing after the run, who moved, and whose line in the store has to change. By new numbers
    (`is_new_version`) nobody has risen: the ruler moved, not she."""
    before, after, scale = graded.stood, graded.after, graded.scale
    held = graded.before
    now, was = _joined(after, "grade"), _joined(held, "grade")
    below, below_before = _joined(after, "below_since"), _joined(held, "below_since")
    drop = np.zeros(len(now), "int32")
    if drops:
        drop[np.searchsorted(outcome.ids, np.fromiter(drops, "int64"))] = np.fromiter(drops.values(), "int32")
    moved = now != was
    touched = moved | (below != below_before) | (drop != before.drops)
    names = np.array(
        [*(g.key for g in scale.grades), "", "none", "new"], object
    )  # NEW, NONE, UNGRADED count from the end
    previous = np.where(moved, "" if is_new_version else names[was], before.was)
    return Standings(
        pa.array(names[now], pa.string()), pa.array(previous, pa.string()), pa.array(names[was], pa.string()), _dates(_joined(after, "since"), None),
        _dates(below, NOT_BELOW), _dates(drop, 0), moved, touched,
    )  # fmt: skip


def _joined(parts: list[Held], column: str) -> np.ndarray:
    return np.concatenate([np.empty(0, "int64"), *(getattr(p, column) for p in parts)]).astype("int64")


def _dates(days: np.ndarray, empty: int | None) -> pa.Array:
    mask = None if empty is None else days == empty
    return pc.cast(
        pa.array(np.where(mask, 0, days) if mask is not None else days, mask=mask).cast(pa.int32()),
        pa.date32(),
    )


def forget_after(on: date, *, by: Staff | None = None) -> None:
    """Bring the record of grades back to the end of a day, as if no later day had been run."""
    standing, change = Standing._meta.db_table, GradeChange._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        for later in (
            GradeChange.objects.filter(on__gt=on),
            GradeRun.objects.filter(on__gt=on),
            Standing.objects.filter(since__gt=on),
        ):
            later.delete()
        cursor.execute(
            f"""INSERT INTO {standing} (customer_id, playbook, scale, grade, was, since)
            SELECT customer_id, playbook, scale, grade, was, "on" FROM (
                SELECT c.*, ROW_NUMBER() OVER (PARTITION BY customer_id, playbook, scale ORDER BY "on" DESC, id DESC) AS nth
                FROM {change} c
            ) AS latest WHERE nth = 1 AND NOT EXISTS (
                SELECT 1 FROM {standing} s
                WHERE s.customer_id = latest.customer_id AND s.playbook = latest.playbook AND s.scale = latest.scale
            )"""
        )
        audit("forget-grades", f"after {on}", by=by)


AT_ONCE = 20_000
"""Changes written in one go, each with its line of history: a second at the most, so that nobody waits for it."""


def _record(outcome: Outcome, graded: Graded, now: Standings) -> int:
    """Write standings that changed and one line of history for each change of grade, a standing and its line
    together."""
    playbook, scale = graded.playbook, graded.scale
    start = 0
    for table in outcome.tables:
        touched = np.flatnonzero(now.touched[start : start + table.num_rows])
        for low in range(0, len(touched), AT_ONCE):
            rows = touched[low : low + AT_ONCE]
            at = pa.array(rows + start)
            here = pa.array(rows)
            customers = table["customer"].take(here)
            known = graded.stood.known[rows + start]
            written = pa.table({
                "customer_id": customers, "playbook": _same(playbook.key, len(rows)), "scale": _same(scale.key, len(rows)),
                "grade": now.grade.take(at), "was": now.was.take(at), "since": now.since.take(at),
                "below_since": now.below_since.take(at), "drops_on": now.drops_on.take(at),
            })  # fmt: skip
            moves = np.flatnonzero(now.moved[rows + start])
            history = _history(
                outcome.on, graded, now, table.take(pa.array(rows[moves])), rows[moves] + start
            )
            with transaction.atomic():
                for ids in bulk.in_chunks(customers.to_numpy()[known].tolist()):
                    Standing.objects.filter(
                        playbook=playbook.key, scale=scale.key, customer_id__in=ids
                    ).delete()
                bulk.insert_table(Standing, written)
                bulk.insert_table(GradeChange, history)
        start += table.num_rows
    _forget(playbook, scale, graded.stood.gone)
    return int(now.moved.sum())


def _same(text: str, n: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), n)


def _forget(playbook: Playbook, scale: Scale, gone: np.ndarray) -> None:
    """Standings of customers who are no longer there (known only from a batch that was undone). Who is merged keeps
    hers out of sight: it holds again when she is parted."""
    for chunk in bulk.in_chunks(gone.tolist()):
        Standing.objects.filter(
            playbook=playbook.key, scale=scale.key, customer_id__in=chunk, customer__merged_into=None
        ).delete()


def _history(on: date, graded: Graded, now: Standings, table: pa.Table, at: np.ndarray) -> pa.Table:
    """Lines of history for these portraits; `at`: their places among everybody."""
    n, places = table.num_rows, pa.array(at)
    codes = _joined(graded.after, "grade")[at]
    return pa.table({
        "customer_id": table["customer"], "playbook": _same(graded.playbook.key, n),
        "version": _same(str(graded.playbook.version), n), "scale": _same(graded.scale.key, n),
        "was": now.came_from.take(places), "grade": now.grade.take(places), "on": _same(on.isoformat(), n),
        "conditions": pa.array(decisions(table, graded.scale, codes), pa.string()),
    })  # fmt: skip


def decisions(table: pa.Table, scale: Scale, codes: np.ndarray) -> np.ndarray:
    """What decided for each portrait, as the JSON text of `deciding`: each condition is held against each value once,
    however many customers have it."""
    texts = np.full(table.num_rows, "[]", object)
    for code in np.unique(codes).tolist():
        ways = _deciding_ways(scale, code)
        rows = np.flatnonzero(codes == code)
        if not ways or not len(rows):
            continue
        some = table.take(pa.array(rows))
        judged = [_judged(way, some) for way in ways]
        chosen = judged[0][1]
        for holds, said in reversed(judged):  # the first way that holds; where none does, the first
            chosen = np.where(holds, said, chosen)
        texts[rows] = chosen
    return texts


def _judged(way: Way, table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """For each portrait: whether the way holds, and its findings as JSON text."""
    n = table.num_rows
    holds, said = np.ones(n, bool), []
    for how_many, entries in way.groups:
        count = np.zeros(n, "int64")
        for entry in entries:
            entry_holds = np.ones(n, bool)
            for condition in entry:
                values, at = _distinct(table, condition.fact)
                findings = [finding(condition, {condition.fact: value}) for value in values]
                texts = np.array([json.dumps(as_record(f), ensure_ascii=False) for f in findings], object)
                said.append(texts[at])
                entry_holds &= np.array([f.holds for f in findings], bool)[at]
            count += entry_holds
        holds &= count >= how_many
    return holds, np.array(["[" + ", ".join(row) + "]" for row in zip(*said, strict=True)], object)


def _distinct(table: pa.Table, name: str) -> tuple[list[Any], np.ndarray]:
    """The different values of a column, and which of them each row has; a fact that was not drawn is unknown."""
    if name not in table.column_names:
        return [None], np.zeros(table.num_rows, "int64")
    column = table[name].combine_chunks()
    coded = column.dictionary_encode(null_encoding="encode")
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    return coded.dictionary.to_pylist(), coded.indices.to_numpy()


def _deciding_ways(scale: Scale, code: int) -> Sequence[Way]:
    """The ways that a line of history tells of: those of the grade that holds, or the first of the nearest above."""
    if 0 <= code < len(scale.grades) and scale.grades[code].ways:
        return scale.grades[code].ways
    above = code - 1 if code > 0 else len(scale.grades) - 1 if code < 0 else None
    return scale.grades[above].ways[:1] if above is not None else ()


def deciding(person: dict[str, Any], scale: Scale, code: int) -> list[dict[str, Any]]:
    """The conditions that decided: of the grade that holds, or of the nearest one that does not."""
    fit = fits(person, scale)
    if 0 <= code < len(scale.grades) and scale.grades[code].ways:
        verdicts = fit.verdicts[scale.grades[code].key]
        best = next((v for v in verdicts if v.holds), verdicts[0])
        return [as_record(f) for f in best.findings]
    above = code - 1 if code > 0 else len(scale.grades) - 1 if code < 0 else None
    if above is None or not scale.grades[above].ways:
        return []
    return [as_record(f) for f in fit.verdicts[scale.grades[above].key][0].findings]


def as_record(finding: Finding) -> dict[str, Any]:
    """One condition in the contract's shape; money in yuan."""
    per = finding.condition.per

    def plain(value: Any) -> Any:
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, tuple):
            return list(value)
        if per != 1:
            return round(value / per, 2)
        # Binary dust goes, but two thirds must not become what it was compared with.
        return round(value, 12) if isinstance(value, float) else value

    margin = finding.margin
    return {
        "fact": finding.condition.fact, "value": plain(finding.value), "sign": finding.condition.sign,
        "threshold": plain(finding.threshold), "margin": plain(margin), "holds": finding.holds,
    }  # fmt: skip


def _summary(outcome: Outcome, graded: Graded) -> dict[str, Any]:
    """How many customers each grade has and what they spend."""
    totals: dict[str, dict[str, int]] = {}
    for table, after in zip(outcome.tables, graded.after, strict=True):
        spend = pc.fill_null(table["spend_in_12_months"], 0).to_numpy()
        visits = pc.fill_null(table["visits_in_12_months"], 0).to_numpy()
        for code in np.unique(after.grade).tolist():
            mine = after.grade == code
            row = totals.setdefault(
                name_of(graded.scale, int(code)), {"customers": 0, "spend": 0, "visits": 0}
            )
            row["customers"] += int(mine.sum())
            row["spend"] += int(spend[mine].sum())
            row["visits"] += int(visits[mine].sum())
    return totals


def missing_facts(outcome: Outcome, playbook: Playbook) -> list[str]:
    """Facts that the playbook asks for and nobody in this shop has yet."""
    return [
        fact
        for fact in playbook.told_facts()
        if all(fact not in t.column_names or t[fact].null_count == t.num_rows for t in outcome.tables)
    ]


def _write_portraits(outcome: Outcome) -> None:
    """Write the listed facts back where they changed, and nowhere else."""
    columns = [str(f.column) for f in Portrait._meta.concrete_fields if f.column != "customer_id"]
    sql = f"SELECT customer_id, {', '.join(columns)} FROM {Portrait._meta.db_table} ORDER BY customer_id"
    stored = list(arrow(sql))
    before = pa.concat_tables(stored, promote_options="permissive") if stored else None
    there = before["customer_id"].to_numpy() if before is not None else np.empty(0, "int64")
    for table in outcome.tables:
        now = pa.table({"customer": table["customer"], **{c: _shaped(table, c) for c in columns}})
        ids = table["customer"].to_numpy()
        at = np.searchsorted(there, ids)
        known = at < len(there)
        known[known] = there[at[known]] == ids[known]
        if before is not None and known.any():
            now = now.filter(_differ(before, now, columns, pa.array(at, mask=~known), known))
        write_portraits(now, is_new=not known.any())
    everybody = outcome.ids
    for chunk in bulk.in_chunks(np.setdiff1d(there, everybody, assume_unique=True).tolist()):
        Portrait.objects.filter(customer_id__in=chunk).delete()


def _differ(before: pa.Table, now: pa.Table, columns: list[str], at: pa.Array, known: np.ndarray) -> pa.Array:
    """Which rows the store does not have, or has otherwise. `at`: their places in the store."""
    differs = pa.array(~known)
    for column in columns:
        old, new = before[column].take(at), now[column]
        old = pc.cast(old, new.type) if old.null_count < len(old) else pa.nulls(len(old), new.type)
        same = pc.or_(pc.fill_null(pc.equal(old, new), False), pc.and_(pc.is_null(old), pc.is_null(new)))
        differs = pc.or_(differs, pc.invert(same))
    return differs


def _shaped(table: pa.Table, column: str) -> Any:
    values = table[column]
    if column.endswith("_on"):
        return pc.cast(pc.cast(values, pa.int32()), pa.date32())
    if column == "usual_gap_days":
        return pc.cast(values, pa.float64())
    values = pc.cast(values, pa.int64(), safe=False)
    return values if column == "last_store" else pc.fill_null(values, 0)


# --- what standings were read from -----------------------------------------------------------------------------------


def keep_curves(books: Books, outcome: Outcome) -> None:
    """Keep the base's curves for live portraits until the next full run."""
    assert books.folder is not None
    rows: dict[str, list[Any]] = {"metric": [], "value": [], "count": [], "lower": []}
    for metric, curve in outcome.curves.items():
        n = len(curve.values)
        rows["metric"].append(np.full(n, metric, dtype=object))
        rows["value"].append(curve.values)
        rows["count"].append(curve.counts)
        rows["lower"].append(np.full(n, curve.lower_is_better))
    table = pa.table({k: np.concatenate(v) if v else np.empty(0) for k, v in rows.items()})
    # A metric that nobody has leaves no row, but it was looked at.
    metrics = {metric: curve.lower_is_better for metric, curve in outcome.curves.items()}
    table = table.replace_schema_metadata({"on": outcome.on.isoformat(), "metrics": json.dumps(metrics)})
    part = books.folder / "curves.writing"
    pq.write_table(table, part)
    part.replace(books.folder / "curves.parquet")


def kept_curves() -> tuple[dict[str, Curve], date | None]:
    """The curves of the last run and its day."""
    file = Home.find().books / "curves.parquet"
    if not file.exists():
        return {}, None
    table = pq.read_table(file)
    on = (table.schema.metadata or {}).get(b"on", b"").decode()
    curves = {}
    for metric, lower in json.loads((table.schema.metadata or {}).get(b"metrics", b"{}")).items():
        rows = table.filter(pc.equal(table["metric"], metric)) if table.num_rows else table
        curves[metric] = Curve(
            rows["value"].to_numpy().astype("float64"), rows["count"].to_numpy().astype("int64"), lower
        )
    return curves, date.fromisoformat(on) if on else None


def start_playbook(trade: str) -> str:
    return FIRST_PLAYBOOK[trade]
