"""Signing in, signing out, and the first start of a shop."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from tests.shops import Shop, wipe
from tests.web.conftest import PASSWORD, House

from regulars.grading.models import Adoption
from regulars.shop.actions import set_password
from regulars.shop.models import Business, Staff, Store
from regulars.shop.rules.doors import PASSWORD as PASSWORD_TRIES
from regulars.web import throttle

OWNER = {"name": "陈老板", "email": "chen@example.com", "password": PASSWORD}


@pytest.fixture
def new_shop(shop: Shop) -> Shop:
    wipe()
    cache.clear()
    return shop


def test_an_owner_starts_her_shop_in_three_steps_and_is_signed_in(new_shop: Shop) -> None:
    browser = Client()
    assert browser.get("/")["Location"] == "/start/"
    assert browser.post("/start/", OWNER)["Location"] == "/start/business/"
    assert not Staff.objects.exists(), "nothing is stored before the shop is founded"
    assert (
        browser.post("/start/business/", {"name": "老地方", "stores": "东店\n西店"})["Location"]
        == "/start/trade/"
    )
    assert browser.post("/start/trade/", {"trade": "restaurant"})["Location"] == "/start/import/"
    assert Business.objects.get().name == "老地方"
    assert sorted(Store.objects.values_list("name", flat=True)) == ["东店", "西店"]
    assert Adoption.objects.get().key == "restaurant"
    assert Staff.objects.get().check_password(PASSWORD)
    assert browser.get("/").status_code == 200
    assert browser.get("/start/")["Location"] == "/"


def test_who_leaves_half_way_goes_on_where_she_was(new_shop: Shop) -> None:
    browser = Client()
    browser.post("/start/", OWNER)
    assert browser.get("/", follow=True).redirect_chain[-1][0] == "/start/business/"
    assert OWNER["email"] in browser.get("/start/business/").content.decode()
    assert OWNER["email"] in browser.get("/start/?anew").content.decode(), "and she may change her account"
    browser.post("/start/business/", {"name": "老地方", "stores": ""})
    assert browser.get("/", follow=True).redirect_chain[-1][0] == "/start/trade/"
    assert "老地方" in browser.get("/start/business/").content.decode()
    assert Client().get("/start/").status_code == 200


def test_her_password_travels_in_no_cookie(new_shop: Shop) -> None:
    browser = Client()
    browser.post("/start/", OWNER)
    assert PASSWORD not in repr(browser.cookies)


def test_steps_can_not_be_skipped(new_shop: Shop) -> None:
    assert Client().get("/start/trade/")["Location"] == "/start/business/"
    assert Client().get("/start/business/")["Location"] == "/start/"
    assert Client().get("/start/import/").status_code == 403


@pytest.mark.parametrize(
    "wrong", [{"password": "short"}, {"password": "password123"}, {"email": "nobody"}, {"name": " "}]
)
def test_an_account_that_would_not_do_is_asked_for_again(new_shop: Shop, wrong: dict[str, str]) -> None:
    answer = Client().post("/start/", {**OWNER, **wrong})
    assert answer.status_code == 422
    assert "wrong-text" in answer.content.decode()


def test_a_cookie_that_somebody_made_up_starts_anew(new_shop: Shop) -> None:
    browser = Client()
    browser.cookies["start"] = "made-up"
    assert browser.get("/start/business/")["Location"] == "/start/"


def test_the_right_password_comes_in_and_leads_where_one_wanted_to_go(house: House) -> None:
    set_password(house.staff["owner"], PASSWORD)
    browser = Client()
    where = browser.get("/customers/?show=newest")["Location"]
    assert where == "/login/?next=%2Fcustomers%2F%3Fshow%3Dnewest"
    answer = browser.post(
        "/login/", {"email": "OWNER@example.com", "password": PASSWORD, "next": "/customers/?show=newest"}
    )
    assert answer["Location"] == "/customers/?show=newest"


@pytest.mark.parametrize(
    "evil",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\thttps://evil"],
)
def test_nobody_is_led_to_another_site(house: House, evil: str) -> None:
    set_password(house.staff["owner"], PASSWORD)
    answer = Client().post("/login/", {"email": "owner@example.com", "password": PASSWORD, "next": evil})
    assert answer["Location"] == "/"
    assert Client().post("/lang/", {"language": "en", "next": evil})["Location"] == "/"


def test_guessing_becomes_slow_and_waiting_always_helps(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(throttle, "now", lambda: clock[0])
    set_password(house.staff["owner"], PASSWORD)
    wrong, right = ({"email": "owner@example.com", "password": p} for p in ("guess", PASSWORD))
    browser = Client()
    assert [browser.post("/login/", wrong).status_code for _ in range(PASSWORD_TRIES.free)] == [
        401
    ] * PASSWORD_TRIES.free
    clock[0] += 1.5
    assert browser.post("/login/", wrong).status_code == 401
    assert browser.post("/login/", right).status_code == 429, (
        "the right one waits too, or guessing would be free"
    )
    other = Client(REMOTE_ADDR="10.0.0.9")
    assert other.post("/login/", right).status_code == 302, "another address is not held up"
    clock[0] += PASSWORD_TRIES.longest
    assert browser.post("/login/", right).status_code == 302


def test_signing_out_ends_the_session(house: House) -> None:
    browser = house.browser("owner")
    assert browser.post("/logout/")["Location"] == "/login/"
    assert browser.get("/")["Location"] == "/login/"


def test_the_choice_of_language_stays_with_the_person(house: House) -> None:
    browser = house.browser("service")
    browser.post("/lang/", {"language": "en", "next": "/settings/"})
    assert Staff.objects.get(role="service").lang == "en"
    assert '<html lang="en"' in browser.get("/settings/").content.decode()
    browser.post("/lang/", {"language": "tlh"})
    assert Staff.objects.get(role="service").lang == "en"


def test_a_watchman_hears_that_the_pages_answer(new_shop: Shop) -> None:
    assert Client().get("/health/").json() == {"ok": True, "started": False}
