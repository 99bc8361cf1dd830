"""Any till's export: one row per receipt or per line, headers from the common vocabulary.

Serves Keruyun, Hualala, Pospal, 2Dfire and English files alike; also lists of customers, and visits without
amounts. It is asked last: a reader that knows a product by its headers goes first.
"""

from __future__ import annotations

from regulars.sales.readers.contract import Reader, Sheet
from regulars.sales.rules.headers import FIELDS
from regulars.shop.words import Words

READER = Reader(key="till", name=Words("收银流水", "Till export"), kind="sales", signature=(), columns=FIELDS)
LINES = Reader(
    key="till-lines", name=Words("消费明细", "Lines of receipts"), kind="lines", signature=(), columns=FIELDS
)
# In a list of customers the only date is the one since when she is known.
CUSTOMERS = Reader(
    key="till-customers",
    name=Words("会员名单", "Customer list"),
    kind="customers",
    signature=(),
    columns={
        field: (*names, *FIELDS["time"], *FIELDS["date"]) if field == "registered_on" else names
        for field, names in FIELDS.items()
        if field
        not in ("time", "date", "business_date", "receipt", "item", "quantity", "price", "amount", "gross")
    },
)

_WHO = {"member", "card", "phone", "openid", "name", "last_name"}
_WHEN = {"time", "date", "business_date"}
_PERSONAL = {
    "birthday", "lunar_birthday", "anniversary", "sex", "points", "balance", "tier", "registered_on", "referrer", "email",
    "tags",
}  # fmt: skip


def kind(fields: set[str]) -> str | None:
    """What a file with these fields can be: sales, lines of receipts, customers; None when it is none of
    them.

    >>> kind({"member", "date", "amount"}), kind({"receipt", "item", "quantity"}), kind({"phone", "birthday"})
    ('sales', 'lines', 'customers')
    >>> kind({"member", "time"}), kind({"member", "time", "points", "birthday", "amount"})
    ('sales', 'customers')
    >>> kind({"date", "party_size"}) is None
    True
    """
    priced = bool(fields & {"amount", "gross"}) or {"price", "quantity"} <= fields
    # Birthdays, points and tiers beside each other make a list of customers, even with a sum of what they
    # spent.
    portrait = len(fields & _PERSONAL) >= (2 if priced else 1) and not fields & {
        "receipt",
        "item",
        "business_date",
    }
    if fields & _WHEN and not (portrait and fields & _WHO) and (priced or fields & _WHO):
        return "sales"
    if {"receipt", "item"} <= fields:
        return "lines"
    return "customers" if fields & _WHO else None


def reader_for(sheet: Sheet) -> Reader | None:
    """The general reader for what this sheet can be; None when its headers say nothing."""
    return by_kind(kind(set(READER.mapping(sheet).values())))


def by_kind(found: str | None) -> Reader | None:
    """The general reader for one kind of sheet."""
    return {"sales": READER, "lines": LINES, "customers": CUSTOMERS}.get(found or "")
