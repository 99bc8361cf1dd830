"""What staff write down by hand: a customer, a note, a fact, a sale, whom to leave in peace."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import SimpleNamespace as Page

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from regulars import daily
from regulars.customers import actions
from regulars.customers.models import Customer
from regulars.customers.queries import family_of
from regulars.customers.sight import sees
from regulars.shop.actions import ask_for
from regulars.shop.models import Hold, Staff, Store, audit
from regulars.shop.money import fen, written
from regulars.shop.words import Refused, Words
from regulars.web.customers import find_customer
from regulars.web.may import needs
from regulars.web.request import Request, is_day, number_in


@needs("contact")
@require_http_methods(["GET", "POST"])
def customer_new(request: Request) -> HttpResponse:
    """A customer whom no file names."""
    filled = {k: request.POST.get(k, "").strip() for k in ("name", "phone", "member")}
    problems: list[Words] = []
    taken: Page | None = None
    if request.method == "POST":
        try:
            phone = _phone(filled["phone"])
            made = actions.add_customer(
                name=filled["name"], phone=phone, member=filled["member"][:60], is_company="is_company" in request.POST,
                store=request.user.store, by=request.user,
            )  # fmt: skip
        except actions.AlreadyKnown as refused:
            href = (
                reverse("portrait", args=[refused.customer.id])
                if sees(request.user, refused.customer)
                else ""
            )
            taken = Page(said=told_to(request.user, refused).words, href=href)
        except Refused as refused:
            problems.append(refused.words)
        else:
            messages.success(request, Words("记下了", "Written down").say(request.lang))
            return redirect("portrait", made.id)
    page = Page(filled=filled, problems=problems, is_company="is_company" in request.POST, taken=taken)
    return render(request, "customer_new.html", {"page": page}, status=422 if problems or taken else 200)


def told_to(staff: Staff, refused: actions.AlreadyKnown) -> Refused:
    """Whose a number is, to those who see her. To others only that it is taken: how her file opens at the counter, on
    record and within the day's limit, is said."""
    if sees(staff, refused.customer, "names"):
        return refused
    return Refused(
        Words(
            "这个号码已经有档案了。她人就在柜台的话，在搜索里输入完整号码就能打开",
            "There is a file with this number. If she stands at the counter, type the whole number into the search",
        )
    )


def _phone(text: str) -> str:
    """A phone number as the files of the shop carry it, or Refused when it is none."""
    if not text:
        return ""
    from regulars.sales.rules.phones import phone

    read = phone(text)
    if read is None:
        raise Refused(Words("「{p}」不像手机号", "{p} is not a phone number").fill(p=text))
    return read


def _live(request: Request, number: int) -> Customer:
    customer = find_customer(request, number, "contact")
    return customer.merged_into or customer


@needs("contact")
@require_POST
def customer_notes(request: Request, number: int) -> HttpResponse:
    customer = _live(request, number)
    try:
        actions.add_note(
            customer,
            request.POST.get("note", ""),
            on=request.today,
            by=request.user,
            kind=request.POST.get("kind", ""),
        )
    except Refused as refused:
        messages.warning(request, refused.words.say(request.lang))
    return redirect("portrait", customer.id)


@needs("contact")
@require_POST
def customer_sales(request: Request, number: int) -> HttpResponse:
    """A sale that no till knows of."""
    customer = _live(request, number)
    store = (
        Store.objects.filter(pk=number_in(request.POST.get("store"), 1, 2**62) or 0).first()
        or request.user.store
        or Store.objects.order_by("id").first()
    )
    try:
        amount = fen(_amount(request.POST.get("amount", "")))
        if not is_day(request.POST.get("day", "")):
            raise Refused(Words("请选日期", "Please choose a day"))
        if store is None:
            raise Refused(Words("先在设置里加一家门店", "First add a store in the settings"))
        written = daily.record_sale(
            customer,
            store=store,
            day=date.fromisoformat(request.POST["day"]),
            amount=amount,
            occasion=request.POST.get("occasion", "")[:40],
            by=request.user,
            once=request.POST.get("once", "")[:40],
        )
    except Refused as refused:
        messages.error(request, refused.words.say(request.lang))
        return redirect("portrait", customer.id)
    if written is None:
        messages.info(
            request,
            Words(
                "这笔已经记下了，没有再记一次；真的又来了一笔，在这一页再填一次就行",
                "This sale is written down already and was not counted again; if there was a second one, fill in the form "
                "on this page once more",
            ).say(request.lang),
        )
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


def amount_typed(text: str) -> int:
    """An amount that a person typed, in fen; empty is nothing.

    >>> amount_typed("￥1,234.5"), amount_typed("")
    (123450, 0)
    """
    return fen(_amount(text))


def _amount(text: str) -> Decimal:
    """An amount that a person typed; empty is a visit without money.

    >>> _amount("￥1,234.5"), _amount("")
    (Decimal('1234.5'), Decimal('0'))
    """
    if not text.strip():
        return Decimal(0)
    amount = written(text)
    if amount is None or abs(amount) > 10**9:
        raise Refused(Words("「{t}」不是金额", "{t} is not an amount").fill(t=text[:40]))
    return amount


@needs("contact")
@require_POST
def customer_hold(request: Request, number: int) -> HttpResponse:
    """She wants to be left in peace, or may be contacted again."""
    customer = _live(request, number)
    if "release" in request.POST:
        Hold.objects.filter(person__in=family_of(customer), rule="", channel="").delete()
        audit("release-hold", f"customer {customer.id}", by=request.user)
        messages.success(request, Words("可以再联系她了", "She may be contacted again").say(request.lang))
    elif not Hold.objects.filter(person__in=family_of(customer), rule="", channel="", until=None).exists():
        Hold.objects.create(person=customer.id, by=request.user)
        audit("hold", f"customer {customer.id}", by=request.user)
        messages.success(
            request, Words("好，不再打扰她", "She is left in peace from now on").say(request.lang)
        )
    return redirect("portrait", customer.id)
