"""Pages for what goes wrong: each says what happened and what to do next, to those who work here and to members."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve

from regulars.shop.words import Words

TO_MEMBERS = {
    400: (
        Words("没看懂这个链接", "That link made no sense"),
        Words("链接可能没复制全。请从会员页再来一次。", "Perhaps it was cut short. Please start from your member page."),
    ),
    403: (
        Words("页面开太久了", "The page stood open too long"),
        Words("为了安全，刚才那一下没有算数。请回会员页再点一次。", "To be safe, that tap did not count. Please tap once more on your member page."),
    ),
    404: (
        Words("没有这一页", "There is no such page"),
        Words("链接可能过期了。您有的都在会员页上。", "The link may be too old. All that is yours stands on your member page."),
    ),
    405: (
        Words("这里没有可看的", "There is nothing to see here"),
        Words("请回会员页再来一次，不会记两遍。", "Please start again from your member page; nothing counts twice."),
    ),
    500: (
        Words("我们这边出错了", "Something broke on our side"),
        Words("不是您的操作问题，您有的一样不少。过一会儿再试，还不行请跟店员说一声。", "It was not you, and all that is yours is still yours. Try again later; if it stays, please tell the staff."),
    ),
}  # fmt: skip
"""What happened and what to do, by status, for somebody who sees only her own page."""


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 404)


def broken(request: HttpRequest) -> HttpResponse:
    return _answer(request, 500)


def expired_form(request: HttpRequest, reason: str = "", **kwargs: Any) -> HttpResponse:
    """A form whose secret is missing or old: not the visitor's fault, so it says how to go on."""
    return _answer(request, 403, is_expired_form=True)


def nothing_to_see(request: HttpRequest) -> HttpResponse:
    """An address that only takes forms, reloaded or typed: leads to the page above, where the form stands."""
    above = request.path
    while above != "/":
        above = above.rstrip("/").rpartition("/")[0] + "/"
        try:
            resolve(above)
        except Resolver404:
            continue
        break
    return _answer(request, 405, above=above)


def _answer(request: HttpRequest, status: int, **more: Any) -> HttpResponse:
    if request.path.startswith("/m/"):
        what, do = TO_MEMBERS[status]
        return render(request, "member_wrong.html", {"page": {"what": what, "do": do}}, status=status)
    return render(request, f"{status}.html", more, status=status)
