"""Who the example shops are: their names, stores, staff and first playbook. All invented."""

from __future__ import annotations

from dataclasses import dataclass

from regulars.shop.words import Words


@dataclass(frozen=True)
class Worker:
    """One member of staff: `role` as the product knows it, `minutes` a day for caring for customers."""

    name: str
    role: str
    minutes: int
    store: str | None = None
    email: str = ""


@dataclass(frozen=True)
class ShopProfile:
    """A shop as it describes itself at set-up; `day_ends_at` is the hour after midnight that ends its day."""

    trade: str
    name: Words
    about: Words
    stores: tuple[str, ...]
    staff: tuple[Worker, ...]
    playbook: str
    day_ends_at: int = 0


PROFILES: dict[str, ShopProfile] = {
    "hotpot": ShopProfile(
        trade="hotpot",
        name=Words("渝里人家火锅", "Yuli Hot-pot"),
        about=Words(
            "两家店，开了多年，晚市做到后半夜，熟客带着公司和家里人来。",
            "Two stores, years in the trade, open past midnight; regulars bring their firms and families.",
        ),
        stores=("渝里人家火锅·江边店", "渝里人家火锅·学府店"),
        staff=(
            Worker("林国栋", "owner", 30, None, "lin@example.com"),
            Worker("周敏", "manager", 90, "渝里人家火锅·江边店", "zhoumin@example.com"),
            Worker("何志强", "manager", 90, "渝里人家火锅·学府店", "hezhiqiang@example.com"),
            Worker("许雯", "key-account", 120, None, "xuwen@example.com"),
            Worker("唐小琴", "front-desk", 60, "渝里人家火锅·江边店", "tangxiaoqin@example.com"),
            Worker("罗勇", "front-desk", 60, "渝里人家火锅·学府店", "luoyong@example.com"),
            Worker("苏婷", "service", 120, None, "suting@example.com"),
        ),
        playbook="hotpot",
        day_ends_at=4,
    ),
    "snack": ShopProfile(
        trade="snack",
        name=Words("山核桃零食铺", "Hickory Snacks"),
        about=Words(
            "三家社区零食店，客单小、来得勤，店员一抬头就认得人。",
            "Three neighbourhood snack shops: small baskets, frequent visits, faces the staff know.",
        ),
        stores=("山核桃零食铺·东门店", "山核桃零食铺·柳园店", "山核桃零食铺·学苑店"),
        staff=(
            Worker("沈丽华", "owner", 30, None, "shenlihua@example.com"),
            Worker("马超群", "manager", 60, "山核桃零食铺·东门店", "machaoqun@example.com"),
            Worker("高洁", "manager", 60, "山核桃零食铺·柳园店", "gaojie@example.com"),
            Worker("彭浩", "manager", 60, "山核桃零食铺·学苑店", "penghao@example.com"),
            Worker("董倩", "front-desk", 30, "山核桃零食铺·东门店", "dongqian@example.com"),
            Worker("程诚", "front-desk", 30, "山核桃零食铺·学苑店", "chengcheng@example.com"),
        ),
        playbook="snack",
    ),
    "salon": ShopProfile(
        trade="salon",
        name=Words("素时美容美发", "Plain Hours Salon"),
        about=Words(
            "一家店，客人买次卡和疗程，认准自己的老师。",
            "One salon: prepaid sessions and courses, and everybody has a favourite stylist.",
        ),
        stores=("素时美容美发",),
        staff=(
            Worker("蒋素", "owner", 60, None, "jiangsu@example.com"),
            Worker("叶青", "manager", 120, None, "yeqing@example.com"),
            Worker("顾盼", "service", 60, None, "gupan@example.com"),
            Worker("阿Ken", "service", 45, None, "ken@example.com"),
            Worker("莫莉", "service", 45, None, "moli@example.com"),
            Worker("夏宁", "service", 45, None, "xianing@example.com"),
            Worker("方圆", "front-desk", 60, None, "fangyuan@example.com"),
        ),
        playbook="salon",
    ),
    "wholesale": ShopProfile(
        trade="wholesale",
        name=Words("联众汽配", "Lianzhong Auto Parts"),
        about=Words(
            "汽配批发：修理厂和经销商按单拿货，月结，有退货也有欠款。",
            "Auto parts wholesale: garages and dealers order on account, with returns and receivables.",
        ),
        stores=("联众汽配总仓",),
        staff=(
            Worker("郑长河", "owner", 60, None, "zhengchanghe@example.com"),
            Worker("魏然", "manager", 90, None, "weiran@example.com"),
            Worker("梁冰", "key-account", 240, None, "liangbing@example.com"),
            Worker("袁满", "key-account", 240, None, "yuanman@example.com"),
            Worker("卢晓", "service", 120, None, "luxiao@example.com"),
        ),
        playbook="b2b-nine",
    ),
    "restaurant": ShopProfile(
        trade="restaurant",
        name=Words("稻香小馆", "Daoxiang Kitchen"),
        about=Words(
            "街边家常菜馆，中午是附近上班的人，周末是一大家子。",
            "A corner restaurant: office lunches on weekdays, whole families at weekends.",
        ),
        stores=("稻香小馆",),
        staff=(
            Worker("秦川", "owner", 30, None, "qinchuan@example.com"),
            Worker("白雪", "manager", 120, None, "baixue@example.com"),
            Worker("史进", "manager", 90, None, "shijin@example.com"),
            Worker("陶陶", "front-desk", 60, None, "taotao@example.com"),
        ),
        playbook="restaurant",
    ),
}
