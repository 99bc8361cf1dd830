"""What staff write into the file of a customer: fields, answers, people, visits, tags, attachments; the shop's own fields."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from types import SimpleNamespace as Page
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.customers import filing, own
from regulars.customers.actions import AlreadyKnown, say_detail
from regulars.customers.file import attachments_of, said_of, sheet
from regulars.customers.models import Attachment, Customer, OwnField
from regulars.customers.queries import find
from regulars.customers.rules.attachments import KINDS, LARGEST
from regulars.customers.rules.completeness import Said
from regulars.customers.rules.sheet import GROUPS, Field
from regulars.customers.sight import sees
from regulars.sales.rules.phones import phone as read_phone
from regulars.shop import vault
from regulars.shop.models import Staff, Store, audit
from regulars.shop.words import Refused, Words
from regulars.web.by_hand import told_to
from regulars.web.customers import find_customer
from regulars.web.may import needs
from regulars.web.portrait import birthday_text
from regulars.web.request import Request, is_day, number_in, way_back
from regulars.web.shown_file import shows_treatments

TAKEN_AWAY = "-"
"""Typed over something masked: it is deleted."""


def _live(request: Request, number: int, ability: str = "contact") -> Customer:
    customer = find_customer(request, number, ability)
    return customer.merged_into or customer


def _told(
    request: Request, customer: Customer, verb: Callable[[], Any], done: Words | None = None, at: str = ""
) -> HttpResponse:
    """Do it and lead back to her page; what can't be is said there."""
    try:
        verb()
    except Refused as refused:
        messages.error(request, refused.words.say(request.lang))
    else:
        if done is not None:
            messages.success(request, done.say(request.lang))
    return redirect(reverse("portrait", args=[customer.pk]) + at)


@needs("contact")
@require_POST
def customer_facts(request: Request, number: int) -> HttpResponse:
    """Keep what changed of all that the form says."""
    customer = _live(request, number)
    said = said_of([customer.pk])[customer.pk]
    wrong: list[Words] = []
    changed = 0
    days = {"birthday": customer.birthday, "anniversary": customer.anniversary}
    for key, old in (("name", customer.name), *((k, birthday_text(v)) for k, v in days.items())):
        text = request.POST.get(key, old).strip()
        if text == old:
            continue
        value = text[:80] if key == "name" or not text else filing.said_birthday(text)
        if text and not value:
            wrong.append(Words("看不懂日子「{t}」", "{t} is not a day").fill(t=text))
            continue
        say_detail(customer, key, value, by=request.user)
        changed += 1
    for one in sheet(request.business, request.user, is_company=customer.is_company, customer=customer):
        if one.key not in request.POST:
            continue
        old = customer.sex if one.key == "sex" else said.get(one.key, Said()).value
        try:
            changed += _keep(customer, one, old, request.POST[one.key], request.user)
        except Refused as refused:
            wrong.append(refused.words)
    for words in wrong:
        messages.error(request, words.say(request.lang))
    if changed:
        messages.success(
            request, Words("记下了，下次定级就会用到", "Kept; the next grading uses it").say(request.lang)
        )
    return redirect("portrait", customer.pk)


def _keep(customer: Customer, one: Field, old: str, text: str, by: Staff) -> bool:
    """Write a field down if it says something else than before."""
    text = text.strip()
    if one.is_masked:
        if not text:
            return False
        text = "" if text == TAKEN_AWAY else text
    value = filing.read_field(one, text)
    if value == old:
        return False
    say_detail(customer, one.key, value, by=by)
    return True


@needs("contact")
@require_POST
def customer_answers(request: Request, number: int) -> HttpResponse:
    """The answer to the question of the day, or that she would rather not say."""
    customer = _live(request, number)
    fields = {
        f.key: f
        for f in sheet(request.business, request.user, is_company=customer.is_company, customer=customer)
    }
    one = fields.get(request.POST.get("key", ""))
    if one is None:
        raise Http404
    try:
        if "declined" in request.POST:
            filing.decline(customer, one, on=request.today, by=request.user)
            done = Words("好，半年内不再问", "Fine; nobody asks for half a year")
        elif not request.POST.get("value", "").strip():
            raise Refused(Words("还没写她怎么说", "Her answer is not written yet"))
        else:
            filing.say_field(customer, one, request.POST["value"], by=request.user)
            done = Words("记下了", "Written down")
    except Refused as refused:
        messages.error(request, refused.words.say(request.lang))
    else:
        messages.success(request, done.say(request.lang))
    return redirect(way_back(request, reverse("portrait", args=[customer.pk])))


@needs("contact")
@require_POST
def customer_phones(request: Request, number: int) -> HttpResponse:
    """A further phone of hers."""
    customer = _live(request, number)

    def add() -> None:
        written = request.POST.get("phone", "").strip()
        read = read_phone(written)
        if read is None:
            raise Refused(Words("「{p}」不像手机号", "{p} is not a phone number").fill(p=written[:30]))
        try:
            filing.add_phone(customer, read, by=request.user)
        except AlreadyKnown as refused:
            raise told_to(request.user, refused) from refused

    return _told(
        request,
        customer,
        add,
        Words("记下了，以后用这个号来也认得", "Kept; receipts with it are hers from now on"),
    )


@needs("contact")
@require_POST
def customer_people(request: Request, number: int) -> HttpResponse:
    """Somebody around her."""
    customer = _live(request, number)

    def add() -> None:
        phone, other = request.POST.get("phone", "").strip(), None
        if phone and (found := find(phone)) is not None and sees(request.user, found):
            other = found
        filing.add_relative(
            customer, request.POST.get("relation", ""), request.POST.get("name", ""), birthday=request.POST.get("birthday", ""),
            phone=phone, note=request.POST.get("note", ""), other=None if other == customer else other, by=request.user,
        )  # fmt: skip

    return _told(request, customer, add, Words("记下了", "Written down"), "#people")


@needs("contact")
@require_POST
def customer_person_end(request: Request, number: int, person: int) -> HttpResponse:
    """Strike somebody off her file."""
    customer = _live(request, number)
    if not filing.remove_relative(customer, person, by=request.user):
        raise Http404
    return redirect(reverse("portrait", args=[customer.pk]) + "#people")


@needs("contact")
@require_POST
def customer_visits(request: Request, number: int) -> HttpResponse:
    """What no receipt says about a visit."""
    customer = _live(request, number)
    asked = request.POST

    def write() -> None:
        day = asked.get("day", "")
        if not is_day(day) or date.fromisoformat(day) > request.today:
            raise Refused(Words("请选今天或以前的日子", "Please choose today or a day before"))
        filing.note_visit(
            customer, date.fromisoformat(day), occasion=asked.get("occasion", ""), party_size=number_in(asked.get("party_size"), 1, 999),
            companions=asked.get("companions", ""), seat=asked.get("seat", ""), feedback=asked.get("feedback", ""),
            treatment=asked.get("treatment", "") if shows_treatments(request, customer) else "", by=request.user,
            store=Store.objects.filter(pk=number_in(asked.get("store"), 1, 2**62) or 0).first() or request.user.store,
            served_by=Staff.objects.filter(pk=number_in(asked.get("served_by"), 1, 2**62) or 0, is_active=True).first(),
        )  # fmt: skip

    return _told(request, customer, write, Words("记下了", "Written down"), "#visits")


@needs("contact")
@require_POST
def customer_tags(request: Request, number: int) -> HttpResponse:
    """Put a tag on, or take one off (`off`: its number)."""
    customer = _live(request, number)
    off = number_in(request.POST.get("off"), 1, 2**62)

    def change() -> None:
        if off is not None:
            filing.take_off_tag(customer, off, by=request.user)
        else:
            filing.put_tag(customer, request.POST.get("name", ""), by=request.user)

    return _told(request, customer, change, at="#tags")


@needs("contact")
@require_POST
def customer_attachments(request: Request, number: int) -> HttpResponse:
    """Keep a picture or a document."""
    customer = _live(request, number)

    def keep() -> None:
        file = request.FILES.get("file")
        if file is None:
            raise Refused(Words("请选一个文件", "Please choose a file"))
        data = file.read(LARGEST + 1)
        filing.attach_file(customer, file.name or "", data, on=request.today, by=request.user)

    return _told(request, customer, keep, Words("放进档案了", "Kept in the file"), "#attachments")


def _attached(request: Request, number: int, attachment: int, ability: str) -> Attachment:
    customer = _live(request, number, ability)
    found = next((one for one in attachments_of(customer) if one.pk == attachment), None)
    if found is None:
        raise Http404
    return found


@needs("names")
@require_GET
def customer_attachment(request: Request, number: int, attachment: int) -> HttpResponse:
    """Save an attachment: never shown as a page of ours, whatever is in it."""
    found = _attached(request, number, attachment, "names")
    data = vault.get_bytes(found.vault_name)
    if data is None:
        raise Http404
    audit(
        "read-attachment", f"customer {found.customer_id}", by=request.user, detail={"attachment": found.pk}
    )
    answer = HttpResponse(data, content_type=KINDS[found.kind])
    answer["Content-Disposition"] = content_disposition_header(True, str(found.name))
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@needs("contact")
@require_POST
def customer_attachment_end(request: Request, number: int, attachment: int) -> HttpResponse:
    """Delete an attachment."""
    found = _attached(request, number, attachment, "contact")
    filing.remove_attachment(found, by=request.user)
    messages.success(request, Words("删掉了", "Deleted").say(request.lang))
    return redirect(reverse("portrait", args=[number]) + "#attachments")


@needs("contact")
@require_POST
def customer_note_end(request: Request, number: int, note: int) -> HttpResponse:
    """Take back what one has written oneself today."""
    customer = _live(request, number)
    if not filing.take_back_note(customer, note, on=request.today, by=request.user):
        raise Http404
    return redirect(reverse("portrait", args=[customer.pk]) + "#notes")


# --- the shop's own fields -------------------------------------------------------------------------------------------


@needs("settings")
@require_http_methods(["GET", "POST"])
def settings_fields(request: Request) -> HttpResponse:
    """Fields that the shop adds to its files."""
    names = ("name", "name_en", "kind", "choices", "group", "ask", "ask_en", "stale_after_days")
    filled = {k: request.POST.get(k, "") for k in names}
    problems: list[Words] = []
    if request.method == "POST":
        try:
            kept = own.keep_field(
                filled["name"], filled["kind"], name_en=filled["name_en"], choices=filled["choices"], group=filled["group"],
                ask=filled["ask"], ask_en=filled["ask_en"], stale_after_days=number_in(filled["stale_after_days"], 1, 3650), by=request.user,
            )  # fmt: skip
        except Refused as refused:
            problems.append(refused.words)
        else:
            messages.success(
                request,
                Words("档案里多了「{n}」", "Files now have {n}").fill(n=kept.name_zh).say(request.lang),
            )
            return redirect("settings-fields")
    rows = []
    for one in OwnField.objects.order_by("id"):
        shown = own.field_of(one)
        rows.append(Page(
            name=shown.name, key=one.key if shown.is_plain else "", kind=own.KINDS[one.kind], choices=list(shown.choices.values()),
            ask=shown.ask or "", group=GROUPS[shown.group], stale=one.stale_after_days, is_active=one.is_active, end=reverse("settings-field-end", args=[one.pk]),
        ))  # fmt: skip
    n = sum(r.is_active for r in rows)
    page = Page(
        sentence=Words("店里自己加了 {n} 项", "{n} fields of your own" if n != 1 else "One field of your own").fill(n=n) if rows else Words("档案里还想记什么？", "What else should a file hold?"),
        rows=rows, filled=filled, problems=problems, action=reverse("settings-fields"), kinds=list(own.KINDS.items()),
        groups=[("own", GROUPS["own"]), *((k, w) for k, w in GROUPS.items() if k != "own")],
    )  # fmt: skip
    return render(request, "settings_fields.html", {"page": page}, status=422 if problems else 200)


@needs("settings")
@require_POST
def settings_field_end(request: Request, number: int) -> HttpResponse:
    """Stop asking a field, or ask it again."""
    own.switch_field(get_object_or_404(OwnField, pk=number), "again" in request.POST, by=request.user)
    return redirect("settings-fields")
