"""Do members come back? Members against those who are none, by the month in which they joined or first came.

Who joins is mostly somebody who would have come anyway, so a difference here is no proof of what the card brings; that
takes a group that is held out. But members who do not come show that joining alone was worth nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from regulars.customers.models import Customer, Portrait
from regulars.membership.models import Member
from regulars.membership.rules.terms import months_after
from regulars.shop import bulk

ACTIVE_DAYS = 90

_CUSTOMER, _PORTRAIT, _MEMBER = (m._meta.db_table for m in (Customer, Portrait, Member))


@dataclass(frozen=True)
class Group:
    """How many people, how many of them have been here again since, how many in the last 90 days, and what they spend on
    average in 12 months (fen)."""

    people: int = 0
    again: int = 0
    active: int = 0
    spend: int = 0

    @property
    def again_share(self) -> float | None:
        return self.again / self.people if self.people else None

    @property
    def active_share(self) -> float | None:
        return self.active / self.people if self.people else None

    def record(self) -> dict[str, Any]:
        return {"people": self.people, "again": self.again, "active": self.active, "spend": self.spend / 100}


@dataclass(frozen=True)
class Cohort:
    """One month: those who joined in it, and those who first came in it and never joined."""

    month: date
    members: Group
    others: Group

    def record(self) -> dict[str, Any]:
        return {
            "month": self.month.strftime("%Y-%m"), "members": self.members.record(), "others": self.others.record(),
        }  # fmt: skip


def cohorts(on: date, months: int = 12) -> list[Cohort]:
    """The last months up to this day, oldest first. From the portraits of the last grading: one pass over them."""
    first = months_after(on.replace(day=1), -(months - 1))
    since = (on - timedelta(days=ACTIVE_DAYS - 1)).isoformat()
    root = "COALESCE(c.merged_into_id, c.id)"
    month = "to_char({day}, 'YYYY-MM')" if bulk.is_postgres() else "strftime('%%Y-%%m', {day})"
    ever = f"SELECT {root} AS customer, MIN(m.joined_on) AS day FROM {_MEMBER} m JOIN {_CUSTOMER} c ON c.id = m.customer_id"
    joined = f"{ever} WHERE m.left_on IS NULL GROUP BY {root}"
    columns = "COUNT(*), SUM(CASE WHEN p.last_visit_on > {day} THEN 1 ELSE 0 END), SUM(CASE WHEN p.last_visit_on >= %s THEN 1 ELSE 0 END), AVG(p.spend_in_12_months)"
    members = bulk.rows(
        f"SELECT {month.format(day='j.day')}, {columns.format(day='j.day')} FROM ({joined}) j "
        f"LEFT JOIN {_PORTRAIT} p ON p.customer_id = j.customer WHERE j.day >= %s AND j.day <= %s GROUP BY 1",
        [since, first.isoformat(), on.isoformat()],
    )
    others = bulk.rows(
        f"SELECT {month.format(day='p.first_visit_on')}, {columns.format(day='p.first_visit_on')} FROM {_PORTRAIT} p "
        f"WHERE p.first_visit_on >= %s AND p.first_visit_on <= %s AND NOT EXISTS "
        f"(SELECT 1 FROM ({ever} GROUP BY {root}) j WHERE j.customer = p.customer_id) GROUP BY 1",
        [since, first.isoformat(), on.isoformat()],
    )
    by_month = [
        {
            key: Group(n, int(again or 0), int(active or 0), round(spend or 0))
            for key, n, again, active, spend in rows
        }
        for rows in (members, others)
    ]
    return [
        Cohort(day, by_month[0].get(key, Group()), by_month[1].get(key, Group()))
        for day in (months_after(first, k) for k in range(months))
        for key in [day.strftime("%Y-%m")]
    ]
