"""Facts of the file that a later stage knows by itself: who brought whom, who is a member.

A stage registers in its own `telling.py` which facts it can tell; drawing portraits asks here, whatever stages there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps

Telling = Callable[[Sequence[str], date, Sequence[int] | None], dict[str, dict[int, str]]]
"""Given keys of facts, the day, and customers (None: everybody): the facts that it can tell, each by customer as text in
the form in which the file keeps it. Customers are those who stand for a group; who is not named is not known."""

_tellings: list[Telling] = []


def tells(telling: Telling) -> Telling:
    """Register what a stage can tell."""
    _tellings.append(telling)
    return telling


@cache
def _load() -> None:
    for stage in apps.get_app_configs():
        if (
            stage.name.startswith("regulars.")
            and find_spec(f"{stage.name}.telling")
            and stage.name != "regulars.customers"
        ):
            import_module(f"{stage.name}.telling")


def told(keys: Sequence[str], on: date, customers: Sequence[int] | None = None) -> dict[str, dict[int, str]]:
    """What the later stages tell of these facts as of a day."""
    _load()
    found: dict[str, dict[int, str]] = {}
    for telling in _tellings:
        found.update(telling(keys, on, customers))
    return found
