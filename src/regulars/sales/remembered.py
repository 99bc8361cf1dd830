"""How a file with the same columns was read last time: what a person has said about a column once is not asked again.

Kept for each sheet by its headers, so that a table is known again alone and beside others, in the browser and on the
command line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from regulars.sales.left_out import REASON, ROW
from regulars.sales.models import SavedMapping
from regulars.sales.reading import Sheet, said_of
from regulars.sales.rules.headers import CONTRACT_FIELDS
from regulars.shop.rules.masks import without_numbers


@dataclass(frozen=True)
class Remembered:
    """What was said about files like these: header → field, and the order of day and month."""

    mapping: dict[str, str] = field(default_factory=dict)
    dates: str = ""

    def __bool__(self) -> bool:
        return bool(self.mapping or self.dates)


def signature(headers: Sequence[str]) -> str:
    """Tables with the same columns in the same order are of one kind; so is a corrected file of rows left out of which
    somebody has taken one of our two columns away.

    >>> signature(["行号", "谁", "多少"]) == signature(["谁", "多少", "原因"]) == signature(["谁", "多少"])
    True
    """
    own = [
        h
        for k, h in enumerate(headers)
        if not (k == 0 and h in ROW) and not (k == len(headers) - 1 and h in REASON)
    ]
    return hashlib.sha256("\x1f".join(own).encode()).hexdigest()


def remembered(sheets: Iterable[Sheet]) -> Remembered:
    """What was said the last time that sheets with these columns came."""
    by_signature = {signature(sheet.headers): sheet for sheet in sheets}
    mapping: dict[str, str] = {}
    dates = ""
    for saved in SavedMapping.objects.filter(signature__in=by_signature).order_by("used_at"):
        heads = by_signature[saved.signature].headers
        mapping |= {h: f for h, f in saved.mapping.items() if h in heads and f in CONTRACT_FIELDS}
        dates = str(saved.options.get("dates") or "") or dates
    return Remembered(mapping, dates)


def remember(sheets: Iterable[Sheet], mapping: dict[str, str] | None, dates: str | None) -> None:
    """Sheets with these columns are read the same way next time."""
    for sheet in sheets:
        # A file without headers has its first customer in their place: she is not remembered.
        own = {h: f for h, f in said_of(sheet, mapping or {}).items() if without_numbers(h) == h}
        if own or dates:
            SavedMapping.objects.update_or_create(
                signature=signature(sheet.headers),
                defaults={"mapping": own, "options": {"dates": dates or ""}},
            )


def headers_said() -> list[str]:
    """Every header that a person has ever said something about: what tells a line of headers from a title."""
    return [header for said in SavedMapping.objects.values_list("mapping", flat=True) for header in said]
