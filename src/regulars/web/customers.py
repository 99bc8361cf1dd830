"""Customers: the list and the search."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace as Page
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from regulars.care.models import DayPlan
from regulars.customers.file import tags_in_use, with_tag
from regulars.customers.models import Customer, Tag
from regulars.customers.queries import (
    Away,
    listed,
    named_exactly,
    search,
    search_notes,
)  # fmt: skip
from regulars.customers.sight import sees, within
from regulars.grading.models import GradeRun
from regulars.playbooks.playbook import Playbook
from regulars.sales.models import Batch, BatchState
from regulars.shop import readings
from regulars.shop.calendar import day_words
from regulars.shop.models import Store
from regulars.shop.money import say_money
from regulars.shop.words import Words
from regulars.web.may import may, needs
from regulars.web.request import Request, number_in
from regulars.web.shown import Badges, customers_shown, freshness, people

A_PAGE = 50

SHOWN_TAGS = 12
"""As many tags as stand above a list without hiding it; the others are reached from a customer who has them."""


@needs("look")
@require_GET
def customers(request: Request) -> HttpResponse:
    """The list of customers, or what a search finds."""
    text = request.GET.get("q", "").strip()[:60]
    badges = Badges()
    away = lateness(badges.leading, request.today)
    plan = DayPlan.objects.filter(on=request.today).first()
    if text:
        found = search(text, 50, request.user)
        readings.count(request.user, "search", request.today)
        if len(found) == 1 and "list" not in request.GET:
            return redirect("portrait", found[0].id)
        page = Page(
            sentence=Words("找到 {n}", "{n} found").fill(n=people(len(found))) if found else "", more="", search=text,
            fresh=freshness(request.today, plan, may(request.user, "sales")), filters=[], rows=_rows(found, badges, away, request),
            newer="", older="", place="", waiting="", elsewhere=not found and _is_elsewhere(request, text), noted=_noted(request, text, badges),
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


SHOWN_NOTES = 20
A_SNIPPET = 60


def _noted(request: Request, text: str, badges: Badges) -> list[Page]:
    """Notes that say this, of the customers whose file this visitor may read; newest first."""
    if not may(request.user, "names"):
        return []
    everybody = request.user.reach("names").everybody
    hits = search_notes(text, SHOWN_NOTES if everybody else 10 * SHOWN_NOTES)
    about = [c.pk for c, _ in hits]
    seen = set(
        Customer.objects.filter(pk__in=about).visible_to(request.user, "names").values_list("pk", flat=True)
    )
    shown = customers_shown([c for c, _ in hits if c.pk in seen], badges, request.user)
    return [
        Page(customer=shown[c.pk], text=_snippet(str(note.text), text), on=note.on, by=note.author_name)
        for c, note in hits if c.pk in seen
    ][:SHOWN_NOTES]  # fmt: skip


def _snippet(note: str, text: str) -> str:
    """The part of a note around what was searched for.

    >>> _snippet("老客人，" * 20 + "对花生过敏", "花生")
    '…客人，老客人，老客人，老客人，老客人，对花生过敏'
    >>> _snippet("对花生过敏", "花生")
    '对花生过敏'
    """
    at = max(0, note.lower().find(text.lower()))
    start = max(0, at - A_SNIPPET // 3) if len(note) > A_SNIPPET else 0
    cut = note[start : start + A_SNIPPET]
    return ("…" if start else "") + cut + ("…" if start + A_SNIPPET < len(note) else "")


def _is_elsewhere(request: Request, text: str) -> bool:
    """Whether a whole number was typed that belongs to somebody whom this visitor doesn't see. Searches are counted, and
    letting her in counts against the day's limit, so numbers can't be tried out unnoticed."""
    if not may(request.user, "contact") or request.user.reach("names").everybody:
        return False
    return named_exactly(text) is not None


def asked_customers(request: Request) -> tuple[Q | None, Away | None, Words]:
    """Which customers the address asks for (`grade`, `show`), as the list and a file of it mean them."""
    badges = Badges()
    grade = _asked_grade(request.GET.get("grade", ""), badges)
    away = lateness(badges.leading, request.today)
    late = away if request.GET.get("show", "") == "late" else None
    run = _counted(request, badges)
    said, _ = _list_sentence(run, grade, request.GET.get("show", ""), badges, away, request.today)
    return _only(request, grade), late, said if isinstance(said, Words) else Words(said, said)


def _counted(request: Request, badges: Badges) -> GradeRun | None:
    """The run whose numbers stand on the list: it counts everybody, so it is for those whose list holds everybody."""
    if badges.leading is None or not request.user.reach("look").everybody:
        return None
    return GradeRun.objects.filter(playbook=badges.leading.key).order_by("-on", "-id").first()


def _with_grade(grade: tuple[str, str, str] | None) -> Q | None:
    if grade is None:
        return None
    return Q(standings__playbook=grade[0], standings__scale=grade[1], standings__grade=grade[2])


def _only(request: Request, grade: tuple[str, str, str] | None) -> Q | None:
    """The condition of a list: a grade, and a tag of those whose file the visitor may read."""
    only, tag = _with_grade(grade), _asked_tag(request)
    if tag is None:
        return only
    reach = within(request.user, "names")
    tagged = with_tag(tag) if reach is None else with_tag(tag) & reach
    return tagged if only is None else only & tagged


def _asked_tag(request: Request) -> Tag | None:
    number = number_in(request.GET.get("tag"), 1, 2**62)
    return Tag.objects.filter(pk=number).first() if number and may(request.user, "names") else None


def _list(request: Request, badges: Badges, away: Away | None, plan: DayPlan | None) -> HttpResponse:
    run = _counted(request, badges)
    show = request.GET.get("show", "")
    grade = _asked_grade(request.GET.get("grade", ""), badges)
    late = away if show == "late" else None
    order = "newest" if show == "newest" else "spend"
    found = listed(
        order=order,
        only=_only(request, grade),
        late=late,
        viewer=request.user,
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
    filters, tag = _filters(badges, run, grade, show, away is not None), _asked_tag(request)
    sentence, said = _list_sentence(run, grade, show, badges, away, request.today)
    if tag is not None:
        filters[0].current = False
        sentence, said = Words("标签“{t}”的顾客", "Customers tagged {t}").fill(t=tag.name), sentence
    if may(request.user, "names"):
        filters += [
            Page(text=Words(one.name, one.name), href=f"?tag={one.pk}", current=one == tag, count=None)
            for one in tags_in_use()[:SHOWN_TAGS]
        ]
    waiting = "" if found or Batch.objects.filter(state=BatchState.COMPLETE).exists() else "no-sales"
    page = Page(
        sentence=sentence, more=said, fresh=freshness(request.today, plan, may(request.user, "sales")), search="", filters=[] if waiting else filters,
        rows=_rows(found, badges, away, request),
        newer="" if is_first or not found else _link(request, before=_mark(found[0], order)),
        older=_link(request, after=_mark(found[-1], order)) if has_older and found else "", place="",
        waiting=waiting, add_href=reverse("customer-new") if may(request.user, "contact") else "",
        pool_href=reverse("pool") if may(request.user, "claim") else "",
        export_href=reverse("customers-export") + ("?" + request.GET.urlencode() if request.GET else "") if may(request.user, "export") else "",
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
    kept = {k: v for k, v in request.GET.items() if k in ("grade", "show", "tag")}
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
            if key == "new" and run and not count:
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
                    count=count if run else None,
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
    if grade and not run:
        badge = badges.badge(*grade)
        return badge.name if badge else grade[2], by_spend
    if grade and run:
        badge = badges.badge(*grade)
        row = run.summary.get(grade[1], {}).get(grade[2], {"customers": 0, "spend": 0})
        said = Words("{g}：{n}，最近一年一共花了 {m}", "{g}: {n}, {m} spent in the last year").fill(
            g=badge.name if badge else grade[2], n=people(row["customers"]),
            m=Words(say_money(row["spend"], "zh", True), say_money(row["spend"], "en", True)),
        )  # fmt: skip
        return said, by_spend
    if run and run.customers:
        return Words("一共 {n}", "{n} in all").fill(n=people(run.customers)), by_spend
    return "", ""


def _rows(found: list[Customer], badges: Badges, away: Away | None, request: Request) -> list[Page]:
    shown, today = customers_shown(found, badges, request.user), request.today
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
    found = search(text, 8, request.user) if text else []
    shown = customers_shown(found, Badges(), request.user)
    return render(
        request, "suggestions.html", {"page": Page(found=[shown[c.id] for c in found], search=text)}
    )


def find_customer(request: Request, number: int, ability: str = "look") -> Customer:
    """The customer who stands behind a number, if this visitor may do this with her; read through merging. Of somebody
    else's customer nothing is said, not even that she exists."""
    known = Customer.objects.select_related("merged_into", "portrait", "store", "in_charge")
    found = known.filter(pk=number).first()
    if found is None or found.is_gone or not sees(request.user, found, ability):
        raise Http404
    return found
