"""What every page can rely on: a visitor, the business, the shop's day and the reader's language."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from regulars.shop.models import Business, Staff


class Request(HttpRequest):
    """A request that has come through the gate."""

    user: Staff
    business: Business
    today: date
    lang: str
    theme: str

    @property
    def wants_fragment(self) -> bool:
        return wants_fragment(self)


def wants_fragment(request: HttpRequest) -> bool:
    """Whether a script asks for a piece of the page instead of the whole."""
    return request.headers.get("X-Requested-With") == "fetch"


def own_path(text: str | None, otherwise: str = "/") -> str:
    """A path of this shop out of what a visitor sent, or `otherwise`: nobody is led to another site.

    >>> own_path("/customers/12/?q=1"), own_path("https://evil.example/"), own_path("//evil.example"), own_path("/\\\\evil")
    ('/customers/12/?q=1', '/', '/', '/')
    """
    text = (text or "").strip()
    if not text.startswith("/") or not url_has_allowed_host_and_scheme(text, allowed_hosts=None):
        return otherwise
    return text


def way_back(request: HttpRequest, otherwise: str = "/") -> str:
    """The page of ours on which a form stood, so that one without scripts comes back to it."""
    referer = urlsplit(request.headers.get("Referer", ""))
    if referer.netloc != request.get_host():
        return otherwise
    return own_path(referer.path + (f"?{referer.query}" if referer.query else ""), otherwise)


def number_in(text: str | None, least: int, most: int) -> int | None:
    """A whole number between two bounds out of a form, else None.

    >>> number_in("１２", 0, 100), number_in("-1", 0, 100), number_in("x", 0, 1), number_in("9" * 5000, 0, 9)
    (12, None, None, None)
    """
    text = (text or "").strip()
    if len(text) > 18:
        return None
    try:
        number = int(text)
    except ValueError:
        return None
    return number if least <= number <= most else None


def is_day(text: str) -> bool:
    """Whether a form's text is a date.

    >>> is_day("2028-02-29"), is_day("2027-02-29")
    (True, False)
    """
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
