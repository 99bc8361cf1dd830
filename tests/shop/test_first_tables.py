"""A new shop has the tables that its migrations make, to the letter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.contracts.tree import ROOT

from regulars.shop.first_tables import AFTER

GO_THROUGH_ALL = r"""
import json, os, re
from pathlib import Path
import django
django.setup()
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from regulars.shop import first_tables
from regulars.shop.first_tables import AFTER, BETWEEN

CATALOGUE = {
    "sqlite": ["SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"],
    "postgresql": [
        "SELECT table_name, ordinal_position, column_name, data_type, is_nullable, character_maximum_length,"
        " column_default, is_identity FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
        "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
        "SELECT tgname, pg_get_triggerdef(oid), pg_get_functiondef(tgfoid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
    ],
}

def asked(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()

def catalogue():
    stages = MigrationRecorder(connection).migration_qs.order_by("id").values_list("app", "name")
    return [asked(sql) for sql in CATALOGUE[connection.vendor]], list(stages)

made = []
def see(execute, sql, parameters, many, context):
    if re.match(r"\s*(CREATE|ALTER|DROP|SET)\b", sql):
        assert not parameters and BETWEEN not in sql
        made.append(sql.strip().removesuffix(";"))
    else:
        assert re.match(r"\s*(SELECT|BEGIN|SAVEPOINT|RELEASE|PRAGMA|INSERT INTO \W?(django_migrations|new__))", sql), sql
    return execute(sql, parameters, many, context)

executor = MigrationExecutor(connection)
with connection.execute_wrapper(see):
    executor.migrate(executor.loader.graph.leaf_nodes())
by_migrations = catalogue()
if connection.vendor == "sqlite":  # which keeps what it was told, and tables that were copied on the way stand there once
    made = [sql for (sql,) in asked("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'sqlite_sequence' ORDER BY rowid")]
text = "".join(AFTER + ".".join(stage) + "\n" for stage in by_migrations[1]) + "\n" + BETWEEN.join(made) + ";\n"

if os.environ.get("REGULARS_WRITE_DOCS"):
    first_tables.written_down().write_text(text, "utf-8", newline="\n")

if connection.vendor == "sqlite":
    connection.close()
    Path(connection.settings_dict["NAME"]).unlink()
else:
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
assert first_tables.lay() and not first_tables.lay(), "it is done in an empty store, and there only"
print(json.dumps([text, by_migrations, catalogue()]))
"""


@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_a_new_shop_has_the_tables_that_its_migrations_make(
    store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    surroundings = {**os.environ, "REGULARS_HOME": str(tmp_path / "shop")}
    surroundings.pop("REGULARS_DATABASE", None)
    if store == "postgresql":
        surroundings["REGULARS_DATABASE"] = new_database(request.getfixturevalue("postgres_url"), tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", GO_THROUGH_ALL], env=surroundings, capture_output=True, text=True, encoding="utf-8", check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text, by_migrations, at_once = json.loads(done.stdout.splitlines()[-1])
    written = ROOT / "src" / "regulars" / "shop" / "tables" / f"{store}.sql"
    assert written.read_text("utf-8") == text, "run this test with REGULARS_WRITE_DOCS=1 to write it anew"
    assert at_once == by_migrations and len(by_migrations[1]) == text.count(AFTER) > 40


def new_database(server: str, tmp_path: Path) -> str:
    """The address of an empty database on a running server."""
    import psycopg

    name = f"tables_{os.getpid()}_{abs(hash(str(tmp_path))) % 10**8}"
    with psycopg.connect(server, autocommit=True) as link:
        link.execute(f"CREATE DATABASE {name}")
    head, _, query = server.partition("?")
    return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
