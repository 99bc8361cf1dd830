"""The playbook read aloud: what an owner would tell a new member of staff, in Chinese and in English.

The words of a fact come from the catalogue; here is only how a comparison is said. Facts whose plain name
does not go with "at least" (three weeks in a row, in the front 20%) have their own turn of phrase below.
"""

from __future__ import annotations

import re
from calendar import month_name
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from regulars.playbooks.catalogue import UNITS, Catalogue, Fact
from regulars.playbooks.catalogue import catalogue as the_catalogue
from regulars.playbooks.check import step
from regulars.playbooks.conditions import Condition, Entry, Way
from regulars.playbooks.say_membership import say_membership
from regulars.shop.words import Words

if TYPE_CHECKING:
    from regulars.playbooks.playbook import CareRule, Grade, Playbook, Scale

_FEW_ZH = "零一两三四五六七八九十"
_FEW_EN = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

_BOUND = {
    ">=": Words("至少 {v}", "at least {v}"),
    ">": Words("超过 {v}", "more than {v}"),
    "<=": Words("不超过 {v}", "at most {v}"),
    "<": Words("不到 {v}", "less than {v}"),
    "=": Words("正好 {v}", "exactly {v}"),
    "!=": Words("不是 {v}", "other than {v}"),
}
_MONEY = {**_BOUND, ">=": Words("满 {v}", "at least {v}")}
_NOT_THERE = {"=": "", "!=": "不"}

# Turns of phrase by fact and sign; {n} is the plain number, {p} the share as a percentage, {w} the window.
_TURNS: dict[str, dict[str, Words]] = {
    "weeks_in_a_row": {">=": Words("连续 {n} 周都来", "came {n} weeks in a row")},
    "visits": {
        "=": Words("只来过 {n} 次", "came exactly {times}"),
        ">=": Words("来过至少 {n} 次", "came at least {times}"),
    },
    "days_since_visit": {
        ">=": Words("至少 {n} 天没来", "has not come for {n} days or more"),
        ">": Words("{n} 天以上没来", "has not come for more than {n} days"),
        "<=": Words("{n} 天内来过", "came within {n} days"),
        "<": Words("不到 {n} 天前来过", "came less than {n} days ago"),
    },
    "days_since_first_visit": {
        ">=": Words("认识满 {n} 天", "known for at least {n} days"),
        ">": Words("认识超过 {n} 天", "known for more than {n} days"),
        "<=": Words("第一次来不超过 {n} 天", "first came at most {n} days ago"),
        "<": Words("第一次来还不到 {n} 天", "first came less than {n} days ago"),
    },
    "times_usual_gap": {
        ">": Words("没来的天数超过平常的 {n} 倍", "away for more than {n} times her usual gap"),
        ">=": Words("没来的天数满平常的 {n} 倍", "away for at least {n} times her usual gap"),
        "<=": Words("没来的天数不超过平常的 {n} 倍", "away for at most {n} times her usual gap"),
        "<": Words("没来的天数不到平常的 {n} 倍", "away for less than {n} times her usual gap"),
    },
    "active_months_in_6_months": {
        ">=": Words("最近 6 个月里至少 {n} 个月来过", "came in at least {n} of the last 6 months")
    },
    "active_months_in_12_months": {
        ">=": Words("最近 12 个月里至少 {n} 个月来过", "came in at least {n} of the last 12 months")
    },
    "days_to_expected_deal": {
        "<=": Words("预计 {n} 天内成交", "a deal is expected within {n} days"),
        "<": Words("预计不到 {n} 天就成交", "a deal is expected in less than {n} days"),
        ">": Words("预计 {n} 天以后才成交", "a deal is expected in more than {n} days"),
    },
    "contacts_answered": {">=": Words("联系她至少有 {n} 次回应", "answered at least {n} contacts")},
    "referred_customers": {">=": Words("一共介绍来至少 {n} 位顾客", "brought at least {n} customers so far")},
}
_PLACE = {
    "<": Words("{name}前{p}", "{name}: in the top {p}"),
    "<=": Words("{name}前{p}", "{name}: in the top {p}"),
    ">=": Words("{name}最后{rest}", "{name}: in the bottom {rest}"),
    ">": Words("{name}最后{rest}", "{name}: in the bottom {rest}"),
}
_BEFORE = {
    "<": Words("{name}不到总数的{p}", "{name}: less than {p} of the whole"),
    "<=": Words("{name}不超过总数的{p}", "{name}: at most {p} of the whole"),
    ">=": Words("{name}至少占总数的{p}", "{name}: at least {p} of the whole"),
    ">": Words("{name}超过总数的{p}", "{name}: more than {p} of the whole"),
}
_MEDIAN = {
    ">": Words("{w}来得比一般客人勤", "came more often than the middle customer {w}"),
    ">=": Words("{w}来得不比一般客人少", "came at least as often as the middle customer {w}"),
    "<": Words("{w}来得比一般客人少", "came less often than the middle customer {w}"),
    "<=": Words("{w}来得不比一般客人勤", "came no more often than the middle customer {w}"),
}
_SOME = Words("{w}有消费", "any spend {w}")

_NOUNS = {
    "visits": Words("次", "visit"),
    "suggestions": Words("次", "suggestion"),
    "joined_activities": Words("次", "activity"),
    "feedbacks": Words("次", "feedback"),
    "bookings": Words("次", "booking"),
    "complaints": Words("次", "complaint"),
    "contacts_answered": Words("次", "answered contact"),
    "referred_customers": Words("位", "new customer"),
}


def number(value: Any, lang: str) -> str:
    """A number as it is said in a shop: 5000, 1.5 万, in English 5,000.

    >>> number(5000, "zh"), number(20000, "zh"), number(5000000, "zh"), number(5000000, "en")
    ('5000', '2 万', '500 万', '5,000,000')
    """
    exact = Decimal(str(value)).normalize()
    if lang.startswith("zh") and exact >= 10000 and exact % 1000 == 0:
        return f"{(exact / 10000).normalize():f} 万"
    return f"{exact:,f}" if lang.startswith("en") else f"{exact:f}"


def percent(share: Any, lang: str = "zh") -> str:
    """A share as it is said: a percentage without binary dust, thirds as thirds.

    >>> percent(0.7), percent(0.025), percent(0.333333), percent(0.666667, "en")
    ('70%', '2.5%', '三分之一', 'two thirds')
    """
    for thirds, words in ((1, Words("三分之一", "third")), (2, Words("三分之二", "two thirds"))):
        if abs(float(share) - thirds / 3) < 1e-5:
            return words.say(lang)
    return f"{(Decimal(str(share)) * 100).normalize():f}%"


def say_condition(condition: Condition, lang: str = "zh", catalogue: Catalogue | None = None) -> str:
    """One condition as a person says it, its threshold in the playbook's own units (yuan).

    >>> import regulars.facts
    >>> from regulars.playbooks.conditions import parse
    >>> say_condition(parse("spend_in_30_days >= 5000", the_catalogue))
    '最近 30 天消费满 5000 元'
    >>> say_condition(parse("visits_in_30_days >= 4", the_catalogue), "en")
    'visits in the last 30 days at least 4 times'
    >>> say_condition(parse("spend_place_in_12_months < 0.2", the_catalogue))
    '最近 12 个月消费排在前 20%'
    """
    fact = (catalogue or the_catalogue).get(condition.fact)
    return _phrase(condition, fact, lang).strip()


def _phrase(condition: Condition, fact: Fact, lang: str) -> str:
    value: Any = condition.value
    sign = condition.sign
    name = fact.name.say(lang)
    if fact.type == "yes-no":
        wanted = value if sign == "=" else not value
        return name if wanted else Words(f"不是“{name}”", f"not: {name}").say(lang)
    if fact.type == "text":
        return _choice(condition, fact, lang)
    if isinstance(value, tuple):
        said = _list([number(v, lang) for v in value], lang)
        return Words(f"{name}是 {said}", f"{name} is {said}").say(lang)
    stem = _stem(fact.key)
    turn = _turn(fact, stem, sign, value)
    if turn is not None:
        window = fact.window.words.say(lang) if fact.window else ""
        return turn.say(lang).format(
            n=number(value, lang),
            p=_spaced(percent(value, lang), lang) if fact.unit == "share" else "",
            rest=_spaced(percent(1 - Decimal(str(value)), lang), lang) if fact.unit == "share" else "",
            w=window,
            name=name.removesuffix("前") if lang.startswith("zh") else name,
            times=_english_times(value),
        )
    bounds = _MONEY if fact.unit == "yuan" else _BOUND
    said = bounds[sign].say(lang).format(v=_amount(value, fact, lang))
    return f"{name}{said}" if lang.startswith("zh") else f"{name} {said}"


def _spaced(said: str, lang: str) -> str:
    """In Chinese a figure is set off from the words before it, a word is not."""
    return f" {said}" if lang.startswith("zh") and said[0].isdigit() else said


def _turn(fact: Fact, stem: str, sign: str, value: Any) -> Words | None:
    if stem in ("spend", "visits") and fact.window and sign == ">" and value == 0:
        return _SOME if stem == "spend" else Words("{w}来过", "came {w}")
    if stem == "visits" and not fact.window and sign == "=" and value == 0:
        return Words("还没来过", "has not come yet")
    if stem == "visits_above_median" and value == 0:
        return _MEDIAN.get(sign)
    if stem.endswith(("_place", "_place_in")) or stem in ("spend_place", "visits_place", "recency_place"):
        return _PLACE.get(sign)
    if stem.endswith("_before"):
        return _BEFORE.get(sign)
    return None if fact.window else _TURNS.get(fact.key, {}).get(sign)


def _stem(key: str) -> str:
    return re.sub(r"_in_\d+_(days|months)$", "", key)


def _choice(condition: Condition, fact: Fact, lang: str) -> str:
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    said = _list([fact.choices[v].say(lang) if v in fact.choices else str(v) for v in values], lang)
    name = fact.name.say(lang)
    if condition.sign == "!=":
        return Words(f"{name}不是{said}", f"{name} is not {said}").say(lang)
    return Words(f"{name}是{said}", f"{name} is {said}").say(lang)


def _list(said: list[str], lang: str) -> str:
    if len(said) == 1:
        return said[0]
    if lang.startswith("zh"):
        return "、".join(said[:-1]) + "或" + said[-1]
    return ", ".join(said[:-1]) + " or " + said[-1]


def _amount(value: Any, fact: Fact, lang: str) -> str:
    """A threshold with its unit, in playbook units."""
    if fact.unit == "share":
        return percent(value, lang)
    said = number(value, lang)
    unit = UNITS[fact.unit].say(lang)
    if lang.startswith("zh"):
        return f"{said}{unit}" if said.endswith("万") else f"{said} {unit}"
    if fact.unit == "ratio":
        return f"{said}×"
    return f"{said} {_singular(unit) if value == 1 else unit}"


def _singular(unit: str) -> str:
    return {"times": "time", "people": "person", "yuan": "yuan", "activities": "activity"}.get(
        unit, unit.removesuffix("s")
    )


def _english_times(value: Any) -> str:
    return {1: "once", 2: "twice"}.get(value, f"{number(value, 'en')} times")


# What is still missing


def say_need(condition: Condition, value: Any, lang: str = "zh", catalogue: Catalogue | None = None) -> str:
    """What a customer still lacks for a condition; `value` is what her portrait holds (money in fen).

    An empty string when the condition already holds.

    >>> import regulars.facts
    >>> from regulars.playbooks.conditions import parse
    >>> visits = parse("visits_in_30_days >= 4", the_catalogue)
    >>> say_need(visits, 2, "zh"), say_need(visits, 2, "en"), say_need(visits, 3, "en"), say_need(visits, 4)
    ('还差 2 次', '2 more visits', '1 more visit', '')
    >>> say_need(parse("last_spend >= 3000", the_catalogue), 287950)
    '还差 120.50 元'
    """
    if condition.holds(value):
        return ""
    fact = (catalogue or the_catalogue).get(condition.fact)
    if value is None or value != value:
        name = fact.name.say(lang)
        return Words(f"还不知道：{name}", f"not known yet: {name}").say(lang)
    margin = condition.margin(value)
    if margin is None or not condition.is_ordered:
        said = say_condition(condition, lang, catalogue)
        return Words(f"要{said}", f"needs: {said}").say(lang)
    lacking = -Decimal(str(margin))
    if condition.sign in (">", "<") and float(step(fact)).is_integer():
        lacking += Decimal(str(step(fact)))  # with "more than 3", three needs one more
    return _lacking(condition, fact, lacking, lang)


def _lacking(condition: Condition, fact: Fact, lacking: Decimal, lang: str) -> str:
    upwards = condition.sign in (">", ">=")
    stem = _stem(fact.key)
    if fact.key == "days_since_visit" and not upwards:
        return Words("再来一次就行", "one visit is enough").say(lang)
    if stem.endswith(("_place", "_before")) or fact.unit == "share":
        points = f"{(lacking * 100).normalize():f}"
        if lacking == 0:
            return Words("只差一点点", "just short").say(lang)
        way = Words("还要往前 {n}%", "{n} points further up")
        back = Words("还多 {n}%", "{n} points too many")
        return (way if not upwards else back).say(lang).format(n=points)
    if fact.unit == "yuan":
        yuan = f"{lacking / 100:,.2f}"
        said = f"{yuan.removesuffix('.00')} {UNITS['yuan'].say(lang)}"
        return Words(f"还差 {said}", f"{said} more").say(lang) if upwards else _too_many(said, lang)
    said = number(lacking.quantize(Decimal("0.1")) if lacking % 1 else lacking, lang)
    unit = _counted(stem, fact, lacking, lang)
    if not upwards:
        return _too_many(f"{said} {unit}", lang)
    return f"还差 {said} {unit}" if lang.startswith("zh") else f"{said} more {unit}"


def _too_many(said: str, lang: str) -> str:
    return Words(f"多了 {said}", f"{said} too many").say(lang)


def _counted(stem: str, fact: Fact, lacking: Decimal, lang: str) -> str:
    if lang.startswith("zh"):
        return UNITS[fact.unit].zh
    noun = _NOUNS[stem].en if stem in _NOUNS else _singular(UNITS[fact.unit].en)
    if lacking == 1 or noun == "yuan":
        return noun
    plural = {"person": "people", "activity": "activities"}
    return plural.get(noun, f"{noun}s")


# Ways, grades, scales, care


def say_entry(entry: Entry, lang: str, catalogue: Catalogue) -> str:
    """Conditions that count as one, joined."""
    said = [say_condition(condition, lang, catalogue) for condition in entry]
    return Words("，而且", " and ").say(lang).join(said)


def say_way(way: Way, lang: str, catalogue: Catalogue) -> str:
    """One way in, as part of a sentence."""
    parts = []
    for how_many, entries in way.groups:
        said = [say_entry(entry, lang, catalogue) for entry in entries]
        listed = Words("；", "; ").say(lang).join(said)
        if len(said) == 1:
            parts.append(said[0])
        elif how_many == len(said):
            parts.append(Words("，并且", ", and ").say(lang).join(said))
        elif how_many == 1:
            parts.append(
                Words(
                    f"下面{_few(len(said), 'zh')}条里占一条就算——{listed}", f"any one of these: {listed}"
                ).say(lang)
            )
        else:
            parts.append(
                Words(
                    f"下面{_few(len(said), 'zh')}条里占{_few(how_many, 'zh')}条就算——{listed}",
                    f"any {_few(how_many, 'en')} of these {_few(len(said), 'en')}: {listed}",
                ).say(lang)
            )
    return Words("；另外，", "; besides, ").say(lang).join(parts)


def _few(n: int, lang: str) -> str:
    if n > 10:
        return f" {n} " if lang.startswith("zh") else str(n)
    return _FEW_ZH[n] if lang.startswith("zh") else _FEW_EN[n]


def say_grade(grade: Grade, lang: str = "zh", catalogue: Catalogue | None = None) -> str:
    """A grade and what it takes, in one sentence."""
    catalogue = catalogue or the_catalogue
    name = grade.name.say(lang)
    if not grade.ways:
        said = Words(f"{name}：其余的人。", f"{name}: everyone else.").say(lang)
    elif len(grade.ways) == 1:
        said = (
            Words("{a}：{b}。", "{a}: {b}.")
            .say(lang)
            .format(a=name, b=say_way(grade.ways[0], lang, catalogue))
        )
    else:
        listed = "".join(
            Words(f"（{n}）{said}；", f" ({n}) {said};").say(lang)
            for n, said in enumerate((say_way(way, lang, catalogue) for way in grade.ways), 1)
        )
        said = Words(
            f"{name}：有{_few(len(grade.ways), 'zh')}种情况，占一种就算——{listed[:-1]}。",
            f"{name}: any one of {_few(len(grade.ways), 'en')} ways:{listed[:-1]}.",
        ).say(lang)
    for way in grade.stay:
        enough = say_way(way, lang, catalogue)
        said += Words(
            f"已经是 {name} 的，{enough}，就保得住。", f" Whoever is {name} stays with: {enough}."
        ).say(lang)
    if grade.grace_days:
        said += Words(
            f"不够了也先留 {grade.grace_days} 天。",
            f" It is kept for {grade.grace_days} days after falling short.",
        ).say(lang)
    return said


def say_scale(scale: Scale, lang: str = "zh", catalogue: Catalogue | None = None) -> str:
    """A scale with its grades from the top, each with its reason."""
    lines = [
        Words(f"【{scale.name.zh}】{scale.because.zh}", f"{scale.name.en}. {scale.because.en}").say(lang)
    ]
    if scale.observe_days:
        lines.append(
            Words(
                f"第一次来的头 {scale.observe_days} 天算新客，先不定级。",
                f"For the first {scale.observe_days} days she is new and has no grade.",
            ).say(lang)
        )
    for grade in scale.grades:
        because = grade.because.say(lang)
        lines.append(
            say_grade(grade, lang, catalogue) + Words(f"因为：{because}", f" Because: {because}").say(lang)
        )
    if scale.grades[-1].ways:
        lines.append(Words("都够不上的，不定级。", "Whoever fits none of them has no grade.").say(lang))
    return "\n".join(lines)


_WHO = {
    "owner": Words("老板", "the owner"),
    "manager": Words("店长", "the manager"),
    "key-account": Words("大客户经理", "the key-account manager"),
    "front-desk": Words("前台", "the front desk"),
    "service": Words("客服", "customer service"),
}
_CHANNEL = {
    "call": Words("打电话", "calls"),
    "message": Words("发消息", "sends a message"),
    "card": Words("寄卡片", "sends a card"),
    "visit": Words("登门", "visits"),
    "in-person": Words("当面招呼", "welcomes in person"),
    "gift": Words("送礼物", "gives a present"),
}


def say_when(rule: CareRule) -> Words:
    """When a care rule calls for something, as the beginning of a sentence."""
    tell: dict[str, Callable[[], Words]] = {
        "birthday": lambda: _ahead(rule.days_before, Words("生日", "the birthday")),
        "anniversary": lambda: _ahead(rule.days_before, Words("纪念日", "the anniversary")),
        "festival": lambda: _ahead(rule.days_before, _festivals(rule)),
        "after_visit": lambda: Words(
            f"来过后第 {rule.days_after} 天", f"{_days(rule.days_after)} after a visit"
        ),
        "first_visit": lambda: Words(
            f"第一次来后第 {rule.days_after} 天" if rule.days_after else "第一次来的当天",
            f"{_days(rule.days_after)} after the first visit" if rule.days_after else "at the first visit",
        ),
        "late": lambda: _late(rule),
        "grade_gained": lambda: Words("刚升到这一级时", "when the grade has just been gained"),
        "grade_at_risk": lambda: Words(
            f"眼看 {rule.within_days} 天内要掉级时",
            f"when the grade may be lost within {rule.within_days} days",
        ),
        "owed": lambda: (
            Words(f"每月 {rule.times_a_month} 次", f"{_english_times(rule.times_a_month)} a month")
            if rule.times_a_month
            else Words(f"每 {rule.every_days} 天一次", f"every {_days(rule.every_days or 0)}")
        ),
        "receive": lambda: Words("照她的规律该来的那天", "on the day she is due by her own rhythm"),
    }
    return tell[rule.when]()


def _days(n: int) -> str:
    return "1 day" if n == 1 else f"{n} days"


def _ahead(days: int, of: Words) -> Words:
    if days == 0:
        return Words(f"{of.zh}当天", f"on {of.en}")
    return Words(f"{of.zh}前 {days} 天", f"{_days(days)} before {of.en}")


def _festivals(rule: CareRule) -> Words:
    from regulars.shop.calendar import FESTIVALS

    names = [FESTIVALS[key].name for key in rule.festivals]
    return Words("、".join(n.zh for n in names), _list([n.en for n in names], "en"))


def _late(rule: CareRule) -> Words:
    zh = f"没来的天数到了平常的 {number(rule.times_usual, 'zh')} 倍"
    en = f"when she is away {number(rule.times_usual, 'en')} times her usual gap"
    if rule.at_least_days:
        zh, en = f"{zh}、至少 {rule.at_least_days} 天", f"{en}, at least {_days(rule.at_least_days)}"
    if rule.at_most_days:
        zh, en = f"{zh}、不超过 {rule.at_most_days} 天", f"{en}, at most {_days(rule.at_most_days)}"
    return Words(zh, en)


def _aloud(sentence: Words) -> Words:
    """A sentence to staff with its open places filled for reading aloud, where no customer is meant."""
    zh = {
        "customer": "客人",
        "staff": "店员",
        "store": "本店",
        "days": "几",
        "festival": "节日",
        "grade": "等级",
    }
    en = {"customer": "the customer", "staff": "the member of staff", "store": "the store", "days": "so many"}
    en |= {
        "festival": "the festival",
        "grade": "the grade",
        "last_visit": "the last visit",
        "usual_gap": "so many",
    }
    return Words(
        sentence.zh.format(**zh, last_visit="上次来", usual_gap="几"),
        sentence.en.format(**en),
    )


def say_care(rule: CareRule, playbook: Playbook, lang: str = "zh", catalogue: Catalogue | None = None) -> str:
    """One care rule: for whom, when, who does what, how long it takes and what it may cost."""
    catalogue = catalogue or the_catalogue
    named = [_grade_name(reference, playbook).say(lang) for reference in rule.grades]
    whom = Words("、", ", ").say(lang).join(named) or Words("所有人", "everybody").say(lang)
    when = say_when(rule).say(lang)
    extra = "".join(
        Words("，只限", ", only if ").say(lang) + say_entry(entry, lang, catalogue) for entry in rule.where
    )
    cost = number(rule.cost, lang)
    do = _aloud(rule.do)
    return Words(
        f"{rule.name.zh}（{whom}）：{when}{extra}，{_WHO[rule.who].zh}{_CHANNEL[rule.channel].zh}。{do.zh}"
        f"约 {rule.minutes} 分钟，"
        + (f"最多花 {cost} 元。" if rule.cost else "不花钱。")
        + f"因为：{rule.because.zh}",
        f"{rule.name.en} ({whom}): {when}{extra}, {_WHO[rule.who].en} {_CHANNEL[rule.channel].en}. {do.en} "
        f"About {rule.minutes} min, "
        + (f"at most {cost} yuan." if rule.cost else "no cost.")
        + f" Because: {rule.because.en}",
    ).say(lang)


def _grade_name(reference: str, playbook: Playbook) -> Words:
    scale_key, _, key = reference.rpartition(".")
    if not scale_key and key in ("new", "none"):
        for scale in playbook.scales:
            if scale.index(key) is not None:
                return scale.grades[scale.index(key) or 0].name
    for scale in playbook.scales:
        if scale_key in ("", scale.key) and scale.index(key) is not None:
            name = scale.grades[scale.index(key) or 0].name
            if scale_key:
                return Words(f"{scale.name.zh}{name.zh}", f"{scale.name.en} {name.en}")
            return name
    return {"new": Words("新客", "new"), "none": Words("没有等级的", "without a grade")}[key]


def say_playbook(playbook: Playbook, lang: str = "zh", catalogue: Catalogue | None = None) -> str:
    """The whole playbook, grades first and care after."""
    parts = [
        Words(f"{playbook.name.zh}。{playbook.about.zh}", f"{playbook.name.en}. {playbook.about.en}").say(
            lang
        )
    ]
    if playbook.reviews:
        days = _list_and([_review_day(day, lang) for day in playbook.reviews.on], lang)
        parts.append(
            Words(
                f"每年 {days}统一复核，平时不降级"
                + ("，够了条件当天就升。" if playbook.reviews.upgrade_at_once else "。"),
                f"Grades are reviewed on {days} and not lost in between"
                + (
                    "; whoever reaches a better one gets it at once."
                    if playbook.reviews.upgrade_at_once
                    else "."
                ),
            ).say(lang)
        )
    parts += [say_scale(scale, lang, catalogue) for scale in playbook.scales]
    if playbook.care:
        parts.append(Words("我们怎么照顾客人：", "What we do for them:").say(lang))
        parts += [say_care(rule, playbook, lang, catalogue) for rule in playbook.care]
    parts += say_membership(playbook, lang)
    return "\n".join(parts)


def _list_and(said: list[str], lang: str) -> str:
    if len(said) == 1:
        return said[0]
    return ", ".join(said[:-1]) + " and " + said[-1] if lang.startswith("en") else "、".join(said)


def _review_day(day: str, lang: str) -> str:
    month, number_of_day = (int(part) for part in day.split("-"))
    return Words(f"{month} 月 {number_of_day} 日", f"{number_of_day} {month_name[month]}").say(lang)
