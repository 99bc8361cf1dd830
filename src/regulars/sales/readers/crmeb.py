"""CRMEB: users and orders of an online shop. Accounts that were closed (是否注销) are left out."""

from __future__ import annotations

from regulars.sales.readers.contract import Reader
from regulars.shop.words import Words

USERS = Reader(
    key="crmeb-users",
    name=Words("CRMEB 用户", "CRMEB users"),
    kind="customers",
    signature=(("用户ID",), ("昵称", "真实姓名"), ("用户等级", "用户分组", "用户余额", "是否注销")),
    columns={
        "member": ("用户ID",),
        "name": ("真实姓名", "昵称"),
        "phone": ("电话", "手机号"),
        "sex": ("性别",),
        "tier": ("用户等级",),
        "tags": ("用户标签", "用户分组"),
        "balance": ("用户余额",),
        "points": ("积分", "用户积分"),
        "birthday": ("生日",),
        "registered_on": ("注册时间",),
        "deleted": ("是否注销",),
    },
)

ORDERS = Reader(
    key="crmeb-orders",
    name=Words("CRMEB 订单", "CRMEB orders"),
    kind="sales",
    signature=(("订单号",), ("实际支付",), ("支付状态",), ("下单时间", "支付时间")),
    columns={
        "receipt": ("订单号",),
        "time": ("支付时间", "下单时间"),
        "member": ("用户ID",),
        "name": ("收货人姓名",),
        "phone": ("收货人电话", "用户电话"),
        "amount": ("实际支付",),
        "gross": ("总价格",),
        "item": ("商品名称",),
        "quantity": ("数量",),
        "status": ("订单状态",),
        "payment_status": ("支付状态",),
        "address": ("收货地址",),
        "note": ("用户备注", "商家备注"),
    },
    unpaid_without="time",
    lines_of="once",  # 实际支付 is the order's, however many goods it has
    currency="CNY",
)
