"""Files into sheets of text: encodings, separators, workbooks, where the headers stand.

Nothing is interpreted here but the shape. What is not a table is refused in words that say what to do
instead.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import itertools
import mmap
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import python_calamine

from regulars.sales.readers.contract import Sheet
from regulars.sales.rules.cells import DIRT, NOTHING, clean_cell, holds
from regulars.sales.rules.dates import looks_dated
from regulars.sales.rules.headers import known, plain, total
from regulars.sales.rules.money import fen
from regulars.shop.words import Problem, Refused, Words

_PEEK = 256 * 1024
_HEADER_WITHIN = 15
# A year of a busy shop unpacks to well under a gigabyte; what promises more is an attack or a mistake.
_LARGEST_UNPACKED = 1_500_000_000
# Sheets of repetitive text pack 20 to 30 times; a bomb packs a thousand times.
_HIGHEST_RATIO = 200
# Below this size even an absurd ratio does no harm.
_HARMLESS = 50_000_000
# The reader lays a sheet out from its first cell to its farthest, so one cell in the last corner would ask for 400 GB.
_MOST_CELLS = 60_000_000
_LAST_ROW = 1_048_576
_PARQUET_CELL = 32  # bytes that a cell takes once it is text
_EXACT_DIGITS = 10**15  # a spreadsheet keeps fifteen digits; a longer number has lost its end

_DAMAGED = (OSError, EOFError, zipfile.BadZipFile, RuntimeError, zlib.error)
"""What unpacking a damaged archive raises, or one that is sealed or packed in an unknown way (both RuntimeError)."""

EMPTY = Words("文件「{file}」是空的，里面没有数据。", "The file “{file}” is empty.")
BINARY = Words(
    "「{file}」不是表格文件（内容不是文字）。请在收银系统里重新导出 CSV 或 Excel 文件。",
    "“{file}” is no table (its content is not text). Export CSV or Excel from the till again.",
)
UNREADABLE = Words(
    "「{file}」里的文字读不出来。请用 --encoding 说明编码（例如 gb18030、utf-16、big5），或用 Excel "
    "另存为「CSV UTF-8」。",
    "The text of “{file}” cannot be read. Name its encoding with --encoding (gb18030, utf-16, big5 …) or "
    "save it as "
    "“CSV UTF-8” in Excel.",
)
TOO_LARGE = Words(
    "「{file}」解压后太大（超过 {gb} GB），为安全没有打开。请按月分开导出。",
    "“{file}” unpacks to more than {gb} GB and was not opened, for safety. Export it month by month.",
)
BROKEN = Words(
    "「{file}」打不开，文件可能损坏或设了密码。请取消密码或重新导出后再试。",
    "“{file}” cannot be opened; it may be damaged or protected by a password. Export it again without a "
    "password.",
)
NO_TABLE = Words(
    "在「{file}」里找不到表格：至少要有一行表头和一行数据，并且不止一列。",
    "No table was found in “{file}”: it needs a line of headers, a line of data and more than one column.",
)
PACKED_TWICE = Words(
    "「{file}」里是压缩包套着压缩包。请解压成 CSV 或 Excel 再导入。",
    "“{file}” is an archive inside an archive. Unpack it to CSV or Excel first.",
)
TOO_WIDE = Words(
    "「{file}」的表里有一格写到了很远的地方（{cell}），为安全没有打开。请删掉表格右下方多余的格子，或另存为 CSV。",
    "A cell of “{file}” stands far away from the others ({cell}), and it was not opened, for safety. Delete what stands "
    "beyond the table, or save it as CSV.",
)
NO_CSV_INSIDE = Words(
    "压缩包「{file}」里应当正好有一个 CSV 或 Excel 文件，现在有 {n} 个。请解压后分别导入。",
    "The archive “{file}” should hold exactly one CSV or Excel file and holds {n}. Unpack it and import "
    "them one by one.",
)
TOO_MANY_CELLS = Words(
    "这一行比表头多出 {n} 格，对不上列。", "This line has {n} more cells than there are headers."
)
TOO_MANY_CELLS_HINT = Words(
    "多半是某一格里含有逗号却没有加引号；请改好这一行，或在收银系统里导出 Excel 格式。",
    "Most likely a cell contains a comma without quotes; correct the line or export as Excel.",
)


def open_file(path: str | Path, encoding: str | None = None, also_headers: Iterable[str] = ()) -> list[Sheet]:
    """The tables of one file: CSV/TSV/TXT (also .gz or in a .zip), XLSX, XLS, Parquet; told apart by content.

    `encoding` overrules the guess (byte order mark, strict UTF-8, then GB18030). `also_headers` are names
    that a person has mapped by hand and that therefore count as headers. Raises Refused when the file holds
    no table.
    """
    return _opened(Path(path), encoding, frozenset(plain(header) for header in also_headers))


def _opened(path: Path, encoding: str | None, names: frozenset[str], unpacked: bool = False) -> list[Sheet]:
    """`unpacked`: it came out of an archive, so it can't be another one: those that hold themselves have no end."""
    if not path.is_file():
        raise Refused(Words(f"找不到文件「{path.name}」。", f"There is no file “{path.name}”."))
    if path.stat().st_size == 0:
        raise Refused(EMPTY.fill(file=path.name))
    with path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith(b"\x1f\x8b"):
        if unpacked:
            raise Refused(PACKED_TWICE.fill(file=path.name))
        return _unpacked(path, gzip.open(path, "rb"), path.stem, encoding, names)
    if start.startswith(b"PAR1"):
        return [_parquet(path)]
    if start.startswith(b"PK"):
        return _zipped(path, encoding, names, unpacked)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        return _workbook(path, path.name, names)
    return [_text(path, encoding, names)]


# ── packed files ──


def _unpacked(
    path: Path, packed: Any, inner: str, encoding: str | None, names: frozenset[str]
) -> list[Sheet]:
    """A packed file, laid out beside and read as if it had come so; the copy is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="regulars-") as folder:
        plain_file = Path(folder) / (Path(inner).name or "file")
        written, allowed = 0, max(_HARMLESS, path.stat().st_size * _HIGHEST_RATIO)
        try:
            with packed, plain_file.open("wb") as out:
                while chunk := packed.read(1 << 20):
                    written += len(chunk)
                    if written > min(_LARGEST_UNPACKED, allowed):
                        raise Refused(TOO_LARGE.fill(file=path.name, gb=1.5))
                    out.write(chunk)
        except _DAMAGED as reason:
            raise Refused(BROKEN.fill(file=path.name)) from reason
        if written == 0:
            raise Refused(EMPTY.fill(file=path.name))
        return _opened(plain_file, encoding, names, unpacked=True)


def _zipped(path: Path, encoding: str | None, names: frozenset[str], unpacked: bool) -> list[Sheet]:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as reason:
        raise Refused(BROKEN.fill(file=path.name)) from reason
    with archive:
        members = [m for m in archive.infolist() if not m.is_dir()]
        size, packed = sum(m.file_size for m in members), sum(m.compress_size for m in members)
        if size > _LARGEST_UNPACKED or (size > _HARMLESS and size > packed * _HIGHEST_RATIO):
            raise Refused(TOO_LARGE.fill(file=path.name, gb=1.5))
        if any(m.filename == "[Content_Types].xml" for m in members):
            _must_be_a_calm_book(archive, members, path.name)
            return _workbook(path, path.name, names)
        if unpacked:
            raise Refused(PACKED_TWICE.fill(file=path.name))
        tables = [
            m
            for m in members
            if Path(m.filename).suffix.lower() in (".csv", ".txt", ".tsv", ".xlsx", ".xls")
            and "__MACOSX" not in m.filename
        ]
        # Alipay packs the list of sales together with a one-page summary of it.
        details = [m for m in tables if "汇总" not in _zip_name(m)]
        if len(details) != 1:
            raise Refused(NO_CSV_INSIDE.fill(file=path.name, n=len(tables)))
        return _unpacked(path, archive.open(details[0]), _zip_name(details[0]), encoding, names)


_REF = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{2,})(\d+)["']""")
_ROW = re.compile(rb"""\br\s*=\s*["']([A-Za-z]+)(\d{4,})["']""")


def _must_be_a_calm_book(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], file: str) -> None:
    """Read a workbook through once before the reader lays it out: its parts are as long as they claim (a false length
    fails its checksum), and no cell stands so far off that laying out the sheet would take all memory."""
    if any(m.filename.lower().endswith("workbook.bin") for m in members):
        raise Refused(BROKEN.fill(file=file))
    for member in members:
        try:
            with archive.open(member) as part:
                column = _farthest_column(part)
            if "/worksheets/" in member.filename.lower() and _column_number(column) * _LAST_ROW > _MOST_CELLS:
                with archive.open(member) as part:
                    row = _farthest_row(part)
                if _column_number(column) * row > _MOST_CELLS:
                    raise Refused(TOO_WIDE.fill(file=file, cell=f"{column.decode()[:6]}{row}"))
        except _DAMAGED as reason:
            raise Refused(BROKEN.fill(file=file)) from reason


def _farthest_column(part: IO[bytes]) -> bytes:
    """The last column that any cell names; only those after Z are looked at, which most sheets don't have."""
    column = b"Z"
    for piece in _pieces(part):
        for letters, _ in _REF.findall(piece):
            column = max(column, letters.upper(), key=_column_number)
    return column


def _farthest_row(part: IO[bytes]) -> int:
    return max((int(digits[:12]) for piece in _pieces(part) for _, digits in _ROW.findall(piece)), default=0)


def _pieces(part: IO[bytes]) -> Iterator[bytes]:
    """A part of an archive, piece by piece, each with the end of the one before, so that nothing is cut in two."""
    tail = b""
    while piece := part.read(1 << 20):
        yield tail + piece
        tail = piece[-64:]


def _column_number(letters: bytes) -> int:
    """Which column letters name: A is 1, Z 26, XFD 16,384."""
    number = 0
    for letter in letters[:6]:
        number = number * 26 + letter - 64
    return number


def _zip_name(member: zipfile.ZipInfo) -> str:
    """A packed file's name; Chinese programs write GBK where the format says cp437."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return member.filename


# ── Parquet ──


def _parquet(path: Path) -> Sheet:
    try:
        told = pq.read_metadata(path)
        size = told.num_rows * told.num_columns * _PARQUET_CELL
        if size > _HARMLESS and size > path.stat().st_size * _HIGHEST_RATIO:
            raise Refused(TOO_LARGE.fill(file=path.name, gb=1.5))
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as reason:
        raise Refused(BROKEN.fill(file=path.name)) from reason
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_timestamp(column.type):
            if column.type.tz is not None:
                column = pc.local_timestamp(column)
            column = pc.cast(column, pa.timestamp("s"), safe=False)
        elif pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_nested(column.type):
            continue
        columns[name] = column.cast(pa.string())
    rows = pa.array(np.arange(1, table.num_rows + 1, dtype=np.int32))
    return _sheet(path.name, "", 0, list(columns), list(columns.values()), rows)


# ── workbooks ──


def _workbook(path: Path, file: str, names: frozenset[str]) -> list[Sheet]:
    try:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        titles = [
            meta.name
            for meta in book.sheets_metadata
            if str(meta.typ).endswith("WorkSheet") and str(meta.visible).endswith("Visible")
        ] or book.sheet_names
        since_1904 = _counts_from_1904(path)
        sheets = []
        for title in titles:
            sheet = book.get_sheet_by_name(title)
            height, width = sheet.total_height, sheet.total_width
            if height * max(width, 1) > _MOST_CELLS:
                raise Refused(TOO_LARGE.fill(file=file, gb=1.5))
            cells = ([_cell_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False))
            found = _sheet_of_rows(cells, file, title, names, since_1904)
            if found is not None:
                sheets.append(found)
    except Refused:
        raise
    except Exception as reason:  # calamine raises its own errors, and panics on some damaged files
        raise Refused(BROKEN.fill(file=file)) from reason
    if not sheets:
        raise Refused(NO_TABLE.fill(file=file))
    return sheets


def _counts_from_1904(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        try:
            head = archive.read("xl/workbook.xml")[:4000]
        except KeyError:
            return False
    return re.search(rb'date1904="(1|true)"', head) is not None


def _cell_text(cell: Any) -> str:
    """A spreadsheet cell as its reader sees it: whole numbers without .0, dates as ISO, long numbers as
    destroyed."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        if cell != cell or cell in (float("inf"), float("-inf")):
            return ""
        if abs(cell) >= _EXACT_DIGITS:
            return f"{cell:.5E}"
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, int):
        return str(cell)
    if hasattr(cell, "isoformat"):
        text = (
            str(cell.isoformat(sep=" "))
            if hasattr(cell, "hour") and hasattr(cell, "year")
            else cell.isoformat()
        )
        return text.split(".")[0]
    return str(cell)


# ── text files ──


def _text(path: Path, encoding: str | None, names: frozenset[str]) -> Sheet:
    file = path.name
    with path.open("rb") as stream:
        raw = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        sheet = None
        for name, skip in _encodings(raw[:_PEEK], encoding, file):
            try:
                sheet = _decoded(path, raw, name, skip, names)
                break
            except UnicodeError:
                continue
            except csv.Error as reason:
                raise Refused(BROKEN.fill(file=file)) from reason
        else:
            raise Refused(UNREADABLE.fill(file=file))
    finally:
        # An error's traceback may still hold a view into the file; then it closes when that goes.
        with contextlib.suppress(BufferError):
            raw.close()
    if sheet is None:
        raise Refused(NO_TABLE.fill(file=file))
    return sheet


def _encodings(start: bytes, named: str | None, file: str) -> list[tuple[str, int]]:
    """Which encodings to try, each with the length of the byte order mark to leave out."""
    if named:
        try:
            "".encode(named)
        except LookupError:
            raise Refused(Words(f"不认识的编码「{named}」。", f"“{named}” is not an encoding.")) from None
        return [("utf-8-sig" if named.lower().replace("_", "-") == "utf-8" else named, 0)]
    if start.startswith(b"\xef\xbb\xbf"):
        return [("utf-8", 3), ("gb18030", 3)]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return [("utf-16", 0)]
    if b"\0" in start or start.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8", b"Rar!", b"7z")):
        raise Refused(BINARY.fill(file=file))
    control = sum(start.count(bytes([code])) for code in (*range(1, 9), *range(14, 27)))
    if control > len(start) // 100:
        raise Refused(BINARY.fill(file=file))
    return [("utf-8", 0), ("gb18030", 0)]


def _decoded(path: Path, raw: mmap.mmap, encoding: str, skip: int, names: frozenset[str]) -> Sheet | None:
    """The sheet of a text file in this encoding; UnicodeError if it is not in this encoding."""
    file = path.name
    start = raw[skip:_PEEK]
    if len(raw) <= _PEEK:
        text = start.decode(encoding)
    elif encoding in ("utf-8", "gb18030") and b"\n" in start:
        text = start[: start.rfind(b"\n") + 1].decode(encoding)  # no character cut in two
    else:
        text = start.decode(encoding, "ignore")
    if not text.strip(DIRT):
        raise Refused(EMPTY.fill(file=file))
    separator = _separator(text)
    quoted = raw.find(b'"') >= 0
    top = list(
        itertools.islice(csv.reader(io.StringIO(text, newline=""), delimiter=separator), _HEADER_WITHIN + 15)
    )
    at = _header_at(top, names)
    if at is not None and encoding in ("utf-8", "gb18030") and not text.startswith("#"):
        fast = _straight_text(raw, skip, file, encoding, separator, quoted, text, top, at)
        if fast is not None:
            return fast
    return _careful_text(path, skip, file, encoding, separator, names)


def _separator(text: str) -> str:
    """Comma, tab, semicolon or bar: whichever cuts most lines into the same number of cells."""
    lines = [line for line in text.splitlines()[:60] if line.strip() and not line.startswith("#")]
    best, best_score = ",", 0
    for sign in (",", "\t", ";", "|"):
        counts = [len(row) for row in csv.reader(lines, delimiter=sign)]
        usual = max(set(counts), key=lambda n: (counts.count(n), n)) if counts else 1
        score = counts.count(usual) * (usual - 1)
        if usual > 1 and score > best_score:
            best, best_score = sign, score
    return best


def _straight_text(
    raw: mmap.mmap,
    skip: int,
    file: str,
    encoding: str,
    separator: str,
    quoted: bool,
    text: str,
    top: list[list[str]],
    at: int,
) -> Sheet | None:
    """A clean file by the engine's own parser, a million lines a second; None if anything is out of the
    ordinary."""
    head = _unique([cell.strip(DIRT) for cell in top[at]])
    if not head or any("\n" in cell for row in top[: at + 1] for cell in row):
        return None
    if any(len(row) != len(head) for row in top[at + 1 : at + 4]):
        return None
    if any(not row for row in top[: at + 1]):
        return None
    offset = skip
    for _ in range(at + 1):
        offset = raw.find(b"\n", offset) + 1
        if offset == 0:
            return None
    if offset >= len(raw):
        return None
    buffer = pa.py_buffer(raw)
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(buffer.slice(offset)),
            read_options=pa_csv.ReadOptions(
                column_names=head, block_size=4 << 20, encoding="utf8" if encoding == "utf-8" else encoding
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=separator, newlines_in_values=quoted, quote_char='"' if quoted else False
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(head, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as reason:
        if "UTF8" in str(reason) or "UTF-8" in str(reason):
            raise UnicodeError(str(reason)) from reason
        return None
    finally:
        del buffer
    if quoted and any(_swallowed(column, separator, len(head)) for column in table.columns):
        return None
    if quoted and (_count_of(raw, offset, len(raw), '"') % 2 or _blank_between(raw, offset)):
        return None
    ended = _count_of(raw, offset, len(raw), "\n") + (raw[len(raw) - 1] != ord("\n"))
    plain_count = quoted or ended == table.num_rows
    lines = np.arange(table.num_rows) if plain_count else _lines_with_text(raw, offset)
    if len(lines) != table.num_rows:
        return None
    rows = pa.array((lines + at + 2).astype(np.int32))
    return _sheet(file, "", at + 1, head, table.columns, rows)


def _lines_with_text(raw: mmap.mmap, offset: int) -> Any:
    """Which lines of a file without quotes hold anything, counted from 0 at `offset`; blank ones keep their number
    as they do in a spreadsheet."""
    ends, step = [], 1 << 18
    for at in range(offset, len(raw), step):
        piece = np.frombuffer(raw[at : at + step], dtype=np.uint8)
        ends.append(np.flatnonzero(piece == ord("\n")) + at)
    last = np.concatenate([*ends, [len(raw)]])
    lengths = np.diff(last, prepend=offset - 1) - 1
    for line in np.flatnonzero(lengths == 1).tolist():
        if raw[last[line] - 1] == ord("\r"):
            lengths[line] = 0
    return np.flatnonzero(lengths > 0)


def _blank_between(raw: mmap.mmap, offset: int) -> bool:
    """Whether a blank line may stand between the lines of a file with quotes."""
    found = (raw.find(blank, offset) for blank in (b"\n\n", b"\n\r\n"))
    return any(at >= 0 and raw[at:].strip(b"\r\n") for at in found)


def _count_of(raw: mmap.mmap, start: int, end: int, sign: str) -> int:
    """How often a sign stands in a part of the file, without copying the file."""
    step = 1 << 18
    return sum(
        int(np.count_nonzero(np.frombuffer(raw[at : min(at + step, end)], dtype=np.uint8) == ord(sign)))
        for at in range(start, end, step)
    )


def _swallowed(column: Any, separator: str, width: int) -> bool:
    """Whether a quote that was never closed has swallowed whole lines: one cell holds a full line of the
    table."""
    if not holds(column, "\n"):
        return False
    line = r"\n" + rf"[^\n{separator}]*[{separator}]" * (width - 1)
    return bool(pc.any(pc.match_substring_regex(column, line)).as_py())


def _careful_text(
    path: Path, skip: int, file: str, encoding: str, separator: str, names: frozenset[str]
) -> Sheet | None:
    """Any text file, line by line: blank lines, notes, short and long lines, quotes that never close."""
    csv.field_size_limit(1 << 24)
    rows: Iterable[list[str]]
    with _text_of(path, skip, encoding) as text:
        trusted = _quotes_hold(text, separator)
    with _text_of(path, skip, encoding) as text:
        if trusted:
            rows = csv.reader(text, delimiter=separator)
        else:
            # A lone quote (5" pipe) would swallow the lines up to the next one: no quoting then.
            rows = ([cell.strip('"') for cell in line.rstrip("\r\n").split(separator)] for line in text)
        return _sheet_of_rows(rows, file, "", names, False)


@contextlib.contextmanager
def _text_of(path: Path, skip: int, encoding: str) -> Iterator[Iterable[str]]:
    """The lines of a text file, decoded strictly, one after the other."""
    with path.open("rb") as stream:
        stream.seek(skip)
        with io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
            yield text


def _quotes_hold(text: Iterable[str], separator: str) -> bool:
    """Whether quotes are meant as quotes: they come in pairs and none hides a full line of the table in a
    cell."""
    quotes = 0
    widths: list[int] = []

    def counted() -> Iterator[str]:
        nonlocal quotes
        for line in text:
            quotes += line.count('"')
            yield line

    hidden = 0
    for row in csv.reader(counted(), delimiter=separator):
        if len(widths) < 50:
            widths.append(len(row))
        for cell in row:
            if "\n" in cell:
                hidden = max(hidden, *(line.count(separator) + 1 for line in cell.split("\n")[1:]))
    usual = max(set(widths), key=widths.count, default=0)
    return quotes % 2 == 0 and (hidden < usual or usual < 2)


# ── from lines to a sheet ──


def _sheet_of_rows(
    lines: Iterable[list[str]], file: str, title: str, names: frozenset[str], since_1904: bool
) -> Sheet | None:
    """A sheet from lines of cells: header found, notes (#…) and blank lines left out; None if there is no
    table."""
    iterator = iter(lines)
    top = list(itertools.islice(iterator, _HEADER_WITHIN + 15))
    at = _header_at(top, names)
    if at is None:
        width = max((len(_trimmed(row)) for row in top), default=0)
        data = [row for row in top if any(clean_cell(cell) for cell in row)]
        if width < 2 or not data or not any(_is_data(row) for row in data):
            return None
        head, at = [f"列{i + 1}" for i in range(width)], -1
    else:
        head = [cell.strip(DIRT) for cell in _trimmed(top[at])]
    head = _unique(head)
    width = len(head)
    if width < 2:
        return None
    kept: list[list[str]] = []
    numbers: list[int] = []
    spoiled: list[tuple[Problem, list[str]]] = []
    chunks: list[list[Any]] = []

    def flush() -> None:
        if kept:
            chunks.append([pa.array(column, pa.string()) for column in zip(*kept, strict=True)])
            kept.clear()

    for number, row in enumerate(itertools.chain(top, iterator), 1):
        if number <= at + 1 or not row or row[0].startswith("#") or not any(cell.strip(DIRT) for cell in row):
            continue
        if len(row) > width:
            extra = [cell for cell in row[width:] if cell.strip(DIRT)]
            if extra:
                problem = Problem(
                    number, "", _shown(row), TOO_MANY_CELLS.fill(n=len(row) - width), TOO_MANY_CELLS_HINT
                )
                spoiled.append((problem, row))
                continue
            row = row[:width]
        elif len(row) < width:
            row = row + [""] * (width - len(row))
        kept.append(row)
        numbers.append(number)
        if len(kept) >= 50_000:
            flush()
    flush()
    columns = [pa.chunked_array([chunk[i] for chunk in chunks], pa.string()) for i in range(width)]
    rows = pa.array(numbers, pa.int32())
    return _sheet(file, title, at + 1, head, columns, rows, spoiled, since_1904)


def _shown(row: list[str]) -> str:
    """A line as a person would recognise it, not too long."""
    return " | ".join(cell.strip(DIRT) for cell in row)[:120]


def _sheet(
    file: str, title: str, header_row: int, head: list[str], columns: list[Any], rows: Any,
    spoiled: list[tuple[Problem, list[str]]] | None = None, since_1904: bool = False,
) -> Sheet:  # fmt: skip
    return Sheet(
        file, title, header_row, head, pa.table(columns, names=head), rows, spoiled or [], since_1904
    )


def _trimmed(row: list[str]) -> list[str]:
    end = len(row)
    while end and not row[end - 1].strip(DIRT):
        end -= 1
    return row[:end]


def _unique(head: list[str]) -> list[str]:
    """Headers with the second of a name called `name (2)`, and nameless ones by their place."""
    taken: set[str] = set()
    result = []
    for place, name in enumerate(head, 1):
        name = name or f"列{place}"
        candidate, n = name, 2
        while candidate in taken:
            candidate, n = f"{name} ({n})", n + 1
        taken.add(candidate)
        result.append(candidate)
    return result


def _header_at(top: list[list[str]], names: frozenset[str]) -> int | None:
    """Which of the first lines names the columns; None if the data begin at once.

    Titles and filters above the headers have one or two cells; the line with the most names that any till
    uses wins, and only a line without numbers and dates can be one of names nobody knows.
    """
    best, best_score = None, 0
    widest = max((len(_filled(row)) for row in top), default=0)
    for index, row in enumerate(top[:_HEADER_WITHIN]):
        if row and row[0].startswith("#"):
            continue
        filled = _filled(row)
        if len(filled) < 2 or total(filled[0]):
            continue
        score = sum(2 if plain(cell) in names else known(cell) for cell in filled)
        if score > best_score and score >= min(2, widest):
            best, best_score = index, score
    if best is not None:
        return best
    for index, row in enumerate(top[:_HEADER_WITHIN]):
        filled = _filled(row)
        if len(filled) < 2 or len(filled) < widest * 0.6 or (row and row[0].startswith("#")):
            continue
        if _is_data(row):
            return None
        if len(set(filled)) == len(filled):
            return index
    return None


def _filled(row: Iterable[str]) -> list[str]:
    return [cell.strip(DIRT) for cell in row if cell.strip(DIRT) not in NOTHING]


def _is_data(row: Iterable[str]) -> bool:
    """Whether a line holds values, not names: a date, or a number."""
    return any(looks_dated(cell) or fen(cell) is not None for cell in _filled(row))
