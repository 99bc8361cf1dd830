"""The example files are what tills give: deterministic, readable, with the oddities that real ones have."""

from __future__ import annotations

import csv
import hashlib
import re
import zipfile
from collections import Counter
from datetime import date
from pathlib import Path

import phonenumbers
import pyarrow.compute as pc
import pytest
from python_calamine import CalamineWorkbook
from tests.contracts.tree import ROOT

from regulars.examples import TRADES, groups, shop, write
from regulars.sales.reading import Reading, read

TODAY = date(2026, 11, 22)
ROLES = {"owner", "manager", "key-account", "front-desk", "service"}


@pytest.fixture(scope="module", params=TRADES)
def trade(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def files(trade: str, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write(trade, tmp_path_factory.mktemp(trade), TODAY, scale=0.1)


@pytest.fixture(scope="module")
def reading(files: list[Path]) -> Reading:
    return read(files)


@pytest.fixture(scope="module")
def hotpot(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write("hotpot", tmp_path_factory.mktemp("hotpot"), TODAY, scale=0.1)


def fingerprints(paths: list[Path]) -> dict[str, str]:
    """What is in the files; of workbooks what was compressed, since machines compress differently."""
    return {path.name: hashlib.sha256(content(path)).hexdigest() for path in paths}


def content(path: Path) -> bytes:
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with zipfile.ZipFile(path) as workbook:
        return b"".join(workbook.read(name) for name in workbook.namelist())


def members(path: Path) -> list[dict[str, object]]:
    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    return [dict(zip(map(str, rows[0]), row, strict=True)) for row in rows[1:]]


def test_the_same_seed_writes_the_same_bytes(trade: str, files: list[Path], tmp_path: Path) -> None:
    again = write(trade, tmp_path / "again", TODAY, scale=0.1)
    other = write(trade, tmp_path / "other", TODAY, scale=0.1, seed=1)
    assert fingerprints(again) == fingerprints(files)
    assert fingerprints(other) != fingerprints(files)


def test_all_files_of_a_shop_are_read_together(reading: Reading) -> None:
    assert reading.sales.num_rows > 200
    assert reading.people.num_rows > 10
    assert reading.identity in ("some", "all")


def test_the_files_can_be_imported_group_by_group(files: list[Path], reading: Reading) -> None:
    parts = groups(files)
    assert sorted(path for part in parts for path in part) == sorted(files)
    readings = [read(part) for part in parts]
    assert all(part.sales.num_rows or part.people.num_rows for part in readings)
    assert sum(part.sales.num_rows for part in readings) == reading.sales.num_rows
    assert sum(part.lines.num_rows for part in readings) == reading.lines.num_rows


def test_the_orders_and_the_list_of_a_hotpot_call_the_same_number_by_two_names(hotpot: list[Path]) -> None:
    orders, listed = read(hotpot[0]), read(hotpot[3])
    numbers = set(orders.sales["member"].to_pylist()) - {None}
    assert numbers and numbers <= set(listed.people["card"].to_pylist())


def test_only_the_lines_that_are_broken_on_purpose_are_refused(reading: Reading) -> None:
    assert 1 <= len(reading.refused) <= 4


def test_the_history_ends_yesterday(reading: Reading) -> None:
    days = reading.sales["day"].to_pylist()
    assert date(2026, 11, 18) <= max(days) <= date(2026, 11, 21)
    assert (max(days) - min(days)).days > 350


def test_a_shop_is_complete_enough_to_be_set_up(trade: str) -> None:
    profile = shop(trade)
    assert profile.trade == trade
    assert profile.name.zh and profile.name.en and profile.stores
    assert {worker.role for worker in profile.staff} <= ROLES
    assert sum(worker.role == "owner" for worker in profile.staff) == 1
    assert all(
        0 < worker.minutes <= 480 and worker.email.endswith("@example.com") for worker in profile.staff
    )
    assert {worker.store for worker in profile.staff} <= {None, *profile.stores}
    assert len({worker.name for worker in profile.staff}) == len(profile.staff)


def test_every_phone_is_valid_in_form_and_belongs_to_nobody(hotpot: list[Path]) -> None:
    written = [str(row["手机号"]) for row in members(hotpot[-1]) if row["手机号"]]
    whole = [phone for phone in written if "*" not in phone]
    assert whole
    for phone in set(whole) - {"13800138000"}:
        assert re.fullmatch(r"1740[0-5]\d{6}", phone)
        assert phonenumbers.is_valid_number(phonenumbers.parse(phone, "CN"))


def test_the_oddities_of_real_lists_are_there(hotpot: list[Path]) -> None:
    rows = members(hotpot[-1])
    birthdays = " ".join(str(row["生日"]) for row in rows)
    names = [str(row["会员姓名"]) for row in rows]
    phones = Counter(str(row["手机号"]) for row in rows)
    assert {"单", "曾", "仇"} <= {name[0] for name in names}
    assert 60 in map(len, names)
    assert all(part in birthdays for part in ("02-29", "闰", "腊月三十", "(农)", "农历"))
    assert phones["13800138000"] > 5
    assert sum("*" in phone for phone in phones) == 1
    assert any(row["备注"] == "一家人共用这张卡" for row in rows)
    assert any(row["备注"] == "换过号码" for row in rows)


def test_a_hotpot_night_belongs_to_its_business_day(hotpot: list[Path]) -> None:
    sheet = CalamineWorkbook.from_path(str(hotpot[1])).get_sheet_by_name("全渠道订单明细").to_python()
    head = [str(cell) for cell in sheet[2]]
    day, closed = head.index("营业日期"), head.index("结账时间")
    nights = [row for row in sheet[3:-1] if str(row[day]) != str(row[closed])[:10]]
    assert nights
    assert all(str(row[closed])[11:13] < "04" for row in nights)


def test_the_hotpot_workbook_has_titles_above_and_a_total_below(hotpot: list[Path]) -> None:
    sheet = CalamineWorkbook.from_path(str(hotpot[1])).get_sheet_by_name("全渠道订单明细").to_python()
    assert sheet[0][0] == "全渠道订单明细"
    assert sheet[2][0] == "门店"
    assert sheet[-1][0] == "合计"


def test_take_away_customers_are_known_by_their_payer_only(hotpot: list[Path]) -> None:
    with hotpot[2].open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    payers = Counter(row[7] for row in rows[1:-2])
    assert all(cell.startswith("`") for cell in rows[1])
    assert payers.most_common(1)[0][1] > 3
    assert "`4.00123E+27" in payers


def test_a_session_of_the_salon_has_no_amount(tmp_path: Path) -> None:
    files = write("salon", tmp_path, TODAY, scale=0.2)
    kinds = Counter(read(files).sales["kind"].to_pylist())
    assert kinds["attendance"] > 100
    assert kinds["sale"] > 100


def test_a_wholesaler_has_returns_and_sells_to_companies(tmp_path: Path) -> None:
    reading = read(write("wholesale", tmp_path, TODAY))
    kinds = Counter(reading.sales["kind"].to_pylist())
    assert kinds["refund"] > 20
    returns = reading.sales.filter(pc.equal(reading.sales["kind"], "refund"))["refund_of"].to_pylist()
    assert all(of and of.startswith("XS") for of in returns)
    assert reading.identity == "all"


def test_the_examples_in_the_repository_are_what_the_generator_writes(trade: str, tmp_path: Path) -> None:
    kept = sorted((ROOT / "examples" / trade).iterdir())
    scale = {"hotpot": 0.012, "snack": 0.02, "salon": 0.04, "wholesale": 0.1, "restaurant": 0.012}[trade]
    assert fingerprints(kept) == fingerprints(write(trade, tmp_path, TODAY, scale=scale))


def test_the_examples_in_the_repository_are_small() -> None:
    sizes = [path.stat().st_size for path in (ROOT / "examples").rglob("*") if path.is_file()]
    assert sum(sizes) < 300_000
