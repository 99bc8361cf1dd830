"""Reading a playbook: every mistake is told with its line and the nearest right word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ibis
import pytest

from regulars.playbooks.playbook import BadPlaybook, entering, fits, library, load, observed, staying, stays
from regulars.playbooks.problems import Lines

GOOD = """\
key = "corner"
version = 1
name = { zh = "街角店", en = "Corner shop" }
about = { zh = "看来得勤不勤。", en = "By frequency." }

[[scale]]
key = "main"
name = { zh = "等级", en = "Grade" }
observe = 14
because = { zh = "两周看得出规律。", en = "Two weeks show a rhythm." }

[[scale.grade]]
key = "a"
name = { zh = "A", en = "A" }
because = { zh = "来得勤。", en = "Often." }
grace = 30

[[scale.grade.way]]
all = ["visits_in_30_days >= 8"]

[[scale.grade.stay]]
all = ["visits_in_90_days >= 15"]

[[scale.grade]]
key = "b"
name = { zh = "B", en = "B" }
because = { zh = "其余。", en = "The rest." }

[[care]]
key = "hello"
name = { zh = "问候", en = "Hello" }
grades = ["a"]
when = "owed"
times_a_month = 1
where = ["complaints_in_30_days = 0"]
who = "manager"
channel = "call"
do = { zh = "打电话。", en = "Call." }
say = { zh = "{customer}您好，我是{store}的{staff}。", en = "Hello {customer}, {staff} of {store}." }
minutes = 3
because = { zh = "记得。", en = "Remembered." }

[[example]]
name = { zh = "老王", en = "Mr Wang" }
facts = { visits_in_30_days = 8 }
grade = "a"
"""


def problems(old: str, new: str) -> list[tuple[int | None, str]]:
    assert old in GOOD
    with pytest.raises(BadPlaybook) as bad:
        load(GOOD.replace(old, new, 1))
    return [(problem.line, problem.words.en) for problem in bad.value.problems]


def test_a_good_playbook_loads_from_text_and_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "corner.toml"
    file.write_text(GOOD, "utf-8")
    playbook = load(file)
    assert playbook == load(GOOD)
    assert (playbook.key, playbook.version) == ("corner", "1")
    scale = playbook.scales[0]
    assert (scale.observe_days, [g.key for g in scale.grades], scale.grades[0].grace_days) == (
        14,
        ["a", "b"],
        30,
    )
    assert playbook.facts() == {"visits_in_30_days", "visits_in_90_days", "days_since_first_visit"}
    assert playbook.care_facts() == {"complaints_in_30_days"}


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ('key = "corner"', "key = corner", 1, "This line can't be read"),
        ("observe = 14", "observ = 14", 9, "Nothing here is called observ; did you mean observe?"),
        ("observe = 14", 'observe = "14"', 9, 'observe takes a whole number, not \'14\''),
        ("observe = 14", "observe = -1", 9, "observe is at least 0, not -1"),
        ("visits_in_30_days >= 8", "visit_in_30_days >= 8", 19, "did you mean visits_in_30_days?"),
        ("visits_in_90_days >= 15", "visits_in_90_days => 15", 22, 'did you mean >=?'),
        ('because = { zh = "来得勤。", en = "Often." }\n', "", 12, "because is missing here"),
        ('name = { zh = "B", en = "B" }', 'name = { zh = "B" }', 26, "The English (en) is missing"),
        ('name = { zh = "B", en = "B" }', 'name = "B"', 26, "Both languages are needed"),
        ('key = "b"', 'key = "a"', 25, "The grade a is there twice"),
        ('key = "b"', 'key = "new"', 25, "new is kept for observation"),
        ('key = "b"', 'key = "none"', 25, "none is kept for having no grade"),
        ('key = "b"', 'key = "B!"', 25, "key takes lower-case letters, digits and hyphens"),
        ('[[scale.grade.way]]\nall = ["visits_in_30_days >= 8"]\n', "", 13, "a has no conditions: everybody"),
        ('grades = ["a"]', 'grades = ["main.c"]', 32, "No such grade: main.c; did you mean main."),
        ('when = "owed"', 'when = "owned"', 33, "when can't be 'owned'; did you mean owed?"),
        ("times_a_month = 1", "", 29, "owed needs times_a_month or every_days"),
        ("times_a_month = 1", "days_before = 1", 34, "days_before has no meaning for owed"),
        ("complaints_in_30_days = 0", "complaint_in_30_days = 0", 35, "did you mean complaints_in_30_days?"),
        ("{store}的{staff}", "{shop}的{staff}", 39, "A sentence can't fill in {shop}; there are customer"),
        ("我是{store}的", "我是{store的", 39, "A curly bracket in the sentence has no partner"),
        ('who = "manager"', 'who = "boss"', 36, "who can't be 'boss'"),
        ("minutes = 3", "minutes = 3\nweight = 6", 41, "weight is at most 5, not 6"),
        ('grade = "a"\n', 'grade = "c"\n', 46, "No such grade: c"),
        ("facts = { visits_in_30_days = 8 }", 'facts = { visits_in_30_days = "8" }', 45, "takes a number"),
        ("{ visits_in_30_days = 8 }", "{ visit_in_30_days = 8 }", 45, "did you mean visits_in_30_days?"),
        ("version = 1", "version = 0", 2, "version is a whole number, counting from 1"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_line_and_its_sentence(old: str, new: str, line: int, told: str) -> None:
    found = problems(old, new)
    assert any(told in words for _, words in found), found
    assert (line, True) in [(at, told in words) for at, words in found], found


def test_several_mistakes_are_told_together_in_file_order() -> None:
    text = GOOD.replace("observe = 14", "observ = 14").replace(
        "visits_in_30_days >= 8", "visits_in_30_day >= 8"
    )
    with pytest.raises(BadPlaybook) as bad:
        load(text)
    assert [problem.line for problem in bad.value.problems] == [9, 19]
    assert bad.value.words.en.splitlines()[0].startswith("(text):9: ")


def test_a_key_that_does_not_exist_names_the_nearest() -> None:
    with pytest.raises(BadPlaybook) as bad:
        load("restaurnat")
    assert "did you mean restaurant?" in bad.value.words.en


def test_a_file_that_is_not_utf8_says_so_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes('key = "x"\nname = "打法"\n'.encode("gb18030"))
    with pytest.raises(BadPlaybook) as bad:
        load(file)
    assert bad.value.problems[0].line == 2
    assert "UTF-8" in bad.value.words.zh


def test_lines_are_found_behind_long_lists_long_texts_and_comments() -> None:
    text = 'a = """\n[[scale]]\nkey = "no"\n"""\nb = [ # [[no]]\n  "x = 1",\n]\n[[scale]]\nkey = "yes"\n'
    assert Lines(text).of(("scale", 0, "key")) == 9
    assert Lines(text).of(("b",), "x = 1") == 6


def graded(row: dict[str, Any]) -> str:
    return fits(row, load(GOOD).scales[0]).grade


def test_new_lasts_until_the_observation_is_over() -> None:
    assert graded({"visits_in_30_days": 9, "days_since_first_visit": 13}) == "new"
    assert graded({"visits_in_30_days": 9, "days_since_first_visit": 14}) == "a"
    assert graded({"visits_in_30_days": 9}) == "a"


def test_stay_is_easier_than_entering() -> None:
    scale = load(GOOD).scales[0]
    row = {"visits_in_30_days": 5, "visits_in_90_days": 15}
    assert fits(row, scale).grade == "b"
    assert stays(row, scale, "a")
    assert not stays({**row, "visits_in_90_days": 14}, scale, "a")
    assert stays({"visits_in_30_days": 9}, scale, "b")  # better than B is enough for B
    assert not stays(row, scale, "new")


def test_a_fit_carries_the_verdict_of_every_way() -> None:
    fit = fits({"visits_in_30_days": 5}, load(GOOD).scales[0])
    assert (fit.grade, fit.index, fit.way) == ("b", 1, None)
    (verdict,) = fit.verdicts["a"]
    assert [(f.value, f.threshold, f.margin, f.holds) for f in verdict.findings] == [(5, 8, -3, False)]


@pytest.mark.parametrize("key", library())
def test_the_engine_gives_the_grade_that_python_gives(key: str) -> None:
    from regulars.facts import catalogue
    from regulars.playbooks.check import portrait

    playbook = load(key)
    people = [portrait(example.facts, catalogue) for example in playbook.examples]
    types = {"number": "float64", "text": "string", "yes-no": "boolean"}
    facts = sorted(playbook.facts())
    schema = ibis.schema({fact: types[catalogue.get(fact).type] for fact in facts})
    table = ibis.memtable([{fact: person.get(fact) for fact in facts} for person in people], schema=schema)
    for scale in playbook.scales:
        keys = [grade.key for grade in scale.grades] + ["none"]
        columns = {"index": entering(table, scale), "observed": observed(table, scale)}
        columns |= {f"stays_{n}": staying(table, scale, n) for n in range(len(scale.grades))}
        told = table.select(**columns).to_pyarrow().to_pylist()
        for person, row in zip(people, told, strict=True):
            assert ("new" if row["observed"] else keys[row["index"]]) == fits(person, scale).grade
            if not row["observed"]:
                staying_python = [stays(person, scale, grade.key) for grade in scale.grades]
                assert [row[f"stays_{n}"] for n in range(len(scale.grades))] == staying_python
