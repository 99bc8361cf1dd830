"""Where the tests find their Chromium: the same places in which `./run test` looks."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path
from typing import Any

RUN = Path(__file__).resolve().parent.parent / "run"


def find_browser() -> str | None:
    """The path of a Chromium on this machine, or None. The list of places stands in `run`, once."""
    found: str | None = run_script().find_browser()
    return found


def run_script() -> Any:
    """The `run` script as a module."""
    loader = importlib.machinery.SourceFileLoader("regulars_run", str(RUN))
    spec = importlib.util.spec_from_loader("regulars_run", loader)
    assert spec
    run = importlib.util.module_from_spec(spec)
    loader.exec_module(run)
    return run
