"""Partners: whose card it is, what it gets, what is settled."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from tests.shops import Shop

from regulars.membership import partners
from regulars.membership.models import PartnerCard
from regulars.shop.words import Refused

DAY = date(2026, 5, 20)


def test_a_list_is_surer_than_a_range_and_a_longer_beginning_than_a_shorter(shop: Shop) -> None:
    bank = partners.make("城东银行", begins="6225-6229", valid_from=DAY)
    gold = partners.make("城东银行金卡", begins="622588", valid_from=DAY)
    gym = partners.make("健身房", begins="", cards=["6225 8800-0001", "VIP-77", "VIP-77"], valid_from=DAY)
    assert partners.recognise("6227001", DAY) == bank
    assert partners.recognise("6225 8812", DAY) == gold
    assert partners.recognise("622588000001", DAY) == gym
    assert partners.recognise("vip77", DAY) == gym
    assert PartnerCard.objects.count() == 2
    for stranger in ("6230001", "622", "", "'; drop table", "VIP-78"):
        with pytest.raises(Refused):
            partners.recognise(stranger, DAY)


@pytest.mark.parametrize("text", ["62", "abc", "6225-62", "6229-6225", "6225,x"])
def test_a_beginning_that_makes_no_sense_is_named(shop: Shop, text: str) -> None:
    with pytest.raises(Refused) as refused:
        partners.make("银行", begins=text, valid_from=DAY)
    assert text.split(",")[-1] in refused.value.words.zh


def test_what_was_taken_off_is_settled_once(shop: Shop) -> None:
    bank = partners.make(
        "城东银行", begins="6225", percent_off=Decimal("8.5"), share_percent=Decimal(60), valid_from=DAY,
        valid_until=date(2026, 12, 31),
    )  # fmt: skip
    for _ in range(2):
        used = partners.use(bank, "6225001", 19_999, key="bill 1", on=DAY)
    assert used.off == 1_700
    partners.use(bank, "6225001", 10_000, key="bill 2", on=DAY)
    partners.undo(partners.use(bank, "6225002", 10_000, key="bill 3", on=DAY))
    with pytest.raises(Refused):  # not answered as served: nothing of it is settled
        partners.use(bank, "6225002", 10_000, key="bill 3", on=DAY)
    (found,) = partners.settlements(date(2026, 5, 1), date(2026, 5, 31))
    assert (found.people, found.bills, found.turnover, found.off, found.borne) == (1, 2, 29_999, 2_550, 1_530)
    with pytest.raises(Refused):
        partners.use(bank, "6225001", 10_000, key="too late", on=date(2027, 1, 1))
    with pytest.raises(Refused):
        partners.use(bank, "7000001", 10_000, key="another's", on=DAY)
