"""What a customer reads: her polite name, who is writing, and never a hole in the sentence."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import regulars.facts  # noqa: F401  (playbooks load against what the stages declare)
from regulars.care.rules.words import polite_name, say_to_customer, say_to_staff
from regulars.playbooks.playbook import LIBRARY, PLACES, load
from regulars.shop.words import Words


def said(zh: str, en: str = "Hello {customer}, {store}, {staff}.", **values: Any) -> Words:
    given = {"customer": Words("王女士", "Ms Wang"), "staff": "小李", "store": "好味火锅", **values}
    fixed = {key: given.pop(key) for key in ("customer", "staff", "store")}
    in_person = given.pop("in_person", False)
    return say_to_customer(Words(zh, en), values=given, in_person=in_person, **fixed)


@pytest.mark.parametrize(
    ("name", "sex", "company", "zh"),
    [
        ("王芳", "female", None, "王女士"),
        ("王芳", "女", None, "王女士"),
        ("李强", "M", None, "李先生"),
        ("诸葛亮", "男", None, "诸葛先生"),
        ("王", "女", None, "王女士"),
        ("王芳", None, None, "王芳"),
        ("王芳", "unknown", None, "王芳"),
        ("王女士", "女", None, "王女士"),
        ("陈总", "男", None, "陈总"),
        ("张老师", None, None, "张老师"),
        ("Mary Smith", "female", None, "Smith女士"),
        ("Ms Smith", "female", None, "Ms Smith"),
        ("顺达五金", "男", True, "顺达五金"),
        ("王**", "女", None, "王女士"),
        ("王**", None, None, None),
        ("", "女", None, None),
        (None, "女", None, None),
        ("散客", None, None, None),
        ("13800138000", "女", None, None),
        ("  ", None, None, None),
    ],
)
def test_a_customer_is_addressed_politely_or_not_by_name(
    name: str | None, sex: str | None, company: bool | None, zh: str | None
) -> None:
    found = polite_name(name, sex, company)
    assert (found.zh if found else None) == zh


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{customer}您好，我是{store}的{staff}，生日快乐！", "王女士您好，我是好味火锅的小李，生日快乐！"),
        ("{customer}您好，生日快乐！", "王女士您好，我是好味火锅的小李，生日快乐！"),
        ("您好！生日快乐！", "您好！我是好味火锅的小李。生日快乐！"),
        ("祝您生日快乐！", "我是好味火锅的小李。祝您生日快乐！"),
        ("{store}祝{customer}生日快乐！", "好味火锅祝王女士生日快乐！我是小李。"),
        ("{customer}您好，我是{staff}。", "王女士您好，这里是好味火锅，我是小李。"),
    ],
)
def test_whoever_writes_says_who_it_is(template: str, expected: str) -> None:
    assert said(template).zh == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Dear {customer}, happy birthday!", "Dear Ms Wang, this is 小李 from 好味火锅. Happy birthday!"),
        ("Happy birthday!", "This is 小李 from 好味火锅. Happy birthday!"),
        ("Hello {customer}, from {store}.", "Hello Ms Wang, this is 小李. From 好味火锅."),
    ],
)
def test_also_in_english(template: str, expected: str) -> None:
    assert said("{store}{staff}", template).en == expected


def test_face_to_face_nobody_says_who_is_writing() -> None:
    assert said("{customer}，您来啦！", "Welcome back, {customer}!", in_person=True) == Words(
        "王女士，您来啦！", "Welcome back, Ms Wang!"
    )


@pytest.mark.parametrize(
    ("zh", "en", "expected_zh", "expected_en"),
    [
        ("{customer}您好，", "Dear {customer}, thanks.", "您好，", "Hello, thanks."),
        ("{customer}，您来啦！", "Welcome back, {customer}!", "您来啦！", "Welcome back!"),
        ("祝{customer}节日快乐！", "{customer}, welcome!", "祝您节日快乐！", "Welcome!"),
        ("祝{customer}好！", "Good to see you, {customer}. Tea?", "祝您好！", "Good to see you. Tea?"),
    ],
)
def test_without_a_name_nobody_notices(zh: str, en: str, expected_zh: str, expected_en: str) -> None:
    assert said(zh, en, customer=None, in_person=True) == Words(expected_zh, expected_en)


@pytest.mark.parametrize(
    ("days", "zh", "en"),
    [
        (3, "再过 3 天是您的生日！", "Your birthday is in 3 days!"),
        (1, "明天是您的生日！", "Your birthday is tomorrow!"),
        (0, "今天是您的生日！", "Your birthday is today!"),
    ],
)
def test_nobody_says_in_zero_days(days: int, zh: str, en: str) -> None:
    template = ("再过 {days} 天是您的生日！", "Your birthday is in {days} days!")
    assert said(*template, days=days, in_person=True) == Words(zh, en)


@pytest.mark.parametrize(
    ("gap", "zh", "en"),
    [("9", "平常 9 天来一次。", "Usually every 9 days."), ("1", "平常天天来。", "Usually every day.")],
)
def test_nobody_says_every_one_days(gap: str, zh: str, en: str) -> None:
    words = Words("平常 {usual_gap} 天来一次。", "Usually every {usual_gap} days.")
    assert say_to_staff(words, {"usual_gap": gap}) == Words(zh, en)


def test_a_clause_that_cannot_be_filled_is_left_out_and_the_sentence_still_ends() -> None:
    zh = "{customer}您好，我是{store}的{staff}，上次见您是{last_visit}。平常 {usual_gap} 天来一次，最近忙吗？"
    assert said(zh, last_visit=None, usual_gap=None).zh == "王女士您好，我是好味火锅的小李。最近忙吗？"


def test_the_sender_is_named_even_where_her_clause_was_left_out() -> None:
    zh, en = "{customer}您好，{store}的{staff}祝您{festival}快乐！", "{staff} of {store}: happy {festival}!"
    assert said(zh, en, festival=None) == Words(
        "王女士您好！我是好味火锅的小李。", "This is 小李 from 好味火锅."
    )


def test_what_is_left_of_an_english_sentence_begins_with_a_capital() -> None:
    en = "This is {staff} of {store}. {festival} is near; if you plan a dinner, call me."
    assert said("好。", en, festival=None).en.endswith("好味火锅. If you plan a dinner, call me.")


def test_a_grade_is_said_only_where_the_template_asks_for_it() -> None:
    grade = Words("金卡", "Gold")
    assert "金卡" not in said("{customer}您好，感谢支持。", grade=grade).zh
    assert "金卡" in said("{customer}您好，您现在是{grade}了。", grade=grade).zh


def test_staff_are_told_of_a_customer_without_a_name() -> None:
    words = Words("给{customer}打电话，已经 {days} 天没来了。", "Call {customer}, away for {days} days.")
    assert say_to_staff(words, {"customer": None, "days": 1}).en == "Call the customer, away for 1 day."
    assert say_to_staff(words, {"customer": None, "days": None}).zh == "给客人打电话。"


@given(st.text(max_size=30), st.sampled_from(["女", "男", None]))
def test_any_name_can_be_said(name: str, sex: str | None) -> None:
    text = said("{customer}您好，生日快乐！", customer=polite_name(name, sex)).zh
    assert "好味火锅" in text and "小李" in text


@pytest.mark.parametrize("key", LIBRARY)
@pytest.mark.parametrize("known", [True, False])
def test_every_shipped_sentence_can_be_said_with_and_without_what_is_known(key: str, known: bool) -> None:
    values: dict[str, Any] = dict.fromkeys(PLACES)
    if known:
        values |= {"days": 3, "festival": Words("中秋节", "Mid-Autumn"), "grade": Words("金卡", "Gold")}
        values |= {"last_visit": Words("昨天", "yesterday"), "usual_gap": "9"}
    customer = Words("王女士", "Ms Wang") if known else None
    fixed: dict[str, Any] = {"customer": customer, "staff": "小李", "store": "好味火锅"}
    for rule in load(key).care:
        face_to_face = rule.channel == "in-person"
        say = say_to_customer(rule.say, values=values, in_person=face_to_face, **fixed)
        do = say_to_staff(rule.do, {**values, **fixed})
        for text in (*say, *do):
            assert text, f"{key} {rule.key}"
            assert not re.search(r"[{}]|您您|None|\s,|，，|，。|^[，,。]", text), f"{key} {rule.key}: {text}"
        if not face_to_face:
            assert all("好味火锅" in text and "小李" in text for text in say), f"{key} {rule.key}: {say}"
