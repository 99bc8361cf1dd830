"""What is done with coupons: they are issued, bought with points, used, reserved and given back.

Whoever races for the last coupon of an offer, or lays one code down twice, meets one conditional UPDATE whose row count
is looked at: one gets it, the others read why not. Every verb has a business key and answers a retry as before.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from regulars.membership import kin, teller
from regulars.membership.models import Member
from regulars.membership.offers import Coupon, CouponPart, CouponState, CouponUse, Offer, OfferState
from regulars.membership.purse import (
    RELEASED,
    RESERVED_FOR,
    SPENT,
    TOO_LATE,
    is_another_receipt,
    or_with_what_is_late,
)
from regulars.membership.rules import coupons as rules
from regulars.membership.rules.coupons import Place
from regulars.membership.rules.ledger import Move
from regulars.membership.rules.numbers import ALPHABET, as_typed
from regulars.shop import bulk
from regulars.shop.models import Staff, audit
from regulars.shop.turns import short_write
from regulars.shop.words import Refused, Words

SIGNS = 12
"""Signs of a code, five bits each: sixty bits, so that a machine which tries a thousand a second for a year has one
chance in thirty-six million of meeting a certain one."""

AT_ONCE = 2_000
"""Coupons that end in one short write."""

NO_COUPON = Words("没有这张券", "There is no such coupon")
NO_OFFER = Words("这个活动没有开放", "This offer is not open")
NO_MORE = Words("「{name}」已经发完了", 'There are no more of "{name}"')
NO_BUDGET = Words("「{name}」的预算用完了", 'The budget of "{name}" is used up')
ENOUGH = Words("「{name}」每人最多 {n} 张", '"{name}": at most {n} for each customer')
NO_REWARD = Words("「{name}」不能用积分换", '"{name}" can\'t be had for points')
IS = {
    CouponState.USED: Words("这张券已经用过了", "This coupon has been used"),
    CouponState.RESERVED: Words("这张券正被另一单占着", "This coupon is reserved for another bill"),
    CouponState.EXPIRED: Words("这张券已经过期了", "This coupon has run out"),
    CouponState.VOID: Words("这张券已经作废了", "This coupon is void"),
}
NO_USE = Words("没有这笔用券记录", "There is no such use of coupons")
TAKEN_BACK = Words("这一单的券已经退回了", "The coupons of this bill have been given back")
NONE_GIVEN = Words("一张券也没有", "There is no coupon to use")
# --- issued and bought -----------------------------------------------------------------------------------------------


class _Known(Exception):
    """Somebody else has issued it under the same key meanwhile."""


def issue(
    offer: Offer, member: Member, *, key: str, on: date, source: str = "counter", by: Staff | None = None
) -> Coupon:
    """Give a member a coupon of an open offer; asked again with the same key, the one that she was given then. Raises
    Refused where stock, budget or her limit say no."""
    return _issue(offer, member, key, on, source, by, price=0)


def buy(
    offer: Offer, member: Member, *, key: str, on: date, source: str = "counter", by: Staff | None = None
) -> Coupon:
    """Let a member have a reward for her points: points and coupon both, or neither."""
    if not offer.price:
        raise Refused(NO_REWARD.fill(name=offer.words))
    return or_with_what_is_late(
        on, member, lambda: _issue(offer, member, key, on, source, by, price=offer.price)
    )


def _issue(
    offer: Offer, member: Member, key: str, on: date, source: str, by: Staff | None, price: int
) -> Coupon:
    if found := _issued(source, key, offer, member):
        return found
    try:
        with short_write():
            cost = _take_one(offer, on)
            # From here on nobody else issues of this offer until the transaction ends, so what is counted stays true.
            if found := _issued(source, key, offer, member):
                raise _Known
            family = kin.family_of(member.pk)
            if not Member.objects.filter(pk=member.pk, left_on=None).exists():
                raise Refused(teller.NOBODY)
            hers = Coupon.objects.filter(offer=offer, member__in=family).exclude(state=CouponState.VOID)
            if offer.limit and hers.count() >= offer.limit:
                raise Refused(ENOUGH.fill(name=offer.words, n=offer.limit))
            posting = None
            if price:
                (done,) = teller.post(Move(
                    "take", "redeem", "reward", f"{source}.{key}", member.pk, on, ((offer.currency, price),),
                    rule=f"offer {offer.pk}", by=by.pk if by else None,
                ))  # fmt: skip
                posting = done.posting
            valid_from = max(on, offer.valid_from)
            return Coupon.objects.create(
                code=new_code(), member=member, offer=offer, source=source, source_id=key, valid_from=valid_from,
                valid_until=rules.valid_until(valid_from, offer.valid_until, offer.days), issued_on=on, issued_by=by,
                posting_id=posting, cost=cost,
            )  # fmt: skip
    except (_Known, IntegrityError):
        found = _issued(source, key, offer, member)
        if found is None:
            raise
        return found


def _take_one(offer: Offer, on: date) -> int:
    """Take one off the stock and set aside what it can cost: one UPDATE that finds the offer open and with room, or
    changes nothing. Returns what was set aside."""
    cost = rules.most_that_one_costs(offer.terms)
    room = (Q(stock=0) | Q(out__lt=F("stock"))) & (Q(budget=0) | Q(committed__lte=F("budget") - cost))
    open_now = Offer.objects.filter(pk=offer.pk, state=OfferState.OPEN, valid_until__gte=on)
    if open_now.filter(room).update(out=F("out") + 1, committed=F("committed") + cost) == 1:
        offer.refresh_from_db()
        return cost
    raise Refused(why_no_more(Offer.objects.get(pk=offer.pk), on) or NO_MORE.fill(name=offer.words))


def why_no_more(offer: Offer, on: date) -> Words | None:
    """Why none of this offer can be had on that day; None where one can."""
    if offer.state != OfferState.OPEN or offer.valid_until < on:
        return NO_OFFER
    if offer.stock and offer.out >= offer.stock:
        return NO_MORE.fill(name=offer.words)
    if offer.budget and offer.committed + rules.most_that_one_costs(offer.terms) > offer.budget:
        return NO_BUDGET.fill(name=offer.words)
    return None


def _issued(source: str, key: str, offer: Offer, member: Member) -> Coupon | None:
    """What was issued under this key; Refused where it stands for another offer or somebody else."""
    found = Coupon.objects.select_related("offer").filter(source=source, source_id=key).first()
    if found is not None and (
        found.offer_id != offer.pk or found.member_id not in {member.pk, *kin.family_of(member.pk)}
    ):
        raise Refused(teller.ANOTHER.fill(key=f"{source} {key}"))
    return found


def new_code() -> str:
    """A code that can't be guessed."""
    return "".join(secrets.choice(ALPHABET) for _ in range(SIGNS))


def void(coupon: Coupon, *, on: date, why: str, by: Staff | None = None) -> None:
    """Make a coupon worthless that nobody has used; points that were paid for it come back. Done once."""
    with short_write():
        if not Coupon.objects.filter(pk=coupon.pk, state=CouponState.ISSUED).update(state=CouponState.VOID):
            coupon.refresh_from_db()
            if coupon.state != CouponState.VOID:
                raise Refused(IS[CouponState(coupon.state)])
            return
        _back_into_stock({coupon.offer_id: (1, coupon.cost)})
        if coupon.posting_id:
            paid = teller.amounts_of([coupon.posting_id])[coupon.posting_id]
            legs = tuple((currency, -n) for currency, n in paid.items())
            teller.post(Move(
                "give-back", "give-back", "reward", f"void {coupon.pk}", coupon.member_id, on, legs, of=coupon.posting_id,
                by=by.pk if by else None,
            ))  # fmt: skip
        audit("void-coupon", f"coupon {coupon.pk}", by=by, why=why)
    coupon.state = CouponState.VOID


def _back_into_stock(ended: dict[int, tuple[int, int]]) -> None:
    """Offer → (how many are no longer out, what had been set aside for them)."""
    for offer, (n, cost) in sorted(ended.items()):
        Offer.objects.filter(pk=offer).update(out=F("out") - n, committed=F("committed") - cost)


# --- used ------------------------------------------------------------------------------------------------------------


def use(
    codes: Sequence[str], bill: int, *, key: str, place: Place, source: str = "counter", by: Staff | None = None,
    receipt: str = "", member: Member | None = None,
) -> CouponUse:  # fmt: skip
    """Use these coupons on a bill (fen): all of them or none. `member`: only if they are hers."""
    found = _lay_down(codes, bill, CouponUse.State.USED, key, place, source, by, receipt, member, None)
    if found.state == CouponUse.State.BACK:
        raise Refused(TAKEN_BACK)
    return found


def reserve(
    codes: Sequence[str], bill: int, *, key: str, place: Place, source: str = "till", by: Staff | None = None,
    receipt: str = "", patience: timedelta = RESERVED_FOR,
) -> CouponUse:  # fmt: skip
    """Keep these coupons for a till until it confirms or lets go. The same key finds the same reservation."""
    until = timezone.now() + patience
    return _lay_down(codes, bill, CouponUse.State.RESERVED, key, place, source, by, receipt, None, until)


def _lay_down(
    codes: Sequence[str], bill: int, state: str, key: str, place: Place, source: str, by: Staff | None, receipt: str,
    member: Member | None, until: datetime | None,
) -> CouponUse:  # fmt: skip
    if not codes:
        raise Refused(NONE_GIVEN)
    coupons = [coupon_of(code) for code in codes]
    if known := _used(source, key, coupons, bill, receipt):
        return known
    _must_be_hers(coupons, member)
    _let_go_of_late([c for c in coupons if c.state == CouponState.RESERVED], timezone.now())
    coupons.sort(key=lambda c: c.pk)  # everybody takes them in the same order, so that nobody waits in a ring
    reckoned = _reckoned(coupons, bill, place)
    try:
        with short_write():
            made = CouponUse.objects.create(
                source=source, source_id=key, code=secrets.token_hex(12), state=state, until=until, bill=bill,
                payable=reckoned.payable, on=place.on, receipt=receipt, store_id=place.store, by=by,
            )  # fmt: skip
            for coupon in coupons:
                if not _seize(coupon, made, rules.day_of(coupon.offer.terms, place)):
                    coupon.refresh_from_db()
                    raise Refused(IS.get(CouponState(coupon.state), NO_COUPON))
            CouponPart.objects.bulk_create(
                CouponPart(use=made, coupon=coupon, off=off, cost=cost)
                for coupon, off, cost in zip(coupons, reckoned.off, reckoned.costs, strict=True)
            )
            if state == CouponUse.State.USED:
                _book_costs(made)
    except (IntegrityError, Refused):
        known = _used(source, key, coupons, bill, receipt)  # the same click, a moment earlier
        if known is None:
            raise
        return known
    return made


def _seize(coupon: Coupon, made: CouponUse, on: date) -> bool:
    """The one UPDATE that decides who has a coupon: it finds it free and valid, or changes nothing."""
    to = CouponState.USED if made.state == CouponUse.State.USED else CouponState.RESERVED
    free = Coupon.objects.filter(pk=coupon.pk, state=CouponState.ISSUED, valid_until__gte=on)
    return free.update(state=to, use=made) == 1


def _reckoned(coupons: Sequence[Coupon], bill: int, place: Place) -> rules.Reckoned:
    for coupon in coupons:
        if coupon.state in IS:
            raise Refused(IS[CouponState(coupon.state)])
        if not _belongs_to_a_member(coupon):
            raise Refused(teller.NOBODY)
    laid_down = [c.held for c in coupons]
    if refusal := rules.why_not(laid_down, bill, place):
        raise Refused(refusal)
    return rules.reckon(laid_down, bill)


def _belongs_to_a_member(coupon: Coupon) -> bool:
    """Whether she who holds it, or one who is read as her, is a member: coupons end with the membership."""
    if coupon.member.left_on is None and coupon.member.customer_id is not None:
        return True
    family = kin.family_of(coupon.member_id)
    return Member.objects.filter(pk__in=family, left_on=None, customer__isnull=False).exists()


def _must_be_hers(coupons: Sequence[Coupon], member: Member | None) -> None:
    if member is not None and not {c.member_id for c in coupons} <= {member.pk, *kin.family_of(member.pk)}:
        raise Refused(NO_COUPON)


def ahead(codes: Sequence[str], bill: int, place: Place, member: Member | None = None) -> rules.Reckoned:
    """What a bill would come to with these coupons; nothing is changed. `member`: only if they are hers. Raises Refused
    where they can't be used."""
    if not codes:
        raise Refused(NONE_GIVEN)
    coupons = [coupon_of(code) for code in codes]
    _must_be_hers(coupons, member)
    _let_go_of_late([c for c in coupons if c.state == CouponState.RESERVED], timezone.now())
    return _reckoned(sorted(coupons, key=lambda c: c.pk), bill, place)


def coupon_of(code: str) -> Coupon:
    """The coupon with this code, as typed; raises Refused where there is none."""
    coupon = Coupon.objects.select_related("offer", "member").filter(code=as_typed(code[:64])).first()
    if coupon is None:
        raise Refused(NO_COUPON)
    return coupon


def _used(source: str, key: str, coupons: Sequence[Coupon], bill: int, receipt: str) -> CouponUse | None:
    """What was asked for under this key; Refused where it was another bill."""
    known = CouponUse.objects.filter(source=source, source_id=key).first()
    if known is None:
        return None
    named = set(known.parts.values_list("coupon", flat=True))
    is_another = is_another_receipt(known.receipt, receipt)
    if is_another or known.bill != bill or named != {c.pk for c in coupons}:
        raise Refused(teller.ANOTHER.fill(key=f"{source} {key}"))
    return known


def _book_costs(made: CouponUse) -> None:
    """What the coupons of a bill have cost takes the place of what had been set aside for them."""
    change: dict[int, int] = defaultdict(int)
    for part in made.parts.select_related("coupon"):
        change[part.coupon.offer_id] += part.cost - part.coupon.cost
        Coupon.objects.filter(pk=part.coupon_id).update(cost=part.cost)
    for offer, fen in sorted(change.items()):
        Offer.objects.filter(pk=offer).update(committed=F("committed") + fen)


def confirm(code: str, *, on: date, receipt: str = "", by: Staff | None = None) -> CouponUse:
    """The sale was made: reserved coupons are used. Confirmed twice they are used once; a reservation that has run out
    is let go and refused."""
    found = _use_of(code)
    with short_write():
        in_time = CouponUse.objects.filter(
            pk=found.pk, state=CouponUse.State.RESERVED, until__gte=timezone.now()
        )
        if in_time.update(
            state=CouponUse.State.USED, on=on, receipt=receipt or found.receipt, by=by or found.by
        ):
            found.refresh_from_db()
            n = Coupon.objects.filter(use=found, state=CouponState.RESERVED).update(state=CouponState.USED)
            assert n == found.parts.count(), "a reservation holds all its coupons"
            _book_costs(found)
            return found
    if found.state == CouponUse.State.RESERVED:
        release(code, is_late=True)
    found.refresh_from_db()
    if found.state == CouponUse.State.USED:
        return found
    raise Refused(
        {CouponUse.State.RELEASED: RELEASED, CouponUse.State.BACK: TAKEN_BACK}.get(
            CouponUse.State(found.state), TOO_LATE
        )
    )


def release(code: str, *, is_late: bool = False) -> CouponUse:
    """There was no sale: reserved coupons are hers again."""
    found = _use_of(code)
    to = CouponUse.State.TIMED_OUT if is_late else CouponUse.State.RELEASED
    with short_write():
        open_now = CouponUse.objects.filter(pk=found.pk, state=CouponUse.State.RESERVED)
        if is_late:
            open_now = open_now.filter(until__lt=timezone.now())
        if open_now.update(state=to):
            Coupon.objects.filter(use=found, state=CouponState.RESERVED).update(
                state=CouponState.ISSUED, use=None
            )
    found.refresh_from_db()
    if found.state in (CouponUse.State.USED, CouponUse.State.BACK) and not is_late:
        raise Refused(SPENT)
    return found


def _use_of(code: str) -> CouponUse:
    found = CouponUse.objects.filter(code=code).first()
    if found is None:
        raise Refused(NO_USE)
    return found


def _let_go_of_late(coupons: Sequence[Coupon], now: datetime) -> None:
    """Free coupons whose reservation has run out, before somebody asks for them."""
    late = CouponUse.objects.filter(coupons__in=coupons, state=CouponUse.State.RESERVED, until__lt=now)
    for code in late.values_list("code", flat=True).distinct() if coupons else ():
        release(code, is_late=True)
    for coupon in coupons:
        coupon.refresh_from_db(fields=["state", "use"])


def give_back(
    made: CouponUse, *, on: date, by: Staff | None = None, why: str = "", is_by_refund: bool = False
) -> CouponUse:
    """Its bill was returned or cancelled: the coupons are hers again, with as many days as they had left. Done once."""
    with short_write():
        used = CouponUse.objects.filter(pk=made.pk, state=CouponUse.State.USED)
        if used.update(state=CouponUse.State.BACK, back_on=on, is_back_by_refund=is_by_refund):
            change: dict[int, int] = defaultdict(int)
            for part in made.parts.select_related("coupon__offer").order_by("coupon"):
                coupon = part.coupon
                cost = rules.most_that_one_costs(coupon.offer.terms)
                until = rules.valid_again_until(coupon.valid_until, made.on, on)
                Coupon.objects.filter(pk=coupon.pk, use=made, state=CouponState.USED).update(
                    state=CouponState.ISSUED, use=None, cost=cost, valid_until=until
                )
                change[coupon.offer_id] += cost - part.cost
            for offer, fen in sorted(change.items()):
                Offer.objects.filter(pk=offer).update(committed=F("committed") + fen)
            audit("give-back-coupons", f"use {made.pk}", by=by, why=why)
    made.refresh_from_db()
    if made.state != CouponUse.State.BACK:
        raise Refused(NO_USE)
    return made


def take_again(made: CouponUse) -> bool:
    """The refund for which its coupons were given back was none after all: they are used again, as they were. False where
    she has spent one elsewhere meanwhile: then the use stays given back for good."""
    with short_write():
        parts = list(made.parts.select_related("coupon").order_by("coupon"))
        numbers = [part.coupon_id for part in parts]
        unused = Coupon.objects.select_for_update().filter(
            pk__in=numbers, state__in=[CouponState.ISSUED, CouponState.EXPIRED]
        )
        is_free = len(unused) == len(parts)
        back = CouponUse.objects.filter(pk=made.pk, state=CouponUse.State.BACK, is_back_by_refund=True)
        if not is_free or made.back_on is None:
            back.update(is_back_by_refund=False)
            return False
        if not back.update(state=CouponUse.State.USED, back_on=None, is_back_by_refund=False):
            return False
        for coupon in unused:
            if coupon.state == CouponState.EXPIRED:
                full = Offer.objects.filter(pk=coupon.offer_id, stock__gt=0, out__gte=F("stock"))
                full.update(stock=F("stock") + 1)  # her place is somebody else's by now, and both have theirs
                _back_into_stock({coupon.offer_id: (-1, -coupon.cost)})
            until = coupon.valid_until - max(made.back_on - made.on, timedelta(0))
            Coupon.objects.filter(pk=coupon.pk).update(state=CouponState.USED, use=made, valid_until=until)
        _book_costs(made)
        audit("use-coupons-again", f"use {made.pk}")
    return True


# --- the night, and what is asked ------------------------------------------------------------------------------------


def night(on: date) -> int:
    """Let go of reservations that tills forgot, and end coupons whose last day is over. Says how many ended. Safe to be
    cut off and run again."""
    late = CouponUse.objects.filter(state=CouponUse.State.RESERVED, until__lt=timezone.now())
    for code in list(late.order_by("id").values_list("code", flat=True)):
        release(code, is_late=True)
    ended = 0
    while True:
        with transaction.atomic():
            over = Coupon.objects.select_for_update(of=("self",)).filter(
                Q(valid_until__lt=on - timedelta(days=1)) | Q(valid_until__lt=on) & ~OVER_MIDNIGHT,
                state=CouponState.ISSUED,
            )
            rows = list(over.order_by("id").values_list("id", "offer", "cost")[:AT_ONCE])
            if not rows:
                return ended
            Coupon.objects.filter(id__in=[i for i, _, _ in rows]).update(state=CouponState.EXPIRED)
            sums: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
            for _, offer, cost in rows:
                n, fen = sums[offer]
                sums[offer] = n + 1, fen + cost
            _back_into_stock(sums)
        ended += len(rows)


OVER_MIDNIGHT = Q(offer__last__lt=F("offer__first"))
"""Coupons of hours over midnight: those of the last day hold into the morning after it."""


def coupons_of(member: Member, on: date, place: Place | None = None) -> list[Coupon]:
    """Coupons that she and those who are read as her can use now or later, what ends first in front. `place`: where the
    hour is known, those of the evening before that hold over midnight are among them."""
    hers = Coupon.objects.select_related("offer").filter(member__in=kin.family_of(member.pk))
    alive = hers.filter(state__in=[CouponState.ISSUED, CouponState.RESERVED])
    good = Q(valid_until__gte=on)
    if place is not None and not place.is_past_midnight:
        good |= Q(valid_until=on - timedelta(days=1), offer__last__gte=place.at) & OVER_MIDNIGHT
    found = list(alive.filter(good).select_related("use").order_by("valid_until", "id"))
    for coupon in found:
        if coupon.use is not None and coupon.use.until is not None and coupon.use.until < timezone.now():
            coupon.state = CouponState.ISSUED  # hers again; whoever takes it lets go of the reservation first
    return found


def uses_of(member: Member, limit: int = 20) -> list[CouponUse]:
    """Bills on which her coupons were used, the latest first."""
    hers = CouponUse.objects.filter(parts__coupon__member__in=kin.family_of(member.pk))
    kept = hers.filter(state__in=[CouponUse.State.USED, CouponUse.State.BACK]).distinct()
    return list(kept.prefetch_related("parts__coupon__offer").order_by("-id")[:limit])


def uses_on(*receipts: str) -> list[CouponUse]:
    """Bills with coupons that carry these receipt numbers, used or given back by the receipt's refund, for whoever takes
    the receipts back."""
    there = Q(state=CouponUse.State.USED) | Q(state=CouponUse.State.BACK, is_back_by_refund=True)
    sql = f"SELECT id FROM {CouponUse._meta.db_table} WHERE NOT (receipt = '') AND receipt IN ({{marks}})"
    found = [i for (i,) in bulk.rows_in(sql, sorted(set(receipts)))]  # SQLite finds the index by these words
    return [
        use
        for chunk in bulk.in_chunks(found)
        for use in CouponUse.objects.filter(there, id__in=chunk)
        .order_by("id")
        .prefetch_related("parts__coupon")
    ]
