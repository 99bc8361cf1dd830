"""Workbooks and CSV files as tills write them: column by column, fast, the same bytes for the same content.

Tills stream their exports without styles; so does this. It needs a fraction of the time of a general writer,
which is what lets the demo open within seconds.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

Cell = str | int | float | None

_TYPES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
)
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_LONG_AGO = (2020, 1, 1, 0, 0, 0)  # a fixed time inside the archive keeps the bytes the same


@dataclass
class Table:
    """One sheet: lines of title and filter, headers, columns of equal length, lines after the data."""

    headers: Sequence[str]
    columns: Sequence[Sequence[Cell]]
    above: Sequence[Sequence[Cell]] = ()
    below: Sequence[Sequence[Cell]] = field(default_factory=tuple)

    def rows(self) -> list[Sequence[Cell]]:
        return [*self.above, self.headers, *zip(*self.columns, strict=True), *self.below]


def letters(index: int) -> str:
    """The name of a column: 0 is A.

    >>> letters(0), letters(25), letters(26), letters(27)
    ('A', 'Z', 'AA', 'AB')
    """
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


def write_workbook(path: Path, sheets: dict[str, Table]) -> Path:
    """Write an .xlsx with one sheet per table."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        overrides = "".join(
            f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="{_SHEET_TYPE}"/>'
            for i in range(1, len(sheets) + 1)
        )
        _put(archive, "[Content_Types].xml", f"{_TYPES}{overrides}</Types>")
        _put(
            archive,
            "_rels/.rels",
            f'{_HEAD}<Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" '
            f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        listed = "".join(
            f'<sheet name="{escape(name)}" sheetId="{i}" r:id="rId{i}"/>' for i, name in enumerate(sheets, 1)
        )
        _put(
            archive,
            "xl/workbook.xml",
            f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>',
        )
        related = "".join(
            f'<Relationship Id="rId{i}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{i}.xml"/>'
            for i in range(1, len(sheets) + 1)
        )
        _put(
            archive,
            "xl/_rels/workbook.xml.rels",
            f'{_HEAD}<Relationships xmlns="{_PACKAGE}">{related}</Relationships>',
        )
        for i, table in enumerate(sheets.values(), 1):
            _put(archive, f"xl/worksheets/sheet{i}.xml", _sheet(table))
    return path


def _put(archive: zipfile.ZipFile, name: str, text: str) -> None:
    entry = zipfile.ZipInfo(name, _LONG_AGO)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, text.encode("utf-8"), compresslevel=1)


def _sheet(table: Table) -> str:
    lines = [_line(i, row) for i, row in enumerate(table.above, 1)]
    lines.append(_line(len(lines) + 1, table.headers))
    start = len(lines) + 1
    cells = [_cells(letters(i), start, column) for i, column in enumerate(table.columns)]
    lines += [f'<row r="{r}">{"".join(row)}</row>' for r, row in enumerate(zip(*cells, strict=True), start)]
    lines += [_line(i, row) for i, row in enumerate(table.below, len(lines) + 1)]
    return f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def _cells(column: str, start: int, values: Sequence[Cell]) -> list[str]:
    known: dict[Cell, str] = {}
    cells = []
    for row, value in enumerate(values, start):
        tail = known.get(value)
        if tail is None:
            tail = known[value] = _tail(value)
        cells.append(f'<c r="{column}{row}"{tail}' if tail else "")
    return cells


def _tail(value: Cell) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        return f' t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f"><v>{value}</v></c>"


def _line(row: int, values: Sequence[Cell]) -> str:
    cells = ((letters(i), _tail(value)) for i, value in enumerate(values))
    written = "".join(f'<c r="{column}{row}"{tail}' for column, tail in cells if tail)
    return f'<row r="{row}">{written}</row>'


def write_csv(path: Path, table: Table, encoding: str = "utf-8-sig", *, quote: bool = True) -> Path:
    """Write a CSV with CRLF, as tills do. Without `quote` nothing is quoted (WeChat's own way)."""
    text = io.StringIO(newline="")
    if quote:
        csv.writer(text, lineterminator="\r\n").writerows(table.rows())
    else:
        text.writelines(",".join("" if c is None else str(c) for c in row) + "\r\n" for row in table.rows())
    path.write_bytes(text.getvalue().encode(encoding))
    return path
