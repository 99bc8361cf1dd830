"""The tables of a new shop, laid in one go.

Going through every migration builds a picture of all models anew for each of their steps: seconds, in which somebody
waits who has only just called the shop to life. What the migrations leave in an empty store stands written down in
`tables/`, one file for each kind of store, with the names of those that it stands for; later ones are gone through as
in any shop. tests/shop/test_first_tables.py goes through them all, and compares.
"""

from __future__ import annotations

from pathlib import Path

from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

AFTER = "-- after "
"""A line that names a migration whose work is in the file."""

BETWEEN = ";\n\n"


def written_down() -> Path:
    return Path(__file__).with_name("tables") / f"{connection.vendor}.sql"


def stages() -> list[tuple[str, str]]:
    """The migrations that the file stands for, in their order."""
    lines = written_down().read_text("utf-8").splitlines()
    found = (line.removeprefix(AFTER).partition(".") for line in lines if line.startswith(AFTER))
    return [(app, name) for app, _, name in found]


def lay() -> bool:
    """Make the tables in a store that is empty, all or none; false where there is one already."""
    text = written_down().read_text("utf-8")
    statements = "\n".join(line for line in text.splitlines() if not line.startswith("-- ")).split(BETWEEN)
    with transaction.atomic():
        if connection.introspection.table_names():
            return False
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        record = MigrationRecorder(connection).Migration.objects
        record.bulk_create(record.model(app=app, name=name) for app, name in stages())
    return True
