"""Who brought whom, and what both get once the new one has really bought. One or two levels, never more.

Refused are: oneself, the own family or a card that is shared, a circle, staff, a phone on which several "friends" were
made, and whoever was a customer before. A refused referral is kept with its reason; it earns nothing and counts for
nothing.

Files come late, come twice and are taken back. So for as long as a purchase can count, and for a while longer, every
night asks again: what a file brings to light takes a reward away, and what undoing it restores gives the reward back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Min, Q, QuerySet

from regulars.customers.models import Customer, Detail, FamilyMember, Link
from regulars.membership import kin, receipts, teller
from regulars.membership.models import Earned, Member, Posting, Referral, ReferralState
from regulars.membership.program import Terms, current, files_of, works_here
from regulars.membership.rules import earning
from regulars.membership.rules.ledger import Move
from regulars.membership.rules.numbers import as_typed
from regulars.membership.rules.terms import months_after
from regulars.playbooks.membership import Referral as ReferralTerms
from regulars.sales.actions import token_for
from regulars.sales.models import BatchState, Identity, Sale
from regulars.shop import bulk
from regulars.shop.models import Staff, Store, audit
from regulars.shop.words import Refused, Words

FRIENDS_ON_A_PHONE = 3
"""So many who joined on one phone are not friends but one person with many numbers."""

WATCHED_FOR = 90
"""Days after the time to buy in which a refund still takes the reward back, and a late file still brings it."""

UNKNOWN = Words("没有这个介绍码，请再核对一下", "There is no such code; please check it")
HAS_ONE = Words("这位顾客已经有介绍人了", "This customer has been brought by somebody already")

WHY = {
    "self": Words("是本人", "the same person"),
    "family": Words("是一家人，或共用一张卡", "of one family, or sharing a card"),
    "loop": Words("互相介绍，绕成了圈", "they brought each other in a circle"),
    "staff": Words("介绍人是店里的人", "the referrer works here"),
    "device": Words("几位新客用的是同一部手机", "several new customers on one phone"),
    "not-new": Words("以前就来过", "had been a customer before"),
    "cap": Words("这个月介绍的奖励已经到顶", "this month's rewards are used up"),
    "gone": Words("介绍人已经退会", "the referrer is no member any more"),
}


def by_code(code: str) -> Member:
    """Whose code this is. Raises Refused for a code that nobody has."""
    member = Member.objects.filter(code=as_typed(code), left_on=None).first() if code else None
    if member is None:
        raise Refused(UNKNOWN)
    return member


def bring(
    friend: Customer, referrer: Member, *, on: date, how: str, device: str = "", by: Staff | None = None
) -> Referral:
    """Write down that somebody was brought by a member. What can't be rewarded is kept as refused, with its reason."""
    root = friend.merged_into or friend
    with transaction.atomic():
        Customer.objects.select_for_update().get(pk=root.pk)
        if Referral.objects.filter(friend__in=files_of(root)).exists():
            raise Refused(HAS_ONE)
        why = "" if how == "list" else _why_not(root, referrer, on, device)
        referral = Referral.objects.create(
            referrer=referrer, friend=root, on=on, how=how, device=device, by=by, why=why,
            state=ReferralState.REFUSED if why else ReferralState.WAITING,
        )  # fmt: skip
        audit(
            "refer", f"customer {root.pk}", by=by, detail={"referrer": referrer.customer_id, "refused": why}
        )
    return referral


def _why_not(friend: Customer, referrer: Member, on: date, device: str) -> str:
    """Why bringing this one is not rewarded; empty where nothing speaks against it."""
    own = referrer.customer
    if own is None or referrer.left_on is not None:
        return "gone"
    mine = files_of(own)
    hers = files_of(friend)
    if set(mine) & set(hers) or _same_number(mine, hers):
        return "self"
    if works_here(referrer):
        return "staff"
    if set(_families(mine)) & set(_families(hers)):
        return "family"
    if _stands_above(hers, mine):
        return "loop"
    if device and (
        device == referrer.device or Referral.objects.filter(device=device).count() >= FRIENDS_ON_A_PHONE
    ):
        return "device"
    if _sales(hers).filter(day__lt=on).exists():
        return "not-new"
    return ""


def _families(customers: Sequence[int]) -> list[int]:
    return list(FamilyMember.objects.filter(customer__in=customers).values_list("family", flat=True))


def _same_number(mine: Sequence[int], hers: Sequence[int]) -> bool:
    """Whether the same digits stand in both files, be it as a phone, a card or a number."""
    tokens = [
        {bytes(t) for t in Identity.objects.filter(link__customer__in=who).values_list("token", flat=True)}
        for who in (mine, hers)
    ]
    return bool(tokens[0] & tokens[1])


def _stands_above(hers: Sequence[int], mine: Sequence[int]) -> bool:
    """Whether the new one stands anywhere in the line of those who brought the referrer."""
    seen: set[int] = set()
    line = set(mine)
    while line:
        found = Referral.objects.filter(friend__in=line).exclude(state=ReferralState.REFUSED)
        above = _read_as({c for c in found.values_list("referrer__customer", flat=True) if c is not None})
        if above & set(hers):
            return True
        seen |= line
        line = above - seen
    return False


def _read_as(customers: set[int]) -> set[int]:
    """These customers with all who are read as one of them."""
    into = Customer.objects.filter(id__in=customers, merged_into__isnull=False)
    roots = customers | {root for root in into.values_list("merged_into", flat=True) if root}
    return roots | set(Customer.objects.filter(merged_into__in=roots).values_list("id", flat=True))


def _sales(customers: Sequence[int]):  # type: ignore[no-untyped-def]
    identities = Link.objects.filter(customer__in=customers).values("identity")
    return Sale.objects.filter(identity__in=identities, is_current=True, batch__state=BatchState.COMPLETE)


# --- counting --------------------------------------------------------------------------------------------------------


def night(on: date) -> dict[str, int]:
    """Count those who have really bought by now and give both their reward; take it back where it was all returned, or
    where it has turned out that it should not have been given. Safe to run again, for an earlier day too: what was
    counted after that day is left alone."""
    terms = current()
    if terms is None or terms.membership.referral is None:
        return {"counted": 0, "reversed": 0}
    said = terms.membership.referral
    from_lists(on)
    counted = reversed_ = 0
    pending = terms.membership.currency(said.currency).pending_days
    since = on - timedelta(days=said.within_days + WATCHED_FOR)
    # What may have been decided by a file that was missing or has been taken back since. Whoever was refused for being
    # known before had passed all other questions, as has whoever was counted once.
    undecided = Q(state__in=(ReferralState.LAPSED, ReferralState.REVERSED)) | Q(
        Q(why="not-new") | Q(why="self", counted_on__isnull=False), state=ReferralState.REFUSED
    )
    for referral in _known_on(on).filter(
        Q(state=ReferralState.WAITING) | Q(undecided, on__gte=since, friend__isnull=False)
    ):
        with transaction.atomic():
            counted += _count(referral, terms, said, pending, on)
    for referral in _known_on(on).filter(state=ReferralState.COUNTED, on__gte=since).exclude(how="list"):
        if referral.friend is None:
            continue
        why = _turned_out(referral)
        if why or not _has_bought(referral, said, on, 0):
            with transaction.atomic():
                reversed_ += _reverse(referral, on, why)
    return {"counted": counted, "reversed": reversed_}


def _known_on(on: date) -> QuerySet[Referral]:
    found = Referral.objects.exclude(counted_on__gt=on)
    return found.select_related("referrer__customer", "friend").order_by("id")


def _has_bought(referral: Referral, said: ReferralTerms, on: date, pending: int) -> bool:
    assert referral.friend is not None
    ends = min(on - timedelta(days=pending), referral.on + timedelta(days=said.within_days))
    hers = _sales(files_of(referral.friend)).filter(day__gte=referral.on, day__lte=ends)
    keys = set(hers.values_list("key", flat=True))
    left = receipts.left_of(keys)  # whoever returned it
    spent = sum(left.get(key, 0) for key in keys)
    return spent > 0 and spent >= round(said.least_spend * 100)


def _count(referral: Referral, terms: Terms, said: ReferralTerms, pending: int, on: date) -> int:
    if referral.friend is None:
        return _set(referral, ReferralState.LAPSED)
    if referral.how == "list":  # brought before the programme: known, not rewarded
        Referral.objects.filter(pk=referral.pk).update(state=ReferralState.COUNTED, counted_on=referral.on)
        return 1
    if referral.referrer.left_on is not None or referral.referrer.customer is None:
        return _set(referral, ReferralState.REFUSED, "gone")
    if referral.state == ReferralState.WAITING and works_here(referral.referrer):
        return _set(referral, ReferralState.REFUSED, "staff")
    if why := _turned_out(referral):
        return _set(referral, ReferralState.REFUSED, why)
    # Enough that can't be returned any more, and enough still: a refund may be younger than what it takes back.
    if not (_has_bought(referral, said, on, pending) and _has_bought(referral, said, on, 0)):
        if _covered(on) > referral.on + timedelta(days=said.within_days + pending):
            return _set(referral, ReferralState.LAPSED)
        return 0
    counted_on = referral.counted_on or on  # counted again she counts for the month in which she did at first
    its_month = counted_on.replace(day=1)
    this_month = Referral.objects.filter(
        referrer__in=kin.family_of(referral.referrer_id), state=ReferralState.COUNTED,
        counted_on__gte=its_month, counted_on__lt=months_after(its_month, 1),
    ).exclude(how="list")  # fmt: skip
    if this_month.count() >= said.most_a_month:
        return _set(referral, ReferralState.REFUSED, "cap")
    if not Referral.objects.filter(pk=referral.pk, state=referral.state).update(
        state=ReferralState.COUNTED, counted_on=counted_on, why=""
    ):
        return 0
    postings = [d.posting for d in teller.post(*_rewards(referral, terms, said, on))]
    Referral.objects.filter(pk=referral.pk).update(postings=postings)
    return 1


def _covered(on: date) -> date:
    """The day up to which absence is known: no later than the data of the store that knows least."""
    known = Store.objects.filter(is_open=True).aggregate(day=Min("known_until"))["day"]
    return min(on, known) if known else on


def _turned_out(referral: Referral) -> str:
    """What has come to light since she was brought: that she is the referrer herself, that she had been brought before
    under another number, or that she had bought before, as merging two files or a late one shows."""
    assert referral.friend is not None and referral.referrer.customer is not None
    hers = files_of(referral.friend)
    if set(hers) & set(files_of(referral.referrer.customer)):
        return "self"
    before = Referral.objects.filter(friend__in=hers, pk__lt=referral.pk)
    counts = (ReferralState.WAITING, ReferralState.COUNTED, ReferralState.REVERSED)
    is_known = before.filter(state__in=counts).exists() or _sales(hers).filter(day__lt=referral.on).exists()
    return "not-new" if is_known else ""


def _rewards(referral: Referral, terms: Terms, said: ReferralTerms, on: date) -> list[Move]:
    """Who gets what: the referrer, the new one where she is a member, and with two levels whoever brought the referrer.
    A reward that is given again, after it was taken back, is named after the one before it."""
    again = f".{max(referral.postings)}" if referral.postings else ""
    currency = terms.membership.currency(said.currency)
    given: list[tuple[str, int, int]] = [("referrer", referral.referrer_id, said.gives)]
    friend = (
        Member.objects.filter(customer__in=files_of(referral.friend), left_on=None).order_by("id").first()
        if referral.friend
        else None
    )
    if friend is not None:
        given.append(("friend", friend.pk, said.friend_gets))
    if said.levels == 2 and referral.referrer.customer is not None:
        above = Referral.objects.filter(
            friend__in=files_of(referral.referrer.customer),
            state=ReferralState.COUNTED,
            referrer__left_on=None,
        ).first()
        if above is not None:
            given.append(("second", above.referrer_id, said.second_gives))
    return [
        Move(
            "put", "refer", "referral", f"{referral.pk}.{role}{again}", member, on, ((said.currency, n),), rule=role,
            ends=earning.ends_on(currency, on), idle=currency.months or 0 if currency.is_idle else 0,
        )
        for role, member, n in given if n
    ]  # fmt: skip


def _reverse(referral: Referral, on: date, why: str) -> int:
    """Take the rewards back: what she had bought was returned or, where a reason stands, was not to count."""
    state = ReferralState.REFUSED if why else ReferralState.REVERSED
    if not Referral.objects.filter(pk=referral.pk, state=ReferralState.COUNTED).update(state=state, why=why):
        return 0
    amounts = teller.amounts_of(referral.postings)
    owners = dict(_owners(referral.postings))
    moves = [
        Move("take-back", "reverse", "referral", f"{referral.pk}.{posting}", owners[posting], on, tuple(legs.items()), of=posting)
        for posting, legs in amounts.items() if legs
    ]  # fmt: skip
    for move, done in zip(moves, teller.post(*moves), strict=True):
        if done.short:  # spent already: taken from what she earns next
            ((currency, _),) = move.legs
            Earned.objects.create(
                what=f"referral {referral.pk}.{move.of}", currency=currency, member_id=move.member, day=on, owed=done.short,
            )  # fmt: skip
    return 1


def _owners(postings: Sequence[int]) -> list[tuple[int, int]]:
    return list(Posting.objects.filter(id__in=postings).values_list("id", "member"))


def _set(referral: Referral, state: str, why: str = "") -> int:
    Referral.objects.filter(pk=referral.pk, state=referral.state).update(state=state, why=why)
    return 0


def from_lists(on: date) -> int:
    """Take over the referrers that lists name by number or phone: known for the facts, without a reward. One whom no
    list names any more, because it was undone, was never named. Says how many are new."""
    listed = _listed()
    known: set[int] = set()
    gone: list[int] = []
    held = Referral.objects.exclude(friend=None)
    columns = (
        "id",
        "how",
        "friend",
        "friend__merged_into",
        "referrer__customer",
        "referrer__customer__merged_into",
    )
    for number, how, friend, friend_root, host, host_root in held.values_list(*columns):
        root = friend_root or friend
        if how == "list" and all(_root(member) != (host_root or host) for member, _ in listed.get(root, ())):
            gone.append(number)
        else:
            known.add(root)
    bulk.execute_in(f"DELETE FROM {Referral._meta.db_table} WHERE id IN ({{marks}})", gone)
    done = 0
    for root in sorted(listed.keys() - known):
        first = next(((member, day) for member, day in listed[root] if member.left_on is None), None)
        if first is not None:
            bring(Customer.objects.get(pk=root), first[0], on=min(on, first[1]), how="list")
            done += 1
    return done


def _listed() -> dict[int, list[tuple[Member, date]]]:
    """Whom lists name as the one who brought a customer (by the file as whom she is read), and when they said so, first
    word first; never herself."""
    said = Detail.objects.filter(
        Q(batch=None) | Q(batch__state=BatchState.COMPLETE), key="referrer", identity__link__isnull=False
    ).select_related("identity__link__customer")
    words: list[tuple[int, str, date]] = []
    for detail in said.order_by("id"):
        customer = detail.identity.link.customer  # type: ignore[union-attr]
        text = (detail.plain or str(detail.sealed or "")).strip()
        words.append((customer.merged_into_id or customer.pk, text, detail.said_at.date()))
    named = _named({text for _, text, _ in words if text})
    found: dict[int, list[tuple[Member, date]]] = {}
    for root, text, day in words:
        member = named.get(text)
        if member is not None and _root(member) != root:
            found.setdefault(root, []).append((member, day))
    return found


def _named(texts: Collection[str]) -> dict[str, Member]:
    """The members whom these words mean: by member number, card or phone, never by name; whoever is one still before
    those who have left."""
    kinds = ("member", "card", "phone")
    means: dict[bytes, set[str]] = {}
    for text in texts:
        for kind in kinds:
            means.setdefault(token_for(kind, text), set()).add(text)
    behind: dict[int, set[str]] = {}
    for chunk in bulk.in_chunks(sorted(means)):
        links = Link.objects.filter(identity__token__in=chunk, identity__kind__in=kinds)
        for token, customer in links.values_list("identity__token", "customer"):
            behind.setdefault(customer, set()).update(means[bytes(token)])
    found: dict[str, Member] = {}
    for chunk in bulk.in_chunks(sorted(behind)):
        read_as = Q(customer__in=chunk) | Q(customer__merged_into__in=chunk)
        for member in Member.objects.filter(read_as).select_related("customer"):
            for text in behind[_root(member) or 0]:
                other = found.get(text)
                if other is None or _first(member) < _first(other):
                    found[text] = member
    return found


def _first(member: Member) -> tuple[bool, int]:
    return member.left_on is not None, member.pk


def _root(member: Member) -> int | None:
    """The file as which a member is read."""
    return (member.customer.merged_into_id or member.customer_id) if member.customer else None


def brought_by(member: Member) -> list[Referral]:
    """Whom she has brought, latest first."""
    family = kin.family_of(member.pk)
    return list(Referral.objects.filter(referrer__in=family).select_related("friend").order_by("-id"))
