"""Finding a customer and opening Today in a shop of a million customers on SQLite: time on the server, and queries.

    python benchmarks/day_million.py --books FOLDER --home SHOP --keep      the shop, filled and graded
    python benchmarks/find_million.py --home SHOP

Pages go through Django's test client, signed in as the owner; what is timed is the whole request. Searches: the last
four digits of a phone, a whole name, a family name, initials, a member number, and something that nobody has.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from datetime import timedelta
from pathlib import Path
from unittest import mock

import numpy as np
from million import ON


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--times", type=int, default=200)
    given = parser.parse_args()
    os.environ["REGULARS_HOME"] = str(given.home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "regulars.web.settings"
    import django

    django.setup()
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from regulars.care.models import DayPlan
    from regulars.customers.models import Customer, SearchKey
    from regulars.customers.queries import search
    from regulars.shop.models import Staff

    people = Customer.objects.count()
    luck = np.random.default_rng(3)
    some = [Customer.objects.get(id=int(i)) for i in luck.integers(1, people, 40)]
    sound = (
        SearchKey.objects.filter(customer__in=some)
        .exclude(word__startswith="#")
        .values_list("word", flat=True)
    )
    asked = (
        [c.name for c in some]
        + list(sound[:40])
        + [c.name[0] for c in some]
        + [f"{n:04}" for n in luck.integers(0, 9999, 40)]
    )
    asked += [f"M{c.id:07}" for c in some[:20]] + ["nobody at all", "zzzz"]

    print(f"customers {people:,}")
    for text in asked[:5]:
        search(text)
    spent, queries = [], set()
    for text in asked:
        with CaptureQueriesContext(connection) as ran:
            begin = time.perf_counter()
            search(text)
            spent.append(time.perf_counter() - begin)
        queries.add(len(ran))
    say("search", spent, queries)

    on = DayPlan.objects.latest("on").on if DayPlan.objects.exists() else ON + timedelta(days=1)
    noon = timezone.make_aware(timezone.datetime(on.year, on.month, on.day, 12))
    client = Client(SERVER_NAME="localhost")
    client.force_login(Staff.objects.earliest("id"))
    with mock.patch("django.utils.timezone.now", return_value=noon):
        for name, address in (("Today", "/"), ("Today, whole shop", "/?whose=all"), ("Customers", "/customers/"),
                              ("Customers, a search", f"/customers/?q={some[0].name}"), ("a portrait", f"/customers/{some[0].id}/")):  # fmt: skip
            answer = client.get(address)
            spent, queries = [], set()
            for _ in range(given.times if "portrait" not in name else 20):
                with CaptureQueriesContext(connection) as ran:
                    begin = time.perf_counter()
                    answer = client.get(address)
                    spent.append(time.perf_counter() - begin)
                queries.add(len(ran))
            say(f"{name} ({answer.status_code})", spent, queries)


def say(what: str, spent: list[float], queries: set[int]) -> None:
    middle, high = statistics.median(spent) * 1000, float(np.quantile(spent, 0.95)) * 1000
    print(
        f"{what:28s} median {middle:7.1f} ms   p95 {high:7.1f} ms   queries {min(queries)}–{max(queries)}",
        flush=True,
    )


if __name__ == "__main__":
    main()
