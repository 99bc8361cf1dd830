"""The member's own page, on her phone: what she is, what she has and why, what she lets the shop know and do.

Every address stands for whoever is signed in and names nobody; what she changes is written as said by herself.
"""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace as Page
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from regulars import daily
from regulars.customers import consents, rights
from regulars.customers.actions import say_detail
from regulars.customers.file import sheet
from regulars.customers.filing import say_field
from regulars.customers.models import RequestState, RightsRequest
from regulars.customers.queries import called, details_of, family_of, for_reading, visits_of
from regulars.customers.rules.consent import ANY, PURPOSES, SENSITIVE, refuses_automation, word_on
from regulars.customers.rules.sheet import Field
from regulars.membership import coupons, passes, program, purse
from regulars.membership.offers import CouponState
from regulars.membership.rules.ledger import PRINCIPAL
from regulars.membership.rules.numbers import in_groups
from regulars.shop.calendar import Birthday, NoSuchDay, falls_on
from regulars.shop.models import Hold, audit
from regulars.shop.money import say_money
from regulars.shop.words import Refused, Words
from regulars.web import doors
from regulars.web.jinja import STATIC, static
from regulars.web.may import open_to_all
from regulars.web.member_door import FRESH, SOURCE, Hers, at_the_door, end_session, hers, look, welcome
from regulars.web.member_shown import (
    holdings_shown,
    in_fours,
    statement_shown,
    tier_shown,
    value_shown,
)
from regulars.web.offers_said import gives_said, holds_said
from regulars.web.request import number_in
from regulars.web.rights import packed_copy
from regulars.web.settings_pages import qr_svg
from regulars.web.store_here import now_in

LINES = 30
"""Lines of a statement and visits on one page."""

FURTHEST = 40
"""Pages back that are shown; who wants all has the copy of her data."""


def _said(request: Any, zh: str, en: str) -> None:
    messages.success(request, Words(zh, en).say(request.lang))


def _name(request: Hers) -> str:
    return called([request.her])[request.her.pk].name


# --- what she is and has ---------------------------------------------------------------------------------------------


@at_the_door
@require_GET
def member(request: Any) -> HttpResponse:
    """Her page; to a stranger its door."""
    if not look(request):
        return welcome(request)
    terms, on = program.current(), request.today
    membership = program.last_membership()
    page = Page(
        shop=request.business.name, name=request.her.name, number=in_fours(request.member.number), joined_on=request.member.joined_on,
        tier=tier_shown(request.her, request.member, terms, on) if terms else None, is_open=terms is not None,
        holdings=holdings_shown(request.member, membership, on), value=value_shown(request.member, on),
        coupons=len(coupons.coupons_of(request.member, on, now_in(None, request))), lines=_lines(request, membership, 0)[0][:3],
        asks_birthday=not request.her.birthday, invites=bool(terms and terms.membership.referral),
    )  # fmt: skip
    return render(request, "member_home.html", {"page": page})


def _lines(request: Hers, membership: Any, page: int) -> tuple[list[Any], bool]:
    """A page of her statement, and whether there is more."""
    found = purse.statement(request.member, limit=(page + 1) * LINES + 1)
    part = found[page * LINES : (page + 1) * LINES]
    return statement_shown(part, membership), len(found) > (page + 1) * LINES


@hers
@require_GET
def member_points(request: Hers) -> HttpResponse:
    """All that she holds, and every line of how it came and went."""
    membership, on = program.last_membership(), request.today
    number = number_in(request.GET.get("page"), 0, FURTHEST) or 0
    lines, more = _lines(request, membership, number)
    page = Page(
        holdings=holdings_shown(request.member, membership, on), value=value_shown(request.member, on), lines=lines, first=number == 0,
        older=f"{reverse('member-points')}?page={number + 1}" if more and number < FURTHEST else "",
        newer=f"{reverse('member-points')}?page={number - 1}" if number else "",
    )  # fmt: skip
    return render(request, "member_points.html", {"page": page})


@hers
@require_GET
def member_coupons(request: Hers) -> HttpResponse:
    """Her coupons, each with the code that the counter scans."""
    held = [
        Page(
            name=c.offer.words, code=in_groups(c.code), until=c.valid_until, words=gives_said(c.offer), qr=qr_svg(c.code),
            when=holds_said(c.offer), since=c.valid_from if c.valid_from > request.today else None,
            taken=coupons.IS[CouponState.RESERVED] if c.state == CouponState.RESERVED else None,
        )
        for c in coupons.coupons_of(request.member, request.today, now_in(None, request))
    ]  # fmt: skip
    return render(request, "member_coupons.html", {"page": Page(coupons=held)})


@hers
@require_GET
def member_visits(request: Hers) -> HttpResponse:
    """When she came and what she bought."""
    number = number_in(request.GET.get("page"), 0, FURTHEST) or 0
    found = visits_of(request.her, (number + 1) * LINES + 1)
    part = found[number * LINES : (number + 1) * LINES]
    rows = [
        Page(
            on=v["sale"].day, store=v["sale"].store.name, items=v["items"][:6], more=max(0, len(v["items"]) - 6),
            amount=v["sale"].amount, is_refund=(v["sale"].amount or 0) < 0,
        )
        for v in part
    ]  # fmt: skip
    page = Page(
        rows=rows, older=f"{reverse('member-visits')}?page={number + 1}" if len(found) > (number + 1) * LINES and number < FURTHEST else "",
        newer=f"{reverse('member-visits')}?page={number - 1}" if number else "",
    )  # fmt: skip
    return render(request, "member_visits.html", {"page": page})


# --- what she shows --------------------------------------------------------------------------------------------------


@hers
@require_safe
def member_pass(request: Hers) -> HttpResponse:
    """Large, for the counter: a code to scan and the digits to type. The page renews itself, without a script."""
    sign = passes.pass_for(request.member, doors.clock())
    page = Page(
        shop=request.business.name,
        name=request.her.name,
        sign=in_fours(sign),
        qr=qr_svg(sign),
        changes=sign != request.member.number,
    )
    return render(request, "member_pass.html", {"page": page})


@hers
@require_GET
def member_invite(request: Hers) -> HttpResponse:
    """What she gives to friends, and what both get for it."""
    terms = program.current()
    referral = terms.membership.referral if terms else None
    address = request.build_absolute_uri(f"{reverse('member')}?from={request.member.code}")
    page = Page(
        shop=request.business.name, code=request.member.code, address=address, qr=qr_svg(address),
        gives=referral.gives if referral else 0, friend_gets=referral.friend_gets if referral else 0,
        least=say_money(round(referral.least_spend * 100)) if referral and referral.least_spend else "",
        days=referral.within_days if referral else 0,
        currency=terms.membership.currency(referral.currency).name if terms and referral else "",
    )  # fmt: skip
    return render(request, "member_invite.html", {"page": page})


@hers
@require_GET
def member_card(request: Hers) -> HttpResponse:
    """Her card as a picture to keep: the shop's name, her tier, her number."""
    terms = program.current()
    tier = tiers_name(request, terms) if terms else ""
    page = Page(shop=request.business.name[:18], tier=tier, name=request.her.name[:12], number=in_fours(request.member.number),
                qr=qr_svg(request.member.number).replace("<svg ", '<svg x="388" y="172" width="184" height="184" ', 1))  # fmt: skip
    response = render(request, "member_card.svg", {"page": page}, content_type="image/svg+xml; charset=utf-8")
    if "keep" in request.GET:
        response["Content-Disposition"] = 'attachment; filename="card.svg"'
    return response


def tiers_name(request: Hers, terms: program.Terms) -> Words | str:
    return terms.tiers.get(program.tier_of(request.member, terms, request.today), "")


# --- what she tells --------------------------------------------------------------------------------------------------


@hers
@require_http_methods(["GET", "POST"])
def member_me(request: Hers) -> HttpResponse:
    """Her name, her birthday in the calendar that she keeps, and how she likes things."""
    her, errors = for_reading(request.her), {}
    fields = _asked(request)
    said = details_of(her)
    if request.method == "POST":
        errors = _write(request, fields, said)
        if not errors:
            _said(request, "记下了", "Written down")
            return redirect("member-me")
    birthday = Birthday.parse(her.birthday) if her.birthday else None
    page = Page(
        name=request.POST.get("name", her.name)[:40], errors=errors, birthday=birthday.words() if birthday else "", leap_day=birthday is not None and (birthday.month, birthday.day) == (2, 29) and birthday.calendar == "solar",
        months=[(m, _month(m)) for m in range(1, 13)], days=[(d, _day(d)) for d in range(1, 32)],
        typed={k: request.POST.get(k, "") for k in ("calendar", "month", "day", "year", "leap")},
        fields=[Page(field=f, label=f.ask or f.name, value=request.POST.get(f.key, said.get(f.key, ""))) for f in fields],
    )  # fmt: skip
    return render(request, "member_me.html", {"page": page}, status=422 if errors else 200)


def _asked(request: Hers) -> list[Field]:
    """What this shop asks its guests about how they like things; nothing sensitive."""
    fields = sheet(request.business, None, is_company=request.her.is_company, customer=request.her)
    return [
        f for f in fields
        if f.group == "tastes" and not f.sensitive and f.is_usual_in(request.business.trade) and f.kind in ("text", "long", "choice")
    ]  # fmt: skip


def _month(month: int) -> Words:
    lunar = Birthday("lunar", month, 1).words().zh.removeprefix("农历").removesuffix("初一")
    return Words(f"{month} 月 · {lunar}", str(month))


def _day(day: int) -> Words:
    if day == 31:
        return Words("31 日", "31")
    return Words(f"{day} 日 · {Birthday('lunar', 1, day).words().zh.removeprefix('农历正月')}", str(day))


def _write(request: Hers, fields: list[Field], said: dict[str, str]) -> dict[str, Words]:
    """Write down what she has typed, all of it or nothing; what can't be read or kept is told beside its field."""
    form, errors = request.POST, {}
    birthday, name = "", form.get("name", "").strip()[:40]
    if not request.her.birthday and any(form.get(k, "").strip() for k in ("month", "day", "year")):
        try:
            birthday = _birthday(form, request.today)
        except Refused as refused:
            errors["birthday"] = refused.words
    with transaction.atomic():
        for one in fields:
            text = form.get(one.key, "").strip()[:300]
            if one.key in form and text != said.get(one.key, ""):
                try:
                    if text:
                        say_field(request.her, one, text)
                    else:
                        say_detail(request.her, one.key, "")
                except Refused as refused:
                    errors[one.key] = refused.words
        for key, text in (("birthday", birthday), ("name", name if name != request.her.name else "")):
            if text:
                try:
                    say_detail(request.her, key, text)
                except Refused as refused:
                    errors[key] = refused.words
        transaction.set_rollback(bool(errors))
    return errors


OLDEST = 1900
"""Nobody who reads her page was born before."""


def _birthday(form: Any, today: date) -> str:
    """The day that she has chosen, as it is stored; Refused where it can't be or is still to come."""
    month, day = number_in(form.get("month"), 1, 12), number_in(form.get("day"), 1, 31)
    if month is None or day is None:
        raise Refused(Words("请选月份和日期", "Please choose the month and the day"))
    typed, is_lunar = form.get("year", "").strip(), form.get("calendar") == "lunar"
    year = number_in(typed, OLDEST, today.year)
    no_year = Words(
        "哪一年写四位数，像 1966；不想写就空着", "Write the year with four figures, like 1966, or none"
    )
    if typed and year is None:
        raise Refused(no_year)
    try:
        found = Birthday("lunar" if is_lunar else "solar", month, day, is_lunar and "leap" in form, year)
    except NoSuchDay:
        of = Words("农历", "lunar ") if is_lunar else Words("", "")
        raise Refused(
            Words(
                "没有「{c}{m}月{d}日」，看看是不是选错了", "There is no {c}{m}-{d}: please look again"
            ).fill(c=of, m=month, d=day)
        ) from None
    if year is not None and falls_on(found, year) > today:
        raise Refused(no_year)
    return found.format()


# --- consent and rights ----------------------------------------------------------------------------------------------

ASKABLE = ("correction", "deletion", "explanation")
"""What she asks for here and the shop answers; the copy she takes herself, automation she switches herself."""

STATES = {
    "open": Words("店里正在办", "The shop is at it"), "waiting": Words("已同意，到日子执行", "Agreed to; waits for its day"),
    "done": Words("办好了", "Done"), "refused": Words("没有办", "Declined"), "called-off": Words("您撤销了", "You called it off"),
}  # fmt: skip


@hers
@require_GET
def member_privacy(request: Hers) -> HttpResponse:
    """What she has agreed to, one switch each; what she may ask for by law, and how it stands."""
    her, on = for_reading(request.her), request.today
    standing = consents.standing(her)
    switches = [
        Page(key=key, name=PURPOSES[key].name, wording=PURPOSES[key].wording, on=bool(consents.allowed(her, key, "sms", on)), why=consents.allowed(her, key, "sms", on).why)
        for key in ("care", "marketing")
    ]  # fmt: skip
    agreed = [
        Page(key=p, name=PURPOSES[p].name, wording=PURPOSES[p].wording)
        for p in SENSITIVE.values() if p != "minor" and (word := word_on(standing, p, ANY, on)) is not None and word.granted
    ]  # fmt: skip
    asked = RightsRequest.objects.filter(customer__in=family_of(her)).order_by("-id")[:20]
    page = Page(
        switches=switches, agreed=agreed, automation=not refuses_automation(standing, on), profiling=PURPOSES["profiling"].wording,
        requests=[
            Page(kind=rights.KINDS[r.kind], key=r.kind, on=r.on, due_on=r.due_on, state=STATES[r.state], is_open=r.state in rights.OPEN, carried_out_on=r.carried_out_on,
                 result=rights.told(r) if r.state in (RequestState.REFUSED, RequestState.DONE) else "")
            for r in asked
        ],
        days=request.business.answer_days, kinds=[(k, rights.KINDS[k]) for k in ASKABLE], holds_value=_principal(request) > 0,
    )  # fmt: skip
    return render(request, "member_privacy.html", {"page": page})


def _principal(request: Hers) -> int:
    """What of her own money is with the shop, what a till has set aside just now too."""
    held = purse.holdings(request.member, request.today).get(PRINCIPAL)
    return held.can_spend + held.aside if held else 0


@hers
@require_POST
def member_consent(request: Hers) -> HttpResponse:
    """One switch: a purpose, yes or no. Sensitive kinds can be taken back here; they are given at the counter."""
    purpose, granted = request.POST.get("purpose", ""), request.POST.get("granted") == "yes"
    try:
        if purpose == "profiling":
            consents.refuse_automation(request.her, not granted, source=SOURCE, on=request.today)
        elif purpose in ("care", "marketing") or (purpose in SENSITIVE.values() and not granted):
            consents.say_consent(request.her, purpose, granted, source=SOURCE, on=request.today)
            if granted and purpose == "care":
                _may_be_greeted(request)
        else:
            raise Refused(Words("没有这个选项", "There is no such choice"))
    except Refused as refused:
        messages.error(request, refused.words.say(request.lang))
    else:
        _said(request, "记下了", "Written down")
    return redirect("member-privacy")


def _may_be_greeted(request: Hers) -> None:
    """She wants to be greeted again: what she had put up herself by taking everything back comes down. What a colleague
    has put up stays."""
    own = Hold.objects.filter(person__in=family_of(request.her), rule="", channel="", until=None, by=None)
    if own.delete()[0]:
        audit("release-hold", f"customer {request.her.pk}")


@hers
@require_POST
def member_withdraw(request: Hers) -> HttpResponse:
    """One tap takes everything back."""
    daily.withdraw_all(request.her, source=SOURCE, on=request.today)
    _said(request, "都撤回了，从现在起店里不再主动联系您", "All taken back; the shop turns to you no more")
    return redirect("member-privacy")


@hers
@require_POST
def member_request(request: Hers) -> HttpResponse:
    """She asks for something by law, or calls it off."""
    kind = request.POST.get("kind", "")
    try:
        if kind not in ASKABLE:
            raise Refused(Words("请选要办什么", "Please choose what you ask for"))
        if "off" in request.POST:
            for one in RightsRequest.objects.filter(
                customer__in=family_of(request.her), kind=kind, state__in=rights.OPEN
            ):
                rights.call_off(one, on=request.today, by=None)
            done = Words("撤销了，不办了", "Called off: nothing will be done")
        else:
            rights.open_request(
                request.her, kind, on=request.today, checked="code", said=request.POST.get("said", "")[:500]
            )
            done = Words("收到了，办好会在这里告诉您", "Received; you will see here when it is done")
    except Refused as refused:
        messages.error(request, refused.words.say(request.lang))
    else:
        messages.success(request, done.say(request.lang))
    return redirect("member-privacy")


@hers
@require_POST
def member_copy(request: Hers) -> HttpResponseBase:
    """All her data in one file, for somebody who has only just proved her phone: one that lies about gives nothing, nor does
    a link from the counter, which whoever works there could scan herself."""
    if request.how == "link" or doors.clock() - request.since > FRESH:
        messages.warning(
            request,
            Words(
                "为了您的数据安全，请先退出、再用手机验证码登录一次，半小时内可以下载；没留手机号的，请到店里办",
                "To keep your data safe, please sign out and in again with a code on your phone; for half an hour you can "
                "then take the file. Without a phone number, ask in the shop",
            ).say(request.lang),
        )
        return redirect("member-privacy")
    mark = Words(f"{request.business.name} · {request.today}", f"{request.business.name} · {request.today}")
    packed = packed_copy(request, request.her, mark, ["本人在会员页上", "herself on the member page"])
    audit("copy-of-data", f"customer {request.her.pk}", detail={"source": SOURCE})
    return FileResponse(packed, as_attachment=True, filename=f"my-data-{request.today.isoformat()}.zip")


@hers
@require_POST
def member_leave(request: Hers) -> HttpResponse:
    """End the membership. Whoever still has money with the shop fetches it first."""
    principal = _principal(request)
    if request.POST.get("sure") != "yes" or principal > 0:
        said = (
            Words("您还有 {m} 储值没退，请先到店里退回", "You still have {m} with the shop; please have it paid back first").fill(m=say_money(principal))
            if principal > 0
            else Words("要退会请先打勾", "To leave, please tick the box")
        )  # fmt: skip
        messages.error(request, said.say(request.lang))
        return redirect("member-privacy")
    program.leave(request.member, request.today)
    end_session(request)
    _said(request, "已退会，欢迎随时再来", "You have left; you are welcome back at any time")
    return redirect("member")


# --- on her home screen ----------------------------------------------------------------------------------------------


@at_the_door
@require_GET
def member_manifest(request: Any) -> HttpResponse:
    name = request.business.name
    return JsonResponse(
        {
            "name": f"{name} · 会员", "short_name": name[:12], "lang": "zh-CN", "id": "/m/", "start_url": "/m/", "scope": "/m/",
            "display": "standalone", "background_color": "#f6f1e6", "theme_color": "#f6f1e6",
            "icons": [
                {"src": static(f"member-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": "any maskable"} for size in (192, 512)
            ] + [{"src": static("favicon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
        },
        content_type="application/manifest+json",
    )  # fmt: skip


@at_the_door
@require_GET
def member_offline(request: Any) -> HttpResponse:
    return render(request, "member_offline.html", {"page": Page(shop=request.business.name)})


@open_to_all
@require_GET
def member_worker(request: Any) -> HttpResponse:
    """The service worker: keeps files of ours and the page for a lost network, and nothing that is hers."""
    kept = [static(f) for f in ("tokens.css", "member.css", "member.js", "favicon.svg")]
    body = (
        (STATIC / "member-worker.js").read_text("utf-8").replace("__KEPT__", " ".join(["/m/offline/", *kept]))
    )
    return HttpResponse(
        body, content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"}
    )
