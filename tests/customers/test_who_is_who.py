"""Customers follow from the evidence alone: who was written beside whom, in whatever order the files came."""

from __future__ import annotations

from datetime import date
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.shops import Shop, days_in_books, groups, known, must_be_whole

from regulars import daily
from regulars.customers import actions as customers
from regulars.customers.models import Customer, Note
from regulars.customers.queries import details_of, find
from regulars.customers.rules.joining import joined, same_numbers
from regulars.shop.models import Store
from regulars.shop.words import Refused

P1, P2 = "13912345601", "13912345602"


def paid(day: int, **who: str) -> dict[str, object]:
    return {"结账时间": f"2026-05-{day:02d} 12:00:00", "实收金额": 10, **who}


FILES = (
    [paid(1, 会员号="1001", 手机号=P1)],
    [paid(2, 手机号=P1)],
    [paid(3, 会员卡号="1001"), paid(3, 会员卡号="88")],
    [paid(4, 会员号="1002", 手机号=P2), paid(5, 会员号="1002", 会员卡号="88")],
)


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_the_order_of_files_joins_nobody_else(shop: Shop, order: tuple[int, ...]) -> None:
    for k in order:
        shop.take_in(FILES[k])
    one, two = {"member:1001", "card:1001", f"phone:{P1}"}, {"member:1002", "card:88", f"phone:{P2}"}
    assert groups() == {frozenset(one), frozenset(two)}
    must_be_whole()


def test_two_member_numbers_with_one_phone_stay_two_and_the_phone_joins_neither(shop: Shop) -> None:
    shop.take_in([paid(1, 会员号="1001", 手机号=P1)])
    assert len(groups()) == 1
    later = shop.take_in([paid(2, 会员号="1002", 手机号=P1)])
    assert groups() == {frozenset({"member:1001"}), frozenset({"member:1002"}), frozenset({f"phone:{P1}"})}
    daily.undo(later.batch)
    assert groups() == {frozenset({"member:1001", f"phone:{P1}"})}


def test_a_phone_of_more_than_five_members_is_nobodys(shop: Shop) -> None:
    rows = [paid(1, 会员号=f"20{k}", 手机号=P1) for k in range(6)]
    shop.take_in(rows)
    assert frozenset({f"phone:{P1}"}) in groups()
    more = shop.take_in([paid(2, 会员号="299", 手机号=P1)])
    assert len(groups()) == 8
    daily.undo(more.batch)
    assert len(groups()) == 7


def test_a_card_in_one_file_and_the_same_number_of_a_member_in_another_are_one(shop: Shop) -> None:
    shop.take_in([paid(1, 会员卡号="5001")])
    assert shop.take_in([paid(2, 会员号="5001")]).customers == 0
    assert groups() == {frozenset({"card:5001", "member:5001"})}


numbers = st.sampled_from([b"a", b"b", b"c"])
identities = st.lists(
    st.tuples(st.sampled_from(["member", "card", "phone", "openid"]), numbers),
    min_size=1,
    max_size=8,
    unique=True,
)


@given(named=identities, data=st.data())
def test_different_member_numbers_are_never_joined_whatever_is_written(
    named: list[tuple[str, bytes]], data: st.DataObject
) -> None:
    who = dict(enumerate(named))
    pairs = data.draw(
        st.lists(st.tuples(st.sampled_from(range(len(who))), st.sampled_from(range(len(who)))), max_size=12)
    )
    written = [(a, b) for a, b in pairs if who[a][0] != who[b][0]]  # one row has one number of a kind
    found = joined(who, [*written, *same_numbers(who)])
    assert all(len({who[i][1] for i in group if who[i][0] == "member"}) <= 1 for group in found)
    other = {
        len(who) - i: name for i, name in who.items()
    }  # other numbers for the same identities, another order
    turned = joined(
        other, [*((len(who) - b, len(who) - a) for a, b in reversed(written)), *same_numbers(other)]
    )
    assert {frozenset(who[i] for i in g) for g in found} == {frozenset(other[i] for i in g) for g in turned}


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_a_customer_by_hand_whose_phone_is_known_is_refused_with_her_name(shop: Shop) -> None:
    customers.add_customer(name="王芳", phone=P1, member="1001")
    with pytest.raises(Refused) as refused:
        customers.add_customer(name="别人", phone=P1)
    assert "王芳" in refused.value.words.zh  # trap 31
    with pytest.raises(Refused):
        customers.add_customer(name="别人", member="1001")
    with pytest.raises(Refused):
        customers.add_customer()


def test_a_customer_by_hand_is_found_by_files_and_outlives_them(shop: Shop) -> None:
    her = customers.add_customer(name="王芳", phone=P1, member="1001")
    before = known()
    taken = shop.take_in([paid(1, 会员号="1001"), paid(2, 手机号=P1), paid(3, 会员卡号="1001")])
    assert (taken.customers, len(groups())) == (0, 1)
    daily.undo(taken.batch)
    assert known() == before
    assert Customer.objects.get().id == her.id


def test_what_staff_say_goes_before_what_a_file_said_and_stays_when_it_goes(shop: Shop) -> None:
    taken = shop.take_in([{"会员号": "1001", "姓名": "王方", "职业": "司机"}])
    her = Customer.objects.get()
    customers.say_detail(her, "name", "王芳")
    customers.say_detail(her, "occupation", "teacher")
    customers.say_detail(her, "address", "解放路 1 号")
    her.refresh_from_db()
    assert (her.name, details_of(her)["occupation"], details_of(her)["address"]) == (
        "王芳",
        "teacher",
        "解放路 1 号",
    )
    daily.undo(taken.batch)
    assert list(Customer.objects.values_list("is_gone", flat=True)) == [True]
    shop.take_in([{"会员号": "1001", "姓名": "王方", "职业": "司机"}], dates="ymd")
    her.refresh_from_db()
    assert (her.is_gone, find("1001")) == (False, her)


def test_a_note_is_not_lost_when_the_file_that_brought_her_is_undone_and_comes_again(shop: Shop) -> None:
    taken = shop.take_in([paid(1, 会员号="1001")])
    customers.add_note(Customer.objects.get(), "怕辣，坐窗边", on=date(2026, 5, 1))
    daily.undo(taken.batch)
    assert groups() == set()
    shop.take_in([paid(1, 会员号="1001")])
    assert Note.objects.get().customer == find("1001")


def test_a_customer_who_is_still_known_by_her_phone_keeps_her_number_and_notes(shop: Shop) -> None:
    first = shop.take_in([paid(1, 会员号="1001", 手机号=P1)])
    her = Customer.objects.get()
    customers.add_note(her, "怕辣", on=date(2026, 5, 1))
    shop.take_in([paid(2, 手机号=P1)])
    daily.undo(first.batch)
    assert (find(P1), groups()) == (her, {frozenset({f"phone:{P1}"})})


def test_two_customers_said_to_be_one_are_one_until_it_is_taken_back(shop: Shop) -> None:
    shop.take_in([paid(1, 会员号="1001"), paid(2, 会员号="1002")])
    before, one, other = known(), find("1001"), find("1002")
    assert one is not None and other is not None
    word = customers.merge(one, other)
    daily.redraw()
    assert groups() == {frozenset({"member:1001", "member:1002"})}
    assert {customer for customer, *_ in days_in_books()} == {one.id}
    shop.take_in([paid(3, 会员号="1002")])
    assert len(groups()) == 1, "a later file does not part them"
    customers.unmerge(word)
    daily.redraw()
    assert [c["identities"] for c in known()["customers"]] == [c["identities"] for c in before["customers"]]
    assert len({customer for customer, *_ in days_in_books()}) == 2
    with pytest.raises(Refused):
        customers.unmerge(word)


def test_a_customer_without_a_number_gets_one_with_her_first_sale(shop: Shop) -> None:
    her = customers.add_customer(name="王芳")
    customers.record_sale(her, store=Store.objects.get(), day=date(2026, 5, 1), amount=100)
    daily.redraw()
    assert [customer for customer, *_ in days_in_books()] == [her.id]
    must_be_whole()
