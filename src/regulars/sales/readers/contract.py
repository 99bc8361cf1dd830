"""What a reader is: a table of headers for one product's export, and its few particularities.

A reader says *which* files are its own (by their headers, never by their name) and *what* each column means.
Turning columns into sales and people is the same work for all of them: `receipts.py`, `people.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from regulars.sales.rules.headers import match, plain
from regulars.shop.words import Problem, Words

KINDS = ("sales", "lines", "customers", "payments")


@dataclass(frozen=True)
class Sheet:
    """One table of a file as it stands there: text cells, nothing interpreted.

    `table` has one text column per header (names made unique, blanks at the ends taken off); `rows` says in which
    line of the file or sheet each of its lines stands, counted as a spreadsheet counts. `spoiled` are lines that do
    not fit under the headers, with their cells; `since_1904` is how the workbook counts days.
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


@dataclass(frozen=True)
class Reader:
    """One product's export.

    `signature`: headers that must all be there (each entry may offer alternatives); the more of them, the surer.
    `columns`: field → the names it may have, best first. `not_sales` / `refunds`: words in the `status` (and
    `refund_flag`) column that mean no sale was made / the row takes money back. `lines_of`: what a receipt's amount
    does when the receipt stands in several lines: "sum" them, or "once" because each line repeats it.
    `tidy` may rework the columns (field → column of clean text) before they are understood.
    """

    key: str
    name: Words
    kind: str
    signature: tuple[tuple[str, ...], ...]
    columns: Mapping[str, tuple[str, ...]]
    not_sales: tuple[str, ...] = ()
    refunds: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    lines_of: str | None = None
    utc: bool = False
    companies: bool = False
    currency: str | None = None
    unpaid_without: str | None = None
    tidy: Callable[[dict[str, Any], Sheet], dict[str, Any]] | None = None

    def score(self, sheet: Sheet) -> float:
        """How surely this sheet is this product's: 0 not at all, else the number of headers recognised."""
        mine = {plain(header) for header in sheet.headers}
        for names in self.signature:
            if not any(plain(name) in mine for name in names):
                return 0.0
        return 10.0 * len(self.signature) + len(match(sheet.headers, self.columns))

    def mapping(self, sheet: Sheet) -> dict[str, str]:
        """{header: field} of this sheet, as this product means it."""
        return match(sheet.headers, self.columns)


@dataclass(frozen=True)
class Guess:
    """What a sheet was taken for: shown to the owner before anything is stored."""

    sheet: Sheet
    reader: str
    name: Words
    kind: str
    mapping: dict[str, str]
    samples: dict[str, list[str]]
    unread: list[str]
