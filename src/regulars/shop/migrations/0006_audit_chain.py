from typing import Any

import django.db.models.deletion
from django.db import migrations, models

import regulars.shop.models
from regulars.shop.rules.masks import masked, masked_values


def seal(apps: Any, schema_editor: Any) -> None:
    """Reasons of before are masked and sealed as those of today are, and so is what looks like a number in a detail."""
    event = apps.get_model("shop", "AuditEvent")
    for one in event.objects.exclude(why="").iterator():
        event.objects.filter(pk=one.pk).update(sealed=masked(one.why))
    for one in event.objects.exclude(detail={}).iterator():
        if (detail := masked_values(one.detail)) != one.detail:
            event.objects.filter(pk=one.pk).update(detail=detail)


class Migration(migrations.Migration):
    """Reasons in the audit trail stand sealed, and each line has its place and its link in the chain. Lines of before
    are linked with the next one that is written."""

    dependencies = [("shop", "0005_doors")]

    operations = [
        migrations.CreateModel(
            name="LastingSecret",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("purpose", models.CharField(max_length=20, unique=True)),
                ("secret", regulars.shop.models.SealedTextField()),
            ],
        ),
        # First, because PostgreSQL alters no table while keys of rows changed in the same breath wait to be looked at.
        migrations.AlterField(
            "auditevent",
            "actor",
            models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="shop.staff",
            ),
        ),
        migrations.AddField("auditevent", "sealed", regulars.shop.models.SealedTextField(null=True)),
        migrations.RunPython(seal, migrations.RunPython.noop),
        migrations.RemoveField("auditevent", "why"),
        migrations.RenameField("auditevent", "sealed", "why"),
        migrations.AddField("auditevent", "place", models.BigIntegerField(null=True, unique=True)),
        migrations.AddField("auditevent", "link", models.BinaryField(max_length=32, null=True)),
    ]
