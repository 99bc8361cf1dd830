"""What the night does to purses: points for receipts are settled, those who brought somebody are rewarded, what is ripe and
what has ended is booked, reservations that were forgotten are let go, and the books are proved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from regulars.membership import coupons, purse, referrals, settle, teller
from regulars.membership.models import Balance, Lot
from regulars.membership.proof import prove
from regulars.membership.rules.terms import months_after
from regulars.shop import bulk
from regulars.shop.models import Alert
from regulars.shop.words import Words

Progress = Callable[[int, int, Words], None]

_LOT, _BALANCE = Lot._meta.db_table, Balance._meta.db_table


def run(on: date, progress: Progress) -> None:
    """The night's work on purses, as of the end of this day. Safe to be cut off and run again."""
    settle.settle(on, progress)
    referrals.night(on)
    purse.let_go_of_late(on)
    coupons.night(on)
    tidy(on)
    proof = prove()
    if not proof.is_sound and proof.first_break is not None:
        Alert.objects.get_or_create(
            kind="ledger", staff=None, on=on, defaults={"words": list(proof.first_break.words)}
        )


def tidy(on: date) -> int:
    """Book what is ripe and what has ended, of everybody. Says how many postings that made."""
    sql = (
        f"SELECT member_id FROM {_LOT} WHERE in_hand > 0 AND ends < %s "
        f"UNION SELECT member_id FROM {_LOT} WHERE ripe_on <= %s AND aside > 0 "
    )
    values: list[object] = [on.isoformat()] * 2
    for (months,) in bulk.rows(f"SELECT DISTINCT idle FROM {_LOT} WHERE idle > 0 AND in_hand > 0"):
        sql += (
            f"UNION SELECT l.member_id FROM {_LOT} l "
            f"JOIN {_BALANCE} b ON b.member_id = l.member_id AND b.currency = l.currency "
            "WHERE l.idle = %s AND l.in_hand > 0 AND b.active_on < %s "
        )
        values += [months, first_not_idle(months, on).isoformat()]
    members = bulk.rows(f"{sql} ORDER BY 1", values)
    return sum(teller.tidy([m for (m,) in chunk], on) for chunk in bulk.in_chunks(members, 500))


def first_not_idle(months: int, on: date) -> date:
    """The first day on which somebody can have done something, for so many months not to be over before `on`.

    >>> first_not_idle(1, date(2026, 2, 28)), first_not_idle(1, date(2026, 3, 31))
    (datetime.date(2026, 1, 28), datetime.date(2026, 3, 1))
    """
    day = months_after(on, -months)
    while months_after(day, months) < on:  # the month before is shorter
        day += timedelta(days=1)
    return day
