"""What every template can say: both languages, money, dates, addresses of pages and files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from regulars.shop.money import say_money
from regulars.shop.words import Words

LANG: ContextVar[str] = ContextVar("lang", default="zh")
"""The reader's language, set by the gate for each request (a context variable, so that macros need no context)."""

TODAY: ContextVar[date | None] = ContextVar("today", default=None)
"""The shop's day, set by the gate."""

ZONE: ContextVar[str] = ContextVar("zone", default="Asia/Shanghai")
"""The shop's time zone, set by the gate."""

STATIC = Path(__file__).resolve().parent / "static"
WEEKDAYS = (
    Words("周一", "Mon"), Words("周二", "Tue"), Words("周三", "Wed"), Words("周四", "Thu"),
    Words("周五", "Fri"), Words("周六", "Sat"), Words("周日", "Sun"),
)  # fmt: skip
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def t(zh: str, en: str, **values: Any) -> str:
    """The sentence in the reader's language, its places filled; values that are Words speak the same language."""
    lang = LANG.get()
    text = en if lang == "en" else zh
    if not values:
        return text
    return text.format(**{k: v.say(lang) if isinstance(v, Words) else v for k, v in values.items()})


def words(value: Words | Sequence[str] | str | None) -> str:
    """Words, or a [zh, en] pair out of the database, in the reader's language."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    pair = list(value)
    return (pair[1] if LANG.get() == "en" else pair[0]) if len(pair) == 2 else ""


def money(amount: int | None, short: bool = False) -> str:
    return say_money(amount, LANG.get(), short)


def number(value: float | int | None, places: int = 0) -> str:
    if value is None:
        return "—"
    return f"{value:,.{places}f}"


def share(value: float | None) -> str:
    return "—" if value is None else f"{100 * value:.0f}%"


def day(value: date | datetime | str | None, weekday: bool = False) -> str:
    """A date as one says it: this year without the year."""
    if isinstance(value, datetime):
        value = value.astimezone(ZoneInfo(ZONE.get())).date()
    if not value:
        return "—"
    if isinstance(value, str):
        value = date.fromisoformat(value[:10])
    said = day_said(value, TODAY.get()).say(LANG.get())
    return f"{said} {WEEKDAYS[value.weekday()].say(LANG.get())}" if weekday else said


def day_said(value: date, today: date | None) -> Words:
    """A date as one says it, in both languages: this year without the year."""
    zh, en = f"{value.month}月{value.day}日", f"{value.day} {MONTHS[value.month - 1]}"
    if today is None or value.year != today.year:
        zh, en = f"{value.year}年{zh}", f"{en} {value.year}"
    return Words(zh, en)


def ago(value: int | None) -> str:
    """Days since, as one says it."""
    if value is None:
        return t("没来过", "never")
    if value == 0:
        return t("今天", "today")
    if value == 1:
        return t("昨天", "yesterday")
    return t("{n} 天前", "{n} days ago", n=value)


def moment(value: datetime | None) -> str:
    """An instant in the shop's time, to the minute."""
    if not value:
        return "—"
    local = value.astimezone(ZoneInfo(ZONE.get()))
    return f"{day(local.date())} {local:%H:%M}"


@cache
def _digest(path: str) -> str:
    return hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:8]


def static(path: str) -> str:
    """Address of a file of ours; the digest behind it lets browsers keep it until it changes."""
    return f"/static/{path}?{_digest(path)}"


def to_json(value: Any) -> Markup:
    return Markup(json.dumps(value, ensure_ascii=False).replace("<", "\\u003c"))


def environment(**options: Any) -> Environment:
    env = Environment(**{**options, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True})
    env.globals.update(
        t=t, words=words, money=money, number=number, share=share, day=day, ago=ago, moment=moment, static=static,
        url=lambda name, *args: reverse(name, args=args), lang=LANG.get, today=TODAY.get, to_json=to_json,
    )  # fmt: skip
    return env
