"""Taobao and Tmall orders, as the seller's back office exports them.

An order without 订单付款时间 was never paid; a closed one came to nothing. 买家实际支付金额 already has the
refunds taken off in some of these exports and not in others: the file itself decides (`receipts.py`).
"""

from __future__ import annotations

from regulars.sales.readers.contract import Reader
from regulars.shop.words import Words

READER = Reader(
    key="taobao",
    name=Words("淘宝 / 天猫订单", "Taobao / Tmall orders"),
    kind="sales",
    signature=(
        ("买家实际支付金额", "买家应付货款"),
        ("订单付款时间", "订单创建时间"),
    ),
    columns={
        "receipt": ("订单编号",),
        "member": ("买家会员名",),
        "time": ("订单付款时间", "订单创建时间"),
        "amount": ("买家实际支付金额", "买家应付货款"),
        "gross": ("总金额",),
        "refund": ("退款金额",),
        "item": ("宝贝标题",),
        "category": ("类别",),
        "quantity": ("宝贝总数量",),
        "status": ("订单状态",),
        "name": ("收货人姓名",),
        "phone": ("联系手机", "联系电话"),
        "store": ("店铺名称",),
        "sex": ("性别",),
        "address": ("收货地址",),
        "note": ("订单备注",),
    },
    not_sales=("等待买家付款", "交易关闭", "已关闭", "未付款", "取消"),
    unpaid_without="time",
    lines_of=None,
    currency="CNY",
)
