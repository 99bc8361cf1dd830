"""The page of settings: three heaps, and nothing in them that somebody may not open."""

from __future__ import annotations

import re

import pytest
from tests.web.conftest import House


def said(house: House, role: str) -> tuple[list[str], list[str]]:
    """The headings that somebody of this role sees, and the pages under them."""
    html = house.browser(role).get("/settings/").content.decode()
    main = html[html.index("<main") : html.index("</main>")]
    return re.findall(r"<h2>(.*?)</h2>", main), re.findall(r'class="card choice" href="(.*?)"', main)


def test_an_owner_finds_the_shop_the_guard_and_herself_under_three_headings(house: House) -> None:
    assert said(house, "owner")[0] == ["店里", "守住顾客资料", "你自己"]


def test_who_answers_customers_requests_finds_them_in_settings_and_a_waiter_finds_only_herself(
    house: House,
) -> None:
    headings, pages = said(house, "service")
    assert headings == ["守住顾客资料", "你自己"] and "/rights/" in pages
    assert said(house, "front-desk")[0] == ["你自己"]


@pytest.mark.parametrize("role", ["owner", "manager", "key-account", "front-desk", "service", "analyst"])
def test_every_page_in_settings_opens_for_those_who_see_it(house: House, role: str) -> None:
    browser = house.browser(role)
    for page in said(house, role)[1]:
        assert browser.get(page).status_code in (200, 302), page
