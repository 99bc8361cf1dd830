"""The words that the care rules share: the day, who does the work, what is found and what is planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.playbooks.playbook import CareRule
from regulars.shop.calendar import CommonYear
from regulars.shop.words import Words

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]
"""Numbers with NaN for unknown, so that unknown never satisfies a comparison. Days count from 1970."""

EPOCH = date(1970, 1, 1).toordinal()


NOT_ON_A_SCALE = {"new": Words("新客", "new"), "none": Words("未分级", "no grade")}


@dataclass(frozen=True, slots=True)
class Day:
    """The day that is planned, and what is known on it. Nothing in the care rules looks at a clock.

    known_until: the last day that the data cover, for all stores or by store; None when nobody knows.
    typical_gap_days: the trade's own rhythm, the usual gap of a typical customer; None when not known.
    stale_after: after how many typical gaps the data are too old to call anybody absent.
    patience_days: how long a thank-you or a congratulation without an end of its own may still come.
    scales: the names of each scale's grades, best first; without them nobody can be said to have risen.
    common_year: where a birthday of 29 February is kept in a year that has none.
    """

    on: date
    known_until: date | Mapping[str, date] | None
    typical_gap_days: float | None
    stale_after: float
    patience_days: int
    scales: Mapping[str, Mapping[str, Words]] = field(default_factory=dict)
    common_year: CommonYear = "02-28"

    @property
    def number(self) -> int:
        """The day as the arrays count it."""
        return number_of(self.on)

    def grade_name(self, scale: str, grade: str) -> Words:
        """A grade as staff call it."""
        return self.scales.get(scale, {}).get(grade) or NOT_ON_A_SCALE.get(grade) or Words(grade, grade)


@dataclass(frozen=True, slots=True)
class Person:
    """A member of staff and her minutes for care today; without a store she serves all of them."""

    id: int | str
    name: str
    role: str
    store: str | None
    minutes: int


class Found(NamedTuple):
    """For whom a trigger sees an occasion, as arrays over the rows that are due (nothing per row in Python).

    `occasion` and `stamp` make the once-only key: `late:` and the day of the last visit, `owed:2026-11:`
    and the number of the call. `number` is what the reason wants to say besides, such as the days of
    absence.
    """

    rows: npt.NDArray[np.intp]
    occasion: str
    stamp: npt.NDArray[np.int64] | None
    stamp_is_day: bool
    due_on: npt.NDArray[np.int64]
    last_on: npt.NDArray[np.int64]
    number: Numbers | None = None

    def occasion_at(self, i: int) -> str:
        """The once-only key of the i-th row found."""
        if self.stamp is None:
            return self.occasion
        stamp = int(self.stamp[i])
        return f"{self.occasion}{day_of(stamp).isoformat() if self.stamp_is_day else stamp}"

    def keep(self, kept: Mask) -> Found:
        """Only those of the rows for which `kept` is true."""
        return self._replace(
            rows=self.rows[kept],
            stamp=None if self.stamp is None else self.stamp[kept],
            due_on=self.due_on[kept],
            last_on=self.last_on[kept],
            number=None if self.number is None else self.number[kept],
        )


class Moment(NamedTuple):
    """One customer at one occasion, on the day that is planned: what a reason is made of."""

    rule: CareRule
    day: Day
    occasion: str
    due_on: date
    last_on: date
    number: float | None
    row: Mapping[str, Any]

    @property
    def on(self) -> date:
        return self.day.on


class Reason(NamedTuple):
    """Why someone is due: the sentence with its numbers, the facts that decided, what templates may say."""

    why: Words
    facts: dict[str, Any]
    days: int | None = None
    festival: Words | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One customer for whom one rule has an occasion. (customer, rule, occasion) is once-only.

    It makes sense from `due_on` to `last_on`, both included. `facts` are the values that decided.
    """

    customer: int | str
    rule: CareRule
    occasion: str
    due_on: date
    last_on: date
    why: Words
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """One card on somebody's list: who is due, who does it, what to do and to say, and why it stands there.

    `also`: the names of other rules that would have had an occasion with the same customer today and wait.
    `fits` is false for what found no room in today's minutes; `waits` then says why. `cost` is in fen, at
    most.
    """

    candidate: Candidate
    playbook: str
    staff: Person | None
    store: str | None
    grade: str
    rank: float
    ranked: Words
    do: Words
    say: Words
    minutes: int
    cost: int
    also: tuple[Words, ...]
    fits: bool
    waits: Words | None = None


class Paused(NamedTuple):
    """A rule that stayed silent today for a reason that somebody can mend, in one `store` or in all."""

    rule: CareRule
    store: str | None
    why: Words


class Verdict(NamedTuple):
    """Yes or no, with the reason in words."""

    holds: bool
    why: Words


def number_of(day: date) -> int:
    """A day as a number of days since 1970-01-01."""
    return day.toordinal() - EPOCH


def day_of(number: float) -> date:
    """The day of a number of days since 1970-01-01."""
    return date.fromordinal(int(number) + EPOCH)


def due_rows(mask: Mask) -> npt.NDArray[np.intp]:
    """The rows where a mask is true."""
    return np.flatnonzero(mask)


def whole(values: Numbers) -> npt.NDArray[np.int64]:
    """Known numbers as whole ones; only for rows that are due, which have no unknown left."""
    return values.astype(np.int64)
