"""Verbs of customers: take up what a batch says about people and forget it again, write in what staff know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from regulars.customers.consents import may_write, shut_out
from regulars.customers.knowing import MERGED, SHOWN, free_of, head_word, refresh, settle, tail_word, touch
from regulars.customers.models import (
    Customer,
    Detail,
    Family,
    FamilyMember,
    Likely,
    LikelyKind,
    LikelyState,
    Link,
    Note,
    NoteWord,
    Portrait,
)
from regulars.customers.own import own_facts
from regulars.customers.rules.details import FACT_KEYS, read_birthday, read_fact, read_sex
from regulars.customers.rules.joining import NUMBERS, STRENGTH, joined, same_numbers
from regulars.customers.rules.likeness import BY_PERSON
from regulars.customers.rules.names import surname_of
from regulars.customers.rules.sheet import NOTE_KINDS
from regulars.playbooks.catalogue import Fact, catalogue
from regulars.sales import actions as sales
from regulars.sales.identities import identity_ids, token_for, welcome_back
from regulars.sales.models import Batch, BatchState, Identity, Pairing, Sale
from regulars.sales.queries import BY_WORD
from regulars.shop import bulk, vault
from regulars.shop.keys import keys
from regulars.shop.models import Staff, Store, audit
from regulars.shop.rotation import renewed_with
from regulars.shop.rules.masks import without_numbers
from regulars.shop.sealed_words import write_words
from regulars.shop.words import Refused, Words

__all__ = ["MERGED", "free_of", "head_word", "tail_word", "touch"]

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
    "masked_phone",
}
"""What a list says that is personal or money-like: kept sealed until a later stage takes it up."""


# --- absorb and release ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Absorbed:
    """What a batch taught about people: how many customers are new, how many of those stand on its list, and which
    identities of before turned out to be somebody else's."""

    customers: int
    listed: int
    moved: Sequence[int]


def absorb(batch: Batch, identities: np.ndarray, listed: np.ndarray) -> Absorbed:
    """Take up what a batch says about people: whom it names, who is one with whom, what it says about her.

    Call it inside the transaction of `publish`, after it. `identities`: all that the batch names or changes;
    `listed`: those of its customer list.
    """
    _keep_details(batch)
    _, made, moved = settle(identities)
    shut_out(batch)
    if not made or not len(listed):
        return Absorbed(len(made), 0, moved)
    new = set(made.values())
    sql = f"SELECT DISTINCT customer_id FROM {Link._meta.db_table} WHERE identity_id IN ({{marks}})"
    on_list = {c for (c,) in bulk.rows_in(sql, listed.tolist())}
    return Absorbed(len(new), len(new & on_list), moved)


def release(batch: Batch, identities: np.ndarray) -> tuple[list[int], list[int]]:
    """Forget what a batch said about people. Call it after `sales.release`, in the same transaction, with what that
    returned. Returns the identities that nothing here holds any more, and those that are somebody else's now."""
    said = Detail.objects.filter(batch=batch, identity__isnull=False)
    named = np.fromiter(said.values_list("identity_id", flat=True).distinct(), dtype="int64")
    bulk.execute(f"DELETE FROM {Detail._meta.db_table} WHERE batch_id = %s", [batch.id])
    touched = np.union1d(identities, named)
    moved = settle(touched).moved
    return free_of(touched.tolist()), moved


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
        for f in (*catalogue, *own_facts().values())
        if f.is_file_fact and f.window is None
        for h in (f.key, f.name.zh.lower(), f.name.en.lower())
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
        return "name", without_numbers(text)[:80], None
    if column.startswith("raw:"):
        fact = _fact(column, by_header)
        if fact is not None and (read := read_fact(fact, text)) is not None:
            return fact.key, without_numbers(read) if fact.type == "text" else read, None
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
            made = settle(np.array(ids)).made
            customer = Customer.objects.get(id=customers_of(np.array(ids)).pop())
            Customer.objects.filter(id__in=made.values()).update(is_by_hand=True, store=store)
        else:
            customer = Customer.objects.create(is_by_hand=True, store=store)
        if name.strip():
            Detail.objects.create(
                customer=customer, key="name", plain=without_numbers(name.strip())[:80], by=by
            )
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
        is_text = key in SHOWN or (fact is not None and fact.type == "text")
        Detail.objects.create(
            customer=customer,
            key=key[:60],
            plain=(without_numbers(value.strip()) if is_text else value.strip())[:120] if is_plain else "",
            sealed=None if is_plain or not value else value,  # nothing said: taken back
            by=by,
        )
        if key in SHOWN:
            refresh([customer.id])
        audit("say-detail", f"customer {customer.id}", by=by, detail={"key": key})


def add_note(
    customer: Customer, text: str, *, on: date, by: Staff | None = None, kind: str = "other"
) -> Note:
    if not text.strip():
        raise Refused(Words("备注是空的", "The note is empty"))
    with transaction.atomic():
        note = Note.objects.create(
            customer=customer,
            text=text.strip()[:2000],
            on=on,
            author=by,
            author_name=by.name if by else "",
            kind=kind if kind in NOTE_KINDS else "other",
        )
        write_words(NoteWord, [(note.pk, str(note.text))])
        audit("add-note", f"customer {customer.id}", by=by)
    return note


@renewed_with("customers.Note")
def _new_note_words(rows: Sequence[tuple[int, dict[str, str]]]) -> None:
    write_words(NoteWord, [(i, said["text"]) for i, said in rows])


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


def merge(one: Customer, other: Customer, *, by: Staff | None = None, why: str = "") -> Batch:
    """Say that two customers are one. All that either has is read together; `unmerge` takes it back exactly.

    The older file stands for both, whichever is named first. What is said binds the first identity of each, so that of
    three who were merged each can be parted again, in any order. `daily.merge` keeps the grades besides.
    """
    with transaction.atomic():
        bulk.alone("customers")
        one, other = standing_for(one), standing_for(other)
        if one.id == other.id:
            raise Refused(Words("这已经是同一位顾客", "These are one customer already"))
        said = [_bound_by(one), _bound_by(other)]
        batch = sales.batch_by_hand(by, MERGED, kind=BY_WORD, rows=0)
        Batch.objects.filter(id=batch.id).update(options={"customers": sorted([one.id, other.id])})
        Pairing.objects.create(batch=batch, one=said[0], other=said[1])
        settle(np.array([i.id for i in said]))
        audit(
            "merge-customers",
            f"customer {one.id}",
            by=by,
            why=why,
            detail={"other": other.id, "batch": batch.id},
        )
    batch.refresh_from_db()
    return batch


def standing_for(customer: Customer) -> Customer:
    """The customer who stands for this one now, read through merging."""
    now = Customer.objects.select_related("merged_into").get(id=customer.id)
    return now.merged_into or now


def _bound_by(customer: Customer) -> Identity:
    """The identity by which a person's word holds a customer: her founder, which stays hers whoever is joined later."""
    return customer.founder or main_identity(customer)


def unmerge(batch: Batch, *, by: Staff | None = None, why: str = "") -> None:
    """Take back what a person has said about two customers being one, at any later time. Each has again what was
    written about her, and what was written on the older file while they were one stays there."""
    with transaction.atomic():
        bulk.alone("customers")
        if not Batch.objects.filter(id=batch.id, reader=MERGED, state=BatchState.COMPLETE).update(
            state=BatchState.UNDONE, undone_at=timezone.now()
        ):
            raise Refused(Words("这次合并已经撤回了", "This merging has already been taken back"))
        pairs = Pairing.objects.filter(batch=batch)
        both = [i for pair in pairs.values_list("one_id", "other_id") for i in pair]
        pairs.delete()
        settle(np.array(both))
        _let_go_of_names_made_up(both)
        sales.forget_identities(free_of(both))
        Likely.objects.filter(word=batch).update(
            state=LikelyState.OPEN, word=None, decided_by=None, decided_at=None
        )
        audit("unmerge-customers", f"batch {batch.id}", by=by, why=why)


def _let_go_of_names_made_up(identities: Sequence[int]) -> None:
    """A customer without a number was given one so that she could be merged. Where nothing else has come to stand on it,
    it goes again."""
    made = Identity.objects.filter(id__in=identities, kind="member", link__customer__is_by_hand=True)
    for identity in made.select_related("link__customer"):
        customer = identity.link.customer
        if str(identity.written) != f"hand-{customer.id}" or customer.founder_id != identity.id:
            continue
        said = Detail.objects.filter(identity=identity)
        if (
            Sale.objects.filter(identity=identity).exists()
            or Pairing.objects.filter(Q(one=identity) | Q(other=identity)).exists()
            or said.exclude(key="listed").exists()
        ):
            continue
        said.delete()
        Customer.objects.filter(id=customer.id).update(founder=None)
        Link.objects.filter(identity=identity).delete()


# --- who may be one --------------------------------------------------------------------------------------------------

DECIDED = Words("刚才已经有人决定了", "Somebody has just decided this")


def propose(one: Customer, other: Customer, *, by: Staff) -> Likely:
    """Somebody thinks that two customers may be one; whoever may merge decides."""
    one, other = standing_for(one), standing_for(other)
    if one.id == other.id:
        raise Refused(Words("这已经是同一位顾客", "These are one customer already"))
    first, second = sorted([one.id, other.id])
    with transaction.atomic():
        likely, _ = Likely.objects.get_or_create(
            one_id=first, other_id=second,
            defaults={"kind": LikelyKind.MERGE, "strength": "sure", "reasons": [], "weight": BY_PERSON_WEIGHT},
        )  # fmt: skip
        if likely.state == LikelyState.DIFFERENT:
            raise Refused(
                Words("已经有人看过，说不是同一个人", "Somebody has looked and said that they are two people")
            )
        if BY_PERSON not in likely.reasons:
            likely.reasons = [BY_PERSON, *likely.reasons]
            likely.asked_by = by
            likely.save(update_fields=["reasons", "asked_by"])
            audit("propose-same", f"customer {first}", by=by, detail={"other": second})
    return likely


BY_PERSON_WEIGHT = 20
"""What staff have noticed comes first: they have seen her face."""


def decide(likely: Likely, how: str, *, by: Staff | None = None, why: str = "") -> Likely:
    """Answer a proposal: `merged` (one person), `family` (they belong together), `different`. Two people can't answer
    the same one: only the first is heard. `daily.decide` keeps the grades besides."""
    if how not in (LikelyState.MERGED, LikelyState.FAMILY, LikelyState.DIFFERENT):
        raise Refused(Words("没有这个选项", "There is no such choice"))
    with transaction.atomic():
        now = {"state": how, "decided_by": by, "decided_at": timezone.now(), "why": why.strip()[:200] or None}
        if not Likely.objects.filter(id=likely.id, state=LikelyState.OPEN).update(
            **{k: v for k, v in now.items() if k != "why"}
        ):
            raise Refused(DECIDED)
        likely.refresh_from_db()
        likely.why = now["why"]
        if how == LikelyState.MERGED:
            likely.word = merge(likely.one, likely.other, by=by, why=why)
        elif how == LikelyState.FAMILY:
            likely.family, likely.joined = _make_family(likely.one, likely.other)
        likely.save(update_fields=["why", "word", "family", "joined"])
        audit(
            "decide-same", f"customer {likely.one_id}", by=by, detail={"other": likely.other_id, "how": how}
        )
    return likely


def reopen_likely(likely: Likely, *, by: Staff | None = None) -> Likely:
    """Take an answer back: who was merged is two again, a family that it made is none, and the question is open."""
    with transaction.atomic():
        likely = Likely.objects.select_for_update().get(id=likely.id)
        if likely.state == LikelyState.OPEN:
            raise Refused(Words("这一对还没有决定", "Nothing has been decided here"))
        if likely.word is not None and likely.word.state == BatchState.COMPLETE:
            unmerge(likely.word, by=by)
        if likely.family is not None:
            likely.family.members.filter(customer__in=likely.joined).delete()
            if likely.family.members.count() < 2:
                likely.family.delete()
        Likely.objects.filter(id=likely.id).update(
            state=LikelyState.OPEN,
            decided_by=None,
            decided_at=None,
            why=None,
            word=None,
            family=None,
            joined=[],
        )
        likely.refresh_from_db()
        audit("reopen-same", f"customer {likely.one_id}", by=by, detail={"other": likely.other_id})
    return likely


def part(batch: Batch, *, by: Staff | None = None, why: str = "") -> None:
    """Part two who were merged because they are two people: also remembered, so that it is not proposed again."""
    with transaction.atomic():
        first, second = batch.options["customers"]
        unmerge(batch, by=by, why=why)
        if Customer.objects.filter(id__in=[first, second]).count() == 2:
            Likely.objects.update_or_create(
                one_id=first, other_id=second,
                defaults={"state": LikelyState.DIFFERENT, "decided_by": by, "decided_at": timezone.now()},
                create_defaults={"kind": LikelyKind.MERGE, "strength": "weak", "state": LikelyState.DIFFERENT,
                                 "decided_by": by, "decided_at": timezone.now()},
            )  # fmt: skip


def _make_family(one: Customer, other: Customer) -> tuple[Family, list[int]]:
    """The family of the two, made where neither has one, and who has come into it. Two families become no third: the
    second comes into the first one's."""
    for known, new in ((one, other), (other, one)):
        member = FamilyMember.objects.filter(customer=known).select_related("family").first()
        if member:
            _, came = FamilyMember.objects.get_or_create(family=member.family, customer=new)
            return member.family, [new.id] if came else []
    family = Family.objects.create(name=surname_of(one.name) or surname_of(other.name))
    FamilyMember.objects.bulk_create([FamilyMember(family=family, customer=c) for c in (one, other)])
    return family, [one.id, other.id]


def say_role(member: FamilyMember, role: str, *, by: Staff | None = None) -> None:
    """What somebody is in her family: spouse, child, parent, card."""
    if role and role not in ROLES:
        raise Refused(Words("没有这个称呼", "There is no such role"))
    with transaction.atomic():
        FamilyMember.objects.filter(id=member.id).update(role=role)
        audit("say-role", f"customer {member.customer_id}", by=by)


ROLES: dict[str, Words] = {
    "spouse": Words("爱人", "Spouse"), "child": Words("孩子", "Child"), "parent": Words("父母", "Parent"),
    "relative": Words("亲戚", "Relative"), "card": Words("合用一张卡", "Shares a card"),
}  # fmt: skip
"""Who somebody is in a family."""


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
