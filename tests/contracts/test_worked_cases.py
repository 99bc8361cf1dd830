"""The worked cases of docs/algorithms are run: prose that has come loose from the code fails."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
from tests.contracts.tree import ROOT

PAGES = sorted((ROOT / "docs" / "algorithms").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_worked_cases_come_out_as_written(page: Path) -> None:
    failed, _ = doctest.testfile(
        str(page), module_relative=False, encoding="utf-8", optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert failed == 0
