"""The file at the counter: what stands on top, writing in place, the question of the day, attachments, the shop's own fields."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.web.conftest import TODAY, House, receipts

from regulars import daily
from regulars.care.models import DayPlan, Task
from regulars.customers import filing
from regulars.customers.file import (
    attachments_of,
    relatives_of,
    said_of,
    tags_of,
    visit_notes_of,
    warnings_of,
)
from regulars.customers.models import Attachment, Customer, Detail, Note, OwnField
from regulars.customers.own import keep_field
from regulars.customers.queries import find
from regulars.customers.rules.sheet import SHEET
from regulars.shop.actions import make_token
from regulars.shop.models import Reading

FIELDS = {f.key: f for f in SHEET}
PDF = b"%PDF-1.4 a contract"


def first() -> Customer:
    return Customer.objects.order_by("id")[0]


def said(customer: Customer, key: str) -> str:
    found = said_of([customer.pk])[customer.pk].get(key)
    return found.value if found else ""


def page(house: House, customer: Customer, role: str = "front-desk") -> str:
    return house.browser(role).get(f"/customers/{customer.pk}/").content.decode()


def test_an_allergy_stands_before_anything_else_for_whoever_serves(lived_in: House) -> None:
    her = first()
    filing.say_field(her, FIELDS["allergies"], "花生")
    html = page(lived_in, her)
    assert 0 < html.index("花生") < html.index("为什么是这一级")
    assert "warned-line allergy" in html
    assert "花生" not in page(lived_in, her, "analyst"), "who may not read the file reads nothing of it"


def test_a_style_comes_with_its_tip(lived_in: House) -> None:
    her = first()
    filing.say_field(her, FIELDS["interaction_style"], "bargaining")
    html = page(lived_in, her)
    assert "想砍价" in html and "先讲清楚值在哪里" in html


def test_a_part_of_the_file_is_written_in_place_and_only_what_changed(lived_in: House) -> None:
    her = first()
    desk = lived_in.browser("front-desk")
    where = f"/customers/{her.pk}/facts/"
    desk.post(
        where,
        {
            "taste": "hot",
            "seat": "",
            "allergies": "虾",
            "birthday": "农历八月十五",
            "address": "幸福路 12 号",
        },
    )
    assert (said(her, "taste"), said(her, "allergies"), said(her, "seat")) == ("hot", "虾", "")
    her.refresh_from_db()
    assert her.birthday == "lunar --08-15"
    n = Detail.objects.count()
    desk.post(where, {"taste": "hot", "allergies": "虾", "address": "", "birthday": "农历八月十五"})
    assert Detail.objects.count() == n, "nothing changed, so nothing is written"
    html = page(lived_in, her)
    assert "幸福路" not in html and "幸福****" in html
    desk.post(where, {"address": "-", "allergies": ""})
    assert said(her, "address") == "" and warnings_of([her.pk])[her.pk] == []


@pytest.mark.parametrize("bad", [{"taste": "咖啡"}, {"birthday": "改天"}, {"expected_deal_on": "明天"}])
def test_what_can_t_be_read_is_said_and_not_kept(lived_in: House, bad: dict[str, str]) -> None:
    her = first()
    n = Detail.objects.count()
    answer = lived_in.browser("front-desk").post(f"/customers/{her.pk}/facts/", bad, follow=True)
    assert Detail.objects.count() == n
    assert next(iter(bad.values())) in answer.content.decode()


def test_health_can_t_be_written_where_the_shop_doesn_t_keep_it(lived_in: House) -> None:
    her = first()
    lived_in.browser("owner").post(f"/customers/{her.pk}/facts/", {"skin_state": "干"})
    lived_in.browser("owner").post(
        f"/customers/{her.pk}/visits/", {"day": str(TODAY), "treatment": "激光", "feedback": "好"}
    )
    assert said(her, "skin_state") == "" and visit_notes_of(her)[0].treatment is None


def test_one_question_at_a_time_is_answered_in_one_tap_or_left_alone(lived_in: House) -> None:
    her, desk = first(), lived_in.browser("front-desk")
    asked = []
    for _ in range(30):
        html = page(lived_in, her)
        key = re.search(r'name="key" value="([a-z_]+)"', html)
        if key is None:
            break
        assert key[1] not in asked
        asked.append(key[1])
        value = re.search(r'class="ask-answers"><button[^>]* name="value" value="([^"]+)"', html)
        answer = {"value": value[1]} if value else {"declined": "1"}
        assert desk.post(f"/customers/{her.pk}/answers/", {"key": key[1], **answer}).status_code == 302
    assert {"allergies", "taste", "seat"} <= set(asked)
    assert "ask-words" not in page(lived_in, her)
    assert "declined:allergies" in set(Detail.objects.values_list("key", flat=True))


def test_an_answer_to_nothing_that_a_file_holds_is_not_found(lived_in: House) -> None:
    her = first()
    desk = lived_in.browser("front-desk")
    assert desk.post(f"/customers/{her.pk}/answers/", {"key": "password", "value": "x"}).status_code == 404
    assert desk.post(f"/customers/{her.pk}/answers/", {"key": "skin_state", "value": "x"}).status_code == 404


def test_who_is_met_today_comes_with_her_allergy_and_a_question(lived_in: House) -> None:
    her = first()
    Task.objects.all().delete()
    Task.objects.create(
        customer=her, rule="receive", occasion="test", playbook="restaurant", on=TODAY, due_on=TODAY, last_on=TODAY + timedelta(3),
        staff=lived_in.staff["front-desk"], channel="in-person", why=["今天会来", "comes today"], do=["迎一下", "receive her"], say=["您好", "hello"],
        name=["迎接", "Receive"],
    )  # fmt: skip
    filing.say_field(her, FIELDS["allergies"], "花生")
    DayPlan.objects.update(expected=[[her.pk, None, 7.0]])
    html = lived_in.browser("front-desk").get("/").content.decode()
    assert html.count("花生") == 2 and "ask-line" in html and "ask-fold" in html
    answer = lived_in.browser("front-desk").post(
        f"/customers/{her.pk}/answers/", {"key": "taste", "value": "hot"}, HTTP_REFERER="http://testserver/"
    )
    assert answer["Location"] == "/"


def test_today_asks_the_store_no_more_for_thirty_guests_than_for_three(house: House) -> None:
    house.shop.take_in(receipts(30))
    daily.run_day(TODAY)
    everybody = list(Customer.objects.values_list("id", flat=True))
    Task.objects.all().delete()
    desk = house.browser("front-desk")

    def count(n: int) -> int:
        DayPlan.objects.update(expected=[[c, None, 7.0] for c in everybody[:n]])
        desk.get("/")
        with CaptureQueriesContext(connection) as asked:
            desk.get("/")
        return len(asked)

    assert count(30) == count(3)


def test_people_around_her_are_kept_their_birthdays_seen_ahead_and_their_phones_masked(
    lived_in: House,
) -> None:
    her, desk = first(), lived_in.browser("front-desk")
    soon = TODAY + timedelta(10)
    desk.post(
        f"/customers/{her.pk}/people/",
        {
            "relation": "child",
            "name": "王小宝",
            "birthday": f"{soon:%m-%d}",
            "phone": "13912345699",
            "note": "爱吃虾滑",
        },
    )
    html = page(lived_in, her)
    assert "王小宝" in html and "接下来" in html and "139****5699" in html and "13912345699" not in html
    (one,) = relatives_of(her)
    shown = desk.post(
        f"/customers/{her.pk}/reveal/", {"what": f"relative-{one.pk}", "reason": "call"}, follow=True
    )
    assert Reading.objects.filter(what=f"relative-{one.pk}").exists() == (
        "13912345699" in shown.content.decode()
    )
    other = Customer.objects.order_by("id")[1]
    assert desk.post(f"/customers/{other.pk}/people/{one.pk}/end/").status_code == 404
    desk.post(f"/customers/{her.pk}/people/{one.pk}/end/")
    assert relatives_of(her) == []


def test_what_no_receipt_says_stands_beside_the_visit_of_that_day(lived_in: House) -> None:
    her, desk = first(), lived_in.browser("front-desk")
    day = TODAY - timedelta(1)
    desk.post(
        f"/customers/{her.pk}/visits/",
        {
            "day": str(day),
            "occasion": "birthday",
            "party_size": "8",
            "companions": "公婆",
            "seat": "包间三",
            "feedback": "汤咸",
        },
    )
    html = page(lived_in, her)
    assert "过生日 · 8 位 · 和公婆 · 坐包间三" in html and "汤咸" in html
    for wrong in (str(TODAY + timedelta(1)), "", "x"):
        desk.post(f"/customers/{her.pk}/visits/", {"day": wrong, "feedback": "x"})
    desk.post(f"/customers/{her.pk}/visits/", {"day": str(day)})
    assert len(visit_notes_of(her)) == 1, "no day to come, and nothing without a word"


def test_a_tag_finds_those_who_have_it_and_is_no_secret_way_to_names(lived_in: House) -> None:
    her, desk = first(), lived_in.browser("front-desk")
    desk.post(f"/customers/{her.pk}/tags/", {"name": "爱热闹"})
    (one,) = tags_of(her)
    html = desk.get(f"/customers/?tag={one.tag_id}").content.decode()
    assert re.findall(r'lead-link" href="/customers/(\d+)/"', html) == [str(her.pk)]
    analyst = lived_in.browser("analyst").get(f"/customers/?tag={one.tag_id}").content.decode()
    assert "爱热闹" not in analyst and len(re.findall(r'lead-link" href="/customers/(\d+)/"', analyst)) == 3
    desk.post(f"/customers/{her.pk}/tags/", {"off": one.tag_id})
    assert tags_of(her) == []


def test_an_attachment_is_saved_and_never_run(lived_in: House) -> None:
    her, desk = first(), lived_in.browser("front-desk")
    desk.post(f"/customers/{her.pk}/attachments/", {"file": SimpleUploadedFile('合同"\r\nX.html', PDF)})
    (one,) = attachments_of(her)
    where = f"/customers/{her.pk}/attachments/{one.pk}/"
    answer = desk.get(where)
    assert answer.content == PDF
    assert (
        answer["Content-Disposition"].startswith("attachment;")
        and answer["X-Content-Type-Options"] == "nosniff"
    )
    assert answer["Content-Type"] == "application/pdf" and "sandbox" in answer["Content-Security-Policy"]
    assert lived_in.browser("analyst").get(where).status_code == 403
    other = Customer.objects.order_by("id")[1]
    assert desk.get(f"/customers/{other.pk}/attachments/{one.pk}/").status_code == 404, (
        "under another's number it is not there"
    )
    desk.post(
        f"/customers/{her.pk}/attachments/", {"file": SimpleUploadedFile("a.png", b"<svg onload=alert(1)>")}
    )
    assert Attachment.objects.count() == 1
    desk.post(where + "end/")
    assert not Attachment.objects.exists()


def test_a_note_says_what_it_is_about_and_its_author_takes_it_back(lived_in: House) -> None:
    her, desk = first(), lived_in.browser("front-desk")
    desk.post(f"/customers/{her.pk}/notes/", {"note": "要儿童椅", "kind": "need"})
    note = Note.objects.get()
    assert "需求" in page(lived_in, her) and f"/notes/{note.pk}/end/" in page(lived_in, her)
    assert f"/notes/{note.pk}/end/" not in page(lived_in, her, "owner")
    assert lived_in.browser("owner").post(f"/customers/{her.pk}/notes/{note.pk}/end/").status_code == 404
    desk.post(f"/customers/{her.pk}/notes/{note.pk}/end/")
    assert "要儿童椅" not in page(lived_in, her) and Note.objects.get().taken_back_at


def test_another_phone_is_hers_and_somebody_else_s_is_said(lived_in: House) -> None:
    her, desk = first(), lived_in.browser("front-desk")
    desk.post(f"/customers/{her.pk}/phones/", {"phone": "137 0000 1111"})
    assert find("13700001111") == her
    answer = desk.post(f"/customers/{her.pk}/phones/", {"phone": "13933220001"}, follow=True)
    assert "已经是顾客" in answer.content.decode()


def test_the_shop_adds_a_field_that_stands_in_every_file_at_once(lived_in: House) -> None:
    owner, her = lived_in.browser("owner"), first()
    answer = owner.post(
        "/settings/fields/",
        {
            "name": "养宠物",
            "kind": "choice",
            "choices": "狗\n猫",
            "group": "own",
            "ask": "您家养猫还是养狗？",
            "stale_after_days": "365",
        },
    )
    assert answer.status_code == 302
    kept = OwnField.objects.get()
    assert f'name="{kept.key}"' in page(lived_in, her)
    lived_in.browser("front-desk").post(f"/customers/{her.pk}/facts/", {kept.key: "gou"})
    assert said(her, kept.key) == "gou" and Detail.objects.get(key=kept.key).plain == "gou"
    assert owner.post("/settings/fields/", {"name": "养宠物", "kind": "text"}).status_code == 422
    owner.post(f"/settings/fields/{kept.pk}/end/")
    assert f'name="{kept.key}"' not in page(lived_in, her)


def test_the_api_tells_the_file_to_those_who_may_read_it_without_what_is_masked(lived_in: House) -> None:
    her = first()
    filing.say_field(her, FIELDS["taste"], "hot")
    filing.say_field(her, FIELDS["address"], "幸福路 12 号")
    filing.add_relative(her, "child", "小宝", phone="13912345699")
    filing.put_tag(her, "爱热闹")

    def asked(role: str) -> dict[str, object]:
        key = make_token(lived_in.staff[role], "x")[1]
        answer = lived_in.browser(None).get(
            f"/api/v1/customers/{her.pk}", headers={"Authorization": f"Bearer {key}"}
        )
        assert "幸福" not in answer.content.decode() and "5699" not in answer.content.decode()
        return answer.json()

    file = asked("front-desk")["file"]
    assert isinstance(file, dict)
    assert (
        [f["key"] for f in file["fields"]] == ["taste"]
        and file["tags"] == ["爱热闹"]
        and file["people"][0]["name"] == "小宝"
    )
    assert file["known"] < file["wanted"] and file["ask"]
    assert asked("analyst")["file"] is None


def test_a_field_that_the_shop_added_is_no_word_of_another_shop(house: House) -> None:
    keep_field("养宠物", "yes-no")
    house.shop.empty()
    from regulars.playbooks.catalogue import catalogue

    assert catalogue.find("own_yang_chong_wu") is None


def test_every_form_on_her_page_has_the_fields_that_its_address_reads(lived_in: House) -> None:
    """A browser sends the names that stand in the page, so it is the page that is asked for them."""
    html = page(lived_in, first())
    forms = re.findall(r'<form[^>]*action="(/customers/\d+/(\w+)/)"[^>]*>(.*?)</form>', html, re.DOTALL)
    names = {
        address: set(re.findall(r"\bname=([^\s>]+)", body))
        for _, address, body in forms
        if address != "charge"
    }
    assert {'"relation"', '"name"', '"birthday"', '"phone"', '"note"'} <= names["people"]
    assert {'"day"', '"occasion"', '"party_size"', '"companions"', '"seat"', '"feedback"'} <= names["visits"]
    assert all(re.fullmatch(r'"\w+"', name) for found in names.values() for name in found)
    ids = re.findall(r'<(?:input|select|textarea)[^>]* id="(field-[^"]+)"', html)
    assert len(ids) == len(set(ids)), "a label belongs to one field"
