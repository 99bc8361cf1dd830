"""Two files, one person: the page of proposals, the answers, and what portraits say."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from tests.web.conftest import House

from regulars.customers.likely import find_likely
from regulars.customers.models import FamilyMember, Likely
from regulars.customers.queries import find, merged
from regulars.shop.models import Job
from regulars.web import duplicates


def person(member: str, name: str, phone: str = "", birthday: str = "") -> dict[str, object]:
    return {"会员号": member, "姓名": name, "手机号": phone, "生日": birthday}


@pytest.fixture
def found(house: House) -> House:
    """Somebody twice, a couple on one phone, and a stranger."""
    house.shop.take_in([
        person("A1", "王小芳", "13912345601"), person("A2", "王小芳", "13912345610"),
        person("B1", "赵敏", "15012340002"), person("B2", "孙磊", "15012340002"), person("C1", "周杰", "18812340009"),
    ])  # fmt: skip
    find_likely()
    return house


def pair() -> Likely:
    return Likely.objects.get(kind="merge", strength="sure")


def say(browser: Client, how: str, of: Likely) -> str:
    answer = browser.post(reverse("duplicate-decision", args=[of.pk]), {"how": how}, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_a_pair_stands_side_by_side_with_its_reasons_and_no_phone_in_clear(found: House) -> None:
    html = found.browser("service").get(reverse("duplicates")).content.decode()
    assert "1 对很像同一个人，1 对像一家人" in html
    for said in ("手机号有相邻两位写反了", "姓名一样", "139****5601", "139****5610", "A1", "A2"):
        assert said in html
    assert not re.search(r"\b1\d{10}\b", html)
    family = found.browser("owner").get(reverse("duplicates"), {"show": "family"}).content.decode()
    assert "赵敏" in family and "孙磊" in family and "王小芳" not in family


def test_one_tap_merges_and_one_tap_takes_it_back(found: House) -> None:
    owner = found.browser("owner")
    assert "已合成一位" in say(owner, "merged", pair())
    assert merged() == {find("A1").id + 1: find("A1").id}  # type: ignore[union-attr]
    html = owner.get(reverse("duplicates"), {"show": "decided"}).content.decode()
    assert "是同一个人" in html and "owner Li" in html
    again = Likely.objects.get(state="merged")
    owner.post(reverse("duplicate-undo", args=[again.pk]))
    assert merged() == {} and pair().pk == again.pk
    assert {j.kind for j in found.work()} >= {"redraw"}, "the books follow"


def test_a_portrait_says_who_may_be_the_same_and_who_was_merged(found: House) -> None:
    owner = found.browser("owner")
    one = find("A1")
    assert one is not None
    where = reverse("portrait", args=[one.id])
    assert "可能和“王小芳”是同一个人" in owner.get(where).content.decode()
    say(owner, "merged", pair())
    html = owner.get(where).content.decode()
    assert "合并而来" in html and "可以拆开" in html and "可能和" not in html
    word = re.search(r'name="word" value="(\d+)"', html)
    assert word
    answer = owner.post(reverse("customer-parting", args=[one.id]), {"word": word[1]}, follow=True)
    assert "拆开了" in answer.content.decode()
    assert merged() == {} and Likely.objects.get(one=one).state == "different"


def test_a_family_stands_on_both_portraits(found: House) -> None:
    owner = found.browser("owner")
    say(owner, "family", Likely.objects.get(kind="family"))
    one, other = find("B1"), find("B2")
    assert one and other and FamilyMember.objects.count() == 2
    assert "孙磊" in owner.get(reverse("portrait", args=[one.id])).content.decode()
    assert "赵敏" in owner.get(reverse("portrait", args=[other.id])).content.decode()


def test_two_files_are_merged_by_hand_from_a_portrait(found: House) -> None:
    owner = found.browser("owner")
    one, other = find("A1"), find("C1")
    assert one and other
    where = reverse("customer-same", args=[one.id])
    assert f"?other={other.id}" in owner.get(where, {"q": "周杰"}).content.decode()
    assert "188****0009" in owner.get(where, {"other": other.id}).content.decode()
    owner.post(where, {"other": other.id, "how": "merge"})
    assert merged() == {other.id: one.id}
    assert owner.post(where, {"other": other.id, "how": "merge"}).status_code == 404, "they are one already"
    assert owner.post(where, {}).status_code == 404


def test_the_front_desk_proposes_and_does_not_merge(found: House) -> None:
    desk = found.browser("front-desk")
    one, other = find("A1"), find("C1")
    assert one and other
    where = reverse("customer-same", args=[one.id])
    html = desk.get(where, {"other": other.id}).content.decode()
    assert "我看是同一个人" in html and "合成一位</button>" not in html
    assert desk.post(where, {"other": other.id, "how": "merge"}).status_code == 403 and merged() == {}
    desk.post(where, {"other": other.id, "how": "propose"})
    assert Likely.objects.get(one=one, other=other).asked_by == found.staff["front-desk"]
    assert "front-desk Li提的" in found.browser("owner").get(reverse("duplicates")).content.decode()
    assert "拆开" not in desk.get(reverse("portrait", args=[one.id])).content.decode()


def test_an_answer_that_is_none_changes_nothing(found: House) -> None:
    owner = found.browser("owner")
    assert "没有这个选项" in say(owner, "drop table", pair())
    say(owner, "different", pair())
    assert "已经有人决定" in say(owner, "merged", Likely.objects.get(state="different"))
    assert owner.get(reverse("duplicates"), {"show": "x"}).status_code == 404
    assert owner.get(reverse("duplicates"), {"after": "x.y"}).status_code == 200
    assert merged() == {}


def test_many_proposals_page_through_once_each_and_cost_no_more_queries(
    found: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = found.browser("owner")
    owner.get(reverse("duplicates"))
    with CaptureQueriesContext(connection) as few:
        owner.get(reverse("duplicates"))
    found.shop.take_in([person(f"D{k}{a}", f"陈{'静敏洁莹倩悦琳颖璐琪'[k]}", birthday=f"1990-02-{k + 1:02}")
                        for k in range(10) for a in "ab"])  # fmt: skip
    find_likely()
    with CaptureQueriesContext(connection) as many:
        owner.get(reverse("duplicates"))
    assert len(many) <= len(few)
    monkeypatch.setattr(duplicates, "A_PAGE", 4)
    seen: list[str] = []
    where = reverse("duplicates")
    while where:
        html = owner.get(where).content.decode()
        seen += re.findall(r'id="pair-(\d+)"', html)
        older = re.search(r'class="button quiet" href="(\?[^"]*after=[^"]*)"', html)
        where = reverse("duplicates") + older[1].replace("&amp;", "&") if older else ""
    assert len(seen) == len(set(seen)) == 11


def test_an_empty_shop_is_told_what_to_do_and_looks_on_demand(house: House) -> None:
    owner = house.browser("owner")
    assert "还没有找过" in owner.get(reverse("duplicates")).content.decode()
    owner.post(reverse("duplicates-search"))
    assert "正在找" in owner.get(reverse("duplicates")).content.decode()
    assert [j.state for j in house.work()] == ["done"]
    assert "没有像同一个人的档案" in owner.get(reverse("duplicates")).content.decode()


def test_an_import_looks_for_doubles_of_those_it_brings(found: House) -> None:
    from regulars.jobs import ask_for_duplicates
    from regulars.jobs import find_likely as job

    taken = found.shop.take_in([person("A3", "王小芳", "139****5601")])
    assert job({"since": taken.batch.id}, lambda *_: None)["new"] >= 1
    assert Likely.objects.filter(other=find("A3")).exists()
    ask_for_duplicates()
    ask_for_duplicates()
    assert Job.objects.filter(kind="duplicates", args={}).count() == 1, "once a week, and not twice at once"


def test_the_page_is_english_for_who_reads_english(found: House) -> None:
    owner = found.browser("owner")
    owner.post("/lang/", {"language": "en"})
    html = owner.get(reverse("duplicates")).content.decode()
    assert "Two neighbouring digits of the phone are swapped" in html and "One person" in html
