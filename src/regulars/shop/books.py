"""The books: sales mirrored in files, clustered by customer, and what is measured of them.

`days/part-NNNNN.parquet` holds one row per customer and day, sorted by customer, 65,536 customer numbers to a part, so
that the table of groups of one pass stays in the processor's cache. `dates/` holds the same rows sorted by day, only
what windows sum, so that the days at the edges of the windows are found without reading all others.
`later/NNNNN.parquet` holds all days of the customers whose days have changed since (`NNNNN.npy`: who they are); it
stands before the parts and before older ones. When these are many, they are folded into the parts.
`state/NNNNN.arrow` holds the measures of each customer as of `manifest.on`, upwards by customer, one batch a part: the
next day is reached by taking off what leaves each window and drawing in full whoever has new or changed days.

Files are written under new names and hold from the moment the manifest names them, so a crash in the middle leaves
what was. Only the writing anew of everything leaves `manifest.is_dirty`, and the next run repeats it. Everything here
can be deleted and is rebuilt from the store.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import repeat
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from regulars.shop.engine import Engine, in_whole_numbers

PART = 65_536
"""Customers to a part: their groups fit the cache, and a part of 20 visits each is about 10 MB."""

AT_ONCE = 200_000
"""Customers who are drawn in one statement: their groups stay below the memory of a small machine."""

FOLD = 4
"""Changed days are folded into the parts when they are more than one in so many."""

PILE = 24
"""Files of changed days that may lie before the parts; one more, and they are made one."""

DATES = 8_192
"""Rows of `dates/` that are read together: about five days of a part."""

KEPT = 3
"""The last files written stay, named or not: whoever read the manifest before may still open them."""

FORMAT = 4


@dataclass
class Manifest:
    """What the books hold: complete up to the last import, measures as of `on`, and who was touched since."""

    format: int = FORMAT
    is_dirty: bool = False
    on: int | None = None
    measures: list[str] = field(default_factory=list)
    touched: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    rows: int = 0
    later: dict[str, int] = field(default_factory=dict)
    """Files of changed days, oldest first, each with its rows."""
    state: str = ""
    written: int = 0
    """Files written so far: each gets a number of its own."""


class Books(Engine):
    """One shop's books in a folder."""

    def __init__(self, folder: Path, memory: str = "700MB", threads: int | None = None) -> None:
        # Parts are replaced under their names, sometimes twice a second: what was read of a file before holds no more.
        kept = {"enable_external_file_cache": "false", "temp_directory": quoted(folder / "spill")}
        super().__init__(memory, threads, **kept)
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    # --- files ------------------------------------------------------------------------------------------------------

    @property
    def manifest(self) -> Manifest:
        file = self.folder / "manifest.json"
        if not file.exists():
            return Manifest()
        data = json.loads(file.read_text("utf-8"))
        return Manifest(**data) if data.get("format") == FORMAT else Manifest(is_dirty=True)

    def _save(self, manifest: Manifest) -> None:
        part = self.folder / "manifest.part"
        part.write_text(json.dumps(asdict(manifest)), "utf-8")
        part.replace(self.folder / "manifest.json")

    def _folder(self, kind: str) -> Path:
        return self.folder / kind

    def _file(self, part: int, kind: str = "days") -> Path:
        return self._folder(kind) / f"part-{part:05d}.parquet"

    def _later(self, number: str) -> Path:
        return self._folder("later") / f"{number}.parquet"

    def _copy(self, sql: str, to: Path, together: int = 122_880) -> int:
        """Write rows to a file, so many together; returns how many."""
        to.parent.mkdir(parents=True, exist_ok=True)
        temporary = to.with_suffix(".writing")
        (rows,) = self.connection.execute(
            f"COPY ({sql}) TO {quoted(temporary)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {together})"
        ).fetchone() or (0,)
        temporary.replace(to)
        return int(rows)

    def _sweep(self, manifest: Manifest) -> None:
        """Delete files that the manifest does not name any more, except the last few: somebody may still read them."""
        keep = {manifest.state, *manifest.later, *(f"{manifest.written - k:05d}" for k in range(KEPT))}
        for kind in ("later", "state"):
            for file in self._folder(kind).glob("*"):
                if file.stem not in keep:
                    with contextlib.suppress(OSError):
                        file.unlink()

    def clear(self) -> None:
        """Throw everything away; the store has it all."""
        for kind in ("days", "dates", "later", "state"):
            shutil.rmtree(self.folder / kind, ignore_errors=True)
        self._save(Manifest(written=self.manifest.written))

    # --- days -------------------------------------------------------------------------------------------------------

    def write_days(
        self, batches: Iterable[pa.Table], days_sql: str, customers: np.ndarray | None = None
    ) -> None:
        """Write days from sales. `batches`: tables (customer, day, amount, attended, store), all sales of the customers
        in them; `customers`: whose days these are (everybody when None). `days_sql` turns the view `sales` into days."""
        self.connection.execute(
            'CREATE OR REPLACE TEMP TABLE incoming (customer BIGINT, "day" INT, amount BIGINT, attended TINYINT, store INT)'
        )
        try:
            for batch in batches:
                with self.standing(arriving=batch):
                    self.connection.execute(
                        "INSERT INTO incoming SELECT customer, day, amount, attended, store FROM arriving"
                    )
            if customers is None:
                self._write_everybody(days_sql)
            else:
                self._write_some(days_sql, np.unique(np.asarray(customers, dtype="int64")))
        finally:
            self.connection.execute("DROP VIEW IF EXISTS sales; DROP TABLE incoming")

    def _write_everybody(self, days_sql: str) -> None:
        self.clear()
        manifest = Manifest(is_dirty=True, written=self.manifest.written)
        self._save(manifest)
        found = self.connection.execute(f"SELECT DISTINCT customer // {PART} FROM incoming").fetchall()
        manifest.parts = sorted(p for (p,) in found)
        for part in manifest.parts:
            self.connection.execute(
                f"CREATE OR REPLACE TEMP VIEW sales AS SELECT * FROM incoming WHERE {_within(part)}"
            )
            manifest.rows += self._write_part(part, days_sql)
        manifest.is_dirty = False
        self._save(manifest)

    def _write_part(self, part: int, days_sql: str) -> int:
        """Write the days of a part, by customer and by date, in place of what was; returns how many."""
        fresh = self._file(part).with_suffix(".fresh")
        rows = self._copy(f"SELECT * FROM ({days_sql}) ORDER BY customer, day", fresh)
        fresh.replace(self._file(part))
        by_date = (
            f"SELECT customer, day, spend, visit FROM read_parquet({quoted(self._file(part))}) ORDER BY day"
        )
        fresh = self._file(part, "dates").with_suffix(".fresh")
        self._copy(by_date, fresh, DATES)
        fresh.replace(self._file(part, "dates"))
        return rows

    def _write_some(self, days_sql: str, customers: np.ndarray) -> None:
        if not len(customers):
            return
        manifest = self.manifest
        self.connection.execute("CREATE OR REPLACE TEMP VIEW sales AS SELECT * FROM incoming")
        self._put_before(manifest, f"SELECT * FROM ({days_sql}) ORDER BY customer, day", customers)
        manifest.touched = np.union1d(np.array(manifest.touched, "int64"), customers).tolist()
        manifest.parts = sorted({*manifest.parts, *np.unique(customers // PART).tolist()})
        self._save(manifest)
        if sum(manifest.later.values()) * FOLD > manifest.rows:
            self._fold(manifest)
        elif len(manifest.later) > PILE:
            whose = self._whose(manifest)
            before = self._days_before(manifest, whose)
            manifest.later = {}
            self._put_before(
                manifest, f"{before} ORDER BY customer, day", np.unique(np.concatenate(list(whose.values())))
            )
            self._save(manifest)
        self._sweep(manifest)

    def _put_before(self, manifest: Manifest, sql: str, customers: np.ndarray) -> None:
        """Write days that stand before all others of these customers; they hold once the manifest is saved."""
        manifest.written += 1
        number = f"{manifest.written:05d}"
        rows = self._copy(sql, self._later(number))
        np.save(self._later(number).with_suffix(".npy"), customers)
        manifest.later[number] = rows

    def _fold(self, manifest: Manifest) -> None:
        """Write the changed days into the parts. A crash in between does no harm: they still stand before them."""
        whose = self._whose(manifest)
        everybody = np.concatenate(list(whose.values()))
        for part in np.unique(everybody // PART).tolist():
            self._write_part(part, self._days_sql(manifest, whose, [part]))
        manifest.rows = self._count(manifest)
        manifest.later = {}
        self._save(manifest)

    def fold(self) -> None:
        """Write changed days into the parts now: after a deletion nothing older lies below them."""
        manifest = self.manifest
        if manifest.later:
            self._fold(manifest)
            self._sweep(manifest)

    def _count(self, manifest: Manifest) -> int:
        files = self._files(manifest.parts)
        return (
            int(self.connection.execute(f"SELECT COUNT(*) FROM read_parquet({files})").fetchall()[0][0])
            if files
            else 0
        )

    def _files(self, parts: Iterable[int], kind: str = "days") -> str:
        """The files of some parts as a list in SQL; empty when there are none."""
        found = [quoted(file) for part in parts if (file := self._file(part, kind)).exists()]
        return f"[{', '.join(found)}]" if found else ""

    def _whose(self, manifest: Manifest) -> dict[str, np.ndarray]:
        """Whose days each file of changed days gives: those of whom no later one speaks."""
        found: dict[str, np.ndarray] = {}
        spoken = np.empty(0, "int64")
        for number in reversed(manifest.later):
            customers = np.load(self._later(number).with_suffix(".npy"))
            found[number] = np.setdiff1d(customers, spoken, assume_unique=True)
            spoken = np.union1d(spoken, customers)
        return found

    def _days_before(
        self, manifest: Manifest, whose: dict[str, np.ndarray], where: str = "TRUE", columns: str = "*"
    ) -> str:
        """The changed days that hold, as SQL."""
        pieces: list[str] = []
        for number, customers in whose.items():
            only = ""
            if pieces:  # of the newest file, which comes first, every day holds
                self.connection.register(f"whose_{number}", pa.table({"customer": customers}))
                only = f"SEMI JOIN whose_{number} USING (customer)"
            pieces.append(
                f"SELECT {columns} FROM read_parquet({quoted(self._later(number))}) {only} WHERE {where}"
            )
        return " UNION ALL ".join(pieces)

    def _days_sql(
        self,
        manifest: Manifest,
        whose: dict[str, np.ndarray],
        parts: Sequence[int],
        where: str = "TRUE",
        by_date: bool = False,
    ) -> str:
        """The days of some parts as they hold now, as SQL; `by_date`: few of them, with what windows sum."""
        files = self._files(parts, "dates" if by_date else "days")
        columns = "customer, day, spend, visit" if by_date else "*"
        whole = len(parts) == len(manifest.parts)
        inside = "TRUE" if whole else "(" + (" OR ".join(_within(p) for p in parts) or "FALSE") + ")"
        found = f"SELECT {columns} FROM read_parquet({files})"
        pieces = [f"{found} WHERE {where}"] if files else []
        if whose:
            changed = np.unique(np.concatenate(list(whose.values())))
            if not whole:
                changed = changed[np.isin(changed // PART, parts)]
            if len(changed):
                if pieces:
                    self.connection.register("elsewhere", pa.table({"customer": changed}))
                    pieces = [f"{found} ANTI JOIN elsewhere USING (customer) WHERE {where}"]
                pieces.append(self._days_before(manifest, whose, f"{where} AND {inside}", columns))
        return " UNION ALL ".join(pieces) if pieces else NO_DAYS

    def _see_days(self, sql: str) -> None:
        self.connection.execute("DROP VIEW IF EXISTS days")
        self.connection.execute(f"CREATE TEMP VIEW days AS {sql}")

    def days(self) -> pa.Table:
        """All days, for a look at the whole."""
        manifest = self.manifest
        sql = self._days_sql(manifest, self._whose(manifest), manifest.parts)
        return self.connection.execute(f"{sql} ORDER BY customer, day").to_arrow_table()

    def begun_after(self, day: int) -> np.ndarray:
        """Customers whose first sale comes after a day: on that day nobody knew them."""
        manifest = self.manifest
        days = self._days_sql(manifest, self._whose(manifest), manifest.parts)
        found = self.connection.execute(
            f"SELECT customer FROM ({days}) GROUP BY customer HAVING min(day) > {day}"
        )
        customers: np.ndarray = found.to_arrow_table()["customer"].to_numpy()
        return customers

    # --- measures ---------------------------------------------------------------------------------------------------

    def full(self, on: int, measure_sql: str, measures: Sequence[str]) -> None:
        """Draw everybody's measures as of `on`; `measure_sql` reads the view `days`."""
        self.stand_on(on)
        manifest = self.manifest
        whose = self._whose(manifest)

        def batches() -> Iterator[pa.Table]:
            for part in manifest.parts:
                self._see_days(self._days_sql(manifest, whose, [part]))
                yield upwards(self.connection.execute(measure_sql).to_arrow_table())

        self._keep(manifest, on, batches(), measures)

    def advance(
        self,
        on: int,
        measure_sql: str,
        windows: dict[str, tuple[str, int]],
        shift: Callable[[int], dict[str, str]],
    ) -> bool:
        """Bring the measures from `manifest.on` to a later day. `windows`: measure → (column, days) for plain sums;
        `shift(weeks)`: measures that move with the calendar → SQL. False when only a full pass will do."""
        manifest = self.manifest
        start = manifest.on
        if manifest.is_dirty or start is None or on < start:
            return False
        if on == start and not manifest.touched:
            return True
        # What is neither a sum over a window nor moves with the weeks stays as it is until a customer has new days;
        # the caller sees to it that no other measure changes with the calendar.
        self.stand_on(on)
        whose = self._whose(manifest)
        touched = np.array(manifest.touched, "int64")
        leaving, entering = self._edges(manifest, whose, start, on, windows)
        changed = np.union1d(touched, entering)
        drawn = pa.concat_tables(
            [
                upwards(self._drawn(manifest, whose, changed[k : k + AT_ONCE], measure_sql))
                for k in range(0, max(len(changed), 1), AT_ONCE)
            ]
        )
        kept = self._carried(
            self._batches(manifest), windows, leaving, shift((on + 3) // 7 - (start + 3) // 7)
        )
        self._keep(manifest, on, _replaced(kept, drawn, changed), manifest.measures)
        return True

    def ahead(
        self,
        days: Iterable[int],
        windows: dict[str, tuple[str, int]],
        shift: Callable[[int], dict[str, str]],
        customers: np.ndarray | None = None,
    ) -> Iterator[pa.Table]:
        """The measures as they will be on each of some later days, upwards, if nobody comes: of everybody or of some
        (upwards). Nothing is written; what leaves the windows is looked up once for all days."""
        days = list(days)
        manifest = self.manifest
        start, state = manifest.on, self.state()
        assert start is not None
        if state is None or not days:
            return
        if customers is not None:
            state = state.filter(pa.array(np.isin(state["customer"].to_numpy(), customers)))
        with self._edge(manifest, self._whose(manifest), start, days[-1], windows, customers):
            leaving = [self._leaving(start, on, windows) for on in days]
        for on, less in zip(days, leaving, strict=True):
            moved = shift((on + 3) // 7 - (start + 3) // 7)
            yield next(_replaced(self._carried([state], windows, less, moved), state.slice(0, 0), NOBODY))

    def _edges(
        self,
        manifest: Manifest,
        whose: dict[str, np.ndarray],
        start: int,
        on: int,
        windows: dict[str, tuple[str, int]],
    ) -> tuple[pa.Table, np.ndarray]:
        """What leaves each window between two days, by customer; and who has days that come in."""
        with self._edge(manifest, whose, start, on, windows):
            entering = f"SELECT DISTINCT customer FROM edge WHERE day > {start} AND day <= {on}"
            return (
                self._leaving(start, on, windows),
                self.connection.execute(entering).to_arrow_table()["customer"].to_numpy(),
            )

    @contextlib.contextmanager
    def _edge(
        self,
        manifest: Manifest,
        whose: dict[str, np.ndarray],
        start: int,
        on: int,
        windows: dict[str, tuple[str, int]],
        customers: np.ndarray | None = None,
    ) -> Iterator[None]:
        """While it lasts, the table `edge` has the days that leave a window or come in between two days."""
        lengths = {0, *(days for _, days in windows.values())}
        # One by one: a list of days lets the engine pass over what lies between them, ranges joined by OR do not.
        near = sorted({day - w for w in lengths for day in range(start + 1, on + 1)})
        where = f"day IN ({', '.join(map(str, near))})" if near else "FALSE"
        sql = self._days_sql(manifest, whose, manifest.parts, where, by_date=True)
        wanted = pa.table({"customer": customers if customers is not None else np.empty(0, "int64")})
        only = "SEMI JOIN wanted USING (customer)" if customers is not None else ""
        with self.standing(wanted=wanted):
            self.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE edge AS SELECT customer, day, spend, visit FROM ({sql}) {only}"
            )
        try:
            yield
        finally:
            self.connection.execute("DROP TABLE edge")

    def _leaving(self, start: int, on: int, windows: dict[str, tuple[str, int]]) -> pa.Table:
        """What leaves each window between two days, by customer, from the table `edge`."""
        sums = "".join(
            f', CAST(COALESCE(SUM({column}) FILTER (day > {start - w} AND day <= {on - w}), 0) AS BIGINT) AS "{m}"'
            for m, (column, w) in windows.items()
        )
        return self.connection.execute(
            f"SELECT customer{sums} FROM edge WHERE day <= {start} GROUP BY customer ORDER BY customer"
        ).to_arrow_table()

    def _drawn(
        self, manifest: Manifest, whose: dict[str, np.ndarray], customers: np.ndarray, measure_sql: str
    ) -> pa.Table:
        """The measures of some customers, drawn from all their days."""
        with self.standing(wanted=pa.table({"customer": customers})):
            self._see_days(self._wanted_days(manifest, whose, customers))
            return self.connection.execute(measure_sql).to_arrow_table()

    def _wanted_days(self, manifest: Manifest, whose: dict[str, np.ndarray], customers: np.ndarray) -> str:
        """The days of the customers in the table `wanted`, as SQL."""
        changed = np.concatenate([np.empty(0, "int64"), *whose.values()])
        files = self._files(np.unique(np.setdiff1d(customers, changed) // PART).tolist())
        pieces = []
        if whose:
            before = self._days_before(manifest, whose)
            only = "" if np.array_equal(np.sort(changed), customers) else "SEMI JOIN wanted USING (customer)"
            pieces.append(f"SELECT * FROM ({before}) {only}")
        if files:
            self.connection.register("elsewhere", pa.table({"customer": changed}))
            pieces.append(
                f"SELECT * FROM read_parquet({files}) SEMI JOIN wanted USING (customer) ANTI JOIN elsewhere USING (customer)"
            )
        return " UNION ALL ".join(pieces) or NO_DAYS

    def days_of(self, customers: np.ndarray, upto: int) -> pa.Table:
        """The days of some customers, as if nothing came after the day `upto`."""
        manifest = self.manifest
        sql = self._wanted_days(manifest, self._whose(manifest), customers)
        return self.run(
            f"SELECT * FROM ({sql}) WHERE day <= {upto}", wanted=pa.table({"customer": customers})
        )

    def _carried(
        self,
        batches: Iterable[pa.Table],
        windows: dict[str, tuple[str, int]],
        leaving: pa.Table,
        moved: dict[str, str],
    ) -> Iterator[tuple[pa.Table, dict[str, Part]]]:
        """Measures, part by part, with their weeks moved on, and what leaves their windows: measure → (places, sums)."""
        who = leaving["customer"].to_numpy()
        less = {m: leaving[m].to_numpy() for m in windows}
        moved = {c: sql.format(column=f'"{c}"') for c, sql in moved.items() if sql != "{column}"}
        for batch in batches:
            ids = batch["customer"].to_numpy()
            low, high = np.searchsorted(who, [ids[0], ids[-1] + 1]) if len(ids) else (0, 0)
            at = np.searchsorted(ids, who[low:high])
            there = ids[at] == who[low:high]  # who has only late days is not there yet, and is drawn anew
            if moved:
                columns = ", ".join(
                    f'{moved[c]} AS "{c}"' if c in moved else f'"{c}"' for c in batch.column_names
                )
                batch = self.run(f"SELECT {columns} FROM carried", keep_order=True, carried=batch).cast(
                    batch.schema
                )
            yield batch, {m: (at[there], sums[low:high][there]) for m, sums in less.items()}

    # --- the state --------------------------------------------------------------------------------------------------

    def _keep(
        self, manifest: Manifest, on: int, batches: Iterable[pa.Table], measures: Sequence[str]
    ) -> None:
        """Write measures under a new name and let them hold."""
        manifest.written += 1
        number = f"{manifest.written:05d}"
        file = self._folder("state") / f"{number}.arrow"
        file.parent.mkdir(parents=True, exist_ok=True)
        writer, schema = None, pa.schema([])
        # One part is written while the next is reckoned.
        with pa.OSFile(str(file), "wb") as sink, ThreadPoolExecutor(1) as beside:
            writing: Future[None] | None = None
            for table in batches:
                if writer is None:
                    schema = table.schema
                    writer = pyarrow.ipc.new_file(sink, schema)
                if writing:
                    writing.result()
                writing = beside.submit(writer.write_table, table.select(schema.names).cast(schema))
            if writing:
                writing.result()
            if writer is not None:
                writer.close()
        manifest.state = number if writer is not None else ""
        manifest.on, manifest.measures, manifest.touched = on, list(measures), []
        self._save(manifest)
        self._sweep(manifest)

    def _batches(self, manifest: Manifest) -> Iterator[pa.Table]:
        """The measures as of `manifest.on`, part by part."""
        if manifest.state:
            # Mapped, not read: what nobody looks at is never copied. A file in use is replaced under another name only.
            reader = pyarrow.ipc.open_file(
                pa.memory_map(str(self._folder("state") / f"{manifest.state}.arrow"))
            )
            for k in range(reader.num_record_batches):
                yield pa.Table.from_batches([reader.get_batch(k)])

    def state(self) -> pa.Table | None:
        """The measures of everybody as of `manifest.on`, upwards by customer; None where there are no days."""
        batches = list(self._batches(self.manifest))
        return pa.concat_tables(batches) if batches else None


NOBODY = np.empty(0, "int64")

NO_DAYS = (
    "SELECT 0::BIGINT AS customer, 0::INT AS day, 0::BIGINT AS spend, 0::TINYINT AS visit, 0::INT AS gap, "
    "0::INT AS store, 0::INT AS week WHERE FALSE"
)


def quoted(file: Path) -> str:
    """A file's name as SQL."""
    return "'" + file.as_posix().replace("'", "''") + "'"


def _within(part: int) -> str:
    return f"customer BETWEEN {part * PART} AND {part * PART + PART - 1}"


def upwards(table: pa.Table) -> pa.Table:
    """Measures by customer, in whole numbers, in one piece."""
    table = in_whole_numbers(table).combine_chunks()
    customers = table["customer"].to_numpy()
    if (customers[1:] > customers[:-1]).all():
        return table
    return table.take(np.argsort(customers, kind="stable"))


Part = tuple[np.ndarray, np.ndarray]
"""Places in a batch, and a number for each."""


WORTH_TWO_HANDS = 10_000
"""Customers in a part from which on two threads put columns together sooner than one."""


def _replaced(
    carried: Iterable[tuple[pa.Table, dict[str, Part]]], drawn: pa.Table, changed: np.ndarray
) -> Iterator[pa.Table]:
    """Measures, part by part, without what leaves their windows, in which the customers `changed` stand as they were
    drawn anew, or not at all."""
    drawn = drawn.combine_chunks()
    ids = drawn["customer"].to_numpy()
    done = 0
    with ThreadPoolExecutor(2) as hands:
        for batch, less in carried:
            mine = batch["customer"].to_numpy()
            part = int(mine[0]) // PART if len(mine) else -1
            low, high = np.searchsorted(ids, [part * PART, (part + 1) * PART])
            if low > done:  # customers of parts that had nobody
                yield from _by_part(drawn.slice(done, low - done))
            done = max(done, high)
            first, last = np.searchsorted(changed, [part * PART, (part + 1) * PART])
            leaves = _among(mine, changed[first:last])
            stay = np.array_equal(
                mine[leaves], ids[low:high]
            )  # the same people as before: each is put in her place
            anew = drawn.slice(low, high - low).select(batch.column_names).cast(batch.schema).combine_chunks()
            at = np.flatnonzero(leaves) if stay else np.empty(0, "int64")
            each = hands.map if batch.num_rows >= WORTH_TWO_HANDS else map
            columns = each(
                _put,
                (column.combine_chunks() for column in batch.columns),
                (less.get(m) for m in batch.column_names),
                repeat(at),
                (column.combine_chunks() for column in anew.columns),
            )
            batch = pa.table(list(columns), schema=batch.schema)
            if not stay:
                batch = upwards(pa.concat_tables([batch.filter(pa.array(~leaves)), anew]))
            if batch.num_rows:
                yield batch
    if done < len(ids):
        yield from _by_part(drawn.slice(done))


def _among(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Which values stand among `wanted` (upwards)."""
    if not len(wanted):
        return np.zeros(len(values), dtype=bool)
    at = np.minimum(np.searchsorted(wanted, values), len(wanted) - 1)
    found: np.ndarray = wanted[at] == values
    return found


def _put(column: pa.Array, less: Part | None, at: np.ndarray, fresh: pa.Array) -> pa.Array:
    """A column of numbers less some, and with other values in some places."""
    if not len(at) and (less is None or not len(less[0])):
        return column
    values = column.fill_null(0).to_numpy().copy()
    if less is not None:
        values[less[0]] -= less[1]
    if len(at):
        values[at] = fresh.fill_null(0).to_numpy()
    if not column.null_count and not fresh.null_count:
        return pa.array(values, column.type)
    unknown = column.is_null().to_numpy(zero_copy_only=False).copy()
    if len(at):
        unknown[at] = fresh.is_null().to_numpy(zero_copy_only=False)
    return pa.array(values, column.type, mask=unknown)


def _by_part(table: pa.Table) -> Iterator[pa.Table]:
    parts = table["customer"].to_numpy() // PART
    for part in np.unique(parts).tolist():
        low, high = np.searchsorted(parts, [part, part + 1])
        yield table.slice(low, high - low).combine_chunks()
