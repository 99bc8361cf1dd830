"""The words of "why": every condition once, what is missing, and what nobody has asked yet."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from regulars.grading.actions import as_record
from regulars.grading.models import GradeChange
from regulars.grading.queries import Explained, _missing
from regulars.playbooks.overlay import numbers
from regulars.playbooks.playbook import fits, library, load
from regulars.web.grades import _plain
from regulars.web.why import change_why, finding_shown, next_shown

ON = date(2026, 11, 22)
PLAYBOOK = load("hotpot")
SCALE = PLAYBOOK.scales[0]
POTENTIAL = next(k for k, g in enumerate(SCALE.grades) if g.key == "potential")


def next_said(**facts: Any) -> list[str]:
    missing, enough = _missing(SCALE, POTENTIAL, facts)
    record = {"grade": "potential", "needs": [as_record(f) for f in missing], "enough": enough, "by": None}
    explained = Explained(PLAYBOOK, SCALE, "none", None, [], [record])
    return [need.zh for need in next_shown(explained, record, ON).needs]


def test_a_condition_is_said_once() -> None:
    facts = {"occupation": "nurse", "lives_nearby": True}
    findings = fits(facts, SCALE).verdicts["potential"][0].findings
    said = {f.condition.fact: finding_shown(f) for f in findings}
    assert said["lives_nearby"].needs.zh == "是"
    assert said["occupation"].needs.zh.startswith("是学生、")
    assert said["occupation"].margin == ""
    assert said["works_nearby"].value is None


def test_what_nobody_has_asked_yet_is_asked_for_in_one_line() -> None:
    assert next_said() == ["还要问清：职业、常带一帮人来、住在附近、在附近上班", "有 1 条就够"]
    assert next_said(occupation="nurse", brings_groups=False, lives_nearby=False) == ["还要问清：在附近上班"]


@pytest.mark.parametrize(("grade", "place", "holds"), [("high", 1 / 3, False), ("middle", 2 / 3, False), ("middle", 0.6666, True)])  # fmt: skip
def test_what_is_on_record_says_the_same_as_the_answer(grade: str, place: float, holds: bool) -> None:
    (verdict,) = fits({"spend_place_in_12_months": place}, load("store-scales").scales[0]).verdicts[grade]
    (record,) = [as_record(f) for f in verdict.findings]
    assert record["holds"] is holds
    assert (record["value"] < record["threshold"]) is holds
    assert (record["margin"] > 0) is holds


@pytest.mark.parametrize("key", library())
def test_a_form_sent_back_as_it_was_changes_no_number(key: str) -> None:
    for number in numbers(load(key)):
        assert float(_plain(number.value)) == number.value, number.address


def test_a_move_tells_what_can_move() -> None:
    missing, _ = _missing(SCALE, POTENTIAL, {"occupation": "nurse", "brings_groups": False, "lives_nearby": False, "works_nearby": False})  # fmt: skip
    for was, said in (("new", "看过一阵了，哪一级都还不够"), ("potential", "哪一级的条件都还不够")):
        change = GradeChange(was=was, grade="none", conditions=[as_record(f) for f in missing])
        assert change_why(change).zh == said
    fell = fits({"average_monthly_spend": 288700}, SCALE).verdicts["c"][0].findings
    change = GradeChange(was="c", grade="none", conditions=[as_record(f) for f in fell])
    assert change_why(change).zh == "平均每月消费 2,887 元"
