"""Birthdays as people write them: a month and a day, in the solar or the lunar calendar, the year if it is
known.

A birthday has no time and no zone, so it can never slip by a day.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import NamedTuple

from regulars.sales.rules.cells import clean_cell, narrow
from regulars.sales.rules.dates import instant


class Birthday(NamedTuple):
    """`calendar` is "solar" or "lunar"; `leap` says a lunar leap month; `year` is None when unknown."""

    calendar: str
    month: int
    day: int
    leap: bool
    year: int | None


_DIGITS = {"〇": 0, "零": 0, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_MONTHS = {"正": 1, "元": 1, "十": 10, "十一": 11, "冬": 11, "十二": 12, "腊": 12, "臘": 12} | {
    word: number for word, number in _DIGITS.items() if number
}
_LUNAR_MARK = re.compile(
    r"农历|農曆|阴历|陰曆|旧历|[(\[]?[农農阴陰旧][)\]]|^[农農阴陰旧]|lunar", re.IGNORECASE
)
_SOLAR_MARK = re.compile(r"公历|阳历|新历|西历|[(\[]?[公阳新][)\]]|^[公阳新]|solar", re.IGNORECASE)
_LEAP = re.compile(r"[闰閏]|leap", re.IGNORECASE)
_WORDS = re.compile(
    r"^(?:(?P<year>\d{4}|[〇零一二三四五六七八九]{4})年)?(?P<month>十[一二]?|[正元冬腊臘一二三四五六七八九])月"
    r"(?P<day>初[一二三四五六七八九十]|[廿卄][一二三四五六七八九]?|卅|[一二三]?十[一二三四五六七八九]?|[一二三四五六七八九])[日号]?$"
)
_FIGURES = re.compile(
    r"^(?:(?P<year>\d{4})\s*[-/.年]\s*)?(?:--)?(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})\s*[日号]?"
    r"(?:[\sT]+0{1,2}:00(?::00)?(?:\.0+)?)?$"
)
_PACKED = re.compile(r"^(?P<year>\d{4})?(?P<month>\d{2})(?P<day>\d{2})$")
_YEAR_LAST = re.compile(r"^(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<year>\d{4})$")
_NOTHING_KNOWN = re.compile(
    r"^0*(0|1|1900|1970)\s*[-/.年]\s*0?[01]\s*[-/.月]\s*0?[01](\D.*)?$|^0+$|^(1900|1970)0101$"
)
_OLDEST = 1900


def birthday(text: str, *, lunar: bool = False, order: str | None = None) -> Birthday | None:
    """A birthday, or None when the cell holds none; `lunar` when the column is one of lunar birthdays.

    A year up to 1900 is what programs write when they do not know it: the year stays open. The first day of 1900
    or 1970 is what they write when they know nothing: no birthday, else half a shop is greeted at New Year.
    `order` (dmy, mdy) tells apart 06/05/1990; without it such a date is read only when it can mean one thing.

    >>> birthday("1990-05-06")
    Birthday(calendar='solar', month=5, day=6, leap=False, year=1990)
    >>> birthday("农历正月初五")
    Birthday(calendar='lunar', month=1, day=5, leap=False, year=None)
    >>> birthday("(农)1.5")[:3], birthday("--05-06")[1:3], birthday("1900-08-15").year
    (('lunar', 1, 5), (5, 6), None)
    >>> birthday("1970-01-01"), birthday("1990-01-01").year
    (None, 1990)
    """
    cleaned = clean_cell(narrow(text))
    if cleaned is None:
        return None
    marked = _LUNAR_MARK.search(cleaned) is not None
    leap = _LEAP.search(cleaned) is not None
    is_lunar = (marked or leap or lunar) and _SOLAR_MARK.search(cleaned) is None
    rest = _bare(text)
    words = _WORDS.match(rest)
    if words:
        is_lunar = _SOLAR_MARK.search(cleaned) is None
        year = words["year"]
        number = None if year is None else int("".join(str(_DIGITS.get(c, c)) for c in year))
        return _sound(is_lunar, _MONTHS[words["month"]], _day(words["day"]), leap, number)
    figures = _FIGURES.match(rest)
    if figures is None and not is_lunar and re.fullmatch(r"[12]\d{4}|[3-5]\d{4}", rest):
        found = dt.datetime(1899, 12, 30) + dt.timedelta(days=int(rest))  # noqa: DTZ001 - a spreadsheet's day number
        return _sound(False, found.month, found.day, False, found.year)
    figures = figures or _PACKED.match(rest)
    if figures:
        year = figures["year"]
        return _sound(is_lunar, int(figures["month"]), int(figures["day"]), leap, int(year) if year else None)
    last = _YEAR_LAST.match(rest)
    if last:
        a, b = int(last["a"]), int(last["b"])
        if order is None:
            order = "dmy" if a > 12 else "mdy" if b > 12 or a == b else None
        if order is None:
            return None
        month, day = (b, a) if order == "dmy" else (a, b)
        return _sound(is_lunar, month, day, leap, int(last["year"]))
    whole = instant(rest, order=order)
    return None if whole is None else _sound(is_lunar, whole.month, whole.day, leap, whole.year)


def order_of_birthdays(texts: Iterable[str]) -> str | None:
    """Which part is the day in birthdays like 06/05/1990, when one of the same column can mean one thing only.

    >>> order_of_birthdays(["06/05/1990", "25/12/1991"]), order_of_birthdays(["06/05/1990"])
    ('dmy', None)
    """
    decided = set()
    for text in texts:
        last = _YEAR_LAST.match(_bare(text))
        if last and (int(last["a"]) > 12) != (int(last["b"]) > 12):
            decided.add("dmy" if int(last["a"]) > 12 else "mdy")
    return decided.pop() if len(decided) == 1 else None


def told_apart(text: str, order: str | None, lunar: bool = False) -> str | None:
    """A birthday written so that nobody needs to know the order of its parts; None where it cannot be read, and the
    text itself where it says by itself what it means or that nothing is known.

    >>> told_apart("06/05/1990", "dmy"), told_apart("06/05/1990", None), told_apart("1990-02-29", None)
    ('1990-05-06', None, None)
    >>> told_apart("八月十五", None), told_apart("1970-01-01", None)
    ('八月十五', '1970-01-01')
    """
    found = birthday(text, lunar=lunar)
    if not _YEAR_LAST.match(_bare(text)):
        return text if found is not None or _NOTHING_KNOWN.match(_bare(text)) else None
    found = birthday(text, lunar=lunar, order=order) or found
    if found is None or found.year is None:
        return text if found is not None else None
    mark = "农历" if found.calendar == "lunar" else ""
    return f"{mark}{found.year}-{'闰' if found.leap else ''}{found.month:02}-{found.day:02}"


def _bare(text: str) -> str:
    cleaned = clean_cell(narrow(text)) or ""
    return _LEAP.sub("", _SOLAR_MARK.sub("", _LUNAR_MARK.sub("", cleaned))).strip(" :()[]")


def _day(word: str) -> int:
    word = word.removeprefix("初")
    if word == "卅":
        return 30
    if word[0] in "廿卄":
        return 20 + (_DIGITS[word[1]] if len(word) > 1 else 0)
    if "十" in word:
        tens, _, ones = word.partition("十")
        return (_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)
    return _DIGITS[word]


def _sound(lunar: bool, month: int, day: int, leap: bool, year: int | None) -> Birthday | None:
    if year is not None and (month, day) == (1, 1) and (year <= _OLDEST or year == 1970) and not lunar:
        return None
    if year is not None and (year <= _OLDEST or year > 2200):
        year = None
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        return None
    if lunar:
        return Birthday("lunar", month, day, leap, year) if day <= 30 else None
    try:
        dt.date(year or 2000, month, day)  # 2000 has a 29 February
    except ValueError:
        return None
    return Birthday("solar", month, day, False, year)
