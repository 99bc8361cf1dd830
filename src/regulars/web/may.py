"""Who may do what: the one place where pages ask.

Every page says what it needs by a decorator; a test walks all addresses and tries each with somebody who may, somebody
who may not, and a stranger.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse

from regulars.shop.models import Role, Staff

EVERYBODY = frozenset(str(role) for role in Role.values)

ABILITIES: dict[str, frozenset[str]] = {
    "look": EVERYBODY,
    "contact": EVERYBODY - {Role.ANALYST},
    "merge": frozenset({Role.OWNER, Role.MANAGER, Role.KEY_ACCOUNT, Role.SERVICE}),
    "see-grades": frozenset({Role.OWNER, Role.MANAGER, Role.ANALYST}),
    "manage": frozenset({Role.OWNER, Role.MANAGER}),
}
"""look: customers and what is known of them · contact: do care, write things down, see a number to call ·
merge: say that two files are one person, and part them again ·
see-grades: the whole base by grade · manage: sales, playbooks, settings, everybody's list."""

OPEN = "open"
"""What a page says that strangers may see."""

View = TypeVar("View", bound=Callable[..., HttpResponse])


def may(staff: Any, ability: str) -> bool:
    """Whether a member of staff may do this; strangers and those who have left may nothing."""
    return isinstance(staff, Staff) and staff.is_active and staff.role in ABILITIES[ability]


def needs(ability: str) -> Callable[[View], View]:
    """A page for those who may do this; others read that it is not theirs to see."""
    assert ability in ABILITIES

    def wrap(view: View) -> View:
        @wraps(view)
        def checked(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
            if not may(request.user, ability):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        checked.needs = ability  # type: ignore[attr-defined]
        return checked  # type: ignore[return-value]

    return wrap


def open_to_all(view: View) -> View:
    """A page that strangers may see."""
    view.needs = OPEN  # type: ignore[attr-defined]
    return view
