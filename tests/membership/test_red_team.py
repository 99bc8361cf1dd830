"""What a dishonest cashier, a dishonest member, a till that numbers badly and two who turn out to be one have tried: each of
these once worked."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from tests.membership.receipts import held, receipt
from tests.membership.test_referrals import buys
from tests.shops import Shop

from regulars import daily
from regulars.customers.models import Customer
from regulars.membership import (
    coupons,
    opening,
    partners,
    program,
    promotions,
    purse,
    referrals,
    settle,
    teller,
)
from regulars.membership.activity import cohorts
from regulars.membership.models import Member, Partner, Posting, Referral, Reservation, TierBought
from regulars.membership.offers import Coupon, CouponUse, Offer
from regulars.membership.proof import prove
from regulars.membership.rules.coupons import Place
from regulars.membership.rules.ledger import Move
from regulars.playbooks.membership import Currency
from regulars.sales.models import Sale
from regulars.shop.actions import add_staff
from regulars.shop.models import Approval, AuditEvent, Staff
from regulars.shop.words import Refused

TODAY = date(2026, 5, 20)
HERE = Place(TODAY, time(12, 0), None)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def somebody(name: str = "会员") -> Member:
    return program.join(Customer.objects.create(name=name, is_by_hand=True), TODAY, "counter")


def give(member: Member, points: int) -> None:
    teller.post(Move("put", "earn", "test", str(member.pk), member.pk, TODAY, (("points", points),)))


def has(member: Member, currency: str = "points", on: date = TODAY) -> int:
    found = purse.holdings(member, on).get(currency)
    return found.can_spend if found else 0


def offer(**more: Any) -> Offer:
    said: dict[str, Any] = {
        "kind": "amount", "name": "减十元", "worth": 1_000, "valid_from": TODAY, "valid_until": TODAY + timedelta(60), "stacking": "any",
    } | more  # fmt: skip
    made = promotions.keep_offer(Offer(**said))
    promotions.open_offer(made)
    return made


def manager(name: str = "小李") -> Staff:
    return add_staff(
        name=name, email=f"{ord(name[0])}@example.com", password="nine red peppers", role="manager"
    )


# --- one key, two things ---------------------------------------------------------------------------------------------


def test_a_key_that_was_used_for_another_amount_is_refused(members: Shop) -> None:
    """A till that numbered two bills alike took the second for paid, whatever it came to."""
    her, by = somebody(), manager()
    give(her, 500)
    purse.top_up(her, 50_000, key="k", on=TODAY)
    purse.pay(her, 100, key="k", on=TODAY)
    purse.redeem(her, "points", 10, key="k", on=TODAY)
    purse.reserve(her, "points", 10, key="r", on=TODAY)
    purse.reserve(her, "value", 52_000, key="v", on=TODAY)  # principal and bonus, both
    purse.correct(her, "points", 5, why="记错了", key="k", on=TODAY, by=by)
    asked = purse.correct(her, "points", 50_000, why="记错了", key="big", on=TODAY, by=by)
    asks: list[Any] = [
        lambda: purse.top_up(her, 50_001, key="k", on=TODAY),
        lambda: purse.pay(her, 9_000, key="k", on=TODAY),
        lambda: purse.redeem(her, "points", 400, key="k", on=TODAY),
        lambda: purse.redeem(her, "stamps", 10, key="k", on=TODAY),
        lambda: purse.reserve(her, "points", 400, key="r", on=TODAY),
        lambda: purse.reserve(her, "value", 10, key="r", on=TODAY),
        lambda: purse.reserve(her, "value", 52_001, key="v", on=TODAY),
        lambda: purse.correct(her, "points", -5, why="记错了", key="k", on=TODAY, by=by),
        lambda: purse.correct(her, "points", 60_000, why="记错了", key="big", on=TODAY, by=by),
    ]
    before = Posting.objects.count()
    for ask in asks:
        with pytest.raises(Refused) as refused:
            ask()
        assert "业务号" in refused.value.words.zh
    assert Posting.objects.count() == before and prove().is_sound
    assert purse.pay(her, 100, key="k", on=TODAY).is_new is False, "the same again is answered as before"
    assert purse.reserve(her, "value", 52_000, key="v", on=TODAY).code
    assert purse.correct(her, "points", 50_000, why="记错了", key="big", on=TODAY, by=by) == asked


def test_the_code_of_a_reservation_can_not_be_worked_out(members: Shop) -> None:
    """It was a plain hash of the till's key: whoever knew how a till numbers could let another's reservation go."""
    import hashlib

    her = somebody()
    give(her, 500)
    made = purse.reserve(her, "points", 10, key="0001", on=TODAY)
    plain = hashlib.sha256(f"till\x000001\x00{made.posting_id}".encode()).hexdigest()[:24]
    assert len(made.code) == 24 and made.code != plain
    coupon = coupons.issue(offer(), her, key="1", on=TODAY)
    used = coupons.reserve([coupon.code], 5_000, key="0001", place=HERE)
    assert used.code != hashlib.sha256(b"coupon\x00till\x000001").hexdigest()[:24]
    assert coupons.reserve([coupon.code], 5_000, key="0001", place=HERE).code == used.code


# --- many small ones -------------------------------------------------------------------------------------------------


def test_small_corrections_of_a_day_add_up_to_the_limit(members: Shop) -> None:
    """49.99 a time, as often as one likes, needed nobody's yes."""
    one, other, her = manager("小李"), manager("老周"), somebody()
    assert not isinstance(purse.correct(her, "points", 4_000, why="补", key="1", on=TODAY, by=one), Approval)
    second = somebody("另一位")
    asked = purse.correct(second, "points", -1_001, why="补", key="2", on=TODAY, by=one)
    assert isinstance(asked, Approval), "up or down, whoever it is about"
    assert not isinstance(purse.correct(her, "points", 1_000, why="补", key="3", on=TODAY, by=one), Approval)
    assert not isinstance(
        purse.correct(her, "points", 5_000, why="补", key="4", on=TODAY, by=other), Approval
    )
    tomorrow = TODAY + timedelta(1)
    assert not isinstance(
        purse.correct(her, "points", 5_000, why="补", key="5", on=tomorrow, by=one), Approval
    )
    for _ in range(2):
        purse.correct(her, "points", 1_000, why="补", key="3", on=TODAY, by=one)
    assert has(her, on=tomorrow) == 15_000


def test_points_that_nobody_has_priced_need_a_second_person_always(
    members: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A currency without a price counted as worth nothing, and one person booked a million of it."""
    one, other, her = manager("小李"), manager("老周"), somebody()
    monkeypatch.setattr(Currency, "worth_fen", 0.0)
    asked = purse.correct(her, "points", 1_000_000, why="补", key="1", on=TODAY, by=one)
    assert isinstance(asked, Approval) and has(her) == 0
    purse.decide(asked, is_granted=True, by=other)
    assert has(her) == 1_000_000


def test_after_the_programme_has_ended_what_members_hold_can_be_put_right(members: Shop) -> None:
    """The counter offered it and refused it: "not open"; what waited for a second person waited for ever."""
    one, other, her = manager("小李"), manager("老周"), somebody()
    purse.top_up(her, 10_000, key="k", on=TODAY)
    asked = purse.correct(her, "points", 6_000, why="补", key="1", on=TODAY, by=one)
    program.end_program(TODAY)
    assert isinstance(asked, Approval)
    purse.correct(her, "points", 50, why="补", key="2", on=TODAY, by=one)
    purse.correct(her, "principal", -100, why="多充了", key="3", on=TODAY, by=one)
    purse.decide(asked, is_granted=True, by=other)
    assert has(her) == 6_050 and has(her, "principal") == 9_900
    with pytest.raises(Refused):
        purse.correct(her, "clubs", 5, why="补", key="4", on=TODAY, by=one)


# --- the membership has ended ----------------------------------------------------------------------------------------


def test_coupons_end_with_the_membership(members: Shop) -> None:
    """A till took the code of somebody who had left."""
    her = somebody()
    coupon = coupons.issue(offer(), her, key="1", on=TODAY)
    program.leave(her, TODAY)
    with pytest.raises(Refused):
        coupons.reserve([coupon.code], 5_000, key="till-0001", place=HERE)
    with pytest.raises(Refused):
        coupons.ahead([coupon.code], 5_000, HERE)
    assert not CouponUse.objects.exists()
    program.join(her.customer, TODAY, "counter")  # type: ignore[arg-type]
    assert coupons.use([coupon.code], 5_000, key="1", place=HERE).payable == 4_000


def test_money_of_hers_can_be_spent_when_the_programme_has_ended(members: Shop) -> None:
    her = somebody()
    purse.top_up(her, 30_000, key="1", on=TODAY)
    program.end_program(TODAY)
    purse.pay(her, 10_000, key="2", on=TODAY)
    reserved = purse.reserve(her, "value", 5_000, key="3", on=TODAY)
    purse.confirm(reserved.code, on=TODAY)
    assert has(her, "principal") == 15_000 and has(her, "bonus") == 2_000
    with pytest.raises(Refused):
        purse.top_up(her, 10_000, key="4", on=TODAY)


def test_a_refund_takes_points_back_when_the_programme_has_ended(members: Shop) -> None:
    members.take_in([receipt("A1", "100"), receipt("A2", "80", day="2026-05-05")])
    program.end_program(TODAY)
    members.take_in([receipt("R1", "-100", 原订单号="A1"), receipt("A3", "500", day="2026-05-06")])
    assert held() == (80, 0)
    members.take_in([receipt("R2", "-500", day="2026-05-06", 原订单号="A3")])
    settle.settle(TODAY)
    assert held() == (80, 0) and prove().is_sound


# --- late at night ---------------------------------------------------------------------------------------------------


def test_hours_over_midnight_belong_to_the_evening_before(members: Shop) -> None:
    """A coupon for Tuesdays from 22:00 to 02:00, the last of them 29 February 2028, was good on Tuesday at one in the
    morning and not on Wednesday at one, when Tuesday's guests were paying."""
    her, leap = somebody(), date(2028, 2, 29)
    late = offer(valid_from=leap, valid_until=leap, weekdays=[2], first=time(22), last=time(2))
    one, other = (coupons.issue(late, her, key=key, on=TODAY) for key in "12")
    morning = leap + timedelta(1)
    for place in (
        Place(leap, time(1), None),
        Place(morning, time(2, 1), None),
        Place(morning, time(22), None),
    ):
        with pytest.raises(Refused):
            coupons.use([one.code], 5_000, key="x", place=place)
    assert coupons.use([one.code], 5_000, key="1", place=Place(leap, time(22), None)).payable == 4_000
    assert coupons.night(morning) == 0
    assert coupons.coupons_of(her, morning, Place(morning, time(1), None)) == [
        other
    ] and not coupons.coupons_of(her, morning)
    assert coupons.use([other.code], 5_000, key="2", place=Place(morning, time(1), None)).payable == 4_000
    third = coupons.issue(late, her, key="3", on=leap)
    assert coupons.night(morning + timedelta(1)) == 1
    third.refresh_from_db()
    assert third.state == "expired"


# --- one number on two receipts --------------------------------------------------------------------------------------


def test_a_till_that_counts_anew_each_day_gives_back_on_the_receipt_that_was_meant(members: Shop) -> None:
    members.take_in([receipt("0001", "100")])
    (her,) = Member.objects.all()
    give(her, 1_000)
    purse.top_up(her, 30_000, key="v", on=TODAY)
    purse.redeem(her, "points", 60, key="1", on=date(2026, 5, 4), receipt="0001")
    coupon = coupons.issue(offer(), her, key="1", on=date(2026, 5, 20))
    Coupon.objects.update(valid_from=date(2026, 5, 1))
    used = coupons.use(
        [coupon.code], 10_000, key="1", place=Place(date(2026, 5, 4), time(12), None), receipt="0001"
    )
    purse.pay(her, 4_000, key="2", on=date(2026, 5, 10), receipt="0001")
    members.take_in([receipt("0001", "80", day="2026-05-10")])
    assert held() == (1_040 + 40, 0), (
        "what was paid by value on the tenth earns nothing; the fourth is as it was"
    )
    members.take_in([receipt("R1", "-80", day="2026-05-10", 原订单号="0001")])
    used.refresh_from_db()
    assert held() == (1_040, 0) and used.state == "used" and has(her, "principal") == 30_000
    members.take_in([receipt("R2", "-100", 原订单号="0001")])
    used.refresh_from_db()
    assert held() == (1_000, 0) and used.state == "back" and prove().is_sound


def test_what_one_of_two_merged_had_spent_comes_back_with_the_refund(members: Shop) -> None:
    members.take_in([receipt("A1", "100"), receipt("B1", "100", member="1002")])
    one, other = Member.objects.order_by("id")
    give(other, 500)
    purse.redeem(other, "points", 60, key="1", on=TODAY, receipt="B1")
    daily.merge(one.customer, other.customer)
    members.take_in([receipt("R1", "-100", member="1002", 原订单号="B1")])
    assert has(Member.objects.get(pk=one.pk)) == 600 and prove().is_sound


# --- referrals and merging -------------------------------------------------------------------------------------------


def brought(shop: Shop, n: int = 1) -> tuple[Member, list[Member]]:
    shop.take_in([receipt("A1", "10", "2026-05-02")])
    (host,) = Member.objects.all()
    friends = [somebody(f"朋友{k}") for k in range(n)]
    for friend in friends:
        assert referrals.bring(friend.customer, host, on=TODAY, how="page").why == ""  # type: ignore[arg-type]
    return host, friends


def test_who_turns_out_to_be_the_referrer_herself_is_not_rewarded(members: Shop) -> None:
    host, (friend,) = brought(members)
    daily.merge(host.customer, friend.customer)
    buys(members, friend, "x", "100", TODAY)
    referrals.night(TODAY + timedelta(20))
    found = Referral.objects.get()
    assert (found.state, found.why) == ("refused", "self") and not Posting.objects.filter(
        kind="refer"
    ).exists()


def test_who_was_brought_under_two_numbers_is_rewarded_once(members: Shop) -> None:
    _, (one, other) = brought(members, 2)
    daily.merge(one.customer, other.customer)
    buys(members, one, "x", "100", TODAY)
    referrals.night(TODAY + timedelta(20))
    assert sorted(Referral.objects.values_list("state", "why")) == [("counted", ""), ("refused", "not-new")]
    assert Posting.objects.filter(kind="refer").count() == 2


def test_a_circle_is_seen_through_a_merge(members: Shop) -> None:
    a, b, c, d = (somebody(n) for n in "甲乙丙丁")
    referrals.bring(d.customer, a, on=TODAY, how="page")  # type: ignore[arg-type]
    referrals.bring(c.customer, b, on=TODAY, how="page")  # type: ignore[arg-type]
    daily.merge(d.customer, b.customer)
    third = Member.objects.get(pk=c.pk)
    assert referrals.bring(Customer.objects.get(pk=a.customer_id), third, on=TODAY, how="page").why == "loop"


def test_a_reward_that_was_spent_before_the_friend_gave_all_back_is_owed(members: Shop) -> None:
    host, (friend,) = brought(members)
    buys(members, friend, "x", "100", TODAY)
    late = TODAY + timedelta(10)
    referrals.night(late)
    assert Referral.objects.get().state == "counted"
    have = has(host, on=late)
    purse.redeem(host, "points", have, key="spent", on=late)
    Sale.objects.filter(amount=10_000).update(amount=0)  # the friend gave all of it back
    for _ in range(2):
        referrals.night(late + timedelta(1))
    assert settle.owed_by([host.pk]) == {(host.pk, "points"): 500}
    members.take_in([receipt("A2", "800", day="2026-05-19")])
    assert settle.owed_by([host.pk]) == {} and prove().is_sound
    assert sum(b.in_hand + b.aside for b in host.balances.filter(currency="points")) == 300


# --- partners --------------------------------------------------------------------------------------------------------


def test_a_card_is_known_however_it_is_typed(shop: Shop) -> None:
    bank = partners.make("城东银行", begins="６２２５－６２２９", cards=["ＶＩＰ 77"], valid_from=TODAY)
    assert bank.begins == ["6225-6229"]
    for card in ("６２２５ ８８００", "6225 8800", "vip-77", "ｖｉｐ７７"):
        assert partners.recognise(card, TODAY) == bank


def test_an_agreement_that_is_over_does_not_stand_before_one_that_holds(shop: Shop) -> None:
    old = partners.make(
        "旧", begins="622588", cards=["62259999"], valid_from=date(2025, 1, 1), valid_until=date(2025, 12, 31)
    )
    new = partners.make("新", begins="6225", valid_from=TODAY)
    assert partners.recognise("62258800", TODAY) == new == partners.recognise("62259999", TODAY)
    assert partners.recognise("62258800", date(2025, 6, 1)) == old
    partners.end(new, TODAY)
    with pytest.raises(Refused) as refused:
        partners.recognise("62258800", TODAY + timedelta(1))
    assert refused.value.words == partners.OVER


def test_a_key_of_another_bill_is_refused(shop: Shop) -> None:
    bank = partners.make("银行", begins="6225", valid_from=TODAY, percent_off=Decimal(10))
    partners.use(bank, "6225001", 100, key="k", on=TODAY)
    for card, bill in (("6225001", 100_000), ("6225002", 100)):
        with pytest.raises(Refused):
            partners.use(bank, card, bill, key="k", on=TODAY)


@pytest.mark.parametrize("percent", ["99.99", "5.55", "100", "-1"])
def test_a_percentage_is_what_was_typed_or_refused(shop: Shop, percent: str) -> None:
    """99.99 was kept as 100.0: everything for nothing."""
    with pytest.raises(Refused):
        partners.make("银行", begins="6225", valid_from=TODAY, percent_off=Decimal(percent))


# --- brought along ---------------------------------------------------------------------------------------------------


def test_a_second_row_of_one_member_is_said_and_not_dropped_quietly(members: Shop) -> None:
    members.take_in([receipt("A1", "1", 手机号="13912345601")])
    rows = [
        {"会员号": "1001", "手机号": "", "积分": "100"}, {"会员号": "", "手机号": "13912345601", "积分": "200"},
    ]  # fmt: skip
    path = members.file("balances.csv", rows)
    done = opening.from_file(path, TODAY)
    assert (done.members, done.before, [(p.row, p.value) for p in done.refused]) == (1, 0, [(3, "200")])
    assert held("1001") == (101, 0)
    assert AuditEvent.objects.get(verb="open-balances").detail == {"members": 1}
    opening.from_file(path, TODAY)
    assert AuditEvent.objects.filter(verb="open-balances").count() == 1, "nothing was booked the second time"


def test_whoever_leaves_after_two_files_were_merged_has_left(members: Shop) -> None:
    """Only one of the two memberships ended: she signed in with the other, earned and used her coupons as before."""
    one, other = somebody("甲"), somebody("乙")
    assert one.customer and other.customer
    daily.merge(one.customer, other.customer)
    program.leave(one, TODAY)
    assert program.member_of(Customer.objects.get(pk=one.customer_id)) is None
    assert not Member.objects.filter(left_on=None).exists()
    back = program.join(Customer.objects.get(pk=one.customer_id), TODAY, "counter")
    assert back.left_on is None and back.pk in (one.pk, other.pk)


# --- one key, two bills ----------------------------------------------------------------------------------------------


def test_a_key_that_was_used_for_another_receipt_is_refused(members: Shop) -> None:
    """Two bills that came to the same, under one number of the till: the second was taken for paid."""
    her = somebody()
    give(her, 500)
    purse.top_up(her, 50_000, key="k", on=TODAY)
    coupon = coupons.issue(offer(), her, key="k", on=TODAY)
    asked = [
        lambda receipt: purse.redeem(her, "points", 10, key="k", on=TODAY, receipt=receipt),
        lambda receipt: purse.pay(her, 100, key="p", on=TODAY, receipt=receipt),
        lambda receipt: purse.reserve(her, "points", 10, key="k", on=TODAY, receipt=receipt).code,
        lambda receipt: coupons.reserve([coupon.code], 5_000, key="k", place=HERE, receipt=receipt).code,
    ]
    for ask in asked:
        ask("A1")
        kept = has(her), has(her, "principal")
        ask("A1")
        ask("")  # the same bill, before it had a number
        with pytest.raises(Refused):
            ask("A2")
        assert (has(her), has(her, "principal")) == kept


def test_points_that_were_handed_to_one_are_not_told_to_have_come_to_another(members: Shop) -> None:
    """Back to the form, another number, sent again: the counter said done, and the other had nothing."""
    her, one, other, by = somebody("甲"), somebody("乙"), somebody("丙"), manager()
    give(her, 500)
    for _ in range(2):
        purse.hand_over(her, one, "points", 100, key="k", on=TODAY, by=by)
    with pytest.raises(Refused):
        purse.hand_over(her, other, "points", 100, key="k", on=TODAY, by=by)
    assert (has(her), has(one), has(other)) == (400, 100, 0)


# --- a till that does not come back ----------------------------------------------------------------------------------


def test_what_a_till_has_not_come_back_for_is_hers_before_the_night(members: Shop) -> None:
    """A till broke down in the morning: until the night had come she could not spend her own money."""
    her, friend, by = somebody(), somebody("乙"), manager()
    give(her, 500)
    purse.top_up(her, 50_000, key="t", on=TODAY)
    reward = offer(price=500, currency="points")
    verbs: list[tuple[str, int, Any]] = [
        ("points", 500, lambda: purse.redeem(her, "points", 500, key="1", on=TODAY)),
        ("points", 500, lambda: purse.hand_over(her, friend, "points", 500, key="2", on=TODAY, by=by)),
        ("points", 500, lambda: purse.reserve(her, "points", 500, key="3", on=TODAY)),
        ("points", 500, lambda: coupons.buy(reward, her, key="4", on=TODAY)),
        ("points", 500, lambda: purse.correct(her, "points", -500, why="错", key="7", on=TODAY, by=by)),
        ("value", 50_000, lambda: purse.pay(her, 50_000, key="5", on=TODAY)),
        ("value", 50_000, lambda: purse.pay_out(her, 50_000, key="6", on=TODAY, by=by, why="退")),
    ]
    for n, (currency, amount, verb) in enumerate(verbs):
        what = "principal" if currency == "value" else currency
        with transaction.atomic():
            kept = purse.reserve(her, currency, amount, key=f"kept {n}", on=TODAY)
            assert has(her, what) == 0
            with pytest.raises(Refused):
                verb()
            Reservation.objects.filter(pk=kept.pk).update(until=LONG_AGO)
            assert has(her, what) == amount
            verb()
            assert has(her, what) == 0 and Reservation.objects.get(pk=kept.pk).state == "timed-out"
            with pytest.raises(Refused) as refused:
                purse.confirm(kept.code, on=TODAY)
            assert refused.value.words == purse.TOO_LATE and prove().is_sound
            transaction.set_rollback(True)


def test_what_a_till_has_not_come_back_for_bears_its_part_of_the_bonus(members: Shop) -> None:
    """60 of her 300 lay at a till that had broken down: of 240 paid back all of the bonus had lapsed, and not its share."""
    her, by = somebody(), manager()
    purse.top_up(her, 30_000, key="t", on=TODAY)
    assert has(her, "bonus") == 2_000
    purse.reserve(her, "value", 6_000, key="r", on=TODAY)
    Reservation.objects.update(until=LONG_AGO)
    purse.pay_out(her, 24_000, key="p", on=TODAY, by=by, why="退")
    assert (has(her, "principal"), has(her, "bonus")) == (6_000, 400)


def test_a_coupon_that_a_till_has_not_come_back_for_can_be_ticked_again(members: Shop) -> None:
    """The counter greyed it out until the night, though whoever typed its code could use it."""
    her = somebody()
    coupon = coupons.issue(offer(), her, key="1", on=TODAY)
    coupons.reserve([coupon.code], 5_000, key="1", place=HERE)
    assert [c.state for c in coupons.coupons_of(her, TODAY)] == ["reserved"]
    CouponUse.objects.update(until=LONG_AGO)
    assert [c.state for c in coupons.coupons_of(her, TODAY)] == ["issued"]
    assert coupons.use([coupon.code], 5_000, key="1", place=HERE, member=her).payable == 4_000


# --- coupons that come and go ----------------------------------------------------------------------------------------


def test_the_last_coupon_can_be_used_again_though_its_place_was_given_away(members: Shop) -> None:
    """The stock had no room for it: undoing the refund broke, and from then on no receipt was settled any more."""
    members.take_in([receipt("A1", "40")])
    one, (her,) = offer(stock=1), Member.objects.all()
    coupon = coupons.issue(one, her, key="1", on=TODAY)
    coupons.use([coupon.code], 4_000, key="1", place=HERE, receipt="A1")
    back = members.take_in([receipt("R1", "-40", day="2026-05-21", 原订单号="A1")])
    coupons.night(TODAY + timedelta(100))
    Offer.objects.update(valid_until=TODAY + timedelta(200))
    coupons.issue(one, her, key="2", on=TODAY + timedelta(100))
    daily.undo(back.batch)
    coupon.refresh_from_db()
    assert coupon.state == "used" and CouponUse.objects.get().state == "used"
    (cost,) = promotions.promotion_costs()
    assert (cost.used, cost.open, cost.cost, cost.can_still_cost) == (1, 1, 1_000, 1_000)
    assert (cost.offer.out, cost.offer.stock) == (2, 2)


def test_the_evening_of_a_shop_whose_day_ends_in_the_night_is_one_evening(members: Shop) -> None:
    """At one in the night of such a shop Wednesday's coupon was refused, and Tuesday's, over since the day before, taken."""
    her, night = somebody(), Place(TODAY, time(1), None, is_past_midnight=True)
    hours = {"first": time(21), "last": time(2), "worth": 1_000}
    yesterday = TODAY - timedelta(1)
    over = coupons.issue(
        offer(**hours, valid_from=yesterday, valid_until=yesterday), her, key="1", on=yesterday
    )
    of_today = coupons.issue(offer(**hours, weekdays=[TODAY.isoweekday()]), her, key="2", on=TODAY)
    assert coupons.coupons_of(her, TODAY, night) == [of_today]
    with pytest.raises(Refused):
        coupons.use([over.code], 5_000, key="1", place=night)
    assert coupons.use([of_today.code], 5_000, key="2", place=night).payable == 4_000


def test_a_coupon_for_good_comes_back_with_its_refund(members: Shop) -> None:
    """There is no day after the last one: the refund broke, and with it whatever was to be settled that night."""
    her = somebody()
    coupon = coupons.issue(offer(valid_until=date.max, days=30_000), her, key="1", on=TODAY)
    Coupon.objects.update(valid_until=date.max)
    used = coupons.use([coupon.code], 5_000, key="1", place=HERE)
    coupons.give_back(used, on=TODAY + timedelta(9))
    assert [c.valid_until for c in coupons.coupons_of(her, TODAY)] == [date.max]
    far = offer(valid_from=date.max - timedelta(1), valid_until=date.max, days=30)
    assert coupons.issue(far, her, key="2", on=TODAY).valid_until == date.max


def test_the_same_offer_and_the_same_partner_by_a_second_click_are_one(members: Shop) -> None:
    said = {"kind": "amount", "name": "减十元", "worth": 1_000, "valid_from": TODAY, "valid_until": TODAY}
    drafts = {promotions.keep_offer(Offer(**said)).pk for _ in range(2)}
    assert len(drafts) == 1 and Offer.objects.count() == 1
    promotions.open_offer(Offer.objects.get())
    assert promotions.keep_offer(Offer(**said)).pk not in drafts, "the one before is open: this is another"
    agreed = {"begins": "6225", "percent_off": Decimal("9.5"), "valid_from": TODAY}
    banks = [partners.make("银行", cards=cards, **agreed) for cards in (["A1"], ["A1"], ["A1", "A2"])]
    assert len({b.pk for b in banks}) == 1 and banks[0].cards.count() == 2
    assert AuditEvent.objects.filter(verb="make-partner").count() == 1
    assert partners.make("银行", **agreed | {"percent_off": Decimal(20)}).pk != banks[0].pk


def test_what_the_programme_does_no_more_is_told_as_such(members: Shop) -> None:
    """Of a programme that had ended the counter said that there had never been one."""
    her = somebody()
    program.end_program(TODAY)
    with pytest.raises(Refused) as refused:
        purse.top_up(her, 5_000, key="1", on=TODAY)
    assert "停办" in refused.value.words.zh and "ended" in refused.value.words.en


# --- partners and reports --------------------------------------------------------------------------------------------


def test_an_agreement_that_is_over_is_not_ended_into_life_again(shop: Shop) -> None:
    """A page that had stood open since yesterday: "end it today" made it hold until tonight."""
    bank = partners.make("银行", begins="6225", valid_from=TODAY - timedelta(9))
    partners.end(bank, TODAY - timedelta(1))
    partners.end(bank, TODAY)
    with pytest.raises(Refused):
        partners.recognise("6225001", TODAY)
    assert AuditEvent.objects.filter(verb="end-partner").count() == 1


def test_an_agreement_that_fits_no_card_is_not_made(shop: Shop) -> None:
    """It stood on the page as a partner, no card was ever recognised, and nothing said why."""
    with pytest.raises(Refused) as refused:
        partners.make("银行", begins="", cards=[" ", "-"], valid_from=TODAY)
    assert "名单" in refused.value.words.zh
    assert not Partner.objects.exists() and not AuditEvent.objects.filter(verb="make-partner").exists()


def test_who_has_left_is_not_counted_among_those_who_never_joined(members: Shop) -> None:
    members.take_in([receipt("A1", "40"), receipt("A2", "40", member="1002")])
    daily.run_day(TODAY)
    program.leave(Member.objects.all()[0], TODAY)
    found = cohorts(TODAY)
    assert (sum(c.members.people for c in found), sum(c.others.people for c in found)) == (1, 0)


def test_one_person_with_two_memberships_is_one_member(members: Shop) -> None:
    one, other, gone = somebody("甲"), somebody("乙"), somebody("丙")
    assert program.how_many() == 3
    daily.merge(one.customer, other.customer)
    Member.objects.filter(pk=gone.pk).update(customer=None)
    assert program.how_many() == 1


# --- tiers that are paid for -----------------------------------------------------------------------------------------


def has_tier(member: Member, tier: str, first: date, last: date, key: str) -> None:
    TierBought.objects.create(member=member, key=key, tier=tier, price=100, starts_on=first, ends_on=last)


def test_a_sale_of_a_tier_that_was_taken_back_is_not_answered_as_done(members: Shop) -> None:
    """The counter showed success: nothing was sold, and she had paid."""
    her, by = somebody(), manager()
    has_tier(her, "vip", TODAY, TODAY + timedelta(300), "1")
    assert program.buy_tier(her, "vip", key="1", on=TODAY)
    program.undo_tier(her, TierBought.objects.get().pk, by=by)
    with pytest.raises(Refused) as refused:
        program.buy_tier(her, "vip", key="1", on=TODAY)
    assert "撤销" in refused.value.words.zh


def test_of_two_tiers_that_were_paid_for_the_better_one_holds(members: Shop) -> None:
    her = somebody()
    has_tier(her, "vip", TODAY, TODAY + timedelta(300), "1")
    has_tier(her, "senior", TODAY, TODAY + timedelta(30), "2")
    assert program.tier_of(her, program.terms(), TODAY) == "vip"


def test_a_tier_that_one_of_two_merged_has_paid_for_is_hers(members: Shop) -> None:
    one, other = somebody("甲"), somebody("乙")
    has_tier(other, "vip", TODAY, TODAY + timedelta(300), "1")
    daily.merge(one.customer, other.customer)
    both = Member.objects.filter(pk__in=[one.pk, other.pk])
    assert set(program.tiers_of(both, program.terms(), TODAY).values()) == {"vip"}


def test_a_tier_that_was_paid_for_earns_as_that_tier(members: Shop) -> None:
    """Paid for, but the sale earned as if it had not been."""
    members.take_in([receipt("A1", "100")])
    (her,) = Member.objects.all()
    has_tier(her, "vip", date(2026, 5, 5), TODAY, "1")
    members.take_in([receipt("A2", "100", day="2026-05-05")])
    assert held() == (100 + 150, 0)
