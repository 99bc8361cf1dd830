"""`regulars demo` builds each example shop to its end, and its members have what a lived-in shop's members have."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from tests.commands import called_afresh

from regulars.examples import TRADES


@pytest.mark.parametrize("trade", TRADES)
def test_the_example_is_built_and_its_books_agree(trade: str, home: Path) -> None:
    """The salon stopped at a present to an official, the snack shop had no members, and nobody had earned for five weeks."""
    made = called_afresh("demo", "--trade", trade, "--on", "2026-11-23", "--build-only")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["password"]
    proof = called_afresh("ledger", "verify", "--json")
    assert proof.returncode == 0, proof.stdout
    if trade == "wholesale":
        return
    with sqlite3.connect(home / "regulars.sqlite3") as shop:
        earned = dict(
            shop.execute(
                "SELECT substr(\"on\", 1, 7), COUNT(*) FROM membership_posting WHERE kind = 'earn' GROUP BY 1"
            )
        )
        kinds = {kind for (kind,) in shop.execute("SELECT DISTINCT kind FROM membership_posting")}
    assert set(earned) == {"2026-07", "2026-08", "2026-09", "2026-10", "2026-11"}
    assert min(earned.values()) > 100
    assert {"earn", "ripen", "redeem", "top-up", "bonus", "pay", "refer"} <= kinds
