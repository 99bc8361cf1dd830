"""What is owed, and whether members come back: equal to plain sums over the receipts."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.shops import Row, Shop

from regulars import daily
from regulars.membership import program, purse
from regulars.membership.activity import cohorts
from regulars.membership.liability import ENOUGH, liability
from regulars.membership.models import Member

START = date(2025, 1, 1)
TODAY = date(2026, 5, 20)


@pytest.fixture
def members(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr("regulars.sales.actions.today", lambda: TODAY)
    program.open_program("tiers", START)
    return shop


def receipt(number: str, amount: str, day: str, member: str) -> Row:
    return {"订单号": number, "结账时间": f"{day} 12:00:00", "会员号": member, "实收金额": amount}


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
