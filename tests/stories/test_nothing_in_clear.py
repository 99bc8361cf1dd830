"""Whoever finds the shop's folder without its key reads names and amounts, and nothing else about a person."""

from __future__ import annotations

import json
from datetime import date

from django.db import connection
from tests.shops import Shop

from regulars import daily
from regulars.care.actions import end
from regulars.care.models import Task, TaskState
from regulars.customers import actions as customers
from regulars.customers.queries import find
from regulars.grading.actions import adopt
from regulars.sales.models import Identity
from regulars.shop.actions import add_staff
from regulars.shop.models import AuditEvent, Hold, Staff

SECRETS = (
    "13912345601",
    "13912345602",
    "5601",
    "幸福路 12 号",
    "wang@example.cn",
    "对花生过敏",
    "oUpF8uMuAJO_M2pxb1Q9z",
    "VIP990017",
)


def everything_stored(shop: Shop) -> bytes:
    """Every byte that the shop has left on the disk and every value in its store."""
    found = [p.read_bytes() for p in shop.folder.rglob("*") if p.is_file()]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            found += [
                bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode()
                for row in cursor.fetchall() for v in row if not isinstance(v, int)
            ]  # fmt: skip
    return b"\n".join(found)


def test_phones_addresses_and_notes_stand_nowhere_in_clear(shop: Shop) -> None:
    shop.take_in(
        [
            {"会员号": "VIP990017", "手机号": SECRETS[0], "姓名": "王芳", "地址": SECRETS[3], "邮箱": SECRETS[4],
             "备注": SECRETS[5], "储值余额": "888.88"},
            {"会员号": "VIP990018", "手机号": "x", "姓名": "李雷", "地址": SECRETS[3], "邮箱": "", "备注": "", "储值余额": ""},
        ]
    )  # fmt: skip
    shop.take_in(
        [
            {"结账时间": "2026-05-01 12:00", "手机号": SECRETS[1], "实收金额": "bad"},
            {"结账时间": "2026-05-01 12:00", "手机号": SECRETS[1], "实收金额": "9"},
        ]
    )
    shop.take_in(
        [{"交易时间": "2026-05-01 12:00:00", "商户订单号": "W1", "用户标识": SECRETS[6], "订单金额": 9}]
    )
    her = find("VIP990017")
    assert her is not None
    customers.add_note(her, SECRETS[5], on=date(2026, 5, 1))
    customers.say_detail(her, "address", SECRETS[3])
    adopt("restaurant", by=add_staff(name="老周", email="zhou@example.com", role="owner", password=None))
    daily.run_day(date(2026, 5, 2))
    task = Task.objects.filter(customer__links__identity__kind="phone").first()
    assert task
    end(task, TaskState.NOT_WANTED, by=Staff.objects.get(), on=date(2026, 5, 2), note=SECRETS[5])
    assert Hold.objects.get().why == SECRETS[5]
    stored = everything_stored(shop)
    assert [s for s in SECRETS if s.encode() in stored and s != "5601"] == []
    assert "王芳".encode() in stored, "names stand in clear, so that lists can be sorted and searched"
    assert {str(i.written) for i in Identity.objects.filter(kind="phone")} == {SECRETS[0], SECRETS[1]}


def test_audit_lines_name_records_never_persons(shop: Shop) -> None:
    her = customers.add_customer(name="王芳", phone=SECRETS[0])
    customers.add_note(her, SECRETS[5], on=date(2026, 5, 1))
    customers.say_detail(her, "address", SECRETS[3])
    daily.undo(shop.take_in([{"会员号": "1001", "姓名": "李雷", "手机号": SECRETS[1]}]).batch)
    lines = [
        json.dumps([e.verb, e.subject, e.why, e.detail], ensure_ascii=False) for e in AuditEvent.objects.all()
    ]
    assert {e.verb for e in AuditEvent.objects.all()} >= {
        "add-customer",
        "add-note",
        "say-detail",
        "import",
        "undo-import",
    }
    assert [line for line in lines if any(s in line for s in (*SECRETS, "王芳", "李雷"))] == []
