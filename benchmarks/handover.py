"""Somebody with 2,000 customers leaves: how long the hand-over takes, and that nothing is left behind.

    python benchmarks/handover.py [customers] [others]

Makes a throw-away shop with so many customers in one person's charge among others, a task for every third, and passes
all of it to three colleagues, then takes it back. Prints seconds, and counts before and after.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from datetime import date, timedelta


def main(n: int, others: int) -> None:
    os.environ["REGULARS_HOME"] = tempfile.mkdtemp(prefix="regulars-handover-")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "regulars.web.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from regulars.care import handover
    from regulars.care.models import Task
    from regulars.customers.models import Customer, Portrait
    from regulars.shop.actions import add_staff, found_business
    from regulars.shop.models import Store

    on = date(2026, 9, 10)
    _, owner = found_business(
        name="x", trade="restaurant", owner_email="o@example.com", owner_name="o", password="ninety red peppers",
        stores=["a", "b", "c"],
    )  # fmt: skip
    stores = list(Store.objects.all())
    leaver = add_staff(name="leaver", email="l@example.com", role="key-account")
    heirs = [
        add_staff(name=s.name, email=f"{s.name}@example.com", role="key-account", store=s) for s in stores
    ]
    Customer.objects.bulk_create(
        [Customer(name=str(k), in_charge=leaver if k < n else None) for k in range(n + others)],
        batch_size=5000,
    )
    ids = list(Customer.objects.order_by("id").values_list("pk", flat=True))
    Portrait.objects.bulk_create(
        [Portrait(customer_id=c, visits=5, spend_in_12_months=k, usual_gap_days=7.0, last_visit_on=on - timedelta(days=k % 40), last_store=stores[k % 3].pk)
         for k, c in enumerate(ids)], batch_size=5000,
    )  # fmt: skip
    Task.objects.bulk_create(
        [Task(customer_id=c, rule="r", occasion="o", on=on, due_on=on, last_on=on, playbook="p", channel="call", staff=leaver) for c in ids[: n // 3]],
        batch_size=2000,
    )  # fmt: skip
    print("in hand before:", {f"{one.model}.{one.field}": one.n for one in handover.in_hand(leaver)})
    start = time.perf_counter()
    made = handover.hand_over(leaver, heirs, by=owner, on=on)
    print(f"handed over in {time.perf_counter() - start:.2f} s:", made.counts)
    print("left behind:", handover.left_behind(leaver))
    print("taken over:", {h.name: Customer.objects.filter(in_charge=h).count() for h in heirs})
    start = time.perf_counter()
    print("taken back:", handover.undo(made, by=owner), f"in {time.perf_counter() - start:.2f} s")
    print("in hand again:", {f"{one.model}.{one.field}": one.n for one in handover.in_hand(leaver)})


if __name__ == "__main__":
    main(*(int(a) for a in (sys.argv[1:] + ["2000", "100000"][len(sys.argv) - 1 :])))
