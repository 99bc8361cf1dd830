"""What stands behind receipts as they count now: whose they are, what was refunded of them and spent on them, and on which
days somebody came. Read for many at once, by as many queries for one as for thousands; nothing here is changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from regulars.customers.models import Customer, Link
from regulars.membership import kin, unsettled
from regulars.membership.models import Earned, Entry, Member, Posting
from regulars.playbooks.membership import Membership
from regulars.sales.models import Batch, Item, Sale, SaleLine
from regulars.shop import bulk
from regulars.shop.calendar import Birthday, NoSuchDay

_HELD_FROM = "CASE m.how WHEN 'list' THEN '0001-01-01' ELSE m.joined_on END"
"""The first day of a membership. Who is on a list has been a member before anybody here knew it: when the list came, or
which of her receipts came first, says nothing."""

_SPENT_ON = "p.kind IN ('redeem', 'pay', 'confirm') AND p.source <> 'settle' AND NOT (p.receipt = '') AND p.receipt IN ({marks})"
"""Postings by which somebody spent something on these receipts; not those by which settling spends it again."""

_SALE, _BATCH, _LINE, _ITEM, _MEMBER, _LINK, _CUSTOMER, _EARNED, _POSTING, _ENTRY = (
    m._meta.db_table for m in (Sale, Batch, SaleLine, Item, Member, Link, Customer, Earned, Posting, Entry)
)

Bill = tuple[str, int, date]
"""A receipt as people mean it: its number, the customer whose it is, its day."""

Visit = tuple[int, int, date]
"""A member, the customer as whom she is read (0 where nobody has asked), and a day on which she may have come."""


@dataclass(slots=True)
class Receipt:
    """`amount`: fen of the whole receipt; `back`: fen refunded of it (below zero). `customer` and `member` are 0 where
    it is nobody's who could earn by it."""

    key: int
    identity: int | None
    day: date
    amount: int
    number: str
    store: int
    id: int
    back: int = 0
    customer: int = 0
    member: int = 0

    @property
    def bill(self) -> Bill:
        return self.number, self.customer, self.day


@dataclass(frozen=True, slots=True)
class Receipts:
    """Receipts by day and key; the days on which each number was sold; and the customer as whom each member is read."""

    all: list[Receipt]
    sold_on: dict[str, set[date]]
    root_of: dict[int, int]

    def bill_of(self, number: str, member: int, on: date) -> Bill | None:
        """The bill that this member meant by this number on that day; None where there is none."""
        day = unsettled.nearest(self.sold_on.get(number, set()), on)
        return (number, self.root_of[member], day) if day and member in self.root_of else None


def behind(keys: set[int], first: date) -> Receipts:
    """The receipts behind these keys, from that day on, with what was refunded of each and whose it is."""
    wanted, sold_on = _less_refunds(keys)
    found = [r for r in sorted(wanted, key=lambda r: (r.day, r.key)) if r.day >= first]
    return Receipts(found, sold_on, _find_owners(found))


def _less_refunds(keys: set[int]) -> tuple[Collection[Receipt], dict[str, set[date]]]:
    """The receipts behind these keys with what was refunded of each, and the days on which each number was sold. A
    refund leads to its receipt; one that names none, or bears a number of its own, stands for itself, and by a receipt
    that is not here nothing was earned."""
    sales: dict[int, Receipt] = {}
    refunds: dict[int, tuple[Receipt, str]] = {}
    sold: dict[tuple[str, date], list[Receipt]] = defaultdict(list)
    sold_on: dict[str, set[date]] = defaultdict(set)
    for key, identity, day, amount, number, store, sale, kind, refund_of in _written(keys):
        one = Receipt(key, identity, bulk.day(day), amount, number, store, sale)
        if kind == "refund":
            refunds[key] = one, refund_of
            continue
        sales[key] = one
        if number:
            sold[number, one.day].append(one)
            sold_on[number].add(one.day)
    # A refund may have moved between receipts of one number: all of them are reckoned again.
    refunded = {refund_of for _, refund_of in refunds.values() if refund_of}
    wanted = {k: r for k, r in sales.items() if k in keys or r.number in refunded}
    for key, (refund, refund_of) in sorted(refunds.items()):
        if meant := sold.get((refund_of, refund.day)) if refund_of else None:
            best = min(meant, key=lambda r: (
                r.store != refund.store, r.identity != refund.identity, r.amount + r.back + refund.amount < 0, r.key,
            ))  # fmt: skip
            best.back += refund.amount
            wanted[best.key] = best
        elif key in keys and refund_of in ("", refund.number):
            wanted[key] = refund
    return wanted.values(), sold_on


def left_of(keys: set[int]) -> dict[int, int]:
    """Fen that are left of these receipts, and of those that share a number with them, when refunds are taken off: by
    key. What was refunded of a receipt that is not here is no receipt."""
    return {r.key: r.amount + r.back for r in _less_refunds(keys)[0]}


def _written(keys: set[int]) -> Collection[tuple[Any, ...]]:
    """What counts now of these keys, and what bears the numbers that they name: receipts and refunds."""
    columns = "s.key, s.identity_id, s.day, s.amount, s.receipt, s.store_id, s.id, s.kind, s.refund_of"
    sql = f"SELECT {columns} FROM {_SALE} s JOIN {_BATCH} b ON b.id = s.batch_id WHERE s.is_current AND b.state = 'complete'"
    found = {row[0]: row for row in bulk.rows_in(f"{sql} AND s.key IN ({{marks}})", sorted(keys))}
    numbers = sorted(
        {row[8] for row in found.values() if row[8]}
        | {row[4] for row in found.values() if row[4] and row[7] == "sale"}
    )
    for column in ("receipt", "refund_of"):
        # The words of the indexes: SQLite uses a partial one only where it reads its condition again.
        beside = f"{sql} AND NOT (s.{column} = '') AND s.{column} IN ({{marks}})"
        found |= {row[0]: row for row in bulk.rows_in(beside, numbers)}
    return found.values()


def _find_owners(receipts: Sequence[Receipt]) -> dict[int, int]:
    """Say of each receipt whose it is: the customer read now, and her oldest membership that held on its day. Those who
    joined later, or had left before, have not earned by it. Returns the customer as whom each member is read."""
    identities = sorted({r.identity for r in receipts if r.identity is not None})
    owners: dict[int, list[tuple[int, int, date, date]]] = defaultdict(list)
    root_of: dict[int, int] = {}
    for i, root, member, joined, left in bulk.rows_in(
        f"SELECT l.identity_id, COALESCE(c.merged_into_id, c.id), m.id, {_HELD_FROM}, m.left_on FROM {_LINK} l "
        f"JOIN {_CUSTOMER} c ON c.id = l.customer_id "
        f"JOIN {_CUSTOMER} f ON f.id = COALESCE(c.merged_into_id, c.id) OR f.merged_into_id = COALESCE(c.merged_into_id, c.id) "
        f"JOIN {_MEMBER} m ON m.customer_id = f.id "
        f"WHERE l.identity_id IN ({{marks}}) ORDER BY m.id",
        identities,
    ):
        owners[i].append((root, member, bulk.day(joined), bulk.day(left) if left else date.max))
        root_of[member] = root
    for receipt in receipts:
        for root, member, joined, left in owners.get(receipt.identity or 0, ()):
            if joined <= receipt.day <= left:
                receipt.customer, receipt.member = root, member
                break
    return root_of


def of_the_same_days(found: Receipts, booked: set[tuple[int, date]]) -> set[int]:
    """Keys of what else has earned on the days of these receipts, and on those (member, day) for which they were booked:
    under a cap one makes room for another."""
    days = booked | {(r.member, r.day) for r in found.all if r.member}
    roots = {found.root_of.get(member, -member) for member, _ in days}
    members = {m for m, _ in days} | {m for m, root in found.root_of.items() if root in roots}
    dates = {day for _, day in days}
    sql = f"SELECT what, day FROM {_EARNED} WHERE what LIKE 'sale %%' AND member_id IN ({{marks}})"
    return {int(what[5:]) for what, day in bulk.rows_in(sql, sorted(members)) if bulk.day(day) in dates}


def lines(found: Receipts, program: Membership) -> dict[int, list[tuple[str, int]]]:
    """(category, fen) of what stood on each receipt, by its id; read only where the programme tells goods apart."""
    if not program.without_categories and not any(e.categories for e in program.earns):
        return {}
    sold: dict[int, list[tuple[str, int]]] = defaultdict(list)
    sql = (
        f"SELECT x.sale_id, i.category, x.amount FROM {_LINE} x JOIN {_ITEM} i ON i.id = x.item_id "
        "WHERE x.sale_id IN ({marks})"
    )
    for sale, category, amount in bulk.rows_in(sql, [r.id for r in found.all]):
        sold[sale].append((category, amount))
    return sold


def paid_by_value(found: Receipts, program: Membership) -> dict[Bill, int]:
    """Fen of each bill that were paid by stored value, also where that earns: it may not have when it was bought. What
    was given back of them does not count: a refund is taken off the receipt itself."""
    if program.value is None:
        return {}
    numbers = sorted({r.number for r in found.all if r.number and r.member})
    sql = (
        f'SELECT p.receipt, p.member_id, p."on", SUM(e.amount) FROM {_POSTING} p JOIN {_ENTRY} e ON e.posting_id = p.id '
        f"WHERE e.account = 'redeemed' AND e.currency IN ('principal', 'bonus') AND {_SPENT_ON} "
        'GROUP BY p.receipt, p.member_id, p."on"'
    )
    paid: dict[Bill, int] = defaultdict(int)
    for number, member, on, n in bulk.rows_in(sql, numbers):
        if bill := found.bill_of(number, member, bulk.day(on)):
            paid[bill] += int(n)
    return paid


def spent_on(numbers: Iterable[str]) -> list[tuple[int, str, int, date, str, int]]:
    """What was spent on receipts, in the order in which it was: (posting, number, member, day, currency, units) each."""
    sql = (
        f'SELECT p.id, p.receipt, p.member_id, p."on", e.currency, SUM(e.amount) FROM {_POSTING} p '
        f"JOIN {_ENTRY} e ON e.posting_id = p.id AND e.account = 'redeemed' WHERE {_SPENT_ON} "
        'GROUP BY p.id, p.receipt, p.member_id, p."on", e.currency ORDER BY p.id'
    )
    rows = bulk.rows_in(sql, sorted(numbers))
    return [(posting, number, m, bulk.day(on), key, int(n)) for posting, number, m, on, key, n in rows]


def birthdays(found: Receipts, program: Membership) -> dict[int, Birthday]:
    """Birthdays of the customers, read only where one earns by them."""
    if not any(e.when for e in program.earns):
        return {}
    born = {}
    sql = f"SELECT id, birthday FROM {_CUSTOMER} WHERE birthday <> '' AND id IN ({{marks}})"
    for customer, birthday in bulk.rows_in(sql, sorted({r.customer for r in found.all if r.customer})):
        with suppress(NoSuchDay):
            born[customer] = Birthday.parse(birthday)
    return born


def came_on(days: set[tuple[int, date]], found: Receipts) -> dict[tuple[int, date], set[int]]:
    """On which of these days the member (or who is read as she is) bought something that was not returned, whoever
    returned it, or came; with the keys of what there is of that day."""
    sql = (
        f"SELECT m.id, s.day, s.key, s.kind FROM {_MEMBER} m "
        f"JOIN {_CUSTOMER} o ON o.id = m.customer_id "
        f"JOIN {_CUSTOMER} c ON c.id = COALESCE(o.merged_into_id, o.id) OR c.merged_into_id = COALESCE(o.merged_into_id, o.id) "
        f"JOIN {_LINK} l ON l.customer_id = c.id JOIN {_SALE} s ON s.identity_id = l.identity_id AND s.is_current "
        f"JOIN {_BATCH} b ON b.id = s.batch_id AND b.state = 'complete' "
        "WHERE s.day >= %s AND s.day <= %s AND m.id IN ({marks})"
    )
    dates = [day.isoformat() for _, day in days]
    rows = [
        ((member, bulk.day(day)), key, kind)
        for member, day, key, kind in bulk.rows_in(
            sql, sorted({m for m, _ in days}), [min(dates), max(dates)]
        )
    ]
    left = {r.key: r.amount + r.back for r in found.all}
    beside = {key for day, key, _ in rows if day in days} - left.keys()
    left |= left_of(beside)
    keys: dict[tuple[int, date], set[int]] = defaultdict(set)
    for day, key, _ in rows:
        keys[day].add(key)
    attended = {day for day, _, kind in rows if kind == "attendance"}
    return {
        day: its_keys
        for day, its_keys in keys.items()
        if day in attended or sum(left.get(key, 0) for key in its_keys) > 0
    }


def who_has_the_visit(visits: set[Visit]) -> tuple[dict[tuple[int, date], int], set[Visit]]:
    """Whose a visit is, by member and day, where somebody has several memberships: the oldest that held on the day has
    it. And the visits with those of all of them."""
    family = kin.families({m for m, _, _ in visits})
    several = {m: sorted(group) for m, group in family.items() if len(group) > 1}
    if not several:
        return {}, visits
    held = {
        m: (bulk.day(joined), bulk.day(left) if left else date.max)
        for m, joined, left in bulk.rows_in(
            f"SELECT m.id, {_HELD_FROM}, m.left_on FROM {_MEMBER} m WHERE m.id IN ({{marks}})",
            sorted({m for group in several.values() for m in group}),
        )
    }
    root = {(m, d): c for m, c, d in sorted(visits)}
    holds_it, more = {}, set()
    for member, customer, day in sorted(visits):
        group = several.get(member, [])
        first = next((m for m in group if held[m][0] <= day <= held[m][1]), member)
        for one in group:
            holds_it[one, day] = first
            more.add((one, root.get((one, day)) or customer, day))
    alone = {(m, root[m, d], d) for m, _, d in visits if m not in several}
    return holds_it, alone | more
