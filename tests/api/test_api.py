"""What a program of the shop reads and does over the API, and what it may not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from tests.api.lived_in import DAY, PASSWORD, LivedIn, a_task, open_shop

from regulars.care.models import Task
from regulars.customers.models import Customer, Likely
from regulars.customers.queries import merged
from regulars.shop.actions import end_token
from regulars.shop.models import ApiToken

ROOT = "/api/v1"

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LivedIn:
    monkeypatch.setenv("REGULARS_HOME", str(tmp_path / "shop"))
    monkeypatch.setattr("regulars.web.gate.shop_day", lambda business, now=None: DAY)
    return open_shop(tmp_path / "shop")


def get(shop: LivedIn, path: str, who: str = "lin", status: int = 200, **query: Any) -> Any:
    answer = Client().get(f"{ROOT}{path}", query, headers=shop.header(who))
    assert answer.status_code == status, answer.content
    return answer.json()


def test_a_stranger_learns_nothing(shop: LivedIn) -> None:
    for path in ("/customers", "/today", "/grades", "/playbooks", "/imports", "/freshness", "/customers/1"):
        assert Client().get(ROOT + path).status_code == 401
        assert Client().get(ROOT + path, headers={"Authorization": "Bearer regulars-x"}).status_code == 401


def test_a_key_ends_with_its_person_and_when_it_is_taken_back(shop: LivedIn) -> None:
    assert get(shop, "/freshness", "zhou")["on"] == "2026-08-20"
    shop.waitress.is_active = False
    shop.waitress.save()
    get(shop, "/freshness", "zhou", status=401)
    end_token(ApiToken.objects.get(staff=shop.owner))
    get(shop, "/freshness", "lin", status=401)


def test_a_key_is_kept_as_a_digest_only_and_its_last_use_is_known(shop: LivedIn) -> None:
    get(shop, "/freshness")
    token = ApiToken.objects.get(staff=shop.owner)
    assert token.used_at is not None
    assert shop.keys["lin"] not in json.dumps([str(v) for v in ApiToken.objects.values_list()])


def test_a_login_serves_too_but_changes_nothing_without_its_token(shop: LivedIn) -> None:
    browser = Client(enforce_csrf_checks=True)
    assert browser.login(username="lin@example.com", password=PASSWORD)
    assert browser.get(f"{ROOT}/freshness").status_code == 200
    task = a_task()
    answer = browser.post(f"{ROOT}/today/{task.id}/result", {"how": "done"}, content_type="application/json")
    assert answer.status_code == 403
    assert Task.objects.get(id=task.id).state == "open"


def test_all_customers_come_page_by_page_once_each_best_first(shop: LivedIn) -> None:
    seen: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = get(shop, "/customers", limit=7, **({"after": after} if after else {}))
        seen += page["items"]
        after = page["next"]
        if after is None:
            break
    assert len(seen) == len({c["id"] for c in seen}) == 40
    spend = [c["spend_in_12_months"] for c in seen]
    assert spend == sorted(spend, reverse=True)
    assert "199" not in json.dumps([c["name"] for c in seen])


def test_a_customer_is_found_by_the_end_of_her_phone_and_never_shows_all_of_it(shop: LivedIn) -> None:
    (found,) = get(shop, "/customers", search="0013")["items"]
    assert found["name"] == "王13"
    one = get(shop, f"/customers/{found['id']}")
    assert {"kind": "phone", "shown": "199****0013"} in one["identities"]
    assert "19900000013" not in json.dumps(one)
    assert one["facts"]["visits"] == one["visits"] == 8
    assert one["facts"]["spend"] == one["spend"] == 8 * 820.5
    assert one["facts"]["last_visit_on"] == one["last_visit_on"] == "2026-08-19"
    before = get(shop, f"/customers/{found['id']}", on="2026-08-01")
    for key in ("visits", "spend", "last_visit_on", "visits_in_12_months"):
        assert before[key] == before["facts"][key] != one[key], "one answer speaks of one day"
    assert [g["grade"] for g in before["grades"]] == [e["grade"] for e in before["explained"]]
    (main,) = one["explained"]
    assert main["playbook"] == "restaurant"
    assert {c["fact"] for c in main["conditions"]} <= {
        "spend_in_30_days", "visits_in_30_days", "weeks_in_a_row", "last_spend"
    }  # fmt: skip


def test_customers_of_one_grade(shop: LivedIn) -> None:
    (run,) = get(shop, "/grades")
    counted = {g["grade"]: g["customers"] for g in run["scales"][0]["grades"]}
    for grade, n in counted.items():
        found = get(shop, "/customers", grade=grade, limit=200)["items"]
        assert len(found) == n
        assert all(c["grades"][0]["grade"] == grade for c in found)
    assert sum(g["share_of_customers"] for g in run["scales"][0]["grades"]) == pytest.approx(1)


def test_who_waits_tables_does_not_see_the_whole_base_by_grade(shop: LivedIn) -> None:
    get(shop, "/grades", "zhou", status=403)
    get(shop, "/grades/changes", "zhou", status=403, since="2026-08-01")
    get(shop, "/imports", "zhou", status=403)
    get(shop, "/today", "zhou", status=403, staff="lin@example.com")
    assert get(shop, "/grades", "fang")
    get(shop, "/imports", "fang", status=403)


def test_a_task_is_ended_once_and_can_be_taken_back(shop: LivedIn) -> None:
    task = a_task()
    path = f"{ROOT}/today/{task.id}/result"
    said = {"how": "done", "note": "下周来"}
    browser, header = Client(), shop.header("lin")
    first = browser.post(path, said, content_type="application/json", headers=header)
    assert (first.status_code, first.json()["state"]) == (200, "done")
    again = browser.post(path, said, content_type="application/json", headers=header)
    assert again.status_code == 409
    assert again.json()["en"] == "Somebody has just done this"
    assert [t["task"] for t in get(shop, "/today", staff="all", done="true")] == [task.id]
    assert browser.delete(path, headers=header).json()["state"] == "open"
    assert browser.delete(path, headers=header).status_code == 409


def test_an_analyst_ends_no_task_and_a_waitress_only_her_own(shop: LivedIn) -> None:
    others = Task.objects.filter(state="open").exclude(staff=shop.waitress)[0]
    for who, status in (("fang", 403), ("zhou", 404)):  # of others' tasks not even that there is one
        answer = Client().post(
            f"{ROOT}/today/{others.id}/result",
            {"how": "done"},
            content_type="application/json",
            headers=shop.header(who),
        )
        assert answer.status_code == status


def test_today_speaks_the_language_that_is_asked_for(shop: LivedIn) -> None:
    zh, en = (get(shop, "/today", staff="all", lang=lang) for lang in ("zh", "en"))
    assert [t["task"] for t in zh] == [t["task"] for t in en] != []
    assert all(a["do"] != b["do"] for a, b in zip(zh, en, strict=True))


def test_an_import_says_which_rows_it_left_out(shop: LivedIn) -> None:
    (batch,) = get(shop, "/imports")["items"]
    one = get(shop, f"/imports/{batch['batch']}", lang="en")
    assert (one["refused"], len(one["problems"]), one["files"]) == (1, 1, ["till.csv"])
    assert one["problems"][0]["value"] == "三百"


def test_a_program_reads_pairs_answers_them_and_takes_it_back(shop: LivedIn) -> None:
    one, other, third = Customer.objects.order_by("id")[:3]
    Likely.objects.create(
        one=one, other=other, kind="merge", strength="sure", reasons=["phone-typo", "name-same"]
    )
    Likely.objects.create(one=one, other=third, kind="merge", strength="weak", reasons=["name-same"])
    page = get(shop, "/duplicates", lang="en")
    (pair,) = page["items"]
    assert pair["reasons"] == ["The phones differ in one digit", "The same name"]
    assert {pair["one"]["id"], pair["other"]["id"]} == {one.id, other.id}
    assert all("****" in p for side in ("one", "other") for p in pair[side]["phones"])
    first = get(shop, "/duplicates", weak=True, limit=1)
    assert len(first["items"]) == 1
    assert len(get(shop, "/duplicates", weak=True, after=first["next"])["items"]) == 1
    get(shop, "/duplicates", "zhou", status=403)
    get(shop, "/duplicates", "fang", status=403)

    def say(method: str, who: str = "lin", **body: str) -> Any:
        send = getattr(Client(), method)
        return send(
            f"{ROOT}/duplicates/{pair['pair']}/answer",
            body,
            content_type="application/json",
            headers=shop.header(who),
        )

    assert say("post", "zhou", how="merged").status_code == 403
    assert say("post", how="nonsense").status_code == 422
    assert say("delete").status_code == 409
    assert say("post", how="merged").json()["state"] == "merged"
    assert merged() == {other.id: one.id}
    assert get(shop, f"/customers/{other.id}")["id"] == one.id, "read through"
    assert say("post", how="different").status_code == 409
    assert say("delete").json()["state"] == "open" and merged() == {}


def test_playbooks_are_read_aloud(shop: LivedIn) -> None:
    rows = {p["key"]: p for p in get(shop, "/playbooks")}
    assert len(rows) == 17
    assert rows["restaurant"]["in_force"]
    assert not rows["rfm"]["in_force"]
    assert "5,000" in get(shop, "/playbooks/restaurant")["says"]["en"]
    get(shop, "/playbooks/nothing", status=404)


def test_what_is_not_there_is_said_in_both_languages(shop: LivedIn) -> None:
    assert get(shop, "/customers/987654321", status=404).keys() == {"zh", "en"}
    assert get(shop, "/imports/987654321", status=404).keys() == {"zh", "en"}


def test_the_number_of_questions_to_the_store_does_not_grow_with_the_page(
    shop: LivedIn, django_assert_max_num_queries: Any
) -> None:
    for limit in (5, 40):
        with django_assert_max_num_queries(14):
            assert len(get(shop, "/customers", limit=limit)["items"]) == limit


def test_the_description_declares_every_operation_with_its_errors() -> None:
    described = Client().get(f"{ROOT}/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            wanted = {"200", "401", "403", "422"} | ({"404"} if "{" in path else set())
            assert wanted <= set(operation["responses"]), (method, path)
            assert operation["summary"]
            assert operation["tags"]
