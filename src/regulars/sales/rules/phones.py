"""Which phone numbers name a person, and in which one form.

Chinese numbers are kept as shops write them (11 digits, landlines with their area code), foreign ones with
`+` and country. A masked number, a delivery platform's virtual number and a cashier's made-up number never
name a person.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

from regulars.sales.rules.cells import any_true, by_value, narrow

# Typed in by cashiers to get past a required field. 13800138000 is China Mobile's own service number.
_PLACEHOLDER = re.compile(r"^(13800138000|1(\d)\2{9}|1\d\d0{8}|1\d\d12345678|(\d)\3{10}|123456789\d\d)$")
_PLACEHOLDER_CELLS = (
    r"^(13800138000|1(3{10}|4{10}|5{10}|6{10}|7{10}|8{10}|9{10})|1[0-9][0-9]0{8}|1[0-9][0-9]12345678)$"
)
_MASKED = re.compile(r"[*＊•xX×]{2,}")
_VIRTUAL = re.compile(
    r"^\+?[\d\s-]{11,}\s*(_|转|,|，|#|ext\.?|x)\s*\d{2,6}$|^1\d{10}-\d{2,6}$", re.IGNORECASE
)
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
    plain = pc.fill_null(pc.match_substring_regex(column, "^1[3-9][0-9]{9}$"), False)
    if not pc.all(pc.or_(plain, pc.is_null(column))).as_py():
        return by_value(column, phone, pa.string())
    prefixes = pc.unique(pc.utf8_slice_codeunits(column, 0, _PREFIX_DIGITS))
    unknown = [p for p in prefixes.to_pylist() if p is not None and not _mobile_prefix(p)]
    nobody = pc.match_substring_regex(column, _PLACEHOLDER_CELLS)
    for prefix in unknown:
        nobody = pc.or_(nobody, pc.starts_with(column, prefix))
    return pc.if_else(nobody, pa.scalar(None, pa.string()), column) if any_true(nobody) else column
