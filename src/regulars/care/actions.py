"""Verbs of care: make a day's list, end a task in one of four ways, take that back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from regulars.care.gifts import give
from regulars.care.models import DayPlan, Task, TaskState, TaskWord
from regulars.care.rules.due import Due, due
from regulars.care.rules.plan import Plan, plan
from regulars.care.rules.terms import Day, Person
from regulars.care.rules.terms import Task as Card
from regulars.care.rules.whom import IN_PERSON
from regulars.customers.consents import shut_channels
from regulars.customers.models import Customer, Link
from regulars.customers.queries import arrow, family_of, merged
from regulars.grading.actions import STALE_AFTER, InForce, Outcome, grade_columns, in_force
from regulars.playbooks.playbook import Playbook
from regulars.sales.models import Identity
from regulars.shop.models import Business, Contact, Hold, Staff, Store, audit, own_roles
from regulars.shop.rotation import renewed_with
from regulars.shop.rules.policy import role_of
from regulars.shop.sealed_words import write_words
from regulars.shop.words import Refused, Words

PATIENCE_DAYS = 3
"""A thank-you or a congratulation still pleases three days later."""

KEPT_WAITING = 1000
"""Tasks without room that are written down by name; of the rest the number is kept. A festival may concern everybody."""

BY_HAND = ""
"""Playbook of tasks that a person has given: no planning takes them off, they stay until they are done or too late."""

PEACE_DAYS = 180
"""How long a rule leaves a customer alone who did not want it."""


def plan_day(outcome: Outcome, on: date) -> dict[str, Any]:
    """Make the list of a day from graded portraits. Run again it changes nothing: occasions are once-only."""
    holding = in_force()
    with transaction.atomic():
        _wake(on)
    before = Task.objects.filter(Q(state=TaskState.OPEN) | Q(state=TaskState.EXPIRED, last_on__gte=on))
    into = merged()
    # Of two who are merged the one who stays is asked; the other's task serves where she has none of her own.
    own_last = sorted(before, key=lambda t: t.customer_id not in into)
    known = {(into.get(t.customer_id, t.customer_id), t.rule, t.occasion): t for t in own_last}
    by_hand = Task.objects.filter(playbook=BY_HAND, state=TaskState.OPEN)
    by_hand.update(on=on)
    open_before = {key: t for key, t in known.items() if t.state == TaskState.OPEN and t.playbook != BY_HAND}
    put_off = [t for t in open_before.values() if t.postponed_to]
    made = _plan(outcome, holding, on, put_off)
    if made is None:
        return _keep_plan(on, outcome, {"tasks": 0, "waiting": 0, "waiting_beyond": 0, "paused": []})
    stores = {s.name: s.id for s in Store.objects.all()}
    waiting = made.left_over[:KEPT_WAITING]
    rows: list[Task] = []
    seen: set[tuple[int, str, str]] = set()
    for place, card in enumerate([*made.tasks, *waiting], 1):
        key = (int(card.candidate.customer), card.candidate.rule.key, card.candidate.occasion)
        seen.add(key)
        rows.append(_row(card, known.get(key), on, place, stores))
    with transaction.atomic():
        for task in open_before.values():
            if task.customer_id not in into and (task.customer_id, task.rule, task.occasion) not in seen:
                task.state, task.ended_on = TaskState.EXPIRED, on
                task.save(update_fields=["state", "ended_on"])
        Task.objects.bulk_create([r for r in rows if r.pk is None], ignore_conflicts=True, batch_size=500)
        Task.objects.bulk_update(
            [r for r in rows if r.pk is not None],
            ["state", "ended_on", "on", "due_on", "last_on", "staff_id", "why", "do", "say", "also", "rank", "place", "fits", "grade", "store_id"],
            batch_size=200,
        )  # fmt: skip
    return _keep_plan(on, outcome, {
        "tasks": len(made.tasks), "waiting": len(made.left_over),
        "waiting_beyond": max(0, len(made.left_over) - KEPT_WAITING),
        "paused": sorted({(p.rule.key, p.store or "", p.why.zh, p.why.en) for p in made.paused}),
    })  # fmt: skip


def kept_plan(on: date) -> dict[str, Any]:
    """What `plan_day` said of a day that is over."""
    plan = DayPlan.objects.filter(on=on).first()
    return {
        "tasks": Task.objects.filter(on=on, fits=True).count(), "waiting": plan.waiting if plan else 0,
        "waiting_beyond": plan.waiting_beyond if plan else 0, "paused": [tuple(p) for p in plan.paused] if plan else [],
    }  # fmt: skip


def forget_after(on: date) -> None:
    """Take back the lists of later days; what people have done stays."""
    Task.objects.filter(on__gt=on, ended_by=None).delete()
    DayPlan.objects.filter(on__gt=on).delete()


EXPECTED = 200
"""How many of those who may come by their own rhythm are written down: more than a counter can look out for."""


def _keep_plan(on: date, outcome: Outcome, planned: dict[str, Any]) -> dict[str, Any]:
    """Write down what pages say about the plan beside its tasks."""
    kept = {k: planned[k] for k in ("waiting", "waiting_beyond", "paused")}
    DayPlan.objects.update_or_create(on=on, defaults={**kept, "expected": _expected(outcome, on)})
    return planned


def _expected(outcome: Outcome, on: date) -> list[list[Any]]:
    """Who is due today by her own rhythm, the best customers first: number, store, usual gap."""
    found: list[tuple[int, int, int | None, float]] = []
    for table in outcome.tables:
        gap, last = table["usual_gap_days"], pc.cast(table["last_visit_on"], pa.int32())
        due_today = pc.equal(pc.add(last, pc.cast(pc.round(gap), pa.int32())), (on - date(1970, 1, 1)).days)
        chosen = table.filter(pc.fill_null(due_today, False))
        stores = (
            chosen["last_store"].to_pylist()
            if "last_store" in chosen.column_names
            else [None] * chosen.num_rows
        )
        rows = (
            chosen["spend_in_12_months"].to_pylist(),
            chosen["customer"].to_pylist(),
            stores,
            chosen["usual_gap_days"].to_pylist(),
        )
        found += [(s or 0, c, store, round(g, 1)) for s, c, store, g in zip(*rows, strict=True)]
    found.sort(key=lambda one: (-one[0], one[1]))
    return [[c, store, g] for _, c, store, g in found[:EXPECTED]]


def _wake(on: date) -> None:
    """What is over is over; what was put off is open again on its day, if its time is not over by then."""
    asleep = Q(state__in=(TaskState.POSTPONED, TaskState.NOT_REACHED), postponed_to__lte=on)
    Task.objects.filter(asleep | Q(state=TaskState.OPEN), last_on__lt=on).update(
        state=TaskState.EXPIRED, ended_by=None, ended_on=on
    )
    Task.objects.filter(asleep).update(state=TaskState.OPEN, ended_by=None, ended_at=None, ended_on=None)


def _plan(outcome: Outcome, holding: list[InForce], on: date, put_off: list[Task]) -> Plan | None:
    """`put_off`: what people have put off until today. It comes first, to the same person, if there still is a reason."""
    business = Business.objects.first()
    if not holding or not outcome.tables or business is None:
        return None
    everybody = pa.concat_tables(outcome.tables, promote_options="permissive")
    if not everybody.num_rows:
        return None
    into = merged()
    everybody = _with_people(
        everybody, on, {into.get(t.customer_id, t.customer_id): t.staff_id for t in put_off}
    )
    known = {s.name: s.known_until for s in Store.objects.exclude(known_until=None) if s.known_until}
    gaps = everybody["usual_gap_days"].drop_null()
    typical = pc.quantile(gaps, 0.5)[0].as_py() if len(gaps) else None
    day = Day(
        on=on, known_until=known or None, typical_gap_days=typical, stale_after=STALE_AFTER, patience_days=PATIENCE_DAYS
    )  # fmt: skip
    done = _done(on)
    dues: list[Due] = []
    for playbook in (holds.playbook for holds in holding):
        if not playbook.care:
            continue
        people = everybody
        for name, values in grade_columns(outcome, playbook.key).items():
            people = people.append_column(name, values)
        day = replace(day, scales={s.key: s.names for s in playbook.scales})
        found = due(people, playbook.care, day, _seen_by(done, playbook), playbook.key)
        dues.append(_left_in_peace(found, on))
    if not dues:
        return None
    promised = {(into.get(t.customer_id, t.customer_id), t.rule): t.occasion for t in put_off}
    return plan(dues, people_at_work(on), shop=business.voice or business.name, promised=promised)


def _left_in_peace(found: Due, on: date) -> Due:
    """Without the rules that a customer did not want, for as long as she is left in peace."""
    still = Hold.objects.exclude(rule="").filter(Q(until=None) | Q(until__gte=on))
    held: dict[str, list[int]] = {}
    into = merged()
    for rule, person in still.values_list("rule", "person"):
        held.setdefault(rule, []).append(into.get(person, person))
    if not held:
        return found
    customers = found.people.table["customer"].to_numpy()
    batches = [
        batch._replace(
            found=batch.found.keep(~np.isin(customers[batch.found.rows], held.get(batch.rule.key, [])))
        )
        for batch in found.batches
    ]
    kept = [batch for batch in batches if len(batch.found.rows)]
    return Due(found.people, found.day, kept, found.paused, found.playbook)


def people_at_work(on: date) -> list[Person]:
    """Who does care today and how many minutes are left of her day."""
    spent: dict[int | None, int] = {}
    for staff, minutes in Task.objects.filter(ended_on=on, ended_by__isnull=False).values_list(
        "ended_by", "minutes"
    ):
        spent[staff] = spent.get(staff, 0) + minutes
    own = own_roles()
    found = []
    for s in Staff.objects.filter(is_active=True).select_related("store").order_by("id"):
        role = role_of(s.role, own)
        if role is None or "contact" not in role.abilities:
            continue
        left = max(0, s.minutes_a_day - spent.get(s.id, 0))
        found.append(
            Person(s.id, s.name, role.works_like or role.key, s.store.name if s.store else None, left)
        )
    return found


def _with_people(graded: pa.Table, on: date, promised: dict[int, int | None]) -> pa.Table:
    """Add who she is: name, sex, birthday, store, person in charge (of today: who promised her something), whether she
    was asked for today, what holds."""
    customer, link, identity = Customer._meta.db_table, Link._meta.db_table, Identity._meta.db_table
    sql = (
        "SELECT c.id, c.name, c.sex, c.birthday, c.anniversary, c.is_company, "
        # Whoever looks after one of two who are merged looks after both, unless the other has somebody.
        f"COALESCE(c.in_charge_id, (SELECT MIN(o.in_charge_id) FROM {customer} o WHERE o.merged_into_id = c.id)) AS in_charge_id, "
        f"c.store_id FROM {customer} c ORDER BY c.id"
    )
    rows = pa.concat_tables(list(arrow(sql)), promote_options="permissive")
    at = pc.index_in(graded["customer"], value_set=rows["id"].combine_chunks()).combine_chunks()
    reachable = pa.concat_tables(
        [
            *arrow(
                f"SELECT DISTINCT l.customer_id AS id FROM {link} l JOIN {identity} i ON i.id = l.identity_id WHERE i.kind IN ('phone', 'openid')"
            )
        ]
        or [pa.table({"id": pa.array([], pa.int64())})]
    )
    texts = {c: rows[c].combine_chunks().take(at) for c in ("name", "sex", "birthday", "anniversary")}
    names = {s.id: s.name for s in Store.objects.all()}
    last = (
        graded["last_store"].to_pylist() if "last_store" in graded.column_names else [None] * graded.num_rows
    )
    home = rows["store_id"].combine_chunks().take(at).to_pylist()
    store = pa.array([names.get(a) or names.get(b) for a, b in zip(last, home, strict=True)], pa.string())
    charge = pc.cast(rows["in_charge_id"].combine_chunks().take(at), pa.string())
    if promised:
        place = pc.index_in(graded["customer"], value_set=pa.array(list(promised), pa.int64()))
        who = pa.array([str(s) if s else None for s in promised.values()], pa.string())
        charge = pc.coalesce(who.take(place.combine_chunks()), charge)
    # Whoever was reached, tried, put off or asked to be left alone today is not turned to again today.
    ended = Task.objects.filter(ended_on=on, ended_by__isnull=False).exclude(channel=IN_PERSON)
    into = merged()
    turned_to = Contact.objects.filter(on=on).exclude(channel=IN_PERSON).values_list("person", flat=True)
    given = Task.objects.filter(playbook=BY_HAND, state=TaskState.OPEN).exclude(channel=IN_PERSON)
    asked = (ended.values_list("customer_id", flat=True), given.values_list("customer_id", flat=True))
    contacts = {into.get(c, c): on for c in (*turned_to, *asked[0], *asked[1])}
    holds: dict[int, date | None] = {}
    for person, until in Hold.objects.filter(rule="").values_list("person", "until"):
        person = into.get(person, person)
        holds[person] = max(holds.get(person) or date.min, until or date.max)
    ids = graded["customer"].to_pylist() if contacts or holds else []
    closed = shut_channels(on)
    everybody = graded["customer"].to_pylist() if closed else []
    blank = [None] * graded.num_rows
    for name, column in {
        **{k: pc.if_else(pc.equal(v, ""), pa.scalar(None, pa.string()), v) for k, v in texts.items()},
        "is_company": pc.cast(rows["is_company"].combine_chunks().take(at), pa.bool_()),
        "store": store, "staff_in_charge": charge,
        "contacted_on": pa.array([contacts.get(c) for c in ids] if contacts else blank, pa.date32()),
        "held_until": pa.array([holds.get(c) for c in ids] if holds else blank, pa.date32()),
        "shut": pa.array([" ".join(sorted(closed.shut[c])) if c in closed.shut else None for c in everybody] if closed else blank, pa.string()),
        "refuses_automation": pa.array([c in closed.refuses_automation for c in everybody] if closed else blank, pa.bool_()),
        "reachable": pc.is_in(graded["customer"], value_set=reachable["id"].combine_chunks()),
    }.items():  # fmt: skip
        if name in graded.column_names:
            graded = graded.drop_columns([name])
        graded = graded.append_column(name, column)
    for name in ("first_visit_on", "last_visit_on"):
        place = graded.column_names.index(name)
        graded = graded.set_column(place, name, pc.cast(pc.cast(graded[name], pa.int32()), pa.date32()))
    return graded


def _done(on: date) -> pa.Table:
    """What was done or is no longer to be asked: closed tasks, and rules that a customer did not want."""
    since = on - timedelta(days=400)
    closed = Task.objects.exclude(state=TaskState.OPEN).filter(ended_on__gte=since)
    rows = list(closed.values_list("customer_id", "rule", "ended_on", "occasion", "state", "playbook"))
    # What expired without being done may come up again under the same occasion only if its time is not over.
    rows = [r for r in rows if r[4] != TaskState.EXPIRED]
    into = merged()
    return pa.table({
        "customer": pa.array([into.get(r[0], r[0]) for r in rows], pa.int64()), "rule": pa.array([r[1] for r in rows], pa.string()),
        "done_on": pa.array([r[2] for r in rows], pa.date32()), "occasion": pa.array([r[3] for r in rows], pa.string()),
        "playbook": pa.array([r[5] for r in rows], pa.string()),
    })  # fmt: skip


def _seen_by(done: pa.Table, playbook: Playbook) -> pa.Table:
    """What was done, as the rules of one playbook see it: a birthday that another playbook has kept is kept, whatever
    its rule is called here."""
    foreign = done.filter(pc.not_equal(done["playbook"], playbook.key))
    ours = [done.filter(pc.equal(done["playbook"], playbook.key))]
    ours += [
        foreign.set_column(
            foreign.column_names.index("rule"), "rule", pa.repeat(pa.scalar(rule.key), foreign.num_rows)
        )
        for rule in playbook.care
        if rule.when != "owed"
    ]
    return pa.concat_tables(ours)


def _row(card: Card, known: Task | None, on: date, place: int, stores: dict[str, int]) -> Task:
    c = card.candidate
    task = known or Task(
        customer_id=int(c.customer), rule=c.rule.key, occasion=c.occasion, playbook=card.playbook
    )
    task.on, task.due_on, task.last_on = on, c.due_on, c.last_on
    task.state, task.ended_on = TaskState.OPEN, None  # what had made way for something better comes back
    task.staff_id = int(card.staff.id) if card.staff else None
    task.store_id = stores.get(card.store or "")
    task.name, task.why, task.do, task.say = list(c.rule.name), list(c.why), list(card.do), list(card.say)
    task.also = [list(w) for w in card.also]
    task.channel, task.minutes, task.cost = c.rule.channel, card.minutes, card.cost
    task.rank, task.place, task.fits, task.grade = card.rank, place, card.fits, card.grade[:40]
    return task


# --- what becomes of a task ------------------------------------------------------------------------------------------

TAKEN = Words("这件事刚刚已经有人做了", "Somebody has just done this")
LAST_DAY = Words("今天是最后一天，改天就晚了", "Today is the last day; later would be too late")
ENDINGS = (TaskState.DONE, TaskState.NOT_REACHED, TaskState.POSTPONED, TaskState.NOT_WANTED)


def end(task: Task, how: str, *, by: Staff, on: date, note: str = "", until: date | None = None) -> Task:
    """End a task: done, not reached (tomorrow again), postponed (to a day), not wanted (left in peace).

    Two people can't end the same task: only the one whose update meets it open does. Raises Refused otherwise.
    """
    if how not in ENDINGS:
        raise Refused(Words("没有这个选项", "There is no such choice"))
    if how == TaskState.POSTPONED and task.last_on <= on:
        raise Refused(LAST_DAY)
    if how == TaskState.DONE and (task.cost > 0 or task.channel == "gift"):
        give(task.customer, task.cost, on=on, by=by)
    later = min(
        until if until and until > on else on + timedelta(days=1), max(task.last_on, on + timedelta(days=1))
    )
    values: dict[str, Any] = {"state": how, "ended_by": by, "ended_at": timezone.now(), "ended_on": on}
    if how in (TaskState.NOT_REACHED, TaskState.POSTPONED):
        values["postponed_to"] = later
    with transaction.atomic():
        if Task.objects.filter(id=task.id, state=TaskState.OPEN).update(**values) != 1:
            raise Refused(TAKEN)
        task.refresh_from_db()
        if note.strip():
            task.note = note.strip()[:1000]
            task.save(update_fields=["note"])
            write_words(TaskWord, [(task.pk, str(task.note))])
        if how in (TaskState.DONE, TaskState.NOT_REACHED):
            Contact.objects.create(
                person=task.customer_id, on=on, staff=by, channel=task.channel, rule=task.rule,
                reached=how == TaskState.DONE, minutes=task.minutes, cost=task.cost if how == TaskState.DONE else 0,
            )  # fmt: skip
        if how == TaskState.NOT_WANTED:
            Hold.objects.create(
                person=task.customer_id,
                rule=task.rule,
                until=on + timedelta(days=PEACE_DAYS),
                by=by,
                why=note.strip()[:1000] or None,
            )
        audit("end-task", f"task {task.id}", by=by, detail={"how": how, "rule": task.rule})
    return task


def reopen(task: Task, *, by: Staff, on: date) -> Task:
    """Take back how a task was ended, on the same day; the contact and the hold that it left go too."""
    with transaction.atomic():
        if (
            Task.objects.filter(id=task.id, ended_on=on)
            .exclude(state__in=(TaskState.OPEN, TaskState.EXPIRED))
            .update(state=TaskState.OPEN, ended_by=None, ended_at=None, ended_on=None, postponed_to=None)
            != 1
        ):
            raise Refused(Words("只能撤回今天做的", "Only what was done today can be taken back"))
        last = Contact.objects.filter(person=task.customer_id, on=on, rule=task.rule).order_by("-id").first()
        if last:
            last.delete()
        hold = (
            Hold.objects.filter(person=task.customer_id, rule=task.rule, at__date=timezone.now().date())
            .order_by("-id")
            .first()
        )
        if hold and task.state == TaskState.NOT_WANTED:
            hold.delete()
        task.refresh_from_db()
        audit("reopen-task", f"task {task.id}", by=by, detail={"rule": task.rule})
    return task


@renewed_with("care.Task")
def _new_words(rows: Sequence[tuple[int, dict[str, str]]]) -> None:
    write_words(TaskWord, [(i, said["note"]) for i, said in rows])


def leave_in_peace(customer: Customer, *, on: date, by: Staff | None = None) -> int:
    """She has withdrawn: what stands on lists for her goes at once, except receiving her well when she comes."""
    waiting = Q(state=TaskState.OPEN) | Q(
        state__in=(TaskState.POSTPONED, TaskState.NOT_REACHED), postponed_to__gte=on
    )
    open_now = Task.objects.filter(waiting, customer__in=family_of(customer)).exclude(channel=IN_PERSON)
    n = open_now.update(state=TaskState.NOT_WANTED, ended_by=by, ended_at=timezone.now(), ended_on=on)
    if n:
        audit("leave-in-peace", f"customer {customer.pk}", by=by, detail={"tasks": n})
    return n


def forget_notes(before: date, limit: int = 1000) -> int:
    """Wipe what was noted on tasks that ended before a day: the task stays, the words go."""
    old = (
        Task.objects.filter(ended_on__lt=before)
        .exclude(note=None)
        .order_by("id")
        .values_list("id", flat=True)
    )
    return Task.objects.filter(id__in=list(old[:limit])).update(note=None)
