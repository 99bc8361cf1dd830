"""The calendar that greetings hang on: birthdays, festivals, the business day, days in words."""

# ruff: noqa: DTZ001 - a till writes the wall time of its shop

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.shop.calendar import (
    FESTIVALS,
    Birthday,
    NoSuchDay,
    age_band,
    age_on,
    business_day,
    days_between,
    falls_on,
    festivals_between,
    kept_between,
    next_after,
    say_day,
)

DAYS = st.dates(date(1902, 1, 1), date(2099, 12, 31))
SOLAR = st.dates(date(1904, 1, 1), date(2004, 12, 31)).map(
    lambda day: Birthday("solar", day.month, day.day, year=day.year)
)
LUNAR = st.builds(
    Birthday,
    st.just("lunar"),
    st.integers(1, 12),
    st.integers(1, 30),
    st.booleans(),
    st.none() | st.integers(1900, 2099),
)
BIRTHDAYS = SOLAR | LUNAR


@pytest.mark.parametrize(
    ("text", "year", "on"),
    [
        ("lunar --01-01", 2027, date(2027, 2, 6)),
        ("lunar --08-15", 2026, date(2026, 9, 25)),
        ("lunar --06-01 leap", 2025, date(2025, 7, 25)),
        ("lunar --05-01 leap", 2028, date(2028, 6, 23)),
        ("lunar --11-01 leap", 2033, date(2033, 12, 22)),
    ],
)
def test_a_lunar_birthday_falls_where_printed_calendars_say(text: str, year: int, on: date) -> None:
    assert falls_on(Birthday.parse(text), year) == on


@pytest.mark.parametrize("year", [2024, 2026, 2027, 2029, 2034])
@pytest.mark.parametrize(("month", "day"), [(6, 15), (5, 3), (11, 20)])
def test_a_leap_month_birthday_is_kept_in_the_ordinary_month_of_a_year_without_it(
    year: int, month: int, day: int
) -> None:
    leap = Birthday("lunar", month, day, leap=True)
    assert falls_on(leap, year) == falls_on(Birthday("lunar", month, day), year)


@pytest.mark.parametrize(("year", "month"), [(2025, 6), (2028, 5), (2033, 11)])
def test_an_ordinary_birthday_is_kept_once_in_a_year_with_its_leap_month(year: int, month: int) -> None:
    plain, leap = Birthday("lunar", month, 10), Birthday("lunar", month, 10, leap=True)
    start, end = date(year, 1, 25), date(year + 1, 1, 15)
    assert len(days_between(plain, start, end)) == 1
    assert falls_on(leap, year) - falls_on(plain, year) in (timedelta(days=29), timedelta(days=30))


@pytest.mark.parametrize("year", [2021, 2024, 2025, 2026, 2027, 2028, 2030, 2031])
def test_the_thirtieth_of_the_last_month_is_kept_on_new_years_eve_where_there_is_no_thirtieth(
    year: int,
) -> None:
    eve = falls_on(Birthday("lunar", 12, 30), year)
    assert eve == falls_on(Birthday("lunar", 12, 29), year)
    assert eve + timedelta(days=1) == falls_on(Birthday("lunar", 1, 1), year + 1)


@given(st.integers(1900, 2099))
def test_new_years_eve_is_always_the_day_before_spring_festival(year: int) -> None:
    assert FESTIVALS["new-years-eve"].on(year) + timedelta(days=1) == FESTIVALS["spring-festival"].on(
        year + 1
    )


def test_a_birthday_of_29_february_is_kept_every_year() -> None:
    leapling = Birthday.parse("solar 1996-02-29")
    assert falls_on(leapling, 2027) == date(2027, 2, 28)
    assert falls_on(leapling, 2027, common_year="03-01") == date(2027, 3, 1)
    assert falls_on(leapling, 2028) == date(2028, 2, 29)
    assert falls_on(leapling, 2100) == date(2100, 2, 28), "2100 is no leap year"
    assert len(days_between(leapling, date(2020, 1, 1), date(2029, 12, 31))) == 10


def test_a_lunar_birthday_late_in_the_year_may_fall_twice_or_not_at_all_in_a_solar_year() -> None:
    late = Birthday("lunar", 12, 1)
    assert days_between(late, date(2024, 1, 1), date(2024, 12, 31)) == [date(2024, 1, 11), date(2024, 12, 31)]
    assert days_between(late, date(2025, 1, 1), date(2025, 12, 31)) == []
    assert [year for _, year in kept_between(late, date(2024, 1, 1), date(2024, 12, 31))] == [2023, 2024]


def test_next_after_is_strictly_after() -> None:
    may = Birthday.parse("solar --05-06")
    assert next_after(may, date(2026, 5, 5)) == date(2026, 5, 6)
    assert next_after(may, date(2026, 5, 6)) == date(2027, 5, 6)


@given(BIRTHDAYS, DAYS, st.sampled_from(["02-28", "03-01"]))
def test_a_birthday_comes_again_within_thirteen_moons(birthday: Birthday, on: date, common_year: str) -> None:
    coming = next_after(birthday, on, common_year)  # type: ignore[arg-type]
    assert timedelta(days=0) < coming - on <= timedelta(days=385)
    assert days_between(birthday, on + timedelta(days=1), coming, common_year) == [coming]  # type: ignore[arg-type]


@given(BIRTHDAYS, DAYS, st.integers(0, 800))
def test_the_days_between_are_those_that_next_after_walks(
    birthday: Birthday, start: date, length: int
) -> None:
    end = min(start + timedelta(days=length), date(2100, 1, 1))
    walked = []
    day = start - timedelta(days=1)
    while (day := next_after(birthday, day)) <= end:
        walked.append(day)
    assert sorted(days_between(birthday, start, end)) == walked


@given(BIRTHDAYS)
def test_the_compact_form_keeps_a_birthday_whole(birthday: Birthday) -> None:
    assert Birthday.parse(birthday.format()) == birthday
    assert Birthday.parse(birthday.yearless().format()).year is None


def test_births_before_1970_keep_their_day() -> None:
    assert falls_on(Birthday.parse("solar 1949-10-01"), 2026) == date(2026, 10, 1)
    assert age_on(Birthday.parse("solar 1949-10-01"), date(2026, 11, 22)) == 77
    assert Birthday.parse("solar 1938-01-31").year == 1938


@pytest.mark.parametrize(
    "text",
    ["", "1990-05-06", "solar 1990-13-01", "solar 1990-02-29", "solar --02-30", "solar --05-06 leap",
     "lunar --13-01", "lunar --06-31", "lunar 1899-01-01", "lunar --06-00", "solar 1990-5-6", "{x}"],
)  # fmt: skip
def test_a_day_that_cannot_be_is_refused_with_words(text: str) -> None:
    with pytest.raises(NoSuchDay) as refused:
        Birthday.parse(text)
    assert refused.value.words.zh and refused.value.words.en


def test_years_beyond_the_lunar_tables_are_refused_not_guessed() -> None:
    with pytest.raises(NoSuchDay):
        falls_on(Birthday("lunar", 1, 1), 2101)
    with pytest.raises(NoSuchDay):
        falls_on(Birthday("lunar", 1, 1), 1899)


@given(st.integers(1900, 2099))
def test_every_festival_has_one_day_in_every_year(year: int) -> None:
    for festival in FESTIVALS.values():
        day = festival.on(year)
        assert day.year in (year, year + 1) if festival.calendar == "lunar" else day.year == year


def test_festivals_of_the_turn_of_the_year() -> None:
    found = festivals_between(date(2026, 12, 20), date(2027, 2, 28))
    assert [(day.on, day.year, day.festival.key) for day in found] == [
        (date(2026, 12, 22), 2026, "winter-solstice"),
        (date(2026, 12, 25), 2026, "christmas"),
        (date(2027, 1, 1), 2027, "new-year"),
        (date(2027, 1, 15), 2026, "laba"),
        (date(2027, 2, 5), 2026, "new-years-eve"),
        (date(2027, 2, 6), 2027, "spring-festival"),
        (date(2027, 2, 14), 2027, "valentines-day"),
        (date(2027, 2, 20), 2027, "lantern"),
    ]


def test_only_the_festivals_asked_for_are_found() -> None:
    keys = ["mid-autumn", "labour-day", "mid-autumn"]
    found = festivals_between(date(2026, 1, 1), date(2026, 12, 31), keys)
    assert [day.festival.key for day in found] == ["labour-day", "mid-autumn"]
    with pytest.raises(KeyError):
        festivals_between(date(2026, 1, 1), date(2026, 12, 31), ["midautumn"])


def test_sundays_of_the_parents() -> None:
    assert FESTIVALS["mothers-day"].on(2026) == date(2026, 5, 10)
    assert FESTIVALS["fathers-day"].on(2026) == date(2026, 6, 21)


@pytest.mark.parametrize(
    ("at", "ends_at", "day"),
    [
        (datetime(2026, 11, 22, 0, 0), 0, date(2026, 11, 22)),
        (datetime(2026, 11, 21, 23, 59, 59), 0, date(2026, 11, 21)),
        (datetime(2026, 11, 22, 3, 59, 59), 4, date(2026, 11, 21)),
        (datetime(2026, 11, 22, 4, 0), 4, date(2026, 11, 22)),
        (datetime(2027, 1, 1, 1, 0), 5, date(2026, 12, 31)),
    ],
)  # fmt: skip
def test_the_business_day_ends_at_the_hour_of_the_store(at: datetime, ends_at: int, day: date) -> None:
    assert business_day(at, ends_at) == day


def test_a_moment_of_elsewhere_is_told_in_the_shops_zone_first() -> None:
    at = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)
    assert business_day(at, zone=ZoneInfo("Asia/Shanghai")) == date(2026, 11, 22)
    with pytest.raises(ValueError, match="zone"):
        business_day(at)
    with pytest.raises(ValueError, match="hour"):
        business_day(datetime(2026, 11, 22), ends_at=24)


@pytest.mark.parametrize(
    ("birthday", "on", "age"),
    [
        ("solar --05-06", date(2026, 5, 6), None),
        ("solar 1990-05-06", date(2026, 5, 5), 35),
        ("solar 1990-05-06", date(2026, 5, 6), 36),
        ("solar 2030-05-06", date(2026, 5, 6), None),
        ("lunar 1990-12-20", date(2026, 1, 10), 34),  # kept on 2026-02-07
        ("lunar 1990-12-20", date(2026, 2, 7), 35),
    ],
)
def test_age_counts_birthdays_that_were_kept(birthday: str, on: date, age: int | None) -> None:
    assert age_on(Birthday.parse(birthday), on) == age


def test_an_age_band_holds_its_lower_bound() -> None:
    assert age_band(None) is None
    assert age_band(39) == age_band(30) != age_band(40)


@pytest.mark.parametrize(
    ("day", "zh", "en"),
    [
        (date(2026, 11, 22), "今天", "today"),
        (date(2026, 11, 23), "明天", "tomorrow"),
        (date(2026, 11, 24), "后天", "the day after tomorrow"),
        (date(2026, 11, 21), "昨天", "yesterday"),
        (date(2026, 11, 20), "前天", "the day before yesterday"),
        (date(2026, 11, 25), "下周三", "Wednesday"),
        (date(2026, 11, 28), "下周六", "Saturday"),
        (date(2026, 11, 29), "11月29日", "29 November"),
        (date(2026, 11, 16), "本周一", "last Monday"),
        (date(2027, 1, 3), "2027年1月3日", "3 January 2027"),
    ],
)
def test_days_are_said_as_staff_say_them_on_a_sunday(day: date, zh: str, en: str) -> None:
    sunday = date(2026, 11, 22)
    assert say_day(day, sunday, "zh") == zh
    assert say_day(day, sunday, "en") == en


def test_days_of_the_same_week_need_no_week() -> None:
    assert say_day(date(2026, 11, 27), date(2026, 11, 23), "zh") == "周五"
    assert say_day(date(2026, 11, 20), date(2026, 11, 23), "zh") == "上周五"


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("solar --05-06", "5月6日", "6 May"),
        ("lunar --01-01", "农历正月初一", "day 1 of lunar month 1"),
        ("lunar --12-30", "农历腊月三十", "day 30 of lunar month 12"),
        ("lunar --11-20", "农历冬月二十", "day 20 of lunar month 11"),
        ("lunar --06-25 leap", "农历闰六月廿五", "day 25 of leap lunar month 6"),
        ("lunar --03-10", "农历三月初十", "day 10 of lunar month 3"),
    ],
)
def test_a_birthday_is_said_as_people_say_it(text: str, zh: str, en: str) -> None:
    assert Birthday.parse(text).say("zh") == zh
    assert Birthday.parse(text).say("en") == en
