"""Who looks after whom: the page on which somebody who leaves hands over, the pack, the pool, a customer's own people."""

from __future__ import annotations

from types import SimpleNamespace as Page

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.care import handover as verbs
from regulars.care.models import HandedOver, Handover, Task
from regulars.customers import charge
from regulars.customers.models import Customer, Shared
from regulars.customers.pairs import in_charge_of
from regulars.customers.queries import family_of
from regulars.customers.sight import sees
from regulars.shop.calendar import day_words
from regulars.shop.models import Staff, with_powers
from regulars.shop.words import Refused, Words
from regulars.web.customers import find_customer
from regulars.web.may import needs
from regulars.web.request import Request, number_in, way_back
from regulars.web.settings_pages import colleague
from regulars.web.shown import Badges, ShownCustomer, customers_shown, people


def _in_all(n: int) -> Words:
    """How much somebody has in hand: customers and unfinished work together."""
    return Words("{n} 项", "{n} items" if n != 1 else "1 item").fill(n=f"{n:,}")


KINDS: dict[str, Words] = {
    "customers.Customer.in_charge": Words("负责的顾客", "customers in charge"),
    "customers.Shared.staff": Words("一起照顾的顾客", "customers shared"),
    "care.Task.staff": Words("没做完的事和答应过的事", "open tasks and promises"),
}
"""What the kinds of records that pass are called; a later stage's kind stands under its own name until it has one."""


def _kind(model: str, field: str) -> Words:
    return KINDS.get(f"{model}.{field}", Words(model, model))


# --- somebody hands over ---------------------------------------------------------------------------------------------


@needs("assign")
@require_http_methods(["GET", "POST"])
def settings_member_handover(request: Request, number: int) -> HttpResponse:
    """All that a colleague has in hand, who takes it over, and whether she leaves."""
    staff = colleague(request, number)
    heirs = [s for s in with_powers(_heirs(request).exclude(pk=staff.pk)) if s.may("contact")]
    problems: list[Words] = []
    if request.method == "POST":
        chosen = {number_in(n, 1, 2**62) for n in request.POST.getlist("to")}
        leaves = request.POST.get("what") == "leaves"
        try:
            _may_leave(request, staff, leaves)
            made = verbs.hand_over(
                staff, [s for s in heirs if s.pk in chosen], by=request.user, on=request.today, leaves=leaves
            )
        except Refused as refused:
            problems.append(refused.words)
        else:
            return redirect("handover", made.pk)
    held = verbs.in_hand(staff)
    mine = list(
        Customer.objects.filter(in_charge=staff, merged_into=None).order_by("-portrait__spend_in_12_months")
    )
    risky = verbs.customers_at_risk(staff, request.today)
    ids = (
        Customer.objects.filter(pk__in=[c.pk for c in risky])
        .visible_to(request.user)
        .values_list("pk", flat=True)
    )
    seen = set(ids)
    named = [c for c in risky if c.pk in seen]
    n = sum(one.n for one in held)
    page = Page(
        name=staff.name, sentence=Words("{w}手里还有 {n}", "{w} has {n} in hand").fill(w=staff.name, n=_in_all(n)) if n else Words("{w}手里没有事", "{w} has nothing in hand").fill(w=staff.name),
        held=[Page(name=_kind(one.model, one.field), n=one.n) for one in held],
        birthdays=len(verbs.birthdays_ahead(mine, request.today)), risky=_shown(request, named[:5]), risky_n=len(risky),
        heirs=[Page(key=s.pk, name=s.name, role=s.role_words, store=s.store.name if s.store else "", is_near=bool(staff.store_id) and s.store_id == staff.store_id) for s in heirs],
        is_active=staff.is_active, action=reverse("settings-member-handover", args=[staff.pk]), problems=problems,
    )  # fmt: skip
    return render(request, "handover.html", {"page": page}, status=422 if problems else 200)


def _heirs(request: Request) -> QuerySet[Staff]:
    """Colleagues at work to whom this visitor may give something, or with whom she may share: of her stores, and those
    who work for all. Who assigns nobody shares her own customers with the colleagues of the store where she works."""
    reach = request.user.reach("assign")
    found = Staff.objects.filter(is_active=True).select_related("store").order_by("id")
    if reach.everybody or (reach.nobody and request.user.store_id is None):
        return found
    stores = reach.stores or {request.user.store_id}
    return found.filter(Q(store__in=stores) | Q(store=None) | Q(pk=request.user.pk))


def _may_leave(request: Request, staff: Staff, leaves: bool) -> None:
    if not leaves:
        return
    if not request.user.may("staff"):
        raise Refused(Words("停用账号要由管员工的人来", "Ending access is for whoever manages staff"))
    last = (
        staff.role == "owner"
        and not Staff.objects.filter(role="owner", is_active=True).exclude(pk=staff.pk).exists()
    )
    if staff.pk == request.user.pk or last:
        raise Refused(
            Words("不能停用自己或最后一位老板", "You can't end your own access or the last owner's")
        )


def _shown(request: Request, found: list[Customer]) -> list[ShownCustomer]:
    shown = customers_shown(found, Badges(), request.user)
    return [shown[c.pk] for c in found]


@needs("assign")
@require_GET
def handover(request: Request, number: int) -> HttpResponse:
    """The pack: what passed to whom, who is to be called first, whose birthday comes; made for paper too."""
    made = _made(request, number)
    names = dict(Staff.objects.values_list("pk", "name"))
    passed = list(
        HandedOver.objects.filter(handover=made, model="customers.Customer").values_list("record", "now")
    )
    mine = {
        c.pk: c for c in Customer.objects.filter(pk__in=[r for r, _ in passed]).select_related("portrait")
    }
    greet = Task.objects.filter(rule="hand-over", occasion=f"handover:{made.pk}").order_by("-rank")
    first = list(greet.select_related("customer", "staff"))
    visible = set(
        Customer.objects.filter(pk__in=[*mine, *(t.customer_id for t in first)])
        .visible_to(request.user)
        .values_list("pk", flat=True)
    )
    shown = customers_shown(
        [
            *(c for c in mine.values() if c.pk in visible),
            *(t.customer for t in first if t.customer_id in visible),
        ],
        Badges(),
        request.user,
    )
    days = [
        (d, c) for d, c in verbs.birthdays_ahead([c for c in mine.values() if c.pk in visible], request.today)
    ]
    page = Page(
        name=made.leaver_name, on=made.on, by=made.by.name if made.by else "", has_left=made.has_left, is_undone=made.undone_at is not None,
        sentence=Words("{w}手里的 {n}都交出去了，没有落下的", "{n} passed from {w}, nothing is left behind").fill(w=made.leaver_name, n=_in_all(sum(made.counts.values()))),
        counts=[Page(name=_kind(*key.rsplit(".", 1)), n=n) for key, n in made.counts.items()],
        heirs=[
            Page(name=names.get(h, ""), customers=[shown[c] for c, now in passed if now == h and c in shown], n=sum(now == h for _, now in passed)) for h in made.to
        ],
        first=[Page(customer=shown[t.customer_id], staff=t.staff.name if t.staff else "", is_done=t.state != "open") for t in first if t.customer_id in shown],
        birthdays=[Page(on=day_words(d, request.today), customer=shown[c.pk], staff=names.get(c.in_charge_id or 0, "")) for d, c in days],
        undo=reverse("handover-undo", args=[made.pk]) if made.undone_at is None else "",
    )  # fmt: skip
    return render(request, "handover_pack.html", {"page": page})


def _made(request: Request, number: int) -> Handover:
    found = Handover.objects.select_related("by", "leaver")
    if not request.user.reach("assign").everybody:
        found = found.filter(Q(by=request.user) | Q(leaver__store__in=request.user.reach("assign").stores))
    return get_object_or_404(found, pk=number)


@needs("assign")
@require_POST
def handover_undo(request: Request, number: int) -> HttpResponse:
    """Take a hand-over back."""
    made = _made(request, number)
    if made.has_left and made.undone_at is None:
        if not request.user.may("staff"):
            raise PermissionDenied
        colleague(request, made.leaver_id or 0)  # whose account opens again
    try:
        done = verbs.undo(made, by=request.user)
    except Refused as refused:
        messages.warning(request, refused.words.say(request.lang))
    else:
        said = Words("撤回了，{n}回到了原来的人手里", "Taken back: {n} returned").fill(
            n=_in_all(done["back"])
        )
        if done["stayed"]:
            more = Words("；{n} 后来又换了人，没有动", "; {n} had been passed on since and stay").fill(
                n=_in_all(done["stayed"])
            )
            said = Words(said.zh + more.zh, said.en + more.en)
        messages.success(request, said.say(request.lang))
    return redirect("handover", made.pk)


# --- one customer's people -------------------------------------------------------------------------------------------


def charge_card(request: Request, customer: Customer) -> Page | None:
    """Who looks after her, and what this visitor may change about it."""
    assigns = sees(request.user, customer, "assign")
    keeper = in_charge_of(customer)
    is_hers = keeper == request.user
    shared = list(
        Shared.objects.filter(customer__in=family_of(customer)).select_related("staff").order_by("id")
    )
    may_change = assigns or is_hers
    if not may_change and not keeper and not shared:
        return None
    return Page(
        who=keeper.name if keeper else "", is_hers=is_hers, may_assign=assigns, may_change=may_change,
        shared=[Page(key=s.staff_id, name=s.staff.name) for s in shared],
        staff=[(s.pk, s.name) for s in with_powers(_heirs(request)) if s.may("contact")] if may_change else [],
        action=reverse("customer-charge", args=[customer.pk]),
    )  # fmt: skip


@needs("contact")
@require_POST
def customer_charge(request: Request, number: int) -> HttpResponse:
    """Put her into somebody's charge (`to`), back into the pool (`pool`), or share her with a colleague (`share`,
    `unshare`). Who may assign does all of it; who is in charge shares, and lets go."""
    customer = find_customer(request, number, "contact")
    customer = customer.merged_into or customer
    is_hers = in_charge_of(customer) == request.user
    near = _heirs(request)
    try:
        if not (sees(request.user, customer, "assign") or is_hers):
            raise Refused(
                Words(
                    "负责她的人或店长才能换人",
                    "Only whoever is in charge, or a manager, changes who looks after her",
                )
            )
        if "pool" in request.POST:
            charge.give_charge(customer, None, by=request.user, on=request.today)
        elif "to" in request.POST:
            to = get_object_or_404(near, pk=number_in(request.POST["to"], 1, 2**62) or 0)
            charge.give_charge(
                customer, to, by=request.user, on=request.today, why=request.POST.get("why", "")
            )
        elif "share" in request.POST:
            charge.share(
                customer,
                get_object_or_404(near, pk=number_in(request.POST["share"], 1, 2**62) or 0),
                by=request.user,
            )
        elif "unshare" in request.POST:
            one = get_object_or_404(Staff, pk=number_in(request.POST["unshare"], 1, 2**62) or 0)
            charge.unshare(customer, one, by=request.user)
        messages.success(request, Words("改好了", "Done").say(request.lang))
    except Refused as refused:
        messages.warning(request, refused.words.say(request.lang))
    return redirect(way_back(request, reverse("portrait", args=[customer.pk])))


# --- the pool --------------------------------------------------------------------------------------------------------

POOL_SHOWN = 60


@needs("claim")
@require_GET
def pool(request: Request) -> HttpResponse:
    """Customers in nobody's charge, the best first; her number is not shown before she is somebody's."""
    free = charge.in_pool(request.user).select_related("portrait")
    found = list(free.order_by("-portrait__spend_in_12_months", "portrait__customer")[:POOL_SHOWN])
    shown = customers_shown(found, Badges(), request.user)
    room = charge.room_of(request.user)
    page = Page(
        sentence=Words("没人负责的顾客，花得多的在前", "Customers in nobody's charge, the best first"),
        more=Words("每天最多认领 {n} 位", "At most {n} a day").fill(n=request.business.claims_a_day) if room is None
        else Words("每天最多认领 {n} 位，您还能负责 {r}", "At most {n} a day; you may take {r} more").fill(n=request.business.claims_a_day, r=people(room)),
        rows=[
            Page(name=_half(shown[c.pk].name), grades=shown[c.pk].grades, last=c.portrait.last_visit_on, visits=c.portrait.visits_in_12_months,
                 spend=c.portrait.spend_in_12_months, action=reverse("customer-claim", args=[c.pk]))
            for c in found
        ],
    )  # fmt: skip
    return render(request, "pool.html", {"page": page})


def _half(name: str) -> str:
    """A name of which one knows whom it might be, not who it is.

    >>> _half("欧阳修文"), _half("Ann"), _half("")
    ('欧***', 'A**', '')
    """
    return name[:1] + "*" * min(3, max(0, len(name) - 1))


@needs("claim")
@require_POST
def customer_claim(request: Request, number: int) -> HttpResponse:
    """Take a customer out of the pool; of two who reach for her one gets her."""
    try:
        mine = charge.claim(number, by=request.user, on=request.today)
    except Refused as refused:
        messages.warning(request, refused.words.say(request.lang))
        return redirect("pool")
    messages.success(request, Words("现在由您负责她", "She is in your charge now").say(request.lang))
    return redirect("portrait", mine.pk)
