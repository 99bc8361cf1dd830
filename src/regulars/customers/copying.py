"""The copy of her data that a customer may ask for: everything that is registered as hers, for people and for programs.

Made out of the registry of `shop.custody`, so a record that a stage registers later is in it by itself. Colleagues stand
in it by their role, never by name.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import models

from regulars.customers.erasing import of_hers
from regulars.customers.models import Customer, Link
from regulars.customers.queries import family_of
from regulars.sales.models import Identity, Sale, SaleLine
from regulars.shop.custody import registered
from regulars.shop.models import Staff, Store

NAMES_OF_STAFF = frozenset({"author_name", "served_by", "actor_name"})
"""Texts that name a colleague: left out."""

TOKENS = (models.BinaryField,)


def copy_of(customer: Customer) -> dict[str, list[dict[str, Any]]]:
    """Everything about her, by model: the rows as JSON carries them, money in fen, days in ISO form."""
    family = family_of(customer.merged_into or customer)
    found: dict[str, list[dict[str, Any]]] = {
        Customer._meta.label: [record(c) for c in Customer.objects.filter(pk__in=family).order_by("id")],
        Identity._meta.label: [
            {"kind": i.kind, "written": i.written} for i in Identity.objects.filter(link__customer__in=family).order_by("id")
        ],
    }  # fmt: skip
    for label, line in sorted(registered().items()):
        if line.copied and (line.customer or line.by_way) and label != Customer._meta.label:
            # What stands in somebody else's file about her is that person's; in her copy stands what is in her own.
            own = ("customer",) if "customer" in line.customer else line.customer or (line.by_way,)
            rows = of_hers(apps.get_model(label), own, family)
            found[label] = [record(row) for row in rows.order_by("pk")]
    found[Sale._meta.label] = _sales(family)
    return found


def _sales(family: list[int]) -> list[dict[str, Any]]:
    """Her receipts that count, with what was on them."""
    hers = Link.objects.filter(customer__in=family).values("identity")
    sales = Sale.objects.filter(identity__in=hers, is_current=True, batch__state="complete").select_related(
        "store"
    )
    lines: dict[int, list[dict[str, Any]]] = {}
    for line in SaleLine.objects.filter(sale__in=sales).select_related("item").order_by("id"):
        said = {"item": line.item.name, "quantity": line.quantity / 1000, "amount": line.amount}
        lines.setdefault(line.sale_id, []).append(said)
    return [
        {
            "day": s.day.isoformat(), "at": s.at.isoformat() if s.at else None, "store": s.store.name, "kind": s.kind,
            "amount": s.amount, "currency": s.currency, "receipt": s.receipt, "occasion": s.occasion, "lines": lines.get(s.pk, []),
        }
        for s in sales.order_by("day", "id")
    ]  # fmt: skip


def record(row: models.Model) -> dict[str, Any]:
    """One row as JSON carries it: what it points to said in words, sealed texts opened, colleagues by their role."""
    from regulars.shop.models import SealedTextField

    found: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        is_name = field.name in NAMES_OF_STAFF and not field.is_relation
        if is_name or (isinstance(field, TOKENS) and not isinstance(field, SealedTextField)):
            continue
        value = getattr(row, field.name if not field.is_relation else field.attname)
        found[field.name] = _said(field, row, value)
    return found


def _said(field: Any, row: models.Model, value: Any) -> Any:
    if value is None:
        return None
    if field.is_relation:
        target = field.related_model
        if target is Staff:
            return list(getattr(row, field.name).role_words)
        if target is Store:
            return getattr(row, field.name).name
        if target is Identity:
            identity = getattr(row, field.name)
            return f"{identity.kind}: {identity.written}"
        if target._meta.label == "customers.Wording":
            wording = getattr(row, field.name)
            return {"version": wording.version, "zh": wording.zh, "en": wording.en}
        return value
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value
