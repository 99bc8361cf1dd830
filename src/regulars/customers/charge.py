"""Who looks after whom: one person in charge, colleagues who help, and the pool of customers in nobody's charge."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction
from django.db.models import F, Q

from regulars.customers.models import Customer, Customers, Shared
from regulars.shop import bulk
from regulars.shop.models import Business, Contact, Staff, Use, audit
from regulars.shop.words import Refused, Words

TAKEN = Words("她刚刚已经有人负责了", "Somebody has just taken charge of her")


def give_charge(customer: Customer, to: Staff | None, *, by: Staff, on: date, why: str = "") -> None:
    """Put a customer into somebody's charge, or (None) into nobody's."""
    with transaction.atomic():
        bulk.alone("charge")
        if to is not None:
            _must_have_room(to, 1)
        Customer.objects.filter(pk=customer.pk).update(in_charge=to, charged_on=on if to else None)
        Shared.objects.filter(customer=customer, staff=to).delete()
        audit("give-charge", f"customer {customer.pk}", by=by, why=why, detail={"to": to.pk if to else None})
    customer.in_charge = to


def share(customer: Customer, staff: Staff, *, by: Staff) -> None:
    """Let a colleague look after a customer together with whoever is in charge."""
    if customer.in_charge_id == staff.pk:
        raise Refused(Words("本来就是她负责", "She is in charge already"))
    if not staff.is_active:
        raise Refused(Words("这位已经离职了", "She has left"))
    _, is_new = Shared.objects.get_or_create(customer=customer, staff=staff, defaults={"by": by})
    if is_new:
        audit("share", f"customer {customer.pk}", by=by, detail={"with": staff.pk})


def unshare(customer: Customer, staff: Staff, *, by: Staff) -> None:
    """A colleague no longer looks after this customer."""
    if Shared.objects.filter(customer=customer, staff=staff).delete()[0]:
        audit("unshare", f"customer {customer.pk}", by=by, detail={"with": staff.pk})


def in_pool(viewer: Staff) -> Customers:
    """The customers whom somebody may take: of her stores, who have been here and are in nobody's charge."""
    found = Customer.objects.filter(in_charge=None, merged_into=None, is_gone=False, portrait__visits__gt=0)
    posts = [p for p in viewer.powers.posts if "claim" in p.role.abilities]
    if any(p.store is None for p in posts):
        return found
    stores = [p.store for p in posts]
    return found.filter(Q(store__in=stores) | Q(portrait__last_store__in=stores))


def claim(customer: int, *, by: Staff, on: date) -> Customer:
    """Take a customer out of the pool. Of two who reach for her one gets her; the other is refused. So is whoever has
    taken her share of the day, or as many customers as one person may have."""
    with transaction.atomic():
        bulk.alone("charge")
        business = Business.objects.get()
        today, _ = Use.objects.get_or_create(staff=by, on=on, kind="claim")
        taken = today.n
        if taken >= business.claims_a_day:
            raise Refused(
                Words(
                    "今天已经认领了 {n} 位，明天再来", "{n} are yours since today; come back tomorrow"
                ).fill(n=taken)
            )
        _must_have_room(by, 1)
        if not in_pool(by).filter(pk=customer).exists():
            raise Refused(TAKEN)
        if Customer.objects.filter(pk=customer, in_charge=None).update(in_charge=by, charged_on=on) != 1:
            raise Refused(TAKEN)
        Use.objects.filter(pk=today.pk).update(n=F("n") + 1)
        audit("claim", f"customer {customer}", by=by)
    return Customer.objects.get(pk=customer)


def room_of(staff: Staff) -> int | None:
    """How many more customers somebody may have in charge; None: as many as come."""
    cap = Business.objects.values_list("charge_cap", flat=True).first() or 0
    return max(0, cap - Customer.objects.filter(in_charge=staff, merged_into=None).count()) if cap else None


def _must_have_room(staff: Staff, n: int) -> None:
    if not staff.is_active:
        raise Refused(Words("这位已经离职了", "She has left"))
    room = room_of(staff)
    if room is not None and room < n:
        raise Refused(
            Words("{w}负责的顾客到上限了", "{w} has as many customers as one person may have").fill(
                w=staff.name
            )
        )


def back_to_pool(on: date) -> int:
    """Customers whom nobody has contacted or seen for as long as the owner allows go back to the pool; by the day's run.
    Returns how many."""
    days = Business.objects.values_list("pool_after_days", flat=True).first() or 0
    if not days:
        return 0
    since = on - timedelta(days=days)
    spoken = Contact.objects.filter(on__gt=since).values("person")
    idle = Customer.objects.filter(in_charge__isnull=False, merged_into=None).exclude(pk__in=spoken)
    idle = idle.exclude(portrait__last_visit_on__gt=since).exclude(charged_on__gt=since)
    ids = list(idle.values_list("pk", flat=True))
    for chunk in bulk.in_chunks(ids):
        Customer.objects.filter(pk__in=chunk).update(in_charge=None, charged_on=None)
    for number in ids:
        audit("back-to-pool", f"customer {number}", why=f"{days} days")
    return len(ids)
