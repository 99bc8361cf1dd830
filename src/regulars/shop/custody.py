"""Who holds what about whom: each record of a customer or a member of staff says what becomes of it.

When two customers are merged and parted again, when somebody asks for a copy of her data or for their deletion, when a
member of staff leaves, nothing may be forgotten. So every model that points to a customer or to staff registers one
line here, in its own stage's `custody.py`; a test walks all models and fails on the one that is missing. The verbs that
carry these lines out belong to the stages that own the records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

from django.apps import apps

Merging = Literal["read through", "moves", "drawn anew", "stays"]
"""`read through`: found by way of `merged_into`, so nothing is written and parting restores it; `moves`: rewritten, with
the old number kept; `drawn anew`: made again from evidence; `stays`: a fact of history about whoever it was."""

Erasing = Literal["deleted", "kept without the person", "kept"]
"""`kept without the person`: money records, as the law asks, once the identity behind them is destroyed."""

Leaving = Literal["passes on", "keeps its author", "ends", ""]
"""When a member of staff leaves: the record passes to somebody else, keeps who wrote it, or ends with her."""


@dataclass(frozen=True)
class Custody:
    """What becomes of one model's records.

    `model` is "app.Model"; `customer` and `staff` name the fields that point to a customer (by key or by plain number)
    and to staff.
    """

    model: str
    customer: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    merging: Merging = "stays"
    copied: bool = False
    erasing: Erasing = "kept"
    leaving: tuple[tuple[str, Leaving], ...] = ()
    passes_while: Mapping[str, Any] = field(default_factory=dict)
    """Of what passes on only this: an ended task stays with who had it, an open one goes to the successor."""
    by_way: str = ""
    """Where a record names no customer itself but what it hangs on does: the way there, so that her copy has it."""
    once: str = ""
    """Where the successor may have one of her own already: the field beside the staff that makes the record unique."""


_registered: dict[str, Custody] = {}
_also_erased: list[Callable[[Sequence[int], Sequence[str]], None]] = []


def register(*custodies: Custody) -> None:
    for custody in custodies:
        if custody.model in _registered:
            raise ValueError(f"{custody.model} is registered twice")
        unsaid = set(custody.staff) - {field for field, _ in custody.leaving}
        if unsaid:
            raise ValueError(
                f"{custody.model} does not say what becomes of {sorted(unsaid)} when staff leave"
            )
        _registered[custody.model] = custody


def registered() -> dict[str, Custody]:
    """All lines of all stages that are installed, by model."""
    for stage in apps.get_app_configs():
        if stage.name.startswith("regulars.") and find_spec(f"{stage.name}.custody"):
            import_module(f"{stage.name}.custody")
    return dict(_registered)


def also_erased(
    step: Callable[[Sequence[int], Sequence[str]], None],
) -> Callable[[Sequence[int], Sequence[str]], None]:
    """Register what a deletion does beside the rows of the models: files, mirrors, whatever a table can't say. Called
    with the customers' numbers and what identifies them in clear, before their rows go and inside the transaction."""
    _also_erased.append(step)
    return step


def erasing_steps() -> list[Callable[[Sequence[int], Sequence[str]], None]]:
    """What all stages that are installed do beside the rows of the models."""
    registered()
    return list(_also_erased)


register(
    Custody("shop.AuditEvent", staff=("actor",), leaving=(("actor", "keeps its author"),)),
    Custody("shop.Approval", staff=("asked_by", "decided_by"),
            leaving=(("asked_by", "keeps its author"), ("decided_by", "keeps its author"))),
    Custody("shop.Outgoing", customer=("person",), merging="read through", copied=True, erasing="deleted"),
    Custody("shop.Contact", customer=("person",), staff=("staff",), merging="read through", copied=True,
            erasing="kept without the person", leaving=(("staff", "keeps its author"),)),
    Custody("shop.Hold", customer=("person",), staff=("by",), merging="read through", copied=True, erasing="deleted",
            leaving=(("by", "keeps its author"),)),
    Custody("shop.Post", staff=("staff",), leaving=(("staff", "ends"),)),
    Custody("shop.Reading", customer=("person",), staff=("staff",), merging="read through", copied=True, erasing="deleted",
            leaving=(("staff", "keeps its author"),)),
    Custody("shop.TakenOut", staff=("staff",), leaving=(("staff", "keeps its author"),)),
    Custody("shop.Use", staff=("staff",), leaving=(("staff", "keeps its author"),)),
    Custody("shop.Alert", staff=("staff", "seen_by"),
            leaving=(("staff", "keeps its author"), ("seen_by", "keeps its author"))),
    Custody("shop.ApiToken", staff=("staff",), leaving=(("staff", "ends"),)),
    *(Custody(f"shop.{door}", staff=("staff",), leaving=(("staff", "ends"),))
      for door in ("Authenticator", "Passkey", "RecoveryCode", "Pin", "Login")),
    Custody("shop.Job", staff=("asked_by",), leaving=(("asked_by", "keeps its author"),)),
)  # fmt: skip
