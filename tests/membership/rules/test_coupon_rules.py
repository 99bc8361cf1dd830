"""What a bill comes to with coupons: every reason why not, and never less than nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.membership.rules.coupons import Held, Place, Terms, reckon, why_not
from regulars.shop.words import Words

DAY = date(2026, 5, 20)  # a Wednesday
NOON = Place(DAY, time(12), 1)
TEN = Terms(1, Words("减十元", "10 off"), "amount", worth=1_000, stacking="any")


def held(terms: Terms = TEN, number: int = 1) -> Held:
    return Held(number, terms, DAY, DAY + timedelta(9))


@pytest.mark.parametrize(
    ("terms", "place", "bill", "is_good"),
    [
        (TEN, NOON, 5_000, True),
        (TEN, replace(NOON, on=DAY - timedelta(1)), 5_000, False),
        (TEN, replace(NOON, on=DAY + timedelta(9)), 5_000, True),
        (TEN, replace(NOON, on=DAY + timedelta(10)), 5_000, False),
        (replace(TEN, weekdays=(3,)), NOON, 5_000, True),
        (replace(TEN, weekdays=(1, 2)), NOON, 5_000, False),
        (replace(TEN, first=time(11), last=time(14)), NOON, 5_000, True),
        (replace(TEN, first=time(17), last=time(21)), NOON, 5_000, False),
        (replace(TEN, first=time(21), last=time(2)), replace(NOON, at=time(1)), 5_000, True),
        (replace(TEN, first=time(21), last=time(2)), NOON, 5_000, False),
        (replace(TEN, stores=(1, 2)), NOON, 5_000, True),
        (replace(TEN, stores=(2,)), NOON, 5_000, False),
        (replace(TEN, stores=(2,)), replace(NOON, store=None), 5_000, False),
        (replace(TEN, least=5_000), NOON, 5_000, True),
        (replace(TEN, least=5_001), NOON, 5_000, False),
        (TEN, NOON, -1, False),
        (TEN, NOON, 0, False),
        (Terms(1, TEN.name, "gift"), NOON, 0, True),
    ],
)  # fmt: skip
def test_each_reason_why_not(terms: Terms, place: Place, bill: int, is_good: bool) -> None:
    assert (why_not([held(terms)], bill, place) is None) == is_good


@pytest.mark.parametrize(
    ("one", "other", "is_good"),
    [
        ("any", "any", True),
        ("alone", "any", False),
        ("any", "alone", False),
        ("other-kinds", "any", False),
        ("other-kinds", "other-kinds", False),
    ],
)
def test_which_of_one_kind_go_together(one: str, other: str, is_good: bool) -> None:
    two = [held(replace(TEN, stacking=one)), held(replace(TEN, stacking=other, offer=2), 2)]  # type: ignore[arg-type]
    assert (why_not(two, 5_000, NOON) is None) == is_good
    gift = held(Terms(3, Words("茶", "tea"), "gift", stacking="other-kinds"), 3)
    if one == other != "alone":
        assert why_not([two[0], gift], 5_000, NOON) is None


def test_each_coupon_of_an_offer_asks_for_its_own_minimum() -> None:
    full = replace(TEN, least=3_000)
    assert why_not([held(full), held(full, 2)], 6_000, NOON) is None
    assert why_not([held(full), held(full, 2)], 5_999, NOON) is not None
    assert why_not([held(full), held(full)], 9_000, NOON) is not None, "the same coupon twice"


def test_money_goes_first_and_percent_of_what_is_left() -> None:
    fifth = replace(TEN, offer=2, kind="percent", percent=20, worth=1_500)
    said = reckon([held(fifth), held(TEN, 2)], 6_001)
    assert (said.payable, said.off, said.costs) == (4_001, (1_000, 1_000), (1_000, 1_000))
    assert reckon([held(fifth)], 90_000).off == (1_500,), "not more than the cap"


kinds = st.sampled_from(["amount", "percent", "item", "gift", "service"])
some_terms = st.builds(
    lambda kind, worth, percent, cost: Terms(1, TEN.name, kind, worth, percent, cost, stacking="any"),
    kinds, st.integers(0, 10**7), st.integers(1, 100), st.integers(0, 10**6),
)  # fmt: skip


@given(st.integers(0, 10**8), st.lists(some_terms, max_size=6))
def test_a_bill_is_never_below_nothing_and_what_is_off_adds_up(bill: int, terms: list[Terms]) -> None:
    """Trap 24, whatever coupons are laid down."""
    said = reckon([held(t, n) for n, t in enumerate(terms)], bill)
    assert 0 <= said.payable <= bill and said.payable + sum(said.off) == bill
    for one, off, cost in zip(terms, said.off, said.costs, strict=True):
        assert 0 <= off <= one.worth
        assert cost == (off if one.kind in ("amount", "percent") else one.cost)
