"""Verbs of grading: put a playbook into force, take it back, grade the whole base and record what changed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db import transaction
from django.utils import timezone

from regulars.customers.actions import write_portraits
from regulars.customers.models import Portrait, Touched
from regulars.customers.queries import arrow, coverage, customers_alive, people_for_books, sales_for_books
from regulars.grading.drawing import Plan, days_sql, fits_of, portraits, refresh_measures
from regulars.grading.drops import drop_days
from regulars.grading.models import Adoption, GradeChange, GradeRun, Standing
from regulars.grading.rules.transition import NEW, NONE, NOT_BELOW, UNGRADED, Held, move, review_has_come
from regulars.playbooks.conditions import Finding
from regulars.playbooks.playbook import Playbook, Scale, fits, load
from regulars.playbooks.portrait import Curve
from regulars.shop import bulk
from regulars.shop.books import Books, day_of, number_of
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
        adoption = Adoption.objects.create(key=key, version=playbook.version, overlay=overlay, is_first=is_first, by=by)
        audit("adopt-playbook", f"playbook {key}", by=by, detail={"version": playbook.version})
    return adoption


def take_back(adoption: Adoption, *, by: Staff | None = None) -> None:
    """Take an adoption back: the version before holds again."""
    with transaction.atomic():
        if Adoption.objects.filter(id=adoption.id, taken_back_at=None).update(taken_back_at=timezone.now()):
            audit("take-back-playbook", f"playbook {adoption.key}", by=by, detail={"version": adoption.version})
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
        books.write_days(sales_for_books(), days_sql(books))
    elif waiting:
        ids = np.array(sorted({c for _, c in waiting}), dtype="int64")
        books.write_days(sales_for_books(ids.tolist()), days_sql(books), ids)
    for chunk in bulk.in_chunks([i for i, _ in waiting]):
        Touched.objects.filter(id__in=chunk).delete()


# --- the run ---------------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """One grading of the whole base: portraits with grades, and what changed."""

    on: date
    tables: list[pa.Table]
    plan: Plan
    curves: dict[str, Curve]
    changes: dict[tuple[str, str], int] = field(default_factory=dict)
    was_full: bool = True
    seconds: float = 0.0

    @property
    def customers(self) -> int:
        return sum(t.num_rows for t in self.tables)


def code_of(scale: Scale) -> dict[str, int]:
    codes = {g.key: k for k, g in enumerate(scale.grades)}
    codes.setdefault("new", NEW)
    codes.setdefault("none", NONE)
    return codes


def name_of(scale: Scale, code: int) -> str:
    if code >= 0:
        return scale.grades[code].key
    return {NEW: "new", NONE: "none"}.get(code, "")


def held_by(playbook: Playbook, scale: Scale, customers: np.ndarray) -> Held:
    """What these customers hold on a scale, in their order."""
    held = Held.nothing(len(customers))
    table = Standing._meta.db_table
    sql = (
        f"SELECT customer_id, grade, since, below_since FROM {table} "
        f"WHERE playbook = '{playbook.key}' AND scale = '{scale.key}' ORDER BY customer_id"
    )
    codes = code_of(scale)
    order = np.argsort(customers)
    ranked = customers[order]
    for rows in arrow(sql):
        ids = rows["customer_id"].to_numpy()
        at = np.searchsorted(ranked, ids)
        there = (at < len(ranked)) & (ranked[np.minimum(at, max(len(ranked) - 1, 0))] == ids) if len(ranked) else np.zeros(len(ids), bool)
        spots = order[at[there]]
        coded = rows["grade"].combine_chunks().dictionary_encode()
        known = np.array([codes.get(g, UNGRADED) for g in coded.dictionary.to_pylist()], dtype="int64")
        held.grade[spots] = known[coded.indices.to_numpy()][there]
        held.since[spots] = _days(rows["since"], 0)[there]
        held.below_since[spots] = _days(rows["below_since"], NOT_BELOW)[there]
    return held


def as_date(column: Any) -> Any:
    """Days as the store gives them: text on SQLite, dates on PostgreSQL, any type at all when every one is null."""
    if column.null_count == len(column):
        return pa.nulls(len(column), pa.date32())
    return pc.cast(column, pa.date32())


def _days(column: pa.ChunkedArray, empty: int) -> np.ndarray:
    return np.asarray(pc.fill_null(pc.cast(as_date(column), pa.int32()), empty))


def draw(on: date, playbooks: Iterable[Playbook], *, full: bool = False, books: Books | None = None) -> Outcome:
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
    """One scale over all parts: what held before, what fits, what holds now."""

    playbook: Playbook
    scale: Scale
    before: list[Held]
    after: list[Held]
    fits: list[np.ndarray]


def grade_scale(
    books: Books, outcome: Outcome, playbook: Playbook, scale: Scale, last_run: date | None, *, forgets_later: bool = False
) -> Graded:
    """The grades that hold after `on` for everybody drawn; writes nothing. A question about an earlier day
    `forgets_later` grades: nobody held them yet."""
    day = number_of(outcome.on)
    reviews = playbook.reviews
    is_review = review_has_come(reviews.on if reviews else (), number_of(last_run) if last_run else None, day, day_of)
    graded = Graded(playbook, scale, [], [], [])
    for table in outcome.tables:
        index, watched, stays = fits_of(books, table, scale)
        held = held_by(playbook, scale, table["customer"].to_numpy())
        if forgets_later:
            later = held.since > day
            held.grade[later], held.below_since[later] = UNGRADED, NOT_BELOW
        stay = np.zeros(len(index), dtype=bool)
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
        summary: dict[str, Any] = {}
        changed = 0
        for scale in holds.playbook.scales:
            graded = grade_scale(books, outcome, holds.playbook, scale, last.on if last else None)
            horizon = max((r.within_days or 14 for r in holds.playbook.care if r.when == "grade_at_risk"), default=0)
            drops = {}
            if horizon:
                drops = drop_days(
                    books, outcome.plan, outcome.tables, outcome.curves, holds.playbook, scale, graded.after, number_of(on), horizon
                )
            changed += _record(outcome, graded, drops)
            outcome.changes[(holds.playbook.key, scale.key)] = changed
            summary[scale.key] = _summary(outcome, graded)
            if holds is holding[0]:
                outcome.tables = _with_grades(outcome.tables, holds.playbook, scale)
        GradeRun.objects.filter(playbook=holds.playbook.key, on=on).delete()
        GradeRun.objects.create(
            playbook=holds.playbook.key, version=holds.playbook.version, on=on, is_full=outcome.was_full,
            seconds=outcome.seconds, customers=outcome.customers, changed=changed, summary=summary,
            missing_facts=missing_facts(outcome, holds.playbook),
        )  # fmt: skip
    progress(2, 3, Words("写回变化", "Writing the changes back"))
    _write_portraits(outcome)
    keep_curves(books, outcome)
    progress(3, 3, Words("完成", "Done"))
    return outcome


def _with_grades(tables: list[pa.Table], playbook: Playbook, scale: Scale) -> list[pa.Table]:
    """Add the columns that care reads: grade, since, what it was before, when it would be lost."""
    sql = (
        f"SELECT customer_id, grade, since, was, drops_on FROM {Standing._meta.db_table} "
        f"WHERE playbook = '{playbook.key}' AND scale = '{scale.key}' ORDER BY customer_id"
    )
    stored = list(arrow(sql))
    if not stored:
        return tables
    rows = pa.concat_tables(stored, promote_options="permissive")
    out = []
    for table in tables:
        at = pc.index_in(table["customer"], value_set=rows["customer_id"].combine_chunks())
        for name, column in (("grade", "grade"), ("since", "since"), ("was", "was"), ("drops_on", "drops_on")):
            values = rows[column].combine_chunks().take(at.combine_chunks() if isinstance(at, pa.ChunkedArray) else at)
            if name in ("since", "drops_on"):
                values = as_date(values)
            table = table.append_column(f"{name}:{scale.key}", values)
        out.append(table)
    return out


def _record(outcome: Outcome, graded: Graded, drops: dict[int, int]) -> int:
    """Write standings that changed and one line of history for each change of grade."""
    playbook, scale = graded.playbook, graded.scale
    changed = 0
    now_drops = dict(
        Standing.objects.filter(playbook=playbook.key, scale=scale.key, drops_on__isnull=False).values_list("customer_id", "drops_on")
    )
    for table, before, after in zip(outcome.tables, graded.before, graded.after, strict=True):
        customers = table["customer"].to_numpy()
        moved = before.grade != after.grade
        drop = np.array([drops.get(int(c), 0) for c in customers]) if drops else np.zeros(len(customers), "int64")
        dropped = np.array([number_of(now_drops[c]) if c in now_drops else 0 for c in customers.tolist()]) if now_drops else np.zeros(len(customers), "int64")
        touched = np.flatnonzero(moved | (before.below_since != after.below_since) | (drop != dropped))
        changed += int(moved.sum())
        rows = []
        for k in touched.tolist():
            was = name_of(scale, int(before.grade[k]))
            below = int(after.below_since[k])
            rows.append((
                int(customers[k]), playbook.key, scale.key, name_of(scale, int(after.grade[k])), was,
                day_of(int(after.since[k])).isoformat(), day_of(below).isoformat() if below != NOT_BELOW else None,
                day_of(int(drop[k])).isoformat() if drop[k] else None,
            ))  # fmt: skip
        for chunk in bulk.in_chunks(rows, bulk.CHUNK):
            with transaction.atomic():
                known = [r[0] for r in chunk]
                olds: dict[int, str] = {}
                for ids in bulk.in_chunks(known):
                    found = Standing.objects.filter(playbook=playbook.key, scale=scale.key, customer_id__in=ids)
                    olds.update(found.values_list("customer_id", "was"))
                    found.delete()
                bulk.insert(
                    Standing, ("customer_id", "playbook", "scale", "grade", "was", "since", "below_since", "drops_on"),
                    [(*r[:4], r[4] if r[4] != r[3] else olds.get(r[0], ""), *r[5:]) for r in chunk],
                )  # fmt: skip
        _write_history(outcome.on, graded, table, before, after, np.flatnonzero(moved))
    _forget_absent(playbook, scale, outcome)
    return changed


def _forget_absent(playbook: Playbook, scale: Scale, outcome: Outcome) -> None:
    """Standings of customers who are no longer there (merged, or known only from a batch that was undone)."""
    have = Standing.objects.filter(playbook=playbook.key, scale=scale.key).count()
    if have != outcome.customers:
        there = {int(c) for t in outcome.tables for c in t["customer"].to_pylist()}
        gone = [c for c in Standing.objects.filter(playbook=playbook.key, scale=scale.key).values_list("customer_id", flat=True) if c not in there]
        for chunk in bulk.in_chunks(gone):
            Standing.objects.filter(playbook=playbook.key, scale=scale.key, customer_id__in=chunk).delete()


def _write_history(on: date, graded: Graded, table: pa.Table, before: Held, after: Held, moved: np.ndarray) -> None:
    wanted = sorted({c.fact for g in graded.scale.grades for c in g.conditions()} & set(table.column_names))
    narrow = table.select([*wanted, *([] if "days_since_first_visit" in wanted else ["days_since_first_visit"])])
    for chunk in bulk.in_chunks(moved, bulk.CHUNK):
        people = narrow.take(pa.array(chunk)).to_pylist()
        rows = []
        for k, person in zip(chunk.tolist(), people, strict=True):
            decided = deciding(person, graded.scale, int(after.grade[k]))
            rows.append((
                int(table["customer"][k].as_py()), graded.playbook.key, graded.playbook.version, graded.scale.key,
                name_of(graded.scale, int(before.grade[k])), name_of(graded.scale, int(after.grade[k])),
                on.isoformat(), json.dumps(decided, ensure_ascii=False),
            ))  # fmt: skip
        with transaction.atomic():
            bulk.insert(
                GradeChange, ("customer_id", "playbook", "version", "scale", "was", "grade", "on", "conditions"), rows
            )


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
        return round(value, 4) if isinstance(value, float) else value

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
            row = totals.setdefault(name_of(graded.scale, int(code)), {"customers": 0, "spend": 0, "visits": 0})
            row["customers"] += int(mine.sum())
            row["spend"] += int(spend[mine].sum())
            row["visits"] += int(visits[mine].sum())
    return totals


def missing_facts(outcome: Outcome, playbook: Playbook) -> list[str]:
    """Facts that the playbook asks for and nobody in this shop has yet."""
    asked = [f for f in outcome.plan.file_facts if f.key in playbook.facts() | playbook.care_facts()]
    return [f.key for f in asked if all(f.key not in t.column_names or t[f.key].null_count == t.num_rows for t in outcome.tables)]


def _write_portraits(outcome: Outcome) -> None:
    """Write the listed facts back where they changed, and nowhere else."""
    columns = [f.column for f in Portrait._meta.concrete_fields if f.column != "customer_id"]
    names = ", ".join(columns)
    stored = list(arrow(f"SELECT customer_id, {names} FROM {Portrait._meta.db_table} ORDER BY customer_id"))
    before = pa.concat_tables(stored, promote_options="permissive") if stored else None
    place = {c: k for k, c in enumerate(before["customer_id"].to_pylist())} if before is not None else {}
    for table in outcome.tables:
        now = pa.table({"customer": table["customer"], **{c: _shaped(table, c) for c in columns}})
        if before is None:
            write_portraits(now)
            continue
        rows = [place.get(c) for c in now["customer"].to_pylist()]
        at = pa.array(rows, pa.int64())
        differs = pc.is_null(at)
        for column in columns:
            old = before[column].combine_chunks().take(at)
            old = pc.cast(old, now[column].type) if old.null_count < len(old) else pa.nulls(len(old), now[column].type)
            new = now[column].combine_chunks() if isinstance(now[column], pa.ChunkedArray) else now[column]
            same = pc.or_(pc.fill_null(pc.equal(old, new), False), pc.and_(pc.is_null(old), pc.is_null(new)))
            differs = pc.or_(differs, pc.invert(same))
        write_portraits(now.filter(differs))
    if before is not None and before.num_rows > outcome.customers:
        alive = set(customers_alive().tolist())
        for chunk in bulk.in_chunks([c for c in place if c not in alive]):
            Portrait.objects.filter(customer_id__in=chunk).delete()


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
        curves[metric] = Curve(rows["value"].to_numpy().astype("float64"), rows["count"].to_numpy().astype("int64"), lower)
    return curves, date.fromisoformat(on) if on else None


def start_playbook(trade: str) -> str:
    return FIRST_PLAYBOOK[trade]
