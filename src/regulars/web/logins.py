"""Where people are signed in, the PIN of a phone in the shop, and how strict the door is."""

from __future__ import annotations

from types import SimpleNamespace as Page

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.shop import doors_actions
from regulars.shop.doors import Authenticator, Login, Passkey, Pin
from regulars.shop.models import Business, Staff, audit, every_role
from regulars.shop.words import Refused, Words
from regulars.web import doors
from regulars.web.may import needs
from regulars.web.request import Request, number_in, own_path
from regulars.web.second import is_fresh, proved

HOW = {
    "password": Words("密码", "password"),
    "app": Words("密码和验证码", "password and code"),
    "paper": Words("密码和恢复码", "password and recovery code"),
    "passkey": Words("通行密钥", "passkey"),
}
SHOWN_NEWS = 30


@needs("look")
@require_GET
def settings_logins(request: Request) -> HttpResponse:
    """Where she is signed in; the owner sees below which new devices others came from."""
    mine = list(Login.objects.filter(staff=request.user, ended_at=None).order_by("-seen_at"))
    here = request.door  # type: ignore[attr-defined]
    others = [one for one in mine if one.pk != here.pk]
    theirs = (
        Login.objects.filter(is_news=True).exclude(staff=request.user).select_related("staff").order_by("-came_at")[:SHOWN_NEWS]
        if request.user.may("audit")
        else []
    )  # fmt: skip
    page = Page(
        sentence=Words("除了这里，你还在 {n} 处登录着", "You are signed in in {n} other places" if len(others) != 1 else "You are signed in in one other place").fill(n=len(others))
        if others else Words("你只在这里登录着", "You are signed in here only"),
        logins=[_shown(one, is_here=one.pk == here.pk) for one in sorted(mine, key=lambda one: one.pk != here.pk)],
        others=bool(others), news=bool(request.news), theirs=[_shown(one) for one in theirs],  # type: ignore[attr-defined]
    )  # fmt: skip
    return render(request, "settings_logins.html", {"page": page})


def _shown(login: Login, *, is_here: bool = False) -> Page:
    return Page(
        device=login.device_words, address=login.address, how=HOW.get(login.how, Words("", "")), came_at=login.came_at,
        seen_at=login.seen_at, is_here=is_here, is_news=login.is_news, is_shared=login.is_shared, name=login.staff.name,
        is_open=login.ended_at is None, end=reverse("settings-login-end", args=[login.pk]),
    )  # fmt: skip


@needs("look")
@require_POST
def settings_login_end(request: Request, number: int) -> HttpResponse:
    """Sign out somewhere else; an owner also ends a login of others that looks wrong."""
    theirs = Login.objects.select_related("staff").filter(ended_at=None)
    if not request.user.may("audit"):
        theirs = theirs.filter(staff=request.user)
    login = get_object_or_404(theirs, pk=number)
    doors_actions.end_login(login, by=request.user)
    if login.pk == request.door.pk:  # type: ignore[attr-defined]
        request.session.flush()
        return redirect("login")
    messages.success(request, Words("那边已经退出", "That one is signed out").say(request.lang))
    return redirect("settings-logins")


@needs("look")
@require_POST
def settings_logins_end(request: Request) -> HttpResponse:
    """Sign out everywhere but here."""
    n = doors_actions.end_logins(request.user, but=request.door)  # type: ignore[attr-defined]
    audit("end-logins", f"staff {request.user.pk}", by=request.user, detail={"logins": n})
    messages.success(request, Words("别处都退出了", "Signed out everywhere else").say(request.lang))
    return redirect("settings-logins")


@needs("look")
@require_POST
def settings_logins_known(request: Request) -> HttpResponse:
    """She has read which devices are new."""
    doors_actions.know_devices(request.user, told_by=request.door)  # type: ignore[attr-defined]
    return redirect(own_path(request.POST.get("next"), reverse("settings-logins")))


# --- the PIN ---------------------------------------------------------------------------------------------------------


@needs("look")
@sensitive_post_parameters("pin")
@require_http_methods(["GET", "POST"])
def pin(request: Request) -> HttpResponse:
    """A phone of the shop lay still: six figures, then on where she was."""
    following = own_path(request.POST.get("next") or request.GET.get("next"))
    login: Login = request.door  # type: ignore[attr-defined]
    if not login.is_locked:
        return redirect(following)
    error, left = None, None
    if request.method == "POST":
        left = doors_actions.unlock(login, request.POST.get("pin", "")[:20], doors.clock())
        if left is None:
            return redirect(following)
        if left == 0:
            request.session.flush()
            ended = Words(
                "PIN 错太多次，请用密码登录", "Too many wrong PINs; please sign in with the password"
            )
            messages.error(request, ended.say(request.lang))
            return redirect("login")
        error = Words("PIN 不对，还能试 {n} 次", "Wrong PIN; {n} tries left" if left > 1 else "Wrong PIN; one try left").fill(n=left)  # fmt: skip
    page = Page(error=error or "", next=following, name=request.user.name)
    return render(request, "pin.html", {"page": page}, status=401 if error else 200)


@needs("look")
@sensitive_post_parameters("pin", "old")
@require_http_methods(["GET", "POST"])
def settings_pin(request: Request) -> HttpResponse:
    """Her own PIN, the same on every phone of the shop."""
    following = own_path(request.POST.get("next") or request.GET.get("next"), reverse("settings"))
    errors: dict[str, Words] = {}
    if request.method == "POST":
        if wrong := proved(request):
            errors["old"] = wrong
        else:
            try:
                doors_actions.set_pin(request.user, request.POST.get("pin", "")[:20])
            except Refused as refused:
                errors["pin"] = refused.words
            else:
                messages.success(request, Words("PIN 设好了", "The PIN is set").say(request.lang))
                return redirect(following)
    page = Page(
        errors=errors, next=following, asks_password=not is_fresh(request), has=Pin.objects.filter(staff=request.user).exists(),
        minutes=request.business.pin_minutes, is_shared=request.door.is_shared,  # type: ignore[attr-defined]
    )  # fmt: skip
    return render(request, "settings_pin.html", {"page": page}, status=422 if errors else 200)


# --- how strict the door is ------------------------------------------------------------------------------------------


@needs("settings", writing="audit")
@require_http_methods(["GET", "POST"])
def settings_door(request: Request) -> HttpResponse:
    """Who must have a second step, and after how many minutes a phone asks for its PIN. The owner decides."""
    business, is_owner, every = request.business, request.user.may("audit"), every_role()
    errors: dict[str, Words] = {}
    chosen, minutes = set(business.second_for), str(business.pin_minutes)
    if request.method == "POST":
        chosen, minutes = (
            set(request.POST.getlist("second_for")) & set(every),
            request.POST.get("pin_minutes", ""),
        )
        number = number_in(minutes, 1, 120)
        if number is None:
            errors["pin_minutes"] = Words("填 1 到 120", "1 to 120")
        else:
            said = {"second_for": [r for r in every if r in chosen], "pin_minutes": number}
            Business.objects.filter(pk=business.pk).update(**said)
            audit("change-door", "business", by=request.user, detail=said)
            messages.success(request, Words("保存了", "Saved").say(request.lang))
            return redirect("settings-door")
    with_app = set(Authenticator.objects.values_list("staff", flat=True))
    with_key = set(Passkey.objects.values_list("staff", flat=True))
    people = [
        Page(
            name=s.name, role=s.role_words, is_on=s.pk in with_app | with_key,
            drop=reverse("settings-door-second-end", args=[s.pk]) if is_owner and s.pk in with_app | with_key and s.pk != request.user.pk else "",
        )
        for s in Staff.objects.filter(is_active=True).order_by("id")
    ]  # fmt: skip
    n = sum(p.is_on for p in people)
    page = Page(
        sentence=Words("{n} 位在岗的人里，{m} 位两步登录", "{m} of {n} at work sign in with a second step").fill(n=len(people), m=n),
        roles=[Page(key=k, words=w, on=k in chosen) for k, w in every.items()], minutes=minutes, errors=errors, people=people,
        is_owner=is_owner,
    )  # fmt: skip
    return render(request, "settings_door.html", {"page": page}, status=422 if errors else 200)


@needs("audit")
@require_POST
def settings_door_second_end(request: Request, number: int) -> HttpResponse:
    """Somebody lost the phone that proves her: her second step is taken off, and she is signed out everywhere."""
    staff = get_object_or_404(Staff, pk=number)
    doors_actions.drop_second_factors(staff, by=request.user)
    said = Words(
        "去掉了，请{n}用密码登录后重新设", "Taken off; {n} signs in with the password and sets up anew"
    )
    messages.success(request, said.fill(n=staff.name).say(request.lang))
    return redirect("settings-door")
