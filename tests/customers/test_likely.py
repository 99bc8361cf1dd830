"""Who may be one person: found by what two files share, proposed with reasons, answered by a person."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.duplicates_quality import labelled, measure, write
from tests.shops import Shop

from regulars.customers import actions as customers
from regulars.customers.likely import Base, find_likely
from regulars.customers.models import Customer, Detail, Family, FamilyMember, Likely, LikelyState
from regulars.customers.pairs import likely_page, sides
from regulars.customers.queries import find, merged
from regulars.customers.rules.likeness import SIGNS, SURE, WEAK, Known, verdict
from regulars.shop.actions import add_staff
from regulars.shop.models import AuditEvent, Staff
from regulars.shop.words import Refused

P1, P2 = "13912345601", "13712340987"


def listed(**who: str) -> dict[str, object]:
    return {"会员号": "", "姓名": "", "手机号": "", "生日": "", "性别": "", "地址": "", **who}


def a_list(shop: Shop, *rows: dict[str, object]) -> None:
    shop.take_in(list(rows))


def proposals() -> dict[frozenset[str], tuple[str, str]]:
    """Who is proposed with whom (by member number, or else number of the file), how and how surely."""
    found = {}
    for pair in Likely.objects.select_related("one", "other"):
        both = sides([pair.one, pair.other])
        names = frozenset(
            (both[c].numbers or both[c].phones or ["?"])[0] for c in (pair.one_id, pair.other_id)
        )
        found[names] = pair.kind, pair.strength
    return found


@pytest.fixture
def boss(shop: Shop) -> Staff:
    return add_staff(name="林老板", email="lin@example.com", role="owner")


# --- the rule --------------------------------------------------------------------------------------------------------

WANG = Known(
    "王小芳",
    sex="female",
    phones=(P1,),
    birthday="solar 1990-05-06",
    numbers=("1",),
    address="解放路1号2单元",
)

CASES: list[tuple[str, Known, Any]] = [
    ("one digit wrong", Known("王小芳", phones=("13912345604",), numbers=("2",)), ("merge", "sure")),
    ("two digits swapped", Known("王小芳", phones=("13912345610",), numbers=("2",)), ("merge", "sure")),
    ("swapped, no name", Known("", phones=("13912345610",)), ("merge", "weak")),
    (
        "same name and masked phone",
        Known("王小芳", masked=("139****5601",), numbers=("2",)),
        ("merge", "sure"),
    ),
    ("masked phone of another", Known("王小芳", masked=("139****5602",)), None),
    ("birthday, surname, pet name", Known("王芳", birthday="solar 1990-05-06"), ("merge", "sure")),
    ("birthday without a year", Known("王小芳", birthday="solar --05-06"), ("merge", "sure")),
    ("name and address", Known("王小芳", address="江城市解放路1号2单元", phones=(P2,)), ("merge", "sure")),
    ("two numbers, one name, one phone", Known("王小芳", phones=(P1,), numbers=("2",)), ("merge", "sure")),
    ("one phone, two names", Known("李强", sex="male", phones=(P1,), numbers=("2",)), ("family", "sure")),
    ("surname and address", Known("王大伟", address="解放路1号2单元"), ("family", "weak")),
    ("father and daughter", Known("王建国", birthday="solar 1962-05-06", phones=(P1,)), ("family", "sure")),
    ("namesake", Known("王小芳", numbers=("2",)), None),
    ("namesake in one store", Known("王小芳", stores=(1,), numbers=("2",)), None),
    (
        "namesake, other birthday, other phone",
        Known("王小芳", phones=(P2,), birthday="solar 1991-01-02"),
        None,
    ),
    ("a neighbour's number", Known("赵敏", phones=("13912345602",)), None),
    ("a stranger's birthday", Known("王大伟", birthday="solar 1990-05-06"), None),
    ("nothing known", Known(), None),
]


@pytest.mark.parametrize(("case", "other", "wanted"), CASES, ids=[c for c, _, _ in CASES])
def test_a_verdict_follows_from_what_both_have(case: str, other: Known, wanted: Any) -> None:
    there, back = verdict(WANG, other), verdict(other, WANG)
    assert (there and (there.kind, there.strength)) == wanted, there
    assert there == back, "whichever comes first"


def test_a_common_name_needs_more_than_a_rare_one() -> None:
    rare, common = Known("王小芳", birthday="solar 1990-05-06", phones=(P1,)), {"namesakes": 3000}
    other = Known("王小芳", birthday="solar 1990-05-06", phones=(P2,))
    assert verdict(rare, other).strength == "sure"  # type: ignore[union-attr]
    both = [Known(**{**k.__dict__, **common}) for k in (rare, other)]
    assert verdict(*both).strength == "weak"  # type: ignore[union-attr]


def test_every_weight_has_its_reason() -> None:
    assert all(s.because and s.words.zh and s.words.en for s in SIGNS.values())
    assert min(abs(s.weight) for s in SIGNS.values()) >= 1 and WEAK < SURE


# --- in a shop -------------------------------------------------------------------------------------------------------


def test_pairs_are_found_among_strangers(shop: Shop) -> None:
    a_list(
        shop,
        listed(会员号="1", 姓名="王小芳", 手机号=P1, 生日="1990-05-06"),
        listed(会员号="2", 姓名="王小芳", 手机号="13912345610"),  # swapped
        listed(会员号="3", 姓名="陈静", 手机号="137****0987"),
        listed(会员号="4", 姓名="陈静", 手机号=P2),
        listed(会员号="5", 姓名="刘洋", 手机号="15012340001", 生日="1988-01-09"),
        listed(会员号="6", 姓名="刘阳", 生日="1988-01-09"),
        listed(会员号="7", 姓名="赵敏", 手机号="15012340002", 地址="学府路 12 号 3 单元"),
        listed(会员号="8", 姓名="孙磊", 手机号="15012340002"),  # her husband
        listed(会员号="9", 姓名="陈静", 手机号="18812349876"),  # a namesake
        listed(会员号="10", 姓名="周杰", 手机号="15012340003"),  # a neighbour's number
    )
    found = find_likely()
    assert {pair: said for pair, said in proposals().items() if "150****0002" not in pair} == {
        frozenset({"1", "2"}): ("merge", "sure"), frozenset({"3", "4"}): ("merge", "sure"),
        frozenset({"5", "6"}): ("merge", "sure"), frozenset({"7", "8"}): ("family", "sure"),
    }  # fmt: skip
    assert found.new == Likely.objects.count()
    again = find_likely()
    assert (again.new, again.dropped, again.kept) == (0, 0, found.new), "looked at twice, proposed once"


def test_a_number_in_other_letters_is_proposed(shop: Shop) -> None:
    """Trap 29: two files because a number was written in small letters, or its zeros were eaten by a spreadsheet."""
    a_list(shop, listed(会员号="ab0100", 姓名="王小芳"), listed(会员号="00777", 姓名="陈静"))
    a_list(shop, listed(会员号="AB0100", 姓名="王小芳"), listed(会员号="777", 姓名="刘洋"))
    find_likely()
    assert set(proposals()) == {frozenset({"ab0100", "AB0100"})}


def test_a_masked_phone_is_kept_sealed_and_names_nobody(shop: Shop) -> None:
    a_list(shop, listed(会员号="3", 姓名="陈静", 手机号="137****0987"))
    assert Detail.objects.get(key="masked_phone").plain == ""
    assert Detail.objects.get(key="masked_phone").sealed == "137****0987"
    assert find("137****0987") is None


def test_a_proposal_goes_when_its_reason_goes_and_answers_stay(shop: Shop, boss: Staff) -> None:
    a_list(shop, listed(会员号="1", 姓名="王小芳", 生日="1990-05-06"), listed(会员号="2", 姓名="王小芳", 生日="1990-05-06"),
           listed(会员号="3", 姓名="陈静", 生日="1980-02-03"), listed(会员号="4", 姓名="陈静", 生日="1980-02-03"))  # fmt: skip
    find_likely()
    assert len(proposals()) == 2
    customers.decide(Likely.objects.get(one=find("3")), "different", by=boss)
    customers.say_detail(find("2"), "birthday", "solar 1991-01-01", by=boss)  # type: ignore[arg-type]
    customers.say_detail(find("4"), "birthday", "solar 1991-01-01", by=boss)  # type: ignore[arg-type]
    found = find_likely()
    assert (found.dropped, set(proposals())) == (1, {frozenset({"3", "4"})})


def test_who_was_told_apart_is_never_proposed_again_also_under_another_file(shop: Shop, boss: Staff) -> None:
    same = {"姓名": "王小芳", "生日": "1990-05-06"}
    a_list(shop, *(listed(会员号=str(k), **same) for k in (1, 2, 3)))
    find_likely()
    assert Likely.objects.count() == 3
    one, two, three = (find(str(k)) for k in (1, 2, 3))
    customers.decide(Likely.objects.get(one=two, other=three), "different", by=boss, why="母女")
    customers.decide(Likely.objects.get(one=one, other=three), "merged", by=boss)
    assert merged() == {three.id: one.id}  # type: ignore[union-attr]
    find_likely()
    assert not Likely.objects.filter(state="open", one__merged_into=None, other__merged_into=None).exists()
    assert likely_page("")[0] == []


def test_those_of_an_import_are_compared_with_everybody_and_others_are_left_alone(shop: Shop) -> None:
    same = {"姓名": "王小芳", "生日": "1990-05-06"}
    a_list(shop, listed(会员号="1", **same), listed(会员号="2", **same))
    a_list(shop, listed(会员号="3", **same))
    new = find("3")
    assert new is not None
    find_likely([new.id])
    assert set(proposals()) == {frozenset({"1", "3"}), frozenset({"2", "3"})}


def test_a_crowd_with_one_birthday_is_no_candidate(shop: Shop) -> None:
    """1 January is what tills write when nobody knows; a hundred of one name with it are no hundred doubles."""
    a_list(shop, *(listed(会员号=str(k), 姓名="王芳", 生日="1990-01-01") for k in range(100)))
    assert find_likely().new == 0


def test_candidates_are_few_however_many_there_are(shop: Shop) -> None:
    a_list(shop, *(listed(会员号=str(k), 姓名="王李张刘陈"[k % 5] + "伟芳娜敏静丽强"[k % 7], 手机号=f"139{k * 7919 % 10**8:08}")
                   for k in range(700)))  # fmt: skip
    assert len(Base.read().candidates()) < 700


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def pair(shop: Shop, boss: Staff) -> Likely:
    a_list(shop, listed(会员号="1", 姓名="王小芳", 手机号=P1), listed(会员号="2", 姓名="李强", 手机号=P1))
    find_likely()
    return Likely.objects.get(kind="family")


def test_a_family_is_made_and_taken_back(pair: Likely, boss: Staff) -> None:
    customers.decide(pair, "family", by=boss)
    assert sorted(FamilyMember.objects.values_list("customer", flat=True)) == [pair.one_id, pair.other_id]
    customers.say_role(FamilyMember.objects.first(), "spouse", by=boss)  # type: ignore[arg-type]
    with pytest.raises(Refused):
        customers.say_role(FamilyMember.objects.first(), "boss")  # type: ignore[arg-type]
    customers.reopen_likely(pair, by=boss)
    assert (Family.objects.count(), FamilyMember.objects.count()) == (0, 0)


def test_a_third_comes_into_the_family_and_leaves_it_alone_again(pair: Likely, boss: Staff) -> None:
    customers.decide(pair, "family", by=boss)
    child = customers.add_customer(name="李小宝")
    more = Likely.objects.create(one_id=pair.one_id, other=child, kind="family", reasons=["family-address"])
    customers.decide(more, "family", by=boss)
    assert Family.objects.get().members.count() == 3
    customers.reopen_likely(more, by=boss)
    assert sorted(FamilyMember.objects.values_list("customer", flat=True)) == [pair.one_id, pair.other_id]


def test_two_people_cannot_answer_one_question(pair: Likely, boss: Staff) -> None:
    customers.decide(pair, "different", by=boss)
    with pytest.raises(Refused):
        customers.decide(pair, "merged", by=boss)
    with pytest.raises(Refused):
        customers.decide(pair, "nonsense", by=boss)
    assert Likely.objects.get(id=pair.id).state == LikelyState.DIFFERENT and merged() == {}


def test_an_answer_is_signed_and_its_reason_sealed(pair: Likely, boss: Staff) -> None:
    customers.decide(pair, "different", by=boss, why="是她先生")
    event = AuditEvent.objects.get(verb="decide-same")
    assert (event.actor_id, event.detail) == (boss.pk, {"other": pair.other_id, "how": "different"})
    assert "先生" not in str(AuditEvent.objects.values_list())
    assert Likely.objects.get(id=pair.id).why == "是她先生"


def test_what_staff_propose_stays_until_somebody_answers(shop: Shop, boss: Staff) -> None:
    a_list(shop, listed(会员号="1", 姓名="王小芳"), listed(会员号="2", 姓名="小王"))
    one, other = find("1"), find("2")
    assert one and other
    desk = add_staff(name="小周", email="zhou@example.com", role="front-desk")
    customers.propose(other, one, by=desk)
    customers.propose(one, other, by=desk)
    find_likely()
    pair = Likely.objects.get()
    assert (pair.reasons, pair.asked_by, pair.state) == (["person"], desk, "open")
    customers.decide(pair, "different", by=boss)
    with pytest.raises(Refused):
        customers.propose(one, other, by=desk)


def test_parting_because_they_are_two_is_remembered(shop: Shop, boss: Staff) -> None:
    same = {"姓名": "王小芳", "生日": "1990-05-06"}
    a_list(shop, listed(会员号="1", **same), listed(会员号="2", **same))
    one, other = Customer.objects.order_by("id")
    customers.part(customers.merge(one, other, by=boss), by=boss)
    assert find_likely().new == 0
    assert Likely.objects.get().state == LikelyState.DIFFERENT


def test_a_name_alone_proposes_nobody(shop: Shop) -> None:
    """Trap 30: the same name brings nobody together, neither in a file nor in a proposal."""
    a_list(shop, listed(会员号="1", 姓名="王小芳"), listed(会员号="2", 姓名="王小芳"))
    assert Customer.objects.count() == 2 and find_likely().new == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_a_labelled_set_is_found_with_few_mistakes(shop: Shop, seed: int) -> None:
    """A small form of benchmarks/duplicates_quality.py: bounds below which a change of weights has done harm."""
    made = labelled(700, seed, second=120)
    shop.take_in(write(made.files, shop.files / "list.csv"))
    find_likely()
    q = measure(made.truth)
    assert q.precision >= 0.95 and q.recall >= 0.8, q
    assert q.family_precision >= 0.95 and q.family_recall >= 0.9, q
