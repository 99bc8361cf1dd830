"""Eight at the window at once: the ledger's own code beside the best plain design of each store.

`python benchmarks/ledger_writers.py [seconds] [sqlite|postgres] [--json]` runs, pair by pair, each in a process and a
shop of its own, eight threads that earn and redeem in turn, on one member (hot) and on sixty-four (spread):

- raw: on SQLite one writer fed by a queue that commits up to 64 at once (plain sqlite3, synchronous=FULL); on PostgreSQL
  one call of a plpgsql function each, on eight connections. A unique key, two entries and a checked balance; no lots.
- domain: `teller.post`, as the counter calls it; proved: the same while the books are proved again and again beside it.
- processes (SQLite): the same by eight processes, who share nothing but the file.

Everybody's totals must come out exactly. Said: bookings a second, the slowest writer beside the fastest, 95 of 100 answers
within so many ms.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from import_million import database, start  # type: ignore[import-not-found,unused-ignore]

WRITERS = 8
ON = date(2026, 5, 1)
N = 10
"""Units that each booking moves."""

PAIRS = 4
"""How often the two are run in turn: the machine is not equally fast from one second to the next."""

Book = Callable[[int, int, int], None]
"""Books for an account, by a writer, her n-th: even ones earn, odd ones redeem."""


def race(
    seconds: float, accounts: int, writer: Callable[[], tuple[Book, Callable[[], None]]]
) -> dict[str, Any]:
    """Let eight threads book as fast as they can for so long."""
    counts, waits = [0] * WRITERS, [[] for _ in range(WRITERS)]  # type: ignore[var-annotated]
    errors: list[BaseException] = []
    ready = threading.Barrier(WRITERS + 1)
    over = threading.Event()

    def work(me: int) -> None:
        try:
            book, close = writer()
            book(me % accounts, me, 0)
            book(me % accounts, me, 1)
            ready.wait()
            n = 2
            while not over.is_set():
                begin = time.perf_counter()
                book((me + WRITERS * (n // 2)) % accounts, me, n)
                waits[me].append(time.perf_counter() - begin)
                n += 1
            counts[me] = n
            close()
        except BaseException as error:
            errors.append(error)
            ready.abort()

    threads = [threading.Thread(target=work, args=(me,)) for me in range(WRITERS)]
    for thread in threads:
        thread.start()
    ready.wait()
    begin = time.perf_counter()
    over.wait(seconds)
    over.set()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begin
    if errors:
        raise errors[0]
    return {"counts": counts, **figures(counts, sorted(w for each in waits for w in each), took)}


def figures(counts: list[int], waits: list[float], took: float) -> dict[str, Any]:
    return {
        "rate": (sum(counts) - 2 * len(counts)) / took,
        "fair": min(counts) / max(counts),
        "p95": 1000 * waits[len(waits) * 95 // 100],
        "worst": 1000 * waits[-1],
    }


def left_of(counts: list[int]) -> int:
    """What must be in hand in the end: one earning of each writer who was stopped between the two."""
    return N * sum(n % 2 for n in counts)


# --- the ledger's own code -------------------------------------------------------------------------------------------


def members(n: int) -> list[int]:
    from regulars.customers.models import Customer
    from regulars.membership.models import Member

    return [
        Member.objects.create(
            customer=Customer.objects.create(name=f"会员{k}"), number=f"9{k:07}", code=f"CODE{k}", joined_on=ON,
            how="counter",
        ).pk
        for k in range(n)
    ]  # fmt: skip


def booked_by(who: list[int]) -> Book:
    from regulars.membership import teller
    from regulars.membership.rules.ledger import Move

    def book(account: int, me: int, n: int) -> None:
        verb, kind = ("take", "redeem") if n % 2 else ("put", "earn")
        (done,) = teller.post(Move(verb, kind, "race", f"{me}.{n}", who[account], ON, (("points", N),)))  # type: ignore[arg-type]
        assert done.is_new

    return book


def domain(seconds: float, accounts: int, *_: str) -> dict[str, Any]:
    """The ledger's own code, alone as the plain design is."""
    from django.db import connection

    who = members(accounts)
    result = race(seconds, accounts, lambda: (booked_by(who), connection.close))
    _totals_are_exact(result["counts"])
    return result


def proved(seconds: float, accounts: int, *_: str) -> dict[str, Any]:
    """The same while the books are proved again and again beside it."""
    from django.db import connection

    from regulars.membership.proof import prove

    who = members(accounts)
    over = threading.Event()
    proofs: list[bool] = []

    def prove_again_and_again() -> None:
        while not over.wait(0.5):
            proofs.append(prove().is_sound)
        connection.close()

    beside = threading.Thread(target=prove_again_and_again)
    beside.start()
    try:
        result = race(seconds, accounts, lambda: (booked_by(who), connection.close))
    finally:
        over.set()
        beside.join()
    assert all(proofs), "the books did not agree while they were written"
    _totals_are_exact(result["counts"])
    return {**result, "proofs": len(proofs)}


def _totals_are_exact(counts: list[int]) -> None:
    from regulars.membership.models import Balance, Posting
    from regulars.membership.proof import prove

    proof = prove()
    assert proof.is_sound, proof.first_break
    assert Posting.objects.count() == sum(counts), (Posting.objects.count(), counts)
    assert sum(b.in_hand for b in Balance.objects.all()) == left_of(counts)
    redeemed = sum(n // 2 for n in counts) * N
    assert proof.totals["points"]["redeemed"] == redeemed


def processes(seconds: float, accounts: int, home: str, address: str) -> dict[str, Any]:
    """Eight processes, each with one writer."""
    who = members(accounts)
    children = [
        subprocess.Popen(
            [sys.executable, __file__, "--one", str(me), str(seconds), json.dumps(who), home, address],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for me in range(WRITERS)
    ]  # fmt: skip
    for child in children:
        assert child.stdout and child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
    said = [json.loads(child.communicate()[0]) for child in children]
    counts = [one["n"] for one in said]
    _totals_are_exact(counts)
    waits = sorted(w for one in said for w in one["waits"])
    return {"counts": counts, **figures(counts, waits, seconds)}


def one(me: int, seconds: float, who: list[int]) -> None:
    """One of the eight processes."""
    book = booked_by(who)
    book(me % len(who), me, 0)
    book(me % len(who), me, 1)
    print("ready", flush=True)
    sys.stdin.readline()
    ends, n, waits = time.perf_counter() + seconds, 2, []
    while (begin := time.perf_counter()) < ends:
        book((me + WRITERS * (n // 2)) % len(who), me, n)
        waits.append(time.perf_counter() - begin)
        n += 1
    print(json.dumps({"n": n, "waits": waits}))


# --- the plain designs -----------------------------------------------------------------------------------------------

TABLES = """
CREATE TABLE posting (id {key}, name text NOT NULL UNIQUE, account integer NOT NULL);
CREATE TABLE entry (id {key}, posting bigint NOT NULL, account integer NOT NULL, side text NOT NULL, amount bigint NOT NULL);
CREATE TABLE balance (account integer PRIMARY KEY, amount bigint NOT NULL CHECK (amount >= 0));
"""

FUNCTION = """
CREATE FUNCTION book(key text, who integer, n bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE number bigint; left_ bigint;
BEGIN
  UPDATE balance SET amount = amount + n WHERE account = who RETURNING amount INTO left_;
  INSERT INTO posting (name, account) VALUES (key, who) RETURNING id INTO number;
  INSERT INTO entry (posting, account, side, amount) VALUES (number, who, 'member', n), (number, who, 'other', -n);
  RETURN left_;
END $$
"""


def raw(seconds: float, accounts: int, home: str, address: str) -> dict[str, Any]:
    return (
        raw_postgres(seconds, accounts, address)
        if address
        else raw_sqlite(seconds, accounts, Path(home) / "raw.db")
    )


def raw_sqlite(seconds: float, accounts: int, path: Path) -> dict[str, Any]:
    asked: SimpleQueue[tuple[str, int, int, threading.Lock] | None] = SimpleQueue()
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + TABLES.format(key="integer PRIMARY KEY")
    )
    db.executemany("INSERT INTO balance VALUES (?, 0)", [(k,) for k in range(accounts)])

    def write() -> None:
        while True:
            batch = [asked.get()]
            try:
                while len(batch) < 64:
                    batch.append(asked.get_nowait())
            except Empty:
                pass
            is_last = None in batch
            db.execute("BEGIN IMMEDIATE")
            for key, who, n, _ in filter(None, batch):
                db.execute("UPDATE balance SET amount = amount + ? WHERE account = ?", (n, who))
                number = db.execute("INSERT INTO posting (name, account) VALUES (?, ?)", (key, who)).lastrowid
                db.execute(
                    "INSERT INTO entry (posting, account, side, amount) VALUES (?, ?, 'member', ?), (?, ?, 'other', ?)",
                    (number, who, n, number, who, -n),
                )
            db.execute("COMMIT")
            for _, _, _, bell in filter(None, batch):
                bell.release()
            if is_last:
                return

    def writer() -> tuple[Book, Callable[[], None]]:
        bell = threading.Lock()
        bell.acquire()

        def book(account: int, me: int, n: int) -> None:
            asked.put((f"{me}.{n}", account, -N if n % 2 else N, bell))
            bell.acquire()

        return book, lambda: None

    clerk = threading.Thread(target=write)
    clerk.start()
    try:
        result = race(seconds, accounts, writer)
    finally:
        asked.put(None)
        clerk.join()
    assert db.execute("SELECT SUM(amount) FROM balance").fetchone() == (left_of(result["counts"]),)
    return result


def raw_postgres(seconds: float, accounts: int, address: str) -> dict[str, Any]:
    import psycopg

    with psycopg.connect(address, autocommit=True) as link:
        for statement in TABLES.format(key="bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY").split(";")[:-1]:
            link.execute(statement)
        link.execute(FUNCTION)
        link.execute("INSERT INTO balance SELECT k, 0 FROM generate_series(0, %s) k", [accounts - 1])

        def writer() -> tuple[Book, Callable[[], None]]:
            mine = psycopg.connect(address, autocommit=True)

            def book(account: int, me: int, n: int) -> None:
                mine.execute(
                    "SELECT book(%s, %s, %s)", [f"{me}.{n}", account, -N if n % 2 else N], prepare=True
                )

            return book, mine.close

        result = race(seconds, accounts, writer)
        assert link.execute("SELECT SUM(amount) FROM balance").fetchone() == (left_of(result["counts"]),)
    return result


def in_a_process(what: str, accounts: int, seconds: float, address: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="regulars-shop-") as home:
        done = subprocess.run(
            [sys.executable, __file__, "--run", what, str(seconds), str(accounts), home, address],
            check=False, capture_output=True, text=True, env={**os.environ, "REGULARS_HOME": home},
        )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def main(seconds: float, stores: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="regulars-benchmark-") as folder:
        for store in stores:
            for name, accounts in (("hot", 1), ("spread", 64)):
                rates = {}
                ways = (*["raw", "domain"] * PAIRS, *(["processes"] if store == "sqlite" else []))
                for what in ways:
                    found = in_a_process(what, accounts, seconds, database(store, folder))
                    rates.setdefault(what, []).append(found["rate"])
                    print(
                        f"{store:8s} {name:6s} {what:9s} {found['rate']:8,.0f} bookings/s, slowest/fastest {found['fair']:.2f}, "
                        f"p95 {found['p95']:.1f} ms, worst {found['worst']:.0f} ms",
                        flush=True,
                    )
                ratio = sum(rates["domain"]) / sum(rates["raw"])
                print(f"{store:8s} {name:6s} domain is {ratio:.0%} of the plain design", flush=True)


if __name__ == "__main__":
    words = sys.argv[1:]
    if words[:1] == ["--run"]:
        start(*words[4:6])
        run = {"raw": raw, "domain": domain, "proved": proved, "processes": processes}[words[1]]
        print(json.dumps(run(float(words[2]), int(words[3]), *words[4:6])))
    elif words[:1] == ["--one"]:
        os.environ.update(REGULARS_HOME=words[4], DJANGO_SETTINGS_MODULE="regulars.web.settings")
        if words[5]:
            os.environ["REGULARS_DATABASE"] = words[5]
        import django

        django.setup()
        one(int(words[1]), float(words[2]), json.loads(words[3]))
    else:
        given = [float(a) for a in words if a[0].isdigit()]
        main(
            given[0] if given else 5,
            [s for s in ("sqlite", "postgres") if s in words] or ["sqlite", "postgres"],
        )
