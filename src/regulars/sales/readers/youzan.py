"""Youzan (有赞): customers and orders of an online shop."""

from __future__ import annotations

from regulars.sales.readers.contract import Reader
from regulars.shop.words import Words

CUSTOMERS = Reader(
    key="youzan-customers",
    name=Words("有赞客户", "Youzan customers"),
    kind="customers",
    signature=(("客户姓名", "客户昵称"), ("客户手机号",), ("客户积分", "客户储值余额", "免费等级")),
    columns={
        "name": ("客户姓名", "客户昵称"),
        "phone": ("客户手机号",),
        "tier": ("付费等级", "免费等级"),
        "points": ("客户积分",),
        "balance": ("客户储值余额",),
        "birthday": ("生日", "客户生日"),
        "sex": ("性别", "客户性别"),
        "tags": ("客户标签", "标签"),
        "registered_on": ("成为客户时间", "成为会员时间", "创建时间"),
        "note": ("备注", "客户备注"),
    },
)

ORDERS = Reader(
    key="youzan-orders",
    name=Words("有赞订单", "Youzan orders"),
    kind="sales",
    signature=(("订单号",), ("买家昵称", "买家手机号"), ("订单状态",), ("买家付款时间",)),
    columns={
        "receipt": ("订单号",),
        "time": ("买家付款时间",),
        "phone": ("买家手机号", "收货人手机号/提货人手机号", "收货人手机号", "收货人电话"),
        "name": ("收货人/提货人", "收货人", "买家姓名", "买家昵称"),
        "amount": ("订单实付金额", "实付金额", "实收金额"),
        "gross": ("商品金额合计",),
        "discount": ("店铺优惠合计",),
        "refund": ("订单已退款金额", "退款金额"),
        "item": ("全部商品名称", "商品名称"),
        "quantity": ("订单商品总件数",),
        "status": ("订单状态",),
        "store": ("归属店铺", "店铺名称"),
        "address": ("收货人详细地址", "收货地址"),
        "note": ("买家备注", "商家备注", "订单备注"),
    },
    unpaid_without="time",
    currency="CNY",
)
