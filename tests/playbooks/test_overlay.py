"""A shop's own numbers: listed, changed from a form, kept beside the playbook, and read back the same."""

from __future__ import annotations

import pytest

from regulars.playbooks.check import check
from regulars.playbooks.overlay import numbers, sayings, with_numbers
from regulars.playbooks.playbook import BadPlaybook, fits, library, load
from regulars.shop.words import Words


@pytest.mark.parametrize("key", library())
def test_every_number_has_its_own_address_a_sentence_and_lies_within_its_bounds(key: str) -> None:
    found = numbers(load(key))
    assert len({number.address for number in found}) == len(found)
    for number in found:
        assert number.words.zh and number.words.en
        assert number.least <= number.value <= number.most


@pytest.mark.parametrize("key", library())
def test_every_number_can_be_changed_and_read_back(key: str) -> None:
    playbook = load(key)
    changed = {n.address: n.value + 1 if n.value + 1 <= n.most else n.least for n in numbers(playbook)}
    text, own = with_numbers(playbook, changed)
    assert {n.address: n.value for n in numbers(own)} == changed
    again = load(text)
    assert again == own
    assert again.version == "1+1"


def test_the_text_names_what_was_there_before() -> None:
    text, _ = with_numbers(load("restaurant"), {"main.a.1.spend_in_30_days": 6000})
    assert text == (
        'extends = "restaurant"\nbase = 1\nversion = 1\n\n[numbers]\n'
        '"main.a.1.spend_in_30_days" = 6000 # 原来：A 类：最近 30 天消费满 5000 元\n'
    )


def test_a_changed_threshold_grades_by_the_new_number() -> None:
    row = {"spend_in_30_days": 550000, "visits_in_30_days": 4}
    _, own = with_numbers(load("restaurant"), {"main.a.1.spend_in_30_days": 6000})
    assert fits(row, load("restaurant").scales[0]).grade == "a"
    assert fits(row, own.scales[0]).grade == "b"


def test_changes_add_up_and_setting_back_takes_them_out() -> None:
    _, first = with_numbers(load("snack"), {"main.a.1.visits_in_30_days": 12})
    text, second = with_numbers(first, {"main.b.1.visits_in_30_days": 8})
    assert second.version == "1+2"
    assert {n.address: n.value for n in numbers(second)}["main.a.1.visits_in_30_days"] == 12
    text, third = with_numbers(second, {"main.a.1.visits_in_30_days": 15})
    assert third.version == "1+3"
    assert "main.a.1" not in text and "main.b.1" in text


def test_words_can_be_the_shops_own() -> None:
    mine = Words("{customer}，我是{store}的{staff}。", "{customer}, this is {staff} of {store}.")
    text, own = with_numbers(load("restaurant"), {}, {"care.call-a.say": mine})
    assert sayings(own)["care.call-a.say"] == mine
    assert sayings(load(text))["care.call-a.say"] == mine


def test_a_shops_own_file_can_be_given_beside_its_playbook() -> None:
    text, own = with_numbers(load("snack"), {"main.a.1.visits_in_30_days": 12})
    assert load("snack", text) == own
    with pytest.raises(BadPlaybook, match="for snack, not for tiers"):
        load("tiers", text)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('"main.a.1.visits_in_30_day" = 3', "did you mean main.a.1.visits_in_30_days?"),
        ('"main.a.1.visits_in_30_days" = "3"', "takes a number"),
        ('"main.a.1.visits_in_30_days" = 2.5', "takes a whole number, not 2.5"),
        ('"main.a.1.visits_in_30_days" = -1', "has to be between 0 and"),
    ],
)
def test_a_number_that_can_not_be_has_its_line(line: str, told: str) -> None:
    with pytest.raises(BadPlaybook) as bad:
        load(f'extends = "snack"\nversion = 1\n[numbers]\n{line}\n')
    (problem,) = bad.value.problems
    assert problem.line == 4
    assert told in problem.words.en


def test_more_of_them_than_there_are_can_not_be_asked() -> None:
    with pytest.raises(BadPlaybook, match="between 1 and 4, not 5"):
        with_numbers(load("restaurant"), {"main.a.1.at_least": 5})


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('extends = "snak"\nversion = 1\n', None, "did you mean snack?"),
        ('extends = "snack"\nversion = 1\n[number]\n', 3, "did you mean numbers?"),
        ('extends = "snack"\nversion = "x"\n', 2, "version is a whole number"),
        ('extends = "snack"\n[words]\n"main.a.nam" = { zh = "a", en = "a" }\n', 3, "mean main.a.name?"),
        ('extends = "snack"\n[words]\n"main.a.name" = { zh = "甲" }\n', 3, "The English (en) is missing"),
        ('extends = "snack"\nversion = \n', 2, "This line can't be read"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_overlay_has_its_line(text: str, line: int | None, told: str) -> None:
    with pytest.raises(BadPlaybook) as bad:
        load(text)
    assert [(p.line, told in p.words.en) for p in bad.value.problems] == [(line, True)]


def overlaid(extends: str, *numbers: str) -> list[tuple[int | None, str]]:
    text = f'extends = "{extends}"\nbase = 1\nversion = 1\n[numbers]\n' + "".join(f"{n}\n" for n in numbers)
    return [(problem.line, problem.words.en) for problem in check(text)]


def test_a_grade_that_nobody_can_reach_any_more_is_told_where_it_was_decided() -> None:
    ((line, words),) = overlaid("snack", '"care.late.minutes" = 6', '"main.a.1.visits_in_30_days" = 9')
    assert line == 6
    assert words.startswith("Nobody can reach B any more: whoever is good enough enters A first.")
    assert overlaid("snack", '"main.b.1.visits_in_30_days" = 15') != []
    assert overlaid("snack", '"main.b.1.visits_in_30_days" = 14') == []


def test_a_grade_that_is_still_reached_another_way_is_no_mistake() -> None:
    ways = ("spend_in_30_days", "visits_in_30_days", "weeks_in_a_row", "last_spend")
    easier = [f'"main.a.1.{fact}" = {n}' for fact, n in zip(ways, (1500, 2, 2, 2000), strict=True)]
    assert overlaid("restaurant", *easier[:3]) == []
    assert len(overlaid("restaurant", *easier)) == 1
    assert overlaid("restaurant", '"main.b.1.at_least" = 1', *easier) == []
    assert overlaid("hotpot", '"main.a.1.average_monthly_spend" = 4000') == []
    assert [
        line for line, _ in overlaid("store-scales", '"amount.high.1.spend_place_in_12_months" = 0.7')
    ] == [5]


def test_numbers_decided_on_an_older_version_are_worth_a_second_look() -> None:
    (problem,) = check('extends = "snack"\nbase = 7\nversion = 1\n')
    assert problem.line == 2
    assert "set base = 1" in problem.words.en


def test_a_shops_own_examples_are_held_against_its_numbers() -> None:
    own = '\n[[example]]\nname = { zh = "老王", en = "Wang" }\n'
    own += 'facts = { visits_in_30_days = 13 }\ngrade = "b"\n'
    text = 'extends = "snack"\nbase = 1\nversion = 1\n[numbers]\n"main.a.1.visits_in_30_days" = 12\n'
    (problem,) = check(text + own)
    assert problem.line == 7
    assert "Wang: expected b, the conditions give a" in problem.words.en
