"""The store's own guard over the ledger: postings and entries are written once, and then neither changed nor deleted."""

from __future__ import annotations

from typing import Any

TABLES = ("membership_posting", "membership_entry")
SAYS = "the ledger is append-only"


def put_up(apps: Any, schema_editor: Any) -> None:
    """For a migration: from now on the store refuses. A later migration that alters one of the tables takes the guard
    down first and puts it up again."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"""CREATE OR REPLACE FUNCTION membership_ledger_guard() RETURNS trigger LANGUAGE plpgsql AS $guard$
            BEGIN RAISE EXCEPTION '{SAYS}'; END $guard$""",
            params=None,
        )
    for table in TABLES:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION membership_ledger_guard()",
                params=None,
            )
            continue
        for verb in ("UPDATE", "DELETE"):
            schema_editor.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{SAYS}'); END",
                params=None,
            )


def take_down(apps: Any, schema_editor: Any) -> None:
    for table in TABLES:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}")
            continue
        for verb in ("update", "delete"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{verb}")
