"""What is unusual about how somebody reads customers: judgements on counts, each with its reason in both languages."""

from __future__ import annotations

from datetime import time

from regulars.shop.words import Words

NIGHT = (time(23, 30), time(6, 0))
"""Between these hours hardly a shop has a reason to look numbers up."""

MANY_OPENED = 150
"""Files opened by one person on a day: a busy desk of a hot-pot store greets about a hundred parties."""

MANY_SEARCHES = 300
"""Searches by one person on a day: three for each file of a busy day."""

NEARLY = 0.8
"""Of her day's limit of revealed numbers: the owner hears before it is used up."""


def many_revealed(n: int, limit: int) -> Words | None:
    """Whether the numbers that somebody has had shown beside her list are many for a day.

    >>> many_revealed(15, 20), many_revealed(16, 20).en
    (None, '16 numbers shown beside the list today, of 20')
    """
    if n < max(1, round(limit * NEARLY)):
        return None
    return Words(
        "今天名单之外看了 {n} 个号码，上限 {limit}", "{n} numbers shown beside the list today, of {limit}"
    ).fill(n=n, limit=limit)


def many_uses(kind: str, n: int, usual: float | None) -> Words | None:
    """Whether so many files opened or searches are many: beyond any busy day, or three times her own usual day.

    >>> many_uses("open", 90, usual=70.0), many_uses("open", 90, usual=20.0).en
    (None, '90 files opened today, usually about 20')
    >>> many_uses("search", 301, usual=None).en
    '301 searches today'
    """
    most = MANY_OPENED if kind == "open" else MANY_SEARCHES
    beyond_her_own = usual is not None and n >= 60 and n > 3 * usual
    if n <= most and not beyond_her_own:
        return None
    said = (
        Words("今天打开了 {n} 份档案", "{n} files opened today")
        if kind == "open"
        else Words("今天查找了 {n} 次", "{n} searches today")
    ).fill(n=n)
    if usual is None:
        return said
    often = Words("，平常约 {u}", ", usually about {u}").fill(u=round(usual))
    return Words(said.zh + often.zh, said.en + often.en)


def at_night(at: time) -> bool:
    """Whether a wall time lies in the hours in which nobody works.

    >>> at_night(time(23, 45)), at_night(time(5, 59)), at_night(time(12, 0))
    (True, True, False)
    """
    return at >= NIGHT[0] or at < NIGHT[1]
