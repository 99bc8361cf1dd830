"""Forget a customer: carry out what each record says becomes of it, and leave money without a person.

Rows go, or lose the person, as `shop.custody` says; identities go with everything that hangs on them, so her receipts
are receipts without a name, like those of any passer-by: the totals of the shop stay as they were. The numbers that she
was known by are remembered as tokens of tokens, so that a file that brings them again does not bring her back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.apps import apps
from django.db import models, transaction
from django.db.models import Q

from regulars.customers.knowing import free_of, settle, touch
from regulars.customers.models import Customer, Detail, Link
from regulars.customers.queries import family_of
from regulars.sales.identities import forget_for_good, forget_identities
from regulars.sales.models import Identity, Pairing
from regulars.shop import vault
from regulars.shop.custody import erasing_steps, registered
from regulars.shop.home import Home
from regulars.shop.models import SealedTextField, Staff, audit

TOO_SHORT = 5
"""A text of fewer characters identifies nobody by itself: a name that many bear, a number of a table."""


def erase(customer: Customer, *, on: date, by: Staff | None = None, why: str = "") -> None:
    """Forget her and all who were merged into her, for good. `why`: the request or the retention that asks for it.

    The books follow by `grading.catch_up`; `regulars.daily` calls both. Hold the turn.
    """
    root = customer.merged_into or customer
    family = family_of(root)
    with transaction.atomic():
        identities = list(Identity.objects.filter(link__customer__in=family))
        known_by = [str(i.written) for i in identities]
        for step in erasing_steps():
            step(family, known_by)
        forget_for_good([(i.kind, str(i.written)) for i in identities], on)
        for label, line in registered().items():
            if line.customer and label != Customer._meta.label:
                _let_go(apps.get_model(label), line.customer, family, line.erasing)
        touch(family)
        ids = [i.pk for i in identities]
        beside = _beside(ids)
        Detail.objects.filter(identity__in=ids).delete()
        Identity.objects.filter(pk__in=ids).delete()
        Customer.objects.filter(pk__in=family).delete()
        if beside:  # whoever stood on a row with her is somebody without her, too
            settle(np.array(sorted(beside)))
            forget_identities(free_of(sorted(beside)))
        audit(
            "erase",
            f"customer {root.pk}",
            by=by,
            why=why,
            detail={"identities": len(ids), "merged": len(family) - 1},
        )
    _out_of_files(ids, [text for text in known_by if len(text) >= TOO_SHORT])


def _beside(ids: Sequence[int]) -> set[int]:
    """Identities of others that stand on one row with hers."""
    pairs = Pairing.objects.filter(Q(one__in=ids) | Q(other__in=ids)).values_list("one_id", "other_id")
    return {i for pair in pairs for i in pair} - set(ids)


def of_hers(model: type[models.Model], fields: Sequence[str], family: Sequence[int]) -> Any:
    """The rows of a model that are about her: by the fields that its custody names, or bound to an identity of hers."""
    asked = [Q(**{f"{field}__in": list(family)}) for field in fields]
    if any(f.name == "identity" and f.related_model is Identity for f in model._meta.concrete_fields):
        asked.append(Q(identity__in=Link.objects.filter(customer__in=family).values("identity")))
    return model._default_manager.filter(reduce(or_, asked))


def _let_go(model: type[models.Model], fields: Sequence[str], family: Sequence[int], erasing: str) -> None:
    if erasing == "deleted":
        of_hers(model, fields, family).delete()
        return
    # Kept without the person: what the books and the proof need stays, her number and all words go.
    words: dict[str, Any] = {
        f.name: None if f.null else "" for f in model._meta.concrete_fields if isinstance(f, SealedTextField)
    }
    for name in fields:
        field = model._meta.get_field(name)
        nobody = None if field.null else 0
        model._default_manager.filter(**{f"{name}__in": list(family)}).update(**{**words, name: nobody})


# --- sealed files ----------------------------------------------------------------------------------------------------


def _out_of_files(identities: Sequence[int], known_by: Sequence[str]) -> int:
    """Write sealed tables anew without her rows; a file in which nobody can tell is dropped whole. Returns how many
    files changed."""
    if not known_by:
        return 0
    changed = 0
    for path in sorted(Home.find().uploads.glob("*.sealed")):
        name = path.name.removesuffix(".sealed")
        if name.startswith(vault.KEPT):  # in the file of somebody else: hers went with her rows
            continue
        data = vault.get_bytes(name)
        if data is None:
            continue
        table = _as_table(data)
        if table is not None:
            kept = _without(table, identities, known_by)
            if kept.num_rows < table.num_rows:
                vault.put_table(name, kept)
                changed += 1
        elif _may_speak_of(data, known_by):
            vault.forget(name)
            changed += 1
    return changed


def _as_table(data: bytes) -> pa.Table | None:
    try:
        return pa.ipc.open_stream(data).read_all()
    except (pa.ArrowInvalid, OSError):
        return None


def _without(table: pa.Table, identities: Sequence[int], known_by: Sequence[str]) -> pa.Table:
    """The rows in which no cell names her."""
    hers = np.zeros(table.num_rows, dtype=bool)
    if "identity" in table.column_names:
        hers |= pc.is_in(table["identity"], value_set=pa.array(identities, pa.int64())).to_numpy()
    for column in table.columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            for text in known_by:
                found = pc.fill_null(pc.match_substring(column, text), False)
                hers |= found.to_numpy()
    return table.filter(pa.array(~hers))


ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")


def _may_speak_of(data: bytes, known_by: Sequence[str]) -> bool:
    """Whether a file speaks of her, or is packed so that nobody can tell (a workbook, an archive)."""
    if data[:2] == b"PK" or data[:4] == b"\xd0\xcf\x11\xe0":
        return True
    return any(text.encode(encoding) in data for text in known_by for encoding in ENCODINGS)
