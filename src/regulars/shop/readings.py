"""Who looked at what is masked: a reason for each look, a limit for a day, a word to the owner when it is unusual."""

from __future__ import annotations

from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from django.db import OperationalError, connection, transaction
from django.db.models import Avg, F
from django.utils import timezone

from regulars.shop import bulk
from regulars.shop.models import Alert, Business, Reading, Staff, Use, audit
from regulars.shop.rules.unusual import at_night, many_revealed, many_uses
from regulars.shop.words import Refused, Words

REASONS: dict[str, Words] = {
    "call": Words("要打电话给她", "to call her"),
    "booking": Words("订座、预约有变", "a booking has changed"),
    "deliver": Words("送货、寄东西", "to deliver or send something"),
    "complaint": Words("处理投诉", "a complaint"),
    "identity": Words("核对是不是本人", "to check who she is"),
    "other": Words("别的原因", "another reason"),
}
"""Why somebody may want to see a number; "task" comes from the list itself."""

LIST = "task"


def read(
    staff: Staff, person: int, what: str, *, reason: str, on: date, said: str = "", listed: bool = False
) -> Reading:
    """Write down that somebody is about to be shown something masked; only then show it.

    `listed`: it stands on her list of tasks, which counts against no limit. Raises Refused without a reason, and where
    the day's limit is reached. The same thing of the same customer on the same day counts once.
    """
    if not listed and reason not in REASONS:
        raise Refused(Words("请先选一个原因", "Please choose a reason first"))
    if not listed and reason == "other" and not said.strip():
        raise Refused(Words("请写一句是什么原因", "Please say what the reason is"))
    limit = Business.objects.values_list("reveals_a_day", flat=True).first() or 0
    with transaction.atomic():
        bulk.alone("readings")
        today = Reading.objects.filter(staff=staff, on=on)
        counted = set(today.exclude(reason=LIST).values_list("person", "what"))
        n = len(counted | (set() if listed else {(person, what)}))
        if not listed and (person, what) not in counted and n > limit:
            raise Refused(
                Words(
                    "今天名单之外已经看了 {n} 个，到上限了；急用请店长或老板看",
                    "{n} were shown beside the list today, which is the limit; in a hurry ask the manager or the owner",
                ).fill(n=limit)
            )
        made = Reading.objects.create(
            staff=staff,
            person=person,
            what=what,
            reason=LIST if listed else reason,
            said=said.strip()[:200] or None,
            on=on,
        )
        audit("reveal", f"customer {person}", by=staff, detail={"what": what, "reason": made.reason})
        if many := many_revealed(n, limit):
            warn("many-revealed", staff, on, many)
        if at_night(_wall_time()):
            warn("night", staff, on, Words("半夜在看顾客的号码", "Numbers were looked at in the night"))
    return made


def count(staff: Staff, kind: str, on: date) -> None:
    """Count an opened file or a search ("open", "search"). Nobody waits for it: where the store is busy, one is missed."""
    _hurry(True)
    try:
        with transaction.atomic():
            n = _counted(staff, kind, on)
            usual = Use.objects.filter(staff=staff, kind=kind, on__lt=on, on__gte=on - timedelta(days=28))
            if many := many_uses(kind, n, usual.aggregate(n=Avg("n"))["n"]):
                warn(f"many-{kind}", staff, on, many)
    except OperationalError:
        return
    finally:
        _hurry(False)


def _counted(staff: Staff, kind: str, on: date) -> int:
    if not Use.objects.filter(staff=staff, kind=kind, on=on).update(n=F("n") + 1):
        Use.objects.bulk_create([Use(staff=staff, kind=kind, on=on, n=1)], ignore_conflicts=True)
    return Use.objects.values_list("n", flat=True).get(staff=staff, kind=kind, on=on)


def _hurry(on: bool) -> None:
    """On SQLite: do not wait for another writer, or again as long as always."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {40 if on else 20_000}")


def warn(kind: str, staff: Staff, on: date, words: Words) -> None:
    """Tell those who guard the data, once a day for each kind and person; a later word replaces an unread one."""
    told, is_new = Alert.objects.get_or_create(kind=kind, staff=staff, on=on, defaults={"words": list(words)})
    if not is_new and told.seen_at is None:
        Alert.objects.filter(pk=told.pk).update(words=list(words), at=timezone.now())


def _wall_time() -> time:
    zone = Business.objects.values_list("time_zone", flat=True).first() or "Asia/Shanghai"
    return timezone.now().astimezone(ZoneInfo(zone)).time()
