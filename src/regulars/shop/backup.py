"""Backup and restore of the whole folder while it runs: the database as of one moment and the sealed files, encrypted.

On SQLite the database is copied by its own online backup; on PostgreSQL every table is written as COPY data. The books
are not in it: they are rebuilt. The key is not in it either: names stand in clear in the database, so the whole archive
is sealed, by a random key of its own that is wrapped with the shop's.

The file: `REGULARS BACKUP 2` and a line of JSON (made at, store, which key, the wrapped key), both in clear, then the
archive as `shop.sealed_stream` writes it. Backups of format 1, which were a plain archive with the key inside, can still
be restored.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model

from regulars.shop import first_tables, trail
from regulars.shop.home import Home
from regulars.shop.keys import Keys, Master, WrongKey, from_paper, look_again, read_key_file, write_key_file
from regulars.shop.sealed_stream import Damaged, Opening, Sealing
from regulars.shop.words import Refused, Words

FORMAT = 2
MAGIC = b"REGULARS BACKUP 2\n"
LONGEST_HEADER = 10_000
BROKEN = Words("这个文件不是完整的备份", "This file is not a whole backup")
NO_KEY = Words(
    "打不开这份备份：它要用钥匙 {k}（{at} 备份）。把备份时旁边的「{f}」放回备份旁边，或写明：regulars restore 备份 --key 钥匙文件，"
    '或照着纸上的钥匙：--key-typed "1-ABCD-…"。没有钥匙谁也打不开',
    "This backup can't be opened: it needs the key {k} (made {at}). Put “{f}”, which was written beside it, next to it again, "
    'or name it: regulars restore BACKUP --key KEYFILE, or type the key on paper: --key-typed "1-ABCD-…". Without the key '
    "nobody can open it",
)
FOREIGN_KEY_FILE = Words(
    "{f} 里已经有另一把钥匙，不会去覆盖它。把它移走，或换一个 REGULARS_KEY_FILE，再恢复",
    "{f} already holds another key and is not overwritten. Move it away, or set another REGULARS_KEY_FILE, and restore again",
)


@dataclass(frozen=True)
class Written:
    """A backup that was made: what is in it, and where its key was written (none where it lies elsewhere anyway)."""

    about: dict[str, Any]
    key_file: Path | None


def write_backup(out: Path, *, with_key: bool = True) -> Written:
    """Write everything into one sealed file; whole or not at all: it is read back before it takes the place of an older
    one. The key is written beside it, unless it lies outside the shop's folder anyway or `with_key` is False."""
    home = Home.find()
    part = out.with_name(out.name + ".part")
    here = look_again()
    secret = AESGCM.generate_key(256)
    about: dict[str, Any] = {
        "format": FORMAT, "made_at": datetime.now(UTC).isoformat(), "store": connection.vendor, "key": here.mark,
        "wrapped": base64.b64encode(here.seal_bytes(secret)).decode(),
    }  # fmt: skip
    head = MAGIC + json.dumps(about).encode() + b"\n"
    trail.link_pending()
    inside = {
        **about, "migrations": sorted(".".join(m) for m in MigrationRecorder(connection).applied_migrations()),
        "trail": trail.last_line().text(),
    }  # fmt: skip
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as raw:
            raw.write(head)
            sealing = Sealing(raw, secret, head)
            with (
                gzip.GzipFile("", "wb", 3, sealing) as packed,
                tarfile.open(fileobj=packed, mode="w|") as tar,
            ):
                _add(tar, "about.json", json.dumps(inside).encode())
                _add_everything(tar, home)
            sealing.finish()
            raw.flush()
            os.fsync(raw.fileno())
        with part.open("rb") as file:
            _read_through(_opened(file, Sealed.read(file), here))
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    beside = None
    if with_key and home.key_file.resolve().is_relative_to(home.folder):
        beside = key_beside(out)
        write_key_file(beside, here.masters)
    part.replace(out)
    shown = {k: v for k, v in inside.items() if k not in ("wrapped", "trail")}
    return Written({"file": str(out), "bytes": out.stat().st_size, **shown}, beside)


def key_beside(backup: Path) -> Path:
    return backup.with_name(backup.name + ".key")


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def _add_everything(tar: tarfile.TarFile, home: Home) -> None:
    for file in sorted(home.uploads.glob("*.sealed")):
        try:
            _add(tar, f"uploads/{file.name}", file.read_bytes())
        except FileNotFoundError:  # expired or taken up meanwhile
            continue
    if connection.vendor == "sqlite":
        with _scratch(home) as copy:
            with closing(sqlite3.connect(home.database)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
            tar.add(copy, "regulars.sqlite3")
    else:
        _copy_tables(tar)


@contextmanager
def _scratch(home: Home) -> Iterator[Path]:
    """A place for the copy of the database: in the shop's own folder, which only its owner may enter, and gone with the
    next backup where this one is cut off."""
    folder = home.folder / "scratch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder / "regulars.sqlite3"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- opening ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sealed:
    """The head of a backup: what it says in clear, and its bytes, to which every piece is bound."""

    about: dict[str, Any]
    head: bytes

    @classmethod
    def read(cls, file: IO[bytes]) -> Sealed:
        """The head of an open file, which stands at its archive afterwards."""
        magic, line = file.read(len(MAGIC)), file.readline(LONGEST_HEADER)
        try:
            about = json.loads(line)
            if magic != MAGIC or about["format"] != FORMAT:
                raise ValueError(magic)
            _ = about["store"], about["key"], base64.b64decode(about["wrapped"])
        except (ValueError, KeyError, TypeError) as wrong:
            raise Refused(BROKEN) from wrong
        return cls(about, magic + line)


def _opened(file: IO[bytes], sealed: Sealed, here: Keys) -> IO[bytes]:
    secret = here.unseal_bytes(base64.b64decode(sealed.about["wrapped"]))
    return io.BufferedReader(Opening(file, secret, sealed.head), 1 << 20)


def _read_through(stream: IO[bytes]) -> None:
    """Every piece, to its end, and the archive to its own end; raises where anything is not as it was written."""
    with gzip.GzipFile("", "rb", fileobj=stream) as packed:
        while packed.read(1 << 20):
            pass
    while stream.read(1 << 20):
        pass


def is_old(file: Path) -> bool:
    """Whether a backup is of format 1."""
    with file.open("rb") as start:
        return start.read(2) == b"\x1f\x8b"


def restore_backup(file: Path, *, key_file: Path | None = None, typed: str = "") -> dict[str, Any]:
    """Put a backup back into an empty folder. What is there is never overwritten. The key is the folder's own where it
    fits, else the one given, else the one that lies beside the backup."""
    home = Home.find()
    try:
        return _restore_old(file, home) if is_old(file) else _restore(file, home, key_file, typed)
    except (
        tarfile.TarError,
        Damaged,
        KeyError,
        EOFError,
        gzip.BadGzipFile,
        OSError,
        json.JSONDecodeError,
    ) as wrong:
        if isinstance(wrong, OSError) and wrong.filename:
            raise
        raise Refused(BROKEN) from wrong


def _restore(file: Path, home: Home, key_file: Path | None, typed: str) -> dict[str, Any]:
    with file.open("rb") as raw:
        sealed = Sealed.read(raw)
        _must_be_of_this_store(sealed.about)
        _refuse_if_lived_in(home)
        here = _fitting(sealed, file, home, key_file, typed)
        start = raw.tell()
        _read_through(_opened(raw, sealed, here))  # before anything is put anywhere
        raw.seek(start)
        _take_key(here.masters, home)
        with (
            gzip.GzipFile("", "rb", fileobj=_opened(raw, sealed, here)) as packed,
            tarfile.open(fileobj=packed, mode="r|") as tar,
        ):
            members = ((m.name, tar.extractfile(m)) for m in tar)
            first, source = next(members)
            if first != "about.json" or source is None:
                raise KeyError(first)
            about = json.load(source)
            _put_back(members, about, home)
    trail.head_file().write_text(about["trail"], "ascii")
    return {"file": str(file), **{k: v for k, v in about.items() if k not in ("wrapped", "trail")}}


def _restore_old(file: Path, home: Home) -> dict[str, Any]:
    """A backup of format 1: a plain archive with the key in it, what it is about at its end."""
    with tarfile.open(file, "r:gz") as tar:
        about = json.load(tar.extractfile("about.json"))  # type: ignore[arg-type]
        if about["format"] != 1:
            raise Refused(Words("这是别的版本的备份", "This is a backup of another format"))
        _must_be_of_this_store(about)
        _refuse_if_lived_in(home)
        key = tar.extractfile("key")
        if key is None:
            raise KeyError("key")
        masters = [Master.read(key.read().decode("ascii"))]
        _must_not_lose_a_key(masters, home)
        _take_key(masters, home)
        _put_back(((m.name, tar.extractfile(m)) for m in tar), about, home)
    return {"file": str(file), **about}


def _take_key(masters: Sequence[Master], home: Home) -> None:
    connections.close_all()
    write_key_file(home.key_file, masters)
    look_again()


def _must_not_lose_a_key(masters: Sequence[Master], home: Home) -> None:
    """A key file that somebody has put outside the folder may open another shop."""
    own = home.key_file
    if (
        own.is_file()
        and not own.resolve().is_relative_to(home.folder)
        and read_key_file(own) != list(masters)
    ):
        raise Refused(FOREIGN_KEY_FILE.fill(f=own))


def _fitting(sealed: Sealed, file: Path, home: Home, key_file: Path | None, typed: str) -> Keys:
    """The key that opens a backup; raises Refused with what to do where there is none."""
    tried: list[list[Master]] = [[from_paper(typed)]] if typed else []
    for path in (home.key_file, key_file, key_beside(file)):
        if path is not None and path.is_file():
            try:
                tried.append(read_key_file(path))
            except WrongKey:
                continue
    for masters in tried:
        try:
            here = Keys(masters)
            here.unseal_bytes(base64.b64decode(sealed.about["wrapped"]))
        except WrongKey:
            continue
        _must_not_lose_a_key(masters, home)
        return here
    raise Refused(
        NO_KEY.fill(
            k=sealed.about["key"], at=str(sealed.about.get("made_at", "?"))[:10], f=key_beside(file).name
        )
    )


def _must_be_of_this_store(about: dict[str, Any]) -> None:
    if about["store"] != connection.vendor:
        raise Refused(
            Words(
                "这份备份来自 {a}，现在的数据库是 {b}",
                "This backup is of {a}; the database here is {b}",
            ).fill(a=about["store"], b=connection.vendor)
        )


Members = Iterator[tuple[str, IO[bytes] | None]]


def _put_back(members: Members, about: dict[str, Any], home: Home) -> None:
    """Every member of the archive to its place, as they come; then what later versions have changed is done to it."""
    if about["store"] == "sqlite":
        for name, source in members:
            if name == "regulars.sqlite3" and source:
                for extra in ("-wal", "-shm"):
                    Path(f"{home.database}{extra}").unlink(missing_ok=True)
                _put(source, home.database)
            elif _is_upload(name) and source:
                _put(source, home.uploads / name.removeprefix("uploads/"))
    else:
        _migrate_to(about["migrations"])
        with transaction.atomic():
            there = _emptied()
            for name, source in members:
                if name.startswith("tables/") and source:
                    _load_table(name.removeprefix("tables/"), source, there, has_columns=about["format"] > 1)
                elif _is_upload(name) and source:
                    _put(source, home.uploads / name.removeprefix("uploads/"))
            _numbers_go_on(there)
    call_command("migrate", verbosity=0)


def _put(source: IO[bytes], to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(to.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    part.replace(to)


def _is_upload(name: str) -> bool:
    return name.startswith("uploads/") and name.endswith(".sealed") and not {"/", "\\"} & set(name[8:])


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


# --- tables of PostgreSQL --------------------------------------------------------------------------------------------


def _tables() -> list[type[Model]]:
    return [m for m in apps.get_models(include_auto_created=True) if m._meta.managed and not m._meta.proxy]


def _copy_tables(tar: tarfile.TarFile) -> None:
    """Every table as of one moment: a line with the names of its columns, then COPY data."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for model in _tables():
            columns = [str(f.column) for f in model._meta.concrete_fields]
            data = io.BytesIO()
            data.write(json.dumps(columns).encode() + b"\n")
            named = ", ".join(f'"{c}"' for c in columns)
            with cursor.copy(f"COPY (SELECT {named} FROM {model._meta.db_table}) TO STDOUT") as copy:
                for block in copy:
                    data.write(bytes(block))
            info = tarfile.TarInfo(f"tables/{model._meta.db_table}")
            info.size = data.tell()
            data.seek(0)
            tar.addfile(info, data)


def _migrate_to(names: Sequence[str]) -> None:
    """Make the tables as they were when the backup was made."""
    applied = {(app, name) for app, _, name in (n.partition(".") for n in names)}
    if applied >= set(first_tables.stages()):
        first_tables.lay()
    executor = MigrationExecutor(connection)
    wanted = applied & set(executor.loader.graph.nodes)
    last: list[tuple[str, str | None]] = [
        node for node in wanted
        if not any(c.key in wanted and c.key[0] == node[0] for c in executor.loader.graph.node_map[node].children)
    ]  # fmt: skip
    executor.migrate(sorted(last))


def _emptied() -> dict[str, type[Model]]:
    """The tables that are there, by name, without the rows that migrations put in."""
    with connection.cursor() as cursor:
        names = set(connection.introspection.table_names(cursor))
        there = {m._meta.db_table: m for m in _tables() if m._meta.db_table in names}
        cursor.execute("TRUNCATE " + ", ".join(there) + " CASCADE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return there


def _load_table(table: str, source: IO[bytes], there: dict[str, type[Model]], *, has_columns: bool) -> None:
    if table not in there:
        raise KeyError(table)
    with connection.cursor() as cursor:
        known = {c.name for c in connection.introspection.get_table_description(cursor, table)}
        if has_columns:
            columns = [c for c in json.loads(source.readline()) if isinstance(c, str)]
            if not set(columns) <= known:
                raise KeyError(table)
        else:  # format 1 wrote them in the order of the model, which has only been added to since
            columns = [str(f.column) for f in there[table]._meta.concrete_fields if f.column in known]
        named = ", ".join(f'"{c}"' for c in columns)
        with cursor.copy(f"COPY {table} ({named}) FROM STDIN") as copy:
            while block := source.read(1 << 20):
                copy.write(block)


def _numbers_go_on(there: dict[str, type[Model]]) -> None:
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), list(there.values())):
            cursor.execute(sql)
