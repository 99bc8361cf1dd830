"""The definitions of docs/contract.md, each by the smallest past that tells it apart, asked through the library."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

import regulars

ON = date(2026, 8, 20)  # a Thursday
ASKED = (
    "visits_in_30_days", "spend_in_30_days", "visits_in_12_months", "weeks_in_a_row", "last_spend", "average_monthly_spend",
    "average_monthly_visits", "days_since_visit", "usual_gap_days", "spend_before_in_12_months",
)  # fmt: skip
READS = (
    'key = "reads"\nversion = 1\nname = { zh = "读", en = "Reads" }\nabout = { zh = "读", en = "Reads" }\n'
    '[[scale]]\nkey = "main"\nname = { zh = "读", en = "Reads" }\nbecause = { zh = "读", en = "Reads" }\n'
    '[[scale.grade]]\nkey = "a"\nname = { zh = "一", en = "A" }\nbecause = { zh = "读", en = "Reads" }\n'
    "[[scale.grade.way]]\nany = [" + ", ".join(f'"{f} >= 0"' for f in ASKED) + "]\n"
)


def facts(*sales: tuple[Any, ...], on: date = ON) -> dict[str, Any]:
    """What the library says of customer 1 after these sales (days before `on`, yuan[, order])."""
    rows = [
        {
            "customer_id": 1,
            "ts": on - timedelta(days=s[0]),
            "amount": s[1],
            "order_id": s[2] if len(s) > 2 else f"n{k}",
        }
        for k, s in enumerate(sales)
    ]
    found = regulars.grade(pd.DataFrame(rows), READS, on=on)
    row: dict[str, Any] = found.iloc[0].to_dict()
    return row


def grade_of(playbook: str, *sales: tuple[Any, ...]) -> str:
    rows = [{"customer_id": 1, "ts": ON - timedelta(days=d), "amount": a} for d, a in sales]
    return str(regulars.grade(pd.DataFrame(rows), playbook, on=ON)["grade"].iloc[0])


def test_a_visit_is_a_day_with_a_net_amount_above_zero() -> None:
    assert facts((3, 10), (3, 20))["visits_in_30_days"] == 1
    assert facts((3, 10), (3, -10), (5, 1))["visits_in_30_days"] == 1
    assert facts((3, 0), (5, 1))["visits_in_30_days"] == 1


def test_rows_without_an_amount_are_attendances_and_count_as_visits() -> None:
    came = pd.DataFrame({"customer_id": [1, 1], "ts": [ON, ON - timedelta(days=1)]})
    found = regulars.grade(came, "snack", on=ON)
    assert found["visits_in_30_days"].tolist() == [2]


def test_a_window_of_30_days_is_the_day_and_the_29_before() -> None:
    assert facts((0, 1), (29, 10), (30, 100))["spend_in_30_days"] == 11
    assert facts((0, 1), (364, 1), (365, 1))["visits_in_12_months"] == 2


def test_a_refund_counts_on_the_day_of_its_receipt_when_that_is_known() -> None:
    linked = facts((40, 100, "R1"), (10, 50, "R2"), (2, -100, "R1"))
    assert (linked["spend_in_30_days"], linked["visits_in_12_months"]) == (50, 1)
    alone = facts((40, 100, "R1"), (10, 50, "R2"), (2, -100, "R9"))
    assert (alone["spend_in_30_days"], alone["visits_in_12_months"]) == (-50, 2)


@pytest.mark.parametrize(
    ("days", "weeks"),
    [
        ((0, 7, 14), 3),  # the last three weeks
        ((7, 14, 21), 3),  # the three before the open one
        ((0, 14, 21), 1),
        ((14, 21), 0),
        ((3, 4), 2),  # Monday of this week, Sunday of the last
        ((4, 10), 1),  # both in last week
    ],
)
def test_weeks_in_a_row_leave_the_running_week_open(days: tuple[int, ...], weeks: int) -> None:
    assert facts(*((d, 1) for d in days))["weeks_in_a_row"] == weeks


def test_last_spend_is_the_whole_last_visit_day() -> None:
    assert facts((9, 500), (2, 30), (2, 40), (1, -5, "R9"))["last_spend"] == 70


def test_average_monthly_divides_by_three_or_by_the_months_known_at_least_one() -> None:
    assert facts((200, 1), (10, 300), (80, 300))["average_monthly_spend"] == 200
    assert facts((60, 100), (10, 300))["average_monthly_spend"] == 200
    assert facts((10, 300), (2, 50))["average_monthly_spend"] == 350
    assert facts((10, 300), (2, 50))["average_monthly_visits"] == 2


def test_absence_is_judged_at_the_day_that_the_data_reach() -> None:
    rows = pd.DataFrame(
        {"customer_id": [1, 2], "ts": [ON - timedelta(days=9), ON - timedelta(days=4)], "amount": [1, 1]}
    )
    found = regulars.grade(rows, READS, on=ON).set_index("customer")
    assert found.loc[1, "days_since_visit"] == 5


def test_a_store_that_is_behind_judges_by_its_own_data() -> None:
    rows = pd.DataFrame({
        "customer_id": [1, 2, 3], "store": ["东", "东", "西"], "amount": [1, 1, 1],
        "ts": [ON - timedelta(days=30), ON - timedelta(days=20), ON],
    })  # fmt: skip
    found = regulars.grade(rows, READS, on=ON).set_index("customer")
    assert found["days_since_visit"].tolist() == [10, 0, 0]


def test_bands_are_lower_bounds_and_the_first_that_fits_wins() -> None:
    for visits, grade in (
        (15, "a"),
        (14, "b"),
        (10, "b"),
        (9, "c"),
        (5, "c"),
        (4, "d"),
        (3, "d"),
        (2, "e"),
        (1, "e"),
    ):
        assert grade_of("snack", *((d, 5) for d in range(visits))) == grade, visits


def test_the_restaurant_needs_two_of_four() -> None:
    old = (100, 1)
    assert grade_of("restaurant", old, (20, 2000), (3, 3000)) == "a"  # 5,000 in 30 days, 3,000 last
    assert grade_of("restaurant", old, (20, 1999), (3, 3000)) == "b"
    assert grade_of("restaurant", old, (20, 10)) == "c"


def test_new_while_under_observation_and_none_where_nothing_fits() -> None:
    assert grade_of("restaurant", (29, 9000), (3, 9000)) == "new"
    assert grade_of("restaurant", (30, 9000), (3, 9000)) == "a"
    assert grade_of("abc", (400, 10)) == "none"


def test_the_first_customer_is_always_an_a_and_ties_share_the_better_side() -> None:
    spend = {"first": 900, "twin": 300, "other twin": 300, "last": 100}
    rows = pd.DataFrame([{"customer_id": k, "ts": ON, "amount": v} for k, v in spend.items()])
    found = regulars.grade(rows, "abc", on=ON).set_index("customer")
    assert found["spend_before_in_12_months"].round(4).to_dict() == {
        "first": 0, "twin": 0.5625, "other twin": 0.5625, "last": 0.9375,
    }  # fmt: skip
    assert found["grade"].to_dict() == {"first": "a", "twin": "a", "other twin": "a", "last": "c"}


def test_whoever_first_comes_later_was_not_known_on_the_day() -> None:
    rows = pd.DataFrame({"customer_id": [1, 2], "ts": [ON - timedelta(days=50), ON], "amount": [1, 1]})
    assert regulars.grade(rows, "snack", on=ON - timedelta(days=10))["customer"].tolist() == [1]


def test_unknown_satisfies_nothing_until_somebody_says_it() -> None:
    rows = pd.DataFrame({"customer_id": [1, 2], "ts": [ON, ON], "amount": [1, 1]})
    said = pd.DataFrame({"customer_id": [1], "annual_contract": [True]})
    found = regulars.grade(rows, "b2b-nine", on=ON, facts=said).set_index("customer")
    assert found.loc[1, "grade"] == "strategic"
    assert found.loc[2, "grade"] != "strategic"
    assert found["annual_contract"].isna().tolist() == [False, True]
