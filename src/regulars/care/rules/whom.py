"""For whom a rule is meant, and whom it may reach: grades, conditions, refusals, holds, presents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.care.rules.people import People, mask_of
from regulars.care.rules.terms import Mask
from regulars.playbooks.conditions import Condition
from regulars.playbooks.playbook import CareRule

IN_PERSON = "in-person"
"""Receiving somebody who comes by herself is no contact: none that one could refuse, none that counts as today's."""

# What needs a phone or a chat to reach somebody.
_NEEDS_A_LINE = frozenset({"call", "message"})


def grades_of(rule: CareRule, scale: str) -> list[str]:
    """The grades of one scale that a rule names, as "a" or as "scale.a"."""
    dotted = f"{scale}."
    return [
        grade.removeprefix(dotted) for grade in rule.grades if "." not in grade or grade.startswith(dotted)
    ]


def has_grade(rule: CareRule, people: People, scale: str) -> Mask:
    """Who has on this scale one of the grades that the rule names; everybody if it names none."""
    if not rule.grades:
        return np.ones(people.size, dtype=np.bool_)
    return people.among(f"grade:{scale}", grades_of(rule, scale))


def meant(rule: CareRule, people: People) -> Mask:
    """For whom a rule is meant: one of its grades on any scale, and every further condition holds."""
    if rule.grades:
        mask = np.zeros(people.size, dtype=np.bool_)
        for scale in people.scales():
            mask |= has_grade(rule, people, scale)
    else:
        mask = np.ones(people.size, dtype=np.bool_)
    for entry in rule.where:
        for condition in entry:
            mask &= holds(condition, people)
    return mask


def unknown_facts(rule: CareRule, people: People) -> list[str]:
    """The facts that a rule asks for and nobody has drawn: it would be silent without anybody knowing why."""
    return [c.fact for entry in rule.where for c in entry if not people.has(c.fact)]


def holds(condition: Condition, people: People) -> Mask:
    """Who satisfies one condition; unknown never does, not even a "!="."""
    if not people.has(condition.fact):
        return np.zeros(people.size, dtype=np.bool_)
    column: Any = people.table[condition.fact]
    threshold: Any = condition.threshold
    if pa.types.is_null(column.type):
        return np.zeros(people.size, dtype=np.bool_)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    match condition.sign:
        case ">=":
            found = pc.greater_equal(column, threshold)
        case ">":
            found = pc.greater(column, threshold)
        case "<=":
            found = pc.less_equal(column, threshold)
        case "<":
            found = pc.less(column, threshold)
        case "=":
            found = pc.equal(column, threshold)
        case "!=":
            found = pc.not_equal(column, threshold)
        case _:
            # One by one, so that a whole number in the list meets a column of fractions.
            found = pc.fill_null(pc.equal(column, threshold[0]), False)
            for value in threshold[1:]:
                found = pc.or_(found, pc.fill_null(pc.equal(column, value), False))
    return mask_of(found)


def may_be_reached(rule: CareRule, people: People, today: int) -> Mask:
    """Whom a rule may reach today: nobody twice on a day, nobody against her will, no present to an official.

    A contact today, a refusal (`may_contact` false, `refuses_contact` true), a hold (`held_until` not yet
    over) and a missing phone or chat (`reachable` false) keep staff from calling and writing, not from
    receiving her well when she comes. A channel that her consent shuts (`shut`) is not used; whoever refuses
    decisions made by the system alone (`refuses_automation`) gets no task that nobody has thought of for her.
    """
    mask: Mask = ~people.is_true("refuses_automation") & ~is_shut(rule, people)
    if rule.channel != IN_PERSON:
        mask &= people.numbers("contacted_on") != today
        mask &= ~refuses(people) & ~is_held(people, today)
        if rule.channel in _NEEDS_A_LINE:
            mask &= ~people.is_false("reachable")
    if is_present(rule):
        mask &= ~is_official(people)
    return mask


def is_shut(rule: CareRule, people: People) -> Mask:
    """Whom consent, or the want of it, shuts to the channel of a rule: `shut` names the channels, a space between."""
    if not people.has("shut"):
        return np.zeros(people.size, dtype=np.bool_)
    return mask_of(pc.match_substring(people.table["shut"].cast(pa.string()), rule.channel))


def is_official(people: People) -> Mask:
    """Who is a public official, by the mark or by her occupation: no presents (Criminal Law, articles 389 and 390)."""
    found: Mask = people.is_true("public_official") | people.among("occupation", ["official"])
    return found


def refuses(people: People) -> Mask:
    """Who does not want to be contacted."""
    found: Mask = people.is_false("may_contact") | people.is_true("refuses_contact")
    return found


def is_held(people: People, today: int) -> Mask:
    """Who is to be left in peace for a while, up to and including the last day of the hold."""
    found: Mask = people.numbers("held_until") >= today
    return found


def is_present(rule: CareRule) -> bool:
    """Whether a rule gives something of value away."""
    return rule.channel == "gift" or rule.cost > 0


def needs_a_line(rule: CareRule) -> bool:
    """Whether a rule needs a phone or a chat to reach somebody."""
    return rule.channel in _NEEDS_A_LINE
