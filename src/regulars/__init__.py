"""Regulars (熟客): keep your regular customers.

The library's front door: grade a table of sales by a playbook, plan today's care from it, read a playbook aloud.
No server, no database, nothing written outside a temporary folder. The shop itself starts in `regulars.daily`.

    import regulars

    grades = regulars.grade("sales.csv", playbook="snack", on="2026-08-20")
    today = regulars.plan_care("sales.csv", playbook="restaurant", on="2026-08-20")
    print(regulars.playbook("snack").say("zh"))

Everything heavy is imported when it is first asked for, so that `import regulars` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import pandas as pd

    from regulars.playbooks.playbook import Playbook

__all__ = ["grade", "plan_care", "playbook"]


def grade(
    sales: Any,
    playbook: str | Path | Playbook = "restaurant",
    on: str | date | None = None,
    facts: Any = None,
    *,
    zone: str = "Asia/Shanghai",
) -> pd.DataFrame:
    """Grade every customer in a table of sales by a playbook, as of the end of the day `on`.

    `sales` is a path (CSV, XLSX, XLS, Parquet; told apart by content), a DataFrame or an Arrow table with the columns
    `customer_id` (text or number), `ts` (when) and `amount` (yuan; negative for a refund), and optionally `order_id`
    and `store`. Without an `amount` column every row is an attendance. Rows without a customer count for the
    coverage of their store, for nobody's grade. `on` is the last day in the data unless it is given. `facts` has one
    row per customer: `customer_id` and facts that no till knows (`occupation`, `referred_customers_in_30_days`, …).
    `zone` is the shop's clock for times that name their own zone.

    The answer has one row per customer and scale: `customer`, `scale`, `grade`, then the playbook's facts in
    alphabetical order; money in yuan, days as dates, unknown as missing. It is the answer that a shop gets on its
    first run over the same sales. Raises `regulars.shop.words.Refused` with a sentence in both languages where the
    input can't serve.
    """
    from regulars import library

    return library.grade(sales, playbook, on, facts, zone=zone)


def plan_care(
    sales: Any,
    playbook: str | Path | Playbook = "restaurant",
    on: str | date | None = None,
    facts: Any = None,
    *,
    zone: str = "Asia/Shanghai",
    shop: str = "",
    lang: str = "zh",
) -> pd.DataFrame:
    """Who is to be contacted on the day `on`, in which words, best first: the list that a shop gets, without staff.

    `sales`, `playbook`, `on` and `facts` as in `grade`; `facts` may also hold `name`, `sex`, `birthday` and
    `anniversary` (2026-08-15, 08-15 or "lunar --08-15"). `shop` signs the words. One customer stands on the list once,
    with the occasion that counts most. What needs a history of grades (`grade_gained`) can't be known from one file.

    Columns as in the JSON of `regulars today`: task, customer, staff (empty), rule, why, do, channel, say, minutes,
    cost (yuan), due, rank.
    """
    from regulars import library

    return library.plan_care(sales, playbook, on, facts, zone=zone, shop=shop, lang=lang)


def playbook(source: str | Path) -> Playbook:
    """A shipped playbook by its key, or one from a TOML file. `.say("zh")` reads it aloud.

    Raises `regulars.playbooks.problems.BadPlaybook` with file, line and the nearest right word.
    """
    from regulars import library

    return library.playbook(source)
