"""The example shop: our own generator's files, taken in through the same door as a real till's."""

from __future__ import annotations

import random
import secrets
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from regulars.shop.words import Words

PAST = (35, 14, 3, 1)
"""Days back on which the example shop was already at work: grades have a history, calls were made, some failed."""

WRITTEN, REACHED, NOT_REACHED = 0.85, 0.45, 0.1
"""Of a day's messages, and of its calls and visits; the rest nobody got round to."""


def folder_for(trade: str) -> Path:
    """Where an example shop of a trade lives: beside nothing of yours."""
    return Path(tempfile.gettempdir()) / f"regulars-demo-{trade}"


def prepare(trade: str, on: date, progress: Callable[[int, int, Words], None]) -> dict[str, str]:
    """Make the example shop where there is none yet, and give its owner a new password. Returns how to log in."""
    from regulars import daily, examples
    from regulars.demo_members import go_on_as_members, live_as_members, settle_until
    from regulars.grading.actions import adopt, start_playbook
    from regulars.sales.models import Batch, BatchState
    from regulars.shop.actions import add_staff, found_business, set_password
    from regulars.shop.models import Business, Staff, Store

    profile = examples.shop(trade)
    password = f"{secrets.token_hex(2)}-{secrets.token_hex(2)}-{secrets.token_hex(2)}"
    boss = next(w for w in profile.staff if w.role == "owner")
    business = Business.objects.first()
    if business is None:
        business, owner = found_business(
            name=profile.name.zh, trade=profile.trade, owner_email=boss.email, owner_name=boss.name, password=password,
            stores=profile.stores, is_example=True,
        )  # fmt: skip
        Staff.objects.filter(id=owner.id).update(minutes_a_day=boss.minutes)
        stores = {s.name: s for s in Store.objects.all()}
        for worker in profile.staff:
            if worker.role != "owner":
                add_staff(
                    name=worker.name,
                    email=worker.email,
                    role=worker.role,
                    store=stores.get(worker.store or ""),
                    minutes=worker.minutes,
                    by=owner,
                )
        adopt(start_playbook(profile.trade), by=owner)
    else:
        owner = Staff.objects.get(email=boss.email)
        set_password(owner, password)
    has_members = profile.trade != "wholesale"
    if not Batch.objects.filter(state=BatchState.COMPLETE).exists():
        with tempfile.TemporaryDirectory() as scratch:
            progress(0, 0, Words("写例店的文件", "Writing the example's files"))
            for files in examples.groups(examples.write(trade, Path(scratch), on)):
                daily.take_in(files, by=owner, progress=progress)
        if has_members:
            progress(0, 0, Words("开会员", "Opening the membership"))
            live_as_members(trade, on - timedelta(days=max(PAST) + 1), by=owner)
        for back in PAST:
            progress(PAST.index(back), len(PAST), Words("过前些天的日子", "Living the days before"))
            if has_members:
                settle_until(on - timedelta(days=back))
            work_a_day(on - timedelta(days=back), seed=back)
        if has_members:
            settle_until(on)
            go_on_as_members(trade, on)
        progress(len(PAST), len(PAST), Words("记下熟客的喜好", "Writing down what the regulars like"))
        know_the_regulars(trade, on - timedelta(days=min(PAST)))
    if business.last_day_run_on != on:
        daily.run_day(on, progress=progress, by=owner)
    return {"email": owner.email, "password": password}


REGULARS = 60
"""Of so many of the best customers the example's staff know something."""


def know_the_regulars(trade: str, on: date) -> None:
    """Staff have written into the files of those who come most: tastes, manners, a note; the best are in somebody's charge."""
    from regulars.customers import charge, consents, filing
    from regulars.customers.actions import add_note
    from regulars.customers.file import sheet
    from regulars.customers.queries import listed
    from regulars.examples.known import known_of
    from regulars.shop.models import Business, Staff

    team = [s for s in Staff.objects.order_by("id") if s.role in ("front-desk", "manager", "service")]
    keepers = [s for s in Staff.objects.order_by("id") if s.role == "key-account"]
    fields = {f.key: f for f in sheet(Business.objects.get())}
    luck = random.Random(trade)
    for place, customer in enumerate(listed(limit=REGULARS)[:REGULARS]):
        by = luck.choice(team) if team else None
        known = known_of(trade, place)
        for key, value in known.fields.items():
            if key in fields and fields[key].is_for(is_company=customer.is_company):
                filing.say_field(customer, fields[key], value, by=by)
        for kind, text in known.notes:
            add_note(customer, text, on=on - timedelta(days=luck.randrange(30)), by=by, kind=kind)
        for tag in known.tags:
            filing.put_tag(customer, tag, by=by)
        if keepers and place < 12:
            charge.give_charge(customer, keepers[place % len(keepers)], by=keepers[0], on=on)
        if luck.random() < 0.5:
            consents.say_consent(
                customer, "marketing", True, channel="wechat", source="counter", on=on, by=by
            )


def work_a_day(on: date, *, seed: int) -> None:
    """A day of the past in the example shop: everybody is graded, the list is made and mostly done."""
    from regulars import daily
    from regulars.care.actions import end
    from regulars.care.models import TaskState
    from regulars.care.queries import open_on

    daily.run_day(on)
    luck = random.Random(seed)
    for task in open_on(on):
        chance = luck.random()
        done = WRITTEN if task.channel in ("message", "card") else REACHED
        if task.channel == "in-person":  # whom one receives was there, or there was nothing to do
            done, missed = REACHED, 0.0
        else:
            missed = NOT_REACHED
        if task.staff is not None and chance < done + missed:
            end(task, TaskState.DONE if chance < done else TaskState.NOT_REACHED, by=task.staff, on=on)
