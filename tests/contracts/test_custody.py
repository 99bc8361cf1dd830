"""Every record of a customer or of staff says what becomes of it; none can be forgotten."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db.models import ForeignKey

import regulars.care.custody
import regulars.customers.custody
import regulars.grading.custody
import regulars.sales.custody  # noqa: F401
from regulars.shop.custody import registered

OURS = [m for m in apps.get_models() if m.__module__.startswith("regulars.")]


def held(model: type) -> tuple[set[str], set[str]]:
    """The fields of a model that name a customer, and those that name staff."""
    customers, staff = set(), set()
    for field in model._meta.get_fields():
        if isinstance(field, ForeignKey):
            target = field.related_model._meta.label
            if target == "customers.Customer":
                customers.add(field.name)
            if target == "shop.Staff":
                staff.add(field.name)
        elif field.name == "person":
            customers.add(field.name)
    return customers, staff


@pytest.mark.parametrize("model", OURS, ids=lambda m: m._meta.label)
def test_each_model_that_holds_a_person_says_what_becomes_of_it(model: type) -> None:
    customers, staff = held(model)
    if not customers and not staff:
        return
    label = model._meta.label
    assert label in registered(), (
        f"{label} holds {customers | staff} and is not registered in its stage's custody.py"
    )
    line = registered()[label]
    assert set(line.customer) == customers, label
    assert set(line.staff) == staff, label


def test_what_is_registered_exists() -> None:
    known = {m._meta.label for m in OURS}
    assert set(registered()) <= known


def test_personal_records_are_copied_or_made_anew_and_none_with_a_customer_is_kept_with_her_name() -> None:
    for label, line in registered().items():
        if line.customer:
            assert line.erasing != "kept", label
            assert line.copied or line.merging == "drawn anew", label
