"""What is owed, and whether members come back: equal to plain sums over the receipts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.shops import Row, Shop

from regulars import daily
from regulars.membership import program, purse
from regulars.membership.activity import cohorts
from regulars.membership.liability import ENOUGH, liability
from regulars.membership.models import Member
from regulars.sales.models import Identity

START = date(2025, 1, 1)
TODAY = date(2026, 5, 20)


@pytest.fixture
def members(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr("regulars.sales.actions.today", lambda: TODAY)
    program.open_program("tiers", START)
    return shop


def receipt(number: str, amount: str, day: str, member: str) -> Row:
    return {"订单号": number, "结账时间": f"{day} 12:00:00", "会员号": member, "实收金额": amount}


def whose(number: str) -> Member:
    (found,) = (i for i in Identity.objects.all() if i.written == number)
    return Member.objects.get(customer__links__identity=found)


def test_what_is_owed_is_what_receipts_earned_less_what_was_spent(members: Shop) -> None:
    members.take_in([receipt(f"A{n}", "100", f"2026-0{1 + n % 5}-03", f"10{n:02}") for n in range(10)])
    (first, *_) = Member.objects.order_by("id")
    purse.redeem(first, "points", 30, key="1", on=TODAY)
    purse.top_up(first, 30_000, key="2", on=TODAY)
    by = {o.currency: o for o in liability(program.terms(), TODAY)}
    assert by["points"].units == 970 and by["points"].fen == 970 and by["points"].breakage is None
    assert by["principal"].fen == 30_000 and by["bonus"].fen == 2_000
    assert [m.issued for m in by["points"].months][-1] == 1_000 and by["points"].months[-1].redeemed == 30
    assert sum(n for _, n in by["points"].ends) == 970
    assert by["stamps"].fen == 10 * 200


def test_breakage_is_learned_from_those_whose_time_is_over(members: Shop) -> None:
    members.take_in([receipt(f"A{n}", "10", "2025-03-03", f"1{n:03}") for n in range(ENOUGH)])
    daily.run_day(TODAY)
    members.take_in([receipt(f"B{n}", "50", "2026-03-03", f"1{n:03}") for n in range(10)])
    points = {o.currency: o for o in liability(program.terms(), TODAY)}["points"]
    assert points.units == 500 and points.breakage == 1.0 and points.expected_fen == 0


def test_what_was_spent_handed_over_or_returned_is_no_breakage(
    members: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Points that were handed over counted twice, and those of a refund as spent."""
    then = date(2025, 4, 1)
    monkeypatch.setattr("regulars.sales.actions.today", lambda: then)
    sales = [receipt(f"A{n}", "10", "2025-03-03", f"1{n:03}") for n in range(ENOUGH)]
    members.take_in(
        [*sales, receipt("B1", "1000", "2025-03-03", "1000"), receipt("B2", "500", "2025-03-03", "1001")]
    )
    members.take_in([{**receipt("R1", "-1000", "2025-03-04", "1000"), "原订单号": "B1"}])
    first, second, *others = (whose(f"1{n:03}") for n in range(ENOUGH))
    purse.hand_over(second, first, "points", 500, key="1", on=then)
    purse.redeem(first, "points", 510, key="2", on=then)
    for n, other in enumerate(others[:48]):
        purse.redeem(other, "points", 10, key=f"s{n}", on=then)
    daily.run_day(TODAY)
    points = {o.currency: o for o in liability(program.terms(), TODAY)}["points"]
    assert points.breakage == (ENOUGH - 49) * 10 / (ENOUGH * 10 + 500)


def test_what_lapses_when_nobody_comes_has_ends_and_breakage(
    members: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stamps end a year after the last visit: nothing of them was ever said to end or to lapse."""
    spring, summer = date(2025, 3, 3), date(2025, 8, 3)
    for day, people in ((spring, ENOUGH + 30), (summer, 25)):
        monkeypatch.setattr("regulars.sales.actions.today", lambda day=day: day)
        members.take_in([receipt(f"{day}.{n}", "10", str(day), f"1{n:03}") for n in range(people)])
    came, stayed_away = whose("1000").customer, whose("1030").customer
    assert came and stayed_away
    word = daily.merge(came, stayed_away)
    stamps = {o.currency: o for o in liability(program.terms(), summer)}["stamps"]
    assert stamps.ends == [(date(2026, 3, 31), 104), (date(2026, 8, 31), 51)], "merged, her stamps live on"
    daily.unmerge(word)
    daily.run_day(TODAY)
    assert {o.currency: o for o in liability(program.terms(), TODAY)}["stamps"].breakage == 1.0
    for n in range(25):
        purse.redeem(whose(f"1{n:03}"), "stamps", 2, key=str(n), on=TODAY)
    assert {o.currency: o for o in liability(program.terms(), TODAY)}["stamps"].breakage == 105 / 155


def test_what_an_earlier_programme_gave_is_owed_still(members: Shop) -> None:
    members.take_in([receipt("A1", "100", "2026-03-03", "1001")])
    held = program.terms()
    points = tuple(c for c in held.membership.currencies if c.key == "points")
    now = replace(held, membership=held.membership.model_copy(update={"currencies": points}))
    by = {o.currency: o for o in liability(now, TODAY)}
    assert list(by) == ["points", "stamps"] and (by["stamps"].units, by["stamps"].fen) == (1, 200)
    assert by["stamps"].name.zh == "印章"


def test_members_and_others_are_told_apart_by_month(members: Shop) -> None:
    phone = {"订单号": "P1", "结账时间": "2026-03-02 12:00:00", "手机号": "13912345601", "实收金额": "10"}
    again = {**phone, "订单号": "P2", "结账时间": "2026-05-02 12:00:00"}
    members.take_in([phone, again, {**phone, "订单号": "P3", "手机号": "13912345602"}])
    members.take_in([receipt("A1", "10", "2026-03-05", "1001"), receipt("A2", "30", "2026-04-05", "1001"),
                     receipt("A3", "10", "2025-12-05", "1002")])  # fmt: skip
    daily.run_day(TODAY)
    found = {c.month: c for c in cohorts(TODAY)}
    march = found[date(2026, 3, 1)]
    assert (march.members.people, march.members.again, march.members.active) == (1, 1, 1)
    assert (march.others.people, march.others.again, march.others.active) == (2, 1, 2)
    december = found[date(2025, 12, 1)]
    assert (december.members.people, december.members.again, december.members.active) == (1, 0, 0)
    assert sum(c.members.people for c in found.values()) == 2 and len(found) == 12
    assert min(found) == date(2025, 6, 1) and TODAY - timedelta(90) > min(found)
