"""What becomes of memberships: two that are merged are read together; money records stay when the person goes."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from regulars.membership import door  # noqa: F401  (what a deletion does there)
from regulars.membership.models import Member, Reason
from regulars.shop.custody import Custody, also_erased, register

register(
    Custody("membership.Program", staff=("by",), leaving=(("by", "keeps its author"),)),
    Custody("membership.Member", customer=("customer",), staff=("by",), merging="read through", copied=True,
            erasing="kept without the person", leaving=(("by", "keeps its author"),)),
    Custody("membership.Posting", staff=("by",), merging="read through", by_way="member__customer", copied=True,
            leaving=(("by", "keeps its author"),)),
    Custody("membership.Balance", merging="read through", by_way="member__customer", copied=True),
    Custody("membership.Lot", merging="read through", by_way="member__customer", copied=True),
    Custody("membership.Reservation", merging="read through", by_way="member__customer", copied=True),
    Custody("membership.Reason", merging="read through", by_way="posting__member__customer", copied=True, erasing="deleted"),
    Custody("membership.Referral", customer=("friend",), staff=("by",), merging="read through", copied=True,
            erasing="kept without the person", leaving=(("by", "keeps its author"),)),
    Custody("membership.Partner", staff=("by",), leaving=(("by", "keeps its author"),)),
    Custody("membership.PartnerUse", customer=("customer",), staff=("by",), merging="read through", copied=True,
            erasing="kept without the person", leaving=(("by", "keeps its author"),)),
    Custody("membership.TierBought", staff=("by",), by_way="member__customer", copied=True, leaving=(("by", "keeps its author"),)),
    Custody("membership.Offer", staff=("by",), leaving=(("by", "keeps its author"),)),
    Custody("membership.Coupon", staff=("issued_by",), merging="read through", by_way="member__customer", copied=True, leaving=(("issued_by", "keeps its author"),)),
    Custody("membership.CouponUse", staff=("by",), merging="read through", leaving=(("by", "keeps its author"),)),
    Custody("membership.Knock", customer=("customer",), staff=("by",), merging="read through", copied=True, erasing="deleted",
            leaving=(("by", "keeps its author"),)),
)  # fmt: skip


@also_erased
def forget_reasons(customers: Sequence[int], known_by: Sequence[str]) -> None:
    """What somebody wrote about a correction of hers goes with her; the correction itself stays on the books."""
    members = Member.objects.filter(customer__in=customers).values_list("id", flat=True)
    asked = [f"member {m}" for m in members]
    Reason.objects.filter(Q(posting__member__in=members) | Q(approval__subject__in=asked)).delete()
