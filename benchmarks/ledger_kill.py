"""Killed in the middle, again and again: what was confirmed is there, and what is tried again is booked once.

`python benchmarks/ledger_kill.py [times] [sqlite|postgres]` (200 times on each store): a process with four threads earns,
redeems, reserves and confirms through the ledger's own code and says each booking once it is confirmed. It is killed
(kill -9) at a random moment after the first one; then

- every booking that it said stands on the books, and of each thread at most one that it had not said yet;
- the books are proved;
- the next process begins with the booking that was not confirmed: booked or not, it is booked once.
"""

from __future__ import annotations

import itertools
import multiprocessing
import random
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from import_million import database, start  # type: ignore[import-not-found,unused-ignore]
from ledger_writers import ON, members  # type: ignore[import-not-found,unused-ignore]

PROCESSES = multiprocessing.get_context("fork")
"""Forked, so that a life does not begin with loading everything anew."""

THREADS = 4
STEPS = ("earn", "redeem", "reserve", "confirm")
CHANGES = {"earn": 30, "redeem": -10, "reserve": 0, "confirm": -10}


def step(who: Any, me: int, n: int) -> None:
    """The n-th booking of a thread: what it does follows from its number, so it can be tried again."""
    from regulars.membership import purse, teller
    from regulars.membership.rules.ledger import Move

    kind = STEPS[n % 4]
    if kind == "earn":
        teller.post(Move("put", "earn", "till", f"{me}.{n}", who.pk, ON, (("points", 30),)))
    elif kind == "redeem":
        purse.redeem(who, "points", 10, key=f"{me}.{n}", on=ON)
    else:
        code = purse.reserve(who, "points", 10, key=f"{me}.{n - n % 4}", on=ON).code
        if kind == "confirm":
            purse.confirm(code, on=ON)


def work(say: Connection, who: list[int], begin: list[int], until: int) -> None:
    """Book until somebody kills this process (or to the booking `until`), and say what was confirmed."""
    from django.db import connection

    from regulars.membership.models import Member

    turn = threading.Lock()

    def one(me: int) -> None:
        member, n = Member(pk=who[me]), begin[me]
        while not until or n < until:
            step(member, me, n)
            with turn:
                say.send((me, n))
            n += 1
        connection.close()

    threads = [threading.Thread(target=one, args=(me,)) for me in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def one_life(who: list[int], confirmed: list[int], seconds: float, until: int = 0) -> None:
    """Start a process, kill it so long after its first booking, and count what it said."""
    hear, say = PROCESSES.Pipe(duplex=False)
    child = PROCESSES.Process(target=work, args=(say, who, list(confirmed), until))
    child.start()
    say.close()
    for count in itertools.count():
        try:
            me, n = hear.recv()
        except EOFError:
            break
        if not count and not until:
            threading.Timer(seconds, child.kill).start()
        assert n == confirmed[me], "in order"
        confirmed[me] = n + 1
    child.join()
    assert (child.exitcode == 0) == bool(until)


def look(who: list[int], confirmed: list[int], is_exact: bool) -> None:
    from django.db import connection

    from regulars.membership.models import Balance, Posting
    from regulars.membership.proof import prove

    proof = prove()
    assert proof.is_sound, proof.first_break
    for me, member in enumerate(who):
        booked = Posting.objects.filter(member=member).count()
        assert confirmed[me] <= booked <= confirmed[me] + (not is_exact), (me, confirmed[me], booked)
        held = sum(b.in_hand + b.aside for b in Balance.objects.filter(member=member))
        assert held == sum(CHANGES[STEPS[n % 4]] for n in range(booked)), (me, booked, held)
    connection.close()


def main(times: int, store: str) -> None:
    from django.db import connections

    chance = random.Random(4)
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="regulars-kill-") as home:
        address = database(store, home)
        start(home, address)
        who, confirmed = members(THREADS), [0] * THREADS
        connections.close_all()  # a child opens its own
        for _ in range(times):
            one_life(who, confirmed, chance.uniform(0.0, 0.4))
            look(who, confirmed, is_exact=False)
        assert sum(confirmed) >= times, "each was killed at work"
        # In the end everybody comes to the same number without being killed: exactly so many bookings.
        until = max(confirmed) + 4
        one_life(who, confirmed, 0, until)
        assert confirmed == [until] * THREADS
        look(who, confirmed, is_exact=True)
    took = time.perf_counter() - begin
    print(
        f"{store}: killed {times} times, {sum(confirmed):,} bookings, none lost, none doubled ({took:.0f} s)",
        flush=True,
    )


if __name__ == "__main__":
    words = sys.argv[1:]
    given = [a for a in words if a.isdigit()] or ["200"]
    stores = [s for s in ("sqlite", "postgres") if s in words] or ["sqlite", "postgres"]
    if len(stores) == 1:
        main(int(given[0]), stores[0])
    else:
        for store in stores:
            subprocess.run([sys.executable, __file__, given[0], store], check=True)
