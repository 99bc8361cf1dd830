"""Questions about customers: their sales for the engine, their file facts, search, the list, one customer's file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection
from django.db.models import Count, Q, Sum

from regulars.customers.knowing import HEAD, head_word, tail_word
from regulars.customers.models import Customer, Customers, Detail, Link, Note, NoteWord, Portrait, SearchKey
from regulars.customers.rules.names import plain
from regulars.customers.telling import told
from regulars.playbooks.catalogue import Fact
from regulars.sales.actions import token_for
from regulars.sales.models import Batch, BatchState, Identity, Item, Sale, SaleLine
from regulars.sales.rules.sensitive import kind_of
from regulars.shop import bulk
from regulars.shop.calendar import Birthday, age_on
from regulars.shop.engine import number_of
from regulars.shop.keys import keys
from regulars.shop.models import Staff, Store
from regulars.shop.rules.note_words import says
from regulars.shop.sealed_words import records_with
from regulars.shop.words import Words

Answer = TypeVar("Answer")

SALES_SCHEMA = pa.schema(
    [
        ("customer", pa.int64()),
        ("day", pa.int32()),
        ("amount", pa.int64()),
        ("attended", pa.int8()),
        ("store", pa.int32()),
    ]
)

_SALES = f"""
SELECT COALESCE(c.merged_into_id, c.id) AS customer, s.day AS day, s.amount AS amount,
       CASE WHEN s.kind = 'attendance' THEN 1 ELSE 0 END AS attended, s.store_id AS store
FROM {Sale._meta.db_table} s
JOIN {Batch._meta.db_table} b ON b.id = s.batch_id
JOIN {Link._meta.db_table} l ON l.identity_id = s.identity_id
JOIN {Customer._meta.db_table} c ON c.id = l.customer_id
WHERE s.is_current AND b.state = 'complete'
"""


def arrow(sql: str) -> Iterator[pa.Table]:
    """A query's rows as Arrow, a hundred thousand at a time. For statements of our own without parameters.

    By the store's own connection only: a second copy of SQLite in this process (the Arrow driver brings one) takes the
    first one's locks for its own, cuts the shared index of the write-ahead log short, and the process dies with
    SIGBUS, or worse, writes on.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql)
        names = [c[0] for c in cursor.description]
        while rows := cursor.fetchmany(100_000):
            yield pa.table(
                {n: list(column) for n, column in zip(names, zip(*rows, strict=True), strict=True)}
            )


def sales_for_books(customers: Sequence[int] | None = None) -> Iterator[pa.Table]:
    """Everybody's sales, or those of some customers, in the shape that the books take."""
    if customers is None:
        for table in arrow(_SALES):
            yield _shaped(table)
        return
    for chunk in bulk.in_chunks(list(customers)):
        ids = ",".join(str(int(c)) for c in chunk)
        sql = f"{_SALES} AND (c.id IN ({ids}) OR c.merged_into_id IN ({ids}))"
        found = bulk.rows(sql)
        if found:
            names = SALES_SCHEMA.names
            yield _shaped(
                pa.table({n: list(column) for n, column in zip(names, zip(*found, strict=True), strict=True)})
            )


def _shaped(table: pa.Table) -> pa.Table:
    day = table["day"]
    if pa.types.is_string(day.type) or pa.types.is_large_string(day.type):
        day = pc.cast(day, pa.date32())
    columns = [
        table["customer"],
        pc.cast(pc.cast(day, pa.date32()), pa.int32()),
        table["amount"],
        table["attended"],
        table["store"],
    ]
    return pa.table({f.name: pc.cast(c, f.type) for f, c in zip(SALES_SCHEMA, columns, strict=True)})


def customers_alive() -> np.ndarray:
    """Numbers of all customers who stand for themselves, upwards."""
    sql = f"SELECT id FROM {Customer._meta.db_table} WHERE merged_into_id IS NULL AND NOT is_gone ORDER BY id"
    parts = [t["id"].to_numpy() for t in arrow(sql)]
    return np.concatenate(parts).astype("int64") if parts else np.empty(0, "int64")


def roots(customers: Iterable[int]) -> set[int]:
    """Read through merging: the customers that stand for these."""
    ids = sorted(set(customers))
    sql = f"SELECT COALESCE(merged_into_id, id) FROM {Customer._meta.db_table} WHERE id IN ({{marks}})"
    return {c for (c,) in bulk.rows_in(sql, ids)}


def merged() -> dict[int, int]:
    """Who is read through whom: every merged customer with the one who stands for her. Nearly nobody is merged."""
    sql = f"SELECT id, merged_into_id FROM {Customer._meta.db_table} WHERE merged_into_id IS NOT NULL"
    return dict(bulk.rows(sql))


COMPUTED = ("sex", "is_company", "age")


def people_for_books(facts: Sequence[Fact], on: date) -> pa.Table:
    """Everybody with what people know about her: `customer`, then the file facts asked for, unknown null."""
    ids = customers_alive()
    columns: dict[str, Any] = {"customer": pa.array(ids)}
    asked = [f for f in facts if f.is_file_fact]
    said = _said([f.key for f in asked if f.key not in COMPUTED])
    for key, known in told([f.key for f in asked], on).items():
        said.setdefault(key, {}).update(known)
    shown = _shown() if any(f.key in COMPUTED for f in asked) else {}
    index = {c: k for k, c in enumerate(ids.tolist())} if said or shown else {}
    for fact in asked:
        values: list[Any] = [None] * len(ids) if said or shown else []
        if fact.key in COMPUTED:
            for customer, (sex, is_company, birthday) in shown.items():
                if (k := index.get(customer)) is not None:
                    values[k] = {
                        "sex": sex or None,
                        "is_company": bool(is_company) or None,
                        "age": age_of(birthday, on),
                    }[fact.key]
        for customer, text in said.get(fact.key, {}).items():
            if (k := index.get(customer)) is not None:
                values[k] = value_of(fact, text)
        kind = {"number": pa.float64(), "text": pa.string(), "yes-no": pa.bool_(), "date": pa.int32()}[
            fact.type
        ]
        columns[fact.key] = pa.array(values, kind) if values else pa.nulls(len(ids), kind)
    return pa.table(columns)


def value_of(fact: Fact, text: str) -> Any:
    """The stored text of a file fact as the engine's value; what can't be read, or was taken back, is unknown."""
    if not text:
        return None
    try:
        if fact.type == "number":
            return float(text) * (100 if fact.unit == "yuan" else 1)
        if fact.type == "yes-no":
            return text == "true"
        if fact.type == "date":
            return number_of(date.fromisoformat(text))
    except ValueError:
        return None
    return text


def age_of(birthday: str, on: date) -> int | None:
    """Full years from a compact birthday; None where the year of birth is not known."""
    return age_on(Birthday.parse(birthday), on) if birthday and " -" not in birthday else None


def _said(wanted: Sequence[str]) -> dict[str, dict[int, str]]:
    """The latest word on each fact: fact → customer → text."""
    if not wanted or not Detail.objects.filter(key__in=wanted).exists():
        return {}
    names = ", ".join(f"'{k}'" for k in wanted)
    detail, link, customer = Detail._meta.db_table, Link._meta.db_table, Customer._meta.db_table
    sql = (
        f"SELECT d.id, d.key, COALESCE(c.merged_into_id, c.id), d.plain FROM {detail} d "
        f"LEFT JOIN {link} l ON l.identity_id = d.identity_id "
        f"JOIN {customer} c ON c.id = COALESCE(d.customer_id, l.customer_id) WHERE d.key IN ({names}) ORDER BY d.id"
    )
    found: dict[str, dict[int, str]] = {}
    for _, key, owner, text in bulk.rows(sql):
        found.setdefault(key, {})[owner] = text
    return found


def _shown() -> dict[int, tuple[str, bool, str]]:
    sql = f"SELECT id, sex, is_company, birthday FROM {Customer._meta.db_table} WHERE sex <> '' OR is_company OR birthday <> ''"
    return {i: (sex, bool(company), birthday) for i, sex, company, birthday in bulk.rows(sql)}


def file_facts_of(customer: Customer, facts: Sequence[Fact], on: date) -> dict[str, Any]:
    """One customer's file facts, the same as `people_for_books` gives for her."""
    said = details_of(customer)
    out: dict[str, Any] = {}
    for fact in facts:
        if not fact.is_file_fact:
            continue
        if fact.key == "sex":
            out["sex"] = customer.sex or None
        elif fact.key == "is_company":
            out["is_company"] = customer.is_company or None
        elif fact.key == "age":
            out["age"] = age_of(customer.birthday, on)
        elif fact.key in said:
            out[fact.key] = value_of(fact, said[fact.key])
    for key, known in told([f.key for f in facts if f.is_file_fact], on, [customer.pk]).items():
        for text in known.values():
            out[key] = value_of(next(f for f in facts if f.key == key), text)
    return out


def for_reading(customer: Customer) -> Customer:
    """For a page that only reads her file: what is asked about this object from now on is asked once."""
    customer.__dict__["_answers"] = {}
    return customer


def once(customer: Customer, question: str, ask: Callable[[], Answer]) -> Answer:
    """The answer to a question about her; remembered where the object was given out `for_reading`."""
    answers = customer.__dict__.get("_answers")
    if answers is None:
        return ask()
    if question not in answers:
        answers[question] = ask()
    found: Answer = answers[question]
    return found


def family_of(customer: Customer) -> list[int]:
    """Her number and those that were merged into her."""
    return once(
        customer, "family",
        lambda: [customer.id, *Customer.objects.filter(merged_into=customer).values_list("id", flat=True)],
    )  # fmt: skip


def details_of(customer: Customer) -> dict[str, str]:
    """The latest word on everything that was said about her, without what is sensitive."""
    return once(customer, "details", lambda: _details_of(family_of(customer)))


def _details_of(family: list[int]) -> dict[str, str]:
    found: dict[str, tuple[int, str]] = {}
    by_identity = Detail.objects.filter(identity__link__customer__in=family)
    by_hand = Detail.objects.filter(customer__in=family)
    for detail in [*by_identity, *by_hand]:
        if detail.id > found.get(detail.key, (0, ""))[0]:
            found[detail.key] = (detail.id, detail.plain if detail.sealed is None else str(detail.sealed))
    return {k: v for k, (_, v) in found.items() if k != "listed" and not kind_of(k)}


def sensitive_details_of(customer: Customer, kind: str) -> dict[str, str]:
    """The latest word on everything of one sensitive kind. Ask `consents.sensitive_allowed` first."""
    family = family_of(customer)
    hers = Detail.objects.filter(customer__in=family) | Detail.objects.filter(
        identity__link__customer__in=family
    )
    said = {d.key: d.plain if d.sealed is None else str(d.sealed) for d in hers.order_by("id")}
    return {k: v for k, v in said.items() if kind_of(k) == kind}


def sales_of(customer: Customer) -> pa.Table:
    """One customer's sales in the shape that the books take."""
    tables = list(sales_for_books([customer.id]))
    return pa.concat_tables(tables) if tables else SALES_SCHEMA.empty_table()


# --- search and lists ------------------------------------------------------------------------------------------------


LOOKED_THROUGH = 2_000
"""Hits of one word that are looked through for those whom somebody sees: a common name in a chain of a million."""


def search(text: str, limit: int = 20, viewer: Staff | None = None) -> list[Customer]:
    """Customers found by the last four digits, the beginning (from seven digits on) or the whole of a phone, a member
    number or card, the beginning of a name, its sound or its initials. At most `limit`, best first; a handful of indexed look-ups whatever the size.

    `viewer`: only among those whom she sees by name. Who sees no names finds by the number of the file ("#12") alone:
    a search that answers to a phone would tell whose it is.
    """
    if text.startswith("#") and text[1:].isdecimal() and len(text) < 19:
        by_number = Customer.objects.filter(id=int(text[1:]), is_gone=False)
        return list(_visible(by_number, viewer, "look").select_related("portrait", "store"))
    folded = plain(text)
    if not folded or (viewer is not None and not viewer.may("names")):
        return []
    wanted, limit = limit, limit if viewer is None or viewer.reach("names").everybody else LOOKED_THROUGH
    found: dict[int, None] = {}
    for kind in ("member", "card", "phone", "openid"):
        for value in dict.fromkeys((text.strip(), folded, folded.upper())):
            token = token_for(kind, value)
            hit = (
                Link.objects.filter(identity__kind=kind, identity__token=token)
                .values_list("customer_id", flat=True)
                .first()
            )
            if hit:
                found[hit] = None
    if folded.isdigit() and len(folded) == 4:
        found.update(
            dict.fromkeys(
                SearchKey.objects.filter(word=tail_word(folded)).values_list("customer_id", flat=True)[:limit]
            )
        )
    if folded.isdigit() and len(folded) >= HEAD and len(found) < limit:
        found.update(dict.fromkeys(_by_beginning(folded, limit)))
    if not folded.isdigit() and len(found) < limit:
        exact = SearchKey.objects.filter(word=folded).values_list("customer_id", flat=True)[:limit]
        found.update(dict.fromkeys(exact))
        if len(found) < limit:
            beyond = folded + "\U0010ffff" if not bulk.is_postgres() else folded + "\uffff"
            near = SearchKey.objects.filter(word__gt=folded, word__lt=beyond).order_by("word")
            found.update(dict.fromkeys(near.values_list("customer_id", flat=True)[: limit * 3]))
    ids = list(dict.fromkeys(_in_order(list(found))))[:LOOKED_THROUGH]
    alive = Customer.objects.filter(id__in=ids[:limit], is_gone=False)
    rows = {c.id: c for c in _visible(alive, viewer, "names").select_related("portrait", "store")}
    return [rows[i] for i in ids if i in rows][:wanted]


def _visible(found: Customers, viewer: Staff | None, ability: str) -> Customers:
    return found if viewer is None else found.visible_to(viewer, ability)


def named_exactly(text: str) -> Customer | None:
    """Whom a whole phone, a member number or a card names, whoever asks: at the counter she says it herself."""
    folded = plain(text)
    digits = sum(ch.isdigit() for ch in folded)
    if len(folded) < 4 or (folded.isdigit() and digits == 4):
        return None
    found = find(text) or find(folded.upper())
    return None if found is None or found.is_gone or text.startswith("#") or found.is_company else found


LOOKED_AT = 5_000
"""Numbers that are opened for one search: a town's block of ten thousand is rarely half in one shop."""


def _by_beginning(digits: str, limit: int) -> list[int]:
    """Customers with a phone that begins with these digits."""
    same = SearchKey.objects.filter(word=head_word(digits)).values_list("customer_id", flat=True)
    if len(digits) == HEAD:
        return list(same[:limit])
    identity, link, customer = Identity._meta.db_table, Link._meta.db_table, Customer._meta.db_table
    sql = (
        f"SELECT COALESCE(c.merged_into_id, c.id), i.written FROM {identity} i JOIN {link} l ON l.identity_id = i.id "
        f"JOIN {customer} c ON c.id = l.customer_id WHERE i.kind = 'phone' AND l.customer_id IN ({{marks}})"
    )
    unseal = keys().unseal
    found: dict[int, None] = {}
    some = list(same[:LOOKED_AT])
    merged = Customer.objects.filter(merged_into__in=some).values_list("id", flat=True)
    for owner, written in bulk.rows_in(sql, [*some, *merged]):
        if "".join(ch for ch in unseal(written) if ch.isdigit()).startswith(digits):
            found[owner] = None
            if len(found) >= limit:
                break
    return list(found)


def search_notes(text: str, limit: int = 20) -> list[tuple[Customer, Note]]:
    """Notes that say all of this, newest first, each with the customer she is read as: words of Latin text and numbers
    whole, Chinese from one character on."""
    found: list[tuple[Customer, Note]] = []
    likely = records_with(NoteWord, text, limit * 5)
    notes = Note.objects.filter(id__in=likely, taken_back_at=None, customer__is_gone=False).select_related(
        "customer__merged_into"
    )
    for note in notes.order_by("-id"):
        if says(str(note.text), text):
            found.append((note.customer.merged_into or note.customer, note))
            if len(found) >= limit:
                break
    return found


def _in_order(ids: list[int]) -> list[int]:
    into = dict(
        Customer.objects.filter(id__in=ids, merged_into__isnull=False).values_list("id", "merged_into_id")
    )
    return [into.get(i, i) for i in ids]


@dataclass(frozen=True)
class IdentityShown:
    """An identity for a page: what kind, masked unless it is a number of the shop's own."""

    kind: str
    shown: str
    is_shared: bool


def mask(kind: str, written: str) -> str:
    """>>> mask("phone", "19900001234"), mask("member", "M100"), mask("openid", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")
    ('199****1234', 'M100', 'oUpF…S6o')
    """
    if kind == "phone" and len(written) >= 7:
        return f"{written[:3]}****{written[-4:]}"
    if kind == "openid" and len(written) > 8:
        return f"{written[:4]}…{written[-3:]}"
    return written


MASKED = {
    "address": Words("地址", "Address"),
    "email": Words("邮箱", "E-mail"),
    "wechat": Words("微信", "WeChat"),
}
"""What was said about her that is masked like a phone, and how it is called."""


def masked_details(said: dict[str, str]) -> dict[str, str]:
    """Of what was said about her the masked part, as it is shown until somebody asks for it.

    >>> masked_details({"address": "幸福路 12 号", "email": "wang@example.cn", "tier": "gold"})
    {'address': '幸福****', 'email': 'wa****'}
    """
    return {key: f"{said[key][:2]}****" for key in MASKED if said.get(key)}


def clear_of(customer: Customer, what: str) -> str:
    """What is masked, in clear: her "phone" (of several the first), or one of `MASKED`. Ask `shop.readings.read` first."""
    if what == "phone":
        family = family_of(customer)
        phones = Identity.objects.filter(link__customer__in=family, kind="phone", is_shared=False).order_by(
            "id"
        )
        found = phones.first()
        return str(found.written) if found else ""
    return details_of(customer).get(what, "") if what in MASKED else ""


def identities_of(customer: Customer, clear: bool = False) -> list[IdentityShown]:
    found = Identity.objects.filter(link__customer__in=family_of(customer)).order_by("id")
    return [
        IdentityShown(i.kind, i.written if clear else mask(i.kind, i.written), i.is_shared) for i in found
    ]


def _identities_in(customers: Sequence[int], kinds: str) -> Iterator[tuple[int, str, str]]:
    """(customer, kind, written in clear) of identities of some kinds, in the order in which they were first written,
    read through merging. Shared phones are left out."""
    customer, identity, link = Customer._meta.db_table, Identity._meta.db_table, Link._meta.db_table
    into = f"SELECT id, merged_into_id FROM {customer} WHERE merged_into_id IN ({{marks}})"
    family = dict(bulk.rows_in(into, list(customers)))
    sql = (
        f"SELECT l.customer_id, i.kind, i.written, i.id FROM {identity} i JOIN {link} l ON l.identity_id = i.id "
        f"WHERE i.kind IN ({kinds}) AND NOT i.is_shared AND l.customer_id IN ({{marks}})"
    )
    unseal = keys().unseal
    for owner, kind, written, _ in sorted(bulk.rows_in(sql, [*customers, *family]), key=lambda row: row[3]):
        yield family.get(owner, owner), kind, unseal(written)


def numbers_given(customers: Sequence[int]) -> dict[int, str]:
    """The member number, else the card, of each customer who has one; none that the shop made up itself."""
    found: dict[int, tuple[int, str]] = {}
    for owner, kind, written in _identities_in(customers, "'member', 'card'"):
        place = 0 if kind == "member" else 1
        if not written.startswith("hand-") and place < found.get(owner, (2, ""))[0]:
            found[owner] = (place, written)
    return {owner: written for owner, (_, written) in found.items()}


def reached_by(customers: Sequence[int]) -> dict[int, tuple[str, str]]:
    """The first phone and the latest address of each customer, in clear: for files that leave the house on record."""
    phones: dict[int, str] = {}
    for owner, _, written in _identities_in(customers, "'phone'"):
        phones.setdefault(owner, written)
    detail, link, customer = Detail._meta.db_table, Link._meta.db_table, Customer._meta.db_table
    sql = (
        f"SELECT d.id, c.id, c.merged_into_id, d.sealed FROM {detail} d LEFT JOIN {link} l ON l.identity_id = d.identity_id "
        f"JOIN {customer} c ON c.id = COALESCE(d.customer_id, l.customer_id) WHERE d.key = 'address' AND {{who}} IN ({{{{marks}}}})"
    )
    latest: dict[int, tuple[int, Any]] = {}
    for who in ("c.id", "c.merged_into_id"):
        for number, own, into, sealed in bulk.rows_in(sql.format(who=who), list(customers)):
            if number > latest.get(into or own, (0, None))[0]:
                latest[into or own] = (number, sealed)
    unseal = keys().unseal
    addresses = {c: unseal(sealed) if sealed is not None else "" for c, (_, sealed) in latest.items()}
    return {c: (phones.get(c, ""), addresses.get(c, "")) for c in {*phones, *addresses}}


def first_written(customers: Sequence[int]) -> dict[int, str]:
    """How each customer is called in files: member number or card, else phone, openid, name, as first written."""
    customer, identity, link = Customer._meta.db_table, Identity._meta.db_table, Link._meta.db_table
    rank = "CASE i.kind WHEN 'member' THEN 0 WHEN 'card' THEN 1 WHEN 'phone' THEN 2 WHEN 'openid' THEN 3 ELSE 4 END"
    sql = (
        f"SELECT COALESCE(c.merged_into_id, c.id), {rank}, i.id, i.written FROM {identity} i "
        f"JOIN {link} l ON l.identity_id = i.id JOIN {customer} c ON c.id = l.customer_id WHERE l.customer_id IN ({{marks}})"
    )
    family = dict(
        bulk.rows_in(
            f"SELECT id, merged_into_id FROM {customer} WHERE merged_into_id IN ({{marks}})", list(customers)
        )
    )
    best: dict[int, tuple[int, int, bytes]] = {}
    for owner, order, i, written in bulk.rows_in(sql, [*customers, *family]):
        if owner not in best or (order, i) < best[owner][:2]:
            best[owner] = (order, i, written)
    unseal = keys().unseal
    return {c: unseal(w) for c, (_, _, w) in best.items()}


@dataclass(frozen=True)
class Away:
    """When a customer counts as late: away for `times` her usual gap, within bounds of days, judged on a day."""

    judged_on: date
    times: float
    at_least_days: int = 0
    at_most_days: int | None = None

    def holds(self, portrait: Portrait | None) -> bool:
        """Whether this customer is late; nobody is without a rhythm of her own."""
        if portrait is None or portrait.last_visit_on is None or portrait.usual_gap_days is None:
            return False
        days = (self.judged_on - portrait.last_visit_on).days
        if self.at_most_days is not None and days > self.at_most_days:
            return False
        return days >= max(round(self.times * portrait.usual_gap_days, 6), self.at_least_days, 1)

    def where(self) -> tuple[str, list[Any]]:
        """The same as a condition over the table of portraits, with its parameters."""
        t = Portrait._meta.db_table
        days = (
            f"%s::date - {t}.last_visit_on"
            if bulk.is_postgres()
            else f"julianday(%s) - julianday({t}.last_visit_on)"
        )
        on, least = self.judged_on.isoformat(), max(self.at_least_days, 1)
        said = (
            f"{t}.usual_gap_days IS NOT NULL AND {t}.last_visit_on IS NOT NULL AND {days} >= %s "
            f"AND {days} >= {t}.usual_gap_days * %s - 0.000001"
        )
        values: list[Any] = [on, least, on, self.times]
        if self.at_most_days is not None:
            return f"{said} AND {days} <= %s", [*values, on, self.at_most_days]
        return said, values


def listed(
    *, order: str = "spend", only: Q | None = None, late: Away | None = None, viewer: Staff | None = None,
    after: tuple[int, int] | None = None, before: tuple[int, int] | None = None, limit: int = 50,
) -> list[Customer]:  # fmt: skip
    """One page of customers (`only` those meant, and those whom `viewer` sees), best or newest first, each with her portrait: `limit` and one more, so that the page knows
    whether another follows.

    A place in the list is (spend in 12 months, number), or (0, number) for the newest. `after` and `before` are places:
    the page follows or precedes them. Nothing is counted and nothing skipped, whatever the size of the base.
    """
    back = before is not None
    place = before if back else after
    alive = Customer.objects.filter(merged_into=None, is_gone=False)
    found: Any = _visible(alive, viewer, "look").select_related("portrait", "store")
    if only is not None:
        found = found.filter(only)
    if late:
        said, values = late.where()
        found = found.filter(portrait__isnull=False).extra(where=[said], params=values)
    if order == "newest":
        if place:
            found = found.filter(id__gt=place[1]) if back else found.filter(id__lt=place[1])
        found = found.order_by("id" if back else "-id")
    else:
        found = found.filter(portrait__isnull=False)
        if place:
            spend, number = place
            same = Q(portrait__spend_in_12_months=spend)
            if back:
                found = found.filter(
                    Q(portrait__spend_in_12_months__gt=spend) | (same & Q(portrait__customer__lt=number))
                )
            else:
                found = found.filter(portrait__spend_in_12_months__lte=spend)
                found = found.exclude(same & Q(portrait__customer__lte=number))
        found = found.order_by(
            *(
                ("portrait__spend_in_12_months", "-portrait__customer")
                if back
                else ("-portrait__spend_in_12_months", "portrait__customer")
            )
        )
    rows = list(found[: limit + 1])
    return rows[::-1] if back else rows


def visit_days_of(customer: Customer, since: date) -> list[tuple[date, int]]:
    """The days on which she came and what they brought (fen), refunds taken off, oldest first."""
    days = (
        Sale.objects.filter(
            identity__link__customer__in=family_of(customer),
            is_current=True,
            batch__state="complete",
            day__gte=since,
        )
        .values("day")
        .annotate(amount=Sum("amount"))
        .order_by("day")
    )
    return [(d["day"], d["amount"] or 0) for d in days]


@dataclass(frozen=True)
class Called:
    """How a customer is called on a page: her name, else the number that the shop gave her, else nothing; the tail of
    her phone, never the whole."""

    name: str
    tail: str


def named_for(viewer: Staff | None, customers: Iterable[int]) -> set[int] | None:
    """Those of these customers whose name and file somebody may read; None: all of them."""
    if viewer is None or viewer.reach("names") == viewer.reach("look"):
        return None
    found = Customer.objects.filter(id__in=list(customers)).visible_to(viewer, "names")
    return set(found.values_list("id", flat=True))


def called(customers: Iterable[Customer], viewer: Staff | None = None) -> dict[int, Called]:
    """What lists call these customers, in two queries however many they are. Of whom `viewer` may not know the name
    nothing is told."""
    everybody = {c.id: c for c in customers}
    known = named_for(viewer, everybody)
    people = everybody if known is None else {i: c for i, c in everybody.items() if i in known}
    identity, link, customer = Identity._meta.db_table, Link._meta.db_table, Customer._meta.db_table
    into = dict(
        bulk.rows_in(
            f"SELECT id, merged_into_id FROM {customer} WHERE merged_into_id IN ({{marks}})", list(people)
        )
    )
    sql = (
        f"SELECT l.customer_id, i.kind, i.written, i.is_shared FROM {identity} i JOIN {link} l ON l.identity_id = i.id "
        f"WHERE i.kind IN ('member', 'card', 'phone') AND l.customer_id IN ({{marks}})"
    )
    numbers: dict[int, str] = {}
    tails: dict[int, str] = {}
    unseal = keys().unseal
    for owner, kind, written, is_shared in bulk.rows_in(sql, [*people, *into]):
        owner = into.get(owner, owner)
        if kind == "phone":
            if not is_shared:
                tails.setdefault(owner, unseal(written)[-4:])
        elif (kind == "member" or owner not in numbers) and not (number := unseal(written)).startswith(
            "hand-"
        ):
            numbers[owner] = number
    told = {i: Called(c.name or numbers.get(i, ""), tails.get(i, "")) for i, c in people.items()}
    return {i: told.get(i, Called("", "")) for i in everybody}


def find(text: str) -> Customer | None:
    """The customer whom a person names exactly: by member number, card, phone, openid or company name, or `#12`."""
    text = text.strip()
    if text.startswith("#") and text[1:].isdigit():
        customer = Customer.objects.filter(id=int(text[1:])).first()
    else:
        tokens = [(kind, token_for(kind, text)) for kind in ("member", "card", "phone", "openid", "name")]
        customer = None
        for kind, token in tokens:
            link = (
                Link.objects.filter(identity__kind=kind, identity__token=token)
                .select_related("customer")
                .first()
            )
            if link:
                customer = link.customer
                break
    return customer.merged_into if customer and customer.merged_into_id else customer


def visits_of(customer: Customer, limit: int = 60) -> list[dict[str, Any]]:
    """Her sales, newest first, with what was on them."""
    sales = list(
        Sale.objects.filter(
            identity__link__customer__in=family_of(customer), is_current=True, batch__state="complete"
        )
        .select_related("store")
        .order_by("-day", "-at", "-id")[:limit]
    )
    items: dict[int, list[str]] = {}
    for sale_id, name in SaleLine.objects.filter(sale__in=[s.id for s in sales]).values_list(
        "sale_id", "item__name"
    ):
        items.setdefault(sale_id, []).append(name)
    return [{"sale": s, "items": items.get(s.id, [])} for s in sales]


def favourites_of(customer: Customer, limit: int = 5) -> list[dict[str, Any]]:
    """What she buys most often."""
    lines = SaleLine.objects.filter(
        sale__identity__link__customer__in=family_of(customer),
        sale__is_current=True,
        sale__batch__state="complete",
    )
    top = (
        lines.values("item_id")
        .annotate(times=Count("id"), amount=Sum("amount"))
        .order_by("-times", "-amount")[:limit]
    )
    names = dict(Item.objects.filter(id__in=[t["item_id"] for t in top]).values_list("id", "name"))
    return [{"item": names[t["item_id"]], "times": t["times"], "amount": t["amount"]} for t in top]


def notes_of(customer: Customer) -> list[Note]:
    return list(Note.objects.filter(customer__in=family_of(customer)).order_by("-id")[:50])


def coverage() -> pa.Table:
    """Until which day each store's data reach, and since when its customers have new numbers, if they do: whoever was
    seen before and not since may come every week under a number that nobody has joined to hers yet."""
    found = [
        (s.id, number_of(s.known_until)) for s in Store.objects.exclude(known_until=None) if s.known_until
    ]
    broken: dict[int, int] = {}
    for batch in Batch.objects.filter(state=BatchState.COMPLETE, options__has_key="vanished_on"):
        day = number_of(date.fromisoformat(batch.options["vanished_on"]))
        for store in map(int, batch.covers):
            broken[store] = max(day, broken.get(store, day))
    return pa.table(
        {
            "store": pa.array([a for a, _ in found], pa.int32()),
            "known_until": pa.array([b for _, b in found], pa.int32()),
            "broken_on": pa.array([broken.get(a) for a, _ in found], pa.int32()),
        }
    )
