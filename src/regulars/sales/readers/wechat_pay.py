"""WeChat Pay's bill: every payment with the payer's openid, who can so be known again without a member card.

Each value begins with a backtick; a summary follows below. A REFUND line stands under the number of the paid
order and has its own number beside it.
"""

from __future__ import annotations

from regulars.sales.readers.contract import Reader
from regulars.shop.words import Words

READER = Reader(
    key="wechat-pay",
    name=Words("微信支付账单", "WeChat Pay bill"),
    kind="payments",
    signature=(("交易时间",), ("微信订单号",), ("用户标识",), ("交易状态",)),
    columns={
        "time": ("交易时间",),
        "receipt": ("微信订单号",),
        "trade_no": ("商户订单号",),
        "openid": ("用户标识",),
        "status": ("交易状态",),
        "currency": ("货币种类",),
        "amount": ("应结订单金额", "总金额", "订单金额"),
        "refund": ("退款金额", "申请退款金额"),
        "refund_receipt": ("微信退款单号",),
        "item": ("商品名称",),
    },
    not_sales=("revoked", "closed", "notpay", "payerror", "userpaying"),
    refunds=("refund",),
    refunds_by_status=True,
    ends_at=("总交易单数",),
    currency="CNY",
)
