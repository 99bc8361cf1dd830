"""The command line held to docs/contract.md."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from pytest_django import DjangoDbBlocker
from tests.commands import Call, called, called_afresh, started

from regulars.grading.actions import FIRST_PLAYBOOK
from regulars.playbooks.playbook import TRADES, library, load

ON = "2026-08-20"
HEADERS = "会员卡号,时间,单号,实收金额"
SALES = [
    "K1,2026-08-20 12:00:00,R1,5000",
    "K1,2026-08-12 12:00:00,R2,10",
    "K1,2026-08-05 12:00:00,R3,10",
    "K1,2026-07-01 12:00:00,R4,10",
    "K2,2026-06-01 12:00:00,R5,88.5",
    "K3,2026-08-19 12:00:00,R6,20",
]
CONDITION = {"fact", "value", "sign", "threshold", "margin", "holds"}


def write(folder: Path, rows: list[str], name: str = "till.csv", headers: str = HEADERS) -> Path:
    file = folder / name
    file.write_text("\n".join([headers, *rows]) + "\n", "utf-8")
    return file


def says(regulars: Call, *words: object, code: int = 0) -> Any:
    """The one JSON value that a command prints."""
    done = regulars(*words, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def refuses(regulars: Call, *words: object, code: int = 3) -> str:
    """What a command says when it ends otherwise; never a traceback, never anything on standard output."""
    done = regulars(*words)
    assert done.returncode == code, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


@pytest.fixture
def regulars(home: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Call]:
    """The command line on the shop in `home`."""
    with django_db_blocker.unblock():
        yield called


@pytest.fixture(scope="session")
def made(django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once by the program itself: a folder with no shop yet (`empty`), a shop on its first morning (`opened`),
    one with sales and a day behind it (`sold`). Tests get copies."""
    folder = tmp_path_factory.mktemp("made")

    def call(shop: str, *words: object, given: str | None = None, code: int = 0) -> None:
        with pytest.MonkeyPatch.context() as surroundings, django_db_blocker.unblock():
            surroundings.setenv("REGULARS_HOME", str(folder / shop))
            surroundings.delenv("REGULARS_DATABASE", raising=False)
            done = called(*words, input=given)
            assert done.returncode == code, done.stderr

    call("empty", "doctor", code=1)
    shutil.copytree(folder / "empty", folder / "opened")
    business = ("--name", "老灶", "--trade", "restaurant", "--owner", "lin@example.com")
    call("opened", "setup", *business, "--password-stdin", given="nine-red-peppers\n")
    shutil.copytree(folder / "opened", folder / "sold")
    call("sold", "import", write(folder, SALES))
    call("sold", "day", "--on", ON)
    return folder


@pytest.fixture
def empty(regulars: Call, home: Path, made: Path) -> Call:
    shutil.copytree(made / "empty", home, dirs_exist_ok=True)
    return regulars


@pytest.fixture
def opened(regulars: Call, home: Path, made: Path) -> Call:
    shutil.copytree(made / "opened", home, dirs_exist_ok=True)
    return regulars


@pytest.fixture
def shop(regulars: Call, home: Path, made: Path) -> Call:
    shutil.copytree(made / "sold", home, dirs_exist_ok=True)
    return regulars


def test_import_reports_rows_new_known_refused_and_customers(opened: Call, tmp_path: Path) -> None:
    file = write(tmp_path, [*SALES, "K4,2026-08-19 12:00:00,R7,三百"])
    tried = says(opened, "import", file, "--dry-run")
    assert tried["batch"] is None
    taken = says(opened, "import", file)
    assert set(taken) == {"batch", "rows", "new", "known", "refused", "customers", "warnings"}
    assert {k: taken[k] for k in ("rows", "new", "known", "customers")} == {
        "rows": 7,
        "new": 6,
        "known": 0,
        "customers": 3,
    }
    assert {**tried, "batch": taken["batch"]} == taken
    (problem,) = taken["refused"]
    assert set(problem) == {"row", "column", "value", "reason", "hint"}
    assert (problem["row"], problem["column"], problem["value"]) == (8, "实收金额", "三百")


def test_the_same_file_again_and_an_overlapping_one_add_only_what_is_new(shop: Call, tmp_path: Path) -> None:
    again = says(shop, "import", write(tmp_path, SALES))
    assert (again["new"], again["known"], again["customers"]) == (0, 6, 0)
    more = says(shop, "import", write(tmp_path, [*SALES[2:], "K9,2026-08-20 13:00:00,R9,50"], "later.csv"))
    assert (more["rows"], more["new"], more["known"], more["customers"]) == (5, 1, 4, 1)


def test_undo_gives_the_state_as_if_the_file_had_never_come(shop: Call, tmp_path: Path) -> None:
    before = graded(shop, tmp_path)
    later = says(
        shop,
        "import",
        write(tmp_path, ["K1,2026-08-18 12:00:00,R20,900", "K8,2026-08-20 12:00:00,R21,5"], "b.csv"),
    )
    assert says(shop, "undo-import", later["batch"]) == {"batch": later["batch"], "state": "undone"}
    assert graded(shop, tmp_path) == before
    refuses(shop, "undo-import", later["batch"])


def test_duplicates_lists_who_may_be_one_with_masked_phones(opened: Call, tmp_path: Path) -> None:
    rows = ["A1,王小芳,13912345601", "A2,王小芳,13912345610", "B1,周杰,15012340002"]
    says(opened, "import", write(tmp_path, rows, headers="会员号,姓名,手机号"))
    assert says(opened, "duplicates") == []
    (pair,) = says(opened, "duplicates", "--find")
    assert (pair["kind"], pair["strength"], pair["state"]) == ("merge", "sure", "open")
    assert {s["phones"][0] for s in (pair["one"], pair["other"])} == {"139****5601", "139****5610"}
    told = opened("duplicates")
    assert told.returncode == 0 and "王小芳" in told.stdout and "1391234" not in told.stdout


def graded(regulars: Call, folder: Path, *more: str) -> list[dict[str, str]]:
    out = folder / "grades.csv"
    says(regulars, "grade", "--on", ON, "--csv", out, *more)
    raw = out.read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(raw.decode("utf-8").splitlines()))


def test_grade_writes_customer_scale_grade_and_the_playbooks_facts(shop: Call, tmp_path: Path) -> None:
    rows = {r["customer"]: r for r in graded(shop, tmp_path)}
    assert list(next(iter(rows.values())))[:3] == ["customer", "scale", "grade"]
    assert {c: (r["scale"], r["grade"]) for c, r in rows.items()} == {
        "K1": ("main", "a"), "K2": ("main", "c"), "K3": ("main", "new"),
    }  # fmt: skip
    assert rows["K1"]["spend_in_30_days"] == "5020.00"
    assert rows["K1"]["visits_in_30_days"] == "3"
    assert rows["K1"]["weeks_in_a_row"] == "3"
    assert rows["K1"]["last_spend"] == "5000.00"
    assert rows["K2"]["last_spend"] == "88.50"


def test_grade_and_explain_record_nothing_and_day_does(opened: Call, tmp_path: Path) -> None:
    says(opened, "import", write(tmp_path, SALES))
    graded(opened, tmp_path)
    assert says(opened, "today", "--on", ON) == []
    assert says(opened, "day", "--on", ON)["changed"] == {"restaurant.main": 3}
    assert says(opened, "day", "--on", ON)["changed"] == {"restaurant.main": 0}


@pytest.mark.parametrize("key", ["appliance", "store-scales"])
def test_a_playbook_of_several_scales_has_a_row_for_each(shop: Call, tmp_path: Path, key: str) -> None:
    rows = graded(shop, tmp_path, "--playbook", key)
    scales = {s.key: s.outcomes for s in load(key).scales}
    assert len(rows) == 3 * len(scales)
    assert all(r["grade"] in [*scales[r["scale"]], "none"] for r in rows)


def test_explain_gives_each_condition_with_value_threshold_and_margin(shop: Call) -> None:
    said = says(shop, "explain", "K1", "--on", ON)
    assert set(said) == {"customer", "on", "grades"}
    assert (said["customer"], said["on"]) == ("K1", ON)
    (grade,) = said["grades"]
    assert set(grade) == {"playbook", "version", "scale", "grade", "since", "conditions", "next"}
    assert (grade["playbook"], grade["scale"], grade["grade"]) == ("restaurant", "main", "a")
    conditions = {c["fact"]: c for c in grade["conditions"]}
    assert all(set(c) == CONDITION for c in grade["conditions"])
    assert conditions["spend_in_30_days"] == {
        "fact": "spend_in_30_days", "value": 5020, "sign": ">=", "threshold": 5000, "margin": 20, "holds": True,
    }  # fmt: skip
    assert conditions["visits_in_30_days"]["margin"] == -1
    for one in grade["next"]:
        assert {"grade", "needs", "by"} <= set(one) <= {"grade", "needs", "by", "visits", "without_visit"}
    assert [n["by"] for n in grade["next"] if n.get("without_visit")] != []


def test_today_has_the_agreed_columns_and_ranks_from_one(shop: Call) -> None:
    tasks = says(shop, "today", "--on", ON)
    assert tasks
    columns = {
        "task",
        "customer",
        "staff",
        "rule",
        "why",
        "do",
        "channel",
        "say",
        "minutes",
        "cost",
        "due",
        "rank",
    }
    assert all(set(t) == columns for t in tasks)
    assert [t["rank"] for t in tasks] == list(range(1, len(tasks) + 1))
    assert len({t["customer"] for t in tasks}) == len(tasks)
    assert says(shop, "today", "--on", ON, "--staff", "lin@example.com") == tasks
    refuses(shop, "today", "--staff", "nobody@example.com")


def test_playbooks_are_those_of_the_contract_and_prove_their_numbers(regulars: Call) -> None:
    rows = says(regulars, "playbooks", "list")
    assert [set(r) for r in rows] == [{"key", "name", "version", "scales", "missing_facts"}] * 17
    assert {r["key"] for r in rows} == set(library()) == {
        "hotpot", "restaurant", "snack", "salon", "abc", "clinic", "key-account", "b2b-nine", "prospects", "ladder", "tiers",
        "churned", "rfm", "value", "four-kinds", "appliance", "store-scales",
    }  # fmt: skip
    assert says(regulars, "playbooks", "check") == []


def test_a_fact_that_only_care_reads_is_missed_as_well(regulars: Call) -> None:
    lacking = {r["key"]: r["missing_facts"] for r in says(regulars, "playbooks", "list")}
    assert lacking["restaurant"] == ["referred_customers_in_30_days"]
    assert "referred_customers_in_30_days" not in lacking["prospects"]


def test_a_playbook_with_a_typo_is_told_its_line_and_the_nearest_word(regulars: Call, tmp_path: Path) -> None:
    wrong = tmp_path / "mine.toml"
    wrong.write_text(
        'key = "mine"\nversion = 1\nname = { zh = "我", en = "Mine" }\nabout = { zh = "我", en = "Mine" }\n'
        '[[scale]]\nkey = "main"\nname = { zh = "级", en = "G" }\nbecause = { zh = "因", en = "B" }\n'
        '[[scale.grade]]\nkey = "a"\nname = { zh = "A", en = "A" }\nbecause = { zh = "因", en = "B" }\n'
        '[[scale.grade.way]]\nall = ["visit_in_30_days >= 3"]\n',
        "utf-8",
    )
    (problem, *_) = says(regulars, "playbooks", "check", wrong, code=1)
    assert (problem["file"], problem["line"]) == ("mine.toml", 14)
    assert "visits_in_30_days" in problem["problem"]


def test_every_trade_starts_with_the_playbook_of_the_contract() -> None:
    assert FIRST_PLAYBOOK == {
        "hotpot": "hotpot", "restaurant": "restaurant", "snack": "snack", "salon": "salon", "clinic": "clinic",
        "hotel": "rfm", "appliance": "appliance", "shop": "store-scales", "wholesale": "b2b-nine",
    }  # fmt: skip
    assert set(FIRST_PLAYBOOK) == set(TRADES)


def test_day_and_month_that_cannot_be_told_apart_are_asked_for(opened: Call, tmp_path: Path) -> None:
    file = write(tmp_path, ["K1,2/11/2025,R1,10", "K1,3/11/2025,R2,10"])
    assert "--dates" in refuses(opened, "import", file)
    taken = says(opened, "import", file, "--dates", "dmy")
    assert taken["new"] == 2
    refuses(opened, "import", file, "--dates", "dym", code=2)


def test_a_column_is_what_the_person_says_it_is(opened: Call, tmp_path: Path) -> None:
    file = write(tmp_path, ["X1,2026-08-20 12:00:00,Q1,12"], headers="谁,时间,单号,多少")
    taken = says(opened, "import", file, "--map", "谁=member", "--map", "多少=amount")
    assert (taken["new"], taken["customers"]) == (1, 1)
    refuses(opened, "import", file, "--map", "谁", code=2)


def test_what_was_said_about_columns_once_counts_for_the_next_file_like_it(
    opened: Call, tmp_path: Path
) -> None:
    odd = "谁,哪天,单子,多少"
    first = write(tmp_path, ["X1,2026-08-20,Q1,12"], headers=odd)
    said = [w for pair in ("谁=member", "哪天=date", "单子=receipt", "多少=amount") for w in ("--map", pair)]
    refuses(opened, "import", first)
    says(opened, "import", first, *said, "--dry-run")
    refuses(opened, "import", first)
    assert says(opened, "import", first, *said)["new"] == 1
    again = write(tmp_path, ["X1,2026-08-21,Q2,12", "X2,2026-08-21,Q3,9"], "next.csv", odd)
    assert says(opened, "import", again, "--dry-run")["new"] == 2
    assert "谁=member" in opened("import", again, "--dry-run").stderr
    taken = says(opened, "import", again)
    assert (taken["new"], taken["customers"]) == (2, 1)
    assert says(opened, "import", first)["new"] == 0


@pytest.mark.parametrize("cut", ["", "行号", "原因"])
def test_the_corrected_file_of_rows_left_out_is_read_as_the_first_was(
    opened: Call, tmp_path: Path, cut: str
) -> None:
    odd, out = "谁,哪天,单子,多少", tmp_path / "left-out.csv"
    first = write(tmp_path, ["X1,2026-08-20,Q1,12", "X2,2026-08-20,Q2,三块"], headers=odd)
    said = [w for pair in ("谁=member", "哪天=date", "单子=receipt", "多少=amount") for w in ("--map", pair)]
    assert says(opened, "import", first, *said, "--refused", out)["new"] == 1
    rows = list(csv.DictReader(out.read_text("utf-8-sig").splitlines()))
    for row in rows:
        row["多少"] = "3"
        row.pop(cut, None)
    text = [",".join(rows[0]), *(",".join(r.values()) for r in rows)]
    out.write_text("\n".join(text) + "\n", "utf-8")
    taken = says(opened, "import", out)
    assert (taken["new"], taken["refused"]) == (1, [])


def test_day_and_month_said_once_count_for_the_next_file_like_it(opened: Call, tmp_path: Path) -> None:
    says(opened, "import", write(tmp_path, ["K1,2/11/2025,R1,10"]), "--dates", "dmy")
    assert says(opened, "import", write(tmp_path, ["K1,3/11/2025,R2,10"], "next.csv"))["new"] == 1


@pytest.mark.parametrize("dry", [True, False])
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_rows_left_out_come_back_as_a_file_to_correct(
    opened: Call, tmp_path: Path, ending: str, dry: bool
) -> None:
    bad = [f"K{k},2026-08-19 12:00:00,B{k},三百" for k in range(25)]
    file, out = write(tmp_path, [*SALES, *bad]), tmp_path / f"left-out.{ending}"
    told = opened("import", file, "--dry-run").stderr
    assert "--refused" in told and "还有 5 行" in told
    done = opened("import", file, "--refused", out, *(["--dry-run"] if dry else []))
    assert done.returncode == 0 and out.name in done.stderr
    if ending == "csv":
        rows = list(csv.reader(out.read_text("utf-8-sig").splitlines()))
    else:
        rows = [["" if c is None else str(c) for c in r] for r in load_workbook(out).active.values]
    assert rows[0] == ["行号", *HEADERS.split(","), "原因"]
    assert len(rows) == 26 and rows[1][:5] == ["8", "K0", "2026-08-19 12:00:00", "B0", "三百"] and rows[1][5]


def test_where_no_row_is_left_out_no_file_is_written(opened: Call, tmp_path: Path) -> None:
    out = tmp_path / "left-out.csv"
    assert "没有" in opened("import", write(tmp_path, SALES), "--refused", out).stderr
    assert not out.exists()
    refuses(opened, "import", write(tmp_path, SALES), "--refused", tmp_path / "left-out.txt", code=2)
    refuses(opened, "import", write(tmp_path, SALES), "--refused", tmp_path / "nowhere" / "left-out.csv")


def test_a_file_in_which_nobody_is_named_is_taken_in_with_a_warning(opened: Call, tmp_path: Path) -> None:
    taken = says(
        opened, "import", write(tmp_path, ["2026-08-20 12:00:00,R1,10"], headers="时间,单号,实收金额")
    )
    assert (taken["new"], taken["customers"]) == (1, 0)
    assert taken["warnings"]


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02\x03" * 200, b"only one column\n1\n2\n"])
def test_what_is_no_table_is_refused_in_words(opened: Call, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(content)
    assert refuses(opened, "import", file)


def test_a_backup_restores_the_whole_shop_elsewhere(
    shop: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = says(shop, "explain", "K1", "--on", ON), says(shop, "today", "--on", ON)
    says(shop, "backup", tmp_path / "shop.backup")
    refuses(shop, "restore", tmp_path / "shop.backup")
    monkeypatch.setenv("REGULARS_HOME", str(tmp_path / "elsewhere"))
    says(called_afresh, "restore", tmp_path / "shop.backup")
    assert (says(shop, "explain", "K1", "--on", ON), says(shop, "today", "--on", ON)) == before


def test_a_place_that_can_not_be_written_is_said_and_is_no_fault_of_the_program(shop: Call) -> None:
    for command in (("grade", "--csv", "/nowhere/out.csv"), ("backup", "/nowhere/out.zip")):
        tried = shop(*command)
        assert tried.returncode == 3
        assert command[-1] in tried.stderr and "Traceback" not in tried.stderr
    assert shop("playbooks", "check", "/nowhere/mine.toml").returncode == 3


def test_people_read_why_in_words_and_what_to_do_where_there_is_no_list(shop: Call) -> None:
    told = shop("explain", "K1", "--on", ON)
    assert told.returncode == 0
    assert "要求：" in told.stdout and "_in_" not in told.stdout
    assert "regulars day --on 2031-01-01" in shop("today", "--on", "2031-01-01").stderr


def test_doctor_finds_a_shop_sound(shop: Call) -> None:
    findings = says(shop, "doctor")
    assert all(set(f) == {"check", "ok", "says"} for f in findings)
    assert [f for f in findings if not f["ok"]] == []


def test_doctor_fails_where_there_is_no_shop(empty: Call) -> None:
    missing = says(empty, "doctor", code=1)
    assert [f["check"] for f in missing if not f["ok"]] == ["business"]


def test_a_forgotten_password_is_reset_from_the_machine(shop: Call) -> None:
    done = shop("reset-password", "lin@example.com", "--password-stdin", input="seven-green-chairs\n")
    assert done.returncode == 0, done.stderr
    assert (
        shop("reset-password", "who@example.com", "--password-stdin", input="seven-green-chairs\n").returncode
        == 3
    )
    assert shop("reset-password", "lin@example.com", "--password-stdin", input="short\n").returncode == 3


def test_without_a_shop_a_command_says_how_to_begin(empty: Call, tmp_path: Path) -> None:
    assert "regulars" in refuses(empty, "grade", "--csv", tmp_path / "x.csv")
    refuses(
        empty, "setup", "--name", "x", "--trade", "bakery", "--owner", "a@example.com", "--password-stdin"
    )


def test_wrong_use_is_2_and_what_cannot_serve_is_3(shop: Call, tmp_path: Path) -> None:
    assert shop("grade").returncode == 2
    refuses(shop, "grade", "--csv", tmp_path / "x.csv", "--on", "yesterday", code=2)
    refuses(shop, "grade", "--csv", tmp_path / "x.csv", "--playbook", "restuarant")
    refuses(shop, "explain", "nobody")
    refuses(shop, "import", tmp_path / "not-there.csv")


def test_the_program_starts_in_a_python_of_its_own(shop: Call, tmp_path: Path) -> None:
    """Nearly all else here is called within this process."""
    assert says(started, "today", "--on", ON) == says(shop, "today", "--on", ON)
    refuses(started, "import", tmp_path / "not-there.csv")
