"""Whatever a shop drops in: a sentence that helps, or what can be read of it; never a crash, never a trace."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
from tests.shops import Shop, amounts, groups, must_be_whole, sales

from regulars import daily
from regulars.customers.models import Customer
from regulars.sales.models import Batch
from regulars.shop.words import Refused

ROW = {"订单号": "A1", "结账时间": "2026-05-01 12:00:00", "会员号": "1001", "实收金额": "10"}


def refused(shop: Shop, path: Path) -> str:
    """The sentence with which a file is refused; nothing of it stays."""
    with pytest.raises(Refused) as why:
        daily.take_in([path])
    assert (Batch.objects.count(), groups()) == (0, set())
    return why.value.words.zh


def test_gb18030_from_a_chinese_excel_reads_as_it_stands(shop: Shop) -> None:
    """Traps 32 and 34."""
    shop.take_in(shop.file("till.csv", [{**ROW, "姓名": "龑喆"}], encoding="gb18030"))
    assert Customer.objects.get().name == "龑喆"


def test_a_file_in_an_encoding_that_it_is_not_is_refused(shop: Shop) -> None:
    path = shop.file("till.csv", [{**ROW, "姓名": "龑喆"}], encoding="gb18030")
    with pytest.raises(Refused):
        daily.take_in([path], encoding="utf-8")


@pytest.mark.parametrize(
    "content", [b"", b"\n\n\n", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, b"MZ\x90\x00" + bytes(4000)],
    ids=["empty", "blank lines", "a picture", "a program"],
)  # fmt: skip
def test_a_file_that_is_no_table_is_refused_with_a_sentence(shop: Shop, content: bytes) -> None:
    path = shop.files / "till.csv"
    path.write_bytes(content)
    assert "till.csv" in refused(shop, path)


def test_one_column_is_refused_with_what_is_needed(shop: Shop) -> None:
    assert refused(shop, shop.file("till.csv", "会员号\n1001\n1002\n"))


def test_fifty_empty_columns_stop_nothing(shop: Shop) -> None:
    """Trap 35."""
    wide = {**{f"空{k}": "" for k in range(50)}, **ROW, **{f"列{k}": "x" for k in range(6)}}
    assert shop.take_in([wide] * 1).new == 1


def test_headers_that_stand_twice_are_kept_apart(shop: Shop) -> None:
    text = "订单号,结账时间,会员号,实收金额,备注,备注\nA1,2026-05-01 12:00:00,1001,10,一,二\n"
    assert shop.take_in(shop.file("till.csv", text)).new == 1
    assert amounts() == {"A1": 1000}


def test_a_cell_with_a_formula_gives_its_value_or_comes_back(shop: Shop) -> None:
    book = openpyxl.Workbook()
    book.active.append(list(ROW))
    book.active.append(list(ROW.values()))
    book.active.append(["A2", "2026-05-02 12:00:00", "1002", "=1+1"])  # no program has computed it
    book.save(shop.files / "till.xlsx")
    taken = shop.take_in(shop.files / "till.xlsx")
    assert (taken.new, taken.batch.refused, amounts()) == (1, 1, {"A1": 1000})


@pytest.mark.any_store
def test_a_zip_bomb_is_refused_before_it_opens(shop: Shop) -> None:
    path = shop.files / "till.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("[Content_Types].xml", "<Types/>")
        with bomb.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(700):
                sheet.write(bytes(1 << 20))
    assert refused(shop, path)


def test_text_that_is_code_somewhere_else_is_text_here(shop: Shop) -> None:
    nasty = (
        "'; DROP TABLE sales_sale; --",
        "=cmd()|' /C calc'!A0",
        "<script>alert(1)</script>",
        "{{ 7*7 }}",
        "a\\N\tb",
    )
    shop.take_in(
        [
            {**ROW, "订单号": f"B{k}", "会员号": f"M{k}", "姓名": name, "备注": name}
            for k, name in enumerate(nasty)
        ]
    )
    assert {c.name for c in Customer.objects.all()} == {
        n.replace("\t", " ") for n in nasty
    } or Customer.objects.count() == 5
    assert len(sales()) == 5


def test_a_name_of_sixty_characters_is_a_name(shop: Shop) -> None:
    shop.take_in([{"会员号": "1001", "姓名": "买" * 60}, {"会员号": "1002", "姓名": "买" * 300}])
    assert sorted(len(c.name) for c in Customer.objects.all()) == [60, 80]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("1992-02-29", "solar 1992-02-29"), ("02-29", "solar --02-29"), ("2026-02-29", ""),
        ("农历八月十五", "lunar --08-15"), ("农历闰四月初八", "lunar --04-08 leap"), ("1968-03-05", "solar 1968-03-05"),
    ],
)  # fmt: skip
def test_birthdays_that_other_systems_lose(shop: Shop, written: str, kept: str) -> None:
    """Traps 7, 9, 10 and 13."""
    shop.take_in([{"会员号": "1001", "手机号": "13912345601", "姓名": "王芳", "生日": written}])
    assert Customer.objects.get().birthday == kept


def test_a_customer_without_a_phone_is_a_customer_and_one_with_only_a_name_is_told(shop: Shop) -> None:
    taken = shop.take_in(
        [{"会员号": "1001", "手机号": "", "姓名": "王芳"}, {"会员号": "", "手机号": "", "姓名": "李雷"}]
    )
    assert (taken.new, groups()) == (1, {frozenset({"member:1001"})})
    (problem,) = daily.record_of(taken, "zh")["refused"]
    assert (problem["row"], problem["column"], problem["value"]) == (3, "姓名", "李雷")
    assert "只有名字" in problem["reason"] and "手机号" in problem["hint"]
    assert (taken.batch.rows, taken.batch.refused) == (2, 1), "the numbers add up"
    told = daily.left_out_of(taken, "csv", "zh")
    assert told is not None and "李雷" in told.decode()


def test_a_row_with_only_a_nickname_is_not_told_that_it_lacks_a_name(shop: Shop) -> None:
    taken = shop.take_in("会员号,姓名,昵称\n1,王芳,\n,,小花\n")
    (problem,) = daily.record_of(taken, "zh")["refused"]
    assert "姓名" not in problem["reason"] and "会员号" in problem["hint"]


def test_numbers_that_excel_destroyed_come_back_with_the_reason_and_long_ones_stay_whole(shop: Shop) -> None:
    """Traps 35 and 37."""
    rows = [{**ROW, "会员号": "4.00123E+27"}, {**ROW, "订单号": "A2", "会员号": "0012345678901234567"}]
    taken = shop.take_in(rows)
    assert groups() == {frozenset({"member:0012345678901234567"})}
    (problem,) = daily.record_of(taken, "zh")["refused"]
    assert (problem["row"], problem["value"]) == (2, "4.00123E+27") and problem["reason"] and problem["hint"]


def test_what_was_refused_can_be_corrected_and_imported_again(shop: Shop) -> None:
    taken = shop.take_in([ROW, {**ROW, "订单号": "A2", "实收金额": "很多"}])
    assert (taken.new, taken.batch.refused) == (1, 1)
    assert shop.take_in([ROW, {**ROW, "订单号": "A2", "实收金额": "12"}]).new == 1
    assert amounts() == {"A1": 1000, "A2": 1200}
    must_be_whole()


READS = """
import resource, sys
from regulars.sales.reading import read
reading = read(sys.argv[1])
print(reading.rows, reading.taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.parametrize(
    "rows", [30_000, pytest.param(3_000_000, marks=pytest.mark.long)], ids=["2 MB", "200 MB"]
)
def test_a_large_file_is_read_whole_and_fits_the_memory_of_an_old_computer(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "till.csv"
    with path.open("w", encoding="utf-8") as out:
        out.write("订单号,结账时间,会员号,手机号,实收金额,门店,菜品名称\n")
        for k in range(rows):
            day = f"2026-{k % 10 + 1:02d}-{k % 28 + 1:02d}"
            out.write(
                f"A{k:08d},{day} 12:00:00,{k % 80_000:06d},139{k % 80_000:08d},{k % 300}.50,总店,毛肚\n"
            )
    done = subprocess.run(
        [sys.executable, "-c", READS, str(path)], capture_output=True, text=True, check=True
    )
    read, taken, megabytes = map(int, done.stdout.split())
    assert (read, taken) == (rows, rows)
    assert megabytes < 2_000
