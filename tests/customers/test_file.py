"""The file of a customer: what is said and when, what it lacks, people, tags, attachments, the shop's own fields."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.shops import Shop
from tests.stories.test_nothing_in_clear import everything_stored

from regulars.customers import filing, own
from regulars.customers.actions import AlreadyKnown, add_customer, add_note, merge, say_detail, unmerge
from regulars.customers.file import (
    attachments_of,
    fullness,
    missing_of,
    notes_standing,
    relatives_of,
    said_of,
    sheet,
    tags_of,
    visit_notes_of,
    warnings_of,
)
from regulars.customers.models import Customer, Detail, Note, Tagged
from regulars.customers.queries import find
from regulars.customers.rules.completeness import LEFT_ALONE_DAYS
from regulars.customers.rules.sheet import GROUPS, SHEET, STYLES, tip_of
from regulars.grading.queries import portrait
from regulars.playbooks.catalogue import catalogue
from regulars.playbooks.check import check
from regulars.playbooks.playbook import library, load
from regulars.shop import vault
from regulars.shop.actions import add_staff
from regulars.shop.models import AuditEvent, Business
from regulars.shop.words import Refused

ON = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + b"secret pixels" * 9
FIELDS = {f.key: f for f in SHEET}


@pytest.fixture(autouse=True)
def stamped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said is stamped with this instant."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def her(shop: Shop) -> Customer:
    return add_customer(name="王芳", phone="13912345601")


def business() -> Business:
    return Business.objects.get()


def aged(customer: Customer, key: str, days: int) -> None:
    Detail.objects.filter(customer=customer, key=key).update(said_at=NOW - timedelta(days))


# --- the sheet -------------------------------------------------------------------------------------------------------


def test_each_field_has_its_part_and_each_style_its_tip() -> None:
    assert {f.group for f in SHEET} <= set(GROUPS)
    assert len({f.key for f in SHEET}) == len(SHEET)
    assert len(STYLES) == 10
    assert all(tip_of("interaction_style", key) for key in STYLES)
    for one in SHEET:
        assert one.name.zh and one.name.en
        assert (catalogue.find(one.key) is not None) == one.is_plain, one.key
        assert not (one.is_plain and one.kind in ("text", "long")), f"{one.key}: own words are sealed"


def test_what_a_customer_says_in_her_own_words_is_sealed_and_a_choice_is_a_fact(
    shop: Shop, her: Customer
) -> None:
    filing.say_field(her, FIELDS["allergies"], "花生，碰一点都不行")
    filing.say_field(her, FIELDS["taste"], "够辣")
    filing.add_relative(her, "child", "王小宝", birthday="2019-06-01", phone="13912345699", note="爱吃虾滑")
    filing.note_visit(her, ON, companions="婆婆", seat="包间三", feedback="空调太冷")
    filing.attach_file(her, "体检单.png", PNG, on=ON)
    stored = everything_stored(shop)
    for secret in (
        "花生",
        "王小宝",
        "2019-06-01",
        "13912345699",
        "虾滑",
        "婆婆",
        "包间三",
        "空调太冷",
        "体检单",
        "secret pixels",
    ):
        assert secret.encode() not in stored, secret
    assert said_of([her.pk])[her.pk]["allergies"].value == "花生，碰一点都不行"
    assert Detail.objects.get(key="taste").plain == "hot"
    assert [text for _, text in warnings_of([her.pk])[her.pk]] == ["花生，碰一点都不行"]


def test_a_field_that_can_t_be_read_is_refused(her: Customer) -> None:
    for key, text in (("taste", "咖啡"), ("credit_limit", "很多"), ("company_revised_on", "昨天")):
        with pytest.raises(Refused):
            filing.say_field(her, FIELDS[key], text)
    assert not Detail.objects.filter(key__in=("taste", "credit_limit", "company_revised_on")).exists()


def test_health_stays_off_until_the_shop_keeps_it(shop: Shop) -> None:
    Business.objects.update(trade="clinic")
    shown = business()
    assert "skin_state" not in {f.key for f in sheet(shown)}
    shown.sensitive = ["health"]  # type: ignore[attr-defined]
    assert "skin_state" in {f.key for f in sheet(shown)}
    analyst = add_staff(name="数据", email="a@example.com", role="analyst", password=None)
    assert "skin_state" not in {f.key for f in sheet(shown, analyst)}


# --- completeness ----------------------------------------------------------------------------------------------------


def test_first_is_asked_what_a_grade_needs_then_care_then_what_the_trade_likes_to_know(her: Customer) -> None:
    asked = missing_of(her, business(), ON, for_grade=["occupation"], for_care=["seat"])
    assert [(x.field.key, x.why) for x in asked.lacks[:3]] == [
        ("occupation", "grade"),
        ("seat", "care"),
        ("allergies", "sheet"),
    ]
    filing.say_field(her, filing_field("occupation"), "老师")
    later = missing_of(her, business(), ON, for_grade=["occupation"], for_care=["seat"])
    assert later.known == asked.known + 1 and later.wanted == asked.wanted
    question = later.next_question()
    assert question and question.field.key == "seat"


def filing_field(key: str):  # type: ignore[no-untyped-def]
    return next(f for f in sheet(business()) if f.key == key)


def test_what_was_said_long_ago_is_asked_again_and_saying_it_once_more_settles_it(her: Customer) -> None:
    filing.say_field(her, FIELDS["taste"], "清淡")
    assert "taste" not in {x.field.key for x in missing_of(her, business(), ON).lacks}
    aged(her, "taste", 366)
    (stale,) = [x for x in missing_of(her, business(), ON).lacks if x.field.key == "taste"]
    assert stale.is_stale and stale.was == "light"
    filing.say_field(her, FIELDS["taste"], "清淡")
    assert "taste" not in {x.field.key for x in missing_of(her, business(), ON).lacks}


def test_who_would_rather_not_say_is_left_alone_for_half_a_year(her: Customer) -> None:
    filing.decline(her, FIELDS["allergies"], on=ON)
    assert "allergies" not in {
        x.field.key for x in missing_of(her, business(), ON + timedelta(LEFT_ALONE_DAYS)).lacks
    }
    assert "allergies" in {
        x.field.key for x in missing_of(her, business(), ON + timedelta(LEFT_ALONE_DAYS + 1)).lacks
    }


def test_what_was_taken_back_is_unknown_again(her: Customer) -> None:
    filing.say_field(her, FIELDS["allergies"], "虾")
    filing.say_field(her, FIELDS["allergies"], "")
    assert warnings_of([her.pk])[her.pk] == []
    assert "allergies" in {x.field.key for x in missing_of(her, business(), ON).lacks}


def test_companies_are_asked_about_the_company(shop: Shop) -> None:
    Business.objects.update(trade="wholesale")
    firm = add_customer(name="大发商行", phone="13912345602", is_company=True)
    asked = {x.field.key for x in missing_of(firm, business(), ON).lacks}
    assert {"company_revised_on", "competitors", "growth"} <= asked and "taste" not in asked
    filing.say_field(firm, FIELDS["company_revised_on"], ON.isoformat())
    aged(firm, "company_revised_on", 366)
    (again,) = [x for x in missing_of(firm, business(), ON).lacks if x.field.key == "company_revised_on"]
    assert again.is_stale


def test_the_questions_of_a_day_cost_the_same_for_two_customers_and_for_forty(shop: Shop) -> None:
    people = [add_customer(name=f"客{n}", phone=f"139123457{n:02}") for n in range(40)]
    say_detail(people[0], "taste", "hot")

    def count(few: list[Customer]) -> int:
        with CaptureQueriesContext(connection) as asked:
            fullness(few, business(), ON)
        return len(asked)

    assert count(people[:2]) == count(people) <= 6


# --- merging ---------------------------------------------------------------------------------------------------------


def test_all_of_a_file_is_read_through_merging_and_parted_again_by_unmerging(
    shop: Shop, her: Customer
) -> None:
    other = add_customer(name="王芳", phone="13912345603")
    filing.add_relative(other, "spouse", "老李")
    filing.note_visit(other, ON, occasion="birthday")
    filing.put_tag(other, "爱拍照")
    filing.put_tag(her, "爱拍照")
    filing.attach_file(other, "a.png", PNG, on=ON)
    filing.say_field(other, FIELDS["allergies"], "芒果")
    batch = merge(her, other)
    her.refresh_from_db()
    other.refresh_from_db()
    stays = Customer.objects.get(pk=her.merged_into_id or her.pk)
    assert [r.name for r in relatives_of(stays)] == ["老李"]
    assert len(visit_notes_of(stays)) == len(tags_of(stays)) == len(attachments_of(stays)) == 1
    assert warnings_of([stays.pk])[stays.pk][0][1] == "芒果"
    unmerge(batch)
    assert relatives_of(her) == [] and len(relatives_of(other)) == 1
    assert len(tags_of(her)) == len(tags_of(other)) == 1
    assert warnings_of([her.pk])[her.pk] == []


def test_of_whom_something_is_written_an_undone_import_lets_nothing_go(shop: Shop) -> None:
    from regulars import daily

    taken = shop.take_in(
        [{"会员号": "M1", "手机号": "13912345610", "消费时间": "2026-05-01 12:00", "实收金额": "9"}]
    )
    her = find("M1")
    assert her
    filing.put_tag(her, "常客")
    daily.undo(taken.batch)
    her.refresh_from_db()
    assert her.is_gone and Tagged.objects.get().customer_id == her.pk


# --- people, notes, tags, attachments --------------------------------------------------------------------------------


def test_a_second_phone_makes_her_known_by_it_and_somebody_else_s_is_refused(her: Customer) -> None:
    filing.add_phone(her, "13912345688")
    assert find("13912345688") == her
    filing.add_phone(her, "13912345688")
    add_customer(name="别人", phone="13912345677")
    with pytest.raises(AlreadyKnown):
        filing.add_phone(her, "13912345677")


def test_a_note_is_taken_back_by_its_author_on_the_day_and_stays_on_record(her: Customer) -> None:
    one, two = (
        add_staff(name=n, email=f"{n}@example.com", role="front-desk", password=None) for n in ("a", "b")
    )
    note = add_note(her, "要靠窗", on=ON, by=one, kind="need")
    assert not filing.take_back_note(her, note.pk, on=ON, by=two)
    assert not filing.take_back_note(her, note.pk, on=ON + timedelta(1), by=one)
    assert filing.take_back_note(her, note.pk, on=ON, by=one)
    assert notes_standing(her) == [] and Note.objects.get().kind == "need"


def test_a_tag_goes_on_once_and_who_took_it_off_is_kept(her: Customer) -> None:
    filing.put_tag(her, "爱热闹")
    filing.put_tag(her, " 爱热闹 ")
    (one,) = tags_of(her)
    filing.take_off_tag(her, one.tag_id)
    assert tags_of(her) == [] and Tagged.objects.get().off_at
    filing.put_tag(her, "爱热闹")
    assert len(tags_of(her)) == 1


def test_attachments_are_told_by_their_bytes_never_expire_and_go_for_good(shop: Shop, her: Customer) -> None:
    for bad in (b"<html><script>", b"PK\x03\x04", b"GIF89a"):
        with pytest.raises(Refused):
            filing.attach_file(her, "picture.png", bad, on=ON)
    with pytest.raises(Refused):
        filing.attach_file(her, "big.png", PNG + bytes(5 * 1024 * 1024), on=ON)
    kept = filing.attach_file(her, "../../etc/合同.exe", PNG, on=ON)
    assert str(kept.name) == "合同.png"
    vault.sweep(now=NOW.timestamp() + 400 * 86400)
    assert vault.get_bytes(kept.vault_name) == PNG
    name = kept.vault_name
    filing.remove_attachment(kept)
    assert attachments_of(her) == []
    if connection.in_atomic_block:  # the test's own transaction: what waits for its end is done by hand
        for _, after, _ in connection.run_on_commit:
            after()
    assert vault.get_bytes(name) is None


def test_audit_lines_of_the_file_name_no_words(shop: Shop, her: Customer) -> None:
    filing.add_relative(her, "child", "王小宝", phone="13912345699")
    filing.note_visit(her, ON, companions="婆婆")
    filing.attach_file(her, "体检单.png", PNG, on=ON)
    said = " ".join(f"{e.verb} {e.subject} {e.why} {e.detail}" for e in AuditEvent.objects.all())
    assert not [w for w in ("王小宝", "婆婆", "体检单", "13912345699") if w in said]


# --- the shop's own fields -------------------------------------------------------------------------------------------

PLAYBOOK = """
key = "pets"
version = 1
name = { zh = "养宠物的", en = "Pet owners" }
about = { zh = "先看养不养。", en = "Who has a pet." }
[[scale]]
key = "main"
name = { zh = "等级", en = "Grade" }
because = { zh = "店里有狗。", en = "The shop has a dog." }
[[scale.grade]]
key = "a"
name = { zh = "养狗", en = "Dog" }
because = { zh = "给狗留碗水。", en = "A bowl for the dog." }
[[scale.grade.way]]
all = ['own_yang_chong_wu = "gou"']
[[scale.grade]]
key = "b"
name = { zh = "其余", en = "Others" }
because = { zh = "其余的。", en = "Everybody else." }
[[example]]
name = { zh = "养狗的王姐", en = "Ms Wang with a dog" }
facts = { own_yang_chong_wu = "gou" }
grade = "a"
[[example]]
name = { zh = "养猫的老李", en = "Mr Li with a cat" }
facts = { own_yang_chong_wu = "mao" }
grade = "b"
"""


def test_a_field_of_the_shop_s_own_is_a_fact_for_playbooks_imports_and_questions(
    shop: Shop, tmp_path: Path
) -> None:
    file = tmp_path / "pets.toml"
    file.write_text(PLAYBOOK, "utf-8")
    assert any("own_yang_chong_wu" in str(p.words) for p in check(file)), "nobody knows the word yet"
    kept = own.keep_field("养宠物", "choice", choices="狗\n猫", ask="您家养猫还是养狗？", name_en="")
    assert kept.key == "own_yang_chong_wu"
    assert check(file) == []
    shop.take_in(
        [
            {"会员号": "M1", "养宠物": "狗", "手机号": "13912345610"},
            {"会员号": "M2", "养宠物": "", "手机号": "13912345611"},
        ]
    )
    one, two = find("M1"), find("M2")
    assert one and two
    assert said_of([one.pk])[one.pk][kept.key].value == "gou"
    from regulars.grading.actions import InForce

    book = load(str(file))
    graded = [portrait(c, ON, [InForce(None, book)]).grades[0].grade for c in (one, two)]  # type: ignore[arg-type]
    assert graded == ["a", "b"]
    assert kept.key in {x.field.key for x in missing_of(two, business(), ON).lacks}
    own.switch_field(kept, False)
    assert kept.key not in {x.field.key for x in missing_of(two, business(), ON).lacks}
    assert check(file) == [], "a playbook that uses it still reads"


def test_what_is_said_in_own_words_is_no_fact(shop: Shop, her: Customer) -> None:
    kept = own.keep_field("最爱的歌", "text")
    assert catalogue.find(kept.key) is None
    filing.say_field(her, filing_field(kept.key), "月亮代表我的心")
    assert Detail.objects.get(key=kept.key).plain == ""
    assert said_of([her.pk])[her.pk][kept.key].value == "月亮代表我的心"


def test_a_field_needs_a_name_of_its_own_and_something_to_choose(shop: Shop) -> None:
    own.keep_field("养宠物", "yes-no")
    for name, kind, choices in (
        ("", "text", ""),
        ("养宠物", "text", ""),
        ("口味", "text", ""),
        ("颜色", "choice", "红"),
        ("x", "?", ""),
    ):
        with pytest.raises(Refused):
            own.keep_field(name, kind, choices=choices)


def test_what_the_catalogue_lists_is_the_same_in_every_shop(shop: Shop) -> None:
    before = [f.key for f in catalogue]
    own.keep_field("养宠物", "yes-no")
    assert [f.key for f in catalogue] == before
    assert library()
