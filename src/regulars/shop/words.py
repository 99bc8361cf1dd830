"""What people read: every sentence in Chinese and English, side by side."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """One sentence in both languages; the place where it is written is the place where it is translated.

    >>> Words("还有 {n} 位", "{n} more").fill(n=3).say("en")
    '3 more'
    """

    zh: str
    en: str

    def say(self, lang: str) -> str:
        """The sentence in one language; anything but "en" reads Chinese, the language of the house."""
        return self.en if lang.startswith("en") else self.zh

    def fill(self, **values: object) -> Words:
        """Put values into the {places} of both sentences; a value that is itself Words speaks each language."""
        zh = {k: v.zh if isinstance(v, Words) else v for k, v in values.items()}
        en = {k: v.en if isinstance(v, Words) else v for k, v in values.items()}
        return Words(self.zh.format(**zh), self.en.format(**en))

    def __str__(self) -> str:
        return self.zh


class Problem(NamedTuple):
    """One cell that could not be taken in: where it stands, why not, and what to do about it."""

    row: int | None
    column: str
    value: str
    reason: Words
    hint: Words

    def record(self, lang: str) -> dict[str, object]:
        """The problem as the contract's JSON shape, in one language."""
        return {
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "reason": self.reason.say(lang),
            "hint": self.hint.say(lang),
        }


class Refused(Exception):
    """The input can't serve. Carries the sentence for the person who gave it (the CLI ends with 3)."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words
