"""Looking for duplicates in a shop of a million customers on SQLite: time, peak memory, pairs looked at, what is found.

    python benchmarks/duplicates_million.py                      a million customers, 6,000 second files planted
    python benchmarks/duplicates_million.py --customers 200000

The shop is filled by bulk insert, each customer with a name as common as it is, a sealed member number and a sealed
phone, seven in ten with a birthday; then the pass runs in a process of its own, twice: everybody, and the hundred newest.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from duplicates_quality import FIRST, LAST, PREFIXES, SHARES


def start(home: Path) -> None:
    os.environ["REGULARS_HOME"] = str(home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "regulars.web.settings"
    import django

    django.setup()


def fill(home: Path, n: int, planted: int) -> None:
    """A shop with n customers and second files of some of them: a wrong digit, two swapped, a masked phone, a sound and
    a birthday, in turn."""
    start(home)
    from django.core.management import call_command
    from django.db import transaction

    from regulars.customers.models import Customer, Detail, Link
    from regulars.sales.identities import token_for
    from regulars.sales.models import Identity
    from regulars.shop import bulk
    from regulars.shop.actions import found_business
    from regulars.shop.home import Home
    from regulars.shop.keys import keys

    Home.find().make()
    call_command("migrate", verbosity=0)
    found_business(
        name="老地方", trade="shop", owner_email="o@example.com", owner_name="周", password="nine-red-peppers"
    )
    luck = np.random.default_rng(3)
    first = np.array([*FIRST, *[""] * (len(FIRST) // 2)])
    names = np.char.add(
        np.char.add(
            np.array(list(SHARES))[luck.integers(0, len(SHARES), n)], first[luck.integers(0, len(first), n)]
        ),
        np.array(list(LAST))[luck.integers(0, len(LAST), n)],
    ).tolist()
    prefix, rest = luck.integers(0, len(PREFIXES), n), luck.integers(0, 10**8, n)
    phones = [f"{PREFIXES[p]}{r:08}" for p, r in zip(prefix.tolist(), rest.tolist(), strict=True)]
    born = np.stack(
        [luck.integers(1950, 2009, n), luck.integers(1, 13, n), luck.integers(1, 29, n)], axis=1
    ).tolist()
    has = (luck.random(n) < 0.7).tolist()
    birthdays = [f"solar {y}-{m:02}-{d:02}" if h else "" for (y, m, d), h in zip(born, has, strict=True)]
    masked: dict[int, str] = {}
    for k in range(planted):
        of, at = int(luck.integers(0, n - planted)), n - planted + k
        names[at], birthdays[at] = names[of], ""
        p = phones[of]
        if k % 4 == 0:
            phones[at] = p[:8] + str((int(p[8]) + 1) % 10) + p[9:]
        elif k % 4 == 1:
            phones[at] = p[:8] + p[9] + p[8] + p[10]
        elif k % 4 == 2:
            masked[at], phones[at] = f"{p[:3]}****{p[7:]}", ""
        else:
            birthdays[at] = birthdays[of] = birthdays[of] or "solar 1988-02-03"
    seal, since = keys().seal, "2025-01-01 00:00:00"
    for low in range(0, n, bulk.CHUNK):
        ids = range(low, min(low + bulk.CHUNK, n))
        with transaction.atomic():
            rows = [(2 * i + 1, "member", token_for("member", f"M{i:07}"), seal(f"M{i:07}"), 0) for i in ids]
            rows += [
                (
                    2 * i + 2,
                    "phone",
                    token_for("phone", phones[i] or f"none-{i}"),
                    seal(phones[i] or "+4420"),
                    0,
                )
                for i in ids
            ]
            fresh = {r[2]: r for r in rows}  # a phone that chance gave out twice stands once
            taken = {
                bytes(t)
                for (t,) in bulk.rows_in(
                    f"SELECT token FROM {Identity._meta.db_table} WHERE token IN ({{marks}})", list(fresh)
                )
            }
            rows = [r for t, r in fresh.items() if t not in taken]
            bulk.insert(Identity, ("id", "kind", "token", "written", "is_shared"), rows)
            bulk.insert(
                Customer,
                ("id", "founder_id", "name", "sex", "birthday", "anniversary", "is_company", "is_by_hand", "is_gone", "since_at"),
                [(i + 1, 2 * i + 1, names[i], "", birthdays[i], "", 0, 0, 0, since) for i in ids],
            )  # fmt: skip
            bulk.insert(Link, ("identity_id", "customer_id"), [(r[0], (r[0] - 1) // 2 + 1) for r in rows])
            details = [(2 * i + 1, "masked_phone", "", seal(masked[i]), since) for i in ids if i in masked]
            bulk.insert(Detail, ("identity_id", "key", "plain", "sealed", "said_at"), details)


def run(home: Path, planted: int) -> None:
    """Both passes, in this process; prints one line of JSON."""
    start(home)
    from regulars.customers.likely import find_likely
    from regulars.customers.models import Customer, Likely

    n = Customer.objects.count()
    begin = time.perf_counter()
    found = find_likely()
    spent, busy = time.perf_counter() - begin, time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sure = Likely.objects.filter(strength="sure", kind="merge")
    planted_found = sure.filter(other__gt=n - planted).count()
    begin = time.perf_counter()
    find_likely(Customer.objects.order_by("-id").values_list("id", flat=True)[:100])
    again = time.perf_counter() - begin
    print(json.dumps({
        "customers": n, "seconds": round(spent, 1), "cpu_seconds": round(busy, 1), "seconds_newest": round(again, 1), "mb_peak": peak // 1024, "looked_at": found.looked_at, "proposed": found.new, "sure": sure.count(),
        "planted": planted, "planted_found": planted_found,
    }))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--planted", type=int, default=6_000)
    parser.add_argument(
        "--home", type=Path, help="a shop that was filled before, or where to fill one and keep it"
    )
    parser.add_argument("--run", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        run(given.home, given.planted)
        return
    with tempfile.TemporaryDirectory() as folder:
        home = given.home or Path(folder) / "shop"
        if not (home / "regulars.sqlite3").exists():
            fill(home, given.customers, given.planted)
        command = [sys.executable, __file__, "--run", "--home", str(home), "--planted", str(given.planted)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
