# ruff: noqa: DTZ001 - a till knows wall time only
"""Files as they come: encodings, separators, workbooks, where the headers stand, and what is no table."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
import xlwt

from regulars.sales.reading import open_file, read
from regulars.shop.words import Refused

ROWS = "会员卡号,消费时间,实收金额\nK001,2026-01-05 12:30:00,88.00\nK002,2026-01-06 18:00:00,120.50\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes | str], Path]:
    """Puts a file into a folder of its own."""

    def put(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return put


Write = Callable[[str, bytes | str], Path]


def amounts(path: Path, **how: str) -> list[int]:
    return read(path, **how).sales["amount"].to_pylist()  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_every_usual_encoding_and_separator_reads_the_same(
    write: Write, encoding: str, separator: str
) -> None:
    path = write("till.csv", ROWS.replace(",", separator).encode(encoding))
    assert amounts(path) == [8800, 12050]
    assert read(path).sales["card"].to_pylist() == ["K001", "K002"]


def test_another_encoding_can_be_named(write: Write) -> None:
    path = write(
        "till.csv",
        ROWS.replace("会员卡号", "會員卡號")
        .replace("消费时间", "消費時間")
        .replace("实收金额", "實收金額")
        .encode("big5"),
    )
    reading = read(
        path, encoding="big5", mapping={"會員卡號": "card", "消費時間": "time", "實收金額": "amount"}
    )
    assert reading.sales["amount"].to_pylist() == [8800, 12050]


def test_text_that_is_in_no_encoding_asks_for_one(write: Write) -> None:
    with pytest.raises(Refused) as refused:
        read(write("till.csv", "会员卡号,消费时间,实收金额\n".encode() + b"\xff\xfe\xfd,2026-01-05,1\n\x81"))
    assert "--encoding" in refused.value.words.zh


def test_an_encoding_nobody_knows_is_refused(write: Write) -> None:
    with pytest.raises(Refused, match="klingon"):
        read(write("till.csv", ROWS), encoding="klingon")


def test_an_error_deep_in_a_large_file_still_finds_the_encoding(write: Write) -> None:
    lines = "".join(f"K{i:05d},2026-01-05 12:30:00,1.00\n" for i in range(15_000))
    path = write(
        "till.csv", ("card,time,amount\n" + lines + "张三,2026-01-05 12:30:00,1.00\n").encode("gb18030")
    )
    assert read(path).sales["card"].to_pylist()[-1] == "张三"


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_endings_do_not_matter(write: Write, ending: str) -> None:
    assert amounts(write("till.csv", ROWS.replace("\n", ending).encode())) == [8800, 12050]


@pytest.mark.parametrize("above", [0, 1, 3, 12])
def test_headers_are_found_under_titles_and_filters(write: Write, above: int) -> None:
    titles = ["老王火锅 消费流水,,\n", "查询时间：2026-01-01 至 2026-01-31,,\n", "\n", "门店：全部\n"]
    path = write("till.csv", "".join(titles[i % 4] for i in range(above)) + ROWS)
    sheet = open_file(path)[0]
    assert sheet.header_row == above + 1
    assert sheet.rows.to_pylist() == [above + 2, above + 3]
    assert amounts(path) == [8800, 12050]


def test_rows_are_numbered_as_a_spreadsheet_numbers_them(write: Write) -> None:
    path = write(
        "till.csv",
        'phone,time,amount,note\n\n13912345679,2026-01-05,1,"两\n行"\n\n13912345679,2026-01-06,2,\n',
    )
    assert read(path).sales["row"].to_pylist() == [3, 5]


def test_totals_footers_and_blank_lines_are_no_data(write: Write) -> None:
    path = write(
        "till.csv",
        ROWS
        + ",,\n小计,,208.50\n会员卡号,消费时间,实收金额\nK003,2026-01-07 09:00:00,1\n合计：,,209.50\n导出时间：2026-02-01\n",
    )
    reading = read(path)
    assert (reading.rows, reading.taken, len(reading.refused)) == (3, 3, 0)


def test_mixed_quoting_with_separators_and_lines_inside(write: Write) -> None:
    path = write(
        "till.csv",
        'card,time,amount,item\n"K1","2026-01-05 10:00:00",1.00,"牛腩, 大份\n加辣"\nK2,2026-01-05 11:00:00,"1,234.50",白饭\n',
    )
    reading = read(path)
    assert reading.sales["amount"].to_pylist() == [100, 123450]
    assert reading.lines["item"].to_pylist() == ["牛腩, 大份\n加辣", "白饭"]


def test_a_quote_that_never_closes_does_not_swallow_the_file(write: Write) -> None:
    rows = "".join(f"K{i},2026-01-05 10:00:0{i},{i}.00,碗\n" for i in range(5))
    path = write("till.csv", 'card,time,amount,item\nK9,2026-01-05 10:00:00,9.00,"5寸碗\n' + rows)
    assert amounts(path) == [900, 0, 100, 200, 300, 400]


def test_a_line_with_too_many_cells_comes_back_with_its_row(write: Write) -> None:
    reading = read(write("till.csv", ROWS + "K003,2026-01-07 09:00:00,1,234.00\n"))
    assert (reading.rows, reading.taken, len(reading.refused)) == (3, 2, 1)
    assert reading.refused[0].row == 4
    assert reading.refused_rows["row"].to_pylist() == [4]
    assert reading.refused_rows["raw:实收金额"].to_pylist() == ["1,234.00"]


def test_short_lines_are_filled_up(write: Write) -> None:
    reading = read(write("till.csv", "card,time,amount,note\nK1,2026-01-05 10:00:00,5\n"))
    assert reading.sales["amount"].to_pylist() == [500]


def test_headers_may_repeat_be_blank_or_end_in_blanks(write: Write) -> None:
    sheet = open_file(write("till.csv", "会员卡号 ,消费时间,实收金额\t,备注,备注,\nK1,2026-01-05,5,a,b,c\n"))[
        0
    ]
    assert sheet.headers == ["会员卡号", "消费时间", "实收金额", "备注", "备注 (2)", "列6"]


def test_sixty_columns_with_fifty_empty_ones_are_read_by_the_full_ones(write: Write) -> None:
    empty = [f"扩展{i}" for i in range(50)]
    head = [
        "会员卡号",
        "订单号",
        "交易单号",
        "消费时间",
        "实收金额",
        *empty,
        "门店",
        "备注",
        "桌号",
        "人数",
        "来源",
    ]
    row = ["K1", "", "T77", "2026-01-05 10:00:00", "5", *[""] * 50, "一店", "", "A1", "3", ""]
    reading = read(write("till.csv", ",".join(head) + "\n" + ",".join(row) + "\n"))
    assert reading.sales["receipt"].to_pylist() == ["T77"]
    assert reading.sales["party_size"].to_pylist() == [3]
    assert "raw:扩展1" not in reading.extras.column_names


def test_a_file_without_headers_is_read_by_its_content(write: Write) -> None:
    rows = "".join(f"CS{i % 3},2026-01-{i + 1:02d},{i}5.50\n" for i in range(9))
    reading = read(write("till.csv", rows))
    assert reading.guesses[0].reader == "headless"
    assert reading.sales["member"].to_pylist()[:4] == ["CS0", "CS1", "CS2", "CS0"]
    assert reading.sales["amount"].to_pylist()[:2] == [550, 1550]
    assert reading.sales["row"].to_pylist()[0] == 1


def test_a_file_without_headers_with_phones_in_another_order(write: Write) -> None:
    rows = "".join(f"{i}5,2026/1/{i + 1} 12:00,1391234567{i}\n" for i in range(9))
    reading = read(write("till.csv", rows))
    assert reading.sales["phone"].to_pylist()[0] == "13912345670"
    assert reading.sales["amount"].to_pylist()[:2] == [500, 1500]


@pytest.mark.parametrize("content", [b"", b"\n\n\n", b"\xef\xbb\xbf", b"   "])
def test_an_empty_file_says_that_it_is_empty(write: Write, content: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read(write("till.csv", content))
    assert "空" in refused.value.words.zh


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), b"%PDF-1.7 whatever", b"\0\1\2\3" * 50, b"\xd0\xcf\x11\xe0" + b"x" * 600, b"PK\3\4" + b"broken"],
)  # fmt: skip
def test_a_picture_or_a_broken_workbook_is_no_table(write: Write, content: bytes) -> None:
    with pytest.raises(Refused):
        read(write("till.csv", content))


def test_a_file_with_headers_only_has_nothing_to_take_in(write: Write) -> None:
    with pytest.raises(Refused):
        read(write("till.csv", "会员卡号,消费时间,实收金额\n"))


def test_one_column_is_no_table(write: Write) -> None:
    with pytest.raises(Refused):
        read(write("till.csv", "手机号\n13912345679\n"))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"no\.csv"):
        read(tmp_path / "no.csv")


# ── packed ──


def test_packed_text_is_read_as_if_unpacked(write: Write) -> None:
    assert amounts(write("till.csv.gz", gzip.compress(ROWS.encode("gb18030")))) == [8800, 12050]


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return out.getvalue()


def test_an_archive_with_one_table_is_opened(write: Write) -> None:
    assert amounts(write("bill.zip", zipped(till__csv=ROWS.encode("gbk"), liesmich__md=b"x"))) == [
        8800,
        12050,
    ]


def test_an_archive_with_two_tables_asks_to_be_unpacked(write: Write) -> None:
    with pytest.raises(Refused, match="exactly one"):
        read(write("bill.zip", zipped(a__csv=ROWS.encode(), b__csv=ROWS.encode())))


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.xlsx"])
def test_a_bomb_is_not_opened(write: Write, name: str) -> None:
    files = (
        {"till__csv": b"0" * 80_000_000}
        if name.endswith("zip")
        else {"[Content_Types]__xml": b"<x/>", "xl/sheet__xml": b"0" * 80_000_000}
    )
    with pytest.raises(Refused, match="safety"):
        read(write(name, zipped(**files)))


def test_a_cut_off_archive_is_called_broken(write: Write) -> None:
    with pytest.raises(Refused):
        read(write("till.csv.gz", gzip.compress(ROWS.encode() * 1000)[:60]))


# ── workbooks ──


def test_a_workbook_gives_numbers_as_text_and_dates_as_dates(tmp_path: Path) -> None:
    path = tmp_path / "till.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("流水")
    date = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    for c, head in enumerate(["会员编号", "手机号", "消费时间", "实收金额"]):
        sheet.write(0, c, head)
    sheet.write_number(1, 0, 10086)
    sheet.write_number(1, 1, 13912345679)
    sheet.write_datetime(1, 2, dt.datetime(2026, 1, 5, 12, 30, 15), date)
    sheet.write_number(1, 3, 88.8)
    sheet.write_string(2, 0, "00086")
    sheet.write_string(2, 1, "+86 13912345679")
    sheet.write_number(2, 2, 46028.5)
    sheet.write_formula(2, 3, "=D2+1", None, 89.8)
    book.close()
    sales = read(path).sales.to_pylist()
    assert [s["member"] for s in sales] == ["10086", "00086"]
    assert [s["phone"] for s in sales] == ["13912345679"] * 2
    assert [s["at"] for s in sales] == [dt.datetime(2026, 1, 5, 12, 30, 15), dt.datetime(2026, 1, 6, 12)]
    assert [s["amount"] for s in sales] == [8880, 8980]


def test_days_of_a_workbook_from_1904_are_right_formatted_or_not(tmp_path: Path) -> None:
    path = tmp_path / "till.xlsx"
    book = xlsxwriter.Workbook(str(path), {"date_1904": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["会员编号", "消费时间", "实收金额"])
    sheet.write(1, 0, "A")
    sheet.write_datetime(
        1, 1, dt.datetime(2026, 1, 5, 12), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    )
    sheet.write(1, 2, 1)
    sheet.write_row(2, 0, ["B", 44566, 2])
    book.close()
    assert [str(day) for day in read(path).sales["day"].to_pylist()] == ["2026-01-05", "2026-01-06"]


def test_a_long_number_in_a_workbook_has_lost_its_end(tmp_path: Path) -> None:
    path = tmp_path / "till.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["订单号", "手机号", "消费时间", "实收金额"])
    book.active.append([4001230000000000000000000000, "13912345679", "2026-01-05", 5])
    book.active.append(["4001230000000000000000000001", "13912345679", "2026-01-05", 5])
    book.save(path)
    reading = read(path)
    assert reading.taken == 1
    problem = reading.refused[0]
    assert (problem.row, problem.column) == (2, "订单号")
    assert "科学计数法" in problem.reason.zh and "文本" in problem.hint.zh and "订单号" in problem.hint.zh


def test_a_formula_never_calculated_is_empty_and_refused_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "till.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["手机号", "消费时间", "实收金额"])
    book.active.append(["13912345679", "2026-01-05", "=1+1"])
    book.active.append(["13912345679", "2026-01-06", 5])
    book.save(path)
    reading = read(path)
    assert (reading.taken, [p.column for p in reading.refused]) == (1, ["实收金额"])


def test_an_old_workbook_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "till.xls"
    book = xlwt.Workbook()
    sheet = book.add_sheet("流水")
    style = xlwt.XFStyle()
    style.num_format_str = "YYYY-MM-DD HH:MM:SS"
    for c, head in enumerate(["会员卡号", "消费时间", "实收金额"]):
        sheet.write(0, c, head)
    sheet.write(1, 0, 8001.0)
    sheet.write(1, 1, dt.datetime(2026, 1, 5, 12, 30), style)
    sheet.write(1, 2, 5.5)
    book.save(str(path))
    sale = read(path).sales.to_pylist()[0]
    assert (sale["card"], sale["at"], sale["amount"]) == ("8001", dt.datetime(2026, 1, 5, 12, 30), 550)


def test_all_sheets_of_a_workbook_are_read_and_the_unknown_ones_left(tmp_path: Path) -> None:
    path = tmp_path / "till.xlsx"
    book = openpyxl.Workbook()
    for month in (1, 2):
        sheet = book.create_sheet(f"{month}月")
        sheet.append(["手机号", "消费时间", "实收金额"])
        sheet.append(["13912345679", f"2026-0{month}-05", month])
    book["Sheet"].append(["说明", "给老板看的"])
    book.save(path)
    assert amounts(path) == [100, 200]


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "till.parquet"
    pq.write_table(
        pa.table(
            {
                "customer_id": ["1", "2"],
                "ts": [dt.datetime(2026, 1, 5, 12, 30), None],
                "amount": [145.79999999999998, 1.0],
            }
        ),
        path,
    )
    reading = read(path)
    assert reading.sales["amount"].to_pylist() == [14580]
    assert [p.column for p in reading.refused] == ["ts"]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_large_files_are_read_whole_in_each_encoding_and_with_blank_lines(
    write: Write, encoding: str
) -> None:
    lines = [f"会员{i:06d},2026-01-05 12:30:00,1.{i % 100:02d}" for i in range(20_000)]
    straight = write("straight.csv", ("卡号,消费时间,实收金额\n" + "\n".join(lines)).encode(encoding))
    blank = write("blank.csv", ("卡号,消费时间,实收金额\n" + "\n\n".join(lines)).encode(encoding))
    assert amounts(straight) == amounts(blank) == [100 + i % 100 for i in range(20_000)]
    assert read(blank).sales["row"].to_pylist()[-1] == 40_000


def test_two_lone_quotes_do_not_hide_the_lines_between_them(write: Write) -> None:
    path = write(
        "till.csv",
        'card,time,amount,item\nA,2026-01-05,1,"5寸\nB,2026-01-05,2,饼\nC,2026-01-05,3,"6寸\nD,2026-01-05,4,茶\n',
    )
    assert amounts(path) == [100, 200, 300, 400]
