"""What tests of every stage may ask for."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.browsers import find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from tests.shops import Shop


@pytest.fixture(scope="session")
def store_kind() -> str:
    """What this run stands on: "sqlite" or "postgres". `./run test` runs the store's tests on each."""
    return os.environ.get("REGULARS_TEST_STORE", "sqlite")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a live PostgreSQL, for a test that starts a shop of its own (mark it `postgres`)."""
    running = os.environ.get("REGULARS_DATABASE", "")
    if running.startswith("postgres"):
        yield running
        return
    from tests.postgres import start

    with tempfile.TemporaryDirectory(prefix="regulars-pg-", ignore_cleanup_errors=True) as folder:
        yield start(Path(folder) / "data")


@pytest.fixture(autouse=True)
def _audit_may_be_emptied(request: pytest.FixtureRequest) -> Iterator[None]:
    """The store refuses to empty the audit trail; a test that keeps what it writes has its tables emptied afterwards, so
    the guard is taken down until the next shop puts it up again."""
    marks = request.node.iter_markers("django_db")
    if "transactional_db" not in request.fixturenames and not any(m.kwargs.get("transaction") for m in marks):
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    from tests.shops import guard_down

    from regulars.membership import teller

    guard_down()
    teller.close()  # nobody else may be in a database that is taken down


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a new shop, and REGULARS_HOME pointing to it for programs that the test starts."""
    folder = tmp_path / "shop"
    monkeypatch.setenv("REGULARS_HOME", str(folder))
    monkeypatch.delenv("REGULARS_DATABASE", raising=False)
    return folder


@pytest.fixture
def shop(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A new shop with one store and nothing in it."""
    from tests.shops import Shop  # it brings the whole product along

    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.setenv("REGULARS_HOME", str(folder))
    return Shop(folder)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium that is already on this machine."""
    from playwright.sync_api import sync_playwright

    found = find_browser()
    assert found, "no Chromium found; install one or name it in REGULARS_CHROMIUM"
    # Chromium refuses its sandbox to root.
    options = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=found, args=options)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new desktop page, Chinese, that shares nothing with the last one."""
    context = browser.new_context(
        locale="zh-CN", timezone_id="Asia/Shanghai", viewport={"width": 1280, "height": 800}
    )
    yield context.new_page()
    context.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A new page on a phone: 390 wide, touch."""
    context = browser.new_context(
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        viewport={"width": 390, "height": 844},
        device_scale_factor=2,
        has_touch=True,
        is_mobile=True,
    )
    yield context.new_page()
    context.close()
