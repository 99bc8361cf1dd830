"""The example shop's members: for some months they have earned, spent, topped up, brought friends and used coupons.
Imported once Django is set up."""

from __future__ import annotations

import random
from datetime import date, time, timedelta
from decimal import Decimal

from regulars.customers.models import Customer
from regulars.membership import coupons, partners, program, promotions, purse, referrals, settle, unsettled
from regulars.membership.models import Balance, Member, Partner, Unsettled
from regulars.membership.offers import Offer
from regulars.membership.rules.coupons import Place
from regulars.membership.rules.terms import months_after
from regulars.shop.models import Staff

MEMBERS_SINCE = 120
"""Days for which the membership has been open."""

ASKED = 300
"""So many of the oldest customers have been asked at the counter whether they want to be members, where the till's files
know no cards."""

BROUGHT = 10
"""So many of the newest customers were brought by members."""

RICH = 120
"""So many of those with the most points spend some."""


def live_as_members(trade: str, on: date, *, by: Staff) -> None:
    """Have the shop of a trade open its programme some months before this day and live with it."""
    luck = random.Random(f"{trade} members")
    day = on - timedelta(days=MEMBERS_SINCE)
    program.open_program("tiers", day)
    if not program.join_listed(day):
        _ask_at_the_counter(luck, day, on)
    while day < on:  # as the months went by, not all of them today
        day = min(on, months_after(day, 1))
        settle_until(day)
    rich = _rich()
    _have_coupons(luck, rich, on, by)
    _spend(luck, rich, on, "then")
    _bring(rich[:8], on)
    bank = partners.make(
        "城东银行", begins="6225", benefit="持卡九折", percent_off=Decimal(10), share_percent=Decimal(60),
        valid_from=on - timedelta(days=90),
    )  # fmt: skip
    _recognise(luck, bank, on, "then")


def go_on_as_members(trade: str, on: date) -> None:
    """Have members spend in these last days too."""
    luck = random.Random(f"{trade} members lately")
    _spend(luck, _rich()[::2], on, "lately")
    _recognise(luck, Partner.objects.get(), on, "lately")


def settle_until(day: date) -> None:
    """Receipts up to this day earn what they earn. The example's files are there before its first day begins."""
    Unsettled.objects.all().delete()  # whoever joined has put hers of later days there too
    unsettled.everything(until=day)
    settle.settle(day)


def _ask_at_the_counter(luck: random.Random, since: date, on: date) -> None:
    everybody = Customer.objects.filter(merged_into=None).order_by("id")
    for customer in everybody[:ASKED]:
        joined = since + timedelta(days=luck.randrange(MEMBERS_SINCE))
        program.join(customer, joined, "counter", store=customer.store)
    for customer in everybody.reverse()[:BROUGHT]:
        program.join(customer, on, "friend", store=customer.store)


def _have_coupons(luck: random.Random, rich: list[Member], on: date, by: Staff) -> None:
    """Two offers: money off for regulars, of which many were used, and a present for points."""
    since, until = on - timedelta(days=20), on + timedelta(days=120)
    off = Offer(
        kind="amount", name="老客满 100 减 15", name_en="15 off from 100 for regulars", worth=15_00, least=100_00,
        stock=200, limit=1, budget=1_500_00, valid_from=since, valid_until=until,
    )  # fmt: skip
    present = Offer(
        kind="gift", name="到店小礼", name_en="A small present", cost=8_00, stock=100, price=300, currency="points",
        valid_from=since, valid_until=until,
    )  # fmt: skip
    for offer in (off, present):
        promotions.keep_offer(offer, by=by)
        promotions.open_offer(offer, by=by)
    for place, member in enumerate(rich[:60]):
        day, key = on - timedelta(days=luck.randrange(14)), f"example {place}"
        coupon = coupons.issue(off, member, key=key, on=day, by=by)
        if luck.random() < 0.6:
            later = Place(day + timedelta(days=luck.randrange(3)), time(18, 30), None)
            coupons.use([coupon.code], luck.randrange(110, 400) * 100, key=key, place=later, by=by)
        if place % 6 == 0:
            coupons.buy(present, member, key=f"{key} present", on=day, by=by)


def _rich() -> list[Member]:
    found = Balance.objects.filter(currency="points", in_hand__gte=300).select_related("member")
    return [balance.member for balance in found.order_by("-in_hand", "id")[:RICH]]


def _spend(luck: random.Random, rich: list[Member], on: date, when: str) -> None:
    for place, member in enumerate(rich):
        day, key = on - timedelta(days=luck.randrange(6)), f"example {when} {place}"
        points = Balance.objects.get(member=member, currency="points").in_hand
        if points >= 100 and luck.random() < 0.5:
            purse.redeem(member, "points", luck.randrange(1, points // 100 + 1) * 100, key=key, on=day)
        if place % 5 == 0:
            fen = luck.choice((30_000, 50_000, 100_000))
            purse.top_up(member, fen, key=key, on=day)
            purse.pay(member, luck.randrange(50, 200) * 100, key=key, on=day)


def _bring(hosts: list[Member], on: date) -> None:
    newest = Member.objects.filter(joined_on__lte=on, left_on=None, customer__isnull=False).exclude(
        pk__in=[host.pk for host in hosts]
    )
    for place, friend in enumerate(newest.select_related("customer").order_by("-joined_on", "-id")[:BROUGHT]):
        assert friend.customer is not None
        referrals.bring(friend.customer, hosts[place % len(hosts)], on=on - timedelta(days=30), how="counter")


def _recognise(luck: random.Random, bank: Partner, on: date, when: str) -> None:
    for place in range(12):
        card, bill = f"6225{luck.randrange(10**8):08}", luck.randrange(80, 400) * 100
        day = on - timedelta(days=luck.randrange(12))
        partners.use(bank, card, bill, key=f"example {when} {place}", on=day)
