"""The rows that were not taken in, as a file to correct and to import again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from regulars.shop.spreadsheets import spreadsheet
from regulars.shop.words import Problem, Words

ROW, REASON = ("行号", "row"), ("原因", "reason")
"""What the file says beside the cells: in which line they stood, before them, and why they were left out, behind."""


def own_columns(headers: Sequence[str]) -> set[str]:
    """The columns that `left_out` has added to a shop's own. A till's lone column of reasons is none of them.

    >>> own_columns(["行号", "谁", "多少", "原因"]) == {"行号", "原因"}, own_columns(["退款单", "原因"])
    (True, set())
    """
    ours = len(headers) > 2 and headers[0] in ROW and headers[-1] in REASON
    return {headers[0], headers[-1]} if ours else set()


def left_out(table: pa.Table, ending: str, lang: str) -> bytes:
    """Rows of `actions.refused_table` as they came, with their line before them and the reason behind, as a "csv" or
    an "xlsx"."""
    at = 1 if lang.startswith("en") else 0
    row, reason, other = ROW[at], REASON[at], REASON[1 - at]
    cells = [c for c in table.column_names if c not in (reason, other, "file", "sheet", "row")]
    heads = [row, *(c.removeprefix("raw:") for c in cells), reason]
    rows = table.select(["row", *cells, reason]).to_pylist()
    return spreadsheet(heads, ([_cell(v) for v in r.values()] for r in rows), ending)


def why_left_out(problem: Problem) -> Words:
    """The column, the reason and what to do, each sentence with one full stop.

    >>> why_left_out(Problem(2, "金额", "x", Words("这不是金额。", "No amount"), Words("只写数字", "Write digits.")))
    Words(zh='金额：这不是金额。只写数字。', en='金额: No amount. Write digits.')
    """
    said = [s for s in (problem.reason, problem.hint) if s.zh]
    zh = "".join(s.zh.rstrip("。") + "。" for s in said)
    en = " ".join(s.en.rstrip(".") + "." for s in said)
    return Words(f"{problem.column}：{zh}", f"{problem.column}: {en}") if problem.column else Words(zh, en)


def _cell(value: Any) -> Any:
    return "" if value is None else value if isinstance(value, int) else str(value)
