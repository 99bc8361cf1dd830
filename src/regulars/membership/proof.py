"""The books are proved: every posting sums to nought, every lot and balance is the sum of its entries, nothing is below
nought and no business key stands twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from regulars.membership.models import Balance, Entry, Lot, Posting
from regulars.shop import bulk
from regulars.shop.words import Words

_ENTRY, _POSTING, _LOT, _BALANCE = (m._meta.db_table for m in (Entry, Posting, Lot, Balance))

_SUMS = "membership_sums"


@dataclass(frozen=True)
class Break:
    """Where the books do not agree."""

    what: str
    where: str
    expected: int
    found: int

    @property
    def words(self) -> Words:
        said = {
            "posting": Words("第 {where} 笔账不平：差 {found}", "Posting {where} does not balance: off by {found}"),
            "lot-hand": Words("第 {where} 份应有 {expected}，记着 {found}", "Lot {where} should hold {expected} and says {found}"),
            "lot-aside": Words("第 {where} 份应留着 {expected}，记着 {found}", "Lot {where} should have {expected} aside and says {found}"),
            "balance-hand": Words("余额 {where} 应有 {expected}，记着 {found}", "Balance {where} should be {expected} and says {found}"),
            "balance-aside": Words("余额 {where} 应留着 {expected}，记着 {found}", "Balance {where} should have {expected} aside and says {found}"),
            "owner": Words("第 {where} 条分录记在别人的份上：应是 {expected}，份上是 {found}", "Entry {where} stands on the lot of somebody else, of another currency or of nobody: member {expected}, lot of {found}"),
            "key": Words("业务号 {where} 记了 {found} 次", "The business key {where} stands {found} times"),
            "entries": Words("第 {where} 笔账没有分录", "Posting {where} has no entries"),
            "gone": Words("有分录或积分批次属于第 {where} 笔账，那笔账却不在了", "Entries or a lot belong to posting {where}, which is not there"),
        }[self.what]  # fmt: skip
        return said.fill(where=self.where, expected=self.expected, found=self.found)

    def record(self, lang: str) -> dict[str, Any]:
        return {
            "what": self.what, "where": self.where, "expected": self.expected, "found": self.found, "says": self.words.say(lang),
        }  # fmt: skip


@dataclass(frozen=True)
class Proof:
    """What the books come to: totals by currency and account, how much was looked at, and the first break if any."""

    totals: dict[str, dict[str, int]]
    postings: int
    entries: int
    lots: int
    members: int
    breaks: int = 0
    first_break: Break | None = None

    @property
    def is_sound(self) -> bool:
        return self.first_break is None

    def record(self, lang: str) -> dict[str, Any]:
        return {
            "sound": self.is_sound, "totals": self.totals, "postings": self.postings, "entries": self.entries,
            "lots": self.lots, "members": self.members, "breaks": self.breaks,
            "first_break": self.first_break.record(lang) if self.first_break else None,
        }  # fmt: skip


@dataclass
class _Found:
    breaks: list[Break] = field(default_factory=list)

    def add(self, what: str, sql: str) -> None:
        self.breaks += [Break(what, str(where), int(e or 0), int(f or 0)) for where, e, f in bulk.rows(sql)]

    def add_both(self, what: str, sql: str) -> None:
        """Rows (where, sum of what is in hand, what is said of it, sum of what is aside, what is said of it)."""
        for where, hand, says_hand, aside, says_aside in bulk.rows(sql):
            if hand != says_hand or says_hand < 0:
                self.breaks.append(Break(f"{what}-hand", str(where), int(hand), int(says_hand)))
            if aside != says_aside or says_aside < 0:
                self.breaks.append(Break(f"{what}-aside", str(where), int(aside), int(says_aside)))


def prove() -> Proof:
    """Add everything up anew, as one picture of the books: nobody's posting in between looks like a break."""
    from django.db import connection, transaction

    if connection.in_atomic_block:
        return _prove()
    if bulk.is_postgres():
        with transaction.atomic():
            bulk.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            return _prove()
    # Not a transaction of Django's: that one would hold SQLite's only pen, and nobody could book as long as it reads.
    bulk.execute("BEGIN")
    try:
        return _prove()
    finally:
        bulk.execute("ROLLBACK")


def _prove() -> Proof:
    # All entries are grouped once: totals, balances and who has none are read from that.
    bulk.execute(f"DROP TABLE IF EXISTS {_SUMS}")
    bulk.execute(
        f"CREATE TEMPORARY TABLE {_SUMS} AS SELECT member_id, currency, account, COUNT(*) AS entries, SUM(amount) AS amount "
        f"FROM {_ENTRY} GROUP BY member_id, currency, account"
    )
    found = _compared()
    bulk.execute(f"DROP TABLE {_SUMS}")
    return found


def _compared() -> Proof:
    totals: dict[str, dict[str, int]] = {}
    entries = 0
    for currency, account, n, total in bulk.rows(
        f"SELECT currency, account, SUM(entries), SUM(amount) FROM {_SUMS} GROUP BY currency, account ORDER BY currency, account"
    ):
        totals.setdefault(currency, {})[account] = int(total)
        entries += int(n)
    found = _Found()
    found.add(
        "posting",
        f"SELECT posting_id, 0, SUM(amount) FROM {_ENTRY} GROUP BY posting_id, currency HAVING SUM(amount) <> 0 ORDER BY 1 LIMIT 100",
    )
    found.add(
        "entries",
        f"SELECT p.id, 1, 0 FROM {_POSTING} p WHERE p.short = 0 AND NOT EXISTS "
        f"(SELECT 1 FROM {_ENTRY} e WHERE e.posting_id = p.id) ORDER BY 1 LIMIT 100",
    )
    for table in (_ENTRY, _LOT):
        found.add(
            "gone",
            f"SELECT x.posting_id, 1, 0 FROM (SELECT DISTINCT posting_id FROM {table}) x WHERE NOT EXISTS "
            f"(SELECT 1 FROM {_POSTING} p WHERE p.id = x.posting_id) ORDER BY 1 LIMIT 100",
        )
    hand = "SUM(CASE WHEN account = 'member' THEN amount ELSE 0 END)"
    aside = "SUM(CASE WHEN account = 'liability' THEN amount ELSE 0 END)"
    held = "WHERE account IN ('member', 'liability')"
    by_lot = f"(SELECT lot_id, {hand} AS hand, {aside} AS aside FROM {_ENTRY} {held} GROUP BY lot_id)"
    by_member = f"(SELECT member_id, currency, {hand} AS hand, {aside} AS aside FROM {_SUMS} {held} GROUP BY member_id, currency)"
    wrong = "COALESCE(e.hand, 0) <> {0}.in_hand OR COALESCE(e.aside, 0) <> {0}.aside OR {0}.in_hand < 0 OR {0}.aside < 0"
    sums = "COALESCE(e.hand, 0), {0}.in_hand, COALESCE(e.aside, 0), {0}.aside"
    found.add_both(
        "lot",
        f"SELECT l.id, {sums.format('l')} FROM {_LOT} l LEFT JOIN {by_lot} e ON e.lot_id = l.id "
        f"WHERE {wrong.format('l')} ORDER BY l.id LIMIT 100",
    )
    found.add_both(
        "balance",
        f"SELECT b.member_id || ' ' || b.currency, {sums.format('b')} FROM {_BALANCE} b LEFT JOIN {by_member} e "
        f"ON e.member_id = b.member_id AND e.currency = b.currency WHERE {wrong.format('b')} ORDER BY b.id LIMIT 100",
    )
    found.add(
        "balance-hand",
        f"SELECT b.member_id || ' ' || b.currency, b.hand + b.aside, 0 FROM {by_member} b WHERE NOT EXISTS "
        f"(SELECT 1 FROM {_BALANCE} x WHERE x.member_id = b.member_id AND x.currency = b.currency) ORDER BY 1 LIMIT 100",
    )
    found.add(
        "owner",
        f"SELECT e.id, e.member_id, COALESCE(l.member_id, 0) FROM {_ENTRY} e LEFT JOIN {_LOT} l ON l.id = e.lot_id "
        f"{held} AND (l.id IS NULL OR l.member_id <> e.member_id OR l.currency <> e.currency) ORDER BY e.id LIMIT 100",
    )
    found.add(
        "key",
        "SELECT source || ' ' || source_id || ' ' || kind, 1, n FROM (SELECT source_id, source, kind, COUNT(*) AS n "
        f"FROM {_POSTING} GROUP BY source_id, source, kind) k WHERE n > 1 LIMIT 100",
    )
    ((postings,),) = bulk.rows(f"SELECT COUNT(*) FROM {_POSTING}")
    ((lots,),) = bulk.rows(f"SELECT COUNT(*) FROM {_LOT}")
    ((members,),) = bulk.rows(f"SELECT COUNT(DISTINCT member_id) FROM {_BALANCE}")
    first = found.breaks[0] if found.breaks else None
    return Proof(totals, postings, entries, lots, members, len(found.breaks), first)
