"""What becomes of tasks: open ones pass to whoever takes the customers over, ended ones keep who did them."""

from __future__ import annotations

from regulars.shop.custody import Custody, register

register(
    Custody("care.Task", customer=("customer",), staff=("staff", "ended_by"), merging="read through", copied=True,
            erasing="deleted", leaving=(("staff", "passes on"), ("ended_by", "keeps its author")),
            passes_while={"state__in": ("open", "postponed", "not-reached")}),
    Custody("care.Handover", staff=("leaver", "by", "undone_by"),
            leaving=(("leaver", "keeps its author"), ("by", "keeps its author"), ("undone_by", "keeps its author"))),
    Custody("care.TaskWord", merging="read through", erasing="deleted"),
)  # fmt: skip
