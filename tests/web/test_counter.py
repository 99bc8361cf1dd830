"""The counter: who stands there, what she takes, what will happen, and that it is booked once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from tests.web.conftest import TODAY, House

from regulars.customers.models import Customer
from regulars.membership import coupons, passes, program, purse, teller
from regulars.membership.models import Balance, Member, Posting
from regulars.membership.offers import Coupon, CouponUse, Offer
from regulars.membership.rules.ledger import Move
from regulars.shop.actions import add_staff
from regulars.shop.models import AuditEvent, Store

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)  # noon in the shop


@pytest.fixture
def her(lived_in: House, monkeypatch: pytest.MonkeyPatch) -> Member:
    """A regular with 500 points and 200 yuan of stored value."""
    monkeypatch.setattr("regulars.web.counter.clock", lambda: NOW)
    program.open_program("tiers", TODAY - timedelta(days=30))
    member = Member.objects.order_by("id")[0]
    teller.post(Move("put", "earn", "test", "1", member.pk, TODAY, (("stamps", 12), ("points", 500))))
    purse.top_up(member, 20_000, key="first", on=TODAY)
    return member


def made(**more: Any) -> Offer:
    said: dict[str, Any] = {
        "kind": "amount", "name": "减十元", "worth": 1_000, "valid_from": TODAY, "valid_until": TODAY + timedelta(30),
    } | more  # fmt: skip
    one = coupons.keep_offer(Offer(**said))
    coupons.open_offer(one)
    return one


def points(member: Member, currency: str = "points") -> int:
    return purse.holdings(member, TODAY)[currency].can_spend


def page_of(member: Member) -> str:
    return f"/counter/{member.customer_id}/"


def once_of(html: str, do: str) -> str:
    found = re.search(rf'name="do" value="{do}"><input type="hidden" name="once" value="(\w+)"', html)
    assert found
    return found[1]


def go_through(browser: Client, member: Member, do: str, **said: str) -> str:
    """Fill in a form of the counter, read what will happen, say yes twice; the result page."""
    once = once_of(browser.get(page_of(member)).content.decode(), do)
    there, sent = page_of(member) + "moves/", {"do": do, "once": once, **said}
    before = Posting.objects.count(), CouponUse.objects.count()
    sure = browser.post(there, sent)
    assert sure.status_code == 200 and 'name="sure"' in sure.content.decode(), sure.content.decode()
    assert (Posting.objects.count(), CouponUse.objects.count()) == before, "nothing is booked before the yes"
    done = [browser.post(there, {**sent, "sure": "1"}, follow=True) for _ in range(2)]
    assert [d.redirect_chain[-1][0] for d in done] == [f"{page_of(member)}done/{once}/"] * 2
    return done[0].content.decode()


@pytest.mark.parametrize("shown", ["pass", "number", "tail", "coupon"])
def test_she_is_found_by_whatever_she_shows(her: Member, lived_in: House, shown: str) -> None:
    coupon = coupons.issue(made(), her, key="1", on=TODAY)
    said = {
        "pass": passes.pass_for(her, NOW), "number": her.number, "tail": "0000",
        "coupon": f"{coupon.code[:4]}-{coupon.code[4:8].lower()} {coupon.code[8:]}",
    }[shown]  # fmt: skip
    answer = lived_in.browser("front-desk").get("/counter/", {"q": said}, follow=True)
    html = answer.content.decode()
    assert page_of(her) in html
    if shown != "tail":
        assert answer.redirect_chain[-1][0].startswith(page_of(her))
    if shown == "coupon":
        assert re.search(rf'value="{coupon.code}" checked', html)


def test_points_are_redeemed_once_after_a_yes(her: Member, lived_in: House) -> None:
    said = go_through(lived_in.browser("front-desk"), her, "points", currency="points", amount="120")
    assert points(her) == 380 and "380" in said
    assert Posting.objects.get(kind="redeem").by_id == lived_in.staff["front-desk"].pk


def test_too_few_points_are_said_before_anything_is_booked(her: Member, lived_in: House) -> None:
    browser = lived_in.browser("front-desk")
    answer = browser.post(
        page_of(her) + "moves/", {"do": "points", "once": "abc", "currency": "points", "amount": "501"}
    )
    assert answer.status_code == 422 and "500" in answer.content.decode()
    for sent in (
        {"do": "points", "once": "abc", "currency": "gold", "amount": "1"}, {"do": "points", "once": "", "amount": "1"},
        {"do": "points", "once": "a", "currency": "points", "amount": "-1", "sure": "1"}, {"do": "x", "once": "abc"},
        {"do": "pay", "once": "a", "pay": "0"}, {"do": "top-up", "once": "a", "top_up": "三百"}, {"do": "reward", "once": "a"},
        {"do": "coupons", "once": "a", "bill": "10"}, {"do": "give-back", "use": "7"},
    ):  # fmt: skip
        assert browser.post(page_of(her) + "moves/", sent).status_code == 422, sent
    assert points(her) == 500


def test_a_coupon_takes_its_amount_off_and_the_rest_is_paid_by_value(her: Member, lived_in: House) -> None:
    coupon = coupons.issue(made(), her, key="1", on=TODAY)
    browser = lived_in.browser("front-desk")
    said = go_through(browser, her, "coupons", code=coupon.code, bill="88.50")
    assert "¥78.5" in said and CouponUse.objects.get().payable == 7_850
    assert "pay=78.50" in said
    said = go_through(browser, her, "pay", pay="78.50")
    assert (
        points(her, "principal") == 20_000 - 7_850 and Balance.objects.filter(currency="bonus").count() == 0
    )
    used = CouponUse.objects.get()
    for _ in range(2):
        browser.post(page_of(her) + "moves/", {"do": "give-back", "use": str(used.pk)})
    assert Coupon.objects.get().state == "issued"


def test_topping_up_says_the_bonus_first(her: Member, lived_in: House) -> None:
    said = go_through(lived_in.browser("front-desk"), her, "top-up", top_up="500")
    assert points(her, "principal") == 70_000 and points(her, "bonus") == 5_000
    assert "¥750" in said, "what is left, all together"


def test_a_reward_is_a_coupon_for_points(her: Member, lived_in: House) -> None:
    made(kind="gift", name="茶杯", cost=1_000, price=10, currency="stamps", stock=1)
    browser = lived_in.browser("front-desk")
    html = browser.get(page_of(her)).content.decode()
    found = re.search(r'name="offer" value="(\d+)"><input type="hidden" name="once" value="(\w+)"', html)
    assert found
    sent = {"do": "reward", "offer": found[1], "once": found[2]}
    assert "还剩 2" in browser.post(page_of(her) + "moves/", sent).content.decode()
    for _ in range(2):
        done = browser.post(page_of(her) + "moves/", {**sent, "sure": "1"}, follow=True)
        assert "茶杯" in done.content.decode() and done.status_code == 200
    assert Coupon.objects.count() == 1 and points(her, "stamps") == 2


def test_somebody_elses_coupon_is_none_of_hers(her: Member, lived_in: House) -> None:
    other = Member.objects.exclude(pk=her.pk)[0]
    coupon = coupons.issue(made(), other, key="1", on=TODAY)
    sent = {"do": "coupons", "once": "abc", "code": coupon.code, "bill": "50", "sure": "1"}
    assert lived_in.browser("front-desk").post(page_of(her) + "moves/", sent).status_code == 422
    assert not CouponUse.objects.exists()


def test_a_pass_opens_the_file_of_another_stores_customer_on_record(her: Member, lived_in: House) -> None:
    far = Store.objects.create(name="分店")
    add_staff(name="远", email="far@example.com", role="front-desk", store=far)
    browser = Client()
    from regulars.shop.models import Staff

    browser.force_login(Staff.objects.get(email="far@example.com"))
    assert browser.get(page_of(her)).status_code == 404
    shown = passes.pass_for(her, NOW)
    assert page_of(her) not in browser.get("/counter/", {"q": shown}).content.decode()
    answer = browser.post("/counter/", {"q": shown}, follow=True)
    assert answer.redirect_chain[-1][0] == page_of(her)
    assert AuditEvent.objects.filter(verb="let-in").count() == 1
    assert browser.post("/counter/", {"q": "no such"}, follow=True).redirect_chain[-1][0] == "/counter/"


def test_who_is_no_member_becomes_one_with_a_tap(lived_in: House) -> None:
    browser, customer = lived_in.browser("front-desk"), Customer.objects.order_by("id")[0]
    there = f"/counter/{customer.pk}/"
    assert browser.post(there + "moves/", {"do": "join"}).status_code == 422, "there is no programme yet"
    program.open_program("tiers", TODAY)
    fresh = Customer.objects.create(name="新来的", store=Store.objects.get())
    browser.post(f"/counter/{fresh.pk}/moves/", {"do": "join"})
    assert Member.objects.filter(customer=fresh).count() == 1
    assert browser.get(f"/counter/{fresh.pk}/done/abc/").status_code == 404


def test_an_offer_is_written_down_opened_and_then_fixed(her: Member, lived_in: House) -> None:
    boss = lived_in.browser("owner")
    sent = {
        "kind": "percent", "name": "八五折", "name_en": "15% off", "worth": "30", "percent": "15", "least": "100", "stock": "50",
        "stacking": "alone", "valid_from": "2026-11-22", "valid_until": "2026-12-31", "weekdays": ["1", "7"], "first": "11:00",
        "last": "14:00", "currency": "", "price": "9",
    }  # fmt: skip
    for wrong in (
        {"name": ""},
        {"worth": "x"},
        {"percent": "101"},
        {"valid_until": "soon"},
        {"first": "noon"},
        {"stock": "-1"},
    ):
        assert boss.post("/offers/new/", {**sent, **wrong}).status_code == 422, wrong
    assert not Offer.objects.exists()
    boss.post("/offers/new/", sent)
    one = Offer.objects.get()
    assert (one.state, one.worth, one.percent, one.weekdays, one.price) == ("draft", 3_000, 15, [1, 7], 0)
    boss.post(f"/offers/{one.pk}/state/", {"to": "open"})
    boss.post(f"/offers/{one.pk}/", {**sent, "percent": "50", "stock": "60"})
    one.refresh_from_db()
    assert (one.state, one.percent, one.stock) == ("open", 15, 60)
    assert "八五折" in boss.get("/offers/").content.decode()
    boss.post(f"/offers/{one.pk}/state/", {"to": "stopped"})
    one.refresh_from_db()
    assert one.state == "stopped"


def test_a_coupon_is_given_from_her_page_once_and_made_void_with_a_reason(
    her: Member, lived_in: House
) -> None:
    one, boss = made(), lived_in.browser("manager")
    there = f"/customers/{her.customer_id}/coupons/"
    assert there in boss.get(f"/customers/{her.customer_id}/").content.decode()
    for _ in range(2):
        boss.post(there, {"offer": str(one.pk), "once": "abc"})
    coupon = Coupon.objects.get()
    boss.post(there, {"void": str(coupon.pk), "why": ""})
    coupon.refresh_from_db()
    assert coupon.state == "issued"
    boss.post(there, {"void": str(coupon.pk), "why": "发错了"})
    coupon.refresh_from_db()
    assert coupon.state == "void"
    assert lived_in.browser("front-desk").get(there).status_code == 403
