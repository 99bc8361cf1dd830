"""A customer is found by whatever of her name somebody types."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from tests.shops import Shop

from regulars.customers.models import Customer, SearchKey
from regulars.customers.queries import search

PEOPLE = [
    "尉迟恭",
    "长孙无忌",
    "万俟卨",
    "欧阳修文",
    "曾国藩",
    "Ann O'Neil",
    "O’Neil",
    "Zoë",
    "Łukasz Müller",
]


@pytest.fixture
def known(shop: Shop) -> Shop:
    shop.take_in([{"会员号": f"V{k}", "姓名": name} for k, name in enumerate(PEOPLE)])
    return shop


FOUND = [
    ("ycg", "尉迟恭"),
    ("yuchi", "尉迟恭"),
    ("zswj", "长孙无忌"),
    ("mqx", "万俟卨"),
    ("xiuwen", "欧阳修文"),
    ("修文", "欧阳修文"),
    ("guofan", "曾国藩"),
    ("zgf", "曾国藩"),
    ("o'neil", "O’Neil"),
    ("oneil", "O’Neil"),
    ("O’Neil", "Ann O'Neil"),
    ("zoe", "Zoë"),
    ("zoë", "Zoë"),
    ("muller", "Łukasz Müller"),
    ("lukasz", "Łukasz Müller"),
]


@pytest.mark.parametrize(("typed", "name"), FOUND)
def test_she_is_found_by_sound_initials_and_plain_letters(known: Shop, typed: str, name: str) -> None:
    assert name in [c.name for c in search(typed)]


def test_customers_of_before_are_found_by_the_words_of_today(known: Shop) -> None:
    SearchKey.objects.all().delete()
    customer = Customer.objects.get(name="曾国藩")
    SearchKey.objects.create(customer=customer, word="曾国藩")
    add_words = import_module("regulars.customers.migrations.0003_more_search_words").add_words
    add_words(apps, None)
    for typed, name in FOUND:
        assert name in [c.name for c in search(typed)]
    count = SearchKey.objects.count()
    add_words(apps, None)
    assert SearchKey.objects.count() == count
    assert SearchKey.objects.filter(customer=customer, word="曾国藩").count() == 1
