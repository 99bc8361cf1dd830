"""How a shop's customers live: who comes how often, who has stopped, and what each visit is like.

Each customer has an own rhythm: gaps between visits are gamma-distributed around that customer's own mean, so
that "late" means something different for everyone. Around it: newcomers and people who stop, seasons,
weekends, festivals, closed days. Nothing here knows a file format.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from regulars.shop.calendar import festivals_between

Array = Any  # a numpy array; its length is said where it is made


@dataclass(frozen=True)
class Kind:
    """One kind of customer.

    `gap`: usual days between visits (0: came once), `regularity`: shape of the gamma, `stay`: mean days
    before stopping, `party`: mean number of people, `richness`: factor on spend per head.
    """

    name: str
    share: float
    gap: float
    spread: float = 0.2
    regularity: float = 4.0
    stay: float = 900.0
    party: float = 2.0
    richness: float = 1.0


@dataclass(frozen=True)
class Habits:
    """A trade's customers and its calendar."""

    customers: int
    days: int
    kinds: tuple[Kind, ...]
    per_head: float  # yuan
    anonymous: float  # receipts without identity, per receipt with one
    hours: tuple[tuple[float, float, float], ...]  # (hour of the peak, its width in hours, weight)
    weekdays: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.15, 1.5, 1.4)
    months: tuple[float, ...] = (1.0,) * 12
    festivals: tuple[tuple[str, int, float], ...] = ()  # (key, days before it, factor on those days)
    closed: tuple[tuple[str, int], ...] = ()  # (key of a festival, days closed from it on)
    stores: int = 1
    staff: int = 3
    late: float = 0.06  # share of the regulars who are late by their own rhythm now
    levels: float = 0.25  # how far apart customers of a kind are in what they spend
    late_from: int = 15  # days away before anybody would call it late
    lost: float = 0.10  # share of the regulars who stopped well before


@dataclass
class Lives:
    """Customers and their visits. Visit arrays run in the order of time; customer -1 is nobody known."""

    end: date  # the last day covered
    days: int
    kind: Array  # per customer: index into Habits.kinds
    gap: Array  # own mean days between visits, 0 for those who came once
    first: Array  # day index of the first visit, -1 for those who have none
    last: Array
    count: Array
    late: Array  # bool: meant to be late by the own rhythm now
    lost: Array  # bool: meant to have stopped
    home: Array  # index of the usual store
    favourite: Array  # index of the preferred member of staff
    customer: Array  # per visit
    day: Array  # 0 is the first day of the history
    minute: Array  # minutes since midnight of the business day; 1440 and more are past midnight
    party: Array
    fen: Array
    store: Array
    staff: Array

    def date_at(self, index: int) -> date:
        """The calendar date of a day index."""
        return self.end - timedelta(days=self.days - 1 - int(index))

    def dates(self) -> list[date]:
        """All days of the history, by index."""
        return [self.date_at(index) for index in range(self.days)]


def live(habits: Habits, end: date, rng: np.random.Generator, scale: float = 1.0) -> Lives:
    """Let a shop's customers live up to and including the day `end`."""
    days = habits.days
    n = max(12, round(habits.customers * scale))
    kinds = habits.kinds
    shares = np.array([kind.share for kind in kinds])
    kind = rng.choice(len(kinds), size=n, p=shares / shares.sum())
    spread = np.array([k.spread for k in kinds])[kind]
    gap = np.array([k.gap for k in kinds])[kind] * np.exp(rng.normal(0.0, 1.0, n) * spread)
    once = gap == 0

    season = _season(habits, end)

    # Two in five were customers before the history begins; the others came one after the other.
    established = rng.random(n) < 0.4
    came_by = np.interp(days * rng.random(n) ** 0.9, season, np.arange(days + 1))
    joined = np.where(established, rng.random(n) * np.where(once, days, gap), came_by)
    joined = np.minimum(joined, days - 1.0)
    stay = np.array([k.stay for k in kinds])[kind]
    left = joined + rng.exponential(1.0, n) * stay

    # Regulars who are late, or lost, by their own rhythm on the last day.
    staying = ~once & (gap <= 45) & (days - joined > 10 * gap) & (left > days)
    fate = rng.random(n)
    late = staying & (fate < habits.late)
    lost = staying & (fate >= habits.late) & (fate < habits.late + habits.lost)
    overdue = np.maximum(habits.late_from, gap * rng.uniform(1.6, 3.2, n))
    left = np.where(late, days - 1 - overdue, left)
    left = np.where(lost, days - 1 - np.maximum(60.0, gap * rng.uniform(4.0, 9.0, n)), left)
    until = np.minimum(left, days - 1e-9)

    customer, day = _visits(kinds, kind, gap, once, joined, until, season, rng)
    weight = _day_weights(habits, end)
    day = _shifted(day, customer, gap, joined, until, weight, rng)

    level = np.exp(rng.normal(0.0, habits.levels, n))
    home = rng.integers(0, habits.stores, n)
    favourite = rng.integers(0, habits.staff, n)

    nobody = round(len(customer) * habits.anonymous)
    strangers = rng.choice(days, size=nobody, p=weight / weight.sum())
    customer = np.concatenate([customer, np.full(nobody, -1)])
    day = np.concatenate([day, strangers])
    m = len(customer)
    known = customer >= 0
    who = np.where(known, customer, 0)

    mean_party = np.where(known, np.array([k.party for k in kinds])[kind[who]], 2.5)
    party = 1 + rng.poisson(np.maximum(mean_party - 1, 0.0))
    richness = np.where(known, np.array([k.richness for k in kinds])[kind[who]] * level[who], 1.0)
    yuan = habits.per_head * richness * party**0.93 * np.exp(rng.normal(0.0, 0.2, m))
    fen = np.maximum(np.round(yuan), 1).astype(np.int64) * 100
    fen += rng.choice(np.array([0, 0, 0, 50, 80, 90]), size=m)

    peaks = np.array(habits.hours)
    peak = rng.choice(len(peaks), size=m, p=peaks[:, 2] / peaks[:, 2].sum())
    minute = np.clip(peaks[peak, 0] * 60 + rng.normal(0.0, 1.0, m) * peaks[peak, 1] * 60, 8 * 60, 27.5 * 60)

    at_home = rng.random(m) < 0.92
    store = np.where(known & at_home, home[who], rng.integers(0, habits.stores, m))
    with_favourite = rng.random(m) < 0.75
    staff = np.where(known & with_favourite, favourite[who], rng.integers(0, habits.staff, m))

    order = np.lexsort((customer, minute, day))
    customer, day = customer[order], day[order]
    first, last, count = _spans(n, customer, day)
    return Lives(
        end=end,
        days=days,
        kind=kind,
        gap=gap,
        first=first,
        last=last,
        count=count,
        late=late,
        lost=lost,
        home=home,
        favourite=favourite,
        customer=customer,
        day=day,
        minute=minute[order].astype(np.int64),
        party=party[order],
        fen=fen[order],
        store=store[order],
        staff=staff[order],
    )


def _visits(
    kinds: tuple[Kind, ...],
    kind: Array,
    gap: Array,
    once: Array,
    joined: Array,
    until: Array,
    season: Array,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Draw every visit: (customer, day as a real number), gamma-distributed around the own mean.

    Time runs faster in a good season (`season`: time passed before each day), so gaps are shorter then.
    """
    calendar = np.arange(len(season))
    joined, until = (np.interp(day, calendar, season) for day in (joined, until))
    span = np.maximum(until - joined, 0.0)
    room = np.where(once, 1, np.ceil(span / np.where(once, 1.0, gap) * 1.7) + 6).astype(np.int64)
    who = np.repeat(np.arange(len(kind)), room)
    shape = np.array([k.regularity for k in kinds])[kind]
    steps = rng.gamma(shape[who], (gap / shape)[who])
    starts = np.cumsum(room) - room
    steps[starts] = 0.0
    total = np.cumsum(steps)
    at = joined[who] + total - total[starts][who]
    here = at <= until[who]
    here[starts] = joined <= until
    return who[here], np.interp(at[here], season, calendar)


def _shifted(
    day: Array,
    customer: Array,
    gap: Array,
    joined: Array,
    until: Array,
    weight: Array,
    rng: np.random.Generator,
) -> Array:
    """Move visits by a few days towards weekends and festivals and away from closed days, rhythm kept."""
    reach = 3
    whole = np.floor(day).astype(np.int64)
    offsets = np.arange(-reach, reach + 1)
    days = whole[:, None] + offsets[None, :]
    allowed = np.minimum(np.maximum(1, gap[customer] / 4), reach)[:, None] >= np.abs(offsets)[None, :]
    inside = (days >= np.floor(joined)[customer][:, None]) & (days <= np.floor(until)[customer][:, None])
    chance = np.where(allowed & inside, weight[np.clip(days, 0, len(weight) - 1)], 0.0)
    running = np.cumsum(chance, axis=1)
    pick = (running < rng.random(len(day))[:, None] * running[:, -1:]).sum(axis=1)
    moved = whole + offsets[np.minimum(pick, 2 * reach)]
    nowhere = running[:, -1] <= 0
    moved = np.where(nowhere, whole, moved)
    # Somebody who meant to come while the shop was closed comes on the next open day, or not at all.
    open_days = np.flatnonzero(weight > 0)
    place = np.minimum(np.searchsorted(open_days, moved), len(open_days) - 1)
    return open_days[place]


def _season(habits: Habits, end: date) -> Array:
    """How much of the trade's time has passed before each day: months count by their factor, on average 1."""
    start = end - timedelta(days=habits.days - 1)
    pace = np.array([habits.months[(start + timedelta(days=i)).month - 1] for i in range(habits.days)])
    padded = np.pad(pace, 15, mode="edge")
    smooth = np.convolve(padded, np.full(31, 1 / 31), mode="valid")
    return np.concatenate([[0.0], np.cumsum(smooth / smooth.mean())])


def _day_weights(habits: Habits, end: date) -> Array:
    """How likely each day of the history is, beside the customers' own rhythms; 0 while closed."""
    start = end - timedelta(days=habits.days - 1)
    dates = [start + timedelta(days=index) for index in range(habits.days)]
    weight = np.array([habits.weekdays[day.weekday()] * habits.months[day.month - 1] for day in dates])
    nearby = festivals_between(start - timedelta(days=30), end + timedelta(days=30))
    for key, before, factor in habits.festivals:
        for festival in (f for f in nearby if f.festival.key == key):
            at = (festival.on - start).days
            weight[max(at - before, 0) : max(at + 1, 0)] *= factor
    for key, length in habits.closed:
        for festival in (f for f in nearby if f.festival.key == key):
            at = (festival.on - start).days
            weight[max(at, 0) : max(at + length, 0)] = 0.0
    return weight


def _spans(n: int, customer: Array, day: Array) -> tuple[Array, Array, Array]:
    """First day, last day and number of visits per customer; -1, -1, 0 for those without any."""
    known = customer >= 0
    who, when = customer[known], day[known]
    first = np.full(n, np.iinfo(np.int64).max)
    last = np.full(n, -1)
    np.minimum.at(first, who, when)
    np.maximum.at(last, who, when)
    count = np.bincount(who, minlength=n)
    return np.where(count > 0, first, -1), last, count


_EVENING = ((12.2, 0.7, 0.28), (18.8, 1.1, 0.52), (22.8, 1.5, 0.20))

HABITS: dict[str, Habits] = {
    "hotpot": Habits(
        customers=3000,
        days=731,
        kinds=(
            # Who carries a hot-pot: business hosts, families who keep every feast here, team leaders with a table full.
            Kind("host", 0.020, 4.7, 0.25, 5.0, 1500, 9.0, 1.7),
            Kind("family feasts", 0.030, 8.5, 0.25, 5.0, 1200, 9.5, 1.6),
            Kind("team leader", 0.055, 7.6, 0.22, 5.0, 1000, 9.0, 1.2),
            Kind("weekly", 0.015, 7.5, 0.18, 6.0, 1100, 3.6, 1.0),
            Kind("fortnightly", 0.08, 15, 0.2, 5.0, 800, 3.4, 1.0),
            Kind("monthly", 0.24, 31, 0.22, 4.0, 700, 3.6, 1.0),
            Kind("now and then", 0.26, 75, 0.3, 3.0, 700, 3.8, 0.95),
            Kind("once", 0.228, 0, party=3.4),
        ),
        per_head=96,
        anonymous=0.12,
        hours=_EVENING,
        months=(1.2, 1.1, 1.0, 0.95, 0.9, 0.8, 0.75, 0.8, 0.95, 1.05, 1.2, 1.3),
        festivals=(("new-years-eve", 6, 1.4), ("winter-solstice", 0, 2.2), ("national-day", 2, 1.3),
                   ("christmas", 1, 1.3), ("qixi", 0, 1.3), ("labour-day", 1, 1.3), ("lantern", 0, 1.3)),
        closed=(("new-years-eve", 3),),
        stores=2,
        staff=5,
        late=0.10,
    ),
    "snack": Habits(
        customers=850,
        days=400,
        kinds=(
            Kind("every other day", 0.05, 1.9, 0.15, 3.0, 600, 1.0, 0.9),
            Kind("twice a week", 0.10, 3.4, 0.2, 3.5, 500, 1.0, 1.0),
            Kind("weekly", 0.19, 7.5, 0.25, 4.0, 450, 1.0, 1.1),
            Kind("monthly", 0.24, 28, 0.3, 3.0, 400, 1.0, 1.2),
            Kind("bulk", 0.02, 90, 0.3, 2.0, 600, 1.0, 14.0),
            Kind("once", 0.40, 0),
        ),
        per_head=26,
        anonymous=0.35,
        hours=((12.6, 0.8, 0.25), (17.6, 1.2, 0.45), (20.5, 1.0, 0.30)),
        weekdays=(1.0, 1.0, 1.0, 1.0, 1.2, 1.3, 1.2),
        months=(1.2, 1.1, 1.0, 1.0, 1.0, 1.0, 0.9, 0.9, 1.05, 1.0, 1.0, 1.1),
        festivals=(("spring-festival", 10, 1.8), ("childrens-day", 2, 1.6), ("mid-autumn", 5, 1.4)),
        closed=(("spring-festival", 3),),
        stores=3,
        staff=3,
        late_from=8,
    ),
    "salon": Habits(
        customers=620,
        days=731,
        kinds=(
            Kind("course", 0.10, 8, 0.2, 6.0, 800, 1.0, 1.2),
            Kind("fortnightly", 0.15, 15, 0.2, 6.0, 900, 1.0, 1.1),
            Kind("monthly", 0.32, 32, 0.2, 6.0, 800, 1.0, 1.0),
            Kind("quarterly", 0.16, 85, 0.25, 4.0, 900, 1.0, 1.6),
            Kind("once", 0.27, 0),
        ),
        per_head=198,
        anonymous=0.05,
        hours=((11.0, 1.0, 0.2), (15.0, 1.6, 0.45), (19.0, 1.0, 0.35)),
        weekdays=(0.8, 0.7, 1.0, 1.0, 1.2, 1.6, 1.5),
        festivals=(("spring-festival", 14, 1.7), ("womens-day", 4, 1.5), ("national-day", 4, 1.3)),
        closed=(("new-years-eve", 7),),
        staff=5,
        levels=0.6,
        late_from=22,
    ),
    "wholesale": Habits(
        customers=190,
        days=731,
        kinds=(
            Kind("contract", 0.03, 6, 0.2, 5.0, 4000, 1.0, 6.0),
            Kind("platform", 0.05, 9, 0.2, 4.0, 3000, 1.0, 3.6),
            Kind("steady", 0.31, 16, 0.3, 5.0, 1600, 1.0, 1.0),
            Kind("monthly", 0.34, 34, 0.3, 4.0, 1200, 1.0, 0.6),
            Kind("small", 0.16, 50, 0.4, 2.0, 900, 1.0, 0.08),
            Kind("one order", 0.09, 0, richness=0.5),
        ),
        per_head=14500,
        anonymous=0.0,
        hours=((10.0, 0.8, 0.5), (15.3, 1.0, 0.5)),
        weekdays=(1.2, 1.0, 1.0, 1.0, 1.1, 0.5, 0.0),
        months=(0.9, 0.7, 1.1, 1.0, 1.0, 1.0, 1.0, 1.0, 1.1, 1.0, 1.1, 1.2),
        closed=(("new-years-eve", 10), ("national-day", 5)),
        staff=3,
        late=0.08,
        lost=0.08,
    ),
    "restaurant": Habits(
        customers=1500,
        days=731,
        kinds=(
            Kind("lunch", 0.05, 3.2, 0.25, 4.0, 600, 1.4, 0.7),
            Kind("weekly", 0.08, 7.5, 0.2, 5.0, 800, 3.0, 1.0),
            Kind("host", 0.02, 9, 0.25, 4.0, 1300, 8.5, 2.1),
            Kind("fortnightly", 0.14, 15, 0.2, 5.0, 800, 3.2, 1.0),
            Kind("monthly", 0.27, 32, 0.25, 4.0, 700, 3.6, 1.0),
            Kind("now and then", 0.20, 80, 0.3, 3.0, 700, 4.2, 1.1),
            Kind("once", 0.24, 0, party=3.0),
        ),
        per_head=68,
        anonymous=0.2,
        hours=((12.1, 0.6, 0.45), (18.6, 0.9, 0.55)),
        festivals=(("mid-autumn", 1, 1.5), ("mothers-day", 0, 1.8), ("new-years-eve", 0, 2.2),
                   ("national-day", 3, 1.3)),
        closed=(("spring-festival", 3),),
        staff=4,
    ),
}  # fmt: skip
