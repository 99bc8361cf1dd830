"""What becomes of a customer's records."""

from __future__ import annotations

from regulars.shop.custody import Custody, register

register(
    Custody("customers.Customer", customer=("merged_into",), staff=("in_charge",), merging="read through", copied=True,
            erasing="kept without the person", leaving=(("in_charge", "passes on"),)),
    Custody("customers.Link", customer=("customer",), merging="drawn anew", copied=True, erasing="deleted"),
    Custody("customers.Detail", customer=("customer",), staff=("by",), merging="read through", copied=True,
            erasing="deleted", leaving=(("by", "keeps its author"),)),
    Custody("customers.Shared", customer=("customer",), staff=("staff", "by"), merging="read through", copied=True,
            erasing="deleted", leaving=(("staff", "passes on"), ("by", "keeps its author")), once="customer"),
    Custody("customers.Opened", customer=("customer",), staff=("staff",), merging="stays", copied=True, erasing="deleted",
            leaving=(("staff", "ends"),)),
    Custody("customers.SearchKey", customer=("customer",), merging="drawn anew", erasing="deleted"),
    Custody("customers.Note", customer=("customer",), staff=("author",), merging="read through", copied=True,
            erasing="deleted", leaving=(("author", "keeps its author"),)),
    Custody("customers.NoteWord", merging="read through", erasing="deleted"),
    Custody("customers.FamilyMember", customer=("customer",), merging="read through", copied=True, erasing="deleted"),
    Custody("customers.Likely", customer=("one", "other"), staff=("asked_by", "decided_by"), merging="stays", copied=True,
            erasing="deleted", leaving=(("asked_by", "keeps its author"), ("decided_by", "keeps its author"))),
    Custody("customers.Relative", customer=("customer", "other"), staff=("by",), merging="read through", copied=True,
            erasing="deleted", leaving=(("by", "keeps its author"),)),
    Custody("customers.VisitNote", customer=("customer",), staff=("served_by", "by"), merging="read through", copied=True,
            erasing="deleted", leaving=(("served_by", "keeps its author"), ("by", "keeps its author"))),
    Custody("customers.Tagged", customer=("customer",), staff=("by", "off_by"), merging="read through", copied=True,
            erasing="deleted", leaving=(("by", "keeps its author"), ("off_by", "keeps its author"))),
    Custody("customers.Attachment", customer=("customer",), staff=("by",), merging="read through", copied=True,
            erasing="deleted", leaving=(("by", "keeps its author"),)),
    Custody("customers.Consent", customer=("customer",), staff=("by",), merging="read through", copied=True,
            erasing="deleted", leaving=(("by", "keeps its author"),)),
    Custody("customers.RightsRequest", customer=("customer",), staff=("taken_by", "ended_by"), merging="read through",
            copied=True, erasing="kept without the person",
            leaving=(("taken_by", "keeps its author"), ("ended_by", "keeps its author"))),
    Custody("customers.LegalHold", customer=("customer",), staff=("by",), merging="read through", copied=True,
            erasing="deleted", leaving=(("by", "keeps its author"),)),
    Custody("customers.Portrait", customer=("customer",), merging="drawn anew", copied=True, erasing="deleted"),
)  # fmt: skip
