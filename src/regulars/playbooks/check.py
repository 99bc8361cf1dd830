"""Does a playbook do what its people say? Every threshold is proven by named examples from both sides.

An example proves a threshold when she stands at its edge and the edge decides: move her one fen, one visit,
one point to the other side and she would be something else. So a number changed by a slip can't pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from regulars.playbooks.catalogue import Catalogue, Fact
from regulars.playbooks.catalogue import catalogue as the_catalogue
from regulars.playbooks.conditions import Condition, Entry, Way
from regulars.playbooks.playbook import NEW, Example, Playbook, Scale, fits, load, read_source, stays
from regulars.playbooks.problems import BadPlaybook, Lines, Place, PlaybookProblem
from regulars.shop.words import Words

# The smallest step that people would call the next one, in portrait units: a fen, a visit, a percent.
_STEPS: Mapping[str, int | float] = {"share": 0.01, "ratio": 0.1}


class Edge(NamedTuple):
    """One threshold with the nearest values on both sides, in portrait units."""

    place: Place
    scale: str
    grade: str
    condition: Condition
    holds_at: int | float
    fails_at: int | float


class Gap(NamedTuple):
    """Something that the examples do not prove, and where it stands."""

    place: Place
    text: str | None
    words: Words


def step(fact: Fact) -> int | float:
    """The smallest difference that counts for a fact, in portrait units."""
    return _STEPS.get(fact.unit, 1)


def edge(condition: Condition, fact: Fact) -> tuple[int | float, int | float]:
    """The value nearest to the threshold that holds, and the one that fails.

    >>> from regulars.playbooks.conditions import parse
    >>> visits = Fact("visits", Words("到店", "visits"), "times", "sales", Words("", ""))
    >>> [edge(parse(line), visits) for line in ("visits >= 4", "visits > 4", "visits < 4")]
    [(4, 3), (5, 4), (3, 4)]
    """
    threshold: Any = condition.threshold
    one = Decimal(str(step(fact)))
    up, down = _number(Decimal(str(threshold)) + one), _number(Decimal(str(threshold)) - one)
    return {
        ">=": (threshold, down),
        ">": (up, threshold),
        "<=": (threshold, up),
        "<": (down, threshold),
        "=": (threshold, up),
        "!=": (up, threshold),
    }[condition.sign]


def edges(playbook: Playbook, catalogue: Catalogue | None = None) -> Iterator[Edge]:
    """Every number that a grade compares with, in file order."""
    catalogue = catalogue or the_catalogue
    for place, scale, grade, condition in _conditions(playbook):
        if isinstance(condition.value, str | bool | tuple):
            continue
        yield Edge(place, scale.key, grade, condition, *edge(condition, catalogue.get(condition.fact)))


def _conditions(playbook: Playbook) -> Iterator[tuple[Place, Scale, str, Condition]]:
    for s, scale in enumerate(playbook.scales):
        for g, grade in enumerate(scale.grades):
            for kind, ways in (("way", grade.ways), ("stay", grade.stay)):
                for w, way in enumerate(ways):
                    for condition in way.conditions():
                        yield ("scale", s, "grade", g, kind, w), scale, grade.key, condition


def portrait(facts: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """Facts as a playbook writes them (yuan) → as a portrait holds them (fen)."""
    held = {}
    for key, value in facts.items():
        fact = catalogue.find(key)
        money = fact is not None and fact.unit == "yuan"
        held[key] = round(Decimal(str(value)) * 100) if money else value
    return held


def becomes(row: Mapping[str, Any], scale: Scale, was: str | None = None) -> str:
    """What she is on the day: the grade that she enters, or the one that she held when she may stay."""
    fit = fits(row, scale)
    if was is not None and fit.grade != NEW and stays(row, scale, was):
        held = scale.index(was)
        if held is not None and (fit.index is None or fit.index > held):
            return was
    return fit.grade


def prove(playbook: Playbook, catalogue: Catalogue | None = None) -> list[Gap]:
    """What the examples of a playbook get wrong or leave open; an empty list is a proof."""
    catalogue = catalogue or the_catalogue
    gaps: list[Gap] = []
    people = [(example, portrait(example.facts, catalogue)) for example in playbook.examples]
    for n, (example, row) in enumerate(people):
        for key, grade in playbook.expected(example).items():
            found = becomes(row, playbook.scale(key), _was(playbook, key, example))
            if found != grade:
                gaps.append(
                    Gap(
                        ("example", n),
                        None,
                        Words(
                            f"{example.name.zh}：写的是 {grade}，照条件算出来是 {found}",
                            f"{example.name.en}: expected {grade}, the conditions give {found}",
                        ),
                    )
                )
    if gaps:
        return gaps  # before these are right nothing else is worth telling
    for scale in playbook.scales:
        shown = {playbook.expected(example).get(scale.key) for example in playbook.examples}
        for outcome in scale.outcomes:
            if outcome not in shown:
                words = Words(f"没有一个例子是 {outcome}", f"No example is {outcome}")
                gaps.append(Gap(_scale_place(playbook, scale, outcome), None, words))
        if scale.observe_days:
            gaps += _observation_gap(playbook, scale, people)
    for place, scale, grade, condition in _conditions(playbook):
        gaps += _threshold_gaps(playbook, place, scale, grade, condition, people, catalogue)
    return gaps


def _was(playbook: Playbook, scale: str, example: Example) -> str | None:
    return example.was if scale == playbook.scales[0].key else None


def _scale_place(playbook: Playbook, scale: Scale, outcome: str) -> Place:
    place: Place = ("scale", playbook.scales.index(scale))
    index = scale.index(outcome)
    return place if index is None else (*place, "grade", index)


def _observation_gap(
    playbook: Playbook, scale: Scale, people: list[tuple[Example, dict[str, Any]]]
) -> list[Gap]:
    days = {
        row.get("days_since_first_visit")
        for example, row in people
        if scale.key in playbook.expected(example)
    }
    if {scale.observe_days - 1, scale.observe_days} <= days:
        return []
    words = Words(
        f"没有例子说明第 {scale.observe_days - 1} 天还是新客、第 {scale.observe_days} 天定级",
        f"No example shows day {scale.observe_days - 1} still new and day {scale.observe_days} graded",
    )
    return [Gap(("scale", playbook.scales.index(scale), "observe"), None, words)]


def _threshold_gaps(
    playbook: Playbook,
    place: Place,
    scale: Scale,
    grade: str,
    condition: Condition,
    people: list[tuple[Example, dict[str, Any]]],
    catalogue: Catalogue,
) -> list[Gap]:
    """Whether somebody stands on each side of the threshold for whom it decides about this very grade."""
    fact = catalogue.get(condition.fact)
    sides: set[bool] = set()
    for example, row in people:
        if scale.key not in playbook.expected(example):
            continue
        value = row.get(condition.fact)
        here = condition.holds(value)
        if here in sides or not _is_near(condition, value, fact):
            continue
        moved = {**row, condition.fact: _other_side(condition, here, fact)}
        was = _was(playbook, scale.key, example)
        now, then = becomes(row, scale, was), becomes(moved, scale, was)
        if now != then and grade == (now if here else then):
            sides.add(here)
    wanted = {True: Words("刚好够", "just enough"), False: Words("差一点", "just short")}
    return [
        Gap(
            place,
            str(condition),
            Words(
                f"没有例子从“{words.zh}”这一边证明 {condition}",
                f"No example proves {condition} from the side of {words.en}",
            ),
        )
        for side, words in wanted.items()
        if side not in sides
    ]


def _is_near(condition: Condition, value: Any, fact: Fact) -> bool:
    """Whether a value stands at the edge; text and yes-no have no distance, so any value is near."""
    threshold: Any = condition.threshold
    if isinstance(threshold, str | bool | tuple):
        return True
    if value is None:
        return False
    return abs(Decimal(str(value)) - Decimal(str(threshold))) <= Decimal(str(step(fact)))


def _other_side(condition: Condition, here: bool, fact: Fact) -> Any:
    threshold: Any = condition.threshold
    if isinstance(threshold, str | bool | tuple):
        example = threshold[0] if isinstance(threshold, tuple) else threshold
        if condition.sign == "!=":
            return example if here else None
        return None if here else example
    holds_at, fails_at = edge(condition, fact)
    return fails_at if here else holds_at


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def check(file: str | Path, catalogue: Catalogue | None = None) -> list[PlaybookProblem]:
    """All that is wrong with a playbook file (or key, or text), proof by examples included; [] when good.

    An overlay's numbers are its owner's decision: its own examples are held against it, but not asked for.
    """
    catalogue = catalogue or the_catalogue
    try:
        name, text = read_source(file)
        playbook = load(file, catalogue=catalogue)
    except BadPlaybook as bad:
        return list(bad.problems)
    lines = Lines(text)
    gaps = _unsigned(playbook) + prove(playbook, catalogue)
    if playbook.is_own:
        gaps = [gap for gap in gaps if gap.place[:1] == ("example",)] + _outgrown(playbook)
        gaps += _overtaken(playbook)
    found = [PlaybookProblem(name, lines.of(gap.place, gap.text), gap.words) for gap in gaps]
    return sorted(found, key=lambda problem: problem.line or 0)


def _outgrown(playbook: Playbook) -> list[Gap]:
    """Numbers decided on another version than the one they now stand on: their owner should look again."""
    decided, now = playbook.decided_on, playbook.version.partition("+")[0]
    if decided is None or str(decided) == now:
        return []
    words = Words(
        f"这些改动是在第 {decided} 版上定的，现在的打法是第 {now} 版；看过一遍以后把 base 改成 {now}",
        f"These numbers were decided on version {decided}; the playbook is now at {now}. "
        f"Look through them, then set base = {now}",
    )
    return [Gap(("base",), None, words)]


def _overtaken(playbook: Playbook) -> list[Gap]:
    """Grades that a shop's numbers leave to nobody: whoever meets one of its ways enters an earlier grade first."""
    gaps: list[Gap] = []
    for scale in playbook.scales:
        for g, grade in enumerate(scale.grades):
            takers = [
                next((e for e in scale.grades[:g] if any(_leads_to(way, to) for to in e.ways)), None)
                for way in grade.ways
            ]
            if not takers or None in takers:
                continue
            taker = next(t for t in takers if t)
            at = (f"{scale.key}.{taker.key}.", f"{scale.key}.{grade.key}.")
            own = [address for address in playbook._own.get("numbers", {}) if address.startswith(at)]
            words = Words(
                f"{grade.name.zh}这一级再也轮不到谁：够得上的人都先进了{taker.name.zh}。"
                f"让{taker.name.zh}的数比{grade.name.zh}的难一些",
                f"Nobody can reach {grade.name.en} any more: whoever is good enough enters {taker.name.en} first. "
                f"Make the numbers of {taker.name.en} harder than those of {grade.name.en}",
            )
            gaps.append(Gap(("numbers", *own[:1]), None, words))
    return gaps


def _leads_to(way: Way, other: Way) -> bool:
    """Whether whoever meets one way surely meets another, as far as conditions on the same facts tell.

    >>> from regulars.playbooks.conditions import parse
    >>> def two_of(*lines):
    ...     return Way(at_least=2, of=[[line] for line in lines])
    >>> _leads_to(two_of("spend >= 20", "visits >= 4", "last_spend >= 5"), two_of("spend >= 15", "visits >= 4", "last_spend >= 5"))
    True
    >>> _leads_to(two_of("spend >= 20", "visits >= 2", "last_spend >= 5"), two_of("spend >= 15", "visits >= 4", "last_spend >= 5"))
    False
    """
    return all(
        any(
            how_many - (len(entries) - _answered(entries, wanted)) >= needed
            for how_many, entries in way.groups
        )
        for needed, wanted in other.groups
    )


def _answered(entries: Sequence[Entry], wanted: Sequence[Entry]) -> int:
    """How many of the entries each imply a wanted entry of their own."""
    left = list(wanted)
    for entry in entries:
        meets = next((w for w in left if all(any(_implies(a, b) for a in entry) for b in w)), None)
        if meets is not None:
            left.remove(meets)
    return len(wanted) - len(left)


def _implies(one: Condition, other: Condition) -> bool:
    """Whether a condition leaves no value for which another on the same fact does not hold."""
    if one.fact != other.fact or one == other:
        return one == other
    if one.sign == "=":
        return other.holds(one.threshold)
    if not one.is_ordered or one.sign[0] != other.sign[0]:
        return False
    is_strict = one.sign in (">", "<")
    return other.holds(one.threshold) or (is_strict and one.threshold == other.threshold)


def _unsigned(playbook: Playbook) -> list[Gap]:
    """Messages and calls that do not say which store is speaking: such a greeting is worth nothing."""
    return [
        Gap(
            ("care", n, "say"),
            None,
            Words(
                f"{rule.name.zh}：话里没说是哪家店（{{store}}）",
                f"{rule.name.en}: the words do not name the {{store}}",
            ),
        )
        for n, rule in enumerate(playbook.care)
        if rule.channel in ("message", "card", "call") and not all("{store}" in s for s in rule.say)
    ]
