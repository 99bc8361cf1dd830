"""Guarding what is known of customers: limits, who looked at what, files that leave the house, who is let in."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace as Page
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.customers.export import COLUMNS, Export, taken_today, write_export
from regulars.customers.models import Customer
from regulars.customers.queries import named_exactly
from regulars.customers.sight import let_in, sees
from regulars.shop import readings
from regulars.shop.models import Alert, AuditEvent, Business, Reading, Staff, audit
from regulars.shop.spreadsheets import ENDINGS
from regulars.shop.words import Refused, Words
from regulars.web.customers import asked_customers
from regulars.web.may import needs
from regulars.web.request import Request, number_in
from regulars.web.trail_said import VERBS, detail_said, subject_said

# --- limits and the watermark ----------------------------------------------------------------------------------------


@needs("settings")
@require_http_methods(["GET", "POST"])
def settings_guard(request: Request) -> HttpResponse:
    """How many numbers a day, how many rows in a file, whether screens carry their reader's name."""
    business = request.business
    errors: dict[str, Words] = {}
    if request.method == "POST":
        reveals = number_in(request.POST.get("reveals_a_day"), 0, 1000)
        rows = number_in(request.POST.get("export_rows"), 0, 1_000_000)
        if reveals is None:
            errors["reveals_a_day"] = Words("填 0 到 1000", "0 to 1000")
        if rows is None:
            errors["export_rows"] = Words("填 0 到 1000000", "0 to 1,000,000")
        cap = number_in(request.POST.get("charge_cap"), 0, 100_000)
        claims = number_in(request.POST.get("claims_a_day"), 0, 1000)
        idle = number_in(request.POST.get("pool_after_days"), 0, 3650)
        for name, value in (("charge_cap", cap), ("claims_a_day", claims), ("pool_after_days", idle)):
            if value is None and name in request.POST:
                errors[name] = Words("填 0 或更大的整数", "A whole number, 0 or more")
        if not errors and reveals is not None and rows is not None:
            pool = {"charge_cap": cap, "claims_a_day": claims, "pool_after_days": idle}
            values = {
                **{name: value for name, value in pool.items() if value is not None},
                "reveals_a_day": reveals,
                "export_rows": rows,
                "has_watermark": "has_watermark" in request.POST,
            }
            Business.objects.filter(pk=business.pk).update(**values)
            audit("change-guard", "business", by=request.user, detail=values)
            messages.success(request, Words("保存了", "Saved").say(request.lang))
            return redirect("settings-guard")
    page = Page(
        action=reverse("settings-guard"), errors=errors,
        filled={
            "reveals_a_day": request.POST.get("reveals_a_day", business.reveals_a_day),
            "export_rows": request.POST.get("export_rows", business.export_rows), "has_watermark": business.has_watermark,
            **{name: request.POST.get(name, getattr(business, name)) for name in ("charge_cap", "claims_a_day", "pool_after_days")},
        },
    )  # fmt: skip
    return render(request, "settings_guard.html", {"page": page}, status=422 if errors else 200)


@needs("look")
@require_GET
def watermark(request: Request) -> HttpResponse:
    """The reader's own name and the day, as a picture that lies faintly over every page."""
    from django.utils.html import escape

    said = escape(f"{request.user.name} · {request.today.isoformat()}")
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="360" height="220"><text x="20" y="150" transform="rotate(-24 180 110)" '
        f'font-family="sans-serif" font-size="15" fill="#888888" fill-opacity="0.16">{said}</text></svg>'
    )
    response = HttpResponse(svg, content_type="image/svg+xml")
    response["Cache-Control"] = "private, no-store"
    return response


# --- who looked at what ----------------------------------------------------------------------------------------------

A_PAGE = 60
SHOWN_DAYS = 30


@needs("audit")
@require_http_methods(["GET", "POST"])
def watch(request: Request) -> HttpResponse:
    """What is unusual, who had numbers shown, and every line of the audit trail; posting marks warnings as read."""
    if request.method == "POST":
        Alert.objects.filter(seen_at=None).update(seen_by=request.user, seen_at=timezone.now())
        return redirect("watch")
    before = number_in(request.GET.get("before"), 1, 2**62)
    subject = request.GET.get("subject", "").strip()[:60]
    lines = AuditEvent.objects.order_by("-id")
    if subject:
        lines = lines.filter(subject=subject)
    if before:
        lines = lines.filter(id__lt=before)
    found = list(lines[: A_PAGE + 1])
    since = request.today - timedelta(days=SHOWN_DAYS)
    alerts = list(
        Alert.objects.select_related("staff", "seen_by").filter(on__gte=since).order_by("-on", "-id")[:50]
    )
    fresh = [a for a in alerts if a.seen_at is None]
    readers = (
        Reading.objects.filter(on__gte=since).exclude(reason=readings.LIST).values("staff")
        .annotate(n=Count("id"), people=Count("person", distinct=True)).order_by("-n")[:20]
    )  # fmt: skip
    names = dict(Staff.objects.values_list("pk", "name"))
    kept = {"subject": subject} if subject else {}
    page = Page(
        sentence=Words("{n} 条提醒还没看", "{n} warnings to look at" if len(fresh) != 1 else "One warning to look at").fill(n=len(fresh))
        if fresh else Words("没有不寻常的", "Nothing unusual"),
        alerts=[Page(who=a.staff.name if a.staff else "", said=Words(*a.words), on=a.on, is_new=a.seen_at is None, by=a.seen_by.name if a.seen_by else "") for a in alerts],
        has_new=bool(fresh), action=reverse("watch"),
        readers=[Page(who=names.get(r["staff"], ""), n=r["n"], people=r["people"]) for r in readers],
        lines=[Page(at=e.at, who=e.actor_name, verb=VERBS.get(e.verb, Words(e.verb, e.verb)), subject=subject_said(e.subject, names), href=_subject_href(e.subject), why=e.why or "", detail=detail_said(e.detail, request.lang)) for e in found[:A_PAGE]],
        subject=subject_said(subject, names) if subject else None, older=_query(before=found[A_PAGE - 1].pk, **kept) if len(found) > A_PAGE else "", reasons=readings.REASONS,
    )  # fmt: skip
    return render(request, "watch.html", {"page": page})


def _query(**values: Any) -> str:
    from urllib.parse import urlencode

    return "?" + urlencode(values)


def _subject_href(subject: str) -> str:
    kind, _, number = subject.partition(" ")
    return reverse("portrait", args=[int(number)]) if kind == "customer" and number.isdecimal() else ""


# --- files that leave the house --------------------------------------------------------------------------------------


@needs("export")
@require_http_methods(["GET", "POST"])
def export(request: Request) -> HttpResponse:
    """A list as a file: why, which columns, and whose name stands in it."""
    only, late, said = asked_customers(request)
    problems: list[Words] = []
    may_numbers = request.user.may("reveal")
    left = max(0, request.business.export_rows - taken_today(request.user, request.today))
    if request.method == "POST":
        ending = request.POST.get("ending", "csv")
        if ending not in ENDINGS:
            raise Http404
        wanted = Export(
            only=only, late=late, numbers=may_numbers and "numbers" in request.POST, why=request.POST.get("why", ""),
            ending=ending, limit=left, lang=request.lang,
        )  # fmt: skip
        try:
            name, content = write_export(
                wanted, by=request.user, on=request.today, at=timezone.now(), zone=request.business.time_zone
            )
        except Refused as refused:
            problems.append(refused.words)
        else:
            response = HttpResponse(content, content_type=ENDINGS[ending])
            response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
            return response
    page = Page(
        sentence=said, left=left, limit=request.business.export_rows, may_numbers=may_numbers, columns=[w for _, w in COLUMNS],
        problems=problems, action=request.get_full_path(), why=request.POST.get("why", ""), back=reverse("customers") + ("?" + request.GET.urlencode() if request.GET else ""),
    )  # fmt: skip
    return render(request, "customers_export.html", {"page": page}, status=422 if problems else 200)


# --- who is let in ---------------------------------------------------------------------------------------------------


@needs("contact")
@require_POST
def customer_let_in(request: Request) -> HttpResponse:
    """A customer of another store says her whole number at the counter: her file opens for a while, on record."""
    text = request.POST.get("q", "").strip()[:60]
    found = named_exactly(text)
    if found is None:
        return redirect(reverse("customers") + "?" + f"q={quote(text)}")
    if not sees(request.user, found):
        try:
            readings.read(request.user, found.pk, "file", reason="identity", on=request.today)
            let_in(request.user, found)
        except Refused as refused:
            messages.warning(request, refused.words.say(request.lang))
            return redirect("customers")
    return redirect("portrait", get_object_or_404(Customer, pk=found.pk).pk)
