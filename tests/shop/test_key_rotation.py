"""A new key: everything is sealed anew, everybody is found as before, and a crash in the middle loses nothing."""

from __future__ import annotations

import json
import random
from datetime import date
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection
from tests.commands import called_afresh
from tests.shops import Shop, known
from tests.stories.test_crashes import Machine, machine, till

from regulars import daily
from regulars.customers import actions as customers
from regulars.customers.queries import find, search, search_notes
from regulars.sales.models import Batch, Identity, Sale
from regulars.shop import rotation, trail, vault
from regulars.shop.actions import add_staff
from regulars.shop.keys import Keys, WrongKey, keys, look_again, on_paper, read_key_file
from regulars.shop.models import AuditEvent, LastingSecret, SealedTextField, audit
from regulars.shop.turns import doors_open, turn
from regulars.shop.words import Refused

__all__ = ["machine"]

ROWS = [
    {
        "结账时间": f"2026-05-{k + 1:02d} 12:00:00",
        "手机号": f"1391234560{k}",
        "实收金额": k + 10,
        "备注": "靠窗",
    }
    for k in range(9)
]
PEOPLE = [
    {"会员号": f"V{k}", "手机号": f"1391234560{k}", "姓名": "王芳", "地址": "幸福路 12 号"} for k in range(9)
]


@pytest.fixture
def lived_in(shop: Shop) -> Shop:
    look_again()
    shop.take_in(ROWS)
    shop.take_in(PEOPLE)
    boss = add_staff(name="林", email="lin@example.com", role="owner")
    her = find("V3")
    assert her is not None
    customers.add_note(her, "对花生过敏，no MSG", on=date(2026, 5, 1), by=boss)
    audit("look", f"customer {her.id}", by=boss, why="来电")
    vault.put_bytes("upload-0123456789abcdef-0", "手机号\n13912345601".encode())
    return shop


def first_bytes() -> set[int]:
    """By which keys the values in the store are sealed."""
    found: set[int] = set()
    with connection.cursor() as cursor:
        for model in apps.get_models():
            for field in model._meta.concrete_fields:
                if isinstance(field, SealedTextField):
                    table, column = model._meta.db_table, field.column
                    cursor.execute(f'SELECT "{column}" FROM {table} WHERE "{column}" IS NOT NULL')
                    found |= {bytes(value)[0] for (value,) in cursor.fetchall()}
    return found


def test_everything_is_sealed_anew_and_everybody_is_found_as_before(lived_in: Shop) -> None:
    old_tokens = {bytes(t) for t in Identity.objects.values_list("token", flat=True)}
    old = keys()
    before = known()
    told = rotation.rotate()
    assert told["key"] == 2 and told["rows"] > 18 and told["files"] >= 2
    assert first_bytes() == {2}
    assert {p.read_bytes()[0] for p in (lived_in.folder / "uploads").glob("*.sealed")} == {2}
    assert [m.number for m in read_key_file(lived_in.folder / "key")] == [2]
    assert not old_tokens & {bytes(t) for t in Identity.objects.values_list("token", flat=True)}
    for person in before["customers"]:
        person["words"] = [w for w in person["words"] if w[0] not in "#^"]
    after = known()
    words = [w for person in after["customers"] for w in person["words"]]
    assert sum(w.startswith("#") for w in words) == sum(w.startswith("^") for w in words) == 9
    for person in after["customers"]:
        person["words"] = [w for w in person["words"] if w[0] not in "#^"]
    assert after == before
    her = find("13912345603")
    assert her is not None and find("V3") == her
    assert search("5603") == [her] and her in search("1391234") and search("13912345603")[0] == her
    assert [note.text for _, note in search_notes("花生")] == ["对花生过敏，no MSG"]
    assert vault.get_bytes("upload-0123456789abcdef-0") is not None
    with pytest.raises(WrongKey):
        old.unseal(_raw_written())
    assert trail.verify().broken is None, "the chain is over plain content"
    assert AuditEvent.objects.get(verb="rotate-key").subject == "key 2"


def _raw_written() -> bytes:
    with connection.cursor() as cursor:
        cursor.execute("SELECT written FROM sales_identity LIMIT 1")
        return bytes(cursor.fetchone()[0])


@pytest.mark.parametrize("times", [1, 3])
def test_a_file_that_comes_again_after_a_change_of_the_key_counts_nothing_twice(
    lived_in: Shop, times: int
) -> None:
    for _ in range(times):
        rotation.rotate()
    assert keys().number == 1 + times
    count, people = Sale.objects.count(), len(known()["customers"])
    again = lived_in.take_in(
        [*ROWS, {"结账时间": "2026-05-20 12:00:00", "手机号": "13912345600", "实收金额": 5}]
    )
    assert (again.new, again.known) == (1, 9)
    assert (Sale.objects.count(), len(known()["customers"])) == (count + 1, people)
    assert LastingSecret.objects.count() == 2
    daily.undo(Batch.objects.latest("id"))
    assert Sale.objects.count() == count


def test_the_key_is_not_changed_while_pages_are_served_or_somebody_works(lived_in: Shop) -> None:
    before = (lived_in.folder / "key").read_bytes()
    with doors_open(), pytest.raises(Refused) as open_:
        rotation.rotate()
    assert "regulars serve" in open_.value.words.en
    with turn(), pytest.raises(Refused):
        rotation.rotate()
    assert (lived_in.folder / "key").read_bytes() == before
    assert rotation.rotate()["key"] == 2


def test_where_it_was_cut_off_nothing_else_works_until_it_has_been_finished(
    lived_in: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off after the first step that has sealed rows."""
    seal_rows = rotation._seal_rows

    def cut_off(*arguments: object) -> int:
        if 2 in first_bytes():
            raise KeyboardInterrupt
        return seal_rows(*arguments)  # type: ignore[arg-type]

    before = known()["sales"]
    monkeypatch.setattr(rotation, "_seal_rows", cut_off)
    with pytest.raises(KeyboardInterrupt):
        rotation.rotate()
    monkeypatch.undo()
    monkeypatch.setenv("REGULARS_HOME", str(lived_in.folder))
    assert [m.number for m in read_key_file(lived_in.folder / "key")] == [2, 1]
    assert look_again().is_changing and first_bytes() == {1, 2}
    with pytest.raises(Refused) as refused:
        lived_in.take_in([{"结账时间": "2026-05-21 12:00:00", "手机号": "13900000001", "实收金额": 5}])
    assert "regulars key rotate" in refused.value.words.en
    assert rotation.rotate()["key"] == 2, "the key that was begun with, not a third one"
    assert first_bytes() == {2} and known()["sales"] == before
    assert find("13912345603") == find("V3") is not None


def test_a_process_killed_while_the_key_changes_is_gone_on_from(machine: Machine, tmp_path: Path) -> None:
    machine.run(f"daily.take_in([Path({str(till(tmp_path, 'one.csv', 0))!r})])")
    shows = """
        from regulars.shop import trail
        from regulars.shop.keys import look_again
        look_again()
        from regulars.customers.queries import find, search
        said = shops.known()
        for person in said["customers"]:
            person["words"] = sorted(w[0] if w[0] in "#^" else w for w in person["words"])
        assert find("1000") and search("1391234560")
        assert trail.verify().broken is None, trail.verify()
        print(json.dumps([said, find("1000").id, [c.id for c in search("5600")]], default=str))
    """
    before = machine.run(shows)
    rotate = "from regulars.shop import rotation\nrotation.ROWS = 7\nrotation.rotate()\n"
    chance, died = random.Random(3), 0
    for at in (1, 2, 3, *(chance.randint(2, 14) for _ in range(4))):
        died += machine.dies(rotate, at)
        machine.run(rotate)
        machine.run("from regulars.shop.keys import look_again\nassert not look_again().is_changing")
        assert machine.run(shows) == before
    assert died > 4


def test_a_key_on_paper_opens_and_a_mistyped_one_is_noticed(lived_in: Shop) -> None:
    from regulars.shop.keys import from_paper

    paper = on_paper(keys().masters[0])
    assert rotation.opens(Keys([from_paper(paper)]))
    for place in range(2, len(paper)):
        other = "A" if paper[place] != "A" else "C"
        if paper[place] != "-":
            with pytest.raises(Refused):
                from_paper(paper[:place] + other + paper[place + 1 :])
    assert not rotation.opens(Keys(b"\7" * 32))


def test_the_commands_show_check_and_change_the_key(home: Path) -> None:
    call = called_afresh
    made = call("setup", "--name", "老地方", "--trade", "snack", "--owner", "lin@example.com", "--password-stdin",
                input="Regenbogen-im-Mai\n")  # fmt: skip
    assert made.returncode == 0, made.stderr
    file = home.parent / "sales.csv"
    file.write_text("结账时间,手机号,实收金额\n2026-05-01 12:00,13912345601,9\n", "utf-8")
    assert call("import", file).returncode == 0
    first = json.loads(call("key", "show", "--json").stdout)
    assert call("key", "check").returncode == 0
    assert call("key", "check", "--typed", first["key"]).returncode == 0
    assert call("key", "rotate", "--json").returncode == 0
    assert call("key", "check").returncode == 0
    assert call("key", "check", "--typed", first["key"]).returncode == 1, "the old key opens nothing any more"
    assert json.loads(call("key", "show", "--json").stdout)["mark"] != first["mark"]
    repeated = json.loads(call("import", file, "--json").stdout)
    assert (repeated["new"], repeated["customers"]) == (0, 0)
