"""From the grade that fits to the grade that holds, day by day."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from regulars.grading.rules.transition import NEW, NONE, NOT_BELOW, UNGRADED, Held, move, review_has_come
from regulars.shop.engine import day_of, number_of

A, B, C = 0, 1, 2


def held(grade: int, since: int = 1, below_since: int = NOT_BELOW) -> Held:
    return Held(np.array([grade]), np.array([since], "int32"), np.array([below_since], "int32"))


def after(
    was: Held, fits: int, on: int, *, observed: bool = False, stays: bool = False, grace: tuple[int, ...] = (0, 0, 0),
    is_review: bool = True, at_once: bool = True,
) -> Held:  # fmt: skip
    return move(
        was,
        np.array([fits]),
        np.array([observed]),
        np.array([stays]),
        grace,
        on,
        is_review=is_review,
        upgrade_at_once=at_once,
    )


def plain(now: Held) -> tuple[int, int, int]:
    return int(now.grade[0]), int(now.since[0]), int(now.below_since[0])


@pytest.mark.parametrize("fits", [A, C, NONE])
def test_the_first_grade_is_given_at_once(fits: int) -> None:
    assert plain(after(Held.nothing(1), fits, 10, is_review=False)) == (fits, 10, NOT_BELOW)


def test_under_observation_everybody_is_new() -> None:
    assert plain(after(Held.nothing(1), A, 10, observed=True)) == (NEW, 10, NOT_BELOW)
    assert plain(after(held(NEW, 3), A, 10)) == (A, 10, NOT_BELOW)
    assert plain(after(held(NEW, 3), A, 10, observed=True)) == (NEW, 3, NOT_BELOW)


def test_somebody_whose_first_visits_were_undone_is_new_again() -> None:
    assert plain(after(held(A, 3), A, 10, observed=True)) == (NEW, 10, NOT_BELOW)


def test_a_grade_that_still_fits_keeps_its_day() -> None:
    assert plain(after(held(B, 4), B, 10)) == (B, 4, NOT_BELOW)


def test_without_stay_and_grace_staying_needs_what_entering_needs() -> None:
    assert plain(after(held(A, 4), B, 10)) == (B, 10, NOT_BELOW)
    assert plain(after(held(A, 4), NONE, 10)) == (NONE, 10, NOT_BELOW)


def test_stay_keeps_a_grade_that_no_way_fits_any_more() -> None:
    assert plain(after(held(A, 4), C, 10, stays=True)) == (A, 4, NOT_BELOW)


def test_grace_counts_from_the_first_day_below_and_starts_anew_after_a_recovery() -> None:
    now = after(held(A, 1), B, 10, grace=(5, 0, 0))
    assert plain(now) == (A, 1, 10)
    now = after(now, B, 14, grace=(5, 0, 0))
    assert plain(now) == (A, 1, 10)
    recovered = after(now, A, 14, grace=(5, 0, 0))
    assert plain(recovered) == (A, 1, NOT_BELOW)
    assert plain(after(recovered, B, 16, grace=(5, 0, 0))) == (A, 1, 16)
    assert plain(after(now, C, 15, grace=(5, 0, 0))) == (C, 15, NOT_BELOW)


def test_losing_waits_for_the_review_and_winning_does_not_where_the_playbook_says_so() -> None:
    assert plain(after(held(B, 1), C, 10, is_review=False)) == (B, 1, 10)
    assert plain(after(held(B, 1), C, 10, is_review=True)) == (C, 10, NOT_BELOW)
    assert plain(after(held(B, 1), A, 10, is_review=False, at_once=True)) == (A, 10, NOT_BELOW)
    assert plain(after(held(B, 1), A, 10, is_review=False, at_once=False)) == (B, 1, NOT_BELOW)
    assert plain(after(held(B, 1), A, 10, is_review=True, at_once=False)) == (A, 10, NOT_BELOW)


def test_many_customers_move_as_each_would_alone() -> None:
    luck = np.random.default_rng(5)
    n = 400
    grade = luck.integers(UNGRADED, 3, n)
    everybody = Held(
        grade,
        luck.integers(0, 9, n).astype("int32"),
        np.where(luck.random(n) < 0.5, 5, NOT_BELOW).astype("int32"),
    )
    fits, observed, stays = luck.choice([A, B, C, NONE], n), luck.random(n) < 0.1, luck.random(n) < 0.2
    together = move(everybody, fits, observed, stays, (0, 3, 9), 10, is_review=False)
    for k in range(n):
        alone = move(
            Held(everybody.grade[[k]], everybody.since[[k]], everybody.below_since[[k]]),
            fits[[k]], observed[[k]], stays[[k]], (0, 3, 9), 10, is_review=False,
        )  # fmt: skip
        assert plain(alone) == (together.grade[k], together.since[k], together.below_since[k])


@pytest.mark.parametrize(
    ("after_", "on", "comes"),
    [
        ("2026-06-29", "2026-06-30", True),
        ("2026-06-30", "2026-07-01", False),
        ("2026-06-20", "2026-07-05", True),  # closed on the day itself
        ("2025-01-01", "2026-01-02", True),
        (None, "2026-06-30", True),
        (None, "2026-06-29", False),
    ],
)
def test_a_review_comes_on_its_day_or_on_the_next_run(after_: str | None, on: str, comes: bool) -> None:
    last = None if after_ is None else number_of(date.fromisoformat(after_))
    assert review_has_come(("06-30", "12-31"), last, number_of(date.fromisoformat(on)), day_of) is comes


def test_a_playbook_without_reviews_is_always_open() -> None:
    assert review_has_come((), None, 10, day_of)
