"""Eight at the window at once, and a process that is killed: small forms of `benchmarks/ledger_writers.py` and
`benchmarks/ledger_kill.py`, which are run as they stand, each in a shop of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.contracts.tree import ROOT

BENCHMARKS = ROOT / "benchmarks"
STORES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.mark.parametrize("store", STORES)
def test_eight_writers_on_one_account_come_out_exactly_and_nobody_starves(store: str) -> None:
    """Sums, keys and proofs are asserted where they are counted; how fast it is, is a matter of the benchmark."""
    asked = f"in_a_process('proved', 1, 2, database('{store}', folder))"
    found = ran("-c", f"import tempfile\nfrom ledger_writers import *\nwith tempfile.TemporaryDirectory() as folder: print(json.dumps({asked}))")  # fmt: skip
    said = json.loads(found)
    assert said["fair"] >= 1 / 3, said
    assert said["proofs"] > 0 and sum(said["counts"]) > 8 * 2


def test_eight_processes_on_one_file_take_turns() -> None:
    found = ran("-c", "from ledger_writers import *\nprint(json.dumps(in_a_process('processes', 1, 2, '')))")
    assert json.loads(found)["fair"] >= 1 / 3, found


@pytest.mark.parametrize("store", STORES)
def test_killed_five_times_nothing_confirmed_is_lost_and_nothing_doubled(store: str) -> None:
    assert "killed 5 times" in ran("ledger_kill.py", "5", store)


def ran(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=BENCHMARKS, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
