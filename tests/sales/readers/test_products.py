# ruff: noqa: DTZ001 - a till knows wall time only
"""The exports of each product in their own layout, as small samples written here."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from regulars.sales.reading import Reading, read
from regulars.shop.words import Refused


def taken(*paths: Path, **how: object) -> Reading:
    """A reading of which every row is accounted for."""
    reading = read(paths, **how)  # type: ignore[arg-type]
    assert reading.rows == reading.taken + len(reading.refused) + reading.not_sales
    return reading


def written(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_text("\n".join(line.strip() for line in text.strip().splitlines()) + "\n", encoding=encoding)
    return path


# ── Meituan ──

ORDERS = (
    "营业日期", "订单号", "经营模式", "订单来源", "用餐方式", "下单时间", "结账时间", "取餐号", "流水号", "桌牌号", "桌台类型",
    "桌台区域", "用餐人数", "订单金额（元）", "顾客应付（元）", "支付合计（元）", "订单优惠（元）", "订单收入（元）", "结账方式", "订单状态",
)  # fmt: skip
CHAIN = (
    "门店", "机构编码", "营业日期", "订单号", "经营模式", "订单来源", "用餐方式", "下单时间", "结账时间", "退单时间", "取餐号", "桌牌号",
    "全渠道流水号", "桌台区域", "用餐人数", "订单金额（元）", "顾客应付（元）", "支付合计（元）", "订单优惠（元）", "订单收入（元）", "结账方式",
    "订单状态", "退单标识", "菜品收入（元）", "预定用餐时间", "会员", "整单备注", "敏感操作",
)  # fmt: skip
PAYMENTS = (
    "门店", "机构编码", "订单编号", "支付方式", "支付金额（元）", "支付优惠（元）", "收入（元）", "支付时间", "是否退款", "状态", "操作人",
    "支付商户号", "流水号",
)  # fmt: skip
DISHES = (
    "门店", "机构编码", "订单编号", "取餐号", "桌牌号", "菜品编码", "菜品名称", "规格", "做法", "加料", "销售数量", "单位", "金额合计（元）",
    "菜品优惠（元）", "菜品收入（元）", "备注",
)  # fmt: skip


def sheet(
    book: openpyxl.Workbook,
    title: str,
    head: tuple[str, ...],
    rows: list[dict[str, object]],
    total: bool = True,
) -> None:
    """A sheet as Meituan lays it out: title, filters, headers in row 3, data, totals; empty is --."""
    page = book.create_sheet(title)
    page.append([title])
    page.append(["营业日期：2026-01-01~2026-01-31", "", "导出人：店长"])
    page.append(list(head))
    for row in rows:
        page.append([row.get(name.removesuffix("（元）"), "--") for name in head])
    if total:
        page.append(["合计", *[""] * (len(head) - 2), 999])


def test_meituan_of_a_single_shop_keeps_the_business_day_and_leaves_out_what_was_reversed(
    tmp_path: Path,
) -> None:
    book = openpyxl.Workbook()
    order = {
        "营业日期": "2026/01/05",
        "用餐方式": "堂食",
        "桌牌号": "A1",
        "用餐人数": 4,
        "订单金额": 200,
        "支付合计": 180.5,
        "订单状态": "已结账",
    }
    sheet(book, "订单明细", ORDERS, [
        order | {"订单号": 123.0, "结账时间": "2026/01/06 01:30:00"},
        order | {"订单号": 124.0, "结账时间": "2026/01/05 20:00:00", "订单状态": "反结账"},
        order | {"订单号": 125.0, "结账时间": "2026/01/05 21:00:00", "订单状态": "整单退"},
        order | {"订单号": 126.0, "结账时间": "2026/01/05 22:00:00", "支付合计": -20, "订单状态": "已完成"},
    ])  # fmt: skip
    sheet(
        book,
        "优惠",
        ("订单编号", "优惠名称", "优惠金额（元）"),
        [{"订单编号": 123, "优惠名称": "满减", "优惠金额": 20}],
    )
    path = tmp_path / "店内订单明细.xlsx"
    book.save(path)
    reading = taken(path)
    assert [g.reader for g in reading.guesses] == ["meituan"]
    first = reading.sales.to_pylist()[0]
    assert (first["receipt"], first["row"], first["day"]) == ("123", 4, dt.date(2026, 1, 5))
    assert (first["at"], first["amount"], first["party_size"]) == (dt.datetime(2026, 1, 6, 1, 30), 18050, 4)
    assert reading.sales["kind"].to_pylist() == ["sale", "refund"]
    assert (reading.rows, reading.not_sales, reading.identity) == (4, 2, "none")


def chain(folder: Path) -> Path:
    book = openpyxl.Workbook()
    order = {
        "门店": "一店",
        "营业日期": "2026-01-05",
        "用餐方式": "堂食",
        "支付合计": 100,
        "订单状态": "已完成",
        "退单标识": "否",
    }
    sheet(book, "全渠道订单明细", CHAIN, [
        order | {"订单号": "D1", "结账时间": "2026-01-05 12:00:00", "会员": "13912345679"},
        order | {"订单号": "D2", "结账时间": "2026-01-05 13:00:00", "整单备注": "生日"},
        order | {"订单号": "D3", "结账时间": "2026-01-05 14:00:00", "退单标识": "是"},
    ])  # fmt: skip
    sheet(book, "支付明细", PAYMENTS, [
        {"门店": "一店", "订单编号": "D1", "支付方式": "现金", "支付金额": 100, "支付时间": "2026-01-05 12:00:00", "是否退款": "否"},
        {"门店": "一店", "订单编号": "D2", "支付方式": "微信", "支付金额": 60, "支付时间": "2026-01-05 13:00:00", "是否退款": "否", "流水号": "W77"},
        {"门店": "一店", "订单编号": "D2", "支付方式": "现金", "支付金额": 40, "支付时间": "2026-01-05 13:00:00", "是否退款": "否"},
    ])  # fmt: skip
    sheet(book, "菜品明细", DISHES, [
        {"门店": "一店", "订单编号": "D1", "菜品名称": "毛肚", "销售数量": 2, "菜品收入": 58},
        {"门店": "一店", "订单编号": "D2", "菜品名称": "虾滑", "销售数量": 1, "菜品收入": 42},
    ])  # fmt: skip
    path = folder / "全渠道订单明细.xlsx"
    book.save(path)
    return path


def test_meituan_of_a_chain_joins_orders_payments_and_dishes(tmp_path: Path) -> None:
    reading = taken(chain(tmp_path))
    assert [g.kind for g in reading.guesses] == ["sales", "payments", "lines"]
    assert reading.sales.select(["receipt", "store", "phone", "amount"]).to_pylist() == [
        {"receipt": "D1", "store": "一店", "phone": "13912345679", "amount": 10000},
        {"receipt": "D2", "store": "一店", "phone": None, "amount": 10000},
    ]
    assert reading.lines.select(["sale", "item", "quantity"]).to_pylist() == [
        {"sale": 0, "item": "毛肚", "quantity": 2000}, {"sale": 1, "item": "虾滑", "quantity": 1000},
    ]  # fmt: skip


WECHAT_HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,"
    "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
WECHAT_SUM = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\n`4,`150.00,`20.00,`0.00,`0.90000,`150.00,`20.00"


def wechat_row(
    at: str,
    number: str,
    own: str,
    openid: str,
    state: str,
    paid: str,
    back: str = "0.00",
    back_number: str = "0",
) -> str:
    cells = [at, "wx1", "10000100", "0", "", number, own, openid, "JSAPI", state, "OTHERS", "CNY", paid, "0.00", back_number, "",
             back, "0.00", "", "", "火锅", "", "0.30", "0.60%", paid, back, ""]  # fmt: skip
    return ",".join("`" + cell for cell in cells)


def wechat(folder: Path, encoding: str = "utf-8-sig") -> Path:
    rows = [
        wechat_row("2026-01-05 12:00:00", "4200001", "W76", "oAAA", "SUCCESS", "90.00"),
        wechat_row("2026-01-05 13:00:00", "4200002", "W77", "oBBB", "SUCCESS", "60.00"),
        wechat_row("2026-01-06 10:00:00", "4200002", "W77", "oBBB", "REFUND", "0.00", "20.00", "5000009"),
        wechat_row("2026-01-06 11:00:00", "4.00123E+27", "W78", "oCCC", "SUCCESS", "5.00"),
    ]
    path = folder / "bill.csv"
    path.write_bytes(("\r\n".join([WECHAT_HEAD, *rows, *WECHAT_SUM.splitlines()]) + "\r\n").encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_wechats_bill_knows_the_payer_and_links_repayments(tmp_path: Path, encoding: str) -> None:
    reading = taken(wechat(tmp_path, encoding))
    assert reading.guesses[0].reader == "wechat-pay"
    assert reading.sales.select(["receipt", "openid", "amount", "kind", "refund_of", "currency"]).to_pylist() == [
        {"receipt": "4200001", "openid": "oAAA", "amount": 9000, "kind": "sale", "refund_of": None, "currency": "CNY"},
        {"receipt": "4200002", "openid": "oBBB", "amount": 6000, "kind": "sale", "refund_of": None, "currency": "CNY"},
        {"receipt": "5000009", "openid": "oBBB", "amount": -2000, "kind": "refund", "refund_of": "4200002", "currency": "CNY"},
    ]  # fmt: skip
    assert [(p.row, p.column, p.value) for p in reading.refused] == [(5, "微信订单号", "4.00123E+27")]
    assert reading.rows == 4


def test_wechats_bill_beside_the_tills_orders_names_the_payer_and_adds_no_money(tmp_path: Path) -> None:
    reading = taken(chain(tmp_path), wechat(tmp_path))
    assert reading.sales.select(["receipt", "openid"]).to_pylist() == [
        {"receipt": "D1", "openid": None}, {"receipt": "D2", "openid": "oBBB"},
    ]  # fmt: skip
    assert sum(reading.sales["amount"].to_pylist()) == 20000


ALIPAY = """#支付宝业务明细查询
#账号：[20881234567890120156]
#起始日期：[2026年01月05日 00:00:00]   终止日期：[2026年01月06日 00:00:00]
#-----------------------------------------业务明细列表----------------------------------------
支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注
2026010522001\t,T1\t,交易    ,火锅    ,2026-01-05 12:00:00,2026-01-05 12:00:05,\t,一店,\t,\t,*芳(130****3212)\t,88.00,88.00,0.00,0.00,0.00,0.00,0.00,,0.00,0.00,,-0.53,0.00,
2026010522001\t,T1\t,退款    ,火锅    ,2026-01-06 09:00:00,2026-01-06 09:00:05,\t,一店,\t,\t,*芳(130****3212)\t,-8.00,-8.00,0.00,0.00,0.00,0.00,0.00,,0.00,0.00,R1\t,0.05,0.00,
#-----------------------------------------业务明细列表结束------------------------------------
#交易合计：1笔，商家实收共88.00元
#导出时间：[2026年01月07日 10:00:00]
"""


def test_alipays_zip_is_read_with_its_repayments_and_names_nobody(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("20881234_业务明细.csv", ALIPAY.encode("gb18030"))
        archive.writestr(
            "20881234_业务明细(汇总).csv", "#汇总\n门店编号,交易订单总笔数\n合计,1\n".encode("gb18030")
        )
    path = tmp_path / "alipay.zip"
    path.write_bytes(out.getvalue())
    reading = taken(path)
    assert reading.guesses[0].reader == "alipay"
    assert reading.guesses[0].sheet.header_row == 5
    assert reading.sales.select(["receipt", "amount", "kind", "refund_of", "store"]).to_pylist() == [
        {"receipt": "2026010522001", "amount": 8800, "kind": "sale", "refund_of": None, "store": "一店"},
        {"receipt": "R1", "amount": -800, "kind": "refund", "refund_of": "2026010522001", "store": "一店"},
    ]  # fmt: skip
    assert (reading.identity, reading.rows) == ("none", 2)


def test_taobaos_orders_are_sales_when_they_were_paid(tmp_path: Path) -> None:
    path = written(tmp_path, "ExportOrderList.csv", """
        订单编号,买家会员名,买家应付货款,总金额,买家实际支付金额,订单状态,收货人姓名,收货地址,联系电话,联系手机,订单创建时间,订单付款时间 ,宝贝标题,宝贝总数量,店铺名称
        ="221437973200001",小王,88,88,88,交易成功,王芳,杭州,'null,'17531103964_6603,2026-01-05 10:00:00,2026-01-05 10:01:00,茶叶,2,茶铺
        ="221437973200002",小李,20,20,0,等待买家付款,李雷,北京,,,2026-01-05 11:00:00,,杯子,1,茶铺
        ="221437973200003",t**1,30,30,30,卖家已发货，等待买家确认,赵四,上海,,13912345679,2026-01-05 12:00:00,2026-01-05 12:01:00,碗,1,茶铺
        ="221437973200004",小孙,30,30,0,交易关闭,孙五,上海,,13912345670,2026-01-05 12:00:00,2026-01-05 12:01:00,碗,1,茶铺
        2.21438E+14,小周,5,5,5,交易成功,周六,广州,,,2026-01-05 13:00:00,2026-01-05 13:01:00,勺,1,茶铺""", "gbk")  # fmt: skip
    reading = taken(path)
    assert reading.guesses[0].reader == "taobao"
    assert reading.sales.select(["receipt", "member", "phone", "amount"]).to_pylist() == [
        {"receipt": "221437973200001", "member": "小王", "phone": None, "amount": 8800},
        {"receipt": "221437973200003", "member": None, "phone": "13912345679", "amount": 3000},
    ]
    assert reading.not_sales == 2
    assert [p.column for p in reading.refused] == ["订单编号"]
    assert reading.lines["item"].to_pylist() == ["茶叶", "碗"]


def test_youzans_customers_and_orders(tmp_path: Path) -> None:
    customers = written(
        tmp_path,
        "客户.csv",
        "客户姓名,客户昵称,免费等级,付费等级,客户手机号,客户积分,客户储值余额\n王芳,芳芳,V1,,13912345679,120,88.50",
    )
    orders = written(tmp_path, "订单.csv", """
        订单号,买家昵称,订单状态,订单创建时间,买家付款时间,交易成功时间,全部商品名称,商品种类数,订单商品总件数,运费,店铺优惠合计,商品金额合计,收货人手机号/提货人手机号
        E1,芳芳,交易完成,2026-01-05 09:00:00,2026-01-05 09:01:00,,蛋糕,1,2,0,10,98,13912345679
        E2,芳芳,交易关闭,2026-01-05 09:00:00,,,蛋糕,1,1,0,0,49,13912345679""")  # fmt: skip
    reading = taken(customers, orders)
    assert sorted(g.reader for g in reading.guesses) == ["youzan-customers", "youzan-orders"]
    assert reading.sales.select(["phone", "amount"]).to_pylist() == [{"phone": "13912345679", "amount": 8800}]
    assert reading.people["name"].to_pylist() == ["王芳"]
    extra = next(e for e in reading.extras.to_pylist() if e["of"] == "people")
    assert (extra["points"], extra["balance"], extra["tier"]) == ("120", "88.50", "V1")


def test_crmebs_users_and_orders(tmp_path: Path) -> None:
    users = written(tmp_path, "用户.csv", """
        用户ID,昵称,真实姓名,性别,电话,用户等级,用户分组,用户标签,用户类型,用户余额,最后登录时间,注册时间,是否注销
        7,芳芳,王芳,女,13912345679,银卡,,爱吃辣,wechat,12.00,2026-01-05 10:00:00,2025-01-05 10:00:00,未注销
        8,走了,,男,13912345670,,,,h5,0.00,,2025-01-05 10:00:00,已注销""")  # fmt: skip
    orders = written(tmp_path, "订单.csv", """
        订单号,收货人姓名,收货人电话,收货地址,商品名称,规格,数量,价格,总价格,实际支付,支付状态,支付时间,订单状态,下单时间,用户备注,商家备注,表单信息
        wx1,王芳,13912345679,杭州,茶,,1,30,30,28,已支付,2026-01-05 10:01:00,未发货,2026-01-05 10:00:00,,,
        wx2,王芳,13912345679,杭州,茶,,1,30,30,28,未支付,,未发货,2026-01-05 10:00:00,,,
        wx3,王芳,13912345679,杭州,茶,,1,30,30,28,已支付,2026-01-05 11:01:00,已退款,2026-01-05 11:00:00,,,""")  # fmt: skip
    reading = taken(users, orders)
    assert reading.people.select(["member", "name", "phone"]).to_pylist() == [
        {"member": "7", "name": "王芳", "phone": "13912345679"}
    ]
    assert reading.sales["receipt"].to_pylist() == ["wx1"]
    assert reading.not_sales == 3


@pytest.mark.parametrize("shape", [str, str.upper])
def test_salesforces_records_in_any_case(tmp_path: Path, shape: object) -> None:
    assert callable(shape)
    accounts = written(tmp_path, "Account.csv", shape("Id,IsDeleted,Name,BillingStreet,BillingCity,Phone,AccountSource,OwnerId,CreatedDate") + """
        001A000001abCDeIAM,false,Acme Ltd,1 Road,Paris,+44 20 7946 0958,Web,005,2026-01-05T20:30:00.000Z
        001A000001abCDe,true,Gone Inc,,,,,005,2026-01-05T20:30:00.000Z""")  # fmt: skip
    contacts = written(tmp_path, "Contact.csv", shape("Id,IsDeleted,AccountId,LastName,FirstName,MobilePhone,Email,Birthdate,LeadSource") + """
        003A000001xyZ12QAE,false,001A000001abCDeIAM,Wang,Fang,+86 139 1234 5679,w@example.com,1990-05-06,Web""")  # fmt: skip
    deals = written(tmp_path, "Opportunity.csv", shape("Id,IsDeleted,AccountId,Name,StageName,Amount,CloseDate,IsClosed,IsWon,OwnerId,CreatedDate") + """
        006A0000003AAAAIA4,false,001A000001abCDeIAM,Deal,Closed Won,1200.50,2026-01-05,true,true,005,2026-01-01T20:30:00.000Z
        006A0000003BBBBIA4,false,001A000001abCDeIAM,Deal,Closed Lost,900,2026-01-05,true,false,005,2026-01-01T20:30:00.000Z
        006A0000003CCCCIA4,true,001A000001abCDeIAM,Deal,Closed Won,900,2026-01-05,true,true,005,2026-01-01T20:30:00.000Z""")  # fmt: skip
    orders = written(tmp_path, "Order.csv", shape("Id,AccountId,EffectiveDate,Status,TotalAmount,OrderNumber,IsReductionOrder,OriginalOrderId,IsDeleted,CurrencyIsoCode") + """
        801A0000000AAAAIA4,001A000001abCDeIAM,2026-01-06,Activated,300,00000100,false,,false,EUR
        801A0000000BBBBIA4,001A000001abCDeIAM,2026-01-07,Activated,50,00000101,true,801A0000000AAAAIA4,false,EUR
        801A0000000CCCCIA4,001A000001abCDeIAM,2026-01-07,Draft,70,00000102,false,,false,EUR""")  # fmt: skip
    reading = taken(accounts, contacts, deals, orders)
    assert sorted(g.reader for g in reading.guesses) == [
        "salesforce-accounts", "salesforce-contacts", "salesforce-opportunities", "salesforce-orders",
    ]  # fmt: skip
    assert reading.people.select(["member", "phone", "name", "company"]).to_pylist() == [
        {"member": "001A000001abCDe", "phone": "+442079460958", "name": "Acme Ltd", "company": True},
        {"member": "003A000001xyZ12", "phone": "13912345679", "name": "Fang Wang", "company": False},
    ]
    assert reading.sales.select(["member", "amount", "kind", "refund_of", "currency"]).to_pylist() == [
        {"member": "001A000001abCDe", "amount": 120050, "kind": "sale", "refund_of": None, "currency": None},
        {"member": "001A000001abCDe", "amount": 30000, "kind": "sale", "refund_of": None, "currency": "EUR"},
        {
            "member": "001A000001abCDe",
            "amount": -5000,
            "kind": "refund",
            "refund_of": "801A0000000AAAA",
            "currency": "EUR",
        },
    ]
    assert reading.not_sales == 4
    made = [e["registered_on"] for e in reading.extras.to_pylist() if e["of"] == "people"]
    assert made[0] == "2026-01-06"


@pytest.mark.parametrize(
    "head", ["客户编码,客户名称,类别,价格等级,信用额度,业务员,结算期限,联系电话", "number,name,group_name,c_level_name,credit_limit,saler_name,setting_term_name,invoice_phone"],
)  # fmt: skip
def test_kingdees_customers_are_companies(tmp_path: Path, head: str) -> None:
    reading = taken(
        written(tmp_path, "客户.csv", head + "\nKH001,老王粮油,批发,一级,50000,小张,月结30天,13912345679")
    )
    assert reading.guesses[0].reader == "kingdee-customers"
    assert reading.people.to_pylist() == [
        {
            "row": 2,
            "member": "KH001",
            "card": None,
            "phone": "13912345679",
            "openid": None,
            "name": "老王粮油",
            "company": True,
        }
    ]


def test_a_restaurants_tables_as_they_stand_are_joined_and_the_passwords_unread(tmp_path: Path) -> None:
    orders = written(
        tmp_path,
        "info.csv",
        """
        "info_id","emp_id","number_consumers","mode","expenditure","use_start_time","order_number","order_status","phone","name"
        417,1442,4,NA,165,"2016/8/1 11:05:36",NA,1,13912345679,"苗宇怡"
        418,1442,2,NA,90,"2016/8/1 12:05:36",NA,0,13912345670,"赵颖\"""",
    )
    lines = written(
        tmp_path,
        "detail.csv",
        """
        detail_id,order_id,dishes_name,parent_class_name,counts,amounts,place_order_time
        1,417,白饭/小碗,NA,4,1,2016/8/1 11:06:00
        2,417,凉拌菠菜,NA,1,161,2016/8/1 11:06:00
        3,418,凉拌菠菜,NA,1,90,2016/8/1 12:06:00""",
    )
    users = written(
        tmp_path,
        "users.csv",
        "USER_ID,ACCOUNT,NAME,PASSWORD,TEL,CREATED,sex\n982,苗宇怡,myy,geheim,13912345679,2014/8/18 21:41:57,女",
        "gb18030",
    )
    reading = taken(orders, lines, users)
    assert reading.sales.select(["receipt", "phone", "amount", "party_size"]).to_pylist() == [
        {"receipt": "417", "phone": "13912345679", "amount": 16500, "party_size": 4}
    ]
    assert reading.lines.select(["item", "quantity", "amount"]).to_pylist() == [
        {"item": "白饭/小碗", "quantity": 4000, "amount": 400}, {"item": "凉拌菠菜", "quantity": 1000, "amount": 16100},
    ]  # fmt: skip
    assert reading.people["member"].to_pylist() == ["982"]
    assert reading.not_sales == 2
    assert "geheim" not in str(reading.extras.to_pylist()) + str(reading.guesses[2].samples)


TILLS = """
2Dfire      账单号,开单时间,台号,客人数,会员卡号,营业额,优惠金额,实收金额,收银员
Hualala     账单流水号,结账时间,桌台号,就餐人数,会员卡号,流水金额,折扣金额,实收合计,服务员
Keruyun     订单编号,下单时间,餐台,用餐人数,会员卡号,账单金额,优惠金额,实付金额,收银员
Pospal      流水号,销售时间,桌号,人数,会员编号,原价,折扣金额,到手金额,导购
English     Receipt No,Time,Table,Guests,Card Number,Gross,Discount,Net Amount,Cashier
"""


@pytest.mark.parametrize("line", TILLS.strip().splitlines())
def test_every_usual_till_is_read_by_its_headers(tmp_path: Path, line: str) -> None:
    head = line.split(maxsplit=1)[1]
    reading = taken(written(tmp_path, "till.csv", head + "\nT1,2026-01-05 12:00:00,A1,3,K001,100,10,90,小张"))
    sale = reading.sales.to_pylist()[0]
    assert (sale["receipt"], sale["amount"], sale["party_size"], sale["staff"]) == ("T1", 9000, 3, "小张")
    assert "K001" in (sale["card"], sale["member"])


def test_a_menu_is_neither_sales_nor_customers(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        read(
            written(
                tmp_path,
                "dishes.csv",
                "id,dishes_class_id,dishes_name,price,amt_discount\n610071,3610,42度海之蓝,99,0",
            )
        )


def test_an_order_of_crmeb_with_several_goods_was_paid_once(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "订单号,收货人姓名,收货人电话,商品名称,数量,价格,总价格,实际支付,支付状态,支付时间,订单状态,下单时间\n"
        "wx1,王芳,13912345679,茶,1,60,60,90,已支付,2026-01-05 12:00:00,已完成,2026-01-05 11:59:00\n"
        "wx1,王芳,13912345679,杯子,1,40,40,90,已支付,2026-01-05 12:00:00,已完成,2026-01-05 11:59:00\n",
        encoding="utf-8",
    )
    assert read(path).sales["amount"].to_pylist() == [9000]
