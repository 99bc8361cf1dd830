"""Later than her own rhythm: she usually comes every nine days and has been away for thirty-one."""

from __future__ import annotations

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
        "平常 {gap} 天来一次，这次已经 {days} 天没来",
        "Usually comes every {gap} days, away for {days} days now",
    ).fill(gap=said_gap(gap), days=days)
    if judged_on < moment.on:
        until = Words("（数据到{day}）", " (data to {day})").fill(day=day_words(judged_on, moment.on))
        sentence = Words(sentence.zh + until.zh, sentence.en + until.en)
    facts = {"last_visit_on": last_visit_on, "days_since_visit": days, "usual_gap_days": gap}
    return Reason(sentence, facts, days=days)


def said_gap(days: float) -> str:
    """A usual gap as people say it: whole days, halves only where they matter.

    >>> said_gap(9.0), said_gap(2.5), said_gap(30.5)
    ('9', '2.5', '30')
    """
    return f"{days:.1f}".removesuffix(".0") if days < 10 else f"{days:.0f}"
