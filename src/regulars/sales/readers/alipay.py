"""Alipay 业务明细: GBK in a zip, notes beginning with #, cells padded with blanks, refunds negative.

对方账户 is masked and never names anybody; who paid must come from the till's own file.
"""

from __future__ import annotations

from regulars.sales.readers.contract import Reader
from regulars.shop.words import Words

READER = Reader(
    key="alipay",
    name=Words("支付宝业务明细", "Alipay bill"),
    kind="payments",
    signature=(("支付宝交易号",), ("商户订单号",), ("业务类型",)),
    columns={
        "receipt": ("支付宝交易号",),
        "trade_no": ("商户订单号",),
        "time": ("完成时间", "创建时间"),
        "refund_flag": ("业务类型",),
        "refund_receipt": ("退款批次号/请求号",),
        "item": ("商品名称",),
        "amount": ("商家实收", "订单金额"),
        "store": ("门店名称",),
        "staff": ("操作员",),
        "note": ("备注",),
    },
    currency="CNY",
)
