"""Retention that really deletes: what has been kept too long goes, in short steps, day by day."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Coalesce

from regulars.customers.erasing import erase
from regulars.customers.models import Customer, LegalHold, Note, Portrait, RequestState, RightsRequest
from regulars.customers.rules.retention import Due, Times, due
from regulars.sales.models import Sale
from regulars.shop import bulk
from regulars.shop.models import Alert, Business, Contact, Reading, TakenOut, Use, audit

A_DAY = 500
"""Customers who are forgotten in one day's run: a minute of work; whoever is left goes on the next day."""

IDENTITY_OF = "identity__link__customer"


def times() -> Times:
    """What the shop has set."""
    business = Business.objects.first()
    if business is None:
        return Times()
    return Times(business.keep_customers_months, business.keep_notes_months, business.keep_traces_months)


def due_on(on: date) -> Due:
    return due(on, times())


def _held() -> QuerySet[Any]:
    """The customers whose file is kept, read through merging."""
    return LegalHold.objects.annotate(root=Coalesce("customer__merged_into", "customer")).values("root")


def customers_due(before: date, limit: int = A_DAY, *, kept: bool = False) -> list[Customer]:
    """Customers without a visit, a contact or a note since a day, and not known for less; without those whose file is
    kept (`kept`: with them). Her receipts are looked at themselves: a portrait may be of yesterday."""
    found: list[Customer] = []
    old = Q(portrait=None) | Q(portrait__last_visit_on=None) | Q(portrait__last_visit_on__lt=before)
    base = Customer.objects.filter(old, merged_into=None, since_at__date__lt=before)
    if not kept:
        base = base.exclude(pk__in=_held())
    last = 0
    while len(found) < limit:
        chunk = list(base.filter(pk__gt=last).select_related("portrait").order_by("pk")[: max(limit, 200)])
        if not chunk:
            break
        last = chunk[-1].pk
        alive = _seen_since([c.pk for c in chunk], before)
        found += [c for c in chunk if c.pk not in alive]
    return found[:limit]


def _seen_since(ids: list[int], day: date) -> set[int]:
    """Those of these customers with a receipt, a contact, a note or an open request since a day."""
    into = dict(
        bulk.rows_in(
            f"SELECT id, merged_into_id FROM {Customer._meta.db_table} WHERE merged_into_id IN ({{marks}})",
            ids,
        )
    )
    family = [*ids, *into]
    seen: set[int] = set()
    for chunk in bulk.in_chunks(family):
        people: dict[str, Any] = {f"{IDENTITY_OF}__in": chunk}
        seen.update(
            Sale.objects.filter(day__gte=day, **people).values_list(IDENTITY_OF, flat=True).distinct()
        )
        seen.update(Contact.objects.filter(person__in=chunk, on__gte=day).values_list("person", flat=True))
        seen.update(Note.objects.filter(customer__in=chunk, on__gte=day).values_list("customer", flat=True))
        open_now = RightsRequest.objects.filter(
            customer__in=chunk, state__in=(RequestState.OPEN, RequestState.WAITING)
        )
        seen.update(c for c in open_now.values_list("customer", flat=True) if c)
    return {into.get(c, c) for c in seen}


def last_seen(customer: Customer) -> date | None:
    """The day of her last visit or contact."""
    portrait = Portrait.objects.filter(customer=customer).first()
    contact = Contact.objects.filter(person=customer.pk).aggregate(d=Max("on"))["d"]
    days = [d for d in (portrait.last_visit_on if portrait else None, contact) if d]
    return max(days, default=None)


def counted(before: Due) -> dict[str, int]:
    """How many records of each kind go, for the page that says so beforehand."""
    found = {"customers": len(customers_due(before.customers, 10_000)) if before.customers else 0}
    found["notes"] = Note.objects.filter(on__lt=before.notes).count() if before.notes else 0
    found["traces"] = 0
    if before.traces:
        found["traces"] = sum(
            m.objects.filter(on__lt=before.traces).count() for m in (Reading, Use, Alert, TakenOut)
        )
    return found


def sweep(on: date) -> dict[str, int]:
    """Delete what is due: at most `A_DAY` customers and short lists of the rest, each step for itself. Run again it
    goes on where it stopped. The caller lets the books follow."""
    before = due_on(on)
    done = {"customers": 0, "notes": 0, "traces": 0}
    if before.customers:
        for customer in customers_due(before.customers):
            erase(customer, on=on, why="retention")
            done["customers"] += 1
    if before.notes:
        kept = Q(customer__in=_held()) | Q(customer__merged_into__in=_held())
        done["notes"] = _delete(Note, Q(on__lt=before.notes) & ~kept)
    if before.traces:
        done["traces"] = sum(_delete(m, Q(on__lt=before.traces)) for m in (Reading, Use, Alert, TakenOut))
    if done["notes"] or done["traces"]:
        audit("retention", "business", detail={k: v for k, v in done.items() if k != "customers"})
    return done


def _delete(model: Any, which: Q, step: int = 2000) -> int:
    """Delete rows in short steps, so that nobody at the counter waits."""
    n = 0
    while ids := list(model.objects.filter(which).order_by("pk").values_list("pk", flat=True)[:step]):
        model.objects.filter(pk__in=ids).delete()
        n += len(ids)
    return n
