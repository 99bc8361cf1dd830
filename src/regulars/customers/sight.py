"""Whose customers a member of staff sees: one question, asked by every list, search, file, page and API answer.

A store sees those who came to it last, those who call it their home, and those who have been nowhere yet. Besides,
everybody sees whom she has in charge or looks after together with a colleague, who stands on her list of tasks, and who
has just said her whole number at the counter. Nobody else's customers exist for her: a number tried in an address finds
nothing, and a search doesn't say that there is more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from regulars.customers.models import Customer, Opened, Shared
from regulars.shop.models import Staff, audit
from regulars.shop.rules.policy import WHOLE
from regulars.shop.words import Refused, Words

OPEN_FOR = timedelta(hours=4)
"""A meal, a treatment, a fitting: as long as somebody who was let in may stay open on the counter."""

Source = Callable[[Staff], Iterable[int]]

_sources: list[Source] = []


def also_sees(source: Source) -> Source:
    """Register whom else a member of staff sees: a later stage's records that put a customer into somebody's hands."""
    _sources.append(source)
    return source


def within(staff: Staff, ability: str = "look") -> Q | None:
    """The condition on `Customer` of those with whom she may do this; None: no condition, everybody."""
    reach = staff.reach(ability)
    if reach.everybody or (ability in WHOLE and not reach.nobody):
        return None
    if reach.nobody:
        return Q(pk__in=[])
    found = Q(pk__in=sorted(hers(staff)))
    if reach.stores:
        # One who has been merged is wherever the one is who stands for her, never nowhere.
        nowhere = Q(merged_into=None, store=None) & (Q(portrait=None) | Q(portrait__last_store=None))
        found |= Q(store__in=reach.stores) | Q(portrait__last_store__in=reach.stores) | nowhere
    return found


def hers(staff: Staff) -> set[int]:
    """Customers in her charge, shared with her, on her list, or let in at the counter."""
    found: set[int] = set(Customer.objects.filter(in_charge=staff).values_list("id", flat=True))
    found.update(Shared.objects.filter(staff=staff).values_list("customer", flat=True))
    found.update(
        Opened.objects.filter(staff=staff, until__gt=timezone.now()).values_list("customer", flat=True)
    )
    for source in _sources:
        found.update(source(staff))
    into = Customer.objects.filter(pk__in=found).values_list("merged_into", flat=True)
    return found | {i for i in into if i}


def sees(staff: Staff, customer: Customer, ability: str = "look") -> bool:
    """Whether she may do this with this customer."""
    number: Any = customer.merged_into_id or customer.pk
    return Customer.objects.filter(pk=number).visible_to(staff, ability).exists()


def let_in(staff: Staff, customer: Customer) -> Opened:
    """She stands at the counter and has said her whole number: her file is open to this member of staff for a while."""
    if not staff.may("names"):
        raise Refused(Words("您的岗位不看具体的人", "Your post does not look at single persons"))
    audit("let-in", f"customer {customer.pk}", by=staff)
    return Opened.objects.create(customer=customer, staff=staff, until=timezone.now() + OPEN_FOR)
