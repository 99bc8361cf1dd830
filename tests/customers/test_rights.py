"""What a customer may ask for: a copy with everything in it, a deletion that leaves nothing, a correction that keeps
what was wrong, an end to what the system decides alone."""

from __future__ import annotations

import contextlib
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.test import TestCase
from tests.shops import Shop, amounts, must_be_whole

from regulars import daily
from regulars.care.models import Task
from regulars.customers import actions, consents, filing, retention, rights
from regulars.customers.copying import copy_of
from regulars.customers.erasing import erase
from regulars.customers.filing import attach_file
from regulars.customers.models import Customer, LegalHold, Note, Opened, RequestState, Shared
from regulars.customers.queries import details_of, find
from regulars.grading.actions import adopt, open_books
from regulars.membership import door, partners, program, purse, referrals
from regulars.membership.models import TierBought
from regulars.sales.models import Forgotten, Identity, Sale
from regulars.shop import vault
from regulars.shop.actions import add_staff
from regulars.shop.custody import registered
from regulars.shop.keys import WrongKey, keys
from regulars.shop.models import (
    AuditEvent,
    Business,
    Contact,
    Hold,
    Outgoing,
    Reading,
    SealedTextField,
    Staff,
)
from regulars.shop.words import Refused
from regulars.web import doors

ON = date(2026, 11, 22)
PHONE, MEMBER, NAME, ADDRESS, NOTE = "13955550123", "VIP660017", "欧阳玉兰", "桂花巷 88 号", "爱坐靠窗第三桌"
HERS = (
    PHONE,
    MEMBER,
    NAME,
    ADDRESS,
    NOTE,
    "yulan@example.cn",
    "微信里说过的话",
    "电话里说的",
    "因为她常来玉兰",
    "玉兰的女儿小满",
    "和同学阿珍",
    "玉兰的合影",
)
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(200))


def receipt(day: int, **more: Any) -> dict[str, Any]:
    return {
        "订单号": f"R{day}",
        "消费时间": f"{ON - timedelta(days=day)} 18:00",
        "会员号": "",
        "手机号": "",
        "实收金额": "88",
        **more,
    }


RECEIPTS = [
    *(receipt(k, 会员号=MEMBER, 手机号=PHONE, 姓名=NAME) for k in (3, 10, 17, 24)),
    *(receipt(k, 会员号="M2", 手机号="13955550999", 姓名="李雷") for k in (2, 9, 16)),
    receipt(1),
]


@pytest.fixture
def owner(shop: Shop) -> Staff:
    made = add_staff(name="老周", email="zhou@example.com", role="owner", password=None)
    adopt("restaurant", by=made)
    return made


@pytest.fixture
def clerk(owner: Staff) -> Staff:
    return add_staff(name="小林", email="lin@example.com", role="service", password=None)


def planted(shop: Shop, owner: Staff) -> Customer:
    """One customer of whom something stands in every record that can hold her."""
    shop.take_in(RECEIPTS)
    shop.take_in(
        [
            {
                "会员号": MEMBER,
                "手机号": PHONE,
                "姓名": NAME,
                "地址": ADDRESS,
                "邮箱": HERS[5],
                "备注": NOTE,
                "生日": "1990-11-24",
            }
        ]
    )
    shop.take_in([receipt(5, 手机号=PHONE), receipt(6, 手机号=PHONE, 实收金额="坏")])
    her = find(MEMBER)
    assert her is not None
    other = actions.add_customer(name=NAME, phone="13955550124", by=owner)
    actions.merge(her, other, by=owner)
    her.refresh_from_db()
    daily.run_day(ON)
    actions.add_note(her, NOTE, on=ON, by=owner)
    actions.say_detail(her, "address", ADDRESS, by=owner)
    consents.say_consent(her, "marketing", True, channel="sms", source="paper", on=ON, by=owner)
    Task.objects.create(
        customer=her, playbook="restaurant", rule="x", occasion="x", on=ON, due_on=ON, last_on=ON, channel="call",
        why=[HERS[8], HERS[8]], say=[f"{NAME}您好", NAME], note=HERS[7], staff=owner,
    )  # fmt: skip
    Outgoing.objects.create(key="k1", person=her.pk, channel="sms", purpose="care", to=PHONE, text=HERS[6])
    Contact.objects.create(person=her.pk, on=ON, staff=owner, channel="call", cost=500)
    Hold.objects.create(person=her.pk, rule="y", why=NOTE, by=owner)
    Reading.objects.create(person=her.pk, staff=owner, what="phone", reason="other", said=NOTE, on=ON)
    Shared.objects.create(customer=her, staff=owner, by=owner)
    filing.add_relative(her, relation="child", name="玉兰的女儿小满", phone="13955550777", by=owner)
    filing.note_visit(her, ON, companions="和同学阿珍", by=owner)
    filing.put_tag(her, "老街坊", by=owner)
    filing.attach_file(her, "玉兰的合影.png", PICTURE, on=ON, by=owner)
    cousin = actions.add_customer(name="欧阳玉竹", phone="13955550888", by=owner)
    actions.decide(actions.propose(her, cousin, by=owner), "family", by=owner)
    Opened.objects.create(customer=her, staff=owner, until="2026-11-22T12:00Z")
    _make_a_member(her, cousin, owner)
    vault.put_bytes("upload-old-0", f"手机号,姓名\n{PHONE},{NAME}\n".encode("gb18030"))
    vault.put_bytes("upload-new-0", "手机号,姓名\n13955550999,李雷\n".encode())
    return her


def _make_a_member(her: Customer, cousin: Customer, owner: Staff) -> None:
    """She holds points, has a correction with its reason, something set aside, a tier that she paid for, a friend who
    brought her and a partner's card."""
    program.open_program("tiers", ON, by=owner)
    member, friend = program.join(her, ON, "counter", by=owner), program.join(cousin, ON, "counter", by=owner)
    purse.correct(member, "points", 90, why=NOTE, key="1", on=ON, by=owner)
    purse.reserve(member, "points", 9, key="2", on=ON)
    TierBought.objects.create(member=member, key="3", tier="vip", price=100, starts_on=ON, ends_on=ON)
    referrals.bring(her, friend, on=ON, how="counter", by=owner)
    door.link_for(her, doors.clock(), by=owner)
    bank = partners.make("银行", begins="6225", valid_from=ON)
    partners.use(bank, "622500001", 100, key="4", on=ON, customer=her)


def all_opened(folder: Path) -> bytes:
    """Every byte in the folder and every value in the store, with whatever is sealed opened."""
    found: list[bytes] = []
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            found.append(data)
            if path.suffix == ".sealed":
                opened = keys().unseal_bytes(data)
                found.append(opened)
                found.append(opened.decode("gb18030", "ignore").encode())
                table = vault.get_table(path.stem) if opened[:4] == b"\xff\xff\xff\xff" else None
                found.append(repr(table.to_pylist()).encode() if table is not None else b"")
    with connection.cursor() as cursor:
        for table_name in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table_name}"')
            for row in cursor.fetchall():
                for value in row:
                    if isinstance(value, bytes | memoryview):
                        try:
                            found.append(keys().unseal_bytes(bytes(value)))
                        except WrongKey:
                            found.append(bytes(value))
                    else:
                        found.append(json.dumps(unfolded(value), default=str, ensure_ascii=False).encode())
    return b"\n".join(found)


def unfolded(value: Any) -> Any:
    """A column of JSON as its words: SQLite gives it back as it was written, with letters as numbers."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        with contextlib.suppress(ValueError):
            return json.loads(value)
    return value


def holding(folder: Path) -> list[str]:
    stored = all_opened(folder)
    return [text for text in HERS if text.encode() in stored]


def test_a_deletion_leaves_nothing_of_her_and_the_totals_stay(shop: Shop, owner: Staff) -> None:
    her = planted(shop, owner)
    family = [her.pk, *Customer.objects.filter(merged_into=her).values_list("id", flat=True)]
    assert set(holding(shop.folder)) == set(HERS), "she is planted everywhere"
    before, money = amounts(), sum(Sale.objects.values_list("amount", flat=True))
    tokens = {bytes(i.token) for i in Identity.objects.filter(link__customer__in=family)}
    request = rights.open_request(her, "deletion", on=ON, checked="known", by=owner)
    assert request.state == RequestState.WAITING
    daily.run_day(ON + timedelta(days=6))
    assert Customer.objects.filter(pk=her.pk).exists(), "it can be called off until its day"
    daily.run_day(ON + timedelta(days=7))
    assert holding(shop.folder) == []
    assert amounts() == before and sum(Sale.objects.values_list("amount", flat=True)) == money
    assert not Customer.objects.filter(pk__in=family).exists()
    for label, line in registered().items():
        model: Any = apps.get_model(label)
        for field in line.customer:
            assert not model.objects.filter(**{f"{field}__in": family}).exists(), label
    stored = all_opened(shop.folder)
    assert [t for t in tokens if t in stored] == [], "not even as a token that an old backup knows"
    request.refresh_from_db()
    assert (request.state, request.customer, request.ended_on) == (
        RequestState.DONE,
        None,
        ON + timedelta(days=7),
    )
    assert Contact.objects.filter(person=0, cost=500).exists(), "what was spent stays in the books"
    assert her.pk not in {d["customer"] for d in open_books().days().to_pylist()}
    assert AuditEvent.objects.filter(verb="erase", subject=f"customer {her.pk}").exists()
    assert find("M2") is not None
    must_be_whole()


def test_a_file_that_brings_her_again_brings_the_money_only(shop: Shop, owner: Staff) -> None:
    shop.take_in(RECEIPTS)
    her = find(MEMBER)
    assert her is not None
    before = amounts()
    erase(her, on=ON)
    again = shop.take_in([*RECEIPTS, receipt(30, 会员号=MEMBER, 手机号=PHONE, 姓名=NAME, 实收金额="20")])
    assert (again.batch.new, again.batch.customers) == (1, 0), (
        "her old receipts are known, the new one is nobody's"
    )
    assert find(MEMBER) is None and find(PHONE) is None
    assert amounts() == {**before, "R30": 2000}
    assert any("要求删除" in zh for zh, _ in again.batch.warnings)
    listed = shop.take_in(
        [
            {"会员号": MEMBER, "手机号": PHONE, "姓名": NAME, "地址": ADDRESS},
            {"会员号": "M7", "手机号": "", "姓名": "新", "地址": ""},
        ]
    )
    assert find("M7") is not None and find(MEMBER) is None
    assert [t for t in HERS if t.encode() in all_opened(shop.folder)] == []
    assert listed.batch.customers == 1
    back = actions.add_customer(name=NAME, phone=PHONE, by=owner)
    assert find(PHONE) == back, "who comes back of her own will is known again"
    assert Forgotten.objects.exists(), "of her other numbers nobody has spoken"


def test_receipts_without_a_number_are_known_again_after_she_was_forgotten(shop: Shop) -> None:
    bare = [{k: v for k, v in row.items() if k != "订单号"} for row in RECEIPTS]
    shop.take_in(bare)
    her = find(MEMBER)
    assert her is not None
    erase(her, on=ON)
    again = shop.take_in([*bare, {**bare[0], "消费时间": "2026-10-01 12:00"}])
    assert again.batch.new == 1


def test_a_second_person_agrees_and_it_can_be_called_off(shop: Shop, owner: Staff, clerk: Staff) -> None:
    shop.take_in(RECEIPTS)
    her = find(MEMBER)
    assert her is not None
    request = rights.open_request(her, "deletion", on=ON, checked="number", by=clerk)
    assert request.state == RequestState.OPEN
    with pytest.raises(Refused):
        rights.agree_to_deletion(request, on=ON, by=clerk)
    rights.agree_to_deletion(request, on=ON, by=owner)
    with pytest.raises(Refused):
        rights.answer(request, on=ON, by=owner)
    rights.call_off(request, on=ON, by=clerk)
    assert rights.carry_out(ON + timedelta(days=30)) == 0
    assert Customer.objects.filter(pk=her.pk).exists()


def test_a_file_that_is_kept_by_law_is_not_deleted(shop: Shop, owner: Staff) -> None:
    shop.take_in(RECEIPTS)
    her = find(MEMBER)
    assert her is not None
    rights.open_request(her, "deletion", on=ON, checked="known", by=owner)
    rights.keep(her, "纠纷未结", by=owner)
    assert rights.carry_out(ON + timedelta(days=30)) == 0
    rights.keep_no_longer(her, by=owner)
    assert rights.carry_out(ON + timedelta(days=30)) == 1


def test_the_copy_holds_what_every_registered_model_knows_of_her(shop: Shop, owner: Staff) -> None:
    """One word is planted into a text of each model that is copied; the JSON holds them all."""
    her = planted(shop, owner)
    rights.open_request(her, "correction", on=ON, checked="known", said=NOTE, by=owner)
    rights.keep(her, NOTE, by=owner)
    copy = copy_of(her)
    for label, line in registered().items():
        if line.copied and line.customer:
            assert copy[label], f"nothing of {label} is in the copy"
            model: type[models.Model] = apps.get_model(label)
            for field in model._meta.concrete_fields:
                assert (
                    (isinstance(field, models.BinaryField) and not isinstance(field, SealedTextField))
                    or field.name in copy[label][0]
                    or field.name.endswith("_name")
                ), (label, field.name)
    said = json.dumps(copy, ensure_ascii=False)
    assert [text for text in HERS if text not in said] == [], copy.get("care.Task")
    assert "老周" not in said and "老板" in said, "colleagues stand in it by their role"
    assert "李雷" not in said and "13955550999" not in said
    assert {s["receipt"] for s in copy["sales.Sale"]} == {"R3", "R10", "R17", "R24", "R5"}


def test_a_correction_keeps_what_was_wrong_as_history(shop: Shop, owner: Staff) -> None:
    her = planted(shop, owner)
    request = rights.open_request(her, "correction", on=ON, checked="known", by=owner)
    rights.correct(request, "address", "新街 1 号", on=ON, by=owner)
    request.refresh_from_db()
    assert (
        request.state == RequestState.DONE
        and ADDRESS in str(request.result)
        and "新街 1 号" in str(request.result)
    )
    assert details_of(her)["address"] == "新街 1 号"


def test_a_request_is_due_and_asked_once(shop: Shop, owner: Staff) -> None:
    shop.take_in(RECEIPTS)
    her = find(MEMBER)
    assert her is not None
    Business.objects.update(answer_days=15)
    first = rights.open_request(her, "copy", on=ON, checked="known", by=owner)
    assert first.due_on == ON + timedelta(days=15)
    assert rights.open_request(her, "copy", on=ON, checked="known", by=owner) == first
    with pytest.raises(Refused):
        rights.refuse(first, " ", on=ON, by=owner)
    rights.answer(first, on=ON, by=owner)
    with pytest.raises(Refused):
        rights.answer(first, on=ON, by=owner)


# --- retention -------------------------------------------------------------------------------------------------------


def test_who_has_long_not_come_is_deleted_and_the_rest_stay(shop: Shop, owner: Staff) -> None:
    long_ago = date(2023, 5, 1)
    old = {"消费时间": f"{long_ago} 12:00", "实收金额": "50"}
    shop.take_in(
        [{**old, "订单号": f"O{n}", "会员号": f"OLD{n}", "手机号": f"1395555{n:04}"} for n in range(4)]
    )
    shop.take_in(RECEIPTS)
    Customer.objects.update(since_at="2023-05-01T00:00Z")
    names = [find(f"OLD{n}") for n in range(4)]
    assert all(names)
    asked, noted, held, gone = (c for c in names if c)
    Contact.objects.create(person=asked.pk, on=ON - timedelta(days=30), channel="call")
    Note.objects.create(customer=noted, text="还会来", on=ON - timedelta(days=3))
    rights.keep(held, "质保期内", by=owner)
    daily.run_day(ON)
    assert Customer.objects.filter(pk=gone.pk).exists(), "nothing goes before the shop has set a time"
    Business.objects.update(keep_customers_months=36)
    before = sum(amounts().values())
    assert [c.pk for c in retention.customers_due(date(2023, 11, 22))] == [gone.pk]
    daily.run_day(ON + timedelta(days=1))
    assert not Customer.objects.filter(pk=gone.pk).exists()
    assert Customer.objects.filter(pk__in=[asked.pk, noted.pk, held.pk]).count() == 3
    assert sum(amounts().values()) == before
    assert LegalHold.objects.count() == 1


def test_notes_and_traces_go_after_their_time(shop: Shop, owner: Staff) -> None:
    shop.take_in(RECEIPTS)
    her, other = find(MEMBER), find("M2")
    assert her and other
    for customer in (her, other):
        Note.objects.create(customer=customer, text="旧", on=date(2024, 1, 1))
        Note.objects.create(customer=customer, text="新", on=ON)
    rights.keep(other, "纠纷", by=owner)
    Reading.objects.create(person=her.pk, staff=owner, what="phone", reason="call", on=date(2024, 10, 1))
    Reading.objects.create(person=her.pk, staff=owner, what="phone", reason="call", on=date(2024, 12, 1))
    task = Task.objects.create(
        customer=her, playbook="p", rule="x", occasion="x", on=ON, due_on=ON, last_on=ON, channel="call", note="旧话",
        state="done", ended_on=date(2024, 1, 1),
    )  # fmt: skip
    Business.objects.update(keep_notes_months=12)
    assert retention.counted(retention.due_on(ON)) == {"customers": 0, "notes": 2, "traces": 1}
    daily.run_day(ON)
    assert sorted(str(n.text) for n in Note.objects.filter(customer=her)) == ["新"]
    assert Note.objects.filter(customer=other).count() == 2, "a file that is kept is kept whole"
    assert [r.on for r in Reading.objects.all()] == [date(2024, 12, 1)]
    task.refresh_from_db()
    assert task.note is None


def test_a_deletion_takes_the_pictures_from_the_disk(
    shop: Shop, owner: Staff, django_capture_on_commit_callbacks: Any
) -> None:
    her = planted(shop, owner)
    kept = list((shop.folder / "uploads").glob("kept-*.sealed"))
    assert len(kept) == 1
    with django_capture_on_commit_callbacks(execute=True):
        erase(her, on=ON, by=owner)
    assert not kept[0].exists()


def test_a_deletion_takes_no_attachment_out_of_somebody_elses_file(shop: Shop, owner: Staff) -> None:
    shop.take_in([receipt(3, 会员号="10001", 姓名=NAME), receipt(4, 会员号="M2", 姓名="李雷")])
    her, other = find("10001"), find("M2")
    assert her is not None and other is not None
    contract = b"%PDF-1.4 xref 0000010001 00000 n " + PHONE.encode()
    kept = [attach_file(one, "contract.pdf", contract, on=ON, by=owner).vault_name for one in (her, other)]
    with contextlib.ExitStack() as committed:
        committed.enter_context(TestCase.captureOnCommitCallbacks(execute=True))
        erase(her, on=ON, by=owner)
    assert [vault.get_bytes(name) for name in kept] == [None, contract]


def test_what_is_called_off_at_the_last_moment_is_not_carried_out(
    shop: Shop, owner: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    her = planted(shop, owner)
    asked = rights.open_request(her, "deletion", on=ON, checked="known", by=owner)
    on = asked.carried_out_on
    due = rights.due_deletions(on)
    assert [r.pk for r in due] == [asked.pk]
    rights.call_off(asked, on=on, by=owner)
    monkeypatch.setattr(rights, "due_deletions", lambda _: due)
    assert rights.carry_out(on) == 0
    assert Customer.objects.filter(pk=her.pk).exists()
    asked.refresh_from_db()
    assert asked.state == RequestState.CALLED_OFF


def test_a_file_kept_by_law_is_kept_under_whatever_name_it_is_merged(shop: Shop, owner: Staff) -> None:
    shop.take_in(RECEIPTS)
    her, other = find(MEMBER), find("M2")
    assert her is not None and other is not None
    asked = rights.open_request(her, "deletion", on=ON, checked="known", by=owner)
    rights.keep(other, "官司", by=owner)
    daily.merge(her, other, by=owner)
    root = Customer.objects.get(merged_into=None, pk__in=(her.pk, other.pk))
    on = asked.carried_out_on
    assert rights.due_deletions(on) == []
    assert rights.carry_out(on) == 0
    rights.call_off(asked, on=on, by=owner)
    for one in (her, other):
        actions.add_note(one, NOTE, on=ON - timedelta(days=4000), by=owner)
    Business.objects.update(keep_notes_months=24)
    retention.sweep(ON)
    assert Note.objects.count() == 2
    for kept in (False, True):
        assert (root in retention.customers_due(date(2100, 1, 1), kept=kept)) == kept
    rights.keep_no_longer(root, by=owner)
    assert root in retention.customers_due(date(2100, 1, 1))
