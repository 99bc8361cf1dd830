"""Numbers on cards and codes on coupons: read aloud without mistakes, typed without slips, never guessed."""

from __future__ import annotations

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, O, 1 and I."""


def with_check_digit(number: int) -> str:
    """The number with its Luhn digit behind it, which shows a wrong digit and most swapped ones.

    >>> with_check_digit(7992739871)
    '79927398713'
    """
    return f"{number}{_luhn(str(number))}"


def is_sound(number: str) -> bool:
    """Whether the last digit belongs to the others.

    >>> is_sound("79927398713"), is_sound("79927398731"), is_sound("")
    (True, False, False)
    """
    return number.isascii() and number.isdigit() and len(number) > 1 and number[-1] == str(_luhn(number[:-1]))


def _luhn(digits: str) -> int:
    total = 0
    for n, sign in enumerate(reversed(digits)):
        digit = int(sign) * (1 if n % 2 else 2)
        total += digit - 9 if digit > 9 else digit
    return -total % 10


def as_typed(code: str) -> str:
    """A code as somebody types it: small letters, spaces and dashes are no matter, and 0, 1, I and O are taken for
    what they were meant to be.

    >>> as_typed("ab-2k lmn0p1"), as_typed("ＡＢ２")
    ('AB2KLMNQPL', 'AB2')
    """
    import unicodedata

    plain = unicodedata.normalize("NFKC", code).upper()
    swapped = plain.translate(str.maketrans("0O1I", "QQLL"))
    return "".join(c for c in swapped if c in ALPHABET)


def in_groups(code: str) -> str:
    """A code as it is shown and read aloud: four signs at a time.

    >>> in_groups("AB23CD45EF67"), as_typed(in_groups("AB23CD45EF67"))
    ('AB23-CD45-EF67', 'AB23CD45EF67')
    """
    return "-".join(code[n : n + 4] for n in range(0, len(code), 4))
