"""Lived-in shops, made up to the last name: for the demo, for tests, for benchmarks, for learning.

`shop(trade)` is who they are, `write(trade, folder, on)` gives their files as a till would export them (`groups`
says which belong to one import), and `volume(...)` a base of any size for measuring. Everything is made from a seed: the same seed and day give the
same bytes. Names are put together from common surnames and given names; telephone numbers come from 1740 0–5,
which the numbering plan keeps for satellite and emergency services and hands out to no ordinary subscriber.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from regulars.examples.profiles import ShopProfile

TRADES = ("hotpot", "snack", "salon", "wholesale", "restaurant")


def shop(trade: str) -> ShopProfile:
    """The business behind the files: name, stores, staff with roles and minutes a day, first playbook.

    Raises KeyError for a trade that is not in TRADES.

    >>> shop("hotpot").playbook, [person.role for person in shop("salon").staff][:2]
    ('hotpot', ['owner', 'manager'])
    """
    from regulars.examples.profiles import PROFILES

    return PROFILES[trade]


def write(trade: str, folder: Path, on: date, *, seed: int = 2026, scale: float = 1.0) -> list[Path]:
    """Write one shop's exports into `folder`, covering its history up to the day before `on`.

    `scale` makes the shop smaller or larger: 0.02 is a handful of people with all the oddities left in. The
    files can be imported at once, or in `groups`. They hold a few broken lines on purpose.
    """
    from regulars.examples.exports import EXPORTS

    folder.mkdir(parents=True, exist_ok=True)
    return EXPORTS[trade](folder, on, seed, scale)


_TOGETHER = (
    ("全渠道订单明细_往期.csv", "全渠道订单明细_近两月.xlsx", "微信支付账单.csv"),
    ("销售单据.xlsx", "销售明细_近两月.csv"),
)
"""Orders with what says more about the same orders: who paid, what was bought."""


def groups(paths: Sequence[Path]) -> list[list[Path]]:
    """The files of a shop as they are to be imported: orders with their payments and lines, every other alone.

    >>> [[path.name for path in group] for group in groups([Path("客户列表.xlsx"), Path("销售明细_近两月.csv"), Path("销售单据.xlsx")])]
    [['客户列表.xlsx'], ['销售明细_近两月.csv', '销售单据.xlsx']]
    """
    found: dict[object, list[Path]] = {}
    for path in paths:
        together = next((names for names in _TOGETHER if path.name in names), path)
        found.setdefault(together, []).append(path)
    return list(found.values())


def volume(customers: int, sales: int, *, on: date, years: float = 3.0, seed: int = 2026) -> pa.Table:
    """Sales of a large base as one Arrow table, for measuring; see `regulars.examples.crowds`."""
    from regulars.examples.crowds import volume as make

    return make(customers, sales, on=on, years=years, seed=seed)
