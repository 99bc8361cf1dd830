"""A grade was gained, or will be lost unless she comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.care.rules.people import People
from regulars.care.rules.terms import Day, Found, Mask, Moment, Numbers, Reason, due_rows, whole
from regulars.care.rules.whom import grades_of, has_grade
from regulars.playbooks.playbook import CareRule
from regulars.shop.calendar import day_words
from regulars.shop.words import Words


def find_gained(rule: CareRule, people: People, day: Day, who: Mask) -> list[Found]:
    """Who rose to a grade that the rule names `days_after` days ago, and for `patience_days` after that.

    A first grade after the observation (`new`) is a rise; the first grade of an import (nothing before) is
    not: otherwise the day of moving in would congratulate everybody.
    """
    found = []
    for scale in people.scales():
        since = people.numbers(f"since:{scale}")
        due_on = since + rule.days_after
        rose = _rose(people, scale, day.scales.get(scale, ()))
        mask = who & has_grade(rule, people, scale) & rose
        mask &= (due_on <= day.number) & (day.number <= due_on + day.patience_days)
        rows = due_rows(mask)
        due = whole(due_on[rows])
        occasion = _occasion("gained", scale)
        found.append(Found(rows, occasion, whole(since[rows]), True, due, due + day.patience_days))
    return found


def find_at_risk(rule: CareRule, people: People, day: Day, who: Mask) -> list[Found]:
    """Who loses a grade that the rule names within `within_days` days unless she comes, last day included."""
    within = rule.within_days or 0
    found = []
    for scale in people.scales():
        drops_on = people.numbers(f"drops_on:{scale}")
        mask = who & has_grade(rule, people, scale)
        mask &= (drops_on >= day.number) & (drops_on - within <= day.number)
        rows = due_rows(mask)
        last_on = whole(drops_on[rows])
        found.append(Found(rows, _occasion("at-risk", scale), last_on, True, last_on - within, last_on))
    return found


def why_gained(moment: Moment) -> Reason:
    """昨天升到 A 类，之前是 B 类."""
    scale = scale_of(moment)
    since = moment.row[f"since:{scale}"]
    was, grade = moment.row[f"was:{scale}"], moment.row[f"grade:{scale}"]
    return Reason(
        Words("{day}升到{grade}，之前是{was}", "Rose to {grade} {day}, was {was} before").fill(
            day=day_words(since, moment.on),
            grade=_called(moment, scale, grade),
            was=_called(moment, scale, was),
        ),
        {f"grade:{scale}": grade, f"was:{scale}": was, f"since:{scale}": since},
        days=(moment.on - since).days,
    )


def why_at_risk(moment: Moment) -> Reason:
    """再不来，11月30日就不是 A 类了."""
    scale = scale_of(moment)
    grade, drops_on = moment.row[f"grade:{scale}"], moment.last_on
    return Reason(
        Words("再不来，{day}就不是{grade}了", "Will lose {grade} {day} without a visit").fill(
            day=day_words(drops_on, moment.on), grade=_called(moment, scale, grade)
        ),
        {f"grade:{scale}": grade, f"drops_on:{scale}": drops_on},
        days=(drops_on - moment.on).days,
    )


def scale_of(moment: Moment) -> str:
    """The scale of an occasion: the one in its key, else the first on which the rule names her grade."""
    parts = moment.occasion.split(":")
    if parts[0] in ("gained", "at-risk"):
        return parts[1] if len(parts) == 3 else "main"
    return matching_scale(moment.rule, moment.row)


def matching_scale(rule: CareRule, row: Mapping[str, Any]) -> str:
    """The first scale on which she has a grade that the rule names; without grades the first scale."""
    scales = [key.removeprefix("grade:") for key in row if key.startswith("grade:")]
    for scale in scales:
        if rule.grades and row[f"grade:{scale}"] in grades_of(rule, scale):
            return scale
    return scales[0] if scales else "main"


def _occasion(what: str, scale: str) -> str:
    return f"{what}:" if scale == "main" else f"{what}:{scale}:"


def _rose(people: People, scale: str, best_first: Iterable[str]) -> Mask:
    """Who stands higher than before; what is not in the list (new, none) stands below all of it."""
    if not best_first or not people.has(f"was:{scale}"):
        return np.zeros(people.size, dtype=np.bool_)
    before, now = _heights(people, f"was:{scale}", best_first), _heights(people, f"grade:{scale}", best_first)
    rose: Mask = now > before
    return rose


def _heights(people: People, key: str, best_first: Iterable[str]) -> Numbers:
    column = people.table[key].cast(pa.string())
    ladder = list(best_first)
    places = pc.index_in(column, pa.array(ladder, pa.string())).cast(pa.float64()).to_numpy()
    heights = len(ladder) - np.where(np.isnan(places), len(ladder), places)
    return np.where(column.is_null().to_numpy(), np.nan, heights)


def _called(moment: Moment, scale: str, grade: str) -> Words:
    """A grade's name within a sentence: in Chinese, letters are set off from the words before them."""
    name = moment.day.grade_name(scale, grade)
    return Words(f" {name.zh}", name.en) if name.zh[:1].isascii() else name
