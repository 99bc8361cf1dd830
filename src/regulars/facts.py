"""Every stage's facts in one catalogue. Import this, not the single declarations."""

from __future__ import annotations

import regulars.customers.facts  # noqa: F401  (declares its facts)
import regulars.foresight.facts  # noqa: F401
import regulars.sales.facts  # noqa: F401
from regulars.playbooks.catalogue import catalogue

__all__ = ["catalogue"]
