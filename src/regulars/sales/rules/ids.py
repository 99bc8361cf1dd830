"""Numbers that name something — receipts, members, cards —: text, never arithmetic."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.sales.rules.cells import Among, any_true, holds

# What a spreadsheet shows of a long number; the digits behind are gone.
_DESTROYED = r"^[+-]?[0-9](\.[0-9]+)?[eE]\+[0-9]+$"
# What tills write where no member stood at the counter.
NOBODY = frozenset(
    {"散客", "非会员", "匿名", "匿名用户", "游客", "普通顾客", "普通客户", "散户", "零售客户",
     "未登录", "过客", "普通散客", "散客会员", "临时", "临时会员", "临时顾客", "临时客户", "临时卡", "默认", "默认会员", "默认顾客",
     "默认客户", "默认用户", "顾客", "客人", "客户", "会员", "-1", "−1", "－1",
     "guest", "Guest", "GUEST", "walk-in", "Walk-in", "anonymous", "Anonymous"}
)  # fmt: skip

# A shop counts to 999 and 9999, and some do reach them; six nines and more are what nobody's number is set to.
_NINES = frozenset("9" * length for length in range(6, 21))
_NOBODY = Among(NOBODY | _NINES)


def destroyed(text: str) -> bool:
    """Whether a spreadsheet has turned this number into 4.00123E+27, so that its end is lost.

    >>> destroyed("4.00123E+27"), destroyed("4200001234567890")
    (True, False)
    """
    return re.match(_DESTROYED, text) is not None


def destroyed_cells(column: Any) -> Any | None:
    """Which cells are destroyed numbers; None when none is."""
    if not holds(column, "+"):
        return None
    mask = pc.fill_null(pc.match_substring_regex(column, _DESTROYED), False)
    return mask if any_true(mask) else None


def ids(column: Any) -> Any:
    """A column of clean ids: `13085.0` becomes `13085`, leading zeros stay.

    >>> ids(pa.array(["13085.0", "007"])).to_pylist()
    ['13085', '007']
    """
    if holds(column, ".") and any_true(pc.ends_with(column, ".0")):
        column = pc.replace_substring_regex(column, pattern=r"^([0-9]+)\.0+$", replacement=r"\1")
    return column


def identities(column: Any) -> Any:
    """A column of ids that may name a person: masked ones, zeros, nines without end and "walk-in" become null.

    >>> identities(pa.array(["M01", "t**1", "散客", "0000", "99999999", "9999"])).to_pylist()
    ['M01', None, None, None, None, '9999']
    """
    column = ids(column)
    among = _NOBODY.rows(column)
    nobody = pa.array(np.zeros(len(column), dtype=bool) if among is None else among)
    if holds(column, "*"):
        nobody = pc.or_(nobody, pc.fill_null(pc.match_substring(column, "*"), False))
    zeros = pc.and_(pc.starts_with(column, "0"), pc.equal(pc.ascii_ltrim(column, characters="0"), ""))
    if any_true(zeros):
        nobody = pc.or_(nobody, pc.fill_null(zeros, False))
    return pc.if_else(nobody, pa.scalar(None, pa.string()), column) if any_true(nobody) else column
