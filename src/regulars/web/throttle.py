"""How often something may be tried or asked: counted in the memory of the one process that serves the pages.

Nothing here locks anybody out. Who is counted is told by keyed tokens, so the memory holds no e-mail and no address.
"""

from __future__ import annotations

import math
import threading
import time
from functools import wraps
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from regulars.shop.keys import keys
from regulars.shop.rules import doors
from regulars.shop.rules.doors import Pace, Patience
from regulars.shop.words import Words
from regulars.web.may import View

_one_at_a_time = threading.Lock()
"""Tries that come at once are counted one after the other, so that none is free."""


def now() -> float:
    """Seconds on the clock by which tries are slowed; tests put their own in its place."""
    return time.monotonic()


class Tries:
    """Wrong tries of one kind by one party. After a few free ones each doubles the wait."""

    def __init__(self, kind: str, who: str, patience: Patience) -> None:
        self.key = f"tries:{kind}:" + keys().token("tries", who).hex()
        self.patience = patience

    def wait(self) -> int:
        """Seconds until the next try counts."""
        _, until = cache.get(self.key, (0, 0.0))
        return max(0, math.ceil(float(until) - now()))

    def wrong(self) -> None:
        with _one_at_a_time:
            count, _ = cache.get(self.key, (0, 0.0))
            waits = self.patience.wait_after(count + 1)
            cache.set(self.key, (count + 1, now() + waits), timeout=self.patience.forgets_after)

    def right(self) -> None:
        cache.delete(self.key)


def at_the_entrance(email: str, network: str, device: str = "") -> list[Tries]:
    """Whose tries count when somebody signs in. A device that the person has used before (`device`: its mark) is counted
    for itself alone: what strangers do, and be it in the same network, never makes her wait there."""
    account = email.casefold().strip()
    if device:
        return [Tries("password", f"{account} {device}", doors.PASSWORD)]
    return [
        Tries("password", f"{account} {network}", doors.PASSWORD),
        Tries("address", network, doors.ADDRESS),
        Tries("account", account, doors.ACCOUNT),
    ]


def wait_of(tries: list[Tries]) -> int:
    return max((t.wait() for t in tries), default=0)


def too_fast(kind: str, who: str, pace: Pace) -> int:
    """Count one more; 0, or the seconds to wait because it was one too many."""
    key = f"pace:{kind}:" + keys().token("pace", who).hex()
    with _one_at_a_time:
        left, at = cache.get(key, (pace.burst, now()))
        left, waits = pace.spend(left, now() - at)
        cache.set(key, (left, now()), timeout=3600)
    return math.ceil(waits)


SLOWER = Words("太快了，请等 {n} 秒再试", "Too fast; please wait {n} seconds")


def wait_page(request: HttpRequest, seconds: int) -> HttpResponse:
    """429: says how long to wait, to people and to programs."""
    answer = render(request, "429.html", {"seconds": seconds}, status=429)
    answer["Retry-After"] = str(seconds)
    return answer


def searching(view: View) -> View:
    """A page that looks customers up: each person may ask as fast as she types, and no faster."""

    @wraps(view)
    def paced(request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.GET.get("q", "").strip() and (
            seconds := too_fast("search", str(request.user.pk), doors.SEARCH)
        ):
            return wait_page(request, seconds)
        return view(request, *args, **kwargs)

    return paced  # type: ignore[return-value]
