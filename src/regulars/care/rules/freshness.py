"""Are the data fresh enough to say that somebody stayed away?"""

from __future__ import annotations

from datetime import date

from regulars.care.rules.terms import Verdict
from regulars.shop.calendar import day_words
from regulars.shop.words import Words


def data_fresh_enough(
    on: date, known_until: date | None, typical_gap_days: float | None, stale_after: float
) -> Verdict:
    """Whether absence may be judged on `on`: a shop that forgot to import must not see everybody as lost.

    Fresh while the data are no older than `stale_after` times the trade's own rhythm, and always when they
    cover yesterday, since a day's sales come in its evening. Without a known rhythm only yesterday's data
    will do.

    >>> fresh = data_fresh_enough(date(2026, 11, 22), date(2026, 11, 8), typical_gap_days=14, stale_after=1)
    >>> fresh.holds
    True
    >>> data_fresh_enough(date(2026, 11, 22), date(2026, 11, 7), 14, 1).why.say("zh")
    '数据只到11月7日，已经旧了 15 天，先导入新的流水再判断谁没来'
    """
    if known_until is None:
        return Verdict(
            False,
            Words(
                "还不知道数据到哪一天，先导入流水再判断谁没来",
                "Nobody knows how far the data reach: import sales first",
            ),
        )
    age = (on - known_until).days
    allowed = max(1.0, stale_after * typical_gap_days) if typical_gap_days is not None else 1.0
    values = {"until": day_words(known_until, on), "age": age}
    if age <= allowed:
        return Verdict(True, Words("数据到{until}", "data reach to {until}").fill(**values))
    return Verdict(
        False,
        Words(
            "数据只到{until}，已经旧了 {age} 天，先导入新的流水再判断谁没来",
            "The data end {until}, {age} days ago: import newer sales before anyone is called absent",
        ).fill(**values),
    )
