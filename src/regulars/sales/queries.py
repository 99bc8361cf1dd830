"""Questions about sales: what came in, and which receipts name nobody."""

from __future__ import annotations

from datetime import date

from regulars.sales.models import Batch, BatchState, Sale, SaleKind

BY_WORD = "word"
"""Kind of a batch by which a person only says something about customers; it brings no sales and no list."""


def newest_batches(before: int | None = None, limit: int = 30) -> list[Batch]:
    """Imports, the newest first: `limit` and one more, so that a page knows whether another follows."""
    found = Batch.objects.exclude(kind=BY_WORD).select_related("by").order_by("-id")
    if before is not None:
        found = found.filter(id__lt=before)
    return list(found[: limit + 1])


def anonymous_receipts(before: int | None = None, on: date | None = None, limit: int = 30) -> list[Sale]:
    """Receipts that name nobody, the newest first by number; of one day if it is named. `limit` and one more."""
    found = Sale.objects.filter(
        identity=None, is_current=True, batch__state=BatchState.COMPLETE, kind=SaleKind.SALE
    )
    if on is not None:
        found = found.filter(day=on)
    if before is not None:
        found = found.filter(id__lt=before)
    return list(found.select_related("store").order_by("-id")[: limit + 1])
