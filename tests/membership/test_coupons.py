"""Coupons: issued within stock, budget and limit, used once each, and given back once, whoever races for them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models import Sum
from tests.shops import Shop

from regulars import daily
from regulars.customers.models import Customer
from regulars.membership import coupons, program, promotions, purse, teller
from regulars.membership.models import Balance, Member, Posting
from regulars.membership.offers import Coupon, CouponPart, CouponState, CouponUse, Offer
from regulars.membership.proof import prove
from regulars.membership.rules.coupons import Place, most_that_one_costs
from regulars.membership.rules.ledger import Move
from regulars.shop.models import Staff
from regulars.shop.words import Refused

TODAY = date(2026, 5, 20)  # a Wednesday
HERE = Place(TODAY, time(12, 0), None)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def members(shop: Shop) -> Shop:
    program.open_program("tiers", date(2026, 5, 1))
    return shop


@pytest.fixture
def on_disk(transactional_db: None, members: Shop, tmp_path: Path) -> Iterator[Shop]:
    """The same shop in a file: SQLite in memory, as tests have it, knows no waiting for one another."""
    if connection.vendor != "sqlite":
        yield members
        return
    connection.ensure_connection()
    in_memory, name = connection.connection, connection.settings_dict["NAME"]
    with closing(sqlite3.connect(tmp_path / "shop.db")) as copy:
        in_memory.backup(copy)
    connection.connection, connection.settings_dict["NAME"] = None, str(tmp_path / "shop.db")
    yield members
    connection.close()
    connection.connection, connection.settings_dict["NAME"] = in_memory, name


def member(n: int = 1) -> Member:
    return program.join(Customer.objects.create(name=f"会员{n}"), TODAY, "counter")


def offer(kind: str = "amount", is_open: bool = True, **more: Any) -> Offer:
    said: dict[str, Any] = {
        "name": "减十元", "worth": 1_000, "valid_from": TODAY, "valid_until": TODAY + timedelta(60), "stacking": "any",
    } | more  # fmt: skip
    made = promotions.keep_offer(Offer(kind=kind, **said))
    if is_open:
        promotions.open_offer(made)
    return made


def books_agree() -> None:
    """What is kept of each offer is what its coupons come to."""
    for one in Offer.objects.all():
        out = one.coupons.exclude(state__in=[CouponState.VOID, CouponState.EXPIRED])
        assert (one.out, one.committed) == (out.count(), out.aggregate(n=Sum("cost"))["n"] or 0)
        assert not one.stock or one.out <= one.stock
        assert not one.budget or one.committed <= one.budget
    for coupon in Coupon.objects.all():
        standing = coupon.parts.filter(use__state=CouponUse.State.USED).count()
        assert standing == (coupon.state == CouponState.USED), "used is used on one bill that stands"


def at_once(n: int, do: Callable[[int], object]) -> tuple[list[object], list[Refused]]:
    """So many threads do it at the same moment: what came of it, and who was refused. Anything else is a failure."""
    done: list[object] = []
    refused: list[Refused] = []
    broken: list[BaseException] = []
    gate = threading.Barrier(n)

    def run(k: int) -> None:
        try:
            gate.wait(60)
            done.append(do(k))
        except Refused as no:
            refused.append(no)
        except BaseException as wrong:
            broken.append(wrong)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(k,)) for k in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not broken, broken[:3]
    return done, refused


def racers() -> int:
    """Each brings a connection of its own to PostgreSQL."""
    return 300 if connection.vendor == "sqlite" else 80


# --- issued ----------------------------------------------------------------------------------------------------------


def test_a_retry_issues_once(members: Shop) -> None:
    her, one = member(), offer()
    first = coupons.issue(one, her, key="a", on=TODAY)
    assert coupons.issue(one, her, key="a", on=TODAY) == first and Coupon.objects.count() == 1
    with pytest.raises(Refused):
        coupons.issue(offer(name="别的"), her, key="a", on=TODAY)
    assert len(first.code) == 12 and first.code != coupons.issue(one, her, key="b", on=TODAY).code
    books_agree()


def test_stock_limit_and_budget_stop_the_issue(members: Shop) -> None:
    her, other = member(1), member(2)
    few = offer(stock=2, limit=1)
    coupons.issue(few, her, key="1", on=TODAY)
    with pytest.raises(Refused, match="1"):
        coupons.issue(few, her, key="2", on=TODAY)
    coupons.issue(few, other, key="3", on=TODAY)
    with pytest.raises(Refused):
        coupons.issue(few, member(3), key="4", on=TODAY)
    dear = offer(budget=2_500)
    for key in ("5", "6"):
        coupons.issue(dear, her, key=key, on=TODAY)
    with pytest.raises(Refused) as refused:
        coupons.issue(dear, her, key="7", on=TODAY)
    assert "预算" in refused.value.words.zh
    for no in (
        offer(is_open=False),
        offer(valid_from=TODAY - timedelta(9), valid_until=TODAY - timedelta(1)),
    ):
        with pytest.raises(Refused):
            coupons.issue(no, her, key="8", on=TODAY)
    books_agree()


def test_the_limit_counts_for_all_who_are_read_as_her(members: Shop) -> None:
    """Trap 25: per-customer limits that two files of one person went around."""
    one, other = member(1), member(2)
    few = offer(limit=1)
    coupons.issue(few, one, key="1", on=TODAY)
    assert one.customer and other.customer
    daily.merge(one.customer, other.customer)
    with pytest.raises(Refused):
        coupons.issue(few, other, key="2", on=TODAY)
    assert [c.code for c in coupons.coupons_of(other, TODAY)] == [Coupon.objects.get().code]


def test_a_reward_costs_points_or_nothing_happens(members: Shop) -> None:
    her = member()
    teller.post(Move("put", "earn", "test", "1", her.pk, TODAY, (("points", 500),)))
    gift = offer("gift", name="茶杯", worth=3_000, cost=1_200, price=300, currency="points", stock=5)
    got = coupons.buy(gift, her, key="1", on=TODAY)
    assert coupons.buy(gift, her, key="1", on=TODAY) == got
    assert Balance.objects.get(currency="points").in_hand == 200
    with pytest.raises(Refused):
        coupons.buy(gift, her, key="2", on=TODAY)
    assert Coupon.objects.count() == 1 and Offer.objects.get().out == 1, "too few points, so no coupon either"
    coupons.void(got, on=TODAY, why="碎了")
    coupons.void(got, on=TODAY, why="碎了")
    assert Balance.objects.get(currency="points").in_hand == 500 and prove().is_sound
    with pytest.raises(Refused):
        coupons.buy(offer(), her, key="3", on=TODAY)
    books_agree()


# --- used ------------------------------------------------------------------------------------------------------------


def test_five_orders_with_the_same_coupon_take_it_once(members: Shop) -> None:
    """Trap 24: five orders with one coupon, each paid less, and a bill below zero."""
    her = member()
    coupon = coupons.issue(offer(worth=8_000), her, key="1", on=TODAY)
    paid = coupons.use([coupon.code], 5_000, key="order 1", place=HERE)
    assert (paid.payable, paid.parts.get().off) == (0, 5_000), (
        "never below zero, and it cost what it took off"
    )
    for n in range(2, 6):
        with pytest.raises(Refused):
            coupons.use([coupon.code], 5_000, key=f"order {n}", place=HERE)
    assert CouponUse.objects.count() == 1 and Offer.objects.get().committed == 5_000
    again = coupons.use([coupon.code.lower()], 5_000, key="order 1", place=HERE)
    assert again == paid, "the same order asked again gets the same answer"
    with pytest.raises(Refused):
        coupons.use([coupon.code], 6_000, key="order 1", place=HERE)
    books_agree()


def test_of_several_coupons_all_are_used_or_none(members: Shop) -> None:
    her, stranger = member(1), member(2)
    one, two = (coupons.issue(offer(), her, key=k, on=TODAY) for k in "12")
    hers = coupons.issue(offer(), stranger, key="3", on=TODAY)
    coupons.use([two.code], 3_000, key="a", place=HERE)
    for wrong in ([one.code, two.code], [one.code, one.code], [one.code, "NOSUCHCODE22"], []):
        with pytest.raises(Refused):
            coupons.use(wrong, 3_000, key="b", place=HERE)
    with pytest.raises(Refused):
        coupons.use([one.code, hers.code], 3_000, key="b", place=HERE, member=her)
    one.refresh_from_db()
    assert one.state == CouponState.ISSUED
    books_agree()


def test_reserved_is_confirmed_or_comes_back_once(members: Shop) -> None:
    her = member()
    coupon = coupons.issue(offer(), her, key="1", on=TODAY)
    held = coupons.reserve([coupon.code], 3_000, key="t1", place=HERE)
    assert coupons.reserve([coupon.code], 3_000, key="t1", place=HERE) == held and held.payable == 2_000
    with pytest.raises(Refused):
        coupons.use([coupon.code], 3_000, key="another", place=HERE)
    assert coupons.release(held.code).state == coupons.release(held.code).state == "released"
    with pytest.raises(Refused):
        coupons.confirm(held.code, on=TODAY)
    held = coupons.reserve([coupon.code], 3_000, key="t2", place=HERE)
    for _ in range(2):
        assert coupons.confirm(held.code, on=TODAY, receipt="R1").state == "used"
    with pytest.raises(Refused):
        coupons.release(held.code)
    assert coupons.uses_on("R1") == [held]
    books_agree()


def test_a_till_that_does_not_come_back_loses_its_reservation(members: Shop) -> None:
    her = member()
    coupon = coupons.issue(offer(), her, key="1", on=TODAY)
    held = coupons.reserve([coupon.code], 3_000, key="t1", place=HERE)
    CouponUse.objects.update(until=LONG_AGO)
    with pytest.raises(Refused):
        coupons.confirm(held.code, on=TODAY)
    held = coupons.reserve([coupon.code], 3_000, key="t2", place=HERE)
    CouponUse.objects.filter(pk=held.pk).update(until=LONG_AGO)
    assert coupons.use([coupon.code], 3_000, key="next", place=HERE).payable == 2_000
    with pytest.raises(Refused):
        coupons.confirm(held.code, on=TODAY)
    books_agree()


def test_a_returned_bill_gives_its_coupons_back_once(members: Shop) -> None:
    her = member()
    coupon = coupons.issue(offer(days=10), her, key="1", on=TODAY)
    used = coupons.use([coupon.code], 600, key="a", place=HERE)
    later = TODAY + timedelta(30)
    coupons.give_back(used, on=later)
    coupon.refresh_from_db()
    assert (coupon.state, coupon.valid_until) == (CouponState.ISSUED, later + timedelta(9)), (
        "as long as it had left"
    )
    with pytest.raises(Refused):
        coupons.use([coupon.code], 600, key="a", place=HERE)
    next_time = Place(later, time(12, 0), None)
    coupons.use([coupon.code], 5_000, key="b", place=next_time)
    coupons.give_back(used, on=later)
    coupon.refresh_from_db()
    assert coupon.state == CouponState.USED, "the old bill is given back once, whatever came after"
    (cost,) = promotions.promotion_costs()
    assert (cost.issued, cost.used, cost.cost, cost.can_still_cost) == (1, 1, 1_000, 0)
    books_agree()


def test_the_night_ends_what_is_over_and_frees_what_was_forgotten(members: Shop) -> None:
    her = member()
    one, two = offer(days=1, stock=2), offer(stock=1)
    short = coupons.issue(one, her, key="1", on=TODAY)
    long = coupons.issue(two, her, key="2", on=TODAY)
    coupons.reserve([long.code], 3_000, key="t", place=HERE, patience=timedelta(seconds=-1))
    assert coupons.night(TODAY) == 0, "its last day is not over"
    assert coupons.night(TODAY + timedelta(1)) == 1 and coupons.night(TODAY + timedelta(1)) == 0
    short.refresh_from_db()
    long.refresh_from_db()
    assert (short.state, long.state) == (CouponState.EXPIRED, CouponState.ISSUED)
    with pytest.raises(Refused):
        coupons.use([short.code], 3_000, key="x", place=HERE)
    books_agree()


def test_stopping_keeps_promises_and_opening_fixes_them(members: Shop) -> None:
    her = member()
    one = offer()
    coupon = coupons.issue(one, her, key="1", on=TODAY)
    one.worth = 1
    with pytest.raises(Refused):
        promotions.keep_offer(one)
    one = Offer.objects.get()
    one.stock = 1
    promotions.keep_offer(one)
    promotions.stop_offer(one)
    with pytest.raises(Refused):
        coupons.issue(one, her, key="2", on=TODAY)
    assert coupons.use([coupon.code], 3_000, key="a", place=HERE).payable == 2_000
    books_agree()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "}, {"worth": 0}, {"worth": -1}, {"stacking": "x"}, {"percent": 10}, {"kind": "percent"}, {"kind": "x"},
        {"valid_until": TODAY - timedelta(1)}, {"first": time(9)}, {"weekdays": [8]}, {"budget": -1},
        {"price": 10, "currency": "gold"},
    ],
)  # fmt: skip
def test_an_offer_that_makes_no_sense_is_refused(members: Shop, wrong: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        offer(**wrong)
    assert not Offer.objects.exists()


def test_what_an_offer_costs_stands_beside_its_budget(members: Shop) -> None:
    her = member()
    half = offer("percent", name="半价", percent=50, worth=2_000, budget=9_000)
    codes = [coupons.issue(half, her, key=str(n), on=TODAY).code for n in range(4)]
    with pytest.raises(Refused):
        coupons.issue(half, her, key="5", on=TODAY)
    coupons.use(codes[:1], 1_001, key="a", place=HERE)
    (cost,) = promotions.promotion_costs()
    assert (cost.issued, cost.used, cost.open) == (4, 1, 3)
    assert (cost.cost, cost.can_still_cost, cost.budget) == (500, 6_000, 9_000)
    coupons.issue(half, her, key="6", on=TODAY)
    assert most_that_one_costs(half.terms) == 2_000
    books_agree()


# --- races -----------------------------------------------------------------------------------------------------------


def test_hundreds_race_for_the_last_coupon_and_one_gets_it(on_disk: Shop) -> None:
    """Trap 25: races for the last coupon gave out more than there were."""
    few = offer(stock=1)
    with transaction.atomic():
        hers = [member(n) for n in range(racers())]
    got, refused = at_once(len(hers), lambda k: coupons.issue(few, hers[k], key=f"k{k}", on=TODAY))
    assert (len(got), len(refused)) == (1, len(hers) - 1) and Coupon.objects.count() == 1
    books_agree()


def test_hundreds_lay_down_one_code_and_one_uses_it(on_disk: Shop) -> None:
    """Trap 25, at the till: one code on many bills at the same moment."""
    code = coupons.issue(offer(), member(), key="1", on=TODAY).code
    got, refused = at_once(racers(), lambda k: coupons.use([code], 3_000, key=f"bill {k}", place=HERE))
    assert (len(got), len(refused)) == (1, racers() - 1)
    assert CouponUse.objects.count() == CouponPart.objects.count() == 1
    books_agree()


def test_the_limit_of_a_customer_holds_in_a_race(on_disk: Shop) -> None:
    """Trap 25: a hundred clicks of one customer went around her limit."""
    her, few = member(), offer(limit=2)
    got, refused = at_once(60, lambda k: coupons.issue(few, her, key=f"k{k}", on=TODAY))
    assert (len(got), len(refused)) == (2, 58) and Coupon.objects.count() == 2
    books_agree()


def test_a_double_click_in_a_race_books_once_and_all_read_the_same(on_disk: Shop) -> None:
    her = member()
    teller.post(Move("put", "earn", "test", "1", her.pk, TODAY, (("points", 1_000),)))
    gift = offer("gift", name="茶杯", price=300, currency="points")
    got, refused = at_once(40, lambda k: coupons.buy(gift, her, key="click", on=TODAY))
    assert len(set(got)) == 1 and not refused  # type: ignore[arg-type]
    assert Balance.objects.get(currency="points").in_hand == 700
    assert Posting.objects.filter(kind="redeem").count() == 1
    code = Coupon.objects.get().code
    used, refused = at_once(40, lambda k: coupons.use([code], 3_000, key="click", place=HERE))
    assert len(set(used)) == 1 and not refused  # type: ignore[arg-type]
    books_agree()
    assert purse.holdings(her, TODAY)["points"].can_spend == 700 and Staff.objects.count() == 0
