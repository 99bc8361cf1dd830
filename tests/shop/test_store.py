"""The store is the one that the run names."""

from __future__ import annotations

import pytest
from django.db import connection


@pytest.mark.django_db
def test_the_run_stands_on_the_store_it_names(store_kind: str) -> None:
    assert connection.vendor == {"sqlite": "sqlite", "postgres": "postgresql"}[store_kind]
