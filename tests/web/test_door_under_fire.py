"""What attackers try at the door: planted sessions, forged hosts, redirects, clocks, logs, frames."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth import hashers
from django.test import Client, override_settings
from tests.web.conftest import PASSWORD, House

from regulars.shop import doors_actions
from regulars.shop.actions import make_token, set_password
from regulars.shop.doors import Authenticator, Login
from regulars.shop.home import Home
from regulars.web import doors, second

RIGHT = {"email": "owner@example.com", "password": PASSWORD}


@pytest.fixture
def owner(house: House) -> House:
    set_password(house.staff["owner"], PASSWORD)
    return house


def test_a_session_that_somebody_planted_is_not_the_one_that_is_signed_in(owner: House) -> None:
    Authenticator.objects.create(staff=owner.staff["owner"], secret=doors_actions.new_secret())
    attacker = Client()
    attacker.post("/login/", RIGHT)  # a live session of nobody, waiting for its second step
    planted = attacker.cookies["sessionid"].value
    Authenticator.objects.all().delete()
    victim = Client()
    victim.cookies["sessionid"] = planted
    victim.post("/login/", RIGHT)
    assert victim.cookies["sessionid"].value != planted
    assert victim.get("/").status_code == 200
    assert attacker.get("/")["Location"] == "/login/"


def test_a_key_of_ones_own_choice_is_not_taken_up(owner: House) -> None:
    browser = Client()
    browser.cookies["sessionid"] = "a" * 32
    browser.post("/login/", RIGHT)
    assert browser.cookies["sessionid"].value != "a" * 32


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "evil.example:8000", "localhost@evil.example"]
)
def test_a_host_that_is_not_ours_gets_nothing(owner: House, host: str) -> None:
    answer = Client(HTTP_HOST=host).get("/login/")
    assert answer.status_code == 400
    assert "evil" not in answer.content.decode()


def test_a_host_in_another_header_changes_nothing(owner: House) -> None:
    for header in ("X-Forwarded-Host", "X-Host", "Forwarded", "X-Original-URL", "X-Rewrite-URL"):
        answer = Client().get("/customers/", headers={header: "evil.example"})
        assert answer["Location"] == "/login/?next=%2Fcustomers%2F"


EVIL = [
    "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "///evil.example", "javascript:alert(1)", "/\t/evil.example",
    "/%09/evil.example", "https:evil.example", "\x00//evil.example", " //evil.example", "/../\\evil.example", "@evil.example", "data:text/html,x",
]  # fmt: skip


@pytest.mark.parametrize("evil", EVIL)
def test_no_way_leads_to_another_site(owner: House, evil: str) -> None:
    def stays(answer: Any) -> bool:
        where = answer["Location"]
        return where.startswith("/") and not where.startswith(("//", "/\\", "/\t"))

    browser = Client()
    assert stays(browser.post("/login/", {**RIGHT, "next": evil}))
    assert stays(browser.get("/login/", {"next": evil}))
    doors_actions.set_pin(owner.staff["owner"], "738164")
    assert stays(browser.get("/pin/", {"next": evil}))
    assert stays(browser.post("/settings/pin/", {"pin": "738164", "next": evil}))
    assert stays(browser.post("/settings/logins/known/", {"next": evil}))
    for where in ("/lang/", "/theme/"):
        assert stays(browser.post(where, {"language": "en", "next": evil}))
    app = Authenticator.objects.create(staff=owner.staff["owner"], secret=doors_actions.new_secret())
    waiting = Client()
    waiting.post("/login/", {**RIGHT, "next": evil})
    with patch.object(doors_actions, "opens_by_code", lambda *a, **k: True):
        assert stays(waiting.post("/login/code/", {"code": "000000"}))
    app.delete()


@pytest.mark.parametrize("password", ["a wrong password", "ｆｕｌｌ ｗｉｄｔｈ"])
def test_who_is_unknown_who_left_and_who_is_mistaken_cost_the_same(owner: House, password: str) -> None:
    """Counted in the one thing that takes time, checks of a hash, which no clock blurs."""
    set_password(owner.staff["manager"], PASSWORD)
    owner.staff["manager"].is_active = False
    owner.staff["manager"].save()
    doors_actions._nobodys()
    costs: dict[str, list[str]] = {}
    for email in (
        "owner@example.com",
        "nobody@example.com",
        "manager@example.com",
        "service@example.com",
        "",
    ):
        asked: list[str] = []
        real = hashers.Argon2PasswordHasher.verify

        def verify(self: Any, tried: str, encoded: str, asked: list[str] = asked, real: Any = real) -> bool:
            asked.append(encoded.rpartition("$")[0].rpartition("$")[0])
            return bool(real(self, tried, encoded))

        with patch.object(hashers.Argon2PasswordHasher, "verify", verify):
            answer = Client().post("/login/", {"email": email, "password": password})
        assert answer.status_code == 401
        assert "邮箱或密码不对" in answer.content.decode()
        costs[email] = asked
    assert len({tuple(c) for c in costs.values()}) == 1, costs
    assert len(costs[""]) == (1 if password.isascii() else 2)


def test_answers_to_unknown_and_known_accounts_are_the_same_letter_for_letter(owner: House) -> None:
    def said(email: str) -> str:
        body = Client().post("/login/", {"email": email, "password": "wrong"}).content.decode()
        tokens = body.split("csrfmiddlewaretoken")
        return "".join(t[t.find(">") :] for t in tokens).replace(email, "")

    assert said("owner@example.com") == said("nobody@example.com")


def test_no_secret_gets_into_the_log(
    owner: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    # Others set up logging in their own way in the same process.
    monkeypatch.setattr(logging.getLogger("django.request"), "disabled", False)
    _, key = make_token(owner.staff["service"], "counter")
    wrong_key, wrong_password, code = "regulars-this-is-wrong-but-close", "nearly her password", "314159"
    browser = Client(raise_request_exception=False)
    browser.get("/api/v1/freshness", headers={"Authorization": f"Bearer {wrong_key}"})
    browser.get("/api/v1/customers", {"search": "x" * 500}, headers={"Authorization": f"Bearer {key}"})
    browser.post("/login/", {**RIGHT, "password": wrong_password})
    with patch("regulars.web.entrance.known_by_password", side_effect=RuntimeError("broken")):
        assert browser.post("/login/", RIGHT).status_code == 500
    with patch("regulars.web.api.listed", side_effect=RuntimeError("broken")):
        answer = browser.get("/api/v1/customers", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 500
    Authenticator.objects.create(staff=owner.staff["owner"], secret=doors_actions.new_secret())
    browser.post("/login/", RIGHT)
    with patch.object(doors_actions, "opens_by_code", side_effect=RuntimeError("broken")):
        assert browser.post("/login/code/", {"code": code}).status_code == 500
    assert any(record.exc_info or record.exc_text for record in caplog.records)
    from django.views.debug import SafeExceptionReporterFilter

    shown = caplog.text
    for record in caplog.records:
        request = getattr(record, "request", None)
        if request is not None:  # what an error report by mail would show of it
            shown += repr(SafeExceptionReporterFilter().get_post_parameters(request))
    for secret in (key, wrong_key, PASSWORD, wrong_password, code):
        assert secret not in shown, secret


def test_every_answer_forbids_frames_sniffing_and_other_peoples_scripts(owner: House) -> None:
    browser = owner.browser("owner")
    for where in (
        "/",
        "/login/",
        "/settings/second/",
        "/api/v1/freshness",
        "/health/",
        "/nowhere/",
        "/static/app.js",
    ):
        headers = browser.get(where).headers
        assert headers["X-Content-Type-Options"] == "nosniff", where
        assert headers["Referrer-Policy"] == "same-origin", where
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", where
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin", where
        assert "camera=()" in headers["Permissions-Policy"], where
        if not where.startswith("/static/"):
            assert headers["X-Frame-Options"] == "DENY", where
            policy = headers["Content-Security-Policy"]
            for rule in ("script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "object-src 'none'"):  # fmt: skip
                assert rule in policy, (where, rule)
            assert "unsafe" not in policy and "*" not in policy and "http" not in policy, where


def test_cookies_can_not_be_read_by_scripts_nor_sent_by_other_sites(owner: House) -> None:
    browser = Client()
    browser.post("/login/", RIGHT)
    browser.get("/login/")
    browser.post("/lang/", {"language": "en"})
    assert {"sessionid", "csrftoken", "device", "lang"} <= set(browser.cookies)
    for name, cookie in browser.cookies.items():
        assert cookie["httponly"], name
        assert cookie["samesite"] == "Lax", name
        assert not cookie["domain"], name


IN_TLS = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "regulars.web.settings"
import django; django.setup()
from django.conf import settings
from regulars.web import doors
print(json.dumps([settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_NAME,
    settings.CSRF_COOKIE_SECURE, doors.device_cookie(), getattr(settings, "SECURE_HSTS_SECONDS", 0) > 0]))
"""


@pytest.mark.parametrize(
    ("surroundings", "expected"),
    [
        ({"REGULARS_PROXY": "1", "REGULARS_HOSTS": "shop.example"}, ["__Host-session", True, "__Host-csrf", True, "__Host-device", True]),
        ({"REGULARS_ADDRESSES": "https://localhost:8443/ https://192.168.1.5:8443/"}, ["__Host-session", True, "__Host-csrf", True, "__Host-device", False]),
        ({"REGULARS_ADDRESSES": "http://localhost:8000/"}, ["sessionid", False, "csrftoken", False, "device", False]),
    ],
)  # fmt: skip
def test_where_everything_comes_by_tls_cookies_say_so(
    house: House, surroundings: dict[str, str], expected: list[Any]
) -> None:
    import os

    environment = {**os.environ, **surroundings}
    done = subprocess.run(
        [sys.executable, "-c", IN_TLS], capture_output=True, text=True, check=True, env=environment
    )
    assert json.loads(done.stdout) == expected


def test_behind_a_proxy_only_its_own_word_about_the_address_counts(owner: House) -> None:
    forged = {"X-Forwarded-For": "1.1.1.1, 198.51.100.7"}
    request = Client().get("/login/", headers=forged).wsgi_request
    assert doors.network(request) == "127.0.0.1", "without a proxy anybody may write that header"
    with override_settings(IS_BEHIND_PROXY=True):
        assert doors.network(request) == "198.51.100.7"


def test_the_second_step_can_not_be_skipped_or_given_for_another(owner: House) -> None:
    set_password(owner.staff["manager"], PASSWORD)
    for role in ("owner", "manager"):
        Authenticator.objects.create(staff=owner.staff[role], secret=doors_actions.new_secret())
    browser = Client()
    browser.post("/login/", RIGHT)
    for where in (
        "/",
        "/customers/",
        "/settings/second/",
        "/settings/second/app/",
        "/pin/",
        "/api/v1/customers",
    ):
        assert browser.get(where).status_code in (302, 401), where
    assert browser.post("/settings/second/app/end/").status_code == 302
    assert Authenticator.objects.count() == 2
    import pyotp

    now = doors.clock()
    others = pyotp.TOTP(Authenticator.objects.get(staff=owner.staff["manager"]).secret).at(now)
    mine = pyotp.TOTP(Authenticator.objects.get(staff=owner.staff["owner"]).secret).at(now)
    assert others != mine
    assert browser.post("/login/code/", {"code": others}).status_code == 401
    assert not Login.objects.filter(how="app").exists()


@pytest.mark.parametrize(
    "sent", ["", "{}", "[]", "null", '{"rawId": 7}', '{"rawId": "AAAA", "response": {}}', "x" * 30_000]
)
def test_a_passkey_that_is_none_is_refused(owner: House, sent: str) -> None:
    browser = Client(HTTP_HOST="localhost")
    assert browser.post("/login/passkey/", {"credential": sent})["Location"] == "/login/", "nobody asked"
    assert browser.post("/login/passkey/options/").status_code == 200
    assert browser.post("/login/passkey/", {"credential": sent})["Location"] == "/login/"
    mine = owner.browser("owner", HTTP_HOST="localhost")
    assert mine.post("/settings/second/passkeys/options/").status_code == 200
    assert mine.post("/settings/second/passkeys/", {"credential": sent, "old": PASSWORD}).status_code == 422


def test_a_question_is_answered_once(owner: House) -> None:
    browser = Client(HTTP_HOST="localhost")
    browser.post("/login/passkey/options/")
    assert "asked" in browser.session
    browser.post("/login/passkey/", {"credential": "{}"})
    assert "asked" not in browser.session


def test_passkeys_are_offered_only_where_browsers_take_them(owner: House) -> None:
    def offered(host: str, **more: Any) -> bool:
        with override_settings(ALLOWED_HOSTS=["*"]):
            return second.passkeys_work(Client(HTTP_HOST=host).get("/login/", **more).wsgi_request)

    assert offered("localhost:8000") and offered("shop.example", secure=True)
    assert not offered("shop.example") and not offered("192.168.1.5:8443", secure=True)
    assert not offered("[::1]:8000", secure=True) and not offered("127.0.0.1")


def test_nobody_ends_or_takes_off_what_is_anothers(owner: House) -> None:
    from regulars.shop.doors import Passkey

    key = Passkey.objects.create(staff=owner.staff["owner"], name="x", credential="AAAA", public_key=b"x")
    login = doors_actions.begin_login(owner.staff["owner"], "s" * 32)
    desk = owner.browser("front-desk")
    assert desk.post(f"/settings/second/passkeys/{key.pk}/end/").status_code == 404
    assert desk.post(f"/settings/logins/{login.pk}/end/").status_code == 404
    assert Passkey.objects.exists() and Login.objects.get(pk=login.pk).ended_at is None


def test_the_secret_of_an_app_stands_sealed(owner: House) -> None:
    browser = Client()
    browser.post("/login/", RIGHT)
    page = browser.get("/settings/second/app/").content.decode()
    assert "otpauth://totp/" in page
    from django.contrib.sessions.models import Session
    from django.db import connection

    secret = page.split("secret=")[1].split("&")[0]
    Authenticator.objects.create(staff=owner.staff["owner"], secret=secret)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM shop_authenticator")
        ((sealed,),) = cursor.fetchall()
    assert secret.encode() not in bytes(sealed)
    assert secret not in repr([s.get_decoded() for s in Session.objects.all()])
    assert secret.encode() not in b"".join(
        p.read_bytes() for p in Home.find().folder.rglob("*") if p.is_file()
    )
