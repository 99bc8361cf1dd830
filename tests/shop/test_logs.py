"""Logs name nobody: whatever goes wrong, with whatever in hand."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client
from tests.shops import Shop

from regulars.customers import actions as customers
from regulars.shop.actions import add_staff, ask_for, make_token
from regulars.shop.logs import PAGES_LOGGING, NothingPersonal, told
from regulars.shop.worker import carry_out, job

PHONE, NOTE, MAIL = "13912345601", "对花生过敏", "wang@example.cn"
SECRETS = (PHONE, NOTE, MAIL, "5601", "139 1234", "过敏", "wang")


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """What the handlers that this product sets up write meanwhile."""
    out = io.StringIO()
    ours = [h for h in logging.root.handlers if any(isinstance(f, NothingPersonal) for f in h.filters)]
    assert len(ours) == 1 and isinstance(ours[0], logging.StreamHandler)
    logging.getLogger(
        "django.request"
    ).disabled = False  # others set up logging in their own way in the same process
    # Set by hand: the stream of whoever set up logging before may be closed, and to flush it would fail.
    before, ours[0].stream = ours[0].stream, out
    try:
        yield out
    finally:
        ours[0].stream = before


def test_every_handler_that_is_set_up_goes_through_the_filter() -> None:
    from django.conf import settings

    for config in (settings.LOGGING, PAGES_LOGGING):
        assert all("nothing-personal" in h["filters"] for h in config["handlers"].values())
    loggers: list[Any] = [
        logging.getLogger(name) for name in ("django", "django.server", "django.request", "py.warnings")
    ]
    assert [one.name for one in loggers if one.handlers] == [], "Django's own handlers would write past it"


@pytest.mark.parametrize(
    "line",
    [
        f"no answer from {PHONE}", "no answer from 139 1234 5601", f"mail to {MAIL} failed", "GET /customers/?q=13912345601",
        "GET /customers/?q=%E8%BF%87%E6%95%8F", "Authorization: Bearer regulars-abcdefghijklmnop", "key regulars-abcdefgh_-12",
        "Cookie: sessionid=abc123def; csrftoken=zyx", "{'sessionid': 'abc123def'}", "110101199003071234", "password=hunter2hunter2",
    ],
)  # fmt: skip
def test_a_line_holds_nothing_that_leads_to_a_person_or_opens_a_door(line: str) -> None:
    with logged() as out:
        logging.getLogger("anything").error(line)
        logging.getLogger("django.request").error("%s", line)
        logging.getLogger("anything").error("%s and %d", line)  # words and values that do not fit
    said = out.getvalue()
    assert said.count("***") >= 2 and "%s and %d" in said
    for secret in (PHONE, "1234 5601", "wang", "E8%BF", "abcdefgh", "abc123", "zyx", "1101011990", "hunter2"):
        assert secret not in said


def test_numbers_of_records_and_days_stay_readable() -> None:
    with logged() as out:
        logging.getLogger("regulars").error("job 1234 (import) of 2026-05-01 failed after 12.5 s")
    assert "job 1234 (import) of 2026-05-01 failed after 12.5 s" in out.getvalue()


def broken(secret: str) -> None:
    customer = secret
    try:
        int(customer)
    except ValueError as wrong:
        raise KeyError(secret) from wrong


@pytest.mark.parametrize("secret", [PHONE + "x", NOTE, MAIL, f"{NOTE} {PHONE}\n{MAIL}"])
def test_of_an_exception_only_what_failed_is_told(secret: str) -> None:
    with logged() as out:
        try:
            broken(secret)
        except KeyError:
            logging.getLogger("anything").exception("failed with %s", PHONE)
    said = out.getvalue()
    assert "ValueError: invalid literal for int()" in said and "KeyError" in said and "in broken" in said
    assert [s for s in SECRETS if s in said] == []


def test_a_page_that_breaks_logs_neither_the_address_asked_for_nor_who_asked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = add_staff(name="林", email="lin@example.com", role="owner", password="Regenbogen-im-Mai")
    her = customers.add_customer(name="王芳", phone=PHONE)
    _, token = make_token(boss, "屏幕")
    client = Client(raise_request_exception=False)
    client.force_login(boss)
    session = client.cookies["sessionid"].value
    monkeypatch.setattr(
        "regulars.web.customers.search", lambda *a, **k: broken(f"{her.name} {NOTE} {PHONE}"), raising=False
    )
    monkeypatch.setattr("regulars.web.portrait.find_customer", lambda *a, **k: broken(f"{NOTE} {PHONE}"))
    monkeypatch.setattr("regulars.web.api.search", lambda *a, **k: broken(f"{NOTE} {PHONE}"), raising=False)
    bearer = {"authorization": f"Bearer {token}"}
    with logged() as out:
        answers = [
            client.get(f"/customers/{her.id}/", {"q": PHONE}),
            client.get("/customers/", {"q": NOTE}),
            client.get(f"/nowhere/{PHONE}/", {"q": NOTE}),
            Client(raise_request_exception=False).get("/api/customers", {"q": PHONE}, headers=bearer),
        ]
    said = out.getvalue()
    assert 500 in [a.status_code for a in answers] and "Internal Server Error" in said
    for secret in (*SECRETS, "王芳", token, token[10:], session):
        assert secret not in said, said


def test_a_job_that_breaks_logs_nobody(shop: Shop) -> None:
    @job("breaks")
    def breaks(args: dict[str, Any], step: Any) -> dict[str, Any]:
        broken(f"{NOTE} {PHONE}")
        return {}

    with logged() as out:
        done = carry_out(ask_for("breaks", {}))
    assert done.state == "failed" and "KeyError" in out.getvalue()
    assert [s for s in SECRETS if s in out.getvalue()] == []


def test_what_nobody_catches_is_told_in_the_same_way() -> None:
    program = (
        "import threading\nfrom regulars.shop.logs import tell_only_what_failed\ntell_only_what_failed()\n"
        f"def wrong(): raise ValueError('对花生过敏 {PHONE}')\n"
        "thread = threading.Thread(target=wrong); thread.start(); thread.join()\nwrong()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 1 and done.stderr.count("ValueError") == 2
    assert [s for s in SECRETS if s in done.stderr] == []


def test_an_exception_that_is_its_own_cause_is_told_once() -> None:
    one = ValueError("a")
    one.__context__ = one
    assert told(one).count("ValueError") == 1
