"""What is wrong with a playbook, on which line, and the nearest right word.

Whoever changes a playbook is a shop owner with a text editor: every mistake is told as a sentence in her own
language, with file and line, never as a stack trace.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from regulars.playbooks.conditions import Wrong
from regulars.shop.words import Refused, Words

Place = tuple[str | int, ...]


class PlaybookProblem(NamedTuple):
    """One thing that is wrong: where it stands and what to do about it. `line` is None for the whole file."""

    file: str
    line: int | None
    words: Words

    def say(self, lang: str) -> str:
        """The problem as one line, place first, the way editors and terminals link it.

        >>> PlaybookProblem("mine.toml", 7, Words("少了 because", "because is missing")).say("en")
        'mine.toml:7: because is missing'
        """
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.words.say(lang)}"


class BadPlaybook(Refused):
    """A playbook that can't be used. `problems` holds everything that is wrong with it, in file order."""

    def __init__(self, problems: Iterable[PlaybookProblem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line or 0)))
        told = [(p.say("zh"), p.say("en")) for p in self.problems]
        super().__init__(Words("\n".join(zh for zh, _ in told), "\n".join(en for _, en in told)))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The word that was probably meant.

    >>> nearest("restaurnat", ["hotpot", "restaurant"])
    'restaurant'
    """
    found = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.5)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str], zh: str, en: str) -> Words:
    """A sentence that ends with the nearest right word, or with all of them where none is near."""
    known = list(known)
    near = nearest(word, known)
    if near:
        return Words(f"{zh}；是不是 {near}？", f"{en}; did you mean {near}?")
    return Words(f"{zh}；可用的有 {'、'.join(known)}", f"{en}; there are {', '.join(known)}")


# Lines

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_.-]+)\s*=""")
_SPANS = re.compile(r'"""|\'\'\'|"(?:[^"\\]|\\.)*"|\'[^\']*\'|#|[\[\]{}]')


class Lines:
    """Which line of a TOML text holds which key.

    >>> lines = Lines('key = "x"\\n\\n[[scale]]\\nkey = "main"\\n[[scale.grade]]\\nkey = "a"\\n')
    >>> lines.of(("scale", 0, "grade", 0, "key")), lines.of(("scale", 0, "grade", 0, "because"))
    (6, 5)
    """

    def __init__(self, text: str) -> None:
        self._text = text.splitlines()
        self._at: dict[Place, int] = {}
        self._read()

    def _read(self) -> None:
        table: Place = ()
        count: dict[Place, int] = {}
        depth, quote = 0, ""
        for number, line in enumerate(self._text, 1):
            if not depth and not quote:
                if header := _HEADER.match(line):
                    table = self._enter(header[2].split("."), header[1] == "[[", count)
                    self._at.setdefault(table, number)
                    continue
                if key := _KEY.match(line):
                    self._at.setdefault((*table, *_split(key[1])), number)
            depth, quote = _nesting(line, depth, quote)

    def _enter(self, names: list[str], repeated: bool, count: dict[Place, int]) -> Place:
        place: Place = ()
        for n, name in enumerate(names):
            place = (*place, name.strip().strip("\"'"))
            last = n == len(names) - 1
            if last and repeated:
                count[place] = count.get(place, -1) + 1
            if place in count:
                place = (*place, count[place])
        return place

    def of(self, place: Sequence[str | int], text: str | None = None) -> int | None:
        """The line of a place, or of the nearest thing around it; `text` narrows it to the line with that."""
        inside = tuple(place)
        while inside and inside not in self._at:
            inside = inside[:-1]
        start = self._at.get(inside, 1 if self._text else None)
        if text and start is not None:
            for number in range(start, len(self._text) + 1):
                line = self._text[number - 1]
                if text in line or text in line.replace('\\"', '"'):
                    return number
        return start


def _split(key: str) -> list[str]:
    return [key[1:-1]] if key[0] in "\"'" else key.split(".")


def _nesting(line: str, depth: int, quote: str) -> tuple[int, str]:
    """How deep in brackets, and in which long text, the next line begins."""
    position = 0
    while position < len(line):
        if quote:
            end = line.find(quote, position)
            if end < 0:
                return depth, quote
            position, quote = end + 3, ""
            continue
        found = _SPANS.search(line, position)
        if found is None or found[0] == "#":
            return depth, quote
        position = found.end()
        if found[0] in ('"""', "'''"):
            quote = found[0]
        elif found[0] in "[{":
            depth += 1
        elif found[0] in "]}":
            depth -= 1
    return depth, quote


# What pydantic found, in shop words


def syntax_problem(file: str, text: str, error: Exception) -> PlaybookProblem:
    """A file that is not TOML at all: the line, and what the reader stumbled over."""
    found = re.search(r"at line (\d+)", str(error))
    line = int(found[1]) if found else len(text.splitlines())
    reason = re.sub(r"\s*\(at .*\)$", "", str(error))
    return PlaybookProblem(
        file,
        line,
        Words(
            f"这一行读不懂（{reason}），多半是少了引号、括号或等号",
            f"This line can't be read ({reason}): most often a quote, a bracket or an equals sign is missing",
        ),
    )


def told(
    error: ValidationError, file: str, lines: Lines, keys: Mapping[Place, set[str]]
) -> list[PlaybookProblem]:
    """All that validation found, each as a sentence with its line. `keys` are the words known per table."""
    problems = []
    details = error.errors(include_url=False)
    for detail in details:
        if detail["type"] == "too_short" and any(_is_inside(d["loc"], detail["loc"]) for d in details):
            continue  # not empty: what stands there is wrong, and is told by itself
        place = tuple(part for part in detail["loc"] if not str(part).startswith("function-"))
        cause = detail.get("ctx", {}).get("error")
        text = cause.text if isinstance(cause, Wrong) else None
        if isinstance(cause, Wrong):
            place += cause.place
        words = cause.words if isinstance(cause, Wrong) else _in_words(detail, place, keys)
        problems.append(PlaybookProblem(file, lines.of(place, text), words))
    return problems


def _is_inside(place: Place, around: Place) -> bool:
    return len(place) > len(around) and place[: len(around)] == around


def _in_words(detail: Mapping[str, Any], place: Place, keys: Mapping[Place, set[str]]) -> Words:
    names = [part for part in place if isinstance(part, str)]
    name = names[-1] if names else ""
    context = detail.get("ctx", {})
    shown = repr(detail.get("input"))
    if len(shown) > 40:
        shown = shown[:39] + "…"
    match detail["type"]:
        case "missing":
            return Words(f"这里少了 {name}", f"{name} is missing here")
        case "extra_forbidden":
            known = sorted(keys.get(tuple(names[:-1]), set()))
            return did_you_mean(name, known, f"这里没有 {name} 这一项", f"Nothing here is called {name}")
        case "literal_error":
            allowed = re.findall(r"'([^']*)'", context.get("expected", ""))
            return did_you_mean(
                str(detail.get("input")), allowed, f"{name} 不能写 {shown}", f"{name} can't be {shown}"
            )
        case "greater_than_equal" | "less_than_equal" | "greater_than" | "less_than":
            limit = next(context[k] for k in ("ge", "le", "gt", "lt") if k in context)
            zh, en = {
                "greater_than_equal": ("至少是", "at least"),
                "less_than_equal": ("最多是", "at most"),
                "greater_than": ("要大于", "more than"),
                "less_than": ("要小于", "less than"),
            }[detail["type"]]
            return Words(f"{name} {zh} {limit}，这里是 {shown}", f"{name} is {en} {limit}, not {shown}")
        case "too_short":
            return Words(f"{name} 不能是空的", f"{name} can't be empty")
    wanted = {
        "int_type": Words("整数", "a whole number"),
        "int_from_float": Words("整数", "a whole number"),
        "float_type": Words("数字", "a number"),
        "string_type": Words("带引号的文字", 'text in "quotes"'),
        "string_pattern_mismatch": Words("小写字母、数字和连字符", "lower-case letters, digits and hyphens"),
        "bool_type": Words("true 或 false", "true or false"),
        "tuple_type": Words("列表，写在 [ ] 里", "a list in [ ]"),
        "model_type": Words("一张表", "a table"),
        "dict_type": Words("一张表", "a table"),
    }.get(detail["type"], Words("别的写法", "something else"))
    return Words(f"{name} 要的是{wanted.zh}，这里是 {shown}", f"{name} takes {wanted.en}, not {shown}")
