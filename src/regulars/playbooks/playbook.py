"""A playbook: who is which grade, what we do for each, and the people that prove it, read from TOML.

    playbook = load("restaurant")            # shipped
    playbook = load(Path("mine.toml"))       # a shop's own, or an overlay that extends a shipped one
    scale = playbook.scales[0]
    fits({"spend_in_30_days": 600000, "visits_in_30_days": 4}, scale).grade     # one portrait (fen!)
    table.mutate(grade=entering(table, scale))                                  # all portraits at once

Two outcomes are reserved: ``new`` while a customer is under observation, ``none`` when no grade fits. A scale
that has no observation may have a grade of its own called ``new``.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from regulars.playbooks.catalogue import Catalogue
from regulars.playbooks.catalogue import catalogue as the_catalogue
from regulars.playbooks.conditions import (
    Condition,
    EntryField,
    Row,
    Scalar,
    Verdict,
    Way,
    Wrong,
    check_kind,
    known,
)
from regulars.playbooks.membership import (
    TABLES as MEMBERSHIP,
)
from regulars.playbooks.membership import Membership
from regulars.playbooks.parts import Bilingual, Count, Key, Part, Positive, did_wrong
from regulars.playbooks.problems import (
    BadPlaybook,
    Lines,
    Place,
    PlaybookProblem,
    did_you_mean,
    syntax_problem,
    told,
)
from regulars.shop.words import Words

if TYPE_CHECKING:
    import ibis.expr.types as ir

NEW = "new"
NONE = "none"

LIBRARY = (
    "hotpot", "restaurant", "snack", "salon", "abc", "clinic", "key-account", "b2b-nine", "prospects",
    "ladder", "tiers", "churned", "rfm", "value", "four-kinds", "appliance", "store-scales",
)  # fmt: skip
"""The shipped playbooks in the order of the contract: trades first, then what any shop can add."""

VARIANTS = ("abc-75-20-5",)
"""Shipped overlays: a named variant of a playbook, loaded by its own key, not listed among the playbooks."""

TRADES = ("hotpot", "restaurant", "snack", "salon", "clinic", "hotel", "appliance", "shop", "wholesale")

When = Literal[
    "birthday", "anniversary", "festival", "after_visit", "first_visit", "late", "grade_gained",
    "grade_at_risk", "owed", "receive",
]  # fmt: skip
Who = Literal["owner", "manager", "key-account", "front-desk", "service"]
Channel = Literal["call", "message", "card", "visit", "in-person", "gift"]

PLACES = ("customer", "staff", "store", "days", "festival", "grade", "last_visit", "usual_gap")
"""The {places} that a sentence to a customer or to staff may leave open."""

# Which settings belong to which occasion, and which of them the occasion can't do without.
_SETTINGS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "birthday": (("days_before",), ()),
    "anniversary": (("days_before",), ()),
    "festival": (("days_before", "festivals"), ("festivals",)),
    "after_visit": (("days_after",), ("days_after",)),
    "first_visit": (("days_after",), ()),
    "late": (("times_usual", "at_least_days", "at_most_days"), ("times_usual",)),
    "grade_gained": (("days_after",), ()),
    "grade_at_risk": (("within_days",), ("within_days",)),
    "owed": (("times_a_month", "every_days"), ()),
    "receive": ((), ()),
}

_DONE = {
    "call": Words("通上话了，记下一句说了什么", "You spoke; one line says what about"),
    "message": Words("发出去了", "It was sent"),
    "card": Words("卡片寄出去了", "The card is on its way"),
    "visit": Words("见到人了，记下一句说了什么", "You met; one line says what about"),
    "in-person": Words("到店时接待了", "She was received at her visit"),
    "gift": Words("东西送到手上了", "The present is in her hands"),
}


class Reviews(Part):
    """Days on which grades may be lost; with `upgrade_at_once` a better grade does not wait for them."""

    on: Annotated[tuple[str, ...], Field(min_length=1)]
    upgrade_at_once: bool = True

    @field_validator("on")
    @classmethod
    def _are_days(cls, days: tuple[str, ...]) -> tuple[str, ...]:
        for day in days:
            found = re.fullmatch(r"(\d\d)-(\d\d)", day)
            lengths = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
            if (
                not found
                or not 1 <= int(found[1]) <= 12
                or not 1 <= int(found[2]) <= lengths[int(found[1]) - 1]
            ):
                raise Wrong(
                    Words(
                        f"「{day}」不是每年都有的日子，写成月-日，例如 06-30",
                        f'"{day}" is not a day of every year; write month-day, as in 06-30',
                    ),
                    day,
                )
        return days


class Grade(Part):
    """One grade: the ways into it, what is enough to stay, and how long one may be below before it is lost.

    A grade without ways takes everybody who reaches it.
    """

    key: Key
    name: Bilingual
    because: Bilingual
    ways: tuple[Way, ...] = Field((), alias="way")
    stay: tuple[Way, ...] = ()
    grace_days: Count = Field(0, alias="grace")

    def conditions(self) -> Iterator[Condition]:
        """Every condition of the grade, those to enter before those to stay."""
        for way in (*self.ways, *self.stay):
            yield from way.conditions()


class Scale(Part):
    """One question asked of every customer, answered by the first of its grades that fits, read downwards."""

    key: Key
    name: Bilingual
    because: Bilingual
    observe_days: Count = Field(0, alias="observe")
    is_ranked: bool = Field(True, alias="ranked")
    """Whether an earlier grade is a better one. Kinds (who buys, which age) are not: nobody is told how to become
    another."""
    grades: Annotated[tuple[Grade, ...], Field(min_length=1)] = Field(alias="grade")

    @model_validator(mode="after")
    def _grades_differ(self) -> Scale:
        seen: set[str] = set()
        for n, grade in enumerate(self.grades):
            place = ("grade", n, "key")
            if grade.key in seen:
                words = Words(f"等级 {grade.key} 写了两次", f"The grade {grade.key} is there twice")
                raise Wrong(words, place=place)
            if grade.key == NONE or (grade.key == NEW and self.observe_days):
                raise Wrong(
                    Words(
                        f"{grade.key} 这个名字留给“{'观察期' if grade.key == NEW else '没有等级'}”用，换一个",
                        f"{grade.key} is kept for "
                        f"{'observation' if grade.key == NEW else 'having no grade'}; take another name",
                    ),
                    place=place,
                )
            seen.add(grade.key)
        for n, early in enumerate(self.grades[:-1]):
            if not early.ways:
                raise Wrong(
                    Words(
                        f"{early.key} 没有条件，人人都会停在这里，后面的等级永远轮不到",
                        f"{early.key} has no conditions: everybody stops there and never gets further",
                    ),
                    place=("grade", n, "key"),
                )
        return self

    def index(self, grade: str) -> int | None:
        """Where a grade stands, 0 the best; None for new, none and grades of another scale."""
        return next((n for n, g in enumerate(self.grades) if g.key == grade), None)

    @property
    def names(self) -> dict[str, Words]:
        """What each grade is called, best first."""
        return {grade.key: grade.name for grade in self.grades}

    @property
    def outcomes(self) -> tuple[str, ...]:
        """All that a customer can be on this scale, best first; ``new`` before the grades, ``none`` last."""
        keys = tuple(grade.key for grade in self.grades)
        before = (NEW,) if self.observe_days else ()
        return (*before, *keys) if not self.grades[-1].ways else (*before, *keys, NONE)

    def facts(self) -> set[str]:
        """The facts that this scale reads, observation included."""
        read = {condition.fact for grade in self.grades for condition in grade.conditions()}
        return read | ({"days_since_first_visit"} if self.observe_days else set())


class CareRule(Part):
    """One thing that is done for customers: when, by whom, how, in what words, at what cost, and why."""

    key: Key
    name: Bilingual
    grades: tuple[str, ...] = ()
    when: When
    times_a_month: Positive | None = None
    every_days: Positive | None = None
    days_before: Count = 0
    festivals: tuple[str, ...] = ()
    days_after: Count = 0
    times_usual: Annotated[float, Field(gt=0)] | None = None
    at_least_days: Count = 0
    at_most_days: Positive | None = None
    within_days: Positive | None = None
    where: tuple[EntryField, ...] = ()
    who: Who
    channel: Channel
    do: Bilingual
    say: Bilingual
    done: Bilingual | None = None
    minutes: Count
    cost: Annotated[float, Field(ge=0)] = 0
    weight: Annotated[int, Field(strict=True, ge=1, le=5)] = 1
    because: Bilingual

    @model_validator(mode="after")
    def _fits_its_occasion(self) -> CareRule:
        allowed, needed = _SETTINGS[self.when]
        every = {setting for settings, _ in _SETTINGS.values() for setting in settings}
        for setting in sorted(every & self.model_fields_set):
            if setting not in allowed:
                raise Wrong(
                    Words(f"{self.when} 用不上 {setting}", f"{setting} has no meaning for {self.when}"),
                    setting,
                )
        for setting in needed:
            if setting not in self.model_fields_set or not getattr(self, setting):
                raise Wrong(Words(f"{self.when} 还要写 {setting}", f"{self.when} needs {setting}"))
        if self.when == "owed" and (self.times_a_month is None) == (self.every_days is None):
            raise Wrong(
                Words(
                    "owed 要写 times_a_month（一个月几次）或 every_days（隔几天），二选一",
                    "owed needs times_a_month or every_days, one of the two",
                )
            )
        if self.festivals:
            from regulars.shop.calendar import FESTIVALS

            for festival in self.festivals:
                if festival not in FESTIVALS:
                    raise did_wrong(festival, tuple(FESTIVALS), "没有这个节日", "No such festival")
        for sentence in (self.do.zh, self.do.en, self.say.zh, self.say.en):
            _check_places(sentence)
        return self

    @property
    def counts_as_done(self) -> Words:
        """What has to have happened before the task may be ticked off."""
        return self.done or _DONE[self.channel]

    def concerns(self, scale: str, grade: str) -> bool:
        """Whether a customer with this grade is meant; a rule without grades is for everybody."""
        return not self.grades or grade in self.grades or f"{scale}.{grade}" in self.grades


class Example(Part):
    """A named person who proves the playbook: what is known of her (money in yuan), what she must be.

    `was` is the grade she held before on the first scale, for proving what is enough to stay.
    """

    name: Bilingual
    facts: dict[str, Scalar]
    was: str | None = None
    grade: str | dict[str, str]

    @field_validator("facts")
    @classmethod
    def _facts_exist(cls, facts: dict[str, Scalar], info: ValidationInfo) -> dict[str, Scalar]:
        catalogue = (info.context or {}).get("catalogue")
        if catalogue is not None:
            for key, value in facts.items():
                check_kind(known(key, catalogue, key), value, key)
        return facts


class Playbook(Part):
    """Everything one way of keeping customers consists of."""

    key: Key
    version: str
    name: Bilingual
    trades: tuple[str, ...] = ()
    about: Bilingual
    reviews: Reviews | None = None
    scales: Annotated[tuple[Scale, ...], Field(min_length=1)] = Field(alias="scale")
    care: tuple[CareRule, ...] = ()
    membership: Membership | None = None
    examples: tuple[Example, ...] = Field((), alias="example")

    _own: dict[str, Any] = PrivateAttr(default_factory=dict)
    """What a shop has changed, by address (see overlay.py); empty in a shipped playbook."""

    @field_validator("version", mode="before")
    @classmethod
    def _counts_up(cls, version: Any) -> str:
        if isinstance(version, int) and not isinstance(version, bool) and version > 0:
            return str(version)
        if isinstance(version, str) and re.fullmatch(r"[1-9]\d*(\+[1-9]\d*)?", version):
            return version
        raise Wrong(Words("version 是从 1 数起的整数", "version is a whole number, counting from 1"))

    @field_validator("trades")
    @classmethod
    def _trades_exist(cls, trades: tuple[str, ...]) -> tuple[str, ...]:
        for trade in trades:
            if trade not in TRADES:
                raise did_wrong(trade, TRADES, "没有这个行业", "No such trade")
        return trades

    @model_validator(mode="after")
    def _names_meet(self) -> Playbook:
        _unique("scale", [scale.key for scale in self.scales], Words("尺度", "scale"))
        _unique("care", [rule.key for rule in self.care], Words("关怀规则", "care rule"))
        for n, rule in enumerate(self.care):
            for reference in rule.grades:
                self._check_reference(reference, ("care", n, "grades"))
        if self.membership:
            self._check_tiers(self.membership)
        for n, example in enumerate(self.examples):
            at: Place = ("example", n, "grade")
            for scale, grade in self.expected(example).items():
                if scale not in self._scale_keys:
                    raise did_wrong(scale, self._scale_keys, "没有这个尺度", "No such scale", at)
                if grade not in self.scale(scale).outcomes:
                    raise did_wrong(grade, self.scale(scale).outcomes, "没有这个等级", "No such grade", at)
            if example.was is not None and self.scales[0].index(example.was) is None:
                at = ("example", n, "was")
                raise did_wrong(example.was, self.scales[0].outcomes, "没有这个等级", "No such grade", at)
        return self

    def _check_tiers(self, membership: Membership) -> None:
        if membership.scale not in self._scale_keys:
            at: Place = ("membership", "scale")
            raise did_wrong(membership.scale, self._scale_keys, "没有这个尺度", "No such scale", at)
        tiers = tuple(self.scale(membership.scale).names)
        for tier, at in membership.tiers_named():
            if tier not in tiers:
                raise did_wrong(tier, tiers, "没有这个会员等级", "No such tier", at)

    @property
    def _scale_keys(self) -> tuple[str, ...]:
        return tuple(scale.key for scale in self.scales)

    def _check_reference(self, reference: str, at: Place) -> None:
        full = tuple(f"{scale.key}.{grade}" for scale in self.scales for grade in (*scale.outcomes, NONE))
        plain = [grade.split(".", 1)[1] for grade in full]
        if reference in full:
            return
        if plain.count(reference) == 0:
            allowed = tuple(dict.fromkeys([*plain, *full]))
            raise did_wrong(reference, allowed, "没有这个等级", "No such grade", at)
        meant = [f for f in full if f.endswith(f".{reference}")]
        if len({m.split(".")[0] for m in meant}) > 1:
            raise Wrong(
                Words(
                    f"{reference} 在几个尺度里都有，写清楚是 {' 还是 '.join(meant)}",
                    f"Several scales have {reference}: write {' or '.join(meant)}",
                ),
                place=at,
            )

    @property
    def is_own(self) -> bool:
        """Whether a shop has changed something."""
        return "+" in self.version

    @property
    def decided_on(self) -> int | None:
        """The version of the shipped playbook on which a shop decided its numbers; None when it has none."""
        return self._own.get("base")

    def scale(self, key: str) -> Scale:
        """The scale of that key; KeyError when there is none."""
        for scale in self.scales:
            if scale.key == key:
                return scale
        raise KeyError(key)

    def facts(self) -> set[str]:
        """The facts that the grades read."""
        return {fact for scale in self.scales for fact in scale.facts()}

    def care_facts(self) -> set[str]:
        """The facts that only care reads: extra conditions, and the rhythm behind late and receive."""
        read = {c.fact for rule in self.care for entry in rule.where for c in entry}
        if any(rule.when in ("late", "receive") for rule in self.care):
            read |= {"usual_gap_days", "times_usual_gap", "days_since_visit"}
        return read

    def told_facts(self, catalogue: Catalogue | None = None) -> list[str]:
        """What somebody has to record before all of the playbook works, grades and care, by key."""
        catalogue = catalogue or the_catalogue
        needed = catalogue.closure(sorted(self.facts() | self.care_facts()))
        return sorted(key for key in needed if catalogue.get(key).is_file_fact)

    def expected(self, example: Example) -> dict[str, str]:
        """What an example must be, by scale; a single word speaks of the first scale."""
        return {self.scales[0].key: example.grade} if isinstance(example.grade, str) else dict(example.grade)

    def say(self, lang: str = "zh", catalogue: Catalogue | None = None) -> str:
        """The playbook read aloud, as its owner would tell it to a new member of staff."""
        from regulars.playbooks.say import say_playbook

        return say_playbook(self, lang, catalogue or the_catalogue)


def _unique(table: str, keys: list[str], what: Words) -> None:
    for n, key in enumerate(keys):
        if key in keys[:n]:
            words = Words(f"{what.zh} {key} 写了两次", f"The {what.en} {key} is there twice")
            raise Wrong(words, place=(table, n, "key"))


def _check_places(sentence: str) -> None:
    try:
        places = [name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None]
    except ValueError:
        raise Wrong(
            Words("句子里的大括号没有成对", "A curly bracket in the sentence has no partner"), sentence
        ) from None
    for name in places:
        if name not in PLACES:
            raise Wrong(
                did_you_mean(
                    name, PLACES, f"句子里不认得 {{{name}}}", f"A sentence can't fill in {{{name}}}"
                ),
                sentence,
            )


# Who fits


@dataclass(frozen=True, slots=True)
class Fit:
    """What one customer is on one scale, with every verdict behind it.

    `index` counts from 0, the best; None for new and none. `way` is the way that held, None for a grade
    without conditions. `verdicts` holds each grade's ways in order, to tell what is missing for a better one.
    """

    grade: str
    index: int | None
    way: int | None
    verdicts: dict[str, tuple[Verdict, ...]]


def fits(row: Row, scale: Scale) -> Fit:
    """The grade that one portrait enters on this day, without regard to what she was before.

    `row` maps facts to portrait values: money in fen; facts that it lacks are unknown. Days since the first
    visit unknown means that observation is over.
    """
    verdicts = {g.key: tuple(way.evaluate(row) for way in g.ways) for g in scale.grades}
    known_for = row.get("days_since_first_visit")
    if known_for is not None and known_for < scale.observe_days:
        return Fit(NEW, None, None, verdicts)
    for index, grade in enumerate(scale.grades):
        if not grade.ways:
            return Fit(grade.key, index, None, verdicts)
        for number, verdict in enumerate(verdicts[grade.key]):
            if verdict.holds:
                return Fit(grade.key, index, number, verdicts)
    return Fit(NONE, None, None, verdicts)


def stays(row: Row, scale: Scale, grade: str) -> bool:
    """Whether one who holds `grade` keeps it by the numbers: enters it or a better one, or may stay."""
    held = scale.index(grade)
    if held is None:
        return False
    fit = fits(row, scale)
    if fit.index is not None and fit.index <= held:
        return True
    return any(way.evaluate(row).holds for way in scale.grades[held].stay)


def observed(table: ir.Table, scale: Scale) -> ir.BooleanValue:
    """Over portraits: whether a customer is still under observation on this scale."""
    if not scale.observe_days:
        import ibis

        return ibis.literal(False)
    return Condition("days_since_first_visit", "<", scale.observe_days).expression(table)


def entering(table: ir.Table, scale: Scale) -> ir.IntegerValue:
    """Over portraits: index of the first grade that fits, 0 the best, the number of grades when none does.

    Observation is told apart by `observed`.
    """
    import ibis

    branches: list[tuple[Any, Any]] = []
    for index, grade in enumerate(scale.grades):
        if not grade.ways:
            if not branches:
                return ibis.literal(index, "int8")
            return ibis.cases(*branches, else_=ibis.literal(index, "int8"))
        enters = grade.ways[0].expression(table)
        for way in grade.ways[1:]:
            enters = enters | way.expression(table)
        branches.append((enters, ibis.literal(index, "int8")))
    return ibis.cases(*branches, else_=ibis.literal(len(scale.grades), "int8"))


def staying(table: ir.Table, scale: Scale, grade_index: int) -> ir.BooleanValue:
    """Over portraits: whether one who holds that grade keeps it by the numbers; the answer of `stays`."""
    enough = entering(table, scale) <= grade_index
    for way in scale.grades[grade_index].stay:
        enough = enough | way.expression(table)
    return enough


# Reading


def library() -> tuple[str, ...]:
    """The keys of the shipped playbooks, in a fixed order."""
    return LIBRARY


def load(
    source: str | Path,
    overlay: str | Path | None = None,
    *,
    catalogue: Catalogue | None = None,
    file: str | None = None,
) -> Playbook:
    """Read a playbook: a shipped key, a file, or TOML text; with `overlay`, a shop's own numbers on top.

    A text that says ``extends = "restaurant"`` is an overlay itself and brings its playbook along. Raises
    BadPlaybook with every problem found, each with file, line and the nearest right word. The stages' facts
    have to be declared before (``import regulars.facts``).
    """
    catalogue = catalogue or the_catalogue
    if overlay is not None:
        from regulars.playbooks.overlay import adopt

        name, text = read_source(overlay)
        return adopt(text, name, load(source, catalogue=catalogue), catalogue)
    if catalogue is the_catalogue and file is None and source in (*LIBRARY, *VARIANTS):
        return _shipped(str(source))
    name, text = read_source(source)
    return _read(file or name, text, catalogue)


@cache
def _shipped(key: str) -> Playbook:
    """A playbook of the library: its file does not change while a program runs."""
    return _read(*read_source(key), the_catalogue)


def _read(name: str, text: str, catalogue: Catalogue) -> Playbook:
    data = _toml(name, text)
    if "extends" in data:
        from regulars.playbooks.overlay import adopt

        return adopt(text, name, None, catalogue)
    return validate(data, name, Lines(text), catalogue)


def read_source(source: str | Path) -> tuple[str, str]:
    """Name and text of a playbook given as key, path or text. Raises BadPlaybook when there is none."""
    if isinstance(source, str) and ("\n" in source or "=" in source):
        return "(text)", source
    if isinstance(source, str) and source in (*LIBRARY, *VARIANTS):
        name = f"{source}.toml"
        return name, (resources.files("regulars.playbooks") / "library" / name).read_text("utf-8")
    path = Path(source)
    if path.is_file():
        try:
            return path.name, path.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            words = Words("请用 UTF-8 编码保存这个文件", "Save this file with the encoding UTF-8")
            raise BadPlaybook([PlaybookProblem(path.name, line, words)]) from None
    words = did_you_mean(
        str(source), LIBRARY, f"没有叫 {source} 的打法", f"No playbook or file is called {source}"
    )
    raise BadPlaybook([PlaybookProblem(str(source), None, words)])


def _toml(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadPlaybook([syntax_problem(name, text, error)]) from None


def validate(data: Mapping[str, Any], file: str, lines: Lines, catalogue: Catalogue) -> Playbook:
    """A playbook from plain data, with every condition bound to its fact. Raises BadPlaybook."""
    try:
        return Playbook.model_validate(data, context={"catalogue": catalogue})
    except ValidationError as error:
        raise BadPlaybook(told(error, file, lines, KEYS)) from None


def _keys(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


KEYS: dict[Place, set[str]] = {
    (): _keys(Playbook) | {"extends"},
    ("reviews",): _keys(Reviews),
    ("scale",): _keys(Scale),
    ("scale", "grade"): _keys(Grade),
    ("scale", "grade", "way"): _keys(Way),
    ("scale", "grade", "stay"): _keys(Way),
    ("care",): _keys(CareRule),
    ("example",): _keys(Example),
    **{place: _keys(part) for place, part in MEMBERSHIP.items()},
}
"""The words that each table of a playbook may use."""
