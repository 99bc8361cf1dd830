"""Which phone numbers name a person, and in which one form.

Chinese numbers are kept as shops write them (11 digits, landlines with their area code), foreign ones with
`+` and country. A masked number, a delivery platform's virtual number and a cashier's made-up number never
name a person.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np
import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

from regulars.sales.rules.cells import by_value, narrow

# Typed in by cashiers to get past a required field. 13800138000 is China Mobile's own service number; eight equal
# digits (13888888888) are worth a fortune and are typed in every day.
_PLACEHOLDER = re.compile(r"^(13800138000|1(\d)\2{9}|1\d\d(\d)\3{7}|1\d\d12345678|(\d)\4{10}|123456789\d\d)$")
_MASKED = re.compile(r"[*＊•xX×]{2,}")
_VIRTUAL = re.compile(
    r"^\+?[\d\s-]{11,}\s*(_|转|,|，|#|ext\.?|x)\s*\d{2,6}$|^1\d{10}-\d{2,6}$", re.IGNORECASE
)
_MOBILE_DIGITS = 11
_PREFIX_DIGITS = 5  # what decides whether a Chinese mobile number has been handed out


def phone(text: str) -> str | None:
    """The number that names a person, in one form; None when it names nobody.

    >>> phone("+86 139-1234-5679"), phone("0086 13912345679"), phone("+44 20 7946 0958")
    ('13912345679', '13912345679', '+442079460958')
    >>> [phone(p) for p in ("137****3386", "17531103964_6603", "13800138000", "12345678901")]
    [None, None, None, None]
    """
    text = narrow(text).strip(" '`\t").removesuffix(".0")
    if _MASKED.search(text) or _VIRTUAL.match(text):
        return None
    compact = re.sub(r"[\s()\-.]", "", text)
    if not re.fullmatch(r"\+?\d{5,16}", compact):
        return None
    if re.fullmatch(r"(\+?86|0086)1\d{10}", compact):
        compact = compact[-11:]
    elif compact.startswith("00"):
        compact = "+" + compact[2:]
    if _PLACEHOLDER.match(compact):
        return None
    if len(compact) == 11 and compact.startswith("1"):
        return compact if _mobile_prefix(compact[:_PREFIX_DIGITS]) else None
    try:
        number = phonenumbers.parse(compact, "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    if number.country_code == 86:
        kind = phonenumbers.number_type(number)
        if kind == phonenumbers.PhoneNumberType.MOBILE:
            return str(number.national_number)
        # A landline without its area code, or a number that happens to be as long as one, names nobody.
        return "0" + str(number.national_number) if compact.startswith(("0", "+86")) else None
    if not compact.startswith("+"):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=65536)
def _mobile_prefix(prefix: str) -> bool:
    number = phonenumbers.PhoneNumber(country_code=86, national_number=int(prefix.ljust(11, "1")))
    return bool(phonenumbers.is_valid_number(number))


def phones(column: Any) -> Any:
    """A column of phone numbers, each as `phone` reads it.

    >>> phones(pa.array(["13912345679", "+86 13912345679", "137****3386", None])).to_pylist()
    ['13912345679', '13912345679', None, None]
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks else pa.array([], pa.string())
    plain, usable = _plain_mobiles(column)
    if not (plain | pc.is_null(column).to_numpy(zero_copy_only=False)).all():
        rest = pc.if_else(pa.array(plain), pa.scalar(None, pa.string()), column)
        return pc.if_else(pa.array(usable), column, by_value(rest, phone, pa.string()))
    if (usable == plain).all():
        return column
    return pc.if_else(pa.array(usable), column, pa.scalar(None, pa.string()))


def masked(column: Any) -> Any:
    """The cells of a column of phones that are masked, or None where none is. They name nobody, but whoever compares two
    files of one person may look at what they show.

    >>> masked(pa.array(["13912345679", "137****3386", None])).to_pylist(), masked(pa.array(["13912345679"]))
    ([None, '137****3386', None], None)
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks else pa.array([], pa.string())
    found = pc.fill_null(pc.match_substring_regex(column, _MASKED.pattern), False)
    if not pc.any(found).as_py():
        return None
    return pc.if_else(found, column, pa.scalar(None, pa.string()))


def _plain_mobiles(column: Any) -> tuple[Any, Any]:
    """Which cells are eleven digits of a mobile number, and which of these name somebody; by arithmetic,
    since a column of a million numbers has a million different ones."""
    n = len(column)
    plain, usable = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    _, offsets, data = column.buffers()
    if data is None or not n:
        return plain, usable
    bounds = np.frombuffer(offsets, dtype=np.int32)[column.offset : column.offset + n + 1]
    lengths = np.diff(bounds)
    try:
        # The usual column: nothing but eleven digits. The engine's own parser is ten times faster than ours.
        number = column.cast(pa.int64()).drop_null().to_numpy()
        rows = (
            np.flatnonzero(column.is_valid()) if column.null_count else np.arange(n)
        )  # a null may keep its bytes
        digits = lengths[rows] == _MOBILE_DIGITS
    except pa.ArrowInvalid:
        rows = np.flatnonzero(lengths == _MOBILE_DIGITS)
        number, digits = _digits(np.frombuffer(data, dtype=np.uint8), bounds[rows])
    digits &= (number >= 13_000_000_000) & (number < 20_000_000_000)
    rows, number = rows[digits], number[digits]
    prefix = number // 10 ** (_MOBILE_DIGITS - _PREFIX_DIGITS)
    assigned = np.zeros(10**_PREFIX_DIGITS, dtype=bool)
    for seen in np.flatnonzero(np.bincount(prefix, minlength=1)):
        assigned[seen] = _mobile_prefix(str(seen))
    tail = number % 10**8
    same = number % 10**10
    made_up = (tail % 11_111_111 == 0) | (tail == 12_345_678) | (number == 13_800_138_000)
    made_up |= (same % 1_111_111_111 == 0) & (same > 0)
    plain[rows] = True
    usable[rows] = assigned[prefix] & ~made_up
    return plain, usable


def _digits(characters: Any, starts: Any) -> tuple[Any, Any]:
    """The eleven characters from each start as a number, and whether all of them are digits."""
    number = np.zeros(len(starts), dtype=np.int64)
    digits = np.ones(len(starts), dtype=bool)
    for place in range(_MOBILE_DIGITS):
        digit = characters[starts + place] - np.uint8(48)  # below "0" wraps round to beyond 9
        digits &= digit <= 9
        number = number * 10 + digit
    return number, digits
