"""The example shops really live: own rhythms, people who are late, seasons, weekends, closed days."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from regulars.examples import TRADES, volume
from regulars.examples.lives import HABITS, Lives, live
from regulars.shop.calendar import festivals_between

YESTERDAY = date(2026, 11, 21)


@pytest.fixture(scope="module")
def hotpot() -> Lives:
    return live(HABITS["hotpot"], YESTERDAY, np.random.default_rng(2026))


def gaps_of(lives: Lives, customer: int) -> np.ndarray:  # type: ignore[type-arg]
    days = np.unique(lives.day[lives.customer == customer])
    return np.diff(days)


def test_a_hotpot_has_three_thousand_customers_and_forty_thousand_receipts(hotpot: Lives) -> None:
    assert len(hotpot.kind) == 3000
    assert 38_000 < len(hotpot.day) < 46_000


def test_the_same_seed_lives_the_same_life() -> None:
    first, again, other = (
        live(HABITS["salon"], YESTERDAY, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first.fen, again.fen) and np.array_equal(first.day, again.day)
    assert len(first.day) != len(other.day) or not np.array_equal(first.day, other.day)


def test_everybody_keeps_an_own_rhythm(hotpot: Lives) -> None:
    regulars = np.flatnonzero((hotpot.count >= 12) & (hotpot.gap < 40))
    usual = np.array([np.mean(gaps_of(hotpot, i)) for i in regulars[:300]])
    own = hotpot.gap[regulars[:300]]
    assert np.corrcoef(np.log(usual), np.log(own))[0, 1] > 0.95
    # Between customers the rhythms differ far more than the gaps of one customer do.
    assert own.max() / own.min() > 6


def test_some_regulars_are_late_by_their_own_rhythm_now(hotpot: Lives) -> None:
    late = np.flatnonzero(hotpot.late & (hotpot.count >= 5))
    since = hotpot.days - 1 - hotpot.last[late]
    assert len(late) >= 20
    assert ((since / hotpot.gap[late]) >= 1.45).all()
    assert np.median(since / hotpot.gap[late]) < 3.5


def test_some_regulars_are_lost_and_most_are_not(hotpot: Lives) -> None:
    lost = np.flatnonzero(hotpot.lost & (hotpot.count >= 5))
    since = hotpot.days - 1 - hotpot.last[lost]
    assert len(lost) >= 20
    assert (since >= 58).all()
    faithful = ~hotpot.lost & ~hotpot.late & (hotpot.count >= 20) & (hotpot.gap < 20)
    came_lately = (hotpot.days - 1 - hotpot.last[faithful]) <= 3 * hotpot.gap[faithful]
    assert came_lately.mean() > 0.4


def test_a_hotpot_is_carried_by_a_few_who_spend_much(hotpot: Lives) -> None:
    lately = (hotpot.customer >= 0) & (hotpot.day >= hotpot.days - 90)
    fen = np.bincount(hotpot.customer[lately], weights=hotpot.fen[lately], minlength=len(hotpot.kind))
    monthly = np.where(hotpot.days - hotpot.first > 30, fen / 300, 0)
    assert 12 <= (monthly >= 8000).sum() <= 22
    assert 30 <= ((monthly >= 5000) & (monthly < 8000)).sum() <= 50
    assert 65 <= ((monthly >= 3000) & (monthly < 5000)).sum() <= 120


def test_newcomers_arrive_to_the_end(hotpot: Lives) -> None:
    new = (hotpot.first >= hotpot.days - 30).sum()
    assert new >= 20


def test_weekends_and_winter_are_fuller(hotpot: Lives) -> None:
    dates = np.array(hotpot.dates())
    weekday = np.array([day.weekday() for day in dates])[hotpot.day]
    month = np.array([day.month for day in dates])[hotpot.day]
    saturday, tuesday = (weekday == 5).sum(), (weekday == 1).sum()
    winter, summer = np.isin(month, (12, 1)).sum(), np.isin(month, (6, 7)).sum()
    assert saturday > 1.25 * tuesday
    assert winter > 1.1 * summer


@pytest.mark.parametrize("trade", ["hotpot", "snack", "salon", "restaurant"])
def test_nobody_is_served_while_the_shop_is_closed(trade: str) -> None:
    habits = HABITS[trade]
    lives = live(habits, YESTERDAY, np.random.default_rng(7))
    key = habits.closed[0][0]
    holidays = {day.on for day in festivals_between(lives.date_at(0), YESTERDAY, [key])}
    assert holidays
    assert not holidays & {lives.date_at(day) for day in set(lives.day.tolist())}


def test_hotpot_nights_go_past_midnight(hotpot: Lives) -> None:
    past = (hotpot.minute >= 24 * 60).mean()
    assert 0.01 < past < 0.15


def test_every_grade_of_the_snack_shop_has_somebody() -> None:
    lives = live(HABITS["snack"], YESTERDAY, np.random.default_rng(3))
    lately = lives.customer[(lives.customer >= 0) & (lives.day >= lives.days - 30)]
    visits = np.bincount(lately, minlength=len(lives.kind))
    assert all(
        ((visits >= low) & (visits < high)).sum() >= 5 for low, high in ((15, 99), (10, 15), (5, 10), (3, 5))
    )


@pytest.mark.parametrize("trade", TRADES)
def test_a_shop_of_a_dozen_people_lives_as_well(trade: str) -> None:
    lives = live(HABITS[trade], YESTERDAY, np.random.default_rng(5), scale=0.001)
    assert len(lives.kind) == 12
    assert len(lives.day) > 0
    assert lives.day.max() < lives.days and lives.fen.min() > 0


def test_crowds_have_as_many_people_and_sales_as_asked_for() -> None:
    table = volume(2_000, 30_000, on=date(2026, 11, 22), seed=1)
    ids = table["customer_id"].to_numpy()
    ts = table["ts"].to_numpy()
    assert table.num_rows == 30_000
    assert len(np.unique(ids)) == 2_000
    assert (np.diff(ts.astype("int64")) >= 0).all()
    assert str(ts[-1])[:10] <= "2026-11-21"
    assert table.equals(volume(2_000, 30_000, on=date(2026, 11, 22), seed=1))


def test_crowds_drop_out_as_people_do() -> None:
    table = volume(3_000, 60_000, on=date(2026, 11, 22))
    last = table.group_by("customer_id").aggregate([("ts", "max")])["ts_max"].to_numpy()
    silent = (np.datetime64("2026-11-22") - last.astype("datetime64[D]")).astype(int)
    assert 0.2 < (silent > 180).mean() < 0.7
