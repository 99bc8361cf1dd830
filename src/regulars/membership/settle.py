"""Receipts earn: what is due for each by the programme, what has been booked so far, and the difference booked now.

Nothing here remembers that a file came, was read again or taken back: whatever changed about a receipt puts its key on a
list, and settling compares what it earns as it stands with what was booked for it. So a file that comes again changes
nothing, a refund takes its part back, a price that was edited is reckoned once, and a receipt that is gone has earned
nothing. A crash leaves the rest on the list (`unsettled`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction

from regulars.customers.models import Customer, Link
from regulars.membership import coupons, kin, models, unsettled
from regulars.membership.models import Entry, Member, Posting, Unsettled
from regulars.membership.offers import CouponUse
from regulars.membership.program import Terms, currencies_ever, current, join_listed, last, tiers_on
from regulars.membership.rules import earning
from regulars.membership.rules.due import Earned, comes_back, reckon
from regulars.membership.rules.earning import Bought
from regulars.membership.tally import Tally
from regulars.playbooks.membership import Currency
from regulars.sales.models import Batch, Item, Sale, SaleLine
from regulars.shop import bulk
from regulars.shop.calendar import Birthday, NoSuchDay
from regulars.shop.models import Alert
from regulars.shop.words import Words

TOGETHER = 2_000
"""Receipts settled in one transaction."""

_HELD_FROM = "CASE m.how WHEN 'list' THEN '0001-01-01' ELSE m.joined_on END"
"""The first day of a membership. Who is on a list has been a member before anybody here knew it: when the list came, or
which of her receipts came first, says nothing."""

_SPENT_ON = "p.kind IN ('redeem', 'pay', 'confirm') AND p.source <> 'settle' AND NOT (p.receipt = '') AND p.receipt IN ({marks})"
"""Postings by which somebody spent something on these receipts; not those by which settling spends it again."""

TWICE = Words(
    "{receipt} 这一单的退货撤回了，可是退回去的券她已经又用了：同一张券抵了两次，请找她核对",
    "The refund of {receipt} was taken back, but she has used the coupon that came back with it: it was good twice; please "
    "look into it",
)

Progress = Callable[[int, int, Words], None]

_SALE, _BATCH, _MEMBER, _LINK, _CUSTOMER, _EARNED, _UNSETTLED, _POSTING, _ENTRY = (
    m._meta.db_table for m in (Sale, Batch, Member, Link, Customer, models.Earned, Unsettled, Posting, Entry)
)


def quiet(done: int, total: int, step: Words) -> None:
    """No progress shown."""


def settle(on: date, progress: Progress = quiet) -> int:
    """Settle all that is on the list, booked as of `on`. Returns how many postings were made. Safe to be cut off. After
    the programme has ended, or for a receipt from before it was opened anew, nothing more is earned, and what is refunded
    is taken back all the same."""
    found, first = last(), unsettled.since()
    if found is None or first is None:
        return 0
    with transaction.atomic():
        unsettled.again(join_listed(on))
    total, done, postings = Unsettled.objects.count(), 0, 0
    while True:
        with transaction.atomic():
            bulk.alone("settle")
            rows = bulk.rows(f"SELECT id, key FROM {_UNSETTLED} ORDER BY id LIMIT {TOGETHER}")
            if not rows:
                return postings
            postings += _Settling(found, first, on, is_over=current() is None).keys({key for _, key in rows})
            # By number: a smaller one may have been written meanwhile by somebody who has only now committed it.
            bulk.execute_in(
                f"DELETE FROM {_UNSETTLED} WHERE id IN ({{marks}})", [number for number, _ in rows]
            )
        done += len(rows)
        progress(done, max(total, done), Words("记积分", "Reckoning points"))


# --- settling --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Receipt:
    key: int
    identity: int | None
    day: date
    amount: int
    receipt: str
    store: int
    id: int
    back: int = 0
    """Fen refunded of it (below zero)."""
    customer: int = 0
    member: int = 0


class _Settling:
    """One chunk of receipts, all that they need read at once."""

    def __init__(self, terms: Terms, first: date, on: date, is_over: bool) -> None:
        self.terms, self.first, self.on, self.is_over = terms, first, on, is_over
        self.program = terms.membership
        self.by_spend = [c for c in self.program.currencies if any(
            e.currency == c.key and e.per_yuan is not None for e in self.program.earns)]  # fmt: skip
        self.by_visit = [c for c in self.program.currencies if any(
            e.currency == c.key and e.per_visit is not None for e in self.program.earns)]  # fmt: skip
        self.currencies = {c.key: c for c in self.program.currencies}
        self.tally = Tally(on)
        self.left: set[tuple[int, int, date]] = set()
        self.of_the_day: dict[tuple[int, date, str], int] = defaultdict(int)
        self.sold_on: dict[str, set[date]] = defaultdict(set)

    def keys(self, keys: set[int]) -> int:
        receipts = self._all_of(keys)
        if any(earning.most_a_day(c.key, self.program) for c in self.by_spend):
            keys = keys | self._of_the_same_days(receipts)
            receipts = self._all_of(keys)
        lines = self._lines(receipts)
        by_value = self._paid_by_value(receipts)
        tiers = tiers_on({(r.customer, r.day) for r in receipts if r.member}, self.terms)
        birthdays = self._birthdays(receipts)
        days: set[tuple[int, int, date]] = set()
        for receipt in receipts:
            bought = Bought(
                receipt.day, receipt.amount, tiers.get((receipt.customer, receipt.day), ""),
                birthdays.get(receipt.customer), lines.get(receipt.id, ()), by_value.get((receipt.receipt, receipt.customer, receipt.day), 0),
            )  # fmt: skip
            for currency in self._earned_in(f"sale {receipt.key}", self.by_spend):
                self._spent(receipt, bought, currency)
            if receipt.member:
                days.add((receipt.member, receipt.customer, receipt.day))
        self._vanished(keys, {r.key for r in receipts}, days)
        if self.by_visit or self.first < self.terms.starts_on:
            self._visits(days | self.left, tiers, birthdays)
        self._back_to_lots(receipts)
        return self.tally.book()

    # --- reading

    def _all_of(self, keys: set[int]) -> list[_Receipt]:
        """The receipts behind these keys, whose they are, and what was booked for them."""
        receipts = self._receipts(keys)
        self.tally.read([f"sale {k}" for k in keys | {r.key for r in receipts}])
        self._owners(receipts)
        return receipts

    def _of_the_same_days(self, receipts: Sequence[_Receipt]) -> set[int]:
        """What else has earned on the days of these receipts: under a cap one makes room for another."""
        days = {(r.member, r.day) for r in receipts if r.member} | {
            (r.member, r.day) for r in self.tally.rows.values()
        }
        roots = {self.root_of.get(member, -member) for member, _ in days}
        members = {m for m, _ in days} | {m for m, root in self.root_of.items() if root in roots}
        dates = {day for _, day in days}
        sql = f"SELECT what, day FROM {_EARNED} WHERE what LIKE 'sale %%' AND member_id IN ({{marks}})"
        return {int(what[5:]) for what, day in bulk.rows_in(sql, sorted(members)) if bulk.day(day) in dates}

    def _receipts(self, keys: set[int]) -> list[_Receipt]:
        """The receipts behind these keys as they count now, with what was refunded of each. A refund leads to its
        receipt; one that names none, or none that is there, stands for itself."""
        columns = "s.key, s.identity_id, s.day, s.amount, s.receipt, s.store_id, s.id, s.kind, s.refund_of"
        sql = f"SELECT {columns} FROM {_SALE} s JOIN {_BATCH} b ON b.id = s.batch_id WHERE s.is_current AND b.state = 'complete'"
        found = {row[0]: row for row in bulk.rows_in(f"{sql} AND s.key IN ({{marks}})", sorted(keys))}
        # The words of the indexes: SQLite uses a partial one only where it reads its condition again.
        numbers = {row[8] for row in found.values() if row[8]} | {
            row[4] for row in found.values() if row[4] and row[7] == "sale"
        }
        beside = list(
            bulk.rows_in(f"{sql} AND NOT (s.receipt = '') AND s.receipt IN ({{marks}})", sorted(numbers))
        )
        beside += bulk.rows_in(
            f"{sql} AND NOT (s.refund_of = '') AND s.refund_of IN ({{marks}})", sorted(numbers)
        )
        sold: dict[tuple[str, date], list[_Receipt]] = defaultdict(list)
        made: dict[int, _Receipt] = {}
        refunds: dict[int, tuple[Any, ...]] = {}
        for row in (*found.values(), *beside):
            key, identity, day, amount, receipt, store, number, kind, refund_of = row
            if kind == "refund":
                refunds[key] = row
            elif key not in made:
                one = _Receipt(key, identity, bulk.day(day), amount, receipt, store, number)
                made[key] = one
                if receipt:
                    sold[receipt, one.day].append(one)
                    self.sold_on[receipt].add(one.day)
        # A refund may have moved between receipts of one number: all of them are reckoned again.
        refunded = {row[8] for row in refunds.values() if row[8]}
        wanted = {k: r for k, r in made.items() if k in keys or r.receipt in refunded}
        for key, identity, day, amount, receipt, store, number, _, refund_of in sorted(refunds.values()):
            meant = sold.get((refund_of, bulk.day(day)), []) if refund_of else []
            if meant:
                best = min(
                    meant, key=lambda r: (r.store != store, r.identity != identity, r.amount + r.back + amount < 0, r.key)
                )  # fmt: skip
                best.back += amount
                wanted[best.key] = best
            elif key in keys and not refund_of:  # of a receipt that is not here nothing was earned
                wanted[key] = _Receipt(key, identity, bulk.day(day), amount, receipt, store, number)
        return [r for r in sorted(wanted.values(), key=lambda r: (r.day, r.key)) if r.day >= self.first]

    def _owners(self, receipts: Sequence[_Receipt]) -> None:
        """Whose each receipt is: the customer read now, and her oldest membership that held on its day. Those who joined
        later, or had left before, have not earned by it."""
        identities = sorted({r.identity for r in receipts if r.identity is not None})
        owners: dict[int, list[tuple[int, int, date, date]]] = defaultdict(list)
        self.root_of: dict[int, int] = {}
        for i, root, member, joined, left in bulk.rows_in(
            f"SELECT l.identity_id, COALESCE(c.merged_into_id, c.id), m.id, {_HELD_FROM}, m.left_on FROM {_LINK} l "
            f"JOIN {_CUSTOMER} c ON c.id = l.customer_id "
            f"JOIN {_CUSTOMER} f ON f.id = COALESCE(c.merged_into_id, c.id) OR f.merged_into_id = COALESCE(c.merged_into_id, c.id) "
            f"JOIN {_MEMBER} m ON m.customer_id = f.id "
            f"WHERE l.identity_id IN ({{marks}}) ORDER BY m.id",
            identities,
        ):
            owners[i].append((root, member, bulk.day(joined), bulk.day(left) if left else date.max))
            self.root_of[member] = root
        for receipt in receipts:
            for root, member, joined, left in owners.get(receipt.identity or 0, ()):
                if joined <= receipt.day <= left:
                    receipt.customer, receipt.member = root, member
                    break

    def _lines(self, receipts: Sequence[_Receipt]) -> dict[int, list[tuple[str, int]]]:
        """What stood on each receipt by category; read only where the programme tells goods apart."""
        if not self.program.without_categories and not any(e.categories for e in self.program.earns):
            return {}
        found: dict[int, list[tuple[str, int]]] = defaultdict(list)
        sql = (
            f"SELECT x.sale_id, i.category, x.amount FROM {SaleLine._meta.db_table} x "
            f"JOIN {Item._meta.db_table} i ON i.id = x.item_id WHERE x.sale_id IN ({{marks}})"
        )
        for sale, category, amount in bulk.rows_in(sql, [r.id for r in receipts]):
            found[sale].append((category, amount))
        return found

    def _bill_of(self, number: str, on: date) -> date | None:
        """The day of the receipt that somebody meant by this number on that day."""
        return unsettled.nearest(self.sold_on[number], on)

    def _paid_by_value(self, receipts: Sequence[_Receipt]) -> dict[tuple[str, int, date], int]:
        """Fen of each receipt that were paid by stored value, by number, customer and the receipt's day, where that earns
        nothing. What was given back of them does not count: a refund is taken off the receipt itself."""
        if self.program.value is None or self.program.value.earns:
            return {}
        numbers = sorted({r.receipt for r in receipts if r.receipt and r.member})
        sql = (
            f'SELECT p.receipt, p.member_id, p."on", SUM(e.amount) FROM {_POSTING} p JOIN {_ENTRY} e ON e.posting_id = p.id '
            f"WHERE e.account = 'redeemed' AND e.currency IN ('principal', 'bonus') AND {_SPENT_ON} "
            'GROUP BY p.receipt, p.member_id, p."on"'
        )
        found: dict[tuple[str, int, date], int] = defaultdict(int)
        for receipt, member, on, n in bulk.rows_in(sql, numbers):
            if (day := self._bill_of(receipt, bulk.day(on))) is not None and member in self.root_of:
                found[receipt, self.root_of[member], day] += int(n)
        return found

    def _birthdays(self, receipts: Sequence[_Receipt]) -> dict[int, Birthday]:
        if not any(e.when for e in self.program.earns):
            return {}
        found = {}
        sql = f"SELECT id, birthday FROM {_CUSTOMER} WHERE birthday <> '' AND id IN ({{marks}})"
        for customer, birthday in bulk.rows_in(sql, sorted({r.customer for r in receipts if r.customer})):
            try:
                found[customer] = Birthday.parse(birthday)
            except NoSuchDay:
                continue
        return found

    # --- what is due

    def _is_closed(self, day: date) -> bool:
        """Whether nothing more is earned by what was bought on that day: what was, counts by the terms that held."""
        return self.is_over or day < self.terms.starts_on

    def _earned_in(self, what: str, now: Sequence[Currency]) -> list[Currency]:
        """The currencies in which this earns now, and those in which it did under an earlier programme."""
        named = {c.key for c in now}
        return [*now, *(self._currency(key) for key in sorted(self.tally.booked[what] - named))]

    def _currency(self, key: str) -> Currency:
        if key not in self.currencies:
            self.currencies[key] = currencies_ever()[key]
        return self.currencies[key]

    def _spent(self, receipt: _Receipt, bought: Bought, currency: Currency) -> None:
        row = self.tally.row(f"sale {receipt.key}", currency.key)
        is_closed = self._is_closed(receipt.day) or currency not in self.by_spend
        if not row.id and (is_closed or not receipt.member):
            return
        row = self._of(row, receipt.member, is_closed)
        if not receipt.member:
            self.tally.come_to(row, 0, currency)
            return
        if (row.gross, row.by_value) != (receipt.amount, bought.by_value) and not is_closed:
            # Bought on other terms than today's? Then by what was kept; an amount that was edited, or turns out to have
            # been paid by stored value, is reckoned anew.
            reckon(row, bought, receipt.member, self.program)
        due = earning.due_for(row.units, row.gross, receipt.amount + receipt.back, currency.rounding)
        cap = earning.most_a_day(currency.key, self.program)
        if cap is not None and due > 0:
            so_far = self.of_the_day[receipt.customer, receipt.day, currency.key]
            due = min(due, max(0, cap - so_far))
            self.of_the_day[receipt.customer, receipt.day, currency.key] += due
        self.tally.come_to(row, due, currency)

    def _of(self, row: Earned, member: int, is_closed: bool) -> Earned:
        """The row as this member's: what another had earned by it is taken back from her first."""
        if not row.id or row.member == member or not member:
            return row
        if self.root_of.get(row.member) is not None and self.root_of.get(row.member) == self.root_of.get(
            member
        ):
            return row
        if row.member in kin.family_of(member):
            return row
        self.left.add((row.member, 0, row.day))
        self.tally.come_to(row, 0, self._currency(row.currency))
        return self.tally.pass_on(row, member, is_closed)

    def _vanished(self, keys: set[int], there: set[int], days: set[tuple[int, int, date]]) -> None:
        """Receipts that count no more have earned nothing."""
        for key in keys - there:
            for currency in self._earned_in(f"sale {key}", ()):
                row = self.tally.rows[f"sale {key}", currency.key]
                self.tally.come_to(row, 0, currency)
                days.add((row.member, 0, row.day))

    def _visits(
        self,
        days: set[tuple[int, int, date]],
        tiers: dict[tuple[int, date], str],
        birthdays: dict[int, Birthday],
    ) -> None:
        """One visit a day, as long as something was bought on it or she is known to have come. Of several memberships
        that are read together the oldest that held on the day has it."""
        holds_it, days = self._who_has_the_visit(days)
        members = sorted({m for m, _, _ in days})
        dates = sorted({d.isoformat() for _, _, d in days})
        if not members:
            return
        whats = {(m, d): f"visit {m} {d.isoformat()}" for m, _, d in days}
        self.tally.read(sorted(set(whats.values())))
        sql = (
            f"SELECT m.id, s.day, SUM(s.amount), MAX(CASE WHEN s.kind = 'attendance' THEN 1 ELSE 0 END) FROM {_MEMBER} m "
            f"JOIN {_CUSTOMER} o ON o.id = m.customer_id "
            f"JOIN {_CUSTOMER} c ON c.id = COALESCE(o.merged_into_id, o.id) OR c.merged_into_id = COALESCE(o.merged_into_id, o.id) "
            f"JOIN {_LINK} l ON l.customer_id = c.id JOIN {_SALE} s ON s.identity_id = l.identity_id AND s.is_current "
            f"JOIN {_BATCH} b ON b.id = s.batch_id AND b.state = 'complete' "
            "WHERE s.day >= %s AND s.day <= %s AND m.id IN ({marks}) GROUP BY m.id, s.day"
        )
        came = {
            (member, bulk.day(day)): amount > 0 or attended
            for member, day, amount, attended in bulk.rows_in(sql, members, [dates[0], dates[-1]])
        }
        for member, customer, day in sorted(days):
            bought = Bought(day, 0, tiers.get((customer, day), ""), birthdays.get(customer))
            for currency in self._earned_in(whats[member, day], self.by_visit):
                row = self.tally.row(whats[member, day], currency.key)
                if not row.turns:
                    if self._is_closed(day):
                        continue
                    row.member, row.day = member, day
                    row.gross, row.rules = earning.for_visit(bought, currency.key, self.program)
                is_hers = holds_it.get((member, day), member) == member
                self.tally.come_to(row, row.gross if is_hers and came.get((member, day)) else 0, currency)

    def _who_has_the_visit(
        self, days: set[tuple[int, int, date]]
    ) -> tuple[dict[tuple[int, date], int], set[tuple[int, int, date]]]:
        """Whose the visit is, by member and day, where somebody has several memberships; and the days with those of all
        of them."""
        family = kin.families({m for m, _, _ in days})
        several = {m: sorted(group) for m, group in family.items() if len(group) > 1}
        if not several:
            return {}, days
        held = {
            m: (bulk.day(joined), bulk.day(left) if left else date.max)
            for m, joined, left in bulk.rows_in(
                f"SELECT m.id, {_HELD_FROM}, m.left_on FROM {_MEMBER} m WHERE m.id IN ({{marks}})",
                sorted({m for group in several.values() for m in group}),
            )
        }
        root = {(m, d): c for m, c, d in sorted(days)}
        holds_it, more = {}, set()
        for member, customer, day in sorted(days):
            group = several.get(member, [])
            first = next((m for m in group if held[m][0] <= day <= held[m][1]), member)
            for one in group:
                holds_it[one, day] = first
                more.add((one, root.get((one, day)) or customer, day))
        alone = {(m, root[m, d], d) for m, _, d in days if m not in several}
        return holds_it, alone | more

    def _back_to_lots(self, receipts: Sequence[_Receipt]) -> None:
        """Of what was spent on a receipt the refunded part comes back, in the proportion of the refund."""
        by_number = {(r.receipt, r.customer, r.day): r for r in receipts if r.receipt and r.member}
        if not by_number:
            return
        self._coupons_back(by_number)
        sql = (
            f'SELECT p.id, p.receipt, p.member_id, p."on", e.currency, SUM(e.amount) FROM {_POSTING} p '
            f"JOIN {_ENTRY} e ON e.posting_id = p.id AND e.account = 'redeemed' "
            f"WHERE {_SPENT_ON} "
            'GROUP BY p.id, p.receipt, p.member_id, p."on", e.currency ORDER BY p.id'
        )
        spent = list(bulk.rows_in(sql, sorted({number for number, _, _ in by_number})))
        self.tally.read([f"back {p}" for p in {row[0] for row in spent}])
        for posting, number, member, on, currency, used in spent:
            bill = self._bill_of(number, bulk.day(on))
            receipt = by_number.get((number, self.root_of.get(member, 0), bill)) if bill else None
            if receipt is None or receipt.amount <= 0:
                continue
            back = comes_back(int(used), receipt.amount, receipt.amount + receipt.back)
            row = self.tally.row(f"back {posting}", currency)
            if not row.turns:
                if not back:
                    continue
                row.member, row.day, row.gross = member, bulk.day(on), int(used)
                row.parts = [[posting, int(used)]]
            self.tally.give_back(row, back, receipt.receipt)

    def _coupons_back(self, by_number: dict[tuple[str, int, date], _Receipt]) -> None:
        """Coupons come back with a receipt that was returned whole, and are used again where that is taken back."""
        for use in coupons.uses_on(*{number for number, _, _ in by_number}):
            day = self._bill_of(use.receipt, use.on)
            whose = {self.root_of.get(part.coupon.member_id, 0) for part in use.parts.all()}
            meant = [
                by_number[use.receipt, c, day] for c in whose if day and (use.receipt, c, day) in by_number
            ]
            if not meant:
                continue
            is_returned = any(r.back and r.amount + r.back <= 0 for r in meant)
            if is_returned and use.state == CouponUse.State.USED:
                coupons.give_back(use, on=self.on, is_by_refund=True)
            elif not is_returned and use.state == CouponUse.State.BACK and not coupons.take_again(use):
                Alert.objects.get_or_create(
                    kind="coupons",
                    staff=None,
                    on=self.on,
                    defaults={"words": list(TWICE.fill(receipt=use.receipt))},
                )


def owed_by(members: Iterable[int]) -> dict[tuple[int, str], int]:
    """What members still owe by currency: earned by receipts that were refunded after it had been spent."""
    found: dict[tuple[int, str], int] = {}
    sql = f"SELECT member_id, currency, SUM(owed) FROM {_EARNED} WHERE owed > 0 AND member_id IN ({{marks}}) GROUP BY member_id, currency"
    for member, currency, n in bulk.rows_in(sql, list(members)):
        found[member, currency] = int(n)
    return found
