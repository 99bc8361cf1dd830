from typing import Any

from django.db import connection, migrations

from regulars.shop import guard


def forget_what_was_clear(apps: Any, schema_editor: Any) -> None:
    """Reasons that stood in clear before are still in the free pages of SQLite's file; writing it anew leaves them out.
    On PostgreSQL the next vacuum does it."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM shop_business)")
        if cursor.fetchone()[0]:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class Migration(migrations.Migration):
    """The store itself refuses to change or delete a line of the audit trail."""

    atomic = False
    dependencies = [("shop", "0006_audit_chain")]

    operations = [
        migrations.RunPython(guard.put_up, guard.take_down),
        migrations.RunPython(forget_what_was_clear, migrations.RunPython.noop),
    ]
