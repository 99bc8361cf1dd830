"""What every booking costs becomes less once more: PostgreSQL's functions take what they need as it is, and posting and
member of what they have just written themselves are not looked for again; lots without an end stand in no list of ends."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

from regulars.membership import functions


def lighten(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    for table, columns in (
        ("membership_entry", ("posting_id",)),
        ("membership_lot", ("posting_id", "member_id")),
    ):
        with schema_editor.connection.cursor() as cursor:
            found = schema_editor.connection.introspection.get_constraints(cursor, table)
        for name, about in found.items():
            if about["foreign_key"] and about["columns"] in [[column] for column in columns]:
                schema_editor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"', params=None)
    for before in (
        "membership_read(bigint[], json, date, text[], integer, integer)", "membership_write(json)"
    ):  # fmt: skip
        schema_editor.execute(f"DROP FUNCTION IF EXISTS {before}", params=None)
    functions.make(apps, schema_editor)


def unchecked(model: str, name: str, to: str, **more: Any) -> migrations.AlterField:
    field = models.ForeignKey(
        db_constraint=False, on_delete=django.db.models.deletion.PROTECT, to=f"membership.{to}", **more
    )
    return migrations.AlterField(model_name=model, name=name, field=field)


class Migration(migrations.Migration):
    dependencies = [("membership", "0006_functions")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(lighten, migrations.RunPython.noop)],
            state_operations=[
                unchecked("entry", "posting", "posting", related_name="entries"),
                unchecked("lot", "posting", "posting", related_name="lots", db_index=False),
                unchecked("lot", "member", "member", related_name="lots", db_index=False),
            ],
        ),
        migrations.RemoveIndex(model_name="lot", name="membership_lot_ends"),
        migrations.AddIndex(
            model_name="lot",
            index=models.Index(
                condition=Q(in_hand__gt=0, ends__isnull=False), fields=["ends"], name="membership_lot_ends"
            ),
        ),
    ]
