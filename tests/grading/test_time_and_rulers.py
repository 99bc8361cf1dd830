"""Grades and the clock: old data, earlier days, new numbers, the day on which somebody new is graded, the last day on
which a visit still helps. In a shop with a store behind it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from tests.shops import Shop

from regulars import daily
from regulars.care.models import Task
from regulars.customers.models import Customer
from regulars.customers.queries import first_written
from regulars.grading.actions import adopt, in_force, take_back
from regulars.grading.models import GradeChange, GradeRun, Standing
from regulars.grading.queries import explain, grade_rows, would_move
from regulars.playbooks.overlay import with_numbers
from regulars.playbooks.playbook import load
from regulars.shop.actions import add_staff
from regulars.shop.models import Staff

ON = date(2026, 5, 17)


@pytest.fixture
def owner(shop: Shop) -> Staff:
    return add_staff(name="老周", email="zhou@example.com", role="owner", password=None, minutes=240)


def came(member: str, *ago: int, amount: int = 300, on: date = ON) -> list[dict[str, object]]:
    phone = f"1740001{int(member[1:]):04}"
    return [
        {"会员号": member, "手机号": phone, "消费时间": f"{on - timedelta(days=d)} 12:00", "实收金额": amount}
        for d in ago
    ]


def own_numbers(playbook: str, changed: dict[str, Any]) -> str:
    overlay, _ = with_numbers(load(playbook), changed)
    return overlay


def person(member: str) -> Customer:
    """The customer with this member number."""
    everybody = first_written(list(Customer.objects.values_list("id", flat=True)))
    (number,) = [number for number, written in everybody.items() if written == member]
    return Customer.objects.get(id=number)


def standing(member: str) -> str:
    return Standing.objects.get(customer=person(member), scale="main").grade


def graded(playbook: str, on: date) -> dict[str, str]:
    _, rows = grade_rows(load(playbook), on)
    return {row[0]: row[2] for row in rows}


def next_of(member: str, on: date = ON, playbook: str | None = None) -> list[dict[str, Any]]:
    said = explain(person(member), on)["grades"]
    found: list[dict[str, Any]] = next(g for g in said if playbook in (None, g["playbook"]))["next"]
    return found


def test_a_shop_that_forgot_to_import_takes_nobodys_grade(shop: Shop, owner: Staff) -> None:
    adopt("restaurant", by=owner)
    weekly = [*range(1, 120, 7)]
    shop.take_in([row for n in range(1, 9) for row in came(f"M{n}", *weekly, amount=2000)])
    daily.run_day(ON)
    held = set(Standing.objects.values_list("customer", "grade"))
    assert {grade for _, grade in held} == {"a"}
    for later in (9, 16, 23, 30):
        daily.run_day(ON + timedelta(days=later))
    assert set(Standing.objects.values_list("customer", "grade")) == held
    # The till's file shows who stayed away: now the grade goes.
    then = ON + timedelta(days=31)
    shop.take_in([row for n in range(2, 9) for row in came(f"M{n}", 1, 8, 15, 22, amount=2000, on=then)])
    daily.run_day(then)
    assert [c.customer for c in GradeChange.objects.filter(on=then)] == [person("M1")]


def test_new_numbers_raise_nobody_in_the_words_of_today(shop: Shop, owner: Staff) -> None:
    adopt("restaurant", by=owner)
    shop.take_in([row for n in range(1, 5) for row in came(f"M{n}", 1, 3, 5, 22, 60, amount=800)])
    daily.run_day(ON)
    assert {standing(f"M{n}") for n in range(1, 5)} == {"b"}
    adoption = adopt("restaurant", own_numbers("restaurant", {"main.a.1.spend_in_30_days": 3000}), by=owner)
    daily.run_day(ON)
    assert {standing(f"M{n}") for n in range(1, 5)} == {"a"}
    take_back(adoption, by=owner)
    daily.run_day(ON + timedelta(days=1))
    daily.run_day(ON + timedelta(days=2))
    assert not Task.objects.filter(occasion__startswith="gained").exists()
    assert GradeChange.objects.filter(was="b", grade="a").count() == 4


def test_who_would_move_is_who_moves_also_where_a_review_is_waited_for(shop: Shop, owner: Staff) -> None:
    adopt("tiers", by=owner)
    shop.take_in([row for n in range(1, 5) for row in came(f"M{n}", *range(1, 300, 14), amount=400)])
    daily.run_day(ON)
    (now,) = [h.playbook for h in in_force()]
    harder = own_numbers(
        "tiers", {"main.senior.1.visits_in_12_months": 40, "main.senior.1.spend_in_12_months": 90000}
    )
    said = {(m.was, m.to): m.customers for m in would_move(now, load("tiers", overlay=harder), ON)}
    adopt("tiers", harder, by=owner)
    before = dict(Standing.objects.values_list("customer", "grade"))
    daily.run_day(ON)
    after = dict(Standing.objects.values_list("customer", "grade"))
    moved: dict[tuple[str, str], int] = {}
    for customer, was in before.items():
        if after[customer] != was:
            moved[was, after[customer]] = moved.get((was, after[customer]), 0) + 1
    assert said == moved


def test_a_day_before_the_latest_changes_nothing_unless_begun_anew(shop: Shop, owner: Staff) -> None:
    adopt("restaurant", by=owner)
    shop.take_in([*came("M1", 1, 8, 15, 22, amount=2000), *came("M2", 40, 60)])
    daily.run_day(ON - timedelta(days=30))
    early = set(Standing.objects.values_list("customer", "grade", "since"))
    daily.run_day(ON)
    picture = (
        list(Standing.objects.order_by("id").values_list()),
        list(GradeChange.objects.order_by("id").values_list()),
    )
    said = daily.run_day(ON - timedelta(days=30))
    assert said["closed_since"] == ON.isoformat()
    assert picture == (
        list(Standing.objects.order_by("id").values_list()),
        list(GradeChange.objects.order_by("id").values_list()),
    )
    daily.run_day(ON - timedelta(days=30), again=True)
    assert set(Standing.objects.values_list("customer", "grade", "since")) == early
    assert not GradeRun.objects.filter(on__gt=ON - timedelta(days=30)).exists()
    daily.run_day(ON)
    assert dict(Standing.objects.values_list("customer", "grade")) == {row[1]: row[4] for row in picture[0]}


def test_an_earlier_day_is_explained_as_it_is_graded(shop: Shop, owner: Staff) -> None:
    adopt("snack", by=owner)
    shop.take_in([*came("M1", 3, 6, 9, 100, 103, 106, 109, 112, 115), *came("M2", 100, 90, 80)])
    daily.run_day(ON)
    for back in (0, 70, 95):
        day = ON - timedelta(days=back)
        for member, grade in graded("snack", day).items():
            said = explain(person(member), day)["grades"][0]
            assert (said["grade"], said["since"] <= day.isoformat()) == (grade, True)


def test_the_last_day_on_which_a_visit_helps_is_the_last_day(shop: Shop, owner: Staff) -> None:
    adopt("snack", by=owner)
    shop.take_in(came("M1", 11, 10, 9, 8, amount=30))
    daily.run_day(ON)
    (up,) = [n for n in next_of("M1") if n["grade"] == "c"]
    assert up["visits"] == 1
    by = date.fromisoformat(up["by"])
    for day, grade in ((by, "c"), (by + timedelta(days=1), "d")):
        taken = shop.take_in(came("M1", 0, amount=30, on=day))
        assert graded("snack", day)["M1"] == grade
        daily.undo(taken.batch)


def test_a_visit_that_helps_all_year_has_no_last_day(shop: Shop, owner: Staff) -> None:
    adopt("tiers", by=owner)
    shop.take_in(came("M1", *range(20, 20 + 2 * 11, 2), amount=10))
    daily.run_day(ON)
    (up,) = [n for n in next_of("M1") if n["grade"] == "senior"]
    assert up["visits"] == 1 and up["by"] is None


def test_somebody_new_is_told_when_and_how_she_will_be_graded(shop: Shop, owner: Staff) -> None:
    adopt("restaurant", by=owner)
    shop.take_in(came("M1", 29, 20, 13, 6, 1, amount=2000))
    daily.run_day(ON)
    assert standing("M1") == "new"
    (only,) = next_of("M1")
    assert only["without_visit"] and only["needs"] == []
    assert graded("restaurant", date.fromisoformat(only["by"])) == {"M1": only["grade"]}
    assert graded("restaurant", date.fromisoformat(only["by"]) - timedelta(days=1)) == {"M1": "new"}
