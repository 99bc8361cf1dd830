"""Receipts earn: what is due for each by the programme, what has been booked so far, and the difference booked now.

Nothing here remembers that a file came, was read again or taken back: whatever changed about a receipt puts its key on a
list, and settling compares what it earns as it stands with what was booked for it. So a file that comes again changes
nothing, a refund takes its part back, a price that was edited is reckoned once, and a receipt that is gone has earned
nothing. A crash leaves the rest on the list (`unsettled`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from django.db import transaction

from regulars.membership import coupons, kin, models, receipts, unsettled
from regulars.membership.models import Unsettled
from regulars.membership.offers import CouponUse
from regulars.membership.program import Terms, currencies_ever, current, join_listed, last, tiers_on
from regulars.membership.receipts import Bill, Receipt, Receipts, Visit
from regulars.membership.rules import earning
from regulars.membership.rules.due import Earned, comes_back, give_back, reckon
from regulars.membership.rules.earning import Bought
from regulars.membership.tally import Tally
from regulars.playbooks.membership import Currency
from regulars.shop import bulk
from regulars.shop.calendar import Birthday
from regulars.shop.models import Alert
from regulars.shop.words import Words

TOGETHER = 2_000
"""Receipts settled in one transaction."""

TWICE = Words(
    "{receipt} 这一单的退货撤回了，可是退回去的券她已经又用了：同一张券抵了两次，请找她核对",
    "The refund of {receipt} was taken back, but she has used the coupon that came back with it: it was good twice; please "
    "look into it",
)

Progress = Callable[[int, int, Words], None]

_EARNED, _UNSETTLED = models.Earned._meta.db_table, Unsettled._meta.db_table


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
            postings += _settle_chunk({key for _, key in rows}, found, first, on, is_over=current() is None)
            # By number: a smaller one may have been written meanwhile by somebody who has only now committed it.
            bulk.execute_in(f"DELETE FROM {_UNSETTLED} WHERE id IN ({{marks}})", [n for n, _ in rows])
        done += len(rows)
        progress(done, max(total, done), Words("记积分", "Reckoning points"))


def _settle_chunk(keys: set[int], terms: Terms, first: date, on: date, is_over: bool) -> int:
    """Read what stands behind these keys, reckon what is due, book the difference. Says how many postings that made."""
    program, tally = terms.membership, Tally(on)
    found = _read(keys, first, tally)
    is_capped = any(earning.most_a_day([e.key], program) for e in program.earns)
    if is_capped or any(r.most for r in tally.rows.values()):
        keys = keys | receipts.of_the_same_days(found, {(r.member, r.day) for r in tally.rows.values()})
        found = _read(keys, first, tally)
    lines, by_value = receipts.lines(found, program), receipts.paid_by_value(found, program)
    tiers = tiers_on({(r.customer, r.day) for r in found.all if r.member}, terms)
    birthdays = receipts.birthdays(found, program)

    reckoning = _Reckoning(terms, is_over, found, tally, keys | {r.key for r in found.all})
    for one in found.all:
        reckoning.sold(one, Bought(
            one.day, one.amount, tiers.get((one.customer, one.day), ""), birthdays.get(one.customer),
            lines.get(one.id, ()), by_value.get(one.bill, 0),
        ))  # fmt: skip
    reckoning.gone(keys - {r.key for r in found.all})
    if reckoning.by_visit or first < terms.starts_on:
        reckoning.came(tiers, birthdays)
    _bring_back(found, tally)
    return tally.book()


def _read(keys: set[int], first: date, tally: Tally) -> Receipts:
    """The receipts behind these keys. What was booked for them so far goes into the tally."""
    found = receipts.behind(keys, first)
    tally.read([f"sale {k}" for k in keys | {r.key for r in found.all}])
    return found


class _Reckoning:
    """What receipts and visits earn by the terms that hold, brought into the tally."""

    def __init__(self, terms: Terms, is_over: bool, found: Receipts, tally: Tally, keys: set[int]) -> None:
        self.terms, self.is_over, self.found, self.tally, self.keys = terms, is_over, found, tally, keys
        self.program = program = terms.membership
        by_spend = {e.currency for e in program.earns if e.per_yuan is not None}
        by_visit = {e.currency for e in program.earns if e.per_visit is not None}
        # Where visits alone earn, receipts have rows too: else nobody knew whose day it was when one is gone.
        of_receipts = by_spend or by_visit
        self.by_receipt = [c for c in program.currencies if c.key in of_receipts]
        self.by_visit = [c for c in program.currencies if c.key in by_visit]
        self.currencies = {c.key: c for c in program.currencies}
        self.visits: set[Visit] = set()
        self.of_the_day: dict[tuple[int, date, str, str], int] = defaultdict(int)

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

    def sold(self, receipt: Receipt, bought: Bought) -> None:
        """A receipt earns by its amount, and its day may be a visit."""
        for currency in self._earned_in(f"sale {receipt.key}", self.by_receipt):
            self._sold(receipt, bought, currency)
        if receipt.member:
            self.visits.add((receipt.member, receipt.customer, receipt.day))

    def _sold(self, receipt: Receipt, bought: Bought, currency: Currency) -> None:
        row = self.tally.row(f"sale {receipt.key}", currency.key)
        is_closed = self._is_closed(receipt.day) or currency not in self.by_receipt
        if not row.id and (is_closed or not receipt.member):
            return
        row = self._hers(row, receipt.member, is_closed)
        if not receipt.member:
            self.visits.add((row.member, 0, row.day))
            self.tally.come_to(row, 0, currency)
            return
        is_new = not row.id or (row.gross, row.by_value) != (receipt.amount, bought.by_value)
        if is_new and not is_closed:
            # Bought on other terms than today's? Then by what was kept; an amount that was edited, or turns out to have
            # been paid by stored value, is reckoned anew.
            reckon(row, bought, receipt.member, self.program)
        due = earning.due_for(row.units, row.gross, receipt.amount + receipt.back, currency.rounding)
        if row.most is not None and due > 0:
            place = receipt.customer, receipt.day, currency.key, row.rules[0]
            due = min(due, max(0, row.most - self.of_the_day[place]))
            self.of_the_day[place] += due
        self.tally.come_to(row, due, currency)

    def _hers(self, row: Earned, member: int, is_closed: bool) -> Earned:
        """The row as this member's: what another had earned by it is taken back from her first."""
        if not row.id or row.member == member or not member:
            return row
        root = self.found.root_of.get(row.member)
        if root is not None and root == self.found.root_of.get(member):
            return row
        if row.member in kin.family_of(member):
            return row
        self.visits.add((row.member, 0, row.day))
        self.tally.come_to(row, 0, self._currency(row.currency))
        return self.tally.pass_on(row, member, is_closed)

    def gone(self, keys: set[int]) -> None:
        """Receipts that count no more have earned nothing."""
        for key in keys:
            for currency in self._earned_in(f"sale {key}", ()):
                row = self.tally.rows[f"sale {key}", currency.key]
                self.tally.come_to(row, 0, currency)
                self.visits.add((row.member, 0, row.day))

    def came(self, tiers: dict[tuple[int, date], str], birthdays: dict[int, Birthday]) -> None:
        """One visit a day, as long as something was bought on it or she is known to have come. Of several memberships
        that are read together the oldest has it by whose receipts of that day are: with them it goes where they go."""
        holds_it, visits = receipts.who_has_the_visit(self.visits)
        if not visits:
            return
        whats = {(m, d): f"visit {m} {d.isoformat()}" for m, _, d in visits}
        self.tally.read(sorted(set(whats.values())))
        was_there = receipts.came_on(set(whats), self.found)
        if holds_it:
            holds_it |= self._held_by_receipts({day: was_there[day] for day in holds_it if day in was_there})
        for member, customer, day in sorted(visits):
            bought = Bought(day, 0, tiers.get((customer, day), ""), birthdays.get(customer))
            for currency in self._earned_in(whats[member, day], self.by_visit):
                row = self.tally.row(whats[member, day], currency.key)
                if not row.turns:
                    if self._is_closed(day):
                        continue
                    row.member, row.day = member, day
                    row.gross, row.rules = earning.for_visit(bought, currency.key, self.program)
                is_hers = holds_it.get((member, day), member) == member
                self.tally.come_to(row, row.gross if is_hers and (member, day) in was_there else 0, currency)

    def _held_by_receipts(self, keys: dict[tuple[int, date], set[int]]) -> dict[tuple[int, date], int]:
        """The oldest membership by which one of these receipts was reckoned, for each day that has one."""
        of_all = {key for its_keys in keys.values() for key in its_keys}
        self.tally.read([f"sale {k}" for k in sorted(of_all - self.keys)])
        whose: dict[str, set[int]] = defaultdict(set)
        for row in self.tally.rows.values():
            if row.member:
                whose[row.what].add(row.member)
        found = {day: {m for k in its_keys for m in whose[f"sale {k}"]} for day, its_keys in keys.items()}
        return {day: min(members) for day, members in found.items() if members}


def _bring_back(found: Receipts, tally: Tally) -> None:
    """Of what was spent on a receipt the refunded part comes back, in the proportion of the refund."""
    by_bill = {r.bill: r for r in found.all if r.number and r.member}
    if not by_bill:
        return
    numbers = {number for number, _, _ in by_bill}
    _bring_back_coupons(numbers, by_bill, found, tally.on)
    spent = receipts.spent_on(numbers)
    tally.read([f"back {p}" for p in {one[0] for one in spent}])
    for posting, number, member, day, currency, used in spent:
        bill = found.bill_of(number, member, day)
        receipt = by_bill.get(bill) if bill else None
        if receipt is None or receipt.amount <= 0:
            continue
        back = comes_back(used, receipt.amount, receipt.amount + receipt.back)
        row = tally.row(f"back {posting}", currency)
        if not row.turns:
            if not back:
                continue
            row.member, row.day, row.gross, row.parts = member, day, used, [[posting, used]]
        tally.changes += give_back(row, back, tally.on, number)


def _bring_back_coupons(numbers: set[str], by_bill: dict[Bill, Receipt], found: Receipts, on: date) -> None:
    """Coupons come back with a receipt that was returned whole, and are used again where that is taken back."""
    for use in coupons.uses_on(*numbers):
        bills = {found.bill_of(use.receipt, part.coupon.member_id, use.on) for part in use.parts.all()}
        meant = [by_bill[bill] for bill in bills if bill in by_bill]
        if not meant:
            continue
        is_returned = any(r.back and r.amount + r.back <= 0 for r in meant)
        if is_returned and use.state == CouponUse.State.USED:
            coupons.give_back(use, on=on, is_by_refund=True)
        elif not is_returned and use.state == CouponUse.State.BACK and not coupons.take_again(use):
            words = list(TWICE.fill(receipt=use.receipt))
            Alert.objects.get_or_create(kind="coupons", staff=None, on=on, defaults={"words": words})


def owed_by(members: Iterable[int]) -> dict[tuple[int, str], int]:
    """What members still owe by currency: earned by receipts that were refunded after it had been spent."""
    found: dict[tuple[int, str], int] = {}
    sql = f"SELECT member_id, currency, SUM(owed) FROM {_EARNED} WHERE owed > 0 AND member_id IN ({{marks}}) GROUP BY member_id, currency"
    for member, currency, n in bulk.rows_in(sql, list(members)):
        found[member, currency] = int(n)
    return found
