"""Notes and phones of before are found as those of today are: notes by their words, phones by their beginning. Only
added to, in short steps, so it may be cut off and begun again; a million phones take a minute."""

from typing import Any

from django.db import connection, migrations, transaction

from regulars.customers.knowing import head_word
from regulars.shop import bulk
from regulars.shop.keys import keys
from regulars.shop.rules.note_words import words_of
from regulars.shop.sealed_words import tokens_of


def add_note_words(apps: Any, schema_editor: Any) -> None:
    note, word = (apps.get_model("customers", m) for m in ("Note", "NoteWord"))
    last = 0
    while True:
        sql = f"SELECT id, text FROM {note._meta.db_table} WHERE id > %s ORDER BY id LIMIT {bulk.IN_LIST}"
        rows = bulk.rows(sql, [last])
        if not rows:
            return
        with transaction.atomic(using=connection.alias):
            there = {
                i
                for (i,) in bulk.rows_in(
                    f"SELECT DISTINCT note_id FROM {word._meta.db_table} WHERE note_id IN ({{marks}})",
                    [i for i, _ in rows],
                )
            }
            texts = [(i, keys().unseal(text)) for i, text in rows if i not in there]
            bulk.insert(
                word,
                ("note_id", "token"),
                [(i, t) for i, text in texts for t in tokens_of(words_of(text), "customers.NoteWord")],
            )
        last = rows[-1][0]


def add_beginnings(apps: Any, schema_editor: Any) -> None:
    link, customer, search_key = (apps.get_model("customers", m) for m in ("Link", "Customer", "SearchKey"))
    identity = apps.get_model("sales", "Identity")
    unseal, last = keys().unseal, 0
    while True:
        rows = bulk.rows(
            f"SELECT i.id, i.written, c.id FROM {identity._meta.db_table} i JOIN {link._meta.db_table} l "
            f"ON l.identity_id = i.id JOIN {customer._meta.db_table} k ON k.id = l.customer_id "
            f"JOIN {customer._meta.db_table} c ON c.id = COALESCE(k.merged_into_id, k.id) "
            f"WHERE i.kind = 'phone' AND NOT c.is_gone AND i.id > %s ORDER BY i.id LIMIT {bulk.CHUNK}",
            [last],
        )
        if not rows:
            return
        with transaction.atomic(using=connection.alias):
            wanted = {(c, word) for _, written, c in rows if (word := head_word(unseal(written)))}
            there = set(
                bulk.rows_in(
                    f"SELECT customer_id, word FROM {search_key._meta.db_table} WHERE customer_id IN ({{marks}})",
                    sorted({c for c, _ in wanted}),
                )
            )
            bulk.insert(search_key, ("customer_id", "word"), sorted(wanted - there))
        last = rows[-1][0]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("customers", "0006_note_words"), ("sales", "0002_reversed_receipts")]
    operations = [
        migrations.RunPython(add_note_words, migrations.RunPython.noop),
        migrations.RunPython(add_beginnings, migrations.RunPython.noop),
    ]
