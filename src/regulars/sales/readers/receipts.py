"""From the columns of a sheet to sales: one row per receipt, whole columns at a time.

Every data line of the sheet ends in exactly one of four heaps: taken, refused (with a reason), no sale
(unpaid, cancelled, deleted), or not data at all (totals, repeated headers).
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.sales.readers.contract import Guess, Reader, Sheet
from regulars.sales.rules import ids, money, phones
from regulars.sales.rules.birthdays import order_of_birthdays, told_apart
from regulars.sales.rules.cells import any_true, by_value, clean, clean_cell, holds, holds_text, rows_where
from regulars.sales.rules.dates import Instants, instants, time_only
from regulars.sales.rules.headers import SECRET, TOTALS_HINT, plain, total
from regulars.shop.words import Problem, Words

SALES = pa.schema(
    [
        ("row", pa.int32()), ("receipt", pa.string()), ("at", pa.timestamp("s")), ("day", pa.date32()),
        ("member", pa.string()), ("card", pa.string()), ("phone", pa.string()), ("openid", pa.string()),
        ("name", pa.string()), ("company", pa.bool_()), ("amount", pa.int64()), ("currency", pa.string()),
        ("kind", pa.string()), ("refund_of", pa.string()), ("store", pa.string()), ("staff", pa.string()),
        ("party_size", pa.int32()), ("occasion", pa.string()),
    ]
)  # fmt: skip
LINES = pa.schema(
    [("sale", pa.int32()), ("item", pa.string()), ("category", pa.string()), ("quantity", pa.int64()),
     ("amount", pa.int64())]
)  # fmt: skip
# Contract fields that sales and people do not read but later stages do.
KEPT_FIELDS = (
    "birthday", "lunar_birthday", "anniversary", "sex", "address", "points", "balance", "balance_bonus", "referrer", "note",
    "company", "tier", "email", "wechat", "tags", "source", "registered_on",
)  # fmt: skip

# Below this many rows starting threads costs more than they save.
_WORTH_THREADS = 50_000

_COMPANY = (
    r"公司|集团|有限|股份|合作社|合伙|事务所|商行|商贸|贸易|批发部|经营部|经销部|工厂|厂$|酒店$|饭店$|超市$|学校$|医院$|大学$|"
    r"(?i:\b(ltd|limited|inc|llc|corp|corporation|gmbh|co\.|plc|s\.a\.|pty|ag|bv)\b)"
)
_UNPAID = (
    "未支付", "未付款", "待付款", "待支付", "等待买家付款", "支付失败", "付款失败", "未结账", "未结算", "待结账", "挂单",
    "交易关闭", "已关闭", "订单关闭", "取消", "作废", "撤销", "撤单",
    "unpaid", "cancel", "void", "pending", "failed",
)  # fmt: skip
# "Refund applied for" and "no refund" are not money given back.
_PAID_BACK = (
    "已退款",
    "全额退款",
    "退款成功",
    "退款完成",
    "已退货",
    "已退单",
    "整单退",
    "refunded",
    "returned",
)
_PARTLY = ("部分", "partial")
# Alone these words say that all of it was given back; within a longer state they may be about a wish.
_PAID_BACK_ALONE = frozenset(
    {"退款", "退货", "退单", "退款退货", "退货退款", "全部退款", "整单退款", "refund", "return"}
)
# She wanted her money back and did not get it: the sale stands.
_STANDS = re.compile(
    r"^(买家|用户|客户|顾客|商家|系统|已|申请)*(取消|撤销|撤回|关闭|拒绝|驳回)(了|的)?(申请)?退[款货单]"
    r"|退[款货单](申请)?(已|被)*(取消|撤销|撤回|关闭|失败|拒绝|驳回)|refund (cancel|reject|fail|denied|closed)",
    re.IGNORECASE,
)
YES = frozenset({"是", "1", "true", "yes", "y", "t", "已退款", "全部退款", "已注销"})
# What stands alone in a line below a table.
_FOOTER = re.compile(
    r"^(导出|打印|制表|统计|查询|注|备注|说明|数据来源|操作员|日期范围)[^,]*[:：]|第\s*\d+\s*页|共\s*\d+\s*[条页笔行]|^(page|exported|printed)\b",
    re.IGNORECASE,
)
_ORDER_LEVEL = re.compile(r"实付|实收|实际支付|订单|合计|应付|账单|总|total|paid|order|bill|receipt")
# Headers that name the order itself; under the others a line may have an amount of its own as well.
_ORDERS_OWN = re.compile(r"实际支付|订单|账单|order|bill|receipt")
_ENOUGH_ORDERS = 3
"""Orders of several lines that all repeat one amount, before a header that may mean lines is taken to mean orders: two
dishes of the same price are common, three such orders and no other are not."""

UNREAD_BIRTHDAYS = Words(
    "「{column}」列有 {n} 个生日看不懂，没有记下（例如「{value}」）。请写成 1990-05-06 这样再导入；"
    "日和月分不清的，可以用 --dates dmy（日在前）或 --dates mdy（月在前）说明",
    "{n} birthdays of the column “{column}” could not be read and were not noted (for example “{value}”). Write them "
    "like 1990-05-06 and import again; where day and month could change places, say --dates dmy or --dates mdy",
)
NO_DATE = Words("没有日期。", "There is no date.")
NO_DATE_HINT = Words("补上日期后再导入这一行。", "Fill in the date and import this row again.")
BAD_DATE = Words("这不是能看懂的日期。", "This is not a date that can be read.")
BAD_DATE_HINT = Words(
    "请写成 2026-01-05 或 2026-01-05 12:30 这样。", "Write it like 2026-01-05 or 2026-01-05 12:30."
)
NO_AMOUNT = Words("没有金额。", "There is no amount.")
NO_AMOUNT_HINT = Words("补上实收金额；没有收钱就写 0。", "Fill in the amount received, or 0 if nothing was.")
BAD_AMOUNT = Words("这不是金额。", "This is not an amount.")
BAD_AMOUNT_HINT = Words(
    "只写数字，例如 1234.50；不要写「万」或其他文字。", "Write digits only, like 1234.50."
)
LOST_DIGITS = Words(
    "这一列的号码被 Excel 改成了科学计数法，已经丢了后面的数字。",
    "Excel has turned this number into scientific notation; its last digits are lost.",
)
LOST_DIGITS_HINT = Words(
    "请在收银系统里重新导出，或在打开前把「{column}」这一列设成文本。",
    "Export again from the till, or set the column “{column}” to text before opening the file in Excel.",
)


OTHER_LINE = Words("同一张单的另一行读不懂。", "Another line of this receipt cannot be read.")
OTHER_LINE_HINT = Words(
    "改好那一行，整张单一起再导入。", "Correct that line and import the whole receipt again."
)


@dataclass
class Took:
    """What one sheet gave. `extras` has `index` (into `sales`) and one text column per kept field; `reversed` are
    the numbered receipts that it says are none."""

    sales: pa.Table
    lines: pa.Table
    extras: pa.Table | None
    reversed: pa.Table
    data_rows: int
    taken_rows: int
    refused: list[Problem] = field(default_factory=list)
    refused_rows: pa.Table | None = None
    not_sales: int = 0
    warnings: list[Words] = field(default_factory=list)
    trade_numbers: Any = None


@dataclass(frozen=True)
class Options:
    """How the owner wants the files read."""

    dates: str | None = None
    zone: str = "Asia/Shanghai"
    store: str | None = None
    day_ends_at: int = 0
    """The hour after midnight up to which a receipt still belongs to the day before, where the file has no business
    date of its own."""


class Columns:
    """The columns of a sheet by field, each cleaned once, when first asked for."""

    def __init__(self, sheet: Sheet, guess: Guess, reader: Reader | None) -> None:
        self.sheet = sheet
        self.header_of = {f: h for h, f in guess.mapping.items() if f not in ("ignore", "password")}
        self._raw: dict[str, Any] = {f: sheet.table[h] for f, h in self.header_of.items()}
        if reader is not None and reader.tidy is not None:
            self._raw = reader.tidy(self._raw)
        self._clean: dict[str, Any] = {}
        self._fens: dict[str, Any] = {}
        self._phones: Any = None
        if "name" not in self._raw and "last_name" in self._raw:
            given = self.get("first_name") if "first_name" in self._raw else None
            family = self.get("last_name")
            full = (
                family
                if given is None
                else pc.binary_join_element_wise(given, family, " ", null_handling="skip")
            )
            self._clean["name"] = self._raw["name"] = clean(full)
        if "member" in self._raw and "phone" not in self._raw and self._holds_phones("member"):
            # Many tills give members their phone number as member number.
            self._raw["phone"] = self._raw.pop("member")
            self.header_of["phone"] = self.header_of.pop("member", "member")

    def _holds_phones(self, name: str) -> bool:
        column = self._raw[name]
        if holds(column.slice(0, 300), "*"):  # masked ones say nothing about the others
            column = column.filter(pc.invert(pc.fill_null(pc.match_substring(column, "*"), False)))
        cells = clean(column.slice(0, 300)).drop_null().to_pylist()
        return len(cells) > 0 and sum(phones.phone(cell) is not None for cell in cells) >= 0.8 * len(cells)

    def __contains__(self, name: str) -> bool:
        return name in self._raw

    def raw(self, name: str) -> Any:
        """The cells as they stand in the file."""
        return self._raw[name]

    def prepare(self) -> None:
        """Read the costly columns of a large sheet side by side; the engine works outside Python's lock."""
        if self.sheet.table.num_rows < _WORTH_THREADS:
            return
        amounts = [name for name in ("amount", "gross", "refund", "price") if name in self._raw]
        texts = [name for name in SALES.names if name in self._raw and name != "amount"]
        texts += [name for name in ("item", "category") if name in self._raw]
        with ThreadPoolExecutor(max_workers=2) as pool:
            waiting = [pool.submit(self.phones)] if "phone" in self._raw else []
            waiting += [pool.submit(self.fens, name) for name in amounts]
            waiting += [pool.submit(self.get, name) for name in texts]
            for done in waiting:
                done.result()

    def phones(self) -> Any:
        """The phone column as numbers that name somebody, read once."""
        if self._phones is None:
            self._phones = phones.phones(self.get("phone"))
        return self._phones

    def fens(self, name: str) -> Any:
        """A column of amounts in fen, read once."""
        if name not in self._fens:
            self._fens[name] = money.fens(self._raw[name])
        return self._fens[name]

    def get(self, name: str) -> Any | None:
        """The cleaned cells, null where empty; None if the file has no such column."""
        if name not in self._raw:
            return None
        if name not in self._clean:
            self._clean[name] = clean(self._raw[name])
        return self._clean[name]


def receipts(sheet: Sheet, guess: Guess, reader: Reader, options: Options) -> Took:
    """The sales of one sheet. Rows that cannot be read come back as problems; nothing is dropped in silence.

    Raises Refused when the dates of the whole column cannot be understood.
    """
    sheet = sheet.until(reader.ends_at)
    columns = Columns(sheet, guess, reader)
    columns.prepare()
    n = sheet.table.num_rows
    refusals = _Refusals(sheet)
    out: dict[str, Any] = {"row": sheet.rows}

    day, at = _moments(columns, reader, options, sheet, refusals)
    out["day"], out["at"] = day, at
    flagged_back = _flagged(columns, reader)
    amount, warnings = _amounts(columns, refusals, flagged_back)
    out["amount"] = amount if amount is not None else pa.nulls(n, pa.int64())

    for name in ("receipt", "member", "card", "openid"):
        column = columns.get(name)
        if column is None:
            out[name] = pa.nulls(n, pa.string())
            continue
        lost = ids.destroyed_cells(column)
        if lost is not None:
            refusals.add(lost, columns.header_of.get(name, name), column, LOST_DIGITS, LOST_DIGITS_HINT)
        out[name] = ids.ids(column) if name == "receipt" else ids.identities(column)
    column = columns.get("phone")
    if column is None:
        out["phone"] = pa.nulls(n, pa.string())
    else:
        lost = ids.destroyed_cells(column)
        if lost is not None:
            refusals.add(lost, columns.header_of.get("phone", "phone"), column, LOST_DIGITS, LOST_DIGITS_HINT)
        out["phone"] = columns.phones()
        useless = pc.sum(pc.and_(pc.is_valid(column), pc.is_null(out["phone"]))).as_py() or 0
        if useless:
            warnings.append(unusable_phones(useless))
    out["name"] = names(columns.get("name"), n)
    out["company"] = companies(columns.get("name"), n, reader.companies)
    for name in ("staff", "occasion"):
        out[name] = _or_null(columns.get(name), n)
    store = columns.get("store")
    out["store"] = pa.repeat(pa.scalar(options.store), n) if options.store else _or_null(store, n)
    out["currency"] = _currency(columns, reader, n)
    party = columns.get("party_size")
    out["party_size"] = pa.nulls(n, pa.int32()) if party is None else by_value(party, _people, pa.int32())
    out["refund_of"] = _or_null(columns.get("refund_of"), n)
    if "refund_receipt" in columns and flagged_back is not None:
        # The bill names the paid order and, beside it, the number of its repayment.
        back = pa.array(flagged_back)
        out["refund_of"] = pc.if_else(back, out["receipt"], out["refund_of"])
        out["receipt"] = pc.if_else(
            back, pc.coalesce(columns.get("refund_receipt"), out["receipt"]), out["receipt"]
        )
    if amount is None:
        kind = pa.repeat(pa.scalar("attendance"), n)
    else:
        negative = pc.fill_null(pc.less(amount, 0), False)
        if flagged_back is not None:
            negative = pc.or_(negative, pa.array(flagged_back))
        kind = (
            pc.if_else(negative, "refund", "sale") if any_true(negative) else pa.repeat(pa.scalar("sale"), n)
        )
    out["kind"] = kind

    skipped = _not_sales(columns, reader, out["amount"])
    refused, refused_index, no_data = refusals.settle(skipped, _totals(columns))
    sales = pa.table([_flat(out[f.name]).cast(f.type) for f in SALES], schema=SALES)
    if refused or sheet.spoiled:
        away = np.zeros(n, dtype=bool) if skipped is None else skipped.copy()
        away[no_data] = True
        header = columns.header_of.get("receipt", "receipt")
        refused, refused_index = _whole_receipts(sales, sheet, header, refused, refused_index, away)
    keep = np.ones(n, dtype=bool)
    keep[refused_index] = False
    keep[no_data] = False
    if skipped is not None:
        keep &= ~skipped
    not_sales = int((skipped & _not_in(n, no_data)).sum()) if skipped is not None else 0
    if not_sales:
        warnings.append(
            Words(
                f"有 {not_sales} 行是没付款、已取消或已退单的订单，不算消费，没有计入。",
                f"{not_sales} rows are unpaid, cancelled or reversed orders; they are no sales and were "
                f"left out.",
            )
        )

    reversed_ = _reversed(sales, skipped, no_data)
    lines = _lines(columns, n)
    extras = kept_columns(columns, guess, skip=frozenset(SALES.names) - {"company"})
    trade = columns.get("trade_no")
    if not keep.all():
        mask = pa.array(keep)
        sales = sales.filter(mask)
        lines = lines.filter(mask) if lines is not None else None
        extras = extras.filter(mask) if extras is not None else None
        trade = trade.filter(mask) if trade is not None else None
    extras, unread = told_birthdays(extras, columns, options)
    warnings += unread
    taken = sales.num_rows
    sales, lines, extras, first, more = _join(sales, lines, extras, columns, reader)
    warnings += more
    sales = _link_refunds(sales)
    if trade is not None and first is not None:
        trade = trade.take(first)
    return Took(
        sales=sales,
        lines=lines if lines is not None else LINES.empty_table(),
        extras=extras,
        reversed=reversed_,
        data_rows=n - len(no_data) + len(sheet.spoiled),
        taken_rows=taken,
        refused=[problem for problem, _ in sheet.spoiled] + refused,
        refused_rows=refused_table(sheet, refused_index),
        not_sales=not_sales,
        warnings=warnings,
        trade_numbers=trade,
    )


# ── when ──


def _moments(
    columns: Columns, reader: Reader, options: Options, sheet: Sheet, refusals: _Refusals
) -> tuple[Any, Any]:
    """Business day and wall time of every row; rows without a day are refused."""

    def read(raw: Any, utc: bool = False) -> Instants:
        return instants(raw, order=options.dates, zone=options.zone, utc=utc, since_1904=sheet.since_1904)

    n = sheet.table.num_rows
    time = columns.raw("time") if "time" in columns else None
    date = columns.raw("date") if "date" in columns else None
    if time is not None and date is not None and _all_clock(columns.get("time")):
        time = pc.binary_join_element_wise(columns.get("date"), columns.get("time"), " ")
        date = None
    at: Any = pa.nulls(n, pa.timestamp("s"))
    day: Any = pa.nulls(n, pa.date32())
    blame, blamed = "time", time
    if time is not None:
        read_time = read(time, reader.utc)
        day = _business_days(read_time, time, options.day_ends_at)
        if read_time.timed:
            at = read_time.at
    if date is not None:
        read_date = read(date)
        days = _business_days(read_date, date, options.day_ends_at)
        if time is None or day.null_count:
            day = days if time is None else pc.coalesce(day, days)
        if time is None:
            blame, blamed = "date", date
            if read_date.timed:
                at = read_date.at
    if "business_date" in columns:
        business = read(columns.raw("business_date")).at.cast(pa.date32())
        day = pc.coalesce(business, day)
        if time is None and date is None:
            blame, blamed = "business_date", columns.raw("business_date")
    if day.null_count:
        written = clean(blamed)
        missing = pc.is_null(day)
        header = columns.header_of.get(blame, blame)
        refusals.add(pc.and_(missing, pc.is_null(written)), header, written, NO_DATE, NO_DATE_HINT)
        refusals.add(pc.and_(missing, pc.is_valid(written)), header, written, BAD_DATE, BAD_DATE_HINT)
    return day, at


def _business_days(read: Instants, raw: Any, ends_at: int) -> Any:
    """The business day of each instant; a cell without a clock is meant as its day."""
    if not ends_at or not read.timed:
        return read.at.cast(pa.date32())
    shifted = pc.subtract(read.at, pa.scalar(ends_at * 3600, pa.duration("s")))
    seconds = pc.fill_null(pc.cast(read.at, pa.int64()), 1).to_numpy()
    midnight = np.flatnonzero(seconds % 86400 == 0)
    if len(midnight):
        clock = _mask(pc.match_substring_regex(raw.take(pa.array(midnight)), "[:：时点]"))
        bare = np.zeros(len(seconds), dtype=bool)
        bare[midnight[~clock]] = True
        shifted = pc.if_else(pa.array(bare), read.at, shifted)
    return shifted.cast(pa.timestamp("s")).cast(pa.date32(), safe=False)


def _all_clock(column: Any) -> bool:
    cells = pc.unique(column).drop_null()[:50].to_pylist()
    return bool(cells) and all(time_only(cell) for cell in cells)


# ── how much ──


def _amounts(columns: Columns, refusals: _Refusals, flagged: Any | None) -> tuple[Any | None, list[Words]]:
    """Net fen of every row: received, else gross less discount, else price times quantity; refunds taken
    off."""
    warnings: list[Words] = []
    gross = columns.fens("gross") if "gross" in columns else None
    source = "amount" if "amount" in columns else "gross"
    if source == "amount":
        amount = columns.fens("amount")
    elif gross is not None:
        amount = gross
        if "discount" in columns:
            discount = pc.abs(pc.fill_null(columns.fens("discount"), 0))
            amount = pc.subtract(gross, discount)
    elif "price" in columns and "quantity" in columns:
        source = "price"
        price = columns.fens("price")
        quantity = money.thousandths(columns.get("quantity"))
        amount = money.times(quantity, price)
    else:
        return None, warnings
    if amount.null_count:
        written = columns.get(source)
        header = columns.header_of.get(source, source)
        missing = pc.is_null(amount)
        if source == "price":
            written = pc.coalesce(written, columns.get("quantity"))
        refusals.add(pc.and_(missing, pc.is_null(written)), header, written, NO_AMOUNT, NO_AMOUNT_HINT)
        refusals.add(pc.and_(missing, pc.is_valid(written)), header, written, BAD_AMOUNT, BAD_AMOUNT_HINT)
    back = None if flagged is None else pa.array(flagged)
    if back is not None:
        amount = pc.if_else(back, pc.negate(pc.abs(amount)), amount)
    if "refund" in columns:
        refund = pc.abs(pc.fill_null(columns.fens("refund"), 0))
        some = pc.greater(refund, 0)
        if back is not None:
            # A line of repayment says in this column what it pays back; elsewhere the line is a sale partly
            # repaid.
            amount = pc.if_else(pc.and_(back, some), pc.negate(refund), amount)
            some = pc.and_(some, pc.invert(back))
            refund = pc.if_else(back, 0, refund)
        if any_true(some):
            if _already_net(amount, refund, gross if source == "amount" else None, some):
                warnings.append(
                    Words(
                        "实收金额里已经扣掉了退款，没有再扣一次。",
                        "The amounts received already have the refunds taken off; they were not taken off "
                        "twice.",
                    )
                )
            else:
                kept = pc.and_(some, pc.equal(amount, 0))
                if any_true(kept):
                    # Received nothing, refunded something: the whole order was paid back and is net already.
                    # Only under the number of a sale such a line is the repayment itself.
                    refund = pc.if_else(pc.and_(kept, pc.invert(_sold_elsewhere(columns, amount))), 0, refund)
                amount = pc.subtract(amount, refund)
    return amount, warnings


def _sold_elsewhere(columns: Columns, amount: Any) -> Any:
    """Rows under whose receipt number another row has an amount above zero."""
    receipt = columns.get("receipt")
    if receipt is None:
        return pa.array(np.zeros(len(amount), dtype=bool))
    sold = pc.unique(receipt.filter(pc.fill_null(pc.greater(amount, 0), False))).drop_null()
    return pc.and_(pc.is_valid(receipt), pc.is_in(receipt, value_set=sold))


def _already_net(amount: Any, refund: Any, gross: Any | None, some: Any) -> bool:
    """Whether the file has taken the refunds off already, judged from all rows that have one."""
    rows = _count(some)
    if gross is not None:
        return _count(pc.and_(some, pc.equal(pc.add(amount, refund), gross))) > rows / 2
    positive = pc.greater(amount, 0)
    more_than_paid = _count(pc.and_(pc.and_(some, positive), pc.greater(refund, amount)))
    return more_than_paid > _count(pc.and_(some, positive)) / 10


def _count(mask: Any) -> int:
    return int(pc.sum(mask).as_py() or 0)


def _currency(columns: Columns, reader: Reader, n: int) -> Any:
    """The currency the file names: in its own column, by a sign in the amounts, or by its origin; else
    null."""
    named = columns.get("currency")
    if named is not None:
        return pc.utf8_upper(by_value(named, lambda text: money.currency(text) or text, pa.string()))
    if reader.currency:
        return pa.repeat(pa.scalar(reader.currency), n)
    for name in ("amount", "gross", "price"):
        if name in columns:
            found = money.currencies(columns.raw(name))
            return pa.nulls(n, pa.string()) if found is None else found
    return pa.nulls(n, pa.string())


def _people(text: str) -> int | None:
    found = re.match(r"^(\d{1,4})(\.0+)?\s*(人|位|名)?$", text)
    return int(found[1]) if found and int(found[1]) else None


# ── what is a sale ──


_TOTALS = "|".join(TOTALS_HINT)


def _totals(columns: Columns) -> set[int]:
    """Lines of totals that have a date and an amount and so would pass for sales."""
    found: set[int] = set()
    for name in ("receipt", "member", "card", "name", "store", "item", "staff"):
        column = columns.get(name) if name in columns else None
        if column is None or not holds_text(column, TOTALS_HINT):
            continue
        likely = np.flatnonzero(_mask(pc.match_substring_regex(column, _TOTALS)))
        if len(likely):
            found.update(likely[rows_where(column.take(pa.array(likely)), total)].tolist())
    return found


def _flagged(columns: Columns, reader: Reader) -> Any | None:
    """Which rows say that they give money back; None if no row does."""
    mask = None
    for name in ("refund_flag", *(("status",) if reader.refunds_by_status else ())):
        if name in columns:
            yes = YES if name == "refund_flag" else frozenset()
            found = rows_where(columns.get(name), _Begins(reader.refunds, yes))
            mask = found if mask is None else mask | found
    if "status" in columns and "item" not in columns and not (reader.refunds_by_status or reader.sold):
        found = _repayments(columns)
        mask = found if mask is None else mask | found
    return mask if mask is not None and mask.any() else None


def _repayments(columns: Columns) -> Any:
    """Which rows are by their state the repayment of a sale that stands under the same number in another row. Where
    rows are items, such a row is the item that came back instead; a bill that was reversed is no repayment, the
    corrected one stands beside it."""
    back = rows_where(
        columns.get("status"), lambda text: _paid_back(text) and _says(text, ("退款", "refund"))
    )
    receipt = columns.get("receipt")
    if receipt is None or not back.any() or back.all():
        return np.zeros(len(back), dtype=bool)
    sold = pc.unique(receipt.filter(pa.array(~back))).drop_null()
    return back & _mask(pc.is_in(receipt, value_set=sold)) & _mask(pc.is_valid(receipt))


def _paid_back(text: str) -> bool:
    """Whether a state says that all of the money went back.

    >>> [_paid_back(t) for t in ("退款", "已退款", "退款成功", "部分退款", "取消退款", "退款中", "无退款")]
    [True, True, True, False, False, False, False]
    """
    if _STANDS.search(text) or _says(text, _PARTLY):
        return False
    return text.lower() in _PAID_BACK_ALONE or _says(text, _PAID_BACK)


@dataclass(frozen=True)
class _Begins:
    """Whether a cell begins with one of the words or is one of the yeses."""

    words: tuple[str, ...]
    yes: frozenset[str]

    def __call__(self, text: str) -> bool:
        return text.lower() in self.yes or (
            text.lower().startswith(self.words) and _STANDS.search(text) is None
        )


def _not_sales(columns: Columns, reader: Reader, amount: Any) -> Any | None:
    """Which rows (a mask) were never a sale: unpaid, cancelled, deleted, paid back in full; None if none."""
    mask = np.zeros(len(amount), dtype=bool)
    negative = _mask(pc.less(amount, 0))
    for name in ("status", "payment_status"):
        if name not in columns:
            continue
        status = columns.get(name)
        if reader.sold:
            mask |= _mask(pc.is_valid(status)) & ~rows_where(status, lambda text: text.lower() in reader.sold)
            continue
        unpaid = rows_where(
            status, lambda text: _says(text, reader.not_sales or _UNPAID) and not _STANDS.search(text)
        )
        repaid = rows_where(status, _paid_back)
        # Where the file takes the refund off in a column or a row of its own, leaving the sale out as well would
        # take it off twice.
        if reader.refunds_by_status:
            repaid[:] = False
        elif repaid.any():
            repaid &= ~_taken_off(columns, negative)
        mask |= (unpaid | repaid) & ~negative
    if "cancelled" in columns:
        mask |= rows_where(columns.get("cancelled"), lambda text: text.lower() in YES) & ~negative
    if "deleted" in columns:
        mask |= rows_where(columns.get("deleted"), lambda text: text.lower() in YES)
    if "won" in columns:
        mask |= ~rows_where(columns.get("won"), lambda text: text.lower() in YES)
    if reader.unpaid_without is not None and reader.unpaid_without in columns:
        mask |= _mask(pc.is_null(columns.get(reader.unpaid_without)))
    return mask if mask.any() else None


def _reversed(sales: pa.Table, skipped: Any | None, no_data: Any) -> pa.Table:
    """The receipts, one row each, that the file names by number and day and says are no sales: of one that came in
    earlier this is news."""
    if skipped is None:
        return SALES.empty_table()
    told = _mask(pc.and_(pc.is_valid(sales["receipt"]), pc.is_valid(sales["day"])))
    table = sales.filter(pa.array(skipped & told & _not_in(len(skipped), no_data)))
    group = _groups(table) if table.num_rows else None
    return table if group is None else table.take(group[0])


def _taken_off(columns: Columns, negative: Any) -> Any:
    """Rows whose refund the file takes off itself: in their own column, or in a negative row under their number."""
    mask = np.zeros(len(negative), dtype=bool)
    if "refund" in columns:
        mask |= _mask(pc.not_equal(columns.fens("refund"), 0))
    if negative.any():
        receipt = columns.get("receipt")
        if receipt is None:
            return np.ones(len(negative), dtype=bool)
        back = pa.array(negative)
        repaid = [c.filter(back) for c in (receipt, columns.get("refund_of")) if c is not None]
        numbers = pc.unique(pa.chunked_array([part for c in repaid for part in _chunks(c)], pa.string()))
        mask |= _mask(pc.is_in(receipt, value_set=numbers.drop_null()))
    return mask


def _chunks(column: Any) -> list[Any]:
    return column.chunks if isinstance(column, pa.ChunkedArray) else [column]


def _says(text: str, words: tuple[str, ...]) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in words)


def _mask(column: Any) -> Any:
    """Yes and no as a NumPy mask; null is no."""
    column = pc.fill_null(column, False)
    return column.to_numpy() if isinstance(column, pa.ChunkedArray) else column.to_numpy(zero_copy_only=False)


def names(column: Any | None, n: int) -> Any:
    """Names as written; a masked one (***, 张*) is none."""
    if column is None:
        return pa.nulls(n, pa.string())
    masked = pc.match_substring(column, "*")
    return pc.if_else(masked, pa.scalar(None, pa.string()), column) if any_true(masked) else column


def companies(name: Any | None, n: int, always: bool = False) -> Any:
    """Whether each name is a company's: names identify companies only, never persons."""
    if always:
        return pa.repeat(pa.scalar(True), n)
    if name is None:
        return pa.repeat(pa.scalar(False), n)
    return pc.fill_null(pc.match_substring_regex(name, _COMPANY), False)


def unusable_phones(count: int) -> Words:
    """The sentence about phone numbers that name nobody."""
    return Words(
        f"有 {count} 行的电话不能用来认人（打了星号、虚拟号、随手填的号或位数不对），没有当作顾客的号码。",
        f"The phone numbers of {count} rows name nobody (masked, virtual, made up or too short) and were "
        f"not used.",
    )


# ── rows that come back ──


class _Refusals:
    """Collects which rows are refused and why; the first reason given for a row counts."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.reasons: list[tuple[Any, str, Any, Words, Words]] = []

    def add(self, mask: Any, column: str, cells: Any, reason: Words, hint: Words) -> None:
        indexes = np.flatnonzero(_mask(mask))
        if len(indexes):
            self.reasons.append((indexes, column, cells, reason, hint))

    def settle(self, skipped: Any | None, totals: set[int]) -> tuple[list[Problem], Any, Any]:
        """Problems, the rows they stand for, and the rows that are no data: totals, repeated headers, blank
        lines."""
        found: dict[int, Problem] = {}
        no_data = set(totals)
        for indexes, column, cells, reason, hint in self.reasons:
            fresh = [int(i) for i in indexes if int(i) not in found and int(i) not in no_data]
            if not fresh:
                continue
            for i in self._no_data(fresh):
                no_data.add(i)
            fresh = [i for i in fresh if i not in no_data and not (skipped is not None and skipped[i])]
            values = cells.take(pa.array(fresh, pa.int64())).to_pylist()
            rows = self.sheet.rows.take(pa.array(fresh, pa.int64())).to_pylist()
            for i, value, row in zip(fresh, values, rows, strict=True):
                found[i] = Problem(row, column, value or "", reason, hint.fill(column=column))
        order = sorted(found)
        return (
            [found[i] for i in order],
            np.array(order, dtype=np.int64),
            np.array(sorted(no_data), dtype=np.int64),
        )

    def _no_data(self, indexes: list[int]) -> list[int]:
        return no_data_rows(self.sheet, indexes)


def _whole_receipts(
    sales: pa.Table, sheet: Sheet, header: str, refused: list[Problem], index: Any, away: Any
) -> tuple[list[Problem], Any]:
    """A receipt of which one line cannot be read comes back whole: half of it would count as the whole, and the other
    half, imported once it is corrected, as an amendment. `away`: rows that are no sales and no data."""
    numbers = sales["receipt"].combine_chunks()
    spoiled = _spoiled_numbers(sheet, header)
    sought = pc.unique(pa.concat_arrays([numbers.take(pa.array(index)), spoiled])).drop_null()
    if not len(sought):
        return refused, index
    rows = np.flatnonzero(_mask(pc.is_in(numbers, value_set=sought)) & ~away)
    table = sales.take(pa.array(rows))
    is_bad = np.isin(rows, index)
    days, mine = table["day"].to_pylist(), table["receipt"].to_pylist()
    days_of: dict[str, set[Any]] = {}
    for number, day in zip(mine, days, strict=True):
        if day is not None:
            days_of.setdefault(number, set()).add(day)
    # A line without a readable day belongs to its number's receipt where that stands on one day only.
    only = {number: next(iter(found)) for number, found in days_of.items() if len(found) == 1}
    days = [only.get(number) if day is None else day for number, day in zip(mine, days, strict=True)]
    place = SALES.get_field_index("day")
    group = _groups(table.set_column(place, SALES.field("day"), pa.array(days, pa.date32())))
    also = np.zeros(len(rows), dtype=bool)
    if group is not None:
        also = np.isin(group[1], group[1][is_bad])
    cut = set(spoiled.to_pylist()) & only.keys()
    also |= np.array([number in cut for number in mine], dtype=bool)
    fresh = np.flatnonzero(also & ~is_bad)
    if not len(fresh):
        return refused, index
    place_of = sheet.rows.take(pa.array(rows[fresh])).to_pylist()
    more = [
        Problem(row, header, mine[i], OTHER_LINE, OTHER_LINE_HINT)
        for i, row in zip(fresh.tolist(), place_of, strict=True)
    ]
    both = np.concatenate([index, rows[fresh]])
    order = np.argsort(both, kind="stable")
    return [[*refused, *more][i] for i in order.tolist()], both[order]


def _spoiled_numbers(sheet: Sheet, header: str) -> Any:
    """The receipt numbers of lines that do not fit under the headers, as far as they stand in their place."""
    if header not in sheet.headers:
        return pa.array([], pa.string())
    at = sheet.headers.index(header)
    return ids.ids(clean(pa.array([row[at] for _, row in sheet.spoiled], pa.string())))


def no_data_rows(sheet: Sheet, indexes: list[int]) -> list[int]:
    """Which of these lines of a sheet are no data: blank, totals, footers, headers repeated on the next
    page."""
    part = sheet.table.take(pa.array(indexes, pa.int64()))
    heads = {plain(header) for header in sheet.headers}
    empty = np.ones(len(indexes), dtype=bool)
    headed = np.zeros(len(indexes), dtype=int)
    totals = np.zeros(len(indexes), dtype=bool)
    footer = np.zeros(len(indexes), dtype=bool)
    texts = np.zeros(len(indexes), dtype=int)
    for header in sheet.headers:
        for i, cell in enumerate(part[header].to_pylist()):
            text = clean_cell(cell) if cell else None
            if text is None:
                continue
            texts[i] += 1
            if texts[i] <= 3 and total(text):
                totals[i] = True
            footer[i] |= _FOOTER.search(text) is not None
            empty[i] = False
            if plain(text) == plain(header) and plain(text) in heads:
                headed[i] += 1
    gone = empty | totals | (headed >= 2) | (footer & (texts == 1))
    return [index for index, is_gone in zip(indexes, gone, strict=True) if is_gone]


def refused_table(sheet: Sheet, indexes: Any) -> pa.Table | None:
    """The original cells of refused rows, in the order of their problems: file, sheet, row, then the
    columns."""
    parts = []
    if sheet.spoiled:
        width = len(sheet.headers)
        cells = [[*row[: width - 1], ",".join(row[width - 1 :])] for _, row in sheet.spoiled]
        part = pa.table({h: [row[i] for row in cells] for i, h in enumerate(sheet.headers)})
        parts.append((part, pa.array([problem.row for problem, _ in sheet.spoiled], pa.int32())))
    if len(indexes):
        take = pa.array(indexes, pa.int64())
        parts.append((sheet.table.take(take), sheet.rows.take(take)))
    if not parts:
        return None
    tables = []
    for part, rows in parts:
        m = part.num_rows
        front = {
            "file": pa.array([sheet.file] * m, pa.string()),
            "sheet": pa.array([sheet.name] * m, pa.string()),
        }
        secret = {h for h in part.column_names if plain(h) in _SECRET}
        body = {f"raw:{h}": part[h] for h in part.column_names if h not in secret}
        tables.append(pa.table({**front, "row": rows, **body}))
    return pa.concat_tables(tables, promote_options="default")


_SECRET = {plain(name) for name in SECRET}


# ── what else the file says ──


def kept_columns(columns: Columns, guess: Guess, skip: frozenset[str]) -> pa.Table | None:
    """Columns that are kept for later stages, as clean text; None if the file has none. Passwords are never
    read."""
    result: dict[str, Any] = {}
    for name in KEPT_FIELDS:
        if name in columns and name not in skip:
            result[name] = columns.get(name)
    known = set(guess.mapping)
    for header in columns.sheet.headers:
        if header not in known and plain(header) not in _SECRET:
            result[f"raw:{header}"] = clean(columns.sheet.table[header])
    for name in ("status", "payment_status", "discount", "gross", "trade_no"):
        if name in columns and name in columns.header_of:
            result[f"raw:{columns.header_of[name]}"] = columns.get(name)
    if "phone" in columns and (masked := phones.masked(columns.get("phone"))) is not None:
        result["masked_phone"] = masked
    result = {name: column for name, column in result.items() if column.null_count < len(column)}
    return pa.table(result) if result else None


def told_birthdays(
    extras: pa.Table | None, columns: Columns, options: Options
) -> tuple[pa.Table | None, list[Words]]:
    """The kept columns with birthdays like 06/05/1990 written so that they mean one thing: by what the owner has said,
    else by what another of the column decides. What cannot be read stays as it is and is said."""
    said: list[Words] = []
    for name in ("birthday", "lunar_birthday"):
        if extras is None or name not in extras.column_names:
            continue
        column = extras[name]
        texts = pc.unique(column).drop_null().to_pylist()
        order = options.dates if options.dates in ("dmy", "mdy") else order_of_birthdays(texts)
        told = {text: told_apart(text, order, lunar=name == "lunar_birthday") for text in texts}
        unread = [text for text, found in told.items() if found is None]
        if unread:
            n = int(pc.sum(pc.is_in(column, value_set=pa.array(unread))).as_py())
            header = columns.header_of.get(name, name)
            said.append(UNREAD_BIRTHDAYS.fill(column=header, n=n, value=unread[0]))
        if any(found != text for text, found in told.items()):
            place = extras.schema.get_field_index(name)
            written = pa.array([told[text] or text for text in texts], pa.string())
            extras = extras.set_column(
                place, name, written.take(pc.index_in(column, value_set=pa.array(texts, pa.string())))
            )
    return extras, said


def _lines(columns: Columns, n: int) -> pa.Table | None:
    """The items of every row; None if the file names no items."""
    item = columns.get("item")
    if item is None:
        return None
    quantity = columns.get("quantity")
    if "line_amount" in columns:
        amount = columns.fens("line_amount")
    elif "price" in columns and quantity is not None:
        amount = money.times(money.thousandths(quantity), columns.fens("price"))
    elif "amount" in columns or "gross" in columns:
        amount = columns.fens("amount" if "amount" in columns else "gross")
    else:
        amount = pa.nulls(n, pa.int64())
    return pa.table(
        [
            pa.array(np.arange(n, dtype=np.int32)),
            _flat(item),
            _flat(_or_null(columns.get("category"), n)),
            _flat(money.thousandths(quantity) if quantity is not None else pa.nulls(n, pa.int64())),
            _flat(amount),
        ],
        schema=LINES,
    )


# ── several lines, one receipt ──


def _join(
    sales: pa.Table, lines: pa.Table | None, extras: pa.Table | None, columns: Columns, reader: Reader
) -> tuple[pa.Table, pa.Table | None, pa.Table | None, Any | None, list[Words]]:
    """Receipts that stand in several lines become one sale: amounts summed, the first value of everything
    else.

    A receipt is the same number in the same store on the same day, and of one customer: tills that count from 1
    every day are told apart by the day, two tills beside each other by who stood there. Refund rows stay apart from
    what they repay.
    """
    n = sales.num_rows
    warnings: list[Words] = []
    group = _groups(sales) if n else None
    if group is None:
        if lines is not None:
            lines = _numbered(lines, np.arange(n, dtype=np.int32))
        return sales, _without_nothing(lines), _indexed(extras, n), None, warnings
    first, inverse = group
    names = sales.column_names
    joined = {name: sales[name].take(first) for name in names}
    for name in (
        "member",
        "card",
        "phone",
        "openid",
        "name",
        "store",
        "staff",
        "party_size",
        "occasion",
        "at",
    ):
        column = sales[name]
        if 0 < column.null_count < n and joined[name].null_count:
            valid = np.flatnonzero(pc.is_valid(column).to_numpy())
            source = np.full(len(first), -1, dtype=np.int64)
            source[inverse[valid[::-1]]] = valid[::-1]
            joined[name] = column.take(pa.array(source, mask=source < 0))
            if name == "name":
                joined["company"] = pc.fill_null(
                    sales["company"].take(pa.array(source, mask=source < 0)), False
                )
    amounts = sales["amount"]
    if amounts.null_count < n:
        values = pc.fill_null(amounts, 0).to_numpy()
        once = reader.lines_of == "once"
        if reader.lines_of is None:
            once = _repeated(
                values,
                inverse,
                len(first),
                columns.header_of.get("amount", columns.header_of.get("gross", "")),
                lines["amount"]
                if lines is not None and {"price", "quantity"} <= columns.header_of.keys()
                else None,
            )
            if once:
                warnings.append(
                    Words(
                        "同一订单的每一行都写着相同的总额，每单只算一次。",
                        "Every line of an order repeats the order's total; it was counted once per order.",
                    )
                )
        total_fen = np.zeros(len(first), dtype=np.int64)
        np.add.at(total_fen, inverse, values)
        if once:
            head = values[first.to_numpy()]
            differs = np.zeros(len(first), dtype=bool)
            differs[inverse[values != head[inverse]]] = True
            total_fen = np.where(differs, total_fen, head)
        joined["amount"] = pa.array(total_fen)
        negative = pa.array(total_fen < 0)
        kind = joined["kind"]
        kind = pc.if_else(pc.and_(negative, pc.equal(kind, "sale")), "refund", kind)
        joined["kind"] = pc.if_else(pc.and_(pa.array(total_fen > 0), pc.equal(kind, "refund")), "sale", kind)
    if lines is not None:
        lines = _numbered(lines, inverse.astype(np.int32))
    if extras is not None:
        extras = extras.take(first)
    table = pa.table([_flat(joined[name]) for name in names], schema=SALES)
    return table, _without_nothing(lines), _indexed(extras, table.num_rows), first, warnings


def _groups(sales: pa.Table) -> tuple[Any, Any] | None:
    """(first row of each receipt, receipt of each row); None if every row is a receipt of its own."""
    receipt = sales["receipt"].combine_chunks()
    n = len(receipt)
    if receipt.null_count == n:
        return None
    if not receipt.null_count and n > 1:
        ahead, behind = receipt.slice(1), receipt.slice(0, n - 1)
        if pc.all(pc.greater(ahead, behind)).as_py() or pc.all(pc.less(ahead, behind)).as_py():
            return None
    encoded = receipt.dictionary_encode()
    distinct = len(encoded.dictionary)
    if distinct == n - receipt.null_count:
        return None
    code = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)
    alone = np.flatnonzero(code < 0)
    code[alone] = distinct + np.arange(len(alone))
    key = code
    for name in ("day", "store"):
        column = sales[name].combine_chunks()
        if column.null_count == n:
            continue
        part = column.dictionary_encode()
        key = key * (len(part.dictionary) + 1) + (
            pc.fill_null(part.indices, -1).to_numpy().astype(np.int64) + 1
        )
    back = pc.and_(pc.equal(sales["kind"], "refund"), pc.is_valid(sales["refund_of"]))
    key = key * 2 + back.to_numpy().astype(np.int64)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    apart = _apart(sales, first, inverse)
    if apart is not None:
        _, first, inverse = np.unique(apart, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    if len(first) == n:
        return None
    return pa.array(first[order]), rank[inverse]


def _apart(sales: pa.Table, first: Any, group: Any) -> Any | None:
    """Receipts that only share a number, told apart by their customers: a new number for each row, or None when every
    receipt is one customer's. A line that names nobody belongs to the customer named last before it, else after it."""
    n = len(group)
    codes: list[Any] = []
    for name in ("member", "card", "phone", "openid", "name"):
        column = sales[name].combine_chunks()
        if name == "name":  # a name tells companies apart, never persons
            column = pc.if_else(sales["company"].combine_chunks(), column, pa.scalar(None, pa.string()))
        if column.null_count < n:
            code = pc.fill_null(column.dictionary_encode().indices, -1)
            codes.append(code.to_numpy(zero_copy_only=False).astype(np.int64))
    if not any((code != code[first][group]).any() for code in codes):
        return None
    named = np.zeros(n, dtype=bool)
    for code in codes:
        named |= code >= 0
    crossed = np.zeros(int(group.max()) + 1, dtype=bool)
    for code in codes:
        said = code >= 0
        low, high = np.full(len(crossed), n, dtype=np.int64), np.full(len(crossed), -1, dtype=np.int64)
        np.minimum.at(low, group[said], code[said])
        np.maximum.at(high, group[said], code[said])
        # One line with a phone only and one with a member number only may be two customers as well.
        other = np.zeros(len(crossed), dtype=bool)
        other[group[named & ~said]] = True
        crossed |= (low < high) | (other & (high >= 0))
    rows = np.flatnonzero(crossed[group])
    if not codes or not len(rows):
        return None
    who = np.stack([code[rows] for code in codes], axis=1)
    order = np.argsort(group[rows], kind="stable")
    customer = np.zeros(n, dtype=np.int64)
    most = 0
    for start, end in _runs(group[rows][order]):
        mine = order[start:end]
        customer[rows[mine]] = found = _customers(who[mine])
        most = max(most, int(found.max()))
    return None if not most else group.astype(np.int64) * (most + 1) + customer


def _runs(values: Any) -> list[tuple[int, int]]:
    """From where to where each value of a sorted array stands."""
    edges = np.flatnonzero(np.diff(values)) + 1
    starts = [0, *edges.tolist()]
    return list(zip(starts, [*starts[1:], len(values)], strict=True))


def _customers(rows: Any) -> Any:
    """Which customer each line of one receipt number is, from 0: lines whose strongest common identity is the same
    are one customer's. `rows`: the identities of each line, strongest first, -1 where there is none.

    >>> _customers(np.array([[7, -1], [-1, -1], [8, -1]])).tolist()
    [0, 0, 1]
    >>> _customers(np.array([[-1, -1], [7, 3], [-1, 3]])).tolist()
    [0, 0, 0]
    """
    known: list[list[int]] = []
    found: list[int] = []
    for row in rows.tolist():
        if max(row) < 0:
            found.append(found[-1] if found else -1)
            continue
        for place, other in enumerate(known):
            common = next(((a, b) for a, b in zip(row, other, strict=True) if a >= 0 and b >= 0), None)
            if common is not None and common[0] == common[1]:
                known[place] = [max(a, b) for a, b in zip(row, other, strict=True)]
                break
        else:
            place = len(known)
            known.append(row)
        found.append(place)
    return np.maximum(np.array(found, dtype=np.int64), 0)


def _repeated(values: Any, inverse: Any, receipts_: int, header: str, priced: Any | None) -> bool:
    """Whether each line repeats its order's total: all lines of all orders say the same, under an order's header.

    `priced`: price times quantity of each line, where the file has both; it tells a repeated total from lines that
    cost the same.
    """
    if not _ORDER_LEVEL.search(plain(header)):
        return False
    low = np.full(receipts_, np.iinfo(np.int64).max)
    high = np.full(receipts_, np.iinfo(np.int64).min)
    np.minimum.at(low, inverse, values)
    np.maximum.at(high, inverse, values)
    several = np.bincount(inverse, minlength=receipts_) > 1
    if not several.any() or (low[several] != high[several]).any() or not (high[several] != 0).any():
        return False
    if priced is not None and not priced.null_count:
        own = priced.to_numpy()
        sums = np.zeros(receipts_, dtype=np.int64)
        np.add.at(sums, inverse, own)
        of_several = several[inverse]
        if (own[of_several] == values[of_several]).all():
            return False
        if (sums[several] == high[several]).all():
            return True
    return bool(_ORDERS_OWN.search(plain(header)) or several.sum() >= _ENOUGH_ORDERS)


def _link_refunds(sales: pa.Table) -> pa.Table:
    """A refund under the number of a sale in the same file belongs to that sale."""
    back = pc.and_(pc.equal(sales["kind"], "refund"), pc.is_null(sales["refund_of"]))
    if not any_true(back) or sales["receipt"].null_count == sales.num_rows:
        return sales
    sold = sales["receipt"].filter(pc.equal(sales["kind"], "sale"))
    known = pc.and_(
        back, pc.and_(pc.is_valid(sales["receipt"]), pc.is_in(sales["receipt"], value_set=pc.unique(sold)))
    )
    if not any_true(known):
        return sales
    linked = pc.if_else(known, sales["receipt"], sales["refund_of"])
    return sales.set_column(SALES.get_field_index("refund_of"), SALES.field("refund_of"), linked)


def _numbered(lines: pa.Table, sale: Any) -> pa.Table:
    return lines.set_column(0, LINES.field("sale"), pa.array(sale, pa.int32()))


def _without_nothing(lines: pa.Table | None) -> pa.Table | None:
    return (
        lines.filter(pc.is_valid(lines["item"])) if lines is not None and lines["item"].null_count else lines
    )


def _indexed(extras: pa.Table | None, n: int) -> pa.Table | None:
    return None if extras is None else extras.add_column(0, "index", pa.array(np.arange(n, dtype=np.int32)))


def _or_null(column: Any | None, n: int) -> Any:
    return pa.nulls(n, pa.string()) if column is None else column


def _flat(column: Any) -> Any:
    return (
        column.combine_chunks() if isinstance(column, pa.ChunkedArray) and column.num_chunks == 1 else column
    )


def _not_in(n: int, indexes: Any) -> Any:
    mask = np.ones(n, dtype=bool)
    mask[indexes] = False
    return mask


# ── lines whose receipts stand elsewhere ──


@dataclass(frozen=True)
class LinesAlone:
    """Items with the number of the receipt they belong to; `sale` is still to be found."""

    receipt: Any
    lines: pa.Table
    data_rows: int


def lines_alone(sheet: Sheet, guess: Guess, reader: Reader) -> LinesAlone:
    """The items of a sheet that has receipt numbers and items but no sales of its own."""
    columns = Columns(sheet, guess, reader)
    n = sheet.table.num_rows
    receipt = columns.get("receipt")
    receipt = pa.nulls(n, pa.string()) if receipt is None else ids.ids(receipt)
    lines = _lines(columns, n)
    table = lines if lines is not None else LINES.empty_table()
    doubtful = np.flatnonzero(_mask(pc.is_null(receipt)))
    suspects = {int(i) for i in doubtful} | {int(i) for i in np.flatnonzero(rows_where(receipt, total))}
    gone = no_data_rows(sheet, sorted(suspects)) if suspects else []
    if gone:
        mask = pa.array(_not_in(n, gone))
        receipt, table = receipt.filter(mask), table.filter(mask)
    return LinesAlone(receipt, table, n - len(gone) + len(sheet.spoiled))
