"""Today's list: of all who are due, whom to contact, in which order, and who has the minutes for it.

1. Rank every candidate: the rule's weight × the value of the customer × how soon it is too late.
2. One contact per customer and day over all rules and all playbooks: the best one; the others wait and are
   named on it.
3. Give each to the person in charge of the customer, else to the least busy of the rule's role in her store.
4. Cut where the minutes end. What does not fit is kept apart and stays visible.

To receive somebody in person is a reminder for the door, no contact: it stands below all contacts, it steps
back behind a contact with the same customer if today has room for that, and it takes no minutes from calls. Its
own minutes are counted apart, so that nobody has more faces to look out for than a day holds.

Nothing is drawn by lot and no row order matters: the same day planned twice is the same list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.care.rules import whom, words
from regulars.care.rules.due import Due, days_left
from regulars.care.rules.terms import Candidate, Day, Moment, Numbers, Paused, Person, Reason, Task
from regulars.care.rules.triggers.grades import scale_of
from regulars.playbooks.playbook import CareRule
from regulars.shop.calendar import day_words
from regulars.shop.words import Words

# Who steps in where a store has nobody of the role at work today; in a small shop it all ends with the owner.
_STEPS_IN = {
    "owner": ("owner", "manager"),
    "manager": ("manager", "owner"),
    "key-account": ("key-account", "manager", "owner"),
    "front-desk": ("front-desk", "service", "manager", "owner"),
    "service": ("service", "front-desk", "manager", "owner"),
}

NO_ROOM = Words("今天的时间不够了，排在后面", "No minutes left today; it waits in line")
NOBODY = Words("今天没有人能做这件事", "Nobody at work today can do this")

Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Choice:
    """The arrays behind a plan: one place for the best contact of each customer that has an occasion today, one for
    whom to receive in person; contacts first, best rank first.

    `due`, `batch` and `at` say who was chosen (the `at`-th row that the batch found), `row` is her
    row in the table of people. `queue` holds all candidates, customer by customer; from `queue_start` to
    `queue_end` are those of the same customer. `other` is her other place, -1 where she has one only; at most
    one of the two becomes a card.
    """

    due: Whole
    batch: Whole
    row: Whole
    at: Whole
    last_on: Whole
    rank: Numbers
    value: Numbers
    queue: Whole
    queue_start: Whole
    queue_end: Whole
    other: Whole

    def also(self, i: int) -> list[tuple[int, int]]:
        """Which (due, batch) the customer of the i-th choice has today, itself among them, best first."""
        waiting = self.queue[self.queue_start[i] : self.queue_end[i]]
        return list(dict.fromkeys((int(due), int(batch)) for due, batch in waiting))


class Cards(Sequence[Task]):
    """Tasks, put into words only when somebody looks: a festival may be due for a million customers."""

    def __init__(
        self, plan: Plan, places: np.ndarray, staff: Mapping[int, Person | None], fits: bool
    ) -> None:
        self._plan = plan
        self.places = places
        self.given = staff
        self._fits = fits

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, i: int) -> Task: ...
    @overload
    def __getitem__(self, i: slice) -> list[Task]: ...
    def __getitem__(self, i: int | slice) -> Task | list[Task]:
        if isinstance(i, slice):
            return self._plan.tasks_at(self.places[i], self.given, self._fits)
        return self._plan.tasks_at(self.places[[i]], self.given, self._fits)[0]

    def __iter__(self) -> Iterator[Task]:
        for start in range(0, len(self), 5_000):
            yield from self[start : start + 5_000]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)


class Plan:
    """One day of care: `tasks` fit into the minutes, best first; `left_over` do not; `paused` kept silent."""

    def __init__(
        self,
        dues: Sequence[Due],
        choice: Choice,
        staff: Sequence[Person],
        shop: str,
    ) -> None:
        self.dues = tuple(dues)
        self.choice = choice
        self.staff = tuple(sorted(staff, key=lambda person: str(person.id)))
        self.shop = shop
        self.day = dues[0].day
        self.on = self.day.on
        self.paused: tuple[Paused, ...] = tuple(pause for each in dues for pause in each.paused)
        given, fitting, waiting = _assign(self)
        self.tasks = Cards(self, fitting, given, fits=True)
        self.left_over = Cards(self, waiting, given, fits=False)

    def of(self, person: int | str) -> list[Task]:
        """One person's list, best first."""
        return [task for task in self.tasks if task.staff is not None and task.staff.id == person]

    def minutes(self) -> dict[int | str, int]:
        """How many minutes are planned for each person; who is received in person comes by herself and takes none."""
        taken: dict[int | str, int] = {person.id: 0 for person in self.staff}
        for task in self.tasks:
            if task.staff is not None and task.candidate.rule.channel != whom.IN_PERSON:
                taken[task.staff.id] += task.minutes
        return taken

    def rule_at(self, i: int) -> CareRule:
        """The rule chosen at one place of the choice."""
        rule: CareRule = self.dues[self.choice.due[i]].batches[self.choice.batch[i]].rule
        return rule

    @property
    def number(self) -> int:
        """The day as the arrays count it."""
        return self.day.number

    @cached_property
    def place_of(self) -> dict[tuple[int, int], int]:
        """(which of the dues, row of the customer) → the place in the choice that became her card."""
        cards = [*self.tasks.places.tolist(), *self.left_over.places.tolist()]
        return {(int(self.choice.due[i]), int(self.choice.row[i])): i for i in cards}

    def tasks_at(self, places: np.ndarray, given: Mapping[int, Person | None], fits: bool) -> list[Task]:
        """Put these places of the choice into words."""
        rows: dict[int, dict[str, Any]] = {}
        for which, each in enumerate(self.dues):
            mine = [int(i) for i in places if self.choice.due[i] == which]
            if mine:
                rows.update(zip(mine, each.people.rows(self.choice.row[mine]), strict=True))
        return [self._task(int(i), rows[int(i)], given, fits) for i in places]

    def _task(self, i: int, row: Mapping[str, Any], given: Mapping[int, Person | None], fits: bool) -> Task:
        due = self.dues[self.choice.due[i]]
        candidate, reason = due.candidate(due.batches[self.choice.batch[i]], int(self.choice.at[i]), row)
        rule = candidate.rule
        person = given[i] if i in given else self._first_choice(rule, row, i)
        grade, grade_name = self._grade(candidate, row, due.day)
        values = self._values(reason, row, grade_name)
        name = words.polite_name(row["name"], row["sex"], row.get("is_company"))
        store = row["store"] or (person.store if person is not None else None)
        signature = words.signature(self.shop, store)
        who: Words | str = person.name if person is not None else words.WHO[rule.who]
        says = words.say_to_customer(
            rule.say,
            customer=name,
            staff=who,
            store=signature,
            values=values,
            in_person=rule.channel == whom.IN_PERSON,
        )
        does = words.say_to_staff(
            rule.do, {**values, "customer": name, "staff": who, "store": store or self.shop}
        )
        waits = None if fits else NOBODY if person is None else NO_ROOM
        return Task(
            candidate=candidate,
            playbook=due.playbook,
            staff=person,
            store=row["store"],
            grade=grade,
            rank=float(self.choice.rank[i]),
            ranked=self._ranked(candidate, float(self.choice.value[i])),
            do=does,
            say=says,
            minutes=rule.minutes,
            cost=round(rule.cost * 100),
            also=self._also(i, rule),
            fits=fits,
            waits=waits,
        )

    def _also(self, i: int, rule: CareRule) -> tuple[Words, ...]:
        names = (self.dues[d].batches[b].rule for d, b in self.choice.also(i))
        return tuple(dict.fromkeys(other.name for other in names if other is not rule))

    def _first_choice(self, rule: CareRule, row: Mapping[str, Any], i: int) -> Person | None:
        """Whose list a task would stand on if there were room; turn by turn, to spread what waits."""
        charge = in_charge(self.staff, row["staff_in_charge"])
        if charge is not None:
            return charge
        pool = at_work(self.staff, rule.who, row["store"])
        return pool[i % len(pool)] if pool else None

    def _grade(self, candidate: Candidate, row: Mapping[str, Any], day: Day) -> tuple[str, Words | None]:
        moment = Moment(
            candidate.rule, day, candidate.occasion, candidate.due_on, candidate.last_on, None, row
        )
        scale = scale_of(moment)
        grade = row.get(f"grade:{scale}")
        if grade is None:
            return "", None
        return grade, day.grade_name(scale, grade)

    def _values(
        self, reason: Reason, row: Mapping[str, Any], grade: Words | None
    ) -> dict[str, Words | str | int | None]:
        last_visit_on, gap = row["last_visit_on"], row["usual_gap_days"]
        days = reason.days
        if days is None and last_visit_on is not None:
            days = (self.on - last_visit_on).days
        return {
            "days": days,
            "festival": reason.festival,
            "grade": grade,
            "last_visit": None if last_visit_on is None else day_words(last_visit_on, self.on),
            "usual_gap": None if gap is None or gap != gap else f"{max(gap, 1):.0f}",
        }

    def _ranked(self, candidate: Candidate, value: float) -> Words:
        """Why it stands where it stands, in the order in which the three count."""
        left = days_left(self.day, candidate.last_on)
        soon = (
            Words("今天是最后一天", "today is the last day")
            if left == 0
            else Words(
                "还有 {n} 天可以做", "{n} days left to do it" if left > 1 else "one day left to do it"
            ).fill(n=left)
        )
        worth = (
            Words("消费高过 {share}% 的客人", "spends more than {share}% of customers").fill(
                share=int((value - 1) * 100)
            )
            if value > 1
            else Words("消费还不清楚", "spend not known")
        )
        return Words(
            f"这件事重要程度 {candidate.rule.weight}/5，{worth.zh}，{soon.zh}",
            f"weight {candidate.rule.weight} of 5, {worth.en}, {soon.en}",
        )


def plan(
    dues: Due | Sequence[Due],
    staff: Sequence[Person],
    *,
    shop: str,
    value_fact: str = "spend_in_12_months",
    promised: Promised = MappingProxyType({}),
) -> Plan:
    """Today's list from everybody who is due, over all playbooks of the shop.

    `shop` signs where a customer has no store; `value_fact` is the number that says what a customer is worth; what is
    `promised` comes first, as long as the rules still see a reason for it.
    """
    dues = [dues] if isinstance(dues, Due) else list(dues)
    return Plan(dues, choose(dues, value_fact, promised), staff, shop)


Promised = Mapping[tuple[Any, str], str]
"""(customer, rule) → the occasion that a person has put off until today."""

FIRST = 1000.0
"""What a person has put off until today stands above all that the rules find by themselves."""


def choose(
    dues: Sequence[Due], value_fact: str = "spend_in_12_months", promised: Promised = MappingProxyType({})
) -> Choice:
    """For each customer the occasion that counts most today, and the reminder for the door; the others wait."""
    parts: list[tuple[Any, ...]] = []
    customers: list[Any] = []
    for which, each in enumerate(dues):
        values = worth(each, value_fact)
        ids = each.people.table["customer"]
        for number, (rule, found) in enumerate(each.batches):
            size = len(found.rows)
            value = values[found.rows]
            # 2 on the last day, then 1.5, 1.33 …: what can wait, waits, but is never worth nothing.
            soon = 1 + 1 / (1 + np.maximum(found.last_on - each.day.number, 0))
            rank = np.round(rule.weight * value * soon, 6)
            for customer, occasion in ((c, o) for (c, key), o in promised.items() if key == rule.key):
                for place in np.flatnonzero(ids.take(pa.array(found.rows)).to_numpy() == customer):
                    rank[place] += FIRST if found.occasion_at(int(place)) == occasion else 0
            at_the_door = np.full(size, rule.channel == whom.IN_PERSON)
            parts.append((
                np.full(size, which), np.full(size, number), found.rows, np.arange(size),
                found.last_on, rank, value, at_the_door,
            ))  # fmt: skip
            customers.append(ids.take(pa.array(found.rows)))
    if not parts:
        no, none = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)
        return Choice(no, no, no, no, no, none, none, np.empty((0, 2), dtype=np.int64), no, no, no)
    due, batch, row, at, last_on, rank, value, at_the_door = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    codes = _codes(customers)
    # Within a customer: contacts before the door, then best rank first, then the order in which the playbooks
    # and their rules are written.
    queue = np.lexsort((at, batch, due, -rank, at_the_door, codes))
    customer = codes[queue]
    starts = np.flatnonzero(np.diff(customer, prepend=customer[0] - 1))
    ends = np.append(starts[1:], len(queue))
    # The first of each customer, and the first for the door where contacts stand before it.
    is_first = np.zeros(len(queue), dtype=np.bool_)
    is_first[starts] = True
    is_first[1:] |= at_the_door[queue][1:] & ~at_the_door[queue][:-1]
    chosen = queue[is_first]
    order = np.lexsort((codes[chosen], -rank[chosen], at_the_door[chosen]))
    best = chosen[order]
    whose = (np.cumsum(np.diff(customer, prepend=customer[0] - 1) != 0) - 1)[is_first][order]
    other = np.full(len(best), -1, dtype=np.int64)
    together = np.lexsort((at_the_door[best], whose))
    twice = np.flatnonzero(np.diff(whose[together]) == 0)
    other[together[twice]], other[together[twice + 1]] = together[twice + 1], together[twice]
    return Choice(
        due[best], batch[best], row[best], at[best], last_on[best], rank[best], value[best],
        np.column_stack([due[queue], batch[queue]]), starts[whose], ends[whose], other,
    )  # fmt: skip


def worth(each: Due, value_fact: str) -> Numbers:
    """What each who is due is worth beside all others: from 1 (nothing known) to 2 (nobody spends more).

    Equals share the better side, as everywhere in the house.
    """
    amounts = each.people.numbers(value_fact)
    known = np.sort(amounts[amounts > 0])
    values = np.ones(each.people.size)
    asked = np.zeros(each.people.size, dtype=np.bool_)
    for batch in each.batches:
        asked[batch.found.rows] = True
    rows = np.flatnonzero(asked & (amounts > 0))
    rows = rows[np.argsort(amounts[rows])]  # looked up in order, a million are found four times as fast
    better = len(known) - np.searchsorted(known, amounts[rows], side="right")
    values[rows] = 2 - better / max(len(known), 1)
    return values


def in_charge(staff: Sequence[Person], named: str | None) -> Person | None:
    """The person in charge of a customer, by number or name, if she is at work today."""
    if not named:
        return None
    present = [person for person in staff if person.minutes > 0]
    by_id = [person for person in present if str(person.id) == named]
    by_name = [person for person in present if person.name == named]
    return by_id[0] if by_id else by_name[0] if len(by_name) == 1 else None


def at_work(staff: Sequence[Person], role: str, store: str | None) -> list[Person]:
    """Who may do it today: the role in the customer's store, else whoever steps in for the role there.

    Somebody without a store serves all; staff of another store never does.
    """
    here = [p for p in staff if p.minutes > 0 and (p.store is None or store is None or p.store == store)]
    for steps_in in _STEPS_IN.get(role, (role,)):
        pool = [person for person in here if person.role == steps_in]
        if pool:
            return pool
    return []


def _assign(plan: Plan) -> tuple[dict[int, Person | None], Whole, Whole]:
    """Who does what, best first, until the minutes end: (who was given what, what fits, what waits).

    The person in charge comes first. If her day is full, it goes to another only on the last day on which it
    makes sense; otherwise it waits for her.
    """
    choice = plan.choice
    rules = [batch.rule for each in plan.dues for batch in each.batches]
    offsets = np.cumsum([0, *(len(each.batches) for each in plan.dues)])
    rule_of = offsets[choice.due] + choice.batch
    minutes = np.array([rule.minutes for rule in rules], dtype=np.int64)
    is_last = choice.last_on <= plan.number

    store_of, stores = _texts(plan, "store")
    pools = [[at_work(plan.staff, rule.who, store) for store in stores] for rule in rules]
    place = {person.id: number for number, person in enumerate(plan.staff)}
    named_of, names = _texts(plan, "staff_in_charge")
    charges = [in_charge(plan.staff, name) for name in names]
    charge_of = np.array([-1 if each is None else place[each.id] for each in charges], dtype=np.int64)[
        named_of
    ]

    of_day = [*(person.minutes for person in plan.staff), 0]  # the last is nobody
    budgets = np.array([of_day, of_day], dtype=np.int64)  # for contacts, and for faces to look out for
    at_the_door = np.array([rule.channel == whom.IN_PERSON for rule in rules], dtype=np.intp)
    given: dict[int, Person | None] = {}
    waiting = np.arange(len(choice.rank))
    while len(waiting):
        # Pass over, without looking at them one by one, all those for whom nobody has the minutes any more.
        room = np.array([
            [any(budgets[door, place[p.id]] >= rule.minutes for p in pool) for pool in in_store]
            for rule, door, in_store in zip(rules, at_the_door, pools, strict=True)
        ], dtype=np.bool_)  # fmt: skip
        by_role = room[rule_of[waiting], store_of[waiting]]
        charge = charge_of[waiting]
        by_charge = budgets[at_the_door[rule_of[waiting]], charge] >= minutes[rule_of[waiting]]
        waiting = waiting[np.where(charge < 0, by_role, by_charge | (by_role & is_last[waiting]))]
        block, waiting = waiting[:_BLOCK], waiting[_BLOCK:]
        for i in block.tolist():
            if choice.other[i] in given:  # today has room for a contact with her
                continue
            needs, left = rules[rule_of[i]].minutes, budgets[at_the_door[rule_of[i]]]
            number = int(charge_of[i])
            if number < 0 or (left[number] < needs and is_last[i]):
                pool = pools[rule_of[i]][store_of[i]]
                number = max((place[p.id] for p in pool), key=lambda n: left[n], default=number)
            if number >= 0 and left[number] >= needs:
                left[number] -= needs
                given[i] = plan.staff[number]
    fits = np.zeros(len(choice.rank), dtype=np.bool_)
    fits[list(given)] = True
    # One card a customer: what fits, else the contact that waits.
    has_other = choice.other >= 0
    hidden = has_other & (fits[choice.other] | at_the_door[rule_of].astype(np.bool_))
    return given, np.flatnonzero(fits), np.flatnonzero(~fits & ~hidden)


_BLOCK = 2_000


def _texts(plan: Plan, column: str) -> tuple[Whole, list[str | None]]:
    """A text of the chosen customers: for each its place in the list of different texts; 0 is unknown."""
    places = np.zeros(len(plan.choice.rank), dtype=np.int64)
    order: dict[str | None, int] = {None: 0}
    for which, each in enumerate(plan.dues):
        mine = np.flatnonzero(plan.choice.due == which)
        if not len(mine) or not each.people.has(column):
            continue
        texts = each.people.table[column].cast(pa.string()).take(pa.array(plan.choice.row[mine]))
        encoded = pa.concat_arrays(texts.chunks).dictionary_encode()
        of_text = [order.setdefault(text, len(order)) for text in encoded.dictionary.to_pylist()]
        codes = encoded.indices.cast(pa.int64()).fill_null(len(of_text)).to_numpy(zero_copy_only=False)
        places[mine] = np.array([*of_text, 0], dtype=np.int64)[codes]
    return places, list(order)


def _codes(customers: Sequence[pa.Array]) -> np.ndarray:
    """Customers as numbers in the order of their ids, the same number for the same customer in every part."""
    arrays = [
        part for each in customers for part in (each.chunks if isinstance(each, pa.ChunkedArray) else [each])
    ]
    types = {array.type for array in arrays}
    joined = pa.chunked_array([array.cast(pa.string()) for array in arrays] if len(types) > 1 else arrays)
    if pa.types.is_integer(joined.type):
        found: np.ndarray = joined.to_numpy().astype(np.int64)
        return found
    encoded = joined.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    codes: np.ndarray = places[encoded.indices.to_numpy(zero_copy_only=False)]
    return codes
