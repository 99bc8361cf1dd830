"""What a file lacks, and what to ask next: unknown or grown old, the most useful first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from regulars.customers.rules.sheet import Field

LEFT_ALONE_DAYS = 180
"""Who would rather not say is not asked the same again for half a year."""

Why = Literal["grade", "care", "sheet"]
RANK: dict[Why, int] = {"grade": 0, "care": 1, "sheet": 2}


@dataclass(frozen=True)
class Said:
    """The latest word on a field: what, and on which day. `declined`: she would rather not say."""

    value: str = ""
    on: date | None = None
    declined_on: date | None = None


@dataclass(frozen=True)
class Lack:
    """A field that is not known, or that was said too long ago."""

    field: Field
    why: Why
    was: str = ""
    since: date | None = None

    @property
    def is_stale(self) -> bool:
        return bool(self.was)


@dataclass(frozen=True)
class Completeness:
    """How full a file is: known of wanted, and what is lacking."""

    known: int
    wanted: int
    lacks: tuple[Lack, ...] = ()

    def next_question(self) -> Lack | None:
        """The one thing to ask at the next visit."""
        return next((lack for lack in self.lacks if lack.field.ask is not None), None)


def is_stale(one: Field, said: Said, on: date) -> bool:
    """Whether what was said is too old to rely on.

    >>> from regulars.customers.rules.sheet import SHEET
    >>> taste = next(f for f in SHEET if f.key == "taste")
    >>> is_stale(taste, Said("hot", date(2025, 1, 1)), date(2026, 1, 1)), is_stale(taste, Said("hot", date(2025, 1, 1)), date(2026, 1, 2))
    (False, True)
    """
    if not said.value or one.stale_after_days is None or said.on is None:
        return False
    return (on - said.on).days > one.stale_after_days


def completeness(
    fields: Iterable[Field], said: Mapping[str, Said], on: date, *, trade: str, is_company: bool,
    for_grade: frozenset[str] = frozenset(), for_care: frozenset[str] = frozenset(),
) -> Completeness:  # fmt: skip
    """How full a file is for this trade and these playbooks.

    Wanted is what a grade asks for, what a care rule asks for, and what the trade itself likes to know. Who has said
    within half a year that she would rather not say counts as answered.

    >>> from regulars.customers.rules.sheet import SHEET
    >>> fresh = completeness(SHEET, {}, date(2026, 1, 1), trade="hotpot", is_company=False, for_care=frozenset({"seat"}))
    >>> fresh.next_question().field.key, fresh.known
    ('seat', 0)
    >>> told = {"seat": Said("window", date(2025, 12, 1)), "allergies": Said(declined_on=date(2025, 12, 1))}
    >>> later = completeness(SHEET, told, date(2026, 1, 1), trade="hotpot", is_company=False, for_care=frozenset({"seat"}))
    >>> later.known, later.wanted == fresh.wanted, "allergies" in {lack.field.key for lack in later.lacks}
    (2, True, False)
    """
    known, wanted = 0, 0
    lacks: list[tuple[int, int, Lack]] = []
    for place, one in enumerate(fields):
        if not one.is_for(is_company=is_company):
            continue
        why: Why | None = (
            "grade"
            if one.key in for_grade
            else "care"
            if one.key in for_care
            else "sheet"
            if one.is_usual_in(trade)
            else None
        )
        if why is None:
            continue
        wanted += 1
        word = said.get(one.key, Said())
        stale = is_stale(one, word, on)
        left_alone = word.declined_on is not None and on - word.declined_on <= timedelta(LEFT_ALONE_DAYS)
        if (word.value and not stale) or left_alone:
            known += 1
            continue
        urgent = -1 if one.key == "allergies" and why == "sheet" else place
        lacks.append((RANK[why], urgent, Lack(one, why, word.value, word.on)))
    return Completeness(known, wanted, tuple(lack for _, _, lack in sorted(lacks, key=lambda row: row[:2])))
