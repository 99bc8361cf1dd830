"""What a cell of a customer list says: a birthday, a sex, a fact of the file."""

from __future__ import annotations

from regulars.playbooks.catalogue import Fact
from regulars.sales.rules.birthdays import birthday
from regulars.shop.calendar import Birthday, Calendar, NoSuchDay

SEX = {
    "female": ("女", "女士", "female", "f", "2", "woman", "小姐", "ms", "mrs", "miss"),
    "male": ("男", "先生", "male", "m", "1", "man", "mr"),
}
YES = {"是", "有", "y", "yes", "true", "1", "√", "✓", "对"}
NO = {"否", "无", "没有", "n", "no", "false", "0", "×", "不"}

FACT_KEYS = {
    "职业": "occupation", "行业职业": "occupation", "单位规模": "firm_size", "公司规模": "firm_size",
    "客户定位": "b2b_class", "买家类型": "buyer", "年度合同": "annual_contract", "住附近": "lives_nearby",
    "附近上班": "works_nearby", "拒绝联系": "refuses_contact", "预计成交日": "expected_deal_on",
}  # fmt: skip
"""Headers of lists → facts, beside the facts' own names."""


def read_sex(text: str) -> str:
    """>>> read_sex("女士"), read_sex("M"), read_sex("保密")
    ('female', 'male', '')
    """
    folded = text.strip().lower()
    return next((sex for sex, words in SEX.items() if folded in words), "")


def read_birthday(text: str, lunar: bool = False) -> str:
    """The compact form of a birthday, or nothing when the cell does not say one.

    >>> read_birthday("1990-05-06"), read_birthday("八月十五", lunar=True), read_birthday("?")
    ('solar 1990-05-06', 'lunar --08-15', '')
    """
    said = birthday(text, lunar=lunar)
    if said is None:
        return ""
    calendar: Calendar = "lunar" if said.calendar == "lunar" else "solar"
    try:
        return Birthday(calendar, said.month, said.day, said.leap, said.year).format()
    except NoSuchDay:
        return ""


def read_fact(fact: Fact, text: str) -> str | None:
    """The stored text of a file fact, or None when the cell is not one of its values.

    >>> from regulars.facts import catalogue
    >>> read_fact(catalogue.get("occupation"), "老师"), read_fact(catalogue.get("lives_nearby"), "是")
    ('teacher', 'true')
    """
    folded = text.strip().lower()
    if fact.type == "yes-no":
        return "true" if folded in YES else "false" if folded in NO else None
    if fact.type == "text":
        if not fact.choices:
            return text.strip()
        return next((k for k, w in fact.choices.items() if folded in (k, w.zh, w.en.lower())), None)
    if fact.type == "date":
        return text.strip()[:10]
    try:
        return str(float(folded))
    except ValueError:
        return None
