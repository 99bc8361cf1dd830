"""Offers: what each has cost so far, new ones, and coupons that a customer is given."""

from __future__ import annotations

import secrets
from datetime import date, time, timedelta
from types import SimpleNamespace as Page
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.membership import coupons, kin, program, promotions
from regulars.membership.offers import Coupon, Offer, OfferState
from regulars.membership.rules import coupons as rules
from regulars.shop.models import Store
from regulars.shop.money import yuan
from regulars.shop.words import Refused, Words
from regulars.web.by_hand import amount_typed
from regulars.web.counter import NOT_A_MEMBER
from regulars.web.customers import find_customer
from regulars.web.ledger_said import fen_said
from regulars.web.may import needs
from regulars.web.offers_said import coupon_shown, gives_said
from regulars.web.request import Request, is_day, number_in
from regulars.web.shown import Badges, customers_shown
from regulars.web.store_here import place_of

STATES = {
    OfferState.DRAFT: Words("草稿", "draft"),
    OfferState.OPEN: Words("发放中", "open"),
    OfferState.STOPPED: Words("停了", "stopped"),
}


@needs("offers")
@require_GET
def offers(request: Request) -> HttpResponse:
    """Every offer: coupons issued and used, what it has cost so far, and what of its budget is left."""
    found = promotions.promotion_costs()
    open_now = [c for c in found if c.offer.state == OfferState.OPEN]
    cost = sum(c.cost for c in found)
    page = Page(
        sentence=Words("{n} 个活动在发券，一共花了 {c}", "{n} offers are open; all have cost {c} so far").fill(
            n=len(open_now), c=fen_said(cost)
        ),
        rows=[
            Page(
                name=c.offer.words, gives=gives_said(c.offer), state=STATES[OfferState(c.offer.state)], is_open=c.offer.state == OfferState.OPEN,
                href=reverse("offer", args=[c.offer.pk]), turn=reverse("offer-state", args=[c.offer.pk]), until=c.offer.valid_until,
                issued=c.issued, used=c.used, stock=c.offer.stock, cost=c.cost, ahead=c.can_still_cost, budget=c.budget or None,
                refusal=coupons.why_no_more(c.offer, request.today) if c.offer.state == OfferState.OPEN else None,
            )
            for c in found
        ],
        new=reverse("offer-new"), is_open=program.current() is not None,
    )  # fmt: skip
    return render(request, "offers.html", {"page": page})


MONEY = ("worth", "cost", "least", "budget")
COUNTS = ("percent", "stock", "limit", "price", "days")
TEXTS = ("kind", "name", "name_en", "currency", "stacking")


@needs("offers")
@require_http_methods(["GET", "POST"])
def offer_new(request: Request) -> HttpResponse:
    """A new offer, as a draft."""
    blank = Offer(
        kind="amount",
        stacking="alone",
        valid_from=request.today,
        valid_until=request.today + timedelta(days=90),
    )
    return _form(request, blank)


@needs("offers")
@require_http_methods(["GET", "POST"])
def offer(request: Request, number: int) -> HttpResponse:
    """One offer; once it is open only its limits change."""
    return _form(request, get_object_or_404(Offer, pk=number))


def _form(request: Request, one: Offer) -> HttpResponse:
    filled, problems = _filled_from(one), []
    if request.method == "POST":
        filled = {k: request.POST.get(k, "").strip()[:100] for k in filled}
        filled["weekdays"], filled["stores"] = (
            request.POST.getlist("weekdays"),
            request.POST.getlist("stores"),
        )
        try:
            _read(request, one, filled)
            kept = promotions.keep_offer(one, by=request.user)
        except Refused as refused:
            problems.append(refused.words)
        else:
            said = (
                Words("存好了", "Saved")
                if one.state != OfferState.DRAFT
                else Words("存好了，还没开始发", "Saved; it is not open yet")
            )
            messages.success(request, said.say(request.lang))
            return redirect("offer", kept.pk) if kept.state == OfferState.DRAFT else redirect("offers")
    held = program.current()
    page = Page(
        is_new=one.pk is None, is_fixed=one.pk is not None and one.state != OfferState.DRAFT, filled=filled, problems=problems,
        action=request.path, turn=reverse("offer-state", args=[one.pk]) if one.pk else "", state=one.state,
        kinds=list(rules.KINDS.items()), stackings=list(rules.STACKINGS.items()),
        currencies=[("", Words("不用积分换", "Not for points")), *((c.key, Words(c.name.zh, c.name.en)) for c in (held.membership.currencies if held else ()))],
        weekdays=list(enumerate(rules.WEEKDAYS, 1)), stores=[(s.pk, s.name) for s in Store.objects.filter(is_open=True).order_by("id")],
    )  # fmt: skip
    return render(request, "offer.html", {"page": page}, status=422 if problems else 200)


def _filled_from(one: Offer) -> dict[str, Any]:
    filled: dict[str, Any] = {k: getattr(one, k) for k in TEXTS}
    filled |= {k: yuan(getattr(one, k)) if getattr(one, k) else "" for k in MONEY}
    filled |= {k: getattr(one, k) or "" for k in COUNTS}
    filled |= {k: getattr(one, k).isoformat() for k in ("valid_from", "valid_until")}
    filled |= {k: f"{getattr(one, k):%H:%M}" if getattr(one, k) else "" for k in ("first", "last")}
    return filled | {k: [str(n) for n in getattr(one, k)] for k in ("weekdays", "stores")}


def _read(request: Request, one: Offer, filled: dict[str, Any]) -> None:
    """Put what was typed into the offer; of one that is open only what may still change."""
    is_fixed = one.pk is not None and one.state != OfferState.DRAFT
    for key in (*TEXTS, *MONEY, *COUNTS):
        if is_fixed and key in promotions.GIVES:
            continue
        if key in MONEY:
            setattr(one, key, amount_typed(filled[key]))
        elif key in COUNTS:
            n = number_in(filled[key] or "0", 0, 30_000 if key in ("percent", "limit", "days") else 10**9)
            if n is None:
                raise Refused(Words("「{t}」不是数目", "{t} is not a number").fill(t=filled[key]))
            setattr(one, key, n)
        else:
            setattr(one, key, filled[key][: 40 if key != "name_en" else 60])
    if not is_day(filled["valid_until"]) or not (is_fixed or is_day(filled["valid_from"])):
        raise Refused(Words("请选日期", "Please choose a day"))
    one.valid_until = date.fromisoformat(filled["valid_until"])
    if is_fixed:
        return
    one.valid_from = date.fromisoformat(filled["valid_from"])
    one.first, one.last = _hour(filled["first"]), _hour(filled["last"])
    one.weekdays = sorted({int(d) for d in filled["weekdays"] if d in "1234567" and d})
    known = set(Store.objects.values_list("pk", flat=True))
    one.stores = sorted({n for s in filled["stores"] if (n := number_in(s, 1, 2**62)) in known})
    if one.kind != "percent":
        one.percent = 0
    if not one.currency:
        one.price = 0


def _hour(text: str) -> time | None:
    """
    >>> _hour("09:30"), _hour("")
    (datetime.time(9, 30), None)
    """
    if not text:
        return None
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise Refused(Words("时间写成 09:30 这样", "Write times as 09:30")) from None


@needs("offers")
@require_POST
def offer_state(request: Request, number: int) -> HttpResponse:
    """Open an offer, or stop it; coupons that are out stay good."""
    one = get_object_or_404(Offer, pk=number)
    if request.POST.get("to") == "open":
        if one.valid_until < request.today:
            over = Words(
                "到期的日子已经过了，先改日子再开始发", "Its last day is over: change that day, then open it"
            )
            messages.error(request, over.say(request.lang))
            return redirect("offer", one.pk)
        promotions.open_offer(one, by=request.user)
        one.refresh_from_db()
        if refusal := coupons.why_no_more(one, request.today):
            messages.warning(request, refusal.say(request.lang))
            return redirect("offers")
        said = Words("开始发了", "It is open")
    else:
        promotions.stop_offer(one, by=request.user)
        said = Words(
            "停了，不再发；发出去的还能用", "Stopped: no more are issued, those that are out stay good"
        )
    messages.success(request, said.say(request.lang))
    return redirect("offers")


@needs("give-coupons")
@require_http_methods(["GET", "POST"])
def customer_coupons(request: Request, number: int) -> HttpResponse:
    """Coupons of one customer: what she has, what she can be given, and a wrong one made void."""
    customer = find_customer(request, number, "give-coupons")
    customer = customer.merged_into or customer
    member = program.member_of(customer)
    if request.method == "POST":
        try:
            if member is None:
                raise Refused(NOT_A_MEMBER)
            said = _void(request, member.pk) if "void" in request.POST else _issue(request, member)
            messages.success(request, said.say(request.lang))
        except Refused as refused:
            messages.warning(request, refused.words.say(request.lang))
        return redirect("customer-coupons", customer.pk)
    shown, place = customers_shown([customer], Badges(), request.user)[customer.pk], place_of(request)
    page = Page(
        name=shown.name, href=reverse("portrait", args=[customer.pk]), is_member=member is not None, action=request.path,
        coupons=[coupon_shown(c, place) for c in coupons.coupons_of(member, request.today, place)] if member else [],
        offers=[Page(number=o.pk, name=o.words, gives=gives_said(o), once=secrets.token_hex(8)) for o in promotions.offers_open(request.today)],
    )  # fmt: skip
    return render(request, "customer_coupons.html", {"page": page})


def _issue(request: Request, member: Any) -> Words:
    one = Offer.objects.filter(pk=number_in(request.POST.get("offer"), 1, 2**62) or 0).first()
    once = request.POST.get("once", "")[:40]
    if one is None or not once:
        raise Refused(coupons.NO_OFFER)
    coupons.issue(one, member, key=once, on=request.today, source="given", by=request.user)
    return Words("给了她一张「{n}」", 'She was given "{n}"').fill(n=one.words)


def _void(request: Request, member: int) -> Words:
    number, why = number_in(request.POST.get("void"), 1, 2**62), request.POST.get("why", "").strip()[:200]
    hers = Coupon.objects.select_related("offer").filter(member__in=kin.family_of(member))
    one = hers.filter(pk=number or 0).first()
    if one is None:
        raise Refused(coupons.NO_COUPON)
    if not why:
        raise Refused(Words("请写为什么作废", "Please say why it is made void"))
    coupons.void(one, on=request.today, why=why, by=request.user)
    return Words("作废了", "It is void")
