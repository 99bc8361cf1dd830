"""Cells as people and programs write them: invisible characters off, words that mean "nothing" away.

Works on whole columns of text (Arrow), because a till's export has a million cells and few kinds of dirt.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# WeChat puts a backtick before every value, Alipay pads with tabs, Excel hides an apostrophe before text,
# web pages leave non-breaking, full-width and zero-width spaces.
DIRT = " \t\r\n`'\u00a0\u3000\u200b\ufeff"

# What tills and databases write into a cell that holds nothing.
NOTHING = frozenset(
    {
        "", "-", "--", "---", "—", "——", "/", "\\", "\\N", "无", "暂无", "空", "未填写", "未知",
        "NULL", "null", "Null", "(null)", "NA", "N/A", "n/a", "#N/A", "None", "none", "nan", "NaN", "NaT", "nil",
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
    column = pc.utf8_trim(column, characters=DIRT)
    if any_true(pc.starts_with(column, '="')):
        column = pc.replace_substring_regex(column, pattern=r'^="(.*)"$', replacement=r"\1")
    short = pc.less_equal(pc.binary_length(column), _LONGEST_NOTHING)
    if any_true(short):
        # Only short cells can be one of the words; looking each up costs more than measuring all.
        empty = pc.and_(short, pc.is_in(column, value_set=pa.array(sorted(NOTHING))))
        if any_true(empty):
            column = pc.if_else(empty, pa.scalar(None, pa.string()), column)
    return column


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
    """Work on each different value once, then spread the answers over the column: `parse(text) -> value | None`.

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
