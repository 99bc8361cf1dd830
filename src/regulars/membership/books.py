"""What a window reads of the books and writes into them, a batch at a time: by few statements of the driver's own on
SQLite, by one call of a function each on PostgreSQL, since there every round trip costs as much as the work itself.

Everything here happens inside a transaction: one that the caller holds, or one of the books' own between `begin` and
`commit`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from regulars.membership import kin
from regulars.membership.models import Balance, Entry, Lot, Posting
from regulars.shop import bulk

POSTING, ENTRY, LOT, BALANCE = (m._meta.db_table for m in (Posting, Entry, Lot, Balance))

POSTING_COLUMNS = (
    "id", "source", "source_id", "kind", "member_id", "on", "at", "of_id", "rule", "receipt", "short", "detail", "store_id",
    "by_id",
)  # fmt: skip
LOT_COLUMNS = (
    "id", "member_id", "currency", "posting_id", "on", "amount", "in_hand", "aside", "ends", "ripe_on", "idle", "ended",
)  # fmt: skip
ENTRY_COLUMNS = ("posting_id", "account", "member_id", "currency", "lot_id", "amount")
LOT_CHANGES = ("in_hand", "aside", "ripe_on", "ended", "id")
BALANCE_CHANGES = ("in_hand", "aside", "active_on", "id")

_HELD = 'id, member_id, currency, "on", amount, in_hand, aside, ends, ripe_on, idle, ended'
_KEPT = "member_id, currency, in_hand, aside, active_on, id"
_KNOWN = "source, source_id, kind, id, member_id, short"

Rows = Sequence[Sequence[Any]]

_json = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode


class Page(NamedTuple):
    """What a batch finds, its members locked until the transaction ends. Days are dates or ISO text."""

    family: dict[int, set[int]]
    balances: Rows  # member, currency, in hand, aside, active on, id
    lots: Rows  # id, member, currency, on, amount, in hand, aside, ends, ripe on, idle, ended; those that hold something
    known: Rows  # source, source id, kind, id, member, short of postings with one of the source ids


class Books:
    """The books of SQLite; `books()` gives those of the store in use."""

    def __init__(self, here: BaseDatabaseWrapper) -> None:
        here.ensure_connection()
        self.driver = here.connection

    def begin(self) -> None:
        self.driver.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self.driver.commit()

    def read(
        self,
        members: Collection[int],
        wanted: set[tuple[int, str]],
        on: date,
        source_ids: Collection[str],
        postings: int,
        lots: int,
    ) -> Page:
        """Lock and read all that these members hold, with those who are read as them. Balances (member, currency) that
        are `wanted` are there afterwards, the missing ones as of that day. `postings`, `lots`: how many will likely be
        written."""
        family = kin.grouped(self.rows(kin.kin_sql("IN ({marks})"), sorted(members)))
        of = sorted(family)
        sql = f"SELECT {_KEPT} FROM {BALANCE} WHERE member_id IN ({{marks}})"
        balances = self.rows(sql, of)
        have = {(row[0], row[1]) for row in balances}
        missing = [(m, c, 0, 0, on.isoformat()) for m, c in sorted(wanted - have) if m in family]
        if missing:
            self._insert(BALANCE, ("member_id", "currency", "in_hand", "aside", "active_on"), missing)
            balances = self.rows(sql, of)
        return Page(
            family,
            balances,
            self.rows(
                f"SELECT {_HELD} FROM {LOT} WHERE (in_hand > 0 OR aside > 0) AND member_id IN ({{marks}})", of
            ),
            self.rows(f"SELECT {_KNOWN} FROM {POSTING} WHERE source_id IN ({{marks}})", sorted(source_ids)),
        )

    def lots(self, numbers: Collection[int]) -> Rows:
        """These lots, also where nothing is left of them."""
        return self.rows(f"SELECT {_HELD} FROM {LOT} WHERE id IN ({{marks}})", sorted(numbers))

    def entries_of(self, postings: Collection[int]) -> Rows:
        """Rows (posting, account, member, currency, lot, amount)."""
        return self.rows(
            f"SELECT posting_id, account, member_id, currency, lot_id, amount FROM {ENTRY} "
            "WHERE posting_id IN ({marks}) ORDER BY id",
            sorted(postings),
        )

    def after(self, postings: Collection[int]) -> Rows:
        """Rows (of which, posting, kind, short, account, lot, currency, amount) of what came after these postings and
        speaks of them; the last four are None where nothing could be taken."""
        return self.rows(
            f"SELECT p.of_id, p.id, p.kind, p.short, e.account, e.lot_id, e.currency, e.amount FROM {POSTING} p "
            f"LEFT JOIN {ENTRY} e ON e.posting_id = p.id WHERE p.of_id IN ({{marks}})",
            sorted(postings),
        )

    def ended(self, numbers: Collection[str]) -> Rows:
        """Rows (lot, amount) of what the postings with these numbers, "lot.how often", have let lapse."""
        return self.rows(
            f"SELECT e.lot_id, e.amount FROM {POSTING} p JOIN {ENTRY} e ON e.posting_id = p.id "
            "WHERE p.source = 'lot' AND p.kind = 'expire' AND e.account = 'expired' AND p.source_id IN ({marks})",
            sorted(numbers),
        )

    def ids(self, postings: int, lots: int) -> tuple[Sequence[int], Sequence[int]]:
        """Keys for new rows that nobody else will use."""
        last = dict(self.driver.execute(
            "SELECT name, seq FROM sqlite_sequence WHERE name IN (?, ?)", (POSTING, LOT)
        ).fetchall())  # fmt: skip
        p, n = last.get(POSTING, 0) + 1, last.get(LOT, 0) + 1
        return range(p, p + postings), range(n, n + lots)

    def write(self, postings: Rows, lots: Rows, entries: Rows, lot_changes: Rows, balances: Rows) -> None:
        """Write rows of these columns: `POSTING_COLUMNS`, `LOT_COLUMNS`, `ENTRY_COLUMNS`; `LOT_CHANGES` and
        `BALANCE_CHANGES` of rows that are there."""
        self._insert(POSTING, POSTING_COLUMNS, postings)
        self._insert(LOT, LOT_COLUMNS, lots)
        self._insert(ENTRY, ENTRY_COLUMNS, entries, 2)  # they come in pairs
        self._update(LOT, LOT_CHANGES, lot_changes)
        self._update(BALANCE, BALANCE_CHANGES, balances)

    def detail(self, given: dict[str, Any] | None) -> Any:
        """The value of a posting's column of details."""
        return json.dumps(given) if given else "{}"

    def moment(self, at: datetime) -> str:
        """A moment as this store keeps it; given in UTC."""
        return at.replace(tzinfo=None).isoformat(" ", "microseconds")

    def rows(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Rows of a query with one `IN ({marks})` list."""
        if not values:
            return []
        if len(values) <= bulk.IN_LIST:
            return list(self.driver.execute(_marked(sql, len(values)), values))
        return [row for chunk in bulk.in_chunks(values) for row in self.rows(sql, chunk)]

    def _insert(self, table: str, columns: tuple[str, ...], rows: Rows, at_once: int = 1) -> None:
        if rows:
            values = [(*a, *b) for a, b in zip(rows[::2], rows[1::2], strict=True)] if at_once == 2 else rows
            self.driver.executemany(_insert_sql(table, columns, at_once), values)

    def _update(self, table: str, columns: tuple[str, ...], rows: Rows) -> None:
        if rows:
            self.driver.executemany(_update_sql(table, columns), rows)


@lru_cache
def _marked(sql: str, values: int) -> str:
    return sql.replace("{marks}", ", ".join("?" * values))


@cache
def _insert_sql(table: str, columns: tuple[str, ...], at_once: int) -> str:
    names, marks = ", ".join(f'"{c}"' for c in columns), ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({names}) VALUES {', '.join([f'({marks})'] * at_once)}"


@cache
def _update_sql(table: str, columns: tuple[str, ...]) -> str:
    *changed, key = columns
    return f"UPDATE {table} SET {', '.join(f'{c} = ?' for c in changed)} WHERE {key} = ?"


class _OnPostgres(Books):
    """The same by the functions that a migration has made (`functions`). A transaction of one's own begins with what is
    read and is committed with what is written: two round trips."""

    def __init__(self, here: BaseDatabaseWrapper) -> None:
        super().__init__(here)
        from psycopg.pq import Escaping  # a shop on SQLite need not have it

        self.quoted: Callable[[bytes], bytes] = Escaping(self.driver.pgconn).escape_literal
        self.postings: list[int] = []
        self.lot_numbers: list[int] = []
        self.first = ""
        self.is_own = False
        self.last = ""

    def begin(self) -> None:
        self.first, self.is_own = "BEGIN; ", True

    def commit(self) -> None:
        self.driver.execute(self.last + "COMMIT", prepare=False)

    def read(
        self,
        members: Collection[int],
        wanted: set[tuple[int, str]],
        on: date,
        source_ids: Collection[str],
        postings: int,
        lots: int,
    ) -> Page:
        asked = {
            "members": [*members], "wanted": [*wanted], "on": on.isoformat(), "ids": [*source_ids],
            "postings": postings, "lots": lots,
        }  # fmt: skip
        statement = f"SELECT membership_read({self._said(asked)})"
        unlocked: set[tuple[int, str]] = set()
        while True:
            page = self._page(statement)
            # Her first of a currency may have been booked while this waited for her: read again, now with that locked.
            came = {(lot[1], lot[2]) for lot in page.lots} - {(b[0], b[1]) for b in page.balances}
            if came <= unlocked:
                return page
            unlocked = came

    def _page(self, statement: str) -> Page:
        here = self.driver.execute(self.first + statement, prepare=False)
        if self.first:
            here.nextset()
            self.first = ""
        ((found,),) = here.fetchall()
        kin_rows, balances, held, known, self.postings, self.lot_numbers = found
        return Page(kin.grouped(kin_rows), balances, held, known)

    def _said(self, value: Any) -> str:
        """A value as JSON inside a statement: texts of several statements take no parameters."""
        return self.quoted(_json(value).encode()).decode()

    def rows(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        if not values:
            return []
        return list(self.driver.execute(sql.replace("IN ({marks})", "= ANY(%s)"), [list(values)]).fetchall())

    def detail(self, given: dict[str, Any] | None) -> Any:
        return given or {}

    def moment(self, at: datetime) -> str:
        return at.isoformat(" ", "microseconds")

    def ids(self, postings: int, lots: int) -> tuple[Sequence[int], Sequence[int]]:
        for pool, table, n in ((self.postings, POSTING, postings), (self.lot_numbers, LOT, lots)):
            if n > len(pool):
                sql = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
                pool += [i for (i,) in self.driver.execute(sql, [table, n - len(pool)]).fetchall()]
        return self.postings[:postings], self.lot_numbers[:lots]

    def write(self, postings: Rows, lots: Rows, entries: Rows, lot_changes: Rows, balances: Rows) -> None:
        given = (
            (POSTING_COLUMNS, postings), (LOT_COLUMNS, lots), (ENTRY_COLUMNS, entries), (LOT_CHANGES, lot_changes),
            (BALANCE_CHANGES, balances),
        )  # fmt: skip
        said = [self._said([dict(zip(names, row, strict=True)) for row in rows]) for names, rows in given]
        statement = f"SELECT membership_write({', '.join(said)})"
        if self.is_own:
            self.last = statement + "; "
        else:
            self.driver.execute(statement, prepare=False)


def books() -> Books:
    """Those of the store in use."""
    here = connections[DEFAULT_DB_ALIAS]
    return _OnPostgres(here) if here.vendor == "postgresql" else Books(here)
