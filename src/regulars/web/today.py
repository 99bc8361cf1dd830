"""Today: whose list it is, what is done, what did not fit, who may come."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace as Page
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from regulars.care import actions
from regulars.care.models import DayPlan, Task, TaskState
from regulars.care.queries import asked_once, ended_on, open_on, team_of
from regulars.care.rules.triggers.late import said_rhythm
from regulars.customers.models import Customer
from regulars.sales.models import Batch, BatchState
from regulars.shop.models import Alert, Staff
from regulars.shop.words import Refused, Words
from regulars.web.may import may, needs
from regulars.web.request import Request, number_in, way_back
from regulars.web.rights import waiting_requests
from regulars.web.shown import Badges, customers_shown, freshness, things
from regulars.web.shown_file import questions, warned

SPEAK_FOR_THEMSELVES = ("late:", "owed:")
"""Occasions whose reason already says since when: a tag beside it would only scold."""

A_PAGE = 100
"""More cards than anybody works off in a day; what lies beyond is one tap away."""

EXPECTED = 8

DAYS_LATER = (
    (1, Words("明天", "Tomorrow")),
    (3, Words("过三天", "In 3 days")),
    (7, Words("下周", "Next week")),
)


@needs("look")
@require_GET
def today(request: Request) -> HttpResponse:
    """The list of a day, one decision on each card."""
    me = request.user
    if not may(me, "contact"):
        return redirect("grades")
    everybody = may(me, "team")
    counts = _counts(me, request.today) if everybody else {}
    whose, staff = _whose(request, counts) if everybody else ("mine", me)
    waiting_only = "waiting" in request.GET
    plan = DayPlan.objects.filter(on=request.today).first()
    mine = team_of(me)
    tasks = list(open_on(request.today, staff, fits=not waiting_only).filter(mine)[: A_PAGE + 1])
    ended = [] if waiting_only else list(ended_on(request.today, staff).filter(mine)[:50])
    waiting = open_on(request.today, staff, fits=False).filter(mine).count()
    badges = Badges()
    expected = [] if waiting_only else _expected(plan, staff, me)
    people = {t.customer_id: t.customer for t in (*tasks, *ended)} | {c.id: c for c, _ in expected}
    shown = customers_shown(people.values(), badges, me)
    minutes = (
        open_on(request.today, staff, fits=True).filter(mine).aggregate(n=Sum("minutes"))["n"]
        if len(tasks) > A_PAGE
        else sum(t.minutes for t in tasks)
    ) or 0
    cards = [card(t, shown, badges, request, show_staff=staff is None) for t in tasks[:A_PAGE]]
    met = {t.customer_id: t.customer for t in tasks[:A_PAGE] if t.channel in FACE_TO_FACE} | {
        c.id: c for c, _ in expected
    }
    asks, warnings = _to_know(request, met, badges)
    for one, task in zip(cards, tasks, strict=False):
        if task.channel in FACE_TO_FACE:
            one.ask, one.warnings = asks.get(task.customer_id), warnings.get(task.customer_id, [])
    page = Page(
        on=request.today, sentence=_sentence(request, staff, len(tasks), counts, minutes, cards, waiting_only), more="",
        fresh=freshness(request.today, plan, may(me, "sales")),
        tabs=_tabs(request, whose, counts) if everybody else [], paused=_paused(plan), paused_href=reverse("import") if may(me, "sales") else "",
        tasks=cards, done=[finished(t, shown) for t in ended], minutes_left=minutes,
        waiting_only=waiting_only, waiting_count=waiting, beyond=plan.waiting_beyond if plan and staff is None else 0,
        more_href=f"?{_query(whose)}waiting=1" if waiting and not waiting_only else "",
        all_href=f"?{_query(whose)}", has_more=len(tasks) > A_PAGE,
        expected=[
            Page(name=shown[c.id].name, href=shown[c.id].href, grade=shown[c.id].grade,
                 said=said_rhythm(gap), ask=asks.get(c.id), warnings=warnings.get(c.id, []))
            for c, gap in expected
        ],
        requests=waiting_requests(me, request.today), alerts=_alerts(me),
        waiting="" if tasks or ended or Batch.objects.filter(state=BatchState.COMPLETE).exists() else "no-sales",
    )  # fmt: skip
    return render(request, "today.html", {"page": page})


FACE_TO_FACE = ("in-person", "visit")
"""Channels at which somebody stands before her: there she is served, and can be asked."""


def _to_know(
    request: Request, met: dict[int, Customer], badges: Badges
) -> tuple[dict[int, Page], dict[int, list[Page]]]:
    """What to ask those who are met today, and what whoever serves them has to know: of those whom this visitor serves."""
    served = (
        Customer.objects.filter(pk__in=list(met)).visible_to(request.user, "contact")
        if may(request.user, "contact")
        else ()
    )
    people = [met[c.pk] for c in served]
    if not people:
        return {}, {}
    return questions(people, request.business, request.today, badges.holding), warned([c.pk for c in people])


def _counts(me: Staff, on: date) -> dict[int | None, int]:
    open_now = asked_once(Task.objects.filter(team_of(me), on=on, state=TaskState.OPEN, fits=True))
    rows = open_now.values("staff").annotate(n=Count("id"))
    return {r["staff"]: r["n"] for r in rows}


def _whose(request: Request, counts: dict[int | None, int]) -> tuple[str, Staff | None]:
    """Whose list a manager looks at: by default her own, and everybody's where nothing is hers."""
    asked = request.GET.get("whose", "")
    if asked == "all" or (asked == "" and not counts.get(request.user.pk)):
        return "all", None
    number = number_in(asked, 1, 2**62)
    if number is not None and number != request.user.pk:
        return str(number), get_object_or_404(Staff, pk=number)
    return "mine", request.user


def _query(whose: str) -> str:
    return "" if whose == "mine" else f"whose={whose}&"


def _tabs(request: Request, whose: str, counts: dict[int | None, int]) -> list[Page]:
    colleagues = (
        Staff.objects.filter(Q(is_active=True) | Q(pk__in=[k for k in counts if k]))
        .exclude(pk=request.user.pk)
        .order_by("id")
    )
    tabs = [
        Page(
            text=Words("我的", "Mine"),
            href="?whose=mine",
            current=whose == "mine",
            count=counts.get(request.user.pk, 0),
        )
    ]
    tabs += [
        Page(text=s.name, href=f"?whose={s.pk}", current=whose == str(s.pk), count=counts.get(s.pk, 0))
        for s in colleagues
        if counts.get(s.pk) or whose == str(s.pk)
    ]
    if (
        len(tabs) == 1
        and not counts.get(None)
        and not Staff.objects.filter(is_active=True).exclude(pk=request.user.pk).exists()
    ):
        return []  # she works alone
    tabs.append(
        Page(
            text=Words("全店", "Whole shop"),
            href="?whose=all",
            current=whose == "all",
            count=sum(counts.values()),
        )
    )
    return tabs


def _paused(plan: DayPlan | None) -> Words | None:
    """Why tasks of absence wait: one sentence for each store that says it."""
    if plan is None or not plan.paused:
        return None
    said = {(store, zh, en) for _, store, zh, en in plan.paused}
    zh = "；".join(f"{store}：{zh}" if store else zh for store, zh, _ in sorted(said))
    en = "; ".join(f"{store}: {en}" if store else en for store, _, en in sorted(said))
    return Words(zh, en)


def _alerts(me: Staff) -> Words | None:
    """How many warnings about reading those who guard the data have not seen yet."""
    n = Alert.objects.filter(seen_at=None).exclude(staff=me).count() if may(me, "audit") else 0
    if not n:
        return None
    return Words(
        "有 {n} 条查看顾客资料的提醒",
        "{n} warnings about who looks at customers" if n != 1 else "One warning about who looks at customers",
    ).fill(n=n)


def _expected(plan: DayPlan | None, staff: Staff | None, me: Staff) -> list[tuple[Customer, float]]:
    """The best of those who may come today, in the store where this person works."""
    if plan is None:
        return []
    rows = [
        (c, gap)
        for c, store, gap in plan.expected
        if staff is None or staff.store_id is None or store in (None, staff.store_id)
    ]
    known = Customer.objects.filter(pk__in=[c for c, _ in rows]).visible_to(me).select_related("merged_into")
    found = {c.pk: c for c in known}
    return [(found[c], gap) for c, gap in rows if c in found][:EXPECTED]


def _sentence(
    request: Request,
    staff: Staff | None,
    n: int,
    counts: dict[int | None, int],
    minutes: int,
    cards: list[Page],
    waiting_only: bool,
) -> Words:
    if waiting_only:
        return Words(
            "今天排不下的 {n}，有空再做，没做的明天还在",
            "{n} did not fit today: do them when there is time, they stay in line",
        ).fill(n=things(n))
    n = sum(counts.values()) if staff is None else n
    whose = Words("全店", "The whole shop") if staff is None else Words(staff.name, staff.name)
    if n == 0:
        return Words("{w}，今天没有要做的事", "{w}: nothing left to do today").fill(w=whose)
    if staff is None:
        return Words(
            "全店今天还有 {n}，约 {m} 分钟", "{n} left in the whole shop today, about {m} minutes"
        ).fill(n=things(n), m=minutes)
    first = cards[0].customer.name if cards else ""
    return Words(
        "{w}，今天还有 {n}，约 {m} 分钟，先看{c}", "{w}, {n} left today, about {m} minutes. First: {c}"
    ).fill(w=whose, n=things(n), m=minutes, c=first)


def card(
    task: Task, shown: dict[int, Any], badges: Badges, request: Request, *, show_staff: bool = False
) -> Page:
    """One open task as a card."""
    late = (request.today - task.due_on).days if not task.occasion.startswith(SPEAK_FOR_THEMSELVES) else 0
    who = shown[task.customer_id]
    return Page(
        id=task.pk, customer=who, grade=badges.by_key(task.grade) or who.grade, rule=task.name, why=task.why, do=task.do,
        channel=task.channel, say=task.say if any(task.say) else "", also=task.also, minutes=task.minutes, cost=task.cost, tel="",
        reveal=reverse("customer-reveal", args=[who.id]) if task.channel in ("call", "message") and may(request.user, "reveal") else "",
        late_days=max(0, late), staff=(task.staff.name if task.staff else "") if show_staff else "",
        action=reverse("task-result", args=[task.pk]), later=_later(task, request.today), ask=None, warnings=[],
    )  # fmt: skip


def _later(task: Task, today: date) -> list[tuple[int, Words]]:
    """To when it can be put off: not beyond the last day on which it makes sense."""
    left = (task.last_on - today).days
    return [(days, said) for days, said in DAYS_LATER if days <= left]


def finished(task: Task, shown: dict[int, Any]) -> Page:
    """One ended task as a line with undo."""
    return Page(
        id=task.pk, customer=shown[task.customer_id], do=task.do, result=task.state, note=task.note or "",
        by=task.ended_by.name if task.ended_by else "", undo=reverse("task-undo", args=[task.pk]), until=task.postponed_to if task.postponed_to and task.postponed_to <= task.last_on else None,
    )  # fmt: skip


# --- what becomes of a task ------------------------------------------------------------------------------------------


def _mine(request: Request, tasks: QuerySet[Task], number: int) -> Task:
    """The task, if it stands on a list that this person works off."""
    return get_object_or_404(
        tasks.filter(team_of(request.user)).select_related("customer__merged_into", "staff", "ended_by"),
        pk=number,
    )


@needs("contact")
@require_POST
def task_result(request: Request, number: int) -> HttpResponse:
    """Done, not reached, later or not wanted: in one tap, with a note or without."""
    task = _mine(request, Task.objects.all(), number)
    days = number_in(request.POST.get("days"), 1, 60)
    until = date.fromordinal(request.today.toordinal() + days) if days else None
    try:
        task = actions.end(
            task,
            request.POST.get("result", ""),
            by=request.user,
            on=request.today,
            note=request.POST.get("note", ""),
            until=until,
        )
    except Refused as refused:
        return _refuse(request, refused)
    return _answer(request, task, is_finished=True)


@needs("contact")
@require_POST
def task_undo(request: Request, number: int) -> HttpResponse:
    """Take back how a task was ended today."""
    task = _mine(request, Task.objects.all(), number)
    try:
        task = actions.reopen(task, by=request.user, on=request.today)
    except Refused as refused:
        return _refuse(request, refused)
    return _answer(request, task, is_finished=False)


def _answer(request: Request, task: Task, *, is_finished: bool) -> HttpResponse:
    if request.headers.get("X-Requested-With") != "fetch":
        return redirect(way_back(request) + ("" if is_finished else f"#task-{task.pk}"))
    badges = Badges()
    shown = customers_shown([task.customer], badges, request.user)
    block = finished(task, shown) if is_finished else card(task, shown, badges, request)
    return render(request, "task_fragment.html", {"task": block, "is_finished": is_finished})


def _refuse(request: Request, refused: Refused) -> HttpResponse:
    """A script is told in one word and sends the form the plain way; a person reads why."""
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(
            refused.words.say(request.lang), status=409, content_type="text/plain; charset=utf-8"
        )
    messages.warning(request, refused.words.say(request.lang))
    return redirect(way_back(request))
