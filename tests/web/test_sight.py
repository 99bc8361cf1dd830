"""A chain of two stores: whose customers each of its people sees, by every way in."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.shops import Shop
from tests.web.conftest import TODAY

from regulars import daily
from regulars.care.handover import hand_over
from regulars.care.models import Task
from regulars.customers import rights
from regulars.customers.actions import add_note, say_detail
from regulars.customers.erasing import erase
from regulars.customers.file import sheet
from regulars.customers.models import Customer, Detail, Family, FamilyMember, Opened, RightsRequest, Shared
from regulars.customers.queries import details_of
from regulars.grading.actions import adopt, in_force
from regulars.sales.models import Batch
from regulars.shop.actions import add_staff, give_post, keep_role, make_token
from regulars.shop.models import Alert, AuditEvent, Business, OwnRole, Reading, Staff, Store, TakenOut, Use
from regulars.shop.words import Refused
from regulars.web.shown_file import questions

EAST, WEST = "城东店", "城西店"
PHONES = {EAST: "13933220001", WEST: "13844330002"}
NAMES = {EAST: "欧阳东", WEST: "司马西"}


@dataclass
class Chain:
    """Two stores, each with one regular and its own people; the owner sees both."""

    shop: Shop
    stores: dict[str, Store]
    staff: dict[str, Staff]

    def browser(self, who: str) -> Client:
        client = Client()
        client.force_login(self.staff[who])
        return client

    def key(self, who: str, **options: bool) -> dict[str, str]:
        return {"Authorization": f"Bearer {make_token(self.staff[who], 'test', **options)[1]}"}


@pytest.fixture
def chain(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chain]:
    for place in ("regulars.web.gate.shop_day", "regulars.jobs.shop_day"):
        monkeypatch.setattr(place, lambda *_: TODAY)
    monkeypatch.setattr("regulars.shop.readings._wall_time", lambda: time(15, 0))
    shop.again("chain", lambda: live(shop))
    people = {("owner" if person.role == "owner" else person.name): person for person in Staff.objects.all()}
    people["analyst"] = people.pop("小方")
    yield Chain(shop, {store.name: store for store in Store.objects.all()}, people)


def live(shop: Shop) -> None:
    Store.objects.all().delete()
    stores = {name: Store.objects.create(name=name) for name in (EAST, WEST)}
    owner = add_staff(name="老板", email="owner@example.com", role="owner")
    adopt("restaurant", by=owner)
    add_staff(name="小方", email="fang@example.com", role="analyst")
    for place, store in (("east", stores[EAST]), ("west", stores[WEST])):
        for role in ("manager", "front-desk", "key-account"):
            add_staff(name=f"{place} {role}", email=f"{place}-{role}@example.com", role=role, store=store)
    shop.take_in([
        {"订单号": f"{name}-{k}", "消费时间": f"{TODAY - timedelta(days=1 + 7 * k)} 18:00", "会员号": f"M{name}", "手机号": PHONES[name],
         "姓名": NAMES[name], "实收金额": "200.00", "门店": name}
        for name in (EAST, WEST) for k in range(5)
    ])  # fmt: skip
    daily.run_day(TODAY)


def number(store: str) -> int:
    return Customer.objects.get(name=NAMES[store]).pk


def test_a_store_finds_its_own_customers_by_no_way_those_of_another(chain: Chain) -> None:
    desk = chain.browser("east front-desk")
    listed = desk.get("/customers/").content.decode()
    assert NAMES[EAST] in listed
    assert NAMES[WEST] not in listed
    for typed in (
        NAMES[WEST],
        "sima",
        "smx",
        PHONES[WEST],
        PHONES[WEST][-4:],
        f"M{WEST}",
        f"#{number(WEST)}",
    ):
        for address in ("/customers/", "/customers/suggestions/"):
            found = desk.get(address, {"q": typed}).content.decode()
            assert f"/customers/{number(WEST)}/" not in found, (address, typed)
            assert "尾号 0002" not in found, (address, typed)
    for typed in (NAMES[EAST], PHONES[EAST][-4:]):
        assert desk.get("/customers/", {"q": typed})["Location"] == f"/customers/{number(EAST)}/"
    other = number(WEST)
    assert desk.get(f"/customers/{other}/").status_code == 404
    for part in ("notes", "facts", "sales", "hold", "reveal"):
        answer = desk.post(
            f"/customers/{other}/{part}/",
            {"note": "x", "hold": "1", "reason": "call", "amount": "1", "day": str(TODAY)},
        )
        assert answer.status_code == 404, part
    assert desk.get(f"/customers/{number(EAST)}/").status_code == 200


def test_the_api_sees_no_farther_than_the_pages(chain: Chain) -> None:
    for who, sees in (
        ("owner", {EAST, WEST}),
        ("east front-desk", {EAST}),
        ("west manager", {WEST}),
        ("east key-account", set()),
    ):
        header = chain.key(who)
        browser = Client()
        names = {c["name"] for c in browser.get("/api/v1/customers", headers=header).json()["items"]}
        assert names == {NAMES[s] for s in sees}, who
        for store in (EAST, WEST):
            assert browser.get(f"/api/v1/customers/{number(store)}", headers=header).status_code == (
                200 if store in sees else 404
            )
            hits = browser.get("/api/v1/customers", {"search": PHONES[store]}, headers=header).json()["items"]
            assert bool(hits) == (store in sees)
    moved = Client().get("/api/v1/grades/changes", {"since": "2026-01-01"}, headers=chain.key("west manager"))
    assert {c["customer"] for c in moved.json()} <= {number(WEST)}


def test_a_key_that_only_reads_ends_no_task(chain: Chain) -> None:
    mine = Task.objects.create(
        customer_id=number(EAST), rule="call", occasion="t", on=TODAY, due_on=TODAY, last_on=TODAY, playbook="restaurant", channel="call",
        why=["因", "b"], do=["打", "c"], say=["好", "h"], name=["打", "c"], staff=chain.staff["east front-desk"], store=chain.stores[EAST],
    )  # fmt: skip
    where, said = f"/api/v1/today/{mine.pk}/result", {"how": "done"}
    for may_write, status in ((False, 403), (True, 200)):
        answer = Client().post(
            where,
            said,
            content_type="application/json",
            headers=chain.key("east front-desk", may_write=may_write),
        )
        assert answer.status_code == status


def test_an_analyst_sees_grades_and_nobody(chain: Chain) -> None:
    analyst = chain.browser("analyst")
    seen = "".join(
        analyst.get(where).content.decode()
        for where in (
            "/customers/",
            "/grades/",
            f"/customers/{number(EAST)}/",
            f"/customers/?q=%23{number(EAST)}",
            "/customers/?q=欧阳",
        )
    )
    answers = Client().get("/api/v1/customers", headers=chain.key("analyst")).content.decode()
    one = Client().get(f"/api/v1/customers/{number(EAST)}", headers=chain.key("analyst")).content.decode()
    for secret in ("欧阳东", "0001", "139", f"M{EAST}"):
        assert secret not in seen.replace("2026-0001", ""), secret
        assert secret not in answers.encode().decode("unicode_escape", "ignore"), secret
        assert secret not in one.encode().decode("unicode_escape", "ignore"), secret
    assert f"顾客 {number(EAST)}" in seen
    assert "没找到" in analyst.get("/customers/", {"q": PHONES[EAST]}).content.decode()
    assert (
        Client().get("/api/v1/customers", {"search": "欧阳东"}, headers=chain.key("analyst")).json()["items"]
        == []
    )


def test_charge_sharing_and_a_task_open_a_file_and_nothing_else_does(chain: Chain) -> None:
    clerk, other = chain.staff["east key-account"], number(WEST)
    where = f"/customers/{other}/"
    assert chain.browser("east key-account").get(where).status_code == 404
    task = Task.objects.create(
        customer_id=other, rule="call", occasion="t", on=TODAY, due_on=TODAY, last_on=TODAY, playbook="restaurant", channel="call",
        why=["因", "b"], do=["打", "c"], say=["好", "h"], name=["打", "c"], staff=clerk,
    )  # fmt: skip
    assert chain.browser("east key-account").get(where).status_code == 200
    Task.objects.filter(pk=task.pk).update(state="done")
    assert chain.browser("east key-account").get(where).status_code == 404
    Shared.objects.create(customer_id=other, staff=clerk)
    assert chain.browser("east key-account").get(where).status_code == 200
    Shared.objects.all().delete()
    Customer.objects.filter(pk=other).update(in_charge=clerk)
    assert chain.browser("east key-account").get(where).status_code == 200
    assert NAMES[WEST] in chain.browser("east key-account").get("/customers/").content.decode()


def test_who_stands_at_the_counter_is_let_in_by_her_whole_number_for_a_while(chain: Chain) -> None:
    desk, where = chain.browser("east front-desk"), f"/customers/{number(WEST)}/"
    assert "人就在柜台" in desk.get("/customers/", {"q": PHONES[WEST]}).content.decode()
    assert "人就在柜台" not in desk.get("/customers/", {"q": PHONES[WEST][-4:]}).content.decode()
    assert desk.post("/customers/let-in/", {"q": PHONES[WEST][-4:]}).status_code == 302
    assert desk.get(where).status_code == 404, "four digits are no proof"
    assert desk.post("/customers/let-in/", {"q": PHONES[WEST]})["Location"] == where
    assert desk.get(where).status_code == 200
    assert chain.browser("west front-desk").get(f"/customers/{number(EAST)}/").status_code == 404
    Opened.objects.update(until=Opened.objects.get().at)
    assert desk.get(where).status_code == 404, "it closes by itself"
    assert {"let-in", "reveal"} <= set(AuditEvent.objects.values_list("verb", flat=True))


def test_a_manager_of_one_store_leads_its_team_and_not_the_business(chain: Chain) -> None:
    manager = chain.browser("east manager")
    for where in (
        "/settings/business/",
        "/settings/keys/",
        "/settings/guard/",
        "/settings/roles/",
        "/watch/",
        "/settings/trade/",
    ):
        assert manager.get(where).status_code == 403, where
    team = manager.get("/settings/staff/").content.decode()
    assert "east front-desk" in team
    assert "west front-desk" not in team
    them = chain.staff["west front-desk"]
    for verb in ("", "password/", "leave/", "posts/"):
        answer = manager.post(
            f"/settings/staff/{them.pk}/{verb}", {"name": "x", "role": "owner", "minutes_a_day": "5"}
        )
        assert answer.status_code == 404, verb
    them.refresh_from_db()
    assert (them.name, them.role, them.is_active) == ("west front-desk", "front-desk", True)


def test_nobody_gives_away_more_than_she_has(chain: Chain) -> None:
    manager, mine = chain.browser("east manager"), chain.staff["east front-desk"]
    given = {"name": "新人", "email": "new@example.com", "minutes_a_day": "30"}
    for role, store in (
        ("owner", ""),
        ("manager", ""),
        ("front-desk", ""),
        ("manager", chain.stores[WEST].pk),
        ("analyst", ""),
    ):
        assert manager.post("/settings/staff/", {**given, "role": role, "store": store}).status_code == 422, (
            role,
            store,
        )
        assert (
            manager.post(f"/settings/staff/{mine.pk}/posts/", {"role": role, "store": store}).status_code
            == 422
        )
    assert not Staff.objects.filter(email="new@example.com").exists()
    assert not mine.posts.exists()
    sent = {
        **given,
        "role": "front-desk",
        "store": chain.stores[EAST].pk,
        "is_active": "",
        "is_superuser": "1",
        "powers": "all",
        "password": "x",
    }
    assert manager.post("/settings/staff/", sent).status_code == 200
    made = Staff.objects.get(email="new@example.com")
    assert (made.role, made.store, made.is_active) == ("front-desk", chain.stores[EAST], True)
    assert not made.check_password("x"), "a form sets only what it shows"


def test_a_second_post_in_another_store_opens_that_store_too(chain: Chain) -> None:
    clerk = chain.staff["east front-desk"]
    give_post(clerk, "front-desk", chain.stores[WEST], by=chain.staff["owner"])
    page = chain.browser("east front-desk").get("/customers/").content.decode()
    assert NAMES[EAST] in page
    assert NAMES[WEST] in page


def test_a_role_of_ones_own_is_made_of_abilities(chain: Chain) -> None:
    owner = chain.browser("owner")
    owner.post(
        "/settings/roles/",
        {
            "name": "领班",
            "abilities": ["look", "names", "contact", "team"],
            "reach": "all",
            "works_like": "front-desk",
        },
    )
    role = keep_role("只看", ["look", "names"])
    head = add_staff(name="领班甲", email="head@example.com", role=role.key, store=chain.stores[EAST])
    browser = Client()
    browser.force_login(head)
    assert browser.get(f"/customers/{number(EAST)}/").status_code == 200
    assert browser.post(f"/customers/{number(EAST)}/notes/", {"note": "x"}).status_code == 403
    assert browser.post(f"/customers/{number(EAST)}/reveal/", {"reason": "call"}).status_code == 403
    assert owner.post(f"/settings/roles/{role.key}/end/", follow=True).status_code == 200
    assert "只看" in owner.get("/settings/roles/").content.decode(), "somebody still holds it"


def test_a_look_takes_a_reason_is_limited_and_warns_the_owner(chain: Chain) -> None:
    Business.objects.update(reveals_a_day=2)
    desk = chain.browser("east front-desk")
    people = [number(EAST)]
    for k in range(3):
        chain.shop.take_in(
            [
                {
                    "订单号": f"N{k}",
                    "消费时间": f"{TODAY - timedelta(days=1)} 12:00",
                    "手机号": f"1577788000{k}",
                    "实收金额": "9",
                    "门店": EAST,
                }
            ]
        )
    people += list(
        Customer.objects.exclude(name__in=NAMES.values()).order_by("id").values_list("pk", flat=True)
    )
    where = "/customers/{}/reveal/".format

    def shown(who: int, **said: str) -> bool:
        return "tel:1" in desk.post(where(who), said, follow=True).content.decode()

    assert not shown(people[0]), "no reason"
    assert not shown(people[0], reason="other"), "another reason has to be said"
    assert shown(people[0], reason="other", said="她的包落在店里")
    assert shown(people[0], reason="call"), "the same number again costs nothing"
    assert shown(people[1], reason="call")
    assert not shown(people[2], reason="call"), "the day's two are used up"
    assert Alert.objects.get(kind="many-revealed").staff == chain.staff["east front-desk"]
    assert Reading.objects.exclude(said=None).get().said == "她的包落在店里"
    assert "条查看顾客资料的提醒" in chain.browser("owner").get("/").content.decode()
    assert "条查看顾客资料的提醒" not in chain.browser("east manager").get("/").content.decode()
    watch = chain.browser("owner").get("/watch/").content.decode()
    assert "名单之外看了 2 个号码" in watch
    assert chain.browser("east manager").get("/watch/").status_code == 403
    task = Task.objects.create(
        customer_id=people[2], rule="call", occasion="t", on=TODAY, due_on=TODAY, last_on=TODAY, playbook="restaurant", channel="call",
        why=["因", "b"], do=["打", "c"], say=["好", "h"], name=["打", "c"], staff=chain.staff["east front-desk"],
    )  # fmt: skip
    assert shown(people[2], task=str(task.pk)), "what stands on her list counts against nothing"
    assert not shown(people[3], task=str(task.pk)), "a task opens its own customer only"


def test_reading_at_night_and_opening_very_many_files_is_told(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regulars.shop.readings._wall_time", lambda: time(2, 30))
    desk = chain.browser("east front-desk")
    desk.post(f"/customers/{number(EAST)}/reveal/", {"reason": "call"})
    assert Alert.objects.filter(kind="night").exists()
    Use.objects.create(staff=chain.staff["east front-desk"], on=TODAY, kind="open", n=200)
    desk.get(f"/customers/{number(EAST)}/")
    assert Use.objects.get(kind="open").n == 201
    Client().get(f"/api/v1/customers/{number(EAST)}", headers=chain.key("east front-desk"))
    assert Use.objects.get(kind="open").n == 202, "a program's reading counts as its person's"
    assert Alert.objects.get(kind="many-open").words[0].startswith("今天打开了 202 份档案")


def test_a_list_leaves_the_house_with_a_reason_a_limit_and_a_name_in_it_and_comes_in_again(
    chain: Chain,
) -> None:
    assert (
        chain.browser("east front-desk").post("/customers/export/", {"why": "寄月饼的地址"}).status_code
        == 403
    )
    manager = chain.browser("west manager")
    assert manager.post("/customers/export/", {"why": " "}).status_code == 422
    her = number(WEST)
    Customer.objects.filter(pk=her).update(name="=cmd()|西")
    answer = manager.post("/customers/export/", {"why": "寄月饼的地址", "ending": "csv"})
    assert "west" in answer["Content-Disposition"] and "20261122" not in answer.content.decode()
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 3, "only the customers of her own store, and the line that names her"
    assert rows[1][1] == "'=cmd()|西"
    assert rows[1][2] == "138****0002"
    assert rows[-1][0].startswith("# 第") and "west manager" in rows[-1][0] and "寄月饼" in rows[-1][0]
    whole = manager.post("/customers/export/", {"why": "寄月饼的地址", "ending": "csv", "numbers": "on"})
    assert PHONES[WEST] in whole.content.decode()
    assert TakenOut.objects.count() == 2
    assert AuditEvent.objects.filter(verb="export").count() == 2
    assert Alert.objects.filter(kind="export", staff=chain.staff["west manager"]).exists()
    Business.objects.update(export_rows=2)
    assert manager.post("/customers/export/", {"why": "寄月饼的地址"}).status_code == 422, (
        "the day's rows are used up"
    )
    file = chain.shop.files / "again.csv"
    file.write_bytes(whole.content)
    again = daily.take_in([file])
    assert (again.batch.refused, again.customers) == (0, 0), "its own file can be read in again (trap 33)"


def test_every_screen_carries_its_readers_name_where_the_owner_wants_it(chain: Chain) -> None:
    desk = chain.browser("east front-desk")
    assert 'class="watermark"' not in desk.get("/customers/").content.decode()
    chain.browser("owner").post(
        "/settings/guard/", {"reveals_a_day": "5", "export_rows": "10", "has_watermark": "on"}
    )
    assert 'class="watermark"' in desk.get("/customers/").content.decode()
    drawn = desk.get("/watermark.svg")
    assert "east front-desk" in drawn.content.decode()
    assert "no-store" in drawn["Cache-Control"]


def test_lists_of_one_store_ask_the_store_hardly_more_than_lists_of_all(chain: Chain) -> None:
    asked = {}
    for who in ("owner", "east front-desk", "east key-account"):
        browser = chain.browser(who)
        browser.get("/customers/")
        with CaptureQueriesContext(connection) as queries:
            browser.get("/customers/")
        asked[who] = len(queries)
    assert max(asked.values()) <= asked["owner"] + 7 <= 30, asked


def test_a_store_sees_the_imports_that_it_brought_and_its_own_receipts(chain: Chain) -> None:
    batch = Batch.objects.order_by("id")[0]
    for who, file, receipt in (("owner", 200, 302), ("east manager", 404, 404), ("west manager", 404, 302)):
        browser = chain.browser(who)
        sale = daily.record_sale(None, store=chain.stores[WEST], day=TODAY, amount=900)
        assert sale
        assert browser.get(f"/sales/{batch.pk}/").status_code == file, who
        assert Client().get(f"/api/v1/imports/{batch.pk}", headers=chain.key(who)).status_code == file, who
        hers = number(EAST if who == "owner" else WEST)
        assert browser.post(f"/receipts/{sale.pk}/", {"customer": hers}).status_code == receipt, who
    assert chain.browser("east manager").post(f"/sales/{batch.pk}/undo/").status_code == 404


def test_notes_are_found_by_those_only_who_may_read_them(chain: Chain) -> None:
    her = Customer.objects.get(pk=number(WEST))
    add_note(her, "对花生过敏，女儿十月过生日", on=TODAY, by=chain.staff["west manager"])
    for who, finds in (
        ("owner", True),
        ("west front-desk", True),
        ("east front-desk", False),
        ("analyst", False),
    ):
        page = chain.browser(who).get("/customers/", {"q": "花生"}).content.decode()
        assert ("对花生过敏" in page) == finds, who


# --- where the parts meet ----------------------------------------------------------------------------------------------


def test_a_number_that_is_taken_tells_nobody_whose_it_is_in_another_store(chain: Chain) -> None:
    desk, mine = chain.browser("east front-desk"), number(EAST)
    new = desk.post("/customers/new/", {"name": "x", "phone": PHONES[WEST]})
    more = desk.post(f"/customers/{mine}/phones/", {"phone": PHONES[WEST]}, follow=True)
    for answer in (new, more):
        page = answer.content.decode()
        assert "这个号码已经有档案了" in page
        assert NAMES[WEST] not in page and f"/customers/{number(WEST)}/" not in page
    hers = desk.post("/customers/new/", {"name": "x", "phone": PHONES[EAST]}).content.decode()
    assert NAMES[EAST] in hers and f"/customers/{mine}/" in hers


def test_a_family_shows_those_only_whom_one_sees(chain: Chain) -> None:
    family = Family.objects.create()
    for store in (EAST, WEST):
        FamilyMember.objects.create(family=family, customer_id=number(store))
    where = f"/customers/{number(EAST)}/"
    assert NAMES[WEST] in chain.browser("owner").get(where).content.decode()
    page = chain.browser("east front-desk").get(where).content.decode()
    assert NAMES[WEST] not in page and f"/customers/{number(WEST)}/" not in page


def test_a_power_reaches_no_farther_because_another_post_looks_there(chain: Chain) -> None:
    clerk = chain.staff["east manager"]
    give_post(clerk, "front-desk", chain.stores[WEST], by=chain.staff["owner"])
    browser, east, west = chain.browser("east manager"), number(EAST), number(WEST)
    assert browser.get(f"/customers/{west}/").status_code == 200
    taken = browser.post("/customers/export/", {"why": "寄月饼的地址", "ending": "csv"}).content.decode()
    assert NAMES[EAST] in taken and NAMES[WEST] not in taken
    assert browser.post(f"/customers/{east}/same/", {"other": west}).status_code == 403
    assert not Customer.objects.filter(merged_into__isnull=False).exists()
    browser.post(f"/customers/{west}/charge/", {"to": chain.staff["east front-desk"].pk})
    assert Customer.objects.get(pk=west).in_charge is None
    browser.post(f"/customers/{east}/charge/", {"to": chain.staff["east front-desk"].pk})
    assert Customer.objects.get(pk=east).in_charge == chain.staff["east front-desk"]


def test_what_the_whole_chain_earns_stands_on_no_list_of_one_store(chain: Chain) -> None:
    pills = chain.browser("owner").get("/customers/").content.decode()
    graded = "/customers/" + re.findall(r"\?grade=[a-z.-]+", pills)[0]
    assert "一共 2 位顾客" in pills
    assert "最近一年一共花了" in chain.browser("owner").get(graded).content.decode()
    for who in ("east front-desk", "east key-account", "west manager"):
        browser = chain.browser(who)
        assert "一共 2 位顾客" not in browser.get("/customers/").content.decode(), who
        assert "最近一年一共花了" not in browser.get(graded).content.decode(), who


def test_who_has_been_merged_is_where_the_one_is_who_stands_for_her(chain: Chain) -> None:
    service = {
        name: add_staff(
            name=f"客服{name}", email=f"{k}@example.com", role="service", store=chain.stores[name]
        )
        for k, name in (("se", EAST), ("sw", WEST))
    }
    west, twin = Customer.objects.get(pk=number(WEST)), Customer.objects.create(name="司马西西")
    for one in (twin, west):
        rights.open_request(one, "copy", on=TODAY, checked="known", by=chain.staff["owner"])
    daily.merge(west, twin, by=chain.staff["owner"])
    assert Customer.objects.get(pk=twin.pk).merged_into == west
    asked = RightsRequest.objects.get(customer=twin)
    for name, sees in ((EAST, False), (WEST, True)):
        browser = Client()
        browser.force_login(service[name])
        assert (NAMES[WEST] in browser.get("/rights/").content.decode()) == sees, name
        answer = browser.post(f"/rights/{asked.pk}/result/", {"how": "refuse", "result": "x"})
        assert answer.status_code == (302 if sees else 404), name


def test_a_corrected_address_is_told_masked(chain: Chain) -> None:
    her, owner = Customer.objects.get(pk=number(EAST)), chain.browser("owner")
    say_detail(her, "address", "桂花巷 88 号 3 单元")
    asked = rights.open_request(her, "correction", on=TODAY, checked="known", by=chain.staff["owner"])
    owner.post(f"/rights/{asked.pk}/result/", {"how": "correct", "key": "address", "value": "梧桐街 12 号"})
    assert details_of(her)["address"] == "梧桐街 12 号"
    page = owner.get(f"/customers/{her.pk}/rights/").content.decode()
    assert "桂花****" in page and "梧桐****" in page
    assert "88 号" not in page and "12 号" not in page


def test_a_hand_over_taken_back_opens_no_account_of_somebody_who_may_more(chain: Chain) -> None:
    leaver = add_staff(name="前老板", email="former@example.com", role="owner", store=None)
    Staff.objects.filter(pk=leaver.pk).update(store=chain.stores[EAST])
    give_post(leaver, "manager", None, by=chain.staff["owner"])
    leaver.refresh_from_db()
    made = hand_over(leaver, [chain.staff["east front-desk"]], by=chain.staff["owner"], on=TODAY)
    assert chain.browser("east manager").post(f"/handovers/{made.pk}/undo/").status_code in (403, 404)
    assert not Staff.objects.get(pk=leaver.pk).is_active
    assert chain.browser("owner").post(f"/handovers/{made.pk}/undo/").status_code == 302
    assert Staff.objects.get(pk=leaver.pk).is_active


def test_nothing_is_done_with_somebody_whose_name_one_may_not_know(chain: Chain) -> None:
    with pytest.raises(Refused):
        keep_role("无名", ["look", "contact"])
    OwnRole.objects.create(key="own-old", name="旧岗位", abilities=["look", "contact", "merge", "reveal"])
    clerk = add_staff(name="旧人", email="old@example.com", role="own-old", store=chain.stores[EAST])
    assert not any(clerk.may(a) for a in ("contact", "merge", "reveal"))
    browser, her = Client(), number(EAST)
    browser.force_login(clerk)
    for where in (f"/customers/{her}/", f"/customers/{her}/same/", "/customers/duplicates/"):
        assert NAMES[EAST] not in browser.get(where).content.decode(), where


def test_what_is_sensitive_is_asked_on_no_list(chain: Chain) -> None:
    Business.objects.update(trade="clinic", sensitive=["health"])
    business, her = Business.objects.get(), Customer.objects.get(pk=number(EAST))
    field = next(f for f in sheet(business) if f.sensitive)
    Detail.objects.create(customer=her, key=field.key, sealed="湿疹")
    Detail.objects.update(said_at=datetime(2020, 1, 1, tzinfo=UTC))
    known = {f.key for f in sheet(business) if f.ask and f.key != field.key}
    for key in known:
        Detail.objects.create(customer=her, key=key, plain="x")
    asked = questions([her], business, TODAY, in_force()).get(her.pk)
    assert asked is None or (asked.key != field.key and "湿疹" not in str(asked.why))


def test_a_hand_over_is_taken_back_without_whom_has_been_deleted_since(chain: Chain) -> None:
    her, clerk, heir = number(EAST), chain.staff["east key-account"], chain.staff["east front-desk"]
    for staff in (clerk, heir):
        Shared.objects.create(customer_id=her, staff=staff)
    made = hand_over(clerk, [heir], by=chain.staff["owner"], on=TODAY)
    erase(Customer.objects.get(pk=her), on=TODAY)
    assert chain.browser("owner").post(f"/handovers/{made.pk}/undo/").status_code == 302
    connection.check_constraints()
    assert not Shared.objects.exists()


def test_who_hands_over_shows_a_manager_those_customers_only_whom_she_sees(chain: Chain) -> None:
    clerk = chain.staff["east key-account"]
    Customer.objects.filter(name__in=NAMES.values()).update(in_charge=clerk)
    where = f"/settings/staff/{clerk.pk}/hand-over/"
    assert {n for n in NAMES.values() if n in chain.browser("owner").get(where).content.decode()} == {
        *NAMES.values()
    }
    page = chain.browser("east manager").get(where).content.decode()
    assert NAMES[EAST] in page and NAMES[WEST] not in page
