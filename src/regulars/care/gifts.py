"""Presents: none to a public official, and to everybody else not more in a year than the shop has set."""

from __future__ import annotations

from datetime import date

from django.db.models import Sum

from regulars.customers.models import Customer
from regulars.customers.queries import details_of, family_of
from regulars.customers.rules.consent import Verdict
from regulars.shop.models import Business, Contact, Staff, audit
from regulars.shop.money import say_money
from regulars.shop.words import Refused, Words

OFFICIAL = Words(
    "她是公职人员，不能送礼，也不能送要花钱的东西；这次已拦下并留了记录",
    "She is a public official: no presents and nothing that costs money. This one was stopped and put on record",
)
OVER_CAP = Words(
    "今年已经送了她 {spent}，上限 {cap}，这份 {cost} 送不了",
    "Presents of {spent} were given to her this year; the cap is {cap}, so this one of {cost} can't be given",
)


def is_official(customer: Customer) -> bool:
    """Whether she is marked as a public official, or her occupation says so."""
    said = details_of(customer)
    return said.get("public_official") == "true" or said.get("occupation") == "official"


def given_in_year(customer: Customer, year: int) -> int:
    """What presents and other costs of care came to in a calendar year, in fen."""
    spent = Contact.objects.filter(person__in=family_of(customer), on__year=year).aggregate(n=Sum("cost"))
    return int(spent["n"] or 0)


def may_give(customer: Customer, cost: int, on: date) -> Verdict:
    """Whether a present of so many fen may be given to her today, and why not. 0 fen is a present too."""
    if is_official(customer):
        return Verdict(False, OFFICIAL)
    cap = Business.objects.values_list("gift_cap_fen", flat=True).first() or 0
    spent = given_in_year(customer, on.year)
    if cap and spent + cost > cap:
        said = {
            k: Words(say_money(v, "zh"), say_money(v, "en"))
            for k, v in (("spent", spent), ("cap", cap), ("cost", cost))
        }
        return Verdict(False, OVER_CAP.fill(**said))
    return Verdict(True, Words("可以送", "It may be given"))


def give(customer: Customer, cost: int, *, on: date, by: Staff | None = None) -> None:
    """Ask before a present is given, by a task or by hand. Raises Refused; what was stopped stands in the audit trail,
    so call it outside the transaction that the refusal takes back."""
    root = customer.merged_into or customer
    verdict = may_give(root, cost, on)
    if not verdict:
        reason = "official" if verdict.why == OFFICIAL else "cap"
        audit("gift-blocked", f"customer {root.pk}", by=by, detail={"fen": cost, "reason": reason})
        raise Refused(verdict.why)
