"""Receipts of members as a till writes them, and what somebody holds."""

from __future__ import annotations

from typing import Any

from tests.shops import Row

from regulars.membership.models import Balance, Member
from regulars.sales.models import Identity


def receipt(number: str, amount: str, day: str = "2026-05-04", member: str = "1001", **more: str) -> Row:
    return {"订单号": number, "结账时间": f"{day} 12:00:00", "会员号": member, "实收金额": amount, **more}


def held(customer_number: str = "1001", currency: str = "points") -> tuple[int, int]:
    """What she can spend and what is pending, of a currency."""
    (member,) = Member.objects.filter(customer__links__identity__in=_identities(customer_number))
    found: Any = (
        Balance.objects.filter(member=member, currency=currency).values_list("in_hand", "aside").first()
    )
    return found or (0, 0)


def _identities(number: str) -> list[Identity]:
    return [i for i in Identity.objects.all() if i.written == number]
