"""From a list of customers to people: one row each, with everything else the list says about them kept
beside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.sales.readers.contract import Guess, Reader, Sheet
from regulars.sales.readers.receipts import (
    LOST_DIGITS,
    LOST_DIGITS_HINT,
    YES,
    Columns,
    Options,
    companies,
    kept_columns,
    names,
    no_data_rows,
    refused_table,
    told_birthdays,
    unusable_phones,
)
from regulars.sales.rules import ids, phones
from regulars.sales.rules.cells import rows_where
from regulars.sales.rules.headers import plain, total
from regulars.shop.words import Problem, Words

PEOPLE = pa.schema(
    [("row", pa.int32()), ("member", pa.string()), ("card", pa.string()), ("phone", pa.string()),
     ("openid", pa.string()), ("name", pa.string()), ("company", pa.bool_())]
)  # fmt: skip

NOBODY = Words(
    "这一行没有会员号、卡号，也没有手机号，不知道是谁。", "This row has no member number, card or phone."
)
NAME_ONLY = Words(
    "这一行只有名字，没有会员号、卡号或手机号；同名的人很多，下次来了认不出是不是她。",
    "This row has only a name and no member number, card or phone; nobody would know her again by that.",
)
NOBODY_HINT = Words("至少补上会员号或手机号。", "Fill in a member number or a phone number.")


@dataclass
class Known:
    """What a customer list gave; `extras` has `index` (into `people`) and one text column per kept field."""

    people: pa.Table
    extras: pa.Table | None
    data_rows: int
    refused: list[Problem] = field(default_factory=list)
    refused_rows: pa.Table | None = None
    not_people: int = 0
    warnings: list[Words] = field(default_factory=list)


def people(sheet: Sheet, guess: Guess, reader: Reader, options: Options) -> Known:
    """The customers of one list; rows that name nobody come back, deleted accounts are left out and
    counted."""
    columns = Columns(sheet, guess, reader)
    n = sheet.table.num_rows
    warnings: list[Words] = []
    out: dict[str, Any] = {"row": sheet.rows}
    lost: dict[int, tuple[str, str]] = {}
    for name in ("member", "card", "openid", "phone"):
        column = columns.get(name)
        if column is None:
            out[name] = pa.nulls(n, pa.string())
            continue
        destroyed = ids.destroyed_cells(column)
        if destroyed is not None:
            for i in np.flatnonzero(destroyed.to_numpy()):
                lost.setdefault(int(i), (columns.header_of.get(name, name), column[int(i)].as_py()))
        if name == "phone":
            out[name] = phones.phones(column)
            useless = pc.sum(pc.and_(pc.is_valid(column), pc.is_null(out[name]))).as_py() or 0
            if useless:
                warnings.append(unusable_phones(useless))
        else:
            out[name] = ids.identities(column)
    name_column = columns.get("name")
    out["name"] = names(name_column, n)
    out["company"] = companies(name_column, n, reader.companies)

    gone = np.zeros(n, dtype=bool)
    deleted = columns.get("deleted")
    if deleted is not None:
        gone = rows_where(deleted, lambda text: text.lower() in YES)
    no_data = np.zeros(n, dtype=bool)
    known_by_name = pc.and_(out["company"], pc.is_valid(out["name"]))  # a name never identifies a person
    nobody = pc.and_(
        pc.and_(pc.is_null(out["member"]), pc.is_null(out["card"])),
        pc.and_(pc.and_(pc.is_null(out["phone"]), pc.is_null(out["openid"])), pc.invert(known_by_name)),
    ).to_numpy(zero_copy_only=False) if n else np.zeros(0, dtype=bool)  # fmt: skip
    suspects = nobody.copy()
    for name in (*PEOPLE.names, "points", "tier", "store"):
        if name in columns and n:
            head = plain(columns.header_of.get(name, name))
            suspects |= rows_where(columns.get(name), _Heading(head))
    no_data[no_data_rows(sheet, np.flatnonzero(suspects).tolist())] = True
    rows = sheet.rows.to_pylist()
    found: dict[int, Problem] = {}
    for place in np.flatnonzero(nobody).tolist():
        name = out["name"][place].as_py()
        column = columns.header_of.get("name", "") if name else ""
        found[place] = Problem(rows[place], column, name or "", NAME_ONLY if name else NOBODY, NOBODY_HINT)
    for place, (header, value) in lost.items():
        found[place] = Problem(rows[place], header, value, LOST_DIGITS, LOST_DIGITS_HINT.fill(column=header))
    order = [i for i in sorted(found) if not no_data[i] and not gone[i]]
    keep = ~(gone | no_data)
    keep[order] = False
    left_out = int((gone & ~no_data).sum())
    if left_out:
        warnings.append(
            Words(
                f"有 {left_out} 位是已删除或已注销的客户，没有导入。",
                f"{left_out} deleted accounts were left out.",
            )
        )
    table = pa.table([_whole(out[f.name]).cast(f.type) for f in PEOPLE], schema=PEOPLE)
    extras = kept_columns(columns, guess, skip=frozenset(PEOPLE.names) - {"company"})
    mask = pa.array(keep)
    table = table.filter(mask)
    if extras is not None:
        extras = extras.filter(mask).add_column(
            0, "index", pa.array(np.arange(table.num_rows, dtype=np.int32))
        )
    extras, unread = told_birthdays(extras, columns, options)
    warnings += unread
    return Known(
        people=table,
        extras=extras,
        data_rows=n - int(no_data.sum()) + len(sheet.spoiled),
        refused=[problem for problem, _ in sheet.spoiled] + [found[i] for i in order],
        refused_rows=refused_table(sheet, np.array(order, dtype=np.int64)),
        not_people=left_out,
        warnings=warnings,
    )


@dataclass(frozen=True)
class _Heading:
    """Whether a cell says what only lines of totals and repeated headers say."""

    header: str

    def __call__(self, text: str) -> bool:
        return total(text) or plain(text) == self.header


def _whole(column: Any) -> Any:
    return (
        column.combine_chunks() if isinstance(column, pa.ChunkedArray) and column.num_chunks == 1 else column
    )
