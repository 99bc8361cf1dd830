"""The shop's calendar, solar and lunar: birthdays, festivals, the business day, and days said in words.

Everything here is a plain calculation on days of the calendar: no clock, no time zone that sneaks in.
A birthday is a month and a day, never an instant, so it cannot slide by a day when a server stands elsewhere.
Lunar days are known for the lunar years 1900 to 2100, that is from 1900-01-31 to 2101-01-28.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal, NamedTuple

from borax.calendars.lunardate import LCalendars, LunarDate, TermUtils

from regulars.shop.words import Words

Calendar = Literal["solar", "lunar"]
# Where a birthday of 29 February is kept in a year that has none: the day before, or the day after.
CommonYear = Literal["02-28", "03-01"]

FIRST_LUNAR_YEAR, LAST_LUNAR_YEAR = 1900, 2100
_A_LEAP_YEAR = 2000  # any year with a 29 February, to test a month and day without a year

_COMPACT = re.compile(
    r"(?P<calendar>solar|lunar) (?P<year>\d{4}|-)-(?P<month>\d\d)-(?P<day>\d\d)(?P<leap> leap)?"
)


class NoSuchDay(ValueError):
    """This month and day exist in no year, or the lunar calendar is not known that far. Carries `.words`."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True)
class Birthday:
    """A day that comes back every year, as the customer told it: solar or lunar, with or without a year.

    Serves anniversaries just as well. `leap` is true for a birthday in a lunar leap month (闰月). The year is
    that of the same calendar and is optional: many guests name the day only. A lunar day 30 is taken even for
    a month that had 29 days in that year: printed calendars differ by a day in 1933, 1954 and 1978.

    Raises NoSuchDay for a month or day that cannot be.

    >>> Birthday.parse("lunar --06-15 leap").say("zh")
    '农历闰六月十五'
    >>> Birthday("solar", 5, 6, year=1966).format()
    'solar 1966-05-06'
    """

    calendar: Calendar
    month: int
    day: int
    leap: bool = False
    year: int | None = None

    def __post_init__(self) -> None:
        if self.calendar == "solar":
            fits = not self.leap and _solar(self.year or _A_LEAP_YEAR, self.month, self.day) is not None
        else:
            fits = 1 <= self.month <= 12 and 1 <= self.day <= 30
            fits = fits and (self.year is None or FIRST_LUNAR_YEAR <= self.year <= LAST_LUNAR_YEAR)
        if not fits:
            raise NoSuchDay(
                Words(
                    "没有“{day}”这一天，请核对月份、日期和公历、农历",
                    "There is no day “{day}”: check the month, the day, and whether it is solar or lunar",
                ).fill(day=self.format())
            )

    @classmethod
    def parse(cls, text: str) -> Birthday:
        """Read the compact form back; raises NoSuchDay for anything else.

        >>> Birthday.parse("solar 1958-02-28")
        Birthday(calendar='solar', month=2, day=28, leap=False, year=1958)
        """
        found = _COMPACT.fullmatch(text.strip())
        if found is None:
            raise NoSuchDay(
                Words("“{text}”不是一个生日", "“{text}” is not a birthday").fill(text=text.replace("{", ""))
            )
        year = None if found["year"] == "-" else int(found["year"])
        lunar: Calendar = "lunar" if found["calendar"] == "lunar" else "solar"
        return cls(lunar, int(found["month"]), int(found["day"]), found["leap"] is not None, year)

    def format(self) -> str:
        """One compact text, as it is stored: `solar 1990-05-06`, `solar --05-06`, `lunar --06-15 leap`."""
        year = "-" if self.year is None else f"{self.year:04d}"
        return f"{self.calendar} {year}-{self.month:02d}-{self.day:02d}" + (" leap" if self.leap else "")

    def yearless(self) -> Birthday:
        """The day without the year of birth: all that planning needs, and less to give away."""
        return self if self.year is None else replace(self, year=None)

    def words(self) -> Words:
        """The day as people say it: 5月6日, 农历闰六月十五."""
        if self.calendar == "solar":
            return Words(f"{self.month}月{self.day}日", f"{self.day} {_MONTHS[self.month - 1]}")
        leap = Words("闰" if self.leap else "", "leap " if self.leap else "")
        return Words(
            f"农历{leap.zh}{_LUNAR_MONTHS[self.month - 1]}月{_lunar_day_name(self.day)}",
            f"day {self.day} of {leap.en}lunar month {self.month}",
        )

    def say(self, lang: str) -> str:
        """The day in one language."""
        return self.words().say(lang)


def falls_on(birthday: Birthday, year: int, common_year: CommonYear = "02-28") -> date:
    """On which day a birthday is kept in one year **of its own calendar**.

    Solar: 29 February is kept on 28 February (or 1 March) in a common year.
    Lunar: `year` is the lunar year that begins in that solar year, so the twelfth month mostly lies in the
    January after. A leap month is kept in the leap month where that year has it, otherwise in the ordinary
    month of that number. Day 30 of a short month is kept on day 29: 12/30 is always New Year's Eve (除夕).

    Raises NoSuchDay for a lunar year outside 1900–2100.

    >>> falls_on(Birthday.parse("solar --02-29"), 2027)
    datetime.date(2027, 2, 28)
    >>> falls_on(Birthday.parse("lunar --12-30"), 2026)      # no 12/30 in that year: kept on 除夕
    datetime.date(2027, 2, 5)
    """
    if birthday.calendar == "solar":
        day = _solar(year, birthday.month, birthday.day)
        if day is None:  # only 29 February can be missing from a year
            return date(year, 2, 28) if common_year == "02-28" else date(year, 3, 1)
        return day
    months = _lunar_months(year)
    first, length = months.get((birthday.month, birthday.leap)) or months[birthday.month, False]
    return first + timedelta(days=min(birthday.day, length) - 1)


def days_between(birthday: Birthday, start: date, end: date, common_year: CommonYear = "02-28") -> list[date]:
    """Every day from `start` to `end`, both included, on which a birthday is kept.

    A lunar birthday late in the year may fall twice into one solar year, or not at all.

    >>> days_between(Birthday.parse("lunar --12-01"), date(2024, 1, 1), date(2024, 12, 31))
    [datetime.date(2024, 1, 11), datetime.date(2024, 12, 31)]
    """
    return [day for day, _ in kept_between(birthday, start, end, common_year)]


def kept_between(
    birthday: Birthday, start: date, end: date, common_year: CommonYear = "02-28"
) -> list[tuple[date, int]]:
    """As `days_between`, each day with the year of its own calendar, which makes its greeting once-only.

    Two lunar birthdays inside one solar year have different lunar years, so neither is taken for the other.
    """
    found = []
    for year in _own_years(birthday.calendar, start, end):
        day = falls_on(birthday, year, common_year)
        if start <= day <= end:
            found.append((day, year))
    return found


def next_after(birthday: Birthday, on: date, common_year: CommonYear = "02-28") -> date:
    """The next time a birthday is kept, strictly after `on`.

    Never further away than 385 days: a lunar year with a leap month is that long.

    >>> next_after(Birthday.parse("lunar --06-15 leap"), date(2025, 7, 9))   # 2025 has a leap sixth month
    datetime.date(2025, 8, 8)
    """
    year = on.year - 1
    while (day := falls_on(birthday, max(year, _first_year(birthday)), common_year)) <= on:
        year += 1
    return day


def age_on(birthday: Birthday, on: date, common_year: CommonYear = "02-28") -> int | None:
    """Completed years (周岁) on a day; None when the year of birth is not known or lies ahead.

    >>> age_on(Birthday.parse("solar 1966-11-22"), date(2026, 11, 21))
    59
    >>> age_on(Birthday.parse("solar 1966-11-22"), date(2026, 11, 22))
    60
    """
    if birthday.year is None:
        return None
    year = on.year
    if birthday.calendar == "lunar":
        year = min(max(year, FIRST_LUNAR_YEAR), LAST_LUNAR_YEAR)
    while year >= birthday.year and falls_on(birthday, year, common_year) > on:
        year -= 1
    return year - birthday.year if year >= birthday.year else None


def age_band(age: int | None, every: int = 10) -> Words | None:
    """An age as a band, as the customer file keeps it where the exact year is nobody's business.

    >>> age_band(34)
    Words(zh='30–39岁', en='aged 30–39')
    """
    if age is None:
        return None
    low = age // every * every
    return Words(f"{low}–{low + every - 1}岁", f"aged {low}–{low + every - 1}")


# --- beneath ----------------------------------------------------------------------------------------------


def _solar(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _lunar_months(year: int) -> dict[tuple[int, bool], tuple[date, int]]:
    """The months of one lunar year, (month, leap) → (first day, number of days)."""
    if not FIRST_LUNAR_YEAR <= year <= LAST_LUNAR_YEAR:
        raise NoSuchDay(
            Words(
                "农历只支持 {first}–{last} 年，没有 {year} 年",
                "The lunar calendar is known for {first}–{last}, not for {year}",
            ).fill(first=FIRST_LUNAR_YEAR, last=LAST_LUNAR_YEAR, year=year)
        )
    first: date = LunarDate(year, 1, 1).to_solar_date()
    months = {}
    for month, length, leap in LCalendars.iter_year_month(year):
        months[month, bool(leap)] = (first, length)
        first += timedelta(days=length)
    return months


def _own_years(calendar: Calendar, start: date, end: date) -> Iterator[int]:
    """The years of a calendar that can have days between two dates."""
    if calendar == "solar":
        yield from range(start.year, end.year + 1)
    else:  # a lunar year runs into the solar year after
        yield from range(max(start.year - 1, FIRST_LUNAR_YEAR), min(end.year, LAST_LUNAR_YEAR) + 1)


def _first_year(birthday: Birthday) -> int:
    return FIRST_LUNAR_YEAR if birthday.calendar == "lunar" else 1


# --- festivals --------------------------------------------------------------------------------------------


class FestivalDay(NamedTuple):
    """One festival in one year: `year` is that of its own calendar and makes its greeting once-only."""

    on: date
    year: int
    festival: Festival


@dataclass(frozen=True, slots=True)
class Festival:
    """A festival that shops greet on, with its names and the rule for its day."""

    key: str
    name: Words
    calendar: Calendar
    rule: Callable[[int], date]

    def on(self, year: int) -> date:
        """Its day in one year of its own calendar (lunar: the lunar year that begins in that year)."""
        return self.rule(year)


def _each_year(key: str, zh: str, en: str, birthday: str) -> Festival:
    """A festival with a fixed month and day, in the compact form of a birthday."""
    day = Birthday.parse(birthday)
    return Festival(key, Words(zh, en), day.calendar, lambda year: falls_on(day, year))


def _sunday(month: int, nth: int) -> Callable[[int], date]:
    """The nth Sunday of a month."""

    def rule(year: int) -> date:
        first = date(year, month, 1)
        return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (nth - 1))

    return rule


def _winter_solstice(year: int) -> date:
    found: date = TermUtils.nth_term_day(year, term_name="冬至")
    return found


# Days of mourning (清明, 中元) are left out on purpose: nobody wants a shop's greeting on them.
# 小年 is left out because north and south keep it on different days.
FESTIVALS: dict[str, Festival] = {
    festival.key: festival
    for festival in (
        _each_year("new-year", "元旦", "New Year's Day", "solar --01-01"),
        _each_year("laba", "腊八节", "Laba Festival", "lunar --12-08"),
        _each_year("new-years-eve", "除夕", "Chinese New Year's Eve", "lunar --12-30"),
        _each_year("spring-festival", "春节", "Spring Festival", "lunar --01-01"),
        _each_year("lantern", "元宵节", "Lantern Festival", "lunar --01-15"),
        _each_year("valentines-day", "情人节", "Valentine's Day", "solar --02-14"),
        _each_year("womens-day", "妇女节", "Women's Day", "solar --03-08"),
        _each_year("labour-day", "劳动节", "Labour Day", "solar --05-01"),
        Festival("mothers-day", Words("母亲节", "Mother's Day"), "solar", _sunday(5, 2)),
        _each_year("childrens-day", "儿童节", "Children's Day", "solar --06-01"),
        Festival("fathers-day", Words("父亲节", "Father's Day"), "solar", _sunday(6, 3)),
        _each_year("dragon-boat", "端午节", "Dragon Boat Festival", "lunar --05-05"),
        _each_year("qixi", "七夕", "Qixi Festival", "lunar --07-07"),
        _each_year("teachers-day", "教师节", "Teachers' Day", "solar --09-10"),
        _each_year("mid-autumn", "中秋节", "Mid-Autumn Festival", "lunar --08-15"),
        _each_year("national-day", "国庆节", "National Day", "solar --10-01"),
        _each_year("double-ninth", "重阳节", "Double Ninth Festival", "lunar --09-09"),
        Festival("winter-solstice", Words("冬至", "Winter Solstice"), "solar", _winter_solstice),
        _each_year("christmas", "圣诞节", "Christmas", "solar --12-25"),
    )
}


def festivals_between(start: date, end: date, keys: Iterable[str] | None = None) -> list[FestivalDay]:
    """The festivals from `start` to `end`, both included, by day; only those named when `keys` are given.

    Raises KeyError for a key that is not in FESTIVALS.

    >>> [day.festival.key for day in festivals_between(date(2026, 9, 25), date(2026, 10, 1))]
    ['mid-autumn', 'national-day']
    """
    wanted = FESTIVALS.values() if keys is None else [FESTIVALS[key] for key in dict.fromkeys(keys)]
    found = [
        FestivalDay(day, year, festival)
        for festival in wanted
        for year in _own_years(festival.calendar, start, end)
        if start <= (day := festival.on(year)) <= end
    ]
    return sorted(found, key=lambda day: (day.on, day.festival.key))


# --- the business day -------------------------------------------------------------------------------------


def business_day(at: datetime, ends_at: int = 0, zone: tzinfo | None = None) -> date:
    """Which business day a moment belongs to: a bill at half past one in the night is still last evening's.

    `at` is the shop's wall time; a moment with a time zone is first told in the shop's `zone`.
    `ends_at` is the hour at which the store's day ends (0 = midnight); that hour itself is the new day.

    Raises ValueError for a moment with a time zone when the shop's zone is not said, or an hour not in 0–23.

    >>> business_day(datetime(2026, 11, 22, 1, 30), ends_at=4)
    datetime.date(2026, 11, 21)
    """
    if not 0 <= ends_at <= 23:
        raise ValueError(f"a day ends at an hour from 0 to 23, not {ends_at}")
    if at.tzinfo is not None:
        if zone is None:
            raise ValueError("a moment with a time zone needs the shop's zone")
        at = at.astimezone(zone)
    return (at.replace(tzinfo=None) - timedelta(hours=ends_at)).date()


# --- days in words ----------------------------------------------------------------------------------------


def day_words(day: date, on: date) -> Words:
    """A day as staff say it on `on`, in both languages: 今天, 明天, 周五, 下周二, 11月28日.

    >>> day_words(date(2026, 11, 27), on=date(2026, 11, 23))
    Words(zh='周五', en='Friday')
    """
    ahead = (day - on).days
    if ahead in _NEAR:
        return _NEAR[ahead]
    weekday = day.weekday()
    zh, en = f"周{_WEEKDAYS_ZH[weekday]}", _WEEKDAYS[weekday]
    if abs(ahead) < 7:
        weeks = ((day - timedelta(days=weekday)) - (on - timedelta(days=on.weekday()))).days // 7
        zh = {-1: "上", 0: "" if ahead > 0 else "本", 1: "下"}[weeks] + zh
        return Words(zh, en if ahead > 0 else f"last {en}")
    zh, en = f"{day.month}月{day.day}日", f"{day.day} {_MONTHS[day.month - 1]}"
    if day.year != on.year:
        zh, en = f"{day.year}年{zh}", f"{en} {day.year}"
    return Words(zh, en)


def say_day(day: date, on: date, lang: str) -> str:
    """A day as staff say it on `on`, in one language.

    >>> say_day(date(2026, 11, 28), on=date(2026, 11, 14), lang="zh")
    '11月28日'
    >>> say_day(date(2026, 11, 23), on=date(2026, 11, 22), lang="en")
    'tomorrow'
    """
    return day_words(day, on).say(lang)


_NEAR = {
    -2: Words("前天", "the day before yesterday"),
    -1: Words("昨天", "yesterday"),
    0: Words("今天", "today"),
    1: Words("明天", "tomorrow"),
    2: Words("后天", "the day after tomorrow"),
}
_WEEKDAYS_ZH = "一二三四五六日"
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_LUNAR_MONTHS = ("正", "二", "三", "四", "五", "六", "七", "八", "九", "十", "冬", "腊")
_DIGITS = "一二三四五六七八九十"


def _lunar_day_name(day: int) -> str:
    """初一 … 初十, 十一 … 二十, 廿一 … 三十."""
    if day == 20 or day == 30:
        return _DIGITS[day // 10 - 1] + "十"
    return ("初", "十", "廿")[(day - 1) // 10] + _DIGITS[(day - 1) % 10]
