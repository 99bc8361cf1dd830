"""What tests of membership may ask for."""

from __future__ import annotations

from datetime import date

import pytest
from tests.shops import Shop

from regulars.membership import program

START = date(2026, 5, 1)
SEEN_ON = date(2026, 5, 20)


@pytest.fixture
def members(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose programme began on 1 May, seen from 20 May."""
    monkeypatch.setattr("regulars.sales.actions.today", lambda: SEEN_ON)
    program.open_program("tiers", START)
    return shop
