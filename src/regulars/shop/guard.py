"""The store's own guard over the audit trail: a line can be written and linked once, and then neither changed nor
deleted. Sealing the reason anew with another key is no change.

A guard against our own mistakes and a hurried hand; whoever owns the database can lift it, and then the chain tells.
"""

from __future__ import annotations

from typing import Any

KEPT = ("id", "at", "actor_id", "actor_name", "verb", "subject", "detail")
SAYS = "the audit trail is append-only"

_SQLITE = (
    """CREATE TRIGGER shop_audit_no_delete BEFORE DELETE ON shop_auditevent
    BEGIN SELECT RAISE(ABORT, '{says}'); END""",
    """CREATE TRIGGER shop_audit_no_update BEFORE UPDATE ON shop_auditevent
    WHEN {changed}
      OR (OLD.link IS NOT NULL AND (NEW.link IS NOT OLD.link OR NEW.place IS NOT OLD.place))
      OR (NEW.why IS NOT OLD.why AND (OLD.why IS NULL OR NEW.why IS NULL OR substr(NEW.why, 1, 1) = substr(OLD.why, 1, 1)))
    BEGIN SELECT RAISE(ABORT, '{says}'); END""",
)

_POSTGRES = (
    """CREATE OR REPLACE FUNCTION shop_audit_guard() RETURNS trigger LANGUAGE plpgsql AS $guard$
    BEGIN
      IF TG_OP = 'DELETE' THEN RAISE EXCEPTION '{says}'; END IF;
      IF {changed}
        OR (OLD.link IS NOT NULL AND (NEW.link IS DISTINCT FROM OLD.link OR NEW.place IS DISTINCT FROM OLD.place))
        OR (NEW.why IS DISTINCT FROM OLD.why
            AND (OLD.why IS NULL OR NEW.why IS NULL OR get_byte(NEW.why, 0) = get_byte(OLD.why, 0)))
      THEN RAISE EXCEPTION '{says}'; END IF;
      RETURN NEW;
    END $guard$""",
    """CREATE TRIGGER shop_audit_append_only BEFORE UPDATE OR DELETE ON shop_auditevent
    FOR EACH ROW EXECUTE FUNCTION shop_audit_guard()""",
)


def put_up(apps: Any, schema_editor: Any) -> None:
    """For a migration: from now on the store refuses. A later migration that alters the table takes the guard down
    first and puts it up again: SQLite forgets triggers with the table that it copies."""
    vendor = schema_editor.connection.vendor
    differs = "IS DISTINCT FROM" if vendor == "postgresql" else "IS NOT"
    changed = " OR ".join(f"NEW.{c} {differs} OLD.{c}" for c in KEPT)
    for statement in _POSTGRES if vendor == "postgresql" else _SQLITE:
        schema_editor.execute(statement.format(says=SAYS, changed=changed), params=None)


def take_down(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TRIGGER IF EXISTS shop_audit_append_only ON shop_auditevent")
        return
    for name in ("shop_audit_no_delete", "shop_audit_no_update"):
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}")
