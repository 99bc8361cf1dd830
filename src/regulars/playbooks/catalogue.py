"""What can be said about a customer: the catalogue in which every stage declares its facts.

A **fact** is one column of a portrait. A stage says in its `facts.py` what a fact is called in the shop, what unit
it has, how it is defined, and how the engine makes it; nothing else has to be touched to use it in a playbook.
There are four ways to make one:

- a `Measure` is an aggregate over a customer's days (`spend_in_30_days`);
- `derive` is arithmetic on measures of the same customer (`average_spend`);
- `Standing` compares her with the whole base (`spend_place_in_12_months`);
- neither: a **file fact**, given by staff or by an import (`occupation`), unknown until somebody says it.

Inside the engine a day is an integer (days since 1970-01-01), money is an integer of fen, yes-no is a boolean,
a share is a float from 0 to 1. `unknown` is null.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from regulars.shop.words import Words

Unit = Literal[
    "yuan", "times", "days", "weeks", "months", "people", "minutes", "score", "share", "ratio", "years",
    "text", "yes-no", "date",
]  # fmt: skip

UNITS: dict[Unit, Words] = {
    "yuan": Words("元", "yuan"),
    "times": Words("次", "times"),
    "days": Words("天", "days"),
    "weeks": Words("周", "weeks"),
    "months": Words("个月", "months"),
    "people": Words("位", "people"),
    "minutes": Words("分钟", "minutes"),
    "score": Words("分", "points"),
    "share": Words("比例", "share"),
    "ratio": Words("倍", "times"),
    "years": Words("岁", "years"),
    "text": Words("文字", "text"),
    "yes-no": Words("是或否", "yes or no"),
    "date": Words("日期", "date"),
}

MAX_WINDOW_DAYS = 3660
"""Ten years: more than any shop's till keeps, and small enough that a typing error is caught."""

WINDOW = re.compile(r"^(?P<stem>[a-z_]+)_in_(?P<n>[1-9][0-9]{0,3})_(?P<unit>days|months)$")

OWN = "own_"
"""How the facts that a shop has made for itself begin."""


@dataclass(frozen=True)
class Window:
    """A span of days that ends with `on` itself. A month is 30 days, 12 months are 365 days.

    >>> Window(12, "months").days, Window(3, "months").days, Window(30, "days").days
    (365, 90, 30)
    """

    n: int
    unit: str

    @property
    def days(self) -> int:
        if self.unit == "days":
            return self.n
        years, months = divmod(self.n, 12)
        return years * 365 + months * 30

    @property
    def words(self) -> Words:
        if self.unit == "days":
            return Words(f"最近 {self.n} 天", f"in the last {self.n} days" if self.n > 1 else "today")
        if self.n == 12:
            return Words("最近 12 个月", "in the last 12 months")
        return Words(
            f"最近 {self.n} 个月", f"in the last {self.n} months" if self.n > 1 else "in the last month"
        )


@dataclass(frozen=True)
class Measure:
    """An aggregate over the days of one customer.

    `make(days, on)` gets the table of days (already cut at `on`) and the day itself, and returns an aggregate.
    `counts` names the column of `days` that is summed when the measure is a plain sum over `window` days: such a
    measure can be carried from one day to the next by adding the day that enters and taking off the one that leaves.
    """

    make: Callable[[Any, Any], Any]
    counts: str | None = None
    window: int | None = None
    empty: Any = None
    """The value for somebody who is known but has never bought (0 for counts, None where it makes no sense)."""


@dataclass(frozen=True)
class Standing:
    """A comparison with the whole base on one metric.

    `place`: share of comparable customers who are strictly better; `before`: share of the metric's total carried by
    them; `above_median`: difference to the median; `score`: 5 − ⌊5 × place⌋. Comparable are customers whose metric is
    above zero (or known at all when `lower_is_better`). Ties share the better side.
    """

    kind: Literal["place", "before", "above_median", "score"]
    metric: str
    lower_is_better: bool = False


NO_EDGES = Words("", "")


@dataclass(frozen=True)
class Fact:
    """One column of a portrait, with everything that pages, docs and playbooks say about it."""

    key: str
    name: Words
    unit: Unit
    stage: str
    definition: Words
    edges: Words = NO_EDGES
    window: Window | None = None
    measure: Measure | None = None
    derive: Callable[[Any, Any], Any] | None = None
    needs: tuple[str, ...] = ()
    standing: Standing | None = None
    choices: dict[str, Words] = field(default_factory=dict)
    ages: bool = False
    """Changes with the calendar alone, although nothing happens."""

    @property
    def is_file_fact(self) -> bool:
        return self.measure is None and self.derive is None and self.standing is None

    @property
    def type(self) -> Literal["number", "text", "yes-no", "date"]:
        if self.unit in ("text", "yes-no", "date"):
            return self.unit
        return "number"

    def speak(self, value: Any, lang: str) -> str:
        """The value as a person says it, with its unit; unknown is said as such.

        >>> fact = Fact("last_spend", Words("上次消费", "last spend"), "yuan", "sales", Words("", ""))
        >>> fact.speak(300050, "zh"), fact.speak(None, "en")
        ('3,000.50 元', 'not known')
        """
        if value is None:
            return Words("还不知道", "not known").say(lang)
        if self.type == "text":
            return self.choices[value].say(lang) if value in self.choices else str(value)
        if self.type == "yes-no":
            return Words("是", "yes").say(lang) if value else Words("否", "no").say(lang)
        if self.type == "date":
            return str(value)
        if self.unit == "share":
            return f"{100 * float(value):.1f}%"
        if self.unit == "yuan":
            number = f"{value / 100:,.2f}".removesuffix(".00")
        else:
            number = f"{value:,.1f}".removesuffix(".0") if isinstance(value, float) else f"{value:,}"
        unit = UNITS[self.unit].say(lang)
        if lang.startswith("en") and value == 1:
            unit = {"times": "time", "people": "person"}.get(unit, unit.removesuffix("s"))
        if lang.startswith("en") and self.unit == "ratio":
            return f"{number}×"
        return f"{number} {unit}"


@dataclass(frozen=True)
class Family:
    """Facts that differ only in their window: `spend_in_30_days`, `spend_in_12_months`, … for any window."""

    stem: str
    make: Callable[[Window], Fact]
    sample: Window = Window(30, "days")
    kept: tuple[Window, ...] = ()


class Catalogue:
    """All facts that the stages have declared."""

    def __init__(self) -> None:
        self._facts: dict[str, Fact] = {}
        self._families: dict[str, Family] = {}
        self._windowed: dict[str, Fact] = {}
        self._shop_s_own: Callable[[], Mapping[str, Fact]] = dict

    def ask_the_shop(self, own: Callable[[], Mapping[str, Fact]]) -> None:
        """Where facts that a shop has made for itself are looked up: asked each time that a word begins with `own_`, so
        a field that was added a moment ago, in whatever process, is known. They are no part of what the catalogue lists:
        what it lists is the same in every shop."""
        self._shop_s_own = own

    def register(self, *facts: Fact) -> None:
        for fact in facts:
            if fact.key in self._facts:
                raise ValueError(f"the fact {fact.key} is declared twice")
            self._facts[fact.key] = fact

    def register_family(self, *families: Family) -> None:
        for family in families:
            if family.stem in self._families:
                raise ValueError(f"the facts {family.stem}_in_… are declared twice")
            self._families[family.stem] = family

    def find(self, key: str) -> Fact | None:
        """The fact of that name, windows of any length included; None where there is none."""
        if known := self._facts.get(key) or self._windowed.get(key):
            return known
        if key.startswith(OWN):
            return self._shop_s_own().get(key)
        if match := WINDOW.match(key):
            window = Window(int(match["n"]), match["unit"])
            family = self._families.get(match["stem"])
            if family and window.days <= MAX_WINDOW_DAYS:
                self._windowed[key] = replace(family.make(window), key=key, window=window)
                return self._windowed[key]
        return None

    def get(self, key: str) -> Fact:
        fact = self.find(key)
        if fact is None:
            raise KeyError(key)
        return fact

    def near(self, key: str) -> list[str]:
        """The nearest right words for a wrong one, best first.

        >>> catalogue = Catalogue()
        >>> catalogue.register_family(Family("spend", lambda window: None))
        >>> catalogue.near("spent_in_40_day")
        ['spend_in_40_days']
        """
        names = list(self._facts)
        typed = re.match(r"^(?P<stem>.+?)_in_(?P<n>\d+)_(?P<unit>\w+)$", key)
        n, unit = (
            (typed["n"], "months" if typed["unit"].startswith("m") else "days") if typed else ("30", "days")
        )
        names += [f"{stem}_in_{n}_{unit}" for stem in self._families]
        if key.startswith(OWN):
            names += self._shop_s_own()
        return difflib.get_close_matches(key, names, n=3, cutoff=0.6)

    def families(self) -> Iterator[Family]:
        yield from self._families.values()

    def __iter__(self) -> Iterator[Fact]:
        """Every single fact, and each family once by its sample window."""
        yield from self._facts.values()
        for family in self._families.values():
            key = f"{family.stem}_in_{family.sample.n}_{family.sample.unit}"
            yield replace(family.make(family.sample), key=key, window=family.sample)

    def closure(self, keys: Iterable[str]) -> list[str]:
        """The facts named and all that they are made of, each after what it needs."""
        done: dict[str, None] = {}

        def visit(key: str) -> None:
            if key in done:
                return
            fact = self.get(key)
            for need in fact.needs:
                visit(need)
            if fact.standing:
                visit(fact.standing.metric)
            done[key] = None

        for key in keys:
            visit(key)
        return list(done)


catalogue = Catalogue()
"""The one catalogue; `regulars.facts` imports every stage's declarations into it."""
