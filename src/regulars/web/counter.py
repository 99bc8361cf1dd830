"""The counter: who stands there, what she has, and what she takes of it. Nothing is booked before somebody has read what
will happen and said yes, and every form can be sent twice without booking twice."""

from __future__ import annotations

import secrets
import unicodedata
from datetime import timedelta
from types import SimpleNamespace as Page
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.customers.models import Customer
from regulars.customers.queries import named_exactly, search
from regulars.customers.sight import let_in, sees
from regulars.membership import coupons, kin, passes, program, promotions, purse, teller
from regulars.membership.models import Member, Posting, TierBought
from regulars.membership.offers import Coupon, CouponUse
from regulars.membership.rules.ledger import BONUS, PRINCIPAL, VALUE, name_of
from regulars.membership.rules.numbers import as_typed, in_groups
from regulars.shop import readings
from regulars.shop.models import Approval
from regulars.shop.money import say_money, yuan
from regulars.shop.words import Refused, Words
from regulars.web.counter_moves import FOR_WHO_RUNS_IT, MOVES, corrected
from regulars.web.customers import find_customer
from regulars.web.doors import clock
from regulars.web.ledger_said import amount_said, change_said, currency_said, fen_said
from regulars.web.may import may, needs
from regulars.web.offers_said import coupon_shown
from regulars.web.request import Request, number_in
from regulars.web.shown import Badges, customers_shown
from regulars.web.store_here import CHOSEN, place_of, store_asked, store_here

SHOWN = 8
"""Customers that a search at the counter lists: more is a reason to ask for the whole number."""

NOT_A_MEMBER = Words("她还不是会员", "She is not a member yet")


def customer_shown_by(text: str) -> tuple[Customer | None, str]:
    """Whom a pass on a phone, a member number or a coupon names exactly, and the coupon's code if it was one."""
    member = passes.member_of_pass(text, clock())
    if member is None:
        number = "".join(unicodedata.normalize("NFKC", text).split())
        member = (
            Member.objects.select_related("customer__merged_into").filter(number=number, left_on=None).first()
        )
    code = as_typed(text)
    coupon = (
        Coupon.objects.select_related("member__customer__merged_into").filter(code=code).first()
        if member is None and len(code) == coupons.SIGNS
        else None
    )
    if coupon is not None:
        member = coupon.member
    if member is None or member.customer is None or member.customer.is_gone:
        return None, ""
    return member.customer.merged_into or member.customer, coupon.code if coupon else ""


@needs("counter")
@require_http_methods(["GET", "POST"])
def counter(request: Request) -> HttpResponse:
    """Find who stands at the counter. Posting lets somebody in whose file is another store's: she has shown her code or
    said her whole number."""
    if "store" in request.POST:
        request.session[CHOSEN] = number_in(request.POST["store"], 1, 2**62)
        customer = number_in(request.POST.get("customer"), 1, 2**62)
        return redirect("counter-member", customer) if customer else redirect("counter")
    text = (request.POST if request.method == "POST" else request.GET).get("q", "").strip()[:60]
    found, code = customer_shown_by(text) if text else (None, "")
    if request.method == "POST":
        found = found or named_exactly(text)
        if found is None:
            return redirect("counter")
        if not sees(request.user, found, "counter"):
            try:
                readings.read(request.user, found.pk, "file", reason="identity", on=request.today)
                let_in(request.user, found)
            except Refused as refused:
                messages.warning(request, refused.words.say(request.lang))
                return redirect("counter")
    if found is not None and sees(request.user, found, "counter"):
        there = reverse("counter-member", args=[found.pk])
        return redirect(f"{there}?coupon={code}" if code else there)
    people = search(text, SHOWN, request.user) if text and found is None else []
    if text:
        readings.count(request.user, "search", request.today)
    shown = customers_shown(people, Badges(), request.user)
    elsewhere = bool(text) and not people and (found is not None or named_exactly(text) is not None)
    page = Page(
        here=store_asked(request), search=text, elsewhere=elsewhere, action=reverse("counter"),
        rows=[Page(customer=shown[c.pk], href=reverse("counter-member", args=[c.pk])) for c in people],
        offers_href=reverse("offers") if may(request.user, "offers") else "", is_open=program.last() is not None,
        playbooks_href=reverse("grades") if may(request.user, "see-grades") else "",
    )  # fmt: skip
    return render(request, "counter.html", {"page": page})


def _live(request: Request, number: int) -> Customer:
    found = find_customer(request, number, "counter")
    return found.merged_into or found


def balances_shown(request: Request, member: Member) -> list[Page]:
    """What she has of each currency; stored value as one sum, with what of it she paid in."""
    held = purse.holdings(member, request.today)
    shown = []
    for key, one in held.items():
        if key in VALUE:
            continue
        ends = next(((on, n) for on, n in one.ends if on <= request.today + timedelta(days=60)), None)
        shown.append(Page(
            name=currency_said(key), said=f"{one.can_spend:,}", aside=amount_said(key, one.aside) if one.aside else "",
            ends=Page(on=ends[0], said=amount_said(key, ends[1])) if ends else None, of=None,
        ))  # fmt: skip
    if any(key in held for key in VALUE):
        paid, bonus = ((held[k].can_spend if k in held else 0) for k in (PRINCIPAL, BONUS))
        shown.append(Page(
            name=name_of("value"), said=say_money(paid + bonus, request.lang), aside="", ends=None,
            of=Words("其中本金 {p}，赠送 {b}", "{p} paid in, {b} bonus").fill(
                p=fen_said(paid), b=fen_said(bonus)
            ) if bonus else None,
        ))  # fmt: skip
    return shown


@needs("counter")
@require_GET
def counter_member(request: Request, number: int) -> HttpResponse:
    """Who she is, what she has, and what can be done with it."""
    customer = find_customer(request, number, "counter")
    if customer.merged_into_id:
        return redirect("counter-member", customer.merged_into_id)
    return _member_page(request, customer)


def _member_page(
    request: Request, customer: Customer, problem: Words | None = None, typed: dict[str, str] | None = None
) -> HttpResponse:
    terms, member, place = program.current(), program.member_of(customer), place_of(request)
    typed = typed or {}
    said = program.last()  # where the programme has ended, what she has can still be spent
    shown = customers_shown([customer], Badges(), request.user)[customer.pk]
    page = Page(
        name=shown.name, tail=shown.tail, grades=shown.grades, href=reverse("portrait", args=[customer.pk]), problem=problem,
        here=store_asked(request, customer),
        action=reverse("counter-moves", args=[customer.pk]), is_open=terms is not None or member is not None, has_ended=terms is None, member=None,
    )  # fmt: skip
    if member is not None and said is not None:
        held = coupons.coupons_of(member, request.today, place)
        tier = said.tiers.get(program.tier_of(member, said, request.today)) if terms is not None else None
        can_spend = {
            k: one.can_spend for k, one in purse.holdings(member, request.today).items() if one.can_spend
        }
        page.member = Page(
            number=member.number, since=member.joined_on, tier=tier, balances=balances_shown(request, member),
            coupons=[coupon_shown(c, place) for c in held], picked=(request.GET.get("coupon", ""), *typed.get("codes", "").split()),
            currencies=[
                (c.key, Words(c.name.zh, c.name.en)) for c in said.membership.currencies if c.key in can_spend
            ],
            rewards=[
                Page(number=o.pk, name=o.words, price=amount_said(o.currency, o.price), once=secrets.token_hex(8))
                for o in promotions.rewards(request.today)
            ],
            has_value=said.membership.value is not None, can_pay=any(k in can_spend for k in VALUE), pay=request.GET.get("pay", "")[:20], receipt=request.GET.get("receipt", "")[:64],
            offers=[(Words("满 {p} 送 {g}", "{g} on top of {p}")).fill(
                p=fen_said(round(o.pays * 100)), g=fen_said(round(o.gives * 100))
            ) for o in (said.membership.value.offers if said.membership.value else ())],
            corrects=corrected(said) if may(request.user, "membership") else [],
            paid_in=fen_said(can_spend[PRINCIPAL]) if PRINCIPAL in can_spend else None,
            tiers=[
                (p.tier, Words("{t}，{n}，{m} 个月", "{t}, {n}, {m} months").fill(
                    t=said.tiers[p.tier], n=fen_said(round(p.price * 100)), m=p.months))
                for p in (said.membership.paid if terms is not None else ())
            ],
            sold=[
                Page(number=b.pk, tier=said.tiers.get(b.tier) or b.tier, starts=b.starts_on, ends=b.ends_on)
                for b in program.tiers_bought(member, request.today)
            ],
            uses=[Page(
                on=u.on, number=u.pk, bill=u.bill, payable=u.payable, is_back=u.back_on is not None,
                names=[p.coupon.offer.words for p in u.parts.all()],
            ) for u in coupons.uses_of(member, 5)],
            once={k: secrets.token_hex(8) for k in ("coupons", "points", "pay", "top-up", "pay-out", "correct", "tier", "hand-over")},
            tried=typed.get("do", ""), was=lambda do, key: typed.get(key, "") if typed.get("do") == do else "",
        )  # fmt: skip
    return render(request, "counter_member.html", {"page": page}, status=422 if problem else 200)


# --- what is done there ----------------------------------------------------------------------------------------------


@needs("counter")
@require_POST
def counter_moves(request: Request, number: int) -> HttpResponse:
    """One thing that she wants: first what it would come to is shown, then, with `sure`, it is booked."""
    customer = _live(request, number)
    member, do = program.member_of(customer), request.POST.get("do", "")
    once = request.POST.get("once", "")
    try:
        if do == "join":
            program.terms()
            program.join(customer, request.today, "counter", store=store_here(request), by=request.user)
            return redirect("counter-member", customer.pk)
        if member is None:
            raise Refused(NOT_A_MEMBER)
        if do in FOR_WHO_RUNS_IT and not may(request.user, "membership"):
            raise PermissionDenied
        if do == "give-back":
            return _give_back(request, customer, member)
        if do == "undo-tier":
            program.undo_tier(member, number_in(request.POST.get("sold"), 1, 2**62) or 0, by=request.user)
            return redirect("counter-member", customer.pk)
        if do not in MOVES or not (once.isalnum() and len(once) <= 40):
            raise Refused(
                Words("没看懂要做什么，请再来一次", "What is wanted is not clear; please try again")
            )
        ahead, book = MOVES[do](request, member)
        if "sure" not in request.POST:
            said = _filled(request)
            shown = customers_shown([customer], Badges(), request.user)[customer.pk]
            page = Page(
                name=shown.name, action=request.path, back=reverse("counter-member", args=[customer.pk]), lines=ahead,
                fields=[(k, v) for k, values in said for v in values],
            )  # fmt: skip
            return render(request, "counter_sure.html", {"page": page})
        booked = book(once)
    except Refused as refused:
        typed = {k: request.POST.get(k, "")[:200] for k in SENT}
        typed["codes"] = " ".join(request.POST.getlist("code"))[:400]
        return _member_page(request, customer, refused.words, typed)
    if isinstance(booked, Approval):
        waits = Words(
            "记下了，等另一个人在会员页面上点头",
            "Noted: it waits for somebody else's yes on the membership page",
        )
        messages.success(request, waits.say(request.lang))
        return redirect("counter-member", customer.pk)
    return redirect("counter-done", customer.pk, once)


SENT = (
    "do", "once", "code", "bill", "amount", "currency", "pay", "top_up", "offer", "receipt", "pay_out", "change", "why",
    "tier", "to",
)  # fmt: skip


def _filled(request: Request) -> list[tuple[str, list[str]]]:
    return [(k, [v[:200] for v in request.POST.getlist(k)[:12]]) for k in SENT if k in request.POST]


def _give_back(request: Request, customer: Customer, member: Member) -> HttpResponse:
    """The bill was cancelled: its coupons are hers again."""
    number = number_in(request.POST.get("use"), 1, 2**62)
    hers = CouponUse.objects.filter(parts__coupon__member__in=kin.family_of(member.pk))
    used = hers.filter(pk=number or 0).distinct().first()
    if used is None:
        raise Refused(coupons.NO_USE)
    coupons.give_back(used, on=request.today, by=request.user)
    messages.success(request, Words("券退给她了", "She has her coupons back").say(request.lang))
    return redirect("counter-member", customer.pk)


@needs("counter")
@require_GET
def counter_done(request: Request, number: int, once: str) -> HttpResponse:
    """What was booked under this key, and what is left."""
    customer = _live(request, number)
    member = program.member_of(customer)
    if member is None:
        raise Http404
    family = kin.family_of(member.pk)
    postings = Posting.objects.filter(
        source__in=["counter", "reward", "correction"],
        source_id__in=[once, f"counter.{once}"],
        member__in=family,
    )
    numbers = list(postings.order_by("id").values_list("id", flat=True))
    lines: list[Words] = []
    for amounts in teller.amounts_of(numbers, family).values():
        lines += [change_said(key, n) for key, n in amounts.items()]
    bought = (
        Coupon.objects.select_related("offer")
        .filter(source="counter", source_id=once, member__in=family)
        .first()
    )
    if bought is not None:
        lines.append(Words("得到「{n}」", 'She got "{n}"').fill(n=bought.offer.words))
    used = CouponUse.objects.filter(
        source="counter", source_id=once, parts__coupon__member__in=family
    ).first()
    if used is not None:
        for part in used.parts.select_related("coupon__offer"):
            said = (
                Words("用了「{n}」，减 {o}", '"{n}" is used, {o} off')
                if part.off
                else Words("用了「{n}」", '"{n}" is used')
            )
            lines.append(said.fill(n=part.coupon.offer.words, o=fen_said(part.off)))
    if sold := TierBought.objects.filter(key=once, member__in=family).first():
        name = (program.last() or program.terms()).tiers.get(sold.tier) or sold.tier
        lines.append(Words("{t}，用到 {d}", "{t} until {d}").fill(t=name, d=sold.ends_on.isoformat()))
    if not lines:
        raise Http404
    shown = customers_shown([customer], Badges(), request.user)[customer.pk]
    back = reverse("counter-member", args=[customer.pk])
    pay_href = ""
    if used is not None and used.payable:
        pay_href = f"{back}?{urlencode({'pay': yuan(used.payable), 'receipt': used.receipt})}#pay"
    page = Page(
        name=shown.name, lines=lines, balances=balances_shown(request, member), back=back, next=reverse("counter"),
        payable=used.payable if used else None, pay_href=pay_href,
        code=in_groups(bought.code) if bought else "",
    )  # fmt: skip
    return render(request, "counter_done.html", {"page": page})
