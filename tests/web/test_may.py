"""Every address, with somebody who may, somebody who may not, somebody who has left and a stranger."""

from __future__ import annotations

import os
import re

import pytest
from django.test import Client
from django.urls import URLPattern, reverse
from tests.contracts.tree import ROOT
from tests.web.access import (
    GONE,
    HEAD,
    OPEN_BECAUSE,
    PAGES,
    STRANGER,
    address,
    as_table,
    needed,
    task,
    try_api,
    try_pages,
)
from tests.web.conftest import House

from regulars.care.models import Task
from regulars.shop.rules.policy import ABILITIES, HOUSE_ROLES
from regulars.web.may import OPEN

OF_ONE_CUSTOMER = re.compile(
    r"^/(api/v1/)?(customers/(<int:number>|\{number\})|tasks/|api/v1/today/\{number\})"
)
"""Addresses under which those find nobody who see only customers of their own."""


@pytest.mark.parametrize("pattern", PAGES, ids=lambda p: p.name)
def test_every_page_says_who_may_see_it(pattern: URLPattern) -> None:
    assert needed(pattern) in {OPEN, *ABILITIES}


def test_every_open_page_has_a_reason_and_no_other_page_has_one() -> None:
    assert {p.name for p in PAGES if needed(p) == OPEN} == set(OPEN_BECAUSE)


@pytest.mark.any_store
def test_who_may_comes_in_who_may_not_is_refused_a_stranger_signs_in(lived_in: House) -> None:
    """One shop, every page and operation, read and written, every role: none is left untried, and the table in the docs
    says what came of it."""
    pages, operations = try_pages(lived_in), try_api(lived_in)
    assert {row.where for row in pages} == {f"/{p.pattern}" for p in PAGES}
    for row in [*pages, *operations]:
        assert row.needs in {OPEN, *ABILITIES}, row.where
        for role in HOUSE_ROLES.values():
            status = row.got[role.key]
            assert status < 500, row
            allowed = row.needs == OPEN or row.needs in role.abilities
            if (
                allowed
                and role.reach == "own"
                and OF_ONE_CUSTOMER.match(row.where)
                and "claim" not in row.where
            ):
                assert status == 404, row
            else:
                assert (status == 403) == (not allowed), (row.where, row.method, role.key, status)
        for outside in (STRANGER, GONE):
            status = row.got[outside]
            if row.needs == OPEN:
                assert status in (200, 302, 401, 404, 405, 422, 429), (row.where, outside, status)
            else:
                assert status in (302, 401), (row.where, row.method, outside, status)
    said = HEAD + as_table(pages) + "\n## API\n\n" + as_table(operations)
    written = ROOT / "docs" / "access.md"
    if os.environ.get("REGULARS_WRITE_DOCS"):
        written.write_text(said, "utf-8")
    assert written.read_text("utf-8") == said, (
        "run this test with REGULARS_WRITE_DOCS=1 to write docs/access.md anew"
    )


def test_a_stranger_is_led_to_the_login_and_nowhere_else(lived_in: House) -> None:
    nobody = lived_in.browser(None)
    for pattern in PAGES:
        if needed(pattern) != OPEN:
            assert pattern.name
            answer = nobody.get(address(pattern.name, lived_in))
            assert answer["Location"].startswith("/login/"), pattern.name


def test_a_form_without_its_secret_changes_nothing(lived_in: House) -> None:
    browser = lived_in.browser("owner", enforce_csrf_checks=True)
    for pattern in PAGES:
        assert pattern.name
        answer = browser.post(address(pattern.name, lived_in), {"result": "done", "name": "x"})
        assert answer.status_code == 403, pattern.name


@pytest.mark.any_store
def test_pages_hold_nothing_inline_and_forbid_it(lived_in: House) -> None:
    browser = lived_in.browser("owner")
    for pattern in PAGES:
        assert pattern.name
        answer = browser.get(address(pattern.name, lived_in), follow=True)
        policy = answer.headers["Content-Security-Policy"]
        assert re.search("default-src '(self|none)'", policy) and "unsafe" not in policy, pattern.name
        html = answer.content.decode()
        inline = re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=\"|javascript:", html)
        assert not inline, pattern.name


def test_one_who_has_left_gets_nowhere(lived_in: House) -> None:
    browser = lived_in.browser("manager")
    staff = lived_in.staff["manager"]
    staff.is_active = False
    staff.save()
    assert browser.get("/customers/")["Location"].startswith("/login/")


def test_front_desk_works_off_her_own_list_only(lived_in: House) -> None:
    number = task(lived_in)
    Task.objects.filter(pk=number).update(staff=lived_in.staff["manager"])
    desk = lived_in.browser("front-desk")
    assert desk.post(reverse("task-result", args=[number]), {"result": "done"}).status_code == 404
    assert desk.get("/?whose=all").status_code == 200
    assert "manager Li" not in desk.get("/?whose=all").content.decode()
    assert (
        lived_in.browser("owner").post(reverse("task-result", args=[number]), {"result": "done"}).status_code
        == 302
    )


def test_the_description_of_the_api_is_for_those_who_may_come_in(lived_in: House) -> None:
    assert Client().get("/api/v1/openapi.json").status_code in (200, 401)
