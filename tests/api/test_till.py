"""What a till says to the shop: who is a member, and points, value and coupons that are kept until the bill is paid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from tests.api.lived_in import DAY, LivedIn, open_shop

from regulars.customers.queries import find
from regulars.membership import coupons, passes, program, promotions, purse, teller
from regulars.membership.models import Member, Posting, Reservation, TierBought
from regulars.membership.offers import CouponUse, Offer
from regulars.membership.rules.ledger import Move

ROOT = "/api/v1/till"
NOW = datetime(2026, 8, 20, 4, 0, tzinfo=UTC)  # noon in the shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LivedIn:
    monkeypatch.setenv("REGULARS_HOME", str(tmp_path / "shop"))
    monkeypatch.setattr("regulars.web.gate.shop_day", lambda business, now=None: DAY)
    return open_shop(tmp_path / "shop")


@pytest.fixture
def her(shop: LivedIn, monkeypatch: pytest.MonkeyPatch) -> Member:
    """The customer with card K0013: 500 points and 300 yuan with 20 on top."""
    import_module("regulars.web.urls")  # the API is put together from there
    for place in (
        "regulars.web.counter.clock",
        "regulars.web.store_here.clock",
        "regulars.web.api_till.clock",
    ):
        monkeypatch.setattr(place, lambda: NOW)
    program.open_program("tiers", DAY - timedelta(days=60))
    customer = find("K0013")
    assert customer is not None
    member = program.join(customer, DAY, "counter")
    teller.post(Move("put", "earn", "test", "1", member.pk, DAY, (("points", 500),)))
    purse.top_up(member, 30_000, key="1", on=DAY)
    return member


def post(shop: LivedIn, path: str, said: Any = None, who: str = "zhou", status: int = 200) -> Any:
    answer = Client().post(
        ROOT + path,
        said if said is not None else {},
        content_type="application/json",
        headers=shop.header(who),
    )
    assert answer.status_code == status, answer.content
    return answer.json()


def coupon_of(member: Member, key: str = "1") -> str:
    one = Offer.objects.first() or promotions.keep_offer(
        Offer(
            kind="amount",
            name="减十元",
            worth=1_000,
            valid_from=DAY,
            valid_until=DAY + timedelta(30),
            stacking="any",
        )
    )
    promotions.open_offer(one)
    return coupons.issue(one, member, key=key, on=DAY).code


def test_a_member_is_found_by_what_she_shows_and_nothing_tells_who_she_is(shop: LivedIn, her: Member) -> None:
    code = coupon_of(her)
    for who in (her.number, "19900000013", "K0013", passes.pass_for(her, NOW), code.lower()):
        said = post(shop, "/member", {"who": who})
        assert said["number"] == her.number and said["balances"] == [
            {"currency": "points", "can_spend": 500, "aside": 0}
        ]
        assert said["value"] == {"can_spend": 320.0, "principal": 300.0, "bonus": 20.0}
        assert [c["code"] for c in said["coupons"]] == [code]
        assert "王13" not in str(said) and "0013" not in str(said).replace(her.number, "").replace(code, "")
    for nobody in ("0013", "19900000099", "x"):
        post(shop, "/member", {"who": nobody}, status=404)
    post(shop, "/member", {"who": her.number}, who="fang", status=403)


def test_a_till_hears_what_her_tier_takes_off_the_bill(shop: LivedIn, her: Member) -> None:
    until = DAY + timedelta(30)
    TierBought.objects.create(member=her, key="1", tier="vip", price=100, starts_on=DAY, ends_on=until)
    said = post(shop, "/member?lang=en", {"who": her.number})
    assert {"kind": "discount", "name": "5% off the bill", "percent_off": 5.0} in said["benefits"]
    assert {b["kind"]: b["percent_off"] for b in said["benefits"]}["member-price"] is None
    program.end_program(DAY)
    assert post(shop, "/member", {"who": her.number})["benefits"] == []


def test_points_are_reserved_and_confirmed_once(shop: LivedIn, her: Member) -> None:
    said = {"key": "till-1-0001", "who": her.number, "currency": "points", "amount": 200}
    first, again = post(shop, "/reservations", said), post(shop, "/reservations", said)
    assert first == again and first["state"] == "open" and Reservation.objects.count() == 1
    post(shop, "/reservations", {**said, "key": "till-1-0002", "amount": 301}, status=409)
    for _ in range(2):
        done = post(shop, f"/reservations/{first['reservation']}/confirmation", {"receipt": "A1"})
        assert done["state"] == "confirmed"
    post(shop, f"/reservations/{first['reservation']}/release", status=409)
    assert post(shop, "/member", {"who": her.number})["balances"][0]["can_spend"] == 300
    assert Posting.objects.filter(receipt="A1").count() == 1


def test_value_is_said_in_yuan_and_comes_back_when_let_go(shop: LivedIn, her: Member) -> None:
    said = {"key": "till-1-0003", "who": her.number, "currency": "value", "amount": 88.5}
    code = post(shop, "/reservations", said)["reservation"]
    assert post(shop, "/member", {"who": her.number})["value"]["can_spend"] == 231.5
    assert post(shop, f"/reservations/{code}/release")["state"] == "released"
    assert post(shop, "/member", {"who": her.number})["value"]["can_spend"] == 320.0


def test_coupons_are_checked_reserved_and_confirmed(shop: LivedIn, her: Member) -> None:
    code = coupon_of(her)
    assert post(shop, "/coupons", {"codes": [code], "bill": 35.5})["payable"] == 25.5
    said = {"key": "till-1-0004", "codes": [code], "bill": 35.5}
    held = post(shop, "/coupons/reservations", said)
    assert held["payable"] == 25.5 and post(shop, "/coupons/reservations", said) == held
    post(shop, "/coupons/reservations", {**said, "key": "till-2-0001"}, status=409)
    post(shop, "/coupons", {"codes": [code], "bill": 35.5}, status=409)
    for _ in range(2):
        assert post(shop, f"/reservations/{held['reservation']}/confirmation")["state"] == "confirmed"
    assert CouponUse.objects.get().state == "used"
    post(shop, "/coupons", {"codes": ["NOSUCHCODE22"], "bill": 1}, status=409)


def test_two_tills_may_number_alike(shop: LivedIn, her: Member) -> None:
    """The second store's till was handed the first one's reservation, paid long ago."""
    said = {"key": "bill-0001", "who": her.number, "currency": "points", "amount": 100}
    first = post(shop, "/reservations", said)
    post(shop, f"/reservations/{first['reservation']}/confirmation")
    second = post(shop, "/reservations", said, who="lin")
    assert second["state"] == "open" and second["reservation"] != first["reservation"]
    codes = [coupon_of(her, "1"), coupon_of(her, "2")]
    held = [
        post(shop, "/coupons/reservations", {"key": "bill-0001", "codes": [code], "bill": 50}, who=who)
        for code, who in zip(codes, ("zhou", "lin"), strict=True)
    ]
    assert held[0]["reservation"] != held[1]["reservation"]


def test_a_key_that_comes_with_another_amount_is_refused(shop: LivedIn, her: Member) -> None:
    said = {"key": "bill-0001", "who": her.number, "currency": "value", "amount": 1}
    post(shop, "/reservations", said)
    for other in ({"amount": 300}, {"currency": "points"}, {"amount": 1.01}):
        post(shop, "/reservations", {**said, **other}, status=409)
    assert Reservation.objects.count() == 1


@pytest.mark.parametrize("amount", [2**63, 1e300, -1, 0, None, "x", [], {}, 0.001])
def test_a_strange_amount_is_refused_and_nothing_is_kept(shop: LivedIn, her: Member, amount: Any) -> None:
    said = {"key": "bill-0001", "who": her.number, "currency": "value", "amount": amount}
    answer = Client().post(
        ROOT + "/reservations", said, content_type="application/json", headers=shop.header("zhou")
    )
    assert answer.status_code in (409, 422) and "Traceback" not in answer.content.decode()
    assert not Reservation.objects.exists() and Posting.objects.filter(kind="reserve").count() == 0


def test_a_till_serves_members_when_the_programme_has_ended(shop: LivedIn, her: Member) -> None:
    program.end_program(DAY)
    assert post(shop, "/member", {"who": her.number})["value"]["can_spend"] == 320.0
    said = {"key": "bill-0001", "who": her.number, "currency": "value", "amount": 20}
    code = post(shop, "/reservations", said)["reservation"]
    assert post(shop, f"/reservations/{code}/confirmation")["state"] == "confirmed"


def test_what_changes_something_needs_a_key_and_sense(shop: LivedIn, her: Member) -> None:
    said = {"key": "till-1-0005", "who": her.number, "currency": "points", "amount": 1}
    for wrong in ({"key": ""}, {"amount": 0}, {"amount": -1}, {"currency": "P"}, {"key": "a b c d e f"}):
        post(shop, "/reservations", {**said, **wrong}, status=422)
    for wrong in ({"amount": 0.5}, {"currency": "principal"}, {"currency": "gold"}):
        post(shop, "/reservations", {**said, **wrong}, status=409)
    post(shop, f"/reservations/{'0' * 24}/release", status=404)
    assert not Reservation.objects.exists()
