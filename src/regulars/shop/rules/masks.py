"""What must not stand in clear in a log, an audit line or a name: numbers that lead to a person, and what opens doors."""

from __future__ import annotations

import re
from typing import Any

MASK = "***"

_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_OPENERS = re.compile(
    r"regulars-[\w-]{8,}|(?<=/m/in/)[\w-]{8,}|(?<=bearer )[\w.~+/=-]{8,}|(?<=basic )[\w+/=]{8,}",
    re.IGNORECASE,
)
_COOKIES = re.compile(
    r"\b(sessionid|csrftoken|csrfmiddlewaretoken|messages|password|start|member|knock)(\"?'?[=:]\s*\"?'?)[^\s;,&\"']+",
    re.I,
)
_QUERY = re.compile(r"(?<=[\w/])\?[^\s\"'<>)]+")
_NUMBER = re.compile(r"\d(?:[ \u00a0\-‐–—.()（）]{0,2}\d){6,}[xX]?")
_PHONE = re.compile(r"(?<!\d)(?:(?:\+|00)?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)")
_ID = re.compile(
    r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dxX](?![\dxX])"
)
_PASSPORT = re.compile(r"(?<![A-Za-z\d])[A-Za-z]{1,2}\d{7,8}(?!\d)")
_QUOTED = re.compile(r'"[^"]*"?')
_DAY = re.compile(r"(?:19|20)\d{2}-\d{2}-\d{2}")


def masked(text: str) -> str:
    """A text without anything that could be a phone, an ID, a card, an e-mail address, a key, a cookie or a query.

    Seven digits and more are masked, however they are grouped; days (2026-05-01) and shorter numbers stay.

    >>> masked("打 139 1234-5601，不是 021-5588 2210；VIP990017 在 2026-05-01 买了 12 件")
    '打 ***，不是 ***；VIP990017 在 2026-05-01 买了 12 件'
    >>> masked("Forbidden: /m/in/Nn3JkqT0pX_s9-dk2Lqw/ knock=Nn3JkqT0")
    'Forbidden: /m/in/***/ knock=***'
    >>> masked("GET /customers/?q=王芳 Authorization: Bearer abcdefgh12 sessionid=k3j2 lin@example.cn"), masked("１３９１２３４５６０１")
    ('GET /customers/?*** Authorization: Bearer *** sessionid=*** ***', '***')
    """
    text = _MAIL.sub(MASK, text)
    text = _OPENERS.sub(MASK, text)
    text = _COOKIES.sub(rf"\1\2{MASK}", text)
    text = _QUERY.sub(f"?{MASK}", text)
    return _NUMBER.sub(_unless_days, text)


def _unless_days(found: re.Match[str]) -> str:
    """Days with their marks between are no numbers; whatever stands beside them is looked at by itself."""
    text = found.group()
    if not _DAY.search(text):
        return MASK
    parts = re.split(f"({_DAY.pattern})", text)
    return "".join(p if k % 2 else MASK if sum(map(str.isdigit, p)) >= 7 else p for k, p in enumerate(parts))


def masked_values(value: Any) -> Any:
    """Every text in a structure of lists and names, masked; numbers and yes or no stay.

    >>> masked_values({"to": ["13912345601", 7], "is_open": True})
    {'to': ['***', 7], 'is_open': True}
    """
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {masked(str(k)): masked_values(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [masked_values(v) for v in value]
    return value


def without_numbers(text: str) -> str:
    """A name (of a file, a dish, a feast) without mobile phones, ID numbers, passports and e-mail addresses; dates,
    barcodes and receipt numbers, which such names are full of, stay.

    >>> without_numbers("王芳13912345601_20260501-20260531.csv"), without_numbers("可乐 6901234567892")
    ('王芳***_20260501-20260531.csv', '可乐 6901234567892')
    """
    if not re.search(r"\d{4}|@", text):
        return text
    return _PASSPORT.sub(MASK, _ID.sub(MASK, _PHONE.sub(MASK, _MAIL.sub(MASK, text))))


def only_what_failed(text: str) -> str:
    """The message of an exception without the values that it quotes: what failed, not on whom.

    >>> only_what_failed("invalid literal for int() with base 10: '幸福路 12 号'")
    "invalid literal for int() with base 10: '***'"
    >>> only_what_failed('duplicate key: (email)=(lin@example.cn) 王芳 对花生过敏')
    'duplicate key: (email)(***) ***'
    """
    text = (text.splitlines() or [""])[0]  # what a database tells below it is the row
    text = re.sub(r"'[^']*'?", f"'{MASK}'", _QUOTED.sub(_unless_names, text))
    text = re.sub(r"\([^)]*[=,][^)]*\)|=\([^)]*\)", f"({MASK})", text)
    return masked(re.sub(r"[^\x00-\x7f]+(?: *[^\x00-\x7f]+)*", MASK, text))


def _unless_names(found: re.Match[str]) -> str:
    """Names of columns and constraints are the house's own."""
    return found.group() if re.fullmatch(r'"[a-z]+(_[a-z]+)+"', found.group()) else f'"{MASK}"'
