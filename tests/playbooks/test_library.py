"""The shipped playbooks: the field's gradings with the contract's keys, grades and numbers, each proven."""

from __future__ import annotations

import pytest

from regulars.playbooks.check import check, edges, prove
from regulars.playbooks.playbook import VARIANTS, library, load

# Keys, trades, observation, and grades from the best, as the contract has them.
CONTRACT = """
hotpot       hotpot      30  a b c potential
restaurant   restaurant  30  a b c
snack        snack       0   a b c d e
salon        salon       30  a b c d
abc          -           0   a b c
clinic       clinic      30  a b c
key-account  -           0   key
b2b-nine     wholesale   0   strategic vip key honoured model free-spirited new dormant low-value
prospects    -           0   hot warm watch
ladder       -           0   not-a-prospect devoted advocate loyal high-quality frequent occasional
                             first prospect
tiers        -           0   vip senior ordinary
churned      -           0   purchasing:high,low interaction:high,low influence:high,low
rfm          hotel       0   champions loyal potential-loyal new-customers promising need-attention
                             about-to-sleep cannot-lose at-risk hibernating lost
value        -           0   main:strategic,important,general,potential need:large,medium,small
                             complaints:many,some,quiet
four-kinds   -           0   friend barnacle butterfly stranger
appliance    appliance   0   frequency:new,regular,occasional spend:high,middle,low
                             buyer:personal,commercial,construction
store-scales shop        0   amount:high,middle,low frequency:high,middle,low behaviour:bulk,sustained
                             age:senior,settled,young sex:female,male
"""


def contract() -> dict[str, tuple[str, int, dict[str, list[str]]]]:
    lines = CONTRACT.strip().replace("\n                             ", " ").splitlines()
    found = {}
    for line in lines:
        key, trade, observe, *grades = line.split()
        if ":" in grades[0]:
            scales = {scale: keys.split(",") for scale, _, keys in (g.partition(":") for g in grades)}
        else:
            scales = {"main": grades}
        found[key] = (trade, int(observe), scales)
    return found


def test_the_library_holds_exactly_the_contracts_playbooks() -> None:
    assert list(library()) == list(contract())


@pytest.mark.parametrize("key", library())
def test_keys_trades_scales_grades_and_observation_are_the_contracts(key: str) -> None:
    trade, observe, scales = contract()[key]
    playbook = load(key)
    assert (playbook.key, playbook.version) == (key, "1")
    assert playbook.trades == (() if trade == "-" else (trade,))
    assert {scale.key: [grade.key for grade in scale.grades] for scale in playbook.scales} == scales
    assert {scale.observe_days for scale in playbook.scales} == {observe}


@pytest.mark.parametrize("key", [*library(), *VARIANTS])
def test_every_playbook_is_proven_by_its_people(key: str) -> None:
    assert [problem.say("en") for problem in check(key)] == []


@pytest.mark.parametrize("key", library())
def test_every_threshold_holds_at_its_edge_and_fails_just_beyond(key: str) -> None:
    for edge in edges(load(key)):
        assert edge.condition.holds(edge.holds_at), edge
        assert not edge.condition.holds(edge.fails_at), edge


@pytest.mark.parametrize("key", library())
def test_any_threshold_that_slips_is_noticed(key: str) -> None:
    """Move each number by one step, either way: the people of the playbook contradict every time."""
    playbook = load(key)
    for edge in edges(playbook):
        for slipped in {edge.holds_at, edge.fails_at, _beyond(edge)} - {edge.condition.threshold}:
            altered = _with_threshold(playbook, edge, slipped)
            assert prove(altered), f"{key}: {edge.condition} became {slipped} and nobody noticed"


def _beyond(edge):  # type: ignore[no-untyped-def]
    """The value on the holding side, one step further than the edge needs."""
    threshold = edge.condition.threshold
    return 2 * threshold - (edge.fails_at if edge.fails_at != threshold else edge.holds_at)


def _with_threshold(playbook, edge, threshold):  # type: ignore[no-untyped-def]
    """The playbook with one condition comparing with another value (in portrait units)."""
    from dataclasses import replace

    _, s, _, g, kind, w = edge.place
    scale = playbook.scales[s]
    grade = scale.grades[g]
    field = {"way": "ways", "stay": "stay"}[kind]
    ways = list(getattr(grade, field))

    def altered(entries):  # type: ignore[no-untyped-def]
        return tuple(
            tuple(replace(c, value=threshold, per=1) if c is edge.condition else c for c in entry)
            for entry in entries
        )

    way = ways[w]
    ways[w] = way.model_copy(update={name: altered(getattr(way, name)) for name in ("all", "any", "of")})
    grade = grade.model_copy(update={field: tuple(ways)})
    grades = tuple(grade if n == g else old for n, old in enumerate(scale.grades))
    scale = scale.model_copy(update={"grades": grades})
    return playbook.model_copy(
        update={"scales": tuple(scale if n == s else old for n, old in enumerate(playbook.scales))}
    )


@pytest.mark.parametrize("key", library())
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_playbook_can_be_read_aloud_without_technical_words(key: str, lang: str) -> None:
    playbook = load(key)
    said = playbook.say(lang)
    for mark in ("_", "{", "}", ">=", "<=", "None", "  "):
        assert mark not in said, said[said.index(mark) - 60 : said.index(mark) + 60]
    for scale in playbook.scales:
        for grade in scale.grades:
            assert grade.name.say(lang) in said


@pytest.mark.parametrize("key", library())
def test_every_care_rule_says_what_counts_as_done(key: str) -> None:
    for rule in load(key).care:
        assert rule.counts_as_done.zh


def test_the_plan_of_visits_for_business_customers_is_the_fields() -> None:
    rhythm = {
        rule.key: rule.every_days for rule in load("b2b-nine").care if rule.when == "owed" and rule.grades
    }
    assert rhythm == {
        "visit-strategic": 14, "visit-vip": 7, "visit-key": 14, "call-honoured": 7, "visit-honoured": 14,
        "visit-model": 30, "call-free-spirited": 7, "visit-free-spirited": 14, "visit-new": 14,
        "visit-dormant": 14, "visit-low-value": 30,
    }  # fmt: skip


def test_rfm_leaves_nobody_with_a_visit_without_a_segment() -> None:
    from regulars.playbooks.playbook import fits

    scale = load("rfm").scales[0]
    for r in range(1, 6):
        for f in range(1, 6):
            for m in range(1, 6):
                row = {"recency_score": r, "frequency_score": f, "spend_score": m, "visits": 1}
                assert fits(row, scale).grade != "none"


def test_the_first_customer_is_always_an_a() -> None:
    from regulars.playbooks.playbook import fits

    for key in ("abc", "abc-75-20-5", "salon"):
        row = {"spend_before_in_12_months": 0.0, "spend_in_12_months": 100}
        assert fits(row, load(key).scales[0]).grade == "a"
