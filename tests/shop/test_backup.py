"""Backups: sealed, whole or not at all, opened by the shop's key and by nothing else."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import tarfile
from pathlib import Path

import pytest
from tests.commands import called_afresh

from regulars.shop import sealed_stream
from regulars.shop.backup import FORMAT, MAGIC
from regulars.shop.keys import Master, read_key_file
from regulars.shop.sealed_stream import Damaged, Opening, Sealing

PHONE = "13912345601"


# --- the sealed stream -------------------------------------------------------------------------------------------------

KEY, HEAD = b"k" * 32, b"head"


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_stream, "PIECE", 100)


def sealed(content: bytes) -> bytes:
    to = io.BytesIO()
    sealing = Sealing(to, KEY, HEAD)
    for k in range(0, len(content), 33):
        sealing.write(content[k : k + 33])
    sealing.finish()
    return to.getvalue()


def opened(data: bytes, key: bytes = KEY, head: bytes = HEAD) -> bytes:
    return io.BufferedReader(Opening(io.BytesIO(data), key, head)).read()


@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 200, 1234])
def test_what_was_sealed_is_read_again(length: int) -> None:
    content = os.urandom(length)
    assert opened(sealed(content)) == content


def pieces(data: bytes) -> list[bytes]:
    found = []
    while data:
        n = 4 + int.from_bytes(data[:4], "big")
        found.append(data[:n])
        data = data[n:]
    return found


def test_a_piece_cut_off_added_swapped_repeated_or_changed_is_noticed() -> None:
    data = sealed(os.urandom(450))
    parts = pieces(data)
    assert len(parts) == 5
    changed = [
        b"".join(parts[:-1]), data[:-1], data[:7], b"",
        b"".join([parts[1], parts[0], *parts[2:]]), b"".join([*parts, parts[-1]]), b"".join([parts[0], *parts]),
        b"".join([*parts[:2], *parts[3:]]),
        *(data[:k] + bytes([data[k] ^ 1]) + data[k + 1 :] for k in range(0, len(data), 41)),
    ]  # fmt: skip
    for other in changed:
        with pytest.raises(Damaged):
            opened(other)
    for key, head in ((b"x" * 32, HEAD), (KEY, b"Head")):
        with pytest.raises(Damaged):
            opened(data, key, head)


# --- the commands ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a shop in it, and a backup beside it with its key."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as here:
        here.setenv("REGULARS_HOME", str(folder / "shop"))
        here.delenv("REGULARS_DATABASE", raising=False)
        done = called_afresh("setup", "--name", "老地方", "--trade", "snack", "--owner", "lin@example.com",
                             "--password-stdin", input="Regenbogen-im-Mai\n")  # fmt: skip
        assert done.returncode == 0, done.stderr
        file = folder / "sales.csv"
        file.write_text(
            f"结账时间,手机号,姓名,实收金额\n2026-05-01 12:00,{PHONE},王芳,9\n2026-05-01 12:00,{PHONE},王芳,x\n",
            "utf-8",
        )
        assert called_afresh("import", file).returncode == 0
        told = called_afresh("backup", folder / "shop.backup")
        assert told.returncode == 0 and "分开放" in told.stderr
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REGULARS_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.delenv("REGULARS_DATABASE", raising=False)
    return tmp_path / "elsewhere"


def test_nothing_of_the_shop_can_be_read_in_a_backup_and_the_key_is_not_in_it(made: Path) -> None:
    data = (made / "shop.backup").read_bytes()
    assert data.startswith(MAGIC)
    about = json.loads(data[len(MAGIC) :].split(b"\n", 1)[0])
    assert set(about) == {"format", "made_at", "store", "key", "wrapped"} and about["format"] == FORMAT
    master = read_key_file(made / "shop" / "key")[0]
    clear = (PHONE, "王芳", "老地方", "lin@example.com", "SQLite format", "regulars.sqlite3")
    assert [c for c in clear if c.encode() in data] == []
    assert master.line.strip() not in data and master.secret not in data
    assert (made / "shop.backup.key").read_bytes() == master.line
    for file in ("shop.backup", "shop.backup.key"):
        assert (made / file).stat().st_mode & 0o077 == 0 or os.name == "nt"


def test_a_backup_with_its_key_beside_it_is_restored_without_a_question(made: Path, elsewhere: Path) -> None:
    assert called_afresh("restore", made / "shop.backup").returncode == 0
    told = json.loads(called_afresh("audit", "verify", "--json").stdout)
    assert told["ok"] and told["lines"] > 0, "the end of the trail came along"
    assert json.loads(called_afresh("import", made / "sales.csv", "--json").stdout)["new"] == 0
    assert (elsewhere / "key").read_bytes() == (made / "shop" / "key").read_bytes()
    again = called_afresh("restore", made / "shop.backup")
    assert again.returncode == 3 and "已经有一家店" in again.stderr


@pytest.mark.parametrize("way", ["file", "paper", "own"])
def test_the_key_may_come_from_elsewhere(made: Path, elsewhere: Path, tmp_path: Path, way: str) -> None:
    apart = tmp_path / "apart.backup"
    apart.write_bytes((made / "shop.backup").read_bytes())
    key = (made / "shop" / "key").read_bytes()
    options: tuple[object, ...] = ()
    if way == "file":
        (tmp_path / "usb").write_bytes(key)
        options = ("--key", tmp_path / "usb")
    elif way == "paper":
        from regulars.shop.keys import on_paper

        options = ("--key-typed", on_paper(Master.read(key.decode())))
    else:
        elsewhere.mkdir()
        (elsewhere / "key").write_bytes(key)
    done = called_afresh("restore", apart, *options)
    assert done.returncode == 0, done.stderr
    assert (elsewhere / "key").read_bytes() == key


@pytest.mark.parametrize("beside", [None, "wrong", "rubbish"])
def test_without_the_right_key_nothing_is_restored_and_nothing_is_left(
    made: Path, elsewhere: Path, tmp_path: Path, beside: str | None
) -> None:
    apart = tmp_path / "apart.backup"
    apart.write_bytes((made / "shop.backup").read_bytes())
    if beside:
        (tmp_path / "apart.backup.key").write_bytes(
            Master(1, b"7" * 32).line if beside == "wrong" else b"\xff\x00?"
        )
    done = called_afresh("restore", apart)
    assert done.returncode == 3
    assert "--key" in done.stderr and "apart.backup.key" in done.stderr and "Traceback" not in done.stderr
    assert not elsewhere.exists()


def test_a_damaged_backup_is_refused_before_anything_is_put_anywhere(
    made: Path, elsewhere: Path, tmp_path: Path
) -> None:
    whole = (made / "shop.backup").read_bytes()
    middle = len(whole) // 2
    damaged = {
        "cut": whole[:middle], "changed": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "longer": whole + b"\0\0\0\x20" + b"x" * 32, "head": whole.replace(b'"store": "sqlite"', b'"store": "sqlite" ', 1),
        "no table": b"PK\3\4 something else",
    }  # fmt: skip
    for name, data in damaged.items():
        file = tmp_path / f"{name}.backup"
        file.write_bytes(data)
        file.with_name(f"{file.name}.key").write_bytes((made / "shop" / "key").read_bytes())
        done = called_afresh("restore", file)
        assert done.returncode == 3 and "不是完整的备份" in done.stderr, (name, done.stderr)
        assert not elsewhere.exists(), name


def test_another_key_that_lies_outside_the_folder_is_never_overwritten(
    made: Path, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "safe" / "key"
    outside.parent.mkdir()
    other = Master(1, b"9" * 32).line
    outside.write_bytes(other)
    monkeypatch.setenv("REGULARS_KEY_FILE", str(outside))
    done = called_afresh("restore", made / "shop.backup")
    assert done.returncode == 3 and str(outside) in done.stderr
    assert outside.read_bytes() == other and not elsewhere.exists()


def test_no_key_is_written_where_it_lies_elsewhere_anyway_or_nobody_wants_it(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_HOME", str(made / "shop"))
    monkeypatch.delenv("REGULARS_DATABASE", raising=False)
    out = tmp_path / "b"
    done = called_afresh("backup", out, "--no-key", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["key_file"] is None
    monkeypatch.setenv("REGULARS_KEY_FILE", str(tmp_path / "usb"))
    (tmp_path / "usb").write_bytes((made / "shop" / "key").read_bytes())
    assert called_afresh("backup", out).returncode == 0
    assert not (tmp_path / "b.key").exists() and not list(tmp_path.glob("*.part"))


def test_a_backup_that_fails_leaves_the_one_before(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tmp_path / "shop"
    monkeypatch.setenv("REGULARS_HOME", str(shop))
    monkeypatch.delenv("REGULARS_DATABASE", raising=False)
    out = tmp_path / "out" / "b"
    out.parent.mkdir()
    assert called_afresh("restore", made / "shop.backup").returncode == 0
    assert called_afresh("backup", out).returncode == 0
    good, key = out.read_bytes(), (tmp_path / "out" / "b.key").read_bytes()
    (shop / "uploads" / "broken.sealed").mkdir()  # can't be read as a file
    assert called_afresh("backup", out).returncode == 3
    assert (out.read_bytes(), (tmp_path / "out" / "b.key").read_bytes()) == (good, key)
    assert sorted(p.name for p in out.parent.iterdir()) == ["b", "b.key"]
    assert not (shop / "scratch").exists()


def test_a_backup_of_the_first_format_is_still_restored(made: Path, elsewhere: Path, tmp_path: Path) -> None:
    """As the versions before wrote it: a plain archive with the key in it and what it is about at its end."""
    file = tmp_path / "old.backup"
    shop = made / "shop"
    with tarfile.open(file, "w:gz") as tar:
        copy = tmp_path / "copy.sqlite3"
        with sqlite3.connect(shop / "regulars.sqlite3") as source, sqlite3.connect(copy) as target:
            source.backup(target)
        tar.add(copy, "regulars.sqlite3")
        tar.add(shop / "key", "key")
        for upload in (shop / "uploads").glob("*.sealed"):
            tar.add(upload, f"uploads/{upload.name}")
        about = json.dumps(
            {"format": 1, "made_at": "2026-05-01T00:00:00+00:00", "store": "sqlite", "migrations": []}
        )
        info = tarfile.TarInfo("about.json")
        info.size = len(about)
        tar.addfile(info, io.BytesIO(about.encode()))
    done = called_afresh("restore", file)
    assert done.returncode == 0, done.stderr
    assert json.loads(called_afresh("import", made / "sales.csv", "--json").stdout)["new"] == 0
    assert (
        len(list((elsewhere / "uploads").glob("*.sealed")))
        == len(list((shop / "uploads").glob("*.sealed")))
        > 0
    )
