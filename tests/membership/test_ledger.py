"""The ledger: what is booked once, what is drawn first, what can never happen."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from tests.shops import Shop

from regulars.customers.models import Customer
from regulars.membership import teller
from regulars.membership.models import Balance, Entry, Lot, Member, Posting
from regulars.membership.rules.ledger import Move
from regulars.shop.words import Refused

TODAY = date(2026, 5, 1)


def member(n: int = 1) -> int:
    customer = Customer.objects.create(name=f"会员{n}")
    return Member.objects.create(
        customer=customer, number=f"9{n:07}", code=f"CODE{n}", joined_on=TODAY, how="counter"
    ).pk


def move(verb: str, kind: str, key: str, who: int, n: int = 0, currency: str = "points", **more: Any) -> Move:
    legs = ((currency, n),) if n else ()
    return Move(verb, kind, "test", key, who, more.pop("on", TODAY), legs, **more)  # type: ignore[arg-type]


def held(who: int, currency: str = "points") -> tuple[int, int]:
    found = Balance.objects.get(member=who, currency=currency)
    return found.in_hand, found.aside


def test_what_is_asked_twice_is_booked_once(shop: Shop) -> None:
    who = member()
    first = teller.post(move("put", "earn", "receipt 1", who, 100))
    again = teller.post(move("put", "earn", "receipt 1", who, 100))
    assert first[0].posting == again[0].posting and first[0].is_new and not again[0].is_new
    assert again[0].amounts == {"points": 100} and held(who) == (100, 0)


def test_what_ends_first_is_spent_first_and_comes_back_where_it_was(shop: Shop) -> None:
    who = member()
    teller.post(
        move("put", "earn", "late", who, 50, ends=TODAY + timedelta(90)),
        move("put", "earn", "soon", who, 30, ends=TODAY + timedelta(9)),
        move("put", "earn", "never", who, 20),
    )
    spent = teller.post(move("take", "redeem", "a gift", who, 60))[0]
    assert [tuple(x) for x in Lot.objects.order_by("id").values_list("amount", "in_hand")] == [
        (50, 20),
        (30, 0),
        (20, 20),
    ]
    teller.post(move("give-back", "give-back", "part of the gift", who, 40, of=spent.posting))
    assert [x.in_hand for x in Lot.objects.order_by("id")] == [50, 10, 20]
    with pytest.raises(Refused):
        teller.post(move("give-back", "give-back", "too much", who, 21, of=spent.posting))
    teller.post(move("give-back", "give-back", "the rest", who, 20, of=spent.posting))
    assert held(who) == (100, 0)


def test_a_short_purse_says_so_and_nothing_is_taken(shop: Shop) -> None:
    """Trap 22: a short balance returned silently."""
    who = member()
    teller.post(move("put", "earn", "1", who, 10))
    with pytest.raises(Refused) as refused:
        teller.post(move("take", "redeem", "2", who, 11))
    assert "10" in refused.value.words.zh and "11" in refused.value.words.zh
    assert held(who) == (10, 0) and not Posting.objects.filter(kind="redeem").exists()


def test_of_several_moves_all_hold_or_none(shop: Shop) -> None:
    who, other = member(1), member(2)
    teller.post(move("put", "earn", "1", who, 10))
    with pytest.raises(Refused):
        teller.post(move("hand-over", "transfer", "2", who, 8, to=other), move("take", "redeem", "3", who, 3))
    assert held(who) == (10, 0) and not Lot.objects.filter(member=other).exists()
    assert Posting.objects.count() == 1
    teller.post(move("hand-over", "transfer", "2", who, 8, to=other), move("take", "redeem", "3", who, 2))
    assert held(who) == (0, 0) and held(other) == (8, 0)


def test_pending_cannot_be_spent_until_it_is_ripe(shop: Shop) -> None:
    who = member()
    teller.post(move("put", "earn", "1", who, 10, ripe_on=TODAY + timedelta(7)))
    assert held(who) == (0, 10)
    with pytest.raises(Refused):
        teller.post(move("take", "redeem", "2", who, 1))
    teller.post(move("take", "redeem", "2", who, 4, on=TODAY + timedelta(7)))
    assert held(who) == (6, 0)


def test_reserved_is_spent_or_comes_back_once(shop: Shop) -> None:
    who = member()
    teller.post(move("put", "earn", "1", who, 10))
    aside = teller.post(move("set-aside", "reserve", "till 1", who, 6))[0].posting
    assert held(who) == (4, 6)
    teller.post(move("spend-aside", "confirm", "till 1", who, of=aside))
    assert held(who) == (4, 0)
    with pytest.raises(Refused):
        teller.post(move("let-go", "release", "till 1", who, of=aside))
    aside = teller.post(move("set-aside", "reserve", "till 2", who, 3))[0].posting
    teller.post(move("let-go", "release", "till 2", who, of=aside))
    assert held(who) == (4, 0)


def test_what_ends_lapses_and_is_never_spent(shop: Shop) -> None:
    who = member()
    teller.post(move("put", "earn", "1", who, 10, ends=TODAY))
    teller.post(move("take", "redeem", "on the last day", who, 1))
    with pytest.raises(Refused):
        teller.post(move("take", "redeem", "the day after", who, 1, on=TODAY + timedelta(1)))
    teller.post(move("put", "earn", "2", who, 5, on=TODAY + timedelta(1)))
    assert held(who) == (5, 0)
    assert Posting.objects.filter(kind="expire").count() == 1


def test_a_reason_that_falls_away_takes_back_even_what_was_spent(shop: Shop) -> None:
    """Trap 14: a refund keeps the points. Bought, earned, spent, refunded, again and again."""
    who = member()
    teller.post(move("put", "earn", "other", who, 30))
    earned = teller.post(move("put", "earn", "receipt", who, 100))[0].posting
    teller.post(move("take", "redeem", "a gift", who, 120))
    done = teller.post(move("take-back", "reverse", "refund", who, 100, of=earned))[0]
    assert done.amounts == {"points": -10} and done.short == 90
    assert held(who) == (0, 0)


def test_the_store_itself_refuses_to_change_the_ledger(shop: Shop) -> None:
    who = member()
    teller.post(move("put", "earn", "1", who, 10))
    for rows in (Posting.objects.all(), Entry.objects.all()):
        for change in (lambda r=rows: r.update(member=who), lambda r=rows: r._raw_delete(r.db)):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()
    with pytest.raises(DatabaseError), transaction.atomic():
        Balance.objects.update(in_hand=-1)


def test_stored_value_is_paid_in_the_order_that_the_shop_has_set(shop: Shop) -> None:
    who = member()
    teller.post(Move("put", "top-up", "test", "1", who, TODAY, (("principal", 50_000), ("bonus", 10_000))))
    teller.post(move("take", "pay", "2", who, 6_000, "principal", order="principal-first"))
    assert held(who, "principal") == (44_000, 0) and held(who, "bonus") == (10_000, 0)
    done = teller.post(move("take", "pay", "3", who, 5_400, "principal", order="pro-rata"))[0]
    assert done.amounts == {"principal": -4_400, "bonus": -1_000}
    done = teller.post(move("pay-out", "pay-out", "4", who, 19_800, "principal"))[0]
    assert done.amounts == {"principal": -19_800, "bonus": -4_500}, (
        "half of it back, half of the bonus lapses"
    )
