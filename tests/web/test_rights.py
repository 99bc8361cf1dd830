"""Pages of consent and rights: one tap takes everything back, a copy is a file, settings hold, Today reminds."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import date, timedelta

import pytest
from django.apps import apps
from tests.web.conftest import TODAY, House

from regulars.customers import consents, rights
from regulars.customers.copying import NAMES_OF_STAFF
from regulars.customers.models import Customer, LegalHold, RequestState, RightsRequest
from regulars.customers.queries import details_of, find
from regulars.shop.custody import registered
from regulars.shop.models import AuditEvent, Business
from regulars.web.copied import COLUMNS, FOR_PROGRAMS
from regulars.web.rights import SECTIONS


@pytest.fixture
def her(lived_in: House) -> Customer:
    found = find("M000")
    assert found
    return found


def test_the_portrait_says_how_she_stands_and_one_tap_takes_it_back(lived_in: House, her: Customer) -> None:
    desk = lived_in.browser("front-desk")
    html = desk.get(f"/customers/{her.pk}/").content.decode()
    assert "店员关怀：可以；营销信息：不可以（没有同意过）" in html and "她全部撤回" in html
    assert desk.post(f"/customers/{her.pk}/consents/withdraw/").status_code == 302
    html = desk.get(f"/customers/{her.pk}/").content.decode()
    assert "店员关怀：不可以" in html and "她全部撤回" not in html and "谁都不再联系" in html


def test_a_word_of_hers_is_written_down_with_what_she_was_shown(lived_in: House, her: Customer) -> None:
    desk = lived_in.browser("front-desk")
    where = f"/customers/{her.pk}/consents/"
    said = {
        "purpose": "marketing",
        "granted": "yes",
        "channel": "sms",
        "source": "paper",
        "on": "2026-11-20",
        "until": "",
    }
    assert desk.post(where, said).status_code == 302
    html = desk.get(where).content.decode()
    assert "纸面签字" in html and "我同意接收本店的优惠和活动信息" in html and "营销信息：只可以短信" in html
    assert desk.post(where, {**said, "on": "2027-01-01"}).status_code == 422
    assert desk.post(where, {**said, "on": "soon"}).status_code == 422
    assert desk.post(where, {**said, "purpose": "sensitive:health"}).status_code == 422, "switched off"


def test_the_copy_is_one_file_to_read_and_to_compute_with(lived_in: House, her: Customer) -> None:
    service = lived_in.browser("service")
    answer = service.post(f"/customers/{her.pk}/rights/copy/")
    packed = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    assert sorted(packed.namelist()) == ["copy.css", "copy.html", "copy.json"]
    data = json.loads(packed.read("copy.json"))
    html = packed.read("copy.html").decode()
    assert data["made"]["by"] == ["客服", "Customer service"] and "service Li" not in html
    assert {"kind": "phone", "written": "13933220000"} in data["data"]["sales.Identity"]
    assert "13933220000" in html and "http" not in html and "13933220001" not in html
    assert (
        "-by-" in answer["Content-Disposition"]
        and AuditEvent.objects.filter(verb="copy-of-data").count() == 1
    )


def test_a_name_can_write_no_script_into_the_copy(lived_in: House, her: Customer) -> None:
    from regulars.customers.actions import say_detail

    say_detail(her, "name", "<script>alert(1)</script>")
    answer = lived_in.browser("service").post(f"/customers/{her.pk}/rights/copy/")
    packed = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    assert "<script>" not in packed.read("copy.html").decode()


def test_requests_stand_on_today_for_those_who_answer_them(lived_in: House, her: Customer) -> None:
    service, desk, owner = (lived_in.browser(r) for r in ("service", "front-desk", "owner"))
    rights.open_request(
        her, "copy", on=TODAY - timedelta(days=22), checked="known", by=lived_in.staff["service"]
    )
    assert "请求等着答复" in service.get("/").content.decode()
    assert "请求等着答复" not in desk.get("/").content.decode()
    assert "1 件已经过了期限" in owner.get("/rights/").content.decode()


def test_a_deletion_takes_two_and_can_be_called_off(lived_in: House, her: Customer) -> None:
    service, manager = lived_in.browser("service"), lived_in.browser("manager")
    where = f"/customers/{her.pk}/rights/"
    assert (
        service.post(where, {"kind": "deletion", "asked_by": "herself", "checked": "known"}).status_code
        == 302
    )
    request = RightsRequest.objects.get()
    result = f"/rights/{request.pk}/result/"
    assert "等另一位同事同意" in service.get(where).content.decode()
    service.post(result, {"how": "agree"})
    request.refresh_from_db()
    assert request.state == RequestState.OPEN
    manager.post(result, {"how": "agree"})
    request.refresh_from_db()
    assert (request.state, request.carried_out_on) == (RequestState.WAITING, TODAY + timedelta(days=7))
    service.post(result, {"how": "call-off"})
    request.refresh_from_db()
    assert request.state == RequestState.CALLED_OFF
    assert service.post(result, {"how": "agree"}).status_code == 302
    assert Customer.objects.filter(pk=her.pk).exists()


def test_a_correction_goes_into_the_file(lived_in: House, her: Customer) -> None:
    service = lived_in.browser("service")
    service.post(
        f"/customers/{her.pk}/rights/", {"kind": "correction", "asked_by": "herself", "checked": "number"}
    )
    request = RightsRequest.objects.get()
    service.post(f"/rights/{request.pk}/result/", {"how": "correct", "key": "address", "value": "新街 1 号"})
    request.refresh_from_db()
    assert request.state == RequestState.DONE and details_of(her)["address"] == "新街 1 号"
    page = service.get(f"/customers/{her.pk}/rights/").content.decode()
    assert "新街****" in page and "新街 1 号" not in page, (
        "masked like everywhere; in clear it stands in the file"
    )


def test_a_wrong_birthday_is_not_taken_for_a_correction(lived_in: House, her: Customer) -> None:
    service = lived_in.browser("service")
    request = rights.open_request(her, "correction", on=TODAY, checked="known", by=lived_in.staff["service"])
    service.post(f"/rights/{request.pk}/result/", {"how": "correct", "key": "birthday", "value": "someday"})
    request.refresh_from_db()
    assert request.state == RequestState.OPEN
    service.post(
        f"/rights/{request.pk}/result/", {"how": "correct", "key": "birthday", "value": "1990-05-06"}
    )
    her.refresh_from_db()
    assert her.birthday == "solar 1990-05-06"


def test_refusing_automated_decisions_is_one_tap_and_back(lived_in: House, her: Customer) -> None:
    service = lived_in.browser("service")
    where = f"/customers/{her.pk}/rights/automation/"
    service.post(where, {"refuses": "yes"})
    assert "只供人工参考" in service.get(f"/customers/{her.pk}/").content.decode()
    assert (
        "您已经拒绝由系统单独作决定"
        in service.get(f"/customers/{her.pk}/rights/explanation/").content.decode()
    )
    service.post(where, {"refuses": "no"})
    assert "只供人工参考" not in service.get(f"/customers/{her.pk}/").content.decode()


def test_privacy_settings_hold_and_refuse_nonsense(lived_in: House) -> None:
    owner = lived_in.browser("owner")
    good = {
        "sensitive": ["health", "nonsense"], "gift_cap": 200, "answer_days": 15, "erase_wait_days": 3,
        "keep_customers_months": 36, "keep_notes_months": 0, "keep_traces_months": 12,
    }  # fmt: skip
    assert owner.post("/settings/privacy/", {**good, "answer_days": "99"}).status_code == 422
    assert Business.objects.get().gift_cap_fen == 0
    assert owner.post("/settings/privacy/", good).status_code == 302
    business = Business.objects.get()
    assert (business.sensitive, business.gift_cap_fen, business.answer_days) == (["health"], 200_00, 15)
    assert AuditEvent.objects.filter(verb="change-privacy").count() == 1


def test_what_goes_next_month_is_shown_and_stopped_for_one(lived_in: House, her: Customer) -> None:
    owner = lived_in.browser("owner")
    assert "谁也不会被删" in owner.get("/settings/privacy/ahead/").content.decode()
    old = find("M090")
    assert old
    Customer.objects.filter(pk=old.pk).update(since_at="2020-01-01T00:00Z")
    Business.objects.update(keep_customers_months=1)
    html = owner.get("/settings/privacy/ahead/").content.decode()
    assert f"/customers/{old.pk}/" in html and f"/customers/{her.pk}/" not in html
    owner.post(f"/customers/{old.pk}/rights/keep/", {"why": "纠纷"})
    assert LegalHold.objects.get().customer == old
    assert "依法保留" in owner.get("/settings/privacy/ahead/").content.decode()


def test_the_api_takes_a_word_and_takes_it_back(lived_in: House, her: Customer) -> None:
    desk = lived_in.browser("front-desk")
    where = f"/api/v1/customers/{her.pk}/consents"
    said = {"purpose": "marketing", "granted": True, "channel": "sms", "source": "paper"}
    answer = desk.post(where, said, content_type="application/json").json()
    assert {"purpose": "marketing", "channel": "sms", "allowed": True} in [
        {k: a[k] for k in ("purpose", "channel", "allowed")} for a in answer["allowed"]
    ]
    assert answer["said"][0]["wording"]["en"].startswith("I agree")
    assert desk.post(where, {**said, "purpose": "gossip"}, content_type="application/json").status_code == 409
    assert desk.post(f"/api/v1/customers/{her.pk}/withdrawal").status_code == 200
    assert not consents.allowed(her, "marketing", "sms", date(2026, 11, 22))
    assert desk.get(where).json()["said"][0]["granted"] is False


def test_what_a_customer_reads_in_her_copy_are_words_and_not_names_of_fields(
    lived_in: House, her: Customer
) -> None:
    """Every field of every record that belongs in a copy has its word, or is said to be for programs only."""
    of_sales = {"written", "day", "at", "store", "kind", "amount", "currency", "receipt", "occasion", "lines"}
    fields = {
        field.name for label, line in registered().items() if line.copied and line.customer
        for field in apps.get_model(label)._meta.concrete_fields
    }  # fmt: skip
    assert not (fields | of_sales) - COLUMNS.keys() - FOR_PROGRAMS - NAMES_OF_STAFF
    assert not COLUMNS.keys() & FOR_PROGRAMS
    copied = {label for label, line in registered().items() if line.copied and line.customer}
    assert copied <= SECTIONS.keys(), "each kind of record has its heading"
    answer = lived_in.browser("service").post(f"/customers/{her.pk}/rights/copy/")
    html = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))).read("copy.html").decode()  # type: ignore[attr-defined]
    assert "一共消费" in html and "金额的单位是元" in html
    assert all(re.search("[\u4e00-\u9fff]", head) for head in re.findall(r"<th[^>]*>(.*?)</th>", html))


def test_a_correction_is_made_from_the_list_of_what_waits(lived_in: House, her: Customer) -> None:
    asked = rights.open_request(her, "correction", on=TODAY, checked="known", by=lived_in.staff["service"])
    browser = lived_in.browser("service")
    html = browser.get("/rights/").content.decode()
    assert 'value="correct"' in html and "改好并答复" in html
    browser.post(f"/rights/{asked.pk}/result/", {"how": "correct", "key": "name", "value": "周小姐"})
    asked.refresh_from_db()
    assert (
        asked.state == RequestState.DONE and "没有等着答复的请求" in browser.get("/rights/").content.decode()
    )
