"""Conditions: one comparison per line, the same answer in Python and in the engine."""

from __future__ import annotations

from typing import Any

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from regulars.facts import catalogue
from regulars.playbooks.conditions import SIGNS, Way, Wrong, parse

# Facts of every kind: money, counts, shares, ratios, text with and without choices, yes-no.
NUMBERS = (
    "spend_in_30_days",
    "visits_in_30_days",
    "last_spend",
    "spend_place_in_12_months",
    "times_usual_gap",
)
TYPES = {
    "spend_in_30_days": "int64",
    "visits_in_30_days": "int64",
    "last_spend": "int64",
    "spend_place_in_12_months": "float64",
    "times_usual_gap": "float64",
    "occupation": "string",
    "lives_nearby": "boolean",
}
OCCUPATIONS = ("owner", "student", "driver")

yuan = st.integers(0, 10_000).map(lambda fen: fen / 100)
# Near each other on purpose, so that thresholds are met exactly.
values: dict[str, st.SearchStrategy[Any]] = {
    "spend_in_30_days": st.integers(-200, 1_000_000),
    "last_spend": st.integers(0, 10_000),
    "visits_in_30_days": st.integers(0, 6),
    "spend_place_in_12_months": st.sampled_from([0.0, 0.19, 0.2, 1 / 3, 0.9, 1.0, float("nan")]),
    "times_usual_gap": st.sampled_from([0.5, 1.5, 3.0, float("nan")]) | st.floats(0, 10),
    "occupation": st.sampled_from(OCCUPATIONS),
    "lives_nearby": st.booleans(),
}
thresholds: dict[str, st.SearchStrategy[Any]] = {
    "spend_in_30_days": yuan,
    "last_spend": yuan,
    "visits_in_30_days": st.integers(0, 6),
    "spend_place_in_12_months": st.sampled_from([0.0, 0.2, 0.333333, 0.9, 1.0]),
    "times_usual_gap": st.sampled_from([0.5, 1.5, 3.0]) | st.floats(0, 10).map(lambda x: round(x, 6)),
}


@st.composite
def lines(draw: st.DrawFn) -> str:
    fact = draw(st.sampled_from(sorted(TYPES)))
    if fact == "occupation":
        sign = draw(st.sampled_from(["=", "!=", "in"]))
        some = draw(st.lists(st.sampled_from(OCCUPATIONS), min_size=1, max_size=2, unique=True))
        shown = ", ".join(f'"{o}"' for o in some)
        return f"{fact} in [{shown}]" if sign == "in" else f'{fact} {sign} "{some[0]}"'
    if fact == "lives_nearby":
        return f"{fact} {draw(st.sampled_from(['=', '!=']))} {draw(st.sampled_from(['true', 'false']))}"
    if draw(st.booleans()) and draw(st.booleans()):
        pair = [draw(thresholds[fact]) for _ in range(2)]
        return f"{fact} in {pair}"
    sign = draw(st.sampled_from([s for s in SIGNS if s != "in"]))
    return f"{fact} {sign} {draw(thresholds[fact])}"


@st.composite
def ways(draw: st.DrawFn) -> Way:
    entry = lines() | st.lists(lines(), min_size=1, max_size=3)
    groups: dict[str, Any] = {}
    for group in draw(st.lists(st.sampled_from(["all", "any", "of"]), min_size=1, max_size=3, unique=True)):
        groups[group] = draw(st.lists(entry, min_size=1, max_size=4))
    if "of" in groups:
        groups["at_least"] = draw(st.integers(1, len(groups["of"])))
    return Way.model_validate(groups, context={"catalogue": catalogue})


rows = st.fixed_dictionaries({fact: st.none() | value for fact, value in values.items()})


@given(way=ways(), people=st.lists(rows, min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_the_engine_and_python_agree_on_every_way_and_every_row(
    way: Way, people: list[dict[str, Any]]
) -> None:
    table = ibis.memtable(people, schema=ibis.schema(TYPES))
    told = table.select(answer=way.expression(table)).to_pyarrow()["answer"].to_pylist()
    assert told == [way.evaluate(row).holds for row in people]


@given(line=lines())
def test_a_condition_written_out_reads_back_the_same(line: str) -> None:
    condition = parse(line, catalogue)
    assert parse(str(condition), catalogue) == condition


@given(line=lines(), data=st.data())
def test_a_margin_is_above_or_at_zero_exactly_when_it_may_hold(line: str, data: st.DataObject) -> None:
    condition = parse(line, catalogue)
    value = data.draw(values[condition.fact])
    margin = condition.margin(value)
    if margin is None or not condition.is_ordered:
        return
    strict = condition.sign in (">", "<")
    close = abs(margin) < 1e-9  # a share may differ by less than the margin shows
    assert close or condition.holds(value) == (margin > 0 if strict else margin >= 0)


@given(line=lines())
def test_unknown_never_satisfies_not_even_unequal(line: str) -> None:
    condition = parse(line, catalogue)
    assert not condition.holds(None)
    assert not condition.holds(float("nan"))


def test_a_fact_that_the_table_lacks_is_unknown_for_everybody() -> None:
    table = ibis.memtable([{"visits": 3}], schema=ibis.schema({"visits": "int64"}))
    way = Way(any=["visits_in_30_days >= 0"])
    assert table.select(answer=way.expression(table)).to_pyarrow()["answer"].to_pylist() == [False]
    assert not way.evaluate({"visits": 3}).holds


def test_an_all_unknown_column_without_a_type_is_unknown() -> None:
    table = ibis.memtable([{"visits": 3}], schema=ibis.schema({"visits": "int64"}))
    table = table.mutate(occupation=ibis.null())
    answer = parse('occupation != "owner"', catalogue).expression(table)
    assert table.select(answer=answer).to_pyarrow()["answer"].to_pylist() == [False]


def test_money_is_written_in_yuan_and_compared_in_fen() -> None:
    condition = parse("spend_in_30_days >= 19.99", catalogue)
    assert condition.threshold == 1999
    assert (condition.holds(1999), condition.holds(1998)) == (True, False)
    assert condition.margin(1500) == -499
    assert str(condition) == "spend_in_30_days >= 19.99"


def test_counts_are_not_scaled() -> None:
    assert parse("visits_in_30_days >= 4", catalogue).threshold == 4


def test_conditions_in_one_entry_count_as_one() -> None:
    way = Way(at_least=1, of=[["lives_nearby = true", "steady_income = true"], "visits >= 9"])
    assert not way.evaluate({"lives_nearby": True}).holds
    assert way.evaluate({"lives_nearby": True, "steady_income": True}).holds


def test_every_group_of_a_way_must_hold() -> None:
    way = Way(all=["visits >= 4"], any=["visits_in_120_days >= 1", "referred_customers >= 1"])
    assert way.evaluate({"visits": 5, "referred_customers": 1}).holds
    assert not way.evaluate({"visits": 5, "referred_customers": 0}).holds
    assert not way.evaluate({"visits": 3, "referred_customers": 1}).holds


def test_a_verdict_says_what_is_open_and_how_many_of_it() -> None:
    way = Way(
        all=["visits >= 4"], at_least=2, of=["spend >= 10", "weeks_in_a_row >= 3", "largest_spend >= 5"]
    )
    verdict = way.evaluate({"visits": 1, "spend": 12, "weeks_in_a_row": 1})
    assert [(o.how_many, [e[0].condition.fact for e in o.of]) for o in verdict.open] == [
        (1, ["visits"]),
        (1, ["weeks_in_a_row", "largest_spend"]),
    ]
    assert [(f.condition.fact, f.margin, f.holds) for f in verdict.findings] == [
        ("visits", -3, False),
        ("spend", 2, True),
        ("weeks_in_a_row", -2, False),
        ("largest_spend", None, False),
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("spend_in_30_day >= 5", "No fact is called spend_in_30_day; did you mean spend_in_30_days?"),
        ("visits == 5", '"==" is not a sign; did you mean =?'),
        ("visits ≥ 5", '"≥" is not a sign; did you mean >=?'),
        ("visits about 5", '"about" is not a sign; there are >= > <= < != = in'),
        ("visits >=", '"visits >=" is not a condition. A condition is: fact sign value'),
        ("visits", '"visits" is not a condition'),
        ('visits >= "five"', 'visits takes a number, not "five"'),
        ("occupation = 3", 'occupation takes text in "quotes", not 3'),
        ("occupation >= 3", 'occupation takes text in "quotes", not 3'),
        ('occupation >= "owner"', "occupation is text and has no more or less"),
        ('occupation = "onwer"', 'occupation is never "onwer"; did you mean owner?'),
        ('occupation in "owner"', 'After "in" comes a list'),
        ("lives_nearby = 1", "lives_nearby takes true or false, not 1"),
        ("lives_nearby >= true", "lives_nearby is yes or no"),
        ("spend >= 5,000", '"5,000" is not a plain number; did you mean 5000?'),
        ("spend >= 5000元", "is not a plain number; did you mean 5000?"),
        ("spend >= 5.001", "is finer than a fen"),
        ("spend_in_4000_days >= 5", "looks back 4000 days; a window is between 1 and 3660 days"),
        ("spend_in_0_days >= 5", "looks back 0 days"),
        ("last_visit_on >= 5", "is a date; conditions compare days, not dates"),
        ("spend >= inf", "is no value"),
        ("spend >= NaN", "is no value"),
    ],
)
def test_a_wrong_line_says_what_is_wrong_and_what_is_near(line: str, told: str) -> None:
    with pytest.raises(Wrong) as wrong:
        parse(line, catalogue)
    assert told in wrong.value.words.en
    assert wrong.value.words.zh


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ({}, "There is no condition here"),
        ({"of": ["visits >= 1"]}, "of needs at_least"),
        ({"at_least": 3, "of": ["visits >= 1", "spend >= 1"]}, "at_least = 3, but of has only 2"),
        ({"all": [3]}, "A condition is written as text"),
        ({"all": [[]]}, "A condition is written as text"),
    ],
)
def test_a_way_that_makes_no_sense_is_refused(way: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        Way.model_validate(way, context={"catalogue": catalogue})
    assert told in str(wrong.value)
