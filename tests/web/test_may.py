"""Every address, with somebody who may, somebody who may not, and a stranger."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import URLPattern, reverse
from tests.web.conftest import House

from regulars.care.models import Task
from regulars.customers.models import Customer, Likely
from regulars.grading.models import Adoption
from regulars.sales.models import Batch
from regulars.shop.actions import ask_for, make_token
from regulars.shop.models import Role, Store
from regulars.web.may import ABILITIES, OPEN
from regulars.web.urls import urlpatterns as addresses

urlpatterns = [a for a in addresses if isinstance(a, URLPattern)]
"""The pages; the API has its own door and its own tests."""

MISSING_UPLOAD = "0123456789abcdef"

WHAT: dict[str, Callable[[House], list[Any]]] = {
    "task-result": lambda h: [task(h)],
    "task-undo": lambda h: [task(h)],
    "portrait": lambda h: [customer()],
    "customer-phone": lambda h: [customer()],
    "customer-notes": lambda h: [customer()],
    "customer-facts": lambda h: [customer()],
    "customer-sales": lambda h: [customer()],
    "customer-hold": lambda h: [customer()],
    "customer-same": lambda h: [customer()],
    "customer-parting": lambda h: [customer()],
    "duplicate-decision": lambda h: [pair()],
    "duplicate-undo": lambda h: [pair()],
    "playbook": lambda h: ["restaurant"],
    "playbook-adoption": lambda h: ["restaurant"],
    "playbook-end": lambda h: ["restaurant"],
    "adoption-end": lambda h: [Adoption.objects.get().pk],
    "import-columns": lambda h: [MISSING_UPLOAD],
    "import-trial": lambda h: [MISSING_UPLOAD],
    "import-batch": lambda h: [MISSING_UPLOAD],
    "import-refused": lambda h: [MISSING_UPLOAD, "csv"],
    "batch": lambda h: [Batch.objects.get().pk],
    "batch-undo": lambda h: [Batch.objects.get().pk],
    "batch-refused": lambda h: [Batch.objects.get().pk, "csv"],
    "receipt": lambda h: [1],
    "job": lambda h: [ask_for("day", {}).pk],
    "job-cancel": lambda h: [ask_for("day", {}).pk],
    "settings-key-end": lambda h: [make_token(h.staff["service"], "x")[0].pk],
    "settings-store": lambda h: [Store.objects.get().pk],
    "settings-member": lambda h: [h.staff["service"].pk],
    "settings-member-password": lambda h: [h.staff["service"].pk],
    "settings-member-leave": lambda h: [h.staff["service"].pk],
}


def customer() -> int:
    return Customer.objects.order_by("id").values_list("pk", flat=True)[0]


def pair() -> int:
    one, other = Customer.objects.order_by("id").values_list("pk", flat=True)[:2]
    return Likely.objects.get_or_create(one_id=one, other_id=other, defaults={"kind": "merge"})[0].pk


def task(house: House) -> int:
    return Task.objects.get_or_create(
        customer_id=customer(), rule="call", occasion="test",
        defaults={"on": "2026-11-22", "due_on": "2026-11-22", "last_on": "2026-11-30", "playbook": "restaurant", "channel": "call",
                  "why": ["因为", "because"], "do": ["打电话", "call"], "say": ["您好", "hello"], "name": ["电话", "call"]},
    )[0].pk  # fmt: skip


def address(pattern: URLPattern, house: House) -> str:
    assert pattern.name
    return reverse(pattern.name, args=WHAT.get(pattern.name, lambda h: [])(house))


def needed(pattern: URLPattern) -> str:
    return str(getattr(pattern.callback, "needs", "nobody said who may see it"))


PAGES = [p for p in urlpatterns if isinstance(p, URLPattern)]
"""The API is a door of its own, with tests of its own."""

EVERY = pytest.mark.parametrize("pattern", PAGES, ids=lambda p: p.name)


@EVERY
def test_every_page_says_who_may_see_it(pattern: URLPattern) -> None:
    assert needed(pattern) in {OPEN, *ABILITIES}


def test_who_may_comes_in_who_may_not_is_refused_a_stranger_signs_in(lived_in: House) -> None:
    """One shop, every address, every role: none is left untried."""
    browsers = {role: lived_in.browser(role) for role in Role.values}
    nobody = lived_in.browser(None)
    for pattern in PAGES:
        where, ability = address(pattern, lived_in), needed(pattern)
        allowed = ABILITIES.get(ability, frozenset(Role.values))
        for role, browser in browsers.items():
            status = browser.get(where).status_code
            assert (status == 403) == (role not in allowed), (pattern.name, role, status)
            assert status < 500, (pattern.name, role)
        stranger = nobody.get(where)
        if ability == OPEN:
            assert stranger.status_code in (200, 302, 405), pattern.name
        else:
            assert stranger.status_code == 302, pattern.name
            assert stranger["Location"].startswith("/login/"), pattern.name


def test_a_form_without_its_secret_changes_nothing(lived_in: House) -> None:
    browser = lived_in.browser("owner", enforce_csrf_checks=True)
    for pattern in PAGES:
        answer = browser.post(address(pattern, lived_in), {"result": "done", "name": "x"})
        assert answer.status_code == 403, pattern.name


def test_pages_hold_nothing_inline_and_forbid_it(lived_in: House) -> None:
    browser = lived_in.browser("owner")
    for pattern in PAGES:
        answer = browser.get(address(pattern, lived_in), follow=True)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy, pattern.name
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
    assert desk.post(reverse("task-result", args=[number]), {"result": "done"}).status_code == 403
    assert desk.get("/?whose=all").status_code == 200
    assert "manager Li" not in desk.get("/?whose=all").content.decode()
    assert (
        lived_in.browser("owner").post(reverse("task-result", args=[number]), {"result": "done"}).status_code
        == 302
    )
