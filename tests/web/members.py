"""Two members who earn, their phones, and how they come in: for the tests of their own pages."""

from __future__ import annotations

import re

from django.test import Client

from regulars.membership import door, program
from regulars.membership.models import Member
from regulars.shop.models import Outgoing

PHONE, OTHER_PHONE, UNKNOWN = "13933220000", "13933220001", "13712345670"


def sent_code() -> str:
    """The code that was put into the outbox last."""
    found = re.search(r"码 (\d{6})", str(Outgoing.objects.filter(purpose="login").latest("id").text))
    assert found
    return found[1]


def come(phone: str = PHONE, **options: object) -> Client:
    """A browser in which she has signed in."""
    browser = Client(**options)  # type: ignore[arg-type]
    browser.post("/m/login/", {"phone": phone})
    assert browser.post("/m/code/", {"code": sent_code()})["Location"] == "/m/"
    return browser


def member(phone: str = PHONE) -> Member:
    found = door.who_has(phone)
    assert found
    hers = program.member_of(found)
    assert hers
    return hers


PAGES = (
    "/m/",
    "/m/points/",
    "/m/coupons/",
    "/m/visits/",
    "/m/pass/",
    "/m/card.svg",
    "/m/invite/",
    "/m/me/",
    "/m/privacy/",
)
