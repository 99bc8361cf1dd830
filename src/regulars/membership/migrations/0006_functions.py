"""PostgreSQL gets functions that read and write a batch in one call each, and does not look for member and
lot of every entry again; SQLite, where that costs nothing, goes on doing so."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from regulars.membership import functions


def drop_constraints(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        found = schema_editor.connection.introspection.get_constraints(cursor, "membership_entry")
    for name, about in found.items():
        if about["foreign_key"] and about["columns"] in (["member_id"], ["lot_id"]):
            schema_editor.execute(f'ALTER TABLE membership_entry DROP CONSTRAINT "{name}"', params=None)


def altered(name: str, to: str, **more: Any) -> migrations.AlterField:
    field = models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=to,
        **more,
    )
    return migrations.AlterField(model_name="entry", name=name, field=field)


class Migration(migrations.Migration):
    dependencies = [("membership", "0005_few_round_trips")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_constraints, migrations.RunPython.noop)],
            state_operations=[
                altered("member", "membership.member"),
                altered("lot", "membership.lot", null=True),
            ],
        ),
        migrations.RunPython(functions.make, functions.drop),
    ]
