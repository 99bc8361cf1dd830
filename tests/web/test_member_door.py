"""How a member comes in: by a code on her phone or a link at the counter, how long she stays, and how she joins."""

from __future__ import annotations

import logging
import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.web.conftest import TODAY, House
from tests.web.members import OTHER_PHONE, PAGES, PHONE, UNKNOWN, come, member, sent_code

from regulars import daily
from regulars.customers import consents
from regulars.customers.erasing import erase
from regulars.customers.models import RightsRequest
from regulars.membership import door, program
from regulars.membership.models import Knock, Member, Referral
from regulars.shop.models import AuditEvent, Outgoing
from regulars.shop.rules.masks import masked
from regulars.shop.words import Refused
from regulars.web import doors
from regulars.web.member_door import LASTS, ONE_PHONE

# --- coming in -------------------------------------------------------------------------------------------------------


def test_a_member_comes_in_by_a_code_on_her_phone_and_sees_her_page(members: House) -> None:
    browser = come()
    for address in PAGES:
        answer = browser.get(address)
        assert answer.status_code == 200, address
        assert answer["Cache-Control"] == "private, no-store"
    home = browser.get("/m/").content.decode()
    assert "普通会员" in home and "<strong>500</strong><span>积分" in home and "100 个待生效" in home
    assert member().number[:4] in home


def test_a_phone_that_nobody_knows_is_answered_as_one_that_is_known(members: House) -> None:
    asked = []
    for phone in (PHONE, UNKNOWN):
        browser = Client()
        with CaptureQueriesContext(connection) as queries:
            answer = browser.post("/m/login/", {"phone": phone})
        shapes = [re.sub(r"('[^']*'|\d+|x[0-9a-f]+|b')", "?", q["sql"])[:60] for q in queries]
        page = browser.get("/m/code/").content.decode().replace(f"{phone[:3]}****{phone[-4:]}", "…")
        page = re.sub(r'value="[A-Za-z0-9]{64}"', "", page)
        asked.append((answer.status_code, answer["Location"], sorted(answer.cookies), shapes, page))
    assert asked[0] == asked[1], "not one question to the store more for who is known"


def test_a_code_opens_once(members: House) -> None:
    browser = Client()
    browser.post("/m/login/", {"phone": PHONE})
    code, secret = sent_code(), browser.cookies["knock"].value
    assert browser.post("/m/code/", {"code": code})["Location"] == "/m/"
    thief = Client()
    thief.cookies["knock"] = secret
    assert thief.post("/m/code/", {"code": code}).status_code == 401
    assert browser.post("/m/code/", {"code": code})["Location"] == "/m/", "a double tap of hers"
    assert "验证码" in thief.get("/m/").content.decode() and "member" not in thief.cookies


def test_a_code_is_bound_to_the_browser_that_asked_for_it(members: House) -> None:
    Client().post("/m/login/", {"phone": PHONE})
    code, other = sent_code(), Client()
    other.post("/m/login/", {"phone": UNKNOWN})
    assert code == sent_code() or other.post("/m/code/", {"code": code}).status_code == 401


def test_five_wrong_codes_and_it_is_void_even_when_the_right_one_comes(
    members: House, clock: list[timedelta]
) -> None:
    browser = Client()
    browser.post("/m/login/", {"phone": PHONE})
    code = sent_code()
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(5):
        assert browser.post("/m/code/", {"code": wrong}).status_code == 401
    last = browser.post("/m/code/", {"code": code})
    assert last.status_code == 401 and "重新要一个" in last.content.decode()


def test_tries_that_come_at_once_are_all_counted(members: House) -> None:
    now = doors.clock()
    secret = door.send_code(PHONE, "老地方", now)
    code = sent_code()
    for k in range(1, 6):
        with pytest.raises(Refused):
            door.try_code(secret, f"{(int(code) + k) % 10**6:06}", now)
    with pytest.raises(Refused) as refused:
        door.try_code(secret, code, now)
    assert refused.value.words == door.OVER
    assert Knock.objects.get().tries == 5


def test_a_code_is_over_after_five_minutes(members: House, clock: list[timedelta]) -> None:
    browser = Client()
    browser.post("/m/login/", {"phone": PHONE})
    code = sent_code()
    clock[0] = timedelta(minutes=5)
    late = browser.post("/m/code/", {"code": code})
    assert (
        late.status_code == 401
        and door.OVER.zh in late.content.decode()
        and 'name="phone"' in late.content.decode()
    )
    assert "member" not in browser.cookies and browser.get("/m/code/")["Location"] == "/m/"


def test_codes_for_one_phone_are_slowed_down_and_others_are_not(
    members: House, clock: list[timedelta]
) -> None:
    for _ in range(int(ONE_PHONE.burst)):
        assert Client().post("/m/login/", {"phone": PHONE}).status_code == 302
    slowed = Client().post("/m/login/", {"phone": f"+86 {PHONE[:3]}-{PHONE[3:]}"})
    assert slowed.status_code == 429 and int(slowed["Retry-After"]) > 60, "however it is written"
    assert Client().post("/m/login/", {"phone": OTHER_PHONE}).status_code == 302
    assert Outgoing.objects.count() == ONE_PHONE.burst + 1


def test_one_address_can_not_ring_all_phones(members: House, clock: list[timedelta]) -> None:
    answers = [Client().post("/m/login/", {"phone": f"1393322{n:04}"}).status_code for n in range(40)]
    assert answers.count(302) == 30 and answers[-1] == 429


def test_one_address_can_not_try_codes_over_many_phones(members: House, clock: list[timedelta]) -> None:
    statuses = []
    for n in range(5):
        browser = Client()
        browser.post("/m/login/", {"phone": f"1393322{n:04}"})
        wrong = f"{(int(sent_code()) + 1) % 10**6:06}"
        statuses += [browser.post("/m/code/", {"code": wrong}).status_code for _ in range(5)]
    assert 429 in statuses[20:] and statuses[:20] == [401] * 20


def test_ones_own_right_code_does_not_wipe_out_wrong_ones_over_other_phones(
    members: House, clock: list[timedelta]
) -> None:
    """A member guessed four at other phones, signed in herself, and had all her tries again."""
    statuses = []
    for n in range(2, 9):
        browser = Client()
        browser.post("/m/login/", {"phone": f"1393322{n:04}"})
        wrong = f"{(int(sent_code()) + 1) % 10**6:06}"
        statuses += [browser.post("/m/code/", {"code": wrong}).status_code for _ in range(4)]
        if n < 5:
            own = Client()
            own.post("/m/login/", {"phone": PHONE})
            assert own.post("/m/code/", {"code": sent_code()}).status_code == 302
    assert statuses[:20] == [401] * 20 and 429 in statuses[20:]


def test_a_phone_is_slowed_down_however_it_is_written(members: House, clock: list[timedelta]) -> None:
    """Full-width digits were another phone to the brake and the same one to the sender: it rang without end."""
    written = (
        PHONE,
        "+86 139-3322-0000",
        "１３９３３２２００００",
        "139３３２２0000",
        "139 3322 0000.0",
        "0086" + PHONE,
        "'" + PHONE,
    )
    answers = [Client().post("/m/login/", {"phone": phone}).status_code for phone in written]
    assert answers == [302] * int(ONE_PHONE.burst) + [429] * (len(written) - int(ONE_PHONE.burst))
    assert Outgoing.objects.filter(purpose="login").count() == ONE_PHONE.burst


def test_what_is_no_phone_is_said_and_sends_nothing(members: House) -> None:
    assert Client().post("/m/login/", {"phone": "12345"}).status_code == 422
    assert not Outgoing.objects.exists()


def test_neither_codes_nor_phones_nor_links_come_into_logs_and_trail(
    members: House, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        browser = Client()
        browser.post("/m/login/", {"phone": PHONE})
        code = sent_code()
        browser.post("/m/code/", {"code": f"{(int(code) + 1) % 10**6:06}"})
        browser.post("/m/code/", {"code": code})
    link = scanned(members)
    assert Client(enforce_csrf_checks=True).post(link).status_code == 403
    assert masked(f"Forbidden: {link}") == "Forbidden: /m/in/***/", (
        "every handler of ours masks what Django writes"
    )
    written = "".join(r.getMessage() for r in caplog.records if not r.name.startswith("django.db"))
    trail = repr(list(AuditEvent.objects.values()))
    assert PHONE not in written + trail and code not in written + trail
    kept = repr(list(Knock.objects.values("mark", "code"))) + repr(list(Session.objects.values()))
    assert code not in kept and PHONE not in kept


def test_codes_leave_the_outbox_after_a_day(members: House) -> None:
    now = doors.clock()
    door.send_code(PHONE, "老地方", now)
    Outgoing.objects.update(put_at=now - timedelta(days=2))
    Knock.objects.update(until=now - timedelta(days=2))
    door.send_code(OTHER_PHONE, "老地方", now)
    assert [str(o.to) for o in Outgoing.objects.all()] == [OTHER_PHONE]
    assert Knock.objects.count() == 1


# --- her session -----------------------------------------------------------------------------------------------------


def test_nobody_brings_a_session_of_his_own_choice(members: House) -> None:
    browser = Client()
    browser.cookies["member"] = "a" * 32
    browser.post("/m/login/", {"phone": PHONE})
    browser.post("/m/code/", {"code": sent_code()})
    first = browser.cookies["member"].value
    assert first != "a" * 32
    browser.post("/m/login/", {"phone": PHONE})
    browser.post("/m/code/", {"code": sent_code()})
    thief = Client()
    thief.cookies["member"] = first
    assert thief.get("/m/points/")["Location"] == "/m/", "who signs in anew ends what was"


def test_staff_pages_refuse_a_member_and_the_other_way_round(members: House) -> None:
    hers, staff = come(), members.browser("owner")
    assert hers.get("/customers/")["Location"].startswith("/login/")
    assert hers.get("/api/v1/customers").status_code in (401, 404)
    hers.cookies["sessionid"] = hers.cookies["member"].value
    assert hers.get("/")["Location"].startswith("/login/"), "her key opens no session of staff"
    assert staff.get("/m/points/")["Location"] == "/m/"
    staff.cookies["member"] = staff.cookies["sessionid"].value
    assert staff.get("/m/points/")["Location"] == "/m/", "nor theirs one of hers"
    assert staff.get("/").status_code == 200


def test_she_signs_out_and_the_session_is_over_wherever_it_was_copied(members: House) -> None:
    browser, copied = come(), Client()
    copied.cookies["member"] = browser.cookies["member"].value
    assert copied.get("/m/points/").status_code == 200
    browser.post("/m/out/")
    assert browser.get("/m/points/").status_code == 302
    assert copied.get("/m/points/").status_code == 302


def test_a_session_ends_after_ninety_days(members: House, clock: list[timedelta]) -> None:
    browser = come()
    clock[0] = LASTS - timedelta(minutes=1)
    assert browser.get("/m/points/").status_code == 200
    clock[0] = LASTS
    assert browser.get("/m/points/").status_code == 302
    assert int(browser.cookies["member"]["max-age"]) == LASTS.total_seconds()
    assert browser.cookies["member"]["httponly"] and browser.cookies["member"]["samesite"] == "Lax"


def test_who_has_left_or_was_deleted_is_out_at_once(members: House) -> None:
    one, other = come(), come(OTHER_PHONE)
    program.leave(member(), TODAY)
    assert one.get("/m/points/").status_code == 302
    her = door.who_has(OTHER_PHONE)
    assert her
    erase(her, on=TODAY, why="test")
    assert other.get("/m/points/").status_code == 302
    assert OTHER_PHONE not in {str(o.to) for o in Outgoing.objects.all()}, (
        "no number of hers waits in the outbox"
    )


def test_two_who_were_merged_see_one_page(members: House) -> None:
    browser = come(OTHER_PHONE)
    one, other = door.who_has(PHONE), door.who_has(OTHER_PHONE)
    assert one and other
    daily.merge(one, other)
    assert browser.get("/m/points/").status_code == 200
    assert "<strong>1,005</strong>" in browser.get("/m/points/").content.decode()


def test_who_is_parted_again_has_her_own_page_and_not_the_others(members: House) -> None:
    """She signed in while she was taken for another, and went on reading that one's page when they were parted."""
    one, other = door.who_has(PHONE), door.who_has(OTHER_PHONE)
    assert one and other
    word = daily.merge(one, other)
    browser = come(OTHER_PHONE)
    assert door.who_has(OTHER_PHONE) == one
    daily.unmerge(word)
    her = member(OTHER_PHONE)
    shown = browser.get("/m/").content.decode()
    assert "验证码" in shown and her.customer_id == other.pk, "she proves once more who she is"
    for phone in (PHONE, OTHER_PHONE):
        number = member(phone).number
        home = come(phone).get("/m/").content.decode()
        assert f"{number[:4]} {number[4:8]}" in home and f"{number[:4]} {number[4:8]}" not in shown


def test_who_came_by_a_link_is_out_when_two_who_were_taken_for_one_are_parted(members: House) -> None:
    """Nobody had proved a phone: she whose file was joined by mistake went on reading the other one's page."""
    one, other = door.who_has(PHONE), door.who_has(OTHER_PHONE)
    assert one and other
    word = daily.merge(one, other)
    her_own = Client()
    assert her_own.post(scanned(members, OTHER_PHONE))["Location"] == "/m/"
    assert her_own.get("/m/points/").status_code == 200
    daily.unmerge(word)
    assert her_own.get("/m/points/").status_code == 302 and "验证码" in her_own.get("/m/").content.decode()


def test_a_form_without_its_secret_changes_nothing(members: House) -> None:
    browser = come()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies["member"] = browser.cookies["member"].value
    for address in (
        "login",
        "code",
        "join",
        "out",
        "me",
        "privacy/consent",
        "privacy/withdraw",
        "privacy/requests",
        "privacy/copy",
        "leave",
    ):
        assert strict.post(f"/m/{address}/", {"sure": "yes"}).status_code == 403, address
    assert member().left_on is None and not RightsRequest.objects.exists()


def test_her_page_shows_only_her_own_and_names_nobody_in_its_addresses(members: House) -> None:
    browser, other = come(), member(OTHER_PHONE)
    assert other.customer
    for address in PAGES:
        html = browser.get(address).content.decode()
        assert (
            other.number not in html.replace(" ", "") and other.code not in html and OTHER_PHONE not in html
        )
        for href in re.findall(r'(?:href|action)="(/m/[^"]*)"', html):
            assert not re.search(r"/\d+/", href), (address, href)
    for asked in (f"/m/points/?member={other.pk}", f"/m/visits/?customer={other.customer.pk}"):
        said, plain = (
            re.sub(r'value="[^"]{64}"|value="/m[^"]*"', "", browser.get(a).content.decode())
            for a in (asked, asked.split("?")[0])
        )
        assert said == plain
    assert browser.get(f"/m/{other.pk}/").status_code == 404


# --- by a link at the counter ----------------------------------------------------------------------------------------


def scanned(house: House, phone: str = PHONE) -> str:
    """The address in the code that staff show her."""
    her = door.who_has(phone)
    assert her
    secret = door.link_for(her, doors.clock(), by=house.staff["front-desk"])
    return f"/m/in/{secret}/"


def test_staff_show_a_code_and_she_is_in_by_one_tap(members: House) -> None:
    her = member().customer
    assert her
    desk = members.browser("owner")
    assert f"/customers/{her.pk}/member-code/" in desk.get(f"/customers/{her.pk}/").content.decode()
    assert not Knock.objects.exists(), "looking makes none"
    page = desk.post(f"/customers/{her.pk}/member-code/")
    assert b"<svg" in page.content and Knock.objects.get().customer == her
    phone, address = Client(), scanned(members)
    phone.get(address)
    assert phone.get(address).status_code == 200, "a chat program that looks at it uses it up for nobody"
    assert phone.post(address)["Location"] == "/m/"
    assert phone.get("/m/points/").status_code == 200
    assert AuditEvent.objects.filter(verb="show-login-code").count() == 2


def test_a_link_opens_once_for_ten_minutes_and_the_last_one_only(
    members: House, clock: list[timedelta]
) -> None:
    first = scanned(members)
    second = scanned(members)
    assert Client().post(first).status_code == 401, "a new one ends the old one"
    assert Client().post(second).status_code == 302
    assert Client().post(second).status_code == 401 and Client().get(second).status_code == 404
    third = scanned(members)
    clock[0] = timedelta(minutes=11)
    assert Client().get(third).status_code == 404 and Client().post(third).status_code == 401
    assert Client().post("/m/in/made-up/").status_code == 401


def test_a_code_for_a_phone_is_no_link_and_a_link_no_code(members: House) -> None:
    browser = Client()
    browser.post("/m/login/", {"phone": PHONE})
    assert Client().post(f"/m/in/{browser.cookies['knock'].value}/").status_code == 401
    other = Client()
    other.cookies["knock"] = scanned(members).split("/")[3]
    assert other.get("/m/code/")["Location"] == "/m/"
    assert other.get("/m/join/")["Location"] == "/m/"


# --- joining ---------------------------------------------------------------------------------------------------------


def prove(phone: str, browser: Client | None = None) -> Client:
    browser = browser or Client()
    browser.post("/m/login/", {"phone": phone})
    assert browser.post("/m/code/", {"code": sent_code()})["Location"] == "/m/join/"
    return browser


def test_a_customer_who_is_no_member_joins_and_says_what_she_agrees_to(members: House) -> None:
    browser = prove("13933229999")
    assert "消费得积分" in browser.get("/m/join/").content.decode()
    assert browser.post("/m/join/", {}).status_code == 422
    assert browser.post("/m/join/", {"agree": "yes", "name": "小周"})["Location"] == "/m/"
    her = member("13933229999").customer
    assert her and her.name == "小周" and Member.objects.get(customer=her).how == "page"
    assert consents.allowed(her, "profiling", "any", TODAY)
    assert not consents.allowed(her, "marketing", "sms", TODAY), "what she did not tick she did not agree to"
    assert browser.get("/m/points/").status_code == 200


def test_somebody_new_joins_with_her_phone_and_a_friends_word(members: House) -> None:
    friend, browser = member(), Client()
    assert "朋友请您来" in browser.get(f"/m/?from={friend.code.lower()}").content.decode()
    prove(UNKNOWN, browser)
    browser.post("/m/join/", {"agree": "yes", "marketing": "yes", "name": "新来的"})
    her = member(UNKNOWN).customer
    assert her and consents.allowed(her, "marketing", "sms", TODAY)
    brought = Referral.objects.get(friend=her)
    assert (
        brought.referrer == friend and brought.state == "waiting" and brought.device == member(UNKNOWN).device
    )


def test_a_phone_of_two_members_makes_no_third_one(members: House) -> None:
    """Husband and wife on one phone: it was offered to join once more, as somebody else."""
    row = {
        "订单号": "Z1",
        "消费时间": f"{TODAY} 12:00:00",
        "会员号": "M777",
        "手机号": PHONE,
        "实收金额": "58.00",
    }
    members.shop.take_in([row])
    daily.run_day(TODAY)
    before, browser = Member.objects.count(), Client()
    browser.post("/m/login/", {"phone": PHONE})
    assert browser.post("/m/code/", {"code": sent_code()})["Location"] == "/m/join/"
    assert "有几位会员在用" in browser.get("/m/join/").content.decode()
    browser.post("/m/join/", {"agree": "yes"})
    assert Member.objects.count() == before


def test_who_has_not_proved_her_phone_joins_nothing(members: House) -> None:
    before = Member.objects.count()
    browser = Client()
    browser.post("/m/login/", {"phone": UNKNOWN})
    assert browser.post("/m/join/", {"agree": "yes"})["Location"] == "/m/"
    assert Member.objects.count() == before and door.who_has(UNKNOWN) is None


def test_where_there_is_no_programme_nobody_joins(lived_in: House) -> None:
    browser = prove(UNKNOWN)
    page = browser.post("/m/join/", {"agree": "yes"})
    assert page.status_code == 200 and "还没开通" in page.content.decode()
    assert not Member.objects.exists()


def test_her_earlier_no_to_the_systems_grading_stays_when_she_joins(members: House) -> None:
    her = door.who_has("13933229999")
    assert her
    consents.refuse_automation(her, True, source="counter", on=TODAY)
    prove("13933229999").post("/m/join/", {"agree": "yes"})
    assert not consents.allowed(her, "profiling", "any", TODAY)
