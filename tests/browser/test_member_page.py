"""The member's own page on a phone of 360 px: a code, her page, both languages, nothing too wide, without a script as well."""

from __future__ import annotations

import base64
from datetime import date
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from tests.web.conftest import begin, receipts
from tests.web.members import PHONE, sent_code

from regulars import daily
from regulars.membership import program

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer
    from tests.shops import Shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TODAY = date(2026, 11, 22)


@pytest.fixture
def at_home(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop with one member who has been there five times."""
    for place in ("regulars.web.gate.shop_day", "regulars.jobs.shop_day"):
        monkeypatch.setattr(place, lambda *_: TODAY)
    monkeypatch.setattr("regulars.sales.actions.today", lambda: TODAY)
    cache.clear()
    begin()
    program.open_program("tiers", date(2026, 10, 1))
    shop.take_in(receipts(1, visits=5))
    daily.run_day(TODAY)


def sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/m/")
    page.fill("#phone", PHONE)
    page.click("button.go")
    page.wait_for_url("**/m/code/")
    page.fill("#code", sent_code())
    page.click("button.go")
    page.wait_for_url("**/m/")


@pytest.mark.any_store
def test_the_sign_stays_when_the_network_is_gone_and_changes_when_it_is_back(
    live_server: LiveServer, at_home: None, browser: Browser
) -> None:
    """In a basement at the counter the sign threw itself away, though the counter would have taken it."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, service_workers="block")
    page = context.new_page()
    page.clock.install()
    sign_in(page, live_server.url)
    page.goto(f"{live_server.url}/m/pass/")
    sign = page.inner_text(".figures")
    context.set_offline(True)
    page.clock.run_for(61_000)
    page.wait_for_selector("[data-lost]:visible")
    assert page.inner_text(".figures") == sign
    context.set_offline(False)
    with page.expect_navigation():
        page.clock.run_for(60_000)
    assert page.is_hidden("[data-lost]") and page.inner_text(".figures")
    context.close()


def is_kept_by_chat_programs(page: Page) -> None:
    """Her card is a picture that can be pressed and kept, sharp on a phone, with its writing on it."""
    page.wait_for_selector("[data-hold]:visible")
    kept = page.get_attribute("[data-keep]", "href") or ""
    picture = base64.b64decode(kept.removeprefix("data:image/png;base64,"))
    assert picture[:8] == b"\x89PNG\r\n\x1a\n" and page.get_attribute(".card-picture", "src") == kept
    assert (int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])) == (1200, 760)
    assert len(picture) > 10_000


@pytest.mark.any_store
@pytest.mark.parametrize(("lang", "look", "script"), [("zh", "light", True), ("en", "dark", False)])
def test_a_member_signs_in_and_reads_her_page_on_a_small_phone(
    live_server: LiveServer,
    at_home: None,
    browser: Browser,
    lang: str,
    look: str,
    script: bool,
) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740},
        has_touch=True,
        is_mobile=True,
        color_scheme=look,  # type: ignore[arg-type]
        java_script_enabled=script,
    )
    context.add_cookies([{"name": "lang", "value": lang, "url": live_server.url}])
    page = context.new_page()
    sign_in(page, live_server.url)
    assert ("普通会员" if lang == "zh" else "Ordinary") in page.inner_text("main")
    for address in ("", "points/", "pass/", "me/", "privacy/", "invite/", "visits/", "coupons/"):
        page.goto(f"{live_server.url}/m/{address}")
        if script and address == "pass/":
            is_kept_by_chat_programs(page)
        right = max(
            box["x"] + box["width"] for e in page.query_selector_all("main > *") if (box := e.bounding_box())
        )
        assert right <= 360, f"{address} is {right} px wide"
        if script:
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()
