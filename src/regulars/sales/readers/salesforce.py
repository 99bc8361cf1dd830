"""Salesforce exports: accounts, contacts, won opportunities, orders, in API names, UPPER CASE or report
labels.

Ids come with 15 or 18 characters for the same record; the first 15, whose case matters, are kept. Deleted
records are left out, times are told in UTC, Birthdate and CloseDate are days without a zone.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from regulars.sales.readers.contract import Reader
from regulars.sales.rules.cells import clean
from regulars.sales.rules.dates import instants
from regulars.shop.words import Words

_IDS = ("member", "receipt", "refund_of")


def _tidy(columns: dict[str, Any]) -> dict[str, Any]:
    """Ids cut to the 15 characters that both forms share; the day a record was made, as the shop's own
    day."""
    for name in _IDS:
        if name in columns:
            column = clean(columns[name])
            long = pc.fill_null(pc.equal(pc.utf8_length(column), 18), False)
            columns[name] = pc.if_else(long, pc.utf8_slice_codeunits(column, 0, 15), column)
    if "registered_on" in columns:
        made = instants(columns["registered_on"], order="mdy", utc=True).at
        columns["registered_on"] = made.cast(pa.date32()).cast(pa.string())
    return columns


ACCOUNTS = Reader(
    key="salesforce-accounts",
    name=Words("Salesforce 客户（公司）", "Salesforce accounts"),
    kind="customers",
    signature=(
        ("Name", "Account Name"),
        ("Id", "Account ID"),
        ("BillingStreet", "BillingCity", "BillingCountry", "ShippingCity", "AnnualRevenue", "AccountSource"),
    ),
    columns={
        "member": ("Id", "Account ID"),
        "name": ("Name", "Account Name"),
        "phone": ("Phone",),
        "address": ("BillingStreet", "ShippingStreet"),
        "source": ("AccountSource",),
        "note": ("Description",),
        "registered_on": ("CreatedDate",),
        "deleted": ("IsDeleted",),
    },
    companies=True,
    utc=True,
    tidy=_tidy,
)

CONTACTS = Reader(
    key="salesforce-contacts",
    name=Words("Salesforce 联系人", "Salesforce contacts"),
    kind="customers",
    signature=(
        ("LastName",), ("AccountId",), ("Id", "Contact ID"),
        ("MobilePhone", "Birthdate", "MailingStreet", "LeadSource"),
    ),
    columns={
        "member": ("Id", "Contact ID"),
        "name": ("Name", "Full Name"),
        "first_name": ("FirstName",),
        "last_name": ("LastName",),
        "phone": ("MobilePhone", "Phone", "HomePhone", "OtherPhone"),
        "birthday": ("Birthdate",),
        "email": ("Email",),
        "address": ("MailingStreet", "OtherStreet"),
        "source": ("LeadSource",),
        "note": ("Description",),
        "registered_on": ("CreatedDate",),
        "deleted": ("IsDeleted",),
    },
    utc=True,
    tidy=_tidy,
)  # fmt: skip

OPPORTUNITIES = Reader(
    key="salesforce-opportunities",
    name=Words("Salesforce 赢单", "Salesforce opportunities"),
    kind="sales",
    signature=(("StageName", "Stage"), ("CloseDate",), ("IsWon", "Won"), ("AccountId", "Account Name")),
    columns={
        "receipt": ("Id", "Opportunity ID"),
        "member": ("AccountId",),
        "name": ("Account Name",),
        "date": ("CloseDate",),
        "amount": ("Amount",),
        "won": ("IsWon", "Won"),
        "staff": ("OwnerId", "Opportunity Owner"),
        "currency": ("CurrencyIsoCode",),
        "note": ("Description",),
        "deleted": ("IsDeleted",),
    },
    companies=True,
    utc=True,
    tidy=_tidy,
)

ORDERS = Reader(
    key="salesforce-orders",
    name=Words("Salesforce 订单", "Salesforce orders"),
    kind="sales",
    signature=(("AccountId",), ("EffectiveDate",), ("TotalAmount",), ("OrderNumber", "Id")),
    columns={
        "receipt": ("Id", "OrderNumber"),
        "member": ("AccountId",),
        "date": ("EffectiveDate", "PoDate"),
        "amount": ("TotalAmount",),
        "status": ("Status",),
        "refund_flag": ("IsReductionOrder",),
        "refund_of": ("OriginalOrderId",),
        "staff": ("OwnerId",),
        "currency": ("CurrencyIsoCode",),
        "note": ("Description",),
        "deleted": ("IsDeleted",),
    },
    not_sales=("draft", "cancel"),
    companies=True,
    utc=True,
    tidy=_tidy,
)
