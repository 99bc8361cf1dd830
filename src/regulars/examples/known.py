"""What the people of an example shop know about their regulars: made up, by chance with a seed, and nothing that grades."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

EATS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("allergies", ("花生", "虾和蟹", "芒果", "牛奶")),
    ("taboos", ("不吃香菜", "不吃内脏", "不吃葱蒜", "不吃羊肉", "不放味精")),
    ("taste", ("light", "mild", "hot", "hot", "any")),
    ("favourites", ("鲜毛肚，涮七上八下", "手切羊肉", "酸梅汤要常温", "脑花一定要点")),
    ("seat", ("window", "private", "quiet", "hall")),
)
LOOKS_AFTER_HERSELF: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("hair_state", ("发质偏细，烫过一次", "头皮偏油，三天洗一次", "染过深棕，发尾有点干")),
    ("preferred_staff", ("习惯找阿明", "找丽姐", "谁有空都行")),
)
SELLS_ON: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("payment_behaviour", ("on-time", "on-time", "late", "ahead")),
    ("management_style", ("owner", "family", "purchasing")),
    ("growth", ("growing", "steady", "shrinking")),
    ("competitors", ("城南五金批发", "网上零买一些", "老乡的铺子")),
)
EVERYBODY: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("interaction_style", ("silent", "talkative", "easy-going", "proud", "bargaining", "easy-going")),
    ("source", ("friend", "passing-by", "online", "coupon")),
    ("preferred_channel", ("call", "wechat", "wechat", "message")),
    ("preferred_time", ("weekday-evening", "weekend-evening", "weekend-day", "any")),
)
BY_TRADE = {
    "hotpot": EATS, "restaurant": EATS, "snack": EATS[:3], "hotel": EATS[4:], "salon": LOOKS_AFTER_HERSELF,
    "wholesale": SELLS_ON,
}  # fmt: skip

NOTES = (
    ("need", "说下个月想给孩子办周岁，问包间"), ("opinion", "夸新来的服务员手脚快"), ("complaint", "上次等位太久，送了小菜，下次提前留座"),
    ("other", "住附近小区，常和邻居一起来"), ("need", "公司年底聚餐，让提前报个价"), ("other", "开车来的，记得帮忙留车位"),
)  # fmt: skip
TAGS = ("老街坊", "带孩子", "公司聚餐", "爱尝新", "夜宵")


@dataclass(frozen=True)
class Known:
    """What is known of one regular: fields of the file, notes as (kind, text), tags."""

    fields: dict[str, str] = field(default_factory=dict)
    notes: list[tuple[str, str]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


def known_of(trade: str, place: int) -> Known:
    """What staff know of the regular at a place of the list: of the best much, further down less.

    >>> known_of("hotpot", 0) == known_of("hotpot", 0), len(known_of("hotpot", 0).fields) > len(known_of("hotpot", 60).fields)
    (True, True)
    """
    luck = random.Random(f"{trade} {place}")
    share = max(0.15, 0.9 - place / 60)
    fields = {
        key: luck.choice(values)
        for key, values in (*BY_TRADE.get(trade, ()), *EVERYBODY)
        if luck.random() < share
    }
    if place % 3:
        fields.pop("allergies", None)
    notes = [luck.choice(NOTES)] if luck.random() < share and trade != "wholesale" else []
    tags = [luck.choice(TAGS)] if luck.random() < share / 2 and trade != "wholesale" else []
    return Known(fields, notes, tags)
