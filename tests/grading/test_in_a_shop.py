"""In a shop with a store behind it: the run, one customer live, the command's file and plain Python agree."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.grading.plain_python import EPOCH, Base, History, Receipt, grades_of, lives, same

from regulars import daily
from regulars.customers.actions import say_detail
from regulars.customers.models import Customer
from regulars.customers.queries import find
from regulars.facts import catalogue
from regulars.grading.actions import adopt
from regulars.grading.models import GradeChange, GradeRun, Standing
from regulars.grading.queries import explain, grade_rows, missing_for, portrait
from regulars.playbooks.playbook import library, load
from regulars.shop.actions import found_business
from regulars.shop.engine import number_of
from regulars.shop.models import Store

DAY = date(2026, 8, 20)
ON = number_of(DAY)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop in a folder of its own, so that no book or key of another test lies in it."""
    monkeypatch.setenv("REGULARS_HOME", str(tmp_path / "shop"))
    found_business(
        name="老灶火锅", trade="hotpot", owner_email="lin@example.com", owner_name="林", password="nine-red-peppers",
    )  # fmt: skip
    for key in library():
        adopt(key, is_first=key == "hotpot")


def write(history: History, file: Path) -> Path:
    """The receipts as a till exports them."""
    with file.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["单号", "会员卡号", "时间", "实收金额", "门店"])
        for n, r in enumerate(history.receipts):
            day = EPOCH + timedelta(days=r.day)
            rows.writerow(
                [
                    f"R{n:06}",
                    f"M{1000 + r.customer}",
                    f"{day} 12:{n % 60:02}:00",
                    f"{r.amount / 100:.2f}",
                    f"店{r.store}",
                ]
            )
    return file


def told(history: History) -> History:
    """Without what a till's file can't say: attendance beside amounts, receipts over nothing, people without sales."""
    receipts = [Receipt(r.customer, r.day, r.amount, r.store) for r in history.receipts if r.amount]
    buyers = {r.customer for r in receipts}
    known = {
        c: {k: v for k, v in said.items() if k != "sex"} for c, said in history.known.items() if c in buyers
    }
    coverage = {s: max((r.day for r in receipts if r.store == s), default=ON) for s in (0, 1)}
    return History(receipts, known, coverage)


def text_of(key: str, value: object) -> str:
    fact = catalogue.get(key)
    if fact.type == "yes-no":
        return "true" if value else "false"
    if fact.type == "date":
        return (EPOCH + timedelta(days=int(value))).isoformat()  # type: ignore[call-overload]
    if fact.unit == "yuan":
        return str(value / 100)  # type: ignore[operator]
    return str(value)


@pytest.mark.parametrize("seed", [7, 1984])
def test_run_portrait_file_and_plain_python_agree_on_every_shipped_playbook(
    seed: int, tmp_path: Path
) -> None:
    history = told(lives(seed, ON, customers=14))
    daily.take_in([write(history, tmp_path / "till.csv")])
    for customer, said in history.known.items():
        who = find(f"M{1000 + customer}")
        assert who is not None
        for key, value in said.items():
            say_detail(who, key, text_of(key, value))
    stores = {s.name: s.id for s in Store.objects.all()}
    if stores.get("店0", 0) > stores.get("店1", 1):  # on one day in two stores the later store counts
        history = History(
            [Receipt(r.customer, r.day, r.amount, 1 - r.store) for r in history.receipts],
            history.known, {1 - s: d for s, d in history.coverage.items()},
        )  # fmt: skip
    daily.run_day(DAY)

    base = Base(history, ON)
    for customer in history.customers:
        who = find(f"M{1000 + customer}")
        assert who is not None
        alone = portrait(who, DAY, look_ahead=False)
        for drawn in alone.grades:
            keys = sorted(drawn.playbook.facts())
            facts = base.row(customer, keys)
            expected = grades_of(drawn.playbook, facts)[drawn.scale.key]
            assert drawn.grade == expected, (drawn.playbook.key, customer, facts)
            stands = Standing.objects.get(customer=who, playbook=drawn.playbook.key, scale=drawn.scale.key)
            assert stands.grade == expected
            assert {k: (alone.facts[k], facts[k]) for k in keys if not same(alone.facts[k], facts[k])} == {}
    for key in library():
        playbook = load(key)
        header, rows = grade_rows(playbook, DAY)
        for row in rows:
            facts = base.row(int(row[0][1:]) - 1000, header[3:])
            assert row[2] == grades_of(playbook, facts)[row[1]]


def test_what_only_care_asks_for_is_missing_until_somebody_tells_it(tmp_path: Path) -> None:
    daily.take_in([write(told(lives(7, ON, customers=5)), tmp_path / "till.csv")])
    fact = "referred_customers_in_30_days"
    assert fact in load("snack").care_facts() - load("snack").facts()

    def missing() -> list[bool]:
        daily.run_day(DAY)
        recorded = GradeRun.objects.get(playbook="snack", on=DAY).missing_facts
        return [fact in missing_for(["snack"])["snack"], fact in recorded]

    assert missing() == [True, True]
    say_detail(Customer.objects.earliest("id"), fact, "1")
    assert missing() == [False, False]


def test_the_day_run_again_changes_nothing(tmp_path: Path) -> None:
    daily.take_in([write(told(lives(3, ON, customers=6)), tmp_path / "till.csv")])
    daily.run_day(DAY)
    before = list(Standing.objects.order_by("id").values_list()), GradeChange.objects.count()
    again = daily.run_day(DAY)
    assert set(again["changed"].values()) <= {0}
    assert (list(Standing.objects.order_by("id").values_list()), GradeChange.objects.count()) == before


def test_grades_of_an_earlier_day_know_nothing_of_later_sales(tmp_path: Path) -> None:
    receipts = [Receipt(1, ON - 40, 10_000), Receipt(1, ON - 39, 10_000), Receipt(2, ON, 10_000)]
    daily.take_in([write(History(receipts), tmp_path / "till.csv")])
    daily.run_day(DAY)
    _header, rows = grade_rows(load("restaurant"), DAY - timedelta(days=35))
    assert [row[:3] for row in rows] == [["M1001", "main", "new"]]


def test_a_playbook_adopted_after_the_last_run_is_explained_all_the_same(tmp_path: Path) -> None:
    daily.take_in([write(told(lives(3, ON, customers=6)), tmp_path / "till.csv")])
    who = Customer.objects.filter(merged_into=None).first()
    assert who is not None
    said = explain(who, DAY)
    assert {one["playbook"] for one in said["grades"]} == set(library())


def test_nobody_is_told_how_to_become_another_kind_of_person(tmp_path: Path) -> None:
    daily.take_in([write(told(lives(3, ON, customers=6)), tmp_path / "till.csv")])
    who = Customer.objects.earliest("id")
    say_detail(who, "buyer", "construction")
    next_of = {(one["playbook"], one["scale"]): one["next"] for one in explain(who, DAY)["grades"]}
    kinds = {(key, s.key) for key in library() for s in load(key).scales if not s.is_ranked}
    assert ("appliance", "buyer") in kinds and ("store-scales", "age") in kinds
    assert all(next_of[kind] == [] for kind in kinds)
    assert any(next_of.values())
