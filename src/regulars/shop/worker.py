"""The worker: one job after the other, with progress, a heartbeat, and a way to stop.

1. Take the oldest waiting job by one conditional update; whoever updates the row owns it.
2. While it runs, `step` writes progress and the heartbeat at most once a second, and raises `Cancelled` when asked.
3. A job whose heartbeat is old (its process was killed) waits again; after three attempts it has failed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import close_old_connections
from django.utils import timezone

from regulars.shop.models import Job, JobState
from regulars.shop.rules.masks import without_numbers
from regulars.shop.words import Refused, Words

log = logging.getLogger(__name__)

SILENT = timedelta(seconds=90)
"""No heartbeat for this long means that nobody works on it any more; the longest single step is far shorter."""

ATTEMPTS = 3

Step = Callable[[int, int, Words], None]
Work = Callable[[dict[str, Any], Step], dict[str, Any]]


class Cancelled(Exception):
    """The person who asked for the work wants it stopped."""


JOBS: dict[str, Work] = {}


def job(kind: str) -> Callable[[Work], Work]:
    """Register the work of one kind: `work(args, step) -> result`."""

    def register(work: Work) -> Work:
        JOBS[kind] = work
        return work

    return register


def take_next() -> Job | None:
    """Own the oldest waiting job, or nothing."""
    for candidate in Job.objects.filter(state=JobState.WAITING).order_by("id")[:3]:
        mine = Job.objects.filter(id=candidate.id, state=JobState.WAITING).update(
            state=JobState.RUNNING, beat_at=timezone.now(), attempts=candidate.attempts + 1
        )
        if mine == 1:
            candidate.refresh_from_db()
            return candidate
    return None


def reap() -> int:
    """Let jobs of dead processes wait again; give up on those that died three times."""
    old = Job.objects.filter(state=JobState.RUNNING, beat_at__lt=timezone.now() - SILENT)
    given_up = old.filter(attempts__gte=ATTEMPTS).update(
        state=JobState.FAILED, ended_at=timezone.now(), error=["试了三次都中断了", "It broke off three times"]
    )
    return given_up + old.update(state=JobState.WAITING)


def stepper(work: Job) -> Step:
    """How a job says how far it is."""
    last = 0.0

    def step(done: int, total: int, words: Words) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < 1 and (total == 0 or done < total):
            return
        last = now
        Job.objects.filter(id=work.id).update(
            done=done, total=total, step=list(words), beat_at=timezone.now()
        )
        if Job.objects.filter(id=work.id, cancel_asked=True).exists():
            raise Cancelled

    return step


def carry_out(work: Job) -> Job:
    """Do one job to its end, whatever the end is."""
    values: dict[str, Any]
    try:
        result = JOBS[work.kind](work.args, stepper(work))
        values = {"state": JobState.DONE, "result": result}
    except Cancelled:
        values = {"state": JobState.CANCELLED}
    except Refused as refused:
        values = {"state": JobState.FAILED, "error": [without_numbers(said) for said in refused.words]}
    except Exception:
        log.exception("job %s (%s) failed", work.id, work.kind)
        values = {
            "state": JobState.FAILED,
            "error": [
                "出了意外，已记入日志；可以再试一次",
                "Something went wrong and was logged; you can try again",
            ],
        }
    Job.objects.filter(id=work.id).update(**values, ended_at=timezone.now())
    work.refresh_from_db()
    return work


def beating(work: Job, stop: threading.Event) -> None:
    """The heartbeat of a long step, from a thread of its own."""
    while not stop.wait(20):
        Job.objects.filter(id=work.id, state=JobState.RUNNING).update(beat_at=timezone.now())
    close_old_connections()


def work_on(stop: threading.Event, idle: Callable[[], None] | None = None) -> None:
    """Work until told to stop. `idle` runs about once a minute between jobs (the daily run asks for itself there)."""
    rested = 0.0
    while not stop.is_set():
        close_old_connections()
        if time.monotonic() - rested > 60:
            reap()
            if idle:
                idle()
            rested = time.monotonic()
        mine = take_next()
        if mine is None:
            stop.wait(0.5)
            continue
        quiet = threading.Event()
        pulse = threading.Thread(target=beating, args=(mine, quiet), daemon=True)
        pulse.start()
        carry_out(mine)
        quiet.set()
