"""What is sealed is found all the same: notes by their words, phones by their beginning."""

from __future__ import annotations

import importlib
from datetime import date

import pytest
from tests.shops import Shop

from regulars.care.actions import end
from regulars.care.models import Task, TaskState, TaskWord
from regulars.care.queries import search_task_notes
from regulars.customers import actions as customers
from regulars.customers.models import Customer, NoteWord, SearchKey
from regulars.customers.queries import search, search_notes
from regulars.shop.actions import add_staff

ON = date(2026, 5, 1)

NOTES = {
    "a": "对花生过敏，不吃辣",
    "b": "生日想坐靠窗的位子",
    "c": "No MSG please, allergic to peanuts",
    "d": "花不要，先生爱喝茶",
    "e": "微信 wang_fang88，车牌沪A12345",
}


@pytest.fixture
def noted(shop: Shop) -> dict[str, Customer]:
    people = {}
    for key, text in NOTES.items():
        people[key] = customers.add_customer(name=f"顾客{key}", phone=f"1391234{ord(key):04d}")
        customers.add_note(people[key], text, on=ON)
    return people


@pytest.mark.parametrize(
    ("asked", "whose"),
    [
        ("花生", "a"), ("辣", "a"), ("花生 辣", "a"), ("靠窗的位子", "b"), ("花", "da"), ("生", "dba"), ("msg", "c"), ("ＭＳＧ", "c"),
        ("PEANUTS allergic", "c"), ("peanut", ""), ("生花", ""), ("wang", "e"), ("沪A12345", "e"), ("牛", ""), ("", ""), ("，", ""),
    ],
)  # fmt: skip
def test_notes_are_found_by_their_words_newest_first(
    noted: dict[str, Customer], asked: str, whose: str
) -> None:
    assert [c.id for c, _ in search_notes(asked)] == [noted[w].id for w in whose]


def test_a_note_is_found_with_the_customer_she_is_read_as_and_goes_with_her_note(
    noted: dict[str, Customer],
) -> None:
    customers.merge(noted["b"], noted["a"])
    noted["a"].refresh_from_db()
    assert noted["a"].merged_into_id in (None, noted["b"].id)
    assert [c.id for c, _ in search_notes("花生")] == [noted["a"].id]
    assert search_notes("花生", limit=0) == []
    words = NoteWord.objects.count()
    noted["c"].notes.all().delete()
    assert search_notes("msg") == [] and NoteWord.objects.count() < words


def test_words_of_notes_stand_as_tokens_bound_to_their_purpose(noted: dict[str, Customer]) -> None:
    from regulars.shop.sealed_words import tokens_of

    one = tokens_of(["花生"], "customers.NoteWord")
    assert NoteWord.objects.filter(token__in=one).count() == 1
    assert tokens_of(["花生"], "care.TaskWord") != one


def test_what_was_written_on_a_task_is_found(shop: Shop) -> None:
    boss = add_staff(name="林", email="lin@example.com", role="owner")
    her = customers.add_customer(name="王芳", phone="13912345601")
    task = Task.objects.create(
        customer=her, rule="r", occasion="o", on=ON, due_on=ON, last_on=date(2026, 5, 9), channel="call"
    )
    end(task, TaskState.DONE, by=boss, on=ON, note="电话里说下周带孩子来")
    assert [(c.id, t.pk) for c, t in search_task_notes("孩子")] == [(her.id, task.pk)]
    assert search_task_notes("孩儿") == []
    assert TaskWord.objects.exists()


def test_phones_are_found_by_their_beginning_from_seven_digits_on(shop: Shop) -> None:
    people = [customers.add_customer(name=f"顾客{k}", phone=f"139123456{k:02d}") for k in range(12)]
    other = customers.add_customer(name="别人", phone="13912399999")
    ids = {p.id for p in people}
    assert {c.id for c in search("1391234")} == ids
    assert {c.id for c in search("13912345")} == ids
    assert {c.id for c in search("1391234560")} == {p.id for p in people[:10]}
    assert [c.id for c in search("13912345611")] == [people[11].id]
    assert {c.id for c in search("1391239")} == {other.id}
    assert search("139123") == [] and search("1391235") == []
    assert len(search("1391234", limit=5)) == 5


def test_a_phone_that_came_with_somebody_merged_is_found_by_its_beginning_too(shop: Shop) -> None:
    stays = customers.add_customer(name="王芳", phone="13912345601")
    other = customers.add_customer(name="王芳芳", phone="15887654321")
    batch = customers.merge(stays, other)
    assert [c.id for c in search("1588765")] == [c.id for c in search("158876543")] == [stays.id]
    customers.unmerge(batch)
    assert [c.id for c in search("158876543")] == [other.id]


def test_a_search_by_a_beginning_asks_as_often_for_many_as_for_few(
    shop: Shop, django_assert_max_num_queries: object
) -> None:
    shop.take_in([{"会员号": f"V{k}", "手机号": f"1391234{k:04d}", "姓名": f"顾客{k}"} for k in range(300)])
    with django_assert_max_num_queries(24):  # type: ignore[operator]
        assert len(search("13912340")) == 20


def test_notes_and_phones_of_before_are_found_too_once_the_store_is_brought_up_to_date(
    noted: dict[str, Customer],
) -> None:
    before = (
        set(SearchKey.objects.values_list("customer_id", "word")),
        set(NoteWord.objects.values_list("note_id", "token")),
    )
    NoteWord.objects.all().delete()
    SearchKey.objects.filter(word__startswith="^").delete()
    assert search_notes("花生") == [] and search("1391234") == []
    migration = importlib.import_module("regulars.customers.migrations.0007_words_of_before")
    from django.apps import apps

    for _ in range(2):  # it may be begun again
        migration.add_note_words(apps, None)
        migration.add_beginnings(apps, None)
    after = (
        set(SearchKey.objects.values_list("customer_id", "word")),
        set(NoteWord.objects.values_list("note_id", "token")),
    )
    assert after == before
    assert SearchKey.objects.count() == len(after[0]) and NoteWord.objects.count() == len(after[1])
