"""Grades of customers who are merged and parted.

Who is merged into another keeps her standing as it was; nobody grades it meanwhile. Whoever stands for both is graded
by what both have, so her own standing of before is kept with the word that merged them, and holds again once she stands
for nobody but herself. Changes of grade are history and stay with the file on which they were written.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction

from regulars.customers.knowing import MERGED
from regulars.customers.models import Customer
from regulars.grading.models import Standing
from regulars.sales.models import Batch, BatchState

KEPT = ("playbook", "scale", "grade", "was", "since", "below_since", "drops_on")
DAYS = ("since", "below_since", "drops_on")


def standings_now(customers: list[int]) -> dict[int, list[dict[str, Any]]]:
    """What these customers hold: ask before they are merged. Of one who stands for others already it is what she held
    before the first of them."""
    kept: dict[int, list[dict[str, Any]]] = {}
    for customer in customers:
        before = _kept_before(customer)
        kept[customer] = (
            before if before is not None else list(Standing.objects.filter(customer=customer).values(*KEPT))
        )
    return kept


def _kept_before(customer: int) -> list[dict[str, Any]] | None:
    if not Customer.objects.filter(merged_into=customer).exists():
        return None
    words = Batch.objects.filter(reader=MERGED, state=BatchState.COMPLETE, options__has_key="stood").order_by(
        "id"
    )
    for options in words.values_list("options", flat=True):
        if str(customer) in options["stood"]:
            found: list[dict[str, Any]] = options["stood"][str(customer)]
            return found
    return None


def keep_standings(word: Batch, kept: dict[int, list[dict[str, Any]]]) -> None:
    """Keep what they held with the word that merged them."""
    stood = {str(c): [{k: _text(v) for k, v in s.items()} for s in held] for c, held in kept.items()}
    word.options = {**word.options, "stood": stood}
    word.save(update_fields=["options"])


def _text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def restore_standings(word: Batch) -> list[int]:
    """After parting: whoever stands for herself alone holds what she held before; returns whom that concerned."""
    stood = {int(c): held for c, held in word.options.get("stood", {}).items()}
    alone = Customer.objects.filter(id__in=stood, merged_into=None, is_gone=False)
    restored = []
    with transaction.atomic():
        for customer in alone.exclude(merged__isnull=False).values_list("id", flat=True):
            Standing.objects.filter(customer=customer).delete()
            Standing.objects.bulk_create(
                Standing(customer_id=customer, **{k: _value(k, v) for k, v in held.items()})
                for held in stood[customer]
            )
            restored.append(customer)
    return restored


def _value(key: str, value: Any) -> Any:
    return date.fromisoformat(value) if key in DAYS and value else value
