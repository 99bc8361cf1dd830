"""A birthday or an anniversary is near: solar or lunar, kept every year, 29 February and leap months too."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

import numpy as np

from regulars.care.rules.people import People
from regulars.care.rules.terms import Day, Found, Mask, Moment, Reason, due_rows, number_of, whole
from regulars.playbooks.playbook import CareRule
from regulars.shop.calendar import Birthday, NoSuchDay, day_words, kept_between
from regulars.shop.words import Words

_kept = lru_cache(maxsize=4096)(kept_between)  # a million customers share 366 solar and 720 lunar days


def find(rule: CareRule, people: People, day: Day, who: Mask) -> list[Found]:
    """Whose day comes within `days_before` days, today included. Due from then until the day itself.

    The once-only key carries the year of the birthday's own calendar: two lunar birthdays in one solar year
    are two.
    """
    places, days = people.birthdays(rule.when)
    if not days:
        return []
    end = day.on + timedelta(days=rule.days_before)
    kept = np.full(len(days) + 1, np.nan)  # the last stands for "no birthday known", place -1
    years = np.zeros(len(days) + 1, dtype=np.int64)
    for place, birthday in enumerate(days):
        coming = None if birthday is None else next(iter(_kept(birthday, day.on, end, day.common_year)), None)
        if coming is not None:
            kept[place], years[place] = number_of(coming[0]), coming[1]
    rows = due_rows(who & ~np.isnan(kept)[places])
    falls = whole(kept[places[rows]])
    return [Found(rows, f"{rule.when}:", years[places[rows]], False, falls - rule.days_before, falls)]


def unreadable(people: People, when: str) -> int:
    """How many customers have a birthday that cannot be read."""
    places, days = people.birthdays(when)
    wrong = np.array([*(day is None for day in days), False])
    return int(wrong[places].sum())


def why(moment: Moment) -> Reason:
    """后天生日（农历六月十五）."""
    text = moment.row[moment.rule.when]
    kept_on = moment.last_on
    what = _NAMES[moment.rule.when]
    sentence = Words("{day}是{what}", "{what} {day}")
    try:
        birthday = Birthday.parse(text)
        if birthday.calendar == "lunar":
            sentence = Words("{day}是{what}（{lunar}）", "{what} {day} ({lunar})").fill(
                day="{day}", what="{what}", lunar=birthday.words()
            )
    except NoSuchDay:  # pragma: no cover - a day that cannot be read is never due
        pass
    return Reason(
        sentence.fill(day=day_words(kept_on, moment.on), what=what),
        {moment.rule.when: text, "falls_on": kept_on},
        days=(kept_on - moment.on).days,
    )


_NAMES = {"birthday": Words("生日", "Birthday"), "anniversary": Words("纪念日", "Anniversary")}
