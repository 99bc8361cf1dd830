"""Some days after a visit, or after the very first one: thanks, and how was it?"""

from __future__ import annotations

from regulars.care.rules.people import People
from regulars.care.rules.terms import Day, Found, Mask, Moment, Reason, due_rows, whole
from regulars.playbooks.playbook import CareRule
from regulars.shop.calendar import day_words
from regulars.shop.words import Words

_VISIT = {"after_visit": ("last_visit_on", "thanks:"), "first_visit": ("first_visit_on", "first:")}


def find(rule: CareRule, people: People, day: Day, who: Mask) -> list[Found]:
    """Who came `days_after` days ago, and up to `patience_days` later: so long thanks are still natural."""
    fact, occasion = _VISIT[rule.when]
    visit_on = people.numbers(fact)
    due_on = visit_on + rule.days_after
    rows = due_rows(who & (due_on <= day.number) & (day.number <= due_on + day.patience_days))
    due = whole(due_on[rows])
    return [Found(rows, occasion, whole(visit_on[rows]), True, due, due + day.patience_days)]


def why(moment: Moment) -> Reason:
    """昨天来过 / 昨天头一回来."""
    fact, _ = _VISIT[moment.rule.when]
    visit_on = moment.row[fact]
    sentence = (
        Words("{day}头一回来", "First visit {day}")
        if moment.rule.when == "first_visit"
        else Words("{day}来过", "Was here {day}")
    )
    return Reason(
        sentence.fill(day=day_words(visit_on, moment.on)), {fact: visit_on}, days=(moment.on - visit_on).days
    )
