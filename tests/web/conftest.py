"""A lived-in little shop with somebody of every role, and pages that think it is a Sunday in November."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from tests.shops import Shop

from regulars import daily
from regulars.grading.actions import adopt
from regulars.membership import program
from regulars.shop.actions import add_staff
from regulars.shop.models import Job, Staff, Store
from regulars.shop.rules.policy import HOUSE_ROLES
from regulars.shop.worker import carry_out, take_next
from regulars.web import doors

TODAY = date(2026, 11, 22)
PASSWORD = "six potatoes in the cellar"


@dataclass
class House:
    """The shop, its people by role, and browsers in which they are signed in."""

    shop: Shop
    staff: dict[str, Staff]

    def browser(self, role: str | None, **options: object) -> Client:
        client = Client(**options)  # type: ignore[arg-type]
        if role is not None:
            client.force_login(self.staff[role])
        return client

    def work(self) -> list[Job]:
        """Do all the long work that waits, as the worker would."""
        done = []
        while (job := take_next()) is not None:
            done.append(carry_out(job))
        return done


def receipts(customers: int, visits: int = 4, every: int = 7, start: int = 0) -> list[dict[str, object]]:
    """Regulars who come once in `every` days, the last time yesterday; 138… numbers."""
    return [
        {
            "订单号": f"R{c:03}-{v}",
            "消费时间": f"{TODAY - timedelta(days=1 + v * every)} 18:{c % 60:02}:00",
            "会员号": f"M{c:03}",
            "手机号": f"1393322{c:04}",
            "实收金额": f"{100 + c}.00",
        }
        for c in range(start, start + customers)
        for v in range(visits)
    ]


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> date:
    """The day on which pages stand."""
    for place in ("regulars.web.gate.shop_day", "regulars.jobs.shop_day"):
        monkeypatch.setattr(place, lambda *_: TODAY)
    return TODAY


@pytest.fixture
def house(shop: Shop, today: date) -> House:
    """A restaurant with somebody of every role and nothing sold yet."""
    cache.clear()
    shop.again("house", begin)
    return House(shop, people())


@pytest.fixture
def lived_in(shop: Shop, today: date) -> House:
    """With three regulars, one of whom has stayed away, and today's list made."""
    cache.clear()
    shop.again("lived in", lambda: live(shop))
    return House(shop, people())


def begin() -> None:
    store = Store.objects.get()
    for role in HOUSE_ROLES:
        add_staff(
            name=f"{role} Li",
            email=f"{role}@example.com",
            role=role,
            store=None if role in ("owner", "analyst") else store,
        )
    adopt("restaurant", by=Staff.objects.get(role="owner"))


def live(shop: Shop) -> None:
    begin()
    away = [
        {**row, "消费时间": str(TODAY - timedelta(days=40 + 7 * k))}
        for k, row in enumerate(receipts(1, 5, start=90))
    ]
    shop.take_in([*receipts(2, visits=6), *away])
    daily.run_day(TODAY)


def people() -> dict[str, Staff]:
    by_role = {person.role: person for person in Staff.objects.all()}
    return {role: by_role[role] for role in HOUSE_ROLES}


@pytest.fixture
def members(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Two members who earn, and a customer with a phone who is none."""
    monkeypatch.setattr("regulars.sales.actions.today", lambda: TODAY)

    def live() -> None:
        program.open_program("tiers", date(2026, 10, 1), by=house.staff["owner"])
        house.shop.take_in(receipts(2, visits=6))
        house.shop.take_in(
            [{"订单号": "P1", "消费时间": f"{TODAY} 12:00:00", "手机号": "13933229999", "实收金额": "58.00"}]
        )
        daily.run_day(TODAY)

    house.shop.again("two members", live)
    cache.clear()
    return House(house.shop, people())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[timedelta]:
    """The instant of the door: put a span in, and it is that much later."""
    later = [timedelta()]
    begin = doors.clock()
    monkeypatch.setattr("regulars.web.doors.clock", lambda: begin + later[0])
    monkeypatch.setattr("regulars.web.throttle.now", lambda: later[0].total_seconds())
    return later
