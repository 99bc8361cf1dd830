"""Grades and playbooks: who carries the shop, own numbers that show first who would move, versions; settings."""

from __future__ import annotations

import re

import pytest
from tests.web.conftest import PASSWORD, House

from regulars.grading.actions import in_force
from regulars.grading.models import Adoption, Standing
from regulars.shop.actions import set_password
from regulars.shop.models import Business, Job, Staff, Store

A_SPEND = "main.a.1.spend_in_30_days"


def test_the_page_says_who_carries_the_shop(lived_in: House) -> None:
    page = lived_in.browser("analyst").get("/grades/").content.decode()
    assert "营业额" in page and "餐厅三级" in page


def test_before_the_first_file_the_page_says_what_to_do(house: House) -> None:
    assert "导入销售" in house.browser("owner").get("/grades/").content.decode()


def test_numbers_show_first_who_would_move_and_count_when_adopted(lived_in: House) -> None:
    owner = lived_in.browser("owner")
    page = owner.get("/playbooks/restaurant/").content.decode()
    assert A_SPEND in page and "念给大家听" in page
    assert Standing.objects.filter(grade="a").count() == 2
    changed = {"main.a.1.visits_in_30_days": "20", "main.a.1.weeks_in_a_row": "30"}
    preview = owner.post("/playbooks/restaurant/", changed).content.decode()
    assert "2 位顾客会换等级" in preview
    assert Adoption.objects.count() == 1, "nothing is adopted by looking"
    owner.post("/playbooks/restaurant/adoption/", changed)
    assert in_force()[0].playbook.version == "1+1"
    assert Job.objects.get().kind == "day"
    (job,) = lived_in.work()
    assert job.error == []
    assert not Standing.objects.filter(grade="a").exists()
    newest = Adoption.objects.latest("id")
    owner.post(f"/adoptions/{newest.pk}/end/")
    assert in_force()[0].playbook.version == "1"


@pytest.mark.parametrize("wrong", ["viel", "-1", "1e99", ""])
def test_a_number_out_of_bounds_is_said_beside_it(lived_in: House, wrong: str) -> None:
    answer = lived_in.browser("owner").post("/playbooks/restaurant/", {A_SPEND: wrong})
    assert answer.status_code == 422
    assert "wrong-text" in answer.content.decode()


def test_only_managers_change_numbers_and_one_playbook_always_stays(lived_in: House) -> None:
    assert lived_in.browser("front-desk").post("/playbooks/restaurant/", {A_SPEND: "1"}).status_code == 403
    lived_in.browser("owner").post(f"/adoptions/{Adoption.objects.get().pk}/end/")
    assert in_force()[0].playbook.key == "restaurant"


def test_a_second_playbook_grades_beside_the_first(lived_in: House) -> None:
    owner = lived_in.browser("owner")
    owner.post("/playbooks/rfm/adoption/", {"beside": "1"})
    assert [h.playbook.key for h in in_force()] == ["restaurant", "rfm"]
    lived_in.work()
    assert "RFM" in owner.get("/grades/?playbook=rfm").content.decode()
    owner.post("/playbooks/rfm/end/")
    assert [h.playbook.key for h in in_force()] == ["restaurant"]


@pytest.mark.parametrize("key", ["no-such", "..", "restaurant.toml"])
def test_there_is_no_page_for_a_playbook_that_does_not_ship(house: House, key: str) -> None:
    assert house.browser("owner").get(f"/playbooks/{key}/").status_code == 404


# --- settings --------------------------------------------------------------------------------------------------------


def test_a_colleague_gets_a_first_password_that_is_shown_once(house: House) -> None:
    owner = house.browser("owner")
    page = owner.post(
        "/settings/staff/", {"name": "小赵", "email": "zhao@example.com", "role": "front-desk", "store": ""}
    ).content.decode()
    staff = Staff.objects.get(email="zhao@example.com")
    shown = [w for w in page.replace("，", " ").split() if w.count("-") == 2 and staff.check_password(w)]
    assert shown
    assert shown[0] not in owner.get("/settings/staff/").content.decode()


def test_a_manager_makes_no_owners_and_leaves_the_owner_alone(house: House) -> None:
    manager = house.browser("manager")
    assert (
        manager.post("/settings/staff/", {"name": "x", "email": "x@example.com", "role": "owner"}).status_code
        == 422
    )
    assert manager.post(f"/settings/staff/{house.staff['owner'].pk}/password/").status_code == 403
    manager.post(
        f"/settings/staff/{house.staff['service'].pk}/", {"name": "x", "role": "owner", "minutes_a_day": "5"}
    )
    assert Staff.objects.filter(role="owner").count() == 1


def test_who_leaves_can_not_sign_in_and_the_last_owner_stays(house: House) -> None:
    owner, service = house.browser("owner"), house.staff["service"]
    set_password(service, PASSWORD)
    owner.post(f"/settings/staff/{service.pk}/leave/")
    assert (
        house.browser(None).post("/login/", {"email": service.email, "password": PASSWORD}).status_code == 401
    )
    assert owner.post(f"/settings/staff/{house.staff['owner'].pk}/leave/").status_code == 422
    assert Staff.objects.get(pk=house.staff["owner"].pk).is_active


def test_my_own_password_asks_for_the_old_one(house: House) -> None:
    set_password(house.staff["service"], PASSWORD)
    browser = house.browser("service")
    assert (
        browser.post("/settings/password/", {"old": "wrong", "password": "another long one"}).status_code
        == 422
    )
    assert (
        browser.post("/settings/password/", {"old": PASSWORD, "password": "another long one"}).status_code
        == 302
    )
    assert browser.get("/").status_code == 200, "the session on which it was changed goes on"


def test_business_and_stores_can_be_changed_within_reason(house: House) -> None:
    owner = house.browser("owner")
    good = {
        "name": "新地方",
        "voice": "新地方的小李",
        "currency": "CNY",
        "time_zone": "Asia/Shanghai",
        "day_ends_at": "4",
    }
    assert owner.post("/settings/business/", good).status_code == 302
    assert Business.objects.get().day_ends_at == 4
    for wrong in ({"name": ""}, {"day_ends_at": "25"}, {"time_zone": "Moon/Base"}, {"currency": "ABC"}):
        assert owner.post("/settings/business/", {**good, **wrong}).status_code == 422
    assert owner.post("/settings/stores/", {"name": "西店"}).status_code == 302
    assert owner.post("/settings/stores/", {"name": "西店"}).status_code == 422
    for store in Store.objects.all():
        owner.post(f"/settings/stores/{store.pk}/", {"name": store.name})
    assert Store.objects.filter(is_open=True).count() == 1, "one stays open"


def test_phones_get_a_code_when_the_shop_is_served_to_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = house.browser("owner")
    assert "serve --lan" in owner.get("/settings/phones/").content.decode()
    monkeypatch.setenv("REGULARS_ADDRESSES", "https://localhost:8000/ https://192.168.1.20:8000/")
    page = owner.get("/settings/phones/").content.decode()
    assert "https://192.168.1.20:8000/" in page and "qr-code" in page


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_of_an_empty_shop_says_the_next_step(house: House, lang: str) -> None:
    owner = house.browser("owner")
    owner.post("/lang/", {"language": lang})
    for where in ("/", "/customers/", "/grades/", "/sales/", "/receipts/"):
        answer = owner.get(where)
        assert answer.status_code == 200
        assert 'class="empty' in answer.content.decode(), where


def test_a_key_for_a_program_is_shown_once_and_opens_nothing_after_its_end(house: House) -> None:
    owner, nobody = house.browser("owner"), house.browser(None)
    assert owner.post("/settings/keys/", {"name": " "}).status_code == 422
    page = owner.post("/settings/keys/", {"name": "周报"}).content.decode()
    key = re.search(r"regulars-[\w-]{40,}", page)
    assert key and key[0] not in owner.get("/settings/keys/").content.decode()
    reads = {"HTTP_AUTHORIZATION": f"Bearer {key[0]}"}
    assert nobody.get("/api/v1/freshness", **reads).status_code == 200
    listed = owner.get("/settings/keys/").content.decode()
    assert "周报" in listed and "还没用过" not in listed
    end = re.search(r"/settings/keys/\d+/end/", listed)
    assert end and house.browser("manager").post(end[0]).status_code == 403, (
        "the owner's keys are the owner's"
    )
    assert owner.post(end[0]).status_code == 302
    assert nobody.get("/api/v1/freshness", **reads).status_code == 401
