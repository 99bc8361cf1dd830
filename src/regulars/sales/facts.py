"""What the till says about a customer: how often, how much, since when, in what rhythm of weeks.

All of it is made from **days**: one row per customer and day with `day` (integer), `spend` (net fen), `visit` (0 or 1),
`gap` (days since her previous visit) and `store`. A visit is a day with a net amount above zero or a recorded
attendance; two receipts on one day are one visit.
"""

from __future__ import annotations

from typing import Any

import ibis

from regulars.playbooks.catalogue import Fact, Family, Measure, Standing, Window, catalogue
from regulars.shop.words import Words

MONTH = 30
STREAK_WEEKS = 60
"""Weeks looked back for `weeks_in_a_row`; kept in the bits of one integer, below the sign."""

W, F = Words, Fact


def week_of(day: Any) -> Any:
    """ISO weeks as a running number: 1970-01-01 was a Thursday, so Monday of that week is day −3."""
    return (day + 3) // 7


def _sum_in(column: str, window: int) -> Measure:
    def make(days: Any, on: Any) -> Any:
        return days[column].sum(where=days.day > on - window).fill_null(0)  # over nothing it would be null

    return Measure(make, counts=column, window=window, empty=0)


def _week_bits(days: Any, on: Any) -> Any:
    """Bit k is set when the k-th week before the week of `on` has a visit."""
    age = (week_of(on) - days.week).cast("int64")
    bit = ibis.literal(1, "int64") << ibis.least(age, STREAK_WEEKS)
    return bit.bit_or(where=(days.visit == 1) & (age < STREAK_WEEKS)).fill_null(0)


SPEND_BITS, SPEND_OFFSET = 40, 1 << 39
"""A day and its spend in one integer, the day in the upper bits: the largest is the latest, by one plain maximum (an
ordered aggregate costs several times as much). Half of 2⁴⁰ fen is 5.5 billion yuan on one day."""

STORE_BITS = 20


def _last_visit(days: Any, on: Any) -> Any:
    packed = (days.day.cast("int64") << SPEND_BITS) + (days.spend + SPEND_OFFSET)
    return packed.max(where=days.visit == 1)


def _last_store(days: Any, on: Any) -> Any:
    return ((days.day.cast("int64") << STORE_BITS) + days.store).max()


def _streak(row: Any, on: Any) -> Any:
    """Trailing ones of the week bits; the running week may still be open, so it may be skipped."""
    bits = row.week_bits.fill_null(0)
    bits = ((bits & 1) == 1).ifelse(bits, bits >> 1)
    lowest_zero = (~bits) & (bits + 1)
    return lowest_zero.log2().round().cast("int64")


def _active_months(months: int) -> Any:
    def derive(row: Any, on: Any) -> Any:
        total: Any = ibis.literal(0, "int64")
        before: Any = ibis.literal(0, "int64")
        for k in range(1, months + 1):
            upto = row[f"visits_in_{k * MONTH}_days"]
            total = total + (upto > before).cast("int64")
            before = upto
        return total

    return derive


def _months_known(row: Any) -> Any:
    """Months that the average runs over: 3, or the months since the first visit when shorter, at least 1."""
    return (row.days_since_first_visit.cast("float64") / MONTH).clip(lower=1.0, upper=3.0).fill_null(3.0)


catalogue.register_family(
    Family(
        "visits",
        lambda w: F(
            "", W("{w}到店", "visits {w}").fill(w=w.words), "times", "sales",
            W("{w}里到店的天数，一天算一次。", "Days with a visit {w}; one day is one visit.").fill(w=w.words),
            W("同一天两张单算一次；净额为零或退光的一天不算；只签到没金额的也算。",
              "Two receipts on one day are one visit; a day refunded to zero is none; a recorded attendance without an amount is one."),
            measure=_sum_in("visit", w.days), ages=True,
        ),
    ),
    Family(
        "spend",
        lambda w: F(
            "", W("{w}消费", "spend {w}").fill(w=w.words), "yuan", "sales",
            W("{w}实付金额合计，退款已扣。", "Paid amounts {w}, refunds taken off.").fill(w=w.words),
            W("退款扣在原单那一天；找不到原单的扣在退款当天，所以可能是负数。",
              "A refund counts on the day of its original receipt; without a link on its own day, so the sum can be negative."),
            measure=_sum_in("spend", w.days), ages=True,
        ),
    ),
    Family(
        "spend_place",
        lambda w: F(
            "", W("{w}消费排在前", "place by spend {w}").fill(w=w.words), "share", "sales",
            W("{w}有消费的顾客里，花得比她多的人占多少；0 是第一名。",
              "Share of customers with spend {w} who spent strictly more; 0 is the first.").fill(w=w.words),
            W("并列的算在靠前的一边；没有消费的没有名次。", "Ties fall on the better side; no spend, no place."),
            standing=Standing("place", f"spend_in_{w.n}_{w.unit}"), ages=True,
        ),
        sample=Window(12, "months"),
    ),
    Family(
        "visits_place",
        lambda w: F(
            "", W("{w}到店次数排在前", "place by visits {w}").fill(w=w.words), "share", "sales",
            W("{w}来过的顾客里，来得比她勤的人占多少；0 是第一名。",
              "Share of customers with visits {w} who came strictly more often; 0 is the first.").fill(w=w.words),
            W("并列的算在靠前的一边。", "Ties fall on the better side."),
            standing=Standing("place", f"visits_in_{w.n}_{w.unit}"), ages=True,
        ),
        sample=Window(12, "months"),
    ),
    Family(
        "spend_before",
        lambda w: F(
            "", W("{w}排在她前面的营业额", "revenue ranked before her {w}").fill(w=w.words), "share", "sales",
            W("{w}里，花得比她多的人合起来占总营业额多少；第一名是 0。",
              "Share of all revenue {w} carried by customers who spent strictly more; the first has 0.").fill(w=w.words),
            W("所以第一名总是 A；并列的一起算在靠前的一边。",
              "So the first customer is always in A; ties fall on the better side together."),
            standing=Standing("before", f"spend_in_{w.n}_{w.unit}"), ages=True,
        ),
        sample=Window(12, "months"),
    ),
    Family(
        "visits_before",
        lambda w: F(
            "", W("{w}排在她前面的到店次数", "visits ranked before her {w}").fill(w=w.words), "share", "sales",
            W("{w}里，来得比她勤的人合起来占总次数多少。",
              "Share of all visits {w} made by customers who came strictly more often.").fill(w=w.words),
            W("并列的一起算在靠前的一边。", "Ties fall on the better side together."),
            standing=Standing("before", f"visits_in_{w.n}_{w.unit}"), ages=True,
        ),
        sample=Window(12, "months"),
    ),
    Family(
        "visits_above_median",
        lambda w: F(
            "", W("{w}到店比中间水平多", "visits above the median {w}").fill(w=w.words), "times", "sales",
            W("{w}到店次数，减去同期来过的顾客的中位数。",
              "Visits {w} less the median of the customers who came {w}.").fill(w=w.words),
            W("同期没来过的人不参与中位数。", "Customers without a visit in the window do not enter the median."),
            standing=Standing("above_median", f"visits_in_{w.n}_{w.unit}"), ages=True,
        ),
        sample=Window(90, "days"),
    ),
)  # fmt: skip

catalogue.register(
    F("visits", W("一共到店", "visits so far"), "times", "sales",
      W("有记录以来到店的天数。", "Days with a visit since records began."),
      measure=Measure(lambda d, on: d.visit.sum(), counts="visit", empty=0)),
    F("spend", W("一共消费", "spend so far"), "yuan", "sales",
      W("有记录以来实付合计，退款已扣。", "Paid amounts since records began, refunds taken off."),
      measure=Measure(lambda d, on: d.spend.sum(), counts="spend", empty=0)),
    F("first_visit_on", W("第一次到店", "first visit"), "date", "sales",
      W("第一次到店那天。", "The day of the first visit."),
      measure=Measure(lambda d, on: d.day.min(where=d.visit == 1))),
    F("last_visit_on", W("最近一次到店", "last visit"), "date", "sales",
      W("最近一次到店那天。", "The day of the last visit."),
      derive=lambda r, on: (r.last_visit_mark >> SPEND_BITS).cast("int32"), needs=("last_visit_mark",)),
    F("last_visit_mark", W("最近一次到店和金额", "last visit and its spend"), "score", "sales",
      W("最近一次到店的日子和那天的实付，合成一个数（内部用）。", "Day and spend of the last visit in one number (internal)."),
      measure=Measure(_last_visit)),
    F("last_store_mark", W("最近的门店和日子", "last store and its day"), "score", "sales",
      W("最近一次到的门店和那天，合成一个数（内部用）。", "Day and store of the last sale in one number (internal)."),
      measure=Measure(_last_store)),
    F("last_spend", W("上次消费", "last spend"), "yuan", "sales",
      W("最近一次到店那一整天的实付。", "What was paid on the whole day of the last visit."),
      W("当天两张单合在一起算。", "Two receipts on that day count together."),
      derive=lambda r, on: (r.last_visit_mark & ((1 << SPEND_BITS) - 1)) - SPEND_OFFSET, needs=("last_visit_mark",)),
    F("largest_spend", W("单日最高消费", "largest spend in a day"), "yuan", "sales",
      W("花得最多的那一天。", "The most paid on one day."),
      measure=Measure(lambda d, on: d.spend.max(where=d.visit == 1))),
    F("last_store", W("最近到的门店", "last store"), "text", "sales",
      W("最近一次到店的门店。", "The store of the last visit."),
      derive=lambda r, on: (r.last_store_mark & ((1 << STORE_BITS) - 1)).cast("int32"), needs=("last_store_mark",)),
    F("week_bits", W("各周有没有来", "weeks with a visit"), "score", "sales",
      W("最近 60 周里哪几周来过（内部用）。", "Which of the last 60 weeks have a visit (internal)."),
      measure=Measure(_week_bits, empty=0), ages=True),
    F("weeks_in_a_row", W("连续几周都来", "weeks in a row"), "weeks", "sales",
      W("到这一周为止连续几周每周都来过（周一到周日为一周）。", "Consecutive ISO weeks with a visit, up to this week."),
      W("这一周还没过完，没来也不断。", "The current week may still be open: it does not break the row."),
      derive=_streak, needs=("week_bits",), ages=True),
    F("days_since_visit", W("多少天没来", "days since the last visit"), "days", "sales",
      W("从最近一次到店到今天的天数。", "Days from the last visit to the day itself."),
      W("数据只到哪天，就只算到哪天，免得忘了导数据就人人都像走了。",
        "Counted to the last day that the store's data cover, so a forgotten import makes nobody look lost."),
      derive=lambda r, on: (
          ibis.greatest(ibis.least(on, r.known_until.fill_null(on)), r.last_visit_on) - r.last_visit_on
      ),
      needs=("last_visit_on", "last_store"), ages=True),
    F("days_since_first_visit", W("认识多少天", "days since the first visit"), "days", "sales",
      W("从第一次到店到今天的天数。", "Days from the first visit to the day itself."),
      derive=lambda r, on: on - r.first_visit_on, needs=("first_visit_on",), ages=True),
    F("average_spend", W("平均每次消费", "average spend a visit"), "yuan", "sales",
      W("一共消费除以到店次数。", "Spend so far divided by visits."),
      derive=lambda r, on: (r.visits > 0).ifelse((r.spend / r.visits.nullif(0)).round().cast("int64"), None),
      needs=("spend", "visits")),
    F("average_monthly_spend", W("平均每月消费", "average monthly spend"), "yuan", "sales",
      W("最近 90 天消费除以 3 个月。", "Spend of the last 90 days divided by 3 months."),
      W("认识不到 3 个月的按认识的月数算，至少算 1 个月。",
        "Divided by the months since the first visit when shorter, at least 1."),
      derive=lambda r, on: (r.spend_in_90_days / _months_known(r)).round().cast("int64"),
      needs=("spend_in_90_days", "days_since_first_visit"), ages=True),
    F("average_monthly_visits", W("平均每月到店", "average monthly visits"), "times", "sales",
      W("最近 90 天到店次数除以 3 个月。", "Visits of the last 90 days divided by 3 months."),
      W("认识不到 3 个月的按认识的月数算，至少算 1 个月。",
        "Divided by the months since the first visit when shorter, at least 1."),
      derive=lambda r, on: r.visits_in_90_days / _months_known(r),
      needs=("visits_in_90_days", "days_since_first_visit"), ages=True),
    *(F(f"active_months_in_{n}_months", W(f"最近 {n} 个月里有几个月来过", f"months with a visit in the last {n}"),
        "months", "sales",
        W(f"把最近 {n} 个 30 天各算一个月，数其中来过的。", f"Of the last {n} spans of 30 days, those with a visit."),
        derive=_active_months(n), needs=tuple(f"visits_in_{k * MONTH}_days" for k in range(1, n + 1)), ages=True)
      for n in (6, 12)),
    F("spend_place", W("累计消费排在前", "place by spend so far"), "share", "sales",
      W("累计花得比她多的人占多少；0 是第一名。", "Share of customers who spent strictly more; 0 is the first."),
      W("并列的算在靠前的一边。", "Ties fall on the better side."), standing=Standing("place", "spend")),
    F("visits_place", W("累计到店排在前", "place by visits so far"), "share", "sales",
      W("累计来得比她多的人占多少；0 是第一名。", "Share of customers who came strictly more often; 0 is the first."),
      W("并列的算在靠前的一边。", "Ties fall on the better side."), standing=Standing("place", "visits")),
    F("recency_place", W("最近到店排在前", "place by recency"), "share", "sales",
      W("来得比她更近的人占多少；0 是最近的。", "Share of customers who came more recently; 0 is the latest."),
      W("并列的算在靠前的一边。", "Ties fall on the better side."),
      standing=Standing("place", "days_since_visit", lower_is_better=True), ages=True),
    F("recency_score", W("最近得分 R", "recency score"), "score", "sales",
      W("按多久没来分五档，5 最近。", "Fifths by days since the last visit, 5 the most recent."),
      W("并列的一起算在好的一档。", "Ties fall into the better fifth together."),
      standing=Standing("score", "days_since_visit", lower_is_better=True), ages=True),
    F("frequency_score", W("频次得分 F", "frequency score"), "score", "sales",
      W("按最近 12 个月到店次数分五档，5 最勤；这一年没来的算 1。",
        "Fifths by visits in the last 12 months, 5 the most; 1 without a visit in them."),
      W("并列的一起算在好的一档。", "Ties fall into the better fifth together."),
      standing=Standing("score", "visits_in_12_months"), ages=True),
    F("spend_score", W("金额得分 M", "spend score"), "score", "sales",
      W("按最近 12 个月消费分五档，5 最多；这一年没消费的算 1。",
        "Fifths by spend in the last 12 months, 5 the most; 1 without spend in them."),
      W("并列的一起算在好的一档。", "Ties fall into the better fifth together."),
      standing=Standing("score", "spend_in_12_months"), ages=True),
)  # fmt: skip
