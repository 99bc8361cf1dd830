"""Who brings whom: rewarded once, for real purchases, never for tricks, never over more than two levels."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.shops import Row, Shop

from regulars import daily
from regulars.customers.actions import add_customer
from regulars.customers.models import Customer
from regulars.grading import queries as grading
from regulars.membership import program, referrals, telling
from regulars.membership.models import Balance, Member, Referral
from regulars.membership.proof import prove
from regulars.playbooks.playbook import BadPlaybook, load
from regulars.shop.actions import add_staff
from regulars.shop.words import Refused

START = date(2026, 5, 1)
TODAY = date(2026, 5, 20)
PHONE = "13912345699"


@pytest.fixture
def members(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr("regulars.sales.actions.today", lambda: TODAY)
    program.open_program("tiers", START)
    return shop


def receipt(number: str, amount: str, day: str, member: str, **more: str) -> Row:
    return {"订单号": number, "结账时间": f"{day} 12:00:00", "会员号": member, "实收金额": amount, **more}


def one(n: int) -> Member:
    return Member.objects.order_by("id")[n]


def points(member: Member) -> int:
    found = Balance.objects.filter(member=member, currency="points").first()
    return found.in_hand if found else 0


def two_members(shop: Shop) -> tuple[Member, Member]:
    """One who has been a customer since May, and one who joined today and has bought nothing."""
    shop.take_in([receipt("A1", "10", "2026-05-02", "1001")])
    friend = Customer.objects.create(name="新客", is_by_hand=True)
    program.join(friend, TODAY, "page")
    return one(0), one(1)


def buys(shop: Shop, friend: Member, number: str, amount: str, day: date) -> None:
    from regulars.shop.models import Store

    assert friend.customer is not None
    daily.record_sale(
        friend.customer, store=Store.objects.get(), day=day, amount=round(float(amount) * 100), once=number
    )


def test_both_are_rewarded_once_the_new_one_has_really_bought(
    members: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, friend = two_members(members)
    assert friend.customer is not None
    before = points(host)
    referrals.bring(friend.customer, host, on=TODAY, how="page")
    referrals.night(TODAY)
    assert points(host) == before, "joining alone brings nothing"
    buys(members, friend, "1", "60", TODAY)
    referrals.night(TODAY + timedelta(3))
    assert points(host) == before, "the time for returns is not over"
    for _ in range(2):
        referrals.night(TODAY + timedelta(7))
    assert points(host) == before + 500 and points(friend) == 200
    assert prove().is_sound


def test_a_purchase_that_is_given_back_takes_the_reward_back(members: Shop) -> None:
    host, friend = two_members(members)
    assert friend.customer is not None
    before = points(host)
    referrals.bring(friend.customer, host, on=TODAY, how="page")
    buys(members, friend, "1", "60", TODAY)
    referrals.night(TODAY + timedelta(7))
    buys(members, friend, "2", "-60", TODAY)
    for _ in range(2):
        assert referrals.night(TODAY + timedelta(8))["counted"] == 0
    assert points(host) == before and points(friend) == 0
    assert Referral.objects.get().state == "reversed" and prove().is_sound


def test_a_purchase_that_somebody_else_gives_back_takes_the_reward_back(members: Shop) -> None:
    """Tills print refunds without a number: what the new one had bought was all returned, and the reward stayed."""
    members.take_in([receipt("A1", "10", "2026-05-02", "1001")])
    members.take_in([{"会员号": "1002", "姓名": "新客"}])
    host, friend = one(0), one(1)
    before = points(host)
    assert friend.customer is not None
    referrals.bring(friend.customer, host, on=date(2026, 5, 10), how="page")
    members.take_in([receipt("B1", "100", "2026-05-12", "1002")])
    referrals.night(TODAY)
    assert points(host) == before + 500
    members.take_in([receipt("R1", "-100", "2026-05-13", "", 原订单号="B1")])
    referrals.night(TODAY)
    assert points(host) == before and Referral.objects.get().state == "reversed"


def test_nobody_brings_herself_her_family_or_whoever_was_there_before(members: Shop) -> None:
    members.take_in(
        [
            receipt("A1", "10", "2026-05-02", "1001", 手机号="13912345601"), receipt("A2", "10", "2026-05-02", "1002"),
            receipt("A3", "10", "2026-05-02", "1003"),
        ]
    )  # fmt: skip
    host, other, third = one(0), one(1), one(2)
    assert host.customer and other.customer and third.customer
    assert referrals.bring(host.customer, host, on=TODAY, how="page").why == "self"
    assert referrals.bring(other.customer, host, on=TODAY, how="page").why == "not-new"
    with pytest.raises(Refused):
        referrals.bring(other.customer, third, on=TODAY, how="page")
    friend = Customer.objects.create(name="家里人", is_by_hand=True)
    from regulars.customers.models import Family, FamilyMember

    family = Family.objects.create()
    for customer in (friend, host.customer):
        FamilyMember.objects.create(family=family, customer=customer, role="spouse")
    assert referrals.bring(friend, host, on=TODAY, how="page").why == "family"
    assert not Referral.objects.exclude(state="refused").exists()


def test_circles_staff_and_one_phone_with_many_friends_are_refused(members: Shop) -> None:
    host, friend = two_members(members)
    assert host.customer and friend.customer
    assert referrals.bring(friend.customer, host, on=TODAY, how="page", device="abc").state == "waiting"
    assert referrals.bring(host.customer, friend, on=START - timedelta(9), how="page").why == "loop"
    new = [Customer.objects.create(name=f"新{n}", is_by_hand=True) for n in range(4)]
    said = [referrals.bring(c, host, on=TODAY, how="page", device="abc").why for c in new[:3]]
    assert said == ["", "", "device"]
    buys(members, friend, "1", "60", TODAY)
    owner = add_staff(name="老周", email="zhou@example.com", password="nine red peppers", role="owner")
    program.say_works_here(host, True, by=owner)
    assert referrals.bring(new[3], host, on=TODAY, how="counter").why == "staff"
    referrals.night(TODAY + timedelta(7))
    assert {r.why for r in Referral.objects.filter(referrer=host)} == {"staff", "device"}, (
        "those who wait, too"
    )
    program.say_works_here(host, False, by=owner)
    after = Customer.objects.create(name="又一位", is_by_hand=True)
    assert referrals.bring(after, host, on=TODAY, how="counter").why == ""


def test_no_more_than_the_month_allows(members: Shop) -> None:
    host, _ = two_members(members)
    for n in range(11):
        friend = Customer.objects.create(name=f"新{n}", is_by_hand=True)
        referrals.bring(friend, host, on=TODAY, how="page")
        buys(members, Member(customer=friend), f"{n}", "60", TODAY)
    referrals.night(TODAY + timedelta(7))
    assert Referral.objects.filter(state="counted").count() == 10
    assert Referral.objects.get(state="refused").why == "cap"


def test_three_levels_are_refused_with_the_reason_of_the_law(tmp_path: Path) -> None:
    text = (Path("src/regulars/playbooks/library/tiers.toml")).read_text("utf-8")
    assert load(text.replace("gives = 500\n", "gives = 500\nlevels = 2\nsecond_gives = 100\n")).membership
    with pytest.raises(BadPlaybook) as bad:
        load(text.replace("gives = 500\n", "gives = 500\nlevels = 3\n"))
    assert "禁止传销条例" in str(bad.value.problems[0].words.zh)


def test_who_brings_others_is_known_by_it_and_graded(members: Shop) -> None:
    """A key account who brings others is graded as one."""
    host, friend = two_members(members)
    assert host.customer and friend.customer
    referrals.bring(friend.customer, host, on=TODAY, how="page")
    buys(members, friend, "1", "3000", TODAY)
    referrals.night(TODAY + timedelta(7))
    from regulars.grading.actions import adopt

    adopt("key-account")
    daily.redraw()
    outcome = daily.run_day(TODAY + timedelta(7))
    assert outcome["customers"] >= 2
    portrait = grading.portrait(host.customer, TODAY + timedelta(7))
    assert portrait.facts["referred_customers_in_30_days"] == 1
    assert portrait.facts["referred_spend_in_12_months"] == 300_000
    from regulars.grading.models import Standing

    standing = Standing.objects.get(customer=host.customer, playbook="key-account")
    assert standing.grade == load("key-account").scales[0].grades[0].key


# --- files that come late, and files that are taken back -------------------------------------------------------------


def sold(number: str, amount: str, day: date, phone: str, **more: str) -> Row:
    return {
        "订单号": number,
        "结账时间": f"{day} 12:00:00",
        "手机号": phone,
        "实收金额": amount,
        **more,
    }


def brought_by_phone(shop: Shop, on: date = TODAY) -> tuple[Member, Member]:
    """A member, and one who has just joined with a phone that the till will know her by."""
    shop.take_in([receipt("A1", "10", "2026-05-02", "1001")])
    customer = add_customer(name="新客", phone=PHONE)
    host, friend = one(0), program.join(customer, TODAY, "page")
    referrals.bring(customer, host, on=on, how="page")
    return host, friend


def test_whoever_bought_in_a_file_that_came_late_is_counted(members: Shop) -> None:
    """Whether she has bought is not known before the files of her time are there; one who has lapsed is counted still."""
    began = TODAY - timedelta(98)
    host, _ = brought_by_phone(members, began)
    referrals.night(TODAY)
    assert Referral.objects.get().state == "waiting", "the files reach until 2 May only"
    members.take_in([receipt("Z1", "10", str(TODAY), "1001")])
    referrals.night(TODAY)
    assert Referral.objects.get().state == "lapsed"
    members.take_in([sold("B1", "60", began, PHONE)])
    before = points(host)
    referrals.night(TODAY)
    assert (Referral.objects.get().state, points(host) - before) == ("counted", 500)


def test_a_refund_file_that_is_undone_brings_both_rewards_again(members: Shop) -> None:
    host, friend = brought_by_phone(members)
    before = points(host)
    members.take_in([sold("B1", "60", TODAY, PHONE)])
    counted_on = TODAY + timedelta(7)
    referrals.night(counted_on)
    had = points(host), points(friend)
    for turn in range(2):
        slip = members.take_in([sold(f"R{turn}", "-60", TODAY, PHONE, 备注=str(turn))])
        referrals.night(counted_on + timedelta(1))
        assert Referral.objects.get().state == "reversed" and points(host) == before
        daily.undo(slip.batch)
        for _ in range(2):
            referrals.night(counted_on + timedelta(2))
        assert (points(host), points(friend)) == had
        assert Referral.objects.get().counted_on == counted_on, (
            "she counts for the month in which she did at first"
        )
    assert prove().is_sound


def test_a_refund_within_the_time_for_returns_takes_back_once_and_for_all(
    members: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was bought is old enough to count while its refund is younger: together they are nothing."""
    brought_by_phone(members)
    members.take_in([sold("B1", "60", TODAY, PHONE)])
    referrals.night(TODAY + timedelta(7))
    monkeypatch.setattr("regulars.sales.actions.today", lambda: TODAY + timedelta(8))
    members.take_in([sold("R1", "-60", TODAY + timedelta(8), PHONE)])
    told = [referrals.night(TODAY + timedelta(n)) for n in (8, 9, 10)]
    assert told == [{"counted": 0, "reversed": 1}, *[{"counted": 0, "reversed": 0}] * 2]


def test_a_purchase_that_is_undone_and_imported_again_counts_again(members: Shop) -> None:
    host, _ = brought_by_phone(members)
    before = points(host)
    bought = [sold("B1", "60", TODAY, PHONE)]
    batch = members.take_in(bought).batch
    referrals.night(TODAY + timedelta(7))
    daily.undo(batch)
    referrals.night(TODAY + timedelta(8))
    assert points(host) == before
    members.take_in(bought)
    referrals.night(TODAY + timedelta(9))
    assert points(host) == before + 500 and prove().is_sound


def test_an_earlier_day_that_is_run_again_takes_nothing_back(members: Shop) -> None:
    host, friend = two_members(members)
    assert friend.customer is not None
    referrals.bring(friend.customer, host, on=TODAY - timedelta(12), how="page")
    buys(members, friend, "1", "60", TODAY - timedelta(8))
    daily.run_day(TODAY)
    had = points(host)
    assert Referral.objects.get().counted_on == TODAY
    daily.run_day(TODAY - timedelta(9), again=True)
    assert points(host) == had and Referral.objects.get().state == "counted"


def test_a_referrer_out_of_a_list_goes_with_the_list(members: Shop) -> None:
    members.take_in([receipt("A1", "10", "2026-05-02", "1001")])
    host, friend = one(0), add_customer(name="新客", phone=PHONE)
    batch = members.take_in([{"手机号": PHONE, "推荐人": "1001", "姓名": "新客"}]).batch
    referrals.night(TODAY)
    assert Referral.objects.get().referrer == host and Referral.objects.get().state == "counted"
    program.leave(host, TODAY)
    referrals.night(TODAY)
    assert Referral.objects.exists(), "she has brought her all the same"
    program.join(host.customer, TODAY, "counter")  # type: ignore[arg-type]
    daily.undo(batch)
    referrals.night(TODAY)
    assert not Referral.objects.exists()
    assert referrals.bring(friend, host, on=TODAY, how="page").state == "waiting"


# --- what comes to light after counting -------------------------------------------------------------------------------


def test_two_files_of_one_person_merged_after_counting_give_the_rewards_back(members: Shop) -> None:
    host, friend = two_members(members)
    assert host.customer and friend.customer
    before = points(host)
    referrals.bring(friend.customer, host, on=TODAY, how="page")
    buys(members, friend, "1", "60", TODAY)
    referrals.night(TODAY + timedelta(7))
    word = daily.merge(host.customer, friend.customer)
    for _ in range(2):
        referrals.night(TODAY + timedelta(8))
    found = Referral.objects.get()
    assert (found.state, found.why) == ("refused", "self")
    assert points(host) + points(friend) == before
    daily.unmerge(word)
    referrals.night(TODAY + timedelta(9))
    assert points(host) == before + 500 and points(friend) == 200 and prove().is_sound


def test_a_regular_whose_visits_come_with_a_later_file_was_not_brought(members: Shop) -> None:
    host, _ = brought_by_phone(members)
    before = points(host)
    members.take_in([sold("B1", "60", TODAY, PHONE)])
    referrals.night(TODAY + timedelta(7))
    assert points(host) == before + 500
    late = members.take_in([sold("A9", "80", TODAY - timedelta(9), PHONE)])
    referrals.night(TODAY + timedelta(8))
    found = Referral.objects.get()
    assert (found.state, found.why, points(host)) == ("refused", "not-new", before)
    daily.undo(late.batch)
    referrals.night(TODAY + timedelta(9))
    assert Referral.objects.get().state == "counted" and points(host) == before + 500


def test_the_cap_of_a_month_holds_for_all_memberships_of_one_person(members: Shop) -> None:
    host, other = two_members(members)
    assert host.customer and other.customer
    daily.merge(host.customer, other.customer)
    for n in range(11):
        friend = Customer.objects.create(name=f"新{n}", is_by_hand=True)
        referrals.bring(friend, (host, other)[n % 2], on=TODAY, how="page")
        buys(members, Member(customer=friend), f"{n}", "60", TODAY)
    referrals.night(TODAY + timedelta(7))
    assert Referral.objects.filter(state="counted").count() == 10
    assert Referral.objects.get(state="refused").why == "cap"


def test_what_a_friend_bought_counts_for_her_host_after_she_was_merged(members: Shop) -> None:
    """Merging reads both files as one: what either has bought is what she has brought."""
    host, friend = brought_by_phone(members)
    assert host.customer and friend.customer
    members.take_in([sold("B1", "60", TODAY, PHONE), receipt("C1", "1", str(TODAY), "2002")])
    referrals.night(TODAY + timedelta(7))
    second = Customer.objects.get(links__identity__sales__receipt="C1")
    daily.merge(second, friend.customer)
    facts = telling.of_referrals(["referred_spend_in_12_months"], TODAY + timedelta(7), None)
    assert facts["referred_spend_in_12_months"] == {host.customer.pk: "61.00"}
