# ruff: noqa: DTZ001 - tables of a file stand in one line each; a till knows wall time only
"""Dates, times and birthdays in every form that files have."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from regulars.sales.rules.birthdays import Birthday, birthday
from regulars.sales.rules.dates import instant, instants, looks_dated, order_of, time_only
from regulars.shop.words import Refused

FORMS = """
2026-1-5                    2026-01-05T00:00:00
2026/01/05 12:30            2026-01-05T12:30:00
2026/1/5 9:05:07            2026-01-05T09:05:07
2026.01.05                  2026-01-05T00:00:00
20260105                    2026-01-05T00:00:00
20260105123059              2026-01-05T12:30:59
20260105 12:30              2026-01-05T12:30:00
2026年1月5日                2026-01-05T00:00:00
2026年1月5日 12时30分       2026-01-05T12:30:00
2026年1月5日 下午3:20       2026-01-05T15:20:00
2026-01-05T12:30:00         2026-01-05T12:30:00
2026-01-05 12:30:00.123     2026-01-05T12:30:00
2026-01-05T04:30:00Z        2026-01-05T12:30:00
2026-01-05T04:30:00.000+0000  2026-01-05T12:30:00
2026-01-05 23:30:00+09:00   2026-01-05T22:30:00
2026-01-05（星期一）        2026-01-05T00:00:00
２０２６－０１－０５        2026-01-05T00:00:00
46027                       2026-01-05T00:00:00
46027.520833333336          2026-01-05T12:30:00
1767587400                  2026-01-05T12:30:00
1767587400000               2026-01-05T12:30:00
5 Jan 2026                  2026-01-05T00:00:00
05-Jan-26                   2026-01-05T00:00:00
Jan 5, 2026 3:20 PM         2026-01-05T15:20:00
1/25/2026                   2026-01-25T00:00:00
"""


@pytest.mark.parametrize("line", FORMS.strip().splitlines())
def test_a_date_is_read_in_every_usual_form(line: str) -> None:
    written, iso = line.rsplit(maxsplit=1)
    written = written.strip()
    assert instant(written, order="mdy") == dt.datetime.fromisoformat(iso)
    assert instants(pa.array([written])).at.to_pylist() == [dt.datetime.fromisoformat(iso)]


@pytest.mark.parametrize(
    "text", ["昨天", "2026-13-01", "2026-02-30", "12345", "99", "M0001", "0026-01-05", "12:30", "25/25/2026"]
)
def test_what_is_no_date_is_not_guessed(text: str) -> None:
    assert instant(text, order="dmy") is None


def test_days_of_a_workbook_from_1904_are_four_years_later() -> None:
    assert instant("44565", since_1904=True) == dt.datetime(2026, 1, 5)


def test_one_day_above_twelve_decides_for_the_whole_column() -> None:
    american = instants(pa.array(["2/11/2013", "2/26/2013"])).at.to_pylist()
    european = instants(pa.array(["2/11/2013", "26/2/2013"])).at.to_pylist()
    assert american[0] == dt.datetime(2013, 2, 11)
    assert european[0] == dt.datetime(2013, 11, 2)


def test_an_undecidable_column_is_refused_with_the_way_out() -> None:
    with pytest.raises(Refused) as refused:
        instants(pa.array(["2/11/2013", "3/4/2013"]))
    assert "--dates" in refused.value.words.zh and "--dates" in refused.value.words.en
    assert "2/11/2013" in refused.value.words.zh


def test_a_column_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(Refused):
        order_of(pa.array(["13/1/2013", "1/13/2013"]))


def test_dates_that_read_the_same_both_ways_need_no_answer() -> None:
    assert instants(pa.array(["3/3/2013"])).at.to_pylist() == [dt.datetime(2013, 3, 3)]


@pytest.mark.parametrize(("order", "day"), [("dmy", (2013, 11, 2)), ("mdy", (2013, 2, 11))])
def test_the_owner_decides_the_order(order: str, day: tuple[int, int, int]) -> None:
    assert instants(pa.array(["2/11/2013"]), order=order).at.to_pylist() == [dt.datetime(*day)]


@pytest.mark.parametrize(
    ("texts", "days"),
    [
        (["25/12/30", "26/01/05"], [(2025, 12, 30), (2026, 1, 5)]),
        (["26-01-05", "26-01-20 12:30"], [(2026, 1, 5), (2026, 1, 20)]),
        (["30/12/25", "05/01/26", "18/01/26"], [(2025, 12, 30), (2026, 1, 5), (2026, 1, 18)]),
        (["2/26/26", "3/1/26"], [(2026, 2, 26), (2026, 3, 1)]),
        (["25/12/40", "26/12/41"], [(2040, 12, 25), (2041, 12, 26)]),
    ],
)
def test_the_years_of_one_file_lie_together(texts: list[str], days: list[tuple[int, int, int]]) -> None:
    assert [at.date() for at in instants(pa.array(texts)).at.to_pylist()] == [dt.date(*day) for day in days]


@pytest.mark.parametrize(
    "texts", [["25/12/30"], ["26/01/05", "26/01/06"], ["05/11/26"], ["25/12/25", "24/12/25"]]
)
def test_a_two_figure_year_that_could_stand_at_either_end_is_asked_about(texts: list[str]) -> None:
    with pytest.raises(Refused, match="--dates ymd"):
        instants(pa.array(texts))


def test_two_figure_years_follow_the_order_that_is_said() -> None:
    assert instant("26-01-05", order="ymd") == dt.datetime(2026, 1, 5)
    assert instant("05/01/26", order="dmy") == dt.datetime(2026, 1, 5)


def test_a_column_without_clocks_is_of_days_only() -> None:
    assert not instants(pa.array(["2026-01-05", "2026-01-06"])).timed
    assert instants(pa.array(["2026-01-05", "2026-01-06 00:01"])).timed


def test_utc_times_become_wall_times_and_days_stay_days() -> None:
    moved = instants(pa.array(["2026-01-05 20:00:00"]), utc=True).at.to_pylist()
    assert moved == [dt.datetime(2026, 1, 6, 4)]
    assert instants(pa.array(["2026-01-05"]), utc=True).at.to_pylist() == [dt.datetime(2026, 1, 5)]


def test_forms_may_change_within_a_column_and_gaps_stay_gaps() -> None:
    column = pa.chunked_array([["2026-01-05 10:00:00", "2026年1月6日"], ["--", "46029", "nie"]])
    assert instants(column).at.to_pylist() == [
        dt.datetime(2026, 1, 5, 10), dt.datetime(2026, 1, 6), None, dt.datetime(2026, 1, 7), None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y%m%d", "%Y年%m月%d日"]
)
def test_whole_columns_in_one_form_are_read_as_single_cells_are(form: str) -> None:
    times = [dt.datetime(2025, 12, 28) + dt.timedelta(hours=37 * i, minutes=7) for i in range(40)]
    texts = [at.strftime(form) for at in times]
    assert instants(pa.array(texts)).at.to_pylist() == [instant(text) for text in texts]


@pytest.mark.parametrize("clock", ["", " 18:05", " 18:05:00"])
@pytest.mark.parametrize("day", ["2026-02-30", "2026-04-31", "2025-02-29"])
def test_a_day_that_does_not_exist_is_not_taken_for_one_of_the_next_month(day: str, clock: str) -> None:
    column = pa.array([f"2026-03-05{clock}", f"{day}{clock}", f"2026-03-01{clock}"])
    assert [at and at.day for at in instants(column).at.to_pylist()] == [5, None, 1]


def test_a_clock_alone_and_a_date_alone_are_told_apart() -> None:
    assert time_only("9:30") and time_only("12:30:59") and not time_only("2026-01-05 9:30")
    assert looks_dated("2026年1月5日") and not looks_dated("46027") and not looks_dated("M2026")


BIRTHDAYS = """
1990-05-06          solar 5 6 - 1990
1990/5/6 0:00:00    solar 5 6 - 1990
19900506            solar 5 6 - 1990
--05-06             solar 5 6 - -
01-05               solar 1 5 - -
0105                solar 1 5 - -
5月6日              solar 5 6 - -
公历5月6日          solar 5 6 - -
1990年5月6日        solar 5 6 - 1990
32999               solar 5 6 - 1990
1900-08-15          solar 8 15 - -
1990-01-01          solar 1 1 - 1990
02-29               solar 2 29 - -
25/12/1990          solar 12 25 - 1990
1990-05-05T15:00:00.000Z  solar 5 6 - 1990
农历正月初五        lunar 1 5 - -
正月初五            lunar 1 5 - -
农历1990年八月十五  lunar 8 15 - 1990
腊月廿三            lunar 12 23 - -
冬月三十            lunar 11 30 - -
(农)1.5             lunar 1 5 - -
（农）8-15          lunar 8 15 - -
阴历1988-08-15      lunar 8 15 - 1988
闰六月初三          lunar 6 3 leap -
农历闰6月3日        lunar 6 3 leap -
"""


@pytest.mark.parametrize("line", BIRTHDAYS.strip().splitlines())
def test_a_birthday_is_a_month_and_a_day_in_its_calendar(line: str) -> None:
    written, calendar, month, day, leap, year = line.rsplit(maxsplit=5)
    expected = Birthday(calendar, int(month), int(day), leap == "leap", None if year == "-" else int(year))
    assert birthday(written.strip()) == expected


@pytest.mark.parametrize("written", ["1970-01-01", "1900-01-01 00:00:00", "1970/1/1 0:00", "1900年1月1日"])
def test_what_a_till_writes_for_nothing_known_is_no_birthday(written: str) -> None:
    assert birthday(written) is None


def test_a_column_of_lunar_birthdays_needs_no_mark() -> None:
    assert birthday("1990-08-15", lunar=True) == Birthday("lunar", 8, 15, False, 1990)
    assert birthday("8-30", lunar=True) == Birthday("lunar", 8, 30, False, None)


@pytest.mark.parametrize("text", ["", "--", "02-30", "13-01", "农历2-31", "不详", "06/05/1990", "1989-02-29"])
def test_what_is_no_birthday_or_could_be_two_is_none(text: str) -> None:
    assert birthday(text) is None


def test_the_owner_decides_the_order_of_birthdays_too() -> None:
    assert birthday("06/05/1990", order="dmy") == Birthday("solar", 5, 6, False, 1990)
