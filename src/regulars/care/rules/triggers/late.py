"""Later than her own rhythm: she usually comes every nine days and has been away for thirty-one."""

from __future__ import annotations

import math

import numpy as np

from regulars.care.rules.people import People
from regulars.care.rules.terms import Day, Found, Mask, Moment, Reason, day_of, due_rows, whole
from regulars.playbooks.playbook import CareRule
from regulars.shop.calendar import day_words
from regulars.shop.words import Words


def find(rule: CareRule, people: People, day: Day, who: Mask) -> list[Found]:
    """Who has been away for `times_usual` × her usual gap and `at_least_days`, at most `at_most_days`.

    Days away are counted to the day that her store's data cover, not to today. Without a rhythm of her own
    (fewer than three visits) nobody is late.
    """
    last_visit_on, gap = people.numbers("last_visit_on"), people.numbers("usual_gap_days")
    judged_on = np.fmin(people.known_until(day.known_until), day.number)
    # Rounded first: 1.4 × 10 days must not become 15 days through binary dust.
    wait = np.maximum(np.ceil(np.round((rule.times_usual or 1.0) * gap, 6)), max(rule.at_least_days, 1))
    due_on = last_visit_on + wait
    late = who & (due_on <= judged_on)
    if rule.at_most_days is None:
        last_on = np.fmax(due_on, day.number) + wait  # asked once; as long again to get round to it
    else:
        last_on = last_visit_on + rule.at_most_days
        late &= day.number <= last_on
    rows = due_rows(late)
    return [
        Found(
            rows, "late:", whole(last_visit_on[rows]), True, whole(due_on[rows]), whole(last_on[rows]),
            judged_on[rows],
        )
    ]  # fmt: skip


def why(moment: Moment) -> Reason:
    """平常 9 天来一次，这次已经 31 天没来."""
    last_visit_on, gap = moment.row["last_visit_on"], moment.row["usual_gap_days"]
    judged_on = moment.on if moment.number is None else day_of(moment.number)
    days = (judged_on - last_visit_on).days
    sentence = Words(
        "{rhythm}，这次已经 {days} 天没来",
        "{rhythm}, away for {days} days now" if days != 1 else "{rhythm}, away for a day now",
    ).fill(rhythm=said_rhythm(gap), days=days)
    if judged_on < moment.on:
        until = Words("（数据到{day}）", " (data to {day})").fill(day=day_words(judged_on, moment.on))
        sentence = Words(sentence.zh + until.zh, sentence.en + until.en)
    facts = {"last_visit_on": last_visit_on, "days_since_visit": days, "usual_gap_days": gap}
    return Reason(sentence, facts, days=days)


def said_rhythm(days: float) -> Words:
    """A usual gap as people say it: nobody says "every 1 days", and "every 2.5 days" neither.

    >>> said_rhythm(1.0), said_rhythm(9.0)
    (Words(zh='平常天天来', en='Usually comes every day'), Words(zh='平常 9 天来一次', en='Usually comes every 9 days'))
    >>> said_rhythm(2.5).zh, said_rhythm(7.0).zh, said_rhythm(30.5).en
    ('平常两三天来一次', '平常一周来一次', 'Usually comes once a month')
    """
    said = _SAID.get(math.floor(days * 2 + 0.5) / 2 if days < _HALVES_MATTER else round(days))
    said = said or Words(f" {days:.0f} 天来一次", f"every {days:.0f} days")
    return Words(f"平常{said.zh}", f"Usually comes {said.en}")


_HALVES_MATTER = 5
"""From so many days on nobody counts in halves."""

_WEEKLY = Words("一周来一次", "once a week")
_MONTHLY = Words("一个月来一次", "once a month")
_SAID = {
    0.5: Words("天天来", "every day"),
    1: Words("天天来", "every day"),
    1.5: Words("一两天来一次", "every day or two"),
    2: Words("隔一天来一次", "every other day"),
    2.5: Words("两三天来一次", "every two or three days"),
    3: Words("三天来一次", "every three days"),
    3.5: Words("三四天来一次", "every three or four days"),
    4: Words("四天来一次", "every four days"),
    4.5: Words("四五天来一次", "every four or five days"),
    7: _WEEKLY,
    14: Words("两周来一次", "every two weeks"),
    30: _MONTHLY,
    31: _MONTHLY,
}
