"""What counts after files overlap, amend one another, repay, or come late."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from django.db.models import Q
from tests.shops import Shop, amounts, days_in_books, groups, known, must_be_whole, sales

from regulars import daily
from regulars.care.models import Task
from regulars.customers import actions as customers
from regulars.customers.models import Customer
from regulars.grading.actions import adopt
from regulars.grading.models import Standing
from regulars.sales.models import Batch, Sale
from regulars.shop.actions import add_staff
from regulars.shop.models import Business, Store
from regulars.shop.words import Refused


def receipt(number: str, day: str, amount: object, member: str = "1001", **more: object) -> dict[str, object]:
    return {"订单号": number, "结账时间": f"{day} 12:00:00", "会员号": member, "实收金额": amount, **more}


def counts(taken: daily.Imported) -> tuple[int, int, int]:
    return taken.new, taken.known, taken.customers


MAY = [receipt(f"A{k}", f"2026-05-0{k}", 10 * k, f"100{k % 3}") for k in range(1, 7)]


def test_the_same_file_twice_adds_nothing(shop: Shop) -> None:
    first = shop.take_in(MAY)
    before = known()
    again = shop.take_in(MAY)
    assert (counts(first), counts(again), again.is_repeat) == ((6, 0, 3), (0, 6, 0), True)
    assert (known(), Batch.objects.count()) == (before, 1)


def test_the_same_bytes_read_otherwise_are_another_file(shop: Shop) -> None:
    rows = [{**receipt("A1", "", 10), "结账时间": "3/4/2026", "姓名": "王芳"}]
    path = shop.file("latin.csv", rows, "gb18030")
    shop.take_in(path, dates="dmy", encoding="gb18030", mapping={"姓名": "note"})
    for how in (
        {"dates": "mdy", "encoding": "gb18030"}, {"dates": "dmy", "encoding": "gb18030", "mapping": {"姓名": "name"}},
        {"dates": "dmy", "encoding": "gbk"}, {"dates": "dmy"},
    ):  # fmt: skip
        first, again = shop.take_in(path, **how), shop.take_in(path, **how)
        assert (first.is_repeat, again.is_repeat) == (False, True)
        assert any("别的读法" in zh for zh, _ in first.batch.warnings)


def test_mojibake_is_put_right_by_the_right_encoding(shop: Shop) -> None:
    people = [{"会员号": "1001", "姓名": "王芳"}]
    path = shop.file("big5.csv", "member,name\n1001,王芳\n", "big5")
    shop.take_in(path)
    assert Customer.objects.get().name != people[0]["姓名"]
    assert not shop.take_in(path, encoding="big5").is_repeat
    assert Customer.objects.get().name == people[0]["姓名"]


def test_the_same_rows_in_another_file_add_nothing(shop: Shop) -> None:
    shop.take_in(MAY)
    before = known()
    again = shop.take_in(shop.file("again.csv", list(reversed(MAY))))
    assert counts(again) == (0, 6, 0)
    assert known() == before


def test_overlapping_exports_add_only_what_is_new(shop: Shop) -> None:
    assert counts(shop.take_in(MAY[:4])) == (4, 0, 3)
    assert counts(shop.take_in(MAY[2:])) == (2, 2, 0)
    assert amounts() == {f"A{k}": 1000 * k for k in range(1, 7)}


def test_receipts_without_numbers_are_known_by_time_person_amount_and_occurrence(shop: Shop) -> None:
    twice = [{k: v for k, v in MAY[0].items() if k != "订单号"}] * 2
    assert counts(shop.take_in(twice)) == (2, 0, 1)
    assert counts(shop.take_in([*twice, {**twice[0], "实收金额": 11}])) == (1, 2, 0)
    assert counts(shop.take_in(shop.file("three.csv", [*twice, twice[0]]))) == (1, 2, 0)


def test_an_amended_receipt_counts_in_its_newer_form_and_its_older_again_after_undo(shop: Shop) -> None:
    shop.take_in(MAY)
    amended = shop.take_in([receipt("A1", "2026-05-01", 99, "1009")])
    assert counts(amended)[:2] == (0, 1)
    assert amounts()["A1"] == 9900
    assert any("以这次为准" in zh for zh, _ in amended.batch.warnings)
    assert {frozenset({"member:1009"}), frozenset({"member:1001"})} <= groups()
    daily.undo(amended.batch)
    assert amounts()["A1"] == 1000
    must_be_whole()


def test_the_books_follow_the_former_owner_of_an_amended_receipt(shop: Shop) -> None:
    shop.take_in([receipt("A1", "2026-05-01", 10, "1001"), receipt("A2", "2026-05-02", 5, "1001")])
    shop.take_in([receipt("A1", "2026-05-01", 10, "1002")])
    assert sorted(spend for _, _, spend, _, _, _ in days_in_books()) == [500, 1000]
    assert len({customer for customer, *_ in days_in_books()}) == 2


SOLD = [receipt("B1", "2026-05-01", 100)]
REPAID = [{**receipt("R1", "2026-05-09", -30), "原订单号": "B1"}]


@pytest.mark.parametrize("order", [(SOLD, REPAID), (REPAID, SOLD)], ids=["sale first", "refund first"])
def test_a_linked_refund_counts_on_the_day_of_its_receipt_whichever_came_first(
    shop: Shop, order: Any
) -> None:
    for rows in order:
        last = shop.take_in(rows)
    assert {(s[0].isoformat(), s[3]) for s in sales()} == {("2026-05-01", 10000), ("2026-05-01", -3000)}
    assert [(spend, visit) for _, _, spend, visit, _, _ in days_in_books()] == [(7000, 1)]
    daily.undo(last.batch)
    day = "2026-05-01" if order[1] is REPAID else "2026-05-09"
    assert [(s[0].isoformat(), s[1]) for s in sales()] == [(day, None)]


MONTHS = [receipt("B1", "2026-10-01", 300)], [receipt("B1", "2026-11-05", -300)]


@pytest.mark.parametrize("order", [MONTHS, MONTHS[::-1]], ids=["sale first", "refund first"])
def test_a_refund_under_the_number_of_a_sale_in_another_file_is_linked_to_it(shop: Shop, order: Any) -> None:
    for rows in order:
        last = shop.take_in(rows)
    assert {(s[0].isoformat(), s[3]) for s in sales()} == {("2026-10-01", 30000), ("2026-10-01", -30000)}
    assert [(spend, visit) for _, _, spend, visit, _, _ in days_in_books()] == [(0, 0)]
    daily.undo(last.batch)
    day = "2026-11-05" if order is not MONTHS else "2026-10-01"
    assert [s[0].isoformat() for s in sales()] == [day]


def test_a_refund_is_not_linked_to_somebody_elses_sale_of_the_same_number(shop: Shop) -> None:
    shop.take_in([receipt("7", "2026-05-01", 80, "1002"), receipt("7", "2026-05-02", 90, "1001")])
    shop.take_in([receipt("7", "2026-05-09", -30, "1001"), receipt("7", "2026-05-10", -5, "1003")])
    assert {(s[0].isoformat(), s[3]) for s in sales() if s[3] < 0} == {
        ("2026-05-02", -3000),
        ("2026-05-10", -500),
    }


def test_a_refund_that_names_no_receipt_counts_on_its_own_day(shop: Shop) -> None:
    shop.take_in([*SOLD, receipt("R9", "2026-05-09", -30)])
    assert {(s[0].isoformat(), s[3]) for s in sales()} == {("2026-05-01", 10000), ("2026-05-09", -3000)}


def test_a_night_belongs_to_its_business_day(shop: Shop) -> None:
    shop.take_in(
        [{**receipt("N1", "2026-05-02", 50), "结账时间": "2026-05-02 01:30:00", "营业日期": "2026-05-01"}]
    )
    assert [s[0] for s in sales()] == [date(2026, 5, 1)]


def test_a_night_belongs_to_the_day_before_until_the_shop_closes(shop: Shop) -> None:
    Business.objects.update(day_ends_at=4)
    times = ["2026-11-21 01:30", "2026-11-21 00:00", "2026-11-21 03:59", "2026-11-21 04:00", "2026-11-21"]
    rows = [{**receipt(f"N{k}", "", 50 + k), "结账时间": time} for k, time in enumerate(times)]
    shop.take_in(rows)
    assert [s[0].day for s in sorted(sales(), key=lambda s: str(s[5]))] == [20, 20, 20, 21, 21]
    shop.take_in([{**receipt("B1", "", 50), "结账时间": "2026-11-19 01:30", "营业日期": "2026-11-19"}])
    assert [s[0].day for s in sales() if s[5] == "B1"] == [19]


def test_an_attendance_without_amount_is_a_visit(shop: Shop) -> None:
    shop.take_in(
        [{"签到时间": f"2026-05-0{k} 09:00", "会员号": "1001"} for k in (1, 2)], mapping={"签到时间": "time"}
    )
    assert {(s[4], s[3]) for s in sales()} == {("attendance", 0)}
    assert [visit for _, _, _, visit, _, _ in days_in_books()] == [1, 1]


def test_sales_that_name_nobody_come_in_with_a_warning(shop: Shop) -> None:
    taken = shop.take_in([{k: v for k, v in row.items() if k != "会员号"} for row in MAY])
    assert counts(taken) == (6, 0, 0)
    assert any("认不出谁是谁" in zh for zh, _ in taken.batch.warnings)


def test_a_payer_without_a_name_is_a_customer(shop: Shop) -> None:
    rows = [
        {
            "交易时间": f"2026-05-0{k} 12:00:00",
            "商户订单号": f"W{k}",
            "用户标识": "oUpF8uMuAJO_M2pxb1Q9z",
            "订单金额": 9,
        }
        for k in (1, 2)
    ]
    assert counts(shop.take_in(rows)) == (2, 0, 1)
    assert Customer.objects.get().name == ""


def test_a_name_on_a_receipt_names_her_and_a_person_is_never_found_by_name(shop: Shop) -> None:
    shop.take_in(
        [
            receipt("A1", "2026-05-01", 10, "1001", 姓名="王芳"),
            receipt("A2", "2026-05-01", 10, "1002", 姓名="王芳"),
        ]
    )
    assert sorted(Customer.objects.values_list("name", flat=True)) == ["王芳", "王芳"]  # trap 30


def test_known_until_is_told_by_files_store_by_store(shop: Shop) -> None:
    early = shop.take_in([receipt("A1", "2026-05-01", 10, 门店="东店")])
    late = shop.take_in(
        [receipt("A2", "2026-05-09", 10, 门店="东店"), receipt("A3", "2026-05-03", 10, 门店="总店")]
    )
    until = dict(Store.objects.values_list("name", "known_until"))
    assert until == {"东店": date(2026, 5, 9), "总店": date(2026, 5, 3)}
    daily.undo(late.batch)
    assert dict(Store.objects.values_list("name", "known_until")) == {"东店": date(2026, 5, 1), "总店": None}
    daily.undo(early.batch)
    assert list(Store.objects.values_list("name", flat=True)) == ["总店"], (
        "a store that only the file named is gone"
    )


def test_a_wrong_date_in_the_future_does_not_make_a_store_known_until_then(shop: Shop) -> None:
    shop.take_in([receipt("A1", "2026-05-01", 10), receipt("A2", "2062-01-01", 10)])
    assert Store.objects.get().known_until == date(2026, 5, 1)
    only = shop.take_in([receipt("A3", "2062-01-02", 10, 门店="东店")])
    assert Store.objects.get(name="东店").known_until is None
    daily.undo(only.batch)
    assert not Store.objects.filter(name="东店").exists()


def year(cards_anew_on: int | None) -> list[dict[str, object]]:
    """Sixty days of the same thirty regulars, each every third day; their cards may be given out anew."""
    rows = []
    for day in range(60):
        for who in range(day % 3, 30, 3):
            anew = cards_anew_on is not None and day >= cards_anew_on
            rows.append(
                receipt(
                    "", f"2026-{5 + day // 30:02d}-{day % 30 + 1:02d}", 20, f"{'N' if anew else 'C'}{who:03d}"
                )
            )
    return rows


def vanished(taken: daily.Imported) -> bool:
    return any("老顾客几乎一个都没再来" in zh for zh, _ in taken.batch.warnings)


def test_cards_given_out_anew_are_a_warning_with_the_day(shop: Shop) -> None:
    taken = shop.take_in(year(cards_anew_on=45))
    assert vanished(taken)
    assert any("2026-06-16" in zh for zh, _ in taken.batch.warnings)
    assert not vanished(shop.take_in(shop.file("usual.csv", year(cards_anew_on=None))))


def test_who_vanished_with_the_old_cards_is_not_called_and_keeps_her_grade(shop: Shop) -> None:
    adopt(
        "restaurant",
        by=add_staff(name="老周", email="zhou@example.com", role="owner", password=None, minutes=900),
    )
    rows = [
        {
            **row,
            "手机号": ("174" if str(row["会员号"])[0] == "C" else "175") + f"{str(row['会员号'])[1:]:>08}",
        }
        for row in year(cards_anew_on=45)
    ]
    vanish = date(2026, 6, 16)
    shop.take_in([r for r in rows if str(r["结账时间"]) < vanish.isoformat()])
    daily.run_day(vanish - timedelta(days=1))
    before = dict(Standing.objects.values_list("customer", "grade"))
    assert {"a", "b", "c"} & set(before.values())
    taken = shop.take_in([r for r in rows if str(r["结账时间"]) >= vanish.isoformat()])
    assert vanished(taken) and taken.batch.covers_until
    for day in (taken.batch.covers_until - timedelta(days=14), taken.batch.covers_until):
        daily.run_day(day)
    after = dict(Standing.objects.values_list("customer", "grade"))
    worse = [c for c, grade in before.items() if grade not in ("new", "none") and after[c] > grade]
    assert worse == []
    absent = Task.objects.filter(customer__in=before, on__gte=vanish).filter(
        Q(occasion__startswith="late") | Q(occasion__startswith="at-risk")
    )
    assert not absent.exists()


def test_receipts_without_a_store_are_told_where_there_are_several(shop: Shop) -> None:
    assert not any("哪家店" in zh for zh, _ in shop.take_in(MAY[:1]).batch.warnings)
    Store.objects.create(name="东店")
    told = next(w.zh for w in daily.try_out([shop.file("more.csv", MAY[1:])]).warnings if "哪家店" in w.zh)
    assert told.startswith("有 5 张单") and "总店" in told
    assert [told] == [zh for zh, _ in shop.take_in(shop.file("more.csv", MAY[1:])).batch.warnings]
    assert not shop.take_in(
        shop.file("east.csv", [receipt("E1", "2026-05-09", 9)]), store="东店"
    ).batch.warnings


def test_a_file_that_begins_with_new_cards_is_held_against_the_files_before(shop: Shop) -> None:
    rows = year(cards_anew_on=45)
    before = [r for r in rows if str(r["会员号"]).startswith("C")]
    assert not vanished(shop.take_in(before))
    assert vanished(shop.take_in([r for r in rows if str(r["会员号"]).startswith("N")]))


def test_two_tills_that_count_alike_are_known_again_in_any_order(shop: Shop) -> None:
    rows = [
        {"单号": "1", "结账时间": f"2026-05-01 {hour}:00", "会员号": who, "实收金额": amount}
        for hour, who, amount in ((10, "M1", 300), (18, "M2", 50))
    ]
    assert counts(shop.take_in(rows)) == (2, 0, 2)
    before = known()
    assert counts(shop.take_in(shop.file("turned.csv", rows[::-1]))) == (0, 2, 0)
    assert known() == before


def test_undoing_a_file_that_said_the_old_words_again_brings_the_amendment_back(shop: Shop) -> None:
    shop.take_in(MAY)
    shop.take_in([receipt("A1", "2026-05-01", 99)])
    again = shop.take_in(shop.file("again.csv", MAY[:2]))
    assert amounts()["A1"] == 1000
    daily.undo(again.batch)
    assert amounts()["A1"] == 9900


def test_a_corrected_line_brings_its_whole_receipt(shop: Shop) -> None:
    lines = [
        receipt("R1", "2026-05-01", amount, 菜品名称=f"菜{k}") for k, amount in enumerate((30, 70, "二十"))
    ]
    first = shop.take_in([*lines, receipt("R2", "2026-05-01", 5, 菜品名称="茶")])
    assert (amounts(), first.batch.refused) == ({"R2": 500}, 3)
    shop.take_in([*lines[:2], {**lines[2], "实收金额": 20}])
    assert amounts() == {"R1": 12000, "R2": 500}


def test_an_amendment_names_the_receipts(shop: Shop) -> None:
    shop.take_in(MAY)
    later = shop.take_in([receipt("A1", "2026-05-01", 99), receipt("A7", "2026-05-01", 9)])
    assert any("以这次为准：A1。" in zh for zh, _ in later.batch.warnings)


def test_a_birthday_whose_order_the_owner_says_is_known(shop: Shop) -> None:
    shop.take_in([{"会员号": "1001", "姓名": "王芳", "生日": "06/05/1990"}], dates="dmy")
    assert Customer.objects.get().birthday == "solar 1990-05-06"


def bill(number: str, amount: object, state: str, member: str = "1001") -> dict[str, object]:
    return {
        "营业日期": "2026-05-01", "订单号": number, "结账时间": "2026-05-01 12:00:00", "桌牌号": "8", "订单状态": state,
        "支付合计（元）": amount, "会员": member,
    }  # fmt: skip


@pytest.mark.parametrize("state", ["反结账", "整单退", "已取消"])
def test_a_known_sale_that_was_reversed_since_counts_no_longer_until_that_is_undone(
    shop: Shop, state: str
) -> None:
    shop.take_in([bill("5001", 200, "已结账"), bill("5002", 100, "已结账", "1002")])
    before = known()
    turned = [bill("5001", 200, state), bill("5003", 50, "已结账"), bill("5009", 9, state, "1009")]
    trial = daily.try_out([shop.file("turned.csv", turned)])
    later = shop.take_in(turned)
    assert (trial.new, trial.known, trial.customers) == counts(later) == (1, 1, 0)
    assert amounts() == {"5002": 10000, "5003": 5000}
    assert any("5001" in zh and "5009" not in zh for zh, _ in later.batch.warnings)
    assert sorted(spend for _, _, spend, _, _, _ in days_in_books()) == [5000, 10000]
    daily.undo(later.batch)
    assert known() == before
    must_be_whole()


def test_a_file_of_reversals_only_is_taken_when_it_reverses_something(shop: Shop) -> None:
    with pytest.raises(Refused):
        shop.take_in([bill("5001", 200, "反结账")])
    shop.take_in([bill("5001", 200, "已结账"), bill("5002", 100, "已结账")])
    first = shop.take_in([bill("5001", 200, "反结账")])
    again = shop.take_in([bill("5001", 200, "反结账"), bill("5002", 100, "已结账")])
    assert (counts(first), counts(again)) == ((0, 1, 0), (0, 2, 0))
    assert amounts() == {"5002": 10000}
    daily.undo(first.batch)
    assert amounts() == {"5002": 10000}
    daily.undo(again.batch)
    assert amounts() == {"5001": 20000, "5002": 10000}


def test_a_bill_reversed_and_settled_anew_under_its_number_counts_as_settled(shop: Shop) -> None:
    shop.take_in([bill("5001", 200, "已结账")])
    shop.take_in([bill("5001", 200, "反结账"), bill("5001", 180, "已结账")])
    assert amounts() == {"5001": 18000}


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_a_sale_by_hand_counts_and_can_be_taken_back(shop: Shop) -> None:
    shop.take_in(MAY[:1])
    before = known()
    sale = customers.record_sale(
        Customer.objects.get(), store=Store.objects.get(), day=date(2026, 5, 20), amount=4200
    )
    daily.redraw()
    assert [spend for _, _, spend, _, _, _ in days_in_books()] == [1000, 4200]
    daily.undo(sale.batch)
    assert known() == before
    must_be_whole()


def test_a_sale_by_hand_does_not_lie_in_the_future(shop: Shop) -> None:
    with pytest.raises(Refused):
        customers.record_sale(None, store=Store.objects.get(), day=date(2999, 1, 1), amount=1)


def anonymous(amount: object = 30) -> dict[str, object]:
    return receipt("X1", "2026-05-03", amount, "")


def test_a_receipt_given_to_a_customer_stays_hers_when_the_file_comes_again(shop: Shop) -> None:
    shop.take_in([*MAY[:1], anonymous()])
    her = Customer.objects.get()
    customers.attach(Sale.objects.get(receipt="X1"), her)
    shop.take_in(shop.file("again.csv", [anonymous(), *MAY[:2]]))
    assert [(s[3], s[8]) for s in sales() if s[5] == "X1"] == [(3000, "member:1001")]
    with pytest.raises(Refused):
        customers.attach(Sale.objects.get(receipt="X1", is_current=True), her)


def test_a_receipt_given_to_a_customer_follows_an_amended_amount(shop: Shop) -> None:
    shop.take_in([*MAY[:1], anonymous()])
    customers.attach(Sale.objects.get(receipt="X1"), Customer.objects.get())
    amended = shop.take_in([anonymous(35), *MAY[:1]])
    assert [(s[3], s[8]) for s in sales() if s[5] == "X1"] == [(3500, "member:1001")]
    daily.undo(amended.batch)
    assert [(s[3], s[8]) for s in sales() if s[5] == "X1"] == [(3000, "member:1001")]


def test_a_receipt_given_to_a_customer_rests_while_no_file_speaks_of_it(shop: Shop) -> None:
    shop.take_in(MAY[:1])
    taken = shop.take_in([anonymous()])
    word = customers.attach(Sale.objects.get(receipt="X1"), Customer.objects.get())
    daily.undo(taken.batch)
    assert "X1" not in amounts()
    shop.take_in([anonymous()])
    assert [s[8] for s in sales() if s[5] == "X1"] == ["member:1001"]
    daily.undo(word.batch)
    assert [s[8] for s in sales() if s[5] == "X1"] == [None]


def test_a_trial_says_all_that_the_import_says(shop: Shop) -> None:
    rows = year(cards_anew_on=45)
    amended = receipt("Z1", "2026-06-18", 5, "C001")
    shop.take_in([*(r for r in rows if str(r["会员号"]).startswith("C")), amended])
    anew = [r for r in rows if str(r["会员号"]).startswith("N")]
    file = shop.file("odd.csv", [*anew, {**amended, "实收金额": 9}, receipt("F1", "2126-05-01", 5)])
    trial = daily.record_of(daily.try_out([file]), "zh")
    taken = daily.record_of(daily.take_in([file]), "zh")
    assert trial["warnings"] == taken["warnings"]
    assert {**trial, "batch": taken["batch"]} == taken
    for said in ("以这次为准", "日期在将来", "老顾客几乎一个都没再来"):
        assert any(said in w for w in trial["warnings"]), said


def test_numbers_of_a_batch_add_up_in_a_trial_as_in_the_import(shop: Shop) -> None:
    shop.take_in(MAY[:3])
    mixed = shop.file("mixed.csv", [*MAY[2:], receipt("A1", "2026-05-01", 77)])
    trial = daily.try_out([mixed])
    taken = daily.take_in([mixed])
    assert (trial.new, trial.known, trial.customers) == counts(taken) == (3, 2, 0)
    assert np.all(np.array(counts(taken)) >= 0)
