"""The printed copy of a customer's data: which columns are for reading, what they are called, and how a cell is said.

The file for programs beside it keeps everything; here only what a person can read is shown.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from regulars.customers.rules.sheet import OCCASIONS, RELATIONS, SHEET
from regulars.shop.calendar import Birthday
from regulars.shop.words import Words
from regulars.web.jinja import ZONE
from regulars.web.ledger_said import KINDS
from regulars.web.trail_said import VALUES

COLUMNS: dict[str, Words] = {
    "also": Words("还有", "Also"), "amount": Words("金额", "Amount"), "anniversary": Words("纪念日", "Anniversary"),
    "asked_by": Words("谁提的", "Asked by"), "at": Words("时间", "At"), "author": Words("谁写的", "Written by"),
    "below_since": Words("从哪天起不够", "Below since"), "birthday": Words("生日", "Birthday"), "by": Words("谁记的", "Noted by"),
    "carried_out_on": Words("哪天办的", "Carried out on"), "channel": Words("方式", "Channel"), "charged_on": Words("哪天起负责", "In charge since"),
    "checked": Words("怎么核对的", "How checked"), "companions": Words("和谁一起", "With whom"), "conditions": Words("依据", "Conditions"),
    "cost": Words("花费", "Cost"), "currency": Words("币种", "Currency"), "day": Words("哪天", "Day"), "decided_at": Words("什么时候定的", "Decided at"),
    "decided_by": Words("谁定的", "Decided by"), "do": Words("做什么", "What to do"), "drops_on": Words("哪天降级", "Drops on"),
    "due_on": Words("最迟哪天", "Due on"), "ended_at": Words("什么时候办完", "Ended at"), "ended_by": Words("谁办的", "Ended by"),
    "ended_on": Words("哪天办完", "Ended on"), "feedback": Words("您怎么说", "What you said"), "first_visit_on": Words("第一次来", "First visit"),
    "fits": Words("排进了名单", "On the list"), "found_at": Words("什么时候发现", "Found at"), "grade": Words("等级", "Grade"),
    "granted": Words("同意", "Agreed"), "in_charge": Words("谁负责", "In charge"), "is_by_hand": Words("手工记的", "Written by hand"),
    "is_company": Words("公司", "Company"), "key": Words("项目", "Item"), "kind": Words("类别", "Kind"), "last_on": Words("到哪天为止", "Until"),
    "last_visit_on": Words("上次来", "Last visit"), "lines": Words("买了什么", "What was bought"), "minutes": Words("几分钟", "Minutes"),
    "name": Words("名字", "Name"), "note": Words("一句话", "A word"), "occasion": Words("为什么来", "Occasion"), "off_at": Words("什么时候拿掉", "Taken off at"),
    "off_by": Words("谁拿掉", "Taken off by"), "on": Words("哪天", "Day"), "party_size": Words("几位", "How many"), "phone": Words("电话", "Phone"),
    "plain": Words("内容", "What it says"), "postponed_to": Words("改到哪天", "Postponed to"), "purpose": Words("用途", "Purpose"),
    "put_at": Words("什么时候写的", "Written at"), "reached": Words("联系上了", "Reached"), "reason": Words("原因", "Reason"), "receipt": Words("单号", "Receipt"),
    "reasons": Words("为什么像", "Reasons"), "relation": Words("关系", "Relation"), "result": Words("答复", "Answer"), "role": Words("关系", "Role"),
    "said": Words("说明", "What was said"), "said_at": Words("什么时候写的", "Written at"), "say": Words("怎么说", "What to say"),
    "sealed": Words("内容（加密保存）", "What it says (kept encrypted)"), "seat": Words("坐哪里", "Seat"), "sent_at": Words("什么时候发的", "Sent at"), "sex": Words("性别", "Sex"),
    "since": Words("从哪天起", "Since"), "since_at": Words("什么时候建的档", "File opened at"), "size": Words("大小（字节）", "Size (bytes)"), "source": Words("怎么说的", "Source"),
    "spend": Words("一共消费", "Spend in all"), "spend_in_12_months": Words("12 个月消费", "Spend in 12 months"), "staff": Words("哪个岗位", "Post"),
    "state": Words("状态", "State"), "store": Words("门店", "Store"), "tag": Words("标签", "Tag"), "taken_back_at": Words("什么时候撤回", "Taken back at"), "taken_by": Words("谁收的", "Taken by"),
    "text": Words("内容", "Text"), "to": Words("发到", "Sent to"), "treatment": Words("做了什么", "Treatment"), "until": Words("到哪天", "Until"),
    "usual_gap_days": Words("平常隔几天来", "Usual days between visits"), "visits": Words("来过几次", "Visits"),
    "visits_in_12_months": Words("12 个月来过几次", "Visits in 12 months"), "was": Words("原来的等级", "Grade before"), "what": Words("看了什么", "What was shown"),
    "number": Words("会员号", "Member number"), "code": Words("编码", "Code"), "joined_on": Words("哪天入会", "Joined on"), "how": Words("怎么来的", "How"),
    "left_on": Words("哪天退会", "Left on"), "works_here": Words("在店里工作", "Works here"), "in_hand": Words("能用的", "Can be spent"),
    "aside": Words("留着的", "Set aside"), "active_on": Words("最近一次", "Last used"), "ends": Words("到期", "Ends on"), "ripe_on": Words("哪天起能用", "From"),
    "rule": Words("按哪条", "By which rule"), "short": Words("没扣到的", "Not taken"), "counted_on": Words("哪天算数", "Counted on"), "bill": Words("账单", "Bill"),
    "off": Words("减了", "Taken off"), "valid_from": Words("从哪天起", "From"), "valid_until": Words("到哪天", "Until"), "issued_on": Words("哪天发的", "Issued on"),
    "issued_by": Words("谁发的", "Issued by"), "price": Words("价钱", "Price"), "starts_on": Words("从哪天起", "From"), "ends_on": Words("到哪天", "Until"), "is_undone": Words("已撤销", "Undone"),
    "why": Words("为什么", "Why"), "wording": Words("当时看到的话", "Words that were shown"), "written": Words("号码", "Number"),
}  # fmt: skip
"""What a column is called on paper, for the fields of all records that belong in a copy."""

FOR_PROGRAMS = frozenset({
    "approval", "batch", "customer", "family", "founder", "id", "identity", "is_gone", "joined", "last_store", "merged_into", "one", "other",
    "person", "place", "playbook", "rank", "scale", "strength", "source_id", "member", "posting", "of", "detail", "idle", "ended", "device", "used_at", "mark", "tries", "referrer", "friend",
    "postings", "partner", "token", "offer", "use", "vault_name", "version", "weight", "word",
})  # fmt: skip
"""Numbers that only tie one record to another, and how the shop ranks its work: they stand in copy.json."""

MONEY = frozenset({"amount", "bill", "cost", "off", "price", "spend", "spend_in_12_months"})


def in_yuan(row: dict[str, Any], key: str) -> Any:
    """The value of a cell; of stored value, which is kept in fen beside points, in yuan.

    >>> in_yuan({"currency": "bonus", "in_hand": 250}, "in_hand"), in_yuan({"currency": "points", "in_hand": 250}, "in_hand")
    ('2.50', 250)
    """
    if row.get("currency") in ("principal", "bonus") and key in ("in_hand", "aside"):
        return f"{row[key] / 100:.2f}"
    return row[key]


ONLY = {
    "care.Task": ("on", "name", "do", "say", "store", "staff", "state", "ended_on", "note"),
    "grading.GradeChange": ("on", "was", "grade"),
    "membership.Lot": ("on", "currency", "in_hand", "aside", "ends", "ripe_on"),
    "membership.Posting": ("on", "at", "kind", "receipt", "short", "store"),
    "membership.Member": ("number", "code", "joined_on", "left_on", "store"),
}
"""Records that carry how the shop plans and decides: on paper stands what she would ask about. The reasons for a grade
are handed out as a page of their own."""


STATES: dict[str, Words] = {
    "waiting": Words("等着办", "waiting"), "called-off": Words("撤销了", "called off"), "open": Words("还没办", "open"), "expired": Words("过了日子", "over"),
    "member": Words("会员号", "member number"), "card": Words("卡号", "card"), "name": Words("名字", "name"), "note": Words("备注", "note"), "message": Words("消息", "message"),
    "care": Words("关怀", "care"), "marketing": Words("营销信息", "marketing"), "service": Words("服务通知", "service"), "sale": Words("消费", "sale"), "refund": Words("退款", "refund"),
    "bonus": Words("赠送的储值", "bonus value"),
    "principal": Words("储值本金", "stored value paid in"), "stamps": Words("印章", "stamps"), "counted": Words("算数", "counted"), "refused": Words("不算", "refused"),
    "need": Words("需要", "need"), "opinion": Words("看法", "opinion"), "complaint": Words("不满", "complaint"), "other": Words("其他", "other"),
    "birthday": Words("生日", "birthday"), "anniversary": Words("纪念日", "anniversary"), "sex": Words("性别", "sex"), "male": Words("男", "male"), "female": Words("女", "female"),
    "true": Words("是", "yes"), "false": Words("不是", "no"), "points": Words("积分", "points"), "balance": Words("储值", "balance"), "balance_bonus": Words("赠送的储值", "bonus balance"),
    "tier": Words("收银系统里的等级", "tier of the till"), "registered_on": Words("注册", "registered on"), "listed": Words("在顾客名单里", "on a customer list"),
}  # fmt: skip
"""Codes that stand in these records only."""

CODED = frozenset(
    {
        "channel",
        "currency",
        "key",
        "kind",
        "occasion",
        "plain",
        "purpose",
        "reason",
        "relation",
        "sex",
        "state",
        "what",
    }
)
"""Columns that hold a code and never somebody's own words."""


def _codes() -> dict[str, Words]:
    said: dict[str, Words] = {}
    for choices in (RELATIONS, OCCASIONS, *(field.choices for field in SHEET)):
        said.update(choices)
    return {**said, **{field.key: field.name for field in SHEET}, **VALUES, **STATES}


CODES = _codes()


def columns_of(label: str, rows: list[dict[str, Any]]) -> list[str]:
    """The columns that a person reads, of those in which anything stands."""
    shown = ONLY.get(label) or [key for key in rows[0] if key not in FOR_PROGRAMS]
    return [key for key in shown if any(row[key] not in (None, "", [], {}) for row in rows)]


def _moment(written: str) -> str:
    at = datetime.fromisoformat(written)
    return f"{at.astimezone(ZoneInfo(ZONE.get())) if at.tzinfo else at:%Y-%m-%d %H:%M}"


def _birthday(compact: str, lang: str) -> str:
    """With its year where that is known: a copy leaves nothing out."""
    if compact.startswith("solar "):
        return compact.removeprefix("solar ").removeprefix("--")
    try:
        return Birthday.parse(compact).words().say(lang)
    except ValueError:
        return compact


def cell(key: str, value: Any, lang: str) -> str:
    """A value as it stands on paper, money in yuan.

    >>> cell("spend", 94445, "zh"), cell("granted", True, "zh"), cell("wording", {"version": 1, "zh": "好", "en": "yes"}, "en")
    ('944.45', '✓', 'yes')
    """
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if key in MONEY and isinstance(value, int):
        return f"{value / 100:.2f}"
    if isinstance(value, dict) and {"zh", "en"} <= value.keys():
        return str(value[lang])
    if isinstance(value, list) and len(value) == 2 and all(isinstance(one, str) for one in value):
        return str(value[lang == "en"])
    if key == "lines":
        return "、".join(f"{line['item']} × {line['quantity']:g}" for line in value) or "—"
    if key == "kind" and value in KINDS:
        return KINDS[value].say(lang)
    if key in CODED and str(value) in CODES:
        return CODES[str(value)].say(lang)
    if isinstance(value, str) and value.startswith(("solar ", "lunar ")):
        return _birthday(value, lang)
    if isinstance(value, str):
        return _moment(value) if key == "at" or key.endswith("_at") else value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
