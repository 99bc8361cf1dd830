"""What is written at every booking becomes less: two indexes that hardly anybody asks go."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def drop_indexes(apps: Any, schema_editor: Any) -> None:
    """By name, not by Django's own way of altering a column: that one would write SQLite's whole ledger anew."""
    introspection = schema_editor.connection.introspection
    for table, column in (("membership_posting", "of_id"), ("membership_lot", "posting_id")):
        with schema_editor.connection.cursor() as cursor:
            found = introspection.get_constraints(cursor, table)
        for name, about in found.items():
            if about["columns"] == [column] and about["index"] and not about["foreign_key"]:
                schema_editor.execute(f'DROP INDEX "{name}"', params=None)


class Migration(migrations.Migration):
    dependencies = [("membership", "0004_member_page_door")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_indexes, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField(
                    model_name="posting",
                    name="of",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="after",
                        to="membership.posting",
                    ),
                ),
                migrations.AlterField(
                    model_name="lot",
                    name="posting",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lots",
                        to="membership.posting",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="posting",
            index=models.Index(
                condition=models.Q(("of__isnull", False)), fields=["of"], name="membership_posting_of"
            ),
        ),
    ]
