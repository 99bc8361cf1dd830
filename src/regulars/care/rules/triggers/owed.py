"""What we owe a customer: so many calls a month, spread over it, or one every so many days."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

import numpy as np

from regulars.care.rules.people import People
from regulars.care.rules.terms import (
    Day,
    Found,
    Mask,
    Moment,
    Numbers,
    Reason,
    day_of,
    due_rows,
    number_of,
    whole,
)
from regulars.care.rules.whom import has_grade
from regulars.playbooks.playbook import CareRule
from regulars.shop.calendar import day_words
from regulars.shop.words import Words


def find(
    rule: CareRule, people: People, day: Day, who: Mask, done_rows: np.ndarray, done_on: np.ndarray
) -> list[Found]:
    """Who is owed something today; `done_rows` and `done_on` say for whom and when it was done before."""
    if rule.times_a_month:
        return _times_a_month(rule, people, day, who, done_rows, done_on)
    return _every_days(rule, people, day, who, done_rows, done_on)


def part_starts(on: date, times: int) -> list[int]:
    """On which days of its month each of `times` equal parts begins.

    >>> part_starts(date(2026, 11, 22), 2), part_starts(date(2026, 2, 1), 3)
    ([1, 16], [1, 11, 20])
    """
    length = monthrange(on.year, on.month)[1]
    return [-(-part * length // times) + 1 for part in range(times)]


def _times_a_month(
    rule: CareRule, people: People, day: Day, who: Mask, done_rows: np.ndarray, done_on: np.ndarray
) -> list[Found]:
    """The month has as many equal parts as calls are owed; each part that has begun owes one.

    Parts that were over before she had the grade are not owed. Two of the same kind keep half a part's
    distance, also over the turn of the month: catching up must not become three calls in three days.
    """
    times, today = rule.times_a_month or 1, day.number
    length = monthrange(day.on.year, day.on.month)[1]
    first = today - day.on.day + 1
    last = first + length - 1
    starts = np.array(part_starts(day.on, times), dtype=np.int64) + first - 1
    begun = int((starts <= today).sum())

    since = np.fmax(_since(rule, people), people.numbers("first_visit_on"))
    # In which part of this month it began; unknown or earlier counts from the first.
    not_owed = np.searchsorted(starts, np.nan_to_num(since, nan=first), side="right") - 1
    not_owed = np.clip(not_owed, 0, times)

    this_month = (done_on >= first) & (done_on <= today)
    done = np.bincount(done_rows[this_month], minlength=people.size).astype(np.int64)
    last_done = _last_done(people, done_rows, done_on)
    distance = length / times / 2
    rested = np.isnan(last_done) | (today - last_done >= distance)

    rows = due_rows(who & (done + not_owed < begun) & rested)
    turn = (done + not_owed)[rows]  # 0 for the first of the month
    last_on = np.full(len(rows), last, dtype=np.int64)
    occasion = f"owed:{day.on:%Y-%m}:"
    return [Found(rows, occasion, turn + 1, False, starts[turn], last_on, done[rows].astype(np.float64))]


def _every_days(
    rule: CareRule, people: People, day: Day, who: Mask, done_rows: np.ndarray, done_on: np.ndarray
) -> list[Found]:
    """One every so many days since it was last done, else since she has the grade, else now.

    What was missed is not piled up: a new turn begins every so many days, and only the turn that runs is
    owed.
    """
    every, today = rule.every_days or 1, day.number
    last_done = _last_done(people, done_rows, done_on)
    anchor = np.where(np.isnan(last_done), _since(rule, people), last_done)
    turns = np.floor((today - anchor) / every)
    anchored = due_rows(who & (turns >= 1))
    due_on = whole((anchor + turns * every)[anchored])
    running = Found(anchored, "owed:", due_on, True, due_on, due_on + every - 1, last_done[anchored])

    fresh = due_rows(who & np.isnan(anchor))
    year, week, weekday = day.on.isocalendar()
    monday = np.full(len(fresh), today - weekday + 1, dtype=np.int64)
    at_once = Found(
        fresh, f"owed:{year}-W{week:02d}", None, False, monday, monday + 6, np.full(len(fresh), np.nan)
    )
    return [running, at_once]


def _since(rule: CareRule, people: People) -> Numbers:
    """Since when she has the grade that the rule names; NaN when the rule names none or nobody knows."""
    since = np.full(people.size, np.nan)
    if rule.grades:
        for scale in people.scales():
            has = has_grade(rule, people, scale)
            since = np.where(has, np.fmin(since, people.numbers(f"since:{scale}")), since)
    return since


def _last_done(people: People, done_rows: np.ndarray, done_on: np.ndarray) -> Numbers:
    last = np.full(people.size, -np.inf)
    np.maximum.at(last, done_rows, done_on.astype(np.float64))
    return np.where(np.isinf(last), np.nan, last)


def why(moment: Moment) -> Reason:
    """这个月该联系 2 次，做了 1 次 / 每 14 天一次，上次是 11月3日."""
    rule = moment.rule
    if rule.times_a_month:
        done = int(moment.number or 0)
        return Reason(
            Words("这个月该有 {owed} 次，做了 {done} 次", "{owed} owed this month, {done} done").fill(
                owed=rule.times_a_month, done=done
            ),
            {"times_a_month": rule.times_a_month, "done_this_month": done},
        )
    unknown = moment.number is None or np.isnan(moment.number)
    last = None if unknown else day_of(moment.number or 0)
    sentence = (
        Words("每 {every} 天一次，还没做过", "Every {every} days, not done yet")
        if last is None
        else Words("每 {every} 天一次，上次是{day}", "Every {every} days, last done {day}")
    )
    return Reason(
        sentence.fill(every=rule.every_days, day="" if last is None else day_words(last, moment.on)),
        {"every_days": rule.every_days, "last_done_on": last},
    )


def rested_enough(rule: CareRule, on: date, last_done_on: date) -> bool:
    """Whether half a part of the month has passed since the last one of this kind."""
    length = monthrange(on.year, on.month)[1]
    return number_of(on) - number_of(last_done_on) >= length / (rule.times_a_month or 1) / 2
