"""What the night does to purses: points for receipts are settled, those who brought somebody are rewarded, what is ripe and
what has ended is booked, reservations that were forgotten are let go, and the books are proved."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date

from django.utils import timezone

from regulars.membership import coupons, purse, referrals, settle, teller
from regulars.membership.models import Balance, Lot, Reservation, ReservationState
from regulars.membership.proof import prove
from regulars.shop import bulk
from regulars.shop.models import Alert
from regulars.shop.words import Refused, Words

Progress = Callable[[int, int, Words], None]

_LOT, _BALANCE = Lot._meta.db_table, Balance._meta.db_table


def run(on: date, progress: Progress) -> None:
    """The night's work on purses, as of the end of this day. Safe to be cut off and run again."""
    settle.settle(on, progress)
    referrals.night(on)
    let_go_of_forgotten(on)
    coupons.night(on)
    tidy(on)
    proof = prove()
    if not proof.is_sound and proof.first_break is not None:
        Alert.objects.get_or_create(
            kind="ledger", staff=None, on=on, defaults={"words": list(proof.first_break.words)}
        )


def tidy(on: date) -> int:
    """Book what is ripe and what has ended, of everybody. Says how many postings that made."""
    months = "l.idle"
    if bulk.is_postgres():
        idle = f"b.active_on + make_interval(months => {months}) < %s"
    else:
        idle = f"date(b.active_on, '+' || {months} || ' months') < %s"
    members = bulk.rows(
        f"SELECT member_id FROM {_LOT} WHERE in_hand > 0 AND ends < %s "
        f"UNION SELECT member_id FROM {_LOT} WHERE ripe_on <= %s "
        f"UNION SELECT l.member_id FROM {_LOT} l JOIN {_BALANCE} b ON b.member_id = l.member_id AND b.currency = l.currency "
        f"WHERE l.idle > 0 AND l.in_hand > 0 AND {idle} ORDER BY 1",
        [on.isoformat()] * 3,
    )
    return sum(teller.tidy([m for (m,) in chunk], on) for chunk in bulk.in_chunks(members, 500))


def let_go_of_forgotten(on: date) -> int:
    """Let go of reservations whose time is over: the till never came back. Says how many."""
    late = Reservation.objects.filter(state=ReservationState.OPEN, until__lt=timezone.now())
    let_go = 0
    for code in list(late.order_by("id").values_list("code", flat=True)):
        with suppress(Refused):  # confirmed in this very moment: the till came back after all
            let_go += purse.release(code, on=on, is_late=True).is_new
    return let_go
