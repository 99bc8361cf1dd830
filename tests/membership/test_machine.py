"""Whatever happens to purses, in whatever order: the books agree, and everybody holds what a plain list of her lots says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.membership.receipts import receipt
from tests.membership.test_ledger import member
from tests.shops import Shop

from regulars import daily
from regulars.customers.models import Customer
from regulars.membership import books, night, program, purse, settle, teller, unsettled
from regulars.membership.models import Balance, Earned, Entry, Lot, Member, Posting, Reservation
from regulars.membership.proof import prove
from regulars.membership.rules.ledger import Move
from regulars.sales.models import Identity
from regulars.shop import bulk
from regulars.shop.words import Refused

FIRST = date(2026, 5, 1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FEW = settings(
    max_examples=14, stateful_step_count=20, deadline=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
MANY = settings(FEW, max_examples=1_500, stateful_step_count=50, derandomize=False)
FEW_FILES = settings(FEW, max_examples=5, stateful_step_count=8)
MANY_FILES = settings(FEW_FILES, max_examples=150, stateful_step_count=25, derandomize=False)

people = st.integers(0, 2)
amounts = st.integers(1, 60)


class Crash(Exception):
    """The plug is pulled."""


@dataclass(eq=False)
class Heap:
    """A lot as a child would keep it: a heap of so many, whose, until when."""

    who: int
    currency: str
    on: date
    n: int
    ends: date | None = None
    ripe: date | None = None
    kept: int = 0
    """Reserved for a till."""
    number: int = 0


@dataclass
class Past:
    posting: int
    who: int
    currency: str
    drawn: list[tuple[Heap, int]]
    undone: int = 0


class Books(RuleBasedStateMachine):
    """What both machines look at after every step."""

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    def begin(self) -> None:
        self.example = transaction.atomic()
        self.example.__enter__()

    @invariant()
    def books_agree(self) -> None:
        proof = prove()
        assert proof.is_sound, proof.first_break
        for accounts in proof.totals.values():
            assert sum(accounts.values()) == 0, "debits are credits"
        assert (
            not Balance.objects.filter(in_hand__lt=0).exists()
            and not Balance.objects.filter(aside__lt=0).exists()
        )
        lots: dict[tuple[int, str], int] = {}
        for lot in Lot.objects.all():
            lots[lot.member_id, lot.currency] = (
                lots.get((lot.member_id, lot.currency), 0) + lot.in_hand + lot.aside
            )
        entries: dict[tuple[int, str], int] = {}
        for e in Entry.objects.filter(account__in=("member", "liability")):
            entries[e.member_id, e.currency] = entries.get((e.member_id, e.currency), 0) + e.amount
        kept = {(b.member_id, b.currency): b.in_hand + b.aside for b in Balance.objects.all()}
        assert kept == {**dict.fromkeys(kept, 0), **lots} == {**dict.fromkeys(kept, 0), **entries}
        keys = list(Posting.objects.values_list("source", "source_id", "kind"))
        assert len(keys) == len(set(keys)), "every business key once"

    def all_rows(self) -> list[Any]:
        return [
            list(m.objects.order_by("id").values_list()) for m in (Posting, Entry, Lot, Balance, Reservation, Earned)
        ]  # fmt: skip

    def crash_at(self, point: int, do: Callable[[], Any]) -> None:
        """Pull the plug at the so-manieth write of a booking, if it comes to that: nothing of it is left."""
        before, seen = self.all_rows(), 0

        def counted(inner: Any) -> Any:
            def call(*given: Any, **more: Any) -> Any:
                nonlocal seen
                seen += 1
                if seen == point:
                    raise Crash
                return inner(*given, **more)

            return call

        kind = type(books.books())
        steps = ("read", "write") if bulk.is_postgres() else ("_insert", "_update")
        with ExitStack() as patched:
            for step in steps:
                patched.enter_context(patch.object(kind, step, counted(getattr(kind, step))))
            try:
                with transaction.atomic():
                    do()
                    raise Crash
            except (Crash, Refused):
                assert self.all_rows() == before


class Ledger(Books):
    """Moves on three purses of which two may be read together, beside plain heaps."""

    def __init__(self) -> None:
        super().__init__()
        self.begin()
        self.who = [member(n) for n in range(3)]
        self.day, self.count = FIRST, 0
        self.heaps: list[Heap] = []
        self.spent: list[Past] = []
        self.earned: list[Past] = []
        self.waiting: list[tuple[str, Past]] = []
        self.moves: list[Move] = []
        self.pair: tuple[int, int] | None = None

    # --- the plain side

    def group(self, who: int) -> set[int]:
        return set(self.pair) if self.pair and who in self.pair else {who}

    def spendable(self, who: int, currency: str) -> list[Heap]:
        found = [
            h for h in self.heaps if h.who in self.group(who) and h.currency == currency and h.n
            and (h.ends is None or h.ends >= self.day) and (h.ripe is None or h.ripe <= self.day)
        ]  # fmt: skip
        return sorted(found, key=lambda h: (h.ends or date.max, h.on, h.number))

    def can_spend(self, who: int, currency: str) -> int:
        return sum(h.n for h in self.spendable(who, currency))

    def draw(self, heaps: list[Heap], n: int) -> list[tuple[Heap, int]]:
        drawn = []
        for heap in heaps:
            some = min(n, heap.n)
            if some:
                heap.n -= some
                n -= some
                drawn.append((heap, some))
        return drawn

    def heap(self, *given: Any, **more: Any) -> Heap:
        made = Heap(*given, **more, number=len(self.heaps))
        self.heaps.append(made)
        return made

    # --- both sides

    def key(self) -> str:
        self.count += 1
        return str(self.count)

    def post(self, move: Move, crash: int, is_possible: bool) -> Any:
        if crash:
            self.crash_at(crash, lambda: teller.post(move))
        if not is_possible:
            before = self.all_rows()
            with pytest.raises(Refused), transaction.atomic():
                teller.post(move)
                assert before is None, "it was booked"
            return None
        (done,) = teller.post(move)
        assert done.is_new
        self.moves.append(move)
        return done

    def move(self, verb: str, kind: str, who: int, n: int = 0, currency: str = "points", **more: Any) -> Move:
        return Move(
            verb, kind, "machine", self.key(), self.who[who], self.day, ((currency, n),) if n else (), **more
        )  # type: ignore[arg-type]

    crashes = st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5])

    @rule(
        who=people,
        n=amounts,
        ends=st.one_of(st.none(), st.integers(0, 40)),
        ripe=st.sampled_from([0, 0, 7]),
        crash=crashes,
    )
    def earn(self, who: int, n: int, ends: int | None, ripe: int, crash: int) -> None:
        last = None if ends is None else self.day + timedelta(ends + ripe)
        from_ = self.day + timedelta(ripe) if ripe else None
        done = self.post(self.move("put", "earn", who, n, ends=last, ripe_on=from_), crash, True)
        made = self.heap(who, "points", self.day, n, last, from_)
        self.earned.append(Past(done.posting, who, "points", [(made, n)]))

    @rule(who=people, n=amounts, crash=crashes)
    def redeem(self, who: int, n: int, crash: int) -> None:
        possible = self.can_spend(who, "points") >= n
        done = self.post(self.move("take", "redeem", who, n), crash, possible)
        if done:
            self.spent.append(Past(done.posting, who, "points", self.draw(self.spendable(who, "points"), n)))

    @precondition(lambda self: self.spent)
    @rule(which=st.integers(0, 99), n=amounts, crash=crashes)
    def refund_what_was_spent(self, which: int, n: int, crash: int) -> None:
        past = self.spent[which % len(self.spent)]
        open_ = sum(k for _, k in past.drawn) - past.undone
        done = self.post(
            self.move("give-back", "give-back", past.who, n, past.currency, of=past.posting),
            crash,
            n <= open_,
        )
        if not done:
            return
        skip, left = past.undone, n
        past.undone += n
        for heap, k in reversed(past.drawn):
            passed = min(skip, k)
            skip -= passed
            back = min(k - passed, left)
            left -= back
            if back and heap.ends is not None and heap.ends < self.day:
                self.heap(heap.who, heap.currency, self.day, back, self.day + timedelta(30))
            else:
                heap.n += back

    @precondition(lambda self: self.earned)
    @rule(which=st.integers(0, 99), n=amounts, crash=crashes)
    def refund_what_earned(self, which: int, n: int, crash: int) -> None:
        past = self.earned[which % len(self.earned)]
        open_ = sum(k for _, k in past.drawn) - past.undone
        done = self.post(self.move("take-back", "reverse", past.who, n, of=past.posting), crash, n <= open_)
        if not done:
            return
        past.undone += n
        own = past.drawn[0][0]
        taken = sum(
            k for _, k in self.draw([own], n)
        )  # also what has lapsed of it: she has lost that already
        others = sorted(self.spendable(past.who, "points"), key=lambda h: (h.on, h.number), reverse=True)
        taken += sum(k for _, k in self.draw(others, n - taken))
        pending = sorted(
            (h for h in self.heaps if h.who in self.group(past.who) and h.currency == "points" and h.ripe and h.ripe > self.day),
            key=lambda h: (h.on, h.number), reverse=True,
        )  # fmt: skip
        taken += sum(k for _, k in self.draw(pending, n - taken))
        assert done.short == n - taken

    @rule(who=people, n=amounts, crash=crashes)
    def reserve(self, who: int, n: int, crash: int) -> None:
        possible = self.can_spend(who, "points") >= n
        key = self.key()
        person = Member.objects.get(pk=self.who[who])

        def ask() -> Reservation:
            return purse.reserve(person, "points", n, key=key, on=self.day)

        if crash:
            self.crash_at(crash, ask)
        if not possible:
            with pytest.raises(Refused), transaction.atomic():
                ask()
            return
        made = ask()
        assert ask().pk == made.pk
        drawn = self.draw(self.spendable(who, "points"), n)
        for heap, k in drawn:
            heap.kept += k
        self.waiting.append((made.code, Past(made.posting_id, who, "points", drawn)))

    @precondition(lambda self: self.waiting)
    @rule(how=st.sampled_from(["confirm", "release", "time-out"]), crash=crashes)
    def end_reservation(self, how: str, crash: int) -> None:
        code, past = self.waiting.pop(0)
        if how == "time-out":
            Reservation.objects.filter(code=code).update(until=LONG_AGO)
            assert purse.let_go_of_late(self.day) == 1
            with pytest.raises(Refused):
                purse.confirm(code, on=self.day)
        else:
            end = purse.confirm if how == "confirm" else purse.release
            if crash:
                self.crash_at(crash, lambda: end(code, on=self.day))
            done = end(code, on=self.day)
            assert done.is_new and not end(code, on=self.day).is_new, "asked twice it is done once"
            other = purse.release if how == "confirm" else purse.confirm
            with pytest.raises(Refused), transaction.atomic():
                other(code, on=self.day)
        for heap, k in past.drawn:
            heap.kept -= k
            if how != "confirm":
                heap.n += k

    @rule(who=people, to=people, n=amounts, crash=crashes)
    def transfer(self, who: int, to: int, n: int, crash: int) -> None:
        possible = to not in self.group(who) and self.can_spend(who, "points") >= n
        if self.post(self.move("hand-over", "transfer", who, n, to=self.who[to]), crash, possible):
            for heap, k in self.draw(self.spendable(who, "points"), n):
                self.heap(to, "points", self.day, k, heap.ends)

    @rule(who=people, n=st.integers(-40, 40).filter(bool), crash=crashes)
    def correct(self, who: int, n: int, crash: int) -> None:
        possible = n > 0 or self.can_spend(who, "points") >= -n
        if self.post(self.move("put" if n > 0 else "take", "correct", who, abs(n)), crash, possible):
            if n > 0:
                self.heap(who, "points", self.day, n)
            else:
                self.draw(self.spendable(who, "points"), -n)

    @rule(who=people, n=amounts, more=st.integers(0, 20), crash=crashes)
    def top_up(self, who: int, n: int, more: int, crash: int) -> None:
        self.post(self.move("put", "top-up", who, n, "principal"), crash, True)
        self.heap(who, "principal", self.day, n)
        if more:
            self.post(
                self.move("put", "bonus", who, more, "bonus", ends=self.day + timedelta(30)), crash, True
            )
            self.heap(who, "bonus", self.day, more, self.day + timedelta(30))

    @rule(who=people, n=amounts, crash=crashes)
    def pay(self, who: int, n: int, crash: int) -> None:
        own = self.can_spend(who, "principal")
        possible = own + self.can_spend(who, "bonus") >= n
        done = self.post(
            self.move("take", "pay", who, n, "principal", order="principal-first"), crash, possible
        )
        if done:
            for currency, k in (("principal", min(n, own)), ("bonus", n - min(n, own))):
                if k:
                    drawn = self.draw(self.spendable(who, currency), k)
                    self.spent.append(Past(done.posting, who, currency, drawn))

    @rule(who=people, n=amounts, crash=crashes)
    def pay_out(self, who: int, n: int, crash: int) -> None:
        own, bonus = self.can_spend(who, "principal"), self.can_spend(who, "bonus")
        if self.post(self.move("pay-out", "pay-out", who, n, "principal"), crash, own >= n):
            self.draw(self.spendable(who, "principal"), n)
            self.draw(self.spendable(who, "bonus"), -(-bonus * n // own))

    @precondition(lambda self: self.moves)
    @rule(which=st.integers(0, 999))
    def retry(self, which: int) -> None:
        """A double click, a till that sends again: nothing changes, and the answer is the same."""
        before = self.all_rows()
        (done,) = teller.post(self.moves[which % len(self.moves)])
        assert not done.is_new and self.all_rows() == before

    @rule(days=st.integers(1, 20), tidies=st.booleans())
    def days_pass(self, days: int, tidies: bool) -> None:
        self.day += timedelta(days)
        if tidies:
            night.tidy(self.day)
            assert night.tidy(self.day) == 0, "once is enough"

    @rule(one=people, other=people)
    def merge(self, one: int, other: int) -> None:
        if self.pair is None and one != other:
            night.tidy(self.day)
            self.pair = (one, other)
            self._read(other, self._customer(one))

    @precondition(lambda self: self.pair)
    @rule()
    def unmerge(self) -> None:
        assert self.pair
        night.tidy(self.day)
        self._read(self.pair[1], None)
        self.pair = None

    def _customer(self, who: int) -> Customer:
        found = Member.objects.get(pk=self.who[who]).customer
        assert found
        return found

    def _read(self, who: int, into: Customer | None) -> None:
        Customer.objects.filter(pk=self._customer(who).pk).update(merged_into=into)

    @invariant()
    def everybody_holds_what_the_heaps_say(self) -> None:
        for who in range(3):
            found = purse.holdings(Member.objects.get(pk=self.who[who]), self.day)
            for currency in ("points", "principal", "bonus"):
                have = found[currency].can_spend if currency in found else 0
                assert have == self.can_spend(who, currency), (who, currency)


NAMES = ["1001", "1002", "1003"]


class Receiving(Books):
    """A shop with a programme that takes files in, whose days go by."""

    shop: Shop

    def __init__(self) -> None:
        super().__init__()
        self.begin()
        self.shop.empty()
        self.today = date(2026, 5, 20)
        self.clock = patch("regulars.sales.actions.today", lambda: self.today)
        self.clock.start()
        program.open_program("tiers", FIRST)

    def teardown(self) -> None:
        self.clock.stop()
        super().teardown()


class Files(Receiving):
    """Receipts come, come again, are refunded, edited, taken back; people are merged and parted and spend in between.
    What is due is reckoned from the files that count, in plain Python."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[tuple[Any, list[dict[str, Any]]]] = []
        self.count, self.redeemed = 0, 0
        self.word: Any = None
        self.pair: set[str] = set()
        self.take_in(
            [
                {"number": f"S{name}", "who": name, "day": FIRST + timedelta(11), "fen": 5_000, "of": ""}
                for name in NAMES
            ]
        )

    def take_in(self, rows: list[dict[str, Any]]) -> None:
        sheet = [
            receipt(r["number"], f"{r['fen'] / 100:.2f}", f"{r['day']}", r["who"], 原订单号=r["of"])
            for r in rows
        ]
        done = self.shop.take_in(sheet)
        if not done.is_repeat:
            self.files.append((done.batch, rows))

    def standing(self) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
        """Receipts by number as the latest file has them, and fen refunded of each."""
        sold: dict[str, dict[str, Any]] = {}
        back: dict[str, int] = {}
        for _, rows in self.files:
            for r in rows:
                if r["of"]:
                    back[r["number"]] = r["fen"]
                    refund_of[r["number"]] = r["of"]
                else:
                    sold[r["number"]] = r
        of: dict[str, int] = {}
        for number, fen in back.items():
            of[refund_of[number]] = of.get(refund_of[number], 0) - fen
        return sold, of

    def due(self) -> int:
        sold, back = self.standing()
        total = 0
        for number, r in sold.items():
            times = 200 if r["day"].day in (8, 18, 28) else 100
            net = max(0, r["fen"] - back.get(number, 0))
            total += times * net // 10_000
        return total

    @rule(
        rows=st.lists(st.tuples(people, st.integers(1, 20), st.integers(50, 30_000)), min_size=1, max_size=3)
    )
    def sell(self, rows: list[tuple[int, int, int]]) -> None:
        made = []
        for who, day, fen in rows:
            self.count += 1
            made.append(
                {
                    "number": f"A{self.count}",
                    "who": NAMES[who],
                    "day": FIRST + timedelta(day - 1),
                    "fen": fen,
                    "of": "",
                }
            )
        self.take_in(made)

    @rule(which=st.integers(0, 99), part=st.integers(1, 100))
    def refund(self, which: int, part: int) -> None:
        sold, back = self.standing()
        r = list(sold.values())[which % len(sold)]
        left = r["fen"] - back.get(r["number"], 0)
        fen = max(1, left * part // 100) if left > 0 else 0
        if fen:
            self.count += 1
            self.take_in([{**r, "number": f"B{self.count}", "fen": -fen, "of": r["number"]}])

    @rule(which=st.integers(0, 99))
    def the_same_file_comes_again_with_one_more(self, which: int) -> None:
        _, rows = self.files[which % len(self.files)]
        sold, _ = self.standing()
        if all(r["of"] or sold[r["number"]] is r for r in rows):
            self.count += 1
            self.take_in(
                [*rows, {"number": f"A{self.count}", "who": NAMES[0], "day": FIRST, "fen": 700, "of": ""}]
            )

    @precondition(lambda self: len(self.files) > 1)
    @rule(which=st.integers(1, 99))
    def take_back_a_file(self, which: int) -> None:
        place = 1 + which % (len(self.files) - 1)
        batch, _ = self.files[place]
        daily.undo(batch)
        del self.files[place]

    @rule(who=people, part=st.integers(1, 100))
    def redeem(self, who: int, part: int) -> None:
        person = self.person(who)
        have = purse.holdings(person, self.today)["points"].can_spend
        n = have * part // 100
        if n:
            self.count += 1
            for _ in range(2):
                purse.redeem(person, "points", n, key=str(self.count), on=self.today)
            self.redeemed += n

    def person(self, who: int) -> Member:
        (identity,) = [i for i in Identity.objects.all() if i.written == NAMES[who]]
        found = program.member_of(Customer.objects.get(links__identity=identity))
        assert found
        return found

    @rule(one=people, other=people)
    def merge(self, one: int, other: int) -> None:
        if self.word is None and one != other:
            customers = [self.person(n).customer for n in (one, other)]
            assert customers[0] and customers[1]
            self.word = daily.merge(customers[0], customers[1])
            self.pair = {NAMES[one], NAMES[other]}
            settle.settle(self.today)

    @precondition(lambda self: self.word)
    @rule()
    def unmerge(self) -> None:
        daily.unmerge(self.word)
        settle.settle(self.today)
        self.word, self.pair = None, set()

    @rule(days=st.integers(1, 9))
    def days_pass(self, days: int) -> None:
        self.today += timedelta(days)
        night.run(self.today, lambda *_: None)

    @rule(point=st.integers(1, 8))
    def crash(self, point: int) -> None:
        unsettled.everything()
        self.crash_at(point, lambda: settle.settle(self.today))
        settle.settle(self.today)

    @invariant()
    def what_is_due_is_held_or_spent_or_owed(self) -> None:
        due = sum(e.due for e in Earned.objects.filter(currency="points", what__startswith="sale"))
        assert due == self.due()
        held = sum(b.in_hand + b.aside for b in Balance.objects.filter(currency="points"))
        owed = sum(e.owed for e in Earned.objects.filter(currency="points"))
        assert held + self.redeemed - owed == due, (held, self.redeemed, owed, due)

    @invariant()
    def a_day_is_one_visit_of_one_person(self) -> None:
        sold, back = self.standing()
        days: dict[tuple[str, date], int] = {}
        for number, r in sold.items():
            who = min(self.pair) if r["who"] in self.pair else r["who"]
            days[who, r["day"]] = days.get((who, r["day"]), 0) + r["fen"] - back.get(number, 0)
        stamps = sum(b.in_hand for b in Balance.objects.filter(currency="stamps"))
        assert stamps == sum(net > 0 for net in days.values())


refund_of: dict[str, str] = {}


def must_hold(machine: type[Books], how: settings) -> None:
    """Fails with the shortest story that breaks an invariant of the machine."""
    run_state_machine_as_test(machine, settings=how)


def test_purses_come_out_as_plain_heaps_do(shop: Shop) -> None:
    must_hold(Ledger, FEW)


def files_of(shop: Shop) -> type[Files]:
    return type("FilesOfThisShop", (Files,), {"shop": shop})


def test_receipts_come_out_as_the_files_that_count_say(shop: Shop) -> None:
    must_hold(files_of(shop), FEW_FILES)


@pytest.mark.long
def test_purses_come_out_as_plain_heaps_do_for_long(shop: Shop) -> None:
    must_hold(Ledger, MANY)


@pytest.mark.long
def test_receipts_come_out_as_the_files_that_count_say_for_long(shop: Shop) -> None:
    must_hold(files_of(shop), MANY_FILES)
