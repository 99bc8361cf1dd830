"""What a reader is: a table of headers for one product's export, and its few particularities.

A reader says *which* sheets are its own (by their headers, never by the file's name) and *what* each column
means. Turning columns into sales and people is the same work for all of them: `receipts.py`, `people.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from regulars.sales.rules.cells import DIRT, NOTHING
from regulars.sales.rules.headers import match, plain
from regulars.shop.words import Problem, Words


@dataclass(frozen=True)
class Sheet:
    """One table of a file as it stands there: text cells, nothing interpreted.

    `table` has one text column per header (names made unique, blanks at the ends taken off); `rows` says in
    which line each of its lines stands, counted as a spreadsheet counts; `header_row` is 0 where there are
    no headers.
    `spoiled` are lines that do not fit under the headers, with their cells; `since_1904` is how the workbook
    counts days.
    """

    file: str
    name: str
    header_row: int
    headers: list[str]
    table: pa.Table
    rows: Any
    spoiled: list[tuple[Problem, list[str]]] = field(default_factory=list)
    since_1904: bool = False

    def has(self, *headers: str) -> bool:
        """Whether all these headers stand in the sheet, in whatever spelling."""
        mine = {plain(header) for header in self.headers}
        return all(plain(header) in mine for header in headers)

    def empty(self, header: str) -> bool:
        """Whether not a single cell stands under this header."""
        column = self.table[header]
        for part in (column.slice(0, 500), column):
            trimmed = pc.utf8_trim(part, characters=DIRT)
            filled = pc.invert(pc.is_in(trimmed, value_set=pa.array([*sorted(NOTHING), None], pa.string())))
            if pc.any(filled).as_py():
                return False
        return True

    def until(self, words: tuple[str, ...]) -> Sheet:
        """The sheet up to the first line that begins with one of these words: summaries stand below it."""
        if not words or not self.headers:
            return self
        first = pc.utf8_trim(self.table[self.headers[0]], characters=DIRT)
        at = pc.index(pc.is_in(first, value_set=pa.array(words)), True).as_py()
        if at < 0:
            return self
        end = self.rows[at].as_py()
        spoiled = [(problem, cells) for problem, cells in self.spoiled if (problem.row or 0) < end]
        return replace(self, table=self.table.slice(0, at), rows=self.rows.slice(0, at), spoiled=spoiled)


@dataclass(frozen=True)
class Reader:
    """One product's export.

    - `signature`: headers that must all be there (each entry offers alternatives); the more, the surer.
    - `columns`: field → the names it may have, best first.
    - `not_sales`: words in `status` that mean no sale was made; `sold`: the only states that are sales.
    - `refunds`: how `refund_flag` (and, with `refunds_by_status`, `status`) begins where money is given back.
    - `unpaid_without`: the field without which an order was never paid.
    - `lines_of`: what the amount does when a receipt stands in several lines: "sum" them, or "once" because
      each line repeats it; None judges by the file.
    - `ends_at`: first cells of the lines below which only summaries follow.
    - `utc`: times are told in UTC; `companies`: every name is a company's; `currency`: where the file is
      silent.
    - `tidy`: may rework the columns (field → column of text) before they are understood.
    """

    key: str
    name: Words
    kind: str
    signature: tuple[tuple[str, ...], ...]
    columns: Mapping[str, tuple[str, ...]]
    not_sales: tuple[str, ...] = ()
    sold: tuple[str, ...] = ()
    refunds: tuple[str, ...] = ("退款", "退货", "退单", "refund", "return")
    refunds_by_status: bool = False
    unpaid_without: str | None = None
    lines_of: str | None = None
    ends_at: tuple[str, ...] = ()
    utc: bool = False
    companies: bool = False
    currency: str | None = None
    tidy: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    def score(self, sheet: Sheet) -> float:
        """How surely this sheet is this product's: 0 not at all, else by the number of headers recognised."""
        mine = {plain(header) for header in sheet.headers}
        for names in self.signature:
            if not any(plain(name) in mine for name in names):
                return 0.0
        return 10.0 * len(self.signature) + len(match(sheet.headers, self.columns))

    def mapping(self, sheet: Sheet) -> dict[str, str]:
        """{header: field} of this sheet, as this product means it; a column without a single cell gives
        way."""
        mapping = match(sheet.headers, self.columns)
        if not sheet.table.num_rows:
            return mapping
        empty = [header for header in mapping if sheet.empty(header)]
        if not empty:
            return mapping
        better = match([h for h in sheet.headers if h not in empty], self.columns)
        left = {h: f for h, f in mapping.items() if f not in better.values()}
        both = better | left
        return {h: both[h] for h in sheet.headers if h in both}


@dataclass(frozen=True)
class Guess:
    """What a sheet was taken for (`kind`: sales, lines, payments, customers): shown before anything is
    stored."""

    sheet: Sheet
    reader: str
    name: Words
    kind: str
    mapping: dict[str, str]
    samples: dict[str, list[str]]
    unread: list[str]
