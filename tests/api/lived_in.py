"""A small shop with everything that the API speaks of, made once for a test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from tests.shops import KEY, again

from regulars import daily
from regulars.care.models import Task
from regulars.grading.actions import adopt
from regulars.shop.actions import add_staff, found_business, make_token
from regulars.shop.home import Home
from regulars.shop.models import Staff, Store

DAY = date(2026, 8, 20)
PASSWORD = "nine-red-peppers"


@dataclass
class LivedIn:
    """The owner, a waitress, an analyst, and the keys that programs of theirs use."""

    owner: Staff
    waitress: Staff
    analyst: Staff
    keys: dict[str, str]

    def header(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[who]}"}


def open_shop(folder: Path) -> LivedIn:
    """A restaurant with forty customers, imported, graded and planned on DAY."""
    Home.find().make()
    (folder / "key").write_bytes(KEY)
    again(folder, "forty customers", lambda: _live(folder))
    staff = {s.email.split("@")[0]: s for s in Staff.objects.all()}
    return LivedIn(staff["lin"], staff["zhou"], staff["fang"], dict(_KEYS))


_KEYS: dict[str, str] = {}
"""What programs were given, who → the key: the shop itself keeps digests only."""


def _live(folder: Path) -> None:
    _, owner = found_business(
        name="老灶", trade="restaurant", owner_email="lin@example.com", owner_name="林", password=PASSWORD
    )
    adopt("restaurant", by=owner)
    store = Store.objects.get()
    waitress = add_staff(name="小周", email="zhou@example.com", role="front-desk", store=store, by=owner)
    analyst = add_staff(name="小方", email="fang@example.com", role="analyst", by=owner)
    daily.take_in([sales(folder / "till.csv")], by=owner)
    daily.run_day(DAY)
    _KEYS.update(
        {s.email.split("@")[0]: make_token(s, "test", by=owner)[1] for s in (owner, waitress, analyst)}
    )


def sales(file: Path) -> Path:
    lines = ["单号,手机号,姓名,会员卡号,时间,实收金额"]
    n = 0
    for customer in range(1, 41):
        gap = 3 + customer % 9
        for k in range(2 + customer % 7):
            n += 1
            day = DAY - timedelta(days=k * gap + customer % 4)
            card = f"K{customer:04}" if customer % 2 else ""
            lines.append(
                f"R{n:05},199{customer:08},王{customer},{card},{day} 12:{n % 60:02}:00,{300 + customer * 40}.50"
            )
    lines.append(f"R99999,坏,李,,{DAY} 12:00:00,三百")
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def a_task() -> Task:
    return Task.objects.filter(state="open").order_by("place")[0]
