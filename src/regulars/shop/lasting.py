"""Secrets that outlive a rotation of the key: what was computed with them stands written and can't be computed anew.

The marks from which a sale's key is computed (the same file must be known again) and the chain of the audit trail.
Until the key has been changed for the first time they are derived from it; then they stand in the store, sealed.
"""

from __future__ import annotations

import base64

from regulars.shop.keys import Keys, keys
from regulars.shop.models import LastingSecret

MARKS, AUDIT = "token", "audit"
"""Marks are the tokens of the shop's first key: what a file was known by before any rotation it is known by after."""


def lasting(purpose: str) -> bytes:
    """The lasting secret for one purpose."""
    here = keys()
    if purpose not in here.kept:
        first = next((m for m in here.masters if m.number == 1), None)
        if first is not None:
            here.kept[purpose] = Keys([first]).derived(purpose)
        else:
            here.kept[purpose] = base64.b64decode(LastingSecret.objects.get(purpose=purpose).secret)
    return here.kept[purpose]


def set_down() -> None:
    """Write the lasting secrets into the store, before the key that they come from goes."""
    for purpose in (MARKS, AUDIT):
        if not LastingSecret.objects.filter(purpose=purpose).exists():
            text = base64.b64encode(lasting(purpose)).decode()
            LastingSecret.objects.create(purpose=purpose, secret=text)
