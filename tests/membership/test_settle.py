"""Receipts earn: what is due is booked once, and what falls away is taken back, by the terms that held."""

from __future__ import annotations

from datetime import date, time

import pytest
from tests.membership.receipts import held, receipt
from tests.shops import Shop

from regulars import daily
from regulars.customers.models import Customer
from regulars.grading.models import Standing
from regulars.membership import coupons, night, program, promotions, purse, settle, unsettled
from regulars.membership.models import Balance, Earned, Lot, Member, Posting
from regulars.membership.offers import Coupon, CouponState, Offer
from regulars.membership.proof import prove
from regulars.membership.rules import earning
from regulars.membership.rules.coupons import Place
from regulars.sales.models import Batch
from regulars.shop.models import Alert
from regulars.shop.words import Refused

TODAY = date(2026, 5, 20)


def test_a_receipt_earns_once_however_often_its_file_comes(members: Shop) -> None:
    """Trap 18: an offline till that sends again doubled the points."""
    rows = [receipt("A1", "100.50"), receipt("A2", "20", day="2026-05-05")]
    members.take_in(rows)
    assert held() == (120, 0), "100.50 earns 100, the fraction is dropped"
    assert held(currency="stamps") == (2, 0)
    members.take_in([*rows, receipt("A3", "5", day="2026-05-06")])
    assert held() == (125, 0)
    unsettled.everything()
    settle.settle(TODAY)
    assert held() == (125, 0) and prove().is_sound


def test_receipts_before_the_programme_earn_nothing(members: Shop) -> None:
    members.take_in([receipt("A0", "900", day="2026-04-30"), receipt("A1", "10")])
    assert held() == (10, 0)


def test_a_partial_refund_takes_its_part_back_and_a_full_one_all(members: Shop) -> None:
    """Trap 14: refunds kept the points, took them twice, or took the wrong part."""
    members.take_in([receipt("A1", "100")])
    members.take_in([receipt("R1", "-40", day="2026-05-06", 原订单号="A1")])
    assert held() == (60, 0)
    members.take_in([receipt("R2", "-60", day="2026-05-07", 原订单号="A1")])
    assert held() == (0, 0) and held(currency="stamps") == (0, 0)
    assert prove().is_sound


def test_it_does_not_matter_which_file_of_listed_members_comes_first(members: Shop) -> None:
    """A list made members as of the day it came, and what they had bought before earned nothing."""
    members.take_in([{"会员号": "1001", "姓名": "王芳"}])
    members.take_in([receipt("A2", "50", day="2026-05-12")])
    members.take_in([receipt("A1", "30", day="2026-05-02")])
    assert held() == (80, 0) and held(currency="stamps") == (2, 0)


def test_who_turns_out_to_be_a_member_gets_points_for_what_she_had_bought(members: Shop) -> None:
    members.take_in([receipt("A1", "30", member="", 手机号="13912345601")])
    members.take_in([{"会员号": "1001", "手机号": "13912345601", "姓名": "王芳"}])
    assert held() == (30, 0)


def test_what_a_phone_had_bought_earns_when_a_list_says_whose_it_is(members: Shop) -> None:
    members.take_in([receipt("A1", "30", member="", 手机号="13912345601"), receipt("A2", "5")])
    word = members.take_in([{"会员号": "1001", "手机号": "13912345601", "姓名": "王芳"}])
    assert held() == (35, 0)
    daily.undo(word.batch)
    assert held() == (5, 0)


def test_a_refund_after_the_programme_was_opened_anew_takes_what_the_earlier_one_gave(members: Shop) -> None:
    """Trap 14: a receipt from before the new beginning kept its points."""
    members.take_in([receipt("A1", "100"), receipt("A2", "40", day="2026-05-05")])
    program.end_program(date(2026, 5, 6))
    program.open_program("tiers", date(2026, 5, 10))
    unsettled.everything()
    settle.settle(TODAY)
    assert held() == (140, 0) and held(currency="stamps") == (2, 0)
    back = members.take_in([receipt("R1", "-100", day="2026-05-12", 原订单号="A1")])
    assert held() == (40, 0) and held(currency="stamps") == (1, 0)
    daily.undo(back.batch)
    assert held() == (140, 0) and held(currency="stamps") == (2, 0), "as if that file had never come"
    members.take_in([receipt("A3", "900", day="2026-05-08"), receipt("A4", "7", day="2026-05-11")])
    assert held() == (147, 0), "between the two nothing is earned"


def test_what_another_playbook_gave_is_taken_back_too(members: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    members.take_in([receipt("A1", "100")])
    held_terms = program.current()
    assert held_terms is not None
    said = held_terms.membership
    stamps_only = said.model_copy(
        update={
            "currencies": tuple(c for c in said.currencies if c.key == "stamps"),
            "earns": tuple(e for e in said.earns if e.currency == "stamps"),
        }
    )
    other = program.Terms(held_terms.playbook, stamps_only, date(2026, 5, 10))
    for name in ("current", "last"):
        monkeypatch.setattr(settle, name, lambda: other)
    back = members.take_in([receipt("R1", "-40", day="2026-05-12", 原订单号="A1")])
    assert held() == (60, 0)
    daily.undo(back.batch)
    assert held() == (100, 0)
    daily.undo(Batch.objects.order_by("id").first())  # type: ignore[arg-type]
    assert not Balance.objects.filter(in_hand__gt=0).exists() and prove().is_sound


def test_a_programme_is_not_opened_over_an_open_one(members: Shop) -> None:
    with pytest.raises(Refused):
        program.open_program("tiers", TODAY)
    assert program.terms().starts_on == date(2026, 5, 1)


def test_a_price_that_is_edited_is_reckoned_once(members: Shop) -> None:
    """Trap 15: a price edited from 700 to 2100 points counted both."""
    members.take_in([receipt("A1", "700")])
    members.take_in([receipt("A1", "2100")])
    assert held() == (2100, 0)
    members.take_in([receipt("A1", "300")])
    assert held() == (300, 0)


def test_a_file_taken_back_has_earned_nothing(members: Shop) -> None:
    members.take_in([receipt("A1", "100")])
    done = members.take_in([receipt("A2", "50"), receipt("A3", "70", member="1002")])
    daily.undo(done.batch)
    assert held() == (100, 0)
    standing = Earned.objects.filter(currency="points", due__gt=0).values_list("due", flat=True)
    assert list(standing) == [100], "of the file nothing stands, for her or for anybody else"
    assert sum(b.in_hand + b.aside for b in Balance.objects.filter(currency="points")) == 100
    assert prove().is_sound


def test_what_was_spent_before_a_refund_is_taken_from_what_comes_next(members: Shop) -> None:
    """Trap 14: unlimited points by buying, spending and giving back."""
    members.take_in([receipt("A1", "100")])
    (member,) = Member.objects.all()
    purse.redeem(member, "points", 90, key="a gift", on=TODAY)
    members.take_in([receipt("R1", "-100", day="2026-05-06", 原订单号="A1")])
    assert held() == (0, 0)
    assert settle.owed_by([member.pk]) == {(member.pk, "points"): 90}
    members.take_in([receipt("A2", "150", day="2026-05-09")])
    assert held() == (60, 0) and settle.owed_by([member.pk]) == {}
    assert prove().is_sound


def test_points_spent_on_a_receipt_come_back_with_its_refund(members: Shop) -> None:
    """Trap 21: a balance that was wrong after a cancellation with a refund."""
    members.take_in([receipt("A1", "500")])
    (member,) = Member.objects.all()
    purse.redeem(member, "points", 300, key="till 1", on=TODAY, receipt="A2")
    members.take_in([receipt("A2", "100", day="2026-05-05")])
    assert held() == (300, 0)
    back = members.take_in([receipt("R2", "-50", day="2026-05-06", 原订单号="A2")])
    assert held() == (400, 0), "half of the 300 came back, half of the 100 fell away"
    daily.undo(back.batch)
    assert held() == (300, 0)
    members.take_in([receipt("R2", "-100", day="2026-05-06", 原订单号="A2")])
    assert held() == (500, 0) and prove().is_sound


def test_young_points_are_pending_until_returns_are_over(members: Shop) -> None:
    members.take_in([receipt("A1", "80", day="2026-05-19")])
    assert held() == (0, 80)
    daily.run_day(date(2026, 5, 26))
    assert held() == (80, 0)


def test_member_days_count_double_and_tiers_more(members: Shop) -> None:
    members.take_in([receipt("A1", "10", day="2026-05-08")])
    assert held() == (20, 0)


def test_the_tier_of_the_day_of_the_sale_counts(members: Shop) -> None:
    members.take_in([receipt("A1", "4000", day="2026-05-04")])
    daily.run_day(date(2026, 5, 9))
    assert Standing.objects.get(playbook="tiers").grade == "senior"
    members.take_in([receipt("A2", "100", day="2026-05-10")])
    assert held() == (4150, 0)


def test_two_who_are_merged_hold_one_purse_and_get_their_own_back(members: Shop) -> None:
    members.take_in([receipt("A1", "100"), receipt("A2", "30", member="1002")])
    one, other = Customer.objects.order_by("id")
    word = daily.merge(one, other)
    first = program.member_of(one)
    assert first is not None
    assert purse.holdings(first, TODAY)["points"].can_spend == 130
    members.take_in([receipt("A3", "50", day="2026-05-05", member="1002")])
    purse.redeem(first, "points", 170, key="1", on=TODAY)
    daily.unmerge(word)
    settle.settle(TODAY)
    assert held("1001") == (0, 0) and held("1002") == (50, 0), "what the other's receipt earned goes with it"
    assert settle.owed_by([first.pk]) == {(first.pk, "points"): 40}, "and what she had spent of it she owes"
    assert prove().is_sound
    (third,) = Earned.objects.filter(due=50)
    assert third.member_id == Member.objects.get(customer=other).pk


def test_an_anonymous_receipt_earns_when_it_is_given_to_a_member(members: Shop) -> None:
    from regulars.sales.models import Sale

    members.take_in([receipt("A1", "100"), receipt("A2", "30", member="")])
    daily.attach(Sale.objects.get(receipt="A2", is_current=True), Customer.objects.get())
    daily.redraw()
    assert held() == (130, 0)


def test_opening_balances_are_booked_once(members: Shop) -> None:
    members.take_in([receipt("A1", "1")])
    (member,) = Member.objects.all()
    for _ in range(2):
        purse.open_with(member, {"points": 800, "principal": 20_000}, on=TODAY)
    assert held() == (801, 0) and held(currency="principal") == (20_000, 0)
    assert Posting.objects.filter(kind="open").count() == 2


def test_every_batch_stays_true_to_the_receipts(members: Shop) -> None:
    """What is due by the list of earnings is what stands on the books."""
    members.take_in(
        [
            receipt(f"A{n}", str(n * 7 + 0.35), day=f"2026-05-{n + 1:02}", member=f"10{n % 3}")
            for n in range(9)
        ]
    )
    booked = sum(e.due for e in Earned.objects.filter(currency="points"))
    assert booked == sum(b.in_hand + b.aside for b in Balance.objects.filter(currency="points"))


def test_above_the_limit_a_second_person_says_yes(members: Shop) -> None:
    from regulars.shop.actions import add_staff
    from regulars.shop.models import Approval

    one = add_staff(name="小李", email="li@example.com", password="nine red peppers", role="manager")
    other = add_staff(name="老周", email="zhou@example.com", password="nine red peppers", role="owner")
    members.take_in([receipt("A1", "100")])
    (member,) = Member.objects.all()
    with pytest.raises(Refused):
        purse.correct(member, "points", 5, why=" ", key="0", on=TODAY, by=one)
    purse.correct(member, "points", -40, why="记错了", key="1", on=TODAY, by=one)
    assert held() == (60, 0)
    for _ in range(2):
        asked = purse.correct(member, "points", 6_000, why="补旧卡上的", key="2", on=TODAY, by=one)
    assert isinstance(asked, Approval) and held() == (60, 0)
    with pytest.raises(Refused):
        purse.decide(asked, is_granted=True, by=one)
    done = purse.decide(asked, is_granted=True, by=other)
    assert done is not None and held() == (6_060, 0)
    assert Posting.objects.get(pk=done.posting).reason.why == "补旧卡上的"
    with pytest.raises(Refused):
        purse.decide(asked, is_granted=False, by=other)
    assert prove().is_sound


def test_a_refund_of_a_receipt_that_is_not_here_takes_nothing_until_it_comes(members: Shop) -> None:
    members.take_in([receipt("A1", "100")])
    members.take_in([receipt("R9", "-30", day="2026-05-06", 原订单号="A9")])
    assert held() == (100, 0)
    members.take_in([receipt("A9", "80", day="2026-05-05")])
    assert held() == (150, 0) and prove().is_sound


def test_a_top_up_that_is_asked_again_brings_what_it_brought(
    members: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    members.take_in([receipt("A1", "1")])
    (member,) = Member.objects.all()
    monkeypatch.setattr(purse, "bonus_for", lambda fen: 0)
    purse.top_up(member, 50_000, key="1", on=TODAY)
    monkeypatch.setattr(purse, "bonus_for", lambda fen: 5_000)
    again = purse.top_up(member, 50_000, key="1", on=TODAY)
    assert not again.is_new and held(currency="bonus") == (0, 0)


def test_a_payment_by_stored_value_is_noticed_after_its_receipt_was_settled(members: Shop) -> None:
    members.take_in([receipt("A1", "100"), receipt("A2", "100", day="2026-05-05")])
    (member,) = Member.objects.all()
    purse.top_up(member, 20_000, key="t", on=TODAY)
    for _ in range(2):
        purse.pay(member, 10_000, key="1", on=date(2026, 5, 4), receipt="A1")
    held_for = purse.reserve(member, "value", 4_000, key="2", on=date(2026, 5, 5), receipt="A2")
    purse.confirm(held_for.code, on=date(2026, 5, 5))
    settle.settle(TODAY)
    assert held() == (60, 0), "what was paid by stored value earns nothing"
    value = held(currency="principal")[0] + held(currency="bonus")[0]
    members.take_in([receipt("R1", "-50", day="2026-05-06", 原订单号="A1")])
    back = members.take_in([receipt("R2", "-50", day="2026-05-06", 原订单号="A2")])
    assert held() == (30, 0), "giving back half of the stored value makes no points of the other half"
    assert held(currency="principal")[0] + held(currency="bonus")[0] == value + 7_000
    daily.undo(back.batch)
    assert held() == (60, 0), "nor is what was spent again paid a second time"
    assert held(currency="principal")[0] + held(currency="bonus")[0] == value + 5_000
    unsettled.everything()
    assert settle.settle(TODAY) == 0 and prove().is_sound


def test_points_spent_on_a_receipt_that_was_refunded_before_come_back(members: Shop) -> None:
    members.take_in([receipt("A1", "500"), receipt("A2", "100", day="2026-05-05")])
    members.take_in([receipt("R2", "-100", day="2026-05-06", 原订单号="A2")])
    (member,) = Member.objects.all()
    purse.redeem(member, "points", 300, key="till 1", on=date(2026, 5, 5), receipt="A2")
    assert held() == (200, 0)
    settle.settle(TODAY)
    assert held() == (500, 0)


def test_a_refund_that_comes_goes_and_comes_again_gives_back_what_was_spent(members: Shop) -> None:
    """The second time nothing came back: what she had spent meanwhile was collected and forgotten."""
    members.take_in([receipt("A1", "100"), receipt("A2", "10", day="2026-05-05")])
    (member,) = Member.objects.all()
    purse.redeem(member, "points", 60, key="1", on=date(2026, 5, 5), receipt="A2")
    rows = [receipt("R2", "-10", day="2026-05-06", 原订单号="A2")]
    back = members.take_in(rows)
    assert held() == (100, 0)
    purse.redeem(member, "points", 100, key="2", on=TODAY)
    daily.undo(back.batch)
    members.take_in([receipt("A3", "200", day="2026-05-09")])
    assert held() == (150, 0), "10 for the receipt, less 60 that were spent after all"
    members.take_in(rows)
    assert held() == (200, 0) and prove().is_sound


def test_a_refund_that_moves_to_another_receipt_of_the_number_leaves_the_first_whole(members: Shop) -> None:
    """Tills that count anew each day: on Wednesday something of 0001 was given back, and Tuesday's file came late."""
    members.take_in([receipt("0001", "100", day="2026-05-04"), receipt("A9", "1", day="2026-05-04")])
    members.take_in([receipt("R1", "-100", day="2026-05-06", 原订单号="0001")])
    assert held() == (1, 0)
    members.take_in([receipt("0001", "100", day="2026-05-05")])
    assert held() == (101, 0) and prove().is_sound


def test_a_refund_without_its_receipt_takes_nothing_for_goods_that_earn_nothing(
    members: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = program.terms()
    excluding = program.Terms(
        terms.playbook,
        terms.membership.model_copy(update={"without_categories": ("礼品卡",)}),
        terms.starts_on,
    )
    for name in ("current", "last"):
        monkeypatch.setattr(settle, name, lambda: excluding)
    members.take_in([receipt("A1", "100"), receipt("A2", "100", day="2026-05-05", 商品="卡", 品类="礼品卡")])
    assert held() == (100, 0)
    members.take_in(
        [
            receipt("", "-30", day="2026-05-06", 商品="卡", 品类="礼品卡"),
            receipt("", "-20", day="2026-05-07", 商品="茶", 品类="茶"),
        ]
    )
    assert held() == (80, 0)


def test_what_one_of_two_owes_is_taken_from_what_the_other_earns_when_they_are_merged(members: Shop) -> None:
    members.take_in([receipt("A1", "1"), receipt("A2", "100", member="1002")])
    one, other = Customer.objects.order_by("id")
    hers = Member.objects.get(customer=other)
    purse.redeem(hers, "points", 90, key="a gift", on=TODAY)
    members.take_in([receipt("R2", "-100", day="2026-05-06", member="1002", 原订单号="A2")])
    assert settle.owed_by([hers.pk]) == {(hers.pk, "points"): 90}
    daily.merge(one, other)
    members.take_in([receipt("A3", "200", day="2026-05-09", member="1002")])
    assert settle.owed_by([hers.pk]) == {} and prove().is_sound
    assert purse.holdings(hers, TODAY)["points"].can_spend == 111


def a_coupon_used_on(number: str, on: date) -> Coupon:
    offer = promotions.keep_offer(
        Offer(
            name="减十元",
            kind="amount",
            worth=1_000,
            valid_from=date(2026, 5, 1),
            valid_until=date(2026, 6, 30),
        )
    )
    promotions.open_offer(offer)
    coupon = coupons.issue(Offer.objects.get(), Member.objects.get(), key="1", on=on)
    coupons.use([coupon.code], 5_000, key="1", place=Place(on, time(12, 0), None), receipt=number)
    return coupon


def test_a_coupon_that_a_refund_gave_back_is_used_when_the_refund_is_taken_back(members: Shop) -> None:
    members.take_in([receipt("A1", "40")])
    coupon = a_coupon_used_on("A1", date(2026, 5, 4))
    rows = [receipt("R1", "-40", day="2026-05-06", 原订单号="A1")]
    costs = promotions.promotion_costs()
    for ends in (False, True):
        back = members.take_in(rows)
        coupon.refresh_from_db()
        assert coupon.state == CouponState.ISSUED and coupon.valid_until == date(2026, 7, 16)
        if ends:
            coupons.night(date(2026, 8, 1))
        daily.undo(back.batch)
        coupon.refresh_from_db()
        assert coupon.state == CouponState.USED and coupon.valid_until == date(2026, 6, 30)
        assert coupon.use is not None and promotions.promotion_costs() == costs
    assert not Alert.objects.exists()


def test_a_coupon_that_was_good_twice_is_told_to_those_who_guard_the_house(members: Shop) -> None:
    members.take_in([receipt("A1", "40")])
    coupon = a_coupon_used_on("A1", date(2026, 5, 4))
    back = members.take_in([receipt("R1", "-40", day="2026-05-06", 原订单号="A1")])
    coupons.use([coupon.code], 5_000, key="2", place=Place(TODAY, time(12, 0), None), receipt="A2")
    daily.undo(back.batch)
    unsettled.everything()
    settle.settle(TODAY)
    (alert,) = Alert.objects.all()
    assert alert.kind == "coupons" and "A1" in alert.words[0]


def test_points_last_from_the_day_on_which_they_can_be_spent(members: Shop) -> None:
    """What was bought a week before the end of the year had ended before it was ripe."""
    points = program.terms().membership.currency("points").model_copy(update={"expires": "end of year"})
    bought = date(2026, 12, 28)
    ripe = earning.ripe_on(points, bought)
    assert ripe == date(2027, 1, 4) and earning.ends_on(points, ripe) == date(2027, 12, 31)
    members.take_in([receipt("A1", "80", day="2026-05-19")])
    assert Lot.objects.get(currency="points").ends == date(2027, 5, 25)


def test_the_night_looks_at_those_only_who_have_something_to_ripen_or_to_lose(
    members: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    members.take_in([receipt("A1", "80", day="2026-05-19")])
    members.take_in([receipt("R1", "-80", day="2026-05-19", 原订单号="A1")])
    who = Member.objects.get()
    looked_at: list[int] = []
    monkeypatch.setattr(night.teller, "tidy", lambda members, on: looked_at.extend(members) or 0)
    night.tidy(date(2026, 6, 1))
    assert looked_at == []
    Lot.objects.update(in_hand=5, aside=0, ripe_on=None, ends=None, idle=1)
    Balance.objects.update(active_on=date(2026, 1, 31))
    night.tidy(date(2026, 2, 28))
    assert looked_at == [], "the last day of the month is hers"
    night.tidy(date(2026, 3, 1))
    assert looked_at == [who.pk]
