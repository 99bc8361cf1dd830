"""Many rows at once, on SQLite and PostgreSQL: executemany or COPY, never row by row through the ORM.

Column names come from our own models, never from a person; values always travel as parameters or as COPY data.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection
from django.db.models import CASCADE, SET_NULL, Model
from pyarrow import csv

CHUNK = 50_000
"""Rows in one short write: a tenth of a second to a second, so that nobody at the counter waits for an import."""

IN_LIST = 5_000
"""Values in one IN (…) list; below the 32,766 variables that SQLite takes in a statement."""


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def day(value: Any) -> Any:
    """A date as a query of one's own returns it: SQLite gives the text of a column that is reckoned."""
    return date.fromisoformat(value[:10]) if isinstance(value, str) else value


def in_chunks(values: Sequence[Any], size: int = IN_LIST) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def reserve_ids(model: type[Model], n: int) -> int:
    """The first of `n` primary keys that nobody else will use. Call it inside the transaction that inserts them: on
    SQLite the one writer is the guard, on PostgreSQL the sequence is moved."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if is_postgres():
            cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
            (sequence,) = cursor.fetchone()
            cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
            cursor.execute("SELECT nextval(%s)", [sequence])
            (first,) = cursor.fetchone()
            cursor.execute("SELECT setval(%s, %s)", [sequence, first + n - 1])
            return int(first)
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = cursor.fetchone()
        return int(row[0] if row else 0) + 1


def insert(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows given as tuples in the order of `columns` (database column names)."""
    table = model._meta.db_table
    names = ", ".join(f'"{c}"' for c in columns)
    with connection.cursor() as cursor:
        if is_postgres():
            text = "".join("\t".join(map(_for_copy, row)) + "\n" for row in rows)
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                copy.write(text)
            return
        marks = ", ".join(["?"] * len(columns))
        # The driver's own executemany: Django's would rewrite and log every statement.
        cursor.connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


def insert_table(model: type[Model], table: pa.Table) -> None:
    """Insert the rows of an Arrow table whose columns bear the database's column names."""
    name = model._meta.db_table
    names = ", ".join(f'"{c}"' for c in table.column_names)
    with connection.cursor() as cursor:
        if is_postgres():
            text = io.BytesIO()
            csv.write_csv(table, text, csv.WriteOptions(include_header=False))
            with cursor.copy(f"COPY {name} ({names}) FROM STDIN (FORMAT csv)") as copy:
                copy.write(text.getbuffer())
            return
        marks = ", ".join(["?"] * table.num_columns)
        columns = [as_list(column) for column in table.columns]
        cursor.connection.executemany(
            f"INSERT INTO {name} ({names}) VALUES ({marks})", zip(*columns, strict=True)
        )


def as_list(column: pa.ChunkedArray) -> list[Any]:
    """A column as the Python values that SQLite's driver takes: instants and days as text, yes and no as 1 and 0."""
    kind = column.type
    if pa.types.is_temporal(kind):
        column = column.cast(pa.string())
    elif pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if column.null_count == len(column):
        return [None] * len(column)
    if column.null_count and pa.types.is_integer(column.type):
        values = pc.fill_null(column, 0).to_numpy().tolist()
        empty = pc.is_null(column).to_numpy().tolist()
        return [None if e else v for v, e in zip(values, empty, strict=True)]
    return column.to_numpy().tolist()  # type: ignore[no-any-return]


COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""})


def _for_copy(value: Any) -> str:
    """One value in COPY's text format."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(COPY_ESCAPES)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    return str(value)


def execute(sql: str, parameters: Sequence[Any] = ()) -> int:
    """Run one statement and say how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def delete(model: type[Model], column: str, values: Sequence[Any]) -> int:
    """Delete rows and what hangs on them, as the models say (CASCADE, SET_NULL), a statement for each table. Django's
    own deletion fetches every row first and asks SQLite in lists of a thousand."""
    if not values:
        return 0
    table = model._meta.db_table
    for relation in model._meta.related_objects:
        theirs_of, key = relation.related_model, str(relation.field.column)
        if not rows(f"SELECT 1 FROM {theirs_of._meta.db_table} LIMIT 1"):
            continue
        if column == "id":
            theirs = list(values)
        else:
            theirs = [i for (i,) in rows_in(f"SELECT id FROM {table} WHERE {column} IN ({{marks}})", values)]
        for chunk in in_chunks(theirs):
            if relation.on_delete is CASCADE:
                delete(theirs_of, key, chunk)
            elif relation.on_delete is SET_NULL:
                execute_in(
                    f"UPDATE {theirs_of._meta.db_table} SET {key} = NULL WHERE {key} IN ({{marks}})", chunk
                )
    return execute_in(f"DELETE FROM {table} WHERE {column} IN ({{marks}})", values)


def execute_many(sql: str, parameters: Sequence[Sequence[Any]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(sql, parameters)


def rows(sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def alone(what: str) -> None:
    """Inside a transaction: wait until nobody else changes the same thing. SQLite has one writer anyway."""
    if is_postgres():
        execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [what])


def rows_in(sql: str, values: Sequence[Any], before: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
    """Rows of a query with one `IN ({marks})` list, asked in chunks."""
    for chunk in in_chunks(values):
        yield from rows(_listed(sql, len(chunk)), [*before, *_as_list(chunk)])


def execute_in(sql: str, values: Sequence[Any]) -> int:
    """Run a statement with one `IN ({marks})` list, in chunks, and say how many rows it touched."""
    return sum(execute(_listed(sql, len(chunk)), _as_list(chunk)) for chunk in in_chunks(values))


def _listed(sql: str, n: int) -> str:
    # PostgreSQL takes the whole list as one array; a mark for each would be looked for and replaced one by one.
    if is_postgres():
        return sql.replace("IN ({marks})", "= ANY(%s)")
    return sql.format(marks=", ".join(["%s"] * n))


def _as_list(values: Sequence[Any]) -> list[Any]:
    return [list(values)] if is_postgres() else list(values)


def take_stock() -> None:
    """Let the store look at how its tables have grown, so that it picks the right index: a page over a million
    customers is ten times faster for it. Takes a hundredth of a second; PostgreSQL does it by itself."""
    if not is_postgres():
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA analysis_limit = 1000")
            cursor.execute("ANALYZE")


def close_the_log() -> None:
    """Bring SQLite's write-ahead log into the file and cut it off, so that nothing older stands there."""
    if not is_postgres() and not connection.in_atomic_block:
        execute("PRAGMA wal_checkpoint(TRUNCATE)")
