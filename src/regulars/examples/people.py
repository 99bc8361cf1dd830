"""Who the customers are: names, phones, cards, birthdays, what shops write down about them. All invented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

# The hundred or so commonest surnames, the commoner the earlier, then some that software reads wrongly:
# 单 is Shan, 曾 is Zeng, 仇 is Qiu, 解 is Xie, 区 is Ou, 查 is Zha.
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金"
    "韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常"
)
HARD_SURNAMES = ("单", "曾", "仇", "解", "区", "查", "欧阳", "司马", "上官")
LONG_GIVEN_NAMES = ("雨薇", "志强", "思源", "子墨", "晓明", "若曦丽娜", "阿依古丽", "凯瑟琳")
GIVEN_FEMALE = (
    "芳", "敏", "静", "丽", "娟", "艳", "秀英", "玉兰", "桂英", "婷婷", "雪梅", "丽华", "晓燕", "海燕",
    "佳怡", "欣怡", "雨桐", "梓涵", "思雨", "诗琪", "梦洁", "慧敏", "春梅", "红霞", "建华", "亚楠", "晓丽",
    "文静", "美玲", "淑珍", "倩", "莹", "璐", "颖", "悦", "琳",
)  # fmt: skip
GIVEN_MALE = (
    "伟", "强", "磊", "军", "勇", "杰", "涛", "超", "明", "刚", "平", "辉", "鹏", "建国", "建军", "志强",
    "志明", "文博", "浩然", "子轩", "宇航", "俊杰", "海涛", "国强", "永强", "晓东", "立新", "家豪", "天宇",
    "一鸣", "德华", "振东", "斌", "峰", "波", "凯",
)  # fmt: skip
OCCUPATIONS = (
    ("职员", 0.30), ("学生", 0.12), ("工人", 0.10), ("老师", 0.07), ("老板", 0.04), ("高管", 0.02),
    ("经理", 0.07), ("司机", 0.06), ("护士", 0.06), ("公职人员", 0.04), ("自由职业", 0.06), ("退休", 0.06),
)  # fmt: skip
STREETS = (
    "江滨路",
    "学府路",
    "解放东路",
    "新华街",
    "柳园巷",
    "桂花路",
    "人民南路",
    "滨湖大道",
    "东门街",
    "文昌路",
)
LUNAR_MONTHS = ("正", "二", "三", "四", "五", "六", "七", "八", "九", "十", "冬", "腊")
LUNAR_TENS = ("初", "十", "廿", "三")
DIGITS = "〇一二三四五六七八九十"
TASTES = (
    "不吃香菜", "要微辣", "爱坐靠窗", "花生过敏", "常带父母来", "喜欢毛肚", "不要一次性筷子", "爱喝酸梅汤",
    "嗓子不好要清汤", "生日想要长寿面", "来了先泡茶", "喜欢安静的位子", "结账要开发票", "停车要帮忙看位",
)  # fmt: skip

PLACEHOLDER_PHONE = "13800138000"  # the operator's own service number, typed in by cashiers
PLACEHOLDER_HOLDERS = 8


@dataclass(frozen=True)
class Customer:
    """One line of a shop's customer list; None is an empty cell. `way`: how the till knows this customer."""

    name: str
    sex: str
    phone: str | None
    card: str
    openid: str
    way: str  # card, phone, openid, none
    birthday: str | None = None
    lunar_birthday: str | None = None
    occupation: str | None = None
    address: str | None = None
    referrer: str | None = None
    note: str | None = None


def phone_number(index: int) -> str:
    """The index-th example number: 1740 0–5, valid in form and handed out to no one; last digits well mixed.

    >>> phone_number(0), phone_number(1)
    ('17400357421', '17403376232')
    """
    return f"1740{(index * 3_018_811 + 357_421) % 6_000_000:07d}"


def customers(
    n: int, rng: np.random.Generator, *, prefix: str, ways: Sequence[tuple[str, float]]
) -> list[Customer]:
    """Make n customers. `prefix` begins their card numbers, `ways` says how many are known by what.

    The oddities of real lists come first, so that even a small shop has them: surnames that software reads
    wrongly, a name of 60 characters, birthdays on 29 February, in a leap month and on the lunar 12/30, one
    person with two phones, families sharing a card, a placeholder phone that many share.
    """
    names, shares = zip(*ways, strict=True)
    way = rng.choice(len(names), size=n, p=np.array(shares) / sum(shares))
    rank = np.minimum(rng.geometric(0.035, n) - 1, len(SURNAMES) - 1)
    female = rng.random(n) < 0.52
    given = rng.integers(0, 36, n)
    jobs = rng.choice(len(OCCUPATIONS), size=n, p=np.array([share for _, share in OCCUPATIONS]))
    chance = rng.random((n, 6))
    born = np.stack([rng.integers(1950, 2009, n), rng.integers(1, 13, n), rng.integers(1, 29, n)], axis=1)
    street = rng.integers(0, len(STREETS), n)
    door = rng.integers(1, 300, n)
    other = rng.integers(0, n, n)
    taste = rng.integers(0, len(TASTES), n)
    openids = rng.integers(0, 36, (n, 22))
    letters = np.array(list("0123456789abcdefghijklmnopqrstuvwxyz"))
    people = []
    for i in range(n):
        sex = "女" if female[i] else "男"
        solar, lunar = _birthday(chance[i, 0], chance[i, 1], born[i])
        people.append(
            Customer(
                name=SURNAMES[rank[i]] + (GIVEN_FEMALE if female[i] else GIVEN_MALE)[given[i]],
                sex=sex,
                phone=phone_number(i),
                card=f"{prefix}{100_000 + i * 7}",
                openid="oEx" + "".join(letters[openids[i]]) + "Rgl",
                way=names[way[i]],
                birthday=solar,
                lunar_birthday=lunar,
                occupation=OCCUPATIONS[jobs[i]][0] if chance[i, 2] < 0.45 else None,
                address=f"{STREETS[street[i]]}{door[i]}号" if chance[i, 3] < 0.3 else None,
                referrer=f"{prefix}{100_000 + int(other[i]) * 7}"
                if chance[i, 4] < 0.06 and other[i] != i
                else None,
                note=TASTES[taste[i]] if chance[i, 5] < 0.18 else None,
            )
        )
    return _with_oddities(people, names[0], rng)


def _birthday(has: float, sort: float, born: Any) -> tuple[str | None, str | None]:
    """(solar, lunar) birthday as shops write it: seven in ten have one, a quarter of these are lunar."""
    year, month, day = (int(part) for part in born)
    if has > 0.7:
        return None, None
    if sort < 0.6:
        return f"{year}-{month:02d}-{day:02d}", None
    if sort < 0.68:
        return f"{month:02d}-{day:02d}", None
    if sort < 0.74:
        return f"{year}年{month}月{day}日", None
    if sort < 0.92:
        return None, f"农历{lunar_words(month, day)}"
    return None, f"(农){month}.{day}"


def lunar_words(month: int, day: int, *, leap: bool = False) -> str:
    """A lunar month and day in words.

    >>> lunar_words(1, 5), lunar_words(12, 30), lunar_words(4, 12, leap=True), lunar_words(8, 20)
    ('正月初五', '腊月三十', '闰四月十二', '八月二十')
    """
    tens, ones = divmod(day, 10)
    if day in (10, 20, 30):
        words = {10: "初十", 20: "二十", 30: "三十"}[day]
    else:
        words = LUNAR_TENS[tens] + DIGITS[ones]
    return f"{'闰' if leap else ''}{LUNAR_MONTHS[month - 1]}月{words}"


def _with_oddities(people: list[Customer], listed: str, rng: np.random.Generator) -> list[Customer]:
    """Put the rare but real cases on the first of the list, and pairs and families through all of it.

    `listed` is the way of being known that gets a customer into the shop's list.
    """
    n = len(people)
    people[:11] = [replace(person, way=listed) for person in people[:11]]
    for i, surname in enumerate(HARD_SURNAMES[:n]):
        given = LONG_GIVEN_NAMES[i % len(LONG_GIVEN_NAMES)]
        people[i] = replace(people[i], name=surname + given)
    fixed = (
        {"birthday": "1988-02-29", "lunar_birthday": None},
        {"birthday": "02-29", "lunar_birthday": None},
        {"birthday": None, "lunar_birthday": f"农历{lunar_words(4, 12, leap=True)}"},
        {"birthday": None, "lunar_birthday": f"农历{lunar_words(12, 30)}"},
        {"birthday": None, "lunar_birthday": "(农)12.30"},
        {"birthday": None, "lunar_birthday": "农历一九九五年闰八月初八"},
    )
    for i, change in enumerate(fixed[: max(0, n - 1)]):
        people[i + 1] = replace(people[i + 1], **change)  # type: ignore[arg-type]
    if n > 10:
        people[10] = replace(people[10], name=("阿卜杜热合曼·买买提·" * 6)[:60])
    # One person, two phones and two cards: same name, same birthday.
    for i in range(11, n - 1, max(60, n // 20)):
        twin = people[i]
        people[i] = replace(twin, birthday=twin.birthday or "1985-06-18", lunar_birthday=None)
        people[i + 1] = replace(
            people[i + 1], name=twin.name, sex=twin.sex, birthday=people[i].birthday, lunar_birthday=None,
            note="换过号码", way="phone" if twin.way == "phone" else "card",
        )  # fmt: skip
    for i in rng.choice(n, size=max(1, n // 60), replace=False):
        people[i] = replace(people[i], note="一家人共用这张卡", way="card")
    if n > 40:
        for i in range(20, 20 + PLACEHOLDER_HOLDERS):
            people[i] = replace(people[i], phone=PLACEHOLDER_PHONE, way="card")
    return people


COMPANY_PLACES = (
    "江城",
    "临川",
    "云河",
    "安平",
    "青石",
    "南岭",
    "东港",
    "锦川",
    "永宁",
    "北固",
    "西陵",
    "长桥",
)
COMPANY_NAMES = (
    "顺达", "宏远", "恒通", "鑫源", "永盛", "捷诚", "金鼎", "华宇", "众联", "安驰", "飞腾", "力诚", "德胜",
    "嘉信", "利丰", "万通", "腾跃", "三友",
)  # fmt: skip
COMPANY_KINDS = (
    "汽车修理厂", "汽车服务有限公司", "汽配经营部", "汽车配件有限公司", "运输有限公司", "汽车养护中心",
    "商贸有限公司", "机电设备有限公司",
)  # fmt: skip


def companies(n: int, rng: np.random.Generator) -> list[str]:
    """n different invented company names; the first is 60 characters long, as some registers have them."""
    found: dict[str, None] = {}
    while len(found) < n:
        place, name, kind = (
            options[int(rng.integers(0, len(options)))]
            for options in (COMPANY_PLACES, COMPANY_NAMES, COMPANY_KINDS)
        )
        found[place + name + kind] = None
    names = list(found)
    names[0] = ("江城市经济技术开发区" + "顺达宏远恒通" * 9)[:54] + "有限责任公司"
    return names
