"""The audit trail as a chain: each line is bound to the one before, so that none can be changed, taken out or moved.

A line gets its place and its link in a second short step, after the transaction that wrote it: a long import makes
nobody wait for the chain, and the order is that of being linked. The link is an HMAC-SHA256, by a key that is not in the
database and that no rotation changes, over the link before and the plain content of the line. Where the chain ends is
also kept outside the database (`trail` in the folder, and in each backup), so that cutting the end off is noticed.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from regulars.shop import bulk
from regulars.shop.home import Home
from regulars.shop.keys import WrongKey, keys
from regulars.shop.lasting import AUDIT, lasting
from regulars.shop.models import AuditEvent, Business
from regulars.shop.words import Words

FIRST = bytes(32)
"""What the first line is bound to."""

AT_ONCE = 5_000

TABLE = AuditEvent._meta.db_table
COLUMNS = "id, at, actor_id, actor_name, verb, subject, why, detail, place, link"

CHANGED = Words("内容被改过", "its content was changed")
MISSING = Words("前面少了 {n} 行", "{n} lines before it are missing")
TWICE = Words("位置不对", "it is out of place")
CUT_OFF = Words(
    "最后少了 {n} 行：店里记着共有 {a} 行，现在只有 {b} 行",
    "{n} lines at the end are missing: there were {a}, there are {b}",
)
OTHER_END = Words(
    "和店里另外记下的那一行不一样", "it is not the line that was noted down outside the database"
)
NO_HEAD = Words(
    "文件夹里记着末行的「trail」不见了，末尾有没有少看不出来。知道原因的话：regulars audit verify --new-head",
    "The file “trail” that notes the last line is missing, so a cut end would not show. If you know why: "
    "regulars audit verify --new-head",
)
FALSE_HEAD = Words(
    "文件夹里的「trail」不是这家店写的。知道原因的话：regulars audit verify --new-head",
    "The file “trail” was not written by this shop. If you know why: regulars audit verify --new-head",
)


@dataclass(frozen=True)
class Head:
    """Where the chain ends: how many lines, and the link of the last."""

    lines: int
    link: bytes

    def text(self) -> str:
        mac = hmac.digest(lasting(AUDIT), self._said(), "sha256")
        return json.dumps({"lines": self.lines, "link": self.link.hex(), "proof": mac.hex()})

    def _said(self) -> bytes:
        return b"head\0" + str(self.lines).encode() + b"\0" + self.link

    @classmethod
    def read(cls, text: str) -> Head | None:
        """A head as it was written; None where it is not one of this shop."""
        try:
            said = json.loads(text)
            head = cls(int(said["lines"]), bytes.fromhex(said["link"]))
            mac = bytes.fromhex(said["proof"])
        except (ValueError, KeyError, TypeError):
            return None
        return head if hmac.compare_digest(mac, hmac.digest(lasting(AUDIT), head._said(), "sha256")) else None


def head_file() -> Path:
    return Home.find().folder / "trail"


def last_line() -> Head:
    """Where the chain ends in the store."""
    found = bulk.rows(f"SELECT place, link FROM {TABLE} WHERE place IS NOT NULL ORDER BY place DESC LIMIT 1")
    return Head(int(found[0][0]), bytes(found[0][1])) if found else Head(0, FIRST)


def note_head(head: Head) -> None:
    """Keep outside the store where the chain ends. Never goes back (two processes may note at once), and does not go on
    from an end that is no longer there: what was cut off must not be covered by the lines that come after."""
    if head_file().exists():
        noted = _noted()
        if noted is None or noted.lines >= head.lines:
            return
        there = bulk.rows(f"SELECT link FROM {TABLE} WHERE place = %s", [noted.lines])
        if noted.lines and (not there or bytes(there[0][0]) != noted.link):
            return
    _put_head(head)


def _put_head(head: Head) -> None:
    path = head_file()
    part = path.with_name("trail.part")
    part.write_text(head.text(), "ascii")
    part.chmod(0o600)
    part.replace(path)


# --- linking ---------------------------------------------------------------------------------------------------------


def link_pending() -> int:
    """Link all lines that are not linked yet, in the order of their numbers; returns how many. May be called at any
    time, by several at once."""
    linked = 0
    while True:
        with transaction.atomic():
            bulk.alone("audit")
            head = begin = last_line()
            pending = bulk.rows(
                f"SELECT {COLUMNS} FROM {TABLE} WHERE place IS NULL ORDER BY id LIMIT {AT_ONCE}"
            )
            found = []
            for row in pending:
                head = Head(head.lines + 1, link_of(head.link, head.lines + 1, row))
                found.append((head.lines, head.link, row[0]))
            bulk.execute_many(f"UPDATE {TABLE} SET place = %s, link = %s WHERE id = %s", found)
        if (
            begin.lines == 0 or head_file().exists()
        ):  # one that is missing later stays missing until a person asks
            note_head(head)
        linked += len(pending)
        if len(pending) < AT_ONCE:
            return linked


def link_of(before: bytes, place: int, row: tuple[Any, ...]) -> bytes:
    """The link of a line (a row of `COLUMNS`) at its place, after the link before."""
    number, at, actor, actor_name, verb, subject, why, detail = row[:8]
    said = [
        place, number, _instant(at), actor, actor_name, verb, subject,
        keys().unseal(why) if why is not None else "",
        json.loads(detail) if isinstance(detail, str) else detail,
    ]  # fmt: skip
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hmac.digest(lasting(AUDIT), before + text.encode(), "sha256")


def _instant(at: Any) -> str:
    """An instant in one spelling, whichever store it comes from."""
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return str(moment.isoformat(timespec="microseconds"))


# --- proving ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Broken:
    """The first link that does not hold: the line's number and time (none where the end is missing), and why."""

    line: int | None
    at: str | None
    place: int
    why: Words

    def say(self, lang: str) -> str:
        if self.line is None:
            return self.why.say(lang)
        return (
            Words("第 {p} 行（编号 {n}，{at}）：{why}", "Line {p} (number {n}, {at}): {why}")
            .fill(p=self.place, n=self.line, at=self.at or "?", why=self.why)
            .say(lang)
        )


@dataclass(frozen=True)
class Proof:
    lines: int
    broken: Broken | None


def verify(new_head: bool = False) -> Proof:
    """Walk the whole chain. `new_head`: where the chain itself holds, note its end anew."""
    link_pending()
    head, broken = Head(0, FIRST), None
    noted, noted_link = _noted(), None
    for row in _lines():
        number, at, place, link = row[0], row[1], row[8], bytes(row[9])
        broken = _fault(head, row, place, link)
        if broken is not None:
            return Proof(head.lines, Broken(number, _instant_or_text(at), place, broken))
        head = Head(place, link)
        if noted and noted.lines == place:
            noted_link = link
            if noted_link != noted.link and not new_head:
                return Proof(head.lines, Broken(number, _instant_or_text(at), place, OTHER_END))
    if new_head:
        head_file().unlink(missing_ok=True)
        _put_head(head)
        return Proof(head.lines, None)
    if head.lines and not head_file().exists():
        return Proof(head.lines, Broken(None, None, head.lines, NO_HEAD))
    if head_file().exists() and noted is None:
        return Proof(head.lines, Broken(None, None, head.lines, FALSE_HEAD))
    if noted and noted.lines > head.lines:
        said = CUT_OFF.fill(n=noted.lines - head.lines, a=noted.lines, b=head.lines)
        return Proof(head.lines, Broken(None, None, head.lines, said))
    return Proof(head.lines, None)


def lines_of(subject: str | None = None, since: date | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Lines of the trail, newest first: of one record, since the beginning of a day by the shop's clock."""
    business = Business.objects.first()
    zone = ZoneInfo(business.time_zone if business else "Asia/Shanghai")
    found = AuditEvent.objects.order_by("-id")
    if subject:
        found = found.filter(subject=subject)
    if since:
        found = found.filter(at__gte=datetime.combine(since, time.min, zone))
    return [
        {
            "number": e.pk, "at": e.at.astimezone(zone).isoformat(timespec="seconds"), "by": e.actor_name, "verb": e.verb,
            "subject": e.subject, "why": e.why or "", "detail": e.detail,
        }
        for e in found[: max(limit, 0)]
    ]  # fmt: skip


def _noted() -> Head | None:
    return Head.read(head_file().read_text("ascii", "replace")) if head_file().exists() else None


def _fault(head: Head, row: tuple[Any, ...], place: int, link: bytes) -> Words | None:
    """What is wrong with a line after the one before; None where it holds."""
    if place > head.lines + 1:
        return MISSING.fill(n=place - head.lines - 1)
    if place != head.lines + 1:
        return TWICE
    try:
        fits = hmac.compare_digest(link, link_of(head.link, place, row))
    except (WrongKey, ValueError, TypeError):
        fits = False
    return None if fits else CHANGED


def _instant_or_text(at: Any) -> str:
    try:
        return _instant(at)
    except (ValueError, AttributeError):
        return str(at)


def _lines() -> Iterator[tuple[Any, ...]]:
    """All linked lines, by their place."""
    last = -1
    while True:
        rows = bulk.rows(
            f"SELECT {COLUMNS} FROM {TABLE} WHERE place IS NOT NULL AND place > %s ORDER BY place LIMIT {AT_ONCE}",
            [last],
        )
        yield from rows
        if len(rows) < AT_ONCE:
            return
        last = rows[-1][8]
