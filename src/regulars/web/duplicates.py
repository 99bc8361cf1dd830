"""Two files, one person: proposals side by side with their reasons, an answer in one tap, and the way back."""

from __future__ import annotations

from types import SimpleNamespace as Page
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars import daily
from regulars.customers import actions
from regulars.customers.models import Customer, Family, Likely, LikelyState
from regulars.customers.pairs import Side, likely_of, likely_page, merged_by, pairs_of, place_of, sides
from regulars.customers.queries import search
from regulars.customers.rules.likeness import reason_words
from regulars.customers.sight import sees
from regulars.sales.models import Batch
from regulars.shop.actions import ask_for
from regulars.shop.calendar import Birthday, day_words
from regulars.shop.models import Job, JobState, Staff
from regulars.shop.words import Refused, Words
from regulars.web.customers import find_customer
from regulars.web.may import may, needs
from regulars.web.request import Request, number_in
from regulars.web.shown import Badges, customers_shown

A_PAGE = 20

SHOWS = {
    "": Words("很像同一个人", "Very likely one person"),
    "weak": Words("有点像", "Perhaps one person"),
    "family": Words("像一家人", "Perhaps a family"),
    "decided": Words("看过的", "Decided"),
}

ANSWERED = {
    "merged": Words("已合成一位；随时可以拆开", "They are one customer now, and can be parted at any time"),
    "family": Words("已记成一家人，各是各的档案", "They are a family now, each with a file of her own"),
    "different": Words("好，他们是两个人，以后不再问", "They are two people; this is not asked again"),
}

STATES = {
    "merged": Words("是同一个人", "One person"),
    "family": Words("是一家人", "A family"),
    "different": Words("不是", "Two people"),
}


# --- the list --------------------------------------------------------------------------------------------------------


@needs("merge")
@require_GET
def duplicates(request: Request) -> HttpResponse:
    """Proposals, the surest first, twenty a page however many there are."""
    show = request.GET.get("show", "")
    if show not in SHOWS:
        raise Http404
    found, counts = likely_page(show, _place(request.GET.get("after")), A_PAGE, viewer=request.user)
    rows = found[:A_PAGE]
    both = sides([c for pair in rows for c in (pair.one, pair.other)])
    running = Job.objects.filter(kind="duplicates", state__in=(JobState.WAITING, JobState.RUNNING)).exists()
    last = Job.objects.filter(kind="duplicates", state=JobState.DONE).order_by("-id").first()
    n = counts[""] + counts["family"] + counts["weak"]
    page = Page(
        sentence=_sentence(counts), more=Words("合错了能拆开，谁的积分、备注、任务都不会丢。", "A wrong answer can be taken back; nobody's points, notes or tasks are lost.") if n else "",
        pills=[Page(text=said, href=f"?show={key}" if key else "?", current=key == show, count=counts.get(key)) for key, said in SHOWS.items()],
        rows=[_pair(pair, both, request) for pair in rows],
        older=f"?show={show}&after={'.'.join(map(str, place_of(rows[-1])))}" if len(found) > A_PAGE else "",
        newer=f"?show={show}" if "after" in request.GET else "",
        find=reverse("duplicates-search"), running=running, show=show,
        looked=last.ended_at if last else None,
    )  # fmt: skip
    return render(request, "duplicates.html", {"page": page})


def _place(text: str | None) -> tuple[int, int] | None:
    weight, _, number = (text or "").partition(".")
    a, b = number_in(weight, 0, 2**62), number_in(number, 0, 2**62)
    return (a, b) if a is not None and b is not None else None


def _sentence(counts: dict[str, int]) -> Words:
    n, families = counts[""], counts["family"]
    if n and families:
        return Words(
            "{n} 对很像同一个人，{f} 对像一家人", "{n} pairs look like one person, {f} like a family"
        ).fill(n=f"{n:,}", f=f"{families:,}")
    if n:
        return Words(
            "{n} 对很像同一个人，看一眼就能定", "{n} pairs look like one person; a glance decides"
            if n != 1 else "One pair looks like one person; a glance decides",
        ).fill(n=f"{n:,}")  # fmt: skip
    if families:
        return Words("{f} 对像一家人", "{f} pairs look like a family").fill(f=f"{families:,}")
    return Words("没有等着看的", "Nothing waits for an answer")


def _pair(pair: Likely, both: dict[int, Side], request: Request) -> Page:
    """Two files side by side: what differs is marked, what speaks for it said."""
    one, other = both[pair.one_id], both[pair.other_id]
    return Page(
        id=pair.pk, one=Page(name=_name(one), href=reverse("portrait", args=[one.id])),
        other=Page(name=_name(other), href=reverse("portrait", args=[other.id])),
        facts=side_by_side(one, other, request), reasons=[reason_words(key) for key in pair.reasons],
        is_family=pair.kind == "family", action=reverse("duplicate-decision", args=[pair.pk]),
        state=STATES.get(pair.state, ""), undo=reverse("duplicate-undo", args=[pair.pk]) if pair.state != LikelyState.OPEN else "",
        by=pair.decided_by.name if pair.decided_by else "", at=pair.decided_at, asked=pair.asked_by.name if pair.asked_by else "",
    )  # fmt: skip


def _pair_of(request: Request, number: int) -> Likely:
    """A proposal about two customers both of whom this visitor may merge."""
    return get_object_or_404(pairs_of(request.user).select_related("one", "other"), pk=number)


def _name(side: Side) -> str | Words:
    return side.name or Words("顾客 {n}", "Customer {n}").fill(n=side.id)


def side_by_side(one: Side, other: Side, request: Request) -> list[Page]:
    """The rows of a comparison: only what at least one of them has."""
    rows = [
        (Words("手机", "Phone"), ", ".join(one.phones), ", ".join(other.phones)),
        (Words("会员号、卡", "Member, card"), ", ".join(one.numbers), ", ".join(other.numbers)),
        (Words("生日", "Birthday"), *(Birthday.parse(s.birthday).words() if s.birthday else "" for s in (one, other))),
        (Words("性别", "Sex"), *(SEXES.get(s.sex, "") for s in (one, other))),
        (Words("来过", "Visits"), *(Words("{n} 次", "{n}").fill(n=s.visits) if s.visits else "" for s in (one, other))),
        (Words("上次来", "Last visit"), *(day_words(s.last_on, request.today) if s.last_on else "" for s in (one, other))),
        (Words("上次去的店", "Last store"), one.store, other.store),
    ]  # fmt: skip
    return [Page(name=name, one=a, other=b, same=bool(a) and a == b) for name, a, b in rows if a or b]


SEXES = {"female": Words("女", "Woman"), "male": Words("男", "Man")}


@needs("merge")
@require_POST
def duplicates_search(request: Request) -> HttpResponse:
    """Look for pairs now, among everybody."""
    ask_for("duplicates", {}, by=request.user)
    messages.info(
        request,
        Words("正在找，一会儿刷新看看", "Looking; come back to this page in a moment").say(request.lang),
    )
    return redirect("duplicates")


@needs("merge")
@require_POST
def duplicate_decision(request: Request, number: int) -> HttpResponse:
    """One person, one family, or two people."""
    pair = _pair_of(request, number)
    how = request.POST.get("how", "")
    try:
        daily.decide(pair, how, by=request.user, why=request.POST.get("why", ""))
    except Refused as refused:
        messages.warning(request, refused.words.say(request.lang))
        return redirect("duplicates")
    if how == LikelyState.MERGED:
        ask_for("redraw", {"customers": []}, by=request.user)
    messages.success(request, ANSWERED[how].say(request.lang))
    return redirect(reverse("duplicates") + ("?show=family" if pair.kind == "family" else ""))


@needs("merge")
@require_POST
def duplicate_undo(request: Request, number: int) -> HttpResponse:
    """Take an answer back."""
    try:
        daily.reopen(_pair_of(request, number), by=request.user)
    except Refused as refused:
        messages.warning(request, refused.words.say(request.lang))
    else:
        ask_for("redraw", {"customers": []}, by=request.user)
        messages.success(
            request,
            Words("撤回了，又在等着看的里面", "Taken back; it waits for an answer again").say(request.lang),
        )
    return redirect("duplicates")


# --- from a portrait -------------------------------------------------------------------------------------------------


@needs("contact")
@require_http_methods(["GET", "POST"])
def customer_same(request: Request, number: int) -> HttpResponse:
    """Somebody knows that two files are one person: find the other one, look at both, merge or propose."""
    customer = actions.standing_for(find_customer(request, number, "contact"))
    other_number = number_in(request.POST.get("other") or request.GET.get("other"), 1, 2**62)
    other = actions.standing_for(find_customer(request, other_number, "names")) if other_number else None
    if other is not None and other.id == customer.id:
        other = None
    if request.method == "POST":
        if other is None:
            raise Http404
        return _said_same(request, customer, other)
    text = request.GET.get("q", "").strip()[:60]
    found = (
        [c for c in search(text, 12, request.user) if c.id != customer.id] if text and other is None else []
    )
    both = sides([customer, *([other] if other else [])])
    shown = customers_shown([customer, *found], Badges(), request.user)
    page = Page(
        name=shown[customer.id].name, href=reverse("portrait", args=[customer.id]), search=text, here=reverse("customer-same", args=[customer.id]),
        found=[Page(name=shown[c.id].name, tail=shown[c.id].tail, href=f"?other={c.id}") for c in found],
        other=Page(id=other.id, name=_name(both[other.id]), href=reverse("portrait", args=[other.id])) if other else None,
        facts=side_by_side(both[customer.id], both[other.id], request) if other else [],
        may_merge=all(sees(request.user, c, "merge") for c in (customer, other) if c),
    )  # fmt: skip
    return render(request, "customer_same.html", {"page": page})


def _said_same(request: Request, customer: Customer, other: Customer) -> HttpResponse:
    try:
        if request.POST.get("how") == "propose":
            actions.propose(customer, other, by=request.user)
            messages.success(
                request,
                Words("记下了，等有权限的同事来定", "Noted; a colleague who may merge decides").say(
                    request.lang
                ),
            )
            return redirect("portrait", customer.id)
        if not all(sees(request.user, c, "merge") for c in (customer, other)):
            raise PermissionDenied
        daily.merge(customer, other, by=request.user, why=request.POST.get("why", "")[:200])
    except Refused as refused:
        messages.warning(request, refused.words.say(request.lang))
        return redirect("portrait", customer.id)
    ask_for("redraw", {"customers": []}, by=request.user)
    messages.success(request, ANSWERED["merged"].say(request.lang))
    return redirect("portrait", customer.id)


@needs("merge")
@require_POST
def customer_parting(request: Request, number: int) -> HttpResponse:
    """Part two files that were made one customer."""
    customer = actions.standing_for(find_customer(request, number, "merge"))
    word = get_object_or_404(
        Batch,
        pk=number_in(request.POST.get("word"), 1, 2**62) or 0,
        pk__in=[w.pk for w, _ in merged_by(customer)],
    )
    try:
        daily.part(word, by=request.user)
    except Refused as refused:
        messages.warning(request, refused.words.say(request.lang))
        return redirect("portrait", customer.id)
    ask_for("redraw", {"customers": []}, by=request.user)
    messages.success(
        request,
        Words(
            "拆开了。合并以后写在这份档案上的，留在这份档案上", "Parted. What was written on this file while they were one stays on it"
        ).say(request.lang),
    )  # fmt: skip
    return redirect("portrait", customer.id)


def same_shown(request: Request, customer: Customer) -> Page:
    """What a portrait says about other files of the same person, and of her family."""
    merges = may(request.user, "merge")
    pairs = likely_of(customer, viewer=request.user)
    others = [p.other if p.one_id == customer.id else p.one for p in pairs]
    words = merged_by(customer)
    parted = [c for _, other in words for c in [other] if c is not None]
    names = customers_shown([*others], Badges(), request.user)
    beside = sides(parted)
    members = _family(customer, request.user)
    shown = customers_shown([m.customer for m in members], Badges(), request.user)
    return Page(
        likely=[
            Page(
                name=names[o.id].name, href=reverse("duplicates") if merges else names[o.id].href, is_family=p.kind == "family",
                reasons=[reason_words(key) for key in p.reasons[:3]],
            )
            for p, o in zip(pairs, others, strict=True)
        ],
        merged=[
            Page(
                said=Words("由「{n}」合并而来，{d}，{w}", "Merged with “{n}”, {d}, by {w}").fill(
                    n=_name(beside[other.id]) if other else Words("另一份档案", "another file"),
                    d=day_words(word.at.date(), request.today), w=word.by.name if word.by else "—",
                ),
                word=word.pk,
            )
            for word, other in words
        ],
        part=reverse("customer-parting", args=[customer.id]) if sees(request.user, customer, "merge") else "",
        look=reverse("customer-same", args=[customer.id]) if may(request.user, "contact") else "",
        family=[
            Page(name=shown[m.customer_id].name, href=shown[m.customer_id].href, role=actions.ROLES.get(m.role, ""))
            for m in members
        ],
    )  # fmt: skip


def _family(customer: Customer, viewer: Staff) -> list[Any]:
    """The others of her families whom this viewer sees herself."""
    from regulars.customers.queries import family_of

    mine = family_of(customer)
    families = Family.objects.filter(members__customer__in=mine)
    members = [
        m
        for f in families.distinct()
        for m in f.members.select_related("customer__merged_into").order_by("id")
    ]
    others = [m for m in members if m.customer_id not in mine]
    roots = [m.customer.merged_into_id or m.customer_id for m in others]
    seen = set(Customer.objects.filter(pk__in=roots).visible_to(viewer).values_list("pk", flat=True))
    return [m for m, root in zip(others, roots, strict=True) if root in seen][:12]
