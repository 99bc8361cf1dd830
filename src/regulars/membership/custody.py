"""What becomes of memberships: two that are merged are read together; money records stay when the person goes."""

from __future__ import annotations

from regulars.membership import door  # noqa: F401  (what a deletion does there)
from regulars.shop.custody import Custody, register

register(
    Custody("membership.Program", staff=("by",), leaving=(("by", "keeps its author"),)),
    Custody("membership.Member", customer=("customer",), staff=("by",), merging="read through", copied=True,
            erasing="kept without the person", leaving=(("by", "keeps its author"),)),
    Custody("membership.Posting", staff=("by",), merging="read through", leaving=(("by", "keeps its author"),)),
    Custody("membership.Knock", customer=("customer",), staff=("by",), merging="read through", copied=True, erasing="deleted",
            leaving=(("by", "keeps its author"),)),
)  # fmt: skip
