"""A run writes what changed and nothing else, and each line of history says what decided."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.grading.plain_python import Base, Receipt, lives

from regulars import daily
from regulars.customers.models import Portrait
from regulars.grading import actions as grading
from regulars.grading.actions import adopt, deciding, decisions
from regulars.grading.drawing import ARROW_TYPES
from regulars.grading.models import Standing
from regulars.playbooks.catalogue import catalogue
from regulars.playbooks.playbook import library, load
from regulars.shop import bulk
from regulars.shop.actions import found_business
from regulars.shop.engine import number_of

DAY = date(2026, 8, 20)
ON = number_of(DAY)


@pytest.mark.parametrize("key", library())
def test_lines_of_history_made_together_say_what_each_alone_would_say(key: str) -> None:
    import regulars.facts  # noqa: F401  (every stage declares its facts)

    playbook = load(key)
    facts = sorted(playbook.facts() | {"days_since_first_visit"})
    history = lives(sum(map(ord, key)), ON, customers=40)
    base = Base(history, ON)
    rows = [base.row(c, facts) for c in history.customers]
    table = pa.table(
        {f: pa.array([r[f] for r in rows], ARROW_TYPES.get(catalogue.get(f).type)) for f in facts}
    )
    people = table.to_pylist()
    for scale in playbook.scales:
        for code in range(-2, len(scale.grades)):
            together = decisions(table, scale, np.full(len(rows), code))
            alone = [deciding(person, scale, code) for person in people]
            assert [json.loads(text) for text in together] == json.loads(json.dumps(alone))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REGULARS_HOME", str(tmp_path / "shop"))
    found_business(
        name="老灶火锅", trade="hotpot", owner_email="lin@example.com", owner_name="林", password="nine-red-peppers",
    )  # fmt: skip
    adopt("restaurant")
    return tmp_path


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """Rows that a run writes, by table."""
    counted: dict[str, int] = {}

    def counting(model: Any, table: pa.Table) -> None:
        counted[model.__name__] = counted.get(model.__name__, 0) + table.num_rows
        real(model, table)

    real = bulk.insert_table
    monkeypatch.setattr(bulk, "insert_table", counting)
    yield counted


def till(file: Path, receipts: list[Receipt]) -> Path:
    lines = ["单号,会员卡号,时间,实收金额"]
    for n, r in enumerate(receipts):
        day = date(1970, 1, 1) + timedelta(days=r.day)
        lines.append(f"R{file.stem}{n:05},M{1000 + r.customer},{day} 12:00:00,{r.amount / 100:.2f}")
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


@pytest.mark.django_db(transaction=True)
def test_the_next_day_writes_only_the_customers_who_changed(shop: Path, written: dict[str, int]) -> None:
    everybody = [Receipt(c, ON - 200 + k, 5_000) for c in range(300) for k in (0, 60)]
    daily.take_in([till(shop / "first.csv", everybody)])
    written.clear()
    grading.run(DAY)
    assert written == {"Standing": 300, "GradeChange": 300, "Portrait": 300}

    written.clear()
    grading.run(DAY + timedelta(days=1))
    assert written == {}

    daily.take_in([till(shop / "second.csv", [Receipt(c, ON + 2, 600_000) for c in range(7)])])
    written.clear()
    grading.run(DAY + timedelta(days=2))
    assert written.get("Portrait") == 7
    assert written.get("Standing", 0) == written.get("GradeChange", 0) <= 7
    assert Standing.objects.count() == Portrait.objects.count() == 300
