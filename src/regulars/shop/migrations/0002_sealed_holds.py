from typing import Any

from django.db import migrations

import regulars.shop.models


def seal(apps: Any, schema_editor: Any) -> None:
    hold = apps.get_model("shop", "Hold")
    for one in hold.objects.exclude(why="").iterator():
        hold.objects.filter(pk=one.pk).update(sealed=one.why)


class Migration(migrations.Migration):
    """Why somebody is left in peace is a note about her, and stands encrypted as every note does."""

    dependencies = [("shop", "0001_first")]

    operations = [
        migrations.AddField("hold", "sealed", regulars.shop.models.SealedTextField(null=True)),
        migrations.RunPython(seal, migrations.RunPython.noop),
        migrations.RemoveField("hold", "why"),
        migrations.RenameField("hold", "sealed", "why"),
    ]
