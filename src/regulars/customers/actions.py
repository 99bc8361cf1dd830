"""Verbs of customers: know who stands behind new identities, keep what a file says about her, and forget it again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from django.db import transaction
from django.db.models import Q

from regulars.customers.models import Customer, Detail, Link, Note, Portrait, SearchKey
from regulars.customers.rules.details import FACT_KEYS, read_birthday, read_fact, read_sex
from regulars.customers.rules.joining import STRENGTH, joined
from regulars.customers.rules.names import search_words
from regulars.playbooks.catalogue import catalogue
from regulars.sales.actions import SHARED_AFTER, identity_ids
from regulars.sales.models import Batch, BatchState, Identity, Pairing, Sale
from regulars.shop import bulk, vault
from regulars.shop.keys import keys
from regulars.shop.models import Staff, Store, audit
from regulars.shop.words import Refused, Words

SEALED_KEYS = {"address", "email", "wechat", "note", "points", "balance", "balance_bonus", "referrer", "phone"}
"""What a list says that is personal or money-like: kept sealed until a later stage takes it up."""


# --- absorb and release ----------------------------------------------------------------------------------------------


def absorb(batch: Batch, identities: np.ndarray) -> set[int]:
    """Take up what a batch says about people: whom it names, who is one with whom, what it says about her.

    Returns the customers that are touched (numbers of those that stay). Call it inside the transaction of `publish`.
    """
    _keep_details(batch)
    touched, made = _settle_customers(identities, batch)
    batch.customers = made
    return touched


def release(batch: Batch, identities: np.ndarray) -> set[int]:
    """Forget what a batch said. Call it after `sales.release`, with the identities that it named."""
    said = np.fromiter(Detail.objects.filter(batch=batch, identity__isnull=False).values_list("identity_id", flat=True).distinct(), dtype="int64")
    Detail.objects.filter(batch=batch).delete()
    vault.forget(f"batch-{batch.id}-extras")
    touched, _ = _settle_customers(np.union1d(identities, said), None)
    return touched


def identities_named_by(batch: Batch) -> np.ndarray:
    """Every identity that a batch wrote on a sale, beside another, or on a list."""
    ids = set(Detail.objects.filter(batch=batch, identity__isnull=False).values_list("identity_id", flat=True))
    ids |= {i for pair in Pairing.objects.filter(batch=batch).values_list("one_id", "other_id") for i in pair}
    ids |= set(Sale.objects.filter(batch=batch, identity__isnull=False).values_list("identity_id", flat=True).distinct())
    return np.array(sorted(ids), dtype="int64")


def customers_of(identities: np.ndarray) -> set[int]:
    """The customers behind these identities, read through merging."""
    table, customer = Link._meta.db_table, Customer._meta.db_table
    sql = (
        f"SELECT DISTINCT COALESCE(c.merged_into_id, c.id) FROM {table} l JOIN {customer} c ON c.id = l.customer_id "
        f"WHERE l.identity_id IN ({{marks}})"
    )
    return {c for (c,) in bulk.rows_in(sql, identities.tolist())}


def _keep_details(batch: Batch) -> None:
    """Columns beside the sales become details: facts in plain words, personal things sealed."""
    table = vault.get_table(f"batch-{batch.id}-extras")
    if table is None:
        return
    frame: pd.DataFrame = table.to_pandas(types_mapper=None)
    frame = frame[frame["identity"] > 0]
    rows: list[tuple[Any, ...]] = []
    seal = keys().seal
    by_header = {h: f for f in catalogue if f.is_file_fact and f.window is None for h in (f.key, f.name.zh, f.name.en.lower())}
    for column in frame.columns:
        if column in ("of", "index", "identity", "row"):
            continue
        said = frame[["identity", column]].dropna().drop_duplicates("identity", keep="last")
        for identity, value in zip(said["identity"].tolist(), said[column].tolist(), strict=True):
            key, plain, sealed = _detail(column, value, by_header)
            if key:
                rows.append((identity, key[:60], plain[:120], seal(sealed) if sealed is not None else None, batch.id))
    listed = frame.loc[frame["of"] == "listed", "identity"].drop_duplicates().tolist()
    rows += [(identity, "listed", "", None, batch.id) for identity in listed]
    now = batch.at if bulk.is_postgres() else batch.at.strftime("%Y-%m-%d %H:%M:%S.%f")
    bulk.insert(
        Detail, ("identity_id", "key", "plain", "sealed", "batch_id", "said_at"),
        [(*row, now) for row in rows],
    )  # fmt: skip


def _detail(column: str, value: Any, by_header: dict[str, Any]) -> tuple[str, str, str | None]:
    """One cell as (key, plain, sealed)."""
    text = str(value).strip()
    if not text:
        return "", "", None
    if column == "is_company":
        return ("is_company", "true", None) if value is True or text.lower() in ("true", "1", "1.0") else ("", "", None)
    if column in ("birthday", "lunar_birthday", "anniversary"):
        birthday = read_birthday(text, lunar=column == "lunar_birthday")
        key = "anniversary" if column == "anniversary" else "birthday"
        return (key, birthday, None) if birthday else (f"raw:{column}", "", text)
    if column == "sex":
        sex = read_sex(text)
        return ("sex", sex, None) if sex else ("", "", None)
    if column == "name":
        return "name", text[:80], None
    if column.startswith("raw:"):
        header = column[4:].strip().lower()
        fact = by_header.get(header) or by_header.get(FACT_KEYS.get(header, ""))
        if fact is not None and (read := read_fact(fact, text)) is not None:
            return fact.key, read, None
        return column[:60], "", text
    return column, "", text


def _settle_customers(identities: np.ndarray, batch: Batch | None) -> tuple[set[int], int]:
    """Bring customers in line with the evidence about these identities and all who are bound to them. Returns the
    customers touched and how many are new."""
    if not len(identities):
        return set(), 0
    everybody = _bound_to(set(identities.tolist()))
    kind_of = {
        i: (kind, bytes(token))
        for i, kind, token in bulk.rows_in(
            f"SELECT id, kind, token FROM {Identity._meta.db_table} WHERE id IN ({{marks}})", sorted(everybody)
        )
    }
    pairs = _pairs(everybody, batch) | _same_numbers(kind_of)
    shared = _mark_shared(kind_of, pairs)
    spoken = everybody if batch is not None else _spoken_of(everybody)
    alive = {i: k for i, k in kind_of.items() if i in spoken}
    links = dict(bulk.rows_in(f"SELECT identity_id, customer_id FROM {Link._meta.db_table} WHERE identity_id IN ({{marks}})", sorted(everybody)))
    old_customers = set(links.values())
    founders = {
        f: (c, m)
        for c, f, m in bulk.rows_in(
            f"SELECT id, founder_id, merged_into_id FROM {Customer._meta.db_table} WHERE founder_id IN ({{marks}})", sorted(everybody)
        )
    }
    old_customers |= {c for c, _ in founders.values()}
    groups = joined(alive, pairs, shared)
    new_groups: list[list[int]] = []
    touched: set[int] = set()
    merges: dict[int, int | None] = {}
    new_links: list[tuple[int, int]] = []
    moved_links: list[tuple[int, int]] = []
    for group in groups:
        owners = sorted(founders[i][0] for i in group if i in founders)
        if not owners:
            linked = sorted({links[i] for i in group if i in links} - {c for c, _ in founders.values()})
            owners = [c for c in linked if c not in touched]
        if not owners:
            new_groups.append(group)
            continue
        stays = owners[0]
        touched.add(stays)
        merges[stays] = None
        merges.update(dict.fromkeys(owners[1:], stays))
        for i in group:
            if links.get(i) != stays:
                (moved_links if i in links else new_links).append((i, stays))
    made = _found(new_groups, kind_of)
    for group, customer in zip(new_groups, made, strict=True):
        touched.add(customer)
        for i in group:
            (moved_links if i in links else new_links).append((i, customer))
    for i, customer in moved_links:
        Link.objects.filter(identity_id=i).update(customer_id=customer)
    bulk.insert(Link, ("identity_id", "customer_id"), new_links)
    now_merged = {c: m for c, m in bulk.rows_in(f"SELECT id, merged_into_id FROM {Customer._meta.db_table} WHERE id IN ({{marks}})", sorted(merges))}
    for customer, into in merges.items():
        if now_merged.get(customer) != into:
            Customer.objects.filter(id=customer).update(merged_into_id=into, is_gone=False)
            touched.add(customer)
    gone = old_customers - touched - {c for c, into in merges.items() if into}
    _let_go(gone, [i for i in everybody if i not in alive])
    touched -= gone
    refresh(touched)
    return touched, len(new_groups)


def would_be_new(identities: dict[int, tuple[str, bytes]], pairs: list[tuple[int, int]]) -> int:
    """How many customers an import would add: groups of identities of which none is known (numbers below zero are
    identities not met yet). A trial's answer; what stands in the store decides in the end."""
    linked = {i for (i,) in bulk.rows_in(f"SELECT identity_id FROM {Link._meta.db_table} WHERE identity_id IN ({{marks}})", [i for i in identities if i > 0])}
    known_numbers = {t for i, (kind, t) in identities.items() if i in linked and kind in ("member", "card")}
    unknown_numbers = [t for i, (kind, t) in identities.items() if i < 0 and kind in ("member", "card")]
    table = Identity._meta.db_table
    known_numbers |= {bytes(t) for (t,) in bulk.rows_in(f"SELECT token FROM {table} WHERE kind IN ('member', 'card') AND token IN ({{marks}})", unknown_numbers)}
    groups = joined(identities, [*pairs, *_same_numbers(identities)], frozenset())
    return sum(not any(i in linked or identities[i][1] in known_numbers for i in group) for group in groups)


def _bound_to(start: set[int]) -> set[int]:
    """These identities and all that evidence, past joins or customers bind to them."""
    everybody, edge = set(start), set(start)
    pairing, link, customer = Pairing._meta.db_table, Link._meta.db_table, Customer._meta.db_table
    if not Link.objects.exists():  # the first import: everybody who matters is in it
        return everybody
    while edge:
        ids = sorted(edge)
        found: set[int] = set()
        for a, b in bulk.rows_in(f"SELECT one_id, other_id FROM {pairing} WHERE one_id IN ({{marks}})", ids):
            found |= {a, b}
        for a, b in bulk.rows_in(f"SELECT one_id, other_id FROM {pairing} WHERE other_id IN ({{marks}})", ids):
            found |= {a, b}
        same = (
            f"SELECT o.id FROM {Identity._meta.db_table} i JOIN {Identity._meta.db_table} o ON o.token = i.token AND o.id <> i.id "
            f"AND o.kind IN ('member', 'card') WHERE i.kind IN ('member', 'card') AND i.id IN ({{marks}})"
        )
        found |= {i for (i,) in bulk.rows_in(same, ids)}
        customers = {c for (c,) in bulk.rows_in(f"SELECT customer_id FROM {link} WHERE identity_id IN ({{marks}})", ids)}
        customers |= {c for (c,) in bulk.rows_in(f"SELECT id FROM {customer} WHERE founder_id IN ({{marks}})", ids)}
        listed = sorted(customers)
        for (i,) in bulk.rows_in(f"SELECT identity_id FROM {link} WHERE customer_id IN ({{marks}})", listed):
            found.add(i)
        for (i,) in bulk.rows_in(f"SELECT founder_id FROM {customer} WHERE merged_into_id IN ({{marks}}) AND founder_id IS NOT NULL", listed):
            found.add(i)
        edge = found - everybody
        everybody |= edge
    return everybody


def _pairs(everybody: set[int], batch: Batch | None) -> set[tuple[int, int]]:
    """Evidence among them, of batches that count and of the one that is just being taken in."""
    states = Q(batch__state=BatchState.COMPLETE)
    if batch is not None:
        states |= Q(batch=batch)
    everything = len(everybody) > 100_000
    found = Pairing.objects.filter(states)
    if everything:
        return {p for p in found.values_list("one_id", "other_id").distinct() if p[0] in everybody}
    pairs: set[tuple[int, int]] = set()
    for chunk in bulk.in_chunks(sorted(everybody)):
        pairs |= set(found.filter(one_id__in=chunk).values_list("one_id", "other_id"))
    return pairs


def _same_numbers(kind_of: dict[int, tuple[str, bytes]]) -> set[tuple[int, int]]:
    """The same number called a card in one file and a member number in another is one."""
    numbers: dict[bytes, list[int]] = defaultdict(list)
    for i, (kind, token) in kind_of.items():
        if kind in ("member", "card"):
            numbers[token].append(i)
    return {(ids[0], ids[1]) for ids in numbers.values() if len(ids) == 2}


def _mark_shared(kind_of: dict[int, tuple[str, bytes]], pairs: set[tuple[int, int]]) -> frozenset[int]:
    """Phones (and payers) that stand with more member numbers than one person has."""
    numbers: dict[int, set[int]] = defaultdict(set)
    for a, b in pairs:
        for weak, strong in ((a, b), (b, a)):
            if weak in kind_of and strong in kind_of and kind_of[weak][0] in ("phone", "openid") and kind_of[strong][0] in ("member", "card"):
                numbers[weak].add(strong)
    shared = frozenset(i for i, members in numbers.items() if len(members) > SHARED_AFTER)
    was = {i for (i,) in bulk.rows_in(f"SELECT id FROM {Identity._meta.db_table} WHERE is_shared AND id IN ({{marks}})", sorted(kind_of))}
    if shared - was:
        Identity.objects.filter(id__in=shared - was).update(is_shared=True)
    if was - shared:
        Identity.objects.filter(id__in=was - shared).update(is_shared=False)
    return shared


def _spoken_of(everybody: set[int]) -> set[int]:
    """Identities that a sale, a list or a hand-made customer still speaks of."""
    identity, sale, pairing, detail, link, customer = (
        m._meta.db_table for m in (Identity, Sale, Pairing, Detail, Link, Customer)
    )
    sql = (
        f"SELECT i.id FROM {identity} i WHERE i.id IN ({{marks}}) AND ("
        f"EXISTS (SELECT 1 FROM {sale} s WHERE s.identity_id = i.id) "
        f"OR EXISTS (SELECT 1 FROM {pairing} p WHERE p.one_id = i.id) "
        f"OR EXISTS (SELECT 1 FROM {pairing} p WHERE p.other_id = i.id) "
        f"OR EXISTS (SELECT 1 FROM {detail} d WHERE d.identity_id = i.id) "
        f"OR EXISTS (SELECT 1 FROM {link} l JOIN {customer} c ON c.id = l.customer_id "
        f"WHERE l.identity_id = i.id AND c.is_by_hand))"
    )
    return {i for (i,) in bulk.rows_in(sql, sorted(everybody))}


def _found(groups: list[list[int]], kind_of: dict[int, tuple[str, bytes]]) -> list[int]:
    """New customers, each founded by the strongest identity of its group."""
    made: list[int] = []
    for chunk in bulk.in_chunks(groups, bulk.CHUNK):
        first = bulk.reserve_ids(Customer, len(chunk))
        now = pd.Timestamp.now("UTC").strftime("%Y-%m-%d %H:%M:%S" + ("+00" if bulk.is_postgres() else ""))
        rows = []
        for k, group in enumerate(chunk):
            founder = min(group, key=lambda i: (STRENGTH[kind_of[i][0]], kind_of[i][1]))
            rows.append((first + k, founder, "", "", "", "", kind_of[founder][0] == "name", False, False, now))
        bulk.insert(
            Customer,
            ("id", "founder_id", "name", "sex", "birthday", "anniversary", "is_company", "is_by_hand", "is_gone", "since_at"),
            rows,
        )
        made += range(first, first + len(chunk))
    return made


def _let_go(customers: Iterable[int], identities: list[int]) -> None:
    """Customers whom nothing speaks of any more go, unless a person has written about them."""
    for chunk in bulk.in_chunks(identities):
        Link.objects.filter(identity_id__in=chunk).delete()
    for chunk in bulk.in_chunks(sorted(customers)):
        kept = set(Note.objects.filter(customer_id__in=chunk).values_list("customer_id", flat=True))
        kept |= set(Customer.objects.filter(id__in=chunk, is_by_hand=True).values_list("id", flat=True))
        kept |= set(Detail.objects.filter(customer_id__in=chunk, by__isnull=False).values_list("customer_id", flat=True))
        Customer.objects.filter(id__in=[c for c in chunk if c not in kept]).delete()
        Customer.objects.filter(id__in=kept, is_by_hand=False).update(is_gone=True)


# --- what is known of her --------------------------------------------------------------------------------------------

SHOWN = ("name", "sex", "birthday", "anniversary", "is_company")


def refresh(customers: Iterable[int]) -> None:
    """Write the words that lists show and search (name, sex, birthday, search keys) from the details, newest first."""
    ids = sorted(customers)
    for chunk in bulk.in_chunks(ids, bulk.CHUNK):
        _refresh(list(chunk))


def _refresh(ids: list[int]) -> None:
    link, detail, identity, customer = (m._meta.db_table for m in (Link, Detail, Identity, Customer))
    root = {c: c for c in ids}
    for c, into in bulk.rows_in(f"SELECT id, merged_into_id FROM {customer} WHERE merged_into_id IN ({{marks}})", ids):
        root[c] = into
    said: dict[int, dict[str, tuple[int, str]]] = defaultdict(dict)
    keys_list = ", ".join(f"'{k}'" for k in SHOWN)
    by_link = (
        f"SELECT l.customer_id, d.key, d.id, d.plain FROM {detail} d JOIN {link} l ON l.identity_id = d.identity_id "
        f"WHERE d.key IN ({keys_list}) AND l.customer_id IN ({{marks}})"
    )
    by_hand = f"SELECT d.customer_id, d.key, d.id, d.plain FROM {detail} d WHERE d.key IN ({keys_list}) AND d.customer_id IN ({{marks}})"
    for sql in (by_link, by_hand):
        for c, key, i, plain in bulk.rows_in(sql, sorted(root)):
            owner = root.get(c, c)
            if i > said[owner].get(key, (0, ""))[0]:
                said[owner][key] = (i, plain)
    words: dict[int, dict[str, None]] = {c: {} for c in ids}
    names: dict[int, str] = {}
    for c, kind, written in bulk.rows_in(
        f"SELECT l.customer_id, i.kind, i.written FROM {identity} i JOIN {link} l ON l.identity_id = i.id "
        f"WHERE i.kind IN ('phone', 'name') AND l.customer_id IN ({{marks}})", ids,
    ):  # fmt: skip
        text = keys().unseal(written)
        if kind == "phone":
            words[c][tail_word(text)] = None
        else:
            names[c] = text
    before = {row[0]: row[1:] for row in bulk.rows_in(
        f"SELECT id, name, sex, birthday, anniversary, is_company FROM {customer} WHERE id IN ({{marks}})", ids)}  # fmt: skip
    changed = []
    for c in ids:
        values = {k: v for k, (_, v) in said[c].items()}
        name = values.get("name") or names.get(c) or ""
        now = (name, values.get("sex", ""), values.get("birthday", ""), values.get("anniversary", ""),
               bool(values.get("is_company")) or c in names)  # fmt: skip
        for word in search_words(name):
            words[c][word] = None
        was = before.get(c)
        if was is not None and (*was[:4], bool(was[4])) != now:
            changed.append((*now, c))
    bulk.execute_many(
        f"UPDATE {customer} SET name = %s, sex = %s, birthday = %s, anniversary = %s, is_company = %s WHERE id = %s", changed
    )
    table = SearchKey._meta.db_table
    have: dict[int, set[str]] = defaultdict(set)
    for c, word in bulk.rows_in(f"SELECT customer_id, word FROM {table} WHERE customer_id IN ({{marks}})", ids):
        have[c].add(word)
    stale = [c for c in ids if have[c] - set(words[c])]
    for chunk in bulk.in_chunks(stale):
        SearchKey.objects.filter(customer_id__in=chunk).delete()
    for c in stale:
        have[c] = set()
    bulk.insert(SearchKey, ("customer_id", "word"), [(c, w[:80]) for c in ids for w in words[c] if w not in have[c]])


def tail_word(phone: str) -> str:
    """The search word of a phone's last four digits: a keyed token, so the digits themselves stand nowhere."""
    digits = "".join(ch for ch in phone if ch.isdigit())
    return "#" + keys().token("tail", digits[-4:]).hex()


# --- by hand ---------------------------------------------------------------------------------------------------------


def add_customer(
    *, name: str = "", phone: str = "", member: str = "", is_company: bool = False, store: Store | None = None,
    by: Staff | None = None,
) -> Customer:  # fmt: skip
    """Write a customer in by hand. Whoever already has that phone or number is refused with her name."""
    written = [(kind, value) for kind, value in (("member", member), ("phone", phone)) if value]
    if not written and not name.strip():
        raise Refused(Words("至少写一样：姓名、手机号或会员号", "Give at least a name, a phone or a member number"))
    with transaction.atomic():
        ids = [int(identity_ids(kind, [value])[0]) for kind, value in written]
        taken = Link.objects.filter(identity_id__in=ids).select_related("customer").first()
        if taken:
            raise Refused(
                Words("这个号码已经是顾客「{n}」的", "That number already belongs to the customer {n}").fill(n=taken.customer.name or taken.customer_id)
            )
        customer = Customer.objects.create(
            founder_id=ids[0] if ids else None, is_company=is_company, is_by_hand=True, store=store,
        )  # fmt: skip
        Link.objects.bulk_create([Link(identity_id=i, customer=customer) for i in ids])
        if name.strip():
            Detail.objects.create(customer=customer, key="name", plain=name.strip()[:80], by=by)
        if is_company:
            Detail.objects.create(customer=customer, key="is_company", plain="true", by=by)
        refresh([customer.id])
        customer.refresh_from_db()
        audit("add-customer", f"customer {customer.id}", by=by)
    return customer


def say_detail(customer: Customer, key: str, value: str, *, by: Staff | None = None) -> None:
    """A member of staff says something about a customer; what was said before stays in the record."""
    with transaction.atomic():
        sealed = key in SEALED_KEYS
        Detail.objects.create(
            customer=customer, key=key, plain="" if sealed else value[:120], sealed=value if sealed else None, by=by
        )
        if key in SHOWN:
            refresh([customer.id])
        audit("say-detail", f"customer {customer.id}", by=by, detail={"key": key})


def add_note(customer: Customer, text: str, *, on: date, by: Staff | None = None) -> Note:
    if not text.strip():
        raise Refused(Words("备注是空的", "The note is empty"))
    with transaction.atomic():
        note = Note.objects.create(customer=customer, text=text.strip()[:2000], on=on, author=by, author_name=by.name if by else "")
        audit("add-note", f"customer {customer.id}", by=by)
    return note


def main_identity(customer: Customer) -> Identity | None:
    """The strongest identity of a customer: new sales by hand are written on it. Made where she has none."""
    found = [link.identity for link in Link.objects.filter(customer=customer).select_related("identity")]
    if found:
        return min(found, key=lambda i: (STRENGTH[i.kind], i.id))
    identity = Identity.objects.get(id=int(identity_ids("member", [f"hand-{customer.id}"])[0]))
    Link.objects.create(identity=identity, customer=customer)
    Customer.objects.filter(id=customer.id, founder=None).update(founder=identity)
    return identity


def write_portraits(rows: pa.Table) -> None:
    """Write the listed facts of customers whose portrait changed: `customer` and the columns of `Portrait`."""
    columns = [f.column for f in Portrait._meta.concrete_fields]
    data = [rows[c if c != "customer_id" else "customer"].to_pylist() for c in columns]
    ids = data[columns.index("customer_id")]
    for start in range(0, len(ids), bulk.CHUNK):
        part = [column[start : start + bulk.CHUNK] for column in data]
        with transaction.atomic():
            for chunk in bulk.in_chunks(ids[start : start + bulk.CHUNK]):
                Portrait.objects.filter(customer_id__in=chunk).delete()
            bulk.insert(Portrait, columns, zip(*[[v.isoformat() if isinstance(v, date) else v for v in c] for c in part], strict=True))
