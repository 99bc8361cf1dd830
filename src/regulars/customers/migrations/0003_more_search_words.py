"""Customers of before are found under the words of today too: by the sound of a given name, the initials of a surname
of two characters, a name without its marks and apostrophes. Words are only added, fifty thousand customers at a time,
so it takes a minute for a million and may be cut off and begun again."""

from typing import Any

from django.db import connection, migrations, transaction

from regulars.customers.rules.names import search_words
from regulars.shop import bulk


def add_words(apps: Any, schema_editor: Any) -> None:
    customer, search_key = (apps.get_model("customers", m) for m in ("Customer", "SearchKey"))
    people, keys = customer._meta.db_table, search_key._meta.db_table
    last = 0
    while True:
        named = bulk.rows(
            f"SELECT id, name FROM {people} WHERE id > %s AND name <> '' AND merged_into_id IS NULL AND NOT is_gone "
            f"ORDER BY id LIMIT {bulk.CHUNK}",
            [last],
        )
        if not named:
            return
        first, last = named[0][0], named[-1][0]
        with transaction.atomic(using=connection.alias):
            there = set(
                bulk.rows(
                    f"SELECT customer_id, word FROM {keys} WHERE customer_id BETWEEN %s AND %s", [first, last]
                )
            )
            wanted = ((i, word[:80]) for i, name in named for word in search_words(name))
            bulk.insert(search_key, ("customer_id", "word"), [w for w in wanted if w not in there])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("customers", "0002_less_indexes")]
    operations = [migrations.RunPython(add_words, migrations.RunPython.noop)]
