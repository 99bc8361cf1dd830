"""What failed the users of other systems, each with a test that names it. Traps 14, 15, 18, 21 and 22 stand in part beside
the rules that they are about (test_settle.py, test_ledger.py), trap 19 where points are spent (tests/web/test_counter.py),
trap 23 where they are brought along (test_opening.py)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from tests.membership.receipts import held, receipt
from tests.membership.test_ledger import held as holds
from tests.membership.test_ledger import member, move
from tests.shops import Shop

from regulars import daily
from regulars.membership import night, program, purse, settle, teller, unsettled
from regulars.membership.models import Balance, Earned, Entry, Lot, Member, Posting
from regulars.membership.proof import prove
from regulars.membership.rules.earning import Bought, due_for, units_for
from regulars.membership.rules.ledger import Move
from regulars.playbooks.membership import Membership
from regulars.playbooks.playbook import load
from regulars.shop.actions import add_staff
from regulars.shop.words import Refused

TODAY = date(2026, 5, 20)


def only() -> Member:
    return Member.objects.get()


def terms() -> Membership:
    found = load("tiers").membership
    assert found
    return found


def test_giving_back_again_and_again_never_makes_points(members: Shop) -> None:
    """Trap 14: a refund keeps the points, so that buying, spending and giving back makes any number of them. What is
    pending in the meantime does not help her either."""
    members.take_in([receipt("A0", "1")])
    for n in range(1, 5):
        day = f"2026-05-{n * 4 + 1:02}"
        members.take_in([receipt(f"A{n}", "500", day=day)])
        night.run(TODAY, lambda *_: None)
        have = purse.holdings(only(), TODAY)["points"].can_spend
        if have:
            purse.redeem(only(), "points", have, key=f"{n}", on=TODAY)
        members.take_in([receipt(f"B{n}", "-500", day=day, 原订单号=f"A{n}")])
    spent = sum(e.amount for e in Entry.objects.filter(account="redeemed"))
    owed = sum(settle.owed_by([only().pk]).values())
    assert spent - owed == 1 and held() == (0, 0), "one yuan was kept: one point"


def test_a_reward_line_earns_nothing(members: Shop) -> None:
    """Trap 15: the line of the reward itself, goods for nothing or a deduction, counted as earning. Here a receipt earns
    by what was paid for it, and lines share that among them."""
    bought = Bought(TODAY, 9_000, lines=(("drinks", 10_000), ("reward", -1_000), ("gift", 0)))
    units, _ = units_for(bought, "points", terms())
    assert due_for(units, 9_000, 9_000, "down") == 90
    free = Bought(TODAY, 0, lines=(("gift", 0),))
    assert units_for(free, "points", terms())[0] == 0


def test_ledgers_hold_whole_numbers_only(shop: Shop) -> None:
    """Trap 16: points like 268.28000000000003."""
    who = member()
    for wrong in (0.5, 1.0, True, -3, 0, "7"):
        with pytest.raises(Refused):
            teller.post(Move("put", "earn", "test", repr(wrong), who, TODAY, (("points", wrong),)))  # type: ignore[arg-type]
    for model, names in (
        (Entry, ["amount"]),
        (Lot, ["amount", "in_hand", "aside"]),
        (Balance, ["in_hand", "aside"]),
    ):
        for name in names:
            assert model._meta.get_field(name).get_internal_type() == "BigIntegerField"


@pytest.mark.parametrize("fen", [1, 33, 99, 100, 26_828, 10_050, 999_999_999])
@pytest.mark.parametrize("rounding", ["down", "nearest", "up"])
def test_parts_never_come_to_more_than_the_whole(fen: int, rounding: Any) -> None:
    """Trap 16: fractions that add up. However a receipt is refunded bit by bit, nothing is left in the end, and nowhere
    does what is due leave the whole numbers or rise."""
    units, _ = units_for(Bought(date(2026, 5, 4), fen), "points", terms())
    due = [due_for(units, fen, fen - fen * k // 7, rounding) for k in range(8)]
    assert all(type(n) is int for n in due) and due == sorted(due, reverse=True) and due[-1] == 0


def test_a_programme_that_has_ended_makes_no_more_points(members: Shop) -> None:
    """Trap 17: programmes that had ended still made cards."""
    members.take_in([receipt("A1", "100")])
    program.end_program(TODAY)
    members.take_in([receipt("A2", "100", day="2026-05-06"), receipt("A3", "50", member="1009")])
    settle.settle(TODAY)
    assert held() == (100, 0) and Member.objects.count() == 1
    purse.redeem(only(), "points", 60, key="1", on=TODAY)
    assert held() == (40, 0), "what she has can still be spent"


def test_a_till_that_sends_again_adds_nothing(shop: Shop) -> None:
    """Trap 18: an offline till that synchronised again doubled the points. The key is the receipt's, not the request's."""
    who = Member.objects.get(pk=member())
    teller.post(move("put", "earn", "receipt 1", who.pk, 100))
    for _ in range(3):
        teller.post(move("put", "earn", "receipt 1", who.pk, 100))
        purse.redeem(who, "points", 40, key="receipt 2", on=TODAY, source="till")
    assert holds(who.pk) == (60, 0)
    other = Member.objects.get(pk=member(2))
    with pytest.raises(Refused):
        purse.redeem(other, "points", 40, key="receipt 2", on=TODAY, source="till")


def test_the_last_point_can_be_spent(members: Shop) -> None:
    """Trap 20: rounding kept members from spending all that they had."""
    members.take_in([receipt(f"A{n}", f"{n}.99", day=f"2026-05-0{n}") for n in range(1, 8)])
    have = purse.holdings(only(), TODAY)["points"].can_spend
    assert have == sum(range(1, 8))
    purse.redeem(only(), "points", have, key="all", on=TODAY)
    assert held() == (0, 0)


def test_the_tier_is_that_of_the_day_of_the_sale_and_rules_do_not_add_up(members: Shop) -> None:
    """Trap 20: the wrong tier was chosen. Member day for a senior member: the larger of the two counts, not both."""
    plain = Bought(date(2026, 5, 4), 10_000)
    for tier, day, due in (
        ("", 4, 100),
        ("senior", 4, 150),
        ("senior", 8, 200),
        ("ordinary", 8, 200),
        ("gone", 4, 100),
    ):
        bought = Bought(plain.day.replace(day=day), plain.fen, tier)
        assert due_for(units_for(bought, "points", terms())[0], 10_000, 10_000, "down") == due, (tier, day)


def test_opening_points_can_be_brought_along_once(members: Shop) -> None:
    """Trap 20: there was no way to bring points along from the system before."""
    members.take_in([receipt("A1", "1")])
    for _ in range(2):
        purse.open_with(only(), {"points": 5_000, "stamps": 3, "principal": 10_000, "bonus": 0}, on=TODAY)
    assert held() == (5_001, 0) and held(currency="stamps") == (4, 0)
    assert {lot.ends for lot in Lot.objects.filter(currency="points", amount=5_000)} == {date(2027, 5, 19)}


def test_cancelled_and_refunded_is_taken_back_once(members: Shop) -> None:
    """Trap 21: a wrong balance after an order was refunded and then cancelled as well."""
    members.take_in([receipt("A0", "10")])
    members.take_in([receipt("A1", "100")])
    members.take_in([receipt("R1", "-100", day="2026-05-06", 原订单号="A1")])
    cancelled = members.take_in([receipt("A1", "0")])
    unsettled.everything()
    settle.settle(TODAY)
    assert held() == (10, 0) and not Earned.objects.filter(owed__gt=0).exists()
    daily.undo(cancelled.batch)
    assert held() == (10, 0) and prove().is_sound


def test_what_lapses_lapses_once_and_on_its_day(shop: Shop) -> None:
    """Trap 21: points that expired twice, too early, or never."""
    who = member()
    teller.post(move("put", "earn", "1", who, 10, ends=TODAY))
    assert night.tidy(TODAY) == 0 and holds(who) == (10, 0)
    assert night.tidy(TODAY + timedelta(1)) == 1 and holds(who) == (0, 0)
    assert night.tidy(TODAY + timedelta(1)) == 0 and night.tidy(TODAY + timedelta(99)) == 0
    assert Posting.objects.filter(kind="expire").count() == 1


@pytest.mark.parametrize("ask", ["redeem", "pay", "reserve", "hand_over", "correct"])
def test_nothing_that_falls_short_returns_quietly(members: Shop, ask: str) -> None:
    """Trap 22: a short balance returned silently, and what was deducted was not looked at."""
    members.take_in([receipt("A1", "5"), receipt("A2", "5", member="1002")])
    who, other = Member.objects.order_by("id")
    boss = add_staff(name="林老板", email="lin@example.com", role="owner")
    before = list(Posting.objects.values_list("id", flat=True))
    with pytest.raises(Refused):
        if ask == "redeem":
            purse.redeem(who, "points", 6, key="1", on=TODAY)
        elif ask == "pay":
            purse.pay(who, 1, key="1", on=TODAY)
        elif ask == "reserve":
            purse.reserve(who, "points", 6, key="1", on=TODAY)
        elif ask == "hand_over":
            purse.hand_over(who, other, "points", 6, key="1", on=TODAY)
        else:
            purse.correct(who, "points", -6, why="数错了", key="1", on=TODAY, by=boss)
    assert list(Posting.objects.values_list("id", flat=True)) == before
