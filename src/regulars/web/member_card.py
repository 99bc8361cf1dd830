"""A customer's membership on her portrait: the tier that she sees, beside the grade that the shop thinks; what she holds."""

from __future__ import annotations

from types import SimpleNamespace as Page
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from regulars.customers.models import Customer
from regulars.membership import program, purse, referrals, settle
from regulars.membership.models import Referral, ReferralState
from regulars.membership.rules.ledger import name_of
from regulars.shop.calendar import day_words
from regulars.shop.words import Refused, Words
from regulars.web.customers import find_customer
from regulars.web.ledger_said import figure_said
from regulars.web.may import may, needs
from regulars.web.membership import STATES
from regulars.web.request import Request


def member_card(request: Request, customer: Customer, may_write: bool) -> Page | None:
    """What stands on the card; None where the shop has no programme."""
    held = program.current()
    if held is None:
        return None
    member = program.member_of(customer)
    brought = Referral.objects.filter(friend__in=program.files_of(customer)).order_by("id").first()
    runs = may(request.user, "membership") and member is not None
    actions: dict[str, Any] = {
        "works_here": member is not None and program.works_here(member),
        "staff_action": reverse("customer-works-here", args=[customer.pk]) if runs else "",
        "join_action": reverse("customer-join", args=[customer.pk]) if may_write and member is None else "",
        "refer_action": reverse("customer-refer", args=[customer.pk]) if may_write and brought is None and held.membership.referral else "",
        "brought": STATES[brought.state] if brought else "", "why": referrals.WHY.get(brought.why, "") if brought else "",
    }  # fmt: skip
    if member is None:
        return Page(number="", playbook=held.playbook.key, **actions)
    names = {c.key: c.name for c in held.membership.currencies}
    tier = program.tier_of(member, held, request.today)
    owed = settle.owed_by([member.pk])
    holds = []
    for currency, holding in sorted(
        purse.holdings(member, request.today).items(), key=lambda x: x[0] not in names
    ):
        notes = []
        if holding.aside:
            notes.append(Words("{n} 还不能用", "{n} not yet").fill(n=figure_said(currency, holding.aside)))
        if holding.ends:
            day, n = holding.ends[0]
            notes.append(
                Words("{n} 到 {d} 为止", "{n} until {d}").fill(
                    n=figure_said(currency, n), d=day_words(day, request.today)
                )
            )
        if (member.pk, currency) in owed:
            notes.append(
                Words("欠 {n}，下次先扣", "owes {n}").fill(n=figure_said(currency, owed[member.pk, currency]))
            )
        holds.append(
            Page(
                name=names.get(currency, name_of(currency)),
                n=figure_said(currency, holding.can_spend),
                notes=notes,
            )
        )
    return Page(
        number=member.number, tier=held.tiers.get(tier, ""), holds=holds, since=member.joined_on, brings=sum(r.state == ReferralState.COUNTED for r in referrals.brought_by(member)),
        benefits=[b.name for b in held.membership.benefits if tier in b.tiers], playbook=held.playbook.key, **actions,
    )  # fmt: skip


@needs("contact")
@require_POST
def customer_join(request: Request, number: int) -> HttpResponse:
    """Make her a member at the counter; receipts from today on earn."""
    customer = find_customer(request, number, "contact")
    try:
        program.terms()
    except Refused as refused:
        messages.error(request, refused.words.say(request.lang))
        return redirect("portrait", customer.pk)
    member = program.join(customer, request.today, "counter", store=request.user.store, by=request.user)
    messages.success(
        request,
        Words("入会了，会员号 {n}", "She is a member now: {n}").fill(n=member.number).say(request.lang),
    )
    return redirect("portrait", customer.pk)


@needs("membership")
@require_POST
def customer_works_here(request: Request, number: int) -> HttpResponse:
    """Say that a member works in the shop, or no longer does."""
    customer = find_customer(request, number)
    member = program.member_of(customer)
    if member is not None:
        program.say_works_here(member, request.POST.get("is_so") == "yes", by=request.user)
    return redirect(reverse("portrait", args=[customer.pk]) + "#member")
