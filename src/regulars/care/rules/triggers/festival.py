"""A festival that the rule names is near."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from regulars.care.rules.people import People
from regulars.care.rules.terms import Day, Found, Mask, Moment, Reason, due_rows, number_of
from regulars.playbooks.playbook import CareRule
from regulars.shop.calendar import FESTIVALS, day_words, festivals_between
from regulars.shop.words import Words


def find(rule: CareRule, people: People, day: Day, who: Mask) -> list[Found]:
    """Everybody meant, from `days_before` days before each festival to the day itself."""
    end = day.on + timedelta(days=rule.days_before)
    coming = festivals_between(day.on, end, rule.festivals)
    if not coming:
        return []
    rows = due_rows(who)
    found = []
    for festival_on, year, festival in coming:
        last_on = np.full(len(rows), number_of(festival_on), dtype=np.int64)
        occasion = f"festival:{festival.key}:{year}"
        found.append(Found(rows, occasion, None, False, last_on - rule.days_before, last_on))
    return found


def why(moment: Moment) -> Reason:
    """后天是中秋节."""
    festival = FESTIVALS[moment.occasion.split(":")[1]]
    return Reason(
        Words("{day}是{name}", "{name} is {day}").fill(
            day=day_words(moment.last_on, moment.on), name=festival.name
        ),
        {"festival": festival.key, "falls_on": moment.last_on},
        days=(moment.last_on - moment.on).days,
        festival=festival.name,
    )
