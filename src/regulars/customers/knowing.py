"""Knowing who is who: customers are brought in line with the evidence that files and people have left.

The evidence is what stands written: pairings (two identities on one row), equal numbers, lists, receipts, and what a
person has said by hand. `settle` reads all that bears on some identities, asks `rules.joining` who is one, and changes
only the customers for whom the answer has changed. It may be called at any time, and again; call it inside the
transaction that changed the evidence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from regulars.customers.models import (
    Attachment,
    Customer,
    Detail,
    Link,
    Note,
    Relative,
    SearchKey,
    Tagged,
    Touched,
    VisitNote,
)
from regulars.customers.rules.joining import SHARED_AFTER, STRENGTH, joined, same_numbers, shared_by_many
from regulars.customers.rules.names import search_words
from regulars.sales.models import Batch, Identity, Pairing, Sale
from regulars.shop import bulk
from regulars.shop.keys import keys
from regulars.shop.rotation import renewed_at_the_end
from regulars.shop.rules.masks import without_numbers

MERGED = "merged"
"""Reader of batches whose pairings are a person's word that two customers are one."""

EVERYBODY = 50_000
"""From so many touched customers on, the books are written anew, which is then the faster way."""

SHOWN = ("name", "sex", "birthday", "anniversary", "is_company")


class Settled(NamedTuple):
    """What settling changed: customers whose days or words may be others now, the new ones (identity → customer), and
    identities that are no longer the same customer's."""

    touched: set[int]
    made: dict[int, int]
    moved: list[int]


def settle(identities: np.ndarray) -> Settled:
    """Bring customers in line with the evidence about these identities and all who are bound to them."""
    if not len(identities):
        return Settled(set(), {}, [])
    bulk.alone("customers")
    everybody = _bound_to({int(i) for i in identities})
    named = _named(everybody)
    pairs, by_hand = _pairs(named)
    shared = _mark_shared(named, pairs)
    spoken = _spoken_of(everybody)
    alive = {i: name for i, name in named.items() if i in spoken}
    groups = joined(alive, [*pairs, *same_numbers(alive)], shared, by_hand)

    links = dict(_of(everybody, f"SELECT identity_id, customer_id FROM {Link._meta.db_table}", "identity_id"))
    founded = dict(_of(everybody, f"SELECT founder_id, id FROM {Customer._meta.db_table}", "founder_id"))
    stays: list[int] = []
    taken: set[int] = set()
    merges: dict[int, int | None] = {}
    orphaned: list[int] = []
    for k, group in enumerate(groups):
        owners = sorted(founded[i] for i in group if i in founded)
        if not owners:  # her founder is gone, yet she is still known by something else
            owners = sorted(
                {links[i] for i in group if i in links}
                - taken
                - {c for f, c in founded.items() if f in alive}
            )[:1]
        stays.append(owners[0] if owners else 0)
        if not owners:
            orphaned.append(k)
        taken.update(owners)
        merges.update(dict.fromkeys(owners[1:], owners[0] if owners else None))
        if owners:
            merges[owners[0]] = None
    founders = {
        k: min(groups[k], key=lambda i: (STRENGTH[alive[i][0]], alive[i][1]))
        for k in range(len(groups))
        if groups[k]
    }
    for k, customer in zip(
        orphaned, _found([(founders[k], alive[founders[k]][0]) for k in orphaned]), strict=True
    ):
        stays[k] = customer
    touched = set(stays) | _merge(merges)
    new = set(orphaned)
    _refound(
        [
            (stays[k], founders[k])
            for k, g in enumerate(groups)
            if k not in new and not any(i in founded for i in g)
        ]
    )
    whose = {i: stays[k] for k, group in enumerate(groups) for i in group}
    _link(whose, links)
    before = {*links.values(), *founded.values()}
    gone = before - set(stays) - {c for c, into in merges.items() if into is not None}
    _let_go(gone)
    refresh(set(stays))
    touch(touched | gone)
    moved = sorted(i for i, customer in whose.items() if links.get(i, customer) != customer)
    return Settled(touched | gone, {founders[k]: stays[k] for k in orphaned}, moved)


def touch(customers: Iterable[int]) -> None:
    """Say that the books do not have these customers' days yet; in the same transaction as the change."""
    ids = sorted(set(customers))
    bulk.insert(Touched, ("customer",), [(None,)] if len(ids) >= EVERYBODY else [(c,) for c in ids])


def free_of(identities: Sequence[int]) -> list[int]:
    """Those of these identities that no customer, no link and no detail holds."""
    held: set[int] = set()
    for table, column in ((Link, "identity_id"), (Customer, "founder_id"), (Detail, "identity_id")):
        sql = f"SELECT {column} FROM {table._meta.db_table} WHERE {column} IN ({{marks}})"
        held |= {i for (i,) in bulk.rows_in(sql, list(identities))}
    return [i for i in identities if i not in held]


# --- the evidence ----------------------------------------------------------------------------------------------------


def _of(ids: Iterable[int], sql: str, column: str, more: str = "") -> Iterator[tuple[Any, ...]]:
    """Rows of a query whose `column` is one of `ids`: asked in lists for a few, read through once for many."""
    wanted = ids if isinstance(ids, set | dict) else set(ids)
    if len(wanted) < 4 * bulk.IN_LIST:
        yield from bulk.rows_in(f"{sql} WHERE {column} IN ({{marks}}) {more}", sorted(wanted))
        return
    at = next(k for k, c in enumerate(_columns(sql)) if c.split(".")[-1] == column.split(".")[-1])
    where = f"WHERE {column} IS NOT NULL {more}"
    for row in bulk.rows(f"{sql} {where}"):
        if row[at] in wanted:
            yield row


def _columns(sql: str) -> list[str]:
    return [
        c.strip().removeprefix("DISTINCT ") for c in sql.split(" FROM ")[0].removeprefix("SELECT ").split(",")
    ]


def _named(everybody: set[int]) -> dict[int, tuple[str, bytes]]:
    """Kind and token of each identity."""
    found = _of(everybody, f"SELECT id, kind, token FROM {Identity._meta.db_table}", "id")
    return {i: (kind, bytes(token)) for i, kind, token in found}


COUNTS = f"IN (SELECT b.id FROM {Batch._meta.db_table} b WHERE b.state = 'complete')"


def _pairs(named: dict[int, tuple[str, bytes]]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """What files, and what people say about who is one."""
    said = f"SELECT one_id, other_id, batch_id FROM {Pairing._meta.db_table}"
    merged = set(Batch.objects.filter(reader=MERGED).values_list("id", flat=True))
    pairs: set[tuple[int, int]] = set()
    by_hand: set[tuple[int, int]] = set()
    for one, other, batch in _of(named, said, "one_id", f"AND batch_id {COUNTS}"):
        if other in named:
            (by_hand if batch in merged else pairs).add((one, other))
    return list(pairs), list(by_hand)


def _spoken_of(everybody: set[int]) -> set[int]:
    """Identities that a receipt, a list or a pairing of a batch that counts speaks of."""
    sale, pairing, detail = (m._meta.db_table for m in (Sale, Pairing, Detail))
    found = {
        i
        for (i,) in _of(
            everybody, f"SELECT DISTINCT identity_id FROM {detail}", "identity_id", f"AND batch_id {COUNTS}"
        )
    }
    for column in ("one_id", "other_id"):
        found |= {
            i
            for (i,) in _of(
                everybody - found,
                f"SELECT DISTINCT {column} FROM {pairing}",
                column,
                f"AND batch_id {COUNTS}",
            )
        }
    left = everybody - found
    if len(left) >= 4 * bulk.IN_LIST:
        return found | (
            {
                i
                for (i,) in bulk.rows(
                    f"SELECT DISTINCT identity_id FROM {sale} WHERE identity_id IS NOT NULL AND batch_id {COUNTS}"
                )
            }
            & left
        )
    one = (
        f"SELECT i.id FROM {Identity._meta.db_table} i WHERE i.id IN ({{marks}}) AND EXISTS "
        f"(SELECT 1 FROM {sale} s WHERE s.identity_id = i.id AND s.batch_id {COUNTS})"
    )
    return found | {i for (i,) in bulk.rows_in(one, sorted(left))}


def _bound_to(start: set[int]) -> set[int]:
    """These identities and all that evidence or customers bind to them. A phone that was and is shared by many binds
    nobody, so that one made-up number does not bring the whole shop in."""
    if not Link.objects.exists():  # the first import: everybody who matters is in it
        return start
    pairing, link, customer, identity = (m._meta.db_table for m in (Pairing, Link, Customer, Identity))
    same = (
        f"SELECT o.id FROM {identity} i JOIN {identity} o ON o.token = i.token AND o.id <> i.id "
        f"AND o.kind IN ('member', 'card') WHERE i.kind IN ('member', 'card') AND i.id IN ({{marks}})"
    )
    everybody, edge = set(start), set(start)
    while edge:
        ids = sorted(edge - _still_shared(edge))
        found: set[int] = set()
        for column in ("one_id", "other_id"):
            for pair in bulk.rows_in(
                f"SELECT one_id, other_id FROM {pairing} WHERE {column} IN ({{marks}})", ids
            ):
                found.update(pair)
        found |= {i for (i,) in bulk.rows_in(same, ids)}
        who = {
            c
            for (c,) in bulk.rows_in(f"SELECT customer_id FROM {link} WHERE identity_id IN ({{marks}})", ids)
        }
        who |= {c for (c,) in bulk.rows_in(f"SELECT id FROM {customer} WHERE founder_id IN ({{marks}})", ids)}
        theirs = sorted(who)
        found |= {
            i
            for (i,) in bulk.rows_in(
                f"SELECT identity_id FROM {link} WHERE customer_id IN ({{marks}})", theirs
            )
        }
        found |= {
            i for (i,) in bulk.rows_in(
                f"SELECT founder_id FROM {customer} WHERE founder_id IS NOT NULL AND merged_into_id IN ({{marks}})", theirs
            )
        }  # fmt: skip
        edge = found - everybody
        everybody |= edge
    return everybody


def _still_shared(ids: set[int]) -> set[int]:
    """Those of these identities that are marked as shared by many and still are."""
    marked = [
        i
        for (i,) in bulk.rows_in(
            f"SELECT id FROM {Identity._meta.db_table} WHERE is_shared AND id IN ({{marks}})", sorted(ids)
        )
    ]
    return {i for i in marked if _different_numbers(i) > SHARED_AFTER}


def _different_numbers(weak: int) -> int:
    """With how many different member numbers and cards an identity stands on a row, by batches that count."""
    numbers = Identity.objects.filter(kind__in=("member", "card"))
    beside = Pairing.objects.filter(batch__state="complete", other=weak).values("one")
    return int(numbers.filter(id__in=beside).aggregate(n=Count("token", distinct=True))["n"])


def _mark_shared(named: dict[int, tuple[str, bytes]], pairs: list[tuple[int, int]]) -> frozenset[int]:
    """Keep the mark of identities that are shared by many."""
    was = {i for (i,) in _of(named, f"SELECT id FROM {Identity._meta.db_table}", "id", "AND is_shared")}
    # Of one whose neighbours were not all brought in only the count in the store tells.
    still = {i for i in was if _different_numbers(i) > SHARED_AFTER}
    shared = frozenset(still | (shared_by_many(named, pairs) - was))
    if shared - was:
        Identity.objects.filter(id__in=shared - was).update(is_shared=True)
    if was - shared:
        Identity.objects.filter(id__in=was - shared).update(is_shared=False)
    return shared


# --- the customers ---------------------------------------------------------------------------------------------------


def _found(founders: list[tuple[int, str]]) -> list[int]:
    """New customers, each founded by one identity."""
    made: list[int] = []
    columns = (
        "id",
        "founder_id",
        "name",
        "sex",
        "birthday",
        "anniversary",
        "is_company",
        "is_by_hand",
        "is_gone",
        "since_at",
    )
    now = timezone.now().strftime("%Y-%m-%d %H:%M:%S" + ("+00" if bulk.is_postgres() else ""))
    for chunk in bulk.in_chunks(founders, bulk.CHUNK):
        first = bulk.reserve_ids(Customer, len(chunk))
        rows = [
            (first + k, i, "", "", "", "", kind == "name", False, False, now)
            for k, (i, kind) in enumerate(chunk)
        ]
        bulk.insert(Customer, columns, rows)
        made += range(first, first + len(chunk))
    return made


def _refound(found: list[tuple[int, int]]) -> None:
    """Customers who are kept although the identity that they were first known by is gone get another founder."""
    bulk.execute_many(
        f"UPDATE {Customer._meta.db_table} SET founder_id = %s WHERE id = %s", [(i, c) for c, i in found]
    )


def _merge(merges: dict[int, int | None]) -> set[int]:
    """Write who is read through whom, where that has changed; returns those for whom it has."""
    sql = f"SELECT id, merged_into_id, is_gone FROM {Customer._meta.db_table}"
    changed = [(merges[c], c) for c, into, is_gone in _of(merges, sql, "id") if into != merges[c] or is_gone]
    bulk.execute_many(
        f"UPDATE {Customer._meta.db_table} SET merged_into_id = %s, is_gone = FALSE WHERE id = %s", changed
    )
    for chunk in bulk.in_chunks(
        [c for into, c in changed if into is not None]
    ):  # she is found by the one who stays
        bulk.delete(SearchKey, "customer_id", chunk)
    return {c for _, c in changed}


def _link(now: dict[int, int], was: dict[int, int]) -> None:
    table = Link._meta.db_table
    bulk.execute_many(
        f"UPDATE {table} SET customer_id = %s WHERE identity_id = %s",
        [(c, i) for i, c in now.items() if was.get(i, c) != c],
    )
    bulk.insert(Link, ("identity_id", "customer_id"), [(i, c) for i, c in now.items() if i not in was])
    for chunk in bulk.in_chunks([i for i in was if i not in now]):
        bulk.delete(Link, "identity_id", chunk)


def _let_go(customers: Iterable[int]) -> None:
    """Customers whom nothing speaks of any more go. Of whom a person has written something is kept out of sight: she
    is there again, with what was written, when a file brings her again."""
    customer = Customer._meta.db_table
    written = [m._meta.db_table for m in (Note, Detail, Relative, VisitNote, Tagged, Attachment)]
    for chunk in bulk.in_chunks(sorted(customers)):
        kept = {
            c
            for sql in (
                *(f"SELECT customer_id FROM {table} WHERE customer_id IN ({{marks}})" for table in written),
                f"SELECT id FROM {customer} WHERE is_by_hand AND founder_id IS NULL AND id IN ({{marks}})",
            )
            for (c,) in bulk.rows_in(sql, chunk)
        }
        bulk.delete(SearchKey, "customer_id", chunk)
        Customer.objects.filter(id__in=kept).update(is_gone=True, merged_into=None)
        gone = [c for c in chunk if c not in kept]
        Relative.objects.filter(other__in=gone).update(other=None)
        bulk.delete(Customer, "id", gone)


# --- what is shown of her --------------------------------------------------------------------------------------------


def refresh(customers: Iterable[int]) -> None:
    """Write the words that lists show and search (name, sex, birthday, search keys) from the details, newest first."""
    ids = sorted(customers)
    for chunk in bulk.in_chunks(ids, bulk.CHUNK):
        _refresh(list(chunk))


def _refresh(ids: list[int]) -> None:
    link, detail, identity, customer, search_key = (
        m._meta.db_table for m in (Link, Detail, Identity, Customer, SearchKey)
    )
    root = {c: c for c in ids}
    root.update(_of(root, f"SELECT id, merged_into_id FROM {customer}", "merged_into_id"))
    said: dict[int, dict[str, tuple[int, str]]] = defaultdict(dict)
    shown = ", ".join(f"'{k}'" for k in SHOWN)
    by_link = f"SELECT l.customer_id, d.identity_id, d.key, d.id, d.plain FROM {detail} d JOIN {link} l ON l.identity_id = d.identity_id"
    by_hand = f"SELECT d.customer_id, 0, d.key, d.id, d.plain FROM {detail} d"
    called: dict[tuple[int, int], tuple[int, str]] = {}
    for sql, column in ((by_link, "l.customer_id"), (by_hand, "d.customer_id")):
        for c, by, key, i, plain in _of(root, sql, column, f"AND d.key IN ({shown})"):
            owner = root[c]
            if i > said[owner].get(key, (0, ""))[0]:
                said[owner][key] = i, plain
            if key == "name":
                source = owner, by or -c
                called[source] = max(called.get(source, (0, "")), (i, plain))
    words: dict[int, dict[str, None]] = {c: {} for c in ids}
    names: dict[int, tuple[bytes, str]] = {}
    written = f"SELECT l.customer_id, i.kind, i.written, i.token FROM {identity} i JOIN {link} l ON l.identity_id = i.id"
    unseal = keys().unseal
    for c, kind, sealed, token in _of(words, written, "l.customer_id", "AND i.kind IN ('phone', 'name')"):
        if kind == "phone":
            phone = unseal(sealed)
            words[c][tail_word(phone)] = None
            if head := head_word(phone):
                words[c][head] = None
        else:
            names[c] = max(names.get(c, (b"", "")), (bytes(token), unseal(sealed)))
    for (c, _), (_, name) in called.items():
        for word in search_words(name):  # she is found by what each number and each person calls her
            words[c][word[:80]] = None
    before = {
        row[0]: row[1:]
        for row in _of(
            words, f"SELECT id, name, sex, birthday, anniversary, is_company FROM {customer}", "id"
        )
    }
    changed = []
    for c in ids:
        values = {k: v for k, (_, v) in said[c].items()} if c in said else {}
        name = values.get("name") or (without_numbers(names[c][1])[:80] if c in names else "")
        now = (name, values.get("sex", ""), values.get("birthday", ""), values.get("anniversary", ""),
               bool(values.get("is_company")) or c in names)  # fmt: skip
        for word in search_words(name) if name else ():
            words[c][word[:80]] = None
        was = before[c]
        if (*was[:4], bool(was[4])) != now:
            changed.append((*now, c))
    bulk.execute_many(
        f"UPDATE {customer} SET name = %s, sex = %s, birthday = %s, anniversary = %s, is_company = %s WHERE id = %s",
        changed,
    )
    have: dict[int, set[str]] = defaultdict(set)
    for c, word in _of(words, f"SELECT customer_id, word FROM {search_key}", "customer_id"):
        have[c].add(word)
    stale = [c for c in have if have[c] - set(words[c])]
    for chunk in bulk.in_chunks(stale):
        bulk.delete(SearchKey, "customer_id", chunk)
    for c in stale:
        have[c] = set()
    none: set[str] = set()
    bulk.insert(
        SearchKey,
        ("customer_id", "word"),
        [(c, w) for c in ids for w in words[c] if w not in have.get(c, none)],
    )


@renewed_at_the_end
def _new_words() -> None:
    """After a change of the key: everybody's search words, those of phones by the new key."""
    table = Customer._meta.db_table
    last = 0
    while True:
        sql = f"SELECT id FROM {table} WHERE id > %s AND merged_into_id IS NULL AND NOT is_gone ORDER BY id LIMIT {bulk.CHUNK}"
        ids = [i for (i,) in bulk.rows(sql, [last])]
        if not ids:
            return
        with transaction.atomic():
            refresh(ids)
        last = ids[-1]


def tail_word(phone: str) -> str:
    """The search word of a phone's last four digits: a keyed token, so the digits themselves stand nowhere."""
    digits = "".join(ch for ch in phone if ch.isdigit())
    return "#" + keys().token("tail", digits[-4:]).hex()


HEAD = 7
"""Digits of a phone's beginning: three of the network and four of the town. Fewer fit half a city; a token of every
length would give the number away digit by digit."""


def head_word(phone: str) -> str:
    """The search word of a phone's first seven digits; empty for a shorter number."""
    digits = "".join(ch for ch in phone if ch.isdigit())
    return "^" + keys().token("head", digits[:HEAD]).hex() if len(digits) >= HEAD else ""
