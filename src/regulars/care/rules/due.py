"""Who is due: every rule of a playbook against every customer, in arrays; only who is due becomes an object.

The table `graded` has one row per customer. `customer` (whole number or text) must be there; every other
column may be missing and is then unknown for all:

- name, sex, store, staff_in_charge: text; is_company: yes-no
- birthday, anniversary: text in the compact form of `shop.calendar`
- facts of the portrait by key: money in fen, days as dates (first_visit_on, last_visit_on), usual_gap_days
- for each scale: `grade:<scale>` text, `since:<scale>` date, `was:<scale>` text, `drops_on:<scale>` date
- contacted_on date; may_contact, reachable, public_official, refuses_automation yes-no; held_until date; shut text (the
  channels that consent shuts)

The table `done` says what was done before: customer, rule (its key), done_on, and the `occasion` of a task.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.care.rules import whom
from regulars.care.rules.freshness import data_fresh_enough
from regulars.care.rules.people import People, mask_of
from regulars.care.rules.terms import Candidate, Day, Found, Mask, Moment, Paused, Reason, day_of, number_of
from regulars.care.rules.triggers import birthday, festival, grades, late, owed, receive, visits
from regulars.playbooks.playbook import CareRule
from regulars.shop.words import Words

ABSENCE = frozenset({"late", "grade_at_risk", "receive"})
"""Occasions that say "she has not been here": they rest while the data are too old to know."""

_FIND = {
    "birthday": birthday.find,
    "anniversary": birthday.find,
    "festival": festival.find,
    "after_visit": visits.find,
    "first_visit": visits.find,
    "late": late.find,
    "grade_gained": grades.find_gained,
    "grade_at_risk": grades.find_at_risk,
    "receive": receive.find,
}
_WHY = {
    "birthday": birthday.why,
    "anniversary": birthday.why,
    "festival": festival.why,
    "after_visit": visits.why,
    "first_visit": visits.why,
    "late": late.why,
    "grade_gained": grades.why_gained,
    "grade_at_risk": grades.why_at_risk,
    "owed": owed.why,
    "receive": receive.why,
}


class Batch(NamedTuple):
    """What one rule found: the rule with the arrays of its trigger."""

    rule: CareRule
    found: Found


class Due:
    """Everybody for whom a rule of one playbook has an occasion today; iterating makes the candidates."""

    def __init__(
        self, people: People, day: Day, batches: Sequence[Batch], paused: Sequence[Paused], playbook: str
    ) -> None:
        self.people = people
        self.day = day
        self.batches = tuple(batches)
        self.paused = tuple(paused)
        self.playbook = playbook

    def __len__(self) -> int:
        return sum(len(batch.found.rows) for batch in self.batches)

    def __iter__(self) -> Iterator[Candidate]:
        for batch in self.batches:
            size = len(batch.found.rows)
            for start in range(0, size, 10_000):
                places = range(start, min(start + 10_000, size))
                rows = self.people.rows(batch.found.rows[places.start : places.stop])
                for place, row in zip(places, rows, strict=True):
                    yield self.candidate(batch, place, row)[0]

    def candidate(self, batch: Batch, place: int, row: Mapping[str, Any]) -> tuple[Candidate, Reason]:
        """One candidate with its reason, from the row of `people` that it concerns."""
        found = batch.found
        moment = Moment(
            batch.rule,
            self.day,
            found.occasion_at(place),
            day_of(found.due_on[place]),
            day_of(found.last_on[place]),
            None if found.number is None else float(found.number[place]),
            row,
        )
        reason = _WHY[batch.rule.when](moment)
        candidate = Candidate(
            row["customer"],
            batch.rule,
            moment.occasion,
            moment.due_on,
            moment.last_on,
            reason.why,
            reason.facts,
        )
        return candidate, reason


def due(
    graded: pa.Table, rules: Sequence[CareRule], day: Day, done: pa.Table | None = None, playbook: str = ""
) -> Due:
    """Who is due today by each rule, before anybody is chosen.

    Left out are: who is not meant, who may not be reached today (see `whom.may_be_reached`), an occasion
    that was done before, and absence where the store's data are too old. What stays silent is told in
    `Due.paused`.

    The same input gives the same answer whenever it is asked, so a day that runs twice plans the same.
    """
    people = People(graded)
    batches: list[Batch] = []
    paused: list[Paused] = []
    fresh, stale = _freshness(people, day) if any(rule.when in ABSENCE for rule in rules) else (None, [])
    reached: dict[tuple[str, bool], Mask] = {}
    history = History(people, done)
    for rule in rules:
        if missing := whom.unknown_facts(rule, people):
            paused.append(Paused(rule, None, _NOT_DRAWN.fill(facts=", ".join(dict.fromkeys(missing)))))
        if rule.when in ("birthday", "anniversary") and (wrong := birthday.unreadable(people, rule.when)):
            paused.append(Paused(rule, None, _UNREADABLE.fill(n=wrong)))
        kind = (rule.channel, whom.is_present(rule))
        if kind not in reached:
            reached[kind] = whom.may_be_reached(rule, people, day.number)
        who = whom.meant(rule, people) & reached[kind]
        if rule.when in ABSENCE and fresh is not None:
            who &= fresh
            paused += [Paused(rule, store, why) for store, why in stale]
        batches += [
            Batch(rule, found)
            for found in (history.without_done(rule, each) for each in find(rule, people, day, who, history))
            if len(found.rows)
        ]
    return Due(people, day, batches, paused, playbook)


def find(rule: CareRule, people: People, day: Day, who: Mask, history: History) -> list[Found]:
    """What the rule's trigger sees among `who`."""
    if rule.when == "owed":
        return owed.find(rule, people, day, who, *history.of(rule.key))
    return _FIND[rule.when](rule, people, day, who)


class History:
    """What was done before, by rule: for which rows, on which days, under which once-only keys."""

    def __init__(self, people: People, done: pa.Table | None) -> None:
        self._by_rule: dict[str, tuple[np.ndarray, np.ndarray, list[str | None]]] = {}
        if done is None or not done.num_rows:
            return
        customers = people.table["customer"]
        known = customers.combine_chunks() if isinstance(customers, pa.ChunkedArray) else customers
        rows = pc.index_in(done["customer"].cast(known.type), value_set=known)
        here = mask_of(rows.is_valid())
        done = done.append_column("row", rows).filter(pa.array(here))
        if not done.num_rows:
            return
        if "occasion" not in done.column_names:
            done = done.append_column("occasion", pa.nulls(done.num_rows, pa.string()))
        for key in pc.unique(done["rule"]).to_pylist():
            of_rule = done.filter(pc.equal(done["rule"], key))
            days = of_rule["done_on"].cast(pa.date32()).cast(pa.int32()).to_numpy()
            self._by_rule[key] = (
                of_rule["row"].to_numpy().astype(np.intp),
                days.astype(np.int64),
                of_rule["occasion"].to_pylist(),
            )

    def of(self, rule: str) -> tuple[np.ndarray, np.ndarray]:
        """For which rows and on which days a rule was done."""
        rows, days, _ = self._by_rule.get(rule, (np.empty(0, np.intp), np.empty(0, np.int64), []))
        return rows, days

    def of_row(self, row: int) -> History:
        """What was done for one customer, as if she stood alone in the first row."""
        alone = object.__new__(History)
        alone._by_rule = {}
        for rule, (rows, days, occasions) in self._by_rule.items():
            mine = np.flatnonzero(rows == row)
            if len(mine):
                zero = np.zeros(len(mine), dtype=np.intp)
                alone._by_rule[rule] = (zero, days[mine], [occasions[i] for i in mine])
        return alone

    def without_done(self, rule: CareRule, found: Found) -> Found:
        """What was found, less the occasions that were done already."""
        rows, _, occasions = self._by_rule.get(rule.key, (np.empty(0, np.intp), np.empty(0, np.int64), []))
        if not len(rows) or not len(found.rows):
            return found
        had = {(int(row), occasion) for row, occasion in zip(rows, occasions, strict=True) if occasion}
        kept = np.ones(len(found.rows), dtype=np.bool_)
        for place in np.flatnonzero(np.isin(found.rows, rows)):
            kept[place] = (int(found.rows[place]), found.occasion_at(int(place))) not in had
        return found.keep(kept)


def _freshness(people: People, day: Day) -> tuple[Mask, list[tuple[str | None, Words]]]:
    """Whose store has data that are fresh enough, and which stores have not, with the reason."""
    known: dict[str | None, date | None] = {}
    if isinstance(day.known_until, Mapping):
        known.update(day.known_until)
    else:
        known[None] = day.known_until
    stale: list[tuple[str | None, Words]] = []
    for store, until in known.items():
        verdict = data_fresh_enough(day.on, until, day.typical_gap_days, day.stale_after)
        if not verdict.holds:
            stale.append((store, verdict.why))
    until_each = people.known_until(day.known_until)
    days, place = np.unique(until_each, return_inverse=True)
    fresh_days = np.array(
        [
            not np.isnan(until)
            and data_fresh_enough(day.on, day_of(until), day.typical_gap_days, day.stale_after).holds
            for until in days
        ],
        dtype=np.bool_,
    )
    return fresh_days[place] if people.size else np.zeros(0, dtype=np.bool_), stale


def known_until_of(day: Day, store: str | None) -> date | None:
    """The last day that a store's data cover; without a store the earliest of all."""
    if not isinstance(day.known_until, Mapping):
        return day.known_until
    if store is None:
        return min(day.known_until.values(), default=None)
    return day.known_until.get(store)


def days_left(day: Day, last_on: date) -> int:
    """How many days are left after today in which it still makes sense."""
    return number_of(last_on) - day.number


_NOT_DRAWN = Words("缺这些数据，谁也对不上：{facts}", "Fits nobody, these facts are not known: {facts}")
_UNREADABLE = Words("有 {n} 位客人的日子读不懂", "{n} customers have a day that can't be read")
