"""Files as odd as tills write them, and whatever a shop does between: what is due is what a plain reading of the sales
that count says, and to settle everything anew changes nothing."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from tests.membership.receipts import receipt
from tests.membership.test_machine import FEW_FILES, FIRST, MANY_FILES, Receiving, must_hold
from tests.shops import Shop

from regulars import daily
from regulars.customers.models import Customer, Link
from regulars.membership import night, program, purse, settle, unsettled
from regulars.membership.models import Balance, Earned, Member, Unsettled
from regulars.sales.models import Sale
from regulars.shop.models import Store

NAMES = ["1001", "1002", "1003"]
FEW = settings(FEW_FILES, stateful_step_count=12)

whose = st.sampled_from([*NAMES, ""])
days = st.integers(0, 11).map(lambda n: FIRST + timedelta(n))
sums = st.sampled_from([0, 1, 50, 100, 99_99]) | st.integers(1, 30_000)
any_of = st.integers(0, 99)

Row = dict[str, Any]


class OddFiles(Receiving):
    """Numbers that come again, refunds by nobody or by somebody else, before their sale, with no number or their own;
    prices and names edited; people merged, parted, gone and back."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[Any] = []
        self.files: list[list[Row]] = []
        self.count, self.redeemed = 0, 0
        self.word: Any = None
        self.take_in(
            [{"n": f"S{name}", "who": name, "day": FIRST + timedelta(11), "fen": 5_000} for name in NAMES]
        )

    def fresh(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def take_in(self, rows: list[Row]) -> None:
        done = self.shop.take_in(
            [
                receipt(r["n"], f"{r['fen'] / 100:.2f}", f"{r['day']}", r["who"], 原订单号=r.get("of", ""))
                for r in rows
            ]
        )
        if not done.is_repeat:
            self.batches.append(done.batch)
            self.files.append(rows)

    def one_sold(self, which: int) -> Row | None:
        rows = [r for rows in self.files for r in rows if r["fen"] > 0 and r["n"]]
        return rows[which % len(rows)] if rows else None

    @rule(
        rows=st.lists(
            st.tuples(st.sampled_from(["own", "own", "0001", "0002", ""]), whose, days, sums),
            min_size=1,
            max_size=3,
        )
    )
    def sell(self, rows: list[tuple[str, str, date, int]]) -> None:
        self.take_in(
            [
                {"n": self.fresh("A") if n == "own" else n, "who": who, "day": day, "fen": fen}
                for n, who, day, fen in rows
            ]
        )

    @rule(
        which=any_of,
        of=st.sampled_from(["its number", "its number under its own", "none"]),
        by=st.sampled_from(["her", "her", "", "1002"]),
        later=st.integers(0, 2),
        part=st.sampled_from([1, 2, 10_000]),
    )
    def refund(self, which: int, of: str, by: str, later: int, part: int) -> None:
        sold = self.one_sold(which)
        if sold is None:
            return
        number = sold["n"] if of == "its number under its own" else self.fresh("B")
        self.take_in([{
            "n": number, "who": sold["who"] if by == "her" else by, "day": sold["day"] + timedelta(later),
            "fen": -max(1, sold["fen"] // part), "of": sold["n"] if of == "its number" else "",
        }])  # fmt: skip

    @rule(who=st.sampled_from(NAMES), day=days, before=st.integers(0, 2), comes=st.booleans())
    def refund_before_its_sale(self, who: str, day: date, before: int, comes: bool) -> None:
        number = self.fresh("L")
        self.take_in([{"n": self.fresh("B"), "who": who, "day": day, "fen": -500, "of": number}])
        if comes:
            self.take_in([{"n": number, "who": who, "day": day - timedelta(before), "fen": 900}])

    @rule(who=st.sampled_from(NAMES), day=days, fen=st.integers(1, 3_000))
    def refund_without_a_number(self, who: str, day: date, fen: int) -> None:
        self.take_in([{"n": "", "who": who, "day": day, "fen": -fen}])

    @rule(which=any_of, who=st.none() | whose, fen=st.none() | st.sampled_from([0, 100, 5_000]))
    def edit(self, which: int, who: str | None, fen: int | None) -> None:
        sold = self.one_sold(which)
        if sold is not None:
            changed = {k: v for k, v in (("who", who), ("fen", fen)) if v is not None}
            self.take_in([{**sold, **changed}])

    @rule(which=any_of)
    def the_same_file_comes_again_with_one_more(self, which: int) -> None:
        rows = self.files[which % len(self.files)]
        self.take_in([*rows, {"n": self.fresh("A"), "who": NAMES[0], "day": FIRST, "fen": 700}])

    @precondition(lambda self: len(self.batches) > 1)
    @rule(which=any_of)
    def take_back(self, which: int) -> None:
        place = 1 + which % (len(self.batches) - 1)
        self.files.pop(place)
        daily.undo(self.batches.pop(place))

    @rule(which=any_of, fen=st.sampled_from([0, 0, 500]), day=days)
    def by_hand(self, which: int, fen: int, day: date) -> None:
        everybody = list(Customer.objects.filter(merged_into=None).order_by("id"))
        store = Store.objects.first()
        assert store
        sale = daily.record_sale(everybody[which % len(everybody)], store=store, day=day, amount=fen)
        daily.redraw()
        self.batches.append(sale.batch)
        self.files.append([])

    @rule(which=any_of, to=any_of)
    def name_a_nameless_one(self, which: int, to: int) -> None:
        free = Sale.objects.filter(is_current=True, identity=None, kind="sale", batch__state="complete")
        nameless = list(free.order_by("id"))
        if nameless:
            people = self.members()
            customer = people[to % len(people)].customer
            assert customer
            word = daily.attach(nameless[which % len(nameless)], customer)
            daily.redraw()
            self.batches.append(word.batch)
            self.files.append([])

    @precondition(lambda self: self.word is None)
    @rule(one=any_of, other=any_of)
    def merge(self, one: int, other: int) -> None:
        people = list(
            Customer.objects.filter(merged_into=None, is_gone=False, member__isnull=False).order_by("id")
        )
        a, b = people[one % len(people)], people[other % len(people)]
        if a != b:
            self.word = daily.merge(a, b)
            daily.redraw()

    @precondition(lambda self: self.word is not None)
    @rule()
    def unmerge(self) -> None:
        daily.unmerge(self.word)
        daily.redraw()
        self.word = None

    @rule(which=any_of, early=st.booleans())
    def leave_and_come_back(self, which: int, early: bool) -> None:
        people = self.members()
        one = people[which % len(people)]
        assert one.customer
        program.leave(one, date(2026, 5, 6) if early else self.today)
        program.join(one.customer, self.today, "counter")
        daily.redraw()

    @rule(n=st.integers(1, 9))
    def days_pass(self, n: int) -> None:
        self.today += timedelta(n)
        night.run(self.today, lambda *_: None)

    @rule(which=any_of, part=st.integers(1, 100))
    def redeem(self, which: int, part: int) -> None:
        people = self.members()
        one = people[which % len(people)]
        held = purse.holdings(one, self.today).get("points")
        n = held.can_spend * part // 100 if held else 0
        if n:
            purse.redeem(one, "points", n, key=self.fresh("R"), on=self.today)
            self.redeemed += n

    @staticmethod
    def members() -> list[Member]:
        return list(Member.objects.exclude(customer=None).select_related("customer").order_by("id"))

    @invariant()
    def what_is_due_is_what_the_sales_say(self) -> None:
        assert not Unsettled.objects.exists()
        due, visits = plainly()
        root = {m.pk: root_of(m) for m in self.members()}
        booked: dict[int, int] = defaultdict(int)
        came: dict[tuple[int, date], int] = defaultdict(int)
        for row in Earned.objects.all():
            assert row.member_id is not None
            if row.what.startswith("gone"):
                assert row.due == 0
            elif row.what.startswith("visit"):
                came[root[row.member_id], row.day] += row.due
            elif row.currency == "points":
                booked[root[row.member_id]] += row.due
        assert {k: n for k, n in booked.items() if n} == {k: n for k, n in due.items() if n}
        assert {k: n for k, n in came.items() if n} == dict.fromkeys(visits, 1)
        for currency, total in (("points", sum(booked.values())), ("stamps", sum(came.values()))):
            held = sum(b.in_hand + b.aside for b in Balance.objects.filter(currency=currency))
            owed = sum(e.owed for e in Earned.objects.filter(currency=currency))
            spent = self.redeemed if currency == "points" else 0
            assert held + spent - owed == total, currency

    @invariant()
    def to_settle_everything_anew_changes_nothing(self) -> None:
        unsettled.everything()
        assert settle.settle(self.today) == 0


def root_of(one: Member) -> int:
    assert one.customer
    return one.customer.merged_into_id or one.customer.pk


def plainly() -> tuple[dict[int, int], set[tuple[int, date]]]:
    """Points due by customer, and (customer, day) of the visits, read from the sales that count one by one."""
    sales = list(Sale.objects.filter(is_current=True, batch__state="complete"))
    whose_is = {
        link.identity_id: link.customer.merged_into_id or link.customer_id
        for link in Link.objects.select_related("customer")
    }
    members = defaultdict(list)
    for one in OddFiles.members():
        members[root_of(one)].append(one)
    back, left = refunded(sales)
    points: dict[int, int] = defaultdict(int)
    of_the_day: dict[tuple[int, date], int] = defaultdict(int)
    came = set()
    for sale in left:
        who, day = whose_is.get(sale.identity_id, 0), sale.day
        is_hers = any(
            (one.how == "list" or one.joined_on <= day) and (one.left_on is None or day <= one.left_on)
            for one in members.get(who, [])
        )
        if day < FIRST or not is_hers:
            continue
        times = 200 if day.day in (8, 18, 28) else 100
        if sale.amount < 0:
            points[who] -= times * -sale.amount // 10_000
        else:
            points[who] += times * max(0, sale.amount + back[sale.pk]) // 10_000
        of_the_day[who, day] += sale.amount + back[sale.pk]
        if sale.kind == "attendance":
            came.add((who, day))
    return points, came | {day for day, fen in of_the_day.items() if fen > 0}


def refunded(sales: list[Sale]) -> tuple[dict[int, int], list[Sale]]:
    """Fen refunded of each sale, by its row; and the sales, with the refunds that stand for themselves: of several
    receipts of the number it names, a refund is of the one of its store, of its customer, with enough left."""
    sold = [s for s in sales if s.kind != "refund"]
    back: dict[int, int] = defaultdict(int)
    alone = []
    for refund in sorted((s for s in sales if s.kind == "refund"), key=lambda s: s.key):
        meant = [
            s
            for s in sold
            if refund.refund_of and s.kind == "sale" and (s.receipt, s.day) == (refund.refund_of, refund.day)
        ]
        if meant:
            best = min(meant, key=lambda s: (
                s.store_id != refund.store_id, s.identity_id != refund.identity_id,
                s.amount + back[s.pk] + refund.amount < 0, s.key,
            ))  # fmt: skip
            back[best.pk] += refund.amount
        elif refund.refund_of in ("", refund.receipt):
            alone.append(refund)
    return back, [*sold, *alone]


def of_this(shop: Shop) -> type[OddFiles]:
    return type("OddFilesOfThisShop", (OddFiles,), {"shop": shop})


def test_odd_files_come_out_as_their_sales_say(shop: Shop) -> None:
    must_hold(of_this(shop), FEW)


@pytest.mark.long
def test_odd_files_come_out_as_their_sales_say_for_long(shop: Shop) -> None:
    must_hold(of_this(shop), MANY_FILES)
