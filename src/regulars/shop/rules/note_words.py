"""Under which words a note is found: whole words of Latin text and numbers, single characters and pairs of Chinese."""

from __future__ import annotations

import re
import unicodedata

_RUNS = re.compile(
    r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+|[^\W_\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")

LONGEST = 40
"""Characters of a word that count: beyond that nobody types."""


def folded(text: str) -> str:
    """A text as it is compared: full and half width, capitals and small letters are the same.

    >>> folded("Ａllergic 花生")
    'allergic 花生'
    """
    return unicodedata.normalize("NFKC", text).casefold()


def words_of(text: str) -> set[str]:
    """All words under which a note is found.

    >>> sorted(words_of("花生过敏, no MSG"))
    ['msg', 'no', '敏', '生', '生过', '花', '花生', '过', '过敏']
    """
    found: set[str] = set()
    for run in _RUNS.findall(folded(text)):
        if _CHINESE.match(run):
            found.update(run)
            found.update(run[k : k + 2] for k in range(len(run) - 1))
        else:
            found.add(run[:LONGEST])
    return found


def words_asked(text: str) -> set[str]:
    """The words that a note must have to answer a question: pairs where there are two characters, else the character.
    Whether it truly says so only its text tells.

    >>> sorted(words_asked("花生过敏 MSG")), words_asked("辣"), words_asked("…")
    (['msg', '生过', '花生', '过敏'], {'辣'}, set())
    """
    found: set[str] = set()
    for run in _RUNS.findall(folded(text)):
        if not _CHINESE.match(run):
            found.add(run[:LONGEST])
        elif len(run) == 1:
            found.add(run)
        else:
            found.update(run[k : k + 2] for k in range(len(run) - 1))
    return found


def says(text: str, asked: str) -> bool:
    """Whether a note says what was asked, each part of the question anywhere.

    >>> says("对花生过敏，不吃辣", "花生 辣"), says("生花", "花生"), says("no MSG", "ms")
    (True, False, False)
    """
    here, words = folded(text), words_of(text)
    parts = _RUNS.findall(folded(asked))
    return bool(parts) and all(
        part in here if _CHINESE.match(part) else part[:LONGEST] in words for part in parts
    )
