"""The whole folder of a shop is stolen, without its key."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.contracts.tree import ROOT


def test_of_a_thousand_people_who_came_in_by_every_way_none_is_found_in_the_folder() -> None:
    """`benchmarks/stolen_folder.py` says how it looks, and proves first that it finds what stands in clear."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "stolen_folder.py"), "1000"],
        capture_output=True, text=True, encoding="utf-8", timeout=300, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, told["found"]) == (0, {})
    assert told["secrets"] > 10_000
    assert {
        "sales file",
        "refused row",
        "waiting upload",
        "task",
        "outbox",
        "log",
        "reason",
        "relative",
        "visit",
        "attachment",
        "request",
    } <= set(told["ways"])
