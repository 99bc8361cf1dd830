"""Passkeys and a second step in a real browser, whose device is played by Chromium's own virtual authenticator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from playwright.sync_api import expect
from tests.browser.test_first_day import must_be_fit_to_read, watched

from regulars.grading.actions import adopt
from regulars.shop.actions import found_business
from regulars.shop.doors import Login, Passkey
from regulars.shop.home import Home

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EMAIL, PASSWORD = "chen@example.com", "six potatoes in the cellar"


@pytest.fixture
def street(live_server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a shop that somebody owns, under a name, as passkeys want it."""
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.setenv("REGULARS_HOME", str(folder))
    cache.clear()
    Home.find().make()
    _, owner = found_business(
        name="老地方", trade="restaurant", owner_email=EMAIL, owner_name="陈老板", password=PASSWORD
    )
    adopt("restaurant", by=owner)
    return live_server.url.replace("127.0.0.1", "localhost")


def device(page: Page, *, asks_finger: bool = True) -> CDPSession:
    """A device that keeps passkeys and, if it can, asks for a finger."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": asks_finger,
        "isUserVerified": asks_finger, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def sign_in(page: Page, street: str) -> None:
    page.goto(f"{street}/login/")
    page.get_by_label("邮箱").fill(EMAIL)
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()


@pytest.mark.any_store
def test_a_passkey_is_made_is_the_second_step_and_opens_without_an_e_mail(page: Page, street: str) -> None:
    said = watched(page)
    device(page)
    sign_in(page, street)
    page.goto(f"{street}/settings/second/")
    must_be_fit_to_read(page)
    page.get_by_label("给它起个名字").fill("前台的电脑")
    page.get_by_role("button", name="加一个通行密钥").click()
    expect(page.get_by_text("恢复码，只显示这一次")).to_be_visible()
    expect(page.locator(".codes li")).to_have_count(10)
    must_be_fit_to_read(page)
    assert Passkey.objects.get().name == "前台的电脑"

    page.context.clear_cookies()
    sign_in(page, street)
    expect(page).to_have_url(f"{street}/login/code/")
    must_be_fit_to_read(page)
    page.get_by_role("button", name="用通行密钥").click()
    expect(page).to_have_url(f"{street}/")

    page.context.clear_cookies()
    page.goto(f"{street}/login/?next=/settings/")
    must_be_fit_to_read(page)
    page.get_by_role("button", name="用通行密钥登录").click()
    expect(page).to_have_url(f"{street}/settings/")
    assert list(Login.objects.order_by("pk").values_list("how", flat=True)) == [
        "password",
        "passkey",
        "passkey",
    ]
    assert Passkey.objects.get().used_at is not None
    assert said == []


def test_a_device_that_asks_for_no_finger_makes_none_and_the_page_says_so(page: Page, street: str) -> None:
    device(page, asks_finger=False)
    sign_in(page, street)
    page.goto(f"{street}/settings/second/")
    page.get_by_label("给它起个名字").fill("没锁的手机")
    page.get_by_role("button", name="加一个通行密钥").click()
    expect(page.get_by_text("没有做成", exact=False)).to_be_visible()
    assert not Passkey.objects.exists()


@pytest.mark.any_store
def test_pages_of_the_door_are_fit_to_read_on_a_narrow_phone_in_both_languages(
    page: Page, street: str
) -> None:
    said = watched(page)
    page.set_viewport_size({"width": 360, "height": 740})
    sign_in(page, street)
    for lang in ("zh", "en"):
        page.context.add_cookies([{"name": "lang", "value": lang, "url": street}])
        for where in ("logins", "second", "second/app", "pin", "door", "password"):
            page.goto(f"{street}/settings/{where}/")
            must_be_fit_to_read(page)
    assert said == []


def test_a_password_is_looked_at_while_it_is_typed_and_goes_hidden(page: Page, street: str) -> None:
    page.goto(f"{street}/login/")
    field = page.get_by_label("密码", exact=True)
    field.fill(PASSWORD)
    page.get_by_role("button", name="显示").click()
    expect(field).to_have_attribute("type", "text")
    page.get_by_role("button", name="隐藏").click()
    expect(field).to_have_attribute("type", "password")
