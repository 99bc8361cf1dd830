"""The library takes what analysts have, answers as the contract says, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import regulars
from regulars import library
from regulars.care import actions as care
from regulars.shop.words import Refused

ROWS = pd.DataFrame({
    "customer_id": [7, 7, 8, 7, 9], "order_id": ["1", "2", "3", "4", "5"], "store": ["东", "东", "西", "东", "西"],
    "ts": pd.to_datetime(["2026-08-20 12:00", "2026-08-12 12:00", "2026-05-01 12:00", "2026-06-01 12:00", "2026-08-19 20:00"]),
    "amount": [3000.5, 2000.0, 88.0, 10.0, 20.0],
})  # fmt: skip
EXPECTED = {7: "a", 8: "c", 9: "new"}


def grades(sales: Any, **more: Any) -> dict[Any, str]:
    found = regulars.grade(sales, "restaurant", on="2026-08-20", **more)
    return dict(zip(found["customer"], found["grade"], strict=True))


def test_a_table_is_a_table_wherever_it_comes_from(tmp_path: Path) -> None:
    ROWS.to_csv(tmp_path / "sales.csv", index=False)
    ROWS.to_csv(tmp_path / "gb.csv", index=False, encoding="gb18030")
    ROWS.to_parquet(tmp_path / "sales.parquet")
    ROWS.to_excel(tmp_path / "sales.xlsx", index=False)
    text = {str(k): v for k, v in EXPECTED.items()}
    assert grades(ROWS) == EXPECTED
    assert grades(pa.Table.from_pandas(ROWS)) == EXPECTED
    assert grades(tmp_path / "sales.parquet") == EXPECTED
    for name in ("sales.csv", "gb.csv", "sales.xlsx"):
        assert grades(tmp_path / name) == text, name
    assert grades(str(tmp_path / "sales.csv")) == text


def test_times_may_be_written_in_many_ways() -> None:
    for ts in (
        ROWS["ts"].dt.strftime("%Y/%m/%d %H:%M"),
        ROWS["ts"].dt.date,
        ROWS["ts"].dt.tz_localize("Asia/Shanghai"),
        ROWS["ts"].dt.tz_localize("Asia/Shanghai").dt.tz_convert("UTC"),
        ROWS["ts"].dt.strftime("%Y%m%d").astype(int),
    ):
        assert grades(ROWS.assign(ts=ts)) == EXPECTED


def test_a_night_in_another_zone_is_the_shops_own_day() -> None:
    late = pd.DataFrame({"customer_id": [1], "ts": pd.to_datetime(["2026-08-19T17:00Z"]), "amount": [1]})
    assert regulars.grade(late, "snack")["customer"].tolist() == [1]
    assert regulars.plan_care(late, "restaurant", on="2026-08-21")["why"].tolist() == ["昨天头一回来"]


def test_amounts_are_rounded_to_whole_fen_and_come_back_as_yuan() -> None:
    sales = pd.DataFrame(
        {"customer_id": [1] * 3, "ts": ["2026-08-20"] * 3, "amount": ["￥1,234.50", "0.005", "1"]}
    )
    assert regulars.grade(sales, "restaurant")["last_spend"].tolist() == [1235.51]


def test_customers_keep_their_own_kind_of_number() -> None:
    assert list(grades(ROWS)) == [7, 8, 9]
    assert list(grades(ROWS.assign(customer_id=["王", "王", "李", "王", "赵"]))) == ["王", "李", "赵"]


def test_rows_without_a_customer_date_the_data_and_grade_nobody() -> None:
    anonymous = pd.DataFrame({"customer_id": [None], "ts": ["2026-08-25"], "amount": [5.0]})
    sales = pd.concat([ROWS.drop(columns=["order_id", "store"]).astype({"customer_id": object}), anonymous])
    sales["ts"] = pd.to_datetime(sales["ts"])
    found = regulars.grade(sales, "churned", on="2026-08-25")
    assert set(found["customer"]) == {7, 8, 9}
    assert found[found["customer"] == 9]["days_since_visit"].iloc[0] == 6


def test_without_a_day_the_last_of_the_data_is_meant() -> None:
    pd.testing.assert_frame_equal(
        regulars.grade(ROWS, "restaurant"), regulars.grade(ROWS, "restaurant", on="2026-08-20")
    )


def test_facts_reach_customers_by_number_or_text_and_bring_people_without_sales() -> None:
    said = pd.DataFrame({"customer_id": ["8", "new one"], "days": [1, 2]}).drop(columns="days")
    said["expected_deal_on"] = pd.to_datetime(["2026-08-30", "2026-11-01"])
    found = regulars.grade(ROWS, "prospects", on="2026-08-20", facts=said).set_index("customer")
    assert found.loc[8, "grade"] == "hot"
    assert found.loc["new one", "grade"] == "warm"
    assert found.loc["new one", "days_to_expected_deal"] == 73


@pytest.mark.parametrize(
    ("sales", "says"),
    [
        (ROWS.drop(columns="ts"), "ts"),
        (ROWS.assign(ts="soon"), "ts"),
        (ROWS.assign(amount=[1, 2, None, 4, 5]), "amount"),
        (ROWS.assign(amount="three hundred"), "amount"),
        (ROWS.iloc[:0], "no rows"),
    ],
)
def test_what_cannot_serve_is_refused_with_the_column(sales: Any, says: str) -> None:
    with pytest.raises(Refused, match=says):
        regulars.grade(sales, "snack")


def test_a_fact_that_does_not_exist_is_answered_with_the_nearest_word() -> None:
    with pytest.raises(Refused, match="occupation"):
        regulars.grade(ROWS, "snack", facts=pd.DataFrame({"customer_id": [7], "ocupation": ["owner"]}))
    with pytest.raises(Refused, match="drawn from the sales"):
        regulars.grade(ROWS, "snack", facts=pd.DataFrame({"customer_id": [7], "visits_in_30_days": [3]}))


def test_a_wrong_playbook_and_a_wrong_day_are_refused_in_words() -> None:
    with pytest.raises(Refused, match="restaurant"):
        regulars.grade(ROWS, "restuarant")
    with pytest.raises(Refused, match="2026-11-22"):
        regulars.grade(ROWS, "snack", on="yesterday")
    with pytest.raises(TypeError, match="DataFrame"):
        regulars.grade(12, "snack")


def test_care_has_the_columns_of_today_one_row_a_customer_best_first() -> None:
    facts = pd.DataFrame({
        "customer_id": [7, 8], "name": ["王芳", "李强"], "sex": ["female", "male"], "birthday": ["1990-08-22", "lunar --07-10"],
    })  # fmt: skip
    found = regulars.plan_care(ROWS, "restaurant", on="2026-08-20", facts=facts, shop="老灶")
    assert list(found.columns) == list(library.COLUMNS)
    assert found["customer"].is_unique
    assert found["rank"].tolist() == list(range(1, len(found) + 1))
    assert found["staff"].isna().all()
    assert found["say"].str.contains("老灶").any()
    english = regulars.plan_care(ROWS, "restaurant", on="2026-08-20", facts=facts, shop="老灶", lang="en")
    assert found["rule"].tolist() == english["rule"].tolist()
    assert not set(found["do"]) & set(english["do"])


@pytest.mark.parametrize("birthday", ["1990-08-20", "08-20", "lunar --07-08"])
def test_a_birthday_is_found_however_it_is_written(birthday: str) -> None:
    facts = pd.DataFrame({"customer_id": [7], "birthday": [birthday]})
    rules = regulars.plan_care(ROWS, "restaurant", on="2026-08-20", facts=facts, shop="老灶")["rule"]
    assert rules.str.startswith("birthday").any()


def test_words_without_a_shops_name_still_say_who_is_writing() -> None:
    nowhere = ROWS.drop(columns="store")
    said = regulars.plan_care(nowhere, "restaurant", on="2026-08-20")["say"]
    assert said[said != ""].str.contains("我是本店的").all()


def test_care_waits_as_long_in_the_library_as_in_a_shop() -> None:
    assert (library.STALE_AFTER, library.PATIENCE_DAYS) == (care.STALE_AFTER, care.PATIENCE_DAYS)


@pytest.mark.parametrize("each", [1, 2, 7])
def test_thirds_are_thirds(each: int) -> None:
    """Nobody ranks before the first third, exactly a third before the second, exactly two thirds before the last."""
    amounts = [float(100 + n) for n in range(3 * each)]
    sales = pd.DataFrame({"customer_id": range(3 * each), "ts": "2026-08-19", "amount": amounts})
    found = regulars.grade(sales, "store-scales", on="2026-08-20")
    found = found[found["scale"] == "amount"].set_index("customer")["grade"]
    assert list(found.sort_index()) == ["low"] * each + ["middle"] * each + ["high"] * each


def test_a_playbook_is_read_aloud() -> None:
    assert "15" in regulars.playbook("snack").say("zh")
    assert regulars.playbook("snack").say("en") != regulars.playbook("snack").say("zh")


ALONE = """
import os, sys
import pandas as pd
import regulars
rows = pd.DataFrame({"customer_id": [1, 1], "ts": ["2026-08-01", "2026-08-20"], "amount": [5, 6]})
print(len(regulars.grade(rows, "hotpot")), len(regulars.plan_care(rows, "hotpot")))
print([name for name in ("django", "ninja", "granian", "psycopg") if name in sys.modules])
"""


def test_nothing_is_started_and_nothing_is_left_behind(tmp_path: Path) -> None:
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    scratch.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", ALONE], capture_output=True, text=True, check=True, cwd=tmp_path,
        env={**os.environ, "REGULARS_HOME": str(home), "TMPDIR": str(scratch), "TEMP": str(scratch), "HOME": str(tmp_path)},
    )  # fmt: skip
    counted, started = done.stdout.splitlines()
    assert counted.split()[0] == "1"
    assert started == "[]"
    assert not home.exists()
    assert list(scratch.iterdir()) == []


def test_scratch_goes_also_when_something_breaks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def broken(*args: Any, **more: Any) -> None:
        raise RuntimeError("the engine broke")

    monkeypatch.setattr(library, "portraits", broken)
    with pytest.raises(RuntimeError, match="the engine broke"):
        regulars.grade(ROWS, "snack")
    assert list(tmp_path.iterdir()) == []
