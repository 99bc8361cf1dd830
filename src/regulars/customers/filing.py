"""Verbs of the file: say a field or decline to, people around her, what a visit was about, tags, attachments, notes."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone

from regulars.customers.actions import AlreadyKnown, main_identity, say_detail
from regulars.customers.file import DECLINED, attachments_of
from regulars.customers.knowing import settle, touch
from regulars.customers.models import (
    Attachment,
    Customer,
    Detail,
    Link,
    Note,
    Relative,
    Tag,
    Tagged,
    VisitNote,
)
from regulars.customers.queries import family_of
from regulars.customers.rules import attachments
from regulars.customers.rules.details import NO, YES, read_birthday, read_sex
from regulars.customers.rules.sheet import OCCASIONS, RELATIONS, Field
from regulars.sales import actions as sales
from regulars.sales.identities import identity_ids, token_for
from regulars.sales.models import Identity, Pairing
from regulars.shop import vault
from regulars.shop.custody import also_erased
from regulars.shop.models import Staff, Store, audit
from regulars.shop.words import Refused, Words


def read_field(one: Field, text: str) -> str:
    """What a form or a program says about a field, as it is stored; Refused where it can't be read."""
    text = text.strip()
    if not text:
        return ""
    folded = text.lower()
    found: str | None = text[: 2000 if one.kind == "long" else 300]
    if one.key == "sex":
        found = read_sex(text) or None
    elif one.kind == "choice":
        said = one.choices.items()
        found = next((k for k, w in said if folded in (k.lower(), w.zh.lower(), w.en.lower())), None)
    elif one.kind == "yes-no":
        found = "true" if folded in YES else "false" if folded in NO else None
    elif one.kind == "date":
        found = _iso(text)
    elif one.kind == "number":
        found = _number(text)
    elif one.kind == "birthday":
        found = said_birthday(text) or None
    if found is None:
        raise Refused(Words("看不懂「{f}」：{t}", "{f}: {t} can't be read").fill(f=one.name, t=text[:40]))
    return found


def _iso(text: str) -> str | None:
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return None


def _number(text: str) -> str | None:
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return None
    return str(number) if abs(number) < 1e12 else None


def said_birthday(text: str) -> str:
    """The compact form of a birthday as people type it, in the lunar calendar where it says so.

    >>> said_birthday("05-06"), said_birthday("农历八月十五"), said_birthday("?")
    ('solar --05-06', 'lunar --08-15', '')
    """
    return read_birthday(text.removeprefix("农历"), lunar=text.startswith("农历"))


def say_field(customer: Customer, one: Field, text: str, *, by: Staff | None = None) -> None:
    """Write down what is said about one field; nothing takes it back. What was said before stays on record."""
    say_detail(customer, one.key, read_field(one, text), by=by)


def decline(customer: Customer, one: Field, *, on: date, by: Staff | None = None) -> None:
    """She would rather not say: for half a year nobody asks again."""
    with transaction.atomic():
        Detail.objects.create(customer=customer, key=(DECLINED + one.key)[:60], plain=on.isoformat(), by=by)
        audit("decline-field", f"customer {customer.pk}", by=by, detail={"key": one.key})


def add_phone(customer: Customer, phone: str, *, by: Staff | None = None) -> None:
    """A further phone of hers, in the form that files carry: receipts that come with it are hers from now on. Refused
    where it belongs to somebody else."""
    with transaction.atomic():
        taken = (
            Link.objects.filter(identity__kind="phone", identity__token=token_for("phone", phone))
            .select_related("customer__merged_into")
            .first()
        )
        if taken:
            owner = taken.customer.merged_into or taken.customer
            if owner.pk in family_of(customer):
                return
            raise AlreadyKnown(owner)
        one = main_identity(customer)
        two = Identity.objects.get(id=int(identity_ids("phone", [phone])[0]))
        batch = sales.batch_by_hand(by, kind="customers")
        Detail.objects.create(identity=two, key="listed", batch=batch)
        Pairing.objects.create(batch=batch, one=one, other=two)
        settle(np.array([one.id, two.id]))
        touch([customer.pk])
        audit("add-phone", f"customer {customer.pk}", by=by)


def add_relative(
    customer: Customer, relation: str, name: str, *, birthday: str = "", phone: str = "", note: str = "",
    other: Customer | None = None, by: Staff | None = None,
) -> Relative:  # fmt: skip
    """Somebody around her. `birthday` as people type it."""
    if relation not in RELATIONS:
        raise Refused(Words("请选是她的什么人", "Please choose who it is to her"))
    if not name.strip():
        raise Refused(Words("请写怎么称呼", "Please write how to call them"))
    compact = said_birthday(birthday.strip())
    if birthday.strip() and not compact:
        raise Refused(Words("看不懂日子「{t}」", "{t} is not a day").fill(t=birthday[:40]))
    with transaction.atomic():
        made = Relative.objects.create(
            customer=customer, relation=relation, name=name.strip()[:60], birthday=compact or None,
            phone=phone.strip()[:30] or None, note=note.strip()[:300] or None, other=other, by=by,
        )  # fmt: skip
        audit("add-relative", f"customer {customer.pk}", by=by, detail={"relation": relation})
    return made


def remove_relative(customer: Customer, number: int, *, by: Staff | None = None) -> bool:
    """Strike somebody off her file; whether there was one."""
    with transaction.atomic():
        gone, _ = Relative.objects.filter(pk=number, customer__in=family_of(customer)).delete()
        if gone:
            audit("remove-relative", f"customer {customer.pk}", by=by)
    return bool(gone)


def note_visit(
    customer: Customer, day: date, *, store: Store | None = None, occasion: str = "", party_size: int | None = None,
    companions: str = "", seat: str = "", served_by: Staff | None = None, treatment: str = "", feedback: str = "",
    by: Staff | None = None,
) -> VisitNote:  # fmt: skip
    """What no receipt says about a visit."""
    said: Mapping[str, Any] = {
        "occasion": occasion if occasion in OCCASIONS else "", "party_size": party_size,
        "companions": companions.strip()[:300] or None, "seat": seat.strip()[:40] or None, "served_by": served_by,
        "treatment": treatment.strip()[:300] or None, "feedback": feedback.strip()[:1000] or None,
    }  # fmt: skip
    if not any(said.values()):
        raise Refused(Words("还什么都没写", "Nothing is written yet"))
    with transaction.atomic():
        made = VisitNote.objects.create(customer=customer, day=day, store=store, by=by, **said)
        audit("note-visit", f"customer {customer.pk}", by=by)
    return made


def take_back_note(customer: Customer, number: int, *, on: date, by: Staff) -> bool:
    """Take back a note that one has written oneself, on the same day; it stays on record."""
    mine = Note.objects.filter(
        pk=number, customer__in=family_of(customer), author=by, on=on, taken_back_at=None
    )
    with transaction.atomic():
        done = mine.update(taken_back_at=timezone.now())
        if done:
            audit("take-back-note", f"customer {customer.pk}", by=by)
    return bool(done)


def put_tag(customer: Customer, name: str, *, by: Staff | None = None) -> None:
    """Put a tag on her; one that the shop does not have yet is made."""
    name = " ".join(name.split())[:20]
    if not name:
        raise Refused(Words("请写标签", "Please write the tag"))
    with transaction.atomic():
        tag = Tag.objects.filter(name__iexact=name).first() or Tag.objects.create(name=name)
        if not Tagged.objects.filter(tag=tag, customer__in=family_of(customer), off_at=None).exists():
            Tagged.objects.create(tag=tag, customer=customer, by=by)
            audit("put-tag", f"customer {customer.pk}", by=by, detail={"tag": tag.pk})


def take_off_tag(customer: Customer, number: int, *, by: Staff | None = None) -> None:
    """Take a tag off her; who put it on and who took it off stays on record."""
    on = Tagged.objects.filter(tag=number, customer__in=family_of(customer), off_at=None)
    with transaction.atomic():
        if on.update(off_at=timezone.now(), off_by=by):
            audit("take-off-tag", f"customer {customer.pk}", by=by, detail={"tag": number})


def attach_file(
    customer: Customer, name: str, data: bytes, *, on: date, by: Staff | None = None
) -> Attachment:
    """Keep a picture or a document in her file, sealed."""
    kind = attachments.kind_of(data)
    if not kind:
        raise Refused(Words("只收图片（JPG、PNG、WebP）和 PDF", "Only pictures (JPG, PNG, WebP) and PDF"))
    if len(data) > attachments.LARGEST:
        raise Refused(Words("最大 5 MB，拍小一点再传", "At most 5 MB; please make it smaller"))
    if len(attachments_of(customer)) >= attachments.A_CUSTOMER:
        raise Refused(
            Words(
                "一份档案最多 {n} 个附件，先删掉旧的", "A file holds {n} attachments; delete an old one first"
            ).fill(n=attachments.A_CUSTOMER)
        )
    vault_name = f"{vault.KEPT}{secrets.token_hex(16)}"
    vault.put_bytes(vault_name, data)
    try:
        with transaction.atomic():
            made = Attachment.objects.create(
                customer=customer, name=attachments.named(name, kind), kind=kind, size=len(data), vault_name=vault_name,
                by=by, on=on,
            )  # fmt: skip
            audit(
                "attach-file", f"customer {customer.pk}", by=by, detail={"attachment": made.pk, "kind": kind}
            )
    except BaseException:
        vault.forget(vault_name)
        raise
    return made


@also_erased
def _attachments_go(customers: Sequence[int], known_by: Sequence[str]) -> None:
    """The sealed files of a customer who is deleted go from the disk, once the store has let them go."""
    names = [a.vault_name for a in Attachment.objects.filter(customer__in=customers)]
    transaction.on_commit(lambda: [vault.forget(name) for name in names])  # type: ignore[func-returns-value]


def remove_attachment(attachment: Attachment, *, by: Staff | None = None) -> None:
    """Delete it, from the file and from the disk: from the disk once the store has let it go."""
    with transaction.atomic():
        audit(
            "remove-attachment",
            f"customer {attachment.customer_id}",
            by=by,
            detail={"attachment": attachment.pk},
        )
        name = attachment.vault_name
        attachment.delete()
        transaction.on_commit(lambda: vault.forget(name))
