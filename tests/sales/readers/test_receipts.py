# ruff: noqa: DTZ001 - a till knows wall time only
"""From rows to sales: what counts, what does not, what comes back, and that no row is lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.sales.readers.receipts import OTHER_LINE
from regulars.sales.reading import Reading, read
from regulars.shop.words import Refused

Till = Callable[..., Reading]


@pytest.fixture
def till(tmp_path: Path) -> Till:
    """Reads a table written as lines of text; further files by further texts."""

    def take(*texts: str, **how: object) -> Reading:
        paths = []
        for number, text in enumerate(texts):
            path = tmp_path / f"file{number}.csv"
            path.write_text(
                "\n".join(line.strip() for line in text.strip().splitlines()) + "\n", encoding="utf-8"
            )
            paths.append(path)
        reading = read(paths, **how)  # type: ignore[arg-type]
        assert reading.rows == reading.taken + len(reading.refused) + reading.not_sales
        assert reading.refused_rows.num_rows == len(reading.refused)
        return reading

    return take


def test_english_headers_are_read(till: Till) -> None:
    reading = till("""customer_id,trans_date,tran_amount
        CS5295,2/11/2013,35
        CS4768,3/15/2015,39""")
    assert reading.sales.select(["member", "day", "amount"]).to_pylist() == [
        {"member": "CS5295", "day": dt.date(2013, 2, 11), "amount": 3500},
        {"member": "CS4768", "day": dt.date(2015, 3, 15), "amount": 3900},
    ]
    assert reading.sales["at"].null_count == 2
    assert reading.identity == "all"


def test_an_undecidable_order_of_day_and_month_is_refused_until_said(till: Till) -> None:
    table = "member,date,amount\nA,2/11/2013,1\nB,3/4/2013,2"
    with pytest.raises(Refused, match="--dates"):
        till(table)
    assert till(table, dates="dmy").sales["day"].to_pylist()[0] == dt.date(2013, 11, 2)


@pytest.mark.parametrize("net", ["实收金额", "实付金额", "到手金额", "实收合计", "净收入"])
def test_what_was_received_is_the_amount(till: Till, net: str) -> None:
    reading = till(
        f"会员卡号,下单时间,原价,营业额,优惠金额,{net}（元）\nK1,2026-01-05 10:00,100,100,20,￥78.50"
    )
    assert reading.sales["amount"].to_pylist() == [7850]


def test_without_it_the_gross_less_the_discount_is(till: Till) -> None:
    assert till("会员号,下单时间,账单金额,优惠金额\nK1,2026-01-05 10:00,100,20").sales[
        "amount"
    ].to_pylist() == [8000]


def test_refunds_in_a_column_of_their_own_are_taken_off(till: Till) -> None:
    reading = till(
        "会员号,下单时间,实收金额,退款金额\nA,2026-01-05,100,\nB,2026-01-05,100,30\nC,2026-01-05,50,50"
    )
    assert reading.sales["amount"].to_pylist() == [10000, 7000, 0]
    assert reading.sales["kind"].to_pylist() == ["sale"] * 3


def test_refunds_that_the_file_has_already_taken_off_are_not_taken_twice(till: Till) -> None:
    reading = till(
        "会员号,下单时间,总金额,实收金额,退款金额\nA,2026-01-05,100,70,30\nB,2026-01-05,50,0,50\nC,2026-01-05,9,9,0"
    )
    assert reading.sales["amount"].to_pylist() == [7000, 0, 900]


def test_negative_rows_are_refunds_and_find_their_sale(till: Till) -> None:
    reading = till("""订单号,会员号,下单时间,实收金额
        T1,A,2026-01-05,100
        T1,A,2026-01-09,-30
        T2,B,2026-01-06,(12.00)""")
    assert reading.sales.select(["receipt", "amount", "kind", "refund_of"]).to_pylist() == [
        {"receipt": "T1", "amount": 10000, "kind": "sale", "refund_of": None},
        {"receipt": "T1", "amount": -3000, "kind": "refund", "refund_of": "T1"},
        {"receipt": "T2", "amount": -1200, "kind": "refund", "refund_of": None},
    ]


def test_lines_of_invoices_become_receipts_with_their_lines(till: Till) -> None:
    reading = till("""InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID
        489434,85048,LIGHTS,12,2009-12-01 07:45:00,6.95,13085.0
        489435,22041,MUG,2,2009-12-01 07:46:00,2.10,13085.0
        489434,79323P,PINK LIGHTS,1,2009-12-01 07:45:00,6.75,13085.0
        C489449,22087,BUNTING,-12,2009-12-01 10:33:00,2.95,16321.0""")
    assert reading.sales.select(["row", "receipt", "member", "amount", "kind"]).to_pylist() == [
        {"row": 2, "receipt": "489434", "member": "13085", "amount": 9015, "kind": "sale"},
        {"row": 3, "receipt": "489435", "member": "13085", "amount": 420, "kind": "sale"},
        {"row": 5, "receipt": "C489449", "member": "16321", "amount": -3540, "kind": "refund"},
    ]
    assert reading.lines.select(["sale", "item", "quantity", "amount"]).to_pylist()[2] == {
        "sale": 0, "item": "PINK LIGHTS", "quantity": 1000, "amount": 675,
    }  # fmt: skip
    assert (reading.rows, reading.taken) == (4, 4)


def test_numbers_that_start_again_every_day_are_different_receipts(till: Till) -> None:
    reading = till(
        "流水号,会员号,交易时间,实收金额\n001,A,2026-01-05 10:00,10\n002,B,2026-01-05 11:00,20\n001,C,2026-01-06 10:00,30"
    )
    assert reading.sales["amount"].to_pylist() == [1000, 2000, 3000]


def test_the_same_number_in_two_stores_is_two_receipts(till: Till) -> None:
    reading = till(
        "门店,订单号,会员号,交易时间,实收金额\n一店,1,A,2026-01-05 10:00,10\n二店,1,B,2026-01-05 10:00,20"
    )
    assert reading.sales.num_rows == 2


def test_an_order_total_repeated_on_every_line_counts_once(till: Till) -> None:
    lines = "".join(f"T{i},A{i},2026-01-05 10:00,{50 + i},菜{j}\n" for i in range(4) for j in range(2))
    reading = till(
        "订单号,会员号,下单时间,订单实付金额,商品名称\n" + lines, mapping={"订单实付金额": "amount"}
    )
    assert reading.sales["amount"].to_pylist() == [5000, 5100, 5200, 5300]
    assert any("每单只算一次" in words.zh for words in reading.warnings)


def test_the_member_on_any_line_is_the_member_of_the_receipt(till: Till) -> None:
    reading = till(
        "订单号,会员号,下单时间,实收金额,商品名称\n1,,2026-01-05 10:00,5,茶\n1,A,2026-01-05 10:00,6,饼\n2,B,2026-01-05 10:01,6,饼"
    )
    assert reading.sales["member"].to_pylist() == ["A", "B"]


def test_files_of_receipts_and_of_their_lines_belong_together(till: Till) -> None:
    orders = "订单号,会员号,下单时间,实收金额\nT1,A,2026-01-05 10:00,11\nT2,B,2026-01-05 10:01,6"
    lines = "订单号,商品名称,数量,单价,下单时间,金额\nT1,茶,1,5,2026-01-05 10:00,5\nT1,饼,1,6,2026-01-05 10:00,6\nT2,饼,1,6,2026-01-05 10:01,6"
    for files in ((orders, lines), (lines, orders)):
        reading = till(*files)
        assert reading.sales["amount"].to_pylist() == [1100, 600]
        assert reading.lines["sale"].to_pylist() == [0, 0, 1]


def test_lines_without_their_receipts_are_counted_and_said(till: Till) -> None:
    reading = till(
        "订单号,会员号,下单时间,实收金额\nT1,A,2026-01-05 10:00,11", "订单号,商品名称,数量\nT1,茶,1\nT9,饼,2"
    )
    assert (reading.lines.num_rows, reading.not_sales) == (1, 1)
    assert any("对不上" in words.zh for words in reading.warnings)


@pytest.mark.parametrize(
    "status",
    [
        "等待买家付款",
        "交易关闭",
        "未支付",
        "已取消",
        "作废",
        "Cancelled",
        "已退款",
        "退款",
        "退款成功",
        "退货退款",
        "已取消（已退款）",
    ],
)
def test_unpaid_and_cancelled_orders_are_no_sales(till: Till, status: str) -> None:
    reading = till(
        f"订单号,会员号,下单时间,实收金额,订单状态\n1,A,2026-01-05,5,{status}\n2,A,2026-01-05,6,已完成"
    )
    assert (reading.sales["amount"].to_pylist(), reading.not_sales, reading.refused) == ([600], 1, [])
    assert any("1 行" in words.zh for words in reading.warnings)


@pytest.mark.parametrize(
    "status",
    [
        "已支付",
        "交易成功",
        "未发货",
        "无退款",
        "部分退款",
        "退款申请已撤回",
        "Paid",
        "取消退款",
        "买家取消退款",
        "退款关闭",
        "退款失败",
        "拒绝退款",
        "退款中",
    ],
)
def test_other_states_are_sales(till: Till, status: str) -> None:
    assert till(f"订单号,会员号,下单时间,实收金额,订单状态\n1,A,2026-01-05,5,{status}").not_sales == 0


def test_attendance_without_amounts_is_taken_as_visits(till: Till) -> None:
    reading = till("会员卡号,签到时间,门店\nK1,2026-01-05 10:00,一店\nK2,2026-01-06 11:00,一店")
    assert reading.sales["kind"].to_pylist() == ["attendance"] * 2
    assert reading.sales["amount"].null_count == 2


def test_a_night_belongs_to_its_business_day(till: Till) -> None:
    sale = till("营业日期,会员号,结账时间,实收金额\n2026-01-05,A,2026-01-06 01:30:00,5").sales.to_pylist()[0]
    assert (sale["day"], sale["at"]) == (dt.date(2026, 1, 5), dt.datetime(2026, 1, 6, 1, 30))


def test_a_day_and_a_clock_in_two_columns_make_one_time(till: Till) -> None:
    sale = till("交易日期,交易时间,会员号,实收金额\n2026/1/5,9:30,A,5").sales.to_pylist()[0]
    assert (sale["day"], sale["at"]) == (dt.date(2026, 1, 5), dt.datetime(2026, 1, 5, 9, 30))


def test_rows_that_cannot_be_read_come_back_with_row_column_reason_and_hint(till: Till) -> None:
    reading = till("""手机号,消费时间,实收金额
        13912345679,2026-01-05 10:00,5
        13912345679,,5
        13912345679,昨天,5
        13912345679,2026-01-06 10:00,1.2万
        13912345679,2026-01-06 10:00,
        1.39123E+10,2026-01-06 10:00,7""")
    assert [(p.row, p.column, p.value) for p in reading.refused] == [
        (3, "消费时间", ""), (4, "消费时间", "昨天"), (5, "实收金额", "1.2万"), (6, "实收金额", ""), (7, "手机号", "1.39123E+10"),
    ]  # fmt: skip
    assert all(p.reason.zh and p.reason.en and p.hint.zh and p.hint.en for p in reading.refused)
    assert reading.refused_rows["raw:消费时间"].to_pylist()[1] == "昨天"


def test_a_file_of_which_no_row_can_be_read_says_the_first_reason(till: Till) -> None:
    with pytest.raises(Refused) as refused:
        till("手机号,消费时间,实收金额\n13912345679,昨天,5\n13912345679,前天,5")
    assert "昨天" in refused.value.words.zh and "第 2 行" in refused.value.words.zh


def test_masked_virtual_and_made_up_phones_leave_an_anonymous_sale(till: Till) -> None:
    reading = till(
        "手机号,消费时间,实收金额\n137****3386,2026-01-05,5\n17531103964_6603,2026-01-05,6\n13800138000,2026-01-05,7\n13912345679,2026-01-05,8"
    )
    assert reading.sales["phone"].to_pylist() == [None, None, None, "13912345679"]
    assert reading.identity == "some"
    assert any("3 行的电话" in words.zh for words in reading.warnings)


def test_no_identity_at_all_says_what_the_file_is_good_for(till: Till) -> None:
    reading = till(
        "订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额\n1,178.8,0.0,上海,2020-02-21 00:00:00,,0.0\n2,21.0,21.0,内蒙古自治区,2020-02-20 23:59:54,2020-02-21 00:00:02,0.0"
    )
    assert reading.identity == "none"
    assert reading.useful_for is not None and "营业额" in reading.useful_for.zh
    assert (reading.sales.num_rows, reading.not_sales) == (1, 1)


def test_a_member_number_that_is_a_phone_is_a_phone(till: Till) -> None:
    reading = till("会员号,消费时间,实收金额\n13912345679,2026-01-05,5\n13912345670,2026-01-05,5")
    assert reading.sales["phone"].to_pylist() == ["13912345679", "13912345670"]
    assert reading.sales["member"].null_count == 2


def test_a_company_is_told_from_a_person(till: Till) -> None:
    reading = till(
        "客户名称,单据日期,价税合计\n杭州百味食品有限公司,2026-01-05,5000\n王小姐,2026-01-05,20\nAcme Ltd,2026-01-06,1"
    )
    assert reading.sales["company"].to_pylist() == [True, False, True]
    assert reading.identity == "some"


def test_a_list_of_customers_gives_people_and_keeps_the_rest(till: Till) -> None:
    reading = till("""会员编号,会员姓名,手机号,性别,生日,会员等级,积分,余额,消费金额,创建时间,密码,喜好
        V001,王芳,13912345679,女,农历正月初五,金卡,1200,300.50,8800,2024-01-05,secret,不吃辣
        V002,李雷,138****0000,男,--,普通,0,0,0,2024-02-05,hidden,""")
    assert reading.sales.num_rows == 0
    assert reading.people.select(["member", "phone", "name"]).to_pylist() == [
        {"member": "V001", "phone": "13912345679", "name": "王芳"},
        {"member": "V002", "phone": None, "name": "李雷"},
    ]
    first = {k: v for k, v in reading.extras.to_pylist()[0].items() if v is not None}
    assert first["of"] == "people" and first["index"] == 0
    assert (first["birthday"], first["points"], first["balance"], first["tier"]) == (
        "农历正月初五",
        "1200",
        "300.50",
        "金卡",
    )
    assert (first["registered_on"], first["raw:喜好"]) == ("2024-01-05", "不吃辣")
    assert "secret" not in str(reading) and "hidden" not in str(reading.extras.to_pylist())
    assert all("密码" not in name for name in reading.extras.column_names)


def test_customers_without_anything_to_know_them_by_come_back(till: Till) -> None:
    reading = till("会员编号,姓名,手机号,积分\nV001,王芳,13912345679,5\n,,,7\n合计,,,12\n4.00123E+27,李,,1")
    assert reading.people.num_rows == 1
    assert [p.row for p in reading.refused] == [3, 5]


def test_sales_and_customers_may_come_together(till: Till) -> None:
    reading = till(
        "手机号,消费时间,实收金额,口味\n13912345679,2026-01-05,5,辣",
        "手机号,姓名,生日\n13912345679,王芳,05-06",
    )
    assert (reading.sales.num_rows, reading.people.num_rows) == (1, 1)
    assert {(e["of"], e["index"]) for e in reading.extras.to_pylist()} == {("sales", 0), ("people", 0)}


def test_the_owner_says_what_a_column_is(till: Till) -> None:
    table = "甲,乙,丙,丁\nK1,2026-01-05,5,秘密\nK2,2026-01-06,6,秘密"
    reading = till(table, mapping={"甲": "card", "乙": "date", "丙": "amount", "丁": "ignore"})
    assert reading.sales["card"].to_pylist() == ["K1", "K2"]
    assert "秘密" not in str(reading.extras.to_pylist())


def test_what_the_owner_says_wins_over_what_was_guessed(till: Till) -> None:
    reading = till("会员号,消费时间,实收金额,应收\nA,2026-01-05,5,9", mapping={"应收": "amount"})
    assert reading.sales["amount"].to_pylist() == [900]


def test_a_mapping_of_a_column_that_is_not_there_is_refused_by_name(till: Till) -> None:
    with pytest.raises(Refused, match="会员好"):
        till("会员号,消费时间,实收金额\nA,2026-01-05,5", mapping={"会员好": "member"})
    with pytest.raises(Refused, match="ammount"):
        till("会员号,消费时间,实收金额\nA,2026-01-05,5", mapping={"实收金额": "ammount"})


def test_a_store_can_be_given_to_all_rows(till: Till) -> None:
    assert till("会员号,消费时间,实收金额\nA,2026-01-05,5", store="二店").sales["store"].to_pylist() == [
        "二店"
    ]


def test_a_file_with_neither_sales_nor_customers_is_refused_with_a_way_out(till: Till) -> None:
    with pytest.raises(Refused, match="--map"):
        till("ts,visits,items\n2016-10-30,79,180\n2016-10-31,96,205")


def test_the_currency_stays_with_the_amount(till: Till) -> None:
    assert till("会员号,时间,金额\nA,2026-01-05,HK$5\nB,2026-01-05,7").sales["currency"].to_pylist() == [
        "HKD",
        None,
    ]


CELLS = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", "", "散客", "4.1E+20", "t**1"]),
        st.sampled_from(["2026-01-05", "2026-01-06 10:00", "", "昨天", "46027"]),
        st.sampled_from(["5", "-3", "", "1.2万", "￥1000.00"]),
        st.sampled_from(["T1", "T2", "", "4E+19"]),
        st.sampled_from(["已完成", "已取消", ""]),
    ),
    min_size=1, max_size=25,
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(CELLS)
def test_every_row_is_taken_refused_or_no_sale_and_no_fen_is_lost(
    till: Till, cells: list[tuple[str, ...]]
) -> None:
    table = "会员号,消费时间,实收金额,订单号,订单状态\n" + "\n".join(",".join(row) for row in cells)
    try:
        reading = till(table)
    except Refused:
        return
    fen = {"5": 500, "-3": -300, "￥1000.00": 100000}
    sold = sum(
        fen[amount]
        for member, time, amount, receipt, status in cells
        if amount in fen
        and time not in ("", "昨天")
        and "E+" not in member + receipt
        and (status != "已取消" or amount == "-3")
    )
    with_another = sum(
        fen[cells[problem.row - 2][2]]
        for problem in reading.refused
        if problem.row and problem.reason == OTHER_LINE
    )
    assert sum(reading.sales["amount"].to_pylist()) + with_another == sold


def test_daily_subtotals_with_a_date_are_no_sales(till: Till) -> None:
    reading = till(
        "订单号,会员号,下单时间,实收金额\nT1,A,2026-01-05,5\n小计,,2026-01-05,5\nT2,A,2026-01-06,7\n合计,,2026-01-06,12"
    )
    assert (reading.rows, reading.sales["amount"].to_pylist()) == (2, [500, 700])


def test_one_number_of_two_tills_is_two_receipts(till: Till) -> None:
    reading = till("单号,结账时间,会员号,实收金额\n1,2026-05-01 10:00,M1,300\n1,2026-05-01 18:00,M2,50")
    assert reading.sales.select(["member", "amount"]).to_pylist() == [
        {"member": "M1", "amount": 30000}, {"member": "M2", "amount": 5000},
    ]  # fmt: skip


def test_a_receipt_that_names_its_customer_on_some_lines_only_stays_one(till: Till) -> None:
    reading = till("""单号,结账时间,会员号,手机号,菜品名称,实收金额
        1,2026-05-01 10:00,,,鱼,10
        1,2026-05-01 10:00,M1,13912345679,肉,20
        1,2026-05-01 10:00,,13912345679,菜,30
        1,2026-05-01 10:00,,,茶,40
        1,2026-05-01 18:00,M2,,面,50
        1,2026-05-01 18:00,,,汤,5
        2,2026-05-01 19:00,,13912345679,面,7
        2,2026-05-01 19:30,M3,,面,8""")
    assert reading.sales.select(["receipt", "member", "phone", "amount"]).to_pylist() == [
        {"receipt": "1", "member": "M1", "phone": "13912345679", "amount": 10000},
        {"receipt": "1", "member": "M2", "phone": None, "amount": 5500},
        {"receipt": "2", "member": None, "phone": "13912345679", "amount": 700},
        {"receipt": "2", "member": "M3", "phone": None, "amount": 800},
    ]
    assert reading.lines["sale"].to_pylist() == [0, 0, 0, 0, 1, 1, 2, 3]


@pytest.mark.parametrize(
    "words", ["当日合计", "日合计", "合计(2笔)", "总计2笔", "【合计】", "2026-11合计", "11月合计", "Total:"]
)
def test_totals_with_a_date_and_an_amount_are_no_sales(till: Till, words: str) -> None:
    reading = till(
        f"单号,会员号,下单时间,实收金额\nT1,A,2026-11-05,5\nT2,A,2026-11-06,7\n{words},,2026-11-06,12"
    )
    assert (reading.rows, reading.sales["amount"].to_pylist()) == (2, [500, 700])


@pytest.mark.parametrize(
    "line", ["共 2 笔,,,300", "总额,,,300", "2026-11合计,,,300", ",,2026-11合计,300", "共2单,,,"]
)
def test_totals_without_a_date_are_passed_over_and_not_refused(till: Till, line: str) -> None:
    reading = till(f"单号,会员号,下单时间,实收金额\nT1,A,2026-11-05,5\n{line}")
    assert (reading.rows, reading.refused) == (1, [])


def test_a_customer_and_a_dish_may_sound_like_a_total(till: Till) -> None:
    reading = till("""单号,姓名,会员号,菜品名称,下单时间,实收金额
        SUM001,合计先生,M1,总统套餐,2026-11-05,5
        共享01,总小姐,M2,小计时器,2026-11-05,5""")
    assert reading.sales["amount"].to_pylist() == [500, 500]


def test_an_order_paid_back_in_full_is_worth_nothing_and_not_less(till: Till) -> None:
    reading = till("订单号,会员号,下单时间,实收金额,退款金额\nT1,A,2026-01-05,0,200\nT2,B,2026-01-05,100,30")
    assert reading.sales["amount"].to_pylist() == [0, 7000]


def test_a_line_of_repayment_under_the_number_of_a_sale_is_taken_off(till: Till) -> None:
    reading = till("订单号,会员号,下单时间,实收金额,退款金额\nT1,A,2026-01-05,200,\nT1,A,2026-01-06,0,200")
    assert reading.sales.select(["amount", "refund_of"]).to_pylist() == [
        {"amount": 20000, "refund_of": None}, {"amount": -20000, "refund_of": "T1"},
    ]  # fmt: skip


def test_a_closed_order_of_taobao_that_was_paid_back_is_no_sale(till: Till) -> None:
    reading = till("""订单编号,买家会员名,买家实际支付金额,订单状态,订单付款时间,退款金额
        1,a,0,交易关闭,2026-01-05 12:00:00,200
        2,b,50,交易成功,2026-01-05 12:00:00,0""")
    assert (reading.sales["amount"].to_pylist(), reading.not_sales) == ([5000], 1)


ORDERS = "订单号,会员号,下单时间,实收金额,退款金额,订单状态\n"


@pytest.mark.parametrize("state", ["退款", "退款成功", "已退款"])
def test_a_refunded_order_counts_nothing_whatever_the_other_orders_are(till: Till, state: str) -> None:
    other = "T2,B,2026-01-05,100,30,已完成\nT3,C,2026-01-05,-5,,已完成\n"
    assert sum(till(f"{ORDERS}{other}T1,A,2026-01-05,200,,{state}").sales["amount"].to_pylist()) == 6500
    assert sum(till(f"{ORDERS}{other}T1,A,2026-01-05,200,200,{state}").sales["amount"].to_pylist()) == 6500
    repaid = f"{ORDERS}{other}T1,A,2026-01-05,200,,{state}\nT1,A,2026-01-07,-200,,{state}"
    assert sum(till(repaid).sales["amount"].to_pylist()) == 6500


def test_a_row_of_repayment_is_told_by_its_state(till: Till) -> None:
    head = "订单号,会员号,下单时间,实收金额,订单状态\n"
    reading = till(f"{head}T1,A,2026-01-05,200,已支付\nT1,A,2026-01-07,200,退款")
    assert reading.sales["amount"].to_pylist() == [20000, -20000]
    assert reading.sales["refund_of"].to_pylist() == [None, "T1"]


def test_an_item_that_came_back_is_left_out_of_its_receipt(till: Till) -> None:
    head = "订单号,会员号,下单时间,商品名称,金额,订单状态\n"
    reading = till(f"{head}T1,A,2026-01-05,茶,100,交易成功\nT1,A,2026-01-05,杯子,50,退款成功")
    assert reading.sales["amount"].to_pylist() == [10000]


def test_a_receipt_with_a_line_that_cannot_be_read_comes_back_whole(till: Till) -> None:
    reading = till("""单号,结账时间,会员号,菜品名称,金额
        R1,2026-05-01 12:00,A,鱼,30
        R1,2026-05-01 12:00,A,肉,70
        R2,2026-05-01 12:30,B,面,8
        R1,2026-05-01 12:00,A,汤,二十
        R3,2026-05-02 12:00,C,茶,5
        R3,昨天,C,茶,5
        R4,2026-05-02 12:00,D,茶,6
        R4,2026-05-02 12:00,D,茶,6,7
        R1,2026-05-03 12:00,E,茶,9""")
    assert reading.sales.select(["receipt", "amount"]).to_pylist() == [
        {"receipt": "R2", "amount": 800}, {"receipt": "R1", "amount": 900},
    ]  # fmt: skip
    said = {problem.row: (problem.value, problem.reason.zh) for problem in reading.refused}
    assert said == {
        2: ("R1", "同一张单的另一行读不懂。"), 3: ("R1", "同一张单的另一行读不懂。"), 5: ("二十", "这不是金额。"),
        6: ("R3", "同一张单的另一行读不懂。"), 7: ("昨天", "这不是能看懂的日期。"), 8: ("R4", "同一张单的另一行读不懂。"),
        9: (said[9][0], "这一行比表头多出 1 格，对不上列。"),
    }  # fmt: skip
    assert sorted(reading.refused_rows["row"].to_pylist()) == sorted(said)


def test_pages_that_cut_a_receipt_in_two_are_right_when_they_come_together(till: Till) -> None:
    head = "单号,结账时间,会员号,金额\n"
    pages = [f"{head}R1,2026-05-01 12:00,A,30\nR1,2026-05-01 12:00,A,70", f"{head}R1,2026-05-01 12:00,A,20"]
    assert sum(till(*pages).sales["amount"].to_pylist()) == 12000


@pytest.mark.parametrize("header", ["订单金额", "订单实付金额", "实际支付金额", "账单金额", "order total"])
def test_one_order_that_repeats_its_total_counts_once(till: Till, header: str) -> None:
    reading = till(f"""订单号,会员号,下单时间,商品名称,{header}
        1,A,2026-01-05,茶,90
        1,A,2026-01-05,杯子,90
        2,B,2026-01-06,茶,30""")
    assert reading.sales["amount"].to_pylist() == [9000, 3000]


def test_price_and_quantity_tell_a_repeated_total_from_lines_of_one_price(till: Till) -> None:
    head = "订单号,会员号,下单时间,商品名称,数量,单价,实收金额\n"
    repeated = till(f"{head}1,A,2026-01-05,茶,1,60,90\n1,A,2026-01-05,杯子,1,30,90")
    own = till(f"{head}1,A,2026-01-05,茶,1,30,30\n1,A,2026-01-05,杯子,2,15,30")
    assert (repeated.sales["amount"].to_pylist(), own.sales["amount"].to_pylist()) == ([9000], [6000])


def birthdays(reading: Reading) -> list[str]:
    return reading.extras["birthday"].to_pylist()


def test_one_birthday_decides_for_its_column_and_so_does_the_owner(till: Till) -> None:
    table = "会员号,姓名,生日\nM1,王芳,06/05/1990\nM2,李雷,25/12/1991\nM3,单小明,1988-03-04"
    assert birthdays(till(table)) == ["1990-05-06", "1991-12-25", "1988-03-04"]
    one = "会员号,姓名,生日\nM1,王芳,06/05/1990"
    assert birthdays(till(one, dates="dmy")) == ["1990-05-06"]
    assert birthdays(till(one, dates="mdy")) == ["1990-06-05"]


def test_birthdays_that_cannot_be_read_are_said(till: Till) -> None:
    reading = till("""会员号,姓名,生日
        M1,王芳,06/05/1990
        M2,李雷,1990-13-45
        M3,单小明,1990-02-29
        M4,赵云,1970-01-01
        M5,孙权,八月十五
        M6,周瑜,""")
    (said,) = [w.zh for w in reading.warnings if "生日" in w.zh]
    assert "「生日」列有 3 个" in said and "06/05/1990" in said and "--dates" in said
    assert birthdays(reading)[0] == "06/05/1990"


def test_a_list_without_headers_that_tells_birthdays_is_one_of_customers(till: Till) -> None:
    reading = till("13912345679,张三,1990-05-06\n13912345671,李四,2008-02-29\n13912345670,王五,1971-11-30")
    assert reading.sales.num_rows == 0
    assert reading.people.select(["phone", "name"]).to_pylist()[0] == {"phone": "13912345679", "name": "张三"}
    assert birthdays(reading) == ["1990-05-06", "2008-02-29", "1971-11-30"]
    assert till("13912345679,张三,1990-05-06").people.num_rows == 1


def test_a_list_without_headers_of_days_of_this_year_is_one_of_attendances(till: Till) -> None:
    reading = till("13912345679,2026-05-06\n13912345671,2026-05-07")
    assert reading.sales["kind"].to_pylist() == ["attendance", "attendance"]


def test_what_a_cashier_types_for_nobody_is_nobody(till: Till) -> None:
    numbers = ["临时", "默认", "顾客", "普通散客", "-1", "−1", "99999999", "0000", "9999", "M1"]
    rows = "\n".join(f"{number},2026-05-01,5" for number in numbers)
    reading = till(f"会员号,消费日期,实收金额\n{rows}")
    assert reading.sales["member"].drop_null().to_pylist() == ["9999", "M1"]
    phones = till(
        "手机号,消费日期,实收金额\n13888888888,2026-05-01,5\n138 8888 8888,2026-05-01,5\n13888888889,2026-05-01,5"
    )
    assert phones.sales["phone"].to_pylist() == [None, None, "13888888889"]


def test_masked_numbers_do_not_make_member_numbers_of_real_phones(till: Till) -> None:
    members = ["139****5670", "139****5671", "139****5672", "13912345679", "--"]
    rows = "\n".join(f"2026-05-01,{k},已结账,8,5,{member}" for k, member in enumerate(members))
    reading = till(f"营业日期,订单号,订单状态,桌牌号,支付合计（元）,会员\n{rows}")
    assert reading.sales["phone"].to_pylist() == [None, None, None, "13912345679", None]
    assert reading.sales["member"].null_count == 5
