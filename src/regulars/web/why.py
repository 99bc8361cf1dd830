"""Why somebody has her grade, in words: every condition with its value, what it asks for, what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from types import SimpleNamespace as Page
from typing import Any

from regulars.customers.models import Customer
from regulars.facts import catalogue
from regulars.grading.models import GradeChange
from regulars.grading.queries import Explained, portrait
from regulars.playbooks.conditions import Finding, Way, parse
from regulars.playbooks.playbook import fits
from regulars.playbooks.say import say_need
from regulars.shop.calendar import day_words
from regulars.shop.speech import lang
from regulars.shop.words import Words
from regulars.web.shown import Badges, grade_of, titled

SIGNS = {
    ">=": Words("至少 {v}", "at least {v}"),
    ">": Words("超过 {v}", "more than {v}"),
    "<=": Words("不超过 {v}", "at most {v}"),
    "<": Words("不到 {v}", "less than {v}"),
    "=": Words("是{v}", "{v}"),
    "!=": Words("不是{v}", "not {v}"),
    "in": Words("是{v}", "{v}"),
}


def spoken(fact_key: str, value: Any) -> Words:
    """A portrait's value (money in fen) as people say it; unknown is said as such."""
    fact = catalogue.get(fact_key)
    if fact.type == "date" and isinstance(value, int):
        value = date.fromordinal(value + date(1970, 1, 1).toordinal())
    return Words(fact.speak(value, "zh"), fact.speak(value, "en"))


def finding_shown(finding: Finding) -> Page:
    """One condition as the portrait shows it."""
    condition, fact = finding.condition, catalogue.get(finding.condition.fact)
    threshold = finding.threshold
    if isinstance(threshold, tuple):
        values = [spoken(fact.key, v) for v in threshold]
        said = Words(
            "或".join(s for s in ("、".join(v.zh for v in values[:-1]), values[-1].zh) if s),
            " or ".join(v.en for v in values),
        )
    else:
        said = spoken(fact.key, threshold)
    margin: Words | str = ""
    if finding.value is not None and not finding.holds and condition.is_ordered:
        margin = Words(say_need(condition, finding.value, "zh"), say_need(condition, finding.value, "en"))
    elif finding.holds and finding.margin and condition.sign == ">=" and fact.unit != "share":
        more = spoken(fact.key, finding.margin)
        margin = Words(f"多 {more.zh}", f"{more.en} to spare")
    return Page(
        name=titled(fact.name), value=None if finding.value is None else spoken(fact.key, finding.value),
        needs=said if fact.type == "yes-no" and condition.sign == "=" else SIGNS[condition.sign].fill(v=said), margin=margin, holds=finding.holds,
    )  # fmt: skip


def way_title(way: Way) -> Words:
    """What a way asks for, before its conditions are listed.

    >>> from regulars.playbooks.playbook import load
    >>> way_title(load("restaurant").scales[0].grades[0].ways[0]).zh
    '4 条里满足 2 条就行'
    """
    groups = way.groups
    if len(groups) == 1:
        how_many, entries = groups[0]
        if len(entries) == 1:
            return Words("只看这一条", "This one counts")
        if how_many == len(entries):
            return Words("{n} 条都要满足", "All {n} of these").fill(n=len(entries))
        return Words("{n} 条里满足 {k} 条就行", "{k} of these {n} will do").fill(n=len(entries), k=how_many)
    parts = [
        Words("{n} 条里占 {k} 条", "{k} of {n}").fill(n=len(entries), k=how_many) if how_many < len(entries)
        else Words("{n} 条都要", "all {n}").fill(n=len(entries))
        for how_many, entries in groups
    ]  # fmt: skip
    return Words("，再加".join(p.zh for p in parts), ", and ".join(p.en for p in parts))


def grade_shown(
    explained: Explained, facts: Mapping[str, Any], on: date, history: list[GradeChange], badges: Badges
) -> Page:
    """One scale on a portrait: the grade, why it holds, what would change it, how it has changed."""
    scale, playbook = explained.scale, explained.playbook
    fit = fits(facts, scale)
    held = scale.index(explained.grade)
    watched = (
        held
        if held is not None and scale.grades[held].ways
        else (held - 1 if held else len(scale.grades) - 1 if held is None else None)
    )
    while watched is not None and watched >= 0 and not scale.grades[watched].ways:
        watched -= 1
    ways = []
    if watched is not None and watched >= 0:
        grade = scale.grades[watched]
        for way, verdict in zip(grade.ways, fit.verdicts[grade.key], strict=True):
            title = way_title(way)
            if watched != held:
                title = Words(f"{grade.name.zh}：{title.zh}", f"{grade.name.en}: {title.en}")
            ways.append(
                Page(
                    title=title, holds=verdict.holds, conditions=[finding_shown(f) for f in verdict.findings]
                )
            )
        if watched == held and any(w.holds for w in ways) and len(ways) > 1:
            ways = [w for w in ways if w.holds][:1]
    return Page(
        scale=scale.name if len(playbook.scales) > 1 else "", grade=grade_of(scale, explained.grade), since=explained.since,
        playbook=playbook.name, playbook_key=playbook.key, sentence=_sentence(explained, fit.index, held, on), ways=ways, conditions=[],
        nexts=[next_shown(explained, one, on) for one in explained.next if not one.get("without_visit")],
        history=[
            Page(on=c.on, before=badges.badge(c.playbook, c.scale, c.was) if c.was else None,
                 after=badges.badge(c.playbook, c.scale, c.grade), why=change_why(c))
            for c in history if c.playbook == playbook.key and c.scale == scale.key
        ],
    )  # fmt: skip


def told(customer: Customer, on: date) -> Iterator[str]:
    """Why she has her grades and what would change them, line by line, for somebody who reads no page."""
    drawn, badges, speak = portrait(customer, on), Badges(), lang()

    def said(words: Words | str | None) -> str:
        return words.say(speak) if isinstance(words, Words) else words or ""

    for explained in drawn.grades:
        page = grade_shown(explained, drawn.facts, on, [], badges)
        yield " · ".join(s for s in (said(page.playbook), said(page.scale), said(page.grade.name)) if s)
        yield f"  {said(page.sentence)}"
        for way in page.ways:
            yield f"  {said(way.title)}"
            for one in way.conditions:
                mark = "?" if one.value is None else "✓" if one.holds else "✗"
                value = (
                    said(one.value)
                    if one.value is not None
                    else Words("还不知道", "not known yet").say(speak)
                )
                needs = Words("要求：{n}", "needs {n}").fill(n=one.needs).say(speak)
                yield f"    {mark} {said(one.name)} {value}  ({'; '.join(s for s in (needs, said(one.margin)) if s)})"
        for one in page.nexts:
            needed = "; ".join(s for s in (*map(said, one.needs), said(one.by)) if s)
            yield f"  → {said(one.grade.name)}: {needed}"


def _sentence(explained: Explained, fits_at: int | None, held: int | None, on: date) -> Words:
    scale = explained.scale
    if explained.grade == "new":
        said = Words(
            "刚来不久，先看看，过了 {n} 天再定级。", "She is new: no grade before {n} days are over."
        ).fill(n=scale.observe_days)
        if explained.drops_on and scale.index(explained.drops_to) is not None:
            more = Words("照现在这样，{d}会定为{g}。", " As it is, {d} makes her {g}.").fill(
                d=day_words(explained.drops_on, on), g=grade_of(scale, explained.drops_to).name
            )
            said = Words(said.zh + more.zh, said.en + more.en)
    elif held is None:
        said = Words("还没有够得上的等级。", "No grade fits yet.")
    elif not scale.grades[held].ways:
        said = Words("上面几级都还够不上。", "None of the better grades fits yet.")
    elif fits_at is not None and fits_at <= held:
        said = Words("条件都够。", "What it asks for is met.")
    else:
        said = Words("数字已经不太够，先给她留着。", "The numbers fall short; the grade is kept for now.")
    if explained.drops_on and held is not None and explained.drops_to != explained.grade:
        by = day_words(explained.drops_on, on)
        to = grade_of(scale, explained.drops_to).name
        more = Words("要是不来，{d}会到{g}。", " Without a visit she moves to {g} on {d}.").fill(d=by, g=to)
        said = Words(said.zh + more.zh, said.en + more.en)
    return said


def next_shown(explained: Explained, one: dict[str, Any], on: date) -> Page:
    needs, to_ask = [], []
    for record in one["needs"]:
        condition, value = read_record(record)
        if condition is None:
            continue
        fact = catalogue.get(condition.fact)
        need = Words(say_need(condition, value, "zh"), say_need(condition, value, "en"))
        if value is None:
            to_ask.append(fact.name)
        elif condition.is_ordered:
            needs.append(Words(f"{fact.name.zh}：{need.zh}", f"{titled(fact.name).en}: {need.en}"))
        else:
            needs.append(need)
    if to_ask:
        asked = Words("、".join(a.zh for a in to_ask), ", ".join(a.en for a in to_ask))
        needs.append(Words("还要问清：{a}", "Still to ask: {a}").fill(a=asked))
    if one["enough"] < len(needs) + max(0, len(to_ask) - 1):
        needs.append(
            Words(
                "有 {n} 条就够", "{n} of these is enough" if one["enough"] == 1 else "{n} of these are enough"
            ).fill(n=one["enough"])
        )
    by: Words | str = ""
    if one.get("visits") and not one.get("by"):
        by = Words(
            "像平常一样再来 {k} 次",
            "{k} more visits like hers" if one["visits"] > 1 else "One more visit like hers",
        ).fill(k=one["visits"])
    elif one.get("visits"):
        k = one["visits"]
        by = Words(
            "像平常一样再来 {k} 次，{d}之前",
            "{k} more visits like hers, by {d}" if k > 1 else "One more visit like hers, by {d}",
        ).fill(k=k, d=day_words(date.fromisoformat(one["by"]), on))
    return Page(grade=grade_of(explained.scale, one["grade"]), needs=needs, by=by)


def read_record(record: dict[str, Any]) -> tuple[Any, Any]:
    """A recorded condition (money in yuan) as a condition with its portrait value (money in fen)."""
    fact = catalogue.find(record["fact"])
    if fact is None:
        return None, None
    threshold = record["threshold"]
    written = (
        "[" + ", ".join(f'"{v}"' for v in threshold) + "]" if isinstance(threshold, list)
        else str(threshold).lower() if isinstance(threshold, bool) else f'"{threshold}"' if isinstance(threshold, str) else str(threshold)
    )  # fmt: skip
    value = record["value"]
    if fact.unit == "yuan" and value is not None:
        value = round(value * 100)
    return parse(f"{fact.key} {record['sign']} {written}", catalogue), value


def change_why(change: GradeChange) -> Words:
    """The facts that decided a change, in a line; what nobody knows decided nothing, nor what a visit can't change."""
    if change.grade == "new":
        return Words("刚来不久，先看一阵", "Came first not long ago and is still watched")
    up = [c for c in change.conditions if c["holds"]]
    said = []
    for record in up or change.conditions:
        condition, value = read_record(record)
        if condition is None or value is None or not (up or condition.is_ordered):
            continue
        fact = catalogue.get(condition.fact)
        shown = spoken(fact.key, value)
        said.append(Words(f"{fact.name.zh} {shown.zh}", f"{fact.name.en} {shown.en}"))
    if said:
        return Words("，".join(s.zh for s in said[:2]), ", ".join(s.en for s in said[:2]))
    if change.was == "new":
        return Words(
            "看过一阵了，哪一级都还不够", "Watched long enough; meets the conditions of no grade yet"
        )
    return Words("哪一级的条件都还不够", "Meets the conditions of no grade yet")
