"""Finding who may be one: one pass over everybody that looks only at pairs which share something telling.

1. Read what is known of all who stand for themselves into columns of numbers. Phones and addresses are opened one after
   the other in this process; nothing of them is written anywhere.
2. Pairs come from blocks: the same phone, a phone one slip apart (each place left out in turn, each two neighbours in
   order), a masked phone that fits, a family name with one day of birth, a name with one birthday, an address. Never all
   pairs, and a block that too many share is passed over.
3. Each pair is put before `rules.likeness`; what it proposes is kept, what a person has decided stays decided.

A million customers take a few minutes and a gigabyte of memory (benchmarks/duplicates_million.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from django.db import transaction
from django.utils import timezone

from regulars.customers.knowing import MERGED
from regulars.customers.models import Customer, Detail, Likely, LikelyState, Link, Portrait
from regulars.customers.rules import likeness
from regulars.customers.rules.joining import SHARED_AFTER
from regulars.customers.rules.likeness import Known, Verdict, bare, fold_address, read_mask, verdict
from regulars.customers.rules.names import sounds, surname_of
from regulars.sales.models import Batch, Identity, Pairing
from regulars.shop import bulk
from regulars.shop.keys import keys
from regulars.shop.words import Words

Progress = Callable[[int, int, Words], None]

CROWD = 60
"""So many customers who share a key are a crowd (a placeholder's birthday, a hotel's address) and no candidates."""

Pairs = np.ndarray
"""Pairs of places, packed: the smaller place in the upper half."""


@dataclass(frozen=True)
class Found:
    """What a pass came to: pairs looked at, proposals that are new, that still stand, that have lost their reason."""

    looked_at: int
    new: int
    kept: int
    dropped: int


def find_likely(only: Iterable[int] | None = None, progress: Progress | None = None) -> Found:
    """Propose who may be one. `only`: look at pairs with at least one of these customers (those of an import), and
    leave other proposals as they are."""
    tell = progress or (lambda done, total, step: None)
    tell(0, 3, Words("读顾客档案", "Reading the files of customers"))
    base = Base.read()
    tell(1, 3, Words("找可能是同一个人的", "Looking for those who may be one"))
    chosen = None if only is None else base.places(only)
    pairs = base.candidates(chosen)
    tell(2, 3, Words("一对一对地看", "Looking at each pair"))
    found, known = {}, base.reader(pairs)
    for one, other in zip((pairs >> 32).tolist(), (pairs & 0xFFFFFFFF).tolist(), strict=True):
        said = verdict(known(one), known(other))
        if said is not None:
            found[int(base.ids[one]), int(base.ids[other])] = said
    result = _keep(found, None if only is None else set(only), len(pairs))
    tell(3, 3, Words("好了", "Done"))
    return result


# --- what is known of everybody --------------------------------------------------------------------------------------


class Codes:
    """Texts as small numbers; 0 is nothing."""

    def __init__(self) -> None:
        self.texts: list[str] = [""]
        self.numbers: dict[str, int] = {"": 0}

    def of(self, text: str) -> int:
        number = self.numbers.get(text)
        if number is None:
            number = self.numbers[text] = len(self.texts)
            self.texts.append(text)
        return number

    def map(self, what: Callable[[str], str]) -> tuple[np.ndarray, Codes]:
        """For each text the number of what it is turned into."""
        other = Codes()
        return np.array([other.of(what(text)) if text else 0 for text in self.texts], "int64"), other


@dataclass
class Base:
    """Everybody who stands for herself, a column for each thing that tells her from others; `phone_of` and `mask_of`
    are rows of (place, number), since she may have several."""

    ids: np.ndarray
    name: np.ndarray
    names: Codes
    sex: np.ndarray
    birthday: np.ndarray
    birthdays: Codes
    is_company: np.ndarray
    number_of: np.ndarray
    store: np.ndarray
    address: np.ndarray
    addresses: Codes
    phone_of: np.ndarray
    mask_of: list[tuple[int, str]]

    @classmethod
    def read(cls) -> Base:
        customer = Customer._meta.db_table
        names, birthdays, addresses = Codes(), Codes(), Codes()
        parts: list[np.ndarray] = []
        sql = (
            f"SELECT id, name, sex, birthday, is_company FROM {customer} WHERE merged_into_id IS NULL AND NOT is_gone "
            "ORDER BY id"
        )
        for rows in _chunks(sql):
            parts.append(np.array([
                (i, names.of(name), {"": 0, "female": 1}.get(sex, 2), birthdays.of(birthday), bool(company))
                for i, name, sex, birthday, company in rows
            ], "int64"))  # fmt: skip
        table = np.concatenate(parts) if parts else np.empty((0, 5), "int64")
        ids, n = table[:, 0].copy(), len(table)
        base = cls(
            ids, table[:, 1].copy(), names, table[:, 2].astype("int8"), table[:, 3].copy(), birthdays, table[:, 4] == 1,
            np.empty((0, 2), "int64"), np.zeros(n, "int64"), np.zeros(n, "int64"), addresses, np.empty((0, 2), "int64"), [],
        )  # fmt: skip
        stores = f"SELECT customer_id, last_store FROM {Portrait._meta.db_table} WHERE last_store IS NOT NULL"
        for rows in _chunks(stores):
            pairs = np.array(rows, "int64").reshape(-1, 2)
            at, there = base.at(pairs[:, 0])
            base.store[at[there]] = pairs[there, 1]
        base._read_numbers()
        base._read_phones()
        base._read_details()
        return base

    def at(self, customers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of customers, and which of them stand for themselves."""
        place = np.searchsorted(self.ids, customers)
        there = place < len(self.ids)
        there[there] = self.ids[place[there]] == customers[there]
        return place, there

    def places(self, customers: Iterable[int]) -> np.ndarray:
        place, there = self.at(np.fromiter(customers, "int64"))
        found: np.ndarray = place[there]
        return found

    def _read_numbers(self) -> None:
        """Her member numbers and cards in one form, 62 bits of each."""
        link, identity = Link._meta.db_table, Identity._meta.db_table
        unseal = keys().unseal
        sql = (
            f"SELECT l.customer_id, i.written FROM {identity} i JOIN {link} l ON l.identity_id = i.id "
            "WHERE i.kind IN ('member', 'card')"
        )
        parts = [np.empty((0, 2), "int64")]
        for rows in _chunks(sql):
            marks = [hash(likeness.fold_number(unseal(written))) >> 2 for _, written in rows]
            at, there = self.at(np.array([c for c, _ in rows], "int64"))
            parts.append(np.stack([at, np.array(marks, "int64")], axis=1)[there])
        self.number_of = np.concatenate(parts)

    def _read_phones(self) -> None:
        """Her phones: those that are hers, and those that stand beside her numbers and belong to nobody for sure."""
        link, identity, pairing, batch = (m._meta.db_table for m in (Link, Identity, Pairing, Batch))
        unseal = keys().unseal
        numbers: dict[int, int] = {}
        owners: list[np.ndarray] = []
        own = (
            f"SELECT i.id, l.customer_id, i.written FROM {identity} i JOIN {link} l ON l.identity_id = i.id "
            "WHERE i.kind = 'phone' AND NOT i.is_shared"
        )
        for rows in _chunks(own):
            owners.append(np.array([(c, i) for i, c, _ in rows], "int64").reshape(-1, 2))
            numbers.update((i, _mobile(unseal(written))) for i, _, written in rows)
        beside = (
            f"SELECT l.customer_id, i.id FROM {identity} i JOIN {pairing} p ON p.other_id = i.id "
            f"JOIN {batch} b ON b.id = p.batch_id JOIN {link} l ON l.identity_id = p.one_id "
            f"WHERE i.kind = 'phone' AND NOT i.is_shared AND b.state = 'complete' AND b.reader <> '{MERGED}'"
        )
        for rows in _chunks(beside):
            owners.append(np.array(rows, "int64").reshape(-1, 2))
        found = np.concatenate(owners) if owners else np.empty((0, 2), "int64")
        at, there = self.at(found[:, 0])
        known = [numbers.get(int(i)) or -int(i) for i in found[there, 1]]
        self.phone_of = np.unique(np.stack([at[there], np.array(known, "int64")], axis=1), axis=0)

    def _read_details(self) -> None:
        """Addresses and masked phones, the latest word on each."""
        detail, link, customer = (m._meta.db_table for m in (Detail, Link, Customer))
        unseal = keys().unseal
        sql = (
            f"SELECT COALESCE(c.merged_into_id, c.id), d.key, d.sealed FROM {detail} d "
            f"LEFT JOIN {link} l ON l.identity_id = d.identity_id "
            f"JOIN {customer} c ON c.id = COALESCE(d.customer_id, l.customer_id) "
            "WHERE d.key IN ('address', 'masked_phone') AND d.sealed IS NOT NULL ORDER BY d.id"
        )
        masks: dict[tuple[int, str], None] = {}
        for rows in _chunks(sql):
            at, there = self.at(np.array([c for c, _, _ in rows], "int64"))
            for place, is_there, (_, key, sealed) in zip(at.tolist(), there.tolist(), rows, strict=True):
                if not is_there:
                    continue
                text = unseal(sealed)
                if key == "address":
                    self.address[place] = self.addresses.of(fold_address(text))
                elif mask := read_mask(text):
                    masks[place, mask] = None
        self.mask_of = list(masks)

    # --- candidates -----------------------------------------------------------------------------------------------

    def candidates(self, chosen: np.ndarray | None = None) -> Pairs:
        """All pairs worth a look, each once, upwards."""
        asked = np.ones(len(self.ids), bool)
        if chosen is not None:
            asked[:] = False
            asked[chosen] = True
        parts = [np.empty(0, "int64")]
        for pairs in self._blocks():
            one, other = pairs >> 32, pairs & 0xFFFFFFFF
            parts.append(pairs[asked[one] | asked[other]])
        return np.unique(np.concatenate(parts))

    def _blocks(self) -> Iterator[Pairs]:
        by_name = {
            key: self.names.map(what)[0][self.name]
            for key, what in (
                ("sound", lambda t: sounds(bare(t))[0]),
                ("surname", lambda t: surname_of(bare(t))),
            )
        }
        sound, surname = by_name["sound"], by_name["surname"]
        day_of, _ = self.birthdays.map(_day_of_year)
        full_of, _ = self.birthdays.map(lambda t: "" if " -" in t else t)
        day, full = day_of[self.birthday], full_of[self.birthday]
        door_of, _ = self.addresses.map(lambda t: t[-likeness.ADDRESS_AT_LEAST :])
        door = door_of[self.address]

        def near(pairs: Pairs) -> Pairs:
            """Of pairs whose phones are near, those that share anything else: neighbours of a number are strangers."""
            one, other = pairs >> 32, pairs & 0xFFFFFFFF
            shared = np.zeros(len(pairs), bool)
            for column in (sound, surname, day, door):
                shared |= (column[one] != 0) & (column[one] == column[other])
            shared |= (
                ((self.name[one] == 0) | (self.name[other] == 0)) & (day[one] == day[other]) & (day[one] != 0)
            )
            return pairs[shared]

        yield _alike(self.number_of[:, 1], self.number_of[:, 0])
        place, number = self.phone_of[:, 0], self.phone_of[:, 1]
        yield _alike(number, place, SHARED_AFTER + 1)
        mobile = number > 0
        place, number = place[mobile], number[mobile]
        for k in range(likeness.MOBILE_DIGITS):
            unit = 10**k
            yield near(_alike(number - number // unit % 10 * unit, place))
        for k in range(likeness.MOBILE_DIGITS - 1):
            unit = 10**k
            low, high = number // unit % 10, number // (10 * unit) % 10
            rest = number - (low + 10 * high) * unit
            yield near(_alike((rest + (np.minimum(low, high) + 10 * np.maximum(low, high)) * unit), place))
        for shape, rows in self._masks().items():
            key = _seen(number, shape)
            masked = np.array([int(mask.replace("*", "0")) for _, mask in rows], "int64")
            wanted = np.isin(key, masked)
            everybody = np.concatenate([np.array([p for p, _ in rows], "int64"), place[wanted]])
            yield near(_alike(np.concatenate([masked, key[wanted]]), everybody))
        for first, second in ((surname, full), (sound, day), (surname, door), (sound, door)):
            both = (first != 0) & (second != 0)
            yield _alike((first * (int(second.max(initial=0)) + 1) + second)[both], np.flatnonzero(both))

    def _masks(self) -> dict[str, list[tuple[int, str]]]:
        """Masked phones by what they show: `xxx....xxxx`."""
        shapes: dict[str, list[tuple[int, str]]] = {}
        for place, mask in self.mask_of:
            shapes.setdefault("".join("." if c == "*" else "x" for c in mask), []).append((place, mask))
        return shapes

    def reader(self, pairs: Pairs) -> Callable[[int], Known]:
        """What is known of each who stands in these pairs, put together when it is asked for."""
        wanted = np.zeros(len(self.ids), bool)
        wanted[pairs >> 32] = wanted[pairs & 0xFFFFFFFF] = True
        phones: dict[int, list[str]] = {}
        for place, number in self.phone_of[wanted[self.phone_of[:, 0]]].tolist():
            phones.setdefault(place, []).append(str(number) if number > 0 else f"#{-number}")
        numbers: dict[int, list[str]] = {}
        for place, number in self.number_of[wanted[self.number_of[:, 0]]].tolist():
            numbers.setdefault(place, []).append(str(number))
        masks: dict[int, list[str]] = {}
        for place, mask in self.mask_of:
            masks.setdefault(place, []).append(mask)
        bare_of, _ = self.names.map(bare)
        namesakes = np.bincount(bare_of[self.name], minlength=1)

        @cache
        def known(place: int) -> Known:
            store = int(self.store[place])
            return Known(
                name=self.names.texts[int(self.name[place])], sex=("", "female", "male")[int(self.sex[place])],
                phones=tuple(phones.get(place, ())), masked=tuple(masks.get(place, ())),
                birthday=self.birthdays.texts[int(self.birthday[place])],
                numbers=tuple(numbers.get(place, ())),
                address=self.addresses.texts[int(self.address[place])], stores=(store,) if store else (),
                namesakes=int(namesakes[bare_of[self.name[place]]]), is_company=bool(self.is_company[place]),
            )  # fmt: skip

        return known


def _chunks(sql: str) -> Iterator[list[tuple]]:  # type: ignore[type-arg]
    """Rows of a statement of our own, a hundred thousand at a time."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql)
        while rows := cursor.fetchmany(100_000):
            yield rows


def _mobile(phone: str) -> int:
    """A mobile number as a number; 0 for any other phone, which is compared as a whole."""
    return int(phone) if len(phone) == likeness.MOBILE_DIGITS and phone.isdigit() and phone[0] == "1" else 0


def _day_of_year(birthday: str) -> str:
    """>>> _day_of_year("solar 1990-05-06"), _day_of_year("lunar --06-15 leap")
    ('solar 05-06', 'lunar 06-15 leap')
    """
    calendar, day = birthday.split(" ", 1)
    return f"{calendar} {'-'.join(day.rsplit('-', 2)[1:])}"


def _seen(numbers: np.ndarray, shape: str) -> np.ndarray:
    """The digits that a mask shows, the others zero."""
    shown = np.zeros(len(numbers), "int64")
    for k, c in enumerate(reversed(shape)):
        if c == "x":
            shown += numbers // 10**k % 10 * 10**k
    return shown


def _alike(key: np.ndarray, place: np.ndarray, most: int = CROWD) -> Pairs:
    """Pairs of different places with one key, for keys that at most so many rows have."""
    order = np.argsort(key, kind="stable")
    key, place = key[order], place[order]
    starts = (
        np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else np.empty(0, "int64")
    )
    sizes = np.diff(np.append(starts, len(key)))
    fits = np.repeat((sizes > 1) & (sizes <= most), sizes)
    key, place = key[fits], place[fits]
    found = [np.empty(0, "int64")]
    for apart in range(1, most):
        same = key[apart:] == key[:-apart]
        if not same.any():
            break
        one, other = place[:-apart][same], place[apart:][same]
        low, high = np.minimum(one, other), np.maximum(one, other)
        found.append(((low << 32) | high)[low != high])
    return np.unique(np.concatenate(found))


# --- what becomes of it ----------------------------------------------------------------------------------------------


def _keep(found: dict[tuple[int, int], Verdict], only: set[int] | None, looked_at: int) -> Found:
    """Write proposals that are new, bring open ones up to date, and drop those that have lost their reason. What a
    person has decided, or proposed herself, stays."""
    decided = _decided()
    found = {pair: said for pair, said in found.items() if pair not in decided}
    open_now = {
        (one, other): (number, tuple(reasons), weight)
        for number, one, other, reasons, weight in Likely.objects.filter(
            state=LikelyState.OPEN, asked_by=None
        ).values_list("id", "one", "other", "reasons", "weight")
    }
    asked = set(Likely.objects.exclude(asked_by=None).values_list("one", "other"))
    new = {p: v for p, v in found.items() if p not in open_now and p not in asked}
    gone = [
        number
        for (one, other), (number, _, _) in open_now.items()
        if (one, other) not in found and (only is None or {one, other} & only or (one, other) in decided)
    ]
    now = timezone.now()
    changed = [
        Likely(id=open_now[p][0], kind=v.kind, reasons=list(v.reasons), strength=v.strength, weight=v.weight)
        for p, v in found.items()
        if p in open_now and open_now[p][1:] != (v.reasons, v.weight)
    ]
    with transaction.atomic():
        for numbers in bulk.in_chunks(gone):
            Likely.objects.filter(id__in=numbers, state=LikelyState.OPEN).delete()
        Likely.objects.bulk_update(changed, ["kind", "reasons", "strength", "weight"], batch_size=500)
        Likely.objects.bulk_create(
            [
                Likely(one_id=one, other_id=other, kind=v.kind, reasons=list(v.reasons), strength=v.strength,
                       weight=v.weight, found_at=now)
                for (one, other), v in new.items()
            ],
            batch_size=1000, ignore_conflicts=True,
        )  # fmt: skip
    return Found(looked_at, len(new), len(open_now) - len(gone), len(gone))


def _decided() -> set[tuple[int, int]]:
    """Pairs about which a person has spoken, also by way of files that stand for others today: who was told apart from
    a file is told apart from the one into which it was merged."""
    spoken = Likely.objects.exclude(state=LikelyState.OPEN).exclude(state=LikelyState.MERGED)
    pairs = list(spoken.values_list("one", "other"))
    into = into_of([c for pair in pairs for c in pair])
    both = ((into.get(a, a), into.get(b, b)) for a, b in pairs)
    return {(min(a, b), max(a, b)) for a, b in both} | set(pairs)


def into_of(customers: Sequence[int]) -> dict[int, int]:
    """Of those among these customers who have been merged: the one who stands for each."""
    sql = f"SELECT id, merged_into_id FROM {Customer._meta.db_table} WHERE merged_into_id IS NOT NULL AND id IN ({{marks}})"
    return dict(bulk.rows_in(sql, sorted(set(customers))))
