import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0002_less_indexes"),
        ("grading", "0001_first"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="gradechange",
            name="grading_change_on",
        ),
        migrations.AlterField(
            model_name="gradechange",
            name="customer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="grade_changes",
                to="customers.customer",
            ),
        ),
        migrations.AlterField(
            model_name="standing",
            name="customer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="standings",
                to="customers.customer",
            ),
        ),
        migrations.AddIndex(
            model_name="gradechange",
            index=models.Index(fields=["playbook", "on", "was"], name="grading_change_moved"),
        ),
    ]
