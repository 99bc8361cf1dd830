"""What a file says: exports of tills and shops into sales, lines, people and problems.

`open_file` → sheets of text; `recognise` → what each sheet is taken for; `read` → everything at once.
Nothing is stored here and nothing is dropped in silence: `rows == taken + len(refused) + not_sales`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from regulars.sales.left_out import own_columns
from regulars.sales.readers import READERS, files, headless, till
from regulars.sales.readers.contract import Guess, Reader, Sheet
from regulars.sales.readers.people import PEOPLE, people
from regulars.sales.readers.receipts import LINES, SALES, Options, Took, lines_alone, receipts
from regulars.sales.rules.cells import clean
from regulars.sales.rules.dates import ORDERS
from regulars.sales.rules.headers import CONTRACT_FIELDS, plain, secret
from regulars.sales.rules.sensitive import KINDS, is_id_number, kind_of
from regulars.shop.words import Problem, Refused, Words

__all__ = ["Guess", "Reading", "Sheet", "open_file", "read", "recognise", "said_of"]

NOTHING_TO_READ = Words(
    "「{file}」里既没有消费记录，也没有顾客名单。消费记录需要日期和金额，顾客名单需要会员号或手机号；"
    "表头写法特殊时，请用 --map \"表头=字段\" 说明（例如 --map \"成交额=amount\"）。",
    "“{file}” holds neither sales nor customers. Sales need a date and an amount, customers a number or a "
    "phone; "
    "if its headers are unusual, name them with --map \"HEADER=field\" (for example --map "
    "\"Turnover=amount\").",
)  # fmt: skip
ALL_REFUSED = Words(
    "「{file}」里没有一行能读：第 {row} 行「{column}」列的「{value}」——{reason}{hint}",
    "Not one row of “{file}” can be read: row {row}, column “{column}”, “{value}”: {reason} {hint}",
)
NO_IDENTITY = Words(
    "文件里没有会员号、卡号、手机号，认不出谁是谁。可以用来看营业额、客流、客单价和时段；不能用来分等级、"
    "提醒回访、看回头客。"
    "请在收银系统里导出带会员号或手机号的订单。",
    "The file names no customer. It serves to see sales, traffic, average receipts and times of day; it "
    "cannot serve "
    "for grades, calls or returning customers. Export orders with a member number or phone from the till.",
)
UNKNOWN_HEADER = Words("文件里没有「{header}」这一列。{known}", "No file has a column “{header}”. {known}")
UNKNOWN_FIELD = Words(
    "没有叫「{field}」的字段。可用的有：{known}", "There is no field “{field}”. Known are: {known}"
)


@dataclass(frozen=True)
class Reading:
    """Everything that the files say.

    `rows`: data lines read (no headers, totals, blanks). Each is `taken`, refused or counted in `not_sales`.

    `sales`: one row per receipt, columns as in `readers.receipts.SALES`: `row` (first source line),
    `receipt`,
    `at` (wall time, null when the file gives only days), `day` (business day, never null), the identity as
    written and normalised (`member`, `card`, `phone`, `openid`, `name`; `company` says that the name is a
    company's),
    `amount` (net fen, null for attendance), `currency` (null: the file does not say), `kind` (sale, refund,
    attendance; refunds are negative), `refund_of` (receipt repaid), `store`, `staff`, `party_size`,
    `occasion`.

    `reversed`: receipts in the same columns that the files name and say are no sales (reversed, cancelled, paid back).
    `lines`: `sale` (index into `sales`), `item`, `category`, `quantity` (thousandths), `amount` (fen).
    `people`: one row per line of a customer list: `row`, `member`, `card`, `phone`, `openid`, `name`,
    `company`.
    `extras`: what these do not hold: `of` ("sales" or "people"), `index` into that table, then text columns
    named by contract field (birthday, points …) or `raw:<header>`; passwords are never among them. Rows
    without any such value are absent.
    `refused` and `refused_rows` belong together line by line: `file`, `sheet`, `row`, then `raw:<header>`
    cells.
    `identity`: "all", "some" or "none" of the sales name a customer; `useful_for` says what "none" still
    serves.
    """

    guesses: list[Guess]
    rows: int
    taken: int
    not_sales: int
    sales: pa.Table
    reversed: pa.Table
    lines: pa.Table
    people: pa.Table
    extras: pa.Table
    refused: list[Problem]
    refused_rows: pa.Table
    warnings: list[Words]
    identity: str
    useful_for: Words | None = None


def open_file(path: str | Path, encoding: str | None = None, also_headers: Iterable[str] = ()) -> list[Sheet]:
    """The tables of one file, as `readers.files` opens it, without passwords: these are gone before anybody looks. A
    corrected file of rows left out comes back as the shop's own file: what we have written beside the cells is no
    column of hers."""
    sheets = files.open_file(path, encoding, also_headers)
    return [_without_passwords(_without(sheet, own_columns(sheet.headers))) for sheet in sheets]


def _without_passwords(sheet: Sheet) -> Sheet:
    hidden = {header for header in sheet.headers if secret(header)}
    if not hidden:
        return sheet
    # In a line that does not fit under the headers nobody knows where the password has slipped to.
    first = min(sheet.headers.index(header) for header in hidden)
    spoiled = [
        (problem._replace(value=" | ".join(cells[:first])), cells[:first]) for problem, cells in sheet.spoiled
    ]
    return _without(replace(sheet, spoiled=spoiled), hidden)


WITHHELD = Words(
    "「{c}」这一列没有读：{k}是敏感信息，店里没有开启。确实需要的话，先在「设置 · 隐私」里开启，再征得每位顾客单独同意。",
    "The column “{c}” was not read: {k}. This is sensitive and switched off in this shop. If you do need it, switch it on "
    "under Settings → Privacy and ask each customer for a separate consent.",
)


def _without_sensitive(guess: Guess, switched_on: frozenset[str], warnings: list[Words]) -> Guess:
    """A guess whose sheet has no column of a sensitive kind that is switched off. A column that is read as something
    else (a clinic's number of the patient) is none."""
    hidden = set()
    for header in guess.sheet.headers:
        if header in guess.mapping:
            continue
        kind = kind_of(header) or ("id" if any(map(is_id_number, _samples(guess.sheet, header, ""))) else "")
        if kind and kind not in switched_on:
            hidden.add(header)
            warnings.append(WITHHELD.fill(c=header, k=KINDS[kind]))
    return replace(guess, sheet=_without(guess.sheet, hidden)) if hidden else guess


def _without(sheet: Sheet, columns: set[str]) -> Sheet:
    if not columns:
        return sheet
    kept = [k for k, header in enumerate(sheet.headers) if header not in columns]
    headers = [sheet.headers[k] for k in kept]
    spoiled = [
        (problem, [cells[k] if k < len(cells) else "" for k in kept]) for problem, cells in sheet.spoiled
    ]
    return replace(sheet, headers=headers, table=sheet.table.select(headers), spoiled=spoiled)


def recognise(sheets: Iterable[Sheet], mapping: dict[str, str] | None = None) -> list[Guess]:
    """What each sheet is taken for, by its headers; sheets that are nothing we know are left out.

    `mapping` (header: field) is what a person has said and wins over everything.
    """
    guesses = []
    for sheet in sheets:
        found = _best(sheet)
        said = said_of(sheet, mapping or {})
        if found is None and not said:
            continue
        reader = found or till.READER
        columns = headless.positions(sheet) if reader is headless.READER else reader.mapping(sheet)
        if said:
            columns = {h: f for h, f in columns.items() if f not in said.values() or f == "ignore"} | said
            columns = {h: columns[h] for h in sheet.headers if h in columns}
        if reader.key.startswith("till") or reader is headless.READER:
            kind = till.kind(set(columns.values()) - {"ignore"})
            if kind is None:
                continue
            if reader is not headless.READER:
                reader = till.by_kind(kind) or till.READER
        else:
            kind = reader.kind
        samples = {h: _samples(sheet, h, f) for h, f in columns.items()}
        unread = [h for h in sheet.headers if h not in columns]
        guesses.append(Guess(sheet, reader.key, reader.name, kind, columns, samples, unread))
    return guesses


def read(
    paths: Iterable[str | Path] | str | Path,
    *,
    mapping: dict[str, str] | None = None,
    dates: str | None = None,
    encoding: str | None = None,
    store: str | None = None,
    zone: str = "Asia/Shanghai",
    day_ends_at: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
    opened: list[Sheet] | None = None,
    sensitive: frozenset[str] = frozenset(),
) -> Reading:
    """Read files that belong together: orders, their lines, their payments, lists of customers, in any order.

    `mapping`: header → contract field, said by a person. `dates`: dmy, mdy or ymd where the columns cannot
    tell.
    `store`: every row is this store's. `zone`: where times that carry a zone are told. `day_ends_at`: the hour after
    midnight that ends the shop's day. `progress(file, done, of)`. `opened`: the sheets of these files, where somebody
    has opened them already. `sensitive`: the kinds that the shop has switched on; columns of the others are not read.

    Raises Refused when nothing can be taken in at all, or day and month cannot be told apart.
    """
    given = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    if dates is not None and dates not in ORDERS:
        raise Refused(Words("日期顺序只能是 ymd、dmy 或 mdy。", "The order of dates is ymd, dmy or mdy."))
    sheets = list(opened or ())
    for done, path in enumerate(given if opened is None else ()):
        if progress is not None:
            progress(path.name, done, len(given))
        sheets += open_file(path, encoding, also_headers=mapping or ())
    if mapping:
        _check_mapping(mapping, sheets)
    guesses = recognise(sheets, mapping)
    read_files = {guess.sheet.file for guess in guesses}
    warnings = [
        Words(f"「{path.name}」看不出是什么，没有读。", f"“{path.name}” is nothing we know and was not read.")
        for path in given
        if len(given) > 1 and not any(sheet_file in (path.name, path.stem) for sheet_file in read_files)
    ]
    name = "、".join(path.name for path in given)
    if not guesses:
        raise Refused(NOTHING_TO_READ.fill(file=name))
    gathered = _Gathered(Options(dates=dates, zone=zone, store=store, day_ends_at=day_ends_at), warnings)
    gathered.take_in(_parted([_without_sensitive(guess, sensitive, warnings) for guess in guesses]))
    if progress is not None:
        progress("", len(given), len(given))
    return gathered.reading(guesses, name)


# ── recognising ──


def _best(sheet: Sheet) -> Reader | None:
    if sheet.header_row == 0 and sheet.headers and sheet.headers[0] == "列1":
        return headless.READER if headless.positions(sheet) else None
    scored = [(reader.score(sheet), reader) for reader in READERS]
    best = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    if best[0] > 0:
        return best[1]
    return till.reader_for(sheet)


def said_of(sheet: Sheet, mapping: dict[str, str]) -> dict[str, str]:
    """What a person has said about the columns of this sheet, under its own spelling of the headers."""
    by_plain = {plain(header): header for header in reversed(sheet.headers)}
    said = {}
    for header, field_ in mapping.items():
        mine = header if header in sheet.headers else by_plain.get(plain(header))
        if mine is not None:
            said[mine] = field_
    return said


def _check_mapping(mapping: dict[str, str], sheets: list[Sheet]) -> None:
    for header, field_ in mapping.items():
        if field_ not in CONTRACT_FIELDS:
            raise Refused(UNKNOWN_FIELD.fill(field=field_, known=", ".join(CONTRACT_FIELDS)))
        if not any(sheet.has(header) for sheet in sheets):
            heads = "、".join(dict.fromkeys(h for sheet in sheets for h in sheet.headers[:30]))
            known = Words(f"文件里的列有：{heads}", f"The columns are: {heads}")
            raise Refused(UNKNOWN_HEADER.fill(header=header, known=known))


def _samples(sheet: Sheet, header: str, field_: str) -> list[str]:
    if field_ in ("password", "ignore"):
        return []
    cells: list[str] = clean(sheet.table[header].slice(0, 100)).drop_null().unique().to_pylist()
    return cells[:3]


def reader_of(guess: Guess) -> Reader:
    """The reader that a guess names."""
    every = (*READERS, till.READER, till.LINES, till.CUSTOMERS, headless.READER)
    return next(reader for reader in every if reader.key == guess.reader)


def _parted(guesses: list[Guess]) -> list[Guess]:
    """The guesses with lines told from receipts: a file of items under the receipt numbers of another file
    is its lines, not the same money a second time."""
    heads = [g for g in guesses if g.kind == "sales" and "item" not in g.mapping.values()]
    numbers = [number for g in heads if (number := _numbers(g)) is not None]
    result = []
    for guess in guesses:
        if guess.kind == "sales" and {"item", "receipt"} <= set(guess.mapping.values()) and numbers:
            mine = _numbers(guess)
            share = max(
                pc.mean(pc.is_in(mine, value_set=other).cast(pa.float64())).as_py() or 0.0
                for other in numbers
            )
            if share > 0.5:
                guess = replace(guess, kind="lines")
        result.append(guess)
    return result


def _numbers(guess: Guess) -> Any | None:
    header = next((h for h, f in guess.mapping.items() if f == "receipt"), None)
    return None if header is None else pc.unique(clean(guess.sheet.table[header])).drop_null()


# ── gathering ──


@dataclass
class _Gathered:
    """The parts of several sheets, put together into one reading."""

    options: Options
    warnings: list[Words]
    rows: int = 0
    taken: int = 0
    not_sales: int = 0
    sales: list[pa.Table] = field(default_factory=list)
    reversed: list[pa.Table] = field(default_factory=list)
    lines: list[pa.Table] = field(default_factory=list)
    people: list[pa.Table] = field(default_factory=list)
    extras: list[pa.Table] = field(default_factory=list)
    refused: list[Problem] = field(default_factory=list)
    refused_rows: list[pa.Table] = field(default_factory=list)
    bridge: dict[str, str] = field(default_factory=dict)
    """Number of a payment → number of the receipt it paid."""

    def take_in(self, guesses: list[Guess]) -> None:
        for guess in guesses:
            if guess.kind == "sales":
                self._add_sales(receipts(guess.sheet, guess, reader_of(guess), self.options))
        for guess in guesses:
            if guess.kind == "payments":
                self._add_payments(guess, receipts(guess.sheet, guess, reader_of(guess), self.options))
        for guess in guesses:
            if guess.kind == "lines":
                self._add_lines(guess)
            elif guess.kind == "customers":
                self._add_people(guess)

    def _count(self, data_rows: int, taken: int, not_sales: int, part: Any) -> None:
        self.rows += data_rows
        self.taken += taken
        self.not_sales += not_sales
        self.refused += part.refused
        if part.refused_rows is not None:
            self.refused_rows.append(part.refused_rows)
        self.warnings += part.warnings

    def _add_sales(self, took: Took) -> None:
        offset = sum(table.num_rows for table in self.sales)
        self._count(took.data_rows, took.taken_rows, took.not_sales, took)
        self.sales.append(took.sales)
        self.reversed.append(took.reversed)
        if took.lines.num_rows:
            self.lines.append(_moved(took.lines, "sale", offset))
        if took.extras is not None:
            self.extras.append(_of("sales", _moved(took.extras, "index", offset)))

    def _add_payments(self, guess: Guess, took: Took) -> None:
        """Payments next to the receipts they paid add who paid, not money; alone they are the sales."""
        if not self.sales:
            self._add_sales(took)
            return
        sales = self._all_sales()
        place: dict[str, int] = {}
        for index, number in enumerate(sales["receipt"].to_pylist()):
            if number is not None:
                place.setdefault(number, index)
        own = took.sales["receipt"].to_pylist()
        trade = took.trade_numbers.to_pylist() if took.trade_numbers is not None else [None] * len(own)
        payer = took.sales["openid"].to_pylist()
        openid = sales["openid"].to_pylist()
        matched = 0
        for number, other, who in zip(own, trade, payer, strict=True):
            for key in (other, number):
                at = place.get(self.bridge.get(key, key)) if key is not None else None
                if at is None:
                    continue
                matched += 1
                if who is not None and openid[at] is None:
                    openid[at] = who
                if key == number and other is not None:
                    self.bridge[other] = number
                break
        self.sales = [
            sales.set_column(
                SALES.get_field_index("openid"), SALES.field("openid"), pa.array(openid, pa.string())
            )
        ]
        loose = took.sales.num_rows - matched
        shared = (
            took.taken_rows if not loose else round(took.taken_rows * matched / max(took.sales.num_rows, 1))
        )
        self._count(took.data_rows, shared, took.not_sales + took.taken_rows - shared, took)
        if loose:
            self.warnings.append(
                Words(
                    f"「{guess.sheet.file}」{guess.sheet.name}里有 {loose} 笔付款对不上订单，"
                    f"为免重复没有再算一次。",
                    f"{loose} payments of “{guess.sheet.file}” {guess.sheet.name} belong to no order; "
                    f"they were not "
                    "counted again.",
                )
            )

    def _add_lines(self, guess: Guess) -> None:
        reader = reader_of(guess)
        fields = set(guess.mapping.values())
        sales = self._all_sales()
        if not sales.num_rows and fields & {"time", "date", "business_date"}:
            self._add_sales(receipts(guess.sheet, guess, reader, self.options))
            return
        took = lines_alone(guess.sheet, guess, reader)
        place = pc.index_in(took.receipt, value_set=sales["receipt"].combine_chunks())
        known = pc.is_valid(place)
        found = took.lines.set_column(0, LINES.field("sale"), place.cast(pa.int32())).filter(known)
        self.lines.append(found.filter(pc.is_valid(found["item"])))
        loose = took.data_rows - found.num_rows
        self.rows += took.data_rows
        self.taken += found.num_rows
        self.not_sales += loose
        if loose:
            self.warnings.append(
                Words(
                    f"「{guess.sheet.file}」{guess.sheet.name}里有 {loose} 行明细对不上任何订单，没有计入。",
                    f"{loose} lines of “{guess.sheet.file}” {guess.sheet.name} belong to no receipt and "
                    f"were left out.",
                )
            )

    def _add_people(self, guess: Guess) -> None:
        known = people(guess.sheet, guess, reader_of(guess), self.options)
        offset = sum(table.num_rows for table in self.people)
        self._count(known.data_rows, known.people.num_rows, known.not_people, known)
        self.people.append(known.people)
        if known.extras is not None:
            self.extras.append(_of("people", _moved(known.extras, "index", offset)))

    def _all_sales(self) -> pa.Table:
        return pa.concat_tables(self.sales) if self.sales else SALES.empty_table()

    def reading(self, guesses: list[Guess], name: str) -> Reading:
        sales = self._all_sales()
        known_people = pa.concat_tables(self.people) if self.people else PEOPLE.empty_table()
        if not sales.num_rows and not known_people.num_rows and not self.not_sales:
            if self.refused:
                first = self.refused[0]
                raise Refused(
                    ALL_REFUSED.fill(
                        file=name,
                        row=first.row,
                        column=first.column,
                        value=first.value,
                        reason=first.reason,
                        hint=first.hint,
                    )
                )
            raise Refused(NOTHING_TO_READ.fill(file=name))
        named = _named(sales)
        identity = "all" if named == sales.num_rows else "some" if named else "none"
        if identity == "none":
            self.warnings.append(NO_IDENTITY)
        nothing = pa.table({"of": pa.array([], pa.string()), "index": pa.array([], pa.int32())})
        return Reading(
            guesses=guesses,
            rows=self.rows,
            taken=self.taken,
            not_sales=self.not_sales,
            sales=sales,
            reversed=pa.concat_tables(self.reversed) if self.reversed else SALES.empty_table(),
            lines=pa.concat_tables(self.lines) if self.lines else LINES.empty_table(),
            people=known_people,
            extras=pa.concat_tables(self.extras, promote_options="default") if self.extras else nothing,
            refused=self.refused,
            refused_rows=pa.concat_tables(self.refused_rows, promote_options="default")
            if self.refused_rows
            else pa.table(
                {
                    "file": pa.array([], pa.string()),
                    "sheet": pa.array([], pa.string()),
                    "row": pa.array([], pa.int32()),
                }
            ),
            warnings=list(dict.fromkeys(self.warnings)),
            identity=identity,
            useful_for=NO_IDENTITY if identity == "none" else None,
        )


def _named(sales: pa.Table) -> int:
    """How many sales name a customer: by number, card, phone, openid, or as a company."""
    who = [name for name in ("member", "card", "phone", "openid") if sales[name].null_count < sales.num_rows]
    if any(sales[name].null_count == 0 for name in who):
        return int(sales.num_rows)
    known = pc.and_(sales["company"], pc.is_valid(sales["name"]))
    for name in who:
        known = pc.or_(known, pc.is_valid(sales[name]))
    return int(pc.sum(known).as_py() or 0)


def _moved(table: pa.Table, column: str, offset: int) -> pa.Table:
    if not offset:
        return table
    place = table.schema.get_field_index(column)
    return table.set_column(
        place, table.schema.field(place), pc.add(table[column], pa.scalar(offset, pa.int32()))
    )


def _of(what: str, extras: pa.Table) -> pa.Table:
    return extras.add_column(0, "of", pa.repeat(pa.scalar(what), extras.num_rows))
