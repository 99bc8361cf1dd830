"""The words of "why": every condition once, what is missing, and what nobody has asked yet."""

from __future__ import annotations

from datetime import date
from typing import Any

from regulars.grading.actions import as_record
from regulars.grading.models import GradeChange
from regulars.grading.queries import Explained, _missing
from regulars.playbooks.playbook import fits, load
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


def test_a_move_tells_what_can_move() -> None:
    missing, _ = _missing(SCALE, POTENTIAL, {"occupation": "nurse", "brings_groups": False, "lives_nearby": False, "works_nearby": False})  # fmt: skip
    for was, said in (("new", "看过一阵了，哪一级都还不够"), ("potential", "哪一级的条件都还不够")):
        change = GradeChange(was=was, grade="none", conditions=[as_record(f) for f in missing])
        assert change_why(change).zh == said
    fell = fits({"average_monthly_spend": 288700}, SCALE).verdicts["c"][0].findings
    change = GradeChange(was="c", grade="none", conditions=[as_record(f) for f in fell])
    assert change_why(change).zh == "平均每月消费 2,887 元"
