"""Balances of an older system: by number or phone, once, whole, and with a reason for each row that can't serve."""

from __future__ import annotations

from datetime import date

import pytest
from tests.membership.receipts import held, receipt
from tests.shops import Shop

from regulars import daily
from regulars.customers.models import Customer
from regulars.membership import opening
from regulars.membership.models import Balance
from regulars.membership.proof import prove
from regulars.shop.words import Refused

TODAY = date(2026, 5, 20)


def test_points_come_by_phone_in_bulk_and_once(members: Shop) -> None:
    """Trap 23: points could not be brought in by phone. Trap 20: no way to migrate opening points."""
    members.take_in([receipt("A1", "1", 手机号="13912345601"), receipt("A2", "1", member="1002")])
    rows = [
        {"手机号": "13912345601", "积分": "1,200", "储值余额": "88.50", "赠送金额": "10"},
        {"手机号": "", "会员号": "1002", "积分": "300"},
        {"手机号": "13912345699", "积分": "5"},
    ]
    path = members.file(
        "balances.csv",
        [{h: r.get(h, "") for h in ("手机号", "会员号", "积分", "储值余额", "赠送金额")} for r in rows],
    )
    first = opening.from_file(path, TODAY)
    assert (first.rows, first.members, first.before, len(first.refused)) == (3, 2, 0, 1)
    assert held("1001") == (1_201, 0) and held("1002") == (301, 0)
    assert held("1001", "principal") == (8_850, 0) and held("1001", "bonus") == (1_000, 0)
    again = opening.from_file(path, TODAY)
    assert (again.members, again.before) == (0, 2) and held("1001") == (1_201, 0)
    assert prove().is_sound


def test_points_with_a_fraction_are_refused_with_their_row(members: Shop) -> None:
    """Trap 16: points kept as floating numbers, 268.28000000000003."""
    members.take_in([receipt("A1", "1"), receipt("A2", "1", member="1002")])
    path = members.file(
        "balances.csv",
        [
            {"会员号": "1001", "积分": "268.28000000000003"},
            {"会员号": "1002", "积分": "-5"},
            {"会员号": "1002", "积分": "=cmd()"},
        ],
    )
    done = opening.from_file(path, TODAY)
    assert [p.row for p in done.refused] == [2, 3, 4] and done.members == 0
    assert "268.28" in done.refused[0].reason.zh


def test_lists_of_the_till_bring_their_balances(members: Shop) -> None:
    members.take_in([{"会员号": "1001", "姓名": "王芳", "积分": "450", "储值余额": "20"}])
    assert opening.from_lists(TODAY).members == 1
    assert opening.from_lists(TODAY).before == 1
    assert held("1001") == (450, 0) and held("1001", "principal") == (2_000, 0)


def test_of_two_files_that_were_merged_the_other_balance_is_told(members: Shop) -> None:
    """It was dropped without a word."""
    members.take_in(
        [{"会员号": "1001", "姓名": "王芳", "积分": "500"}, {"会员号": "1002", "姓名": "王方", "积分": "300"}]
    )
    daily.merge(*Customer.objects.order_by("id"))
    for _ in range(2):
        done = opening.from_lists(TODAY)
        assert [(p.value, p.column) for p in done.refused] == [("500", "points")]
    assert Balance.objects.get().in_hand == 300


def test_a_later_list_of_the_same_person_has_the_last_word(members: Shop) -> None:
    members.take_in([{"手机号": "13912345601", "姓名": "王芳", "积分": "450"}])
    members.take_in([{"会员号": "1001", "手机号": "13912345601", "姓名": "王芳", "积分": "470"}])
    assert opening.from_lists(TODAY).refused == []
    assert held() == (470, 0)


def test_a_file_of_something_else_is_refused(members: Shop) -> None:
    with pytest.raises(Refused):
        opening.from_file(members.file("x.csv", [{"颜色": "红"}]), TODAY)
