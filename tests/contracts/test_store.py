"""The store is the one that the run names, and its tables are what the models say."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader


@pytest.mark.django_db
def test_the_run_stands_on_the_store_it_names(store_kind: str) -> None:
    assert connection.vendor == {"sqlite": "sqlite", "postgres": "postgresql"}[store_kind]


@pytest.mark.django_db
def test_no_model_has_changed_without_a_migration(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        call_command("makemigrations", check_changes=True, dry_run=True, verbosity=1)
    except SystemExit:
        pytest.fail(capsys.readouterr().out)


@pytest.mark.django_db
def test_every_migration_has_a_name_that_says_something() -> None:
    ours = [
        (app, name)
        for app, name in MigrationLoader(connection).disk_migrations
        if app in ("shop", "sales", "customers", "grading", "care")
    ]
    assert ours
    assert [(app, name) for app, name in ours if "_auto_" in name] == []
