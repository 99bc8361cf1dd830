"""Questions about care: whose list is what today, what is done, what waits, what is due for one customer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from regulars.care.models import DayPlan, Task, TaskState, TaskWord
from regulars.customers.models import Customer
from regulars.customers.queries import family_of, first_written
from regulars.customers.sight import also_sees
from regulars.shop.models import Staff
from regulars.shop.rules.note_words import says
from regulars.shop.sealed_words import records_with
from regulars.shop.words import Refused, Words


@also_sees
def on_her_list(staff: Staff) -> Iterable[int]:
    """Whoever is to do something for a customer sees her until it is done."""
    return Task.objects.filter(staff=staff, state=TaskState.OPEN).values_list("customer", flat=True)


def open_on(on: date, staff: Staff | None = None, fits: bool | None = True) -> QuerySet[Task]:
    """Open tasks of a day's list, best first; of one person, or of everybody."""
    found = asked_once(Task.objects.filter(on=on, state=TaskState.OPEN)).select_related(
        "customer__merged_into", "staff", "store"
    )
    if staff is not None:
        found = found.filter(staff=staff)
    if fits is not None:
        found = found.filter(fits=fits)
    return found.order_by("place", "id")


def team_of(staff: Staff) -> Q:
    """The tasks that somebody may look at and work off: her own, those of nobody, and, where she leads a team, all of
    its stores."""
    reach = staff.reach("team")
    if reach.everybody:
        return Q()
    mine = Q(staff=staff) | Q(ended_by=staff)
    if staff.reach("contact").everybody:
        mine |= Q(staff=None)
    elif stores := staff.reach("contact").stores:
        mine |= Q(staff=None) & (Q(store__in=stores) | Q(store=None))
    if reach.stores:
        mine |= Q(store__in=reach.stores) | Q(staff__store__in=reach.stores)
    return mine


def asked_once(tasks: QuerySet[Task]) -> QuerySet[Task]:
    """Without the tasks of merged customers that somebody has, or had, for the one who stands for them too: one person
    is asked the same thing once."""
    root = Coalesce("customer__merged_into", "customer")
    twins = Task.objects.annotate(root=root).filter(
        root=OuterRef("customer__merged_into"), rule=OuterRef("rule"), on=OuterRef("on")
    )
    twins = twins.exclude(state=TaskState.EXPIRED)
    first = Q(customer=OuterRef("customer__merged_into")) | Q(customer__lt=OuterRef("customer"))
    return tasks.exclude(Q(customer__merged_into__isnull=False) & Exists(twins.filter(first)))


def ended_on(on: date, staff: Staff | None = None) -> QuerySet[Task]:
    """What people have ended on a day, the latest first."""
    found = Task.objects.filter(ended_on=on, ended_by__isnull=False).select_related(
        "customer__merged_into", "staff", "ended_by"
    )
    if staff is not None:
        found = found.filter(Q(staff=staff) | Q(ended_by=staff))
    return found.order_by("-ended_at", "-id")


def due_for(customer: Customer) -> list[Task]:
    """Open tasks of one customer."""
    return list(
        asked_once(Task.objects.filter(customer__in=family_of(customer), state=TaskState.OPEN))
        .select_related("staff", "customer__merged_into")
        .order_by("on", "place")
    )


def noted_tasks(customer: Customer) -> list[Task]:
    """Her tasks that somebody ended with a note."""
    ended = Task.objects.filter(customer__in=family_of(customer), ended_on__isnull=False).exclude(note=None)
    return list(ended.select_related("ended_by").order_by("-ended_on", "-id")[:50])


def find_staff(text: str) -> Staff:
    """A member of staff by e-mail or name. Raises Refused when nobody, or more than one, is meant."""
    found = list(
        Staff.objects.filter(Q(email__iexact=text.strip()) | Q(name=text.strip()), is_active=True)[:2]
    )
    if len(found) != 1:
        raise Refused(
            Words("找不到员工「{s}」，用邮箱再试", "No member of staff is called {s}; try the e-mail").fill(
                s=text
            )
        )
    return found[0]


def nothing_to_do(on: date) -> Words:
    """Why a day's list is empty, and what to do about it."""
    if not DayPlan.objects.filter(on=on).exists():
        return Words(
            "{d} 还没排过名单，先运行 regulars day --on {d}",
            "No list was made for {d} yet; run regulars day --on {d}",
        ).fill(d=on.isoformat())
    return Words("没有要做的事", "Nothing left to do")


def today_records(on: date, staff: str | None, lang: str) -> list[dict[str, Any]]:
    """The contract's shape of a day's list."""
    tasks = list(open_on(on, find_staff(staff) if staff else None))
    who = {t.id: (t.customer.merged_into or t.customer).id for t in tasks}
    names = first_written(list(who.values()))
    return [
        {
            "task": t.id, "customer": names.get(who[t.id], f"#{who[t.id]}"), "staff": t.staff.email if t.staff else None,
            "rule": t.rule, "why": Words(*t.why).say(lang), "do": Words(*t.do).say(lang), "channel": t.channel,
            "say": Words(*t.say).say(lang), "minutes": t.minutes, "cost": t.cost / 100, "due": t.due_on.isoformat(), "rank": n,
        }
        for n, t in enumerate(tasks, 1)
    ]  # fmt: skip


def search_task_notes(text: str, limit: int = 20) -> list[tuple[Customer, Task]]:
    """Ended tasks on which somebody has written all of this, newest first, each with the customer she is read as."""
    likely = records_with(TaskWord, text, limit * 5)
    tasks = Task.objects.filter(id__in=likely).select_related("customer__merged_into").order_by("-id")
    found = [(t.customer.merged_into or t.customer, t) for t in tasks if says(str(t.note), text)]
    return found[:limit]
