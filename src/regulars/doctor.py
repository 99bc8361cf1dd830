"""A check-up of the shop's machine: what is wrong and what to do about it."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import timedelta
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from regulars.grading.actions import open_books
from regulars.sales.models import Batch, BatchState
from regulars.shop.home import Home
from regulars.shop.keys import WrongKey, keys
from regulars.shop.models import Business, Job, JobState
from regulars.shop.rotation import opens
from regulars.shop.turns import CHANGING, turn
from regulars.shop.words import Refused, Words

ROOM = 1 << 30
"""A gigabyte: an import and a backup of a busy shop fit."""


class Finding(NamedTuple):
    check: str
    ok: bool
    words: Words


def examine() -> list[Finding]:
    """Everything that can be checked from here, each with a sentence."""
    return [_database(), _key(), _business(), _imports(), _books(), _worker(), _room()]


def _database() -> Finding:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA quick_check(1)")
            said = cursor.fetchone()[0]
        if said != "ok":
            return Finding(
                "database",
                False,
                Words(
                    "数据库文件坏了：{s}。请从备份恢复", "The database file is damaged: {s}. Restore a backup"
                ).fill(s=said),
            )
    return Finding("database", True, Words("数据库完好", "The database is sound"))


def _key() -> Finding:
    try:
        here = keys()
        fits = opens(here)
    except WrongKey:
        fits = False
    if not fits:
        return Finding(
            "key",
            False,
            Words(
                "钥匙不对：这个文件夹的数据是用另一把钥匙加密的",
                "The key is wrong: this folder's data were sealed with another one",
            ),
        )
    if here.is_changing:
        return Finding("key", False, CHANGING)
    return Finding("key", True, Words("钥匙对得上", "The key fits"))


def _business() -> Finding:
    if not Business.objects.exists():
        return Finding(
            "business",
            False,
            Words(
                "还没有店：运行 regulars serve，在浏览器里开张",
                "No shop yet: run regulars serve and start in the browser",
            ),
        )
    return Finding("business", True, Words("店已开张", "The shop is set up"))


def _imports() -> Finding:
    """What a crash or a power cut has left half done. Whoever works right now holds the turn, and nothing is amiss."""
    unfinished = Batch.objects.filter(state__in=(BatchState.WRITING, BatchState.UNDOING))
    if not unfinished.exists():
        return Finding("imports", True, Words("导入都完整", "All imports are complete"))
    try:
        with turn(patience=0):
            states = Counter(unfinished.values_list("state", flat=True))
    except Refused:
        return Finding(
            "imports",
            True,
            Words("正在导入或撤回，等它做完", "An import or its undoing is at work right now"),
        )
    if not states:  # it has just come to its end
        return Finding("imports", True, Words("导入都完整", "All imports are complete"))
    said = [
        words.fill(n=states[state])
        for state, words in (
            (BatchState.WRITING, Words("有 {n} 次导入写到一半", "{n} imports are half written")),
            (BatchState.UNDOING, Words("有 {n} 次撤回做到一半", "{n} are half taken back")),
        )
        if states[state]
    ]
    return Finding(
        "imports",
        False,
        Words(
            "{w}，没写完的不算数；下次导入或过一天时自动收拾好（现在就收拾：regulars day），写到一半的那份文件请再导一次",
            "{w}; nothing of it counts. The next import or day puts it in order (at once: regulars day); a file that was "
            "half written has to be imported again",
        ).fill(w=Words("，".join(w.zh for w in said), ", ".join(w.en for w in said))),
    )


def _books() -> Finding:
    if open_books().manifest.is_dirty:
        return Finding(
            "books",
            True,
            Words("账本要重写，过一天时会自动重写", "The books will be rebuilt with the next day's run"),
        )
    return Finding("books", True, Words("账本完好", "The books are sound"))


def _worker() -> Finding:
    stuck = Job.objects.filter(
        state=JobState.WAITING, asked_at__lt=timezone.now() - timedelta(minutes=10)
    ).count()
    if stuck:
        return Finding(
            "worker",
            False,
            Words(
                "有 {n} 件后台的活没人做：regulars serve 开着吗？",
                "{n} jobs wait and nobody works on them: is regulars serve running?",
            ).fill(n=stuck),
        )
    return Finding("worker", True, Words("后台没有积压", "No job is waiting"))


def _room() -> Finding:
    free = shutil.disk_usage(Home.find().folder).free
    if free < ROOM:
        return Finding(
            "disk",
            False,
            Words("磁盘只剩 {n} MB，请腾地方", "Only {n} MB of disk left; make room").fill(n=free >> 20),
        )
    return Finding("disk", True, Words("磁盘够用", "There is room on the disk"))
