"""The membership programme as its owner sees it: who holds what, what it would cost, whether members come back; partners;
who brought whom; corrections that wait for a second person."""

from __future__ import annotations

import re
import secrets
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from types import SimpleNamespace as Page
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.db.models.functions import Coalesce
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.customers.models import Customer
from regulars.membership import opening, program, purse, referrals
from regulars.membership import partners as partnership
from regulars.membership.activity import cohorts
from regulars.membership.liability import Owed, liability
from regulars.membership.models import Member, Partner, PartnerUse, Reason, Referral, ReferralState
from regulars.membership.promotions import PromotionCost, promotion_costs
from regulars.membership.rules.terms import months_after
from regulars.playbooks.playbook import LIBRARY, load
from regulars.playbooks.say_membership import say_membership
from regulars.shop.calendar import day_words
from regulars.shop.models import Approval
from regulars.shop.words import Refused, Words
from regulars.web.counter_moves import fen_typed
from regulars.web.customers import find_customer
from regulars.web.ledger_said import currency_said, fen_said, figure_said
from regulars.web.may import may, needs
from regulars.web.request import Request
from regulars.web.shown import Badges, customers_shown, people
from regulars.web.store_here import store_here

STATES: dict[str, Words] = {
    ReferralState.WAITING: Words("等新客真的来买", "waiting for a purchase"),
    ReferralState.COUNTED: Words("算数了", "counted"),
    ReferralState.REFUSED: Words("不算", "not counted"),
    ReferralState.LAPSED: Words("过了期限没来买", "did not buy in time"),
    ReferralState.REVERSED: Words("买了又退，收回", "bought and returned"),
}


# --- overview --------------------------------------------------------------------------------------------------------


@needs("membership")
@require_GET
def membership(request: Request) -> HttpResponse:
    """What members hold, what that would cost, and whether they come back."""
    held, is_open = program.last(), program.current() is not None
    if held is None:
        return render(request, "membership_open.html", {"page": _opening(request)})
    owed = liability(held, request.today)
    members = program.how_many()
    cost = sum(o.fen for o in owed)
    waiting = (
        Approval.objects.filter(kind="correct-purse", is_granted=None)
        .select_related("asked_by")
        .order_by("id")
    )
    page = Page(
        sentence=Words("{n}；手里的积分和储值全兑掉要 {m}。", "{n}; all they hold would cost {m}.").fill(
            n=Words("{n} 位会员", "{n} members" if members != 1 else "{n} member").fill(n=f"{members:,}"), m=fen_said(round(cost, -2))
        ),
        more=(
            Words("{d}开通，按「{p}」。", "Since {d}, by “{p}”.") if is_open
            else Words("会员活动已停办，原来按「{p}」；手里的照样能用。", "The programme by “{p}” has ended; what members hold can still be spent.")
        ).fill(d=day_words(held.starts_on, request.today), p=held.playbook.name),
        opening=None if is_open else _opening(request), card_href=reverse("partner-card") if may(request.user, "counter") else "",
        owed=[_owed(o, request.lang) for o in owed], cohorts=[_cohort(c) for c in reversed(cohorts(request.today)) if c.members.people or c.others.people],
        promotions=[_promotion(c) for c in promotion_costs()[:12]],
        waiting=[_waiting(a) for a in waiting], rules=say_membership(held.playbook, request.lang), end_action=reverse("membership-end"),
        playbook_href=reverse("playbook", args=[held.playbook.key]),
    )  # fmt: skip
    return render(request, "membership.html", {"page": page})


def _opening(request: Request) -> Page:
    """The playbooks that have a programme to open, and what each says."""
    offered = [load(key) for key in LIBRARY if load(key).membership]
    return Page(
        today=request.today.isoformat(), action=reverse("membership-open"), options=[(p.key, p.name) for p in offered],
        said=[(p.name, say_membership(p, request.lang)) for p in offered],
    )  # fmt: skip


def _owed(owed: Owed, lang: str) -> Page:
    last = owed.months[-1]
    longest = max((m.outstanding for m in owed.months), default=0)
    said = Words("还要过一阵才知道会剩下多少不用", "not known yet how much will lapse")
    if owed.currency == "principal":
        said = Words("本金不过期，随时能退", "never lapses and can be had back at any time")
    elif owed.breakage is not None:
        said = Words("往常有 {p:.0%} 到期没用，预计要花 {m}", "{p:.0%} usually lapses; {m} expected").fill(
            p=owed.breakage, m=fen_said(round(owed.expected_fen, -2))
        )
    return Page(
        name=owed.name, units=figure_said(owed.currency, owed.units), cost=fen_said(round(owed.fen, -2)), said=said,
        pending=figure_said(owed.currency, owed.pending) if owed.pending else "",
        this_month=(
            Words("这个月充 {i}，用 {r}，退 {b}", "this month: {i} paid in, {r} spent, {b} paid back") if owed.currency == "principal"
            else Words("这个月发 {i}，用 {r}，到期 {e}，收回 {b}", "this month: {i} given, {r} spent, {e} lapsed, {b} taken back")
        ).fill(
            i=figure_said(owed.currency, last.issued), r=figure_said(owed.currency, last.redeemed),
            e=figure_said(owed.currency, last.expired), b=figure_said(owed.currency, last.reversed),
        ),
        bars=[
            Page(name=_month(m.last_day), share=m.outstanding / longest if longest else 0, value=figure_said(owed.currency, m.outstanding).say(lang), note="", rank="")
            for m in owed.months if m.outstanding or m.issued
        ],
        ends=[Page(month=_month(day), units=figure_said(owed.currency, n)) for day, n in owed.ends[:6]],
    )  # fmt: skip


def _promotion(cost: PromotionCost) -> Page:
    return Page(
        name=cost.offer.words, href=reverse("offer", args=[cost.offer.pk]), issued=cost.issued, used=cost.used, cost=cost.cost, budget=cost.offer.budget or None,
    )  # fmt: skip


def _month(day: date) -> Words:
    return Words(f"{day.year} 年 {day.month} 月", day.strftime("%b %Y"))


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.0%}"


def _cohort(cohort: Any) -> Page:
    return Page(
        month=_month(cohort.month), members=cohort.members.people, again=_share(cohort.members.again_share), active=_share(cohort.members.active_share),
        others=cohort.others.people, others_again=_share(cohort.others.again_share), others_active=_share(cohort.others.active_share),
    )  # fmt: skip


def _waiting(approval: Approval) -> Page:
    said = approval.detail
    member = Member.objects.filter(pk=int(approval.subject.split()[1])).first()
    reason = Reason.objects.filter(approval=approval).first()
    return Page(
        who=member.number if member else "—", href=reverse("portrait", args=[member.customer_id]) if member and member.customer_id else "",
        change=Words("+{n}" if said["change"] > 0 else "−{n}", "+{n}" if said["change"] > 0 else "−{n}").fill(n=figure_said(said["currency"], abs(said["change"]))),
        currency=currency_said(said["currency"]), why=str(reason.why) if reason else "", by=approval.asked_by.name if approval.asked_by else "",
        action=reverse("correction-decide", args=[approval.pk]),
    )  # fmt: skip


@needs("membership")
@require_POST
def membership_open(request: Request) -> HttpResponse:
    """Open the programme: sales since the day that she names earn."""
    try:
        starts = date.fromisoformat(request.POST.get("starts_on", ""))
    except ValueError:
        starts = date.max
    if not date(2000, 1, 1) <= starts <= request.today + timedelta(days=366):
        messages.error(request, Words("写上从哪天起算", "Say from which day on").say(request.lang))
        return redirect("membership")
    if program.current() is not None:  # a second click, or somebody else was quicker
        return redirect("membership")
    key = request.POST.get("playbook", "")
    if key not in LIBRARY or load(key).membership is None:
        raise Http404
    try:
        program.open_program(key, starts, by=request.user)
    except Refused as refused:
        messages.warning(request, refused.words.say(request.lang))
        return redirect("membership")
    if request.POST.get("balances"):
        done = opening.from_lists(request.today)
        said = Words("带来了 {n} 位会员的余额", "Balances of {n} members were brought along").fill(
            n=done.members
        )
        messages.success(request, said.say(request.lang))
        if done.refused:
            first = done.refused[0]
            messages.warning(
                request,
                Words("有 {n} 处没带过来，例如：{why}", "{n} were left out, such as: {why}")
                .fill(n=len(done.refused), why=first.reason)
                .say(request.lang),
            )
    from regulars.shop.actions import ask_for

    ask_for("settle", {}, by=request.user)
    messages.success(
        request,
        Words("会员开通了，积分正在补记", "Membership is open; points are being reckoned").say(request.lang),
    )
    return redirect("membership")


@needs("membership")
@require_POST
def membership_end(request: Request) -> HttpResponse:
    """End the programme: nothing is earned from tomorrow on; what members hold can still be spent."""
    program.end_program(request.today, by=request.user)
    messages.success(
        request,
        Words(
            "会员活动已停办，手里的积分照样能用",
            "The programme has ended; what members hold can still be spent",
        ).say(request.lang),
    )
    return redirect("membership")


@needs("membership")
@require_POST
def correction_decide(request: Request, number: int) -> HttpResponse:
    """Say yes or no to a correction that somebody else has asked for."""
    approval = get_object_or_404(Approval, pk=number, kind="correct-purse")
    try:
        purse.decide(approval, is_granted=request.POST.get("granted") == "yes", by=request.user)
    except Refused as refused:
        messages.error(request, refused.words.say(request.lang))
    else:
        messages.success(request, Words("记下了", "Noted").say(request.lang))
    return redirect("membership")


# --- referrals -------------------------------------------------------------------------------------------------------


@needs("membership")
@require_GET
def referrals_page(request: Request) -> HttpResponse:
    """Who brought whom lately, and who brings the most."""
    latest = list(Referral.objects.select_related("friend", "referrer__customer").order_by("-id")[:100])
    shown = customers_shown(
        [c for r in latest for c in (r.friend, r.referrer.customer) if c is not None], Badges(), request.user
    )
    best = (
        Referral.objects.filter(state=ReferralState.COUNTED, counted_on__gte=request.today - timedelta(days=364))
        .values(host=Coalesce("referrer__customer__merged_into", "referrer__customer")).annotate(n=Count("id")).order_by("-n", "host")[:10]
    )  # fmt: skip
    hosts = {c.pk: c for c in Customer.objects.filter(id__in=[b["host"] for b in best])}
    names = customers_shown(list(hosts.values()), Badges(), request.user)
    counted = Referral.objects.filter(state=ReferralState.COUNTED).count()
    page = Page(
        sentence=Words("老会员带来了 {n}，都真的买过。", "Members have brought {n} who really bought.").fill(n=people(counted)) if counted
        else Words("还没有带来真买过的新客。", "Nobody brought by a member has really bought yet."),
        rows=[
            Page(
                host=shown[r.referrer.customer_id].name if r.referrer.customer_id in shown else "—", host_href=_href(r.referrer.customer_id),
                friend=shown[r.friend_id].name if r.friend_id in shown else "—", friend_href=_href(r.friend_id),
                on=r.on, state=STATES[r.state], why=referrals.WHY.get(r.why, ""), is_good=r.state == ReferralState.COUNTED,
            )
            for r in latest
        ],
        best=[Page(name=names[b["host"]].name, href=_href(b["host"]), n=b["n"]) for b in best if b["host"] in names],
    )  # fmt: skip
    return render(request, "referrals.html", {"page": page})


def _href(customer: int | None) -> str:
    return reverse("portrait", args=[customer]) if customer else ""


@needs("contact")
@require_POST
def customer_refer(request: Request, number: int) -> HttpResponse:
    """Write down whose code a new customer has brought along."""
    customer = find_customer(request, number, "contact")
    try:
        found = referrals.bring(
            customer,
            referrals.by_code(request.POST.get("code", "")),
            on=request.today,
            how="counter",
            by=request.user,
        )
    except Refused as refused:
        messages.error(request, refused.words.say(request.lang))
    else:
        terms = program.current()
        said = (
            Words(
                "记下了：等她真的买过，两边都有礼", "Noted: both get their reward once she has really bought"
            )
            if terms is not None and terms.membership.referral is not None
            else Words(
                "记下了；现在介绍朋友没有礼", "Noted; nothing is given for bringing a friend at present"
            )
        )
        if found.why:
            said = Words("记下了，但不算介绍：{why}", "Noted, but not rewarded: {why}").fill(
                why=referrals.WHY[found.why]
            )
        messages.success(request, said.say(request.lang))
    return redirect("portrait", customer.pk)


# --- partners --------------------------------------------------------------------------------------------------------


@needs("membership")
@require_http_methods(["GET", "POST"])
def partners(request: Request) -> HttpResponse:
    """Other firms whose members are recognised here, and what each is billed for a month."""
    errors: dict[str, Words] = {}
    if request.method == "POST":
        errors = _make_partner(request)
        if not errors:
            messages.success(request, Words("合作方加上了", "The partner is in").say(request.lang))
            return redirect("partners")
    first = _month_asked(request)
    last = months_after(first, 1) - timedelta(days=1)
    settled = partnership.settlements(first, last)
    in_all = sum(s.borne for s in settled)
    page = Page(
        sentence=Words("{m}：合作方一共该付 {n}。", "{m}: partners owe {n} in all.").fill(m=_month(first), n=fen_said(in_all)) if settled
        else Words("还没有合作方。", "No partners yet."),
        rows=[
            Page(
                name=s.partner.name, benefit=s.partner.benefit, percent=f"{float(s.partner.percent_off):g}", begins=", ".join(s.partner.begins), cards=s.partner.cards.count(),
                until=s.partner.valid_until, is_over=s.partner.valid_until is not None and s.partner.valid_until < request.today, people=s.people, bills=s.bills,
                turnover=s.turnover, off=s.off, borne=s.borne, end_action=reverse("partner-end", args=[s.partner.pk]),
            )
            for s in settled
        ],
        older=f"?month={months_after(first, -1):%Y-%m}", newer=f"?month={months_after(first, 1):%Y-%m}" if months_after(first, 1) <= request.today else "",
        month=_month(first), filled=request.POST or {"valid_from": request.today.isoformat()}, errors=errors,
    )  # fmt: skip
    return render(request, "partners.html", {"page": page}, status=400 if errors else 200)


def _month_asked(request: Request) -> date:
    asked = re.fullmatch(r"(20\d\d)-(0[1-9]|1[0-2])", request.GET.get("month", ""))
    return date(int(asked[1]), int(asked[2]), 1) if asked else request.today.replace(day=1)


def _make_partner(request: Request) -> dict[str, Words]:
    said = request.POST
    errors: dict[str, Words] = {}
    numbers: dict[str, Decimal] = {}
    for name in ("percent_off", "share_percent"):
        try:
            numbers[name] = Decimal(said.get(name, "") or "0")
            if not numbers[name].is_finite():
                raise InvalidOperation
        except InvalidOperation:
            errors[name] = Words("写一个数，例如 10", "Write a number, such as 10")
    days: dict[str, date | None] = {}
    for name, needed in (("valid_from", True), ("valid_until", False)):
        text = said.get(name, "")
        try:
            days[name] = date.fromisoformat(text) if text or needed else None
        except ValueError:
            errors[name] = Words("日期写成 2026-05-01 这样", "Write the day like 2026-05-01")
    if errors:
        return errors
    try:
        partnership.make(
            said.get("name", ""), begins=said.get("begins", ""), cards=re.split(r"[\r\n,，;；]+", said.get("cards", "")),
            benefit=said.get("benefit", ""), percent_off=numbers["percent_off"], share_percent=numbers["share_percent"],
            valid_from=days["valid_from"] or request.today, valid_until=days["valid_until"], by=request.user,
        )  # fmt: skip
    except Refused as refused:
        return {"": refused.words}  # one sentence for the whole form: it may be about any of its fields
    return {}


@needs("membership")
@require_POST
def partner_end(request: Request, number: int) -> HttpResponse:
    """The agreement ends with today."""
    partnership.end(get_object_or_404(Partner, pk=number), request.today, by=request.user)
    return redirect("partners")


@needs("counter")
@require_http_methods(["GET", "POST"])
def partner_card(request: Request) -> HttpResponse:
    """At the counter: whose member is this, what does her bill come to, served once. What is booked is what was looked up
    and read: the yes is a form of its own, and each look-up has a key of its own."""
    card, typed, is_sure = request.POST.get("card", ""), request.POST.get("bill", ""), "sure" in request.POST
    fresh = secrets.token_hex(16)
    once = request.POST.get("once", "")[:64] if is_sure else ""
    page = Page(card=card, bill=typed, once=once or fresh, found=None, error="", done=None)
    if request.method == "POST":
        try:
            found, bill = partnership.recognise(card, request.today), fen_typed(typed)
            off = partnership.off(found, bill)
            page.found = Page(name=found.name, benefit=found.benefit, off=off, pays=bill - off)
            if is_sure:
                used = partnership.use(
                    found,
                    card,
                    bill,
                    key=page.once,
                    on=request.today,
                    store=store_here(request),
                    by=request.user,
                )
                page.done = Page(pays=used.bill - used.off, undo=reverse("partner-use-undo", args=[used.pk]))
        except Refused as refused:
            page.error, page.once = refused.words, fresh
    return render(request, "partner_card.html", {"page": page}, status=400 if page.error else 200)


@needs("counter")
@require_POST
def partner_use_undo(request: Request, number: int) -> HttpResponse:
    """The bill was cancelled."""
    uses = PartnerUse.objects.filter(on=request.today)
    if request.user.store is not None:  # a desk takes back its own bills, not another store's
        uses = uses.filter(store=request.user.store)
    partnership.undo(get_object_or_404(uses, pk=number), by=request.user)
    messages.success(request, Words("撤销了，不算进结算", "Taken back; it is not settled").say(request.lang))
    return redirect("partner-card")
