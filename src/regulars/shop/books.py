"""The books: sales mirrored as Parquet, clustered by customer, and the only place that runs fact expressions.

`days/part-NNNNN.parquet` holds one row per customer and day, sorted by customer, 65,536 customer numbers to a part, so
that the table of groups of one pass stays in the processor's cache and only what changed is rewritten.
`state/part-NNNNN.parquet` holds the measures of each customer as of `manifest.on`: the next day is reached by taking
off what leaves each window and drawing in full whoever has new or changed days. Everything here can be deleted and is
rebuilt from the store; a crash in the middle leaves `manifest.dirty`, and the next run rebuilds.

Engine: DuckDB through Ibis. Another engine needs another class with the same five verbs.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

PART = 65_536
"""Customers to a part: their groups fit the cache, and a part of 20 visits each is about 10 MB."""

EPOCH = date(1970, 1, 1).toordinal()
FORMAT = 2


def number_of(day: date) -> int:
    """Days since 1970-01-01: how the engine counts days."""
    return day.toordinal() - EPOCH


def day_of(number: int) -> date:
    return date.fromordinal(number + EPOCH)


@dataclass
class Manifest:
    """What the books hold: complete up to the last import, measures as of `on`, and who was touched since."""

    format: int = FORMAT
    is_dirty: bool = False
    on: int | None = None
    measures: list[str] = field(default_factory=list)
    touched: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)


class Books:
    """One shop's books in a folder, or in memory only (`folder=None`) for the library and for one customer."""

    def __init__(self, folder: Path | None = None, memory: str = "700MB", threads: int | None = None) -> None:
        self.folder = folder
        self.connection = duckdb.connect()
        self.connection.execute(f"SET memory_limit='{memory}'; SET preserve_insertion_order=false")
        if threads:
            self.connection.execute(f"SET threads={threads}")
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self.connection.execute(f"SET temp_directory='{(folder / 'spill').as_posix()}'")
        self._compiled: dict[Any, str] = {}

    # --- expressions to SQL, once -----------------------------------------------------------------------------------

    def compile(self, key: Any, build: Callable[..., Any], **schemas: Any) -> str:
        """SQL of an Ibis expression over named tables; built and compiled once per key."""
        if key not in self._compiled:
            expression = build(**{name: ibis.table(schema, name=name) for name, schema in schemas.items()})
            sql = str(ibis.to_sql(expression, dialect="duckdb"))
            # The engine sums integers into 128 bits, which files and arrays would turn into floats.
            columns = ", ".join(
                f'CAST("{n}" AS BIGINT) AS "{n}"' if t.is_int64() else f'"{n}"' for n, t in expression.schema().items()
            )
            self._compiled[key] = f"SELECT {columns} FROM ({sql})"
        return self._compiled[key]

    def run(self, sql: str, **tables: Any) -> pa.Table:
        """Run SQL with Arrow tables standing under their names."""
        for name, table in tables.items():
            self.connection.execute(f"DROP VIEW IF EXISTS {name}")
            self.connection.register(name, table)
        try:
            return in_whole_numbers(self.connection.execute(sql).to_arrow_table())
        finally:
            for name in tables:
                self.connection.unregister(name)

    # --- files ------------------------------------------------------------------------------------------------------

    @property
    def manifest(self) -> Manifest:
        assert self.folder is not None
        file = self.folder / "manifest.json"
        if not file.exists():
            return Manifest()
        data = json.loads(file.read_text("utf-8"))
        return Manifest(**data) if data.get("format") == FORMAT else Manifest(is_dirty=True)

    def _save(self, manifest: Manifest) -> None:
        assert self.folder is not None
        part = self.folder / "manifest.part"
        part.write_text(json.dumps(asdict(manifest)), "utf-8")
        part.replace(self.folder / "manifest.json")

    def _file(self, kind: str, part: int) -> Path:
        assert self.folder is not None
        return self.folder / kind / f"part-{part:05d}.parquet"

    def _copy(self, sql: str, to: Path) -> None:
        to.parent.mkdir(parents=True, exist_ok=True)
        temporary = to.with_suffix(".writing")
        # Sums come in 128 bits, which Parquet would keep as floating point; whole fen stay whole.
        kinds = self.connection.execute(f"DESCRIBE {sql}").fetchall()
        wide = ", ".join(f'CAST("{c[0]}" AS BIGINT) AS "{c[0]}"' for c in kinds if c[1] == "HUGEINT")
        sql = f"SELECT * REPLACE ({wide}) FROM ({sql})" if wide else sql
        self.connection.execute(
            f"COPY ({sql}) TO '{temporary.as_posix()}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
        )
        temporary.replace(to)

    def clear(self) -> None:
        """Throw everything away; the store has it all."""
        if self.folder is None:
            return
        for kind in ("days", "state"):
            shutil.rmtree(self.folder / kind, ignore_errors=True)
        self._save(Manifest())

    # --- days -------------------------------------------------------------------------------------------------------

    def write_days(self, batches: Iterable[pa.Table], days_sql: str, customers: np.ndarray | None = None) -> None:
        """Write days from sales. `batches`: tables (customer, day, amount, attended, store), all sales of the customers
        in them; `customers`: whose days these are (everybody when None). `days_sql` turns the view `sales` into days."""
        manifest = self.manifest
        if customers is None:
            self.clear()
            manifest = Manifest()
        manifest.is_dirty = True
        self._save(manifest)
        parts = set(manifest.parts)
        self.connection.execute(
            'CREATE OR REPLACE TEMP TABLE incoming (customer BIGINT, "day" INT, amount BIGINT, attended TINYINT, store INT)'
        )
        for batch in batches:
            self.connection.register("arriving", batch)
            self.connection.execute("INSERT INTO incoming SELECT customer, day, amount, attended, store FROM arriving")
            self.connection.unregister("arriving")
        touched = pa.table({"customer": pa.array(customers if customers is not None else np.empty(0, "int64"), pa.int64())})
        self.connection.register("touched", touched)
        arriving = {p for (p,) in self.connection.execute(f"SELECT DISTINCT customer // {PART} FROM incoming").fetchall()}
        changed = arriving | ({int(c) // PART for c in customers} if customers is not None else set())
        for part in sorted(changed):
            self.connection.execute(
                f"CREATE OR REPLACE TEMP VIEW sales AS SELECT * FROM incoming WHERE customer BETWEEN {part * PART} AND {part * PART + PART - 1}"
            )
            fresh = f"SELECT * FROM ({days_sql})"
            file = self._file("days", part)
            if customers is not None and file.exists():
                fresh += (
                    f" UNION ALL BY NAME SELECT * FROM read_parquet('{file.as_posix()}') "
                    "WHERE customer NOT IN (SELECT customer FROM touched)"
                )
            self._copy(f"SELECT * FROM ({fresh}) ORDER BY customer, day", file)
            parts.add(part)
        self.connection.execute("DROP VIEW IF EXISTS sales; DROP TABLE incoming")
        self.connection.unregister("touched")
        if customers is not None:
            manifest.touched = sorted({*manifest.touched, *map(int, customers)})
        manifest.parts = sorted(parts)
        manifest.is_dirty = False
        self._save(manifest)

    # --- measures ---------------------------------------------------------------------------------------------------

    def full(self, on: int, measure_sql: str, measures: Sequence[str]) -> None:
        """Draw everybody's measures as of `on`; `measure_sql` reads the view `days`."""
        manifest = self.manifest
        manifest.is_dirty, manifest.on = True, None
        self._save(manifest)
        shutil.rmtree(self._folder("state"), ignore_errors=True)
        for part in manifest.parts:
            self._see_days(part)
            self._copy(f"SELECT * FROM ({measure_sql}) ORDER BY customer", self._file("state", part))
        manifest.is_dirty, manifest.on, manifest.measures, manifest.touched = False, on, list(measures), []
        self._save(manifest)

    def advance(self, on: int, measure_sql: str, windows: dict[str, tuple[str, int]], shift: Callable[[int], dict[str, str]]) -> bool:
        """Bring the measures from `manifest.on` to a later day. `windows`: measure → (column, days) for plain sums;
        `shift(weeks)`: measures that move with the calendar → SQL. False when only a full pass will do."""
        manifest = self.manifest
        start = manifest.on
        if manifest.is_dirty or start is None or on < start:
            return False
        if on == start and not manifest.touched:
            return True
        manifest.is_dirty = True
        self._save(manifest)
        edges = sorted({days for _, days in windows.values()})
        near = " OR ".join(f"(day > {start - w} AND day <= {on - w})" for w in edges) or "FALSE"
        moved = shift((on + 3) // 7 - (start + 3) // 7)
        touched = pa.table({"customer": pa.array(manifest.touched, pa.int64())})
        self.connection.register("touched", touched)
        for part in manifest.parts:
            self._see_days(part)
            self.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE edge AS SELECT customer, day, spend, visit FROM days WHERE {near} OR (day > {start} AND day <= {on})"
            )
            self.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE redraw AS SELECT DISTINCT customer FROM edge WHERE day > {start} AND day <= {on} "
                f"UNION SELECT customer FROM touched WHERE customer BETWEEN {part * PART} AND {part * PART + PART - 1}"
            )
            leaves = ", ".join(
                f"COALESCE(SUM({column}) FILTER (day > {start - w} AND day <= {on - w}), 0) AS \"{m}\"" for m, (column, w) in windows.items()
            )
            self.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE leaving AS SELECT customer{', ' + leaves if leaves else ''} FROM edge "
                f"WHERE day <= {start} AND customer NOT IN (SELECT customer FROM redraw) GROUP BY customer"
            )
            state = self._file("state", part)
            columns = [c[0] for c in self.connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{state.as_posix()}')").fetchall()] if state.exists() else []
            self.connection.execute(
                f"CREATE OR REPLACE TEMP VIEW days AS SELECT * FROM read_parquet('{self._file('days', part).as_posix()}') "
                f"WHERE customer IN (SELECT customer FROM redraw)"
            )
            pieces = []
            if columns:
                kept = ", ".join(
                    f's."{c}" - COALESCE(l."{c}", 0) AS "{c}"' if c in windows else f'{moved[c].format(column="s." + c)} AS "{c}"' if c in moved else f's."{c}"'
                    for c in columns
                )
                pieces.append(
                    f"SELECT {kept} FROM read_parquet('{state.as_posix()}') s LEFT JOIN leaving l ON l.customer = s.customer "
                    f"WHERE s.customer NOT IN (SELECT customer FROM redraw)"
                )
                drawn = ", ".join(f'"{c}"' for c in columns)
                pieces.append(f"SELECT {drawn} FROM ({measure_sql})")
            else:
                pieces.append(measure_sql)
            self._copy(f"SELECT * FROM ({' UNION ALL '.join(pieces)}) ORDER BY customer", state)
        self.connection.unregister("touched")
        manifest.is_dirty, manifest.on, manifest.touched = False, on, []
        self._save(manifest)
        return True

    def _folder(self, kind: str) -> Path:
        assert self.folder is not None
        return self.folder / kind

    def _see_days(self, part: int) -> None:
        self.connection.execute(f"CREATE OR REPLACE TEMP VIEW days AS SELECT * FROM read_parquet('{self._file('days', part).as_posix()}')")

    def in_part(self, part: int, sql: str, empty: pa.Schema, **tables: Any) -> pa.Table:
        """Run SQL over the view `state` of one part (and the tables given); a part without a file is empty."""
        file = self._file("state", part)
        if file.exists():
            self.connection.execute(f"CREATE OR REPLACE TEMP VIEW state AS SELECT * FROM read_parquet('{file.as_posix()}')")
            return self.run(sql, **tables)
        self.connection.execute("DROP VIEW IF EXISTS state")
        return self.run(sql, state=empty.empty_table(), **tables)

    def part_days(self, part: int, sql: str, upto: int) -> pa.Table:
        """Run SQL over the view `days` of one part, as if nothing came after the day `upto`."""
        file = self._file("days", part).as_posix()
        self.connection.execute("DROP VIEW IF EXISTS days")
        self.connection.execute(f"CREATE TEMP VIEW days AS SELECT * FROM read_parquet('{file}') WHERE day <= {upto}")
        return in_whole_numbers(self.connection.execute(sql).to_arrow_table())

    def days_of(self, part: int, customers: np.ndarray, upto: int) -> pa.Table:
        """The days of some customers of one part."""
        wanted = pa.table({"customer": pa.array(customers, pa.int64())})
        file = self._file("days", part).as_posix()
        return self.run(
            f"SELECT * FROM read_parquet('{file}') WHERE day <= {upto} AND customer IN (SELECT customer FROM wanted)", wanted=wanted
        )


def in_whole_numbers(table: pa.Table) -> pa.Table:
    """Sums, which the engine gives in 128 bits, as the 64-bit integers that they are."""
    for place, field_ in enumerate(table.schema):
        if pa.types.is_decimal(field_.type) and field_.type.scale == 0:
            table = table.set_column(place, field_.name, pc.cast(table.column(place), pa.int64()))
    return table


def as_dates(table: pa.Table, columns: Iterable[str]) -> pa.Table:
    """Integer days → dates, for people and files."""
    for name in columns:
        if name in table.column_names and pa.types.is_integer(table[name].type):
            table = table.set_column(table.column_names.index(name), name, pc.cast(pc.cast(table[name], pa.int32()), pa.date32()))
    return table
