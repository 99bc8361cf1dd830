"""Who may see a page: every view says by a decorator what it needs, and the policy of the shop decides.

What an ability reaches (whose customers) is asked of `regulars.customers.sight` by whatever fetches them. A test walks
all addresses and tries each with every role and with a stranger.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpResponseBase

from regulars.shop.models import Staff
from regulars.shop.rules.policy import ABILITIES

OPEN = "open"
"""What a page says that strangers may see."""

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def may(staff: Any, ability: str) -> bool:
    """Whether a member of staff may do this; strangers and those who have left may nothing."""
    return isinstance(staff, Staff) and staff.may(ability)


def needs(ability: str, writing: str = "") -> Callable[[View], View]:
    """A page for those who may do this; others read that it is not theirs to see. `writing`: what it takes to change
    something there, where that is more."""
    assert {ability, writing or ability} <= set(ABILITIES)

    def wrap(view: View) -> View:
        @wraps(view)
        def checked(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not may(request.user, ability if request.method in ("GET", "HEAD") else writing or ability):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        checked.needs, checked.writing = ability, writing or ability  # type: ignore[attr-defined]
        return checked  # type: ignore[return-value]

    return wrap


def open_to_all(view: View) -> View:
    """A page that strangers may see."""
    view.needs = view.writing = OPEN  # type: ignore[attr-defined]
    return view
