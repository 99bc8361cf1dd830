"""A customer's own rhythm: how far apart her visits usually are, and how late she is by that."""

from __future__ import annotations

from regulars.playbooks.catalogue import Fact, Measure, catalogue
from regulars.shop.words import Words

VISITS_FOR_A_RHYTHM = 3
"""Two gaps are the fewest of which one can be called usual; below that a rhythm is a guess."""

catalogue.register(
    Fact(
        "usual_gap_days", Words("平常隔几天来一次", "usual gap between visits"), "days", "foresight",
        Words("相邻两次到店间隔天数的中位数。", "The median number of days between one visit and the next."),
        Words("来过不到 3 次的还看不出规律，算不知道。", "Not known below 3 visits: too few to show a rhythm."),
        measure=Measure(
            lambda d, on: (d.visit.sum() >= VISITS_FOR_A_RHYTHM).ifelse(d.gap.median(where=d.visit == 1), None)
        ),
    ),
    Fact(
        "times_usual_gap", Words("没来的天数是平常的几倍", "days away against her usual gap"), "ratio", "foresight",
        Words("多少天没来 ÷ 平常隔几天来一次。", "Days since the last visit divided by the usual gap."),
        Words("只算到数据覆盖的那天。", "Counted to the last day that the store's data cover."),
        derive=lambda r, on: r.days_since_visit / r.usual_gap_days,
        needs=("days_since_visit", "usual_gap_days"), ages=True,
    ),
)  # fmt: skip
