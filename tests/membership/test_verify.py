"""`regulars ledger verify`: what was written past the guard is found and named."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from django.db import connection
from tests.membership.test_ledger import TODAY, member, move
from tests.shops import Shop, guard_down

from regulars.membership import night, teller
from regulars.membership.models import Posting
from regulars.membership.proof import prove
from regulars.shop.models import Alert

TAMPERED = {
    "a lot": ("UPDATE membership_lot SET in_hand = in_hand + 5 WHERE id = (SELECT MIN(id) FROM membership_lot)", "lot-hand"),
    "what is aside": ("UPDATE membership_lot SET aside = aside + 5 WHERE id = (SELECT MIN(id) FROM membership_lot)", "lot-aside"),
    "a balance": ("UPDATE membership_balance SET in_hand = in_hand + 5", "balance-hand"),
    "an aside balance": ("UPDATE membership_balance SET aside = aside + 5", "balance-aside"),
    "an entry": ("UPDATE membership_entry SET amount = amount + 5 WHERE account = 'redeemed'", "posting"),
    "an entry gone": ("DELETE FROM membership_entry WHERE account = 'redeemed'", "posting"),
    "all entries of a posting": ("DELETE FROM membership_entry WHERE posting_id = (SELECT MAX(id) FROM membership_posting)", "entries"),
    "a balance gone": ("DELETE FROM membership_balance", "balance-hand"),
    "a lot of another currency": ("UPDATE membership_lot SET currency = 'stamps'", "owner"),
}  # fmt: skip


def lived() -> None:
    who = member()
    teller.post(move("put", "earn", "1", who, 100))
    teller.post(move("take", "redeem", "2", who, 30))


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_tampered_with_is_found(shop: Shop, what: str) -> None:
    lived()
    assert prove().is_sound
    sql, name = TAMPERED[what]
    guard_down()
    with connection.cursor() as cursor:
        cursor.execute(sql)
    proof = prove()
    assert not proof.is_sound and proof.first_break is not None
    assert proof.first_break.what == name
    for lang in ("zh", "en"):
        assert "{" not in proof.record(lang)["first_break"]["says"]


ORPHANED = {
    "a lot": ("UPDATE membership_lot SET posting_id = 0", "UPDATE membership_lot SET posting_id = {posting}"),
    "entries": (
        "INSERT INTO membership_entry (posting_id, account, member_id, currency, amount) "
        "SELECT 0, account, member_id, currency, amount FROM membership_entry WHERE account = 'issued' "
        "UNION ALL SELECT 0, 'redeemed', member_id, currency, -amount FROM membership_entry WHERE account = 'issued'",
        "DELETE FROM membership_entry WHERE posting_id = 0",
    ),
}


@pytest.mark.parametrize("what", ORPHANED)
def test_what_belongs_to_no_posting_is_found(shop: Shop, what: str) -> None:
    """PostgreSQL does not look for the posting of an entry or a lot."""
    lived()
    guard_down()
    tampering, mending = ORPHANED[what]
    with connection.cursor() as cursor:
        cursor.execute(tampering)
        found = prove().first_break
        cursor.execute(mending.format(posting=Posting.objects.get(source_id="1").pk))
    assert found is not None and (found.what, found.where) == ("gone", "0")
    assert prove().is_sound


def test_the_night_says_so_to_those_in_charge(shop: Shop) -> None:
    lived()
    night.run(TODAY, lambda *_: None)
    assert not Alert.objects.filter(kind="ledger").exists()
    with connection.cursor() as cursor:
        cursor.execute(TAMPERED["a balance"][0])
    night.run(date(2026, 5, 2), lambda *_: None)
    assert Alert.objects.filter(kind="ledger").count() == 1


def verified(capsys: Any, *words: str) -> tuple[int, str, str]:
    """`regulars ledger verify` on the very store of this test."""
    import typer

    from regulars.cli_membership import ledger_verify

    try:
        ledger_verify(json_="--json" in words)
        code = 0
    except typer.Exit as ending:
        code = ending.exit_code
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_says_what_the_books_come_to(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    lived()
    code, out, _ = verified(capsys, "--json")
    said = json.loads(out)
    assert (code, said["sound"], said["entries"], said["postings"]) == (0, True, 4, 2)
    assert said["totals"] == {"points": {"issued": -100, "member": 70, "redeemed": 30}}
    assert said["first_break"] is None
    code, out, err = verified(capsys)
    assert code == 0 and "积分\t会员手里\t70" in out and "对得上" in err


def test_the_command_fails_with_the_first_break(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    lived()
    with connection.cursor() as cursor:
        cursor.execute(TAMPERED["a balance"][0])
    code, out, _ = verified(capsys, "--json")
    said = json.loads(out)
    assert (code, said["sound"], said["breaks"]) == (1, False, 1)
    assert (said["first_break"]["expected"], said["first_break"]["found"]) == (70, 75)
    code, _, err = verified(capsys)
    assert code == 1 and "75" in err
