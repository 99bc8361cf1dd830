"""The door of every page: which language, which day, who may come in, and where a new shop starts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from regulars.shop.calendar import business_day
from regulars.shop.models import Business
from regulars.web import jinja

OPEN_TO_ALL = ("/login/", "/start/", "/static/", "/health/", "/lang/", "/theme/", "/offline/", "/manifest.json")
OWN_DOOR = ("/api/",)  # checks tokens and sessions itself


def shop_day(business: Business | None, now: datetime | None = None) -> date:
    """The shop's calendar day: its own time zone, and the night belongs to the day before until the hour it names."""
    now = now or timezone.now()
    if business is None:
        return now.astimezone(ZoneInfo("Asia/Shanghai")).date()
    return business_day(now, business.day_ends_at, ZoneInfo(business.time_zone))


class Gate:
    """Middleware: sets `request.business`, `request.today`, `request.lang`; sends strangers to the login and an empty
    house to its first start."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        business = Business.objects.first()
        request.business = business  # type: ignore[attr-defined]
        request.today = shop_day(business)  # type: ignore[attr-defined]
        user: Any = request.user
        lang = (user.lang if user.is_authenticated else "") or request.COOKIES.get("lang") or ""
        request.lang = lang if lang in ("zh", "en") else (business.lang if business else "zh")  # type: ignore[attr-defined]
        request.theme = (user.theme if user.is_authenticated else "") or request.COOKIES.get("theme") or ""  # type: ignore[attr-defined]
        jinja.LANG.set(request.lang)  # type: ignore[attr-defined]
        jinja.TODAY.set(request.today)  # type: ignore[attr-defined]
        if not request.path.startswith(OPEN_TO_ALL + OWN_DOOR):
            if business is None:
                return redirect("/start/")
            if not user.is_authenticated:
                return redirect(f"/login/?next={request.get_full_path()}" if request.path != "/" else "/login/")
        return self.get_response(request)
