"""What the columns of a file are called, in the languages of tills, shops and programs.

`FIELDS` is the whole vocabulary: the first name of a field that a file has is taken. Readers for one product
bring their own table; this one serves every other file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

_UNITS = re.compile(r"[(\[](元|￥|¥|rmb|cny|yuan|单位:?元|人民币|件|人|份|必填|选填|可选)[)\]]")
_JUNK = re.compile(r"[\s_\-.*:：`'\"#\u200b\ufeff/]+")


def plain(header: str) -> str:
    """A header without case, blanks, units and signs, so that spellings of one thing meet.

    >>> plain("订单金额（元） "), plain("Customer ID"), plain("customer_id")
    ('订单金额', 'customerid', 'customerid')
    """
    text = unicodedata.normalize("NFKC", header).lower()
    return _JUNK.sub("", _UNITS.sub("", text))


# Columns that are never read, not even into a sample or a file of refused rows.
SECRET = (
    "密码", "密码(明文)", "登录密码", "支付密码", "交易密码", "会员密码",
    "password", "passwd", "pwd", "answer", "密保答案",
)  # fmt: skip

_SECRET = re.compile(
    r"密码|口令|密保|password|passwd|passcode|^(pwd|pass|pin|answer|userpwd|loginpwd|paypwd)$"
)


def secret(header: str) -> bool:
    """Whether a column may hold passwords, however a till calls it.

    >>> [secret(h) for h in ("会员登录密码", "支付密码(6位)", "PassWord_2", "PWD", "pinned", "商品")]
    [True, True, True, True, False, False]
    """
    return _SECRET.search(plain(header)) is not None


# Fields of the contract first, then the inner ones that readers need to get there.
FIELDS: dict[str, tuple[str, ...]] = {
    "receipt": (
        "订单号", "订单编号", "单号", "账单号", "小票号", "小票编号", "收银单号", "销售单号", "流水号", "交易单号", "消费单号",
        "账单编号", "账单流水号", "单据编号", "单据号", "交易流水号", "交易号", "结账单号", "商户订单号", "预约单号", "服务单号",
        "receipt", "receipt no", "receipt number", "receipt id", "order id", "order no", "order number", "order",
        "invoice no", "invoice", "invoice number", "invoice id", "transaction id", "trans id", "bill no", "bill id",
        "ticket", "ticket no", "sale id", "check no",
    ),
    "business_date": ("营业日期", "营业日", "账务日期", "business date", "business day"),
    "time": (
        "结账时间", "消费时间", "交易时间", "支付时间", "付款时间", "收款时间", "收银时间", "结算时间", "买单时间", "完成时间",
        "订单付款时间", "下单时间", "点单时间", "开单时间", "点餐时间", "订单创建时间", "创建时间", "开台时间", "到店时间", "签到时间",
        "销售时间", "打卡时间", "核销时间", "消费日期时间", "日期时间", "时间", "反结账时间", "入住时间", "就诊时间", "服务时间", "进店时间",
        "ts", "timestamp", "datetime", "date time", "time", "paid at", "created at", "order time", "transaction time",
        "check in", "checkin", "checkin time", "check in time", "visit time", "visited at", "purchase time",
        "occurred at", "sold at", "invoice date",
    ),
    "date": (
        "消费日期", "交易日期", "日期", "销售日期", "下单日期", "订单日期", "付款日期", "单据日期", "开单日期", "结账日期", "到店日期",
        "签到日期", "就诊日期", "入住日期", "服务日期", "到访日期", "购买日期", "打卡日期",
        "date", "trans date", "transaction date", "order date", "sale date", "sales date", "purchase date",
        "visit date", "day", "bill date",
    ),
    "member": (
        "会员号", "会员编号", "会员id", "客户编号", "客户编码", "客户号", "客户id", "顾客编号", "顾客号", "顾客id", "用户id", "用户编号",
        "会员", "会员账号", "买家会员名", "患者编号", "病历号", "学员编号", "学号", "消费者id", "买家id", "会员代码", "vip号", "vip编号",
        "customer id", "customer no", "customer number", "customer code", "cust id", "customer", "client id",
        "client", "member id", "member no", "member number", "member", "user id", "account no", "account number",
        "buyer id", "patient id", "guest id", "loyalty id",
    ),
    "card": ("会员卡号", "卡号", "会员卡", "实体卡号", "储值卡号", "vip卡号", "card", "card no", "card number", "card id",
             "loyalty card", "membership card"),
    "phone": (
        "手机号", "手机号码", "手机", "会员手机号", "会员手机", "会员电话", "客户手机号", "客户手机", "客户电话", "顾客手机号", "顾客手机",
        "顾客电话", "联系手机", "联系电话", "移动电话", "电话号码", "电话", "预订电话", "预定电话", "预订手机号", "买家手机", "收货人手机",
        "收货人电话", "收货人手机号", "用户手机号", "会员手机号码", "手机电话",
        "phone", "phone number", "phone no", "mobile", "mobile phone", "mobile number", "tel", "telephone", "cell",
        "cellphone", "customer phone", "contact number", "contact phone",
    ),
    "openid": ("用户标识", "openid", "open id", "微信openid", "支付用户标识", "unionid", "buyer user id"),
    "name": (
        "姓名", "会员姓名", "会员名称", "会员名", "客户姓名", "客户名称", "顾客姓名", "顾客", "客户", "真实姓名", "联系人", "用户名", "昵称",
        "会员昵称", "买家昵称", "用户姓名", "收货人姓名", "收货人", "购货单位", "单位名称", "患者姓名", "学员姓名", "预订人",
        "name", "customer name", "full name", "client name", "member name", "contact name", "buyer name", "guest name",
    ),
    "amount": (
        "实收金额", "实付金额", "到手金额", "实收合计", "净收入", "实际支付金额", "买家实际支付金额", "实际支付", "实收", "实付",
        "实付款", "订单实付金额", "支付金额", "付款金额", "收款金额", "支付合计", "订单收入", "商家实收", "消费金额", "实际消费金额", "结算金额",
        "折后金额", "优惠后金额", "折后价", "顾客应付", "应收金额", "成交金额", "价税合计", "金额", "金额合计", "本次消费",
        "消费额", "成交额", "合计金额", "收入", "回款金额",
        "amount", "net amount", "paid amount", "amount paid", "total paid", "paid", "tran amount", "trans amount",
        "transaction amount", "sales amount", "net sales", "order total", "total", "total amount", "grand total",
        "revenue", "spend", "expenditure", "value", "sales", "payment", "invoice amount",
    ),
    "gross": ("营业额", "账单金额", "流水金额", "销售金额", "交易金额", "订单金额", "总金额", "订单总价", "商品金额合计", "总价格",
              "应付金额", "应收", "消费总额", "gross", "gross amount", "gross sales", "subtotal"),
    "discount": ("优惠金额", "折扣金额", "订单优惠", "优惠合计", "店铺优惠合计", "discount", "discount amount"),
    "refund": ("退款金额", "退单金额", "退菜金额", "申请退款金额", "已退金额", "退货金额", "refund", "refund amount",
               "refunded", "amount refunded"),
    "item": ("菜品名称", "商品名称", "菜名", "品名", "菜品", "品项", "消费项目", "消费内容", "购买商品", "产品", "品项名称", "spu名称", "项目名称", "服务项目", "项目", "产品名称", "宝贝标题",
             "商品", "商品信息", "全部商品名称", "货品名称", "存货名称", "课程名称", "套餐名称", "商品标题", "服务名称",
             "item", "items", "item name", "product", "product name", "description", "dish", "service", "sku name"),
    "category": ("菜品分类", "商品分类", "大类", "品类", "类别", "分类", "菜品大类", "商品类别", "项目分类",
                 "category", "product category", "item category"),
    "quantity": ("销售数量", "数量", "件数", "份数", "宝贝总数量", "订单商品总件数", "购买数量",
                 "quantity", "qty", "units", "count", "counts", "item count"),
    "price": ("单价", "价格", "售价", "商品单价", "原价", "标价", "零售价", "price", "unit price", "item price"),
    "party_size": ("就餐人数", "用餐人数", "客人数", "人数", "到店人数", "number consumers", "guests", "party size", "covers", "pax"),
    "store": ("门店", "门店名称", "店铺", "店铺名称", "分店", "店名", "消费门店", "所属门店", "机构名称", "交易门店", "下单门店",
              "store", "store name", "store id", "shop", "shop name", "branch", "outlet", "location"),
    "staff": ("服务员", "收银员", "导购", "店员", "员工", "技师", "销售员", "业务员", "服务人员", "操作员", "操作人", "营业员", "发型师",
              "美容师", "医生", "接诊医生", "负责人", "跟进员工", "专属导购姓名", "顾问", "staff", "cashier", "waiter",
              "server", "employee", "sales person", "salesperson", "technician", "stylist"),
    "occasion": ("用餐目的", "消费场景", "用餐场景", "宴会类型", "到店目的", "occasion", "purpose"),
    "note": ("整单备注", "备注", "订单备注", "商家备注", "客户备注", "说明", "note", "notes", "remark", "remarks", "comment", "memo"),
    "birthday": ("生日", "出生日期", "会员生日", "公历生日", "阳历生日", "出生年月", "客户生日", "生日日期",
                 "birthday", "birthdate", "birth date", "date of birth", "dob"),
    "lunar_birthday": ("农历生日", "阴历生日", "旧历生日", "lunar birthday"),
    "anniversary": ("纪念日", "结婚纪念日", "周年纪念日", "结婚日期", "anniversary", "wedding anniversary", "wedding day"),
    "sex": ("性别", "会员性别", "称谓", "sex", "gender"),
    "address": ("地址", "联系地址", "收货地址", "详细地址", "家庭住址", "住址", "会员地址", "address", "mailing address", "street"),
    "points": ("积分", "会员积分", "积分余额", "可用积分", "客户积分", "当前积分", "剩余积分", "points", "points balance", "point balance"),
    "balance": ("余额", "储值余额", "客户储值余额", "会员余额", "账户余额", "储值本金", "本金余额", "卡余额", "用户余额", "储值金额", "余额(可提现)",
                "balance", "store credit", "credit balance", "wallet balance"),
    "balance_bonus": ("储值赠金", "赠金余额", "赠送余额", "赠送金额", "余额(不可提现)", "bonus balance"),
    "referrer": ("推荐人", "介绍人", "推荐人手机号", "推荐人手机", "介绍人手机", "推荐会员", "邀请人", "上级会员", "推荐人会员号",
                 "referrer", "referred by", "invited by"),
    "company": ("公司", "公司名称", "企业名称", "所属企业", "工作单位", "company", "company name", "account name", "organisation",
                "organization"),
    "tier": ("会员等级", "等级", "会员级别", "会员等级名称", "客户等级", "客户级别", "用户等级", "级别", "免费等级", "付费等级", "会员类型", "卡类型",
             "会员卡类型", "tier", "level", "membership level", "group"),
    "email": ("邮箱", "电子邮箱", "电子邮件", "常用邮箱", "email", "e-mail", "email address"),
    "wechat": ("微信", "微信号", "wechat", "wechat id", "weixin"),
    "tags": ("标签", "客户标签", "会员标签", "用户标签", "企业标签", "tags", "labels"),
    "source": ("来源", "客户来源", "会员来源", "注册来源", "添加方式", "source", "lead source", "channel"),
    "registered_on": ("注册时间", "注册日期", "开卡日期", "开卡时间", "入会时间", "入会日期", "加入时间", "办卡日期", "建档时间", "建档日期", "会员注册时间",
                      "添加时间", "成为会员时间", "成为客户时间", "registered on", "registered at", "registration date",
                      "join date", "joined", "signup date", "member since"),
    "status": ("订单状态", "交易状态", "状态", "账单状态", "单据状态", "order status", "status"),
    "payment_status": ("支付状态", "付款状态", "payment status"),
    "cancelled": ("退单标识", "是否退单", "是否作废", "is cancelled", "cancelled", "voided"),
    "deleted": ("是否注销", "is deleted"),
    "refund_flag": ("是否退款", "业务类型", "退款标识", "单据类型", "交易类型", "is refund"),
    "first_name": ("first name", "given name"),
    "last_name": ("last name", "surname", "family name"),
    "refund_of": ("原订单号", "原单号", "原小票号", "退货原单号", "original receipt", "original order id", "refund of"),
    "currency": ("货币种类", "币种", "货币", "currency", "currency code", "currency iso code"),
    "password": SECRET,
}  # fmt: skip

# What a person may name with --map; the rest is spoken by readers only.
CONTRACT_FIELDS = (
    "receipt", "time", "date", "business_date", "member", "card", "phone", "openid", "name", "amount", "refund",
    "item", "category", "quantity", "price", "party_size", "store", "staff", "occasion", "note", "birthday",
    "lunar_birthday", "anniversary", "sex", "address", "points", "balance", "referrer", "company", "ignore",
)  # fmt: skip

_FIELD_OF = {plain(header): field for field, headers in reversed(FIELDS.items()) for header in headers}


def known(header: str) -> bool:
    """Whether any till we know has a column of this name."""
    return plain(header) in _FIELD_OF


def match(headers: list[str], table: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """{header of the file: field}: for each field the first of its names that the file has, each header once.

    >>> match(["交易时间", "会员手机号 ", "实收金额（元）"], FIELDS)
    {'交易时间': 'time', '会员手机号 ': 'phone', '实收金额（元）': 'amount'}
    """
    by_plain: dict[str, str] = {}
    for header in headers:
        by_plain.setdefault(plain(header), header)
    chosen: dict[str, str] = {}
    for field, names in table.items():
        for name in names:
            found = by_plain.get(plain(name))
            if found is not None and found not in chosen:
                chosen[found] = field
                break
    return {header: chosen[header] for header in headers if header in chosen}


_TOTAL = re.compile(
    r"^(\d[\d年月日号季度周]*)?第?[\d一二三四五]*(本页|当页|全部|当日|本日|每日|单日|日|当月|本月|月|当周|本周|周|年度|本年|年|总|门店|本店)?"
    r"(合计|小计|总计|总和|汇总|共计|总额|共(?=\d)|total|subtotal|grandtotal|sum)",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"[()\[\]【】「」『』〔〕<>《》]")
_COUNTED = re.compile(r"[\d.,笔单条行人次位张桌份件元圆共计¥$]")

_NUMBERED = re.compile(r"^[A-Za-z]+[^\s:]*\d")  # SUM001, TOTAL-12 are numbers of something

TOTALS_HINT = ("计", "汇总", "总和", "总额", "共", "otal", "OTAL", "sum", "SUM", "Sum")
"""What a cell of totals holds somewhere: asked of a column too long to ask about each of its cells."""


def total(text: str) -> bool:
    """Whether a cell begins a line of totals or a footer, which is no sale.

    >>> [total(t) for t in ("合计：", "2026-11合计", "【合计】", "总计2笔", "共 2 笔", "Total: 300")]
    [True, True, True, True, True, True]
    >>> [total(t) for t in ("合计一下", "张合计", "合计先生", "总统套餐", "SUM001")]
    [False, False, False, False, False]
    """
    text = unicodedata.normalize("NFKC", text)
    if _NUMBERED.match(text):
        return False
    text = _JUNK.sub("", _BRACKETS.sub("", text))
    found = _TOTAL.match(text)
    return found is not None and _COUNTED.sub("", text[found.end() :]) == ""
