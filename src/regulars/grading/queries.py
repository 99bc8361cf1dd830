"""Questions about grades: why, since when, what would change it; how the base is spread; who would move."""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.customers.models import Customer, Detail, Portrait
from regulars.customers.queries import Away, coverage, file_facts_of, first_written, sales_of
from regulars.facts import catalogue
from regulars.grading.actions import (
    InForce,
    Outcome,
    as_record,
    draw,
    grade_scale,
    in_force,
    kept_curves,
    loaded,
    name_of,
    open_books,
)  # fmt: skip
from regulars.grading.drawing import Plan, live
from regulars.grading.models import GradeChange, GradeRun, Standing
from regulars.grading.rules.transition import NONE, NOT_BELOW, Held, move, review_has_come
from regulars.playbooks.conditions import Finding
from regulars.playbooks.playbook import Playbook, Scale, fits, stays
from regulars.shop import bulk
from regulars.shop.books import Books
from regulars.shop.engine import Engine, day_of, number_of
from regulars.shop.models import Staff, Store
from regulars.shop.spreadsheets import safe_cell
from regulars.shop.turns import turn

AHEAD_DAYS = 60
"""How far ahead a drop is looked for; beyond that a customer has time to come."""

MORE_VISITS = 6
"""How many further visits are tried to find what would win the next grade."""


_here = threading.local()


def engine_here() -> Engine:
    """An engine in memory for single portraits: each thread has its own, for tables stand in it under fixed names."""
    if not hasattr(_here, "engine"):
        _here.engine = Engine(memory="200MB", threads=1)
    engine: Engine = _here.engine
    return engine


@dataclass(frozen=True)
class Explained:
    """One scale of one playbook for one customer: the grade, why, and what would change it."""

    playbook: Playbook
    scale: Scale
    grade: str
    since: date | None
    conditions: list[dict[str, Any]]
    next: list[dict[str, Any]]
    drops_on: date | None = None
    drops_to: str = ""


@dataclass(frozen=True)
class LivePortrait:
    """One customer's facts as of a day, drawn now with the expressions of the full run."""

    customer: Customer
    on: date
    facts: dict[str, Any]
    grades: list[Explained] = field(default_factory=list)


def portrait(
    customer: Customer, on: date, playbooks: Iterable[InForce] | None = None, look_ahead: bool = True
) -> LivePortrait:
    """Draw one customer now, grade her, and say why and what would change it."""
    holding = list(playbooks) if playbooks is not None else in_force()
    plan = Plan.of([h.playbook for h in holding])
    curves, _ = kept_curves()
    sales = sales_of(customer)
    known = file_facts_of(customer, plan.facts, on)
    day = number_of(on)
    engine = engine_here()
    moments = pa.table({"customer": pa.array([customer.id]), "on": pa.array([day], pa.int32())})
    (row,) = live(engine, plan, sales, moments, coverage=coverage(), file_facts=known, curves=curves or None)
    # A question about an earlier day forgets what was only held later, as `grade` does.
    standings = {(s.playbook, s.scale): s for s in Standing.objects.filter(customer=customer, since__lte=on)}
    explained = []
    ahead = _ahead(engine, plan, sales, customer.id, day, known, curves) if look_ahead else None
    for holds in holding:
        for scale in holds.playbook.scales:
            standing = standings.get((holds.playbook.key, scale.key))
            explained.append(_explain(holds.playbook, scale, row, standing, ahead, on))
    return LivePortrait(customer, on, row, explained)


@dataclass(frozen=True)
class _Ahead:
    """What-ifs: portraits on the days to come without a visit, and with k further visits that end on a day."""

    quiet: list[dict[str, Any]]
    visits: dict[tuple[int, int], dict[str, Any]]
    after: Callable[[Iterable[tuple[int, int]]], dict[tuple[int, int], dict[str, Any]]]
    """The portraits for some more (visits, last day)."""


VISITS_END = (*range(1, 15), 21, 30, 45, 60, 75, 92)
"""In how many days the last of some further visits may lie; between two of these the days are looked at when asked."""


def _ahead(
    engine: Engine,
    plan: Plan,
    sales: pa.Table,
    customer: int,
    day: int,
    known: dict[str, Any],
    curves: dict[str, Any],
) -> _Ahead:
    """Draw the coming days as pseudo-customers in one go: the same expressions, nothing calculated twice."""
    quiet_days = list(range(day + 1, day + AHEAD_DAYS + 1))
    typical = int(np.median([a for a in sales["amount"].to_pylist() if a > 0] or [0]))
    base = sales.select(["day", "amount", "attended", "store"])

    def drawn(quiet: list[int], asked: list[tuple[int, int]]) -> list[dict[str, Any]]:
        pseudo = [_as(base, 0)]
        for number, (k, end) in enumerate(asked, 1):
            more = pa.table({
                "day": pa.array(range(end - k + 1, end + 1), pa.int32()), "amount": pa.array([typical or 1] * k, pa.int64()),
                "attended": pa.array([0 if typical else 1] * k, pa.int8()), "store": pa.array([0] * k, pa.int32()),
            })  # fmt: skip
            pseudo.append(_as(pa.concat_tables([base, more]), number))
        moments = pa.table({
            "customer": pa.array([0] * len(quiet) + [*range(1, len(asked) + 1)], pa.int64()),
            "on": pa.array([*quiet, *(end for _, end in asked)], pa.int32()),
        })  # fmt: skip
        return live(engine, plan, pa.concat_tables(pseudo), moments, file_facts=known, curves=curves or None)

    def after(asked: Iterable[tuple[int, int]]) -> dict[tuple[int, int], dict[str, Any]]:
        asked = list(asked)
        return dict(zip(asked, drawn([], asked), strict=True)) if asked else {}

    asked = [(k, day + d) for k in range(1, MORE_VISITS + 1) for d in VISITS_END if d >= k]
    rows = drawn(quiet_days, asked)
    return _Ahead(rows[: len(quiet_days)], dict(zip(asked, rows[len(quiet_days) :], strict=True)), after)


def _as(table: pa.Table, customer: int) -> pa.Table:
    return table.add_column(0, "customer", pa.array([customer] * table.num_rows, pa.int64()))


def _explain(
    playbook: Playbook,
    scale: Scale,
    row: dict[str, Any],
    standing: Standing | None,
    ahead: _Ahead | None,
    on: date,
) -> Explained:
    fit = fits(row, scale)
    held = standing.grade if standing else fit.grade
    index = scale.index(held)
    shown = (
        held
        if index is not None
        else (scale.grades[-1].key if scale.grades[-1].ways else scale.grades[0].key)
    )
    verdicts = fit.verdicts.get(shown, ())
    best = next(
        (v for v in verdicts if v.holds),
        max(verdicts, key=lambda v: sum(f.holds for f in v.findings), default=None),
    )
    conditions = [as_record(f) for f in best.findings] if best else []
    better: list[dict[str, Any]] = []
    drops_on, drops_to = None, ""
    if ahead is not None and held == "new":
        drops_on, drops_to = _first_grade(scale, ahead, on)
        if drops_on:
            better.append({"grade": drops_to, "needs": [], "by": drops_on.isoformat(), "without_visit": True})
    elif ahead is not None and scale.is_ranked:
        better = _ways_up(scale, fit.index if index is None else index, row, ahead, on)
        if index is not None and (lost := _lost(playbook, scale, index, standing, ahead, on)):
            drops_on, drops_to = lost
            better.append({"grade": drops_to, "needs": [], "by": drops_on.isoformat(), "without_visit": True})
    return Explained(
        playbook, scale, held, standing.since if standing else on, conditions, better, drops_on, drops_to
    )


def _first_grade(scale: Scale, ahead: _Ahead, on: date) -> tuple[date | None, str]:
    """When somebody new will be graded, and how if she does not come again before."""
    for k, then in enumerate(ahead.quiet, 1):
        if (grade := fits(then, scale).grade) != "new":
            return on + timedelta(days=k), grade
    return None, ""


def _lost(
    playbook: Playbook, scale: Scale, index: int, standing: Standing | None, ahead: _Ahead, on: date
) -> tuple[date, str] | None:
    """The day on which the grade would be lost without a visit, and to which, by the steps of the nightly run."""
    reviews = playbook.reviews
    grace = [g.grace_days for g in scale.grades]
    below = standing.below_since if standing else None
    held = Held(
        np.array([index]),
        np.array([0], "int32"),
        np.array([number_of(below) if below else NOT_BELOW], "int32"),
    )
    for k, then in enumerate(ahead.quiet, number_of(on) + 1):
        fit = fits(then, scale)
        held = move(
            held, np.array([NONE if fit.index is None else fit.index]), np.array([False]),
            np.array([stays(then, scale, scale.grades[index].key)]), grace, k,
            is_review=review_has_come(reviews.on if reviews else (), k - 1, k, day_of),
            upgrade_at_once=reviews.upgrade_at_once if reviews else True,
        )  # fmt: skip
        got = int(held.grade[0])
        if got != index:
            return None if 0 <= got < index else (day_of(k), name_of(scale, got))
    return None


def _ways_up(
    scale: Scale, index: int | None, row: dict[str, Any], ahead: _Ahead, on: date
) -> list[dict[str, Any]]:
    """For each better grade within reach: how many visits like hers, and until when they would do."""
    found: list[dict[str, Any]] = []
    better = range(len(scale.grades) if index is None else index)
    for grade in reversed(better):
        reached: dict[int, list[int]] = {}
        for (k, end), then in ahead.visits.items():
            if (got := fits(then, scale).index) is not None and got <= grade:
                reached.setdefault(k, []).append(end)
        missing, enough = _missing(scale, grade, row)
        needs = [as_record(f) for f in missing]
        if reached:
            k = min(reached)
            last = _last_day(scale, grade, k, max(reached[k]), ahead)
            by = day_of(last).isoformat() if last else None
            found.append(
                {"grade": scale.grades[grade].key, "needs": needs, "enough": enough, "visits": k, "by": by}
            )
        elif needs:
            found.append({"grade": scale.grades[grade].key, "needs": needs, "enough": enough, "by": None})
        if len(found) == 2:
            break
    return found


def _last_day(scale: Scale, grade: int, k: int, known: int, ahead: _Ahead) -> int | None:
    """The last day on which `k` visits would still do, from one on which they do; None where no end is in sight."""
    later = [end for visits, end in ahead.visits if visits == k and end > known]
    if not later:
        return None
    between = ahead.after((k, end) for end in range(known + 1, min(later)))
    for (_, end), then in between.items():
        if (got := fits(then, scale).index) is None or got > grade:
            return end - 1
    return min(later) - 1


def _missing(scale: Scale, grade: int, row: dict[str, Any]) -> tuple[list[Finding], int]:
    """What does not hold yet of the way that is nearest, and how many of that would do: what visits can bring, else
    what nobody has asked her yet, else what she would have to be."""
    verdicts = fits(row, scale).verdicts[scale.grades[grade].key]
    best = min(verdicts, key=lambda v: sum(not f.holds for f in v.findings), default=None)
    if best is None:
        return [], 0
    missing = [f for f in best.findings if not f.holds]
    within_reach = [f for f in missing if f.value is not None and f.condition.is_ordered]
    chosen = within_reach or [f for f in missing if f.value is None] or missing
    return chosen, min(len(chosen), sum(group.how_many for group in best.open))


def explain(customer: Customer, on: date) -> dict[str, Any]:
    """The contract's shape of `explain`."""
    drawn = portrait(customer, on)
    name = first_written([customer.id]).get(customer.id, f"#{customer.id}")
    return {
        "customer": name, "on": on.isoformat(),
        "grades": [
            {
                "playbook": e.playbook.key, "version": e.playbook.version, "scale": e.scale.key, "grade": e.grade,
                "since": e.since.isoformat() if e.since else None, "conditions": e.conditions, "next": e.next,
            }
            for e in drawn.grades
        ],
    }  # fmt: skip


# --- files -----------------------------------------------------------------------------------------------------------


def fact_for_file(key: str, value: Any) -> Any:
    """A fact as a file carries it: yuan with two decimals, ISO dates, empty for unknown."""
    fact = catalogue.get(key)
    if value is None:
        return ""
    if fact.unit == "yuan":
        return f"{value / 100:.2f}"
    if fact.type == "date":
        return day_of(int(value)).isoformat() if not isinstance(value, date) else value.isoformat()
    if fact.type == "yes-no":
        return "true" if value else "false"
    if key == "last_store":
        return Store.objects.filter(id=value).values_list("name", flat=True).first() or ""
    if isinstance(value, float):
        digits = 10 if fact.unit == "share" else 4  # two thirds stay on their side of a threshold
        return f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return value


def grade_rows(playbook: Playbook, on: date) -> tuple[list[str], Iterable[list[Any]]]:
    """Everybody's grade by one playbook as of a day, as rows of the contract's CSV; writes nothing but the books.
    Whoever first bought after the day was not known on it and has no row."""
    books = open_books()
    with turn():  # nothing is written, but the books move to that day, and the day's run may be at them
        outcome = draw(on, [playbook], books=books)
    later = pa.array(books.begun_after(number_of(on)))
    if len(later):
        outcome.tables = [
            t.filter(pc.invert(pc.is_in(t["customer"], value_set=later))) for t in outcome.tables
        ]
    last = GradeRun.objects.filter(playbook=playbook.key, on__lt=on).order_by("-on").first()
    graded = [
        grade_scale(books, outcome, playbook, s, last.on if last else None, forgets_later=True)
        for s in playbook.scales
    ]
    keys = sorted(playbook.facts())

    def rows() -> Iterable[list[Any]]:
        for k, table in enumerate(outcome.tables):
            customers = table["customer"].to_pylist()
            names = first_written(customers)
            columns = {key: table[key].to_pylist() for key in keys if key in table.column_names}
            for scale, of in zip(playbook.scales, graded, strict=True):
                for i, customer in enumerate(customers):
                    facts = [fact_for_file(key, columns[key][i]) if key in columns else "" for key in keys]
                    yield [
                        names.get(customer, f"#{customer}"),
                        scale.key,
                        name_of(scale, int(of.after[k].grade[i])),
                        *facts,
                    ]

    return ["customer", "scale", "grade", *keys], rows()


def write_grades(playbook: Playbook, on: date, out: Path) -> int:
    """Write the contract's CSV (UTF-8 without BOM); returns the number of rows."""
    header, rows = grade_rows(playbook, on)
    n = 0
    part = out.with_name(out.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for row in rows:
            writer.writerow([safe_cell(v) for v in row])
            n += 1
    part.replace(out)
    return n


# --- the whole base --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GradeShare:
    """One grade of a scale: how many customers, and what they carry."""

    key: str
    customers: int
    spend: int
    visits: int
    share_of_customers: float
    share_of_spend: float


def distribution(run: GradeRun, scale: Scale) -> list[GradeShare]:
    """How customers and money spread over the grades of a scale in one run, best grade first."""
    summary = run.summary.get(scale.key, {})
    order = [g.key for g in scale.grades]
    order += [k for k in ("new", "none") if k not in order]
    customers = sum(v["customers"] for v in summary.values()) or 1
    spend = sum(max(v["spend"], 0) for v in summary.values()) or 1
    return [
        GradeShare(
            k, v["customers"], v["spend"], v["visits"], v["customers"] / customers, max(v["spend"], 0) / spend
        )
        for k in order
        if (v := summary.get(k))
        or (v := {"customers": 0, "spend": 0, "visits": 0} if k not in ("new", "none") else None)
    ]


def moved(playbook: str, since: date, limit: int = 50, viewer: Staff | None = None) -> list[GradeChange]:
    """Changes of grade since a day, the latest first, within a day by where they came from; first gradings are not
    moves. `viewer`: of those whom she sees."""
    found = (
        GradeChange.objects.filter(playbook=playbook, on__gte=since)
        .exclude(was="")
        .select_related("customer__merged_into")
    )
    if viewer is not None and not viewer.reach("look").everybody:
        found = found.filter(customer__in=Customer.objects.visible_to(viewer))
    return list(found.order_by("-on", "-was", "-id")[:limit])


A_MOMENT = 15.0
"""Seconds that somebody in front of a page waits for an import or a day's run to end."""


@dataclass(frozen=True)
class Move:
    """From one grade to another on a scale, by how many and by whom (a few, best customers first)."""

    scale: str
    was: str
    to: str
    customers: int
    people: list[int]


def would_move(now: Playbook, then: Playbook, on: date, outcome: Outcome | None = None) -> list[Move]:
    """Who would stand elsewhere if other numbers held: before adopting anything."""
    books = open_books()
    if outcome is None:
        with turn(patience=A_MOMENT):
            outcome = draw(on, [now, then], books=books)
    moves: list[Move] = []
    run = GradeRun.objects.filter(playbook=now.key, on__lt=on).order_by("-on").first()
    last = run.on if run else None
    for scale in then.scales:
        old = next((s for s in now.scales if s.key == scale.key), None)
        if old is None:
            continue
        from_to: dict[tuple[str, str], list[tuple[int, int]]] = {}
        stands = [_held_names(books, outcome, of, s, last) for of, s in ((now, old), (then, scale))]
        for table, before, after in zip(outcome.tables, *stands, strict=True):
            spend = table["spend_in_12_months"].to_pylist()
            customers = table["customer"].to_pylist()
            for k in np.flatnonzero(before != after).tolist():
                from_to.setdefault((before[k], after[k]), []).append((spend[k] or 0, customers[k]))
        for (was, to), people in from_to.items():
            people.sort(reverse=True)
            moves.append(Move(scale.key, was, to, len(people), [c for _, c in people[:12]]))
    return sorted(moves, key=lambda m: -m.customers)


def _held_names(
    books: Books, outcome: Outcome, playbook: Playbook, scale: Scale, last_run: date | None
) -> list[np.ndarray]:
    """What everybody would hold after today's run by these numbers, part by part: reviews, `stay` and grace count."""
    names = np.array([*(g.key for g in scale.grades), "", "none", "new"], object)
    graded = grade_scale(books, outcome, playbook, scale, last_run, forgets_later=True)
    return [names[held.grade] for held in graded.after]


def standings_of(customers: Sequence[int], playbook: str) -> dict[int, Standing]:
    """The standing of each customer on the first scale of a playbook."""
    found: dict[int, Standing] = {}
    for s in Standing.objects.filter(customer__in=customers, playbook=playbook).order_by("-id"):
        found[s.customer_id] = s
    return found


def missing_for(keys: Sequence[str]) -> dict[str, list[str]]:
    """For each playbook the facts that its grades or its care ask for and nobody in this shop has yet."""
    said = set(Detail.objects.values_list("key", flat=True).distinct())
    shown = {
        "sex": Customer.objects.exclude(sex="").exists(),
        "is_company": Customer.objects.filter(is_company=True).exists(),
    }
    shown["age"] = Customer.objects.exclude(birthday="").exists()
    said |= {k for k, there in shown.items() if there}
    return {key: [fact for fact in loaded(key).told_facts() if fact not in said] for key in keys}


def late_by_grade(playbook: str, scale: str, away: Away) -> dict[str, int]:
    """How many customers of each grade are late by their own rhythm."""
    portrait, standing = Portrait._meta.db_table, Standing._meta.db_table
    said, values = away.where()
    sql = (
        f"SELECT s.grade, COUNT(*) FROM {standing} s JOIN {portrait} ON {portrait}.customer_id = s.customer_id "
        f"WHERE s.playbook = %s AND s.scale = %s AND {said} GROUP BY s.grade"
    )
    return dict(bulk.rows(sql, [playbook, scale, *values]))
