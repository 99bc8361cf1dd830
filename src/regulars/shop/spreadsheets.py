"""Tables as files for a spreadsheet: CSV that Excel opens rightly, or a workbook; no cell is ever a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")

ENDINGS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""What a table can be written as, and what a browser calls it."""


def safe_cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula; real negative numbers stay numbers.

    >>> safe_cell("=cmd()"), safe_cell("-12.50"), safe_cell("-x")
    ("'=cmd()", '-12.50', "'-x")
    """
    if isinstance(value, str) and value.startswith(FORMULA):
        try:
            float(value)
        except ValueError:
            return "'" + value
    return value


def spreadsheet(heads: Sequence[str], rows: Iterable[Sequence[Any]], ending: str) -> bytes:
    """A table as the bytes of a file: "csv" (UTF-8 with its mark, CRLF) or "xlsx"."""
    safe = ([safe_cell(cell) for cell in row] for row in rows)
    if ending == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow([safe_cell(h) for h in heads])
        writer.writerows(safe)
        return ("\ufeff" + text.getvalue()).encode()
    import xlsxwriter

    sink = io.BytesIO()
    plain = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(sink, plain)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, heads, book.add_format({"bold": True}))
    for n, row in enumerate(safe, 1):
        sheet.write_row(n, 0, row)
    sheet.freeze_panes(1, 0)
    book.close()
    return sink.getvalue()
