"""How a customer comes to her own page: a code on her phone or a link at the counter, never a password; joining; out again.

Her session is her own: another cookie, another place in the store than those of staff, and neither opens the other's
pages. It begins only once she has proved who she is, so nobody can hand her one that he knows.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import wraps
from types import SimpleNamespace as Page
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from regulars.customers import consents
from regulars.customers.actions import add_customer, say_detail
from regulars.customers.models import Customer
from regulars.customers.queries import mask
from regulars.customers.rules.consent import PURPOSES
from regulars.membership import door, program, referrals
from regulars.membership.models import Member
from regulars.membership.rules.numbers import as_typed
from regulars.sales.rules.phones import phone as read_phone
from regulars.shop.keys import keys
from regulars.shop.models import audit
from regulars.shop.rules.doors import Pace, Patience, plain_code
from regulars.shop.words import Refused, Words
from regulars.web import doors, throttle
from regulars.web.may import open_to_all
from regulars.web.member_shown import promised
from regulars.web.sessions import MemberSessions

LASTS = timedelta(days=90)
"""A phone is one person's; who has not come for a season proves it once more."""

FRESH = timedelta(minutes=30)
"""So long after signing in she may take all her data along; a phone that was left lying may not."""

ONE_PHONE = Pace(burst=3, per_minute=0.2)
"""Codes for one phone asked from one place: the first got lost, the second as well; then one in five minutes."""

ONE_PHONE_ANYWHERE = Pace(burst=10, per_minute=0.5)
"""Codes for one phone from everywhere: nobody's phone rings all night."""

ONE_PLACE = Pace(burst=30, per_minute=6)
"""Codes from one address: the guests of a full restaurant share its network."""

GUESSES = Patience(free=20, longest=300)
"""Wrong codes from one address, over all phones."""

SOURCE = "member-page"
DEVICE_LASTS = 400 * 24 * 3600

FRIEND_LASTS = 30 * 24 * 3600
KNOCK_LASTS = 3600
CODE = re.compile(r"[0-9]{6}")


class Hers(HttpRequest):
    """A request of a member who is signed in on her own page."""

    business: Any
    today: Any
    lang: str
    her: Customer
    member: Member
    since: datetime
    how: str


# --- her session -----------------------------------------------------------------------------------------------------


def _name(of: str) -> str:
    return f"__Host-{of}" if settings.SESSION_COOKIE_SECURE else of


def _keep(request: HttpRequest, response: HttpResponse, of: str, value: str, seconds: int) -> None:
    response.set_cookie(
        _name(of), value, max_age=seconds, httponly=True, samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE or request.is_secure(),
    )  # fmt: skip


def _drop(response: HttpResponse, of: str) -> None:
    response.delete_cookie(_name(of), samesite="Lax")


def look(request: HttpRequest) -> bool:
    """Whether a member is signed in here; sets `.her`, `.member`, `.since` and `.how`. Who has left, has been deleted or stands
    behind nothing any more is out with this very request."""
    key = request.COOKIES.get(_name("member"), "")
    if not key:
        return False
    store = MemberSessions(key)
    number, at = store.get("customer"), store.get("at")
    if not number or at is None:
        return False
    since = datetime.fromisoformat(at)
    her = Customer.objects.select_related("merged_into").filter(pk=number).first()
    her = her and (her.merged_into or her)
    if her and not _is_still_hers(store, her):
        her = None  # parted from whom she was taken for, or the number is another's now: she proves it once more
    member = program.member_of(her) if her and not her.is_gone else None
    if her is None or member is None or doors.clock() - since >= LASTS:
        store.flush()
        return False
    asked: Any = request
    asked.her, asked.member, asked.since, asked.how = her, member, since, store.get("how", "")
    return True


def _is_still_hers(store: MemberSessions, her: Customer) -> bool:
    """Whether the phone that she has proved is still hers. Of one who came by a link nobody can tell which file was hers:
    none of those that were read as one then may have been parted from it."""
    if phone := store.get("phone"):
        return door.stands_behind(phone) == her
    return set(store.get("files", ())) <= set(program.files_of(her))


def come_in(request: HttpRequest, customer: Customer, how: str, phone: int = 0) -> HttpResponse:
    """Sign her in under a new key; what this browser held before is void. `phone`: the identity that she has proved; the
    session holds as long as it stands for her."""
    end_session(request)
    store = MemberSessions()
    store["customer"], store["at"], store["how"] = customer.pk, doors.clock().isoformat(), how
    store["phone"], store["files"] = phone, program.files_of(customer)
    store.set_expiry(int(LASTS.total_seconds()))
    store.save(must_create=True)
    rotate_token(request)
    audit("member-login", f"customer {customer.pk}", detail={"how": how})
    response = redirect("member")
    _keep(request, response, "member", str(store.session_key), int(LASTS.total_seconds()))
    _drop(response, "knock")
    _keep(request, response, "device", _device(request), DEVICE_LASTS)
    if (member := program.member_of(customer)) is not None:
        Member.objects.filter(pk=member.pk, device="").update(device=device_of(request))
    return response


def _device(request: HttpRequest) -> str:
    """What this phone is known again by, when several members come from it."""
    known = request.COOKIES.get(_name("device"), "")
    if not re.fullmatch(r"[0-9a-f]{32}", known):
        known = request.COOKIES[_name("device")] = secrets.token_hex(16)
    return known


def device_of(request: HttpRequest) -> str:
    """The phone as a keyed token: it names the phone to nobody."""
    return keys().token("device", _device(request)).hex()


def end_session(request: HttpRequest) -> None:
    """What this browser holds opens nothing any more."""
    if key := request.COOKIES.get(_name("member"), ""):
        MemberSessions(key).flush()


def hers(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A page for the member who is signed in; everybody else, staff too, is led to the member page's own door."""

    @wraps(view)
    def checked(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not look(request):
            return redirect("member")
        answer: HttpResponseBase = private(view(request, *args, **kwargs))
        return answer

    return open_to_all(checked)


def private(response: Any) -> Any:
    """Nothing of her page is kept by anybody between, and none by the browser."""
    response["Cache-Control"] = "private, no-store"
    return response


def at_the_door(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A page before the door: open to everybody once the shop has been founded."""

    @wraps(view)
    def checked(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.business is None:
            return redirect("start")
        answer: HttpResponseBase = private(view(request, *args, **kwargs))
        return answer

    return open_to_all(checked)


# --- by a code on her phone ------------------------------------------------------------------------------------------


def friend_of(request: HttpRequest) -> str:
    """The code of the friend who sent her, as far as it has the form of one."""
    code = as_typed(request.GET.get("from", "")[:40] or request.COOKIES.get(_name("friend"), "")[:40])
    return code if len(code) == 10 else ""


def welcome(request: Any, error: Words | None = None, status: int = 200, phone: str = "") -> HttpResponse:
    """What a stranger sees: the shop, what members get, one field for her phone."""
    terms = program.current()
    friend = friend_of(request)
    page = Page(
        shop=request.business.name, error=error or "", phone=phone, friend=bool(friend), is_open=terms is not None,
        about=terms.membership.about if terms else "",
    )  # fmt: skip
    response = render(request, "member_welcome.html", {"page": page}, status=status)
    if friend and "from" in request.GET:
        _keep(request, response, "friend", friend, FRIEND_LASTS)
    return response


@at_the_door
@sensitive_post_parameters("phone")
@require_POST
def member_login(request: Any) -> HttpResponse:
    """She asks for a code. Nothing is looked up: a phone that nobody knows is answered as one that is known."""
    phone, network = request.POST.get("phone", "").strip()[:40], doors.network(request)
    plain = read_phone(phone) or phone  # as it is read, so that another way of writing it is no other phone
    waits = max(
        throttle.too_fast("member-place", network, ONE_PLACE),
        throttle.too_fast("member-phone", f"{plain} {network}", ONE_PHONE),
        throttle.too_fast("member-anywhere", plain, ONE_PHONE_ANYWHERE),
    )
    if waits:
        return _slower(welcome(request, throttle.SLOWER.fill(n=waits), 429, phone), waits)
    try:
        secret = door.send_code(phone, request.business.name, doors.clock())
    except Refused as refused:
        return welcome(request, refused.words, 422, phone)
    response = redirect("member-code")
    _keep(request, response, "knock", secret, KNOCK_LASTS)
    return response


def _slower(response: HttpResponse, seconds: int) -> HttpResponse:
    response["Retry-After"] = str(seconds)
    return response


@at_the_door
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def member_code(request: Any) -> HttpResponse:
    """She types the code. Only now the shop looks whose phone it is."""
    secret, now = request.COOKIES.get(_name("knock"), ""), doors.clock()
    phone = door.waits_for_code(secret, now) if secret else ""
    if not phone:
        if secret and door.proved_phone(secret, now):
            return redirect("member-join")
        if request.method == "POST" and not look(request):  # a second tap of who is in already reads no error
            return welcome(request, door.OVER, 401)
        return redirect("member")
    error: Words | str = ""
    status = 200
    if request.method == "POST":
        tries = throttle.Tries("member-code", doors.network(request), GUESSES)
        code = plain_code(request.POST.get("code", "")[:20])
        if waits := tries.wait():
            return _slower(_code_page(request, phone, throttle.SLOWER.fill(n=waits), 429), waits)
        if not CODE.fullmatch(code):
            error, status = Words("验证码是 6 个数字", "The code is 6 figures"), 422
        else:
            try:
                door.try_code(secret, code, now)
            except Refused as refused:
                tries.wrong()
                error, status = refused.words, 401
            else:
                return _proved(request, secret, phone)  # a right one wipes out no wrong ones of others
    return _code_page(request, phone, error, status)


def _code_page(request: Any, phone: str, error: Words | str, status: int) -> HttpResponse:
    page = Page(shop=request.business.name, phone=mask("phone", phone), error=error)
    return render(request, "member_code.html", {"page": page}, status=status)


def _proved(request: Any, secret: str, phone: str) -> HttpResponse:
    customer = door.who_has(phone)
    if customer is not None and program.member_of(customer) is not None:
        door.forget(secret)
        return come_in(request, customer, "code", door.identity_of(phone))
    return redirect("member-join")


# --- joining ---------------------------------------------------------------------------------------------------------


@at_the_door
@require_http_methods(["GET", "POST"])
def member_join(request: Any) -> HttpResponse:
    """Whoever has proved her phone and is no member reads what membership means and says yes."""
    secret, now = request.COOKIES.get(_name("knock"), ""), doors.clock()
    phone = door.proved_phone(secret, now) if secret else ""
    if not phone:
        return redirect("member")
    terms, is_shared = program.current(), door.is_shared(phone)
    customer, errors = door.who_has(phone), {}
    may_join = terms is not None and not is_shared
    if request.method == "POST" and may_join:
        if request.POST.get("agree") != "yes":
            errors["agree"] = Words("请先看一看，再打勾", "Please read it and tick the box")
        else:
            try:
                customer = _joined(request, customer, phone)
            except Refused as refused:
                errors["agree"] = refused.words
            else:
                door.forget(secret)
                messages.success(
                    request, Words("欢迎，您是会员了", "Welcome: you are a member").say(request.lang)
                )
                response = come_in(request, customer, "join", door.identity_of(phone))
                _drop(response, "friend")
                return response
    page = Page(
        shop=request.business.name, phone=mask("phone", phone), may_join=may_join, is_shared=is_shared, errors=errors,
        lines=promised(terms) if terms else [], about=terms.membership.about if terms else "",
        asks_name=customer is None or not customer.name, name=request.POST.get("name", "")[:40],
        notices=[PURPOSES[p].wording for p in ("service", "care", "profiling")], marketing=PURPOSES["marketing"].wording,
        wants_marketing="marketing" in request.POST, friend=bool(friend_of(request)),
    )  # fmt: skip
    return render(request, "member_join.html", {"page": page}, status=422 if errors else 200)


def _joined(request: Any, customer: Customer | None, phone: str) -> Customer:
    """Make her a member, with her own words on what her data may be used for."""
    name = request.POST.get("name", "").strip()[:40]
    if customer is None:
        customer = add_customer(name=name, phone=phone)
    elif name and not customer.name:
        say_detail(customer, "name", name)
    program.join(customer, request.today, "page")
    if code := friend_of(request):
        with suppress(Refused):  # an old code, or somebody brought her before: she joins all the same
            referrals.bring(
                customer, referrals.by_code(code), on=request.today, how="page", device=device_of(request)
            )
    if all(purpose != "profiling" for purpose, _ in consents.standing(customer)):  # an earlier no stays a no
        consents.say_consent(customer, "profiling", True, source=SOURCE, on=request.today)
    if "marketing" in request.POST:
        consents.say_consent(customer, "marketing", True, source=SOURCE, on=request.today)
    return customer


# --- by a link at the counter ----------------------------------------------------------------------------------------


@at_the_door
@require_http_methods(["GET", "POST"])
def member_link(request: Any, secret: str) -> HttpResponse:
    """She has scanned the code at the counter. One tap lets her in: a chat program that looks at links uses none up."""
    error: Words | str = ""
    now, status = doors.clock(), 200
    if request.method == "POST":
        tries = throttle.Tries("member-link", doors.network(request), GUESSES)
        if waits := tries.wait():
            return _slower(throttle.wait_page(request, waits), waits)
        try:
            customer = door.come_in(secret[:64], now)
            if program.member_of(customer) is None:
                raise Refused(door.NO_LINK)
        except Refused as refused:
            tries.wrong()
            error, status = refused.words, 401
        else:
            return come_in(request, customer, "link")
    elif not door.is_open(secret[:64], now):
        error, status = door.NO_LINK, 404
    page = Page(shop=request.business.name, error=error, action=reverse("member-link", args=[secret]))
    return render(request, "member_link.html", {"page": page}, status=status)


# --- out -------------------------------------------------------------------------------------------------------------


@hers
@require_POST
def member_out(request: Hers) -> HttpResponse:
    """Sign out: the session ends in the store, not only in this browser."""
    end_session(request)
    response = redirect("member")
    _drop(response, "member")
    return response
