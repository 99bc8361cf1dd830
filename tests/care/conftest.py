"""Shops to work a day in."""

from __future__ import annotations

from tests.shops import shop

__all__ = ["shop"]
