"""Any till's export: one row per receipt or per line, headers from the common vocabulary.

Serves Keruyun, Hualala, Pospal, 2Dfire, Meituan's older sheets and English files alike; also lists of customers and
attendance without amounts. It is asked last: a reader that knows a product by its headers goes first.
"""

from __future__ import annotations

from dataclasses import replace

from regulars.sales.readers.contract import Reader, Sheet
from regulars.sales.rules.headers import FIELDS
from regulars.shop.words import Words

READER = Reader(
    key="till",
    name=Words("收银流水", "Till export"),
    kind="sales",
    signature=(),
    columns=FIELDS,
)

CUSTOMERS = replace(READER, key="till-customers", name=Words("会员名单", "Customer list"), kind="customers")
LINES = replace(READER, key="till-lines", name=Words("消费明细", "Lines of receipts"), kind="lines")

_WHO = {"member", "card", "phone", "openid", "name"}
_WHEN = {"time", "date", "business_date"}
_MUCH = {"amount", "gross"}
_PERSONAL = {
    "birthday",
    "lunar_birthday",
    "sex",
    "points",
    "balance",
    "tier",
    "registered_on",
    "referrer",
    "email",
}


def kind(fields: set[str]) -> str | None:
    """What a file with these fields can be: sales, lines of receipts, customers; None when it is none of them.

    >>> kind({"member", "date", "amount"}), kind({"receipt", "item", "quantity"}), kind({"phone", "name", "birthday"})
    ('sales', 'lines', 'customers')
    >>> kind({"date", "party_size"}) is None
    True
    """
    priced = bool(fields & _MUCH) or {"price", "quantity"} <= fields
    if fields & _WHEN and (priced or (fields & _WHO and not fields & _PERSONAL)):
        return "sales"
    if "receipt" in fields and "item" in fields:
        return "lines"
    if fields & _WHO:
        return "customers"
    return None


def reader_for(sheet: Sheet) -> Reader | None:
    """The general reader for what this sheet can be; None when its headers say nothing."""
    found = kind(set(READER.mapping(sheet).values()))
    return {"sales": READER, "lines": LINES, "customers": CUSTOMERS, None: None}[found]
