"""Readers: one file per product whose exports are known by their headers.

A new product is a new file with a `Reader` and a line here. `till.py` serves every other file, `headless.py`
those without headers; `contract.py`, `files.py`, `receipts.py` and `people.py` are what all of them stand on.
"""

from __future__ import annotations

from regulars.sales.readers import (
    alipay,
    catering,
    crmeb,
    kingdee,
    meituan,
    salesforce,
    taobao,
    wechat_pay,
    youzan,
)
from regulars.sales.readers.contract import Reader

# The surest wins; the order matters between equals only.
READERS: tuple[Reader, ...] = (
    meituan.ORDERS,
    meituan.PAYMENTS,
    meituan.DISHES,
    wechat_pay.READER,
    alipay.READER,
    taobao.READER,
    youzan.CUSTOMERS,
    youzan.ORDERS,
    crmeb.USERS,
    crmeb.ORDERS,
    salesforce.ACCOUNTS,
    salesforce.CONTACTS,
    salesforce.OPPORTUNITIES,
    salesforce.ORDERS,
    kingdee.READER,
    catering.ORDERS,
    catering.LINES,
    catering.USERS,
)
