"""The engine: DuckDB, the only place that runs fact expressions. They are written in Ibis and compiled to SQL.

A compiled statement holds for every day: where it speaks of the day that it looks from, it reads a variable of the
engine. Another engine needs another module with the same verbs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pyarrow.compute as pc

EPOCH = date(1970, 1, 1).toordinal()


def number_of(day: date) -> int:
    """Days since 1970-01-01: how the engine counts days."""
    return day.toordinal() - EPOCH


def day_of(number: int) -> date:
    return date.fromordinal(number + EPOCH)


# --- expressions to SQL ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Statement:
    """An expression as SQL, and the columns that it gives, with the engine's types."""

    sql: str
    columns: Mapping[str, Any]


def compiled(expression: Any) -> Statement:
    """An Ibis expression over named tables as a statement. It takes a tenth of a second: keep what comes back."""
    sql = str(ibis.to_sql(expression, dialect="duckdb"))
    columns = dict(expression.schema().items())
    # The engine sums integers into 128 bits, which files and arrays would turn into floats.
    wanted = ", ".join(
        f'CAST("{n}" AS BIGINT) AS "{n}"' if t.is_int64() else f'"{n}"' for n, t in columns.items()
    )
    return Statement(f"SELECT {wanted} FROM ({sql})", columns)


def _getvariable(name: str) -> int:
    raise AssertionError("the engine's own function, never called here")


_VARIABLE: Any = ibis.udf.scalar.builtin(_getvariable, name="getvariable", signature=(("string",), "int32"))


def the_day() -> Any:
    """The day that a statement looks from, as an expression; `Engine.stand_on` says which it is."""
    return _VARIABLE(ibis.literal("day")).name("day")


class Engine:
    """An engine with nothing in it; it starts when it is first asked."""

    def __init__(self, memory: str = "700MB", threads: int | None = None, **settings: str) -> None:
        self._settings = {"memory_limit": f"'{memory}'", "preserve_insertion_order": "false", **settings}
        if threads:
            self._settings["threads"] = str(threads)

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        opened = duckdb.connect()
        opened.execute("; ".join(f"SET {name}={value}" for name, value in self._settings.items()))
        return opened

    def stand_on(self, day: int) -> None:
        """From now on statements look from this day."""
        self.connection.execute(f"SET VARIABLE day = {day}::INTEGER")

    @contextlib.contextmanager
    def standing(self, **tables: Any) -> Iterator[None]:
        """While it lasts, Arrow tables stand under their names, before any view of that name."""
        for name, table in tables.items():
            self.connection.execute(f"DROP VIEW IF EXISTS {name}")
            self.connection.register(name, table)
        try:
            yield
        finally:
            for name in tables:
                self.connection.unregister(name)

    def run(self, sql: str, *, keep_order: bool = False, **tables: Any) -> pa.Table:
        """Run SQL with Arrow tables standing under their names. `keep_order` gives rows as the table has them, where the
        SQL computes from one table only: what is joined comes in any order."""
        with self.standing(**tables):
            if not keep_order:
                return in_whole_numbers(self.connection.execute(sql).to_arrow_table())
            self.connection.execute("SET preserve_insertion_order=true")
            try:
                return in_whole_numbers(self.connection.execute(sql).to_arrow_table())
            finally:
                self.connection.execute("SET preserve_insertion_order=false")


# --- what comes back ---------------------------------------------------------------------------------------------------


def in_whole_numbers(table: pa.Table) -> pa.Table:
    """Sums, which the engine gives in 128 bits, as the 64-bit integers that they are."""
    for place, field_ in enumerate(table.schema):
        if pa.types.is_decimal(field_.type) and field_.type.scale == 0:
            table = table.set_column(place, field_.name, pc.cast(table.column(place), pa.int64()))
    return table
