"""Whatever is sent to the API, it answers as its description says and never breaks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from tests.api.lived_in import DAY, open_shop

from regulars.web.api import api
from regulars.web.wsgi import application

described = schemathesis.openapi.from_dict(api.get_openapi_schema(path_prefix="/api/v1/"))
described.app = application
OPERATIONS = [found.ok() for found in described.get_all_operations()]

quickly = settings(
    max_examples=8, deadline=None, derandomize=True, phases=[Phase.generate], database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


NOT_ASKED = [
    check
    for check in schemathesis.checks.CHECKS.get_all()
    # A schema can not say how far from now a day may be, so a day of the year 3018 is refused although it fits.
    if check.__name__
    in ("negative_data_rejection", "positive_data_acceptance", "ignored_auth", "unsupported_method")
]


@pytest.fixture
def one_connection() -> Iterator[None]:
    """The server drops a connection that is in a transaction; here the test's own transaction is around it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.usefixtures("one_connection")
def test_every_operation_answers_as_it_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_HOME", str(tmp_path / "shop"))
    monkeypatch.setattr("regulars.web.gate.shop_day", lambda business, now=None: DAY)
    header = open_shop(tmp_path / "shop").header("lin")
    fired = [
        (operation.label, mode)
        for operation in OPERATIONS
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        if fire_at(operation, mode, header)
    ]
    assert len(fired) == 2 * len(OPERATIONS) == 48


def fire_at(operation: Any, mode: GenerationMode, header: dict[str, str]) -> bool:
    """Send what the description allows, and what it does not; true when something was sent."""
    sent = []

    @quickly
    @given(case=operation.as_strategy(generation_mode=mode))
    def fire(case: Any) -> None:
        answer = case.call(headers=header)
        sent.append(answer.status_code)
        if mode == GenerationMode.POSITIVE:
            case.validate_response(answer, excluded_checks=NOT_ASKED)
        else:  # what is no request at all is refused somehow, but nothing breaks
            case.validate_response(answer, checks=[not_a_server_error])

    try:
        fire()
    except Unsatisfiable:  # an operation that takes nothing can't be asked wrongly
        return True
    return bool(sent)
