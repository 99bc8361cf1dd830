"""A cap on what a day earns is kept with each receipt: as it was when that was bought, whatever the programme says later."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("membership", "0009_two_round_trips")]

    operations = [migrations.AddField("earned", "most", models.BigIntegerField(null=True))]
