"""What is said to a customer: her polite name, who is writing, and a sentence without holes.

A template leaves {places} open: customer staff store days festival grade last_visit usual_gap. A clause
whose place cannot be filled is left out rather than said with a hole. Whoever writes or calls says who it
is: a template that names neither store nor staff gets it after the greeting. A grade is only said where the
template asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from regulars.shop.words import Words

WHO = {
    "owner": Words("老板", "the owner"),
    "manager": Words("店长", "the store manager"),
    "key-account": Words("大客户经理", "your account manager"),
    "front-desk": Words("前台", "the front desk"),
    "service": Words("客服", "customer service"),
}
"""Who does it, where it is not yet somebody by name."""

_FEMALE = frozenset({"female", "f", "woman", "女"})
_MALE = frozenset({"male", "m", "man", "男"})

# The two-character surnames that are met with; everybody else's is one character.
_DOUBLE_SURNAMES = frozenset(
    [
        "欧阳",
        "司马",
        "上官",
        "诸葛",
        "夏侯",
        "东方",
        "皇甫",
        "尉迟",
        "公孙",
        "慕容",
        "令狐",
        "长孙",
        "宇文",
        "司徒",
        "端木",
        "独孤",
        "南宫",
        "百里",
        "呼延",
        "轩辕",
        "司空",
        "司寇",
        "申屠",
        "太史",
        "澹台",
        "公冶",
        "宗政",
        "濮阳",
        "淳于",
        "单于",
        "仲孙",
        "钟离",
        "闻人",
        "赫连",
        "万俟",
        "闾丘",
        "东郭",
        "西门",
        "拓跋",
        "完颜",
        "纳兰",
        "第五",
    ]
)
# A name that carries its own form of address stays as the shop wrote it.
_ADDRESSED = re.compile(
    r"(女士|先生|小姐|太太|夫人|老师|医生|教授|经理|老板|师傅|阿姨|大姐|大哥|总|姐|哥|叔|嫂|婶|爷爷|奶奶)$"
    r"|^(Mr|Ms|Mrs|Miss|Dr|Prof)\b\.?"
)
# What tills write where nobody was named.
_NOBODY = frozenset(
    [
        "散客",
        "匿名",
        "顾客",
        "客户",
        "客人",
        "会员",
        "非会员",
        "未知",
        "无",
        "无名",
        "微信用户",
        "未命名",
        "临时",
        "guest",
        "walk-in",
        "anonymous",
    ]
)
_CHINESE = re.compile(r"[\u3400-\u9fff]")

Values = Mapping[str, Words | str | int | None]
"""What stands in the places of a template; None is unknown."""

_PLACE = re.compile(r"\{(\w+)\}")
_CLAUSE = re.compile(r"[^，。！？；,.!?;]*[，。！？；,.!?;]*[\s”\"']*")
_GREETING = {
    "zh": re.compile(r"^\s*[^，。！？,!?]*(?:\{customer\}[^，。！？,!?]*|您好|你好)[，。！？,!?]\s*"),
    "en": re.compile(r"^\s*(?:(?:Dear|Hello|Hi|Good \w+)\b[^,.!?{]*(?:\{customer\})?|\{customer\})[,.!?]\s*"),
}


def polite_name(name: str | None, sex: str | None = None, is_company: bool | None = None) -> Words | None:
    """How a customer is addressed: 王女士, 李先生, a company by its name, of unknown sex by the full name.

    None when there is no name to use: an empty one, a till's 散客, a number, or a masked one of unknown sex.

    >>> polite_name("欧阳小雪", "女"), polite_name("李强", "male")
    (Words(zh='欧阳女士', en='Ms 欧阳'), Words(zh='李先生', en='Mr 李'))
    >>> polite_name("王小明"), polite_name("顺达五金有限公司", None, True).zh, polite_name("散客")
    (Words(zh='王小明', en='王小明'), '顺达五金有限公司', None)
    """
    name = " ".join((name or "").split())
    if not name or name.lower() in _NOBODY or not re.search(r"[^\W\d_]", name):
        return None
    if is_company or _ADDRESSED.search(name):
        return Words(name, name)
    sex = (sex or "").strip().lower()
    title = Words("女士", "Ms") if sex in _FEMALE else Words("先生", "Mr") if sex in _MALE else None
    masked = "*" in name or "＊" in name or "×" in name
    if title is None:
        return None if masked else Words(name, name)
    if _CHINESE.match(name):
        surname = name[:2] if name[:2] in _DOUBLE_SURNAMES else name[0]
        return Words(f"{surname}{title.zh}", f"{title.en} {surname}")
    if masked:
        return None
    surname = name.split()[-1]
    return Words(f"{surname}{title.zh}", f"{title.en} {surname}")


def signature(shop: str, store: str | None) -> Words:
    """As whom a store signs: with the name of the shop before its own, unless one holds the other.

    >>> signature("老灶火锅", "万达店").say("zh"), signature("老灶火锅", "老灶火锅万达店").say("en")
    ('老灶火锅万达店', '老灶火锅万达店')
    """
    if not (shop or store):
        return Words("本店", "our shop")
    if not store or store in shop:
        return Words(shop, shop)
    if shop in store:
        return Words(store, store)
    return Words(f"{shop}{store}", f"{shop} {store}")


def say_to_customer(
    template: Words,
    *,
    customer: Words | None,
    staff: Words | str,
    store: Words | str,
    values: Values,
    in_person: bool = False,
) -> Words:
    """The sentence for one customer, in both languages.

    `values` are the other places (days, festival, grade, last_visit, usual_gap); None is unknown.
    `in_person`: face to face nobody says who is writing.

    >>> greeting = Words("{customer}您好，中秋快乐！", "Dear {customer}, happy Mid-Autumn!")
    >>> said = say_to_customer(greeting, customer=None, staff="小李", store="好味火锅", values={})
    >>> said.zh, said.en
    ('您好，我是好味火锅的小李，中秋快乐！', 'Hello, this is 小李 from 好味火锅. Happy Mid-Autumn!')
    """
    given = {**values, "customer": customer, "staff": staff, "store": store}
    return Words(_said(template.zh, "zh", given, in_person), _said(template.en, "en", given, in_person))


def say_to_staff(template: Words, values: Values) -> Words:
    """What to do, for one customer: the same places, said to a colleague; what is unknown is left out."""
    spoken = {**values}
    if spoken.get("customer") is None:
        spoken["customer"] = Words("客人", "the customer")
    return Words(
        _filled(_without_holes(template.zh, "zh", spoken), "zh", spoken),
        _filled(_without_holes(template.en, "en", spoken), "en", spoken),
    )


def _said(template: str, lang: str, values: Values, in_person: bool) -> str:
    # The sender is looked for in what is left to say: the clause that named her may have been left out.
    template = _without_holes(template, lang, {**values, "customer": "somebody"})
    if not in_person:
        template = _signed(template, lang)
    if values["customer"] is None:
        template = _nameless(template, lang)
    return _filled(template, lang, values)


def _signed(template: str, lang: str) -> str:
    """Make sure that store and staff are named, right after the greeting."""
    store, staff = "{store}" in template, "{staff}" in template
    if store and staff:
        return template
    greeting = _GREETING[lang].match(template)
    start = greeting.end() if greeting else 0
    before, after = template[:start], template[start:]
    if lang == "zh":
        me = "我是{staff}" if store else "这里是{store}" if staff else "我是{store}的{staff}"
        if before and before.rstrip()[-1:] in "，,":
            return f"{before}{me}，{after}" if after else f"{before}{me}。"
        return f"{before}{me}。{after}"
    me = "this is {staff}" if store else "this is {store}" if staff else "this is {staff} from {store}"
    after = after[:1].upper() + after[1:]
    if before.rstrip().endswith(","):
        return f"{before}{me}. {after}"
    return f"{before}{me[0].upper()}{me[1:]}. {after}"


def _nameless(template: str, lang: str) -> str:
    """The sentence to somebody whose name we do not know: 您好 instead of a hole."""
    if lang == "zh":
        template = re.sub(r"\{customer\}\s*[，,]?\s*(?=您)", "", template)
        return template.replace("{customer}", "您")
    template = re.sub(r"^(\s*)Dear \{customer\}", r"\1Hello", template)
    template = re.sub(r"^\s*\{customer\}\s*[,:]\s*(\w)", lambda found: found[1].upper(), template)
    return re.sub(r",?\s*\{customer\}", "", template)


def _without_holes(template: str, lang: str, values: Values) -> str:
    """The template less the clauses that nobody can fill; the sentence still begins and ends well."""
    kept: list[str] = []
    for clause in _CLAUSE.findall(template):
        if not clause:
            continue
        if all(_known(values.get(place)) for place in _PLACE.findall(clause)):
            if lang == "en" and (not kept or kept[-1].rstrip().endswith((".", "!", "?"))):
                clause = clause[0].upper() + clause[1:]
            kept.append(clause)
        elif kept:  # the clause before takes over how the sentence ends
            ending = re.search(r"[。！？.!?][\s”\"']*$", clause)
            if ending and re.search(r"[，；,;]\s*$", kept[-1]):
                kept[-1] = re.sub(r"[，；,;]\s*$", ending[0], kept[-1])
    return "".join(kept)


def _filled(template: str, lang: str, values: Values) -> str:
    template = _daily(_counted(template, lang, values.get("days")), lang, values.get("usual_gap"))
    return _PLACE.sub(lambda place: _spoken(values.get(place[1]), lang), template).strip()


def _counted(template: str, lang: str, days: Words | str | int | None) -> str:
    """Nobody says "in 0 days": 今天, 明天, today, tomorrow, and one day is not "1 days"."""
    if days not in (0, 1):
        return template
    near = {("zh", 0): "今天", ("zh", 1): "明天", ("en", 0): "today", ("en", 1): "tomorrow"}[lang, int(days)]
    if lang == "zh":
        template = re.sub(r"(?:再过|还有)\s*\{days\}\s*天(?:后|就)?", near, template)
        return re.sub(r"\{days\}\s*天(?:之)?后", near, template)
    template = re.sub(r"\b[Ii]n \{days\} days\b", near, template)
    return template if days == 0 else template.replace("{days} days", "{days} day")


def _daily(template: str, lang: str, gap: Words | str | int | None) -> str:
    """Nobody says "every 1 days": 天天来, every day."""
    if str(gap) != "1":
        return template
    if lang == "zh":
        return re.sub(r"\s*\{usual_gap\}\s*天来一次", "天天来", template)
    return re.sub(r"\{usual_gap\} days?\b", "day", template)


def _known(value: Words | str | int | None) -> bool:
    return value is not None and value != ""


def _spoken(value: Words | str | int | None, lang: str) -> str:
    return value.say(lang) if isinstance(value, Words) else str(value)
