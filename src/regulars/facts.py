"""Every stage's facts in one catalogue. Import this, not the single declarations."""

from __future__ import annotations

from regulars.playbooks.catalogue import catalogue

__all__ = ["catalogue"]
