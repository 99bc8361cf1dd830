"""The code on a member's phone opens her file at the counter, for two minutes and nobody else's."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.shops import Shop

from regulars.customers.models import Customer
from regulars.membership.models import Member
from regulars.membership.passes import member_of_pass, pass_for
from regulars.membership.program import new_numbers

NOW = datetime(2026, 5, 1, 12, 0, 30, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def member(shop: Shop) -> Member:
    customer = Customer.objects.create(name="王芳")
    (number,) = new_numbers(1)
    return Member.objects.create(
        customer=customer, number=number, code="ABCDEFGHJK", joined_on=date(2026, 5, 1), how="counter"
    )


def test_a_pass_is_hers_for_two_minutes(member: Member) -> None:
    shown = pass_for(member, NOW)
    assert shown.isdigit() and shown.startswith(member.number)
    for seconds in (0, 60, 120):
        assert member_of_pass(shown, NOW + timedelta(seconds=seconds)) == member
    for seconds in (-120, 180, 86_400):
        assert member_of_pass(shown, NOW + timedelta(seconds=seconds)) is None


def test_it_may_be_typed_as_people_type(member: Member) -> None:
    shown = pass_for(member, NOW)
    typed = " ".join([shown[:4], shown[4:10], shown[10:]]).translate(
        str.maketrans("0123456789", "０１２３４５６７８９")
    )
    assert member_of_pass(typed, NOW) == member


def test_nothing_else_is_a_pass(member: Member) -> None:
    shown = pass_for(member, NOW)
    other = str((int(shown[-6:]) + 1) % 10**6).zfill(6)
    for text in ("", "x", member.number, shown[:-6] + other, shown[:-1], "9" * 5000, shown[:-6] + "١٢٣٤٥٦x"):
        assert member_of_pass(text, NOW) is None
    Member.objects.filter(pk=member.pk).update(left_on=date(2026, 5, 1))
    assert member_of_pass(shown, NOW) is None, "she has left"


def test_another_shop_signs_otherwise(member: Member, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from regulars.shop.keys import Keys

    shown = pass_for(member, NOW)
    monkeypatch.setattr("regulars.membership.passes.keys", lambda: Keys(b"x" * 32))
    assert member_of_pass(shown, NOW) is None
