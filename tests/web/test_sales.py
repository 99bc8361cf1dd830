"""Sales and imports: the wizard from the file to the result, taking back, refused rows as a file, receipts without a name."""

from __future__ import annotations

import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import load_workbook
from tests.shops import as_csv
from tests.web.conftest import House, receipts

from regulars.customers.models import Customer
from regulars.sales.models import Batch, BatchState, Sale, SavedMapping
from regulars.shop.home import Home
from regulars.shop.models import Job
from regulars.web import gate, uploads


def upload(browser: Client, text: str | bytes, name: str = "订单.csv", **more: str) -> str:
    """Send a file; the address to which the wizard leads."""
    data = text.encode() if isinstance(text, str) else text
    return str(browser.post("/sales/import/", {"files": SimpleUploadedFile(name, data), **more})["Location"])


def bring_in(house: House, browser: Client, text: str) -> str:
    """All four steps; the page of the batch."""
    columns = upload(browser, text)
    trial = browser.post(columns)["Location"]
    browser.get(trial)
    job = browser.post(trial.replace("trial", "batch"))["Location"]
    house.work()
    return str(browser.get(job)["Location"])


def test_a_file_comes_in_by_four_steps(house: House) -> None:
    owner = house.browser("owner")
    columns = upload(owner, as_csv(receipts(3)))
    page = owner.get(columns).content.decode()
    assert "订单号" in page and "R000-0" in page
    assert "13933220000" not in page, "samples of phones are masked"
    trial = owner.post(columns)["Location"]
    assert "会进 12 笔新销售，多 3 位顾客" in owner.get(trial).content.decode()
    assert not Sale.objects.exists(), "nothing is written before she agrees"
    job = owner.post(trial.replace("trial", "batch"))["Location"]
    waiting = owner.get(job)
    assert waiting["Refresh"] == "3"
    done, _ = house.work()  # the import, then the look for duplicates
    assert done.error == []
    result = owner.get(owner.get(job)["Location"]).content.decode()
    assert "多了 3 位顾客" in result and "看看谁是A 类" in result
    assert Customer.objects.count() == 3


def test_the_same_file_again_is_known(house: House) -> None:
    owner = house.browser("owner")
    bring_in(house, owner, as_csv(receipts(2)))
    columns = upload(owner, as_csv(receipts(2)), "另一个名字.csv")
    assert "以前导过了" in owner.get(owner.post(columns)["Location"]).content.decode()


def test_what_a_person_says_about_a_column_counts_and_is_known_next_time(house: House) -> None:
    owner = house.browser("owner")
    rows = [
        {"流水": "A1", "哪天": "2026-11-01", "谁": "M1", "交了": "88"},
        {"流水": "A2", "哪天": "2026-11-02", "谁": "M2", "交了": "99"},
    ]
    columns = upload(owner, as_csv(rows))
    assert "认不出这是什么文件" in owner.get(columns).content.decode()
    trial = owner.post(columns, {"c0-0": "receipt", "c0-1": "date", "c0-2": "member", "c0-3": "amount"})[
        "Location"
    ]
    assert "会进 2 笔新销售" in owner.get(trial).content.decode()
    owner.post(trial.replace("trial", "batch"))
    house.work()
    assert SavedMapping.objects.get().mapping == {
        "流水": "receipt",
        "哪天": "date",
        "谁": "member",
        "交了": "amount",
    }
    again = owner.get(upload(owner, as_csv([{**rows[0], "流水": "A3"}]), "下个月.csv")).content.decode()
    assert "上次这样的文件是这么对的" in again


ODD = {"流水": "receipt", "哪天": "date", "谁": "member", "交了": "amount"}


def test_the_corrected_file_of_rows_left_out_is_known_by_what_was_said_of_the_first(house: House) -> None:
    owner = house.browser("owner")
    row = {"流水": "A1", "哪天": "2026-11-01", "谁": "M1", "交了": "88"}
    columns = upload(owner, as_csv([row, {**row, "流水": "A2", "交了": "很多"}]))
    said = {f"c0-{k}": field for k, field in enumerate(ODD.values())}
    owner.get(columns)
    trial = owner.post(columns, said)["Location"]
    owner.get(trial)
    owner.post(trial.replace("trial", "batch"))
    house.work()
    number = Batch.objects.get().pk
    for ending in ("csv", "xlsx"):
        back = owner.get(f"/sales/{number}/left-out.{ending}").content
        if ending == "csv":
            back = back.replace("很多".encode(), b"99")
        again = upload(owner, back, f"改好.{ending}")
        page = owner.get(again).content.decode()
        assert "上次这样的文件是这么对的" in page
        assert "原因" not in page and "行号" not in page
        if ending == "csv":
            assert "会进 1 笔新销售" in owner.get(owner.post(again)["Location"]).content.decode()


def test_passwords_are_shown_nowhere_and_what_was_said_of_the_others_is_kept(house: House) -> None:
    owner = house.browser("owner")
    row = {"流水": "A1", "哪天": "2026-11-01", "会员密码(6位)": "hunter2", "谁": "M1", "交了": "88"}
    bad = {**row, "流水": "A2", "交了": "很多"}
    columns = upload(owner, as_csv([row, bad]) + "A3,2026-11-02,hunter2,M3,9,9,9\n")
    page = owner.get(columns).content.decode()
    assert "hunter2" not in page and "密码" not in page
    trial = owner.post(columns, {f"c0-{k}": field for k, field in enumerate(ODD.values())})["Location"]
    assert "hunter2" not in owner.get(trial).content.decode()
    owner.post(trial.replace("trial", "batch"))
    house.work()
    number = Batch.objects.get().pk
    back = owner.get(f"/sales/{number}/left-out.csv").content.decode("utf-8-sig")
    assert "hunter2" not in back and "很多" in back
    without = {k: v for k, v in row.items() if "密码" not in k}
    for text in (back, as_csv([{**row, "流水": "A3"}]), as_csv([without])):
        again = upload(owner, text, "下个月.csv")
        assert "上次这样的文件是这么对的" in owner.get(again).content.decode()


def test_the_browser_is_told_what_to_do_in_the_browser(house: House) -> None:
    owner = house.browser("owner")
    columns = upload(owner, as_csv([{"流水": "A1", "说": "甲"}, {"流水": "A2", "说": "乙"}]))
    owner.get(columns)
    page = owner.get(owner.post(columns)["Location"], follow=True).content.decode()
    assert "--" not in re.sub(r"<!--.*?-->", "", page) and "请在下面说明每一列是什么" in page


def test_day_and_month_are_asked_not_guessed(house: House) -> None:
    owner = house.browser("owner")
    rows = [
        {"订单号": f"D{k}", "日期": f"0{k}/0{k + 1}/2026", "会员号": "M1", "金额": "10"} for k in range(1, 5)
    ]
    columns = upload(owner, as_csv(rows))
    owner.get(columns)
    trial = owner.post(columns)["Location"]
    assert owner.get(trial)["Location"] == columns
    asked = owner.get(columns).content.decode()
    assert 'name="dates"' in asked and "“01/02/2026”是哪天" in asked
    assert "--dates" not in asked and "年在前" not in asked, (
        "nothing is said about commands, nor offered in vain"
    )
    trial = owner.post(columns, {"dates": "dmy"})["Location"]
    assert "会进 4 笔新销售" in owner.get(trial).content.decode()


def test_a_year_of_two_digits_may_stand_first(house: House) -> None:
    owner = house.browser("owner")
    columns = upload(owner, as_csv([{"订单号": "D1", "日期": "03/04/05", "会员号": "M1", "金额": "10"}]))
    owner.get(columns)
    assert "年在前" in owner.get(owner.post(columns)["Location"], follow=True).content.decode()


def test_refused_rows_come_back_as_a_file_without_formulas(house: House) -> None:
    owner = house.browser("owner")
    rows = [*receipts(1), {"订单号": "=cmd()", "消费时间": "昨天晚上", "会员号": "M7", "实收金额": "三百"}]
    page = bring_in(house, owner, as_csv(rows))
    assert "没收的 1 行" in owner.get(page).content.decode()
    number = Batch.objects.get().pk
    answer = owner.get(f"/sales/{number}/left-out.csv")
    assert answer.content.startswith(b"\xef\xbb\xbf") and b"\r\n" in answer.content
    text = answer.content.decode("utf-8-sig")
    assert "'=cmd()" in text and "三百" in text and "原因" in text
    assert "。。" not in text and "消费时间：" in text
    sheet = load_workbook(io.BytesIO(owner.get(f"/sales/{number}/left-out.xlsx").content)).active
    assert sheet and all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_the_trial_says_what_differs_from_earlier_files(house: House) -> None:
    owner = house.browser("owner")
    bring_in(house, owner, as_csv(receipts(2)))
    amended = [{**row, "实收金额": "5.00"} for row in receipts(2)[:3]]
    columns = upload(owner, as_csv([*amended, *receipts(1, start=5)]), "更正.csv")
    assert "有 3 张单和以前导入的不一样" in owner.get(owner.post(columns)["Location"]).content.decode()


def test_undo_says_what_goes_and_takes_it_back(house: House) -> None:
    owner = house.browser("owner")
    page = bring_in(house, owner, as_csv(receipts(2)))
    assert "会拿走" in owner.get(page).content.decode()
    number = Batch.objects.get().pk
    owner.post(f"/sales/{number}/undo/")
    house.work()
    assert Batch.objects.get().state == BatchState.UNDONE
    assert not Customer.objects.filter(is_gone=False).exists()
    assert "已经撤回" in owner.get(f"/sales/{number}/").content.decode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("订单.csv", b"\x00\x01\x02PNG\xff" * 400),
        ("订单.csv", b""),
        ("订单.xlsx", b"PK\x03\x04 not a workbook"),
        ("照片.jpg", b"x"),
        ("一列.csv", "只有一列\n1\n".encode()),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(house: House, name: str, content: bytes) -> None:
    owner = house.browser("owner")
    answer = owner.post("/sales/import/", {"files": SimpleUploadedFile(name, content)})
    if answer.status_code == 302:
        page = owner.get(answer["Location"])
        if "notice error" not in page.content.decode():
            page = owner.get(owner.post(answer["Location"])["Location"], follow=True)
        answer = page
    assert re.search(r'class="notice error"|认不出', answer.content.decode())
    assert not Batch.objects.exists()


def test_a_file_beyond_all_measure_is_turned_away_before_it_is_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "LARGEST_UPLOAD", 1000)
    answer = house.browser("owner").post(
        "/sales/import/", {"files": SimpleUploadedFile("订单.csv", b"x" * 2000)}
    )
    assert answer.status_code == 413
    assert "300 MB" in answer.content.decode()


def test_heavy_files_are_the_workers(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "HEAVY", 10)
    owner = house.browser("owner")
    columns = upload(owner, as_csv(receipts(2)))
    job = owner.get(columns)["Location"]
    assert job.startswith("/jobs/")
    house.work()
    assert owner.get(job)["Location"] == columns
    trial = owner.post(columns)["Location"]
    job = owner.get(trial)["Location"]
    house.work()
    assert owner.get(job)["Location"] == trial
    assert "会进 8 笔新销售" in owner.get(trial).content.decode()


def test_work_can_be_stopped_before_it_begins(house: House) -> None:
    owner = house.browser("owner")
    columns = upload(owner, as_csv(receipts(1)))
    trial = owner.post(columns)["Location"]
    job = owner.post(trial.replace("trial", "batch"))["Location"]
    owner.post(job + "cancel/")
    assert house.work() == []
    assert "停下了" in owner.get(job).content.decode()
    assert Job.objects.get().state == "cancelled"


def test_a_file_that_names_nobody_says_what_it_is_good_for(house: House) -> None:
    owner = house.browser("owner")
    rows = [
        {"订单号": r["订单号"], "消费时间": r["消费时间"], "实收金额": r["实收金额"]} for r in receipts(2)
    ]
    columns = upload(owner, as_csv(rows))
    assert "认不出谁是谁" in owner.get(owner.post(columns)["Location"]).content.decode()


def test_a_receipt_without_a_name_is_given_to_its_customer(house: House) -> None:
    owner = house.browser("owner")
    house.shop.take_in(receipts(1))
    house.shop.take_in(
        [
            {
                "订单号": "小票-X1",
                "消费时间": "2026-11-20 12:00:00",
                "会员号": "",
                "手机号": "",
                "实收金额": "66.00",
            }
        ]
    )
    customer = Customer.objects.get()
    sale = Sale.objects.get(receipt="小票-X1")
    assert "小票-X1" in owner.get("/receipts/").content.decode()
    assert f"/customers/{customer.pk}/" in owner.get(f"/receipts/{sale.pk}/?q=M000").content.decode()
    assert (
        owner.post(f"/receipts/{sale.pk}/", {"customer": customer.pk})["Location"]
        == f"/customers/{customer.pk}/"
    )
    assert "小票-X1" not in owner.get("/receipts/").content.decode()
    assert "¥66" in owner.get(f"/customers/{customer.pk}/").content.decode()


def test_uploads_are_sealed_on_the_disk(house: House) -> None:
    upload(house.browser("owner"), as_csv(receipts(1)))
    kept = list(Home.find().uploads.glob("upload-*"))
    assert kept
    assert all(b"R000" not in path.read_bytes() for path in kept)
