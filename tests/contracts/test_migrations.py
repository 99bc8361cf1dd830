"""The tables are what the models say."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader
from pytest_django import DjangoDbBlocker


def test_no_model_has_changed_without_a_migration(
    capsys: pytest.CaptureFixture[str], django_db_blocker: DjangoDbBlocker
) -> None:
    try:
        with django_db_blocker.unblock():  # it looks into the store, which may be an empty one
            call_command("makemigrations", check_changes=True, dry_run=True, verbosity=1)
    except SystemExit:
        pytest.fail(capsys.readouterr().out)


def test_every_migration_has_a_name_that_says_something() -> None:
    ours = [
        (app, name)
        for app, name in MigrationLoader(None).disk_migrations
        if app in ("shop", "sales", "customers", "grading", "care")
    ]
    assert ours
    assert [(app, name) for app, name in ours if "_auto_" in name] == []
