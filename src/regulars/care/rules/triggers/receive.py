"""By her own rhythm she comes today, a day earlier or a day later: be ready for her."""

from __future__ import annotations

import numpy as np

from regulars.care.rules.people import People
from regulars.care.rules.terms import Day, Found, Mask, Moment, Reason, due_rows, whole
from regulars.care.rules.triggers.late import said_rhythm
from regulars.playbooks.playbook import CareRule
from regulars.shop.calendar import day_words
from regulars.shop.words import Words

_LEEWAY_DAYS = 1  # what "expected today" means: nobody's rhythm is exact to the day


def find(rule: CareRule, people: People, day: Day, who: Mask) -> list[Found]:
    """Who is expected today, give or take a day: last visit plus usual gap, never the day of a visit."""
    last_visit_on, gap = people.numbers("last_visit_on"), people.numbers("usual_gap_days")
    due_on = last_visit_on + np.maximum(np.ceil(np.round(gap - _LEEWAY_DAYS, 6)), 1)
    last_on = last_visit_on + np.floor(np.round(gap + _LEEWAY_DAYS, 6))
    rows = due_rows(who & (due_on <= day.number) & (day.number <= last_on))
    return [
        Found(rows, "receive:", whole(last_visit_on[rows]), True, whole(due_on[rows]), whole(last_on[rows]))
    ]


def why(moment: Moment) -> Reason:
    """平常一周来一次，上次是上周五，今天前后该来了."""
    last_visit_on, gap = moment.row["last_visit_on"], moment.row["usual_gap_days"]
    return Reason(
        Words(
            "{rhythm}，上次是{day}，今天前后该来了",
            "{rhythm}, was here {day}: expected about today",
        ).fill(rhythm=said_rhythm(gap), day=day_words(last_visit_on, moment.on)),
        {"last_visit_on": last_visit_on, "usual_gap_days": gap},
        days=(moment.on - last_visit_on).days,
    )
