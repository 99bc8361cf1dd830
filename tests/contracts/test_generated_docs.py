"""Pages that the code can tell are told by the code, and are up to date."""

from __future__ import annotations

import importlib.util

import pytest
from tests.contracts.tree import ROOT

spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
assert spec
assert spec.loader
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)


@pytest.mark.parametrize("page", list(generate.PAGES))
def test_a_generated_page_says_what_the_code_says(page: str) -> None:
    assert (ROOT / "docs" / page).read_text("utf-8") == generate.PAGES[page](), "run: python docs/generate.py"
