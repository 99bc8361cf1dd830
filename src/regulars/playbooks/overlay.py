"""A shop's own numbers and words, kept apart from the playbook that they change.

    extends = "restaurant"
    base = 1
    version = 3

    [numbers]
    "main.a.1.spend_in_30_days" = 6000   # 原来：A 类：最近 30 天消费满 5000 元
    "care.call-a.minutes" = 8

    [words]
    "care.call-a.say" = { zh = "…", en = "…" }

An address reads from outside in: scale, grade, which way (counted from 1), fact. A `stay` is counted as
``stay1``; where one way compares a fact twice, the second is ``fact#2``. Addresses speak of the playbook as
shipped, so they stay the same however often numbers change. The version of the whole is ``1+3``: the shop's
third on the playbook's first. `base` says on which version the shop's numbers were decided.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import tomlkit

from regulars.playbooks.catalogue import MAX_WINDOW_DAYS, UNITS, Catalogue
from regulars.playbooks.catalogue import catalogue as the_catalogue
from regulars.playbooks.conditions import Condition, Way
from regulars.playbooks.playbook import CareRule, Grade, Playbook, Scale, load, validate
from regulars.playbooks.problems import (
    BadPlaybook,
    Lines,
    PlaybookProblem,
    did_you_mean,
    nearest,
    syntax_problem,
)
from regulars.playbooks.say import say_condition, say_when
from regulars.shop.words import Words

_OVERLAY_KEYS = ("extends", "base", "version", "key", "name", "about", "numbers", "words", "example")

MOST = 10**9
"""More than any shop turns over; a number above it is a slip of the finger."""


class Number(NamedTuple):
    """One number of a playbook that its owner may change: where it stands, what it means, and within what."""

    address: str
    words: Words
    unit: Words
    value: int | float
    least: int | float
    most: int | float
    whole: bool


class _Spot(NamedTuple):
    """Where a number stands in a playbook's plain data, and how it is read and written there."""

    number: Number
    path: tuple[str | int, ...]
    condition: Condition | None


def numbers(playbook: Playbook, catalogue: Catalogue | None = None) -> list[Number]:
    """Every number of a playbook, in the order in which it is read aloud.

    >>> import regulars.facts
    >>> first = numbers(load("snack"))[0]
    >>> first.address, first.value, first.words.en
    ('main.a.1.visits_in_30_days', 15, 'A: visits in the last 30 days at least 15 times')
    """
    return [spot.number for spot in _spots(playbook, catalogue or the_catalogue)]


def with_numbers(
    playbook: Playbook,
    changed: Mapping[str, int | float],
    words: Mapping[str, Words] | None = None,
    *,
    catalogue: Catalogue | None = None,
) -> tuple[str, Playbook]:
    """A shop's new numbers: the text of its overlay, and the playbook as it is with them.

    Numbers changed earlier stay changed; a number set back to the shipped one leaves the overlay. Raises
    BadPlaybook for an address that does not exist or a value out of its bounds.

    >>> import regulars.facts
    >>> text, own = with_numbers(load("snack"), {"main.a.1.visits_in_30_days": 12})
    >>> own.version, str(own.scales[0].grades[0].ways[0].all[0][0])
    ('1+1', 'visits_in_30_days >= 12')
    """
    catalogue = catalogue or the_catalogue
    base = shipped(playbook, catalogue)
    own_numbers = {**playbook._own.get("numbers", {}), **changed}
    own_words = {**playbook._own.get("words", {}), **{at: w._asdict() for at, w in (words or {}).items()}}
    known = {spot.number.address: spot.number for spot in _spots(base, catalogue)}
    kept = {at: value for at, value in own_numbers.items() if at not in known or value != known[at].value}
    version = int(playbook.version.partition("+")[2] or 0) + 1
    document = tomlkit.document()
    document["extends"] = playbook._own.get("extends", base.key)
    document["base"] = int(base.version)
    document["version"] = version
    for setting in ("key", "name", "about"):
        if setting in playbook._own:
            document[setting] = _inline(playbook._own[setting])
    if kept:
        table = tomlkit.table()
        for address, value in kept.items():
            item = tomlkit.item(value)
            if address in known:
                item.comment(f"原来：{known[address].words.zh}")
            table.add(address, item)
        document["numbers"] = table
    if own_words:
        table = tomlkit.table()
        for address, said in own_words.items():
            table.add(address, _inline(said))
        document["words"] = table
    if "example" in playbook._own:
        document["example"] = playbook._own["example"]
    text = tomlkit.dumps(document)
    return text, adopt(text, "(numbers)", base, catalogue)


def shipped(playbook: Playbook, catalogue: Catalogue | None = None) -> Playbook:
    """The playbook without a shop's own changes; itself when there are none."""
    base = playbook._own.get("shipped")
    return base if isinstance(base, Playbook) else playbook


def adopt(text: str, file: str, base: Playbook | None, catalogue: Catalogue) -> Playbook:
    """A playbook with an overlay on top. `base` None: the playbook that the overlay says it extends.

    Raises BadPlaybook with every problem, each with its line in the overlay.
    """
    lines = Lines(text)
    try:
        overlay = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadPlaybook([syntax_problem(file, text, error)]) from None
    problems = list(_misplaced(overlay, file, lines))
    if base is None:
        base = load(str(overlay.get("extends")), catalogue=catalogue)
    elif base.key != overlay.get("extends") and shipped(base).key != overlay.get("extends"):
        words = Words(
            f"这份改动是给 {overlay.get('extends')} 的，不是 {base.key}",
            f"These changes are for {overlay.get('extends')}, not for {base.key}",
        )
        raise BadPlaybook([PlaybookProblem(file, lines.of(("extends",)), words)])
    base = shipped(base)
    data = _plain(base)
    version = overlay.get("version", 1)
    if isinstance(version, int) and not isinstance(version, bool) and version > 0:
        data["version"] = f"{base.version}+{version}"
    else:
        words = Words("version 是从 1 数起的整数", "version is a whole number, counting from 1")
        problems.append(PlaybookProblem(file, lines.of(("version",)), words))
    for setting in ("key", "name", "about"):
        if setting in overlay:
            data[setting] = overlay[setting]
    data["example"] = overlay.get("example", [])
    spots = {spot.number.address: spot for spot in _spots(base, catalogue)}
    for address, value in overlay.get("numbers", {}).items():
        wrong = _set_number(data, spots, address, value)
        if wrong:
            problems.append(PlaybookProblem(file, lines.of(("numbers", address)), wrong))
    sayings = dict(_sayings(base))
    for address, value in overlay.get("words", {}).items():
        if address not in sayings:
            words = did_you_mean(address, sayings, f"没有 {address} 这句话", f"No words stand at {address}")
            problems.append(PlaybookProblem(file, lines.of(("words", address)), words))
            continue
        _put(data, sayings[address], value)
    if problems:
        raise BadPlaybook(problems)
    playbook = validate(data, file, _OverlayLines(lines, sayings), catalogue)
    playbook._own.update({key: overlay[key] for key in _OVERLAY_KEYS if key in overlay and key != "version"})
    playbook._own["shipped"] = base
    return playbook


class _OverlayLines(Lines):
    """Finds the line in the overlay for a place that validation names in the whole playbook."""

    def __init__(self, lines: Lines, sayings: Mapping[str, tuple[str | int, ...]]) -> None:
        self._lines = lines
        self._address = {path: address for address, path in sayings.items()}

    def of(self, place: Any, text: str | None = None) -> int | None:
        address = self._address.get(tuple(place))
        return self._lines.of(("words", address) if address else place, text)


def _misplaced(overlay: Mapping[str, Any], file: str, lines: Lines) -> Iterator[PlaybookProblem]:
    for key in overlay:
        if key not in _OVERLAY_KEYS:
            words = did_you_mean(
                key, _OVERLAY_KEYS, f"这里没有 {key} 这一项", f"Nothing here is called {key}"
            )
            yield PlaybookProblem(file, lines.of((key,)), words)


def _set_number(data: dict[str, Any], spots: Mapping[str, _Spot], address: str, value: Any) -> Words | None:
    """Write one number into plain data; what is wrong with it, if anything."""
    spot = spots.get(address)
    if spot is None:
        near = nearest(address, spots)
        return Words(
            f"没有 {address} 这个数" + (f"；是不是 {near}？" if near else ""),
            f"No number stands at {address}" + (f"; did you mean {near}?" if near else ""),
        )
    number = spot.number
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return Words(f"{address} 要的是数字", f"{address} takes a number")
    if not number.least <= value <= number.most:
        return Words(
            f"{address} 要在 {number.least} 和 {number.most} 之间，这里是 {value}",
            f"{address} has to be between {number.least} and {number.most}, not {value}",
        )
    if number.whole and value != int(value):
        return Words(f"{address} 要的是整数，这里是 {value}", f"{address} takes a whole number, not {value}")
    if spot.condition is None:
        _put(data, spot.path, int(value) if number.whole else value)
        return None
    line = str(
        Condition(spot.condition.fact, spot.condition.sign, int(value) if value == int(value) else value)
    )
    _put(data, spot.path, line)
    return None


# Where everything stands


def _plain(playbook: Playbook) -> dict[str, Any]:
    """A playbook as the plain data of its file; entries become lists, so that each line has its place."""
    data: dict[str, Any] = playbook.model_dump(by_alias=True, exclude_unset=True, mode="python")
    data["version"] = playbook.version
    for s, scale in enumerate(playbook.scales):
        for g, grade in enumerate(scale.grades):
            for kind, ways in (("way", grade.ways), ("stay", grade.stay)):
                if ways:
                    data["scale"][s]["grade"][g][kind] = [_plain_way(way) for way in ways]
    for n, rule in enumerate(playbook.care):
        if rule.where:
            data["care"][n]["where"] = [[str(c) for c in entry] for entry in rule.where]
    listed: dict[str, Any] = _listed(data)
    return listed


def _plain_way(way: Way) -> dict[str, Any]:
    plain: dict[str, Any] = {
        group: [[str(c) for c in entry] for entry in entries]
        for group, entries in (("all", way.all), ("any", way.any), ("of", way.of))
        if entries
    }
    if way.at_least is not None:
        plain["at_least"] = way.at_least
    return plain


def _listed(data: Any) -> Any:
    """Tuples as lists, so that a line can be replaced."""
    if isinstance(data, dict):
        return {key: _listed(value) for key, value in data.items()}
    if isinstance(data, list | tuple) and not isinstance(data, Words):
        return [_listed(value) for value in data]
    return data


def _put(data: Any, path: tuple[str | int, ...], value: Any) -> None:
    for part in path[:-1]:
        data = data[part]
    data[path[-1]] = value


def _spots(playbook: Playbook, catalogue: Catalogue) -> Iterator[_Spot]:
    names: dict[str, str] = {}
    if playbook.is_own:
        # Addresses speak of the playbook as shipped; the shapes are the same, only numbers and words differ.
        originals = _spots(shipped(playbook), catalogue)
        names = {repr(spot.path): spot.number.address for spot in originals}
    for spot in _found(playbook, catalogue):
        address = names.get(repr(spot.path), spot.number.address)
        yield spot._replace(number=spot.number._replace(address=address))


def _found(playbook: Playbook, catalogue: Catalogue) -> Iterator[_Spot]:
    for s, scale in enumerate(playbook.scales):
        if scale.observe_days:
            words = Words(f"{scale.name.zh}：头几天算新客", f"{scale.name.en}: days of being new")
            number = Number(f"{scale.key}.observe", words, UNITS["days"], scale.observe_days, 1, 366, True)
            yield _Spot(number, ("scale", s, "observe"), None)
        for g, grade in enumerate(scale.grades):
            yield from _of_grade(scale, grade, ("scale", s, "grade", g), catalogue)
    for n, rule in enumerate(playbook.care):
        yield from _of_care(rule, ("care", n), catalogue)


def _of_grade(
    scale: Scale, grade: Grade, path: tuple[str | int, ...], catalogue: Catalogue
) -> Iterator[_Spot]:
    at = f"{scale.key}.{grade.key}"
    for kind, prefix, ways in (("way", "", grade.ways), ("stay", "stay", grade.stay)):
        for w, way in enumerate(ways):
            yield from _of_way(way, f"{at}.{prefix}{w + 1}", grade.name, (*path, kind, w), catalogue)
    if grade.grace_days:
        words = Words(f"{grade.name.zh}：不够了先留几天", f"{grade.name.en}: days kept after falling short")
        yield _Spot(
            Number(f"{at}.grace", words, UNITS["days"], grade.grace_days, 0, 366, True),
            (*path, "grace"),
            None,
        )


def _of_way(
    way: Way, at: str, name: Words, path: tuple[str | int, ...], catalogue: Catalogue
) -> Iterator[_Spot]:
    if way.at_least is not None:
        words = Words(
            f"{name.zh}：{len(way.of)} 条里占几条", f"{name.en}: how many of the {len(way.of)} it takes"
        )
        number = Number(f"{at}.at_least", words, Words("条", "of them"), way.at_least, 1, len(way.of), True)
        yield _Spot(number, (*path, "at_least"), None)
    seen: dict[str, int] = {}
    for group, entries in (("all", way.all), ("any", way.any), ("of", way.of)):
        for e, entry in enumerate(entries):
            for c, condition in enumerate(entry):
                spot = _of_condition(condition, at, name, (*path, group, e, c), seen, catalogue)
                if spot:
                    yield spot


def _of_condition(
    condition: Condition,
    at: str,
    name: Words,
    path: tuple[str | int, ...],
    seen: dict[str, int],
    catalogue: Catalogue,
) -> _Spot | None:
    value = condition.value
    if isinstance(value, str | bool | tuple):
        return None
    seen[condition.fact] = seen.get(condition.fact, 0) + 1
    again = f"#{seen[condition.fact]}" if seen[condition.fact] > 1 else ""
    fact = catalogue.get(condition.fact)
    said = [say_condition(condition, lang, catalogue) for lang in ("zh", "en")]
    most = {"share": 1, "score": 5, "days": MAX_WINDOW_DAYS}.get(fact.unit, MOST)
    least = 1 if fact.unit == "score" else 0
    whole = fact.unit in ("times", "days", "weeks", "months", "people", "score", "years")
    words = Words(f"{name.zh}：{said[0]}", f"{name.en}: {said[1]}")
    number = Number(f"{at}.{condition.fact}{again}", words, UNITS[fact.unit], value, least, most, whole)
    return _Spot(number, path, condition)


_CARE: tuple[tuple[str, Words, Words, int | float, int | float], ...] = (
    ("times_a_month", Words("每月几次", "times a month"), UNITS["times"], 1, 31),
    ("every_days", Words("隔几天一次", "days from one to the next"), UNITS["days"], 1, 1100),
    ("days_before", Words("提前几天", "days ahead"), UNITS["days"], 0, 60),
    ("days_after", Words("之后几天", "days after"), UNITS["days"], 0, 1100),
    ("times_usual", Words("晚到平常的几倍", "times the usual gap"), UNITS["ratio"], 1, 20),
    ("at_least_days", Words("至少几天没来", "days away at least"), UNITS["days"], 0, 1100),
    ("at_most_days", Words("最多几天没来", "days away at most"), UNITS["days"], 1, 3660),
    ("within_days", Words("几天内要掉级", "days before it is lost"), UNITS["days"], 1, 366),
    ("minutes", Words("要花几分钟", "minutes it takes"), UNITS["minutes"], 0, 480),
    ("cost", Words("最多花多少钱", "cost at most"), UNITS["yuan"], 0, 100000),
    ("weight", Words("要紧程度，1 到 5", "how much it matters, 1 to 5"), Words("分", "points"), 1, 5),
)
"""The numbers of a care rule, each with its bounds: what a person could still mean, and nothing beyond."""


def _of_care(rule: CareRule, path: tuple[str | int, ...], catalogue: Catalogue) -> Iterator[_Spot]:
    when = say_when(rule)
    for setting, what, unit, least, most in _CARE:
        value = getattr(rule, setting)
        if value is None or setting not in rule.model_fields_set:
            continue
        words = Words(f"{rule.name.zh}（{when.zh}）：{what.zh}", f"{rule.name.en} ({when.en}): {what.en}")
        whole = setting not in ("times_usual", "cost")
        if not whole:
            value = int(value) if value == int(value) else float(value)
        number = Number(f"care.{rule.key}.{setting}", words, unit, value, least, most, whole)
        yield _Spot(number, (*path, setting), None)
    seen: dict[str, int] = {}
    for e, entry in enumerate(rule.where):
        for c, condition in enumerate(entry):
            at = f"care.{rule.key}.where"
            spot = _of_condition(condition, at, rule.name, (*path, "where", e, c), seen, catalogue)
            if spot:
                yield spot


def _sayings(playbook: Playbook) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Every sentence that a shop may word in its own way, by address."""
    for s, scale in enumerate(playbook.scales):
        for setting in ("name", "because"):
            yield f"{scale.key}.{setting}", ("scale", s, setting)
        for g, grade in enumerate(scale.grades):
            for setting in ("name", "because"):
                yield f"{scale.key}.{grade.key}.{setting}", ("scale", s, "grade", g, setting)
    for n, rule in enumerate(playbook.care):
        for setting in ("name", "do", "say", "done", "because"):
            yield f"care.{rule.key}.{setting}", ("care", n, setting)


def sayings(playbook: Playbook) -> dict[str, Words]:
    """Every sentence of a playbook that a shop may word in its own way, by address.

    >>> import regulars.facts
    >>> sayings(load("restaurant"))["main.a.name"].zh
    'A 类'
    """
    found = {}
    for address, path in _sayings(playbook):
        place: Any = playbook
        for part in path:
            name = {"scale": "scales", "grade": "grades"}.get(str(part), str(part))
            place = place[part] if isinstance(part, int) else getattr(place, name)
        if place is not None:
            found[address] = place
    return found


def _inline(value: Any) -> Any:
    if isinstance(value, Words):
        value = value._asdict()
    if not isinstance(value, Mapping):
        return value
    table = tomlkit.inline_table()
    table.update(value)
    return table
