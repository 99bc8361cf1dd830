"""Identities as written: each stands once, sealed, and is found again by its keyed token."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction

from regulars.sales.models import Forgotten, Identity, IdentityKind, Pairing, Sale
from regulars.shop import bulk
from regulars.shop.keys import keys, token_by
from regulars.shop.lasting import MARKS, lasting
from regulars.shop.rotation import renewed_with

STRENGTH = ("member", "card", "phone", "openid", "name")
"""Kinds of identity, strongest first: a sale belongs to the strongest that stands on it."""

NUMBERS = ("member", "card")
"""Both are numbers that the shop has given out; files call the same number now one, now the other."""


NOBODY = np.empty(0, dtype="int64")


class Who(NamedTuple):
    """Who stands on the rows of a table.

    `strongest`: identity number of each row, 0 where there is none; `marks`: 64 bits of a token that no rotation of the
    key changes, the same in every shop folder with the same first key and whether the number is called card or member;
    `kinds`: its place in `STRENGTH`, from 1; `pairs`: (strongest, other) written on one row, each once;
    `forgotten`: rows of somebody who asked to be deleted, which stand for nobody now.
    """

    strongest: np.ndarray
    marks: np.ndarray
    kinds: np.ndarray
    pairs: np.ndarray
    forgotten: np.ndarray = NOBODY


def column_of(table: pa.Table, name: str) -> pa.Array | None:
    """One column as one array; None where the table has none or all of it is empty."""
    if name not in table.column_names:
        return None
    column = table[name]
    if column.null_count == len(column):
        return None
    column = column.combine_chunks()
    return column.chunk(0) if isinstance(column, pa.ChunkedArray) else column


def token_for(kind: str, value: str) -> bytes:
    """The token under which an identity is found; equal numbers have equal tokens, be they called card or member."""
    return tokens_for(kind, [value])[0]


def tokens_for(kind: str, values: Sequence[str]) -> list[bytes]:
    token, family = keys().token, "number" if kind in NUMBERS else kind
    return [token(family, value) for value in values]


def _marks_for(kind: str, values: Sequence[str], tokens: Sequence[bytes]) -> np.ndarray:
    """64 bits of each value by a secret that stays when the key is changed: a sale's key is made of them, and a file
    that comes again must be known again. Under the shop's first key they are the beginnings of the tokens."""
    if keys().number != 1:
        secret, family = lasting(MARKS), "number" if kind in NUMBERS else kind
        tokens = [token_by(secret, family, value) for value in values]
    return np.frombuffer(b"".join(tokens), dtype="<u8")[::2]


def who_is_who(table: pa.Table, ids_of: Callable[[str, Sequence[str], Sequence[bytes]], np.ndarray]) -> Who:
    """Who stands on each row. `ids_of(kind, values, tokens)` numbers the different values of one kind."""
    ids_of = _without_forgotten(ids_of)
    n = table.num_rows
    strongest, marks, kinds = (
        np.zeros(n, dtype="int64"),
        np.zeros(n, dtype="uint64"),
        np.zeros(n, dtype="uint8"),
    )
    pairs: list[np.ndarray] = []
    company = column_of(table, "company")
    for place, kind in enumerate(STRENGTH, 1):
        column = column_of(table, kind)
        if column is None or (kind == "name" and company is None):
            continue
        if kind == "name":  # a name never identifies a person
            column = pc.if_else(pc.fill_null(company, False), column, pa.scalar(None, column.type))
            if column.null_count == n:
                continue
        coded = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
        values = coded.dictionary.to_pylist()
        tokens = tokens_for(kind, values)
        codes = coded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
        here = np.append(ids_of(kind, values, tokens), 0)[codes]
        marked = np.append(_marks_for(kind, values, tokens), np.uint64(0))[codes]
        beside = np.flatnonzero((strongest != 0) & (here != 0))
        if len(beside):
            pairs.append(_different(strongest[beside], here[beside]))
        free = strongest == 0
        kinds[free & (here != 0)] = place
        strongest, marks = np.where(free, here, strongest), np.where(free, marked, marks)
    found = np.concatenate(pairs) if pairs else np.empty((0, 2), dtype="int64")
    # The marks stay, so that a receipt is known again that came in before she was forgotten.
    found = found[(found < GONE).all(axis=1)]
    forgotten = np.flatnonzero(strongest >= GONE)
    strongest[forgotten] = 0
    return Who(strongest, marks, kinds, found, forgotten)


GONE = 1 << 30
"""From here on numbers stand for identities that are forgotten, while a table is read. No shop has a thousand million."""

IdsOf = Callable[[str, Sequence[str], Sequence[bytes]], np.ndarray]


def forgotten_token(kind: str, value: str) -> bytes:
    """What is kept of a number whose owner asked to be deleted: by a secret that stays when the key is changed, because
    the number itself is kept nowhere from which it could be made anew."""
    secret, family = lasting(MARKS), "number" if kind in NUMBERS else kind
    return token_by(secret, "forgotten", token_by(secret, family, value).hex())


def forget_for_good(numbers: Iterable[tuple[str, str]], on: date) -> None:
    """Files that bring these numbers, (kind, as written), again are taken in without their owner."""
    made = [Forgotten(token=token, on=on) for token in {forgotten_token(*number) for number in numbers}]
    Forgotten.objects.bulk_create(made, ignore_conflicts=True)


def welcome_back(kind: str, value: str) -> None:
    """She stands at the counter again and wants to be known: her number counts as any other."""
    Forgotten.objects.filter(token=forgotten_token(kind, value)).delete()


def are_forgotten(kind: str, values: Sequence[str]) -> set[str]:
    """Which of these numbers belong to somebody who asked to be deleted."""
    kept = {bytes(t) for t in Forgotten.objects.values_list("token", flat=True)}
    return {value for value in values if forgotten_token(kind, value) in kept} if kept else set()


def _without_forgotten(ids_of: IdsOf) -> IdsOf:
    """Numbers of identities, those of forgotten ones from `GONE` on: nothing is written of them."""
    numbers: dict[bytes, int] = {}

    def asked(kind: str, values: Sequence[str], tokens: Sequence[bytes]) -> np.ndarray:
        gone = are_forgotten(kind, values)
        if not gone:
            return ids_of(kind, values, tokens)
        kept = [k for k, value in enumerate(values) if value not in gone]
        ids = np.array([numbers.setdefault(t, GONE + len(numbers)) for t in tokens], dtype="int64")
        if kept:
            ids[kept] = ids_of(kind, [values[k] for k in kept], [tokens[k] for k in kept])
        return ids

    return asked


def _different(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The different pairs, upwards. Identity numbers stay below 2^31 in any shop, so a pair is one integer."""
    low = min(int(one.min()), int(other.min()), 0)
    packed = np.unique(((one - low) << 31) | (other - low))
    return np.stack([(packed >> 31) + low, (packed & 0x7FFFFFFF) + low], axis=1)


def known_ids(kind: str, tokens: Sequence[bytes]) -> dict[bytes, int]:
    """Token → number of the identities of one kind that are known."""
    table = Identity._meta.db_table
    if len(tokens) > bulk.IN_LIST and not Identity.objects.filter(kind=kind).exists():
        return {}
    sql = f"SELECT id, token FROM {table} WHERE kind = %s AND token IN ({{marks}})"
    return {bytes(token): i for i, token in bulk.rows_in(sql, tokens, [kind])}


def identity_ids(kind: str, values: Sequence[str], tokens: Sequence[bytes] | None = None) -> np.ndarray:
    """Numbers of identities as written, made where they are new. One value, one row, whoever writes it."""
    tokens = tokens if tokens is not None else tokens_for(kind, values)
    found = known_ids(kind, tokens)
    missing = [(t, v) for t, v in zip(tokens, values, strict=True) if t not in found]
    seal = keys().seal
    for chunk in bulk.in_chunks(missing, bulk.CHUNK):
        with transaction.atomic():
            first = bulk.reserve_ids(Identity, len(chunk))
            rows = [(first + k, kind, t, seal(v), False) for k, (t, v) in enumerate(chunk)]
            bulk.insert(Identity, ("id", "kind", "token", "written", "is_shared"), rows)
        found.update((t, first + k) for k, (t, _) in enumerate(chunk))
    return np.fromiter((found[t] for t in tokens), dtype="int64", count=len(tokens))


@renewed_with("sales.Identity")
def _new_tokens(rows: Sequence[tuple[int, dict[str, str]]]) -> None:
    table = Identity._meta.db_table
    kinds = dict(bulk.rows_in(f"SELECT id, kind FROM {table} WHERE id IN ({{marks}})", [i for i, _ in rows]))
    bulk.execute_many(
        f"UPDATE {table} SET token = %s WHERE id = %s",
        [(token_for(kinds[i], said["written"]), i) for i, said in rows],
    )


def forget_identities(ids: Sequence[int]) -> int:
    """Delete those of these identities that no sale and no pairing speaks of. Later stages have let go of them."""
    identity, sale, pairing = Identity._meta.db_table, Sale._meta.db_table, Pairing._meta.db_table
    return bulk.execute_in(
        f"DELETE FROM {identity} WHERE id IN ({{marks}}) "
        f"AND NOT EXISTS (SELECT 1 FROM {sale} s WHERE s.identity_id = {identity}.id) "
        f"AND NOT EXISTS (SELECT 1 FROM {pairing} p WHERE p.one_id = {identity}.id) "
        f"AND NOT EXISTS (SELECT 1 FROM {pairing} p WHERE p.other_id = {identity}.id)",
        ids,
    )


assert set(STRENGTH) == set(IdentityKind.values), (
    "every kind of identity has its place in the order of strength"
)
