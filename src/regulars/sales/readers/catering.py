"""Restaurant systems that export their tables as they stand: lower-case names, half of the columns empty.

`emp_id` looks like the customer but is often somebody else; the phone is what names her. The price of a line
is that of one piece. A column of passwords is left unread.
"""

from __future__ import annotations

from regulars.sales.readers.contract import Reader
from regulars.shop.words import Words

ORDERS = Reader(
    key="catering-orders",
    name=Words("餐饮系统 订单表", "Restaurant system, orders"),
    kind="sales",
    signature=(("info_id",), ("expenditure",), ("use_start_time",)),
    columns={
        "receipt": ("info_id",),
        "time": ("use_start_time",),
        "amount": ("expenditure", "accounts_payable"),
        "phone": ("phone",),
        "name": ("name",),
        "party_size": ("number_consumers",),
        "store": ("store", "org_id"),
        "status": ("order_status",),
    },
    sold=("1",),
    currency="CNY",
)

LINES = Reader(
    key="catering-lines",
    name=Words("餐饮系统 菜品明细", "Restaurant system, lines"),
    kind="lines",
    signature=(("order_id",), ("dishes_name",), ("counts",), ("amounts",)),
    columns={
        "receipt": ("order_id",),
        "time": ("place_order_time",),
        "item": ("dishes_name",),
        "category": ("parent_class_name",),
        "quantity": ("counts",),
        "price": ("amounts",),
    },
    currency="CNY",
)

USERS = Reader(
    key="catering-users",
    name=Words("餐饮系统 会员表", "Restaurant system, members"),
    kind="customers",
    signature=(("USER_ID",), ("ACCOUNT",), ("TEL",)),
    columns={
        "member": ("USER_ID",),
        "name": ("ACCOUNT",),
        "phone": ("TEL",),
        "sex": ("sex",),
        "address": ("address",),
        "email": ("EMAIL",),
        "wechat": ("weixin",),
        "registered_on": ("CREATED",),
        "password": ("PASSWORD",),
    },
)
