"""Customers as a file that leaves the house: why, by whom, how many; the file says so itself and can be read in again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, Sum

from regulars.customers.models import Customer
from regulars.customers.queries import Away, called, listed, mask, numbers_given, reached_by
from regulars.customers.sight import within
from regulars.shop import bulk
from regulars.shop.calendar import Birthday
from regulars.shop.models import Staff, TakenOut, audit
from regulars.shop.readings import warn
from regulars.shop.spreadsheets import spreadsheet
from regulars.shop.words import Refused, Words

COLUMNS: tuple[tuple[str, Words], ...] = (
    ("number", Words("会员号", "member_no")), ("name", Words("姓名", "name")), ("phone", Words("手机号", "phone")),
    ("birthday", Words("生日", "birthday")), ("first", Words("首次消费日期", "first_visit_on")), ("last", Words("最近消费日期", "last_visit_on")),
    ("visits", Words("最近一年来过几次", "visits_in_12_months")), ("spend", Words("最近一年消费", "spend_in_12_months")),
    ("address", Words("地址", "address")),
)  # fmt: skip
"""What a file of customers holds, under headers that the import of customer lists knows."""

LEAST_WHY = 4
"""Characters of a reason that says anything."""

AT_ONCE = 500


@dataclass(frozen=True)
class Export:
    """Which customers, whether with whole numbers, why, as what, and how many rows at most."""

    only: Q | None
    late: Away | None
    numbers: bool
    why: str
    ending: str
    limit: int
    lang: str


def taken_today(staff: Staff, on: date) -> int:
    """Rows that somebody has taken out on a day."""
    return int(TakenOut.objects.filter(staff=staff, on=on).aggregate(n=Sum("rows"))["n"] or 0)


def write_export(wanted: Export, *, by: Staff, on: date, at: datetime, zone: str) -> tuple[str, bytes]:
    """The name of the file and its bytes. Raises Refused without a reason, and where it has more rows than may go.

    The last line and the name of the file say who took it out and when. The line begins with `#`, which an import reads
    past, so that a shop's own file can be brought in again.
    """
    if len(wanted.why.strip()) < LEAST_WHY:
        raise Refused(Words("请写明为什么要导出", "Please say why the list is needed"))
    people = list(_people(wanted, by))
    if len(people) > wanted.limit:
        raise Refused(
            Words(
                "这份名单超过今天还能导出的 {n} 行；缩小范围，或请老板在“设置 → 看护”里调",
                "The list has more than the {n} rows that may still go today; narrow it down, or ask the owner (Settings, Guard)",
            ).fill(n=wanted.limit)
        )
    if not people:
        raise Refused(Words("没有人可导出", "There is nobody to export"))
    rows = list(_rows(people, by, wanted))
    when = at.astimezone(ZoneInfo(zone))
    with transaction.atomic():
        bulk.alone("exports")
        out = TakenOut.objects.create(
            staff=by, on=on, rows=len(rows), with_numbers=wanted.numbers, why=wanted.why.strip()[:200]
        )
        audit(
            "export",
            f"export {out.pk}",
            by=by,
            why=wanted.why.strip()[:200],
            detail={"rows": len(rows), "numbers": wanted.numbers},
        )
        if not by.may("audit"):
            warn(
                "export",
                by,
                on,
                Words("导出了 {n} 位顾客", "took out a list of {n} customers").fill(n=len(rows)),
            )
    mark = Words(
        "# 第 {k} 次导出：{who}，{when}，{n} 行，原因：{why}。内部资料，用完请删。",
        "# Export {k}: {who}, {when}, {n} rows, reason: {why}. Internal; delete after use.",
    ).fill(
        k=out.pk,
        who=by.name,
        when=f"{when:%Y-%m-%d %H:%M}",
        n=len(rows),
        why=" ".join(wanted.why.split())[:120],
    )
    heads = [w.say(wanted.lang) for _, w in COLUMNS]
    content = spreadsheet(heads, [*rows, [mark.say(wanted.lang)]], wanted.ending)
    stem = Words("顾客名单", "customers").say(wanted.lang)
    return f"{stem}-{_in_file_name(by.name)}-{when:%Y%m%d-%H%M}-{out.pk}.{wanted.ending}", content


def _in_file_name(text: str) -> str:
    """What of a name can stand in the name of a file.

    >>> _in_file_name("店长 小李/../x")
    '店长小李x'
    """
    return re.sub(r"[^\w]+", "", text)[:30]


def _people(wanted: Export, viewer: Staff) -> Iterator[Customer]:
    """Those meant, best first, one more than may go at most."""
    reach = within(viewer, "export")
    only = wanted.only if reach is None else reach if wanted.only is None else wanted.only & reach
    after: tuple[int, int] | None = None
    left = wanted.limit + 1
    while left > 0:
        found = listed(only=only, late=wanted.late, viewer=viewer, after=after, limit=min(AT_ONCE, left))
        page = found[: min(AT_ONCE, left)]
        yield from page
        left -= len(page)
        if len(found) <= len(page) or not page:
            return
        after = (page[-1].portrait.spend_in_12_months, page[-1].pk)


def _rows(people: list[Customer], viewer: Staff, wanted: Export) -> Iterator[list[Any]]:
    for chunk in bulk.in_chunks(people, AT_ONCE):
        names, numbers = called(chunk, viewer), numbers_given([c.pk for c in chunk])
        reached = reached_by([c.pk for c in chunk])
        for customer in chunk:
            known, drawn = names[customer.pk], customer.portrait
            by_name = bool(known.name or known.tail)
            phone, address = reached.get(customer.pk, ("", "")) if by_name else ("", "")
            birthday = Birthday.parse(customer.birthday).words().zh if by_name and customer.birthday else ""
            yield [
                numbers.get(customer.pk, "") if by_name else f"#{customer.pk}", known.name if by_name else "",
                phone if wanted.numbers else mask("phone", phone), birthday,
                drawn.first_visit_on.isoformat() if drawn.first_visit_on else "", drawn.last_visit_on.isoformat() if drawn.last_visit_on else "",
                drawn.visits_in_12_months, f"{drawn.spend_in_12_months / 100:.2f}", address if wanted.numbers else "",
            ]  # fmt: skip
