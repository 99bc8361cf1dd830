"""Verbs of customers: take up what a batch says about people and forget it again, write in what staff know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction

from regulars.customers.consents import may_write, shut_out
from regulars.customers.knowing import MERGED, SHOWN, free_of, refresh, settle, tail_word, touch
from regulars.customers.models import Customer, Detail, Link, Note, Portrait
from regulars.customers.rules.details import FACT_KEYS, read_birthday, read_fact, read_sex
from regulars.customers.rules.joining import NUMBERS, STRENGTH, joined, same_numbers
from regulars.playbooks.catalogue import Fact, catalogue
from regulars.sales import actions as sales
from regulars.sales.identities import identity_ids, token_for, welcome_back
from regulars.sales.models import Batch, BatchState, Identity, Pairing, Sale
from regulars.shop import bulk, vault
from regulars.shop.keys import keys
from regulars.shop.models import Staff, Store, audit
from regulars.shop.words import Refused, Words

__all__ = ["free_of", "tail_word", "touch"]

SEALED_KEYS = {
    "address",
    "email",
    "wechat",
    "note",
    "points",
    "balance",
    "balance_bonus",
    "referrer",
    "phone",
}
"""What a list says that is personal or money-like: kept sealed until a later stage takes it up."""


# --- absorb and release ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Absorbed:
    """What a batch taught about people: how many customers are new, and how many of those stand on its list."""

    customers: int
    listed: int


def absorb(batch: Batch, identities: np.ndarray, listed: np.ndarray) -> Absorbed:
    """Take up what a batch says about people: whom it names, who is one with whom, what it says about her.

    Call it inside the transaction of `publish`, after it. `identities`: all that the batch names or changes;
    `listed`: those of its customer list.
    """
    _keep_details(batch)
    _, made = settle(identities)
    shut_out(batch)
    if not made or not len(listed):
        return Absorbed(len(made), 0)
    new = set(made.values())
    sql = f"SELECT DISTINCT customer_id FROM {Link._meta.db_table} WHERE identity_id IN ({{marks}})"
    on_list = {c for (c,) in bulk.rows_in(sql, listed.tolist())}
    return Absorbed(len(new), len(new & on_list))


def release(batch: Batch, identities: np.ndarray) -> list[int]:
    """Forget what a batch said about people. Call it after `sales.release`, in the same transaction, with what that
    returned. Returns the identities that nothing here holds any more."""
    said = Detail.objects.filter(batch=batch, identity__isnull=False)
    named = np.fromiter(said.values_list("identity_id", flat=True).distinct(), dtype="int64")
    bulk.execute(f"DELETE FROM {Detail._meta.db_table} WHERE batch_id = %s", [batch.id])
    touched = np.union1d(identities, named)
    settle(touched)
    return free_of(touched.tolist())


def customers_of(identities: np.ndarray) -> set[int]:
    """The customers behind these identities, read through merging."""
    table, customer = Link._meta.db_table, Customer._meta.db_table
    sql = (
        f"SELECT DISTINCT COALESCE(c.merged_into_id, c.id) FROM {table} l JOIN {customer} c ON c.id = l.customer_id "
        f"WHERE l.identity_id IN ({{marks}})"
    )
    return {c for (c,) in bulk.rows_in(sql, identities.tolist())}


def would_be_new(trial: sales.Trial) -> tuple[int, int]:
    """How many customers an import would add, and how many of those stand on its list: groups of identities of which
    none is known. A trial's answer; what stands in the store decides in the end."""
    named = trial.identities
    link, identity = Link._meta.db_table, Identity._meta.db_table
    known = {
        i
        for (i,) in bulk.rows_in(
            f"SELECT identity_id FROM {link} WHERE identity_id IN ({{marks}})", [i for i in named if i > 0]
        )
    }
    numbers = {t for i, (kind, t) in named.items() if kind in NUMBERS}
    same = f"SELECT i.token FROM {identity} i JOIN {link} l ON l.identity_id = i.id WHERE i.kind IN ('member', 'card') AND i.token IN ({{marks}})"
    numbers = {bytes(t) for (t,) in bulk.rows_in(same, sorted(numbers))}
    groups = joined(named, [*trial.pairs, *same_numbers(named)])
    new = [
        g
        for g in groups
        if not any(i in known or (named[i][0] in NUMBERS and named[i][1] in numbers) for i in g)
    ]
    return len(new), sum(any(i in trial.listed for i in g) for g in new)


def _keep_details(batch: Batch) -> None:
    """Columns beside the sales become details: facts in plain words, personal things sealed. What a till prints on
    every receipt without being a fact (a table's number, a way of paying) says nothing about her and stays with the
    batch."""
    table = vault.get_table(f"batch-{batch.id}-extras")
    if table is None:
        return
    table = table.filter(pc.greater(table["identity"], 0))
    by_header = {
        h: f
        for f in catalogue
        if f.is_file_fact and f.window is None
        for h in (f.key, f.name.zh, f.name.en.lower())
    }
    on_sale = pc.equal(table["of"], "sales")
    rows: list[tuple[Any, ...]] = []
    for column in table.column_names:
        if column in ("of", "index", "identity", "row"):
            continue
        wanted = pc.is_valid(table[column])
        if column.startswith("raw:") and _fact(column, by_header) is None:
            wanted = pc.and_(wanted, pc.invert(on_sale))
        said = table.select(["identity", column]).filter(wanted)
        if not said.num_rows:
            continue
        last = said.group_by("identity", use_threads=False).aggregate([(column, "last")])
        last = last.append_column(
            "at", pc.index_in(last["identity"], value_set=pc.unique(said["identity"]))
        ).sort_by("at")
        for identity, value in zip(
            last["identity"].to_pylist(), last[f"{column}_last"].to_pylist(), strict=True
        ):
            key, plain, sealed = _detail(column, value, by_header)
            if key:
                rows.append((identity, key[:60], plain[:120], sealed, batch.id))
    listed = pc.unique(table["identity"].filter(pc.equal(table["of"], "listed"))).to_pylist()
    rows += [(identity, "listed", "", None, batch.id) for identity in listed]
    now = batch.at if bulk.is_postgres() else batch.at.strftime("%Y-%m-%d %H:%M:%S.%f")
    seal = keys().seal
    for chunk in bulk.in_chunks(rows, bulk.CHUNK):
        bulk.insert(
            Detail, ("identity_id", "key", "plain", "sealed", "batch_id", "said_at"),
            [(i, key, plain, None if sealed is None else seal(sealed), b, now) for i, key, plain, sealed, b in chunk],
        )  # fmt: skip


def _fact(column: str, by_header: dict[str, Fact]) -> Fact | None:
    header = column.removeprefix("raw:").strip().lower()
    return by_header.get(header) or by_header.get(FACT_KEYS.get(header, ""))


def _detail(column: str, value: Any, by_header: dict[str, Fact]) -> tuple[str, str, str | None]:
    """One cell as (key, plain, sealed)."""
    text = str(value).strip()
    if not text:
        return "", "", None
    if column == "is_company":
        return ("is_company", "true", None) if text.lower() in ("true", "1", "1.0") else ("", "", None)
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
        fact = _fact(column, by_header)
        if fact is not None and (read := read_fact(fact, text)) is not None:
            return fact.key, read, None
        return column[:60], "", text
    return column, "", text


class AlreadyKnown(Refused):
    """A number that already belongs to `customer`."""

    def __init__(self, customer: Customer) -> None:
        self.customer = customer
        super().__init__(
            Words("这个号码已经是顾客「{n}」的", "That number already belongs to the customer {n}").fill(
                n=customer.name or f"#{customer.id}"
            )
        )


# --- by hand ---------------------------------------------------------------------------------------------------------


def add_customer(
    *, name: str = "", phone: str = "", member: str = "", is_company: bool = False, store: Store | None = None,
    by: Staff | None = None,
) -> Customer:  # fmt: skip
    """Write a customer in by hand. Whoever already has that phone or number is refused with her name (AlreadyKnown)."""
    written = [
        (kind, value.strip()) for kind, value in (("member", member), ("phone", phone)) if value.strip()
    ]
    if not written and not name.strip():
        raise Refused(
            Words("至少写一样：姓名、手机号或会员号", "Give at least a name, a phone or a member number")
        )
    with transaction.atomic():
        bulk.alone("customers")
        for kind, value in written:
            kinds = NUMBERS if kind in NUMBERS else (kind,)
            taken = (
                Link.objects.filter(identity__kind__in=kinds, identity__token=token_for(kind, value))
                .select_related("customer__merged_into")
                .first()
            )
            if taken:
                raise AlreadyKnown(taken.customer.merged_into or taken.customer)
        for kind, value in written:
            welcome_back(kind, value)
        ids = [int(identity_ids(kind, [value])[0]) for kind, value in written]
        if ids:  # her numbers are evidence like a list's, so that a file that brings them later finds her
            batch = sales.batch_by_hand(by, kind="customers")
            Detail.objects.bulk_create([Detail(identity_id=i, key="listed", batch=batch) for i in ids])
            Pairing.objects.bulk_create([Pairing(batch=batch, one_id=ids[0], other_id=i) for i in ids[1:]])
            _, made = settle(np.array(ids))
            customer = Customer.objects.get(id=customers_of(np.array(ids)).pop())
            Customer.objects.filter(id__in=made.values()).update(is_by_hand=True, store=store)
        else:
            customer = Customer.objects.create(is_by_hand=True, store=store)
        if name.strip():
            Detail.objects.create(customer=customer, key="name", plain=name.strip()[:80], by=by)
        if is_company:
            Detail.objects.create(customer=customer, key="is_company", plain="true", by=by)
        refresh([customer.id])
        touch([customer.id])
        customer.refresh_from_db()
        audit("add-customer", f"customer {customer.id}", by=by)
    return customer


def say_detail(customer: Customer, key: str, value: str, *, by: Staff | None = None) -> None:
    """A member of staff says something about a customer; what was said before stays in the record."""
    may_write(customer, key, value)
    with transaction.atomic():
        fact = catalogue.find(key)
        is_plain = key in SHOWN or (fact is not None and fact.is_file_fact)
        Detail.objects.create(
            customer=customer,
            key=key[:60],
            plain=value.strip()[:120] if is_plain else "",
            sealed=None if is_plain else value,
            by=by,
        )
        if key in SHOWN:
            refresh([customer.id])
        audit("say-detail", f"customer {customer.id}", by=by, detail={"key": key})


def add_note(customer: Customer, text: str, *, on: date, by: Staff | None = None) -> Note:
    if not text.strip():
        raise Refused(Words("备注是空的", "The note is empty"))
    with transaction.atomic():
        note = Note.objects.create(
            customer=customer, text=text.strip()[:2000], on=on, author=by, author_name=by.name if by else ""
        )
        audit("add-note", f"customer {customer.id}", by=by)
    return note


def main_identity(customer: Customer) -> Identity:
    """The strongest identity of a customer: new sales by hand are written on it. Made where she has none."""
    found = [link.identity for link in Link.objects.filter(customer=customer).select_related("identity")]
    if found:
        return min(found, key=lambda i: (STRENGTH[i.kind], i.id))
    with transaction.atomic():
        identity = Identity.objects.get(id=int(identity_ids("member", [f"hand-{customer.id}"])[0]))
        Detail.objects.create(
            identity=identity, key="listed", batch=sales.batch_by_hand(None, kind="customers", rows=0)
        )
        Customer.objects.filter(id=customer.id, founder=None).update(founder=identity)
        settle(np.array([identity.id]))
    return identity


def record_sale(
    customer: Customer | None, *, store: Store, day: date, amount: int, at: datetime | None = None, occasion: str = "",
    party_size: int | None = None, by: Staff | None = None,
) -> Sale:  # fmt: skip
    """Write one sale of a customer (or of nobody) by hand; 0 records that she came."""
    with transaction.atomic():
        identity = main_identity(customer) if customer else None
        sale = sales.record_sale(
            store=store,
            day=day,
            amount=amount,
            identity=identity,
            at=at,
            occasion=occasion,
            party_size=party_size,
            by=by,
        )
        if identity is not None:
            touch(customers_of(np.array([identity.id])))
    return sale


def attach(sale: Sale, customer: Customer, *, by: Staff | None = None) -> Sale:
    """Give an anonymous receipt to a customer."""
    with transaction.atomic():
        named = sales.attach(sale, main_identity(customer), by=by)
        touch([customer.id])
    return named


def merge(stays: Customer, other: Customer, *, by: Staff | None = None, why: str = "") -> Batch:
    """Say that two customers are one. All that either has is read together; `unmerge` takes it back exactly."""
    if stays.id == other.id:
        raise Refused(Words("这是同一位顾客", "These are the same customer"))
    with transaction.atomic():
        one, two = main_identity(stays), main_identity(other)
        batch = sales.batch_by_hand(by, MERGED, kind="customers", rows=0)
        Pairing.objects.create(batch=batch, one=one, other=two)
        settle(np.array([one.id, two.id]))
        audit(
            "merge-customers",
            f"customer {stays.id}",
            by=by,
            why=why,
            detail={"other": other.id, "batch": batch.id},
        )
    return batch


def unmerge(batch: Batch, *, by: Staff | None = None, why: str = "") -> None:
    """Take back what a person has said about two customers being one."""
    with transaction.atomic():
        if not Batch.objects.filter(id=batch.id, reader=MERGED, state=BatchState.COMPLETE).update(
            state=BatchState.UNDONE
        ):
            raise Refused(Words("这次合并已经撤回了", "This merging has already been taken back"))
        pairs = Pairing.objects.filter(batch=batch)
        both = np.array([i for pair in pairs.values_list("one_id", "other_id") for i in pair])
        pairs.delete()
        settle(both)
        audit("unmerge-customers", f"batch {batch.id}", by=by, why=why)


def write_portraits(rows: pa.Table, *, is_new: bool = False) -> None:
    """Write the listed facts of customers whose portrait changed: `customer` and the columns of `Portrait`. `is_new`:
    none of them has a portrait yet."""
    rows = rows.rename_columns([c if c != "customer" else "customer_id" for c in rows.column_names])
    for start in range(0, rows.num_rows, bulk.CHUNK):
        part = rows.slice(start, bulk.CHUNK)
        with transaction.atomic():
            if not is_new:
                for chunk in bulk.in_chunks(part["customer_id"].to_pylist()):
                    Portrait.objects.filter(customer_id__in=chunk).delete()
            bulk.insert_table(Portrait, part)
