"""Money: integers of fen inside, yuan with two decimals in speech and files."""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal

FEN = 100

_WRITTEN = re.compile(r"[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?|[-+]?\.\d+", re.ASCII)


def fen(yuan: Decimal | int | str) -> int:
    """Yuan to whole fen, half up.

    >>> fen("1234.5"), fen(Decimal("-0.005"))
    (123450, -1)
    """
    return int((Decimal(yuan) * FEN).quantize(Decimal(1), ROUND_HALF_UP))


def written(text: str) -> Decimal | None:
    """The number or amount that a person wrote; None where it is none, as where a comma stands for a point or for nothing.

    >>> written("￥1,234.5"), written(" ８８元 "), written("5,5"), written("1e3"), written("")
    (Decimal('1234.5'), Decimal('88'), None, None, None)
    """
    plain = unicodedata.normalize("NFKC", text).strip().lstrip("¥").removesuffix("元").strip()
    return Decimal(plain.replace(",", "")) if _WRITTEN.fullmatch(plain) else None


def yuan(amount: int) -> Decimal:
    """Fen to yuan with two decimals.

    >>> yuan(123450)
    Decimal('1234.50')
    """
    return Decimal(amount).scaleb(-2).quantize(Decimal("0.01"))


def say_money(amount: int | None, lang: str = "zh", short: bool = False) -> str:
    """Money as a person reads it; long Chinese sums in 万 when `short`.

    >>> say_money(123450), say_money(123_456_700, short=True), say_money(-500, "en")
    ('¥1,234.50', '¥123.5万', '-¥5')
    """
    if amount is None:
        return "—"
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    if short and not lang.startswith("en") and amount >= 10_000 * FEN:
        return f"{sign}¥{amount / FEN / 10_000:,.1f}".removesuffix(".0") + "万"
    if short and amount >= 100 * FEN:
        return f"{sign}¥{amount / FEN:,.0f}"
    return f"{sign}¥{yuan(amount):,.2f}".removesuffix(".00")
