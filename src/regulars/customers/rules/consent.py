"""May this be done with a customer's data, over this channel, today? By her own latest word, else by what the law lets
a shop do without asking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from regulars.shop.words import Words


@dataclass(frozen=True)
class Purpose:
    """Something that a shop does with a customer's data. `asks`: it needs a yes; else `basis` says why it goes on
    until she says no. `separate`: the yes stands for itself and is never part of another (PIPL, article 29).
    `wording`: what is read out or shown when she is asked."""

    key: str
    name: Words
    asks: bool
    basis: Words
    wording: Words
    separate: bool = False
    reaches: bool = True


_ALONE = Words("要单独同意才可以", "Only with a separate consent")

PURPOSES: dict[str, Purpose] = {
    p.key: p
    for p in (
        Purpose(
            "service", Words("服务通知", "Service messages"), False,
            Words("履行约定所必需：订座、取货、储值、投诉处理", "Needed for what was agreed: bookings, pick-ups, balances, complaints"),
            Words("我们会就您的订座、订单、储值和投诉联系您。", "We contact you about your bookings, orders, balance and complaints."),
        ),
        Purpose(
            "care", Words("店员关怀", "Care by staff"), False,
            Words("老顾客和店员之间原有的来往，她说不就停", "The existing relation between a regular and the staff, until she says no"),
            Words("店员会在您久未光顾、生日和节日时问候您；您随时可以说不要。", "Our staff may greet you on birthdays and holidays or when you have been away; you can say no at any time."),
        ),
        Purpose(
            "marketing", Words("营销信息", "Marketing"), True, Words("没有同意过", "She has not agreed to it"),
            Words("我同意接收本店的优惠和活动信息，可以随时退订。", "I agree to receive offers and news of this shop and can stop them at any time."),
        ),
        Purpose(
            "profiling", Words("分级和推荐", "Grading and suggestions"), False,
            Words("会员服务的一部分，已在告知中写明；她可以拒绝自动决定", "Part of the membership and named in the notice; she can refuse automated decisions"),
            Words("我们按您的消费给会员分级，用来安排服务；您可以要求说明，也可以拒绝只由系统作出的决定。",
                  "We grade members by what they buy, to plan our service; you can ask for an explanation and refuse decisions made by the system alone."),
            reaches=False,
        ),
        Purpose(
            "sensitive:health", Words("健康信息", "Health"), True, _ALONE,
            Words("我单独同意本店记录我告知的健康情况，仅用于安全地为我服务；我可以随时撤回，撤回后即删除。",
                  "I separately agree that this shop keeps what I told about my health, only to serve me safely; I can withdraw this at any time, and it is then deleted."),
            separate=True, reaches=False,
        ),
        Purpose(
            "sensitive:religion", Words("宗教和民族", "Religion and ethnic group"), True, _ALONE,
            Words("我单独同意本店记录我的宗教信仰或民族，仅用于尊重我的饮食和习惯；我可以随时撤回，撤回后即删除。",
                  "I separately agree that this shop keeps my religion or ethnic group, only to respect my food and customs; I can withdraw this at any time, and it is then deleted."),
            separate=True, reaches=False,
        ),
        Purpose(
            "sensitive:id", Words("证件号", "Numbers of documents"), True, _ALONE,
            Words("我单独同意本店记录我的证件号，仅用于依法登记；我可以随时撤回，撤回后即删除。",
                  "I separately agree that this shop keeps the number of my document, only for registration by law; I can withdraw this at any time, and it is then deleted."),
            separate=True, reaches=False,
        ),
        Purpose(
            "minor", Words("未满 14 周岁：监护人同意", "Under 14: consent of the guardian"), True,
            Words("未满 14 周岁，要监护人同意", "Under 14: the guardian has to agree"),
            Words("我是孩子的监护人，单独同意本店记录孩子的信息，用于为孩子服务；可以随时撤回。",
                  "I am the child's guardian and separately agree that this shop keeps the child's data to serve the child; I can withdraw this at any time."),
            separate=True, reaches=False,
        ),
    )
}  # fmt: skip
"""Everything that customers' data are used for. What is not here is not done."""

SENSITIVE = {
    "health": "sensitive:health",
    "religion": "sensitive:religion",
    "id": "sensitive:id",
    "minor": "minor",
}
"""Sensitive kind → the purpose that has to be agreed to."""

ANY = "any"

CHANNELS: dict[str, Words] = {
    ANY: Words("任何方式", "any way"), "call": Words("电话", "by phone"), "sms": Words("短信", "by text message"),
    "wechat": Words("微信", "on WeChat"), "mail": Words("邮寄、邮件", "by mail"), "visit": Words("上门", "by a visit"),
}  # fmt: skip

SOURCES: dict[str, Words] = {
    "counter": Words("当面", "at the counter"), "paper": Words("纸面签字", "on paper"), "member-page": Words("会员页", "on the member page"),
    "file": Words("随名单导入", "with a file"), "phone": Words("电话里", "on the phone"), "api": Words("由程序转来", "by a program"),
}  # fmt: skip


class Word(NamedTuple):
    """Her word: yes or no, since when, and for how long a yes holds."""

    granted: bool
    on: date
    number: int = 0
    until: date | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether it may be done, and why."""

    holds: bool
    why: Words

    def __bool__(self) -> bool:
        return self.holds


Standing = Mapping[tuple[str, str], Word]
"""(purpose, channel) → her latest word on it."""


def word_on(standing: Standing, purpose: str, channel: str, on: date) -> Word | None:
    """Her latest word that covers a channel: on that channel or on any. A yes that has run out is none.

    >>> said = {("care", "any"): Word(False, date(2026, 5, 1), 1), ("care", "call"): Word(True, date(2026, 6, 1), 2)}
    >>> word_on(said, "care", "call", date(2026, 7, 1)).granted, word_on(said, "care", "sms", date(2026, 7, 1)).granted
    (True, False)
    """
    words = [standing[key] for key in {(purpose, channel), (purpose, ANY)} if key in standing]
    latest = max(words, key=lambda w: w.number, default=None)
    if latest is not None and latest.granted and latest.until is not None and latest.until < on:
        return None
    return latest


def allowed(standing: Standing, purpose: str, channel: str, on: date, *, is_minor: bool = False) -> Verdict:
    """Whether something may be done for a purpose over a channel. A child takes no marketing whoever agrees, and
    nothing else that reaches out before the guardian has said yes.

    >>> day = date(2026, 7, 1)
    >>> nothing = {}
    >>> [bool(allowed(nothing, p, "sms", day)) for p in ("service", "care", "marketing", "profiling", "sensitive:health")]
    [True, True, False, True, False]
    >>> yes = {("marketing", "sms"): Word(True, date(2026, 1, 1), 7)}
    >>> print(allowed(yes, "marketing", "sms", day).why, bool(allowed(yes, "marketing", "call", day)))
    2026-01-01 同意过 False
    >>> print(allowed(yes, "marketing", "sms", day, is_minor=True).why)
    未满 14 周岁，不发营销
    """
    what = PURPOSES[purpose]
    if is_minor and purpose == "marketing":
        return Verdict(False, Words("未满 14 周岁，不发营销", "Under 14: no marketing"))
    if is_minor and what.reaches and purpose != "service":
        guardian = word_on(standing, "minor", ANY, on)
        if guardian is None or not guardian.granted:
            return Verdict(False, PURPOSES["minor"].basis)
    word = word_on(standing, purpose, channel, on)
    if word is None:
        return Verdict(not what.asks, what.basis)
    if word.granted:
        return Verdict(True, Words("{d} 同意过", "agreed on {d}").fill(d=word.on))
    return Verdict(False, Words("{d} 说了不要", "said no on {d}").fill(d=word.on))


def latest(words: Iterable[tuple[str, str, Word]]) -> dict[tuple[str, str], Word]:
    """The latest word on each purpose and channel, out of all that was ever said.

    >>> said = [("care", "any", Word(True, date(2026, 1, 1), 1)), ("care", "any", Word(False, date(2026, 2, 1), 2))]
    >>> latest(said)["care", "any"].granted
    False
    """
    found: dict[tuple[str, str], Word] = {}
    for purpose, channel, word in words:
        known = found.get((purpose, channel))
        if known is None or word.number > known.number:
            found[purpose, channel] = word
    return found


BY_CARE = {
    "call": ("call",),
    "message": ("sms", "wechat"),
    "visit": ("visit",),
    "card": ("mail",),
    "gift": ("visit",),
}
"""Channel of a care rule → what it uses. A message goes out as long as one of its two ways is open."""


def shut(standing: Standing, on: date, *, is_minor: bool = False) -> frozenset[str]:
    """The channels of care that are shut for a customer.

    >>> no_calls = {("care", "call"): Word(False, date(2026, 1, 1), 1)}
    >>> sorted(shut(no_calls, date(2026, 7, 1))), sorted(shut({}, date(2026, 7, 1))), len(shut({}, date(2026, 7, 1), is_minor=True))
    (['call'], [], 5)
    """
    return frozenset(
        care
        for care, ways in BY_CARE.items()
        if not any(allowed(standing, "care", way, on, is_minor=is_minor) for way in ways)
    )


def refuses_automation(standing: Standing, on: date) -> bool:
    """Whether she has refused decisions that a system makes alone (PIPL, article 24)."""
    word = word_on(standing, "profiling", ANY, on)
    return word is not None and not word.granted
