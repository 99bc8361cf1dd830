"""Backup and restore on PostgreSQL: every table by its columns, into a store of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.commands import called_afresh

pytestmark = pytest.mark.postgres


@pytest.fixture
def new_store(postgres_url: str, tmp_path: Path) -> Callable[[str], str]:
    """The address of a new database on the running server."""
    import psycopg

    def make(name: str) -> str:
        name = f"{name}_{os.getpid()}_{abs(hash(str(tmp_path))) % 10**8}"
        with psycopg.connect(postgres_url, autocommit=True) as link:
            link.execute(f"CREATE DATABASE {name}")
        head, _, query = postgres_url.partition("?")
        return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")

    return make


def test_a_backup_of_one_store_is_restored_into_another(
    new_store: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_HOME", str(tmp_path / "here"))
    monkeypatch.setenv("REGULARS_DATABASE", new_store("here"))
    call = called_afresh
    made = call("setup", "--name", "老地方", "--trade", "snack", "--owner", "lin@example.com", "--password-stdin",
                input="Regenbogen-im-Mai\n")  # fmt: skip
    assert made.returncode == 0, made.stderr
    file = tmp_path / "sales.csv"
    file.write_text(
        "结账时间,手机号,姓名,实收金额\n2026-05-01 12:00,13912345601,王芳,9\n2026-05-01 12:00,13912345602,李雷,x\n",
        "utf-8",
    )
    assert call("import", file).returncode == 0
    out = tmp_path / "shop.backup"
    written = call("backup", out, "--json")
    assert written.returncode == 0, written.stderr
    assert [c for c in ("王芳", "老地方", "13912345601") if c.encode() in out.read_bytes()] == []
    assert call("restore", out).returncode == 3, "there is a shop here"
    monkeypatch.setenv("REGULARS_HOME", str(tmp_path / "there"))
    monkeypatch.setenv("REGULARS_DATABASE", new_store("there"))
    restored = call("restore", out)
    assert restored.returncode == 0, restored.stderr
    proved = call("audit", "verify", "--json")
    assert proved.returncode == 0, proved.stdout
    assert json.loads(call("import", file, "--json").stdout)["new"] == 0
    more = tmp_path / "more.csv"
    more.write_text("结账时间,手机号,姓名,实收金额\n2026-05-02 12:00,13912345603,王芳,9\n", "utf-8")
    assert json.loads(call("import", more, "--json").stdout)["new"] == 1, "numbers go on where they were"
    assert call("audit", "verify").returncode == 0
