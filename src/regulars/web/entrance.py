"""The entrance: signing in and out, and the first start of a new shop. No password exists before its owner types it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from types import SimpleNamespace as Page
from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.hashers import make_password
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from regulars.grading.actions import FIRST_PLAYBOOK, adopt, loaded, start_playbook
from regulars.shop.actions import TRADES, checked_password, found_business
from regulars.shop.doors import Login, has_second_factor
from regulars.shop.doors_actions import known_by_password
from regulars.shop.keys import keys
from regulars.shop.models import Business, Staff, Store
from regulars.shop.rules.passwords import LEAST, same_signs
from regulars.shop.words import Refused, Words
from regulars.web import doors, second, throttle, uploads
from regulars.web.may import needs, open_to_all
from regulars.web.request import Request, own_path

# --- signing in ------------------------------------------------------------------------------------------------------

WRONG = Words("邮箱或密码不对", "The e-mail or the password is wrong")


@open_to_all
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    business: Business | None = request.business  # type: ignore[attr-defined]
    if business is None:
        return redirect("start")
    following = own_path(request.POST.get("next") or request.GET.get("next"))
    if request.user.is_authenticated:
        return redirect(following)
    email, error, status = request.POST.get("email", "").strip()[:254], None, 200
    is_shared = "shared" in request.POST
    seconds = 0
    if request.method == "POST":
        tries = throttle.at_the_entrance(email, doors.network(request), _own_device(request, email))
        if seconds := throttle.wait_of(tries):
            error, status = throttle.SLOWER.fill(n=seconds), 429
        elif staff := known_by_password(email, request.POST.get("password", "")):
            tries[0].right()
            if has_second_factor(staff):
                second.wait_for(request, staff, following, is_shared)
                return redirect("login-code")
            doors.come_in(request, staff, "password", is_shared=is_shared)
            return redirect(following)
        else:
            for one in tries:
                one.wrong()
            error, status = WRONG, 401
    page = Page(
        email=email, error=error or "", next=following, business=business.name, is_example=business.is_example, is_shared=is_shared,
        passkeys=second.passkeys_work(request),
        example_said=Words(
            "这是一家例店，数据都是编的。账号和密码印在启动它的窗口里。",
            "An example shop; nothing in it is real. The account stands in the window that started it.",
        ),
    )  # fmt: skip
    response = render(request, "login.html", {"page": page}, status=status)
    if seconds:
        response["Retry-After"] = str(seconds)
    return response


def _own_device(request: HttpRequest, email: str) -> str:
    """The mark of the device, if this account was used on it before; tries are then counted for it alone."""
    device = doors.device_of(request)
    if not device or not Login.objects.filter(staff__email__iexact=email, device=device).exists():
        return ""
    return device


@needs("look")
@require_POST
def sign_out(request: Request) -> HttpResponse:
    logout(request)
    return redirect("login")


# --- language and look -----------------------------------------------------------------------------------------------

YEAR = 365 * 24 * 3600


@open_to_all
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    return _choose(request, "lang", request.POST.get("language", ""), ("zh", "en"))


@open_to_all
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    return _choose(request, "theme", request.POST.get("theme", ""), ("auto", "light", "dark"))


def _choose(request: HttpRequest, name: str, value: str, allowed: tuple[str, ...]) -> HttpResponse:
    response = redirect(own_path(request.POST.get("next")))
    if value in allowed:
        response.set_cookie(
            name, value, max_age=YEAR, samesite="Lax", httponly=True, secure=request.is_secure()
        )
        if request.user.is_authenticated:
            Staff.objects.filter(pk=request.user.pk).update(**{name: value})
    return response


@open_to_all
def health(request: HttpRequest) -> HttpResponse:
    """For a watchman: the pages answer and the store can be read."""
    return JsonResponse({"ok": True, "started": Business.objects.exists()})


@open_to_all
def offline(request: HttpRequest) -> HttpResponse:
    return render(request, "offline.html")


# --- first start -----------------------------------------------------------------------------------------------------

SEALED_FOR = 3600
"""An account that is typed but has no business yet waits in a sealed cookie for an hour; nothing is stored before."""


@dataclass
class Started:
    """What the owner has said so far; travels sealed in a cookie until the business is founded. Of her password only
    the hash."""

    said: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, request: HttpRequest) -> Started:
        try:
            sealed = signing.loads(request.COOKIES.get("start", ""), salt="start", max_age=SEALED_FOR)
            return cls(signing.loads(keys().unseal(bytes.fromhex(sealed)), salt="start"))
        except Exception:  # whatever is wrong with a stranger's cookie, she begins anew
            return cls()

    def keep(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        sealed = keys().seal(signing.dumps(self.said, salt="start")).hex()
        response.set_cookie(
            "start", signing.dumps(sealed, salt="start"), max_age=SEALED_FOR, httponly=True, samesite="Lax",
            secure=request.is_secure(), path="/start/",
        )  # fmt: skip
        return response


def _is_taken(request: HttpRequest) -> bool:
    return request.business is not None  # type: ignore[attr-defined]


@open_to_all
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """1 of 4: the owner's own account. Who comes back half-way goes on where she was; `?anew` asks for it again."""
    if _is_taken(request):
        return redirect("today")
    started = Started.of(request)
    if request.method == "GET" and "password" in started.said and "anew" not in request.GET:
        return redirect("start-trade" if "business" in started.said else "start-business")
    filled = {k: request.POST.get(k, started.said.get(k, "")).strip() for k in ("name", "email")}
    errors: dict[str, Words] = {}
    if request.method == "POST":
        if not filled["name"]:
            errors["name"] = Words("请写怎么称呼您", "Please give your name")
        if "@" not in filled["email"]:
            errors["email"] = Words("这不像邮箱", "This is not an e-mail address")
        password = request.POST.get("password", "")
        try:
            checked_password(password, filled["email"], filled["name"])
        except Refused as refused:
            errors["password"] = refused.words
        if not errors:
            started.said |= {**filled, "password": make_password(same_signs(password))}
            return started.keep(request, redirect("start-business"))
    page = Page(
        filled=filled, errors=errors, problems=[], action=reverse("start"), example_action="", least=LEAST
    )
    return render(request, "start_account.html", {"page": page}, status=422 if errors else 200)


@open_to_all
@require_http_methods(["GET", "POST"])
def start_business(request: HttpRequest) -> HttpResponse:
    """2 of 4: the business and its stores."""
    if _is_taken(request):
        return redirect("today")
    started = Started.of(request)
    if "password" not in started.said:
        return redirect("start")
    filled = {"name": started.said.get("business", ""), "stores": started.said.get("stores", "")}
    errors: dict[str, Words] = {}
    if request.method == "POST":
        filled = {k: request.POST.get(k, "").strip() for k in ("name", "stores")}
        if not filled["name"]:
            errors["name"] = Words("请写店名", "Please give the shop a name")
        if len(filled["stores"]) > 1500:  # it travels in a cookie
            errors["stores"] = Words(
                "先写几家，其余的以后在设置里加", "Begin with a few; add the others in the settings"
            )
        if not errors:
            started.said |= {"business": filled["name"][:100], "stores": filled["stores"]}
            return started.keep(request, redirect("start-trade"))
    page = Page(
        filled=filled, errors=errors, problems=[], action=reverse("start-business"), email=started.said["email"],
        back=reverse("start") + "?anew",
    )  # fmt: skip
    return render(request, "start_business.html", {"page": page}, status=422 if errors else 200)


def trades() -> list[Page]:
    """Every trade with the playbook that it starts with."""
    return [
        Page(value=key, title=words, text=loaded(FIRST_PLAYBOOK[key]).name) for key, words in TRADES.items()
    ]


@open_to_all
@require_http_methods(["GET", "POST"])
def start_trade(request: HttpRequest) -> HttpResponse:
    """3 of 4: the trade; with it the business is founded and its first playbook adopted."""
    if _is_taken(request):
        return redirect("today")
    started = Started.of(request)
    if "business" not in started.said:
        return redirect("start-business")
    trade, errors = request.POST.get("trade", ""), {}
    if request.method == "POST":
        if trade in TRADES:
            said = started.said
            try:
                with transaction.atomic():
                    _, owner = found_business(
                        name=said["business"], trade=trade, owner_email=said["email"], owner_name=said["name"],
                        password=secrets.token_urlsafe(24), stores=said["stores"].splitlines(), lang=request.lang,  # type: ignore[attr-defined]
                    )  # fmt: skip
                    Staff.objects.filter(pk=owner.pk).update(
                        password=said["password"]
                    )  # hashed when she typed it
                    owner.refresh_from_db()
                    adopt(start_playbook(trade), by=owner)
            except Refused as refused:
                errors["trade"] = refused.words
            else:
                doors.come_in(request, owner, "password")
                response = redirect("start-import")
                response.delete_cookie("start", path="/start/")
                return response
        else:
            errors["trade"] = Words("请选一个", "Please choose one")
    page = Page(
        trades=trades(), trade=trade, errors=errors, action=reverse("start-trade"),
        business=started.said["business"], back=reverse("start-business"),
    )  # fmt: skip
    return render(request, "start_trade.html", {"page": page}, status=422 if errors else 200)


@needs("sales")
@require_http_methods(["GET", "POST"])
def start_import(request: Request) -> HttpResponse:
    """4 of 4: the first file goes the same way as every later one."""
    problems: list[Words] = []
    if request.method == "POST":
        try:
            upload = uploads.keep(request.FILES.getlist("files"), by=request.user)
            return redirect("import-columns", upload)
        except Refused as refused:
            problems.append(refused.words)
    page = Page(
        problems=problems, action=reverse("start-import"), later_href=reverse("today"), example_action=""
    )
    return render(request, "start_import.html", {"page": page}, status=422 if problems else 200)


def stores_to_choose() -> list[tuple[str, Any]]:
    """The stores as a select shows them; nothing to choose where there is only one."""
    names = list(Store.objects.filter(is_open=True).order_by("id").values_list("name", flat=True))
    if len(names) < 2:
        return []
    return [("", Words("文件里写着", "The file says")), *((n, n) for n in names)]
