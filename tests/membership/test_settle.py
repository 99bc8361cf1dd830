"""Receipts earn: what is due is booked once, and what falls away is taken back, by the terms that held."""

from __future__ import annotations

from datetime import date

import pytest
from tests.membership.receipts import held, receipt
from tests.shops import Shop

from regulars import daily
from regulars.customers.models import Customer
from regulars.grading.models import Standing
from regulars.membership import program, purse, settle
from regulars.membership.models import Balance, Earned, Member, Posting
from regulars.membership.proof import prove

TODAY = date(2026, 5, 20)


def test_a_receipt_earns_once_however_often_its_file_comes(members: Shop) -> None:
    """Trap 18: an offline till that sends again doubled the points."""
    rows = [receipt("A1", "100.50"), receipt("A2", "20", day="2026-05-05")]
    members.take_in(rows)
    assert held() == (120, 0), "100.50 earns 100, the fraction is dropped"
    assert held(currency="stamps") == (2, 0)
    members.take_in([*rows, receipt("A3", "5", day="2026-05-06")])
    assert held() == (125, 0)
    settle.everything()
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
    from regulars.shop.words import Refused

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
