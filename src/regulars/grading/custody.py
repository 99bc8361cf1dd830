"""What becomes of grades."""

from __future__ import annotations

from regulars.shop.custody import Custody, register

register(
    Custody("grading.Adoption", staff=("by",), leaving=(("by", "keeps its author"),)),
    Custody("grading.Standing", customer=("customer",), merging="drawn anew", copied=True, erasing="deleted"),
    Custody(
        "grading.GradeChange", customer=("customer",), merging="read through", copied=True, erasing="deleted"
    ),
)
