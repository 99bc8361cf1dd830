"""The rows that were not taken in, as a file to correct and to import again."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from regulars.shop.spreadsheets import spreadsheet


def left_out(table: pa.Table, ending: str, lang: str) -> bytes:
    """Rows of `actions.refused_table` as they came, with their line before them and the reason behind, as a "csv" or
    an "xlsx"."""
    reason, other = ("reason", "原因") if lang.startswith("en") else ("原因", "reason")
    cells = [c for c in table.column_names if c not in (reason, other, "file", "sheet", "row")]
    row = "row" if lang.startswith("en") else "行号"
    heads = [row, *(c.removeprefix("raw:") for c in cells), reason]
    rows = table.select(["row", *cells, reason]).to_pylist()
    return spreadsheet(heads, ([_cell(v) for v in r.values()] for r in rows), ending)


def _cell(value: Any) -> Any:
    return "" if value is None else value if isinstance(value, int) else str(value)
