"""What people and tills do with a purse: redeem, pay, reserve, top up, pay out, hand over, correct. Each is a verb with a
business key; asked again it changes nothing and answers as before."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from regulars.membership import kin, teller, unsettled
from regulars.membership.models import (
    Balance,
    Entry,
    Lot,
    Member,
    Posting,
    Reason,
    Reservation,
    ReservationState,
)
from regulars.membership.program import last_membership, terms
from regulars.membership.rules import earning, ledger
from regulars.membership.rules.ledger import BONUS, PRINCIPAL, Move
from regulars.membership.rules.terms import last_day, months_after
from regulars.membership.window import Done
from regulars.playbooks.membership import Currency, Membership, Value
from regulars.shop import bulk
from regulars.shop.models import Approval, Staff, Store, audit
from regulars.shop.turns import short_write
from regulars.shop.words import Refused, Words

P = ParamSpec("P")
T = TypeVar("T")

RESERVED_FOR = timedelta(minutes=15)
"""A till that does not come back within this time has lost its reservation."""

ALONE_UP_TO = 5_000
"""Fen that one person may correct by herself in a day, all her corrections together; above it a second one says yes."""

NO_RESERVATION = Words("没有这笔预留", "There is no such reservation")
TOO_LATE = Words(
    "预留过了时间，已经放掉，请重新来一次", "The reservation has run out and was let go; please begin again"
)
RELEASED = Words("这笔预留已经放掉了", "This reservation has been let go")
SPENT = Words("这笔预留已经用掉了", "This reservation has been used")
NO_REASON = Words("改余额要写原因", "A correction needs a reason")
OWN_WORD = Words(
    "要另一个人来批，自己批自己不算", "Somebody else has to say yes; one's own word is not enough"
)
NO_CURRENCY = Words("没有叫 {name} 的积分", "No currency is called {name}")
NO_VALUE = Words("这家店没有开储值", "This shop has no stored value")


@dataclass(frozen=True)
class Holding:
    """What a member has of one currency as of a day: what she can spend, what is pending or reserved, and what ends when."""

    currency: str
    can_spend: int
    aside: int
    ends: list[tuple[date, int]]


def holdings(member: Member, on: date) -> dict[str, Holding]:
    """What she and those who are read as her hold, by currency; those that she has never had are not in it."""
    family = kin.family_of(member.pk)
    found = {}
    balances: dict[str, date] = {}
    for balance in Balance.objects.filter(member__in=family):
        balances[balance.currency] = max(balance.active_on, balances.get(balance.currency, date.min))
    late = _late_by_lot(family)
    lots = [
        ledger.Lot(
            x.member_id, x.currency, x.on, x.amount, x.in_hand + late.get(x.pk, 0), x.aside - late.get(x.pk, 0),
            months_after(balances[x.currency], x.idle) if x.idle else x.ends, x.ripe_on, x.idle, x.pk,
        )
        for x in (Lot.objects.filter(member__in=family, in_hand__gt=0) | Lot.objects.filter(member__in=family, aside__gt=0))
    ]  # fmt: skip
    purse = ledger.Purse(member.pk, lots)
    for currency in balances:
        mine = [x for x in lots if x.currency == currency]
        can_spend = purse.holds(currency, on)
        alive = sum(x.in_hand + x.aside for x in mine if x.ends is None or x.ends >= on)
        found[currency] = Holding(currency, can_spend, alive - can_spend, ledger.coming_to_an_end(mine, on))
    return found


def _late() -> QuerySet[Reservation]:
    """Reservations for which no till has come back in time and that nobody has let go yet."""
    return Reservation.objects.filter(state=ReservationState.OPEN, until__lt=timezone.now())


def _late_by_lot(family: Sequence[int]) -> dict[int, int]:
    """How much of each lot is hers again because no till has come back in time, also where nobody has booked it yet."""
    kept = Entry.objects.filter(posting__in=_late().filter(member__in=family).values("posting"))
    aside = kept.filter(account=ledger.LIABILITY).values_list("lot").annotate(n=Sum("amount")).order_by()
    return dict(aside)


def let_go_of_late(on: date, member: Member | None = None) -> int:
    """Let go of what no till has come back for in time, of one member or of all. Says how many that were."""
    late = _late() if member is None else _late().filter(member__in=kin.family_of(member.pk))
    let_go = 0
    for code in list(late.order_by("id").values_list("code", flat=True)):
        with suppress(Refused):  # confirmed in this very moment: the till came back after all
            let_go += release(code, on=on, is_late=True).is_new
    return let_go


def or_with_what_is_late(on: date, member: Member, do: Callable[[], T]) -> T:
    """Where this is refused to a member, let go of what no till has come back for, and try once more."""
    try:
        return do()
    except Refused:
        if not let_go_of_late(on, member):
            raise
        return do()


def _with_what_is_late(verb: Callable[P, T]) -> Callable[P, T]:
    """The same for a verb whose first word is the member."""

    @wraps(verb)
    def tried(*args: P.args, **said: P.kwargs) -> T:
        member, on = args[0], said["on"]
        assert isinstance(member, Member) and isinstance(on, date)
        return or_with_what_is_late(on, member, lambda: verb(*args, **said))

    return tried


@_with_what_is_late
def redeem(
    member: Member, currency: str, amount: int, *, key: str, on: date, source: str = "counter", store: Store | None = None,
    by: Staff | None = None, receipt: str = "", rule: str = "",
) -> Done:  # fmt: skip
    """Spend points, what ends first in front. Raises Refused where she has too few."""
    done = _spend(
        Move(
            "take", "redeem", source, key, member.pk, on, ((currency, amount),), receipt=receipt, rule=rule,
            store=store.pk if store else None, by=by.pk if by else None,
        )
    )  # fmt: skip
    return _as_asked(done, (currency,), -amount, f"{source} {key}", receipt)


def _spend(move: Move) -> Done:
    """Book what is spent. Where its receipt has come before, that is reckoned again: what was paid by stored value may
    earn nothing, and what was spent on a refunded one comes back."""
    known = unsettled.receipts_of(move.receipt, move.on)
    if not known:
        (done,) = teller.post(move)
        return done
    with short_write():
        (done,) = teller.post(move)
        if done.is_new:
            unsettled.put(known)
    return done


def _as_asked(done: Done, currencies: Sequence[str], change: int, key: str, receipt: str = "") -> Done:
    """What was booked now, or before under the same key. Raises Refused where that was something else: a till that
    numbers two bills alike would take the second for paid."""
    if done.is_new:
        return done
    first = Posting.objects.values_list("receipt", flat=True).get(pk=done.posting)
    if sum(done.amounts.get(c, 0) for c in currencies) != change or is_another_receipt(first, receipt):
        raise Refused(teller.ANOTHER.fill(key=key))
    return done


def is_another_receipt(first: str, now: str) -> bool:
    """Whether a key that comes again names another receipt than before; one that names none may be the same."""
    return bool(first and now) and first != now


@_with_what_is_late
def pay(
    member: Member, fen: int, *, key: str, on: date, source: str = "counter", store: Store | None = None,
    by: Staff | None = None, receipt: str = "",
) -> Done:  # fmt: skip
    """Pay with stored value, in the order that the programme says."""
    done = _spend(
        Move(
            "take", "pay", source, key, member.pk, on, ((PRINCIPAL, fen),), order=_order(), receipt=receipt,
            store=store.pk if store else None, by=by.pk if by else None,
        )
    )  # fmt: skip
    return _as_asked(done, ledger.VALUE, -fen, f"{source} {key}", receipt)


def top_up(
    member: Member, fen: int, *, key: str, on: date, source: str = "counter", store: Store | None = None,
    by: Staff | None = None,
) -> Done:  # fmt: skip
    """Take money in: what was paid stays hers for good, what the shop puts on top follows the best offer that it
    reaches and may end."""
    known = Posting.objects.filter(source=source, source_id=key, kind="top-up").exists()
    # Asked again after the offers have changed, it brings what it brought then.
    value, gives = _value(), 0 if known else bonus_for(fen)
    common: dict[str, Any] = {"store": store.pk if store else None, "by": by.pk if by else None}
    moves = [Move("put", "top-up", source, key, member.pk, on, ((PRINCIPAL, fen),), **common)]
    if gives:
        ends = last_day(on, value.bonus_months) if value.bonus_months else None
        moves.append(Move("put", "bonus", source, key, member.pk, on, ((BONUS, gives),), ends=ends, **common))
    done = teller.post(*moves)
    _as_asked(done[0], (PRINCIPAL,), fen, f"{source} {key}")
    return Done(done[0].posting, {c: n for d in done for c, n in d.amounts.items()}, is_new=done[0].is_new)


def bonus_for(fen: int) -> int:
    """What the shop puts on top of so much paid in, in fen: by the best of its offers that is reached."""
    reached = [o for o in _value().offers if round(o.pays * 100) <= fen]
    return round(max(reached, key=lambda o: o.pays).gives * 100) if reached else 0


def pay_out(
    member: Member, fen: int, *, key: str, on: date, by: Staff, why: str, store: Store | None = None
) -> Done:
    """Give money back that she paid in; the bonus lapses in the same share. Leaves a line in the trail."""
    let_go_of_late(on, member)  # else it would be no part of what the share is reckoned by
    with short_write():
        (done,) = teller.post(
            Move(
                "pay-out", "pay-out", "counter", key, member.pk, on, ((PRINCIPAL, fen),), why=why,
                store=store.pk if store else None, by=by.pk,
            )
        )  # fmt: skip
        _as_asked(done, (PRINCIPAL,), -fen, f"counter {key}")
        if done.is_new:
            audit("pay-out", f"customer {member.customer_id}", by=by, detail={"fen": fen})
    return done


@_with_what_is_late
def hand_over(
    member: Member, to: Member, currency: str, amount: int, *, key: str, on: date, by: Staff | None = None, why: str = ""
) -> Done:  # fmt: skip
    """Move points from one member to another; they keep their end."""
    with short_write():
        (done,) = teller.post(
            Move(
                "hand-over", "transfer", "counter", key, member.pk, on, ((currency, amount),), to=to.pk,
                by=by.pk if by else None, why=why,
            )
        )  # fmt: skip
        _as_asked(done, (currency,), -amount, f"counter {key}")
        if not Entry.objects.filter(posting=done.posting, member__in=kin.family_of(to.pk)).exists():
            raise Refused(teller.ANOTHER.fill(key=f"counter {key}"))
        if done.is_new:
            audit(
                "hand-over-points", f"customer {member.customer_id}", by=by,
                detail={"to": to.customer_id, "currency": currency, "amount": amount},
            )  # fmt: skip
    return done


# --- reserve, confirm, release ---------------------------------------------------------------------------------------


@_with_what_is_late
def reserve(
    member: Member, currency: str, amount: int, *, key: str, on: date, source: str = "till", store: Store | None = None,
    by: Staff | None = None, receipt: str = "", patience: timedelta = RESERVED_FOR,
) -> Reservation:  # fmt: skip
    """Set points (or with `value` stored value, in fen) aside for a till until it confirms or lets go. The same key finds
    the same reservation."""
    is_value = currency == "value"
    with short_write():
        (done,) = teller.post(
            Move(
                "set-aside", "reserve", source, key, member.pk, on, ((PRINCIPAL if is_value else currency, amount),),
                order=_order() if is_value else None, receipt=receipt, store=store.pk if store else None,
                by=by.pk if by else None,
            )
        )  # fmt: skip
        found = Reservation.objects.filter(posting=done.posting).first()
        if found is None:
            found = Reservation.objects.create(
                code=secrets.token_hex(12), member=member, posting_id=done.posting, until=timezone.now() + patience,
            )  # fmt: skip
        elif _set_aside(
            done.posting, ledger.VALUE if is_value else (currency,)
        ) != amount or is_another_receipt(found.posting.receipt, receipt):
            raise Refused(teller.ANOTHER.fill(key=f"{source} {key}"))
    return found


def _set_aside(posting: int, currencies: Sequence[str]) -> int:
    """How much of these currencies a reservation has set aside."""
    aside = Entry.objects.filter(posting=posting, account=ledger.LIABILITY, currency__in=currencies)
    return int(aside.aggregate(n=Sum("amount"))["n"] or 0)


def confirm(code: str, *, on: date, receipt: str = "", by: Staff | None = None) -> Done:
    """The sale was made: what was set aside is spent. Confirmed twice it is spent once; one that has run out is let go
    and refused."""
    reservation = _of(code)
    if reservation.state == ReservationState.OPEN and reservation.until < timezone.now():
        release(code, on=on, is_late=True)
        raise Refused(TOO_LATE)
    return _end(code, "spend-aside", "confirm", ReservationState.CONFIRMED, on, receipt, by)


def release(code: str, *, on: date, by: Staff | None = None, is_late: bool = False) -> Done:
    """There was no sale: what was set aside is hers again."""
    state = ReservationState.TIMED_OUT if is_late else ReservationState.RELEASED
    return _end(code, "let-go", "release", state, on, "", by)


def _of(code: str) -> Reservation:
    found = Reservation.objects.select_related("posting").filter(code=code).first()
    if found is None:
        raise Refused(NO_RESERVATION)
    return found


def _end(code: str, verb: Any, kind: str, state: str, on: date, receipt: str, by: Staff | None) -> Done:
    with short_write():
        _of(code)
        reservation = Reservation.objects.select_for_update().get(code=code)
        has_ended = reservation.state != ReservationState.OPEN
        is_spent = reservation.state == ReservationState.CONFIRMED
        if has_ended and is_spent != (kind == "confirm"):
            is_late = reservation.state == ReservationState.TIMED_OUT
            raise Refused(SPENT if is_spent else TOO_LATE if is_late else RELEASED)
        posting = reservation.posting
        ending = Move(
            verb, kind, "reservation", code, reservation.member_id, on, of=posting.pk,
            receipt=receipt or posting.receipt, store=posting.store_id, by=by.pk if by else None,
        )  # fmt: skip
        done = _spend(ending) if kind == "confirm" else teller.post(ending)[0]
        if not has_ended:
            Reservation.objects.filter(pk=reservation.pk).update(state=state)
    return done


# --- corrections and opening balances --------------------------------------------------------------------------------


@_with_what_is_late
def correct(
    member: Member, currency: str, change: int, *, why: str, key: str, on: date, by: Staff
) -> Done | Approval:
    """Put right what somebody holds, with a reason, also after the programme has ended. Above the limit, which all that
    she has corrected that day counts against, nothing is booked until a second person has said yes (`decide`); then the
    question that waits is returned. A currency without a price is above any limit. Asked again, the answer is that of
    the first time."""
    if not why.strip():
        raise Refused(NO_REASON)
    if not change:
        raise Refused(ledger.NOT_A_NUMBER)
    if currency not in ledger.VALUE and _currency(currency) is None:
        raise Refused(NO_CURRENCY.fill(name=currency))
    with short_write():
        bulk.alone("correct-purse")  # two small ones at once are not each the first of the day
        is_known = Posting.objects.filter(source="correction", source_id=key, kind="correct").exists()
        worth = _worth(currency, abs(change))
        if is_known or (worth is not None and worth + _corrected_alone(by, on) <= ALONE_UP_TO):
            return _correct(member, currency, change, why, key, on, by)
        waiting = Approval.objects.select_for_update().filter(
            kind="correct-purse", subject=f"member {member.pk}", detail__key=key
        )
        found = waiting.first()
        if found is None:
            found = Approval.objects.create(
                kind="correct-purse", subject=f"member {member.pk}", asked_by=by,
                detail={"key": key, "currency": currency, "change": change, "on": on.isoformat()},
            )  # fmt: skip
            Reason.objects.create(approval=found, why=why)
            audit(
                "ask-correction",
                f"approval {found.pk}",
                by=by,
                detail={"change": change, "currency": currency},
            )
        elif (found.detail["currency"], found.detail["change"]) != (currency, change):
            raise Refused(teller.ANOTHER.fill(key=f"correction {key}"))
    return found


def _corrected_alone(by: Staff, on: date) -> int:
    """What somebody has corrected on that day on her own word, up or down, in fen."""
    hers = Posting.objects.filter(source="correction", kind="correct", by=by.pk, on=on, reason__approval=None)
    entries = Entry.objects.filter(posting__in=hers, account=ledger.MEMBER).values_list("posting", "currency")
    sums = entries.annotate(n=Sum("amount")).order_by()
    return sum(_worth(currency, abs(n)) or 0 for _, currency, n in sums)


def decide(approval: Approval, *, is_granted: bool, by: Staff, why: str = "") -> Done | None:
    """Say yes or no to a correction that somebody else has asked for."""
    if approval.asked_by_id == by.pk:
        raise Refused(OWN_WORD)
    with short_write():
        if not Approval.objects.filter(pk=approval.pk, is_granted=None, kind="correct-purse").update(
            is_granted=is_granted, decided_by=by, decided_at=timezone.now(), reason=why[:200]
        ):
            raise Refused(Words("这件事已经有人定过了", "Somebody has decided this already"))
        audit("decide-correction", f"approval {approval.pk}", by=by, detail={"granted": is_granted})
        if not is_granted:
            return None
        said = approval.detail
        member = Member.objects.get(pk=int(approval.subject.split()[1]))
        on = date.fromisoformat(said["on"])
        done = _correct(member, said["currency"], said["change"], "", said["key"], on, by)
        Reason.objects.filter(approval=approval, posting=None).update(posting=done.posting)
        return done


def _correct(member: Member, currency: str, change: int, why: str, key: str, on: date, by: Staff) -> Done:
    with short_write():
        (done,) = teller.post(
            Move(
                "put" if change > 0 else "take", "correct", "correction", key, member.pk, on, ((currency, abs(change)),),
                why=why, by=by.pk, **_times(currency, on) if change > 0 else {},
            )
        )  # fmt: skip
        _as_asked(done, (currency,), change, f"correction {key}")
        if done.is_new:
            audit(
                "correct-purse", f"customer {member.customer_id}", by=by,
                detail={"currency": currency, "change": change},
            )  # fmt: skip
    return done


def open_with(member: Member, amounts: dict[str, int], *, on: date) -> list[Done]:
    """What a member brings along from the system before: once for each currency, whatever file says it again."""
    moves = [
        Move("put", "open", "opening", f"{member.pk}.{currency}", member.pk, on, ((currency, n),), **_times(currency, on))
        for currency, n in sorted(amounts.items()) if n > 0
    ]  # fmt: skip
    return teller.post(*moves)


def _times(currency: str, on: date) -> dict[str, Any]:
    """When something given on that day ends, by the programme; not pending: nothing is going to be returned."""
    if currency in ledger.VALUE:
        return {}
    said = _currency(currency)
    if said is None:
        raise Refused(NO_CURRENCY.fill(name=currency))
    return {"ends": earning.ends_on(said, on), "idle": said.months or 0 if said.is_idle else 0}


def _worth(currency: str, amount: int) -> int | None:
    """What so many units cost the shop, in fen; None where nobody has said what one is worth."""
    if currency in ledger.VALUE:
        return amount
    said = _currency(currency)
    return round(said.worth_fen * amount) if said and said.worth_fen else None


def _currency(key: str) -> Currency | None:
    """What the programme says, or said, of a currency; None where it knows none of this name."""
    return next((c for c in _said().currencies if c.key == key), None)


def _order() -> ledger.Order:
    """What is spent first. Holds after the programme has ended: what members paid in stays theirs."""
    return _stored(_said()).order


def _said() -> Membership:
    """What the programme says or, where it has ended, what it said. Raises Refused where there never was one."""
    return last_membership() or terms().membership


def _value() -> Value:
    return _stored(terms().membership)


def _stored(said: Membership) -> Value:
    if said.value is None:
        raise Refused(NO_VALUE)
    return said.value


def statement(
    member: Member, limit: int = 50, before: int | None = None
) -> list[tuple[Posting, dict[str, int]]]:
    """Her postings, latest first, each with what it put into (above zero) or took from her purses, by currency."""
    family = kin.family_of(member.pk)
    hers = Q(member__in=family) | Q(kind="transfer", lots__member__in=family)
    found = Posting.objects.filter(hers).distinct().select_related("reason", "store", "by").order_by("-id")
    if before is not None:
        found = found.filter(id__lt=before)
    postings = list(found[:limit])
    amounts = teller.amounts_of([p.pk for p in postings], family)
    return [(p, amounts[p.pk]) for p in postings]
