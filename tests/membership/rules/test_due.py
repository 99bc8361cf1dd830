"""What is due and what was booked: whatever became of a receipt, the moves make up the difference and nothing else."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.membership.rules.due import (
    Change,
    Earned,
    collect,
    come_to,
    comes_back,
    give_back,
    note,
    pass_on,
    reckon,
)
from regulars.membership.rules.earning import Bought
from regulars.membership.rules.ledger import MOST
from regulars.playbooks.playbook import load

BOUGHT = date(2026, 5, 4)
TODAY = date(2026, 5, 20)
PROGRAM = load("tiers").membership
assert PROGRAM
POINTS = PROGRAM.currency("points")


def a_row(**more: object) -> Earned:
    return Earned("sale 1", "points", member=7, day=BOUGHT, **more)  # type: ignore[arg-type]


def said(changes: list[Change]) -> list[tuple[str, str, str, int, int]]:
    """Verb, kind, key, units and posting meant, of each move."""
    return [(m.verb, m.kind, m.id, m.legs[0][1], m.of) for m, _, _ in changes]


def test_nothing_is_booked_where_nothing_has_changed() -> None:
    row = a_row(due=100, turns=1, parts=[[12, 100]])
    assert come_to(row, 100, POINTS, TODAY) == [] == give_back(row, 100, TODAY, "A1")
    assert not row.is_changed and row.turns == 1


def test_points_count_from_the_day_of_the_receipt_and_are_booked_today() -> None:
    (earned,) = come_to(a_row(gross=10_000, rules=["spend"]), 100, POINTS, TODAY)
    move = earned.move
    assert (move.on, move.since, move.ripe_on) == (TODAY, BOUGHT, date(2026, 5, 11))
    assert move.rule == "spend"
    assert move.detail == {"rules": ["spend"], "fen": 10_000, "day": BOUGHT.isoformat()}


def test_what_falls_away_is_taken_from_the_last_part_first() -> None:
    row = a_row(due=100, turns=2, parts=[[12, 60], [15, 40]])
    assert said(come_to(row, 30, POINTS, TODAY)) == [
        ("take-back", "reverse", "sale 1.points.3.15", 40, 15),
        ("take-back", "reverse", "sale 1.points.3.12", 30, 12),
    ]
    assert row.parts == [[12, 30], [15, 0]]


def test_a_refund_without_its_receipt_takes_what_was_never_put_in() -> None:
    row = a_row()
    (taken,) = come_to(row, -40, POINTS, TODAY)
    assert said([taken]) == [("take", "reverse", "sale 1.points.1.0", 40, 0)] and taken.move.may_fall_short
    note(taken, 12, short=15)
    assert row.owed == 15


def test_more_that_is_due_pays_first_what_is_owed() -> None:
    row = a_row(due=60, owed=30, turns=2, parts=[[12, 60]])
    assert come_to(row, 80, POINTS, TODAY) == [] and (row.owed, row.turns, row.is_changed) == (10, 3, True)
    assert said(come_to(row, 100, POINTS, TODAY)) == [("put", "earn", "sale 1.points.4", 10, 0)]
    assert row.owed == 0


def test_no_more_is_due_than_a_purse_can_take() -> None:
    row = a_row()
    assert said(come_to(row, MOST + 1, POINTS, TODAY)) == [("put", "earn", "sale 1.points.1", MOST, 0)]


@pytest.mark.parametrize(
    ("net", "back"), [(3_000, 0), (2_999, 0), (2_970, 1), (1_000, 66), (1, 99), (0, 100), (-5, 100)]
)
def test_a_fraction_of_what_was_spent_stays_spent(net: int, back: int) -> None:
    assert comes_back(100, gross=3_000, net=net) == back


def test_what_was_given_back_is_spent_again_and_comes_back_again() -> None:
    row = Earned("back 12", "points", member=7, day=BOUGHT, gross=100, parts=[[12, 100]])
    assert said(give_back(row, 60, TODAY, "A1")) == [
        ("give-back", "give-back", "back 12.points.1.12", 60, 12)
    ]
    (again,) = give_back(row, 0, TODAY, "A1")
    assert said([again]) == [("take", "redeem", "back 12.points.2", 60, 0)]
    note(again, 20, short=10)
    assert (row.parts, row.owed) == ([[12, 40], [20, 50]], 10)
    assert said(give_back(row, 100, TODAY, "A1")) == [
        ("give-back", "give-back", "back 12.points.3.20", 50, 20),
        ("give-back", "give-back", "back 12.points.3.12", 40, 12),
    ]
    assert row.owed == 0, "the ten that could not be taken need not come back"


@pytest.mark.parametrize(("what", "kind"), [("sale 1", "reverse"), ("back 12", "redeem")])
def test_what_is_owed_is_collected_and_what_is_missing_stays_owed(what: str, kind: str) -> None:
    row = Earned(what, "points", member=7, owed=30, turns=2)
    taken = collect(row, TODAY)
    assert said([taken]) == [("take", kind, f"{what}.points.3", 30, 0)]
    note(taken, 20, short=10)
    assert row.owed == 10 and row.parts == ([[20, 20]] if kind == "redeem" else [])


def test_a_refund_without_its_receipt_is_reckoned_like_the_purchase_that_it_undoes() -> None:
    assert PROGRAM
    sold, back = a_row(), a_row()
    reckon(sold, Bought(BOUGHT, 10_050, lines=[("hot", 10_050)]), 7, PROGRAM)
    reckon(back, Bought(BOUGHT, -10_050, lines=[("hot", -10_050)]), 7, PROGRAM)
    assert (sold.units, back.units) == (1_005_000, -1_005_000) and sold.rules == back.rules == ["spend"]
    assert (back.gross, back.member, back.is_changed) == (-10_050, 7, True)


@pytest.mark.parametrize("is_closed", [False, True])
def test_a_receipt_that_is_another_members_goes_by_the_terms_that_held_once_nothing_more_is_earned(
    is_closed: bool,
) -> None:
    row = a_row(id=17, gross=10_000, units=1_000_000, due=0, turns=2, rules=["spend"])
    hers = pass_on(row, 8, is_closed)
    assert (row.what, row.member, row.is_changed) == ("gone 17", 7, True)
    assert (hers.what, hers.id, hers.turns) == ("sale 1", 0, 2), "a new row, and no key is used a second time"
    if is_closed:
        assert (hers.member, hers.gross, hers.units, hers.rules) == (8, 10_000, 1_000_000, ["spend"])
    else:
        assert (hers.member, hers.gross, hers.units) == (0, 0, 0)


@given(
    st.lists(
        st.tuples(st.sampled_from(["due", "collect", "spend"]), st.integers(-100, 100)),
        min_size=1,
        max_size=12,
    )
)
def test_what_is_due_has_been_booked_or_is_owed(steps: list[tuple[str, int]]) -> None:
    """Whatever comes to be due, however much of it she spends, and however often what she owes is collected."""
    row, booked, held, posting, keys = a_row(), 0, 0, 0, set()
    for step, n in steps:
        changes = []
        if step == "spend":
            held = max(0, held - abs(n))
        elif step == "collect" and row.owed:
            changes = [collect(row, TODAY)]
        elif step == "due":
            changes = come_to(row, n, POINTS, TODAY)
        for change in changes:
            posting += 1
            move, asked = change.move, change.move.legs[0][1]
            assert asked > 0 and move.key not in keys
            keys.add(move.key)
            done = asked if move.verb == "put" else -min(asked, held)
            booked, held = booked + done, held + done
            note(change, posting, max(done, 0), asked - abs(done))
        assert booked - row.owed == row.due
