"""When somebody leaves, everything that she had in hand passes to colleagues: in one step, counted, and it can be taken
back.

Which records pass says the registry of custody: every model that holds a member of staff has said whether it passes on,
keeps its author or ends with her. A later stage's complaints and drafts pass by saying so, without a change here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.apps import apps
from django.db import transaction
from django.forms.models import model_to_dict
from django.utils import timezone

from regulars.care.actions import BY_HAND
from regulars.care.models import HandedOver, Handover, Task, TaskState
from regulars.customers.models import Customer
from regulars.shop import bulk
from regulars.shop.calendar import Birthday, days_between
from regulars.shop.custody import Custody, registered
from regulars.shop.doors_actions import end_access
from regulars.shop.models import Contact, Hold, Staff, audit
from regulars.shop.words import Refused, Words

FIRST = 30
"""Customers at risk who are called first: as many as a successor can greet in her first days."""

BIRTHDAYS_AHEAD = 30
GREETING_DAYS = 7


@dataclass(frozen=True)
class InHand:
    """One kind of record that somebody has in hand: how many, and which field says so."""

    model: str
    field: str
    n: int


def passing() -> Iterator[tuple[Custody, str]]:
    """Every (record, field) that passes to a successor."""
    for custody in registered().values():
        for name, what in custody.leaving:
            if what == "passes on":
                yield custody, name


def held(custody: Custody, name: str, staff: Staff) -> Any:
    """The records of one kind that somebody has in hand."""
    model: Any = apps.get_model(custody.model)
    return model.objects.filter(**{name: staff}, **custody.passes_while)


def in_hand(staff: Staff) -> list[InHand]:
    """All that somebody has in hand, kind by kind: nothing of it may be left behind when she goes."""
    return [InHand(c.model, f, held(c, f, staff).count()) for c, f in passing()]


def customers_at_risk(staff: Sequence[int] | Staff, on: date, limit: int = FIRST) -> list[Customer]:
    """Of the customers in somebody's charge those who are most easily lost, the best first: who is due or overdue by her
    own rhythm. Nobody who wants to be left in peace."""
    found = Customer.objects.filter(merged_into=None, is_gone=False).select_related("portrait", "store")
    found = found.filter(in_charge=staff) if isinstance(staff, Staff) else found.filter(pk__in=staff)
    peace = set(
        Hold.objects.filter(rule="", channel="").exclude(until__lt=on).values_list("person", flat=True)
    )

    def order(c: Customer) -> tuple[bool, int]:
        drawn = c.portrait
        gap, last = drawn.usual_gap_days, drawn.last_visit_on
        is_due = bool(gap and last and (on - last).days >= gap)
        return not is_due, -drawn.spend_in_12_months

    known = [c for c in found.filter(portrait__isnull=False, portrait__visits__gt=0) if c.pk not in peace]
    return sorted(known, key=order)[:limit]


def birthdays_ahead(customers: Sequence[Customer], on: date) -> list[tuple[date, Customer]]:
    """Whose birthday comes within the next weeks, the next first."""
    found = []
    for customer in customers:
        if not customer.birthday:
            continue
        kept = days_between(Birthday.parse(customer.birthday), on, on + timedelta(days=BIRTHDAYS_AHEAD))
        found += [(day, customer) for day in kept[:1]]
    return sorted(found, key=lambda one: (one[0], one[1].pk))


def hand_over(leaver: Staff, to: Sequence[Staff], *, by: Staff, on: date, leaves: bool = True) -> Handover:
    """Pass all that somebody has in hand to colleagues, and (`leaves`) end her access everywhere at once.

    Customers are shared out evenly, the best ones in turn, within their own store where one of the successors works
    there; whatever belongs to a customer (tasks, promises, later complaints and drafts) goes where she goes. What was
    written, ended or decided keeps its author. Customers at risk come first on their new list, with a greeting to make.
    Raises Refused without successors where there is anything to pass.
    """
    heirs = [s for s in to if s.is_active and s.pk != leaver.pk and s.may("contact")]
    if len(heirs) != len(to) or (not heirs and any(one.n for one in in_hand(leaver))):
        raise Refused(
            Words(
                "请选由谁接手，要在岗、能做关怀的同事",
                "Choose who takes over: colleagues at work who do care",
            )
        )
    with transaction.atomic():
        bulk.alone("charge")
        made = Handover.objects.create(
            leaver=leaver, leaver_name=leaver.name, to=[s.pk for s in heirs], has_left=leaves, by=by, on=on
        )
        risky = customers_at_risk(leaver, on) if heirs else []
        owner = _share_out(leaver, heirs)
        counts = (
            {f"{c.model}.{f}": _pass(made, c, f, leaver, heirs, owner) for c, f in passing()} if heirs else {}
        )
        Customer.objects.filter(in_charge__in=heirs, pk__in=list(owner)).update(charged_on=on)
        _greet_first(made, risky, leaver, owner, on)
        Handover.objects.filter(pk=made.pk).update(counts=counts)
        made.counts = counts
        audit("hand-over", f"staff {leaver.pk}", by=by, detail={"handover": made.pk, "to": made.to, **counts})
        if leaves:
            end_access(leaver, by=by)
    return made


def _share_out(leaver: Staff, heirs: Sequence[Staff]) -> dict[int, int]:
    """Customer → who takes her over: for all in the leaver's charge, or for whom she has something to do."""
    if not heirs:
        return {}
    order = Customer.objects.filter(in_charge=leaver).order_by("-portrait__spend_in_12_months", "pk")
    ids: dict[int, int | None] = {
        c: last or home for c, home, last in order.values_list("pk", "store", "portrait__last_store")
    }
    for custody, name in passing():
        if custody.customer and custody.model != "customers.Customer":
            rest = held(custody, name, leaver).order_by("pk").values_list(custody.customer[0], flat=True)
            for customer in rest:
                ids.setdefault(customer, None)
    into = dict(
        bulk.rows_in(
            f"SELECT id, merged_into_id FROM {Customer._meta.db_table} WHERE merged_into_id IS NOT NULL AND id IN ({{marks}})",
            list(ids),
        )
    )
    here: dict[int | None, list[int]] = {}
    turns: dict[tuple[int, ...], int] = {}
    owner: dict[int, int] = {}
    for customer, store in ids.items():
        if store not in here:
            nearby = [s.pk for s in heirs if s.store_id == store]
            here[store] = nearby or [s.pk for s in heirs]
        among = tuple(here[store])
        turn = turns.get(among, 0)
        turns[among] = turn + 1
        owner[customer] = among[turn % len(among)]
    for customer, root in into.items():
        if root in owner:
            owner[customer] = owner[root]
    return owner


def _pass(
    made: Handover, custody: Custody, name: str, leaver: Staff, heirs: Sequence[Staff], owner: dict[int, int]
) -> int:
    """Pass one kind of record; returns how many."""
    model: Any = apps.get_model(custody.model)
    of = "pk" if custody.model == "customers.Customer" else custody.customer[0] if custody.customer else "pk"
    rows = list(held(custody, name, leaver).order_by("pk").values_list("pk", of))
    goes: dict[int, list[int]] = {}
    for n, (pk, customer) in enumerate(rows):
        goes.setdefault(owner.get(customer) or heirs[n % len(heirs)].pk, []).append(pk)
    lines: list[HandedOver] = []
    for heir, records in goes.items():
        had: set[int] = set()
        if custody.once:  # she has one of her own, or is in charge herself: the leaver's goes and is kept
            beside = set(model.objects.filter(**{name: heir}).values_list(custody.once, flat=True))
            beside |= set(Customer.objects.filter(in_charge=heir).values_list("pk", flat=True))
            for one in model.objects.filter(pk__in=records, **{f"{custody.once}__in": beside}):
                had.add(one.pk)
                lines.append(
                    HandedOver(
                        handover=made,
                        model=custody.model,
                        field=name,
                        record=one.pk,
                        was=leaver.pk,
                        kept=model_to_dict(one),
                    )
                )
        records = [r for r in records if r not in had]
        for chunk in bulk.in_chunks(records):
            model.objects.filter(pk__in=chunk).update(**{name: heir})
        if had:
            model.objects.filter(pk__in=had).delete()
        lines += [
            HandedOver(handover=made, model=custody.model, field=name, record=r, was=leaver.pk, now=heir)
            for r in records
        ]
    HandedOver.objects.bulk_create(lines, batch_size=1000)
    return len(rows)


def _greet_first(
    made: Handover, risky: Sequence[Customer], leaver: Staff, owner: dict[int, int], on: date
) -> None:
    """Who is most easily lost with her is greeted first by whoever takes over."""
    spoken = set(
        Contact.objects.filter(person__in=[c.pk for c in risky], on=on).values_list("person", flat=True)
    )
    why = Words(
        "一直照顾她的{w}离开了，由您接手；这样的顾客最容易跟着走",
        "{w}, who looked after her, has left and you take over; such customers are the first to go",
    ).fill(w=leaver.name)
    if not made.has_left:
        why = Words("从{w}那里交给您照顾", "passed to you from {w}").fill(w=leaver.name)
    do = Words("打个电话认识一下，问问最近怎么样", "Call, introduce yourself, ask how she is")
    say = Words(
        "您好，以后由我来照顾您，有什么需要直接找我。上次您喜欢的，我们都记着呢。",
        "Hello, from now on I look after you; just ask for me. What you like is written down, nothing is forgotten.",
    )
    tasks = [
        Task(
            customer=c, playbook=BY_HAND, rule="hand-over", occasion=f"handover:{made.pk}", on=on, due_on=on, last_on=on + timedelta(days=GREETING_DAYS),
            staff_id=owner.get(c.pk), store=c.store, name=["交接问候", "Introduction"], why=list(why), do=list(do), say=list(say), channel="call", minutes=5,
            rank=1000.0 - n, place=0,
        )
        for n, c in enumerate(risky) if c.pk not in spoken
    ]  # fmt: skip
    Task.objects.bulk_create(tasks)


def left_behind(staff: Staff) -> int:
    """How many records somebody still has in hand: after a hand-over none."""
    return sum(one.n for one in in_hand(staff))


def undo(made: Handover, *, by: Staff) -> dict[str, int]:
    """Take a hand-over back: every record goes back to whom it came from, unless somebody has passed it on since; her
    account opens again, with a new login. Returns how many went back and how many stayed."""
    with transaction.atomic():
        bulk.alone("charge")
        if (
            Handover.objects.filter(pk=made.pk, undone_at=None).update(undone_at=timezone.now(), undone_by=by)
            != 1
        ):
            raise Refused(Words("这次移交已经撤回了", "This hand-over has already been taken back"))
        back = stayed = 0
        groups: dict[tuple[str, str, int, int], list[int]] = {}
        for line in made.lines.all():
            if line.now is not None:
                groups.setdefault((line.model, line.field, line.was, line.now), []).append(line.record)
            elif line.kept is not None:
                back += _put_back(line)
        for (label, name, was, now), records in groups.items():
            model: Any = apps.get_model(label)
            for chunk in bulk.in_chunks(records):
                back += model.objects.filter(pk__in=chunk, **{name: now}).update(**{name: was})
        stayed = made.lines.count() - back
        # Greetings that nobody has made yet have lost their reason.
        Task.objects.filter(rule="hand-over", occasion=f"handover:{made.pk}", state=TaskState.OPEN).delete()
        if made.has_left and made.leaver_id:
            Staff.objects.filter(pk=made.leaver_id).update(is_active=True)
        audit(
            "undo-hand-over",
            f"staff {made.leaver_id}",
            by=by,
            detail={"handover": made.pk, "back": back, "stayed": stayed},
        )
    return {"back": back, "stayed": stayed}


def _put_back(line: HandedOver) -> int:
    """A record that had made way comes back, unless whom it was about has been deleted since."""
    model: Any = apps.get_model(line.model)
    kept = dict(line.kept or {})
    for field in model._meta.concrete_fields:
        about, key = field.related_model, kept.get(field.name)
        if about is not None and key is not None and not about._default_manager.filter(pk=key).exists():
            return 0
    values = {model._meta.get_field(name).attname: value for name, value in kept.items() if name != "id"}
    _, is_new = model.objects.get_or_create(
        **{k: v for k, v in values.items() if k in ("customer_id", f"{line.field}_id")},
        defaults={**values, "id": line.record},
    )
    return int(is_new)
