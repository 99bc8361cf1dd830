"""What staff do for a member's own page: show her a code to scan at the counter, read out a code that nobody sends yet."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace as Page

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.customers.models import Customer
from regulars.customers.queries import mask
from regulars.customers.rules.consent import PURPOSES
from regulars.membership import door, program
from regulars.shop.models import AuditEvent, Outgoing, audit
from regulars.shop.words import Words
from regulars.web import doors
from regulars.web.customers import find_customer
from regulars.web.may import needs
from regulars.web.request import Request
from regulars.web.settings_pages import qr_svg
from regulars.web.shown import Badges, customers_shown

SHOWN = 200
"""Messages of the outbox on one page."""

CHANNELS = {"sms": Words("短信", "SMS"), "wechat": Words("微信", "WeChat"), "mail": Words("邮件", "e-mail")}
LOGIN = Words("会员页验证码", "Code for the member page")


@needs("contact")
@require_http_methods(["GET", "POST"])
def customer_member_code(request: Request, number: int) -> HttpResponse:
    """A code that signs her in on her own phone: made when asked for, good once, for ten minutes."""
    customer = find_customer(request, number, "contact")
    customer = customer.merged_into or customer
    is_member = program.member_of(customer) is not None
    address = ""
    if request.method == "POST" and is_member:
        secret = door.link_for(customer, doors.clock(), by=request.user)
        address = request.build_absolute_uri(reverse("member-link", args=[secret]))
    shown = customers_shown([customer], Badges(), request.user)[customer.pk]
    page = Page(
        name=shown.name, href=shown.href, is_member=is_member, qr=qr_svg(address) if address else "",
        minutes=int(door.LINK_HOLDS.total_seconds() // 60), action=reverse("customer-member-code", args=[customer.pk]),
    )  # fmt: skip
    return render(request, "customer_member_code.html", {"page": page})


@needs("outbox")
@require_GET
def outbox(request: Request) -> HttpResponse:
    """What waits to be sent. A code for the member page can be read out to whoever stands there and asks for it; that it
    was shown is kept."""
    now = timezone.now()
    hers = Customer.objects.visible_to(request.user, "names").values("pk")
    waiting = (
        Outgoing.objects.filter(state="waiting").filter(person__in=hers)
        | Outgoing.objects.filter(state="waiting", person=None)
    ).order_by("-id")
    rows = []
    for one in waiting[:SHOWN]:
        is_code = one.purpose == door.PURPOSE
        if is_code and one.put_at < now - door.HOLDS:
            continue
        if is_code:
            _on_record(request, one)
        rows.append(
            Page(
                to=mask("phone", str(one.to)), text=Words(*_both(str(one.text))), at=one.put_at, channel=CHANNELS.get(one.channel, Words(one.channel, one.channel)),
                purpose=LOGIN if is_code else PURPOSES[one.purpose].name if one.purpose in PURPOSES else Words(one.purpose, one.purpose),
                until=one.put_at + door.HOLDS if is_code else None, action=reverse("outbox-told", args=[one.pk]),
            )
        )  # fmt: skip
    return render(
        request, "outbox.html", {"page": Page(rows=rows, minutes=door.HOLDS // timedelta(minutes=1))}
    )


def _on_record(request: Request, message: Outgoing) -> None:
    """Who has seen which code stands in the trail, once for each."""
    seen = AuditEvent.objects.filter(verb="read-code", subject=f"message {message.pk}", actor=request.user)
    if not seen.exists():
        audit("read-code", f"message {message.pk}", by=request.user)


def _both(text: str) -> tuple[str, str]:
    """A message with its two languages on two lines, or one that has only one."""
    zh, _, en = text.partition("\n")
    return zh, en or zh


@needs("outbox")
@require_POST
def outbox_told(request: Request, number: int) -> HttpResponse:
    """Somebody has passed it on by word of mouth: it waits no longer."""
    hers = Customer.objects.visible_to(request.user, "names").values("pk")
    found = Outgoing.objects.filter(person__in=hers) | Outgoing.objects.filter(person=None)
    message = get_object_or_404(found, pk=number)
    if Outgoing.objects.filter(pk=message.pk, state="waiting").update(state="told", sent_at=timezone.now()):
        audit("tell-message", f"message {message.pk}", by=request.user)
    messages.success(request, Words("记下了", "Written down").say(request.lang))
    return redirect("outbox")
