"""The member's own page: what she sees, what she changes, and that nobody else does."""

from __future__ import annotations

import ast
import json
import re
import zipfile
from datetime import time, timedelta
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.test import Client
from tests.shops import wipe
from tests.web.conftest import TODAY, House
from tests.web.members import OTHER_PHONE, PHONE, come, member, sent_code

from regulars.customers import consents, rights
from regulars.customers.models import Customer, RightsRequest
from regulars.customers.queries import details_of
from regulars.grading.models import Standing
from regulars.membership import coupons, door, program, promotions, purse, teller
from regulars.membership.models import TierBought
from regulars.membership.offers import Coupon, Offer
from regulars.membership.rules.coupons import Place
from regulars.membership.rules.ledger import Move
from regulars.shop.models import AuditEvent, Hold, Outgoing, Store
from regulars.web import doors
from regulars.web.copied import cell
from regulars.web.jinja import STATIC
from regulars.web.ledger_said import KINDS

# --- what she sees ---------------------------------------------------------------------------------------------------


def test_she_reads_what_ends_what_waits_and_why_each_line_is_there(members: House) -> None:
    members.shop.take_in(
        [{"订单号": "N1", "消费时间": f"{TODAY} 12:00:00", "会员号": "M000", "实收金额": "80.00"}]
    )
    purse.redeem(member(), "points", 50, key="k1", on=TODAY)
    purse.top_up(member(), 50_000, key="t1", on=TODAY)
    html = re.sub(r"\s+", " ", come().get("/m/points/").content.decode())
    assert "消费得积分" in html and "消费 ¥80" in html and "到店盖章" in html
    assert "待生效" in html and "起能用" in html and "到期</li>" in html
    assert "−50 积分" in html
    assert "¥500</dd>" in html and "¥50</dd>" in html, "what she paid and what was put on top stand apart"


def test_a_line_names_the_day_of_the_purchase_where_its_file_came_later(members: House) -> None:
    """A file of last week read as if she had bought today."""
    late = [{"订单号": "N2", "消费时间": "2026-11-17 12:00:00", "会员号": "M000", "实收金额": "80.00"}]
    members.shop.take_in(late)
    html = re.sub(r"\s+", " ", come().get("/m/points/").content.decode())
    assert html.count("11月17日那一单") == 2, "its points and its stamp"


def test_every_reason_for_which_a_purse_changes_has_words() -> None:
    """A kind that nobody had thought of was told to her as a correction by the shop."""
    found, others = set(), []
    for path in sorted(Path(teller.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Move":
                kind = node.args[1]
                if isinstance(kind, ast.Constant):
                    found.add(kind.value)
                else:
                    others.append(path.name)
    # Where the kind is no word in the call: what a reservation comes to, what is owed, what the calendar does to a lot.
    assert sorted(others) == ["due.py", "purse.py", "teller.py"]
    assert found | {"confirm", "release", "ripen", "expire"} == set(KINDS)
    for kind in KINDS:
        assert cell("kind", kind, "zh") == KINDS[kind].zh
    assert cell("state", "open", "zh") == "还没办", (
        "a request that is open, and no balance of an older system"
    )


def test_she_reads_what_a_friend_a_reward_and_another_member_brought_or_took(members: House) -> None:
    """What a friend had brought read "put right by the shop"; a voided reward "goods were returned"."""
    hers, other = member(), member(OTHER_PHONE)
    for part in ("referrer", "second", "friend"):
        teller.post(
            Move("put", "refer", "referral", f"1.{part}", hers.pk, TODAY, (("points", 7),), rule=part)
        )
    offer = promotions.keep_offer(
        Offer(kind="gift", name="茶杯", price=40, currency="points", valid_from=TODAY, valid_until=TODAY)
    )
    promotions.open_offer(offer)
    coupons.void(coupons.buy(offer, hers, key="1", on=TODAY), on=TODAY, why="发错了")
    purse.hand_over(hers, other, "points", 30, key="h", on=TODAY, why="母女")
    lines = re.findall(
        r'<li><span class="line-why"><strong>([^<]*)</strong>.*?<span>([^<]*)</span></span></li>',
        come().get("/m/points/").content.decode(),
    )
    assert lines[:6] == [
        ("转出", "−30 积分"), ("券作废了，积分退给您", "+40 积分"), ("换「茶杯」", "−40 积分"), ("朋友介绍来的", "+7 积分"),
        ("朋友又带来了朋友", "+7 积分"), ("介绍朋友", "+7 积分"),
    ]  # fmt: skip
    assert ">转入</strong>" in come(OTHER_PHONE).get("/m/points/").content.decode()


def test_value_that_a_till_has_set_aside_is_told_and_every_end_can_be_read(members: House) -> None:
    """500 became 200 for a quarter of an hour, and no line said why."""
    hers = member()
    for n in range(6):
        purse.top_up(hers, 50_000, key=f"t{n}", on=TODAY + timedelta(days=n))
    purse.reserve(hers, "value", 30_000, key="r", on=TODAY)
    browser = come()
    html = browser.get("/m/points/").content.decode()
    assert "¥300 柜台正在用" in html and html.count("赠金 ¥50，2028年11月") == 6
    home = browser.get("/m/").content.decode()
    assert "储值：¥300 柜台正在用" in home and "储值：赠金 ¥50，2028年11月21日到期" in home


def test_a_tier_that_is_paid_for_is_told_as_such_and_a_falling_one_promises_nothing(members: House) -> None:
    hers = member()
    Standing.objects.filter(customer=hers.customer, playbook="tiers").update(grade="senior")
    browser = come()
    html = browser.get("/m/").content.decode()
    assert "照现在这样，12月31日会变成普通会员" in html and "来一次就不一样" not in html
    assert "<details open><summary>靠什么保住高级会员" in html
    for k, (first, last) in enumerate(((-9, 20), (21, 364), (900, 990))):
        days = {"starts_on": TODAY + timedelta(first), "ends_on": TODAY + timedelta(last)}
        TierBought.objects.create(member=hers, key=str(k), tier="vip", price=9_900, **days)
    html = browser.get("/m/").content.decode()
    assert "VIP买到2027年11月21日，到期看当时够哪一级" in html
    assert "会变成" not in html and "靠什么保住" not in html
    TierBought.objects.update(tier="senior")
    Standing.objects.filter(customer=hers.customer, playbook="tiers").update(grade="vip")
    assert "12月31日会变成高级会员" in browser.get("/m/").content.decode(), (
        "the one she has paid for holds her"
    )


def test_she_reads_how_far_the_next_tier_is(members: House) -> None:
    html = come().get("/m/").content.decode()
    assert "离高级会员" in html and "还差 2,400 元" in html and "上面有一样够了就行" in html
    english = come(OTHER_PHONE)
    english.post("/lang/", {"language": "en", "next": "/m/"})
    page = english.get("/m/").content.decode()
    assert "On the way to Senior" in page and not re.search(
        r"[一-鿿]", re.sub(r"<title>.*?</title>|中文|老地方|M00\d", "", page)
    )


def test_a_long_statement_is_read_page_by_page(members: House) -> None:
    for n in range(70):
        purse.redeem(member(), "points", 1, key=f"r{n}", on=TODAY)
    browser = come()
    first = browser.get("/m/points/").content.decode()
    assert "?page=1" in first and first.count('class="line-why"') == 30
    assert "?page=1" in browser.get("/m/points/?page=2").content.decode()
    for odd in ("-1", "x", "99999999999999999999"):
        assert browser.get(f"/m/points/?page={odd}").status_code == 200


def test_what_she_holds_stays_when_the_programme_has_ended(members: House) -> None:
    program.end_program(TODAY)
    html = come().get("/m/").content.decode()
    assert "<strong>500</strong><span>积分" in html and "不再积分" in html


# --- what she tells --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ({"calendar": "solar", "month": "2", "day": "29"}, "solar --02-29"),
        ({"calendar": "lunar", "month": "6", "day": "15", "leap": "on"}, "lunar --06-15 leap"),
        ({"calendar": "lunar", "month": "12", "day": "30", "year": "1988"}, "lunar 1988-12-30"),
    ],
)
def test_she_tells_her_birthday_in_her_own_calendar_and_once(
    members: House, typed: dict[str, str], kept: str
) -> None:
    browser = come()
    assert browser.post("/m/me/", typed)["Location"] == "/m/me/"
    her = Customer.objects.get(pk=member().customer_id)
    assert her.birthday == kept
    browser.post("/m/me/", {"calendar": "solar", "month": "11", "day": "22"})
    her.refresh_from_db()
    assert her.birthday == kept, "a second birthday is asked of the shop"


@pytest.mark.parametrize(
    "typed",
    [
        {"calendar": "solar", "month": "2", "day": "30"}, {"calendar": "lunar", "month": "3", "day": "31"},
        {"calendar": "solar", "month": "4", "day": ""}, {"calendar": "solar", "month": "13", "day": "x"},
        {"calendar": "lunar", "month": "3", "day": "3", "year": "99999"}, {"day": "3"}, {"year": "1966"},
        {"calendar": "solar", "month": "3", "day": "3", "year": "66"}, {"calendar": "solar", "month": "3", "day": "3", "year": "2090"},
        {"calendar": "solar", "month": "11", "day": "23", "year": "2026"}, {"calendar": "lunar", "month": "12", "day": "1", "year": "2026"},
    ],
)  # fmt: skip
def test_a_day_that_can_not_be_is_told_and_nothing_is_written(members: House, typed: dict[str, str]) -> None:
    answer = come().post("/m/me/", {**typed, "name": "王姐", "seat": "window"})
    html = answer.content.decode()
    assert answer.status_code == 422 and 'id="birthday-error"' in html
    assert 'value="王姐"' in html and "--" not in html.split('id="birthday-error"')[1].split("</p>")[0]
    her = Customer.objects.get(pk=member().customer_id)
    assert (her.birthday, her.name) == ("", "") and "seat" not in details_of(her)


def test_what_may_not_be_kept_is_told_beside_its_field_and_takes_the_rest_along(members: House) -> None:
    """An identity number typed as the name was an error page; what stood before the refused field was written."""
    browser = come()
    answer = browser.post("/m/me/", {"seat": "window", "name": "110101196603070011"})
    assert answer.status_code == 422 and 'id="name-error"' in answer.content.decode()
    her = Customer.objects.get(pk=member().customer_id)
    assert her.name == "" and "seat" not in details_of(her)
    answer = browser.post("/m/me/", {"seat": "on the roof", "name": "王姐"})
    assert answer.status_code == 422 and 'id="seat-error"' in answer.content.decode()
    her.refresh_from_db()
    assert her.name == ""


def test_her_wishes_are_written_as_her_own(members: House) -> None:
    browser = come()
    browser.post("/m/me/", {"name": "王姐", "seat": "window", "taboos": "香菜", "income": "9"})
    her = Customer.objects.get(pk=member().customer_id)
    said = details_of(her)
    assert (her.name, said["seat"], said["taboos"]) == ("王姐", "window", "香菜") and "income" not in said
    assert 'window" selected' in browser.get("/m/me/").content.decode()


def test_her_switches_are_words_of_consent_with_their_source(members: House) -> None:
    browser, her = come(), member().customer
    assert her
    browser.post("/m/privacy/consent/", {"purpose": "marketing", "granted": "yes"})
    assert consents.allowed(her, "marketing", "sms", TODAY)
    assert consents.history(her)[0].source == "member-page" and consents.history(her)[0].wording
    browser.post("/m/privacy/withdraw/")
    assert not consents.allowed(her, "care", "call", TODAY) and Hold.objects.filter(person=her.pk).exists()
    browser.post("/m/privacy/consent/", {"purpose": "care", "granted": "yes"})
    assert consents.allowed(her, "care", "call", TODAY) and not Hold.objects.filter(person=her.pk).exists()
    browser.post("/m/privacy/consent/", {"purpose": "profiling", "granted": "no"})
    assert not consents.allowed(her, "profiling", "any", TODAY)
    browser.post("/m/privacy/consent/", {"purpose": "sensitive:health", "granted": "yes"})
    assert not consents.allowed(her, "sensitive:health", "any", TODAY), "given at the counter only"


def test_what_a_colleague_has_put_up_she_does_not_take_down_by_a_switch(members: House) -> None:
    browser, her = come(), member().customer
    assert her
    Hold.objects.create(person=her.pk, by=members.staff["owner"])
    browser.post("/m/privacy/consent/", {"purpose": "care", "granted": "yes"})
    assert Hold.objects.filter(person=her.pk).exists()


def test_she_asks_for_deletion_reads_how_it_stands_and_calls_it_off(members: House) -> None:
    browser = come()
    said = browser.post("/m/privacy/requests/", {"kind": "deletion", "said": "搬走了"}, follow=True)
    assert "收到了" in said.content.decode()
    asked = RightsRequest.objects.get()
    assert (asked.kind, asked.checked, asked.asked_by, asked.taken_by, asked.state) == (
        "deletion",
        "code",
        "herself",
        None,
        "open",
    )
    rights.agree_to_deletion(asked, on=TODAY, by=members.staff["owner"])
    assert "已同意" in browser.get("/m/privacy/").content.decode()
    said = browser.post("/m/privacy/requests/", {"kind": "deletion", "off": "1"}, follow=True)
    assert "撤销了，不办了" in said.content.decode() and "收到了" not in said.content.decode()
    asked.refresh_from_db()
    assert asked.state == "called-off"
    browser.post("/m/privacy/requests/", {"kind": "automation"})
    assert RightsRequest.objects.count() == 1


def test_a_copy_of_her_data_is_hers_only_while_the_proof_is_fresh(
    members: House, clock: list[timedelta]
) -> None:
    browser = come()
    packed = zipfile.ZipFile(BytesIO(b"".join(browser.post("/m/privacy/copy/").streaming_content)))  # type: ignore[attr-defined]
    data = json.loads(packed.read("copy.json"))["data"]
    assert {i["written"] for i in data["sales.Identity"]} == {"M000", PHONE}
    clock[0] = timedelta(minutes=31)
    assert browser.post("/m/privacy/copy/")["Location"] == "/m/privacy/"


def test_a_link_from_the_counter_does_not_give_a_copy_of_all_her_data(members: House) -> None:
    """Whoever works at the counter can scan that link herself, and would have had every number unmasked."""
    hers = member()
    assert hers.customer
    secret = door.link_for(hers.customer, doors.clock(), by=members.staff["front-desk"])
    browser = Client()
    assert browser.post(f"/m/in/{secret}/")["Location"] == "/m/"
    assert browser.get("/m/points/").status_code == 200
    assert browser.post("/m/privacy/copy/")["Location"] == "/m/privacy/"
    assert not AuditEvent.objects.filter(verb="copy-of-data").exists()


def test_money_that_a_till_has_set_aside_is_hers_when_she_wants_to_leave(members: House) -> None:
    browser = come()
    purse.top_up(member(), 10_000, key="t", on=TODAY)
    purse.reserve(member(), "value", 10_000, key="r", on=TODAY)
    browser.post("/m/leave/", {"sure": "yes"})
    assert member().left_on is None


def test_she_leaves_and_money_of_hers_is_fetched_first(members: House) -> None:
    browser = come()
    purse.top_up(member(), 30_000, key="t", on=TODAY)
    browser.post("/m/leave/", {"sure": "yes"})
    hers = member()
    assert hers.left_on is None, "three hundred yuan of hers are still here"
    purse.pay_out(hers, 30_000, key="p", on=TODAY, by=members.staff["owner"], why="退")
    browser.post("/m/leave/", {})
    assert member().left_on is None
    browser.post("/m/leave/", {"sure": "yes"})
    hers.refresh_from_db()
    assert hers.left_on == TODAY and browser.get("/m/points/").status_code == 302


# --- the shop's side and the phone's ---------------------------------------------------------------------------------


def test_the_outbox_shows_a_code_to_owner_and_manager_masks_the_number_and_keeps_who_looked(
    members: House,
) -> None:
    browser = Client()
    browser.post("/m/login/", {"phone": PHONE})
    for role, status in (("owner", 200), ("manager", 200), ("front-desk", 403), ("service", 403)):
        assert members.browser(role).get("/outbox/").status_code == status, role
    owner = members.browser("owner")
    html = owner.get("/outbox/").content.decode()
    assert sent_code() in html and PHONE not in html and "139****0000" in html
    seen = AuditEvent.objects.filter(verb="read-code")
    assert sorted(e.actor_name for e in seen) == ["manager Li", "owner Li"], "once for each who looked"
    number = Outgoing.objects.get().pk
    owner.post(f"/outbox/{number}/told/")
    assert sent_code() not in owner.get("/outbox/").content.decode()


def test_a_code_that_is_over_is_shown_no_more(members: House) -> None:
    Client().post("/m/login/", {"phone": PHONE})
    Outgoing.objects.update(put_at=doors.clock() - door.HOLDS - timedelta(seconds=1))
    assert sent_code() not in members.browser("owner").get("/outbox/").content.decode()


def test_the_worker_keeps_files_and_the_page_for_a_lost_network_and_nothing_of_hers(members: House) -> None:
    browser = come()
    script = browser.get("/m/worker.js").content.decode()
    kept = re.search(r'KEPT = "([^"]*)"', script)
    assert kept
    addresses = kept[1].split()
    assert addresses[0] == "/m/offline/" and all(a.startswith("/static/") for a in addresses[1:])
    assert all(Client().get(a).status_code == 200 for a in addresses)
    offline = browser.get("/m/offline/").content.decode()
    assert "csrf" not in offline and member().number[:4] not in offline
    manifest = browser.get("/m/manifest.json").json()
    assert (manifest["scope"], manifest["start_url"]) == ("/m/", "/m/")
    assert {i["sizes"] for i in manifest["icons"]} >= {"192x192", "512x512"}
    for icon in manifest["icons"]:
        assert Client().get(icon["src"]).status_code == 200


@pytest.mark.parametrize("script", ["member.js", "member-worker.js"])
def test_the_scripts_of_her_page_run_in_an_old_web_view(script: str) -> None:
    """A comma behind the last argument is an error to the web-view of an old phone: it had no page for a lost network."""
    text = re.sub(r"/\*.*?\*/", "", (STATIC / script).read_text("utf-8"), flags=re.S)
    for young in (r",\s*\)", r"=>", r"\b(?:let|const|async|await|class)\b", r"`", r"\.\.\.", r"\?\.|\?\?"):
        assert not re.search(young, text), young


def test_she_reads_when_and_where_a_coupon_is_good(members: House) -> None:
    """She came on a Saturday with a coupon for Monday to Thursday."""
    hers, store = member(), Store.objects.get()
    said = {"kind": "amount", "worth": 500, "valid_from": TODAY, "valid_until": TODAY + timedelta(30)}
    first = promotions.keep_offer(
        Offer(**said, name="午市券", weekdays=[1, 2], first=time(11), last=time(14), stores=[store.pk])
    )
    second = promotions.keep_offer(Offer(**{**said, "valid_from": TODAY + timedelta(7)}, name="下周券"))
    third = promotions.keep_offer(Offer(**said, name="随时券"))
    for n, offer in enumerate((first, second, third)):
        promotions.open_offer(offer)
        coupons.issue(offer, hers, key=str(n), on=TODAY)
    browser = come()
    shown = dict(
        re.findall(r'coupon"><h2>([^<]*)</h2>(.*?)<details>', browser.get("/m/coupons/").content.decode())
    )
    assert "周一、周二 · 11:00–14:00 · 只在总店" in shown["午市券"] and "11月29日起能用" in shown["下周券"]
    assert "只在" not in shown["随时券"] and "起能用" not in shown["随时券"]
    code = Coupon.objects.get(offer=third).code
    coupons.reserve([code], 1_000, key="r", place=Place(TODAY, time(12), store.pk))
    assert "正被另一单占着" in browser.get("/m/coupons/").content.decode()


def test_her_card_is_a_picture_with_the_shops_name_and_escapes_what_is_written_in_it(members: House) -> None:
    browser = come()
    browser.post("/m/me/", {"name": "<b>&王"})
    picture = browser.get("/m/card.svg?keep")
    said = "".join(ElementTree.fromstring(picture.content).itertext())
    assert "老地方" in said and "普通会员" in said and "<b>&王" in said
    assert (
        picture["Content-Type"].startswith("image/svg+xml") and "attachment" in picture["Content-Disposition"]
    )


def test_a_shop_that_nobody_has_founded_has_no_member_page(house: House) -> None:
    wipe()
    assert Client().get("/m/")["Location"] == "/start/"
