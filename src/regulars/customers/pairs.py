"""Questions about pairs of customers: what waits for an answer, both files side by side, who was merged by whose word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from regulars.customers.knowing import MERGED
from regulars.customers.models import Customer, Detail, Likely, LikelyKind, LikelyState
from regulars.customers.queries import called, mask, merged
from regulars.customers.rules.likeness import read_mask, reason_words
from regulars.sales.models import Batch, BatchState, Identity, Pairing
from regulars.shop.models import Staff, Store

ALIVE = Q(one__merged_into=None, other__merged_into=None, one__is_gone=False, other__is_gone=False)
"""Both stand for themselves: what concerns a file that has been merged is asked of the one that stands for it."""


def pairs_of(viewer: Staff | None) -> QuerySet[Likely]:
    """Proposals about two customers both of whom somebody may merge."""
    if viewer is None or viewer.reach("merge").everybody:
        return Likely.objects.all()
    hers = Customer.objects.visible_to(viewer, "merge").values("pk")
    return Likely.objects.filter(one__in=hers, other__in=hers)


def open_pairs(viewer: Staff | None = None) -> QuerySet[Likely]:
    """Proposals that wait for an answer."""
    return pairs_of(viewer).filter(ALIVE, state=LikelyState.OPEN)


def likely_page(
    show: str, after: tuple[int, int] | None = None, limit: int = 20, viewer: Staff | None = None
) -> tuple[list[Likely], dict[str, int]]:
    """One page of proposals, the surest first, `limit` and one more, and how many of each sort there are. `show`: ""
    (sure), "weak", "family" or "decided" (the latest first); `after`: the place that the page follows, see `place_of`."""
    sorts = {
        "": Q(kind=LikelyKind.MERGE, strength="sure"), "weak": Q(kind=LikelyKind.MERGE, strength="weak"),
        "family": Q(kind=LikelyKind.FAMILY),
    }  # fmt: skip
    counted = open_pairs(viewer).aggregate(**{f"n_{k}": Count("id", filter=q) for k, q in sorts.items()})
    counts = {k: counted[f"n_{k}"] for k in sorts}
    if show == "decided":
        found = pairs_of(viewer).exclude(state=LikelyState.OPEN)
        if after:
            at = EPOCH + timedelta(microseconds=after[0])
            found = found.filter(Q(decided_at__lt=at) | Q(decided_at=at, id__lt=after[1]))
        found = found.order_by("-decided_at", "-id")
    else:
        found = open_pairs(viewer).filter(sorts[show])
        if after:
            found = found.filter(Q(weight__lt=after[0]) | Q(weight=after[0], id__gt=after[1]))
        found = found.order_by("-weight", "id")
    rows = found.select_related("one", "other", "decided_by", "asked_by", "word")
    return list(rows[: limit + 1]), counts


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def place_of(likely: Likely) -> tuple[int, int]:
    """The place of a pair in its list."""
    if likely.decided_at is not None:
        return (likely.decided_at - EPOCH) // timedelta(microseconds=1), likely.id
    return likely.weight, likely.id


def open_records(
    lang: str, *, weak: bool = False, after: int = 0, limit: int | None = None, viewer: Staff | None = None
) -> list[dict[str, Any]]:
    """Proposals that wait for an answer, in the order in which they were found, as programs get them: phones masked."""
    found = open_pairs(viewer).filter(id__gt=after).select_related("one", "other", "asked_by").order_by("id")
    rows = list((found if weak else found.exclude(kind=LikelyKind.MERGE, strength="weak"))[:limit])
    both = sides(c for pair in rows for c in (pair.one, pair.other))
    return [record(pair, both, lang) for pair in rows]


def record(pair: Likely, both: dict[int, Side], lang: str) -> dict[str, Any]:
    """One pair as programs get it."""

    def side(number: int) -> dict[str, Any]:
        s = both[number]
        return {"id": s.id, "name": s.name, "phones": s.phones, "numbers": s.numbers, "visits": s.visits,
                "last_visit_on": s.last_on.isoformat() if s.last_on else None}  # fmt: skip

    return {
        "pair": pair.id, "kind": pair.kind, "strength": pair.strength, "reasons": [reason_words(k).say(lang) for k in pair.reasons],
        "state": pair.state, "one": side(pair.one_id), "other": side(pair.other_id),
    }  # fmt: skip


def likely_of(customer: Customer, limit: int = 3, viewer: Staff | None = None) -> list[Likely]:
    """Open proposals about one customer, the surest first."""
    hers = open_pairs(viewer).filter(Q(one=customer) | Q(other=customer)).exclude(strength="weak")
    return list(hers.select_related("one", "other").order_by("-weight", "id")[:limit])


def in_charge_of(customer: Customer) -> Staff | None:
    """Who looks after her: whoever has her file, else whoever has one that was merged into it."""
    if customer.in_charge is not None:
        return customer.in_charge
    others = Customer.objects.filter(merged_into=customer, in_charge__isnull=False)
    other = others.select_related("in_charge").order_by("in_charge").first()
    return other.in_charge if other else None


def merged_by(customer: Customer) -> list[tuple[Batch, Customer | None]]:
    """The words that made files one with this customer's, the latest first, each with the other file (none where that
    file is gone)."""
    mine = {customer.id, *(c for c, into in merged().items() if into == customer.id)}
    if len(mine) == 1:
        return []
    held = Identity.objects.filter(Q(link__customer__in=mine) | Q(founded__in=mine))
    words = Batch.objects.filter(
        reader=MERGED, state=BatchState.COMPLETE, id__in=Pairing.objects.filter(one__in=held).values("batch")
    )
    found = []
    people = Customer.objects.in_bulk(list(mine))
    for word in words.select_related("by").order_by("-id"):
        pair = [c for c in word.options.get("customers", ()) if c != customer.id]
        found.append((word, next((people[c] for c in pair if c in people), None)))
    return found


@dataclass
class Side:
    """One of two files in a comparison; phones masked."""

    id: int
    name: str = ""
    sex: str = ""
    birthday: str = ""
    phones: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    visits: int = 0
    spend: int = 0
    last_on: date | None = None
    store: str = ""


def sides(customers: Iterable[Customer]) -> dict[int, Side]:
    """These customers as a comparison shows them, in a handful of queries however many they are."""
    people = {c.id: c for c in customers}
    names = called(people.values())
    stores = dict(Store.objects.values_list("id", "name"))
    portraits: dict[int, Any] = {
        c.id: c.portrait
        for c in Customer.objects.filter(id__in=people, portrait__isnull=False).select_related("portrait")
    }
    found = {}
    for i, c in people.items():
        p = portraits.get(i)
        found[i] = Side(
            i, names[i].name, c.sex, c.birthday, visits=p.visits if p else 0, spend=p.spend if p else 0,
            last_on=p.last_visit_on if p else None, store=stores.get(p.last_store, "") if p and p.last_store else "",
        )  # fmt: skip
    into = {c: root for c, root in merged().items() if root in people}
    held = Identity.objects.filter(link__customer__in=[*people, *into], kind__in=("member", "card", "phone"))
    numbers: dict[int, int] = {}
    for identity in held.select_related("link").order_by("id"):
        owner = into.get(identity.link.customer_id, identity.link.customer_id)
        written = str(identity.written)
        if identity.kind == "phone":
            found[owner].phones.append(mask("phone", written))
        elif not written.startswith("hand-"):
            found[owner].numbers.append(written)
            numbers[identity.id] = owner
    # A phone that stands beside two numbers belongs to neither for sure, and is just what the two have in common.
    beside = Pairing.objects.filter(one__in=numbers, other__kind="phone", batch__state=BatchState.COMPLETE)
    for pairing in beside.exclude(batch__reader=MERGED).select_related("other").order_by("id"):
        found[numbers[pairing.one_id]].phones.append(mask("phone", str(pairing.other.written)))
    said: dict[int, list[str]] = defaultdict(list)
    hidden = Detail.objects.filter(key="masked_phone")
    for detail in hidden.filter(identity__link__customer__in=list(people)).select_related("identity__link"):
        assert detail.identity is not None
        said[detail.identity.link.customer_id].append(read_mask(str(detail.sealed)))
    for i, side in found.items():
        side.phones = list(dict.fromkeys(p for p in (*side.phones, *said[i]) if p))
        side.numbers = list(dict.fromkeys(side.numbers))
    return found
