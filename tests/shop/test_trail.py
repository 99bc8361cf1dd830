"""The audit trail: written once, linked, never changed; whoever changes it all the same is found out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, connection, transaction
from tests.commands import called_afresh
from tests.shops import Shop

from regulars.customers import actions as customers
from regulars.shop import guard, trail
from regulars.shop.actions import add_staff, make_token
from regulars.shop.models import AuditEvent, Staff, audit

LINES = 9


@pytest.fixture
def lines(shop: Shop) -> list[AuditEvent]:
    """A trail of nine lines, linked."""
    for k in range(LINES):
        audit("look", f"customer {k}", why=f"回访 {k}", detail={"n": k})
    assert trail.verify() == trail.Proof(LINES, None)
    return list(AuditEvent.objects.order_by("place"))


def without_guard(change: Callable[[], object]) -> None:
    """What somebody does who owns the database."""
    editor = SimpleNamespace(connection=connection, execute=lambda text, params=None: sql(text)())
    guard.take_down(None, editor)
    change()
    guard.put_up(None, editor)


def sql(text: str, *values: object) -> Callable[[], None]:
    def change() -> None:
        with connection.cursor() as cursor:
            cursor.execute(text, values or None)

    return change


CHANGES = {
    "verb": "UPDATE shop_auditevent SET verb = 'export' WHERE id = %s",
    "subject": "UPDATE shop_auditevent SET subject = 'customer 99' WHERE id = %s",
    "actor": "UPDATE shop_auditevent SET actor_name = '小王' WHERE id = %s",
    "time": "UPDATE shop_auditevent SET at = '2020-01-01 00:00:00+00' WHERE id = %s",
    "detail": "UPDATE shop_auditevent SET detail = '{}' WHERE id = %s",
    "why": "UPDATE shop_auditevent SET why = NULL WHERE id = %s",
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_store_refuses_a_change_and_the_chain_names_it(lines: list[AuditEvent], what: str) -> None:
    fourth = lines[3]
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(CHANGES[what], fourth.pk)()
    assert trail.verify().broken is None
    without_guard(sql(CHANGES[what], fourth.pk))
    broken = trail.verify().broken
    assert broken and (broken.line, broken.place, broken.why) == (fourth.pk, 4, trail.CHANGED)


def test_the_store_refuses_to_delete_and_a_line_taken_out_is_missed(lines: list[AuditEvent]) -> None:
    take_out = sql("DELETE FROM shop_auditevent WHERE id = %s", lines[4].pk)
    with pytest.raises(DatabaseError), transaction.atomic():
        take_out()
    without_guard(take_out)
    broken = trail.verify().broken
    assert broken and (broken.line, broken.why.en) == (lines[5].pk, "1 lines before it are missing")


def test_lines_that_change_places_are_found(lines: list[AuditEvent]) -> None:
    def swap() -> None:
        for place, line in ((100, lines[2]), (3, lines[3]), (4, lines[2])):
            sql("UPDATE shop_auditevent SET place = %s WHERE id = %s", place, line.pk)()

    without_guard(swap)
    broken = trail.verify().broken
    assert broken and (broken.line, broken.place, broken.why) == (lines[3].pk, 3, trail.CHANGED)


def test_an_end_that_was_cut_off_is_missed_because_it_is_noted_outside(lines: list[AuditEvent]) -> None:
    without_guard(sql("DELETE FROM shop_auditevent WHERE place > 7"))
    broken = trail.verify().broken
    assert broken and broken.why.en == "2 lines at the end are missing: there were 9, there are 7"
    audit("look", "customer 1")
    audit("look", "customer 2")
    audit("look", "customer 3")
    broken = trail.verify().broken
    assert broken and (broken.place, broken.why) == (9, trail.OTHER_END), (
        "others in their place are not the same"
    )


def test_the_noted_end_can_not_be_forged_or_lost_without_a_word(lines: list[AuditEvent]) -> None:
    noted = json.loads(trail.head_file().read_text())
    without_guard(sql("DELETE FROM shop_auditevent WHERE place > 7"))
    link = bytes(AuditEvent.objects.get(place=7).link)
    trail.head_file().write_text(json.dumps({**noted, "lines": 7, "link": link.hex()}))
    broken = trail.verify().broken
    assert broken and broken.why == trail.FALSE_HEAD
    trail.head_file().unlink()
    audit("look", "customer 1")
    broken = trail.verify().broken
    assert broken and broken.why == trail.NO_HEAD
    assert trail.verify(new_head=True).broken is None
    assert trail.verify().broken is None


def test_lines_are_linked_once_their_transaction_ends_in_whatever_order(shop: Shop) -> None:
    first, second = audit("a"), audit("b")
    late = AuditEvent.objects.create(verb="c")
    assert trail.link_pending() == 3
    assert list(AuditEvent.objects.order_by("place").values_list("pk", flat=True)) == [
        first.pk,
        second.pk,
        late.pk,
    ]
    assert trail.link_pending() == 0
    audit("d")
    assert trail.verify() == trail.Proof(4, None)


@pytest.mark.django_db(transaction=True)
def test_a_line_is_linked_as_soon_as_it_stands(shop: Shop) -> None:
    with transaction.atomic():
        line = audit("look", "customer 1")
        assert AuditEvent.objects.get(pk=line.pk).place is None
    assert AuditEvent.objects.get(pk=line.pk).place == 1
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        audit("never was")
        _ = 1 / 0
    audit("look", "customer 2")
    assert trail.verify() == trail.Proof(2, None), "numbers have gaps, places have none"


def test_ten_thousand_lines_are_walked_in_pieces(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "AT_ONCE", 7)
    AuditEvent.objects.bulk_create([AuditEvent(verb="look", subject=f"customer {k}") for k in range(50)])
    assert trail.verify() == trail.Proof(50, None)
    without_guard(sql("UPDATE shop_auditevent SET verb = 'x' WHERE place = 36"))
    broken = trail.verify().broken
    assert broken and broken.place == 36


def test_reasons_are_sealed_and_nothing_that_leads_to_a_person_stands_in_a_line(shop: Shop) -> None:
    boss = add_staff(name="林", email="lin@example.com", role="owner")
    her = customers.add_customer(name="王芳", phone="13912345601", by=boss)
    other = customers.add_customer(name="王芳芳", phone="13912345602", by=boss)
    customers.merge(her, other, by=boss, why="她来电 139 1234 5601，wang@example.cn")
    make_token(boss, "王芳的屏幕", by=boss)
    audit(
        "export",
        "customers",
        by=boss,
        detail={"file": "王芳13912345601.csv", "rows": 7, "of": ["110101199003071234"]},
    )
    raw = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM shop_auditevent")
        raw = [str(bytes(v) if isinstance(v, memoryview) else v) for row in cursor.fetchall() for v in row]
    text = "\n".join(raw)
    assert [s for s in ("13912345601", "1234 5601", "wang@", "来电", "屏幕", "110101") if s in text] == []
    assert AuditEvent.objects.get(verb="merge-customers").why == "她来电 ***，***"
    assert AuditEvent.objects.get(verb="export").detail == {"file": "王芳***.csv", "rows": 7, "of": ["***"]}


def test_staff_who_are_gone_stay_named_in_the_lines_they_left(shop: Shop) -> None:
    boss = add_staff(name="林", email="lin@example.com", role="owner")
    audit("look", "customer 1", by=boss)
    assert trail.verify().broken is None
    number = boss.pk
    Staff.objects.filter(pk=number).delete()
    line = AuditEvent.objects.get(verb="look")
    assert (line.actor_id, line.actor_name) == (number, "林")
    assert trail.verify().broken is None


def test_the_command_proves_it_or_names_the_first_broken_link(home: Path, tmp_path: Path) -> None:
    call = called_afresh
    made = call("setup", "--name", "老地方", "--trade", "snack", "--owner", "lin@example.com", "--password-stdin",
                input="Regenbogen-im-Mai\n")  # fmt: skip
    assert made.returncode == 0, made.stderr
    proved = call("audit", "verify", "--json")
    said = json.loads(proved.stdout)
    assert (proved.returncode, said["ok"], said["broken"]) == (0, True, None)
    assert said["lines"] == len(json.loads(call("audit", "list", "--json").stdout)) > 1
    listed = json.loads(call("audit", "list", "--subject", "business", "--json").stdout)
    assert [line["verb"] for line in listed] == ["found-business"]
    assert json.loads(call("audit", "list", "--since", "2199-01-01", "--json").stdout) == []
    import sqlite3

    with sqlite3.connect(home / "regulars.sqlite3") as thief:
        with pytest.raises(sqlite3.DatabaseError):
            thief.execute("DELETE FROM shop_auditevent")
        for trigger in ("shop_audit_no_delete", "shop_audit_no_update"):
            thief.execute(f"DROP TRIGGER {trigger}")
        thief.execute("UPDATE shop_auditevent SET verb = 'nothing' WHERE place = 2")
    broken = call("audit", "verify", "--json")
    told = json.loads(broken.stdout)["broken"]
    assert broken.returncode == 1 and told["place"] == 2
    assert "第 2 行" in call("audit", "verify").stderr
