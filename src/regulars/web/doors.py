"""Where a session stands at the door: may it go on, does its phone ask for the PIN, is a second factor still missing."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from regulars.shop import doors_actions as doors
from regulars.shop.doors import Login, Pin, has_second_factor
from regulars.shop.models import Business, Staff
from regulars.shop.rules.doors import asks_pin, device_kind, is_over, masked_address, network_of


def device_cookie() -> str:
    """The name of the cookie by which a device is known again; it opens nothing."""
    return "__Host-device" if settings.SESSION_COOKIE_SECURE else "device"


DEVICE_LASTS = 400 * 24 * 3600
"""The longest that browsers keep a cookie."""

STILL_OPEN = ("/logout/", "/lang/", "/theme/", "/login/")
"""What a session that may not go on is still let to do; sign-in sends it back by itself."""


def clock() -> datetime:
    """The instant by which logins end and phones ask for their PIN; tests put their own in its place."""
    return timezone.now()


def address_of(request: HttpRequest) -> str:
    """Where a visitor calls from. Behind a proxy that is the last address of X-Forwarded-For, which the proxy itself has
    written; what stands before it anybody may have invented."""
    if settings.IS_BEHIND_PROXY and (told := request.headers.get("X-Forwarded-For", "")):
        return told.rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def network(request: HttpRequest) -> str:
    return network_of(address_of(request))


def device_of(request: HttpRequest) -> str:
    """The mark of the device from which a request comes, or nothing for one that was never here."""
    return doors.device_mark(_device(request))


def _device(request: HttpRequest) -> str:
    return request.get_signed_cookie(device_cookie(), "", salt="device") or ""


def come_in(request: Any, staff: Staff, how: str, *, is_shared: bool = False) -> None:
    """Sign somebody in: under a new session key, remembered as a login on this device."""
    device = _device(request) or secrets.token_hex(16)
    login(request, staff)  # the session gets a new key, so one that somebody planted is worth nothing
    request.door = doors.begin_login(
        staff, request.session.session_key, device=doors.device_mark(device), kind=device_kind(request.headers.get("User-Agent", "")),
        address=masked_address(address_of(request)), how=how, is_shared=is_shared, now=clock(),
    )  # fmt: skip
    request.new_device = device


def keep_device(request: Any, response: HttpResponse) -> None:
    """Let a device be known again that somebody has just signed in from."""
    if device := getattr(request, "new_device", ""):
        response.set_signed_cookie(
            device_cookie(), device, salt="device", max_age=DEVICE_LASTS, httponly=True, samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE or request.is_secure(),
        )  # fmt: skip


def look(request: Any, business: Business | None) -> HttpResponse | None:
    """What the door says to a request of somebody who is signed in: None to go on, else where she is led.

    Sets `request.door` (her login here), `request.news` (logins from devices that are new to her).
    """
    request.door, request.news = None, []
    user = request.user
    if not user.is_authenticated:
        return None
    now = clock()
    mark = doors.session_mark(request.session.session_key)
    found = list(Login.objects.filter(Q(session=mark) | Q(staff=user, is_news=True)).order_by("-came_at"))
    mine = next((one for one in found if one.session == mark), None)
    if mine is None:  # signed in before logins were remembered
        mine = doors.begin_login(
            user, request.session.session_key, kind=device_kind(request.headers.get("User-Agent", "")),
            address=masked_address(address_of(request)), now=now,
        )  # fmt: skip
    request.door, request.news = mine, [one for one in found if one.is_news and one != mine]
    if mine.ended_at or mine.staff_id != user.pk or is_over(mine.came_at, mine.seen_at, now, mine.is_shared):
        doors.end_logins(mine.staff, only=mine)
        return _stranger(request)
    if request.path.startswith(STILL_OPEN):
        return None
    if mine.is_shared and business:
        if not mine.is_locked and asks_pin(mine.seen_at, now, business.pin_minutes):
            doors.lock(mine)
            mine.is_locked = True
        if mine.is_locked:
            return _led_to(request, "/pin/")
        if not Pin.objects.filter(staff=user).exists():
            doors.see(mine, now)
            return _led_to(request, "/settings/pin/")
    doors.see(mine, now)
    if business and user.role in business.second_for and not has_second_factor(user):
        return _led_to(request, "/settings/second/")
    return None


def _stranger(request: Any) -> HttpResponse | None:
    """The login is over: whoever holds the phone is nobody now, and the gate treats her so."""
    logout(request)
    request.door, request.news = None, []
    return None


def _led_to(request: Any, where: str) -> HttpResponse | None:
    """To the one page that has to be done first. Programs and scripts hear that they are not let in."""
    if request.path.startswith(where):
        return None
    if request.path.startswith("/api/"):
        request.user, request.door = AnonymousUser(), None  # for this request only; her login goes on
        return None
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=401)
    following = request.get_full_path() if request.method == "GET" else "/"
    return redirect(where + (f"?{urlencode({'next': following})}" if following != "/" else ""))


def follow(request: Any) -> None:
    """A session that got a new key (a changed password) keeps its login; one that was left ends it."""
    mine: Login | None = getattr(request, "door", None)
    if mine is None:
        return
    key = request.session.session_key
    if not request.user.is_authenticated:
        doors.end_logins(mine.staff, only=mine)
    elif key and doors.session_mark(key) != mine.session:
        Login.objects.filter(pk=mine.pk).update(session=doors.session_mark(key), ended_at=None)
