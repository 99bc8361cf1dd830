"""A file without headers: which column names the customer, which is the day, which the amount, judged by
content."""

from __future__ import annotations

import re

from regulars.sales.readers.contract import Reader, Sheet
from regulars.sales.rules.cells import clean
from regulars.sales.rules.dates import instant, looks_dated
from regulars.sales.rules.money import fen
from regulars.sales.rules.phones import phone
from regulars.shop.words import Words

READER = Reader(
    key="headless",
    name=Words("没有表头的文件", "File without headers"),
    kind="sales",
    signature=(),
    columns={},
)
_LOOKED_AT = 200
_BEFORE_TILLS = 2005
"""No till hands out attendances from before this year; in any list of customers at least half were born before it."""


_NAME = re.compile(r"^[^\d]{1,40}$")


def _born(texts: list[str]) -> bool:
    """Whether dates are birthdays: days without a clock, half of them older than any till."""
    days = [instant(text) for text in texts]
    if any(day is not None and (day.hour or day.minute) for day in days):
        return False
    old = sum(day is None or day.year < _BEFORE_TILLS for day in days)
    return any(day is not None for day in days) and old >= 0.5 * len(days)


def positions(sheet: Sheet) -> dict[str, str]:
    """{column: field} guessed from the first lines: a date, an amount, and who; empty when no date is found.

    The date is the column where every cell is one; without amounts and from before there were tills it is a birthday,
    and the file a list of customers. Amounts have decimals or are small; the remaining column
    with phone numbers is the phone, else the first with values that come back is the member number.
    """
    cells = {
        header: [c for c in clean(sheet.table[header].slice(0, _LOOKED_AT)).to_pylist() if c is not None]
        for header in sheet.headers
    }
    cells = {header: values for header, values in cells.items() if values}
    mapping: dict[str, str] = {}

    def take(field: str, fits: object) -> None:
        for header, values in cells.items():
            if header not in mapping and callable(fits) and sum(map(fits, values)) >= 0.9 * len(values):
                mapping[header] = field
                return

    take("time", looks_dated)
    if "time" not in mapping.values():
        return {}
    take("phone", lambda c: phone(c) is not None)
    amounts = [
        h
        for h, values in cells.items()
        if h not in mapping
        and all(fen(c) is not None for c in values)
        and not all(c.isdigit() and (len(c) > 6 or c.startswith("0")) for c in values)
    ]
    with_cents = [h for h in amounts if any("." in c for c in cells[h])]
    chosen = with_cents or amounts[-1:]
    # Two columns of whole numbers: the one with more different values and further right is the amount.
    if chosen:
        mapping[chosen[0]] = "amount"
    dated = next(header for header, field in mapping.items() if field == "time")
    if not chosen and _born(cells[dated]):
        mapping[dated] = "birthday"
        take("name", lambda c: _NAME.match(c) is not None)
    if "phone" not in mapping.values():
        for header in cells:
            if header not in mapping:
                mapping[header] = "member"
                break
    return {header: mapping[header] for header in sheet.headers if header in mapping}
