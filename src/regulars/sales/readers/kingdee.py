"""Kingdee 星辰: a wholesaler's customers, by the field names of its interface or by their Chinese labels."""

from __future__ import annotations

from regulars.sales.readers.contract import Reader
from regulars.shop.words import Words

READER = Reader(
    key="kingdee-customers",
    name=Words("金蝶客户", "Kingdee customers"),
    kind="customers",
    signature=(
        ("客户编码", "number"),
        ("客户名称", "name"),
        ("客户类别", "类别", "价格等级", "信用额度", "结算期限",
         "group_name", "c_level_name", "credit_limit", "saler_name"),
    ),
    columns={
        "member": ("客户编码", "number"),
        "name": ("客户名称", "name"),
        "phone": ("手机", "联系人手机", "联系电话", "电话", "开票电话", "mobile", "invoice_phone"),
        "tier": ("价格等级", "客户等级", "c_level_name"),
        "tags": ("客户类别", "类别", "group_name"),
        "address": ("地址", "详细地址", "addr", "address"),
        "birthday": ("生日", "birthday"),
        "note": ("备注", "remark"),
        "registered_on": ("创建时间", "create_time"),
    },
    companies=True,
)  # fmt: skip
