"""Uploaded files on their way to a batch: kept sealed, recognised, matched by a person, tried, brought in.

An upload is a name that nobody guesses; under it the vault keeps the files (`upload-<id>-<k>`), what is known of them
(`upload-<id>-known`) and how the trial came out (`upload-<id>-trial`, `upload-<id>-refused`). Everything expires.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from regulars import daily
from regulars.jobs import tidy, unpacked
from regulars.sales.actions import refused_table
from regulars.sales.readers.files import UNREADABLE
from regulars.sales.reading import NOTHING_TO_READ, Guess, Sheet, open_file, recognise
from regulars.sales.remembered import headers_said, remembered
from regulars.sales.rules.cells import clean
from regulars.sales.rules.dates import CONTRADICTORY, UNDECIDED, UNDECIDED_YEAR
from regulars.sales.rules.headers import CONTRACT_FIELDS
from regulars.shop import vault
from regulars.shop.models import Staff
from regulars.shop.rules.masks import MASK, without_numbers
from regulars.shop.words import Refused, Words
from regulars.web.gate import LARGEST_UPLOAD

MOST_FILES = 20
HEAVY = 8 * 1024 * 1024
"""Files of this size take more than a moment to read: that is the worker's, with progress."""

ENDINGS = (".csv", ".txt", ".tsv", ".xlsx", ".xls", ".xlsm", ".zip")
SHOWN_PROBLEMS = 50

Step = Callable[[int, int, Words], None]


def quiet(done: int, total: int, step: Words) -> None:
    """No progress shown."""


@dataclass
class Column:
    """One column of a sheet: its header, a few cells, what it was taken for."""

    header: str
    samples: list[str]
    field: str


@dataclass
class Found:
    """One sheet as it was recognised; `kind` is empty where nobody knows it yet."""

    file: str
    name: str
    reader: list[str]
    kind: str
    rows: int
    columns: list[Column]


@dataclass
class Known:
    """What is known of an upload: its files, how they were recognised, what a person has said about them."""

    id: str
    names: list[str]
    size: int
    by: int | None = None
    store: str = ""
    mapping: dict[str, str] = field(
        default_factory=dict
    )  # only what a person said, beyond what was recognised
    dates: str = ""
    encoding: str = ""
    sheets: list[Found] = field(default_factory=list)
    is_recognised: bool = False
    is_saved: bool = False  # the matching comes from an earlier file with the same columns
    ask_dates: str = ""  # a date that could be read two ways
    error: list[str] = field(default_factory=list)  # why it could not be read, in both languages

    @property
    def is_heavy(self) -> bool:
        return self.size > HEAVY

    def options(self) -> dict[str, Any]:
        """How the files are to be read, as `daily` takes it."""
        return {
            "mapping": self.mapping or None, "dates": self.dates or None, "encoding": self.encoding or None,
            "store": self.store or None,
        }  # fmt: skip


def keep(files: Sequence[UploadedFile[Any]], *, store: str = "", by: Staff | None = None) -> str:
    """Seal uploaded files away; returns the upload's name. Raises Refused for what can't be a till's export."""
    if not files:
        raise Refused(Words("还没有选文件", "No file was chosen"))
    if len(files) > MOST_FILES:
        raise Refused(Words("一次最多 {n} 个文件", "At most {n} files at a time").fill(n=MOST_FILES))
    total = sum(f.size or 0 for f in files)
    if total > LARGEST_UPLOAD:
        raise Refused(
            Words(
                "文件太大了，一次最多 300 MB；按月分开导出就行",
                "The files are too large: at most 300 MB; export by month",
            )
        )
    names = []
    for file in files:
        name = safe_name(file.name or "file")
        if not name.lower().endswith(ENDINGS):
            raise Refused(
                Words(
                    "「{f}」不是表格。请用 CSV 或 Excel 文件",
                    "“{f}” is not a table. Please use a CSV or Excel file",
                ).fill(f=name)
            )
        while name in names:
            stem, dot, ending = name.rpartition(".")
            name = f"{stem}-2{dot}{ending}"
        names.append(name)
    upload = secrets.token_hex(8)
    for k, file in enumerate(files):
        vault.put_bytes(f"upload-{upload}-{k}", b"".join(file.chunks()))
    remember(Known(upload, names, total, by=by.pk if by else None, store=store))
    return upload


def safe_name(name: str) -> str:
    """A file's own name without folders, without what a file system stumbles over, and without anybody's number.

    >>> safe_name("../../etc/订单 1.csv"), safe_name("a\\x00b.csv"), safe_name("CON?.xlsx")
    ('订单 1.csv', 'ab.csv', 'CON.xlsx')
    """
    name = re.split(r"[/\\]", name)[-1]
    name = re.sub(r'[\x00-\x1f<>:"|?*]', "", name).strip(" .")[-120:] or "file"
    return without_numbers(name).replace(MASK, "_")


def remember(known: Known) -> None:
    vault.put_bytes(f"upload-{known.id}-known", json.dumps(asdict(known), ensure_ascii=False).encode())


def known_of(upload: str) -> Known | None:
    """What is known of an upload; None when it has expired or never was."""
    if not re.fullmatch(r"[0-9a-f]{16}", upload):
        return None
    data = vault.get_bytes(f"upload-{upload}-known")
    if data is None:
        return None
    said = json.loads(data)
    sheets = [Found(**{**s, "columns": [Column(**c) for c in s["columns"]]}) for s in said.pop("sheets")]
    return Known(**said, sheets=sheets)


# --- recognising -----------------------------------------------------------------------------------------------------


def look(known: Known, step: Step = quiet) -> Known:
    """Open the files and say what each column is taken for; a matching of the same columns is used again."""
    step(0, 0, Words("打开文件", "Opening the files"))
    try:
        paths = unpacked(known.id, known.names)
        names = [*known.mapping, *headers_said()]
        sheets = [sheet for path in paths for sheet in open_file(path, known.encoding or None, names)]
        if not sheets or not any(sheet.table.num_rows for sheet in sheets):
            raise Refused(Words("文件里没有数据行", "The files hold no rows"))
    except Refused as refused:
        words, _ = on_the_page(refused.words)
        known.error, known.sheets = list(words), []
        remember(known)
        raise Refused(words) from refused
    finally:
        tidy(known.id)
    known.error = []
    step(0, 0, Words("认列名", "Recognising the columns"))
    saved = remembered(sheets)
    if saved and not known.is_recognised:
        known.mapping, known.dates = saved.mapping, known.dates or saved.dates
        known.is_saved = True
    own = {_place(g.sheet): g for g in recognise(sheets)}
    said = {_place(g.sheet): g for g in recognise(sheets, known.mapping)} if known.mapping else own
    known.sheets = [
        _found(sheet, said.get(_place(sheet)) or own.get(_place(sheet)), known.mapping)
        for sheet in sheets
        if sheet.headers
    ]
    known.is_recognised = True
    remember(known)
    return known


def _place(sheet: Sheet) -> tuple[str, str]:
    return sheet.file, sheet.name


def _found(sheet: Sheet, guess: Guess | None, mapping: dict[str, str]) -> Found:
    columns = []
    for header in sheet.headers:
        taken = mapping.get(header) or (guess.mapping.get(header, "ignore") if guess else "ignore")
        cells = clean(sheet.table[header].slice(0, 200)).drop_null().unique().to_pylist()[:3]
        columns.append(Column(header, [str(c)[:40] for c in cells], taken))
    reader = guess.name if guess else Words("还认不出来", "not recognised yet")
    return Found(
        sheet.file, sheet.name, list(reader), guess.kind if guess else "", sheet.table.num_rows, columns
    )


def say(known: Known, said: dict[tuple[int, int], str], dates: str, encoding: str) -> Known:
    """Take up what a person says about the columns. Only what differs from what was recognised is kept."""
    for (s, c), chosen in said.items():
        if s < len(known.sheets) and c < len(known.sheets[s].columns):
            column = known.sheets[s].columns[c]
            if chosen != column.field and chosen in CONTRACT_FIELDS:
                known.mapping[column.header] = chosen
    known.dates = dates if dates in ("dmy", "mdy", "ymd") else ""
    if encoding != known.encoding:
        known.encoding = encoding
    known.ask_dates = ""
    return look(known)


# --- trying ----------------------------------------------------------------------------------------------------------

NAME_COLUMNS = Words(
    "「{file}」里还看不出消费记录或顾客名单。请在下面说明每一列是什么：消费记录至少要有日期和金额，顾客名单至少要有会员号或手机号。",
    "Neither sales nor customers can be seen in “{file}” yet. Please say below what each column is: sales need at least "
    "a date and an amount, customers a member number or a phone.",
)
WHICH_DAY = Words(
    "日期「{value}」看不出哪个是日、哪个是月，请在下面选。",
    "The date “{value}” does not show which part is the day and which the month; please choose below.",
)
WHICH_YEAR = Words(
    "日期「{value}」看不出哪个是年、哪个是日，请在下面选。",
    "The date “{value}” does not show which part is the year and which the day; please choose below.",
)
WHICH_DAYS = Words(
    "同一列里既有「{one}」又有「{other}」，日和月的顺序不一致。请在下面选以哪个为准，另一种写法的行会退回给您。",
    "One column holds both “{one}” and “{other}”: day and month change places. Please choose below which is meant; the "
    "other rows come back to you.",
)
OTHER_ENCODING = Words(
    "「{file}」里的文字读不出来。请在收银系统里重新导出，或用 Excel 另存为「CSV UTF-8」，再上传一次。",
    "The text of “{file}” can't be read. Export it again from the till, or save it as “CSV UTF-8” in Excel, and upload "
    "it again.",
)
ON_THE_PAGE = (
    (NOTHING_TO_READ, NAME_COLUMNS), (UNDECIDED, WHICH_DAY), (UNDECIDED_YEAR, WHICH_YEAR), (CONTRADICTORY, WHICH_DAYS), (UNREADABLE, OTHER_ENCODING),
)  # fmt: skip
"""Refusals that name an option of the command, and what they say to somebody who has a page before her."""


def on_the_page(words: Words) -> tuple[Words, str]:
    """A refusal as the page says it, and the date that leaves open which part is the day (empty: that is not asked)."""
    for told, said in ON_THE_PAGE:
        form = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.*)", re.escape(told.zh))
        if found := re.fullmatch(form, words.zh, re.DOTALL):
            values = found.groupdict()
            return said.fill(**values), values.get("value") or values.get("one") or ""
    return words, ""


def may_begin_with_the_year(date: str) -> bool:
    """Whether the first part of a date could be the year.

    >>> may_begin_with_the_year("03/04/26 12:00"), may_begin_with_the_year("03/04/2026")
    (True, False)
    """
    return re.match(r"\d{1,2}\D\d{1,2}\D\d{2}(?!\d)", date) is not None


def try_out(known: Known, step: Step = quiet) -> dict[str, Any]:
    """Say what bringing the upload in would do, and keep the answer for its page. Raises Refused when it can't serve;
    where day and month can't be told apart the upload remembers to ask."""
    step(0, 0, Words("试读", "Trying it"))
    try:
        trial = daily.try_out(unpacked(known.id, known.names), **known.options())
    except Refused as refused:
        words, known.ask_dates = on_the_page(refused.words)
        known.error = list(words)
        remember(known)
        raise Refused(words) from refused
    finally:
        tidy(known.id)
    reading = trial.reading
    result = {
        "rows": reading.rows, "new": trial.new, "known": trial.known, "customers": trial.customers,
        "sales": reading.sales.num_rows, "people": reading.people.num_rows, "refused_total": len(reading.refused),
        "refused": [[p.row, p.column, p.value, list(p.reason), list(p.hint)] for p in reading.refused[:SHOWN_PROBLEMS]],
        "warnings": [list(w) for w in trial.warnings if w != reading.useful_for],
        "useful_for": list(reading.useful_for) if reading.useful_for else None,
        "repeat_of": trial.repeat_of.pk if trial.repeat_of else None,
        "sample": _sample(reading.sales.slice(0, 5).to_pylist()),
    }  # fmt: skip
    if reading.refused:
        vault.put_table(f"upload-{known.id}-refused", refused_table(reading))
    vault.put_bytes(f"upload-{known.id}-trial", json.dumps(result, ensure_ascii=False, default=str).encode())
    return result


def _sample(sales: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first sales as they were understood; whose they are only by the end of the number."""
    shown = []
    for sale in sales:
        who = next((str(sale[k]) for k in ("member", "card", "phone", "openid") if sale.get(k)), "")
        if sale.get("phone") and who == str(sale["phone"]):
            who = f"****{who[-4:]}"
        shown.append({
            "day": sale["day"], "who": who or (str(sale["name"]) if sale.get("company") and sale.get("name") else ""),
            "amount": sale["amount"], "kind": sale["kind"], "store": sale["store"], "receipt": sale["receipt"],
        })  # fmt: skip
    return shown


def trial_of(known: Known) -> dict[str, Any] | None:
    data = vault.get_bytes(f"upload-{known.id}-trial")
    return json.loads(data) if data is not None else None


def forget_trial(known: Known) -> None:
    for part in ("trial", "refused"):
        vault.forget(f"upload-{known.id}-{part}")
