"""Grades: how many, how much, who moved; playbooks: read aloud, the shop's own numbers, who would move, versions."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace as Page
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.care.models import DayPlan
from regulars.customers.models import Customer
from regulars.facts import catalogue
from regulars.grading import actions
from regulars.grading.models import Adoption, GradeRun
from regulars.grading.queries import distribution, late_by_grade, missing_for, moved, would_move
from regulars.playbooks.overlay import numbers, with_numbers
from regulars.playbooks.playbook import CareRule, Grade, Playbook, Scale, library
from regulars.playbooks.problems import BadPlaybook
from regulars.playbooks.say import say_care, say_way
from regulars.sales.models import Batch, BatchState
from regulars.shop.actions import ask_for
from regulars.shop.money import say_money
from regulars.shop.words import Refused, Words
from regulars.web.customers import lateness
from regulars.web.may import may, needs
from regulars.web.request import Request
from regulars.web.shown import Badges, ShownGrade, customers_shown, freshness, grade_of, people
from regulars.web.why import change_why

MOVED_DAYS = 30
MOVED_SHOWN = 20

# --- the whole base --------------------------------------------------------------------------------------------------


@needs("see-grades")
@require_GET
def grades(request: Request) -> HttpResponse:
    """How customers and money spread over the grades, and who moved."""
    badges = Badges()
    chosen = next(
        (h for h in badges.holding if h.playbook.key == request.GET.get("playbook")),
        badges.holding[0] if badges.holding else None,
    )
    if chosen is None:
        return render(request, "grades.html", {"page": _empty("not-graded")})
    playbook = chosen.playbook
    scale = next((s for s in playbook.scales if s.key == request.GET.get("scale")), playbook.scales[0])
    run = GradeRun.objects.filter(playbook=playbook.key).order_by("-on", "-id").first()
    plan = DayPlan.objects.filter(on=request.today).first()
    has_sales = Batch.objects.filter(state=BatchState.COMPLETE).exists()
    if run is None or not run.customers:
        page = _empty("not-graded" if has_sales else "no-sales", playbook)
        page.fresh = freshness(request.today, plan, may(request.user, "playbooks"))
        return render(request, "grades.html", {"page": page})
    away = lateness(playbook, request.today)
    late = late_by_grade(playbook.key, scale.key, away) if away else {}
    shares = distribution(run, scale)
    changes = moved(playbook.key, request.today - timedelta(days=MOVED_DAYS), MOVED_SHOWN, request.user)
    shown = customers_shown({c.customer_id: c.customer for c in changes}.values(), badges, request.user)
    is_leading = badges.leading is not None and playbook.key == badges.leading.key
    page = Page(
        sentence=_sentence(scale, shares, late), more=_second_sentence(playbook, scale, shares), fresh=freshness(request.today, plan, may(request.user, "playbooks")),
        playbook=Page(name=playbook.name, version=playbook.version, href=reverse("playbook", args=[playbook.key])),
        playbooks=[
            Page(text=h.playbook.name, href=f"?playbook={h.playbook.key}", current=h.playbook.key == playbook.key, count=None) for h in badges.holding
        ] if len(badges.holding) > 1 else [],
        scales=[
            Page(text=s.name, href=f"?playbook={playbook.key}&scale={s.key}", current=s.key == scale.key, count=None) for s in playbook.scales
        ] if len(playbook.scales) > 1 else [],
        rows=[
            Page(grade=grade_of(scale, s.key), customers=s.customers, customer_share=s.share_of_customers, spend=s.spend, spend_share=s.share_of_spend,
                 late=late.get(s.key, 0), href=reverse("customers") + f"?grade={scale.key}.{s.key}" if is_leading else "")
            for s in shares
        ],
        spend_said=Words("最近一年花", "Spent, last year"),
        moved=[
            Page(name=shown[c.customer_id].name, href=shown[c.customer_id].href, before=badges.badge(c.playbook, c.scale, c.was),
                 after=badges.badge(c.playbook, c.scale, c.grade), on=c.on, why=change_why(c))
            for c in changes if c.customer_id in shown
        ],
        moved_older="", rising=[], graded_on=run.on, waiting="", grade_action=reverse("grades-run") if may(request.user, "playbooks") else "",
    )  # fmt: skip
    return render(request, "grades.html", {"page": page})


def _empty(waiting: str, playbook: Playbook | None = None) -> Page:
    shown = (
        Page(name=playbook.name, version=playbook.version, href=reverse("playbook", args=[playbook.key]))
        if playbook
        else None
    )
    return Page(
        sentence="", more="", fresh=None, playbook=shown, playbooks=[], scales=[], rows=[], spend_said="", moved=[], moved_older="", rising=[], graded_on=None,
        waiting=waiting, grade_action=reverse("grades-run"),
    )  # fmt: skip


def _sentence(scale: Scale, shares: list[Any], late: dict[str, int]) -> Words:
    """Who carries the shop: as many grades from the top as bring half of the money."""
    top, carried = [], 0.0
    for share in shares:
        if share.key in ("new", "none") or not share.customers:
            continue
        top.append(share)
        carried += share.share_of_spend
        if carried >= 0.5:
            break
    if not top:
        return Words("还没有人进到任何一级", "Nobody has reached a grade yet")
    n = sum(s.customers for s in top)
    missing = sum(late.get(s.key, 0) for s in top)
    who = _names(scale, top) if carried >= 0.5 else Words("有等级的", "with a grade")
    said = Words(
        "{who} {n} 位顾客，带来 {p} 的营业额",
        "{c} ({who}) bring {p} of the revenue" if n != 1 else "{c} ({who}) brings {p} of the revenue",
    ).fill(who=who, n=f"{n:,}", c=people(n), p=f"{100 * carried:.0f}%")
    if missing:
        more = Words("，其中 {m} 位该来没来", "; {m} of them are overdue").fill(m=missing)
        said = Words(said.zh + more.zh, said.en + more.en)
    return said


def _names(scale: Scale, shares: list[Any]) -> Words:
    names = [grade_of(scale, s.key).name for s in shares]
    if len(names) > 3:
        return Words(f"{names[0].zh}到{names[-1].zh}", f"{names[0].en} to {names[-1].en}")
    return Words("、".join(n.zh for n in names), ", ".join(n.en for n in names))


def _second_sentence(playbook: Playbook, scale: Scale, shares: list[Any]) -> Words | str:
    total, spend = sum(s.customers for s in shares), sum(s.spend for s in shares)
    return Words("一共 {n}，最近一年花了 {m}。{b}", "{n} in all, {m} in the last year. {b}").fill(
        n=people(total), m=Words(say_money(spend, "zh", True), say_money(spend, "en", True)), b=scale.because
    )


@needs("playbooks")
@require_POST
def grades_run(request: Request) -> HttpResponse:
    """Grade everybody now."""
    return redirect("job", ask_for("day", {"on": request.today.isoformat()}, by=request.user).pk)


# --- a playbook ------------------------------------------------------------------------------------------------------


@needs("look", writing="playbooks")
@require_http_methods(["GET", "POST"])
def playbook(request: Request, key: str) -> HttpResponse:
    """Read aloud, its numbers; posted numbers show who would move and change nothing."""
    current, holding = _current(key)
    if request.method == "POST":
        return _preview(request, current, holding)
    return render(request, "playbook.html", {"page": _playbook_page(request, current, holding)})


def _current(key: str) -> tuple[Playbook, list[actions.InForce]]:
    """The playbook as it holds here, or as shipped."""
    if key not in library():
        raise Http404
    holding = actions.in_force()
    return next((h.playbook for h in holding if h.playbook.key == key), None) or actions.loaded(key), holding


def _playbook_page(
    request: Request, current: Playbook, holding: list[actions.InForce], *, typed: dict[str, str] | None = None,
    wrong: dict[str, Words] | None = None, would: Page | None = None,
) -> Page:  # fmt: skip
    manage = may(request.user, "playbooks")
    is_used = current.key in [h.playbook.key for h in holding]
    lacks = missing_for(list(library()))
    usual = {n.address: n.value for n in numbers(actions.loaded(current.key))}
    return Page(
        name=current.name, version=current.version, key=current.key, about=current.about, is_used=is_used,
        is_first=bool(holding) and holding[0].playbook.key == current.key,
        sentence=_aloud_in_short(current), missing=_lacking(lacks[current.key]),
        aloud=[part for scale in current.scales for part in _aloud(scale, len(current.scales) > 1)],
        care=[_care(rule, current) for rule in current.care],
        numbers=[
            Page(name=n.address, label=n.words, value=(typed or {}).get(n.address, _plain(n.value)), unit=n.unit, usual=_plain(usual.get(n.address, n.value)),
                 error=(wrong or {}).get(n.address))
            for n in numbers(current)
        ] if manage else [],
        numbers_action=reverse("playbook", args=[current.key]), would=would,
        versions=_versions(current, manage),
        others=[
            Page(name=book.name, about=book.about, href=reverse("playbook", args=[k]), current=k in [h.playbook.key for h in holding], missing=_lacking(lacks[k]))
            for k in library() if k != current.key and (book := actions.loaded(k))
        ],
        use_action=reverse("playbook", args=[current.key]) if manage and not is_used else "",
        beside_action=reverse("playbook-adoption", args=[current.key]) if manage and not is_used and holding else "",
        end_action=reverse("playbook-end", args=[current.key]) if manage and is_used and len(holding) > 1 else "",
    )  # fmt: skip


def _plain(value: float) -> str:
    return f"{value:.12g}" if abs(value) < 10**6 else f"{value:.0f}"


def _aloud_in_short(current: Playbook) -> Words:
    names = [g.name for s in current.scales for g in s.grades]
    if len(current.scales) > 1:
        return Words("{n} 把尺", "{n} scales").fill(n=len(current.scales))
    return Words("分{n}", "{n}").fill(n=Words("、".join(w.zh for w in names), ", ".join(w.en for w in names)))


def _lacking(facts: list[str]) -> Words | str:
    """What this shop has not recorded yet for a playbook."""
    if not facts:
        return ""
    names = [catalogue.get(f).name for f in facts]
    shown = Words("、".join(n.zh for n in names[:5]), ", ".join(n.en for n in names[:5]))
    rest = Words(f"等 {len(names)} 项", f" and {len(names) - 5} more") if len(names) > 5 else Words("", "")
    return Words("店里还没有记录：{f}{r}", "Not recorded here yet: {f}{r}").fill(f=shown, r=rest)


def _aloud(scale: Scale, named: bool) -> list[Page]:
    """One scale, grade by grade, each way as a line."""
    parts = []
    if named:
        parts.append(Page(title=scale.name, grade=None, because=scale.because, lines=[]))
    if scale.observe_days:
        line = Words(
            "第一次来的头 {n} 天算新客，先不定级。", "For the first {n} days she is new and has no grade."
        ).fill(n=scale.observe_days)
        parts.append(Page(title="", grade=grade_of(scale, "new"), because="", lines=[line]))
    for grade in scale.grades:
        parts.append(
            Page(
                title=grade.name,
                grade=grade_of(scale, grade.key),
                because=grade.because,
                lines=_grade_lines(grade),
            )
        )
    return parts


def _grade_lines(grade: Grade) -> list[Words]:
    if not grade.ways:
        return [Words("其余的人。", "Everybody else.")]
    lines = []
    for n, way in enumerate(grade.ways, 1):
        zh, en = say_way(way, "zh", catalogue), say_way(way, "en", catalogue)
        if len(grade.ways) > 1:
            zh, en = f"情况{n}：{zh}", f"Way {n}: {en}"
        lines.append(Words(zh + "。", en[0].upper() + en[1:] + "."))
    for way in grade.stay:
        lines.append(
            Words(
                f"已经是的，{say_way(way, 'zh', catalogue)}，就保得住。",
                f"Whoever is one stays with: {say_way(way, 'en', catalogue)}.",
            )
        )
    if grade.grace_days:
        lines.append(
            Words(
                f"不够了也先留 {grade.grace_days} 天。",
                f"Kept for {grade.grace_days} days after falling short.",
            )
        )
    return lines


def _care(rule: CareRule, current: Playbook) -> Page:
    """One care rule: what, for whom, when, why."""
    badges: list[ShownGrade] = []
    for reference in rule.grades:
        scale_key, _, key = reference.rpartition(".")
        scale = next(
            (
                s
                for s in current.scales
                if scale_key in ("", s.key) and (s.index(key) is not None or key in ("new", "none"))
            ),
            None,
        )
        if scale is not None:
            badges.append(grade_of(scale, key))
    said = Words(say_care(rule, current, "zh"), say_care(rule, current, "en"))
    zh = said.zh.split("：", 1)[1].split("因为：")[0]
    en = said.en.split(": ", 1)[1].split(" Because: ")[0]
    return Page(
        title=rule.name,
        channel=rule.channel,
        grades=badges,
        lines=[Words(zh, en[0].upper() + en[1:])],
        because=rule.because,
    )


def _versions(current: Playbook, manage: bool) -> list[Page]:
    """Every adoption of this playbook, the newest first; the last one that holds can be taken back."""
    adoptions = list(Adoption.objects.filter(key=current.key).select_related("by").order_by("-id")[:20])
    live = [a for a in adoptions if a.taken_back_at is None]
    shown = []
    for a in adoptions:
        holds = bool(live) and a.pk == live[0].pk
        what = Words("自己的数", "own numbers") if a.overlay else Words("原来的数", "as shipped")
        if a.taken_back_at:
            what = Words(f"{what.zh}，撤回了", f"{what.en}, taken back")
        can_go = manage and holds and (len(live) > 1)
        shown.append(Page(
            version=a.version, on=a.at, by=a.by.name if a.by else "", what=what, current=holds,
            restore=reverse("adoption-end", args=[a.pk]) if can_go else "",
        ))  # fmt: skip
    return shown


def _preview(request: Request, current: Playbook, holding: list[actions.InForce]) -> HttpResponse:
    """Who would move if these numbers held: before adopting anything."""
    changed, typed, wrong = _typed(request, current)
    if wrong:
        page = _playbook_page(request, current, holding, typed=typed, wrong=wrong)
        return render(request, "playbook.html", {"page": page}, status=422)
    then = current
    if changed:
        try:
            _, then = with_numbers(current, changed)
        except BadPlaybook as bad:
            messages.error(request, "; ".join(p.words.say(request.lang) for p in bad.problems))
            return redirect("playbook", current.key)
    is_used = current.key in [h.playbook.key for h in holding]
    if is_used and not changed:
        messages.info(request, Words("数没有变", "No number has changed").say(request.lang))
        return redirect("playbook", current.key)
    would = _would(
        request, current if is_used else (holding[0].playbook if holding else current), then, changed
    )
    page = _playbook_page(request, current, holding, typed=typed, would=would)
    return render(request, "playbook.html", {"page": page})


def _typed(request: Request, current: Playbook) -> tuple[dict[str, float], dict[str, str], dict[str, Words]]:
    """Numbers that differ from those that hold, what was typed, and what is wrong with it."""
    changed: dict[str, float] = {}
    typed: dict[str, str] = {}
    wrong: dict[str, Words] = {}
    for number in numbers(current):
        if number.address not in request.POST:
            continue
        text = request.POST[number.address].strip().replace(",", "").replace("，", "")
        typed[number.address] = request.POST[number.address]
        try:
            value = float(text)
            if not number.least <= value <= number.most or (number.whole and value != int(value)):
                raise ValueError
        except ValueError:
            wrong[number.address] = Words("要在 {a} 和 {b} 之间", "between {a} and {b}").fill(
                a=_plain(number.least), b=_plain(number.most)
            )
            continue
        if value != number.value:
            changed[number.address] = int(value) if value == int(value) else value
    return changed, typed, wrong


def _would(request: Request, now: Playbook, then: Playbook, changed: dict[str, float]) -> Page:
    """The moves as a page shows them. Between different playbooks grades have nothing in common: then how many each would hold."""
    adopt = reverse("playbook-adoption", args=[then.key])
    fields = {k: _plain(v) if abs(v) < 10**6 else str(v) for k, v in changed.items()}
    page = Page(adopt=adopt, fields=fields, back=reverse("playbook", args=[then.key]), moves=[], people=[])
    if now.key != then.key:
        page.sentence = Words(
            "换成「{n}」，所有人按它重新定级；原来的等级留在记录里。也可以两个一起用。",
            "With {n} everybody is graded anew; the old grades stay on record. Both can also be used side by side.",
        ).fill(n=then.name)  # fmt: skip
        return page
    try:
        moves = would_move(now, then, request.today)
    except Refused as busy:
        page.sentence = busy.words
        return page
    total = sum(m.customers for m in moves)
    ids = [c for m in moves for c in m.people]
    customers = Customer.objects.all().visible_to(request.user).in_bulk(ids)
    shown = customers_shown(customers.values(), Badges(), request.user)
    page.sentence = (
        Words("{n}会换等级。", "{n} would change grade.").fill(n=people(total))
        if total
        else Words("没有人会换等级。", "Nobody would change grade.")
    )
    page.moves = [
        Page(
            before=grade_of(then.scale(m.scale), m.was),
            after=grade_of(then.scale(m.scale), m.to),
            customers=m.customers,
            spend=None,
        )
        for m in moves
    ]
    page.people = [
        Page(name=shown[c].name, href=shown[c].href, before=grade_of(then.scale(m.scale), m.was), after=grade_of(then.scale(m.scale), m.to), why="")
        for m in moves for c in m.people if c in shown
    ]  # fmt: skip
    return page


@needs("playbooks")
@require_POST
def playbook_adoption(request: Request, key: str) -> HttpResponse:
    """Put a playbook, with the numbers that were tried, into force: as the leading one or beside it."""
    current, holding = _current(key)
    changed, _, wrong = _typed(request, current)
    if wrong:
        return redirect("playbook", key)
    overlay = next((h.adoption.overlay for h in holding if h.playbook.key == key), "")
    if changed:
        overlay, _ = with_numbers(current, changed)
    actions.adopt(key, overlay, by=request.user, is_first="beside" not in request.POST)
    return _day_after(
        request, Words("定了。正在按新的重新定级", "Adopted. Everybody is being graded anew"), key
    )


@needs("playbooks")
@require_POST
def adoption_end(request: Request, number: int) -> HttpResponse:
    """Take an adoption back: the version before holds again."""
    adoption = get_object_or_404(Adoption, pk=number, taken_back_at=None)
    if not Adoption.objects.filter(taken_back_at=None).exclude(pk=number).exists():
        messages.warning(request, Words("总要留一个打法", "One playbook has to stay").say(request.lang))
        return redirect("playbook", adoption.key)
    actions.take_back(adoption, by=request.user)
    return _day_after(
        request,
        Words("回到上一版了。正在重新定级", "Back to the version before. Everybody is being graded anew"),
        adoption.key,
    )


@needs("playbooks")
@require_POST
def playbook_end(request: Request, key: str) -> HttpResponse:
    """Stop using a playbook beside another."""
    holding = actions.in_force()
    if key not in [h.playbook.key for h in holding]:
        raise Http404
    if len(holding) < 2:
        messages.warning(request, Words("总要留一个打法", "One playbook has to stay").say(request.lang))
        return redirect("playbook", key)
    for adoption in Adoption.objects.filter(key=key, taken_back_at=None).order_by("-id"):
        actions.take_back(adoption, by=request.user)
    return _day_after(
        request, Words("不再用它了。正在重新排名单", "It is no longer used. The list is being made anew"), key
    )


def _day_after(request: Request, said: Words, key: str) -> HttpResponse:
    ask_for("day", {"on": request.today.isoformat()}, by=request.user)
    messages.success(request, said.say(request.lang))
    return redirect("playbook", key)
