"""What was paid by stored value is kept with what a receipt has earned, so that a payment that comes later is noticed; a
use of coupons says whether a refund took it back; and pending lots of which nothing is left are not looked at again."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("membership", "0007_lighter_booking")]

    operations = [
        migrations.AddField("earned", "by_value", models.BigIntegerField(default=0)),
        migrations.AddField("couponuse", "is_back_by_refund", models.BooleanField(default=False)),
        migrations.RemoveIndex("lot", "membership_lot_ripe"),
        migrations.AddIndex(
            "lot",
            models.Index(
                condition=models.Q(("aside__gt", 0), ("ripe_on__isnull", False)),
                fields=["ripe_on"],
                name="membership_lot_ripe",
            ),
        ),
    ]
