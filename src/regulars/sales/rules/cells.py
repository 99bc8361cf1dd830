"""Cells as people and programs write them: invisible characters off, words that mean "nothing" away.

Works on whole columns of text (Arrow), because a till's export has a million cells and few kinds of dirt.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# WeChat puts a backtick before every value, Alipay pads with tabs, Excel hides an apostrophe before text,
# web pages leave non-breaking, full-width and zero-width spaces.
DIRT = " \t\r\n`'\u00a0\u3000\u200b\ufeff"

# What tills and databases write into a cell that holds nothing.
NOTHING = frozenset(
    {
        "", "-", "--", "---", "—", "——", "/", "\\", "\\N", "无", "暂无", "空", "未填写", "未知",
        "NULL", "null", "Null", "(null)", "NA", "N/A", "n/a", "#N/A", "None", "none", "nan", "NaN",
        "NaT", "nil",
    }
)  # fmt: skip
_LONGEST_NOTHING = max(len(word.encode()) for word in NOTHING)


def clean_cell(text: str) -> str | None:
    """One cell without dirt; None when it says nothing.

    >>> clean_cell("`4200001\\t")
    '4200001'
    >>> clean_cell("--") is None
    True
    """
    text = text.strip(DIRT)
    if text.startswith('="') and text.endswith('"'):  # Excel's way to keep leading zeros
        text = text[2:-1].strip(DIRT)
    return None if text in NOTHING else text


def clean(column: Any) -> Any:
    """A whole column of text as `clean_cell` would leave it; empty cells become null.

    >>> clean(pa.array(["`a\\t", " -- ", '="007"', None])).to_pylist()
    ['a', None, '007', None]
    """
    if column.null_count == len(column):
        return column
    dirty, short = _suspects(column)
    if dirty:
        column = pc.utf8_trim(column, characters=DIRT)
        if holds(column, "=") and any_true(pc.starts_with(column, '="')):
            column = pc.replace_substring_regex(column, pattern=r'^="(.*)"$', replacement=r"\1")
    if dirty or short:
        empty = pc.is_in(column, value_set=_NOTHING)
        if any_true(empty):
            column = pc.if_else(empty, pa.scalar(None, pa.string()), column)
    return column


_NOTHING = pa.array(sorted(NOTHING))


def _bytes_of(texts: Any, place: int) -> Any:
    """Which bytes (a table of 256) begin (0) or end (-1) one of these texts."""
    table = np.zeros(256, dtype=bool)
    for text in texts:
        if text:
            table[text.encode()[place]] = True
    return table


_DIRT_BEGINS, _DIRT_ENDS = _bytes_of(DIRT + "=", 0), _bytes_of(DIRT, -1)
_NOTHING_BEGINS = _bytes_of(NOTHING, 0)


def _suspects(column: Any) -> tuple[bool, bool]:
    """Whether any cell may have dirt at its ends, and whether any may be a word for nothing.

    Looks at the first and last byte of each cell only: a tenth of the cost of stripping what needs no
    stripping.
    """
    dirty = short = False
    for data, starts, ends in _pieces(column):
        filled = ends > starts
        if not filled.all():
            short = True
            starts, ends = starts[filled], ends[filled]
        if not len(starts):
            continue
        first, last = data[starts], data[ends - 1]
        dirty = dirty or bool(_DIRT_BEGINS[first].any() or _DIRT_ENDS[last].any())
        short = short or bool((_NOTHING_BEGINS[first] & (ends - starts <= _LONGEST_NOTHING)).any())
        if dirty:
            break
    return dirty, short


def _pieces(column: Any) -> Iterator[tuple[Any, Any, Any]]:
    """The bytes of a text column, piece by piece, with where each cell starts and ends."""
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        if not len(chunk):
            continue
        _, offsets, data = chunk.buffers()
        if data is None:
            continue
        bounds = np.frombuffer(offsets, dtype=np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        yield np.frombuffer(data, dtype=np.uint8), bounds[:-1], bounds[1:]


class Among:
    """A short list of words that a column of a million cells is searched for, mostly in vain.

    >>> Among(["合计", "total"]).rows(pa.array(["T1", "合计", None])).tolist()
    [False, True, False]
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words = pa.array(sorted(words), pa.string())
        self._begins = _bytes_of(self.words.to_pylist(), 0)
        self._longest = max(len(word.encode()) for word in self.words.to_pylist())

    def rows(self, column: Any) -> Any | None:
        """Which rows (a NumPy mask) hold one of the words; None if none does. Cells are looked up only where
        some cell begins like a word and is short enough to be one."""
        for data, starts, ends in _pieces(column):
            filled = ends > starts
            likely = self._begins[data[starts[filled]]] & ((ends - starts)[filled] <= self._longest)
            if likely.any():
                found = np.asarray(pc.is_in(column, value_set=self.words))
                return found if found.any() else None
        return None


def holds_text(column: Any, words: Sequence[str]) -> bool:
    """Whether any cell may hold one of these words; the bytes of the whole column are searched at once."""
    wide = [word.encode() for word in words if not word.isascii()]
    plain_ = [word.encode() for word in words if word.isascii()]
    for data, starts, ends in _pieces(column):
        piece = data[starts[0] : ends[-1]]
        if not len(piece):
            continue
        text = memoryview(piece).tobytes()
        if any(word in text for word in ([*wide, *plain_] if piece.max() > 127 else plain_)):
            return True
    return False


def holds(column: Any, sign: str) -> bool:
    """Whether any cell holds this (plain) sign: asked before a search that would read every cell."""
    code = ord(sign)
    return any((data[starts[0] : ends[-1]] == code).any() for data, starts, ends in _pieces(column))


def holds_beyond_digits(column: Any) -> bool:
    """Whether any cell holds a letter or a sign of money, so that a column of amounts may name a currency."""
    for data, starts, ends in _pieces(column):
        piece = data[starts[0] : ends[-1]]
        if ((piece > ord("9")) | (piece == ord("$"))).any():
            return True
    return False


def any_true(mask: Any) -> bool:
    """Whether a column of yes and no holds a single yes; empty and null count as no."""
    return bool(pc.any(mask).as_py())


def narrow(text: str) -> str:
    """Full-width letters, digits and signs as the plain ones.

    >>> narrow("１３８（元）")
    '138(元)'
    """
    return unicodedata.normalize("NFKC", text)


def by_value(column: Any, parse: Callable[[str], Any], type_: pa.DataType) -> Any:
    """Work on each different value once, then spread the answers over the column: `parse(text) -> value |
    None`.

    Empty cells stay null and are never asked about.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.string())
    encoded = column.dictionary_encode()
    answers = pa.array([parse(text) for text in encoded.dictionary.to_pylist()], type_)
    return answers.take(encoded.indices)


def rows_where(column: Any, says: Callable[[str], bool]) -> Any:
    """Which rows (a NumPy mask) hold a value of which `says(text)` is true; empty cells never do."""
    return pc.fill_null(by_value(column, says, pa.bool_()), False).to_numpy(zero_copy_only=False)
