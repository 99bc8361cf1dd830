"""The check: examples that lie, thresholds without proof, messages without a sender."""

from __future__ import annotations

from pathlib import Path

from regulars.playbooks.check import check
from regulars.playbooks.playbook import read_source

SNACK = read_source("snack")[1]


def told(text: str) -> list[tuple[int | None, str]]:
    return [(problem.line, problem.words.en) for problem in check(text)]


def test_a_wrong_example_has_its_line() -> None:
    at = SNACK[: SNACK.index('grade = "d"')].count("\n") + 1
    ((line, words),) = told(SNACK.replace('grade = "d"', 'grade = "c"', 1))
    assert line is not None and at - 4 <= line <= at
    assert words.endswith("expected c, the conditions give d")


def test_a_threshold_that_slips_is_told() -> None:
    assert told(SNACK.replace('"visits_in_30_days >= 10"', '"visits_in_30_days >= 9"'))


def test_a_threshold_without_people_at_its_edge_is_told_from_both_sides() -> None:
    start = SNACK.index("[[example]]")
    bare = SNACK[:start] + "".join(
        f'[[example]]\nname = {{ zh = "{g}", en = "{g}" }}\n'
        f'facts = {{ visits_in_30_days = {n} }}\ngrade = "{g}"\n'
        for g, n in (("a", 20), ("b", 12), ("c", 7), ("d", 4), ("e", 0))
    )
    found = told(bare)
    line = SNACK[: SNACK.index("visits_in_30_days >= 15")].count("\n") + 1
    assert (line, "No example proves visits_in_30_days >= 15 from the side of just enough") in found
    assert (line, "No example proves visits_in_30_days >= 15 from the side of just short") in found


def test_a_grade_that_nobody_shows_is_told() -> None:
    bare = SNACK[: SNACK.index("[[example]]")]
    assert "No example is a" in [words for _, words in told(bare)]


def test_a_message_that_does_not_name_the_store_is_told() -> None:
    found = told(SNACK.replace("我是{store}的{staff}，这个月会员日", "这个月会员日"))
    assert [words for _, words in found] == ["Member-day reminder: the words do not name the {store}"]


def test_a_file_that_does_not_load_gives_its_problems(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("key = \n", "utf-8")
    (problem,) = check(file)
    assert (problem.file, problem.line) == ("mine.toml", 1)


def test_what_is_enough_to_stay_is_proven_by_people_who_held_the_grade() -> None:
    text = SNACK.replace(
        '[[scale.grade]]\nkey = "b"',
        '[[scale.grade.stay]]\nall = ["visits_in_90_days >= 40"]\n\n[[scale.grade]]\nkey = "b"',
        1,
    )
    assert len(told(text)) == 2
    person = (
        '\n[[example]]\nname = {{ zh = "{n}", en = "{n}" }}\n'
        'facts = {{ visits_in_90_days = {n} }}\nwas = "a"\n'
    )
    text += person.format(n=40) + 'grade = "a"\n' + person.format(n=39) + 'grade = "e"\n'
    assert told(text) == []
