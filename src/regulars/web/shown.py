"""How records are shown on any page: a customer by her name, a grade with its place, how fresh the data are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.urls import reverse

from regulars.care.models import DayPlan
from regulars.customers.models import Customer
from regulars.customers.queries import called
from regulars.grading.actions import InForce, in_force
from regulars.grading.models import Standing
from regulars.playbooks.playbook import Playbook, Scale
from regulars.shop.calendar import day_words
from regulars.shop.models import Staff, Store
from regulars.shop.words import Words
from regulars.web.jinja import t

NEW_WORDS = Words("新客", "New")
NONE_WORDS = Words("未分级", "No grade")


@dataclass(frozen=True)
class ShownGrade:
    """A grade as a badge shows it: its letter, its name, its place from the top (1 = best)."""

    key: str
    name: Words
    rank: int


def grade_of(scale: Scale, key: str) -> ShownGrade:
    """The badge of one outcome on a scale."""
    place = scale.index(key)
    if place is not None:
        return ShownGrade(key, scale.grades[place].name, place + 1)
    return ShownGrade(key or "none", NEW_WORDS if key == "new" else NONE_WORDS, 0)


class Badges:
    """The badges of every playbook in force, looked up without asking the store again."""

    def __init__(self, holding: Iterable[InForce] | None = None) -> None:
        self.holding = list(in_force() if holding is None else holding)

    @property
    def leading(self) -> Playbook | None:
        return self.holding[0].playbook if self.holding else None

    def badge(self, playbook: str, scale: str, key: str) -> ShownGrade | None:
        found = next((h.playbook for h in self.holding if h.playbook.key == playbook), None)
        if found is None or scale not in [s.key for s in found.scales]:
            return None
        return grade_of(found.scale(scale), key)

    def by_key(self, key: str) -> ShownGrade | None:
        """A grade of the leading playbook that is named without its scale; None for a grade of another playbook."""
        if self.leading is None or not key:
            return None
        scale = next((s for s in self.leading.scales if key in s.outcomes), None)
        return grade_of(scale, key) if scale else None

    def standing(self, customers: Iterable[int]) -> dict[int, list[ShownGrade]]:
        """Where each customer stands on every scale of the leading playbook, in the order of the scales."""
        if self.leading is None:
            return {}
        held: dict[tuple[int, str], str] = {
            (s.customer_id, s.scale): s.grade
            for s in Standing.objects.filter(customer__in=list(customers), playbook=self.leading.key)
        }
        shown: dict[int, list[ShownGrade]] = {}
        for scale in self.leading.scales:
            for (customer, of), key in held.items():
                if of == scale.key:
                    shown.setdefault(customer, []).append(grade_of(scale, key))
        return shown


@dataclass(frozen=True)
class ShownCustomer:
    """A customer in a list: what she is called, the end of her phone, her page, her grades."""

    id: int
    name: str
    tail: str
    href: str
    grades: list[ShownGrade]

    @property
    def grade(self) -> ShownGrade | None:
        return self.grades[0] if self.grades else None


def customers_shown(customers: Iterable[Customer], badges: Badges, viewer: Staff) -> dict[int, ShownCustomer]:
    """These customers as lists show them to somebody, in a handful of queries however many they are."""
    # A task or a change of grade may stand with one who has been merged: it is shown with whoever stands for her.
    people = {c.id: (c.merged_into if c.merged_into_id else None) or c for c in customers}
    names, grades = called(people.values(), viewer), badges.standing({c.id for c in people.values()})
    return {
        i: ShownCustomer(
            c.id,
            names[c.id].name or t("顾客 {n}", "Customer {n}", n=c.id),
            names[c.id].tail,
            reverse("portrait", args=[c.id]),
            grades.get(c.id, []),
        )
        for i, c in people.items()
    }


@dataclass(frozen=True)
class Fresh:
    """Until when the data reach, and whether that is too old to say who stays away."""

    words: Words
    late: bool
    href: str


def freshness(today: date, plan: DayPlan | None = None, may_import: bool = True) -> Fresh | None:
    """The oldest open store decides: it is there that people would wrongly look lost."""
    stores = list(Store.objects.filter(is_open=True))
    known = [s for s in stores if s.known_until]
    if not known:
        return None
    oldest = min(known, key=lambda s: (s.known_until or today, s.id))
    assert oldest.known_until is not None
    same = all(s.known_until == oldest.known_until for s in known)
    until = day_words(oldest.known_until, today)
    words = (
        Words("数据到{d}", "Data until {d}").fill(d=until)
        if same or len(known) == 1
        else Words("{s}的数据到{d}", "{s}: data until {d}").fill(s=oldest.name, d=until)
    )
    return Fresh(words, bool(plan and plan.paused), reverse("import") if may_import else "")


def people(n: int) -> Words:
    """>>> people(1).en, people(3).zh
    ('1 customer', '3 位顾客')
    """
    return Words("{n} 位顾客", "{n} customers" if n != 1 else "1 customer").fill(n=f"{n:,}")


def things(n: int) -> Words:
    """>>> things(1).en, things(8).zh
    ('1 thing', '8 件事')
    """
    return Words("{n} 件事", "{n} things" if n != 1 else "1 thing").fill(n=n)


def titled(words: Words) -> Words:
    """Words that stand by themselves: English begins with a capital.

    >>> titled(Words("平常隔几天来一次", "usual gap between visits")).en
    'Usual gap between visits'
    """
    return Words(words.zh, words.en[:1].upper() + words.en[1:])
