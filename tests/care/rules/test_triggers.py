"""Who is due by each occasion: both sides of every edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from regulars.care.rules.due import Due, due
from regulars.care.rules.freshness import data_fresh_enough
from regulars.care.rules.terms import Candidate, Day
from regulars.care.rules.triggers.late import said_rhythm
from regulars.playbooks.conditions import parse
from regulars.playbooks.playbook import CareRule
from regulars.shop.words import Words

TODAY = date(2026, 11, 22)  # a Sunday


def a_rule(when: str, **settings: Any) -> CareRule:
    words = {"zh": "{customer}您好，我是{store}的{staff}。", "en": "Hello {customer}, {staff} of {store}."}
    given: dict[str, Any] = {
        "key": when.replace("_", "-"), "name": {"zh": when, "en": when}, "when": when, "who": "manager",
        "channel": "call", "do": words, "say": words, "minutes": 5, "because": words, **settings,
    }  # fmt: skip
    return CareRule(**given)


def a_day(on: date = TODAY, **settings: Any) -> Day:
    given = {"known_until": on, "typical_gap_days": 14.0, "stale_after": 1.0, "patience_days": 3, **settings}
    return Day(on=on, **given)


def people(*rows: Mapping[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([{"customer": n + 1, **row} for n, row in enumerate(rows)])


def who(
    rule: CareRule, rows: Sequence[Mapping[str, Any]], on: date = TODAY, done: Any = None, **day: Any
) -> list[Candidate]:
    keys = dict.fromkeys(key for row in rows for key in row)
    table = people(*({key: row.get(key) for key in keys} for row in rows))
    return list(due(table, [rule], a_day(on, **day), done))


def is_due(rule: CareRule, row: Mapping[str, Any], on: date = TODAY, **day: Any) -> bool:
    return len(who(rule, [row], on, **day)) == 1


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


# Birthdays


@pytest.mark.parametrize(
    ("birthday", "on", "is_on"),
    [
        ("solar 1990-11-26", date(2026, 11, 22), False),
        ("solar 1990-11-25", date(2026, 11, 22), True),
        ("solar 1990-11-22", date(2026, 11, 22), True),
        ("solar 1990-11-21", date(2026, 11, 22), False),
        ("solar --01-02", date(2026, 12, 30), True),
        ("solar 1996-02-29", date(2027, 2, 25), True),
        ("solar 1996-02-29", date(2027, 2, 28), True),
        ("solar 1996-02-29", date(2027, 3, 1), False),
        ("lunar --10-17", date(2026, 11, 22), True),  # falls on 2026-11-25
        ("lunar --06-01 leap", date(2025, 7, 25), True),
        ("lunar --06-01 leap", date(2025, 6, 25), False),
        ("lunar --12-30", date(2027, 2, 5), True),
        (None, date(2026, 11, 22), False),
        ("1990-11-22", date(2026, 11, 22), False),
    ],
)
def test_a_birthday_is_due_from_three_days_before_to_the_day_itself(
    birthday: str | None, on: date, is_on: bool
) -> None:
    assert is_due(a_rule("birthday", days_before=3), {"birthday": birthday}, on) is is_on


def test_a_leapling_may_be_greeted_on_the_first_of_march() -> None:
    rule, row = a_rule("birthday"), {"birthday": "solar 1996-02-29"}
    assert is_due(rule, row, date(2027, 3, 1), common_year="03-01")
    assert not is_due(rule, row, date(2027, 2, 28), common_year="03-01")


def test_two_lunar_birthdays_in_one_solar_year_are_two_occasions() -> None:
    rule, row = a_rule("birthday"), {"birthday": "lunar --12-01"}
    (first,) = who(rule, [row], date(2024, 1, 11))
    (second,) = who(rule, [row], date(2024, 12, 31))
    assert (first.occasion, second.occasion) == ("birthday:2023", "birthday:2024")


def test_a_birthday_says_its_day_and_calendar() -> None:
    (found,) = who(a_rule("birthday", days_before=3), [{"birthday": "lunar --10-17"}])
    assert found.why.zh == "下周三是生日（农历十月十七）"
    assert found.why.en == "Birthday Wednesday (day 17 of lunar month 10)"
    assert (found.due_on, found.last_on) == (TODAY, date(2026, 11, 25))


def test_an_anniversary_has_its_own_day() -> None:
    (found,) = who(a_rule("anniversary"), [{"anniversary": "solar 2015-11-22", "birthday": "solar --05-01"}])
    assert found.occasion == "anniversary:2026"
    assert found.why.zh == "今天是纪念日"


def test_a_day_that_cannot_be_read_is_told_not_hidden() -> None:
    found = due(people({"birthday": "yesterday"}, {"birthday": None}), [a_rule("birthday")], a_day())
    assert len(found) == 0
    assert [pause.why.zh for pause in found.paused] == ["有 1 位客人的日子读不懂"]


# Festivals


@pytest.mark.parametrize(
    ("on", "occasions"),
    [
        (date(2026, 9, 21), []),
        (date(2026, 9, 22), ["festival:mid-autumn:2026"]),
        (date(2026, 9, 25), ["festival:mid-autumn:2026"]),
        (date(2026, 9, 26), []),
        (date(2026, 12, 29), ["festival:new-year:2027"]),
        (date(2027, 1, 1), ["festival:new-year:2027"]),
        (date(2027, 2, 6), ["festival:spring-festival:2027"]),
        (date(2027, 2, 7), []),
    ],
)
def test_a_festival_is_due_until_its_day_also_over_the_turn_of_the_year(
    on: date, occasions: list[str]
) -> None:
    rule = a_rule("festival", days_before=3, festivals=["new-year", "spring-festival", "mid-autumn"])
    assert [found.occasion for found in who(rule, [{"name": "王"}], on)] == occasions


# Visits


@pytest.mark.parametrize(("days", "is_on"), [(0, False), (1, True), (4, True), (5, False)])
def test_thanks_are_due_a_day_after_the_visit_and_stay_natural_for_three_more(days: int, is_on: bool) -> None:
    assert is_due(a_rule("after_visit", days_after=1), {"last_visit_on": ago(days)}) is is_on
    assert is_due(a_rule("first_visit", days_after=1), {"first_visit_on": ago(days)}) is is_on


def test_thanks_are_once_per_visit() -> None:
    (found,) = who(a_rule("after_visit", days_after=1), [{"last_visit_on": ago(2)}])
    assert found.occasion == "thanks:2026-11-20"
    assert found.why.zh == "前天来过"


# Late


@pytest.mark.parametrize(
    ("gap", "days", "is_on"),
    [
        (10, 14, False),  # 1.5 × 10 = 15
        (10, 15, True),
        (9, 13, False),  # 13.5 days: only after the fourteenth
        (9, 14, True),
        (4, 13, False),  # at least 14 days
        (4, 14, True),
        (10, 180, True),
        (10, 181, False),  # at most 180 days
        (None, 60, False),  # no rhythm, never late
    ],
)
def test_late_by_her_own_rhythm(gap: float | None, days: int, is_on: bool) -> None:
    rule = a_rule("late", times_usual=1.5, at_least_days=14, at_most_days=180)
    assert is_due(rule, {"last_visit_on": ago(days), "usual_gap_days": gap}) is is_on


def test_late_says_the_numbers() -> None:
    (found,) = who(a_rule("late", times_usual=1.5), [{"last_visit_on": ago(31), "usual_gap_days": 9.0}])
    assert found.why.zh == "平常 9 天来一次，这次已经 31 天没来"
    assert found.why.en == "Usually comes every 9 days, away for 31 days now"
    assert found.occasion == "late:2026-10-22"
    assert found.facts == {"last_visit_on": ago(31), "days_since_visit": 31, "usual_gap_days": 9.0}


@pytest.mark.parametrize(
    ("gap", "zh", "en"),
    [
        (1.0, "平常天天来", "Usually comes every day"),
        (1.4, "平常一两天来一次", "Usually comes every day or two"),
        (2.0, "平常隔一天来一次", "Usually comes every other day"),
        (4.5, "平常四五天来一次", "Usually comes every four or five days"),
        (5.5, "平常 6 天来一次", "Usually comes every 6 days"),
        (7.0, "平常一周来一次", "Usually comes once a week"),
        (14.0, "平常两周来一次", "Usually comes every two weeks"),
        (30.0, "平常一个月来一次", "Usually comes once a month"),
        (75.0, "平常 75 天来一次", "Usually comes every 75 days"),
    ],
)
def test_a_rhythm_is_said_as_people_say_it(gap: float, zh: str, en: str) -> None:
    assert said_rhythm(gap) == Words(zh, en)


def test_binary_dust_does_not_put_lateness_off_by_a_day() -> None:
    rule = a_rule("late", times_usual=1.1)
    assert is_due(rule, {"last_visit_on": ago(11), "usual_gap_days": 10.0})


def test_days_away_are_counted_to_the_day_that_the_data_cover() -> None:
    rule, row = a_rule("late", times_usual=1.5), {"last_visit_on": ago(17), "usual_gap_days": 10.0}
    assert is_due(rule, row, known_until=ago(2))
    assert not is_due(rule, row, known_until=ago(3))
    (found,) = who(rule, [row], known_until=ago(2))
    assert found.why.zh == "平常 10 天来一次，这次已经 15 天没来（数据到前天）"


def test_late_without_an_end_stays_due() -> None:
    (found,) = who(a_rule("late", times_usual=2.0), [{"last_visit_on": ago(900), "usual_gap_days": 10.0}])
    assert found.last_on == TODAY + timedelta(days=20)


@pytest.mark.parametrize(("age", "is_on"), [(14, True), (15, False)])
@pytest.mark.parametrize("when", ["late", "grade_at_risk", "receive"])
def test_absence_is_paused_by_data_older_than_the_trades_rhythm(when: str, age: int, is_on: bool) -> None:
    settings = {"late": {"times_usual": 1.5}, "grade_at_risk": {"within_days": 7}, "receive": {}}[when]
    gap = 40.0 if when == "receive" else 10.0
    row = {
        "last_visit_on": ago(40), "usual_gap_days": gap, "grade:main": "a", "drops_on:main": TODAY,
    }  # fmt: skip
    table = people(row)
    found = due(table, [a_rule(when, **settings)], a_day(known_until=ago(age)))
    assert len(found) == is_on
    assert bool(found.paused) is not is_on


def test_a_store_that_forgot_to_import_pauses_alone() -> None:
    rows = [{"store": store, "last_visit_on": ago(60), "usual_gap_days": 7.0} for store in ("东", "西", None)]
    found = due(
        people(*rows), [a_rule("late", times_usual=2.0)], a_day(known_until={"东": TODAY, "西": ago(30)})
    )
    assert [candidate.customer for candidate in found] == [1]
    assert [pause.store for pause in found.paused] == ["西"]


def test_freshness_without_a_known_rhythm_wants_yesterdays_data() -> None:
    assert data_fresh_enough(TODAY, ago(1), None, 1.0).holds
    assert not data_fresh_enough(TODAY, ago(2), None, 1.0).holds
    assert not data_fresh_enough(TODAY, None, 14.0, 1.0).holds


# Grades


SCALES = {"main": {key: Words(f"{key.upper()} 类", key.upper()) for key in "abc"}}


@pytest.mark.parametrize(
    ("was", "grade", "days", "is_on"),
    [
        ("b", "a", 0, True),
        ("b", "a", 3, True),
        ("b", "a", 4, False),
        ("new", "a", 0, True),
        ("none", "b", 0, True),
        ("a", "b", 0, False),  # fell
        (None, "a", 0, False),  # first grade of an import
        ("c", "b", 0, True),
        ("none", "c", 0, False),  # the rule does not name c
    ],
)
def test_a_rise_is_congratulated_a_fall_and_an_import_are_not(
    was: str | None, grade: str, days: int, is_on: bool
) -> None:
    rule = a_rule("grade_gained", grades=["a", "main.b"])
    row = {"grade:main": grade, "was:main": was, "since:main": ago(days)}
    assert is_due(rule, row, scales=SCALES) is is_on


def test_a_rise_is_told_with_its_day() -> None:
    row = {"grade:main": "a", "was:main": "b", "since:main": ago(1)}
    (found,) = who(a_rule("grade_gained", grades=["a"]), [row], scales=SCALES)
    assert found.occasion == "gained:2026-11-21"
    assert found.why.zh == "昨天升到 A 类，之前是 B 类"
    (found,) = who(a_rule("grade_gained", grades=["a"]), [{**row, "was:main": "none"}], scales=SCALES)
    assert found.why.zh == "昨天升到 A 类，之前是未分级"


@pytest.mark.parametrize(("ahead", "is_on"), [(-1, False), (0, True), (14, True), (15, False)])
def test_a_grade_is_at_risk_from_fourteen_days_before_its_last_day(ahead: int, is_on: bool) -> None:
    row = {"grade:main": "a", "drops_on:main": TODAY + timedelta(days=ahead)}
    assert is_due(a_rule("grade_at_risk", grades=["a"], within_days=14), row) is is_on
    assert not is_due(a_rule("grade_at_risk", grades=["b"], within_days=14), row)


def test_each_scale_has_its_own_occasions() -> None:
    row = {
        "grade:amount": "high", "was:amount": "low", "since:amount": TODAY,
        "grade:frequency": "high", "was:frequency": "low", "since:frequency": TODAY,
    }  # fmt: skip
    heights = {"high": Words("高", "high"), "low": Words("低", "low")}
    scales = {"amount": heights, "frequency": heights}
    found = who(a_rule("grade_gained", grades=["amount.high"]), [row], scales=scales)
    assert [candidate.occasion for candidate in found] == ["gained:amount:2026-11-22"]


# Owed


def done(*days: date, customer: int = 1, rule: str = "owed") -> pa.Table:
    return pa.table({
        "customer": pa.array([customer] * len(days), pa.int64()),
        "rule": [rule] * len(days),
        "done_on": pa.array(list(days), pa.date32()),
    })  # fmt: skip


@pytest.mark.parametrize(
    ("on", "did", "occasion"),
    [
        (date(2026, 11, 1), [], "owed:2026-11:1"),
        (date(2026, 11, 15), [], "owed:2026-11:1"),
        (date(2026, 11, 15), [date(2026, 11, 1)], None),  # the second half has not begun
        (date(2026, 11, 16), [date(2026, 11, 1)], "owed:2026-11:2"),
        (date(2026, 11, 16), [date(2026, 11, 10)], None),  # too near the last one
        (date(2026, 11, 18), [date(2026, 11, 10)], "owed:2026-11:2"),
        (date(2026, 11, 30), [date(2026, 11, 1), date(2026, 11, 17)], None),
        (date(2026, 11, 1), [date(2026, 10, 30)], None),  # keeps its distance over the turn of the month
        (date(2026, 11, 7), [date(2026, 10, 30)], "owed:2026-11:1"),
    ],
)
def test_two_calls_a_month_are_spread_over_it(on: date, did: list[date], occasion: str | None) -> None:
    rule = a_rule("owed", times_a_month=2)
    found = who(rule, [{"name": "王"}], on, done=done(*did))
    assert [candidate.occasion for candidate in found] == ([occasion] if occasion else [])


@pytest.mark.parametrize(
    ("since", "on", "number"),
    [
        (date(2026, 11, 16), date(2026, 11, 16), 2),  # the first half was before her time
        (date(2026, 11, 15), date(2026, 11, 16), 1),
        (date(2026, 8, 1), date(2026, 11, 1), 1),
    ],
)
def test_what_was_before_the_grade_is_not_owed(since: date, on: date, number: int) -> None:
    row = {"grade:main": "a", "since:main": since}
    (found,) = who(a_rule("owed", times_a_month=2, grades=["a"]), [row], on)
    assert found.occasion == f"owed:2026-11:{number}"


def test_owed_says_how_many_are_missing() -> None:
    (found,) = who(a_rule("owed", times_a_month=2), [{}], TODAY, done=done(date(2026, 11, 2)))
    assert found.why.zh == "这个月该有 2 次，做了 1 次"
    assert found.last_on == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("anchor", "occasion"),
    [(13, None), (14, "owed:2026-11-22"), (27, "owed:2026-11-09"), (28, "owed:2026-11-22")],
)
def test_every_fourteen_days_since_the_last_one_or_since_the_grade(anchor: int, occasion: str | None) -> None:
    rule = a_rule("owed", every_days=14, grades=["a"])
    row = {"grade:main": "a", "since:main": ago(200)}
    wanted = [occasion] if occasion else []
    assert [found.occasion for found in who(rule, [row], done=done(ago(anchor)))] == wanted
    row["since:main"] = ago(anchor)
    assert [found.occasion for found in who(rule, [row])] == wanted


def test_what_was_never_done_and_hangs_on_no_grade_is_owed_at_once() -> None:
    (found,) = who(a_rule("owed", every_days=30), [{}])
    assert found.occasion == "owed:2026-W47"
    assert found.why.zh == "每 30 天一次，还没做过"


# Receive


@pytest.mark.parametrize(
    ("gap", "days", "is_on"),
    [
        (7, 5, False), (7, 6, True), (7, 8, True), (7, 9, False),
        (9.5, 8, False), (9.5, 9, True), (9.5, 10, True), (9.5, 11, False),
        (1, 0, False), (1, 1, True), (None, 7, False),
    ],
)  # fmt: skip
def test_expected_today_by_her_own_rhythm_give_or_take_a_day(
    gap: float | None, days: int, is_on: bool
) -> None:
    rule = a_rule("receive", channel="in-person")
    assert is_due(rule, {"last_visit_on": ago(days), "usual_gap_days": gap}) is is_on


def test_who_is_expected_is_told_with_her_rhythm_and_her_last_day() -> None:
    row = {"last_visit_on": date(2026, 11, 18), "usual_gap_days": 4.0}
    (found,) = who(a_rule("receive", channel="in-person"), [row])
    assert found.why == Words(
        "平常四天来一次，上次是本周三，今天前后该来了",
        "Usually comes every four days, was here last Wednesday: expected about today",
    )


# For whom


def test_a_rule_without_grades_is_for_everybody() -> None:
    rows: list[dict[str, Any]] = [{"grade:main": "a"}, {"grade:main": "none"}, {"grade:main": None}]
    assert len(who(a_rule("owed", every_days=9), rows)) == 3
    assert len(who(a_rule("owed", every_days=9, grades=["a"]), rows)) == 1
    assert len(who(a_rule("owed", every_days=9, grades=["other.a"]), rows)) == 0


@pytest.mark.parametrize(
    ("condition", "value", "is_on"),
    [
        ("visits_in_90_days >= 2", 2, True),
        ("visits_in_90_days >= 2", 1, False),
        ("visits_in_90_days > 2", 2, False),
        ("visits_in_90_days < 2.5", 2, True),
        ("visits_in_90_days <= 1", 2, False),
        ("visits_in_90_days != 2", None, False),
        ("visits_in_90_days != 2", 3, True),
        ("visits_in_90_days in [1, 2.0]", 2, True),
        ("times_usual_gap != 2", float("nan"), False),
        ("times_usual_gap < 2", float("nan"), False),
        ('occupation in ["owner", "manager"]', "owner", True),
        ('occupation = "owner"', "clerk", False),
        ("brings_groups = true", True, True),
        ("brings_groups = true", None, False),
    ],
)
def test_further_conditions_hold_as_they_hold_in_a_grade(condition: str, value: Any, is_on: bool) -> None:
    rule, parsed = a_rule("owed", every_days=9, where=[condition]), parse(condition)
    assert is_due(rule, {parsed.fact: value}) is is_on is parsed.holds(value)


def test_a_fact_that_nobody_drew_is_told_not_silently_false() -> None:
    found = due(people({}), [a_rule("owed", every_days=9, where=["visits_in_90_days >= 0"])], a_day())
    assert len(found) == 0
    assert "visits_in_90_days" in found.paused[0].why.zh


@pytest.mark.parametrize(
    ("row", "by_call", "in_person", "gift"),
    [
        ({"contacted_on": TODAY}, False, True, False),  # received all the same if she comes
        ({"contacted_on": ago(1)}, True, True, True),
        ({"may_contact": False}, False, True, False),
        ({"may_contact": None}, True, True, True),
        ({"refuses_contact": True}, False, True, False),
        ({"held_until": TODAY}, False, True, False),
        ({"held_until": ago(1)}, True, True, True),
        ({"reachable": False}, False, True, True),
        ({"public_official": True}, True, True, False),
    ],
)
def test_who_may_be_reached_and_how(row: dict[str, Any], by_call: bool, in_person: bool, gift: bool) -> None:
    assert is_due(a_rule("owed", every_days=9), row) is by_call
    assert is_due(a_rule("owed", every_days=9, channel="in-person"), row) is in_person
    assert is_due(a_rule("owed", every_days=9, channel="gift", cost=50), row) is gift


def test_an_occasion_that_was_done_does_not_come_again() -> None:
    rule, row = a_rule("birthday", days_before=3), {"birthday": "solar --11-25"}
    did = done(ago(1), rule="birthday").append_column("occasion", pa.array(["birthday:2026"]))
    assert who(rule, [row], done=did) == []
    last_year = done(ago(360), rule="birthday").append_column("occasion", pa.array(["birthday:2025"]))
    assert len(who(rule, [row], done=last_year)) == 1
    of_others = done(ago(1), rule="birthday", customer=99).append_column(
        "occasion", pa.array(["birthday:2026"])
    )
    assert len(who(rule, [row], done=of_others)) == 1


def test_a_shop_without_customers_has_nothing_to_do() -> None:
    empty = pa.table({"customer": pa.array([], pa.int64()), "birthday": pa.array([], pa.string())})
    rules = [a_rule("birthday"), a_rule("late", times_usual=1.5), a_rule("owed", times_a_month=1)]
    found: Due = due(empty, rules, a_day())
    assert len(found) == 0


def test_customers_may_be_known_by_text() -> None:
    table = pa.table({"customer": ["M-001", "M-002"], "birthday": ["solar --11-22", None]})
    did = pa.table({
        "customer": ["M-001"], "rule": ["owed"], "done_on": pa.array([ago(1)], pa.date32()),
    })  # fmt: skip
    found = due(table, [a_rule("birthday"), a_rule("owed", every_days=30)], a_day(), did)
    assert [(c.customer, c.rule.key) for c in found] == [("M-001", "birthday"), ("M-002", "owed")]


def test_a_grade_at_risk_says_until_when() -> None:
    row = {"grade:main": "a", "drops_on:main": date(2026, 11, 30)}
    (found,) = who(a_rule("grade_at_risk", within_days=14), [row], scales=SCALES)
    assert found.occasion == "at-risk:2026-11-30"
    assert found.why == Words("再不来，11月30日就不是 A 类了", "Will lose A 30 November without a visit")
