"""The example shops' files, each as its till would write it: title lines, totals, dashes and broken lines.

Every writer takes (folder, on, seed, scale) and gives the files in the order in which they were written. Each
shop has a few lines on purpose that no import can take: an impossible date, a number spoilt by a spreadsheet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from regulars.examples.goods import COURSES, DISHES, HOTPOT_DISHES, PARTS, SERVICES, Item
from regulars.examples.lives import HABITS, Lives, live
from regulars.examples.people import Customer, companies, customers
from regulars.examples.profiles import PROFILES
from regulars.examples.sheets import Cell, Table, write_csv, write_workbook

Maker = Callable[[Path, date, int, float], list[Path]]
DETAIL_DAYS = 60  # dishes and parts are exported for the last two months only, as most shops do


def _begin(trade: str, on: date, seed: int, scale: float) -> tuple[Lives, np.random.Generator]:
    rng = np.random.default_rng([seed, list(PROFILES).index(trade)])
    return live(HABITS[trade], on - timedelta(days=1), rng, scale), rng


def _yuan(fen: Any) -> list[Cell]:
    """Amounts as numbers with two decimals."""
    return [value / 100 for value in fen.tolist()]


def _picked(
    options: Sequence[str], rng: np.random.Generator, n: int, shares: Sequence[float] | None = None
) -> list[str]:
    return [options[i] for i in rng.choice(len(options), size=n, p=shares).tolist()]


def _clock(days: list[date], day: Any, minute: Any, style: str = "%Y/%m/%d") -> list[str]:
    """Instants as text; minutes past midnight fall on the next calendar day."""
    written = [d.strftime(style) for d in [*days, days[-1] + timedelta(days=1)]]
    return [
        f"{written[d + m // 1440]} {m % 1440 // 60:02d}:{m % 60:02d}:{(d * 37 + m * 13) % 60:02d}"
        for d, m in zip(day.tolist(), minute.tolist(), strict=True)
    ]


def _on_each(dates: list[date], day: Any, style: str) -> list[str]:
    """The date of each visit as text; every day is written once, dates are slow to write."""
    written = [d.strftime(style) for d in dates]
    return [written[d] for d in day.tolist()]


def _numbers(prefix: str, dates: Sequence[str]) -> list[str]:
    """Receipt numbers: prefix, day, running number."""
    return [f"{prefix}{day}{number:06d}" for number, day in enumerate(dates, 1)]


def _per_visit(lives: Lives, values: Sequence[Cell], otherwise: Cell = None) -> list[Cell]:
    """One value per visit from one per customer."""
    known = [*values, otherwise]  # -1 picks the last
    return [known[i] for i in lives.customer.tolist()]


def _only(way: str, people: Sequence[Customer], value: Callable[[Customer], str | None]) -> list[Cell]:
    return [value(person) if person.way == way else None for person in people]


def _registered(lives: Lives) -> list[Cell]:
    dates = lives.dates()
    return [
        dates[first].isoformat() if first >= 0 else lives.end.isoformat() for first in lives.first.tolist()
    ]


def _birthday(person: Customer) -> str | None:
    return person.birthday or person.lunar_birthday


# hot-pot: a Meituan chain workbook, a WeChat bill, a member list


ORDER_HEADERS = (
    "门店", "机构编码", "营业日期", "订单号", "经营模式", "订单来源", "用餐方式", "下单时间", "结账时间",
    "退单时间", "取餐号", "桌牌号", "全渠道流水号", "桌台区域", "用餐人数", "订单金额（元）",
    "顾客应付（元）", "支付合计（元）", "订单优惠（元）", "订单收入（元）", "结账方式", "订单状态",
    "退单标识", "菜品收入（元）", "预定用餐时间", "预订人手机号", "会员", "整单备注", "敏感操作",
)  # fmt: skip
DISH_HEADERS = (
    "门店", "机构编码", "订单编号", "取餐号", "桌牌号", "菜品编码", "菜品名称", "规格", "做法", "加料",
    "销售数量", "单位", "金额合计（元）", "菜品优惠（元）", "菜品收入（元）", "备注",
)  # fmt: skip
WECHAT_HEADERS = (
    "交易时间", "公众账号ID", "商户号", "特约商户号", "设备号", "微信订单号", "商户订单号", "用户标识",
    "交易类型", "交易状态", "付款银行", "货币种类", "应结订单金额", "代金券金额", "微信退款单号",
    "商户退款单号", "退款金额", "充值券退款金额", "退款类型", "退款状态", "商品名称", "商户数据包",
    "手续费", "费率", "订单金额", "申请退款金额", "费率备注",
)  # fmt: skip
WECHAT_TOTALS = (
    "总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额", "订单总金额",
    "申请退款总金额",
)  # fmt: skip
OCCASIONS = ("商务宴请", "朋友聚会", "家庭聚餐", "生日", "一个人")


def hotpot(folder: Path, on: date, seed: int, scale: float) -> list[Path]:
    """Chain orders (the older ones saved as CSV, as owners do), dishes, take-away's WeChat bill, members."""
    lives, rng = _begin("hotpot", on, seed, scale)
    people = customers(
        len(lives.kind), rng, prefix="888",
        ways=(("card", 0.62), ("phone", 0.2), ("openid", 0.1), ("none", 0.08)),
    )  # fmt: skip
    people = _who_carries_the_house(lives, people, rng)
    dates = lives.dates()
    by_openid = np.array([person.way == "openid" for person in people])
    takeaway = (lives.customer >= 0) & by_openid[lives.customer]
    numbers = _numbers("DD", _on_each(dates, lives.day, "%Y%m%d"))
    split = int(np.searchsorted(lives.day, lives.days - DETAIL_DAYS))
    older = _hotpot_orders(lives, people, rng, slice(0, split), takeaway, numbers)
    newer = _hotpot_orders(lives, people, rng, slice(split, None), takeaway, numbers)
    dishes = _dishes(lives.party[split:], newer, rng)
    return [
        write_csv(folder / "全渠道订单明细_往期.csv", older, "gb18030"),
        write_workbook(folder / "全渠道订单明细_近两月.xlsx", {"全渠道订单明细": newer, "菜品明细": dishes}),
        _wechat_bill(folder / "微信支付账单.csv", lives, people, takeaway, numbers),
        write_workbook(folder / "会员列表.xlsx", {"会员": _hotpot_members(lives, people, rng)}),
    ]


def _hotpot_orders(
    lives: Lives,
    people: list[Customer],
    rng: np.random.Generator,
    part: slice,
    takeaway: Any,
    numbers: list[str],
) -> Table:
    """The chain's list of orders. Members show a number, bookings a phone, take-away nothing."""
    day, minute, fen, outside = lives.day[part], lives.minute[part], lives.fen[part], takeaway[part]
    n = len(day)
    dates = lives.dates()
    stores = PROFILES["hotpot"].stores
    store = lives.store[part].tolist()
    customer = lives.customer[part].tolist()
    cards = [*_only("card", people, lambda person: person.card), None]
    phones = [*_only("phone", people, lambda person: person.phone), None]
    discount = np.where(rng.random(n) < 0.12, np.round(fen * rng.choice([0.05, 0.1, 0.12], n) / 100) * 100, 0)
    gross, discount = fen + discount.astype(np.int64), discount.astype(np.int64)
    returned = ((rng.random(n) < 0.004) & ~outside).tolist()
    out = outside.tolist()
    business = _on_each(dates, day, "%Y/%m/%d")
    opened = _clock(dates, day, np.maximum(minute - rng.integers(35, 110, n), 0))
    closed = _clock(dates, day, minute)
    if n > 30:
        broken = n // 2
        business[broken] = "2026/13/45"
        opened[broken], closed[broken] = "2026/13/45 19:20:00", "2026/13/45 20:31:00"
    note = ["" if x > 0.07 else OCCASIONS[int(x * 1e4) % len(OCCASIONS)] for x in rng.random(n).tolist()]
    table = rng.integers(1, 46, n).tolist()
    paid = _picked(("微信支付", "支付宝", "现金", "储值卡", "银行卡"), rng, n, (0.55, 0.2, 0.06, 0.14, 0.05))
    source = _picked(("扫码点餐", "收银机"), rng, n, (0.6, 0.4))
    columns: list[Sequence[Cell]] = [
        [stores[s] for s in store],
        [("MD1001", "MD1002")[s] for s in store],
        business,
        numbers[part],
        ["直营"] * n,
        ["自营外卖" if o else text for o, text in zip(out, source, strict=True)],
        ["外带" if o else "堂食" for o in out],
        opened,
        closed,
        [text if back else "--" for text, back in zip(closed, returned, strict=True)],
        ["--"] * n,
        ["--" if o else f"{'ABC'[t % 3]}{t:02d}" for o, t in zip(out, table, strict=True)],
        [None] * n,
        ["--" if o else ("大厅", "包间", "露台")[t % 3] for o, t in zip(out, table, strict=True)],
        lives.party[part].tolist(),
        _yuan(gross),
        _yuan(fen),
        _yuan(fen),
        _yuan(discount),
        _yuan(fen),
        ["微信支付" if o else text for o, text in zip(out, paid, strict=True)],
        ["整单退" if back else "已结账" for back in returned],
        ["是" if back else "否" for back in returned],
        _yuan(fen),
        [text if phones[i] else "--" for text, i in zip(opened, customer, strict=True)],
        [phones[i] or "--" for i in customer],
        [cards[i] or "--" for i in customer],
        note,
        [None] * n,
    ]
    total: list[Cell] = [None] * len(ORDER_HEADERS)
    total[0], total[19] = "合计", int(fen.sum()) / 100
    first, last = (business[0], business[-1]) if n else ("", "")
    return Table(
        ORDER_HEADERS, columns, above=[["全渠道订单明细"], [f"营业日期：{first} 至 {last}"]], below=[total]
    )


def _dishes(party: Any, orders: Table, rng: np.random.Generator) -> Table:
    """What stood on the tables: the few dishes that the till counts."""
    of, item, quantity = _baskets(np.clip(party, 2, 6), HOTPOT_DISHES, rng)
    fen = np.array([dish.yuan for dish in HOTPOT_DISHES])[item] * quantity * 100
    n = len(of)

    def pick(column: int) -> list[Cell]:
        source = orders.columns[column]
        return [source[i] for i in of.tolist()]

    columns: list[Sequence[Cell]] = [
        pick(0), pick(1), pick(3), ["--"] * n, pick(11),
        [f"CP{i:03d}" for i in (item + 1).tolist()],
        [HOTPOT_DISHES[i].name for i in item.tolist()],
        ["--"] * n, ["--"] * n, ["--"] * n, quantity.tolist(), ["份"] * n,
        _yuan(fen), [0] * n, _yuan(fen), [None] * n,
    ]  # fmt: skip
    return Table(DISH_HEADERS, columns, above=[["菜品明细"], ["按订单"]])


def _baskets(sizes: Any, items: Sequence[Item], rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """(receipt index, item index, quantity) of every line; popular items first, one line per item."""
    of = np.repeat(np.arange(len(sizes)), sizes)
    popularity = np.array([item.share for item in items])
    item = rng.choice(len(items), size=len(of), p=popularity / popularity.sum())
    pairs, quantity = np.unique(np.stack([of, item], axis=1), axis=0, return_counts=True)
    return pairs[:, 0], pairs[:, 1], quantity


def _wechat_bill(path: Path, lives: Lives, people: list[Customer], mask: Any, numbers: list[str]) -> Path:
    """Take-away paid in the mini-program: all that is known of these customers is who pays."""
    at = np.flatnonzero(mask)
    when = _clock(lives.dates(), lives.day[at], lives.minute[at], "%Y-%m-%d")
    fen = lives.fen[at]
    orders = [numbers[i] for i in at.tolist()]
    rows: list[list[Cell]] = []
    payments = zip(orders, when, lives.customer[at].tolist(), fen.tolist(), strict=True)
    for number, (order, moment, customer, paid) in enumerate(payments, 1):
        openid = people[customer].openid
        yuan = f"{paid / 100:.2f}"
        # One line went through a spreadsheet, which made the payer a number and rounded it.
        payer = "4.00123E+27" if number == 5 else openid
        paid_line = [
            moment, "wxexample0000000001", "1900000000", "", "", f"42000{number:023d}", order, payer, "JSAPI",
            "SUCCESS", "OTHERS", "CNY", yuan, "0.00", "0", "0", "0.00", "0.00", "", "", "外带锅底套餐", "",
            f"{paid * 6 / 100_000:.5f}", "0.60%", yuan, "0.00", "",
        ]  # fmt: skip
        rows.append([f"`{cell}" for cell in paid_line])
    total = sum(fen.tolist()) / 100
    below = [
        list(WECHAT_TOTALS),
        [f"`{len(rows)}", f"`{total:.2f}", "`0.00", "`0.00", "`0.00", f"`{total:.2f}", "`0.00"],
    ]
    columns: list[list[Cell]] = [list(column) for column in zip(*rows, strict=True)] or [
        [] for _ in WECHAT_HEADERS
    ]
    return write_csv(path, Table(WECHAT_HEADERS, columns, below=below), quote=False)


MEMBER_HEADERS = (
    "会员姓名", "会员卡号", "性别", "生日", "会员积分", "手机号", "职业", "地址", "储值本金", "储值赠金",
    "会员等级", "推荐人", "备注", "注册时间",
)  # fmt: skip


def _member_columns(lives: Lives, people: list[Customer], rng: np.random.Generator) -> list[list[Cell]]:
    """The usual columns of a member list, for those with a card or a phone; one phone is masked."""
    spent = np.bincount(
        lives.customer[lives.customer >= 0], weights=lives.fen[lives.customer >= 0], minlength=len(people)
    )
    registered = _registered(lives)
    stored = np.where(rng.random(len(people)) < 0.1, rng.integers(1, 11, len(people)) * 200, 0)
    rows: list[list[Cell]] = []
    for i, person in enumerate(people):
        if person.way not in ("card", "phone"):
            continue
        yuan = int(spent[i]) // 100
        tier = "钻石" if yuan > 20_000 else "黄金" if yuan > 5_000 else "普通"
        phone = person.phone
        if len(rows) == 9 and phone:
            phone = f"{phone[:3]}****{phone[-4:]}"
        rows.append([
            person.name, person.card if person.way == "card" else None, person.sex, _birthday(person),
            yuan // 10, phone,
            person.occupation, person.address, int(stored[i]), int(stored[i]) // 10, tier, person.referrer,
            person.note, registered[i],
        ])  # fmt: skip
    return [list(column) for column in zip(*rows, strict=True)]


WORK = {
    "host": ("老板", "老板", "高管", "高管", "经理"),
    "team leader": ("工厂主管", "骨干员工", "骨干员工", "学生", "经理"),
    "family feasts": ("老师", "职员", "退休", "老板", "护士"),
}
"""What those do who bring many to the table."""


def _who_carries_the_house(lives: Lives, people: list[Customer], rng: np.random.Generator) -> list[Customer]:
    """Who brings a full table is asked for a card, and of most of them the house knows what they do."""
    kinds = [kind.name for kind in HABITS["hotpot"].kinds]
    chance = rng.random((len(people), 2))
    carried = []
    for person, kind, (asked, which) in zip(people, lives.kind.tolist(), chance.tolist(), strict=True):
        work = WORK.get(kinds[kind])
        if work is None:
            carried.append(person)
            continue
        occupation = work[int(which * len(work))] if asked < 0.7 else person.occupation
        carried.append(replace(person, way="card", occupation=occupation))
    return carried


def _hotpot_members(lives: Lives, people: list[Customer], rng: np.random.Generator) -> Table:
    """The member list of a house that notes who its guests are; few cells of the last columns are filled."""
    columns = _member_columns(lives, people, rng)
    is_boss = np.array([work in ("老板", "高管") for work in columns[MEMBER_HEADERS.index("职业")]])
    chance = rng.random((3, len(is_boss)))
    size = np.where(chance[0] < 0.15, "大", np.where(chance[0] < 0.5, "中", "小"))
    nearby = chance[1] < 0.04
    steady = np.where(nearby, chance[2] < 0.08, chance[2] < 0.02)
    columns += [
        [text if boss else None for text, boss in zip(size.tolist(), is_boss.tolist(), strict=True)],
        ["是" if yes else None for yes in nearby.tolist()],
        ["是" if yes else None for yes in steady.tolist()],
    ]
    return Table([*MEMBER_HEADERS, "单位规模", "住附近", "收入稳定"], columns)


# snacks: one GB18030 file per store, customers from an online shop


SNACK_HEADERS = (
    "流水号", "门店名称", "销售时间", "会员手机", "会员姓名", "商品件数", "应收金额", "优惠金额",
    "实收金额", "退款金额", "支付方式", "收银员",
)  # fmt: skip


def snack(folder: Path, on: date, seed: int, scale: float) -> list[Path]:
    """A till export per store, in the encoding of old tills, and the customers of the online shop."""
    lives, rng = _begin("snack", on, seed, scale)
    people = customers(len(lives.kind), rng, prefix="66", ways=(("phone", 0.93), ("none", 0.07)))
    profile = PROFILES["snack"]
    dates = lives.dates()
    n = len(lives.day)
    at = _clock(dates, lives.day, lives.minute, "%Y-%m-%d")
    if n > 30:
        at[n // 3] = "2026-02-30 18:05:00"
    phones = _per_visit(lives, _only("phone", people, lambda person: person.phone))
    names = _per_visit(lives, _only("phone", people, lambda person: person.name))
    discount = np.where(rng.random(n) < 0.15, rng.integers(1, 6, n) * 100, 0)
    refund = np.where(rng.random(n) < 0.003, np.minimum(lives.fen, 1000), 0)
    pieces = rng.integers(1, 9, n).tolist()
    pay = _picked(("微信", "支付宝", "现金"), rng, n, (0.62, 0.3, 0.08))
    cashiers = [worker.name for worker in profile.staff if worker.store]
    columns: list[Sequence[Cell]] = [
        _numbers("LS", [text[:10].replace("-", "") for text in at]),
        [profile.stores[s] for s in lives.store.tolist()],
        at, phones, names, pieces,
        _yuan(lives.fen + discount), _yuan(discount), _yuan(lives.fen), _yuan(refund),
        pay, [cashiers[s % len(cashiers)] for s in lives.store.tolist()],
    ]  # fmt: skip
    files = []
    for index, store in enumerate(profile.stores):
        mine = np.flatnonzero(lives.store == index).tolist()
        here = [[column[i] for i in mine] for column in columns]
        path = folder / f"销售流水_{store.partition('·')[2]}.csv"
        files.append(write_csv(path, Table(SNACK_HEADERS, here), "gb18030"))
    return [*files, _youzan_customers(folder / "网店客户.csv", lives, people, rng)]


def _youzan_customers(path: Path, lives: Lives, people: list[Customer], rng: np.random.Generator) -> Path:
    headers = (
        "客户姓名",
        "客户昵称",
        "性别",
        "生日",
        "免费等级",
        "付费等级",
        "客户手机号",
        "客户积分",
        "客户储值余额",
        "客户备注",
    )
    spent = np.bincount(
        lives.customer[lives.customer >= 0], weights=lives.fen[lives.customer >= 0], minlength=len(people)
    )
    nickname = _picked(
        ("坚果控", "爱吃鬼", "吃货小分队", "嘴不停", "楼下邻居", "办公室采购"), rng, len(people)
    )
    rows: list[list[Cell]] = [
        [
            person.name, f"{nickname[i]}{i % 97}", person.sex, _birthday(person),
            "VIP2" if spent[i] > 100_000 else "VIP1", "",
            person.phone, int(spent[i]) // 100, 0, person.note,
        ]
        for i, person in enumerate(people)
        if person.way == "phone" and i % 5 < 3
    ]  # fmt: skip
    return write_csv(path, Table(headers, [list(column) for column in zip(*rows, strict=True)]))


# salon: till, sessions without amounts, customer list


SALON_HEADERS = (
    "小票号", "消费时间", "会员卡号", "会员姓名", "手机号", "服务项目", "项目分类", "美容师", "实收金额",
    "支付方式",
)  # fmt: skip
SESSION_HEADERS = (
    "到店时间", "会员卡号", "会员姓名", "手机号", "服务项目", "护理阶段", "美容师", "剩余次数",
)  # fmt: skip


def salon(folder: Path, on: date, seed: int, scale: float) -> list[Path]:
    """The till (courses and single services), the sessions taken off a course (no amounts), the customers."""
    lives, rng = _begin("salon", on, seed, scale)
    people = customers(len(lives.kind), rng, prefix="SM", ways=(("card", 0.9), ("phone", 0.1)))
    profile = PROFILES["salon"]
    dates = lives.dates()
    services = [worker.name for worker in profile.staff if worker.role in ("service", "owner", "manager")]
    n = len(lives.day)
    at = _clock(dates, lives.day, lives.minute, "%Y-%m-%d")
    if n > 30:
        at[n // 3] = "2026-00-12 15:00:00"
    by_course = np.array(
        [HABITS["salon"].kinds[k].name in ("course", "fortnightly") for k in lives.kind.tolist()]
    )
    session = (lives.customer >= 0) & by_course[lives.customer]
    nth = _occurrence(lives.customer)
    buys = session & (
        nth % 10 == 0
    )  # every tenth visit a new course of ten is bought, and its first session used
    course = rng.choice(len(COURSES), size=len(people) + 1, p=_shares(COURSES))[lives.customer]
    service = rng.choice(len(SERVICES), size=n, p=_shares(SERVICES))
    cards = _per_visit(lives, _only("card", people, lambda person: person.card))
    names = _per_visit(lives, [person.name for person in people], "散客")
    phones = _per_visit(lives, [person.phone for person in people])
    staff = [services[s] for s in lives.staff.tolist()]
    sold = np.flatnonzero(~session | buys).tolist()
    fen = np.where(buys, np.array([c.yuan for c in COURSES])[course] * 100, lives.fen)
    choices = zip(course.tolist(), service.tolist(), buys.tolist(), strict=True)
    what = [COURSES[c] if bought else SERVICES[s] for c, s, bought in choices]
    stage = [("首次护理", "疗程中", "疗程中", "巩固期")[min(k // 4, 3)] for k in (nth % 16).tolist()]
    till = _rows(
        sold,
        _numbers("XS", [text[:10].replace("-", "") for text in at]), at, cards, names, phones,
        [item.name for item in what], [item.category for item in what], staff, _yuan(fen),
        _picked(("微信", "支付宝", "现金", "储值卡"), rng, n, (0.5, 0.2, 0.05, 0.25)),
    )  # fmt: skip
    used = np.flatnonzero(session).tolist()
    left = (10 - nth % 10 - 1).tolist()
    sessions = _rows(
        used, at, cards, names, phones, [COURSES[c].name for c in course.tolist()], stage, staff, left
    )
    return [
        write_workbook(
            folder / "收银流水.xlsx",
            {"收银流水": Table(
                SALON_HEADERS, till,
                above=[["素时美容美发　收银流水"]], below=[["合计", *[None] * 7, int(fen[sold].sum()) / 100]],
            )},
        ),
        write_csv(
            folder / "划卡记录.csv",
            Table(SESSION_HEADERS, sessions),
        ),
        _salon_customers(folder / "顾客档案.csv", lives, people, services),
    ]  # fmt: skip


def _salon_customers(path: Path, lives: Lives, people: list[Customer], services: list[str]) -> Path:
    headers = (
        "会员卡号",
        "姓名",
        "性别",
        "手机号",
        "公历生日",
        "农历生日",
        "职业",
        "地址",
        "推荐人",
        "喜欢的老师",
        "备注",
        "开卡日期",
    )
    registered = _registered(lives)
    rows: list[list[Cell]] = [
        [
            person.card, person.name, person.sex, person.phone, person.birthday, person.lunar_birthday,
            person.occupation, person.address, person.referrer, services[int(lives.favourite[i])],
            person.note, registered[i],
        ]
        for i, person in enumerate(people)
        if person.way == "card"
    ]  # fmt: skip
    return write_csv(path, Table(headers, [list(column) for column in zip(*rows, strict=True)]))


def _rows(at: list[int], *columns: Sequence[Cell]) -> list[list[Cell]]:
    return [[column[i] for i in at] for column in columns]


def _occurrence(customer: Any) -> Any:
    """How many visits each visit's customer had before it."""
    order = np.argsort(customer, kind="stable")
    grouped = customer[order]
    starts = np.flatnonzero(np.r_[True, grouped[1:] != grouped[:-1]])
    lengths = np.diff(np.r_[starts, len(grouped)])
    nth = np.empty(len(customer), dtype=np.int64)
    nth[order] = np.arange(len(customer)) - np.repeat(starts, lengths)
    return nth


def _shares(items: Sequence[Item]) -> Any:
    shares = np.array([item.share for item in items], dtype=float)
    return shares / shares.sum()


# wholesale: orders on account, their lines, the customer list


ORDER_BOOK_HEADERS = (
    "单据编号", "单据日期", "单据类型", "客户编码", "客户名称", "业务员", "价税合计", "已收金额",
    "未收金额", "到期日期", "原单号", "备注",
)  # fmt: skip


def wholesale(folder: Path, on: date, seed: int, scale: float) -> list[Path]:
    """The order book with returns and what is still owed, the lines of two months, the customers."""
    lives, rng = _begin("wholesale", on, seed, scale)
    firms = companies(len(lives.kind), rng)
    sellers = [
        worker.name for worker in PROFILES["wholesale"].staff if worker.role in ("key-account", "service")
    ]
    dates = lives.dates()
    terms = [(30, 60, 90, 0)[k % 4] for k in range(len(firms))]
    rows: list[list[Cell]] = []
    orders = zip(
        lives.customer.tolist(),
        lives.day.tolist(),
        lives.fen.tolist(),
        rng.random(len(lives.day)),
        strict=True,
    )
    for number, (firm, day, fen, chance) in enumerate(orders, 1):
        placed = dates[day]
        due = placed + timedelta(days=terms[firm])
        paid = (
            fen if due < lives.end - timedelta(days=5) and chance < 0.97 else fen // 2 if chance < 0.2 else 0
        )
        key = f"XS{placed:%Y%m%d}{number:05d}"
        code, seller = f"KH{firm + 1:04d}", sellers[int(lives.favourite[firm]) % len(sellers)]
        rows.append([
            key, placed.isoformat(), "销售出库单", code, firms[firm], seller,
            fen / 100, paid / 100, (fen - paid) / 100, due.isoformat(), None, None,
        ])  # fmt: skip
        if 0.5 < chance < 0.525:
            back = min(placed + timedelta(days=3 + int(chance * 1e4) % 9), lives.end)
            amount = -(fen // 4 // 100 * 100)
            rows.append([
                f"TH{back:%Y%m%d}{number:05d}", back.isoformat(), "销售退货单", code, firms[firm], seller,
                amount / 100, amount / 100, 0, None, key, "质量问题退货",
            ])  # fmt: skip
    rows.sort(key=lambda row: str(row[1]))
    if len(rows) > 30:
        rows[len(rows) // 2][1] = "2025-02-31"
    total: list[Cell] = ["合计", *[None] * 5, round(sum(float(row[6] or 0) for row in rows), 2)]
    columns: list[list[Cell]] = [list(column) for column in zip(*rows, strict=True)]
    return [
        write_workbook(
            folder / "销售单据.xlsx",
            {
                "销售单据": Table(
                    ORDER_BOOK_HEADERS, columns, above=[["销售单据列表"], ["全部客户"]], below=[total]
                )
            },
        ),
        _parts_lines(folder / "销售明细_近两月.csv", rows, lives, rng),
        _firms(folder / "客户列表.xlsx", firms, sellers, lives, terms, rng),
    ]


def _parts_lines(path: Path, rows: list[list[Cell]], lives: Lives, rng: np.random.Generator) -> Path:
    since = (lives.end - timedelta(days=DETAIL_DAYS)).isoformat()
    recent = [row for row in rows if str(row[1]) >= since and row[2] == "销售出库单"]
    sizes = rng.integers(2, 6, len(recent))
    of, item, _ = _baskets(sizes, PARTS, rng)
    weight = rng.uniform(0.5, 1.5, len(of))
    share = weight / np.bincount(of, weights=weight, minlength=max(1, len(recent)))[of]
    goal = np.array([float(row[6] or 0) for row in recent])[of] * share if len(of) else np.array([])
    price = np.array([part.yuan for part in PARTS])[item]
    quantity = np.maximum(1, np.round(goal / price)).astype(np.int64)
    columns: list[Sequence[Cell]] = [
        [recent[i][0] for i in of.tolist()],
        [PARTS[i].name for i in item.tolist()],
        [PARTS[i].category for i in item.tolist()],
        quantity.tolist(),
        price.tolist(),
        (price * quantity).tolist(),
    ]
    return write_csv(path, Table(("单据编号", "商品名称", "商品类别", "数量", "单价", "金额"), columns))


def _firms(
    path: Path, firms: list[str], sellers: list[str], lives: Lives, terms: list[int], rng: np.random.Generator
) -> Path:
    headers = (
        "客户编码",
        "客户名称",
        "类别",
        "价格等级",
        "信用额度",
        "业务员",
        "部门",
        "结算期限",
        "地址",
        "联系人",
        "联系电话",
        "备注",
        "年度合同",
        "客户定位",
        "建档日期",
    )
    people = customers(len(firms), rng, prefix="LX", ways=(("card", 1.0),))
    registered = _registered(lives)
    kinds = [kind.name for kind in HABITS["wholesale"].kinds]
    chance = rng.random(len(firms)).tolist()
    standing = [_said_of(kinds[kind], luck) for kind, luck in zip(lives.kind.tolist(), chance, strict=True)]
    rows: list[list[Cell]] = [
        [
            f"KH{i + 1:04d}", firm, ("修理厂", "经销商", "车队")[i % 3],
            ("A价", "B价", "C价")[min(int(lives.kind[i]) // 2, 2)],
            int((50, 20, 10, 5)[i % 4] * 10_000), sellers[int(lives.favourite[i]) % len(sellers)], "销售部",
            f"{terms[i]}天" if terms[i] else "现结", people[i].address, people[i].name, people[i].phone,
            people[i].note, "是" if kinds[lives.kind[i]] == "contract" and i % 3 else None, standing[i], registered[i],
        ]
        for i, firm in enumerate(firms)
    ]  # fmt: skip
    return write_workbook(
        path, {"客户": Table(headers, [list(column) for column in zip(*rows, strict=True)])}
    )


def _said_of(kind: str, luck: float) -> str | None:
    """What the sellers think of a firm; of most they have written nothing."""
    if kind == "platform":
        return "关键客户" if luck < 0.7 else None
    if kind in ("steady", "monthly"):
        return (
            "尊贵客户" if luck < 0.05 else "样板客户" if luck < 0.13 else "随性客户" if luck < 0.19 else None
        )
    return None


# restaurant: one till export, one member list


def restaurant(folder: Path, on: date, seed: int, scale: float) -> list[Path]:
    """One till export with guests, waiter and occasion, and the member list."""
    lives, rng = _begin("restaurant", on, seed, scale)
    people = customers(
        len(lives.kind), rng, prefix="DX", ways=(("card", 0.5), ("phone", 0.42), ("none", 0.08))
    )
    dates = lives.dates()
    n = len(lives.day)
    waiters = [worker.name for worker in PROFILES["restaurant"].staff]
    opened = _clock(dates, lives.day, np.maximum(lives.minute - rng.integers(25, 80, n), 0), "%Y-%m-%d")
    closed = _clock(dates, lives.day, lives.minute, "%Y-%m-%d")
    if n > 30:
        opened[n // 2] = closed[n // 2] = "昨天晚上"
    discount = np.where(rng.random(n) < 0.1, rng.integers(1, 5, n) * 500, 0)
    occasion = ["" if x > 0.4 else OCCASIONS[int(x * 1e4) % len(OCCASIONS)] for x in rng.random(n).tolist()]
    item = rng.choice(len(DISHES), size=n, p=_shares(DISHES)).tolist()
    headers = (
        "订单号", "开单时间", "结账时间", "桌台号", "就餐人数", "账单金额", "优惠金额", "实收金额",
        "会员卡号", "会员姓名", "手机号", "招牌菜", "支付方式", "服务员", "用餐场景", "订单状态",
    )  # fmt: skip
    columns: list[Sequence[Cell]] = [
        _numbers("DX", [text[:10].replace("-", "") for text in closed]),
        opened, closed, rng.integers(1, 25, n).tolist(), lives.party.tolist(),
        _yuan(lives.fen + discount), _yuan(discount), _yuan(lives.fen),
        _per_visit(lives, _only("card", people, lambda person: person.card)),
        _per_visit(lives, [person.name if person.way != "none" else None for person in people]),
        _per_visit(lives, _only("phone", people, lambda person: person.phone)),
        [DISHES[i].name for i in item],
        _picked(("微信", "支付宝", "现金", "储值卡"), rng, n, (0.55, 0.22, 0.08, 0.15)),
        [waiters[s] for s in lives.staff.tolist()], occasion,
        ["已取消" if x < 0.003 else "已结账" for x in rng.random(n).tolist()],
    ]  # fmt: skip
    total: list[Cell] = ["合计", *[None] * 6, int(lives.fen.sum()) / 100, *[None] * 8]
    members = Table(MEMBER_HEADERS, _member_columns(lives, people, rng))
    return [
        write_csv(folder / "收银流水.csv", Table(headers, columns, below=[total])),
        write_workbook(folder / "会员列表.xlsx", {"会员": members}),
    ]


EXPORTS: dict[str, Maker] = {
    "hotpot": hotpot,
    "snack": snack,
    "salon": salon,
    "wholesale": wholesale,
    "restaurant": restaurant,
}
