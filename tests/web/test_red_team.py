"""What somebody would try who wants more than is hers. Each test is one line of the red team's list; those about the door
(planted sessions, forged hosts, redirects, timing, tokens in logs) stand in test_door_under_fire.py, those about uploads
(paths, bombs, XML) in test_uploads_under_fire.py, export and search by hidden fields in test_sight.py."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.urls import reverse
from tests.web.access import PAGES, address, needed, task
from tests.web.conftest import TODAY, House
from tests.web.members import OTHER_PHONE, PHONE, come, member
from tests.web.members import PAGES as MEMBER_PAGES
from tests.web.test_counter import for_sale, her, made  # noqa: F401 - fixtures
from tests.web.test_sight import EAST, WEST, Chain, chain, number  # noqa: F401 - a fixture

from regulars import daily
from regulars.care.models import Task
from regulars.customers.actions import add_note, say_detail
from regulars.customers.models import Customer, Note
from regulars.grading.actions import in_force
from regulars.membership import coupons, partners, program, promotions, purse, referrals
from regulars.membership.models import Member, Referral
from regulars.membership.offers import Offer
from regulars.membership.rules.numbers import in_groups
from regulars.sales.models import Batch, Item
from regulars.shop.actions import keep_role
from regulars.shop.models import Alert, Business, Staff, Store
from regulars.web.counter_moves import MOVES

# --- who is counted twice, and two windows ---------------------------------------------------------------------------


def test_one_person_with_two_files_is_one_on_every_page_of_the_programme(members: House) -> None:
    """The head of the page counted memberships, and whoever brought two friends stood there twice with one each."""
    one, other = member(PHONE), member(OTHER_PHONE)
    for host in (one, other):
        friend = Customer.objects.create(name="朋友", is_by_hand=True)
        brought = referrals.bring(friend, host, on=TODAY, how="counter")
        Referral.objects.filter(pk=brought.pk).update(state="counted", counted_on=TODAY)
    boss = members.browser("owner")
    assert "2 位会员" in boss.get("/membership/").content.decode()
    daily.merge(one.customer, other.customer)
    assert "1 位会员" in boss.get("/membership/").content.decode()
    best = re.search(r'<ol class="plain-list">(.*?)</ol>', boss.get(reverse("referrals")).content.decode())
    assert best and best[1].count("<li>") == 1 and "2 位" in best[1]


def test_who_brought_her_is_told_though_it_was_written_into_the_other_file(members: House) -> None:
    """Her page asked again who had brought her, and refused every answer."""
    known, new = (Customer.objects.create(name=n, is_by_hand=True) for n in ("甲", "乙"))
    daily.merge(known, new)
    both = Customer.objects.filter(pk__in=[known.pk, new.pk])
    root, leaf = both.get(merged_into=None), both.exclude(merged_into=None).get()
    Referral.objects.create(friend=leaf, referrer=member(), on=TODAY, how="counter")
    html = members.browser("owner").get(reverse("portrait", args=[root.pk])).content.decode()
    assert "有人介绍来的：" in html and 'id="friend-code"' not in html


def test_a_programme_that_somebody_opens_in_this_moment_is_told(
    lived_in: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two windows, one click each: the second read that something was broken."""
    program.open_program("tiers", TODAY)
    held, asked = program.current, iter([None])
    monkeypatch.setattr(program, "current", lambda: next(asked, held()))
    sent = {"starts_on": TODAY.isoformat(), "playbook": "tiers"}
    answer = lived_in.browser("owner").post(reverse("membership-open"), sent, follow=True)
    assert "会员已经开着" in answer.content.decode()


def test_a_coupon_of_the_evening_holds_into_the_night_of_a_shop_that_closes_late(
    her: Member,  # noqa: F811
    lived_in: House,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One o'clock on Monday by the calendar, Sunday still by the shop: Sunday's coupon was refused, Saturday's taken."""
    monkeypatch.setattr("regulars.web.store_here.clock", lambda: datetime(2026, 11, 22, 17, 0, tzinfo=UTC))
    codes = [
        coupons.issue(
            made(name=name, weekdays=[day], first=time(21), last=time(2)), her, key=name, on=TODAY
        ).code
        for name, day in (("周六", 6), ("周日", 7))
    ]
    html = lived_in.browser("front-desk").get(f"/counter/{her.customer_id}/").content.decode()
    assert [bool(re.search(f'value="{code}" disabled', html)) for code in codes] == [True, False]


def test_a_friend_who_does_not_count_is_not_counted_on_her_page(
    members: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where nothing is promised for bringing a friend, nobody is asked for a code and promised something."""
    host, page = member(), members.browser("owner")
    where = reverse("portrait", args=[host.customer_id])
    friends = [Customer.objects.create(name=n, is_by_hand=True) for n in "甲乙丙"]
    for friend, state in zip(friends, ("refused", "waiting", "counted"), strict=True):
        Referral.objects.create(friend=friend, referrer=host, on=TODAY, how="counter", state=state)
    html = page.get(where).content.decode()
    assert "带来 1 位" in html and 'id="friend-code"' in html
    said = program.terms()
    without = replace(said, membership=said.membership.model_copy(update={"referral": None}))
    monkeypatch.setattr(program, "current", lambda: without)
    assert 'id="friend-code"' not in page.get(where).content.decode()
    new = Customer.objects.create(name="丁", is_by_hand=True)
    answer = page.post(reverse("customer-refer", args=[new.pk]), {"code": host.code}, follow=True)
    assert "没有礼" in answer.content.decode() and "两边都有礼" not in answer.content.decode()


def test_money_that_is_paid_in_and_back_is_called_so(her: Member, lived_in: House) -> None:  # noqa: F811
    """The owner read that ¥200 had been given out this month and ¥7 taken back from members."""
    purse.pay(her, 500, key="1", on=TODAY)
    purse.pay_out(her, 700, key="2", on=TODAY, by=lived_in.staff["owner"], why="退")
    assert "这个月充 ¥200，用 ¥5，退 ¥7" in lived_in.browser("owner").get("/membership/").content.decode()


def test_her_phone_shows_a_coupon_as_long_as_the_counter_takes_it(
    members: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After midnight it stood on the counter's page and not on hers, and she had no code to show."""
    evening = TODAY - timedelta(1)
    late = made(first=time(22), last=time(2), valid_from=evening, valid_until=evening)
    code = in_groups(coupons.issue(late, member(), key="1", on=evening).code)
    her_own = come()
    for hour, is_there in ((1, True), (3, False)):
        now = datetime(2026, 11, 22, hour, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
        monkeypatch.setattr("regulars.web.store_here.clock", lambda now=now: now)
        assert (code in her_own.get("/m/coupons/").content.decode()) is is_there


def test_a_tier_is_sold_for_now_where_the_one_before_was_taken_back(
    for_sale: program.Terms,  # noqa: F811
    her: Member,  # noqa: F811
    lived_in: House,
) -> None:
    """Sold, prolonged, the first taken back: what she paid for next began in two years, and today she had none."""
    sold = [program.buy_tier(her, "vip", key=str(n), on=TODAY) for n in range(3)]
    program.undo_tier(her, sold[0].pk, by=lived_in.staff["owner"])
    again = program.buy_tier(her, "vip", key="again", on=TODAY)
    assert (again.starts_on, again.ends_on) == (sold[0].starts_on, sold[0].ends_on)
    assert program.tier_of(her, for_sale, TODAY) == "vip"
    program.undo_tier(her, sold[2].pk, by=lived_in.staff["owner"])
    assert program.buy_tier(her, "vip", key="more", on=TODAY).starts_on == sold[2].starts_on


# --- IDOR ------------------------------------------------------------------------------------------------------------

OF_A_CUSTOMER = [p for p in PAGES if re.match(r"customers/<int:number>/", str(p.pattern))]


@pytest.mark.parametrize("pattern", OF_A_CUSTOMER, ids=lambda p: p.name)
def test_the_number_of_another_stores_customer_opens_nothing(chain: Chain, pattern: Any) -> None:  # noqa: F811
    """Every address that names a customer, with the number of one of another store: as if she did not exist."""
    other, mine = number(WEST), number(EAST)
    before = shop_of(other)
    names = list(pattern.pattern.converters)
    for who in ("east front-desk", "east manager", "east key-account"):
        browser = chain.browser(who)
        rest = {n: 1 for n in names if n != "number"}
        where = "/" + pattern.pattern.regex.pattern.lstrip("^").replace("\\Z", "")
        where = reverse(pattern.name, kwargs={"number": other, **rest})
        for method in ("get", "post"):
            with transaction.atomic():
                answer = getattr(browser, method)(where, EVERYTHING if method == "post" else {}, follow=False)
                after = shop_of(other)
                transaction.set_rollback(True)
            assert answer.status_code in (403, 404, 405) or _leads_away(answer, other), (
                who,
                method,
                answer.status_code,
            )
            assert after == before, (who, method)
    assert shop_of(mine) is not None


EVERYTHING = {
    "note": "x", "hold": "1", "release": "1", "reason": "call", "what": "phone", "amount": "1", "day": TODAY.isoformat(), "to": "1", "share": "1",
    "pool": "1", "name": "x", "occupation": "teacher", "granted": "1", "purpose": "marketing", "channel": "any", "other": "1", "why": "because",
}  # fmt: skip


def shop_of(customer: int) -> list[Any]:
    """All that the store knows of one customer, as far as it could be changed from outside."""
    return [
        Customer.objects.filter(pk=customer).values().get(),
        sorted(Note.objects.filter(customer=customer).values_list("pk", flat=True)),
        sorted(Task.objects.filter(customer=customer).values_list("pk", "state", "staff")),
    ]


def _leads_away(answer: Any, other: int) -> bool:
    """A redirect that says nothing of her: to a page of the visitor's own."""
    return answer.status_code == 302 and str(other) not in answer["Location"]


def test_tasks_jobs_and_imports_of_others_are_not_there(chain: Chain) -> None:  # noqa: F811
    theirs = Task.objects.create(
        customer_id=number(WEST), rule="call", occasion="t", on=TODAY, due_on=TODAY, last_on=TODAY, playbook="restaurant", channel="call",
        why=["因", "b"], do=["打", "c"], say=["好", "h"], name=["打", "c"], staff=chain.staff["west front-desk"], store=chain.stores[WEST],
    )  # fmt: skip
    for who in ("east front-desk", "east manager"):
        browser = chain.browser(who)
        for verb in ("result", "undo"):
            assert browser.post(f"/tasks/{theirs.pk}/{verb}/", {"result": "done"}).status_code == 404
        assert browser.post(f"/sales/{Batch.objects.order_by('id')[0].pk}/undo/").status_code in (403, 404)
    theirs.refresh_from_db()
    assert theirs.state == "open"


# --- mass assignment -------------------------------------------------------------------------------------------------


def test_a_form_sets_only_what_it_shows(lived_in: House) -> None:
    """Every form gets fields of the records behind it that it never shows."""
    sneaked = {
        "is_active": "0", "is_superuser": "1", "is_staff": "1", "powers": "all", "in_charge": "1", "in_charge_id": "1", "merged_into": "1",
        "is_gone": "1", "last_day_run_on": "1999-01-01", "is_example": "1", "trade": "hotel", "password": "", "digest": "x", "token": "x", "state": "done",
        "ended_by": "1", "cost": "999999", "id": "1", "pk": "1", "founder": "1", "reach": "all",
    }  # fmt: skip
    desk = lived_in.browser("front-desk")
    staff = list(Staff.objects.order_by("id").values("pk", "role", "is_active", "store", "password"))
    customers = list(
        Customer.objects.order_by("id").values("pk", "in_charge", "merged_into", "is_gone", "founder")
    )
    business = Business.objects.values("trade", "is_example", "last_day_run_on", "reveals_a_day").get()
    for pattern in PAGES:
        assert pattern.name
        if needed(pattern, "post") != "open" and pattern.name != "logout":
            desk.post(address(pattern.name, lived_in), sneaked)
    assert list(Staff.objects.order_by("id").values("pk", "role", "is_active", "store", "password")) == staff
    assert (
        list(Customer.objects.order_by("id").values("pk", "in_charge", "merged_into", "is_gone", "founder"))[
            : len(customers)
        ]
        == customers
    )
    assert (
        Business.objects.values("trade", "is_example", "last_day_run_on", "reveals_a_day").get() == business
    )


# --- text that wants to be a program -----------------------------------------------------------------------------------

SCRIPT = "<script>alert(1)</script>"
BREAKING_OUT = '"><img src=x onerror=alert(1)>'


@pytest.mark.any_store
def test_no_text_that_anybody_typed_becomes_part_of_a_page(lived_in: House) -> None:
    """Names, notes, tags, stores, dishes, roles, file names, playbook words: on every page they are text."""
    customer = Customer.objects.order_by("id")[0]
    for text in (SCRIPT, BREAKING_OUT):
        say_detail(customer, "name", f"王{text}")
        say_detail(customer, "address", text)
        add_note(customer, text, on=TODAY, by=lived_in.staff["owner"])
        Item.objects.create(name=text[:60], category=text[:60])
        Store.objects.create(name=text)
        keep_role(text[:40], ["look", "names", "contact"])
    Business.objects.update(name=SCRIPT, voice=BREAKING_OUT, has_watermark=True)
    Staff.objects.filter(role="service").update(name=SCRIPT)
    Batch.objects.update(files=[SCRIPT + ".csv"], warnings=[[BREAKING_OUT, BREAKING_OUT]])
    Alert.objects.create(kind="x", on=TODAY, words=[SCRIPT, SCRIPT], staff=lived_in.staff["service"])
    task(lived_in)
    Task.objects.update(
        why=[SCRIPT, SCRIPT],
        do=[BREAKING_OUT, BREAKING_OUT],
        say=[SCRIPT, SCRIPT],
        name=[SCRIPT, SCRIPT],
        staff=lived_in.staff["owner"],
    )
    held = in_force()[0]
    assert held.playbook
    owner = lived_in.browser("owner")
    for pattern in PAGES:
        assert pattern.name
        where = address(pattern.name, lived_in)
        for asked in (
            {},
            {"q": SCRIPT, "subject": SCRIPT, "playbook": SCRIPT, "scale": SCRIPT, "next": SCRIPT},
        ):
            page = owner.get(where, asked)
            if "html" not in page.get("Content-Type", "") and "svg" not in page.get("Content-Type", ""):
                continue
            said = page.content.decode()
            assert SCRIPT not in said, (pattern.name, asked)
            assert "<img src=x" not in said, (pattern.name, asked)


INJECTED = (
    "'; DROP TABLE customers_customer; --",
    "1 OR 1=1",
    "%27%20UNION%20SELECT%20*",
    '") OR ("1"="1',
    "\\",
    "%",
    "_",
    "\0",
    "=cmd()",
    "ÿ" * 300,
    "😀",
    "-1",
    "9" * 40,
    "1e999",
    "NaN",
)
PARAMETERS = (
    "q",
    "after",
    "before",
    "grade",
    "show",
    "scale",
    "playbook",
    "subject",
    "for",
    "day",
    "whose",
    "tag",
    "waiting",
    "page",
    "staff",
    "next",
    "all",
)


def test_nothing_typed_reaches_the_store_as_a_command_and_nothing_breaks(lived_in: House) -> None:
    owner, before = lived_in.browser("owner"), Customer.objects.count()
    for pattern in PAGES:
        assert pattern.name
        where = address(pattern.name, lived_in)
        for text in INJECTED:
            answer = owner.get(where, dict.fromkeys(PARAMETERS, text))
            assert answer.status_code < 500, (pattern.name, text)
    assert Customer.objects.count() == before
    assert "customers_customer" in connection.introspection.table_names()


FIELDS = (
    "name", "email", "phone", "member", "role", "store", "minutes_a_day", "note", "reason", "said", "what", "amount", "day", "occasion", "party_size",
    "abilities", "reach", "works_like", "key", "why", "ending", "to", "share", "purpose", "channel", "days", "result", "until", "birthday", "kind",
    "reveals_a_day", "export_rows", "time_zone", "currency", "day_ends_at", "trade", "language", "theme", "code", "pin", "customer", "value", "tag",
    "do", "once", "sure", "pay", "top_up", "pay_out", "change", "bill", "card", "offer", "worth", "percent", "percent_off", "share_percent", "begins",
    "cards", "receipt", "currency", "tier", "use", "sold", "playbook", "starts_on", "valid_from", "valid_until", "void", "calendar", "month", "year", "q",
)  # fmt: skip


WITH_A_FILE = {"import", "start-import", "customer-attachments"}
"""Pages whose form is sent in parts; a browser sends every other form as one line."""


def as_sent(page: str, text: str) -> dict[str, Any]:
    sent = dict.fromkeys(FIELDS, text)
    if page in WITH_A_FILE:
        return {"data": sent}
    return {"data": urlencode(sent), "content_type": "application/x-www-form-urlencoded"}


def test_no_form_breaks_whatever_is_sent(lived_in: House) -> None:
    """Every form, every odd value in every field: an answer, never a failure."""
    owner = lived_in.browser("owner")
    owner.get("/")  # her login is remembered once, and not anew after each form that is taken back
    for pattern in PAGES:
        assert pattern.name
        if pattern.name in ("logout",):
            continue
        with transaction.atomic():
            where = address(pattern.name, lived_in)
            for text in INJECTED:
                with transaction.atomic():
                    answer = owner.post(where, **as_sent(pattern.name, text))
                    transaction.set_rollback(True)
                assert answer.status_code < 500, (pattern.name, text)
            transaction.set_rollback(True)


COUNTER: dict[str, dict[str, str]] = {
    "points": {"currency": "points", "amount": "1", "receipt": "A1"}, "reward": {"offer": "{offer}"},
    "coupons": {"code": "{code}", "bill": "30", "receipt": "A1"}, "pay": {"pay": "1", "receipt": "A1"}, "top-up": {"top_up": "1"},
    "pay-out": {"pay_out": "1", "why": "x"}, "correct": {"currency": "points", "change": "-1", "why": "x"}, "tier": {"tier": "vip"},
    "hand-over": {"to": "{other}", "currency": "points", "amount": "1", "why": "x"},
}  # fmt: skip
"""Every move of the counter, filled in as it should be."""


@pytest.mark.parametrize("do", MOVES)
def test_no_form_of_the_counter_breaks_behind_its_first_refusal(
    her: Member,  # noqa: F811
    for_sale: program.Terms,  # noqa: F811
    lived_in: House,
    do: str,
) -> None:
    """Each field in turn is odd and the others are right, so that what stands behind them is reached; all right is booked."""
    gift = made(kind="gift", name="茶杯", price=1, currency="points")
    right = {
        "offer": str(gift.pk), "code": coupons.issue(made(), her, key="1", on=TODAY).code,
        "other": Member.objects.exclude(pk=her.pk)[0].number,
    }  # fmt: skip
    said = {k: v.format(**right) for k, v in COUNTER[do].items()}
    owner, there = lived_in.browser("owner"), f"/counter/{her.customer_id}/moves/"
    owner.get("/")
    for n, (field, text) in enumerate([("", ""), *itertools.product(said, INJECTED)]):
        sent = {**said, "do": do, "once": f"k{n}", "sure": "1"} | ({field: text} if field else {})
        with transaction.atomic():
            answer = owner.post(there, urlencode(sent), content_type="application/x-www-form-urlencoded")
            done = owner.get(answer["Location"]).status_code if answer.status_code == 302 else 200
            transaction.set_rollback(True)
        assert answer.status_code in ((302,) if not field else (302, 422)) and done == 200, (field, text)


def test_no_form_of_partners_breaks_behind_its_first_refusal(lived_in: House) -> None:
    partners.make("银行", begins="6225", valid_from=TODAY, percent_off=Decimal(10))
    owner = lived_in.browser("owner")
    owner.get("/")
    made_out = {"name": "x", "begins": "6226", "percent_off": "5", "share_percent": "50", "cards": "77", "valid_from": TODAY.isoformat()}  # fmt: skip
    for where, said in (
        ("partner-card", {"card": "6225001", "bill": "30", "once": "k", "sure": "1"}),
        ("partners", {**made_out, "valid_until": TODAY.isoformat(), "benefit": "x"}),
        ("membership-open", {"playbook": "tiers", "starts_on": TODAY.isoformat()}),
    ):
        for field, text in itertools.product(said, INJECTED):
            with transaction.atomic():
                sent = urlencode({**said, field: text})
                answer = owner.post(reverse(where), sent, content_type="application/x-www-form-urlencoded")
                transaction.set_rollback(True)
            assert answer.status_code < 500, (where, field, text)


@pytest.mark.any_store
def test_no_text_that_anybody_typed_becomes_part_of_a_members_page(members: House) -> None:
    """Her own page was looked at as staff only, and so never."""
    browser, hers = come(), member()
    assert hers.customer
    for text in (SCRIPT, BREAKING_OUT):
        said = {"kind": "gift", "worth": 500, "valid_from": TODAY, "valid_until": TODAY}
        offer = promotions.keep_offer(
            Offer(**said, name=text[:40], price=1, currency="points", stores=[Store.objects.get().pk])
        )
        promotions.open_offer(offer)
        coupons.buy(offer, hers, key=text[:9], on=TODAY)
        purse.redeem(hers, "points", 1, key=text[:9], on=TODAY, receipt=text, store=Store.objects.get())
        browser.post("/m/me/", {"name": text, "taboos": text})
        browser.post("/m/privacy/requests/", {"kind": "correction", "said": text})
        for store in (SCRIPT, BREAKING_OUT):
            Store.objects.update(name=store)
            Item.objects.update(name=store[:60])
            Business.objects.update(name=store)
            for where in MEMBER_PAGES:
                page = browser.get(where)
                assert page.status_code == 200
                html = page.content.decode()
                assert SCRIPT not in html and "<img src=x" not in html, where


# --- what the order of a list tells ------------------------------------------------------------------------------------


def test_the_order_of_lists_tells_nothing_that_is_masked(chain: Chain) -> None:  # noqa: F811
    """Lists sort by spend and by newness only; no parameter makes them sort by a phone, an address or a birthday."""
    chain.shop.take_in([
        {"订单号": f"S{k}", "消费时间": f"{TODAY - timedelta(days=1)} 12:0{k}", "手机号": f"1365000{9 - k}00{k}", "实收金额": "50", "门店": EAST} for k in range(5)
    ])  # fmt: skip
    plain = chain.browser("analyst").get("/customers/").content.decode()
    rows = re.findall(r'href="(/customers/\d+/)"', plain)
    for name, value in itertools.product(
        ("sort", "order", "order_by", "o", "by"),
        ("phone", "-phone", "address", "birthday", "name", "links__identity__token"),
    ):
        page = chain.browser("analyst").get("/customers/", {name: value}).content.decode()
        assert re.findall(r'href="(/customers/\d+/)"', page) == rows, (name, value)
