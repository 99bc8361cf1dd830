"""Amounts as they are written, into whole fen."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.sales.rules.cells import by_value, clean, clean_cell, holds_beyond_digits, narrow

_SIGN_WORDS = {"￥": "CNY", "¥": "CNY", "RMB": "CNY", "CNY": "CNY", "人民币": "CNY", "HK$": "HKD",
               "HKD": "HKD",
               "NT$": "TWD", "US$": "USD", "USD": "USD", "$": "USD", "€": "EUR", "EUR": "EUR", "£": "GBP",
               "GBP": "GBP"}  # fmt: skip
_SIGN = re.compile("|".join(re.escape(w) for w in sorted(_SIGN_WORDS, key=len, reverse=True)), re.IGNORECASE)
_THOUSANDS = re.compile(r"^\d{1,3}(,\d{3})+(\.\d+)?$")
_CONTINENTAL = re.compile(r"^(\d{1,3}(\.\d{3})+|\d+),\d{1,2}$")
_PLAIN = re.compile(r"^(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$")


def fen(text: str) -> int | None:
    """An amount in whole fen, exact; None when it is not an amount (万 is a word, not a number).

    More than two decimals (a spreadsheet's 145.79999999999998) are rounded half up, away from zero.

    >>> fen("￥1,234.50"), fen("(123.00)"), fen("－１２．５元"), fen("1.2万")
    (123450, -12300, -1250, None)
    """
    cleaned = clean_cell(narrow(text))
    if cleaned is None:
        return None
    text = _SIGN.sub("", cleaned)
    negative = False
    if text.startswith("(") and text.endswith(")"):
        negative, text = True, text[1:-1]
    text = text.replace(" ", "").replace("−", "-").removesuffix("元").removesuffix("圆")
    if text[:1] in "+-" and text:
        negative ^= text[0] == "-"
        text = text[1:]
    if _THOUSANDS.match(text):
        text = text.replace(",", "")
    elif _CONTINENTAL.match(text):
        text = text.replace(".", "").replace(",", ".")
    if not _PLAIN.match(text):
        return None
    try:
        amount = int((Decimal(text) * 100).quantize(Decimal(1), ROUND_HALF_UP))
    except InvalidOperation:
        return None
    if amount > 10**15:  # ten thousand billion: a card number in the amount column, not money
        return None
    return -amount if negative else amount


def fens(column: Any) -> Any:
    """A column of amounts in whole fen, as `fen` reads each; null where empty or not an amount."""
    try:
        numbers = column.cast(pa.float64())
    except pa.ArrowInvalid:
        column = clean(column)
        try:
            numbers = column.cast(pa.float64())
        except pa.ArrowInvalid:
            return by_value(column, fen, pa.int64())
    # A binary float of two decimals lands next to a whole number of fen; what does not has more decimals (or
    # is beyond what a float can tell) and is worth exact decimals.
    empty = np.asarray(pc.is_null(numbers)) if numbers.null_count else None
    hundredfold = np.asarray(pc.fill_null(numbers, 0.0)) * 100.0
    whole = np.rint(hundredfold)
    with np.errstate(invalid="ignore"):  # infinity is no amount either
        sure = (np.abs(hundredfold - whole) < 1e-4) & (np.abs(hundredfold) < 1e10)
    if sure.all():
        return pa.array(whole.astype(np.int64), mask=empty)
    fast = pa.array(np.where(sure, whole, 0).astype(np.int64), mask=empty)
    sure = pa.array(sure, mask=empty)
    unsure = pc.if_else(pc.fill_null(pc.invert(sure), False), column, pa.scalar(None, pa.string()))
    exact = by_value(unsure, fen, pa.int64())
    return pc.if_else(sure, fast, exact)


def thousandths(column: Any) -> Any:
    """A column of quantities in whole thousandths (1.5 jin is 1500); null where it is not a number."""

    def parse(text: str) -> int | None:
        digits = re.match(r"^([+-]?[\d,]+(?:\.\d+)?)\s*[^\d.]*$", narrow(text))
        return int((Decimal(digits[1].replace(",", "")) * 1000).to_integral_value()) if digits else None

    return by_value(column, parse, pa.int64())


def times(quantity: Any, price: Any) -> Any:
    """Quantity (thousandths) times price (fen), in fen, half up: the amount of a line that only gives
    both."""
    q = quantity.to_numpy(zero_copy_only=False).astype(np.float64)
    p = price.to_numpy(zero_copy_only=False).astype(np.float64)
    product = q * p / 1000
    known = ~np.isnan(product)
    rounded = np.where(known, np.sign(product) * np.floor(np.abs(product) + 0.5), 0).astype(np.int64)
    return pa.array(rounded, pa.int64(), mask=~known)


def currency(text: str) -> str | None:
    """The currency an amount names, if it names one.

    >>> currency("HK$120"), currency("￥5"), currency("5")
    ('HKD', 'CNY', None)
    """
    found = _SIGN.search(narrow(text)) or _SIGN.search(text)
    return _SIGN_WORDS[found[0].upper()] if found else None


def currencies(column: Any) -> Any | None:
    """The currency each amount of a column names; None when none of them names any."""
    if not holds_beyond_digits(column):
        return None
    found = by_value(column, currency, pa.string())
    return found if found.null_count < len(found) else None
