"""Offers and coupons in words: what they give, when and where they hold. One place for the counter, the offers and the
member's own pages."""

from __future__ import annotations

from types import SimpleNamespace as Page

from regulars.membership import coupons
from regulars.membership.offers import Coupon, Offer
from regulars.membership.rules import coupons as rules
from regulars.membership.rules.coupons import Place
from regulars.membership.rules.numbers import in_groups
from regulars.shop.models import Store
from regulars.shop.words import Words
from regulars.web.ledger_said import fen_said


def coupon_shown(coupon: Coupon, place: Place) -> Page:
    """A coupon as lists show it: what it is good for, and why not now if it isn't."""
    refusal = coupons.IS.get(coupon.state) or rules.why_not_here(coupon.held, place)  # type: ignore[call-overload]
    if refusal == rules.WRONG_STORE:
        only = Words("只在{s}能用", "Only in {s}").fill(s=stores_said(coupon.offer))
        ask = Words("{o}；先选您在哪家店", "{o}; first say which store this is").fill(o=only)
        refusal = only if place.store else ask
    return Page(
        code=coupon.code, said_code=in_groups(coupon.code), name=coupon.offer.words, gives=gives_said(coupon.offer),
        until=coupon.valid_until, refusal=refusal, number=coupon.pk,
    )  # fmt: skip


def gives_said(offer: Offer) -> Words:
    """What an offer gives, in a few words."""
    worth = fen_said(offer.worth)
    if offer.kind == "amount":
        said = Words("减 {w}", "{w} off").fill(w=worth)
    elif offer.kind == "percent":
        folds = f"{(100 - offer.percent) / 10:g}"
        zh = "{f} 折，最多减 {w}" if offer.percent < 100 else "免单，最多减 {w}"
        said = Words(zh, "{p}% off, {w} at most").fill(f=folds, p=offer.percent, w=worth)
    else:
        said = rules.KINDS[offer.kind]
        said = Words("送" + said.zh.removeprefix("送"), said.en)
    if offer.least:
        said = Words("满 {l} {s}", "{s} from {l} on").fill(l=fen_said(offer.least), s=said)
    return said


def stores_said(offer: Offer) -> Words:
    """The stores in which a coupon of it is good."""
    names = list(Store.objects.filter(pk__in=offer.stores).order_by("id").values_list("name", flat=True))
    return Words("、".join(names), ", ".join(names))


def holds_said(offer: Offer) -> list[Words]:
    """On which days, at which hours and in which stores a coupon of it is good; nothing where always and everywhere."""
    said = []
    if offer.weekdays:
        said.append(rules.weekdays_said(offer.weekdays))
    if offer.first and offer.last:
        hours = f"{offer.first:%H:%M}–{offer.last:%H:%M}"
        said.append(Words(hours, hours))
    if offer.stores:
        said.append(Words("只在{s}", "only in {s}").fill(s=stores_said(offer)))
    return said
