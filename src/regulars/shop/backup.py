"""Backup and restore of the whole folder while it runs: the database as of one moment, the key, the sealed files.

On SQLite the database is copied by its own online backup; on PostgreSQL every table is written as COPY data. The
books are not in it: they are rebuilt. The file holds the key and so everything: keep it where you keep the cash.
"""

from __future__ import annotations

import io
import json
import os
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder

from regulars.shop.home import Home
from regulars.shop.words import Refused, Words

FORMAT = 1


def write_backup(out: Path) -> dict[str, Any]:
    """Write everything into one file; whole or not at all. Returns what is in it."""
    home = Home.find()
    part = out.with_name(out.name + ".part")
    about: dict[str, Any] = {
        "format": FORMAT, "made_at": datetime.now(UTC).isoformat(), "store": connection.vendor,
        "migrations": sorted(".".join(m) for m in MigrationRecorder(connection).applied_migrations()),
    }  # fmt: skip
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w:gz", compresslevel=3) as tar:
        if connection.vendor == "sqlite":
            with tempfile.TemporaryDirectory() as scratch:
                copy = Path(scratch) / "regulars.sqlite3"
                with (
                    closing(sqlite3.connect(home.database)) as source,
                    closing(sqlite3.connect(copy)) as target,
                ):
                    source.backup(target)
                tar.add(copy, "regulars.sqlite3")
        else:
            _copy_tables(tar)
        tar.add(home.key_file, "key")
        for file in sorted(home.uploads.glob("*.sealed")):
            tar.add(file, f"uploads/{file.name}")
        data = json.dumps(about).encode()
        info = tarfile.TarInfo("about.json")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
        raw.flush()
    part.replace(out)
    return {"file": str(out), "bytes": out.stat().st_size, **about}


def _tables() -> list[Any]:
    """Our models' tables, those that others point to first."""
    return [m for m in apps.get_models(include_auto_created=True) if m._meta.managed and not m._meta.proxy]


def _copy_tables(tar: tarfile.TarFile) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for model in _tables():
            data = io.BytesIO()
            columns = ", ".join(f'"{f.column}"' for f in model._meta.concrete_fields)
            with cursor.copy(f"COPY (SELECT {columns} FROM {model._meta.db_table}) TO STDOUT") as copy:
                for block in copy:
                    data.write(bytes(block))
            info = tarfile.TarInfo(f"tables/{model._meta.db_table}")
            info.size = data.tell()
            data.seek(0)
            tar.addfile(info, data)


def restore_backup(file: Path) -> dict[str, Any]:
    """Put a backup back into an empty folder. What is there is never overwritten."""
    home = Home.find()
    try:
        with tarfile.open(file, "r:gz") as tar:
            names = tar.getnames()
            about = json.load(tar.extractfile("about.json"))  # type: ignore[arg-type]
            if about["format"] != FORMAT:
                raise Refused(Words("这是别的版本的备份", "This is a backup of another format"))
            if about["store"] != connection.vendor:
                raise Refused(
                    Words(
                        "这份备份来自 {a}，现在的数据库是 {b}",
                        "This backup is of {a}; the database here is {b}",
                    ).fill(a=about["store"], b=connection.vendor)
                )
            _refuse_if_lived_in(home)
            connections.close_all()
            _put(tar, "key", home.key_file)
            for name in names:
                if (
                    name.startswith("uploads/")
                    and name.endswith(".sealed")
                    and "/" not in name[8:]
                    and "\\" not in name
                ):
                    _put(tar, name, home.uploads / name[8:])
            if about["store"] == "sqlite":
                for extra in ("-wal", "-shm"):
                    Path(f"{home.database}{extra}").unlink(missing_ok=True)
                _put(tar, "regulars.sqlite3", home.database)
                call_command("migrate", verbosity=0)
            else:
                call_command("migrate", verbosity=0)
                _load_tables(tar)
    except (tarfile.TarError, KeyError, EOFError, OSError, json.JSONDecodeError) as wrong:
        raise Refused(Words("这个文件不是完整的备份", "This file is not a whole backup")) from wrong
    return {"file": str(file), **about}


def _refuse_if_lived_in(home: Home) -> None:
    from regulars.shop.models import Business

    taken = Refused(
        Words(
            "{f} 里已经有一家店；请恢复到空文件夹（换一个 REGULARS_HOME）",
            "{f} already holds a shop; restore into an empty folder (another REGULARS_HOME)",
        ).fill(f=home.folder)
    )
    tables = connection.introspection.table_names()
    if Business._meta.db_table in tables and Business.objects.exists():
        raise taken


def _put(tar: tarfile.TarFile, name: str, to: Path) -> None:
    source = tar.extractfile(name)
    if source is None:
        raise KeyError(name)
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(to.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        while block := source.read(1 << 20):
            target.write(block)
    part.replace(to)


def _load_tables(tar: tarfile.TarFile) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        models = _tables()
        cursor.execute("TRUNCATE " + ", ".join(m._meta.db_table for m in models) + " CASCADE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for model in models:
            source = tar.extractfile(f"tables/{model._meta.db_table}")
            if source is None:
                continue
            columns = ", ".join(f'"{f.column}"' for f in model._meta.concrete_fields)
            with cursor.copy(f"COPY {model._meta.db_table} ({columns}) FROM STDIN") as copy:
                while block := source.read(1 << 20):
                    copy.write(block)
        call_sql = connection.ops.sequence_reset_sql(_no_style(), models)
        for sql in call_sql:
            cursor.execute(sql)


def _no_style() -> Any:
    from django.core.management.color import no_style

    return no_style()
