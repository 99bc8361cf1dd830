"""How long today's list takes for a million customers: `python benchmarks/care_plan.py [customers]`.

An ordinary day, and a festival on which every single customer is greeted. Made-up customers, seeded.
"""

from __future__ import annotations

import resource
import sys
import time
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

import regulars.facts  # noqa: F401  (playbooks load against what the stages declare)
from regulars.care.rules.due import due
from regulars.care.rules.plan import plan
from regulars.care.rules.terms import Day, Person
from regulars.playbooks.playbook import CareRule, load


def base(size: int, on: date) -> pa.Table:
    """A base as a portrait run leaves it: a third without birthday, one in fifty A, most away for long."""
    chance = np.random.default_rng(20261122)
    today = (on - date(1970, 1, 1)).days
    months, days = chance.integers(1, 13, size), chance.integers(1, 29, size)
    years = chance.integers(1950, 2006, size)
    kind = chance.random(size)
    birthdays = [
        None if k < 0.33 else f"{'lunar' if k > 0.9 else 'solar'} {y}-{m:02d}-{d:02d}"
        for k, y, m, d in zip(kind, years, months, days, strict=True)
    ]
    away = chance.exponential(120, size).astype(int)
    gap = np.where(chance.random(size) < 0.4, np.nan, chance.gamma(2, 10, size) + 1)
    visits = chance.poisson(4, size)
    day = pa.date32()
    columns: dict[str, Any] = {
        "customer": np.arange(size),
        "name": pa.array(np.array(["王芳", "李强", "欧阳小雪", None])[chance.integers(0, 4, size)].tolist()),
        "sex": pa.array(np.array(["female", "male", None])[chance.integers(0, 3, size)].tolist()),
        "store": pa.array(np.array(["东店", "西店", None])[chance.integers(0, 3, size)].tolist()),
        "staff_in_charge": pa.array(np.array(["1", "2", None, None])[chance.integers(0, 4, size)].tolist()),
        "birthday": birthdays,
        "last_visit_on": pa.array((today - away).astype(np.int32)).cast(day),
        "first_visit_on": pa.array((today - away - chance.integers(0, 900, size)).astype(np.int32)).cast(day),
        "usual_gap_days": pa.array(gap, from_pandas=True),
        "spend_in_12_months": chance.integers(0, 2_000_000, size),
        "referred_customers_in_30_days": chance.poisson(0.01, size),
        "visits_in_90_days": visits,
        "grade:main": np.array(["a", "b", "c", "new"])[
            np.searchsorted([0.02, 0.12, 0.97], chance.random(size))
        ],
        "since:main": pa.array((today - chance.integers(0, 400, size)).astype(np.int32)).cast(day),
        "may_contact": pa.array(chance.random(size) > 0.02),
    }
    return pa.table(columns)


def main(size: int) -> None:
    on = date(2026, 11, 22)
    table = base(size, on)
    playbook = load("restaurant")
    staff = [Person(n, f"员工{n}", role, store, 120) for n, (role, store) in enumerate(
        (role, store) for role in ("manager", "front-desk", "service") for store in ("东店", "西店")
    )]  # fmt: skip
    words = {"zh": "{festival}好", "en": "Happy {festival}"}
    everybody = CareRule(
        key="greeting", name=words, when="festival", days_before=60, festivals=("winter-solstice",),
        who="service", channel="message", minutes=1, do=words, say=words, because=words,
    )  # type: ignore[arg-type]  # fmt: skip
    scales = {scale.key: scale.outcomes for scale in playbook.scales}
    day = Day(on=on, known_until=on, typical_gap_days=20.0, stale_after=1.0, patience_days=3, scales=scales)
    for name, rules in (
        ("an ordinary day", playbook.care),
        ("a festival for all", (*playbook.care, everybody)),
    ):
        start = time.perf_counter()
        found = due(table, rules, day, playbook="restaurant")
        middle = time.perf_counter()
        today = plan(found, staff, shop="好味火锅")
        said = list(today.tasks)
        end = time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"{name}: {size:,} customers, {len(rules)} rules, {len(found):,} occasions, {len(said)} tasks, "
            f"{len(today.left_over):,} wait; due {middle - start:.2f} s + plan {end - middle:.2f} s "
            f"= {end - start:.2f} s; peak {peak:,} MiB"
        )


if __name__ == "__main__":
    main(int(sys.argv[1].replace("_", "")) if len(sys.argv) > 1 else 1_000_000)
