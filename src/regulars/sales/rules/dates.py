"""Dates and times as files write them, into the shop's wall time.

A column is judged as a whole: `2/11/2013` says nothing about itself, but one `2/26/2013` in the same column
decides for all.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from regulars.sales.rules.cells import any_true, by_value, clean, narrow
from regulars.shop.words import Refused, Words

ORDERS = ("ymd", "dmy", "mdy")
_CLOCK = (
    r"(?:[T\s]*(?P<half>上午|下午|中午|晚上|凌晨|AM|PM)?\s*(?P<hour>\d{1,2})[:：时点](?P<minute>\d{1,2})"
    r"(?:[:：分](?P<second>\d{1,2})?)?秒?(?:[.,]\d+)?\s*(?P<noon>[AaPp]\.?[Mm]\.?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_WEEKDAY = r"(?:\s*[(（]?(?:星期|周)[一二三四五六日天][)）]?)?"
_YMD = re.compile(
    rf"^(?P<year>\d{{4}})\s*[-/.年]\s*(?P<month>\d{{1,2}})\s*[-/.月]\s*(?P<day>\d{{1,2}})\s*[日号]?{_WEEKDAY}{_CLOCK}$",
    re.IGNORECASE,
)
_PARTS = re.compile(
    rf"^(?P<a>\d{{1,2}})(?P<sign>[-/.])(?P<b>\d{{1,2}})(?P=sign)(?P<c>\d{{4}}|\d{{2}}),?{_CLOCK}$",
    re.IGNORECASE,
)
_PACKED = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:[\sT]?(\d{2}):?(\d{2})(?::?(\d{2}))?)?$")
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, 1)}
_DAY_MONTH = re.compile(
    r"^(?P<day>\d{1,2})[-\s/]?(?P<name>[A-Za-z]{3,9})[-\s/,]*(?P<year>\d{4}|\d{2})" + _CLOCK + "$",
    re.IGNORECASE,
)
_MONTH_DAY = re.compile(
    r"^(?P<name>[A-Za-z]{3,9})\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})" + _CLOCK + "$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"^\d+(\.\d+)?$")
_TIME_ONLY = re.compile(r"^\d{1,2}:\d{2}(:\d{2})?(\s*[AaPp][Mm])?$")
# A spreadsheet's day number: 1954 to 2119. Below and above it is a quantity or a till number.
_SERIALS = (20_000, 80_000)
_EPOCH_1900 = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - wall time; two days early because Excel believes in 29 February 1900
_EPOCH_1904 = dt.datetime(1904, 1, 1)  # noqa: DTZ001
_UNIX_SECONDS = (100_000_000, 4_000_000_000)
_FIRST, _LAST = dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)  # noqa: DTZ001

_ONE_EXPORT, _NO_EXPORT = 3, 10
"""Years that the dates of one file may lie apart, and years that they never do. 25/12/30 beside 26/01/05 is 2025 and
2026 with the year first; with the day first it would be 2030 and 2005."""

UNDECIDED = Words(
    "日期「{value}」看不出哪个是日、哪个是月。请在导入时说明顺序：--dates dmy（日/月/年）、--dates mdy（"
    "月/日/年）。",
    "The date “{value}” does not show which part is the day and which the month. Say so when importing: "
    "--dates dmy (day first) or --dates mdy (month first).",
)
UNDECIDED_YEAR = Words(
    "日期「{value}」看不出哪个是年、哪个是日。请在导入时说明顺序：--dates ymd（年/月/日）、--dates dmy（日/月/年）、"
    "--dates mdy（月/日/年）。",
    "The date “{value}” does not show which part is the year and which the day. Say so when importing: --dates ymd "
    "(year first), --dates dmy (day first) or --dates mdy (month first).",
)
CONTRADICTORY = Words(
    "同一列里既有「{one}」又有「{other}」，日和月的顺序不一致。请用 --dates dmy 或 --dates mdy "
    "说明以哪个为准，另一种写法的行会退回给您。",
    "One column holds both “{one}” and “{other}”: day and month change places. Say with --dates dmy or "
    "--dates mdy "
    "which is meant; the other rows come back to you.",
)


@dataclass(frozen=True)
class Instants:
    """A column of dates read: `at` in wall time (seconds), null where a cell is empty or no date."""

    at: Any
    timed: bool
    """Whether any cell names a time of day; if none does, `at` is midnight and only the day is meant."""


def instants(
    column: Any,
    *,
    order: str | None = None,
    zone: str = "Asia/Shanghai",
    utc: bool = False,
    since_1904: bool = False,
) -> Instants:
    """A column of dates or times in any of the usual forms, in the wall time of `zone`.

    Times that name their own zone, unix seconds and (with `utc`) all times are moved to `zone`; everything
    else is taken as the clock on the wall. Raises Refused when day and month cannot be told apart.

    >>> instants(pa.array(["2/11/2013", "2/26/2013"])).at.to_pylist()[0].isoformat()
    '2013-02-11T00:00:00'
    """
    at = _straight(column)
    if at is None:
        column = clean(column)
        at = _straight(column)
    if at is None:
        at = _by_value(column, order, zone, since_1904, utc)
    elif utc and _timed(at):
        at = _from_utc(at, zone)
    return Instants(at, _timed(at))


def _timed(at: Any) -> bool:
    """Whether any of these instants is not midnight; mostly the first ones say."""
    for part in (at.slice(0, 1000), at):
        seconds = pc.fill_null(pc.cast(part, pa.int64()), 0).to_numpy()
        if (seconds % 86400 != 0).any():
            return True
    return False


def _straight(column: Any) -> Any | None:
    """The forms that the engine reads by itself, a million at a time; None if any cell is written
    otherwise."""
    if any_true(pc.less(pc.binary_length(column), 10)):
        return None
    for sign in ("-", "/"):
        dashed = column if sign == "-" else pc.replace_substring(column, sign, "-")
        try:
            at = dashed.cast(pa.timestamp("s"))
        except pa.ArrowInvalid:
            continue
        return at if _plausible(at) else None
    first = next((cell.as_py() for cell in column if cell.is_valid), None)
    if first is None:
        return pa.nulls(len(column), pa.timestamp("s"))
    sign = "/" if "/" in first else "-"
    if re.match(r"^\d{4}[-/]", first) is None:
        return None
    for clock in (" %H:%M:%S", " %H:%M", ""):
        try:
            at = pc.strptime(column, format=f"%Y{sign}%m{sign}%d{clock}", unit="s")
        except pa.ArrowInvalid:
            continue
        return at if _plausible(at) and not _rolled_over(column, at) else None
    return None


def _rolled_over(column: Any, at: Any) -> bool:
    """Whether the engine took a day that does not exist, such as 30 February, for one of the next month."""
    early = pc.less_equal(pc.day(at), 3)
    said = pc.extract_regex(column.filter(early), r"^\d+\D\d+\D(?P<day>\d+)")
    return any_true(pc.not_equal(pc.struct_field(said, "day").cast(pa.int64()), pc.day(at.filter(early))))


def _plausible(at: Any) -> bool:
    ends = pc.min_max(at).as_py()
    return ends["min"] is None or (ends["min"] >= _FIRST and ends["max"] < _LAST)


def _from_utc(at: Any, zone: str) -> Any:
    aware = pc.assume_timezone(at, "UTC").cast(pa.timestamp("s", zone))
    return pc.local_timestamp(aware)


def _by_value(column: Any, order: str | None, zone: str, since_1904: bool, utc: bool) -> Any:
    order = order_of(column, order)

    def parse(text: str) -> dt.datetime | None:
        return instant(text, order=order, zone=zone, utc=utc, since_1904=since_1904)

    return by_value(column, parse, pa.timestamp("s"))


def order_of(column: Any, order: str | None = None) -> str | None:
    """Which part is the day in dates like 2/11/2013, judged from the whole column. A year of two figures may stand in
    front: 25/12/30. Raises Refused when more than one reading is left.

    >>> order_of(pa.array(["25/12/30", "26/01/05"])), order_of(pa.array(["2/11/2013", "2/26/2013"]))
    ('ymd', 'mdy')
    """
    if order is not None:
        return order
    texts: dict[tuple[str, str, str], str] = {}
    for text in pc.unique(column).to_pylist():
        parts = _PARTS.match(narrow(text)) if text is not None else None
        if parts is not None:
            texts.setdefault((parts["a"], parts["b"], parts["c"]), text)
    readings = {text: _readings(*parts) for parts, text in texts.items()}
    readings = {text: found for text, found in readings.items() if found}
    if not readings:
        return "mdy"
    one = next(iter(readings))
    left = set(readings[one])
    for text, found in readings.items():
        if not left & set(found):
            other = next((t for t, f in readings.items() if not set(f) & set(found)), one)
            raise Refused(CONTRADICTORY.fill(one=other, other=text))
        left &= set(found)
    if "ymd" in left and len(left) > 1:
        apart = {o: _years_apart(found[o] for found in readings.values()) for o in left}
        others = max(apart[o] for o in left - {"ymd"})
        if apart["ymd"] <= _ONE_EXPORT and others > _NO_EXPORT:
            return "ymd"
        if others <= _ONE_EXPORT and apart["ymd"] > _NO_EXPORT:
            left.discard("ymd")
    for text, found in readings.items():
        if len({found[o] for o in left}) > 1:
            raise Refused((UNDECIDED_YEAR if "ymd" in left else UNDECIDED).fill(value=text))
    return min(left)  # only dates like 3/3/2013 are left, which read the same both ways


def _readings(a: str, b: str, c: str) -> dict[str, dt.date]:
    """The days that a date of three parts can mean, by order."""
    year = int(c) if len(c) == 4 else 2000 + int(c)
    orders = {"dmy": (year, int(b), int(a)), "mdy": (year, int(a), int(b))}
    if len(c) == 2:
        orders["ymd"] = (2000 + int(a), int(b), int(c))
    found = {}
    for order, day in orders.items():
        with contextlib.suppress(ValueError):  # there is no such day
            found[order] = dt.date(*day)
    return found


def _years_apart(days: Iterable[dt.date]) -> int:
    years = [day.year for day in days]
    return max(years) - min(years)


def instant(
    text: str,
    *,
    order: str | None = None,
    zone: str = "Asia/Shanghai",
    utc: bool = False,
    since_1904: bool = False,
) -> dt.datetime | None:
    """One date or time in wall time; None when it is none.

    >>> instant("2026年1月5日 下午3点20分").isoformat()
    '2026-01-05T15:20:00'
    >>> instant("1767571200000").isoformat(), instant("46027.5").isoformat()
    ('2026-01-05T08:00:00', '2026-01-05T12:00:00')
    """
    text = narrow(text).strip()
    parts = _YMD.match(text)
    try:
        if parts:
            return _at(int(parts["year"]), int(parts["month"]), int(parts["day"]), parts, zone, utc)
        if _NUMBER.match(text):
            return _from_number(text, zone, since_1904)
        packed = _PACKED.match(text)
        if packed:
            return _sane(dt.datetime(*(int(p or 0) for p in packed.groups())))  # type: ignore[arg-type]  # noqa: DTZ001
        parts = _PARTS.match(text)
        if parts:
            a, b, c = int(parts["a"]), int(parts["b"]), int(parts["c"])
            if order == "ymd":
                if len(parts["c"]) == 4:
                    return None
                return _at(2000 + a, b, c, parts, zone, utc)
            year = c if len(parts["c"]) == 4 else 2000 + c
            month, day = (b, a) if order == "dmy" else (a, b)
            return _at(year, month, day, parts, zone, utc)
        parts = _DAY_MONTH.match(text) or _MONTH_DAY.match(text)
        if parts and parts["name"][:3].lower() in _MONTHS:
            year = int(parts["year"])
            year = year if year > 99 else 2000 + year
            return _at(year, _MONTHS[parts["name"][:3].lower()], int(parts["day"]), parts, zone, utc)
    except ValueError:  # 31 April, 25 o'clock
        return None
    return None


def _at(year: int, month: int, day: int, parts: re.Match[str], zone: str, utc: bool) -> dt.datetime | None:
    hour, minute, second = (int(parts[k] or 0) for k in ("hour", "minute", "second"))
    half = (parts["half"] or parts["noon"] or "").replace(".", "").lower()
    if half in ("下午", "晚上", "pm", "中午") and hour < 12 and not (half == "中午" and hour >= 10):
        hour += 12
    elif half in ("上午", "凌晨", "am") and hour == 12:
        hour = 0
    at = dt.datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
    named = parts["zone"] or ("Z" if utc and parts["hour"] else "")
    if named:
        shift = dt.timedelta(0)
        if named[0] in "+-":
            digits = named[1:].replace(":", "")
            shift = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:])) * (
                1 if named[0] == "+" else -1
            )
        at = (at - shift).replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return _sane(at)


def _from_number(text: str, zone: str, since_1904: bool) -> dt.datetime | None:
    number = float(text)
    if re.fullmatch(r"(19|20)\d{6}", text):
        return _sane(dt.datetime(int(text[:4]), int(text[4:6]), int(text[6:])))  # noqa: DTZ001
    if re.fullmatch(r"20\d{10}(\d{2})?", text):
        clock = [int(text[i : i + 2]) for i in range(4, len(text), 2)]
        return _sane(dt.datetime(int(text[:4]), *clock))  # type: ignore[arg-type]  # noqa: DTZ001
    if _SERIALS[0] <= number < _SERIALS[1]:
        start = _EPOCH_1904 if since_1904 else _EPOCH_1900
        return start + dt.timedelta(seconds=round(number * 86400))
    if len(text) >= 12 and number >= _UNIX_SECONDS[0] * 1000:
        number /= 1000
    if _UNIX_SECONDS[0] <= number < _UNIX_SECONDS[1]:
        return dt.datetime.fromtimestamp(int(number), ZoneInfo(zone)).replace(tzinfo=None)
    return None


def _sane(at: dt.datetime) -> dt.datetime | None:
    return at if _FIRST <= at < _LAST else None


def looks_dated(text: str) -> bool:
    """Whether a cell is written like a date (a bare number is not enough).

    >>> looks_dated("2026/1/5"), looks_dated("20260105"), looks_dated("46027")
    (True, True, False)
    """
    text = narrow(text).strip()
    if _NUMBER.match(text):
        return bool(re.fullmatch(r"(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])(\d{6})?", text))
    return any(form.match(text) for form in (_YMD, _PARTS, _PACKED, _DAY_MONTH, _MONTH_DAY))


def time_only(text: str) -> bool:
    """Whether a cell holds a time of day without a date.

    >>> time_only("12:30"), time_only("2026-01-05 12:30")
    (True, False)
    """
    return _TIME_ONLY.match(narrow(text).strip()) is not None
