"""PostgreSQL's function that reads takes all that it needs as one value, so that it can travel with the beginning of the
transaction."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from regulars.membership import functions


def anew(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        before = "membership_read(bigint[], bigint[], text[], date, text[], integer, integer)"
        schema_editor.execute(f"DROP FUNCTION IF EXISTS {before}", params=None)
        functions.make(apps, schema_editor)


class Migration(migrations.Migration):
    dependencies = [("membership", "0008_earned_by_value")]

    operations = [migrations.RunPython(anew, migrations.RunPython.noop)]
