"""A day's list in a real shop: made once, done once, put off, refused, taken back.

The shop is a restaurant. Chen comes every week and has stayed away for five; Li came for the first time the day before
yesterday; Wang has her birthday tomorrow.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db.models import Q
from tests.shops import Shop

from regulars import daily
from regulars.care.actions import TAKEN, end, reopen
from regulars.care.models import DayPlan, Task, TaskState
from regulars.care.queries import ended_on, noted_tasks, open_on, today_records
from regulars.grading.actions import adopt
from regulars.grading.models import GradeChange
from regulars.playbooks.playbook import load
from regulars.shop.actions import add_staff
from regulars.shop.models import Business, Contact, Hold, Staff
from regulars.shop.words import Refused

ON = date(2026, 9, 20)


def ago(days: int) -> str:
    return (ON - timedelta(days=days)).isoformat()


@pytest.fixture
def people(shop: Shop) -> tuple[Staff, Staff]:
    """Owner and waiter of a restaurant with three guests."""
    Business.objects.update(trade="restaurant")
    owner = add_staff(name="老周", email="zhou@example.com", role="owner", password=None, minutes=240)
    waiter = add_staff(name="小林", email="lin@example.com", role="front-desk", password=None, minutes=240)
    adopt("restaurant", by=owner)
    sales = [
        {"会员号": "M1", "手机号": "17400010001", "消费时间": f"{ago(35 + 7 * k)} 12:00", "实收金额": 300}
        for k in range(20)
    ]
    sales.append({"会员号": "M2", "手机号": "17400010002", "消费时间": f"{ago(2)} 19:00", "实收金额": 120})
    sales += [
        {"会员号": "M3", "手机号": "17400010003", "消费时间": f"{ago(3 + 20 * k)} 18:00", "实收金额": 500}
        for k in range(4)
    ]
    # Somebody else's visit yesterday: the shop's data are fresh, so who is absent really is.
    sales.append({"会员号": "M9", "手机号": "17400010009", "消费时间": f"{ago(1)} 20:00", "实收金额": 80})
    shop.take_in(sales)
    birthday = (ON + timedelta(days=1)).strftime("1990-%m-%d")
    shop.take_in(
        [
            {"会员号": "M3", "姓名": "王芳", "性别": "女", "生日": birthday},
            {"会员号": "M1", "姓名": "陈伟", "性别": "男", "生日": ""},
        ]
    )
    return owner, waiter


def picture() -> list[tuple[object, ...]]:
    fields = ("customer_id", "rule", "occasion", "on", "staff_id", "place", "state", "fits", "why", "say")
    return list(Task.objects.order_by("id").values_list(*fields))


def test_a_shop_without_customers_has_a_day_and_an_empty_list(shop: Shop) -> None:
    adopt("restaurant", by=add_staff(name="老周", email="zhou@example.com", role="owner", password=None))
    daily.run_day(ON)
    assert picture() == []
    assert DayPlan.objects.get().on == ON


def test_a_day_has_a_list_and_run_again_it_changes_nothing(people: tuple[Staff, Staff]) -> None:
    daily.run_day(ON)
    first = picture()
    assert first
    daily.run_day(ON)
    assert picture() == first


def test_a_regular_who_is_late_by_her_own_rhythm_stands_on_the_list_with_her_numbers(
    people: tuple[Staff, Staff],
) -> None:
    daily.run_day(ON)
    late = [t for t in Task.objects.filter(customer__name="陈伟") if "34 天没来" in t.why[0]]
    assert late and "平常一周来一次" in late[0].why[0]


def test_moving_in_congratulates_nobody_and_a_rise_later_is_told_with_its_grades(shop: Shop) -> None:
    adopt(
        "restaurant",
        by=add_staff(name="老周", email="zhou@example.com", role="owner", password=None, minutes=90),
    )
    regular = [
        {"会员号": "M1", "手机号": "17400010001", "消费时间": f"{ago(60 - 7 * k)} 12:00", "实收金额": 300}
        for k in range(8)
    ]
    shop.take_in(regular)
    daily.run_day(ON)
    assert not Task.objects.filter(occasion__startswith="gained")
    first = GradeChange.objects.get().grade
    shop.take_in(
        [
            {"会员号": "M1", "手机号": "17400010001", "消费时间": f"{ago(k)} 18:00", "实收金额": 2000}
            for k in range(1, 5)
        ]
    )
    daily.run_day(ON + timedelta(days=1))
    names = load("restaurant").scales[0].names
    (task,) = Task.objects.filter(occasion__startswith="gained")
    assert task.why[0] == f"今天升到 {names['a'].zh}，之前是 {names[first].zh}"


def test_a_familys_day_comes_from_the_list_to_the_call(shop: Shop) -> None:
    owner = add_staff(name="老周", email="zhou@example.com", role="owner", password=None, minutes=240)
    adopt("hotpot", by=owner)
    on = date(2026, 3, 10)  # no festival near
    shop.take_in(
        [
            {
                "会员号": "M1",
                "手机号": "17400010001",
                "消费时间": f"{on - timedelta(days=8 + 9 * k)} 12:00",
                "实收金额": 4000,
            }
            for k in range(14)
        ]
    )
    shop.take_in([{"会员号": "M1", "姓名": "陈伟", "结婚纪念日": f"2008-{on + timedelta(days=2):%m-%d}"}])
    daily.run_day(on)
    (task,) = Task.objects.filter(rule="family-a")
    assert task.last_on == on + timedelta(days=2)
    end(task, TaskState.DONE, by=owner, on=on, note="订了六个人的位子")
    assert [t.note for t in noted_tasks(task.customer)] == ["订了六个人的位子"]


def test_a_playbook_beside_cares_too_and_nobody_is_greeted_twice(shop: Shop) -> None:
    owner = add_staff(name="老周", email="zhou@example.com", role="owner", password=None, minutes=240)
    adopt("restaurant", by=owner)
    adopt("tiers", by=owner, is_first=False)
    shop.take_in(
        [
            {
                "会员号": f"M{n}",
                "手机号": f"1740001000{n}",
                "消费时间": f"{ago(12 + 9 * k)} 12:00",
                "实收金额": 300,
            }
            for n in (1, 2)
            for k in range(9)
        ]
    )
    shop.take_in([{"会员号": "M1", "姓名": "陈伟", "生日": ON.strftime("1990-%m-%d")}])
    daily.run_day(ON)
    (greeting,) = Task.objects.filter(occasion__startswith="birthday", state=TaskState.OPEN)
    end(greeting, TaskState.DONE, by=owner, on=ON)
    # Two rises on a scale that only the playbook beside has.
    shop.take_in(
        [
            {"会员号": f"M{n}", "手机号": f"1740001000{n}", "消费时间": f"{ON} 12:00", "实收金额": 900}
            for n in (1, 2)
        ]
    )
    then = ON + timedelta(days=1)
    daily.run_day(then)
    assert not Task.objects.filter(occasion__startswith="birthday", state=TaskState.OPEN).exists()
    rose = Task.objects.filter(playbook="tiers", rule="gained-senior")
    assert rose and "高级会员" in rose[0].why[0] and "普通会员" in rose[0].why[0]


def test_words_say_who_is_writing(people: tuple[Staff, Staff]) -> None:
    daily.run_day(ON)
    written = Task.objects.exclude(channel="in-person")
    assert written
    for task in written:
        assert task.staff and task.staff.name in task.say[0]


def test_at_most_one_contact_for_a_customer_and_day(people: tuple[Staff, Staff]) -> None:
    daily.run_day(ON)
    customers = list(Task.objects.filter(on=ON, state=TaskState.OPEN).values_list("customer_id", flat=True))
    assert len(customers) == len(set(customers))


def test_done_leaves_a_contact_and_a_second_person_is_refused(people: tuple[Staff, Staff]) -> None:
    owner, waiter = people
    daily.run_day(ON)
    task = open_on(ON)[0]
    same = Task.objects.get(id=task.id)
    end(task, TaskState.DONE, by=waiter, on=ON, note="说周末来")
    with pytest.raises(Refused) as refused:
        end(same, TaskState.DONE, by=owner, on=ON)
    assert refused.value.words == TAKEN
    assert Contact.objects.filter(person=task.customer_id, on=ON, staff=waiter).count() == 1
    assert ended_on(ON, waiter).get().note == "说周末来"


def test_done_is_not_asked_again_that_day_or_the_next(people: tuple[Staff, Staff]) -> None:
    _, waiter = people
    daily.run_day(ON)
    task = open_on(ON)[0]
    end(task, TaskState.DONE, by=waiter, on=ON)
    daily.run_day(ON)
    assert not open_on(ON, fits=None).filter(customer=task.customer_id).exists()
    tomorrow = ON + timedelta(days=1)
    daily.run_day(tomorrow)
    assert (
        not open_on(tomorrow, fits=None)
        .filter(customer=task.customer_id, rule=task.rule, occasion=task.occasion)
        .exists()
    )


def test_not_reached_comes_back_tomorrow_and_postponed_on_its_day(people: tuple[Staff, Staff]) -> None:
    _, waiter = people
    daily.run_day(ON)
    missed, later = open_on(ON, fits=None)[:2]
    end(missed, TaskState.NOT_REACHED, by=waiter, on=ON)
    end(later, TaskState.POSTPONED, by=waiter, on=ON, until=ON + timedelta(days=3))
    assert not open_on(ON, fits=None).filter(id__in=[missed.id, later.id]).exists()
    assert not Contact.objects.get(person=missed.customer_id).reached
    daily.run_day(ON + timedelta(days=1))
    assert open_on(ON + timedelta(days=1)).filter(id=missed.id).exists() or missed.last_on <= ON
    assert not open_on(ON + timedelta(days=1), fits=None).filter(id=later.id).exists()
    daily.run_day(ON + timedelta(days=3))
    assert open_on(ON + timedelta(days=3)).filter(id=later.id).exists() or later.last_on < ON + timedelta(
        days=3
    )


@pytest.fixture
def late(people: tuple[Staff, Staff]) -> Task:
    """Chen, who comes every week and stayed away for five; the next days' data are in before she is called again."""
    daily.run_day(ON)
    return Task.objects.get(customer__name="陈伟", state=TaskState.OPEN)


def put_off(task: Task, by: Staff, days: int) -> date:
    end(task, TaskState.POSTPONED, by=by, on=ON, until=ON + timedelta(days=days))
    return ON + timedelta(days=days)


def others_come_until(shop: Shop, day: date) -> None:
    shop.take_in([{"会员号": "M9", "手机号": "17400010009", "消费时间": f"{day} 20:00", "实收金额": 80}])


def test_what_was_put_off_comes_first_in_the_words_of_its_new_day(
    shop: Shop, people: tuple[Staff, Staff], late: Task
) -> None:
    then = put_off(late, people[1], 2)
    others_come_until(shop, then)
    Staff.objects.update(minutes_a_day=late.minutes)  # room for one call each
    daily.run_day(then)
    again = open_on(then).get(id=late.id)
    assert "36 天没来" in again.why[0] or "37 天没来" in again.why[0]
    assert again.staff == late.staff
    assert again.place == 1
    for person in Staff.objects.all():
        mine = open_on(then, person).exclude(channel="in-person")
        assert sum(t.minutes for t in mine) <= person.minutes_a_day


def test_what_was_put_off_does_not_come_back_to_who_came_or_wants_peace(
    shop: Shop, people: tuple[Staff, Staff], late: Task
) -> None:
    then = put_off(late, people[1], 2)
    shop.take_in([{"会员号": "M1", "手机号": "17400010001", "消费时间": f"{then} 12:00", "实收金额": 300}])
    daily.run_day(then)
    assert not open_on(then, fits=None).filter(id=late.id).exists()


def test_a_hold_counts_for_what_was_put_off_before(
    shop: Shop, people: tuple[Staff, Staff], late: Task
) -> None:
    then = put_off(late, people[1], 2)
    others_come_until(shop, then)
    Hold.objects.create(person=late.customer_id, by=people[0])
    daily.run_day(then)
    assert (
        not open_on(then, fits=None).filter(customer=late.customer_id).exclude(channel="in-person").exists()
    )


@pytest.mark.parametrize(
    "how", [TaskState.DONE, TaskState.NOT_REACHED, TaskState.POSTPONED, TaskState.NOT_WANTED]
)
def test_whoever_was_turned_to_today_is_not_turned_to_again(
    how: str, people: tuple[Staff, Staff], late: Task
) -> None:
    end(late, how, by=people[1], on=ON)
    daily.run_day(ON)
    assert not open_on(ON, fits=None).filter(customer=late.customer_id).exclude(channel="in-person").exists()
    reopen(late, by=people[1], on=ON)
    daily.run_day(ON)
    assert open_on(ON, fits=None).filter(customer=late.customer_id).exclude(channel="in-person").count() == 1


@pytest.mark.parametrize("official", [{"公职人员": "是"}, {"职业": "公职人员"}])
def test_who_refuses_contact_is_not_called_and_an_official_gets_no_present(
    shop: Shop, people: tuple[Staff, Staff], official: dict[str, str]
) -> None:
    """Whoever is an official by her occupation only was given presents, and who ticked one off as done was refused."""
    shop.take_in(
        [
            {"会员号": "M3", "手机号": "17400010003", "消费时间": f"{ago(4 + 3 * k)} 18:00", "实收金额": 1500}
            for k in range(5)
        ]
    )
    daily.run_day(ON)
    presents = Task.objects.filter(state=TaskState.OPEN, customer__name="王芳").filter(
        Q(channel="gift") | Q(cost__gt=0)
    )
    assert presents
    shop.take_in([{"会员号": "M1", "不愿被联系": "是"}, {"会员号": "M3", **official}])
    daily.run_day(ON)
    calls = Task.objects.filter(state=TaskState.OPEN).exclude(channel="in-person")
    assert calls
    assert not calls.filter(customer__name="陈伟").exists()
    assert not presents.all()


def test_who_does_not_want_it_is_left_in_peace_by_that_rule(people: tuple[Staff, Staff]) -> None:
    _, waiter = people
    daily.run_day(ON)
    task = Task.objects.filter(customer__name="陈伟", state=TaskState.OPEN).first()
    assert task
    end(task, TaskState.NOT_WANTED, by=waiter, on=ON, note="别打了")
    assert Hold.objects.get(person=task.customer_id).rule == task.rule
    for ahead in range(1, 40, 13):
        daily.run_day(ON + timedelta(days=ahead))
        assert not Task.objects.filter(
            customer=task.customer_id, rule=task.rule, state=TaskState.OPEN
        ).exists()


def test_what_was_ended_by_mistake_is_taken_back_the_same_day_with_its_traces(
    people: tuple[Staff, Staff],
) -> None:
    _, waiter = people
    daily.run_day(ON)
    done, unwanted = open_on(ON, fits=None)[:2]
    end(done, TaskState.DONE, by=waiter, on=ON)
    end(unwanted, TaskState.NOT_WANTED, by=waiter, on=ON)
    reopen(done, by=waiter, on=ON)
    reopen(unwanted, by=waiter, on=ON)
    assert open_on(ON, fits=None).filter(id__in=[done.id, unwanted.id]).count() == 2
    assert not Contact.objects.exists()
    assert not Hold.objects.exists()
    with pytest.raises(Refused):
        reopen(done, by=waiter, on=ON)


def test_a_task_that_made_way_comes_back_and_one_that_is_over_does_not(people: tuple[Staff, Staff]) -> None:
    daily.run_day(ON)
    task = Task.objects.filter(customer__name="陈伟", state=TaskState.OPEN).get()
    Task.objects.filter(id=task.id).update(state=TaskState.EXPIRED, ended_on=ON)
    daily.run_day(ON)
    task.refresh_from_db()
    assert task.state == TaskState.OPEN
    daily.run_day(task.last_on + timedelta(days=1))
    task.refresh_from_db()
    assert task.state == TaskState.EXPIRED


def test_a_shop_that_forgot_to_import_sees_nobody_as_late(people: tuple[Staff, Staff]) -> None:
    """traps: known until; otherwise everybody looks lost."""
    much_later = ON + timedelta(days=90)
    result = daily.run_day(much_later)
    assert result["paused"]
    assert not Task.objects.filter(on=much_later, rule__contains="late", state=TaskState.OPEN).exists()


def test_the_contract_shape_of_today(people: tuple[Staff, Staff], tmp_path: Path) -> None:
    daily.run_day(ON)
    rows = today_records(ON, None, "zh")
    assert rows and [r["rank"] for r in rows] == list(range(1, len(rows) + 1))
    keys = {
        "task",
        "customer",
        "staff",
        "rule",
        "why",
        "do",
        "channel",
        "say",
        "minutes",
        "cost",
        "due",
        "rank",
    }
    assert all(set(r) == keys for r in rows)
    assert {r["customer"] for r in rows} <= {"M1", "M2", "M3", "M9"}
    mine = today_records(ON, "小林", "en")
    assert {r["staff"] for r in mine} <= {"lin@example.com"}
    with pytest.raises(Refused):
        today_records(ON, "nobody", "zh")
