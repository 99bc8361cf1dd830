"""The door of every page: which language, which day, who may come in, and where a new shop starts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone

from regulars.shop.calendar import business_day
from regulars.shop.models import Business
from regulars.web import doors, jinja
from regulars.web.errors import nothing_to_see
from regulars.web.may import may

OPEN_TO_ALL = ("/login/", "/static/", "/health/", "/lang/", "/theme/", "/offline/", "/manifest.json", "/m/")
OWN_DOOR = ("/api/",)  # checks tokens and sessions itself

LARGEST_UPLOAD = 300 * 1024 * 1024
"""A million receipts in a spreadsheet are a tenth of this; what is larger is not a till's export."""


def shop_day(business: Business | None, now: datetime | None = None) -> date:
    """The shop's calendar day: its own time zone, and the night belongs to the day before until the hour it names."""
    now = now or timezone.now()
    if business is None:
        return now.astimezone(ZoneInfo("Asia/Shanghai")).date()
    return business_day(now, business.day_ends_at, ZoneInfo(business.time_zone))


def _leave_out_nul(request: HttpRequest) -> None:
    """No keyboard types the character 0, no store keeps it, and PostgreSQL refuses the whole question for it."""
    asked: Any = request
    for part in ("GET", "POST"):
        sent: QueryDict = getattr(request, part)
        if any("\0" in value for values in sent.lists() for value in values[1]):
            cleaned = sent.copy()
            for name, values in sent.lists():
                cleaned.setlist(name, [value.replace("\0", "") for value in values])
            setattr(asked, part, cleaned)


class Gate:
    """Middleware: sets `request.business`, `request.today`, `request.lang`; sends strangers to the login and an empty
    house to its first start; turns away what is too large before it is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        business = Business.objects.first()
        led = doors.look(request, business)
        user: Any = request.user
        lang = (user.lang if user.is_authenticated else "") or request.COOKIES.get("lang") or ""
        asked: Any = request
        asked.business = business
        asked.today = shop_day(business)
        asked.lang = lang if lang in ("zh", "en") else (business.lang if business else "zh")
        asked.theme = (user.theme if user.is_authenticated else "") or request.COOKIES.get("theme") or ""
        asked.may = partial(may, user)
        jinja.LANG.set(asked.lang)
        jinja.TODAY.set(asked.today)
        jinja.ZONE.set(business.time_zone if business else "Asia/Shanghai")
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_UPLOAD:
            return render(request, "413.html", status=413)
        if not request.path.startswith(OPEN_TO_ALL + OWN_DOOR):
            if business is None:
                if not request.path.startswith("/start/"):
                    return redirect("/start/")
            elif not user.is_authenticated:
                wanted = (
                    {"next": request.get_full_path()}
                    if request.method == "GET" and request.path != "/"
                    else {}
                )
                return redirect("/login/" + (f"?{urlencode(wanted)}" if wanted else ""))
        if led is not None and not request.path.startswith("/static/"):
            return led
        _leave_out_nul(request)
        response = self.get_response(request)
        if response.status_code == 405 and not request.path.startswith(OWN_DOOR):
            allowed, response = response["Allow"], nothing_to_see(request)
            response["Allow"] = allowed
        doors.follow(request)
        doors.keep_device(request, response)
        if user.is_authenticated and not response.has_header("Cache-Control"):
            response["Cache-Control"] = (
                "private, no-store"  # a shared phone's back button shows nobody's customers
            )
        return response
