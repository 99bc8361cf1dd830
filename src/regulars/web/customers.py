"""Customers: the list, the search, the portrait, and what staff write down about her."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from types import SimpleNamespace as Page
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars import daily
from regulars.care.models import DayPlan
from regulars.care.queries import due_for
from regulars.care.rules.triggers.late import said_rhythm
from regulars.customers import actions
from regulars.customers.models import Customer
from regulars.customers.queries import (
    Away,
    details_of,
    family_of,
    favourites_of,
    file_facts_of,
    identities_of,
    listed,
    notes_of,
    search,
    visit_days_of,
    visits_of,
)  # fmt: skip
from regulars.customers.rules.details import read_birthday, read_fact
from regulars.facts import catalogue
from regulars.grading.models import GradeChange, GradeRun
from regulars.grading.queries import LivePortrait
from regulars.grading.queries import portrait as drawn_now
from regulars.playbooks.catalogue import Fact
from regulars.playbooks.playbook import Playbook
from regulars.sales.models import Batch, BatchState, Identity, SaleKind
from regulars.shop.actions import ask_for
from regulars.shop.calendar import Birthday, day_words
from regulars.shop.models import Hold, Store, audit
from regulars.shop.money import fen, say_money
from regulars.shop.words import Refused, Words
from regulars.web.jinja import MONTHS
from regulars.web.may import may, needs
from regulars.web.request import Request, number_in
from regulars.web.shown import Badges, customers_shown, freshness, people, titled
from regulars.web.today import card
from regulars.web.why import grade_shown, spoken

A_PAGE = 50

# --- the list --------------------------------------------------------------------------------------------------------


@needs("look")
@require_GET
def customers(request: Request) -> HttpResponse:
    """The list of customers, or what a search finds."""
    text = request.GET.get("q", "").strip()[:60]
    badges = Badges()
    away = lateness(badges.leading, request.today)
    plan = DayPlan.objects.filter(on=request.today).first()
    if text:
        found = search(text, 50)
        if len(found) == 1 and "list" not in request.GET:
            return redirect("portrait", found[0].id)
        page = Page(
            sentence=Words("找到 {n}", "{n} found").fill(n=people(len(found))) if found else "", more="", search=text,
            fresh=freshness(request.today, plan, may(request.user, "manage")), filters=[], rows=_rows(found, badges, away, request.today),
            newer="", older="", place="", waiting="",
        )  # fmt: skip
        return render(request, "customers.html", {"page": page, "q": text})
    return _list(request, badges, away, plan)


def lateness(playbook: Playbook | None, today: date) -> Away | None:
    """When the shop's own playbook calls somebody late; judged at the day that every store's data reach."""
    rules = [r for r in playbook.care if r.when == "late" and r.times_usual] if playbook else []
    if not rules:
        return None
    known = [d for d in Store.objects.filter(is_open=True).values_list("known_until", flat=True) if d]
    first = min(rules, key=lambda r: (r.times_usual or 0, r.at_least_days))
    most = [r.at_most_days for r in rules]
    return Away(
        min([today, *known]),
        first.times_usual or 1.0,
        first.at_least_days,
        None if None in most else max(m for m in most if m),
    )


def _list(request: Request, badges: Badges, away: Away | None, plan: DayPlan | None) -> HttpResponse:
    run = (
        GradeRun.objects.filter(playbook=badges.leading.key).order_by("-on", "-id").first()
        if badges.leading
        else None
    )
    show = request.GET.get("show", "")
    grade = _asked_grade(request.GET.get("grade", ""), badges)
    late = away if show == "late" else None
    order = "newest" if show == "newest" else "spend"
    found = listed(
        order=order,
        only=Q(standings__playbook=grade[0], standings__scale=grade[1], standings__grade=grade[2])
        if grade
        else None,
        late=late,
        after=_place(request.GET.get("after")),
        before=_place(request.GET.get("before")),
        limit=A_PAGE,
    )
    back = "before" in request.GET
    more = len(found) > A_PAGE
    found = found[1:] if more and back else found[:A_PAGE]
    is_first = not ("after" in request.GET or (back and more))
    has_older = back or more
    if back and not more:
        is_first = True
    filters = _filters(badges, run, grade, show, away is not None)
    sentence, said = _list_sentence(run, grade, show, badges, away, request.today)
    waiting = "" if found or Batch.objects.filter(state=BatchState.COMPLETE).exists() else "no-sales"
    page = Page(
        sentence=sentence, more=said, fresh=freshness(request.today, plan, may(request.user, "manage")), search="", filters=[] if waiting else filters,
        rows=_rows(found, badges, away, request.today),
        newer="" if is_first or not found else _link(request, before=_mark(found[0], order)),
        older=_link(request, after=_mark(found[-1], order)) if has_older and found else "", place="",
        waiting=waiting, add_href=reverse("customer-new") if may(request.user, "contact") else "",
    )  # fmt: skip
    return render(request, "customers.html", {"page": page})


def _asked_grade(text: str, badges: Badges) -> tuple[str, str, str] | None:
    scale, _, key = text.rpartition(".")
    if badges.leading is None or not key:
        return None
    known = {s.key: s for s in badges.leading.scales}
    if scale not in known or (known[scale].index(key) is None and key not in ("new", "none")):
        raise Http404
    return badges.leading.key, scale, key


def _place(text: str | None) -> tuple[int, int] | None:
    spend, _, number = (text or "").rpartition(".")
    a, b = number_in(spend, -(10**15), 10**15), number_in(number, 0, 2**62)
    return (a, b) if a is not None and b is not None else None


def _mark(customer: Customer, order: str) -> str:
    return f"{customer.portrait.spend_in_12_months if order == 'spend' else 0}.{customer.id}"


def _link(request: Request, **changed: str) -> str:
    kept = {k: v for k, v in request.GET.items() if k in ("grade", "show")}
    from urllib.parse import urlencode

    return "?" + urlencode({**kept, **changed})


def _filters(badges: Badges, run: GradeRun | None, grade: Any, show: str, has_late: bool) -> list[Page]:
    pills = [
        Page(
            text=Words("所有人", "Everybody"),
            href="?",
            current=not grade and not show,
            count=run.customers if run else None,
        )
    ]
    if has_late:
        pills.append(
            Page(text=Words("该来没来", "Overdue"), href="?show=late", current=show == "late", count=None)
        )
    pills.append(
        Page(text=Words("最新的", "Newest"), href="?show=newest", current=show == "newest", count=None)
    )
    for scale in badges.leading.scales if badges.leading else ():
        summary = run.summary.get(scale.key, {}) if run else {}
        for key in (*[g.key for g in scale.grades], "new"):
            count = summary.get(key, {}).get("customers", 0)
            if key == "new" and not count:
                continue
            leading = badges.leading
            badge = badges.badge(leading.key, scale.key, key) if leading else None
            if leading is None or badge is None:
                continue
            name = (
                badge.name
                if len(leading.scales) == 1
                else Words(f"{scale.name.zh}：{badge.name.zh}", f"{scale.name.en}: {badge.name.en}")
            )
            pills.append(
                Page(
                    text=name,
                    href=f"?grade={scale.key}.{key}",
                    current=bool(grade) and grade[1:] == (scale.key, key),
                    count=count,
                )
            )
    return pills


def _list_sentence(
    run: GradeRun | None, grade: Any, show: str, badges: Badges, away: Away | None, today: date
) -> tuple[Words | str, Words | str]:
    by_spend = Words("最近一年花得多的在前", "Who spent most in the last year comes first")
    if show == "late" and away:
        return (
            Words("该来没来的人，花得多的在前", "Overdue by their own rhythm, best customers first"),
            Words(
                "没来的天数到了各自平常的 {t} 倍，按数据算到{d}",
                "Away {t} times their own usual gap, judged on {d}",
            ).fill(t=f"{away.times:g}", d=day_words(away.judged_on, today)),
        )
    if show == "newest":
        return Words("最新认识的在前", "The newest first"), ""
    if grade and run:
        badge = badges.badge(*grade)
        row = run.summary.get(grade[1], {}).get(grade[2], {"customers": 0, "spend": 0})
        said = Words("{g}：{n}，最近一年一共花了 {m}", "{g}: {n}, {m} spent in the last year").fill(
            g=badge.name if badge else grade[2], n=people(row["customers"]),
            m=Words(say_money(row["spend"], "zh", True), say_money(row["spend"], "en", True)),
        )  # fmt: skip
        return said, by_spend
    if run:
        return Words("一共 {n}", "{n} in all").fill(n=people(run.customers)), by_spend
    return "", ""


def _rows(found: list[Customer], badges: Badges, away: Away | None, today: date) -> list[Page]:
    shown = customers_shown(found, badges)
    rows = []
    for c in found:
        portrait = getattr(c, "portrait", None)
        is_late = away is not None and away.holds(portrait)
        last = portrait.last_visit_on if portrait else None
        rows.append(Page(
            href=shown[c.id].href, name=shown[c.id].name, tail=shown[c.id].tail, grades=shown[c.id].grades, last_on=last,
            days=(today - last).days if last else None, usual=_gap(portrait.usual_gap_days) if portrait else None,
            visits=portrait.visits_in_12_months if portrait else 0, spend=portrait.spend_in_12_months if portrait else 0,
            late=is_late, said="",
        ))  # fmt: skip
    return rows


def _gap(days: float | None) -> str | None:
    """A usual gap as people say it: halves only where they matter."""
    if days is None:
        return None
    return f"{days:.1f}".removesuffix(".0") if days < 10 else f"{days:.0f}"


@needs("look")
@require_GET
def suggestions(request: Request) -> HttpResponse:
    """A few names under the search box while one types."""
    text = request.GET.get("q", "").strip()[:60]
    found = search(text, 8) if text else []
    shown = customers_shown(found, Badges())
    return render(
        request, "suggestions.html", {"page": Page(found=[shown[c.id] for c in found], search=text)}
    )


@needs("contact")
@require_http_methods(["GET", "POST"])
def customer_new(request: Request) -> HttpResponse:
    """A customer whom no file names."""
    filled = {k: request.POST.get(k, "").strip() for k in ("name", "phone", "member")}
    problems: list[Words] = []
    if request.method == "POST":
        try:
            phone = _phone(filled["phone"])
            made = actions.add_customer(
                name=filled["name"], phone=phone, member=filled["member"][:60], is_company="is_company" in request.POST,
                store=request.user.store, by=request.user,
            )  # fmt: skip
        except Refused as refused:
            problems.append(refused.words)
        else:
            messages.success(request, Words("记下了", "Written down").say(request.lang))
            return redirect("portrait", made.id)
    page = Page(filled=filled, problems=problems, is_company="is_company" in request.POST)
    return render(request, "customer_new.html", {"page": page}, status=422 if problems else 200)


def _phone(text: str) -> str:
    """A phone number as the files of the shop carry it, or Refused when it is none."""
    if not text:
        return ""
    from regulars.sales.rules.phones import phone

    read = phone(text)
    if read is None:
        raise Refused(Words("「{p}」不像手机号", "{p} is not a phone number").fill(p=text))
    return read


# --- the portrait ----------------------------------------------------------------------------------------------------


def find_customer(number: int) -> Customer:
    """The customer who stands behind a number, read through merging."""
    found = (
        Customer.objects.select_related("merged_into", "portrait", "store", "in_charge")
        .filter(pk=number)
        .first()
    )
    if found is None or found.is_gone:
        raise Http404
    return found


@needs("look")
@require_GET
def portrait(request: Request, number: int) -> HttpResponse:
    """One customer: who she is, why this grade, what comes next, what she did."""
    return _portrait(request, number)


@needs("contact")
@require_POST
def customer_phone(request: Request, number: int) -> HttpResponse:
    """Show her number to the one who is to call; who looked stands in the audit trail."""
    customer = find_customer(number)
    written = (
        Identity.objects.filter(link__customer__in=family_of(customer), kind="phone", is_shared=False)
        .order_by("id")
        .first()
    )
    audit("show-phone", f"customer {customer.id}", by=request.user)
    return _portrait(request, number, tel=written.written if written else "")


def _portrait(request: Request, number: int, tel: str = "") -> HttpResponse:
    customer = find_customer(number)
    if customer.merged_into_id:
        return redirect("portrait", customer.merged_into_id)
    badges, today = Badges(), request.today
    drawn = drawn_now(customer, today, badges.holding)
    away = lateness(badges.leading, today)
    shown = customers_shown([customer], badges)[customer.id]
    contact, everybody = may(request.user, "contact"), may(request.user, "manage")
    visits = visits_of(customer, 61 if "all" not in request.GET else 1000)
    limit = len(visits) if "all" in request.GET else 10
    tasks = due_for(customer) if contact else []
    identities = identities_of(customer)
    phone = next((i.shown for i in identities if i.kind == "phone" and not i.is_shared), "")
    hold = (
        Hold.objects.filter(person=customer.id, rule="", channel="")
        .exclude(until__lt=today)
        .order_by("-id")
        .first()
    )
    history = list(GradeChange.objects.filter(customer=customer).order_by("-on", "-id")[:30])
    grades = [grade_shown(e, drawn.facts, today, history, badges) for e in drawn.grades]
    for grade in grades:
        grade.playbook_href = reverse("playbook", args=[grade.playbook_key])
    is_late = _late_now(drawn, away)
    plan = DayPlan.objects.filter(on=today).first()
    page = Page(
        name=shown.name, tail=shown.tail, phone=tel or phone, tel=tel, reveal=reverse("customer-phone", args=[customer.id]) if phone and contact and not tel else "",
        sentence=_rhythm_sentence(drawn, away, today), more="", fresh=freshness(today, plan, everybody), tags=_tags(customer, is_late),
        merged_into=None, grades=grades, line=_line(customer, drawn, today, is_late), rhythm=_rhythm(drawn, customer, today),
        basics=_basics(customer, drawn, badges), basics_missing=_missing(customer, drawn, badges),
        tasks=[card(t, {customer.id: shown}, badges, request, show_staff=True) for t in tasks], promised=[],
        visits=[_visit(v) for v in visits[:limit]], visits_older="?all=1#visits" if len(visits) > limit else "",
        notes=[Page(on=n.on, by=n.author_name, text=n.text, delete="") for n in notes_of(customer)],
        note_action=reverse("customer-notes", args=[customer.id]) if contact else "",
        know=_know(customer, badges, today) if contact else None,
        sale=Page(
            action=reverse("customer-sales", args=[customer.id]), today=today.isoformat(),
            stores=[(s.pk, s.name) for s in Store.objects.filter(is_open=True)], receipts_href=reverse("receipts") + f"?for={customer.id}" if everybody else "",
        ) if contact else None,
        hold=Page(active=hold is not None, said=_hold_said(hold, today), action=reverse("customer-hold", args=[customer.id]) if contact else ""),
        identities=[Page(kind=KINDS[i.kind], said=i.shown, detach="", is_shared=i.is_shared) for i in identities if not i.shown.startswith("hand-")],
    )  # fmt: skip
    return render(request, "portrait.html", {"page": page})


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
    gone = (today - days[-1][0]).days
    return Page(
        visits=visits, months=months, late=is_late and gone > 14, gap_text=Words("{n} 天没来", "{n} days away").fill(n=gone),
        label=Words("最近一年来过 {n} 天", "{n} days with a visit in the last year").fill(n=len(days)),
    )  # fmt: skip


RHYTHM = (
    "usual_gap_days",
    "days_since_visit",
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
    first = facts.get("first_visit_on")
    if first is not None:
        rows.append(Page(name=Words("第一次来", "First visit"), value=day_words(_day(first), today), note=""))
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


def _basics(customer: Customer, drawn: LivePortrait, badges: Badges) -> list[Page]:
    """What people know about her: only what is known."""
    rows = []
    if customer.birthday:
        rows.append(
            Page(name=Words("生日", "Birthday"), value=Birthday.parse(customer.birthday).words(), note="")
        )
    known = file_facts_of(customer, _file_facts(), drawn.on)
    for fact in _file_facts():
        if known.get(fact.key) is not None and fact.key != "is_company":
            rows.append(Page(name=titled(fact.name), value=spoken(fact.key, known[fact.key]), note=""))
    if customer.in_charge:
        rows.append(Page(name=Words("谁负责", "Looked after by"), value=customer.in_charge.name, note=""))
    said = details_of(customer)
    for key, name in KEPT.items():
        if said.get(key):
            rows.append(Page(name=name, value=said[key][:80], note=""))
    return rows


KEPT = {
    "tier": Words("收银系统里的等级", "Level in the till"), "points": Words("积分（文件里）", "Points (from the file)"),
    "balance": Words("储值（文件里）", "Stored value (from the file)"), "registered_on": Words("注册", "Registered"),
    "tags": Words("标签", "Labels"), "company": Words("公司", "Company"), "note": Words("文件里的备注", "Note in the file"),
}  # fmt: skip
"""What lists say about her beside facts; stored value and points wait here for membership."""

UNASKED = ("revenue_per_minute_place", "age", "is_company", "sex")


def _file_facts() -> list[Fact]:
    """The facts that people may say about a customer, those without a window."""
    return [
        f for f in catalogue if f.is_file_fact and f.window is None and f.key != "revenue_per_minute_place"
    ]


def _asked_for(badges: Badges) -> set[str]:
    """The file facts that the playbooks in force ask for."""
    wanted: set[str] = set()
    for holds in badges.holding:
        wanted |= set(catalogue.closure(sorted(holds.playbook.facts() | holds.playbook.care_facts())))
    return wanted


def _missing(customer: Customer, drawn: LivePortrait, badges: Badges) -> Words | str:
    wanted = _asked_for(badges)
    known = file_facts_of(customer, _file_facts(), drawn.on)
    missing = [f for f in _file_facts() if f.key in wanted and known.get(f.key) is None]
    if not missing:
        return ""
    return Words("打法还想知道：{f}", "The playbook would like to know: {f}").fill(
        f=Words("、".join(f.name.zh for f in missing), ", ".join(f.name.en for f in missing))
    )


def _know(customer: Customer, badges: Badges, today: date) -> Page:
    """The form for what staff know: first what the playbook asks for."""
    wanted = _asked_for(badges)
    said = details_of(customer)
    unknown = ("", Words("不知道", "not known"))
    fields = [
        Page(name="name", label=Words("姓名", "Name"), kind="text", value=customer.name, options=[], hint=""),
        Page(name="birthday", label=Words("生日", "Birthday"), kind="text", value=_birthday_text(customer.birthday), options=[],
             hint=Words("1990-05-06、05-06 或 农历八月十五", "1990-05-06, 05-06, or 农历八月十五 for the lunar calendar")),
    ]  # fmt: skip
    for fact in sorted(_file_facts(), key=lambda f: f.key not in wanted):
        if fact.key in ("age", "is_company"):
            continue
        value = (customer.sex if fact.key == "sex" else said.get(fact.key, "")) or ""
        hint: Words | str = Words("打法要用", "the playbook asks for it") if fact.key in wanted else ""
        if fact.type == "yes-no":
            options: list[Any] = [unknown, ("true", Words("是", "Yes")), ("false", Words("否", "No"))]
            fields.append(
                Page(
                    name=fact.key,
                    label=titled(fact.name),
                    kind="select",
                    value=value,
                    options=options,
                    hint=hint,
                )
            )
        elif fact.choices:
            fields.append(
                Page(
                    name=fact.key,
                    label=titled(fact.name),
                    kind="select",
                    value=value,
                    options=[unknown, *fact.choices.items()],
                    hint=hint,
                )
            )
        else:
            kind = {"number": "number", "date": "date"}.get(fact.type, "text")
            value = value.removesuffix(".0") if kind == "number" else value
            fields.append(
                Page(name=fact.key, label=titled(fact.name), kind=kind, value=value, options=[], hint=hint)
            )
    return Page(action=reverse("customer-facts", args=[customer.id]), fields=fields)


def _birthday_text(compact: str) -> str:
    if not compact:
        return ""
    birthday = Birthday.parse(compact)
    return (
        compact.removeprefix("solar ").removeprefix("--")
        if birthday.calendar == "solar"
        else birthday.words().zh
    )


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


# --- what staff write down -------------------------------------------------------------------------------------------


def _live(number: int) -> Customer:
    customer = find_customer(number)
    return customer.merged_into or customer


@needs("contact")
@require_POST
def customer_notes(request: Request, number: int) -> HttpResponse:
    customer = _live(number)
    try:
        actions.add_note(customer, request.POST.get("note", ""), on=request.today, by=request.user)
    except Refused as refused:
        messages.warning(request, refused.words.say(request.lang))
    return redirect("portrait", customer.id)


@needs("contact")
@require_POST
def customer_facts(request: Request, number: int) -> HttpResponse:
    """Keep what changed of all that the form says."""
    customer = _live(number)
    said = details_of(customer)
    wrong: list[Words] = []
    changed = 0
    for key, old in (("name", customer.name), ("birthday", _birthday_text(customer.birthday))):
        text = request.POST.get(key, old).strip()
        if text == old:
            continue
        value = (
            text[:80]
            if key == "name" or not text
            else read_birthday(text.removeprefix("农历"), lunar=text.startswith("农历"))
        )
        if text and not value:
            wrong.append(Words("看不懂生日「{t}」", "{t} is not a birthday").fill(t=text))
            continue
        actions.say_detail(customer, key, value, by=request.user)
        changed += 1
    for fact in _file_facts():
        if fact.key in ("age", "is_company") or fact.key not in request.POST:
            continue
        text = request.POST[fact.key].strip()
        old = (customer.sex if fact.key == "sex" else said.get(fact.key, "")) or ""
        value = text if not text or text in fact.choices else (read_fact(fact, text) or "")
        if text and (not value or (fact.type == "date" and not _is_day(value))):
            wrong.append(Words("看不懂「{f}」：{t}", "{f}: {t} can't be read").fill(f=fact.name, t=text))
            continue
        if value != old:
            actions.say_detail(customer, fact.key, value, by=request.user)
            changed += 1
    for words in wrong:
        messages.error(request, words.say(request.lang))
    if changed:
        messages.success(
            request, Words("记下了，下次定级就会用到", "Kept; the next grading uses it").say(request.lang)
        )
    return redirect("portrait", customer.id)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


@needs("contact")
@require_POST
def customer_sales(request: Request, number: int) -> HttpResponse:
    """A sale that no till knows of."""
    customer = _live(number)
    store = (
        Store.objects.filter(pk=number_in(request.POST.get("store"), 1, 2**62) or 0).first()
        or request.user.store
        or Store.objects.order_by("id").first()
    )
    try:
        amount = fen(_amount(request.POST.get("amount", "")))
        if not _is_day(request.POST.get("day", "")):
            raise Refused(Words("请选日期", "Please choose a day"))
        if store is None:
            raise Refused(Words("先在设置里加一家门店", "First add a store in the settings"))
        daily.record_sale(
            customer,
            store=store,
            day=date.fromisoformat(request.POST["day"]),
            amount=amount,
            occasion=request.POST.get("occasion", "")[:40],
            by=request.user,
        )
    except Refused as refused:
        messages.error(request, refused.words.say(request.lang))
    else:
        ask_for("redraw", {"customers": [customer.id]}, by=request.user)
        messages.success(
            request,
            Words(
                "记下了这笔消费；放错了，可以在“销售”里撤回",
                "The sale is written down; a wrong one can be taken back under Sales",
            ).say(request.lang),
        )
    return redirect("portrait", customer.id)


def _amount(text: str) -> Decimal:
    """An amount that a person typed; empty is a visit without money.

    >>> _amount("￥1,234.5"), _amount("")
    (Decimal('1234.5'), Decimal('0'))
    """
    import unicodedata

    plain = (
        unicodedata.normalize("NFKC", text).strip().lstrip("¥￥").replace(",", "").removesuffix("元").strip()
    )
    if not plain:
        return Decimal(0)
    try:
        amount = Decimal(plain)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) > 10**9:
        raise Refused(Words("「{t}」不是金额", "{t} is not an amount").fill(t=text[:40]))
    return amount


@needs("contact")
@require_POST
def customer_hold(request: Request, number: int) -> HttpResponse:
    """She wants to be left in peace, or may be contacted again."""
    customer = _live(number)
    if "release" in request.POST:
        Hold.objects.filter(person=customer.id, rule="", channel="").delete()
        audit("release-hold", f"customer {customer.id}", by=request.user)
        messages.success(request, Words("可以再联系她了", "She may be contacted again").say(request.lang))
    elif not Hold.objects.filter(person=customer.id, rule="", channel="", until=None).exists():
        Hold.objects.create(person=customer.id, by=request.user)
        audit("hold", f"customer {customer.id}", by=request.user)
        messages.success(
            request, Words("好，不再打扰她", "She is left in peace from now on").say(request.lang)
        )
    return redirect("portrait", customer.id)
