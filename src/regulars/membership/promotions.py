"""The shop's offers: written down, opened and stopped; which can be had, and what each has cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Count, Sum

from regulars.membership.coupons import why_no_more
from regulars.membership.offers import Coupon, CouponPart, CouponState, CouponUse, Offer, OfferState
from regulars.membership.program import terms
from regulars.membership.rules import coupons as rules
from regulars.shop import bulk
from regulars.shop.models import Staff, audit
from regulars.shop.words import Refused, Words

FIXED = Words(
    "已经开放的活动，好处和条件不能再改：顾客手里的券是按原来的发的。停掉它，另开一个",
    "What an open offer gives and asks can't be changed: customers hold coupons on the old terms. Stop it and open another",
)
TOO_MANY_OUT = Words("已经发出 {n} 张，库存不能比它少", "{n} are out already; the stock can't be less")

GIVES = (
    "kind", "worth", "percent", "cost", "price", "currency", "valid_from", "days", "weekdays", "first", "last", "stores",
    "least", "stacking",
)  # fmt: skip
"""What customers have been promised: fixed once coupons may be out."""

LIMITS = ("name", "name_en", "stock", "limit", "valid_until", "budget")


def keep_offer(offer: Offer, *, by: Staff | None = None) -> Offer:
    """Write down a new offer as a draft, or what has changed about one; the same draft, sent again by a second click, is
    written down once. Raises Refused with the first thing wrong."""
    _must_make_sense(offer)
    if offer.pk is None:
        offer.state, offer.by = OfferState.DRAFT, by
        with transaction.atomic():
            bulk.alone("make-offer")
            said = {f: getattr(offer, f) for f in (*GIVES, *LIMITS)}
            if (known := Offer.objects.filter(state=OfferState.DRAFT, **said).first()) is not None:
                return known
            offer.save()
            audit("make-offer", f"offer {offer.pk}", by=by, detail={"kind": offer.kind})
        return offer
    with transaction.atomic():
        before = Offer.objects.select_for_update().get(pk=offer.pk)
        changed = {f: getattr(offer, f) for f in (*GIVES, *LIMITS) if getattr(before, f) != getattr(offer, f)}
        if before.state != OfferState.DRAFT and any(f in GIVES for f in changed):
            raise Refused(FIXED)
        if offer.stock and before.out > offer.stock:
            raise Refused(TOO_MANY_OUT.fill(n=before.out))
        if changed:
            Offer.objects.filter(pk=offer.pk).update(**changed)
            audit("change-offer", f"offer {offer.pk}", by=by, detail={"fields": sorted(changed)})
    return Offer.objects.get(pk=offer.pk)


def _must_make_sense(offer: Offer) -> None:
    def wrong(zh: str, en: str) -> Refused:
        return Refused(Words(zh, en))

    if not offer.name.strip():
        raise wrong("给活动起个名字", "Give the offer a name")
    if offer.kind not in rules.KINDS or offer.stacking not in rules.STACKINGS:
        raise wrong("选一种券", "Choose a kind of coupon")
    if offer.kind in ("amount", "percent") and offer.worth <= 0:
        raise wrong(
            "写明减多少钱；打折的写最多减多少",
            "Say how much money is off; for percent off, how much at most",
        )
    if (offer.kind == "percent") != (0 < offer.percent <= 100):
        raise wrong(
            "打折的写减百分之几，别的不写", "Percent off needs a number from 1 to 100; the others have none"
        )
    if offer.valid_until < offer.valid_from:
        raise wrong("结束的日子不能在开始之前", "It can't end before it begins")
    if any(not 1 <= d <= 7 for d in offer.weekdays):
        raise wrong("星期只有一到七", "Weekdays are 1 to 7")
    if (offer.first is None) != (offer.last is None):
        raise wrong("几点到几点，两头都要写", "Write both hours, from and to")
    amounts = (
        offer.worth,
        offer.cost,
        offer.least,
        offer.budget,
        offer.price,
        offer.stock,
        offer.limit,
        offer.days,
    )
    if any(not 0 <= n <= rules.MOST for n in amounts):
        raise wrong("数目要在零以上，也别太大", "Numbers must be nothing or more, and not too large")
    if offer.price and offer.currency not in {c.key for c in terms().membership.currencies}:
        raise wrong("选用哪种积分换", "Choose the kind of points that it costs")


def open_offer(offer: Offer, *, by: Staff | None = None) -> None:
    """Let coupons of it be issued; one that was stopped goes on."""
    _turn(offer, (OfferState.DRAFT, OfferState.STOPPED), OfferState.OPEN, "open-offer", by)


def stop_offer(offer: Offer, *, by: Staff | None = None) -> None:
    """No more are issued. Those that are out stay good: they were promised."""
    _turn(offer, (OfferState.OPEN,), OfferState.STOPPED, "stop-offer", by)


def _turn(offer: Offer, before: tuple[str, ...], to: str, verb: str, by: Staff | None) -> None:
    with transaction.atomic():
        if Offer.objects.filter(pk=offer.pk, state__in=before).update(state=to):
            audit(verb, f"offer {offer.pk}", by=by)
    offer.state = to


@dataclass(frozen=True)
class PromotionCost:
    """How an offer stands: coupons by what became of them, what it has cost so far and can still cost, in fen."""

    offer: Offer
    issued: int
    used: int
    open: int
    expired: int
    void: int
    cost: int
    can_still_cost: int
    budget: int


def promotion_costs(offers: Sequence[Offer] | None = None) -> list[PromotionCost]:
    """Every offer (or these), the latest first: issued, used, cost so far against budget."""
    chosen = list(Offer.objects.order_by("-id")) if offers is None else list(offers)
    numbers = [o.pk for o in chosen]
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    rows = Coupon.objects.filter(offer__in=numbers).values_list("offer", "state")
    for offer, state, n in rows.annotate(n=Count("id")).order_by():
        counts[offer][state] = n
    used = CouponPart.objects.filter(coupon__offer__in=numbers, use__state=CouponUse.State.USED)
    costs: dict[int, int] = dict(used.values_list("coupon__offer").annotate(fen=Sum("cost")).order_by())
    found = []
    for offer in chosen:
        by_state: dict[str, Any] = counts[offer.pk]
        cost = costs.get(offer.pk, 0)
        open_now = by_state.get(CouponState.ISSUED, 0) + by_state.get(CouponState.RESERVED, 0)
        found.append(PromotionCost(
            offer, sum(by_state.values()), by_state.get(CouponState.USED, 0), open_now,
            by_state.get(CouponState.EXPIRED, 0), by_state.get(CouponState.VOID, 0), cost, offer.committed - cost, offer.budget,
        ))  # fmt: skip
    return found


def offers_open(on: date) -> list[Offer]:
    """Offers of which coupons can be had on that day, by name."""
    found = Offer.objects.filter(state=OfferState.OPEN, valid_until__gte=on).order_by("name", "id")
    return [offer for offer in found if why_no_more(offer, on) is None]


def rewards(on: date) -> list[Offer]:
    """What can be had for points on that day, what costs least in front."""
    return sorted((o for o in offers_open(on) if o.price), key=lambda o: (o.currency, o.price, o.pk))
