"""Meituan 管家, 店内订单明细.xlsx: several sheets that belong together by the order number.

Titles and filters stand above the headers (row 3), totals among the lines. The number is 订单号 in the list
of orders and 订单编号 in payments and dishes. A night belongs to 营业日期, not to the day of 结账时间. A
reversed bill (反结账, 整单退) is no sale: the corrected bill stands in a line of its own.
"""

from __future__ import annotations

from regulars.sales.readers.contract import Reader
from regulars.shop.words import Words

ORDERS = Reader(
    key="meituan",
    name=Words("美团管家 订单明细", "Meituan orders"),
    kind="sales",
    signature=(
        ("订单号", "订单编号"), ("营业日期",), ("订单状态", "退单标识"),
        ("桌牌号", "用餐方式", "桌台区域", "经营模式", "订单来源"),
    ),
    columns={
        "receipt": ("订单号", "订单编号"),
        "business_date": ("营业日期",),
        "time": ("结账时间", "下单时间"),
        "store": ("门店", "门店名称"),
        "member": ("会员", "会员卡号", "会员号"),
        "phone": ("会员手机号", "会员手机", "手机号", "预订人手机号"),
        "amount": ("支付合计", "订单收入", "顾客应付"),
        "gross": ("订单金额",),
        "refund": ("退款金额", "退单金额"),
        "party_size": ("用餐人数",),
        "status": ("订单状态",),
        "cancelled": ("退单标识",),
        "note": ("整单备注",),
    },
    not_sales=("反结账", "整单退", "已退单", "已取消", "已撤单", "未结账", "待支付", "取消"),
    currency="CNY",
)  # fmt: skip

PAYMENTS = Reader(
    key="meituan-payments",
    name=Words("美团管家 支付明细", "Meituan payments"),
    kind="payments",
    signature=(("订单编号", "订单号"), ("支付方式",), ("支付金额",), ("支付时间", "流水号", "是否退款")),
    columns={
        "receipt": ("订单编号", "订单号"),
        "time": ("支付时间",),
        "store": ("门店", "门店名称"),
        "amount": ("支付金额", "收入"),
        "refund_flag": ("是否退款",),
        "status": ("状态",),
        "staff": ("操作人",),
        "trade_no": ("流水号", "支付流水号", "第三方流水号"),
    },
    lines_of="sum",
    currency="CNY",
)

DISHES = Reader(
    key="meituan-dishes",
    name=Words("美团管家 菜品明细", "Meituan dishes"),
    kind="lines",
    signature=(("订单编号", "订单号"), ("菜品名称", "品项名称", "SPU名称"), ("销售数量", "数量")),
    columns={
        "receipt": ("订单编号", "订单号"),
        "item": ("菜品名称", "品项名称", "SPU名称"),
        "category": ("菜品分类", "品项分类", "菜品大类"),
        "quantity": ("销售数量", "数量"),
        "amount": ("菜品收入", "金额合计"),
    },
    currency="CNY",
)
