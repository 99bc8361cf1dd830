"""Today's list: one contact per customer, the right person, the minutes that there are, nothing lost."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.care.rules.due import Due, History, due
from regulars.care.rules.people import People
from regulars.care.rules.plan import NO_ROOM, NOBODY, Plan, plan
from regulars.care.rules.terms import Day, Person, Task
from regulars.care.rules.why_not import why_not_today
from regulars.playbooks.playbook import CareRule
from regulars.shop.words import Words

TODAY = date(2026, 11, 22)
MANAGER = Person(1, "小李", "manager", "东店", 60)


def a_rule(key: str, when: str = "birthday", **given: Any) -> CareRule:
    words = {"zh": "{customer}您好，我是{store}的{staff}。", "en": "Hello {customer}, {staff} of {store}."}
    rule: dict[str, Any] = {
        "key": key, "name": {"zh": key, "en": key}, "when": when, "who": "manager", "channel": "call",
        "do": words, "say": words, "minutes": 10, "because": words, **given,
    }  # fmt: skip
    return CareRule(**rule)


def a_due(rows: list[dict[str, Any]], rules: list[CareRule], playbook: str = "", done: Any = None) -> Due:
    keys = dict.fromkeys(key for row in rows for key in row)
    table = pa.Table.from_pylist([{key: row.get(key) for key in keys} for row in rows])
    day = Day(on=TODAY, known_until=TODAY, typical_gap_days=14.0, stale_after=1.0, patience_days=3)
    return due(table, rules, day, done, playbook)


def guest(customer: int | str, **known: Any) -> dict[str, Any]:
    return {"customer": customer, "birthday": "solar --11-22", "store": "东店", **known}


def shown(tasks: Any) -> list[tuple[Any, str, Any]]:
    return [(t.candidate.customer, t.candidate.rule.key, t.staff and t.staff.id) for t in tasks]


BIRTHDAY = a_rule("birthday", weight=2)
VISIT = a_rule("thanks", "after_visit", days_after=1, weight=1)


def test_one_contact_a_day_and_the_other_waits_on_the_same_card() -> None:
    found = plan(
        a_due([guest(1, last_visit_on=TODAY - timedelta(days=1))], [VISIT, BIRTHDAY]), [MANAGER], shop="X"
    )
    (task,) = found.tasks
    assert task.candidate.rule.key == "birthday"
    assert task.also == (Words("thanks", "thanks"),)
    assert len(found.left_over) == 0


def test_a_card_is_complete() -> None:
    row = guest(7, name="王芳", sex="女", spend_in_12_months=100, **{"grade:main": "a"})
    rule = a_rule("birthday", cost=19.99, grades=["a"])
    (task,) = plan(a_due([row], [rule], "restaurant"), [MANAGER], shop="好味火锅").tasks
    assert task.say == Words("王女士您好，我是好味火锅东店的小李。", "Hello Ms 王, 小李 of 好味火锅 东店.")
    assert (task.playbook, task.grade, task.store, task.minutes, task.cost) == (
        "restaurant", "a", "东店", 10, 1999,
    )  # fmt: skip
    assert task.candidate.why.zh == "今天是生日"
    assert task.ranked.zh == "这件事重要程度 1/5，消费高过 100% 的客人，今天是最后一天"


def test_a_customer_without_name_and_store_is_greeted_in_the_shops_name() -> None:
    row = {"customer": 1, "birthday": "solar --11-22"}
    nobody_in_particular = Person(1, "小李", "manager", None, 60)
    (task,) = plan(a_due([row], [BIRTHDAY]), [nobody_in_particular], shop="好味火锅").tasks
    assert task.say.zh == "您好，我是好味火锅的小李。"


def test_better_customers_first_then_heavier_rules_then_what_ends_sooner() -> None:
    rows = [guest(1, spend_in_12_months=100), guest(2, spend_in_12_months=900), guest(3)]
    assert [c for c, _, _ in shown(plan(a_due(rows, [BIRTHDAY]), [MANAGER], shop="X").tasks)] == [2, 1, 3]
    heavy = a_rule("heavy", "festival", festivals=["new-year"], days_before=99, weight=5, grades=["a"])
    rows = [guest(1), {"customer": 2, "grade:main": "a"}]
    assert [c for c, _, _ in shown(plan(a_due(rows, [BIRTHDAY, heavy]), [MANAGER], shop="X").tasks)] == [2, 1]
    near = a_rule("near", days_before=5)
    rows = [guest(1, birthday="solar --11-24"), guest(2, birthday="solar --11-23")]
    assert [c for c, _, _ in shown(plan(a_due(rows, [near]), [MANAGER], shop="X").tasks)] == [2, 1]


def test_what_does_not_fit_into_the_minutes_is_kept_apart_not_lost() -> None:
    rows = [guest(n, spend_in_12_months=1000 - n) for n in range(10)]
    found = plan(a_due(rows, [BIRTHDAY]), [MANAGER], shop="X")
    assert [t.candidate.customer for t in found.tasks] == [0, 1, 2, 3, 4, 5]
    assert [t.candidate.customer for t in found.left_over] == [6, 7, 8, 9]
    assert all(not t.fits and t.waits == NO_ROOM and t.staff == MANAGER for t in found.left_over)
    assert found.minutes() == {1: 60}


def test_a_short_task_still_fits_where_a_long_one_does_not() -> None:
    long, short = a_rule("long", weight=5, minutes=50), a_rule("short", weight=1, minutes=10, grades=["c"])
    visit = a_rule("visit", weight=3, minutes=40, grades=["b"])
    rows = [guest(1, **{"grade:main": "a"}), guest(2, **{"grade:main": "b"}), guest(3, **{"grade:main": "c"})]
    rules = [long.model_copy(update={"grades": ("a",)}), visit, short]
    found = plan(a_due(rows, rules), [MANAGER], shop="X")
    assert [t.candidate.customer for t in found.tasks] == [1, 3]
    assert [t.candidate.customer for t in found.left_over] == [2]


RECEIVE = a_rule("receive", "receive", channel="in-person", weight=5)


def expected(customer: int, **known: Any) -> dict[str, Any]:
    return guest(customer, last_visit_on=TODAY - timedelta(days=7), usual_gap_days=7.0, **known)


def test_who_is_received_in_person_takes_no_minutes_from_calls_and_stands_below_them() -> None:
    rows = [expected(n, birthday=None, spend_in_12_months=900) for n in range(8)]
    rows += [guest(n, spend_in_12_months=1) for n in range(10, 16)]
    found = plan(a_due(rows, [RECEIVE, BIRTHDAY]), [MANAGER], shop="X")
    assert [rule for _, rule, _ in shown(found.tasks)] == ["birthday"] * 6 + ["receive"] * 6
    assert [rule for _, rule, _ in shown(found.left_over)] == [
        "receive"
    ] * 2  # no more faces than a day holds
    assert found.minutes() == {1: 60}


def test_a_reminder_for_the_door_steps_back_behind_a_contact_with_the_same_customer() -> None:
    (task,) = plan(a_due([expected(1)], [RECEIVE, BIRTHDAY]), [MANAGER], shop="X").tasks
    assert task.candidate.rule.key == "birthday"
    assert task.also == (Words("receive", "receive"),)
    (task,) = plan(a_due([expected(1, contacted_on=TODAY)], [RECEIVE, BIRTHDAY]), [MANAGER], shop="X").tasks
    assert task.candidate.rule.key == "receive"


def test_whom_nobody_has_the_minutes_to_call_is_still_received_at_the_door() -> None:
    call = a_rule("call", "birthday", minutes=500)
    found = plan(a_due([expected(1), guest(2)], [RECEIVE, call]), [MANAGER], shop="X")
    assert shown(found.tasks) == [(1, "receive", 1)]
    assert found.tasks[0].also == (Words("call", "call"),)
    assert [customer for customer, _, _ in shown(found.left_over)] == [2], "one card a customer"


def test_the_person_in_charge_comes_first_whatever_her_role() -> None:
    anna = Person("anna", "安娜", "key-account", None, 60)
    rows = [
        guest(1, staff_in_charge="anna"),
        guest(2, staff_in_charge="小李"),
        guest(3, staff_in_charge="gone"),
    ]
    found = plan(a_due(rows, [BIRTHDAY]), [MANAGER, anna], shop="X")
    assert sorted(shown(found.tasks)) == [
        (1, "birthday", "anna"), (2, "birthday", 1), (3, "birthday", 1),
    ]  # fmt: skip


def test_a_full_day_of_the_person_in_charge_passes_on_only_what_ends_today() -> None:
    anna = Person("anna", "安娜", "key-account", None, 5)
    rows = [guest(1, staff_in_charge="anna"), guest(2, staff_in_charge="anna", birthday="solar --11-23")]
    found = plan(a_due(rows, [a_rule("birthday", days_before=3)]), [MANAGER, anna], shop="X")
    assert shown(found.tasks) == [(1, "birthday", 1)]
    assert shown(found.left_over) == [(2, "birthday", "anna")]


def test_two_stores_each_with_its_own_people() -> None:
    west = Person(2, "小赵", "manager", "西店", 60)
    rows = [guest(1), guest(2, store="西店"), guest(3, store="北店")]
    found = plan(a_due(rows, [BIRTHDAY]), [MANAGER, west], shop="X")
    assert sorted(shown(found.tasks)) == [(1, "birthday", 1), (2, "birthday", 2)]
    (lost,) = found.left_over
    assert (lost.candidate.customer, lost.staff, lost.waits) == (3, None, NOBODY)
    assert "我是X北店的店长" in lost.say.zh


def test_work_is_shared_by_the_minutes_that_are_left() -> None:
    staff = [Person(n, f"员工{n}", "manager", "东店", 100) for n in (1, 2, 3)]
    found = plan(a_due([guest(n) for n in range(9)], [BIRTHDAY]), staff, shop="X")
    assert found.minutes() == {1: 30, 2: 30, 3: 30}


@pytest.mark.parametrize(
    ("who", "there", "does"),
    [
        ("front-desk", ["service", "manager"], "service"),
        ("service", ["manager", "owner"], "manager"),
        ("key-account", ["owner", "front-desk"], "owner"),
        ("manager", ["front-desk"], None),
        ("manager", ["analyst"], None),
    ],
)
def test_somebody_steps_in_for_a_role_that_is_not_there(who: str, there: list[str], does: str | None) -> None:
    staff = [Person(role, role, role, None, 60) for role in there]
    found = plan(a_due([guest(1)], [a_rule("birthday", who=who)]), staff, shop="X")
    assert [task.staff and task.staff.id for task in found.tasks] == ([does] if does else [])
    assert len(found.tasks) + len(found.left_over) == 1


def test_who_has_no_minutes_is_not_at_work() -> None:
    off, boss = Person(1, "小李", "manager", None, 0), Person(2, "老板", "owner", None, 30)
    rows = [guest(1), guest(2, staff_in_charge="1")]
    assert [t.staff and t.staff.id for t in plan(a_due(rows, [BIRTHDAY]), [off, boss], shop="X").tasks] == [
        2,
        2,
    ]


def test_one_contact_a_day_over_two_playbooks_with_tables_of_their_own() -> None:
    first = a_due([guest("M1"), guest("M2")], [BIRTHDAY], "restaurant")
    second = a_due([guest("M2", spend_in_12_months=5)], [a_rule("vip", weight=5)], "tiers")
    found = plan([first, second], [MANAGER], shop="X")
    assert sorted(shown(found.tasks)) == [("M1", "birthday", 1), ("M2", "vip", 1)]
    assert [t.also for t in found.tasks if t.candidate.customer == "M2"] == [(Words("birthday", "birthday"),)]
    assert [t.playbook for t in found.tasks] == ["tiers", "restaurant"]


def test_a_day_without_anybody_is_an_empty_list() -> None:
    found = plan(a_due([guest(1, birthday=None)], [BIRTHDAY]), [MANAGER], shop="X")
    assert list(found.tasks) == list(found.left_over) == []
    assert list(plan(a_due([guest(1)], [BIRTHDAY]), [], shop="X").tasks) == []


# Properties

RULES = [
    a_rule("birthday", days_before=3, weight=3),
    a_rule("thanks", "after_visit", days_after=1, who="front-desk", channel="message", minutes=1),
    a_rule("call", "owed", times_a_month=2, grades=["a"], weight=4),
    a_rule("late", "late", times_usual=1.5, weight=5),
    a_rule("festival", "festival", festivals=["winter-solstice"], days_before=60, minutes=0),
    a_rule("receive", "receive", channel="in-person"),
]
GUESTS = st.lists(
    st.fixed_dictionaries({
        "name": st.sampled_from([None, "王芳", "李强"]),
        "store": st.sampled_from([None, "东店", "西店"]),
        "staff_in_charge": st.sampled_from([None, "1", "小赵"]),
        "birthday": st.sampled_from([None, "solar --11-23", "lunar --10-17"]),
        "last_visit_on": st.none() | st.dates(date(2026, 8, 1), TODAY),
        "usual_gap_days": st.none() | st.floats(1, 60),
        "spend_in_12_months": st.none() | st.integers(0, 10**7),
        "grade:main": st.sampled_from([None, "a", "b"]),
        "contacted_on": st.none() | st.dates(date(2026, 11, 20), TODAY),
        "may_contact": st.none() | st.booleans(),
    }),
    max_size=40,
)  # fmt: skip
STAFF = st.lists(
    st.builds(
        Person,
        st.integers(1, 5),
        st.sampled_from(["小李", "小赵"]),
        st.sampled_from(["manager", "front-desk", "owner"]),
        st.sampled_from([None, "东店", "西店"]),
        st.integers(0, 60),
    ),
    max_size=4,
    unique_by=lambda person: person.id,
)


def planned(guests: list[dict[str, Any]], staff: list[Person]) -> Plan:
    schema = pa.schema([
        ("customer", pa.int64()), ("name", pa.string()), ("store", pa.string()),
        ("staff_in_charge", pa.string()), ("birthday", pa.string()), ("last_visit_on", pa.date32()),
        ("usual_gap_days", pa.float64()), ("spend_in_12_months", pa.int64()), ("grade:main", pa.string()),
        ("contacted_on", pa.date32()), ("may_contact", pa.bool_()),
    ])  # fmt: skip
    table = pa.Table.from_pylist(guests, schema=schema)
    day = Day(on=TODAY, known_until=TODAY, typical_gap_days=14.0, stale_after=1.0, patience_days=3)
    return plan(due(table, RULES, day), staff, shop="X")


def numbered(guests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"customer": n, **each} for n, each in enumerate(guests)]


@given(GUESTS, STAFF)
@settings(max_examples=60, deadline=None)
def test_nobody_is_contacted_twice_nobody_works_longer_and_nobody_is_lost(
    guests: list[dict[str, Any]], staff: list[Person]
) -> None:
    guests = numbered(guests)
    found = planned(guests, staff)
    everyone: list[Task] = [*found.tasks, *found.left_over]
    customers = [task.candidate.customer for task in everyone]
    assert len(customers) == len(set(customers))
    assert set(customers) == {candidate.customer for each in found.dues for candidate in each}
    for person in staff:
        assert found.minutes()[person.id] <= person.minutes
    for task in everyone:
        row = guests[int(task.candidate.customer)]
        if task.candidate.rule.channel != "in-person":
            assert row["contacted_on"] != TODAY
            assert row["may_contact"] is not False
        assert task.candidate.due_on <= TODAY <= task.candidate.last_on
        if task.staff and task.staff.store and task.store and row["staff_in_charge"] is None:
            assert task.staff.store == task.store


@given(GUESTS, STAFF, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_same_day_planned_twice_in_any_order_is_the_same_list(
    guests: list[dict[str, Any]], staff: list[Person], chance: random.Random
) -> None:
    guests = numbered(guests)
    shuffled, other = chance.sample(guests, len(guests)), chance.sample(staff, len(staff))
    first, again = planned(guests, staff), planned(shuffled, other)
    assert list(first.tasks) == list(again.tasks)
    assert list(first.left_over) == list(again.left_over)


# Why not today?


def test_whoever_asks_why_not_gets_an_answer() -> None:
    yesterday = TODAY - timedelta(days=1)
    rows = [
        guest(1, last_visit_on=yesterday),
        guest(2, birthday="solar --05-01"),
        guest(3, contacted_on=TODAY),
        guest(4, may_contact=False),
        guest(5, birthday=None),
        guest(6, held_until=date(2026, 11, 24)),
        guest(7, reachable=False),
        guest(8),
        guest(9, public_official=True),
    ]
    did = pa.table({
        "customer": [8], "rule": ["birthday"], "done_on": pa.array([yesterday], pa.date32()),
        "occasion": ["birthday:2026"],
    })  # fmt: skip
    day = a_due(rows, [BIRTHDAY, VISIT], done=did)
    history = History(day.people, did)
    found = plan(day, [MANAGER], shop="X")
    answers = {n: why_not_today(found, BIRTHDAY, n, history) for n in range(1, 10)}
    assert answers[1].holds and answers[9].holds
    assert {n: answer.why.zh for n, answer in answers.items() if not answer.holds} == {
        2: "还没到，是2027年5月1日",
        3: "今天已经联系过",
        4: "她说过不要联系",
        5: "不知道日子",
        6: "先不打扰，到后天为止",
        7: "没有电话也没有微信",
        8: "这一次已经做过了",
    }
    assert why_not_today(found, VISIT, 1).why.zh == "改天：同一天已有别的联系（birthday）"
    gift = a_rule("gift", channel="gift")
    assert why_not_today(found, gift, 9).why.zh == "公职人员，不送礼"
    with pytest.raises(KeyError):
        why_not_today(found, BIRTHDAY, 99)


def test_what_found_no_room_says_so() -> None:
    found = plan(a_due([guest(1)], [BIRTHDAY]), [Person(1, "小李", "manager", None, 5)], shop="X")
    assert why_not_today(found, BIRTHDAY, 1).why.zh == "改天：今天的时间不够了，排在后面"


def test_absence_says_that_the_data_are_old_and_conditions_say_which() -> None:
    late = a_rule("late", "late", times_usual=1.5, where=["visits >= 3"], grades=["a"])
    rows = [
        {"customer": 1, "grade:main": "a", "visits": 9, "usual_gap_days": 9.0,
         "last_visit_on": TODAY - timedelta(days=30)},
        {"customer": 2, "grade:main": "a", "visits": 2},
        {"customer": 3, "grade:main": "b", "visits": 9},
    ]  # fmt: skip
    day = Day(
        on=TODAY,
        known_until=TODAY - timedelta(days=20),
        typical_gap_days=14.0,
        stale_after=1.0,
        patience_days=3,
    )
    found = plan(due(pa.Table.from_pylist(rows), [late], day), [MANAGER], shop="X")
    assert "数据只到" in why_not_today(found, late, 1).why.zh
    assert why_not_today(found, late, 2).why.zh == "不满足：visits >= 3"
    assert why_not_today(found, late, 3).why.zh == "等级不在这条规则里"


def test_people_answer_unknown_for_a_column_that_is_not_there() -> None:
    nobody = People(pa.table({"customer": [1, 2]}))
    assert not (nobody.numbers("spend") >= 0).any()
    assert not nobody.is_false("may_contact").any()
