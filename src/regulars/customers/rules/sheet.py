"""What the file of a customer can hold: the one list of its fields, the question that fills each, the tips that go with
how she likes to be treated.

A field is *plain* where it is a choice that a playbook may use: then it is a fact of the catalogue. Whatever people say
in their own words is sealed. Facts that graded before there was a file are declared in `customers/facts.py`; here they
are only given their place and their question (`REFERRED`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from regulars.playbooks.catalogue import Fact
from regulars.shop.words import Words as W

Kind = Literal["text", "long", "choice", "number", "yes-no", "date", "birthday"]

GROUPS: dict[str, W] = {
    "basics": W("基本情况", "Basics"),
    "work": W("工作", "Work"),
    "tastes": W("喜好和忌口", "Tastes and taboos"),
    "manner": W("怎么相处", "How she likes to be treated"),
    "salon": W("皮肤和头发", "Skin and hair"),
    "company": W("公司档案", "The company"),
    "dealings": W("和店里的来往", "Dealings with the shop"),
    "own": W("店里自己加的", "Of the shop's own"),
}
"""The parts of a file, in the order in which a page shows them."""

EATING = frozenset({"hotpot", "restaurant", "snack", "hotel"})
CARING = frozenset({"salon", "clinic"})
SERVING = EATING | CARING
NOWHERE: frozenset[str] = frozenset()

YEAR, TWO_YEARS = 365, 730
"""Tastes and seats are asked again after a year, jobs and homes after two: people change these about as often."""


@dataclass(frozen=True)
class Field:
    """One thing that a file can hold.

    `trades`: where its question is asked without a playbook wanting it (None: everywhere; empty: nowhere). `ask`: the
    question as staff say it; without one the field is filled from what staff see. `of`: whether it is about people,
    companies or both. `is_plain`: a fact that playbooks may use, else sealed. `sensitive`: a kind of sensitive fact that
    a shop keeps only once its owner has switched it on.
    """

    key: str
    name: W
    group: str
    kind: Kind = "text"
    choices: Mapping[str, W] = field(default_factory=dict)
    ask: W | None = None
    trades: frozenset[str] | None = NOWHERE
    of: Literal["people", "companies", "both"] = "people"
    stale_after_days: int | None = None
    is_plain: bool = False
    is_masked: bool = False
    sensitive: str = ""

    def is_for(self, *, is_company: bool) -> bool:
        return self.of == "both" or (self.of == "companies") == is_company

    def is_usual_in(self, trade: str) -> bool:
        """Whether a shop of this trade asks for it by itself."""
        return self.ask is not None and (self.trades is None or trade in self.trades)


STYLES: dict[str, tuple[W, W]] = {
    "silent": (W("话不多", "Of few words"),
               W("少问多看：把常点的先备好，用选择题代替开放题，安静就是周到。",
                 "Ask little and notice much: have the usual ready, offer two choices instead of open questions.")),
    "talkative": (W("爱聊天", "Likes to talk"),
                  W("先听完再接话，记住聊到的人和事，下次主动提一句；忙的时候先说好几分钟后回来。",
                    "Let the story end before you answer, remember the names in it; when busy, say when you will be back.")),
    "easy-going": (W("好说话", "Easy-going"),
                   W("不挑不等于无所谓：该换的照样换，该送的照样送，别让好说话的人吃亏。",
                     "Not complaining is not the same as not minding: give what everybody else would have asked for.")),
    "proud": (W("讲面子", "Minds how she is seen"),
              W("当着客人的面先叫出称呼，有事到一边小声说；请教一句比推荐三句管用。",
                "Greet by name in front of guests, settle problems aside; asking for an opinion works better than advice.")),
    "tricky": (W("有自己的算盘", "Has a plan of her own"),
               W("价格、赠品、时间都说成白纸黑字，先问清楚想要什么，答应的写进备注。",
                 "Put prices, gifts and times in writing, find out first what is wanted, and note what was promised.")),
    "fault-finding": (W("要求高", "Exacting"),
                      W("上之前自己先查一遍，她指出来的先谢再改，改好了回来说一声。",
                        "Check before you serve; thank for what is pointed out, put it right, and come back to say so.")),
    "hot-tempered": (W("性子急", "Quick-tempered"),
                     W("先给时间再给解释：“五分钟就好”，说到做到；火气上来时让一位主管接手。",
                       "Give a time before a reason and keep it; when it gets loud, let one senior person take over.")),
    "refusing": (W("习惯先说不", "Says no first"),
                 W("不追着推，把东西放下、话留一半，给一个不用马上决定的理由。",
                   "Do not press: leave it on the table and give a reason why nothing has to be decided now.")),
    "bargaining": (W("想砍价", "Likes a bargain"),
                   W("先讲清楚值在哪里，再给一个谁都有的优惠；例外只由店长开口。",
                     "Say first what makes it worth the price, then offer what everybody gets; exceptions are the manager's.")),
    "careful-with-money": (W("手头要算着花", "Minds every yuan"),
                           W("先报总价，主推实惠的那一档，绝不当着别人提便宜；省下来的替她说出来。",
                             "Name the total first, offer the good-value choice, never mention cheap before others.")),
}  # fmt: skip
"""Ten ways of dealing: each with a respectful name and what helps. The names may be read by the customer herself."""

CIRCLES: dict[str, tuple[W, W]] = {
    "young": (W("年轻热闹", "Young and lively"),
              W("新品、能拍照的、热闹的位子先说。", "Mention what is new, looks good in a picture, and the lively tables.")),
    "settled": (W("沉稳讲究", "Settled, minds quality"),
                W("安静的位子、好料、干脆的节奏；不拿小便宜去打扰。", "A quiet seat, good quality, a steady pace; no petty offers.")),
    "entertainment": (W("文娱夜场", "Entertainment trade"),
                      W("来得晚、人多、爽快：位子留宽一点，结账快一点。", "Comes late and with others, generous: room to spare and a quick bill.")),
    "student": (W("学生", "Student"),
                W("价格说在明处，分量足，有插座和亮一点的位子。", "Prices in the open, fair helpings, a bright seat with a socket.")),
}  # fmt: skip
"""Four kinds of guests and the style of care that suits each."""

_NAMES = {k: name for k, (name, _) in STYLES.items()}
_CIRCLES = {k: name for k, (name, _) in CIRCLES.items()}

SHEET: tuple[Field, ...] = (
    # basics
    Field("age_band", W("年代", "Decade of birth"), "basics", "choice",
          {"before-1960": W("60 前", "before 1960"), "1960s": W("60 后", "1960s"), "1970s": W("70 后", "1970s"),
           "1980s": W("80 后", "1980s"), "1990s": W("90 后", "1990s"), "2000s": W("00 后", "2000s")},
          W("您是 80 后还是 90 后呀？", "Are you one of the eighties or of the nineties?"), is_plain=True),
    Field("marital_status", W("成家没有", "Family status"), "basics", "choice",
          {"single": W("单身", "single"), "couple": W("有对象", "in a relationship"), "married": W("已成家", "married")},
          stale_after_days=TWO_YEARS, is_plain=True),
    Field("education", W("学历", "Education"), "basics", "choice",
          {"school": W("中学", "school"), "college": W("大专", "college"), "university": W("本科", "university"),
           "postgraduate": W("研究生", "postgraduate")}, is_plain=True),
    Field("source", W("怎么知道我们的", "How she found us"), "basics", "choice",
          {"friend": W("朋友介绍", "a friend"), "passing-by": W("路过", "passing by"), "newspaper": W("报纸", "newspaper"),
           "tv": W("电视", "TV"), "online": W("网上", "online"), "coupon": W("优惠券", "coupon"),
           "trial-card": W("体验卡", "trial card"), "other": W("其他", "other")},
          W("您第一次来，是怎么知道我们店的？", "How did you first hear of us?"), None, "both", is_plain=True),
    Field("hobbies", W("爱好", "Hobbies"), "basics", "text",
          ask=W("您平常休息的时候爱做点什么？", "What do you like to do when you are off work?"), stale_after_days=TWO_YEARS),
    Field("home", W("家里的情况", "At home"), "basics", "long", stale_after_days=TWO_YEARS),
    Field("address", W("地址", "Address"), "basics", "text", of="both", is_masked=True),
    Field("wechat", W("微信", "WeChat"), "basics", "text", of="both", is_masked=True),
    Field("email", W("邮箱", "E-mail"), "basics", "text", of="both", is_masked=True),
    # work
    Field("industry", W("行业", "Industry"), "work", "choice",
          {"catering": W("餐饮", "catering"), "manufacturing": W("制造", "manufacturing"), "trade": W("商贸", "trade"),
           "it": W("互联网、软件", "software"), "finance": W("金融", "finance"), "education": W("教育", "education"),
           "health": W("医疗", "health care"), "government": W("机关单位", "public sector"),
           "construction": W("建筑、装修", "construction"), "transport": W("运输", "transport"),
           "beauty": W("美业", "beauty"), "farming": W("农业", "farming"), "other": W("其他", "other")},
          W("您是做哪一行的？", "What line of work are you in?"), frozenset({"wholesale", "appliance"}), "both",
          TWO_YEARS, is_plain=True),
    Field("employer", W("单位", "Employer"), "work", "text", stale_after_days=TWO_YEARS),
    Field("position", W("职务", "Position"), "work", "text", stale_after_days=TWO_YEARS),
    # tastes
    Field("allergies", W("过敏", "Allergies"), "tastes", "text",
          ask=W("有没有吃了会过敏的东西？我们后厨先避开。", "Is there anything you are allergic to? The kitchen will leave it out."),
          trades=EATING, stale_after_days=YEAR),
    Field("taboos", W("忌口", "Does not eat"), "tastes", "text",
          ask=W("有什么忌口的吗？香菜、葱蒜、内脏这些。", "Is there anything you do not eat, such as coriander, garlic or offal?"),
          trades=EATING, stale_after_days=YEAR),
    Field("taste", W("口味", "Taste"), "tastes", "choice",
          {"light": W("清淡", "light"), "mild": W("微辣", "a little hot"), "hot": W("够辣", "hot"), "sweet": W("偏甜", "sweet"),
           "salty": W("偏咸", "salty"), "sour": W("偏酸", "sour"), "any": W("都行", "anything")},
          W("您平常是喜欢清淡还是辣一点？", "Do you like it light, or rather hot?"), EATING, stale_after_days=YEAR, is_plain=True),
    Field("favourites", W("爱吃、爱用的", "Favourites"), "tastes", "text",
          ask=W("我们家您最惦记的是哪一样？", "What do you like best of all we have?"), trades=SERVING | {"shop"}, stale_after_days=YEAR),
    Field("seat", W("爱坐哪里", "Favourite seat"), "tastes", "choice",
          {"window": W("靠窗", "by the window"), "hall": W("大厅", "in the hall"), "private": W("包间", "private room"),
           "quiet": W("安静角落", "a quiet corner"), "door": W("靠门", "near the door"), "any": W("都行", "anywhere")},
          W("您爱坐哪儿，靠窗、包间，还是安静的角落？", "Where do you like to sit: by the window, a private room, a quiet corner?"),
          frozenset({"hotpot", "restaurant", "hotel"}), stale_after_days=YEAR, is_plain=True),
    Field("preferred_staff", W("习惯找谁", "Asks for"), "tastes", "text",
          ask=W("下次还是请哪位给您做？", "Whom would you like to have next time?"), trades=CARING, stale_after_days=YEAR),
    Field("preferred_channel", W("怎么联系", "Best reached by"), "tastes", "choice",
          {"call": W("打电话", "call"), "wechat": W("微信", "WeChat"), "message": W("短信", "text message"),
           "in-person": W("来店再说", "in person")},
          W("以后有消息，给您打电话还是发微信？", "When there is news, shall we call or write?"), None, "both", TWO_YEARS, is_plain=True),
    Field("preferred_time", W("什么时候方便", "Best time"), "tastes", "choice",
          {"weekday-day": W("平日白天", "weekdays"), "weekday-evening": W("平日晚上", "weekday evenings"),
           "weekend-day": W("周末白天", "weekend days"), "weekend-evening": W("周末晚上", "weekend evenings"),
           "any": W("都行", "any time")},
          W("一般什么时候找您方便，平日还是周末？", "When is a good time for you, weekdays or weekends?"), None, "both", YEAR, is_plain=True),
    # manner
    Field("interaction_style", W("相处", "How she deals"), "manner", "choice", _NAMES, of="both", stale_after_days=TWO_YEARS, is_plain=True),
    Field("care_style", W("哪一类客人", "Kind of guest"), "manner", "choice", _CIRCLES, stale_after_days=TWO_YEARS, is_plain=True),
    # salon and clinic
    Field("hair_state", W("头发情况", "Hair"), "salon", "long",
          ask=W("最近头发是偏干还是偏油？有没有烫染过？", "Is your hair rather dry or oily lately? Any colouring or perm?"),
          trades=frozenset({"salon"}), stale_after_days=180),
    Field("skin_state", W("皮肤情况", "Skin"), "salon", "long",
          ask=W("最近皮肤有没有干、痒、起红？", "Has your skin been dry, itching or red lately?"),
          trades=CARING, stale_after_days=180, sensitive="health"),
    # companies
    Field("company_history", W("公司来历", "History"), "company", "long", of="companies"),
    Field("sales_capacity", W("一年能卖多少", "Sales capacity"), "company", "text", of="companies", stale_after_days=YEAR,
          ask=W("今年大概能走多少量？", "About how much do you expect to sell this year?"), trades=frozenset({"wholesale"})),
    Field("market_share", W("在当地占多少", "Market share"), "company", "text", of="companies", stale_after_days=YEAR),
    Field("payment_behaviour", W("付款习惯", "Payment behaviour"), "company", "choice",
          {"ahead": W("先款后货", "pays ahead"), "on-time": W("按时", "on time"), "late": W("常拖几天", "some days late"),
           "very-late": W("一拖再拖", "very late"), "disputes": W("常有争议", "disputes")}, of="companies",
          stale_after_days=YEAR, is_plain=True),
    Field("credit_limit", W("信用额度（元）", "Credit limit (yuan)"), "company", "number", of="companies", stale_after_days=YEAR, is_plain=True),
    Field("warehouse", W("仓库", "Warehouse"), "company", "text", of="companies", stale_after_days=YEAR),
    Field("competitors", W("还从谁那里进货", "Buys also from"), "company", "text", of="companies", stale_after_days=YEAR,
          ask=W("除了我们，您主要还从哪几家进货？", "From whom else do you mainly buy?"), trades=frozenset({"wholesale"})),
    Field("management_style", W("谁说了算", "Management"), "company", "choice",
          {"owner": W("老板一个人定", "the owner decides"), "family": W("一家人商量", "the family decides"),
           "team": W("管理层定", "the managers decide"), "purchasing": W("采购按流程", "purchasing by the book")},
          of="companies", stale_after_days=YEAR, is_plain=True),
    Field("growth", W("这一年怎么样", "Growth"), "company", "choice",
          {"growing": W("在长", "growing"), "steady": W("平稳", "steady"), "shrinking": W("在缩", "shrinking")},
          W("这一年生意比去年怎么样？", "How does this year compare with the last one?"), frozenset({"wholesale"}), "companies",
          YEAR, is_plain=True),
    Field("own_rating", W("我们的评价", "Our own rating"), "company", "choice",
          {"5": W("5 · 非常放心", "5 · fully trusted"), "4": W("4", "4"), "3": W("3 · 一般", "3 · fair"), "2": W("2", "2"),
           "1": W("1 · 要小心", "1 · take care")}, of="companies", stale_after_days=YEAR, is_plain=True),
    Field("company_revised_on", W("整份核对过", "Revised as a whole"), "company", "date", of="companies", stale_after_days=YEAR,
          ask=W("公司的资料一年核对一次：人、付款、仓库，有变的吗？",
                "The company's file is gone through once a year: people, payment, warehouse. Has anything changed?"),
          trades=frozenset({"wholesale"}), is_plain=True),
)  # fmt: skip

REFERRED: dict[str, Field] = {
    f.key: f
    for f in (
        Field("sex", W("", ""), "basics"),
        Field("lives_nearby", W("", ""), "basics", ask=W("您就住在这附近吗？", "Do you live around here?"), trades=SERVING | {"snack", "shop"}, stale_after_days=TWO_YEARS),
        Field("works_nearby", W("", ""), "basics", ask=W("您是在这附近上班吗？", "Do you work around here?"), trades=SERVING | {"snack", "shop"}, stale_after_days=TWO_YEARS),
        Field("public_official", W("", ""), "basics", of="both"),
        Field("occupation", W("", ""), "work", ask=W("您是做什么工作的？", "What do you do for a living?"), trades=frozenset({"hotpot", "restaurant", "clinic"}), stale_after_days=TWO_YEARS),
        Field("firm_size", W("", ""), "work", ask=W("您单位大概多少人？", "About how many people work at your firm?"), of="both", stale_after_days=TWO_YEARS),
        Field("steady_income", W("", ""), "work", stale_after_days=TWO_YEARS),
        Field("good_connections", W("", ""), "work", of="both", stale_after_days=TWO_YEARS),
        Field("buyer", W("", ""), "dealings", ask=W("这次是自家用，还是店里、工程上用？", "Is it for your home, a business or a building project?"), trades=frozenset({"appliance"}), of="both"),
        Field("b2b_class", W("", ""), "dealings", of="both", stale_after_days=YEAR),
        Field("annual_contract", W("", ""), "dealings", of="both", stale_after_days=YEAR),
        Field("recurring_need", W("", ""), "dealings", ask=W("这个您是长期要用，还是就这一次？", "Will you need this regularly, or only this once?"), of="both", stale_after_days=YEAR),
        Field("speaks_well", W("", ""), "dealings", of="both", stale_after_days=YEAR),
        Field("brings_groups", W("", ""), "dealings", of="both", stale_after_days=YEAR),
        Field("promoter", W("", ""), "dealings", ask=W("朋友要找这样的店，您会推荐我们吗？", "Would you recommend us to a friend?"), of="both", stale_after_days=YEAR),
        Field("is_member", W("", ""), "dealings", of="both"),
        Field("refuses_contact", W("", ""), "dealings", of="both"),
        Field("expected_deal_on", W("", ""), "dealings", of="both"),
    )
}  # fmt: skip
"""The place and the question of facts that `customers/facts.py` declares."""


def from_fact(fact: Fact) -> Field:
    """The field of a fact that people may say: its place as `REFERRED` has it, else among the dealings."""
    kind: Kind = "text"
    if fact.type in ("yes-no", "date", "number"):
        kind = fact.type
    elif fact.choices:
        kind = "choice"
    said = REFERRED.get(fact.key) or Field(fact.key, fact.name, "dealings", of="both")
    return replace(said, name=fact.name, kind=kind, choices=fact.choices, is_plain=True)


def as_fact(one: Field) -> Fact:
    """A plain field as a fact of the catalogue."""
    unit = {"choice": "text", "yes-no": "yes-no", "date": "date", "number": "score", "text": "text"}[one.kind]
    zh, en = one.name.zh, one.name.en
    if one.choices:
        said = W(
            f"{zh}：{'、'.join(c.zh for c in one.choices.values())}。",
            f"{en}: {', '.join(c.en for c in one.choices.values())}.",
        )
    else:
        said = W(f"{zh}。", f"{en}.")
    return Fact(
        one.key, W(zh, en[:1].lower() + en[1:]), "yuan" if one.key == "credit_limit" else unit, "customers", said,  # type: ignore[arg-type]
        W("由员工填进档案，或从顾客名单导入。", "Written into the file by staff, or taken from a customer list."),
        choices=dict(one.choices),
    )  # fmt: skip


COUNTED = (
    "revenue_per_minute_place",
    "age",
    "is_company",
    "contacts_answered",
    "is_member",
    "referred_customers",
)
"""File facts that nobody is asked: other records count them."""


def whole_sheet(facts: Iterable[Fact], own: Iterable[Field] = ()) -> list[Field]:
    """Every field that a file has in this shop, group by group: those of the house, facts of the catalogue that people
    may say, and the shop's own."""
    mine = {f.key for f in SHEET}
    told = [
        from_fact(f)
        for f in facts
        if f.is_file_fact and f.window is None and f.key not in mine and f.key not in COUNTED
    ]
    order = list(GROUPS)
    return sorted([*SHEET, *told, *own], key=lambda f: order.index(f.group))


def tip_of(key: str, value: str) -> W | None:
    """What helps with somebody of this style.

    >>> tip_of("interaction_style", "bargaining").zh[:10], tip_of("interaction_style", "?")
    ('先讲清楚值在哪里，再', None)
    """
    found = {"interaction_style": STYLES, "care_style": CIRCLES}.get(key, {}).get(value)
    return found[1] if found else None


@dataclass(frozen=True)
class Stage:
    """How far somebody is after a treatment, and who looks after her."""

    key: str
    name: W
    who: W


STAGES = (
    (30, Stage("first-month", W("做完一个月内", "within a month"), W("做项目的人跟进", "whoever treated her follows up"))),
    (365, Stage("first-year", W("一个月到一年", "a month to a year"), W("咨询师跟进", "the consultant follows up"))),
)  # fmt: skip
LATER = Stage("later", W("一年以上", "more than a year"), W("客服跟进", "customer service follows up"))


def stage_after(treated_on: date, on: date) -> Stage:
    """The stage after a treatment on a day.

    >>> stage_after(date(2026, 5, 1), date(2026, 5, 31)).key, stage_after(date(2026, 5, 1), date(2026, 6, 1)).key
    ('first-month', 'first-year')
    >>> stage_after(date(2025, 5, 1), date(2026, 5, 2)).key
    'later'
    """
    days = (on - treated_on).days
    return next((stage for within, stage in STAGES if days <= within), LATER)


RELATIONS: dict[str, W] = {
    "spouse": W("爱人", "spouse"), "partner": W("对象", "partner"), "child": W("孩子", "child"), "parent": W("父母", "parent"),
    "relative": W("亲戚", "relative"), "friend": W("朋友", "friend"), "colleague": W("同事", "colleague"),
    "decider": W("拍板的人", "decides"), "buyer": W("采购", "buyer"), "finance": W("财务", "accounts"),
    "contact": W("联系人", "contact"), "competitor": W("同行", "competitor's person"), "other": W("其他", "other"),
}  # fmt: skip
"""Who somebody is to a customer, at home or in her company."""

OF_COMPANIES = ("decider", "buyer", "finance", "contact", "competitor", "other")
FAMILY = ("spouse", "partner", "child", "parent", "relative")

OCCASIONS: dict[str, W] = {
    "business": W("商务宴请", "business"), "friends": W("朋友聚会", "friends"), "family": W("家庭聚餐", "family"),
    "birthday": W("过生日", "birthday"), "date": W("约会", "date"), "solo": W("一个人", "alone"), "other": W("其他", "other"),
}  # fmt: skip
"""Why somebody came."""

NOTE_KINDS: dict[str, W] = {
    "need": W("需求", "need"), "complaint": W("不满", "complaint"), "opinion": W("意见", "opinion"), "other": W("其他", "other"),
}  # fmt: skip
"""What a note is about."""
