"""What every test run stands on, set before Django reads its settings.

A run never touches a shop of yours: REGULARS_HOME is a new folder that goes away with the run. The store is
SQLite, or, with REGULARS_TEST_STORE=postgres, a real PostgreSQL that lives as long as the run; then only
those tests run that use the store. `./run test` does both.
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
RUN_HOME = Path(tempfile.mkdtemp(prefix="regulars-test-"))
STORE = os.environ.get("REGULARS_TEST_STORE", "sqlite")
# Registered before PostgreSQL registers its own farewell, so it comes after it.
atexit.register(shutil.rmtree, RUN_HOME, ignore_errors=True)
QUICK_FOLDERS = ("tests/contracts", "tests/playbooks")

# Looking through all that pytest and the modules keep, again and again, took a tenth of a run.
gc.set_threshold(100_000, 50, 50)

for name in ("DATABASE", "KEY_FILE", "HOSTS", "PROXY", "LANG"):  # a developer's own settings
    os.environ.pop(f"REGULARS_{name}", None)
os.environ["REGULARS_HOME"] = str(RUN_HOME / "home")
if STORE == "postgres":
    from tests.postgres import start

    os.environ["REGULARS_DATABASE"] = start(RUN_HOME / "postgres")

os.environ["DJANGO_SETTINGS_MODULE"] = "regulars.web.settings"
# The live server of the browser tests shares its thread with Playwright's own event loop.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

import django  # noqa: E402  (the settings are read from the environment above)

django.setup()

from django.contrib.auth.hashers import Argon2PasswordHasher  # noqa: E402  (it wants Django set up)

# What makes a hash strong is that it costs a tenth of a second. Within a test run it is the same function at its least
# price; a shop in a process of its own pays in full, and tests/web/test_doors.py looks at what it pays.
Argon2PasswordHasher.time_cost = 1
Argon2PasswordHasher.memory_cost = 8
Argon2PasswordHasher.parallelism = 1


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Modules of the product without an example in them are not worth loading for their doctests."""
    in_source = collection_path.suffix == ".py" and collection_path.is_relative_to(ROOT / "src")
    return True if in_source and ">>> " not in collection_path.read_text("utf-8") else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, leave out what never asks the store: it has had its turn on SQLite."""
    if STORE != "postgres":
        return
    left_out = [item for item in items if not uses_store(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if uses_store(item)]


def pytest_itemcollected(item: pytest.Item) -> None:
    if is_quick(item):
        item.add_marker("quick")


def is_quick(item: pytest.Item) -> bool:
    """Rules, contracts, playbooks and doctests: pure, so they answer within seconds."""
    place = item.path.relative_to(ROOT)
    if place.parts[0] == "src":
        return True
    return "rules" in place.parts or place.as_posix().startswith(QUICK_FOLDERS)


def uses_store(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    asked = fixtures & {"db", "transactional_db", "django_db_reset_sequences", "live_server"}
    asks = bool(asked) or any(item.iter_markers("django_db"))
    return asks and not any(item.iter_markers("any_store"))
