"""Every stage's facts in one catalogue. Import this, not the single declarations."""

from __future__ import annotations

import regulars.customers.facts
import regulars.foresight.facts
import regulars.sales.facts  # noqa: F401  (each declares its facts)
from regulars.playbooks.catalogue import catalogue

__all__ = ["catalogue"]
