"""A year of a snack franchise through the ledger: 30,000 members, 400,000 receipts, and every balance reckoned again.

`python benchmarks/ledger_year.py [receipts] [sqlite|postgres]` writes twelve files of a till (sales, full and partial refunds), imports them month by month,
lets members redeem at the counter in between (some of it on receipts that are refunded later) and runs the nights at the
ends of the months. Then:

- the books are proved, timed;
- points and stamps of every member are reckoned from the raw receipts in plain Python, without a line of `membership/`
  (tiers too: twelve visits or 3,000 yuan), and compared member by member with what she holds less what she owes;
- the liability in fen is compared with the same sum.
"""

from __future__ import annotations

import csv
import os
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np

FIRST = date(2025, 5, 1)
MEMBERS_PER_RECEIPT = 30_000 / 400_000
WORTH = {"points": 1, "stamps": 200}
"""Fen that a unit costs, as the playbook `tiers` says."""


@dataclass
class Receipt:
    number: str
    member: str
    day: date
    fen: int
    refunded: int = 0
    used: int = 0
    """Points that were spent on it."""


@dataclass
class Year:
    """What the till has written, month by month, as plain values."""

    receipts: list[list[Receipt]] = field(default_factory=list)
    refunds: list[list[tuple[Receipt, date]]] = field(default_factory=list)


def ends_of_months() -> list[date]:
    firsts = [
        date(FIRST.year + (FIRST.month - 1 + k) // 12, (FIRST.month - 1 + k) % 12 + 1, 1) for k in range(13)
    ]
    return [day - timedelta(days=1) for day in firsts[1:]]


def live(receipts: int, seed: int = 4) -> Year:
    """A year of receipts: who comes often and who seldom, 3 % refunded, half of these in part."""
    chance = np.random.default_rng(seed)
    members = max(50, round(receipts * MEMBERS_PER_RECEIPT))
    share = chance.gamma(0.9, 1, members)
    share /= share.sum()
    ends = ends_of_months()
    days = (ends[-1] - FIRST).days + 1
    who = chance.choice(members, receipts, p=share).tolist()
    when = np.sort(chance.integers(0, days, receipts)).tolist()
    fen = chance.integers(600, 6_000, receipts).tolist()
    year = Year([[] for _ in ends], [[] for _ in ends])
    fate = chance.random(receipts).tolist()
    later = chance.integers(0, 20, receipts).tolist()
    part = chance.random(receipts).tolist()
    month = 0
    for k in range(receipts):
        day = FIRST + timedelta(days=when[k])
        while day > ends[month]:
            month += 1
        one = Receipt(f"R{k:07}", f"{100_000 + who[k]}", day, fen[k])
        year.receipts[month].append(one)
        if fate[k] < 0.03:
            back_on = min(day + timedelta(days=later[k]), ends[-1])
            one.refunded = one.fen if fate[k] < 0.015 else max(1, int(one.fen * part[k]))
            year.refunds[month + (back_on > ends[month])].append((one, back_on))
    return year


def written(year: Year, folder: Path) -> Iterator[Path]:
    for month, (sold, back) in enumerate(zip(year.receipts, year.refunds, strict=True)):
        path = folder / f"month-{month + 1:02}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(["订单号", "结账时间", "会员号", "实收金额", "原订单号"])
            for r in sold:
                out.writerow([r.number, f"{r.day} 12:00:00", r.member, f"{r.fen / 100:.2f}", ""])
            for r, day in back:
                out.writerow(
                    [f"B{r.number}", f"{day} 13:00:00", r.member, f"-{r.refunded / 100:.2f}", r.number]
                )
        yield path


class Plain:
    """What every member should hold, from the raw receipts and what she was seen to spend."""

    def __init__(self) -> None:
        self.sold: list[Receipt] = []
        self.back: dict[str, int] = {}
        self.times: dict[str, int] = {}
        self.tier: dict[str, int] = defaultdict(lambda: 100)
        self.used: dict[str, int] = defaultdict(int)

    def month(self, on: date, sold: list[Receipt], back: list[tuple[Receipt, date]]) -> None:
        for r in sold:
            self.times[r.number] = max(self.tier[r.member], 200 if r.day.day in (8, 18, 28) else 100)
        self.sold += sold
        self.back |= {r.number: r.refunded for r, _ in back}
        for member, days in self._days().items():
            if sum(net > 0 for net in days.values()) >= 12 or sum(days.values()) >= 300_000:
                self.tier[member] = 150
            elif on.month in (
                6,
                12,
            ):  # the reviews, at the end of June and December: a refund may have cost her the tier
                self.tier[member] = 100

    def _days(self) -> dict[str, dict[date, int]]:
        found: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
        for r in self.sold:
            found[r.member][r.day] += r.fen - self.back.get(r.number, 0)
        return found

    def result(self) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = defaultdict(int)
        for r in self.sold:
            net = r.fen - self.back.get(r.number, 0)
            found[r.member, "points"] += self.times[r.number] * net // 10_000
            if r.used:  # of what was spent on it, the refunded part came back; a fraction stays spent
                found[r.member, "points"] -= -(-r.used * net // r.fen)
        for member, used in self.used.items():
            found[member, "points"] -= used
        for member, days in self._days().items():
            found[member, "stamps"] = sum(net > 0 for net in days.values())
        return found


def run(receipts: int, folder: Path) -> None:
    from regulars import daily
    from regulars.membership import program, purse, settle
    from regulars.membership.models import Balance, Earned, Member, Posting
    from regulars.membership.proof import prove
    from regulars.sales import actions as sales
    from regulars.shop import bulk

    program.open_program("tiers", FIRST)
    year, plain = live(receipts), Plain()
    chance = np.random.default_rng(7)
    spent: dict[str, float] = defaultdict(float)
    at_counter: list[float] = []
    inner = settle.settle

    def timed(on: date, progress: object = settle.quiet) -> int:
        begin = time.perf_counter()
        try:
            return inner(on, progress)  # type: ignore[arg-type]
        finally:
            spent["settle"] += time.perf_counter() - begin

    settle.settle = timed  # type: ignore[assignment]
    profiling = os.environ.get("PROFILE")
    if profiling:
        import cProfile

        profile = cProfile.Profile()

        def seen(on: date, progress: object = settle.quiet) -> int:
            profile.enable()
            try:
                return timed(on, progress)
            finally:
                profile.disable()

        settle.settle = seen  # type: ignore[assignment]
    ends = ends_of_months()
    for month, (path, on) in enumerate(zip(written(year, folder), ends, strict=True)):
        sales.today = lambda on=on: on  # type: ignore[misc]
        begin = time.perf_counter()
        daily.take_in([path])
        spent["import"] += time.perf_counter() - begin
        plain.month(on, year.receipts[month], year.refunds[month])
        begin = time.perf_counter()
        daily.run_day(on)
        spent["night"] += time.perf_counter() - begin
        # At the counter, the day after: a tenth of those who were there spend some of what they hold, every third of
        # them on a receipt of the month to come.
        number_of = dict(
            bulk.rows(
                "SELECT i.id, m.id FROM membership_member m JOIN customers_link l ON l.customer_id = m.customer_id "
                "JOIN sales_identity i ON i.id = l.identity_id"
            )
        )
        from regulars.sales.models import Identity

        if month == 0:
            written_as: dict[str, int] = {}
        for identity in Identity.objects.filter(id__in=number_of):
            written_as.setdefault(identity.written, number_of[identity.pk])
        can = dict(Balance.objects.filter(currency="points").values_list("member", "in_hand"))
        next_receipts = {r.member: r for r in (year.receipts[month + 1] if month < 11 else [])}
        there = sorted({r.member for r in year.receipts[month]})
        for k in chance.choice(len(there), len(there) // 10, replace=False).tolist():
            name = there[k]
            member = written_as[name]
            have = can.get(member, 0)
            if have < 2:
                continue
            amount = int(chance.integers(1, have))
            on_receipt = next_receipts.get(name) if k % 3 == 0 else None
            begin = time.perf_counter()
            purse.redeem(
                Member(pk=member), "points", amount, key=f"{month}.{name}", on=on,
                receipt=on_receipt.number if on_receipt else "",
            )  # fmt: skip
            at_counter.append(time.perf_counter() - begin)
            if on_receipt:
                on_receipt.used = amount
            else:
                plain.used[name] += amount
    begin = time.perf_counter()
    proof = prove()
    spent["prove"] = time.perf_counter() - begin
    assert proof.is_sound, proof.first_break
    expected = plain.result()
    held = {
        (member, currency): in_hand + aside
        for member, currency, in_hand, aside in Balance.objects.values_list(
            "member", "currency", "in_hand", "aside"
        )
    }
    owed: dict[tuple[int, str], int] = defaultdict(int)
    for member, currency, n in Earned.objects.filter(owed__gt=0).values_list("member", "currency", "owed"):
        owed[member, currency] += n
    wrong = [
        (name, currency, n, held.get((written_as[name], currency), 0), owed[written_as[name], currency])
        for (name, currency), n in expected.items()
        if held.get((written_as[name], currency), 0) - owed[written_as[name], currency] != n
    ]
    assert not wrong, (len(wrong), wrong[:5])
    assert not [k for k, n in owed.items() if n and held[k]], "who owes has nothing"
    liability = sum(WORTH[currency] * n for (_, currency), n in expected.items()) + sum(
        WORTH[currency] * n for (_, currency), n in owed.items()
    )
    on_books = sum(
        WORTH[currency] * (accounts.get("member", 0) + accounts.get("liability", 0))
        for currency, accounts in proof.totals.items()
    )
    assert liability == on_books, (liability, on_books)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    p95 = float(np.percentile(at_counter, 95)) * 1000
    print(
        f"{receipts:,} receipts, {len(written_as):,} members: {Posting.objects.count():,} postings, {proof.entries:,} "
        f"entries; imports {spent['import']:.0f} s and nights {spent['night']:.0f} s, of these settling "
        f"{spent['settle']:.0f} s; {len(at_counter):,} redemptions, p95 {p95:.1f} ms; proof {spent['prove']:.1f} s; "
        f"liability {liability / 100:,.2f} yuan as reckoned from the receipts; owed {sum(owed.values()):,}; peak {peak:.0f} MB",
        flush=True,
    )
    if profiling:
        import pstats

        pstats.Stats(profile).sort_stats("cumtime").print_stats(45)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from import_million import database, start

    given = [a for a in sys.argv[1:] if a.isdigit()]
    store = "postgres" if "postgres" in sys.argv else "sqlite"
    with tempfile.TemporaryDirectory(prefix="regulars-year-") as home:
        start(home, database(store, home))
        run(int(given[0]) if given else 400_000, Path(home))
