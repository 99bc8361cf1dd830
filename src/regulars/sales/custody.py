"""What becomes of sales: a sale is history and points to an identity only, which can be destroyed without touching it."""

from __future__ import annotations

from regulars.shop.custody import Custody, register

register(Custody("sales.Batch", staff=("by",), leaving=(("by", "keeps its author"),)))
