"""How the file of a customer is shown: warnings and tips first, the question to ask, then what is known, group by group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from types import SimpleNamespace as Page
from typing import Any

from django.urls import reverse

from regulars.customers.consents import sensitive_allowed
from regulars.customers.file import (
    attachments_of,
    families,
    fullness,
    notes_standing,
    relatives_of,
    said_of,
    sheet,
    tags_in_use,
    tags_of,
    visit_notes_of,
    warnings_of,
)
from regulars.customers.models import Customer, Relative, VisitNote
from regulars.customers.queries import mask
from regulars.customers.rules.completeness import Completeness, Lack, Said, is_stale
from regulars.customers.rules.sheet import (
    CARING,
    FAMILY,
    GROUPS,
    NOTE_KINDS,
    OCCASIONS,
    OF_COMPANIES,
    RELATIONS,
    Field,
    stage_after,
    tip_of,
)
from regulars.facts import catalogue
from regulars.grading.actions import InForce
from regulars.shop.calendar import Birthday, NoSuchDay, day_words, next_after
from regulars.shop.models import Business, Staff, Store
from regulars.shop.words import Words
from regulars.web.request import Request, number_in
from regulars.web.shown import titled

UNKNOWN = ("", Words("不知道", "not known"))
YES_NO = (("true", Words("是", "Yes")), ("false", Words("否", "No")))


def asked_by(holding: Iterable[InForce]) -> tuple[frozenset[str], frozenset[str]]:
    """The facts of the file that grades ask for, and those that care asks for besides, in the playbooks in force."""
    grade: set[str] = set()
    care: set[str] = set()
    for holds in holding:
        grade |= set(catalogue.closure(sorted(holds.playbook.facts())))
        care |= set(catalogue.closure(sorted(holds.playbook.care_facts())))
    return frozenset(grade), frozenset(care - grade)


def spoken_field(one: Field, value: str) -> Words | str:
    """What is known, as a page says it."""
    if one.kind == "choice":
        return one.choices.get(value, value)
    if one.kind == "yes-no":
        return dict(YES_NO).get(value, value)
    return value.removesuffix(".0") if one.kind == "number" else value


# --- the question to ask ---------------------------------------------------------------------------------------------


WHY = {"grade": Words("定级要用", "the grade needs it"), "care": Words("照顾她要用", "care needs it")}


def question(customer: int, lack: Lack | None, today: date) -> Page | None:
    """What to ask at the next visit, with what she may answer in one tap."""
    if lack is None or lack.field.ask is None:
        return None
    one = lack.field
    options: list[tuple[str, Any]] = list(one.choices.items())
    if one.kind == "yes-no":
        options = list(YES_NO)
    if one.key == "company_revised_on":
        options = [(today.isoformat(), Words("今天核对过了", "Gone through today"))]
    why: Words | str = WHY.get(lack.why, "")
    if lack.is_stale and lack.since:
        was = spoken_field(one, lack.was)
        why = Words("{d}说的是“{w}”，看看变了没有", "said {d}: {w}; has it changed?").fill(
            d=day_words(lack.since, today), w=was if isinstance(was, Words) else Words(was, was)
        )
    return Page(
        customer=customer, key=one.key, ask=one.ask, name=one.name, why=why, options=options,
        kind={"number": "number", "date": "date"}.get(one.kind, "text"), action=reverse("customer-answers", args=[customer]),
    )  # fmt: skip


def questions(
    customers: Sequence[Customer], business: Business, today: date, holding: Iterable[InForce]
) -> dict[int, Page]:
    """The next question for each of these customers, in a handful of questions to the store."""
    grade, care = asked_by(holding)
    # A list is read by whoever passes the counter: what is sensitive is asked on her own page alone.
    fields = [f for f in sheet(business) if not f.sensitive]
    full = fullness(customers, business, today, for_grade=grade, for_care=care, fields=fields)
    found = {c: question(c, one.next_question(), today) for c, one in full.items()}
    return {c: q for c, q in found.items() if q is not None}


def warned(customers: Sequence[int]) -> dict[int, list[Page]]:
    """What whoever serves has to know first."""
    return {
        c: [Page(name=name, text=text, is_allergy=k == 0 and name.en.startswith("Allergic")) for k, (name, text) in enumerate(said)]
        for c, said in warnings_of(customers).items()
    }  # fmt: skip


# --- the portrait's file ---------------------------------------------------------------------------------------------


def file_shown(
    request: Request, customer: Customer, holding: Iterable[InForce], *, may_write: bool, masked: Mapping[str, str],
    extra: Sequence[Page], names: Sequence[Page],
) -> Page:  # fmt: skip
    """All of the file that stands on the portrait. `masked`: what is shown of masked fields; `extra`: rows of the basics
    that are no fields; `names`: the form's inputs for name and days, which stand first."""
    business, today = request.business, request.today
    grade, care = asked_by(holding)
    fields = sheet(business, request.user, is_company=customer.is_company, customer=customer)
    said = said_of([customer.pk])[customer.pk]
    if customer.sex:
        said["sex"] = Said(customer.sex, said.get("sex", Said()).on)
    full: Completeness = fullness(
        [customer], business, today, for_grade=grade, for_care=care, fields=fields
    )[customer.pk]  # fmt: skip
    groups = []
    for key, name in GROUPS.items():
        mine = [f for f in fields if f.group == key]
        known = [f for f in mine if said.get(f.key, Said()).value]
        if not mine or (key == "salon" and business.trade not in CARING and not known):
            continue
        rows = [_row(f, said[f.key], masked, today) for f in known]
        if key == "basics":
            rows = [*extra, *rows]
        inputs = [
            _input(f, said.get(f.key, Said()), masked, f.key in grade)
            for f in sorted(mine, key=lambda f: f.key not in grade)
        ]
        groups.append(Page(
            key=key, name=name, rows=rows, fields=([*names] if key == "basics" else []) + inputs, count=len(rows),
            action=reverse("customer-facts", args=[customer.pk]) if may_write else "",
        ))  # fmt: skip
    tips = []
    for key in ("interaction_style", "care_style"):
        if may_write and (tip := tip_of(key, said.get(key, Said()).value)):
            one = next(f for f in fields if f.key == key) if any(f.key == key for f in fields) else None
            if one is not None:
                tips.append(Page(name=spoken_field(one, said[key].value), tip=tip))
    lacks = [lack for lack in full.lacks if lack.why in ("grade", "care")]
    return Page(
        warnings=warned([customer.pk]).get(customer.pk, []) if may_write else [], tips=tips,
        question=question(customer.pk, full.next_question(), today) if may_write else None,
        known=full.known, wanted=full.wanted, groups=groups,
        missing=Words("打法还想知道：{f}", "The playbook would like to know: {f}").fill(
            f=Words("、".join(x.field.name.zh for x in lacks), ", ".join(x.field.name.en for x in lacks))) if lacks and may_write else "",
    )  # fmt: skip


def _row(one: Field, said: Said, masked: Mapping[str, str], today: date) -> Page:
    value = masked.get(one.key, "") if one.is_masked else spoken_field(one, said.value)
    old = is_stale(one, said, today) and said.on is not None
    note = (
        Words("{d}说的，该再问问", "said {d}: ask again").fill(d=day_words(said.on, today))
        if old and said.on
        else ""
    )
    return Page(name=titled(one.name), value=value, note=note)


def _input(one: Field, said: Said, masked: Mapping[str, str], is_wanted: bool) -> Page:
    hint: Words | str = Words("打法要用", "the playbook asks for it") if is_wanted else ""
    value, kind = said.value, "text"
    options: list[tuple[str, Words]] = []
    if one.kind in ("choice", "yes-no"):
        kind, options = "select", [UNKNOWN, *(YES_NO if one.kind == "yes-no" else one.choices.items())]
    elif one.kind == "long":
        kind = "area"
    elif one.kind in ("number", "date"):
        kind = one.kind
        value = value.removesuffix(".0")
    if one.is_masked:
        shown, value = masked.get(one.key, ""), ""
        if shown:
            hint = Words(
                "现在是 {m}；填了就换成新的，填 - 就删掉", "Now {m}; write to replace it, - to delete it"
            ).fill(m=shown)
    return Page(name=one.key, label=titled(one.name), kind=kind, value=value, options=options, hint=hint)


# --- people, visits, tags, attachments, notes ------------------------------------------------------------------------


AHEAD_DAYS = 60
"""How far ahead a birthday in the family is worth knowing: there is time for a present."""


def seen_among(viewer: Staff, people: Iterable[Relative]) -> set[int]:
    """Those of the people around somebody who are customers whom this viewer sees herself."""
    others = [one.other_id for one in people if one.other_id]
    return (
        set(Customer.objects.filter(pk__in=others).visible_to(viewer).values_list("pk", flat=True))
        if others
        else set()
    )


def people_shown(
    customer: Customer, viewer: Staff, today: date, may_write: bool, clear: Mapping[str, str]
) -> Page:
    """Who is around her, whose birthday is near, and the form that adds somebody."""
    rows, ahead, people = [], [], relatives_of(customer)
    seen = seen_among(viewer, people)
    for one in people:
        birthday = _parsed(str(one.birthday or ""))
        relation = RELATIONS.get(one.relation, RELATIONS["other"])
        name = str(one.name)
        rows.append(Page(
            name=name, relation=relation, birthday=birthday.words() if birthday else "", note=str(one.note or ""),
            phone=clear.get(f"relative-{one.pk}") or (mask("phone", str(one.phone)) if one.phone else ""), number=one.pk,
            href=reverse("portrait", args=[one.other_id]) if one.other_id in seen else "",
            remove=reverse("customer-person-end", args=[customer.pk, one.pk]) if may_write else "",
        ))  # fmt: skip
        if (
            birthday
            and one.relation in FAMILY
            and (on := next_after(birthday, today - timedelta(1))) <= today + timedelta(AHEAD_DAYS)
        ):
            ahead.append(
                Page(on=on, text=Words("{r}{n}过生日", "birthday of {n} ({r})").fill(r=relation, n=name))
            )
    first = OF_COMPANIES if customer.is_company else ()
    relations = (
        sorted(RELATIONS.items(), key=lambda r: r[0] not in first) if first else list(RELATIONS.items())
    )
    return Page(
        rows=rows, ahead=sorted(ahead, key=lambda a: a.on), relations=relations,
        action=reverse("customer-people", args=[customer.pk]) if may_write else "",
    )  # fmt: skip


def _parsed(compact: str) -> Birthday | None:
    try:
        return Birthday.parse(compact) if compact else None
    except (NoSuchDay, ValueError):
        return None


def visit_said(note: VisitNote, today: date, *, with_treatment: bool) -> Words:
    """What somebody wrote about a visit, in one line."""
    parts: list[Words] = []
    if note.occasion:
        parts.append(OCCASIONS.get(note.occasion, Words(note.occasion, note.occasion)))
    if note.party_size:
        parts.append(
            Words("{n} 位", "{n} people" if note.party_size != 1 else "one person").fill(n=note.party_size)
        )
    if note.companions:
        parts.append(Words(f"和{note.companions}", f"with {note.companions}"))
    if note.seat:
        parts.append(Words(f"坐{note.seat}", f"at {note.seat}"))
    if note.served_by:
        parts.append(Words(f"{note.served_by.name}接待", f"served by {note.served_by.name}"))
    if note.treatment and with_treatment:
        parts.append(Words(f"做了{note.treatment}", f"had {note.treatment}"))
    if note.feedback:
        parts.append(Words(f"“{note.feedback}”", f"“{note.feedback}”"))
    return Words(" · ".join(p.zh for p in parts), " · ".join(p.en for p in parts))


def shows_treatments(request: Request, customer: Customer) -> bool:
    """Whether her treatments are written down here: in a salon as a matter of course; in a clinic they tell of health,
    so the shop has to keep such facts and she has to have agreed."""
    trade = request.business.trade
    if trade == "salon":
        return True
    return trade == "clinic" and bool(
        sensitive_allowed(request.business, customer, "health", reader=request.user)
    )


def visits_noted(request: Request, customer: Customer) -> tuple[dict[date, list[Page]], Page | None]:
    """What was written about her visits by day, and the stage after the last treatment."""
    treats = shows_treatments(request, customer)
    by_day: dict[date, list[Page]] = {}
    stage = None
    for note in visit_notes_of(customer):
        said = visit_said(note, request.today, with_treatment=treats)
        if not said.zh:
            continue
        by_day.setdefault(note.day, []).append(
            Page(said=said, by=note.by.name if note.by else "", store=note.store.name if note.store else "")
        )
        if stage is None and treats and note.treatment and note.day <= request.today:
            found = stage_after(note.day, request.today)
            stage = Page(
                what=str(note.treatment),
                on=note.day,
                stage=found.name,
                who=found.who,
                by=note.served_by.name if note.served_by else "",
            )
    return by_day, stage


def visit_form(request: Request, customer: Customer) -> Page:
    at_work = Staff.objects.filter(is_active=True).exclude(role__in=("api", "analyst")).order_by("id")
    return Page(
        action=reverse("customer-visits", args=[customer.pk]), today=request.today.isoformat(),
        occasions=[UNKNOWN, *OCCASIONS.items()], stores=[(s.pk, s.name) for s in Store.objects.filter(is_open=True)],
        store=request.user.store_id, staff=[("", Words("没记", "not noted")), *((s.pk, s.name) for s in at_work)], me=request.user.pk,
        treats=shows_treatments(request, customer),
    )  # fmt: skip


def tags_shown(customer: Customer, may_write: bool) -> Page:
    on = tags_of(customer)
    return Page(
        on=[Page(number=one.tag_id, name=one.tag.name, href=reverse("customers") + f"?tag={one.tag_id}") for one in on],
        action=reverse("customer-tags", args=[customer.pk]) if may_write else "",
        known=[tag.name for tag in tags_in_use() if tag.pk not in {one.tag_id for one in on}] if may_write else [],
    )  # fmt: skip


def attachments_shown(customer: Customer, may_write: bool) -> Page:
    return Page(
        rows=[
            Page(
                name=str(one.name), size=f"{one.size / 1024 / 1024:.1f} MB" if one.size > 100_000 else f"{max(1, one.size // 1024)} KB",
                on=one.on, by=one.by.name if one.by else "", href=reverse("customer-attachment", args=[customer.pk, one.pk]),
                remove=reverse("customer-attachment-end", args=[customer.pk, one.pk]) if may_write else "",
            )
            for one in attachments_of(customer)
        ],
        action=reverse("customer-attachments", args=[customer.pk]) if may_write else "",
    )  # fmt: skip


def notes_shown(request: Request, customer: Customer) -> list[Page]:
    """Notes that stand, each with the way to take it back for its author on the day."""
    return [
        Page(
            on=n.on, by=n.author_name, text=n.text, kind=NOTE_KINDS[n.kind] if n.kind in NOTE_KINDS and n.kind != "other" else "",
            delete=reverse("customer-note-end", args=[customer.pk, n.pk]) if n.author_id == request.user.pk and n.on == request.today else "",
        )
        for n in notes_standing(customer)
    ]  # fmt: skip


def person_phone(customer: Customer, what: str) -> str:
    """The phone of somebody around her in clear, where `what` is "relative-12" and it is hers."""
    number = number_in(what.removeprefix("relative-"), 1, 2**62) if what.startswith("relative-") else None
    if number is None:
        return ""
    found = Relative.objects.filter(pk=number, customer__in=list(families([customer.pk]))).first()
    return str(found.phone or "") if found else ""


def people_to_reveal(customer: Customer) -> list[tuple[str, Words]]:
    """Whose phones around her can be shown for a reason."""
    return [
        (f"relative-{one.pk}", Words(f"{one.name}的电话 {mask('phone', str(one.phone))}", f"Phone of {one.name} {mask('phone', str(one.phone))}"))
        for one in relatives_of(customer)
        if one.phone
    ]  # fmt: skip
