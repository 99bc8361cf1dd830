"""Why is she not on the list today? The same gates as the plan's, told for one customer and one rule."""

from __future__ import annotations

from datetime import date

import numpy as np

from regulars.care.rules import whom
from regulars.care.rules.due import ABSENCE, Due, History, find, known_until_of
from regulars.care.rules.freshness import data_fresh_enough
from regulars.care.rules.people import People
from regulars.care.rules.plan import Plan
from regulars.care.rules.terms import Verdict, day_of
from regulars.care.rules.triggers.late import said_rhythm
from regulars.playbooks.playbook import CareRule
from regulars.shop.calendar import day_words, next_after
from regulars.shop.words import Words

ON_THE_LIST = Words("今天就在名单上", "On today's list")


def why_not_today(plan: Plan, rule: CareRule, customer: int | str, history: History | None = None) -> Verdict:
    """Whether this rule has this customer on today's list, and if not, the first reason against it.

    `history` is what was done before, as the plan knew it. Raises KeyError for a customer whom nobody knows.
    """
    for which, due in enumerate(plan.dues):
        row = _row_of(due.people, customer)
        if row is None:
            continue
        place = plan.place_of.get((which, row))
        if place is not None and plan.rule_at(place).key == rule.key:
            return _placed(plan, place)
        refused = _gate(due, rule, row)
        if refused is not None:
            return Verdict(False, refused)
        mine = [batch for batch in due.batches if batch.rule.key == rule.key and row in batch.found.rows]
        if mine:
            return Verdict(False, _behind(plan, which, row))
        return Verdict(False, _no_occasion(due, rule, row, history))
    raise KeyError(customer)


def _placed(plan: Plan, place: int) -> Verdict:
    if place in set(plan.left_over.places):
        task = plan.tasks_at(np.array([place]), plan.left_over.given, fits=False)[0]
        return Verdict(False, Words("改天：{why}", "Another day: {why}").fill(why=task.waits))
    return Verdict(True, ON_THE_LIST)


def _behind(plan: Plan, which: int, row: int) -> Words:
    """She is due, but something else counts more today."""
    place = plan.place_of.get((which, row))
    if place is None:  # chosen through another playbook, which has her in another row
        return Words("改天：同一天已有别的联系", "Another day: there is another contact on the same day")
    return Words(
        "改天：同一天已有别的联系（{name}）", "Another day: there is another contact on the same day ({name})"
    ).fill(name=plan.rule_at(place).name)


def _gate(due: Due, rule: CareRule, row: int) -> Words | None:
    """The gates before any occasion is looked at, in the order in which a person would ask."""
    people, today = due.people, due.day.number
    one = People(people.table.slice(row, 1))
    if rule.grades and not whom.meant(rule.model_copy(update={"where": ()}), one)[0]:
        return Words("等级不在这条规则里", "Her grade is not one that this rule is for")
    for entry in rule.where:
        for condition in entry:
            if not whom.holds(condition, one)[0]:
                return Words("不满足：{condition}", "Does not hold: {condition}").fill(
                    condition=str(condition)
                )
    if rule.channel != whom.IN_PERSON:
        if one.numbers("contacted_on")[0] == today:
            return Words("今天已经联系过", "Contacted today already")
        if whom.refuses(one)[0]:
            return Words("她说过不要联系", "She asked not to be contacted")
        if whom.is_held(one, today)[0]:
            until = day_words(day_of(one.numbers("held_until")[0]), due.day.on)
            return Words("先不打扰，到{day}为止", "Left in peace until {day}").fill(day=until)
        if whom.needs_a_line(rule) and one.is_false("reachable")[0]:
            return Words("没有电话也没有微信", "No phone and no chat known")
    if one.is_true("refuses_automation")[0]:
        return Words("她拒绝由系统自动安排", "She refuses what the system arranges by itself")
    if whom.is_shut(rule, one)[0]:
        return Words("她没有同意用这种方式联系", "She has not agreed to being contacted this way")
    if whom.is_present(rule) and whom.is_official(one)[0]:
        return Words("公职人员，不送礼", "A public official: no presents")
    if rule.when in ABSENCE:
        day = due.day
        store = one.rows([0])[0]["store"]
        fresh = data_fresh_enough(day.on, known_until_of(day, store), day.typical_gap_days, day.stale_after)
        if not fresh.holds:
            return fresh.why
    return None


def _no_occasion(due: Due, rule: CareRule, row: int, history: History | None) -> Words:
    """Nothing is due by this rule today: because it was done, or because the day has not come or is past."""
    one = People(due.people.table.slice(row, 1))
    who = np.ones(1, dtype=np.bool_)
    past = history.of_row(row) if history is not None else History(one, None)
    if any(len(found.rows) for found in find(rule, one, due.day, who, past)):
        return Words("这一次已经做过了", "Done already this time")
    person = one.rows([0])[0]
    if rule.when in ("birthday", "anniversary"):
        _, days = one.birthdays(rule.when)
        if not days or days[0] is None:
            return Words("不知道日子", "The day is not known")
        return _comes(next_after(days[0], due.day.on, due.day.common_year), due.day.on)
    if rule.when in ("late", "receive"):
        if person["usual_gap_days"] is None:
            return Words("来得还少，看不出规律", "Too few visits to show a rhythm")
        if person["last_visit_on"] is not None:
            return Words("{rhythm}，上次是{day}", "{rhythm}, was here {day}").fill(
                rhythm=said_rhythm(person["usual_gap_days"]),
                day=day_words(person["last_visit_on"], due.day.on),
            )
    if rule.when == "owed":
        return Words("该做的已经做够了，或者离上一次太近", "Enough was done, or the last one is too near")
    return Words("今天不是时候", "Today is not the day")


def _comes(day: date, on: date) -> Words:
    return Words("还没到，是{day}", "Not yet: {day}").fill(day=day_words(day, on))


def _row_of(people: People, customer: int | str) -> int | None:
    ids = people.table["customer"]
    place = ids.index(customer).as_py()
    return place if place >= 0 else None
