"""The code that a member's phone shows at the counter: her number and a sign that holds for two minutes.

The number alone stands on old receipts and proves nothing; the sign proves that whoever shows it has her page open now.
Nothing is written down for it, so a page may renew it as often as it likes.
"""

from __future__ import annotations

import hmac
import unicodedata
from datetime import datetime

from regulars.membership.models import Member
from regulars.membership.rules.numbers import is_sound
from regulars.shop.keys import Keys, Master, keys

STEP = 60
"""Seconds after which a page shows another sign."""

HOLDS_FOR = 2
"""Whole steps that a sign holds after its own: two minutes to be read and typed, three at most."""

DIGITS = 6


def pass_for(member: Member, now: datetime) -> str:
    """What her page shows: her number and the sign behind it, digits only, for a bar code or a QR code."""
    return member.number + _sign(keys().masters[0], member.number, _step(now))


def member_of_pass(text: str, now: datetime) -> Member | None:
    """Whose pass this is, as scanned or typed (spaces and dashes are no matter); None where it is none, its time is over
    or she has left. While the key of the shop is being changed, signs by the old one hold too."""
    typed = "".join(c for c in unicodedata.normalize("NFKC", text[:64]) if c not in " -·")
    number, sign = typed[:-DIGITS], typed[-DIGITS:]
    if not is_sound(number) or not (sign.isascii() and sign.isdigit()):
        return None
    step = _step(now)
    fitting = [
        hmac.compare_digest(sign, _sign(master, number, step - ago))
        for master in keys().masters
        for ago in range(HOLDS_FOR + 1)
    ]
    if not any(fitting):
        return None
    return (
        Member.objects.select_related("customer__merged_into")
        .filter(number=number, left_on=None, customer__is_gone=False)
        .first()
    )


def _step(now: datetime) -> int:
    return int(now.timestamp()) // STEP


def _sign(master: Master, number: str, step: int) -> str:
    made = hmac.digest(Keys([master]).derived("pass"), f"{number}\0{step}".encode(), "sha256")
    return f"{int.from_bytes(made[:8]) % 10**DIGITS:0{DIGITS}}"
