"""The portrait of a customer: who she is, her grade and why, her rhythm, what she buys, what is due."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from types import SimpleNamespace as Page
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from regulars.care.models import DayPlan
from regulars.care.queries import due_for, noted_tasks, open_on
from regulars.care.rules.triggers.late import said_rhythm
from regulars.customers.models import Customer
from regulars.customers.queries import (
    MASKED,
    Away,
    clear_of,
    details_of,
    family_of,
    favourites_of,
    for_reading,
    identities_of,
    masked_details,
    visit_days_of,
    visits_of,
)  # fmt: skip
from regulars.customers.rules.sheet import NOTE_KINDS, OCCASIONS
from regulars.customers.sight import sees
from regulars.facts import catalogue
from regulars.grading.models import GradeChange
from regulars.grading.queries import LivePortrait
from regulars.grading.queries import portrait as drawn_now
from regulars.sales.models import SaleKind
from regulars.shop import readings
from regulars.shop.calendar import Birthday, day_words
from regulars.shop.models import Hold, Store
from regulars.shop.money import say_money
from regulars.shop.words import Refused, Words
from regulars.web.customers import find_customer, lateness
from regulars.web.duplicates import same_shown
from regulars.web.handover import charge_card
from regulars.web.jinja import MONTHS
from regulars.web.may import may, needs
from regulars.web.member_card import member_card
from regulars.web.request import Request, number_in
from regulars.web.rights import consent_card
from regulars.web.shown import Badges, customers_shown, freshness, titled
from regulars.web.shown_file import (
    attachments_shown,
    file_shown,
    notes_shown,
    people_shown,
    people_to_reveal,
    person_phone,
    tags_shown,
    visit_form,
    visits_noted,
)
from regulars.web.today import card
from regulars.web.why import grade_shown, spoken


@needs("look")
@require_GET
def portrait(request: Request, number: int) -> HttpResponse:
    """One customer: who she is, why this grade, what comes next, what she did."""
    customer = find_customer(request, number)
    if customer.merged_into_id:
        return redirect("portrait", customer.merged_into_id)
    readings.count(request.user, "open", request.today)
    return _portrait(request, customer)


@needs("reveal")
@require_POST
def customer_reveal(request: Request, number: int) -> HttpResponse:
    """Show what is masked to somebody who has said why; who looked, and why, is kept."""
    customer = find_customer(request, number, "reveal")
    customer = customer.merged_into or customer
    what = request.POST.get("what", "phone")
    clear = person_phone(customer, what) or clear_of(customer, what)
    if not clear:
        raise Http404
    on_list = open_on(request.today, request.user, fits=None).filter(customer=customer, channel__in=BY_PHONE)
    task = number_in(request.POST.get("task"), 1, 2**62)
    try:
        readings.read(
            request.user, customer.id, what, reason=request.POST.get("reason", ""), on=request.today,
            said=request.POST.get("said", ""), listed=what == "phone" and task is not None and on_list.filter(pk=task).exists(),
        )  # fmt: skip
    except Refused as refused:
        messages.warning(request, refused.words.say(request.lang))
        return redirect(reverse("portrait", args=[customer.id]) + "#reveal")
    return _portrait(request, customer, clear={what: clear})


BY_PHONE = ("call", "message")
"""Channels for which somebody needs the number."""


def _portrait(request: Request, customer: Customer, clear: dict[str, str] | None = None) -> HttpResponse:
    clear, customer = clear or {}, for_reading(customer)
    tel = clear.get("phone", "")
    badges, today = Badges(), request.today
    drawn = drawn_now(customer, today, badges.holding)
    away = lateness(badges.leading, today)
    shown = customers_shown([customer], badges, request.user)[customer.id]
    contact, everybody = sees(request.user, customer, "contact"), may(request.user, "sales")
    by_name, reveal = sees(request.user, customer, "names"), sees(request.user, customer, "reveal")
    visits = visits_of(customer, 61 if "all" not in request.GET else 1000)
    limit = len(visits) if "all" in request.GET else 10
    tasks = due_for(customer) if contact else []
    identities = identities_of(customer) if by_name else []
    phone = next((i.shown for i in identities if i.kind == "phone" and not i.is_shared), "")
    hold = (
        Hold.objects.filter(person__in=family_of(customer), rule="", channel="")
        .exclude(until__lt=today)
        .order_by("-id")
        .first()
    )
    history = list(GradeChange.objects.filter(customer__in=family_of(customer)).order_by("-on", "-id")[:30])
    membership = member_card(request, customer, contact) if by_name else None
    grades = [grade_shown(e, drawn.facts, today, history, badges) for e in drawn.grades]
    for grade in grades:
        grade.playbook_href = reverse("playbook", args=[grade.playbook_key])
        grade.is_tier = membership is not None and grade.playbook_key == membership.playbook
    is_late = _late_now(drawn, away)
    plan = DayPlan.objects.filter(on=today).first()
    noted, stage = visits_noted(request, customer) if by_name else ({}, None)
    around = people_shown(customer, request.user, today, contact, clear) if by_name else None
    page = Page(
        name=shown.name, tail=shown.tail, member=membership, phone=tel or phone, tel=tel, reveal=_reveal(customer, phone, clear) if reveal else None,
        sentence=_rhythm_sentence(drawn, away, today), more="", fresh=freshness(today, plan, everybody), tags=_tags(customer, is_late),
        same=same_shown(request, customer) if by_name else None, grades=grades, line=_line(customer, drawn, today, is_late), rhythm=_rhythm(drawn, customer, today),
        file=file_shown(
            request, customer, badges.holding, may_write=contact, masked=masked_details(details_of(customer)) | clear,
            extra=_basics(customer), names=_names(customer),
        ) if by_name else None,
        tasks=[card(t, {t.customer_id: shown}, badges, request, show_staff=True) for t in tasks], people=around,
        visits=_visits(visits[:limit], noted), stage=stage, visit_form=visit_form(request, customer) if contact else None, visits_older="?all=1#visits" if len(visits) > limit else "",
        notes=_notes(request, customer) if by_name else [], by_name=by_name, note_kinds=list(NOTE_KINDS.items()),
        labels=tags_shown(customer, contact) if by_name else None, attachments=attachments_shown(customer, contact) if by_name else None,
        phone_action=reverse("customer-phones", args=[customer.id]) if contact else "",
        note_action=reverse("customer-notes", args=[customer.id]) if contact else "",
        sale=Page(
            action=reverse("customer-sales", args=[customer.id]), today=today.isoformat(), once=secrets.token_hex(8),
            stores=[(s.pk, s.name) for s in Store.objects.filter(is_open=True)], receipts_href=reverse("receipts") + f"?for={customer.id}" if everybody else "",
        ) if contact else None,
        consent=consent_card(request, customer),
        counter_href=reverse("counter-member", args=[customer.id]) if sees(request.user, customer, "counter") else "",
        coupons_href=reverse("customer-coupons", args=[customer.id]) if sees(request.user, customer, "give-coupons") else "",
        member_code=reverse("customer-member-code", args=[customer.id]) if contact else "",
        hold=Page(active=hold is not None, said=_hold_said(hold, today), action=reverse("customer-hold", args=[customer.id]) if contact else ""),
        charge=charge_card(request, customer) if by_name else None,
        identities=[Page(kind=KINDS[i.kind], said=i.shown, detach="", is_shared=i.is_shared) for i in identities if not i.shown.startswith("hand-")],
    )  # fmt: skip
    return render(request, "portrait.html", {"page": page})


def _reveal(customer: Customer, phone: str, clear: dict[str, str]) -> Page | None:
    """What can be shown in full, and the reasons that may be given."""
    there = [("phone", Words("手机号", "Phone"))] if phone else []
    there += [(key, MASKED[key]) for key in masked_details(details_of(customer))]
    there += people_to_reveal(customer)
    there = [(key, name) for key, name in there if key not in clear]
    if not there:
        return None
    return Page(
        action=reverse("customer-reveal", args=[customer.id]),
        what=there,
        reasons=list(readings.REASONS.items()),
    )


KINDS = {
    "member": Words("会员号", "Member number"), "card": Words("卡号", "Card"), "phone": Words("手机", "Phone"),
    "openid": Words("微信或支付标识", "Payer id"), "name": Words("单位名", "Company name"),
}  # fmt: skip


def _late_now(drawn: LivePortrait, away: Away | None) -> bool:
    last, gap = drawn.facts.get("last_visit_on"), drawn.facts.get("usual_gap_days")
    if away is None or last is None or gap is None:
        return False
    return away.holds(Page(last_visit_on=_day(last), usual_gap_days=gap))  # type: ignore[arg-type]


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromordinal(int(value) + date(1970, 1, 1).toordinal())


def _rhythm_sentence(drawn: LivePortrait, away: Away | None, today: date) -> Words:
    """How she comes, in one sentence: 平常 9 天来一次，这次已经 31 天没来."""
    facts = drawn.facts
    last, gap, visits = facts.get("last_visit_on"), facts.get("usual_gap_days"), int(facts.get("visits") or 0)
    if last is None:
        return Words("还没来过，或者来的时候没留下记录。", "No visit yet, or none that was recorded.")
    judged = min(today, away.judged_on) if away else today
    days = max(0, (judged - _day(last)).days)
    if gap is None:
        came = Words("只来过 {n} 次", "Came {n} times so far" if visits != 1 else "Came once so far").fill(
            n=visits
        )
        ago = Words("最近一次是{d}。", "last {d}.").fill(d=day_words(_day(last), today))
        return Words(f"{came.zh}，{ago.zh}", f"{came.en}, {ago.en}")
    if days <= 1:
        return Words("{g}，{d}刚来过。", "{g}; was here {d}.").fill(
            g=said_rhythm(gap), d=day_words(_day(last), today)
        )
    if days > gap:
        said = Words("{g}，这次已经 {n} 天没来。", "{g}, away for {n} days now.")
    else:
        said = Words("{g}，上次是 {n} 天前。", "{g}, last here {n} days ago.")
    return said.fill(g=said_rhythm(gap), n=days)


def _tags(customer: Customer, is_late: bool) -> list[Page]:
    tags = []
    if is_late:
        tags.append(Page(text=Words("该来没来", "overdue"), kind="warn"))
    if customer.is_company:
        tags.append(Page(text=Words("公司客户", "company"), kind=""))
    if customer.is_by_hand:
        tags.append(Page(text=Words("手工录入", "written in by hand"), kind=""))
    return tags


def _line(customer: Customer, drawn: LivePortrait, today: date, is_late: bool) -> Page | None:
    """A year of visits on one line."""
    start = today - timedelta(days=364)
    days = [(d, a) for d, a in visit_days_of(customer, start) if d <= today]
    if not days:
        return None
    most = max((a for _, a in days), default=0) or 1
    visits = [
        Page(at=(d - start).days / 364, size=max(a, 0) / most, said=f"{d.isoformat()} {say_money(a)}")
        for d, a in days
    ]
    months = []
    for k in range(13):
        month = date(start.year + (start.month - 1 + k) // 12, (start.month - 1 + k) % 12 + 1, 1)
        if start <= month <= today and k % 2 == 1:
            months.append(
                Page(at=(month - start).days / 364, text=Words(f"{month.month}月", MONTHS[month.month - 1]))
            )
    gone = drawn.facts["days_since_visit"]
    return Page(
        visits=visits, months=months, late=is_late and gone > 14, gap_text=Words("{n} 天没来", "{n} days away").fill(n=gone),
        label=Words("最近一年来过 {n} 天", "{n} days with a visit in the last year").fill(n=len(days)),
    )  # fmt: skip


RHYTHM = (
    "usual_gap_days",
    "visits",
    "visits_in_30_days",
    "spend_in_30_days",
    "spend_in_12_months",
    "average_spend",
    "largest_spend",
)


def _rhythm(drawn: LivePortrait, customer: Customer, today: date) -> list[Page]:
    """How often, how much, what and where."""
    facts = drawn.facts
    rows = [
        Page(name=titled(catalogue.get(key).name), value=spoken(key, facts[key]), note="")
        for key in RHYTHM
        if key in facts and facts[key] is not None
    ]
    for key, name in (
        ("last_visit_on", Words("上次来", "Last visit")),
        ("first_visit_on", Words("第一次来", "First visit")),
    ):
        if facts.get(key) is not None:
            rows.append(Page(name=name, value=day_words(_day(facts[key]), today), note=""))
    best = favourites_of(customer, 4)
    if best:
        said = [Words("{i}（{n} 次）", "{i} ({n}×)").fill(i=b["item"], n=b["times"]) for b in best]
        rows.append(
            Page(
                name=Words("常买", "Buys most"),
                value=Words("、".join(s.zh for s in said), ", ".join(s.en for s in said)),
                note="",
            )
        )
    if facts.get("last_store"):
        store = Store.objects.filter(pk=facts["last_store"]).first()
        if store and Store.objects.count() > 1:
            rows.append(Page(name=Words("上次去的店", "Last store"), value=store.name, note=""))
    return rows


def _basics(customer: Customer) -> list[Page]:
    """What is known about her beside the fields of the file."""
    rows = []
    for compact, name in (
        (customer.birthday, Words("生日", "Birthday")),
        (customer.anniversary, Words("纪念日", "Anniversary")),
    ):
        if compact:
            rows.append(Page(name=name, value=Birthday.parse(compact).words(), note=""))
    said = details_of(customer)
    rows += [
        Page(name=name, value=said[key][:80], note="", is_aside=True)
        for key, name in KEPT.items()
        if said.get(key)
    ]
    return rows


KEPT = {
    "tier": Words("收银系统里的等级", "Level in the till"), "points": Words("积分（文件里）", "Points (from the file)"),
    "balance": Words("储值（文件里）", "Stored value (from the file)"), "registered_on": Words("注册", "Registered"),
    "tags": Words("标签", "Labels"), "company": Words("公司", "Company"), "note": Words("文件里的备注", "Note in the file"),
}  # fmt: skip
"""What lists say about her beside facts; stored value and points wait here for membership."""


def _notes(request: Request, customer: Customer) -> list[Page]:
    """What people have written about her, on her page or when they ended a task, the latest first."""
    written = notes_shown(request, customer)
    written += [
        Page(on=t.ended_on, by=t.ended_by.name if t.ended_by else "", text=t.note or "", kind="", delete="")
        for t in noted_tasks(customer)
    ]
    return sorted(written, key=lambda n: n.on, reverse=True)


def _names(customer: Customer) -> list[Page]:
    """The form's inputs for her name and her days."""
    return [
        Page(name="name", label=Words("姓名", "Name"), kind="text", value=customer.name, options=[], hint=""),
        Page(name="birthday", label=Words("生日", "Birthday"), kind="text", value=birthday_text(customer.birthday), options=[],
             hint=Words("1990-05-06、05-06 或 农历八月十五", "1990-05-06, 05-06, or 农历八月十五 for the lunar calendar")),
        Page(name="anniversary", label=Words("纪念日", "Anniversary"), kind="text", value=birthday_text(customer.anniversary), options=[],
             hint=Words("结婚、开业……写法和生日一样", "Wedding, opening …, written as a birthday is")),
    ]  # fmt: skip


def birthday_text(compact: str) -> str:
    if not compact:
        return ""
    birthday = Birthday.parse(compact)
    return (
        compact.removeprefix("solar ").removeprefix("--")
        if birthday.calendar == "solar"
        else birthday.words().zh
    )


def _visits(visits: list[dict[str, Any]], noted: dict[date, list[Page]]) -> list[Page]:
    """Her visits, the latest first, each with what was written about that day; days that have no receipt as well."""
    rows = [_visit(v) for v in visits]
    last = min((r.on for r in rows), default=None)
    told: set[date] = set()
    for row in rows:
        if row.on not in told:
            told.add(row.on)
            row.said = noted.get(row.on, [])
    alone = [
        Page(on=day, amount=None, store=said[0].store, items="", refund=False, more="", said=said)
        for day, said in noted.items()
        if day not in told and (last is None or day >= last)
    ]
    return sorted([*rows, *alone], key=lambda r: r.on, reverse=True)


def _receipt_said(sale: Any) -> Words | str:
    """What a receipt says beside what was bought: the occasion, how many came, who served."""
    parts = []
    if sale.occasion:
        parts.append(OCCASIONS.get(sale.occasion, Words(sale.occasion, sale.occasion)))
    if sale.party_size:
        parts.append(
            Words("{n} 位", "{n} people" if sale.party_size != 1 else "one person").fill(n=sale.party_size)
        )
    if sale.served_by:
        parts.append(Words(f"{sale.served_by}接待", f"served by {sale.served_by}"))
    return Words(" · ".join(p.zh for p in parts), " · ".join(p.en for p in parts)) if parts else ""


def _visit(visit: dict[str, Any]) -> Page:
    sale = visit["sale"]
    items = visit["items"]
    said = "、".join(items[:4]) + (f" … {len(items)}" if len(items) > 4 else "")
    return Page(
        on=sale.day,
        amount=sale.amount if sale.kind != SaleKind.ATTENDANCE else None,
        store=sale.store.name,
        items=said,
        refund=sale.kind == SaleKind.REFUND,
        more=_receipt_said(sale),
        said=[],
    )


def _hold_said(hold: Hold | None, today: date) -> Words | str:
    if hold is None:
        return ""
    who = Words(f"（{hold.by.name}记的）", f" (noted by {hold.by.name})") if hold.by else Words("", "")
    if hold.until:
        return Words("{d}之前不再联系她{w}", "Nobody contacts her until {d}{w}").fill(
            d=day_words(hold.until, today), w=who
        )
    return Words(
        "她不想被打扰，谁都不再联系{w}", "She wants to be left in peace: nobody contacts her{w}"
    ).fill(w=who)
