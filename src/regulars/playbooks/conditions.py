"""One comparison per line, and how many of them it takes: the only logic a playbook has.

A condition is ``fact sign value``. There is nothing else: no sums, no "not", no nesting beyond "these
together count as one". Whatever needs more is a fact and belongs to the stage that knows it.

Money: a playbook writes yuan (``spend_in_30_days >= 5000``), a portrait holds whole fen (500000). The unit
of the fact decides: loading a playbook binds each condition to its fact, and `Condition.threshold` is then
in what the portrait holds. `holds`, `margin`, `evaluate` and `expression` all take portrait values.

Unknown (None, NULL, NaN, or a fact the portrait does not have) never satisfies a condition, not even ``!=``.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from regulars.playbooks.catalogue import MAX_WINDOW_DAYS, Catalogue, Fact
from regulars.shop.words import Words

if TYPE_CHECKING:
    import ibis.expr.types as ir

Number = int | float
Scalar = int | float | str | bool
Row = Mapping[str, Any]

SIGNS = (">=", ">", "<=", "<", "!=", "=", "in")
_ORDER = frozenset({">=", ">", "<=", "<"})
# What people type who know another notation, and what it is called here.
_NEARLY = {
    "==": "=",
    "=>": ">=",
    "=<": "<=",
    "≥": ">=",
    "≤": "<=",
    "<>": "!=",
    "≠": "!=",
    "＞": ">",
    "＜": "<",
}
_COMPARISON = re.compile(
    r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(in\b|[<>=!≥≤≠＞＜~]+|[^\s\w]+|\w+)\s*(.*?)\s*\Z", re.S
)
_WINDOW = re.compile(r"_in_(\d+)_(days|months)\Z")


class Wrong(ValueError):
    """Something in a playbook can't stand as it is written; `words` tells its owner what and what is near.

    `text` is what to look for to find the line, `place` where it stands below the thing that was checked.
    """

    def __init__(self, words: Words, text: str | None = None, place: tuple[str | int, ...] = ()) -> None:
        super().__init__(words.en)
        self.words = words
        self.text = text
        self.place = place


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison, as its playbook writes it.

    `per` is how many portrait units make one unit of the playbook: 100 for money (fen), otherwise 1.

    >>> regular = parse("visits_in_30_days >= 4")
    >>> regular.holds(4), regular.holds(3), regular.holds(None)
    (True, False, False)
    >>> regular.margin(3)
    -1
    """

    fact: str
    sign: str
    value: Scalar | tuple[Scalar, ...]
    per: int = 1

    @property
    def threshold(self) -> Scalar | tuple[Scalar, ...]:
        """The value to compare with, in what the portrait holds: 5000 yuan are 500000 fen.

        >>> replace(parse("last_spend >= 19.99"), per=100).threshold
        1999
        """
        if self.per == 1 or isinstance(self.value, str | bool):
            return self.value
        if isinstance(self.value, tuple):
            return tuple(v if isinstance(v, str | bool) else _times(v, self.per) for v in self.value)
        return _times(self.value, self.per)

    @property
    def is_ordered(self) -> bool:
        """Whether more or less of the fact decides (>= > <= <), so that a distance can be told."""
        return self.sign in _ORDER

    def holds(self, value: Any) -> bool:
        """Whether a customer whose portrait holds `value` satisfies the condition. Unknown never does.

        >>> parse('occupation != "official"').holds(None)
        False
        >>> parse('occupation in ["manager", "owner"]').holds("owner")
        True
        >>> replace(parse("spend_in_30_days >= 5000"), per=100).holds(499999)  # fen
        False
        """
        if value is None or value != value:  # NaN is the only value that differs from itself
            return False
        threshold: Any = self.threshold
        match self.sign:
            case ">=":
                return bool(value >= threshold)
            case ">":
                return bool(value > threshold)
            case "<=":
                return bool(value <= threshold)
            case "<":
                return bool(value < threshold)
            case "=":
                return bool(value == threshold)
            case "!=":
                return bool(value != threshold)
        return value in threshold

    def margin(self, value: Any) -> Number | None:
        """How far the value is on the good side, in portrait units; below zero is how much is missing.

        With >= and <= zero holds; with > and < it takes more than zero. For ``=`` with a number it is
        minus the distance. None where there is no distance: text, yes/no, lists, unknown.

        >>> parse("days_since_visit <= 120").margin(100)
        20
        >>> parse("spend_before_in_12_months < 0.70").margin(0.70)
        0.0
        >>> parse('occupation = "owner"').margin("clerk") is None
        True
        """
        threshold: Any = self.threshold
        if value is None or isinstance(value, str | bool) or isinstance(threshold, str | bool | tuple):
            return None
        if value != value:
            return None
        match self.sign:
            case ">=" | ">":
                return _plain(value - threshold)
            case "<=" | "<":
                return _plain(threshold - value)
            case "=":
                return _plain(-abs(value - threshold))
        return None

    def expression(self, table: ir.Table) -> ir.BooleanValue:
        """The condition over a table of portraits: true or false for every row, never NULL.

        A fact that the table does not have is unknown for everybody.
        """
        import ibis

        if self.fact not in table.columns:
            return ibis.literal(False)
        column: Any = table[self.fact]
        if column.type().is_null():
            return ibis.literal(False)
        threshold: Any = self.threshold
        match self.sign:
            case ">=":
                answer = column >= threshold
            case ">":
                answer = column > threshold
            case "<=":
                answer = column <= threshold
            case "<":
                answer = column < threshold
            case "=":
                answer = column == threshold
            case "!=":
                answer = column != threshold
            case _:
                answer = column.isin(list(threshold))
        if column.type().is_floating():
            answer = answer & ~column.isnan()  # an engine sorts NaN above every number
        return answer.fill_null(False)

    def __str__(self) -> str:
        """The line as a playbook writes it; reading it again gives the same condition."""
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return f"{self.fact} {self.sign} {json.dumps(value, ensure_ascii=False)}"


def parse(text: str, catalogue: Catalogue | None = None) -> Condition:
    """Read one comparison, and with a catalogue check the fact and bind the condition to its unit.

    Raises Wrong, which says what is the matter and the nearest right word.

    >>> str(parse("visits_in_30_days>=4"))
    'visits_in_30_days >= 4'
    >>> parse("visits_in_30_days => 4")  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    Wrong: "=>" is not a sign; did you mean >=?
    """
    found = _COMPARISON.match(text)
    if found is None or not found[3]:
        raise Wrong(
            Words(
                f"「{text}」不是一条条件。条件写成“事实 符号 数值”，例如 visits_in_30_days >= 4",
                f'"{text}" is not a condition. A condition is: fact sign value, as in visits_in_30_days >= 4',
            ),
            text,
        )
    fact, sign, written = found.groups()
    if sign not in SIGNS:
        near = _NEARLY.get(sign)
        raise Wrong(
            Words(
                f"没有「{sign}」这个符号；" + (f"是不是 {near}？" if near else f"可用的有 {' '.join(SIGNS)}"),
                f'"{sign}" is not a sign; '
                + (f"did you mean {near}?" if near else f"there are {' '.join(SIGNS)}"),
            ),
            text,
        )
    condition = Condition(fact, sign, _value(written, sign, text))
    return bind(condition, catalogue, text) if catalogue is not None else condition


def bind(condition: Condition, catalogue: Catalogue, text: str | None = None) -> Condition:
    """Tie a condition to its fact: does it exist, is the value of its kind, in which unit does it count."""
    text = text or str(condition)
    fact = known(condition.fact, catalogue, text)
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    for value in values:
        check_kind(fact, value, text)
    if fact.type == "text" and condition.sign in _ORDER:
        raise Wrong(
            Words(
                f"{fact.key} 是文字，没有大小，只能用 =、!= 或 in",
                f"{fact.key} is text and has no more or less: use =, != or in",
            ),
            text,
        )
    if fact.type == "yes-no" and condition.sign not in ("=", "!="):
        raise Wrong(
            Words(
                f"{fact.key} 只有是或否，写成 {fact.key} = true",
                f"{fact.key} is yes or no: write {fact.key} = true",
            ),
            text,
        )
    if fact.unit != "yuan":
        return condition
    for value in values:
        if Decimal(str(value)) * 100 % 1:
            raise Wrong(
                Words(f"{value} 元不到一分钱的零头不算数", f"{value} yuan is finer than a fen"),
                text,
            )
    return replace(condition, per=100)


def known(key: str, catalogue: Catalogue, text: str | None = None) -> Fact:
    """The fact of this name, or Wrong with the nearest name that exists."""
    window = _WINDOW.search(key)
    if window:
        days = int(window[1]) * {"days": 1, "months": 30}[window[2]]
        if not 1 <= days <= MAX_WINDOW_DAYS:
            length = Words(
                f"{window[1]} {'天' if window[2] == 'days' else '个月'}", f"{window[1]} {window[2]}"
            )
            raise Wrong(
                Words(
                    f"{key} 往回看 {length.zh}；时间段要在 1 天到 {MAX_WINDOW_DAYS} 天之间",
                    f"{key} looks back {length.en}; a window is between 1 and {MAX_WINDOW_DAYS} days",
                ),
                text,
            )
    fact = catalogue.find(key)
    if fact is not None and fact.type != "date":
        return fact
    if fact is not None:
        near = [n for n in catalogue.near(key.removesuffix("_on")) if n.startswith("days_")]
        raise Wrong(
            Words(
                f"{key} 是日期，条件里不直接比日期，请用天数" + (f"，例如 {near[0]}" if near else ""),
                f"{key} is a date; conditions compare days, not dates" + (f": try {near[0]}" if near else ""),
            ),
            text,
        )
    near = catalogue.near(key)
    raise Wrong(
        Words(
            f"没有 {key} 这个事实" + (f"；是不是 {near[0]}？" if near else ""),
            f"No fact is called {key}" + (f"; did you mean {near[0]}?" if near else ""),
        ),
        text,
    )


def check_kind(fact: Fact, value: Any, text: str | None = None) -> None:
    """Refuse a value that the fact can never have: text where a number stands, a number for yes or no."""
    kind = "yes-no" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
    if kind == fact.type == "text" and fact.choices and value not in fact.choices:
        near = difflib.get_close_matches(value, fact.choices, n=1) or [" / ".join(fact.choices)]
        raise Wrong(
            Words(
                f"{fact.key} 没有「{value}」这一种；是不是 {near[0]}？",
                f'{fact.key} is never "{value}"; did you mean {near[0]}?',
            ),
            text,
        )
    if kind == fact.type:
        return
    wanted = {
        "yes-no": Words("true 或 false", "true or false"),
        "text": Words("带引号的文字", 'text in "quotes"'),
    }.get(fact.type, Words("数字", "a number"))
    shown = json.dumps(value, ensure_ascii=False)
    raise Wrong(
        Words(
            f"{fact.key} 要的是{wanted.zh}，这里写的是 {shown}", f"{fact.key} takes {wanted.en}, not {shown}"
        ),
        text,
    )


def _value(written: str, sign: str, text: str) -> Scalar | tuple[Scalar, ...]:
    """The right-hand side: a number, "text", true/false, or for ``in`` a list of them."""
    try:
        value = json.loads(written)
    except ValueError:
        value = None
    if sign == "in":
        if isinstance(value, list) and value and all(isinstance(v, Scalar) for v in value):
            return tuple(value)
        raise Wrong(
            Words(
                f'「in」后面要一个列表，例如 in ["student", "teacher"]，这里是 {written}',
                f'After "in" comes a list, as in ["student", "teacher"], not {written}',
            ),
            text,
        )
    if isinstance(value, Scalar) and value == value and value not in (float("inf"), float("-inf")):
        return value
    if re.fullmatch(r"[\d,，]+(\.\d+)?\s*[^\d\s]*", written):
        digits = re.sub(r"[^\d.]", "", written)
        raise Wrong(
            Words(
                f"「{written}」不是纯数字；是不是 {digits}？",
                f'"{written}" is not a plain number; did you mean {digits}?',
            ),
            text,
        )
    raise Wrong(
        Words(
            f"「{written}」不是数值：数字直接写，文字加引号，是否写 true 或 false",
            f'"{written}" is no value: write numbers plainly, text in "quotes", yes and no as true and false',
        ),
        text,
    )


def _times(value: Number, per: int) -> Number:
    """Scale exactly: 19.99 yuan are 1999 fen, not 1998.9999."""
    return _plain(Decimal(str(value)) * per)


def _plain(number: Any) -> Number:
    """A distance as JSON can carry it: whole numbers stay whole, decimals lose binary dust."""
    if isinstance(number, int):
        return number
    if isinstance(number, Decimal) and number == number.to_integral_value():
        return int(number)
    return round(float(number), 12)


# How many of them it takes


class Finding(NamedTuple):
    """One condition held against one customer: the evidence that an explanation is made of."""

    condition: Condition
    value: Any
    holds: bool

    @property
    def margin(self) -> Number | None:
        """How far the value is on the good side, in portrait units."""
        return self.condition.margin(self.value)

    @property
    def threshold(self) -> Scalar | tuple[Scalar, ...]:
        """What the value was compared with, in portrait units (fen for money)."""
        return self.condition.threshold


class Open(NamedTuple):
    """What is still to come: `how_many` of the entries `of`, each a few conditions that count as one."""

    how_many: int
    of: tuple[tuple[Finding, ...], ...]


class Verdict(NamedTuple):
    """The answer of a way with its reasons: every condition with value and margin, and what is missing."""

    holds: bool
    findings: tuple[Finding, ...]
    open: tuple[Open, ...]


Entry = tuple[Condition, ...]


def read_entry(written: Any, catalogue: Catalogue | None) -> Entry:
    """One entry of a group: a condition, or a list of conditions that hold together and count as one."""
    lines = written if isinstance(written, list | tuple) else [written]
    if not lines or not all(isinstance(line, str | Condition) for line in lines):
        raise Wrong(
            Words(
                f'条件要写成文字，例如 "visits_in_30_days >= 4"，这里是 {written!r}',
                f'A condition is written as text, as in "visits_in_30_days >= 4", not {written!r}',
            )
        )
    return tuple(line if isinstance(line, Condition) else parse(line, catalogue) for line in lines)


def _validate_entry(written: Any, info: ValidationInfo) -> Entry:
    return read_entry(written, (info.context or {}).get("catalogue"))


def write_entry(entry: Entry) -> str | list[str]:
    """The entry as the playbook writes it."""
    return str(entry[0]) if len(entry) == 1 else [str(condition) for condition in entry]


_LINE = {
    "type": "string",
    "pattern": r"^\s*[a-z][a-z0-9_]*\s*(>=|>|<=|<|!=|=|in\b)\s*\S",
    "description": "fact sign value, as in visits_in_30_days >= 4",
}
EntryField = Annotated[
    Entry,
    PlainValidator(_validate_entry),
    PlainSerializer(write_entry),
    WithJsonSchema({"anyOf": [_LINE, {"type": "array", "items": _LINE, "minItems": 1}]}),
]


class Way(BaseModel):
    """One way into a grade: all of these, any of those, at least so many of others; every group must hold.

    >>> way = Way(
    ...     at_least=2, of=["spend_in_30_days >= 5000", "visits_in_30_days >= 4", "weeks_in_a_row >= 3"]
    ... )
    >>> way.evaluate({"spend_in_30_days": 6000, "visits_in_30_days": 5, "weeks_in_a_row": None}).holds
    True
    >>> missing, = way.evaluate({"spend_in_30_days": 6000, "visits_in_30_days": 3}).open
    >>> missing.how_many, [entry[0].margin for entry in missing.of]
    (1, [-1, None])
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    all: tuple[EntryField, ...] = ()
    any: tuple[EntryField, ...] = ()
    at_least: Annotated[int, Field(strict=True, ge=1)] | None = None
    of: tuple[EntryField, ...] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> Way:
        if self.at_least is None and self.of:
            raise Wrong(
                Words("写了 of，还要写 at_least：几条就够", "of needs at_least: how many of them are enough")
            )
        if self.at_least is not None and self.at_least > len(self.of):
            raise Wrong(
                Words(
                    f"at_least = {self.at_least}，可是 of 里只有 {len(self.of)} 条",
                    f"at_least = {self.at_least}, but of has only {len(self.of)}",
                )
            )
        if not (self.all or self.any or self.of):
            raise Wrong(
                Words(
                    "这里一条条件也没有；不设条件的等级不用写 way",
                    "There is no condition here; a grade without conditions has no way at all",
                )
            )
        return self

    @property
    def groups(self) -> tuple[tuple[int, tuple[Entry, ...]], ...]:
        """The groups as (how many, of which entries); each must hold."""
        groups = ((len(self.all), self.all), (1, self.any), (self.at_least or 0, self.of))
        return tuple((how_many, entries) for how_many, entries in groups if entries)

    def conditions(self) -> Iterator[Condition]:
        """Every condition in the order in which it is written."""
        for _, entries in self.groups:
            for entry in entries:
                yield from entry

    def evaluate(self, row: Row) -> Verdict:
        """Hold one customer's portrait against the way; facts that the row does not have are unknown."""
        findings: list[Finding] = []
        missing: list[Open] = []
        for how_many, entries in self.groups:
            judged = [tuple(finding(condition, row) for condition in entry) for entry in entries]
            findings += [finding for entry in judged for finding in entry]
            failing = tuple(entry for entry in judged if not all(finding.holds for finding in entry))
            short = how_many - (len(judged) - len(failing))
            if short > 0:
                missing.append(Open(short, failing))
        return Verdict(not missing, tuple(findings), tuple(missing))

    def expression(self, table: ir.Table) -> ir.BooleanValue:
        """The way over a table of portraits: true or false for every row, with the answer of `evaluate`."""
        import ibis

        held: list[Any] = []
        for how_many, entries in self.groups:
            each = [_fold([c.expression(table) for c in entry], lambda a, b: a & b) for entry in entries]
            if how_many == len(each):
                held.append(_fold(each, lambda a, b: a & b))
            elif how_many == 1:
                held.append(_fold(each, lambda a, b: a | b))
            else:
                ones = [ibis.ifelse(e, 1, 0) for e in each]
                held.append(_fold(ones, lambda a, b: a + b) >= how_many)
        return _fold(held, lambda a, b: a & b)


def finding(condition: Condition, row: Row) -> Finding:
    """One condition held against one portrait; what the row does not have is unknown."""
    value = row.get(condition.fact)
    if value is not None and value != value:
        value = None
    return Finding(condition, value, condition.holds(value))


def _fold(parts: list[Any], join: Callable[[Any, Any], Any]) -> Any:
    return reduce(join, parts)
