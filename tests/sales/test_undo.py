"""Undo gives the state as if that file had never come, whatever was imported since."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, event, example, given, settings
from hypothesis import strategies as st
from tests.shops import Row, Shop, as_csv, days_in_books, known, must_be_whole

from regulars import daily
from regulars.grading import actions as grading
from regulars.grading.queries import write_grades
from regulars.playbooks.playbook import load

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
CARELESS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
MEMBERS = ("1001", "1002", "1003", "1004")
PHONES = ("13912345601", "13912345602", "13912345603")
NAMES = ("王芳", "李雷", "单小明")

maybe = lambda values: st.sampled_from([*values, "", ""])  # noqa: E731
when = st.builds(lambda d, h: f"2026-05-{d:02d} {h:02d}:15:00", st.integers(1, 6), st.integers(11, 12))
receipt = st.fixed_dictionaries(
    {
        "订单号": maybe(["A1", "A2", "A3"]), "结账时间": when, "会员号": maybe(MEMBERS), "会员卡号": maybe((*MEMBERS[:2], "77")),
        "手机号": maybe(PHONES), "实收金额": st.sampled_from(["10", "10", "25.50", "-10"]),
        "原订单号": maybe(["A1", "A2"]), "门店": maybe(["总店", "东店"]),
        "订单状态": st.sampled_from(["", "已完成", "已取消"]),
    }
)  # fmt: skip
person = st.fixed_dictionaries(
    {
        "会员号": maybe(MEMBERS), "手机号": maybe(PHONES), "姓名": maybe(NAMES), "生日": maybe(["1990-05-06", "02-29"]),
        "性别": maybe(["女", "男"]), "职业": maybe(["老师", "司机"]), "备注": maybe(["怕辣"]),
    }
)  # fmt: skip
sales_file = st.lists(receipt, min_size=1, max_size=6)
list_file = st.lists(person, min_size=1, max_size=4)
files = st.lists(st.one_of(sales_file, sales_file, list_file), min_size=2, max_size=4)
steps = st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=2, max_size=7)


def filled(rows: list[Row]) -> list[Row]:
    """Rows without columns that are empty from top to bottom, so that files differ in their columns too."""
    used = {h for row in rows for h, v in row.items() if v}
    return [{h: v for h, v in row.items() if h in used or h == "实收金额"} for row in rows]


def serving(files: list[list[Row]]) -> list[list[Row]]:
    """Files that name somebody, each once: the very same file a second time is no batch of its own."""
    contents = {as_csv(rows): rows for rows in map(filled, files)}
    return [
        rows
        for rows in contents.values()
        if any(
            row.get("订单状态") != "已取消" if "结账时间" in row else "会员号" in row and len(row) > 1
            for row in rows
        )
    ]


def plain(state: dict[str, Any]) -> list[str]:
    """One line for each thing that a shop knows, so that a difference is a line."""
    return [
        f"{key}: {x}"
        for key, value in state.items()
        for x in (value.items() if isinstance(value, dict) else value)
    ]


@pytest.fixture
def no_books(monkeypatch: pytest.MonkeyPatch) -> None:
    """The books have a test of their own; without them a hundred imports take seconds."""
    monkeypatch.setattr(grading, "catch_up", lambda books: None)


def play(shop: Shop, contents: list[list[Row]], walk: list[tuple[bool, int]]) -> list[int]:
    """Import and undo as told; returns the files that are in at the end, in the order of their imports."""
    batches: dict[int, Any] = {}
    for is_import, k in walk:
        k %= len(contents)
        if is_import and k not in batches:
            path = shop.file(f"file-{k}.csv", as_csv(contents[k]))
            batches[k] = daily.take_in([path]).batch
        elif not is_import and k in batches:
            daily.undo(batches.pop(k))
            must_be_whole()
    return list(batches)


A_RECEIPT_EACH: list[Row] = [
    {"订单号": "A1", "结账时间": "2026-05-01 11:15:00", "会员号": "1001", "实收金额": "10", "手机号": ""},
    {"订单号": "A2", "结账时间": "2026-05-03 11:15:00", "会员号": "", "实收金额": "10", "手机号": PHONES[1]},
]
ONE_WITH_TWO_NAMES: list[Row] = [
    {"会员号": "1001", "手机号": PHONES[1], "姓名": "王芳"},
    {"会员号": "", "手机号": PHONES[1], "姓名": "李雷"},
]


@settings(max_examples=25, deadline=None, phases=PHASES, suppress_health_check=CARELESS)
@example(files=[A_RECEIPT_EACH, ONE_WITH_TWO_NAMES], walk=[(False, 0)])
@given(files=files, walk=steps)
def test_a_file_taken_back_has_never_come(
    shop: Shop, no_books: None, files: list[list[Row]], walk: list[tuple[bool, int]]
) -> None:
    contents = serving(files)
    assume(contents)
    shop.empty()
    left = play(shop, contents, [(True, k) for k in range(len(contents))] + walk)
    after = known()
    shop.empty()
    play(shop, contents, [(True, k) for k in left])
    event(f"{len(contents) - len(left)} taken back")
    assert plain(after) == plain(known())


def facts(shop: Shop) -> str:
    """All facts and grades of everybody, as the file that `regulars grade` writes."""
    out = shop.files / "grades.csv"
    write_grades(load("restaurant"), date(2026, 5, 8), out)
    return "\n".join(sorted(out.read_text("utf-8").splitlines()))


@settings(max_examples=6, deadline=None, phases=PHASES, suppress_health_check=CARELESS)
@given(files=files, walk=steps)
def test_books_and_grades_equal_those_of_a_shop_that_never_had_the_file(
    shop: Shop, files: list[list[Row]], walk: list[tuple[bool, int]]
) -> None:
    contents = serving(files)
    assume(contents)
    shop.empty()
    left = play(shop, contents, [(True, k) for k in range(len(contents))] + walk)
    kept = days_in_books()
    graded = facts(shop)
    grading.open_books().clear()
    grading.catch_up(grading.open_books())
    assert kept == days_in_books()
    shop.empty()
    play(shop, contents, [(True, k) for k in left])
    assert graded == facts(shop)
