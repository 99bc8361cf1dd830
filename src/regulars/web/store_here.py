"""In which store somebody stands who works with members: coupons may hold in some stores only."""

from __future__ import annotations

from types import SimpleNamespace as Page
from typing import Any
from zoneinfo import ZoneInfo

from regulars.customers.models import Customer
from regulars.membership.rules.coupons import Place
from regulars.shop.models import Store
from regulars.shop.words import Words
from regulars.web.doors import clock
from regulars.web.request import Request


def place_of(request: Request) -> Place:
    """Here and now, for coupons that hold on some days, at some hours, in some stores."""
    return now_in(store_here(request), request)


def now_in(store: Store | None, request: Any) -> Place:
    """The shop's day and hour in this store; of a member who looks at her phone no store is known."""
    now = clock().astimezone(ZoneInfo(request.business.time_zone))
    return Place(request.today, now.time(), store.pk if store else None, now.date() > request.today)


CHOSEN = "counter-store"
"""Where a session keeps in which store somebody stands whose account belongs to none."""


def store_here(request: Request) -> Store | None:
    """The store of this counter: that of the account, the only one, or the one that she has said she stands in."""
    if request.user.store_id:
        return request.user.store
    stores = list(Store.objects.filter(is_open=True).order_by("id"))
    if len(stores) == 1:
        return stores[0]
    return next((s for s in stores if s.pk == request.session.get(CHOSEN)), None)


def store_asked(request: Request, customer: Customer | None = None) -> Page | None:
    """The question in which store this is, for who belongs to none of several; the answer leads back to the customer."""
    stores = list(Store.objects.filter(is_open=True).order_by("id"))
    if request.user.store_id or len(stores) < 2:
        return None
    here = store_here(request)
    return Page(
        options=[("", Words("还没选", "not said")), *((s.pk, s.name) for s in stores)], chosen=here.pk if here else "",
        customer=customer.pk if customer else "",
    )  # fmt: skip
