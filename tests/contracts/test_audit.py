"""The audit of the pinned dependencies says what it found, and never takes silence for good news."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.browsers import run_script

GOOD: dict[str, Any] = {"name": "jinja2", "version": "3.1.6", "vulns": []}
WEAK = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
LEFT = {"name": "private", "skip_reason": "Dependency not found on PyPI and could not be audited"}


@pytest.mark.parametrize(
    ("packages", "answer", "says"),
    [
        ([GOOD], 0, "1 packages, 0 known weaknesses"),
        ([GOOD, WEAK], 1, "old 1.0 has PYSEC-1; mended in 1.1"),
        ([GOOD, LEFT], 3, "NOT AUDITED, the registry has no list of weaknesses for 1 of 2: private"),
        ([WEAK, LEFT], 1, "NOT AUDITED"),
    ],
)
def test_what_the_list_holds_is_said(
    packages: list[Any], answer: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_script().told_of(json.dumps({"dependencies": packages}), "", "app.txt") == answer
    assert says in capsys.readouterr().out


@pytest.mark.parametrize("silence", ["", "{}", "Traceback", "[]"])
def test_no_answer_is_no_good_news(silence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_script().told_of(silence, "…\nConnectionError: no route", "app.txt") == 3
    assert "could not be reached: ConnectionError: no route" in capsys.readouterr().out
