"""The membership programme of a playbook read aloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regulars.shop.words import Words

if TYPE_CHECKING:
    from regulars.playbooks.membership import Currency, Earn, Membership
    from regulars.playbooks.playbook import Playbook

WEEKDAYS = (
    Words("周一", "Mondays"), Words("周二", "Tuesdays"), Words("周三", "Wednesdays"), Words("周四", "Thursdays"),
    Words("周五", "Fridays"), Words("周六", "Saturdays"), Words("周日", "Sundays"),
)  # fmt: skip

MEMBERS = {
    "number": Words("有会员号或会员卡的，就是会员。", "Whoever has a member number or card is a member."),
    "everybody": Words("认得出的顾客都是会员。", "Every customer who is known is a member."),
    "asked": Words("自己愿意入会的，才是会员。", "Members are those who have asked to be."),
}

ROUNDED = {
    "down": Words("零头舍掉", "fractions are dropped"),
    "nearest": Words("零头四舍五入", "fractions are rounded to the nearest"),
    "up": Words("零头进上去", "fractions are rounded up"),
}


def say_membership(playbook: Playbook, lang: str) -> list[str]:
    """The programme in sentences, one line each."""
    program = playbook.membership
    if program is None:
        return []
    tiers = playbook.scale(program.scale).names
    lines = [
        Words("会员：{about}", "Membership: {about}").fill(about=program.about),
        MEMBERS[program.members],
    ]
    lines += [say_currency(c) for c in program.currencies]
    lines += [say_earn(e, program, tiers) for e in program.earns]
    if program.without_categories:
        lines.append(
            Words("{what}不给积分。", "{what} earn nothing.").fill(what=_list(program.without_categories))
        )
    for benefit in program.benefits:
        who = _tiers(benefit.tiers, tiers)
        lines.append(
            Words("{who}：{what}。{because}", "{who}: {what}. {because}").fill(
                who=who, what=benefit.name, because=benefit.because
            )
        )
    if program.value:
        first = {
            "principal-first": Words(
                "先花本金，再花赠金", "what was paid in is spent first, the bonus after"
            ),
            "pro-rata": Words(
                "本金和赠金按比例一起花", "what was paid in and the bonus are spent in proportion"
            ),
        }[program.value.order]
        offers = [
            Words(f"充 {o.pays:g} 送 {o.gives:g}", f"{o.pays:g} paid in brings {o.gives:g}")
            for o in program.value.offers
        ]
        lines.append(
            Words("储值：{offers}{first}；本金随时能退。{because}", "Stored value: {offers}{first}; what was paid in can be had back at any time. {because}").fill(
                offers=Words("".join(f"{o.zh}，" for o in offers), "".join(f"{o.en}, " for o in offers)),
                first=first, because=program.value.because,
            )
        )  # fmt: skip
    for paid in program.paid:
        lines.append(
            Words("花 {price:g} 元可以当 {months} 个月{tier}。{because}", "{tier} can be bought for {months} months at {price:g} yuan. {because}").fill(
                price=paid.price, months=paid.months, tier=tiers[paid.tier], because=paid.because
            )
        )  # fmt: skip
    if program.referral:
        r = program.referral
        name = program.currency(r.currency).name
        lines.append(
            Words(
                "带来一位新客，{days} 天内真买满 {least:g} 元，介绍人得 {gives} {name}，新客得 {gets} {name}，每月最多 {most} 位。{because}",
                "Whoever brings a customer that really spends {least:g} yuan within {days} days gets {gives} {name}, the new one {gets}; "
                "at most {most} a month. {because}",
            ).fill(days=r.within_days, least=r.least_spend, gives=r.gives, gets=r.friend_gets, name=name, most=r.most_a_month, because=r.because)
        )  # fmt: skip
        if r.levels == 2:
            lines.append(
                Words(
                    "再往上一级得 {n} {name}，到此为止。",
                    "One level further up gets {n} {name}, and there it ends.",
                ).fill(n=r.second_gives, name=name)
            )
    return [said[:1].upper() + said[1:] for said in (line.say(lang) for line in lines)]


def say_currency(currency: Currency) -> Words:
    """One currency: its worth, its pending days, its end."""
    parts = [Words("{name}", "{name}").fill(name=currency.name)]
    if currency.worth:
        parts.append(Words(f"一个抵 {currency.worth:g} 元", f"each is worth {currency.worth:g} yuan"))
    if currency.pending_days:
        parts.append(
            Words(
                f"买了 {currency.pending_days} 天后能用",
                f"can be spent {currency.pending_days} days after the sale",
            )
        )
    parts.append(ROUNDED[currency.rounding])
    parts.append(say_end(currency))
    return Words("，".join(p.zh for p in parts) + "。" + currency.because.zh,
                 ", ".join(p.en for p in parts) + ". " + currency.because.en)  # fmt: skip


def say_end(currency: Currency) -> Words:
    """When it ends, as a half-sentence."""
    if currency.expires == "never":
        return Words("一直有效", "never ends")
    if currency.is_idle:
        return Words(
            f"{currency.months} 个月没动静就清零", f"lapses after {currency.months} months without anything"
        )
    if currency.months:
        return Words(f"{currency.months} 个月有效", f"good for {currency.months} months")
    if currency.expires == "end of year":
        return Words("当年年底到期", "ends with the year")
    return Words("第二年年底到期", "ends with the next year")


def say_earn(rule: Earn, program: Membership, tiers: dict[str, Words]) -> Words:
    """One rule of earning with its reason."""
    name = program.currency(rule.currency).name
    when = []
    if rule.tiers:
        when.append(_tiers(rule.tiers, tiers))
    if rule.weekdays:
        days = [WEEKDAYS[n - 1] for n in rule.weekdays]
        when.append(Words("、".join(d.zh for d in days), "on " + " and ".join(d.en for d in days)))
    if rule.month_days:
        days_ = "、".join(map(str, rule.month_days))
        when.append(
            Words(f"每月 {days_} 号", "on the " + ", ".join(map(str, rule.month_days)) + " of each month")
        )
    if rule.when == "birthday-month":
        when.append(Words("生日那个月", "in the month of her birthday"))
    if rule.when == "birthday":
        when.append(Words("生日当天", "on her birthday"))
    if rule.categories:
        what = _list(rule.categories)
        when.append(Words(f"买{what.zh}", f"for {what.en}"))
    if rule.per_yuan is not None:
        said = Words("每花 1 元得 {n:g} {name}", "{name}: {n:g} for each yuan").fill(
            n=rule.per_yuan, name=name
        )
    elif rule.per_visit is not None:
        said = Words("每来一次得 {n} {name}", "{name}: {n} for each visit").fill(n=rule.per_visit, name=name)
    else:
        said = Words("{name} {n:g} 倍", "{name}: {n:g} times as many").fill(n=rule.times, name=name)
    caps = []
    if rule.most_a_receipt:
        caps.append(Words(f"一单最多 {rule.most_a_receipt}", f"at most {rule.most_a_receipt} a receipt"))
    if rule.most_a_day:
        caps.append(Words(f"一天最多 {rule.most_a_day}", f"at most {rule.most_a_day} a day"))
    before_zh = "，".join(w.zh for w in when)
    before_en = ", ".join(w.en for w in when)
    return Words(
        f"{before_zh + '：' if when else ''}{'，'.join([said.zh, *(c.zh for c in caps)])}。{rule.because.zh}",
        f"{before_en + ': ' if when else ''}{', '.join([said.en, *(c.en for c in caps)])}. {rule.because.en}",
    )


def _tiers(keys: tuple[str, ...], names: dict[str, Words]) -> Words:
    said = [names[k] for k in keys]
    return Words("、".join(w.zh for w in said), ", ".join(w.en for w in said))


def _list(texts: tuple[str, ...]) -> Words:
    return Words("、".join(texts), ", ".join(texts))
