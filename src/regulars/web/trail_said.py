"""The audit trail in words: what was done, to whom, with which particulars. The trail itself holds keys and numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from regulars.membership.rules.ledger import VALUE, name_of
from regulars.shop.money import say_money
from regulars.shop.words import Words

VERBS: dict[str, Words] = {
    "sign-in": Words("登录", "signed in"), "reveal": Words("看了号码", "had a number shown"), "export": Words("导出了名单", "took a list out"),
    "let-in": Words("在柜台打开别店顾客", "opened a customer of another store"), "say-detail": Words("写了档案", "wrote into the file"),
    "add-note": Words("写了备注", "wrote a note"), "add-customer": Words("记了新顾客", "wrote a customer in"), "hold": Words("记下不再联系", "noted: leave in peace"),
    "release-hold": Words("可以再联系了", "may be contacted again"), "end-task": Words("处理了一件事", "ended a task"), "reopen-task": Words("撤回了一件事", "took a task back"),
    "consent": Words("记下她同意", "noted her yes"), "withdraw-consent": Words("记下她不要", "noted her no"), "leave-in-peace": Words("停了给她的事", "stopped what was planned for her"),
    "rights-request": Words("收了顾客的请求", "took a request in"), "end-rights-request": Words("答复了请求", "ended a request"), "agree-to-erase": Words("同意删除", "agreed to a deletion"),
    "erase": Words("删除了顾客", "deleted a customer"), "copy-of-data": Words("给了数据副本", "gave a copy of the data"), "explain": Words("打开了等级说明", "opened an explanation"),
    "keep-file": Words("依法保留档案", "kept a file by law"), "keep-file-no-longer": Words("解除了保留", "ended the keeping of a file"), "retention": Words("删了到期的", "deleted what was over"),
    "change-privacy": Words("改了隐私设置", "changed privacy settings"), "gift-blocked": Words("拦下了礼物", "stopped a present"),
    "import": Words("导入", "imported"), "undo-import": Words("撤回导入", "took an import back"), "add-staff": Words("加了同事", "added a colleague"),
    "change-staff": Words("改了同事", "changed a colleague"), "end-access": Words("停了账号", "ended access"), "restore-access": Words("恢复了账号", "restored access"),
    "give-post": Words("加了岗位", "gave a post"), "end-post": Words("撤了岗位", "ended a post"), "keep-role": Words("改了岗位权限", "changed a role"), "end-role": Words("删了岗位", "ended a role"),
    "make-token": Words("给了钥匙", "made a key"), "end-token": Words("作废了钥匙", "ended a key"), "change-guard": Words("改了看护", "changed the guard"),
    "change-business": Words("改了店铺设置", "changed the business"), "merge-customers": Words("合并了顾客", "merged customers"), "unmerge-customers": Words("拆开了顾客", "parted customers"),
    "set-password": Words("换了密码", "set a password"), "found-business": Words("开了店", "founded the business"), "add-store": Words("加了门店", "added a store"),
    "change-store": Words("改了门店", "changed a store"), "adopt-playbook": Words("用了打法", "adopted a playbook"), "change-trade": Words("换了行业", "changed the trade"),
    "record-sale": Words("记了一笔消费", "wrote a sale down"), "attach-sale": Words("给小票写了名字", "put a name to a receipt"), "read-attachment": Words("打开了附件", "opened an attachment"),
    "end-logins": Words("退出了登录", "ended logins"), "change-door": Words("改了登录要求", "changed how to sign in"), "give-charge": Words("换了负责人", "changed who is in charge"),
    "share": Words("加了协作", "let somebody help"), "unshare": Words("去掉了协作", "ended somebody's help"), "claim": Words("从公海认领", "claimed from the pool"),
    "back-to-pool": Words("放回了公海", "went back to the pool"), "decide-same": Words("定了是不是同一位", "decided whether two are one"), "reopen-same": Words("重新看是不是同一位", "asked again whether two are one"),
    "propose-same": Words("提出两份是同一位", "said that two are one"), "say-role": Words("改了家里的关系", "changed a place in a family"), "decline-field": Words("记下她不想说", "noted: rather not say"),
    "add-phone": Words("加了号码", "added a number"), "add-relative": Words("加了身边的人", "added somebody beside her"), "remove-relative": Words("删了身边的人", "removed somebody beside her"),
    "note-visit": Words("记了来店情形", "noted what a visit was about"), "attach-file": Words("放了附件", "attached a file"), "remove-attachment": Words("删了附件", "removed an attachment"),
    "take-back-note": Words("撤回了备注", "took a note back"), "put-tag": Words("贴了标签", "put a tag on"), "take-off-tag": Words("拿掉了标签", "took a tag off"),
    "add-field": Words("加了档案项目", "added a field"), "end-field": Words("停了档案项目", "ended a field"), "hand-over": Words("交接了", "handed over"), "undo-hand-over": Words("撤回了交接", "took a hand-over back"),
    "forget-grades": Words("清掉了等级", "cleared grades"), "take-back-playbook": Words("撤下了打法", "took a playbook back"), "rotate-key": Words("换了加密的钥匙", "changed the encryption key"),
    "add-second-factor": Words("开了两步登录", "set up a second step"), "end-second-factor": Words("关了一种两步登录", "ended a second step"), "drop-second-factors": Words("清掉了两步登录", "took second steps away"),
    "make-recovery-codes": Words("换了备用码", "made new recovery codes"), "use-recovery-code": Words("用了备用码", "used a recovery code"), "give-back-coupons": Words("退还了券", "gave coupons back"), "use-coupons-again": Words("退货撤回，券又算用了", "counted coupons as used again, their refund having been taken back"), "make-offer": Words("做了一种券", "made an offer"), "change-offer": Words("改了券", "changed an offer"), "void-coupon": Words("作废了券", "voided a coupon"),
    "open-membership": Words("开通了会员", "opened the membership"), "end-membership": Words("停办了会员", "ended the membership"), "join": Words("入会", "made a member"),
    "rejoin": Words("又入会了", "made a member again"), "leave": Words("退会", "ended a membership"), "correct-purse": Words("更正了积分或储值", "corrected points or stored value"),
    "ask-correction": Words("提出更正，等人批", "asked for a correction"), "decide-correction": Words("批了更正", "decided a correction"), "pay-out": Words("退了储值", "paid stored value out"),
    "works-here": Words("记了是不是店里的人", "noted whether she works here"),
    "hand-over-points": Words("转了积分", "moved points"), "refer": Words("记了介绍人", "noted who brought her"), "buy-tier": Words("卖了等级", "sold a tier"), "undo-tier": Words("撤销了卖出的等级", "took a sold tier back"),
    "make-partner": Words("加了合作方", "added a partner"), "end-partner": Words("结束了合作", "ended a partner"), "undo-partner-use": Words("撤了合作优惠", "took a partner's benefit back"),
    "open-offer": Words("开始发券", "opened an offer"), "stop-offer": Words("停了发券", "stopped an offer"), "open-balances": Words("带来了旧系统的余额", "brought balances of an older system along"),
    "set-pin": Words("设了 PIN", "set a PIN"),
    "show-login-code": Words("出示了会员登录码", "showed a login code for the member page"), "member-login": Words("顾客登录了会员页", "customer signed in on the member page"),
    "read-code": Words("看了发件箱里的验证码", "read a code in the outbox"), "tell-message": Words("替发件箱转告了", "passed a message of the outbox on"),
}  # fmt: skip
"""What each line says happened; one that is not here stands under its own name."""

SUBJECTS: dict[str, Words] = {
    "customer": Words("顾客 {n}", "customer {n}"), "staff": Words("同事 {n}", "colleague {n}"), "task": Words("事情 {n}", "task {n}"), "batch": Words("导入 {n}", "import {n}"),
    "store": Words("门店 {n}", "store {n}"), "role": Words("岗位 {n}", "role {n}"), "field": Words("档案项目 {n}", "field {n}"), "sale": Words("小票 {n}", "receipt {n}"),
    "playbook": Words("打法 {n}", "playbook {n}"), "key": Words("钥匙 {n}", "key {n}"), "after": Words("晚于 {n}", "after {n}"), "business": Words("店铺", "the business"),
    "export": Words("名单", "a list"), "coupon": Words("券 {n}", "coupon {n}"), "offer": Words("一种券 {n}", "offer {n}"), "use": Words("用券 {n}", "use of coupons {n}"),
    "partner": Words("合作方 {n}", "partner {n}"), "approval": Words("请批 {n}", "question {n}"), "message": Words("消息 {n}", "message {n}"),
}  # fmt: skip
"""What a line is about; a number that nobody knows by heart still finds its lines."""

PARTICULARS: dict[str, Words] = {
    "abilities": Words("能做", "may"), "amount": Words("多少", "how much"), "attachment": Words("附件", "attachment"), "back": Words("回来", "back"), "batch": Words("导入", "import"),
    "granted": Words("同意", "granted"), "members": Words("几位会员", "members"), "price": Words("价钱", "price"), "referrer": Words("介绍人", "brought by"), "change": Words("改多少", "change"),
    "currency": Words("哪一种", "of"), "starts_on": Words("从哪天起", "from"), "tier": Words("等级", "tier"), "channel": Words("方式", "channel"), "factors": Words("几种", "kinds"), "fen": Words("多少", "how much"), "fields": Words("改了", "changed"), "files": Words("文件", "files"),
    "friend": Words("介绍人", "brought by"),
    "from": Words("原来", "from"), "handover": Words("交接", "hand-over"), "how": Words("怎么", "how"), "identities": Words("号码", "numbers"), "is_open": Words("营业", "open"),
    "key": Words("项目", "item"), "kind": Words("种类", "kind"), "login": Words("登录", "login"), "logins": Words("登录", "logins"), "merged": Words("合并", "merged"),
    "minutes": Words("分钟", "minutes"), "new": Words("新的", "new"), "new_device": Words("新设备", "new device"), "numbers": Words("带号码", "with numbers"), "on": Words("日子", "on"),
    "other": Words("另一位", "the other"), "purpose": Words("用途", "purpose"), "reach": Words("看得到", "sees"), "reason": Words("原因", "reason"), "refused": Words("没收进", "left out"),
    "relation": Words("关系", "relation"), "request": Words("请求", "request"), "role": Words("岗位", "role"), "rows": Words("行", "rows"), "rule": Words("做法", "rule"),
    "source": Words("怎么说的", "source"), "state": Words("状态", "state"), "stayed": Words("留下", "stayed"), "store": Words("门店", "store"), "tag": Words("标签", "tag"),
    "tasks": Words("事情", "tasks"), "to": Words("给", "to"), "token": Words("钥匙", "key"), "trade": Words("行业", "trade"), "version": Words("版本", "version"),
    "what": Words("内容", "what"), "with": Words("和", "with"), "works_here": Words("在店里上班", "works here"),
}  # fmt: skip

VALUES: dict[str, Words] = {
    "True": Words("是", "yes"), "False": Words("不是", "no"), "None": Words("没有", "none"), "password": Words("密码", "password"), "passkey": Words("通行密钥", "passkey"),
    "app": Words("验证码", "code app"), "code": Words("备用码", "recovery code"), "done": Words("办好了", "done"), "not-reached": Words("没联系上", "not reached"),
    "postponed": Words("改天", "another day"), "not-wanted": Words("不用了", "not wanted"), "refused": Words("没答应", "refused"), "phone": Words("电话", "phone"),
    "call": Words("电话", "call"), "sms": Words("短信", "SMS"), "wechat": Words("微信", "WeChat"), "visit": Words("上门", "visit"), "mail": Words("邮件", "mail"),
    "customers": Words("顾客", "customers"), "copy": Words("副本", "copy"), "correction": Words("更正", "correction"), "deletion": Words("删除", "deletion"),
    "merged": Words("是同一位", "one and the same"), "family": Words("是一家人", "one family"), "different": Words("是两个人", "two people"),
}  # fmt: skip


def subject_said(subject: str, staff: Mapping[int, str]) -> Words:
    """What a line is about; a colleague by name.

    >>> subject_said("staff 3", {3: "周敏"}).say("zh"), subject_said("task 7", {}).say("en")
    ('周敏', 'task 7')
    """
    kind, _, number = subject.partition(" ")
    if kind == "staff" and number.isdecimal() and staff.get(int(number)):
        return Words(staff[int(number)], staff[int(number)])
    return SUBJECTS.get(kind, Words(subject, subject)).fill(n=number)


def detail_said(detail: Mapping[str, Any], lang: str) -> str:
    """The particulars of a line, short.

    >>> detail_said({"how": "password", "new_device": True}, "zh")
    '怎么：密码，新设备：是'
    >>> detail_said({"currency": "principal", "change": -6050}, "zh"), detail_said({"tier": "vip", "price": 9900}, "en")
    ('哪一种：储值本金，改多少：-¥60.50', 'tier: vip, price: ¥99')
    >>> detail_said({"currency": "points", "amount": 120}, "zh"), detail_said({"amount": 5800}, "zh")
    ('哪一种：积分，多少：120', '多少：¥58')
    """
    colon, comma = ("：", "，") if lang == "zh" else (": ", ", ")
    told = []
    for key, value in detail.items():
        said = VALUES.get(str(value))
        shown = said.say(lang) if said else str(value)
        if key == "currency":
            shown = name_of(str(value)).say(lang)
        elif isinstance(value, int) and _is_money(key, detail):
            shown = say_money(value, lang)
        told.append(f"{PARTICULARS.get(key, Words(key, key)).say(lang)}{colon}{shown}")
    return comma.join(told)[:160]


def _is_money(key: str, detail: Mapping[str, Any]) -> bool:
    """Whether a number of a line is in fen: an amount without a currency is a sale's, a change without one is nobody knows
    what."""
    if key in ("amount", "change"):
        return detail.get("currency", "principal" if key == "amount" else "") in VALUE
    return key in ("fen", "price")
