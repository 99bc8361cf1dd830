# A later file may say of a receipt that it was reversed.
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sales", "0001_first")]

    operations = [
        migrations.AlterField(
            model_name="sale",
            name="kind",
            field=models.CharField(
                choices=[
                    ("sale", "Sale"),
                    ("refund", "Refund"),
                    ("attendance", "Attendance"),
                    ("reversed", "Reversed"),
                ],
                max_length=10,
            ),
        ),
    ]
