"""What she has agreed to, and what follows from it: in plans, in imports, in the file."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from tests.shops import Shop

from regulars import daily
from regulars.care.actions import end
from regulars.care.gifts import give, may_give
from regulars.care.models import Task, TaskState
from regulars.customers import actions, consents, rights
from regulars.customers.models import Consent, Customer, Detail, Wording
from regulars.customers.queries import details_of, find, sensitive_details_of
from regulars.customers.rules import consent as rule
from regulars.grading.actions import adopt
from regulars.playbooks.playbook import Playbook
from regulars.shop import vault
from regulars.shop.actions import add_staff
from regulars.shop.models import AuditEvent, Business, Contact, Hold, Staff
from regulars.shop.words import Refused, Words

ON = date(2026, 11, 22)
ID_NUMBER = "11010519491231002X"


@pytest.fixture
def owner(shop: Shop) -> Staff:
    return add_staff(name="老周", email="zhou@example.com", role="owner", password=None, minutes=600)


@pytest.fixture
def her(shop: Shop, owner: Staff) -> Customer:
    return actions.add_customer(name="王芳", phone="13955550123", member="M1", by=owner)


def say(her: Customer, purpose: str, granted: bool, **more: Any) -> Consent:
    return consents.say_consent(her, purpose, granted, source="counter", on=ON, **more)


def test_the_latest_word_counts_and_nothing_is_overwritten(her: Customer) -> None:
    assert not consents.allowed(her, "marketing", "sms", ON)
    first = say(her, "marketing", True, channel="sms")
    assert consents.allowed(her, "marketing", "sms", ON) and not consents.allowed(
        her, "marketing", "call", ON
    )
    say(her, "marketing", False)
    assert not consents.allowed(her, "marketing", "sms", ON)
    assert [c.granted for c in consents.history(her)] == [False, True]
    assert first.wording is not None and first.wording.zh == rule.PURPOSES["marketing"].wording.zh


def test_words_that_change_are_a_new_version_and_the_old_yes_keeps_its_own(
    her: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = say(her, "marketing", True)
    from dataclasses import replace

    newer = replace(rule.PURPOSES["marketing"], wording=Words("新的话", "new words"))
    monkeypatch.setitem(rule.PURPOSES, "marketing", newer)
    new = say(her, "marketing", True)
    assert new.wording and old.wording and (new.wording.version, old.wording.version) == (2, 1)
    assert Wording.objects.filter(purpose="marketing").count() == 2


def test_a_yes_with_an_end_runs_out(her: Customer) -> None:
    say(her, "marketing", True, until=ON + timedelta(days=10))
    assert consents.allowed(her, "marketing", "sms", ON + timedelta(days=10))
    assert not consents.allowed(her, "marketing", "sms", ON + timedelta(days=11))
    with pytest.raises(Refused):
        say(her, "marketing", True, said_on=ON + timedelta(days=1))


def test_whoever_is_merged_brings_her_words_and_takes_them_back_when_parted(
    her: Customer, owner: Staff
) -> None:
    other = actions.add_customer(name="王芳", phone="13955550124", by=owner)
    say(other, "care", False, channel="call")
    batch = actions.merge(her, other, by=owner)
    her.refresh_from_db()
    assert not consents.allowed(her, "care", "call", ON) and consents.allowed(her, "care", "sms", ON)
    assert consents.shut_channels(ON).shut == {her.pk: frozenset({"call"})}
    actions.unmerge(batch, by=owner)
    assert consents.allowed(her, "care", "call", ON)


def test_in_bulk_as_for_one(her: Customer, owner: Staff) -> None:
    """The table for a plan says of everybody what the single question says."""
    others = [actions.add_customer(name=f"n{n}", phone=f"1395555900{n}", by=owner) for n in range(4)]
    say(her, "care", False)
    say(others[0], "care", False, channel="visit")
    say(others[1], "marketing", True)
    actions.say_detail(others[2], "birthday", "solar 2015-05-06")
    closed = consents.shut_channels(ON)
    for one in (her, *others):
        one.refresh_from_db()
        each = {
            c
            for c, ways in rule.BY_CARE.items()
            if not any(consents.allowed(one, "care", w, ON) for w in ways)
        }
        assert closed.shut.get(one.pk, frozenset()) == each
    assert consents.agreed("marketing", "sms", [others[1].pk], ON)[others[1].pk].holds
    assert len(closed.shut[others[2].pk]) == 5, "a child is left alone until a guardian agrees"


# --- care ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def late(shop: Shop, owner: Staff) -> Customer:
    """Somebody who came every week and has stayed away: due a call."""
    adopt("restaurant", by=owner)
    shop.take_in(
        [
            {"会员号": "M1", "手机号": "17400010001", "消费时间": f"{ON - timedelta(days=35 + 7 * k)} 12:00", "实收金额": 300}
            for k in range(20)
        ]
        + [{"会员号": "M9", "手机号": "17400010009", "消费时间": f"{ON - timedelta(days=1)} 20:00", "实收金额": 80}]
    )  # fmt: skip
    found = find("M1")
    assert found
    return found


def due(customer: Customer) -> list[Task]:
    return list(Task.objects.filter(customer=customer, state=TaskState.OPEN))


def test_no_task_by_a_way_that_she_has_refused(late: Customer) -> None:
    daily.run_day(ON)
    ways = {t.channel for t in due(late)}
    assert ways & {"call", "message"}, "an old customer who was never asked is cared for as before"
    for way in ("call", "sms", "wechat", "visit", "mail"):
        consents.say_consent(late, "care", False, channel=way, source="counter", on=ON)
    daily.run_day(ON + timedelta(days=1))
    assert {t.channel for t in due(late)} <= {"in-person"}


def test_withdrawing_is_one_step_and_works_at_once(late: Customer, owner: Staff) -> None:
    consents.say_consent(late, "marketing", True, source="paper", on=ON)
    daily.run_day(ON)
    assert due(late)
    daily.withdraw_all(late, source="counter", on=ON, by=owner)
    assert {t.channel for t in due(late)} <= {"in-person"}
    assert Hold.objects.filter(person=late.pk, rule="", until=None).count() == 1
    assert not consents.allowed(late, "marketing", "sms", ON) and not consents.allowed(
        late, "care", "call", ON
    )
    assert consents.allowed(late, "service", "call", ON), "her booking is still confirmed"
    said = Consent.objects.count()
    daily.withdraw_all(late, source="counter", on=ON, by=owner)
    assert (Consent.objects.count(), Hold.objects.filter(rule="").count()) == (said, 1)


def test_who_refuses_automated_decisions_is_planned_for_by_nobody_but_people(
    late: Customer, owner: Staff
) -> None:
    rights.set_automation(late, True, source="counter", on=ON, by=owner)
    daily.run_day(ON)
    assert due(late) == []
    rights.set_automation(late, False, source="counter", on=ON, by=owner)
    daily.run_day(ON + timedelta(days=1))
    assert due(late)


# --- presents --------------------------------------------------------------------------------------------------------


def present(her: Customer, cost: int, occasion: str = "x") -> Task:
    return Task.objects.create(
        customer=her,
        playbook="p",
        rule="gift",
        occasion=occasion,
        on=ON,
        due_on=ON,
        last_on=ON,
        channel="gift",
        cost=cost,
    )


@pytest.mark.parametrize(("key", "value"), [("public_official", "true"), ("occupation", "official")])
def test_no_present_to_a_public_official_and_the_try_is_on_record(
    her: Customer, owner: Staff, key: str, value: str
) -> None:
    task = present(her, 2000)
    actions.say_detail(her, key, value)
    with pytest.raises(Refused, match="public official"):
        end(task, TaskState.DONE, by=owner, on=ON)
    task.refresh_from_db()
    assert task.state == TaskState.OPEN and not Contact.objects.exists()
    assert AuditEvent.objects.get(verb="gift-blocked").detail == {"fen": 2000, "reason": "official"}
    with pytest.raises(Refused):
        give(her, 0, on=ON, by=owner)
    end(task, TaskState.NOT_WANTED, by=owner, on=ON)


def test_presents_to_others_end_at_the_cap_of_the_year(her: Customer, owner: Staff) -> None:
    Business.objects.update(gift_cap_fen=50_00)
    end(present(her, 30_00), TaskState.DONE, by=owner, on=ON)
    with pytest.raises(Refused):
        end(present(her, 20_01, "y"), TaskState.DONE, by=owner, on=ON)
    assert may_give(her, 20_00, ON)
    assert may_give(her, 50_00, date(2027, 1, 1)), "a new year begins"
    Business.objects.update(gift_cap_fen=0)
    assert may_give(her, 10**9, ON)


# --- sensitive facts -------------------------------------------------------------------------------------------------

ROWS = [
    {"会员号": "M1", "手机号": "13955550123", "姓名": "王芳", "身份证号": ID_NUMBER, "既往病史": "哮喘", "民族": "回族", "备用": "", "座位号": "清淡"},
    {"会员号": "M2", "手机号": "13955550124", "姓名": "李雷", "身份证号": "", "既往病史": "高血压", "民族": "", "备用": "", "座位号": ""},
]  # fmt: skip


def test_columns_of_a_kind_that_is_off_are_not_read_and_the_import_says_why(
    shop: Shop, her: Customer
) -> None:
    trial = daily.try_out([shop.file("list.csv", ROWS)])
    taken = shop.take_in(ROWS)
    for warnings in ([w.zh for w in trial.warnings], [zh for zh, _ in taken.batch.warnings]):
        assert [c for c in ("身份证号", "既往病史", "民族") if not any(c in w for w in warnings)] == []
    assert not any(Detail.objects.filter(key=f"raw:{c}").exists() for c in ("身份证号", "既往病史", "民族"))
    kept = vault.get_table(f"batch-{taken.batch.pk}-extras")
    assert kept is not None and not {"raw:身份证号", "raw:既往病史"} & set(kept.column_names)
    assert details_of(her)["raw:座位号"] == "清淡"


def test_refused_rows_do_not_keep_them_either(shop: Shop, owner: Staff) -> None:
    bad = {**ROWS[0], "会员号": "", "手机号": "", "姓名": ""}
    taken = shop.take_in([*ROWS, {**bad, "既往病史": "癫痫", "姓名": "谁"}])
    left = vault.get_table(f"batch-{taken.batch.pk}-refused")
    assert left is not None and left.num_rows == 1
    assert "癫痫" not in repr(left.to_pylist())


def test_an_identity_number_betrays_itself_under_any_header(shop: Shop, owner: Staff) -> None:
    shop.take_in([{"会员号": "M1", "手机号": "13955550123", "备用": ID_NUMBER}])
    assert not Detail.objects.filter(key="raw:备用").exists()
    with pytest.raises(Refused):
        found = find("M1")
        assert found
        actions.say_detail(found, "something", ID_NUMBER)


def test_with_the_kind_on_only_those_who_agreed_are_written_down(shop: Shop, her: Customer) -> None:
    with pytest.raises(Refused, match="switched off"):
        say(her, "sensitive:health", True)
    with pytest.raises(Refused):
        actions.say_detail(her, "病史", "哮喘")
    Business.objects.update(sensitive=["health"])
    with pytest.raises(Refused, match="separately"):
        actions.say_detail(her, "病史", "哮喘")
    say(her, "sensitive:health", True)
    taken = shop.take_in(ROWS)
    assert sensitive_details_of(her, "health") == {"raw:既往病史": "哮喘"}
    other = find("M2")
    assert other and sensitive_details_of(other, "health") == {}
    kept = vault.get_table(f"batch-{taken.batch.pk}-extras")
    assert (
        kept is not None and "高血压" not in repr(kept.to_pylist()) and "哮喘" not in repr(kept.to_pylist())
    )
    assert "raw:既往病史" not in details_of(her), "whoever reads the file does not read it by the way"


def test_reading_takes_the_post_and_taking_back_deletes(her: Customer, owner: Staff) -> None:
    Business.objects.update(sensitive=["health"])
    say(her, "sensitive:health", True)
    actions.say_detail(her, "病史", "哮喘")
    business = Business.objects.get()
    analyst = add_staff(name="小数", email="a@example.com", role="analyst", password=None)
    assert consents.sensitive_allowed(business, her, "health", on=ON, reader=owner)
    assert not consents.sensitive_allowed(business, her, "health", on=ON, reader=analyst)
    say(her, "sensitive:health", False)
    assert sensitive_details_of(her, "health") == {}
    assert not consents.sensitive_allowed(business, her, "health", on=ON, reader=owner)


def test_children_of_a_list_are_told_of_and_take_no_marketing(shop: Shop, owner: Staff) -> None:
    taken = shop.take_in([{"会员号": "M1", "手机号": "13955550123", "生日": "2020-05-06"}])
    child = find("M1")
    assert child and any("14" in zh for zh, _ in taken.batch.warnings)
    say(child, "marketing", True)
    assert not consents.allowed(child, "marketing", "sms", ON)
    Business.objects.update(sensitive=["minor"])
    say(child, "minor", True)
    assert consents.allowed(child, "care", "call", ON) and not consents.allowed(child, "marketing", "sms", ON)


def test_every_way_of_care_is_mapped_to_a_way_of_consent() -> None:
    """A channel that playbooks learn later must not go past consent."""
    from typing import get_args

    from regulars.playbooks import playbook

    assert Playbook
    assert set(get_args(playbook.Channel)) - {"in-person"} == set(rule.BY_CARE)
