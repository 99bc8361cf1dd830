"""A playbook read aloud: natural shop Chinese, and English beside it."""

from __future__ import annotations

import pytest

from regulars.facts import catalogue
from regulars.playbooks.conditions import parse
from regulars.playbooks.playbook import load
from regulars.playbooks.say import say_condition, say_grade, say_need


@pytest.mark.parametrize(
    ("line", "zh", "en"),
    [
        ("spend_in_30_days >= 5000", "最近 30 天消费满 5000 元",
         "spend in the last 30 days at least 5,000 yuan"),
        ("spend_in_12_months >= 5000000", "最近 12 个月消费满 500 万元",
         "spend in the last 12 months at least 5,000,000 yuan"),
        ("spend_in_12_months > 20000", "最近 12 个月消费超过 2 万元",
         "spend in the last 12 months more than 20,000 yuan"),
        ("spend_in_12_months > 0", "最近 12 个月有消费", "any spend in the last 12 months"),
        ("visits_in_30_days >= 4", "最近 30 天到店至少 4 次", "visits in the last 30 days at least 4 times"),
        ("visits_in_120_days >= 1", "最近 120 天到店至少 1 次",
         "visits in the last 120 days at least 1 time"),
        ("visits = 0", "还没来过", "has not come yet"),
        ("visits = 1", "只来过 1 次", "came exactly once"),
        ("visits >= 2", "来过至少 2 次", "came at least twice"),
        ("weeks_in_a_row >= 3", "连续 3 周都来", "came 3 weeks in a row"),
        ("days_since_visit <= 120", "120 天内来过", "came within 120 days"),
        ("days_since_visit >= 45", "至少 45 天没来", "has not come for 45 days or more"),
        ("times_usual_gap > 3", "没来的天数超过平常的 3 倍", "away for more than 3 times her usual gap"),
        ("spend_place_in_12_months < 0.2", "最近 12 个月消费排在前 20%",
         "place by spend in the last 12 months: in the top 20%"),
        ("spend_place_in_12_months >= 0.8", "最近 12 个月消费排在最后 20%",
         "place by spend in the last 12 months: in the bottom 20%"),
        ("spend_place_in_12_months < 0.333333", "最近 12 个月消费排在前三分之一",
         "place by spend in the last 12 months: in the top third"),
        ("spend_place_in_12_months < 0.6666666666", "最近 12 个月消费排在前三分之二",
         "place by spend in the last 12 months: in the top two thirds"),
        ("spend_before_in_12_months < 0.7", "最近 12 个月排在她前面的营业额不到总数的 70%",
         "revenue ranked before her in the last 12 months: less than 70% of the whole"),
        ("visits_above_median_in_90_days > 0", "最近 90 天来得比一般客人勤",
         "came more often than the middle customer in the last 90 days"),
        ('occupation in ["executive", "owner"]', "职业是高管或老板",
         "occupation is senior manager or business owner"),
        ('occupation != "official"', "职业不是公职人员", "occupation is not public official"),
        ("lives_nearby = true", "住在附近", "lives nearby"),
        ("lives_nearby = false", "不是“住在附近”", "not: lives nearby"),
        ("days_to_expected_deal <= 30", "预计 30 天内成交", "a deal is expected within 30 days"),
    ],
)  # fmt: skip
def test_a_condition_is_said_as_an_owner_would(line: str, zh: str, en: str) -> None:
    condition = parse(line, catalogue)
    assert say_condition(condition, "zh") == zh
    assert say_condition(condition, "en") == en


@pytest.mark.parametrize(
    ("line", "value", "zh", "en"),
    [
        ("visits_in_30_days >= 4", 2, "还差 2 次", "2 more visits"),
        ("visits_in_30_days > 3", 3, "还差 1 次", "1 more visit"),
        ("visits_in_30_days >= 4", 4, "", ""),
        ("spend_in_30_days >= 5000", 480000, "还差 200 元", "200 yuan more"),
        ("spend_in_30_days > 5000", 500000, "还差 0.01 元", "0.01 yuan more"),
        ("weeks_in_a_row >= 3", 2, "还差 1 周", "1 more week"),
        ("referred_customers >= 3", 1, "还差 2 位", "2 more new customers"),
        ("days_since_visit <= 120", 150, "再来一次就行", "one visit is enough"),
        ("spend_place_in_12_months < 0.2", 0.25, "还要往前 5%", "5 points further up"),
        ("spend_place_in_12_months < 0.2", 0.2, "只差一点点", "just short"),
        ("occupation = \"owner\"", None, "还不知道：职业", "not known yet: occupation"),
        ("occupation = \"owner\"", "clerk", "要职业是老板", "needs: occupation is business owner"),
        ("complaints_in_30_days <= 0", 2, "多了 2 次", "2 complaints too many"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_with_its_number(line: str, value: object, zh: str, en: str) -> None:
    condition = parse(line, catalogue)
    assert say_need(condition, value, "zh") == zh
    assert say_need(condition, value, "en") == en


def test_two_of_four_is_said_as_two_of_four() -> None:
    said = say_grade(load("restaurant").scales[0].grades[0])
    assert said == (
        "A 类：下面四条里占两条就算——最近 30 天消费满 5000 元；最近 30 天到店至少 4 次；"
        "连续 3 周都来；上次消费满 3000 元。"
    )


def test_several_ways_are_numbered() -> None:
    grade = load("hotpot").scales[0].grades[1]
    assert say_grade(grade).startswith(
        "B 类：有两种情况，占一种就算——（1）平均每月消费满 5000 元；（2）下面四条里占两条"
    )
    assert say_grade(grade, "en").startswith(
        "B: any one of two ways: (1) average monthly spend at least 5,000 yuan;"
    )


def test_reviews_are_said_with_their_days() -> None:
    assert "每年 6 月 30 日、12 月 31 日统一复核" in load("tiers").say("zh")
    assert "Grades are reviewed on 30 June and 31 December" in load("tiers").say("en")
