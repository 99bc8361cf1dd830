"""Signing in with a second step, being signed in somewhere, and the PIN of a phone in the shop."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from tests.web.conftest import PASSWORD, House

from regulars.shop import doors_actions
from regulars.shop.actions import make_token, set_password
from regulars.shop.doors import Authenticator, Login, Passkey, Pin, RecoveryCode
from regulars.shop.models import ApiToken, AuditEvent, Business, Staff
from regulars.shop.rules.doors import CODE, IDLE, LASTS, PIN_TRIES, SHARED_LASTS
from regulars.web import doors, throttle

PIN = "738164"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1"


class Clock:
    """The clock of the door, set by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def later(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    hand = Clock()
    monkeypatch.setattr(doors, "clock", hand)
    monkeypatch.setattr(throttle, "now", lambda: hand.at.timestamp())
    return hand


def sign_in(house: House, role: str = "owner", browser: Client | None = None, **more: str) -> Client:
    """A browser in which she has given her password."""
    her = house.staff[role]
    if not her.has_usable_password():
        set_password(her, PASSWORD)
    browser = browser or Client()
    assert browser.post("/login/", {"email": her.email, "password": PASSWORD, **more}).status_code == 302
    return browser


def with_app(house: House, role: str = "owner") -> pyotp.TOTP:
    secret = doors_actions.new_secret()
    Authenticator.objects.create(staff=house.staff[role], secret=secret)
    return pyotp.TOTP(secret)


def text(browser: Client, where: str) -> str:
    return browser.get(where).content.decode()


# --- the second step -------------------------------------------------------------------------------------------------


def test_the_password_alone_opens_nothing_where_there_is_an_app(house: House, clock: Clock) -> None:
    app = with_app(house)
    browser = sign_in(house, next="/settings/")
    assert browser.get("/")["Location"] == "/login/"
    assert "_auth_user_id" not in browser.session
    answer = browser.post("/login/code/", {"code": app.at(clock.at)})
    assert answer["Location"] == "/settings/"
    assert browser.get("/").status_code == 200


def test_a_code_opens_once_and_not_too_late(house: House, clock: Clock) -> None:
    app = with_app(house)
    first, second = sign_in(house), sign_in(house)
    code = app.at(clock.at)
    assert first.post("/login/code/", {"code": code}).status_code == 302
    assert second.post("/login/code/", {"code": code}).status_code == 401, "read over her shoulder"
    clock.later(seconds=30)
    assert second.post("/login/code/", {"code": app.at(clock.at - timedelta(seconds=90))}).status_code == 401
    assert second.post("/login/code/", {"code": app.at(clock.at + timedelta(seconds=90))}).status_code == 401
    assert second.post("/login/code/", {"code": app.at(clock.at + timedelta(seconds=30))}).status_code == 302
    third = sign_in(house)
    assert third.post("/login/code/", {"code": app.at(clock.at)}).status_code == 401, (
        "older than the last one"
    )


def test_codes_are_not_guessed(house: House, clock: Clock) -> None:
    app = with_app(house)
    browser = sign_in(house)
    for _ in range(CODE.free):
        assert browser.post("/login/code/", {"code": "000000"}).status_code == 401
    assert browser.post("/login/code/", {"code": app.at(clock.at)}).status_code == 429
    clock.later(seconds=CODE.longest)
    assert sign_in(house).post("/login/code/", {"code": app.at(clock.at)}).status_code == 302


def test_the_right_password_does_not_wait_for_ever_and_dies_with_its_change(
    house: House, clock: Clock
) -> None:
    app = with_app(house)
    late, changed = sign_in(house), sign_in(house)
    set_password(house.staff["owner"], "another long sentence of hers")
    assert changed.post("/login/code/", {"code": app.at(clock.at)})["Location"] == "/login/"
    clock.later(minutes=11)
    assert late.post("/login/code/", {"code": app.at(clock.at)})["Location"] == "/login/"


def test_an_app_is_set_up_with_a_code_and_brings_codes_on_paper(house: House, clock: Clock) -> None:
    browser = sign_in(house)
    page = text(browser, "/settings/second/app/")
    found = re.search(r'<code class="address">([A-Z2-7 ]+)</code>', page)
    assert found
    app = pyotp.TOTP(found[1].replace(" ", ""))
    assert browser.post("/settings/second/app/", {"code": "000000"}).status_code == 422
    assert not Authenticator.objects.exists()
    shown = browser.post("/settings/second/app/", {"code": app.at(clock.at)}).content.decode()
    codes = re.findall(r"<code>([\w-]{14})</code>", shown)
    assert len(codes) == len(set(codes)) == 10
    assert codes[0] not in text(browser, "/settings/second/"), "shown once"
    assert Authenticator.objects.get().secret == app.secret

    on_paper = sign_in(house)
    assert on_paper.post("/login/code/", {"code": f" {codes[3].lower()} "}).status_code == 302
    assert "还剩 9 个" in text(on_paper, "/settings/")
    again = sign_in(house)
    assert again.post("/login/code/", {"code": codes[3]}).status_code == 401, "each opens once"
    browser.post("/settings/second/codes/")
    assert again.post("/login/code/", {"code": codes[4]}).status_code == 401, (
        "new ones make the old ones void"
    )


def test_who_may_change_the_lock_is_asked_again_when_the_login_is_not_fresh(
    house: House, clock: Clock
) -> None:
    with_app(house)
    doors_actions.make_recovery_codes(house.staff["owner"])
    set_password(house.staff["owner"], PASSWORD)
    browser = house.browser("owner")
    for where in ("/settings/second/app/end/", "/settings/second/codes/"):
        assert browser.post(where).status_code == 422
        assert browser.post(where, {"old": "guess"}).status_code == 422
    assert Authenticator.objects.exists()
    assert browser.post("/settings/second/app/end/", {"old": PASSWORD}).status_code == 302
    assert not Authenticator.objects.exists()


def test_the_owner_says_whose_role_needs_a_second_step(house: House, clock: Clock) -> None:
    owner, desk = sign_in(house), sign_in(house, "front-desk")
    assert desk.get("/customers/").status_code == 200
    owner.post("/settings/door/", {"second_for": ["front-desk", "made-up"], "pin_minutes": "7"})
    assert (Business.objects.get().second_for, Business.objects.get().pin_minutes) == (["front-desk"], 7)
    assert desk.get("/customers/")["Location"] == "/settings/second/?next=%2Fcustomers%2F"
    assert desk.get("/api/v1/customers").status_code == 401, "by the session she sees nothing of it either"
    assert desk.get("/settings/second/app/").status_code == 200
    with_app(house, "front-desk")
    assert desk.get("/customers/").status_code == 200
    assert desk.post("/settings/second/app/end/").status_code == 422, "the last one stays"


def test_only_the_owner_changes_the_door_and_takes_a_lost_phone_off(house: House, clock: Clock) -> None:
    with_app(house, "service")
    number = house.staff["service"].pk
    manager = sign_in(house, "manager")
    assert manager.get("/settings/door/").status_code == 200
    assert manager.post("/settings/door/", {"pin_minutes": "120"}).status_code == 403
    assert manager.post(f"/settings/door/{number}/second/end/").status_code == 403
    assert sign_in(house).post(f"/settings/door/{number}/second/end/").status_code == 302
    assert not Authenticator.objects.exists()
    assert AuditEvent.objects.filter(verb="drop-second-factors", subject=f"staff {number}").exists()


# --- nobody is locked out --------------------------------------------------------------------------------------------


def test_strangers_who_guess_never_hold_up_a_device_that_she_has_used(house: House, clock: Clock) -> None:
    hers = sign_in(house)
    hers.post("/logout/")
    right = {"email": "owner@example.com", "password": PASSWORD}
    for k in range(60):
        where = f"10.9.8.{k}" if k % 2 else "127.0.0.1"  # from everywhere, and from her own network
        Client(REMOTE_ADDR=where).post("/login/", {**right, "password": "guess"})
    stranger = Client(REMOTE_ADDR="10.9.9.9")
    assert stranger.post("/login/", right).status_code == 429, "a device that nobody knows waits"
    assert hers.post("/login/", right).status_code == 302
    clock.later(seconds=31)
    assert stranger.post("/login/", right).status_code == 302, "and not for long"


def test_one_address_that_tries_many_accounts_becomes_slow(house: House, clock: Clock) -> None:
    robot = Client(REMOTE_ADDR="10.1.1.1")
    statuses = [
        robot.post("/login/", {"email": f"n{k}@example.com", "password": "guess"}).status_code for k in range(31)
    ]  # fmt: skip
    assert statuses == [401] * 30 + [429]
    assert "Retry-After" in robot.post("/login/", {"email": "x@example.com", "password": "x"}).headers
    assert Client(REMOTE_ADDR="10.1.1.2").post("/login/", {"email": "x@example.com", "password": "x"}).status_code == 401  # fmt: skip


def test_an_ipv6_household_is_one_address(house: House, clock: Clock) -> None:
    for k in range(30):
        Client(REMOTE_ADDR=f"2001:db8:1:2::{k + 1:x}").post(
            "/login/", {"email": f"n{k}@e.com", "password": "g"}
        )
    there = Client(REMOTE_ADDR="2001:db8:1:2:ffff::1")
    assert there.post("/login/", {"email": "x@example.com", "password": "x"}).status_code == 429


def test_a_wrong_key_for_programs_is_not_guessed_and_a_right_one_never_waits(
    house: House, clock: Clock
) -> None:
    _, key = make_token(house.staff["service"], "counter")

    def asks(key: str) -> int:
        return Client().get("/api/v1/freshness", headers={"Authorization": f"Bearer {key}"}).status_code

    assert [asks("regulars-guess") for _ in range(21)] == [401] * 20 + [429]
    assert asks(key) == 200


def test_a_person_searches_as_fast_as_she_types_and_a_program_does_not(house: House, clock: Clock) -> None:
    browser = house.browser("service")
    asked = [browser.get("/customers/suggestions/?q=a").status_code for _ in range(61)]
    assert asked == [200] * 60 + [429]
    slow = browser.get("/customers/?q=a")
    assert (slow.status_code, slow["Retry-After"]) == (429, "1")
    assert "歇 1 秒" in slow.content.decode()
    assert browser.get("/api/v1/customers?search=a").status_code == 429
    assert browser.get("/customers/").status_code == 200
    assert house.browser("manager").get("/customers/?q=a").status_code == 200
    clock.later(seconds=2)
    assert browser.get("/customers/?q=a").status_code == 200


# --- being signed in somewhere ---------------------------------------------------------------------------------------


def test_she_sees_where_she_is_signed_in_and_ends_what_she_does_not_know(house: House, clock: Clock) -> None:
    here = sign_in(house)
    phone = sign_in(house, browser=Client(headers={"User-Agent": IPHONE}, REMOTE_ADDR="203.0.113.9"))
    page = text(here, "/settings/logins/")
    assert "iPhone 上的 Safari" in page and "203.0.113.*" in page and "203.0.113.9" not in page
    number = Login.objects.get(kind="safari/iphone").pk
    assert house.browser("manager").post(f"/settings/logins/{number}/end/").status_code == 404, "not hers"
    here.post(f"/settings/logins/{number}/end/")
    assert phone.get("/")["Location"] == "/login/"
    assert here.get("/").status_code == 200
    third = sign_in(house)
    here.post("/settings/logins/end/")
    assert third.get("/")["Location"] == "/login/"
    assert here.get("/").status_code == 200


def test_a_new_device_is_told_of_elsewhere_until_she_says_that_she_knows_it(
    house: House, clock: Clock
) -> None:
    here = sign_in(house, "service")
    assert "一台新设备" not in text(here, "/settings/"), "the first device is no news"
    thief = sign_in(house, "service", Client(headers={"User-Agent": IPHONE}))
    assert "一台新设备" in text(here, "/settings/") and "iPhone" in text(here, "/settings/")
    assert "一台新设备" not in text(thief, "/settings/")
    thief.post("/settings/logins/known/")
    assert "一台新设备" in text(here, "/settings/"), "a thief does not wave it away"
    assert "service Li" in text(sign_in(house), "/settings/logins/"), "the owner reads of it, too"
    assert AuditEvent.objects.filter(verb="sign-in", detail__new_device=True).count() == 1
    here.post("/settings/logins/known/")
    assert "一台新设备" not in text(here, "/settings/")
    thief.post("/logout/")
    sign_in(house, "service", thief)
    assert "一台新设备" not in text(here, "/settings/"), "that device is known now"


def test_a_new_password_ends_every_other_login_and_keeps_this_one(house: House, clock: Clock) -> None:
    here, there = sign_in(house), sign_in(house)
    new = "seven lanterns above the door"
    assert here.post("/settings/password/", {"old": PASSWORD, "password": new})["Location"] == "/settings/"
    assert here.get("/").status_code == 200
    assert there.get("/")["Location"] == "/login/"
    assert Login.objects.filter(staff=house.staff["owner"], ended_at=None).count() == 1
    assert text(here, "/settings/logins/").count("这里") >= 1


def test_a_login_ends_when_it_is_idle_or_old(house: House, clock: Clock) -> None:
    browser = sign_in(house)
    clock.at += IDLE - timedelta(minutes=1)
    assert browser.get("/settings/").status_code == 200
    clock.at += IDLE
    assert browser.get("/settings/").status_code == 302, "not used for too long"
    browser = sign_in(house)
    end = clock.at + LASTS
    while clock.at < end - timedelta(days=5):
        clock.later(days=5)
        assert browser.get("/settings/").status_code == 200
    clock.at = end
    assert browser.get("/settings/").status_code == 302, "used all the time, and yet it ends"


def test_what_has_ended_is_forgotten_after_a_year(house: House, clock: Clock) -> None:
    sign_in(house)
    assert doors_actions.sweep_logins(clock.at + LASTS) == 0
    assert Login.objects.get().ended_at
    assert doors_actions.sweep_logins(Login.objects.get().ended_at + timedelta(days=366)) == 1  # type: ignore[operator]


def test_when_somebody_leaves_everything_of_hers_ends_at_once(house: House, clock: Clock) -> None:
    her = house.staff["manager"]
    browsers = [sign_in(house, "manager"), sign_in(house, "manager")]
    with_app(house, "manager")
    doors_actions.make_recovery_codes(her)
    doors_actions.set_pin(her, PIN)
    _, key = make_token(her, "report")
    ended = doors_actions.end_access(her, by=house.staff["owner"])
    assert ended == {"logins": 2, "keys": 1, "factors": 1}
    assert [b.get("/")["Location"] for b in browsers] == ["/login/"] * 2
    answer = Client().get("/api/v1/freshness", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401
    assert Client().post("/login/", {"email": her.email, "password": PASSWORD}).status_code == 401
    for model in (ApiToken, Authenticator, Passkey, RecoveryCode, Pin):
        assert not model.objects.filter(staff=her).exists()
    assert doors_actions.end_access(her) == {"logins": 0, "keys": 0, "factors": 0}, "safe to run twice"


def test_sessions_stand_in_the_store_under_a_mark_that_opens_nothing(house: House, clock: Clock) -> None:
    browser = sign_in(house)
    key = browser.session.session_key
    stored = [
        *Session.objects.values_list("session_key", flat=True),
        *Login.objects.values_list("session", flat=True),
    ]
    assert key not in stored
    thief = Client()
    thief.cookies["sessionid"] = stored[0]
    assert thief.get("/")["Location"] == "/login/"


# --- a phone in the shop ---------------------------------------------------------------------------------------------


def shared(house: House, role: str = "front-desk") -> Client:
    doors_actions.set_pin(house.staff[role], PIN)
    return sign_in(house, role, shared="on")


def test_a_phone_of_the_shop_asks_for_a_pin_first(house: House, clock: Clock) -> None:
    browser = sign_in(house, "front-desk", shared="on")
    assert browser.get("/customers/")["Location"] == "/settings/pin/?next=%2Fcustomers%2F"
    assert browser.post("/settings/pin/", {"pin": "123456"}).status_code == 422
    assert browser.post("/settings/pin/", {"pin": PIN, "next": "/customers/"})["Location"] == "/customers/"
    assert browser.get("/customers/").status_code == 200
    assert PIN not in Pin.objects.get().hashed and Pin.objects.get().hashed.startswith("argon2")


def test_a_shop_hashes_at_the_full_price(home: Path) -> None:
    """Asked in a process of its own, because a test run hashes at the least."""
    asked = "import django; django.setup(); from django.contrib.auth.hashers import make_password as m; print(m('x'))"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert said.split("$")[:4] == ["argon2", "argon2id", "v=19", "m=102400,t=2,p=8"]


def test_after_some_still_minutes_every_page_asks_for_the_pin(house: House, clock: Clock) -> None:
    browser = shared(house)
    for _ in range(5):
        clock.later(minutes=4)
        assert browser.get("/customers/").status_code == 200, "in use all the time"
    clock.later(minutes=5)
    assert browser.get("/customers/?show=newest")["Location"] == "/pin/?next=%2Fcustomers%2F%3Fshow%3Dnewest"
    assert browser.get("/api/v1/customers").status_code == 401
    assert (
        browser.get("/customers/suggestions/?q=a", headers={"X-Requested-With": "fetch"}).status_code == 401
    )
    assert browser.post("/customers/new/", {"name": "x"})["Location"] == "/pin/"
    clock.later(seconds=1)
    assert browser.get("/customers/").status_code == 302, "looking at the PIN page is not using the phone"
    assert browser.get("/settings/pin/").status_code == 302, "nor is a new PIN a way round the old one"
    assert browser.post("/pin/", {"pin": "738165"}).status_code == 401
    answer = browser.post("/pin/", {"pin": PIN, "next": "/customers/?show=newest"})
    assert answer["Location"] == "/customers/?show=newest"
    assert browser.get("/customers/").status_code == 200


def test_five_wrong_pins_end_that_login_only(house: House, clock: Clock) -> None:
    browser, elsewhere = shared(house), sign_in(house, "front-desk")
    clock.later(minutes=6)
    statuses = [browser.post("/pin/", {"pin": "000000"}).status_code for _ in range(PIN_TRIES)]
    assert statuses == [401] * (PIN_TRIES - 1) + [302]
    assert browser.post("/pin/", {"pin": PIN})["Location"].startswith("/login/"), (
        "the right one comes too late"
    )
    assert elsewhere.get("/customers/").status_code == 200
    assert sign_in(house, "front-desk", browser, shared="on").get("/customers/").status_code == 200


def test_her_own_phone_asks_for_no_pin_and_a_shared_one_signs_out_after_the_day(
    house: House, clock: Clock
) -> None:
    own, lying_about = sign_in(house, "front-desk"), shared(house)
    clock.later(hours=3)
    assert own.get("/customers/").status_code == 200
    clock.at += SHARED_LASTS
    assert lying_about.get("/customers/")["Location"].startswith("/login/")
    assert own.get("/customers/").status_code == 200


def test_a_login_from_before_is_taken_up_when_it_is_seen(house: House) -> None:
    browser = house.browser("owner")
    assert not Login.objects.exists()
    browser.get("/")
    browser.get("/settings/")
    login = Login.objects.get()
    assert (login.staff, login.is_news, login.how) == (Staff.objects.get(role="owner"), False, "")
