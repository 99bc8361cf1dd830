"""What went wrong is said to whom it happened, and leads her back to where she may go on."""

from __future__ import annotations

import pytest
from django.test import Client
from tests.web.conftest import House
from tests.web.members import PHONE, come, member

from regulars.web import member as pages


def test_a_member_is_led_back_to_her_own_page(members: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """She was told to run a command on the owner's computer, and sent to the staff's login."""
    hers = come()
    strict = Client(enforce_csrf_checks=True)
    answers = [
        (404, hers.get("/m/nowhere/")),
        (405, hers.get("/m/login/")),
        (403, strict.post("/m/login/", {"phone": PHONE})),
    ]
    monkeypatch.setattr(pages, "value_shown", lambda *_: 1 / 0)
    hers.raise_request_exception = False
    answers.append((500, hers.get("/m/")))
    for status, answer in answers:
        said = answer.content.decode()
        assert answer.status_code == status
        assert 'href="/m/"' in said and 'href="/"' not in said and "doctor" not in said


def test_an_address_that_only_takes_forms_leads_to_the_form(members: House) -> None:
    """Reloaded or typed, it was an empty white page."""
    browser, her = members.browser("owner"), member()
    for path, above in (
        (f"/counter/{her.customer_id}/moves/", f"/counter/{her.customer_id}/"),
        ("/membership/corrections/1/", "/membership/"),
    ):
        answer = browser.get(path)
        assert answer.status_code == 405 and answer["Allow"] == "POST"
        assert f'href="{above}"' in answer.content.decode()
