"""Consent and rights: what she has agreed to and how she takes it back, what she asks for by law and how it is answered,
what the shop keeps and for how long."""

from __future__ import annotations

import json
import tempfile
import zipfile
from datetime import date
from pathlib import Path
from types import SimpleNamespace as Page
from typing import IO, Any

from django.contrib import messages
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars import daily
from regulars.customers import consents, retention, rights
from regulars.customers.copying import copy_of
from regulars.customers.file import attachments_of
from regulars.customers.models import Customer, LegalHold, RequestState, RightsRequest
from regulars.customers.queries import family_of
from regulars.customers.rules.consent import ANY, CHANNELS, PURPOSES, SOURCES, refuses_automation
from regulars.customers.rules.retention import due, months_before
from regulars.customers.sight import sees
from regulars.grading.models import GradeChange
from regulars.grading.queries import portrait
from regulars.sales.rules.sensitive import KINDS as SENSITIVE_KINDS
from regulars.shop import vault
from regulars.shop.calendar import day_words
from regulars.shop.models import Business, Hold, Staff, audit
from regulars.shop.words import Refused, Words
from regulars.web.copied import COLUMNS, cell, columns_of, in_yuan
from regulars.web.customers import find_customer
from regulars.web.may import may, needs
from regulars.web.request import Request, number_in, way_back
from regulars.web.shown import Badges, customers_shown
from regulars.web.why import grade_shown

COUNTER = "counter"


# --- on the portrait -------------------------------------------------------------------------------------------------


def consent_card(request: Request, customer: Customer) -> Page | None:
    """The small card of a portrait: how she stands in one line, one tap to take everything back, the way to more."""
    contact, answers = sees(request.user, customer, "contact"), sees(request.user, customer, "rights")
    if not (contact or answers):
        return None
    standing = consents.standing(customer)
    return Page(
        said=_standing_said(customer, request.today), by_people_only=refuses_automation(standing, request.today),
        minor=consents.is_minor(customer, request.today),
        withdraw=reverse("customer-withdraw", args=[customer.pk]) if contact and not _is_withdrawn(customer) else "",
        href=reverse("customer-rights", args=[customer.pk]) if answers else reverse("customer-consents", args=[customer.pk]),
    )  # fmt: skip


def _is_withdrawn(customer: Customer) -> bool:
    held = Hold.objects.filter(person=customer.pk, rule="", channel="", until=None).exists()
    return held and not consents.allowed(customer, "care", ANY, date.max)


def _standing_said(customer: Customer, on: date) -> Words:
    """Care and marketing in one line, each with its reason."""
    lines = []
    for key in ("care", "marketing"):
        open_by = [c for c in CHANNELS if c != ANY and consents.allowed(customer, key, c, on)]
        name = PURPOSES[key].name
        if len(open_by) == len(CHANNELS) - 1:
            lines.append(Words(f"{name.zh}：可以", f"{name.en}: yes"))
        elif open_by:
            by = [CHANNELS[c] for c in open_by]
            lines.append(
                Words(
                    f"{name.zh}：只可以{'、'.join(b.zh for b in by)}",
                    f"{name.en}: only {', '.join(b.en for b in by)}",
                )
            )
        else:
            why = consents.allowed(customer, key, "call", on).why
            lines.append(Words(f"{name.zh}：不可以（{why.zh}）", f"{name.en}: no ({why.en})"))
    return Words("；".join(w.zh for w in lines), "; ".join(w.en for w in lines))


def _live(request: Request, number: int, ability: str) -> Customer:
    customer = find_customer(request, number, ability)
    return customer.merged_into or customer


def _back(request: Request, customer: Customer) -> HttpResponse:
    return redirect(way_back(request, reverse("portrait", args=[customer.pk])))


# --- consent ---------------------------------------------------------------------------------------------------------


@needs("contact")
@require_http_methods(["GET", "POST"])
def customer_consents(request: Request, number: int) -> HttpResponse:
    """What she has agreed to, by purpose and channel, in which words, since when; a new word is written down."""
    customer = _live(request, number, "contact")
    problem: Words | None = None
    if request.method == "POST":
        said = request.POST
        try:
            on, until = _day(said.get("on", "")), _day(said.get("until", ""))
            consents.say_consent(
                customer, said.get("purpose", ""), said.get("granted") == "yes", channel=said.get("channel", ANY),
                source=said.get("source", ""), on=request.today, said_on=on, until=until, by=request.user,
            )  # fmt: skip
        except Refused as refused:
            problem = refused.words
        else:
            messages.success(request, Words("记下了", "Written down").say(request.lang))
            return redirect("customer-consents", customer.pk)
    page = Page(
        **_who(request, customer), problem=problem, action=reverse("customer-consents", args=[customer.pk]), today=request.today.isoformat(),
        sentence=_standing_said(customer, request.today), rows=_rows(customer, request.today), words=_words(customer),
        purposes=[(p.key, p.name) for p in PURPOSES.values()], channels=list(CHANNELS.items()),
        sources=[s for s in SOURCES.items() if s[0] not in ("api", "file")],
        wordings=[Page(name=p.name, text=p.wording) for p in PURPOSES.values() if p.asks],
        withdraw="" if _is_withdrawn(customer) else reverse("customer-withdraw", args=[customer.pk]),
        rights=reverse("customer-rights", args=[customer.pk]) if sees(request.user, customer, "rights") else "",
    )  # fmt: skip
    return render(request, "customer_consents.html", {"page": page}, status=422 if problem else 200)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as wrong:
        raise Refused(Words("「{t}」不是日期", "{t} is not a day").fill(t=text[:20])) from wrong


def _who(request: Request, customer: Customer) -> dict[str, Any]:
    shown = customers_shown([customer], Badges(), request.user)[customer.pk]
    return {"name": shown.name, "href": reverse("portrait", args=[customer.pk])}


def _rows(customer: Customer, on: date) -> list[Page]:
    """Each purpose with what holds for each channel."""
    rows = []
    standing = consents.standing(customer)
    for purpose in PURPOSES.values():
        ways = [c for c in CHANNELS if c != ANY] if purpose.reaches else [ANY]
        verdicts = [(CHANNELS[c], consents.allowed(customer, purpose.key, c, on)) for c in ways]
        alike = len({v for _, v in verdicts}) == 1
        said = [(CHANNELS[ANY], verdicts[0][1])] if alike else verdicts
        rows.append(
            Page(name=purpose.name, answers=[Page(channel=c if not alike else "", holds=bool(v), why=v.why) for c, v in said],
                 is_told=any(k[0] == purpose.key for k in standing))
        )  # fmt: skip
    return rows


def _words(customer: Customer) -> list[Page]:
    return [
        Page(
            on=c.on, purpose=PURPOSES[c.purpose].name if c.purpose in PURPOSES else c.purpose, channel=CHANNELS.get(c.channel, c.channel),
            granted=c.granted, source=SOURCES.get(c.source, c.source), by=c.by.name if c.by else "", until=c.until,
            wording=Words(c.wording.zh, c.wording.en) if c.wording else "", version=c.wording.version if c.wording else 0,
        )
        for c in consents.history(customer)
    ]  # fmt: skip


@needs("contact")
@require_POST
def customer_withdraw(request: Request, number: int) -> HttpResponse:
    """One tap: she takes back all that she has agreed to, and nobody reaches out to her any more."""
    customer = _live(request, number, "contact")
    daily.withdraw_all(customer, source=COUNTER, on=request.today, by=request.user)
    messages.success(
        request,
        Words("都撤回了，从现在起不再联系她", "All taken back; nobody contacts her from now on").say(
            request.lang
        ),
    )
    return _back(request, customer)


# --- rights ----------------------------------------------------------------------------------------------------------


@needs("rights")
@require_GET
def requests(request: Request) -> HttpResponse:
    """What customers ask for and when it is due."""
    found = list(rights.open_requests(request.user)[:200])
    people = customers_shown([r.customer for r in found if r.customer], Badges(), request.user)
    late = sum(r.due_on < request.today for r in found)
    sentence = Words("没有等着答复的请求", "No request waits for an answer")
    if found:
        sentence = Words("{n} 件等着答复，最早 {d} 到期", "{n} waiting; the first is due {d}").fill(
            n=len(found), d=day_words(found[0].due_on, request.today)
        )
    if late:
        sentence = Words("{n} 件已经过了期限，今天就办", "Overdue: {n}. Answer today").fill(n=late)
    cards = [
        _request(r, request, people[r.customer_id].name if r.customer_id in people else "") for r in found
    ]
    return render(
        request,
        "rights.html",
        {
            "page": Page(
                sentence=sentence,
                requests=cards,
                correctable=list(rights.CORRECTABLE.items()),
                retention=reverse("retention") if may(request.user, "settings") else "",
            )
        },
    )


def _request(r: RightsRequest, request: Request, name: str) -> Page:
    is_open = r.state in rights.OPEN
    agrees = r.kind == "deletion" and r.state == RequestState.OPEN
    return Page(
        number=r.pk, kind=rights.KINDS[r.kind], name=name, href=reverse("customer-rights", args=[r.customer_id]) if r.customer_id else "",
        on=r.on, due_on=r.due_on, late=is_open and r.due_on < request.today, asked_by=rights.ASKED_BY[r.asked_by], checked=rights.CHECKED[r.checked],
        said=r.said or "", state=STATES[r.state], result=rights.told(r), carried_out_on=r.carried_out_on, is_open=is_open,
        action=reverse("request-result", args=[r.pk]) if is_open else "", key=r.kind,
        may_agree=agrees and (r.taken_by_id != request.user.pk or rights.is_owner(request.user)), waits_for_another=agrees,
        ended_on=r.ended_on,
    )  # fmt: skip


STATES = {
    "open": Words("等着办", "open"), "waiting": Words("已同意，到日子执行", "agreed, waits for its day"), "done": Words("办完了", "done"),
    "refused": Words("没有办", "declined"), "called-off": Words("撤销了", "called off"),
}  # fmt: skip


@needs("rights")
@require_http_methods(["GET", "POST"])
def customer_rights(request: Request, number: int) -> HttpResponse:
    """What she asks for by law: taken in here, answered here."""
    customer = _live(request, number, "rights")
    problem: Words | None = None
    if request.method == "POST":
        said = request.POST
        try:
            rights.open_request(
                customer, said.get("kind", ""), on=request.today, checked=said.get("checked", ""), asked_by=said.get("asked_by", ""),
                said=said.get("said", ""), by=request.user,
            )  # fmt: skip
        except Refused as refused:
            problem = refused.words
        else:
            messages.success(
                request, Words("记下了，按期答复她", "Taken in; answer her in time").say(request.lang)
            )
            return redirect("customer-rights", customer.pk)
    found = list(RightsRequest.objects.filter(customer__in=family_of(customer)).order_by("-id")[:50])
    held = rights.holds_of(customer).first()
    numbers = [customer.pk]
    page = Page(
        **_who(request, customer), problem=problem, action=reverse("customer-rights", args=numbers),
        requests=[_request(r, request, "") for r in found], kinds=list(rights.KINDS.items()), asked_by=list(rights.ASKED_BY.items()),
        checked=list(rights.CHECKED.items()), correctable=list(rights.CORRECTABLE.items()), days=request.business.answer_days, wait=request.business.erase_wait_days,
        copy=reverse("customer-copy", args=numbers), explanation=reverse("customer-explanation", args=numbers),
        automation=reverse("customer-automation", args=numbers), by_people_only=refuses_automation(consents.standing(customer), request.today),
        keep=reverse("customer-keep", args=numbers), kept=str(held.why) if held else "", consents=reverse("customer-consents", args=numbers) if sees(request.user, customer, "contact") else "",
    )  # fmt: skip
    return render(request, "customer_rights.html", {"page": page}, status=422 if problem else 200)


@needs("rights")
@require_POST
def request_result(request: Request, number: int) -> HttpResponse:
    """Answer a request: done, corrected, declined with the reason, agreed to, called off."""
    found = get_object_or_404(rights.answered_by(request.user), pk=number)
    said, me, on = request.POST, request.user, request.today
    customer = found.customer
    assert customer is not None
    try:
        match said.get("how", ""):
            case "done":
                rights.answer(found, said.get("result", ""), on=on, by=me)
            case "correct":
                rights.correct(found, said.get("key", ""), said.get("value", ""), on=on, by=me)
            case "refuse":
                rights.refuse(found, said.get("result", ""), on=on, by=me)
            case "agree":
                rights.agree_to_deletion(found, on=on, by=me)
            case "call-off":
                rights.call_off(found, on=on, by=me)
            case _:
                raise Refused(Words("没有这个选项", "There is no such choice"))
    except Refused as refused:
        messages.error(request, refused.words.say(request.lang))
    else:
        messages.success(request, Words("记下了", "Written down").say(request.lang))
    return redirect(way_back(request, reverse("customer-rights", args=[customer.pk])))


@needs("rights")
@require_POST
def customer_automation(request: Request, number: int) -> HttpResponse:
    """She refuses what the system decides alone, or takes that back."""
    customer = _live(request, number, "rights")
    refuses = request.POST.get("refuses") == "yes"
    rights.set_automation(customer, refuses, source=COUNTER, on=request.today, by=request.user)
    said = (
        Words(
            "好，以后只由人来决定，等级只供参考", "From now on people decide; her grade is for reference only"
        )
        if refuses
        else Words("好，照常安排", "The system plans for her again")
    )
    messages.success(request, said.say(request.lang))
    return _back(request, customer)


@needs("rights")
@require_POST
def customer_keep(request: Request, number: int) -> HttpResponse:
    """Keep her file for a dispute or by law, or end that."""
    customer = _live(request, number, "rights")
    try:
        if "release" in request.POST:
            rights.keep_no_longer(customer, by=request.user)
        else:
            rights.keep(customer, request.POST.get("why", ""), by=request.user)
    except Refused as refused:
        messages.error(request, refused.words.say(request.lang))
    return _back(request, customer)


@needs("rights")
@require_GET
def customer_explanation(request: Request, number: int) -> HttpResponse:
    """Her grade in plain words, to be handed to her: what decided, what would change it, how to object."""
    customer = _live(request, number, "rights")
    badges = Badges()
    drawn = portrait(customer, request.today, badges.holding)
    history = list(GradeChange.objects.filter(customer=customer).order_by("-on", "-id")[:30])
    audit("explain", f"customer {customer.pk}", by=request.user)
    page = Page(
        **_who(request, customer), business=request.business.name, on=request.today, back=reverse("customer-rights", args=[customer.pk]),
        grades=[grade_shown(e, drawn.facts, request.today, history, badges) for e in drawn.grades],
        by_people_only=refuses_automation(consents.standing(customer), request.today),
    )  # fmt: skip
    return render(request, "customer_explanation.html", {"page": page})


SECTIONS: dict[str, Words] = {
    "customers.Customer": Words("基本情况", "Basics"), "sales.Identity": Words("号码和卡", "Numbers and cards"), "sales.Sale": Words("消费", "Receipts"),
    "customers.Detail": Words("档案里写的", "What the file says"), "customers.Note": Words("备注", "Notes"), "customers.Consent": Words("同意和撤回", "Consent"),
    "customers.RightsRequest": Words("您提过的请求", "Your requests"), "customers.Portrait": Words("消费概况", "Summary"), "grading.Standing": Words("等级", "Grades"),
    "grading.GradeChange": Words("等级变化", "Changes of grade"), "care.Task": Words("为您做的事", "What was done for you"), "shop.Contact": Words("联系记录", "Contacts"),
    "shop.Outgoing": Words("发过的消息", "Messages"), "shop.Hold": Words("不打扰", "Left in peace"), "shop.Reading": Words("谁看过您的号码", "Who had your number shown"),
    "customers.Shared": Words("一起照顾您的岗位", "Posts that look after you"), "customers.Opened": Words("在柜台打开过", "Opened at the counter"),
    "customers.Relative": Words("您身边的人", "People around you"), "customers.VisitNote": Words("来店的情形", "What visits were about"),
    "customers.Tagged": Words("标签", "Tags"), "customers.Attachment": Words("附件", "Attachments"), "customers.FamilyMember": Words("一家人", "Family"),
    "customers.Likely": Words("可能是同一位", "Perhaps the same person"),
    "membership.Member": Words("会员", "Membership"), "membership.Balance": Words("积分和储值", "Points and stored value"),
    "membership.Lot": Words("一份一份的积分和储值", "Points and stored value, lot by lot"), "membership.Posting": Words("积分和储值的每一笔", "Every posting"),
    "membership.Reservation": Words("收银台留着的", "Set aside for a till"), "membership.Reason": Words("更正的原因", "Why it was corrected"),
    "membership.Referral": Words("谁介绍您来的", "Who brought you"), "membership.PartnerUse": Words("用过的合作优惠", "Partners' benefits used"),
    "membership.Coupon": Words("券", "Coupons"), "membership.TierBought": Words("买过的等级", "Tiers bought"),
    "membership.Knock": Words("会员页登录", "Ways into the member page"),
    "customers.Link": Words("号码归属", "Whose numbers"), "customers.LegalHold": Words("依法保留", "Kept by law"),
}  # fmt: skip


@needs("rights")
@require_POST
def customer_copy(request: Request, number: int) -> HttpResponseBase:
    """Everything about her in one file: a page to read or print, and the same for programs."""
    customer = _live(request, number, "rights")
    mark = Words("{b} · {r} {s} · {d}", "{b} · {r} {s} · {d}").fill(
        b=request.business.name, r=request.user.role_words, s=request.user.pk, d=request.today.isoformat()
    )
    packed = packed_copy(request, customer, mark, list(request.user.role_words))
    audit("copy-of-data", f"customer {customer.pk}", by=request.user)
    return FileResponse(
        packed,
        as_attachment=True,
        filename=f"copy-{customer.pk}-{request.today.isoformat()}-by-{request.user.pk}.zip",
    )


def packed_copy(request: Any, customer: Customer, mark: Words, by: list[str]) -> IO[bytes]:
    """The file of a copy, open at its beginning. `mark` stands on every page of it, `by` who has made it, in both
    languages."""
    data = copy_of(customer)
    made = {"by": by, "at": timezone.now().isoformat(), "business": request.business.name}
    sections = [
        Page(
            title=SECTIONS.get(label, Words(label, label)), heads=[COLUMNS.get(key, Words(key, key)) for key in shown],
            rows=[[cell(key, in_yuan(row, key), request.lang) for key in shown] for row in rows],
        )
        for label, rows in data.items() if rows and (shown := columns_of(label, rows))
    ]  # fmt: skip
    html = render_to_string(
        "customer_copy.html",
        {"page": Page(business=request.business.name, on=request.today, mark=mark, sections=sections)},
        request,
    )
    out = tempfile.TemporaryFile()  # noqa: SIM115  the answer closes it once it is sent
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("copy.html", html)
        packed.writestr("copy.css", (STATIC / "copy.css").read_text("utf-8"))
        for attachment in attachments_of(customer):
            content = vault.get_bytes(attachment.vault_name)
            if content is not None:
                packed.writestr(f"attachments/{attachment.pk}.{attachment.kind}", content)
        packed.writestr("copy.json", json.dumps({"made": made, "data": data}, ensure_ascii=False, indent=1))
    out.seek(0)
    return out


STATIC = Path(__file__).resolve().parent / "static"


# --- what the shop keeps ---------------------------------------------------------------------------------------------

MONTHS = ("keep_customers_months", "keep_notes_months", "keep_traces_months")


@needs("settings")
@require_http_methods(["GET", "POST"])
def settings_privacy(request: Request) -> HttpResponse:
    """Sensitive kinds, presents, days to answer, how long things are kept."""
    business: Business = request.business
    errors: dict[str, Words] = {}
    ranges = {
        "gift_cap": (0, 10_000_000),
        "answer_days": (1, 30),
        "erase_wait_days": (0, 30),
        **dict.fromkeys(MONTHS, (0, 240)),
    }
    filled: dict[str, Any] = {
        "gift_cap": business.gift_cap_fen // 100, **{k: getattr(business, k) for k in ("answer_days", "erase_wait_days", *MONTHS)}
    }  # fmt: skip
    if request.method == "POST":
        read = {k: number_in(request.POST.get(k), *span) for k, span in ranges.items()}
        filled |= {k: request.POST.get(k, "") for k in ranges}
        errors = {
            k: Words("填 {a} 到 {b}", "{a} to {b}").fill(a=ranges[k][0], b=ranges[k][1])
            for k, v in read.items()
            if v is None
        }
        if not errors:
            values: dict[str, Any] = {k: v for k, v in read.items() if k != "gift_cap"}
            values["gift_cap_fen"] = (read["gift_cap"] or 0) * 100
            values["sensitive"] = [k for k in SENSITIVE_KINDS if k in request.POST.getlist("sensitive")]
            Business.objects.filter(pk=business.pk).update(**values)
            audit("change-privacy", "business", by=request.user, detail=values)
            messages.success(request, Words("保存了", "Saved").say(request.lang))
            return redirect("settings-privacy")
    chosen = request.POST.getlist("sensitive") if request.method == "POST" else business.sensitive
    page = Page(
        action=reverse("settings-privacy"), errors=errors, filled=filled, retention=reverse("retention"),
        sensitive=[Page(key=k, name=name, on=k in chosen) for k, name in SENSITIVE_KINDS.items()],
        defaults=[Page(name=p.name, answer=ASKS if p.asks else GOES_ON, why=p.basis) for p in PURPOSES.values()],
    )  # fmt: skip
    return render(request, "settings_privacy.html", {"page": page}, status=422 if errors else 200)


ASKS = Words("要她同意", "needs her yes")
GOES_ON = Words("她说不之前可以", "until she says no")
SHOWN = 100


@needs("settings")
@require_GET
def retention_ahead(request: Request) -> HttpResponse:
    """What goes in the month ahead because its time is over, and whom to keep."""
    ahead = due(months_before(request.today, -1), retention.times())
    counts = retention.counted(ahead)
    people = retention.customers_due(ahead.customers, SHOWN, kept=True) if ahead.customers else []
    kept = set(LegalHold.objects.filter(customer__in=people).values_list("customer", flat=True))
    shown = customers_shown(people, Badges(), request.user)
    nothing = not any(counts.values())
    page = Page(
        sentence=Words("下个月没有要删的", "Nothing goes in the month ahead") if nothing else
        Words("下个月会删掉 {c} 位顾客、{n} 条备注、{t} 条查看记录", "{c} customers, {n} notes and {t} traces of readings go in the month ahead").fill(
            c=counts["customers"], n=counts["notes"], t=counts["traces"]),
        people=[Page(name=shown[c.pk].name, href=shown[c.pk].href, last=retention.last_seen(c), kept=c.pk in kept, action=reverse("customer-keep", args=[c.pk])) for c in people],
        more=max(0, counts["customers"] - SHOWN), settings=reverse("settings-privacy"), off=not retention.times().customers,
    )  # fmt: skip
    return render(request, "retention.html", {"page": page})


def waiting_requests(staff: Staff, on: date) -> Page | None:
    """The line on Today for those who answer customers' requests."""
    if not may(staff, "rights"):
        return None
    found = list(rights.open_requests(staff).values_list("due_on", flat=True)[:100])
    if not found:
        return None
    late = sum(d < on for d in found)
    said = Words(
        "顾客有 {n} 件请求等着答复，最早 {d} 到期", "{n} requests of customers wait; the first is due {d}"
    ).fill(n=len(found), d=day_words(found[0], on))
    return Page(said=said, late=bool(late), href=reverse("rights"))
