"""Today: one's own list, ending a task with and without scripts, what did not fit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.web.conftest import TODAY, House

from regulars.care.models import DayPlan, Task, TaskState
from regulars.customers.models import Customer
from regulars.shop.models import Contact, Hold

FETCH = {"HTTP_X_REQUESTED_WITH": "fetch"}


def tasks(house: House, n: int, role: str = "front-desk", **more: object) -> list[Task]:
    people = list(Customer.objects.order_by("id"))
    made = []
    for k in range(n):
        values = {
            "customer": people[k % len(people)], "rule": "thanks", "occasion": f"visit:{k}", "playbook": "restaurant", "on": TODAY, "due_on": TODAY,
            "last_on": TODAY + timedelta(days=3), "staff": house.staff[role], "channel": "call", "minutes": 5, "cost": 0, "place": k,
            "name": ["道谢", "Thanks"], "why": ["昨天来过", "was here yesterday"], "do": ["打个电话", "give a call"], "say": ["您好，我是小李", "Hello, this is Li"],
        }  # fmt: skip
        made.append(Task.objects.create(**{**values, **more}))
    return made


@pytest.fixture
def bare(lived_in: House) -> House:
    Task.objects.all().delete()
    DayPlan.objects.all().delete()
    return lived_in


def test_everybody_sees_her_own_list_and_a_manager_sees_all(bare: House) -> None:
    tasks(bare, 1, "front-desk", why=["前台的事", "desk"])
    tasks(bare, 1, "service", why=["客服的事", "service"], occasion="other")
    desk = bare.browser("front-desk").get("/").content.decode()
    assert "前台的事" in desk and "客服的事" not in desk
    owner = bare.browser("owner")
    both = owner.get("/").content.decode()
    assert "前台的事" in both and "客服的事" in both
    one = owner.get(f"/?whose={bare.staff['service'].pk}").content.decode()
    assert "客服的事" in one and "前台的事" not in one


@pytest.mark.parametrize("how", ["done", "not-reached", "postponed", "not-wanted"])
def test_one_tap_ends_a_task_and_undo_brings_it_back(bare: House, how: str) -> None:
    (task,) = tasks(bare, 1)
    desk = bare.browser("front-desk")
    answer = desk.post(
        f"/tasks/{task.pk}/result/",
        {"result": how, "note": "下周再来"},
        HTTP_REFERER="http://testserver/?whose=mine",
    )
    assert answer["Location"] == "/?whose=mine"
    task.refresh_from_db()
    assert (task.state, task.note, task.ended_by) == (how, "下周再来", bare.staff["front-desk"])
    assert "下周再来" in desk.get("/").content.decode()
    desk.post(f"/tasks/{task.pk}/undo/")
    task.refresh_from_db()
    assert task.state == TaskState.OPEN
    assert not Contact.objects.exists()
    assert not Hold.objects.exists()


def test_a_script_gets_a_piece_of_the_page(bare: House) -> None:
    (task,) = tasks(bare, 1)
    desk = bare.browser("front-desk")
    done = desk.post(f"/tasks/{task.pk}/result/", {"result": "done"}, **FETCH).content.decode()
    assert "data-done" in done and "<html" not in done
    back = desk.post(f"/tasks/{task.pk}/undo/", **FETCH).content.decode()
    assert "data-task" in back and "csrfmiddlewaretoken" in back


def test_two_people_can_not_do_the_same_task(bare: House) -> None:
    (task,) = tasks(bare, 1)
    desk = bare.browser("front-desk")
    desk.post(f"/tasks/{task.pk}/result/", {"result": "done"})
    again = bare.browser("owner").post(f"/tasks/{task.pk}/result/", {"result": "not-wanted"}, **FETCH)
    assert again.status_code == 409
    task.refresh_from_db()
    assert task.state == TaskState.DONE


def test_later_can_say_how_much_later(bare: House) -> None:
    (task,) = tasks(bare, 1)
    left = (task.last_on - TODAY).days
    desk = bare.browser("front-desk")
    shown = desk.get("/").content.decode()
    assert [f'value="{days}"' in shown for days in (1, 3, 7)] == [left > 1, left >= 3, left >= 7]
    said = desk.post(
        f"/tasks/{task.pk}/result/", {"result": "postponed", "days": "2"}, **FETCH
    ).content.decode()
    task.refresh_from_db()
    assert task.postponed_to == TODAY + timedelta(days=2)
    assert f"{task.postponed_to.month}月{task.postponed_to.day}日再来" in said


def test_nothing_is_put_off_beyond_its_last_day(bare: House) -> None:
    far, last = tasks(bare, 2)
    desk = bare.browser("front-desk")
    desk.post(f"/tasks/{far.pk}/result/", {"result": "postponed", "days": "30"})
    far.refresh_from_db()
    assert far.postponed_to == far.last_on
    Task.objects.filter(pk=last.pk).update(last_on=TODAY)
    refused = desk.post(f"/tasks/{last.pk}/result/", {"result": "postponed", "days": "1"}, **FETCH)
    assert refused.status_code == 409 and "最后一天" in refused.content.decode()


@pytest.mark.parametrize("wrong", ["", "open", "expired", "x" * 500])
def test_a_made_up_ending_changes_nothing(bare: House, wrong: str) -> None:
    (task,) = tasks(bare, 1)
    bare.browser("front-desk").post(f"/tasks/{task.pk}/result/", {"result": wrong})
    task.refresh_from_db()
    assert task.state == TaskState.OPEN


def test_what_did_not_fit_is_one_tap_away(bare: House) -> None:
    tasks(bare, 1, why=["排得下的", "fits"])
    tasks(bare, 1, why=["排不下的", "waits"], fits=False, occasion="late")
    desk = bare.browser("front-desk")
    page = desk.get("/").content.decode()
    assert "今天排不下的还有 1 件" in page and "排不下的</p>" not in page
    assert "排不下的</p>" in desk.get("/?waiting=1").content.decode()


def test_paused_rules_and_guests_of_the_day_are_named(bare: House) -> None:
    guest = Customer.objects.order_by("id").first()
    assert guest
    DayPlan.objects.create(
        on=TODAY, paused=[["late", "", "数据只到10月3日", "data end 3 Oct"]], expected=[[guest.pk, None, 7.0]]
    )
    page = bare.browser("owner").get("/").content.decode()
    assert "数据只到10月3日" in page
    assert "平常一周来一次" in page


def test_no_phone_stands_on_a_list_and_looking_at_one_is_written_down(bare: House) -> None:
    tasks(bare, 3)
    desk = bare.browser("front-desk")
    assert "1393322" not in desk.get("/").content.decode()
    number = Customer.objects.order_by("id").values_list("pk", flat=True)[0]
    assert "1393322" not in desk.get(f"/customers/{number}/").content.decode()
    assert "1393322" not in desk.post(f"/customers/{number}/reveal/", follow=True).content.decode()
    shown = desk.post(f"/customers/{number}/reveal/", {"reason": "call"}).content.decode()
    assert "tel:1393322" in shown


def test_queries_do_not_grow_with_tasks(bare: House) -> None:
    owner = bare.browser("owner")

    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            owner.get("/?whose=all")
        return len(asked)

    tasks(bare, 2)
    owner.get("/")
    few = count()
    tasks(bare, 40, rule="more")
    assert count() == few
