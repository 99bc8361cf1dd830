"""Two files are made one and parted again, whatever happens meanwhile: nothing is lost, and nothing crosses over."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.apps import apps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.shops import Shop, days_in_books, groups, must_be_whole

from regulars import daily
from regulars.care import actions as care
from regulars.care.models import Task, TaskState
from regulars.care.queries import due_for, open_on
from regulars.customers import actions as customers
from regulars.customers.models import Customer, Family, FamilyMember, Likely, Note, Portrait
from regulars.customers.pairs import in_charge_of
from regulars.customers.queries import details_of, find, merged, notes_of, search
from regulars.grading.actions import adopt
from regulars.grading.models import GradeChange, Standing
from regulars.grading.queries import portrait
from regulars.sales.models import Batch, Identity, Pairing
from regulars.shop.actions import add_staff
from regulars.shop.custody import registered
from regulars.shop.models import Contact, Hold, Outgoing, Staff, Store
from regulars.shop.words import Refused

ON = date(2026, 5, 20)
P1, P2 = "13912345601", "13912345699"


def day_of(n: int) -> date:
    """The n-th of the days on which people came, four days apart; the twentieth is the day that is run."""
    return ON + timedelta(days=4 * (n - 20))


def visit(n: int, amount: int = 300, **who: str) -> dict[str, object]:
    return {"结账时间": f"{day_of(n)} 12:00:00", "实收金额": amount, **who}


def who(number: str) -> Customer:
    found = find(number)
    assert found is not None, number
    return found


@pytest.fixture
def boss(shop: Shop) -> Staff:
    adopt("restaurant")
    return add_staff(name="林老板", email="lin@example.com", role="owner")


# --- what stands about customers -------------------------------------------------------------------------------------


def custody_rows() -> dict[str, list[str]]:
    """Every row of every model that custody knows to hold a customer, and of the identities behind them. What is drawn
    anew has new numbers of its own; a field that only says when is left out."""
    models = {label: apps.get_model(label) for label, line in registered().items() if line.customer}
    anew = {label for label, line in registered().items() if line.merging == "drawn anew"}
    models |= {"sales.Identity": Identity, "sales.Pairing": Pairing}
    found = {}
    for label, model in models.items():
        rows = [dict(row) for row in model.objects.values()]
        for row in rows:
            if label in anew:
                row.pop("id", None)
        found[label] = sorted(repr(sorted(row.items())) for row in rows)
    return found


def drawn_live(on: date) -> dict[int, Any]:
    """Everybody's portrait as it is drawn now, with her grades."""
    return {
        c.id: (drawn.facts, [(e.scale.key, e.grade, e.since) for e in drawn.grades])
        for c in Customer.objects.filter(merged_into=None, is_gone=False).order_by("id")
        for drawn in [portrait(c, on, look_ahead=False)]
    }


def drawn_in_batch() -> dict[int, tuple[Any, ...]]:
    return {p.customer_id: (p.visits, p.spend, p.last_visit_on, p.visits_in_12_months, p.usual_gap_days)
            for p in Portrait.objects.all()}  # fmt: skip


# --- the property ----------------------------------------------------------------------------------------------------

KINDS = ("note", "detail", "hold", "rule-hold", "contact", "task", "message", "family", "charge", "likely")
things = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 3)), max_size=14)
visits = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 19), st.integers(50, 4000)), min_size=6, max_size=20
)


def write(thing: str, customer: Customer, others: list[Customer], n: int, by: Staff) -> None:
    """Something that a day brings about a customer."""
    if thing == "note":
        customers.add_note(customer, f"备注 {n}", on=ON, by=by)
    elif thing == "detail":
        customers.say_detail(customer, "occupation", "teacher" if n % 2 else "driver", by=by)
    elif thing == "hold":
        Hold.objects.create(person=customer.id, by=by, until=ON + timedelta(days=n))
    elif thing == "rule-hold":
        Hold.objects.create(person=customer.id, by=by, rule="late")
    elif thing == "contact":
        Contact.objects.create(person=customer.id, on=ON, staff=by, channel="call", minutes=n)
    elif thing == "task":
        a_task(customer, f"rule-{n % 3}", f"occasion-{n}")
    elif thing == "message":
        Outgoing.objects.create(key=f"{customer.id}-{n}-{Outgoing.objects.count()}", person=customer.id, channel="sms",
                                purpose="care", to=P1, text="您好")  # fmt: skip
    elif thing == "family":
        FamilyMember.objects.create(family=Family.objects.create(name="王"), customer=customer, role="child")
    elif thing == "charge":
        Customer.objects.filter(id=customer.id).update(in_charge=by)
    elif thing == "likely":
        pair = sorted([customer.id, others[n % len(others)].id])
        if pair[0] != pair[1]:
            Likely.objects.get_or_create(one_id=pair[0], other_id=pair[1],
                                         defaults={"kind": "merge", "strength": "sure", "reasons": ["name-same"]})  # fmt: skip


def a_task(customer: Customer, rule: str = "late", occasion: str = "o", on: date = ON, **more: Any) -> Task:
    return Task.objects.get_or_create(
        customer_id=customer.id, rule=rule, occasion=occasion,
        defaults={"on": on, "due_on": on, "last_on": on + timedelta(days=9), "playbook": "restaurant", "channel": "call",
                  "why": ["因为", "because"], "do": ["打电话", "call"], "say": ["您好", "hello"], "name": ["电话", "call"], **more},
    )[0]  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(came=visits, written=things, meanwhile=things, a_day=st.booleans(), order=st.permutations([0, 1, 2]))
def test_parting_restores_every_record_and_every_portrait(
    shop: Shop, came: list[tuple[int, int, int]], written: list[tuple[str, int]], meanwhile: list[tuple[str, int]],
    a_day: bool, order: list[int],
) -> None:  # fmt: skip
    """Random shops; two or three of four customers become one, things happen to the fourth, perhaps a day is run; then
    they are parted in any order."""
    shop.empty()
    adopt("restaurant")
    by = add_staff(name="林老板", email="lin@example.com", role="owner")
    shop.take_in([visit(day, amount, 会员号=f"100{who_}", 姓名=f"王芳{who_}") for who_, day, amount in came]
                 + [visit(1, 会员号=f"100{k}", 手机号=f"1391234560{k}") for k in range(4)])  # fmt: skip
    daily.run_day(ON)
    people = [who(f"100{k}") for k in range(4)]
    for n, (thing, k) in enumerate(written):
        write(thing, people[k], people, n, by)
    before, live = custody_rows(), drawn_live(ON + timedelta(days=1))

    words = [daily.merge(people[0], people[1], by=by), daily.merge(people[1], people[2], by=by)]
    daily.redraw()
    assert len(merged()) == 2 and len(drawn_live(ON)) == 2
    for n, (thing, _) in enumerate(meanwhile):
        if thing != "likely":
            write(thing, people[3], people, 100 + n, by)
    if a_day:
        daily.run_day(ON + timedelta(days=1))
    for k in order[:2] if set(order[:2]) == {0, 1} else (0, 1):
        daily.unmerge(words[k], by=by)
    daily.redraw()

    after = custody_rows()
    fourth = repr(("person", people[3].id)), repr(("customer_id", people[3].id)), repr(("id", people[3].id))
    for label, rows in before.items():
        lost = [r for r in rows if r not in after[label] and not any(f in r for f in fourth)]
        more = [r for r in after[label] if r not in rows and not any(f in r for f in fourth)]
        if not a_day:
            assert (label, lost, more) == (label, [], [])
        elif label not in ("care.Task", "customers.Portrait"):  # a day has asked and drawn: looked at below
            assert (label, lost) == (label, [])
            assert label == "grading.GradeChange" or more == [], label
    now = drawn_live(ON + timedelta(days=1))
    assert {c: d for c, d in now.items() if c != people[3].id} == {
        c: d for c, d in live.items() if c != people[3].id
    }
    daily.run_day(ON + timedelta(days=2), full=True)
    drawn = drawn_live(ON + timedelta(days=2))
    assert drawn_in_batch() == {
        c: (f["visits"], f["spend"], _day(f["last_visit_on"]), f["visits_in_12_months"], f["usual_gap_days"])
        for c, (f, _) in drawn.items()
    }
    must_be_whole()


def _day(value: Any) -> date | None:
    return None if value is None else date(1970, 1, 1) + timedelta(days=int(value))


# --- one after the other ---------------------------------------------------------------------------------------------


@pytest.fixture
def three(shop: Shop, boss: Staff) -> list[Customer]:
    """Three files with a number each, visits of their own, graded on the day."""
    shop.take_in([visit(day, 500 * k, 会员号=f"100{k}") for k in (1, 2, 3) for day in range(k, 19, 4)])
    daily.run_day(ON)
    return [who(f"100{k}") for k in (1, 2, 3)]


@pytest.mark.parametrize("back", [(0, 1), (1, 0)])
def test_a_chain_is_read_as_one_and_parted_in_any_order(
    three: list[Customer], boss: Staff, back: tuple[int, int]
) -> None:
    """A into B, then B into C: three files, one customer; the inner word is taken back as well as the outer one."""
    a, b, c = three
    words = [daily.merge(a, b, by=boss), daily.merge(b, c, by=boss)]
    assert merged() == {b.id: a.id, c.id: a.id}
    daily.unmerge(words[back[0]], by=boss)
    left = {0: {c.id: a.id}, 1: {b.id: a.id}}[back[0]]
    assert merged() == left, "of a chain only what was said goes"
    daily.unmerge(words[back[1]], by=boss)
    assert merged() == {} and len(groups()) == 3
    must_be_whole()


def test_merging_what_is_one_already_is_refused(three: list[Customer], boss: Staff) -> None:
    a, b, c = three
    daily.merge(a, b, by=boss)
    daily.merge(c, b, by=boss)
    with pytest.raises(Refused):
        daily.merge(a, c, by=boss)
    with pytest.raises(Refused):
        daily.merge(a, a, by=boss)


def test_grades_of_before_hold_again_after_days_as_one(three: list[Customer], boss: Staff) -> None:
    before = sorted(Standing.objects.values_list("customer", "scale", "grade", "since", "was"))
    assert "new" not in {grade for _, _, grade, _, _ in before}
    changes = set(GradeChange.objects.values_list("id", flat=True))
    word = daily.merge(three[0], three[1], by=boss)
    daily.merge(three[0], three[2], by=boss)
    daily.run_day(ON + timedelta(days=1))
    as_one = Standing.objects.get(customer=three[0]).grade
    assert as_one != next(g for c, _, g, _, _ in before if c == three[0].id), (
        "as one they reach another grade"
    )
    for last in Batch.objects.filter(reader="merged").order_by("id"):
        daily.undo(last, by=boss)
    assert sorted(Standing.objects.values_list("customer", "scale", "grade", "since", "was")) == before
    assert changes <= set(GradeChange.objects.values_list("id", flat=True)), "history is history"
    with pytest.raises(Refused):
        daily.unmerge(word, by=boss)


def test_what_is_written_while_they_are_one_stays_with_the_file_it_was_written_on(
    shop: Shop, three: list[Customer], boss: Staff
) -> None:
    a, b, _ = three
    customers.add_note(b, "爱坐窗边", on=ON, by=boss)
    word = daily.merge(a, b, by=boss)
    customers.add_note(who("1002"), "改喝绿茶", on=ON, by=boss)  # read through: it is the file of a
    shop.take_in([visit(20, 999, 会员号="1002", 单号="R1")])
    customers.say_detail(who("1002"), "address", "解放路 1 号", by=boss)
    assert [str(n.text) for n in notes_of(who("1001"))] == ["改喝绿茶", "爱坐窗边"]
    daily.unmerge(word, by=boss)
    daily.redraw()
    a.refresh_from_db()
    b.refresh_from_db()
    assert [str(n.text) for n in notes_of(a)] == ["改喝绿茶"] and details_of(a)["address"] == "解放路 1 号"
    assert [str(n.text) for n in notes_of(b)] == ["爱坐窗边"] and "address" not in details_of(b)
    days = {(c, d) for c, d, *_ in days_in_books()}
    last = (ON - date(1970, 1, 1)).days
    assert (b.id, last) in days and (a.id, last) not in days, "a receipt belongs to the number written on it"


def test_two_without_numbers_are_merged_and_parted_without_a_trace(shop: Shop, boss: Staff) -> None:
    one, other = customers.add_customer(name="王芳"), customers.add_customer(name="王小芳")
    customers.add_note(other, "对花生过敏", on=ON, by=boss)
    before = custody_rows()
    word = daily.merge(one, other, by=boss)
    assert search("王小芳") == [one] == search("wangfang"), "found by either name"
    assert len(notes_of(one)) == 1
    daily.unmerge(word, by=boss)
    assert custody_rows() == before
    assert search("王小芳") == [other]
    must_be_whole()


def test_a_sale_on_a_file_without_a_number_stays_on_it_when_they_are_parted(shop: Shop, boss: Staff) -> None:
    one, other = customers.add_customer(name="王芳"), customers.add_customer(name="王小芳", phone=P1)
    word = daily.merge(one, other, by=boss)
    daily.record_sale(one, store=Store.objects.get(), day=ON, amount=100, by=boss)
    daily.unmerge(word, by=boss)
    daily.redraw()
    strongest = customers.main_identity(one)
    assert {c for c, *_ in days_in_books()} == {strongest.link.customer_id}
    must_be_whole()


# --- files that come and go ------------------------------------------------------------------------------------------


def test_an_import_that_brought_one_of_both_is_taken_back(shop: Shop, boss: Staff) -> None:
    shop.take_in([visit(1, 会员号="1001")])
    second = shop.take_in([visit(2, 会员号="1002")])
    a, b = who("1001"), who("1002")
    customers.add_note(b, "怕辣", on=ON, by=boss)
    word = daily.merge(a, b, by=boss)
    daily.undo(second.batch, by=boss)
    daily.redraw()
    assert {d for _, d, *_ in days_in_books()} == {(day_of(1) - date(1970, 1, 1)).days}
    assert [str(n.text) for n in notes_of(a)] == ["怕辣"], (
        "what people know of her is not the file's to take away"
    )
    daily.unmerge(word, by=boss)
    assert notes_of(a) == [] and Note.objects.count() == 1
    shop.take_in([visit(2, 会员号="1002"), visit(3, 会员号="1002")])
    assert [str(n.text) for n in notes_of(who("1002"))] == ["怕辣"], (
        "she is there again, with what was written"
    )


def test_a_double_import_doubles_nobody(shop: Shop) -> None:
    """Traps 30 and 31: the same people come again in another file, the phone written otherwise, and are known."""
    shop.take_in([{"手机号": P1, "姓名": "王芳"}, {"手机号": P2, "姓名": "王芳"}])
    again = shop.take_in([{"手机号": f"+86 {P1[:3]} {P1[3:7]} {P1[7:]}", "姓名": "王芳", "职业": "司机"}])
    assert again.customers == 0 and Customer.objects.count() == 2


def test_merging_loses_nothing_that_hangs_on_either_file(three: list[Customer], boss: Staff) -> None:
    """Trap 29: notes, tasks, holds, contacts and messages of both are read through, and none is rewritten."""
    a, b, _ = three
    for customer in (a, b):
        for thing in KINDS:
            write(thing, customer, three, customer.id, boss)
    before = custody_rows()
    daily.merge(a, b, by=boss)
    after = custody_rows()
    for label in before:
        if registered().get(label) and registered()[label].merging in ("read through", "stays"):
            if label == "customers.Customer":
                continue
            assert after[label] == before[label], label
    assert len(notes_of(a)) == 2
    family = set(FamilyMember.objects.filter(customer__in=[a, b]).values_list("customer", flat=True))
    assert family == {a.id, b.id}


def test_two_customers_of_one_name_never_exchange_notes_or_tasks(shop: Shop, boss: Staff) -> None:
    """Trap 30: two 王芳, one of them merged with her second file and parted again; the other never sees any of it."""
    shop.take_in([visit(k, 会员号=f"100{k}", 姓名="王芳") for k in (1, 2, 3)])
    a, namesake, second = (who(f"100{k}") for k in (1, 2, 3))
    for n, customer in enumerate((a, namesake, second)):
        customers.add_note(customer, f"备注 {n}", on=ON, by=boss)
        a_task(customer, f"rule-{n}")
    word = daily.merge(a, second, by=boss)
    assert [str(n.text) for n in notes_of(namesake)] == ["备注 1"]
    assert [t.rule for t in due_for(namesake)] == ["rule-1"]
    assert sorted(t.rule for t in due_for(a)) == ["rule-0", "rule-2"]
    daily.unmerge(word, by=boss)
    assert [[str(n.text) for n in notes_of(c)] for c in (a, namesake, second)] == [
        ["备注 0"],
        ["备注 1"],
        ["备注 2"],
    ]
    assert [[t.rule for t in due_for(c)] for c in (a, namesake, second)] == [
        ["rule-0"],
        ["rule-1"],
        ["rule-2"],
    ]


# --- care reads through ----------------------------------------------------------------------------------------------


def test_one_person_is_asked_the_same_thing_once(three: list[Customer], boss: Staff) -> None:
    a, b, c = three
    Task.objects.all().delete()
    for customer in three:
        a_task(customer, "birthday", "2026")
    mine = a_task(b, "late", "2026-05-01")
    word = daily.merge(a, b, by=boss)
    open_now = [(t.customer_id, t.rule) for t in open_on(ON)]
    assert sorted(open_now) == sorted([(a.id, "birthday"), (b.id, "late"), (c.id, "birthday")])
    first = Task.objects.get(customer=a, rule="birthday")
    care.end(first, TaskState.DONE, by=boss, on=ON)
    assert (b.id, "birthday") not in [(t.customer_id, t.rule) for t in open_on(ON)], (
        "asked, so not asked again"
    )
    assert [t.rule for t in due_for(a)] == ["late"]
    daily.unmerge(word, by=boss)
    assert [t.rule for t in due_for(a)] == [], "what was done for her is done"
    assert sorted(t.rule for t in due_for(b)) == ["birthday", "late"] and mine in due_for(b)


def test_who_wants_peace_has_it_under_either_number(shop: Shop, boss: Staff) -> None:
    """She is owed a call, and has said on her second file that she does not want to be called."""
    shop.take_in([visit(n, 3000, 会员号=f"100{k}") for k in (1, 2) for n in range(1, 21)])
    a, b = who("1001"), who("1002")
    Hold.objects.create(person=b.id, by=boss)
    daily.run_day(ON)
    assert {t.customer_id for t in open_on(ON)} == {a.id}
    daily.merge(a, b, by=boss)
    daily.run_day(ON + timedelta(days=1))
    assert not open_on(ON + timedelta(days=1)).exists()


def test_whoever_looks_after_one_of_both_looks_after_both(shop: Shop, boss: Staff) -> None:
    shop.take_in([visit(2, 10, 会员号="1001"), *(visit(n, 3000, 会员号="1002") for n in range(1, 21))])
    a, b = who("1001"), who("1002")
    keeper = add_staff(name="小周", email="zhou@example.com", role="manager")
    Customer.objects.filter(id=b.id).update(in_charge=keeper)
    daily.merge(a, b, by=boss)
    a.refresh_from_db()
    assert in_charge_of(a) == keeper
    daily.run_day(ON)
    assert {t.staff_id for t in due_for(a)} == {keeper.pk}


def test_what_was_put_off_comes_on_its_day_with_whoever_stands_for_her(shop: Shop, boss: Staff) -> None:
    shop.take_in([visit(2, 10, 会员号="1001"), *(visit(n, 3000, 会员号="1002") for n in range(1, 21))])
    a, b = who("1001"), who("1002")
    daily.run_day(ON)
    task = Task.objects.get(customer=b, state=TaskState.OPEN)
    care.end(task, TaskState.POSTPONED, by=boss, on=ON, until=ON + timedelta(days=1))
    daily.merge(a, b, by=boss)
    daily.run_day(ON + timedelta(days=1))
    asked = Task.objects.filter(on=ON + timedelta(days=1), customer__in=[a.id, b.id], rule=task.rule)
    assert [t.id for t in asked] == [task.id], "the same task, not a second one"
