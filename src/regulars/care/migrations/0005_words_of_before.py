"""What was written on tasks before is found as what is written today. May be cut off and begun again."""

from typing import Any

from django.db import connection, migrations, transaction

from regulars.shop import bulk
from regulars.shop.keys import keys
from regulars.shop.rules.note_words import words_of
from regulars.shop.sealed_words import tokens_of


def add_task_words(apps: Any, schema_editor: Any) -> None:
    task, word = (apps.get_model("care", m) for m in ("Task", "TaskWord"))
    last = 0
    while True:
        rows = bulk.rows(
            f"SELECT id, note FROM {task._meta.db_table} WHERE id > %s AND note IS NOT NULL "
            f"AND NOT EXISTS (SELECT 1 FROM {word._meta.db_table} w WHERE w.task_id = {task._meta.db_table}.id) "
            f"ORDER BY id LIMIT {bulk.IN_LIST}",
            [last],
        )
        if not rows:
            return
        with transaction.atomic(using=connection.alias):
            bulk.insert(
                word,
                ("task_id", "token"),
                [
                    (i, t)
                    for i, note in rows
                    for t in tokens_of(words_of(keys().unseal(note)), "care.TaskWord")
                ],
            )
        last = rows[-1][0]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("care", "0004_task_words")]
    operations = [migrations.RunPython(add_task_words, migrations.RunPython.noop)]
