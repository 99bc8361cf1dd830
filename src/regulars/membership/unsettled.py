"""Which receipts have to be settled: whatever changes about one puts its key on the list, and a crash leaves it there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db.models import Min

from regulars.customers.models import Customer, Link
from regulars.membership.models import Member, Posting, Program, Unsettled
from regulars.sales.models import Batch, BatchState, Sale, Sighting
from regulars.shop import bulk

_SALE, _SIGHTING, _BATCH, _LINK, _UNSETTLED, _POSTING, _MEMBER = (
    m._meta.db_table for m in (Sale, Sighting, Batch, Link, Unsettled, Posting, Member)
)


def since() -> date | None:
    """The first day on which receipts have ever earned here, under whichever programme; None where there never was one.
    What an earlier programme gave for a receipt is taken back with it too."""
    found: date | None = Program.objects.aggregate(first=Min("starts_on"))["first"]
    return found


def absorb(batch: Batch) -> None:
    """Put the receipts of a batch on the list. Call it in the transaction that lets them count, or stop counting while
    its rows are still there."""
    day = since()
    if day is None:
        return
    bulk.execute(
        f"INSERT INTO {_UNSETTLED} (key) SELECT DISTINCT key FROM {_SALE} WHERE batch_id = %s AND day >= %s",
        [batch.pk, day.isoformat()],
    )
    bulk.execute(  # a refund that goes away leaves nothing behind that would lead to its receipt
        f"INSERT INTO {_UNSETTLED} (key) SELECT DISTINCT s.key FROM {_SALE} r JOIN {_SALE} s ON s.receipt = r.refund_of "
        "AND NOT (s.receipt = '') AND s.kind = 'sale' WHERE r.batch_id = %s AND r.refund_of <> '' AND s.day >= %s",
        [batch.pk, day.isoformat()],
    )
    bulk.execute(  # what it says of a receipt in the words of an earlier file may count instead of another's
        f"INSERT INTO {_UNSETTLED} (key) SELECT DISTINCT s.key FROM {_SIGHTING} g JOIN {_SALE} s ON s.id = g.sale_id "
        f"JOIN {_SALE} o ON o.key = s.key AND o.id <> s.id WHERE g.batch_id = %s AND s.day >= %s",
        [batch.pk, day.isoformat()],
    )
    gone = "" if batch.state == BatchState.UNDOING else "AND s.kind = 'reversed' "
    # A refund of a receipt that goes may be that of another of its number. In their order: by what SQLite knows of a young
    # shop it would read all sales instead of asking the index of numbers.
    bulk.execute(
        f"INSERT INTO {_UNSETTLED} (key) SELECT o.key FROM {_SALE} o WHERE o.kind = 'sale' AND o.day >= %s "
        f"AND NOT (o.receipt = '') AND o.receipt IN (SELECT r.refund_of FROM {_SALE} s "
        f"JOIN {_SALE} r ON r.refund_of = s.receipt AND NOT (r.refund_of = '') "
        f"WHERE s.batch_id = %s AND NOT (s.receipt = '') {gone}) ORDER BY o.receipt",
        [day.isoformat(), batch.pk],
    )
    bulk.execute(  # one that stood for itself stands for a receipt that comes, and again for itself when that goes
        f"INSERT INTO {_UNSETTLED} (key) SELECT DISTINCT r.key FROM {_SALE} s "
        f"JOIN {_SALE} r ON r.refund_of = s.receipt AND NOT (r.refund_of = '') "
        "WHERE s.batch_id = %s AND NOT (s.receipt = '') AND s.kind <> 'refund' AND r.refund_of = r.receipt",
        [batch.pk],
    )
    bulk.execute(  # and what she has spent on one may have been spent on another of hers
        f"INSERT INTO {_UNSETTLED} (key) SELECT DISTINCT o.key FROM {_SALE} s "
        f"JOIN {_POSTING} p ON p.receipt = s.receipt AND NOT (p.receipt = '') "
        f"JOIN {_MEMBER} m ON m.id = p.member_id JOIN {_LINK} l ON l.customer_id = m.customer_id "
        f"JOIN {_SALE} o ON o.identity_id = l.identity_id AND o.receipt = s.receipt AND o.kind = 'sale' "
        "WHERE s.batch_id = %s AND NOT (s.receipt = '') AND o.id <> s.id AND o.day >= %s",
        [batch.pk, day.isoformat()],
    )


def again(customers: Sequence[int]) -> None:
    """Put all receipts of these customers on the list that are not on it: who stands behind them has changed."""
    day = since()
    if day is None or not customers:
        return
    read_as = [
        root
        for chunk in bulk.in_chunks(customers)
        for root in Customer.objects.filter(id__in=chunk, merged_into__isnull=False).values_list(
            "merged_into", flat=True
        )
    ]
    bulk.execute_in(
        f"INSERT INTO {_UNSETTLED} (key) SELECT s.key FROM {_SALE} s JOIN {_LINK} l ON l.identity_id = s.identity_id "
        f"WHERE s.is_current AND s.day >= '{day.isoformat()}' AND l.customer_id IN ({{marks}}) "
        f"EXCEPT SELECT key FROM {_UNSETTLED}",
        sorted({*customers, *read_as}),
    )


def moved(identities: Sequence[int]) -> None:
    """Put all receipts of these identities on the list that are not on it: they are somebody else's than before."""
    day = since()
    if day is not None:
        bulk.execute_in(
            f"INSERT INTO {_UNSETTLED} (key) SELECT key FROM {_SALE} WHERE is_current AND day >= '{day.isoformat()}' "
            f"AND identity_id IN ({{marks}}) EXCEPT SELECT key FROM {_UNSETTLED}",
            identities,
        )


def everything(until: date | None = None) -> None:
    """Put all receipts since the first programme began (up to a day) on the list: one has just begun, or the list was
    lost."""
    day = since()
    if day is not None:
        bulk.execute(
            f"INSERT INTO {_UNSETTLED} (key) SELECT DISTINCT s.key FROM {_SALE} s JOIN {_BATCH} b ON b.id = s.batch_id "
            "WHERE b.state = 'complete' AND s.day >= %s AND s.day <= %s",
            [day.isoformat(), (until or date.max).isoformat()],
        )


def receipts_of(number: str, on: date) -> list[int]:
    """Keys of the receipts that somebody means who names this number on that day, as far as they have come: tills begin
    to count anew each day or year, so of several those of the nearest day."""
    if not number:
        return []
    rows = bulk.rows(  # its index is found by the condition that it has
        f"SELECT s.key, s.day FROM {_SALE} s JOIN {_BATCH} b ON b.id = s.batch_id WHERE b.state = 'complete' "
        "AND s.is_current AND s.kind = 'sale' AND NOT (s.receipt = '') AND s.receipt = %s",
        [number],
    )
    known = [(key, bulk.day(day)) for key, day in rows]
    day = nearest({day for _, day in known}, on)
    return sorted({key for key, its_day in known if its_day == day})


def nearest(days: set[date], on: date) -> date | None:
    """The day of the receipt that somebody meant on that day. After midnight the till's day is still the one before.

    >>> nearest({date(2026, 5, 4), date(2026, 5, 6)}, date(2026, 5, 5))
    datetime.date(2026, 5, 4)
    """
    return min(days, key=lambda day: (abs(day - on), day), default=None)


def put(keys: Sequence[int]) -> None:
    """Put these receipts on the list."""
    Unsettled.objects.bulk_create(Unsettled(key=key) for key in keys)
