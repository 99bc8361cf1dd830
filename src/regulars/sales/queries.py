"""Questions about sales: what came in, and which receipts name nobody."""

from __future__ import annotations

from datetime import date

from django.db.models import QuerySet

from regulars.sales.models import Batch, BatchState, Sale, SaleKind
from regulars.shop.models import Staff

BY_WORD = "word"
"""Kind of a batch by which a person only says something about customers; it brings no sales and no list."""


def batches_of(viewer: Staff) -> QuerySet[Batch]:
    """The imports that somebody may look at: a file may hold several stores, so whoever works for some of them sees
    what she has brought in herself."""
    found = Batch.objects.exclude(kind=BY_WORD)
    return found if viewer.reach("sales").everybody else found.filter(by=viewer)


def receipts_of(viewer: Staff) -> QuerySet[Sale]:
    """The receipts that count, of the stores for which somebody works."""
    found = Sale.objects.filter(is_current=True, batch__state=BatchState.COMPLETE)
    reach = viewer.reach("sales")
    return found if reach.everybody else found.filter(store__in=reach.stores)


def newest_batches(viewer: Staff, before: int | None = None, limit: int = 30) -> list[Batch]:
    """Imports, the newest first: `limit` and one more, so that a page knows whether another follows."""
    found = batches_of(viewer).select_related("by").order_by("-id")
    if before is not None:
        found = found.filter(id__lt=before)
    return list(found[: limit + 1])


def anonymous_receipts(
    viewer: Staff, before: int | None = None, on: date | None = None, limit: int = 30
) -> list[Sale]:
    """Receipts that name nobody, the newest first by number; of one day if it is named. `limit` and one more."""
    found = receipts_of(viewer).filter(identity=None, kind=SaleKind.SALE)
    if on is not None:
        found = found.filter(day=on)
    if before is not None:
        found = found.filter(id__lt=before)
    return list(found.select_related("store").order_by("-id")[: limit + 1])
