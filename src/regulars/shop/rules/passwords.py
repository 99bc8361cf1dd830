"""Which passwords serve, by today's guidance: length counts, recipes of signs don't, and nobody has to change a good one.

The guidance is NIST SP 800-63B-4 (2025), section 3.1.1.2. What we take of it and what not stands in
`docs/decisions/passwords.md`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from regulars.shop.words import Words

LEAST = 10
"""Between the 8 that the guidance asks of a password with a second factor and the 15 of one that stands alone."""

ALONE = 15
"""What we advise to those who have no second factor, and don't force upon them."""

MOST = 256
"""Twice what the guidance asks that one may type; a limit at all, so that nobody sends a book to be hashed."""

LEAST_OWN = 8
"""So many signs must remain when the shop's and the person's own names are taken away."""

ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn",
)

TOO_SHORT = Words(
    "密码至少 {n} 个字；一句自己记得住的话最好",
    "At least {n} characters; a sentence you remember is best",
)
TOO_LONG = Words("密码最多 {n} 个字", "At most {n} characters")
TOO_COMMON = Words(
    "这个密码太多人用了，猜的人先试它。换一句自己的话",
    "Too many people use this one, so it is tried first. Take a sentence of your own",
)
TOO_SIMPLE = Words(
    "重复的字、连着的数字和键盘上挨着的键，一猜就中。换一句自己的话",
    "Repeated signs, runs of numbers and neighbouring keys are guessed at once. Take a sentence of your own",
)
TOO_CLOSE = Words(
    "密码里除了店名、邮箱和名字就没剩几个字，认识你的人猜得到",
    "Besides the shop, the e-mail and the name little is left of it: who knows you can guess it",
)


def same_signs(password: str) -> str:
    """A password as it is hashed: however a keyboard composes its signs, they are the same (NFKC).

    >>> same_signs("ｃａｆｅ\\u0301 ①") == "café 1"
    True
    """
    return unicodedata.normalize("NFKC", password)


def weakness(password: str, of: Iterable[str] = (), commons: frozenset[str] = frozenset()) -> Words | None:
    """What is wrong with a password, or None. `of`: names that those who know the person know too; `commons`: what
    everybody takes, in small letters. Any signs are fine, spaces and Chinese too; none is demanded.

    >>> weakness("six potatoes in the cellar") is None, weakness("老街口那棵桂花树又开花了") is None
    (True, True)
    >>> weakness("short").en
    'At least 10 characters; a sentence you remember is best'
    >>> weakness("Lin@Laozaohuo2026", ["老灶火锅", "lin@laozaohuo.cn"]) == TOO_CLOSE
    True
    >>> weakness("1234567890abc") == TOO_SIMPLE, weakness("aaaaaabbbbbb") == TOO_SIMPLE
    (True, True)
    """
    password = same_signs(password)
    if len(password) < LEAST:
        return TOO_SHORT.fill(n=LEAST)
    if len(password) > MOST:
        return TOO_LONG.fill(n=MOST)
    folded = password.casefold().strip()
    if folded in commons:
        return TOO_COMMON
    if len(set(folded)) < 5 or len(_without_runs(folded)) < 4:
        return TOO_SIMPLE
    if _without_names(folded, of) < LEAST_OWN:
        return TOO_CLOSE
    return None


def _without_runs(text: str) -> str:
    """What is left when runs of four neighbours or more, forwards or backwards, are taken away.

    >>> _without_runs("qwerty7654x")
    'x'
    """
    for row in (*ROWS, *(r[::-1] for r in ROWS)):
        for length in range(len(row), 3, -1):
            for start in range(len(row) - length + 1):
                text = text.replace(row[start : start + length], "")
    return text


def _without_names(folded: str, names: Iterable[str]) -> int:
    """How many letters are left without the names; figures and signs behind a name hide nothing, unless no name stood
    there."""
    parts = {
        part
        for name in names
        for part in "".join(c if c.isalnum() else " " for c in same_signs(name).casefold()).split()
        if len(part) >= (2 if not part.isascii() else 3)
    }
    left = folded
    for part in sorted(parts, key=len, reverse=True):
        left = left.replace(part, "")
    if left == folded:
        return len(folded)
    return sum(c.isalpha() for c in left)
