"""Customers: lists that page by place, search, the portrait, what staff write down."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.web.conftest import TODAY, House, receipts

from regulars import daily
from regulars.customers.models import Customer, Note
from regulars.customers.queries import details_of, find
from regulars.sales.models import BatchState, Sale
from regulars.shop.models import AuditEvent, Hold, Store
from regulars.web import customers


def names(html: str) -> list[str]:
    return re.findall(r'class="lead-link" href="/customers/\d+/">([^<]+)<', html)


def first() -> Customer:
    found = Customer.objects.order_by("id").first()
    assert found
    return found


def test_a_list_pages_forth_and_back_without_losing_anybody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customers, "A_PAGE", 4)
    house.shop.take_in(receipts(10, visits=2))
    daily.run_day(TODAY)
    owner = house.browser("owner")
    for order in ("", "?show=newest"):
        where, seen, pages = f"/customers/{order}", [], []
        while where:
            html = owner.get(where).content.decode()
            pages.append(names(html))
            seen += names(html)
            older = re.search(r'class="button quiet" href="([^"]*after[^"]*)"', html)
            where = "/customers/" + older[1].replace("&amp;", "&") if older else ""
        assert sorted(seen) == sorted({f"M{c:03}" for c in range(10)})
        assert [len(p) for p in pages] == [4, 4, 2]
        newer = re.search(r'href="([^"]*before[^"]*)"', html)
        assert newer
        assert names(owner.get("/customers/" + newer[1].replace("&amp;", "&")).content.decode()) == pages[1]


def test_overdue_means_overdue_by_the_playbook(lived_in: House) -> None:
    page = lived_in.browser("owner").get("/customers/?show=late").content.decode()
    assert names(page) == ["M090"]


def test_queries_do_not_grow_with_customers(house: House) -> None:
    owner = house.browser("owner")

    def count(where: str) -> int:
        owner.get(where)
        with CaptureQueriesContext(connection) as asked:
            owner.get(where)
        return len(asked)

    pages = (
        "/customers/",
        "/customers/?show=newest",
        "/customers/?q=M0",
        "/grades/",
        "/sales/",
        "/receipts/",
        "/settings/staff/",
    )
    house.shop.take_in(receipts(3))
    daily.run_day(TODAY)
    few = {page: count(page) for page in pages}
    house.shop.take_in(receipts(30, start=3))
    daily.run_day(TODAY)
    assert {page: count(page) for page in pages} == few


def test_queries_do_not_grow_with_her_visits(house: House) -> None:
    house.shop.take_in([*receipts(1, visits=3), *receipts(1, visits=40, start=1)])
    daily.run_day(TODAY)
    owner = house.browser("owner")
    few, many = (c.pk for c in Customer.objects.order_by("portrait__visits"))
    counts = []
    for number in (few, few, many):
        with CaptureQueriesContext(connection) as asked:
            owner.get(f"/customers/{number}/")
        counts.append(len(asked))
    assert counts[1] == counts[2]


def test_she_is_found_by_tail_name_sound_and_number(lived_in: House) -> None:
    desk = lived_in.browser("front-desk")
    number = int(
        re.findall(
            r"\d+", desk.post("/customers/new/", {"name": "曾小单", "phone": "13933228866"})["Location"]
        )[0]
    )
    for text in ("8866", "曾小单", "zengxiaodan", "zxd", "13933228866"):
        assert desk.get("/customers/", {"q": text})["Location"] == f"/customers/{number}/", text
        assert f"/customers/{number}/" in desk.get("/customers/suggestions/", {"q": text}).content.decode()
    assert "没找到" in desk.get("/customers/?q=nobody").content.decode()


@pytest.mark.parametrize("filled", [{}, {"phone": "123"}, {"member": "M000"}])
def test_nobody_is_written_in_without_a_name_or_twice(lived_in: House, filled: dict[str, str]) -> None:
    before = Customer.objects.count()
    assert lived_in.browser("front-desk").post("/customers/new/", filled).status_code == 422
    assert Customer.objects.count() == before


def test_whose_number_it_is_is_one_tap_away(lived_in: House) -> None:
    customer = find("M000")
    assert customer
    page = lived_in.browser("front-desk").post("/customers/new/", {"member": "M000"}).content.decode()
    assert "这个号码已经是顾客" in page and f'href="/customers/{customer.pk}/"' in page


def test_her_portrait_says_how_she_comes(lived_in: House) -> None:
    away = Customer.objects.get(
        founder__link__isnull=False, portrait__last_visit_on=TODAY - timedelta(days=40)
    )
    page = lived_in.browser("service").get(f"/customers/{away.pk}/").content.decode()
    assert "平常一周来一次，这次已经 39 天没来" in page, "judged on the day that the data reach"
    assert "该来没来" in page and "为什么是这一级" in page


def test_notes_facts_sales_and_peace_are_written_down(lived_in: House) -> None:
    desk, customer = lived_in.browser("front-desk"), first()
    where = f"/customers/{customer.pk}/"
    desk.post(where + "notes/", {"note": "不吃香菜"})
    assert Note.objects.get().text == "不吃香菜"
    desk.post(
        where + "facts/",
        {
            "occupation": "teacher",
            "lives_nearby": "true",
            "birthday": "农历八月十五",
            "anniversary": "05-20",
            "name": "王芳",
        },
    )
    said = details_of(customer)
    assert (said["occupation"], said["lives_nearby"], said["birthday"]) == (
        "teacher",
        "true",
        "lunar --08-15",
    )
    page = desk.get(where).content.decode()
    assert "王芳" in page and "不吃香菜" in page and "农历八月十五" in page and "5月20日" in page
    desk.post(where + "facts/", {"occupation": "", "birthday": "八月三十五"})
    assert details_of(customer)["occupation"] == ""
    assert details_of(customer)["birthday"] == "lunar --08-15", "what can't be read changes nothing"
    desk.post(where + "sales/", {"day": "2026-11-20", "amount": "￥1,234.5"})
    assert Sale.objects.order_by("-id")[0].amount == 123450
    lived_in.work()
    desk.post(where + "hold/", {"hold": "1"})
    assert Hold.objects.get().person == customer.pk
    assert "谁都不再联系" in desk.get(where).content.decode()
    desk.post(where + "hold/", {"release": "1"})
    assert not Hold.objects.exists()
    assert {"add-note", "say-detail", "record-sale", "hold", "release-hold"} <= set(
        AuditEvent.objects.values_list("verb", flat=True)
    )


def test_a_form_sent_twice_writes_one_sale_and_a_new_form_another(lived_in: House) -> None:
    desk, where = lived_in.browser("front-desk"), f"/customers/{first().pk}/"

    def form() -> dict[str, str]:
        (once,) = re.findall(r'name="once" value="(\w+)"', desk.get(where).content.decode())
        return {"day": "2026-11-20", "amount": "88", "once": once}

    def written() -> int:
        return Sale.objects.filter(amount=8800, batch__state=BatchState.COMPLETE).count()

    one = form()
    desk.post(where + "sales/", one)
    again = desk.post(where + "sales/", one, follow=True).content.decode()
    assert written() == 1 and "已经记下了" in again
    desk.post(where + "sales/", {**one, "amount": "89"})
    assert Sale.objects.filter(amount=8900).count() == 1, "other words on the same sheet are another sale"
    desk.post(where + "sales/", form())
    assert written() == 2
    lived_in.work()
    daily.undo(Sale.objects.filter(amount=8800).order_by("id")[0].batch)
    desk.post(where + "sales/", one)
    assert written() == 1, "what was taken back does not come back by itself"


@pytest.mark.parametrize(
    "sale",
    [
        {"day": "2027-01-01", "amount": "5"},
        {"day": "x", "amount": "5"},
        {"day": "2026-11-20", "amount": "五块"},
        {"day": "2026-11-20", "amount": "1e99"},
    ],
)
def test_a_sale_that_makes_no_sense_is_not_written(lived_in: House, sale: dict[str, str]) -> None:
    before = Sale.objects.count()
    lived_in.browser("front-desk").post(f"/customers/{first().pk}/sales/", sale, follow=True)
    assert Sale.objects.count() == before


def test_whoever_was_merged_is_found_under_the_one_who_stays(lived_in: House) -> None:
    gone, stays = Customer.objects.order_by("id")[:2]
    Customer.objects.filter(pk=gone.pk).update(merged_into=stays)
    assert lived_in.browser("owner").get(f"/customers/{gone.pk}/")["Location"] == f"/customers/{stays.pk}/"


@pytest.mark.parametrize(
    "where",
    [
        "/customers/?after=x",
        "/customers/?before=9.9.9",
        "/customers/?q=%00",
        "/customers/?show=nonsense",
        "/receipts/?day=x",
        "/sales/?before=x",
        "/?whose=x",
    ],
)
def test_a_crooked_address_breaks_nothing(lived_in: House, where: str) -> None:
    assert lived_in.browser("owner").get(where).status_code in (200, 302)


def test_a_character_that_no_store_keeps_is_left_out_of_a_form(lived_in: House) -> None:
    owner = lived_in.browser("owner")
    answer = owner.post("/settings/stores/", {"name": "北\0店"})
    assert answer.status_code == 302 and Store.objects.filter(name="北店").exists()
